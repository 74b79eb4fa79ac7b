"""Pages of a list: which rows a method's `filter`, `order` and `start` ask for, in the manner of its family."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
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
    """The rows that meet the conditions, in that order. By id, which is the table's own order, nothing is sorted."""
    rows: Iterable[Row] = table.between(conditions.low, conditions.high)
    if order and next(iter(order)) == "ID":
        rows = reversed(rows) if order["ID"] == "DESC" else rows
        order = {}
    if conditions.tests:
        rows = filter(conditions.match, rows)
    return iter(_sorted(rows, order) if order else rows)


def _sorted(rows: Iterable[Row], order: Mapping[str, str]) -> list[Row]:
    ordered = list(rows)
    for field, direction in reversed(order.items()):
        ordered.sort(key=lambda row: _sort_key(row[field]), reverse=direction == "DESC")
    return ordered


def _sort_key(value: Any) -> tuple[bool, Any]:
    """Rows without a value come first."""
    return (False, 0) if value in (None, "") else (True, value)


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
