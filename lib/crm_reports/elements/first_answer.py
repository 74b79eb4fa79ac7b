"""How long deals and leads wait for a person: by who is responsible, and by where they came from."""

import pandas as pd

from ..measures.dataset import Dataset
from ..measures.measure import measure
from ..measures.totals import total_of
from ..words import units
from ..words.texts import N_, _
from .activity import without_data
from .element import element

ANSWERS = ["first_answer_hours", "answered_in_hour", "answered_in_day"]
MEASURED = N_(
    "Deals and leads created in the period, to the first action by a person. Half wait as long as the median or longer; those that "
    "still wait count as longer than so far."
)


@element(title=N_("First answer, by manager"), measured=MEASURED, needs=["first_answer_hours"], wants=["manager"])
def first_answer(ds: Dataset) -> pd.DataFrame:
    """How long deals and leads wait for a first answer, by who is responsible for them, and in all."""
    return measure(ds, ANSWERS, by="manager", total=True)


@element(title=N_("First answer, by source"), measured=MEASURED, needs=["first_answer_hours", "source"])
def first_answer_by_source(ds: Dataset) -> pd.DataFrame:
    """The same by where they came from."""
    return measure(ds, ANSWERS, by="source", total=True)


@first_answer.finding
@first_answer_by_source.finding
def waiting(table: pd.DataFrame) -> str:
    """How long an ordinary deal or lead waits, and how many have an answer within an hour."""
    total = total_of(table).iloc[0]
    if not total["first_answer_hours_n"] > 0:
        return _("No deal or lead came")
    words = {half: units.count(total[f"answered_in_hour_{half}"]) for half in ("k", "n")}
    if units.is_missing(total["first_answer_hours"]):
        return _("More than half still wait for a first answer; {k} of {n} had it within an hour", **words)
    time = units.span(3600 * total["first_answer_hours"])
    return _("Half wait {time} or longer for a first answer; {k} of {n} had it within an hour", time=time, **words)


first_answer.note(without_data)
