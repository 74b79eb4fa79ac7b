"""What people do, beside what comes of it. For one manager alone nobody else is named: only the team's medians."""

import numpy as np
import pandas as pd

from .. import charts
from ..measures import frames
from ..measures.activity_index import index_sensitivity
from ..measures.asked import Counted, note_counted
from ..measures.dataset import Dataset
from ..measures.measure import measure, medians, missing
from ..measures.over_time import over_time
from ..measures.privacy import ENOUGH
from ..measures.totals import total_last, total_of, without_total
from ..metrics.statistics import SMALL, rank_correlation
from ..store.columns import records
from ..words import units
from ..words.texts import N_, _
from .deals import kinds
from .element import element
from .sales import by_month, growth, metrics_of

COLUMNS = {
    "call": "calls", "meeting": "meetings", "email": "emails", "crm_activity": "crm_activities", "comment": "comments",
    "stage_move": "stage_moves",
}  # fmt: skip
RESULTS = ["won", "won_money", "average_check", "conversion"]
LIKE = 1.0  # points of the index that count as the same activity
MOST_PAIRS = 6


def alone(ds: Dataset) -> str:
    """Why a comparison with others is left out: it is one manager's own page, which names nobody else; "" else."""
    return _("This page is about one manager and names nobody else.") if ds.filters.is_about_one else ""


def too_few(ds: Dataset) -> str:
    """Why one manager's own page does not even say what is usual: too few people would be behind it; "" else."""
    if not ds.filters.is_about_one or missing(ds, "activity_index"):
        return ""
    if len(medians(ds, ["activity_index"], among=_has_index).dropna()):
        return ""
    return _("Fewer than {n} people can be compared: what is usual among them would tell on one.", n=ENOUGH)


def _of_people(ds: Dataset) -> list[str]:
    """Those that can be told by manager: a stage move counts for the deal's own."""
    return [name for name in kind_metrics(ds) if name != "stage_moves" or "manager" not in ds.lacks]


def kind_metrics(ds: Dataset) -> list[str]:
    """The metrics of the kinds of action that the portal has any data of."""
    return [column for kind, column in COLUMNS.items() if kind not in ds.acts.kinds_without_data]


@element(
    title=N_("What managers do"),
    measured=N_("Completed actions in the period, by who did them."),
    needs=["activity_index", "author"],
    mail=("activity_index", "actions", "won_money"),
)
def activity(ds: Dataset) -> pd.DataFrame:
    """Per manager: index, counts by kind of action, and beside them what came out. Kinds without data are left out.

    The last row is the total; for one manager alone it is the team's median instead, where there are enough people.
    """
    metrics = ["activity_index", *_of_people(ds), "actions", *RESULTS]
    if ds.filters.is_about_one:
        return _beside_team(ds, metrics)
    table = measure(ds, metrics, by="manager", total=True)
    return total_last(table, "activity_index", "won_money")


def _beside_team(ds: Dataset, metrics: list[str]) -> pd.DataFrame:
    """The manager's own row, and the median of everybody who has an index."""
    own = measure(ds, metrics, by="manager")
    own = own[own["manager_id"].isin(ds.filters.ids("manager"))]
    own = own.drop(columns=[name for name in own if name.endswith("_differs")])
    middle = medians(ds, metrics, among=_has_index)
    if middle["activity_index"].isna().all():
        return own.reset_index(drop=True)
    row = {"manager": _("Team median"), "manager_id": "", "is_total": True} | middle.iloc[0].to_dict()
    return pd.concat([own, pd.DataFrame([row]).reindex(columns=own.columns)], ignore_index=True)


def _has_index(table: pd.DataFrame) -> pd.Series:
    return table["activity_index"].notna()


@activity.finding
def who_does_most(table: pd.DataFrame, ds: Dataset) -> str:
    """Who does most; of one manager alone, where he stands beside the middle of the team."""
    return beside_team(table) if ds.filters.is_about_one else most_active(table)


def most_active(activity: pd.DataFrame) -> str:
    """Who does most, and how far behind the middle of the team is."""
    rows = activity[~activity["is_total"] & activity["activity_index"].notna()]
    if rows.empty:
        return _("Nobody acted in the period")
    best = rows.sort_values("activity_index", ascending=False).iloc[0]
    middle = units.write(activity["activity_index"].iloc[-1], "index")
    return _("{manager} does most; the middle of the team is at {middle} of 10", manager=best["manager"], middle=middle)


def beside_team(table: pd.DataFrame) -> str:
    """One manager's index against the anonymous middle of the team."""
    own = without_total(table)
    if own.empty or not own["actions"].iloc[0] > 0:
        return _("Nothing was done in the period")
    if pd.isna(own["activity_index"].iloc[0]):
        return _("{n} actions; the team is too small to be compared with", n=units.count(own["actions"].iloc[0]))
    index = units.write(own["activity_index"].iloc[0], "index")
    team = total_of(table)
    if team.empty:
        return _("Index {index} of 10; the team is too small for a median", index=index)
    return _(
        "Index {index} of 10; the team's median is {middle}",
        index=index,
        middle=units.write(team["activity_index"].iloc[0], "index"),
    )


@activity.note
def without_data(ds: Dataset) -> str:
    """Which kinds of action the portal has no data of, so that nobody reads a missing number as a zero."""
    if missing(ds, "actions") or not ds.acts.kinds_without_data:
        return ""
    names = ", ".join(kinds(pd.Series(ds.acts.kinds_without_data)))
    return _(
        "No data: {kinds}. Nothing of the kind is in the CRM, so they are left out and not shown as zero.", kinds=names
    )


@element(
    title=N_("Activity and results"),
    measured=N_("A point per manager; dotted lines are the medians."),
    chart=lambda table: charts.scatter(table, x="activity_index", y="won_money"),
    needs=["activity_index", "author", "won_money", "manager"],
    missing=too_few,
)
def index_vs_results(ds: Dataset) -> pd.DataFrame:
    """Per manager who has an index: activity_index, won_money, won; for one alone the team's median as `is_total`."""
    metrics = ["activity_index", "won_money", "won"]
    table = _beside_team(ds, metrics) if ds.filters.is_about_one else measure(ds, metrics, by="manager")
    has_both = table["activity_index"].notna() & table["won_money"].notna()
    rows = table[has_both & ((table["manager_id"] != "") | table["is_total"])]
    # A median with nobody beside it is no picture.
    return rows.iloc[: 0 if rows["is_total"].all() else None].reset_index(drop=True)


@index_vs_results.finding
def index_and_results(table: pd.DataFrame, ds: Dataset) -> str:
    """Whether activity and money go together; of one manager alone, both beside the middle of the team."""
    return money_beside_team(table) if ds.filters.is_about_one else correlation(table)


def correlation(table: pd.DataFrame) -> str:
    """How far activity and money go together, with the interval; no causal words."""
    rho, low, high, n = rank_correlation(table["activity_index"], table["won_money"])
    if pd.isna(rho):
        return _("Too few managers to say whether activity and money go together")
    words = {name: units.write(end, "number") for name, end in {"rho": rho, "low": low, "high": high}.items()} | {
        "n": n
    }
    if low <= 0 <= high:
        return _(
            "Activity and money show no clear link: rank correlation {rho} ({low} … {high}, {n} managers)", **words
        )
    if high < 0:
        return _("The more activity, the less money: rank correlation {rho} ({low} … {high}, {n} managers)", **words)
    return _("Activity and money go together: rank correlation {rho} ({low} … {high}, {n} managers)", **words)


def money_beside_team(table: pd.DataFrame) -> str:
    """One manager's won money against the anonymous middle of the team."""
    own, team = without_total(table), total_of(table)
    if own.empty:
        return _("Nothing was done in the period")
    money = units.money(own["won_money"].iloc[0])
    if team.empty:
        return _("{money} won; the team is too small for a median", money=money)
    return _("{money} won; the team's median is {middle}", money=money, middle=units.money(team["won_money"].iloc[0]))


@element(
    title=N_("Who could learn from whom"),
    measured=N_("Alike in activity and unlike in money, or the reverse. A pair is worth a talk, it proves nothing."),
    needs=["activity_index", "author", "won_money", "win_rate", "manager"],
    missing=alone,
)
def learn_from(ds: Dataset) -> pd.DataFrame:
    """Pairs of managers to compare: like activity and unlike results, and less activity with like results.

    `manager` is the one to look at, `other` the one beside. `is_sure`: the 95 % intervals of their win rates do not
    overlap, and both have at least 20 closed deals. Sure ones first, then by the difference in money.
    """
    if ds.filters.is_about_one:
        return pd.DataFrame(columns=PAIR)
    table = measure(ds, ["activity_index", "won_money", "won", "win_rate"], by="manager")
    table = table[table["activity_index"].notna() & (table["manager_id"] != "") & (table["win_rate_n"] > 0)]
    rows = records(table)
    tuples = [_pair(first, second, kind) for first in rows for second in rows if (kind := _kind(first, second))]
    pairs = pd.DataFrame(tuples, columns=[*PAIR, "gap"])
    pairs = pairs.sort_values(["is_sure", "gap"], ascending=False, kind="stable")
    return pairs.drop(columns="gap").drop_duplicates("other_id").head(MOST_PAIRS).reset_index(drop=True)


PAIR = [
    "manager", "manager_id", "other", "other_id", "pair", "activity_index", "other_index", "won_money", "other_won_money",
    "win_rate", "win_rate_k", "win_rate_n", "other_win_rate", "other_win_rate_k", "other_win_rate_n", "is_sure", "sureness",
]  # fmt: skip


def _kind(first: dict, second: dict) -> str:
    """Why the first is worth a look beside the second; "" when she is not."""
    lead = first["activity_index"] - second["activity_index"]
    if first is second or not first["won_money"]:
        return ""
    if abs(lead) <= LIKE and first["won_money"] >= 1.5 * second["won_money"] and first["win_rate"] > second["win_rate"]:
        return _("the same activity, more money")
    if (
        lead <= -2 * LIKE
        and first["won_money"] >= 0.9 * second["won_money"]
        and first["win_rate"] >= second["win_rate"]
    ):
        return _("less activity, no less money")
    return ""


def _pair(first: dict, second: dict, kind: str) -> tuple:
    is_enough = min(first["win_rate_n"], second["win_rate_n"]) >= SMALL
    is_sure = bool(is_enough and first["win_rate_low"] > second["win_rate_high"])
    too_few, may_be_chance = _("too few closed deals to be sure"), _("the win rates' intervals overlap: may be chance")
    sureness = _("clear") if is_sure else may_be_chance if is_enough else too_few
    values = {"manager": first["manager"], "manager_id": first["manager_id"], "other": second["manager"]}
    values |= {"other_id": second["manager_id"], "pair": kind, "is_sure": is_sure, "sureness": sureness}
    values |= {name: first[name] for name in PAIR if name in first and name not in values}
    values |= {"other_index": second["activity_index"], "other_won_money": second["won_money"]}
    values |= {f"other_win_rate{end}": second[f"win_rate{end}"] for end in ("", "_k", "_n")}
    return (*(values[name] for name in PAIR), first["won_money"] - second["won_money"])


@learn_from.finding
def pairs(table: pd.DataFrame) -> str:
    """How many pairs are worth a talk, and of how many it is more than chance."""
    if table.empty:
        return _("No two managers do alike and sell unlike")
    sure = table[table["is_sure"].astype(bool)]
    row = (sure if len(sure) else table).iloc[0]
    text = _("{manager} beside {other}: {pair}", manager=row["manager"], other=row["other"], pair=row["pair"])
    return (
        f"{text}. {_('A clear difference.')}" if len(sure) else f"{text}. {_('It may be chance: see the intervals.')}"
    )


@element(
    title=N_("When people act"),
    measured=N_("Completed actions of the period, in the report's time zone."),
    chart=charts.week,
    needs=["actions"],
)
def week_pattern(ds: Dataset) -> pd.DataFrame:
    """When people act: actions by weekday (0 is Monday) and hour of the day, in the report's time zone."""
    acts = frames.frame(ds, "actions", ds.filters.elapsed)
    local = pd.DatetimeIndex(acts["at"], tz="UTC").tz_convert(ds.filters.zone.key)
    codes = np.asarray(local.day_of_week * 24 + local.hour)
    counts = np.bincount(codes, minlength=7 * 24)
    hours = np.flatnonzero(counts)
    note_counted(ds, "week_pattern", actions=Counted("actions", [codes == hour for hour in hours]))
    return pd.DataFrame({"weekday": hours // 24, "hour": hours % 24, "actions": counts[hours]})


@week_pattern.finding
def busiest(table: pd.DataFrame) -> str:
    """On which weekday and in which hour most is done."""
    if table.empty:
        return _("Nobody acted in the period")
    day = table.groupby("weekday")["actions"].sum()
    hour = table.groupby("hour")["actions"].sum()
    share = units.share(day.max() / day.sum())
    return _(
        "Busiest: {day} ({share} of the actions) and the hour from {hour}:00",
        day=units.weekday(int(day.idxmax())),
        share=share,
        hour=int(hour.idxmax()),
    )


@element(
    title=N_("Actions over time"),
    measured=N_("By the day of the action. The running period is paler and has a star."),
    chart=lambda table: charts.dynamics(table, metrics=metrics_of(table)),
    needs=["actions"],
)
def actions_over_time(ds: Dataset) -> pd.DataFrame:
    """Actions of all kinds and of each, by week, month, quarter and year of the period."""
    return over_time(ds, ["actions", *kind_metrics(ds)])


@actions_over_time.finding
def more_or_less_done(table: pd.DataFrame, ds: Dataset) -> str:
    """How the number of actions moved against the period before."""
    return growth(table, ds)


@element(
    title=N_("Actions per manager"),
    measured=N_("By month, one scale for all. The number is that of the latest full month."),
    chart=lambda table: charts.small_multiples(table, by="manager"),
    needs=["actions", "author"],
)
def actions_by_manager(ds: Dataset) -> pd.DataFrame:
    """Actions of all kinds and of each, per manager and month."""
    return by_month(ds, ["actions", *_of_people(ds)])


@element(
    title=N_("Does the ranking survive other weights?"),
    measured=N_("Each weight is halved and raised by half; 1 is the same order. Nothing else changes."),
    needs=["activity_index", "author"],
    missing=too_few,
)
def sensitivity(ds: Dataset) -> pd.DataFrame:
    """Whether the ranking survives other weights: a row per kind and change; for one manager alone nobody is named."""
    table = index_sensitivity(ds)
    return table.assign(kind=kinds(table["kind"]))


@sensitivity.finding
def sensitive(table: pd.DataFrame) -> str:
    """Whether the ranking survives other weights."""
    if table.empty:
        return _("Nobody acted in the period")
    same = int(table["keeps_ranking"].sum())
    # Two kinds that move it alike differ in the last digit: the first of them is named.
    worst = table.sort_values("rank_correlation", key=lambda rho: rho.round(9), kind="stable").iloc[0]
    words = {"k": same, "n": len(table), "rho": units.write(worst["rank_correlation"], "number"), "kind": worst["kind"]}
    if same == len(table):
        return _("The ranking survives every other weight that was tried")
    return _("The ranking is the same in {k} of {n} trials; it moves most with {kind}: {rho}", **words)


@element(
    title=N_("What an action weighs"),
    measured=N_("The weights of the activity index; they are set in reports.toml."),
    needs=["activity_index"],
)
def weights(ds: Dataset) -> pd.DataFrame:
    """The weights of the activity index: kind, weight, actions of the period; kinds without data have no count."""
    acts = frames.frame(ds, "actions", ds.filters.elapsed)
    names = pd.Series(list(ds.settings.weights))
    masks = [np.asarray(acts["kind"] == kind) for kind in names]
    note_counted(ds, "weights", actions=Counted("actions", masks))
    counts = {kind: int(mask.sum()) for kind, mask in zip(names, masks, strict=True)}
    values = names.map(counts).astype(float).where(~names.isin(ds.acts.kinds_without_data))
    return pd.DataFrame({"kind": kinds(names), "weight": list(ds.settings.weights.values()), "actions": values})
