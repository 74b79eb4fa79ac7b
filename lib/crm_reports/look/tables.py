"""Measured table or deal list → an HTML table that reads without scripts, and the workbook of a whole report.

On a page, DataTables (from the itables package) adds search, sorting, filters and pages. Everything from the CRM is
escaped here; only http(s) addresses become links.
"""

import gzip
import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from itertools import count
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit
from zoneinfo import ZoneInfo

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from .. import charts
from ..metrics.registry import METRICS, SUFFIXES, Column, column, columns_of
from ..store.columns import records
from ..words import units
from ..words.texts import _

NUMERIC = ("count", "money", "share", "days", "index", "number")
BESIDE = (*SUFFIXES, "_id")  # shown within another column's cell
WITHIN = ("url", "outcome", "position", "size", "text_id", "from_days", "to_days", "since", "part", "report", "element")
BELOW = {"last_action_at": "last_action_kind", "next_step": "next_step_at"}  # small, under the cell of the first
EXTRA = ("department", "pipeline", "source", "loss_reason")  # of a list: picked by and exported, but not shown
PICKED = ("status", "manager", "stage", "loss_reason", "department", "source", "next_step", "pipeline")
WHISKERED = ("conversion", "forgotten_share")
BARRED = ("won_money", "money_short", "money_at_risk", "forgotten_money", "lost_money", "activity_index", "money")
# What a deal of a list counts in: the page shows those of the first one that the list has, a tile leads to those of its own.
COUNTS = ("touched", "created", "won", "lost", "in_work", "forgotten", "without_step", "overdue")
AT_ONCE = 50  # rows of a list that stand in the page itself; the rest is drawn by the page's script


def _tag(name: str, *inside: str, **attributes: object) -> str:
    """An element; what is `inside` must be safe already, attributes are escaped here. None and False leave one out."""
    said = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return f"<{name}{said}>{''.join(inside)}</{name}>"


LONGEST = 160  # characters of a name that stand in a cell; workbook and JSON hold all of it


def _text(value: object, unit: str = "text") -> str:
    """How the value is written in a cell, a name cut where nobody reads on."""
    said = units.write(value, unit, form="cell")
    return said if len(said) <= LONGEST else said[: LONGEST - 1].rstrip() + "…"


def web_address(text: object) -> str:
    """The text if it is an http(s) address; nothing for javascript:, data: and the rest."""
    try:
        address = urlsplit(str(text))
    except ValueError:
        return ""
    return str(text) if address.scheme in ("http", "https") and address.netloc else ""


def shown(frame: pd.DataFrame) -> list[str]:
    """The columns that a reader sees; k, n, ids and intervals stand inside the cells of the column they belong to."""
    return [name for name in frame.columns if not _is_beside(name, frame)]


def _is_beside(name: str, frame: pd.DataFrame) -> bool:
    if name.startswith("is_") or name in WITHIN or (name in ("deal_id", "lead_id") and "title" in frame):
        return True
    if (name == "start" and "period" in frame) or (name == "deals_short" and "money_short" in frame):
        return True
    if "to_stage" in frame and name in ("to_stage", "pipeline"):  # a step stands in one cell
        return True
    if name == "crm_trace_at" or any(name == small and large in frame for large, small in BELOW.items()):
        return True
    return any(name.endswith(end) and name.removesuffix(end) in frame for end in BESIDE)


@dataclass(frozen=True)
class _Sheet:
    """A frame as it is about to be shown: its rows and total apart, and what cells need to know of their column."""

    frame: pd.DataFrame

    @cached_property
    def columns(self) -> list[Column]:
        seen = set(shown(self.frame))
        return [each for each in columns_of(self.frame) if each.name in seen]

    @cached_property
    def is_list(self) -> bool:
        return "deal_id" in self.frame or "lead_id" in self.frame

    @cached_property
    def counts(self) -> list[str]:
        return counts_of([name for name in self.frame if self.frame[name].notna().any()]) if self.is_list else []

    @cached_property
    def rows(self) -> list[dict[str, object]]:
        return records(self.frame[~self._totals])

    @cached_property
    def total(self) -> dict[str, object]:
        return records(self.frame[self._totals].head(1))[0] if self._totals.any() else {}

    @cached_property
    def _totals(self) -> pd.Series:
        none = pd.Series(False, index=self.frame.index)
        return self.frame["is_total"].fillna(False).astype(bool) if "is_total" in self.frame else none

    @cached_property
    def barred(self) -> str:
        """The one column whose cells carry a bar."""
        names = [each.name for each in self.columns]
        return "" if self.is_list or "status" in names else next((name for name in BARRED if name in names), "")

    def top(self, name: str) -> float:
        """The largest value of a column, the total apart."""
        values = [float(row[name]) for row in self.rows if not units.is_missing(row.get(name))]
        return max(values, default=0) or 1

    @cached_property
    def kinds(self) -> dict[str, str]:
        """How the cells of each column are drawn."""
        return {each.name: self._kind(each) for each in self.columns}

    def _kind(self, entry: Column) -> str:
        name = entry.name
        if name in ("manager", "title", "status"):
            return name
        return "rate" if f"{name}_k" in self.frame else "number" if entry.unit in NUMERIC else entry.unit


def counts_of(names: Iterable[str]) -> list[str]:
    """What the rows of a list say that they count in, if these of its columns are not blank."""
    held = set(names)
    return [name for name in COUNTS if f"is_{name}" in held]


def table(frame: pd.DataFrame, *, caption: str = "") -> str:
    """The frame as a table: units in the headers, k of n under rates, totals at the bottom, formula on every header."""
    sheet = _Sheet(frame)
    if not sheet.rows and not sheet.total:
        return _tag("p", escape(_("Nothing in this period")), class_="nothing", data_rows="0")
    rows = [_row(sheet, row) for row in (sheet.rows[:AT_ONCE] if sheet.is_list else sheet.rows)]
    parts = [
        _tag("caption", escape(caption)) if caption else "",
        _tag("thead", _tag("tr", *(_header(each, sheet) for each in sheet.columns))),
        _tag("tbody", *rows),
        _tag("tfoot", _row(sheet, sheet.total, is_total=True)) if sheet.total else "",
    ]
    kind = "list" if sheet.is_list else "measured"
    counts = json.dumps([[name, column(f"is_{name}").title] for name in sheet.counts], ensure_ascii=False)
    told = {"data_rows": len(sheet.rows), "data_counts": counts if sheet.counts else None}
    drawn = _tag("table", *parts, class_=f"data {kind}", **told)
    return _tag("div", drawn, class_="scroll", tabindex="0", role="group", aria_label=caption or None) + _rest(sheet)


def _header(entry: Column, sheet: _Sheet) -> str:
    unit = units.unit_word(entry.unit)
    unit = "" if unit.casefold() in entry.title.casefold() else unit  # "Days in the stage" needs no ", days"
    said = f"{escape(entry.title)}" + (f"<small>,\N{NO-BREAK SPACE}{escape(unit)}</small>" if unit else "")
    number = sheet.kinds[entry.name] in ("number", "rate")
    told = _tag("span", said, class_="told" if entry.formula else None)
    extra = sheet.is_list and entry.name in EXTRA
    return _tag(
        "th", told, scope="col", class_="extra" if extra else "num" if number else None, data_extra=extra,
        title=explained(entry), data_name=entry.name, data_unit=entry.unit, data_kind=sheet.kinds[entry.name],
        data_pick=sheet.is_list and entry.name in PICKED,
    )  # fmt: skip


def explained(entry: Column) -> str:
    """What a tooltip says of a column: title, meaning, formula."""
    return "\n".join(filter(None, [entry.title, entry.meaning, entry.formula and f"= {entry.formula}"]))


def _row(sheet: _Sheet, row: Mapping[str, object], *, is_total: bool = False) -> str:
    cells = [_cell(sheet, row, entry, is_total=is_total) for entry in sheet.columns]
    if is_total:
        # The first cell says whose row it is; a name there would be the team's own.
        first = sheet.columns[0].name
        name = _("Total") if units.is_missing(row.get(first)) or row.get(first) == "" else str(row[first])
        cells[0] = _tag("th", escape(name), scope="row")
    return _tag("tr", *cells, class_="total" if is_total else "used" if row.get("is_used") else None)


def _cell(sheet: _Sheet, row: Mapping[str, object], entry: Column, *, is_total: bool) -> str:
    kind = sheet.kinds[entry.name]
    value = row.get(entry.name)
    if kind == "manager":
        id = row.get("manager_id")
        whose = "" if units.is_missing(id) else str(id)
        return _tag("th", _manager(row), scope="row", data_order=str(value), data_manager=whose)
    if kind == "title":
        return _tag("th", _deal(row), scope="row", class_="deal")
    if kind == "status":
        return _tag("td", _pill(row), data_outcome=row.get("outcome"))
    if kind == "rate":
        return _rate(sheet, row, entry)
    if kind == "number":
        bar = _bar(sheet, row, entry.name) if entry.name == sheet.barred and not is_total else ""
        said = _written(value, entry)
        said = _leading(row, said) if entry.name == "in_work" and not is_total and value else said
        return _tag("td", said, _changed(row, entry), bar, class_="num", data_order=_order(value))
    if kind in ("instant", "date"):
        below = _below(row, entry.name)
        said = _tag("i", escape(below)) if below else ""
        return _tag("td", _written(value, entry), said, class_="day", data_order=_order(value))
    if entry.name == "period" and not units.is_missing(row.get("size")):
        return _tag(
            "td", escape(units.period(str(row["size"]), row["start"])), class_="day", data_order=str(row["start"])
        )
    said = "" if is_total and units.is_missing(value) else _written(value, entry)
    said = _step(row, said) if entry.name == "stage" and row.get("to_stage") else said
    below = _below(row, entry.name)
    name = "extra" if sheet.is_list and entry.name in EXTRA else "txt" if kind == "text" and sheet.is_list else None
    return _tag("td", said, _tag("i", escape(below)) if below else "", class_=name)


def _step(row: Mapping[str, object], said: str) -> str:
    """A step from one stage to the next, and of which pipeline it is."""
    pipeline = row.get("pipeline")
    of = "" if units.is_missing(pipeline) or not pipeline else _tag("i", escape(_text(pipeline)))
    return f"{said} → {_written(row['to_stage'], column('to_stage'))}{of}"


def _leading(row: Mapping[str, object], said: str) -> str:
    """The number of a manager's deals on a stage, which leads to them where they are listed."""
    if "stage_id" not in row or not row.get("manager_id"):
        return said
    at = urlencode({"deals": "in_work", "manager": row["manager_id"], "stage": str(row["stage"])}, quote_via=quote)
    return _tag("a", said, data_link="deals:in_work", data_at=at)


def _below(row: Mapping[str, object], name: str) -> str:
    """What stands small under a cell: the kind of the last action, the day of the next step, the CRM's later trace."""
    small = BELOW.get(name, "")
    said = [_text(row.get(small), column(small).unit)] if small in row else []
    if name == "last_action_at" and not units.is_missing(row.get("crm_trace_at")):
        said.append(_("the CRM has a trace of {day}", day=units.write(row["crm_trace_at"], "instant", form="cell")))
    return " · ".join(each for each in said if each and each != units.MISSING)


def _written(value: object, entry: Column) -> str:
    said = _text(value, entry.unit)
    return escape(said) if said != units.MISSING else f'<span class="none">{said}</span>'


def _order(value: object) -> str:
    """What a column is sorted by: a bare number, an ISO instant, nothing when missing."""
    if units.is_missing(value):
        return ""
    return repr(float(value)) if isinstance(value, int | float) or hasattr(value, "__float__") else str(value)


def _changed(row: Mapping[str, object], entry: Column) -> str:
    value = row.get(f"{entry.name}_change")
    return _tag("i", escape(units.change(value)), class_=verdict_of(value, entry.good)) if units.change(value) else ""


def verdict_of(change: object, good: str) -> str:
    """Whether a change is "good", "bad" or "flat": a style; the sign beside it says the same without colour."""
    if units.is_missing(change) or good == "none" or abs(float(change)) < 0.005:
        return "flat"
    return "good" if (float(change) > 0) == (good == "up") else "bad"


def _manager(row: Mapping[str, object]) -> str:
    """The manager's dot and name; the page turns it into a link where that manager has a page."""
    name = escape(_text(row.get("manager")))
    if not _hue(row):
        return name
    return _tag("i", class_=f"dot {_hue(row)}") + _tag("a", name, data_link=f"manager:{row['manager_id']}")


def _hue(row: Mapping[str, object]) -> str:
    """The style of the manager's colour; none for a row that is nobody's."""
    id = row.get("manager_id")
    return "" if units.is_missing(id) or id == "" else charts.look_of(id)


def _deal(row: Mapping[str, object]) -> str:
    title = escape(_text(str(row.get("title") or "").strip() or _("untitled")))
    address = web_address(row.get("url"))
    return _tag("a", title, href=address, rel="noopener noreferrer", target="_blank") if address else title


def _pill(row: Mapping[str, object]) -> str:
    return _tag("span", escape(_text(row.get("status"))), class_=f"pill {_outcome(row)}")


def _outcome(row: Mapping[str, object]) -> str:
    return str(row["outcome"]) if row.get("outcome") in ("won", "lost", "open") else ""


# ── Rates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _rate(sheet: _Sheet, row: Mapping[str, object], entry: Column) -> str:
    name = entry.name
    k, n = row.get(f"{name}_k"), row.get(f"{name}_n")
    said = _tag("span", _written(row.get(name), entry) + _differs(row, name, _team_of(sheet, row, name)))
    whisker = _whisker(sheet, row, name) if name in WHISKERED else ""
    few = " few" if units.is_few(n) else ""
    return _tag(
        "td", said, whisker, _tag("i", escape(units.k_of_n(k, n))), _changed(row, entry),
        class_=f"num rate{few}", data_order=_order(row.get(name)) + ("~" if few else ""),
    )  # fmt: skip


def _team_of(sheet: _Sheet, row: Mapping[str, object], name: str) -> object:
    """The team's value: what the row itself names as the team's (team_conversion of stage_conversion), else the total's."""
    return row.get(f"team_{name.rpartition('_')[2]}", sheet.total.get(name))


def _differs(row: Mapping[str, object], name: str, team: object) -> str:
    """The sign of a difference that chance would hardly make, by the measure's own test; none without a team."""
    if row.get(f"{name}_differs") is not True and str(row.get(f"{name}_differs")) != "True":
        return ""
    if units.is_missing(team) or units.is_missing(row.get(name)):
        return ""
    up = float(row[name]) > float(team)
    return _tag("b", "▲" if up else "▼", class_="differs", title=_("differs from the team by more than chance"))


def _whisker(sheet: _Sheet, row: Mapping[str, object], name: str) -> str:
    """The 95 % interval as a line, the value as a dot on it, the team's value as a tick."""
    low, high, value = (row.get(f"{name}_low"), row.get(f"{name}_high"), row.get(name))
    if any(units.is_missing(each) for each in (low, high, value)):
        return '<svg class="ci" viewBox="-3 0 86 10" aria-hidden="true"></svg>'  # keeps the numbers in their column
    top = max(sheet.top(f"{name}_high"), 1e-9)
    x = {at: f"{80 * min(max(float(each) / top, 0), 1):.1f}" for at, each in (("l", low), ("h", high), ("v", value))}
    team = sheet.total.get(name)
    tick = "" if units.is_missing(team) else f"{80 * min(float(team) / top, 1):.1f}"
    hue = _hue(row)
    return (
        '<svg class="ci" viewBox="-3 0 86 10" aria-hidden="true">'
        f'<line x1="{x["l"]}" x2="{x["h"]}" y1="5" y2="5"/>'
        + (f'<line class="team" x1="{tick}" x2="{tick}" y1="0" y2="10"/>' if tick else "")
        + f'<circle class="{hue}" cx="{x["v"]}" cy="5" r="2.6"/></svg>'
    )


def _bar(sheet: _Sheet, row: Mapping[str, object], name: str) -> str:
    if units.is_missing(row.get(name)) or float(row[name]) <= 0:
        return ""
    return f'<b class="bar {_hue(row)}" style="width:{100 * float(row[name]) / sheet.top(name):.1f}%"></b>'


# ── Lists: more rows than a page should carry as HTML ────────────────────────────────────────────────────────────────


def _rest(sheet: _Sheet) -> str:
    """All rows of a list as JSON, for the page's script; it writes them as text, never as HTML.

    The last value of a row is the sum of 1, 2, 4 … for the first, second, third … of what it counts in.
    """
    if not sheet.is_list:
        return ""
    rows = [[*(_raw(sheet, row, entry) for entry in sheet.columns), _mask(sheet, row)] for row in sheet.rows]
    text = as_script(rows)
    if len(text) < PACKED_FROM:
        return f'<script type="application/json" class="rows">{text}</script>'
    packed = b64encode(gzip.compress(text.encode(), 6, mtime=0)).decode()
    return f'<script type="application/json" class="rows packed">"{packed}"</script>'


PACKED_FROM = 100_000  # characters of JSON: then it is a tenth of that in the page


def rows_in(text: str) -> list[list[object]]:
    """The rows that `text`, what such a script element holds, stands for."""
    held = json.loads(text)
    return json.loads(gzip.decompress(b64decode(held))) if isinstance(held, str) else held


def _mask(sheet: _Sheet, row: Mapping[str, object]) -> int:
    return sum(1 << place for place, name in enumerate(sheet.counts) if row.get(f"is_{name}") is True)


def as_script(value: object) -> str:
    """JSON that can't end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _raw(sheet: _Sheet, row: Mapping[str, object], entry: Column) -> object:
    value, kind = row.get(entry.name), sheet.kinds[entry.name]
    if kind == "title":
        return [_text(str(value or "").strip() or _("untitled")), web_address(row.get("url"))]
    if kind == "manager":
        id = row.get("manager_id")
        return [_text(value), _hue(row), "" if units.is_missing(id) else str(id)]
    if kind == "status":
        return [_text(value), _outcome(row)]
    said = _text(value, entry.unit)
    if kind == "rate":
        k, n = row.get(f"{entry.name}_k"), row.get(f"{entry.name}_n")
        return [None if units.is_missing(value) else _sorted_by(value), said, units.k_of_n(k, n), units.is_few(n)]
    if kind in ("number", "instant", "date"):
        return [None if units.is_missing(value) else _sorted_by(value), said, _below(row, entry.name)]
    return [said, _below(row, entry.name)] if entry.name in BELOW else said


def _sorted_by(value: object) -> float | str:
    return float(value) if hasattr(value, "__float__") and not isinstance(value, str) else str(value)


# ── Matrix ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def matrix(
    frame: pd.DataFrame, *, rows: str = "manager", columns: Sequence[str] = ("stage", "to_stage"),
    value: str = "stage_conversion", details: Sequence[str] = (), caption: str = "",
) -> str:  # fmt: skip
    """A row per manager, a column per step: the value, beneath it k of n or the `details`, and the team at the bottom.

    A rate or a time is tinted above or below the team and grey where few; a count the darker, the more.
    """
    if frame.empty:
        return _tag("p", escape(_("Nothing in this period")), class_="nothing", data_rows="0")
    steps = _steps(frame, columns)
    cells = {(_row_key(row, rows), _step_key(row, columns)): row for row in records(frame)}
    people = list(dict.fromkeys(who for who, _step in cells if who is not None))
    team = {step: cells.get((None, step), {}) for step in steps}
    grid = _Matrix(cells, steps, team, rows, columns, value, tuple(details))
    drawn = _tag(
        "table", _tag("caption", escape(caption)) if caption else "", grid.head(),
        _tag("tbody", *(grid.line(who) for who in people)),
        _tag("tfoot", grid.line(None)) if any(team.values()) else "",
        class_=f"matrix {grid.kind}", data_rows=len(frame),
    )  # fmt: skip
    box = _tag("div", drawn, class_="scroll", tabindex="0", role="group", aria_label=caption or None)
    return box + _tag("p", escape(grid.legend), class_="foot")


def _row_key(row: Mapping[str, object], rows: str) -> object:
    if row.get("is_total"):
        return None
    return row.get(f"{rows}_id", row.get(rows))


def _step_key(row: Mapping[str, object], columns: Sequence[str]) -> tuple[object, ...]:
    names = ["pipeline_id", *(f"{name}_id" if f"{name}_id" in row else name for name in columns)]
    return tuple("" if units.is_missing(row.get(name)) else row.get(name) for name in names)


def _steps(frame: pd.DataFrame, columns: Sequence[str]) -> dict[tuple[object, ...], str]:
    """The matrix's columns in order, each with what its header says."""
    steps = {}
    several = "pipeline" in frame and frame.loc[frame["pipeline"] != "", "pipeline"].nunique() > 1
    for row in records(frame):
        named = [escape(_text(row.get(name))) for name in columns]
        of = f"<small>{escape(_text(row['pipeline']))}</small>" if several and row["pipeline"] else ""
        steps.setdefault(_step_key(row, columns), of + " → ".join(named))
    return steps


@dataclass(frozen=True)
class _Matrix:
    cells: Mapping[tuple[object, object], Mapping[str, object]]
    steps: Mapping[tuple[object, ...], str]
    team: Mapping[tuple[object, ...], Mapping[str, object]]
    rows: str
    columns: Sequence[str]
    value: str
    details: Sequence[str] = ()

    @cached_property
    def kind(self) -> str:
        """What the value is: a rate, a time, or a count."""
        unit = column(self.value).unit
        return {"share": "rates", "days": "times"}.get(unit, "counts")

    @property
    def legend(self) -> str:
        return {
            "rates": _(
                "Green and red: above and below the team; ▲ ▼: by more than chance. Grey: fewer than 20, do not rank."
            ),
            "times": _("Green and red: shorter and longer than the team. Grey: fewer than 20, do not rank."),
            "counts": _("The darker, the more."),
        }[self.kind]

    @cached_property
    def narrowest(self) -> object:
        """The step where the fewest of the team go on."""
        name = self.value
        ranked = [step for step, row in self.team.items() if row and not units.is_few(row.get(f"{name}_n"))]
        ranked = [step for step in ranked if not units.is_missing(self.team[step].get(name))]
        sought = self.kind == "rates" and len(ranked) > 1
        return min(ranked, key=lambda step: float(self.team[step][name]), default=None) if sought else None

    @cached_property
    def most(self) -> float:
        """The largest value of a cell that is nobody's total."""
        found = [row.get(self.value) for (who, step), row in self.cells.items() if who is not None and "*" not in step]
        return max((float(each) for each in found if not units.is_missing(each)), default=0) or 1

    def head(self) -> str:
        tip = explained(column(self.value))
        mark = _tag("em", f"▼ {escape(_('narrowest'))}")
        heads = [
            _tag("th", said, mark if step == self.narrowest else "", scope="col", title=tip)
            for step, said in self.steps.items()
        ]
        return _tag("thead", _tag("tr", _tag("th", escape(column(self.rows).title), scope="col"), *heads))

    def line(self, who: object) -> str:
        row = next((row for (whose, _step), row in self.cells.items() if whose == who), {})
        name = _manager(row) if self.rows == "manager" else escape(_text(row.get(self.rows)))
        total = _("Team") if self.rows == "manager" else _("Total")
        head = _tag("th", name if who is not None else escape(total), scope="row")
        drawn = [self.cell(self.cells.get((who, step), {}), step, who is None) for step in self.steps]
        return _tag("tr", head, *drawn, class_="total" if who is None else None)

    def cell(self, row: Mapping[str, object], step: tuple[object, ...], is_team: bool) -> str:
        entry, n, team = column(self.value), row.get(f"{self.value}_n"), self.team[step]
        value = row.get(self.value)
        if units.is_missing(value) or (self.kind == "counts" and not value):
            return _tag("td", _tag("span", units.MISSING, class_="none"), class_="few")
        said = _written(value, entry) + _differs(row, self.value, team.get(self.value))
        few = self.kind != "counts" and units.is_few(n)
        whole = is_team or "*" in step
        tint = "" if few or whole else self._tint(row, team)
        names = " ".join(filter(None, ["few" if few else "", "whole" if "*" in step else ""]))
        return _tag("td", said, self._below(row), class_=names or None, style=tint or None, data_order=_order(value))

    def _below(self, row: Mapping[str, object]) -> str:
        """What stands small beneath the value: k of n of a rate, the details of anything else, of how many a time is."""
        if self.kind == "rates":
            return _tag("i", escape(units.k_of_n(row.get(f"{self.value}_k"), row.get(f"{self.value}_n"))))
        said = [units.write(row.get(name), column(name).unit, form="tile") for name in self.details]
        of = row.get(f"{self.value}_n") if self.kind == "times" else None
        said += [] if units.is_missing(of) else [_("of {n}", n=units.write(of, "count"))]
        return "".join(_tag("i", escape(each)) for each in said if each != units.MISSING)

    def _tint(self, row: Mapping[str, object], team: Mapping[str, object]) -> str:
        if self.kind == "counts":
            return f"--tint:var(--accent);--much:{round(34 * float(row[self.value]) / self.most)}%"
        if units.is_missing(team.get(self.value)):
            return ""
        own, usual = float(row[self.value]), float(team[self.value])
        away = own - usual if self.kind == "rates" else (usual - own) / max(usual, 1) / 2
        strength = min(round(abs(away) * 150), 40)
        return f"--tint:var(--{'good' if away > 0 else 'bad'});--much:{strength}%" if strength >= 4 else ""


# ── DataTables ───────────────────────────────────────────────────────────────────────────────────────────────────────


def script() -> str:
    """DataTables as the installed itables package ships it, as `window.DataTable`."""
    import itables  # takes a second, which the notebooks need not spend

    # A classic script: a page opened from a disk may not import modules.
    path = Path(itables.__file__).parent / "html" / "dt_bundle.js"
    module = path.read_text(encoding="utf-8")
    exported = re.search(r"\bexport\s*\{([^{}]*)\}\s*;?", module)
    if not exported:
        raise RuntimeError(f"{path.name} of itables {itables.__version__} exports nothing; itables<3 is what is known")
    names = dict(reversed(each.split(" as ")) for each in map(str.strip, exported[1].split(",")))
    table = names["default"].strip()
    return f"(()=>{{{module[: exported.start()]};window.DataTable={table};{module[exported.end() :]}}})();"


# ── Workbook ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def workbook(elements: Sequence[Mapping[str, object]], path: Path) -> None:
    """A sheet per element with its raw numbers: machine names in the hidden first row, titles and formulas below."""
    header = next((each for each in elements if each["kind"] == "header"), {})
    # A title such as =HYPERLINK(…) stays the text it is.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        styles = _Styles(book, str(header.get("currency") or ""), _zone_of(header))
        names = sheet_names([_("About"), *(str(each["title"] or each["id"]) for each in _with_rows(elements))])
        _about(book.add_worksheet(names[0]), elements, header, styles)
        for name, element in zip(names[1:], _with_rows(elements), strict=True):
            _sheet(book.add_worksheet(name), element, styles)


def _with_rows(elements: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return [each for each in elements if each.get("columns")]


def _zone_of(header: Mapping[str, object]) -> ZoneInfo:
    return ZoneInfo(str((header.get("filters") or {}).get("time_zone") or "UTC"))


SHEET_LENGTH = 31  # as Excel counts, which takes an emoji for two


def sheet_names(titles: Iterable[str]) -> list[str]:
    """The titles as Excel allows sheets to be called: 31 characters, none of []:*?/\\, each once whatever its case."""
    # "History" is a name that Excel keeps for itself.
    taken, names = {"history"}, []
    for title in titles:
        names.append(next(name for name in _numbered(_sheet_name(title)) if name.casefold() not in taken))
        taken.add(names[-1].casefold())
    return names


def _sheet_name(title: str) -> str:
    # What can't be shown, or stands in no XML, is no part of a name.
    shown = "".join(each if each.isprintable() and each not in "[]:*?/\\\ufffe\uffff" else " " for each in title)
    return " ".join(shown.split()).strip("' ") or "–"


def _numbered(name: str) -> Iterator[str]:
    """The name, shortened, then with 2, 3 … behind it."""
    yield _shortened(name, SHEET_LENGTH)
    for number in count(2):
        behind = f" ({number})"
        yield _shortened(name, SHEET_LENGTH - len(behind)) + behind


def _shortened(name: str, length: int) -> str:
    return name.encode("utf-16-le")[: 2 * length].decode("utf-16-le", "ignore").rstrip("' ")


class _Styles:
    """The formats of one workbook, made once each."""

    def __init__(self, book: xlsxwriter.Workbook, currency: str, zone: ZoneInfo) -> None:
        self.book, self.currency, self.zone = book, currency, zone
        self.kept: dict[tuple[str, bool, bool], Format] = {}

    def of(self, unit: str, *, bold: bool = False, text: str = "") -> Format:
        """How a cell of that unit is written; a `text` that would be a formula once somebody edits it keeps its quote."""
        key = (unit, bold, text.startswith(FORMULA))
        if key not in self.kept:
            look = {"bold": True, "top": 1} if bold else {}
            look |= {"quote_prefix": True} if key[2] else {}
            form = {"num_format": units.excel_format(unit, self.currency)} if unit != "head" else _HEAD
            self.kept[key] = self.book.add_format(form | look)
        return self.kept[key]


FORMULA = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # what a spreadsheet takes for a formula's first sign
_HEAD = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}
MOST_ROWS = 1_048_576 - 2


def _sheet(sheet: Worksheet, element: Mapping[str, object], styles: _Styles) -> None:
    columns, rows = element["columns"], list(element["rows"])[:MOST_ROWS]
    for at, entry in enumerate(columns):
        known = column(str(entry["name"]))
        unit = units.unit_word(str(entry["unit"]), currency=styles.currency)
        title = f"{entry['title']}, {unit}" if unit else str(entry["title"])
        sheet.write_string(0, at, str(entry["name"]), styles.of("text", text=str(entry["name"])))
        sheet.write_string(1, at, title, styles.of("head", text=title))
        if known.formula:
            sheet.write_comment(1, at, explained(known), {"x_scale": 2})
        sheet.set_column(at, at, _width(entry, rows))
        _column(sheet, at, entry, rows, styles)
    sheet.set_row(0, None, None, {"hidden": True})
    sheet.freeze_panes(2, 1)
    if rows and columns:
        ordinary = sum(1 for row in rows if not row.get("is_total"))
        sheet.autofilter(1, 0, 1 + ordinary, len(columns) - 1)


def _column(
    sheet: Worksheet, at: int, entry: Mapping[str, str], rows: Sequence[Mapping[str, object]], styles: _Styles
) -> None:
    name, unit = entry["name"], entry["unit"]
    usual, bold = styles.of(unit), styles.of(unit, bold=True)
    for down, row in enumerate(rows, 2):
        value, is_total = _for_people(row, name), bool(row.get("is_total"))
        style = bold if is_total else usual
        if units.is_missing(value):
            if is_total:  # its line above goes on
                sheet.write_blank(down, at, None, style)
        elif unit in ("instant", "date"):
            sheet.write_datetime(down, at, _wall(value, unit, styles.zone), style)
        elif isinstance(value, bool):
            sheet.write_boolean(down, at, value, style)
        elif isinstance(value, int | float):
            sheet.write_number(down, at, value, style)
        else:
            text = _plain(value)
            sheet.write_string(down, at, text, styles.of(unit, bold=is_total, text=text))


def _for_people(row: Mapping[str, object], name: str) -> object:
    """The value, a period as it is written on a page; its own name stays in the JSON."""
    if name == "period" and row.get("size") and not units.is_missing(row.get("start")):
        return units.period(str(row["size"]), row["start"])
    return row.get(name)


def _plain(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    return text[:32_767]


def _wall(value: object, unit: str, zone: ZoneInfo) -> pd.Timestamp:
    if unit == "date":
        return pd.Timestamp(units.as_date(value))
    return pd.Timestamp(units.as_instant(value)).tz_convert(zone).tz_localize(None)


def _width(entry: Mapping[str, str], rows: Sequence[Mapping[str, object]]) -> float:
    if entry["unit"] == "text":
        longest = max((len(str(row.get(entry["name"]) or "")) for row in rows[:500]), default=0)
        return min(max(longest, len(entry["title"]) / 2, 9) + 2, 48)
    return 17 if entry["unit"] in ("instant", "date", "money") else 13


def _about(
    sheet: Worksheet, elements: Sequence[Mapping[str, object]], header: Mapping[str, object], styles: _Styles
) -> None:
    """What the numbers are about: filters, instants, quality notes, the meaning of every metric in the book."""
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 110)
    for down, (name, text, is_head) in enumerate(_about_lines(elements, header, styles.zone)):
        sheet.write_string(down, 0, name, styles.of("head" if is_head else "text", text=name))
        sheet.write_string(down, 1, text, styles.of("text", text=text))


def _about_lines(
    elements: Sequence[Mapping[str, object]], header: Mapping[str, object], zone: ZoneInfo
) -> list[tuple[str, str, bool]]:
    lines = [(_("Filters"), "", True), *((each["label"], each["text"], False) for each in header.get("words", ()))]
    synced = units.write(header.get("synced_at"), "instant", zone=zone)
    lines += [(_("Synced"), synced, False), (_("Currency"), str(header.get("currency") or ""), False)]
    notes = [(str(each.get("count") or ""), str(each["text"]), False) for each in header.get("quality") or ()]
    lines += [("", "", False), (_("Before you read"), "", True), *notes] if notes else []
    metrics = dict.fromkeys(each["name"] for element in _with_rows(elements) for each in element["columns"])
    metrics |= dict.fromkeys(str(row.get("metric")) for each in _with_rows(elements) for row in each["rows"])
    known = [column(str(name)) for name in metrics if name in METRICS]
    words = [(each.title, f"{each.meaning} = {each.formula}", False) for each in known]
    return [*lines, ("", "", False), (_("What the words mean"), "", True), *words]
