"""`load(…) → Dataset`: what a report is made of, as it stood at one instant, cut to the filters.

Frames are pandas, instants UTC, money in the base currency, shares 0–1. An absent id is "": its own row in every table.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import pandas as pd

from . import store as engine
from . import units
from .errors import FilterError, all_at_once, near
from .filters import Choice, Filters, Known, Period, Typed, first_instant
from .quality import Note, notes
from .settings import Settings
from .store import Store
from .texts import N_, _, use

DAY = pd.Timedelta(days=1)
KINDS = ("call", "meeting", "email", "crm_activity", "comment", "stage_move")
LACKING = {
    "amount": N_("The source has no amounts."),
    "created_at": N_("The source does not say when deals were created."),
    "closing": N_("The source does not say when deals were closed."),
    "customer": N_("The source has no customers."),
    "stage_history": N_("The source has no stage history."),
    "stage_order": N_("The source does not say in which order the stages come."),
    "activities": N_("The source has no activities."),
    "comments": N_("The source has no comments."),
}


@dataclass(frozen=True)
class Forgetting:
    """When a deal in work counts as forgotten, and which deals are not looked at."""

    after: int = 14
    exclude_stages: tuple[str, ...] = ()
    exclude_pipelines: tuple[str, ...] = ()
    snooze_planned: bool = False


@dataclass(frozen=True)
class Dataset:
    """Everything that a report's tables are measured from. Frames are read when first asked for, and then kept."""

    store: Store = field(repr=False)
    settings: Settings
    filters: Filters
    forgetting: Forgetting = Forgetting()
    metrics_used: list[str] = field(default_factory=list, repr=False)

    # --- what the report says about itself -------------------------------------------------------------------------

    @property
    def synced_at(self) -> datetime:
        return self.store.synced_at

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
        return int(self._all_facts.count().to_pyarrow().as_py())

    @property
    def kept(self) -> int:
        """How many of them the filters leave."""
        return len(self.deals)

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
        deals, start, end = self.deals, self.filters.start_at, self.filters.end_at
        within = [(deals[at] >= start) & (deals[at] < end) for at in ("created_at", "closed_at")]
        is_open = deals["outcome"] == "open"
        touched = deals[is_open | within[0] | within[1] | (~is_open & deals["closed_at"].isna())]
        gone = self.stages.index[self.stages["is_deleted"].astype(bool)]
        return notes(
            touched.assign(first_known_at=self._first_created_at), self.stage_visits, self.steps_of["step"],
            self.dismissed, set(gone), start,
        )  # fmt: skip

    @cached_property
    def _first_created_at(self) -> pd.Timestamp:
        """The oldest creation in the whole company: before it nothing is known."""
        return pd.Timestamp(self._all_facts.created_at.min().to_pyarrow().as_py())

    def has(self, table: str) -> bool:
        """Whether the source has this table at all."""
        return self.store.has(table)

    @cached_property
    def lacks(self) -> dict[str, str]:
        """What the source does not have, of all that a metric may need: its name and a sentence for the page."""
        deals = self.store.table("deals")
        columns = ("amount", "created_at", "closed_at", "moved_at", "company_id", "contact_id")
        filled = deals.aggregate(**{name: deals[name].count() for name in columns})
        has = {name: count > 0 for name, count in filled.to_pyarrow().to_pylist()[0].items()}
        there = {
            "amount": has["amount"],
            "created_at": has["created_at"],
            "closing": has["closed_at"] or has["moved_at"] or self.has("stage_history"),
            "customer": has["company_id"] or has["contact_id"],
            "stage_history": self.has("stage_history"),
            "stage_order": bool(self.stages["position"].notna().any()),
            "activities": self.has("activities"),
            "comments": self.has("comments"),
        }
        # A portal without a single deal lacks nothing: its zeros are true.
        empty = self.total == 0 and self.store.last_sync["source"] != "files"
        return {name: _(LACKING[name]) for name, held in there.items() if not held and not empty}

    # --- dimensions ------------------------------------------------------------------------------------------------

    @cached_property
    def managers(self) -> pd.DataFrame:
        """manager_id → manager (name), department_id, is_active; whoever is named anywhere, known to the CRM or not."""
        people = self._read("managers").set_index("manager_id")
        homes = self._read("manager_departments").sort_values(["manager_id", "position"])
        people["department_id"] = homes.drop_duplicates("manager_id").set_index("manager_id")["department_id"]
        strangers = self.store.ids("manager_id", ("deals", "activities", "comments")) - set(people.index)
        people = people.reindex([*people.index, *sorted(strangers)])
        return _named(people.rename(columns={"name": "manager"}), "manager", _("no manager"))

    @property
    def dismissed(self) -> set[str]:
        """The managers who the CRM says have left; of a stranger it says nothing."""
        return {id for id, is_active in self.managers["is_active"].items() if pd.notna(is_active) and not is_active}

    @cached_property
    def departments(self) -> pd.DataFrame:
        """department_id → department (name), parent_id."""
        frame = self._read("departments").set_index("department_id").rename(columns={"name": "department"})
        return _named(frame, "department", _("no department"))

    @cached_property
    def pipelines(self) -> pd.DataFrame:
        """pipeline_id → pipeline (name), in the CRM's order."""
        frame = self._read("pipelines").sort_values(["position", "pipeline_id"]).set_index("pipeline_id")
        return _named(frame.rename(columns={"name": "pipeline"}), "pipeline", _("no pipeline"))

    @cached_property
    def sources(self) -> pd.DataFrame:
        """source_id → source (name)."""
        frame = self._read("sources").set_index("source_id").rename(columns={"name": "source"})
        return _named(frame, "source", _("no source"))

    @cached_property
    def stages(self) -> pd.DataFrame:
        """stage_id → stage (name), pipeline_id, pipeline, position, outcome; in the order of pipelines and stages.

        A stage that history names and the CRM has deleted is there under its id.
        """
        frame = self._read("stages").set_index("stage_id").rename(columns={"name": "stage"})
        gone = self.store.ids("stage_id", ("deals", "stage_history")) - set(frame.index)
        frame = frame.reindex([*frame.index, *sorted(gone)])
        frame["is_deleted"] = frame.index.isin(gone)
        nameless = frame.index.to_series().map(lambda each: _("deleted stage {id}", id=each))
        frame["stage"] = frame["stage"].fillna(nameless)
        frame = frame.join(self.pipelines["pipeline"], on="pipeline_id")
        order = {pipeline: place for place, pipeline in enumerate(self.pipelines.index)}
        frame = frame.assign(_place=frame["pipeline_id"].map(order)).sort_values(["_place", "position"], kind="stable")
        unknown = {"stage": _("unknown stage"), "outcome": "open", "is_deleted": False}
        return _with_row(frame.drop(columns="_place"), "", unknown)

    @cached_property
    def steps_of(self) -> pd.DataFrame:
        """stage_id → the funnel's place of each stage: pipeline_id, step, to_stage_id ("" after the last)."""
        frame = _pandas(engine.steps(self.store)).sort_values(["pipeline_id", "step"])
        frame["to_stage_id"] = frame.groupby("pipeline_id")["stage_id"].shift(-1).fillna("")
        return frame.set_index("stage_id")

    @cached_property
    def _customers(self) -> pd.Series:
        """customer_id → name."""
        names = [
            self._read(table).assign(customer_id=lambda frame, k=kind: f"{k}:" + frame[f"{k}_id"])
            for table, kind in (("companies", "company"), ("contacts", "contact"))
        ]
        return pd.concat(names).set_index("customer_id")["name"]

    # --- facts -----------------------------------------------------------------------------------------------------

    @cached_property
    def _instant(self) -> engine.TimestampScalar:
        return engine.instant(self.filters.as_of)

    @cached_property
    def _moves(self) -> engine.Table:
        return self.store.keep(engine.entries(self.store, self._instant))

    @cached_property
    def _all_facts(self) -> engine.Table:
        facts = engine.deal_facts(self.store, self._moves, self._instant, self.currency)
        return self.store.keep(engine.with_repeat(facts))

    @cached_property
    def _all_actions(self) -> engine.Table:
        return self.store.keep(engine.actions(self.store, self._moves, self._all_facts, self._instant))

    @cached_property
    def _facts(self) -> engine.Table:
        return self._all_facts.filter(self._in_slice(self._manager_ids))

    def _in_slice(self, managers: Sequence[str] | None) -> engine.BooleanValue:
        chosen = {name: self.filters.ids(name) for name in ("pipeline", "source")}
        return engine.in_slice(self._all_facts, manager=managers, **chosen)

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
        facts = self._facts
        traces = engine.last_traces(self.store, self._all_actions, self._instant)
        begun = engine.visits(self._moves)
        begun = begun.filter(begun.left_at.isnull()).select("deal_id", stage_since_at="entered_at")
        frame = _pandas(facts).set_index("deal_id", drop=False)
        for each in (traces, engine.next_steps(self.store, self._instant).mutate(has_next_step=True), begun):
            frame = frame.join(_pandas(each.semi_join(facts, "deal_id")).set_index("deal_id"))
        return self._with_names(_with_endings(frame, self.filters.as_of)).reset_index(drop=True)

    def _with_names(self, frame: pd.DataFrame) -> pd.DataFrame:
        for key in ("manager_id", "pipeline_id", "source_id", "stage_id", "customer_id"):
            frame[key] = frame[key].fillna("")
        frame = self._with_department(frame)
        for key in ("manager", "department", "pipeline", "source", "stage"):
            names = getattr(self, f"{key}s")[key]
            frame[key] = looked_up(frame[f"{key}_id"], names, frame[f"{key}_id"])
        frame["customer"] = looked_up(frame["customer_id"], self._customers)
        frame["loss_reason"] = frame["loss_reason"].fillna(frame["stage"]).where(frame["outcome"] == "lost", "")
        frame["loss_reason_id"] = frame["loss_reason"]
        link = f"{self.portal_url.rstrip('/')}/crm/deal/details/"
        frame["url"] = link + frame["deal_id"] + "/" if self.portal_url else ""
        return frame

    @cached_property
    def open_spans(self) -> pd.DataFrame:
        """When each deal of the slice was in work: opened_at, until_at, and the deal's dimensions and money."""
        spans = _pandas(engine.open_spans(self._moves, self._facts).semi_join(self._facts, "deal_id"))
        return self._on_deals(spans, "money")

    @cached_property
    def steps(self) -> pd.DataFrame:
        """One row per deal of the slice and funnel stage it reached before as_of; `next_…` is of the stage after it."""
        frame = _pandas(engine.reached(self._moves, self._facts, engine.steps(self.store)))
        frame = self._on_deals(frame.rename(columns={"stage_id": "step_id"}), "outcome", "created_at")
        frame["stage_id"] = frame.pop("step_id")
        frame["to_stage_id"] = frame["stage_id"].map(self.steps_of["to_stage_id"])
        nexts = frame[["reached_at", "visited_at"]].add_prefix("next_")
        nexts = nexts.assign(deal_id=frame["deal_id"], to_stage_id=frame["stage_id"])
        return frame.merge(nexts, on=["deal_id", "to_stage_id"], how="left")

    @cached_property
    def stage_visits(self) -> pd.DataFrame:
        """One row per visit of a deal of the slice to a stage, by entered_at; left_at is missing while it lasts."""
        seen = engine.visits(self._moves).semi_join(self._facts, "deal_id")
        frame = _pandas(seen).rename(columns={"stage_id": "visited_id", "pipeline_id": "visited_pipeline_id"})
        frame = self._on_deals(frame, "created_at")
        frame["visited_pipeline_id"] = frame["visited_pipeline_id"].fillna("")
        frame["stage_id"] = frame.pop("visited_id").fillna("")
        return frame.sort_values(["entered_at", "history_id"], ignore_index=True)

    def _with_department(self, frame: pd.DataFrame) -> pd.DataFrame:
        manager_id = frame["manager_id"].fillna("")
        department_id = looked_up(manager_id, self.managers["department_id"])
        return frame.assign(manager_id=manager_id, department_id=department_id)

    def _on_deals(self, frame: pd.DataFrame, *facts: str) -> pd.DataFrame:
        dimensions = ["manager_id", "department_id", "pipeline_id", "source_id"]
        return frame.join(self.deals.set_index("deal_id")[[*dimensions, *facts]], on="deal_id")

    # --- actions ---------------------------------------------------------------------------------------------------

    def _scoped_actions(self, period: Period) -> engine.Table:
        """Every action in `period` on the deals that pipeline and source keep, of whatever manager."""
        acts, chosen = self._all_actions, self.filters
        start, end = (first_instant(day, chosen.zone) for day in (period.start, period.end))
        acts = acts.filter((acts.at >= engine.instant(start)) & (acts.at < engine.instant(end)))
        if not chosen.pipeline and not chosen.source:
            return acts
        return acts.semi_join(self._all_facts.filter(self._in_slice(None)), "deal_id")

    def actions_in(self, period: Period) -> pd.DataFrame:
        """One row per action of the slice's managers in `period`: kind, at, manager_id, department_id, deal_id."""
        acts = self._scoped_actions(period)
        if self._manager_ids is not None:
            acts = acts.filter(acts.manager_id.isin(self._manager_ids))
        return self._with_department(_pandas(acts))

    def points_in(self, period: Period) -> pd.Series:
        """manager_id → points (Σ weight × actions) in `period`, of everybody in the company who acted."""
        acts = self._scoped_actions(period)
        counted = _pandas(acts.group_by("manager_id", "kind").aggregate(count=acts.count())).dropna(subset="manager_id")
        points = counted["count"] * counted["kind"].map(self.settings.weights).astype(float)
        return points.groupby(counted["manager_id"]).sum()

    def in_team(self, manager_ids: Iterable[str]) -> set[str]:
        """Those of them that the manager and department filters keep."""
        return set(manager_ids) if self._manager_ids is None else set(manager_ids) & set(self._manager_ids)

    @cached_property
    def kinds_without_data(self) -> list[str]:
        """Kinds of action of which the whole store holds not one: nothing is connected, so a zero would be no fact."""
        acts = self._all_actions
        seen = set(_pandas(acts.select("kind").distinct())["kind"])
        return [kind for kind in KINDS if kind not in seen]

    # --- in work now ------------------------------------------------------------------------------------------------

    @cached_property
    def open_deals(self) -> pd.DataFrame:
        """One row per deal of the slice in work at as_of: days_silent, is_forgotten, next step."""
        rule, as_of = self.forgetting, pd.Timestamp(self.filters.as_of)
        frame = self.deals[self.deals["outcome"] == "open"]
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
    def before(self) -> "Dataset":
        """The same report at the comparison's instant: where stocks such as `in_work` are compared."""
        return replace(self, filters=replace(self.filters, as_of=self.filters.as_of_before))

    # --- reading ----------------------------------------------------------------------------------------------------

    def _read(self, table: str) -> pd.DataFrame:
        return self.store.rows(table).to_pandas()


def _pandas(expression: engine.Table) -> pd.DataFrame:
    """The rows, instants as UTC and absent texts as NaN whatever the engine calls its time zone."""
    found = expression.to_pyarrow().cast(expression.schema().to_pyarrow())
    if len(found):
        return found.to_pandas()
    nothing = found.to_pandas()  # its texts have no chunk at all, which pandas can't join on
    return nothing.astype(object).astype(nothing.dtypes)


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


def _with_endings(frame: pd.DataFrame, as_of: datetime) -> pd.DataFrame:
    frame["won_at"] = frame["closed_at"].where(frame["outcome"] == "won")
    frame["lost_at"] = frame["closed_at"].where(frame["outcome"] == "lost")
    frame["has_next_step"] = frame["has_next_step"].astype("boolean").fillna(False).astype(bool)
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
    data = Store.open(settings.store_path)
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
