"""The tables of `fields` from a folder of CSV or Parquet: another CRM's export, in the columns of docs/files.md.

Names serve as ids. What the files do not say is absent, never zero.
"""

import csv
import io
import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.parquet

from .errors import FilesError, all_at_once, near
from .fields import arrow_schema
from .settings import Settings
from .texts import N_, _, many

log = logging.getLogger(__name__)

Kind = Literal["text", "code", "number", "integer", "flag", "instant", "outcome", "action", "direction"]

OUTCOMES = ("open", "won", "lost")
WORDS: dict[Kind, tuple[str, ...]] = {
    "outcome": OUTCOMES,
    "action": ("call", "meeting", "email", "crm_activity", "comment"),
    "direction": ("in", "out"),
}
TRUE = ("1", "true", "yes", "y", "t", "да", "истина")
FALSE = ("0", "false", "no", "n", "f", "нет", "ложь")
ALLOWED = {
    "number": N_("a number such as 1234.50"),
    "integer": N_("a whole number"),
    "flag": N_("yes or no (1 or 0, true or false)"),
    "instant": N_("a day or an instant such as 2025-06-30 or 2025-06-30T18:00+03:00, from 1900 to 2199"),
}
SUFFIXES = (".csv", ".parquet")
MOST = 20  # sentences in one error


@dataclass(frozen=True)
class Column:
    """One column of a file; one that `must` be filled has no empty cell."""

    name: str
    kind: Kind = "text"
    must: bool = False


def _columns(*texts: str, **kinds: Kind) -> tuple[Column, ...]:
    """Columns by name; a name that ends in "!" must be filled."""
    named = [*((text, "text") for text in texts), *kinds.items()]
    return tuple(Column(name.rstrip("!"), kind, name.endswith("!")) for name, kind in named)


FILES: dict[str, tuple[Column, ...]] = {
    "deals": _columns(
        "id!", "title", "pipeline", "stage", "manager", "department", "source", "company", "contact", "loss_reason",
        **{"outcome!": "outcome", "amount": "number", "currency": "code"},
        created_at="instant", closed_at="instant",
    ),
    "stages": _columns("pipeline", "stage!", position="integer", outcome="outcome"),
    "stage_history": _columns("deal_id!", "stage!", "pipeline", **{"at!": "instant"}),
    "activities": _columns(
        "id", "deal_id", "author",
        **{"kind!": "action", "at": "instant", "completed": "flag", "created_at": "instant", "deadline": "instant"},
        direction="direction",
    ),
    "leads": _columns(
        "id!", "title", "stage", "manager", "source", "company", "contact",
        **{"outcome!": "outcome", "created_at": "instant", "closed_at": "instant"},
    ),
    "managers": _columns("name!", "job_title", "email", "department", active="flag"),
    "departments": _columns("name!", "parent", "head"),
    "currencies": _columns(**{"currency!": "code", "rate!": "number"}),
}  # fmt: skip
UNIQUE: dict[str, tuple[str, ...]] = {
    "deals": ("id",), "stages": ("pipeline", "stage"), "activities": ("id",), "leads": ("id",),
    "managers": ("name",), "departments": ("name",), "currencies": ("currency",),
}  # fmt: skip


def read(folder: Path, settings: Settings) -> dict[str, pa.Table]:
    """The tables that the files fill, typed by `fields.arrow_schema`; one FilesError tells everything that is wrong."""
    problems = Problems()
    frames = {name: _frame(sheet, settings.zone, problems) for name, sheet in _sheets(folder, problems).items()}
    base = settings.base_currency or "RUB"
    _check_rates(frames.get("currencies"), base, problems)
    problems.tell()
    tables = Export(frames, base).tables()
    return {name: _typed(name, frame) for name, frame in tables.items()}


UNTOLD = {
    "created_at": N_("The files do not say when deals were created: nothing can be counted by the day of creation."),
    "closed_at": N_(
        "The files do not say when deals were closed: won and lost are known only where stage history tells."
    ),
    "amount": N_("The files hold no amounts: there is no money in this report."),
    "manager_id": N_("The files do not say whose the deals are: nothing can be told per manager."),
}


def holes(tables: dict[str, pa.Table]) -> list[dict[str, Any]]:
    """What `tables`, as `read` gave them, leave untold: table, code, a sentence, and is_general where it counts no rows."""
    deals = tables["deals"]
    closed = deals.filter(pa.compute.not_equal(deals["outcome"], "open"))
    looked_at = {name: closed if name == "closed_at" else deals for name in UNTOLD}
    found = [name for name, rows in looked_at.items() if rows.num_rows and rows[name].null_count == rows.num_rows]
    told = [{"table": "deals", "code": f"no_{name}", "text": _(UNTOLD[name]), "is_general": True} for name in found]
    return told + _foreign_history(tables)


def _foreign_history(tables: dict[str, pa.Table]) -> list[dict[str, str]]:
    if "stage_history" not in tables:
        return []
    ours = pa.compute.is_in(tables["stage_history"]["deal_id"], tables["deals"]["deal_id"])
    foreign = len(ours) - (pa.compute.sum(ours).as_py() or 0)
    text = many(
        "{n} stage entry is of a deal that the files do not have; it is left out.",
        "{n} stage entries are of deals that the files do not have; they are left out.",
        foreign,
    )
    return [{"table": "stage_history", "code": "foreign_history", "text": text}] if foreign else []


# ── What is wrong ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Problems:
    """Sentences about what can't be read: the first ones, and how many more there are."""

    told: list[str] = field(default_factory=list)
    more: int = 0

    def add(self, sentence: str) -> None:
        if len(self.told) < MOST:
            self.told.append(sentence)
        else:
            self.more += 1

    def add_cells(self, sheet: "Sheet", column: str, bad: np.ndarray, what: Callable[[str], str]) -> None:
        """A sentence for each bad row: its place, and what `what` says of the cell."""
        rows = np.flatnonzero(bad)
        room = max(MOST - len(self.told), 0)
        for row in rows[:room]:
            held = sheet.table[column][int(row)].as_py() if column in sheet.table.column_names else ""
            place = _("{place}, column {column}", place=sheet.place(int(row)), column=column)
            self.told.append(f"{place}: {what(_shown(held))}")
        self.more += len(rows[room:])

    def tell(self) -> None:
        all_at_once([*self.told, *([_("… and {n} more", n=self.more)] if self.more else [])], FilesError)


def _shown(held: object) -> str:
    text = repr("" if held is None else held if isinstance(held, str) else str(held))
    return text if len(text) <= 60 else f"{text[:59]}…"


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Sheet:
    """One file as it was read: columns under our names; `rows` are the places of its rows in the file, from 0."""

    name: str
    path: Path
    table: pa.Table
    rows: np.ndarray

    @cached_property
    def _lines(self) -> list[int]:
        width = len(_header(_content(self.path))[0])
        return [line for line, cells in _csv_rows(_content(self.path)) if len(cells) == width][1:]

    def place(self, row: int) -> str:
        """Where a row is, as an editor shows it."""
        if self.path.suffix.lower() != ".csv":
            return _("{file}, row {row}", file=self.path.name, row=self.rows[row] + 1)
        return _("{file}, line {line}", file=self.path.name, line=self._lines[self.rows[row]])


def _sheets(folder: Path, problems: Problems) -> dict[str, Sheet]:
    """Every file that has a name of ours, by that name."""
    found = _found(folder, problems)
    if "deals" not in found:
        there = ", ".join(sorted(path.name for path in folder.iterdir())[:10]) if folder.is_dir() else ""
        said = {"folder": str(folder), "there": there or _("nothing")}
        problems.add(_("the folder {folder} must hold deals.csv or deals.parquet; it holds: {there}", **said))
    sheets = {name: _sheet(name, path, problems) for name, path in found.items()}
    return {name: sheet for name, sheet in sheets.items() if sheet}


def _found(folder: Path, problems: Problems) -> dict[str, Path]:
    if not folder.is_dir():
        problems.add(_("the source's folder {folder} is not there; give a folder that holds deals.csv", folder=folder))
        problems.tell()
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.stem.lower()
        if path.suffix.lower() not in SUFFIXES or name not in FILES:
            continue
        if name in found:
            problems.add(_("{one} and {other} are both there; keep one", one=found[name].name, other=path.name))
        found[name] = path
    return found


def _sheet(name: str, path: Path, problems: Problems) -> Sheet | None:
    try:
        table = _csv(path, problems) if path.suffix.lower() == ".csv" else pa.parquet.read_table(path)
    except (OSError, UnicodeError, pa.ArrowException, csv.Error) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        problems.add(_("{file} can't be read: {reason}", file=path.name, reason=reason))
        return None
    columns = [_spelled(each) for each in table.column_names]
    if not _has_right_columns(name, path, columns, problems):
        return None
    filled = ~_blank_rows(table)
    return Sheet(name, path, table.rename_columns(columns).filter(pa.array(filled)), np.flatnonzero(filled))


def _spelled(column: str) -> str:
    return "_".join(column.strip().casefold().replace("-", " ").split())


def _has_right_columns(name: str, path: Path, columns: list[str], problems: Problems) -> bool:
    ours = [column.name for column in FILES[name]]
    missing = [column.name for column in FILES[name] if column.must and column.name not in columns]
    double = sorted({column for column in columns if column in ours and columns.count(column) > 1})
    unknown = [column for column in columns if column not in ours]
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
            text = _text(column) if pa.types.is_string(column.type) else column
            blank &= text.is_null().to_numpy(zero_copy_only=False)
    return blank


def _csv(path: Path, problems: Problems) -> pa.Table:
    """The file with every cell as text. A row with too many or too few cells is a problem."""
    content = _content(path)
    header, delimiter = _header(content)
    wrong: list[int] = []
    data = content.encode()
    table = pa.csv.read_csv(
        pa.BufferReader(data),
        pa.csv.ReadOptions(use_threads=False, block_size=min(len(data) + 1, 2**30)),
        pa.csv.ParseOptions(
            delimiter=delimiter, newlines_in_values=True, invalid_row_handler=lambda row: wrong.append(1) or "skip"
        ),
        pa.csv.ConvertOptions(column_types={name: pa.string() for name in header}, strings_can_be_null=False),
    )
    for line, cells in _csv_rows(content) if wrong else ():
        if len(cells) != len(header) and any(cell.strip() for cell in cells):
            said = {"file": path.name, "line": line, "cells": len(cells), "columns": len(header)}
            problems.add(_("{file}, line {line} has {cells} cells, the header {columns}; check the quotes", **said))
    return table


def _content(path: Path) -> str:
    """The file's text: UTF-8, else what Russian Windows writes."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1251")


def _header(content: str) -> tuple[list[str], str]:
    """The names in the first line, and the delimiter that gives most of them."""
    line = content.lstrip("\r\n").partition("\n")[0]
    cut = {delimiter: next(csv.reader([line], delimiter=delimiter), []) for delimiter in ",;\t"}
    delimiter = max(cut, key=lambda each: len(cut[each]))
    return cut[delimiter], delimiter


def _csv_rows(content: str) -> Iterator[tuple[int, list[str]]]:
    """Every row that is not empty, with the line it begins on."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=_header(content)[1])
    line = 1
    for cells in reader:
        if cells:
            yield line, cells
        line = reader.line_num + 1


# ── Cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _frame(sheet: Sheet, zone: ZoneInfo, problems: Problems) -> pd.DataFrame:
    """The file with all its columns typed; what it does not have is there and empty."""
    typed = {column.name: _cells(sheet, column, zone, problems) for column in FILES[sheet.name]}
    frame = pd.DataFrame(typed, index=range(sheet.table.num_rows))
    key = list(UNIQUE.get(sheet.name, ()))
    if key:
        double = frame.duplicated(key).to_numpy() & frame[key[-1]].notna().to_numpy()
        problems.add_cells(sheet, key[-1], double, lambda held: _("{held} is there twice; keep one", held=held))
    _check_finished(sheet, frame, problems)
    return frame


def _cells(sheet: Sheet, column: Column, zone: ZoneInfo, problems: Problems) -> pd.Series:
    if column.name not in sheet.table.column_names:
        return _nothing(column.kind, sheet.table.num_rows)
    held = sheet.table[column.name]
    try:
        cells, given = _parse(held, column, zone)
    except pa.ArrowException:
        said = {"file": sheet.path.name, "column": column.name, "type": held.type}
        problems.add(_("{file}, column {column} holds {type}, which can't be read; write it as text", **said))
        return _nothing(column.kind, sheet.table.num_rows)
    wrong = given & cells.isna().to_numpy()
    problems.add_cells(sheet, column.name, wrong, lambda held: _not_allowed(held, column))
    if column.must:
        problems.add_cells(sheet, column.name, ~given, lambda _held: _("is empty; it must be filled"))
    return cells


def _not_allowed(held: str, column: Column) -> str:
    if column.kind in WORDS:
        return _("{held} is not one of {words}", held=held, words=", ".join(WORDS[column.kind]))
    return _("{held} is not {allowed}", held=held, allowed=_(ALLOWED[column.kind]))


def _parse(held: pa.ChunkedArray, column: Column, zone: ZoneInfo) -> tuple[pd.Series, np.ndarray]:
    """The cells typed, and which of them held anything: one that did and is missing now was not understood."""
    kind = held.type
    if column.kind == "instant" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
        cells = held.cast(pa.timestamp("us", getattr(kind, "tz", None)), safe=False).to_pandas()
        return _sane(_in_utc(cells, zone)), cells.notna().to_numpy()
    is_numeric = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if column.kind in ("number", "integer") and is_numeric:
        cells = held.cast(pa.float64(), safe=False).to_pandas()
        return cells.where(np.isfinite(cells) & _fits(cells, column)), cells.notna().to_numpy()
    text = _text(held).to_pandas().astype("str")
    return _PARSED[column.kind](text, column, zone), text.notna().to_numpy()


def _nothing(kind: Kind, length: int) -> pd.Series:
    dtype = {"number": "float64", "integer": "float64", "flag": "boolean", "instant": "datetime64[us, UTC]"}.get(
        kind, "str"
    )
    return pd.Series([None] * length, dtype=dtype)


def _text(held: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells as trimmed text, an empty one as null."""
    if pa.types.is_dictionary(held.type):
        held = held.cast(held.type.value_type)
    text = pa.compute.utf8_trim_whitespace(held.cast(pa.string()))
    return pa.compute.if_else(pa.compute.equal(text, ""), None, text)


def _number(text: pd.Series, column: Column, _zone: ZoneInfo) -> pd.Series:
    """1234.5, 1 234,50, 1,234.50, 1.234,50. A single comma before three digits parts thousands, but not in a rate."""
    plain = text.str.replace(r"[\s\u00a0\u2009\u202f'’]", "", regex=True).str.replace("−", "-")
    thousands = plain.str.fullmatch(r"-?\d{1,3}(?:,\d{3})+(?:\.\d+)?") & (column.name != "rate")
    continental = plain.str.fullmatch(r"-?\d{1,3}(?:\.\d{3})+,\d+|-?\d{1,3}(?:\.\d{3}){2,}")
    plain = plain.mask(thousands.eq(True), plain.str.replace(",", ""))
    plain = plain.mask(continental.eq(True), plain.str.replace(".", ""))
    plain = plain.str.replace(",", ".")
    understood = plain.str.fullmatch(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?").eq(True)
    numbers = plain.where(understood).astype("float64")
    return numbers.where(_fits(numbers, column))


def _fits(numbers: pd.Series, column: Column) -> pd.Series:
    return (numbers % 1 == 0) | (column.kind != "integer")


def _flag(text: pd.Series, _column: Column, _zone: ZoneInfo) -> pd.Series:
    word = text.str.casefold().str.replace(r"\.0$", "", regex=True)
    flag = pd.Series(pd.NA, index=text.index, dtype="boolean")
    return flag.mask(word.isin(TRUE), True).mask(word.isin(FALSE), False)


def _word(text: pd.Series, column: Column, _zone: ZoneInfo) -> pd.Series:
    word = text.str.casefold()
    return word.where(word.isin(WORDS[column.kind]))


_ISO = r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?"


def _instant(text: pd.Series, _column: Column, zone: ZoneInfo) -> pd.Series:
    """Days and instants in UTC; one without an offset is local, a day its midnight."""
    iso = text.str.replace(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})", r"\3-\2-\1", regex=True)
    iso = iso.str.replace(r"^(\d{4})-(\d)-", r"\1-0\2-", regex=True)
    iso = iso.str.replace(r"^(\d{4}-\d{2})-(\d)($|\D)", r"\1-0\2\3", regex=True)
    iso = iso.str.replace(r"[ Tt]+(\d):", r"T0\1:", regex=True).str.replace(",", ".")
    local = iso.where(iso.str.fullmatch(_ISO).eq(True))
    offset = iso.where(iso.str.fullmatch(rf"{_ISO} ?(?:[Zz]|[+-]\d{{2}}:?(?:\d{{2}})?)").eq(True))
    there = pd.to_datetime(local, format="ISO8601", errors="coerce").astype("datetime64[us]")
    told = pd.to_datetime(offset.str.upper(), format="ISO8601", errors="coerce", utc=True).astype("datetime64[us, UTC]")
    return _sane(_in_utc(there, zone).fillna(told))


def _in_utc(cells: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Local times that come twice are the first ones; those that do not exist are the instant the clocks jump."""
    if cells.dt.tz is None:
        first = np.ones(len(cells), bool)
        cells = cells.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return cells.dt.tz_convert("UTC").astype("datetime64[us, UTC]")


def _sane(cells: pd.Series) -> pd.Series:
    return cells.where((cells >= pd.Timestamp("1899-12-31", tz="UTC")) & (cells < pd.Timestamp("2200-01-02", tz="UTC")))


_PARSED: dict[Kind, Callable[[pd.Series, Column, ZoneInfo], pd.Series]] = {
    "text": lambda text, _column, _zone: text,
    "code": lambda text, _column, _zone: text.str.upper(),
    "number": _number,
    "integer": _number,
    "flag": _flag,
    "instant": _instant,
    **dict.fromkeys(WORDS, _word),
}


def _check_finished(sheet: Sheet, frame: pd.DataFrame, problems: Problems) -> None:
    if sheet.name != "activities":
        return
    timeless = (_is_done(frame) & frame["at"].isna()).to_numpy() & ~_given(sheet, "at")
    problems.add_cells(sheet, "at", timeless, lambda _held: _("is empty; a finished activity needs its instant"))


def _given(sheet: Sheet, column: str) -> np.ndarray:
    if column not in sheet.table.column_names:
        return np.zeros(sheet.table.num_rows, bool)
    return sheet.table[column].cast(pa.string()).to_pandas().fillna("").str.strip().ne("").to_numpy()


def _check_rates(rates: pd.DataFrame | None, base: str, problems: Problems) -> None:
    for row in () if rates is None else rates.itertuples():
        said = {"currency": repr(row.currency), "rate": repr(row.rate), "base": base}
        if row.rate <= 0:
            problems.add(
                _("currencies: the rate of {currency} is {rate}; give what one unit is worth in {base}", **said)
            )
        elif row.currency == base and row.rate != 1:
            problems.add(_("currencies: {base} is the base currency, its rate is {rate}; it must be 1", **said))


# ── Tables ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def _stage_ids(pipeline: pd.Series, stage: pd.Series) -> pd.Series:
    """One id per pipeline and stage: PIPELINE/STAGE, where a "/" of the pipeline's own name is %2F."""
    return pipeline.str.replace("%", "%25").str.replace("/", "%2F") + "/" + stage


def _is_done(activities: pd.DataFrame) -> pd.Series:
    """Finished, as the file says; where it says nothing at all it is a record of what was done. Comments always are."""
    completed = activities["completed"].fillna(activities["completed"].isna().all()).astype(bool)
    return completed | (activities["kind"] == "comment")


def _most_frequent(rows: pd.DataFrame, of: list[str], what: str) -> pd.DataFrame:
    """For each `of` the value of `what` that most rows hold; of equals the one that is there last."""
    rows = rows[[*of, what]].dropna(subset=what).reset_index(drop=True)
    counted = rows.assign(place=rows.index).groupby([*of, what])["place"].agg(["size", "max"]).reset_index()
    return counted.sort_values(["size", "max"]).drop_duplicates(of, keep="last")[[*of, what]]


def _names(*columns: pd.Series) -> pd.Series:
    """Every name in the columns once, in the order of appearance."""
    return pd.concat(columns).dropna().drop_duplicates().reset_index(drop=True)


def _named(key: str, names: pd.Series) -> pd.DataFrame:
    """A table of names that are their own ids."""
    return pd.DataFrame({key: names, "name": names})


@dataclass(frozen=True)
class Export:
    """The typed files of one folder, and the tables they make."""

    files: dict[str, pd.DataFrame]
    base: str

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables that the files can honestly fill, by the names of `fields.TABLES`."""
        made = {"deals": self.deals, "currencies": self.currencies}
        told = {
            "pipelines": self.pipelines,
            "stages": self.stages,
            "sources": _named("source_id", _names(*self._all("source"))),
            "companies": _named("company_id", _names(*self._all("company"))),
            "contacts": _named("contact_id", _names(*self._all("contact"))),
            "managers": self.managers,
            "departments": self.departments,
            "manager_departments": self.manager_departments,
        }
        made |= {name: table for name, table in told.items() if len(table)}
        made |= {name: getattr(self, name) for name in ("stage_history", "activities", "leads") if name in self.files}
        return made | ({"lead_stages": self.lead_stages} if "leads" in self.files else {})

    def _file(self, name: str) -> pd.DataFrame:
        if name in self.files:
            return self.files[name]
        return pd.DataFrame({column.name: _nothing(column.kind, 0) for column in FILES[name]})

    def _all(self, column: str) -> Iterable[pd.Series]:
        """That column of the deals and of the leads."""
        return (self._file("deals")[column], self._file("leads")[column])

    @cached_property
    def _pipeline_of(self) -> pd.Series:
        """Each deal's pipeline. No name is the unnamed pipeline "", not an absent one: its stages make a funnel too."""
        return self._file("deals")["pipeline"].fillna("")

    @property
    def deals(self) -> pd.DataFrame:
        file = self._file("deals")
        renamed = file.rename(columns={"id": "deal_id", "manager": "manager_id", "source": "source_id"})
        renamed = renamed.rename(columns={"company": "company_id", "contact": "contact_id"})
        return renamed.assign(
            pipeline_id=self._pipeline_of,
            stage_id=_stage_ids(self._pipeline_of, file["stage"]),
        )

    @cached_property
    def pipelines(self) -> pd.DataFrame:
        names = _names(self._file("stages")["pipeline"], self._file("deals")["pipeline"], self._history["pipeline"])
        names = names[names != ""].reset_index(drop=True)
        return _named("pipeline_id", names).assign(position=range(len(names)))

    @cached_property
    def _history(self) -> pd.DataFrame:
        """The history's file with every entry's pipeline: its own, else its deal's."""
        file = self._file("stage_history")
        homes = pd.Series(self._pipeline_of.to_numpy(), index=self._file("deals")["id"].to_numpy(), dtype="str")
        pipeline = file["pipeline"].fillna(file["deal_id"].map(homes).astype("str")).fillna("")
        return file.assign(pipeline=pipeline)

    @cached_property
    def _listed_stages(self) -> pd.DataFrame:
        """The stages' file. A row without pipeline is of every pipeline; without positions the rows' order counts."""
        file = self._file("stages")
        if file["position"].isna().all():
            file = file.assign(position=range(len(file)))
        used = _names(file["pipeline"], self._pipeline_of, self._history["pipeline"])
        spread = file[file["pipeline"].isna()].drop(columns="pipeline").merge(used.rename("pipeline"), how="cross")
        return pd.concat([file[file["pipeline"].notna()], spread], ignore_index=True)

    @cached_property
    def stages(self) -> pd.DataFrame:
        """The listed stages, then those that only deals or history name: these have no position."""
        deals = self._file("deals").assign(pipeline=self._pipeline_of)
        every = pd.concat([self._listed_stages, deals[["pipeline", "stage"]], self._history[["pipeline", "stage"]]])
        every = every.dropna(subset="stage").drop_duplicates(["pipeline", "stage"])
        seen = _most_frequent(deals.dropna(subset="stage"), ["pipeline", "stage"], "outcome")
        every = every.merge(seen.rename(columns={"outcome": "seen"}), on=["pipeline", "stage"], how="left")
        return pd.DataFrame({
            "stage_id": _stage_ids(every["pipeline"], every["stage"]),
            "pipeline_id": every["pipeline"],
            "name": every["stage"],
            "position": every["position"],
            "outcome": every["outcome"].fillna(every["seen"]).fillna("open"),
        })  # fmt: skip

    @property
    def stage_history(self) -> pd.DataFrame:
        file = self._history
        stage_id = _stage_ids(file["pipeline"], file["stage"])
        outcome = stage_id.map(self.stages.set_index("stage_id")["outcome"])
        return file.assign(
            history_id=range(1, len(file) + 1), stage_id=stage_id, pipeline_id=file["pipeline"], outcome=outcome
        )

    @property
    def activities(self) -> pd.DataFrame:
        """What was done and what is planned; an activity of no deal of ours counts for its author."""
        file, is_done = self._file("activities"), _is_done(self._file("activities"))
        comes_in = file["direction"] == "in"
        is_incoming = (file["kind"] == "email") & comes_in
        is_ours = file["deal_id"].isin(self._file("deals")["id"])
        return pd.DataFrame({
            "activity_id": file["id"].fillna("#" + pd.Series(range(1, len(file) + 1), dtype="str")),
            "owner_type": pd.Series(np.where(is_ours, "deal", "other"), dtype="str"),
            "owner_id": file["deal_id"],
            "manager_id": file["author"],
            "kind": file["kind"],
            "is_done": is_done,
            "is_action": is_done & ~is_incoming,
            "is_incoming": is_incoming,
            # A message that came in, a missed call or a comment is nobody's next step.
            "is_plan": (file["kind"] != "comment") & ~comes_in,
            "created_at": file["created_at"],
            "at": file["at"].where(is_done),
            "deadline_at": file["deadline"].fillna(file["at"].mask(is_done)),
        })  # fmt: skip

    @property
    def leads(self) -> pd.DataFrame:
        renamed = {"id": "lead_id", "stage": "stage_id"}
        return self._file("leads").rename(columns=renamed | {
            each: f"{each}_id" for each in ("manager", "source", "company", "contact")
        })  # fmt: skip

    @property
    def lead_stages(self) -> pd.DataFrame:
        seen = _most_frequent(self._file("leads").dropna(subset="stage"), ["stage"], "outcome")
        return seen.assign(stage_id=seen["stage"], name=seen["stage"])

    @cached_property
    def managers(self) -> pd.DataFrame:
        file = self._file("managers")
        names = _names(file["name"], *self._all("manager"), self._file("activities")["author"])
        known = _named("manager_id", names).merge(file[["name", "active", "job_title", "email"]], on="name", how="left")
        return known.assign(is_active=known["active"].fillna(True))

    @cached_property
    def manager_departments(self) -> pd.DataFrame:
        """Whose department is which: as the managers' file says, else the one that most of their deals name."""
        file = self._file("managers").rename(columns={"name": "manager"})
        deals = self._file("deals").dropna(subset="manager").sort_values("created_at", na_position="first")
        homes = pd.concat([
            file[["manager", "department"]].dropna(), _most_frequent(deals, ["manager"], "department")
        ]).drop_duplicates("manager")  # fmt: skip
        return homes.rename(columns={"manager": "manager_id", "department": "department_id"}).assign(position=0)

    @cached_property
    def departments(self) -> pd.DataFrame:
        file = self._file("departments")
        deals, managers = self._file("deals"), self._file("managers")
        names = _names(file["name"], file["parent"], managers["department"], deals["department"])
        known = _named("department_id", names).merge(file, on="name", how="left")
        return known.rename(columns={"parent": "parent_id", "head": "head_id"})

    @property
    def currencies(self) -> pd.DataFrame:
        file = self._file("currencies")
        base = pd.DataFrame({"currency": [self.base], "rate": [1.0]})
        every = pd.concat([base, file[file["currency"] != self.base]], ignore_index=True)
        return every.assign(is_base=every["currency"] == self.base)


def _typed(name: str, frame: pd.DataFrame) -> pa.Table:
    """The frame as `fields` has it: those columns, those types, nothing else."""
    schema = arrow_schema(name)
    columns = [
        pa.array(frame[each.name], each.type, from_pandas=True)
        if each.name in frame
        else pa.nulls(len(frame), each.type)
        for each in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)
