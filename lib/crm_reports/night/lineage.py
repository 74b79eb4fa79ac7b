"""Where a number comes from and where it goes: fields of the CRM ↔ numbers ↔ elements, reports, presets, mails, alerts."""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path

import nbformat

from ..errors import MetricError, near
from ..look.publish import REPORTS
from ..look.uses import entries_of, texts
from ..measures import frames
from ..metrics import METRICS
from ..metrics.origins import Origin, origins
from ..metrics.registry import find
from ..runs import preparation
from ..settings import Settings
from ..words.texts import _
from .planning import presets

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]+")


@dataclass(frozen=True)
class Lineage:
    """What lies before and after a number or a field: each a title and its lines, in the order in which they follow."""

    name: str
    stages: tuple[tuple[str, tuple[str, ...]], ...]


def lineage(name: str, settings: Settings) -> Lineage:
    """Of a metric, a column of the store (deals.amount) or a field of the CRM's API (OPPORTUNITY). MetricError: of none."""
    if name in METRICS:
        return Lineage(name, (*_before(name), *_after([name], settings)))
    columns = {origin.column: origin for metric in METRICS.values() for origin in origins(metric)}
    meant = [origin for origin in columns.values() if name == origin.column or _is_field(name, origin)]
    if not meant:
        known = {*METRICS, *columns, *chain.from_iterable(_WORD.findall(origin.api) for origin in columns.values())}
        close = ", ".join(near(name, known) or sorted(METRICS)[:5])
        raise MetricError(
            _("no number, column or field of the CRM is called {name!r}; near: {close}", name=name, close=close)
        )
    metrics = [metric for metric, entry in METRICS.items() if {*origins(entry)} & {*meant}]
    return Lineage(
        name, ((_("Columns"), tuple(map(_origin, meant))), (_("Numbers"), tuple(metrics)), *_after(metrics, settings))
    )


def _is_field(name: str, origin: Origin) -> bool:
    """Whether it is the whole address of a field, or the field's own name in any case."""
    method, _space, field = origin.api.partition(" ")
    words = _WORD.findall(field if "." in method else origin.api)
    return name.casefold() in {origin.api.casefold(), *(word.casefold() for word in words)}


def _origin(origin: Origin) -> str:
    return " ← ".join(filter(None, [origin.column, origin.api]))


def _before(metric: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The columns that it may depend on with their fields, and the rows that it is measured from."""
    entry = find(metric)
    rows = " ".join((frames.FRAMES[entry.on].__doc__ or "").split("\n\n")[0].split())
    yield _("Columns"), tuple(map(_origin, origins(entry)))
    yield _("Rows"), (f"{entry.on}: {rows}", *(f"{entry.on}.{field}" for field in entry.fields))


def _after(metrics: Sequence[str], settings: Settings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What shows them: elements, the reports that have those or name the number itself, presets, alerts, whoever is told."""
    elements = list(dict.fromkeys(entry.make.__name__ for metric in metrics for entry in entries_of(metric)))
    names = {*metrics, *elements}
    all_presets = presets(settings)
    reports = [
        report
        for report in dict.fromkeys((*REPORTS, *(preset.report for preset in all_presets)))
        if names & _names_in(preparation.find(report, settings))
    ]
    due = [preset for preset in all_presets if preset.report in reports]
    alerts = [alert for alert in settings.alerts if alert.metric in metrics]
    readers = [(entry, reader) for entry in due for reader in entry.recipients]
    readers += [(entry, reader) for entry in alerts for reader in entry.to]
    readers += [(entry, _("each their own")) for entry in (*due, *alerts) if entry.mail_slices]
    yield _("Elements"), tuple(elements)
    yield _("Reports"), tuple(reports)
    yield _("Presets"), tuple(preset.name for preset in due)
    yield _("Alerts"), tuple(alert.name for alert in alerts)
    yield _("Messages"), tuple(f"{entry.name} → {reader}" for entry, reader in readers)


@cache
def _names_in(notebook: Path) -> frozenset[str]:
    """The elements that the notebook's cells name, and all that they say as texts."""
    names: set[str] = set()
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "code":
            names |= _names_of(cell.source)
    return frozenset(names)


def _names_of(code: str) -> set[str]:
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a line for the shell, in a notebook of an analyst's own
        return set()
    return {*texts(tree), *(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))}
