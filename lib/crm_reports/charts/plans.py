"""Plan against fact over the days of a period."""

from collections.abc import Iterable, Mapping

import pandas as pd
import plotly.graph_objects as go

from ..store.columns import records
from ..words import units
from ..words.texts import _
from .figure import Trace, axis_note, axis_title, chart, figure_of, nothing, numbers, trace
from .palette import colour

DRAWN = ("so_far", "pace", "so_far_previous", "forecast")


@chart
def pace(table: pd.DataFrame) -> go.Figure:
    """What was won, day by day and all together, against the line on which the plan should stand, the year before, the forecast."""
    if not len(table) or not table.reindex(columns=DRAWN).notna().any(axis=None):
        return nothing(_("The period has just begun: no day of it is over yet."))
    axis = units.axis("money", table.reindex(columns=[*DRAWN, "forecast_high"]).to_numpy(float).ravel())
    days = [units.as_date(day) for day in table["day"]]
    scale = axis.scale
    traces = [
        *_lines(table, DRAWN[:1], scale),
        *_range(table, scale),
        *_lines(table, DRAWN[1:], scale),
    ]  # fills hide no line
    traces[0]["ids"] = [str(day) for day in days]
    return figure_of(
        [line | {"x": days} for line in traces],
        height=300,
        annotations=[axis_note(axis_title("so_far", axis))],
        yaxis={"tickformat": ",~f"},
        xaxis={"tickvals": _ticks(days), "ticktext": [units.day_month(day) for day in _ticks(days)], "type": "date"},
        shapes=[_today(table)] if table["so_far"].isna().any() and table["so_far"].notna().any() else [],
        showlegend=True,
        legend={"traceorder": "normal"},
        margin={"t": 44, "r": 26},
    )


def _lines(table: pd.DataFrame, names: Iterable[str], scale: float) -> list[Trace]:
    """A line for each of these that there is."""
    looks = {
        "so_far": (_("won"), {"color": colour("accent"), "width": 3}),
        "pace": (_("plan"), {"color": colour("bad"), "width": 2, "dash": "dash"}),
        "so_far_previous": (_("a year earlier"), {"color": colour("dim"), "width": 1.5, "dash": "dot"}),
        "forecast": (_("forecast, with its range"), {"color": colour("accent"), "width": 2, "dash": "dashdot"}),
    }
    return [
        trace(
            "scatter", y=numbers(table[name], scale), mode="lines", line=looks[name][1], name=looks[name][0], hoverinfo="text",
            text=[_tooltip(row, name, looks[name][0]) for row in records(table)],
            fill="tozeroy" if name == "so_far" else "none", fillcolor=colour("soft"),
        )
        for name in names if name in table and table[name].notna().any()
    ]  # fmt: skip


def _range(table: pd.DataFrame, scale: float) -> list[Trace]:
    """Between what the forecast lies from the last day that is told of on; none where nothing is foretold."""
    if "forecast" not in table:
        return []
    line = {"color": colour("accent"), "width": 1, "dash": "dot"}
    ends = {"low": {}, "high": {"fill": "tonexty", "fillcolor": colour("soft")}}
    return [
        trace("scatter", y=numbers(table[f"forecast_{name}"], scale), mode="lines", line=line, hoverinfo="skip", showlegend=False, **look)
        for name, look in ends.items()
    ]  # fmt: skip


def _ticks(days: list) -> list:
    """At most seven days, the last one among them."""
    return days[:: -max(1, -(-len(days) // 7))][::-1]


def _tooltip(row: Mapping[str, object], name: str, words: str) -> str:
    text = f"{words}: {units.money(row[name])}"
    if name == "forecast":
        ends = {end: units.money(row[f"forecast_{end}"]) for end in ("low", "high")}
        text = _("forecast {money}, {low} to {high}", money=units.money(row[name]), **ends)
    return f"<b>{units.write(row['day'], 'date')}</b><br>{text}"


def _today(table: pd.DataFrame) -> dict[str, object]:
    """The line of the last day that is told of."""
    day = units.as_date(table.loc[table["so_far"].notna(), "day"].iloc[-1])
    line = {"color": colour("dim"), "width": 1}
    return {"type": "line", "x0": day, "x1": day, "y0": 0, "y1": 1, "yref": "paper", "line": line}
