"""The store as of one instant: its rows as they were, and the parts worked out of them, each once.

A part is a text of SQL that may read the store's tables (as of the instant), the other parts and views, and

    as_of()          the instant; what counts happened strictly before it
    known_until()    the sync that reported that instant; history that came later was not known then
    base_currency()  what money is in
    day_start(moment)          when its day begins in the zone of the CRM
    no_sooner(moment, born)    the moment; `born` where it is the beginning of that day: a bare date has no hour
    no_later(moment, seen_at)  the moment; seen_at where it is absent or later: what a sync saw was so by then

Parts are the same for every report of a night, so they are kept as files beside the store (cache.py).
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ..errors import StoreError
from ..sources.fields import TABLES
from ..words.texts import _
from .cache import Cache
from .engine import silenced
from .facts import DEAL_FACTS, DEALS_STOOD, FIRST_ROW, STANDINGS
from .ids import FILLED, IDS
from .leads import LEAD_FACTS
from .moves import ENTRIES, FUNNEL, NUMBERED, OPEN_SPANS, STAGE_VISITS, STEPS_REACHED
from .past import SILENCES, STEP_WORTH
from .trace import ACTED, ACTION_KINDS, DATED, INCOMING, SIGNS, TRACES
from .versions import Kept, rows_as_of

PARTS = {
    "ids": IDS,
    "filled": FILLED,
    "numbered": NUMBERED,
    "entries": ENTRIES,
    "standings": STANDINGS,
    "deal_facts": DEAL_FACTS,
    "stage_visits": STAGE_VISITS,
    "open_spans": OPEN_SPANS,
    "steps_reached": STEPS_REACHED,
    "signs": SIGNS,
    "lead_facts": LEAD_FACTS,
    "silences": SILENCES,
    "step_worth": STEP_WORTH,
    "action_kinds": ACTION_KINDS,
}
VIEWS = {
    "funnel": FUNNEL,
    "deals_stood": DEALS_STOOD,
    "dated": DATED,
    "acted": ACTED,
    "incoming": INCOMING,
    "traces": TRACES,
    "first_row": FIRST_ROW,
}
MACROS = (
    "as_of() as {as_of}",
    "known_until() as {known_until}",
    "base_currency() as '{currency}'",
    "day_start(moment) as date_trunc('day', moment at time zone '{zone}') at time zone '{zone}'",
    "no_sooner(moment, born) as if(moment < born and moment = day_start(born), born, moment)",
    # What a sync saw was so in the night that it reports: a report as of that day, before the sync, has it already.
    """no_later(moment, seen_at) as if(moment <= seen_at, moment, coalesce(
        if(seen_at >= as_of() and day_start(seen_at) <= as_of(), as_of() - to_microseconds(1), seen_at), moment))""",
)
ROWS = 30_000  # of a row group: what a report on one manager reads at least
INFINITY = "timestamptz 'infinity'"
# Parts that another release has made are of no use to this one.
RECIPE = sha256(repr((PARTS, VIEWS, MACROS, TABLES, duckdb.__version__)).encode()).hexdigest()[:12]


@dataclass
class Snapshot:
    """The tables, views and parts of one store at one instant, by their plain names."""

    connection: duckdb.DuckDBPyConnection
    kept: Kept
    cache: Cache
    as_of: datetime
    known_until: datetime | None
    base_currency: str
    zone: str = "UTC"
    _made: set[str] = field(default_factory=set)

    def query(self, sql: str, *values: Any) -> pa.Table:
        """What the SQL finds; each ? in it stands for one of the values."""
        with readable():
            self._make_all(sql)
            return self._cursor.execute(sql, values).to_arrow_table()

    def prepare(self, *parts: str) -> None:
        """See to it that these parts are kept."""
        with readable():
            self._make_all(" ".join(parts))

    @cached_property
    def _schema(self) -> str:
        return f"snapshot_{id(self)}"

    @cached_property
    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor, until = silenced(self.connection.cursor()), self.known_until
        values = {
            "as_of": _instant(self.as_of), "known_until": _instant(until) if until else INFINITY,
            "currency": quoted(self.base_currency), "zone": quoted(self.zone),
        }  # fmt: skip
        cursor.execute(f"create schema memory.{self._schema}")
        cursor.execute(f"set search_path = 'memory.{self._schema}'")
        for macro in MACROS:
            cursor.execute(f"create macro {macro.format(**values)}")
        return cursor

    def _make_all(self, sql: str) -> None:
        """See to it that whatever the SQL names is there."""
        for name in dict.fromkeys(re.findall(r"\w+", sql)):
            if name not in self._made and (name in TABLES or name in VIEWS or name in PARTS):
                self._made.add(name)
                self._make(name)

    def _make(self, name: str) -> None:
        if name in PARTS:
            self._make_part(name)
            return
        text = VIEWS.get(name) or rows_as_of(name, self.kept)
        if name in VIEWS:
            self._make_all(text)
        self._cursor.execute(f"create view {name} as {text}")

    def _make_part(self, name: str) -> None:
        """The part as a file of the cache, written by whoever needs it first; in memory where there can be no cache."""
        path = self.cache.find(name)
        if path is None:
            self._make_all(PARTS[name])
            path = self.cache.keep(name, lambda draft: self._cursor.execute(_written(PARTS[name], draft)))
        self._cursor.execute(_view(name, path) if path else f"create table {name} as {PARTS[name]}")


@contextmanager
def readable() -> Iterator[None]:
    """Whatever the engine can't read, or has no memory for, is told in a sentence."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        told = _("the data need more memory than they may take ({error}): set CRM_REPORTS_MEMORY", error=error)
        raise StoreError(told) from None
    except (duckdb.IOException, duckdb.FatalException, duckdb.InternalException) as error:
        words = {"name": repr("store.duckdb"), "error": " ".join(str(error).split())}
        raise StoreError(_("the store {name} can't be read ({error}): run `crm-reports sync` again", **words)) from None


def _view(name: str, path: Path) -> str:
    literally = re.sub(r"([*?\[])", r"[\1]", str(path))  # a file's name is a pattern to the engine
    return f"create view {name} as from read_parquet('{quoted(literally)}')"


def _written(sql: str, draft: Path) -> str:
    return f"copy ({sql}) to '{quoted(str(draft))}' (format parquet, row_group_size {ROWS})"


def quoted(text: str) -> str:
    """The text as it stands between quotes in SQL."""
    return text.replace("'", "''")


def _instant(at: datetime) -> str:
    return f"timestamptz '{at.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f')}+00'"
