"""Metrics by dimension and by period → one row per value, one column per metric.

Every table is measured from rows: a total is computed again, never averaged from parts. A share brings its k, n and
Wilson interval, a mean or median its n; by manager a share also says whether it differs from the team; what is compared
brings `_previous` and `_change`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd

from . import frames, registry
from .dataset import Dataset, looked_up
from .errors import MetricError, near
from .filters import BEGINNING, Period, first_instant
from .metrics.statistics import differs, interval, rank_correlation
from .registry import Metric, Ratio, Sample
from .texts import _

STOCKS = ("open_deals", "forgotten_deals", "open_leads")  # as of the report's instant, whatever the period
DIMENSIONS = ("manager", "department", "pipeline", "source", "stage", "loss_reason", "customer_kind")
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
    if size:
        return _blank(ds, entries, _by_period(ds, entries, keys, size, period or ds.filters.elapsed))
    rows = _rows(ds, entries, period or ds.filters.elapsed)
    earlier = _earlier_rows(ds, entries, compare) if compare else {}
    table = _beside(entries, rows, earlier, keys) if earlier else _by_value(entries, rows, keys)
    table = _named(ds, table, keys).assign(is_total=False)
    return _blank(ds, entries, _with_total(table, entries, rows, earlier) if total else table)


def _rows(ds: Dataset, entries: Sequence[Metric], period: Period) -> dict[str, pd.DataFrame]:
    """What the metrics are measured from, each frame once."""
    return {on: frames.frame(ds, on, period) for on in dict.fromkeys(entry.on for entry in entries)}


def _earlier_rows(ds: Dataset, entries: Sequence[Metric], compare: bool | str) -> dict[str, pd.DataFrame]:
    """The same frames of the period to compare with, stocks as of the instant before; none where there is nothing."""
    then = ds if compare is True else replace(ds, filters=replace(ds.filters, comparison=str(compare)))
    before = then.filters.previous
    if before is None:
        return {}
    wanted = dict.fromkeys(entry.on for entry in entries)
    return {on: frames.frame(then.before if on in STOCKS else then, on, before) for on in wanted}


def _by_value(entries: Sequence[Metric], rows: dict[str, pd.DataFrame], keys: list[str]) -> pd.DataFrame:
    parts = [_columns(entry, rows[entry.on], keys, compare=keys == ["manager_id"]) for entry in entries]
    return _filled(pd.concat(parts, axis=1), entries)


def _beside(
    entries: Sequence[Metric], rows: dict[str, pd.DataFrame], earlier: dict[str, pd.DataFrame], keys: list[str]
) -> pd.DataFrame:
    """Now and before, with what changed; a value that only one of them has is there too."""
    now, before = (_by_value(entries, each, keys) for each in (rows, earlier))
    both = now.index.union(before.index, sort=False)
    names = [entry.name for entry in entries]
    table, then = _filled(now.reindex(both), entries), _filled(before.reindex(both), entries)
    changes = {f"{name}_change": _changes(table[name], then[name]) for name in names}
    return table.join(then[names].add_suffix("_previous")).assign(**changes)


def _changes(values: pd.Series, before: pd.Series) -> pd.Series:
    """By what share each changed; missing where there was nothing before."""
    return values / before.where(before != 0) - 1


def _by_period(ds: Dataset, entries: Sequence[Metric], keys: list[str], size: str, whole: Period) -> pd.DataFrame:
    """One row per value and cut of the period."""
    cuts = cut(_since_known(ds, whole), size)
    rows = {on: _cut_rows(ds, on, cuts, keys) for on in _cuttable(entries)}
    table = pd.concat([_columns(entry, rows[entry.on], [*keys, "cut"]) for entry in entries], axis=1)
    seen = [table.index.get_level_values(key).unique() for key in keys]
    grid = pd.MultiIndex.from_product([*seen, range(len(cuts))], names=[*keys, "cut"]) if keys else range(len(cuts))
    table = _filled(table.reindex(grid), entries).rename_axis([*keys, "cut"]).reset_index("cut")
    table = _named(ds, table, keys) if keys else table.reset_index(drop=True)
    labels = _labels(ds, cuts, size).loc[table["cut"]].set_index(table.index)
    front = [name for key in keys for name in (key.removesuffix("_id"), key)]
    return pd.concat([table[front], labels, table.drop(columns=[*front, "cut"])], axis=1)


def _labels(ds: Dataset, cuts: Sequence[Period], size: str) -> pd.DataFrame:
    """What each cut is called: size, period, start, is_running."""
    about = {
        "size": size,
        "period": [label(each.start, size) for each in cuts],
        "start": [each.start for each in cuts],
        "is_running": [_runs_on(ds, each, size) for each in cuts],
    }
    return pd.DataFrame(about, index=range(len(cuts)))


def one(ds: Dataset, name: str, *, period: Period | None = None) -> registry.Number:
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
    if entry.on in STOCKS:
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
    return Period(max(whole.start, min(ds.first_day or whole.end, whole.end)), whole.end)


def _earlier(ds: Dataset, entries: Sequence[Metric], cuts: Sequence[Period]) -> pd.DataFrame:
    """What to compare with: the metrics' own numbers over `cuts`, as `<name>_previous`."""
    return _over(ds, entries, cuts)[[entry.name for entry in entries]].add_suffix("_previous")


def _labelled(ds: Dataset, table: pd.DataFrame, cuts: Sequence[Period], size: str) -> pd.DataFrame:
    return _labels(ds, cuts, size).set_index(table.index).join(table)


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
    """One row per cut: flows grouped by the cut they fall into, stocks at the end of each, the team's of each."""
    rows = {on: _cut_rows(ds, on, cuts) for on in _cuttable(entries)}
    table = pd.concat([_columns(entry, rows[entry.on], ["cut"]) for entry in entries], axis=1)
    return _filled(table.reindex(range(len(cuts))), entries).reset_index(drop=True)


def _cuttable(entries: Sequence[Metric]) -> list[str]:
    """The frames of the metrics, each once; a stock that is rebuilt for the report's own instant only is refused."""
    for entry in entries:
        if entry.on in STOCKS and not _anytime(entry):
            raise MetricError(f"metric {entry.name!r} is known at the report's instant only; measure it by a dimension")
    return list(dict.fromkeys(entry.on for entry in entries))


def _cut_rows(ds: Dataset, on: str, cuts: Sequence[Period], keys: Sequence[str] = ()) -> pd.DataFrame:
    """The frame over all cuts, each row marked with the cut its instant falls into; of a stock only these keys."""
    if not cuts:
        return frames.frame(ds, on, Period(_today(ds), _today(ds))).iloc[:0].assign(cut=pd.Series(dtype=int))
    if on in STOCKS:
        ends = [min(first_instant(each.end, ds.filters.zone), ds.filters.as_of) for each in cuts]
        return frames.stocks_at(ds, ends, [key for key in keys if key in ds.open_spans])
    if on == "team":  # its rows have no instant of their own
        return pd.concat([frames.frame(ds, on, each).assign(cut=place) for place, each in enumerate(cuts)])
    rows = frames.frame(ds, on, Period(cuts[0].start, cuts[-1].end))
    ends = pd.DatetimeIndex([first_instant(each.end, ds.filters.zone) for each in cuts])
    instants = rows[AT.get(on, "at")]
    return rows.assign(cut=ends.searchsorted(pd.DatetimeIndex(instants), side="right"))


AT = {"steps": "reached_at", "visits": "entered_at", "stays": "entered_at", "cohort_steps": "created_at"}


def _anytime(entry: Metric) -> bool:
    """Whether a stock can be had at any instant: silence and next steps are rebuilt for the report's own only."""
    return entry.on == "open_deals" and set(entry.fields) <= {"is_open", "open_money"}


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
    if entry.is_part:
        value = _part(value, entry.compute(rows[list(entry.fields)]))
    if isinstance(value, Sample):
        return pd.DataFrame({entry.name: value.value, f"{entry.name}_n": value.n.astype("int64")})
    if not isinstance(value, Ratio):
        whole = entry.unit == "count"
        return (value.astype("int64") if whole else value).rename(entry.name).to_frame()
    low, high = interval(value.k, value.n)
    columns = {"": value.value, "_k": value.k, "_n": value.n, "_low": low, "_high": high}
    columns |= {"_differs": differs(value.k, value.n)} if compare and not entry.is_part else {}
    return pd.DataFrame({entry.name + suffix: column for suffix, column in columns.items()})


def _all_of(entry: Metric, rows: pd.DataFrame) -> registry.Number:
    value = entry.compute(rows[list(entry.fields)])
    return _part(value, value) if entry.is_part else value


def _part(value: float | pd.Series, whole: float) -> registry.Number:
    """The share of the whole; of a count it is k of n, of money no number of cases stands behind it."""
    if pd.api.types.is_integer_dtype(np.asarray(value)):
        return Ratio(value, value * 0 + whole)
    return value / (whole or float("nan"))


def _plain(value: registry.Number) -> float:
    return float(value.value if isinstance(value, Ratio | Sample) else value)


def _ratio_cells(value: registry.Number) -> dict[str, float]:
    nothing = dict.fromkeys(("k", "n", "low", "high"), float("nan"))
    if not isinstance(value, Ratio):
        return nothing | ({"n": value.n} if isinstance(value, Sample) else {})
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


def _filled(table: pd.DataFrame, entries: Sequence[Metric]) -> pd.DataFrame:
    """A group without rows gets what the metric says of no rows at all: 0 for a sum, missing for a mean."""
    nothing: dict[str, float] = {}
    kinds: dict[str, str] = {}
    for entry in entries:
        counts = [name for name in (f"{entry.name}_k", f"{entry.name}_n") if name in table]
        plain = {} if counts else {entry.name: _of_nothing(entry)}
        flags = [name for name in [f"{entry.name}_differs"] if name in table]
        nothing |= plain | dict.fromkeys(counts, 0) | dict.fromkeys(flags, False)
        kinds |= dict.fromkeys(counts if counts or entry.unit != "count" else plain, "int64") | dict.fromkeys(
            flags, "bool"
        )
    filled = {}
    for name, values in table.items():
        full = values if pd.isna(nothing.get(name)) else values.fillna(nothing[name])
        filled[name] = full if full.dtype == kinds.get(name, full.dtype) else full.astype(kinds[name])
    return pd.DataFrame(filled, index=table.index)


@cache
def _of_nothing(entry: Metric) -> float:
    return _plain(entry.compute(pd.DataFrame({name: pd.Series(dtype=float) for name in entry.fields})))


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
    rest = [name for name in table if name not in (*places, *front)]
    return table.sort_values([*places, *keys])[[*front, *rest]].reset_index(drop=True)


def _names(ds: Dataset, name: str) -> pd.Series:
    names = getattr(ds, f"{name}s")[name]
    if name in ("stage", "pipeline", "customer_kind", "loss_reason"):
        return names
    said = names.drop(index="").to_dict()
    return names[[*sorted(said, key=lambda id: said[id].casefold()), ""]]  # those of nobody come last


def _with_total(
    table: pd.DataFrame, entries: Sequence[Metric], rows: dict[str, pd.DataFrame], earlier: dict[str, pd.DataFrame]
) -> pd.DataFrame:
    total: dict[str, object] = {"is_total": True}
    for entry in entries:
        value = _all_of(entry, rows[entry.on])
        total[entry.name] = int(value) if entry.unit == "count" else _plain(value)
        cells = {f"{entry.name}_{end}": cell for end, cell in _ratio_cells(value).items()}
        total |= {name: cell for name, cell in cells.items() if name in table}
        if earlier:
            before = _plain(_all_of(entry, earlier[entry.on]))
            total |= {f"{entry.name}_previous": before, f"{entry.name}_change": _change(_plain(value), before)}
    return pd.concat([table, pd.DataFrame([total])], ignore_index=True).astype({"is_total": bool})


# ── Behind the numbers ───────────────────────────────────────────────────────────────────────────────────────────────


def behind(ds: Dataset, name: str, *, period: Period | None = None) -> pd.DataFrame:
    """The deals that a count is the count of: rows of `ds.deals`. One metric that counts deals by one 0/1 field."""
    entry = _entries(ds, [name])[0]
    rows = frames.frame(ds, entry.on, period or ds.filters.elapsed)
    if entry.unit != "count" or len(entry.fields) != 1 or "deal_id" not in rows or entry.on == "actions":
        raise MetricError(f"metric {name!r} counts no deals; there is no list behind it")
    ids = rows.loc[rows[entry.fields[0]].astype(bool), "deal_id"]
    return ds.deals[ds.deals["deal_id"].isin(ids)].reset_index(drop=True)


def noted(ds: Dataset, code: str) -> pd.DataFrame:
    """The deals that a note about the data is about: rows of `ds.deals`; none where there is no such note."""
    ids = {id for note in ds.quality if note.code == code for id in note.deal_ids}
    return ds.deals[ds.deals["deal_id"].isin(ids)].reset_index(drop=True)


def chances(ds: Dataset) -> pd.DataFrame:
    """How past deals fared that were once silent: stage, stage_id, silent_days (at least), chance, its k, n, low, high."""
    past = ds.silence_outcomes
    low, high = interval(past["k"], past["n"])
    names = looked_up(past["stage_id"], ds.stages["stage"], past["stage_id"])
    place = past["stage_id"].map({id: place for place, id in enumerate(ds.stages.index)})
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

    kind, weight, weight_change, rank_correlation (with the ranking as it is), n (managers), keeps_ranking, who_moves.
    """
    ids = frames.frame(ds, "team", ds.filters.elapsed)["manager_id"]
    counts = ds.counts_in(ds.filters.elapsed).reindex(ids).fillna(0.0)
    weights = pd.Series(ds.settings.weights, dtype=float).reindex(counts.columns).fillna(0.0)
    usual = counts @ weights
    trials = [(kind, change) for kind in weights.index for change in (-step, step) if counts[kind].any()]
    return pd.DataFrame([_trial(ds, counts, weights, usual, *each) for each in trials], columns=TRIAL)


TRIAL = ["kind", "weight", "weight_change", "rank_correlation", "n", "keeps_ranking", "who_moves"]


def _trial(
    ds: Dataset, counts: pd.DataFrame, weights: pd.Series, usual: pd.Series, kind: str, change: float
) -> dict[str, object]:
    points = counts @ weights.where(weights.index != kind, weights * (1 + change))
    # Sums of the same weights in another order may differ in the last digit: that is no other place.
    places = [each.round(9).rank(ascending=False, method="min") for each in (usual, points)]
    moved = places[0].index[places[0] != places[1]]
    return {
        "kind": kind, "weight": weights[kind], "weight_change": change,
        "rank_correlation": rank_correlation(usual, points)[0], "n": len(counts),
        "keeps_ranking": moved.empty, "who_moves": ", ".join(ds.managers["manager"].reindex(moved)),
    }  # fmt: skip
