"""`batch`: up to 50 commands in one request, each free to refer to the results of those before it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .methods import Answer
from .wire import Refusal, intval, parse_query, php_array

MOST = 50

Call = Callable[[str, dict[str, Any]], tuple[Answer, dict[str, Any]]]

# A token runs to the next whitespace, so two references joined by a comma are one broken path.
_REFERENCE = re.compile(r"\$(result|total|next)\[([^\s]+)\]", re.IGNORECASE)


@dataclass
class Outcome:
    """What the commands gave so far, by key."""

    result: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] = field(default_factory=dict)
    total: dict[str, int] = field(default_factory=dict)
    next: dict[str, int] = field(default_factory=dict)
    time: dict[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        """PHP arrays all five: an empty one is [], and keys 0, 1, 2 … are lost."""
        return {
            "result": php_array(self.result),
            "result_error": php_array(self.error),
            "result_total": php_array(self.total),
            "result_next": php_array(self.next),
            "result_time": php_array(self.time),
        }

    def note(self, key: str, answer: Answer, time: dict[str, Any]) -> None:
        self.result[key], self.time[key] = answer.result, time
        if answer.total is not None:
            self.total[key] = answer.total
        if answer.next is not None:
            self.next[key] = answer.next


def run(params: dict[str, Any], call: Call) -> Answer:
    """The outcome of all commands, in order; with `halt` of those up to the first error."""
    outcome = Outcome()
    for number, (key, command) in enumerate(commands(params).items()):
        try:
            if number >= MOST:
                raise Refusal(400, "ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")
            outcome.note(key, *_run_command(command, outcome, call))
        except Refusal as refusal:
            outcome.error[key] = _error(refusal)
            if intval(params.get("halt")):
                break
    return Answer(outcome.body())


def commands(params: dict[str, Any]) -> dict[str, str]:
    """The commands by key; a list has the keys 0, 1, 2 …"""
    cmd = params.get("cmd") or {}
    pairs = cmd.items() if isinstance(cmd, dict) else enumerate(cmd)
    return {str(key): str(command) for key, command in pairs}


def _run_command(command: str, outcome: Outcome, call: Call) -> tuple[Answer, dict[str, Any]]:
    method, _, query = command.partition("?")
    if method.lower() == "batch":
        raise Refusal(405, "ERROR_BATCH_METHOD_NOT_ALLOWED", "Method is not allowed for batch usage")
    return call(method, resolve(parse_query(query), outcome))


def _error(refusal: Refusal) -> dict[str, Any]:
    silent = refusal.error == "insufficient_scope"
    return refusal.body | ({"error_description": ""} if silent else {})


def resolve(value: Any, outcome: Outcome) -> Any:
    """The value with its references followed; one that is the whole value may become an array."""
    if isinstance(value, dict):
        return {key: resolve(item, outcome) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, outcome) for item in value]
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _follow(whole, outcome)
    return _REFERENCE.sub(lambda match: _as_text(_follow(match, outcome)), value)


def _follow(reference: re.Match[str], outcome: Outcome) -> Any:
    """Where a path leads; when it breaks, the last level that exists."""
    level = getattr(outcome, reference[1].lower())
    for step in reference[2].split("]["):
        inner = _step(level, step)
        if inner is None:
            break
        level = inner
    return level


def _step(level: Any, key: str) -> Any:
    if isinstance(level, list):
        return level[int(key)] if key.isdigit() and int(key) < len(level) else None
    return level.get(key) if isinstance(level, dict) else None


def _as_text(value: Any) -> str:
    """PHP writes an array inside a text as the word Array."""
    return "Array" if isinstance(value, dict | list) else str(value)
