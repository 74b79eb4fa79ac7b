"""What the period will bring. `prospects` holds a row per deal won in it, per deal in work, and per deal of the last three
months, which stand for those yet to come; each with the money that is expected of it and how uncertain that is.
"""

from ..words.texts import N_
from .chances import HIGH, LOW, end
from .registry import metric
from .rows import Numbers, Rows

NEEDS = ("amount", "created_at", "closing")


def _known(prospects: Rows) -> Numbers:
    """1, or missing where history is too short for a forecast, or nobody has anything to be forecast."""
    return prospects["is_known"].sum() / prospects["is_known"].count() / prospects["is_known"].all()


def _rest(prospects: Rows) -> Numbers:
    return prospects["likely_money"].sum() + prospects["fresh_money"].sum()


def _variance(prospects: Rows) -> Numbers:
    return prospects["variance"].sum() + prospects["shock_money"].sum() ** 2


@metric(
    title=N_("Forecast"),
    unit="money",
    good="up",
    on="prospects",
    formula=N_(
        "won so far + Σ chance × amount of the deals in work + what deals yet to be created bring: deals created per working "
        "day of the last three months × working days left × the share of such deals won in the time left × their average check; "
        "all that is to come is drawn towards the pace of the last thirty days, as far as that was nearer in the past"
    ),
    needs=NEEDS,
    caveats=N_(
        "Counted from this portal's own last twelve months, recent ones most. A deal without an exchange rate is not in it, and "
        "amounts are today's: what they were before the first sync nobody knows."
    ),
)
def forecast(prospects: Rows) -> float:
    """What the whole period will bring, as its won deals, today's deals in work and those yet to come are expected to go."""
    return (prospects["won_money"].sum() + _rest(prospects)) * _known(prospects)


@metric(
    title=N_("Forecast, low end"),
    unit="money",
    good="up",
    on="prospects",
    formula=N_(
        "of ten periods such as this one brings less: the 10 % point of a gamma distribution of the forecast's mean and variance"
    ),
    needs=NEEDS,
    caveats=N_(
        "Between the low and the high end the result lies in four cases of five; how often it did, the back-test says."
    ),
)
def forecast_low(prospects: Rows) -> float:
    """What the period brings at least, in nine cases of ten."""
    low = end(_rest(prospects), _variance(prospects), LOW)
    return (prospects["won_money"].sum() + low) * _known(prospects)


@metric(
    title=N_("Forecast, high end"),
    unit="money",
    good="up",
    on="prospects",
    formula=N_(
        "of ten periods such as this one brings more: the 90 % point of a gamma distribution of the forecast's mean and variance"
    ),
    needs=NEEDS,
    caveats=N_(
        "Where nothing like it has ever been won, what may well come all the same stands here: nine times in ten it is less."
    ),
)
def forecast_high(prospects: Rows) -> float:
    """What the period brings at most, in nine cases of ten."""
    high = end(_rest(prospects), _variance(prospects), HIGH) + prospects["ceiling_money"].sum()
    return (prospects["won_money"].sum() + high) * _known(prospects)


@metric(
    title=N_("Coverage"),
    unit="share",
    good="up",
    on="cover",
    of=N_("of what is missing to the plan"),
    formula=N_("amount of the deals in work that can still be won in time ÷ (plan − won so far)"),
    needs=("plan", *NEEDS),
    caveats=N_(
        "A deal can be won in time if in the last year any deal of its stage was, as far from the end. How much of it must be won, the "
        "forecast says: companies that win a third of it need three times the gap."
    ),
)
def coverage(cover: Rows) -> float:
    """How often today's pipeline would fill what is missing to the plan, were all of it won; missing once the plan is made."""
    gap = cover["plan"].sum() / (cover["plan"].count() > 0) - cover["fact"].sum()
    closable = cover["closable_money"].sum() / (cover["closable_money"].count() > 0)
    return closable / gap.where(gap > 0)
