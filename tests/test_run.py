"""A notebook and its parameters → four files, or a sentence and none."""

import json
from datetime import UTC, datetime

import nbformat
import openpyxl
import pytest

from crm_reports import run as runs
from crm_reports.errors import FilterError, StoreError
from crm_reports.run import run, without_secrets
from crm_reports.settings import Settings
from notebooks import WHOLE, write
from stores import at, deal, make_store, moves

WEBHOOK = "https://portal.example/rest/1/topsecret/"


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """A store of two deals won in March 2025: 100 of Anna's and 250 of Boris's."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK)
    won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00")}
    (tmp_path / "reports.toml").write_text('time_zone = "UTC"')
    make_store(
        tmp_path / "data",
        deals=[
            deal(1, "2025-03-02 10:00", **won),
            deal(2, "2025-03-03 10:00", **won | {"manager_id": "2", "amount": 250.0}),
        ],
        stage_history=[
            *moves(1, ("2025-03-02 10:00", "NEW"), ("2025-03-20 10:00", "WON")),
            *moves(2, ("2025-03-03 10:00", "NEW"), ("2025-03-20 10:00", "WON")),
        ],
    )
    return Settings.read()


def _run(settings, *cells, given=None, **options):
    write(settings.home / "notebooks" / "mine.ipynb", *cells)
    return run("mine", given or {}, settings=settings, out=settings.home / "out", **options)


@pytest.fixture
def record(settings):
    return _run(settings, *WHOLE, given={"manager": ["Boris"]})


def _names(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_run_leaves_four_files_and_says_which(record, settings):
    name = "mine--2025-03--manager-2--as-of-2025-04-01"
    assert (record.state, record.error) == ("complete", "")
    assert [path.name for path in record.files] == [f"{name}.{each}" for each in ("ipynb", "html", "xlsx", "json")]
    assert _names(settings.home / "out") == sorted(path.name for path in record.files)


def test_the_json_holds_filters_with_ids_and_raw_numbers(record):
    held = json.loads(record.files[3].read_text())
    assert held["report"] == "mine"
    assert held["parameters"] == {
        "period": "2025-03", "manager": ["Boris"], "as_of": "2025-04-01", "forgotten_after": 14,
    }  # fmt: skip
    assert held["filters"]["manager"] == [{"id": "2", "name": "Boris"}]
    assert (held["as_of"][:10], held["currency"]) == ("2025-04-01", "RUB")
    assert datetime.fromisoformat(held["synced_at"]) == datetime(2030, 1, 1, tzinfo=UTC)
    assert [each["name"] for each in held["elements"]["managers"]["columns"]][:1] == ["manager"]
    boris, total = held["elements"]["managers"]["rows"]
    assert (boris["manager"], boris["manager_id"], boris["won"], boris["won_money"]) == ("Boris", "2", 1, 250)
    assert (total["is_total"], total["won_money"]) == (True, 250)


def test_the_workbook_has_a_sheet_per_element(record):
    with openpyxl.load_workbook(record.files[2]) as book:
        assert "Managers" in book.sheetnames


def test_the_page_holds_the_elements_and_no_code_unless_asked(record, settings):
    assert "Anna brings it" in record.files[1].read_text()
    assert "crm.measure" not in record.files[1].read_text()
    shown = _run(settings, *WHOLE, show_code=True)
    assert "crm.measure" in shown.files[1].read_text()


def test_the_executed_notebook_says_how_to_make_it_again_and_nothing_about_the_machine(record, settings):
    notebook = nbformat.read(record.files[0], as_version=4)
    nbformat.validate(notebook)
    made = notebook.metadata["crm_reports"]
    assert made["notebook"] == "mine.ipynb"
    assert len(made["notebook_sha256"]) == 64
    assert made["synced_at"] == "2030-01-01T00:00:00+00:00"
    assert notebook.metadata["papermill"]["parameters"] == {"manager": ["Boris"]}
    for path in record.files[:2]:
        assert str(settings.home) not in path.read_text()
        assert "topsecret" not in path.read_text()


def test_the_record_says_what_the_page_is_about_and_its_first_finding(record):
    assert record.about == "2025-03-01 – 2025-03-31 · Manager: Boris"
    assert record.headline == "Anna brings it"


def test_everything_that_means_nothing_is_told_at_once_and_no_kernel_starts(settings, monkeypatch):
    monkeypatch.setattr(runs, "execute", None)
    with pytest.raises(FilterError) as told:
        _run(
            settings,
            *WHOLE,
            given={"manger": "Anna", "forgotten_after": "soon", "manager": "Borris", "period": "2025-14"},
        )
    said = str(told.value).splitlines()
    assert said[0] == "report 'mine' has no parameter 'manger'; near: manager"
    assert said[1] == "parameter 'forgotten_after' is 'soon'; allowed: a whole number"
    assert any("'2025-14'" in line for line in said)
    assert any("'Borris' is not known; near: Boris (ID 2" in line for line in said)
    assert not (settings.home / "out").exists()


def test_an_unknown_report_names_the_near_ones(settings):
    write(settings.home / "notebooks" / "sales_dynamics.ipynb")
    with pytest.raises(FilterError, match="there is no report 'sales_dynamic'; near: sales_dynamics"):
        run("sales_dynamic", {}, settings=settings, out=settings.home / "out")


def test_without_a_store_a_run_says_what_to_do(settings):
    settings.store_path.unlink()
    with pytest.raises(StoreError, match="run `crm-reports sync`"):
        _run(settings, *WHOLE)


def test_the_parameters_of_one_report_are_in_the_name_when_they_differ_from_its_defaults(settings):
    write(settings.home / "notebooks" / "mine.ipynb")
    plans = [
        runs.prepare("mine", given, settings=settings).slug
        for given in ({"forgotten_after": 14}, {"forgotten_after": 30})
    ]
    assert plans[1] == f"{plans[0]}--forgotten-after-30"


def test_a_failing_notebook_says_where_and_what_and_is_kept_but_not_published(settings):
    cells = (*WHOLE, "## Where does it break?", f"open('/srv/secret/place/{WEBHOOK}')")
    record = _run(settings, *cells)
    assert record.state == "failed"
    assert record.error.startswith("Where does it break?: FileNotFoundError: ")
    assert "topsecret" not in record.error
    assert "/srv" not in record.error
    assert record.files == ()
    assert not (settings.home / "out").exists()
    (kept,) = (settings.data / "failed").iterdir()
    assert "FileNotFoundError" in kept.read_text()


def test_our_own_errors_speak_for_themselves(settings):
    record = _run(settings, WHOLE[1], "crm.measure(ds, ['winrate'], by='manager')")
    assert record.error.startswith("no metric called 'winrate'")


def test_a_kernel_that_dies_is_a_failed_run(settings):
    record = _run(settings, "import os; os._exit(1)")
    assert record.state == "failed"
    assert "Kernel died" in record.error


def test_a_failure_does_not_replace_the_page_that_is_there(settings):
    before = _run(settings, *WHOLE).files[1].read_bytes()
    record = _run(settings, *WHOLE, "1 / 0")
    assert record.error == "Who brings the money?: ZeroDivisionError: division by zero"
    assert (settings.home / "out" / f"mine--{record.slug}.html").read_bytes() == before


CHART = """\
from plotly.graph_objects import Figure
crm.show(Figure(), 'dynamics', data=crm.measure(ds, ['won'], by='manager'))
"""


@pytest.mark.parametrize(
    ("cells", "told"),
    [
        ((WHOLE[3],), "the notebook shows no header"),
        ((WHOLE[1], WHOLE[3], WHOLE[3]), "2 elements are called 'managers'"),
        ((WHOLE[1], CHART), "chart 'dynamics' draws nothing and has 2 rows"),
        (
            (WHOLE[1], "class Torn:\n    def _repr_html_(self): raise ValueError('torn')\nTorn()"),
            "ValueError: torn",
        ),
    ],
)
def test_a_page_that_is_not_whole_is_not_published(settings, cells, told):
    record = _run(settings, *cells)
    assert record.state == "failed"
    assert told in record.error
    assert not (settings.home / "out").exists()
    assert len(list((settings.data / "failed").iterdir())) == 1


def test_nothing_in_the_json_is_no_number():
    elements = [
        {"kind": "header", "id": "header", "as_of": "x"},
        {
            "kind": "tiles",
            "id": "tiles",
            "title": "",
            "columns": [],
            "rows": [{"value": float("nan"), "n": float("inf")}],
        },
        {"kind": "table", "id": "deals", "title": "", "columns": [], "rows": [], "missing": "no data"},
    ]
    plan = runs.Plan("mine", {}, {}, "slug", None, "en", "", {})
    held = json.loads(runs.as_json(plan, elements), parse_constant=pytest.fail)
    assert held["elements"]["tiles"]["rows"] == [{"value": None, "n": None}]
    assert held["elements"]["deals"]["missing"] == "no data"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "[Errno 2] No such file or directory: '/home/anna/data/x.csv'",
            "[Errno 2] No such file or directory: '…/x.csv'",
        ),
        (f"404 for url {WEBHOOK}crm.deal.list?start=0", "404 for url …"),
        (r"can't read C:\Users\anna\x.csv", "can't read …/x.csv"),
        ("won / (won + lost) and 1/2", "won / (won + lost) and 1/2"),
    ],
)
def test_addresses_and_folders_are_not_told(text, told):
    assert without_secrets(text) == told
