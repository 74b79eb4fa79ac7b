"""The funnel: who reached which stage, and who went on.

`steps` holds one row per deal and stage it reached in the period, `cohort_steps` per deal created in the period and
stage it reached by the report's instant, `visits` per deal and stage it entered in the period.
"""

import pandas as pd

from ..registry import Ratio, metric
from ..texts import N_


@metric(
    title=N_("Reached"), unit="count", on="steps", fields=["is_reached"],
    formula=N_("deals that for the first time got as far as this stage in the period; a skipped stage counts"),
    needs=["stage_history", "stage_order"],
)  # fmt: skip
def reached(steps: pd.DataFrame) -> float:
    """How many deals came this far. May grow from stage to stage: each stage has its own deals."""
    return steps["is_reached"].sum()


@metric(
    title=N_("Visited"), unit="count", on="visits", fields=["is_visited"],
    formula=N_("deals that entered this very stage in the period"),
    needs=["stage_history", "stage_order"],
)  # fmt: skip
def visited(visits: pd.DataFrame) -> float:
    """How many deals really stood on the stage; those that jumped over it are left out."""
    return visits["is_visited"].sum()


@metric(
    title=N_("Reached, of those created"), unit="count", on="cohort_steps", fields=["is_reached"],
    formula=N_("of the deals created in the period, those that got as far as this stage by the report's instant"),
    needs=["stage_history", "stage_order"],
)  # fmt: skip
def cohort_reached(cohort_steps: pd.DataFrame) -> float:
    """The picture of the funnel: the same deals all the way, so it never grows."""
    return cohort_steps["is_reached"].sum()


@metric(
    title=N_("Stage conversion"), unit="share", good="up", on="steps", fields=["went_on", "could_go_on"],
    formula=N_(
        "of the deals that reached this stage in the period, the share that reached the next by the report's instant"
    ),
    needs=["stage_history", "stage_order"],
)  # fmt: skip
def stage_conversion(steps: pd.DataFrame) -> Ratio:
    """Whose narrow place is where. Young deals may still be on the way, so look at that column beside it."""
    return Ratio(steps["went_on"].sum(), steps["could_go_on"].sum())


@metric(
    title=N_("Visited the next stage"), unit="count", on="steps", fields=["visited_next"],
    formula=N_("of the deals that reached this stage in the period, those that entered the next one themselves"),
    needs=["stage_history", "stage_order"],
)  # fmt: skip
def visited_next(steps: pd.DataFrame) -> float:
    """Those that went on without skipping the next stage."""
    return steps["visited_next"].sum()


@metric(
    title=N_("Lost on the way"), unit="count", good="down", on="steps", fields=["lost_on_the_way"],
    formula=N_("of the deals that reached this stage in the period, those lost before the next one"),
    needs=["stage_history", "stage_order"],
)  # fmt: skip
def lost_on_the_way(steps: pd.DataFrame) -> float:
    """Those that ended here."""
    return steps["lost_on_the_way"].sum()


@metric(
    title=N_("Still on the way"), unit="count", on="steps", fields=["on_the_way"],
    formula=N_("of the deals that reached this stage in the period, those in work that have not reached the next one"),
    needs=["stage_history", "stage_order"],
)  # fmt: skip
def on_the_way(steps: pd.DataFrame) -> float:
    """Those that may still go on: the more there are, the less final the conversion is."""
    return steps["on_the_way"].sum()
