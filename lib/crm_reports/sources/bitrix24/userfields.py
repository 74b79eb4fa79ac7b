"""The company's own fields of a portal: which of those wanted there are, what they are called, and what rows hold in them.

A value is kept as text in one way of writing, several as a JSON list; which of a list's values an id means is kept apart.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ...errors import PortalError, near
from ...words.texts import _
from ..fields import ENTITIES
from . import values
from .client import Command
from .pages import Row, rows_of
from .refusals import Answer, Reply

Wanted = tuple[str, str]  # of what (deal, company …) and the field's name in the CRM

OWNERS = {"D": "deal", "L": "lead", "C": "contact", "CO": "company"}
CODE = "own_field"
OPENING = "fields of "


@dataclass(frozen=True)
class UserField:
    """A field as the portal describes it."""

    entity: str
    field: str
    label: str = ""
    type: str = "string"
    is_multiple: bool = False
    options: tuple[tuple[str, str], ...] = ()
    target: str = ""  # what a bare id of a reference means, where it can mean one kind of thing only

    @classmethod
    def read(cls, entity: str, name: str, raw: Row, statuses: Sequence[Row]) -> "UserField":
        """What crm.deal.fields and the like say: a label for people, for the title repeats the code."""
        labels = (values.words(raw.get(key)) for key in ("listLabel", "formLabel", "filterLabel", "title"))
        told = {
            "label": next(filter(None, labels), name),
            "type": str(raw.get("type")),
            "is_multiple": values.flag(raw.get("isMultiple")),
        }
        return cls(entity, name, **told, options=tuple(_options(raw, statuses)), target=_target(raw))

    def value(self, raw: Any, zone: ZoneInfo) -> str | None:
        """What a row has in it, in our own writing; None for nothing."""
        if not self.is_multiple:
            return _value(self, raw, zone)
        several = raw if isinstance(raw, list) else list(raw.values()) if isinstance(raw, dict) else [raw]
        texts = [text for part in several if (text := _value(self, part, zone)) is not None]
        return json.dumps(texts, ensure_ascii=False) if texts else None

    def row(self, gone_at: datetime | None = None) -> Row:
        """The field as the store knows it."""
        names = ("entity", "field", "label", "type", "is_multiple")
        return {name: getattr(self, name) for name in names} | {"gone_at": gone_at}


def _options(raw: Row, statuses: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """Ids and names of the values to choose from: a list's own ones, or those of the dictionary that it names."""
    for item in rows_of(raw.get("items") or []):
        yield str(item.get("ID")), str(item.get("VALUE"))
    settings = raw.get("settings") if isinstance(raw.get("settings"), dict) else {}
    dictionary = raw.get("statusType") or settings.get("ENTITY_TYPE")
    if raw.get("type") == "crm_status" and dictionary:
        yield from (
            (str(row["STATUS_ID"]), str(row.get("NAME"))) for row in statuses if row.get("ENTITY_ID") == dictionary
        )


def _target(raw: Row) -> str:
    settings = raw.get("settings") if isinstance(raw.get("settings"), dict) else {}
    kinds = [prefix for prefix, name in OWNERS.items() if values.flag(settings.get(name.upper()))]
    return kinds[0] if raw.get("type") == "crm" and len(kinds) == 1 else ""


def _value(own: UserField, raw: Any, zone: ZoneInfo) -> str | None:
    if own.type == "boolean":
        return None if raw is None or raw in ("", []) else str(int(values.flag(raw)))
    if own.type in ("date", "datetime"):
        read = (values.day if own.type == "date" else values.instant)(raw, zone)
        return read and read.isoformat()
    if own.type == "money":
        amount, _bar, currency = str(raw or "").partition("|")
        return None if values.number(amount) is None else f"{amount}|{currency}"
    if own.type in ("integer", "double"):
        return None if values.number(raw) is None else values.text(raw)
    if own.type in ("enumeration", "employee", "iblock_element", "iblock_section", "crm"):
        id = values.key(raw)
        return f"{own.target}_{id}" if id and own.target and id.isdigit() else id
    return values.text(raw)


@dataclass(frozen=True)
class UserFields:
    """What is to be read: the fields that the portal has, by entity; those that it has no more; and why others are not read."""

    fields: Mapping[str, tuple[UserField, ...]] = field(default_factory=dict)
    gone: tuple[Row, ...] = ()
    fresh: frozenset[Wanted] = frozenset()
    problems: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, wanted: Iterable[Wanted], opening: Mapping[str, Reply], held: Mapping[Wanted, Row], at: datetime
    ) -> "UserFields":
        """The `wanted` fields as the `opening` answers describe them; `held` is what the last sync knew of them."""
        statuses = opening.get("stages")
        rows = rows_of(statuses.result) if isinstance(statuses, Answer) else []
        fields: dict[str, list[UserField]] = {}
        gone, problems = [], []
        for entity, name in dict.fromkeys(wanted):
            answer = opening[OPENING + entity]
            known = answer.result if isinstance(answer, Answer) and isinstance(answer.result, dict) else {}
            if name in known:
                fields.setdefault(entity, []).append(UserField.read(entity, name, known[name], rows))
                continue
            problems.append(_problem(entity, name, answer, known, held))
            gone += (
                [held[entity, name] | {"gone_at": held[entity, name]["gone_at"] or at}]
                if (entity, name) in held
                else []
            )
        read = [(own.entity, own.field, own.type, own.is_multiple) for several in fields.values() for own in several]
        fresh = {(entity, name) for entity, name, *kind in read if not _is_held(held.get((entity, name)), kind)}
        return cls(
            {entity: tuple(several) for entity, several in fields.items()},
            tuple(gone),
            frozenset(fresh),
            tuple(problems),
        )

    def names(self, table: str, *, fresh: bool = False) -> tuple[str, ...]:
        """What a row of the table is to be asked for; only what was never read of it."""
        return tuple(own.field for own in self._of(table) if not fresh or (own.entity, own.field) in self.fresh)

    def values(self, table: str, rows: Iterable[Row], zone: ZoneInfo, *, fresh: bool = False) -> list[Row]:
        """What these rows hold, a row for each field."""
        names = self.names(table, fresh=fresh)
        fields = [own for own in self._of(table) if own.field in names]
        return [
            {"entity": own.entity, "entity_id": str(raw["ID"]), "field": own.field, "value": own.value(raw.get(own.field), zone)}
            for raw in rows for own in fields
        ]  # fmt: skip

    def _of(self, table: str) -> tuple[UserField, ...]:
        return self.fields.get(ENTITIES.get(table, ""), ())

    def rows(self) -> list[Row]:
        """The fields as the store knows them; of those that are gone, what it knew."""
        return [*(own.row() for several in self.fields.values() for own in several), *self.gone]

    def options(self) -> list[Row]:
        """The values of lists; the store keeps those that the portal tells no more."""
        return [
            {"entity": own.entity, "field": own.field, "option_id": id, "name": name, "position": place}
            for several in self.fields.values() for own in several for place, (id, name) in enumerate(own.options)
        ]  # fmt: skip


def opening(wanted: Iterable[Wanted]) -> dict[str, Command]:
    """What is asked to know the fields of each kind of thing that any are wanted of."""
    return {OPENING + entity: Command(f"crm.{entity}.fields", {}) for entity, _name in wanted}


def _is_held(row: Row | None, kind: Sequence[Any]) -> bool:
    return row is not None and row["gone_at"] is None and [row["type"], row["is_multiple"]] == list(kind)


def _problem(entity: str, name: str, answer: Reply, known: Mapping[str, Any], held: Mapping[Wanted, Row]) -> str:
    words = {"field": name, "table": next(table for table, kind in ENTITIES.items() if kind == entity)}
    if isinstance(answer, PortalError):
        return _(
            "the fields of {table} could not be read ({refused}): {field} is as it was last known",
            refused=answer,
            **words,
        )
    if (entity, name) in held:
        label = held[entity, name]["label"]
        return _("{label} ({field}) of {table} is no longer in the CRM: its last known values stay. Take it out of "
                 "[fields] in reports.toml when you need it no more.", label=label, **words)  # fmt: skip
    own = {
        key: _label(raw) for key, raw in known.items() if isinstance(raw, dict) and values.flag(raw.get("isDynamic"))
    }
    close = near(name, own) or list(own)[:10]
    names = ", ".join(f"{key} ({own[key]})" for key in close) or _("none")
    return _(
        "{table} of the CRM have no field {field!r}, which [fields] in reports.toml names; there are: {names}",
        names=names,
        **words,
    )


def _label(raw: Row) -> str:
    return values.words(raw.get("listLabel")) or values.words(raw.get("formLabel")) or str(raw.get("title"))
