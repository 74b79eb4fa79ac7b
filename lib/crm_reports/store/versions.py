"""The store's rows as they were at an instant, as far as it knows: what the CRM overwrites, the syncs have kept.

As of T a row is the version with the smallest `last_seen_at` >= T, else what the table holds now: the first sync at or
after T is the night that reported T. Before the first sync nobody knows: a row is then as that sync found it.
"""

from collections.abc import Mapping

from ..sources.fields import TABLES, VERSIONED, Field

SQL = {"text": "varchar", "integer": "bigint", "number": "double", "flag": "boolean", "instant": "timestamptz"}
Tables = Mapping[str, set[str]]  # the tables that a store has, and the columns of each


def rows_as_of(name: str, tables: Tables) -> str:
    """The SQL of the table's rows at as_of()."""
    versions, key = f"{name}_versions", ", ".join(TABLES[name].key)
    if name not in VERSIONED or name not in tables or versions not in tables:
        return rows_now(name, tables)
    return f"""
        with later as (
            select * from store.crm.{versions} where last_seen_at >= as_of()
            qualify row_number() over (partition by {key} order by last_seen_at) = 1
        )
        select {_columns(name, tables[versions])} from later
        union all
        select {_columns(name, tables[name])} from store.crm.{name} anti join later using ({key})
    """


def rows_now(name: str, tables: Tables) -> str:
    """The SQL of the table's rows as they are; none when the store has no such table."""
    if name not in tables:
        return f"select {_columns(name, set())} limit 0"
    return f"select {_columns(name, tables[name])} from store.crm.{name}"


def _columns(name: str, columns: set[str]) -> str:
    """The columns of `fields.TABLES`; one that the store was made without is null."""
    return ", ".join(_column(field, field.name in columns) for field in TABLES[name].fields)


def _column(field: Field, is_there: bool) -> str:
    return f'"{field.name}"' if is_there else f'null::{SQL[field.kind]} as "{field.name}"'
