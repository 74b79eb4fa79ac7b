"""Deals to look at, one by one: all that is known of each, names beside ids, and where it is in the CRM."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
import pandas as pd

from ..filters import Period
from ..store.columns import DAY, Columns
from .names import look_up
from .scope import Scope, to_pandas
from .work import Work

TOUCHED = "(created_at >= ? and created_at < ?) or (closed_at >= ? and closed_at < ?) or outcome = 'open'"
STANDING_NOW = ("days_silent", "is_forgotten", "forgotten_money", "has_no_next_step", "is_overdue")
CHANCE = ("silent_level", "chance", "chance_k", "chance_n", "money_at_risk")


@dataclass(frozen=True, eq=False)
class Lists:
    """Lists of deals of the slice, always in the same order."""

    scope: Scope
    work: Work

    @cached_property
    def deals(self) -> pd.DataFrame:
        """One row per deal of the slice, as it stood at as_of: names beside ids, last action, next step."""
        return self._rows("true")

    def deals_in(self, period: Period) -> pd.DataFrame:
        """Those of `deals` that a number is made of: created or closed in `period`, or in work now; as in the slice."""
        return self._rows(TOUCHED, *self.scope.bounds(period) * 2)

    @cached_property
    def open_deals(self) -> pd.DataFrame:
        """One row per deal in work, with how it stands now."""
        return self._in_work(self.work.deals)

    @cached_property
    def forgotten_deals(self) -> pd.DataFrame:
        """The forgotten ones of `open_deals`, with their chances."""
        return self._in_work(self.work.forgotten)

    def deals_at(self, places: np.ndarray) -> pd.DataFrame:
        """Those of `deals` at these places of the slice, as in the slice: of some, without the others being read."""
        numbers = self.scope.slice.deals["deal_no"][places].tolist()
        return self._rows("deal_no in (select unnest(?::integer[]))", numbers)

    def open_deals_at(self, places: np.ndarray) -> pd.DataFrame:
        """Those of `open_deals` at these places of the slice, in their order: of few, without the others being read."""
        deals = self.work.deals.take(np.isin(self.work.deals["place"], places))
        numbers = deals["deal_no"].tolist()
        return self._standing(deals, self._rows("deal_no in (select unnest(?::integer[]))", numbers))

    def _in_work(self, deals: Columns) -> pd.DataFrame:
        among = np.flatnonzero(self.scope.slice.deals["outcome"] == "open").searchsorted(deals["place"])
        return self._standing(deals, self._rows("outcome = 'open'", among=among))

    def _standing(self, deals: Columns, rows: pd.DataFrame) -> pd.DataFrame:
        # The CRM keeps its last trace only: one after the report's instant says nothing of that night.
        trace, last_sign = rows["last_activity_at"], pd.Series(pd.to_datetime(deals["heard_at"], utc=True))
        is_later = (trace >= last_sign + pd.Timedelta(DAY)) & (trace < pd.Timestamp(self.scope.filters.as_of))
        now = {name: deals[name] for name in (*STANDING_NOW, *CHANCE) if name in deals}
        return rows.assign(**now, is_open=True, crm_trace_at=trace.where(is_later))

    def _rows(self, condition: str, *values: object, among: np.ndarray | None = None) -> pd.DataFrame:
        """The slice's deals that the condition keeps, or of these those at the places `among`."""
        facts = to_pandas(self.scope.slice.facts(["*"], condition, *values))
        facts = facts if among is None else facts.take(among).reset_index(drop=True)
        own = self._own(facts["deal_no"].to_numpy())
        rows = _with_endings(facts.drop(columns="deal_no"), self.scope.filters.as_of)
        words = self.scope.names.columns(rows, ("manager", "department", "pipeline", "source", "stage"))
        url = links(self.scope.store.last_sync["portal_url"] or "", "deal", rows["deal_id"])
        rows = rows.assign(**words, url=url)
        told = rows["loss_reason"].astype(object).fillna("")
        reason = told.where(told != "", rows["stage"]).where(rows["outcome"] == "lost", "")
        return rows.assign(loss_reason=reason, loss_reason_id=reason, **own)

    def _own(self, numbers: np.ndarray) -> dict[str, object]:
        """What these deals have in the company's own fields, names beside ids."""
        columns = {}
        for own in self.scope.names.own_of_deals:
            values = Columns(len(numbers), {own.key: self.scope.slice.held(own, numbers)}).to_pandas()[own.key]
            names = {own.name: look_up(values, self.scope.names.by_id(own.name), values)} if own.is_dimension else {}
            columns |= names | {own.key: values}
        return columns


def links(portal_url: str, kind: str, ids: pd.Series) -> pd.Series | str:
    """Where each deal or lead is in the CRM; "" where the source has no address."""
    return f"{portal_url.rstrip('/')}/crm/{kind}/details/" + ids + "/" if portal_url else ""


def _with_endings(deals: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    now, is_open = pd.Timestamp(as_of), deals["outcome"] == "open"
    end = deals["closed_at"].where(~is_open, now)  # one that nobody knows is not today
    return deals.assign(
        won_at=deals["closed_at"].where(deals["outcome"] == "won"),
        lost_at=deals["closed_at"].where(deals["outcome"] == "lost"),
        days_in_current_stage=((now - deals["stage_since_at"]) / DAY).where(is_open),
        duration_days=(end - deals["created_at"]) / DAY,
    )
