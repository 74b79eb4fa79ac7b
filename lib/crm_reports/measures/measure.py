"""Metrics by dimension → one row per value, one column per metric.

Every table is measured from rows: a total is computed again, never averaged from parts. What is compared brings
`_previous` and `_change`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MetricError, near
from ..filters import DIMENSIONS as FILTERED
from ..filters import Period
from ..filters.periods import SIZES
from ..metrics import registry
from ..metrics.registry import Metric
from ..metrics.rows import Number
from ..store.columns import ratio
from ..words.texts import _
from . import frames, privacy
from .asked import note
from .cells import (
    NOTHING,
    Cells,
    cells_of,
    change,
    entries_of,
    frames_of,
    gaps,
    gaps_before,
    grid_of,
    of_all,
    plain,
    sureness,
)
from .coverage import explained
from .dataset import Dataset
from .grid import Piece, texts
from .over_time import by_period

DIMENSIONS = (*FILTERED, "customer_kind", "product", "section")  # the last two of product rows alone


def measure(
    ds: Dataset,
    metrics: Sequence[str],
    *,
    by: str | Sequence[str],
    period: Period | None = None,
    total: bool = False,
    compare: bool | str = False,
) -> pd.DataFrame:
    """The metrics for every value of `by`: one or two of DIMENSIONS or of the company's own, or with them a size of period (day, week … year).

    Rows come in the order of the dimension, with its name and id; a value without any row to measure is left out. With
    `total` a last row, `is_total`, is measured over all rows. By default over the elapsed part of the report's period,
    which `compare` sets beside the report's comparison period, or "previous" or "year_ago": `_previous`, `_change`.
    With a size of period every value has a row for every cut: size, period, start, is_running.
    """
    keys, size = _dimensions(ds, [by] if isinstance(by, str) else list(by))
    entries = entries_of(metrics)
    whole = period or ds.filters.elapsed
    if size:
        return by_period(ds, entries, keys, size, whole)
    note(ds, entries, keys, whole)
    if total:
        note(ds, entries, [], whole)
    now = {on: [Piece(frames.frame(ds, on, whole))] for on in frames_of(entries)}
    earlier = _earlier(ds, entries, compare) if compare else {}
    grid = grid_of(ds, entries, keys, {on: [*pieces, *earlier.get(on, [])] for on, pieces in now.items()})
    blank = gaps(ds, entries)
    cells = cells_of(entries, now, grid, blank=blank)
    if earlier:
        cells = _comparison(entries, cells, cells_of(entries, earlier, grid, blank=gaps_before(ds, entries)))
    table = grid.names(cells.codes) | cells.columns | {"is_total": np.zeros(len(cells.codes), dtype=bool)}
    if total:
        last = _total([entry for entry in entries if entry.name not in blank], now, earlier)
        table = {name: _with_last(values, last.get(name, NOTHING)) for name, values in table.items()}
    return pd.DataFrame(table)


def value_of(ds: Dataset, name: str, *, period: Period | None = None) -> Number:
    """One metric over the whole slice, as a number, Ratio or Sample; missing where the source lacks what it needs."""
    entry = entries_of([name])[0]
    if gaps(ds, [entry]):
        return NOTHING
    note(ds, [entry], [], period or ds.filters.elapsed)
    return of_all(entry, frames.frame(ds, entry.on, period or ds.filters.elapsed))


def medians(
    ds: Dataset,
    metrics: Sequence[str],
    *,
    among: Callable[[pd.DataFrame], pd.Series],
    by: str = "",
    period: Period | None = None,
) -> pd.DataFrame:
    """The middle of the managers' own numbers, whomever the page is about: one row, or one per value of `by`, under its id.

    `among` says which rows of the managers' table count. Missing where fewer people have the number than may be told of.
    """
    table = measure(ds.everybody, metrics, by=[by, "manager"] if by else "manager", period=period)
    table = table[among(table) & (table["manager_id"] != "")]
    cut = table.groupby(f"{by}_id") if by else table.groupby("is_total")
    return cut[list(metrics)].agg(privacy.middle)


def missing(ds: Dataset, *metrics: str) -> str:
    """Why an element of these metrics has nothing to show: a sentence per thing lacking, "" when one can be had."""
    things = [entry.asks & set(ds.lacks) for entry in map(registry.find, metrics)]
    if not all(things):
        return ""
    return explained(ds.lacks, set().union(*things))


def _dimensions(ds: Dataset, by: list[str]) -> tuple[list[str], str]:
    """The keys to group by, and the size of period among them ("" for none)."""
    dimensions = (*DIMENSIONS, *(own.name for own in ds.names.own if own.is_dimension), *SIZES)
    for name in by:
        if name not in dimensions:
            close = ", ".join(near(name, dimensions) or dimensions)
            raise MetricError(_("no dimension called {name!r}; near: {close}", name=name, close=close))
    sizes = [name for name in by if name in SIZES]
    if len(sizes) > 1:
        raise MetricError(_("a period can have one size at a time; not {sizes}", sizes=", ".join(sizes)))
    return [f"{name}_id" for name in by if name not in SIZES], "".join(sizes)


def _earlier(ds: Dataset, entries: Sequence[Metric], compare: bool | str) -> dict[str, list[Piece]]:
    """What the metrics of the period to compare with are measured from; none where there is no such period."""
    other = ds if compare is True else replace(ds, filters=replace(ds.filters, comparison=str(compare)))
    if other.filters.previous is None:
        return {}
    return {on: [Piece(frames.frame_before(other, on))] for on in frames_of(entries)}


def _comparison(entries: Sequence[Metric], now: Cells, earlier: Cells) -> Cells:
    """Now and before, with what changed; a value that only one of them has is there too."""
    codes = np.union1d(now.codes, earlier.codes)
    values_now, values_before = now.on(codes).columns, earlier.on(codes).columns
    names = [entry.name for entry in entries]
    bases = {name: np.where(values_before[name] > 0, values_before[name], NOTHING) for name in names}
    changes = {f"{name}_change": ratio(values_now[name], bases[name]) - 1 for name in names}
    return Cells(codes, values_now | {f"{name}_previous": values_before[name] for name in names} | changes)


def _total(
    entries: Sequence[Metric], now: Mapping[str, Sequence[Piece]], earlier: Mapping[str, Sequence[Piece]]
) -> dict[str, Any]:
    """The last row of a table, measured over all rows."""
    row: dict[str, Any] = {"is_total": True}
    for entry in entries:
        name, value = entry.name, of_all(entry, now[entry.on][0].rows)
        number = plain(value)
        row[name] = int(number) if entry.unit == "count" and number.is_integer() else number
        row |= {f"{name}_{end}": cell for end, cell in sureness(value).items()}
        if earlier:
            before = plain(of_all(entry, earlier[entry.on][0].rows))
            row |= {f"{name}_previous": before, f"{name}_change": change(plain(value), before)}
    return row


def _with_last(values: np.ndarray | pd.Series, last: object) -> np.ndarray | pd.Series:
    """The values and one more, of the same kind where it fits."""
    if isinstance(values, pd.Series) or (values.dtype == bool and not isinstance(last, bool)):
        return texts([*values, last])
    return np.append(values, last)
