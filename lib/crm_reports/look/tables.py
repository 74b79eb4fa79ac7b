"""Measured table or deal list → an HTML table that reads without scripts.

On a page, DataTables (from the itables package) adds search, sorting, filters and pages.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from urllib.parse import quote, urlencode

import pandas as pd

from ..metrics.registry import SUFFIXES, Column, column, columns_of
from ..store.columns import records
from ..words import units
from ..words.texts import _
from . import lists
from .cells import (
    BELOW,
    below,
    changed,
    cutting,
    deal,
    differs,
    explained,
    hue,
    is_own_dimension,
    manager,
    order,
    pill,
    tag,
    text,
    written,
)

NUMERIC = ("count", "money", "share", "days", "index", "number")
BESIDE = (*SUFFIXES, "_id")  # shown within another column's cell
WITHIN = ("url", "outcome", "position", "size", "text_id", "from_days", "to_days", "since", "part", "report", "element")
EXTRA = ("department", "pipeline", "source", "loss_reason")  # of a list: picked by and exported, but not shown
PICKED = ("status", "manager", "stage", "loss_reason", "department", "source", "next_step", "pipeline")
WHISKERED = ("conversion", "forgotten_share")
BARRED = ("won_money", "money_short", "money_at_risk", "forgotten_money", "lost_money", "activity_index", "money")
# What a deal of a list counts in: the page shows those of the first one that the list has, a tile leads to those of its own.
COUNTS = ("touched", "created", "won", "lost", "in_work", "forgotten", "without_step", "overdue")
LONGEST_WORD = 8  # letters of a header that are never parted
AT_ONCE = 10  # rows of a list that stand in the page as HTML, as many as it shows at a time; its script has them all
CLOSED_AT_ONCE = 5  # of what is one click away


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
    def ordinary(self) -> pd.DataFrame:
        return self.frame[~self._totals]

    @property
    def size(self) -> int:
        return len(self.ordinary)

    @cached_property
    def rows(self) -> list[dict[str, object]]:
        """The rows that stand in the page as HTML."""
        return records(self.ordinary.head(AT_ONCE) if self.is_list else self.ordinary)

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

    @cached_property
    def scales(self) -> dict[str, int]:
        """What the money of each column is divided by, the parts of one change (`moved_by_…`) by the same; a list's stands in full."""
        money = [each.name for each in self.columns if each.unit == "money" and not self.is_list]
        whole = {name: [other for other in money if _family(other) == _family(name)] for name in money}
        return {name: units.column_scale(self.frame[whole[name]].to_numpy().ravel()) for name in money}

    @cached_property
    def tops(self) -> dict[str, float]:
        """The largest value of each column that is drawn, too, the total apart."""
        return {name: self._top(name) for name in (self.barred, *(f"{name}_high" for name in WHISKERED))}

    def _top(self, name: str) -> float:
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


def table(frame: pd.DataFrame, *, caption: str = "", is_closed: bool = False) -> str:
    """The frame as a table: units in the headers, k of n under rates, totals at the bottom, formula on every header.

    One that `is_closed` until somebody opens it has only its first rows as HTML.
    """
    sheet = _Sheet(frame)
    if not sheet.rows and not sheet.total:
        return tag("p", escape(_("Nothing in this period")), class_="nothing", data_rows="0")
    rows = [_row(sheet, row) for row in sheet.rows]
    at_once = CLOSED_AT_ONCE if is_closed else len(rows)
    parts = [
        tag("caption", escape(caption)) if caption else "",
        tag("thead", tag("tr", *(_header(each, sheet) for each in sheet.columns))),
        tag("tbody", *rows[:at_once]),
        tag("tfoot", _row(sheet, sheet.total, is_total=True)) if sheet.total else "",
    ]
    kind = "list" if sheet.is_list else "measured"
    counts = json.dumps([[name, column(f"is_{name}").title] for name in sheet.counts], ensure_ascii=False)
    told = {"data_rows": sheet.size, "data_counts": counts if sheet.counts else None}
    drawn = tag("table", *parts, class_=f"data {kind}", **told)
    return tag("div", drawn, class_="scroll", tabindex="0", role="group", aria_label=caption or None) + _rest(
        sheet, rows[at_once:]
    )


def _rest(sheet: _Sheet, lines: Sequence[str]) -> str:
    """What the page's script draws: all rows of a list as columns, written as text and never as HTML; the lines left over."""
    if sheet.is_list:
        kinds = {each: sheet.kinds[each.name] for each in sheet.columns}
        return lists.script("rows", lists.Rows(sheet.ordinary).as_json(kinds, sheet.counts))
    return _beneath("lines", lines) if lines else ""


TABLE = re.compile(r"<tbody>(.*?)</tbody>(.*?</table></div>)(?!<script)", re.DOTALL)
WORTH_PACKING = 2_000  # characters of rows


def packed(html: str) -> str:
    """What is one click away, of each table only the first rows as HTML; the page's script puts the others beneath them."""
    return TABLE.sub(_with_first_rows, html)


def _with_first_rows(found: re.Match[str]) -> str:
    rows = re.findall(r"<tr.*?</tr>", found[1], re.DOTALL)
    first, rest = "".join(rows[:CLOSED_AT_ONCE]), rows[CLOSED_AT_ONCE:]
    if len("".join(rest)) < WORTH_PACKING:
        return found[0]
    return f"<tbody>{first}</tbody>{found[2]}{_beneath('lines', rest)}"


def _beneath(kind: str, rows: object) -> str:
    """Rows for the page's script, and what a reader without scripts is told of them."""
    text = escape(_("the others are in the workbook"))
    return lists.script(kind, rows) + tag("noscript", tag("p", text, class_="foot"))


def _header(entry: Column, sheet: _Sheet) -> str:
    scale = sheet.scales.get(entry.name, 1)
    unit, full = _unit(entry, scale), _unit(entry, 1)
    is_long = len(entry.title.split(" ")[-1] + unit) > LONGEST_WORD
    gap = " " if is_long else "\N{NO-BREAK SPACE}"  # a unit stands alone only where it would widen its column
    said = escape(entry.title) + (f"<small>,{gap}{escape(unit)}</small>" if unit else "")
    number = sheet.kinds[entry.name] in ("number", "rate")
    told = tag("span", said, class_="told" if entry.formula else None)
    extra = sheet.is_list and entry.name in EXTRA
    return tag(
        "th", told, scope="col", class_="extra" if extra else "num" if number else None, data_extra=extra,
        title=explained(entry), data_name=entry.name, data_unit=entry.unit, data_kind=sheet.kinds[entry.name],
        data_in_full=None if scale == 1 else f"{entry.title},\N{NO-BREAK SPACE}{full}" if full else entry.title,
        data_pick=sheet.is_list and (entry.name in PICKED or is_own_dimension(entry.name)),
    )  # fmt: skip


def _family(name: str) -> str:
    """What the column is a part of, with its like: moved by the win rate, moved by the cycle."""
    stem, by, _part = name.partition("_by_")
    return stem if by else name


def _unit(entry: Column, scale: int) -> str:
    """What stands after the column's title: "Days in the stage" needs no ", days"."""
    unit = units.unit_word(entry.unit, scale=scale)
    return "" if unit.casefold() in entry.title.casefold() else unit


def _row(sheet: _Sheet, row: Mapping[str, object], *, is_total: bool = False) -> str:
    cells = [_cell(sheet, row, entry, is_total=is_total) for entry in sheet.columns]
    if is_total:
        # The first cell says whose row it is; a name there would be the team's own.
        first = sheet.columns[0].name
        name = _("Total") if units.is_missing(row.get(first)) or row.get(first) == "" else str(row[first])
        cells[0] = tag("th", escape(name), scope="row")
    return tag("tr", *cells, class_="total" if is_total else "used" if row.get("is_used") else None)


def _cell(sheet: _Sheet, row: Mapping[str, object], entry: Column, *, is_total: bool) -> str:
    kind = sheet.kinds[entry.name]
    value = row.get(entry.name)
    if kind == "manager":
        id = row.get("manager_id")
        whose = "" if units.is_missing(id) else str(id)
        return tag("th", manager(row), scope="row", data_manager=whose)
    if kind == "title":
        return tag("th", deal(row), scope="row", class_="deal")
    if kind == "status":
        return tag("td", pill(row), data_outcome=row.get("outcome"))
    if kind == "rate":
        return _rate(sheet, row, entry)
    if kind == "number":
        bar = _bar(sheet, row, entry.name) if entry.name == sheet.barred and not is_total else ""
        number, full = _number(sheet, value, entry)
        number = _leading(row, number) if entry.name == "in_work" and not is_total and value else number
        content, by = number + changed(row, entry) + bar, order(value)
        return tag("td", content, class_="num", data_order=None if content == by else by, title=full)
    if kind in ("instant", "date"):
        return tag("td", written(value, entry), _small(row, entry), class_="day", data_order=order(value))
    if entry.name == "period" and not units.is_missing(row.get("size")):
        return tag(
            "td", escape(units.period(str(row["size"]), row["start"])), class_="day", data_order=str(row["start"])
        )
    shown = "" if is_total and units.is_missing(value) else written(value, entry)
    shown = shown if is_total or sheet.is_list else cutting(row, entry.name, shown)
    shown = _step(row, shown) if entry.name == "stage" and row.get("to_stage") else shown
    return tag("td", shown, _small(row, entry), class_=_style(sheet, row, entry))


def _number(sheet: _Sheet, value: object, entry: Column) -> tuple[str, str | None]:
    """The number as its column is written, and in full where that is rounded."""
    scale = sheet.scales.get(entry.name, 1)
    if scale == 1 or units.is_missing(value):
        return written(value, entry), None
    return escape(units.scaled(float(value), scale)), units.write(value, entry.unit)


def _style(sheet: _Sheet, row: Mapping[str, object], entry: Column) -> str | None:
    """The style of a text's cell."""
    if entry.name == "stage" and row.get("to_stage"):
        return "step"
    if entry.name == "sureness":
        return "sure"
    if not sheet.is_list:
        return None
    return "extra" if entry.name in EXTRA else "txt" if sheet.kinds[entry.name] == "text" else None


def _small(row: Mapping[str, object], entry: Column) -> str:
    small = below(row, entry.name)
    return tag("i", escape(small)) if small else ""


def _step(row: Mapping[str, object], stage: str) -> str:
    """A step from one stage to the next, and of which pipeline it is."""
    pipeline = row.get("pipeline")
    of = "" if units.is_missing(pipeline) or not pipeline else tag("i", escape(text(pipeline)))
    return f"{stage} → {written(row['to_stage'], column('to_stage'))}{of}"


def _leading(row: Mapping[str, object], number: str) -> str:
    """The number of a manager's deals on a stage, which leads to them where they are listed."""
    if "stage_id" not in row or not row.get("manager_id"):
        return number
    at = urlencode({"deals": "in_work", "manager": row["manager_id"], "stage": str(row["stage"])}, quote_via=quote)
    return tag("a", number, data_link="deals:in_work", data_at=at)


# ── Rates ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _rate(sheet: _Sheet, row: Mapping[str, object], entry: Column) -> str:
    name = entry.name
    k, n = row.get(f"{name}_k"), row.get(f"{name}_n")
    said = tag("span", written(row.get(name), entry) + differs(row, name, _team_of(sheet, row, name)))
    whisker = _whisker(sheet, row, name) if name in WHISKERED else ""
    few = " few" if units.is_few(n) else ""
    return tag(
        "td", said, whisker, tag("i", escape(units.k_of_n(k, n))), changed(row, entry),
        class_=f"num rate{few}", data_order=order(row.get(name)) + ("~" if few else ""),
    )  # fmt: skip


def _team_of(sheet: _Sheet, row: Mapping[str, object], name: str) -> object:
    """The team's value: what the row itself names as the team's (team_conversion of stage_conversion), else the total's."""
    return row.get(f"team_{name.rpartition('_')[2]}", sheet.total.get(name))


def _whisker(sheet: _Sheet, row: Mapping[str, object], name: str) -> str:
    """The 95 % interval as a line, the value as a dot on it, the team's value as a tick."""
    low, high, value = (row.get(f"{name}_low"), row.get(f"{name}_high"), row.get(name))
    if any(units.is_missing(each) for each in (low, high, value)):
        return '<svg class="ci" viewBox="-3 0 86 10" aria-hidden="true"></svg>'  # keeps the numbers in their column
    top = max(sheet.tops[f"{name}_high"], 1e-9)
    x = {at: f"{80 * min(max(float(each) / top, 0), 1):.0f}" for at, each in (("l", low), ("h", high), ("v", value))}
    team = sheet.total.get(name)
    tick = "" if units.is_missing(team) else f"{80 * min(float(team) / top, 1):.0f}"
    return (
        '<svg class="ci" viewBox="-3 0 86 10" aria-hidden="true">'
        f'<path d="M{x["l"]} 5H{x["h"]}"/>'
        + (f'<path class="team" d="M{tick} 0V10"/>' if tick else "")
        + tag("circle", class_=hue(row) or None, cx=x["v"], cy=5, r=2.6)
        + "</svg>"
    )


def _bar(sheet: _Sheet, row: Mapping[str, object], name: str) -> str:
    if units.is_missing(row.get(name)) or float(row[name]) <= 0:
        return ""
    width = f"width:{100 * float(row[name]) / sheet.tops[name]:.1f}%"
    return tag("b", class_=f"bar {hue(row)}".rstrip(), style=width)
