"""Deals in work that nobody touches: whose they are, how long silent, and what there is to do."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from ..columns import DAY, ratio
from ..dataset import Dataset
from ..filters import first_instant
from ..frames import stock_at
from ..measures import measure
from ..slices import utc
from ..texts import _
from .deals import kinds
from .stages import with_pipeline

THRESHOLDS = (7, 14, 21, 30, 60)
EDGES = (0, 7, 14, 21, 30, 60, 90, 180)
NIGHTS = 12  # weeks back
SILENT = [
    "title", "url", "customer", "manager", "manager_id", "department", "pipeline", "stage", "days_silent",
    "last_action_at", "last_action_kind", "crm_trace_at", "next_step", "next_step_at", "money", "chance", "chance_k",
    "chance_n", "money_at_risk", "deal_id",
]  # fmt: skip


def forgotten_by(ds: Dataset, dimension: str) -> pd.DataFrame:
    """Forgotten deals by department, manager or stage, with totals; the most forgotten money first."""
    metrics = ["in_work", "forgotten", "forgotten_share", "forgotten_money", "no_next_step", "next_step_overdue"]
    table = measure(ds, metrics, by=dimension, total=True)
    body = table[~table["is_total"]].sort_values(["forgotten_money", "forgotten"], ascending=False)
    table = pd.concat([body, table[table["is_total"]]], ignore_index=True)
    return with_pipeline(ds, table) if dimension == "stage" else table


def forgotten_deals(ds: Dataset) -> pd.DataFrame:
    """The forgotten deals as a to-do list: the most money at risk first, then the most money, then the longest silent."""
    rows = ds.forgotten_deals
    overdue = rows["is_overdue"].map({True: _("overdue"), False: _("planned")})
    step = overdue.where(rows["has_next_step"], _("none"))
    listed = rows.assign(next_step=step, last_action_kind=kinds(rows["last_action_kind"])).reindex(columns=SILENT)
    order = {"money_at_risk": False, "money": False, "days_silent": False, "deal_id": True}
    return listed.sort_values(list(order), ascending=list(order.values()), ignore_index=True)


def silence(ds: Dataset) -> pd.DataFrame:
    """Deals in work by how long they have been silent: from_days, to_days (exclusive), silent, deals, money, is_forgotten.

    The threshold is one of the edges. `is_forgotten` says on which side of it a row lies; a snoozed deal is not told apart.
    """
    edges = sorted({*EDGES, ds.forgetting.after})
    days, money = ds.in_work["days_silent"], ds.in_work["money"]
    rows = [
        (low, high, _span(low, high), int(within.sum()), float(np.nansum(money[within])), low >= ds.forgetting.after)
        for low, high in zip(edges, [*edges[1:], None], strict=True)
        for within in [(days >= low) & ((days < high) if high else True)]
    ]
    table = pd.DataFrame(rows, columns=["from_days", "to_days", "silent", "deals", "money", "is_forgotten"])
    return table if len(ds.in_work) else table.iloc[:0]


def _span(low: int, high: int | None) -> str:
    return _("{low} and more", low=low) if high is None else f"{low}–{high - 1}" if high - low > 1 else f"{low}"


def thresholds(ds: Dataset) -> pd.DataFrame:
    """How many deals would count as forgotten after so many days: after_days, forgotten, forgotten_share, forgotten_money."""
    deals, rule = ds.in_work, ds.forgetting
    rows = []
    for after in sorted({*THRESHOLDS, rule.after}):
        found = (deals["days_silent"] >= after) & ~deals["is_snoozed"]
        k, n, money = int(found.sum()), len(deals), float(np.nansum(deals["money"][found]))
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


def forgotten_nights(ds: Dataset) -> pd.DataFrame:
    """Forgotten deals as each of the last weeks' nights would have counted them: start (that day), forgotten, in_work.

    Empty where the stages or pipelines left out, or planned steps, of the past are not known; the last row is now.
    """
    rule = ds.forgetting
    if rule.exclude_stages or rule.exclude_pipelines or rule.snooze_planned:
        return pd.DataFrame(columns=["start", "in_work", "forgotten", "forgotten_money"])
    today = ds.filters.as_of.astimezone(ds.filters.zone).date()
    days = [(pd.Timestamp(today) - pd.Timedelta(weeks=back)).date() for back in range(NIGHTS, 0, -1)]
    rows = _nights(ds, days)
    now = ds.in_work
    rows.append((today, len(now), int(now["is_forgotten"].sum()), float(np.nansum(now["forgotten_money"]))))
    return pd.DataFrame(rows, columns=["start", "in_work", "forgotten", "forgotten_money"])


def _nights(ds: Dataset, days: Sequence[date]) -> list[tuple[date, int, int, float]]:
    """Of each day's midnight: the day, deals in work, how many were forgotten, and their money.

    Forgotten was a deal without a sign of life in the last N days, which had one before or was in work before.
    """
    nights = [first_instant(day, ds.filters.zone) for day in days]
    after = ds.forgetting.after * DAY
    signs = ds.slice.signs((nights[0] - timedelta(days=ds.forgetting.after), nights[-1]))
    found = []
    for day, night in zip(days, nights, strict=True):
        stock, since = stock_at(ds, night), utc(night) - after
        heard = np.zeros(ds.slice.size, dtype=bool)
        heard[signs["place"][(signs["at"] > since) & (signs["at"] < utc(night))]] = True
        is_old = ~(stock["opened_at"] > since) | (stock["first_action_at"] <= since)
        silent = is_old & ~heard[stock["place"]]
        found.append((day, len(stock), int(silent.sum()), float(np.nansum(stock["money"][silent]))))
    return found


def leads(ds: Dataset) -> pd.DataFrame:
    """The leads in work that nobody touches, the longest silent first; empty where the portal has none."""
    found = ds.leads[ds.leads["is_forgotten"].eq(True)]
    listed = found.assign(last_action_kind=kinds(found["last_action_kind"]), url=_lead_links(ds, found))
    return listed.reindex(columns=LEADS).sort_values(
        ["days_silent", "lead_id"], ascending=[False, True], ignore_index=True
    )


LEADS = [
    "title", "url", "manager", "manager_id", "department", "source", "days_silent", "last_action_kind", "last_action_at",
    "created_at", "lead_id",
]  # fmt: skip


def _lead_links(ds: Dataset, found: pd.DataFrame) -> pd.Series | str:
    return f"{ds.portal_url.rstrip('/')}/crm/lead/details/" + found["lead_id"] + "/" if ds.portal_url else ""
