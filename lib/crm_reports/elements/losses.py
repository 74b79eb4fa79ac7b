"""Why deals are lost, by whom, and from where."""

import numpy as np
import pandas as pd

from .. import charts
from ..measures.asked import Counted, note_counted
from ..measures.comparisons import stages_before_loss
from ..measures.dataset import Dataset
from ..measures.frames import frame
from ..measures.measure import measure
from ..measures.names import look_up
from ..measures.slices import loss_reasons as loss_reasons_of
from ..measures.totals import total_of, without_total
from ..metrics.statistics import SMALL, fisher, holm
from ..store.columns import Columns, records
from ..words import units
from ..words.texts import N_, _, many
from .element import element
from .headline import is_most, largest
from .stages import in_stage_order, with_team


@element(
    title=N_("Why deals are lost"),
    measured=N_("Deals lost in the period, by the reason the CRM keeps."),
    chart=lambda table: charts.bars(table, x="loss_reason", y="lost"),
    needs=["lost", "loss_reason"],
    leads_to="deals",
    mail=("lost", "lost_money"),
)
def loss_reasons(ds: Dataset) -> pd.DataFrame:
    """Why deals were lost in the period: loss_reason, lost, lost_money, share_of_lost; the most frequent first."""
    table = measure(ds, ["lost", "lost_money", "share_of_lost"], by="loss_reason").drop(columns="loss_reason_id")
    return table[table["lost"] > 0].sort_values(["lost", "lost_money"], ascending=False, ignore_index=True)


@loss_reasons.finding
def top_reason(reasons: pd.DataFrame) -> str:
    """The most frequent reason for losing."""
    if reasons.empty:
        return _("Nothing was lost in the period")
    row = reasons.iloc[0]
    share = units.share(row["share_of_lost"])
    return _("{reason}: {share} of what was lost", reason=row["loss_reason"], share=share)


@element(
    title=N_("Why deals are lost, by manager"),
    measured=N_("Deals lost in the period."),
    matrix={"columns": ("loss_reason",), "value": "lost"},
    needs=["lost", "loss_reason", "manager"],
    compares=True,
    leads_to="deals",
)
def losses_by_manager(ds: Dataset) -> pd.DataFrame:
    """Lost deals of the period by reason and manager, then by reason for the team (`is_total`)."""
    table = with_team(ds, ["lost"], by="loss_reason")
    return _by_size(table[table["lost"] > 0], "loss_reason")


@losses_by_manager.finding
def loses_most(table: pd.DataFrame) -> str:
    """Which reason one manager loses for more often than the others, by more than chance; else the most frequent one."""
    if not len(without_total(table)):
        return _("Nothing was lost in the period")
    row = _own_reason(table)
    if row is not None:
        share = units.share(row["team"] / row["all"])
        return _(
            "{manager} loses {k} of {n} with “{reason}”, all together {share}: a clear difference.",
            manager=row["manager"],
            reason=row["loss_reason"],
            k=units.count(row["lost"]),
            n=units.count(row["own"]),
            share=share,
        )
    team = total_of(table)
    top = team.sort_values("lost", ascending=False, kind="stable").iloc[0]
    return _(
        "Nobody's reasons clearly differ; of all {n}, {k} were lost with “{reason}”",
        reason=top["loss_reason"],
        k=units.count(top["lost"]),
        n=units.count(team["lost"].sum()),
    )


def _own_reason(table: pd.DataFrame) -> pd.Series | None:
    """The manager's reason that is furthest above all managers' together, beyond chance; Holm over all cells."""
    cells = without_total(table)
    own, team = (cells.groupby(key)["lost"].transform("sum") for key in ("manager_id", "loss_reason"))
    cells = cells.assign(own=own, team=team, all=cells["lost"].sum())
    k, n, all_k, all_n = (cells[name].to_numpy(int) for name in ("lost", "own", "team", "all"))
    sure = holm(np.array([fisher(np.array([a, c - a]), np.array([b, d - b]))[0] for a, b, c, d in zip(k, n, all_k, all_n, strict=True)]))  # fmt: skip
    candidates = cells.assign(above=k / n - all_k / all_n)[sure & (n >= SMALL)]
    candidates = candidates[candidates["above"] > 0].sort_values("above", ascending=False, kind="stable")
    return None if candidates.empty else candidates.iloc[0]


@element(
    title=N_("Where deals are lost from"),
    measured=N_("The last stage of work before the loss, by reason."),
    matrix={"rows": "loss_reason", "columns": ("stage",), "value": "lost"},
    needs=["lost", "loss_reason", "stage_history"],
    leads_to="deals",
)
def losses_by_stage(ds: Dataset) -> pd.DataFrame:
    """Lost deals of the period by reason and the stage they stood on before, in the order of the stages, with totals.

    A deal whose history does not tell the stage before is under "unknown stage".
    """
    deals, stages = stages_before_loss(ds, ds.filters.elapsed)
    if not len(deals):
        return pd.DataFrame(columns=["loss_reason", "stage", "stage_id", "pipeline", "pipeline_id", "lost", "is_total"])
    rows = pd.DataFrame(
        {"stage_id": np.asarray(stages), "loss_reason": np.asarray(loss_reasons_of(deals, ds.names.stage_names))}
    )
    counts = rows.groupby(["stage_id", "loss_reason"]).size().rename("lost").reset_index()
    team = counts.groupby("stage_id", as_index=False)["lost"].sum().assign(is_total=True, loss_reason=_("Total"))
    table = pd.concat([counts.assign(is_total=False), team], ignore_index=True)
    stages_of = {
        name: look_up(table["stage_id"], ds.names.stages[name]) for name in ("stage", "pipeline", "pipeline_id")
    }
    table = in_stage_order(ds, table.assign(**stages_of))
    note_counted(ds, "losses_by_stage", lost=Counted("lost", _lost_from(ds, table, deals, rows)))
    return table


def _lost_from(ds: Dataset, table: pd.DataFrame, deals: Columns, rows: pd.DataFrame) -> list[np.ndarray]:
    """Per row of the table, which events are the losses that it counts; `rows` say from where and why each deal was lost."""
    events = frame(ds, "events", ds.filters.elapsed)
    place = pd.Index(deals["deal_no"]).get_indexer(events["deal_no"])
    stages, reasons = (rows[name].to_numpy(object)[place] for name in ("stage_id", "loss_reason"))
    is_lost = events["is_lost"] & (place >= 0)
    return [
        is_lost & (stages == row["stage_id"]) & (row["is_total"] | (reasons == row["loss_reason"]))
        for row in records(table)
    ]


@losses_by_stage.finding
def lost_from(table: pd.DataFrame) -> str:
    """From which stage more deals are lost than from any other."""
    team = total_of(table)
    if team.empty:
        return _("Nothing was lost in the period")
    row, n = largest(team, "lost"), int(team["lost"].sum())
    if row is None:
        return many("{n} deal was lost; no one stage leads", "{n} deals were lost; no one stage leads", n)
    words = {"stage": row["stage"], "k": units.count(row["lost"]), "n": units.count(n)}
    if is_most(row, team, "lost"):
        return _("Most are lost from {stage}: {k} of {n}", **words)
    return _("More are lost from {stage} than from any other stage: {k} of {n}", **words)


def _by_size(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of a matrix with the largest first."""
    largest = total_of(table).set_index(name)["lost"]
    order = table.assign(_size=table[name].map(largest)).sort_values(
        ["is_total", "_size", name], ascending=[True, False, True], kind="stable"
    )
    return order.drop(columns="_size").reset_index(drop=True)
