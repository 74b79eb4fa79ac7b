"""How fast the pipeline turns into money. `turnover` holds one row per deal in work, then those of `events`."""

from ..words.texts import N_
from .registry import metric
from .rows import Rows


@metric(
    title=N_("Sales velocity, per day"),
    unit="money",
    good="up",
    on="turnover",
    formula=N_("deals in work × win rate × average check ÷ median cycle in days; the last three of the period"),
    needs=["closing", "created_at", "amount"],
    caveats=N_(
        "Missing where nothing was won, or a median cycle takes no time. No forecast: it takes every deal in work for an ordinary one."
    ),
)
def velocity(turnover: Rows) -> float:
    """How much money a day brings if the deals in work are won as often, for as much and as fast as those of the period were."""
    win_rate = turnover["is_won"].sum() / turnover["is_closed"].sum()
    days = turnover["cycle_days"].median()
    return turnover["is_open"].sum() * win_rate * turnover["check"].mean() / days.where(days > 0)
