"""Instants to look ahead from, each to its period's end: the report's own and the same distance from earlier ends."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from ..filters import Filters, first_instant, year_before
from ..filters.periods import shift
from ..filters.windows import Window
from .past import micros, moment
from .slices import utc

BACK = 36  # months
Days = tuple[date, date, date]


@dataclass(frozen=True, eq=False)
class Horizons:
    """Per horizon, in the order of time: when the period begins, when one looks ahead, when the period ends."""

    starts: np.ndarray
    instants: np.ndarray
    ends: np.ndarray
    days: tuple[Days, ...]
    zone: ZoneInfo
    kinds: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.instants)

    @classmethod
    def of(cls, days: Sequence[Days], zone: ZoneInfo, kinds: Sequence[str] = ()) -> "Horizons":
        """The horizons of these days, each from its midnight. Of several kinds, each learns from those of its own."""
        columns = [[utc(first_instant(day, zone)) for day in column] for column in zip(*days, strict=True)]
        return cls(
            *(micros(np.array(column)) for column in columns), tuple(days), zone, tuple(kinds) or ("",) * len(days)
        )

    def year_before(self) -> "Horizons":
        """The same days a year earlier."""
        days = [(year_before(start), year_before(at), year_before(end, is_end=True)) for start, at, end in self.days]
        return Horizons.of(days, self.zone)


def ahead(filters: Filters) -> Horizons:
    """The report's own horizon, last, and before it the same distance from the ends of each month before its period's end.

    Of a period that is over, or has not begun, the report's instant is the nearest of its days.
    """
    start, end = filters.period.start, filters.period.end
    days = [_earlier(start, filters.today, end, months) for months in range(BACK, 0, -1)]
    horizons = Horizons.of([*days, (start, filters.today, end)], filters.zone)
    horizons.instants[-1] = moment(filters.as_of)
    return horizons


def _earlier(start: date, today: date, end: date, months: int) -> Days:
    last = Window(months=months).before(end)
    return last - (end - start), last - (end - today), last


KINDS: dict[str, Callable[[date, date], date]] = {
    "start": lambda start, end: start,
    "middle": lambda start, end: start + (end - start) // 2,
    "week": lambda start, end: end - timedelta(days=7),
}


def of_months(filters: Filters) -> Horizons:
    """The months that were over at the report's instant, each from its start, middle, and a week before its end."""
    this_month = filters.today.replace(day=1)
    starts = [shift("month", this_month, -months) for months in range(BACK, 0, -1)]
    months = zip(starts, [*starts[1:], this_month], strict=True)
    days = [(start, instant(start, end), end) for start, end in months for instant in KINDS.values()]
    return Horizons.of(days, filters.zone, [*KINDS] * BACK)
