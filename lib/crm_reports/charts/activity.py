"""What people do, beside what comes of it."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from ..measures.totals import total_of, without_total
from ..metrics.registry import column
from ..store.columns import records
from ..words import units
from ..words.texts import _
from .figure import (
    Trace,
    axis_note,
    axis_title,
    chart,
    escape,
    figure_of,
    formula_of,
    hover,
    key_of,
    nothing,
    numbers,
    short_name,
    trace,
)
from .palette import colour, colour_of, symbol_of


@chart
def scatter(table: pd.DataFrame, *, x: str, y: str, name: str = "manager") -> go.Figure:
    """A labelled point per manager, medians of both numbers as cross lines: of the points, or the totals row's own."""
    rows = without_total(table)
    rows = rows[rows[x].notna() & rows[y].notna()]
    if rows.empty:
        return nothing()
    x_axis, y_axis = (units.axis(column(metric).unit, rows[metric]) for metric in (x, y))
    positions = list(zip(numbers(rows[x], x_axis.scale), numbers(rows[y], y_axis.scale), strict=True))
    names = [short_name(person) for person in rows[name]]
    ids = list(rows.get(f"{name}_id", rows[name]))
    places = _label_places(positions, names)
    points = trace(
        "scatter",
        x=[point[0] for point in positions],
        y=[point[1] for point in positions],
        mode="markers+text",
        text=[escape(text) if place else "" for text, place in zip(names, places, strict=True)],
        textposition=[place or "top center" for place in places],
        textfont={"color": colour("ink"), "size": 12},
        marker={"color": [colour_of(id) for id in ids], "symbol": [symbol_of(id) for id in ids], "size": 11},
        customdata=[f"<b>{escape(row[name])}</b><br>{hover(row, x)}<br>{hover(row, y)}" for row in records(rows)],
        hovertemplate=f"%{{customdata}}{formula_of(x)}<extra></extra>",
        cliponaxis=False,
        showlegend=False,
        meta=[key_of(row, name) for row in records(rows)],
    )
    middle = _middle(table, positions, x, y, x_axis, y_axis)
    return _with_cross(points, middle, x, y, x_axis, y_axis).update_layout(meta={"cuts": name})


def _middle(
    table: pd.DataFrame, positions: Sequence[tuple], x: str, y: str, x_axis: units.Axis, y_axis: units.Axis
) -> tuple[float, float]:
    """Where the cross lines stand: a table about one manager brings the team's medians as its total."""
    team = total_of(table)
    if team.empty:
        return tuple(pd.DataFrame(positions).median())
    return team[x].iloc[0] / x_axis.scale, team[y].iloc[0] / y_axis.scale


def _with_cross(
    points: Trace, middle: tuple[float, float], x: str, y: str, x_axis: units.Axis, y_axis: units.Axis
) -> go.Figure:
    line = {"type": "line", "line": {"color": colour("dim"), "width": 1, "dash": "dot"}}
    vertical = line | {"x0": middle[0], "x1": middle[0], "y0": 0, "y1": 1, "yref": "y domain"}
    horizontal = line | {"y0": middle[1], "y1": middle[1], "x0": 0, "x1": 1, "xref": "x domain"}
    word = {"text": _("median"), "font": {"size": 11}, "showarrow": False}
    x_label = word | {"x": middle[0], "y": 0, "yref": "y domain", "xanchor": "left", "yanchor": "bottom"}
    y_label = word | {"x": 1, "xref": "x domain", "y": middle[1], "xanchor": "right", "yanchor": "top"}
    return figure_of(
        [points],
        height=460,
        margin={"t": 34, "r": 24},
        shapes=[vertical, horizontal],
        annotations=[axis_note(axis_title(y, y_axis)), x_label, y_label],
        yaxis={"tickformat": ",~f"},
        xaxis={"title": {"text": axis_title(x, x_axis)}, "rangemode": "tozero", "tickformat": ",~f"},
    )


# Where a label may stand and how far its middle lies from the point, in label widths and heights.
LABEL_PLACES = {
    "top center": (0, 1.1), "bottom center": (0, -1.1), "middle right": (0.62, 0), "middle left": (-0.62, 0),
    "top right": (0.58, 0.9), "top left": (-0.58, 0.9), "bottom right": (0.58, -0.9), "bottom left": (-0.58, -0.9),
}  # fmt: skip


def _label_places(points: Sequence[tuple[float, float]], names: Sequence[str]) -> list[str]:
    """For each point the first place where its label covers no other; "" when all are taken: hover tells it."""
    wide, high = 680, 380  # the plot on a laptop, in pixels
    spans = [max(axis) * 1.05 or 1 for axis in zip(*points, strict=True)]
    boxes = [(wide * x / spans[0], high * y / spans[1], 12.0, 12.0) for x, y in points]
    chosen_places = []
    for (x, y, *_size), name in zip(list(boxes), names, strict=True):
        choices = {
            place: (x + right * (7 * len(name) + 10), y + up * 15, 7.0 * len(name), 14.0)
            for place, (right, up) in LABEL_PLACES.items()
        }
        free = [place for place, box in choices.items() if not any(_overlap(box, neighbour) for neighbour in boxes)]
        chosen_places.append(free[0] if free else "")
        boxes += [choices[free[0]]] if free else []
    return chosen_places


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return abs(a[0] - b[0]) < (a[2] + b[2]) / 2 and abs(a[1] - b[1]) < (a[3] + b[3]) / 2
