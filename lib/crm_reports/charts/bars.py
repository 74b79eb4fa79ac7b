"""A bar per name: the longest first, its name above it, so that it fits a phone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from ..measures.totals import without_total
from ..metrics.registry import column
from ..store.columns import records
from ..words import units
from ..words.texts import _
from .figure import chart, escape, figure_of, formula_of, hover, key_of, nothing, numbers, trace
from .palette import colour, colour_of

MOST_ROWS = 20


@dataclass(frozen=True)
class Row:
    """A bar with its name above it on the left and a note above it on the right: fits a phone whatever the name."""

    name: str
    value: float | None
    text: str
    note: str
    hover: str
    colour: str
    key: str = ""


@chart
def bars(table: pd.DataFrame, *, x: str, y: str) -> go.Figure:
    """A bar per value of `x`, as long as the metric `y`, with k of n for a rate; managers in their colours."""
    rows = without_total(table)
    if rows.empty:
        return nothing()
    axis = units.axis(column(y).unit, rows[y])
    rest = len(rows) - MOST_ROWS
    figure = rows_figure(
        [_bar_row(row, x, y, axis) for row in records(rows[:MOST_ROWS])], formula=formula_of(y), cuts=x
    )
    if rest > 0:
        more = _("and {n} more in the table", n=rest)
        place = {"xref": "paper", "yref": "paper", "x": 0, "y": 0, "xanchor": "left", "yanchor": "top"}
        figure.add_annotation(text=more, showarrow=False, **place).update_layout(margin_b=26)
    return figure


def _bar_row(row: Mapping[str, object], x: str, y: str, axis: units.Axis) -> Row:
    unit = column(y).unit
    value = numbers([row[y]], axis.scale)[0]
    hue = colour_of(row[f"{x}_id"]) if x == "manager" and f"{x}_id" in row else colour("accent")
    note = units.k_of_n(row.get(f"{y}_k"), row.get(f"{y}_n"))
    tooltip = f"<b>{escape(row[x])}</b><br>{hover(row, y)}"
    text = units.write(row[y], unit, form="tile")
    return Row(escape(row[x], most=30), value, text, note, tooltip, hue, key_of(row, x))


def rows_figure(
    rows: Sequence[Row], *, formula: str, cuts: str, track: bool = False, is_apart: bool = False
) -> go.Figure:
    """The rows as bars, on the whole `track` where it is wished for; notes that are of other rows stand `is_apart`.

    `cuts` is what the rows' keys are the ids of.
    """
    pitch = 66 if is_apart else 50
    thick = 18 / pitch
    place = list(range(len(rows)))
    values = [row.value for row in rows]
    top = max((abs(value) for value in values if value is not None), default=0) or 1
    low = min([0, *(value for value in values if value is not None)])
    bar = trace(
        "bar",
        x=values,
        y=place,
        width=thick,
        offset=0,
        orientation="h",
        customdata=[row.hover for row in rows],
        marker={"color": [row.colour for row in rows], "cornerradius": 3},
        hovertemplate=f"%{{customdata}}{formula}<extra></extra>",
        meta=[row.key for row in rows],
    )
    back = trace(
        "bar",
        x=[None if value is None else top for value in values],
        y=place,
        width=thick,
        offset=0,
        orientation="h",
        marker={"color": colour("soft"), "cornerradius": 3},
        hoverinfo="skip",
    )
    return figure_of(
        [back, bar] if track else [bar], height=12 + pitch * len(rows), barmode="overlay", showlegend=False, meta={"cuts": cuts},
        xaxis={"visible": False, "range": [low, top], "fixedrange": True}, margin={"l": 0, "r": 0, "t": 4, "b": 4},
        yaxis={"visible": False, "range": [len(rows) - 0.5, -0.5], "fixedrange": True},
        annotations=[note for number, row in enumerate(rows) for note in _row_notes(number, row, 17 / pitch if is_apart else 0)],
    )  # fmt: skip


def _row_notes(place: int, row: Row, lift: float) -> list[dict[str, object]]:
    """The name of a row over its bar, and its note on the right of it, or on a line of its own, `lift` above it."""
    # A heading has no bar beneath it and stands closer to its own rows.
    base = {
        "showarrow": False,
        "y": place - 0.02 if row.text else place + 0.42,
        "yanchor": "bottom",
        "xref": "paper",
        "borderpad": 0,
    }
    text = f"{row.name}  <b>{row.text}</b>" if row.text else row.name
    name = {"text": text, "x": 0, "xanchor": "left", "font": {"color": colour("ink")}, "name": row.key}
    note = {"text": row.note, "x": 1, "xanchor": "right"}
    if lift:
        note |= {"x": 0, "xanchor": "left", "y": place - 0.02 - lift}
    return [base | words for words in (name, note) if words["text"]]
