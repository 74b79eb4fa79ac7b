"""Pages of a list: which rows a method's `filter`, `order` and `start` ask for, in the manner of its family."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from operator import itemgetter
from typing import Any, Literal

from .conditions import Conditions
from .schema import Row
from .tables import Table
from .wire import intval

PAGE = 50

Family = Literal["legacy", "controller", "orm"]


@dataclass(frozen=True)
class Page:
    """One page; `total` and `next` are None where the answer lacks the key."""

    rows: list[Row]
    total: int | None = None
    next: int | None = None


@dataclass(frozen=True)
class Found:
    """The rows that a filter finds, in its order; nothing is read before it is asked for."""

    table: Table
    conditions: Conditions
    order: Mapping[str, str]

    def rows(self) -> Iterator[Row]:
        return iter(in_order(self._matches(), self.order))

    def _matches(self) -> Iterator[Row]:
        tests, rows = self.conditions, self._candidates()
        if rows is None:
            candidates = self.table.between(tests.low, tests.high)
            return filter(tests.match, candidates) if tests.tests else candidates
        return (row for row in rows if tests.low <= row["ID"] <= tests.high and tests.match(row))

    def _candidates(self) -> Iterator[Row] | None:
        """A few rows among which are all that meet the conditions, where an index knows them."""
        if self.conditions.ids is not None:
            return self.table.at(self.conditions.ids)
        return next(filter(None, (self.table.since(*bound) for bound in self.conditions.since)), None)

    def count(self) -> int:
        if self.conditions.tests:
            return len(self._list)
        return self.table.count(self.conditions.low, self.conditions.high)

    def page(self, offset: int) -> list[Row]:
        if self.conditions.tests or self.order.get("ID", "ASC") != "ASC" or next(iter(self.order), "ID") != "ID":
            return self._list[offset : offset + PAGE]
        return list(islice(self.table.between(self.conditions.low, self.conditions.high, offset), PAGE))

    @cached_property
    def _list(self) -> list[Row]:
        return list(self.rows())


def in_order(rows: Iterable[Row], order: Mapping[str, str]) -> Iterable[Row]:
    """Rows that come by id, in another order; by id nothing is sorted, nor read before it is asked for."""
    first = next(iter(order), "ID")
    if first != "ID":
        return _sort(rows, order)
    return reversed(list(rows)) if order.get("ID") == "DESC" else rows


def _sort(rows: Iterable[Row], order: Mapping[str, str]) -> list[Row]:
    """By the first field, then the next; rows without a value come first."""
    result = list(rows)
    for field, direction in reversed(order.items()):
        empty = [row for row in result if row[field] is None or row[field] == ""]
        full = [row for row in result if not (row[field] is None or row[field] == "")]
        full.sort(key=itemgetter(field), reverse=direction == "DESC")
        result = full + empty if direction == "DESC" else empty + full
    return result


def turn_to(family: Family, rows: Found, start: Any) -> Page:
    """The page at `start`; -1 means the first rows without counting."""
    start = intval(start)
    if start < 0:
        total_unknown = None if family == "controller" else 0
        return Page(list(islice(rows.rows(), PAGE)), total_unknown)
    total = rows.count()
    offset = start if family == "orm" else start // PAGE * PAGE
    if family == "legacy" and offset >= total:
        offset = 0
    following = offset + PAGE
    return Page(rows.page(offset), total, following if following < total else None)
