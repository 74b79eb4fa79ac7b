"""One measured run of size.py, in a process of its own: `python -m tests.benchmarks.size_run sales_plan '{}'`.

Imports are paid before the clock starts, as in a warm kernel.
"""

import json
import os
import sys
import time
from functools import partial
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pandas as pd

import crm_reports as crm
from crm_reports.runs.specimen import LATER
from crm_reports.store import Snapshot, Store
from crm_reports.store.parts import PARTS, VIEWS

from .size import NOTEBOOKS, NUMBERS, YEAR, peak
from .size_store import SYNCED_AT

SHOWS = ("glossary", "verdict")  # how tables are drawn is another matter
RATES = {"RUB": 1.0, "USD": 90.0}


def notebook(report: str, chosen: dict[str, list[str]]) -> dict:
    """Every code cell of the report's notebook, with tables made and not drawn."""
    for name in SHOWS:
        setattr(crm, name, lambda *_, **__: None)
    crm.show = lambda element: (element.figure, element.finding, element.note)
    crm.header = lambda ds, **_: (ds.quality, ds.size, ds.total, ds.holes, ds.filters.words())
    cells = [
        cell for cell in json.loads((NOTEBOOKS / f"{report}.ipynb").read_text())["cells"] if cell["cell_type"] == "code"
    ]
    names: dict[str, object] = {}
    for cell in cells:
        exec("".join(cell["source"]), names)
        if "parameters" in cell["metadata"].get("tags", []):
            names |= chosen
    return {}


def parts(chosen: dict[str, list[str]]) -> dict:
    """Every part of a snapshot, those first that others need: seconds of CPU of each."""
    snapshot = Store.open(Path(os.environ["CRM_REPORTS_DATA"]) / "store.duckdb").snapshot(SYNCED_AT, "RUB", "UTC")
    needs = {name: part.needs for name, part in (*PARTS.items(), *VIEWS.items())}
    return {
        "parts": {name: _cpu_of(snapshot, name) for name in TopologicalSorter(needs).static_order() if name in PARTS}
    }


def _cpu_of(snapshot: Snapshot, part: str) -> float:
    before = time.process_time()
    snapshot.prepare(part)
    return time.process_time() - before


def numbers(chosen: dict[str, list[str]]) -> dict:
    """What pandas is asked for below, by our own means."""
    ds = crm.load(period=YEAR)
    table = crm.measure(ds, NUMBERS, by=["manager", "month"])
    return {"totals": _totals(table)}


def plain(chosen: dict[str, list[str]]) -> dict:
    """The same numbers by pandas alone, from the same tables as Parquet."""
    folder = Path(os.environ["CRM_REPORTS_DATA"])
    deals = pd.read_parquet(
        folder / "deals.parquet", columns=["deal_id", "manager_id", "amount", "currency", "created_at"]
    )
    history = pd.read_parquet(folder / "stage_history.parquet", columns=["deal_id", "history_id", "outcome", "at"])
    history = history[history["at"] < pd.Timestamp("2026-01-01", tz="UTC")].sort_values(["at", "history_id"])
    last = history.groupby("deal_id")[["outcome", "at"]].last()
    deals = deals[deals["created_at"] < pd.Timestamp("2026-01-01", tz="UTC")].join(last, on="deal_id")
    deals["closed_at"] = deals["at"].where(deals["outcome"] != "open")
    deals["money"] = deals["amount"] * deals["currency"].map(RATES)
    return {"totals": _totals(_by_manager_and_month(deals))}


def _by_manager_and_month(deals: pd.DataFrame) -> pd.DataFrame:
    month = {at: deals[at].dt.tz_localize(None).dt.to_period("M") for at in ("created_at", "closed_at")}
    won = deals["outcome"] == "won"
    keys = ["manager_id", "month"]
    closed = deals.assign(month=month["closed_at"])
    parts = {
        "created": deals.assign(month=month["created_at"]).groupby(keys).size(),
        "won": closed[won].groupby(keys).size(),
        "won_money": closed[won].groupby(keys)["money"].sum(),
        "lost": closed[deals["outcome"] == "lost"].groupby(keys).size(),
        "in_work": pd.concat([_in_work(deals, each) for each in pd.period_range("2025-01", "2025-12", freq="M")]),
        "average_check": closed[won & (deals["money"] > 0)].groupby(keys)["money"].mean(),
        "cycle_days": (closed["closed_at"] - closed["created_at"])[won].dt.total_seconds().div(86400)
        .groupby([closed["manager_id"], closed["month"]]).mean(),
    }  # fmt: skip
    table = pd.DataFrame(parts).reset_index()
    table = table[table["month"].dt.year == 2025]
    return table.assign(conversion=table["won"] / table["created"])


def _in_work(deals: pd.DataFrame, month: pd.Period) -> pd.Series:
    end = (month + 1).start_time.tz_localize("UTC")
    held = deals[(deals["created_at"] < end) & ~(deals["closed_at"] < end)]
    return held.assign(month=month).groupby(["manager_id", "month"]).size()


def _totals(table: pd.DataFrame) -> dict[str, float]:
    return {name: float(table[name].sum()) for name in NUMBERS}


def main() -> None:
    """Make the run that was asked for and print what it took."""
    kind, chosen = sys.argv[1], json.loads(sys.argv[2])
    for name in ("load", "measure", "bars", "show", "elements", "METRICS"):
        getattr(crm, name)
    for name in LATER:
        import_module(name)
    started, used = time.perf_counter(), time.process_time()
    made = {"parts": parts, "numbers": numbers, "plain": plain}.get(kind, partial(notebook, kind))
    found = made(chosen)
    took = {"seconds": time.perf_counter() - started, "cpu": time.process_time() - used, "peak": peak()}
    print(json.dumps(took | found))


if __name__ == "__main__":
    main()
