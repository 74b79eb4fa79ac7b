"""Deals by how they ended, why they were lost, and the lists with links."""

import numpy as np
import pandas as pd

from .. import frames
from ..columns import DAY
from ..dataset import Dataset, looked_up
from ..dataset import loss_reasons as loss_reasons_of
from ..measures import measure, missing
from ..slices import utc
from ..texts import _

LIST = [
    "title", "url", "customer", "status", "outcome", "manager", "manager_id", "source", "pipeline", "stage", "money",
    "created_at", "closed_at", "duration_days", "days_in_current_stage", "loss_reason",
    "last_action_at", "last_action_kind", "deal_id",
]  # fmt: skip


def deals(ds: Dataset) -> pd.DataFrame:
    """The deals created or closed in the period, those longest in their stage first."""
    rows = ds.deals_in(ds.filters.elapsed)
    said = rows["outcome"].map({"won": _("won"), "lost": _("lost"), "open": _("in work")}).astype(object)
    status = said.where(~rows["is_reopened"], _("reopened"))
    listed = rows.assign(status=status, last_action_kind=kinds(rows["last_action_kind"]))[LIST]
    order = {"days_in_current_stage": False, "created_at": True, "deal_id": True}
    return listed.sort_values(list(order), ascending=list(order.values()), ignore_index=True)


def status(ds: Dataset) -> pd.DataFrame:
    """Won and lost in the period, in work and reopened now: deals, money, mean days from creation to the end or today."""
    deals, as_of = ds.slice.deals, utc(ds.filters.as_of)
    is_open, closed = deals["outcome"] == "open", frames.within(deals["closed_at"], ds.filters.elapsed, ds)
    days = (np.where(np.isnat(deals["closed_at"]), as_of, deals["closed_at"]) - deals["created_at"]) / DAY
    parts = {
        _("won in the period"): closed & (deals["outcome"] == "won"),
        _("lost in the period"): closed & (deals["outcome"] == "lost"),
        _("in work, never closed"): is_open & ~deals["is_reopened"],
        _("in work, reopened"): is_open & deals["is_reopened"],
    }
    measured = pd.DataFrame({"money": deals["money"], "days": days})
    said = [
        (name, int(which.sum()), *measured[which].agg({"money": "sum", "days": "mean"}))
        for name, which in parts.items()
    ]
    return pd.DataFrame(said, columns=["status", "deals", "money", "duration_days"])


def new_repeat(ds: Dataset) -> pd.DataFrame:
    """Won deals of the period by kind of customer (new, repeat, none): won, won_money, average_check, cycle_days, totals."""
    return measure(ds, ["won", "won_money", "average_check", "cycle_days"], by="customer_kind", total=True)


def sources(ds: Dataset) -> pd.DataFrame:
    """What came from each source and what became of it, with totals; leads too where the portal has any."""
    metrics = ["created", "won", "conversion", "won_money", "cycle_days", "lost", *lead_metrics(ds)]
    return measure(ds, metrics, by="source", total=True)


def lead_metrics(ds: Dataset) -> list[str]:
    """The numbers about leads that a report shows where the portal has any; none where it has not."""
    return [] if missing(ds, "leads_received") or ds.leads.empty else ["leads_received", "lead_conversion"]


def loss_reasons(ds: Dataset) -> pd.DataFrame:
    """Why deals were lost in the period: loss_reason, lost, lost_money, share_of_lost; the most frequent first."""
    table = measure(ds, ["lost", "lost_money", "share_of_lost"], by="loss_reason").drop(columns="loss_reason_id")
    return table[table["lost"] > 0].sort_values(["lost", "lost_money"], ascending=False, ignore_index=True)


def losses_by_manager(ds: Dataset) -> pd.DataFrame:
    """Lost deals of the period by reason and manager, then by reason for the team (`is_total`)."""
    each = measure(ds, ["lost"], by=["loss_reason", "manager"])
    team = measure(ds, ["lost"], by="loss_reason").assign(is_total=True, manager=_("Team"), manager_id="")
    return _by_size(pd.concat([each[each["lost"] > 0], team[team["lost"] > 0]], ignore_index=True), "loss_reason")


def losses_by_stage(ds: Dataset) -> pd.DataFrame:
    """Lost deals of the period by reason and the stage they stood on before, in the order of the stages, with totals.

    A deal whose history does not tell the stage before is under "unknown stage".
    """
    deals, stages = ds.stages_before_loss(ds.filters.elapsed)
    if not len(deals):
        return pd.DataFrame(columns=["loss_reason", "stage", "stage_id", "pipeline", "pipeline_id", "lost", "is_total"])
    rows = pd.DataFrame(
        {"stage_id": np.asarray(stages), "loss_reason": np.asarray(loss_reasons_of(deals, ds.stage_names))}
    )
    counted = rows.groupby(["stage_id", "loss_reason"]).size().rename("lost").reset_index()
    team = counted.groupby("stage_id", as_index=False)["lost"].sum().assign(is_total=True, loss_reason=_("Total"))
    table = pd.concat([counted.assign(is_total=False), team], ignore_index=True)
    place = {stage: at for at, stage in enumerate(ds.stages.index)}
    about = {name: looked_up(table["stage_id"], ds.stages[name]) for name in ("stage", "pipeline", "pipeline_id")}
    table = table.assign(**about, _at=table["stage_id"].map(place)).sort_values(["is_total", "_at"], kind="stable")
    return table.drop(columns="_at").reset_index(drop=True)


def _by_size(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of a matrix with the largest first."""
    largest = table[table["is_total"]].set_index(name)["lost"]
    order = table.assign(_size=table[name].map(largest)).sort_values(
        ["is_total", "_size", name], ascending=[True, False, True], kind="stable"
    )
    return order.drop(columns="_size").reset_index(drop=True)


def kinds(found: pd.Series) -> pd.Series:
    """Kinds of action in the reader's words; "" for none."""
    names = {
        "call": _("call"), "meeting": _("meeting"), "email": _("e-mail"), "crm_activity": _("CRM activity"),
        "comment": _("comment"), "stage_move": _("stage move"),
    }  # fmt: skip
    return found.map(names).astype(object).fillna("")
