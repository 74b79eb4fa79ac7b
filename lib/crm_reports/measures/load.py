"""`load(…) → Dataset`: the data of a report, and what a night works out once for all of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import pandas as pd

from ..errors import FilterError, SettingsError, all_at_once, near
from ..filters import Filters, Selection, first_instant
from ..filters.instants import local
from ..metrics import own
from ..settings import Settings
from ..store import PARTS, Store
from ..words import context, units
from ..words.texts import LANGUAGES, N_, _, use
from . import own_fields
from .dataset import Dataset
from .names import Names
from .scope import base_currency
from .work import Forgetting


def load(
    *,
    period: object = "last_month",
    pipeline: Selection = (),
    department: Selection = (),
    manager: Selection = (),
    source: Selection = (),
    stage: Selection = (),
    loss_reason: Selection = (),
    comparison: str = "previous",
    as_of: object = "",
    language: str = "",
    forgotten_after: int = 14,
    exclude_stages: Sequence[str] = (),
    exclude_pipelines: Sequence[str] = (),
    snooze_planned: bool = False,
    stage_window: str = "",
    fields: Mapping[str, Selection] | None = None,
    settings: Settings | None = None,
) -> Dataset:
    """The data of a report, from the store that reports.toml (or CRM_REPORTS_CONFIG, CRM_REPORTS_DATA) points at.

    Filters are texts as people type them; all that mean nothing are reported in one FilterError. `stage` keeps the deals in
    work on those stages at the report's instant, `loss_reason` those lost for these reasons by then. `as_of` is by default
    the midnight before the last sync. `stage_window` is how far back going from stage to stage is counted, at least ("12
    months"); by default over the period alone. `fields` are filters by the company's own fields ([fields] in reports.toml):
    {"region": "North"}. From here on every text is said in `language`.
    """
    settings, is_ours = settings or Settings.read(), settings is not None
    use(language if language in LANGUAGES else settings.language)  # one that there is not is refused below
    own.take(settings.home if settings.config else None)
    store = open_store(settings)
    names, problems = Names(store, settings.fields), own_fields.clashes(settings.fields)
    context.use(own={name: column for own in names.own for name, column in own.columns.items()})
    all_at_once(problems, SettingsError)
    typed, unclear = own_fields.typed(fields or {}, names.own)
    problems += unclear
    rule = _forgetting(names, forgotten_after, exclude_stages, exclude_pipelines, snooze_planned, problems)
    try:
        filters = Filters.parse(
            names.choices, zone=settings.zone, default_as_of=default_as_of(store, settings), period=period,
            comparison=comparison, as_of=as_of, language=language, default_language=settings.language,
            stage_window=stage_window,
            pipeline=pipeline, department=department, manager=manager, source=source, stage=stage, loss_reason=loss_reason,
            **typed,
        )  # fmt: skip
    except FilterError as error:
        raise FilterError("\n".join([str(error), *problems])) from None
    problems += [] if is_ours else ahead(store, filters)
    all_at_once(problems, FilterError)
    ds = Dataset(store, settings, filters, rule)
    units.use(currency=ds.currency, zone=settings.zone)
    return replace(ds, filters=_with_start(ds)) if filters.period.is_open else ds


def _with_start(ds: Dataset) -> Filters:
    """The filters, their period from the first day on which the company, or whom alone it is about, has anything counted."""
    if ds.scope.is_discreet:
        return ds.filters.starting(ds.first_day)
    first = ds.scope.snapshot.query("from first_row")["at"][0].as_py()
    return ds.filters.starting(None if first is None else first.astimezone(ds.filters.zone).date())


def prepare(settings: Settings, as_ofs: Iterable[datetime] = ()) -> Store:
    """Work out once what the reports of a night share, and keep it beside the store, which is given.

    All of it as of the default instant; as of `as_ofs` what comparisons need.
    """
    store = open_store(settings)
    about = base_currency(store, settings), settings.zone.key
    store.now.prepare("ids", "filled", "funnel")
    store.snapshot(default_as_of(store, settings), *about).prepare(*PARTS)
    for as_of in as_ofs:
        store.snapshot(as_of, *about).prepare("deal_facts")
    return store


def hold(settings: Settings, as_ofs: Sequence[datetime]) -> Dataset:
    """The whole company's data, the store open, all names looked up and what was prepared found: to be forked from."""
    prepare(settings, as_ofs)
    whole = load(period="all", settings=settings)
    for name in ("managers", "departments", "pipelines", "sources", "stages", "ladder", "homes"):
        getattr(whole.names, name)
    for name in ("lacks", "total", "holes"):
        getattr(whole, name)
    return whole


@contextmanager
def share_store(settings: Settings) -> Iterator[None]:
    """While it lasts, every `load` of this thread reads through the same connection, and names are looked up once."""
    store = open_store(settings)
    yield
    del store


def open_store(settings: Settings) -> Store:
    """The store of these settings; for a thread that holds it already, the same one."""
    return Store.open(settings.store_path, memory=settings.engine.memory, threads=settings.engine.threads)


def default_as_of(store: Store, settings: Settings) -> datetime:
    """Midnight at the start of the day of the last sync: what is said is what the data can know."""
    return first_instant(store.synced_at.astimezone(settings.zone).date(), settings.zone)


def ahead(store: Store, filters: Filters) -> list[str]:
    """A sentence for an instant of which the store can know nothing: every open deal would only look older then."""
    if filters.as_of <= store.synced_at:
        return []
    typed, last = (f"{local(instant, filters.zone):%Y-%m-%d %H:%M}" for instant in (filters.as_of, store.synced_at))
    words = N_("as_of {instant} is after the last sync; give an instant up to {last}, or sync first")
    return [_(words, instant=typed, last=last)]


MOST_DAYS, LONGEST = 36_500, 60  # a century; characters of what was typed that are said back


def _forgetting(
    names: Names, after: int, stages: Sequence[str], pipelines: Sequence[str], snooze: bool, problems: list[str]
) -> Forgetting:
    """The rule that was asked for; what is wrong with it goes to `problems`."""
    if not isinstance(after, int) or not 1 <= after <= MOST_DAYS:
        words = {"held": repr(after)[:LONGEST], "most": MOST_DAYS}
        problems.append(_("forgotten_after is {held}; give a whole number of days from 1 to {most}", **words))
    exclusions = {
        "exclude_stages": _ids("exclude_stages", stages, names.by_id("stage"), problems),
        "exclude_pipelines": _ids("exclude_pipelines", pipelines, names.by_id("pipeline"), problems),
    }
    return Forgetting(after, **exclusions, snooze_planned=bool(snooze))


def _ids(parameter: str, texts: Sequence[str] | str, names: pd.Series, problems: list[str]) -> tuple[str, ...]:
    """The ids of the names or ids typed, in the CRM's order; a stage's name may stand for one in each of several pipelines."""
    ids: set[str] = set()
    for text in [texts] if isinstance(texts, str | int) else texts:
        matches = [id for id, name in names.items() if str(text) == id or str(text).casefold() == name.casefold()]
        ids |= set(matches)
        if not matches:
            close = ", ".join(near(str(text), names)) or ", ".join(names.head(5))
            problems.append(_("{key} {held} is not known; near: {near}", key=parameter, held=repr(text), near=close))
    return tuple(id for id in names.index if id in ids)
