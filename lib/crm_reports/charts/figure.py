"""What every figure is made of: our template, escaped texts, tooltips, the buttons that a page makes real."""

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache, wraps
from html import escape as html_escape
from typing import Any, TypeVar, cast

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import plotly.offline

from ..errors import MetricError, near
from ..metrics.registry import METRICS, column
from ..words import units
from ..words.texts import _
from .palette import PALETTE, colour

# The kernel's default renderer writes charts that nbconvert's pages silently lose.
pio.renderers.default = "plotly_mimetype"


FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'

MEASURES = (
    "won_money", "won", "created", "average_check", "conversion", "win_rate", "lost", "in_work", "repeat_share",
)  # fmt: skip


def script() -> str:
    """plotly.js as the installed plotly package ships it, as `window.Plotly`."""
    return plotly.offline.get_plotlyjs()


def script_version() -> str:
    """The version of plotly.js that our figures are drawn for."""
    return plotly.offline.get_plotlyjs_version()


def escape(text: object, *, most: int = 60) -> str:
    """A text from the CRM as plotly may show it: no tags, no line breaks, not longer than `most`."""
    return _escaped(str(text), most)


@lru_cache(4096)
def _escaped(text: str, most: int) -> str:
    plain = " ".join(text.split())
    plain = plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"
    # A hover template would read %{…} and $$…$$ (TeX) in a name as instructions.
    return html_escape(plain, quote=False).replace("%{", "%&#8203;{").replace("$", "&#36;")


def short_name(name: object) -> str:
    """«Иванов Иван» as «Иванов И.»: what fits beside a point or over a small chart."""
    words = str(name).split()
    return f"{words[0][:16]} {words[1][0]}." if len(words) > 1 else str(name)[:18]


def _template() -> go.layout.Template:
    axis = {
        "automargin": True, "title": {"font": {"size": 13}}, "zeroline": False, "ticks": "",
        "gridcolor": colour("line"), "linecolor": colour("line"),
    }  # fmt: skip
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": colour("dim")},
            "title": {"font": {"size": 18, "color": colour("ink")}, "x": 0, "xanchor": "left", "automargin": True},
            "colorway": [light for light, _dark in PALETTE],
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 8, "r": 8, "t": 28, "b": 8},
            "xaxis": axis | {"showgrid": False},
            "yaxis": axis | {"rangemode": "tozero"},
            "hoverlabel": {
                "bgcolor": colour("card"),
                "bordercolor": colour("line"),
                "align": "left",
                "font": {"color": colour("ink"), "size": 13, "family": FONT},
            },
            "uniformtext": {"minsize": 10, "mode": "hide"},
            "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
            "bargap": 0.35,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colour("dim"), "activecolor": colour("accent")},
        }
    )


pio.templates["crm"] = _template()
pio.templates.default = "crm"


Trace = dict[str, object]


Draw = TypeVar("Draw", bound=Callable[..., go.Figure])


def chart(draw: Draw) -> Draw:
    """Decorate what draws a table: a column that the table has not is refused in a sentence with those that it has."""

    @wraps(draw)
    def drawn(table: pd.DataFrame, *args: Any, **kwargs: Any) -> go.Figure:
        try:
            return draw(table, *args, **kwargs)
        except KeyError as error:
            if (name := str(error.args[0])) in table:
                raise
            columns = [str(column) for column in table]
            close = ", ".join(near(name, columns) or columns)
            words = {"chart": draw.__name__, "name": name, "close": close}
            raise MetricError(_("the table for crm.{chart} has no column {name!r}; near: {close}", **words)) from error

    return cast(Draw, drawn)


def trace(kind: str, **properties: object) -> Trace:
    """A trace as plotly.js takes it: {"type": "bar", "x": …}."""
    return {"type": kind, **properties}


def figure_of(traces: Iterable[Trace] = (), *, height: int, **layout: object) -> go.Figure:
    """The traces as a figure in our look.

    plotly.py looks up every property of every trace before it takes it, which is half of a chart's time. Ours are looked up
    once, by the tests; whatever is changed later must be a property that there is.
    """
    whole = {"height": height, "separators": units.decimal_sign() + units.SPACE, **layout}
    return go.Figure({"data": list(traces), "layout": whole}, _validate=False)


def nothing(text: str = "") -> go.Figure:
    """A figure that says why it is empty."""
    note = {"text": text or _("Nothing in this period"), "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    hidden = {"visible": False}
    return figure_of(height=120, xaxis=hidden, yaxis=hidden, annotations=[note | {"showarrow": False}])


def hover(row: Mapping[str, object], name: str) -> str:
    """One metric of a row as a tooltip says it: title, value, k of n, what it was before."""
    entry = column(name)
    lines = [f"{escape(entry.title)}: <b>{units.write(row.get(name), entry.unit)}</b>"]
    lines += [units.k_of_n(row.get(f"{name}_k"), row.get(f"{name}_n"))]
    before = row.get(f"{name}_previous")
    if not units.is_missing(before):
        comparison = _("before: {value}", value=units.write(before, entry.unit))
        lines += [" ".join(filter(None, [comparison, units.change(row.get(f"{name}_change"))]))]
    return "<br>".join(filter(None, lines))


def formula_of(name: str) -> str:
    """How the metric is computed, as the last lines of a tooltip; "" for a column that is no metric."""
    lines = textwrap.wrap(column(name).formula, 58)
    return f"<br><i>{'<br>'.join(html_escape(line, quote=False) for line in lines)}</i>" if lines else ""


def hover_template(name: str) -> str:
    """What plotly shows of a point: its own text, and under it how the metric is computed."""
    return f"%{{customdata}}{formula_of(name)}<extra></extra>"


# Of whom or of when a point is, which its `hovertext` says of every metric alike, over its own text.
OF_WHAT = "%{hovertext}<br>"


def key_of(row: Mapping[str, object], dimension: str) -> str:
    """By what a page knows whom a bar or a point is of; "" for a row without an id.

    A trace's `meta` has these keys, or the one of all its points; the layout's `meta` says of what: {"cuts": "manager"}, or
    "" where each key says so itself, as "stage:NEW". The name over a bar or a pane has its key as its `name`.
    """
    id = row.get(dimension if dimension == "loss_reason" else f"{dimension}_id")  # a reason is known by its text alone
    return "" if units.is_missing(id) else str(id)


def numbers(values: Iterable[object], scale: float = 1) -> list[float | None]:
    """The values as plotly draws them: in units of `scale` to the millionth, None where one is missing."""
    return [None if units.is_missing(value) else round(float(value) / scale, 6) for value in values]


def measures_in(table: pd.DataFrame, *, most: int = 7) -> list[str]:
    """The metrics a reader can pick from: the usual ones first, then whatever else the table measures."""
    usual = [name for name in MEASURES if name in table]
    return [*usual, *(name for name in table.columns if name in METRICS and name not in usual)][:most]


def axis_title(name: str, axis: units.Axis) -> str:
    """What an axis says: the metric and what its numbers are in, "Won money, M ₽"."""
    return ", ".join(filter(None, [escape(column(name).title), axis.title]))


def axis_note(title: str) -> dict[str, object]:
    """The axis's title, above the plot on the left: it takes no width from a phone."""
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 6}
    return {"text": title, "showarrow": False, **place}


def segments(buttons: Sequence[object], *, active: int, y: float, label: str) -> dict[str, object]:
    """A row of buttons of which one is pressed."""
    # A page draws these as real buttons; JupyterLab shows plotly's own.
    look = {"bgcolor": colour("card"), "bordercolor": colour("line"), "font": {"size": 12}, "showactive": True}
    place = {"x": 0, "xanchor": "left", "y": y, "yanchor": "bottom", "pad": {"t": 0, "b": 0}}
    return {
        "type": "buttons",
        "direction": "right",
        "buttons": buttons,
        "active": active,
        "name": label,
        **look,
        **place,
    }


def button(label: str, data: object, layout: object, traces: int) -> dict[str, object]:
    """A button that changes the first `traces` traces, and the layout."""
    return {"label": label, "method": "update", "args": [data, layout, list(range(traces))]}
