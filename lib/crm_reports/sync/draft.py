"""The copy of the store that a sync brings up to date, and that takes the store's place when it is whole.

dlt was here for the merge, and cost a second of every sync, two more copies of every row, and thirty packages: with the
rows already in the engine a merge is two statements, and all of them are one transaction.
"""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from ..fields import TABLES, VERSIONED, arrow_schema
from .ledger import ID_OF, OWNERS, Ledger, quoted

log = logging.getLogger(__name__)

SCHEMA = "crm"
# Read whole each time; the others are merged by their keys.
DICTIONARIES = (
    "pipelines", "stages", "sources", "lead_stages", "managers", "manager_departments", "departments", "currencies",
)  # fmt: skip
GO_WITH = {
    "deals": ("deals", "deals_versions", "stage_history"),
    "leads": ("leads", "leads_versions"),
    "companies": ("companies",),
    "contacts": ("contacts",),
    "activities": ("activities", "activities_versions", "done_seen"),
}
# Of a row as it was only these may differ without making a version of it: they tell that something changed, not what.
TOUCHES = {"modified_at", "updated_at", "last_activity_at"}


@dataclass(frozen=True)
class Draft:
    """A copy of the store of the same origin, or nothing yet, at `path`."""

    path: Path
    store: Path
    origin: str
    is_first: bool

    @classmethod
    def begin(cls, store: Path, origin: str, synced_at: datetime) -> "Draft":
        """A copy of the store when it can be carried on with, else an empty one."""
        path = store.with_name("store.next.duckdb")
        for left in (path, path.with_name(f"{path.name}.wal")):
            left.unlink(missing_ok=True)
        carries_on = bool(origin) and store.is_file() and _is_of(store, origin, synced_at)
        if carries_on:
            shutil.copyfile(store, path)
        return cls(path, store, origin, not carries_on)

    @property
    def held(self) -> Path | None:
        """The store as it was, to look into."""
        return None if self.is_first else self.store

    def finish(self, ledger: Ledger, synced_at: datetime) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Merge what came, take out what is gone, and put the draft in the store's place.

        Gives the new and the removed rows of each table that came. The ledger is closed.
        """
        tables = ledger.tables()
        ledger.close()
        with closing(duckdb.connect(str(self.path))) as connection:
            connection.execute(f"set temp_directory = {quoted(ledger.path.parent)}; set TimeZone = 'UTC'")
            connection.execute(f"attach {quoted(ledger.path)} as ledger (read_only); begin")
            _make_tables(connection)
            before = row_counts(connection)
            if self.held:
                connection.execute(f"attach {quoted(self.held)} as held (read_only)")
                _keep_versions(
                    connection, {table: at for table, at in ledger.synced.items() if table in tables}, synced_at
                )
            for table in tables:
                _merge(connection, ledger.once(table, "ledger.came"), table)
            if "activities" in tables:
                _note_done(connection, synced_at)
            removed = _take_out(connection, is_commented="comments" in tables)
            after = row_counts(connection)
            connection.execute("create or replace table main.origin as select ? as origin", [self.origin])
            connection.execute("commit")
        os.replace(self.path, self.store)
        return {table: max(0, after[table] - before[table] + removed[table]) for table in tables}, removed


def _is_of(store: Path, origin: str, synced_at: datetime) -> bool:
    """Whether the store is of that origin, can be read, and is not of a later time."""
    try:
        with closing(duckdb.connect(str(store), read_only=True)) as connection:
            signed = connection.execute("select origin from main.origin").fetchone()
            (last,) = connection.execute(f"select max(synced_at) from {SCHEMA}.syncs").fetchone()
    except duckdb.Error as error:
        log.info("the store can't be carried on with (%s): reading everything", error)
        return False
    return signed == (origin,) and last <= synced_at


def _make_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Every table of `fields`, be it empty."""
    connection.execute(f"create schema if not exists {SCHEMA}")
    for table in TABLES:
        connection.register("typed", arrow_schema(table).empty_table())
        connection.execute(f"create table if not exists {SCHEMA}.{table} as from typed")
        connection.unregister("typed")


def row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """How many rows each table of the store has."""
    return {name: connection.execute(f"select count(*) from {SCHEMA}.{name}").fetchone()[0] for name in TABLES}


# What came


def _merge(connection: duckdb.DuckDBPyConnection, rows: str, table: str) -> None:
    """The rows that came, in place of those with the same key; a dictionary is replaced whole."""
    key = ", ".join(TABLES[table].key)
    came = "" if table in DICTIONARIES else f"where {key} in (select {key} from ledger.came.{table})"
    connection.execute(f"delete from {SCHEMA}.{table} {came}")
    connection.execute(f"insert into {SCHEMA}.{table} by name {rows}")


def _note_done(connection: duckdb.DuckDBPyConnection, synced_at: datetime) -> None:
    """Which activities this sync is the first to see done."""
    connection.execute(
        f"insert into {SCHEMA}.done_seen select distinct activity_id, ?::timestamptz from ledger.came.activities "
        f"where is_done and activity_id not in (select activity_id from {SCHEMA}.done_seen)", [synced_at],
    )  # fmt: skip


# What was overwritten


def _keep_versions(
    connection: duckdb.DuckDBPyConnection, seen: Mapping[str, datetime], synced_at: datetime
) -> None:  # fmt: skip
    """Keep the rows that this sync saw otherwise than the one before it, at the instants `seen`, as that one saw them."""
    for table in seen.keys() & set(VERSIONED):
        # The portal's clock has whole seconds: of two syncs at the same one, the later tells how it was then.
        last_seen_at = min(seen[table], synced_at - timedelta(microseconds=1))
        connection.execute(_overwritten(table, list(TABLES[table].columns)), [last_seen_at])


def _overwritten(table: str, columns: list[str]) -> str:
    (key,) = TABLES[table].key
    told = [name for name in columns if name not in TOUCHES]
    was, now = (", ".join(f'{side}."{name}"' for name in told) for side in ("was", "now"))
    return (
        f"insert into {SCHEMA}.{table}_versions by name select was.*, ?::timestamptz as last_seen_at "
        f"from held.{SCHEMA}.{table} was join ledger.came.{table} now using ({key}) "
        f"where ({was}) is distinct from ({now})"
    )


# What is gone


def _take_out(connection: duckdb.DuckDBPyConnection, *, is_commented: bool) -> Counter[str]:
    """Take out what the portal has no more; history, versions and comments go with their deal, as they do there."""
    removed: Counter[str] = Counter()
    for of, tables in GO_WITH.items():
        gone = f"(select id::varchar from ledger.gone where of = '{of}')"
        for table in tables:
            removed[table] += _delete(connection, table, f"{ID_OF[of]} in {gone}")
        if of in OWNERS:
            removed["comments"] += _delete(
                connection, "comments", f"owner_type = '{OWNERS[of]}' and owner_id in {gone}"
            )
    if is_commented:
        read = "(owner_type, owner_id) in (from ledger.commented)"
        missing = "comment_id not in (select comment_id from ledger.came.comments)"
        removed["comments"] += _delete(connection, "comments", f"{read} and {missing}")
    return Counter({table: rows for table, rows in removed.items() if rows})


def _delete(connection: duckdb.DuckDBPyConnection, table: str, condition: str) -> int:
    return connection.execute(f"delete from {SCHEMA}.{table} where {condition}").fetchone()[0]
