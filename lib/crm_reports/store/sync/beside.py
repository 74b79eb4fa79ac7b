"""What a company keeps beside reports.toml, its plan and its notes, into the store.

What changed is added, so that an old night knows it as it was that night.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ...errors import FilesError
from ...filters import Choice, Choices
from ...settings import Settings
from ...sources import notes, plan
from ...sources.fields import TABLES, arrow_schema
from ...words.texts import N_, _, many
from ..engine import SCHEMA
from ..open import Store


@dataclass(frozen=True)
class Kept:
    """A table of the company's own: where its file is, how it is read, and what makes a row of it another one.

    A row that was taken out has no first one of `values` any more. `refusal` says on pages
    how many mistakes which file has.
    """

    table: str
    code: str
    path_of: Callable[[Settings], Path | None]
    read: Callable[[Path, Settings, duckdb.DuckDBPyConnection], list[dict[str, Any]]]
    values: tuple[str, ...]
    refusal: Callable[[int, str], str]

    @property
    def key(self) -> str:
        return TABLES[self.table].key[0]


PLAN = Kept(
    "plan_lines", "plan", plan.path_of,
    lambda path, settings, connection: plan.read(path, settings, _choices(connection), _base(connection, settings)),
    ("value", "currency"),
    lambda count, file: many(
        "{file} has {n} mistake and was not read: the plan is as it was before. `crm-reports plan check` tells it.",
        "{file} has {n} mistakes and was not read: the plan is as it was before. `crm-reports plan check` tells them.",
        count, file=file,
    ),
)  # fmt: skip


def plan_of_items(smart_process: int) -> Kept:
    """The plan where it comes from a smart process of the portal."""
    file = _("smart process {id}", id=smart_process)
    return replace(PLAN, refusal=lambda count, _file: many(
        "{file} has {n} mistake and was not read: the plan is as it was before. `crm-reports sync` tells it.",
        "{file} has {n} mistakes and was not read: the plan is as it was before. `crm-reports sync` tells them.",
        count, file=file,
    ))  # fmt: skip


NOTES = Kept(
    "dated_notes", "notes", notes.path_of,
    lambda path, settings, connection: notes.read(path, settings, _choices(connection)),
    ("text",),
    lambda count, file: many(
        "{file} has {n} mistake and was not read: the notes are as they were before. `crm-reports sync` tells it.",
        "{file} has {n} mistakes and was not read: the notes are as they were before. `crm-reports sync` tells them.",
        count, file=file,
    ),
)  # fmt: skip


def take_in(
    kept: Kept, connection: duckdb.DuckDBPyConnection, settings: Settings, path: Path | None, synced_at: datetime
) -> list[str]:
    """Bring the table up to date with the file at `path`, empty where there is none; what is wrong with it.

    A file with mistakes changes nothing: the pages say so in one sentence, which names nobody.
    """
    try:
        rows = kept.read(path, settings, connection) if path else []
    except FilesError as error:
        _say(kept, connection, path, error.problems, synced_at)
        return list(error.problems)
    _add(kept, connection, rows, synced_at)
    return []


def _add(kept: Kept, connection: duckdb.DuckDBPyConnection, rows: Sequence[dict], synced_at: datetime) -> None:
    """Each row that the store knows otherwise, or not; those that were taken out have no value any more."""
    table = pa.Table.from_pylist([row | {"known_at": synced_at} for row in rows], arrow_schema(kept.table))
    is_same = " and ".join(f"known.{name} = read.{name}" for name in (kept.key, *kept.values))
    value = kept.values[0]
    connection.register("own_read", table)
    connection.execute(f"""
        create temp table own_known as select * from {SCHEMA}.{kept.table}
        qualify row_number() over (partition by {kept.key} order by known_at desc) = 1
    """)
    connection.execute(f"""
        insert into {SCHEMA}.{kept.table} by name
        select * from own_read as read where not exists (from own_known as known where {is_same})
        union all by name
        select * replace (null as {value}, ?::timestamptz as known_at) from own_known
        where {value} is not null and {kept.key} not in (select {kept.key} from own_read)
    """, [synced_at])  # fmt: skip
    connection.unregister("own_read")
    connection.execute("drop table own_known")


def _say(
    kept: Kept, connection: duckdb.DuckDBPyConnection, path: Path, problems: Sequence[str], synced_at: datetime
) -> None:
    text = kept.refusal(len(problems), path.name)
    hole = {"table": kept.table, "code": kept.code, "text": text, "is_general": True}
    (held,) = connection.execute(f"select holes from {SCHEMA}.syncs where synced_at = ?", [synced_at]).fetchone()
    holes = json.dumps([*json.loads(held or "[]"), hole], ensure_ascii=False)
    connection.execute(f"update {SCHEMA}.syncs set holes = ? where synced_at = ?", [holes, synced_at])


def check(settings: Settings) -> int:
    """How many lines the plan has; one FilesError tells everything that is wrong with it, or that there is none."""
    if settings.plan:
        words = N_(
            "the plan comes from smart process {id} of the portal: `crm-reports sync` tells what is wrong with it"
        )
        raise FilesError(_(words, id=settings.plan.smart_process))
    path = plan.path_of(settings)
    if path is None:
        raise FilesError(
            _("there is no plan.csv or plan.xlsx beside reports.toml: `crm-reports plan template` begins one")
        )
    store = Store.open(settings.store_path)
    home = f"store.{SCHEMA}"
    return len(plan.read(path, settings, _choices(store.connection, home), _base(store.connection, settings, home)))


def _choices(connection: duckdb.DuckDBPyConnection, home: str = SCHEMA) -> Choices:
    """Who and what a line may name: all that the CRM has, and whoever is responsible for a deal that it has no card of."""
    strangers = f"""
        select distinct manager_id, manager_id from {home}.deals
        where manager_id is not null and manager_id not in (select manager_id from {home}.managers)
    """
    return Choices(
        pipeline=_named(connection, f"select pipeline_id, name from {home}.pipelines"),
        department=_named(connection, f"select department_id, name from {home}.departments"),
        manager=_named(connection, f"select manager_id, name from {home}.managers union all {strangers}"),
    )


def _named(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Choice, ...]:
    return tuple(Choice(id, name or id) for id, name in connection.execute(f"{sql} order by 1").fetchall())


def _base(connection: duckdb.DuckDBPyConnection, settings: Settings, home: str = SCHEMA) -> str:
    """The currency of money without one."""
    row = connection.execute(f"select currency from {home}.currencies where is_base").fetchone()
    return settings.base_currency or (row[0] if row else "RUB")
