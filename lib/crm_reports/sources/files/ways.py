"""Cells that can be meant in two ways, settled by the whole column: 1,234 and 03/04/2025."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import pandas as pd

Way = Literal["", "one", "other"]


class Verdict(NamedTuple):
    """The cells as they are meant, a doubtful one missing; the way of the column, "" when nothing tells; the doubtful."""

    cells: pd.Series
    way: Way
    doubtful: pd.Series
    is_mixed: bool


@dataclass(frozen=True)
class Ways:
    """A column read in one way and in the other; a cell that can't be meant so is missing."""

    one: pd.Series
    other: pd.Series

    def settle(self, way: Way = "") -> Verdict:
        """Each cell by itself where it can be meant in one way only, the others as these; `way`: as the settings say."""
        way = way or self.way
        read = {"one": self.one, "other": self.other}.get(way)
        doubtful = self._doubtful & (way == "")
        if read is None:
            read = self.one.fillna(self.other).mask(doubtful)
        return Verdict(read, way, doubtful, self.is_mixed and way == "")

    @property
    def way(self) -> Way:
        """What the cells tell that can be meant in one way only; "" when they tell nothing, or both."""
        if self.is_only_one.any() == self.is_only_other.any():
            return ""
        return "one" if self.is_only_one.any() else "other"

    @property
    def is_mixed(self) -> bool:
        return bool(self.is_only_one.any() and self.is_only_other.any())

    @property
    def is_only_one(self) -> pd.Series:
        return self.one.notna() & self.other.isna()

    @property
    def is_only_other(self) -> pd.Series:
        return self.other.notna() & self.one.isna()

    @property
    def _doubtful(self) -> pd.Series:
        return self.one.notna() & self.other.notna() & (self.one != self.other)
