"""Metrics by dimension and by period → one row per value, one column per metric.

Every table is measured from rows: a total is computed again, never averaged from parts. A share brings its k, n and
Wilson interval, a mean or median its n; by manager a share also says whether it differs from the team; what is compared
brings `_previous` and `_change`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..errors import MetricError, near
from ..filters import DIMENSIONS as FILTERED
from ..filters import Period, first_instant, year_before
from ..metrics import registry
from ..metrics.registry import STOCKS, Metric
from ..metrics.rows import Groups, Number, Ratio, Sample
from ..metrics.statistics import differs, interval, places, rank_correlation, spearman
from ..store.columns import Columns, ratio
from ..words import context
from ..words.texts import _, language
from . import frames, privacy
from .dataset import Dataset
from .grid import Cells, Grid, Order, spread, texts
from .names import looked_up
from .slices import utc

DIMENSIONS = (*FILTERED, "stage", "loss_reason", "customer_kind")
SIZES = ("week", "month", "quarter", "year")
ALIASES = {"day": "D", "week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
LABELS = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "quarter": "%Y-Q{quarter}", "year": "%Y"}


def measure(
    ds: Dataset,
    metrics: Sequence[str],
    *,
    by: str | Sequence[str],
    period: Period | None = None,
    total: bool = False,
    compare: bool | str = False,
) -> pd.DataFrame:
    """The metrics for every value of `by`: one or two of DIMENSIONS, or with them a size of period (day, week … year).

    Rows come in the order of the dimension, with its name and id; a value without any row to measure is left out. With
    `total` a last row, `is_total`, is measured over all rows. By default over the elapsed part of the report's period,
    which `compare` sets beside the report's comparison period, or "previous" or "year_ago": `_previous`, `_change`.
    With a size of period every value has a row for every cut: size, period, start, is_running.
    """
    keys, size = _dimensions([by] if isinstance(by, str) else list(by))
    entries = _entries(ds, metrics)
    whole = period or ds.filters.elapsed
    if size:
        return _by_period(ds, entries, keys, size, whole)
    rows = _rows(ds, entries, whole)
    earlier = _earlier_rows(ds, entries, compare) if compare else {}
    _can_be_cut(entries, rows, keys)
    grid = Grid.of([_order(ds, key) for key in keys], [*rows.values(), *earlier.values()])
    now, then = (
        _cells(entries, each, grid, blank=lost(ds, entries)) for each, lost in ((rows, _lost), (earlier, _lost_before))
    )
    cells = _beside(entries, now, then, grid) if earlier else now
    names = grid.names(cells.codes)
    shown = names | cells.columns | {"is_total": np.zeros(len(cells.codes), dtype=bool)}
    return pd.DataFrame(_with_total(shown, entries, rows, earlier, _lost(ds, entries)) if total else shown)


def _can_be_cut(entries: Sequence[Metric], rows: Mapping[str, Columns], keys: Sequence[str]) -> None:
    for entry in entries:
        for key in keys:
            if key not in rows[entry.on]:
                dimension = key.removesuffix("_id")
                raise MetricError(f"metric {entry.name!r} can't be cut by {dimension!r}: its rows have none")


def _rows(ds: Dataset, entries: Sequence[Metric], period: Period) -> dict[str, Columns]:
    """What the metrics are measured from, each frame once."""
    return {on: frames.frame(ds, on, period) for on in dict.fromkeys(entry.on for entry in entries)}


def _earlier_rows(ds: Dataset, entries: Sequence[Metric], compare: bool | str) -> dict[str, Columns]:
    """The same frames of the period to compare with, stocks as of the instant before; none where there is nothing."""
    then = ds if compare is True else replace(ds, filters=replace(ds.filters, comparison=str(compare)))
    before = then.filters.previous
    if before is None:
        return {}
    wanted = dict.fromkeys(entry.on for entry in entries)
    return {on: frames.frame(then.before if on in STOCKS else then, on, before) for on in wanted}


def _beside(entries: Sequence[Metric], now: "Cells", before: "Cells", grid: "Grid") -> "Cells":
    """Now and before, with what changed; a value that only one of them has is there too."""
    codes = np.union1d(now.codes, before.codes)
    table, then = now.on(codes), before.on(codes).columns
    names = [entry.name for entry in entries]
    changes = {f"{name}_change": ratio(table.columns[name], _or_missing(then[name])) - 1 for name in names}
    return Cells(codes, table.columns | {f"{name}_previous": then[name] for name in names} | changes)


def _or_missing(values: np.ndarray) -> np.ndarray:
    """The values, none where they are not positive: there is nothing to compare with."""
    return np.where(values > 0, values, np.nan)


def _by_period(ds: Dataset, entries: Sequence[Metric], keys: list[str], size: str, whole: Period) -> pd.DataFrame:
    """One row per value and cut of the period."""
    cuts = cut(_since_known(ds, whole), size)
    rows = {on: _cut_rows(ds, on, cuts) for on in _cuttable(entries)}
    pieces = {on: [piece for piece, _cut in found] for on, found in rows.items()}
    _can_be_cut(entries, {on: found[0] for on, found in pieces.items()}, keys)
    grid = Grid.of([_order(ds, key) for key in keys], list(chain(*pieces.values())), len(cuts))
    cells = _cells(entries, rows, grid, blank=_lost_before(ds, entries))
    every = grid.product(cells.codes) if keys else np.arange(len(cuts))
    columns = _labels(ds, cuts, size, every % max(1, len(cuts))) | cells.on(every).columns
    return pd.DataFrame(grid.names(every) | columns)


def _labels(ds: Dataset, cuts: Sequence[Period], size: str, places: np.ndarray) -> dict[str, object]:
    """What the cut at each place is called: size, period, start, is_running."""
    running = np.array([_runs_on(ds, each, size) for each in cuts], dtype=bool)
    return {
        "size": texts([size] * len(places)),
        "period": texts([label(cuts[at].start, size) for at in places]),
        "start": texts([cuts[at].start for at in places]),
        "is_running": running[places] if len(cuts) else np.zeros(0, dtype=bool),
    }


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


def one(ds: Dataset, name: str, *, period: Period | None = None) -> Number:
    """One metric over the whole slice, as a number, Ratio or Sample; missing where the source lacks what it needs."""
    entry = _entries(ds, [name])[0]
    if set(entry.needs) & set(ds.lacks):
        return float("nan")
    return _all_of(entry, frames.frame(ds, entry.on, period or ds.filters.elapsed))


def tiles(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """One row per metric: metric, value, previous, change, k, n, low, high, spark (the last periods), note (empty)."""
    before = ds.filters.previous
    trend = _trend(ds, metrics)
    rows = [_tile(ds, entry, before, trend) for entry in _entries(ds, metrics)]
    return pd.DataFrame(rows, columns=TILE)


TILE = ["metric", "value", "previous", "change", "k", "n", "low", "high", "may_be_chance", "spark", "note"]


def _tile(ds: Dataset, entry: Metric, before: Period | None, trend: Mapping[str, np.ndarray]) -> dict[str, object]:
    if set(entry.needs) & set(ds.lacks):
        return {"metric": entry.name, "spark": [], "note": _("no data")}
    value = _all_of(entry, frames.frame(ds, entry.on, ds.filters.elapsed))
    then = _before(ds, entry, before) if before else float("nan")
    earlier = _plain(then)
    sure = _ratio_cells(value)
    spark = trend[entry.name].tolist() if entry.name in trend else []
    return {
        "metric": entry.name, "value": _plain(value), "previous": earlier,
        "change": _change(_plain(value), earlier), **sure, "may_be_chance": _may_be_chance(entry, value, then), "spark": spark,
        "note": "",
    }  # fmt: skip


def _may_be_chance(entry: Metric, now: Number, then: Number) -> bool:
    """Whether chance alone would often change the number so: Fisher's test of a share, Poisson's spread of a count of events.

    A stock is what it is; of a sum or a mean nothing is said.
    """
    if isinstance(now, Ratio) and isinstance(then, Ratio):
        k, n = (np.array([getattr(each, half) for each in (now, then)], dtype=float) for half in ("k", "n"))
        return bool((k <= n).all() and (n > 0).all() and not differs(k, n).any())
    if entry.unit != "count" or entry.on in STOCKS or isinstance(now, Ratio | Sample):
        return False
    before, after = float(_plain(then)), float(_plain(now))
    return abs(after - before) <= 1.96 * (after + before) ** 0.5


def moved(ds: Dataset, name: str) -> dict[str, object]:
    """One metric beside the period before: value, previous, change, k, n, low, high."""
    return _tile(ds, _entries(ds, [name])[0], ds.filters.previous, {})


def _before(ds: Dataset, entry: Metric, before: Period) -> Number:
    """The number to compare with: a flow of the period before, a stock at the instant before."""
    if _lost_before(ds, [entry]):
        return float("nan")
    if entry.on in STOCKS:
        return _all_of(entry, frames.frame(ds.before, entry.on, before))
    return _all_of(entry, frames.frame(ds, entry.on, before))


def over_time(
    ds: Dataset, metrics: Sequence[str], *, period: Period | None = None, year_ago: bool = False
) -> pd.DataFrame:
    """The metrics by week, month, quarter and year of the period: size, period, start, is_running, values, `_previous`.

    A cut at the period's edge holds only the period's own days. `_previous` is the same cut of the comparison period,
    or with `year_ago` the same days a year earlier. A stock is the one at the end of the cut. A period without a beginning starts with the slice's first row.
    """
    whole = _since_known(ds, period or ds.filters.elapsed)
    entries = _entries(ds, metrics)
    return pd.concat([_by_size(ds, entries, size, whole, year_ago) for size in SIZES], ignore_index=True)


def _by_size(ds: Dataset, entries: Sequence[Metric], size: str, whole: Period, year_ago: bool) -> pd.DataFrame:
    cuts = cut(whole, size)
    if year_ago:
        return _labelled(ds, entries, cuts, size, _year_earlier(cuts))
    compared = ds.filters.previous and whole == ds.filters.elapsed
    return _labelled(ds, entries, cuts, size, _shifted(ds, cuts) if compared else ())


def _since_known(ds: Dataset, whole: Period) -> Period:
    """The period; when it has no beginning, from the first day on which anything of the slice was counted."""
    if not whole.is_open:
        return whole
    return Period(max(whole.start, min(ds.first_day or whole.end, whole.end)), whole.end)


def _labelled(
    ds: Dataset, entries: Sequence[Metric], cuts: Sequence[Period], size: str, before: Sequence[Period]
) -> pd.DataFrame:
    """A row per cut, with the metrics' own numbers over the cuts `before` as `<name>_previous`, if there are any."""
    earlier = _over(ds, entries, before) if before else {}
    previous = {f"{entry.name}_previous": earlier[entry.name] for entry in entries if earlier}
    return pd.DataFrame(_labels(ds, cuts, size, np.arange(len(cuts))) | _over(ds, entries, cuts) | previous)


def twelve_months(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """The twelve months up to the period's end, each beside the same days a year earlier: `over_time` by month."""
    entries = _entries(ds, metrics)
    cuts = _last_months(ds.filters.elapsed.end)
    return _labelled(ds, entries, cuts, "month", _year_earlier(cuts))


def _year_earlier(cuts: Sequence[Period]) -> list[Period]:
    if not cuts:
        return []
    return _between([year_before(each.start) for each in cuts], year_before(cuts[-1].end, is_end=True))


def _last_months(end: date, count: int = 12) -> list[Period]:
    months = pd.period_range(end=pd.Timestamp(end - timedelta(days=1)), periods=count, freq="M")
    return cut(Period(months[0].start_time.date(), end), "month")


def cut(whole: Period, size: str) -> list[Period]:
    """The period in whole weeks, months, quarters or years, its edges cut to its own days."""
    if not whole.days:
        return []
    days = pd.period_range(whole.start, whole.last_day, freq=ALIASES[size])
    return _between([whole.start, *[day.start_time.date() for day in days[1:]]], whole.end)


def _between(starts: Sequence[date], end: date) -> list[Period]:
    """Periods without a gap, the last up to `end`."""
    return [Period(start, max(start, after)) for start, after in pairwise([*starts, end])]


def label(start: date, size: str) -> str:
    """What the cut that holds `start` is called: 2017-W09, 2017-03, 2017-Q1, 2017."""
    return start.strftime(LABELS[size]).format(quarter=(start.month + 2) // 3)


def _runs_on(ds: Dataset, each: Period, size: str) -> bool:
    """Whether days of that week, month … are still to come at as_of."""
    full = pd.Timestamp(each.start).to_period(ALIASES[size]).end_time.date() + timedelta(days=1)
    return _today(ds) <= each.end < full


def _today(ds: Dataset) -> date:
    return ds.filters.as_of.astimezone(ds.filters.zone).date()


def _shifted(ds: Dataset, cuts: Sequence[Period]) -> list[Period]:
    """The same cuts of the comparison period: all of it and no day more, so that their sum is the tile's."""
    back, starts = ds.filters.previous, [ds.filters.beside(each.start) for each in cuts]
    return _between([min(start, back.end) for start in starts], back.end) if cuts else []


def _over(ds: Dataset, entries: Sequence[Metric], cuts: Sequence[Period]) -> dict[str, np.ndarray]:
    """One number per cut: flows by the cut they fall into, stocks at the end of each, the team's of each."""
    rows = {on: _cut_rows(ds, on, cuts) for on in _cuttable(entries)}
    grid = Grid((), len(cuts))
    return _cells(entries, rows, grid, blank=_lost_before(ds, entries)).on(np.arange(len(cuts))).columns


def _cuttable(entries: Sequence[Metric]) -> list[str]:
    """The frames of the metrics, each once; a stock that is rebuilt for the report's own instant only is refused."""
    for entry in entries:
        if entry.on in STOCKS and not _anytime(entry):
            raise MetricError(f"metric {entry.name!r} is known at the report's instant only; measure it by a dimension")
    return list(dict.fromkeys(entry.on for entry in entries))


def _cut_rows(ds: Dataset, on: str, cuts: Sequence[Period]) -> list[tuple[Columns, np.ndarray | int]]:
    """The frame over all cuts, in one piece or several: its rows, and the cut that each or all of them fall into."""
    if not cuts:
        nothing = frames.frame(ds, on, Period(_today(ds), _today(ds)))
        return [(nothing.take(np.zeros(0, dtype=int)), 0)]
    if on in STOCKS:
        ends = [min(first_instant(each.end, ds.filters.zone), ds.filters.as_of) for each in cuts]
        return [(frames.stock_at(ds, end), place) for place, end in enumerate(ends)]
    if on == "team":  # its rows have no instant of their own
        return [(frames.frame(ds, on, each), place) for place, each in enumerate(cuts)]
    rows = frames.frame(ds, on, Period(cuts[0].start, cuts[-1].end))
    ends = np.array([utc(first_instant(each.end, ds.filters.zone)) for each in cuts])
    return [(rows, ends.searchsorted(rows["at"], side="right"))]


def _anytime(entry: Metric) -> bool:
    """Whether a stock can be had at any instant: silence and next steps are rebuilt for the report's own only."""
    return entry.on == "open_deals" and set(entry.fields) <= {"is_open", "open_money"}


def _trend(ds: Dataset, metrics: Sequence[str]) -> dict[str, np.ndarray]:
    """Twelve months up to the end of the period, for sparklines; only what has an instant of its own."""
    # Which stages a deal of long ago would be left out for is not known: no line of stocks then.
    limited = ds.forgetting.exclude_stages or ds.forgetting.exclude_pipelines
    stocks = [] if limited else [entry for entry in _entries(ds, metrics) if _anytime(entry)]
    entries = [*[entry for entry in _entries(ds, metrics) if entry.on in ("events", "actions")], *stocks]
    return _over(ds, entries, _last_months(ds.filters.elapsed.end)) if entries else {}


# ── One metric ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _entries(ds: Dataset, metrics: Sequence[str]) -> list[Metric]:
    entries = [registry.find(name) for name in metrics]
    asked = context.current().metrics
    context.use(metrics=tuple(dict.fromkeys([*asked, *(entry.name for entry in entries)])))
    return entries


def _all_of(entry: Metric, rows: Columns) -> Number:
    value = entry.of_all(rows)
    return _part(value, value) if entry.is_part else value


def _part(value: float | np.ndarray, whole: float) -> Number:
    """The share of the whole; of a count it is k of n, of money no number of cases stands behind it.

    Refunds may leave nothing of the whole, or less: then there are no shares of it.
    """
    if np.issubdtype(np.asarray(value).dtype, np.integer):
        return Ratio(value, value * 0 + whole)
    return value / (whole if whole > 0 else float("nan"))


def _plain(value: Number) -> float:
    return float(value.value if isinstance(value, Ratio | Sample) else value)


def _ratio_cells(value: Number) -> dict[str, float]:
    nothing = dict.fromkeys(("k", "n", "low", "high"), float("nan"))
    if not isinstance(value, Ratio):
        return nothing | ({"n": value.n} if isinstance(value, Sample) else {})
    low, high = interval(np.array([value.k]), np.array([value.n]))
    return {"k": value.k, "n": value.n, "low": low[0], "high": high[0]}


def _change(value: float, before: float) -> float:
    """By what share the number changed; missing when there was nothing before, or less."""
    return value / before - 1 if before > 0 else float("nan")


def _lost(ds: Dataset, entries: Sequence[Metric]) -> set[str]:
    """The metrics that the source can't give."""
    return {entry.name for entry in entries if set(entry.needs) & set(ds.lacks)}


def _lost_before(ds: Dataset, entries: Sequence[Metric]) -> set[str]:
    """Those that it can't give of the past: a stock of any other day needs to know when deals came and went."""
    knows = not {"created_at", "closing"} & set(ds.lacks)
    return _lost(ds, entries) | {entry.name for entry in entries if entry.on in STOCKS and not knows}


def missing(ds: Dataset, *metrics: str) -> str:
    """Why an element of these metrics has nothing to show: a sentence per thing lacking, "" when one can be had."""
    wanted = [set(entry.needs) & set(ds.lacks) for entry in map(registry.find, metrics)]
    if not all(wanted):
        return ""
    return " ".join(ds.lacks[name] for name in sorted(set().union(*wanted)))


@cache
def _of_nothing(entry: Metric) -> float:
    nothing = Columns(0, dict.fromkeys(entry.fields, np.zeros(0)))
    return _plain(entry.of_all(nothing))


# ── Names and totals ─────────────────────────────────────────────────────────────────────────────────────────────────


def _dimensions(by: list[str]) -> tuple[list[str], str]:
    """The keys to group by, and the size of period among them ("" for none)."""
    known = (*DIMENSIONS, *ALIASES)
    for name in by:
        if name not in known:
            raise MetricError(f"no dimension called {name!r}; near: {', '.join(near(name, known) or known)}")
    sizes = [name for name in by if name in ALIASES]
    if len(sizes) > 1:
        raise MetricError(f"a period can have one size at a time; {' and '.join(sizes)} were asked for")
    return [f"{name}_id" for name in by if name not in ALIASES], "".join(sizes)


def _order(ds: Dataset, key: str) -> Order:
    """Pipelines and stages in the CRM's order, people and sources by name, those of nobody last."""
    name = key.removesuffix("_id")
    if name == "loss_reason":  # known by its text alone
        return Order(key, (), ())
    held = (key, language())
    if held not in ds.store.made:
        names = ds.names.by_id(name).to_dict()
        ids = list(names)
        if name not in ("stage", "pipeline", "customer_kind"):
            ids = [*sorted((id for id in ids if id), key=lambda id: names[id].casefold()), ""]
        ds.store.made[held] = Order(key, tuple(ids), tuple(names[id] for id in ids))
    return ds.store.made[held]


Pieces = Sequence[tuple[Columns, np.ndarray | int]]


def _cells(entries: Sequence[Metric], rows: Mapping[str, Columns | Pieces], grid: Grid, *, blank: set[str]) -> Cells:
    """The metrics in every row of the grid that has anything to measure; those of `blank` are missing."""
    if not rows:
        return Cells(np.zeros(0, dtype=int), {})
    parts = {on: [(piece[0], *grid.grouped(*piece)) for piece in _pieces(found)] for on, found in rows.items()}
    codes = np.unique(np.concatenate([held for pieces in parts.values() for _rows, held, _groups in pieces]))
    columns, nothing = {}, {}
    for entry in entries:
        there, values = _measured(entry, parts[entry.on])
        told = _told(entry, values)
        columns |= {name: spread(cell, there, codes, none) for name, (cell, none) in told.items()}
        nothing |= {name: none for name, (_cell, none) in told.items()}
    compare = [order.key for order in grid.orders] == ["manager_id"] and grid.cuts == 1
    columns, nothing = _judged(entries, columns, nothing, compare=compare)
    for name in blank & columns.keys():
        lost = [each for each in (name, *(name + end for end in registry.SUFFIXES)) if each in columns]
        columns |= dict.fromkeys(lost, np.full(len(codes), np.nan))
        nothing |= dict.fromkeys(lost, np.nan)
    return Cells(codes, columns, nothing)


def _pieces(found: Columns | Pieces) -> Pieces:
    return [(found, 0)] if isinstance(found, Columns) else found


def _measured(entry: Metric, pieces: Sequence[tuple[Columns, np.ndarray, Groups]]) -> tuple[np.ndarray, Number]:
    """The metric per group of all pieces: in which row of the grid, and the values."""
    found = [(held, _of_groups(entry, rows, groups)) for rows, held, groups in pieces]
    if len(found) == 1:
        return found[0]
    codes, values = np.concatenate([held for held, _value in found]), [value for _held, value in found]
    order = np.argsort(codes, kind="stable")
    if isinstance(values[0], Ratio | Sample):
        halves = [np.concatenate(half)[order] for half in zip(*map(astuple, values), strict=True)]
        return codes[order], type(values[0])(*halves)
    return codes[order], np.concatenate(values)[order]


def _of_groups(entry: Metric, rows: Columns, groups: Groups) -> Number:
    value = entry.of_each(rows, groups)
    return _part(value, entry.of_all(rows)) if entry.is_part else value


def _told(entry: Metric, value: Number) -> dict[str, tuple[np.ndarray, object]]:
    """The columns of a metric, each with what it says of nothing: 0 for a sum, missing for a mean."""
    name = entry.name
    if isinstance(value, Ratio):
        halves = {f"{name}_{half}": (getattr(value, half).astype("int64"), 0) for half in ("k", "n")}
        return {name: (value.value, np.nan), **halves}
    if isinstance(value, Sample):
        return {name: (value.value, np.nan), f"{name}_n": (value.n.astype("int64"), 0)}
    if entry.unit == "count":
        return {name: (value.astype("int64"), 0)}
    return {name: (value.astype(float), _of_nothing(entry))}


def _judged(
    entries: Sequence[Metric], columns: dict[str, np.ndarray], nothing: dict[str, object], *, compare: bool
) -> tuple[dict[str, np.ndarray], dict[str, object]]:
    """After each share its interval and, where managers are compared, whether somebody differs from the team."""
    shares = [entry for entry in entries if f"{entry.name}_k" in columns]
    if not shares:
        return columns, nothing
    k, n = (np.concatenate([columns[f"{entry.name}_{half}"] for entry in shares]) for half in ("k", "n"))
    ends = [np.split(end, len(shares)) for end in interval(k, n)]
    more = {
        f"{entry.name}_{end}": found[at]
        for end, found in zip(("low", "high"), ends, strict=True)
        for at, entry in enumerate(shares)
    }
    none = dict.fromkeys(more, np.nan)
    if compare:
        judged = [entry.name for entry in shares if not entry.is_part]
        more |= {f"{name}_differs": differs(columns[f"{name}_k"], columns[f"{name}_n"]) for name in judged}
        none |= {f"{name}_differs": False for name in judged}
    order = [entry.name + end for entry in entries for end in ("", *registry.SUFFIXES)]
    return tuple({name: each[name] for name in order if name in each} for each in (columns | more, nothing | none))


def _with_total(
    shown: Mapping[str, Any], entries: Sequence[Metric], rows: Mapping[str, Columns], earlier: Mapping[str, Columns],
    blank: set[str],
) -> dict[str, Any]:  # fmt: skip
    """The table's columns with a last row that is measured over all rows."""
    total: dict[str, object] = {"is_total": True}
    for entry in entries:
        if entry.name in blank:
            continue
        value = _all_of(entry, rows[entry.on])
        total[entry.name] = int(value) if entry.unit == "count" else _plain(value)
        total |= {f"{entry.name}_{end}": cell for end, cell in _ratio_cells(value).items()}
        if earlier:
            before = _plain(_all_of(entry, earlier[entry.on]))
            total |= {f"{entry.name}_previous": before, f"{entry.name}_change": _change(_plain(value), before)}
    return {name: _and(values, total.get(name, np.nan)) for name, values in shown.items()}


def _and(values: np.ndarray | pd.Series, last: object) -> np.ndarray | pd.Series:
    """The values and one more, of the same kind where it fits."""
    if isinstance(values, pd.Series) or (values.dtype == bool and not isinstance(last, bool)):
        return texts([*values, last])
    return np.append(values, last)


# ── Behind the numbers ───────────────────────────────────────────────────────────────────────────────────────────────


def behind(ds: Dataset, name: str, *, period: Period | None = None) -> pd.DataFrame:
    """The deals that a count is the count of: rows of `ds.deals`. One metric that counts deals by one 0/1 field."""
    entry = _entries(ds, [name])[0]
    rows = frames.frame(ds, entry.on, period or ds.filters.elapsed)
    if entry.unit != "count" or len(entry.fields) != 1 or "deal_id" not in rows or entry.on == "actions":
        raise MetricError(f"metric {name!r} counts no deals; there is no list behind it")
    ids = np.asarray(rows.take(rows[entry.fields[0]].astype(bool))["deal_id"])
    return ds.deals[ds.deals["deal_id"].isin(ids)].reset_index(drop=True)


def noted(ds: Dataset, code: str) -> pd.DataFrame:
    """The deals that a note about the data is about: rows of `ds.deals`; none where there is no such note."""
    return ds.noted(code)


def chances(ds: Dataset) -> pd.DataFrame:
    """How past deals fared that were once silent: stage, stage_id, silent_days (at least), chance, its k, n, low, high."""
    past = ds.work.outcomes
    low, high = interval(past["k"].to_numpy(), past["n"].to_numpy())
    names = looked_up(past["stage_id"], ds.names.stages["stage"], past["stage_id"])
    place = past["stage_id"].map({id: place for place, id in enumerate(ds.names.stages.index)})
    table = pd.DataFrame({
        "stage": names, "stage_id": past["stage_id"], "silent_days": past["silent_days"], "chance": past["k"] / past["n"],
        "chance_k": past["k"], "chance_n": past["n"], "chance_low": low, "chance_high": high,
    })  # fmt: skip
    return table.assign(_place=place).sort_values(["_place", "silent_days"], ignore_index=True).drop(columns="_place")


# ── The activity index ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Correlation:
    """Spearman's ρ with its 95 % interval over n managers; missing with fewer than four, or when one side is constant."""

    rho: float
    low: float
    high: float
    n: int


def index_correlation(ds: Dataset, result: str = "won_money") -> Correlation:
    """Whether the managers' activity index and a result go together; it says nothing of causes."""
    table = measure(ds, ["activity_index", result], by="manager")
    table = table[table["activity_index"].notna() & (table["manager_id"] != "")]
    return Correlation(*rank_correlation(table["activity_index"], table[result]))


def index_sensitivity(ds: Dataset, *, step: float = 0.5) -> pd.DataFrame:
    """Whether the ranking by activity index survives other weights: one row per kind and ± `step` of its weight.

    kind, weight, weight_change, rank_correlation (with the ranking as it is), n (managers), keeps_ranking, who_moves. On one
    manager's own page the ranking is everybody's, nobody is named, and nothing is said of a few.
    """
    is_own = ds.filters.is_about_one
    ids = np.asarray(frames.frame(ds.everybody if is_own else ds, "team", ds.filters.elapsed)["manager_id"])
    if is_own and not privacy.is_crowd(len(ids)):
        return pd.DataFrame(columns=TRIAL[:-1])
    counts = ds.acts.counts(ds.filters.elapsed).reindex(ids).fillna(0.0)
    weights = np.array([ds.settings.weights.get(kind, 0.0) for kind in counts.columns], dtype=float)
    trials = [(at, change) for at in np.flatnonzero(counts.any().to_numpy()) for change in (-step, step)]
    names = [ds.names.managers["manager"].get(id, id) for id in ids]
    found = [_trial(counts.to_numpy(), weights, names, *each) for each in trials]
    rows = [{"kind": counts.columns[each.pop("at")]} | each for each in found]
    return pd.DataFrame(rows, columns=TRIAL[:-1] if is_own else TRIAL)


TRIAL = ["kind", "weight", "weight_change", "rank_correlation", "n", "keeps_ranking", "who_moves"]


def _trial(counts: np.ndarray, weights: np.ndarray, names: Sequence[str], at: int, change: float) -> dict[str, Any]:
    usual, points = counts @ weights, counts @ np.where(np.arange(len(weights)) == at, weights * (1 + change), weights)
    # Sums of the same weights in another order may differ in the last digit: that is no other place.
    moved = np.flatnonzero(places(usual.round(9)) != places(points.round(9)))
    return {
        "at": at, "weight": weights[at], "weight_change": change, "rank_correlation": spearman(usual, points),
        "n": len(counts), "keeps_ranking": not len(moved), "who_moves": ", ".join(names[place] for place in moved),
    }  # fmt: skip
