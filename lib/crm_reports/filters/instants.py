"""When a day begins in a time zone, and the instant that somebody typed."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ..errors import FilterError
from ..words.texts import _
from .periods import BEGINNING, LAST_YEAR


def first_instant(day: date, zone: ZoneInfo) -> datetime:
    """When that day begins there, in UTC: at midnight, or later where the clocks jump over midnight."""
    wall = datetime.combine(day, time())
    late = wall.replace(tzinfo=zone).astimezone(UTC)
    if local(late, zone) == wall:
        return late
    early = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early).total_seconds() // 2)
        early, late = (middle, late) if local(middle, zone) < wall else (early, middle)
    return late


def local(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows there."""
    return instant.astimezone(zone).replace(tzinfo=None)


def parse_as_of(text: str, zone: ZoneInfo) -> datetime:
    """The instant that `text` names, in UTC: a day is its first instant; a time without offset is local."""
    try:
        instant = _day_or_instant(text.strip())
        if not BEGINNING.year < instant.year <= LAST_YEAR:
            raise ValueError
    except ValueError:
        remedy = _("write a day or an instant between {first} and {last}", first=BEGINNING.year + 1, last=LAST_YEAR)
        mistake = _("as_of {held} is not understood; {allowed}", held=repr(text), allowed=remedy)
        raise FilterError(mistake + _(", such as 2025-06-30 or 2025-06-30T18:00+03:00")) from None
    if not isinstance(instant, datetime):
        return first_instant(instant, zone)
    return (instant if instant.tzinfo else instant.replace(tzinfo=zone)).astimezone(UTC)


def _day_or_instant(text: str) -> date:
    if day := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        return date(*map(int, reversed(day.groups())))
    return date.fromisoformat(text) if re.fullmatch(r"[\dWw-]{7,10}", text) else datetime.fromisoformat(text)
