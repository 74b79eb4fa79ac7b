"""What people did: calls, meetings, e-mails, CRM activities, comments, stage moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pandas as pd

from ..filters import Period
from ..store.columns import Array, Columns, from_arrow, rename
from .own_fields import Own
from .scope import Scope, to_pandas

COLUMNS = "kind, manager_id, acts.at, deal_id, deal_no, pipeline_id, source_id, stage_id"
KINDS = ("call", "meeting", "email", "crm_activity", "comment", "stage_move")


@dataclass(frozen=True, eq=False)
class Acts:
    """The actions that a report counts, and what each is worth."""

    scope: Scope
    weights: Mapping[str, float]

    def actions(self, period: Period) -> Columns:
        """One row per action of the slice's managers in `period`: kind, at, manager_id, department_id, and its deal's ids.

        deal_id, pipeline_id, source_id and stage_id are "" where it was on no deal.
        """
        acts, homes = from_arrow(self.scope.slice.actions(COLUMNS, self.scope.bounds(period))), self.scope.names.homes
        own = {of.key: partial(self._own, of, acts) for of in self.scope.names.own_of_deals}
        return acts.assign(department_id=lambda: rename(acts["manager_id"], homes), **own)

    def _own(self, own: Own, acts: Columns) -> Array:
        """What the deals of these actions have in a field of the company's own."""
        return self.scope.slice.held(
            own, np.nan_to_num(acts["deal_no"].astype(float), nan=0).astype(int)
        )  # 0: on no deal

    def counts(self, period: Period) -> pd.DataFrame:
        """Actions in `period` of everybody in the company who acted: a row per manager_id, a column per kind."""
        everybody = self.scope.everybody
        key = ("counts", everybody.inside, *everybody.ids, period)
        return self.scope.snapshot.memo.once(key, lambda: self._counts(period))

    def _counts(self, period: Period) -> pd.DataFrame:
        counts = ", ".join(f"count(*) filter (kind = '{kind}')::double as {kind}" for kind in KINDS)
        end = "and manager_id != '' group by manager_id order by manager_id"
        rows = self.scope.everybody.actions(f"manager_id, {counts}", self.scope.bounds(period), end)
        return to_pandas(rows).set_index("manager_id")

    def points(self, period: Period) -> pd.Series:
        """manager_id → points (Σ weight × actions) in `period`, of everybody in the company who acted."""
        return self.counts(period) @ pd.Series(self.weights, dtype=float).reindex(list(KINDS)).fillna(0.0)

    @cached_property
    def kinds_without_data(self) -> list[str]:
        """Kinds of action of which the store holds not one: nothing is connected, so a zero would be no fact."""
        if (deals := self.scope.traceable).conditions:
            rows = deals.query(f"select distinct kind from signs where is_action and {deals.inside}", *deals.ids)
        else:
            rows = deals.query("from action_kinds")
        kinds = set(rows["kind"].to_pylist())
        return [kind for kind in KINDS if kind not in kinds]
