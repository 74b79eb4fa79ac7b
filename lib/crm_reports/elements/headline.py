"""What a heading may name: a row that differs from the rest by more than chance, or one that is larger than any other.

A sentence that names a row must not be refuted by the table beneath it; where no row stands out it states the whole.
"""

import numpy as np
import pandas as pd

from ..measures.totals import total_of, without_total
from ..metrics.statistics import SMALL, differs


def whole(table: pd.DataFrame, name: str) -> tuple[int, int]:
    """k and n of a rate over all rows: those of the total, else of the rows together."""
    total = total_of(table)
    rows = total if len(total) else table
    return int(rows[f"{name}_k"].sum()), int(rows[f"{name}_n"].sum())


def standing_out(table: pd.DataFrame, name: str, *, above: bool = True) -> pd.Series | None:
    """The row whose rate is the furthest above (or below) the whole of those that chance would hardly put there.

    Fisher's exact test of each row against the rest, Holm's correction over the rows; one with fewer than 20 cases is not
    named. None where no row stands out.
    """
    rows = without_total(table)
    k, n = (rows[f"{name}_{half}"].fillna(0).to_numpy() for half in ("k", "n"))
    all_k, all_n = whole(table, name)
    distance = rows[name].to_numpy(float) - all_k / max(all_n, 1)
    candidates = rows[differs(k, n) & (n >= SMALL) & (distance > 0 if above else distance < 0)]
    return None if candidates.empty else candidates.sort_values(name, ascending=not above, kind="stable").iloc[0]


def largest(rows: pd.DataFrame, name: str) -> pd.Series | None:
    """The row with the largest value, if it is larger than any other's and more than nothing."""
    order = rows[rows[name].notna()].sort_values(name, ascending=False, kind="stable")
    if order.empty or not order[name].iloc[0] > 0 or (len(order) > 1 and order[name].iloc[1] == order[name].iloc[0]):
        return None
    return order.iloc[0]


def is_most(row: pd.Series, rows: pd.DataFrame, name: str) -> bool:
    """Whether the row alone has more than half of what all rows have together."""
    return bool(2 * row[name] > np.nansum(rows[name]))
