"""What the header of a page offers to choose: every parameter of its report, with the choices that are the reader's."""

from collections.abc import Iterator, Mapping
from typing import Any

from ..filters import Choice
from ..filters.filters import COMPARISONS
from ..filters.periods import EXAMPLES
from ..look.publish import REPORTS, Link
from ..runs import run
from ..runs.parameters import Parameter
from ..settings import Preset, Settings
from ..words.texts import LANGUAGES, N_, _
from . import views
from .desk import Asked
from .state import address

LABELS = {
    "period": N_("Period"), "comparison": N_("Compared with"), "pipeline": N_("Pipelines"),
    "department": N_("Departments"), "manager": N_("Managers"), "source": N_("Sources"), "as_of": N_("As of"),
    "language": N_("Language"), "forgotten_after": N_("Forgotten after, days"), "exclude_stages": N_("Stages left out"),
    "exclude_pipelines": N_("Pipelines left out"), "snooze_planned": N_("A planned step counts"),
}  # fmt: skip
DIMENSIONS = ("pipeline", "department", "manager", "source")
CALLED = {
    "previous": N_("the period before"), "year_ago": N_("a year ago"), "none": N_("nothing"),
    "en": "English", "ru": "Русский",
    "today": N_("today"), "yesterday": N_("yesterday"), "this_week": N_("this week"), "this_month": N_("this month"),
    "this_quarter": N_("this quarter"), "this_year": N_("this year"), "last_week": N_("last week"),
    "last_month": N_("last month"), "last_quarter": N_("last quarter"), "last_year": N_("last year"),
    "last_30_days": N_("last 30 days"), "last_90_days": N_("last 90 days"), "last_12_months": N_("last 12 months"),
    "all": N_("all time"),
}  # fmt: skip
FILES = {"xlsx": N_("Excel"), "pdf": "PDF", "json": "JSON", "ipynb": N_("Notebook")}
KINDS = {"int": "number", "float": "number", "bool": "flag", "list": "texts", "str": "text", "dict": "text"}


def controls(asked: Asked, settings: Settings) -> dict[str, Any]:
    """What the page's script builds the header of: the state, the fields, where else one can go from here."""
    plan, declared = asked.plan, run.parameters_of(asked.plan.report, settings)
    state = state_of(asked)
    return {
        "report": plan.report, "state": state, "narrowed": sorted(asked.reader.only),
        "fields": [_field(each, asked) for each in declared.values()],
        "reports": list(_reports(state, settings)),
        "views": [_view(each) for each in views.saved(settings) if _is_theirs(each, asked)],
        "files": [{"text": _(text), "url": address(plan.report, state, kind)} for kind, text in FILES.items()],
        "reader": asked.reader.name,
    }  # fmt: skip


def state_of(asked: Asked) -> dict[str, Any]:
    """What was asked, by ids where the reader typed names; what a reader's rights add is not part of it."""
    filters, given = asked.plan.filters, dict(asked.plan.given)
    for dimension in set(DIMENSIONS) & set(given):
        given[dimension] = [each.id for each in getattr(filters, dimension)]
        own = asked.reader.only.get(dimension)
        if own and {each.id for each in getattr(asked.known, dimension)} == set(given[dimension]):
            del given[dimension]
    return {name: value for name, value in given.items() if value not in ("", [])}


def links(asked: Asked, settings: Settings) -> list[Link]:
    """Where the page leads: the same view in the other reports, this report cut to one name or, from there, to all."""
    state, report = state_of(asked), asked.plan.report
    declared = run.parameters_of(report, settings)
    found = [Link(f"report:{each['report']}", each["url"]) for each in _reports(state, settings)]
    for dimension in (name for name in DIMENSIONS if name in declared):
        for choice in getattr(asked.known, dimension):
            found.append(Link(f"{dimension}:{choice.id}", address(report, _toggled(state, dimension, choice.id))))
    return [*found, Link("workbook", address(report, state, "xlsx"))]


def _toggled(state: Mapping[str, Any], dimension: str, id: str) -> dict[str, Any]:
    """The state about that one alone; about all when it already is."""
    rest = {name: value for name, value in state.items() if name != dimension}
    return rest if state.get(dimension) == [id] else rest | {dimension: [id]}


def _reports(state: Mapping[str, Any], settings: Settings) -> Iterator[dict[str, str]]:
    """Every report, about the same as far as it can be told that."""
    for name, title in REPORTS.items():
        declared = run.parameters_of(name, settings)
        common = {key: value for key, value in state.items() if key in declared and key in run.FILTERS}
        yield {"report": name, "text": _(title), "url": address(name, common)}


def _field(parameter: Parameter, asked: Asked) -> dict[str, Any]:
    name = parameter.name
    field = {"name": name, "label": _label(name), "help": parameter.help, "default": parameter.default}
    if name in DIMENSIONS:
        return field | {"kind": "many", "choices": [_choice(each) for each in getattr(asked.known, name)]}
    if name == "period":
        said = [{"id": text, "name": _(CALLED[text])} for text in EXAMPLES if text in CALLED]
        return field | {"kind": "period", "choices": said, "shown": asked.plan.about.partition(" · ")[0]}
    if name in ("comparison", "language"):
        ids = COMPARISONS if name == "comparison" else ("", *LANGUAGES)
        return field | {"kind": "one", "choices": [{"id": id, "name": _(CALLED.get(id, id))} for id in ids if id]}
    return field | {"kind": "day" if name == "as_of" else KINDS[parameter.type]}


def _label(name: str) -> str:
    return _(LABELS[name]) if name in LABELS else name.replace("_", " ").capitalize()


def _choice(choice: Choice) -> dict[str, str]:
    said = {"id": choice.id, "name": choice.name, "group": choice.hint, "above": choice.parent_id}
    return {key: text for key, text in said.items() if text or key in ("id", "name")}


def _view(view: Preset) -> dict[str, str]:
    return {"text": view.name, "url": address(view.report, view.parameters)}


def _is_theirs(view: Preset, asked: Asked) -> bool:
    """Whoever sees everything sees every view; others those that were saved for them."""
    return not asked.reader.only or view.audience == audience(asked.reader)


def audience(reader: Any) -> str:
    """The folder of a reader's own pages, "" for whoever sees everything."""
    from ..filters.slugs import safe

    return safe(reader.name) if reader.only else ""
