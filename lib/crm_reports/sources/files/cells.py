"""Cells as text, numbers, flags and instants: each column typed as a whole, what can't be read told with its place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ...settings import Settings
from ...words.texts import N_, _
from . import dates, numbers
from .arrow import Unreadable, instants_of, is_instant, is_number, is_text, numbers_of, text_of
from .layout import FALSE, LAYOUTS, TRUE, WORDS, Column, Kind
from .problems import Problems
from .sheets import Sheet
from .ways import Verdict, Way, Ways

ALLOWED = {
    "number": N_("a number such as 1234.50"),
    "integer": N_("a whole number"),
    "flag": N_("yes or no (1 or 0, true or false)"),
    "instant": N_("a day or an instant such as 2025-06-30 or 2025-06-30T18:00+03:00, from 1900 to 2199"),
}
TYPES = {"number": "float64", "integer": "float64", "flag": "boolean", "instant": "datetime64[us, UTC]"}
DECIMAL: dict[str, Way] = {"": "", ".": "one", ",": "other"}
DATES: dict[str, Way] = {"": "", "day first": "one", "month first": "other"}


def nothing(kind: Kind, length: int) -> pd.Series:
    """A column without a single cell."""
    return pd.Series([None] * length, dtype=TYPES.get(kind, "str"))


@dataclass(frozen=True)
class Reader:
    """Reads sheets as the settings say; `dates` is the order of day and month where a column itself does not tell."""

    settings: Settings
    problems: Problems
    dates: Way = ""

    def frame(self, sheet: Sheet) -> pd.DataFrame:
        """The file with all its columns typed; what it does not have is there and empty."""
        columns = {column.name: self.cells(sheet, column) for column in LAYOUTS[sheet.name]}
        return pd.DataFrame(columns, index=range(sheet.table.num_rows))

    def cells(self, sheet: Sheet, column: Column) -> pd.Series:
        """The column typed, what could not be read told."""
        if column.name not in sheet.table.column_names:
            return nothing(column.kind, sheet.table.num_rows)
        try:
            cells, is_filled = self._read(sheet, column)
        except (pa.ArrowException, Unreadable):
            kind = sheet.table[column.name].type
            words = {"file": sheet.path.name, "column": column.name, "type": kind}
            self.problems.add(_("{file}, column {column} holds {type}, which can't be read; write it as text", **words))
            return nothing(column.kind, sheet.table.num_rows)
        add_cells(
            self.problems, sheet, column.name, is_filled & cells.isna().to_numpy(), lambda cell: _refusal(cell, column)
        )
        if column.must:
            add_cells(self.problems, sheet, column.name, ~is_filled, lambda _cell: _("is empty; it must be filled"))
        return cells

    def _read(self, sheet: Sheet, column: Column) -> tuple[pd.Series, np.ndarray]:
        """The cells typed, and which of them held anything: one that did and is missing now was not understood."""
        cells = sheet.table[column.name]
        if column.kind == "instant" and is_instant(cells.type):
            instants = dates.in_utc(instants_of(cells).to_pandas(), self.settings.zone)
            return dates.sane(instants), cells.is_valid().to_numpy()
        if column.kind in ("number", "integer") and is_number(cells.type):
            numbers = pd.Series(numbers_of(cells))
            return numbers.where(np.isfinite(numbers) & _fits(numbers, column)), numbers.notna().to_numpy()
        text = text_of(cells).to_pandas().astype("str")
        read: dict[Kind, Callable[[], pd.Series]] = {
            "text": lambda: text,
            "code": text.str.upper,
            "flag": lambda: _flags(text),
            "number": lambda: self._numbers(sheet, column, text),
            "integer": lambda: self._numbers(sheet, column, text),
            "instant": lambda: self._instants(sheet, column, text),
        }
        values, doubtful = _with_doubts(read.get(column.kind, lambda: _words(text, column))())
        return values, text.notna().to_numpy() & ~doubtful

    def _numbers(self, sheet: Sheet, column: Column, text: pd.Series) -> Verdict:
        ways = numbers.read(text, parts_thousands=column.name != "rate")
        verdict = ways.settle(DECIMAL[self.settings.source.decimal])
        if verdict.is_mixed:
            self._tell_mixed(sheet, column, text, ways, verdict, "decimals")
        elif verdict.doubtful.any():
            self._remark_decimals(sheet, column, text[verdict.doubtful].iloc[0])
            verdict = ways.settle("one")
        return verdict._replace(cells=verdict.cells.where(_fits(verdict.cells, column)))

    def _instants(self, sheet: Sheet, column: Column, text: pd.Series) -> Verdict:
        ways = dates.read(text, self.settings.zone)
        verdict = ways.settle(DATES[self.settings.source.dates])
        if verdict.is_mixed:
            self._tell_mixed(sheet, column, text, ways, verdict, "dates")
        elif verdict.doubtful.any() and self.dates:
            verdict = ways.settle(self.dates)
        elif verdict.doubtful.any():
            self._tell_dates(sheet, column, text[verdict.doubtful].iloc[0])
        return verdict

    def _tell_mixed(
        self, sheet: Sheet, column: Column, text: pd.Series, ways: Ways, verdict: Verdict, setting: str
    ) -> None:
        """Cells of two ways in one column: a remark when each is clear by itself, else a problem for each that is not."""
        first, second = text[ways.is_only_one].iloc[0], text[ways.is_only_other].iloc[0]
        examples = {"first": repr(first), "second": repr(second)}
        if verdict.doubtful.any():
            sentence = _("may be meant in two ways, for the column has {first} and {second}: write one way", **examples)
            add_cells(self.problems, sheet, column.name, verdict.doubtful.to_numpy(), lambda cell: f"{cell} {sentence}")
        else:
            text = _(
                "{file}, column {column} is written in two ways, {first} and {second}: each cell was read by itself.",
                file=sheet.path.name,
                column=column.name,
                **examples,
            )
            self.problems.remark(sheet.name, f"mixed_{setting}", text)

    def _remark_decimals(self, sheet: Sheet, column: Column, cell: str) -> None:
        text = _(
            "{file}, column {column}: no cell tells whether {cell} has thousands or decimals; a comma was read as parting "
            'thousands, a point as the decimal sign. If it is the other way round: decimal = "," under [source] in '
            "reports.toml.",
            file=sheet.path.name,
            column=column.name,
            cell=repr(cell),
        )
        self.problems.remark(sheet.name, "undecided_decimals", text)

    def _tell_dates(self, sheet: Sheet, column: Column, cell: str) -> None:
        text = _(
            "{file}, column {column}: no cell tells which is the month in {cell}; write days as 2025-06-30, or say "
            'dates = "day first" or "month first" under [source] in reports.toml',
            file=sheet.path.name,
            column=column.name,
            cell=repr(cell),
        )
        self.problems.add(text)


def order_of_dates(sheets: Iterable[Sheet], settings: Settings) -> Way:
    """Whether the day or the month comes first in the files, where all columns that tell it tell the same."""
    ways = {way for sheet in sheets for column in LAYOUTS[sheet.name] for way in _told_order(sheet, column, settings)}
    return ways.pop() if len(ways) == 1 else ""


def _told_order(sheet: Sheet, column: Column, settings: Settings) -> Iterable[Way]:
    """What the column tells: nothing, one way, or both."""
    if column.kind != "instant" or column.name not in sheet.table.column_names:
        return
    cells = sheet.table[column.name]
    if is_text(cells.type):
        text = text_of(cells).to_pandas().astype("str").dropna()
        ways = dates.read(text[text.str.contains(dates.DAY_OR_MONTH.replace("(", "(?:"))], settings.zone)
        yield from ["one"] * bool(ways.is_only_one.any()) + ["other"] * bool(ways.is_only_other.any())


def add_cells(problems: Problems, sheet: Sheet, column: str, bad: np.ndarray, sentence: Callable[[str], str]) -> None:
    """A problem for each bad row: its place, and what `sentence` says of the cell."""

    def problem(row: int) -> str:
        place = _("{place}, column {column}", place=sheet.place(row), column=column)
        return f"{place}: {sentence(sheet.cell(row, column))}"

    problems.add_rows(bad, problem)


def _with_doubts(read: pd.Series | Verdict) -> tuple[pd.Series, np.ndarray]:
    """The cells, and those that were told to be doubtful already."""
    if isinstance(read, Verdict):
        return read.cells, read.doubtful.to_numpy()
    return read, np.zeros(len(read), bool)


def _refusal(cell: str, column: Column) -> str:
    if column.kind in WORDS:
        return _("{held} is not one of {words}", held=cell, words=", ".join(WORDS[column.kind]))
    return _("{held} is not {allowed}", held=cell, allowed=_(ALLOWED[column.kind]))


def _fits(cells: pd.Series, column: Column) -> pd.Series:
    return (cells % 1 == 0) | (column.kind != "integer")


def _flags(text: pd.Series) -> pd.Series:
    word = text.str.casefold().str.replace(r"[.,]0$", "", regex=True)
    flag = pd.Series(pd.NA, index=text.index, dtype="boolean")
    return flag.mask(word.isin(TRUE), True).mask(word.isin(FALSE), False)


def _words(text: pd.Series, column: Column) -> pd.Series:
    word = text.str.casefold()
    return word.where(word.isin(WORDS[column.kind]))
