"""Numbers over time, with the comparison: the reader picks period size and metric."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

from ..filters import periods
from ..metrics.registry import column
from ..store.columns import records
from ..words import units
from ..words.texts import N_, _
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
    trace,
)
from .palette import colour

Rows = Sequence[Mapping[str, object]]
SIZES = {"week": N_("week"), "month": N_("month"), "quarter": N_("quarter"), "year": N_("year")}


@chart
def dynamics(table: pd.DataFrame, *, metrics: Sequence[str] = (), before: str = "") -> go.Figure:
    """Bars per period with the comparison as a tick across each; the reader picks period size and metric.

    The report's period has the full colour (`is_in_period`), the running one is paler. Values are in the unit that the axis names ("M ₽"). `before` names the comparison.
    """
    names = list(metrics) or measures_in(table)
    sizes = [size for size in SIZES if (table["size"] == size).any()]
    if not names or not sizes:
        return nothing()
    rows = records(table)
    cuts = {size: [row for row in rows if row["size"] == size] for size in sizes}
    chosen = _usual_size(cuts)
    views = {name: _view(cuts, name, chosen) for name in names}
    traces: list[Trace] = []
    for place, size in enumerate(sizes):
        traces += _period_traces(cuts[size], views[names[0]], size, 2 * place, size == chosen)
    if any(f"{name}_previous" in table for name in names):
        traces.append(_comparison(before))
    return figure_of(
        traces,
        height=380,
        barmode="overlay",
        xaxis=_ticks(cuts[chosen], chosen),
        annotations=[axis_note(views[names[0]].title)],
        yaxis={"tickformat": ",~f"},
        showlegend=len(traces) > 2 * len(sizes),
        margin={"t": 84 if len(names) > 1 or len(sizes) > 1 else 34, "r": 26},
        meta={"periods": {size: _periods(cuts[size], size) for size in sizes}},
        updatemenus=[menu for menu in (_size_menu(cuts, chosen), _metric_menu(views)) if len(menu["buttons"]) > 1],
    )


def _comparison(before: str) -> Trace:
    """What the legend says of the ticks."""
    line = {"color": colour("ink"), "width": 2}
    return trace("scatter", x=[None], y=[None], mode="lines", line=line, name=before or _("before"))


def _usual_size(cuts: Mapping[str, Rows]) -> str:
    """The size that gives a readable number of bars, months if they do."""
    readable = [size for size in ("month", "quarter", "week", "year") if 3 <= len(cuts.get(size, ())) <= 24]
    return readable[0] if readable else max(cuts, key=lambda size: -abs(len(cuts[size]) - 12))


@dataclass(frozen=True)
class _View:
    """One metric on all period sizes: what a metric button puts into the traces, two per size."""

    name: str
    axis: units.Axis
    values: list[list[float | None]]
    texts: list[list[str]]
    hovers: list[list[str]]

    @property
    def title(self) -> str:
        return axis_title(self.name, self.axis)


def _view(cuts: Mapping[str, Rows], name: str, chosen: str) -> _View:
    unit = column(name).unit
    axis = units.axis(unit, [row[name] for row in cuts[chosen]])
    values, texts, hovers = [], [], []
    for cut in cuts.values():
        now, before = ([row.get(key) for row in cut] for key in (name, f"{name}_previous"))
        label = [units.write(value, unit, form="axis") for value in now]
        values += [numbers(now, axis.scale), numbers(before, axis.scale)]
        is_few = len(cut) <= MOST_LABELS
        texts += [
            [
                text if text != units.MISSING and (is_few or _is_meant(row)) else ""
                for text, row in zip(label, cut, strict=True)
            ],
            [],
        ]
        hovers += [[hover(row, name) for row in cut], []]
    return _View(name, axis, values, texts, hovers)


MOST_LABELS = 16  # bars that all carry their number; of more only those of the period


def _is_meant(row: Mapping[str, object]) -> bool:
    """Whether the report's period is, or holds, this one; where nobody says, all are."""
    return bool(row.get("is_in_period", True))


def _strength(row: Mapping[str, object]) -> float:
    """How strong a bar's colour is: the period's full, one that still runs paler."""
    return 0.3 if not _is_meant(row) else 0.5 if row.get("is_running") else 1


def _periods(cut: Rows, size: str) -> dict[str, list[str]]:
    """What the bars of one size are called, on the axis and in a sentence, and how each is typed as a report's period."""
    stars = ["*" if row.get("is_running") else "" for row in cut]
    labels = [f"{units.period(size, row['start'], form='axis')}{star}" for row, star in zip(cut, stars, strict=True)]
    names = [units.period(size, row["start"]) for row in cut]
    return {"labels": labels, "names": names, "asks": [periods.label(units.as_date(row["start"]), size) for row in cut]}


def _in_words(row: Mapping[str, object], size: str) -> str:
    running = f" · {_('still running')}" if row.get("is_running") else ""
    return f"<b>{units.period(size, row['start'])}</b>{running}"


def _period_traces(cut: Rows, view: _View, size: str, number: int, is_visible: bool) -> list[Trace]:
    places = list(range(len(cut)))
    bars = trace(
        "bar",
        x=places, y=view.values[number], ids=[str(row["start"]) for row in cut], text=view.texts[number], customdata=view.hovers[number], visible=is_visible, name="",
        hovertext=[_in_words(row, size) for row in cut], hovertemplate=OF_WHAT + hover_template(view.name), textposition="outside" if sum(map(_is_meant, cut)) <= MOST_LABELS else "none", cliponaxis=False, showlegend=False,
        marker={"color": colour("accent"), "opacity": [_strength(row) for row in cut], "cornerradius": 3},
        textfont={"color": colour("ink")}, meta=size,
    )  # fmt: skip
    ticks = trace(
        "scatter",
        x=places,
        y=view.values[number + 1],
        mode="markers",
        marker={"size": 1, "color": colour("ink")},
        visible=is_visible,
        error_x={"type": "constant", "value": 0.42, "thickness": 2, "width": 0, "color": colour("ink")},
        hoverinfo="skip",
        showlegend=False,
        meta=size,
    )
    return [bars, ticks]


def _ticks(cut: Rows, size: str) -> dict[str, object]:
    """At most a dozen labels; the year stands under the first period of each year; the running period has a star."""
    step = -(-len(cut) // 12)
    places = list(range(len(cut)))[::-step][::-1]  # counted from the end, which is the period that runs
    texts, year = [], None
    for row in (cut[place] for place in places):
        day = units.as_date(row["start"])
        star = "*" if row.get("is_running") else ""
        year_line = f"<br>{day.year}" if size != "year" and day.year != year else ""
        texts, year = [*texts, f"{units.period(size, day, form='axis')}{star}{year_line}"], day.year
    return {"tickvals": places, "ticktext": texts, "range": [-0.6, len(cut) - 0.4], "ticklabeloverflow": "allow"}


def _size_menu(cuts: Mapping[str, Rows], chosen: str) -> dict[str, object]:
    buttons = []
    for size, cut in cuts.items():
        visibility = [other == size for other in cuts for _twice in range(2)]
        ticks = {f"xaxis.{key}": value for key, value in _ticks(cut, size).items()}
        # The traces' numbers are named: a trace that someone adds, and the legend's line, stay as they are.
        buttons.append(button(_(SIZES[size]), {"visible": visibility}, ticks, 2 * len(cuts)))
    return segments(buttons, active=list(cuts).index(chosen), y=1.23, label=_("Period size"))


def _metric_menu(views: Mapping[str, _View]) -> dict[str, object]:
    buttons = []
    for view in views.values():
        data = {"y": view.values, "text": view.texts, "customdata": view.hovers}
        data["hovertemplate"] = [OF_WHAT + hover_template(view.name)] * len(view.values)
        layout = {"annotations[0].text": view.title, "yaxis.autorange": True}
        buttons.append(button(escape(column(view.name).title), data, layout, len(view.values)))
    return segments(buttons, active=0, y=1.11, label=_("Metric"))
