"""Warms up the process that others are forked from: it makes the product's reports of an invented company once.

The first page of a process is the slowest, for libraries load and compile what they need at its first use. Made of an
invented company beforehand, it costs a real page a sixth less, and no real store or notebook is opened for it.
"""

import csv
import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

from ..errors import RunError
from ..look import page, templates
from ..look.publish import REPORTS
from ..settings import Settings, Source
from ..store.sync import sync
from ..words.texts import LANGUAGES
from . import cells, execution, preparation, run

log = logging.getLogger(__name__)

# Imported where they are first needed, which would be in every page.
LATER = (
    "crm_reports.elements", "crm_reports.metrics", "pyarrow.dataset", "pyarrow.feather",
    "scipy.stats", "nbformat.v4", "IPython.core.magics", "sqlite3", "xlsxwriter", "holidays.countries",
)  # fmt: skip
STAGES = {"Base": "open", "Request": "open", "Invoice": "open", "Paid": "won", "Too expensive": "lost"}
PEOPLE, SOURCES = ("Anna", "Boris", "Vera", "Gleb", "Dina"), ("Website", "Call", "Partner")
DEALS, DAYS = 60, 400


def warm_up() -> None:
    """Import, compile and look up all that a page needs; what fails here costs time later, and is logged."""
    with TemporaryDirectory() as name, _at_home(Path(name)) as settings:
        store_process = _apart(lambda: _store(settings))
        for name in LATER:
            _try(lambda name=name: import_module(name))
        _try(templates.compile_all)
        _try(lambda: _specimens(settings, store_process))
    _try(cells.be_ready)


def _try(step: Callable[[], object]) -> None:
    try:
        step()
    except Exception:
        log.warning("not warmed up", exc_info=True)


def _specimens(settings: Settings, store_process: int) -> None:
    """Every report of the product, in one language or the other."""
    if os.waitpid(store_process, 0)[1]:
        raise RunError("the invented company has no store")
    for report, language in zip(REPORTS, cycle(LANGUAGES), strict=False):
        plan = preparation.prepare(report, {"period": "last_90_days", "language": language}, settings=settings)
        record = run.complete(
            execution.execute_here(plan), settings=settings, out=settings.home / "out", assets="assets"
        )
        cells.forget()
        if record.error:
            raise RunError(record.error)
    page.forget()


def _store(settings: Settings) -> None:
    _company(settings.source.folder, datetime.now(UTC))
    sync(settings)


def _apart(step: Callable[[], object]) -> int:
    """The process that does it: a store that is written takes threads, and this process may have one alone."""
    pid = os.fork()
    if not pid:
        try:
            step()
            os._exit(0)
        finally:
            os._exit(1)
    return pid


@contextmanager
def _at_home(folder: Path) -> Iterator[Settings]:
    """Settings of the invented company, which a notebook reads as its own."""
    home, before = folder.resolve(), {name: os.environ.get(name) for name in ("CRM_REPORTS_CONFIG", "CRM_REPORTS_DATA")}
    (home / "reports.toml").write_text("", encoding="utf-8")
    os.environ.update(CRM_REPORTS_CONFIG=str(home / "reports.toml"), CRM_REPORTS_DATA=str(home / "data"))
    try:
        yield Settings(home=home, data=home / "data", source=Source(kind="files", folder=home / "export"))
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)


# ── The invented company ─────────────────────────────────────────────────────────────────────────────────────────────


def _company(folder: Path, now: datetime) -> None:
    """A few deals of a year, moved, won, lost and left alone, and what was done on them."""
    folder.mkdir()
    _write(folder / "stages.csv", ("stage", "outcome"), STAGES.items())
    _write(folder / "deals.csv", ("id", "title", "stage", "outcome", "manager", "department", "source", "company", "amount",
                                  "created_at"), (_deal(number, now) for number in range(DEALS)))  # fmt: skip
    _write(
        folder / "stage_history.csv",
        ("deal_id", "stage", "at"),
        (row for number in range(DEALS) for row in _path(number, now)),
    )
    _write(folder / "activities.csv", ("deal_id", "author", "kind", "at", "completed"),
           (row for number in range(DEALS) for row in _acts(number, now)))  # fmt: skip
    _write(folder / "leads.csv", ("id", "outcome", "manager", "source", "created_at"),
           [("1", "open", PEOPLE[0], SOURCES[0], _day(now, 40))])  # fmt: skip


def _write(path: Path, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns, *rows])


def _day(now: datetime, ago: float) -> str:
    return (now - timedelta(days=ago)).isoformat()


def _ago(number: int) -> float:
    """How many days ago a deal began."""
    return 2 + number * DAYS / DEALS


def _stages(number: int) -> list[str]:
    """The stages that a deal has been on: some go all the way, some are lost, some stay."""
    return [list(STAGES)[: 2 + number % 3], ["Base", "Request", "Too expensive"]][number % 4 == 3]


def _deal(number: int, now: datetime) -> tuple[object, ...]:
    stage, person = _stages(number)[-1], number % len(PEOPLE)
    return (number, f"Deal {number}", stage, STAGES[stage], PEOPLE[person], f"Team {person % 2}", SOURCES[number % len(SOURCES)],
            f"Company {number % 40}", 1000 * number, _day(now, _ago(number)))  # fmt: skip


def _path(number: int, now: datetime) -> Iterator[tuple[object, ...]]:
    for step, stage in enumerate(_stages(number)):
        yield number, stage, _day(now, _ago(number) * (1 - step / 5))


def _acts(number: int, now: datetime) -> Iterator[tuple[object, ...]]:
    for step, kind in enumerate(("call", "meeting", "email", "crm_activity", "comment")):
        if (number + step) % 3:
            yield number, PEOPLE[(number + step) % len(PEOPLE)], kind, _day(now, _ago(number) * (1 - step / 6)), "yes"
    if number % 5 == 0:
        yield number, PEOPLE[number % len(PEOPLE)], "call", _day(now, -3), "no"
