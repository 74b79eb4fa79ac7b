"""Deals nobody touches. `open_deals` holds one row per deal in work at the report's instant."""

import pandas as pd

from ..registry import Ratio, metric
from ..texts import N_


@metric(
    title=N_("Forgotten"), unit="count", good="down", on="open_deals", fields=["is_forgotten"],
    formula=N_("deals in work whose last action, stage move, comment or incoming message is at least N whole days old"),
    needs=["activities"],
)  # fmt: skip
def forgotten(open_deals: pd.DataFrame) -> float:
    """Deals in work that nobody has touched for N days; N is the report's parameter."""
    return open_deals["is_forgotten"].sum()


@metric(
    title=N_("Forgotten, money"), unit="money", good="down", on="open_deals", fields=["forgotten_money"],
    formula=N_("sum of the amounts of the forgotten deals, in the base currency"),
    needs=["activities", "amount"],
)  # fmt: skip
def forgotten_money(open_deals: pd.DataFrame) -> float:
    """What the forgotten deals are worth if all were won."""
    return open_deals["forgotten_money"].sum()


@metric(
    title=N_("Forgotten, share"), unit="share", good="down", on="open_deals", fields=["is_forgotten", "is_open"],
    formula=N_("forgotten ÷ deals in work"),
    needs=["activities"],
)  # fmt: skip
def forgotten_share(open_deals: pd.DataFrame) -> Ratio:
    """How much of what is in work has been forgotten."""
    return Ratio(open_deals["is_forgotten"].sum(), open_deals["is_open"].sum())


@metric(
    title=N_("No next step"), unit="count", good="down", on="open_deals", fields=["has_no_next_step"],
    formula=N_("deals in work without an open activity; an unanswered chat, form or missed call is no plan"),
    needs=["activities"],
)  # fmt: skip
def no_next_step(open_deals: pd.DataFrame) -> float:
    """Deals in work for which nothing is planned."""
    return open_deals["has_no_next_step"].sum()


@metric(
    title=N_("Next step overdue"), unit="count", good="down", on="open_deals", fields=["is_overdue"],
    formula=N_("deals in work whose earliest planned activity was due before the report's instant"),
    needs=["activities"],
)  # fmt: skip
def next_step_overdue(open_deals: pd.DataFrame) -> float:
    """Deals in work whose plan has passed without being done."""
    return open_deals["is_overdue"].sum()
