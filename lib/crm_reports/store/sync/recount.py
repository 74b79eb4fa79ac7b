"""A receipt for a sync of files: rows counted and amounts added up by DuckDB in the files themselves, beside the store.

It shares nothing with the reader but where a file lies, its encoding and what its columns are called: what a second reader
can't read in the same way is not compared, and is no difference.
"""

import codecs
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite

import duckdb

from ...sources.files import SourceFile
from ...words.texts import _
from ..engine import SCHEMA, quote, silence
from ..receipts import Difference, Receipt

log = logging.getLogger(__name__)

Connection = duckdb.DuckDBPyConnection
Pair = tuple[str, float, float, str]  # what is counted, here, in the file, and what explains a difference

WIDE = {"utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16", "utf-16-le": "utf-16"}
NARROW = re.compile(r"cp125\d|cp866|koi8.*|iso8859.*")  # a byte a letter: digits and separators are ASCII's
BLANKS = " \t\r\n\u00a0"
MINUSES = "-−–‒﹣－"
# With a point for the decimal sign, thousands parted by commas or not at all; "," and "." the other way round.
WRITTEN = {".": r"(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?", ",": r"(\d+|\d{1,3}(\.\d{3})+)?(,\d*)?"}
NAMED = {"pipeline": "pipelines", "stage": "stages", "manager": "managers"}


class _Unreadable(Exception):
    """Why a file, or a column of it, is not compared."""


def recount(connection: Connection, files: Mapping[str, SourceFile]) -> Receipt:
    """The counts of the store behind `connection`, each beside what the files hold by a reader of their own."""
    pairs: list[Pair] = []
    reasons: list[str] = []
    for table, words in {"deals": _("deals"), "leads": _("leads"), "activities": _("activities")}.items():
        try:
            if table in files:
                pairs += _compared(connection, table, words, files[table], reasons)
        except (_Unreadable, UnicodeError) as error:
            reasons.append(f"{files[table].path.name}: {_first_line(error)}")
        except duckdb.Error as refused:  # whose words may hold what a cell does; a second look must stop no sync
            reasons.append(
                f"{files[table].path.name}: {_('a second reader does not take it')} ({type(refused).__name__})"
            )
    for reason in reasons:
        log.info("not counted a second time: %s", reason)
    different = [pair for pair in pairs if not _equal(pair[1], pair[2])]
    differences = tuple(_difference(pair) for pair in different)
    problem = "" if pairs else "; ".join(reasons) or _("there is nothing to count")
    at, answered = datetime.now(UTC).isoformat(), len(pairs)
    return Receipt(at, answered + len(reasons), answered, answered - len(different), differences, problem, "files")


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _equal(here: float, there: float) -> bool:
    """To the cent, as far as sums of many amounts are that exact."""
    return abs(here - there) < max(0.005, abs(there) * 1e-9)


def _difference(pair: Pair) -> Difference:
    words, here, there, explanation = pair
    return Difference(
        words, round(here), round(there), explanation or _("counted in the file itself"), bool(explanation)
    )


def _compared(connection: Connection, table: str, words: str, file: SourceFile, reasons: list[str]) -> Iterator[Pair]:
    """The rows; of deals the amounts too, and the rows of each pipeline, stage and manager."""
    with closing(silence(duckdb.connect(config={"temp_directory": ""}))) as second:  # what is too large is not compared
        rows = _Rows.open(second, file)
        here = connection.execute(f"select count(*) from {SCHEMA}.{table}").fetchone()[0]
        there = rows.count()
        deleted = _("{n} are deleted in the CRM itself", n=file.deleted) if here + file.deleted == there else ""
        yield words, here, there, deleted if file.deleted else ""
        if table == "deals" and not file.deleted:
            # Some numbers of Parquet's DuckDB reads wrong, such as decimals kept in bytes.
            if "amount" in file.headers and file.path.suffix.lower() == ".csv":
                yield from _sums(connection, rows, file, reasons)
            for column in sorted(file.headers.keys() & _named_here(connection)):
                yield from _named(connection, rows, column)


def _sums(connection: Connection, rows: "_Rows", file: SourceFile, reasons: list[str]) -> Iterator[Pair]:
    here = connection.execute(f"select coalesce(sum(amount), 0)::double from {SCHEMA}.deals").fetchone()[0]
    sums = rows.sums("amount")
    if sums:
        yield _("the sum of all amounts of deals"), here, min(sums, key=lambda there: abs(here - there)), ""
    else:
        reasons.append(f"{file.path.name}: {_('its amounts are written in more than one way')}")


def _named_here(connection: Connection) -> set[str]:
    """The columns whose names the store has."""
    sql = "select table_name from information_schema.tables where table_schema = ?"
    tables = {name for (name,) in connection.execute(sql, [SCHEMA]).fetchall()}
    return {column for column, table in NAMED.items() if table in tables}


def _named(connection: Connection, rows: "_Rows", column: str) -> Iterator[Pair]:
    """The rows of each name, where every row has one and the store calls them as the file does."""
    there = rows.counts(column)
    sql = f"select trim(name), count(*) from {SCHEMA}.deals join {SCHEMA}.{NAMED[column]} using ({column}_id) group by all"
    here = dict(connection.execute(sql).fetchall())
    if there.keys() == here.keys():
        for name in sorted(there):
            yield _("deals of {name}", name=name), here[name], there[name], ""


@dataclass(frozen=True)
class _Rows:
    """The rows of a file as DuckDB reads them, every cell as text; our column → what it is in SQL."""

    connection: Connection
    columns: Mapping[str, str]
    is_wide: bool
    minuses: str

    @classmethod
    def open(cls, connection: Connection, file: SourceFile) -> "_Rows":
        """The file's; _Unreadable where its columns are not found under the names that they should have."""
        name = codecs.lookup(file.encoding).name if file.encoding else "utf-8"
        is_wide = name in WIDE
        wanted = {_narrowed(header, name, is_wide) for headers in file.headers.values() for header in headers}
        by_header = next(
            (found for source in _sources(file, name) if wanted <= (found := _taken(connection, source)).keys()), None
        )
        if by_header is None:
            raise _Unreadable(_("a second reader does not find its header, or not all its rows are as wide"))
        columns = {
            column: _sql([by_header[_narrowed(header, name, is_wide)] for header in headers])
            for column, headers in file.headers.items()
        }
        minuses = "".join(sign if is_wide else sign.encode(name, "ignore").decode("latin-1") for sign in MINUSES)
        made = cls(connection, columns, is_wide, minuses)
        made._leave_out_footers(list(by_header.values()))
        return made

    def _leave_out_footers(self, columns: list[str]) -> None:
        """Without rows that have one cell at most: what stands below the rows, and blank lines."""
        if len(columns) < 3:
            raise _Unreadable(_("it has too few columns to tell its rows from a footer"))
        filled = " + ".join(f"({_cell(column)} is not null)::int" for column in columns)
        self.connection.execute(f"delete from rows where {filled} < 2")

    def count(self) -> int:
        return self.connection.execute("select count(*) from rows").fetchone()[0]

    def counts(self, column: str) -> dict[str, int]:
        """The rows of each name; none where a row has no name, or the second reader can't spell it."""
        if not self.is_wide:
            return {}
        found = dict(
            self.connection.execute(f"select {self.columns[column]}, count(*) from rows group by all").fetchall()
        )
        return {} if None in found else found

    def sums(self, column: str) -> list[float]:
        """What the cells add up to: a sum for each way to write numbers that all of them are written in."""
        cell = self.columns[column]
        minus = "".join(re.escape(sign) for sign in self.minuses)
        digits = f"trim(regexp_replace({cell}, '[^0-9.,]', '', 'g'), '.,')"
        sign = f"if(regexp_matches({cell}, {quote(f'[({minus}]')}), -1, 1)"
        self.connection.execute(
            f"create or replace temp table cells as select nullif({digits}, '') as digits, {sign} as sign, {cell} as cell from rows"
        )
        if self.connection.execute(r"select bool_or(regexp_matches(cell, '\d[eE][+-]?\d')) from cells").fetchone()[0]:
            return []
        found = [self._sum(decimal, pattern) for decimal, pattern in WRITTEN.items()]
        return [each for each in found if each is not None]

    def _sum(self, decimal: str, pattern: str) -> float | None:
        thousands = "," if decimal == "." else "."
        plain = f"replace(replace(digits, '{thousands}', ''), '{decimal}', '.')"
        sql = (
            f"select coalesce(bool_and(regexp_full_match(digits, {quote(pattern)})), true), "
            f"coalesce(sum(sign * try_cast({plain} as double)), 0) from cells where digits is not null"
        )
        fits, total = self.connection.execute(sql).fetchone()
        return total if fits and isfinite(total) else None


def _taken(connection: Connection, source: str) -> dict[str, str]:
    """The rows of the file as a table; its columns by header, none where it can't be read so."""
    try:
        connection.execute(f"create or replace temp table rows as select columns(*)::varchar from {source}")
    except duckdb.Error as refused:
        log.debug("the second reader: %s", refused)
        return {}
    return {" ".join(column[0].split()): column[0] for column in connection.table("rows").description}


def _sources(file: SourceFile, encoding: str) -> Iterator[str]:
    """The file as SQL names it; of a text once for each separator that it may have."""
    suffix, path = file.path.suffix.lower(), quote(file.path)
    if suffix == ".parquet":
        yield f"read_parquet({path})"
    elif suffix != ".csv":
        raise _Unreadable(_("it is a workbook"))
    elif encoding not in WIDE and not NARROW.fullmatch(encoding):
        raise _Unreadable(_("it is written in {encoding}", encoding=encoding))
    else:
        for separator in (",", ";", "\t", "|"):
            yield (
                f"read_csv({path}, all_varchar=true, header=true, skip=0, delim={quote(separator)}, quote='\"', escape='\"', "
                f"comment='', null_padding=true, parallel=false, encoding={quote(WIDE.get(encoding, 'latin-1'))})"
            )


def _narrowed(header: str, encoding: str, is_wide: bool) -> str:
    """The header as the second reader sees it, which takes a byte for a letter of Latin-1 where it knows no better."""
    return header if is_wide else " ".join(header.encode(encoding).decode("latin-1").split())


def _cell(column: str) -> str:
    """The cell without the blanks around it; null where nothing is left."""
    name = column.replace('"', '""')
    return f"nullif(trim(\"{name}\", {quote(BLANKS)}), '')"


def _sql(columns: list[str]) -> str:
    """Of each row the first of these cells that is filled."""
    return f"coalesce({', '.join(map(_cell, columns))})"
