"""What a period will bring, looked at from each of several horizons with nothing but what was known there.

Chances are counted: of the deals that stood on that stage for as long at the same distance from earlier ends of months, the
share that was won by the end; recent months count for more, few cases are drawn towards the stage, the pipeline, the whole.
Where the pace of the last thirty days was nearer on this very past, all of it goes as that pace does, by as much.
"""

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import numpy as np

from ..metrics.chances import HIGH, LOW, ceiling, drawn, drawn_down, end, gathered
from ..metrics.rows import Numbers
from ..settings.calendar import Calendar
from ..store.columns import ratio
from .fates import Fates
from .past import DAY_US, EVER

MONTHS = 12  # back: what chances are counted from
HALF_LIFE = 91 * DAY_US  # what was so long ago counts for half; back-tested on invented companies and on files
DRAWN = (5.0, 10.0, 10.0)  # cases that the stage, the pipeline and all together weigh as much as
ENOUGH_MONTHS, ENOUGH_DEALS = 6, 20  # without which nothing is foretold
RECENT = timedelta(days=91)  # over which the rate of creation is taken
RUN_RATE = 30 * DAY_US
WINS = 10.0  # wins of all the past that the average check of the yet to come is drawn towards
PACE_MONTHS = 3.0  # which the past must outweigh before the pace of late is believed
SHOCK, SHOCK_MONTHS = 0.15, 4.0  # by how much whole months differ until the past says so, and how long that is believed


@dataclass(frozen=True, eq=False)
class Outlook:
    """Foretold at every horizon; arrays have a number per horizon, or a row per cell and a column per horizon."""

    fates: Fates
    calendar: Calendar
    is_by_check: bool = False

    # --- what has been, as it was known at each horizon ----------------------------------------------------------------

    @cached_property
    def is_past(self) -> np.ndarray:
        """Of which horizon (row) the end had come at which other (column), at most a year before, all of it known."""
        horizons, begin = self.fates.horizons, self.fates.past.begin
        kinds = np.array(horizons.kinds)
        is_over = (horizons.ends[:, None] <= horizons.instants) & (horizons.instants[:, None] >= begin)
        is_over &= kinds[:, None] == kinds
        nth = np.cumsum(is_over[::-1], axis=0)[::-1]
        return is_over & (nth <= MONTHS)

    @cached_property
    def weight(self) -> np.ndarray:
        """How much each past horizon counts at each other."""
        horizons = self.fates.horizons
        age = np.maximum(horizons.instants - horizons.ends[:, None], 0)
        return self.is_past * 0.5 ** (age / HALF_LIFE)

    @property
    def months(self) -> np.ndarray:
        """From how many past horizons each is foretold."""
        return self.is_past.sum(axis=0)

    @property
    def is_known(self) -> np.ndarray:
        """Where the past is long enough, and enough deals stood or came in it."""
        return (self.months >= ENOUGH_MONTHS) & (self.cases >= ENOUGH_DEALS)

    @cached_property
    def cases(self) -> np.ndarray:
        """Deals whose fate is known, those created on the way among them."""
        return self.fates.n.sum(axis=0) @ self.is_past + self.fresh_created @ self.is_past

    # --- today's pipeline ------------------------------------------------------------------------------------------------

    @cached_property
    def chance(self) -> np.ndarray:
        """Per cell: how likely a deal there is won in time."""
        return np.minimum(self.share * self.tempo, 1)

    @cached_property
    def share(self) -> np.ndarray:
        """Per cell: the share of past deals won in time."""
        fates = self.fates
        k, n = fates.k @ self.weight, fates.n @ self.weight
        return drawn_down(k, n, (fates.spot_of_cell, fates.past.spot_pipeline), DRAWN)

    @cached_property
    def doubt(self) -> np.ndarray:
        """Per cell: the variance of the chance itself, of which few cases were seen."""
        return self.chance * (1 - self.chance) / (self.fates.n @ self.weight + DRAWN[0] + 1)

    @cached_property
    def ceiling(self) -> np.ndarray:
        """How large the share of all may well be: what is honest to say where nothing has ever been won."""
        return ceiling((self.fates.k @ self.is_past).sum(axis=0), (self.fates.n @ self.is_past).sum(axis=0))

    @cached_property
    def money(self) -> np.ndarray:
        """Per cell: the money of the deals there; where amounts of open deals are not kept, the average check of each."""
        return self.fates.n * self.check if self.is_by_check else self.fates.money()

    @cached_property
    def square(self) -> np.ndarray:
        return self.fates.n * self.check_square if self.is_by_check else self.fates.money(2)

    @cached_property
    def pipeline(self) -> np.ndarray:
        """Σ chance × money of the deals in work."""
        return (self.chance * self.money).sum(axis=0)

    @cached_property
    def pipeline_variance(self) -> np.ndarray:
        whose = self.chance * self.square - self.chance**2 * self._certain_square
        return (whose + self.money**2 * self.doubt).sum(axis=0)

    @property
    def _certain_square(self) -> np.ndarray:
        return self.fates.n * self.check**2 if self.is_by_check else self.square

    # --- deals yet to come -----------------------------------------------------------------------------------------------

    @cached_property
    def _fresh(self) -> list[np.ndarray]:
        """Per horizon: the deals created after it and won by its end."""
        past, horizons = self.fates.past, self.fates.horizons
        won = [past.won(*bounds) for bounds in zip(horizons.instants, horizons.ends, strict=True)]
        return [deals[past.created[deals] >= at] for deals, at in zip(won, horizons.instants, strict=True)]

    @cached_property
    def fresh_created(self) -> np.ndarray:
        horizons = self.fates.horizons
        return self.fates.past.created_between(horizons.instants, horizons.ends)

    @cached_property
    def fresh_chance(self) -> np.ndarray:
        """How likely a deal created within the time left is won within it."""
        return np.minimum(self.fresh_share * self.tempo, 1)

    @cached_property
    def fresh_share(self) -> np.ndarray:
        """Of past deals created within the time left, the share won within it."""
        won = np.array([len(deals) for deals in self._fresh])
        return np.nan_to_num(ratio(won @ self.weight, self.fresh_created @ self.weight))

    @cached_property
    def _year_of_wins(self) -> list[np.ndarray]:
        """The money of the wins of the year before each horizon, those without money left out."""
        past, instants = self.fates.past, self.fates.horizons.instants
        money = [past.money[past.won(at - 365 * DAY_US, at)] for at in instants]
        return [amounts[amounts != 0] for amounts in money]

    @cached_property
    def check(self) -> np.ndarray:
        """The average check of the year before."""
        return np.array([amounts.mean() if len(amounts) else 0.0 for amounts in self._year_of_wins])

    @cached_property
    def check_square(self) -> np.ndarray:
        return np.array([(amounts**2).mean() if len(amounts) else 0.0 for amounts in self._year_of_wins])

    def _fresh_mean(self, power: int, whole: np.ndarray) -> np.ndarray:
        """The mean of the money (or its square) of those created and won within the time left, drawn towards that of all."""
        money = self.fates.past.money
        sums = np.array([(money[deals] ** power).sum() for deals in self._fresh]) @ self.weight
        return drawn(sums, np.array([len(deals) for deals in self._fresh]) @ self.weight, whole, WINS)

    @cached_property
    def fresh_check(self) -> np.ndarray:
        return self._fresh_mean(1, self.check)

    @cached_property
    def days_left(self) -> np.ndarray:
        """Working days from each horizon to its end."""
        return np.array([self.calendar.working_days(at, end) for _start, at, end in self.fates.horizons.days])

    @cached_property
    def rate(self) -> np.ndarray:
        """Deals created per working day of the three months before."""
        days = [self.calendar.working_days(at - RECENT, at) for _start, at, _end in self.fates.horizons.days]
        instants = self.fates.horizons.instants
        recent = self.fates.past.created_between(instants - RECENT.days * DAY_US, instants)
        return np.nan_to_num(ratio(recent.astype(float), np.array(days)))

    @cached_property
    def fresh_wins(self) -> np.ndarray:
        """How many deals that are not there yet will be won in time."""
        return self.rate * self.days_left * self.fresh_chance

    @cached_property
    def fresh(self) -> np.ndarray:
        """What they bring."""
        return self.fresh_wins * self.fresh_check

    @cached_property
    def fresh_variance(self) -> np.ndarray:
        doubt = self.fresh_chance * (1 - self.fresh_chance) / (self.fresh_created @ self.weight + 1)
        certain = self.fresh_wins * self._fresh_mean(2, self.check_square)
        return certain + (self.fresh_check * self.rate * self.days_left) ** 2 * doubt

    # --- the pace of late ------------------------------------------------------------------------------------------------

    @cached_property
    def counted(self) -> np.ndarray:
        """What the shares of the past alone say is still to come."""
        fresh = self.rate * self.days_left * self.fresh_share * self.fresh_check
        return (self.share * self.money).sum(axis=0) + fresh

    @cached_property
    def tempo(self) -> np.ndarray:
        """By what all chances are multiplied: 1 where the pace of the last thirty days says nothing that the past does not.

        The weight of the pace is that which would have missed by least at the past horizons (Bates, Granger (1969), The
        combination of forecasts), drawn towards none as if it had been of no use in some months besides.
        """
        apart, missed = self.by_run_rate - self.won - self.counted, self.came - self.won - self.counted
        weight = self.weight * self._is_judged
        size = (apart**2 @ weight) * (1 + ratio(PACE_MONTHS, weight.sum(axis=0)))
        believed = np.clip(np.nan_to_num(ratio((apart * missed) @ weight, size)), 0, 1)
        return np.maximum(1 + believed * np.nan_to_num(ratio(apart, np.maximum(self.counted, 0))), 0)

    @property
    def _is_judged(self) -> np.ndarray:
        """At which past horizons (row) enough was known for what was foretold there to be judged."""
        return self.is_past & (self.months >= ENOUGH_MONTHS // 2)[:, None]

    # --- all together ----------------------------------------------------------------------------------------------------

    @cached_property
    def won(self) -> np.ndarray:
        """Won so far, as it stood at the horizon."""
        return self.fates.past.won_money(self.fates.horizons.starts, self.fates.horizons.instants)

    @cached_property
    def came(self) -> np.ndarray:
        """What the whole period brought, as it stood at its end."""
        return self.fates.past.won_money(self.fates.horizons.starts, self.fates.horizons.ends)

    @property
    def rest(self) -> np.ndarray:
        return self.pipeline + self.fresh

    @property
    def forecast(self) -> np.ndarray:
        return self.won + self.rest

    @cached_property
    def variance(self) -> np.ndarray:
        """Of the deals one by one, and of what is not known of their chances; what whole months differ by comes besides."""
        return self.pipeline_variance + self.fresh_variance

    @cached_property
    def shock(self) -> np.ndarray:
        """By which share of the rest whole months differ, beyond the luck of single deals: as past forecasts missed."""
        missed = (self.came - self.won - self.rest) ** 2 - self.variance
        is_judged = self._is_judged
        size = np.where(is_judged, self.rest[:, None] ** 2, 0.0).sum(axis=0)
        excess = np.maximum(np.where(is_judged, missed[:, None], 0.0).sum(axis=0), 0)
        months = is_judged.sum(axis=0)
        seen = np.divide(excess, size, out=np.zeros(len(size)), where=size > 0)
        return np.sqrt(drawn(seen * months, months, SHOCK**2, SHOCK_MONTHS))

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """The low and the high end of what may come: between them in four cases of five."""
        mean, variance = Numbers(self.rest), Numbers(self.variance + (self.shock * self.rest) ** 2)
        high = np.where(self.rest > 0, end(mean, variance, HIGH).values, self.ceiling * self.money.sum(axis=0))
        return self.won + end(mean, variance, LOW).values, self.won + high

    # --- simple ways -----------------------------------------------------------------------------------------------------

    @cached_property
    def by_stage(self) -> np.ndarray:
        """Won so far, and of the pipeline what deals of that stage brought in the end: the share won, whenever that was."""
        past, instants = self.fates.past, self.fates.horizons.instants
        spots, size = len(past.spot_pipeline), len(instants) + 1
        ended = np.searchsorted(instants, past.closed[past.stands.deal], side="right")
        cells = past.stands.spot * size + ended
        counts = [
            np.bincount(cells[mask], minlength=spots * size) for mask in (past.is_won[past.stands.deal], slice(None))
        ]
        k, n = (count.reshape(spots, size).cumsum(axis=1)[:, :-1] for count in counts)
        share = np.divide(k, n, out=np.zeros(k.shape), where=n > 0)
        return self.won + (share * gathered(self.money, self.fates.spot_of_cell)).sum(axis=0)

    @cached_property
    def by_last_year(self) -> np.ndarray:
        """What the same days a year earlier brought; missing where nothing had been won before they were over."""
        earlier, past = self.fates.horizons.year_before(), self.fates.past
        return np.where(
            earlier.ends > past.wins.at.min(initial=EVER), past.won_money(earlier.starts, earlier.ends), np.nan
        )

    @cached_property
    def by_run_rate(self) -> np.ndarray:
        """Won so far, and for each day left what a day of the last thirty has brought."""
        horizons = self.fates.horizons
        recent = self.fates.past.won_money(horizons.instants - RUN_RATE, horizons.instants)
        return self.won + recent * (horizons.ends - horizons.instants) / RUN_RATE
