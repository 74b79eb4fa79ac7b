"""Whether as much comes in as on such days before: how old the data are, and rows a day of each table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from math import sqrt
from statistics import median

from ...settings import Calendar
from ...words import units
from ...words.texts import N_, _
from .facts import SERIES_DAYS
from .registry import Reading, Tonight, check

DAY = timedelta(days=1)
WINDOWS = (1, 2, 3, 5, 20)  # working days that are looked at together: the shorter for many rows, the longer for few
WEEKS, FEWEST_WEEKS = 13, 6  # of the same weekday before them
BEYOND_CHANCE = (
    4.0  # standard deviations below; of twenty a day none at all is 4.5, and comes by chance once in 500 million days
)
SURGES, SURGE_BEYOND_CHANCE, FEWEST_SURGING = (1, 3), 6.0, 30
SURGE_PEAK = 1.5  # times the most that ever came
QUIET_TIMES = 1.5  # as long as the longest silence before
SQUARED_MEDIAN = 0.455  # of a squared standard normal number


@dataclass(frozen=True)
class Window:
    """The last working days of one table: what came, what usually comes, and by how many standard deviations it is less.

    `title` is what the reader knows the table, or the pipeline's part of it, by.
    """

    series: str
    title: str
    days: Sequence[date]
    count: int
    usual: float
    deviation: float

    @property
    def shortfall(self) -> float:
        return max(1 - self.count / self.usual, 0.0)

    @property
    def times(self) -> float:
        return self.count / max(self.usual, 1.0)

    @property
    def words(self) -> dict[str, str]:
        first, last = units.write(self.days[0], "date"), units.write(self.days[-1], "date")
        days = first if first == last else f"{first} – {last}"
        return {
            "table": self.title,
            "days": days,
            "n": units.count(self.count),
            "usual": units.count(round(self.usual)),
        }


@check(
    "freshness", title=N_("Age of the data"), unit="days", limit=1, level="error",
    remedy=N_("Look whether people work in this CRM still, and whether the webhook sees what they do."),
)  # fmt: skip
def freshness(tonight: Tonight) -> Reading | None:
    """Whole working days since the last change of anything; compared with the longest such silence of half a year, and of earlier nights."""
    facts, zone = tonight.facts, tonight.now.tzinfo
    if facts.changed_at is None:
        return None
    last = facts.changed_at.astimezone(zone).date()
    silence = _working_between(tonight.calendar, last, tonight.now.date())
    before = median(
        _silence(tonight.calendar, night.changed_at, night.synced_at.astimezone(zone)) for night in tonight.past
    )
    longest = max(before, _longest_silence(tonight, last))
    is_usual = silence <= longest * QUIET_TIMES
    words = {"at": units.write(facts.changed_at, "instant"), "n": silence, "longest": units.count(round(longest))}
    text = _("the last change is of {at}; before, nothing changed for {longest} working days at most", **words)
    return Reading(0 if is_usual else silence, text)


def _silence(calendar: Calendar, changed_at: datetime | None, now: datetime) -> int:
    return _working_between(calendar, changed_at.astimezone(now.tzinfo).date(), now.date()) if changed_at else 0


def _working_between(calendar: Calendar, last: date, today: date) -> int:
    return calendar.working_days(last + DAY, today)


def _longest_silence(tonight: Tonight, last: date) -> int:
    """The most working days in a row on which nothing came, of the half year before the last change."""
    busy = sorted({day for days in tonight.facts.days.values() for day, n in days.items() if n and last - 182 * DAY <= day <= last})  # fmt: skip
    gaps = [_working_between(tonight.calendar, one, next_) for one, next_ in pairwise(busy)]
    return max(gaps, default=0)


@check(
    "volume", title=N_("Missing new rows"), unit="share", limit=0.8, level="error", needs_past=False,
    remedy=N_("Look in the CRM whether these rows are there; if it was a day off, name it in days_off."),
)  # fmt: skip
def volume(tonight: Tonight) -> Reading | None:
    """Of the rows that usually come on such weekdays (thirteen of each, without the two largest and smallest), the
    share that did not, on the last 1, 2, 3, 5 and 20 working days; only where it is beyond chance."""
    windows = list(_windows(tonight))
    short = [window for window in windows if window.deviation <= -BEYOND_CHANCE]
    if not windows:
        return None
    worst = max(short, key=lambda window: (window.shortfall, window.usual), default=None)
    text = _("{table}: {n} on {days}, where there usually are {usual}", **worst.words) if worst else ""
    return Reading(worst.shortfall if worst else 0.0, text)


@check(
    "surge", title=N_("Surge of new rows"), unit="times", limit=3, level="warn", needs_past=False,
    remedy=N_("Look whether something was imported, or entered twice."),
)  # fmt: skip
def surge(tonight: Tonight) -> Reading | None:
    """How many times as many rows came as usually come on such weekdays, on the last working day and the last three; only
    where it is beyond chance, and half as much again as on any such days of the year before: imports are ordinary."""
    windows = [window for window in _windows(tonight) if len(window.days) in SURGES]
    if not windows:
        return None
    many = [
        window for window in windows
        if window.deviation >= SURGE_BEYOND_CHANCE and window.count >= max(FEWEST_SURGING, SURGE_PEAK * _peak(tonight, window))
    ]  # fmt: skip
    worst = max(many, key=lambda window: window.times, default=None)
    text = _("{table}: {n} on {days}, where there usually are {usual}", **worst.words) if worst else ""
    return Reading(worst.times if worst else 1.0, text)


def _peak(tonight: Tonight, window: Window) -> int:
    """The most rows of as many days in a row, before the window."""
    days = tonight.facts.days[window.series]
    past = sorted(day for day in days if day < window.days[0])
    return max((sum(days.get(day + step * DAY, 0) for step in range(len(window.days))) for day in past), default=0)


def _windows(tonight: Tonight) -> Iterator[Window]:
    """The last working days of each table that has enough of them before; of files those that the files reach."""
    facts, last = tonight.facts, tonight.facts.on - DAY
    if facts.origin.startswith("files"):
        last = min([last, *(max(days) - DAY for days in facts.days.values() if days)])
    working = _last_working(tonight.calendar, last, max(WINDOWS))
    for series, days in facts.days.items():
        table, *pipeline = series.split(", ")
        title = ", ".join([table, *(tonight.title("pipelines", id) for id in pipeline)])
        for size in WINDOWS:
            if window := _window(tonight.calendar, series, title, days, working[-size:]):
                yield window


def _last_working(calendar: Calendar, last: date, count: int) -> list[date]:
    days = []
    for back in range(SERIES_DAYS):
        if calendar.is_working(last - back * DAY):
            days.append(last - back * DAY)
        if len(days) == count:
            break
    return days[::-1]


def _window(
    calendar: Calendar, series: str, title: str, days: Mapping[date, int], window: Sequence[date]
) -> Window | None:
    weekdays = {day.weekday() for day in window}
    pasts = {
        weekday: [days.get(day, 0) for day in _weekdays_before(calendar, weekday, window[0])] for weekday in weekdays
    }
    if not days or any(len(past) < FEWEST_WEEKS for past in pasts.values()) or window[0] - min(days) < FEWEST_WEEKS * 7 * DAY:  # fmt: skip
        return None
    usual = {weekday: _middle(past) for weekday, past in pasts.items()}
    count, expected = sum(days.get(day, 0) for day in window), sum(usual[day.weekday()] for day in window)
    noise = sqrt(max(expected * _dispersion(pasts, usual), 1e-9))
    return Window(series, title, window, count, expected, (count - expected) / noise) if expected else None


def _middle(counts: Sequence[int]) -> float:
    """Their mean without the two largest and smallest."""
    kept = sorted(counts)[2:-2]
    return sum(kept) / len(kept)


def _weekdays_before(calendar: Calendar, weekday: int, first: date) -> list[date]:
    """The last working days of that weekday before the first day."""
    back = (first.weekday() - weekday - 1) % 7 + 1
    days = (first - (back + 7 * week) * DAY for week in range(WEEKS + 3))
    return [day for day in days if calendar.is_working(day)][:WEEKS]


def _dispersion(pasts: Mapping[int, Sequence[int]], usual: Mapping[int, float]) -> float:
    """How many times as much the counts vary as independent ones would: at least once."""
    squares = [
        (n - usual[weekday]) ** 2 / usual[weekday] for weekday, past in pasts.items() for n in past if usual[weekday]
    ]
    return max(1.0, median(squares) / SQUARED_MEDIAN) if squares else 1.0
