"""The alerts of reports.toml over what the last sync brought: of every row that an alert looks at, how it stands."""

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from math import isnan
from typing import Any

import numpy as np

from ...errors import FilterError, MetricError, ReportError, near
from ...measures import load as loading
from ...measures.dataset import Dataset
from ...measures.load import share_store
from ...measures.measure import DIMENSIONS
from ...measures.shifts import Shift, Shifts
from ...metrics import registry
from ...metrics.statistics import holm
from ...runs import execution, preparation
from ...settings import Alert, Settings
from ...words.texts import _, speaking
from ..pages import NightReport
from . import checked, words
from .pages import NO_PAGES, pages_about
from .states import FIRED, State

Only = Mapping[str, tuple[str, ...]]
EVERYBODY: Only = {}
FARTHEST = 1e9  # what changed from nothing; JSON has no infinity
DETAILED = 10  # rows of one alert whose change is taken apart
ASIDE = ("settings", "period", "comparison", "as_of", "language")  # what load takes and `filters` does not


@contextmanager
def watching(settings: Settings, night: NightReport | None = None) -> Iterator["Watch"]:
    """The alerts over the last sync, everything said in the settings' language; links lead to the pages of `night`."""
    with speaking(settings.language), share_store(settings):
        yield Watch(settings, night)


class Watch:
    """The alerts over one sync. However many they are, what one period and one choice of filters are about is read once."""

    def __init__(self, settings: Settings, night: NightReport | None) -> None:
        self.settings, self.night = settings, night
        self._problems: dict[str, str] = {}
        self._datasets: dict[str, Dataset] = {}
        self._states: dict[tuple[str, str], list[State]] = {}

    @property
    def as_of(self) -> datetime:
        """The instant that all of them are about."""
        store = loading.open_store(self.settings)
        return loading.default_as_of(store, self.settings)

    def problems(self) -> list[str]:
        """A sentence for everything that keeps an alert from being looked at."""
        return [f"{alert.name}: {line}" for alert in self.settings.alerts for line in self.problem(alert).splitlines()]

    def problem(self, alert: Alert) -> str:
        """Why this one can't be looked at; "" when it can."""
        if alert.name not in self._problems:
            self._problems[alert.name] = self._why_not(alert)
        return self._problems[alert.name]

    def _why_not(self, alert: Alert) -> str:
        try:
            self.states(alert)
        except Exception as error:
            return "\n".join(error.problems) if isinstance(error, ReportError) else execution.logged(error)
        return ""

    def states(self, alert: Alert, only: Only = EVERYBODY) -> list[State]:
        """How every row of the alert stands, what has fired first, the worst of it before the rest.

        With `only` of those managers and departments alone: who may see no more is told of no more.
        """
        key = alert.name, json.dumps({name: list(ids) for name, ids in only.items()}, sort_keys=True)
        if key not in self._states:
            self._states[key] = self._look(alert, only)
        return self._states[key]

    def _look(self, alert: Alert, only: Only) -> list[State]:
        if alert.check:
            return [] if only else [checked.state(alert, self.settings)]
        ds = self._dataset(alert, only)
        return [] if ds is None else list(_Look(alert, ds, self).states())

    def _dataset(self, alert: Alert, only: Only) -> Dataset | None:
        """What the alert is about; None where `only` leaves nobody of it."""
        whole = self._read(alert, {})
        if not only:
            return whole
        narrow, ids = self._read(alert, {name: list(texts) for name, texts in only.items()}), whole.scope.manager_ids
        allowed = [id for id in narrow.scope.manager_ids if ids is None or id in ids]
        people = tuple(choice for choice in whole.names.choices.manager if choice.id in allowed)
        filters = replace(whole.filters, manager=people, department=(), departments=())
        return replace(whole, filters=filters) if people else None

    def _read(self, alert: Alert, more: Mapping[str, Any]) -> Dataset:
        values = {"period": alert.period, "comparison": alert.comparison, **alert.filters, **more}
        key = json.dumps(values, sort_keys=True)
        if key not in self._datasets:
            _refuse_unknown(alert)
            self._datasets[key] = preparation.load(values, self.settings)
        return self._datasets[key]


def _refuse_unknown(alert: Alert) -> None:
    known = [name for name in inspect.signature(loading.load).parameters if name not in ASIDE]
    unknown = [name for name in alert.filters if name not in known]
    if unknown:
        close = ", ".join(near(unknown[0], known) or known)
        raise FilterError(_("there is no filter {name!r}; near: {close}", name=unknown[0], close=close))


class _Look:
    """One alert over one Dataset."""

    def __init__(self, alert: Alert, ds: Dataset, watch: Watch) -> None:
        self.alert, self.ds, self.watch = alert, ds, watch
        if alert.by and alert.by not in DIMENSIONS:
            close = ", ".join(near(alert.by, DIMENSIONS) or DIMENSIONS)
            raise MetricError(_("there is no dimension {name!r}; near: {close}", name=alert.by, close=close))
        self.shifts = Shifts(ds, alert.metric, alert.by)
        if alert.changed is not None and not self.shifts.is_testable:
            raise MetricError(
                _("{name} is planned, foretold or a share of the whole, and chance has no say in it; give below or above "
                  "in place of changed", name=alert.metric)
            )  # fmt: skip

    def states(self) -> Iterator[State]:
        kinds = self._kinds()
        worst = sorted(kinds, key=lambda row: (kinds[row] not in FIRED, -self._distance(row, kinds[row])))
        for place, row in enumerate(worst):
            yield self._state(row, kinds[row], is_detailed=place < DETAILED)

    def _kinds(self) -> dict[Shift, str]:
        rows = self.shifts.rows
        sure = self._sure(rows)
        return {row: self._kind(row, row.id in sure) for row in rows}

    def _sure(self, rows: Sequence[Shift]) -> set[str]:
        """The rows that changed so much, by more than chance with all of them looked at together (Holm)."""
        chances = np.array([self.shifts.chance(row) if self._is_far(row) else 1.0 for row in rows])
        has_chance = ~np.isnan(chances)
        ids = [row.id for row, is_known in zip(rows, has_chance, strict=True) if is_known]
        return {id for id, is_sure in zip(ids, holm(chances[has_chance]), strict=True) if is_sure}

    def _is_far(self, row: Shift, share: float = 1.0) -> bool:
        """Whether it changed by the share that the alert names, or by so much of it."""
        by = abs(row.value - row.previous)
        return self.alert.changed is not None and by > 0 and by >= share * self.alert.changed * abs(row.previous)

    def _kind(self, row: Shift, is_sure: bool) -> str:
        if isnan(row.value):
            return "missing"
        has_left = self.alert.by == "manager" and row.id in self.ds.names.leavers
        if self.alert.below is not None and row.value < self.alert.below and not has_left:
            return "below"
        if self.alert.above is not None and row.value > self.alert.above:
            return "above"
        if is_sure and row.value < row.previous and not has_left:
            return "fell"
        if is_sure and row.value > row.previous:
            return "rose"
        return "near" if self._is_far(row, share=0.5) else ""

    def _distance(self, row: Shift, kind: str) -> float:
        if kind in ("rose", "fell"):
            base = abs(row.previous)
            return min(abs(row.value - row.previous) / base, FARTHEST) if base else FARTHEST
        return {"below": -row.value, "above": row.value}.get(kind, 0.0)

    def _state(self, row: Shift, kind: str, *, is_detailed: bool) -> State:
        title = words.title(self.shifts, row)
        sentences = words.sentences(self.shifts, row, kind, self.alert, is_detailed=is_detailed) if kind else ()
        pages = pages_about(self.watch.night, self.shifts, row) if kind in FIRED else NO_PAGES
        return State(
            self.alert.name,
            row.id,
            row.name,
            kind,
            self._span,
            self._distance(row, kind),
            title,
            tuple(sentences),
            pages,
        )

    @property
    def _span(self) -> str:
        period = self.ds.filters.period
        is_stock = self.shifts.entry.on in registry.STOCKS
        return "" if is_stock or not period.unit else str(period.start)
