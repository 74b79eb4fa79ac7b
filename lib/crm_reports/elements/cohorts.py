"""Month by month: of the deals created in a month, how many were won by the end of it, of the next one, and so on."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import pandas as pd

from ..filters import Period, first_instant
from ..filters.periods import label, last_months, shift
from ..measures.dataset import Dataset
from ..measures.slices import utc
from ..metrics.statistics import interval
from ..store.columns import Columns, ratio
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
    table = pd.DataFrame(_cells(ds, months))
    table = table[table.groupby("period")["won_by_then_n"].transform("max") > 0]
    return _with_shares(pd.concat([table, _totals(table)], ignore_index=True)) if len(table) else table.iloc[:0]


def _cells(ds: Dataset, months: Sequence[Period]) -> Iterator[dict[str, object]]:
    """How many of the deals created in each month were won by each month's end; missing while that is still to come."""
    starts = [shift("month", months[0].start, place) for place in range(len(months) + MONTHS)]
    edges = [first_instant(start, ds.filters.zone) for start in starts]
    n, k = _counts(ds.slice.deals, np.array([utc(edge) for edge in edges]), len(months))
    for (place, month), since in product(enumerate(months), range(MONTHS)):
        by = place + 1 + since
        has_come = edges[by] <= ds.filters.as_of
        yield {
            "cohort": units.period("month", month.start), "period": label(month.start, "month"), "start": month.start,
            "months_since": since, "is_total": False, "won_by_then_k": k[place, by] if has_come else np.nan,
            "won_by_then_n": n[place] if has_come else np.nan,
        }  # fmt: skip


def _counts(deals: Columns, edges: np.ndarray, months: int) -> tuple[np.ndarray, np.ndarray]:
    """Per month how many were created in it, and how many of those were won before each edge."""
    born = np.searchsorted(edges[: months + 1], deals["created_at"], side="right") - 1
    ended = np.searchsorted(
        edges, deals["closed_at"], side="right"
    )  # before this edge; where nobody knows when, after all
    is_born = (born >= 0) & (born < months)
    is_won = is_born & np.asarray(deals["outcome"] == "won")
    k = np.zeros((months, len(edges) + 1), dtype=int)
    np.add.at(k, (born[is_won], ended[is_won]), 1)
    return np.bincount(born[is_born], minlength=months), k.cumsum(axis=1)


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
