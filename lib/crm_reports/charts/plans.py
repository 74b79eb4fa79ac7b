"""Plan against fact over the days of a period."""

import pandas as pd
import plotly.graph_objects as go

from ..store.columns import records
from ..words import units
from ..words.texts import _
from .figure import axis_note, axis_title, chart, figure_of, nothing, numbers, trace
from .palette import colour


@chart
def pace(table: pd.DataFrame) -> go.Figure:
    """What was won, day by day and all together, against the line on which the plan should stand, and the year before."""
    if table.empty:
        return nothing()
    axis = units.axis("money", [*table["so_far"], *table.get("pace", ()), *table.get("so_far_previous", ())])
    days = [units.as_date(day) for day in table["day"]]
    lines = [
        ("so_far", _("won"), {"color": colour("accent"), "width": 3}),  # first: what it fills must hide no other
        ("pace", _("plan"), {"color": colour("bad"), "width": 2, "dash": "dash"}),
        ("so_far_previous", _("a year earlier"), {"color": colour("dim"), "width": 1.5, "dash": "dot"}),
    ]
    traces = [
        trace(
            "scatter", x=days, y=numbers(table[name], axis.scale), mode="lines", line=line, name=words, hoverinfo="text",
            text=[_tooltip(row, name, words) for row in records(table)], fill="tozeroy" if name == "so_far" else "none",
            fillcolor=colour("soft"),
        )
        for name, words, line in lines if name in table and table[name].notna().any()
    ]  # fmt: skip
    for first in traces[:1]:  # none where a month begins without a plan
        first["ids"] = [str(day) for day in days]
    return figure_of(
        traces,
        height=300,
        annotations=[axis_note(axis_title("so_far", axis))],
        yaxis={"tickformat": ",~f"},
        xaxis={"tickvals": _ticks(days), "ticktext": [units.day_month(day) for day in _ticks(days)], "type": "date"},
        shapes=[_today(table)] if table["so_far"].isna().any() and table["so_far"].notna().any() else [],
        showlegend=True,
        margin={"t": 44, "r": 26},
    )


def _ticks(days: list) -> list:
    """At most seven days, the last one among them."""
    return days[:: -max(1, -(-len(days) // 7))][::-1]


def _tooltip(row: dict[str, object], name: str, words: str) -> str:
    return f"<b>{units.write(row['day'], 'date')}</b><br>{words}: {units.money(row[name])}"


def _today(table: pd.DataFrame) -> dict[str, object]:
    """The line of the last day that is told of."""
    day = units.as_date(table.loc[table["so_far"].notna(), "day"].iloc[-1])
    line = {"color": colour("dim"), "width": 1}
    return {"type": "line", "x0": day, "x1": day, "y0": 0, "y1": 1, "yref": "paper", "line": line}
