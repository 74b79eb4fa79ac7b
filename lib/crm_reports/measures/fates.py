"""What became of the deals that stood at each horizon's instant, by its period's end: counted in one pass over history."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .horizons import Horizons
from .past import DAY_US, EVER, Past, turns

# Days on the stage: how finely those who stand there are told apart.
AGES = np.array([0, 2, 4, 7, 10, 14, 18, 22, 26, 30, 37, 45, 60, 90, 120, 180, 365])
LAST = len(AGES) - 1


@dataclass(frozen=True, eq=False)
class Spans:
    """Things (`row`) of a cell that are so at the horizons from `first` on and before `last`."""

    row: np.ndarray
    cell: np.ndarray
    first: np.ndarray
    last: np.ndarray

    def sums(self, size: tuple[int, int], weights: np.ndarray | None = None) -> np.ndarray:
        """Per cell and horizon how many of them there are, or the sum of their weights."""
        cells, horizons = size
        sums = np.zeros(cells * (horizons + 1))
        for place, sign in ((self.first, 1), (self.last, -1)):
            sums += sign * np.bincount(self.cell * (horizons + 1) + place, weights=weights, minlength=len(sums))
        return sums.reshape(cells, horizons + 1).cumsum(axis=1)[:, :horizons]


@dataclass(frozen=True, eq=False)
class Fates:
    """Deals in work at each horizon by cell (a spot and an age on it), and which of them were won by its end."""

    past: Past
    horizons: Horizons

    @property
    def size(self) -> tuple[int, int]:
        return len(self.past.spot_pipeline) * len(AGES), len(self.horizons)

    @cached_property
    def spot_of_cell(self) -> np.ndarray:
        return np.arange(self.size[0]) // len(AGES)

    @cached_property
    def standing(self) -> Spans:
        """The deals (`row`) in work at each horizon, by cell."""
        stands, instants = self.past.stands, self.horizons.instants
        first = np.searchsorted(instants, stands.since, side="right")
        last = np.searchsorted(instants, stands.until, side="right")
        there = np.flatnonzero(first < last)
        begin, pieces = first[there], []
        for age in range(len(AGES)):
            older = last[there] if age == LAST else self._reaching(there, age + 1)
            finish = np.minimum(last[there], older)
            kept, goes_on = begin < finish, last[there] > finish
            rows = there[kept]
            pieces.append((stands.deal[rows], stands.spot[rows] * len(AGES) + age, begin[kept], finish[kept]))
            there, begin = there[goes_on], np.maximum(begin, older)[goes_on]
        return Spans(*(np.concatenate(column) for column in zip(*pieces, strict=True)))

    def _reaching(self, stands: np.ndarray, age: int) -> np.ndarray:
        """The first horizon at which these stands have lasted so long."""
        return np.searchsorted(self.horizons.instants, self.past.stands.since[stands] + AGES[age] * DAY_US)

    @cached_property
    def winning(self) -> Spans:
        """Those of `standing` that were won by the horizon's end."""
        standing, pieces = self.standing, []
        instants, ends = self.horizons.instants, self.horizons.ends
        for at, until in turns(self.past, standing.row):
            won = np.flatnonzero(at < EVER)
            at, until = at[won], until[won]
            first = np.maximum(standing.first[won], np.searchsorted(ends, at, side="right"))
            last = np.minimum(np.searchsorted(instants, at, side="right"), np.searchsorted(ends, until, side="right"))
            last = np.minimum(standing.last[won], last)
            kept = first < last
            pieces.append((standing.row[won][kept], standing.cell[won][kept], first[kept], last[kept]))
        nothing = tuple(np.zeros((4, 0), dtype=int))
        return Spans(*(np.concatenate(column) for column in zip(*(pieces or [nothing]), strict=True)))

    @cached_property
    def n(self) -> np.ndarray:
        """How many deals stood in each cell."""
        return self.standing.sums(self.size)

    @cached_property
    def k(self) -> np.ndarray:
        """How many of them were won by the end."""
        return self.winning.sums(self.size)

    def money(self, power: int = 1) -> np.ndarray:
        """The sum of their money, or of its square."""
        return self.standing.sums(self.size, self.past.money[self.standing.row] ** power)
