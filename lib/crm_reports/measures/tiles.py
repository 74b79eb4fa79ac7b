"""Metrics over the whole slice, one by one: the number, what it was before, how sure it is, its last twelve months."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..metrics.registry import ABOUT, STOCKS, Metric
from ..metrics.rows import Number, Ratio, Sample
from ..metrics.statistics import differs
from ..words.texts import _
from . import frames
from .asked import note
from .cells import NOTHING, change, entries_of, gaps, gaps_before, of_all, plain, sureness
from .dataset import Dataset
from .over_time import sparks

COLUMNS = ["metric", "value", "previous", "change", "k", "n", "low", "high", "may_be_chance", "spark", "note"]


def tiles(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """One row per metric: metric, value, previous, change, k, n, low, high, spark (the last periods), note (empty)."""
    lines = sparks(ds, metrics)
    return pd.DataFrame([{"spark": lines.get(name, [])} | comparison(ds, name) for name in metrics], columns=COLUMNS)


def comparison(ds: Dataset, name: str) -> dict[str, object]:
    """One metric beside the period before: value, previous, change, k, n, low, high."""
    entry = entries_of([name])[0]
    if gaps(ds, [entry]):
        return {"metric": name, "spark": [], "note": _why(ds, entry)}
    note(ds, [entry], [], ds.filters.elapsed)
    now = of_all(entry, frames.frame(ds, entry.on, ds.filters.elapsed))
    is_known = ds.filters.previous and not gaps_before(ds, [entry])
    before = of_all(entry, frames.frame_before(ds, entry.on)) if is_known else NOTHING
    return {
        "metric": name, "value": plain(now), "previous": plain(before), "change": change(plain(now), plain(before)),
        **sureness(now), "may_be_chance": _may_be_chance(entry, now, before), "note": "",
    }  # fmt: skip


def _why(ds: Dataset, entry: Metric) -> str:
    """Why there is no number, in two or three words."""
    if not entry.asks & set(ds.lacks) & set(ABOUT):
        return _("no data")
    return _("only deals in work here") if ds.filters.stage else _("only lost deals here")


def _may_be_chance(entry: Metric, now: Number, before: Number) -> bool:
    """Whether chance alone would often change the number so: Fisher's test of a share, Poisson's spread of a count of events.

    A stock is what it is; of a sum or a mean nothing is said.
    """
    if isinstance(now, Ratio) and isinstance(before, Ratio):
        k, n = np.array([now.k, before.k], dtype=float), np.array([now.n, before.n], dtype=float)
        return bool((k <= n).all() and (n > 0).all() and not differs(k, n).any())
    if entry.unit != "count" or entry.on in STOCKS or isinstance(now, Ratio | Sample):
        return False
    value_before, value_now = plain(before), plain(now)
    return abs(value_now - value_before) <= 1.96 * (value_now + value_before) ** 0.5
