"""What a period will bring as one stacked bar with its range, and what past forecasts said beside what came."""

from collections.abc import Mapping, Sequence

import pandas as pd
import plotly.graph_objects as go

from ..store.columns import records
from ..words import units
from ..words.texts import N_, _
from .figure import Trace, axis_note, button, chart, escape, figure_of, nothing, segments, trace
from .palette import colour

STRENGTH = {"won": 1.0, "likely": 0.5, "fresh": 0.22}
LOOKED_FROM = {"start": N_("from its start"), "middle": N_("from its middle"), "week": N_("a week before its end")}
Rows = Sequence[Mapping[str, object]]


@chart
def forecast(table: pd.DataFrame) -> go.Figure:
    """Won, likely and yet to come one after another, the range below them, the plan as a mark across where there is one."""
    if table.empty:
        return nothing()
    rows, total = records(table[~table["is_total"]]), records(table[table["is_total"]])[0]
    plan = total.get("plan")
    ends = [total["forecast_high"], total["expected_money"], *([] if units.is_missing(plan) else [plan])]
    axis = units.axis("money", ends)
    traces = [_part(row, rows[:place], axis.scale) for place, row in enumerate(rows)]
    return figure_of(
        [*traces, _range(total, axis.scale)],
        height=190,
        barmode="overlay",
        margin={"l": 8, "r": 16, "t": 44, "b": 8},
        showlegend=True,
        xaxis={
            "range": [0, max(map(float, ends)) / axis.scale * 1.06],
            "tickformat": ",~f",
            "title": {"text": axis.title},
        },
        yaxis={"visible": False, "range": [-0.9, 0.6], "fixedrange": True},
        **({} if units.is_missing(plan) else _plan(float(plan), axis.scale)),
    )


def _part(row: Mapping[str, object], before: Rows, scale: float) -> Trace:
    text = f"{escape(row['forecast_part'])}: {units.money(row['expected_money'])}"
    return trace(
        "bar",
        x=[float(row["expected_money"]) / scale], y=[0], base=[sum(float(other["expected_money"]) for other in before) / scale],
        orientation="h", width=0.7, name=text, customdata=[text], hovertemplate="%{customdata}<extra></extra>",
        marker={"color": colour("accent")}, opacity=STRENGTH[str(row["part"])],  # the trace's: the legend has it, too
    )  # fmt: skip


def _range(total: Mapping[str, object], scale: float) -> Trace:
    low, middle, high = (float(total[name]) for name in ("forecast_low", "expected_money", "forecast_high"))
    text = _("four times in five {low} to {high}", low=units.money(low), high=units.money(high))
    return trace(
        "scatter",
        x=[middle / scale], y=[-0.6], mode="markers", name=text, customdata=[text], hovertemplate="%{customdata}<extra></extra>",
        marker={"color": colour("ink"), "size": 9, "symbol": "diamond"},
        error_x={
            "type": "data", "symmetric": False, "array": [(high - middle) / scale], "arrayminus": [(middle - low) / scale],
            "color": colour("ink"), "thickness": 2, "width": 6,
        },
    )  # fmt: skip


def _plan(plan: float, scale: float) -> dict[str, object]:
    line = {"type": "line", "x0": plan / scale, "x1": plan / scale, "y0": 0, "y1": 1, "yref": "y domain"}
    words = {"text": _("plan {plan}", plan=units.money(plan)), "showarrow": False, "font": {"color": colour("bad")}}
    place = {"x": plan / scale, "y": 1, "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
    return {
        "shapes": [line | {"line": {"color": colour("bad"), "width": 2, "dash": "dash"}}],
        "annotations": [words | place],
    }


@chart
def backtest(table: pd.DataFrame) -> go.Figure:
    """Per month the forecast with its range and what came; the reader picks from when it was made."""
    kinds = [kind for kind in LOOKED_FROM if (table.get("looked_from_id") == kind).any()] if len(table) else []
    if not kinds:
        return nothing()
    axis = units.axis("money", table["forecast_high"])
    cuts = {kind: records(table[table["looked_from_id"] == kind]) for kind in kinds}
    chosen = "middle" if "middle" in cuts else kinds[0]
    traces = [each | {"visible": kind == chosen} for kind, rows in cuts.items() for each in _months(rows, axis.scale)]
    buttons = [_pick(kind, kinds) for kind in kinds]
    menu = segments(buttons, active=kinds.index(chosen), y=1.14, label=_("Looked from"))
    return figure_of(
        traces,
        height=360,
        margin={"t": 84, "r": 16},
        annotations=[axis_note(axis.title)],
        yaxis={"tickformat": ",~f"},
        updatemenus=[menu] if len(buttons) > 1 else [],
    )


def _pick(kind: str, kinds: Sequence[str]) -> dict[str, object]:
    visible = [other == kind for other in kinds for _twice in range(2)]
    return button(_(LOOKED_FROM[kind]), {"visible": visible}, {}, len(visible))


def _months(rows: Rows, scale: float) -> list[Trace]:
    """The range of each month's forecast, and what came as a point: full where the range holds it, else open."""
    months = [
        units.period("month", row["start"], form="axis") + f"<br>{units.as_date(row['start']).year}" for row in rows
    ]
    middle, came = ([float(row[name]) / scale for row in rows] for name in ("forecast", "came"))
    low, high = ([float(row[f"forecast_{end}"]) / scale for row in rows] for end in ("low", "high"))
    hovers = [_hover(row) for row in rows]
    common = {"x": months, "mode": "markers", "customdata": hovers, "hovertemplate": "%{customdata}<extra></extra>"}
    error = {
        "type": "data", "symmetric": False, "array": [top - mid for top, mid in zip(high, middle, strict=True)],
        "arrayminus": [mid - foot for mid, foot in zip(middle, low, strict=True)], "color": colour("dim"), "thickness": 2, "width": 5,
    }  # fmt: skip
    symbols = ["circle" if row["is_inside"] else "circle-open" for row in rows]
    ranges = trace("scatter", y=middle, name=_("forecast, with its range"), error_y=error, **common)
    facts = trace("scatter", y=came, name=_("came"), **common)
    ranges["marker"] = {"color": colour("dim"), "size": 8, "symbol": "diamond"}
    facts["marker"] = {"color": colour("accent"), "size": 11, "symbol": symbols, "line": {"width": 2}}
    return [ranges, facts]


def _hover(row: Mapping[str, object]) -> str:
    words = {name: units.money(row[key]) for name, key in (("low", "forecast_low"), ("high", "forecast_high"))}
    lines = [
        f"<b>{units.period('month', row['start'])}</b>",
        _("forecast {money}, {low} to {high}", money=units.money(row["forecast"]), **words),
        _("came: {money}", money=units.money(row["came"])),
    ]
    return "<br>".join(lines)
