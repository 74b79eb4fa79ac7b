"""The store as of one instant: its rows as they were, and the parts worked out of them, each once.

What a text of SQL may use beside them is in sql/macros.sql. Parts are the same for every report of a night, so they are
kept as files beside the store (cache.py).
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
from .engine import quote, silence
from .memo import Memo
from .parts import MACROS, PARTS, VIEWS, Part
from .versions import Tables, rows_as_of

ROWS = 30_000  # of a row group: what a report on one manager reads at least
WORDS = 1_000  # of a row group's column at most are written once each: to seek thousands of instants costs more than it spares
NAMES = "select json_extract_string(json_serialize_sql(?::varchar), '$..table_name')"
# Parts that another release has made are of no use to this one.
RECIPE = sha256(repr((PARTS, VIEWS, MACROS, TABLES, duckdb.__version__)).encode()).hexdigest()[:12]


_names: dict[str, list[str]] = {}  # of each text that was asked for


@dataclass
class Snapshot:
    """The tables, views and parts of one store at one instant, by their plain names."""

    connection: duckdb.DuckDBPyConnection
    kept: Tables
    cache: Cache
    as_of: datetime
    first_sync: datetime | None
    known_until: datetime | None
    base_currency: str
    zone: str = "UTC"
    memo: Memo = field(default_factory=Memo)
    _made: set[str] = field(default_factory=set)

    def query(self, sql: str, *values: Any) -> pa.Table:
        """What the SQL finds; each ? in it stands for one of the values."""
        with readable():
            self._make(*self._names_in(sql))
            return self._cursor.execute(sql, values).to_arrow_table()

    def prepare(self, *parts: str) -> None:
        """See to it that these parts are kept."""
        with readable():
            self._make(*parts)

    @cached_property
    def _schema(self) -> str:
        return f"snapshot_{id(self)}"

    @cached_property
    def _cursor(self) -> duckdb.DuckDBPyConnection:
        cursor = silence(self.connection.cursor())
        values = {
            "as_of": _instant(self.as_of),
            "first_sync": _instant(self.first_sync),
            "known_until": _instant(self.known_until),
            "currency": quote(self.base_currency),
            "zone": quote(self.zone),
        }
        cursor.execute(f"create schema memory.{self._schema}")
        cursor.execute(f"set search_path = 'memory.{self._schema}'")
        cursor.execute(MACROS.format(**values))
        return cursor

    def _names_in(self, sql: str) -> list[str]:
        """What the SQL reads, as the engine's own parser sees it."""
        if sql not in _names:
            (_names[sql],) = self._cursor.execute(NAMES, [sql]).fetchone()
        return _names[sql]

    def _make(self, *names: str) -> None:
        """See to it that these are there, with all that they need."""
        for name in names:
            if name in self._made:
                continue
            self._made.add(name)
            if name in PARTS:
                self._make_part(name, PARTS[name])
            elif name in VIEWS:
                self._make(*VIEWS[name].needs)
                self._cursor.execute(f"create view {name} as {VIEWS[name].sql}")
            elif name in TABLES:
                self._cursor.execute(f"create view {name} as {rows_as_of(name, self.kept)}")

    def _make_part(self, name: str, part: Part) -> None:
        """The part as a file of the cache, written by whoever needs it first; in memory where there can be no cache."""
        path = self.cache.find(name)
        if path is None:
            self._make(*part.needs)
            path = self.cache.keep(name, lambda draft: self._cursor.execute(_written(part.sql, draft)))
        self._cursor.execute(_view(name, path) if path else f"create table {name} as {part.sql}")


@contextmanager
def readable() -> Iterator[None]:
    """Whatever the engine can't read, or has no memory for, is told in a sentence."""
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        text = _("the data need more memory than they may take ({error}): set CRM_REPORTS_MEMORY", error=error)
        raise StoreError(text) from None
    except (duckdb.IOException, duckdb.FatalException, duckdb.InternalException) as error:
        words = {"name": repr("store.duckdb"), "error": " ".join(str(error).split())}
        raise StoreError(_("the store {name} can't be read ({error}): run `crm-reports sync` again", **words)) from None


def _view(name: str, path: Path) -> str:
    literally = re.sub(r"([*?\[])", r"[\1]", str(path))  # a file's name is a pattern to the engine
    return f"create view {name} as from read_parquet({quote(literally)})"


def _written(sql: str, draft: Path) -> str:
    # Instants and numbers that rise are written as differences: a third less on the disk for the same time.
    form = f"format parquet, parquet_version v2, row_group_size {ROWS}, dictionary_size_limit {WORDS}"
    return f"copy ({sql}) to {quote(draft)} ({form})"


def _instant(instant: datetime | None) -> str:
    """The instant in SQL; one that is still to come is after all others."""
    if instant is None:
        return "timestamptz 'infinity'"
    return f"timestamptz '{instant.astimezone(UTC).strftime('%Y-%m-%d %H:%M:%S.%f')}+00'"
