"""Which numbers a report has asked for, and how: of which metric, cut by what, over which period."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from ..filters import Period
from ..metrics.registry import Metric
from .dataset import Dataset


class Asked(NamedTuple):
    """How a number was measured: the dimensions it was cut by, over what, and into cuts of which size ("" for none)."""

    keys: tuple[str, ...]
    period: Period
    size: str = ""


def note(
    ds: Dataset, entries: Iterable[Metric], keys: Sequence[str], period: Period, sizes: Sequence[str] = ("",)
) -> None:
    """Remember that these metrics of the report were measured so."""
    asked = ds.memo.once("asked", dict)
    for entry in entries:
        for size in sizes:
            asked.setdefault(entry.name, {})[Asked(tuple(keys), period, size)] = None


def ways(ds: Dataset, name: str) -> list[Asked]:
    """How the metric was measured in this report, the most finely cut first, of those the latest."""
    latest_first = list(ds.memo.once("asked", dict).get(name, {}))[::-1]
    return sorted(latest_first, key=lambda way: -len(way.keys) - bool(way.size))
