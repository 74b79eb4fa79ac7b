"""Rows in the order of their ids: all that a portal's database needs to be here."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator

from .schema import Row, Schema


class Table:
    """Rows of one schema by id. A row holds native values: int, float, aware UTC datetime, date, text, None."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.blank: Row = dict.fromkeys(schema)
        self._rows: dict[int, Row] = {}
        self._ids: list[int] = []
        self._last = 0

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.between())

    def __contains__(self, row_id: object) -> bool:
        return row_id in self._rows

    def __getitem__(self, row_id: int) -> Row:
        return self._rows[row_id]

    def get(self, row_id: int) -> Row | None:
        return self._rows.get(row_id)

    def add(self, values: Row) -> int:
        """The id of a new row: the next free one, unless `values` bring their own."""
        row_id = values.get("ID") or self._last + 1
        self._rows[row_id] = self.blank | values | {"ID": row_id}
        insort(self._ids, row_id)
        self._last = max(self._last, row_id)
        return row_id

    def remove(self, row_id: int) -> Row:
        """The row that was there; its id is never given again."""
        self._ids.pop(bisect_left(self._ids, row_id))
        return self._rows.pop(row_id)

    def between(self, low: float = float("-inf"), high: float = float("inf")) -> list[Row]:
        """Rows whose id lies in [low, high], rising."""
        ids = self._ids[bisect_left(self._ids, low) : bisect_right(self._ids, high)]
        return list(map(self._rows.__getitem__, ids))
