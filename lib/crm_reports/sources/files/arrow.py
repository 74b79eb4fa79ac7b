"""Arrow's many types as the few that cells are read from."""

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.types as types

from ...errors import FilesError

# Seconds from 1970 of the first and the last instant that an export may hold, a day more on either side.
FIRST, LAST = (int(np.datetime64(day, "s").astype(int)) for day in ("1899-12-30", "2200-01-03"))
IN_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
EXACT = 2**53  # beyond it a float has no unit digit


class Unreadable(FilesError):
    """A column whose type holds nothing that can be read."""


def plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells themselves, of whatever they were packed into: dictionaries, runs, extensions, views."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType) and not types.is_nested(kind.storage_type):
        cells = [cell if cell is None else str(cell) for cell in column.to_pylist()]
        return pa.chunked_array([pa.array(cells, pa.string())])
    if types.is_dictionary(kind):
        return plain(_unpack(column, kind.value_type, _from_dictionary))
    if types.is_run_end_encoded(kind):
        return plain(_unpack(column, kind.value_type, pa.compute.run_end_decode))
    if types.is_string_view(kind) or types.is_binary_view(kind):
        return column.cast(pa.string() if types.is_string_view(kind) else pa.binary())
    return column


def _unpack(column: pa.ChunkedArray, kind: pa.DataType, unpack: object) -> pa.ChunkedArray:
    return pa.chunked_array([unpack(chunk) for chunk in column.chunks], kind if not column.num_chunks else None)


def _from_dictionary(chunk: pa.DictionaryArray) -> pa.Array:
    """Views can't be looked up in by Arrow itself."""
    words = chunk.dictionary
    is_view = types.is_string_view(words.type) or types.is_binary_view(words.type)
    return (words.cast(pa.string()) if is_view else words).take(chunk.indices)


def is_text(kind: pa.DataType) -> bool:
    return types.is_string(kind) or types.is_large_string(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    ask = (types.is_binary, types.is_large_binary, types.is_binary_view, types.is_fixed_size_binary)
    return any(is_so(kind) for is_so in ask)


def is_number(kind: pa.DataType) -> bool:
    return types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)


def is_instant(kind: pa.DataType) -> bool:
    return types.is_timestamp(kind) or types.is_date(kind)


WRITTEN = (is_text, _is_bytes, is_number, is_instant, types.is_boolean, types.is_null)


def text_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells as trimmed text, an empty one as null; of whole numbers kept as floats only their digits."""
    kind = column.type
    if not any(is_so(kind) for is_so in WRITTEN):
        raise Unreadable
    text = _digits(column) if types.is_floating(kind) else column.cast(pa.string())
    text = pa.compute.utf8_trim_whitespace(text)
    return pa.compute.if_else(pa.compute.equal(text, ""), None, text)


def _digits(column: pa.ChunkedArray) -> pa.ChunkedArray:
    numbers = column.cast(pa.float64()).to_numpy()
    text = [_text_of_number(number) for number in numbers.tolist()]
    return pa.chunked_array([pa.array(text, pa.string())])


def _text_of_number(number: float) -> str | None:
    if number != number:
        return None
    if abs(number) >= EXACT:
        raise Unreadable
    return str(int(number)) if number.is_integer() else repr(number)


def numbers_of(column: pa.ChunkedArray) -> np.ndarray:
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)


def instants_of(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The cells in microseconds, with UTC where the column has a zone; null outside the years that can be meant."""
    if types.is_date(column.type):
        column = column.cast(pa.timestamp("s"), safe=False)
    unit = IN_A_SECOND[column.type.unit]
    counts = column.cast(pa.int64())
    is_meant = pa.compute.and_(
        pa.compute.greater_equal(counts, FIRST * unit), pa.compute.less_equal(counts, LAST * unit)
    )
    sane_counts = pa.compute.if_else(is_meant, counts, None).cast(pa.timestamp(column.type.unit))
    cells = sane_counts.cast(pa.timestamp("us"), safe=False)
    return cells.cast(pa.timestamp("us", "UTC")) if column.type.tz else cells
