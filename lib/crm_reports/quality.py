"""What is wrong with the data, said before the numbers that it touches."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from .texts import many


@dataclass(frozen=True)
class Note:
    """One finding: how many deals, in a sentence, and which."""

    code: str
    count: int
    text: str
    deal_ids: tuple[str, ...] = ()


def notes(deals: pd.DataFrame, dismissed: set[str], gone: set[str], start: datetime) -> list[Note]:
    """The findings about the deals that the report's numbers are made of; nothing found, nothing said.

    `deals` are those created or closed in the period or in work, `dismissed` the managers who left, `gone` the stages
    that the CRM has deleted, `start` the period's first instant.
    """
    found = {**_missing(deals), **_odd(deals)}
    found["dismissed_owner"] = deals[deals["manager_id"].isin(dismissed) & (deals["outcome"] == "open")]
    found["deleted_stage"] = deals[deals["stage_id"].isin(gone)]
    made = [_note(code, rows) for code, rows in found.items() if len(rows)]
    return [*made, *_late_history(deals, start)]


def _missing(deals: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {
        "no_customer": deals[deals["customer_id"] == ""],
        "no_source": deals[deals["source_id"] == ""],
        "no_created_at": deals[deals["created_at"].isna()],
        "no_closed_at": deals[(deals["outcome"] != "open") & deals["closed_at"].isna()],
        "no_stage_history": deals[~deals["has_history"]],
        "not_priced": deals[~deals["is_priced"]],
        "no_amount": deals[deals["amount"].isna()],
    }


def _odd(deals: pd.DataFrame) -> dict[str, pd.DataFrame]:
    won = deals["outcome"] == "won"
    return {
        "zero_money": deals[won & (deals["amount"] == 0)],
        "zero_money_rest": deals[~won & (deals["amount"] == 0)],
        "closed_before_created": deals[deals["closed_at"] < deals["created_at"]],
        "closing_added": deals[deals["closing_added"]],
        "reopened": deals[deals["is_reopened"]],
        "moved_backwards": deals[deals["went_back"]],
    }


def _note(code: str, rows: pd.DataFrame) -> Note:
    codes = ", ".join(sorted(rows["currency"].dropna().unique()))
    return Note(code, len(rows), _words(code, len(rows), codes), tuple(rows["deal_id"]))


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
    }[code]  # fmt: skip


def _late_history(deals: pd.DataFrame, start: datetime) -> Iterator[Note]:
    first = deals["first_known_at"].min() if len(deals) else pd.NaT
    if pd.notna(first) and first > start:
        text = many(
            "the history of {n} deal starts inside the period: repeat customers and cohorts are understated",
            "the history of all {n} deals starts inside the period: repeat customers and cohorts are understated",
            len(deals),
        )  # fmt: skip
        yield Note("history_starts_late", len(deals), text, tuple(deals["deal_id"]))
