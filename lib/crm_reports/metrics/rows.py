"""What a metric's body is given: `Rows` of fields, whole or cut into groups, and the words that it may say of them.

A body is written as for a DataFrame of the rows that are measured: `rows["won_money"][rows["cycle_days"] < 30].sum()`. Cut
into groups it gives for each group what it gives of that group's rows alone. A field is the pandas column of all rows, so
whatever is worked out row by row is pandas' own; what sums rows up is asked once for all groups.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.mixins import NDArrayOperatorsMixin

from ..errors import MetricError, near
from ..store.columns import Array, Columns, ratio
from ..words.texts import _

ROW_BY_ROW = ("abs", "between", "clip", "fillna", "isin", "isna", "mask", "notna", "round", "where")
SUMMARIES = ("all", "any", "count", "max", "mean", "median", "min", "nunique", "quantile", "std", "sum", "var")
OF_NOTHING = {"all": True, "any": False, "nunique": 0}  # what pandas says of no rows; of all else: missing
DIVISIONS = (np.true_divide, np.floor_divide, np.remainder)


@dataclass(frozen=True)
class Ratio:
    """k of n; each a number, or one number per group. Over nothing it is missing, never 0."""

    k: float | np.ndarray
    n: float | np.ndarray

    @property
    def value(self) -> float | np.ndarray:
        return ratio(self.k, self.n)


@dataclass(frozen=True)
class Sample:
    """A mean or a median, and of how many cases it is; each a number, or one number per group."""

    value: float | np.ndarray
    n: float | np.ndarray


Number = float | np.ndarray | Ratio | Sample
Body = Callable[["Rows"], Number]


@dataclass(frozen=True, eq=False)
class Groups:
    """To which of `count` groups each row belongs."""

    codes: np.ndarray
    count: int

    def sums(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.codes, weights=values, minlength=self.count)

    def sizes(self, mask: np.ndarray) -> np.ndarray:
        """How many of these rows each group has."""
        return np.bincount(self.codes[mask], minlength=self.count)

    def take(self, places: np.ndarray) -> "Groups":
        return Groups(self.codes[places], self.count)


class _NotTogether(Exception):
    """The body asks for something that no single answer for all groups can be: it is run group by group."""


def evaluate(body: Body, columns: Columns, groups: Groups | None = None) -> Number:
    """What the body says of all rows, as plain numbers; with `groups`, arrays with a number per group."""
    try:
        answer = body(Rows(columns, groups))
    except _NotTogether:
        return _one_by_one(body, columns, groups)
    except ZeroDivisionError:  # of two lengths, which are plain numbers
        answer = float("nan")
    return by_half(answer, lambda number: _bare(number, groups))


def by_half(number: Any, change: Callable[[Any], Any]) -> Any:
    """The number changed; of a Ratio or a Sample each half of it."""
    return type(number)(*map(change, _halves(number))) if isinstance(number, Ratio | Sample) else change(number)


def join(numbers: Sequence[Number]) -> Number:
    """The numbers of several parts as one, part after part."""
    if isinstance(numbers[0], Ratio | Sample):
        return type(numbers[0])(*map(np.hstack, zip(*map(_halves, numbers), strict=True)))
    return np.hstack(numbers)


def _halves(number: Ratio | Sample) -> Iterable[Any]:
    """The two halves as they are: dataclasses.astuple would copy every array in them."""
    return vars(number).values()


def _bare(number: Any, groups: Groups | None) -> Any:
    if not isinstance(number, Numbers | int | float | np.number | np.bool):
        raise MetricError(
            _("a metric's body gives a number, a Ratio or a Sample, not {type}", type=type(number).__name__)
        )
    values = number.values if isinstance(number, Numbers) else np.full(groups.count if groups else 1, number)
    return values if groups else values[0].item()


def _one_by_one(body: Body, columns: Columns, groups: Groups) -> Number:
    order = np.argsort(groups.codes, kind="stable")
    ends = np.cumsum(np.bincount(groups.codes, minlength=groups.count))[:-1]
    # No group is one part without rows: it is asked for the kind of answer alone.
    answers = [evaluate(body, columns.take(places)) for places in np.split(order, ends)]
    return by_half(join(answers), lambda numbers: numbers[: groups.count])


def fields_of(body: Body) -> tuple[str, ...]:
    """The fields that the body reads: found by running it once over no rows at all."""
    columns = _Recorder()
    evaluate(body, columns)
    return tuple(columns.names)


class _Recorder(Columns):
    """No rows, any field, and a note of each that was asked for."""

    def __init__(self) -> None:
        super().__init__(0, {})
        self.names: dict[str, None] = {}

    def __getitem__(self, name: str) -> Array:
        self.names[name] = None
        return np.zeros(0)

    def __contains__(self, name: object) -> bool:
        return True


class Rows:
    """The rows that a metric is measured from: `rows["won_money"]` is a field, `rows[mask]` are some of the rows."""

    def __init__(self, columns: Columns, groups: Groups | None = None, places: np.ndarray | None = None) -> None:
        self._columns, self.groups, self._places = columns, groups, places

    def __getitem__(self, name: "str | Field") -> Any:
        if isinstance(name, Field):
            return self._select(name)
        if name not in self._columns:
            fields = [field for field in self._columns.names() if isinstance(field, str)]
            close = ", ".join(near(name, fields) or fields)
            raise MetricError(_("the rows have no field {name!r}; near: {close}", name=name, close=close))
        whole = self._columns[name]
        return Field(whole if self._places is None else whole[self._places], self.groups, self._places)

    def _select(self, mask: "Field") -> "Rows":
        rows = mask.rows_of_mask(self._places)
        groups = self.groups and self.groups.take(rows)
        return Rows(self._columns, groups, rows if self._places is None else self._places[rows])

    def __len__(self) -> int:
        if self.groups is not None:
            raise _NotTogether
        return len(self._columns) if self._places is None else len(self._places)


class _Reckoning(NDArrayOperatorsMixin):
    """What can be reckoned and compared with, and asked the words of ROW_BY_ROW; not whether it is true."""

    def __bool__(self) -> bool:
        raise MetricError(
            _("a metric's body can't ask whether a number is so; write .where(condition, other) instead of `if`")
        )

    def __round__(self, digits: int = 0) -> Any:
        return self.round(digits)

    def __iter__(self) -> Any:
        raise MetricError(
            _("a field can't be gone through row by row; its words are {words}", words=", ".join(SUMMARIES))
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        words = (*ROW_BY_ROW, *SUMMARIES)
        if name not in ROW_BY_ROW:
            close = ", ".join(near(name, words) or words)
            raise MetricError(_("a metric's body can't say .{name}; near: {close}", name=name, close=close))
        return lambda *args, **kwargs: self._row_by_row(name, args, kwargs)


class Numbers(_Reckoning):
    """One number per group, or one of all rows. What is divided by nothing is missing."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.asarray(values)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__" or any(isinstance(arg, Field) for arg in args):
            return NotImplemented
        plain = [arg.values if isinstance(arg, Numbers) else arg for arg in args]
        with np.errstate(all="ignore"):
            values = ufunc(*plain, **kwargs)
        return Numbers(np.where(np.equal(plain[1], 0), np.nan, values) if ufunc in DIVISIONS else values)

    def _row_by_row(self, word: str, args: tuple, kwargs: Mapping[str, Any]) -> "Numbers":
        plain = [pd.Series(arg.values) if isinstance(arg, Numbers) else arg for arg in args]
        return Numbers(getattr(pd.Series(self.values), word)(*plain, **kwargs).to_numpy())


class Field(_Reckoning):
    """One field of `Rows`, or what was worked out of fields row by row."""

    def __init__(self, array: Array, groups: Groups | None = None, places: np.ndarray | None = None) -> None:
        self.array, self.groups, self._places = array, groups, places

    def __len__(self) -> int:
        if self.groups is not None:
            raise _NotTogether
        return len(self.array)

    def __getitem__(self, mask: "Field") -> "Field":
        if not isinstance(mask, Field):
            raise MetricError(_("rows are taken by a condition, such as rows['cycle_days'] < 30"))
        rows = mask.rows_of_mask(self._places)
        places = rows if self._places is None else self._places[rows]
        return Field(self.array[rows], self.groups and self.groups.take(rows), places)

    def rows_of_mask(self, places: np.ndarray | None) -> np.ndarray:
        """The places that it keeps among rows which are at `places` themselves."""
        if not _same(self._places, places):
            raise MetricError(_("a condition and the field that it is asked of must be of the same rows"))
        return np.flatnonzero(np.asarray(self.array, dtype=bool))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            return NotImplemented
        with np.errstate(all="ignore"):
            return self._with(ufunc(*map(self._column_of, args), **kwargs))

    def _row_by_row(self, word: str, args: tuple, kwargs: Mapping[str, Any]) -> "Field":
        kwargs = {name: self._column_of(value) for name, value in kwargs.items()}
        return self._with(getattr(self._column, word)(*map(self._column_of, args), **kwargs))

    def _with(self, column: pd.Series) -> "Field":
        return Field(
            column.array if isinstance(column.dtype, pd.CategoricalDtype) else column.to_numpy(),
            self.groups,
            self._places,
        )

    def _column_of(self, value: Any) -> Any:
        """The other side of a reckoning as a column of the same rows: a number of a group stands in each of its rows."""
        if isinstance(value, Numbers):
            return pd.Series(
                value.values[self.groups.codes] if self.groups else np.repeat(value.values, len(self.array))
            )
        if isinstance(value, Field):
            if not _same(self._places, value._places):
                raise MetricError(
                    _("fields that are reckoned with must be of the same rows: take both by the same condition")
                )
            return value._column
        return value

    @cached_property
    def _column(self) -> pd.Series:
        return pd.Series(self.array)

    # ── Summaries: of no rows, sums and counts are 0, any is False, all is True, the rest is missing ──

    def sum(self) -> Numbers:
        """The sum of those that have a value."""
        whole, has_value = self.array.dtype.kind in "biu", self._has_value
        values = self.array if whole or has_value.all() else np.where(has_value, self.array, 0.0)
        if self.groups is None:
            return Numbers([values.sum()])
        if values.dtype == bool:
            return Numbers(self.groups.sizes(values))
        sums = self.groups.sums(values)
        return Numbers(sums.astype("int64") if whole else sums)

    def count(self) -> Numbers:
        """How many have a value."""
        return Numbers([self._has_value.sum()] if self.groups is None else self.groups.sizes(self._has_value))

    def mean(self) -> Numbers:
        """The mean of those that have a value."""
        return self.sum() / self.count()

    @cached_property
    def _has_value(self) -> np.ndarray:
        return ~pd.isna(self.array)

    def _summary(self, word: str, args: tuple, kwargs: Mapping[str, Any]) -> Numbers:
        column = self._column
        if column.dtype == bool and word not in OF_NOTHING:
            column = column.astype(float)
        if self.groups is None:
            return Numbers([getattr(column, word)(*args, **kwargs)])
        numbers = getattr(column.groupby(self.groups.codes), word)(*args, **kwargs)
        return Numbers(numbers.reindex(range(self.groups.count), fill_value=OF_NOTHING.get(word, np.nan)).to_numpy())


def _same(places: np.ndarray | None, other_places: np.ndarray | None) -> bool:
    return places is other_places or (
        places is not None and other_places is not None and np.array_equal(places, other_places)
    )


def _summary_word(word: str) -> Callable[..., Numbers]:
    def summary(field: Field, *args: Any, **kwargs: Any) -> Numbers:
        return field._summary(word, args, kwargs)

    summary.__name__, summary.__doc__ = word, f"pandas' own {word}, of all rows or of each group."
    return summary


for _word in set(SUMMARIES) - set(vars(Field)):
    setattr(Field, _word, _summary_word(_word))
