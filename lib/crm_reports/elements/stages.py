"""How long deals stand where, and what stands there now."""

import pandas as pd

from ..dataset import Dataset, looked_up
from ..measures import measure
from ..texts import _

TIMES = ["median_stage_days", "stage_days", "finished_visits", "running_visits"]
STANDING = ["in_work", "in_work_money", "days_in_current_stage"]


def time_in_stage(ds: Dataset) -> pd.DataFrame:
    """Per stage where deals are in work: median and mean days of the visits begun in the period, and how many."""
    table = measure(ds, TIMES, by="stage")
    return with_pipeline(ds, table[table["stage_id"].map(ds.stages["outcome"]) == "open"])


def time_by_manager(ds: Dataset) -> pd.DataFrame:
    """The same per stage and manager, then per stage for the team (`is_total`)."""
    each = measure(ds, TIMES, by=["stage", "manager"])
    team = measure(ds, TIMES, by="stage").assign(is_total=True, manager=_("Team"), manager_id="")
    return _matrix_rows(ds, pd.concat([each, team], ignore_index=True))


def stage_matrix(ds: Dataset) -> pd.DataFrame:
    """What stands on each stage now, per manager and for the team: count, money, mean days on the stage."""
    each = measure(ds, STANDING, by=["stage", "manager"])
    team = measure(ds, STANDING, by="stage").assign(is_total=True, manager=_("Team"), manager_id="")
    whole = measure(ds, STANDING, by="manager", total=True).assign(stage=_("Total"), stage_id=ALL)
    whole["manager"] = whole["manager"].where(~whole["is_total"], _("Team"))
    table = _matrix_rows(ds, pd.concat([each, team], ignore_index=True))
    blank = {name: "" for name in ("pipeline", "pipeline_id") if name in table}
    return pd.concat([table, whole.assign(**blank)], ignore_index=True)


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
