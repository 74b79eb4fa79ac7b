"""How long deals stand where, and what stands there now."""

import pandas as pd

from .. import units
from ..dataset import Dataset, looked_up
from ..measures import measure
from ..metrics.statistics import SMALL
from ..texts import N_, _
from .element import element

TIMES = ["median_stage_days", "stage_days", "finished_visits", "running_visits"]
STANDING = ["in_work", "in_work_money", "days_in_current_stage"]


@element(
    title=N_("Time in stage"),
    measured=N_(
        "Visits that began in the period. Half of the deals stand there as long as the median or longer; a visit "
        "that still runs counts as longer than so far. The mean knows finished visits only."
    ),
    needs=["median_stage_days"],
)
def time_in_stage(ds: Dataset) -> pd.DataFrame:
    """Per stage where deals are in work: median and mean days of the visits begun in the period, and how many."""
    table = measure(ds, TIMES, by="stage")
    return with_pipeline(ds, table[table["stage_id"].map(ds.stages["outcome"]) == "open"])


@time_in_stage.finding
def slowest_stage(table: pd.DataFrame) -> str:
    """The stage on which an ordinary deal stands longest."""
    rows = table[table["median_stage_days"].notna() & (table["median_stage_days_n"] >= SMALL)]
    if rows.empty:
        return _("Too few visits to name the slowest stage: none has {n}", n=SMALL)
    row = rows.sort_values("median_stage_days", ascending=False).iloc[0]
    days = units.write(row["median_stage_days"], "days")
    return _("Longest on {stage}: half of the deals stand there {days} or more", stage=row["stage"], days=days)


@element(
    title=N_("Time in stage, by manager"),
    measured=N_("Median days of the visits that began in the period; — while more than half of them still run."),
    matrix={"columns": ("stage",), "value": "median_stage_days"},
    needs=["median_stage_days"],
    compares=True,
)
def time_by_manager(ds: Dataset) -> pd.DataFrame:
    """The same per stage and manager, then per stage for the team (`is_total`)."""
    each = measure(ds, TIMES, by=["stage", "manager"])
    team = measure(ds, TIMES, by="stage").assign(is_total=True, manager=_("Team"), manager_id="")
    return _matrix_rows(ds, pd.concat([each, team], ignore_index=True))


@element(
    title=N_("What stands where"),
    measured=N_("Deals in work: how many, what money, how many days an ordinary one has stood there."),
    matrix={"columns": ("stage",), "value": "in_work", "details": ("in_work_money", "days_in_current_stage")},
)
def stage_matrix(ds: Dataset) -> pd.DataFrame:
    """What stands on each stage now, per manager and for the team: count, money, mean days on the stage."""
    each = measure(ds, STANDING, by=["stage", "manager"])
    team = measure(ds, STANDING, by="stage").assign(is_total=True, manager=_("Team"), manager_id="")
    whole = measure(ds, STANDING, by="manager", total=True).assign(stage=_("Total"), stage_id=ALL)
    whole["manager"] = whole["manager"].where(~whole["is_total"], _("Team"))
    table = _matrix_rows(ds, pd.concat([each, team], ignore_index=True))
    blank = {name: "" for name in ("pipeline", "pipeline_id") if name in table}
    return pd.concat([table, whole.assign(**blank)], ignore_index=True)


@stage_matrix.finding
def standing(matrix: pd.DataFrame) -> str:
    """Where most of the money in work stands."""
    team = matrix[matrix["is_total"] & (matrix["stage_id"] != "*")]
    if team.empty or not team["in_work"].sum():
        return _("Nothing is in work")
    row = team.sort_values(["in_work_money", "in_work"], ascending=False).iloc[0]
    money, days = (
        units.write(row["in_work_money"], "money", form="tile"),
        units.write(row["days_in_current_stage"], "days"),
    )
    return _(
        "Most money stands on {stage}: {money} in {n} deals, an ordinary one for {days}",
        stage=row["stage"], money=money, n=units.write(row["in_work"], "count"), days=days,
    )  # fmt: skip


ALL = "*"  # the column of a matrix that is over all stages


def _matrix_rows(ds: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """Only stages of deals in work, in the CRM's order, with their pipelines."""
    table = table[table["stage_id"].map(ds.stages["outcome"]) == "open"]
    place = {stage: at for at, stage in enumerate(ds.stages.index)}
    ordered = table.assign(_at=table["stage_id"].map(place)).sort_values(["is_total", "_at"], kind="stable")
    return with_pipeline(ds, ordered.drop(columns="_at").reset_index(drop=True))


def with_pipeline(ds: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the pipeline of each stage after it, where the stages are of more than one."""
    names = looked_up(table["stage_id"], ds.stages["pipeline"])
    if names[names != ""].nunique() < 2:
        return table
    about = table.assign(pipeline=names, pipeline_id=looked_up(table["stage_id"], ds.stages["pipeline_id"]))
    front = ["stage", "stage_id", "pipeline", "pipeline_id"]
    return about[[*front, *(name for name in about if name not in front)]]
