"""CSV as programs and people write it: its separator, its header, its rows, and where each row stands in the file."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.csv

from ...words.texts import _
from .problems import Problems

SEPARATORS = ",;\t|"
NAMED = re.compile(r'\s*"?sep=(.)"?[,;\t|]*(?:\r\n|\r|\n|$)', re.I)  # the line that Excel reads for itself
NOTHING = re.compile(r"(?:[\s,;|]*(?:\r\n|\r|\n))?")
BLANK_LINE = re.compile(r"(?<=[\r\n])[ \t]*(?:\r\n|\r|\n)(?=[^\r\n])")
LONGEST_FOOTER = 4_000  # letters
END = "\x00end of the file\x00"


@dataclass(frozen=True)
class Delimited:
    """The text of one file, taken apart: the names of its columns, from where on its rows stand, what is below them."""

    content: str
    separator: str
    names: list[str]
    start: int
    footer: str = ""

    @classmethod
    def open(cls, content: str, names: Collection[str]) -> "Delimited":
        """The separator is what the file says, else the one that parts most of these names from each other."""
        content = content.lstrip("\ufeff")
        line = NAMED.match(content)
        top = NOTHING.match(content, line.end() if line else 0).end()
        candidates = [cls(content, *_first_row(content, top, sign)) for sign in (line[1] if line else SEPARATORS)]
        best = max(candidates, key=lambda way: (len({*map(spelling, way.names)} & {*names}), len(way.names)))
        return best._without_footer()

    def _without_footer(self) -> "Delimited":
        """Without what reports sign themselves with: below a blank line, lines of one cell only."""
        tail = len(self.content) - max(self.start, len(self.content) - LONGEST_FOOTER)
        for blank in BLANK_LINE.finditer(self.content, len(self.content) - tail):
            footer = self.content[blank.end() :]
            cells = list(csv.reader(io.StringIO(footer, newline=""), delimiter=self.separator))
            if len(self.names) >= 3 and footer.count('"') % 2 == 0 and cells and max(map(len, cells)) == 1:
                texts = " ".join(cell for row in cells for cell in row)
                return replace(self, content=self.content[: blank.start() + 1], footer=texts)
        return self

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row that is not empty, with the line it begins on."""
        first = line = 1 + len(re.findall(r"\r\n|\r|\n", self.content[: self.start]))
        reader = csv.reader(io.StringIO(self.content[self.start :], newline=""), delimiter=self.separator)
        for cells in reader:
            if cells:
                yield line, cells
            line = first + reader.line_num

    def fit(self, cells: list[str]) -> list[str] | None:
        """The row as wide as the header, when only empty cells or columns without a name are too many; else None."""
        width = len(self.names)
        if any(cell.strip() for cell in cells[width:]) or any(name.strip() for name in self.names[len(cells) :]):
            return None
        return [*cells, *[""] * (width - len(cells))][:width]

    def lines(self) -> list[int]:
        """On which line each row of `table` begins."""
        return [line for line, cells in self.rows() if self.fit(cells) is not None]

    def table(self, file: str, problems: Problems) -> pa.Table:
        """The rows with every cell as text, under the numbers of the columns. What does not fit is a problem."""
        if line := self._open_quote():
            problems.add(
                _("{file}, line {line}: a quote begins in this row and never ends; close it", file=file, line=line)
            )
        table = self._read()
        return self._read_slowly(file, problems) if table is None else table

    def _columns(self) -> dict[str, pa.DataType]:
        return {str(place): pa.string() for place in range(len(self.names))}

    def _read(self) -> pa.Table | None:
        """None when a row is not as wide as the header."""
        data = self.content[self.start :].encode()
        if not data.strip():
            return pa.schema(list(self._columns().items())).empty_table()
        wrong: list[pa.csv.InvalidRow] = []
        table = pa.csv.read_csv(
            pa.BufferReader(data),
            pa.csv.ReadOptions(
                use_threads=False, block_size=min(len(data) + 1, 2**30), column_names=list(self._columns())
            ),
            pa.csv.ParseOptions(
                delimiter=self.separator,
                newlines_in_values=True,
                invalid_row_handler=lambda row: wrong.append(row) or "skip",
            ),
            pa.csv.ConvertOptions(column_types=self._columns(), strings_can_be_null=False),
        )
        return None if wrong else table

    def _read_slowly(self, file: str, problems: Problems) -> pa.Table:
        rows: list[list[str]] = []
        for line, cells in self.rows():
            row_cells = self.fit(cells)
            if row_cells is not None:
                rows.append(row_cells)
            elif any(cell.strip() for cell in cells):
                place = {"file": file, "line": line, "cells": len(cells), "columns": len(self.names)}
                problems.add(
                    _("{file}, line {line} has {cells} cells, the header {columns}; check the quotes", **place)
                )
        names = self._columns()
        cells = [pa.array([row_cells[place] for row_cells in rows], pa.string()) for place in range(len(names))]
        return pa.Table.from_arrays(cells, names=list(names))

    def _open_quote(self) -> int:
        """The line of the row whose quote runs to the end of the file; 0 when all are closed."""
        text = self.content[self.start :]
        if text.count('"') % 2 == 0:
            return 0
        *_before, (line, cells) = Delimited(f"{self.content}\n{END}", self.separator, self.names, self.start).rows()
        return 0 if cells == [END] else line


def spelling(name: str) -> str:
    """A column's name as ours are written: small letters, _ for blanks and hyphens, no mark of a sort or a must behind it."""
    return "_".join(name.strip("\ufeff").rstrip(" \t\n*↑↓").casefold().replace("-", " ").replace(" ,", ",").split())


def _first_row(content: str, start: int, separator: str) -> tuple[str, list[str], int]:
    """The separator, the cells of the row that begins at `start`, and where that row ends."""
    ends = [start]

    def lines() -> Iterator[str]:
        for line in io.StringIO(content[start:], newline=""):
            ends.append(ends[-1] + len(line))
            yield line

    cells = next(csv.reader(lines(), delimiter=separator), [])
    return separator, cells, ends[-1]
