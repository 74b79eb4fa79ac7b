"""What came in and what was won, over time and by manager."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pandas as pd

from .. import charts
from ..filters import Period
from ..measures.dataset import Dataset
from ..measures.measure import measure
from ..measures.over_time import over_time
from ..measures.over_time import twelve_months as twelve_months_of
from ..measures.tiles import comparison
from ..measures.totals import without_total
from ..metrics.registry import METRICS, STOCKS, column
from ..words import units
from ..words.texts import N_, _, many
from .deals import lead_metrics
from .element import element
from .headline import largest, standing_out, whole

MAIN = ("won_money", "won", "created", "conversion", "average_check", "cycle_days", "lost", "in_work")
REPEATS = ("repeat_share", "new_customers", "repeat_customers")


def metrics_of(table: pd.DataFrame) -> list[str]:
    """The metrics of a table, in its order."""
    return [name for name in table if name in METRICS]


@element(
    title=N_("Over time"),
    measured=N_("By the day of the event, a year or two. Full colour: the period; what still runs has a star."),
    chart=lambda table: charts.dynamics(table, metrics=choices(table), before=year_before()),
    mail=("won_money", "won"),
)
def dynamics(ds: Dataset, metrics: Sequence[str] = MAIN) -> pd.DataFrame:
    """The metrics by week, month, quarter and year, from a year or two before the period's end on, and how many customers were new.

    `is_in_period` says which the report's period touches; each stands beside the same days a year earlier, unless nothing
    is compared.
    """
    table = long_run(ds, [*metrics, *REPEATS])
    ds.memo.once(REPEATS, lambda: table.copy(deep=False))
    return table


def long_run(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """The metrics over time, from the beginning of the year that was a year before the period's end, if anything is as old."""
    period, end = ds.filters.elapsed, chart_end(ds)
    years = date((pd.Timestamp(period.end) - pd.DateOffset(years=1)).year, 1, 1)
    first = (ds.first_day or period.start).replace(day=1)
    whole = period if period.is_open else Period(min(period.start, max(years, first)), end)
    table = over_time(ds, metrics, period=whole, year_ago=ds.filters.comparison != "none")
    if ds.filters.is_about_standing:  # of another day, and of a year before, such deals are not known
        stocks = [name for name in metrics_of(table) if METRICS[name].on in STOCKS]
        table = table.drop(columns=[*stocks, *(name for name in table if name.endswith("_previous"))])
    if (earlier := [name for name in table if name.endswith("_previous")]) and not period.is_open:
        table[earlier] = table[earlier].where(table["start"] >= first.replace(year=first.year + 1), axis=0)
    ends = table.groupby("size")["start"].shift(-1).fillna(end)
    return table.assign(is_in_period=(ends > period.start) & (table["start"] < period.end))


SOON = timedelta(days=92)


def chart_end(ds: Dataset) -> date:
    """The first day that a chart over time leaves out: today, where the period ended lately, so that what runs stands beside it."""
    end, today = ds.filters.elapsed.end, ds.filters.today
    return max(end, today) if today - end < SOON else end


def choices(table: pd.DataFrame) -> list[str]:
    """What a reader can pick from; customers have a chart of their own."""
    return [name for name in metrics_of(table) if name not in REPEATS]


@dynamics.finding
def growth(table: pd.DataFrame, ds: Dataset) -> str:
    """How the first number of the table moved against the period before."""
    return sentence(comparison(ds, metrics_of(table)[0]))


def sentence(row: Mapping[str, Any]) -> str:
    """One number against the period before, in a sentence."""
    metric = row["metric"]
    title = column(metric).title
    if pd.isna(row["change"]):
        return _("{title}: {value}", title=title, value=units.write(row["value"], column(metric).unit))
    before = units.write(row["previous"], column(metric).unit)
    share = units.share(abs(row["change"]))
    if row["change"] == 0:
        return _("{title} did not change: {before} before", title=title, before=before)
    if row["change"] > 0:
        return _("{title} grew by {share}, from {before}", title=title, share=share, before=before)
    return _("{title} fell by {share}, from {before}", title=title, share=share, before=before)


def year_before() -> str:
    """What the marks beside the last twelve months are."""
    return _("a year earlier")


@element(
    title=N_("Over time"),
    measured=N_("By the day of the event. The running period is paler and has a star."),
    id="dynamics",
    chart=lambda table: charts.dynamics(table, metrics=metrics_of(table)[:1], before=year_before()).update_layout(
        height=250
    ),
    mail=("won_money", "won"),
)
def twelve_months(ds: Dataset, metrics: Sequence[str] = ("won_money", "won", "created")) -> pd.DataFrame:
    """The metrics in the twelve months to the period's end, and in those since, each beside the same days a year earlier.

    Those since are not `is_in_period`.
    """
    table, since = twelve_months_of(ds, metrics), Period(ds.filters.elapsed.end, chart_end(ds))
    later = (
        over_time(ds, metrics, period=since, year_ago=True).query("size == 'month'") if since.days else table.iloc[:0]
    )
    return pd.concat([table.assign(is_in_period=True), later.assign(is_in_period=False)], ignore_index=True)


@twelve_months.finding
def year_on_year(table: pd.DataFrame) -> str:
    """Money of the last twelve months against the twelve before."""
    year = table[table["is_in_period"]] if "is_in_period" in table else table
    now, before = year["won_money"].sum(), year["won_money_previous"].sum()
    money = units.money(now)
    if not before > 0:
        return _("{money} won in twelve months", money=money)
    if now == before:
        return _("{money} won in twelve months, as much as in the twelve before", money=money)
    share = units.share(abs(now / before - 1))
    if now > before:
        return _("{money} won in twelve months, {share} more than in the twelve before", money=money, share=share)
    return _("{money} won in twelve months, {share} less than in the twelve before", money=money, share=share)


@element(
    title=N_("New and repeat customers"),
    measured=N_("Among won deals; repeat: the customer already had a won deal."),
    chart=lambda table, ds: charts.dynamics(ds.memo.once(REPEATS, lambda: long_run(ds, REPEATS)), metrics=REPEATS),
    needs=["repeat_share"],
)
def new_repeat(ds: Dataset) -> pd.DataFrame:
    """Won deals of the period by kind of customer (new, repeat, none): how many, money, checks, cycles, customers, totals."""
    checks = ["average_check", "median_check", "cycle_days", "median_cycle_days"]
    return measure(ds, ["won", "won_money", *checks, "customers"], by="customer_kind", total=True)


@new_repeat.finding
def repeats(table: pd.DataFrame) -> str:
    """How much of the winning is with customers who had bought before."""
    won = without_total(table).set_index("customer_kind_id")["won"]
    k, n = int(won.get("repeat", 0)), int(won.get("repeat", 0) + won.get("new", 0))
    if not n:
        return _("No won deal of the period has a customer")
    share = units.share(k / n)
    return _("{share} of the won deals are with customers who had bought before: {k} of {n}", share=share, k=k, n=n)


@element(
    title=N_("Managers"),
    measured=N_("Line: 95 % interval, the tick is the team. Grey: fewer than 20, do not rank."),
    needs=["manager"],
    mail=("won_money", "won", "conversion"),
)
def managers(
    ds: Dataset, metrics: Sequence[str] = (*MAIN, "in_work_money", "lost_share", "repeat_share")
) -> pd.DataFrame:
    """The metrics per manager, the most money first, with totals where there are several."""
    names = list(dict.fromkeys([*metrics, *ds.settings.own.managers]))
    table = measure(ds, names, by="manager", total=not ds.filters.is_about_one)
    first = ["is_total", *(["won_money"] if "won_money" in table else [])]
    return table.sort_values(first, ascending=[True, False][: len(first)], kind="stable", ignore_index=True)


@managers.finding
def concentration(managers: pd.DataFrame) -> str:
    """How few managers bring half of the money or more."""
    rows = without_total(managers).sort_values("won_money", ascending=False)
    people = rows[rows["manager_id"] != ""] if "manager_id" in rows else rows
    money = rows["won_money"].sum()
    shares = people["won_money"].cumsum() / money if money > 0 else people["won_money"].iloc[:0]
    if len(people) < 2 or not (shares >= 0.5).any():
        return ""
    few = int((shares < 0.5).to_numpy().argmin()) + 1
    share = units.share(shares.iloc[few - 1])
    return many(
        "{n} of {all} managers brings {share} of the money",
        "{n} of {all} managers bring {share} of the money",
        few,
        all=len(people),
        share=share,
    )


@element(
    title=N_("Managers over time"),
    measured=N_("By month, one scale for all. The number is that of the latest full month."),
    chart=lambda table: charts.small_multiples(table, by="manager"),
    needs=["manager"],
)
def managers_over_time(ds: Dataset, metrics: Sequence[str] = (*MAIN[:6], "in_work")) -> pd.DataFrame:
    """The metrics per manager and month."""
    return by_month(ds, metrics)


def by_month(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """The metrics per manager and month: those of the period, and before it as many as make twelve."""
    span = ds.filters.elapsed
    end = pd.Timestamp(span.end) - pd.Timedelta(days=1)
    start = min(pd.Timestamp(span.start), end.to_period("M").start_time - pd.DateOffset(months=11))
    # A period without a beginning, or of many years: three years are as many as a small chart can show.
    start = max(start, end.to_period("M").start_time - pd.DateOffset(months=35))
    table = measure(ds, metrics, by=["manager", "month"], period=Period(start.date(), span.end))
    return table[table["manager_id"] != ""].reset_index(drop=True)


@managers_over_time.finding
def leader(table: pd.DataFrame) -> str:
    """Who was first in most of the months; where nobody was, how many were first in turn."""
    months = table.groupby("start")
    leaders = [row["manager"] for _start, rows in months if (row := largest(rows, "won_money")) is not None]
    first = pd.Series(leaders, dtype=object).value_counts()
    if table["manager_id"].nunique() < 2 or first.empty:
        return ""
    count = many("{n} month", "{n} months", int(first.sum()))
    if 2 * first.iloc[0] > first.sum():
        return _("{manager} was first in {k} of {months}", manager=first.index[0], k=int(first.iloc[0]), months=count)
    return _("Nobody leads: {k} managers were first in {months}", k=len(first), months=count)


@element(
    title=N_("Side by side"),
    measured=N_("Pick one, two or three managers and a number."),
    chart=charts.compared,
    needs=["manager"],
    compares=True,
    rows_elsewhere=True,
)
def managers_compared(ds: Dataset, metrics: Sequence[str] = (*MAIN[:6], "in_work")) -> pd.DataFrame:
    """The same, to be set side by side."""
    return by_month(ds, metrics)


@element(
    title=N_("Sources"),
    measured=N_("Where deals came from and what became of them."),
    needs=["source"],
    mail=("won_money", "created", "conversion"),
)
def sources(ds: Dataset) -> pd.DataFrame:
    """What came from each source and what became of it, with totals; leads too where the portal has any."""
    came = ["created", "created_money", "won", "conversion", "cohort_conversion", "win_rate"]
    return measure(ds, [*came, "won_money", "cycle_days", "lost", *lead_metrics(ds)], by="source", total=True)


@sources.finding
def best_source(table: pd.DataFrame) -> str:
    """Which source brings most money, and which converts better than the rest by more than chance."""
    return ". ".join(filter(None, [_most_money(table), _converting(table)]))


def _most_money(table: pd.DataFrame) -> str:
    if "won_money" not in table:
        return ""
    rows = without_total(table)
    if not (rows["won_money"] > 0).any():
        return _("No source brought money in the period")
    most = largest(rows, "won_money")
    if most is None:
        return ""
    money = units.money(most["won_money"])
    return _("{source} brings most: {money}", source=most["source"], money=money)


def _converting(table: pd.DataFrame) -> str:
    if "conversion" not in table or not whole(table, "conversion")[1]:
        return ""
    k, n = whole(table, "conversion")
    best, share = standing_out(table, "conversion"), units.share(k / n)
    if best is None:
        return _("All together convert {share}, none clearly better", share=share)
    own = units.share(best["conversion"])
    return _(
        "{source} converts {own}, all together {share}: a clear difference", source=best["source"], own=own, share=share
    )
