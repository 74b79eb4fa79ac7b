"""When each deal of the slice stood on which stage of work, and when deals were won: what chances are counted from.

Instants are whole microseconds: counting them in bounds is then one search.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from ..store.columns import Columns, per_text
from .dataset import Dataset
from .slices import utc

EVER = np.iinfo("int64").max // 4  # later than everything; -EVER is before everything
DAY_US = 86_400_000_000
OUTCOMES = {"won": 1, "lost": 2}


def micros(instants: np.ndarray, absent: int = EVER) -> np.ndarray:
    """The instants as whole microseconds, `absent` where there is none."""
    exact = instants.astype("datetime64[us]")
    return np.where(np.isnat(exact), absent, exact.astype("int64"))


def moment(instant: datetime) -> int:
    """The instant as whole microseconds."""
    return int(utc(instant).astype("int64"))


@dataclass(frozen=True, eq=False)
class Stands:
    """Deals on stages of work: which deal (its place in the slice), on which spot (stage and pipeline), from when until when."""

    deal: np.ndarray
    spot: np.ndarray
    since: np.ndarray
    until: np.ndarray


@dataclass(frozen=True, eq=False)
class Wins:
    """Wins in the order of time: which deal, when, until when it stayed won."""

    deal: np.ndarray
    at: np.ndarray
    until: np.ndarray


@dataclass(frozen=True, eq=False)
class Past:
    """The history of the slice's deals as of the report's instant: nothing that came later is in it."""

    created: np.ndarray
    closed: np.ndarray
    is_won: np.ndarray
    money: np.ndarray
    stands: Stands
    wins: Wins
    spot_pipeline: np.ndarray
    pipelines: int

    @classmethod
    def of(cls, ds: Dataset) -> "Past":
        """What the store's history says of the slice; a deal without history stood on an unknown stage until it ended."""
        return ds.memo.once("past", lambda: _past(ds))

    @cached_property
    def begin(self) -> int:
        """The first instant of which anything is known."""
        known = self.created[self.created > -EVER]
        return int(min(known.min(initial=EVER), self.wins.at.min(initial=EVER)))

    @cached_property
    def by_turn(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each deal its first win, at and until, then its second …: of most deals there is none or one."""
        order = np.argsort(self.wins.deal, kind="stable")
        deals = self.wins.deal[order]
        begins = np.flatnonzero(np.diff(deals, prepend=-1))
        turn = np.arange(len(deals)) - np.repeat(begins, np.diff(np.append(begins, len(deals))))
        return [self._turn(order[turn == number]) for number in range(int(turn.max(initial=-1)) + 1)]

    def _turn(self, wins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        at, until = np.full(len(self.created), EVER), np.full(len(self.created), -EVER)
        at[self.wins.deal[wins]], until[self.wins.deal[wins]] = self.wins.at[wins], self.wins.until[wins]
        return at, until

    def won(self, start: int, end: int) -> np.ndarray:
        """The deals that were won between the instants and still stood so at the end."""
        first, last = np.searchsorted(self.wins.at, (start, end))
        return self.wins.deal[first:last][self.wins.until[first:last] >= end]

    def won_money(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """What they brought, for each pair of instants."""
        return np.array([self.money[self.won(*pair)].sum() for pair in zip(starts, ends, strict=True)], dtype=float)

    @cached_property
    def created_in_order(self) -> np.ndarray:
        return np.sort(self.created)

    def created_between(self, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """How many deals were created between the instants."""
        return np.searchsorted(self.created_in_order, ends) - np.searchsorted(self.created_in_order, starts)


def _past(ds: Dataset) -> Past:
    deals = ds.slice.deals
    outcome = per_text(deals["outcome"], lambda text: OUTCOMES.get(text, 0), "int8")
    created, closed = micros(deals["created_at"], -EVER), micros(deals["closed_at"])
    visits = ds.slice.history("stage_visits", "stage_id, visited_pipeline_id, entered_at, left_at")
    since, until, place = micros(visits["entered_at"]), micros(visits["left_at"]), visits["place"]
    # What a stage means is the CRM's; of the last visit the deal itself knows, also where the stage is deleted.
    means = per_text(visits["stage_id"], _outcome_of(ds), "int8")
    ended = np.where(until == EVER, outcome[place], means)
    silent = _silent(created, closed, outcome, place, since)
    spot, spot_pipeline, pipelines = _spots(visits, deals, silent)
    at_work, won = ended == 0, ended == 1
    wordless = (outcome == 1) & (silent.has_no_history) & (closed < EVER)
    stands = Stands(
        np.concatenate([place[at_work], silent.deal]), np.concatenate([spot[: len(place)][at_work], spot[len(place) :]]),
        np.concatenate([since[at_work], silent.since]), np.concatenate([until[at_work], silent.until]),
    )  # fmt: skip
    # A deal that still stands where it was won was won at its last entry there, not at the first of the visit.
    ends = np.where((until == EVER) & (closed[place] < EVER), closed[place], since)
    wins = _in_order(
        np.concatenate([place[won], np.flatnonzero(wordless)]),
        np.concatenate([ends[won], closed[wordless]]),
        np.concatenate([until[won], np.full(int(wordless.sum()), EVER)]),
    )
    money = np.nan_to_num(deals["money"])
    return Past(created, closed, outcome == 1, money, stands, wins, spot_pipeline, pipelines)


def _outcome_of(ds: Dataset) -> Callable[[str], int]:
    outcomes = ds.names.stages["outcome"].to_dict()
    return lambda id: OUTCOMES.get(outcomes.get(id), 0)


@dataclass(frozen=True, eq=False)
class _Silent:
    """Deals of which history does not say where they stood before its first entry, or at all."""

    deal: np.ndarray
    since: np.ndarray
    until: np.ndarray
    has_no_history: np.ndarray


def _silent(
    created: np.ndarray, closed: np.ndarray, outcome: np.ndarray, place: np.ndarray, since: np.ndarray
) -> _Silent:
    first = np.full(len(created), EVER)
    np.minimum.at(first, place, since)
    has_none = np.bincount(place, minlength=len(created)) == 0
    until = np.where(has_none, np.where(outcome == 0, EVER, closed), first)
    is_known = ~(has_none & (outcome > 0) & (closed == EVER))  # a deal that ended nobody knows when stood nowhere
    deal = np.flatnonzero((created < until) & is_known)
    return _Silent(deal, created[deal], until[deal], has_none)


def _spots(visits: Columns, deals: Columns, silent: _Silent) -> tuple[np.ndarray, np.ndarray, int]:
    """The spot of each visit, then of each silent stand; of each spot its pipeline; how many pipelines there are."""
    here, there = visits["visited_pipeline_id"], deals["pipeline_id"]
    ids = {id: number for number, id in enumerate(dict.fromkeys([*here.categories, *there.categories]))}
    pipeline = np.concatenate([per_text(here, ids.get, int), per_text(there, ids.get, int)[silent.deal]])
    unknown = np.full(len(silent.deal), len(visits["stage_id"].categories))
    stage = np.concatenate([visits["stage_id"].codes, unknown])
    pair = stage * len(ids) + pipeline
    spots = np.flatnonzero(np.bincount(pair))  # a tenth of the time of np.unique, which sorts
    number = np.zeros(int(spots.max(initial=0)) + 1, dtype=int)
    number[spots] = np.arange(len(spots))
    return number[pair], spots % max(len(ids), 1), len(ids)


def _in_order(deal: np.ndarray, at: np.ndarray, until: np.ndarray) -> Wins:
    order = np.argsort(at, kind="stable")
    return Wins(deal[order], at[order], until[order])


def turns(past: Past, deal: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For these deals the first win, at and until, then the second …"""
    return ((at[deal], until[deal]) for at, until in past.by_turn)
