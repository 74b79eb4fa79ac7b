"""What is wrong with the data, said before the numbers that it touches."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..store.checked import Result
from ..store.columns import Columns, per_text
from ..words.texts import _, many
from .scope import Scope
from .slices import inside, utc


@dataclass(frozen=True)
class Facts:
    """What a note compares deals with: managers who left, deleted stages, the period's first instant, the first deal's."""

    leavers: Collection[str]
    deleted_stages: Collection[str]
    start: np.datetime64
    first_created_at: np.datetime64


# Which of the deals that the report's numbers are made of each note is about.
CONDITIONS: dict[str, Callable[[Columns, Facts], np.ndarray]] = {
    "no_customer": lambda deals, facts: deals["has_no_customer"],
    "no_source": lambda deals, facts: deals["source_id"] == "",
    "no_created_at": lambda deals, facts: np.isnat(deals["created_at"]),
    "no_closed_at": lambda deals, facts: (deals["outcome"] != "open") & np.isnat(deals["closed_at"]),
    "no_stage_history": lambda deals, facts: ~deals["has_history"],
    "not_priced": lambda deals, facts: ~deals["is_priced"],
    "no_amount": lambda deals, facts: np.isnan(deals["amount"]),
    "zero_money": lambda deals, facts: (deals["outcome"] == "won") & (deals["amount"] == 0),
    "refund": lambda deals, facts: (deals["outcome"] == "won") & (deals["amount"] < 0),
    "zero_money_rest": lambda deals, facts: (deals["outcome"] != "won") & (deals["amount"] == 0),
    "closed_before_created": lambda deals, facts: deals["closed_at"] < deals["created_at"],
    "closing_added": lambda deals, facts: deals["closing_added"],
    "history_outvoted": lambda deals, facts: deals["is_outvoted"],
    "closing_ahead": lambda deals, facts: deals["is_closing_ahead"],
    "reopened": lambda deals, facts: deals["is_reopened"],
    "moved_backwards": lambda deals, facts: deals["went_back"],
    "dismissed_owner": lambda deals, facts: (deals["outcome"] == "open") & _one_of(deals, "manager_id", facts.leavers),
    "deleted_stage": lambda deals, facts: _one_of(deals, "stage_id", facts.deleted_stages),
    "history_starts_late": lambda deals, facts: np.full(len(deals), facts.first_created_at > facts.start),
}


def _one_of(deals: Columns, key: str, ids: Collection[str]) -> np.ndarray:
    return per_text(deals[key], lambda id: id in ids, bool)


@dataclass(frozen=True)
class Note:
    """One finding: how many deals, in a sentence."""

    code: str
    count: int
    text: str


@dataclass(frozen=True, eq=False)
class Quality:
    """The findings about the deals that a report's numbers are made of, and which deals each is about."""

    scope: Scope

    def notes(self, leads: pd.DataFrame | None) -> list[Note]:
        """The findings about these deals, and about the leads, if there are any; nothing found, nothing said."""
        marks = {code: np.asarray(condition(self._deals, self._facts)) for code, condition in CONDITIONS.items()}
        about_deals = [_note(code, self._deals, mask) for code, mask in marks.items() if mask.any()]
        return about_deals + ([] if leads is None else lead_notes(leads))

    def places(self, code: str) -> np.ndarray:
        """The places in the slice of the deals that the note is about; none where there is no such note."""
        condition = CONDITIONS.get(code, lambda deals, facts: np.zeros(len(deals), dtype=bool))
        return self._places[np.asarray(condition(self._deals, self._facts))]

    @cached_property
    def _places(self) -> np.ndarray:
        """The places of the deals in work, and of those created or closed in the period or nobody knows when."""
        deals, bounds = self.scope.slice.deals, self.scope.bounds(self.scope.filters.period)
        is_counted = (deals["outcome"] == "open") | np.isnat(deals["closed_at"])
        return np.flatnonzero(is_counted | inside(deals["created_at"], bounds) | inside(deals["closed_at"], bounds))

    @cached_property
    def _deals(self) -> Columns:
        return self.scope.slice.deals.take(self._places)

    @cached_property
    def _facts(self) -> Facts:
        names, first = self.scope.names, self.scope.count(self.scope.traceable)["first_at"]
        deleted_stages = {id for id, is_deleted in names.stages["is_deleted"].items() if is_deleted}
        first_at = utc(first) if first else np.datetime64("NaT")
        return Facts(names.leavers, deleted_stages, utc(self.scope.filters.start_at), first_at)


def check_notes(results: Iterable[Result]) -> list[Note]:
    """A note on all checks that warn, and one on those that failed; a count that is not the CRM's own has its own place."""
    titles = {
        state: [each.heading for each in results if each.state == state and each.name != "receipt"]
        for state in ("error", "warn")
    }
    sentences = {
        "error": _("Before the numbers, a check of the data failed: {checks}"),
        "warn": _("Before the numbers, a check of the data warned: {checks}"),
    }
    return [
        Note(f"check_{state}", len(named), sentences[state].format(checks=", ".join(named)))
        for state, named in titles.items() if named
    ]  # fmt: skip


def lead_notes(leads: pd.DataFrame) -> list[Note]:
    """The findings about these leads: `outcome` and `closed_at`."""
    n = int(((leads["outcome"] != "open") & leads["closed_at"].isna()).sum())
    words = many(
        "{n} converted or lost lead has no closing date, so it is in no period",
        "{n} converted or lost leads have no closing date, so they are in no period",
        n,
    )
    return [Note("lead_no_closed_at", n, words)] if n else []


def _note(code: str, deals: Columns, mask: np.ndarray) -> Note:
    count = int(mask.sum())
    return Note(code, count, _words(code, count, _currencies(deals, mask) if code == "not_priced" else ""))


def _currencies(deals: Columns, mask: np.ndarray) -> str:
    return ", ".join(sorted(filter(None, set(np.asarray(deals["currency"])[mask]))))


def _words(code: str, n: int, codes: str) -> str:
    return (_of_the_deal(n, codes) | _of_its_history(n))[code]


def _of_the_deal(n: int, codes: str) -> dict[str, str]:
    return {
        "no_customer": many("{n} deal has no customer", "{n} deals have no customer", n),
        "no_source": many("{n} deal has no source", "{n} deals have no source", n),
        "no_created_at": many(
            "{n} deal has no creation date: it is in every stock and in no period's created",
            "{n} deals have no creation date: they are in every stock and in no period's created", n),
        "no_closed_at": many(
            "{n} closed deal has no closing date, so it is in no period",
            "{n} closed deals have no closing date, so they are in no period", n),
        "not_priced": many(
            "{n} deal is in a currency without a rate ({codes}): counted, not priced",
            "{n} deals are in a currency without a rate ({codes}): counted, not priced", n, codes=codes),
        "no_amount": many("{n} deal has no amount", "{n} deals have no amount", n),
        "zero_money": many("{n} won deal has no money in it", "{n} won deals have no money in them", n),
        "zero_money_rest": many(
            "{n} deal in work or lost has no money in it", "{n} deals in work or lost have no money in them", n),
        "closed_before_created": many(
            "{n} deal was closed before it was created", "{n} deals were closed before they were created", n),
        "refund": many(
            "{n} won deal has money below zero: a refund, in the sums and in the average check",
            "{n} won deals have money below zero: refunds, in the sums and in the average check", n),
        "dismissed_owner": many(
            "{n} deal in work belongs to somebody who was dismissed",
            "{n} deals in work belong to somebody who was dismissed", n),
    }  # fmt: skip


def _of_its_history(n: int) -> dict[str, str]:
    return {
        "no_stage_history": many(
            "{n} deal has no stage history: dated by its own fields, not in the funnel",
            "{n} deals have no stage history: dated by their own fields, not in the funnel", n),
        "closing_added": many(
            "{n} deal is closed while its history never says so: closed at its last move",
            "{n} deals are closed while their history never says so: closed at their last move", n),
        "history_outvoted": many(
            "the history of {n} deal ends elsewhere than the deal says now: the deal counts, since its last move or the sync",
            "the history of {n} deals ends elsewhere than the deals say now: the deals count, since their last move or the sync", n),
        "closing_ahead": many(
            "{n} closed deal has a closing date that was still to come: closed at the first sync that saw it closed",
            "{n} closed deals have a closing date that was still to come: closed at the first sync that saw them closed", n),
        "reopened": many(
            "{n} deal was closed once and is in work again", "{n} deals were closed once and are in work again", n),
        "moved_backwards": many(
            "{n} deal moved back to an earlier stage", "{n} deals moved back to an earlier stage", n),
        "deleted_stage": many(
            "{n} deal stands on a stage that no longer exists", "{n} deals stand on a stage that no longer exists", n),
        "history_starts_late": many(
            "the history of {n} deal starts inside the period: repeat customers and cohorts are understated",
            "the history of all {n} deals starts inside the period: repeat customers and cohorts are understated", n),
    }  # fmt: skip
