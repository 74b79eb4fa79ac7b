"""Rows in the order of their ids: all that a portal's database needs to be here."""

from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from .schema import Row, Schema

Make = Callable[[int], Row]


class _Rows(dict[int, Row]):
    """Rows by id; one that is not kept is made when it is asked for, and not kept for it."""

    def __init__(self, make: Make) -> None:
        self._make = make

    def __missing__(self, row_id: int) -> Row:
        return self._make(row_id)


class Table:
    """Rows of one schema by id. A row holds native values: int, float, aware UTC datetime, date, text, None.

    `made` rows, with the ids 1, 2 …, cost no memory: `make` gives each when it is asked for, and those that may have
    been changed are kept. No made row has an instant of the fields `quiet_since` at or after it, as an index would tell.
    """

    def __init__(
        self,
        schema: Schema,
        *,
        made: int = 0,
        make: Make | None = None,
        quiet_since: Mapping[str, datetime] | None = None,
    ) -> None:
        self.schema = dict(schema)
        self.blank: Row = dict.fromkeys(schema)
        self._rows: dict[int, Row] = _Rows(make) if make else {}
        self._ids = array("q", range(1, made + 1))
        self._quiet_since = quiet_since or {}
        self._last = made

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Row]:
        return self.between()

    def __contains__(self, row_id: int) -> bool:
        place = bisect_left(self._ids, row_id)
        return place < len(self._ids) and self._ids[place] == row_id

    def __getitem__(self, row_id: int) -> Row:
        """The row itself, to be read or changed."""
        if row_id not in self:
            raise KeyError(row_id)
        return self._rows.setdefault(row_id, self._rows[row_id])

    def get(self, row_id: int) -> Row | None:
        is_there = row_id in self
        return self[row_id] if is_there else None

    def add(self, values: Row) -> int:
        """The id of a new row: the next free one, unless `values` bring their own."""
        row_id = values.get("ID") or self._last + 1
        self._rows[row_id] = self.blank | values | {"ID": row_id}
        insort(self._ids, row_id)
        self._last = max(self._last, row_id)
        return row_id

    def remove(self, row_id: int) -> Row:
        """The row that was there; its id is never given again."""
        row = self[row_id]
        self._ids.pop(bisect_left(self._ids, row_id))
        del self._rows[row_id]
        return row

    def define(self, field: str, kind: str, empty: Any = None) -> None:
        """One more column, empty in every row that is kept."""
        self.schema[field], self.blank[field] = kind, empty
        for row in self._rows.values():
            row[field] = empty

    def undefine(self, field: str) -> None:
        """The column is there no more."""
        del self.schema[field], self.blank[field]
        for row in self._rows.values():
            row.pop(field, None)

    def count(self, low: float, high: float) -> int:
        """How many rows have an id in [low, high]."""
        return bisect_right(self._ids, high) - bisect_left(self._ids, low)

    def between(self, low: float = float("-inf"), high: float = float("inf"), skip: int = 0) -> Iterator[Row]:
        """Rows whose id lies in [low, high], rising, without the first `skip`; read as they are asked for."""
        places = range(bisect_left(self._ids, low) + skip, bisect_right(self._ids, high))
        return map(self._rows.__getitem__, map(self._ids.__getitem__, places))

    def at(self, ids: Iterable[int]) -> Iterator[Row]:
        """The rows of those ids that are there, rising."""
        return (self._rows[row_id] for row_id in sorted(set(ids)) if row_id in self)

    def since(self, field: str, moment: datetime) -> Iterator[Row] | None:
        """Rows among which are all whose `field` is at or after the moment; None where nobody can tell but by reading."""
        quiet = self._quiet_since.get(field)
        return self.at(self._rows.keys()) if quiet is not None and moment >= quiet else None
