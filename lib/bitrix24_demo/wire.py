"""How PHP reads a request and writes an answer: bracket syntax, arrays that are lists or maps, casts, dates."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, tzinfo
from email import message_from_bytes
from itertools import takewhile
from typing import Any
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo


class Refusal(Exception):
    """What the portal says no with."""

    def __init__(self, status: int, error: str | int, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description

    @property
    def body(self) -> dict[str, Any]:
        return {"error": self.error, "error_description": self.description}


# Reading


def parse_query(text: str) -> dict[str, Any]:
    """PHP's parse_str: `filter[>ID]=1&select[]=ID` → `{"filter": {">ID": "1"}, "select": ["ID"]}`; + is a space."""
    pairs = (part.partition("=") for part in text.split("&") if part)
    return parse_pairs((unquote_plus(key), unquote_plus(value)) for key, _, value in pairs)


def parse_pairs(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """Named values, brackets in their names unfolded."""
    tree: dict[str, Any] = {}
    for name, value in pairs:
        _plant(tree, _path(name), value)
    return {name: _as_list(value) for name, value in tree.items()}


def _path(name: str) -> list[str]:
    top, bracket, tail = name.partition("[")
    if "]" not in tail:
        # An operator such as >= whose = was not encoded ends the name early: `filter[>` is a plain name for PHP.
        return [re.sub(r"[ .[]", "_", name)]
    return [re.sub(r"[ .]", "_", top), *re.findall(r"\[([^\]]*)\]", bracket + tail)]


def _plant(tree: dict[str, Any], path: list[str], value: Any) -> None:
    *branches, leaf = path
    for branch in branches:
        key = branch or _next_index(tree)
        if not isinstance(tree.get(key), dict):
            tree[key] = {}
        tree = tree[key]
    tree[leaf or _next_index(tree)] = value


def _next_index(tree: Mapping[str, Any]) -> str:
    return str(max((int(key) for key in tree if key.isdigit()), default=-1) + 1)


def _as_list(value: Any) -> Any:
    return php_array({key: _as_list(item) for key, item in value.items()}) if isinstance(value, dict) else value


def parse_body(content_type: str, body: bytes) -> dict[str, Any]:
    """The parameters in a request's body: JSON, multipart or a form."""
    if "json" in content_type:
        return _parse_json(body)
    if content_type.startswith("multipart/"):
        return parse_pairs(_parts(content_type, body))
    return parse_query(body.decode("utf-8", "replace"))


def _parse_json(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body or b"{}")
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _parts(content_type: str, body: bytes) -> Iterable[tuple[str, str]]:
    message = message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    for part in message.walk():
        name = part.get_param("name", header="content-disposition")
        if name:
            yield str(name), part.get_payload(decode=True).decode("utf-8", "replace")


def as_list(value: Any) -> list[Any]:
    """The values of a PHP array, or the one scalar as a list of itself."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else [value]


def intval(value: Any) -> int:
    """(int) of PHP: leading digits of text, 0 for other text, 1 for an array that holds anything."""
    if isinstance(value, dict | list):
        return int(bool(value))
    if isinstance(value, str):
        match = re.match(r"\s*[+-]?\d+", value)
        return int(match.group()) if match else 0
    return int(value or 0)


def floatval(value: Any) -> float:
    """(float) of PHP."""
    if isinstance(value, str):
        match = re.match(r"\s*[+-]?\d*\.?\d+([eE][+-]?\d+)?", value)
        return float(match.group()) if match else 0.0
    return float(intval(value) if isinstance(value, dict | list) else value or 0)


def parse_instant(value: Any, zone: tzinfo) -> datetime | None:
    """The instant that a filter means; without offset in the server's zone; None when unreadable."""
    try:
        moment = datetime.fromisoformat(str(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def parse_date(value: Any, zone: tzinfo) -> date | None:
    """The calendar day that a filter means; None when unreadable."""
    moment = parse_instant(value, zone)
    if moment is None or len(str(value).strip()) > 10:
        return moment.date() if moment else None
    return date.fromisoformat(str(value).strip())


# Writing


def php_array(values: Mapping[Any, Any]) -> dict[Any, Any] | list[Any]:
    """A PHP array as its JSON shows it: a list when the keys are 0, 1, 2 … or there are none."""
    in_order = takewhile(lambda pair: str(pair[0]) == str(pair[1]), enumerate(values))
    return list(values.values()) if len(list(in_order)) == len(values) else dict(values)


Writer = Callable[[Any], Any]


class Writers:
    """Writes rows as JSON shows them, in the server's time zone."""

    def __init__(self, zone: ZoneInfo, *, dates_at_utc_midnight: bool = True) -> None:
        self._zone = zone
        self._date_zone = UTC if dates_at_utc_midnight else zone
        common: dict[type, Writer] = {
            datetime: self.instant,
            date: self.day,
            dict: lambda value: value or [],
            list: lambda value: value,
            str: lambda value: value,
            bool: lambda value: value,
            type(None): lambda value: None,
        }
        # PHP writes 19000.0 as 19000.
        self._native = common | {int: lambda value: value, float: lambda value: int(value) if value % 1 == 0 else value}
        self._legacy = common | {int: str, float: "{:.2f}".format}

    def instant(self, moment: datetime) -> str:
        """With the server's offset, whatever the user's zone."""
        return moment.astimezone(self._zone).isoformat()

    def day(self, day: date) -> str:
        """A date is UTC midnight written in the server's zone: 03:00 in Moscow."""
        return self.instant(datetime.combine(day, time(), self._date_zone))

    def legacy(self, row: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
        """Those fields with every number as text."""
        writers = self._legacy
        return {name: writers[type(value)](value) for name in fields for value in (row[name],)}

    def native(self, row: Mapping[str, Any], fields: Iterable[str]) -> dict[str, Any]:
        """Those fields with numbers as numbers."""
        writers = self._native
        return {name: writers[type(value)](value) for name in fields for value in (row[name],)}


def to_json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
