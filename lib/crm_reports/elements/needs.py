"""What needs you: at most five things to look at, each with its number and the element that proves it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..measures.dataset import Dataset
from ..measures.measure import measure, missing, value_of
from ..measures.totals import without_total
from ..metrics.statistics import SMALL, differs
from ..store.columns import records
from ..words import context, units
from ..words.texts import N_, _, many
from .element import element, explanation
from .forgotten import by_manager, how_many
from .funnel import behind, dearest_place, funnel, narrow_places, narrow_step
from .headline import is_most, largest, standing_out
from .plans import lack, standing

MOST_NEEDS = 5
LOOKED_AT = ("activities", "deal_activities", "stage_history", "closing", "manager", "source", "outcomes", "work")
Need = tuple[str, str, str]


@element(title=N_("What needs you"), drawn="needs", wants=LOOKED_AT)
def needs_you(ds: Dataset) -> pd.DataFrame:
    """At most five things to look at, each with its number, a cause to look at, and the report that proves it.

    text, report, element; the dearest first. Nothing is said of numbers that the source can't give.
    """
    with context.using(metrics=()):  # the page's glossary is of the numbers that it shows
        needs = [*_plan(ds), *_forgotten_money(ds), *_narrow(ds), *_differs(ds), *_dry_source(ds), *_slower(ds)]
    return pd.DataFrame(needs[:MOST_NEEDS], columns=["text", "report", "element"])


@needs_you.finding
def needs(table: pd.DataFrame, ds: Dataset) -> str:
    """How many things there are to look at; that nothing stands out only where all of it could be looked at."""
    if len(table):
        return many("{n} thing to look at", "{n} things to look at", len(table))
    return "" if explanation(ds, set(LOOKED_AT)) else _("Nothing stands out")


def _plan(ds: Dataset) -> list[Need]:
    """Where the plan of the period stands, where there is one."""
    if lack(ds) or missing(ds, "attainment"):
        return []
    return [(_sentence(standing(ds)), "sales_plan", "pace")]


def _narrow(ds: Dataset) -> list[Need]:
    """The narrowest step where that is no chance, and whose step falls behind the team's by more than chance."""
    steps, places = funnel(ds).table, narrow_places(ds).table
    worst = standing_out(steps, "stage_conversion", above=False) if len(steps) else None
    needs = [(_sentence(narrow_step(steps, ds)), "sales_dynamics", "funnel")] if worst is not None else []
    is_worth = len(places) > 0 if ds.filters.is_about_one else dearest_place(places) is not None
    return [*needs, *([(behind(places, ds), "sales_dynamics", "narrow_places")] if is_worth else [])]


def _forgotten_money(ds: Dataset) -> list[Need]:
    """The forgotten money, and who forgets most."""
    if missing(ds, "forgotten") or not value_of(ds, "forgotten"):
        return []
    table = by_manager(ds).table
    culprit = _most_of_them(table) if len(table) > 2 else ""
    return [(_sentence(f"{how_many(table, ds)}{culprit}"), "forgotten_deals", "deals")]


def _most_of_them(table: pd.DataFrame) -> str:
    """Whose most of the forgotten deals are, or who forgets a larger share than the rest by more than chance."""
    rows = without_total(table)
    most, worst = largest(rows, "forgotten"), standing_out(table, "forgotten_share")
    if most is not None and is_most(most, rows, "forgotten"):
        return _("; most of them with {manager}: {k}", manager=most["manager"], k=units.count(most["forgotten"]))
    if worst is None:
        return ""
    k, n = (units.count(worst[f"forgotten_share_{half}"]) for half in ("k", "n"))
    return _("; {manager} forgets {k} of {n}, clearly more than the rest", manager=worst["manager"], k=k, n=n)


def _differs(ds: Dataset) -> list[Need]:
    """Who differs after correction for the number of managers looked at."""
    if missing(ds, "win_rate") or "manager" in ds.lacks:
        return []
    table = measure(ds, ["win_rate"], by="manager", total=True)
    team = table["win_rate"].iloc[-1]
    rows = table[table["win_rate_differs"].eq(True)]  # missing in the total
    return [
        (_("{manager} wins {k} of {n} closed deals, the team {share}: a clear difference.", manager=row.manager,
           k=int(row.win_rate_k), n=int(row.win_rate_n), share=units.share(team)), "sales_dynamics", "managers")
        for row in rows.head(1).itertuples()
    ]  # fmt: skip


def _dry_source(ds: Dataset) -> list[Need]:
    """A source that brought wins in the period before and none now, of at least 20 deals created."""
    if missing(ds, "conversion") or "source" in ds.lacks or ds.filters.previous is None:
        return []
    rows = records(measure(ds, ["created", "won"], by="source", compare=True))
    dry = [row for row in rows if row["won"] == 0 < row["won_previous"] and row["created"] >= SMALL and _fell(row)]
    return [
        (_("{source} stopped converting: {n} deals created and none won, {before} before.", source=row["source"],
           n=int(row["created"]), before=int(row["won_previous"])), "sales_dynamics", "sources")
        for row in sorted(dry, key=lambda row: -row["created"])[:1]
    ]  # fmt: skip


def _fell(row: Mapping[str, Any]) -> bool:
    """Whether none won of so many differs from the period before by more than chance."""
    return bool(differs(np.array([0, row["won_previous"]]), np.array([row["created"], row["created_previous"]])).any())


def _slower(ds: Dataset) -> list[Need]:
    """A stage on which deals stand half as long again as in the period before, of at least 20 visits in both."""
    is_alike = not ds.filters.is_about_standing  # those of the period before have moved on since
    if missing(ds, "median_stage_days") or ds.filters.previous is None or not is_alike:
        return []
    days, n = "median_stage_days", "median_stage_days_n"
    current, earlier = (
        records(measure(ds, [days], by="stage", period=period)) for period in (None, ds.filters.previous)
    )
    before = {row["stage_id"]: row[days] for row in earlier if row[n] >= SMALL}
    stages = [
        row | {"before": before[row["stage_id"]]} for row in current if row[n] >= SMALL and row["stage_id"] in before
    ]
    slow = [row for row in stages if row[days] >= 1.5 * row["before"]]
    return [
        (_("{stage} got slower: half of the deals stand there {now} or more, before it was {then}.", stage=row["stage"],
           now=units.days(row[days]), then=units.days(row["before"])), "sales_dynamics", "time_in_stage")
        for row in sorted(slow, key=lambda row: row["before"] - row[days])[:1]
    ]  # fmt: skip


def _sentence(text: str) -> str:
    """The text with one full stop: a month may be short for itself, such as окт."""
    return f"{text.rstrip('.')}."
