"""Created, won, lost, in work: what a head of sales asks first.

`events` holds one row per thing that happened to a deal in the period: it was created, won or lost. `open_deals` holds
one row per deal that is in work at the report's instant.
"""

import pandas as pd

from ..registry import Ratio, metric
from ..texts import N_


@metric(
    title=N_("Created"), unit="count", good="up", on="events", fields=["is_created"],
    formula=N_("deals whose creation falls into the period"),
    needs=["created_at"],
)  # fmt: skip
def created(events: pd.DataFrame) -> float:
    """New deals of the period, whatever became of them."""
    return events["is_created"].sum()


@metric(
    title=N_("Created, money"), unit="money", good="up", on="events", fields=["created_money"],
    formula=N_("sum of the amounts of the deals created in the period, in the base currency"),
    needs=["created_at", "amount"],
)  # fmt: skip
def created_money(events: pd.DataFrame) -> float:
    """What the new deals of the period are worth as the CRM has it now; deals without a rate are not in it."""
    return events["created_money"].sum()


@metric(
    title=N_("Won"), unit="count", good="up", on="events", fields=["is_won"],
    formula=N_("deals whose last entry into the won stage falls into the period and that still stand there"),
    needs=["closing"],
)  # fmt: skip
def won(events: pd.DataFrame) -> float:
    """Deals that ended well in the period; one that was reopened since is not among them."""
    return events["is_won"].sum()


@metric(
    title=N_("Won money"), unit="money", good="up", on="events", fields=["won_money"],
    formula=N_("sum of the amounts of the deals won in the period, in the base currency"),
    needs=["closing", "amount"],
)  # fmt: skip
def won_money(events: pd.DataFrame) -> float:
    """What the won deals brought, at the rates the CRM has now; deals without a rate are counted, not priced."""
    return events["won_money"].sum()


@metric(
    title=N_("Lost"), unit="count", good="down", on="events", fields=["is_lost"],
    formula=N_("deals whose last entry into a lost stage falls into the period and that still stand there"),
    needs=["closing"],
)  # fmt: skip
def lost(events: pd.DataFrame) -> float:
    """Deals that ended badly in the period; moving from one lost stage to another counts once, at the last move."""
    return events["is_lost"].sum()


@metric(
    title=N_("Lost money"), unit="money", good="down", on="events", fields=["lost_money"],
    formula=N_("sum of the amounts of the deals lost in the period, in the base currency"),
    needs=["closing", "amount"],
)  # fmt: skip
def lost_money(events: pd.DataFrame) -> float:
    """What the lost deals would have brought."""
    return events["lost_money"].sum()


@metric(
    title=N_("Lost, share"), unit="share", good="down", on="events", fields=["is_lost", "is_closed"],
    formula=N_("lost ÷ (won + lost), both closed in the period"),
    needs=["closing"],
)  # fmt: skip
def lost_share(events: pd.DataFrame) -> Ratio:
    """Of the deals that ended in the period, how many were lost."""
    return Ratio(events["is_lost"].sum(), events["is_closed"].sum())


@metric(
    title=N_("Win rate"), unit="share", good="up", on="events", fields=["is_won", "is_closed"],
    formula=N_("won ÷ (won + lost), both closed in the period"),
    needs=["closing"],
)  # fmt: skip
def win_rate(events: pd.DataFrame) -> Ratio:
    """Of the deals that ended in the period, how many were won. Nobody with nothing closed has a win rate."""
    return Ratio(events["is_won"].sum(), events["is_closed"].sum())


@metric(
    title=N_("Conversion"), unit="share", good="up", on="events", fields=["is_won", "is_created"],
    formula=N_("won in the period ÷ created in the period; they are not the same deals, so it may pass 100 %"),
    needs=["created_at", "closing"],
)  # fmt: skip
def conversion(events: pd.DataFrame) -> Ratio:
    """How many deals were won for each one created in the same period: quick to read, generous after a rich past."""
    return Ratio(events["is_won"].sum(), events["is_created"].sum())


@metric(
    title=N_("Cohort conversion"), unit="share", good="up", on="events", fields=["is_created", "is_won_cohort"],
    formula=N_("of the deals created in the period, the share won by the report's instant"),
    needs=["created_at"],
)  # fmt: skip
def cohort_conversion(events: pd.DataFrame) -> Ratio:
    """What became of the deals created in the period; a young cohort has not had its time yet."""
    return Ratio(events["is_won_cohort"].sum(), events["is_created"].sum())


@metric(
    title=N_("Average check"), unit="money", good="up", on="events", fields=["check"],
    formula=N_("money of the deals won in the period ÷ their number; wins without money are left out"),
    needs=["closing", "amount"],
)  # fmt: skip
def average_check(events: pd.DataFrame) -> float:
    """What a win brings on average; one very large deal can carry it, so look at the median too."""
    return events["check"].mean()


@metric(
    title=N_("Median check"), unit="money", good="up", on="events", fields=["check"],
    formula=N_("half of the deals won in the period brought more, half less; wins without money are left out"),
    needs=["closing", "amount"],
)  # fmt: skip
def median_check(events: pd.DataFrame) -> float:
    """What an ordinary win brings."""
    return events["check"].median()


@metric(
    title=N_("Cycle"), unit="days", good="down", on="events", fields=["cycle_days"],
    formula=N_("mean of (won − created) over the deals won in the period, in calendar days"),
    needs=["closing", "created_at"],
)  # fmt: skip
def cycle_days(events: pd.DataFrame) -> float:
    """How long a won deal took from its creation; old deals won late pull it up."""
    return events["cycle_days"].mean()


@metric(
    title=N_("Median cycle"), unit="days", good="down", on="events", fields=["cycle_days"],
    formula=N_("half of the deals won in the period took longer, half less, in calendar days"),
    needs=["closing", "created_at"],
)  # fmt: skip
def median_cycle_days(events: pd.DataFrame) -> float:
    """How long an ordinary won deal took."""
    return events["cycle_days"].median()


@metric(
    title=N_("In work"), unit="count", on="open_deals", fields=["is_open"],
    formula=N_("deals that are neither won nor lost at the report's instant, whenever they were created"),
)  # fmt: skip
def in_work(open_deals: pd.DataFrame) -> float:
    """What the team has in its hands; a stock, not a flow of the period."""
    return open_deals["is_open"].sum()


@metric(
    title=N_("In work, money"), unit="money", on="open_deals", fields=["open_money"],
    formula=N_("sum of the amounts of the deals in work at the report's instant, in the base currency"),
    needs=["amount"],
)  # fmt: skip
def in_work_money(open_deals: pd.DataFrame) -> float:
    """What the deals in work are worth if all were won; deals without a rate are not in it."""
    return open_deals["open_money"].sum()


@metric(
    title=N_("New customers"), unit="count", good="up", on="events", fields=["is_new"],
    formula=N_("deals won in the period whose customer had no earlier won deal"),
    needs=["closing", "customer"],
)  # fmt: skip
def new_customers(events: pd.DataFrame) -> float:
    """First wins with a customer; counted in deals. A deal without customer is neither new nor repeat."""
    return events["is_new"].sum()


@metric(
    title=N_("Repeat customers"), unit="count", good="up", on="events", fields=["is_repeat"],
    formula=N_("deals won in the period whose customer already had a won deal, in the whole history"),
    needs=["closing", "customer"],
)  # fmt: skip
def repeat_customers(events: pd.DataFrame) -> float:
    """Wins with a customer who had bought before; counted in deals."""
    return events["is_repeat"].sum()


@metric(
    title=N_("Repeat, share"), unit="share", on="events", fields=["is_repeat", "is_new"],
    formula=N_("repeat ÷ (new + repeat) among the deals won in the period"),
    needs=["closing", "customer"],
)  # fmt: skip
def repeat_share(events: pd.DataFrame) -> Ratio:
    """How much of the winning is with customers who had bought before."""
    repeat = events["is_repeat"].sum()
    return Ratio(repeat, repeat + events["is_new"].sum())
