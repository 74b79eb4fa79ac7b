"""Which days a company works: those of its country, days moved by decree included, without days off of its own.

The days themselves are the library `holidays`'; it is imported where it is needed, for most commands never are.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from ..words.texts import _

if TYPE_CHECKING:
    from holidays import HolidayBase

NOWHERE = "none"  # what a company writes that works from Monday to Friday, whatever a country celebrates
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Calendar:
    """The working days of a company in `country`: two letters, with a region where it has its own such as DE-BY; "" for none."""

    country: str = ""
    days_off: tuple[date, ...] = ()

    @classmethod
    def of(cls, country: str, time_zone: str, days_off: tuple[date, ...] = ()) -> "Calendar":
        """The calendar of the country that is named, else of the one whose time it is."""
        from ..words.units import territory  # with pandas, which a command that asks no calendar need not wait for

        named = country or territory(time_zone)
        return cls(named if named in countries() else "", days_off)

    def is_working(self, day: date) -> bool:
        """Whether people work on that day."""
        return _is_working(self.country, day) and day not in self.days_off

    def working_days(self, start: date, end: date) -> int:
        """On how many days from `start` to before `end` people work."""
        return sum(map(self.is_working, _days(start, end)))

    def gaps(self, start: date, end: date) -> str:
        """What is not known of these days, in a sentence; "" where all is."""
        if not self.country:
            return _(
                "Working days are Monday to Friday: public holidays are not known; name the `country` in reports.toml."
            )
        first, last, moves_until = _known(self.country)
        years = [year for year in range(start.year, (end - DAY).year + 1) if not first <= year <= last]
        if years:
            return _("Public holidays of {year} are not known: working days are Monday to Friday there.", year=years[0])
        if moves_until and (end - DAY).year > moves_until:
            return _("Days off that are moved by decree are known up to {year}.", year=moves_until)
        return ""


def _days(start: date, end: date) -> Iterator[date]:
    return (start + number * DAY for number in range((end - start).days))


@cache
def countries() -> frozenset[str]:
    """All that can be named as a country, with its regions."""
    from holidays import list_supported_countries

    regions = list_supported_countries()
    return frozenset([*regions, *(f"{country}-{region}" for country, own in regions.items() for region in own)])


@cache
def _holidays(country: str) -> "HolidayBase":
    from holidays import country_holidays

    name, _dash, region = country.partition("-")
    return country_holidays(name, subdiv=region or None)


@lru_cache(8192)
def _is_working(country: str, day: date) -> bool:
    return _holidays(country).is_working_day(day) if country else day.weekday() < 5


@cache
def _known(country: str) -> tuple[int, int, int]:
    """The first and the last year whose holidays are known, and the last whose moved days are; 0 where none are moved."""
    days = _holidays(country)
    special = getattr(days, "special_public_holidays", {})
    return days.start_year, days.end_year, max((year for year, own in special.items() if _has_move(own)), default=0)


def _has_move(days: tuple) -> bool:
    """Whether one of a year's special days stands in for another: month, day, and those of the day it is taken from."""
    entries = days if days and isinstance(days[0], tuple) else (days,)
    return any(len(entry) >= 4 and all(isinstance(part, int) for part in entry) for entry in entries)
