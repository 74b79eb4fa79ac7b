"""Mistakes in reports.toml as sentences: on which line, what is wrong, what is allowed, what is near."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any
from zoneinfo import available_timezones

from pydantic import ValidationError

from ..errors import near
from .keys import ANY, Key
from .secrecy import without_webhooks

FILE = "reports.toml"
MISPLACED = {
    "webhook": "it is a secret: put it into the environment as CRM_REPORTS_WEBHOOK, or into .env beside this file",
    "data": "say it with --data DIR or CRM_REPORTS_DATA",
    "views": "what readers save is in views.toml beside this file",
    "home": "it is the folder of this file",
    "config": "it is this file",
    "mail.user": "put it into the environment as CRM_REPORTS_SMTP_USER, or into .env beside this file",
    "mail.password": "it is a secret: put it into the environment as CRM_REPORTS_SMTP_PASSWORD, or into .env beside this file",
    "mail.telegram_token": "it is a secret: put it into the environment as CRM_REPORTS_TELEGRAM_TOKEN, or into .env beside this file",
}

KeyPath = Sequence[str | int]
Keys = Mapping[str, Key]


class Lines:
    """On which line of a TOML text a key stands.

    tomllib tells no positions, and tomlkit none either (its issue 55). But a statement of TOML ends with a line, so a
    key stands on the first line of the shortest beginning of the text that has it.
    """

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _beginnings(self) -> list[tuple[int, dict[str, Any]]]:
        return list(_beginnings(self._text))

    def of(self, path: KeyPath) -> int:
        """The line, from 1, of the deepest part of the path that is written at all; 0 when there is none."""
        for length in range(len(path), 0, -1):
            if line := next((line for line, content in self._beginnings if _has(content, path[:length])), 0):
                return line
        return 0


def _beginnings(text: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """Every beginning of whole lines that is TOML: the line on which its last statement begins, and what it holds."""
    lines, begins = text.splitlines(keepends=True), 1
    for count in range(1, len(lines) + 1):
        try:
            content = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        yield begins, content
        begins = count + 1


def _has(content: Any, path: KeyPath) -> bool:
    for part in path:
        try:
            content = content[part]
        except (LookupError, TypeError):
            return False
    return True


def _with_line(path: KeyPath, sentence: str, lines: Lines) -> str:
    """The sentence behind the file's name and the line."""
    line = lines.of([part for part in path if part != "[key]"])
    return f"{FILE}, line {line}: {sentence}" if line else f"{FILE}: {sentence}"


def misplaced_keys(content: dict[str, Any], lines: Lines) -> list[str]:
    """A sentence for every key that does not belong into the file."""
    places = {tuple(key.split(".")): f"{key!r} does not belong here; {remedy}" for key, remedy in MISPLACED.items()}
    return [_with_line(path, sentence, lines) for path, sentence in places.items() if _has(content, path)]


def without_misplaced(content: dict[str, Any]) -> dict[str, Any]:
    """What the file holds apart from those keys."""
    rest = {key: value for key, value in content.items() if key not in MISPLACED}
    if isinstance(rest.get("mail"), dict):
        rest["mail"] = {key: value for key, value in rest["mail"].items() if f"mail.{key}" not in MISPLACED}
    return rest


def sentences(error: ValidationError, lines: Lines, keys: Keys) -> list[str]:
    """A sentence for each of pydantic's errors."""
    mistakes = error.errors(include_url=False)
    return [_with_line(mistake["loc"], _sentence(mistake, keys), lines) for mistake in mistakes]


def _sentence(mistake: dict[str, Any], keys: Keys) -> str:
    path = mistake["loc"]
    if mistake["type"] == "extra_forbidden" or (path[-1] == "[key]" and path[0] in ("weights", "checks")):
        return _unknown_key(tuple(part for part in path if part != "[key]"), keys)
    key = _key(path, keys)
    words, choices = keys[key]
    if mistake["type"] == "missing":
        return f"{_place(path, keys)} is missing; give {words}"
    if mistake["type"] == "value_error" and str(mistake["ctx"]["error"]):
        return f"{_place(path, keys)}: {mistake['ctx']['error']}"
    nearest = _nearest(mistake["input"], available_timezones() if key == "time_zone" else choices)
    return f"{_place(path, keys)} is {quoted(mistake['input'])}; allowed: {words}{nearest}"


def _key(path: KeyPath, keys: Keys) -> str:
    """The key that stands at this place, else the one that it is a part of."""
    names = [part for part in path if isinstance(part, str)]
    paths = (_written(names[:length], keys) for length in range(len(names), 0, -1))
    return next(path for path in paths if path in keys)


def _written(names: Sequence[str], keys: Keys) -> str:
    """The names as a key; what is under a name of the writer's own stands under ANY."""
    any_name = [".".join([*names[:place], ANY, *names[place + 1 :]]) for place in range(1, len(names))]
    paths = [".".join(names), *(path for path in any_name if any(key.startswith(path) for key in keys))]
    return next((path for path in paths if path in keys), paths[-1])


def _place(path: KeyPath, keys: Keys) -> str:
    """The key as its writer would call it: presets 2, report."""
    if path[0] in ("presets", "alerts") and len(path) > 1:
        return ", ".join(str(part) for part in (f"{path[0]} {path[1] + 1}", *path[2:3]))
    if path[:2] == ("mail", "addresses") and len(path) > 2:
        return f"mail.addresses, {path[2]!r}"
    key = _key(path, keys)
    return ".".join(map(str, path)) if f".{ANY}." in key else key


def _unknown_key(path: KeyPath, keys: Keys) -> str:
    table = _written([part for part in path[:-1] if isinstance(part, str)], keys)
    names = [key.rpartition(".")[2] for key in keys if key.rpartition(".")[0] == table]
    name = str(path[-1])
    place = f"{_place(path[:-1], keys)} has" if path[:-1] else "there is"
    return f"{place} no key {name!r}; near: {', '.join(near(name, names) or names)}"


def _nearest(value: object, choices: Iterable[str]) -> str:
    names = near(value, choices) if isinstance(value, str) else []
    return f"; near: {', '.join(names)}" if names else ""


def quoted(value: object) -> str:
    """The value as written, short, and without the secret of an address that got into the wrong place."""
    text = without_webhooks(repr(value))
    text = re.sub(r"(//)[^\s'\"/]*@", r"\1…@", text)
    return text if len(text) <= 100 else f"{text[:99]}…"
