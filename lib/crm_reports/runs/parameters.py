"""What a notebook may be told: its parameters cell, read; and words from a command line or a preset, made into values.

papermill only warns about a name it does not know and runs on with the defaults; here nothing is passed unchecked.
"""

from .. import look  # noqa: F401  (before papermill and nbclient, which import nbformat too)

# isort: split
import ast
import json
import math
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import nbformat
import papermill

from ..errors import near
from ..words.texts import N_, _

ALLOWED = {
    "str": N_("a text"),
    "int": N_("a whole number"),
    "float": N_("a number"),
    "bool": N_("true or false"),
    "list": N_("a value, several of them, or a JSON list"),
    "dict": N_("a JSON object"),
}
TRUTH = {"true": True, "yes": True, "1": True, "on": True, "false": False, "no": False, "0": False, "off": False}


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell; `item` is the type of a list's items."""

    name: str
    type: str
    item: str
    default: Any
    help: str


def declared(notebook: nbformat.NotebookNode) -> dict[str, Parameter]:
    """The parameters that the notebook's cell tagged `parameters` declares, by name."""
    return {name: _parameter(**fields) for name, fields in papermill.inspect_notebook(notebook).items()}


def _parameter(name: str, inferred_type_name: str, default: str, help: str) -> Parameter:
    value = None
    with suppress(ValueError, SyntaxError):
        value = ast.literal_eval(default)
    outer, _bracket, inner = inferred_type_name.rstrip("]").partition("[")
    if outer not in ALLOWED:
        outer = type(value).__name__ if type(value).__name__ in ALLOWED else "str"
    item = inner if inner in READ else _item(value)
    return Parameter(name, outer, item, value, help)


def _item(value: object) -> str:
    kind = type(value[0]).__name__ if isinstance(value, list) and value else "str"
    return kind if kind in READ else "str"


def typed(
    given: Mapping[str, object], known: Mapping[str, Parameter], *, report: str
) -> tuple[dict[str, Any], list[str]]:
    """The values that the notebook can take, and a sentence for each that it can't."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, value in given.items():
        if name not in known:
            problems.append(_unknown(name, known, report))
            continue
        try:
            values[name] = _value(value, known[name].type, known[name].item)
        except (ValueError, TypeError):
            allowed = _(ALLOWED[known[name].type])
            problems.append(
                _("parameter {name!r} is {value!r}; allowed: {allowed}", name=name, value=value, allowed=allowed)
            )
    return values, problems


def _unknown(name: str, known: Mapping[str, Parameter], report: str) -> str:
    if not known:
        text = N_("report {report!r} has no parameter {name!r}; its notebook has no cell tagged parameters")
        return _(text, report=report, name=name)
    like = ", ".join(near(name, known) or known)
    return _("report {report!r} has no parameter {name!r}; near: {near}", report=report, name=name, near=like)


def _value(value: object, type_: str, item: str = "str") -> Any:
    if type_ == "list":
        return [_value(kind, item) for kind in _items(value)]
    return READ[type_](value)


def _items(value: object) -> list[object]:
    """Several values, one, a JSON list, or none for an empty text."""
    if isinstance(value, str):
        with suppress(json.JSONDecodeError):
            read = json.loads(value)
            if isinstance(read, list):
                return read
        return [value] if value.strip() else []
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError
    return str(value)


def _whole(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError
    return int(value)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    if not math.isfinite(number := float(value)):
        raise ValueError
    return number


def _truth(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if not isinstance(value, str) or value.strip().lower() not in TRUTH:
        raise ValueError
    return TRUTH[value.strip().lower()]


def _table(value: object) -> dict[str, Any]:
    read = json.loads(value) if isinstance(value, str) else value
    if not isinstance(read, dict):
        raise TypeError
    return read


READ: dict[str, Callable[[object], Any]] = {
    "str": _text, "int": _whole, "float": _number, "bool": _truth, "dict": _table,
}  # fmt: skip
