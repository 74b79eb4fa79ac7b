"""How far back to look from the end of a period, as people type it."""

import re
from dataclasses import dataclass
from datetime import date

from ..errors import FilterError
from ..words import units
from ..words.texts import _, many
from .periods import DAY, LAST, MONTHS_IN, UNITS, plain, shift

_LENGTH = re.compile(
    rf"(?:{LAST})? ?(?P<count>\d{{1,4}})? ?(?:"
    + "|".join(f"(?P<{unit}>{words})" for unit, words in UNITS.items())
    + ")"
)


@dataclass(frozen=True)
class Window:
    """How far back to look from the end of a period, at least: so many months, or so many days."""

    months: int = 0
    days: int = 0

    def before(self, end: date) -> date:
        """The first day of the window that ends before `end`; of a 31st, in a shorter month, that month's last day."""
        month = shift("month", end, -self.months)
        return month + (min(end.day, (shift("month", month, 1) - month).days) - 1 - self.days) * DAY

    def words(self, last_day: date) -> str:
        """The window in a sentence: in the 12 months to 31 Oct."""
        day = units.day_month(last_day)
        if self.months:
            return many("in the {n} month to {day}", "in the {n} months to {day}", self.months, day=day)
        return many("in the {n} day to {day}", "in the {n} days to {day}", self.days, day=day)


def parse_window(text: str) -> Window | None:
    """The window that `text` names: 12 months, 90 days, a year; None for nothing."""
    words = re.sub(r"^(?:a|an|one|один|одну) ", "", re.sub("[ -]+", " ", plain(text)))
    match = _LENGTH.fullmatch(words)
    if not words or (match and match["count"] and not int(match["count"])):
        return None
    if not match:
        raise FilterError(
            _(
                "stage_window {held} is not understood; write how far back to look, such as 12 months, 90 days or a year, "
                "or nothing for the report's period alone",
                held=repr(text),
            )
        )
    count, unit = int(match["count"] or 1), str(match.lastgroup)
    months = count * MONTHS_IN.get(unit, 0)
    return Window(min(months, 1200), 0 if months else count * (7 if unit == "week" else 1))
