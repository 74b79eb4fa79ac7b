"""A check of the data as a line of a terminal's table: its value beside its limit, its last nights, what to do."""

from collections.abc import Sequence
from itertools import groupby

from ..night.checks import CHECKS, Night, Result
from ..words import units
from ..words.texts import _
from .doctor.check import Check, State

SIGNS: dict[str, State] = {"ok": "ok", "new": "early", "off": "off", "warn": "look", "error": "broken"}


def line(result: Result, nights: Sequence[Night]) -> Check:
    """What the check of that result says, as the doctor says what it looks at."""
    check = CHECKS[result.name]
    parts = [
        f"{result.heading}.",
        _measured(result, check.unit),
        result.text and f"{result.text}.",
        _nights(result.name, nights),
    ]
    remedy = _(check.remedy) if result.state in ("warn", "error") else ""
    return Check(result.name, SIGNS[result.state], " ".join(filter(None, parts)), remedy)


def _measured(result: Result, unit: str) -> str:
    """The value beside its limit and level."""
    if result.state == "off":
        return _("Switched off.")
    levels = {"error": _("stops the mails"), "warn": _("warns")}
    words = {"limit": _written(result.limit, unit), "level": levels[result.level]}
    if result.state == "new":
        return _("Not enough past to judge by; beyond {limit} it {level}.", **words)
    return _("{value}; beyond {limit} it {level}.", value=_written(result.value, unit), **words)


def _written(value: float | None, unit: str) -> str:
    if unit in ("share", "days", "count"):
        return units.write(value, unit)
    words = {"times": "×{n}", "hours": _("{n} h")}
    return words[unit].format(n=units.write(value, "number"))


def _nights(name: str, nights: Sequence[Night]) -> str:
    """Its last nights from the first to the last, those in a row together: 12 × ok, 1 × error, 4 × ok."""
    outcomes = [result.outcome for night in reversed(nights) if (result := night.result(name))]
    runs = [f"{len(list(run))} × {outcome}" for outcome, run in groupby(outcomes)]
    return _("Nights: {runs}.", runs=", ".join(runs)) if runs else ""
