"""What a notebook's cells show: header, tiles, charts, tables, verdicts, glossary. The only room that displays.

Every element is one display that carries its numbers (for JSON and workbook), its HTML fragment (for the page and
JupyterLab) and, for a chart, the figure. Fragments are jinja templates in template/, which escape whatever they get.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pandas as pd
from IPython.display import display
from markupsafe import Markup

from .. import charts
from ..charts import go
from ..elements import Element, Entry, entry_of
from ..measures.idle import idle, telling
from ..metrics import registry
from ..metrics.registry import METRICS, column, on_day
from ..store.columns import records
from ..words import context, units
from ..words.texts import N_, _, language, many
from . import behind, cells, lab, matrix, plain, tables
from .mime import ELEMENT, FIGURE, ROWS
from .templates import fragment, read

HERE = "<!--figure-->"  # where a page puts the figure's JSON; escaped text can't contain it

# What a tile's number is made of: what its deals count in, else the element that shows more of it.
BEHIND = {
    "deals:created": ("created", "created_money", "cohort_conversion", "cohort_lost", "cohort_open"),
    "deals:won": (
        "won", "won_money", "average_check", "median_check", "cycle_days", "median_cycle_days", "conversion", "win_rate",
        "repeat_share", "new_customers", "repeat_customers", "customers", "zero_money_wins",
    ),
    "deals:lost": ("lost", "lost_money", "lost_share"),
    "deals:in_work": ("in_work", "in_work_money", "days_in_current_stage", "days_silent"),
    "deals:forgotten": ("forgotten", "forgotten_share", "forgotten_money", "money_at_risk"),
    "deals:without_step": ("no_next_step",), "deals:overdue": ("next_step_overdue",),
    "element:activity": ("actions", "activity_index"), "element:sources": ("leads_received", "lead_conversion"),
    "element:leads": ("leads_forgotten", "leads_in_work"),
}  # fmt: skip
LEADS_TO = {metric: link for link, metrics in BEHIND.items() for metric in metrics}


def use(ds: Any) -> None:
    """From now on write money, instants and managers' colours as this dataset has them, and say what it lacks."""
    context.use(dataset=ds, metrics=(), shown=())
    units.use(currency=ds.currency or "", zone=ds.filters.zone, as_of=ds.filters.as_of)
    charts.use_managers(ds.names.managers.index, ds.filters.ids("manager"))


def forget() -> None:
    """No dataset is shown now: money, instants and colours are nobody's."""
    context.use(**{**vars(context.Report()), "language": language()})


def header(ds: Any, *, report: str = "") -> None:
    """Show what the report is about: what is in and out, how many deals that leaves, from when, what to know first."""
    use(ds)
    words = [{"label": label, "text": text, "narrows": narrows} for label, text, narrows in ds.filters.words()]
    notes = [_note(note) for note in (*ds.quality, *getattr(ds, "warnings", ()))]
    remarks = many("{n} remark on the data", "{n} remarks on the data", len(notes))
    about = {
        "report": report, "filters": ds.filters.as_json(), "words": words, "as_of": plain.value(ds.filters.as_of),
        "synced_at": plain.value(ds.synced_at), "made_at": plain.value(datetime.now(UTC)), "currency": ds.currency,
        "quality": notes, "holes": list(ds.holes), "kept": int(ds.size), "total": int(ds.total),
        "portal_url": cells.web_address(ds.portal_url),
    }  # fmt: skip
    receipt = getattr(ds, "receipt", None)
    standing = ds.lacks["outcomes"] if getattr(ds.filters, "is_about_standing", False) else ""
    in_json = receipt and {key: plain.value(value) if key == "at" else value for key, value in receipt.items()}
    _emit(
        {"id": "header", "kind": "header", "title": "", **about, "receipt": in_json, "language": language()},
        fragment("header", **about, receipt=receipt, remarks=remarks, idle=_idle(ds), standing=standing, css=_css()),
    )


def _idle(ds: Any) -> str:
    """What the page says once where nothing happened in its period."""
    return idle(ds) if hasattr(ds, "memo") else ""


def _note(note: Any) -> dict[str, Any]:
    fields = note if isinstance(note, Mapping) else vars(note)
    return {key: plain.value(fields.get(key)) for key in ("code", "count", "text")}


def _tiles(table: pd.DataFrame) -> Markup:
    """One tile per row: number, change, the last periods as a line, the deals behind it one click away."""
    rows = [tile(row) for row in records(table)]
    return fragment("tiles", tiles=rows, columns=_columns_for(len(rows)))


def _columns_for(count: int) -> int:
    """How many tiles stand side by side on a laptop: at most six, rows about even."""
    return -(-count // -(-count // 6)) if count else 1


def tile(row: Mapping[str, Any]) -> dict[str, Any]:
    """How one number is said on a tile: number, unit, change and whether that is good, line, what it is of."""
    entry = column(row["metric"])
    number, unit = units.parts(row["value"], entry.unit)
    before = row.get("previous")
    return {
        "metric": entry.name, "value": plain.value(row["value"]), "title": entry.title, "number": number, "unit": unit,
        "change": cells.tile_change(row, entry.unit),
        "verdict": cells.tile_verdict(row, entry.good), "tip": cells.explained(entry),
        "before": "" if units.is_missing(before) else units.write(before, entry.unit, form="tile"),
        "spark": Markup(charts.sparkline(row.get("spark") or [])), "few": units.is_few(row.get("n")), "blank": units.is_missing(row["value"]),
        "note": row.get("note") or units.k_of_n(row.get("k"), row.get("n")),
        "link": LEADS_TO.get(entry.name, ""),
    }  # fmt: skip


Finding = str | Callable[[pd.DataFrame], str]


def show(
    what: Element | pd.DataFrame | go.Figure | None, id: str = "", *, data: pd.DataFrame | None = None, title: str = "",
    finding: Finding = "", sub: str = "", note: str = "", missing: str = "",
) -> None:  # fmt: skip
    """Show an element of the reports; or a table, or a chart with its `data` beneath, of your own under the `id` you give.

    `finding` is the heading, a sentence or what makes one of the table; `note` follows the usual words under it.
    `missing` says why there is nothing to show; a table of numbers that the source can't give says so by itself.
    """
    element = what if isinstance(what, Element) else _own(what, id, data, missing)
    if element.entry.compares and getattr(getattr(element.ds, "filters", None), "is_about_one", False):
        return  # one manager: there is nobody beside him
    if element.entry.is_optional and element.missing:
        return  # what the company did not ask for is not missed
    words = {"title": title or element.title, "finding": _finding(element, finding), "missing": element.missing}
    words["sub"] = " ".join(filter(None, [sub or _(element.entry.measured), note, element.note]))
    is_idle = not element.missing and bool(_idle(element.ds))
    if is_idle and telling(element.table).empty:
        words |= {"finding": "", "sub": _("Nothing in this period")}
        left_out = len(element.table)
        _show_element(element.entry, _kind(element), element.table, body="", left_out=left_out, is_idle=True, **words)
    elif element.missing or what is None:
        _show_element(element.entry, _kind(element), pd.DataFrame(), body="", **words)
    elif element.figure is not None:
        if not element.entry.rows_elsewhere:
            _remember(element, element.table)
        _show_chart(element, words)
    else:
        drawn = telling(element.table) if is_idle else element.table
        _remember(element, drawn)
        body, left_out = _body(element, drawn, words), len(element.table) - len(drawn)
        _show_element(element.entry, _kind(element), element.table, body=Markup(body), left_out=left_out, **words)


def _own(what: pd.DataFrame | go.Figure | None, id: str, data: pd.DataFrame | None, missing: str) -> Element:
    """An element of a table or figure that somebody made."""
    is_chart = isinstance(what, go.Figure)
    table = data if is_chart else what
    entry = replace(entry_of(id), chart=(lambda: what) if is_chart else None, sentences={})
    return Element(entry, context.current().dataset, pd.DataFrame() if table is None else table, missing)


def _kind(element: Element) -> str:
    return "chart" if element.is_chart else "tiles" if element.entry.drawn == "tiles" else "table"


def _finding(element: Element, own: Finding) -> str:
    # Without the data a computed sentence would be a guess.
    if element.missing or not own:
        return element.finding
    return own if isinstance(own, str) else own(element.table)


def _remember(element: Element, drawn: pd.DataFrame) -> None:
    """The element, for the rows behind its numbers."""
    shown = behind.Shown(element.entry.id, drawn, is_matrix=element.entry.matrix is not None)
    others = (each for each in context.current().shown if each.id != shown.id)  # one that is shown again is shown once
    context.use(shown=(*others, shown))


def _show_chart(element: Element, words: Mapping[str, str]) -> None:
    figure, heading = element.figure, words["finding"] or words["title"]
    frame = pd.DataFrame() if element.entry.rows_elsewhere else element.table
    rows = Markup(tables.table(frame, caption=heading, is_closed=True)) if len(frame.columns) else ""
    body = fragment("chart", id=element.entry.id, rows=rows, here=Markup(HERE), height=figure.layout.height or 420,
                     label=heading, notes=element.dated_notes)  # fmt: skip
    figure_json = _figure_json(figure)
    if not figure.layout.title.text:
        figure_json = lab.alone(figure_json, heading)
    _show_element(element.entry, "chart", frame, body=body, figure=figure_json, **words)


def _body(element: Element, table: pd.DataFrame, words: Mapping[str, str]) -> str:
    """A table as it is drawn: as tiles, as sentences that lead somewhere, with a column per stage, or row by row."""
    entry, heading = element.entry, words["finding"] or words["title"]
    if entry.drawn == "tiles":
        return _tiles(table)
    if entry.drawn == "needs":
        return fragment("needs", rows=records(table), is_whole=not element.note)
    if entry.matrix is not None:
        return matrix.matrix(table, caption=heading, **entry.matrix)
    return tables.table(table, caption=heading)


def verdict(text: str, *, id: str = "verdict") -> None:
    """Show a computed sentence of its own."""
    _emit({"id": id, "kind": "text", "title": text}, fragment("verdict", text=text))


def glossary(ds: Any) -> None:
    """Show what every number of the page means, in the order in which the page used them; with it go the rows behind them."""
    entries = [column(name) for name in context.current().metrics]
    rows = [
        {"name": entry.name, "title": entry.title, "text": entry.meaning, "formula": entry.formula} for entry in entries
    ]
    frame = pd.DataFrame(rows, columns=["name", "title", "text", "formula"])
    entry = Entry("glossary", N_("What the words mean"), N_("Every number of this page, in the order it appears."))
    words = {"title": _(entry.title), "sub": _(entry.measured)}
    told = behind.told(ds, context.current().shown) if hasattr(ds, "memo") else {}
    more = {ROWS: told} if told else {}
    _show_element(entry, "glossary", frame, body=fragment("glossary", entries=entries), more=more, **words)


# ── The display ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _show_element(
    entry: Entry, kind: str, frame: pd.DataFrame, *, body: str, figure: dict[str, Any] | None = None,
    title: str, finding: str = "", sub: str = "", missing: str = "", is_idle: bool = False,
    left_out: int = 0, more: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    words = {"title": title, "finding": finding, "sub": sub, "missing": missing}
    entries = _entries(frame)
    html = fragment(
        "element", id=entry.id, kind=kind, body=body, entries=entries, is_idle=is_idle, left_out=left_out, **words
    )
    metrics = [
        {"name": metric.name, "title": metric.title, "unit": metric.unit, "good": metric.good} for metric in entries
    ]
    numbers = {"columns": plain.columns_of(frame), "rows": plain.rows_of(frame), "metrics": metrics}
    numbers |= {"idle": True} if is_idle else {}
    _emit({"id": entry.id, "kind": kind, **words, **numbers}, html, {FIGURE: figure} if figure is not None else more)


def _emit(element: Mapping[str, Any], html: str, more: Mapping[str, Any] | None = None) -> None:
    bundle = {ELEMENT: element, "text/html": html, "text/plain": f"{element['kind']} {element['id']}", **(more or {})}
    display(bundle, raw=True)


def _figure_json(figure: go.Figure) -> dict[str, Any]:
    """The figure as plotly.js takes it; its own way copies every number three times (a test names what is used here)."""
    try:
        whole = {"data": figure._data, "layout": figure._layout}
        text = figure.to_json() if figure.frames else json.dumps(whole, allow_nan=False)
    except (TypeError, ValueError):  # what plotly alone can write: an analyst's arrays, instants, gaps
        text = figure.to_json()
    return json.loads(text)


def _entries(frame: pd.DataFrame) -> list[Any]:
    """The glossary entries behind a frame's numbers: its columns, or the metrics that its rows name."""
    if "metric" in frame:
        return [on_day(column(name)) for name in dict.fromkeys(frame["metric"])]
    return [entry for entry in registry.columns_of(frame) if entry.name in METRICS]


@cache
def css() -> str:
    """The style of every element, all of it under .crm, in the reader's light or dark."""
    light, dark = charts.css_variables(), charts.css_variables(dark=True)
    hues = "".join(f".crm .m{place}{{--hue:var(--m{place})}}" for place in range(len(charts.PALETTE)))
    variables = f".crm{{{light}}}@media(prefers-color-scheme:dark){{.crm{{{dark}}}}}@media print{{.crm{{{light}}}}}"
    return variables + hues + read("elements.css")


def _css() -> Markup:
    return Markup(lab.style(css()))
