"""The rows that a table may have, numbered, and the cells that stand in them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from ..metrics.rows import Groups
from ..store.columns import Columns, per_text


@dataclass(frozen=True)
class Order:
    """The values of a dimension in the order of their rows: key (`manager_id`), ids, names."""

    key: str
    ids: tuple[str, ...]
    names: tuple[str, ...]

    @cached_property
    def place(self) -> dict[str, int]:
        return {id: place for place, id in enumerate(self.ids)}

    def with_strangers(self, rows: Sequence[Columns]) -> "Order":
        """The same with the ids of these rows that nobody has named, last and under themselves."""
        met = set().union(*(each[self.key].categories for each in rows)) - self.place.keys()
        return Order(self.key, (*self.ids, *sorted(met)), (*self.names, *sorted(met))) if met else self


@dataclass(frozen=True)
class Grid:
    """The rows that a table may have: a value of each dimension, and of `cuts` of a period one. Each has a number."""

    orders: tuple[Order, ...]
    cuts: int = 1

    @classmethod
    def of(cls, orders: Sequence[Order], rows: Sequence[Columns], cuts: int = 1) -> "Grid":
        """The grid of these dimensions, large enough for all these rows."""
        return cls(tuple(order.with_strangers(rows) for order in orders), cuts)

    @property
    def size(self) -> int:
        return math.prod(len(order.ids) for order in self.orders) * self.cuts

    def codes(self, rows: Columns, cut: np.ndarray | int) -> np.ndarray:
        """The number of the row of the grid that each of these rows belongs to."""
        codes = np.zeros(len(rows), dtype=int)
        for order in self.orders:
            codes = codes * len(order.ids) + per_text(rows[order.key], order.place.__getitem__, int)
        return codes * self.cuts + cut

    def grouped(self, rows: Columns, cut: np.ndarray | int) -> tuple[np.ndarray, Groups]:
        """Which rows of the grid these rows make, and to which of them each belongs."""
        codes = self.codes(rows, cut)
        seen = np.bincount(codes, minlength=self.size) > 0
        return np.flatnonzero(seen), Groups((np.cumsum(seen) - 1)[codes], int(seen.sum()))

    def apart(self, codes: np.ndarray) -> list[np.ndarray]:
        """For each dimension, the place of its value in these rows of the grid."""
        codes, places = codes // max(1, self.cuts), []
        for order in reversed(self.orders):
            codes, place = np.divmod(codes, max(1, len(order.ids)))
            places.insert(0, place)
        return places

    def product(self, codes: np.ndarray) -> np.ndarray:
        """Every cut of every value, or pair of values, that these rows of the grid know."""
        whole = np.zeros(1, dtype=int)
        for order, place in zip(self.orders, self.apart(codes), strict=True):
            whole = (whole[:, None] * len(order.ids) + np.unique(place)).ravel()
        return (whole[:, None] * self.cuts + np.arange(self.cuts)).ravel()

    def names(self, codes: np.ndarray) -> dict[str, pd.Series]:
        """For each dimension the name and the id of its value in these rows of the grid."""
        said = {}
        for order, place in zip(self.orders, self.apart(codes), strict=True):
            said[order.key.removesuffix("_id")] = texts([order.names[at] for at in place])
            said[order.key] = texts([order.ids[at] for at in place])
        return said


def texts(values: list[object]) -> pd.Series:
    return pd.Series(values, dtype=object)


@dataclass(frozen=True)
class Cells:
    """A table's numbers: which row of the grid each is in, and what stands where there is nothing to measure."""

    codes: np.ndarray
    columns: Mapping[str, np.ndarray]
    nothing: Mapping[str, object] = field(default_factory=dict)

    def on(self, codes: np.ndarray) -> "Cells":
        """The cells in these rows of the grid, in rising order."""
        if np.array_equal(codes, self.codes):
            return self
        columns = {name: spread(values, self.codes, codes, self.nothing[name]) for name, values in self.columns.items()}
        return Cells(codes, columns, self.nothing)


def spread(values: np.ndarray, held: np.ndarray, wanted: np.ndarray, nothing: object) -> np.ndarray:
    """The values in the wanted rows; `nothing` where none is held."""
    whole = np.full(len(wanted), nothing, dtype=values.dtype)
    whole[np.searchsorted(wanted, held)] = values
    return whole
