"""The panel in JupyterLab: what is chosen there is what the cells below are about, and what its page is made of."""

from types import SimpleNamespace

import pytest
from IPython.display import Javascript

from crm_reports.runs import alone, panel
from crm_reports.runs.surroundings import SESSION, clean
from crm_reports.settings import Settings
from notebooks import WHOLE, write
from stores import deal, make_store

PARAMETERS = """\
period: str = "2025-03"  # the period to report
department: list = []  # empty for all
manager: list = []  # empty for every manager
as_of: str = "2025-04-01"  # as known then
comparison: str = "previous"  # or none
"""
MARCH = {"period": "2025-03", "department": [], "manager": [], "as_of": "2025-04-01", "comparison": "previous"}
PEOPLE = [
    {"manager_id": "1", "name": "Anna", "department_id": "2", "active": True},
    {"manager_id": "2", "name": "<b>Boris", "department_id": "3", "active": True},
]
TREE = [
    {"department_id": "1", "name": "Company"}, {"department_id": "2", "name": "Sales", "parent_id": "1"},
    {"department_id": "3", "name": "Moscow", "parent_id": "2"},
]  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """A workspace with a report of its own, and a store of two people in two departments, one below the other."""
    home = tmp_path_factory.mktemp("home")
    (home / "reports.toml").write_text('time_zone = "UTC"')
    write(home / "notebooks" / "mine.ipynb", *WHOLE, parameters=PARAMETERS)
    deals = [deal(1, "2025-03-02"), deal(2, "2025-03-03", manager_id="2")]
    make_store(home / "data", deals=deals, managers=PEOPLE, departments=TREE)
    return Settings.read(home / "reports.toml")


@pytest.fixture
def begin(settings, monkeypatch):
    """What makes a panel over the names that a notebook has, as running its cell does; what the editor was told is in `ran`."""
    monkeypatch.setattr(panel, "_last", {})
    ran = []
    monkeypatch.setattr(panel, "display", ran.append)

    def made(names):
        return panel.Panel("mine", names, settings)

    made.ran = ran
    return made


def test_it_offers_the_names_of_the_portal_and_departments_below_one_another(begin):
    fields = begin(dict(MARCH)).fields
    assert list(fields) == ["period", "department", "manager"]
    assert [label for label, _id in fields["department"].options] == ["Company", "\u2003Sales", "\u2003\u2003Moscow"]
    assert [(label.partition(" · ")[0], id) for label, id in fields["manager"].options] == [
        ("Anna", "1"),
        ("<b>Boris", "2"),
    ]


def test_it_begins_with_what_the_notebook_has_set_however_it_was_typed(begin):
    made = begin(MARCH | {"manager": ["anna"], "period": "2025-02"})
    assert made.chosen() == {"period": "2025-02", "department": [], "manager": ["1"]}


def test_show_gives_the_notebook_what_was_chosen_and_runs_the_cells_below(begin):
    names = MARCH | {"comparison": "none"}
    made = begin(names)
    made.fields["period"].value, made.fields["manager"].value = " 2025-02 ", ("2",)
    made.buttons[0].click()
    assert names == MARCH | {"comparison": "none", "period": "2025-02", "manager": ["2"]}
    assert [type(shown) for shown in begin.ran] == [Javascript]
    assert begin.ran[0].data == panel.RUN_BELOW
    assert made.message.value.startswith("February 2025 · Manager: &lt;b&gt;Boris.")


def test_what_was_chosen_outlives_the_parameters_cell_until_that_is_changed(begin):
    first = begin(dict(MARCH))
    first.fields["manager"].value = ("2",)
    first.buttons[0].click()
    run_again = dict(MARCH)  # Run All: the parameters cell has set its own again
    assert begin(run_again).chosen()["manager"] == ["2"]
    assert run_again["manager"] == ["2"]
    edited = MARCH | {"manager": ["1"]}
    assert begin(edited).chosen()["manager"] == ["1"]
    assert edited["manager"] == ["1"]


def test_what_can_not_be_meant_is_a_sentence_and_changes_nothing(begin):
    names = dict(MARCH)
    made = begin(names)
    made.fields["period"].value = "<i>soon"
    made.buttons[0].click()
    assert made.message.value.startswith("period &#x27;&lt;i&gt;soon&#x27; is not understood; write a day, week")
    assert (names, begin.ran) == (MARCH, [])


def test_publish_makes_the_page_of_what_is_chosen_as_a_run_of_the_command_would(begin, settings, monkeypatch):
    calls = []

    def run(report, given, *, settings, out):
        calls.append((report, given, out))
        return alone.Made(files=(out / "mine.html",))

    monkeypatch.setattr(panel.alone, "run", run)
    monkeypatch.setattr(panel.os, "fork", None, raising=False)
    made = begin(MARCH | {"comparison": "none"})
    made.fields["manager"].value = ("2",)
    made.buttons[1].click()
    assert calls == [("mine", {"manager": ["2"], "comparison": "none"}, settings.home / "output" / "mine")]
    assert made.message.value == "Made of the notebook as it was saved last:<br>output/mine/mine.html"
    monkeypatch.setattr(panel.alone, "run", lambda *_given, **_named: alone.Made(error="Who? <b>: no such"))
    made.buttons[1].click()
    assert made.message.value == "Who? &lt;b&gt;: no such"


@pytest.mark.parametrize("kernel", [None, object()], ids=["a night", "JupyterLab"])
def test_it_is_shown_where_somebody_can_press_its_buttons_and_a_night_shows_nothing(
    begin, settings, monkeypatch, kernel
):
    shell = SimpleNamespace(user_ns=dict(MARCH), kernel=kernel)
    monkeypatch.setattr(panel, "get_ipython", lambda: shell)
    monkeypatch.setattr(panel.Settings, "read", classmethod(lambda cls, *_given: settings))
    panel.panel()  # nothing says which notebook is open
    assert begin.ran == []
    monkeypatch.setenv(SESSION, "reports/mine.ipynb")
    panel.panel()
    assert [type(shown).__name__ for shown in begin.ran] == (["VBox"] if kernel else [])


def test_a_page_s_process_does_not_know_that_it_was_asked_for_in_jupyterlab(monkeypatch, tmp_path):
    monkeypatch.setenv(SESSION, "mine.ipynb")
    assert SESSION not in clean({}, tmp_path)
