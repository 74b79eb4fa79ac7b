"""Bitrix24's values, typed. Nothing is written in many ways (null, "", "0", 0, [], false); here it is None.

What can't be read is None too: one absurd date must not cost a company its reports.
"""

from datetime import UTC, date, datetime, time
from math import isfinite
from typing import Any
from zoneinfo import ZoneInfo


def text(value: Any) -> str | None:
    """The text as it is, markup included; half a character pair, which no store can keep, becomes a question mark."""
    if value is None or value == "" or isinstance(value, list | dict | bool):
        return None
    words = str(value)
    return words if words.isascii() else words.encode("utf-8", "replace").decode("utf-8")


def key(value: Any) -> str | None:
    """The id of another row; "0" is how Bitrix24 says none."""
    words = text(value)
    return None if words in (None, "0") else words


def number(value: Any) -> float | None:
    """The number, native or in a text."""
    try:
        read = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return read if isfinite(read) else None


def integer(value: Any) -> int | None:
    read = number(value)
    return None if read is None else int(read)


def flag(value: Any) -> bool:
    """Y or N, or a real boolean."""
    return value is True or str(value).upper() in ("Y", "1", "TRUE")


def instant(value: Any, zone: ZoneInfo) -> datetime | None:
    """The instant in UTC; year 9999 is how Bitrix24 says never, and PHP's zero date is none either."""
    try:
        read = datetime.fromisoformat(value)
        moment = (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if 1 < moment.year < 9999 and read.year < 9999 else None


def day(value: Any, zone: ZoneInfo) -> date | None:
    """The day that a date field means: it is written as UTC midnight in the server's zone, or as local midnight."""
    moment = instant(value, zone)
    if moment is None:
        return None
    return moment.date() if moment.time() == time() else datetime.fromisoformat(value).date()


def midnight(value: Any, zone: ZoneInfo) -> datetime | None:
    """The instant at which the day of a date field begins in `zone`."""
    on = day(value, zone)
    return on and datetime.combine(on, time(), zone).astimezone(UTC)


def words(*parts: Any) -> str | None:
    """The parts that are there, as one text."""
    return " ".join(filter(None, (" ".join((text(part) or "").split()) for part in parts))) or None
