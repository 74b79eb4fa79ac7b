"""Whether clocks are right: the hours of the day at which things happen, and the portal's own zone."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from math import log
from zoneinfo import ZoneInfo, available_timezones

from ...words.texts import N_, _
from .facts import Facts
from .registry import Reading, Tonight, check

FEWEST_ROWS = 40
LEAST_MOVED = 0.15  # of the rows, before a shift is looked for
BETTER = 0.6  # of the difference is left, at most, when the hours are put back
EVIDENCE = 12.0  # log-likelihood ratio: e^12 is one in 160 thousand


@check(
    "hours", title=N_("Shifted hours"), unit="hours", limit=0, level="error", needs_past=False,
    remedy=N_("Look at the time zone in the CRM and in reports.toml, and at the clock of what was imported."),
)  # fmt: skip
def hours(tonight: Tonight) -> Reading | None:
    """By how many whole hours the day's profile is moved: of all rows against the last night, and of the last seven
    days against the days before; only where moving it back explains most of the difference."""
    pairs = [pair for pair in _profiles(tonight) if min(sum(profile) for profile in pair[1:]) >= FEWEST_ROWS]
    if not pairs:
        return None
    shifts = [(abs(step), table, step) for table, now, before in pairs if (step := shift(now, before))]
    size, table, step = max(shifts, default=(0, "", 0))
    words = _("{table}: the hours are moved by {step} h", table=table, step=f"{step:+d}")
    return Reading(size, words)


def _profiles(tonight: Tonight) -> Iterator[tuple[str, Sequence[int], Sequence[int]]]:
    """A table's name, its hours now, and those that they should be like."""
    for name, counts in tonight.facts.hours.items():
        if name.endswith(" lately"):
            yield name.removesuffix(" lately"), counts, tonight.facts.hours[name.removesuffix(" lately")]
        elif tonight.past and name in tonight.past[0].hours:
            yield name, counts, tonight.past[0].hours[name]


def shift(now: Sequence[int], before: Sequence[int]) -> int:
    """The whole hours by which `now` is later than `before`; 0 where that explains little."""
    if _distance(now, before) < LEAST_MOVED:
        return 0
    distances = {step: _distance(now, _rolled(before, step)) for step in range(-11, 13)}
    best = min(distances, key=lambda step: (distances[step], abs(step)))
    if distances[best] > BETTER * distances[0]:
        return 0
    return best if _evidence(now, _rolled(before, best), before) >= EVIDENCE else 0


def _rolled(profile: Sequence[int], step: int) -> list[int]:
    return [profile[(hour - step) % 24] for hour in range(24)]


def _distance(one: Sequence[int], other: Sequence[int]) -> float:
    n, m = sum(one), sum(other)
    return sum(abs(a / n - b / m) for a, b in zip(one, other, strict=True)) / 2


def _evidence(now: Sequence[int], moved: Sequence[int], before: Sequence[int]) -> float:
    """How much likelier these hours are of the moved profile, as a logarithm; an hour without a row is not impossible."""
    return sum(n * log((m + 0.5) / (b + 0.5)) for n, m, b in zip(now, moved, before, strict=True))


@check(
    "zone", title=N_("Time zone of the portal"), unit="hours", limit=0, level="error",
    remedy=N_("Look at the time zone in the CRM's settings: closing dates are days of that zone."),
)  # fmt: skip
def zone(tonight: Tonight) -> Reading | None:
    """By how many hours the portal's clock is written with another offset than in the last night, where no zone's summer time explains it."""
    now, before = tonight.facts, next((night for night in tonight.past if night.offset is not None), None)
    if now.offset is None or before is None:
        return None
    if now.offset == before.offset or _is_summer_time(before, now):
        return Reading(0)
    words = {"now": _offset(now.offset), "before": _offset(before.offset or 0)}
    return Reading(abs(now.offset - (before.offset or 0)) / 60, _("it is UTC{now}, and was UTC{before}", **words))


def _offset(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _is_summer_time(before: Facts, now: Facts) -> bool:
    """Whether some zone's clocks went from the one offset to the other between these nights."""
    return any(
        _minutes(name, before.synced_at) == before.offset and _minutes(name, now.synced_at) == now.offset
        for name in available_timezones()
    )


def _minutes(name: str, instant: datetime) -> int:
    return (instant.astimezone(UTC).astimezone(ZoneInfo(name)).utcoffset() or timedelta()) // timedelta(minutes=1)
