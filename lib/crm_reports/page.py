"""What a notebook's cells show: header, tiles, charts, tables, verdicts, glossary. The only room that displays.

Every element is one display that carries its numbers (for JSON and workbook), its HTML fragment (for the page and
JupyterLab) and, for a chart, the figure. Fragments are jinja templates in template/, which escape whatever they get.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

import pandas as pd
from IPython.display import display
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from . import charts, measures, tables, units
from .charts import go
from .columns import records
from .registry import METRICS, column
from .texts import N_, _

ELEMENT = "application/vnd.crm-reports.element+json"
FIGURE = "application/vnd.plotly.v1+json"
HERE = "<!--figure-->"  # where a page puts the figure's JSON; escaped text can't contain it

# id: (title, what is measured)
ELEMENTS = {
    "tiles": (N_("In short"), ""),
    "dynamics": (N_("Over time"), N_("By the day of the event. The running period is paler and has a star.")),
    "new_repeat": (N_("New and repeat customers"), N_("Among won deals; repeat: the customer already had a won deal.")),
    "managers": (N_("Managers"), N_("Line: 95 % interval, the tick is the team. Grey: fewer than 20, do not rank.")),
    "managers_over_time": (N_("Managers over time"), N_("By month, one scale for all. The number is that of the latest full month.")),
    "funnel": (
        N_("How far deals come"),
        N_("Bars: deals created in the period, by the stage they came to. Percent: of those that reached the stage "
           "before, how many reached this one, with its 95 % interval. ▼ is the narrowest step."),
    ),
    "stage_conversion": (
        N_("From stage to stage, by manager"),
        N_("Of the deals that reached a stage in the period, how many reached the next. A skipped stage counts."),
    ),
    "narrow_places": (
        N_("What falling behind the team costs"),
        N_("Per manager and step: how many more would have gone on at the team's own rate, and what they would have "
           "brought. Fewer than 20 deals come last."),
    ),
    "managers_compared": (N_("Side by side"), N_("Pick one, two or three managers and a number.")),
    "changes": (
        N_("What changed in the pipeline"),
        N_("Money of the deals in work: what came, what left, what was repriced. It adds up to the cent. The picture "
           "begins near the stock, so lengths compare the changes only."),
    ),
    "time_in_stage": (
        N_("Time in stage"),
        N_("Visits that began in the period. Half of the deals stand there as long as the median or longer; a visit that "
           "still runs counts as longer than so far. The mean knows finished visits only."),
    ),
    "time_by_manager": (N_("Time in stage, by manager"), N_("Median days of the visits that began in the period; — while more than half of them still run.")),
    "stage_matrix": (
        N_("What stands where"), N_("Deals in work: how many, what money, how many days an ordinary one has stood there."),
    ),
    "status": (N_("Deals by status"), N_("Days: from creation to the end, or to now.")),
    "losses_by_manager": (N_("Why deals are lost, by manager"), N_("Deals lost in the period.")),
    "losses_by_stage": (N_("Where deals are lost from"), N_("The last stage of work before the loss, by reason.")),
    "loss_reasons": (N_("Why deals are lost"), N_("Deals lost in the period, by the reason the CRM keeps.")),
    "sources": (N_("Sources"), N_("Where deals came from and what became of them.")),
    "deals": (N_("Deals"), N_("The title opens the deal in the CRM.")),
    "activity": (N_("What managers do"), N_("Completed actions in the period, by who did them.")),
    "index_vs_results": (N_("Activity and results"), N_("A point per manager; dotted lines are the medians.")),
    "learn_from": (
        N_("Who could learn from whom"),
        N_("Alike in activity and unlike in money, or the reverse. A pair is worth a talk, it proves nothing."),
    ),
    "actions_over_time": (N_("Actions over time"), N_("By the day of the action. The running period is paler and has a star.")),
    "actions_by_manager": (N_("Actions per manager"), N_("By month, one scale for all. The number is that of the latest full month.")),
    "week_pattern": (N_("When people act"), N_("Completed actions of the period, in the report's time zone.")),
    "sensitivity": (
        N_("Does the ranking survive other weights?"),
        N_("Each weight is halved and raised by half; 1 is the same order. Nothing else changes."),
    ),
    "weights": (N_("What an action weighs"), N_("The weights of the activity index; they are set in reports.toml.")),
    "by_department": (N_("Forgotten, by department"), ""),
    "by_manager": (N_("Forgotten, by manager"), N_("Share: of the manager's deals in work.")),
    "by_stage": (N_("Forgotten, by stage"), N_("Share: of the deals in work on that stage.")),
    "silence": (N_("How long deals are silent"), N_("Deals in work, by days without any action.")),
    "thresholds": (N_("What the threshold does"), N_("How many deals would count as forgotten.")),
    "nights": (N_("Forgotten, week by week"), N_("As each week's night would have counted them, for the same filters.")),
    "leads": (N_("Forgotten leads"), N_("Leads in work with no action for as long.")),
    "needs_you": (N_("What needs you"), ""),
    "glossary": (N_("What the words mean"), N_("Every number of this page, in the order it appears.")),
}  # fmt: skip

# Tables with a column per stage or reason: what stands in their cells.
MATRICES: dict[str, dict[str, Any]] = {
    "stage_conversion": {},
    "time_by_manager": {"columns": ("stage",), "value": "median_stage_days"},
    "stage_matrix": {"columns": ("stage",), "value": "in_work", "details": ("in_work_money", "days_in_current_stage")},
    "losses_by_manager": {"columns": ("loss_reason",), "value": "lost"},
    "losses_by_stage": {"rows": "loss_reason", "columns": ("stage",), "value": "lost"},
}

# Elements that only compare managers with each other; a report about one manager leaves them out.
COMPARING = (
    "managers_compared", "stage_conversion", "time_by_manager", "losses_by_manager", "by_department", "by_manager",
)  # fmt: skip

# Tiles whose number is made of deals with that outcome; the page filters its deal list by it.
BEHIND = {
    "created": "", "created_money": "", "won": "won", "won_money": "won", "average_check": "won", "median_check": "won",
    "cycle_days": "won", "median_cycle_days": "won", "conversion": "won", "repeat_share": "won", "win_rate": "",
    "lost": "lost", "lost_money": "lost", "lost_share": "lost", "in_work": "open", "in_work_money": "open",
}  # fmt: skip
ELSEWHERE = {"forgotten": "report:forgotten_deals", "forgotten_money": "report:forgotten_deals"}


_shown: Any = None  # the dataset that the page is about


def use(ds: Any) -> None:
    """From now on write money, instants and managers' colours as this dataset has them, and say what it lacks."""
    global _shown
    _shown = ds
    units.use(currency=ds.currency or "", zone=ds.filters.zone)
    if (managers := getattr(ds, "managers", None)) is not None:
        charts.use_managers(managers.get("manager_id", managers.index.to_series()))


def forget() -> None:
    """No dataset is shown now: money, instants and colours are nobody's."""
    global _shown
    _shown = None
    units.use()
    charts.use_managers([])


def header(ds: Any, *, report: str = "") -> None:
    """Show what the report is about: what is in and out, how many deals that leaves, from when, what to know first."""
    use(ds)
    words = [{"label": label, "text": text, "narrows": narrows} for label, text, narrows in ds.filters.words()]
    notes = [_note(each) for each in ds.quality]
    about = {
        "report": report, "filters": ds.filters.as_json(), "words": words, "as_of": _plain(ds.filters.as_of),
        "synced_at": _plain(ds.synced_at), "made_at": _plain(datetime.now(UTC)), "currency": ds.currency,
        "quality": notes, "holes": list(ds.holes), "kept": int(ds.kept), "total": int(ds.total),
        "portal_url": tables.web_address(ds.portal_url),
    }  # fmt: skip
    _emit({"id": "header", "kind": "header", "title": "", **about}, _fragment("header", **about, css=_css()))


def _note(each: Any) -> dict[str, Any]:
    found = each if isinstance(each, Mapping) else vars(each)
    return {key: _plain(found.get(key)) for key in ("code", "count", "text")}


def show_tiles(table: pd.DataFrame, *, id: str = "tiles") -> None:
    """Show one tile per row: number, change, the last periods as a line, the deals behind it one click away."""
    rows = [_tile(row) for row in records(table)]
    _show_element(id, "tiles", table, body=_fragment("tiles", tiles=rows, columns=_columns_for(len(rows))))


def _columns_for(count: int) -> int:
    """How many tiles stand side by side on a laptop: at most six, rows about even."""
    return -(-count // -(-count // 6)) if count else 1


def _tile(row: Mapping[str, Any]) -> dict[str, Any]:
    entry = column(row["metric"])
    number, unit = units.parts(row["value"], entry.unit)
    before = row.get("previous")
    return {
        "title": entry.title, "number": number, "unit": unit, "change": units.change(row.get("change")),
        "verdict": tables.verdict_of(row.get("change"), entry.good), "tip": tables.explained(entry),
        "before": "" if units.is_missing(before) else units.write(before, entry.unit, form="tile"),
        "spark": Markup(charts.sparkline(row.get("spark") or [])), "few": units.is_few(row.get("n")),
        "note": row.get("note") or units.k_of_n(row.get("k"), row.get("n")),
        "outcome": BEHIND.get(entry.name), "link": ELSEWHERE.get(entry.name, ""),
    }  # fmt: skip


Finding = str | Callable[[pd.DataFrame], str]


def show(
    what: pd.DataFrame | go.Figure | None, id: str, *, data: pd.DataFrame | None = None, title: str = "",
    finding: Finding = "", sub: str = "", note: str = "", missing: str = "",
) -> None:  # fmt: skip
    """Show a table, or a chart with its `data` as a table beneath.

    `finding` is the heading, a sentence or what makes one of the table; `note` follows the usual words under it.
    `missing` says why there is nothing to show; a table of numbers that the source can't give says so by itself.
    """
    if id in COMPARING and len(getattr(getattr(_shown, "filters", None), "manager", ())) == 1:
        return  # one manager: there is nobody beside him
    kind = "chart" if isinstance(what, go.Figure) else "table"
    table = data if kind == "chart" else what
    missing = missing or _lacking(table)
    # Without the data a computed sentence would be a guess.
    said = "" if missing else _found(finding, table)
    words = {"title": title, "finding": said, "missing": missing, "sub": _said_below(id, sub, note)}
    if missing or what is None:
        _show_element(id, kind, pd.DataFrame(), body="", **words)
    elif isinstance(what, go.Figure):
        _show_chart(what, id, data, words)
    else:
        _show_element(id, kind, what, body=Markup(_table(what, id, words)), **words)


def _said_below(id: str, sub: str, note: str) -> str:
    usual = sub or _(ELEMENTS.get(id, ("", ""))[1])
    return " ".join(filter(None, [usual, note])) if note else sub


def _lacking(table: pd.DataFrame | None) -> str:
    """Why none of a table's numbers can be had from this source; "" when one can."""
    names = [name for name in getattr(table, "columns", ()) if name in METRICS]
    return measures.missing(_shown, *names) if names and getattr(_shown, "lacks", None) else ""


def _found(finding: Finding, table: pd.DataFrame | None) -> str:
    if isinstance(finding, str):
        return finding
    return finding(pd.DataFrame() if table is None else table)


def _show_chart(figure: go.Figure, id: str, data: pd.DataFrame | None, words: Mapping[str, str]) -> None:
    frame = pd.DataFrame() if data is None else data
    rows = Markup(tables.table(frame, caption=_heading(id, words))) if len(frame.columns) else ""
    body = _fragment("chart", id=id, rows=rows, here=Markup(HERE), height=figure.layout.height or 420,
                     label=_heading(id, words))  # fmt: skip
    drawn = _figure_json(figure)
    if not figure.layout.title.text:  # JupyterLab draws the figure alone; a page takes its heading out again
        drawn["layout"].setdefault("title", {})["text"] = charts.escape(_heading(id, words), most=110)
    _show_element(id, "chart", frame, body=body, figure=drawn, **words)


def _heading(id: str, words: Mapping[str, str]) -> str:
    return words.get("finding") or words.get("title") or _(ELEMENTS.get(id, (id,))[0])


def _table(frame: pd.DataFrame, id: str, words: Mapping[str, str]) -> str:
    if id == "needs_you":
        return _fragment("needs", rows=records(frame))
    if id in MATRICES:
        return tables.matrix(frame, caption=_heading(id, words), **MATRICES[id])
    return tables.table(frame, caption=_heading(id, words))


def verdict(text: str, *, id: str = "verdict") -> None:
    """Show a computed sentence of its own."""
    _emit({"id": id, "kind": "text", "title": text}, _fragment("verdict", text=text))


def glossary(ds: Any) -> None:
    """Show what every number of the page means, in the order in which the page used them."""
    entries = [column(name) for name in dict.fromkeys(ds.metrics_used)]
    rows = [{"name": each.name, "title": each.title, "text": each.meaning, "formula": each.formula} for each in entries]
    frame = pd.DataFrame(rows, columns=["name", "title", "text", "formula"])
    _show_element("glossary", "glossary", frame, body=_fragment("glossary", entries=entries))


# ── The display ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _show_element(
    id: str, kind: str, frame: pd.DataFrame, *, body: str, figure: dict[str, Any] | None = None,
    title: str = "", finding: str = "", sub: str = "", missing: str = "",
) -> None:  # fmt: skip
    usual, measured = ELEMENTS.get(id, (id, ""))
    words = {"title": title or _(usual), "finding": finding, "sub": sub or _(measured), "missing": missing}
    html = _fragment("element", id=id, kind=kind, body=body, entries=_entries(frame), **words)
    measured = [
        {"name": each.name, "title": each.title, "unit": each.unit, "good": each.good} for each in _entries(frame)
    ]
    element = {
        "id": id,
        "kind": kind,
        **words,
        "columns": columns_of(frame),
        "rows": rows_of(frame),
        "metrics": measured,
    }
    _emit(element, html, figure)


def _emit(element: Mapping[str, Any], html: str, figure: dict[str, Any] | None = None) -> None:
    bundle = {ELEMENT: element, "text/html": html, "text/plain": f"{element['kind']} {element['id']}"}
    if figure is not None:
        bundle[FIGURE] = figure
    display(bundle, raw=True)


def _figure_json(figure: go.Figure) -> dict[str, Any]:
    return json.loads(figure.to_json())


def _entries(frame: pd.DataFrame) -> list[Any]:
    """The glossary entries behind a frame's numbers: its columns, or the metrics that its rows name."""
    names = list(frame["metric"]) if "metric" in frame else [name for name in frame.columns if name in METRICS]
    return [column(name) for name in dict.fromkeys(names)]


def columns_of(frame: pd.DataFrame) -> list[dict[str, str]]:
    """What a frame's columns are called and measured in."""
    entries = [column(str(name)) for name in frame.columns]
    return [{"name": each.name, "title": each.title, "unit": each.unit} for each in entries]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows as raw JSON values: null for missing, ISO text for instants and dates."""
    return [{str(name): _plain(value) for name, value in row.items()} for row in records(frame)]


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if units.is_missing(value):
        return None
    if isinstance(value, date):  # a datetime and a Timestamp are dates, too
        return value.isoformat()
    if hasattr(value, "item"):
        return value.item()
    return value if isinstance(value, str | int | float | bool | dict) else str(value)


@cache
def _environment() -> Environment:
    folder = str(files("crm_reports") / "template")
    made = Environment(loader=FileSystemLoader(folder), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.globals.update(_=_, write=units.write)
    return made


def compile_templates() -> None:
    """Read every template now, not when a page first needs it."""
    for name in _environment().list_templates(extensions=["j2"]):
        _environment().get_template(name)


def _fragment(name: str, **values: Any) -> Markup:
    return Markup(_environment().get_template(f"{name}.html.j2").render(**values))


@cache
def css() -> str:
    """The style of every element, all of it under .crm, in the reader's light or dark."""
    light, dark = charts.css_variables(), charts.css_variables(dark=True)
    hues = "".join(f".crm .m{place}{{--hue:var(--m{place})}}" for place in range(len(charts.PALETTE)))
    variables = f".crm{{{light}}}@media(prefers-color-scheme:dark){{.crm{{{dark}}}}}@media print{{.crm{{{light}}}}}"
    return variables + hues + (files("crm_reports") / "template" / "elements.css").read_text(encoding="utf-8")


def _css() -> Markup:
    return Markup(css())
