"""How likely something is of which there are few cases, and between what a sum of uncertain money lies.

Own and short: lifelines and scikit-survival estimate one curve from everything since entry, ours are plain shares of cases
at one distance from a period's end; where nothing is drawn together they are statsmodels' CumIncidenceRight (a test says so).
"""

from collections.abc import Sequence

import numpy as np

from .rows import Numbers

LOW, HIGH = 0.1, 0.9  # the ends of an interval that holds 80 %


def drawn(k: np.ndarray, n: np.ndarray, towards: np.ndarray | float, cases: float) -> np.ndarray:
    """k of n, drawn towards the share of the whole as if so many cases like the whole's had been seen besides.

    The mean of a beta distribution after k of n, Gelman et al. (2013), Bayesian data analysis, § 2.4; missing where there is
    nothing to go by.
    """
    with np.errstate(invalid="ignore"):
        return (k + cases * towards) / (n + cases)


def drawn_down(k: np.ndarray, n: np.ndarray, parents: Sequence[np.ndarray], cases: Sequence[float]) -> np.ndarray:
    """The share of each row of k and n (a column each for another past), drawn towards its parent's, that towards its own …

    `parents` give for each level, the widest last, the parent of each row of the level below; of all together the plain
    share is the last word, 0 where there is no case.
    """
    if not parents:
        all_k, all_n = k.sum(axis=0), n.sum(axis=0)
        return drawn(k, n, np.divide(all_k, all_n, out=np.zeros(all_n.shape), where=all_n > 0), cases[0])
    above = drawn_down(gathered(k, parents[0]), gathered(n, parents[0]), parents[1:], cases[1:])
    return drawn(k, n, above[parents[0]], cases[0])


def gathered(rows: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """The sums of the rows of each parent."""
    sums = np.zeros((int(parent.max(initial=-1)) + 1, *rows.shape[1:]))
    np.add.at(sums, parent, rows)
    return sums


def ceiling(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """How large the share behind k of n may well be: nine times in ten it is smaller. Of nothing in n it is not 0.

    Jeffreys' interval: Brown, Cai, DasGupta (2001), Interval estimation for a binomial proportion.
    """
    from scipy.stats import beta

    return beta.ppf(HIGH, k + 0.5, n - k + 0.5)


def end(mean: Numbers, variance: Numbers, share: float) -> Numbers:
    """Below what the uncertain money stays with that chance: a gamma distribution of this mean and variance.

    Never on the wrong side of the mean, which itself is far out where one large deal is unlikely. Money that may be negative
    (refunds) is spread evenly to both sides.
    """
    from scipy.stats import gamma, norm

    middle, spread = (np.atleast_1d(np.asarray(number.values, dtype=float)) for number in (mean, variance))
    is_sure, is_gamma = ~(spread > 0), (middle > 0) & (spread > 0)
    shape, scale = (np.where(is_gamma, number, 1.0) for number in (middle**2, middle))
    wide = np.where(is_gamma, spread, 1.0)
    ends = np.where(is_gamma, gamma.ppf(share, shape / wide, scale=wide / scale), middle)
    ends = np.where(is_gamma | is_sure, ends, middle + norm.ppf(share) * np.sqrt(np.maximum(spread, 0)))
    return Numbers(np.minimum(ends, middle) if share < 0.5 else np.maximum(ends, middle))


def above(mean: float, variance: float, least: float) -> float:
    """How likely the uncertain money, spread as in `end`, comes to at least so much."""
    from scipy.stats import gamma

    if least <= 0 or variance <= 0 or mean <= 0:
        return float(mean >= least)
    return float(gamma.sf(least, mean**2 / variance, scale=variance / mean))
