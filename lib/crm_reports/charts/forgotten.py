"""How long deals are silent, what the threshold does, and how many were forgotten night by night."""

import pandas as pd
import plotly.graph_objects as go

from ..metrics.registry import column
from ..store.columns import records
from ..words import units
from ..words.texts import _
from .figure import Trace, axis_note, axis_title, chart, escape, figure_of, nothing, trace
from .palette import colour


@chart
def silence(table: pd.DataFrame) -> go.Figure:
    """A bar per span of days without any action; the forgotten ones darker, the threshold as a line between them."""
    if table.empty or not table["deals"].sum():
        return nothing()
    forgotten = list(table["is_forgotten"])
    threshold = {}
    if any(forgotten) and not all(forgotten):
        threshold = _threshold(forgotten.index(True), int(table["from_days"].iloc[forgotten.index(True)]))
    spans = {"tickvals": list(range(len(table))), "ticktext": [escape(span) for span in table["silent"]]}
    return figure_of(
        [_spans(table, forgotten)],
        height=340,
        showlegend=False,
        margin={"t": 44},
        yaxis={"tickformat": ",~f"},
        xaxis=spans | {"title": {"text": _("days without any action")}},
        **threshold,
    )


def _spans(table: pd.DataFrame, forgotten: list[bool]) -> Trace:
    tooltips = [_span_hover(row) for row in records(table)]
    return trace(
        "bar",
        x=list(range(len(table))),
        y=list(table["deals"]),
        text=[units.count(count) for count in table["deals"]],
        textposition="outside",
        cliponaxis=False,
        textfont={"color": colour("ink")},
        customdata=tooltips,
        name="",
        hovertemplate="%{customdata}<extra></extra>",
        marker={"color": [colour("accent") if is_late else colour("soft") for is_late in forgotten], "cornerradius": 3},
    )


def _span_hover(row: dict[str, object]) -> str:
    days = _("{span} days", span=escape(row["silent"]))
    money = f"<br>{units.write(row['money'], 'money')}" if "money" in row else ""
    return f"<b>{days}</b><br>{_('Deals')}: <b>{units.write(row['deals'], 'count')}</b>{money}"


def _threshold(place: int, days: int) -> dict[str, object]:
    """A line before the bar at this place, and what it says."""
    line = {"type": "line", "line": {"color": colour("bad"), "width": 2, "dash": "dash"}}
    words = {
        "text": f"{_('forgotten from {days} days on', days=days)} →",
        "font": {"color": colour("bad")},
        "showarrow": False,
    }
    corner = {"x": place - 0.5, "y": 1, "yref": "paper", "xanchor": "left", "yanchor": "bottom", "xshift": -4}
    return {
        "shapes": [line | {"x0": place - 0.5, "x1": place - 0.5, "y0": 0, "y1": 1, "yref": "y domain"}],
        "annotations": [words | corner],
    }


@chart
def nights(table: pd.DataFrame, *, y: str = "forgotten") -> go.Figure:
    """A line over the weeks' nights, its first and last number written beside it."""
    if len(table) < 2:
        return nothing()
    axis = units.axis(column(y).unit, table[y])
    values = [None if units.is_missing(number) else float(number) / axis.scale for number in table[y]]
    labels = [units.write(number, column(y).unit, form="tile") for number in table[y]]
    text = [label if place in (0, len(labels) - 1) else "" for place, label in enumerate(labels)]
    line = trace(
        "scatter",
        x=list(range(len(table))), y=values, ids=[str(units.as_date(day)) for day in table["start"]], mode="lines+markers+text", text=text, textposition="top center", name="",
        line={"color": colour("accent"), "width": 2.5}, marker={"size": 6}, textfont={"color": colour("ink"), "size": 13},
        customdata=[_night_hover(row, y) for row in records(table)], hovertemplate="%{customdata}<extra></extra>",
        cliponaxis=False,
    )  # fmt: skip
    places = list(range(len(table)))[:: -(-len(table) // 7)]
    days = [units.period("week", table["start"].iloc[place], form="axis") for place in places]
    return figure_of(
        [line],
        height=280,
        margin={"t": 40, "r": 24},
        annotations=[axis_note(axis_title(y, axis))],
        xaxis={"tickvals": places, "ticktext": days},
        yaxis={"tickformat": ",~f"},
    )


def _night_hover(row: dict[str, object], y: str) -> str:
    day = units.write(row["start"], "date")
    of = _("of {all} in work", all=units.count(row["in_work"]))
    return f"<b>{day}</b><br>{escape(column(y).title)}: <b>{units.write(row[y], column(y).unit)}</b><br>{of}"
