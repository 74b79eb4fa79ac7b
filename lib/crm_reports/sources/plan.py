"""The company's own plan: plan.csv or plan.xlsx beside reports.toml, as rows of `plan_lines`.

A line is about one period of the calendar, one metric, and the whole company, a manager, a department or a pipeline.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import FilterError, near
from ..filters import Choices, parse_period
from ..filters.choices import choose
from ..filters.periods import label
from ..settings import Settings
from ..words.texts import _
from .files.cells import Reader, add_cells
from .files.mapping import said
from .files.problems import Problems
from .files.sheets import Sheet, sheet_of

NAMES = ("plan.csv", "plan.xlsx")
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
    return next((path for name in NAMES if (path := settings.home / name).is_file()), None)


def read(path: Path, settings: Settings, choices: Choices, base: str) -> list[dict[str, Any]]:
    """The lines of the plan, people and all as ids; one FilesError tells everything that is wrong with them.

    `base` is the currency of money without one.
    """
    problems = Problems()
    if both := [name for name in NAMES if (path.parent / name).is_file()][1:]:
        problems.add(_("{one} and {other} are both there; keep one", one=NAMES[0], other=both[0]))
    sheet = sheet_of("plan", path, said(settings.files), settings.source.encoding, problems)
    problems.tell()
    frame = Reader(settings, problems).frame(sheet)
    lines = pd.DataFrame({
        "period": _periods(sheet, frame["period"], problems),
        "metric": _metrics(sheet, frame["metric"], problems),
        **{f"{name}_id": _ids(sheet, frame[name], choices, name, problems) for name in WHOM},
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


def _each(sheet: Sheet, column: str, cells: pd.Series, problems: Problems, meaning: Any) -> list[str | None]:
    """What each cell means, None where `meaning` has a sentence for it instead, as a FilterError."""
    meanings, sentences = [], {}
    for row, cell in enumerate(cells.fillna("")):
        try:
            meanings.append(meaning(cell))
        except FilterError as error:
            meanings.append(None)
            sentences[row] = str(error)
    bad = np.isin(np.arange(len(cells)), list(sentences))
    rows = iter(sentences.values())
    add_cells(problems, sheet, column, bad, lambda _cell: next(rows))
    return meanings


def _periods(sheet: Sheet, cells: pd.Series, problems: Problems) -> list[str | None]:
    return _each(sheet, "period", cells, problems, _period)


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


def _metrics(sheet: Sheet, cells: pd.Series, problems: Problems) -> list[str | None]:
    return _each(sheet, "metric", cells, problems, _metric)


def _metric(cell: str) -> str:
    name = cell.strip().casefold() or USUAL
    if name in FLOWS:
        return name
    close = ", ".join(near(name, FLOWS) or FLOWS)
    raise FilterError(_("{held} is nothing that can be planned; near: {near}", held=repr(cell), near=close))


def _ids(sheet: Sheet, cells: pd.Series, choices: Choices, name: str, problems: Problems) -> list[str | None]:
    def id_of(cell: str) -> str:
        if not cell:
            return ""
        chosen, unclear = choose(choices, name, [cell])
        if unclear or len(chosen) > 1:
            raise FilterError("; ".join(unclear) or _("{held} is several; write a line for each", held=repr(cell)))
        return chosen[0].id

    return _each(sheet, name, cells, problems, id_of)


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
