"""How sure a share is, and whether somebody really differs. The formulas are scipy's and statsmodels'."""

import numpy as np
import pandas as pd

SMALL = 20  # fewer than this many cases: greyed, not ranked


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
    from scipy.stats import fisher_exact
    from statsmodels.stats.multitest import multipletests

    fit = (n > 0) & (k <= n)
    said = pd.Series(False, index=k.index)
    if fit.sum() < 2:
        return said
    all_k, all_n = k[fit].sum(), n[fit].sum()
    tables = [
        [[own_k, own_n - own_k], [all_k - own_k, all_n - own_n - (all_k - own_k)]]
        for own_k, own_n in zip(k[fit], n[fit], strict=True)
    ]
    chances = [fisher_exact(np.array(table, dtype=int)).pvalue for table in tables]
    said[fit] = multipletests(chances, alpha=0.05, method="holm")[0]
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
