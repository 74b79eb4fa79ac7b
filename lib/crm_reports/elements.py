"""The tables of the reports that take more than one `measure`: one function per element, named by its id."""

import pandas as pd

from . import frames, units
from .dataset import Dataset
from .measures import measure, missing, one
from .metrics.statistics import SMALL, differs
from .texts import _, many

STEP_METRICS = ["stage_conversion", "visited_next", "lost_on_the_way", "on_the_way"]
LIST = [
    "title", "url", "customer", "status", "outcome", "manager", "manager_id", "source", "pipeline", "stage", "money",
    "created_at", "closed_at", "duration_days", "days_in_current_stage", "loss_reason",
    "last_action_at", "last_action_kind", "deal_id",
]  # fmt: skip
SILENT = [
    "title", "url", "customer", "manager", "manager_id", "department", "pipeline", "stage", "money", "days_silent",
    "last_action_kind", "last_action_at", "next_step", "next_step_at", "days_in_current_stage", "crm_trace_at",
    "deal_id",
]  # fmt: skip


def funnel(ds: Dataset) -> pd.DataFrame:
    """One row per step of each pipeline's funnel, in order, with the conversion to the next step.

    `is_narrowest` marks the step of each pipeline that the smallest share passes, of those with at least 20 deals.
    """
    table = measure(ds, ["reached", "visited", "cohort_reached", "stage_conversion"], by="stage").set_index("stage_id")
    seen = set(table.index.map(ds.steps_of["pipeline_id"]).dropna())
    ladder = ds.steps_of[ds.steps_of["pipeline_id"].isin(seen)]
    table = table.drop(columns=["stage", "is_total"]).reindex(ladder.index)
    counts = ["reached", "visited", "cohort_reached", "stage_conversion_k", "stage_conversion_n"]
    table = table if missing(ds, "reached") else table.assign(**table[counts].fillna(0).astype("int64"))
    table = table.assign(position=ladder["step"] + 1, is_narrowest=_narrowest(table, ladder["pipeline_id"]))
    return _in_order(ds, table.reset_index())


def _narrowest(table: pd.DataFrame, pipelines: pd.Series) -> pd.Series:
    sure = table["stage_conversion"].where(table["stage_conversion_n"] >= SMALL)
    return sure.notna() & (sure == sure.groupby(pipelines).transform("min"))


def _in_order(ds: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """The rows by pipeline and step, with the names of the pipeline, the stage and the next one."""
    stages, step = ds.stages, ds.steps_of
    next_id = table["stage_id"].map(step["to_stage_id"])
    names = {
        "pipeline": table["stage_id"].map(stages["pipeline"]),
        "pipeline_id": table["stage_id"].map(step["pipeline_id"]),
        "stage": table["stage_id"].map(stages["stage"]),
        "stage_id": table["stage_id"],
        "to_stage": next_id.map(stages["stage"]).where(next_id != "", ""),
        "to_stage_id": next_id,
    }
    order = {pipeline: place for place, pipeline in enumerate(ds.pipelines.index)}
    places = pd.DataFrame({"pipeline": names["pipeline_id"].map(order), "step": table["stage_id"].map(step["step"])})
    front = pd.DataFrame(names).join(table.drop(columns=[name for name in names if name in table]))
    return front.loc[places.sort_values(["pipeline", "step"], kind="stable").index].reset_index(drop=True)


def stage_conversion(ds: Dataset) -> pd.DataFrame:
    """One row per manager and step, then one per step for the team (`is_total`): k of n that reached the next stage."""
    rows = frames.frame(ds, "steps", ds.filters.elapsed)
    if not rows["could_go_on"].any():
        return pd.DataFrame()
    team = measure(ds, STEP_METRICS, by="stage").assign(is_total=True, manager=_("Team"), manager_id="")
    each = measure(ds, STEP_METRICS, by=["stage", "manager"])
    each = each.join(_differing(each), how="left")
    table = pd.concat([each, team], ignore_index=True)
    goes_on = table["stage_id"].map(ds.steps_of["to_stage_id"]).fillna("") != ""
    return _in_order(ds, table[goes_on].reset_index(drop=True))


def _differing(table: pd.DataFrame) -> pd.Series:
    """Per step, which managers differ from the rest of the team: Holm's correction over the managers of that step."""
    found = [differs(rows["stage_conversion_k"], rows["stage_conversion_n"]) for _id, rows in table.groupby("stage_id")]
    return pd.concat(found).rename("stage_conversion_differs")


def new_repeat(ds: Dataset) -> pd.DataFrame:
    """Won deals of the period by kind of customer: customer (new, repeat, none), won, won_money."""
    events = frames.frame(ds, "events", ds.filters.elapsed)
    won = events[events["is_won"] == 1]
    kind = (won["is_new"] + 2 * won["is_repeat"]).map({1: _("new"), 2: _("repeat"), 0: _("no customer")})
    return won.groupby(kind.rename("customer")).agg(won=("is_won", "sum"), won_money=("won_money", "sum")).reset_index()


def loss_reasons(ds: Dataset) -> pd.DataFrame:
    """Why deals were lost in the period: loss_reason, lost, lost_money, share_of_lost; the most frequent first."""
    table = measure(ds, ["lost", "lost_money"], by="loss_reason")
    table = table[table["lost"] > 0].sort_values(["lost", "lost_money"], ascending=False).reset_index(drop=True)
    return table.drop(columns="loss_reason_id").assign(share_of_lost=table["lost"] / table["lost"].sum())


def deals(ds: Dataset) -> pd.DataFrame:
    """The deals created or closed in the period, those longest in their stage first."""
    period, rows = ds.filters.elapsed, ds.deals
    rows = rows[frames.within(rows["created_at"], period, ds) | frames.within(rows["closed_at"], period, ds)]
    status = rows["stage"].where(rows["outcome"] != "lost", rows["loss_reason"])
    status = status.where(~rows["is_reopened"], status + ", " + _("reopened"))
    listed = rows.assign(status=status, last_action_kind=_kinds(rows["last_action_kind"]))[LIST]
    order = {"days_in_current_stage": False, "created_at": True, "deal_id": True}
    return listed.sort_values(list(order), ascending=list(order.values()), ignore_index=True)


def activity(ds: Dataset) -> pd.DataFrame:
    """Per manager: index, counts by kind of action, and beside them what came out. Kinds without data are left out."""
    columns = {"call": "calls", "meeting": "meetings", "email": "emails", "crm_activity": "crm_activities",
               "comment": "comments", "stage_move": "stage_moves"}  # fmt: skip
    kinds = [column for kind, column in columns.items() if kind not in ds.kinds_without_data]
    metrics = ["activity_index", *kinds, "actions", "won", "won_money", "average_check", "conversion"]
    table = measure(ds, metrics, by="manager", total=True)
    body = table[~table["is_total"]].sort_values(["activity_index", "won_money"], ascending=False)
    return pd.concat([body, table[table["is_total"]]], ignore_index=True)


def index_vs_results(ds: Dataset) -> pd.DataFrame:
    """Per manager who has an index: activity_index, won_money, won."""
    table = measure(ds, ["activity_index", "won_money", "won"], by="manager")
    return table[table["activity_index"].notna() & (table["manager_id"] != "")].reset_index(drop=True)


def weights(ds: Dataset) -> pd.DataFrame:
    """The weights of the activity index: kind, weight, actions of the period."""
    acts = frames.frame(ds, "actions", ds.filters.elapsed)
    counts = acts["kind"].value_counts()
    kinds = pd.Series(list(ds.settings.weights))
    return pd.DataFrame(
        {"kind": _kinds(kinds), "weight": list(ds.settings.weights.values()), "actions": kinds.map(counts).fillna(0)}
    )


def forgotten_by(ds: Dataset, dimension: str) -> pd.DataFrame:
    """Forgotten deals by department, manager or stage, with totals; the most forgotten money first."""
    metrics = ["in_work", "forgotten", "forgotten_share", "forgotten_money", "no_next_step", "next_step_overdue"]
    table = measure(ds, metrics, by=dimension, total=True)
    body = table[~table["is_total"]].sort_values(["forgotten_money", "forgotten"], ascending=False)
    table = pd.concat([body, table[table["is_total"]]], ignore_index=True)
    return table.assign(pipeline=table["stage_id"].map(ds.stages["pipeline"])) if dimension == "stage" else table


def forgotten_deals(ds: Dataset) -> pd.DataFrame:
    """The forgotten deals as a to-do list: the most money first, then the longest silent."""
    rows = ds.open_deals[ds.open_deals["is_forgotten"]]
    overdue = rows["is_overdue"].map({True: _("overdue"), False: _("planned")})
    step = overdue.where(rows["has_next_step"], _("none"))
    listed = rows.assign(next_step=step, last_action_kind=_kinds(rows["last_action_kind"]))[SILENT]
    order = {"money": False, "days_silent": False, "deal_id": True}
    return listed.sort_values(list(order), ascending=list(order.values()), ignore_index=True)


def needs_you(ds: Dataset) -> pd.DataFrame:
    """At most five things to look at, each with its number and the report that proves it: text, report, element."""
    found = [*_narrow_place(ds), *_forgotten_money(ds), *_who_differs(ds)]
    columns = ["text", "report", "element"]
    return pd.DataFrame(found[:5], columns=columns)


def _narrow_place(ds: Dataset) -> list[tuple[str, str, str]]:
    if missing(ds, "reached"):
        return []
    steps = funnel(ds)
    worst = steps[steps["is_narrowest"]].sort_values("stage_conversion_n", ascending=False).head(1)
    return [
        (_("The narrow place is {stage} → {next}: {k} of {n} went on.", stage=row.stage, next=row.to_stage,
           k=int(row.stage_conversion_k), n=int(row.stage_conversion_n)), "sales_dynamics", "funnel")
        for row in worst.itertuples()
    ]  # fmt: skip


def _forgotten_money(ds: Dataset) -> list[tuple[str, str, str]]:
    if missing(ds, "forgotten") or not (count := int(one(ds, "forgotten"))):
        return []
    text = many(
        "{n} deal in work has been silent for {days} days or more, of {all}.",
        "{n} deals in work have been silent for {days} days or more, of {all}.",
        count, days=ds.forgetting.after, all=int(one(ds, "in_work")),
    )  # fmt: skip
    return [(text, "forgotten_deals", "deals")]


def _who_differs(ds: Dataset) -> list[tuple[str, str, str]]:
    table = measure(ds, ["win_rate"], by="manager", total=True)
    team = table["win_rate"].iloc[-1]
    said = table[table["win_rate_differs"].eq(True)]  # missing in the total
    return [
        (_("{manager} wins {k} of {n} closed deals; the team {share}.", manager=row.manager, k=int(row.win_rate_k),
           n=int(row.win_rate_n), share=units.write(team, "share")), "sales_dynamics", "managers")
        for row in said.itertuples()
    ]  # fmt: skip


def _kinds(kinds: pd.Series) -> pd.Series:
    names = {
        "call": _("call"), "meeting": _("meeting"), "email": _("e-mail"), "crm_activity": _("CRM activity"),
        "comment": _("comment"), "stage_move": _("stage move"),
    }  # fmt: skip
    return kinds.map(names).astype(object).fillna("")
