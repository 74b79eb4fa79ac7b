"""How far deals come: a bar per stage of the deals created in the period, the period's own steps between them."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from ..store.columns import records
from ..words import units
from ..words.texts import _
from .bars import Row, rows_figure
from .figure import chart, escape, formula_of, hover, key_of, nothing, numbers
from .palette import colour


@chart
def funnel(table: pd.DataFrame) -> go.Figure:
    """A bar per stage (deals of the period that came as far), between them the steps of the period, the narrowest marked."""
    if table.empty:
        return nothing()
    length = "cohort_reached" if "cohort_reached" in table else "reached"
    rows: list[Row] = []
    pipelines = [
        group for _name, group in table.groupby("pipeline_id" if "pipeline_id" in table else "pipeline", sort=False)
    ]
    for pipeline in pipelines:
        if len(pipelines) > 1:
            rows.append(_heading(records(pipeline.head(1))[0]))
        stages = records(pipeline.sort_values("position", kind="stable") if "position" in pipeline else pipeline)
        steps = [row.get("position", place) for place, row in enumerate(stages)]
        rows += [_stage_row(stages, steps, place, length) for place in range(len(stages))]
    return rows_figure(rows, formula=formula_of("stage_conversion"), cuts="", track=True, is_apart=True)


def _heading(row: Mapping[str, object]) -> Row:
    name = f"<b>{escape(row['pipeline'])}</b>"
    return Row(name, None, "", "", "", colour("accent"), _cut(row, "pipeline"))


def _stage_row(stages: Sequence[Mapping[str, object]], steps: Sequence[object], place: int, length: str) -> Row:
    """A stage and the step into it; of several won stages the first one tells the step into all of them."""
    row, first = stages[place], steps.index(steps[place])
    before = stages[first - 1] if first else {}
    count = units.count(row[length])
    hovers = [f"<b>{escape(row['stage'])}</b>"]
    hovers += [hover(row, name) for name in ("cohort_reached", "reached", "visited") if name in row]
    if before:
        hovers += ["<br>" + _("step from {stage}", stage=escape(before["stage"])), hover(before, "stage_conversion")]
    note = _step_note(before) if before and place == first else ""
    if note and steps.count(steps[place]) > 1:
        note = _("↓ in the period, together: {rate}", rate=note)
    elif note:
        note = _("↓ in the period: {rate}", rate=note)
    return Row(
        escape(row["stage"], most=22),
        numbers([row[length]])[0],
        count,
        note,
        "<br>".join(hovers),
        colour("accent"),
        _cut(row, "stage"),
    )


def _cut(row: Mapping[str, object], dimension: str) -> str:
    key = key_of(row, dimension)
    return f"{dimension}:{key}" if key else ""


def _step_note(before: Mapping[str, object]) -> str:
    rate = units.share(before.get("stage_conversion"))
    k, n = before.get("stage_conversion_k"), before.get("stage_conversion_n")
    sure = units.between(before.get("stage_conversion_low"), before.get("stage_conversion_high"))
    text = " · ".join(filter(None, [f"<b>{rate}</b>" + (f" ({sure})" if sure else ""), units.k_of_n(k, n)]))
    if before.get("is_narrowest"):
        return f'<span style="color:{colour("bad")}">▼ {text}</span>'
    return text if units.is_few(n) or rate == units.MISSING else f'<span style="color:{colour("ink")}">{text}</span>'
