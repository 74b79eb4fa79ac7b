"""The rows of one sync on disk, beside what the store held before it: memory stays flat, however long the tables."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
import pyarrow as pa

from ...sources.fields import STAMPS, TABLES, arrow_schema
from ..engine import quote, silence

CHUNK = 10_000
MEMORY = "1GB"
# What changed within the hour before the last sync is read again: the clocks of a portal's servers may differ.
OVERLAP = timedelta(hours=1)

ID_OF = {
    "deals": "deal_id", "leads": "lead_id", "companies": "company_id", "contacts": "contact_id",
    "stage_history": "history_id", "activities": "activity_id",
}  # fmt: skip
# What may have comments and activities. Deals first: a comment that is shown at several of them belongs to the deal.
OWNERS = {"deals": "deal", "leads": "lead", "companies": "company", "contacts": "contact"}

# The deals whose product rows are known.
SOLD = "(select deal_id from held.crm.product_rows where lines is not null)"

Element = tuple[str, str]
Alive = tuple[int, Sequence[datetime | None]]


class Ledger:
    """What a sync knows: rows that came (schema `came`), and the store as it was (`held.crm`), when there is one.

    A row that came twice counts once: as it came last, a comment as it came first.
    """

    def __init__(self, folder: Path, store: Path | None = None) -> None:
        self.path = folder / "ledger.duckdb"
        self._connection = silence(duckdb.connect(str(self.path)))
        self._connection.execute(
            f"set memory_limit = '{MEMORY}'; set temp_directory = {quote(folder)}; set TimeZone = 'UTC'"
        )
        self._connection.execute("create schema came")
        self._waiting: dict[str, list[dict[str, Any]]] = {}
        for name in ("gone", "unseen"):
            self._connection.execute(f"create table {name} (of varchar, id bigint)")
        self._connection.execute("create table alive (of varchar, id bigint, stamps varchar)")
        self._connection.execute("create table unanswered (id varchar)")
        self._connection.execute("create table commented (owner_type varchar, owner_id varchar)")
        if store:
            self._connection.execute(f"attach {quote(store)} as held (read_only)")
        self._held = self._tables_of("held") if store else set()
        self.since = self._since() if "syncs" in self._held else {}
        self.swept_at = self._swept_at() if self.since else None

    def close(self) -> None:
        self._connection.close()

    # Rows that come

    def add(self, table: str, rows: list[dict[str, Any]]) -> None:
        """Rows of a table, perhaps none: then the table is there, and empty."""
        waiting = self._waiting.setdefault(table, [])
        waiting += rows
        if len(waiting) >= CHUNK:
            self._settle(table)

    def write(self, table: str, rows: pa.Table) -> None:
        """A whole table at once."""
        self._connection.register("rows_given", rows)
        if table not in self._tables_of("ledger", "came"):
            self._connection.execute(f"create table came.{table} as from rows_given limit 0")
        self._connection.execute(f"insert into came.{table} from rows_given")
        self._connection.unregister("rows_given")

    def _settle(self, table: str) -> None:
        """Rows that wait in memory go to the disk, where they can be asked about."""
        if (waiting := self._waiting.pop(table, None)) is not None:
            self.write(table, pa.Table.from_pylist(waiting, arrow_schema(table)))

    def tables(self) -> list[str]:
        """The tables that came, some of them without rows."""
        for table in list(self._waiting):
            self._settle(table)
        return sorted(self._tables_of("ledger", "came"))

    def came(self, table: str) -> int:
        """How many rows came, each counted once."""
        key = ", ".join(TABLES[table].key)
        return self._number(f"select count(*) from (select distinct {key} from came.{table})")

    def once(self, table: str, schema: str) -> str:
        """SQL for the rows that came, each once."""
        if not self.since and table != "comments":
            return f"from {schema}.{table}"  # one reading by rising ids brings nothing twice
        order = "rowid" if table == "comments" else "rowid desc"
        key = ", ".join(TABLES[table].key)
        return f"from {schema}.{table} qualify row_number() over (partition by {key} order by {order}) = 1"

    # What was held before

    def _since(self) -> Mapping[str, datetime]:
        read = last_read(self._rows("select synced_at, present from held.crm.syncs"))
        since = {table: instant - OVERLAP for table, instant in read.items()}
        # Whoever changed while comments were refused may have got comments.
        return {
            table: min(instant, since.get("comments", instant)) if table in OWNERS else instant
            for table, instant in since.items()
        }

    def _swept_at(self) -> datetime | None:
        instant = self._number("select max(swept_at) from held.crm.syncs")
        return instant and instant.astimezone(UTC)

    def rows(self, table: str) -> int:
        return self._number(f"select count(*) from held.crm.{table}") if table in self._held else 0

    def last_id(self, table: str) -> int:
        # Ids are text in the store; as text "9" is greater than "10".
        column = f"{ID_OF[table]}::bigint"
        return (self._number(f"select max({column}) from held.crm.{table}") or 0) if table in self._held else 0

    def ids_in_store(self, table: str, ids: Sequence[int]) -> set[int]:
        if table not in self._held or not ids:
            return set()
        condition = f"{ID_OF[table]} in (select unnest(?::varchar[]))"
        return self._numbers(
            f"select {ID_OF[table]}::bigint from held.crm.{table} where {condition}", [[str(id) for id in ids]]
        )

    # What is gone, and what came into sight

    def note_alive(self, table: str, rows: Sequence[Alive]) -> None:
        stamps = [_stamps(row_stamps) for _row_id, row_stamps in rows]
        query = "insert into alive select ?, unnest(?::bigint[]), unnest(?::varchar[])"
        self._connection.execute(query, [table, [row_id for row_id, _stamps_of in rows], stamps])

    def take_out(self, table: str, ids: Sequence[int]) -> None:
        self._note("gone", table, ids)

    def keep_unseen(self, table: str, ids: Sequence[int]) -> None:
        self._note("unseen", table, ids)

    def _note(self, name: str, table: str, ids: Sequence[int]) -> None:
        self._connection.execute(f"insert into {name} select ?, unnest(?::bigint[])", [table, list(ids)])

    def missing_ids(self, table: str) -> list[int]:
        """Held and not alive; what belongs to something out of sight is only hidden with it."""
        hidden = f"owner_type = 'deal' and {_is_in('unseen', 'owner_id', 'deals')}"
        condition = f"and not ({hidden})" if table == "activities" else ""
        column = f"{ID_OF[table]}::bigint"
        return sorted(
            self._numbers(
                f"select {column} from held.crm.{table} "
                f"where {column} not in (select id from alive where of = ?) {condition}",
                [table],
            )
        )

    def differing(self, table: str) -> list[int]:
        """Alive, not come, and not held or held with other stamps."""
        column = f"{ID_OF[table]}::bigint"
        stamps = " || ' ' || ".join(f"coalesce(epoch({name})::bigint::varchar, '')" for name in STAMPS[table])
        conditions = {
            "came": f"id not in (select {column} from came.{table})",
            "held.crm": f"(id, stamps) not in (select ({column}, {stamps}) from held.crm.{table})",
        }
        query = " and ".join(["select id from alive where of = ?", *(conditions[home] for home in self._homes(table))])
        return sorted(self._numbers(query, [table]))

    def moved_over(self, deals: Mapping[str, str]) -> set[int]:
        """Which of these deals are held in another pipeline than the one given."""
        if "deals" not in self._held or not deals:
            return set()
        query = (
            "select deal_id::bigint from held.crm.deals join (select unnest(?::varchar[]) as id, unnest(?::varchar[]) as now) "
            "on id = deal_id where pipeline_id is distinct from now"
        )
        return self._numbers(query, [list(deals), list(deals.values())])

    def orphans(self, table: str) -> list[int]:
        """Held rows of what was taken out: merging or deleting a customer changes them and leaves no trace."""
        if table not in self._held:
            return []
        links = (
            [f"(owner_type = '{owner}' and {_is_in('gone', 'owner_id', of)})" for of, owner in OWNERS.items()]
            if table == "activities"
            else [_is_in("gone", "company_id", "companies"), _is_in("gone", "contact_id", "contacts")]
        )
        own = _is_in("gone", ID_OF[table], table)
        query = f"select {ID_OF[table]}::bigint from held.crm.{table} where ({' or '.join(links)}) and not {own}"
        return sorted(self._numbers(query))

    # Calls nobody answered

    def note_unanswered(self, activity_ids: Sequence[str]) -> None:
        self._connection.execute("insert into unanswered select unnest(?::varchar[])", [list(activity_ids)])

    def unanswered_calls(self, activity_ids: Sequence[str]) -> set[str]:
        """Telephony told once that nobody answered; the call's record is not asked for again."""
        queries = ["select id from unanswered"]
        if "activities" in self._held:
            queries.append(f"select activity_id from held.crm.activities where {_CALL} and not is_action")
        query = f"select id from ({' union all '.join(queries)}) as told(id) where id in (select unnest(?::varchar[]))"
        return {row_id for (row_id,) in self._rows(query, [list(activity_ids)])}

    def mistaken(self) -> list[int]:
        if "activities" not in self._held:
            return []
        query = f"select activity_id::bigint from held.crm.activities semi join unanswered on id = activity_id where {_CALL}"
        return sorted(self._numbers(f"{query} and is_action"))

    # The company's own fields

    def own_fields(self) -> Mapping[tuple[str, str], dict[str, Any]]:
        if "own_fields" not in self._held:
            return {}
        found = self._connection.execute("from held.crm.own_fields").to_arrow_table().to_pylist()
        return {(row["entity"], row["field"]): row for row in found}

    # Product rows

    def baskets(self) -> list[int]:
        """The deals whose product rows may be others than those held: that came changed, or were never asked for them."""
        homes = self._homes("deals")
        parts = [f"select deal_id, modified_at from came.deals where {self._is_unread()}"] if "came" in homes else []
        if "held.crm" in homes:
            since = self.since.get("product_rows")
            is_behind = since is not None and since < self.since["deals"]
            late = f"or modified_at >= timestamptz '{since.isoformat()}'" if is_behind else ""
            never = f"deal_id not in {SOLD}" if "product_rows" in self._held else "true"
            parts.append(f"select deal_id, modified_at from held.crm.deals where {never} {late}")
        if not parts:
            return []
        out = " and ".join(f"not {_is_in(name, 'deal_id', 'deals')}" for name in ("gone", "unseen"))
        return sorted(self._numbers(f"select distinct deal_id::bigint from ({' union all '.join(parts)}) where {out}"))

    def _is_unread(self) -> str:
        """Of a deal that came: whether it is not as it was when its product rows were read."""
        if not {"deals", "product_rows"} <= self._held:
            return "true"
        held = f"select deal_id, modified_at from held.crm.deals semi join {SOLD} using (deal_id)"
        return f"(deal_id, modified_at) not in ({held} where modified_at is not null) or modified_at is null"

    # Comments

    def elements(self, kind: Literal["changed", "alive", "all"]) -> Iterator[Element]:
        for table in OWNERS:
            yield from self._elements(table, kind)

    def _elements(self, table: str, kind: str) -> Iterator[Element]:
        column, homes = ID_OF[table], self._homes(table)
        parts = [f"select {column} as id from came.{table}"] if "came" in homes else []
        if "held.crm" in homes and kind != "changed":
            condition = "true" if kind == "all" else self._is_lively(table)
            parts.append(f"select {column} as id from held.crm.{table} where {condition}")
        if not parts:
            return
        condition = f"not {_is_in('gone', 'id', table)} and not {_is_in('unseen', 'id', table)}"
        query = f"select distinct id from ({' union all '.join(parts)}) where {condition} order by id::bigint"
        with self._connection.cursor() as cursor:
            cursor.execute(query)
            while rows := cursor.fetchmany(CHUNK):
                yield from ((OWNERS[table], row_id) for (row_id,) in rows)

    def _is_lively(self, table: str) -> str:
        """In work, or commented before: a comment that is taken back leaves no trace."""
        has_comments = (
            f"{ID_OF[table]} in (select owner_id from held.crm.comments where owner_type = '{OWNERS[table]}')"
        )
        return f"{has_comments} or outcome = 'open'" if table in ("deals", "leads") else has_comments

    def lively(self) -> int:
        tables = [table for table in OWNERS if table in self._held]
        counts = (
            self._number(f"select count(*) from held.crm.{table} where {self._is_lively(table)}") for table in tables
        )
        return sum(counts)

    def note_commented(self, elements: Sequence[Element]) -> None:
        if elements:
            types, ids = zip(*elements, strict=True)
            query = "insert into commented select unnest(?::varchar[]), unnest(?::varchar[])"
            self._connection.execute(query, [list(types), list(ids)])

    # SQL

    def _homes(self, table: str) -> list[str]:
        self._settle(table)
        came = ["came"] if table in self._tables_of("ledger", "came") else []
        return came + (["held.crm"] if table in self._held else [])

    def _tables_of(self, database: str, schema: str = "crm") -> set[str]:
        query = "select table_name from duckdb_tables() where database_name = ? and schema_name = ?"
        return {name for (name,) in self._rows(query, [database, schema])} & set(TABLES)

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple]:
        return self._connection.execute(query, values).fetchall()

    def _number(self, query: str) -> Any:
        return self._rows(query)[0][0]

    def _numbers(self, query: str, values: Sequence[Any] = ()) -> set[int]:
        return set(self._connection.execute(query, values).fetchnumpy().popitem()[1].tolist())


_CALL = "kind = 'call' and is_done"


def last_read(syncs: Iterable[tuple[datetime, str]]) -> dict[str, datetime]:
    """When each table was last read, of the instants and the tables of all syncs."""
    return {
        table: instant.astimezone(UTC) for instant, present in sorted(syncs) for table in present.split(",") if table
    }


def _is_in(list_name: str, column: str, table: str) -> str:
    return f"coalesce({column}::bigint in (select id from {list_name} where of = '{table}'), false)"


def _stamps(instants: Sequence[datetime | None]) -> str:
    return " ".join("" if instant is None else str(int(instant.timestamp())) for instant in instants)
