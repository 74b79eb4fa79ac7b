"""Planned closing dates of the deals in work: which have passed, and how often they were moved later.

`open_deals` holds one row per deal in work at the report's instant. What a date was before is known since the first sync.
"""

from ..words.texts import N_
from .registry import metric
from .rows import Ratio, Rows


@metric(
    title=N_("Pushed"),
    unit="count",
    good="down",
    on="open_deals",
    formula=N_("how often the planned closing dates of the deals in work were moved to a later day"),
    needs=["planned_dates"],
    caveats=N_("Known since the first sync; of several moves between two syncs the last one counts."),
)
def pushes(open_deals: Rows) -> float:
    """Each time somebody put a deal in work off; a date that was moved to an earlier day is not among them."""
    return open_deals["pushes"].sum()


@metric(
    title=N_("Pushed by, days"),
    unit="days",
    good="down",
    on="open_deals",
    formula=N_("Σ over the moves to a later day: days from the planned closing date before to the one after"),
    needs=["planned_dates"],
    caveats=N_("Known since the first sync; an earlier date takes nothing off."),
)
def pushed_days(open_deals: Rows) -> float:
    """By how much the deals in work were put off in all."""
    return open_deals["pushed_days"].sum()


@metric(
    title=N_("Past the planned date"),
    unit="share",
    good="down",
    on="open_deals",
    of=N_("of the deals in work that have a planned closing date"),
    formula=N_("deals in work whose planned closing day is over ÷ deals in work that have a planned closing date"),
    needs=["planned_dates"],
    caveats=N_("Some portals fill the date in by themselves, a week after the deal is created: then few mean it."),
)
def overdue_plan(open_deals: Rows) -> Ratio:
    """How many of the deals in work should be closed by now, as their own dates have it."""
    return Ratio(open_deals["is_past_plan"].sum(), open_deals["has_planned_date"].sum())
