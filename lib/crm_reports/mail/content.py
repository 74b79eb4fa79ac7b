"""What a mail says: read from the JSON of a published page, cut to what fits a mail, every number already in words.

Nothing in here is escaped yet, and nothing is trusted: titles and names are whatever web forms left in the CRM.
"""

import re
from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from ..elements import entry_of
from ..look.cells import tile_change, tile_verdict, web_address
from ..look.publish import REPORTS
from ..look.tables import NUMERIC
from ..metrics.registry import SUFFIXES
from ..words import units
from ..words.texts import _, many

NAME, SENTENCE, ADDRESS = 80, 240, 500  # characters that a name, a sentence, a link may have in a mail
TILES, SENTENCES, LISTS, NOTES, FILTERS, ROWS = 9, 5, 4, 10, 8, 50

BESIDE = tuple(SUFFIXES)
TO_DO = "forgotten_deals"
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class Tile:
    """One number: its change against the comparison, whether that is good, what it was, k of n."""

    title: str
    number: str
    unit: str
    change: str
    verdict: str
    before: str
    note: str

    @property
    def value(self) -> str:
        return f"{self.number}{units.SPACE}{self.unit}" if self.unit else self.number


@dataclass(frozen=True)
class Bar:
    """A row of a list: its name, how long its bar is (0–1), its numbers, the first being the bar's."""

    name: str
    share: float
    values: tuple[str, ...]


@dataclass(frozen=True)
class Bars:
    """A list with bars: `heading` is the finding, `columns` name the numbers, `more` rows are only in the report.

    Cut short, a time line keeps its latest rows, any other list its longest bars.
    """

    heading: str
    columns: tuple[str, ...]
    rows: tuple[Bar, ...]
    more: int = 0
    is_time: bool = False

    def cut(self, most: int) -> "Bars":
        rows = self.rows[max(len(self.rows) - most, 0) :] if self.is_time else self.rows[:most]
        return replace(self, rows=rows, more=self.more + len(self.rows) - len(rows))


@dataclass(frozen=True)
class Deal:
    """A deal to work on: where it is in the CRM, its money, how long it has been silent, who has it."""

    title: str
    url: str
    money: str
    silent: str
    about: str


@dataclass(frozen=True)
class Deals:
    """What there is to do; `more` deals are only in the report."""

    heading: str
    rows: tuple[Deal, ...] = ()
    more: int = 0

    def cut(self, most: int) -> "Deals":
        rows = self.rows[:most]
        return replace(self, rows=rows, more=self.more + len(self.rows) - len(rows))


@dataclass(frozen=True)
class Content:
    """One page as a mail tells it."""

    name: str
    period: str
    comparison: str
    as_of: str
    count: str
    filters: tuple[str, ...]
    tiles: tuple[Tile, ...]
    more_tiles: tuple[Tile, ...]
    needs: tuple[str, ...]
    findings: tuple[str, ...]
    bars: tuple[Bars, ...]
    deals: Deals
    notes: tuple[str, ...]

    @property
    def headline(self) -> str:
        """The first number with its change, for the subject."""
        first = next(iter(self.tiles), None)
        return " ".join(filter(None, [first.title, first.value, first.change])) if first else ""

    def apart_from(self, headings: Collection[str]) -> "Content":
        """The same without the lists and findings that are told by something else of that heading."""
        findings = tuple(finding for finding in self.findings if finding not in headings)
        return replace(self, findings=findings, bars=tuple(bars for bars in self.bars if bars.heading not in headings))

    def cut(self, *, rows: int, deals: int, sentences: int) -> "Content":
        """The same with no more than so many rows a list, deals, and sentences of a kind."""
        bars = tuple(table.cut(rows) for table in self.bars)
        short = {name: getattr(self, name)[:sentences] for name in ("needs", "findings", "notes", "filters")}
        return replace(self, bars=bars, deals=self.deals.cut(deals), **short)


def clean(text: object, most: int) -> str:
    """The text on one line, without control characters and marks that turn lines around, cut to `most` characters."""
    line = re.sub(r" {2,}", " ", _NOT_SHOWN.sub(" ", str(text))).strip()
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


@dataclass(frozen=True)
class _PageJson:
    """The page's JSON with the words for its numbers. Call it in the reader's language."""

    json: Mapping[str, Any]

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.json["filters"]["time_zone"])

    @property
    def currency(self) -> str:
        return self.json.get("currency") or ""

    def write(self, value: object, unit: str, form: units.Form = "tile") -> str:
        if unit == "text":
            return "" if units.is_missing(value) else clean(value, NAME)
        return units.write(value, unit, currency=self.currency, zone=self.zone, form=form)

    def element(self, id: str) -> Mapping[str, Any]:
        return self.json["elements"].get(id) or {"columns": [], "rows": []}


def read(page_json: Mapping[str, Any], *, name: str) -> Content:
    """What a mail says about the page whose JSON this is, in the language of the moment."""
    page = _PageJson(page_json)
    comparison = page_json["filters"].get("comparison")
    tiles = tuple(_tiles(page))
    bars = dict(islice(_all_bars(page), LISTS))
    deals = _deals(page)
    ids = {*bars, "needs_you", *(["deals"] if deals.rows else [])}
    needs = tuple(clean(row.get("text"), SENTENCE) for row in page.element("needs_you")["rows"])[:SENTENCES]
    return Content(
        name=clean(name, NAME),
        period=_period(page),
        comparison=span(comparison["start"], comparison["last_day"]) if comparison else "",
        as_of=page.write(page_json["as_of"], "instant", "text"),
        count=_count(page),
        filters=tuple(_filters(page))[:FILTERS],
        tiles=tiles[:TILES],
        more_tiles=tiles[TILES : 3 * TILES],
        needs=needs,
        findings=tuple(_findings(page, apart_from=ids))[: SENTENCES - len(needs)],
        bars=tuple(bars.values()),
        deals=deals,
        notes=tuple(_notes(page))[:NOTES],
    )


def _period(page: _PageJson) -> str:
    period = page.json["filters"]["period"]
    words = span(period["start"], period["last_day"])
    today = units.as_instant(page.json["as_of"]).astimezone(page.zone).date()
    return _("{period} so far", period=words) if date.fromisoformat(period["last_day"]) >= today else words


def span(start: str, last_day: str) -> str:
    """Two days as a person says them: Oct 2026, Q4 2026, 2026, or 27 Aug 2026 – 24 Nov 2026."""
    first, last = date.fromisoformat(start), date.fromisoformat(last_day)
    for size, months in (("year", 12), ("quarter", 3), ("month", 1)):
        ends = date(first.year, first.month + months - 1, 1) if (first.month - 1) % months == 0 else None
        if ends and first.day == 1 and last == ends.replace(day=monthrange(ends.year, ends.month)[1]):
            return units.period(size, first)
    days = [units.write(day, "date") for day in (first, last)]
    return days[0] if first == last else " – ".join(days)


def _count(page: _PageJson) -> str:
    count, total = page.json.get("kept"), page.json.get("total")
    if count is None or total is None:
        return ""
    return _("{kept} of {total} deals", kept=units.count(count), total=units.count(total))


def _filters(page: _PageJson) -> Iterator[str]:
    """What the page leaves out: only filters that hide something."""
    for entry in page.json.get("words") or ():
        if entry["narrows"]:
            yield clean(f"{entry['label']}: {entry['text']}", SENTENCE)


def _tiles(page: _PageJson) -> Iterator[Tile]:
    element = page.element("tiles")
    entries = {metric["name"]: metric for metric in element.get("metrics", ())}
    for row in element["rows"]:
        entry = entries.get(row["metric"], {"title": row["metric"], "unit": "number", "good": "none"})
        number, unit = units.parts(row["value"], entry["unit"], currency=page.currency)
        before = row.get("previous")
        yield Tile(
            title=clean(entry["title"], NAME),
            number=number,
            unit=unit,
            change=tile_change(row, entry["unit"]),
            verdict=tile_verdict(row, entry["good"]),
            before="" if units.is_missing(before) else page.write(before, entry["unit"]),
            note=clean(row.get("note") or units.k_of_n(row.get("k"), row.get("n")), NAME),
        )


def _findings(page: _PageJson, *, apart_from: Iterable[str]) -> Iterator[str]:
    for id, element in page.json["elements"].items():
        if element.get("finding") and id not in apart_from:
            yield clean(element["finding"], SENTENCE)


def _notes(page: _PageJson) -> Iterator[str]:
    """What to know before believing: what the source lacks, and what is wrong with the data."""
    yield from (clean(hole, SENTENCE) for hole in page.json.get("holes") or ())
    yield from (clean(hole["text"], SENTENCE) for hole in page.json.get("quality") or ())
    for element in page.json["elements"].values():
        if element.get("missing"):
            yield clean(f"{element['title']}: {element['missing']}", SENTENCE)


def short(content: Content) -> tuple[str, ...]:
    """The first of what the mail says in sentences: what is to be done, what needs somebody, what stands out."""
    headings = (bars.heading for bars in content.bars)
    sentences = dict.fromkeys((content.deals.heading, *content.needs, *content.findings, *headings))
    return tuple(filter(None, sentences))[:SENTENCES]


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _all_bars(page: _PageJson) -> Iterator[tuple[str, Bars]]:
    own = page.json["report"] not in REPORTS
    for id, element in page.json["elements"].items():
        if element["kind"] in ("table", "chart") and (entry_of(id).mail or own):
            bars = _bars(page, id, element)
            if len(bars.rows) > 1:  # a list of one says nothing that the tiles don't
                yield id, bars


def _bars(page: _PageJson, id: str, element: Mapping[str, Any]) -> Bars:
    """The element's rows, the longest bar first; a time line keeps its order."""
    columns = {column["name"]: column for column in element["columns"]}
    numbers = _numbers(id, columns)
    heading = clean(element.get("finding") or element["title"], SENTENCE)
    if not numbers or "deal_id" in columns or next(iter(columns.values()))["unit"] != "text":
        return Bars(heading, (), ())
    rows = [row for row in element["rows"] if not row.get("is_total") and _is_number(row.get(numbers[0]))]
    is_time = "start" in columns
    rows = _of_one_size(rows) if is_time else sorted(rows, key=lambda row: -row[numbers[0]])
    titles = tuple(clean(columns[name]["title"], NAME) for name in numbers)
    bars = Bars(heading, titles, _rows(page, rows, columns, numbers), is_time=is_time)
    return bars.cut(12 if is_time else ROWS)


def _of_one_size(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The weeks, or the months, … of a time line that has several: the largest that give a line at all."""
    sizes = dict.fromkeys(row.get("size") for row in rows)
    parts = [[row for row in rows if row.get("size") == size] for size in sizes]
    return min((cut for cut in parts if len(cut) >= 4), key=len, default=max(parts, key=len, default=[]))


def _numbers(id: str, columns: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The columns that the list shows: those worth it, else the first three that hold a number of their own."""
    if entry_of(id).mail:
        first, *others = entry_of(id).mail
        return [name for name in (first, *others) if name in columns] if first in columns else []
    own = (name for name, column in columns.items() if column["unit"] in NUMERIC and not name.endswith(BESIDE))
    return list(own)[:3]


def _rows(
    page: _PageJson, rows: Sequence[Mapping[str, Any]], columns: Mapping[str, Any], numbers: Sequence[str]
) -> tuple[Bar, ...]:
    top = max((abs(row[numbers[0]]) for row in rows), default=0) or 1
    label = next(iter(columns))
    return tuple(
        Bar(
            _label(row, label) or units.MISSING,
            min(max(row[numbers[0]], 0) / top, 1),
            tuple(page.write(row.get(name), columns[name]["unit"]) for name in numbers),
        )
        for row in rows
    )


def _label(row: Mapping[str, Any], label: str) -> str:
    if row.get("start") and row.get("size"):
        return units.period(row["size"], row["start"]) + ("*" if row.get("is_running") else "")
    return "" if units.is_missing(row.get(label)) else clean(row[label], NAME)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not units.is_missing(value)


def _deals(page: _PageJson) -> Deals:
    element = page.element("deals")
    forgotten = [row for row in element["rows"] if row.get("is_forgotten", True)]
    if page.json["report"] != TO_DO or not forgotten:
        return Deals("")
    rows = tuple(_deal(page, row) for row in forgotten[:ROWS])
    return Deals(clean(element.get("finding") or element["title"], SENTENCE), rows, len(forgotten) - len(rows))


def _deal(page: _PageJson, row: Mapping[str, Any]) -> Deal:
    address = web_address(row.get("url"))
    names = [clean(row.get(name) or "", NAME) for name in ("customer", "manager", "stage")]
    return Deal(
        title=clean(row.get("title") or "", NAME) or _("untitled"),
        url=address if len(address) <= ADDRESS else "",
        money=page.write(row.get("money"), "money"),
        silent=page.write(row.get("days_silent"), "days"),
        about=" · ".join(filter(None, [*names, _next_step(page, row), _at_risk(page, row)])),
    )


def _next_step(page: _PageJson, row: Mapping[str, Any]) -> str:
    """What is planned, only where something is."""
    if not row.get("next_step_at"):
        return ""
    day = page.write(row["next_step_at"], "instant", "cell")
    return _("next step {step}: {day}", step=clean(row.get("next_step") or "", NAME), day=day)


def _at_risk(page: _PageJson, row: Mapping[str, Any]) -> str:
    """The money that such deals still bring, which the list is sorted by."""
    at_risk = row.get("money_at_risk")
    return _("{value} at risk", value=page.write(at_risk, "money")) if _is_number(at_risk) else ""


def more_words(count: int) -> str:
    """What stands under a list that was cut."""
    return many("and {n} more in the report", "and {n} more in the report", count)
