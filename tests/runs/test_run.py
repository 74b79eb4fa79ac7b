"""A notebook and its parameters → four files, or a sentence and none."""

import json
from dataclasses import replace
from datetime import UTC, datetime

import nbformat
import openpyxl
import pytest

from crm_reports.errors import FilterError, RunError, StoreError
from crm_reports.look.mime import ROWS
from crm_reports.metrics import registry
from crm_reports.runs import alone, execution, preparation
from crm_reports.runs import run as runs
from crm_reports.runs.execution import without_secrets
from crm_reports.runs.run import run
from crm_reports.settings import Settings
from notebooks import WHOLE, write
from stores import at, deal, make_store, moves

WEBHOOK = "https://portal.example/rest/1/topsecret/"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A store of two deals won in March 2025: 100 of Anna's and 250 of Boris's."""
    home = tmp_path_factory.mktemp("home")
    (home / "reports.toml").write_text('time_zone = "UTC"')
    won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00")}
    make_store(
        home / "data",
        deals=[
            deal(1, "2025-03-02 10:00", **won),
            deal(2, "2025-03-03 10:00", **won | {"manager_id": "2", "amount": 250.0}),
        ],
        stage_history=[
            *moves(1, ("2025-03-02 10:00", "NEW"), ("2025-03-20 10:00", "WON")),
            *moves(2, ("2025-03-03 10:00", "NEW"), ("2025-03-20 10:00", "WON")),
        ],
    )
    return home


@pytest.fixture(scope="module")
def settings(home):
    return Settings.read(home / "reports.toml", home / "data")


@pytest.fixture(scope="module")
def record(settings, home):
    """The report of Boris's March, made by a real kernel."""
    write(home / "notebooks" / "mine.ipynb", *WHOLE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK)
        return run("mine", {"manager": ["Boris"]}, settings=settings, out=home / "out")


def _run(settings, name, *cells):
    write(settings.home / "notebooks" / f"{name}.ipynb", *cells)
    return run(name, {}, settings=settings, out=settings.home / name)


def _executed(settings, record, *outputs):
    """The whole notebook's run again without a kernel, its last cell showing `outputs` as well."""
    plan = preparation.prepare("mine", {"manager": ["Boris"]}, settings=settings)
    notebook = nbformat.read(record.files[0], as_version=4)
    notebook.cells[-1].outputs += outputs
    return execution.Executed(plan, datetime(2030, 1, 1, tzinfo=UTC), notebook)


def test_a_run_leaves_four_files_and_says_which(record, settings):
    name = "mine--2025-03--manager-2--as-of-2025-04-01"
    assert (record.state, record.error) == ("complete", "")
    assert [path.name for path in record.files] == [f"{name}.{each}" for each in ("ipynb", "html", "xlsx", "json")]
    assert sorted((settings.home / "out").iterdir()) == sorted(record.files)


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


def test_what_was_not_asked_for_is_made_later_of_the_notebook_and_is_the_same(record, settings, tmp_path):
    executed = _executed(settings, record)
    bare = runs.complete(executed, settings=settings, out=tmp_path, kinds=("html", "ipynb"))
    assert [path.suffix for path in sorted(tmp_path.iterdir())] == [".html", ".ipynb"]
    assert [path.read_text() for path in bare.files] == [path.read_text() for path in record.files[:2]]
    data, book = (runs.file_of(executed.plan, bare.files[0], kind) for kind in ("json", "xlsx"))
    assert data.read_text() == record.files[3].read_text()
    assert _cells(book) == _cells(record.files[2])


def test_the_rows_behind_its_numbers_lie_beside_the_page_in_place_of_those_of_the_page_before(
    record, settings, tmp_path
):
    def made(rows):
        output = nbformat.v4.new_output("display_data", {ROWS: {"elements": {"managers": {"ways": {"won": rows}}}}})
        files = runs.complete(
            _executed(settings, record, output), settings=settings, out=tmp_path, rows=runs.BESIDE
        ).files
        return next(path for path in files if path.suffix == ".js"), files

    before, _files = made([1])
    after, files = made([2])
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert before.name != after.name
    page = next(path for path in files if path.suffix == ".html").read_text()
    assert f'"rows":{{"address":"{after.name}","leads":{{"managers":["won"]}}' in page
    assert 'class="behind"' not in page


def _cells(book):
    return {sheet.title: list(sheet.values) for sheet in openpyxl.load_workbook(book)}


def test_a_metric_of_the_notebooks_own_has_its_words_in_the_workbook_whatever_was_asked_for(
    record, settings, tmp_path, monkeypatch
):
    def ours(deals):
        """What only this notebook knows."""

    ours.__module__ = "__main__"
    own = replace(registry.METRICS["won"], name="ours", compute=ours)
    monkeypatch.setitem(registry.METRICS, "ours", own)
    made = runs.complete(_executed(settings, record), settings=settings, out=tmp_path, kinds=("html",))
    assert [path.suffix for path in made.files] == [".ipynb", ".html", ".xlsx", ".json"]


def test_the_workbook_has_a_sheet_per_element(record):
    assert "Managers" in openpyxl.load_workbook(record.files[2]).sheetnames


def test_the_page_leads_to_the_workbook_beside_it(record):
    assert f'<a href="{record.files[2].name}">Excel</a>' in record.files[1].read_text()


def test_the_page_holds_the_elements_and_no_code_unless_asked(record, settings, tmp_path):
    assert "Anna brings it" in record.files[1].read_text()
    assert "crm.measure" not in record.files[1].read_text()
    shown = runs.complete(_executed(settings, record), settings=settings, out=tmp_path, show_code=True)
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
    assert record.about == "March 2025 · Manager: Boris"
    assert record.headline == "Anna brings it"


def test_everything_that_means_nothing_is_told_at_once_and_no_kernel_starts(record, settings, monkeypatch, tmp_path):
    monkeypatch.setattr(runs, "execute", None)
    given = {"manger": "Anna", "forgotten_after": "soon", "manager": "Borris", "period": "2025-14"}
    with pytest.raises(FilterError) as told:
        run("mine", given, settings=settings, out=tmp_path / "out")
    said = str(told.value).splitlines()
    assert said[0] == "report 'mine' has no parameter 'manger'; near: manager"
    assert said[1] == "parameter 'forgotten_after' is 'soon'; allowed: a whole number"
    assert any("'2025-14'" in line for line in said)
    assert any("'Borris' is not known; near: Boris (ID 2" in line for line in said)
    assert not (tmp_path / "out").exists()


def test_an_instant_after_the_last_sync_is_refused_and_a_language_that_there_is_not(settings, tmp_path):
    cell = 'period: str = "2025-03"  # of what\nas_of: str = ""  # when\nlanguage: str = ""  # of the page'
    write(settings.home / "notebooks" / "late.ipynb", *WHOLE, parameters=cell)
    for given, sentence in (
        # The store of these tests was synced at the midnight that began 2030.
        ({"as_of": "2030-01-01 00:01"}, "as_of 2030-01-01 00:01 is after the last sync; give an instant up to 2030-01-01 00:00, or sync first"),
        ({"language": "de"}, "language is 'de'; allowed: en, ru"),
    ):  # fmt: skip
        with pytest.raises(FilterError) as refused:
            run("late", given, settings=settings, out=tmp_path / "out")
        assert str(refused.value) == sentence


def test_an_unknown_report_names_the_near_ones(record, settings, tmp_path):
    with pytest.raises(FilterError, match="there is no report 'mien'; near: mine"):
        run("mien", {}, settings=settings, out=tmp_path)


def test_without_a_store_a_run_says_what_to_do(record, home, tmp_path):
    bare = Settings.read(home / "reports.toml", tmp_path)
    with pytest.raises(StoreError, match="run `crm-reports sync`"):
        run("mine", {}, settings=bare, out=tmp_path)


def test_the_parameters_of_one_report_are_in_the_name_when_they_differ_from_its_defaults(record, settings):
    usual, late = (preparation.prepare("mine", {"forgotten_after": days}, settings=settings).slug for days in (14, 30))
    assert late == f"{usual}--forgotten-after-30"


def test_a_failing_notebook_says_where_and_what_and_is_kept_but_not_published(settings, home):
    record = _run(settings, "broken", *WHOLE, "## Where does it break?", f"open('/srv/secret/place/{WEBHOOK}')")
    assert record.state == "failed"
    assert record.error.startswith("Where does it break?: FileNotFoundError: ")
    assert record.error.endswith(
        f" (cell [5], line 1); its notebook is kept in the data folder: failed/broken--{record.slug}.ipynb"
    )
    assert "topsecret" not in record.error
    assert "/srv" not in record.error
    assert record.files == ()
    assert not (home / "broken").exists()
    assert "FileNotFoundError" in (settings.data / "failed" / f"broken--{record.slug}.ipynb").read_text()


@pytest.mark.parametrize("way", [run, alone.run])
def test_what_lies_beside_a_notebook_can_be_imported_as_in_lab(settings, tmp_path, way):
    write(settings.home / "notebooks" / "beside.ipynb", *WHOLE, "import our_words_beside")
    (settings.home / "notebooks" / "our_words_beside.py").write_text("GREETING = 'hello'")
    assert way("beside", {}, settings=settings, out=tmp_path / "out").error == ""


def test_our_own_errors_speak_for_themselves(settings):
    record = _run(settings, "unknown", WHOLE[1], "crm.measure(ds, ['winrate'], by='manager')")
    assert record.error.startswith("no metric called 'winrate'")


def test_a_kernel_that_dies_is_a_failed_run(settings):
    record = _run(settings, "dead", "import os; os._exit(1)")
    assert (record.state, record.error) == ("failed", "DeadKernelError: Kernel died")


def _display(element=None, figure=None):
    held = {runs.ELEMENT: element, runs.FIGURE: figure, "text/html": "<p>"}
    return nbformat.v4.new_output("display_data", data={kind: value for kind, value in held.items() if value})


BARE = {"id": "dynamics", "kind": "chart", "title": "", "columns": [], "rows": [{"won": 1}, {"won": 2}]}
TRACEBACK = "Traceback (most recent call last):\n  File x\nValueError: torn"


@pytest.mark.parametrize(
    ("output", "told"),
    [
        (_display(BARE | {"id": "managers", "kind": "table"}), "2 elements are called 'managers'"),
        (_display(BARE, {"data": [], "layout": {}}), "chart 'dynamics' draws nothing and has 2 rows"),
        (_display(BARE, {"data": [{"type": "bar"}], "layout": {}}), "chart 'dynamics' is not in the page"),
        (
            nbformat.v4.new_output("stream", name="stderr", text=TRACEBACK),
            "could not show what it made: ValueError: torn",
        ),
        (nbformat.v4.new_output("error", ename="ValueError", evalue="torn"), "a cell failed: ValueError: torn"),
    ],
)
def test_a_page_that_is_not_whole_replaces_nothing(record, settings, output, told):
    before = {path: path.read_bytes() for path in record.files}
    made = runs.complete(_executed(settings, record, output), settings=settings, out=record.files[0].parent)
    assert made.state == "failed"
    assert told in made.error
    assert {path: path.read_bytes() for path in sorted(record.files[0].parent.iterdir())} == before
    assert (settings.data / "failed" / record.files[0].name).is_file()


def test_a_notebook_without_a_header_says_nothing_of_what_it_is_about(record, settings, tmp_path):
    executed = _executed(settings, record)
    executed.notebook.cells = [cell for cell in executed.notebook.cells if "crm.header" not in cell.source]
    made = runs.complete(executed, settings=settings, out=tmp_path)
    assert made.error.startswith("the notebook shows no header")


def test_a_notebook_that_can_not_be_read_is_a_sentence(record, settings, home, tmp_path):
    (home / "notebooks" / "torn.ipynb").write_text("{")
    with pytest.raises(RunError, match=r"notebook 'torn.ipynb' can't be read"):
        run("torn", {}, settings=settings, out=tmp_path)


def test_a_mistake_of_ours_fails_this_report_only(record, settings, tmp_path):
    made = runs.complete(
        _executed(settings, record, _display({"id": "odd", "kind": "table"})), settings=settings, out=tmp_path
    )
    assert (made.state, made.files) == ("failed", ())
    assert made.error


def test_nothing_in_the_json_is_no_number():
    elements = [
        {"kind": "header", "id": "header", "as_of": "x"},
        {
            "kind": "tiles",
            "id": "tiles",
            "title": "",
            "columns": [{"name": "value"}, {"name": "n"}],
            "rows": [{"n": float("inf"), "value": float("nan")}],
        },
        {"kind": "table", "id": "deals", "title": "", "columns": [], "rows": [], "missing": "no data"},
    ]
    plan = preparation.Plan("mine", {}, {}, "slug", None, "en", "", {})
    held = json.loads(runs.as_json(plan, elements), parse_constant=pytest.fail)
    assert held["elements"]["tiles"]["rows"] == [{"value": None, "n": None}]
    assert list(held["elements"]["tiles"]["rows"][0]) == ["value", "n"]
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
