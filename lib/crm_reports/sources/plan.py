"""The company's own plan: plan.csv or plan.xlsx beside reports.toml, as rows of `plan_lines`.

A line is about one period of the calendar, one metric, and the whole company, a manager, a department or a pipeline.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import FilterError, near
from ..filters import Choices, parse_period
from ..filters.periods import label
from ..settings import Settings
from ..words.texts import _
from . import beside
from .files.cells import add_cells
from .files.problems import Problems
from .files.sheets import Sheet

NAME = "plan"
USUAL = "won_money"
MONEY = (USUAL, "created_money", "lost_money")
# What happens in a period and can be counted or summed: numbers of two months make one of both.
FLOWS = (
    *MONEY, "won", "created", "lost", "new_customers", "repeat_customers", "actions", "calls", "meetings", "emails",
    "crm_activities", "comments", "stage_moves", "leads_received", "leads_converted", "leads_lost",
)  # fmt: skip
WHOM = ("manager", "department", "pipeline")
KEY = ("period", "metric", *(f"{name}_id" for name in WHOM))


def path_of(settings: Settings) -> Path | None:
    """Where the company's plan is; None where it has none."""
    return beside.path_of(NAME, settings)


def read(path: Path, settings: Settings, choices: Choices, base: str) -> list[dict[str, Any]]:
    """The lines of the plan, people and all as ids; one FilesError tells everything that is wrong with them.

    `base` is the currency of money without one.
    """
    problems = Problems()
    sheet, frame = beside.table_of(NAME, path, settings, problems)
    lines = pd.DataFrame({
        "period": beside.meanings(sheet, "period", frame["period"], problems, _period),
        "metric": beside.meanings(sheet, "metric", frame["metric"], problems, _metric),
        **{f"{name}_id": beside.ids(sheet, name, frame[name], choices, problems) for name in WHOM},
        "value": frame["value"], "currency": frame["currency"],
    })  # fmt: skip
    # Beside a manager a department only says where he is.
    lines["department_id"] = lines["department_id"].where(lines["manager_id"] == "", "")
    lines["currency"] = _currencies(sheet, lines, base, problems)
    _check_values(sheet, lines, problems)
    _check_once(sheet, lines, problems)
    problems.tell()
    ids = lines[list(KEY)].agg("|".join, axis=1) if len(lines) else pd.Series(dtype=object)
    return [{"line_id": id, **row} for id, row in zip(ids, lines.to_dict("records"), strict=True)]


def _period(cell: str) -> str:
    """A month, quarter or year as it is written everywhere: 2025-03, 2025-Q1, 2025; an empty cell is told already."""
    cell = re.sub(r"( 00:00:00(\.0+)?|\.0)$", "", cell)  # of a workbook: the midnight of a day, a year that is a number
    if not cell:
        return ""
    refusal = FilterError(_("{held} is no month, quarter or year; write 2025-03, 2025-Q1 or 2025", held=repr(cell)))
    try:
        period = parse_period(cell, date(2000, 1, 1))
    except FilterError:
        raise refusal from None
    if not re.search(r"\d{4}", cell) or (period.unit not in ("month", "quarter", "year") and not _is_first(period)):
        raise refusal
    return label(period.start, period.unit or "month")


def _is_first(period: Any) -> bool:
    """The first of a month alone: what spreadsheets make of a month."""
    return period.days == 1 and period.start.day == 1


def _metric(cell: str) -> str:
    name = cell.strip().casefold() or USUAL
    if name in FLOWS:
        return name
    close = ", ".join(near(name, FLOWS) or FLOWS)
    raise FilterError(_("{held} is nothing that can be planned; near: {near}", held=repr(cell), near=close))


def _currencies(sheet: Sheet, lines: pd.DataFrame, base: str, problems: Problems) -> pd.Series:
    """The currency of each line's money; "" of what is no money."""
    is_money, is_named = lines["metric"].isin(MONEY), lines["currency"].fillna("") != ""
    counted = (is_named & ~is_money & lines["metric"].notna()).to_numpy(bool)
    add_cells(
        problems, sheet, "currency", counted, lambda cell: _("{held}: what is counted has no currency", held=cell)
    )
    code = lines["currency"].where(is_named, base)
    wrong = (is_money & ~code.str.fullmatch("[A-Z]{3}").astype(bool)).to_numpy(bool)
    add_cells(problems, sheet, "currency", wrong, lambda cell: _("{held} is no code such as RUB", held=cell))
    return code.where(is_money, "")


def _check_values(sheet: Sheet, lines: pd.DataFrame, problems: Problems) -> None:
    below = lines["value"].lt(0).to_numpy(bool)
    add_cells(problems, sheet, "value", below, lambda cell: _("{held} is below nothing; write 0 or more", held=cell))


def _check_once(sheet: Sheet, lines: pd.DataFrame, problems: Problems) -> None:
    """Two lines about the same thing, told at the later one; what could not be read is about nothing."""
    keys = lines[list(KEY)]
    double = (keys.duplicated() & keys.notna().all(axis=1) & (lines["period"] != "")).to_numpy(bool)
    first = {key: row for row, key in reversed(list(_rows(keys)))}
    earlier = iter([sheet.place(first[key]) for row, key in _rows(keys) if double[row]])
    words = _("another plan for the same stands in {place}; keep one")
    add_cells(problems, sheet, "period", double, lambda _cell: words.format(place=next(earlier)))


def _rows(keys: pd.DataFrame) -> Iterator[tuple[int, tuple[str, ...]]]:
    return enumerate(keys.itertuples(index=False, name=None))
