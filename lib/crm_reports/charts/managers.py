"""Managers beside each other over time, each in their colour."""

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from ..measures.totals import without_total
from ..metrics.registry import column
from ..store.columns import records
from ..words import units
from ..words.texts import _
from .figure import (
    OF_WHAT,
    Trace,
    axis_note,
    axis_title,
    button,
    chart,
    escape,
    figure_of,
    hover,
    hover_template,
    measures_in,
    nothing,
    numbers,
    segments,
    short_name,
    trace,
)
from .palette import PALETTE, colour, colour_of, dash_of, place_of, symbol_of

MOST_PANES = 24
MARKS = ("●", "■", "◆")  # as the dots in tables


@chart
def lines(table: pd.DataFrame, *, y: str, x: str = "start", by: str = "") -> go.Figure:
    """A line per value of `by` over time, each in its colour, its name at the end of the line."""
    table = without_total(table)
    if table.empty:
        return nothing()
    axis = units.axis(column(y).unit, table[y])
    groups = list(table.groupby(f"{by}_id" if f"{by}_id" in table else by, sort=False)) if by else [("", table)]
    figure = figure_of(
        height=380,
        margin={"r": 90 if by else 8},
        showlegend=False,
        annotations=[axis_note(axis_title(y, axis))],
        meta={"cuts": by},
    )
    for place, (key, rows) in enumerate(groups):
        figure.add_trace(_line(rows, key, place, x=x, y=y, by=by, axis=axis))
    return figure


def _line(rows: pd.DataFrame, key: object, place: int, *, x: str, y: str, by: str, axis: units.Axis) -> Trace:
    name = escape(rows[by].iloc[0], most=24) if by else ""
    hue = colour_of(key) if by == "manager" else PALETTE[place % len(PALETTE)][0] if by else colour("accent")
    ends = [""] * (len(rows) - 1) + [f" {name}"]
    tooltips = [f"<b>{name}</b><br>{escape(row[x])}<br>{hover(row, y)}" for row in records(rows)]
    return trace(
        "scatter",
        x=list(rows[x]), y=numbers(rows[y], axis.scale), mode="lines+text", text=ends, textposition="middle right",
        textfont={"color": hue}, line={"color": hue, "width": 2, "dash": dash_of(key) if by == "manager" else "solid"},
        name=name, customdata=tooltips, hovertemplate=hover_template(y), cliponaxis=False, meta=str(key),
    )  # fmt: skip


@chart
def small_multiples(
    table: pd.DataFrame, *, by: str, y: str = "", metrics: Sequence[str] = (), x: str = "start", size: str = "month"
) -> go.Figure:
    """A small chart per value of `by`, all on one scale; with `metrics` the reader picks which number is drawn."""
    names = list(dict.fromkeys([*([y] if y else []), *metrics])) or measures_in(table)
    table = without_total(table)
    table = table[table["size"] == size] if "size" in table else table
    if table.empty or not names:
        return nothing()
    groups = _largest_groups(table, by, names[0])
    axes = {name: units.axis(column(name).unit, table[name]) for name in names}
    lines = [
        _pane_line(place, key, rows, by=by, name=names[0], axis=axes[names[0]], size=size)
        for place, (key, rows) in enumerate(groups)
    ]
    notes = [note for place, (key, rows) in enumerate(groups) for note in _pane_notes(place, key, rows, by, names[0])]
    menu = [_pane_menu([rows for _key, rows in groups], axes)] if len(names) > 1 else []
    return figure_of(
        lines,
        height=40 + 118 * -(-len(groups) // 4),
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 36, "b": 4},
        annotations=notes,
        updatemenus=menu,
        meta={"panes": len(groups), "cuts": by},
        **_pane_axes(len(groups), 4),
    )


Rows = list[dict[str, object]]


def _largest_groups(table: pd.DataFrame, by: str, name: str) -> list[tuple[object, Rows]]:
    """The rows of each value of `by`: where the number is largest in all first."""
    key = f"{by}_id" if f"{by}_id" in table else by
    groups = list(table.groupby(key, sort=False))
    groups.sort(key=lambda group: -float(group[1][name].sum()))
    return [(key, records(rows)) for key, rows in groups[:MOST_PANES]]


def _pane_axes(count: int, columns: int) -> dict[str, object]:
    """Each pane's axes and where they lie, row by row; a page lays them out anew on a narrow screen."""
    rows = -(-count // columns)
    wide, high = 1 / columns, 1 / rows
    quiet = {"showgrid": False, "showticklabels": False, "fixedrange": True}
    layout: dict[str, object] = {}
    for place in range(count):
        row, col = divmod(place, columns)
        name = "" if place == 0 else str(place + 1)
        x_domain = [col * wide, (col + 1) * wide - (0.03 if col < columns - 1 else 0)]
        y_domain = [1 - (row + 1) * high + 0.12 * high, 1 - row * high - 0.26 * high]
        layout[f"xaxis{name}"] = quiet | {"showline": True, "anchor": f"y{name}", "domain": x_domain}
        layout[f"yaxis{name}"] = (
            quiet | {"anchor": f"x{name}", "domain": y_domain} | ({"matches": "y"} if place else {})
        )
    return layout


def _pane_line(
    place: int, key: object, rows: Rows, *, by: str, name: str, axis: units.Axis, size: str
) -> dict[str, object]:
    number = "" if place == 0 else str(place + 1)
    hue = _pane_hue(key, by)
    return {
        "type": "scatter", "x": list(range(len(rows))), "y": _numbers(rows, name, axis),
        "xaxis": f"x{number}", "yaxis": f"y{number}", "mode": "lines", "line": {"color": hue, "width": 2},
        "hovertext": _of_whom_and_when(rows[0][by], (row["start"] for row in rows), size), "name": "",
        "customdata": [hover(row, name) for row in rows], "hovertemplate": OF_WHAT + hover_template(name),
        "fill": "tozeroy", "fillcolor": pale(hue), "cliponaxis": False, "meta": str(key),
        "ids": [str(units.as_date(row["start"])) for row in rows],
    }  # fmt: skip


def _pane_hue(key: object, by: str) -> str:
    return colour_of(key) if by == "manager" else colour("accent")


def _pane_notes(place: int, key: object, rows: Rows, by: str, name: str) -> list[dict[str, object]]:
    """Over the pane: whose it is on the left, the last number on the right."""
    number = "" if place == 0 else str(place + 1)
    corner = {"xref": f"x{number} domain", "yref": f"y{number} domain", "yanchor": "bottom", "y": 1, "showarrow": False}
    corner["font"] = {"color": colour("ink")}
    mark = MARKS[place_of(key) // len(PALETTE) % len(MARKS)] if by == "manager" else MARKS[0]
    title = f'<span style="color:{_pane_hue(key, by)}">{mark}</span> {escape(short_name(rows[0][by]))}'
    return [
        corner | {"text": title, "x": 0, "xanchor": "left", "name": str(key)},
        corner | {"text": _latest(rows, name), "x": 1, "xanchor": "right"},
    ]


def _numbers(rows: Rows, name: str, axis: units.Axis) -> list[float | None]:
    return numbers((row[name] for row in rows), axis.scale)


def _latest(rows: Rows, name: str) -> str:
    # A period that still runs would look like a fall.
    complete = [row for row in rows if not row.get("is_running")]
    last = (complete or rows)[-1][name]
    return f"<b>{units.write(last, column(name).unit, form='axis')}</b>"


def pale(hue: str) -> str:
    """The colour as the ground beneath its own line."""
    red, green, blue = (int(hue[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"


def _of_whom_and_when(name: object, starts: Iterable[object], size: str) -> list[str]:
    return [f"<b>{escape(name)}</b> · {units.period(size, start)}" for start in starts]


def _pane_menu(groups: Sequence[Rows], axes: Mapping[str, units.Axis]) -> dict[str, object]:
    buttons = []
    for name, axis in axes.items():
        data = {
            "y": [_numbers(rows, name, axis) for rows in groups],
            "customdata": [[hover(row, name) for row in rows] for rows in groups],
            "hovertemplate": [OF_WHAT + hover_template(name)] * len(groups),
        }
        title = axis_title(name, axis)
        latest = {f"annotations[{2 * place + 1}].text": _latest(rows, name) for place, rows in enumerate(groups)}
        buttons.append(button(title, data, latest | {"yaxis.autorange": True}, len(groups)))
    return segments(buttons, active=0, y=1.02, label=_("Metric"))


# ── Picked ones in one chart ─────────────────────────────────────────────────────────────────────────────────────────


@chart
def compared(table: pd.DataFrame, *, metrics: Sequence[str] = (), size: str = "month", shown: int = 3) -> go.Figure:
    """A line per manager in one chart; the reader picks whom and which metric. At first the `shown` largest are drawn.

    Two who share a hue differ in dash and marker, and every line carries its name at its end.
    """
    names = list(metrics) or measures_in(table)
    table = without_total(table)
    if table.empty or not names:
        return nothing()
    starts = sorted(set(table["start"]))
    groups = _largest_groups(table, "manager", names[0])
    axes = {name: units.axis(column(name).unit, table[name]) for name in names}
    views = {name: [_series(rows, name, axes[name], starts) for _id, rows in groups] for name in names}
    lines = [
        _compared_line(key, rows, view, place < shown)
        | {"hovertext": _of_whom_and_when(rows[0]["manager"], starts, size)}
        for place, ((key, rows), view) in enumerate(zip(groups, views[names[0]], strict=True))
    ]
    lines[0]["ids"] = [str(units.as_date(start)) for start in starts]
    return figure_of(
        lines, height=400, margin={"t": 60, "r": 110}, showlegend=True, meta={"people": True, "cuts": "manager"},
        annotations=[axis_note(axis_title(names[0], axes[names[0]]))], yaxis={"tickformat": ",~f"},
        xaxis=_month_ticks(starts, size), hovermode="closest", updatemenus=[_compared_menu(views, axes)] if len(names) > 1 else [],
        legend={"y": -0.12, "yanchor": "top", "x": 0, "xanchor": "left"},
    )  # fmt: skip


def _series(rows: Rows, name: str, axis: units.Axis, starts: Sequence[object]) -> dict[str, list]:
    """One manager's numbers on the common days: where nothing was measured there is a gap."""
    by_start = {row["start"]: row for row in rows}
    cut_rows = [by_start.get(start, {}) for start in starts]
    tooltips = [hover(row, name) if row else "" for row in cut_rows]
    return {"y": numbers([row.get(name) for row in cut_rows], axis.scale), "tooltips": tooltips}


def _compared_line(key: object, rows: Rows, view: dict[str, list], is_shown: bool) -> Trace:
    hue, name = colour_of(key), escape(rows[0]["manager"], most=24)
    last = max((place for place, value in enumerate(view["y"]) if value is not None), default=0)
    ends = [f"  {name}" if place == last else "" for place in range(len(view["y"]))]
    return trace(
        "scatter",
        x=list(range(len(view["y"]))), y=view["y"], mode="lines+markers+text", text=ends, textposition="middle right",
        textfont={"color": hue}, line={"color": hue, "width": 2.5, "dash": dash_of(key)}, name=name, meta=str(key),
        marker={"symbol": symbol_of(key), "size": 7, "color": hue}, visible=True if is_shown else "legendonly",
        customdata=view["tooltips"], hovertemplate=f"{OF_WHAT}%{{customdata}}<extra></extra>", cliponaxis=False, connectgaps=False,
    )  # fmt: skip


def _month_ticks(starts: Sequence[object], size: str) -> dict[str, object]:
    places = list(range(len(starts)))[:: -(-len(starts) // 12) or 1]
    texts, year = [], None
    for place in places:
        day = units.as_date(starts[place])
        texts.append(units.period(size, day, form="axis") + (f"<br>{day.year}" if day.year != year else ""))
        year = day.year
    return {"tickvals": places, "ticktext": texts, "range": [-0.3, len(starts) - 0.7]}


def _compared_menu(views: Mapping[str, list], axes: Mapping[str, units.Axis]) -> dict[str, object]:
    buttons = []
    for name, series in views.items():
        data = {"y": [line["y"] for line in series], "customdata": [line["tooltips"] for line in series]}
        layout = {"annotations[0].text": axis_title(name, axes[name]), "yaxis.autorange": True}
        buttons.append(button(escape(column(name).title), data, layout, len(series)))
    return segments(buttons, active=0, y=1.08, label=_("Metric"))
