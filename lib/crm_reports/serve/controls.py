"""The header of a page that is answered here: every parameter of its report, and where else its reader can go."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Any

from ..filters.slugs import safe
from ..look.publish import REPORTS, Link
from ..runs import controls as offered
from ..runs import preparation
from ..settings import Preset, Settings
from ..words.texts import N_, _
from . import views
from .access import Reader
from .desk import Asked
from .state import address

MOST_KEPT = 500  # files of choices; a page that is looked at again brings its own back
FILES = {"xlsx": N_("Excel"), "pdf": "PDF", "json": "JSON", "ipynb": N_("Notebook")}


class Offered:
    """What headers were last said to offer, each for its audience alone."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], str] = OrderedDict()

    def keep(self, audience: str, files: Mapping[str, str]) -> None:
        for name, text in files.items():
            self._kept[audience, name] = text
            self._kept.move_to_end((audience, name))
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def text(self, audience: str, name: str) -> str | None:
        """The file of that name; None when nobody of that audience was lately led to it."""
        return self._kept.get((audience, name))


def controls(asked: Asked, settings: Settings) -> dict[str, Any]:
    """What the page's script builds the header of: the state, the fields, the saved views, the files."""
    state, report = state_of(asked), asked.plan.report
    return {
        "report": report, "state": state, "shown": offered.shown(asked.plan), "fields": offered.fields(asked.plan, asked.known, settings),
        "views": [_view(view) for view in views.saved(settings) if _is_theirs(view, asked.reader)],
        "files": [{"text": _(text), "url": address(report, state, kind)} for kind, text in FILES.items()],
    }  # fmt: skip


def state_of(asked: Asked) -> dict[str, Any]:
    """What was asked, by ids; what a reader's rights add is not part of it."""
    state = offered.state_of(asked.plan)
    for dimension, own in asked.reader.only.items():
        if own and {choice.id for choice in asked.known.of(dimension)} == set(state.get(dimension, ())):
            state.pop(dimension, None)
    return state


def links(asked: Asked, settings: Settings) -> list[Link]:
    """Where the page leads: the same view in the other reports, this report cut to one name or, from there, to all."""
    state, report = state_of(asked), asked.plan.report
    declared = preparation.parameters_of(report, settings)
    cuts = [
        Link(f"{dimension}:{choice.id}", address(report, _toggled(state, dimension, choice.id)))
        for dimension in asked.known.dimensions if dimension in declared for choice in asked.known.of(dimension)
    ]  # fmt: skip
    return [*_reports(state, settings), *cuts, Link("workbook", address(report, state, "xlsx"))]


def _toggled(state: Mapping[str, Any], dimension: str, id: str) -> dict[str, Any]:
    """The state about that one alone; about all when it already is."""
    rest = {name: value for name, value in state.items() if name != dimension}
    return rest if state.get(dimension) == [id] else rest | {dimension: [id]}


def _reports(state: Mapping[str, Any], settings: Settings) -> Iterator[Link]:
    """Every report, about the same as far as it can be told that."""
    for name in REPORTS:
        declared = preparation.parameters_of(name, settings)
        common = {
            key: value
            for key, value in state.items()
            if key in declared and key in (*preparation.FILTERS, *settings.fields)
        }
        yield Link(f"report:{name}", address(name, common))


def _view(view: Preset) -> dict[str, str]:
    return {"text": view.name, "url": address(view.report, view.parameters)}


def _is_theirs(view: Preset, reader: Reader) -> bool:
    """Whoever sees everything sees every view; others those that were saved for them."""
    return not reader.only or view.audience == audience(reader)


def audience(reader: Reader) -> str:
    """The folder of a reader's own pages, "" for whoever sees everything."""
    return safe(reader.name) if reader.only else ""
