"""Created, won, lost, in work: what a head of sales asks first.

`events` holds one row per thing that happened to a deal in the period: it was created, won or lost. `open_deals` holds
one row per deal that is in work at the report's instant.
"""

from ..words.texts import N_
from .registry import metric
from .rows import Ratio, Rows, Sample


@metric(
    title=N_("Created"),
    unit="count",
    good="up",
    on="events",
    formula=N_("deals whose creation falls into the period"),
    needs=["created_at"],
    caveats=N_("A deal without a creation date is in no period."),
)
def created(events: Rows) -> float:
    """New deals of the period, whatever became of them."""
    return events["is_created"].sum()


@metric(
    title=N_("Created, money"),
    unit="money",
    good="up",
    on="events",
    formula=N_("sum of the amounts of the deals created in the period, in the base currency"),
    needs=["created_at", "amount"],
)
def created_money(events: Rows) -> float:
    """What the new deals of the period are worth as of the report's instant; deals without a rate are not in it."""
    return events["created_money"].sum()


@metric(
    title=N_("Won"),
    unit="count",
    good="up",
    on="events",
    formula=N_("deals whose last entry into the won stage falls into the period and that still stand there"),
    needs=["closing"],
    caveats=N_("Who wins is who was responsible at the report's instant: the CRM has no history of owners."),
)
def won(events: Rows) -> float:
    """Deals that ended well in the period; one that was reopened since is not among them."""
    return events["is_won"].sum()


@metric(
    title=N_("Won money"),
    unit="money",
    good="up",
    on="events",
    formula=N_("sum of the amounts of the deals won in the period, in the base currency"),
    needs=["closing", "amount"],
    caveats=N_("The amount as of the report's instant: editing a won deal later changes the past, too."),
)
def won_money(events: Rows) -> float:
    """What the won deals brought, at the rates of the report's instant; deals without a rate are counted, not priced."""
    return events["won_money"].sum()


@metric(
    title=N_("Lost"),
    unit="count",
    good="down",
    on="events",
    formula=N_("deals whose last entry into a lost stage falls into the period and that still stand there"),
    needs=["closing"],
    caveats=N_("A deal that was lost and reopened since is in work and not lost."),
)
def lost(events: Rows) -> float:
    """Deals that ended badly in the period; moving from one lost stage to another counts once, at the last move."""
    return events["is_lost"].sum()


@metric(
    title=N_("Lost money"),
    unit="money",
    good="down",
    on="events",
    formula=N_("sum of the amounts of the deals lost in the period, in the base currency"),
    needs=["closing", "amount"],
)
def lost_money(events: Rows) -> float:
    """What the lost deals would have brought."""
    return events["lost_money"].sum()


@metric(
    title=N_("Lost, share"),
    unit="share",
    good="down",
    on="events",
    of=N_("of the deals closed in the period"),
    formula=N_("lost ÷ (won + lost), both closed in the period"),
    needs=["closing"],
)
def lost_share(events: Rows) -> Ratio:
    """Of the deals that ended in the period, how many were lost."""
    return Ratio(events["is_lost"].sum(), events["is_closed"].sum())


@metric(
    title=N_("Win rate"),
    unit="share",
    good="up",
    on="events",
    of=N_("of the deals closed in the period"),
    formula=N_("won ÷ (won + lost), both closed in the period"),
    needs=["closing"],
    caveats=N_("Deals that linger for years without being closed are in neither half."),
)
def win_rate(events: Rows) -> Ratio:
    """Of the deals that ended in the period, how many were won. Nobody with nothing closed has a win rate."""
    return Ratio(events["is_won"].sum(), events["is_closed"].sum())


@metric(
    title=N_("Conversion"),
    unit="share",
    good="up",
    on="events",
    of=N_("for each deal created in the period"),
    formula=N_("won in the period ÷ created in the period; they are not the same deals, so it may pass 100 %"),
    needs=["created_at", "closing"],
    caveats=N_("The two halves are different deals, so it is no chance of winning and may pass 100 %."),
)
def conversion(events: Rows) -> Ratio:
    """How many deals were won for each one created in the same period: quick to read, generous after a rich past."""
    return Ratio(events["is_won"].sum(), events["is_created"].sum())


@metric(
    title=N_("Cohort conversion"),
    unit="share",
    good="up",
    on="events",
    of=N_("of the deals created in the period"),
    formula=N_("of the deals created in the period, the share won by the report's instant"),
    needs=["created_at"],
)
def cohort_conversion(events: Rows) -> Ratio:
    """What became of the deals created in the period; a young cohort has not had its time yet."""
    return Ratio(events["is_won_cohort"].sum(), events["is_created"].sum())


@metric(
    title=N_("Cohort lost"),
    unit="share",
    good="down",
    on="events",
    of=N_("of the deals created in the period"),
    formula=N_("of the deals created in the period, the share lost by the report's instant"),
    needs=["created_at"],
)
def cohort_lost(events: Rows) -> Ratio:
    """How many of the deals created in the period have already come to nothing."""
    return Ratio(events["is_lost_cohort"].sum(), events["is_created"].sum())


@metric(
    title=N_("Cohort still open"),
    unit="share",
    on="events",
    of=N_("of the deals created in the period"),
    formula=N_("of the deals created in the period, the share still in work at the report's instant"),
    needs=["created_at"],
)
def cohort_open(events: Rows) -> Ratio:
    """How unfinished the cohort is: the larger, the less its conversion says yet."""
    return Ratio(events["is_open_cohort"].sum(), events["is_created"].sum())


@metric(
    title=N_("Share of what was lost"),
    unit="share",
    on="events",
    is_part=True,
    of=N_("of all deals lost in the period"),
    formula=N_("lost deals of the row ÷ all deals lost in the period"),
    needs=["closing"],
    caveats=N_("Of all that the report's filters keep, so another filter gives another share."),
)
def share_of_lost(events: Rows) -> float:
    """Where the losses come from: by reason, manager, source."""
    return events["is_lost"].sum()


@metric(
    title=N_("Share of won money"),
    unit="share",
    on="events",
    is_part=True,
    of=N_("of all money won in the period"),
    formula=N_("won money of the row ÷ all money won in the period"),
    needs=["closing", "amount"],
    caveats=N_("Of all that the report's filters keep. Missing where refunds leave no money to have a share of."),
)
def share_of_won_money(events: Rows) -> float:
    """Who or what brings the money."""
    return events["won_money"].sum()


@metric(
    title=N_("Average check"),
    unit="money",
    good="up",
    on="events",
    formula=N_("money of the deals won in the period ÷ their number; refunds count, wins without money are left out"),
    needs=["closing", "amount"],
)
def average_check(events: Rows) -> Sample:
    """What a win brings on average; one very large deal can carry it, so look at the median too."""
    return Sample(events["check"].mean(), events["check"].count())


@metric(
    title=N_("Median check"),
    unit="money",
    good="up",
    on="events",
    formula=N_(
        "half of the deals won in the period brought more, half less; refunds count, wins without money are left out"
    ),
    needs=["closing", "amount"],
)
def median_check(events: Rows) -> Sample:
    """What an ordinary win brings."""
    return Sample(events["check"].median(), events["check"].count())


@metric(
    title=N_("Won without money"),
    unit="count",
    good="down",
    on="events",
    formula=N_("deals won in the period whose amount is 0 or absent"),
    needs=["closing", "amount"],
    caveats=N_("Deals in a currency without a rate have money and are not among them."),
)
def zero_money_wins(events: Rows) -> float:
    """Wins that are in the count and in no average: gifts, tests, or an amount that nobody filled in."""
    return events["is_moneyless_win"].sum()


@metric(
    title=N_("Cycle"),
    unit="days",
    good="down",
    on="events",
    formula=N_("mean of (won − created) over the deals won in the period, in calendar days"),
    needs=["closing", "created_at"],
    caveats=N_("A deal closed before it was created has a negative cycle; it stays in and is a quality note."),
)
def cycle_days(events: Rows) -> Sample:
    """How long a won deal took from its creation; old deals won late pull it up."""
    return Sample(events["cycle_days"].mean(), events["cycle_days"].count())


@metric(
    title=N_("Median cycle"),
    unit="days",
    good="down",
    on="events",
    formula=N_("half of the deals won in the period took longer, half less, in calendar days"),
    needs=["closing", "created_at"],
)
def median_cycle_days(events: Rows) -> Sample:
    """How long an ordinary won deal took."""
    return Sample(events["cycle_days"].median(), events["cycle_days"].count())


@metric(
    title=N_("In work"),
    unit="count",
    on="open_deals",
    formula=N_("deals that are neither won nor lost at the report's instant, whenever they were created"),
)
def in_work(open_deals: Rows) -> float:
    """What the team has in its hands; a stock, not a flow of the period."""
    return open_deals["is_open"].sum()


@metric(
    title=N_("In work, money"),
    unit="money",
    on="open_deals",
    formula=N_("sum of the amounts of the deals in work at the report's instant, in the base currency"),
    needs=["amount"],
    caveats=N_("It is no forecast: most deals in work are not won."),
)
def in_work_money(open_deals: Rows) -> float:
    """What the deals in work are worth if all were won; deals without a rate are not in it."""
    return open_deals["open_money"].sum()


@metric(
    title=N_("New customers"),
    unit="count",
    good="up",
    on="events",
    formula=N_("deals won in the period whose customer had no earlier won deal"),
    needs=["closing", "customer"],
)
def new_customers(events: Rows) -> float:
    """First wins with a customer; counted in deals. A deal without customer is neither new nor repeat."""
    return events["is_new"].sum()


@metric(
    title=N_("Repeat customers"),
    unit="count",
    good="up",
    on="events",
    formula=N_("deals won in the period whose customer already had a won deal, in the whole history"),
    needs=["closing", "customer"],
)
def repeat_customers(events: Rows) -> float:
    """Wins with a customer who had bought before; counted in deals."""
    return events["is_repeat"].sum()


@metric(
    title=N_("Repeat, share"),
    unit="share",
    on="events",
    of=N_("of the deals won in the period that have a customer"),
    formula=N_("repeat ÷ (new + repeat) among the deals won in the period"),
    needs=["closing", "customer"],
    caveats=N_("Where the history starts late, old customers look new."),
)
def repeat_share(events: Rows) -> Ratio:
    """How much of the winning is with customers who had bought before."""
    repeat = events["is_repeat"].sum()
    return Ratio(repeat, repeat + events["is_new"].sum())


@metric(
    title=N_("Customers"),
    unit="count",
    good="up",
    on="events",
    formula=N_("different customers of the deals won in the period"),
    needs=["closing", "customer"],
    caveats=N_("One who bought from two managers counts for both, so the rows may sum to more than the total."),
)
def customers(events: Rows) -> float:
    """How many bought, however often. Deals without customer are not in it."""
    return events["won_customer_id"].nunique()


@metric(
    title=N_("Days in the stage"),
    unit="days",
    good="down",
    on="open_deals",
    formula=N_("report's instant − last entry into the present stage; for several deals in work the median"),
    needs=["stage_entry"],
    caveats=N_("A deal without history counts from its last move, else from its creation."),
)
def days_in_current_stage(open_deals: Rows) -> Sample:
    """How long the deals in work have stood where they stand."""
    days = open_deals["days_in_current_stage"]
    return Sample(days.median(), days.count())
