"""The rows behind the numbers of a page: which rows a number counts, and what each of them brings to it.

A number leads to rows only where these make that very number again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..filters import Period, first_instant
from ..filters.periods import cut
from ..metrics.parts import Parts, parts
from ..metrics.registry import METRICS, STOCKS, Metric, find
from ..metrics.rows import Groups, Ratio, Sample
from ..store.columns import Columns, per_text
from . import frames
from .asked import Asked, Counted, counted, ways
from .cells import gaps, of_groups
from .dataset import Dataset
from .slices import utc

# What can't be told row by row is made of these: the team's index of what people did, a plan's fact of what was won.
MADE_OF = {"team": "actions", "plans": "won_money", "cover": "in_work_money"}
MOST = 20_000  # rows of one kind that a page can carry; of more it says only that there are
EPOCH = np.datetime64(0, "D")
Key = tuple[object, ...]  # the values of the dimensions, and the first day of the cut where there are cuts


@dataclass(frozen=True)
class Way:
    """How a number leads to rows: to those that `of` counts, its own metric or one that it `is_made_of`, cut as it was `asked`."""

    of: str
    asked: Asked
    is_made_of: bool = False
    rows: tuple[int, ...] | None = None  # of what an element has counted by itself: their places in the frame
    is_share: bool = False


Ways = Mapping[str, Sequence[Way | None]]  # by metric, of each row of a table; None leads nowhere


class Behind:
    """The rows behind a report's tables."""

    def __init__(self, ds: Dataset) -> None:
        self.ds = ds
        self._parts: dict[tuple[str, Period], Parts] = {}
        self._groups: dict[tuple[str, Asked], _Groups] = {}
        self._made: dict[Way, Way] = {}

    def ways(self, table: pd.DataFrame, element: str = "") -> Ways:
        """For each column of the element's table how the number in each row leads to its rows; None where it leads nowhere."""
        own = {
            name: self._ways_of_counted(table[name], each)
            for name, each in counted(self.ds, element).items()
            if name in table and len(table) == len(each.masks)  # of nobody's deals an element may show no row at all
        }
        return _telling({**self._ways_of_measured(table), **own})

    def _ways_of_counted(self, values: pd.Series, own: Counted) -> list[Way | None]:
        """The ways of what an element has counted by itself, where the rows make the number."""
        asked = Asked((), self.ds.filters.elapsed)
        k = self.parts(own.of, asked.period).k
        sums = [float(np.nansum(k[mask])) / (float(np.nansum(k)) or 1 if own.is_share else 1) for mask in own.masks]
        return [
            Way(own.of, asked, rows=tuple(np.flatnonzero(mask).tolist()), is_share=own.is_share) if np.isclose(made, value) else None
            for made, value, mask in zip(sums, values, own.masks, strict=True)
        ]  # fmt: skip

    def _ways_of_measured(self, table: pd.DataFrame) -> Ways:
        if {"metric", "value"} <= set(table):
            tiles = zip(table["metric"], table["value"], strict=True)
            return {"value": [self._of_tile(str(name), value) for name, value in tiles]}
        names = [str(name) for name in table if name in METRICS]
        if {"deal_id", "lead_id"} & set(table) or not names:
            return {}
        rows = _Rows(table)
        return {name: self._ways(rows, find(name)) for name in names}

    def _of_tile(self, name: str, value: float) -> Way | None:
        return self._ways(_Rows(pd.DataFrame({name: [value]})), find(name))[0] if name in METRICS else None

    def _ways(self, rows: "_Rows", entry: Metric) -> list[Way | None]:
        """The first way of each row that makes its number, and breaks with no other row's that it reaches."""
        wanted = rows.table[entry.name].to_numpy(float)
        found: list[Way | None] = [None] * len(wanted)
        sought = np.full(len(wanted), not gaps(self.ds, [entry])) & ~np.isnan(wanted)
        for asked in ways(self.ds, entry.name):
            is_other = bool(asked.size) and entry.on in MADE_OF  # a plan's months have frames of their own
            groups = self.groups(find(MADE_OF[entry.on]).on if is_other else entry.on, asked)
            if not sought.any() or not groups.is_cut_of(rows.table):
                continue
            places = rows.places(groups)
            there = np.flatnonzero(sought & (places >= 0))
            if len(there) and (
                is_other or np.allclose(groups.values(entry)[places[there]], wanted[there], rtol=1e-9, atol=1e-6)
            ):
                way = self._way(entry, asked)
                for row in there:
                    found[row] = way
                sought &= (places < 0) & (rows.totals | (wanted != 0))
        return found

    def _way(self, entry: Metric, asked: Asked) -> Way:
        other = MADE_OF.get(entry.on)
        way = Way(other or entry.name, asked, is_made_of=other is not None)
        return self._made.setdefault(way, way)  # one for all that are equal: a page has thousands of numbers

    def groups(self, on: str, asked: Asked) -> "_Groups":
        if (on, asked) not in self._groups:
            self._groups[on, asked] = _Groups(self.ds, on, asked)
        return self._groups[on, asked]

    def parts(self, name: str, period: Period) -> Parts:
        """What each row of the metric's frame brings to it."""
        if (name, period) not in self._parts:
            entry = find(name)
            self._parts[name, period] = parts(entry, frames.frame(self.ds, entry.on, period))
        return self._parts[name, period]


def _telling(found: Ways) -> Ways:
    return {name: own for name, own in found.items() if any(own)}


class _Rows:
    """The rows of a table."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.table = table
        self.totals = np.array(_totals(table))
        self._places: dict[_Groups, np.ndarray] = {}

    def places(self, groups: "_Groups") -> np.ndarray:
        """The group of each row; -1 where it has none."""
        if groups not in self._places:
            self._places[groups] = groups.places(self.table)
        return self._places[groups]


def _totals(table: pd.DataFrame) -> list[bool]:
    return table["is_total"].astype(bool).tolist() if "is_total" in table else [False] * len(table)


class _Groups:
    """The rows of a frame, cut as some number was."""

    def __init__(self, ds: Dataset, on: str, asked: Asked) -> None:
        self.ds, self.on, self.asked = ds, on, asked
        self._values: dict[str, np.ndarray] = {}

    @cached_property
    def rows(self) -> Columns:
        return frames.frame(self.ds, self.on, self.asked.period)

    @property
    def is_large(self) -> bool:
        return len(self.rows) > MOST

    def is_cut_of(self, table: pd.DataFrame) -> bool:
        """Whether the table's rows are of these dimensions, and of cuts of a period where these are."""
        is_cut = not self.asked.size or ("start" in table and self.on not in (*STOCKS, *frames.PER_CUT))
        return is_cut and all(_column(table, key) for key in self.asked.keys)

    def places(self, table: pd.DataFrame) -> np.ndarray:
        """The group of each row of the table; -1 where it has none."""
        columns = [_values(table, _column(table, key)) for key in self.asked.keys]
        columns += [_starts(table, self.asked.size)] if self.asked.size else []
        keys = zip(*columns, strict=True) if columns else [()] * len(table)
        return np.array([self._index.get(key, -1) for key in keys], dtype=int)

    def values(self, entry: Metric) -> np.ndarray:
        """The metric of each group."""
        if entry.name not in self._values:
            value = of_groups(entry, self.rows, Groups(self._codes, len(self._index)))
            self._values[entry.name] = np.asarray(
                value.value if isinstance(value, Ratio | Sample) else value, dtype=float
            )
        return self._values[entry.name]

    @cached_property
    def _numbered(self) -> tuple[np.ndarray, dict[Key, int]]:
        """The group of each row of the frame, and which keys it is of."""
        columns = [self.rows[key] for key in self.asked.keys]
        whole = np.zeros(len(self.rows), dtype=int)
        for column in columns:
            whole = whole * max(len(column.categories), 1) + column.codes
        cuts = cut(self.asked.period, self.asked.size) if self.asked.size else []
        if cuts:
            ends = np.array([utc(first_instant(span.end, self.ds.filters.zone)) for span in cuts])
            whole = whole * len(cuts) + ends.searchsorted(self.rows["at"], side="right")
        _unique, first, codes = np.unique(whole, return_index=True, return_inverse=True)
        texts = [np.asarray(column, dtype=object)[first].tolist() for column in columns]
        texts += [[cuts[place].start for place in whole[first] % len(cuts)]] if cuts else []
        keys = zip(*texts, strict=True) if texts else [()] * len(first)
        return codes, {key: number for number, key in enumerate(keys)}

    @property
    def _codes(self) -> np.ndarray:
        return self._numbered[0]

    @property
    def _index(self) -> dict[Key, int]:
        return self._numbered[1]


def _column(table: pd.DataFrame, key: str) -> str:
    """The column of the table that has the values of that dimension; "" where none has."""
    name = key.removesuffix("_id")
    return key if key in table else name if name == "loss_reason" and name in table else ""


def values_of(table: pd.DataFrame, key: str) -> list[str | None]:
    """The value of a dimension in each row of the table; None in a total's, which is of all of them."""
    return _values(table, _column(table, key))


def _values(table: pd.DataFrame, name: str) -> list[str | None]:
    values = zip(table[name].tolist(), _totals(table), strict=True)
    return [
        None if value is None or value != value or (is_total and value == "") else str(value)
        for value, is_total in values
    ]


def _starts(table: pd.DataFrame, size: str) -> list[object]:
    sizes = table["size"].tolist() if "size" in table else [size] * len(table)
    return [start if own == size else None for start, own in zip(table["start"].tolist(), sizes, strict=True)]


def instants(rows: Columns) -> np.ndarray:
    """When what each row tells of happened, else when its deal was created; NaT where nobody knows."""
    return rows["at"] if "at" in rows else rows["created_at"]


def days(ds: Dataset, rows: Columns) -> np.ndarray:
    """The local day on which what each row tells of happened, else its deal was created, since 1970; -1 for none."""
    local = pd.DatetimeIndex(instants(rows), tz="UTC").tz_convert(ds.filters.zone.key).tz_localize(None).to_numpy()
    return np.where(np.isnat(local), -1, local.astype("datetime64[D]").astype(int))


def subjects(ds: Dataset, rows: Columns) -> tuple[np.ndarray, np.ndarray]:
    """For each row the place of its deal in the slice and of its lead among the leads, -1 for none.

    A deal that is not the slice's own is nobody's here: somebody acted on it, and the page may not be about whose it is.
    """
    nothing = np.full(len(rows), -1)
    if "deal_no" in rows:
        deals = pd.Index(ds.slice.deals["deal_no"]).get_indexer(rows["deal_no"])
    else:
        deals = _places(rows["deal_id"], ds.slice.deals["deal_id"]) if "deal_id" in rows else nothing
    return deals, _places(rows["lead_id"], ds.leads["lead_id"]) if "lead_id" in rows else nothing


def _places(ids: pd.Categorical, all_ids: Sequence[str]) -> np.ndarray:
    place = {str(id): number for number, id in enumerate(all_ids)} | {"": -1}
    return per_text(ids, lambda id: place.get(id, -1), int)
