"""The four notebooks themselves: their shape, and each of them run on a small invented company, from the portal to the page."""

import json
import os
import re
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import nbformat
import pytest

import bitrix24_demo as demo
import parents
import reports
import serving
from crm_reports.look import page
from crm_reports.look.publish import REPORTS
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure
from crm_reports.runs import parameters, run
from crm_reports.settings import Settings
from crm_reports.sources.bitrix24.pace import ENTERPRISE
from crm_reports.store.sync import sync
from march import ACTIVITIES
from shop import SHOP
from stores import make_store

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
SHARED = [
    "period", "pipeline", "department", "manager", "source", "stage", "loss_reason", "fields", "comparison", "as_of", "language",
]  # fmt: skip
SHOWN = {
    "overview": ["tiles", "needs_you", "dynamics", "changes"],
    "sales_dynamics": [
        "tiles", "narrow_places", "stage_conversion", "funnel", "dynamics", "new_repeat", "changes", "products", "product_sections", "managers",
        "managers_over_time", "managers_compared", "time_in_stage", "time_by_manager", "stage_matrix", "loss_reasons",
        "losses_by_stage", "losses_by_manager", "status", "sources", "deals",
    ],
    "manager_effectiveness": [
        "tiles", "narrow_places", "stage_conversion", "activity", "index_vs_results", "learn_from", "actions_over_time",
        "actions_by_manager", "week_pattern", "weights", "sensitivity",
    ],
    "forgotten_deals": [
        "tiles", "deals", "leads", "by_department", "by_manager", "by_stage", "silence", "thresholds", "nights",
    ],
    "sales_plan": [
        "tiles", "pace", "forecast", "deciding", "plan_by_manager", "plan_by_department", "plan_of_others", "pushed", "planned_changes", "backtest", "plan_by_month",
        "velocity", "cohorts", "first_answer", "first_answer_by_source",
    ],
}  # fmt: skip
PORTAL = "https://demo.bitrix24.example"


def read(report):
    return nbformat.read(NOTEBOOKS / f"{report}.ipynb", as_version=4)


def code_of(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


# ── Shape ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_there_is_a_notebook_for_every_report():
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == sorted(REPORTS)


@pytest.mark.parametrize("report", REPORTS)
def test_a_notebook_is_short_and_committed_without_outputs(report):
    cells = code_of(read(report))
    lines = [[line for line in cell.source.splitlines() if line.strip()] for cell in cells]
    assert sum(map(len, lines)) <= 45
    assert all(
        len(own) <= 6
        for cell, own in zip(cells, lines, strict=True)
        if "parameters" not in cell.metadata.get("tags", [])
    )
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert "def " not in "".join(cell.source for cell in cells)


@pytest.mark.parametrize("report", REPORTS)
def test_papermill_can_read_every_parameter_back_with_its_help(report):
    notebook = read(report)
    known = parameters.declared(notebook)
    cell = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    assert list(known)[: len(SHARED)] == SHARED
    assert len(known) == len(cell.source.splitlines())
    assert all(each.help for each in known.values())


# ── Run ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company")
    settings = Settings(home=folder, data=folder / "data", products={"read": True})
    company = demo.invent(deals=150, seed=7, today=date(2025, 3, 14), months=8, managers=5)
    with demo.serve(company, scopes=(*demo.SCOPES, "catalog")) as served:
        sync(settings, webhook=served.webhook, portal_url=PORTAL, pace=ENTERPRISE)
        return settings, served.webhook


@pytest.fixture(scope="module")
def made(home, _parent):
    settings, _secret = home
    with parents.lent():
        return {report: serving.made(settings, report, settings.home / "out", period="2025-Q1") for report in REPORTS}


@pytest.mark.parametrize("report", REPORTS)
def test_a_report_comes_out_whole(made, report):
    record = made[report]
    assert (record.error, record.state) == ("", "complete")
    assert [path.suffix for path in record.files] == [".ipynb", ".html", ".xlsx", ".json"]


@pytest.mark.parametrize("report", REPORTS)
def test_the_numbers_of_a_report_are_there_to_be_read_by_machines(made, report):
    whole = json.loads(made[report].files[3].read_text("utf-8"), parse_constant=pytest.fail)
    assert list(whole["elements"]) == SHOWN[report]
    assert whole["filters"]["period"]["start"] == "2025-01-01"
    assert (whole["as_of"], whole["currency"]) == ("2025-03-13T21:00:00+00:00", "RUB")
    for element in whole["elements"].values():
        names = [column["name"] for column in element["columns"]]
        assert all(set(row) == set(names) for row in element["rows"])


def test_the_parts_of_the_managers_table_sum_to_its_total_and_to_the_tiles(made):
    elements = json.loads(made["sales_dynamics"].files[3].read_text("utf-8"))["elements"]
    rows = elements["managers"]["rows"]
    tiles = {row["metric"]: row["value"] for row in elements["tiles"]["rows"]}
    for name in ("created", "won", "lost", "in_work", "won_money"):
        parts = sum(row[name] for row in rows if not row["is_total"])
        assert parts == pytest.approx(rows[-1][name]) == pytest.approx(tiles[name])


# Every number that the definitions name; each is a figure of its own somewhere, not only a word of the glossary.
NAMES = [
    "created", "created_money", "won", "won_money", "lost", "lost_money", "lost_share", "average_check", "median_check", "cycle_days", "median_cycle_days",
    "in_work", "in_work_money", "conversion", "win_rate", "cohort_conversion", "new_customers", "repeat_customers", "repeat_share", "customers",
    "reached", "visited", "cohort_reached", "stage_conversion", "stage_days", "median_stage_days", "days_in_current_stage",
    "calls", "meetings", "emails", "crm_activities", "comments", "stage_moves", "actions", "activity_index",
    "forgotten", "forgotten_money", "forgotten_share", "no_next_step", "next_step_overdue", "days_silent", "money_at_risk",
    "sold_money", "sold_quantity", "discount_share", "deals_with_products",
]  # fmt: skip


def figures(element):
    """The numbers that an element measures of many deals: columns of a table that is no list, and tiles."""
    rows = [row for row in element["rows"] if "deal_id" not in row]
    return {name for row in rows for name, value in row.items() if value is not None} | {
        row["metric"] for row in rows if row.get("metric") and row["value"] is not None
    }


def test_every_number_that_is_defined_is_a_figure_of_its_own_in_some_report(made):
    reports = [json.loads(record.files[3].read_text("utf-8"))["elements"] for record in made.values()]
    shown = {name for elements in reports for element in elements.values() for name in figures(element)}
    assert [name for name in NAMES if name not in shown] == []


@pytest.mark.parametrize("report", REPORTS)
def test_nothing_of_the_webhook_is_left_in_any_file(home, made, report):
    code = home[1].rstrip("/").split("/")[-1]
    for path in made[report].files:
        content = path.read_bytes()
        assert code.encode() not in content
        assert home[1].split("/")[2].encode() not in content


def test_a_report_about_one_manager_says_so_and_keeps_to_him(home):
    settings, _secret = home
    record = run.run(
        "sales_dynamics", {"period": "2025-Q1", "manager": ["5"]}, settings=settings, out=settings.home / "one"
    )
    whole = json.loads(record.files[3].read_text("utf-8"))
    assert [each["id"] for each in whole["filters"]["manager"]] == ["5"]
    assert {row["manager_id"] for row in whole["elements"]["managers"]["rows"] if not row["is_total"]} == {"5"}
    assert re.search(r"--manager-5\.html$", str(record.files[1]))


# ── One manager's own page ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def own(home, _parent):
    """Manager effectiveness of manager 5 alone: the four files' text by suffix, and what the store knows of others."""
    settings, _secret = home
    given = {"period": "2025-Q1", "manager": ["5"]}
    with parents.lent():
        record = serving.made(settings, "manager_effectiveness", settings.home / "own", **given)
    assert (record.error, record.state) == ("", "complete")
    return settings, {path.suffix: _text(path) for path in record.files}


def _text(path):
    if path.suffix != ".xlsx":
        return path.read_text("utf-8")
    with zipfile.ZipFile(path) as book:
        return "\n".join(book.read(name).decode() for name in book.namelist())


def test_a_manager_s_own_page_names_nobody_else_and_no_deal_of_anybody_else(own):
    settings, files = own
    ds = load(period="2025-Q1", settings=settings)
    others = [name for id, name in ds.names.managers["manager"].items() if id not in ("", "5")]
    words = {*others, *(part for name in others for part in name.split() if len(part) > 4)}
    words -= set(ds.names.managers.loc["5", "manager"].split())
    is_his = ds.deals["manager_id"] == "5"  # the rows behind his numbers are his own deals
    theirs, his = ({*deals["title"], *deals["customer"]} for deals in (ds.deals[~is_his], ds.deals[is_his]))
    words |= {text for text in theirs if len(text) > 4 and not any(text in own for own in his)}
    assert len(words) > 100
    for suffix, text in files.items():
        there = set(re.findall(r"\w+", text))  # to look for each of hundreds of words in megabytes takes ten seconds
        may_be = [word for word in words if there.issuperset(re.findall(r"\w+", word))]
        assert [word for word in may_be if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)] == [], suffix


def test_a_manager_s_own_page_holds_nobody_else_s_id_or_row(own):
    _settings, files = own
    whole = json.loads(files[".json"])
    for element in whole["elements"].values():
        for row in element["rows"]:
            assert {row[key] for key in row if key.endswith(("manager_id", "other_id"))} <= {"5", "", None}
    marks = re.findall(r"manager:(\w+)", files[".html"]) + re.findall(r'"manager_id": ?"(\w+)"', files[".ipynb"])
    assert set(marks) <= {"5"}
    traces = re.findall(r'"meta": ?"(\w+)"', files[".ipynb"])
    assert set(traces) <= {"5", "week", "month", "quarter", "year"}


def test_a_manager_s_own_page_sets_him_beside_the_team_s_median(own):
    settings, files = own
    rows = json.loads(files[".json"])["elements"]["activity"]["rows"]
    assert [row["manager_id"] for row in rows] == ["5", ""]
    indexes = measure(load(period="2025-Q1", settings=settings), ["activity_index"], by="manager")["activity_index"]
    assert rows[1]["activity_index"] == pytest.approx(indexes.median())
    assert "who_moves" not in files[".json"]


def test_a_team_of_few_has_no_median_that_would_tell_on_one_of_them(tmp_path):
    bundles = reports.shown(
        "manager_effectiveness", make_store(tmp_path, **SHOP, activities=ACTIVITIES), manager=["1"], **MARCH
    )
    rows = reports.elements(bundles)["activity"]["rows"]
    assert [row["manager_id"] for row in rows] == ["1"]


# ── Slices ───────────────────────────────────────────────────────────────────────────────────────────────────────────

MARCH = {"period": "2025-03", "as_of": "2025-04-01"}
SLICES = {
    "everything": {}, "one manager": {"manager": ["2"]}, "a department": {"department": ["Moscow"]},
    "a source": {"source": ["Website"]}, "a pipeline": {"pipeline": ["Retail"]},
    "one deal": {"pipeline": ["Retail"], "manager": ["2"]}, "nothing": {"source": ["Call"], "manager": ["2"]},
    "long ago": {"period": "2019-01"},
    "nobody of that department": {"department": ["Kazan"], "manager": ["1"], "comparison": "year_ago", "period": "last_month"},
    "nobody, but for a stage": {"department": ["Kazan"], "manager": ["1"], "exclude_stages": ["REQ"]}, "a stage": {"stage": ["REQ"]}, "a reason": {"loss_reason": ["Too expensive"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("shop"), **SHOP, activities=ACTIVITIES)


@pytest.mark.parametrize("report", REPORTS)
@pytest.mark.parametrize("slice_", SLICES)
def test_any_slice_gives_a_page_without_an_error_or_an_empty_chart_without_a_sentence(shop, report, slice_):
    bundles = reports.shown(report, shop, **MARCH | SLICES[slice_])
    shown = reports.elements(bundles)
    assert set(shown) - {"header", "glossary"} <= set(SHOWN[report])
    for bundle in bundles:
        element, figure = bundle[page.ELEMENT], bundle.get(page.FIGURE, {"data": [1]})
        words = [
            *(note.get("text") for note in figure.get("layout", {}).get("annotations", ())),
            element.get("missing"),
        ]
        assert figure["data"] or (any(words) and not element["rows"]), element["id"]


@pytest.mark.parametrize("report", REPORTS)
def test_of_a_month_that_has_just_begun_without_a_plan_every_report_is_made(shop, report):
    assert reports.elements(reports.shown(report, shop, period="this_month", as_of="2025-04-01"))


def test_a_report_about_one_manager_leaves_out_what_only_compares(shop):
    whole = reports.elements(reports.shown("sales_dynamics", shop, **MARCH))
    one = reports.elements(reports.shown("sales_dynamics", shop, **MARCH, manager=["1"]))
    assert set(whole) - set(one) == {"managers_compared", "stage_conversion", "time_by_manager", "losses_by_manager"}


def test_a_manager_who_did_nothing_has_a_page_of_sentences(shop):
    shown = reports.elements(reports.shown("manager_effectiveness", shop, **MARCH, manager=["2"], source=["Call"]))
    assert shown["index_vs_results"]["rows"] == []
    assert shown["index_vs_results"]["missing"].startswith("Fewer than 5 people can be compared")
    assert shown["activity"]["idle"]  # the head says once that nothing happened


@pytest.mark.parametrize("report", REPORTS)
def test_a_source_without_history_actions_or_amounts_says_so_and_goes_on(tmp_path, report):
    bare = [row | {"amount": None} for row in SHOP["deals"]]
    store = make_store(tmp_path, deals=bare, companies=None, sources=None)
    shown = reports.elements(reports.shown(report, store, **MARCH))
    said = [element.get("missing") for element in shown.values()] + [row["note"] for row in shown["tiles"]["rows"]]
    assert any(said)


def test_a_notebook_runs_cell_by_cell_as_an_analyst_runs_it(home):
    settings, _secret = home
    environment = os.environ | {"CRM_REPORTS_DATA": str(settings.data), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-W",
        "default",
        "--nbval-lax",
        "overview.ipynb",
    ]
    done = subprocess.run(command, cwd=NOTEBOOKS, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
