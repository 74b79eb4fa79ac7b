"""Month by month: of the deals created in a month, how many were won by the end of it, of the next one, and so on."""

from itertools import product

import numpy as np
import pandas as pd

from ..filters import Period, first_instant
from ..filters.periods import label, last_months, shift
from ..measures.dataset import Dataset
from ..measures.slices import inside, utc
from ..metrics.statistics import interval
from ..store.columns import ratio
from ..words import units
from ..words.texts import N_, _, many
from .element import element

MONTHS = 12
USUAL = 3  # months after which a heading speaks of what became of the deals


@element(
    title=N_("Cohorts"),
    measured=N_(
        "Of the deals created in a month, the share won by the end of that month (0) and of each month after it. Empty: its "
        "time has not come."
    ),
    matrix={"rows": "cohort", "columns": ("months_since",), "value": "won_by_then", "is_deep": True},
    needs=["created_at", "closing", "outcomes"],
)
def cohorts(ds: Dataset) -> pd.DataFrame:
    """Month created × whole months since: share won by then, k of n; the total is of the months whose time has come.

    A win counts from its last entry into a won stage, if the deal still stands there at the report's instant.
    """
    months = [Period(span.start, shift("month", span.start, 1)) for span in last_months(ds.filters.elapsed.end, MONTHS)]
    cells = [_cell(ds, month, since) for month, since in product(months, range(MONTHS))]
    table = pd.DataFrame(cells)
    table = table[table.groupby("period")["won_by_then_n"].transform("max") > 0]
    return _with_shares(pd.concat([table, _totals(table)], ignore_index=True)) if len(table) else table.iloc[:0]


def _cell(ds: Dataset, month: Period, since: int) -> dict[str, object]:
    """How many of the deals created in the month were won by then; missing while that is still to come."""
    deals, by = ds.slice.deals, first_instant(shift("month", month.end, since), ds.filters.zone)
    names = {"cohort": units.period("month", month.start), "period": label(month.start, "month"), "start": month.start}
    cell = names | {"months_since": since, "is_total": False}
    if by > ds.filters.as_of:
        return cell | {"won_by_then_k": np.nan, "won_by_then_n": np.nan}
    is_created = inside(deals["created_at"], ds.bounds(month))
    is_won = is_created & np.asarray(deals["outcome"] == "won") & (deals["closed_at"] < utc(by))
    return cell | {"won_by_then_k": int(is_won.sum()), "won_by_then_n": int(is_created.sum())}


def _totals(table: pd.DataFrame) -> pd.DataFrame:
    """Of all these months together whose time has come, after so many months: deals are counted, not shares averaged."""
    sums = table.groupby("months_since", as_index=False)[["won_by_then_k", "won_by_then_n"]].sum()
    return sums[sums["won_by_then_n"] > 0].assign(cohort=_("Total"), period="", is_total=True)


def _with_shares(table: pd.DataFrame) -> pd.DataFrame:
    k, n = (table[f"won_by_then_{half}"].to_numpy(float) for half in ("k", "n"))
    low, high = interval(k, n)
    front = table[["cohort", "period", "start", "months_since"]]
    return front.assign(
        won_by_then=ratio(k, n), won_by_then_k=k, won_by_then_n=n, won_by_then_low=low, won_by_then_high=high,
        is_total=table["is_total"].astype(bool),
    )  # fmt: skip


@cohorts.finding
def ripe(table: pd.DataFrame) -> str:
    """Which share of the deals is won after some months, of all that have had so long."""
    totals = table[table["is_total"]] if len(table) else table
    rows = totals[totals["months_since"] <= USUAL] if len(totals) else totals
    if rows.empty:
        return _("No month's time has come yet")
    row = rows.iloc[-1]
    words = {
        "k": units.count(row["won_by_then_k"]), "n": units.count(row["won_by_then_n"]), "share": units.share(row["won_by_then"]),
    }  # fmt: skip
    since = int(row["months_since"])
    if not since:
        return _("By the end of the month they came in, {k} of {n} deals were won, {share}", **words)
    return _(
        "{months} after the month they came in, {k} of {n} deals were won, {share}",
        months=many("{n} month", "{n} months", since),
        **words,
    )
