"""The company's plan as a page may speak of it: which lines make the plan of its period and its filters.

Lines are of months, quarters and years, and of the company, managers, departments or pipelines. A period that has no line of
its own is the sum of its months; the company's plan is its own line, else the sum of its managers'. What is not planned is
missing, never 0.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..filters import DIMENSIONS, Period
from ..filters.periods import begin, label, shift
from ..sources.plan import FLOWS, USUAL, WHOM
from ..words.texts import N_, _
from .beside import known
from .scope import Scope

NOTHING = float("nan")
UNITS = ("month", "quarter", "year")
UNPLANNED = {
    "source": N_("A plan knows no sources: take the source filter away."),
    "stage": N_("A plan knows no stages: take the stage filter away."),
    "loss_reason": N_("A plan knows no reasons of losing: take that filter away."),
}
LACK = N_("There is no sales plan: `crm-reports plan template` begins one (docs/plan.md).")


class Whose(NamedTuple):
    """Whom a line is about; all three empty: the company."""

    manager_id: str = ""
    department_id: str = ""
    pipeline_id: str = ""


@dataclass(frozen=True, eq=False)
class Plan:
    """The plan of one metric, in the base currency, as it was known at the report's instant."""

    scope: Scope
    metric: str = USUAL

    # --- its lines ---------------------------------------------------------------------------------------------------

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        """The lines of all metrics as they were known; those that were taken out are not there."""
        return self.scope.snapshot.memo.once("plan_lines", lambda: known(self.scope, "plan_lines"))

    @cached_property
    def _values(self) -> Mapping[Whose, Mapping[str, float]]:
        """Of each that has a plan: period → value; missing where its currency has no rate."""
        rates, values = self._rates, {}
        for line in self._lines:
            if line["metric"] == self.metric:
                whose = Whose(*(line[f"{name}_id"] or "" for name in ("manager", "department", "pipeline")))
                rate = rates.get(line["currency"], NOTHING) if line["currency"] else 1.0
                values.setdefault(whose, {})[line["period"]] = line["value"] * rate
        return values

    @cached_property
    def _rates(self) -> Mapping[str, float]:
        """What a unit of each currency is worth in the base currency at the report's instant."""
        rows = self.scope.snapshot.query("select currency, rate from currencies where rate > 0").to_pylist()
        rates = {row["currency"]: row["rate"] for row in rows}
        base = rates.get(self.scope.currency, 1.0)
        return {currency: rate / base for currency, rate in rates.items()} | {self.scope.currency: 1.0}

    @property
    def exists(self) -> bool:
        """Whether anything at all is planned, for anybody."""
        return bool(self._lines)

    @property
    def metrics(self) -> list[str]:
        """What else is planned, for anybody: the names of its metrics."""
        return [name for name in FLOWS if name != self.metric and any(line["metric"] == name for line in self._lines)]

    def of_metric(self, metric: str) -> "Plan":
        """The plan of another metric."""
        return Plan(self.scope, metric)

    @property
    def unpriced(self) -> list[str]:
        """The currencies of lines that have no rate."""
        codes = {line["currency"] for line in self._lines if line["metric"] == self.metric and line["currency"]}
        return sorted(codes - {*self._rates})

    # --- of one period -----------------------------------------------------------------------------------------------

    def of(self, whose: Whose, period: Period) -> float:
        """What these lines alone say of the period: its own line, else the sum of the months, quarters or years in it."""
        return _cover(self._values.get(whose, {}), period.start, period.end)

    def managers(self, period: Period) -> dict[str, float]:
        """The managers that the filters keep and that have a plan of their own."""
        known = self.scope.managers_among({whose.manager_id for whose in self._values} - {""})
        values = {id: self._own(period, manager_id=id) for id in sorted(known)}
        return {id: value for id, value in values.items() if value == value}

    def whole(self, period: Period) -> float:
        """The plan of all that the filters keep: their people's own page speaks of nobody else's."""
        return _sum(value for *_ids, value in self.parts(period))

    def parts(self, period: Period) -> list[tuple[str, str, float]]:
        """The plan by manager and department: those of managers, and what of a larger plan was handed out to nobody.

        manager_id, department_id, value; they add up to the larger plan.
        """
        filters, homes = self.scope.filters, self.scope.names.homes
        if self._unplanned or period.is_open:
            return []
        parts = [(id, homes.get(id, ""), value) for id, value in self.managers(period).items()]
        for id, below in [] if filters.manager else self._departments:
            parts += _rest(self._own(period, department_id=id), id, [part for part in parts if part[1] in below], parts)
        if filters.is_about_people:
            return parts
        parts += _rest(self._own(period), "", parts, parts)
        return parts or [("", "", value) for value in [_sum(self.pipelines(period).values())] if value == value]

    def pipelines(self, period: Period) -> dict[str, float]:
        """The pipelines that have a plan of their own."""
        known = sorted({whose.pipeline_id for whose in self._values} - {""})
        values = {id: self.of(Whose(pipeline_id=id), period) for id in self.scope.filters.ids("pipeline") or known}
        return {id: value for id, value in values.items() if value == value}

    @property
    def _pipelines(self) -> Sequence[str]:
        """The pipelines that the filters keep; one that is "" where they keep all."""
        return self.scope.filters.ids("pipeline") or ("",)

    @property
    def _departments(self) -> list[tuple[str, set[str]]]:
        """The departments that have lines and that the filters keep, each with all below it; the smallest first."""
        kept, below = self.scope.filters.departments, self.scope.names.choices.departments_below
        ids = {whose.department_id for whose in self._values} - {""}
        found = [(id, {*below([id])}) for id in sorted(ids) if not kept or id in kept]
        return sorted(found, key=lambda department: len(department[1]))

    @property
    def _unplanned(self) -> list[str]:
        """The filters that are set and that no plan is made by."""
        return [name for name in DIMENSIONS if name not in WHOM and self.scope.filters.of(name)]

    def _own(self, period: Period, **whose: str) -> float:
        """What lines of just these say under the pipeline filter."""
        return _sum_of_all(self.of(Whose(**{"pipeline_id": pipeline} | whose), period) for pipeline in self._pipelines)

    # --- words -------------------------------------------------------------------------------------------------------

    def lack(self, period: Period) -> str:
        """Why the page has no plan, in a sentence that names nobody; "" when it has one."""
        if self.whole(period) == self.whole(period):
            return ""
        if not self.exists:
            return _(LACK)
        if self._unplanned:
            return _(UNPLANNED[self._unplanned[0]])
        if codes := self.unpriced:
            return _("The plan is in {currency}, which has no rate in the CRM.", currency=", ".join(codes))
        words = self._other_periods(period)
        return words or _("Nothing is planned for these days under these filters (docs/plan.md).")

    def _other_periods(self, period: Period) -> str:
        """The month, quarter or year around these days that has a plan, to be asked for instead."""
        for size in UNITS:
            start = begin(size, period.start)
            around = Period(start, shift(size, start, 1))
            if self.whole(around) == self.whole(around):
                return _(
                    "Nothing is planned for just these days; there is a plan for {period}.", period=label(start, size)
                )
        return ""


def _cover(values: Mapping[str, float], start: date, end: date) -> float:
    """The value of just these days, else the sum over them, month by month where there are months; missing with a gap."""
    for size in UNITS:
        if begin(size, start) == start and shift(size, start, 1) == end and label(start, size) in values:
            return values[label(start, size)]
    total, day = 0.0, start
    while day < end:
        sizes = [size for size in UNITS if begin(size, day) == day and shift(size, day, 1) <= end]
        size = next((size for size in sizes if label(day, size) in values), "")
        if not size:
            return NOTHING
        total, day = total + values[label(day, size)], shift(size, day, 1)
    return total if start < end else NOTHING


def _rest(own: float, department: str, within: Sequence[Any], parts: Sequence[Any]) -> list[tuple[str, str, float]]:
    """What a larger plan says beyond the parts within it; nothing where it is just their sum, or is none."""
    rest = own - sum(value for *_ids, value in within)
    is_told = rest == rest and (abs(rest) > 0.005 or not parts)  # a sum of floats is seldom exact
    return [("", department, rest)] if is_told else []


def _sum(values: Iterable[float]) -> float:
    """The sum of those that are known; missing where none is."""
    known = [value for value in values if value == value]
    return float(np.sum(known)) if known else NOTHING


def _sum_of_all(values: Iterable[float]) -> float:
    """The sum; missing where one is."""
    return float(sum(values))
