"""What is wrong with the data, said before the numbers that it touches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .texts import many

# In SQL, which of the deals that the report's numbers are made of each note is about. `dismissed` are the managers who left,
# `gone` the stages that the CRM has deleted, `start` is the period's first instant.
CONDITIONS = {
    "no_customer": "customer_id = ''",
    "no_source": "source_id = ''",
    "no_created_at": "created_at is null",
    "no_closed_at": "outcome != 'open' and closed_at is null",
    "no_stage_history": "not has_history",
    "not_priced": "not is_priced",
    "no_amount": "amount is null",
    "zero_money": "outcome = 'won' and amount = 0",
    "zero_money_rest": "outcome != 'won' and amount = 0",
    "closed_before_created": "closed_at < created_at",
    "closing_added": "closing_added",
    "reopened": "is_reopened",
    "moved_backwards": "went_back",
    "dismissed_owner": "outcome = 'open' and list_contains(dismissed, manager_id)",
    "deleted_stage": "list_contains(gone, stage_id)",
    "history_starts_late": "(select min(created_at) from deal_facts) > start",
}


@dataclass(frozen=True)
class Note:
    """One finding: how many deals, in a sentence."""

    code: str
    count: int
    text: str


def counted() -> str:
    """In SQL, how many deals each note is about, and the currencies that have no rate."""
    counts = [f"count(*) filter ({condition}) as {code}" for code, condition in CONDITIONS.items()]
    return ", ".join([*counts, "list(distinct currency order by currency) filter (not is_priced) as currencies"])


def notes(counts: Mapping[str, int], currencies: Sequence[str]) -> list[Note]:
    """The findings, of `counted`; nothing found, nothing said."""
    codes = ", ".join(filter(None, currencies))
    return [Note(code, counts[code], _words(code, counts[code], codes)) for code in CONDITIONS if counts[code]]


def _words(code: str, n: int, codes: str) -> str:
    return {
        "no_customer": many("{n} deal has no customer", "{n} deals have no customer", n),
        "no_source": many("{n} deal has no source", "{n} deals have no source", n),
        "no_created_at": many(
            "{n} deal has no creation date: it is in every stock and in no period's created",
            "{n} deals have no creation date: they are in every stock and in no period's created", n),
        "no_closed_at": many(
            "{n} closed deal has no closing date, so it is in no period",
            "{n} closed deals have no closing date, so they are in no period", n),
        "no_stage_history": many(
            "{n} deal has no stage history: dated by its own fields, not in the funnel",
            "{n} deals have no stage history: dated by their own fields, not in the funnel", n),
        "not_priced": many(
            "{n} deal is in a currency without a rate ({codes}): counted, not priced",
            "{n} deals are in a currency without a rate ({codes}): counted, not priced", n, codes=codes),
        "no_amount": many("{n} deal has no amount", "{n} deals have no amount", n),
        "zero_money": many("{n} won deal has no money in it", "{n} won deals have no money in them", n),
        "zero_money_rest": many(
            "{n} deal in work or lost has no money in it", "{n} deals in work or lost have no money in them", n),
        "closed_before_created": many(
            "{n} deal was closed before it was created", "{n} deals were closed before they were created", n),
        "closing_added": many(
            "{n} deal is closed while its history never says so: closed at its last move",
            "{n} deals are closed while their history never says so: closed at their last move", n),
        "reopened": many(
            "{n} deal was closed once and is in work again", "{n} deals were closed once and are in work again", n),
        "moved_backwards": many(
            "{n} deal moved back to an earlier stage", "{n} deals moved back to an earlier stage", n),
        "dismissed_owner": many(
            "{n} deal in work belongs to somebody who was dismissed",
            "{n} deals in work belong to somebody who was dismissed", n),
        "deleted_stage": many(
            "{n} deal stands on a stage that no longer exists", "{n} deals stand on a stage that no longer exists", n),
        "history_starts_late": many(
            "the history of {n} deal starts inside the period: repeat customers and cohorts are understated",
            "the history of all {n} deals starts inside the period: repeat customers and cohorts are understated", n),
    }[code]  # fmt: skip
