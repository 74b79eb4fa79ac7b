"""What a notebook may be told: its parameters cell, read; and words from a command line or a preset, made into values.

papermill only warns about a name it does not know and runs on with the defaults; here nothing is passed unchecked.
"""

from .. import look  # noqa: F401  (before papermill and nbclient, which import nbformat too)

# isort: split
import ast
import json
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import nbformat
import papermill

from ..errors import FilterError, all_at_once, near
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


def declared(notebook: nbformat.NotebookNode, report: str = "") -> dict[str, Parameter]:
    """The parameters that the notebook's cell tagged `parameters` declares, by name.

    FilterError: a line of it that papermill can't read back, which would make its parameter vanish without a word.
    """
    found = papermill.inspect_notebook(notebook)
    all_at_once(_unreadable(notebook, found, report), FilterError)
    return {name: _parameter(**fields) for name, fields in found.items()}


def _unreadable(notebook: nbformat.NotebookNode, found: Collection[str], report: str) -> Iterator[str]:
    """A sentence for each line of the parameters cell that sets a name which papermill did not find there."""
    text = N_(
        "the parameters cell of report {report!r} has a line that can't be read back: {line!r}; "
        "write NAME: TYPE = VALUE, with one type (str, int, float, bool, list or dict) and no second = on the line"
    )
    sources = [cell.source for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())]
    for source in sources[:1]:
        for line in _settings_in(source):
            if not _names_in(line) <= set(found):
                yield _(text, report=report, line=ast.get_source_segment(source, line))


def _settings_in(source: str) -> list[ast.Assign | ast.AnnAssign]:
    """The lines that set something; none where the cell is no Python, which its run will say with cell and line."""
    with suppress(SyntaxError):
        return [line for line in ast.parse(source).body if isinstance(line, ast.Assign | ast.AnnAssign)]
    return []


def _names_in(line: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = line.targets if isinstance(line, ast.Assign) else [line.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


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
        if _is_empty(value, known[name].type):
            problems.append(_empty(name, value))
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


def _is_empty(value: object, type_: str) -> bool:
    """Whether a list was given a text of nothing, as an unset variable of a shell is: it would mean everything."""
    texts = value if isinstance(value, list | tuple) else [value]
    return type_ == "list" and any(isinstance(text, str) and not text.strip() for text in texts)


def _empty(name: str, value: object) -> str:
    text = N_("parameter {name!r} is {value!r}, which names nobody and nothing; leave it out for all of them")
    return _(text, name=name, value=value)


def _value(value: object, type_: str, item: str = "str") -> Any:
    if type_ == "list":
        return [_value(kind, item) for kind in _items(value)]
    return READ[type_](value)


def _items(value: object) -> list[object]:
    """Several values, one, or a JSON list."""
    if isinstance(value, str):
        with suppress(json.JSONDecodeError):
            read = json.loads(value)
            if isinstance(read, list):
                return read
        return [value]
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
