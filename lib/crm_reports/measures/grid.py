"""The rows that a table may have, numbered: a value of each dimension, and a cut of the period."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from ..metrics.rows import Groups
from ..store.columns import Columns, per_text
from ..words.texts import language
from .names import Names


class Piece(NamedTuple):
    """Rows that are measured, and the cut of the period that each or all of them fall into."""

    rows: Columns
    cut: np.ndarray | int = 0


@dataclass(frozen=True)
class Order:
    """The values of a dimension in the order of their rows: key (`manager_id`), ids, names."""

    key: str
    ids: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, names: Names, key: str) -> "Order":
        """Pipelines, stages and values of own fields in the CRM's order, people and sources by name, those of nobody last."""
        dimension = key.removesuffix("_id")
        if dimension == "loss_reason":  # known by its text alone
            return cls(key)
        own = tuple(own for own in names.own if own.name == dimension)
        return names.store.memo.once(
            (cls, key, own, language()), lambda: cls._of(names, dimension, is_in_order=bool(own))
        )

    @classmethod
    def _of(cls, names: Names, dimension: str, *, is_in_order: bool) -> "Order":
        words = names.by_id(dimension)
        if not is_in_order and dimension not in ("stage", "pipeline", "customer_kind"):
            words = words.loc[[*sorted(filter(None, words.index), key=lambda id: words[id].casefold()), ""]]
        return cls(f"{dimension}_id", tuple(words.index), tuple(words))

    @cached_property
    def place(self) -> dict[str, int]:
        return {id: place for place, id in enumerate(self.ids)}

    def with_strangers(self, pieces: Sequence[Piece]) -> "Order":
        """The same with the ids of these rows that nobody has named, last and under themselves."""
        strangers = set().union(*(piece.rows[self.key].categories for piece in pieces)) - self.place.keys()
        return (
            Order(self.key, (*self.ids, *sorted(strangers)), (*self.names, *sorted(strangers))) if strangers else self
        )


@dataclass(frozen=True)
class Grid:
    """The rows that a table may have: a value of each dimension, and of `cuts` of a period one. Each has a number."""

    orders: tuple[Order, ...]
    cuts: int = 1

    @classmethod
    def of(cls, names: Names, keys: Sequence[str], pieces: Sequence[Piece], cuts: int = 1) -> "Grid":
        """The grid of the dimensions with these keys, large enough for all these rows."""
        return cls(tuple(Order.of(names, key).with_strangers(pieces) for key in keys), cuts)

    @property
    def size(self) -> int:
        return math.prod(len(order.ids) for order in self.orders) * self.cuts

    def group(self, piece: Piece) -> tuple[np.ndarray, Groups]:
        """Which rows of the grid these rows make, and to which of them each belongs."""
        codes = np.zeros(len(piece.rows), dtype=int)
        for order in self.orders:
            codes = codes * len(order.ids) + per_text(piece.rows[order.key], order.place.__getitem__, int)
        codes = codes * self.cuts + piece.cut
        is_used = np.bincount(codes, minlength=self.size) > 0
        return np.flatnonzero(is_used), Groups((np.cumsum(is_used) - 1)[codes], int(is_used.sum()))

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
        columns = {}
        for order, places in zip(self.orders, self.apart(codes), strict=True):
            columns[order.key.removesuffix("_id")] = texts([order.names[place] for place in places])
            columns[order.key] = texts([order.ids[place] for place in places])
        return columns


def texts(values: list[object]) -> pd.Series:
    """A column of texts."""
    return pd.Series(values, dtype=object)
