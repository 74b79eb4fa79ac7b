"""Small stores made by hand, for tests whose numbers a person can check."""

from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from crm_reports.measures.dataset import Dataset
from crm_reports.measures.load import load
from crm_reports.settings import Settings
from crm_reports.sources.fields import TABLES, arrow_schema

STAGES = [
    {"stage_id": "NEW", "pipeline_id": "0", "name": "Cold base", "position": 10, "outcome": "open"},
    {"stage_id": "REQ", "pipeline_id": "0", "name": "Request", "position": 20, "outcome": "open"},
    {"stage_id": "INV", "pipeline_id": "0", "name": "Invoice", "position": 30, "outcome": "open"},
    {"stage_id": "WON", "pipeline_id": "0", "name": "Paid", "position": 40, "outcome": "won"},
    {"stage_id": "DEAR", "pipeline_id": "0", "name": "Too expensive", "position": 50, "outcome": "lost"},
    {"stage_id": "GONE", "pipeline_id": "0", "name": "Went to others", "position": 60, "outcome": "lost"},
]
OUTCOMES = {stage["stage_id"]: stage["outcome"] for stage in STAGES}
DEFAULTS = {
    "pipelines": [{"pipeline_id": "0", "name": "Sales", "position": 1}],
    "stages": STAGES,
    "managers": [
        {"manager_id": "1", "name": "Anna", "is_active": True},
        {"manager_id": "2", "name": "Boris", "is_active": True},
    ],
    "manager_departments": [
        {"manager_id": "1", "department_id": "10", "position": 0},
        {"manager_id": "2", "department_id": "11", "position": 0},
    ],
    "departments": [
        {"department_id": "10", "name": "Moscow"},
        {"department_id": "11", "name": "Kazan", "parent_id": "10"},
    ],
    "sources": [{"source_id": "WEB", "name": "Website"}, {"source_id": "CALL", "name": "Call"}],
    "companies": [{"company_id": "5", "name": "Roga i Kopyta"}, {"company_id": "6", "name": "Vector"}],
    "currencies": [
        {"currency": "RUB", "rate": 1.0, "is_base": True},
        {"currency": "USD", "rate": 90.0, "is_base": False},
    ],
}


def at(text: str) -> datetime:
    """An instant in UTC: at("2025-03-01 12:00")."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def deal(id: object, created: str | None, **fields: object) -> dict[str, object]:
    """A deal in work of Anna's, unless said otherwise."""
    plain = {
        "deal_id": str(id), "title": f"Deal {id}", "pipeline_id": "0", "stage_id": "NEW", "outcome": "open",
        "manager_id": "1", "source_id": "WEB", "company_id": "5", "amount": 100.0, "currency": "RUB",
        "created_at": at(created) if created else None,
    }  # fmt: skip
    return plain | fields


def lead(id: object, created: str, **fields: object) -> dict[str, object]:
    """A lead in work of Anna's, unless said otherwise."""
    plain = {
        "lead_id": str(id), "title": f"Lead {id}", "outcome": "open", "manager_id": "1", "source_id": "WEB",
        "created_at": at(created),
    }  # fmt: skip
    return plain | fields


def moves(id: object, *steps: tuple[str, str]) -> list[dict[str, object]]:
    """The stage history of one deal: ("2025-03-01", "NEW"), …"""
    return [
        {"deal_id": str(id), "stage_id": stage, "pipeline_id": "0", "outcome": OUTCOMES[stage], "at": at(when)}
        for when, stage in steps
    ]


def make_store(folder: Path, **tables: list[dict[str, object]]) -> Settings:
    """A store with these rows; tables that are not named hold the defaults, or are absent."""
    folder.mkdir(parents=True, exist_ok=True)
    content = DEFAULTS | {name: rows for name, rows in tables.items() if rows is not None}
    for name in [name for name, rows in tables.items() if rows is None]:
        content.pop(name, None)
    for place, row in enumerate(content.get("stage_history", []), 1):
        row.setdefault("history_id", place)
    synced = {"synced_at": at("2030-01-01"), "finished_at": at("2030-01-01"), "source": "bitrix24", "holes": "[]",
              "portal_url": "https://portal.example", "present": ",".join(content)}  # fmt: skip
    content["syncs"] = content.get("syncs") or [synced]
    path = folder / "store.duckdb"
    path.unlink(missing_ok=True)
    # A few rows: neither a second thread, nor packing them, nor a commit for each table is worth its time.
    with duckdb.connect(str(path), config={"threads": 1}) as connection:
        connection.execute("set force_compression = 'uncompressed'")
        connection.execute("begin")
        connection.execute("create schema crm")
        for name, rows in content.items():
            filled = [{column: row.get(column) for column in TABLES[name].columns} for row in rows]
            arrow = pa.Table.from_pylist(filled, schema=arrow_schema(name))
            connection.register("rows_given", arrow)
            connection.execute(f"create table crm.{name} as select * from rows_given")
            connection.unregister("rows_given")
        connection.execute("commit")
    return Settings(home=folder, data=folder, time_zone="UTC")


def dataset(folder: Path, *, period: str = "2025-03", as_of: str = "2025-04-01", **rest: object) -> Dataset:
    """The March 2025 of a store with the given tables, as of 1 April; other keywords are filters."""
    tables = {name: rest.pop(name) for name in list(rest) if name in TABLES}
    return load(period=period, as_of=as_of, settings=make_store(folder, **tables), **rest)


def seen(row, until, **otherwise):
    """The version of a row that every sync up to `until` saw."""
    return row | otherwise | {"last_seen_at": at(until)}


def nights(*days):
    """A sync at one o'clock of each day."""
    plain = {"source": "bitrix24", "holes": "[]", "portal_url": "https://portal.example", "present": "deals"}
    return [plain | {"synced_at": at(f"{day} 01:00"), "finished_at": at(f"{day} 01:01")} for day in days]
