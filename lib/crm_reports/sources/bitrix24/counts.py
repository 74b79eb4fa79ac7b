"""How many rows the portal itself counts, asked apart from every list; and, where that differs, which rows they are.

A list that drops or doubles rows does not know it: its counter does. Counting is dear, so that fifty counts make a request.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from ...errors import PortalError
from . import tables, values
from .client import Client, Command
from .cursors import Ask, lists
from .pages import Row, many
from .refusals import Answer, Reply, is_not_found

MOST_QUESTIONS = 450  # nine requests
MOST_ROWS = 5_000  # of one table that are read again to find what differs
MOST_FATES = 500  # rows that are asked for one by one, ten requests

Fate = Literal["changed", "hidden", "gone", "missed"]


class Condition(NamedTuple):
    """What our column must be, and how the portal is told the same: "" for equal, ">=" or "<"."""

    column: str
    sign: Literal["", ">=", "<"]
    ours: Any
    theirs: str

    def key(self, table: str) -> str:
        return f"{self.sign}{tables.CRM_NAMES[table][self.column][0]}"

    def meets(self, row: Row) -> bool:
        value = row.get(self.column)
        if self.sign == "":
            return value == self.ours
        return value is not None and (value >= self.ours if self.sign == ">=" else value < self.ours)


@dataclass(frozen=True)
class Question:
    """How many rows of `table` meet the conditions; `kind` and `words` say it to people."""

    table: str
    kind: str
    words: str
    conditions: tuple[Condition, ...] = ()

    @property
    def where(self) -> dict[str, Any]:
        """The portal's filter."""
        return {
            **tables.ENTITIES[self.table].listing.where,
            **{each.key(self.table): each.theirs for each in self.conditions},
        }

    def includes(self, row: Row | None) -> bool:
        return row is not None and all(condition.meets(row) for condition in self.conditions)


def counted(client: Client, questions: Sequence[Question]) -> list[int | None]:
    """The portal's count for each question; None where it gives none, or seems to have dropped the filter."""
    totals = [reply.total if isinstance(reply, Answer) else None for _n, reply in many(client, _commands(questions))]
    dropped = _dropped(questions, totals)
    return [None if question.kind in dropped else n for question, n in zip(questions, totals, strict=True)]


def _dropped(questions: Sequence[Question], totals: Sequence[int | None]) -> set[str]:
    """The kinds of questions that all got the count of the whole table: a legacy list drops a filter it does not know."""
    wholes = {question.table: n for question, n in zip(questions, totals, strict=True) if not question.conditions}
    answers: dict[tuple[str, str], list[int | None]] = {}
    for question, n in zip(questions, totals, strict=True):
        answers.setdefault((question.table, question.kind), []).append(n)
    return {
        kind for (table, kind), ns in answers.items() if len(ns) > 1 and wholes.get(table) and {*ns} == {wholes[table]}
    }


def _commands(questions: Iterable[Question]) -> Iterator[tuple[int, Command]]:
    for number, question in enumerate(questions):
        listing = tables.ENTITIES[question.table].listing
        params = {**listing.others, "select": ["ID"], listing.filter_name: question.where, "start": 0}
        yield number, Command(listing.method, params)


def rows(client: Client, questions: Sequence[Question], zone: ZoneInfo) -> dict[str, Row]:
    """The portal's rows that any of the questions, all of one table, is about: by id, as the store types them."""
    (table,) = {question.table for question in questions}
    entity, context = tables.ENTITIES[table], tables.Context(zone)
    found: dict[str, Row] = {}
    for _name, part in lists(client, [Ask(question, entity.listing, question.where) for question in questions]):
        if isinstance(part, PortalError):
            raise part
        found |= {str(raw["ID"]): entity.row_of(raw, context) for raw in part if raw.get("IS_RECURRING") != "Y"}
    return found


def fates(client: Client, table: str, ids: Sequence[str], since: datetime, zone: ZoneInfo) -> dict[str, Fate]:
    """What became of these rows: changed since that instant, hidden from the webhook, gone; or there, and missed by the lists."""
    method = tables.ENTITIES[table].get
    replies = many(client, ((row_id, Command(method, {"id": row_id})) for row_id in ids[:MOST_FATES]))
    return {row_id: _fate(reply, since, zone) for row_id, reply in replies}


def _fate(reply: Reply, since: datetime, zone: ZoneInfo) -> Fate:
    if isinstance(reply, PortalError):
        return "gone" if is_not_found(reply) else "hidden"
    raw: Mapping[str, Any] = reply.result if isinstance(reply.result, Mapping) else {}
    stamps = (values.instant(raw.get(name), zone) for name in ("DATE_MODIFY", "LAST_UPDATED", "DATE_CREATE", "CREATED"))
    return "changed" if any(stamp and stamp >= since for stamp in stamps) else "missed"
