"""How sure a share is, whether somebody really differs, how long things last. The formulas are scipy's and statsmodels'."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from pandas.api.typing import DataFrameGroupBy

from ..units import FEW

SMALL = FEW  # fewer than this many cases: greyed, not ranked
Rows = pd.DataFrame | DataFrameGroupBy


def interval(k: pd.Series, n: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Wilson's 95 % interval of k of n; missing where n is 0 or k passes n.

    Wilson (1927), Probable inference, the law of succession, and statistical inference; as statsmodels computes it.
    """
    from statsmodels.stats.proportion import proportion_confint

    fit = (n > 0) & (k <= n)
    low, high = proportion_confint(k[fit].to_numpy(), n[fit].to_numpy(), method="wilson")
    return tuple(pd.Series(end, index=k.index[fit]).reindex(k.index) for end in (low, high))


def differs(k: pd.Series, n: pd.Series) -> pd.Series:
    """Who differs from the rest of the team: Fisher's exact test, Holm's correction over all rows with any case, 5 %.

    A row without cases, or whose k passes its n, differs from nobody.
    """
    fit = (n > 0) & (k <= n)
    said = pd.Series(False, index=k.index)
    if fit.sum() > 1:
        said[fit] = holm(fisher(k[fit].to_numpy(int), n[fit].to_numpy(int)))
    return said


def fisher(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Per row, the two-sided chance of a split at least as unlikely as its k of n, given what all rows have together.

    Fisher (1934), Statistical methods for research workers, § 21.02. `scipy.stats.fisher_exact` says the same, a table
    at a time and a thousand times slower over a team; here all tables go into one call.
    """
    from scipy.stats import hypergeom

    all_k, all_n = k.sum(), n.sum()
    fewest, most = np.maximum(0, n - (all_n - all_k)), np.minimum(n, all_k)
    sizes = most - fewest + 1
    row = np.repeat(np.arange(len(k)), sizes)
    could_be = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + fewest[row]
    chance = hypergeom.pmf(could_be, all_n, all_k, n[row])
    as_rare = chance <= hypergeom.pmf(k, all_n, all_k, n)[row] * (1 + 1e-7)  # equal chances are computed a hair apart
    return np.minimum(np.bincount(row, weights=np.where(as_rare, chance, 0.0), minlength=len(k)), 1.0)


def holm(chances: np.ndarray, *, level: float = 0.05) -> np.ndarray:
    """Which of the chances are too small for chance, all of them looked at together.

    Holm (1979), A simple sequentially rejective multiple test procedure. statsmodels' multipletests says the same and
    collects the whole interpreter's garbage at each call.
    """
    order = np.argsort(chances, kind="stable")
    holds = chances[order] <= level / np.arange(len(chances), 0, -1)
    said = np.empty(len(chances), dtype=bool)
    said[order] = np.logical_and.accumulate(holds)
    return said


def rank_correlation(one: pd.Series, other: pd.Series) -> tuple[float, float, float, int]:
    """Spearman's ρ with its 95 % interval and n; missing with fewer than four pairs or when one side is constant.

    ρ is Pearson's r of the ranks, and so is its interval (Fisher's z), as scipy computes it.
    """
    from scipy.stats import pearsonr

    pairs = pd.concat([one, other], axis=1).dropna()
    n = len(pairs)
    if n < 4 or (pairs.nunique() < 2).any():
        return float("nan"), float("nan"), float("nan"), n
    ranks = pairs.rank()
    found = pearsonr(ranks.iloc[:, 0], ranks.iloc[:, 1])
    ends = found.confidence_interval(0.95)
    return float(found.statistic), float(ends.low), float(ends.high), n


def median_time(rows: Rows) -> float | pd.Series:
    """The first time by which half had ended, by Kaplan and Meier; missing while more than half still run.

    `rows` are `time` and `has_ended`, whole or grouped. One that still runs counts as "longer than this" and not as ended.
    Kaplan and Meier (1958), Nonparametric estimation from incomplete observations; as scipy computes it.
    """
    return _per_group(rows, lambda each: _median_time(each["time"], each["has_ended"].astype(bool)))


def _median_time(times: pd.Series, has_ended: pd.Series) -> float:
    from scipy.stats import CensoredData, ecdf

    known = times.notna()
    ended, running = times[known & has_ended].to_numpy(float), times[known & ~has_ended].to_numpy(float)
    if not len(ended):
        return float("nan")
    lasting = ecdf(CensoredData(uncensored=ended, right=running)).sf
    past_half = lasting.probabilities <= 0.5 + 1e-12  # products of fractions: a half may come out a hair above
    return float(lasting.quantiles[past_half][0]) if past_half.any() else float("nan")


def _per_group(rows: Rows, statistic: Callable[[pd.DataFrame], float]) -> float | pd.Series:
    if isinstance(rows, pd.DataFrame):
        return statistic(rows)
    found = {key: statistic(each) for key, each in rows}
    return pd.Series(found, dtype=float).reindex(rows.size().index)
