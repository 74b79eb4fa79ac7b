"""A period as people type it → whole days of the calendar, the period before it, and its words."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from typing import Self

from ..errors import FilterError, near
from ..words import units
from ..words.texts import _

BEGINNING = date(1900, 1, 1)
LAST_YEAR = 2100
DAY = timedelta(days=1)
WHOLES = ("week", "month", "quarter", "year")
SIZES = ("day", *WHOLES)
LABELS = {"day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m", "quarter": "%Y-Q{quarter}", "year": "%Y"}
MONTHS_IN = {"month": 1, "quarter": 3, "year": 12}


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

    @classmethod
    def of(cls, start: date, end: date) -> Self:
        """Those days, typed as a range."""
        return cls(start, end, f"{start}..{end - DAY}")

    def words(self) -> str:
        """The days in the reader's language."""
        if self.is_open:
            return _("everything up to {last}", last=units.write(self.last_day, "date"))
        return units.date_span(self.start, self.last_day)

    def dates(self) -> dict[str, str]:
        """The first day, the last, and the day after it, for the JSON file."""
        return {"start": str(self.start), "end": str(self.end), "last_day": str(self.last_day)}


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
MONTH_NAMES = (
    "january январь января", "february февраль февраля", "march март марта", "april апрель апреля", "may май мая",
    "june июнь июня", "july июль июля", "august август августа", "september сентябрь сентября",
    "october октябрь октября", "november ноябрь ноября", "december декабрь декабря",
)  # fmt: skip
MONTH_STEMS = [name[:3] for names in MONTH_NAMES for name in names.split()]

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
        period = _period(plain(text), today)
    except (ValueError, OverflowError):  # of date(): 2025-02-30, 2025-W54
        raise FilterError(_("period {held} names no day of the calendar; {allowed}", **_mistake(text))) from None
    if period is None:
        raise FilterError(_("period {held} is not understood; {allowed}", **_mistake(text)))
    if period.end <= period.start:
        days = {"held": repr(text), "first": period.start, "last": period.last_day}
        raise FilterError(_("period {held} is {first}..{last}, which holds no day; put the earlier day first", **days))
    if period.start < BEGINNING or period.last_day.year > LAST_YEAR:
        years = {"first": BEGINNING.year, "last": LAST_YEAR}
        raise FilterError(_("period {held} is not between the years {first} and {last}", held=repr(text), **years))
    return period


def _mistake(text: str) -> dict[str, str]:
    """What a sentence about a text that is no period says: the text, what is allowed, what is near."""
    remedy = _(
        "write a day, week, month, quarter or year (2025-03-13, 2025-W09, 2025-03, 2025-Q1, 2025), "
        "a range of them (2024-12-01..2025-03-13), last_month, this_quarter, last_90_days, mtd, ytd or all"
    )
    names = near(re.sub("[ -]", "_", plain(text)), EXAMPLES, most=3)
    return {"held": repr(text), "allowed": remedy + (_("; near: {near}", near=", ".join(names)) if names else "")}


def plain(text: str) -> str:
    """The text without what does not matter: case, kinds of dash and space, underscores, "for" and "г."."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е").replace("_", " ")
    text = re.sub(r"[‐-―−]", "-", text)
    text = " ".join(text.split())
    text = re.sub(r"(?<=\d{4}) ?(?:г\.?|года?)(?= |$)", "", text)
    text = re.sub(r"^(?:за|for|the) ", "", text)
    begins = rf"(?:\d|{'|'.join(MONTH_STEMS)})"  # "с начала месяца" is a name of its own
    return re.sub(rf"^(?:с|from|since) ({begins}.*?)(?: (?:по|до|to|until) (.*))?$", r"\1..\2", text)


def _period(text: str, today: date) -> Period | None:
    """What a plain text means: everything, a name, or a range; None for anything else."""
    if text in EVERYTHING:
        return Period(BEGINNING, today, "all", is_open=True)
    return _by_name(text, today, today) or _range(text, today)


def _by_name(text: str, today: date, latest: date) -> Period | None:
    """The period that one name names, by the calendar or relative to today; without a year the last that began by `latest`."""
    for pattern in _CALENDAR:
        if match := pattern.fullmatch(text):
            return _by_calendar(**{name: int(number) for name, number in match.groupdict().items()})
    if match := re.fullmatch(r"(?:(\d{1,2}) )?([a-zа-я]+)\.?(?: (\d{4}))?", text):
        day, name, year = match.groups()
        if month := _month_called(name):
            return _by_month(month, int(day) if day else None, int(year) if year else None, latest)
    words = re.sub("[ -]+", " ", text)
    match = _RELATIVE.fullmatch(SAME_AS.get(words, words))
    return _by_today(match, today) if match else None


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


def _month_called(name: str) -> int | None:
    """The number of the month that has this name, or is shortened so: march, mar, март, марта."""
    return next(
        (
            number
            for number, names in enumerate(MONTH_NAMES, 1)
            if len(name) > 2 and any(full.startswith(name) for full in names.split())
        ),
        None,
    )


def _by_month(month: int, day: int | None, year: int | None, latest: date) -> Period:
    """That month or day of it; without a year the last that began by `latest`."""
    if year is not None:
        return _by_calendar(year, month=month, day=day)
    years = (latest.year - back for back in range(9))  # 29 February may be eight years ago
    found = (_by_calendar(year, month=month, day=day) for year in years if _is_day(year, month, day or 1))
    if period := next((period for period in found if period.start <= latest), None):
        return period
    raise ValueError(f"{month} has no day {day}")


def _is_day(year: int, month: int, day: int) -> bool:
    return 1 <= day <= monthrange(year, month)[1]


def _by_today(match: re.Match[str], today: date) -> Period:
    unit = str(match.lastgroup)
    running = begin(unit, today)
    if match["this"]:
        return _whole(unit, running, "today" if unit == "day" else f"this_{unit}")
    count = int(match["count"] or 1)
    if count == 1:
        return _whole(unit, shift(unit, running, -1), "yesterday" if unit == "day" else f"last_{unit}")
    return Period(shift(unit, running, -count), running, f"last_{count}_{unit}s")


def _range(text: str, today: date) -> Period | None:
    """The period from one name to another: a..b, a.., ..b, a - b."""
    for first_text, last_text in _halves(text):
        last = _by_name(last_text, today, today) if last_text else Period(today, today)
        latest = last.start if last else today  # "January to 13 March 2026" begins in the same winter
        first = _by_name(first_text, today, latest) if first_text else Period(BEGINNING, BEGINNING)
        if first and last:
            text = f"{first.text}..{last.text}"
            return Period(first.start, last.end, text, _unit_of(first.start, last.end), is_open=not first_text)
    return None


def _unit_of(start: date, end: date) -> str:
    """Which whole of the calendar these days are, however they were typed; "" for none."""
    return next((unit for unit in WHOLES if begin(unit, start) == start and shift(unit, start, 1) == end), "")


def _halves(text: str) -> Iterator[tuple[str, str]]:
    """The text cut in two where it may be a range; only dots leave an end open."""
    if dots := re.search(r" ?\.{2,3} ?", text):
        yield text[: dots.start()], text[dots.end() :]
        return
    for cut in re.finditer(" ?- ?| (?:to|по) ", text):
        if text[: cut.start()] and text[cut.end() :]:
            yield text[: cut.start()], text[cut.end() :]


def _whole(unit: str, start: date, text: str) -> Period:
    return Period(start, shift(unit, start, 1), text, unit if unit in WHOLES else "")


def begin(unit: str, day: date) -> date:
    """The first day of the unit that holds `day`."""
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


def shift(unit: str, first: date, count: int) -> date:
    """The first day of the unit that comes `count` units after the one that begins on `first`."""
    if unit in ("day", "week"):
        return first + count * (7 if unit == "week" else 1) * DAY
    months = first.year * 12 + first.month - 1 + count * MONTHS_IN[unit]
    return date(months // 12, months % 12 + 1, 1)


def year_before(day: date, *, is_end: bool = False) -> date:
    """The same date a year earlier. 29 February has none: a first day becomes the 28th, an end 1 March."""
    if (day.month, day.day) == (2, 29):
        return date(day.year - 1, 3, 1) if is_end else date(day.year - 1, 2, 28)
    return day.replace(year=day.year - 1)


# ── A period in its parts ────────────────────────────────────────────────────────────────────────────────────────────


def cut(whole: Period, size: str) -> list[Period]:
    """The period in whole days, weeks, months, quarters or years, its edges cut to its own days."""
    starts, start = [], whole.start
    while start < whole.end:
        starts.append(start)
        start = shift(size, begin(size, start), 1)
    return consecutive(starts, whole.end)


def last_months(end: date, count: int = 12) -> list[Period]:
    """The months up to `end`, the last of them cut there."""
    return cut(Period(shift("month", begin("month", end - DAY), 1 - count), end), "month")


def year_earlier(cuts: Sequence[Period]) -> list[Period]:
    """The same days of these consecutive periods a year earlier."""
    return (
        consecutive([year_before(span.start) for span in cuts], year_before(cuts[-1].end, is_end=True)) if cuts else []
    )


def consecutive(starts: Sequence[date], end: date) -> list[Period]:
    """Periods without a gap, the last up to `end`."""
    return [Period(start, max(start, after)) for start, after in pairwise([*starts, end])]


def label(start: date, size: str) -> str:
    """What the part that holds `start` is called: 2017-W09, 2017-03, 2017-Q1, 2017."""
    return start.strftime(LABELS[size]).format(quarter=(start.month + 2) // 3)
