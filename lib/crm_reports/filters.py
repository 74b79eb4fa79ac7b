"""What a person typed, as frozen `Filters`, and back to words.

A period is whole days of the CRM's time zone, its end exclusive. An empty filter means everything.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256
from typing import Literal, Self
from zoneinfo import ZoneInfo

from .errors import FilterError, all_at_once, near
from .words import texts, units
from .words.texts import N_, _, many, speaking

Comparison = Literal["previous", "year_ago", "none"]
Typed = str | int | Collection[str | int] | None

COMPARISONS: tuple[Comparison, ...] = ("previous", "year_ago", "none")
DIMENSIONS = ("pipeline", "department", "manager", "source")
BEGINNING = date(1900, 1, 1)
LAST_YEAR = 2100
DAY = timedelta(days=1)
WHOLES = ("week", "month", "quarter", "year")


# ── Periods ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Period:
    """Whole days from `start` up to, not including, `end`; `text` is how it would be typed.

    `unit` says which whole of the calendar it is (week, month, quarter, year), "" for none. One that `is_open` has no
    beginning of its own: it starts with the first thing that is counted.
    """

    start: date
    end: date
    text: str = field(default="", compare=False)
    unit: str = field(default="", compare=False)
    is_open: bool = field(default=False, compare=False)

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    @property
    def last_day(self) -> date:
        return self.end - DAY


EXAMPLES = (
    "today", "yesterday", "this_week", "this_month", "this_quarter", "this_year",
    "last_week", "last_month", "last_quarter", "last_year", "last_7_days", "last_30_days", "last_90_days",
    "last_4_weeks", "last_3_months", "last_12_months", "last_4_quarters", "last_2_years",
    "wtd", "mtd", "qtd", "ytd", "all",
)  # fmt: skip
UNITS = {
    "day": r"days?|день|дня|дней|сутки|суток",
    "week": r"weeks?|недел[яиюь]",
    "month": r"months?|месяц(?:а|ев)?",
    "quarter": r"quarters?|квартал(?:а|ов)?",
    "year": r"years?|год(?:а|ов)?|лет",
}
THIS = r"this|current|(?:эт|текущ)[а-я]+"
LAST = r"last|past|previous|(?:прошл|последн|предыдущ)[а-я]+"
SAME_AS = {
    "today": "this day", "сегодня": "this day", "yesterday": "last day", "вчера": "last day",
    "wtd": "this week", "mtd": "this month", "qtd": "this quarter", "ytd": "this year",
    "week to date": "this week", "month to date": "this month", "quarter to date": "this quarter",
    "year to date": "this year", "с начала недели": "this week", "с начала месяца": "this month",
    "с начала квартала": "this quarter", "с начала года": "this year",
}  # fmt: skip
EVERYTHING = ("", "..", "all", "all time", "everything", "все", "все время", "весь период")
MONTHS = (
    "jan|янв", "feb|фев", "mar|мар", "apr|апр", "may|ма[йя]", "jun|июн",
    "jul|июл", "aug|авг", "sep|сен", "oct|окт", "nov|ноя", "dec|дек",
)  # fmt: skip

_RELATIVE = re.compile(
    rf"(?:(?P<this>{THIS})|(?:{LAST}) ?(?P<count>\d{{1,4}})?) ?(?:"
    + "|".join(f"(?P<{unit}>{words})" for unit, words in UNITS.items())
    + ")"
)
_CALENDAR = [
    re.compile(pattern)
    for pattern in (
        r"(?P<year>\d{4})",
        r"(?P<year>\d{4})-(?P<month>\d{1,2})",
        r"(?P<month>\d{1,2})\.(?P<year>\d{4})",
        r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})",
        r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})",
        r"(?P<year>\d{4})[- ]?q(?P<quarter>\d)",
        r"q(?P<quarter>\d)[- ]?(?P<year>\d{4})",
        r"(?P<quarter>\d)(?:-?й)? квартал (?P<year>\d{4})",
        r"(?P<year>\d{4})[- ]?w(?P<week>\d{1,2})",
    )
]


def parse_period(text: str, today: date) -> Period:
    """The days that `text` names: 2025-03, 2025-Q1, 2024-12-01..2025-03-13, last_month, last_90_days, mtd, …

    `last_N_…` are whole days, weeks, months before the one that holds `today`; an open end reaches up to yesterday.
    """
    try:
        period = _everything(text, today) or _named(_plain(text), today) or _range(_plain(text), today)
    except (ValueError, OverflowError):  # of date(): 2025-02-30, 2025-W54
        raise FilterError(_("period {held} names no day of the calendar; {allowed}", **_held(text))) from None
    if period is None:
        raise FilterError(_("period {held} is not understood; {allowed}", **_held(text)))
    if period.end <= period.start:
        said = {"held": repr(text), "first": period.start, "last": period.last_day}
        raise FilterError(_("period {held} is {first}..{last}, which holds no day; put the earlier day first", **said))
    if period.start < BEGINNING or period.last_day.year > LAST_YEAR:
        years = {"first": BEGINNING.year, "last": LAST_YEAR}
        raise FilterError(_("period {held} is not between the years {first} and {last}", held=repr(text), **years))
    return period


def _held(text: str) -> dict[str, str]:
    allowed = _(
        "write a day, week, month, quarter or year (2025-03-13, 2025-W09, 2025-03, 2025-Q1, 2025), "
        "a range of them (2024-12-01..2025-03-13), last_month, this_quarter, last_90_days, mtd, ytd or all"
    )
    found = near(re.sub("[ -]", "_", _plain(text)), EXAMPLES, most=3)
    return {"held": repr(text), "allowed": allowed + (_("; near: {near}", near=", ".join(found)) if found else "")}


def _plain(text: str) -> str:
    """The text without what does not matter: case, kinds of dash and space, underscores, "for" and "г."."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е").replace("_", " ")
    text = re.sub(r"[‐-―−]", "-", text)
    text = " ".join(text.split())
    text = re.sub(r"(?<=\d{4}) ?(?:г\.?|года?)(?= |$)", "", text)
    text = re.sub(r"^(?:за|for|the) ", "", text)
    return re.sub(r"^(?:с|from|since) (\d.*?)(?: (?:по|до|to|until) (.*))?$", r"\1..\2", text)


def _everything(text: str, today: date) -> Period | None:
    return Period(BEGINNING, today, "all", is_open=True) if _plain(text) in EVERYTHING else None


def _named(text: str, today: date) -> Period | None:
    """The period that one name names, by the calendar or relative to today."""
    for pattern in _CALENDAR:
        if found := pattern.fullmatch(text):
            return _by_calendar(**{name: int(number) for name, number in found.groupdict().items()})
    if found := re.fullmatch(r"([a-zа-я]+) (\d{4})", text):
        return _by_month_name(*found.groups())
    words = re.sub("[ -]+", " ", text)
    found = _RELATIVE.fullmatch(SAME_AS.get(words, words))
    return _by_today(found, today) if found else None


def _by_calendar(
    year: int, *, month: int | None = None, day: int | None = None, quarter: int | None = None, week: int | None = None
) -> Period:
    if day is not None:
        return _whole("day", date(year, month, day), f"{year:04}-{month:02}-{day:02}")
    if week is not None:
        return _whole("week", date.fromisocalendar(year, week, 1), f"{year:04}-W{week:02}")
    if quarter is not None:
        return _whole("quarter", date(year, quarter * 3 - 2, 1), f"{year:04}-Q{quarter}")
    if month is not None:
        return _whole("month", date(year, month, 1), f"{year:04}-{month:02}")
    return _whole("year", date(year, 1, 1), f"{year:04}")


def _by_month_name(name: str, year: str) -> Period | None:
    month = next((number for number, stem in enumerate(MONTHS, 1) if re.match(stem, name)), None)
    return month and _by_calendar(int(year), month=month)


def _by_today(found: re.Match[str], today: date) -> Period:
    unit = str(found.lastgroup)
    running = _begin(unit, today)
    if found["this"]:
        return _whole(unit, running, "today" if unit == "day" else f"this_{unit}")
    count = int(found["count"] or 1)
    if count == 1:
        return _whole(unit, _shift(unit, running, -1), "yesterday" if unit == "day" else f"last_{unit}")
    return Period(_shift(unit, running, -count), running, f"last_{count}_{unit}s")


def _range(text: str, today: date) -> Period | None:
    """The period from one name to another: a..b, a.., ..b, a - b."""
    for first_text, last_text in _halves(text):
        first = _named(first_text, today) if first_text else Period(BEGINNING, BEGINNING)
        last = _named(last_text, today) if last_text else Period(today, today)
        if first and last:
            text = f"{first.text}..{last.text}"
            return Period(first.start, last.end, text, _unit_of(first.start, last.end), is_open=not first_text)
    return None


def _unit_of(start: date, end: date) -> str:
    """Which whole of the calendar these days are, however they were typed; "" for none."""
    return next((unit for unit in WHOLES if _begin(unit, start) == start and _shift(unit, start, 1) == end), "")


def _halves(text: str) -> Iterator[tuple[str, str]]:
    """The text cut in two where it may be a range; only dots leave an end open."""
    if dots := re.search(r" ?\.{2,3} ?", text):
        yield text[: dots.start()], text[dots.end() :]
        return
    for cut in re.finditer(" ?- ?| (?:to|по) ", text):
        if text[: cut.start()] and text[cut.end() :]:
            yield text[: cut.start()], text[cut.end() :]


def _whole(unit: str, start: date, text: str) -> Period:
    return Period(start, _shift(unit, start, 1), text, unit if unit in WHOLES else "")


def _begin(unit: str, day: date) -> date:
    match unit:
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case "year":
            return date(day.year, 1, 1)
    return day


def _shift(unit: str, first: date, count: int) -> date:
    """The first day of the unit that comes `count` units after the one that begins on `first`."""
    if unit in ("day", "week"):
        return first + count * (7 if unit == "week" else 1) * DAY
    months = first.year * 12 + first.month - 1 + count * {"month": 1, "quarter": 3, "year": 12}[unit]
    return date(months // 12, months % 12 + 1, 1)


def year_before(day: date, *, is_end: bool = False) -> date:
    """The same date a year earlier. 29 February has none: a first day becomes the 28th, an end 1 March."""
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 3, 1) if is_end else date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


# ── Windows ───────────────────────────────────────────────────────────────────────────────────────────────────────────


_LENGTH = re.compile(
    rf"(?:{LAST})? ?(?P<count>\d{{1,4}})? ?(?:"
    + "|".join(f"(?P<{unit}>{words})" for unit, words in UNITS.items())
    + ")"
)
IN_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Window:
    """How far back to look from the end of a period, at least: so many months, or so many days."""

    months: int = 0
    days: int = 0

    def before(self, end: date) -> date:
        """The first day of the window that ends before `end`; of a 31st, in a shorter month, that month's last day."""
        months = _shift("month", end, -self.months)
        return months + (min(end.day, (_shift("month", months, 1) - months).days) - 1 - self.days) * DAY


def parse_window(text: str) -> Window | None:
    """The window that `text` names: 12 months, 90 days, a year; None for nothing."""
    words = re.sub(r"^(?:a|an|one|один|одну) ", "", re.sub("[ -]+", " ", _plain(text)))
    found = _LENGTH.fullmatch(words)
    if not words or (found and found["count"] and not int(found["count"])):
        return None
    if not found:
        raise FilterError(
            _("stage_window {held} is not understood; write how far back to look, such as 12 months, 90 days or a year, "
              "or nothing for the report's period alone", held=repr(text))
        )  # fmt: skip
    count, unit = int(found["count"] or 1), str(found.lastgroup)
    months = count * IN_MONTHS.get(unit, 0)
    return Window(min(months, 1200), 0 if months else count * (7 if unit == "week" else 1))


# ── Instants ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """When that day begins there, in UTC: at midnight, or later where the clocks jump over midnight."""
    wall = datetime.combine(day, time())
    late = wall.replace(tzinfo=zone).astimezone(UTC)
    if _wall(late, zone) == wall:
        return late
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early).total_seconds() // 2)
        early, late = (middle, late) if _wall(middle, zone) < wall else (early, middle)
    return late


def _wall(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows there."""
    return instant.astimezone(zone).replace(tzinfo=None)


def parse_as_of(text: str, zone: ZoneInfo) -> datetime:
    """The instant that `text` names, in UTC: a day is its first instant; a time without offset is local."""
    try:
        day = re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text.strip())
        named = date(*map(int, reversed(day.groups()))) if day else _iso(text.strip())
        if not BEGINNING.year < named.year <= LAST_YEAR:
            raise ValueError
    except ValueError:
        allowed = _("write a day or an instant between {first} and {last}", first=BEGINNING.year + 1, last=LAST_YEAR)
        held = _("as_of {held} is not understood; {allowed}", held=repr(text), allowed=allowed)
        raise FilterError(held + _(", such as 2025-06-30 or 2025-06-30T18:00+03:00")) from None
    if not isinstance(named, datetime):
        return first_instant(named, zone)
    return (named if named.tzinfo else named.replace(tzinfo=zone)).astimezone(UTC)


def _iso(text: str) -> date:
    return date.fromisoformat(text) if re.fullmatch(r"[\dWw-]{7,10}", text) else datetime.fromisoformat(text)


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Choice:
    """One pipeline, department, manager or source; `hint` tells people of one name apart."""

    id: str
    name: str
    parent_id: str = field(default="", compare=False)
    hint: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(filter(None, (f'ID {self.id}', self.hint)))})"


@dataclass(frozen=True)
class Known:
    """What the data has to choose from, in the order that a reader expects."""

    pipeline: tuple[Choice, ...] = ()
    department: tuple[Choice, ...] = ()
    manager: tuple[Choice, ...] = ()
    source: tuple[Choice, ...] = ()

    def departments_below(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those departments and all below them, in the order of `department`."""
        found, fresh = set(), set(ids)
        while fresh:  # a tree, but a CRM's may run in a circle
            found |= fresh
            fresh = {each.id for each in self.department if each.parent_id in fresh} - found
        return tuple(each.id for each in self.department if each.id in found)


def _same(name: str) -> str:
    """What two spellings of one name share."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("ё", "е").split())


class _Names:
    """The choices of one dimension by id and by name. A text that is one's id and another's name means the id."""

    def __init__(self, dimension: str, choices: tuple[Choice, ...]) -> None:
        self.dimension = dimension
        self.by_id = {choice.id: choice for choice in choices}
        self.by_name: dict[str, list[Choice]] = {}
        for choice in choices:
            self.by_name.setdefault(_same(choice.name), []).append(choice)

    def called(self, text: str) -> list[Choice]:
        exact = self.by_id.get(text) or self.by_id.get(text.strip())
        return [exact] if exact else self.by_name.get(_same(text), [])

    def in_list(self, text: str) -> list[str]:
        """The names of a comma-separated list, some of which may hold commas themselves; else the text alone."""
        parts, names = text.split(","), []
        while parts:
            lengths = (n for n in range(min(len(parts), 4), 0, -1) if self.called(",".join(parts[:n])))
            length = next(lengths, 1)
            names.append(",".join(parts[:length]).strip())
            parts = parts[length:]
        return [name for name in names if name] if any(map(self.called, names)) else [text]

    def chosen(self, typed: Typed) -> Iterator[Choice | str]:
        """Every choice that is meant, and a sentence for every text that means none or several."""
        for text in _each(typed):
            for name in [text] if self.called(text) else self.in_list(text):
                found = self.called(name)
                yield found[0] if len(found) == 1 else self.problem(name, found)

    def problem(self, name: str, found: list[Choice]) -> str:
        said = {"dimension": self.dimension, "held": repr(name)}
        if found:
            several = ", ".join(map(str, found))
            return _("{dimension} {held} is the name of several; give one's ID: {several}", **said, several=several)
        if not self.by_id:
            return _("{dimension} {held} is not known: the data names none", **said)
        names = near(_same(name), self.by_name, most=5)
        close = [choice for name in names for choice in self.by_name[name]]
        if close:
            return _("{dimension} {held} is not known; near: {near}", **said, near=", ".join(map(str, close[:5])))
        some = ", ".join(map(str, list(self.by_id.values())[:5]))
        return _("{dimension} {held} is not known; there are, for example: {some}", **said, some=some)


def _each(typed: Typed) -> list[str]:
    """The texts that were typed; numbers are ids."""
    if isinstance(typed, str) or not isinstance(typed, Collection):
        typed = [] if typed is None else [typed]
    return [str(each) for each in typed if each is not None and str(each).strip()]


# ── Filters ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Filters:
    """What a report is about. An empty dimension means everything; `departments` are those chosen and all below."""

    period: Period
    as_of: datetime
    zone: ZoneInfo
    pipeline: tuple[Choice, ...] = ()
    department: tuple[Choice, ...] = ()
    manager: tuple[Choice, ...] = ()
    source: tuple[Choice, ...] = ()
    comparison: Comparison = "previous"
    language: str = "en"
    departments: tuple[str, ...] = ()
    said: tuple[str, ...] = field(default=(), compare=False)
    window: Window | None = None

    @classmethod
    def parse(
        cls,
        known: Known,
        *,
        zone: ZoneInfo,
        default_as_of: datetime,
        default_language: str = "",
        period: object = "last_month",
        pipeline: Typed = (),
        department: Typed = (),
        manager: Typed = (),
        source: Typed = (),
        comparison: str = "previous",
        as_of: object = "",
        language: str = "",
        stage_window: str = "",
    ) -> Self:
        """The filters that were typed, or one FilterError with a sentence for everything that means nothing here."""
        typed = {"pipeline": pipeline, "department": department, "manager": manager, "source": source}
        usual = default_language or texts.language()
        problems = _not_one_of("comparison", comparison, COMPARISONS)
        problems += _not_one_of("language", language or usual, texts.LANGUAGES)
        instant = _as_of(as_of, zone, default_as_of, problems)
        days = _period(period, _wall(instant, zone).date(), problems)
        window = _window(stage_window, problems)
        chosen = {name: _choices(known, name, typed[name], problems) for name in DIMENSIONS}
        all_at_once(problems, FilterError)
        below = known.departments_below(each.id for each in chosen["department"])
        said = [f"as-of-{_instant_slug(instant, zone)}"] if str(as_of or "").strip() else []
        said += [f"in-{language}"] if language not in ("", usual) else []
        return cls(
            days, instant, zone, **chosen, comparison=comparison, language=language or usual,
            departments=below, said=tuple(said), window=window,
        )  # fmt: skip

    @property
    def is_about_people(self) -> bool:
        """Whether they keep some people only, who may be shown the page: a manager or department filter is set."""
        return bool(self.manager or self.department)

    @property
    def is_about_one(self) -> bool:
        """Whether they keep one manager only: it is his own page."""
        return len(self.manager) == 1

    def ids(self, dimension: str) -> tuple[str, ...]:
        """The ids to keep, those below a department with it; empty means all."""
        return self.departments if dimension == "department" else tuple(each.id for each in getattr(self, dimension))

    # Time

    @property
    def start_at(self) -> datetime:
        return first_instant(self.period.start, self.zone)

    @property
    def end_at(self) -> datetime:
        return first_instant(self.period.end, self.zone)

    @property
    def elapsed(self) -> Period:
        """The days of the period that had begun before `as_of`."""
        end = min(self.period.end, self._first_day_ahead())
        return replace(self.period, end=max(end, self.period.start))

    @property
    def stage_period(self) -> Period:
        """The days over which going from stage to stage is counted: the window before the period's end, or the longer period."""
        gone = self.elapsed
        if self.window is None or self.period.is_open:
            return gone
        start = max(self.window.before(gone.end), BEGINNING)
        return gone if start >= gone.start else _days(start, gone.end)

    def stage_words(self) -> str:
        """Those days in a sentence, where they are not the period's: "in the 12 months to 31 Oct"; else nothing."""
        whole = self.stage_period
        if whole == self.elapsed or self.window is None:
            return ""
        day = units.day_month(whole.last_day)
        if self.window.months:
            return many("in the {n} month to {day}", "in the {n} months to {day}", self.window.months, day=day)
        return many("in the {n} day to {day}", "in the {n} days to {day}", self.window.days, day=day)

    @property
    def is_running(self) -> bool:
        """Whether days of the period are still to come."""
        return self.elapsed.end < self.period.end

    @property
    def previous(self) -> Period | None:
        """The days to compare with, none if nothing has gone by, or nothing can lie before.

        The whole of the calendar before a month, quarter …, else as many days just before, or the same dates a year
        earlier; of a period that is still running, as many days from that one's start as have gone by.
        """
        gone = self.elapsed.days
        if self.comparison == "none" or self.period.is_open or not gone:
            return None
        start, end = self._before
        return _days(start, min(end, start + gone * DAY) if self.is_running else end)

    @property
    def _before(self) -> tuple[date, date]:
        """The first day of the whole period to compare with, and the first after it."""
        period = self.period
        if self.comparison == "year_ago":
            return year_before(period.start), year_before(period.end, is_end=True)
        return _shift(period.unit, period.start, -1) if period.unit else period.start - period.days * DAY, period.start

    def beside(self, day: date) -> date:
        """The day of the period to compare with that stands beside this one: of a month's first day a month's first."""
        if self.comparison == "year_ago":
            return year_before(day)
        start = self._before[0]
        months = (self.period.start.year - start.year) * 12 + self.period.start.month - start.month
        if day.day == 1 and self.period.unit not in ("", "week"):
            return _shift("month", day, -months)
        return day - (self.period.start - start)

    @property
    def as_of_before(self) -> datetime | None:
        """The instant to compare stocks at: as long before `as_of` as the previous period is before this one."""
        if self.previous is None:
            return None
        wall = _wall(self.as_of, self.zone)
        day = wall.date() - (self.elapsed.end - self.previous.end)
        if self.comparison == "year_ago":
            day = year_before(wall.date(), is_end=wall.time() == time())
        if self.as_of == first_instant(wall.date(), self.zone):
            return first_instant(day, self.zone)
        return datetime.combine(day, wall.time(), self.zone).astimezone(UTC)

    def compared(self) -> Self | None:
        """The same filters for the period to compare with."""
        if self.previous is None:
            return None
        return replace(self, period=self.previous, as_of=self.as_of_before, comparison="none")

    def _first_day_ahead(self) -> date:
        today = _wall(self.as_of, self.zone).date()
        return today + DAY if self.as_of > first_instant(today, self.zone) else today

    def begun(self, first: date | None) -> Self:
        """The same filters; a period without a beginning begins on the `first` day that anything counted is of."""
        if not self.period.is_open:
            return self
        last = self.period.last_day
        return replace(self, period=replace(self.period, start=max(min(first or last, last), BEGINNING)))

    # Words

    def words(self) -> list[tuple[str, str, bool]]:
        """What the header says, in the reader's language: label, text, and whether it hides something."""
        with speaking(self.language):
            chosen = [(label, self._chosen(name), bool(getattr(self, name))) for name, label in _labels()]
            instant = f"{_date(_wall(self.as_of, self.zone))} {_wall(self.as_of, self.zone):%H:%M} ({self.zone.key})"
            return [
                (_("Period"), self._period_words(), False),
                (_("Compared with"), _span(self.previous) if self.previous else _("nothing"), False),
                *chosen,
                (_("Data as of"), instant, False),
            ]

    def _period_words(self) -> str:
        words = _span(self.period)
        if not self.is_running:
            return words
        gone = many("{n} day has gone by", "{n} days have gone by", self.elapsed.days)
        return _("{words} (running: {gone})", words=words, gone=gone)

    def _chosen(self, dimension: str) -> str:
        names = ", ".join(each.name for each in getattr(self, dimension))
        more = len(self.departments) - len(self.department) if dimension == "department" else 0
        below = many("{n} department below", "{n} departments below", more)
        return (f"{names} + {below}" if more else names) or _("all")

    def slug(self) -> str:
        """A short name for files, another one for other filters: the period, and what differs from the defaults."""
        parts = [_period_slug(self.period.text)]
        for name in DIMENSIONS:
            if ids := [safe(each.id) for each in getattr(self, name)]:
                parts.append(f"{name}-{'_'.join(ids)}")
        if self.comparison != "previous":
            parts.append({"year_ago": "vs-year-ago", "none": "not-compared"}[self.comparison])
        slug = "--".join([*parts, *self.said])
        return slug if len(slug) <= 100 else f"{slug[:80].rstrip('-_')}-{_hash(slug)}"

    def parameters(self) -> dict[str, str | list[str]]:
        """What a notebook is given to be about the same, whenever it runs: plain types, ids, `as_of` as an instant."""
        return {
            "period": self.period.text,
            **{name: [each.id for each in getattr(self, name)] for name in DIMENSIONS},
            "comparison": self.comparison,
            "as_of": self.as_of.astimezone(self.zone).isoformat(),
            "language": self.language,
        }

    def as_json(self) -> dict[str, object]:
        """The filters with ids, for the JSON file."""
        comparison = {"kind": self.comparison, **_dates(self.previous)} if self.previous else None
        chosen = {n: [{"id": each.id, "name": each.name} for each in getattr(self, n)] for n in DIMENSIONS}
        return {
            "period": {"text": self.period.text, **_dates(self.period)},
            "comparison": comparison,
            **chosen,
            "as_of": self.as_of.isoformat(),
            "time_zone": self.zone.key,
            "stage_period": _dates(self.stage_period),
        }


def _not_one_of(key: str, held: object, allowed: tuple[str, ...]) -> list[str]:
    if held in allowed:
        return []
    said = {"key": key, "held": repr(held), "allowed": ", ".join(allowed)}
    return [_("{key} is {held}; allowed: {allowed}", **said)]


def _as_of(typed: object, zone: ZoneInfo, default: datetime, problems: list[str]) -> datetime:
    """The instant, or the default where nothing or nonsense was typed."""
    text = typed.isoformat() if isinstance(typed, date) else str("" if typed is None else typed)
    try:
        return parse_as_of(text, zone) if text.strip() else default.astimezone(UTC)
    except FilterError as error:
        problems.append(str(error))
        return default.astimezone(UTC)


def _period(typed: object, today: date, problems: list[str]) -> Period:
    try:
        return parse_period(str("" if typed is None else typed), today)
    except FilterError as error:
        problems.append(str(error))
        return _days(today, today)


def _window(typed: str, problems: list[str]) -> Window | None:
    try:
        return parse_window(str(typed or ""))
    except FilterError as error:
        problems.append(str(error))
        return None


def _choices(known: Known, dimension: str, typed: Typed, problems: list[str]) -> tuple[Choice, ...]:
    """The choices meant, each once, in the order of `known`."""
    choices = getattr(known, dimension)
    found = list(_Names(dimension, choices).chosen(typed))
    problems += [each for each in found if isinstance(each, str)]
    return tuple(choice for choice in choices if choice in found)


LABELS = {"pipeline": N_("Pipeline"), "department": N_("Department"), "manager": N_("Manager"), "source": N_("Source")}


def _labels() -> list[tuple[str, str]]:
    return [(name, _(label)) for name, label in LABELS.items()]


def _days(start: date, end: date) -> Period:
    return Period(start, end, f"{start}..{end - DAY}")


def _dates(period: Period) -> dict[str, str]:
    return {"start": str(period.start), "end": str(period.end), "last_day": str(period.last_day)}


def _date(day: date) -> str:
    return units.write(day, "date")


def _span(period: Period) -> str:
    if period.is_open:
        return _("everything up to {last}", last=_date(period.last_day))
    return units.date_span(period.start, period.last_day)


# ── Slugs ────────────────────────────────────────────────────────────────────────────────────────────────────────────

LATIN = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфыэ", "abvgdezijklmnoprstufye", strict=True))
    | {
        "ё": "e",
        "ж": "zh",
        "х": "kh",
        "ц": "ts",
        "ч": "ch",
        "ш": "sh",
        "щ": "sch",
        "ю": "yu",
        "я": "ya",
        "ь": "",
        "ъ": "",
    }
)


def _period_slug(text: str) -> str:
    first, dots, last = text.lower().partition("..")
    if not dots:
        return first.replace("_", "-")
    words = [first, "to", last] if first and last else ["since", first] if first else ["until", last]
    return "-".join(words).replace("_", "-")


def _instant_slug(instant: datetime, zone: ZoneInfo) -> str:
    day = _wall(instant, zone).date()
    return str(day) if instant == first_instant(day, zone) else f"{instant:%Y%m%dt%H%M%Sz%f}".rstrip("0")


def safe(text: str) -> str:
    """The text as part of a file name: itself if it is short, plain and lower case, else Latin letters and a hash."""
    if re.fullmatch("[a-z0-9]{1,24}", text):
        return text
    latin = readable(text)
    return f"{latin}-{_hash(text)}" if latin else _hash(text)


def readable(text: str) -> str:
    """The text in at most 24 lower-case Latin letters, digits and dashes; other texts may read the same."""
    latin = unicodedata.normalize("NFKC", text).casefold().translate(LATIN)
    latin = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", latin)[:24].strip("-")


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
