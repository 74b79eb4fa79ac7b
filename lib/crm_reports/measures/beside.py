"""What a company keeps beside its CRM, as it was known at the report's instant; and what it noted of days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..sources.fields import TABLES
from .scope import Scope

VALUE = {"plan_lines": "value", "dated_notes": "text"}  # absent of a row that was taken out


def known(scope: Scope, table: str) -> list[dict[str, Any]]:
    """The newest state of each row that was known: to the sync that saw the report's night, on the last sync's own day to that.

    Of days before the first sync the first file that was read stands in.
    """
    rows = scope.store.rows(table).to_pylist()
    until = _known_until(scope, [row["known_at"] for row in rows])
    newest: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: row["known_at"]):
        if until is None or row["known_at"] <= until:
            newest[row[TABLES[table].key[0]]] = row
    return [row for row in newest.values() if row[VALUE[table]] is not None]


def _known_until(scope: Scope, instants: Sequence[Any]) -> Any:
    """The last sync whose rows count; None for all."""
    night, first = scope.snapshot.known_until, scope.snapshot.first_sync
    is_today = scope.store.synced_at.astimezone(scope.filters.zone).date() == scope.filters.today
    if night is None or is_today or not instants:
        return None
    return max(night, min(instants)) if night == first else night


@dataclass(frozen=True)
class DatedNote:
    """What the company noted of a day; `about` names the pipeline and the manager, "" where it is about all."""

    day: date
    text: str
    about: str
    manager_id: str = ""


def dated_notes(scope: Scope) -> list[DatedNote]:
    """The notes that a page may show, by day: none about a pipeline that it leaves out or a manager that it is not about."""
    return scope.snapshot.memo.once(("dated_notes", *_key(scope)), lambda: _notes(scope))


def _key(scope: Scope) -> tuple[Any, ...]:
    return scope.filters.language, scope.filters.ids("pipeline"), tuple(scope.manager_ids or [None])


def _notes(scope: Scope) -> list[DatedNote]:
    pipelines, names = scope.filters.ids("pipeline"), scope.names
    rows = [
        row
        for row in known(scope, "dated_notes")
        if (not row["pipeline_id"] or not pipelines or row["pipeline_id"] in pipelines)
        and (not row["manager_id"] or scope.managers_among([row["manager_id"]]))
    ]
    called = [("pipeline", names.pipelines["pipeline"]), ("manager", names.managers["manager"])]
    notes = [
        DatedNote(
            date.fromisoformat(row["day"]),
            row["text"],
            ", ".join(str(of.get(id, id)) for name, of in called if (id := row[f"{name}_id"])),
            row["manager_id"] or "",
        )
        for row in rows
    ]
    return sorted(notes, key=lambda note: (note.day, note.text, note.about))
