"""What is looked at before a night's numbers are believed: each check has a name, a limit, a level and its last nights.

A value is compared with the past and with a limit; only what is beyond both is said, or it would cry wolf.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ...settings import CheckLimit, Settings
from ...store import Store
from ...store.checked import Result, State, results
from ...store.receipts import Receipt
from . import arrivals, clocks, names, numbers, rows
from .facts import Facts, facts
from .kept import Night, keep, nights, prune
from .registry import CHECKS, Check, Reading, Tonight, check

__all__ = [
    "CHECKS",
    "Check",
    "Facts",
    "Night",
    "Reading",
    "Result",
    "Tonight",
    "accept",
    "check",
    "examine",
    "judge",
    "nights",
    "sentences",
    "standing",
]
_SUBJECTS = (arrivals, clocks, names, numbers, rows)  # which register what they check


def examine(settings: Settings) -> tuple[tuple[Result, ...], list[str]]:
    """What each check says of the store as it is, kept for the nights to come; and what was found damaged, in sentences."""
    store = Store.open(settings.store_path)
    kept, repairs = nights(settings)
    # By two clocks, the portal's and ours, which need not agree: so old its data were at the sync, and so long ago that is.
    age = max(datetime.now(UTC) - store.last_sync["finished_at"], timedelta())
    now = store.synced_at + age
    tonight = facts(store, settings)
    earlier = [night for night in kept if night.synced_at < tonight.synced_at]
    same = next((night for night in kept if night.synced_at == tonight.synced_at), None)
    found = judge(tonight, earlier, settings, now=now, receipt=store.receipt)
    accepted = same.accepted if same else ()
    found = tuple(replace(each, state="ok", text="") if each.name in accepted else each for each in found)
    night = Night(tonight, found, accepted)
    keep(night, settings)
    prune([night, *earlier], settings)
    return found, repairs


def judge(
    tonight: Facts, earlier: Sequence[Night], settings: Settings, *, now: datetime, receipt: Receipt | None = None
) -> tuple[Result, ...]:
    """What each check says of these facts, beside those of earlier nights (the latest first)."""
    alike = [night for night in earlier if (night.facts.origin, night.facts.zone) == (tonight.origin, tonight.zone)]
    shown = Tonight(tonight, (), settings.calendar, now.astimezone(settings.zone), receipt)
    return tuple(_result(each, shown, alike, settings.checks.get(each.name, CheckLimit())) for each in CHECKS.values())


def _result(each: Check, shown: Tonight, alike: Sequence[Night], own: CheckLimit) -> Result:
    limit = each.limit if own.limit is None else own.limit
    if (own.level or each.level) == "off":
        return Result(each.name, each.title, "off", None, limit, "off")
    past = [night.facts for night in _in_order(each.name, alike)]
    return each.judge(replace(shown, past=past, limit=limit), own)


def _in_order(name: str, alike: Sequence[Night]) -> list[Night]:
    """The nights that this check may take for its past: those that it did not stop, down to one that was accepted."""
    past = []
    for night in alike:
        result = night.result(name)
        if name in night.accepted or result is None or result.state != "error":
            past.append(night)
        if name in night.accepted:
            break
    return past


def sentences(results: Iterable[Result], state: State) -> list[str]:
    """What those that are so say, each behind its title."""
    return [f"{result.heading}: {result.text}" for result in results if result.state == state]


def accept(settings: Settings, names: Sequence[str]) -> tuple[Result, ...]:
    """What the checks say of the store as it is, once these were taken for usual: their past begins with this sync."""
    results = examine(settings)[0]
    if names:
        night = nights(settings)[0][0]
        well = tuple(replace(each, state="ok", text="") if each.name in names else each for each in results)
        keep(replace(night, results=well, accepted=tuple({*night.accepted, *names})), settings)
        return well
    return results


def standing(settings: Settings) -> tuple[Result, ...]:
    """What the checks say of the store as it is: what was kept of it, else what they say now."""
    if not settings.store_path.is_file():
        return ()
    return results(settings.data, Store.open(settings.store_path).synced_at) or examine(settings)[0]
