"""The files of a folder, each read into one table under our names, whatever it was written with and calls its columns."""

import codecs
import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute

from ...errors import near
from ...settings import Settings
from ...words.texts import _
from . import mapping
from .arrow import is_text, plain, text_of
from .delimited import Delimited, spelling
from .layout import FILES, LAYOUTS
from .mapping import DELETED, Mapping
from .outcomes import outcomes, translated
from .problems import Problems, quoted
from .raw import CAN_NOT, SUFFIXES, Raw

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sheet:
    """One file as it was read: columns under our names; `rows` are the places of its rows in the file, from 0.

    `headers`: our column → the headers it came from; `rest`: those of no column of ours; `export`: whose export it is.
    """

    name: str
    path: Path
    table: pa.Table
    rows: np.ndarray
    source: Delimited | None
    headers: dict[str, list[str]]
    rest: tuple[str, ...]
    export: str
    encoding: str
    others: pa.Table  # all its columns by its own headers, where fields of the company's own are among them
    deleted: int = 0  # rows that the CRM itself says are deleted, and that are left out

    @cached_property
    def _lines(self) -> list[int]:
        return self.source.lines()

    def of_column(self, place: int) -> "Sheet":
        """The sheet as one of that column of the file alone, under its own header."""
        return replace(self, table=self.others.select([place]))

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


def sheets(settings: Settings, problems: Problems) -> dict[str, Sheet]:
    """Every file of the source's folder that is one of ours, by our name."""
    folder, more = settings.source.folder, mapping.said(settings.files)
    _check_words(settings, problems)
    raws = _files(folder, settings, problems)
    read = {name: _sheet(name, raw, more, problems, _own(name, settings)) for name, raw in raws.items() if raw}
    return {name: sheet for name, sheet in read.items() if sheet}


FILE_OF = {"deal": "deals", "lead": "leads"}  # whose columns may be fields of the company's own


def _own(name: str, settings: Settings) -> set[str]:
    """The headers that [fields] in reports.toml names of the file."""
    return {spelling(field.source) for field in settings.fields.values() if FILE_OF.get(field.of) == name}


def _check_words(settings: Settings, problems: Problems) -> None:
    """Names in [files] that are none of ours."""
    of_file = [("names", our, FILES) for our in settings.files.names.values()]
    of_file += [("columns", file, LAYOUTS) for file in settings.files.columns]
    columns = {file: {*(column.name for column in LAYOUTS[file]), *mapping.SIGNS} for file in LAYOUTS}
    of_file += [
        (f"columns.{file}", our, sorted(columns[file]))
        for file, names in settings.files.columns.items()
        if file in LAYOUTS
        for our in names.values()
    ]
    of_file += [("words", column, sorted(set().union(*columns.values()))) for column in settings.files.words]
    for table, word, allowed in of_file:
        if word not in allowed:
            names = ", ".join(near(word, allowed) or allowed)
            problems.add(
                _("[files.{table}] names {word}, which is none of ours: {names}", table=table, word=word, names=names)
            )


def _files(folder: Path, settings: Settings, problems: Problems) -> dict[str, Raw | None]:
    """Each file of ours: by the name that reports.toml or the file itself gives, else by its headers; None: can't be read."""
    if not folder.is_dir():
        problems.add(_("the source's folder {folder} is not there; give a folder that holds deals.csv", folder=folder))
        problems.tell()
    candidates = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in SUFFIXES]
    names = {path: settings.files.names.get(path.name, path.stem.lower()) for path in candidates}
    named = [(name, path) for path, name in names.items() if name in FILES]
    encoding, more = settings.source.encoding, mapping.said(settings.files)
    raws: dict[str, Raw | None] = {}
    strangers: list[Raw] = []
    for name, path in named:
        _add(raws, name, path, _raw(path, _headers([name], more), encoding, problems), problems)
    if "deals" not in raws:
        for path in sorted({*candidates} - {path for _name, path in named}):
            raw = _raw(path, _headers(FILES, more), encoding, unsaid := Problems())
            if raw and (name := mapping.recognized(raw.headers)):
                problems.sentences += unsaid.sentences
                _add(raws, name, path, raw, problems)
            elif raw:
                strangers.append(raw)
    if "deals" not in raws:
        problems.add(_no_deals(folder, strangers))
    return raws


def _no_deals(folder: Path, strangers: Collection[Raw]) -> str:
    """What to do where no file is one of deals: of one that nearly is, what it lacks."""
    for raw in strangers:
        if export := mapping.almost(raw.headers):
            return _(
                "{file} looks like deals of {export}, but no column has their ids: export it with one more, or name one: "
                '"HEADER" = "id" under [files.columns.deals] and "{file}" = "deals" under [files.names] in reports.toml',
                file=raw.path.name,
                export=export.title,
            )
    names = ", ".join(sorted(path.name for path in folder.iterdir())[:10])
    return _(
        "the folder {folder} must hold deals.csv, .xlsx or .parquet, or deals as a CRM exports them; it holds: {there}",
        folder=str(folder),
        there=names or _("nothing"),
    )


def _add(raws: dict[str, Raw | None], name: str, path: Path, raw: Raw | None, problems: Problems) -> None:
    if there := raws.get(name):
        problems.add(_("{one} and {other} are both there; keep one", one=there.path.name, other=path.name))
    raws[name] = raw


def _headers(files: Collection[str], more: Mapping) -> set[str]:
    """Every header that may stand in these files, as `spelling` writes it."""
    ours = {column.name for file in files for column in LAYOUTS[file]}
    return ours.union(*(export.names(file) for export in (more, *mapping.exports()) for file in files))


def _raw(path: Path, names: Collection[str], encoding: str, problems: Problems) -> Raw | None:
    """The file as it lies there; None when it can't be read, which `problems` tells."""
    try:
        return Raw.read(path, names, encoding, problems)
    except UnicodeDecodeError as error:
        problems.add(_undecodable(path, error, encoding))
    except CAN_NOT as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problems.add(_("{file} can't be read: {reason}", file=path.name, reason=reason))
    return None


def sheet_of(name: str, path: Path, more: Mapping, encoding: str, problems: Problems) -> Sheet | None:
    """One file under the names of the layout `name`; None when it can't be read, which `problems` tells."""
    raw = _raw(path, _headers([name], more), encoding, problems)
    return raw and _sheet(name, raw, more, problems)


def _sheet(name: str, raw: Raw, more: Mapping, problems: Problems, own: Collection[str] = frozenset()) -> Sheet | None:
    _remark(name, raw, problems)
    return _under_our_names(name, raw, more, problems, own)


def _undecodable(path: Path, error: UnicodeDecodeError, setting: str) -> str:
    line = error.object[: error.start].count(b"\n") + 1
    return _(
        "{file}, line {line} holds a letter that is not {encoding}; save the file as UTF-8, or name the encoding that it "
        'has: encoding = "…" under [source] in reports.toml',
        file=path.name,
        line=line,
        encoding=setting or error.encoding,
    )


def _remark(name: str, raw: Raw, problems: Problems) -> None:
    """A guess at the encoding, and a footer that was left out."""
    if not raw.is_sure:
        text = _(
            '{file} is not UTF-8 and was read as {encoding}; if its names look wrong, name another: encoding = "latin-1" '
            "under [source] in reports.toml.",
            file=raw.path.name,
            encoding=codecs.lookup(raw.encoding).name,
        )
        problems.remark(name, "encoding", text, is_general=True)
    if raw.footer:
        log.info("%s: left out below the rows: %s", raw.path.name, quoted(raw.footer))


def _under_our_names(name: str, raw: Raw, more: Mapping, problems: Problems, own: Collection[str]) -> Sheet | None:
    """The sheet without what is not ours and without its blank rows; None when it lacks a column or has it twice."""
    names = more.with_more(_export(name, raw, more))
    places = names.places(name, raw.headers)
    used = {place for of_column in places.values() for place in of_column}
    used |= {place for place, header in enumerate(raw.headers) if spelling(header) in own}
    rest = tuple(header for place, header in enumerate(raw.headers) if header.strip() and place not in used)
    table = _table(name, raw, places, names)
    if not _has_right_columns(name, raw, table, places, names, rest, problems):
        return None
    is_deleted = _deleted(raw, table)
    has_cells = ~_blank_rows(raw.table) & ~is_deleted
    headers = {column: [raw.headers[place] for place in of_column] for column, of_column in places.items()}
    table, rows = table.filter(pa.array(has_cells)), raw.rows[has_cells]
    columns = [plain(column).filter(pa.array(has_cells)) for column in (raw.table.columns if own else ())]
    others = pa.Table.from_arrays(columns, names=list(raw.headers) if own else [])
    deleted = int(is_deleted.sum())
    return Sheet(name, raw.path, table, rows, raw.source, headers, rest, names.title, raw.encoding, others, deleted)


def _export(name: str, raw: Raw, more: Mapping) -> Mapping:
    """The known export that the file is, unless it has what must be there under our names already."""
    musts = {column.name for column in LAYOUTS[name] if column.must}
    return Mapping() if musts <= more.places(name, raw.headers).keys() else mapping.known(name, raw.headers)


def _table(name: str, raw: Raw, places: dict[str, list[int]], names: Mapping) -> pa.Table:
    """The columns of ours that the file has, in our words; an outcome that no column says worked out of its signs."""
    columns = {column: _merged([plain(raw.table.column(place)) for place in of]) for column, of in places.items()}
    columns = {column: translated(cells, names.words.get(column, {})) for column, cells in columns.items()}
    if "outcome" in {column.name for column in LAYOUTS[name] if column.must} and "outcome" not in columns:
        columns |= outcomes(columns, names.words.get("outcome", {}))
    return pa.table({column.name: columns[column.name] for column in LAYOUTS[name] if column.name in columns})


def _merged(columns: list[pa.ChunkedArray]) -> pa.ChunkedArray:
    """Of each row the first cell that is filled; columns of another type than the first are left out."""
    first, *others = columns
    alike = [column for column in others if column.type == first.type]
    if not alike:
        return first
    return pa.compute.coalesce(*(text_of(column) if is_text(column.type) else column for column in [first, *alike]))


def _has_right_columns(
    name: str,
    raw: Raw,
    table: pa.Table,
    places: dict[str, list[int]],
    names: Mapping,
    rest: tuple[str, ...],
    problems: Problems,
) -> bool:
    missing = [column.name for column in LAYOUTS[name] if column.must and column.name not in table.column_names]
    double = sorted(
        column for column, of in places.items() if len({spelling(raw.headers[place]) for place in of}) < len(of)
    )
    for column in missing:
        has = ", ".join(near(column, map(spelling, rest)) or [header for header in raw.headers if header.strip()])
        words = {"file": raw.path.name, "column": column, "has": has, "table": name}
        problems.add(
            _(
                '{file} has no column {column}; it has: {has}. Say which it is: "HEADER" = "{column}" under '
                "[files.columns.{table}] in reports.toml",
                **words,
            )
        )
    for column in double:
        problems.add(_("{file} has the column {column} twice; keep one", file=raw.path.name, column=column))
    if rest:
        log.warning("%s: columns that are not read: %s", raw.path.name, ", ".join(rest))
    return not missing and not double


def _deleted(raw: Raw, table: pa.Table) -> np.ndarray:
    """Of each row, whether the CRM itself says that it is deleted."""
    if "outcome" not in table.column_names:
        return np.zeros(table.num_rows, bool)
    is_deleted = text_of(plain(table["outcome"])).to_pandas().astype("str").eq(DELETED).to_numpy()
    if is_deleted.any():
        log.warning("%s: rows that are deleted in the CRM and not read: %d", raw.path.name, is_deleted.sum())
    return is_deleted


def _blank_rows(table: pa.Table) -> np.ndarray:
    blank = np.ones(table.num_rows, bool)
    for column in table.columns:
        if blank.any():
            cells = plain(column)
            cells = text_of(cells) if is_text(cells.type) else cells
            blank &= cells.is_null().to_numpy(zero_copy_only=False)
    return blank
