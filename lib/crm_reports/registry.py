"""How a metric is declared and found. The definitions themselves are in metrics/.

One entry feeds the tile, the chart's axis, the tooltip, the Excel header and the glossary. A table's column carries the
metric's name, so `column(name)` finds title, unit and formula for anything that a table shows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from .errors import MetricError, near
from .texts import N_, _

Unit = Literal["count", "money", "share", "days", "index", "text", "instant", "flag", "number", "date"]


@dataclass(frozen=True)
class Ratio:
    """k of n; each a number, or a column with one number per row. Over nothing it is missing, never 0."""

    k: float | pd.Series
    n: float | pd.Series

    @property
    def value(self) -> float | pd.Series:
        if isinstance(self.n, pd.Series):
            return self.k / self.n.where(self.n != 0)
        return self.k / self.n if self.n else float("nan")


Number = float | pd.Series | Ratio


@dataclass(frozen=True)
class Metric:
    """One number's definition: its words, its unit, which way is good, what it is computed from and how."""

    name: str
    title: str
    unit: Unit
    good: Literal["up", "down", "none"]
    formula: str
    on: str
    fields: tuple[str, ...]
    compute: Callable[[pd.DataFrame], Number]
    needs: tuple[str, ...] = ()

    @property
    def meaning(self) -> str:
        """The sentence under the title: the docstring of the definition."""
        return " ".join((self.compute.__doc__ or "").split())


@dataclass(frozen=True)
class Column:
    """What a column of any table is called, how it is written, and the formula behind it (empty for no metric)."""

    name: str
    title: str
    unit: Unit
    formula: str = ""
    meaning: str = ""
    good: str = "none"


METRICS: dict[str, Metric] = {}


def metric(
    *,
    title: str,
    unit: Unit,
    formula: str,
    on: str,
    fields: list[str],
    good: Literal["up", "down", "none"] = "none",
    needs: list[str] | None = None,
) -> Callable[[Callable[[pd.DataFrame], Number]], Callable[[pd.DataFrame], Number]]:
    """Register the function below it under its own name; it then gets only `fields` of the frame `on`.

    `needs` names what a source may lack (dataset.LACKING): without it the number is missing, not 0.
    """

    def register(compute: Callable[[pd.DataFrame], Number]) -> Callable[[pd.DataFrame], Number]:
        name = compute.__name__
        if not compute.__doc__:
            raise MetricError(f"metric {name!r} has no docstring; say in a sentence what it tells the reader")
        METRICS[name] = Metric(name, title, unit, good, formula, on, tuple(fields), compute, tuple(needs or ()))
        return compute

    return register


def find(name: str) -> Metric:
    """The metric of that name."""
    if name not in METRICS:
        raise MetricError(f"no metric called {name!r}; near: {', '.join(near(name, METRICS) or sorted(METRICS))}")
    return METRICS[name]


SUFFIXES: dict[str, tuple[str, Unit | None]] = {
    "_k": (N_("{title}: k"), "count"),
    "_n": (N_("{title}: of n"), "count"),
    "_low": (N_("{title}: low end of the 95 % interval"), None),
    "_high": (N_("{title}: high end of the 95 % interval"), None),
    "_differs": (N_("{title}: differs from the team"), "flag"),
    "_previous": (N_("{title}: before"), None),
    "_change": (N_("{title}: change"), "share"),
}

COLUMNS: dict[str, tuple[str, Unit]] = {
    "manager": (N_("Manager"), "text"),
    "department": (N_("Department"), "text"),
    "pipeline": (N_("Pipeline"), "text"),
    "source": (N_("Source"), "text"),
    "stage": (N_("Stage"), "text"),
    "to_stage": (N_("Next stage"), "text"),
    "loss_reason": (N_("Loss reason"), "text"),
    "customer": (N_("Customer"), "text"),
    "size": (N_("Period size"), "text"),
    "period": (N_("Period"), "text"),
    "start": (N_("First day"), "date"),
    "is_running": (N_("Still running"), "flag"),
    "is_total": (N_("Total"), "flag"),
    "is_narrowest": (N_("Narrowest step"), "flag"),
    "position": (N_("Order"), "number"),
    "metric": (N_("Metric"), "text"),
    "value": (N_("Value"), "number"),
    "previous": (N_("Before"), "number"),
    "change": (N_("Change"), "share"),
    "k": (N_("k"), "count"),
    "n": (N_("of n"), "count"),
    "deal_id": (N_("Deal ID"), "text"),
    "title": (N_("Deal"), "text"),
    "url": (N_("Link"), "text"),
    "status": (N_("Status"), "text"),
    "outcome": (N_("Outcome"), "text"),
    "money": (N_("Money"), "money"),
    "amount": (N_("Amount"), "number"),
    "currency": (N_("Currency"), "text"),
    "created_at": (N_("Created on"), "instant"),
    "closed_at": (N_("Closed on"), "instant"),
    "duration_days": (N_("Days in all"), "days"),
    "last_action_at": (N_("Last action"), "instant"),
    "last_action_kind": (N_("Kind of last action"), "text"),
    "next_step_at": (N_("Next step"), "instant"),
    "next_step": (N_("Next step is"), "text"),
    "crm_trace_at": (N_("The CRM has a later trace"), "instant"),
    "is_reopened": (N_("Reopened"), "flag"),
    "kind": (N_("Kind of action"), "text"),
    "weight": (N_("Weight"), "number"),
    "share_of_lost": (N_("Share of what was lost"), "share"),
    "days_in_current_stage": (N_("Days in the stage"), "days"),
    "days_silent": (N_("Days silent"), "days"),
    "element": (N_("Element"), "text"),
    "text": (N_("What"), "text"),
    "report": (N_("Report"), "text"),
}


def column(name: str) -> Column:
    """What the column `name` is called and how it is written, in the reader's language. Unknown: its own name, text."""
    if name in METRICS:
        entry = METRICS[name]
        return Column(name, _(entry.title), entry.unit, _(entry.formula), _(entry.meaning), entry.good)
    if name in COLUMNS:
        title, unit = COLUMNS[name]
        return Column(name, _(title), unit)
    for suffix, (words, unit) in SUFFIXES.items():
        if name.endswith(suffix) and name.removesuffix(suffix) in METRICS:
            base = column(name.removesuffix(suffix))
            return Column(name, _(words, title=base.title), unit or base.unit, base.formula, base.meaning, base.good)
    if name.endswith("_id") and name.removesuffix("_id") in COLUMNS:
        return Column(name, _("{title}: ID", title=column(name.removesuffix("_id")).title), "text")
    return Column(name, name, "text")
