"""A period in which nothing happened: said once for the page, and which columns of a table then say nothing."""

import pandas as pd

from ..metrics.registry import METRICS, SUFFIXES
from ..words import context, units
from ..words.texts import _
from .dataset import Dataset
from .measure import value_of

EVENTS = ("created", "won", "lost")


def idle(ds: Dataset) -> str:
    """The sentence of a page in whose period no deal was created, won or lost; "" where one was, or nobody can know."""
    return ds.memo.once("idle", lambda: _sentence(ds))


def _sentence(ds: Dataset) -> str:
    with context.using(metrics=()):  # the page's glossary is of the numbers that it shows
        if any(value_of(ds, name) != 0 for name in EVENTS):
            return ""
    when = ds.filters.period.words()
    first, last = (_created(ds, end) for end in ("min", "max"))
    if first is None:
        return _("Nothing was created, won or lost in {when}: no deal fits the filters.", when=when)
    words = {
        name: units.write(at.astimezone(ds.filters.zone), "date") for name, at in (("first", first), ("last", last))
    }
    return _(
        "Nothing was created, won or lost in {when}; the first deal is of {first}, the last of {last}.",
        when=when,
        **words,
    )


def _created(ds: Dataset, end: str) -> object:
    return ds.slice.facts([f"{end}(created_at) as at"])["at"][0].as_py()


def telling(table: pd.DataFrame) -> pd.DataFrame:
    """The table without the metrics that are zero or missing in every row; without rows where no metric is left."""
    metrics = [name for name in table if name in METRICS]
    if "metric" in table:
        return table[table["value"].fillna(0) != 0]
    silent = [name for name in metrics if not (table[name].fillna(0) != 0).any()]
    if metrics and len(silent) == len(metrics):
        return table.iloc[:0]
    beside = [f"{name}{end}" for name in silent for end in SUFFIXES]
    return table.drop(columns=[*silent, *(name for name in beside if name in table)])
