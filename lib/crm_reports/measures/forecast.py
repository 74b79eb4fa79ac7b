"""The forecast of the report's period: what is won, what of today's pipeline is likely, what deals yet to come will bring.

A page learns from the deals that it is about and from no others', so it tells nobody about them (N26). What managers have in
common is drawn together: three deals of one make no prophecy.
"""

from dataclasses import dataclass
from functools import cached_property
from weakref import proxy

import numpy as np

from ..metrics.chances import HIGH, LOW, above, drawn, end, gathered
from ..metrics.rows import Numbers
from ..store.columns import Columns, per_text
from ..words import units
from ..words.texts import _
from .dataset import Dataset
from .fates import Fates, Spans
from .horizons import ahead
from .outlook import ENOUGH_DEALS, ENOUGH_MONTHS, RECENT, Outlook
from .past import DAY_US, Past
from .slices import inside

ODDS = 10.0  # wins as expected that a manager's own are drawn towards
FEW_AMOUNTS = 0.5  # of the open deals; where fewer have an amount each counts with the average check


@dataclass(frozen=True, eq=False)
class Forecast:
    """What the report's period will bring, deal by deal."""

    ds: Dataset

    @classmethod
    def of(cls, ds: Dataset) -> "Forecast":
        """The forecast of a report, worked out once; good for as long as the report is kept."""
        # The report keeps it, so it must not keep the report: a circle would hold the store, and its threads, until a collection.
        return ds.memo.once("forecast", lambda: cls(proxy(ds)))

    @cached_property
    def past(self) -> Past:
        return Past.of(self.ds)

    @cached_property
    def open_places(self) -> np.ndarray:
        """The deals of the slice in work."""
        return np.flatnonzero(self.ds.slice.deals["outcome"] == "open")

    @cached_property
    def outlook(self) -> Outlook:
        fates = Fates(self.past, ahead(self.ds.filters))
        return Outlook(fates, self.ds.settings.calendar, is_by_check(self.ds))

    @property
    def is_running(self) -> bool:
        """Whether days of the period are to come, after one that has begun."""
        filters = self.ds.filters
        return filters.is_running and filters.period.start <= filters.today

    @property
    def missing(self) -> str:
        """Why there is no forecast, in a sentence; "" where there is one."""
        filters, day = self.ds.filters, units.day_month
        if filters.period.start > filters.today:
            return _("The period begins on {day}: it is forecast from then on.", day=day(filters.period.start))
        if not self.is_running or bool(self.outlook.is_known[-1]):
            return ""
        return _(
            "No forecast yet: it is counted from at least {months} whole months like this one and {deals} deals of which is "
            "known what became of them, for fewer are luck; there are {months_here} and {deals_here}.",
            months=ENOUGH_MONTHS,
            deals=ENOUGH_DEALS,
            months_here=units.count(self.outlook.months[-1]),
            deals_here=units.count(self.outlook.cases[-1]),
        )

    # --- the deals in work ---------------------------------------------------------------------------------------------

    @cached_property
    def _standing(self) -> tuple[np.ndarray, np.ndarray]:
        """The deals in work, and the cell that each stands in."""
        standing, size = self.outlook.fates.standing, len(self.outlook.fates.horizons)
        now = np.flatnonzero(standing.last == size)
        order = now[np.argsort(standing.row[now], kind="stable")]
        return standing.row[order], standing.cell[order]

    @property
    def place(self) -> np.ndarray:
        return self._standing[0]

    @property
    def _cell(self) -> np.ndarray:
        return self._standing[1]

    @cached_property
    def worth(self) -> np.ndarray:
        """What each of them brings if it is won."""
        return (
            np.full(len(self.place), self.outlook.check[-1])
            if self.outlook.is_by_check
            else self.past.money[self.place]
        )

    @cached_property
    def k(self) -> np.ndarray:
        """How many of the n past deals like each were won in time."""
        return (self.outlook.fates.k @ self.outlook.is_past[:, -1])[self._cell]

    @cached_property
    def n(self) -> np.ndarray:
        return (self.outlook.fates.n @ self.outlook.is_past[:, -1])[self._cell]

    @cached_property
    def chance(self) -> np.ndarray:
        """How likely each is won in time: that of deals like it, and of its manager's as they went against those."""
        plain = self.outlook.chance[self._cell, -1]
        own = plain * self._odds[self.ds.slice.deals["manager_id"].codes[self.place]]
        whole, own_whole = (plain * self.worth).sum(), (own * self.worth).sum()
        return np.clip(own * (whole / own_whole if own_whole > 0 else 1.0), 0, 1)

    @cached_property
    def _odds(self) -> np.ndarray:
        """Per manager: wins ÷ wins expected at everybody's chances, drawn towards 1."""
        fates, weight = self.outlook.fates, np.concatenate([[0.0], np.cumsum(self.outlook.weight[:, -1])])
        chance = self.outlook.share[:, -1]
        expected = self._by_manager(fates.standing, weight, chance[fates.standing.cell])
        wins = self._by_manager(fates.winning, weight, np.ones(len(fates.winning.row)))
        return drawn(wins, expected, 1.0, ODDS)

    def _by_manager(self, spans: Spans, weight: np.ndarray, value: np.ndarray) -> np.ndarray:
        managers = self.ds.slice.deals["manager_id"]
        sums = value * (weight[spans.last] - weight[spans.first])
        return np.bincount(managers.codes[spans.row], weights=sums, minlength=len(managers.categories))

    @cached_property
    def expected(self) -> np.ndarray:
        """Chance × money."""
        return self.chance * self.worth

    @cached_property
    def variance(self) -> np.ndarray:
        outlook, cell = self.outlook, self._cell
        square = np.full(len(cell), outlook.check_square[-1]) if outlook.is_by_check else self.worth**2
        alone = self.chance * square - (self.chance * self.worth) ** 2
        return alone + self.worth * outlook.money[cell, -1] * outlook.doubt[cell, -1]

    @cached_property
    def closable_money(self) -> np.ndarray:
        """The money of each, where a deal on its stage was won in the time left in the last year at all; else 0."""
        outlook = self.outlook
        wins = gathered(outlook.fates.k @ outlook.is_past[:, -1], outlook.fates.spot_of_cell)
        return np.where(wins[outlook.fates.spot_of_cell[self._cell]] > 0, self.worth, 0.0)

    # --- against the plan ------------------------------------------------------------------------------------------------

    @property
    def plan(self) -> float:
        """What is planned for the period; missing where nothing is."""
        return self.ds.plan.whole(self.ds.filters.period) if self.ds.plan.metric == "won_money" else float("nan")

    @cached_property
    def chance_of_plan(self) -> float:
        """How likely the plan is made; missing without one."""
        rows, won = self.rows, self.rows["won_money"].sum()
        rest, shock = rows["likely_money"].sum() + rows["fresh_money"].sum(), rows["shock_money"].sum()
        return above(rest, rows["variance"].sum() + shock**2, self.plan - won)

    @cached_property
    def wins_needed(self) -> int:
        """How many of the deals in work, those that add most first, would have to be won for the plan; 0: they are not enough."""
        more = np.sort(self.worth - self.expected)[::-1].cumsum()
        short = self.plan - sum(self.rows[f"{part}_money"].sum() for part in ("won", "likely", "fresh"))
        enough = np.flatnonzero(more >= short)
        return int(enough[0]) + 1 if len(enough) else 0

    # --- deals yet to come ---------------------------------------------------------------------------------------------

    @cached_property
    def recent(self) -> np.ndarray:
        """The deals of the last three months: those yet to come will be as they were, but nobody's who has left."""
        created, as_of = self.past.created, self.outlook.fates.horizons.instants[-1]
        places = np.flatnonzero((created >= as_of - RECENT.days * DAY_US) & (created < as_of))
        leavers = self.ds.names.leavers
        has_left = per_text(self.ds.slice.deals["manager_id"], leavers.__contains__, bool)[places]
        return places if has_left.all() else places[~has_left]

    # --- all of it as rows -----------------------------------------------------------------------------------------------

    @cached_property
    def won_places(self) -> np.ndarray:
        """The deals won in the period so far."""
        deals = self.ds.slice.deals
        is_in = inside(deals["closed_at"], self.ds.bounds(self.ds.filters.elapsed))
        return np.flatnonzero(is_in & np.asarray(deals["outcome"] == "won"))

    @cached_property
    def rows(self) -> Columns:
        """The frame `prospects`: deals won, deals in work, and the deals of late that stand for those yet to come."""
        won, parts = self.won_places, [self._won_part()]
        if self.is_running and not self.missing:
            parts += [self._open_part(), self._fresh_part()]
            place = np.concatenate([won, self.place, self.recent])
        else:
            parts += [self._blank_part(len(self.open_places))]
            place = np.concatenate([won, self.open_places])
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return self.ds.slice.deals.take(place).assign(**columns, is_known=np.full(len(place), not self.missing))

    def by_then(self, share: np.ndarray) -> dict[str, np.ndarray]:
        """The forecast and its ends once such a share of the working days left is over; at 1 they are the period's own.

        What comes on one day knows nothing of the next, but of the month's own luck: variance grows with the days, that with their square.
        """
        sums = {name: float(self.rows[name].sum()) for name in COLUMNS}
        rest = share * (sums["likely_money"] + sums["fresh_money"])
        spread = Numbers(share * sums["variance"] + (share * sums["shock_money"]) ** 2)
        low, high = (end(Numbers(rest), spread, limit).values for limit in (LOW, HIGH))
        more = {"forecast": rest, "forecast_low": low, "forecast_high": high + share * sums["ceiling_money"]}
        return {name: sums["won_money"] + money for name, money in more.items()}

    def _won_part(self) -> dict[str, np.ndarray]:
        nothing = np.zeros(len(self.won_places))
        return _part(won_money=self.past.money[self.won_places], nothing=nothing)

    def _open_part(self) -> dict[str, np.ndarray]:
        outlook, expected = self.outlook, self.expected
        return _part(
            likely_money=expected, variance=self.variance, shock_money=outlook.shock[-1] * expected,
            ceiling_money=outlook.ceiling[-1] * self.worth * (outlook.rest[-1] <= 0), nothing=np.zeros(len(expected)),
        )  # fmt: skip

    def _fresh_part(self) -> dict[str, np.ndarray]:
        outlook, count = self.outlook, max(len(self.recent), 1)
        each = np.full(len(self.recent), 1 / count)
        fresh = outlook.fresh[-1] * each
        variance, shock = outlook.fresh_variance[-1] * each, outlook.shock[-1] * fresh
        return _part(fresh_money=fresh, variance=variance, shock_money=shock, nothing=np.zeros(len(each)))

    def _blank_part(self, count: int) -> dict[str, np.ndarray]:
        return _part(nothing=np.zeros(count))


COLUMNS = ("won_money", "likely_money", "fresh_money", "variance", "shock_money", "ceiling_money")


def _part(nothing: np.ndarray, **columns: np.ndarray) -> dict[str, np.ndarray]:
    return dict.fromkeys(COLUMNS, nothing) | columns


def is_by_check(ds: Dataset) -> bool:
    """Whether the source keeps hardly any amounts of open deals: then each counts with the average check."""
    deals = ds.slice.deals
    amounts = np.nan_to_num(deals["amount"][np.asarray(deals["outcome"] == "open")])
    return bool(len(amounts)) and float((amounts != 0).mean()) < FEW_AMOUNTS
