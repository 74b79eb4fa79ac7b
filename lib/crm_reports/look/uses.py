"""Which numbers each element of the reports is made of, read off its code: nothing lists them beside it."""

import ast
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from linecache import getlines
from typing import Any

from ..elements import ELEMENTS
from ..elements.element import Entry
from ..metrics import METRICS
from ..metrics.origins import origins

OURS = ("crm_reports.elements.", "crm_reports.measures.")


def metrics_of(entry: Entry) -> tuple[str, ...]:
    """The metrics that the element's table or a sentence of it names, itself or in what it calls; in the registry's order."""
    names = {*entry.needs, *_texts_in(entry)}
    return tuple(name for name in METRICS if name in names)


@cache
def _texts_in(entry: Entry) -> frozenset[str]:
    seen: set[tuple[str, str]] = set()
    functions = map(inspect.unwrap, (entry.make, *entry.sentences.values()))
    return frozenset().union(*(_texts_of(function, seen) for function in functions))


def entries_of(metric: str) -> list[Entry]:
    """The elements that a metric is in; of two that share an id each is one."""
    return [entry for entry in ELEMENTS.values() if metric in metrics_of(entry)]


def fields() -> dict[str, tuple[str, ...]]:
    """By field of the CRM's API, as crm.deal.list OPPORTUNITY, the metrics that may change with it."""
    uses: dict[str, list[str]] = {}
    for name, metric in METRICS.items():
        for api in dict.fromkeys(origin.api for origin in origins(metric) if origin.api):
            uses.setdefault(api, []).append(name)
    return {api: tuple(names) for api, names in sorted(uses.items())}


def texts(node: ast.AST) -> Iterator[str]:
    """What a piece of code says as texts; not what it compares with: that "won" is also a word of the CRM's."""
    if isinstance(node, ast.Compare):
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "assign":
        yield from (keyword.arg for keyword in node.keywords if keyword.arg)
    for child in _inside(node):
        yield from texts(child)


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """What to look into: of a function its body and defaults, of a subscript only what it is taken from."""
    if isinstance(node, ast.FunctionDef):
        defaults = [default for default in (*node.args.defaults, *node.args.kw_defaults) if default]
        return iter([*node.body, *defaults])
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return iter([node.value])
    return ast.iter_child_nodes(node)


def _texts_of(function: Callable[..., Any], seen: set[tuple[str, str]]) -> set[str]:
    """The texts of the function and of all that it names: at the top of its module, in other elements, in what they measure."""
    return _follow(inspect.getsourcefile(function) or "", function.__name__, function.__globals__, seen)


def _follow(file: str, name: str, names: Mapping[str, Any], seen: set[tuple[str, str]]) -> set[str]:
    if (file, name) in seen:
        return set()
    seen.add((file, name))
    node = _tops(file).get(name)
    if node is None:
        thing = names.get(name)
        function = thing.make if isinstance(thing, Entry) else thing
        is_ours = inspect.isfunction(function) and (function.__module__ or "").startswith(OURS)
        return _texts_of(inspect.unwrap(function), seen) if is_ours else set()
    words = {child.id for child in ast.walk(node) if isinstance(child, ast.Name)}
    return {*texts(node)}.union(*(_follow(file, word, names, seen) for word in words))


@cache
def _tops(file: str) -> Mapping[str, ast.AST]:
    """The functions and values at the top of a module or of a notebook's cell, by name; none where nobody kept its text."""
    tops: dict[str, ast.AST] = {}
    for node in ast.parse("".join(getlines(file))).body:
        if isinstance(node, ast.FunctionDef):
            tops[node.name] = node
        if isinstance(node, ast.Assign):
            tops |= {target.id: node.value for target in node.targets if isinstance(target, ast.Name)}
    return tops
