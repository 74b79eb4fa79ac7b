"""Deals by how they ended, and the list with links."""

import numpy as np
import pandas as pd

from .. import frames, units
from ..columns import DAY
from ..dataset import Dataset
from ..measures import missing
from ..slices import utc
from ..texts import N_, _, many
from .element import element

LIST = [
    "title", "url", "customer", "status", "outcome", "manager", "manager_id", "source", "pipeline", "stage", "money",
    "created_at", "closed_at", "duration_days", "days_in_current_stage", "loss_reason",
    "last_action_at", "last_action_kind", "deal_id",
]  # fmt: skip


@element(
    title=N_("Deals"),
    measured=N_("The title opens the deal in the CRM."),
    wants=["created_at", "closing"],
)
def deals(ds: Dataset) -> pd.DataFrame:
    """The deals created or closed in the period, those longest in their stage first."""
    rows = ds.deals_in(ds.filters.elapsed)
    said = rows["outcome"].map({"won": _("won"), "lost": _("lost"), "open": _("in work")}).astype(object)
    status = said.where(~rows["is_reopened"], _("reopened"))
    listed = rows.assign(status=status, last_action_kind=kinds(rows["last_action_kind"]))[LIST]
    order = {"days_in_current_stage": False, "created_at": True, "deal_id": True}
    return listed.sort_values(list(order), ascending=list(order.values()), ignore_index=True)


@deals.finding
def deals_listed(deals: pd.DataFrame) -> str:
    """How long the list is."""
    return many(
        "{n} deal was created or closed in the period", "{n} deals were created or closed in the period", len(deals)
    )


@element(
    title=N_("Deals by status"),
    measured=N_("Days: from creation to the end, or to the report's instant."),
    wants=["closing", "stage_history"],
    leads_to="deals",
)
def status(ds: Dataset) -> pd.DataFrame:
    """Won and lost in the period, in work and reopened now: deals, money, mean days from creation to the end or today."""
    deals, as_of = ds.slice.deals, utc(ds.filters.as_of)
    is_open, closed = deals["outcome"] == "open", frames.within(deals["closed_at"], ds.filters.elapsed, ds)
    days = (np.where(np.isnat(deals["closed_at"]), as_of, deals["closed_at"]) - deals["created_at"]) / DAY
    day = units.day_month(ds.filters.as_of.astimezone(ds.filters.zone).date())
    parts = {
        _("won in the period"): closed & (deals["outcome"] == "won"),
        _("lost in the period"): closed & (deals["outcome"] == "lost"),
        _("in work on {day}, never closed", day=day): is_open & ~deals["is_reopened"],
        _("in work on {day}, reopened", day=day): is_open & deals["is_reopened"],
    }
    measured = pd.DataFrame({"money": deals["money"], "days": days})
    said = [
        (name, int(which.sum()), *measured[which].agg({"money": "sum", "days": "mean"}))
        for name, which in parts.items()
    ]
    return pd.DataFrame(said, columns=["status", "deals", "money", "duration_days"])


@status.finding
def statuses(table: pd.DataFrame) -> str:
    """How many deals are in work for one that was won."""
    won, lost = int(table["deals"].iloc[0]), int(table["deals"].iloc[1])
    held = int(table["deals"].iloc[2:].sum())
    return _("{won} won and {lost} lost in the period; {held} are in work", won=won, lost=lost, held=held)


def lead_metrics(ds: Dataset) -> list[str]:
    """The numbers about leads that a report shows where the portal has any; none where it has not."""
    return [] if missing(ds, "leads_received") or ds.leads.empty else ["leads_received", "lead_conversion"]


def kinds(found: pd.Series) -> pd.Series:
    """Kinds of action in the reader's words; "" for none."""
    names = {
        "call": _("call"), "meeting": _("meeting"), "email": _("e-mail"), "crm_activity": _("CRM activity"),
        "comment": _("comment"), "stage_move": _("stage move"),
    }  # fmt: skip
    return found.map(names).astype(object).fillna("")
