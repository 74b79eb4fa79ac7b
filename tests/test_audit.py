"""docs/audit.ipynb: one number worked out again from the raw tables is the reports' own, on stores of several kinds."""

from datetime import date
from pathlib import Path

import nbformat
import pytest

import bitrix24_demo as demo
from crm_reports.settings import Settings
from crm_reports.sources.bitrix24.pace import ENTERPRISE
from crm_reports.store.sync import sync
from march import ACTIVITIES, DEALS, HISTORY
from stores import at, deal, make_store, moves

NOTEBOOK = nbformat.read(Path(__file__).parents[1] / "docs" / "audit.ipynb", as_version=4)


def audited(monkeypatch, settings, **parameters):
    """What the notebook's last table says: number → (by hand, crm.measure)."""
    monkeypatch.setenv("CRM_REPORTS_DATA", str(settings.data))
    monkeypatch.chdir(settings.home)
    told = {}
    for cell in (cell for cell in NOTEBOOK.cells if cell.cell_type == "code"):
        exec(cell.source, told)
        told |= parameters if "parameters" in cell.metadata.get("tags", []) else {}
    return {name: tuple(row) for name, row in told["comparison"].iterrows()}


def assert_agree(numbers):
    assert {name: by_hand for name, (by_hand, _product) in numbers.items()} == pytest.approx(
        {name: product for name, (_by_hand, product) in numbers.items()}
    )


def test_the_notebook_is_committed_without_outputs_and_uses_no_metric_but_to_compare():
    cells = [cell for cell in NOTEBOOK.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
    assert [place for place, cell in enumerate(cells) if "crm.measure" in cell.source] == [len(cells) - 1]


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """A small invented company, read from its portal."""
    folder = tmp_path_factory.mktemp("audited")
    settings = Settings(home=folder, data=folder / "data")
    with demo.serve(demo.invent(deals=200, seed=11, today=date(2025, 4, 14), months=8, managers=3)) as served:
        sync(settings, webhook=served.webhook, portal_url="https://demo.bitrix24.example", pace=ENTERPRISE)
    return settings


@pytest.mark.parametrize("month", ["2025-01", "2025-02", "2025-03"])
def test_an_invented_companys_numbers_are_those_worked_out_from_its_tables(monkeypatch, company, month):
    numbers = audited(monkeypatch, company, month=month)
    assert numbers["closed"][0] > 0
    assert_agree(numbers)


def test_the_numbers_of_the_march_that_fits_on_paper_are_those_worked_out_from_its_tables(monkeypatch, tmp_path):
    settings = make_store(tmp_path, deals=DEALS, stage_history=HISTORY, activities=ACTIVITIES)
    anna = audited(monkeypatch, settings, manager="Anna", month="2025-03", as_of="2025-04-01")
    assert_agree(anna)
    assert anna["won_money"] == (1900, 1900)
    boris = audited(monkeypatch, settings, manager="2", month="2025-03", as_of="2025-04-01")
    assert_agree(boris)
    assert (boris["won"], boris["closed"]) == ((1, 1), (2, 2))


def test_odd_deals_and_edits_since_are_worked_out_alike(monkeypatch, tmp_path):
    won = {"stage_id": "WON", "outcome": "won"}
    deals = [
        deal(1, "2025-02-01", moved_at=at("2025-03-07"), **won),  # its history never saw it close
        deal(2, "2025-02-01", moved_at=at("2025-03-08"), **won),  # no history at all
        deal(3, "2025-02-01", manager_id="2", amount=9.0, **won),  # Anna's 50 ₽ that night, handed over since
        deal(4, "2025-02-01", currency="XXX", **won),
        deal(5, "2025-02-01", stage_id="REQ"),  # won and reopened
        deal(6, "2025-02-01", stage_id="GONE", outcome="lost"),
    ]
    history = [
        *moves(1, ("2025-02-01", "NEW")), *moves(3, ("2025-03-05", "WON")), *moves(4, ("2025-03-05", "WON")),
        *moves(5, ("2025-03-05", "WON"), ("2025-03-09", "REQ")), *moves(6, ("2025-02-05", "DEAR"), ("2025-03-05", "GONE")),
    ]  # fmt: skip
    kept = [deal(3, "2025-02-01", amount=50.0, last_seen_at=at("2025-04-01 02:00"), **won)]
    settings = make_store(tmp_path, deals=deals, stage_history=history, deals_versions=kept)
    numbers = audited(monkeypatch, settings, manager="Anna", month="2025-03", as_of="2025-04-01")
    assert_agree(numbers)
    assert numbers["closed"] == (5, 5)
    assert numbers["won_money"] == (250, 250)
