"""Shall we make it? The plan against what was won: in all, by manager, department and month."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import numpy as np
import pandas as pd

from .. import charts
from ..filters import Period
from ..filters.periods import cut, label, last_months, shift
from ..measures import frames
from ..measures.asked import note
from ..measures.dataset import Dataset
from ..measures.forecast import Forecast
from ..measures.measure import measure, value_of
from ..measures.totals import without_total
from ..metrics.registry import column, find
from ..store.columns import records
from ..words import units
from ..words.texts import N_, _, many
from .element import element
from .forecast import in_short, without_past
from .headline import largest
from .tiles import tiles

NUMBERS = ("plan", "won_money", "attainment", "pace", "pace_share", "gap", "needed_per_day")
WITHOUT = ("won_money", "won", "conversion", "average_check", "in_work_money")  # what a page without a plan begins with
BY_MONTH = ("plan", "won_money", "attainment", "gap")


def lack(ds: Dataset) -> str:
    """Why the page has no plan; "" when it has one."""
    return ds.plan.lack(ds.filters.period)


@element(title=N_("In short"), id="tiles", drawn="tiles")
def plan_tiles(
    ds: Dataset, metrics: Sequence[str] = ("plan", "won_money", "attainment", "pace", "forecast", "needed_per_day")
) -> pd.DataFrame:
    """The plan's numbers in short; of a page without a plan what was won, against the same days a year earlier."""
    return tiles(ds, WITHOUT if lack(ds) else metrics).table


@plan_tiles.note
def why_no_plan(ds: Dataset) -> str:
    """Why there is no plan, and how to get one; else what of working days is not known."""
    return lack(ds) or ds.settings.calendar.gaps(ds.filters.period.start, ds.filters.period.end)


@element(
    title=N_("The way to the plan"),
    measured=N_("Won from the first day on; plan and forecast rise on working days alone."),
    chart=charts.pace,
    needs=["closing", "amount", "outcomes"],
    leads_to="deciding",
)
def pace(ds: Dataset) -> pd.DataFrame:
    """A row per day of the period: what was won up to its end, where the plan should stand, the same of the year before, the forecast."""
    whole, plan = ds.filters.period, ds.plan.whole(ds.filters.period)
    days = [whole.start + timedelta(number) for number in range(whole.days)]
    worked = np.cumsum([ds.settings.calendar.is_working(day) for day in days], dtype=float)
    line = plan * worked / worked[-1] if len(days) and worked[-1] else np.full(len(days), np.nan)
    table = pd.DataFrame({"day": days, "so_far": _so_far(ds, ds.filters.elapsed, len(days))})
    table = table if np.isnan(plan) else table.assign(pace=line)
    before = ds.filters.previous if ds.filters.comparison == "year_ago" else None
    table = table.assign(so_far_previous=_so_far(ds, before, len(days))) if before else table
    return table.assign(**_cone(ds, len(days)))


def _cone(ds: Dataset, length: int) -> dict[str, np.ndarray]:
    """The forecast and its ends from the last day that is told of to the period's end; nothing where there is no forecast."""
    if not ds.filters.is_running or without_past(ds):
        return {}
    told = ds.filters.elapsed.days
    days = [ds.filters.period.start + timedelta(number) for number in range(told, length)]
    worked = np.cumsum([ds.settings.calendar.is_working(day) for day in days], dtype=float)
    share = worked / worked[-1] if worked[-1] else np.arange(1, len(days) + 1) / len(days)
    first = max(told - 1, 0)  # where the cone has its tip
    foretold = Forecast.of(ds).by_then(np.concatenate([np.zeros(told - first), share]))
    return {name: np.concatenate([np.full(first, np.nan), money]) for name, money in foretold.items()}


def _so_far(ds: Dataset, period: Period, length: int) -> np.ndarray:
    """What was won up to the end of each day of the period; missing on those to come."""
    daily = measure(ds, ["won_money"], by="day", period=period)["won_money"].to_numpy(float)[:length]
    return np.concatenate([np.cumsum(np.nan_to_num(daily)), np.full(length - len(daily), np.nan)])


@pace.note
def what_is_likely(ds: Dataset) -> str:
    """What the period will bring, and which deals decide that."""
    return in_short(ds)


@pace.finding
def shall_we_make_it(table: pd.DataFrame, ds: Dataset) -> str:
    """Whether the plan is made, or how far ahead of the pace or behind it, and what each day that is left must bring."""
    if lack(ds):
        return _("Won so far: {money}", money=units.money(value_of(ds, "won_money")))
    return standing(ds)


def standing(ds: Dataset) -> str:
    """Where the plan of the page stands, in a sentence without a full stop."""
    plan, fact, due, share, needed, brought = (
        value_of(ds, name) for name in ("plan", "won_money", "pace", "attainment", "needed_per_day", "brought_per_day")
    )
    words = {"fact": units.money(fact), "plan": units.money(plan), "share": units.share(share)}
    if fact >= plan:
        return _("The plan is made: {fact} of {plan}, {share}", **words)
    if not ds.filters.is_running:
        return _("The plan was missed by {gap}: {fact} of {plan}, {share}", gap=units.money(plan - fact), **words)
    return _beside_pace(fact - due, words) + _left(ds, needed, brought)


def _beside_pace(apart: float, words: Mapping[str, str]) -> str:
    """How far ahead of the pace or behind it the fact is."""
    money = units.money(abs(apart))
    if abs(apart) < 0.005:
        return _("{fact} of {plan} is won, just on pace", **words)
    if apart > 0:
        return _("{fact} of {plan} is won, {apart} ahead of the pace", apart=money, **words)
    return _("{fact} of {plan} is won, {apart} behind the pace", apart=money, **words)


def _left(ds: Dataset, needed: float, brought: float) -> str:
    """What each working day that is left must bring, beside what one has brought."""
    first = max(ds.filters.day_ahead, ds.filters.period.start)
    left = ds.settings.calendar.working_days(first, ds.filters.period.end)
    if not left:
        return _("; no working day is left")
    words = {"needed": units.money(needed), "brought": units.money(brought)}
    if units.is_missing(brought):
        return many(
            "; the {n} working day left must bring {needed}",
            "; each of the {n} working days left must bring {needed}",
            left,
            **words,
        )
    return many(
        "; the {n} working day left must bring {needed}, a day so far brought {brought}",
        "; each of the {n} working days left must bring {needed}, a day so far brought {brought}",
        left,
        **words,
    )


@element(
    title=N_("Plan by manager"),
    measured=N_("Who has no plan has none, not 0. Pace: where the plan should stand by now."),
    needs=["manager"],
    missing=lack,
    mail=("won_money", "plan", "attainment"),
)
def plan_by_manager(ds: Dataset, metrics: Sequence[str] = NUMBERS) -> pd.DataFrame:
    """Plan, fact and pace per manager, the furthest first; what of the plan nobody has; the total where there are several."""
    return _by(ds, "manager", metrics)


@plan_by_manager.finding
def who_is_on_pace(table: pd.DataFrame) -> str:
    """How many are on pace, and who leads."""
    rows = without_total(table)
    rows = rows[rows["pace_share"].notna() & (rows["manager_id"] != "")]
    if rows.empty:
        return ""
    if len(rows) == 1:
        row = rows.iloc[0]
        return _("{share} of the plan is there: {fact} of {plan}", share=units.share(row["attainment"]),
                 fact=units.money(row["won_money"]), plan=units.money(row["plan"]))  # fmt: skip
    count = int((rows["pace_share"] >= 1).sum())
    head = many("{n} of {all} managers is on pace", "{n} of {all} managers are on pace", count, all=len(rows))
    first = largest(rows, "attainment")
    if first is None:
        return head
    return head + _(
        "; {manager} leads with {share} of the plan", manager=first["manager"], share=units.share(first["attainment"])
    )


@plan_by_manager.note
def how_they_add_up(ds: Dataset) -> str:
    """Whether the company's plan is the sum of its managers', and by how much it is not."""
    if lack(ds) or ds.filters.is_about_people:
        return ""
    people = ds.plan.managers(ds.filters.period)
    whole, own = ds.plan.whole(ds.filters.period), sum(people.values())
    if not people or abs(whole - own) < 0.005:
        return ""
    words = {"whole": units.money(whole), "own": units.money(own), "apart": units.money(abs(whole - own))}
    if whole > own:
        return _(
            "The company's plan is {whole}, its managers' add up to {own}: {apart} is handed out to nobody.", **words
        )
    return _("The company's plan is {whole}, its managers' add up to {own}: {apart} more is handed out.", **words)


@element(
    title=N_("Plan by department"),
    measured=N_("A department with all its people; a manager counts in the first of his departments."),
    needs=["department"],
    missing=lack,
    mail=("won_money", "plan", "attainment"),
)
def plan_by_department(ds: Dataset, metrics: Sequence[str] = NUMBERS) -> pd.DataFrame:
    """The same per department."""
    return _by(ds, "department", metrics)


@plan_by_department.finding
def which_department(table: pd.DataFrame) -> str:
    """Which department has most of its plan."""
    first = largest(without_total(table).query("department_id != ''"), "attainment")
    if first is None:
        return ""
    return _(
        "{department} leads with {share} of its plan",
        department=first["department"],
        share=units.share(first["attainment"]),
    )


def _by(ds: Dataset, by: str, metrics: Sequence[str]) -> pd.DataFrame:
    """The rows that have a plan or a fact, by how much of the plan is there; what nobody has stands last, without rates."""
    table = measure(ds, metrics, by=by, total=not ds.filters.is_about_one)
    id = f"{by}_id"
    rest = ~table["is_total"] & (table[id] == "") & (table["won_money"] == 0)
    table.loc[rest, by] = _("handed out to nobody")
    table.loc[rest, [name for name in ("attainment", "pace_share", "needed_per_day") if name in table]] = np.nan
    table = table[table["is_total"] | table["plan"].notna() | (table["won_money"] != 0)]
    is_last = table["is_total"] * 2 + (table[id] == "") * 1
    order = pd.DataFrame({"last": is_last, "share": -table["attainment"].fillna(-1), "money": -table["won_money"]})
    return table.loc[order.sort_values(["last", "share", "money"], kind="stable").index].reset_index(drop=True)


@element(
    title=N_("Plan by month"),
    measured=N_("Each month whole, by the plan as it is known now."),
    missing=lambda ds: "" if _planned_months(ds) else lack(ds) or _("No month has a plan of its own."),
    mail=("won_money", "plan", "attainment"),
)
def plan_by_month(ds: Dataset) -> pd.DataFrame:
    """A row per month that has a plan, of the twelve to the period's end, the newest first: plan, fact, attainment, gap."""
    months = _planned_months(ds)
    note(ds, map(find, BY_MONTH), [], Period(months[0].start, months[-1].end), ["month"])
    return pd.DataFrame([_month(ds, month) for month in reversed(months)])


def _planned_months(ds: Dataset) -> list[Period]:
    """The whole months of the year to the period's end, those within it included, that have begun and have a plan."""
    end = min(ds.filters.period.end, shift("month", ds.filters.today.replace(day=1), 1))
    months = cut(Period(last_months(end)[0].start, end), "month")
    wholes = [Period(month.start, shift("month", month.start, 1)) for month in months]
    return [
        month for month in wholes if month.start <= ds.filters.today and ds.plan.whole(month) == ds.plan.whole(month)
    ]


def _month(ds: Dataset, month: Period) -> dict[str, object]:
    rows = frames.frame(ds, "plans", month)
    numbers = {name: find(name).of_all(rows) for name in BY_MONTH if find(name).on == "plans"}
    numbers["won_money"] = find("won_money").of_all(frames.frame(ds, "events", month))
    running = month.start <= ds.filters.today < month.end and ds.filters.day_ahead < month.end
    return {
        "size": "month", "period": label(month.start, "month"), "start": month.start, "is_running": running,
        **{name: numbers[name] for name in BY_MONTH},
    }  # fmt: skip


@plan_by_month.finding
def how_often(table: pd.DataFrame) -> str:
    """In how many of the months that are over the plan was made."""
    over = [row for row in records(table) if not row["is_running"]]
    if not over:
        return ""
    made = sum(row["attainment"] >= 1 for row in over)
    return many(
        "The plan was made in {n} of {all} months", "The plan was made in {n} of {all} months", made, all=len(over)
    )


@element(
    title=N_("What else is planned"),
    measured=N_("Each number of plan.csv but won money, for the whole period."),
    missing=lambda ds: "" if _others(ds) else _("Nothing but won money is planned for these days."),
)
def plan_of_others(ds: Dataset) -> pd.DataFrame:
    """A row per metric that is planned besides won money: plan, what there is of it so far, and the share."""
    rows = [_other(ds, name, plan) for name, plan in _others(ds).items()]
    return pd.DataFrame(rows, columns=["planned_metric", "planned", "there", "share_there"])


def _others(ds: Dataset) -> dict[str, float]:
    """What is planned for the period and its filters, by metric."""
    plans = {name: ds.plan.of_metric(name).whole(ds.filters.period) for name in ds.plan.metrics}
    return {name: plan for name, plan in plans.items() if not np.isnan(plan)}


def _other(ds: Dataset, name: str, plan: float) -> dict[str, object]:
    fact, entry = float(value_of(ds, name)), column(name)
    texts = {"planned": units.write(plan, entry.unit), "there": units.write(fact, entry.unit)}
    return {"planned_metric": entry.title, **texts, "share_there": fact / plan if plan else np.nan}


@plan_of_others.finding
def how_many_are_made(table: pd.DataFrame) -> str:
    """How many of these plans are made."""
    made = int((table["share_there"] >= 1).sum())
    return many("{n} of {all} other plans is made", "{n} of {all} other plans are made", made, all=len(table))
