"""`load(…) → Dataset`: what a report is made of, as it stood at one instant, cut to the filters.

Frames are pandas, instants UTC, money in the base currency, shares 0–1. An absent id is "": its own row in every table.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

import pandas as pd
import pyarrow as pa

from . import texts, units
from .errors import FilterError, all_at_once, near
from .filters import Choice, Filters, Known, Period, Typed, first_instant
from .quality import Note, notes
from .settings import Settings
from .store import PARTS, Snapshot, Store
from .texts import N_, _, use

DAY = pd.Timedelta(days=1)
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
}
CUSTOMER_KINDS = {"new": N_("new"), "repeat": N_("repeat"), "none": N_("no customer")}

# Facts of a deal that rows of its own history are cut by.
DIMENSIONS = ("manager_id", "department_id", "pipeline_id", "source_id", "customer_kind_id")
VISIT = "deal_id, history_id, row.stage_id, visited_pipeline_id, entered_at, left_at, created_at"
STEP = "deal_id, row.stage_id, step, to_stage_id, reached_at, visited_at, next_reached_at, next_visited_at, outcome, created_at"
STANDING = ("outcome", "money", "is_inside")
TOUCHED = "(created_at >= ? and created_at < ?) or (closed_at >= ? and closed_at < ?)"
NOTED = (
    "deal_id, manager_id, stage_id, source_id, customer_id, outcome, amount, currency, created_at, closed_at, has_history, is_priced, "
    "closing_added, is_reopened, went_back"
)


@dataclass(frozen=True)
class Forgetting:
    """When a deal in work counts as forgotten, and which deals are not looked at."""

    after: int = 14
    exclude_stages: tuple[str, ...] = ()
    exclude_pipelines: tuple[str, ...] = ()
    snooze_planned: bool = False


def _shared(make: Callable[["Dataset"], pd.DataFrame]) -> property:
    """A property that all datasets of one store share: names are the same whatever the filters."""

    def shared(self: "Dataset") -> pd.DataFrame:
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
    frames: dict[tuple, pd.DataFrame] = field(default_factory=dict, init=False, repr=False, compare=False)

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

    @cached_property
    def total(self) -> int:
        """How many deals there are at as_of, whatever the filters."""
        return int(self._query("select count(*) as deals from deal_facts")["deals"].iloc[0])

    @cached_property
    def kept(self) -> int:
        """How many of them the filters leave."""
        inside, ids = self._slice(self._manager_ids)
        return int(self._query(f"select count(*) as deals from deal_facts where {inside}", *ids)["deals"].iloc[0])

    @cached_property
    def holes(self) -> list[str]:
        """What could not be read, and data that end before the report's instant: said at the top of the page."""
        said = [hole["text"] for hole in self.store.last_sync["holes"]]
        if self.synced_at < self.filters.as_of:
            said.append(
                _("The data end before the report's instant: the last sync was earlier. Run `crm-reports sync`.")
            )
        return said

    @cached_property
    def quality(self) -> list[Note]:
        """What is wrong with the deals that the numbers are made of."""
        undated = "outcome = 'open' or closed_at is null"
        touched = self._deal_rows(f"{undated} or {TOUCHED}", *self._ends(self.filters.period) * 2, columns=NOTED)
        gone = self.stages.index[self.stages["is_deleted"].astype(bool)]
        touched = touched.assign(first_known_at=self._first_created_at)
        return notes(touched, self.dismissed, set(gone), self.filters.start_at)

    @cached_property
    def _first_created_at(self) -> pd.Timestamp:
        """The oldest creation in the whole company: before it nothing is known."""
        return self._query("select min(created_at) as created_at from deal_facts")["created_at"].iloc[0]

    def has(self, table: str) -> bool:
        """Whether the source has this table at all."""
        return self.store.has(table)

    @cached_property
    def lacks(self) -> dict[str, str]:
        """What the source does not have, of all that a metric may need: its name and a sentence for the page."""
        columns = ("amount", "created_at", "closed_at", "moved_at", "company_id", "contact_id")
        filled = ", ".join(f"count({name}) > 0 as {name}" for name in columns)
        has = self.store.now.query(f"select {filled} from deals").to_pylist()[0]
        there = {
            "amount": has["amount"],
            "created_at": has["created_at"],
            "closing": has["closed_at"] or has["moved_at"] or self.has("stage_history"),
            "customer": has["company_id"] or has["contact_id"],
            "stage_history": self.has("stage_history"),
            "stage_order": bool(self.stages["position"].notna().any()),
            "activities": self.has("activities"),
            "comments": self.has("comments"),
            "leads": self.has("leads"),
        }
        # A portal without a single deal lacks nothing: its zeros are true.
        empty = self.total == 0 and self.store.last_sync["source"] != "files"
        return {name: _(LACKING[name]) for name, held in there.items() if not held and not empty}

    # --- dimensions ------------------------------------------------------------------------------------------------

    @_shared
    def managers(self) -> pd.DataFrame:
        """manager_id → manager (name), department_id, is_active; whoever is named anywhere, known to the CRM or not."""
        people = self._read("managers").set_index("manager_id")
        homes = self._read("manager_departments").sort_values(["manager_id", "position"])
        people["department_id"] = homes.drop_duplicates("manager_id").set_index("manager_id")["department_id"]
        strangers = self.store.ids("manager_id") - set(people.index)
        people = people.reindex([*people.index, *sorted(strangers)])
        return _named(people.rename(columns={"name": "manager"}), "manager", _("no manager"))

    @property
    def dismissed(self) -> set[str]:
        """The managers who the CRM says have left; of a stranger it says nothing."""
        return {id for id, is_active in self.managers["is_active"].items() if pd.notna(is_active) and not is_active}

    @_shared
    def departments(self) -> pd.DataFrame:
        """department_id → department (name), parent_id."""
        frame = self._read("departments").set_index("department_id").rename(columns={"name": "department"})
        return _named(frame, "department", _("no department"))

    @_shared
    def pipelines(self) -> pd.DataFrame:
        """pipeline_id → pipeline (name), in the CRM's order."""
        frame = self._read("pipelines").sort_values(["position", "pipeline_id"]).set_index("pipeline_id")
        return _named(frame.rename(columns={"name": "pipeline"}), "pipeline", _("no pipeline"))

    @_shared
    def sources(self) -> pd.DataFrame:
        """source_id → source (name)."""
        frame = self._read("sources").set_index("source_id").rename(columns={"name": "source"})
        return _named(frame, "source", _("no source"))

    @_shared
    def stages(self) -> pd.DataFrame:
        """stage_id → stage (name), pipeline_id, pipeline, position, outcome; in the order of pipelines and stages.

        A stage that history names and the CRM has deleted is there under its id.
        """
        frame = self._read("stages").set_index("stage_id").rename(columns={"name": "stage"})
        gone = self.store.ids("stage_id") - set(frame.index)
        frame = frame.reindex([*frame.index, *sorted(gone)])
        frame["is_deleted"] = frame.index.isin(gone)
        nameless = frame.index.to_series().map(lambda each: _("deleted stage {id}", id=each))
        frame["stage"] = frame["stage"].fillna(nameless)
        frame = frame.join(self.pipelines["pipeline"], on="pipeline_id")
        order = {pipeline: place for place, pipeline in enumerate(self.pipelines.index)}
        frame = frame.assign(_place=frame["pipeline_id"].map(order)).sort_values(["_place", "position"], kind="stable")
        unknown = {"stage": _("unknown stage"), "outcome": "open", "is_deleted": False}
        return _with_row(frame.drop(columns="_place"), "", unknown)

    @_shared
    def steps_of(self) -> pd.DataFrame:
        """stage_id → the funnel's place of each stage: pipeline_id, step, to_stage_id ("" after the last)."""
        return _pandas(self.store.now.query("from funnel")).set_index("stage_id")

    @property
    def customer_kinds(self) -> pd.DataFrame:
        """customer_kind_id → customer_kind: whether the customer of a deal had bought before."""
        return pd.DataFrame({"customer_kind": {id: _(name) for id, name in CUSTOMER_KINDS.items()}})

    # --- facts -----------------------------------------------------------------------------------------------------

    @property
    def _snapshot(self) -> Snapshot:
        return self.store.snapshot(self.filters.as_of, self.currency)

    def _query(self, sql: str, *values: object) -> pd.DataFrame:
        """What the SQL finds in the store as of the report's instant; each ? stands for one of the values."""
        return _pandas(self._snapshot.query(sql, *values))

    def _slice(self, managers: Sequence[str] | None) -> tuple[str, list[str]]:
        """In SQL, which deals pipeline, source and these managers (None: all) keep; and the values of its ?."""
        chosen = {f"{name}_id": self.filters.ids(name) or None for name in ("pipeline", "source")}
        chosen = {column: ids for column, ids in (chosen | {"manager_id": managers}).items() if ids is not None}
        kept = [f"{column} in ({', '.join('?' * len(ids)) or 'null'})" for column, ids in chosen.items()]
        return " and ".join(["true", *kept]), [id for ids in chosen.values() for id in ids]

    def _ends(self, period: Period) -> tuple[datetime, datetime]:
        """The first instant of the period, and the first after it."""
        return first_instant(period.start, self.filters.zone), first_instant(period.end, self.filters.zone)

    def _deal_rows(self, condition: str = "true", *values: object, columns: str = "*") -> pd.DataFrame:
        """The facts of the slice's deals that the condition keeps."""
        inside, ids = self._slice(self._manager_ids)
        return self._query(f"select {columns} from deal_facts where {inside} and ({condition})", *ids, *values)

    def _rows_on_deals(self, part: str, columns: str, condition: str = "true", *values: object) -> pd.DataFrame:
        """`columns` of the rows of a part on the slice's deals, each `row` beside the dimensions of its `deal`."""
        inside, ids = self._slice(self._manager_ids)
        dimensions = ", ".join(f"deal.{name}" for name in DIMENSIONS)
        facts = f"(select * from deal_facts where {inside}) as deal"
        sql = f"select {columns}, {dimensions} from {part} as row join {facts} using (deal_no) where {condition}"
        return self._query(sql, *ids, *values)

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

    def deals_in(self, period: Period, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Those of `deals` that were created or closed in `period`; with `columns` only these facts, and no names."""
        ends = self._ends(period) * 2
        if columns:
            return self._deal_rows(TOUCHED, *ends, columns=", ".join(columns))
        return self._with_names(self._deal_rows(TOUCHED, *ends))

    def open_or_closed_in(self, period: Period) -> pd.DataFrame:
        """The slice's deals in work at as_of or closed in `period`: outcome, is_reopened, money, closed_at, duration_days."""
        facts = self._deal_rows(
            "outcome = 'open' or (closed_at >= ? and closed_at < ?)", *self._ends(period),
            columns="outcome, is_reopened, money, created_at, closed_at",
        )  # fmt: skip
        ended_at = facts["closed_at"].fillna(pd.Timestamp(self.filters.as_of))
        return facts.assign(duration_days=(ended_at - facts["created_at"]) / DAY)

    @cached_property
    def first_day(self) -> date | None:
        """The first day on which a deal of the slice was created or closed; None without any."""
        first = self._deal_rows(columns="least(min(created_at), min(closed_at)) as at")["at"].iloc[0]
        return None if pd.isna(first) else first.tz_convert(self.filters.zone.key).date()

    @cached_property
    def loss_reasons(self) -> pd.DataFrame:
        """loss_reason_id → loss_reason, of the slice's lost deals; "" for those that were not lost."""
        lost = self._deal_rows("outcome = 'lost'", columns="distinct outcome, stage_id, loss_reason")
        names = sorted({"", *self.with_loss_reason(lost)["loss_reason"]})
        return pd.DataFrame({"loss_reason": names}, index=pd.Index(names, name="loss_reason_id", dtype=str))

    def holders(self, period: Period) -> set[str]:
        """The managers of the slice with a deal created or closed in `period`, or in work."""
        ends = self._ends(period) * 2
        return set(
            self._deal_rows(f"outcome = 'open' or {TOUCHED}", *ends, columns="distinct manager_id")["manager_id"]
        )

    def with_loss_reason(self, deals: pd.DataFrame) -> pd.DataFrame:
        """The deals with loss_reason and its id: what the CRM says, else the lost stage's name; "" where it is not lost."""
        stage = looked_up(deals["stage_id"], self.stages["stage"], deals["stage_id"])
        reason = deals["loss_reason"].astype(object).fillna(stage).where(deals["outcome"] == "lost", "")
        return deals.assign(loss_reason=reason, loss_reason_id=reason)

    def _with_names(self, facts: pd.DataFrame) -> pd.DataFrame:
        frame = _with_endings(facts.drop(columns="deal_no"), self.filters.as_of)
        for key in ("manager", "department", "pipeline", "source", "stage"):
            names = getattr(self, f"{key}s")[key]
            frame[key] = looked_up(frame[f"{key}_id"], names, frame[f"{key}_id"])
        link = f"{self.portal_url.rstrip('/')}/crm/deal/details/"
        frame["url"] = link + frame["deal_id"] + "/" if self.portal_url else ""
        return self.with_loss_reason(frame)

    @cached_property
    def open_spans(self) -> pd.DataFrame:
        """When each deal of the slice was in work: opened_at, until_at, and the deal's dimensions and money."""
        return self._rows_on_deals("open_spans", "deal_id, opened_at, until_at, money")

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row per deal of the slice and funnel stage it reached before as_of; `next_…` is of the stage after it."""
        return self._rows_on_deals("steps_reached", STEP)

    def steps_in(self, period: Period, at: str = "reached_at") -> pd.DataFrame:
        """Those of `steps` whose reached_at, or created_at, falls into `period`."""
        return self._rows_on_deals("steps_reached", STEP, f"{at} >= ? and {at} < ?", *self._ends(period))

    @cached_property
    def stage_visits(self) -> pd.DataFrame:
        """One row per visit of a deal of the slice to a stage, by entered_at; left_at is missing while it lasts."""
        return self._rows_on_deals("stage_visits", VISIT).sort_values(["entered_at", "history_id"], ignore_index=True)

    def visits_in(self, period: Period) -> pd.DataFrame:
        """Those of `stage_visits` that began in `period`."""
        frame = self._rows_on_deals("stage_visits", VISIT, "entered_at >= ? and entered_at < ?", *self._ends(period))
        return frame.sort_values(["entered_at", "history_id"], ignore_index=True)

    def _with_department(self, frame: pd.DataFrame) -> pd.DataFrame:
        manager_id = frame["manager_id"].fillna("")
        department_id = looked_up(manager_id, self.managers["department_id"])
        return frame.assign(manager_id=manager_id, department_id=department_id)

    # --- actions ---------------------------------------------------------------------------------------------------

    def _actions(self, period: Period, columns: str, managers: Sequence[str] | None) -> pd.DataFrame:
        """Actions in `period` of these managers (None: all), on the deals that pipeline and source keep."""
        inside, ids = self._slice(managers)
        return self._query(
            f"""
            with acts as (
                select kind, sign.manager_id, sign.at, sign.deal_id, coalesce(pipeline_id, '') as pipeline_id,
                    coalesce(source_id, '') as source_id, coalesce(stage_id, '') as stage_id
                from signs as sign left join deal_facts as deal on sign.deal_no = deal.deal_no
                where is_action and sign.at >= ? and sign.at < ?
            )
            select {columns} from acts where {inside}
            """, *self._ends(period), *ids,
        )  # fmt: skip

    def actions_in(self, period: Period) -> pd.DataFrame:
        """One row per action of the slice's managers in `period`: kind, at, manager_id, department_id, and its deal's ids.

        deal_id is missing, and the deal's pipeline_id, source_id, stage_id are "", where it was on no deal.
        """
        return self._with_department(self._actions(period, "*", self._manager_ids))

    def counts_in(self, period: Period) -> pd.DataFrame:
        """Actions in `period` of everybody in the company who acted: a row per manager_id, a column per kind."""
        acts = self._actions(period, "manager_id, kind", None)
        counted = acts[acts["manager_id"] != ""].value_counts(["manager_id", "kind"]).rename("count").reset_index()
        table = counted.pivot(index="manager_id", columns="kind", values="count")
        return table.reindex(columns=list(KINDS)).fillna(0.0).astype(float)

    def points_in(self, period: Period) -> pd.Series:
        """manager_id → points (Σ weight × actions) in `period`, of everybody in the company who acted."""
        return self.counts_in(period) @ pd.Series(self.settings.weights, dtype=float).reindex(list(KINDS)).fillna(0.0)

    def in_team(self, manager_ids: Iterable[str]) -> set[str]:
        """Those of them that the manager and department filters keep."""
        return set(manager_ids) if self._manager_ids is None else set(manager_ids) & set(self._manager_ids)

    @cached_property
    def kinds_without_data(self) -> list[str]:
        """Kinds of action of which the whole store holds not one: nothing is connected, so a zero would be no fact."""
        seen = set(self._query("select distinct kind from signs where is_action")["kind"])
        return [kind for kind in KINDS if kind not in seen]

    # --- in work now ------------------------------------------------------------------------------------------------

    @cached_property
    def open_deals(self) -> pd.DataFrame:
        """One row per deal of the slice in work at as_of: days_silent, is_forgotten, next step."""
        rule, as_of = self.forgetting, pd.Timestamp(self.filters.as_of)
        frame = self._with_names(self._deal_rows("outcome = 'open'"))
        frame = frame[~frame["stage_id"].isin(rule.exclude_stages) & ~frame["pipeline_id"].isin(rule.exclude_pipelines)]
        since = frame["last_action_at"].fillna(frame["created_at"])
        silent = (as_of - since) // DAY
        planned = frame["next_step_at"].isna() | (frame["next_step_at"] >= as_of)
        snoozed = frame["has_next_step"] & planned & rule.snooze_planned
        is_forgotten = (silent >= rule.after) & ~snoozed
        # The CRM keeps its last trace only: one after the report's instant says nothing of that night.
        trace = frame["last_activity_at"]
        return frame.assign(
            is_open=True,
            days_silent=silent,
            is_forgotten=is_forgotten,
            forgotten_money=frame["money"].where(is_forgotten),
            has_no_next_step=~frame["has_next_step"],
            is_overdue=frame["has_next_step"] & (frame["next_step_at"] < as_of),
            crm_trace_at=trace.where((trace >= since + DAY) & (trace < as_of)),
        )

    @cached_property
    def silence_outcomes(self) -> pd.DataFrame:
        """stage_id, silent_days, k, n: of the company's n closed deals once silent there for so long, k were won."""
        levels = ", ".join(str(self.forgetting.after * step) for step in SILENCE_STEPS)
        return self._query(f"""
            select stage_id, level as silent_days, coalesce(sum(deals) filter (where ended_as = 'won'), 0)::bigint as k,
                sum(deals)::bigint as n
            from silences join (select unnest([{levels}])::bigint as level) on silences.silent_days >= level
            group by stage_id, level order by stage_id, level
        """)

    @cached_property
    def forgotten_deals(self) -> pd.DataFrame:
        """The forgotten deals, each with chance (share won in the end of past deals as silent there), its k and n."""
        rows = self.open_deals[self.open_deals["is_forgotten"]]
        levels = self.forgetting.after * pd.Index(SILENCE_STEPS)
        level = levels[levels.searchsorted(rows["days_silent"], side="right") - 1]
        known = self.silence_outcomes.set_index(["stage_id", "silent_days"])
        past = known.reindex(pd.MultiIndex.from_arrays([rows["stage_id"], level])).set_axis(rows.index)
        chance = past["k"] / past["n"]
        return rows.assign(
            silent_level=level, chance=chance, chance_k=past["k"], chance_n=past["n"],
            money_at_risk=rows["money"] * chance,
        )  # fmt: skip

    @cached_property
    def leads(self) -> pd.DataFrame:
        """One row per lead of the slice as it stood at as_of: names beside ids, days_silent and is_forgotten in work.

        Leads stand in no pipeline, so a pipeline filter keeps them all.
        """
        frame = self._query("from lead_facts")
        frame = self._with_department(frame[self._keeps(frame)].reset_index(drop=True))
        for key in ("manager", "department", "source"):
            frame[key] = looked_up(frame[f"{key}_id"], getattr(self, f"{key}s")[key], frame[f"{key}_id"])
        since = frame["last_action_at"].fillna(frame["created_at"])
        silent = ((pd.Timestamp(self.filters.as_of) - since) // DAY).where(frame["outcome"] == "open")
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
    def team(self) -> "Dataset":
        """The same report without the manager and department filters: whom somebody is compared with."""
        everybody = replace(self.filters, manager=(), department=(), departments=())
        return self if everybody == self.filters else replace(self, filters=everybody)

    def standing_since(self, then: "Dataset") -> tuple[pd.DataFrame, pd.DataFrame]:
        """How deals stood then and how they stand now: deal_id, outcome, money, is_inside (the filters keep it).

        Those that the filters keep at one of the two; without those that were closed then and are so in the same way.
        """
        inside, ids = self._slice(self._manager_ids)
        was = then._snapshot.name_of("standings")
        found = self._query(
            f"""
            with was as not materialized (select deal_id, outcome, money, {inside} as is_inside from {was}),
            became as not materialized (select deal_id, outcome, money, {inside} as is_inside from standings),
            ids as (select deal_id from was where is_inside union select deal_id from became where is_inside),
            pairs as (
                from (from was semi join ids using (deal_id)) as was
                full join (from became semi join ids using (deal_id)) as became using (deal_id)
                select deal_id, {", ".join(f"{when}.{name} as {name}_{when}" for when in ("was", "became") for name in STANDING)}
            )
            from pairs where outcome_was is null or outcome_was = 'open' or outcome_became is distinct from outcome_was
            """, *ids, *ids,
        )  # fmt: skip
        return _standing(found, "was"), _standing(found, "became")

    @cached_property
    def stage_worth(self) -> pd.DataFrame:
        """stage_id → mean, n: what the closed deals of the slice that ever reached the stage brought on average, and how many."""
        inside, ids = self._slice(self._manager_ids)
        sql = f"""
            select row.stage_id, avg(if(outcome = 'won', coalesce(money, 0), 0)) as mean, count(*) as n
            from steps_reached as row join (select * from deal_facts where {inside}) as deal using (deal_no)
            where outcome in ('won', 'lost') group by all order by all
        """
        return self._query(sql, *ids).set_index("stage_id")

    def last_traces_at(self, instants: Sequence[datetime]) -> pd.DataFrame:
        """deal_id, last_at: each deal's last sign of life before the first of these instants, and between each and the next."""
        inside, ids = self._slice(self._manager_ids)
        sql = f"""
            with night as (select unnest(?::timestamptz[]) as night_at)
            select deal.deal_id, max(sign.at) as last_at
            from signs as sign join (select * from deal_facts where {inside}) as deal using (deal_no)
            asof join night on sign.at < night_at
            group by deal.deal_id, night_at order by last_at
        """
        return self._query(sql, list(instants), *ids)

    def stages_before_loss(self, period: Period) -> pd.Series:
        """deal_id → the last stage of work it entered, of the slice's deals that were lost in `period`."""
        inside, ids = self._slice(self._manager_ids)
        at_work = self.stages.index[self.stages["outcome"] == "open"]
        lost = f"select * from deal_facts where {inside} and outcome = 'lost' and closed_at >= ? and closed_at < ?"
        sql = f"""
            select deal.deal_id, arg_max(row.stage_id, (entered_at, history_id)) as stage_id
            from stage_visits as row join ({lost}) as deal using (deal_no)
            where list_contains(?::varchar[], row.stage_id) group by all
        """
        return self._query(sql, *ids, *self._ends(period), list(at_work)).set_index("deal_id")["stage_id"]

    @cached_property
    def stages_known_since(self) -> pd.Timestamp | None:
        """The first entry of the stage history; None without any."""
        first = self._query("select min(entry.at) as at from stage_history as entry")["at"].iloc[0]
        return None if pd.isna(first) else first

    @property
    def amounts_known_since(self) -> pd.Timestamp:
        """From when on amounts, owners and plans are as they were that night; before it, those of that sync stand in."""
        return pd.Timestamp(self.versions_since or self.synced_at)

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read(self, table: str) -> pd.DataFrame:
        return self.store.rows(table).to_pandas()


def _pandas(found: pa.Table) -> pd.DataFrame:
    """The rows, absent texts as NaN."""
    if len(found):
        return found.to_pandas()
    nothing = found.to_pandas()  # its texts have no chunk at all, which pandas can't join on
    return nothing.astype(object).astype(nothing.dtypes)


def _standing(both: pd.DataFrame, when: str) -> pd.DataFrame:
    """The deals that there were at one of the two instants."""
    rows = both[both[f"outcome_{when}"].notna()]
    return rows[["deal_id", *(f"{name}_{when}" for name in STANDING)]].rename(
        columns=lambda name: name.removesuffix(f"_{when}")
    )


def looked_up(ids: pd.Series, values: pd.Series, instead: pd.Series | str = "") -> pd.Series:
    """The value of each id; `instead` where there is none. As objects: of nothing found pandas makes numbers."""
    return ids.map(values).astype(object).fillna(instead)


def _named(frame: pd.DataFrame, name: str, nobody: str) -> pd.DataFrame:
    """Names made distinct (two of one name carry their ids), an unknown one shown by its id, and a row "" for none."""
    names = frame[name].where(frame[name].notna() & (frame[name].str.strip() != ""), frame.index.to_series())
    double = names.duplicated(keep=False)
    frame[name] = names.where(~double, names + " (" + frame.index.to_series() + ")")
    return _with_row(frame, "", {name: nobody})


def _with_row(frame: pd.DataFrame, id: str, values: dict[str, object]) -> pd.DataFrame:
    """The frame with one more row; the other columns of it are missing."""
    row = pd.DataFrame({column: [values.get(column)] for column in frame.columns}, index=[id])
    return pd.concat([frame.astype(object), row.astype(object)]).rename_axis(frame.index.name)


def _with_endings(facts: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    frame = facts.copy()
    frame["won_at"] = frame["closed_at"].where(frame["outcome"] == "won")
    frame["lost_at"] = frame["closed_at"].where(frame["outcome"] == "lost")
    is_open = frame["outcome"] == "open"
    moved_at = frame["moved_at"].where(frame["moved_at"] < pd.Timestamp(as_of))
    since = frame["stage_since_at"].fillna(moved_at).fillna(frame["created_at"])
    frame["stage_since_at"] = since
    frame["days_in_current_stage"] = ((pd.Timestamp(as_of) - since) / DAY).where(is_open)
    frame["duration_days"] = (frame["closed_at"].fillna(pd.Timestamp(as_of)) - frame["created_at"]) / DAY
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
    settings: Settings | None = None,
) -> Dataset:
    """The data of a report, from the store that reports.toml (or CRM_REPORTS_CONFIG, CRM_REPORTS_DATA) points at.

    Filters are texts as people type them; all that mean nothing are reported in one FilterError. `as_of` is by default
    the midnight before the last sync. From here on every text is said in `language`.
    """
    settings = settings or Settings.read()
    use(language or settings.language)
    data = Store.open(settings.store_path, memory=settings.engine.memory, threads=settings.engine.threads)
    said = {"pipeline": pipeline, "department": department, "manager": manager, "source": source}
    problems: list[str] = []
    rule = _forgetting(data, forgotten_after, exclude_stages, exclude_pipelines, snooze_planned, problems)
    try:
        filters = Filters.parse(
            known(data), zone=settings.zone, default_as_of=default_as_of(data, settings), period=period,
            comparison=comparison, as_of=as_of, language=language, default_language=settings.language, **said,
        )  # fmt: skip
    except FilterError as error:
        raise FilterError("\n".join([str(error), *problems])) from None
    all_at_once(problems, FilterError)
    units.use(currency=base_currency(data, settings), zone=settings.zone)
    return Dataset(data, settings, filters, rule)


def prepare(settings: Settings, as_ofs: Iterable[datetime] = ()) -> None:
    """Work out once what the reports of a night share, and keep it beside the store.

    All of it as of the default instant; as of `as_ofs` (`Filters.as_of_before`) what a comparison needs.
    """
    data = Store.open(settings.store_path, memory=settings.engine.memory, threads=settings.engine.threads)
    currency = base_currency(data, settings)
    data.now.prepare("ids")
    data.snapshot(default_as_of(data, settings), currency).prepare(*PARTS)
    for as_of in as_ofs:
        data.snapshot(as_of, currency).prepare("deal_facts")


def default_as_of(data: Store, settings: Settings) -> datetime:
    """Midnight at the start of the day of the last sync: what is said is what the data can know."""
    return first_instant(data.synced_at.astimezone(settings.zone).date(), settings.zone)


def known(data: Store) -> Known:
    """The pipelines, departments, managers and sources that a filter may name."""
    bare = Dataset(data, None, None)
    parents = bare._read("departments").set_index("department_id")["parent_id"].fillna("").to_dict()
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
