"""What the header of a page lets its reader choose: the parameters of its report, and the names there are for each."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..filters import Choice, Choices
from ..filters.choices import DIMENSIONS, LABELS, STANDINGS
from ..filters.filters import COMPARISONS
from ..filters.periods import EXAMPLES
from ..settings import Settings
from ..words.texts import LANGUAGES, N_, _
from .parameters import Parameter
from .preparation import Plan, parameters_of

TITLES = {
    "period": N_("Period"), "comparison": N_("Compared with"), **{name: many for name, (_one, many) in LABELS.items()}, "as_of": N_("As of"),
    "language": N_("Language"), "forgotten_after": N_("Forgotten after, days"), "exclude_stages": N_("Stages left out"),
    "exclude_pipelines": N_("Pipelines left out"), "snooze_planned": N_("A planned step counts"),
    "stage_window": N_("Steps between stages of"),
}  # fmt: skip
CALLED = {
    "previous": N_("the period before"), "year_ago": N_("a year ago"), "none": N_("nothing"),
    "en": "English", "ru": "Русский",
    "today": N_("today"), "yesterday": N_("yesterday"), "this_week": N_("this week"), "this_month": N_("this month"),
    "this_quarter": N_("this quarter"), "this_year": N_("this year"), "last_week": N_("last week"),
    "last_month": N_("last month"), "last_quarter": N_("last quarter"), "last_year": N_("last year"),
    "last_30_days": N_("last 30 days"), "last_90_days": N_("last 90 days"), "last_12_months": N_("last 12 months"),
    "all": N_("all time"),
}  # fmt: skip
KINDS = {"int": "number", "float": "number", "bool": "flag", "list": "texts", "str": "text", "dict": "text"}

# Of these several can be chosen, each from what the portal has of it.
PICKED = {**{name: name for name in DIMENSIONS}, "exclude_stages": "stage", "exclude_pipelines": "pipeline"}

State = Mapping[str, Any]


def state_of(plan: Plan) -> dict[str, Any]:
    """What was asked of the report, everybody by his id."""
    return {name: value for name, value in plan.by_ids().given.items() if value not in ("", [])}


def shown(plan: Plan) -> str:
    """The period of the plan, in words."""
    return plan.about.partition(" · ")[0]


def fields(plan: Plan, known: Choices, settings: Settings) -> list[dict[str, Any]]:
    """One entry per parameter of the report, in its order: label, help, default, kind, and what can be chosen."""
    return _alike(_fields(plan, known, settings))


def _fields(plan: Plan, known: Choices, settings: Settings) -> list[dict[str, Any]]:
    return [_field(parameter, plan, known, settings) for parameter in parameters_of(plan.report, settings).values()]


def _alike(fields: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same; choices that two of them have stand on the page once: the second says whose they are."""
    first: dict[str, dict[str, Any]] = {}
    for field in fields:
        other = first.setdefault(PICKED.get(field["name"], field["name"]), field)
        if other is not field and field["choices"] and field["choices"] == other["choices"]:
            field["like"] = other["name"]
            del field["choices"]
    return fields


def published(plan: Plan, known: Choices, pages: Mapping[str, tuple[Plan, str]], settings: Settings) -> dict[str, Any]:
    """The header of a page that nobody answers for: it leads to those `pages` of its report (plan, address) only.

    Of how deals stand, by which few nights are cut, only what was published is named.
    """
    plans = [plan_ for plan_, _address in pages.values()]
    offered = _fields(plan, known, settings)
    for field in offered:
        if field["name"] == "period":
            field["choices"] = list(_periods(plans))
        if field["name"] in STANDINGS:
            about = {id for other in plans for id in other.filters.ids(field["name"])}
            field |= {"choices": [choice for choice in field["choices"] if choice["id"] in about], "partly": True}
    return {
        "report": plan.report, "state": state_of(plan), "shown": shown(plan), "views": [], "files": [],
        "fields": _alike([field for field in offered if field["kind"] != "many" or field["choices"] or field.get("partly")]),
        "published": {key: address for key, (_plan, address) in pages.items()},
    }  # fmt: skip


def key_of(plan: Plan, settings: Settings) -> str:
    """What the plan asks beyond the defaults of its report, written as the page's script writes it (controls.js)."""
    declared = parameters_of(plan.report, settings)
    pairs = [
        [name, text] for name, value in state_of(plan).items()
        if texts(value) != texts(_default(declared[name], settings)) for text in texts(value)
    ]  # fmt: skip
    return json.dumps(sorted(pairs, key=",".join), separators=(",", ":"), ensure_ascii=False)


def texts(value: Any) -> list[str]:
    """The value of a parameter as an address has it: a text for each of several, none for nothing."""
    values = value if isinstance(value, list | tuple) else [value]
    return [str(item).lower() if isinstance(item, bool) else str(item) for item in values if item not in ("", None)]


def _default(parameter: Parameter, settings: Settings) -> Any:
    return settings.language if parameter.name == "language" else parameter.default


def _field(parameter: Parameter, plan: Plan, known: Choices, settings: Settings) -> dict[str, Any]:
    name, default = parameter.name, _default(parameter, settings)
    field = {"name": name, "label": _label(name, known), "help": parameter.help, "default": default}
    if name in PICKED or name in known.dimensions:
        return field | {"kind": "many", "choices": [_choice(choice) for choice in known.of(PICKED.get(name, name))]}
    if name == "period":
        usual = [{"id": text, "name": _(CALLED[text])} for text in EXAMPLES if text in CALLED]
        return field | {"kind": "period", "choices": usual}
    if name in ("comparison", "language"):
        ids = COMPARISONS if name == "comparison" else LANGUAGES
        return field | {"kind": "one", "choices": [{"id": id, "name": _(CALLED.get(id, id))} for id in ids]}
    return field | {"kind": "day" if name == "as_of" else KINDS[parameter.type]}


def _label(name: str, known: Choices) -> str:
    if name not in DIMENSIONS and name in known.dimensions:
        return known.label(name)
    return _(TITLES[name]) if name in TITLES else name.replace("_", " ").capitalize()


def _choice(choice: Choice) -> dict[str, str]:
    words = {"id": choice.id, "name": choice.name, "group": choice.hint, "above": choice.parent_id}
    return {key: text for key, text in words.items() if text or key in ("id", "name")}


def _periods(plans: Iterable[Plan]) -> Iterator[dict[str, str]]:
    """The periods of those plans, each once: as it was asked, by its usual name or in words."""
    asked = {str(plan.by_ids().parameters.get("period", "")): shown(plan) for plan in plans}
    yield from ({"id": id, "name": _(CALLED[id]) if id in CALLED else words} for id, words in asked.items())
