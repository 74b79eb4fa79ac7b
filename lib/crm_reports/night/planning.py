"""Presets × slices → the pages of a night, each checked before anything runs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from ..errors import RunError
from ..filters import Choice, Choices, readable, safe
from ..look.publish import REPORTS
from ..measures.dataset import Dataset
from ..measures.load import share_store
from ..metrics.registry import column
from ..runs import execution, preparation
from ..runs.preparation import Plan
from ..settings import Night, Preset, Settings
from ..words.texts import N_, _
from .pages import NightReport, home_of


@dataclass(frozen=True)
class Planned:
    """A page to be made, or why it can't be."""

    preset: Preset
    plan: Plan | None
    error: str = ""
    slice: Mapping[str, str] | None = None
    audience: str = ""
    name: str = ""
    same_as: str = ""  # the key of an earlier page that is the very same file

    @property
    def key(self) -> str:
        return f"{self.preset.name}/{self.slice['dimension']}:{self.slice['id']}" if self.slice else self.preset.name

    def folder(self, on: date) -> str:
        """Where the page goes, relative to the published folder."""
        return f"{home_of(self.audience)}/{on}".removeprefix("./")

    def path(self, on: date) -> str:
        return f"{self.folder(on)}/{self.plan.name}.html"


IN_SHORT = "overview"
TIMELESS = "forgotten_deals"  # it is about the deals in work now, whatever the period
LAST = "last_month"
PERIODS = {
    LAST: N_("{report}, last month"),
    "this_month": N_("{report}, this month"),
    "last_12_months": N_("{report}, 12 months"),
}
OWN = {"sales_plan": "this_month"}  # the report's own default; of the others it is the last month


def presets(settings: Settings) -> tuple[Preset, ...]:
    """Those of reports.toml, or else the product's own; and the views that readers saved."""
    own = settings.presets or tuple(_usual(settings.night))
    names = {preset.name.casefold() for preset in own}
    return (*own, *(view for view in settings.views if view.name.casefold() not in names))


def _usual(wanted: Night) -> Iterator[Preset]:
    """Each report of the last month, the running one and twelve; of the period it opens with, and of those wanted, its slices.

    A company that is tried out should have its pages within a minute or so: that is why no more is cut until somebody asks.
    """
    for report, title in REPORTS.items():
        for period, name in PERIODS.items():
            if report == TIMELESS and period != LAST:
                continue
            is_own = period == OWN.get(report, LAST)
            parameters = {} if is_own else {"period": period}
            is_cut = report != IN_SHORT and (is_own or period in wanted.slices_also_of)
            words = _(title) if is_own else _(name, report=_(title))
            yield Preset(
                name=words, report=report, parameters=parameters, each=wanted.slices if is_cut else (), personal=False
            )


def planned(settings: Settings, on: date, earlier: Sequence[NightReport]) -> tuple[Planned, ...]:
    """The pages of the presets that are due, in their order; each name is there once."""
    due = [preset for preset in presets(settings) if is_due(preset, on, earlier)]
    with share_store(settings):
        pages = [page for preset in due for page in _of_preset(preset, settings)]
    times, files = Counter(page.name for page in pages), {}
    return tuple(
        replace(page, name=_told_apart(page) if times[page.name] > 1 else page.name, same_as=_first(page, files, on))
        for page in pages
    )


def _first(page: Planned, files: dict[str, str], on: date) -> str:
    """The key of the page before it that is the same file, "" if there is none."""
    first = files.setdefault(page.path(on), page.key) if page.plan else page.key
    return first if first != page.key else ""


def _told_apart(page: Planned) -> str:
    return f"{page.name} ({column(page.slice['dimension']).title} {page.slice['id']})" if page.slice else page.name


def is_due(preset: Preset, on: date, earlier: Iterable[NightReport]) -> bool:
    """Whether that night makes the preset: weekly on Mondays, monthly on the 1st, or on the first night after."""
    if preset.schedule == "nightly":
        return True
    since = on - timedelta(days=on.weekday()) if preset.schedule == "weekly" else on.replace(day=1)
    days = [night.date for night in earlier if any(_came_out(page, preset) for page in night.pages)]
    return not any(since <= day < on for day in days)


def _came_out(page: Any, preset: Preset) -> bool:
    return page.preset == preset.name and page.state != "failed"


def _of_preset(preset: Preset, settings: Settings) -> Iterator[Planned]:
    try:
        plan = preparation.prepare(preset.report, preset.parameters, settings=settings)
        slices = list(_slices(preset, plan, settings))
    except Exception as error:
        yield Planned(preset, None, execution.logged(error), audience=preset.audience, name=preset.name)
        return
    if preset.whole:
        yield Planned(preset, plan, audience=preset.audience, name=preset.name)
    yield from slices


def _slices(preset: Preset, plan: Plan, settings: Settings) -> Iterator[Planned]:
    if not preset.each:
        return
    if unknown := [name for name in preset.each if name not in plan.parameters]:
        sentence = _("report {name!r} can't be cut by {cuts}: its notebook has no such parameter",
                 name=plan.report, cuts=", ".join(unknown))  # fmt: skip
        raise RunError(sentence)
    data = preparation.load(plan.parameters, settings)
    known = data.names.choices
    for dimension in preset.each:
        for choice in with_something(data, known, dimension):
            yield _slice(preset, plan, dimension, choice, known)


def _slice(preset: Preset, plan: Plan, dimension: str, choice: Choice, known: Choices) -> Planned:
    below = known.departments_below([choice.id]) if dimension == "department" else ()
    audience = person(choice) if dimension == "manager" and preset.personal else preset.audience
    cut = {"dimension": dimension, "id": choice.id, "name": choice.name}
    return Planned(preset, plan.cut_to(dimension, choice, below), "", cut, audience, f"{preset.name}: {choice.name}")


def person(choice: Choice) -> str:
    """A manager's folder: Latin letters and digits, and nobody else's."""
    return "-".join(filter(None, (readable(choice.name), safe(choice.id))))


def with_something(data: Dataset, known: Choices, dimension: str) -> list[Choice]:
    """Those who have something to show: deals in work, created or closed in the period, or actions in it."""
    key = f"{dimension}_id"
    ids = data.scope.holders(key, data.filters.period)
    if dimension == "manager":
        acts = data.acts.actions(data.filters.elapsed)[key]
        ids |= {acts.categories[code] for code in set(acts.codes)}
    if dimension == "department":
        return [department for department in known.department if ids & {*known.departments_below([department.id])}]
    return [department for department in known.of(dimension) if department.id in ids]
