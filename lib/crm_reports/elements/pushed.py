"""Deals in work whose planned closing date was moved later, or has passed."""

import numpy as np
import pandas as pd

from .. import charts
from ..measures.comparisons import planned
from ..measures.dataset import Dataset
from ..measures.measure import value_of
from ..words import units
from ..words.texts import N_, _, many
from .changes import as_of, compared_at, dated, part_text, parts_of, summed
from .deals import first_of
from .element import element

PUSHED = [
    "title", "url", "customer", "manager", "manager_id", "department", "pipeline", "stage", "money", "first_planned_on",
    "planned_close_on", "pushes", "pushed_days", "days_silent", "deal_id", "is_past_plan",
]  # fmt: skip
PLANNED_SINCE = ("week", "month")
PLANNED = {
    "opening": N_("Planned for the period then"), "new": N_("New"), "planned_in": N_("Moved into the period"),
    "moved_in": N_("Handed over to these filters"), "reopened": N_("Reopened"), "amount": N_("Amounts changed"), "won": N_("Won"),
    "lost": N_("Lost"), "planned_out": N_("Moved out of the period"), "moved_out": N_("Handed over to others"),
    "closing": N_("Planned for the period now"),
}  # fmt: skip


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


def local_days(ds: Dataset, instants: np.ndarray) -> np.ndarray:
    """The local day of each instant; None where there is none."""
    codes, unique = pd.factorize(np.asarray(instants, dtype="datetime64[us]"))  # of many deals there are few days
    days = pd.DatetimeIndex(unique).tz_localize("UTC").tz_convert(ds.filters.zone).date
    return np.append(np.asarray(days, dtype=object), None)[codes]


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


@element(
    title=N_("What was planned for the period, and what was moved"),
    measured=N_(
        "Money of the deals in work whose planned closing day lies in the period: what came, what was put off, what ended. It adds up to the cent."
    ),
    chart=charts.waterfall,
    needs=["planned_dates", "in_work_money", "closing", "created_at"],
)
def planned_changes(ds: Dataset) -> pd.DataFrame:
    """The waterfall of the deals planned for the period, since a week and a month ago: since, since_on, part, part_name, deals, money.

    planned_in and planned_out are those whose date was moved into the period or out of it; who was won or lost was planned then.
    """
    return pd.concat([_planned(ds, since) for since in PLANNED_SINCE], ignore_index=True)


def _planned(ds: Dataset, since: str) -> pd.DataFrame:
    rows, kept_then, kept_now = planned(as_of(ds, compared_at(ds.filters)[since]), ds)
    parts = parts_of(rows)
    came, left = parts["moved_in"], parts["moved_out"]
    parts |= {"planned_in": came & kept_then, "moved_in": came & ~kept_then}
    parts |= {"planned_out": left & kept_now, "moved_out": left & ~kept_now}
    return dated(ds, since, summed(rows, parts, PLANNED))


@planned_changes.finding
def moved_in_and_out(table: pd.DataFrame, ds: Dataset, since: str = "week") -> str:
    """How much is planned for the period, and what was moved out of it and into it."""
    rows, when = table[table["since"] == since].set_index("part"), ds.filters.period.words()
    if not rows["deals"].any():
        return _("No deal in work is planned for {when}", when=when)
    words = {part: part_text(rows.loc[part]) for part in ("closing", "planned_out", "planned_in")}
    if not rows.loc[["planned_out", "planned_in"], "deals"].any():
        return _("{closing} is planned for {when}; no date was moved {since}", when=when, since=rows["since_name"].iloc[0],
                 closing=words["closing"])  # fmt: skip
    return _("{closing} is planned for {when}; moved {since}: out of it {planned_out}, into it {planned_in}",
             when=when, since=rows["since_name"].iloc[0], **words)  # fmt: skip


@planned_changes.note
def moves_known_since(ds: Dataset) -> str:
    """Since when it is known that dates were moved."""
    return known_since(ds)
