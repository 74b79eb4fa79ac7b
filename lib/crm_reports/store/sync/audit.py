"""A receipt for a sync: what the store holds, counted beside what the portal itself counts, and each difference explained.

It shares nothing with the loader but the client: the loader's lists may drop rows without a word, and the counters know.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb

from ...errors import PortalError
from ...sources.bitrix24.client import Client
from ...sources.bitrix24.counts import MOST_QUESTIONS, MOST_ROWS, Condition, Fate, Question, counted, fates, rows
from ...sources.bitrix24.pages import Row
from ...sources.fields import STAMPS, TABLES
from ...words.texts import _
from ..engine import SCHEMA
from ..receipts import Difference, Receipt

log = logging.getLogger(__name__)

Connection = duckdb.DuckDBPyConnection
Pair = tuple[Question, int, int]  # a question, our count and the portal's

MONTHS = 24  # that are counted one by one
COUNTED = ("deals", "leads", "companies", "contacts", "activities", "stage_history")
OWNERS = {"lead": "1", "deal": "2", "contact": "3", "company": "4"}
MOST_IDS = 20  # that a sentence names
EXPLAINED: tuple[Fate, ...] = ("changed", "hidden", "gone")


def compare(
    client: Client, connection: Connection, present: Sequence[str], synced_at: datetime, zone: ZoneInfo
) -> Receipt:
    """The counts of the store behind `connection`, each beside the portal's own; a portal that does not count is told."""
    tables = [table for table in COUNTED if table in present]
    questions = list(_questions(connection, tables, synced_at, zone))[:MOST_QUESTIONS]
    here, at = _counts(connection, questions), datetime.now(UTC).isoformat()
    try:
        there = counted(client, questions)
        pairs = _without_capped(
            [(question, n, m) for question, n, m in zip(questions, here, there, strict=True) if m is not None]
        )
        different = [(question, n, m) for question, n, m in pairs if n != m]
        differences = [
            difference
            for table in tables
            for difference in _differences(
                client, connection, [pair for pair in different if pair[0].table == table], synced_at, zone
            )
        ]
    except PortalError as refused:
        log.warning("the portal's own counters could not be asked: %s", refused)
        return Receipt(at, len(questions), 0, 0, problem=str(refused))
    return Receipt(at, len(questions), len(pairs), len(pairs) - len(different), tuple(differences))


def _without_capped(pairs: list[Pair]) -> list[Pair]:
    """Without those of a portal that counts no further than so many rows: several counts are then that same number."""
    caps = {}
    for table in {question.table for question, _here, _there in pairs}:
        counts = [there for question, _here, there in pairs if question.table == table]
        most = max(counts)
        if counts.count(most) > 1 and all(
            here > there for question, here, there in pairs if question.table == table and there == most
        ):
            caps[table] = most
    return [pair for pair in pairs if pair[2] != caps.get(pair[0].table)]


# What is asked


def _questions(
    connection: Connection, tables: Sequence[str], synced_at: datetime, zone: ZoneInfo
) -> Iterator[Question]:
    """The whole of each table first, then its parts."""
    wholes = {
        "deals": _("deals"), "leads": _("leads"), "companies": _("companies"), "contacts": _("contacts"),
        "activities": _("activities"), "stage_history": _("moves between stages"),
    }  # fmt: skip
    yield from (Question(table, "all", wholes[table]) for table in tables)
    if "deals" in tables:
        yield from _of_stages(connection)
        yield from _of_months("created_at", _("deals created in {month}"), synced_at, zone)
        yield from _closed(synced_at, zone)
    if "stage_history" in tables:
        yield from _of_months("at", _("moves between stages in {month}"), synced_at, zone, "stage_history")
    if "activities" in tables:
        yield from _of_owners()
    if "deals" in tables:
        yield from _of_managers(connection)


def _of_stages(connection: Connection) -> Iterator[Question]:
    sql = (
        f"select pipeline_id, stage_id, any_value(p.name), any_value(s.name) from (select pipeline_id, stage_id from {SCHEMA}.deals "
        f"union select pipeline_id, stage_id from {SCHEMA}.stages) left join {SCHEMA}.pipelines as p using (pipeline_id) "
        f"left join {SCHEMA}.stages as s using (stage_id) where stage_id is not null and pipeline_id is not null group by all order by all"
    )
    for pipeline_id, stage_id, pipeline, stage in connection.execute(sql).fetchall():
        words = _("deals on {stage} of {pipeline}", stage=stage or stage_id, pipeline=pipeline or pipeline_id)
        conditions = (_equal("pipeline_id", pipeline_id), _equal("stage_id", stage_id))
        yield Question("deals", "stage", words, conditions)


def _of_managers(connection: Connection) -> Iterator[Question]:
    sql = (
        f"select manager_id, any_value(name) from {SCHEMA}.deals left join {SCHEMA}.managers using (manager_id) "
        "where manager_id is not null group by manager_id order by count(*) desc, manager_id"
    )
    for manager_id, name in connection.execute(sql).fetchall():
        yield Question(
            "deals", "manager", _("deals of {name}", name=name or manager_id), (_equal("manager_id", manager_id),)
        )


def _of_owners() -> Iterator[Question]:
    words = {"lead": _("activities of leads"), "deal": _("activities of deals"), "contact": _("activities of contacts"), "company": _("activities of companies")}  # fmt: skip
    for owner, theirs in OWNERS.items():
        yield Question("activities", "owner", words[owner], (Condition("owner_type", "", owner, theirs),))


def _equal(column: str, value: str) -> Condition:
    return Condition(column, "", value, value)


def _of_months(
    column: str, words: str, synced_at: datetime, zone: ZoneInfo, table: str = "deals"
) -> Iterator[Question]:
    for first, after in pairwise(_months(synced_at, zone)):
        between = (Condition(column, ">=", first, first.isoformat()), Condition(column, "<", after, after.isoformat()))
        yield Question(table, column, words.replace("{month}", f"{first.astimezone(zone):%Y-%m}"), between)


def _closed(synced_at: datetime, zone: ZoneInfo) -> Iterator[Question]:
    """Won and lost deals by the day that stands on them, which is a bare one."""
    for first, after in pairwise(_months(synced_at, zone)):
        days = [f"{instant.astimezone(zone):%Y-%m-%d}" for instant in (first, after)]
        between = (Condition("closed_at", ">=", first, days[0]), Condition("closed_at", "<", after, days[1]))
        for outcome, letter in (("won", "S"), ("lost", "F")):
            words = _("won deals closed in {month}") if outcome == "won" else _("lost deals closed in {month}")
            is_so = Condition("outcome", "", outcome, letter)
            yield Question("deals", f"closed_{outcome}", words.replace("{month}", days[0][:7]), (is_so, *between))


def _months(synced_at: datetime, zone: ZoneInfo) -> list[datetime]:
    """The first instants of the last months, and of the one to come."""
    here = synced_at.astimezone(zone)
    numbers = range(here.year * 12 + here.month - MONTHS, here.year * 12 + here.month + 1)
    return [datetime(number // 12, number % 12 + 1, 1, tzinfo=zone) for number in numbers]


# What is here


def _counts(connection: Connection, questions: Sequence[Question]) -> list[int]:
    """One scan of each table for all its questions."""
    counts: dict[Question, int] = {}
    for table in dict.fromkeys(question.table for question in questions):
        of_table = [question for question in questions if question.table == table]
        parts = [f"count(*) filter (where {_sql(question)})" for question in of_table]
        values = [condition.ours for question in of_table for condition in question.conditions]
        row = connection.execute(f"select {', '.join(parts)} from {SCHEMA}.{table}", values).fetchone()
        counts |= dict(zip(of_table, row, strict=True))
    return [counts[question] for question in questions]


def _sql(question: Question) -> str:
    return " and ".join(f'"{each.column}" {each.sign or "="} ?' for each in question.conditions) or "true"


def _rows_here(connection: Connection, table: str, questions: Sequence[Question], ids: Sequence[str]) -> dict[str, Row]:
    """Our rows that any of the questions is about, and those of these ids; by id."""
    (key,) = TABLES[table].key
    values = [condition.ours for question in questions for condition in question.conditions]
    conditions = " or ".join(f"({_sql(question)})" for question in questions) or "false"
    sql = f"select * from {SCHEMA}.{table} where {conditions} or {key}::varchar in (select unnest(?::varchar[]))"
    return {str(row[key]): row for row in connection.execute(sql, [*values, list(ids)]).to_arrow_table().to_pylist()}


# Why it differs


@dataclass(frozen=True)
class _Suspects:
    """Rows of one table as they are here and in the portal, by id, where these may differ; and what became of them."""

    rows: Mapping[str, tuple[Row | None, Row | None]]
    fates: Mapping[str, Fate]

    def of(self, question: Question) -> dict[str, int]:
        """By how much each row makes the portal's count another one than ours."""
        steps = {key: question.includes(there) - question.includes(here) for key, (here, there) in self.rows.items()}
        return {key: step for key, step in steps.items() if step}


def _differences(
    client: Client, connection: Connection, different: Sequence[Pair], synced_at: datetime, zone: ZoneInfo
) -> Iterator[Difference]:
    """Each differing count of one table, with the rows that make the difference, as far as they can be found."""
    if not different:
        return
    narrow = _narrow(different)
    suspects = _suspects(client, connection, narrow, _since(different[0][0].table, synced_at), zone)
    for question, here, there in different:
        steps = suspects.of(question)
        explained = sum(step for key, step in steps.items() if suspects.fates.get(key) in EXPLAINED)
        # A list can't show more rows than there are: a counter that says less counts no further.
        is_short = question in narrow and not steps and there < here
        reason = _("the portal's lists show them all") if is_short else _reason(steps, suspects.fates)
        yield Difference(question.words, here, there, reason, is_short or here + explained == there)


def _suspects(
    client: Client, connection: Connection, narrow: Sequence[Question], since: Question, zone: ZoneInfo
) -> _Suspects:
    """The rows of the narrow questions that are not the same on both sides, and all that changed since the sync."""
    theirs = rows(client, [*narrow, since], zone)
    ours = _rows_here(connection, since.table, narrow, [key for key, row in theirs.items() if since.includes(row)])
    both = {key: (ours.get(key), theirs.get(key)) for key in ours.keys() | theirs.keys()}
    unlike = {
        key: (here, there)
        for key, (here, there) in both.items()
        if since.includes(there) or any(question.includes(here) != question.includes(there) for question in narrow)
    }
    changed = {key for key, (_here, there) in unlike.items() if since.includes(there)}
    others = {key: sides for key, sides in unlike.items() if key not in changed}
    return _Suspects(unlike, dict.fromkeys(changed, "changed") | _fates(client, since, others, zone))


def _fates(
    client: Client, since: Question, others: Mapping[str, tuple[Row | None, Row | None]], zone: ZoneInfo
) -> dict[str, Fate]:
    """What became of each row; an entry of the stage history, which can't be asked for, shares the fate of its deal."""
    table, synced_at = since.table, since.conditions[0].ours
    if table != "stage_history":
        return fates(client, table, sorted(others), synced_at, zone)
    deal_by_key = {key: (here or there)["deal_id"] for key, (here, there) in others.items()}
    of_deals = fates(client, "deals", sorted(set(deal_by_key.values())), synced_at, zone)
    return {key: of_deals[deal] for key, deal in deal_by_key.items() if deal in of_deals}


def _since(table: str, synced_at: datetime) -> Question:
    """All that changed, or came, since the sync."""
    stamp = STAMPS[table][0] if table in STAMPS else "at"
    return Question(table, "since", "", (Condition(stamp, ">=", synced_at, synced_at.isoformat()),))


def _narrow(of_table: Sequence[Pair]) -> list[Question]:
    """The questions about the fewest rows, as many as may be read again."""
    narrow, left = [], MOST_ROWS
    for question, here, there in sorted(of_table, key=lambda entry: max(entry[1:])):
        left -= max(here, there)
        if left >= 0:
            narrow.append(question)
    return narrow


def _reason(steps: Mapping[str, int], fate_by_id: Mapping[str, Fate]) -> str:
    """The rows by what became of them, in a sentence."""
    words = {
        "changed": _("changed since: {ids}"), "hidden": _("not visible to this webhook: {ids}"),
        "gone": _("no longer there: {ids}"), "missed": _("missed by the lists: {ids}"),
    }  # fmt: skip
    parts = []
    for fate, sentence in words.items():
        ids = sorted((key for key in steps if fate_by_id.get(key, "missed") == fate), key=lambda key: (len(key), key))
        if ids:
            rest = [_("… and {n} more", n=len(ids) - MOST_IDS)] if len(ids) > MOST_IDS else []
            parts.append(sentence.replace("{ids}", ", ".join([*ids[:MOST_IDS], *rest])))
    return "; ".join(parts) or _("the portal's lists do not show which rows these are")
