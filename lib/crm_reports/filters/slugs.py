"""Texts as parts of file names."""

import re
import unicodedata
from datetime import datetime
from hashlib import sha256
from zoneinfo import ZoneInfo

from .instants import first_instant, local

LATIN = str.maketrans(
    dict(zip("абвгдезийклмнопрстуфыэ", "abvgdezijklmnoprstufye", strict=True))
    | dict(
        zip(
            ["ё", "ж", "х", "ц", "ч", "ш", "щ", "ю", "я"],
            ["e", "zh", "kh", "ts", "ch", "sh", "sch", "yu", "ya"],
            strict=True,
        )
    )
    | dict.fromkeys("ьъ", "")
)


def of_period(text: str) -> str:
    """A period as it is typed, in words and dashes: last-month, 2025-01-to-2025-03."""
    first, dots, last = text.lower().partition("..")
    if not dots:
        return first.replace("_", "-")
    words = [first, "to", last] if first and last else ["since", first] if first else ["until", last]
    return "-".join(words).replace("_", "-")


def of_instant(instant: datetime, zone: ZoneInfo) -> str:
    """The day that the instant begins in its zone, else the instant in UTC."""
    day = local(instant, zone).date()
    return str(day) if instant == first_instant(day, zone) else f"{instant:%Y%m%dt%H%M%Sz%f}".rstrip("0")


def safe(text: str) -> str:
    """The text as part of a file name: itself if it is short, plain and lower case, else Latin letters and a hash."""
    if re.fullmatch("[a-z0-9]{1,24}", text):
        return text
    latin = readable(text)
    return f"{latin}-{short_hash(text)}" if latin else short_hash(text)


def readable(text: str) -> str:
    """The text in at most 24 lower-case Latin letters, digits and dashes; other texts may read the same."""
    latin = unicodedata.normalize("NFKC", text).casefold().translate(LATIN)
    latin = unicodedata.normalize("NFKD", latin).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "-", latin)[:24].strip("-")


def short_hash(text: str) -> str:
    """Eight characters that hardly another text shares."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
