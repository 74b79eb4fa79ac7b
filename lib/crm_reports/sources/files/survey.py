"""What a folder of files looks like to the reader, file by file, before anything is imported."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from ...settings import Settings
from ...words.texts import _, many
from . import dates, keys, mapping, numbers
from .arrow import is_text, text_of
from .cells import DATES, DECIMAL, Reader, order_of_dates
from .checks import check
from .layout import FILES, Column
from .problems import Problems
from .sheets import Sheet, sheets
from .ways import Ways


@dataclass(frozen=True)
class Survey:
    """A sentence a line about each file, what is wrong with the folder, the lines of reports.toml that say what was taken for what.

    `is_readable`: a sync would take it.
    """

    lines: list[str]
    problems: list[str]
    mapping: str
    is_readable: bool


def survey(settings: Settings) -> Survey:
    """What the files of `source.folder` are taken for; nothing is imported, and no mistake is an error."""
    found = Problems()
    sheet_by_name = sheets(settings, found)
    order = order_of_dates(sheet_by_name.values(), settings)
    lines: list[str] = []
    unread = 0
    for name, sheet in sheet_by_name.items():
        problems = Problems()
        frame = Reader(settings, problems, order).frame(sheet)
        check(sheet, keys.without_fractions({name: frame})[name], settings.base_currency or "RUB", problems)
        lines += [*_of_sheet(sheet, settings, order), *_unread(sheet, problems), ""]
        unread += len(problems.sentences)
    is_readable = not (found.sentences or unread)
    return Survey(lines, found.sentences, _toml(sheet_by_name, settings), is_readable)


def _of_sheet(sheet: Sheet, settings: Settings, order: str) -> Iterator[str]:
    words = {"file": sheet.path.name, "name": sheet.name, "rows": sheet.table.num_rows, "export": sheet.export}
    if sheet.export:
        yield _("{file} is {name} as {export} exports them: {rows} rows", **words)
    else:
        yield _("{file} is {name}: {rows} rows", **words)
    if sheet.source:
        separator = {"\t": _("tab")}.get(sheet.source.separator, sheet.source.separator)
        yield "  " + _("encoding {encoding}, separator {separator}", encoding=sheet.encoding, separator=separator)
    for column, headers in sheet.headers.items():
        taken = ", ".join(headers)
        yield f"  {column} ← {taken}{_way(sheet, column, settings, order)}"
    if _is_worked_out(sheet):
        yield "  " + _("outcome: worked out of flags and of the stage: {stages}", stages=_pairs(_stages(sheet)))
    if sheet.rest:
        yield "  " + _("left over: {headers}", headers=", ".join(sheet.rest))


def _pairs(words: dict[str, str]) -> str:
    return ", ".join(f"{their} = {our}" for their, our in words.items())


def _way(sheet: Sheet, name: str, settings: Settings, order: str) -> str:
    """How the cells of a column of numbers or instants are meant, in brackets."""
    column = next((column for column in FILES[sheet.name] if column.name == name), Column(name))
    if not (name in sheet.table.column_names and is_text(sheet.table[name].type)):
        return ""
    text = text_of(sheet.table[name]).to_pandas().astype("str")
    if column.kind == "number":
        return f" ({_sign(numbers.read(text), settings)})"
    if column.kind == "instant":
        return f" ({_order(dates.read(text, settings.zone), settings, order)})"
    return ""


def _sign(ways: Ways, settings: Settings) -> str:
    way = ways.settle(DECIMAL[settings.source.decimal]).way
    return _("the decimal sign is a comma") if way == "other" else _("the decimal sign is a point")


def _order(ways: Ways, settings: Settings, order: str) -> str:
    way = ways.settle(DATES[settings.source.dates]).way or order
    zone = settings.time_zone
    if ways.one.equals(ways.other):
        return _("time of {zone}", zone=zone)
    words = {"one": _("day first"), "other": _("month first")}
    return f"{words.get(way, _('nothing tells the month'))}, {_('time of {zone}', zone=zone)}"


def _unread(sheet: Sheet, problems: Problems) -> Iterator[str]:
    n = len(problems.sentences) + problems.more
    if n:
        yield "  " + many("{n} cell can't be read:", "{n} cells can't be read:", n)
        yield from (f"    {sentence}" for sentence in problems.sentences)
        if problems.more:
            yield "    " + _("… and {n} more", n=problems.more)


def _toml(sheet_by_name: dict[str, Sheet], settings: Settings) -> str:
    """The mapping as [files] of reports.toml has it, so that it can be kept and changed."""
    own = [sheet for sheet in sheet_by_name.values() if sheet.path.stem.lower() != sheet.name]
    lines = ["[files.names]", *(f"{_text(sheet.path.name)} = {_text(sheet.name)}" for sheet in own), ""] if own else []
    for name, sheet in sheet_by_name.items():
        lines += [f"[files.columns.{name}]"]
        lines += [
            f"{_text(header)} = {_text(column)}" for column, headers in sheet.headers.items() for header in headers
        ]
        lines += [""]
    words = {column: of for sheet in sheet_by_name.values() for column, of in _words(sheet, settings).items()}
    for column, of in words.items():
        lines += [f"[files.words.{column}]", *(f"{_text(their)} = {_text(our)}" for their, our in of.items()), ""]
    return "\n".join(lines)


def _words(sheet: Sheet, settings: Settings) -> dict[str, dict[str, str]]:
    """Our column → its words and ours: of an outcome that was worked out, what each stage of the file means."""
    exports = {export.title: export.words for export in mapping.exports()}
    words = exports.get(sheet.export, {}) | mapping.said(settings.files).words
    of_sheet = {column: of for column, of in words.items() if column in sheet.headers}
    return of_sheet | ({"outcome": _stages(sheet)} if _is_worked_out(sheet) else {})


def _is_worked_out(sheet: Sheet) -> bool:
    """Whether the outcome is of no column of the file."""
    return "outcome" in sheet.table.column_names and "outcome" not in sheet.headers


def _stages(sheet: Sheet) -> dict[str, str]:
    """What most deals of each stage became, where the file has stages."""
    if "stage" not in sheet.table.column_names:
        return {}
    rows = sheet.table.select(["stage", "outcome"]).to_pandas().dropna()
    return {str(stage): outcome.mode()[0] for stage, outcome in rows.groupby("stage", sort=False)["outcome"]}


def _text(word: str) -> str:
    """A TOML string: the basic ones escape as JSON's do."""
    return json.dumps(word, ensure_ascii=False)
