"""What each row brings to a metric: found by asking its body of each row alone, so that no definition is written twice."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from ..errors import MetricError
from ..store.columns import Array, Columns
from .registry import Metric
from .rows import Groups, Number, Ratio, Sample

DRAWN = 24  # rows that are drawn to see how a body makes its number


@dataclass(frozen=True)
class Parts:
    """What each row brings: `k`, and `n` of how many it counts for; the number is made of them in one of WAYS.

    sum: Σ k · ratio: Σ k ÷ Σ n · mean and median: of the k whose n is not 0 · distinct: how many different k, whose n is 1 ·
    none: no row says what it brings, and `n` is 1 where it has any of what the number is made of.
    """

    way: str
    k: np.ndarray
    n: np.ndarray

    @property
    def counts(self) -> np.ndarray:
        """Which rows the number counts."""
        if self.way in ("sum", "ratio"):
            return (np.nan_to_num(self.k) != 0) | (self.n != 0)
        return self.n != 0


WAYS: Mapping[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "sum": lambda k, n: float(np.nansum(k)),
    "ratio": lambda k, n: float(np.divide(k.sum(), n.sum())) if n.sum() else float("nan"),
    "mean": lambda k, n: float(k[n != 0].mean()) if n.any() else float("nan"),
    "median": lambda k, n: float(np.median(k[n != 0])) if n.any() else float("nan"),
    "distinct": lambda k, n: float(len(np.unique(k[n != 0]))),
}
# Which of them may stand behind what a body gives.
OF_KIND = {Ratio: ("ratio",), Sample: ("mean", "median")}


def parts(metric: Metric, rows: Columns) -> Parts:
    """What each of these rows brings to the metric."""
    way = _way(metric, tuple(_kind(rows[field]) for field in metric.fields))
    made = _parts(metric, rows, "sum" if way == "none" else way)
    is_so = _makes(metric, rows, made) if way != "none" else _is_sum_here(metric, rows)
    return made if is_so else _parts(metric, rows, "none")


def _is_sum_here(metric: Metric, rows: Columns) -> bool:
    """Whether a body of which drawn rows tell nothing (it asks whether something is known of all) sums these ones up."""
    if type(metric.of_all(rows)) in OF_KIND or len(rows) < DRAWN:
        return False
    places = np.arange(len(rows))
    halves = [rows.take(places), rows.take(places[::2]), rows.take(places[1::2])]
    return all(
        _makes(metric, half, _parts(metric, half, "sum")) and not np.isnan(metric.of_all(half)) for half in halves
    )


def _kind(column: Array) -> str:
    """What a column is, as far as it tells how to draw another like it."""
    return "text" if isinstance(column, pd.Categorical) else column.dtype.kind


@cache
def _way(metric: Metric, kinds: tuple[str, ...]) -> str:
    """How the body makes its number of rows: seen at rows drawn at random, where no two ways give the same."""
    rng = np.random.default_rng(7)
    fields = {field: _drawn(rng, kind) for field, kind in zip(metric.fields, kinds, strict=True)}
    rows = Columns(DRAWN, fields)
    try:
        return next((way for way in _ways(metric, rows) if _makes(metric, rows, _parts(metric, rows, way))), "none")
    except MetricError:
        return "none"


def _ways(metric: Metric, rows: Columns) -> tuple[str, ...]:
    return OF_KIND.get(type(metric.of_all(rows)), ("sum", "distinct") if len(metric.fields) == 1 else ("sum",))


def _drawn(rng: np.random.Generator, kind: str) -> Array:
    """A column of that kind, some of it missing where it may be."""
    if kind == "text":
        return pd.Categorical.from_codes(rng.integers(-1, 3, DRAWN), categories=["a", "b", "c"])
    if kind == "b":
        return rng.random(DRAWN) < 0.6
    if kind == "M":
        return np.datetime64("2025-01-01") + rng.integers(0, 99, DRAWN).astype("timedelta64[D]")
    if kind in "iu":
        return rng.integers(0, 9, DRAWN)
    return np.where(rng.random(DRAWN) < 0.3, np.nan, rng.normal(50, 20, DRAWN))


def _parts(metric: Metric, rows: Columns, way: str) -> Parts:
    size = len(rows)
    if way == "none":
        return Parts(way, np.zeros(size), _has_any(metric, rows).astype(int))
    if way == "distinct":
        codes, _texts = pd.factorize(rows[metric.fields[0]])
        return Parts(way, codes.astype(float), (codes >= 0).astype(int))
    k, n = _halves(metric.of_each(rows, Groups(np.arange(size), size)), size)
    return Parts(way, k, n)


def _halves(value: Number, size: int) -> tuple[np.ndarray, np.ndarray]:
    """k and n of what a body gives of each row alone; n is 0 where it gives a bare number."""
    if isinstance(value, Ratio):
        return _each(value.k, size), _each(value.n, size)
    if isinstance(value, Sample):
        return _each(value.value, size), _each(value.n, size)
    return _each(value, size), np.zeros(size)


def _each(value: float | np.ndarray, size: int) -> np.ndarray:
    return np.broadcast_to(np.asarray(value, dtype=float), size)


def _has_any(metric: Metric, rows: Columns) -> np.ndarray:
    """Which rows have a value other than 0 in any field that the body reads."""
    return np.any([_says(rows[field]) for field in metric.fields] or [np.zeros(len(rows), dtype=bool)], axis=0)


def _says(column: Array) -> np.ndarray:
    if isinstance(column, pd.Categorical):
        return np.asarray(column != "") & (column.codes >= 0)
    return ~pd.isna(column) & (column != 0) if column.dtype.kind in "biuf" else ~pd.isna(column)


def _makes(metric: Metric, rows: Columns, made: Parts) -> bool:
    """Whether the parts make the number again."""
    if made.way == "none":
        return True
    value = metric.of_all(rows)
    k, n = (float(np.nansum(half)) for half in (made.k, made.n))
    if isinstance(value, Ratio):
        return same(k, value.k) and same(n, value.n)
    if isinstance(value, Sample):
        return same(n, value.n) and same(WAYS[made.way](made.k, made.n), value.value)
    return same(WAYS[made.way](made.k, made.n), value)


def same(one: float | np.ndarray, other: float | np.ndarray) -> bool:
    """Whether two numbers are one, but for the last digits of a sum."""
    return bool(
        np.isclose(float(np.asarray(one).item()), float(np.asarray(other).item()), rtol=1e-9, atol=1e-6, equal_nan=True)
    )
