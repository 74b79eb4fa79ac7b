"""When people act: weekdays down, hours across."""

import pandas as pd
import plotly.graph_objects as go

from ..words import units
from ..words.texts import _
from .figure import chart, escape, figure_of, nothing, trace
from .palette import colour


@chart
def week(table: pd.DataFrame, *, value: str = "actions") -> go.Figure:
    """A square per weekday and hour, the darker the more; hours without any action at the day's ends are left out."""
    if table.empty:
        return nothing()
    hours = list(range(int(table["hour"].min()), int(table["hour"].max()) + 1))
    grid = table.pivot_table(index="weekday", columns="hour", values=value, aggfunc="sum", fill_value=0)
    grid = grid.reindex(index=range(7), columns=hours, fill_value=0)
    days = [units.weekday(day) for day in range(7)]
    tooltips = [[_tooltip(days[day], hour, grid.loc[day, hour]) for hour in hours] for day in range(7)]
    heat = trace(
        "heatmap",
        x=hours, y=list(range(7)), z=grid.to_numpy().tolist(), customdata=tooltips, hovertemplate="%{customdata}<extra></extra>",
        colorscale=[[0, colour("soft")], [1, colour("accent")]], showscale=False, xgap=2, ygap=2, name="",
    )  # fmt: skip
    return figure_of(
        [heat],
        height=270,
        margin={"t": 8},
        xaxis={"tickvals": hours, "ticktext": [f"{hour}" for hour in hours], "title": {"text": _("hour of the day")}},
        yaxis={"tickvals": list(range(7)), "ticktext": [escape(day) for day in days], "autorange": "reversed"},
    )


def _tooltip(day: str, hour: int, count: object) -> str:
    return f"<b>{escape(day)}, {hour}:00–{hour + 1}:00</b><br>{units.write(count, 'count')}"
