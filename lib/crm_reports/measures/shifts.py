"""A number now and before, row by row: what its change is made of, and whether chance alone would change it so.

The parts of a change add up to it: those of a sum are the changes of its rows, those of a rate or a mean what each row's own
number did (`rate`) and what its weight among the others did (`mix`). Where rows don't add up, as customers or medians do not,
there are no parts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isclose, isfinite

import numpy as np

from ..metrics.registry import STOCKS, Metric
from ..metrics.rows import Groups, Number, Ratio, Sample
from ..metrics.statistics import SMALL, by_normal, fisher
from ..store.columns import Columns, ratio
from . import frames
from .cells import NOTHING, change, entries_of, gaps, gaps_before, grid_of, of_all, of_groups, of_nothing, plain, spread
from .dataset import Dataset
from .grid import Grid, Piece

TRIALS = 200  # rows drawn again, for the spread of a median
FORETOLD = (*frames.PER_CUT, "prospects", "cover")  # their rows are no cases that might have come out otherwise
HELD = ("manager", "department", "source", "pipeline")  # whoever of these holds deals has a row, if only of nothing
KOPECK = 0.005


@dataclass(frozen=True)
class Halves:
    """k of n, row by row; of a mean k is what it is the mean of, of a sum n is None and k the sum itself."""

    k: np.ndarray
    n: np.ndarray | None = None

    @classmethod
    def of(cls, number: Number) -> "Halves":
        if isinstance(number, Ratio):
            return cls(_numbers(number.k), _numbers(number.n))
        if isinstance(number, Sample):
            n = _numbers(number.n)
            return cls(np.where(n > 0, _numbers(number.value) * n, 0.0), n)
        return cls(_numbers(number))

    def on(self, codes: np.ndarray, rows: np.ndarray, nothing: float) -> "Halves":
        """The same in these rows of a grid, `nothing` in those that are not there."""
        if self.n is not None:
            return Halves(spread(self.k, codes, rows, 0.0), spread(self.n, codes, rows, 0.0))
        return Halves(spread(self.k, codes, rows, nothing))

    def take(self, mask: np.ndarray) -> "Halves":
        return Halves(self.k[mask], None if self.n is None else self.n[mask])

    def make(self, whole: "Halves") -> bool:
        """Whether these are the parts of that whole."""
        pairs = [(self.k, whole.k), *([] if self.n is None else [(self.n, whole.n)])]
        return all(isclose(parts.sum(), total[0], rel_tol=1e-12, abs_tol=KOPECK) for parts, total in pairs)


def _numbers(values: float | np.ndarray) -> np.ndarray:
    return np.atleast_1d(values).astype(float)


@dataclass(frozen=True)
class Shift:
    """A metric in one row, or over all of them (`id` and `name` are ""), now and before; k and n where it has them."""

    id: str
    name: str
    value: float
    previous: float
    k: float = NOTHING
    n: float = NOTHING
    previous_k: float = NOTHING
    previous_n: float = NOTHING

    @property
    def change(self) -> float:
        """By what share it changed; missing when there was nothing before."""
        return change(self.value, self.previous)


@dataclass(frozen=True)
class Part:
    """What one value of a dimension brought to a change: by its own number, and by its weight among the others."""

    id: str
    name: str
    rate: float
    mix: float

    @property
    def change(self) -> float:
        return self.rate + self.mix


class Shifts:
    """A metric of a report, whole or by a dimension, beside the period or instant that the report compares with."""

    def __init__(self, ds: Dataset, metric: str, by: str = "") -> None:
        self.ds, self.by, self.entry = ds, by, entries_of([metric])[0]
        self.is_lacking = bool(gaps(ds, [self.entry]))
        self.has_begun = self.entry.on in STOCKS or ds.filters.elapsed.days > 0
        self.has_before = ds.filters.previous is not None and not gaps_before(ds, [self.entry])

    @cached_property
    def rows(self) -> list[Shift]:
        """The whole, or a row for every value that has anything to measure now or before, or holds deals."""
        if not self.by:
            return [self._shift("", "", *(of_all(self.entry, piece.rows) for piece in self._pieces))]
        grid = self._grid(self.by)
        codes, sides = self._halves(grid, also=self._holders(grid))
        names = grid.names(codes)
        return [
            self._shift(id, name, *(self._number(side, place) for side in sides))
            for place, (id, name) in enumerate(zip(names[f"{self.by}_id"], names[self.by], strict=True))
        ]

    def parts(self, row: Shift, within: str) -> list[Part]:
        """What each value of `within` brought to the row's change, the largest first, also nothing; none where that can't be said."""
        keys = [name for name in (self.by, within) if name]
        if within == self.by or self.entry.is_part or not (isfinite(row.value) and isfinite(row.previous)):
            return []
        if not all(f"{name}_id" in piece.rows for name in keys for piece in self._pieces):
            return []
        grid = self._grid(*keys)
        codes, sides = self._halves(grid)
        mask = (
            np.array([id == row.id for id in grid.names(codes)[f"{self.by}_id"]], dtype=bool) if self.by else codes >= 0
        )
        now, before = (side.take(mask) for side in sides)
        wholes = [Halves.of(of_all(self.entry, rows)) for rows in self._rows_of(row)]
        if not all(side.make(whole) for side, whole in zip((now, before), wholes, strict=True)):
            return []
        names = grid.names(codes[mask])
        parts = map(Part, names[f"{within}_id"], names[within], *_split(now, before))
        return sorted(parts, key=lambda part: -abs(part.change))

    @property
    def is_testable(self) -> bool:
        """Whether chance has a say in it at all: what is planned or foretold, or a part of the whole, is no set of cases."""
        return self.entry.on not in FORETOLD and not self.entry.is_part

    def chance(self, row: Shift) -> float:
        """How often chance alone would change the number so; 0 for a stock, which is counted; 1 where too few are looked at."""
        if not self.is_testable or not (isfinite(row.value) and isfinite(row.previous)):
            return NOTHING
        if isfinite(row.k) and row.k <= row.n and row.previous_k <= row.previous_n:
            return float(fisher(np.array([row.k, row.previous_k], int), np.array([row.n, row.previous_n], int))[0])
        if isfinite(row.n) and min(row.n, row.previous_n) < SMALL:
            return 1.0
        is_stock = self.entry.on in STOCKS and not isfinite(row.n)
        variances = [0.0 if is_stock else _variance(self.entry, rows) for rows in self._rows_of(row)]
        return by_normal(row.value - row.previous, sum(variances))

    # ── The rows of both sides ──

    @cached_property
    def _pieces(self) -> list[Piece]:
        """Now, and before where there is that."""
        now = frames.frame(self.ds, self.entry.on, self.ds.filters.elapsed)
        before = [Piece(frames.frame_before(self.ds, self.entry.on))] if self.has_before else []
        return [Piece(now), *before]

    def _rows_of(self, row: Shift) -> list[Columns]:
        if not self.by:
            return [piece.rows for piece in self._pieces]
        key = f"{self.by}_id"
        return [piece.rows.take(np.asarray(piece.rows[key] == row.id)) for piece in self._pieces]

    def _grid(self, *dimensions: str) -> Grid:
        keys = [f"{name}_id" for name in dimensions]
        return grid_of(self.ds, [self.entry], keys, {self.entry.on: self._pieces})

    def _halves(self, grid: Grid, also: Sequence[int] = ()) -> tuple[np.ndarray, list[Halves]]:
        """The rows of the grid that either side has, and the metric in each of them, side by side."""
        groups = [(piece.rows, *grid.group(piece)) for piece in self._pieces]
        rows = np.unique(np.concatenate([*(codes for _rows, codes, _groups in groups), np.asarray(also, dtype=int)]))
        return rows, [
            Halves.of(of_groups(self.entry, cases, group)).on(codes, rows, of_nothing(self.entry))
            for cases, codes, group in groups
        ]

    def _number(self, side: Halves, place: int) -> Number:
        if side.n is None:
            return side.k[place]
        k, n = side.k[place], side.n[place]
        return Ratio(k, n) if self._is_ratio else Sample(ratio(k, n), n)

    @cached_property
    def _is_ratio(self) -> bool:
        return isinstance(of_all(self.entry, self._pieces[0].rows), Ratio)

    def _shift(self, id: str, name: str, now: Number, before: Number = NOTHING) -> Shift:
        if self.is_lacking or not self.has_begun:
            return Shift(id, name, NOTHING, NOTHING)
        k, n = _k_of_n(now)
        return Shift(id, name, plain(now), plain(before), k, n, *_k_of_n(before))

    def _holders(self, grid: Grid) -> list[int]:
        """The rows of those who hold deals of the slice: a manager without a single call has made none, which is a number."""
        if self.by not in HELD:
            return []
        place = grid.orders[0].place
        ids = self.ds.scope.holders(f"{self.by}_id", self.ds.filters.period)
        return sorted(place[id] for id in ids if id in place)


def _k_of_n(number: Number) -> tuple[float, float]:
    if isinstance(number, Ratio):
        return float(number.k), float(number.n)
    return NOTHING, float(number.n) if isinstance(number, Sample) else NOTHING


def _split(now: Halves, before: Halves) -> tuple[np.ndarray, np.ndarray]:
    """What each row's own number and its weight brought to the change of the whole.

    Each is taken at the mean of the other of both sides, so that nothing is left over; a row that is on one side only has
    weight alone. Weight is reckoned from the mean of the whole: more of what is above it raises the whole.
    """
    if now.n is None or before.n is None:
        return now.k - before.k, np.zeros(len(now.k))
    weights = [ratio(side.n, side.n.sum()) * np.ones(len(side.n)) for side in (now, before)]
    mean = (now.k.sum() / now.n.sum() + before.k.sum() / before.n.sum()) / 2
    rates = [
        np.where(side.n > 0, ratio(side.k, side.n), ratio(other.k, other.n))
        for side, other in ((now, before), (before, now))
    ]
    rates = [np.nan_to_num(rate) for rate in rates]
    rate = (rates[0] - rates[1]) * (weights[0] + weights[1]) / 2
    return rate, (weights[0] - weights[1]) * ((rates[0] + rates[1]) / 2 - mean)


def _variance(entry: Metric, rows: Columns) -> float:
    """How far chance spreads the number: of a sum of cases that come by chance by the sum of their squares, else by trial.

    Of a count that is the count itself, as Poisson has it; of money it is more where a few large deals make the sum.
    """
    rows = Columns(len(rows), {name: rows[name] for name in entry.fields})
    whole = entry.of_all(rows)
    if isinstance(whole, Ratio | Sample):
        return _variance_by_trial(entry, rows)
    cases = np.nan_to_num(entry.of_each(rows, Groups(np.arange(len(rows)), len(rows))).astype(float))
    if isclose(cases.sum(), whole, rel_tol=1e-9, abs_tol=KOPECK):
        return float((cases**2).sum())
    return abs(float(whole)) if entry.unit == "count" else _variance_by_trial(entry, rows)


def _variance_by_trial(entry: Metric, rows: Columns) -> float:
    """The same of any number: as many rows, drawn again and again from these (Efron's bootstrap), always the same draw.

    Of too few rows nothing can be drawn that says how else they might have been.
    """
    if len(rows) < SMALL:
        return float("inf")
    chance = np.random.default_rng(0)
    sizes = chance.poisson(len(rows), TRIALS)
    trials = [plain(entry.of_all(rows.take(chance.integers(0, len(rows), size)))) for size in sizes]
    return float(np.nanvar(trials)) if np.isfinite(trials).any() else float("inf")
