"""Deals in work that nobody touches: whose they are, how long silent, and what there is to do."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from .. import charts
from ..filters import first_instant
from ..measures.asked import Counted, note_counted
from ..measures.dataset import Dataset
from ..measures.frames import stock_at
from ..measures.lists import CHANCE, links
from ..measures.measure import measure, missing, value_of
from ..measures.slices import utc
from ..measures.totals import total_last
from ..store.columns import DAY, ratio
from ..words import units
from ..words.texts import N_, _, many
from .deals import first_of, kinds, own_columns
from .element import element
from .headline import standing_out, whole
from .stages import with_pipeline

THRESHOLDS = (7, 14, 21, 30, 60)
EDGES = (0, 7, 14, 21, 30, 60, 90, 180)
NIGHTS = 12  # weeks back
SILENT = [
    "title", "url", "customer", "manager", "manager_id", "department", "pipeline", "stage", "days_silent",
    "last_action_at", "last_action_kind", "crm_trace_at", "next_step", "next_step_at", "money", "chance", "chance_k",
    "chance_n", "money_at_risk", "deal_id", "is_forgotten", "is_without_step", "is_overdue",
]  # fmt: skip


def forgotten_by(ds: Dataset, dimension: str) -> pd.DataFrame:
    """Forgotten deals by department, manager or stage, with totals; the most forgotten money first."""
    metrics = ["in_work", "forgotten", "forgotten_share", "forgotten_money", "no_next_step", "next_step_overdue"]
    table = measure(ds, [*metrics, "days_silent", "days_in_current_stage"], by=dimension, total=True)
    table = total_last(table, "forgotten_money", "forgotten")
    return with_pipeline(ds, table) if dimension == "stage" else table


@element(
    title=N_("Forgotten, by department"),
    needs=["forgotten", "department"],
    leads_to="deals",
    compares=True,
    mail=("forgotten", "forgotten_share", "forgotten_money"),
)
def by_department(ds: Dataset) -> pd.DataFrame:
    """Forgotten deals by department."""
    return forgotten_by(ds, "department")


@by_department.finding
def worst_department(table: pd.DataFrame) -> str:
    """Which department has forgotten most."""
    return worst_share(table, "department")


@element(
    title=N_("Forgotten, by manager"),
    measured=N_("Share: of the manager's deals in work."),
    needs=["forgotten", "manager"],
    leads_to="deals",
    compares=True,
    mail=("forgotten", "forgotten_share", "forgotten_money"),
)
def by_manager(ds: Dataset) -> pd.DataFrame:
    """Forgotten deals by manager."""
    return forgotten_by(ds, "manager")


@by_manager.finding
def worst_manager(table: pd.DataFrame) -> str:
    """Which manager has forgotten most."""
    return worst_share(table, "manager")


@element(
    title=N_("Forgotten, by stage"),
    measured=N_("Share: of the deals in work on that stage."),
    needs=["forgotten", "stage"],
    leads_to="deals",
)
def by_stage(ds: Dataset) -> pd.DataFrame:
    """Forgotten deals by stage."""
    return forgotten_by(ds, "stage")


@by_stage.finding
def worst_stage(table: pd.DataFrame) -> str:
    """Which stage has forgotten most."""
    return worst_share(table, "stage")


def worst_share(table: pd.DataFrame, name: str) -> str:
    """Who or what forgets a larger share of what is in work there than the rest, by more than chance; else the whole."""
    k, n = whole(table, "forgotten_share") if len(table) else (0, 0)
    if not k:
        return _("Nothing is forgotten")
    share, row = units.share(k / n), standing_out(table, "forgotten_share")
    k, n = (units.count(number) for number in (k, n))
    if row is None:
        return _("{k} of {n} are forgotten, {share}; no row clearly differs from the rest", k=k, n=n, share=share)
    own = {half: units.count(row[f"forgotten_share_{half}"]) for half in ("k", "n")}
    return _(
        "{name}: {k} of {n} forgotten, {own}; all together {share}: a clear difference.",
        name=row[name],
        own=units.share(row["forgotten_share"]),
        share=share,
        **own,
    )


@element(title=N_("Deals"), measured=N_("The title opens the deal in the CRM."), id="deals", needs=["forgotten"])
def forgotten_deals(ds: Dataset) -> pd.DataFrame:
    """A to-do list: the forgotten deals, the most money at risk first, then the most money, then the longest silent.

    After them those that are not forgotten, and have no next step (is_without_step) or one that is_overdue.
    """
    rows = ds.open_deals.merge(ds.forgotten_deals[["deal_id", *CHANCE]], on="deal_id", how="left")
    rows = rows[rows["is_forgotten"] | rows["has_no_next_step"] | rows["is_overdue"]]
    overdue = rows["is_overdue"].map({True: _("overdue"), False: _("planned")})
    step = overdue.where(rows["has_next_step"], _("none"))
    words = {
        "next_step": step,
        "last_action_kind": kinds(rows["last_action_kind"]),
        "is_without_step": rows["has_no_next_step"],
    }
    order = {"is_forgotten": False, "money_at_risk": False, "money": False, "days_silent": False, "deal_id": True}
    return first_of(rows.assign(**words).reindex(columns=[*SILENT, *own_columns(ds)]), **order)


@forgotten_deals.finding
def how_many(table: pd.DataFrame, ds: Dataset) -> str:
    """How many deals in work are forgotten, and their money; nothing where the source can't tell."""
    if missing(ds, "forgotten"):
        return ""
    if not value_of(ds, "forgotten"):
        return _("Nothing is forgotten")
    n, total = int(value_of(ds, "forgotten")), units.count(value_of(ds, "in_work"))
    if missing(ds, "forgotten_money"):
        return many("{n} of {all} deals in work is forgotten", "{n} of {all} deals in work are forgotten", n, all=total)
    return many(
        "{n} of {all} deals in work is forgotten: {money}",
        "{n} of {all} deals in work are forgotten: {money}",
        n,
        all=total,
        money=units.money(value_of(ds, "forgotten_money")),
    )


@element(
    title=N_("How long deals are silent"),
    measured=N_("Deals in work, by days without any action."),
    chart=charts.silence,
    needs=["forgotten"],
    leads_to="deals",
)
def silence(ds: Dataset) -> pd.DataFrame:
    """Deals in work by how long they have been silent: from_days, to_days (exclusive), silent, deals, money, is_forgotten.

    The threshold is one of the edges. `is_forgotten` says on which side of it a row lies; a snoozed deal is not told apart.
    """
    edges = sorted({*EDGES, ds.forgetting.after})
    days, money = ds.work.deals["days_silent"], ds.work.deals["money"]
    spans = list(zip(edges, [*edges[1:], None], strict=True))
    masks = [(days >= low) & ((days < high) if high else True) for low, high in spans]
    note_counted(ds, "silence", deals=Counted("in_work", masks), money=Counted("in_work_money", masks))
    rows = [
        (low, high, _span(low, high), int(mask.sum()), float(np.nansum(money[mask])), low >= ds.forgetting.after)
        for (low, high), mask in zip(spans, masks, strict=True)
    ]
    table = pd.DataFrame(rows, columns=["from_days", "to_days", "silent", "deals", "money", "is_forgotten"])
    return table if len(ds.work.deals) else table.iloc[:0]


def _span(low: int, high: int | None) -> str:
    return _("{low} and more", low=low) if high is None else f"{low}–{high - 1}" if high - low > 1 else f"{low}"


@silence.finding
def long_silent(table: pd.DataFrame) -> str:
    """For how long half of the deals that are silent for the threshold or longer have been so."""
    late = table[table["is_forgotten"]] if len(table) else table
    if late.empty or not late["deals"].sum():
        return _("Nothing is forgotten")
    n, after = int(late["deals"].sum()), int(late["from_days"].iloc[0])
    longer = late["deals"][::-1].cumsum()[::-1]
    edge = late[2 * longer >= n].iloc[-1]
    if edge["from_days"] == after:
        return many(
            "{n} deal is silent for {after} days or more",
            "{n} deals are silent for {after} days or more",
            n,
            after=after,
        )
    return _(
        "{k} of the {n} deals silent for {after} days or more have been so for {days} or more",
        k=units.count(longer[edge.name]),
        n=units.count(n),
        after=after,
        days=int(edge["from_days"]),
    )


@element(
    title=N_("What the threshold does"), measured=N_("How many deals would count as forgotten."), needs=["forgotten"]
)
def thresholds(ds: Dataset) -> pd.DataFrame:
    """How many deals would count as forgotten after so many days: after_days, forgotten, forgotten_share, forgotten_money."""
    deals, rule = ds.work.deals, ds.forgetting
    limits, rows = sorted({*THRESHOLDS, rule.after}), []
    masks = [(deals["days_silent"] >= after) & ~deals["is_snoozed"] for after in limits]
    late = {"forgotten": Counted("in_work", masks), "forgotten_money": Counted("in_work_money", masks)}
    note_counted(ds, "thresholds", **late, forgotten_share=Counted("in_work", masks, is_share=True))
    for after, is_late in zip(limits, masks, strict=True):
        k, n, money = int(is_late.sum()), len(deals), float(np.nansum(deals["money"][is_late]))
        rows.append((after, k, ratio(k, n), k, n, money, after == rule.after))
    names = [
        "after_days",
        "forgotten",
        "forgotten_share",
        "forgotten_share_k",
        "forgotten_share_n",
        "forgotten_money",
        "is_used",
    ]
    return pd.DataFrame(rows, columns=names)


@thresholds.finding
def threshold(table: pd.DataFrame) -> str:
    """What another threshold would give."""
    current = table[table["is_used"]].iloc[0]
    rows = table[table["after_days"] > current["after_days"]]
    if rows.empty:
        rows = table[table["after_days"] < current["after_days"]].tail(1)
    words = {
        "used": int(current["after_days"]),
        "k": int(current["forgotten"]),
        "other": int(rows.iloc[0]["after_days"]),
    }
    return _("{k} at {used} days; at {other} days it would be {n}", n=int(rows.iloc[0]["forgotten"]), **words)


@element(
    title=N_("Forgotten, week by week"),
    measured=N_("As each week's night would have counted them, for the same filters."),
    chart=charts.nights,
    needs=["forgotten", "created_at", "closing", "outcomes"],
)
def nights(ds: Dataset) -> pd.DataFrame:
    """Forgotten deals as each of the last weeks' nights would have counted them: start (that day), forgotten, in_work.

    Empty where the stages or pipelines left out, or planned steps, of the past are not known; the last row is now.
    """
    rule = ds.forgetting
    if rule.exclude_stages or rule.exclude_pipelines or rule.snooze_planned:
        return pd.DataFrame(columns=["start", "in_work", "forgotten", "forgotten_money"])
    today = ds.filters.today
    days = [(pd.Timestamp(today) - pd.Timedelta(weeks=back)).date() for back in range(NIGHTS, 0, -1)]
    rows = _nights(ds, days)
    now = ds.work.deals
    rows.append((today, len(now), int(now["is_forgotten"].sum()), float(np.nansum(now["forgotten_money"]))))
    return pd.DataFrame(rows, columns=["start", "in_work", "forgotten", "forgotten_money"])


def _nights(ds: Dataset, days: Sequence[date]) -> list[tuple[date, int, int, float]]:
    """Of each day's midnight: the day, deals in work, how many were forgotten, and their money.

    Forgotten was a deal without a sign of life in the last N days, which had one before or was in work before.
    """
    nights = [first_instant(day, ds.filters.zone) for day in days]
    after = ds.forgetting.after * DAY
    signs = ds.slice.signs((nights[0] - timedelta(days=ds.forgetting.after), nights[-1]))
    rows = []
    for day, night in zip(days, nights, strict=True):
        stock, since = stock_at(ds, night), utc(night) - after
        has_sign = np.zeros(ds.slice.size, dtype=bool)
        has_sign[signs["place"][(signs["at"] > since) & (signs["at"] < utc(night))]] = True
        is_old = ~(stock["opened_at"] > since) | (stock["first_action_at"] <= since)
        is_forgotten = is_old & ~has_sign[stock["place"]]
        rows.append((day, len(stock), int(is_forgotten.sum()), float(np.nansum(stock["money"][is_forgotten]))))
    return rows


@nights.finding
def nightly(table: pd.DataFrame) -> str:
    """Whether more or fewer are forgotten than some weeks ago."""
    if len(table) < 2:
        return ""
    before, now = int(table["forgotten"].iloc[0]), int(table["forgotten"].iloc[-1])
    weeks = many("{n} week", "{n} weeks", len(table) - 1)
    if now == before:
        return _("As many are forgotten as {weeks} ago: {now}", weeks=weeks, now=now)
    word = _("more") if now > before else _("fewer")
    return _("{now} forgotten, {by} {word} than {weeks} ago", now=now, by=abs(now - before), word=word, weeks=weeks)


@element(
    title=N_("Forgotten leads"), measured=N_("Leads in work with no action for as long."), needs=["leads_forgotten"]
)
def leads(ds: Dataset) -> pd.DataFrame:
    """The leads in work that nobody touches, the longest silent first; empty where the portal has none."""
    rows = ds.leads[ds.leads["is_forgotten"].eq(True)]
    table = rows.assign(
        last_action_kind=kinds(rows["last_action_kind"]), url=links(ds.portal_url, "lead", rows["lead_id"])
    )
    return table.reindex(columns=LEADS).sort_values(
        ["days_silent", "lead_id"], ascending=[False, True], ignore_index=True
    )


@leads.finding
def how_many_leads(table: pd.DataFrame, ds: Dataset) -> str:
    """How many leads in work nobody touches."""
    if missing(ds, "leads_forgotten"):
        return ""
    return many(
        "{n} lead of {all} in work is forgotten",
        "{n} leads of {all} in work are forgotten",
        int(value_of(ds, "leads_forgotten")),
        all=units.count(value_of(ds, "leads_in_work")),
    )


LEADS = [
    "title", "url", "manager", "manager_id", "department", "source", "days_silent", "last_action_kind", "last_action_at",
    "created_at", "lead_id",
]  # fmt: skip
