"""Sales velocity, and which of its four factors moved it."""

from itertools import permutations
from math import factorial

import numpy as np
import pandas as pd

from ..measures.dataset import Dataset
from ..measures.measure import measure
from ..measures.totals import total_of
from ..words import units
from ..words.texts import N_, _
from .element import element

FACTORS = ("in_work", "win_rate", "average_check", "median_cycle_days")
MOVED = {
    "in_work": "moved_by_in_work", "win_rate": "moved_by_win_rate", "average_check": "moved_by_check",
    "median_cycle_days": "moved_by_cycle",
}  # fmt: skip


@element(
    title=N_("Sales velocity"),
    measured=N_(
        "Deals in work × win rate × average check ÷ median cycle, money per day. What moved it: each factor's part, the mean "
        "over all orders in which the four could have changed, so that the parts add up (Shapley)."
    ),
    needs=["velocity"],
)
def velocity(ds: Dataset) -> pd.DataFrame:
    """The velocity by manager and in all, its factors, and what each of them moved it by since the period before."""
    table = measure(ds, ["velocity", *FACTORS], by="manager", total=True, compare=True)
    return table.assign(**_parts(table)) if "velocity_previous" in table else table


def _parts(table: pd.DataFrame) -> dict[str, np.ndarray]:
    """What each factor moved the velocity by, row by row; missing where it is not known then and now."""
    now, before = (table[[f"{name}{end}" for name in FACTORS]].to_numpy(float).T for end in ("", "_previous"))
    return dict(zip(MOVED.values(), split(before, now), strict=True))


def split(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """What each factor moved a × b × c ÷ d by: Shapley (1953), A value for n-person games.

    Of all orders in which the factors could have changed one after the other the mean of what each did in its turn: they
    add up whatever the order, and a factor that stayed moved nothing. A logarithmic mean would need numbers above 0.
    """
    parts = np.zeros_like(before)
    for order in permutations(range(len(before))):
        factors = before.copy()
        for place in order:
            value_then = _velocity(factors)
            factors[place] = now[place]
            parts[place] += _velocity(factors) - value_then
    return parts / factorial(len(before))


def _velocity(factors: np.ndarray) -> np.ndarray:
    deals, rate, check, days = factors
    return deals * rate * check / np.where(days > 0, days, np.nan)


@velocity.finding
def what_moved_it(table: pd.DataFrame) -> str:
    """How fast the pipeline turns into money, and which factor moved that most."""
    total = total_of(table).iloc[0]
    if units.is_missing(total["velocity"]):
        return _("No sales velocity: it takes wins with money, and the days they took")
    money = units.money(total["velocity"])
    parts = {name: total.get(column) for name, column in MOVED.items()}
    if any(units.is_missing(part) for part in parts.values()):
        return _("The pipeline turns into {money} a day", money=money)
    change = sum(parts.values())
    if abs(change) < 0.005:
        return _("The pipeline turns into {money} a day, as before", money=money)
    name = max(parts, key=lambda name: parts[name] * np.sign(change))  # of what moved it the way that it went
    words = {"before": units.money(total["velocity_previous"]), "part": units.money(abs(parts[name]))}
    return _((RAISED if change > 0 else LOWERED)[name], money=money, **words)


RAISED = {
    "in_work": N_("The pipeline turns into {money} a day, before {before}: mostly the deals in work raised it, by {part}"),
    "win_rate": N_("The pipeline turns into {money} a day, before {before}: mostly the win rate raised it, by {part}"),
    "average_check": N_("The pipeline turns into {money} a day, before {before}: mostly the average check raised it, by {part}"),
    "median_cycle_days": N_("The pipeline turns into {money} a day, before {before}: mostly the cycle raised it, by {part}"),
}  # fmt: skip
LOWERED = {
    "in_work": N_("The pipeline turns into {money} a day, before {before}: mostly the deals in work lowered it, by {part}"),
    "win_rate": N_("The pipeline turns into {money} a day, before {before}: mostly the win rate lowered it, by {part}"),
    "average_check": N_("The pipeline turns into {money} a day, before {before}: mostly the average check lowered it, by {part}"),
    "median_cycle_days": N_("The pipeline turns into {money} a day, before {before}: mostly the cycle lowered it, by {part}"),
}  # fmt: skip
