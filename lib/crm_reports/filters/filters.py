"""What a report is about, as one frozen `Filters`: read from what was typed, and told in words, slug, parameters, JSON."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from typing import Literal, Self
from zoneinfo import ZoneInfo

from ..errors import FilterError, all_at_once
from ..words import texts, units
from ..words.texts import _, many, speaking
from . import slugs
from .choices import DIMENSIONS, STANDINGS, Choice, Choices, Dimensioned, Selection, choose
from .instants import first_instant, local, parse_as_of
from .periods import BEGINNING, DAY, Period, parse_period, shift, year_before
from .windows import Window, parse_window

Comparison = Literal["previous", "year_ago", "none"]

COMPARISONS: tuple[Comparison, ...] = ("previous", "year_ago", "none")


@dataclass(frozen=True)
class Filters(Dimensioned):
    """What a report is about. An empty dimension means everything; `departments` are those chosen and all below.

    `marks` are what a file's name says beside the period and the choices: the instant and the language that were typed.
    """

    period: Period
    as_of: datetime
    zone: ZoneInfo
    pipeline: tuple[Choice, ...] = ()
    department: tuple[Choice, ...] = ()
    manager: tuple[Choice, ...] = ()
    source: tuple[Choice, ...] = ()
    stage: tuple[Choice, ...] = ()
    loss_reason: tuple[Choice, ...] = ()
    comparison: Comparison = "previous"
    language: str = "en"
    departments: tuple[str, ...] = ()
    marks: tuple[str, ...] = field(default=(), compare=False)
    window: Window | None = None

    @classmethod
    def parse(
        cls,
        choices: Choices,
        *,
        zone: ZoneInfo,
        default_as_of: datetime,
        default_language: str = "",
        period: object = "last_month",
        comparison: str = "previous",
        as_of: object = "",
        language: str = "",
        stage_window: str = "",
        **typed: Selection,
    ) -> Self:
        """The filters that were typed, those of DIMENSIONS by name.

        FilterError: a sentence for everything that means nothing here.
        """
        if unknown := typed.keys() - set(choices.dimensions):
            raise TypeError(
                f"no filter called {', '.join(sorted(unknown))}; there are: {', '.join(choices.dimensions)}"
            )
        usual = default_language or texts.language()
        problems = _not_one_of("comparison", comparison, COMPARISONS)
        problems += _not_one_of("language", language or usual, texts.LANGUAGES)
        instant = _as_of(as_of, zone, default_as_of, problems)
        days = _period(period, local(instant, zone).date(), problems)
        window = _window(stage_window, problems)
        dimensions = {}
        for name in choices.dimensions:
            dimensions[name], unclear = choose(choices, name, typed.get(name))
            problems += unclear
        all_at_once(problems, FilterError)
        own = tuple(replace(cut, choices=dimensions.pop(cut.name)) for cut in choices.own)
        departments = choices.departments_below(choice.id for choice in dimensions["department"])
        marks = [f"as-of-{slugs.of_instant(instant, zone)}"] if str(as_of or "").strip() else []
        marks += [f"in-{language}"] if language not in ("", usual) else []
        words = {"comparison": comparison, "language": language or usual}
        return cls(
            days,
            instant,
            zone,
            **dimensions,
            **words,
            departments=departments,
            marks=tuple(marks),
            window=window,
            own=own,
        )

    @property
    def is_about_people(self) -> bool:
        """Whether they keep some people only, who may be shown the page: a manager or department filter is set."""
        return bool(self.manager or self.department)

    @property
    def is_about_one(self) -> bool:
        """Whether they keep one manager only: it is his own page."""
        return len(self.manager) == 1

    @property
    def is_about_standing(self) -> bool:
        """Whether they keep deals by how they stood at the instant: in work on some stages, or lost for some reasons."""
        return any(map(self.of, STANDINGS))

    @property
    def _told(self) -> list[str]:
        """The dimensions that a report tells of: how deals stand, and the company's own, only where that was asked."""
        usual = [name for name in DIMENSIONS if name not in STANDINGS]
        return [name for name in self.dimensions if name in usual or self.of(name)]

    def about(self, dimension: str, choice: Choice, departments: tuple[str, ...]) -> Self:
        """The same filters of that one alone; `departments` are those that are then chosen and all below."""
        if dimension in DIMENSIONS:
            return replace(self, **{dimension: (choice,)}, departments=departments)
        return replace(
            self, own=tuple(replace(cut, choices=(choice,)) if cut.name == dimension else cut for cut in self.own)
        )

    def ids(self, dimension: str) -> tuple[str, ...]:
        """The ids to keep, those below a department with it; empty means all."""
        if dimension == "department":
            return self.departments
        return tuple(choice.id for choice in self.of(dimension))

    # Time

    @property
    def start_at(self) -> datetime:
        return first_instant(self.period.start, self.zone)

    @property
    def today(self) -> date:
        """The day of the report's instant."""
        return local(self.as_of, self.zone).date()

    @property
    def elapsed(self) -> Period:
        """The days of the period that had begun before `as_of`."""
        end = min(self.period.end, self.day_ahead)
        return replace(self.period, end=max(end, self.period.start))

    @property
    def stage_period(self) -> Period:
        """The days over which going from stage to stage is counted: the window before the period's end, or the longer period."""
        days = self.elapsed
        if self.window is None or self.period.is_open:
            return days
        start = max(self.window.before(days.end), BEGINNING)
        return days if start >= days.start else Period.of(start, days.end)

    def stage_words(self) -> str:
        """Those days in a sentence, where they are not the period's: "in the 12 months to 31 Oct"; else nothing."""
        if self.window is None or self.stage_period == self.elapsed:
            return ""
        return self.window.words(self.stage_period.last_day)

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
        days = self.elapsed.days
        if self.comparison == "none" or self.period.is_open or not days:
            return None
        start, end = self._before
        return Period.of(start, min(end, start + days * DAY) if self.is_running else end)

    @property
    def _before(self) -> tuple[date, date]:
        """The first day of the whole period to compare with, and the first after it."""
        period = self.period
        if self.comparison == "year_ago":
            return year_before(period.start), year_before(period.end, is_end=True)
        return shift(period.unit, period.start, -1) if period.unit else period.start - period.days * DAY, period.start

    def beside(self, day: date) -> date:
        """The day of the period to compare with that stands beside this one: of a month's first day a month's first."""
        if self.comparison == "year_ago":
            return year_before(day)
        start = self._before[0]
        months = (self.period.start.year - start.year) * 12 + self.period.start.month - start.month
        if day.day == 1 and self.period.unit not in ("", "week"):
            return shift("month", day, -months)
        return day - (self.period.start - start)

    @property
    def as_of_before(self) -> datetime | None:
        """The instant to compare stocks at: as long before `as_of` as the previous period is before this one."""
        if self.previous is None:
            return None
        wall = local(self.as_of, self.zone)
        day = wall.date() - (self.elapsed.end - self.previous.end)
        if self.comparison == "year_ago":
            day = year_before(wall.date(), is_end=wall.time() == time())
        if self.as_of == first_instant(wall.date(), self.zone):
            return first_instant(day, self.zone)
        return datetime.combine(day, wall.time(), self.zone).astimezone(UTC)

    @property
    def day_ahead(self) -> date:
        """The first day that had not begun at the report's instant."""
        return self.today + DAY if self.as_of > first_instant(self.today, self.zone) else self.today

    def starting(self, first: date | None) -> Self:
        """The same filters; a period without a beginning begins on the `first` day that anything counted is of."""
        if not self.period.is_open:
            return self
        last = self.period.last_day
        return replace(self, period=replace(self.period, start=max(min(first or last, last), BEGINNING)))

    # Words

    def words(self) -> list[tuple[str, str, bool]]:
        """What the header says, in the reader's language: label, text, and whether it hides something.

        The company's own dimensions are said only where something of them was chosen.
        """
        with speaking(self.language):
            choices = [(self.label(name), self._choice_words(name), bool(self.of(name))) for name in self._told]
            clock = local(self.as_of, self.zone)
            instant = f"{units.write(clock, 'date')} {clock:%H:%M} ({self.zone.key})"
            return [
                (_("Period"), self._period_words(), False),
                (_("Compared with"), self.previous.words() if self.previous else _("nothing"), False),
                *choices,
                (_("Data as of"), instant, False),
            ]

    def _period_words(self) -> str:
        words = self.period.words()
        if not self.is_running:
            return words
        days = many("{n} day has gone by", "{n} days have gone by", self.elapsed.days)
        return _("{words} (running: {gone})", words=words, gone=days)

    def _choice_words(self, dimension: str) -> str:
        names = ", ".join(choice.name for choice in self.of(dimension))
        more = len(self.departments) - len(self.department) if dimension == "department" else 0
        descendants = many("{n} department below", "{n} departments below", more)
        return (f"{names} + {descendants}" if more else names) or _("all")

    def slug(self) -> str:
        """A short name for files, another one for other filters: the period, and what differs from the defaults."""
        parts = [slugs.of_period(self.period.text)]
        for name in self.dimensions:
            if ids := [slugs.safe(choice.id) for choice in self.of(name)]:
                parts.append(f"{name}-{'_'.join(ids)}")
        if self.comparison != "previous":
            parts.append({"year_ago": "vs-year-ago", "none": "not-compared"}[self.comparison])
        slug = "--".join([*parts, *self.marks])
        return slug if len(slug) <= 100 else f"{slug[:80].rstrip('-_')}-{slugs.short_hash(slug)}"

    def parameters(self) -> dict[str, str | list[str]]:
        """What a notebook is given to be about the same, whenever it runs: plain types, ids, `as_of` as an instant."""
        return {
            "period": self.period.text,
            **{name: [choice.id for choice in self.of(name)] for name in self._told},
            "comparison": self.comparison,
            "as_of": self.as_of.astimezone(self.zone).isoformat(),
            "language": self.language,
        }

    def as_json(self) -> dict[str, object]:
        """The filters with ids, for the JSON file."""
        comparison = {"kind": self.comparison, **self.previous.dates()} if self.previous else None
        choices = {name: [{"id": choice.id, "name": choice.name} for choice in self.of(name)] for name in self._told}
        return {
            "period": {"text": self.period.text, **self.period.dates()},
            "comparison": comparison,
            **choices,
            "as_of": self.as_of.isoformat(),
            "time_zone": self.zone.key,
            "stage_period": self.stage_period.dates(),
        }


def _not_one_of(key: str, value: object, options: tuple[str, ...]) -> list[str]:
    if value in options:
        return []
    return [_("{key} is {held}; allowed: {allowed}", key=key, held=repr(value), allowed=", ".join(options))]


def _as_of(entry: object, zone: ZoneInfo, default: datetime, problems: list[str]) -> datetime:
    """The instant, or the default where nothing or nonsense was typed."""
    text = entry.isoformat() if isinstance(entry, date) else str("" if entry is None else entry)
    try:
        return parse_as_of(text, zone) if text.strip() else default.astimezone(UTC)
    except FilterError as error:
        problems.append(str(error))
        return default.astimezone(UTC)


def _period(entry: object, today: date, problems: list[str]) -> Period:
    try:
        return parse_period(str("" if entry is None else entry), today)
    except FilterError as error:
        problems.append(str(error))
        return Period.of(today, today)


def _window(entry: object, problems: list[str]) -> Window | None:
    try:
        return parse_window(str(entry or ""))
    except FilterError as error:
        problems.append(str(error))
        return None
