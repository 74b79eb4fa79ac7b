"""Deals in work whose planned closing date was moved later, or has passed."""

from datetime import date

import numpy as np
import pandas as pd

from ..measures.dataset import Dataset
from ..measures.measure import value_of
from ..words import units
from ..words.texts import N_, _, many
from .deals import first_of
from .element import element

PUSHED = [
    "title", "url", "customer", "manager", "manager_id", "department", "pipeline", "stage", "money", "first_planned_on",
    "planned_close_on", "pushes", "pushed_days", "days_silent", "deal_id", "is_past_plan",
]  # fmt: skip


@element(
    title=N_("Pushed and passed dates"),
    measured=N_(
        "Deals in work that should be closed by now, then those whose planned date was moved later; the title opens the deal."
    ),
    needs=["planned_dates", "work"],
)
def pushed(ds: Dataset) -> pd.DataFrame:
    """Deals in work that are past their planned date (is_past_plan), the most money first, then those moved later."""
    dates = ds.work.planned_dates
    rows = ds.open_deals.assign(
        planned_close_on=local_days(ds, dates["planned_at"]), first_planned_on=local_days(ds, dates["first_planned_at"]),
        **{name: dates[name] for name in ("pushes", "pushed_days", "is_past_plan")},
    )  # fmt: skip
    rows = rows[rows["is_past_plan"] | (rows["pushes"] > 0)]
    return first_of(rows.reindex(columns=PUSHED), is_past_plan=False, money=False, pushes=False, deal_id=True)


def local_days(ds: Dataset, instants: np.ndarray) -> list[date | None]:
    """The local day of each instant; None where there is none."""
    days = pd.Series(pd.to_datetime(instants, utc=True)).dt.tz_convert(ds.filters.zone)
    return [None if pd.isna(day) else day.date() for day in days]


@pushed.finding
def put_off(table: pd.DataFrame, ds: Dataset) -> str:
    """How many deals in work are past their date, with their money, and how many were put off."""
    passed = value_of(ds, "overdue_plan")
    if not passed.n:
        return _("No deal in work has a planned closing date")
    late = _late(table, int(passed.k), int(passed.n))
    moved = table[table["pushes"] > 0]
    days = units.days(moved["pushed_days"].sum())
    put_off = many(
        "{n} was moved later, by {days} in all", "{n} were moved later, by {days} in all", len(moved), days=days
    )
    return f"{late}; {put_off}" if len(moved) else late


def _late(table: pd.DataFrame, k: int, n: int) -> str:
    """How many of the planned dates have passed."""
    if not k:
        return many(
            "The planned date of {n} deal has not passed", "None of the planned dates of {n} deals has passed", n
        )
    money = f": {units.money(table.loc[table['is_past_plan'], 'money'].sum())}" if "money" in table else ""
    return many(
        "{n} of {all} deals in work is past its planned date",
        "{n} of {all} deals in work are past their planned date",
        k,
        all=units.count(n),
    ) + money  # fmt: skip


@pushed.note
def known_since(ds: Dataset) -> str:
    """Since when it is known that dates were moved."""
    day = units.write(ds.coverage.amounts_known_since, "date")
    return _(
        "What a planned date was before is known since the first sync, {day}: moves before it are not counted.", day=day
    )
