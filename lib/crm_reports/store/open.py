"""One sync's tables, read only."""

import json
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from threading import get_ident
from typing import Any
from weakref import WeakValueDictionary

import duckdb
import pyarrow as pa

from ..errors import StoreError
from ..sources.fields import VERSIONED, arrow_schema
from ..words.texts import _
from .cache import Cache
from .engine import SCHEMA, quote, silence
from .memo import Memo
from .receipts import Receipt
from .snapshot import RECIPE, Snapshot, readable
from .versions import rows_now

MEMORY = "1GB"  # of the engine's own, where nothing is said: many reports are made at a time
EVER, NOW = (datetime(year, 1, 1, tzinfo=UTC) for year in (1, 9999))

_stores: WeakValueDictionary[tuple[Any, ...], "Store"] = WeakValueDictionary()


@dataclass(frozen=True)
class Store:
    """The tables of `fields.TABLES`, and what follows from them. A table that the source does not have is empty."""

    path: Path
    connection: duckdb.DuckDBPyConnection = field(repr=False)
    identity: str
    memo: Memo = field(default_factory=Memo, repr=False, compare=False)

    @classmethod
    def open(cls, path: Path, *, memory: str = "", threads: int = 0) -> "Store":
        """Read the store at `path`; a later sync replaces the file and does not disturb this reader.

        Whoever opens a store that this thread holds already gets the same one: a night plans hundreds of pages with it.

        The engine takes at most `memory` (such as 500MB; what does not fit goes to a folder beside the store) and
        `threads`; 0 is one per core.
        """
        if not path.is_file():
            raise StoreError(
                _(
                    "there is no store at {name} in the data folder yet: run `crm-reports sync` first",
                    name=repr(path.name),
                )
            )
        key = (path.absolute(), memory, threads, get_ident())
        store = _stores.get(key)
        if store is None or store.identity != identity(path):
            store = _stores[key] = cls._connect(path, memory, threads)
        store.memo.once(("spill", os.getpid()), store._spill_apart)
        return store

    def _spill_apart(self) -> None:
        """What does not fit into memory goes to this process's own folder, also when another one opened the store."""
        folder = self.path.with_name(f"spill-{os.getpid()}")
        self.connection.execute(f"set temp_directory = {quote(folder)}")

    @classmethod
    def _connect(cls, path: Path, memory: str, threads: int) -> "Store":
        config = {"memory_limit": memory or MEMORY} | ({"threads": threads} if threads else {})
        connection = duckdb.connect(config=config)
        try:
            silence(connection).execute("set global TimeZone = 'UTC'")
            return cls(path, connection, _attach(connection, path))
        except duckdb.Error as error:
            connection.close()
            text = _(
                "the store {name} can't be read ({error}): run `crm-reports sync` again",
                name=repr(path.name),
                error=" ".join(str(error).split()),
            )
            raise StoreError(text) from None

    @cached_property
    def tables(self) -> dict[str, set[str]]:
        """The tables that the store has, and the columns of each."""
        # Not from duckdb_columns(), which reads through all that the engine itself has.
        sql = "select table_name from duckdb_tables() where database_name = 'store' and schema_name = ?"
        with readable():
            names = [name for (name,) in self.connection.execute(sql, [SCHEMA]).fetchall()]
            return {name: self._columns(name) for name in names}

    def _columns(self, table: str) -> set[str]:
        columns = self.connection.execute(f'from store.{SCHEMA}."{table}" limit 0').description
        return {name for name, *_type in columns}

    def rows(self, name: str) -> pa.Table:
        """All rows of a small table (managers, stages, …) as they are now, read once; the columns of `fields.TABLES`."""
        return self.memo.once(("rows", name), lambda: self._read(name))

    def _read(self, name: str) -> pa.Table:
        with readable():
            rows = self.connection.execute(rows_now(name, self.tables)).to_arrow_table()
        return rows.cast(arrow_schema(name))

    def counts(self) -> dict[str, int]:
        """How many rows each table of the store has."""
        queries = {name: f'select count(*) from store.{SCHEMA}."{name}"' for name in sorted(self.tables)}
        with readable():
            return {name: self.connection.execute(sql).fetchone()[0] for name, sql in queries.items()}

    def snapshot(self, as_of: datetime, base_currency: str, zone: str) -> Snapshot:
        """The store as it stood at an instant, with money in that currency and days of that time zone."""
        key = ("snapshot", as_of, base_currency, zone)
        return self.memo.once(key, lambda: self._snapshot(as_of, base_currency, zone))

    def _snapshot(self, as_of: datetime, base_currency: str, zone: str) -> Snapshot:
        name = sha256(f"{RECIPE} {as_of.isoformat()} {base_currency} {zone}".encode()).hexdigest()[:16]
        cache = Cache(self.path.parent / "cache", self.identity, name)
        syncs = self._first_sync(EVER), self._first_sync(as_of)
        return Snapshot(self.connection, self.tables, cache, as_of, *syncs, base_currency, zone)

    @property
    def now(self) -> Snapshot:
        """The store as it is."""
        return self.snapshot(NOW, "", "UTC")

    def ids(self, kind: str) -> set[str]:
        """Every manager_id or stage_id that the store names anywhere."""
        return set(self.now.query("select id from ids where what = ?", kind)["id"].to_pylist())

    @cached_property
    def last_sync(self) -> dict:
        """The last row of `syncs`: synced_at (UTC), source, portal_url, present (set of table names), holes (list)."""
        syncs = self.rows("syncs").to_pylist()
        if not syncs:
            raise StoreError(_("the store holds no finished sync: run `crm-reports sync`"))
        row = max(syncs, key=lambda sync: sync["synced_at"])
        present = frozenset(filter(None, (row["present"] or "").split(",")))
        return row | {"present": present, "holes": json.loads(row["holes"] or "[]")}

    @cached_property
    def receipt(self) -> Receipt | None:
        """What the last sync counted beside the portal's own counters; None where there was nobody to ask."""
        return Receipt.read(self.last_sync.get("receipt"))

    @property
    def synced_at(self) -> datetime:
        return self.last_sync["synced_at"].astimezone(UTC)

    def _first_sync(self, since: datetime) -> datetime | None:
        """The first sync at or after `since`: what it saw is what was known of that night. None: it is still to come."""
        later = [instant for instant in self.rows("syncs")["synced_at"].to_pylist() if instant >= since]
        return min(later).astimezone(UTC) if later else None

    @property
    def versions_since(self) -> datetime | None:
        """From which sync on the store knows what owners, amounts and plans were; None when it keeps no versions."""
        if not any(f"{table}_versions" in self.tables for table in VERSIONED):
            return None
        return self._first_sync(EVER)

    def has(self, table: str) -> bool:
        """Whether the source delivered `table` at all; an empty table counts as delivered."""
        return table in self.last_sync["present"]


def _attach(connection: duckdb.DuckDBPyConnection, path: Path) -> str:
    """Which store file `store` is from now on: the one that was there before and after it was attached."""
    while True:
        before = identity(path)
        connection.execute(f"attach {quote(path)} as store (read_only)")
        if identity(path) == before:
            return before
        connection.execute("detach store")  # a sync has just replaced it


def identity(path: Path) -> str:
    """Which store is at `path`: another one after every sync. OSError where there is none."""
    file = path.stat()
    marks = (file.st_dev, file.st_ino, file.st_mtime_ns, file.st_size)
    return sha256(repr(marks).encode()).hexdigest()[:16]
