"""Whether money is what it was: amounts, exchange rates, and the numbers that pages begin with."""

from collections.abc import Iterator
from itertools import pairwise
from math import exp, inf, log, sqrt
from statistics import median

from ...metrics.registry import column
from ...words import units
from ...words.texts import N_, _
from .facts import Amounts, Facts
from .registry import Reading, Tonight, check

FEWEST_AMOUNTS, FEWEST_DEALS, FEWEST_LATELY = 30, 20, 10
BEYOND_CHANCE = 5.0
ERROR_OF_MEDIAN = 1.2533 * 1.4826  # of one over the root of n, for each mean absolute deviation from the median
JUMP_TIMES = 2.0  # as far as in any night before
NIGHTS_APART = 14


@check(
    "amounts", title=N_("Size of the amounts"), unit="times", limit=1.6, level="error",
    remedy=N_("Look at the amounts of the newest deals: a currency, a price list or an import may be wrong."),
)  # fmt: skip
def amounts(tonight: Tonight) -> Reading | None:
    """How many times larger or smaller the median amount of a pipeline is than in the last night; and, where that is
    beyond chance, that of the last four weeks' deals beside the half year's before, as against earlier nights."""
    factors = [pair for id, now in tonight.facts.amounts.items() for pair in _factors(id, now, tonight)]
    size, id, factor = max(factors, default=(0.0, "", 1.0))
    words = {"name": tonight.title("pipelines", id), "times": units.write(factor, "number")}
    return Reading(exp(size), _("the median amount of pipeline {name} is {times} times what it was", **words))


def _factors(id: str, now: Amounts, tonight: Tonight) -> Iterator[tuple[float, str, float]]:
    before = tonight.past[0].amounts.get(id)
    if before and min(before.n, now.n) >= FEWEST_AMOUNTS:
        yield abs(now.middle - before.middle), id, exp(now.middle - before.middle)
    steps = [step for night in tonight.past if id in night.amounts and (step := _step(night.amounts[id])) is not None]
    step = _step(now)
    if step is not None and steps:
        difference = step - median(steps)
        if abs(difference) >= BEYOND_CHANCE * (now.spread or inf) * ERROR_OF_MEDIAN / sqrt(now.n_lately):
            yield abs(difference), id, exp(difference)


def _step(amounts: Amounts) -> float | None:
    """How much larger amounts are lately than before, as a logarithm; None for too few."""
    if amounts.n_lately < FEWEST_LATELY or amounts.lately is None or amounts.before is None:
        return None
    return amounts.lately - amounts.before


@check(
    "rates", title=N_("Jump of an exchange rate"), unit="times", limit=1.3, level="error",
    remedy=N_("Look at the rates in the CRM's settings: a point may be in the wrong place."),
)  # fmt: skip
def rates(tonight: Tonight) -> Reading | None:
    """How many times larger or smaller an exchange rate is than in the last night."""
    before = tonight.past[0].rates
    moves = [(_times(rate, before[code]), code) for code, rate in tonight.facts.rates.items() if before.get(code)]
    times, code = max(moves, default=(1.0, ""))
    words = {"code": code, "now": tonight.facts.rates.get(code), "before": before.get(code)}
    return Reading(times, _("a {code} is {now}, and was {before}", **words))


@check(
    "jump", title=N_("Jump of a headline number"), unit="times", limit=2, level="error",
    remedy=N_("Look at the deals behind the number: were many closed, moved or changed at once?"),
)  # fmt: skip
def jump(tonight: Tonight) -> Reading | None:
    """How many times larger or smaller a number of the last four weeks (deals won, and of those in work, and their money
    without the largest deal) is than in the last night; only where it moved twice as far as in any night before."""
    if (tonight.facts.on - tonight.past[0].on).days > NIGHTS_APART:
        return None
    nights = [tonight.facts, *tonight.past]
    unusual = []
    for name in tonight.facts.headlines:
        moves = [_move(name, before, now) for now, before in pairwise(nights)]
        if moves[0] > JUMP_TIMES * max(moves[1:], default=0.0):
            unusual.append((exp(moves[0]), name))
    times, name = max(unusual, default=(1.0, ""))
    return Reading(times, _jumped(name, tonight))


def _move(name: str, before: Facts, now: Facts) -> float:
    """How far it moved, as a logarithm; 0 where it is made of too few deals to tell."""
    (then, n), (value, m) = before.headlines.get(name, (0.0, 0)), now.headlines.get(name, (0.0, 0))
    if max(n, m) < FEWEST_DEALS or then < 0 or value < 0:
        return 0.0
    return log(_times(value + 1, then + 1)) if abs(n - m) >= 5 or name.endswith("money") else 0.0


def _jumped(name: str, tonight: Tonight) -> str:
    if not name:
        return ""
    now, before = (units.count(round(night.headlines[name][0])) for night in (tonight.facts, tonight.past[0]))
    return _("{name}: {now}, and {before} the night before", name=column(name).title, now=now, before=before)


def _times(value: float, before: float) -> float:
    """How many times larger or smaller."""
    return max(value / before, before / value)
