"""What a list method's `filter` means: operators, casts, and the ids between which the rows must lie."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from .schema import Row, Schema
from .wire import Refusal, as_list, floatval, intval, parse_date, parse_instant

Test = Callable[[Row], bool]
Cast = Callable[[Any], Any]

_OPERATOR = re.compile(r"(!><|><|!=%|!%=|!@|!%|!=|>=|<=|=%|%=|@|%|=|>|<|!|\?)?(.*)", re.DOTALL)
_EMPTY = (None, "", 0)
_NUMBERS = {
    "integer", "user", "crm_lead", "crm_deal", "crm_company", "crm_contact", "crm_quote", "crm_category",
}  # fmt: skip
# LIKE on these becomes "equal" in legacy lists.
_DICTIONARIES = {"crm_status", "crm_company", "crm_contact", "crm_currency"}


@dataclass(frozen=True)
class Dialect:
    """How one family of methods reads a filter; `names` maps what a caller writes to a row's field."""

    schema: Schema
    names: dict[str, str]
    zone: tzinfo
    refuses_unknown: bool = False


@dataclass(frozen=True)
class Conditions:
    """Rows with `low` ≤ ID ≤ `high` that pass every test.

    Indexes help where the tests say no more than they do: `ids` are those asked for, `since` the lower bounds of instants.
    """

    low: float
    high: float
    tests: tuple[Test, ...]
    ids: frozenset[int] | None = None
    since: tuple[tuple[str, datetime], ...] = ()

    @classmethod
    def of(cls, ids: frozenset[int]) -> "Conditions":
        """The rows of those ids."""
        return cls(float("-inf"), float("inf"), (lambda row: row["ID"] in ids,), ids)

    def match(self, row: Row) -> bool:
        return all(test(row) for test in self.tests)


def read_filter(dialect: Dialect, entries: Any) -> Conditions:
    """The conditions of a filter; a key of no field is dropped or refused, as the family does."""
    if dialect.refuses_unknown and _logic(entries) == "OR":
        return Conditions(float("-inf"), float("inf"), (_nest(dialect, entries),))
    low, high, tests, ids, since = float("-inf"), float("inf"), [], None, []
    for key, value in _items(entries):
        operator, field = _split(dialect, key, value)
        if field == "ID" and operator in (">", ">=", "<", "<="):
            low, high = _narrow(low, high, operator, intval(value))
        elif test := _test(dialect, operator, field, value):
            tests.append(test)
            if field == "ID" and operator in ("=", "@"):
                ids = frozenset(intval(item) for item in as_list(value))
            elif operator in (">", ">=") and (bound := _bound(dialect, field, value)):
                since.append((field, bound))
    return Conditions(low, high, tuple(tests), ids, tuple(since))


def _bound(dialect: Dialect, field: str | None, value: Any) -> datetime | None:
    return parse_instant(value, dialect.zone) if dialect.schema.get(field or "") == "datetime" else None


def _items(entries: Any) -> list[tuple[str, Any]]:
    """A filter's entries; PHP has numbered ones too, which hold nested filters."""
    if isinstance(entries, dict):
        return [(str(key), value) for key, value in entries.items()]
    return [(str(index), value) for index, value in enumerate(entries or [])]


def _split(dialect: Dialect, key: str, value: Any) -> tuple[str, str | None]:
    if key.isdigit() and isinstance(value, dict | list):
        return "nested", None
    operator, name = _OPERATOR.fullmatch(key).groups()
    field = dialect.names.get(name)
    if field is None and dialect.refuses_unknown and key.lower() != "logic":
        raise Refusal(400, "INVALID_ARG_VALUE", f"Invalid filter: field '{name}' is not allowed in filter")
    return operator or "=", field


def _narrow(low: float, high: float, operator: str, bound: int) -> tuple[float, float]:
    if operator[0] == ">":
        return max(low, bound + (operator == ">")), high
    return low, min(high, bound - (operator == "<"))


def _test(dialect: Dialect, operator: str, field: str | None, value: Any) -> Test | None:
    if operator == "nested":
        # Legacy lists know no logic: a nested filter is one more unknown key.
        return _nest(dialect, value) if dialect.refuses_unknown else None
    if field is None:
        return None
    kind = dialect.schema[field]
    if kind in _DICTIONARIES and not dialect.refuses_unknown:
        operator = operator.replace("=%", "=").replace("%=", "=").replace("%", "=")
    check = _check(operator, _cast(kind, dialect.zone), value)
    if kind == "list":
        return lambda row: any(check(item) for item in row[field])
    return lambda row: check(row[field])


def _nest(dialect: Dialect, entries: Any) -> Test:
    parts = [read_filter(dialect, {key: value}) for key, value in _items(entries) if key.lower() != "logic"]
    meet = any if _logic(entries) == "OR" else all
    return lambda row: meet(part.low <= row["ID"] <= part.high and part.match(row) for part in parts)


def _logic(entries: Any) -> str:
    words = [value for key, value in _items(entries) if key.lower() == "logic"]
    return str(words[0]).upper() if words else "AND"


def _cast(kind: str, zone: tzinfo) -> Cast:
    if kind in _NUMBERS or kind == "list":
        return intval
    if kind == "double":
        return floatval
    if kind == "datetime":
        return lambda value: value if isinstance(value, datetime) else parse_instant(value, zone)
    if kind == "date":
        return lambda value: parse_date(value, zone)
    if kind == "boolean":
        return lambda value: value if isinstance(value, bool) else str(value).upper() in ("Y", "1", "TRUE")
    return lambda value: str(value).casefold()


def _check(operator: str, cast: Cast, value: Any) -> Callable[[Any], bool]:
    if operator in ("=", "@"):
        return _equal(cast, value)
    if operator in ("!", "!=", "!@"):
        return _negate(_equal(cast, value))
    if operator in ("><", "!><"):
        between = _between(cast, as_list(value))
        return _negate(between) if operator[0] == "!" else between
    if operator[0] in "<>":
        return _compare(operator, cast(value))
    check = _like(operator.strip("!"), str(value))
    return _negate(check) if operator[0] == "!" else check


def _negate(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda have: not check(have)


def _equal(cast: Cast, value: Any) -> Callable[[Any], bool]:
    items = as_list(value)
    values = {cast(item) for item in items if item not in ("", None)} - {None}
    takes_empty = any(item in ("", None) for item in items)

    def check(have: Any) -> bool:
        if have is None or have == "":
            return takes_empty
        return _comparable(have) in values or (takes_empty and have in _EMPTY)

    return check


def _comparable(have: Any) -> Any:
    return have.casefold() if isinstance(have, str) else have


def _between(cast: Cast, ends: list[Any]) -> Callable[[Any], bool]:
    low, high = _compare(">=", cast(ends[0])), _compare("<=", cast(ends[-1]))
    return lambda have: low(have) and high(have)


def _compare(operator: str, bound: Any) -> Callable[[Any], bool]:
    if bound is None:
        return lambda have: False
    compare: Callable[[Any], bool] = {
        ">": lambda have: have > bound,
        ">=": lambda have: have >= bound,
        "<": lambda have: have < bound,
        "<=": lambda have: have <= bound,
    }[operator]
    return lambda have: have is not None and have != "" and compare(_comparable(have))


def _like(operator: str, pattern: str) -> Callable[[Any], bool]:
    """`%` contains; `=%` and `%=` LIKE, whose value holds its own per cent signs."""
    pattern = f"%{pattern}%" if operator in ("%", "?") else pattern
    expression = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in pattern)
    matcher = re.compile(expression, re.IGNORECASE | re.DOTALL)
    return lambda have: have is not None and matcher.fullmatch(str(have)) is not None
