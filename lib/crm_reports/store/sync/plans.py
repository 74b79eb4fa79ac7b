"""The company's plan into the store: what changed is added, so that an old night knows the plan as it was that night."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from ...errors import FilesError
from ...filters import Choice, Choices
from ...settings import Settings
from ...sources import plan
from ...sources.fields import arrow_schema
from ...words.texts import _, many
from ..engine import SCHEMA
from ..open import Store

CODE = "plan"


def note(
    connection: duckdb.DuckDBPyConnection, settings: Settings, path: Path | None, synced_at: datetime
) -> list[str]:
    """Bring the lines of the plan up to date with the file at `path`, none where there is none; what is wrong with it.

    A plan with mistakes changes nothing: the pages say so in one sentence, which names nobody.
    """
    try:
        lines = plan.read(path, settings, _choices(connection), _base(connection, settings)) if path else []
    except FilesError as error:
        _say(connection, path, error.problems, synced_at)
        return list(error.problems)
    _add(connection, lines, synced_at)
    return []


def _add(connection: duckdb.DuckDBPyConnection, lines: Sequence[dict], synced_at: datetime) -> None:
    """Each line that the store knows otherwise, or not; those that were taken out have no value any more."""
    rows = pa.Table.from_pylist([line | {"known_at": synced_at} for line in lines], arrow_schema("plan_lines"))
    connection.register("plan_read", rows)
    connection.execute(f"""
        create temp table plan_known as select * from {SCHEMA}.plan_lines
        qualify row_number() over (partition by line_id order by known_at desc) = 1
    """)
    connection.execute(f"""
        insert into {SCHEMA}.plan_lines by name
        select * from plan_read as line where not exists (
            from plan_known as known
            where known.line_id = line.line_id and known.value = line.value and known.currency = line.currency
        )
        union all by name
        select * replace (null as value, ?::timestamptz as known_at) from plan_known
        where value is not null and line_id not in (select line_id from plan_read)
    """, [synced_at])  # fmt: skip
    connection.unregister("plan_read")
    connection.execute("drop table plan_known")


def _say(connection: duckdb.DuckDBPyConnection, path: Path, problems: Sequence[str], synced_at: datetime) -> None:
    text = many(
        "{file} has {n} mistake and was not read: the plan is as it was before. `crm-reports plan check` tells it.",
        "{file} has {n} mistakes and was not read: the plan is as it was before. `crm-reports plan check` tells them.",
        len(problems),
        file=path.name,
    )
    hole = {"table": "plan_lines", "code": CODE, "text": text, "is_general": True}
    (held,) = connection.execute(f"select holes from {SCHEMA}.syncs where synced_at = ?", [synced_at]).fetchone()
    holes = json.dumps([*json.loads(held or "[]"), hole], ensure_ascii=False)
    connection.execute(f"update {SCHEMA}.syncs set holes = ? where synced_at = ?", [holes, synced_at])


def check(settings: Settings) -> int:
    """How many lines the plan has; one FilesError tells everything that is wrong with it, or that there is none."""
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
