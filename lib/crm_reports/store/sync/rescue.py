"""A store that is damaged: what can still be read of it goes into the store that is read anew."""

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ...sources.fields import TABLES, VERSIONED, arrow_schema
from ...words import units
from ...words.texts import _
from ..disk import DAMAGED, set_aside
from ..engine import SCHEMA, quote, silence

# What no source tells again.
ONLY_HERE = {"syncs", "done_seen", "plan_lines", "dated_notes", *(f"{table}_versions" for table in VERSIONED)}
# The code of the hole that a damaged store leaves, and how long the pages tell of it: they compare with a year before.
LOST = "damaged"
TOLD_FOR = timedelta(days=366)
# What the engine says of a file that is whole: another process has it, or it is not for us to read.
REFUSALS = ("could not set lock", "permission denied", "version number")


@dataclass(frozen=True)
class Rescue:
    """The tables that could still be read, in a store at `path` of their own; the `lost` ones are empty there."""

    path: Path
    lost: frozenset[str]
    damage: str

    def holes(self, on: date) -> list[dict[str, str]]:
        """What the pages say: nothing when all that is known only here could be rescued."""
        if not self.lost & ONLY_HERE:
            return []
        text = _(
            "The store was damaged and was read anew on {day}: what amounts, owners, planned dates and done activities "
            "were before that day is not known any more.",
            day=units.write(on, "date"),
        )
        return [{"table": "store", "code": LOST, "text": text, "on": str(on), "is_general": True}]


def rescue_of(store: Path, work: Path) -> Rescue | None:
    """What can still be read of the store, written into the folder `work`; None when nothing is wrong with it."""
    damage = damage_of(store) if store.is_file() else ""
    if not damage:
        return None
    path = work / "rescued.duckdb"
    with closing(duckdb.connect(str(path))) as connection:
        silence(connection).execute(f"set temp_directory = {quote(work)}; create schema {SCHEMA}")
        says_what_it_is = _succeeds(connection, f"attach {quote(store)} as held (read_only)") and _succeeds(
            connection, "create table main.origin as from held.main.origin"
        )
        lost = frozenset(table for table in TABLES if not (says_what_it_is and _is_copied(connection, table)))
        connection.execute("checkpoint")
    return Rescue(path, lost, damage)


def _is_copied(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether the table could be read; otherwise it is there without rows. Where there is no room for it, that is told."""
    source = f"held.{SCHEMA}.{table}"
    if _succeeds(connection, f"select bit_xor(hash(row)) from {source} as row"):
        connection.execute(f"create table {SCHEMA}.{table} as from {source}")
        return True
    connection.register("typed", arrow_schema(table).empty_table())
    connection.execute(f"create table {SCHEMA}.{table} as from typed")
    connection.unregister("typed")
    return False


def _succeeds(connection: duckdb.DuckDBPyConnection, sql: str) -> bool:
    try:
        connection.execute(sql)
    except duckdb.Error:
        return False
    return True


def damage_of(store: Path) -> str:
    """What the engine says of a store that it can't read from one end to the other; "" of one that it can."""
    try:
        with closing(duckdb.connect(str(store), read_only=True)) as connection:
            read_through(silence(connection))
    except duckdb.Error as error:
        words = " ".join(str(error).split())
        return "" if any(refusal in words.lower() for refusal in REFUSALS) else words
    return ""


def read_through(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The rows of each table, all of whose blocks have been read."""
    query = "select table_name from duckdb_tables() where schema_name = ?"
    names = [name for (name,) in connection.execute(query, [SCHEMA]).fetchall()]
    rows = {name: f'select count(*), bit_xor(hash(held)) from {SCHEMA}."{name}" as held' for name in names}
    return {name: connection.execute(sql).fetchone()[0] for name, sql in rows.items()}


def keep_damaged(store: Path) -> Path:
    """The damaged store under another name; only the last one is kept, for the disk's sake."""
    for earlier in store.parent.glob(f"{store.name}{DAMAGED}*"):
        earlier.unlink()
    return set_aside(store)


def lasting_holes(syncs: Iterable[tuple[datetime, str]], on: date) -> list[dict[str, Any]]:
    """Of the holes of all syncs those that no later one can fill, told for a year; each once."""
    holes = [hole for _instant, text in sorted(syncs) for hole in json.loads(text or "[]") if hole["code"] == LOST]
    recent = [hole for hole in holes if date.fromisoformat(hole["on"]) > on - TOLD_FOR]
    return list({hole["on"]: hole for hole in recent}.values())
