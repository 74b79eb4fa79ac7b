"""Deals by how they ended, and the list with links."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..measures import frames
from ..measures.dataset import Dataset
from ..measures.measure import missing
from ..measures.slices import utc
from ..store.columns import DAY
from ..words import units
from ..words.texts import N_, _, many
from .element import element, explanation

LIST = [
    "title", "url", "customer", "status", "outcome", "manager", "manager_id", "source", "pipeline", "stage", "money",
    "created_at", "closed_at", "duration_days", "days_in_current_stage", "loss_reason",
    "last_action_at", "last_action_kind", "deal_id",
]  # fmt: skip
MOST = 20_000  # rows that a page, a notebook and a workbook can carry


def without_dates(ds: Dataset) -> str:
    """Why no list of a period can be had: the source dates neither the beginning of deals nor their end."""
    return explanation(ds, {"created_at", "closing"}) if {"created_at", "closing"} <= set(ds.lacks) else ""


@element(
    title=N_("Deals"),
    measured=N_("The title opens the deal in the CRM."),
    wants=["created_at", "closing"],
    missing=without_dates,
)
def deals(ds: Dataset) -> pd.DataFrame:
    """The deals behind every number, and which: is_touched, is_created, is_won, is_lost (in the period), is_in_work, is_forgotten.

    Those created or closed in the period come first, then those longest in their stage; at most MOST.
    """
    flags = membership(ds)
    mask = flags["is_touched"] | flags["is_in_work"]
    rows = ds.lists.deals_in(ds.filters.elapsed).assign(**{name: flag[mask] for name, flag in flags.items()})
    outcome_names = rows["outcome"].map({"won": _("won"), "lost": _("lost"), "open": _("in work")}).astype(object)
    status = outcome_names.where(~rows["is_reopened"], _("reopened"))
    table = rows.assign(status=status, last_action_kind=kinds(rows["last_action_kind"]))[
        [*LIST, *own_columns(ds), *flags]
    ]
    return first_of(table, is_touched=False, days_in_current_stage=False, created_at=True, deal_id=True)


def own_columns(ds: Dataset) -> list[str]:
    """The company's own fields that lists of deals show: `column = true` in reports.toml."""
    return [own.name for own in ds.names.own_of_deals if own.is_shown]


def membership(ds: Dataset) -> dict[str, np.ndarray]:
    """Which deals of the slice are in which number of this report."""
    deals, work = ds.slice.deals, ds.work.deals
    is_created, is_closed = (
        frames.in_period(deals[column], ds.filters.elapsed, ds) for column in ("created_at", "closed_at")
    )
    is_in_work, is_forgotten = (np.zeros(len(deals), dtype=bool) for _twice in range(2))
    is_in_work[work["place"]] = True
    is_forgotten[work["place"]] = work["is_forgotten"]
    is_won, is_lost = (is_closed & np.asarray(deals["outcome"] == outcome) for outcome in ("won", "lost"))
    return {
        "is_touched": is_created | is_closed, "is_created": is_created, "is_won": is_won, "is_lost": is_lost, "is_in_work": is_in_work,
        "is_forgotten": is_forgotten,
    }  # fmt: skip


def first_of(table: pd.DataFrame, **ascending: bool) -> pd.DataFrame:
    """The rows by these columns, as many as can be carried."""
    return table.sort_values(list(ascending), ascending=list(ascending.values()), ignore_index=True).head(MOST)


@deals.finding
def deals_listed(deals: pd.DataFrame) -> str:
    """How long the list is."""
    if "created_at" not in deals:
        return many("{n} deal was closed in the period", "{n} deals were closed in the period", len(deals))
    if "closed_at" not in deals:
        return many("{n} deal was created in the period", "{n} deals were created in the period", len(deals))
    return many(
        "{n} deal was created or closed in the period",
        "{n} deals were created or closed in the period",
        int(deals["is_touched"].sum()),
    )


@deals.note
def left_out(ds: Dataset) -> str:
    """How many deals the list could not carry; "" when it holds them all."""
    flags = membership(ds)
    count = int((flags["is_touched"] | flags["is_in_work"]).sum())
    words = _(
        "The list holds {k} of {n} deals, those of the period first; the CRM has the others.",
        k=units.count(MOST),
        n=units.count(count),
    )
    return words if count > MOST else ""


@element(
    title=N_("Deals by status"),
    measured=N_("Days: from creation to the end, or to the report's instant."),
    wants=["closing", "stage_history"],
    leads_to="deals",
)
def status(ds: Dataset) -> pd.DataFrame:
    """Won and lost in the period, in work and reopened now: deals, money, mean days from creation to the end or today."""
    deals, as_of = ds.slice.deals, utc(ds.filters.as_of)
    end = np.where(deals["outcome"] == "open", as_of, deals["closed_at"])
    numbers = pd.DataFrame({"money": deals["money"], "days": (end - deals["created_at"]) / DAY})
    rows = [
        (outcome, name, int(mask.sum()), *numbers[mask].agg({"money": "sum", "days": "mean"}))
        for outcome, name, mask in _statuses(ds)
    ]
    return pd.DataFrame(rows, columns=["outcome", "status", "deals", "money", "duration_days"])


def _statuses(ds: Dataset) -> Iterator[tuple[str, str, np.ndarray]]:
    """Outcome and name of each status that the source can tell, and which deals have it."""
    deals = ds.slice.deals
    is_open, is_closed = deals["outcome"] == "open", frames.in_period(deals["closed_at"], ds.filters.elapsed, ds)
    if not {"closing", "outcomes"} & set(ds.lacks):
        yield "won", _("won in the period"), is_closed & (deals["outcome"] == "won")
    if not {"closing", "losses"} & set(ds.lacks):
        yield "lost", _("lost in the period"), is_closed & (deals["outcome"] == "lost")
    if "work" in ds.lacks:
        return
    day = units.day_month(ds.filters.today)
    if "stage_history" in ds.lacks:
        yield "open", _("in work on {day}", day=day), is_open
    else:
        yield "open", _("in work on {day}, never closed", day=day), is_open & ~deals["is_reopened"]
        yield "open", _("in work on {day}, reopened", day=day), is_open & deals["is_reopened"]


@status.finding
def statuses(table: pd.DataFrame) -> str:
    """How many deals were won, how many lost, and how many are in work."""
    count = table.groupby("outcome")["deals"].sum()
    counts = {outcome: int(count.get(outcome, 0)) for outcome in ("won", "lost", "open")}
    if "won" not in count and "lost" in count:
        return many("{n} deal was lost", "{n} deals were lost", counts["lost"])
    if "won" not in count:
        return many("{n} deal is in work", "{n} deals are in work", counts["open"])
    words = {name: units.count(number) for name, number in (*counts.items(), ("held", counts["open"]))}
    return _("{won} won and {lost} lost in the period; {held} are in work", **words)


def lead_metrics(ds: Dataset) -> list[str]:
    """The numbers about leads that a report shows where the portal has any; none where it has not."""
    return [] if missing(ds, "leads_received") or ds.leads.empty else ["leads_received", "lead_conversion"]


def kinds(codes: pd.Series) -> pd.Series:
    """Kinds of action in the reader's words; "" for none."""
    names = {
        "call": _("call"), "meeting": _("meeting"), "email": _("e-mail"), "crm_activity": _("CRM activity"),
        "comment": _("comment"), "stage_move": _("stage move"),
    }  # fmt: skip
    return codes.map(names).astype(object).fillna("")
