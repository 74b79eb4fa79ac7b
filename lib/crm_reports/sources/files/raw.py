"""A file as it lies there: its own headers, its cells, and where its rows stand; CSV, Parquet, Excel's, and Excel's that is HTML."""

import csv
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import bs4
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet
from openpyxl.utils.exceptions import InvalidFileException

from ...words.texts import _
from .delimited import Delimited, spelling
from .encodings import decode
from .problems import Problems

SUFFIXES = (".csv", ".parquet", ".xlsx", ".xls")
TOP = 30  # rows among which the header of a workbook is looked for: reports come with a title above it
CAN_NOT = (OSError, ValueError, KeyError, BadZipFile, InvalidFileException, pa.ArrowException, csv.Error)

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Raw:
    """Headers as they are written, the columns under their numbers, the place of each row in the file, from 0.

    `encoding` is of a text file; one that was guessed is not sure. `footer` is what stood below the rows.
    """

    path: Path
    headers: list[str]
    table: pa.Table
    rows: np.ndarray
    source: Delimited | None = None
    encoding: str = ""
    is_sure: bool = True
    footer: str = ""

    @classmethod
    def read(cls, path: Path, names: Collection[str], encoding: str, problems: Problems) -> "Raw":
        """The file; of its rows the header is the first that holds anything, in a workbook the one with most of `names`.

        Errors: CAN_NOT, and UnicodeDecodeError for a text that is not in `encoding`.
        """
        if path.suffix.lower() == ".parquet":
            table = pa.parquet.ParquetFile(path).read()
            numbered = table.rename_columns([str(place) for place in range(table.num_columns)])
            return cls(path, [" ".join(name.split()) for name in table.column_names], numbered, np.arange(len(table)))
        if path.suffix.lower() == ".csv":
            return cls._csv(path, names, encoding, problems)
        return cls._rows(path, names, list(_rows_of(path)))

    @classmethod
    def _csv(cls, path: Path, names: Collection[str], encoding: str, problems: Problems) -> "Raw":
        decoding = decode(path.read_bytes(), encoding)
        source = Delimited.open(decoding.text, names)
        if not source.names:
            raise ValueError(_("it is empty"))
        table = source.table(path.name, problems)
        rows = np.arange(len(table))
        headers = [" ".join(name.lstrip("\ufeff").split()) for name in source.names]
        return cls(path, headers, table, rows, source, decoding.encoding, decoding.is_sure, source.footer)

    @classmethod
    def _rows(cls, path: Path, names: Collection[str], rows: list[Row]) -> "Raw":
        if not any(map(_filled, rows)):
            raise ValueError(_("it is empty"))
        top = max(range(min(TOP, len(rows))), key=lambda place: (_known(rows[place], names), _filled(rows[place]) > 0))
        headers = ["" if cell is None else " ".join(str(cell).split()) for cell in rows[top]]
        end = _end(rows, top)
        footer = " ".join(str(cell) for row in rows[end:] for cell in row if cell is not None)
        columns = [_column([_cell(row, place) for row in rows[top + 1 : end]]) for place in range(len(headers))]
        table = pa.Table.from_arrays(columns, names=[str(place) for place in range(len(headers))])
        return cls(path, headers, table, np.arange(top + 1, end), footer=footer)


def _known(row: Row, names: Collection[str]) -> int:
    return len({spelling(str(cell)) for cell in row if cell is not None} & {*names})


def _filled(row: Row) -> int:
    return sum(cell is not None and cell != "" for cell in row)


def _cell(row: Row, place: int) -> Any:
    return row[place] if place < len(row) else None


def _end(rows: list[Row], top: int) -> int:
    """Where the rows end: before the blank row after which every row has one cell at most, as reports sign themselves."""
    if _filled(rows[top]) < 3:
        return len(rows)
    last = max((place for place in range(top, len(rows)) if _filled(rows[place]) > 1), default=top)
    blank = next((place for place in range(last + 1, len(rows)) if not _filled(rows[place])), len(rows))
    return blank


def _rows_of(path: Path) -> Iterator[Row]:
    """The rows of a workbook's first sheet; of a page that is called .xls, as CRMs write it, those of its first table."""
    with path.open("rb") as file:
        head = file.read(512).lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"<"):
        yield from _rows_of_page(path)
    elif not head.startswith(b"PK"):
        raise ValueError(_("it is a workbook of old Excel; save it as .xlsx or .csv"))
    else:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # some programs write a wrong size
            yield from sheet.iter_rows(values_only=True)
        finally:
            book.close()


def _rows_of_page(path: Path) -> Iterator[Row]:
    page = bs4.BeautifulSoup(decode(path.read_bytes()).text, "html.parser")
    table = page.find("table")
    for row in table.find_all("tr") if table else ():
        yield tuple(cell.get_text(" ", strip=True) or None for cell in row.find_all(["td", "th"]))


def _column(cells: list[Any]) -> pa.Array:
    """Numbers, instants or flags where all cells are such; else the cells as text."""
    kinds = {type(cell) for cell in cells if cell is not None and cell != ""}
    values = [None if cell == "" else cell for cell in cells]
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds and kinds <= {int, float}:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if kinds and kinds <= {datetime, date}:
        return pa.array(list(_instants(values)), pa.timestamp("us"))
    return pa.array([None if value is None else _text(value) for value in values], pa.string())


def _instants(values: Iterable[Any]) -> Iterator[datetime | None]:
    for value in values:
        yield value if value is None or isinstance(value, datetime) else datetime(value.year, value.month, value.day)


def _text(value: Any) -> str:
    is_whole = isinstance(value, float) and value.is_integer()
    return str(int(value)) if is_whole else value.isoformat(" ") if isinstance(value, datetime) else str(value)
