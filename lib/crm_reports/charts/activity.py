"""What people do, beside what comes of it."""

from collections.abc import Sequence

import pandas as pd
import plotly.graph_objects as go

from ..metrics.registry import column
from ..store.columns import records
from ..words import units
from ..words.texts import _
from .figure import (
    Trace,
    axis_note,
    axis_title,
    escape,
    figure_of,
    formula_of,
    hover,
    nothing,
    numbers,
    short_name,
    trace,
    without_total,
)
from .palette import colour, colour_of, symbol_of


def scatter(table: pd.DataFrame, *, x: str, y: str, name: str = "manager") -> go.Figure:
    """A labelled point per manager, medians of both numbers as cross lines: of the points, or the totals row's own."""
    rows = without_total(table)
    rows = rows[rows[x].notna() & rows[y].notna()]
    if rows.empty:
        return nothing()
    across, up = (units.axis(column(each).unit, rows[each]) for each in (x, y))
    points = list(zip(numbers(rows[x], across.scale), numbers(rows[y], up.scale), strict=True))
    names = [short_name(each) for each in rows[name]]
    ids = list(rows.get(f"{name}_id", rows[name]))
    places = _label_places(points, names)
    drawn = trace(
        "scatter",
        x=[point[0] for point in points], y=[point[1] for point in points], mode="markers+text",
        text=[escape(each) if place else "" for each, place in zip(names, places, strict=True)],
        textposition=[place or "top center" for place in places], textfont={"color": colour("ink"), "size": 12},
        marker={"color": [colour_of(id) for id in ids], "symbol": [symbol_of(id) for id in ids], "size": 11},
        customdata=[f"<b>{escape(row[name])}</b><br>{hover(row, x)}<br>{hover(row, y)}" for row in records(rows)],
        hovertemplate=f"%{{customdata}}{formula_of(x)}<extra></extra>", cliponaxis=False, showlegend=False,
    )  # fmt: skip
    return _crossed(drawn, _middle(table, points, x, y, across, up), x, y, across, up)


def _middle(
    table: pd.DataFrame, points: Sequence[tuple], x: str, y: str, across: units.Axis, up: units.Axis
) -> tuple[float, float]:
    """Where the cross lines stand: a table about one manager brings the team's medians as its total."""
    team = table[table["is_total"].astype(bool)] if "is_total" in table else table.iloc[:0]
    if team.empty:
        return tuple(pd.DataFrame(points).median())
    return team[x].iloc[0] / across.scale, team[y].iloc[0] / up.scale


def _crossed(
    points: Trace, middle: tuple[float, float], x: str, y: str, across: units.Axis, up: units.Axis
) -> go.Figure:
    line = {"type": "line", "line": {"color": colour("dim"), "width": 1, "dash": "dot"}}
    upright = line | {"x0": middle[0], "x1": middle[0], "y0": 0, "y1": 1, "yref": "y domain"}
    level = line | {"y0": middle[1], "y1": middle[1], "x0": 0, "x1": 1, "xref": "x domain"}
    word = {"text": _("median"), "font": {"size": 11}, "showarrow": False}
    beside = word | {"x": middle[0], "y": 0, "yref": "y domain", "xanchor": "left", "yanchor": "bottom"}
    below = word | {"x": 1, "xref": "x domain", "y": middle[1], "xanchor": "right", "yanchor": "top"}
    return figure_of(
        [points], height=460, margin={"t": 34, "r": 24}, shapes=[upright, level],
        annotations=[axis_note(axis_title(y, up)), beside, below], yaxis={"tickformat": ",~f"},
        xaxis={"title": {"text": axis_title(x, across)}, "rangemode": "tozero", "tickformat": ",~f"},
    )  # fmt: skip


# Where a label may stand and how far its middle lies from the point, in label widths and heights.
LABEL_PLACES = {
    "top center": (0, 1.1), "bottom center": (0, -1.1), "middle right": (0.62, 0), "middle left": (-0.62, 0),
    "top right": (0.58, 0.9), "top left": (-0.58, 0.9), "bottom right": (0.58, -0.9), "bottom left": (-0.58, -0.9),
}  # fmt: skip


def _label_places(points: Sequence[tuple[float, float]], names: Sequence[str]) -> list[str]:
    """For each point the first place where its label covers no other; "" when all are taken: hover tells it."""
    wide, high = 680, 380  # the plot on a laptop, in pixels
    spans = [max(axis) * 1.05 or 1 for axis in zip(*points, strict=True)]
    taken = [(wide * x / spans[0], high * y / spans[1], 12.0, 12.0) for x, y in points]
    found = []
    for (x, y, *_size), name in zip(list(taken), names, strict=True):
        boxes = {
            place: (x + right * (7 * len(name) + 10), y + up * 15, 7.0 * len(name), 14.0)
            for place, (right, up) in LABEL_PLACES.items()
        }
        free = [place for place, box in boxes.items() if not any(_overlap(box, other) for other in taken)]
        found.append(free[0] if free else "")
        taken += [boxes[free[0]]] if free else []
    return found


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return abs(one[0] - other[0]) < (one[2] + other[2]) / 2 and abs(one[1] - other[1]) < (one[3] + other[3]) / 2
