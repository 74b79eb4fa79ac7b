"""What an alert says of one row: the number, what it was, who or what brought the change, and how sure that is."""

from collections.abc import Iterator, Sequence
from itertools import islice
from math import isfinite

from ...measures.measure import missing
from ...measures.shifts import Part, Shift, Shifts
from ...metrics.registry import STOCKS, column
from ...settings import Alert
from ...words import units
from ...words.texts import _

# Where a change may come from, and how many must have moved for that to say anything.
WITHIN = {"manager": 1, "source": 1, "stage": 2, "pipeline": 2, "loss_reason": 2}
MOST_WITHIN, MOST_PARTS, LEVEL = 3, 2, 0.05


def title(shifts: Shifts, row: Shift) -> str:
    """The number and whose it is: Won money, Anna: 1 900 ₽."""
    name = column(shifts.entry.name).title
    whose = f"{name}, {row.name}" if shifts.by else name
    return f"{whose}: {_value(shifts, row.value, row.k, row.n)}"


def sentences(shifts: Shifts, row: Shift, kind: str, alert: Alert, *, is_detailed: bool) -> Iterator[str]:
    """Why it is told, what the number was, the parts of its change, how sure it is; of what is missing only why."""
    if kind == "missing":
        yield missing(shifts.ds, shifts.entry.name) or _("There is nothing to measure it by yet.")
        return
    unit = shifts.entry.unit
    if kind == "below":
        yield _("That is below {limit}.", limit=units.write(alert.below, unit))
    if kind == "above":
        yield _("That is above {limit}.", limit=units.write(alert.above, unit))
    yield from _was(shifts, row, kind)
    if is_detailed:
        yield from parts(shifts, row)
    yield _about(shifts)


def _was(shifts: Shifts, row: Shift, kind: str) -> Iterator[str]:
    """What the number was, and whether chance alone would have changed it so."""
    if not isfinite(row.previous):
        return
    before = _value(shifts, row.previous, row.previous_k, row.previous_n)
    values = {"before": before, "when": _when(shifts), "change": units.change(row.change)}
    if kind in ("rose", "fell"):
        sentence = (
            _("It rose from {before} ({when})", **values)
            if kind == "rose"
            else _("It fell from {before} ({when})", **values)
        )
        yield f"{', '.join(filter(None, [sentence, values['change']]))}."
    else:
        yield _("It was {before} ({when}).", **values)
    chance = shifts.chance(row)
    if chance > LEVEL and row.value != row.previous:
        yield _("The change may be chance.")
    if 0 < chance <= LEVEL:
        yield _("Chance alone would hardly change it so.")


def parts(shifts: Shifts, row: Shift) -> Iterator[str]:
    """By up to three dimensions, what brought the change: the largest parts and the rest, which add up to it."""
    change = row.value - row.previous
    if change:
        yield from islice(_by_dimension(shifts, row, change), MOST_WITHIN)


def _by_dimension(shifts: Shifts, row: Shift, change: float) -> Iterator[str]:
    for dimension, least in WITHIN.items():
        brought = [] if _is_idle(shifts, row, dimension) else shifts.parts(row, dimension)
        if len(brought) > 1 and sum(part.change != 0 for part in brought) >= least:
            yield f"{column(dimension).title}: {_listed(brought, change, shifts.entry.unit)}."


def _is_idle(shifts: Shifts, row: Shift, dimension: str) -> bool:
    """Whether it only says once more what the number is: closed deals stand on the stage, and have the reason, of their end."""
    is_of_ends = shifts.entry.on == "events"
    return is_of_ends and (dimension == "stage" or (dimension == "loss_reason" and isfinite(row.n)))


def _listed(parts: Sequence[Part], change: float, unit: str) -> str:
    """Anna −300 ₽, Boris −100 ₽, others +20 ₽; in all −380 ₽."""
    moved = [part for part in parts if part.change]
    leading = (
        [part for part in moved if part.change * change > 0][:MOST_PARTS] if len(moved) > MOST_PARTS + 1 else moved
    )
    texts = [f"{part.name} {units.signed(part.change, unit)}" for part in leading]
    if len(leading) < len(moved):
        rest = change - sum(part.change for part in leading)
        texts.append(_("others {change}", change=units.signed(rest, unit)))
    whole = _("{parts}; in all {change}", parts=", ".join(texts), change=units.signed(change, unit))
    mix = sum(part.mix for part in parts)
    if not any(part.mix for part in parts):
        return whole
    return _("{whole}, of it {rate} by their own numbers and {mix} by their weight", whole=whole,
             rate=units.signed(change - mix, unit), mix=units.signed(mix, unit))  # fmt: skip


def _value(shifts: Shifts, value: float, k: float, n: float) -> str:
    """The number as a sentence has it, a share with its k of n."""
    text = units.write(value, shifts.entry.unit)
    of = units.k_of_n(k, n)
    return f"{text} ({of})" if of else text


def _when(shifts: Shifts) -> str:
    """The days, or of a stock the day, that the number is compared with."""
    filters = shifts.ds.filters
    if shifts.entry.on not in STOCKS:
        return filters.previous.words()
    return units.write(filters.as_of_before.astimezone(filters.zone).date(), "date")


def _about(shifts: Shifts) -> str:
    """The period and whatever hides something; of a stock its day."""
    (_label, period, _hides), *rest = shifts.ds.filters.words()
    is_stock = shifts.entry.on in STOCKS
    days = _("on {day}", day=units.write(shifts.ds.filters.today, "date")) if is_stock else period
    return " · ".join([days, *(f"{label}: {text}" for label, text, hides in rest if hides)])
