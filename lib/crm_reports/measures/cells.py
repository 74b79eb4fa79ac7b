"""The cells of a table: each metric in each row of a grid.

A share brings its k, n and Wilson interval, a mean or median its n; by manager a share also says whether it differs from
the team.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from ..errors import MetricError
from ..metrics import registry
from ..metrics.registry import STOCKS, Metric
from ..metrics.rows import Groups, Number, Ratio, Sample, join
from ..metrics.statistics import differs, interval
from ..store.columns import Columns
from ..words import context
from ..words.texts import _
from .dataset import Dataset
from .grid import Grid, Piece

Pieces = Mapping[str, Sequence[Piece]]  # per frame, what is measured
NOTHING = float("nan")


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


def spread(values: np.ndarray, codes: np.ndarray, rows: np.ndarray, nothing: object) -> np.ndarray:
    """The values, which stand in the rows `codes`, in the wanted rows; `nothing` where there is none."""
    target = np.full(len(rows), nothing, dtype=values.dtype)
    target[np.searchsorted(rows, codes)] = values
    return target


def entries_of(metrics: str | Sequence[str]) -> list[Metric]:
    """The metrics of these names, or of one; the report being made remembers that they were asked for."""
    entries = [registry.find(name) for name in ([metrics] if isinstance(metrics, str) else metrics)]
    names = context.current().metrics
    context.use(metrics=tuple(dict.fromkeys([*names, *(entry.name for entry in entries)])))
    return entries


def frames_of(entries: Sequence[Metric]) -> list[str]:
    """The frames that the metrics are measured on, each once."""
    return list(dict.fromkeys(entry.on for entry in entries))


# ── What the source lacks ────────────────────────────────────────────────────────────────────────────────────────────


def gaps(ds: Dataset, entries: Sequence[Metric]) -> set[str]:
    """The metrics that the source can't give."""
    return {entry.name for entry in entries if entry.asks & set(ds.lacks)}


def gaps_before(ds: Dataset, entries: Sequence[Metric]) -> set[str]:
    """Those that it can't give of the past: a stock of any other day needs to know when deals came and went."""
    is_dated = not {"created_at", "closing"} & set(ds.lacks)
    return gaps(ds, entries) | {entry.name for entry in entries if entry.on in STOCKS and not is_dated}


def gaps_of_days(ds: Dataset, entries: Sequence[Metric]) -> set[str]:
    """Those that it can't give of any day: of deals that stand somehow today nobody looks for those that stood so then."""
    stocks = {entry.name for entry in entries if entry.on in STOCKS} if ds.filters.is_about_standing else set()
    return gaps_before(ds, entries) | stocks


# ── One number ───────────────────────────────────────────────────────────────────────────────────────────────────────


def of_all(entry: Metric, rows: Columns) -> Number:
    """The metric over all these rows."""
    value = entry.of_all(rows)
    return _part(value, value) if entry.is_part else value


def _part(value: float | np.ndarray, whole: float) -> Number:
    """The share of the whole; of a count it is k of n, of money no number of cases stands behind it.

    Refunds may leave nothing of the whole, or less: then there are no shares of it.
    """
    if np.issubdtype(np.asarray(value).dtype, np.integer):
        return Ratio(value, value * 0 + whole)
    return value / (whole if whole > 0 else NOTHING)


def plain(value: Number) -> float:
    """The number itself, without its k and n."""
    return float(value.value if isinstance(value, Ratio | Sample) else value)


def sureness(value: Number) -> dict[str, float]:
    """k, n and the ends of the interval of a share, n of a mean; missing for any other number."""
    cells = dict.fromkeys(("k", "n", "low", "high"), NOTHING)
    if isinstance(value, Sample):
        return cells | {"n": value.n}
    if not isinstance(value, Ratio):
        return cells
    low, high = interval(np.array([value.k]), np.array([value.n]))
    return {"k": value.k, "n": value.n, "low": low[0], "high": high[0]}


def change(value: float, before: float) -> float:
    """By what share the number changed; missing when there was nothing before, or less."""
    return value / before - 1 if before > 0 else NOTHING


# ── A table of them ──────────────────────────────────────────────────────────────────────────────────────────────────


def grid_of(ds: Dataset, entries: Sequence[Metric], keys: Sequence[str], pieces: Pieces, cuts: int = 1) -> Grid:
    """The grid of these dimensions for these rows; a metric whose rows have no such dimension is refused."""
    for entry in entries:
        for key in keys:
            if key not in pieces[entry.on][0].rows:
                dimension = key.removesuffix("_id")
                raise MetricError(
                    _(
                        "metric {name!r} can't be cut by {dimension!r}: its rows have none",
                        name=entry.name,
                        dimension=dimension,
                    )
                )
    return Grid.of(ds.names, keys, [piece for frame in pieces.values() for piece in frame], cuts)


def cells_of(entries: Sequence[Metric], pieces: Pieces, grid: Grid, *, blank: set[str]) -> Cells:
    """The metrics in every row of the grid that has anything to measure; those of `blank` are missing."""
    if not pieces:
        return Cells(np.zeros(0, dtype=int), {})
    parts = {on: [(piece.rows, *grid.group(piece)) for piece in frame] for on, frame in pieces.items()}
    rows_of = {on: np.concatenate([codes for _rows, codes, _groups in frame]) for on, frame in parts.items()}
    codes = np.unique(np.concatenate(list(rows_of.values())))
    columns, nothing = {}, {}
    for entry in entries:
        value = join([of_groups(entry, rows, groups) for rows, _codes, groups in parts[entry.on]])
        for name, (values, none) in _columns(entry, value).items():
            columns[name], nothing[name] = spread(values, rows_of[entry.on], codes, none), none
    is_team = [order.key for order in grid.orders] == ["manager_id"] and grid.cuts == 1
    more = _judgements(entries, columns, is_team=is_team)
    columns |= more
    nothing |= {name: False if name.endswith("_differs") else NOTHING for name in more}
    order = [entry.name + end for entry in entries for end in ("", *registry.SUFFIXES)]
    void = {name + end for name in blank for end in ("", *registry.SUFFIXES)}
    return Cells(
        codes,
        {name: np.full(len(codes), NOTHING) if name in void else columns[name] for name in order if name in columns},
        {name: NOTHING if name in void else none for name, none in nothing.items()},
    )


def of_groups(entry: Metric, rows: Columns, groups: Groups) -> Number:
    """The metric over each of these groups."""
    value = entry.of_each(rows, groups)
    return _part(value, entry.of_all(rows)) if entry.is_part else value


def _columns(entry: Metric, value: Number) -> dict[str, tuple[np.ndarray, object]]:
    """The columns of a metric, each with what it says of nothing: 0 for a sum, missing for a mean."""
    name = entry.name
    if isinstance(value, Ratio | Sample):
        counts = ("k", "n") if isinstance(value, Ratio) else ("n",)
        return {name: (value.value, NOTHING)} | {f"{name}_{n}": (getattr(value, n).astype("int64"), 0) for n in counts}
    nothing = of_nothing(entry)
    if entry.unit == "count" and is_whole(np.append(value, nothing)):
        return {name: (value.astype("int64"), int(nothing))}
    return {name: (value.astype(float), nothing)}


def is_whole(values: np.ndarray) -> bool:
    """Whether all of them are whole numbers, none missing."""
    return bool((np.isfinite(values) & (np.mod(values, 1) == 0)).all())


@cache
def of_nothing(entry: Metric) -> float:
    """What the metric says of no rows at all: 0 for a sum, missing for a mean."""
    return plain(entry.of_all(Columns(0, dict.fromkeys(entry.fields, np.zeros(0)))))


def _judgements(
    entries: Sequence[Metric], columns: Mapping[str, np.ndarray], *, is_team: bool
) -> dict[str, np.ndarray]:
    """The interval of each share and, where managers are compared, whether somebody differs from the team."""
    shares = [entry for entry in entries if f"{entry.name}_k" in columns]
    if not shares:
        return {}
    k, n = (np.concatenate([columns[f"{entry.name}_{half}"] for entry in shares]) for half in ("k", "n"))
    more = {}
    for end, values in zip(("low", "high"), interval(k, n), strict=True):
        more |= {f"{entry.name}_{end}": part for entry, part in zip(shares, np.split(values, len(shares)), strict=True)}
    for name in [entry.name for entry in shares if is_team and not entry.is_part]:
        more[f"{name}_differs"] = differs(columns[f"{name}_k"], columns[f"{name}_n"])
    return more
