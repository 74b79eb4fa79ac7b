"""The four notebooks themselves: their shape, and each of them run on a small invented company, from the portal to the page."""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import nbformat
import pytest

from crm_reports import demo, parameters, run
from crm_reports.bitrix24.pace import ENTERPRISE
from crm_reports.settings import REPORTS, Settings
from crm_reports.sync import sync

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SHARED = ["period", "pipeline", "department", "manager", "source", "comparison", "as_of", "language"]
SHOWN = {
    "overview": ["tiles", "dynamics", "needs_you"],
    "sales_dynamics": [
        "tiles",
        "dynamics",
        "managers",
        "funnel",
        "stage_conversion",
        "loss_reasons",
        "sources",
        "deals",
    ],
    "manager_effectiveness": ["tiles", "activity", "index_vs_results", "weights"],
    "forgotten_deals": ["tiles", "by_department", "by_manager", "by_stage", "deals"],
}
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
    settings = Settings(home=folder, data=folder / "data")
    company = demo.invent(deals=150, seed=7, today=date(2025, 3, 14), months=8, managers=5)
    with demo.serve(company) as served:
        sync(settings, webhook=served.webhook, portal_url=PORTAL, pace=ENTERPRISE)
        return settings, served.webhook


@pytest.fixture(scope="module")
def made(home):
    settings, _secret = home
    out = settings.home / "out"
    return {report: run.run(report, {"period": "2025-Q1"}, settings=settings, out=out) for report in REPORTS}


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
