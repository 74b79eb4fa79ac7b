"""The funnel: who reached which stage, who went on, and how long it took.

`steps` holds one row per deal and stage it reached in the period, `cohort_steps` per deal created in the period and
stage it reached by the report's instant, `visits` per deal and stage it entered in the period, `stays` per visit to a
stage of work entered in the period.
"""

from ..words.texts import N_
from .registry import metric
from .rows import Ratio, Rows, Sample
from .statistics import median_time


@metric(
    title=N_("Reached"),
    unit="count",
    on="steps",
    formula=N_("deals that for the first time got as far as this stage in the period; a skipped stage counts"),
    needs=["stage_history", "stage_order"],
    caveats=N_(
        "A deal that changed pipeline is in the funnel of the pipeline it stood in at the report's instant. Of several success "
        "stages each shows its own deals."
    ),
)
def reached(steps: Rows) -> float:
    """How many deals came this far. May grow from stage to stage: each stage has its own deals."""
    return steps["is_reached"].sum()


@metric(
    title=N_("Visited"),
    unit="count",
    on="visits",
    formula=N_("deals that entered this very stage in the period"),
    needs=["stage_history", "stage_order"],
    caveats=N_("A deal that came back to the stage counts once."),
)
def visited(visits: Rows) -> float:
    """How many deals really stood on the stage; those that jumped over it are left out."""
    return visits["is_visited"].sum()


@metric(
    title=N_("Reached, of those created"),
    unit="count",
    on="cohort_steps",
    formula=N_("of the deals created in the period, those that got as far as this stage by the report's instant"),
    needs=["stage_history", "stage_order", "created_at"],
    caveats=N_("A young cohort has not had its time yet."),
)
def cohort_reached(cohort_steps: Rows) -> float:
    """The picture of the funnel: the same deals all the way, so it never grows."""
    return cohort_steps["is_reached"].sum()


@metric(
    title=N_("Stage conversion"),
    unit="share",
    good="up",
    on="steps",
    of=N_("of the deals that reached the stage in the period"),
    formula=N_(
        "of the deals that reached this stage in the period, the share that reached the next by the report's instant"
    ),
    needs=["stage_history", "stage_order"],
    caveats=N_(
        "Deals still on the way count as not gone on. One step leads into winning, to all success stages together."
    ),
)
def stage_conversion(steps: Rows) -> Ratio:
    """Whose narrow place is where. Young deals may still be on the way, so look at that column beside it."""
    return Ratio(steps["went_on"].sum(), steps["could_go_on"].sum())


@metric(
    title=N_("Visited the next stage"),
    unit="count",
    on="steps",
    formula=N_("of the deals that reached this stage in the period, those that entered the next one themselves"),
    needs=["stage_history", "stage_order"],
)
def visited_next(steps: Rows) -> float:
    """Those that went on without skipping the next stage."""
    return steps["visited_next"].sum()


@metric(
    title=N_("Lost on the way"),
    unit="count",
    good="down",
    on="steps",
    formula=N_("of the deals that reached this stage in the period, those lost before the next one"),
    needs=["stage_history", "stage_order"],
)
def lost_on_the_way(steps: Rows) -> float:
    """Those that ended here."""
    return steps["lost_on_the_way"].sum()


@metric(
    title=N_("Still on the way"),
    unit="count",
    on="steps",
    formula=N_("of the deals that reached this stage in the period, those in work that have not reached the next one"),
    needs=["stage_history", "stage_order"],
)
def on_the_way(steps: Rows) -> float:
    """Those that may still go on: the more there are, the less final the conversion is."""
    return steps["on_the_way"].sum()


@metric(
    title=N_("Time in stage, mean"),
    unit="days",
    good="down",
    on="stays",
    formula=N_("mean of (left − entered) over the visits entered in the period and finished by the report's instant"),
    needs=["stage_history"],
    caveats=N_(
        "Slow deals that are still there are not in it, so it is too low; the median counts them. A visit counts where it "
        "was, whatever pipeline the deal is in now."
    ),
)
def stage_days(stays: Rows) -> Sample:
    """How long those who have left stood on the stage; the number that people know from the CRM."""
    return Sample(stays["finished_days"].mean(), stays["finished_days"].count())


@metric(
    title=N_("Time in stage, median"),
    unit="days",
    good="down",
    on="stays",
    formula=N_(
        "the first day by which half of the visits entered in the period had ended, by Kaplan and Meier: a running visit "
        "counts as longer than it has lasted so far"
    ),
    needs=["stage_history"],
    caveats=N_(
        "Missing while more than half of the visits still run. A visit counts where it was, whatever pipeline the deal is "
        "in now."
    ),
)
def median_stage_days(stays: Rows) -> Sample:
    """How long an ordinary deal stands on the stage, those that still stand there counted in."""
    return Sample(median_time(stays["time"], stays["has_ended"]), stays["time"].count())


@metric(
    title=N_("Visits finished"),
    unit="count",
    on="stays",
    formula=N_("visits entered in the period that ended before the report's instant"),
    needs=["stage_history"],
)
def finished_visits(stays: Rows) -> float:
    """Of how many visits the mean time is."""
    return stays["has_ended"].sum()


@metric(
    title=N_("Visits running"),
    unit="count",
    on="stays",
    formula=N_("visits entered in the period that had not ended at the report's instant"),
    needs=["stage_history"],
)
def running_visits(stays: Rows) -> float:
    """How many visits the mean time leaves out and the median counts as longer than so far."""
    return stays["still_runs"].sum()
