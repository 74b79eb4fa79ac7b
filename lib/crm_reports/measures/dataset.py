"""`load(…) → Dataset`: what a report is made of, as it stood at one instant, cut to the filters.

Frames are pandas, instants UTC, money in the base currency, shares 0–1. An absent id is "": its own row in every table.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import FilterError, all_at_once, near
from ..filters import Choice, Filters, Known, Period, Typed, first_instant
from ..settings import Settings
from ..sources.fields import TABLES
from ..store import FILLED, PARTS, Snapshot, Store
from ..store.columns import DAY, Columns, categorical, from_arrow, per_text, places_of, renamed
from ..words import texts, units
from ..words.texts import N_, _, use
from . import privacy
from .quality import Against, Note, about, lead_notes, notes
from .slices import Bounds, Slice, inside, utc

EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
KINDS = ("call", "meeting", "email", "crm_activity", "comment", "stage_move")
SILENCE_STEPS = (1, 2, 4, 8)  # times `forgotten_after`: how finely past silences are told apart
LACKING = {
    "amount": N_("The source has no amounts."),
    "created_at": N_("The source does not say when deals were created."),
    "closing": N_("The source does not say when deals were closed."),
    "customer": N_("The source has no customers."),
    "stage_history": N_("The source has no stage history."),
    "stage_order": N_("The source does not say in which order the stages come."),
    "activities": N_("The source has no activities."),
    "comments": N_("The source has no comments."),
    "leads": N_("The source has no leads."),
    "manager": N_("The source does not say who is responsible for the deals."),
    "department": N_("The source does not say who works in which department."),
    "source": N_("The source does not say where deals came from."),
    "stage": N_("The source does not say on which stages deals stand."),
    "stage_entry": N_("The source does not say since when deals stand on their stages."),
    "loss_reason": N_("The source does not say why deals were lost."),
    "author": N_("The source does not say who did what."),
    "deal_activities": N_("The source does not say on which deals people acted."),
    "plans": N_("The source has no planned activities."),
    "lead_created_at": N_("The source does not say when leads came."),
    "lead_closing": N_("The source does not say when leads were closed."),
}
CUSTOMER_KINDS = {"new": N_("new"), "repeat": N_("repeat"), "none": N_("no customer")}

COUNTED = "(created_at >= ? and created_at < ?) or (closed_at >= ? and closed_at < ?) or outcome = 'open'"
STANDING_NOW = ("days_silent", "is_forgotten", "forgotten_money", "has_no_next_step", "is_overdue")
NOBODY = (float("nan"), float("nan"))
CHANCE = ("silent_level", "chance", "chance_k", "chance_n", "money_at_risk")


@dataclass(frozen=True)
class Forgetting:
    """When a deal in work counts as forgotten, and which deals are not looked at."""

    after: int = 14
    exclude_stages: tuple[str, ...] = ()
    exclude_pipelines: tuple[str, ...] = ()
    snooze_planned: bool = False


class Rung(NamedTuple):
    """A stage's place in the funnel of its pipeline, from 0, and what comes after it; "" after the last.

    Several won stages are one step: what leads to them leads to all, by the names and ids of all.
    """

    pipeline: str
    pipeline_id: str
    step: int
    stage: str
    stage_id: str
    to_stage: str
    to_stage_id: str


def _rung(row: Mapping[str, Any], names: Mapping[str, str], pipelines: Mapping[str, str]) -> Rung:
    pipeline, id = row["pipeline_id"], row["stage_id"]
    above = " / ".join(names.get(after, after) for after in row["to_stage_ids"])
    return Rung(pipelines.get(pipeline, ""), pipeline, row["step"], names.get(id, id), id, above, row["to_stage_id"])


def _shared(make: Callable[["Dataset"], Any]) -> property:
    """A property that all datasets of one store share: names are the same whatever the filters."""

    def shared(self: "Dataset") -> Any:
        key = (make.__name__, texts.language())
        if key not in self.store.made:
            self.store.made[key] = make(self)
        return self.store.made[key]

    return property(shared, doc=make.__doc__)


@dataclass(frozen=True)
class Dataset:
    """Everything that a report's tables are measured from. Frames are read when first asked for, and then kept."""

    store: Store = field(repr=False)
    settings: Settings
    filters: Filters
    forgetting: Forgetting = Forgetting()
    metrics_used: list[str] = field(default_factory=list, repr=False)
    frames: dict[tuple, Columns] = field(default_factory=dict, init=False, repr=False, compare=False)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict, init=False, repr=False, compare=False)

    # --- what the report says about itself -------------------------------------------------------------------------

    @property
    def synced_at(self) -> datetime:
        return self.store.synced_at

    @property
    def versions_since(self) -> datetime | None:
        """The first sync, from when on owners, amounts and plans are as they were that night; None: they are as now."""
        return self.store.versions_since

    @cached_property
    def currency(self) -> str:
        """The base currency: the settings', else the portal's own."""
        return base_currency(self.store, self.settings)

    @property
    def portal_url(self) -> str:
        return self.store.last_sync["portal_url"] or ""

    @property
    def total(self) -> int:
        """How many deals there are at as_of, whatever the other filters: the company's, or those of the page's people."""
        return self._counted(self._people)["deals"]

    @property
    def kept(self) -> int:
        """How many of them the filters leave."""
        return self.slice.size

    @cached_property
    def _people(self) -> Slice:
        """All deals of the people that the page is about; of a page about nobody in particular, the company's."""
        chosen = self._manager_ids
        return Slice(self._snapshot, {} if chosen is None else {"manager_id": chosen})

    @property
    def is_discreet(self) -> bool:
        """Whether the page is about some people of a company so small that nothing at all is said of the others."""
        everybody = Slice(self._snapshot, {})
        return self.filters.is_about_people and not privacy.is_crowd(self._counted(everybody)["people"])

    @property
    def _known_people(self) -> Slice:
        """The deals whose traces may be told of where no number is: the company's where that tells on nobody."""
        return self._people if self.is_discreet else Slice(self._snapshot, {})

    def _counted(self, deals: Slice) -> dict[str, Any]:
        """How many deals and people with deals, and the first creation: before it nothing is known."""
        asked = "count(*) as deals, count(distinct nullif(manager_id, '')) as people, min(created_at) as first_at"
        return self._once(("counted", *deals.ids), lambda: deals.facts([asked]).to_pylist()[0])

    def _once(self, key: tuple, make: Callable[[], Any]) -> Any:
        """What is the same for all reports as of this instant."""
        held = (self.filters.as_of, self.currency, *key)
        if held not in self.store.made:
            self.store.made[held] = make()
        return self.store.made[held]

    @cached_property
    def holes(self) -> list[str]:
        """What could not be read, and data that end before the report's instant: said at the top of the page."""
        said = self._holes_of_source()
        if self.synced_at < self.filters.as_of:
            said.append(
                _("The data end before the report's instant: the last sync was earlier. Run `crm-reports sync`.")
            )
        return said

    def _holes_of_source(self) -> list[str]:
        """What the last sync could not read. A hole may count rows of anybody's: a page about people leaves those out."""
        holes = self.store.last_sync["holes"]
        if not self.filters.is_about_people:
            return [hole["text"] for hole in holes]
        said = [hole["text"] for hole in holes if hole.get("is_general")]
        counts_rows = len(said) < len(holes) and not self._known_people.chosen
        return (
            [*said, _("Rows of the source were left out or are doubtful: the company's page counts them.")]
            if counts_rows
            else said
        )

    @cached_property
    def quality(self) -> list[Note]:
        """What is wrong with the deals that the numbers are made of, and with the leads."""
        about_leads = lead_notes(self.leads) if self.has("leads") else []
        return notes(self.slice.deals.take(self._touched), self._known) + about_leads

    def noted(self, code: str) -> pd.DataFrame:
        """The deals that a note about the data is about: rows of `deals`; none where there is no such note."""
        which = about(code, self.slice.deals.take(self._touched), self._known)
        return self.deals.take(self._touched[which]).reset_index(drop=True)

    @cached_property
    def _touched(self) -> np.ndarray:
        """The places of the deals in work, and of those created or closed in the period or nobody knows when."""
        deals, bounds = self.slice.deals, self.bounds(self.filters.period)
        made_of = (deals["outcome"] == "open") | np.isnat(deals["closed_at"])
        return np.flatnonzero(made_of | inside(deals["created_at"], bounds) | inside(deals["closed_at"], bounds))

    @cached_property
    def _known(self) -> Against:
        first = self._counted(self._known_people)["first_at"]
        gone = {id for id, is_deleted in self.stages["is_deleted"].items() if is_deleted}
        return Against(self.dismissed, gone, utc(self.filters.start_at), utc(first) if first else np.datetime64("NaT"))

    def has(self, table: str) -> bool:
        """Whether the source has this table at all."""
        return self.store.has(table)

    @cached_property
    def lacks(self) -> dict[str, str]:
        """What the source does not have, of all that a metric may need: its name and a sentence for the page."""
        has, is_files = self._filled, self.store.last_sync["source"] == "files"
        there = {
            "amount": has["amount"],
            "created_at": has["created_at"],
            "closing": has["closed_at"] or has["moved_at"] or self.has("stage_history") or not has["closed"],
            "customer": has["company_id"] or has["contact_id"],
            "stage_history": self.has("stage_history"),
            "stage_order": bool(self.stages["position"].notna().any()),
            "activities": self.has("activities"),
            "comments": self.has("comments") or has["comment"],
            "leads": self.has("leads"),
            "manager": has["manager_id"],
            "department": has["manager_id"] and has["department_id"],
            "source": has["source_id"],
            "stage": has["stage_id"],
            "stage_entry": has["moved_at"] or self.has("stage_history"),
            "loss_reason": has["loss_reason"] or has["stage_id"],
            "author": has["author"] or not has["any_activity"],
            # In a portal nothing done, or nothing planned, on any deal is a fact; in files it is a column that is not there.
            "deal_activities": has["deal_activity"] or not has["any_activity"] or not is_files,
            "plans": has["plan"] or not has["any_activity"] or not is_files,
            "lead_created_at": has["lead_created_at"],
            "lead_closing": has["lead_closing"],
        }
        lacking = {name: _(LACKING[name]) for name, held in there.items() if not held}
        # A portal without a single deal lacks nothing: its zeros are true.
        is_empty = bool(lacking) and self.total == 0 and not is_files
        return {} if is_empty else lacking

    @property
    def _filled(self) -> dict[str, bool]:
        """Whether any deal has an amount, a creation date, …"""
        if not (whose := self._known_people).chosen:
            return self._filled_anywhere
        return self.store.now.query(f"{FILLED} where {whose.inside}", *whose.ids).to_pylist()[0]

    @_shared
    def _filled_anywhere(self) -> dict[str, bool]:
        return self.store.now.query("from filled").to_pylist()[0]

    # --- dimensions ------------------------------------------------------------------------------------------------

    @_shared
    def managers(self) -> pd.DataFrame:
        """manager_id → manager (name), department_id, is_active; whoever is named anywhere, known to the CRM or not."""
        homes = sorted(self._read("manager_departments"), key=lambda row: (row["manager_id"], *_last(row["position"])))
        first = {row["manager_id"]: row["department_id"] for row in reversed(homes)}
        people = self._read("managers")
        strangers = self.store.ids("manager_id") - {row["manager_id"] for row in people}
        people += [dict.fromkeys(TABLES["managers"].columns) | {"manager_id": id} for id in sorted(strangers)]
        return _named(
            [row | {"department_id": first.get(row["manager_id"])} for row in people],
            {"manager": _("no manager"), "department_id": None},
        )

    @property
    def dismissed(self) -> set[str]:
        """The managers who the CRM says have left; of a stranger it says nothing."""
        return {id for id, is_active in self.managers["is_active"].items() if pd.notna(is_active) and not is_active}

    @_shared
    def departments(self) -> pd.DataFrame:
        """department_id → department (name), parent_id."""
        return _named(self._read("departments"), {"department": _("no department")})

    @_shared
    def pipelines(self) -> pd.DataFrame:
        """pipeline_id → pipeline (name), in the CRM's order."""
        rows = sorted(self._read("pipelines"), key=lambda row: (*_last(row["position"]), row["pipeline_id"]))
        return _named(rows, {"pipeline": _("no pipeline")})

    @_shared
    def sources(self) -> pd.DataFrame:
        """source_id → source (name)."""
        return _named(self._read("sources"), {"source": _("no source")})

    @_shared
    def stages(self) -> pd.DataFrame:
        """stage_id → stage (name), pipeline_id, pipeline, position, outcome; in the order of pipelines and stages.

        A stage that history names and the CRM has deleted is there under its id.
        """
        rows, pipelines = self._read("stages"), self.pipelines["pipeline"].to_dict()
        gone = self.store.ids("stage_id") - {row["stage_id"] for row in rows}
        rows += [dict.fromkeys(TABLES["stages"].columns) | {"stage_id": id} for id in sorted(gone)]
        place = {pipeline: at for at, pipeline in enumerate(pipelines)}
        rows.sort(key=lambda row: (*_last(place.get(row["pipeline_id"])), *_last(row["position"])))
        told = [
            row | {"stage": _("deleted stage {id}", id=row["stage_id"]) if row["name"] is None else row["name"],
                   "pipeline": pipelines.get(row["pipeline_id"]), "is_deleted": row["stage_id"] in gone}
            for row in rows
        ]  # fmt: skip
        unknown = {"stage": _("unknown stage"), "pipeline": None, "outcome": "open", "is_deleted": False}
        return _by_id(told, unknown, "stage")

    @_shared
    def stage_names(self) -> dict[str, str]:
        """stage_id → stage."""
        return self.stages["stage"].to_dict()

    @_shared
    def ladder(self) -> dict[str, Rung]:
        """stage_id → its place in the funnel of its pipeline."""
        names, pipelines = self.stage_names, self.pipelines["pipeline"].to_dict()
        return {
            row["stage_id"]: _rung(row, names, pipelines) for row in self.store.now.query("from funnel").to_pylist()
        }

    @property
    def customer_kinds(self) -> pd.DataFrame:
        """customer_kind_id → customer_kind: whether the customer of a deal had bought before."""
        return pd.DataFrame({"customer_kind": {id: _(name) for id, name in CUSTOMER_KINDS.items()}})

    # --- facts -----------------------------------------------------------------------------------------------------

    @property
    def _snapshot(self) -> Snapshot:
        return self.store.snapshot(self.filters.as_of, self.currency, self.filters.zone.key)

    def _query(self, sql: str, *values: object) -> pd.DataFrame:
        """What the SQL finds in the store as of the report's instant; each ? stands for one of the values."""
        return _pandas(self._snapshot.query(sql, *values))

    @cached_property
    def slice(self) -> Slice:
        """The deals that the filters keep, and what happened to them, as columns."""
        return self._slice(self._manager_ids)

    def _slice(self, managers: Sequence[str] | None) -> Slice:
        chosen = {f"{name}_id": self.filters.ids(name) or None for name in ("pipeline", "source")}
        chosen |= {"manager_id": managers}
        return Slice(self._snapshot, {column: ids for column, ids in chosen.items() if ids is not None})

    def bounds(self, period: Period) -> Bounds:
        """The first instant of the period, and the first after it."""
        return first_instant(period.start, self.filters.zone), first_instant(period.end, self.filters.zone)

    def _deal_rows(self, condition: str = "true", *values: object) -> pd.DataFrame:
        """The facts of the slice's deals that the condition keeps."""
        return _pandas(self.slice.facts(["*"], condition, *values))

    @cached_property
    def _manager_ids(self) -> list[str] | None:
        """Whom the manager and department filters keep; None when neither is set. One's first department counts."""
        managers, departments = self.filters.ids("manager"), self.filters.ids("department")
        if not managers and not departments:
            return None
        if not departments:
            return list(managers)
        inside = set(self.managers.index[self.managers["department_id"].isin(departments)])
        return sorted(inside & set(managers) if managers else inside)

    @cached_property
    def deals(self) -> pd.DataFrame:
        """One row per deal of the slice, as it stood at as_of: names beside ids, last action, next step."""
        return self._with_names(self._deal_rows())

    def deals_in(self, period: Period) -> pd.DataFrame:
        """Those of `deals` that a number is made of: created or closed in `period`, or in work now; as in the slice."""
        return self._with_names(self._deal_rows(COUNTED, *self.bounds(period) * 2))

    @cached_property
    def first_day(self) -> date | None:
        """The first day on which a deal or lead of the slice was created or closed, or its people acted; None without any."""
        deals = self.slice.facts(["least(min(created_at), min(closed_at)) as at"])["at"][0].as_py()
        acts = self.slice.actions("min(acts.at) as at", EVER)["at"][0].as_py()
        leads = self.leads[["created_at", "closed_at"]].min().min()
        found = [_day_of(each, self.filters.zone) for each in (deals, acts, None if pd.isna(leads) else leads)]
        return min(filter(None, found), default=None)

    def holders(self, key: str, period: Period) -> set[str]:
        """The managers (`key` is manager_id), sources … of the slice's deals in work, or created or closed in `period`."""
        deals, bounds = self.slice.deals, self.bounds(period)
        here = (deals["outcome"] == "open") | inside(deals["created_at"], bounds) | inside(deals["closed_at"], bounds)
        found = deals[key]
        return {found.categories[code] for code in np.unique(found.codes[here])}

    def _with_names(self, facts: pd.DataFrame) -> pd.DataFrame:
        frame = _with_endings(facts.drop(columns="deal_no"), self.filters.as_of)
        for key in ("manager", "department", "pipeline", "source", "stage"):
            names = getattr(self, f"{key}s")[key]
            frame[key] = looked_up(frame[f"{key}_id"], names, frame[f"{key}_id"])
        link = f"{self.portal_url.rstrip('/')}/crm/deal/details/"
        frame["url"] = link + frame["deal_id"] + "/" if self.portal_url else ""
        reason = frame["loss_reason"].astype(object).fillna(frame["stage"]).where(frame["outcome"] == "lost", "")
        return frame.assign(loss_reason=reason, loss_reason_id=reason)

    @_shared
    def homes(self) -> dict[str, str]:
        """manager_id → department_id: the first one in the CRM."""
        return self.managers["department_id"].fillna("").to_dict()

    @cached_property
    def spans(self) -> Columns:
        """When each deal of the slice was in work."""
        return self.slice.open_spans()

    # --- actions ---------------------------------------------------------------------------------------------------

    def acts_in(self, period: Period) -> Columns:
        """One row per action of the slice's managers in `period`: kind, at, manager_id, department_id, and its deal's ids.

        deal_id, pipeline_id, source_id and stage_id are "" where it was on no deal.
        """
        acts, homes = from_arrow(self.slice.actions("*", self.bounds(period))), self.homes
        return acts.assign(department_id=lambda: renamed(acts["manager_id"], homes))

    def counts_in(self, period: Period) -> pd.DataFrame:
        """Actions in `period` of everybody in the company who acted: a row per manager_id, a column per kind."""
        filters = self.filters
        return self._once(
            ("counts", filters.ids("pipeline"), filters.ids("source"), period), lambda: self._counts(period)
        )

    def _counts(self, period: Period) -> pd.DataFrame:
        counts = ", ".join(f"count(*) filter (kind = '{kind}')::double as {kind}" for kind in KINDS)
        end = "and manager_id != '' group by manager_id order by manager_id"
        found = self._slice(None).actions(f"manager_id, {counts}", self.bounds(period), end)
        return _pandas(found).set_index("manager_id")

    def points_in(self, period: Period) -> pd.Series:
        """manager_id → points (Σ weight × actions) in `period`, of everybody in the company who acted."""
        return self.counts_in(period) @ pd.Series(self.settings.weights, dtype=float).reindex(list(KINDS)).fillna(0.0)

    def in_team(self, manager_ids: Iterable[str]) -> set[str]:
        """Those of them that the manager and department filters keep."""
        return set(manager_ids) if self._manager_ids is None else set(manager_ids) & set(self._manager_ids)

    @cached_property
    def kinds_without_data(self) -> list[str]:
        """Kinds of action of which the store holds not one: nothing is connected, so a zero would be no fact."""
        if (whose := self._known_people).chosen:
            found = whose.query(f"select distinct kind from signs where is_action and {whose.inside}", *whose.ids)
        else:
            found = whose.query("from action_kinds")
        seen = set(found["kind"].to_pylist())
        return [kind for kind in KINDS if kind not in seen]

    # --- to look at ------------------------------------------------------------------------------------------------

    @cached_property
    def stage_visits(self) -> pd.DataFrame:
        """One row per visit of a deal of the slice to a stage, by entered_at; left_at is missing while it lasts."""
        return self.slice.visits(EVER).to_pandas()

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row per deal of the slice and funnel stage it reached before as_of; `next_…` is of the stage after it."""
        return self.slice.steps("reached_at", EVER).to_pandas()

    @cached_property
    def open_spans(self) -> pd.DataFrame:
        """When each deal of the slice was in work: opened_at (missing: since ever), until_at (missing: still)."""
        return self.spans.to_pandas()

    @cached_property
    def actions(self) -> pd.DataFrame:
        """One row per action of the slice's managers in the report's period; "" where it was on no deal."""
        return self.acts_in(self.filters.period).to_pandas()

    # --- in work now ------------------------------------------------------------------------------------------------

    @cached_property
    def in_work(self) -> Columns:
        """One row per deal of the slice in work at as_of: how long silent, whether forgotten, its next step; place."""
        rule, as_of, deals = self.forgetting, utc(self.filters.as_of), self.slice.deals
        left_out = per_text(deals["stage_id"], lambda id: id in rule.exclude_stages, bool)
        left_out = left_out | per_text(deals["pipeline_id"], lambda id: id in rule.exclude_pipelines, bool)
        place = np.flatnonzero((deals["outcome"] == "open") & ~left_out)
        deals = deals.take(place)
        heard = np.where(np.isnat(deals["last_action_at"]), deals["created_at"], deals["last_action_at"])
        silent, has_step = np.floor((as_of - heard) / DAY), deals["has_next_step"]
        is_overdue = has_step & (deals["next_step_at"] < as_of) & (deals["next_step_at"] != utc(self._today))
        is_snoozed = has_step & ~is_overdue & rule.snooze_planned
        is_forgotten = (silent >= rule.after) & ~is_snoozed
        return deals.assign(
            place=place, heard_at=heard, days_silent=silent, is_overdue=is_overdue, is_snoozed=is_snoozed, is_forgotten=is_forgotten,
            forgotten_money=lambda: np.where(is_forgotten, deals["money"], np.nan), has_no_next_step=~has_step,
            days_in_current_stage=lambda: (as_of - deals["stage_since_at"]) / DAY,
        )  # fmt: skip

    @property
    def _today(self) -> datetime:
        """When the day of as_of begins: what is due on that day is not overdue before its end."""
        filters = self.filters
        return first_instant(filters.as_of.astimezone(filters.zone).date(), filters.zone)

    @cached_property
    def forgotten(self) -> Columns:
        """The forgotten ones of them, each with chance (share won in the end of past deals as silent there), its k and n."""
        deals = self.in_work.take(self.in_work["is_forgotten"])
        levels = self.forgetting.after * np.array(SILENCE_STEPS)
        level = levels[np.searchsorted(levels, deals["days_silent"], side="right") - 1] if len(deals) else np.array([])
        past = {(stage, days): (k, n) for stage, days, k, n in self.silence_outcomes.itertuples(index=False, name=None)}
        told = [past.get(key, NOBODY) for key in zip(deals["stage_id"], level.tolist(), strict=True)]
        k, n = np.array(told, dtype=float).reshape(-1, 2).T
        return deals.assign(
            silent_level=level, chance=k / n, chance_k=k, chance_n=n, money_at_risk=lambda: deals["money"] * k / n
        )

    @cached_property
    def open_deals(self) -> pd.DataFrame:
        """The same with all that is known of the deals, and names: to be listed."""
        return self._listed(self.in_work)

    @cached_property
    def forgotten_deals(self) -> pd.DataFrame:
        """The forgotten ones of `open_deals`, with their chances."""
        return self._listed(self.forgotten)

    def _listed(self, deals: Columns) -> pd.DataFrame:
        among = np.flatnonzero(self.slice.deals["outcome"] == "open").searchsorted(deals["place"])
        frame = self._with_names(self._deal_rows("outcome = 'open'").take(among).reset_index(drop=True))
        # The CRM keeps its last trace only: one after the report's instant says nothing of that night.
        trace, heard = frame["last_activity_at"], pd.Series(pd.to_datetime(deals["heard_at"], utc=True))
        is_later = (trace >= heard + pd.Timedelta(DAY)) & (trace < pd.Timestamp(self.filters.as_of))
        told = {name: deals[name] for name in (*STANDING_NOW, *CHANCE) if name in deals}
        return frame.assign(**told, is_open=True, crm_trace_at=trace.where(is_later))

    @cached_property
    def silence_outcomes(self) -> pd.DataFrame:
        """stage_id, silent_days, k, n: of the n closed deals once silent there for so long, k were won.

        The company's deals, or those of the page's people.
        """
        levels = ", ".join(str(self.forgetting.after * step) for step in SILENCE_STEPS)
        people = self._people
        found = people.query(
            f"""
            select stage_id, level as silent_days, coalesce(sum(deals) filter (where ended_as = 'won'), 0)::bigint as k,
                sum(deals)::bigint as n
            from silences join (select unnest([{levels}])::bigint as level) on silences.silent_days >= level
            where {people.inside} group by stage_id, level order by stage_id, level
            """, *people.ids,
        )  # fmt: skip
        return _pandas(found)

    @cached_property
    def leads(self) -> pd.DataFrame:
        """One row per lead of the slice as it stood at as_of: names beside ids, days_silent and is_forgotten in work.

        Leads stand in no pipeline, so a pipeline filter keeps them all.
        """
        frame = self._query("from lead_facts")
        frame = frame[self._keeps(frame)].reset_index(drop=True)
        frame["department_id"] = looked_up(frame["manager_id"], self.managers["department_id"])
        for key in ("manager", "department", "source"):
            frame[key] = looked_up(frame[f"{key}_id"], getattr(self, f"{key}s")[key], frame[f"{key}_id"])
        since = frame["last_action_at"].fillna(frame["created_at"])
        silent = ((pd.Timestamp(self.filters.as_of) - since) // pd.Timedelta(DAY)).where(frame["outcome"] == "open")
        return frame.assign(days_silent=silent, is_forgotten=silent >= self.forgetting.after)

    def _keeps(self, rows: pd.DataFrame) -> pd.Series:
        """Which rows the manager, department and source filters keep."""
        sources, managers = self.filters.ids("source"), self._manager_ids
        kept = rows["source_id"].isin(sources) if sources else pd.Series(True, index=rows.index)
        return kept if managers is None else kept & rows["manager_id"].isin(managers)

    @cached_property
    def before(self) -> "Dataset":
        """The same report at the comparison's instant: where stocks such as `in_work` are compared."""
        return replace(self, filters=replace(self.filters, as_of=self.filters.as_of_before))

    @cached_property
    def everybody(self) -> "Dataset":
        """The same report without the manager and department filters. `measures.medians` says of it what may be said."""
        everybody = replace(self.filters, manager=(), department=(), departments=())
        return self if everybody == self.filters else replace(self, filters=everybody)

    def moved_since(self, then: "Dataset") -> Columns:
        """What became since then of each deal that the filters keep, or kept.

        outcome ("" where it was not there, or is not kept any more), is_inside (the filters keep it) and money (0 for none), each
        `_then` and `_now`.
        """
        was, became = then.slice.standings, self.slice.standings
        place = places_of(became["deal_id"], was["deal_id"])
        # Whoever is kept at one instant alone was elsewhere at the other, or was not: a new deal need not be looked for.
        is_old = ~(became["created_at"] >= utc(then.filters.as_of))
        has_gone = np.ones(len(was), dtype=bool)
        has_gone[place[place >= 0]] = False
        came, went = np.flatnonzero((place < 0) & is_old), np.flatnonzero(has_gone)
        return _paired(was, became, place, came, _standing_of(then.slice, became["deal_id"][came]), went)

    @cached_property
    def step_worth(self) -> dict[tuple[str, int], tuple[float, int]]:
        """(pipeline_id, step) → what closed deals of the slice that ever came so far brought on average, and how many."""
        found = self.slice.query(
            f"""
            select pipeline_id, step, sum(money) / sum(deals) as mean, sum(deals)::bigint as n from step_worth
            where {self.slice.inside} group by all order by all
            """, *self.slice.ids,
        )  # fmt: skip
        return {(row["pipeline_id"], row["step"]): (row["mean"], row["n"]) for row in found.to_pylist()}

    def stages_before_loss(self, period: Period) -> tuple[Columns, pd.Categorical]:
        """The slice's deals that were lost in `period`, and the last stage of work that each entered; "" for none."""
        at_work = self.stages.index[self.stages["outcome"] == "open"]
        deals = self.slice.deals
        places = np.flatnonzero((deals["outcome"] == "lost") & inside(deals["closed_at"], self.bounds(period)))
        visits = self.slice.history(
            "stage_visits", "stage_id, entered_at, history_id",
            """list_contains(?::varchar[], stage_id) and deal_no in (
                select deal_no from deal_facts where outcome = 'lost' and closed_at >= ? and closed_at < ?
            )""", list(at_work), *self.bounds(period),
        )  # fmt: skip
        order = np.lexsort((visits["history_id"], visits["entered_at"]))
        last = np.full(len(deals), -1)
        last[visits["place"][order]] = visits["stage_id"].codes[order]  # of several the last one stays
        texts = [*visits["stage_id"].categories, ""]
        return deals.take(places), categorical(last[places] % len(texts), texts)

    @cached_property
    def stages_known_since(self) -> pd.Timestamp | None:
        """The first entry of the stage history; None without any."""
        whose, sql = self._known_people, "select min(entry.at) as at from stage_history as entry"
        if whose.chosen:
            sql += f" where deal_id in (select deal_id from deal_facts where {whose.inside})"
        first = _pandas(whose.query(sql, *whose.ids))["at"].iloc[0]
        return None if pd.isna(first) else first

    @property
    def amounts_known_since(self) -> pd.Timestamp:
        """From when on amounts, owners and plans are as they were that night; before it, those of that sync stand in."""
        return pd.Timestamp(self.versions_since or self.synced_at)

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read(self, table: str) -> list[dict[str, Any]]:
        return self.store.rows(table).to_pylist()


def _pandas(found: pa.Table) -> pd.DataFrame:
    """The rows, absent texts as NaN."""
    # Threads pay on long tables only; on short ones their making is most of the time.
    if len(found):
        return found.to_pandas(use_threads=len(found) > 100_000)
    nothing = found.to_pandas(use_threads=False)  # its texts have no chunk at all, which pandas can't join on
    return nothing.astype(object).astype(nothing.dtypes)


Standing = tuple[np.ndarray, np.ndarray]  # outcome, money


def _standing_of(deals: Slice, ids: np.ndarray) -> Standing:
    """How these deals, which may be anybody's, stood: "" and 0 for those that were not there."""
    if not len(ids):
        return np.zeros(0, dtype=object), np.zeros(0)
    found = deals.standings_of(ids)
    place = places_of(ids, found["deal_id"])
    outcome, money = (np.append(each, none)[place] for each, none in zip(_standing(found), ("", 0.0), strict=True))
    return outcome, money


def _paired(
    was: Columns, became: Columns, place: np.ndarray, came: np.ndarray, elsewhere: Standing, went: np.ndarray
) -> Columns:
    """Each deal of now beside itself then, those that came beside what they were elsewhere.

    What became of a deal after it went is not said: it may be others' doing. It left with the money it had.
    """
    there, size = place >= 0, len(became) + len(went)
    ended, money = _standing(was)
    now = np.concatenate([np.asarray(became["outcome"], dtype=object), np.full(len(went), "", dtype=object)])
    money_now = np.concatenate([np.nan_to_num(became["money"]), money[went]])
    then, money_then = np.full(size, "", dtype=object), np.zeros(size)
    inside_then = np.concatenate([there, np.ones(len(went), dtype=bool)])
    then[np.flatnonzero(there)], money_then[np.flatnonzero(there)] = ended[place[there]], money[place[there]]
    then[came], money_then[came] = elsewhere
    then[len(became) :], money_then[len(became) :] = ended[went], money[went]
    return Columns(size, {
        "outcome_then": then, "outcome_now": now, "money_then": money_then, "money_now": money_now,
        "is_inside_then": inside_then, "is_inside_now": np.arange(size) < len(became),
    })  # fmt: skip


def _standing(deals: Columns) -> Standing:
    return np.asarray(deals["outcome"], dtype=object), np.nan_to_num(deals["money"])


def loss_reasons(deals: Columns, stages: Mapping[str, str]) -> pd.Categorical:
    """Why each deal was lost: what the CRM says, else the name of the lost stage; "" where it is not lost."""
    said, named = deals["loss_reason"], renamed(deals["stage_id"], stages)
    texts = ["", *said.categories, *named.categories]
    codes = np.where(said != "", 1 + said.codes.astype(int), 1 + len(said.categories) + named.codes)
    return categorical(np.where(deals["outcome"] == "lost", codes, 0), texts)


def looked_up(ids: pd.Series, values: pd.Series | Mapping[str, Any], instead: pd.Series | str = "") -> pd.Series:
    """The value of each id; `instead` where there is none. As objects: of nothing found pandas makes numbers."""
    held = {id: value for id, value in values.items() if not pd.isna(value)}
    others = [instead] * len(ids) if isinstance(instead, str) else instead.tolist()
    found = [held.get(id, other) for id, other in zip(ids.tolist(), others, strict=True)]
    return pd.Series(found, index=ids.index, dtype=object)


def _last(place: float | None) -> tuple[bool, float]:
    """What to sort by, so that those without a place come last."""
    return place is None, place or 0


def _named(rows: Sequence[Mapping[str, Any]], nobody: Mapping[str, Any]) -> pd.DataFrame:
    """Names made distinct (two of one name carry their ids), an unknown one shown by its id, and `nobody` for none.

    The first word of `nobody` says what is named.
    """
    name = next(iter(nobody))
    key = f"{name}_id"
    called = [row["name"] if (row["name"] or "").strip() else row[key] for row in rows]
    times = Counter(called)
    told = [
        row | {name: f"{said} ({row[key]})" if times[said] > 1 else said}
        for row, said in zip(rows, called, strict=True)
    ]
    return _by_id(told, nobody, name)


def _by_id(rows: Sequence[Mapping[str, Any]], nobody: Mapping[str, Any], name: str) -> pd.DataFrame:
    """The rows under their ids, then `nobody` under ""; the columns of the table are there however few the rows."""
    key = f"{name}_id"
    named = [*rows, {key: "", **nobody}]
    columns = dict.fromkeys([*TABLES[f"{name}s"].columns, *(column for row in named for column in row)])
    held = {column: [row.get(column) for row in named] for column in columns if column not in (key, "name")}
    return pd.DataFrame(held, index=pd.Index([row[key] for row in named], name=key, dtype=object), dtype=object)


def _with_endings(facts: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    frame = facts.copy()
    frame["won_at"] = frame["closed_at"].where(frame["outcome"] == "won")
    frame["lost_at"] = frame["closed_at"].where(frame["outcome"] == "lost")
    is_open = frame["outcome"] == "open"
    frame["days_in_current_stage"] = ((pd.Timestamp(as_of) - frame["stage_since_at"]) / DAY).where(is_open)
    end = frame["closed_at"].where(~is_open, pd.Timestamp(as_of))  # one that nobody knows is not today
    frame["duration_days"] = (end - frame["created_at"]) / DAY
    return frame


def base_currency(store: Store, settings: Settings) -> str:
    """The currency all money is in: the settings', else the portal's own, else roubles."""
    if settings.base_currency:
        return settings.base_currency
    found = [row["currency"] for row in store.rows("currencies").to_pylist() if row["is_base"]]
    return found[0] if found else "RUB"


# ── Loading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def load(
    *,
    period: object = "last_month",
    pipeline: Typed = (),
    department: Typed = (),
    manager: Typed = (),
    source: Typed = (),
    comparison: str = "previous",
    as_of: object = "",
    language: str = "",
    forgotten_after: int = 14,
    exclude_stages: Sequence[str] = (),
    exclude_pipelines: Sequence[str] = (),
    snooze_planned: bool = False,
    stage_window: str = "",
    settings: Settings | None = None,
) -> Dataset:
    """The data of a report, from the store that reports.toml (or CRM_REPORTS_CONFIG, CRM_REPORTS_DATA) points at.

    Filters are texts as people type them; all that mean nothing are reported in one FilterError. `as_of` is by default
    the midnight before the last sync. `stage_window` is how far back going from stage to stage is counted, at least ("12
    months"); by default over the period alone. From here on every text is said in `language`.
    """
    settings = settings or Settings.read()
    use(language or settings.language)
    data = _opened(settings)
    said = {"pipeline": pipeline, "department": department, "manager": manager, "source": source}
    problems: list[str] = []
    rule = _forgetting(data, forgotten_after, exclude_stages, exclude_pipelines, snooze_planned, problems)
    try:
        filters = Filters.parse(
            known(data), zone=settings.zone, default_as_of=default_as_of(data, settings), period=period,
            comparison=comparison, as_of=as_of, language=language, default_language=settings.language, stage_window=stage_window, **said,
        )  # fmt: skip
    except FilterError as error:
        raise FilterError("\n".join([str(error), *problems])) from None
    all_at_once(problems, FilterError)
    filters = _begun(data, settings, filters) if filters.period.is_open else filters
    units.use(currency=base_currency(data, settings), zone=settings.zone)
    return Dataset(data, settings, filters, rule)


def _begun(data: Store, settings: Settings, filters: Filters) -> Filters:
    """The filters, their period from the first day on which the company, or whom alone it is about, has anything counted."""
    ds = Dataset(data, settings, filters)
    if ds.is_discreet:
        return filters.begun(ds.first_day)
    return filters.begun(_day_of(ds._snapshot.query("from first_row")["at"][0].as_py(), settings.zone))


def _day_of(instant: datetime | None, zone: ZoneInfo) -> date | None:
    return None if instant is None else instant.astimezone(zone).date()


def prepare(settings: Settings, as_ofs: Iterable[datetime] = ()) -> Store:
    """Work out once what the reports of a night share, and keep it beside the store, which is given.

    All of it as of the default instant; as of `as_ofs` what comparisons need.
    """
    data = _opened(settings)
    about = base_currency(data, settings), settings.zone.key
    data.now.prepare("ids", "filled", "funnel")
    data.snapshot(default_as_of(data, settings), *about).prepare(*PARTS)
    for as_of in as_ofs:
        data.snapshot(as_of, *about).prepare("deal_facts")
    return data


_held: list[tuple[Store, Dataset]] = []


def hold(settings: Settings, as_ofs: Sequence[datetime]) -> None:
    """Open the store, look up all names and find what was prepared, for every process that is forked from this one."""
    data = prepare(settings, as_ofs)
    whole = load(period="all", settings=settings)
    names = ("managers", "departments", "pipelines", "sources", "stages", "ladder", "homes", "lacks", "total", "holes")
    _held[:] = [(data, whole)]
    for name in names:
        getattr(whole, name)


@contextmanager
def kept_open(settings: Settings) -> Iterator[None]:
    """While it lasts, every `load` of this thread reads through the same connection, and names are looked up once."""
    data = _opened(settings)
    yield
    del data


def _opened(settings: Settings) -> Store:
    return Store.open(settings.store_path, memory=settings.engine.memory, threads=settings.engine.threads)


def default_as_of(data: Store, settings: Settings) -> datetime:
    """Midnight at the start of the day of the last sync: what is said is what the data can know."""
    return first_instant(data.synced_at.astimezone(settings.zone).date(), settings.zone)


def known(data: Store) -> Known:
    """The pipelines, departments, managers and sources that a filter may name."""
    bare = Dataset(data, None, None)
    parents = {row["department_id"]: row["parent_id"] or "" for row in bare._read("departments")}
    homes = looked_up(bare.managers["department_id"], bare.departments["department"])
    departments, managers = _choices(bare.departments["department"]), _choices(bare.managers["manager"])
    return Known(
        pipeline=_choices(bare.pipelines["pipeline"]),
        department=tuple(replace(each, parent_id=parents.get(each.id, "")) for each in departments),
        manager=tuple(replace(each, hint=homes.get(each.id, "")) for each in managers),
        source=_choices(bare.sources["source"]),
    )


def _choices(names: pd.Series) -> tuple[Choice, ...]:
    return tuple(Choice(id, name) for id, name in names.items() if id)


def _forgetting(
    data: Store, after: int, stages: Sequence[str], pipelines: Sequence[str], snooze: bool, problems: list[str]
) -> Forgetting:
    """The rule that was asked for; what is wrong with it goes to `problems`."""
    names = Dataset(data, None, None)
    if not isinstance(after, int) or after < 1:
        problems.append(_("forgotten_after is {held}; give a whole number of days from 1", held=repr(after)))
    left_out = {
        "exclude_stages": _meant("exclude_stages", stages, names.stages["stage"], problems),
        "exclude_pipelines": _meant("exclude_pipelines", pipelines, names.pipelines["pipeline"], problems),
    }
    return Forgetting(after, **left_out, snooze_planned=bool(snooze))


def _meant(parameter: str, typed: Sequence[str] | str, names: pd.Series, problems: list[str]) -> tuple[str, ...]:
    """The ids of the names or ids typed; a stage's name may stand for one stage in each of several pipelines."""
    found: list[str] = []
    for text in [typed] if isinstance(typed, str | int) else typed:
        ids = [id for id, name in names.items() if str(text) == id or str(text).casefold() == name.casefold()]
        found += ids
        if not ids:
            close = ", ".join(near(str(text), names)) or ", ".join(names.head(5))
            problems.append(_("{key} {held} is not known; near: {near}", key=parameter, held=repr(text), near=close))
    return tuple(found)
