"""How sure a share is, whether somebody really differs, how long things last."""

from math import erfc, isnan, sqrt

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..words.units import FEW
from .rows import Field, Numbers

NORMAL = 1.959963984540054  # 95 % of a normal distribution lie within so many standard deviations
SMALL = FEW  # fewer than this many cases: greyed, not ranked


def interval(k: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 95 % interval of k of n; missing where n is 0 or k passes n.

    Wilson (1927), Probable inference, the law of succession, and statistical inference; statsmodels' proportion_confint
    says the same.
    """
    n = np.where((n > 0) & (k <= n), n, np.nan)
    share, square = k / n, NORMAL**2 / n
    center = (share + square / 2) / (1 + square)
    reach = NORMAL * np.sqrt(share * (1 - share) / n + square / (4 * n)) / (1 + square)
    return np.clip(center - reach, 0, 1), np.clip(center + reach, 0, 1)  # an end of nothing or all is a hair outside


def differs(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Who differs from the rest of the team: Fisher's exact test, Holm's correction over all rows with any case, 5 %.

    A row without cases, or whose k passes its n, differs from nobody.
    """
    has_cases = (n > 0) & (k <= n)
    is_sure = np.zeros(len(k), dtype=bool)
    if has_cases.sum() > 1:
        is_sure[has_cases] = holm(fisher(k[has_cases].astype(int), n[has_cases].astype(int)))
    return is_sure


def fisher(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Per row, the two-sided chance of a split at least as unlikely as its k of n, given what all rows have together.

    Fisher (1934), Statistical methods for research workers, § 21.02. `scipy.stats.fisher_exact` says the same, a table
    at a time and a thousand times slower over a team; here all tables go into one call.
    """
    all_k, all_n = k.sum(), n.sum()
    fewest, most = np.maximum(0, n - (all_n - all_k)), np.minimum(n, all_k)
    sizes = most - fewest + 1
    row = np.repeat(np.arange(len(k)), sizes)
    could_be = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + fewest[row]
    chance = _hypergeometric(could_be, all_n, all_k, n[row])
    as_rare = chance <= _hypergeometric(k, all_n, all_k, n)[row] * (1 + 1e-7)  # equal chances are computed a hair apart
    return np.minimum(np.bincount(row, weights=np.where(as_rare, chance, 0.0), minlength=len(k)), 1.0)


def _hypergeometric(k: np.ndarray, all_n: int, all_k: int, n: np.ndarray) -> np.ndarray:
    """scipy.stats.hypergeom.pmf(k, all_n, all_k, n), which for a team of hundreds takes seconds."""
    from scipy.special import gammaln

    def ways(of: np.ndarray, pick: np.ndarray) -> np.ndarray:
        return gammaln(of + 1) - gammaln(pick + 1) - gammaln(of - pick + 1)

    return np.exp(ways(all_k, k) + ways(all_n - all_k, n - k) - ways(all_n, n))


def by_normal(difference: float, variance: float) -> float:
    """How often chance alone brings a difference at least as large, where chance spreads it normally around nothing."""
    if variance == 0:
        return 0.0 if difference else 1.0
    return float("nan") if isnan(variance) else erfc(abs(difference) / sqrt(2 * variance))


def holm(chances: np.ndarray, *, level: float = 0.05) -> np.ndarray:
    """Which of the chances are too small for chance, all of them looked at together.

    Holm (1979), A simple sequentially rejective multiple test procedure. statsmodels' multipletests says the same and
    collects the whole interpreter's garbage at each call.
    """
    order = np.argsort(chances, kind="stable")
    holds = chances[order] <= level / np.arange(len(chances), 0, -1)
    is_sure = np.empty(len(chances), dtype=bool)
    is_sure[order] = np.logical_and.accumulate(holds)
    return is_sure


def rank_correlation(x: ArrayLike, y: ArrayLike) -> tuple[float, float, float, int]:
    """Spearman's ρ with its 95 % interval and n; missing with fewer than four pairs or when one side is constant.

    ρ is Pearson's r of the ranks, and so is its interval (Fisher's z), as scipy computes it.
    """
    from scipy.stats import pearsonr

    ranks = _ranks(x, y)
    n = ranks.shape[1]
    if _is_vague(ranks):
        return float("nan"), float("nan"), float("nan"), n
    correlation = pearsonr(*ranks)
    ends = correlation.confidence_interval(0.95)
    return float(correlation.statistic), float(ends.low), float(ends.high), n


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """ρ alone, for the many trials of a ranking."""
    ranks = _ranks(x, y)
    return float("nan") if _is_vague(ranks) else float(np.corrcoef(ranks)[0, 1])


def _ranks(x: ArrayLike, y: ArrayLike) -> np.ndarray:
    """The ranks of both sides of the pairs that are whole."""
    from scipy.stats import rankdata

    pairs = np.array([x, y], dtype=float)
    return rankdata(pairs[:, ~np.isnan(pairs).any(axis=0)], axis=1)


def _is_vague(ranks: np.ndarray) -> bool:
    return ranks.shape[1] < 4 or bool((np.ptp(ranks, axis=1) == 0).any())


def places(values: np.ndarray) -> np.ndarray:
    """The place of each value, the largest first; equal ones share the better place."""
    from scipy.stats import rankdata

    return rankdata(-values, method="min")


def median_time(times: Field, has_ended: Field) -> Numbers:
    """The first time by which half had ended, by Kaplan and Meier; missing while more than half still run.

    One that still runs counts as "longer than this" and not as ended. Kaplan and Meier (1958), Nonparametric estimation
    from incomplete observations; `scipy.stats.ecdf` says the same, a group at a time.
    """
    groups = times.groups
    rows = np.flatnonzero(~np.isnan(times.array))
    group = np.zeros(len(rows), dtype=int) if groups is None else groups.codes[rows]
    medians = np.full(1 if groups is None else groups.count, np.nan)
    order = np.lexsort((times.array[rows], group))
    group, time, is_end = group[order], times.array[rows][order], has_ended.array[rows][order].astype(bool)
    lasting = _lasting(group, time, is_end) if len(group) else time
    past_half = np.flatnonzero(lasting <= 0.5 + 1e-12)  # products of fractions: a half may come out a hair above
    halved, first = np.unique(group[past_half], return_index=True)
    medians[halved] = time[past_half[first]]
    return Numbers(medians)


def _lasting(group: np.ndarray, time: np.ndarray, is_end: np.ndarray) -> np.ndarray:
    """Per row, sorted by group and time, the share of its group that lasts longer than that: the product limit."""
    place = np.arange(len(group))
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    at_risk = np.repeat(np.append(begins[1:], len(group)), np.diff(np.append(begins, len(group)))) - place
    # Those who end at one instant do so together: the first row of the instant carries them all.
    is_first = (np.diff(group, prepend=-1) != 0) | (np.diff(time, prepend=np.nan) != 0)
    counts = np.add.reduceat(is_end, np.flatnonzero(is_first), dtype=int)
    survival = np.ones(len(group))
    survival[is_first] = 1 - counts / at_risk[is_first]
    return pd.Series(survival).groupby(group).cumprod().to_numpy()
