"""The workbook of a whole report: a sheet per element with its raw numbers."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from ..metrics.registry import METRICS, column
from ..words import units
from ..words.texts import _
from .cells import explained


def workbook(elements: Sequence[Mapping[str, object]], path: Path) -> None:
    """A sheet per element with its raw numbers: machine names in the hidden first row, titles and formulas below."""
    header = next((element for element in elements if element["kind"] == "header"), {})
    # A title such as =HYPERLINK(…) stays the text it is.
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        styles = _Styles(book, str(header.get("currency") or ""), _zone_of(header))
        names = _names(elements)
        _about(book.add_worksheet(names[0]), elements, header, styles)
        for name, element in zip(names[1:], _with_rows(elements), strict=True):
            _sheet(book.add_worksheet(name, _Columns), element, styles)


def sheet_of(elements: Sequence[Mapping[str, object]], id: str) -> str:
    """What the sheet of that element is called; "" where the workbook has none."""
    ids = [element["id"] for element in _with_rows(elements)]
    return _names(elements)[1 + ids.index(id)] if id in ids else ""


def _names(elements: Sequence[Mapping[str, object]]) -> list[str]:
    """What the sheets are called, in their order."""
    return sheet_names([_("About"), *(str(element["title"] or element["id"]) for element in _with_rows(elements))])


def _with_rows(elements: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return [element for element in elements if element.get("columns")]


def _zone_of(header: Mapping[str, object]) -> ZoneInfo:
    return ZoneInfo(str((header.get("filters") or {}).get("time_zone") or "UTC"))


SHEET_LENGTH = 31  # as Excel counts, which takes an emoji for two


def sheet_names(titles: Iterable[str]) -> list[str]:
    """The titles as Excel allows sheets to be called: 31 characters, none of []:*?/\\, each once whatever its case."""
    # "History" is a name that Excel keeps for itself.
    known_names, names = {"history"}, []
    for title in titles:
        names.append(next(name for name in _candidates(_sheet_name(title)) if name.casefold() not in known_names))
        known_names.add(names[-1].casefold())
    return names


def _sheet_name(title: str) -> str:
    # What can't be shown, or stands in no XML, is no part of a name.
    letters = "".join(
        letter if letter.isprintable() and letter not in "[]:*?/\\\ufffe\uffff" else " " for letter in title
    )
    return " ".join(letters.split()).strip("' ") or "–"


def _candidates(name: str) -> Iterator[str]:
    """The name, shortened, then with 2, 3 … behind it."""
    yield _shorten(name, SHEET_LENGTH)
    for number in count(2):
        behind = f" ({number})"
        yield _shorten(name, SHEET_LENGTH - len(behind)) + behind


def _shorten(name: str, length: int) -> str:
    return name.encode("utf-16-le")[: 2 * length].decode("utf-16-le", "ignore").rstrip("' ")


class _Styles:
    """The formats of one workbook, made once each."""

    def __init__(self, book: xlsxwriter.Workbook, currency: str, zone: ZoneInfo) -> None:
        self.book, self.currency, self.zone = book, currency, zone
        self.kept: dict[tuple[str, bool, bool], Format] = {}

    def of(self, unit: str, *, bold: bool = False, text: str = "") -> Format:
        """How a cell of that unit is written; a `text` that would be a formula once somebody edits it keeps its quote."""
        key = (unit, bold, text[:1] in FORMULA)
        if key not in self.kept:
            look = {"bold": True, "top": 1} if bold else {}
            look |= {"quote_prefix": True} if key[2] else {}
            form = {"num_format": units.excel_format(unit, self.currency)} if unit != "head" else _HEAD
            self.kept[key] = self.book.add_format(form | look)
        return self.kept[key]


# What a spreadsheet takes for a formula's first sign.
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")
_HEAD = {"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}
MOST_ROWS = 1_048_576 - 2


def _sheet(sheet: "_Columns", element: Mapping[str, object], styles: _Styles) -> None:
    columns, rows = element["columns"], list(element["rows"])[:MOST_ROWS]
    totals = [bool(row.get("is_total")) for row in rows]
    for place, entry in enumerate(columns):
        meaning = column(str(entry["name"]))
        unit = units.unit_word(str(entry["unit"]), currency=styles.currency)
        title = f"{entry['title']}, {unit}" if unit else str(entry["title"])
        sheet.write_string(0, place, str(entry["name"]), styles.of("text", text=str(entry["name"])))
        sheet.write_string(1, place, title, styles.of("head", text=title))
        if meaning.formula:
            sheet.write_comment(1, place, explained(meaning), {"x_scale": 2})
        sheet.set_column(place, place, _width(entry, rows))
        _column(sheet, place, entry, rows, totals, styles)
    sheet.set_row(0, None, None, {"hidden": True})
    sheet.freeze_panes(2, 1)
    if rows and columns:
        ordinary = totals.count(False)
        sheet.autofilter(1, 0, 1 + ordinary, len(columns) - 1)


def _column(
    sheet: "_Columns",
    place: int,
    entry: Mapping[str, str],
    rows: Sequence[Mapping[str, object]],
    totals: Sequence[bool],
    styles: _Styles,
) -> None:
    name, unit = entry["name"], entry["unit"]
    usual, bold = styles.of(unit), styles.of(unit, bold=True)
    values = [_for_people(row, name) for row in rows] if name == "period" else [row.get(name) for row in rows]
    if unit in ("instant", "date"):
        values = _serials(values, unit, styles.zone)
    values = [_plain(value) if isinstance(value, str | list | dict) else value for value in values]
    formulas = {value for value in set(values) if type(value) is str and value[:1] in FORMULA}
    formats = [bold if is_total else usual for is_total in totals]
    for down, value in enumerate(values) if formulas else ():
        if value in formulas:
            formats[down] = styles.of(unit, bold=totals[down], text=value)
    # A total's line above goes on where it is blank.
    sheet.add(place, values, formats, blanks=totals)


def _for_people(row: Mapping[str, object], name: str) -> object:
    """The value, a period as it is written on a page; its own name stays in the JSON."""
    if name == "period" and row.get("size") and not units.is_missing(row.get("start")):
        return units.period(str(row["size"]), row["start"])
    return row.get(name)


def _plain(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    return text[:32_767]


EPOCH = np.datetime64("1899-12-30")  # from which Excel counts days


def _serials(values: Sequence[object], unit: str, zone: ZoneInfo) -> list[float | None]:
    """Days and instants as Excel counts them: an instant by the clock on the wall."""
    texts = [None if units.is_missing(value) else str(value)[: 10 if unit == "date" else None] for value in values]
    moments = pd.to_datetime(pd.Series(texts, dtype=object), utc=True, format="ISO8601")
    walls = moments.dt.tz_convert(zone if unit == "instant" else None).dt.tz_localize(None)
    days = (walls.to_numpy() - EPOCH) / np.timedelta64(1, "D")
    return [None if np.isnan(day) else day for day in days.tolist()]


class _Columns(Worksheet):
    """A worksheet whose rows, below a header of two, are written column by column.

    XlsxWriter's own way looks at every cell on its own, which takes ten times as long; a test names what of its insides is used here.
    """

    def add(self, place: int, values: Sequence[object], formats: Sequence[Format], *, blanks: Sequence[bool]) -> None:
        """The cells of a column; a missing value has one only where `blanks` says so."""
        texts = _Texts(self.str_table._get_shared_string_index)
        cells = [texts[value] if type(value) is str else self._inside(value) for value in values]
        self.str_table.count += sum(type(value) is str for value in values) - len(texts)
        if True in blanks:
            cells = [cell or ("/>" if is_blank else "") for cell, is_blank in zip(cells, blanks, strict=True)]
        self.__dict__.setdefault("columns", []).append((xl_col_to_name(place), cells, formats))
        self._check_dimensions(len(values) + 1, place)

    def _inside(self, value: object) -> str:
        """What stands within the cell of a value that is no text; "" where there is none."""
        if value is None or units.is_missing(value):
            return ""
        if isinstance(value, bool):
            return f' t="b"><v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            return f"><v>{value:.16G}</v></c>"
        return f' t="s"><v>{self.str_table._get_shared_string_index(str(value))}</v></c>'

    def _write_rows(self) -> None:
        super()._write_rows()
        for row, cells in (
            enumerate(zip(*map(_xml, *zip(*self.columns, strict=True)), strict=True), 3)
            if "columns" in self.__dict__
            else ()
        ):
            self.fh.write(f'<row r="{row}">{"".join(cells)}</row>')


class _Texts(dict[str, str]):
    """What stands within the cell of a text: each is looked up once in a column, where most come again and again."""

    def __init__(self, index: Callable[[str], int]) -> None:
        super().__init__()
        self._index = index

    def __missing__(self, text: str) -> str:
        self[text] = inside = f' t="s"><v>{self._index(text)}</v></c>'
        return inside


def _xml(letters: str, cells: Sequence[str], formats: Sequence[Format]) -> list[str]:
    styles = {format: f'" s="{format._get_xf_index()}"' for format in dict.fromkeys(formats)}
    return [
        f'<c r="{letters}{row}{styles[format]}{inside}' if inside else ""
        for row, (inside, format) in enumerate(zip(cells, formats, strict=True), 3)
    ]


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
    lines = [(_("Filters"), "", True), *((entry["label"], entry["text"], False) for entry in header.get("words", ()))]
    synced_at = units.write(header.get("synced_at"), "instant", zone=zone)
    lines += [(_("Synced"), synced_at, False), (_("Currency"), str(header.get("currency") or ""), False)]
    notes = [(str(entry.get("count") or ""), str(entry["text"]), False) for entry in header.get("quality") or ()]
    lines += [("", "", False), (_("Before you read"), "", True), *notes] if notes else []
    metrics = dict.fromkeys(entry["name"] for element in _with_rows(elements) for entry in element["columns"])
    metrics |= dict.fromkeys(str(row.get("metric")) for entry in _with_rows(elements) for row in entry["rows"])
    columns = [column(str(name)) for name in metrics if name in METRICS]
    words = [(entry.title, f"{entry.meaning} = {entry.formula}", False) for entry in columns]
    return [*lines, ("", "", False), (_("What the words mean"), "", True), *words]
