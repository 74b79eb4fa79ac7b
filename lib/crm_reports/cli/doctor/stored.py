"""The store and the nights: what is held, how old it is, what it lacks. It is opened to be read; no sync is disturbed."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from ...night import nights
from ...night.alerts import watching
from ...settings import Settings
from ...sources.fields import TABLES
from ...store.engine import SCHEMA
from ...words.texts import _, many
from ...words.units import size, span, write
from .check import Check, safely

Connection = duckdb.DuckDBPyConnection

# A night that was missed.
OLD = timedelta(hours=36)


def checks(settings: Settings) -> Iterator[Check]:
    yield from _store(settings)
    yield from safely(_night, settings, name=_("Last night"))
    if settings.alerts and settings.store_path.is_file():
        yield from safely(_alerts, settings, name=_("Alerts"))


def _night(settings: Settings) -> Iterator[Check]:
    """How the last night that was made went; nothing where none was."""
    for last in nights(settings)[:1]:
        words = {"day": write(last.date, "date"), "k": len(last.failed), "n": len(last.pages)}
        remedy = _("night.html in the output folder says what and why.")
        if last.problem:
            yield Check(_("Last night"), "look", _("{day}: nothing was made: {why}", why=last.problem, **words), remedy)
        elif last.failed:
            sentence = _("{day}: {k} of {n} pages did not come out", **words)
            yield Check(_("Last night"), "look", sentence, remedy)
        else:
            yield Check(_("Last night"), "ok", _("{day}: pages that came out: {n}", **words))


def _alerts(settings: Settings) -> Iterator[Check]:
    """Whether every alert can be looked at: its metric, its dimension, whom its filters name."""
    with watching(settings) as watch:
        problems = watch.problems()
    for problem in problems:
        yield Check(
            _("Alerts"),
            "broken",
            problem,
            _("Correct the alert in reports.toml; docs/alerts.md says what it may hold."),
        )
    if not problems:
        n = len(settings.alerts)
        yield Check(_("Alerts"), "ok", many("{n} alert can be looked at", "{n} alerts can be looked at", n))


def _store(settings: Settings) -> Iterator[Check]:
    path = settings.store_path
    if not path.is_file():
        sentence = _("there is none yet in {folder}", folder=path.parent)
        yield Check(_("Store"), "look", sentence, _("Run `crm-reports sync`."))
        return
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        kind = str(error).splitlines()[0]
        sentence = _("{file} can't be read: {kind}", file=path, kind=kind)
        yield Check(_("Store"), "broken", sentence, _("Run `crm-reports sync`: it starts the store afresh."))
        return
    with closing(connection):
        connection.execute("set TimeZone = 'UTC'")
        yield from safely(_held, connection, settings, name=_("Store"))


def _held(connection: Connection, settings: Settings) -> Iterator[Check]:
    columns = _columns(connection)
    yield from _content(connection, settings.store_path, columns)
    if {"synced_at", "source", "holes"} <= columns.get("syncs", set()):
        yield from safely(_syncs, connection, settings, name=_("Last sync"))
    yield from safely(_history, connection, columns, settings, name=_("History"))


def _columns(connection: Connection) -> dict[str, set[str]]:
    """The columns of each table that the store holds."""
    rows = connection.execute(
        "select table_name, list(column_name) from duckdb_columns() where schema_name = ? group by all", [SCHEMA]
    ).fetchall()
    return {table: set(names) for table, names in rows}


def _content(connection: Connection, path: Path, columns: dict[str, set[str]]) -> Iterator[Check]:
    rows_of = {table: _count(connection, table) for table in TABLES if table in columns}
    rows = " · ".join(f"{table} {write(n, 'count')}" for table, n in rows_of.items() if n)
    yield Check(_("Store"), "ok", f"{path}, {size(path.stat().st_size)}")
    if rows_of.get("deals"):
        yield Check(_("Rows"), "ok", rows)
    else:
        yield Check(
            _("Rows"), "look", rows or _("none"), _("There is no deal to report on: see the portal's lines above.")
        )
    if lacking := _lacking(columns):
        sentence = _("it is of an earlier version of crm-reports and lacks {columns}", columns=lacking)
        yield Check(_("Store"), "look", sentence, _("The next `crm-reports sync` reads everything anew."))


def _count(connection: Connection, table: str) -> int:
    (rows,) = connection.execute(f'select count(*) from {SCHEMA}."{table}"').fetchone()
    return rows


def _lacking(columns: dict[str, set[str]]) -> str:
    """The columns that this version keeps and the store's tables do not have."""
    lacking = [
        f"{table}.{column}"
        for table in TABLES
        if table in columns
        for column in TABLES[table].columns
        if column not in columns[table]
    ]
    return ", ".join(lacking)


def _syncs(connection: Connection, settings: Settings) -> Iterator[Check]:
    relation = connection.execute(f"select * from {SCHEMA}.syncs order by synced_at desc limit 1")
    names = [column[0] for column in relation.description]
    row = relation.fetchone()
    if row is None:
        yield Check(_("Last sync"), "look", _("none was finished"), _("Run `crm-reports sync`."))
        return
    last = dict(zip(names, row, strict=True))
    yield _age(last, settings)
    yield from _origin(last, settings)
    yield from _sweep(last, settings)
    for hole in json.loads(last["holes"] or "[]"):
        yield Check(_("Holes"), "look", f"{hole['table']}: {hole['text']}")


def _age(last: dict[str, Any], settings: Settings) -> Check:
    synced_at = last["synced_at"].astimezone(UTC)
    age = datetime.now(UTC) - synced_at
    words = {"at": write(synced_at, "instant", zone=settings.zone), "age": span(age.total_seconds())}
    sentence = _("{at}, {age} ago", **words) if age > timedelta() else _("{at}, by the portal's clock", **words)
    if age <= OLD or settings.source.kind == "demo":
        return Check(_("Last sync"), "ok", sentence)
    return Check(
        _("Last sync"), "look", sentence, _("See whether the night's job runs (docs/scheduling.md) and what it says.")
    )


def _origin(last: dict[str, Any], settings: Settings) -> Iterator[Check]:
    if last["source"] != settings.source.kind:
        words = {"held": last["source"], "wanted": settings.source.kind}
        sentence = _("it holds {held!r}, and the source is {wanted!r}", **words)
        yield Check(_("Store"), "look", sentence, _("The next `crm-reports sync` starts it afresh."))


def _sweep(last: dict[str, Any], settings: Settings) -> Iterator[Check]:
    """When it was last looked what the portal has deleted; files are read whole each time."""
    if swept := last.get("swept_at"):
        instant = write(swept.astimezone(UTC), "instant", zone=settings.zone)
        yield Check(_("Deletions"), "ok", _("last looked for {at}", at=instant))


def _history(connection: Connection, columns: dict[str, set[str]], settings: Settings) -> Iterator[Check]:
    """From when on there is something to tell: deals, their moves, and the syncs that remember what was changed."""
    begins = {
        _("deals from {day}"): _first(connection, columns, "deals", "created_at"),
        _("moves between stages from {day}"): _first(connection, columns, "stage_history", "at"),
        _("activities from {day}"): _first(connection, columns, "activities", "at"),
        _("changes of amount and owner from {day}"): _first(connection, columns, "syncs", "synced_at"),
    }
    sentences = [
        words.format(day=write(instant.astimezone(settings.zone).date(), "date"))
        for words, instant in begins.items()
        if instant
    ]
    if sentences:
        yield Check(_("History"), "ok", ", ".join(sentences))


def _first(connection: Connection, columns: dict[str, set[str]], table: str, column: str) -> datetime | None:
    if column not in columns.get(table, ()):
        return None
    # A date such as 0001-01-01 is a slip of somebody's finger, and Python can't move it into a zone.
    (first,) = connection.execute(
        f'select min("{column}") from {SCHEMA}.{table} where "{column}" > \'1971-01-01\''
    ).fetchone()
    return first
