"""What a table says, in one computed sentence with its number: the heading over a chart or a table."""

import pandas as pd

from . import units
from .dataset import Dataset
from .measures import missing, one
from .metrics.statistics import SMALL, rank_correlation
from .registry import column
from .texts import _, many


def growth(tiles: pd.DataFrame, metric: str) -> str:
    """How the metric moved against the period before."""
    row = tiles.set_index("metric").loc[metric]
    title = column(metric).title
    if pd.isna(row["change"]):
        return _("{title}: {value}", title=title, value=units.write(row["value"], column(metric).unit))
    before = units.write(row["previous"], column(metric).unit)
    share = units.write(abs(row["change"]), "share")
    if row["change"] == 0:
        return _("{title} did not change: {before} before", title=title, before=before)
    if row["change"] > 0:
        return _("{title} grew by {share}, from {before}", title=title, share=share, before=before)
    return _("{title} fell by {share}, from {before}", title=title, share=share, before=before)


def concentration(managers: pd.DataFrame) -> str:
    """How few managers bring more than half of the money."""
    rows = managers[~managers["is_total"]].sort_values("won_money", ascending=False)
    whole = rows["won_money"].sum()
    if not whole or len(rows) < 2:
        return ""
    shares = rows["won_money"].cumsum() / whole
    few = int((shares < 0.5).sum()) + 1
    share = units.write(shares.iloc[few - 1], "share")
    return many(
        "{n} of {all} managers brings {share} of the money", "{n} of {all} managers bring {share} of the money",
        few, all=len(rows), share=share,
    )  # fmt: skip


def narrow_place(steps: pd.DataFrame) -> str:
    """The step that the smallest share passes."""
    worst = steps[steps["is_narrowest"]].sort_values("stage_conversion_n", ascending=False)
    if worst.empty:
        return _("Too few deals to name a narrow place: no step has {n}", n=SMALL)
    row = worst.iloc[0]
    stuck = int(row["stage_conversion_n"] - row["stage_conversion_k"])
    return _(
        "The narrow place is {stage} → {next}: {stuck} of {n} deals went no further",
        stage=row["stage"], next=row["to_stage"], stuck=stuck, n=int(row["stage_conversion_n"]),
    )  # fmt: skip


def who_differs(conversion: pd.DataFrame) -> str:
    """Whether anybody's step differs from the team's by more than chance."""
    said = conversion[conversion["stage_conversion_differs"].eq(True)] if len(conversion) else conversion
    if said.empty:
        return _("Nobody differs from the team by more than chance would do")
    names = ", ".join(dict.fromkeys(said["manager"]))
    return _("More than chance: {names} against the rest of the team", names=names)


def top_reason(reasons: pd.DataFrame) -> str:
    """The most frequent reason for losing."""
    if reasons.empty:
        return _("Nothing was lost in the period")
    row = reasons.iloc[0]
    share = units.write(row["share_of_lost"], "share")
    return _("{reason}: {share} of what was lost", reason=row["loss_reason"], share=share)


def deals_listed(deals: pd.DataFrame) -> str:
    """How long the list is."""
    return many(
        "{n} deal was created or closed in the period", "{n} deals were created or closed in the period", len(deals)
    )


def correlation(table: pd.DataFrame) -> str:
    """How far activity and money go together, with the interval; no causal words."""
    rho, low, high, n = rank_correlation(table["activity_index"], table["won_money"])
    if pd.isna(rho):
        return _("Too few managers to say whether activity and money go together")
    said = {name: units.write(end, "number") for name, end in {"rho": rho, "low": low, "high": high}.items()} | {"n": n}
    if low <= 0 <= high:
        return _("Activity and money show no clear link: rank correlation {rho} ({low} … {high}, {n} managers)", **said)
    if high < 0:
        return _("The more activity, the less money: rank correlation {rho} ({low} … {high}, {n} managers)", **said)
    return _("Activity and money go together: rank correlation {rho} ({low} … {high}, {n} managers)", **said)


def most_active(activity: pd.DataFrame) -> str:
    """Who does most, and how far behind the middle of the team is."""
    rows = activity[~activity["is_total"] & activity["activity_index"].notna()]
    if rows.empty:
        return _("Nobody acted in the period")
    best = rows.sort_values("activity_index", ascending=False).iloc[0]
    middle = units.write(activity["activity_index"].iloc[-1], "index")
    return _("{manager} does most; the middle of the team is at {middle} of 10", manager=best["manager"], middle=middle)


def forgotten(ds: Dataset) -> str:
    """How many deals in work are forgotten, and their money; nothing where the source can't tell."""
    if missing(ds, "forgotten"):
        return ""
    money = units.write(one(ds, "forgotten_money"), "money", form="tile")
    return many(
        "{n} of {all} deals in work is forgotten: {money}", "{n} of {all} deals in work are forgotten: {money}",
        int(one(ds, "forgotten")), all=int(one(ds, "in_work")), money=money,
    )  # fmt: skip


def worst_share(table: pd.DataFrame, name: str) -> str:
    """Who or what has forgotten most, by count and share."""
    rows = table[~table["is_total"] & (table["forgotten"] > 0)]
    if rows.empty:
        return _("Nothing is forgotten")
    row = rows.sort_values("forgotten", ascending=False).iloc[0]
    said = {"name": row[name], "k": int(row["forgotten"]), "share": units.write(row["forgotten_share"], "share")}
    return _("{name}: {k} forgotten, {share} of what is in work there", **said)


def year_on_year(table: pd.DataFrame) -> str:
    """Money of the last twelve months against the twelve before."""
    now, before = table["won_money"].sum(), table["won_money_previous"].sum()
    if not before:
        return _("{money} won in twelve months", money=units.write(now, "money", form="tile"))
    share = units.write(abs(now / before - 1), "share")
    said = {"money": units.write(now, "money", form="tile"), "share": share}
    if now >= before:
        return _("{money} won in twelve months, {share} more than in the twelve before", **said)
    return _("{money} won in twelve months, {share} less than in the twelve before", **said)
