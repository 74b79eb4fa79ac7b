"""Whether the rows of the last night that was in order are still there, each once, and what they point to with them."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from math import sqrt

from ...words import units
from ...words.texts import N_, _
from .facts import OWN_VALUES, Facts
from .registry import Reading, Tonight, check

FEWEST = 10  # rows that are worth a word
LATELY = timedelta(days=28)
BEYOND_CHANCE = 4.0
GROWTH_TIMES = 3.0  # as much as in any night before


@check(
    "vanished", title=N_("Vanished rows"), unit="share", limit=0.02, level="error",
    remedy=N_("Look whether they were deleted, or the webhook lost the right to see them."),
)  # fmt: skip
def vanished(tonight: Tonight) -> Reading | None:
    """The largest share of a table's rows that the last night had and this one has not: of all, and of those of the days of the last four weeks."""
    return _worst(_losses(tonight.past[0], tonight.facts), _("{name}: {now}, and {before} the night before"))


def _losses(before: Facts, now: Facts) -> Iterator[tuple[str, int, int]]:
    """Name, rows then and rows now."""
    yield from ((table, count, now.rows.get(table, 0)) for table, count in before.rows.items())
    for series in before.days.keys() & now.days.keys() - {"closings"}:
        # What happened on a past day does not become less, but by deleting it.
        lately = [day for day in before.days[series] if timedelta() < before.on - day <= LATELY]
        counts = [[days.get(day, 0) for day in lately] for days in (before.days[series], now.days[series])]
        yield (series, *map(sum, counts))


def _worst(losses: Iterator[tuple[str, int, int]], sentence: str) -> Reading:
    """Of (name, then, now) the one that lost the largest share, as far as it is worth a word."""
    worth = [(1 - now / before, name, before, now) for name, before, now in losses if before - now >= FEWEST]
    share, name, before, now = max(worth, default=(0.0, "", 0, 0))
    return Reading(share, sentence.format(name=name, before=units.count(before), now=units.count(now)))


@check(
    "pipelines", title=N_("Vanished pipelines and kinds"), unit="share", limit=0.5, level="error",
    remedy=N_("Look whether it was closed in the CRM, or the webhook lost the right to see it."),
)  # fmt: skip
def pipelines(tonight: Tonight) -> Reading | None:
    """The largest share of its rows that a pipeline, a kind of activity or a field of the company's own had in the last night and has no more."""
    return _worst(_lost_parts(tonight), _("{name}: {now}, and {before} the night before"))


def _lost_parts(tonight: Tonight) -> Iterator[tuple[str, int, int]]:
    sentences = {
        "deals.pipeline_id": _("deals of pipeline {name}"),
        "activities.kind": _("activities of kind {name}"),
        OWN_VALUES: _("values of field {name}"),
    }
    for part, sentence in sentences.items():
        counts = tonight.facts.parts.get(part, {})
        for id, count in tonight.past[0].parts.get(part, {}).items():
            yield sentence.format(name=tonight.title("pipelines", id)), count, counts.get(id, 0)


@check(
    "growth", title=N_("Growth overnight"), unit="share", limit=0.3, level="error",
    remedy=N_("Look whether something was imported, or is there twice."),
)  # fmt: skip
def growth(tonight: Tonight) -> Reading | None:
    """By what share of its rows a table grew since the last night; only where that is three times what it grew in any night before."""
    nights = [tonight.facts, *tonight.past]
    growths = [dict(_growths(before, now)) for now, before in pairwise(nights)]
    unusual = [
        (share, table) for table, share in growths[0].items()
        if share > GROWTH_TIMES * max((growth.get(table, 0.0) for growth in growths[1:]), default=0.0)
    ]  # fmt: skip
    share, table = max(unusual, default=(0.0, ""))
    before, now = tonight.past[0].rows.get(table, 0), tonight.facts.rows.get(table, 0)
    sentence = _(
        "{name}: {now}, and {before} the night before", name=table, now=units.count(now), before=units.count(before)
    )
    return Reading(share, sentence)


def _growths(before: Facts, now: Facts) -> Iterator[tuple[str, float]]:
    """By table, what it grew by for each day between two nights."""
    days = max((now.on - before.on).days, 1)
    for table, count in now.rows.items():
        if before.rows.get(table) and count - before.rows[table] >= 5 * FEWEST:
            yield table, (count / before.rows[table] - 1) / days


# Shares


@check(
    "doubled", title=N_("Doubled rows"), unit="share", limit=0.02, level="error",
    remedy=N_("Look at the newest rows of this table: an import may have run twice."),
)  # fmt: skip
def doubled(tonight: Tonight) -> Reading | None:
    """By how much the share of rows that repeat another one's content (or a person's name) is above what it was in any night before."""
    return _rise("doubled", tonight)


@check(
    "empty", title=N_("Empty fields"), unit="share", limit=0.2, level="error",
    remedy=N_("Look whether the field is filled in the CRM, and whether the webhook may read it."),
)  # fmt: skip
def empty(tonight: Tonight) -> Reading | None:
    """By how much a field is empty more often than in any night before: of all rows, and of those of the last seven days."""
    return _rise("empty", tonight)


@check(
    "orphans", title=N_("Rows that point nowhere"), unit="share", limit=0.1, level="error",
    remedy=N_("Look whether stages, people or deals were deleted, or have other ids now."),
)  # fmt: skip
def orphans(tonight: Tonight) -> Reading | None:
    """By how much more often a row points to a deal, stage, pipeline, source, company or person that is not there than in any night before."""
    return _rise("orphans", tonight)


@check(
    "dates", title=N_("Impossible dates"), unit="share", limit=0.02, level="error",
    remedy=N_("Look at the newest rows in the CRM: a clock, or an import, may be wrong."),
)  # fmt: skip
def dates(tonight: Tonight) -> Reading | None:
    """By how much the share of rows that are still to come, or were closed before they were created, is above what it was in any night before."""
    return _rise("dates", tonight)


@check(
    "negative", title=N_("Amounts below zero"), unit="share", limit=0.02, level="error",
    remedy=N_("Look at the amounts in the CRM: refunds are few."),
)  # fmt: skip
def negative(tonight: Tonight) -> Reading | None:
    """By how much the share of amounts below zero is above what it was in any night before."""
    return _rise("negative", tonight)


def _rise(kind: str, tonight: Tonight) -> Reading | None:
    """The largest rise of such a share above all earlier nights, as far as it is beyond chance."""
    rises = []
    for name, (k, n) in tonight.facts.shares.items():
        highest = _highest(name, tonight.past) if name.startswith(f"{kind}:") and n else None
        if highest is not None and _is_beyond_chance(k, n, highest):
            rises.append((k / n - highest, name.removeprefix(f"{kind}: "), k, n, highest))
    rise, name, k, n, highest = max(rises, default=(0.0, "", 0, 0, 0.0))
    words = {"name": name, "k_of_n": units.k_of_n(k, n), "highest": units.share(highest)}
    return Reading(rise, _("{name}: {k_of_n}, and {highest} at most before", **words))


def _highest(name: str, past: tuple[Facts, ...] | list[Facts]) -> float | None:
    shares = [night.shares[name] for night in past if name in night.shares]
    return max((k / n for k, n in shares if n), default=None)


def _is_beyond_chance(k: int, n: int, highest: float) -> bool:
    excess = k - n * highest
    return excess >= FEWEST / 2 and excess >= BEYOND_CHANCE * sqrt(n * highest * (1 - highest) + 1)


# What rows are made of


@check(
    "mix", title=N_("Rows that changed hands"), unit="share", limit=0.15, level="warn",
    remedy=N_("Look whether deals were handed over or moved in bulk."),
)  # fmt: skip
def mix(tonight: Tonight) -> Reading | None:
    """What share of a table's rows are of another manager, source, kind or outcome than in the last night."""
    return _moved(tonight, [part for part in tonight.facts.parts if part not in ("deals.currency", OWN_VALUES)])


@check(
    "currency", title=N_("Currencies of the deals"), unit="share", limit=0.05, level="error",
    remedy=N_("Look at the currencies of deals, and at the base currency, in the CRM's settings."),
)  # fmt: skip
def currency(tonight: Tonight) -> Reading | None:
    """What share of deals is in another currency than in the last night; all, where the portal's base currency is another one."""
    before, now = tonight.past[0].base, tonight.facts.base
    if before and now and before != now:
        return Reading(1.0, _("the base currency is {now}, and was {before}", now=now, before=before))
    return _moved(tonight, ["deals.currency"])


def _moved(tonight: Tonight, parts: list[str]) -> Reading:
    """The largest share of rows that are of another part now."""
    before = tonight.past[0].parts
    moves = [(share_moved(before[part], tonight.facts.parts.get(part, {})), part) for part in parts if before.get(part)]
    share, part = max(moves, default=(0.0, ""))
    sentence = _("{share} of {name} is another one than the night before", share=units.share(share), name=part)
    return Reading(share, sentence)


def share_moved(before: Mapping[str, int], now: Mapping[str, int]) -> float:
    """What share of the rows is of another part than before: half the sum of all differences of shares."""
    n, m = sum(before.values()), sum(now.values())
    if min(n, m) < 5 * FEWEST:
        return 0.0
    return sum(abs(before.get(id, 0) / n - now.get(id, 0) / m) for id in before.keys() | now.keys()) / 2
