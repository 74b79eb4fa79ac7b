"""Columns and rows as JSON has them: null for missing, ISO text for instants and dates."""

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ..metrics import registry
from ..words import units


def columns_of(frame: pd.DataFrame) -> list[dict[str, str]]:
    """What a frame's columns are called and measured in."""
    entries = registry.columns_of(frame)
    return [{"name": entry.name, "title": entry.title, "unit": entry.unit} for entry in entries]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows, each by the names of its columns."""
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*(values(frame[name]) for name in frame), strict=True)]


def values(column: pd.Series) -> list[Any]:
    """A column's values, all at once where they are of one kind."""
    kind = getattr(column.dtype, "kind", "O")
    if kind in "biu" and isinstance(column.dtype, np.dtype):
        return column.tolist()
    if kind == "f" and isinstance(column.dtype, np.dtype):
        return [
            number if is_known else None for number, is_known in zip(column.tolist(), np.isfinite(column), strict=True)
        ]
    if isinstance(column.dtype, pd.DatetimeTZDtype) and str(column.dt.tz) == "UTC":
        return _instants(column)
    return [item if type(item) is str else value(item) for item in column.astype(object).tolist()]


def _instants(column: pd.Series) -> list[str | None]:
    """As `isoformat` writes each: with a fraction of the second where there is one."""
    exact = column.dt.tz_localize(None).to_numpy()
    whole, micro = exact.astype("datetime64[s]"), exact.astype("datetime64[us]")
    if not ((exact == micro) | np.isnat(exact)).all():
        return [value(each) for each in column.tolist()]
    has_fraction = (exact != whole) & ~np.isnat(exact)
    texts = np.datetime_as_string(whole).tolist()
    for place, text in zip(np.flatnonzero(has_fraction), np.datetime_as_string(micro[has_fraction]), strict=True):
        texts[place] = str(text)
    return [None if text == "NaT" else f"{text}+00:00" for text in texts]


def value(item: Any) -> Any:
    """One value, or a list of them."""
    if isinstance(item, list | tuple):
        return [value(part) for part in item]
    if units.is_missing(item):
        return None
    if isinstance(item, date):  # a datetime and a Timestamp are dates, too
        return item.isoformat()
    if hasattr(item, "item"):
        return item.item()
    return item if isinstance(item, str | int | float | bool | dict) else str(item)
