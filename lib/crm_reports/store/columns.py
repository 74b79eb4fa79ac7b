"""Columns of one length.

A text is a `pd.Categorical` ("" where it is absent), an instant is datetime64 in UTC (NaT: none), a number is NaN where
it is missing. A column is worked out when somebody first asks for it: a report asks for few of them.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

DAY = np.timedelta64(1, "D")

# Texts as Python has them: of the small tables of a page arrow's are taken apart one by one, a tenth of its time.
pd.options.mode.string_storage = "python"

Array = np.ndarray | pd.Categorical


class Columns:
    """Named columns of one length; each is an array, or a function that makes it and is called once."""

    def __init__(self, size: int, columns: Mapping[str, Array | Callable[[], Array]]) -> None:
        self._size, self._columns = size, dict(columns)

    def __len__(self) -> int:
        return self._size

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def names(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> Array:
        column = self._columns[name]
        if callable(column):
            column = self._columns[name] = column()
        return column

    def take(self, where: np.ndarray) -> "Columns":
        """The rows at these places, or those that a mask keeps."""
        places = np.flatnonzero(where) if where.dtype == bool else where
        return Columns(len(places), {name: partial(self._taken_column, name, places) for name in self._columns})

    def _taken_column(self, name: str, places: np.ndarray) -> Array:
        return self[name].take(places)

    def assign(self, **columns: Array | Callable[[], Array]) -> "Columns":
        """The same rows with more columns, or others under the same names."""
        return Columns(self._size, self._columns | columns)

    def to_pandas(self) -> pd.DataFrame:
        """All columns, instants in UTC."""
        return pd.DataFrame({name: _for_pandas(self[name]) for name in self._columns})


def _for_pandas(column: Array) -> object:
    if isinstance(column, pd.Categorical):
        return pd.Series(np.asarray(column, dtype=object), dtype=object)
    return pd.to_datetime(column, utc=True) if column.dtype.kind == "M" else column


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows, each by its columns: `to_dict("records")`, nine times as fast on the small tables of a page."""
    names = frame.columns.tolist()  # pandas takes as long for a name as for a row
    return [dict(zip(names, row, strict=True)) for row in frame.to_numpy(dtype=object).tolist()]


def from_arrow(table: pa.Table, **more: Array | Callable[[], Array]) -> Columns:
    """What the store's engine found."""
    columns = {name: partial(_array, column) for name, column in zip(table.column_names, table.columns, strict=True)}
    return Columns(table.num_rows, columns | more)


def _array(column: pa.ChunkedArray) -> Array:
    if not pa.types.is_string(column.type):
        return column.to_numpy()
    texts = column.fill_null("").dictionary_encode().combine_chunks()
    return categorical(texts.indices.to_numpy(), texts.dictionary.to_pylist())


def identities(column: pa.ChunkedArray) -> np.ndarray:
    """Texts that are each there once, to find rows by: as numbers, which takes a tenth of the time, if all are written so."""
    try:
        numbers = column.cast(pa.int64())
    except pa.ArrowInvalid:
        return column.to_numpy()
    return numbers.to_numpy() if numbers.cast(column.type).equals(column) else column.to_numpy()


def places_of(ids: np.ndarray, all_ids: np.ndarray) -> np.ndarray:
    """For each wanted identity its place among those known, -1 where it is not."""
    if ids.dtype != all_ids.dtype:
        ids, all_ids = ids.astype(str).astype(object), all_ids.astype(str).astype(object)
    return pd.Index(all_ids).get_indexer(pd.Index(ids))


def categorical(codes: np.ndarray, texts: Iterable[str]) -> pd.Categorical:
    """The text of each code, each text given once however many codes mean it."""
    texts = list(texts)
    place = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    if len(place) < len(texts):
        codes = np.array([place[text] for text in texts])[codes]
    return pd.Categorical.from_codes(codes, pd.Index(list(place), dtype=object), validate=False)


def joined(one: pd.Categorical, other: pd.Categorical) -> pd.Categorical:
    """The texts of both, one after the other."""
    codes = np.append(one.codes.astype(int), other.codes.astype(int) + len(one.categories))
    return categorical(codes, [*one.categories, *other.categories])


def per_text(column: pd.Categorical, value: Callable[[str], Any], dtype: object = None) -> np.ndarray:
    """What `value` says of each text, asked once per text."""
    return np.array([value(text) for text in column.categories], dtype=dtype)[column.codes]


def rename(column: pd.Categorical, names: Mapping[str, str]) -> pd.Categorical:
    """What each text is called; itself where it has no name."""
    return categorical(column.codes, [names.get(text, text) for text in column.categories])


def ratio(k: Any, n: Any) -> Any:
    """k ÷ n, number by number; missing where n is 0."""
    if not isinstance(n, np.ndarray):
        return k / n if n else float("nan")
    return np.divide(k, n, out=np.full(len(n), np.nan), where=n != 0)
