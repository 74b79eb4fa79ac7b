"""The copy of the store that a sync brings up to date, and that takes the store's place when it is whole.

The rows that came are in the engine already, so a merge is two statements and a whole sync one transaction: no loading
library is needed between them.
"""

import logging
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb

from ...sources.fields import TABLES, VERSIONED, arrow_schema
from ..disk import settle
from ..engine import SCHEMA, quote, silence
from .ledger import ID_OF, OWNERS, Ledger, last_read
from .rescue import Rescue, keep_damaged, lasting_holes, read_through

log = logging.getLogger(__name__)

# Read whole each time; the others are merged by their keys.
DICTIONARIES = (
    "pipelines", "stages", "sources", "lead_stages", "managers", "manager_departments", "departments", "currencies",
    "own_fields",
)  # fmt: skip
GO_WITH = {
    "deals": ("deals", "deals_versions", "stage_history", "product_rows", "product_rows_versions"),
    "leads": ("leads", "leads_versions"),
    "companies": ("companies",),
    "contacts": ("contacts",),
    "activities": ("activities", "activities_versions", "done_seen"),
}
# What only a store knows, of the rows of which table.
FOLLOWERS = {"done_seen": "activities"} | {f"{table}_versions": table for table in VERSIONED}
# Of a row as it was only these may differ without making a version of it: they tell that something changed, not what.
TOUCHES = {"modified_at", "updated_at", "last_activity_at"}


@dataclass(frozen=True)
class Origin:
    """What a store is of: another `portal` has nothing in common with it; of another `layout` all rows are read anew."""

    portal: str
    layout: str


@dataclass(frozen=True)
class Draft:
    """The new store at `path`: a copy of the `earlier` one of the same portal, or begun anew."""

    path: Path
    store: Path
    origin: Origin
    earlier: Path | None
    is_copy: bool
    rescue: Rescue | None

    @classmethod
    def begin(
        cls, store: Path, work: Path, origin: Origin, synced_at: datetime, *, anew: bool, rescue: Rescue | None
    ) -> "Draft":
        """In the folder `work`, a copy of the store when it can be carried on with, else an empty one.

        `anew` when all rows will come. Of a damaged store, the `rescue` takes its place.
        """
        path, source = work / "store.next.duckdb", rescue.path if rescue else store
        origin_of_source = _origin_of(source, synced_at) if source.is_file() else None
        is_copy = origin_of_source == origin and not anew and not rescue
        if is_copy:
            shutil.copyfile(store, path)
        is_same_portal = origin_of_source is not None and origin_of_source.portal == origin.portal
        return cls(path, store, origin, source if is_same_portal else None, is_copy, rescue)

    @property
    def held(self) -> Path | None:
        """The store whose rows need not be read again."""
        return self.earlier if self.is_copy else None

    def holes(self, on: date) -> list[dict[str, str]]:
        """What the pages say of history that was lost, now or within the last year."""
        return [*self._earlier_holes(on), *(self.rescue.holes(on) if self.rescue else [])]

    def rows_before(self, table: str) -> int:
        """How many rows of the table the store of this source held; 0 when there was none."""
        if not self.earlier:
            return 0
        with closing(duckdb.connect(str(self.earlier), read_only=True)) as connection:
            return connection.execute(f"select count(*) from {SCHEMA}.{table}").fetchone()[0]

    def _earlier_holes(self, on: date) -> list[dict[str, str]]:
        if not self.earlier:
            return []
        with closing(duckdb.connect(str(self.earlier), read_only=True)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return lasting_holes(connection.execute(f"select synced_at, holes from {SCHEMA}.syncs").fetchall(), on)

    def finish(
        self, ledger: Ledger, synced_at: datetime, then: Callable[[duckdb.DuckDBPyConnection], None]
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Merge what came, take out what is gone, and put the draft in the store's place.

        Gives the new and the removed rows of each table that came. The ledger is closed. `then` is what is to be done to the
        merged tables before they are the store.
        """
        came = {table: ledger.once(table, "ledger.came") for table in ledger.tables()}
        ledger.close()
        with closing(duckdb.connect(str(self.path))) as connection:
            silence(connection).execute(f"set temp_directory = {quote(self.path.parent)}; set TimeZone = 'UTC'")
            connection.execute(f"attach {quote(ledger.path)} as ledger (read_only); begin")
            counts = self._merge_all(connection, came, synced_at)
            then(connection)
            rows = row_counts(connection)
            connection.execute("commit")
            connection.execute("checkpoint")  # on closing it would fail without a word, and leave a file without tables
        self._must_be(rows)
        if self.rescue:
            keep_damaged(self.store)
        settle(self.path, self.store)
        return counts

    def _merge_all(
        self, connection: duckdb.DuckDBPyConnection, came: Mapping[str, str], synced_at: datetime
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        _make_tables(connection)
        if self.earlier:
            connection.execute(f"attach {quote(self.earlier)} as held (read_only)")
            if not self.is_copy:
                _remember(connection)
            _keep_versions(connection, came, synced_at)
        before = row_counts(connection)
        for table, rows in came.items():
            _merge(connection, rows, table)
        if "activities" in came:
            _note_done(connection, synced_at)
        if not self.is_copy:
            _forget(connection)
        removed = _take_out(connection, is_commented="comments" in came)
        _delete(connection, "own_values", f"(entity, field) not in (select (entity, field) from {SCHEMA}.own_fields)")
        after = row_counts(connection)
        connection.execute(
            "create or replace table main.origin as select ? as portal, ? as layout", [*astuple(self.origin)]
        )
        return {table: max(0, after[table] - before[table] + removed[table]) for table in came}, removed

    def _must_be(self, rows: Mapping[str, int]) -> None:
        """Read the draft from the disk, every block of it; an IOException when it is not what was written."""
        if self.path.with_name(f"{self.path.name}.wal").exists():
            raise duckdb.IOException("a part of it did not get into its file")
        with closing(duckdb.connect(str(self.path), read_only=True)) as connection:
            silence(connection).execute(f"set temp_directory = {quote(self.path.parent)}")
            rows_read = read_through(connection)
            origin = connection.execute("select portal, layout from main.origin").fetchone()
        if rows_read != rows or origin != astuple(self.origin):
            raise duckdb.IOException("what was read back is not what was written")


def _origin_of(store: Path, synced_at: datetime) -> Origin | None:
    """What the store is of; None when it does not say, or is of a later time."""
    try:
        with closing(duckdb.connect(str(store), read_only=True)) as connection:
            origin = connection.execute("select portal, layout from main.origin").fetchone()
            (last,) = connection.execute(f"select max(synced_at) from {SCHEMA}.syncs").fetchone()
    except duckdb.CatalogException as error:  # anything else is told: to read anew would forget what only it knows
        log.info("the store can't be carried on with (%s): reading everything", error)
        return None
    return Origin(*origin) if origin and (last is None or last <= synced_at) else None


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
    came = "" if table in DICTIONARIES else f"where ({key}) in (select ({key}) from ledger.came.{table})"
    connection.execute(f"delete from {SCHEMA}.{table} {came}")
    connection.execute(f"insert into {SCHEMA}.{table} by name {rows}")


def _note_done(connection: duckdb.DuckDBPyConnection, synced_at: datetime) -> None:
    """Which activities this sync is the first to see done."""
    connection.execute(
        f"insert into {SCHEMA}.done_seen select distinct activity_id, ?::timestamptz from ledger.came.activities "
        f"where is_done and activity_id not in (select activity_id from {SCHEMA}.done_seen)",
        [synced_at],
    )


# What was overwritten


def _remember(connection: duckdb.DuckDBPyConnection) -> None:
    """What only the earlier store knows, and no portal tells again."""
    for table in ("syncs", "plan_lines", "dated_notes", *FOLLOWERS):
        if names := ", ".join(_in_common(connection, table)):
            connection.execute(f"insert into {SCHEMA}.{table} by name select {names} from held.{SCHEMA}.{table}")


def _forget(connection: duckdb.DuckDBPyConnection) -> None:
    """What is remembered of rows that did not come again goes."""
    for table, of in FOLLOWERS.items():
        key = ", ".join(TABLES[of].key)
        _delete(connection, table, f"({key}) not in (select ({key}) from {SCHEMA}.{of})")


def _in_common(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    """The columns of a table that the earlier store has too."""
    query = "select column_name from duckdb_columns() where database_name = 'held' and table_name = ?"
    names = {name for (name,) in connection.execute(query, [table]).fetchall()}
    return [f'"{name}"' for name in TABLES[table].columns if name in names]


def _keep_versions(connection: duckdb.DuckDBPyConnection, came: Mapping[str, str], synced_at: datetime) -> None:
    """Keep the rows that this sync saw otherwise than the last one that read their table, as that one saw them."""
    read_at = last_read(connection.execute(f"select synced_at, present from held.{SCHEMA}.syncs").fetchall())
    for table in (name for name in VERSIONED if name in came and name in read_at):
        # The portal's clock has whole seconds: of two syncs at the same one, the later tells how it was then.
        last_seen_at = min(read_at[table], synced_at - timedelta(microseconds=1))
        connection.execute(_versions_sql(table, came[table], _in_common(connection, table)), [last_seen_at])


def _versions_sql(table: str, came: str, columns: list[str]) -> str:
    key = ", ".join(TABLES[table].key)
    compared_names = [name for name in columns if name.strip('"') not in TOUCHES]
    old = ", ".join(f"was.{name}" for name in columns)
    was, now = (", ".join(f"{side}.{name}" for name in compared_names) for side in ("was", "now"))
    return (
        f"insert into {SCHEMA}.{table}_versions by name select {old}, ?::timestamptz as last_seen_at "
        f"from held.{SCHEMA}.{table} was join ({came}) now using ({key}) "
        f"where ({was}) is distinct from ({now})"
    )


# What is gone


def _take_out(connection: duckdb.DuckDBPyConnection, *, is_commented: bool) -> Counter[str]:
    """Take out what the portal has no more; history, versions and comments go with their deal, as they do there."""
    removed: Counter[str] = Counter()
    for of, tables in GO_WITH.items():
        ids = f"(select id::varchar from ledger.gone where of = '{of}')"
        for table in tables:
            removed[table] += _delete(connection, table, f"{ID_OF[of]} in {ids}")
        if of in OWNERS:
            for table in ("own_values", "own_values_versions"):
                _delete(connection, table, f"entity = '{OWNERS[of]}' and entity_id in {ids}")
            removed["comments"] += _delete(connection, "comments", f"owner_type = '{OWNERS[of]}' and owner_id in {ids}")
    if is_commented:
        read = "(owner_type, owner_id) in (from ledger.commented)"
        missing = "comment_id not in (select comment_id from ledger.came.comments)"
        removed["comments"] += _delete(connection, "comments", f"{read} and {missing}")
    return Counter({table: rows for table, rows in removed.items() if rows})


def _delete(connection: duckdb.DuckDBPyConnection, table: str, condition: str) -> int:
    return connection.execute(f"delete from {SCHEMA}.{table} where {condition}").fetchone()[0]
