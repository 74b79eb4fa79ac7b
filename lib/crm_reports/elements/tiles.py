"""The numbers in short, each with a second one that belongs to it."""

from collections.abc import Sequence

import pandas as pd

from ..measures import tiles as measures
from ..measures.dataset import Dataset
from ..measures.measure import missing, value_of
from ..metrics.registry import column
from ..store.columns import records
from ..words import units
from ..words.texts import N_, _
from .element import element
from .forgotten import nights

BESIDE = {
    "won": ("repeat_customers", N_("{value} repeat")),
    "average_check": ("median_check", N_("median {value}")),
    "cycle_days": ("median_cycle_days", N_("median {value}")),
    "in_work": ("in_work_money", N_("{value} in all")),
    "lost": ("lost_share", N_("{value} of all closed")),
    "forgotten": ("forgotten_money", N_("{value} in all")),
    "pace": ("pace_share", N_("{value} of it is won")),
    "needed_per_day": ("brought_per_day", N_("so far {value} a day")),
    "forgotten_money": ("money_at_risk", N_("{value} at risk")),
}
# What lies between two numbers stands under a third one.
BETWEEN = {"forecast": ("forecast_low", "forecast_high", N_("{low} to {high}, four times of five"))}


@element(
    title=N_("In short"),
    drawn="tiles",
)
def tiles(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """The tiles, each with a second number that belongs to it as its note, and lines of what was forgotten."""
    metrics = list(dict.fromkeys([*metrics, *ds.settings.own.tiles]))
    table = measures.tiles(ds, metrics)
    notes = [row["note"] or _note(ds, row["metric"]) for row in records(table)]
    lines = {"forgotten": "forgotten", "forgotten_money": "forgotten_money"}
    weeks = nights(ds).table if set(lines) & set(metrics) and not missing(ds, "forgotten") else pd.DataFrame()
    sparks = [
        list(weeks[lines[name]]) if name in lines and len(weeks) else spark
        for name, spark in zip(table["metric"], table["spark"], strict=True)
    ]
    return table.assign(note=notes, spark=sparks)


def _note(ds: Dataset, name: str) -> str:
    """The number that stands small under another one; nothing where there is none, or k of n stands there already."""
    if name in BETWEEN:
        low, high, words = BETWEEN[name]
        texts = {"low": _text(ds, low), "high": _text(ds, high)}
        return _(words, **texts) if all(texts.values()) else ""
    neighbour, words = BESIDE.get(name, ("", ""))
    text = _text(ds, neighbour) if neighbour else ""
    return _(words, value=text) if text else ""


def _text(ds: Dataset, name: str) -> str:
    """A metric's number as a tile says it; "" where there is none."""
    if missing(ds, name):
        return ""
    value = value_of(ds, name)
    text = units.write(getattr(value, "value", value), column(name).unit, form="tile")
    return "" if text == units.MISSING else text
