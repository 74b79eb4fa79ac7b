"""What people do, beside what comes of it. For one manager alone nobody else is named: only the team's medians."""

import numpy as np
import pandas as pd

from .. import frames
from ..columns import records
from ..dataset import Dataset
from ..filters import Period
from ..measures import index_sensitivity, measure, over_time
from ..metrics.statistics import SMALL
from ..texts import _
from .deals import kinds

COLUMNS = {
    "call": "calls", "meeting": "meetings", "email": "emails", "crm_activity": "crm_activities", "comment": "comments",
    "stage_move": "stage_moves",
}  # fmt: skip
RESULTS = ["won", "won_money", "average_check", "conversion"]
ENOUGH = 5  # a median of fewer people would tell on one of them
LIKE = 1.0  # points of the index that count as the same activity
MOST_PAIRS = 6


def alone(ds: Dataset) -> str:
    """Why a comparison with others is left out: the report is about one manager, who may be shown it; "" else.

    Then it holds nobody else's names or numbers.
    """
    if len(ds.filters.manager) != 1:
        return ""
    return _("This page is about one manager and names nobody else.")


def kind_metrics(ds: Dataset) -> list[str]:
    """The metrics of the kinds of action that the portal has any data of."""
    return [column for kind, column in COLUMNS.items() if kind not in ds.kinds_without_data]


def activity(ds: Dataset) -> pd.DataFrame:
    """Per manager: index, counts by kind of action, and beside them what came out. Kinds without data are left out.

    The last row is the total; for one manager alone it is the team's median instead, where there are enough people.
    """
    metrics = ["activity_index", *kind_metrics(ds), "actions", *RESULTS]
    if alone(ds):
        return _beside_team(ds, metrics)
    table = measure(ds, metrics, by="manager", total=True)
    body = table[~table["is_total"]].sort_values(["activity_index", "won_money"], ascending=False)
    return pd.concat([body, table[table["is_total"]]], ignore_index=True)


def _beside_team(ds: Dataset, metrics: list[str]) -> pd.DataFrame:
    """The manager's own row, and the median of everybody who has an index."""
    own = measure(ds, metrics, by="manager")
    own = own[own["manager_id"].isin(ds.filters.ids("manager"))]
    own = own.drop(columns=[name for name in own if name.endswith("_differs")])
    team = measure(ds.team, metrics, by="manager")
    team = team[team["activity_index"].notna() & (team["manager_id"] != "")]
    if len(team) < ENOUGH:
        return own.reset_index(drop=True)
    middle = team[metrics].median(numeric_only=True)
    row = {"manager": _("Team median"), "manager_id": "", "is_total": True} | middle.to_dict()
    return pd.concat([own, pd.DataFrame([row]).reindex(columns=own.columns)], ignore_index=True)


def index_vs_results(ds: Dataset) -> pd.DataFrame:
    """Per manager who has an index: activity_index, won_money, won; for one alone the team's median as `is_total`."""
    metrics = ["activity_index", "won_money", "won"]
    table = _beside_team(ds, metrics) if alone(ds) else measure(ds, metrics, by="manager")
    known = table["activity_index"].notna() & table["won_money"].notna()
    kept = table[known & ((table["manager_id"] != "") | table["is_total"])]
    # A median with nobody beside it is no picture.
    return kept.iloc[: 0 if kept["is_total"].all() else None].reset_index(drop=True)


def learn_from(ds: Dataset) -> pd.DataFrame:
    """Pairs of managers to compare: like activity and unlike results, and less activity with like results.

    `manager` is the one to look at, `other` the one beside. `is_sure`: the 95 % intervals of their win rates do not
    overlap, and both have at least 20 closed deals. Sure ones first, then by the difference in money.
    """
    if alone(ds):
        return pd.DataFrame(columns=PAIR)
    table = measure(ds, ["activity_index", "won_money", "won", "win_rate"], by="manager")
    table = table[table["activity_index"].notna() & (table["manager_id"] != "") & (table["win_rate_n"] > 0)]
    rows = records(table)
    found = [_pair(one, other, kind) for one in rows for other in rows if (kind := _kind(one, other))]
    pairs = pd.DataFrame(found, columns=[*PAIR, "gap"])
    pairs = pairs.sort_values(["is_sure", "gap"], ascending=False, kind="stable")
    return pairs.drop(columns="gap").drop_duplicates("other_id").head(MOST_PAIRS).reset_index(drop=True)


PAIR = [
    "manager", "manager_id", "other", "other_id", "pair", "activity_index", "other_index", "won_money", "other_won_money",
    "win_rate", "win_rate_k", "win_rate_n", "other_win_rate", "other_win_rate_k", "other_win_rate_n", "is_sure", "sureness",
]  # fmt: skip


def _kind(one: dict, other: dict) -> str:
    """Why `one` is worth a look beside `other`; "" when she is not."""
    more = one["activity_index"] - other["activity_index"]
    if one is other or not one["won_money"]:
        return ""
    if abs(more) <= LIKE and one["won_money"] >= 1.5 * other["won_money"] and one["win_rate"] > other["win_rate"]:
        return _("the same activity, more money")
    if more <= -2 * LIKE and one["won_money"] >= 0.9 * other["won_money"] and one["win_rate"] >= other["win_rate"]:
        return _("less activity, no less money")
    return ""


def _pair(one: dict, other: dict, kind: str) -> tuple:
    enough = min(one["win_rate_n"], other["win_rate_n"]) >= SMALL
    is_sure = bool(enough and one["win_rate_low"] > other["win_rate_high"])
    few, overlap = _("too few closed deals to be sure"), _("the win rates' intervals overlap: may be chance")
    said = _("more than chance") if is_sure else overlap if enough else few
    values = {"manager": one["manager"], "manager_id": one["manager_id"], "other": other["manager"]}
    values |= {"other_id": other["manager_id"], "pair": kind, "is_sure": is_sure, "sureness": said}
    values |= {name: one[name] for name in PAIR if name in one and name not in values}
    values |= {"other_index": other["activity_index"], "other_won_money": other["won_money"]}
    values |= {f"other_win_rate{end}": other[f"win_rate{end}"] for end in ("", "_k", "_n")}
    return (*(values[name] for name in PAIR), one["won_money"] - other["won_money"])


def managers_over_time(ds: Dataset, metrics: list[str]) -> pd.DataFrame:
    """The metrics per manager and month: those of the period, and before it as many as make twelve."""
    span = ds.filters.elapsed
    end = pd.Timestamp(span.end) - pd.Timedelta(days=1)
    start = min(pd.Timestamp(span.start), end.to_period("M").start_time - pd.DateOffset(months=11))
    # A period without a beginning, or of many years: three years are as many as a small chart can show.
    start = max(start, end.to_period("M").start_time - pd.DateOffset(months=35))
    table = measure(ds, metrics, by=["manager", "month"], period=Period(start.date(), span.end))
    return table[table["manager_id"] != ""].reset_index(drop=True)


def week_pattern(ds: Dataset) -> pd.DataFrame:
    """When people act: actions by weekday (0 is Monday) and hour of the day, in the report's time zone."""
    acts = frames.frame(ds, "actions", ds.filters.elapsed)
    local = pd.DatetimeIndex(acts["at"], tz="UTC").tz_convert(ds.filters.zone.key)
    counted = np.bincount(local.day_of_week * 24 + local.hour, minlength=7 * 24)
    hours = np.flatnonzero(counted)
    return pd.DataFrame({"weekday": hours // 24, "hour": hours % 24, "actions": counted[hours]})


def actions_over_time(ds: Dataset) -> pd.DataFrame:
    """Actions of all kinds and of each, by week, month, quarter and year of the period."""
    return over_time(ds, ["actions", *kind_metrics(ds)])


def sensitivity(ds: Dataset) -> pd.DataFrame:
    """Whether the ranking survives other weights: a row per kind and change; for one manager alone nobody is named."""
    table = index_sensitivity(ds.team if alone(ds) else ds)
    table = table.assign(kind=kinds(table["kind"]))
    return table.drop(columns="who_moves") if alone(ds) else table


def weights(ds: Dataset) -> pd.DataFrame:
    """The weights of the activity index: kind, weight, actions of the period; kinds without data have no count."""
    acts = frames.frame(ds, "actions", ds.filters.elapsed)
    known = pd.Series(list(ds.settings.weights))
    counts = {kind: int(np.sum(acts["kind"] == kind)) for kind in known}
    counted = known.map(counts).astype(float).where(~known.isin(ds.kinds_without_data))
    return pd.DataFrame({"kind": kinds(known), "weight": list(ds.settings.weights.values()), "actions": counted})
