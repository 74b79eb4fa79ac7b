"""Plan against fact. `plans` holds one row per manager with a plan or a result, and one for what of a plan is nobody's.

Each row has the plan of the whole period, what of it should be there by now, the fact, and the working days gone and left.
"""

from ..words.texts import N_
from .registry import metric
from .rows import Field, Numbers, Rows


def _planned(values: Field) -> Numbers:
    """The sum; missing, not 0, where nothing is planned."""
    return values.sum() / (values.count() > 0)


@metric(
    title=N_("Plan"),
    unit="money",
    on="plans",
    formula=N_("the company's own plan for the whole period (plan.csv); months add up to quarters and years"),
    needs=["plan"],
    caveats=N_("As it was known at the report's instant. Who has no plan has none, not 0."),
)
def plan(plans: Rows) -> float:
    """What is to be won in the period, as the company has planned it."""
    return _planned(plans["plan"])


@metric(
    title=N_("Pace"),
    unit="money",
    on="plans",
    formula=N_("plan × working days gone ÷ working days of the period"),
    needs=["plan"],
    caveats=N_("Money seldom comes evenly: many companies win most in the last days of a month."),
)
def pace(plans: Rows) -> float:
    """Where the plan should stand by now, if every working day brought as much."""
    return _planned(plans["due"])


@metric(
    title=N_("Attainment"),
    unit="share",
    good="up",
    on="plans",
    of=N_("of the plan"),
    formula=N_("won money so far ÷ plan of the whole period"),
    needs=["plan", "closing", "amount"],
)
def attainment(plans: Rows) -> float:
    """How much of the whole plan is there already; may pass 100 %."""
    return plans["fact"].sum() / _planned(plans["plan"])


@metric(
    title=N_("Of the pace"),
    unit="share",
    good="up",
    on="plans",
    of=N_("of what should be there by now"),
    formula=N_("won money so far ÷ pace"),
    needs=["plan", "closing", "amount"],
)
def pace_share(plans: Rows) -> float:
    """How much of what should be there by now is there: 100 % is on time."""
    return plans["fact"].sum() / _planned(plans["due"])


@metric(
    title=N_("Gap to the plan"),
    unit="money",
    good="down",
    on="plans",
    formula=N_("plan − won money so far; below nothing once the plan is passed"),
    needs=["plan", "closing", "amount"],
)
def gap(plans: Rows) -> float:
    """What is still to be won for the plan to be made."""
    return _planned(plans["plan"]) - plans["fact"].sum()


@metric(
    title=N_("Needed per working day"),
    unit="money",
    good="down",
    on="plans",
    formula=N_("(plan − won money so far) ÷ working days left; nothing once the plan is made"),
    needs=["plan", "closing", "amount"],
    caveats=N_("Working days are the country's, public holidays and moved days included (`country`, `days_off` in reports.toml); leave is not known."),
)  # fmt: skip
def needed_per_day(plans: Rows) -> float:
    """What each working day that is left must bring; missing when none is left."""
    return (_planned(plans["plan"]) - plans["fact"].sum()).clip(lower=0) / plans["days_left"].max()


@metric(
    title=N_("Brought per working day"),
    unit="money",
    good="up",
    on="plans",
    formula=N_("won money so far ÷ working days gone"),
    needs=["closing", "amount"],
)
def brought_per_day(plans: Rows) -> float:
    """What a working day of this period has brought so far; missing before the first one is over."""
    return plans["fact"].sum() / plans["days_gone"].max()
