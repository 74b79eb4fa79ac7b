"""Which numbers a report has asked for, and how: of which metric, cut by what, over which period."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

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


class Counted(NamedTuple):
    """How an element has counted a column by itself: which rows of the frame of the metric `of` each of its rows holds.

    What they bring to that metric makes the number; where it `is_share`, their share of all.
    """

    of: str
    masks: Sequence[np.ndarray]
    is_share: bool = False


def note_counted(ds: Dataset, element: str, **columns: Counted) -> None:
    """Remember of which rows an element has made these columns of its table."""
    ds.memo.once("counted", dict)[element] = columns


def counted(ds: Dataset, element: str) -> dict[str, Counted]:
    """How that element has counted by itself."""
    return ds.memo.once("counted", dict).get(element, {})
