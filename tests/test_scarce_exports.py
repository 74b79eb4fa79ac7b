"""Exports that say little: any table and any column may be missing or empty, and every report still comes out."""

from pathlib import Path

import pytest

from crm_reports.settings import Settings, Source
from crm_reports.sync import sync
from reports import elements, shown

REPORTS = ("overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals")


def synced(folder: Path) -> Settings:
    chosen = Settings(
        home=folder, data=folder / "data", base_currency="EUR", source=Source(kind="files", folder=folder)
    )
    sync(chosen)
    return chosen


@pytest.mark.parametrize("deals", ["id,outcome\n1,won\n2,open\n", "id,outcome\n"], ids=["two deals", "no deal"])
def test_the_least_that_files_may_hold_makes_every_report(tmp_path, deals):
    (tmp_path / "deals.csv").write_text(deals)
    chosen = synced(tmp_path)
    for report in REPORTS:
        assert elements(shown(report, chosen)), report
