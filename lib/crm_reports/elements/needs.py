"""What needs you: at most five things to look at, each with its number and the element that proves it."""

import pandas as pd

from .. import units
from ..columns import records
from ..dataset import Dataset
from ..measures import measure, missing, one
from ..metrics.statistics import SMALL
from ..texts import N_, _, many
from .element import element
from .forgotten import by_manager, how_many
from .funnel import behind, funnel, narrow_place, narrow_places

MOST_NEEDS = 5
Need = tuple[str, str, str]


@element(
    title=N_("What needs you"),
    drawn="needs",
)
def needs_you(ds: Dataset) -> pd.DataFrame:
    """At most five things to look at, each with its number, a cause to look at, and the report that proves it.

    text, report, element; the dearest first. Nothing is said of numbers that the source can't give.
    """
    shown = len(ds.metrics_used)
    found = [*_forgotten_money(ds), *_narrow(ds), *_differs(ds), *_dry_source(ds), *_slower(ds)]
    del ds.metrics_used[shown:]  # the page's glossary is of the numbers that it shows
    return pd.DataFrame(found[:MOST_NEEDS], columns=["text", "report", "element"])


@needs_you.finding
def needs(table: pd.DataFrame) -> str:
    """How many things there are to look at."""
    return many("{n} thing to look at", "{n} things to look at", len(table)) if len(table) else _("Nothing stands out")


def _narrow(ds: Dataset) -> list[Need]:
    """The narrowest step, and whose it is; or the dearest place of a manager."""
    if missing(ds, "stage_conversion"):
        return []
    steps, places = funnel(ds).table, narrow_places(ds).table
    worst = steps[steps["is_narrowest"]].sort_values("stage_conversion_n", ascending=False).head(1)
    said = [(f"{narrow_place(worst)}.", "sales_dynamics", "funnel")] if len(worst) else []
    sure = places[places["stage_conversion_n"] >= SMALL]
    return [*said, *([(behind(sure, ds), "sales_dynamics", "narrow_places")] if len(sure) else [])]


def _forgotten_money(ds: Dataset) -> list[Need]:
    """The forgotten money, and who forgets most."""
    if missing(ds, "forgotten") or not one(ds, "forgotten"):
        return []
    table = by_manager(ds).table
    most = table[~table["is_total"]].sort_values("forgotten", ascending=False).iloc[0]
    who = (
        _("; most of them with {manager}: {k}", manager=most["manager"], k=int(most["forgotten"]))
        if len(table) > 2
        else ""
    )
    return [(f"{how_many(table, ds)}{who}.", "forgotten_deals", "deals")]


def _differs(ds: Dataset) -> list[Need]:
    """Who differs after correction for the number of managers looked at."""
    if missing(ds, "win_rate"):
        return []
    table = measure(ds, ["win_rate"], by="manager", total=True)
    team = table["win_rate"].iloc[-1]
    said = table[table["win_rate_differs"].eq(True)]  # missing in the total
    return [
        (_("{manager} wins {k} of {n} closed deals; the team {share}. More than chance.", manager=row.manager,
           k=int(row.win_rate_k), n=int(row.win_rate_n), share=units.write(team, "share")), "sales_dynamics", "managers")
        for row in said.head(1).itertuples()
    ]  # fmt: skip


def _dry_source(ds: Dataset) -> list[Need]:
    """A source that brought wins in the period before and none now, of at least 20 deals created."""
    if missing(ds, "conversion") or ds.filters.previous is None:
        return []
    rows = records(measure(ds, ["created", "won"], by="source", compare=True))
    dry = [row for row in rows if row["won"] == 0 < row["won_previous"] and row["created"] >= SMALL]
    return [
        (_("{source} stopped converting: {n} deals created and none won, {before} before.", source=row["source"],
           n=int(row["created"]), before=int(row["won_previous"])), "sales_dynamics", "sources")
        for row in sorted(dry, key=lambda row: -row["created"])[:1]
    ]  # fmt: skip


def _slower(ds: Dataset) -> list[Need]:
    """A stage on which deals stand half as long again as in the period before, of at least 20 visits in both."""
    if missing(ds, "median_stage_days") or ds.filters.previous is None:
        return []
    days, n = "median_stage_days", "median_stage_days_n"
    now, then = (records(measure(ds, [days], by="stage", period=each)) for each in (None, ds.filters.previous))
    before = {row["stage_id"]: row[days] for row in then if row[n] >= SMALL}
    known = [row | {"before": before[row["stage_id"]]} for row in now if row[n] >= SMALL and row["stage_id"] in before]
    slow = [row for row in known if row[days] >= 1.5 * row["before"]]
    return [
        (_("{stage} got slower: half of the deals stand there {now} or more, before it was {then}.", stage=row["stage"],
           now=units.write(row[days], "days"), then=units.write(row["before"], "days")), "sales_dynamics", "time_in_stage")
        for row in sorted(slow, key=lambda row: row["before"] - row[days])[:1]
    ]  # fmt: skip
