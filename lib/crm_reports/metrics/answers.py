"""How long what comes in waits for a person. `answers` holds one row per deal and lead created in the period."""

from ..words.texts import N_
from .registry import metric
from .rows import Ratio, Rows, Sample
from .statistics import median_time

NEEDS = ["created_at", "activities", "author", "deal_activities"]
WHOSE = N_(
    "A lead or deal counts for who is responsible for it, whoever acted. With a pipeline filter leads are left out: they "
    "stand in none."
)


@metric(
    title=N_("First answer, median hours"),
    unit="number",
    good="down",
    on="answers",
    formula=N_(
        "the first hour by which half of the deals and leads created in the period had an action by a person, by Kaplan and "
        "Meier: one that still waits counts as longer than it has waited so far"
    ),
    needs=NEEDS,
    caveats=WHOSE,
)
def first_answer_hours(answers: Rows) -> Sample:
    """How long an ordinary deal or lead waits for a call, letter, comment, stage move or the like; missing while more than half still wait."""
    return Sample(median_time(answers["hours"], answers["is_answered"]), answers["hours"].count())


@metric(
    title=N_("Answered within an hour"),
    unit="share",
    good="up",
    on="answers",
    of=N_("of the deals and leads created in the period that had an hour"),
    formula=N_(
        "deals and leads with an action by a person in their first hour ÷ those that were answered or have waited an hour"
    ),
    needs=NEEDS,
    caveats=WHOSE,
)
def answered_in_hour(answers: Rows) -> Ratio:
    """How many had not gone cold. One created less than an hour before the report's instant is not counted yet."""
    return Ratio(answers["is_answered_in_hour"].sum(), answers["had_hour"].sum())


@metric(
    title=N_("Answered within a day"),
    unit="share",
    good="up",
    on="answers",
    of=N_("of the deals and leads created in the period that had a day"),
    formula=N_(
        "deals and leads with an action by a person in their first 24 hours ÷ those that were answered or have waited 24 hours"
    ),
    needs=NEEDS,
    caveats=WHOSE,
)
def answered_in_day(answers: Rows) -> Ratio:
    """How many were answered within 24 hours, nights and holidays counted in."""
    return Ratio(answers["is_answered_in_day"].sum(), answers["had_day"].sum())
