"""Measured table → `go.Figure`: the palette, the template, and a manager's one colour everywhere.

Every figure is an ordinary one that an analyst can update. Colours are the light ones; a page swaps each for its dark
twin (`dark_twins`) when the reader's setting asks for it. Names from the CRM are escaped: plotly reads tags in texts.
"""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape as html_escape
from zlib import crc32

import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import plotly.offline

from . import units
from .registry import METRICS, column
from .texts import N_, _

# The kernel's default renderer writes charts that nbconvert's pages silently lose.
pio.renderers.default = "plotly_mimetype"

# role: (light, dark). Text on its ground passes WCAG AA in both.
THEME = {
    "bg": ("#fafaf8", "#14171a"),
    "card": ("#ffffff", "#1b1f23"),
    "ink": ("#1d2329", "#e6e8ea"),
    "dim": ("#5d676e", "#a0a9b0"),
    "line": ("#e2e5e7", "#2d343a"),
    "accent": ("#1f5fa8", "#6ea8ea"),
    "soft": ("#e6edf5", "#243140"),
    "good": ("#0b7268", "#58c2b2"),
    "bad": ("#b4412f", "#f0907c"),
    "hot": ("#fff4dc", "#3a301a"),
    "hotline": ("#d9a33a", "#a8843a"),
}

# Ten hues told apart by readers with any colour vision, also by lightness; beyond ten the marker's shape helps.
PALETTE = (
    ("#3b6fb6", "#7eabe6"),
    ("#d07a1f", "#eaa453"),
    ("#1f9488", "#55c7b9"),
    ("#b8517c", "#e48fb4"),
    ("#7d8a2a", "#b9c55f"),
    ("#6a5fb0", "#aba1e8"),
    ("#9c5a2e", "#d49a70"),
    ("#4b93b8", "#8ac9e8"),
    ("#8a2f4f", "#d98aa3"),
    ("#3c7d4a", "#83cc93"),
)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "x", "star", "hexagon")
DASHES = ("solid", "dash", "dot", "dashdot")
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif'
SIZES = {"week": N_("week"), "month": N_("month"), "quarter": N_("quarter"), "year": N_("year")}
MEASURES = (
    "won_money", "won", "created", "average_check", "conversion", "win_rate", "lost", "in_work", "repeat_share",
)  # fmt: skip
MOST_ROWS = 20
MOST_PANES = 24

_order: tuple[str, ...] = ()


def colour(role: str) -> str:
    """The light colour of a role of THEME."""
    return THEME[role][0]


def use_managers(ids: Iterable[str]) -> None:
    """From now on managers are coloured by their place among all of these: the same in every chart and report."""
    global _order
    # Portals number people upwards: in this order a newcomer changes nobody's colour.
    _order = tuple(sorted({str(each) for each in ids if each}, key=lambda each: (len(each), each)))


def place_of(manager_id: object) -> int:
    """The manager's place among all managers; one who is not among them gets a place that never changes."""
    name = str(manager_id)
    return _order.index(name) if name in _order else crc32(name.encode())


def hue_of(manager_id: object) -> int:
    """Which hue of the palette is this manager's."""
    return place_of(manager_id) % len(PALETTE)


def colour_of(manager_id: object) -> str:
    """The manager's colour, in every chart, table and report."""
    return PALETTE[hue_of(manager_id)][0]


def look_of(manager_id: object) -> str:
    """The manager's colour and shape as classes of a style sheet: "m3 s0"."""
    return f"m{hue_of(manager_id)} s{place_of(manager_id) // len(PALETTE) % 3}"


def symbol_of(manager_id: object) -> str:
    """The manager's marker, which tells apart two who share a hue."""
    return SYMBOLS[place_of(manager_id) // len(PALETTE) % len(SYMBOLS)]


def _dash_of(manager_id: object) -> str:
    return DASHES[place_of(manager_id) // len(PALETTE) % len(DASHES)]


def dark_twins() -> dict[str, str]:
    """Every light colour and its dark twin, for a page that swaps them."""
    return dict(THEME.values()) | dict(PALETTE)


def script() -> str:
    """plotly.js as the installed plotly package ships it, as `window.Plotly`."""
    return plotly.offline.get_plotlyjs()


def css_variables(*, dark: bool = False) -> str:
    """The palette for a style sheet: --ink: …; --m0: …"""
    which = int(dark)
    roles = [f"--{role}:{pair[which]}" for role, pair in THEME.items()]
    return ";".join([*roles, *(f"--m{place}:{pair[which]}" for place, pair in enumerate(PALETTE))])


def escape(text: object, *, most: int = 60) -> str:
    """A text from the CRM as plotly may show it: no tags, no line breaks, not longer than `most`."""
    plain = " ".join(str(text).split())
    plain = plain if len(plain) <= most else plain[: most - 1].rstrip() + "…"
    # A hover template would read %{…} and $$…$$ (TeX) in a name as instructions.
    return html_escape(plain, quote=False).replace("%{", "%&#8203;{").replace("$", "&#36;")


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
            "hoverlabel": {"bgcolor": colour("card"), "bordercolor": colour("line"), "align": "left",
                           "font": {"color": colour("ink"), "size": 13, "family": FONT}},
            "uniformtext": {"minsize": 10, "mode": "hide"},
            "legend": {"orientation": "h", "x": 1, "xanchor": "right", "y": 1.02, "yanchor": "bottom"},
            "bargap": 0.35,
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": colour("dim"), "activecolor": colour("accent")},
        }
    )  # fmt: skip


pio.templates["crm"] = _template()
pio.templates.default = "crm"


def _figure(traces: Iterable[object] = (), *, height: int, **layout: object) -> go.Figure:
    decimal = units.decimal_sign()
    return go.Figure(list(traces)).update_layout(height=height, separators=decimal + units.SPACE, **layout)


def _nothing(text: str = "") -> go.Figure:
    note = {"text": text or _("Nothing in this period"), "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}
    hidden = {"visible": False}
    return _figure(height=120, xaxis=hidden, yaxis=hidden, annotations=[note | {"showarrow": False}])


def _wrapped(text: str) -> str:
    return "<br>".join(html_escape(line, quote=False) for line in textwrap.wrap(text, 58))


def hover(row: Mapping[str, object], name: str) -> str:
    """One metric of a row as a tooltip says it: title, value, k of n, what it was before."""
    entry = column(name)
    lines = [f"{escape(entry.title)}: <b>{units.write(row.get(name), entry.unit)}</b>"]
    lines += [units.k_of_n(row.get(f"{name}_k"), row.get(f"{name}_n"))]
    before = row.get(f"{name}_previous")
    if not units.is_missing(before):
        said = _("before: {value}", value=units.write(before, entry.unit))
        lines += [" ".join(filter(None, [said, units.change(row.get(f"{name}_change"))]))]
    return "<br>".join(filter(None, lines))


def _formula(name: str) -> str:
    said = column(name).formula
    return f"<br><i>{_wrapped(said)}</i>" if said else ""


def _template_for(name: str) -> str:
    return f"%{{customdata}}{_formula(name)}<extra></extra>"


def _numbers(values: Iterable[object], scale: float = 1) -> list[float | None]:
    return [None if units.is_missing(value) else float(value) / scale for value in values]


def _visible(table: pd.DataFrame) -> pd.DataFrame:
    """The rows without the totals row."""
    return table[~table["is_total"].astype(bool)] if "is_total" in table else table


def _records(table: pd.DataFrame) -> list[dict[str, object]]:
    return table.to_dict("records")


# ── Over time ────────────────────────────────────────────────────────────────────────────────────────────────────────


def measures_in(table: pd.DataFrame, *, most: int = 7) -> list[str]:
    """The metrics a reader can pick from: the usual ones first, then whatever else the table measures."""
    known = [name for name in MEASURES if name in table]
    return [*known, *(name for name in table.columns if name in METRICS and name not in known)][:most]


def dynamics(table: pd.DataFrame, *, metrics: Sequence[str] = (), before: str = "") -> go.Figure:
    """Bars per period with the comparison as a tick across each; the reader picks period size and metric.

    The running period is paler. Values are in the unit that the axis names ("M ₽"). `before` names the comparison.
    """
    names = list(metrics) or measures_in(table)
    sizes = [size for size in SIZES if (table["size"] == size).any()]
    if not names or not sizes:
        return _nothing()
    cuts = {size: table[table["size"] == size] for size in sizes}
    chosen = _usual_size(cuts)
    views = {name: _view(cuts, name, chosen) for name in names}
    figure = _figure(
        (
            trace
            for place, size in enumerate(sizes)
            for trace in _period_traces(cuts[size], views[names[0]], size, 2 * place, size == chosen)
        ),
        height=380, barmode="overlay", xaxis=_ticks(cuts[chosen], chosen), annotations=[_axis_note(views[names[0]])],
        margin={"t": 84, "r": 26}, yaxis={"tickformat": ",~f"},
        updatemenus=[menu for menu in (_size_menu(cuts, chosen), _metric_menu(views)) if len(menu["buttons"]) > 1],
    )  # fmt: skip
    if any(f"{name}_previous" in table for name in names):
        figure.add_scatter(
            x=[None], y=[None], mode="lines", line={"color": colour("ink"), "width": 2}, name=before or _("before")
        )
    return figure.update_layout(showlegend=len(figure.data) > 2 * len(sizes))


def _usual_size(cuts: Mapping[str, pd.DataFrame]) -> str:
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
        return ", ".join(filter(None, [escape(column(self.name).title), self.axis.title]))


def _view(cuts: Mapping[str, pd.DataFrame], name: str, chosen: str) -> _View:
    unit = column(name).unit
    axis = units.axis(unit, cuts[chosen][name])
    values, texts, hovers = [], [], []
    for size, cut in cuts.items():
        before = cut.get(f"{name}_previous", pd.Series([None] * len(cut)))
        label = [units.write(value, unit, form="axis") for value in cut[name]] if len(cut) <= 16 else [""] * len(cut)
        values += [_numbers(cut[name], axis.scale), _numbers(before, axis.scale)]
        texts += [["" if text == units.MISSING else text for text in label], []]
        hovers += [[_period_hover(row, size, name) for row in _records(cut)], []]
    return _View(name, axis, values, texts, hovers)


def _period_hover(row: Mapping[str, object], size: str, name: str) -> str:
    running = f" · {_('still running')}" if row.get("is_running") else ""
    return f"<b>{units.period(size, row['start'])}</b>{running}<br>{hover(row, name)}"


def _period_traces(cut: pd.DataFrame, view: _View, size: str, at: int, shown: bool) -> list[object]:
    place = list(range(len(cut)))
    running = cut.get("is_running", pd.Series([False] * len(cut))).astype(bool)
    bars = go.Bar(
        x=place, y=view.values[at], text=view.texts[at], customdata=view.hovers[at], visible=shown, name="",
        hovertemplate=_template_for(view.name), textposition="outside", cliponaxis=False, showlegend=False,
        marker={"color": colour("accent"), "opacity": [0.5 if each else 1 for each in running], "cornerradius": 3},
        textfont={"color": colour("ink")}, meta=size,
    )  # fmt: skip
    ticks = go.Scatter(
        x=place, y=view.values[at + 1], mode="markers", marker={"size": 1, "color": colour("ink")}, visible=shown,
        error_x={"type": "constant", "value": 0.42, "thickness": 2, "width": 0, "color": colour("ink")},
        hoverinfo="skip", showlegend=False, meta=size,
    )  # fmt: skip
    return [bars, ticks]


def _ticks(cut: pd.DataFrame, size: str) -> dict[str, object]:
    """At most a dozen labels; the year stands under the first period of each year; the running period has a star."""
    step = -(-len(cut) // 12)
    shown = list(range(len(cut)))[::-step][::-1]  # counted from the end, which is the period that runs
    texts, year = [], None
    for row in _records(cut.iloc[shown]):
        day = units.as_date(row["start"])
        star = "*" if row.get("is_running") else ""
        below = f"<br>{day.year}" if size != "year" and day.year != year else ""
        texts, year = [*texts, f"{units.period(size, day, form='axis')}{star}{below}"], day.year
    return {"tickvals": shown, "ticktext": texts, "range": [-0.6, len(cut) - 0.4], "ticklabeloverflow": "allow"}


def _axis_note(view: _View) -> dict[str, object]:
    place = {"xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "bottom", "yshift": 6}
    return {"text": view.title, "showarrow": False, **place}


def _segments(buttons: Sequence[object], *, active: int, y: float, label: str) -> dict[str, object]:
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


def _size_menu(cuts: Mapping[str, pd.DataFrame], chosen: str) -> dict[str, object]:
    buttons = []
    for size, cut in cuts.items():
        shown = [each == size for each in cuts for _twice in range(2)]
        ticks = {f"xaxis.{key}": value for key, value in _ticks(cut, size).items()}
        # The traces' numbers are named: a trace that someone adds, and the legend's line, stay as they are.
        buttons.append(_button(_(SIZES[size]), {"visible": shown}, ticks, 2 * len(cuts)))
    return _segments(buttons, active=list(cuts).index(chosen), y=1.23, label=_("Period size"))


def _metric_menu(views: Mapping[str, _View]) -> dict[str, object]:
    buttons = []
    for view in views.values():
        data = {"y": view.values, "text": view.texts, "customdata": view.hovers}
        data["hovertemplate"] = [_template_for(view.name)] * len(view.values)
        layout = {"annotations[0].text": view.title, "yaxis.autorange": True}
        buttons.append(_button(escape(column(view.name).title), data, layout, len(view.values)))
    return _segments(buttons, active=0, y=1.11, label=_("Metric"))


def _button(label: str, data: object, layout: object, traces: int) -> dict[str, object]:
    return {"label": label, "method": "update", "args": [data, layout, list(range(traces))]}


def lines(table: pd.DataFrame, *, y: str, x: str = "start", by: str = "") -> go.Figure:
    """A line per value of `by` over time, each in its colour, its name at the end of the line."""
    table = _visible(table)
    if table.empty:
        return _nothing()
    axis = units.axis(column(y).unit, table[y])
    groups = list(table.groupby(f"{by}_id" if f"{by}_id" in table else by, sort=False)) if by else [("", table)]
    figure = _figure(height=380, margin={"r": 90 if by else 8}, showlegend=False, annotations=[_title_note(y, axis)])
    for place, (key, rows) in enumerate(groups):
        figure.add_trace(_line(rows, key, place, x=x, y=y, by=by, axis=axis))
    return figure


def _title_note(name: str, axis: units.Axis) -> dict[str, object]:
    return _axis_note(_View(name, axis, [], [], []))


def _line(rows: pd.DataFrame, key: object, place: int, *, x: str, y: str, by: str, axis: units.Axis) -> go.Scatter:
    name = escape(rows[by].iloc[0], most=24) if by else ""
    hue = colour_of(key) if by == "manager" else PALETTE[place % len(PALETTE)][0] if by else colour("accent")
    ends = [""] * (len(rows) - 1) + [f" {name}"]
    said = [f"<b>{name}</b><br>{escape(row[x])}<br>{hover(row, y)}" for row in _records(rows)]
    return go.Scatter(
        x=list(rows[x]), y=_numbers(rows[y], axis.scale), mode="lines+text", text=ends, textposition="middle right",
        textfont={"color": hue}, line={"color": hue, "width": 2, "dash": _dash_of(key) if by == "manager" else "solid"},
        name=name, customdata=said, hovertemplate=_template_for(y), cliponaxis=False,
    )  # fmt: skip


def small_multiples(
    table: pd.DataFrame, *, by: str, y: str = "", metrics: Sequence[str] = (), x: str = "start", size: str = "month"
) -> go.Figure:
    """A small chart per value of `by`, all on one scale; with `metrics` the reader picks which number is drawn."""
    names = list(dict.fromkeys([*([y] if y else []), *metrics])) or measures_in(table)
    table = _visible(table)
    table = table[table["size"] == size] if "size" in table else table
    if table.empty or not names:
        return _nothing()
    groups = _largest_groups(table, by, names[0])
    figure = _figure(height=_panes_height(len(groups), 4), showlegend=False, margin={"l": 0, "r": 0, "t": 36, "b": 4})
    axes = {name: units.axis(column(name).unit, table[name]) for name in names}
    for place, (key, rows) in enumerate(groups):
        _add_pane(figure, place, key, rows, by=by, x=x, name=names[0], axis=axes[names[0]], size=size)
    menu = [_pane_menu([rows for _key, rows in groups], axes, by, size)] if len(names) > 1 else []
    figure.update_layout(updatemenus=menu, meta={"panes": len(groups)}, **_domains(len(groups), 4))
    return figure


def _largest_groups(table: pd.DataFrame, by: str, name: str) -> list[tuple[object, pd.DataFrame]]:
    key = f"{by}_id" if f"{by}_id" in table else by
    groups = list(table.groupby(key, sort=False))
    groups.sort(key=lambda group: -float(group[1][name].sum()))
    return groups[:MOST_PANES]


def _panes_height(count: int, columns: int) -> int:
    return 40 + 118 * -(-count // columns)


def _domains(count: int, columns: int) -> dict[str, object]:
    """Where each pane's axes lie, row by row; a page lays them out anew on a narrow screen."""
    rows = -(-count // columns)
    wide, high = 1 / columns, 1 / rows
    layout: dict[str, object] = {}
    for place in range(count):
        row, col = divmod(place, columns)
        name = "" if place == 0 else str(place + 1)
        layout[f"xaxis{name}_domain"] = [col * wide, (col + 1) * wide - (0.03 if col < columns - 1 else 0)]
        layout[f"yaxis{name}_domain"] = [1 - (row + 1) * high + 0.12 * high, 1 - row * high - 0.26 * high]
    return layout


def _add_pane(
    figure: go.Figure, place: int, key: object, rows: pd.DataFrame, *,
    by: str, x: str, name: str, axis: units.Axis, size: str,
) -> None:  # fmt: skip
    number = "" if place == 0 else str(place + 1)
    hue = colour_of(key) if by == "manager" else colour("accent")
    figure.add_scatter(
        x=list(range(len(rows))), y=_numbers(rows[name], axis.scale), xaxis=f"x{number}", yaxis=f"y{number}",
        mode="lines", line={"color": hue, "width": 2}, customdata=_pane_hovers(rows, name, by, size), name="",
        hovertemplate=_template_for(name), fill="tozeroy", fillcolor=_pale(hue), cliponaxis=False,
    )  # fmt: skip
    quiet = {"showgrid": False, "showticklabels": False, "fixedrange": True}
    figure.layout[f"xaxis{number}"] = quiet | {"showline": True, "anchor": f"y{number}"}
    figure.layout[f"yaxis{number}"] = quiet | {"anchor": f"x{number}"} | ({"matches": "y"} if place else {})
    corner = {"xref": f"x{number} domain", "yref": f"y{number} domain", "yanchor": "bottom", "y": 1, "showarrow": False}
    who = f'<span style="color:{hue}">●</span> {escape(rows[by].iloc[0], most=20)}'
    figure.add_annotation(text=who, x=0, xanchor="left", font_color=colour("ink"), **corner)
    figure.add_annotation(text=_latest(rows, name), x=1, xanchor="right", font_color=colour("ink"), **corner)


def _latest(rows: pd.DataFrame, name: str) -> str:
    return f"<b>{units.write(rows[name].iloc[-1], column(name).unit, form='axis')}</b>"


def _pale(hue: str) -> str:
    red, green, blue = (int(hue[place : place + 2], 16) for place in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.12)"


def _pane_hovers(rows: pd.DataFrame, name: str, by: str, size: str) -> list[str]:
    who = escape(rows[by].iloc[0])
    return [f"<b>{who}</b> · {units.period(size, row['start'])}<br>{hover(row, name)}" for row in _records(rows)]


def _pane_menu(groups: Sequence[pd.DataFrame], axes: Mapping[str, units.Axis], by: str, size: str) -> dict[str, object]:
    buttons = []
    for name, axis in axes.items():
        data = {
            "y": [_numbers(rows[name], axis.scale) for rows in groups],
            "customdata": [_pane_hovers(rows, name, by, size) for rows in groups],
            "hovertemplate": [_template_for(name)] * len(groups),
        }
        title = ", ".join(filter(None, [escape(column(name).title), axis.title]))
        latest = {f"annotations[{2 * place + 1}].text": _latest(rows, name) for place, rows in enumerate(groups)}
        buttons.append(_button(title, data, latest | {"yaxis.autorange": True}, len(groups)))
    return _segments(buttons, active=0, y=1.02, label=_("Metric"))


# ── One value per name ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Row:
    """A bar with its name above it on the left and a note above it on the right: fits a phone whatever the name."""

    name: str
    value: float | None
    text: str
    note: str
    hover: str
    colour: str


def bars(table: pd.DataFrame, *, x: str, y: str) -> go.Figure:
    """A bar per value of `x`, as long as the metric `y`, with k of n for a rate; managers in their colours."""
    rows = _visible(table)
    if rows.empty:
        return _nothing()
    axis = units.axis(column(y).unit, rows[y])
    rest = len(rows) - MOST_ROWS
    figure = _rows_figure([_bar_row(row, x, y, axis) for row in _records(rows[:MOST_ROWS])], formula=_formula(y))
    if rest > 0:
        more = _("and {n} more in the table", n=rest)
        place = {"xref": "paper", "yref": "paper", "x": 0, "y": 0, "xanchor": "left", "yanchor": "top"}
        figure.add_annotation(text=more, showarrow=False, **place).update_layout(margin_b=26)
    return figure


def _bar_row(row: Mapping[str, object], x: str, y: str, axis: units.Axis) -> _Row:
    unit = column(y).unit
    value = _numbers([row[y]], axis.scale)[0]
    hue = colour_of(row[f"{x}_id"]) if x == "manager" and f"{x}_id" in row else colour("accent")
    note = units.k_of_n(row.get(f"{y}_k"), row.get(f"{y}_n"))
    said = f"<b>{escape(row[x])}</b><br>{hover(row, y)}"
    text = units.write(row[y], unit, form="tile")
    return _Row(escape(row[x], most=30), value, text, note, said, hue)


def funnel(table: pd.DataFrame) -> go.Figure:
    """A bar per stage (deals of the period that came as far), the step conversion beside it, the narrowest marked."""
    if table.empty:
        return _nothing()
    length = "cohort_reached" if "cohort_reached" in table else "reached"
    rows: list[_Row] = []
    pipelines = [
        each for _name, each in table.groupby("pipeline_id" if "pipeline_id" in table else "pipeline", sort=False)
    ]
    for pipeline in pipelines:
        if len(pipelines) > 1:
            rows.append(_Row(f"<b>{escape(pipeline['pipeline'].iloc[0])}</b>", None, "", "", "", colour("accent")))
        stages = _records(pipeline.sort_values("position") if "position" in pipeline else pipeline)
        rows += [_stage_row(row, before, length) for row, before in zip(stages, [{}, *stages], strict=False)]
    return _rows_figure(rows, formula=_formula("stage_conversion"), track=True)


def _stage_row(row: Mapping[str, object], before: Mapping[str, object], length: str) -> _Row:
    """A stage and the step into it."""
    count = units.write(row[length], "count")
    hovers = [f"<b>{escape(row['stage'])}</b>"]
    hovers += [hover(row, name) for name in ("cohort_reached", "reached", "visited") if name in row]
    if before:
        hovers += ["<br>" + _("step from {stage}", stage=escape(before["stage"])), hover(before, "stage_conversion")]
    note = _step_note(before) if before else ""
    return _Row(
        escape(row["stage"], most=24), _numbers([row[length]])[0], count, note, "<br>".join(hovers), colour("accent")
    )


def _step_note(before: Mapping[str, object]) -> str:
    rate = units.write(before.get("stage_conversion"), "share")
    k, n = before.get("stage_conversion_k"), before.get("stage_conversion_n")
    said = " · ".join(filter(None, [f"<b>{rate}</b>", units.k_of_n(k, n)]))
    if before.get("is_narrowest"):
        return f'<span style="color:{colour("bad")}">{said} · ▼ {_("narrowest")}</span>'
    return said if units.is_few(n) or rate == units.MISSING else f'<span style="color:{colour("ink")}">{said}</span>'


def _rows_figure(rows: Sequence[_Row], *, formula: str, track: bool = False) -> go.Figure:
    place = list(range(len(rows)))
    values = [row.value for row in rows]
    top = max((abs(value) for value in values if value is not None), default=0) or 1
    low = min([0, *(value for value in values if value is not None)])
    bar = go.Bar(
        x=values, y=place, width=0.36, offset=0, orientation="h", customdata=[row.hover for row in rows],
        marker={"color": [row.colour for row in rows], "cornerradius": 3},
        hovertemplate=f"%{{customdata}}{formula}<extra></extra>",
    )  # fmt: skip
    back = go.Bar(
        x=[None if value is None else top for value in values], y=place, width=0.36, offset=0, orientation="h",
        marker={"color": colour("soft"), "cornerradius": 3}, hoverinfo="skip",
    )  # fmt: skip
    return _figure(
        [back, bar] if track else [bar], height=12 + 50 * len(rows), barmode="overlay", showlegend=False,
        xaxis={"visible": False, "range": [low, top], "fixedrange": True}, margin={"l": 0, "r": 0, "t": 4, "b": 4},
        yaxis={"visible": False, "range": [len(rows) - 0.5, -0.5], "fixedrange": True},
        annotations=[note for at, row in enumerate(rows) for note in _row_notes(at, row)],
    )  # fmt: skip


def _row_notes(at: int, row: _Row) -> list[dict[str, object]]:
    # A heading has no bar beneath it and stands closer to its own rows.
    base = {
        "showarrow": False,
        "y": at - 0.02 if row.text else at + 0.42,
        "yanchor": "bottom",
        "xref": "paper",
        "borderpad": 0,
    }
    said = f"{row.name}  <b>{row.text}</b>" if row.text else row.name
    name = {"text": said, "x": 0, "xanchor": "left", "font": {"color": colour("ink")}}
    note = {"text": row.note, "x": 1, "xanchor": "right"}
    return [base | each for each in (name, note) if each["text"]]


# ── Two values per name ──────────────────────────────────────────────────────────────────────────────────────────────


def scatter(table: pd.DataFrame, *, x: str, y: str, name: str = "manager") -> go.Figure:
    """A labelled point per manager, medians of both numbers as cross lines."""
    rows = _visible(table)
    rows = rows[rows[x].notna() & rows[y].notna()]
    if rows.empty:
        return _nothing()
    across, up = (units.axis(column(each).unit, rows[each]) for each in (x, y))
    points = list(zip(_numbers(rows[x], across.scale), _numbers(rows[y], up.scale), strict=True))
    names = [_short_name(each) for each in rows[name]]
    ids = list(rows.get(f"{name}_id", rows[name]))
    places = _label_places(points, names)
    trace = go.Scatter(
        x=[point[0] for point in points], y=[point[1] for point in points], mode="markers+text",
        text=[escape(each) if place else "" for each, place in zip(names, places, strict=True)],
        textposition=[place or "top center" for place in places], textfont={"color": colour("ink"), "size": 12},
        marker={"color": [colour_of(id) for id in ids], "symbol": [symbol_of(id) for id in ids], "size": 11},
        customdata=[f"<b>{escape(row[name])}</b><br>{hover(row, x)}<br>{hover(row, y)}" for row in _records(rows)],
        hovertemplate=f"%{{customdata}}{_formula(x)}<extra></extra>", cliponaxis=False, showlegend=False,
    )  # fmt: skip
    return _crossed(trace, points, x, y, across, up)


def _crossed(
    trace: go.Scatter, points: Sequence[tuple], x: str, y: str, across: units.Axis, up: units.Axis
) -> go.Figure:
    middle = pd.DataFrame(points).median()
    line = {"color": colour("dim"), "width": 1, "dash": "dot"}
    figure = _figure([trace], height=460, margin={"t": 34, "r": 24}, annotations=[_title_note(y, up)])
    below = ", ".join(filter(None, [escape(column(x).title), across.title]))
    figure.update_xaxes(title_text=below, rangemode="tozero", tickformat=",~f")
    figure.update_yaxes(tickformat=",~f")
    note = {"annotation_text": _("median"), "annotation_font_size": 11}
    note["annotation_position"] = "bottom right"
    return figure.add_vline(x=middle[0], line=line, **note).add_hline(y=middle[1], line=line, **note)


def _short_name(name: object) -> str:
    """«Иванов Иван» as «Иванов И.»: what fits beside a point."""
    words = str(name).split()
    return f"{words[0][:16]} {words[1][0]}." if len(words) > 1 else str(name)[:18]


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


# ── In a line of text ────────────────────────────────────────────────────────────────────────────────────────────────


def sparkline(values: Sequence[object], *, width: int = 108, height: int = 26) -> str:
    """A line as long as a word, as inline SVG; empty when there is too little to draw."""
    known = [(place, float(value)) for place, value in enumerate(values) if not units.is_missing(value)]
    if len(known) < 2:
        return ""
    low, high = min(value for _place, value in known), max(value for _place, value in known)
    step, span = (width - 6) / max(len(values) - 1, 1), (high - low) or 1
    points = [(3 + step * place, height - 4 - (height - 8) * (value - low) / span) for place, value in known]
    path = " L".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    return (
        f'<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="M{path}"/><path class="end" d="M{x:.1f},{y:.1f}h0"/></svg>'
    )
