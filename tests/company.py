"""An export of a company that says everything, as CSV files of which columns and tables can be left out."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crm_reports.measures.dataset import Dataset
from crm_reports.measures.load import load
from crm_reports.settings import Settings, Source
from crm_reports.store.sync import sync

NOW = datetime(2025, 4, 1, tzinfo=UTC)
STAGES = ("Base", "Request", "Invoice", "Paid", "Too expensive")
OUTCOMES = dict(zip(STAGES, ("open", "open", "open", "won", "lost"), strict=True))
PEOPLE = ("Anna", "Boris", "Vera", "Gleb", "Dina", "Egor")
KINDS = ("call", "meeting", "email", "crm_activity", "comment")
COUNT = 150

Table = list[dict[str, object]]


def whole() -> dict[str, Table]:
    """Every table with every column of docs/files.md: deals of a year, moved, won, lost, reopened and left alone."""
    deals = [_deal(number) for number in range(COUNT)]
    return {
        "deals": deals,
        "stages": [
            {"pipeline": "Sales", "stage": name, "position": place, "outcome": OUTCOMES[name]}
            for place, name in enumerate(STAGES)
        ],
        "stage_history": [row for number in range(COUNT) for row in _history(number)],
        "activities": [row for number in range(COUNT) for row in _activities(number)],
        "managers": [
            {"name": name, "active": "yes", "job_title": "manager", "email": f"{name.lower()}@example.com",
             "department": _team(at)} for at, name in enumerate(PEOPLE)
        ],
        "departments": [
            {"name": "Team 0", "parent": "", "head": "Anna"}, {"name": "Team 1", "parent": "Team 0", "head": "Boris"},
        ],
        "currencies": [{"currency": "EUR", "rate": 1}, {"currency": "USD", "rate": 0.9}],
        "leads": [_lead(number) for number in range(30)],
        "product_rows": [row for number in range(0, COUNT, 2) for row in _product_rows(number)],
    }  # fmt: skip


def _team(at: int) -> str:
    return f"Team {at % 2}"


def _began(number: int) -> datetime:
    """Deals come over a year and a half, half of them in the last quarter."""
    return NOW - timedelta(days=2 + (number * 180 / COUNT if number % 2 else number * 540 / COUNT), hours=number % 24)


def _walk(number: int) -> list[str]:
    """The stages that a deal has been on."""
    if number % 11 == 3:
        return ["Base", "Too expensive", "Request"]  # reopened
    if number % 3 == 1:
        return ["Base", "Request", "Invoice", "Paid"][: 4 if number % 4 else 3]
    return ["Base", "Request", "Too expensive"] if number % 3 == 2 else ["Base", "Request", "Invoice"][: 1 + number % 5]


def _moved(number: int, step: int) -> datetime:
    """When a deal came to the stage: after a tenth of its life, a quarter, …"""
    return NOW - (NOW - _began(number)) * (1 - step / (3 + number % 3))


def _product_rows(number: int) -> Table:
    """Every other deal sells machines at a discount and their delivery."""
    machine = {
        "product": f"Machine {number % 3}",
        "section": "Machines",
        "quantity": 2,
        "price": 400 + 50 * number,
        "discount": 20,
    }
    delivery = {"product": "Delivery", "section": "", "quantity": 1, "price": 200, "discount": 0}
    return [{"deal_id": number} | machine, {"deal_id": number} | delivery]


def _deal(number: int) -> dict[str, object]:
    walk, person = _walk(number), number * number % len(PEOPLE)
    outcome = OUTCOMES[walk[-1]]
    return {
        "id": number, "title": f"Deal {number}", "pipeline": "Sales", "stage": walk[-1], "outcome": outcome,
        "manager": PEOPLE[person], "department": _team(person), "source": ("Website", "Call", "Partner")[number % 3],
        "company": f"Company {number % 40}", "contact": f"Contact {number % 40}", "amount": 1000 + 100 * number,
        "currency": ("EUR", "USD")[number % 2], "created_at": _began(number).isoformat(),
        "closed_at": "" if outcome == "open" else _moved(number, len(walk) - 1).isoformat(),
        "planned_close_on": (NOW + timedelta(days=number % 60 - 20)).date().isoformat() if outcome == "open" else "",
        "loss_reason": ("No budget", "Too slow")[number % 2] if outcome == "lost" else "",
    }  # fmt: skip


def _history(number: int) -> Iterator[dict[str, object]]:
    for step, stage in enumerate(_walk(number)):
        yield {"deal_id": number, "stage": stage, "at": _moved(number, step).isoformat(), "pipeline": "Sales"}


def _activities(number: int) -> Iterator[dict[str, object]]:
    for step, kind in enumerate(KINDS):
        if (number + step) % 3:
            at = _began(number) + (NOW - _began(number)) * step / 6
            yield _activity(number, step, kind, at, "yes") | {"direction": "in" if number % 7 == 0 else "out"}
    if number % 5 == 0:
        yield _activity(number, 9, "call", NOW + timedelta(days=number % 9 - 4), "no")


def _activity(number: int, step: int, kind: str, at: datetime, completed: str) -> dict[str, object]:
    planned = (at - timedelta(days=1)).isoformat()
    return {
        "id": f"{number}-{step}", "deal_id": number, "author": PEOPLE[(number + step) % len(PEOPLE)], "kind": kind,
        "at": at.isoformat(), "completed": completed, "created_at": planned, "deadline": at.isoformat(), "direction": "out",
    }  # fmt: skip


def _lead(number: int) -> dict[str, object]:
    outcome = ("open", "won", "lost")[number % 3]
    return {
        "id": number, "outcome": outcome, "title": f"Lead {number}", "stage": outcome.title(), "manager": PEOPLE[number % 3],
        "source": "Website", "company": f"Company {number}", "contact": "", "created_at": (NOW - timedelta(days=40 + number)).isoformat(),
        "closed_at": "" if outcome == "open" else (NOW - timedelta(days=20 + number % 15)).isoformat(),
    }  # fmt: skip


def without(tables: Mapping[str, Table], *names: str) -> dict[str, Table]:
    """The same without what is named: a table ("leads"), or a column of one ("deals.amount")."""
    left = {name: rows for name, rows in tables.items() if name not in names}
    return {
        table: [{name: value for name, value in row.items() if f"{table}.{name}" not in names} for row in rows]
        for table, rows in left.items()
    }


def dataset(folder: Path, tables: Mapping[str, Table], **filters: object) -> Dataset:
    """March 2025 of the export, read as files are."""
    return load(settings=synced(folder, tables), **{"period": "2025-03", "as_of": "2025-04-01"} | filters)


def synced(folder: Path, tables: Mapping[str, Table]) -> Settings:
    """The settings of a store that these files were read into."""
    export = folder / "export"
    export.mkdir(parents=True)
    for name, rows in tables.items():
        _write(export / f"{name}.csv", rows)
    (folder / "plan.csv").write_text("period,value\n2025-02,150000\n2025-03,200000\n")
    settings = Settings(
        home=folder, data=folder / "data", base_currency="EUR", source=Source(kind="files", folder=export)
    )
    sync(settings)
    return settings


def _write(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
