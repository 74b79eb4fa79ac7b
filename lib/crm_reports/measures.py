"""Metrics by dimension and by period → one row per value, one column per metric.

Every table is measured from rows: a total is computed again, never averaged from parts. A share brings its k, n and
Wilson interval; by manager also whether it differs from the team; what is compared brings `_previous` and `_change`.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise

import pandas as pd

from . import frames, registry
from .dataset import Dataset, looked_up
from .errors import MetricError, near
from .filters import BEGINNING, Period, first_instant
from .metrics.statistics import differs, interval
from .registry import Metric, Ratio
from .texts import _

STOCK = "open_deals"
WHOLE = (STOCK, "team")  # whose rows have no instant of their own
SIZES = ("week", "month", "quarter", "year")
ALIASES = {"week": "W-SUN", "month": "M", "quarter": "Q", "year": "Y"}
LABELS = {"week": "%G-W%V", "month": "%Y-%m", "quarter": "%Y-Q{quarter}", "year": "%Y"}


def measure(
    ds: Dataset,
    metrics: Sequence[str],
    *,
    by: str | Sequence[str],
    period: Period | None = None,
    total: bool = False,
) -> pd.DataFrame:
    """The metrics for every value of `by` (manager, department, pipeline, source, stage, loss_reason, or two of them).

    Rows come in the order of the dimension, with its name and id; a value without any row to measure is left out. With
    `total` a last row, `is_total`, is measured over all rows. By default over the elapsed part of the report's period.
    """
    keys = _dimensions([by] if isinstance(by, str) else list(by))
    entries = _entries(ds, metrics)
    period = period or ds.filters.elapsed
    rows = {on: frames.frame(ds, on, period) for on in dict.fromkeys(entry.on for entry in entries)}
    parts = [_columns(entry, rows[entry.on], keys, compare=keys == ["manager_id"]) for entry in entries]
    table = pd.concat(parts, axis=1)
    table = _filled(table, entries, rows)
    table = _named(ds, table, keys).assign(is_total=False)
    return _blank(ds, entries, _with_total(table, entries, rows) if total else table)


def one(ds: Dataset, name: str, *, period: Period | None = None) -> registry.Number:
    """One metric over the whole slice, as a number or a Ratio; missing where the source lacks what it needs."""
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


TILE = ["metric", "value", "previous", "change", "k", "n", "low", "high", "spark", "note"]


def _tile(ds: Dataset, entry: Metric, before: Period | None, trend: pd.DataFrame) -> dict[str, object]:
    if set(entry.needs) & set(ds.lacks):
        return {"metric": entry.name, "spark": [], "note": _("no data")}
    value = _all_of(entry, frames.frame(ds, entry.on, ds.filters.elapsed))
    earlier = _plain(_before(ds, entry, before)) if before else float("nan")
    sure = _ratio_cells(value)
    spark = trend[entry.name].tolist() if entry.name in trend else []
    return {
        "metric": entry.name, "value": _plain(value), "previous": earlier,
        "change": _change(_plain(value), earlier), **sure, "spark": spark, "note": "",
    }  # fmt: skip


def _before(ds: Dataset, entry: Metric, before: Period) -> registry.Number:
    """The number to compare with: a flow of the period before, a stock at the instant before."""
    if entry.on == STOCK:
        return _all_of(entry, frames.frame(ds.before, entry.on, before))
    return _all_of(entry, frames.frame(ds, entry.on, before))


def over_time(ds: Dataset, metrics: Sequence[str], *, period: Period | None = None) -> pd.DataFrame:
    """The metrics by week, month, quarter and year of the period: size, period, start, is_running, values, `_previous`.

    A cut at the period's edge holds only the period's own days. `_previous` is the same cut of the comparison period.
    A stock is the one at the end of the cut. A period without a beginning starts with the first deal.
    """
    whole = _since_known(ds, period or ds.filters.elapsed)
    entries = _entries(ds, metrics)
    return _blank(ds, entries, pd.concat([_by_size(ds, entries, size, whole) for size in SIZES], ignore_index=True))


def _by_size(ds: Dataset, entries: Sequence[Metric], size: str, whole: Period) -> pd.DataFrame:
    cuts = cut(whole, size)
    table = _over(ds, entries, cuts)
    if ds.filters.previous and whole == ds.filters.elapsed:
        table = table.join(_earlier(ds, entries, _shifted(ds, cuts)))
    return _labelled(ds, table, cuts, size)


def _since_known(ds: Dataset, whole: Period) -> Period:
    """The period; when it has no beginning, from the first day on which a deal of the slice was created or closed."""
    if whole.start > BEGINNING:
        return whole
    known = frames.local_days(pd.concat([ds.deals["created_at"], ds.deals["closed_at"]]).dropna(), ds)
    return Period(max(whole.start, min(known.min().date(), whole.end)) if len(known) else whole.end, whole.end)


def _earlier(ds: Dataset, entries: Sequence[Metric], cuts: Sequence[Period]) -> pd.DataFrame:
    """What to compare with: the metrics' own numbers over `cuts`, as `<name>_previous`."""
    return _over(ds, entries, cuts)[[entry.name for entry in entries]].add_suffix("_previous")


def _labelled(ds: Dataset, table: pd.DataFrame, cuts: Sequence[Period], size: str) -> pd.DataFrame:
    about = {
        "size": size,
        "period": [label(each.start, size) for each in cuts],
        "start": [each.start for each in cuts],
        "is_running": [_runs_on(ds, each, size) for each in cuts],
    }
    return pd.DataFrame(about, index=table.index).join(table)


def twelve_months(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """The twelve months up to the period's end, each beside the same days a year earlier: `over_time` by month."""
    entries = _entries(ds, metrics)
    cuts = _last_months(ds.filters.elapsed.end)
    earlier = _between([_year_ago(each.start) for each in cuts], _year_ago(cuts[-1].end, is_end=True))
    table = _over(ds, entries, cuts).join(_earlier(ds, entries, earlier))
    return _blank(ds, entries, _labelled(ds, table, cuts, "month"))


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
    back = ds.filters.previous
    shift = ds.filters.period.start - back.start
    is_year = ds.filters.comparison == "year_ago"
    starts = [_year_ago(each.start) if is_year else each.start - shift for each in cuts]
    return _between([min(start, back.end) for start in starts], back.end) if cuts else []


def _year_ago(day: date, *, is_end: bool = False) -> date:
    """The same date a year earlier. 29 February has none: a first day becomes the 28th, an end 1 March."""
    before = (pd.Timestamp(day) - pd.DateOffset(years=1)).date()
    return before + timedelta(days=is_end and before.day != day.day)


def _over(ds: Dataset, entries: Sequence[Metric], cuts: Sequence[Period]) -> pd.DataFrame:
    """One row per cut: flows grouped by the cut they fall into, stocks at the end of each."""
    flows = [entry for entry in entries if entry.on not in WHOLE]
    rows = {on: _cut_rows(ds, on, cuts) for on in dict.fromkeys(entry.on for entry in flows)}
    parts = {entry.name: _columns(entry, rows[entry.on], ["cut"]) for entry in flows}
    parts |= {entry.name: _cut_by_cut(ds, entry, cuts) for entry in entries if entry.on in WHOLE}
    table = pd.concat([parts[entry.name] for entry in entries], axis=1).reindex(range(len(cuts)))
    return _filled(table, flows, rows).reset_index(drop=True)


def _cut_rows(ds: Dataset, on: str, cuts: Sequence[Period]) -> pd.DataFrame:
    """The frame over all cuts, each row marked with the cut its instant falls into."""
    if not cuts:
        return frames.frame(ds, on, Period(_today(ds), _today(ds))).assign(cut=pd.Series(dtype=int))
    rows = frames.frame(ds, on, Period(cuts[0].start, cuts[-1].end))
    ends = pd.DatetimeIndex([first_instant(each.end, ds.filters.zone) for each in cuts])
    instants = rows[AT.get(on, "at")]
    return rows.assign(cut=ends.searchsorted(pd.DatetimeIndex(instants), side="right"))


AT = {"steps": "reached_at", "visits": "entered_at", "cohort_steps": "created_at"}


def _cut_by_cut(ds: Dataset, entry: Metric, cuts: Sequence[Period]) -> pd.DataFrame:
    """A metric whose rows do not fall into cuts: a stock, or the team's, where ten is the best of each cut."""
    if entry.on == STOCK and not _anytime(entry):
        raise MetricError(f"metric {entry.name!r} is known at the report's instant only; measure it by a dimension")
    values = [_plain(_all_of(entry, _rows_of(ds, entry.on, each))) for each in cuts]
    return pd.DataFrame({entry.name: pd.Series(values, dtype=float)})


def _rows_of(ds: Dataset, on: str, each: Period) -> pd.DataFrame:
    if on != STOCK:
        return frames.frame(ds, on, each)
    return frames.stock_at(ds, min(first_instant(each.end, ds.filters.zone), ds.filters.as_of))


def _anytime(entry: Metric) -> bool:
    """Whether a stock can be had at any instant: silence and next steps are rebuilt for the report's own only."""
    return entry.on == STOCK and set(entry.fields) <= {"is_open", "open_money"}


def _trend(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """Twelve months up to the end of the period, for sparklines; only what has an instant of its own."""
    # Which stages a deal of long ago would be left out for is not known: no line of stocks then.
    limited = ds.forgetting.exclude_stages or ds.forgetting.exclude_pipelines
    stocks = [] if limited else [entry for entry in _entries(ds, metrics) if _anytime(entry)]
    entries = [*[entry for entry in _entries(ds, metrics) if entry.on in ("events", "actions")], *stocks]
    return _over(ds, entries, _last_months(ds.filters.elapsed.end)) if entries else pd.DataFrame()


# ── One metric ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _entries(ds: Dataset, metrics: Sequence[str]) -> list[Metric]:
    entries = [registry.find(name) for name in metrics]
    ds.metrics_used.extend(entry.name for entry in entries if entry.name not in ds.metrics_used)
    return entries


def _columns(entry: Metric, rows: pd.DataFrame, keys: list[str], *, compare: bool = False) -> pd.DataFrame:
    """The metric per group; it gets only the fields it declares."""
    missing = [key for key in keys if key not in rows]
    if missing:
        dimension = missing[0].removesuffix("_id")
        raise MetricError(f"metric {entry.name!r} can't be cut by {dimension!r}: its rows have none")
    value = entry.compute(rows[[*keys, *entry.fields]].groupby(keys if len(keys) > 1 else keys[0], observed=True))
    if not isinstance(value, Ratio):
        whole = entry.unit == "count"
        return (value.astype("int64") if whole else value).rename(entry.name).to_frame()
    low, high = interval(value.k, value.n)
    columns = {"": value.value, "_k": value.k, "_n": value.n, "_low": low, "_high": high}
    columns |= {"_differs": differs(value.k, value.n)} if compare else {}
    return pd.DataFrame({entry.name + suffix: column for suffix, column in columns.items()})


def _all_of(entry: Metric, rows: pd.DataFrame) -> registry.Number:
    return entry.compute(rows[list(entry.fields)])


def _plain(value: registry.Number) -> float:
    return float(value.value if isinstance(value, Ratio) else value)


def _ratio_cells(value: registry.Number) -> dict[str, float]:
    if not isinstance(value, Ratio):
        return dict.fromkeys(("k", "n", "low", "high"), float("nan"))
    ends = interval(pd.Series([value.k]), pd.Series([value.n]))
    return {"k": value.k, "n": value.n, "low": ends[0].iloc[0], "high": ends[1].iloc[0]}


def _change(value: float, before: float) -> float:
    """By what share the number changed; missing when there was nothing before."""
    return value / before - 1 if before else float("nan")


def _blank(ds: Dataset, entries: Sequence[Metric], table: pd.DataFrame) -> pd.DataFrame:
    """The table without the numbers that the source can't give."""
    lost = [entry.name for entry in entries if set(entry.needs) & set(ds.lacks)]
    columns = [name + suffix for name in lost for suffix in ("", *registry.SUFFIXES) if name + suffix in table]
    return table.assign(**dict.fromkeys(columns, float("nan")))


def missing(ds: Dataset, *metrics: str) -> str:
    """Why an element of these metrics has nothing to show: a sentence per thing lacking, "" when one can be had."""
    wanted = [set(entry.needs) & set(ds.lacks) for entry in map(registry.find, metrics)]
    if not all(wanted):
        return ""
    return " ".join(ds.lacks[name] for name in sorted(set().union(*wanted)))


def _filled(table: pd.DataFrame, entries: Sequence[Metric], rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """A group without rows gets what the metric says of no rows at all: 0 for a sum, missing for a mean."""
    table = table.copy()
    for entry in entries:
        nothing = _all_of(entry, rows[entry.on].iloc[:0])
        empty = {"_k": 0, "_n": 0} if isinstance(nothing, Ratio) else {"": nothing}
        for suffix, value in empty.items():
            filled = table[entry.name + suffix].fillna(value)
            table[entry.name + suffix] = filled.astype("int64") if suffix or entry.unit == "count" else filled
        if f"{entry.name}_differs" in table:
            table[f"{entry.name}_differs"] = table[f"{entry.name}_differs"].fillna(False).astype(bool)
    return table


# ── Names and totals ─────────────────────────────────────────────────────────────────────────────────────────────────


def _dimensions(by: list[str]) -> list[str]:
    known = ("manager", "department", "pipeline", "source", "stage", "loss_reason")
    for name in by:
        if name not in known:
            raise MetricError(f"no dimension called {name!r}; near: {', '.join(near(name, known) or known)}")
    return [f"{name}_id" for name in by]


def _named(ds: Dataset, table: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """The rows in the order of their dimensions, names first."""
    table = table.rename_axis(keys).reset_index()
    for key in keys:
        name = key.removesuffix("_id")
        names = _names(ds, name)
        table[name] = looked_up(table[key], names, table[key])
        place = {id: place for place, id in enumerate(names.index)}
        table[f"_{name}"] = table[key].map(place).fillna(len(place))
    places = [f"_{key.removesuffix('_id')}" for key in keys]
    front = [column for key in keys for column in (key.removesuffix("_id"), key)]
    return table.sort_values([*places, *keys]).drop(columns=places).set_index(front).reset_index()


def _names(ds: Dataset, name: str) -> pd.Series:
    if name == "loss_reason":
        return ds.deals.groupby("loss_reason_id")["loss_reason"].first()
    names = getattr(ds, f"{name}s")[name]
    if name in ("stage", "pipeline"):
        return names
    ordered = names.drop(index="").sort_values(key=lambda each: each.str.casefold())
    return names[[*ordered.index, ""]]  # those of nobody come last


def _with_total(table: pd.DataFrame, entries: Sequence[Metric], rows: dict[str, pd.DataFrame]) -> pd.DataFrame:
    total: dict[str, object] = {"is_total": True}
    for entry in entries:
        value = _all_of(entry, rows[entry.on])
        total[entry.name] = int(value) if entry.unit == "count" else _plain(value)
        if isinstance(value, Ratio):
            total |= {f"{entry.name}_{end}": cell for end, cell in _ratio_cells(value).items()}
    return pd.concat([table, pd.DataFrame([total])], ignore_index=True).astype({"is_total": bool})
