"""How long deals stand where, and what stands there now."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..measures.dataset import Dataset
from ..measures.measure import measure
from ..measures.names import look_up
from ..metrics.statistics import SMALL
from ..words import units
from ..words.texts import N_, _, many
from .element import element
from .headline import is_most, largest

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
    return with_pipeline(ds, table[table["stage_id"].map(ds.names.stages["outcome"]) == "open"])


@time_in_stage.finding
def slowest_stage(table: pd.DataFrame) -> str:
    """The stage on which an ordinary deal stands longest, of those with enough visits."""
    rows = table[table["median_stage_days"].notna() & (table["median_stage_days_n"] >= SMALL)]
    if rows.empty:
        return _("Too few visits to name the slowest stage: none has {n}", n=SMALL)
    row = largest(rows, "median_stage_days")
    if row is None:
        days = units.days(rows["median_stage_days"].max())
        return _("Half of the deals stand on a stage {days} or more, on none longer than on another", days=days)
    words = {"stage": row["stage"], "days": units.days(row["median_stage_days"])}
    if len(rows) == len(table):
        return _("Longest on {stage}: half of the deals stand there {days} or more", **words)
    return _(
        "Of the stages with enough visits, longest on {stage}: half of the deals stand there {days} or more", **words
    )


@element(
    title=N_("Time in stage, by manager"),
    measured=N_("Median days of the visits that began in the period; — while more than half of them still run."),
    matrix={"columns": ("stage",), "value": "median_stage_days"},
    needs=["median_stage_days", "manager"],
    compares=True,
)
def time_by_manager(ds: Dataset) -> pd.DataFrame:
    """The same per stage and manager, then per stage for the team (`is_total`)."""
    return _matrix_rows(ds, with_team(ds, TIMES, by="stage"))


@element(
    title=N_("What stands where"),
    measured=N_("Deals in work: how many, what money, how many days an ordinary one has stood there."),
    matrix={"columns": ("stage",), "value": "in_work", "details": ("in_work_money", "days_in_current_stage")},
    needs=["stage"],
    wants=["manager"],
)
def stage_matrix(ds: Dataset) -> pd.DataFrame:
    """What stands on each stage now, per manager and for the team: count, money, mean days on the stage."""
    rows = with_team(ds, STANDING, by="stage")
    whole = measure(ds, STANDING, by="manager", total=True).assign(stage=_("Total"), stage_id=ALL)
    whole["manager"] = whole["manager"].where(~whole["is_total"], _("Team"))
    if "manager" in ds.lacks:
        rows, whole = rows[rows["is_total"]], whole[whole["is_total"]]
    table = _matrix_rows(ds, rows)
    blank = {name: "" for name in ("pipeline", "pipeline_id") if name in table}
    return pd.concat([table, whole.assign(**blank)], ignore_index=True)


@stage_matrix.finding
def standing(matrix: pd.DataFrame) -> str:
    """Where more of the money in work stands than anywhere else; of the deals, where the source has no amounts."""
    team = matrix[matrix["is_total"].astype(bool) & (matrix["stage_id"] != ALL)] if len(matrix) else matrix
    if team.empty or not team["in_work"].sum():
        return _("Nothing is in work")
    money = "in_work_money" in team and (team["in_work_money"] > 0).any()
    row = largest(team, "in_work_money" if money else "in_work")
    if row is None:
        return many("{n} deal is in work", "{n} deals are in work", int(team["in_work"].sum()))
    days = row.get("days_in_current_stage")
    ordinary = "" if units.is_missing(days) else _(", an ordinary one for {days}", days=units.days(days))
    deals = many("{n} deal", "{n} deals", int(row["in_work"]))
    if not money:
        return (
            _("More deals stand on {stage} than on any other stage: {deals}", stage=row["stage"], deals=deals)
            + ordinary
        )
    words = {"stage": row["stage"], "money": units.money(row["in_work_money"]), "deals": deals}
    if is_most(row, team, "in_work_money"):
        return _("Most money stands on {stage}: {money} in {deals}", **words) + ordinary
    return _("More money stands on {stage} than on any other stage: {money} in {deals}", **words) + ordinary


ALL = "*"  # the column of a matrix that is over all stages


def _matrix_rows(ds: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """Only stages of deals in work, in the CRM's order, with their pipelines."""
    table = table[table["stage_id"].map(ds.names.stages["outcome"]) == "open"]
    return with_pipeline(ds, in_stage_order(ds, table))


def with_team(ds: Dataset, metrics: Sequence[str], *, by: str) -> pd.DataFrame:
    """The metrics by this dimension and manager, then by the dimension for the team (`is_total`)."""
    team = measure(ds, metrics, by=by).assign(is_total=True, manager=_("Team"), manager_id="")
    return pd.concat([measure(ds, metrics, by=[by, "manager"]), team], ignore_index=True)


def in_stage_order(ds: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """The rows with their stages in the CRM's order, those of the total last."""
    places = ds.names.stages.index.get_indexer(table["stage_id"])
    return table.iloc[np.lexsort((places, table["is_total"].astype(bool)))].reset_index(drop=True)


def with_pipeline(ds: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """The table with the pipeline of each stage after it, where the stages are of more than one."""
    names = look_up(table["stage_id"], ds.names.stages["pipeline"])
    if names[names != ""].nunique() < 2:
        return table
    about = table.assign(pipeline=names, pipeline_id=look_up(table["stage_id"], ds.names.stages["pipeline_id"]))
    front = ["stage", "stage_id", "pipeline", "pipeline_id"]
    return about[[*front, *(name for name in about if name not in front)]]
