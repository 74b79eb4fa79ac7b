"""How fast a portal is read, beside what its limits allow and beside other people's clients.

The portal is the demo one in a process of its own: two requests a second after a burst of fifty, a page of fifty rows
in 0.07 s, a batch of fifty pages in 1.9 s. Rows are made by rule, so a million deals cost it nothing.
"""

import argparse
import asyncio
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from math import ceil
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bitrix24_demo import OTHER_PLANS, REAL, UNLIMITED, Apart, Company, Rate, Served, serve_apart
from crm_reports.settings import Settings, Source
from crm_reports.sources.bitrix24 import reading
from crm_reports.sources.bitrix24.pace import Pace
from crm_reports.sources.bitrix24.tables import ENTITIES
from crm_reports.store.sync import sync

from .vast import Vast

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
COMMENTS = "crm.timeline.comment.list"
A_BATCH, BURST, PER_SECOND = 2500, OTHER_PLANS.burst, OTHER_PLANS.drain
GOAL = 40
SPENT = Rate(PER_SECOND, 8)
UNBOUND = Pace(per_second=1e9, burst=1e9)
# What all are asked for; our sync reads customers and dictionaries besides.
TABLES = ("deals", "stage_history", "activities")


@dataclass(frozen=True)
class Asked:
    """What a portal was asked: requests, those refused and those for comments, and requests a second in their second half."""

    requests: int
    refused: int
    for_comments: int
    commands: int
    steady: float | None


@dataclass(frozen=True)
class Run:
    """One client's fetching; `rows` of all tables, `cpu` seconds and `peak` MB are of its process alone."""

    rows: int
    seconds: float
    cpu: float
    peak: float
    asked: Asked


# Run in other processes


def _asked(company: Company, served: Served) -> Asked:
    requests = served.requests
    comments = sum(COMMENTS in str(each.params) for each in requests)
    after = requests[max(int(BURST), len(requests) // 2) :]
    span = after[-1].at - after[0].at if len(after) > 1 else 0
    steady = (len(after) - 1) / span if span else None
    refused = served.portal.refused.total()
    return Asked(len(requests), refused, comments, sum(each.commands for each in requests), steady)


def _limit(company: Company, served: Served) -> None:
    served.portal.limit(OTHER_PLANS, REAL)
    served.requests.clear()
    served.portal.refused.clear()


def _next_night(rows: int, company: Vast, served: Served) -> None:
    """A day later: of `rows` changed rows a quarter are edited deals, as many moved, acted on, new."""
    company.now = company.now + timedelta(days=1)
    every = max(1, company._made_deals // (rows // 4 + 1))
    for n in range(1, rows // 4 + 1):
        deal = n * every
        company.edit_deal(deal, OPPORTUNITY=float(n))
        company.move(deal - 1 or 1, "FINAL_INVOICE")
        company.add_activity("call", owner=deal, done=True)
        company.add_deal(f"New {n}", SOURCE_ID="WEB")
    _limit(company, served)


def _child(pipe: Connection, work: Callable[..., int], args: tuple[Any, ...]) -> None:
    started = time.monotonic()
    rows = work(*args)
    used = resource.getrusage(resource.RUSAGE_SELF)
    pipe.send((rows, time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024))


def measured(portal: Apart, work: Callable[..., int], *args: Any) -> Run:
    """`work(webhook, *args)` in a process of its own, and what it asked the portal."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_child, args=(there, work, (portal.webhook, *args)))
    process.start()
    there.close()
    fetched = here.recv()
    process.join()
    return Run(*fetched, portal.do(_asked))


# What is measured


def ours(webhook: str, folder: Path, pace: Pace, *, sweeps: bool = True, comments: bool = True) -> int:
    """Our sync into a store in `folder`; rows of the compared tables and of customers.

    Without `sweeps` deleted rows are looked for once a week, as on a portal of millions, whatever the portal's size;
    without `comments` nobody is asked for them.
    """
    if not comments:
        reading.Reading._comments = lambda self: iter(())
    reading.SWEEP_REQUESTS = reading.SWEEP_REQUESTS if sweeps else 0
    report = sync(Settings(home=folder, data=folder, source=Source(kind="bitrix24")), webhook=webhook, pace=pace)
    return sum(report.tables[table].rows for table in (*TABLES, "companies") if table in report.tables)


# As much of it as others fetch.
ROWS = partial(ours, comments=False)


def _lists() -> list[tuple[str, dict[str, Any]]]:
    """The compared tables as methods, with the columns that we select."""
    listings = [ENTITIES[table].listing for table in TABLES]
    return [(each.method, dict(each.others) | {"select": list(each.select)}) for each in listings]


def by_fast_bitrix24(webhook: str) -> int:
    """fast_bitrix24 as it comes: it knows the limits itself."""
    from fast_bitrix24 import BitrixAsync

    async def fetch() -> int:
        portal = BitrixAsync(webhook, verbose=False)
        return sum([len(await portal.get_all(method, params)) for method, params in _lists()])

    return asyncio.run(fetch())


def by_b24pysdk(webhook: str) -> int:
    """The official client's way for large lists: chains of references, one batch after the other."""
    from ..clients import b24pysdk_by_references

    return sum(len(b24pysdk_by_references(webhook, method, params)) for method, params in _lists())


def least_requests(rows: int) -> int:
    return ceil(rows / A_BATCH)


def least_seconds(requests: int, rate: Rate = OTHER_PLANS) -> float:
    """What the limits allow at best: the burst at once, the rest at its pace, the last one's own time."""
    return max(0.0, (requests - rate.burst) / rate.drain) + REAL.seconds(50, A_BATCH)


def show(name: str, run: Run, note: str = "", rate: Rate = OTHER_PLANS) -> None:
    least = least_requests(run.rows)
    limit = least_seconds(least, rate)
    steady = f"{run.asked.steady / PER_SECOND:.0%}" if run.asked.steady else "–"
    shown = (
        f"{run.rows:,}", f"{run.asked.requests:,}", f"{run.asked.requests / least:.2f}", run.asked.refused, f"{run.seconds:.1f}",
        f"{limit / run.seconds:.0%}", f"{run.rows / run.seconds:,.0f}", steady, f"{run.cpu:.1f}", f"{run.peak:,.0f}",
    )  # fmt: skip
    print(_line(name, shown), note, flush=True)


def _line(name: str, cells: Iterable[Any]) -> str:
    return f"{name:<24}" + "".join(f"{cell!s:>10}" for cell in cells) + "  "


COLUMNS = ("rows", "requests", "÷ least", "refused", "s", "of limit", "rows/s", "pace", "CPU s", "MB")
LEGEND = """of limit: the time that rows ÷ 2,500 requests take at best ÷ the time taken
pace:     requests a second in the second half ÷ those allowed for ever; more than all of them while the burst lasts
CPU s:    of the client alone; near the time taken, the machine was the limit and not the portal"""


def first_sync(deals: int, clients: tuple[str, ...]) -> None:
    """Ours and others, each against a portal with an empty bucket; without comments, which others do not fetch."""
    print(f"\nThe first time, {deals:,} deals, 2 requests/s after 50\n{_line('', COLUMNS)}")
    works = {"fast_bitrix24": by_fast_bitrix24, "b24pysdk": by_b24pysdk}
    recipe, times = partial(Vast, deals=deals, now=NOW), {}
    for name in ("ours", *clients):
        with serve_apart(recipe, rate=OTHER_PLANS, latency=REAL) as portal, _folder() as folder:
            args = (folder, Pace(PER_SECOND, BURST)) if name == "ours" else ()
            run = measured(portal, works.get(name, ROWS), *args)
        times[name] = run.seconds / run.rows
        show(name, run, "" if name == "ours" else f"ours is {times[name] / times['ours']:.2f} times as fast per row")
    print(LEGEND)
    elements = deals + deals // 5
    print(f"Comments besides: {elements:,} timelines, 50 a request: {ceil(elements / 50):,} requests at least.")


def steady(deals: int) -> None:
    """Ours once the burst is spent: against a portal that allows hardly any, so that all the time counts."""
    print(f"\nOnce the burst is spent, {deals:,} deals (goal: 90% of the limit)\n{_line('', COLUMNS)}")
    recipe = partial(Vast, deals=deals, now=NOW)
    with serve_apart(recipe, rate=SPENT, latency=REAL) as portal, _folder() as folder:
        show("ours", measured(portal, ROWS, folder, Pace(SPENT.drain, SPENT.burst)), rate=SPENT)


def next_night(deals: int, changed: int) -> None:
    """The syncs after two days on each of which `changed` rows changed: without looking for deleted rows, and with."""
    print(
        f"\nThe night after, {changed:,} rows changed of {deals:,} deals (goal: at most {GOAL} requests without sweep)"
    )
    recipe, pace = partial(Vast, deals=deals, now=NOW), Pace(PER_SECOND, BURST)
    with serve_apart(recipe, rate=UNLIMITED) as portal, _folder() as folder:
        _show_night("first time, no limits", measured(portal, ours, folder, UNBOUND))
        for name, sweeps in (("a night", False), ("a night with its sweep", True)):
            portal.do(partial(_next_night, changed))
            _show_night(name, measured(portal, partial(ours, sweeps=sweeps), folder, pace))


def _show_night(name: str, run: Run) -> None:
    asked = run.asked
    print(
        f"{name:<24}{asked.requests:>8,} requests ({asked.requests / GOAL:.2f} of the goal; {asked.for_comments:,} with "
        f"comments, {asked.commands:,} commands) {run.seconds:>8.1f} s {run.cpu:>6.1f} s of CPU {run.peak:>6,.0f} MB",
        flush=True,
    )


def memory(sizes: tuple[int, int]) -> None:
    """Peak memory of a first sync at two sizes."""
    print("\nPeak memory of a first sync, no limits")
    peaks = []
    for deals in sizes:
        recipe = partial(Vast, deals=deals, now=NOW)
        with serve_apart(recipe, rate=UNLIMITED) as portal, _folder() as folder:
            run = measured(portal, ROWS, folder, UNBOUND)
        peaks.append(run.peak)
        print(f"{deals:>9,} deals {run.rows:>10,} rows {run.seconds:>7.1f} s {run.rows / run.cpu:>8,.0f} rows per s of CPU "
              f"{run.peak:>7,.0f} MB", flush=True)  # fmt: skip
    print(f"{sizes[1] / sizes[0]:.0f} times the rows: {peaks[1] / peaks[0]:.2f} times the memory")


class _folder(tempfile.TemporaryDirectory):
    def __enter__(self) -> Path:
        return Path(super().__enter__())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--deals", type=int, default=15_000, help="of the first sync; seven rows each")
    options.add_argument("--steady-deals", type=int, default=30_000)
    options.add_argument("--night-deals", type=int, default=10_000)
    options.add_argument("--changed", type=int, default=1000)
    options.add_argument("--memory-deals", type=int, nargs=2, default=(5_000, 20_000))
    options.add_argument("--clients", nargs="*", default=["fast_bitrix24", "b24pysdk"])
    options.add_argument("--parts", nargs="*", default=["first", "steady", "night", "memory"])
    chosen = options.parse_args()
    parts = {
        "first": partial(first_sync, chosen.deals, tuple(chosen.clients)),
        "steady": partial(steady, chosen.steady_deals),
        "night": partial(next_night, chosen.night_deals, chosen.changed),
        "memory": partial(memory, tuple(chosen.memory_deals)),
    }
    for part in chosen.parts:
        parts[part]()


if __name__ == "__main__":
    main()
