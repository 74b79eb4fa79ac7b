"""Work in hand: deals and leads that are open at the report's instant, which of them are forgotten, and what may become of those."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ..filters import first_instant
from ..store.columns import DAY, Columns, per_text
from .names import look_up
from .scope import Scope, to_pandas
from .slices import utc

SILENCE_STEPS = (1, 2, 4, 8)  # times `Forgetting.after`: how finely past silences are told apart
NOBODY = (float("nan"), float("nan"))


@dataclass(frozen=True)
class Forgetting:
    """When a deal in work counts as forgotten, and which deals are not looked at."""

    after: int = 14
    exclude_stages: tuple[str, ...] = ()
    exclude_pipelines: tuple[str, ...] = ()
    snooze_planned: bool = False


@dataclass(frozen=True, eq=False)
class Work:
    """What is in hand as of the report's instant."""

    scope: Scope
    rule: Forgetting

    @cached_property
    def deals(self) -> Columns:
        """One row per deal of the slice in work: how long silent, whether forgotten, its next step; place."""
        rule, as_of, deals = self.rule, utc(self.scope.filters.as_of), self.scope.slice.deals
        is_excluded = per_text(deals["stage_id"], lambda id: id in rule.exclude_stages, bool)
        is_excluded = is_excluded | per_text(deals["pipeline_id"], lambda id: id in rule.exclude_pipelines, bool)
        place = np.flatnonzero((deals["outcome"] == "open") & ~is_excluded)
        deals = deals.take(place)
        last_sign = np.where(np.isnat(deals["last_action_at"]), deals["created_at"], deals["last_action_at"])
        silence, has_step = np.floor((as_of - last_sign) / DAY), deals["has_next_step"]
        # What is due on the day of as_of is not overdue before its end.
        midnight = utc(first_instant(self.scope.filters.today, self.scope.filters.zone))
        is_overdue = has_step & (deals["next_step_at"] < as_of) & (deals["next_step_at"] != midnight)
        is_snoozed = has_step & ~is_overdue & rule.snooze_planned
        is_forgotten = (silence >= rule.after) & ~is_snoozed
        return deals.assign(
            place=place,
            heard_at=last_sign,
            days_silent=silence,
            is_overdue=is_overdue,
            is_snoozed=is_snoozed,
            is_forgotten=is_forgotten,
            forgotten_money=lambda: np.where(is_forgotten, deals["money"], np.nan),
            has_no_next_step=~has_step,
            days_in_current_stage=lambda: (as_of - deals["stage_since_at"]) / DAY,
        )

    @cached_property
    def planned_dates(self) -> Columns:
        """Beside each of `deals` its planned closing: planned_at, first_planned_at, pushes, pushed_days, is_past_plan.

        A date has passed when its whole day has: not on the day itself.
        """
        rows, place = self.scope.slice.planned_dates(), self.deals["place"]
        among = pd.Index(rows["place"]).get_indexer(place)
        midnight = utc(first_instant(self.scope.filters.today, self.scope.filters.zone))
        planned, first = (_at(rows[name], among, np.datetime64("NaT")) for name in ("planned_at", "first_planned_at"))
        numbers = {name: _at(rows[name], among, 0) for name in ("pushes", "pushed_days")}
        dates = {"planned_at": planned, "first_planned_at": first, "has_planned_date": ~np.isnat(planned)}
        return Columns(len(place), dates | numbers | {"is_past_plan": planned < midnight})

    @cached_property
    def spans(self) -> Columns:
        """When each deal of the slice was in work."""
        return self.scope.slice.open_spans()  # kept here: its columns hold the slice

    @cached_property
    def forgotten(self) -> Columns:
        """The forgotten ones of them, each with chance (share won in the end of past deals as silent there), its k and n."""
        deals = self.deals.take(self.deals["is_forgotten"])
        levels = self.rule.after * np.array(SILENCE_STEPS)
        level = levels[np.searchsorted(levels, deals["days_silent"], side="right") - 1] if len(deals) else np.array([])
        past = {(stage, days): (k, n) for stage, days, k, n in self.outcomes.itertuples(index=False, name=None)}
        counts = [past.get(key, NOBODY) for key in zip(deals["stage_id"], level.tolist(), strict=True)]
        k, n = np.array(counts, dtype=float).reshape(-1, 2).T
        return deals.assign(
            silent_level=level, chance=k / n, chance_k=k, chance_n=n, money_at_risk=lambda: deals["money"] * k / n
        )

    @cached_property
    def outcomes(self) -> pd.DataFrame:
        """stage_id, silent_days, k, n: of the n closed deals once silent there for so long, k were won.

        The company's deals, or those of the page's people.
        """
        levels = ", ".join(str(self.rule.after * step) for step in SILENCE_STEPS)
        people = self.scope.people
        rows = people.query(
            f"""
            select stage_id, level as silent_days, coalesce(sum(deals) filter (where ended_as = 'won'), 0)::bigint as k,
                sum(deals)::bigint as n
            from silences join (select unnest([{levels}])::bigint as level) on silences.silent_days >= level
            where {people.inside} group by stage_id, level order by stage_id, level
            """,
            *people.ids,
        )
        return to_pandas(rows)

    @cached_property
    def leads(self) -> pd.DataFrame:
        """One row per lead of the slice as it stood at as_of: names beside ids, days_silent and is_forgotten in work."""
        names = self.scope.names
        leads = to_pandas(self.scope.snapshot.query("from lead_facts"))
        leads = leads[self.scope.keeps_lead(leads)].reset_index(drop=True)
        leads["department_id"] = look_up(leads["manager_id"], names.managers["department_id"])
        since = leads["last_action_at"].fillna(leads["created_at"])
        silent = ((pd.Timestamp(self.scope.filters.as_of) - since) // pd.Timedelta(DAY)).where(
            leads["outcome"] == "open"
        )
        words = names.columns(leads, ("manager", "department", "source"))
        return leads.assign(**words, days_silent=silent, is_forgotten=silent >= self.rule.after)


def _at(values: np.ndarray, places: np.ndarray, nothing: object) -> np.ndarray:
    """The values at these places; `nothing` where the place is -1."""
    return np.append(values, np.array([nothing], dtype=values.dtype))[places]
