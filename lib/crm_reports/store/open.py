"""One sync's tables, read only."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import ibis
import pyarrow as pa
from ibis.expr.types import Table, TimestampScalar
from ibis.util import gen_name

from ..errors import StoreError
from ..fields import TABLES, arrow_schema

SCHEMA = "crm"


def instant(at: datetime) -> TimestampScalar:
    """The instant as the engine compares it."""
    return ibis.literal(at, type="timestamp('UTC')")


@dataclass(frozen=True)
class Store:
    """The tables of `fields.TABLES` as Ibis tables. A table that the source does not have is there, and empty."""

    path: Path
    connection: ibis.BaseBackend = field(repr=False)
    _tables: dict[str, Table] = field(default_factory=dict, repr=False, compare=False)
    _rows: dict[str, pa.Table] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def open(cls, path: Path) -> "Store":
        """Read the store at `path`; a later sync replaces the file and does not disturb this reader."""
        if not path.is_file():
            raise StoreError(f"there is no store at {path.name!r} in the data folder yet: run `crm-reports sync` first")
        connection = ibis.duckdb.connect()
        try:
            connection.attach(path, name="store", read_only=True)
        except Exception as error:
            raise StoreError(f"the store {path.name!r} can't be read ({error}): run `crm-reports sync` again") from None
        return cls(path, connection)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(self.connection.list_tables(database=("store", SCHEMA)))

    def table(self, name: str) -> Table:
        """One table, with the columns of `fields.TABLES[name]` and no others."""
        if name not in self._tables:
            self._tables[name] = self._table(name)
        return self._tables[name]

    def _table(self, name: str) -> Table:
        if name not in self._names:
            return ibis.memtable(arrow_schema(name).empty_table())
        return self.connection.table(name, database=("store", SCHEMA))[TABLES[name].columns]

    def rows(self, name: str) -> pa.Table:
        """All rows of a small table (managers, stages, …), read once."""
        if name not in self._rows:
            self._rows[name] = self.table(name).to_pyarrow().cast(arrow_schema(name))
        return self._rows[name]

    def ids(self, column: str, tables: Sequence[str]) -> set[str]:
        """Every id that `column` holds in any of `tables`."""
        found = ibis.union(*(self.table(name).select(column) for name in tables), distinct=True)
        return set(found.to_pyarrow()[column].drop_null().to_pylist())

    def keep(self, expression: Table) -> Table:
        """The result of `expression`, computed once and kept in memory for the questions that follow."""
        return self.connection.create_table(gen_name("kept"), expression, temp=True)

    @cached_property
    def last_sync(self) -> dict:
        """The last row of `syncs`: synced_at (UTC), source, portal_url, present (set of table names), holes (list)."""
        syncs = self.table("syncs")
        rows = syncs.order_by(syncs.synced_at.desc()).limit(1).to_pyarrow().to_pylist()
        if not rows:
            raise StoreError("the store holds no finished sync: run `crm-reports sync`")
        row = rows[0]
        present = frozenset(filter(None, (row["present"] or "").split(",")))
        return row | {"present": present, "holes": json.loads(row["holes"] or "[]")}

    @property
    def synced_at(self) -> datetime:
        return self.last_sync["synced_at"].astimezone(UTC)

    def has(self, table: str) -> bool:
        """Whether the source delivered `table` at all; an empty table counts as delivered."""
        return table in self.last_sync["present"]
