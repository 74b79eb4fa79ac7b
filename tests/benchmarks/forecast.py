"""How good the forecast is on histories that it has not seen: the back-test of its page, beside three simple ways.

Of the invented company of several seeds, of three others (companies.py) and, where CRM_REPORTS_MAVEN names a folder with Maven Analytics' "CRM Sales Opportunities"
(sales_pipeline.csv, sales_teams.csv), of that.
"""

import argparse
import csv
import os
import tempfile
import time
from datetime import date
from pathlib import Path

from bitrix24_demo import AT_ONCE, UNLIMITED, invent, serve
from crm_reports.measures.backtest import record
from crm_reports.measures.load import load
from crm_reports.settings import Settings, Source
from crm_reports.sources.bitrix24.pace import Pace
from crm_reports.store.sync import sync

from . import companies

MAVEN = "CRM_REPORTS_MAVEN"
TODAY, LAST = date(2026, 11, 20), "2018-01-01"
HEAD = ("month-ends", "cases", "held", "bias", "missed by", "by_stage", "by_last_year", "by_run_rate", "seconds")


def main() -> None:
    """Print a line per company: cases, how many the 80 % range held, bias, and by how much each way missed."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--deals", type=int, default=3000, help="of each invented company")
    asked.add_argument("--seeds", type=int, default=3, help="how many of them")
    asked = asked.parse_args()
    print(f"{'':24}" + "".join(f"{name:>13}" for name in HEAD))
    with tempfile.TemporaryDirectory(prefix="forecast-") as folder:
        for seed in range(1, asked.seeds + 1):
            _print(f"invented, seed {seed}", _invented(Path(folder) / str(seed), asked.deals, seed))
        for name in companies.COMPANIES:
            companies.write(Path(folder) / name / "export", name)
            _print(name, _of_files(Path(folder) / name), as_of=str(companies.END))
        if maven := os.environ.get(MAVEN):
            _print("Maven Analytics", _maven(Path(folder) / "maven", Path(maven)), as_of=LAST)
        else:
            print(f"Maven Analytics: left out, {MAVEN} names no folder with its files")


def _print(name: str, settings: Settings, *, as_of: str = "") -> None:
    ds = load(settings=settings, period="all", as_of=as_of)
    started = time.monotonic()
    past = record(ds)
    seconds = time.monotonic() - started
    k, n = past.held
    shares = [past.bias, *past.errors]
    print(
        f"{name:24}{past.months:13}{n:13}{k / n:13.0%}"
        + "".join(f"{each:13.1%}" for each in shares)
        + f"{seconds:13.2f}"
    )


def _invented(folder: Path, deals: int, seed: int) -> Settings:
    """The settings of a store that an invented company was read into."""
    settings = Settings(home=folder, data=folder, time_zone="Europe/Moscow")
    company = invent(deals=deals, seed=seed, today=TODAY)
    with serve(company, rate=UNLIMITED, code="s3cr3tc0de", latency=AT_ONCE) as portal:
        sync(
            settings,
            webhook=portal.webhook,
            portal_url="https://acme.example",
            pace=Pace(per_second=1e9, burst=1e9, pause=0),
        )
    return settings


def _maven(folder: Path, files: Path) -> Settings:
    """The settings of a store that Maven's files were read into, each stage of theirs as an outcome."""
    export = folder / "export"
    export.mkdir(parents=True)
    with (files / "sales_teams.csv").open(encoding="utf-8") as file:
        offices = {row["sales_agent"]: row["regional_office"] for row in csv.DictReader(file)}
    with (
        (files / "sales_pipeline.csv").open(encoding="utf-8") as file,
        (export / "deals.csv").open("w", encoding="utf-8", newline="") as to,
    ):
        deals = csv.writer(to)
        deals.writerow(
            ["id", "stage", "outcome", "manager", "department", "company", "amount", "created_at", "closed_at"]
        )
        for row in csv.DictReader(file):
            outcome = row["deal_stage"].lower() if row["deal_stage"] in ("Won", "Lost") else "open"
            deals.writerow([
                row["opportunity_id"], row["deal_stage"], outcome, row["sales_agent"], offices[row["sales_agent"]], row["account"],
                row["close_value"], row["engage_date"], row["close_date"],
            ])  # fmt: skip
    return _of_files(folder)


def _of_files(folder: Path) -> Settings:
    """The settings of a store that the files of its `export` were read into."""
    source = Source(kind="files", folder=folder / "export")
    settings = Settings(home=folder, data=folder / "data", base_currency="USD", time_zone="UTC", source=source)
    sync(settings)
    return settings


if __name__ == "__main__":
    main()
