"""Deals nobody touches. `open_deals` holds one row per deal in work at the report's instant, `forgotten_deals` those
of them that are forgotten, each with what became of past deals like it.
"""

from ..words.texts import N_
from .registry import metric
from .rows import Ratio, Rows, Sample


@metric(
    title=N_("Forgotten"),
    unit="count",
    good="down",
    on="open_deals",
    formula=N_("deals in work whose last action, stage move, comment or incoming message is at least N whole days old"),
    needs=["activities", "deal_activities"],
    caveats=N_("What people do outside the CRM is not known; a deal they work on by messenger looks forgotten."),
)
def forgotten(open_deals: Rows) -> float:
    """Deals in work that nobody has touched for N days; N is the report's parameter."""
    return open_deals["is_forgotten"].sum()


@metric(
    title=N_("Forgotten, money"),
    unit="money",
    good="down",
    on="open_deals",
    formula=N_("sum of the amounts of the forgotten deals, in the base currency"),
    needs=["activities", "amount", "deal_activities"],
    caveats=N_("All of it is not at stake: most deals in work are not won; see the money at risk."),
)
def forgotten_money(open_deals: Rows) -> float:
    """What the forgotten deals are worth if all were won."""
    return open_deals["forgotten_money"].sum()


@metric(
    title=N_("Forgotten, share"),
    unit="share",
    good="down",
    on="open_deals",
    of=N_("of the deals in work"),
    formula=N_("forgotten ÷ deals in work"),
    needs=["activities", "deal_activities"],
)
def forgotten_share(open_deals: Rows) -> Ratio:
    """How much of what is in work has been forgotten."""
    return Ratio(open_deals["is_forgotten"].sum(), open_deals["is_open"].sum())


@metric(
    title=N_("No next step"),
    unit="count",
    good="down",
    on="open_deals",
    formula=N_("deals in work without an open activity; an unanswered chat, form or missed call is no plan"),
    needs=["activities", "deal_activities", "plans"],
)
def no_next_step(open_deals: Rows) -> float:
    """Deals in work for which nothing is planned."""
    return open_deals["has_no_next_step"].sum()


@metric(
    title=N_("Next step overdue"),
    unit="count",
    good="down",
    on="open_deals",
    formula=N_("deals in work whose earliest planned activity was due before the report's instant"),
    needs=["activities", "deal_activities", "plans"],
    caveats=N_("A to-do without a date is never overdue, one that is due on a day only when the day is over."),
)
def next_step_overdue(open_deals: Rows) -> float:
    """Deals in work whose plan has passed without being done."""
    return open_deals["is_overdue"].sum()


@metric(
    title=N_("Money at risk"),
    unit="money",
    good="down",
    on="forgotten_deals",
    formula=N_(
        "Σ over the forgotten deals: amount × the share of closed deals that were once silent for as long on the same "
        "stage and were won in the end"
    ),
    needs=["activities", "amount", "stage_history", "deal_activities"],
    caveats=N_(
        "Silence is compared in steps of N, 2 N, 4 N and 8 N days. A deal whose stage has no past case is not in it."
    ),
)
def money_at_risk(forgotten_deals: Rows) -> float:
    """What the forgotten deals would still bring if they fare as those before them did."""
    return forgotten_deals["money_at_risk"].sum()


@metric(
    title=N_("Days silent"),
    unit="days",
    good="down",
    on="open_deals",
    formula=N_("whole 24-hour days from the last sign of life to the report's instant; for several deals the median"),
    needs=["activities", "deal_activities"],
    caveats=N_("The CRM's own last activity counts robots and is not used."),
)
def days_silent(open_deals: Rows) -> Sample:
    """How long nothing has been heard of the deals in work."""
    return Sample(open_deals["days_silent"].median(), open_deals["days_silent"].count())
