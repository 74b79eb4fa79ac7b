"""Pages of a list: which rows a method's `filter`, `order` and `start` ask for, in the manner of its family."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
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


def find(table: Table, conditions: Conditions, order: Mapping[str, str]) -> Iterator[Row]:
    """The rows that meet the conditions, in that order."""
    rows = table.between(conditions.low, conditions.high)
    if conditions.tests:
        return iter(in_order(filter(conditions.match, rows), order))
    return iter(in_order(rows, order))


def in_order(rows: Iterable[Row], order: Mapping[str, str]) -> Iterable[Row]:
    """Rows that come by id, in another order; by id nothing is sorted, nor read before it is asked for."""
    first = next(iter(order), "ID")
    if first != "ID":
        return _sorted(rows, order)
    return reversed(list(rows)) if order.get("ID") == "DESC" else rows


def _sorted(rows: Iterable[Row], order: Mapping[str, str]) -> list[Row]:
    """By the first field, then the next; rows without a value come first."""
    ordered = list(rows)
    for field, direction in reversed(order.items()):
        empty = [row for row in ordered if row[field] is None or row[field] == ""]
        filled = [row for row in ordered if not (row[field] is None or row[field] == "")]
        filled.sort(key=itemgetter(field), reverse=direction == "DESC")
        ordered = filled + empty if direction == "DESC" else empty + filled
    return ordered


def turn_to(family: Family, rows: Iterator[Row], start: Any) -> Page:
    """The page at `start`; -1 means the first rows without counting."""
    start = intval(start)
    if start < 0:
        uncounted = None if family == "controller" else 0
        return Page(list(islice(rows, PAGE)), uncounted)
    found = list(rows)
    offset = start if family == "orm" else start // PAGE * PAGE
    if family == "legacy" and offset >= len(found):
        offset = 0
    following = offset + PAGE
    return Page(found[offset:following], len(found), following if following < len(found) else None)
