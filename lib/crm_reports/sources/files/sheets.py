"""The files of a folder, each read into one table under our names, whatever it was written with."""

import codecs
import csv
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from ...errors import near
from ...settings import Source
from ...words.texts import _
from .arrow import is_text, plain, text_of
from .delimited import Delimited, spelling
from .encodings import Decoding, decode
from .layout import FILES
from .problems import Problems, quoted

log = logging.getLogger(__name__)

SUFFIXES = (".csv", ".parquet")


@dataclass(frozen=True)
class Sheet:
    """One file as it was read: columns under our names; `rows` are the places of its rows in the file, from 0."""

    name: str
    path: Path
    table: pa.Table
    rows: np.ndarray
    source: Delimited | None = None

    @cached_property
    def _lines(self) -> list[int]:
        return self.source.lines()

    def place(self, row: int) -> str:
        """Where a row is, as an editor shows it."""
        if self.source is None:
            return _("{file}, row {row}", file=self.path.name, row=self.rows[row] + 1)
        return _("{file}, line {line}", file=self.path.name, line=self._lines[self.rows[row]])

    def cell(self, row: int, column: str) -> str:
        """What the file holds there, as it is shown to people."""
        if column not in self.table.column_names:
            return quoted("")
        try:
            return quoted(self.table[column][row].as_py())
        except (ValueError, OverflowError, KeyError):  # an instant that Python has no year, or no zone for
            return str(self.table[column].type)


def sheets(source: Source, problems: Problems) -> dict[str, Sheet]:
    """Every file that has a name of ours, by that name."""
    paths = _files(source.folder, problems)
    if "deals" not in paths:
        names = ", ".join(sorted(path.name for path in source.folder.iterdir())[:10])
        words = {"folder": str(source.folder), "there": names or _("nothing")}
        problems.add(_("the folder {folder} must hold deals.csv or deals.parquet; it holds: {there}", **words))
    read = {name: _sheet(name, path, source, problems) for name, path in paths.items()}
    return {name: sheet for name, sheet in read.items() if sheet}


def _files(folder: Path, problems: Problems) -> dict[str, Path]:
    if not folder.is_dir():
        problems.add(_("the source's folder {folder} is not there; give a folder that holds deals.csv", folder=folder))
        problems.tell()
    paths: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.stem.lower()
        if path.suffix.lower() not in SUFFIXES or name not in FILES:
            continue
        if name in paths:
            problems.add(_("{one} and {other} are both there; keep one", one=paths[name].name, other=path.name))
        paths[name] = path
    return paths


def _sheet(name: str, path: Path, source: Source, problems: Problems) -> Sheet | None:
    try:
        if path.suffix.lower() == ".csv":
            return _csv(name, path, source.encoding, problems)
        table = pa.parquet.ParquetFile(path).read()
        return _under_our_names(Sheet(name, path, table, np.arange(len(table))), table.column_names, problems)
    except UnicodeDecodeError as error:
        problems.add(_undecodable(path, error, source.encoding))
    except (OSError, ValueError, KeyError, pa.ArrowException, csv.Error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problems.add(_("{file} can't be read: {reason}", file=path.name, reason=reason))
    return None


def _undecodable(path: Path, error: UnicodeDecodeError, setting: str) -> str:
    line = error.object[: error.start].count(b"\n") + 1
    return _(
        "{file}, line {line} holds a letter that is not {encoding}; save the file as UTF-8, or name the encoding that it "
        'has: encoding = "…" under [source] in reports.toml',
        file=path.name,
        line=line,
        encoding=setting or error.encoding,
    )


def _csv(name: str, path: Path, encoding: str, problems: Problems) -> Sheet | None:
    decoding = decode(path.read_bytes(), encoding)
    source = Delimited.open(decoding.text, [column.name for column in FILES[name]])
    if not source.names:
        problems.add(_("{file} can't be read: {reason}", file=path.name, reason=_("it is empty")))
        return None
    if not decoding.is_sure:
        _remark_encoding(name, path, decoding, problems)
    table = source.table(path.name, problems)
    return _under_our_names(Sheet(name, path, table, np.arange(len(table)), source), source.names, problems)


def _remark_encoding(name: str, path: Path, decoding: Decoding, problems: Problems) -> None:
    text = _(
        '{file} is not UTF-8 and was read as {encoding}; if its names look wrong, name another: encoding = "latin-1" '
        "under [source] in reports.toml.",
        file=path.name,
        encoding=codecs.lookup(decoding.encoding).name,
    )
    problems.remark(name, "encoding", text, is_general=True)


def _under_our_names(sheet: Sheet, names: list[str], problems: Problems) -> Sheet | None:
    """The sheet without what is not ours and without its blank rows; None when it lacks a column or has it twice."""
    columns = [spelling(name) for name in names]
    if not _has_right_columns(sheet.name, sheet.path, columns, problems):
        return None
    places = [place for place, column in enumerate(columns) if column in {field.name for field in FILES[sheet.name]}]
    table = pa.table({columns[place]: plain(sheet.table.column(place)) for place in places})
    has_cells = ~_blank_rows(sheet.table)
    return Sheet(sheet.name, sheet.path, table.filter(pa.array(has_cells)), np.flatnonzero(has_cells), sheet.source)


def _has_right_columns(name: str, path: Path, columns: list[str], problems: Problems) -> bool:
    names = [column.name for column in FILES[name]]
    missing = [column.name for column in FILES[name] if column.must and column.name not in columns]
    double = sorted({column for column in columns if column in names and columns.count(column) > 1})
    unknown = [column for column in columns if column and column not in names]
    for column in missing:
        has = ", ".join(near(column, unknown) or columns)
        problems.add(_("{file} has no column {column}; it has: {has}", file=path.name, column=column, has=has))
    for column in double:
        problems.add(_("{file} has the column {column} twice; keep one", file=path.name, column=column))
    if unknown:
        log.warning("%s: columns that are not read: %s", path.name, ", ".join(unknown))
    return not missing and not double


def _blank_rows(table: pa.Table) -> np.ndarray:
    blank = np.ones(table.num_rows, bool)
    for column in table.columns:
        if blank.any():
            cells = plain(column)
            cells = text_of(cells) if is_text(cells.type) else cells
            blank &= cells.is_null().to_numpy(zero_copy_only=False)
    return blank
