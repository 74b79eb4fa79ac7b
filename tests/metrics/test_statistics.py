"""Statistics against published numbers and against sums that fit on a napkin."""

from math import atanh, isnan, sqrt, tanh

import numpy as np
import pandas as pd
import pytest

from crm_reports.metrics.rows import Field, Groups
from crm_reports.metrics.statistics import differs, fisher, holm, interval, median_time, rank_correlation


def of(*numbers):
    return np.array(numbers, dtype=float)


# Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_the_published_one(k, n, low, high):
    ends = interval(of(k), of(n))
    assert [round(end[0], 4) for end in ends] == [low, high]


def test_wilsons_interval_is_that_of_statsmodels_for_every_k_of_every_n_up_to_sixty():
    from statsmodels.stats.proportion import proportion_confint

    pairs = [(k, n) for n in range(1, 61) for k in range(n + 1)]
    k, n = of(*(k for k, _n in pairs)), of(*(n for _k, n in pairs))
    low, high = interval(k, n)
    expected = proportion_confint(k, n, method="wilson")
    assert low == pytest.approx(expected[0], rel=1e-12, abs=1e-15)
    assert high == pytest.approx(expected[1], rel=1e-12, abs=1e-15)
    assert low.min() == 0.0  # not a hair below, which is written −0 %
    assert high.max() == 1.0


def test_an_interval_over_nothing_or_of_more_than_all_is_missing():
    low, high = interval(of(0, 3, 1), of(0, 2, 2))
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [True, True, False]


def test_the_lady_tasting_tea_is_convincing_alone_but_not_among_two():
    # Fisher's cups: 4 of 4 against 0 of 4 is p = 2/70 = 0.0286. Two managers, so Holm asks for 0.025.
    assert differs(of(4, 0), of(4, 4)).tolist() == [False, False]


def test_five_of_five_against_none_of_five_is_more_than_chance():
    # p = 2/252 = 0.0079 for both: under 0.05/2, and the second under 0.05.
    assert differs(of(5, 0), of(5, 5)).tolist() == [True, True]


def test_holm_stops_at_the_first_that_does_not_hold():
    # 12 of 12 against 20 of 40: p = 0.0019 < 0.05/3. The next is 8 of 20 against 24 of 32: p = 0.0194 < 0.05/2.
    # The last, 12 of 20 against 20 of 32, is chance.
    from scipy.stats import fisher_exact

    tables = [[[12, 0], [20, 20]], [[8, 12], [24, 8]], [[12, 8], [20, 12]]]
    first, second, third = (fisher_exact(table).pvalue for table in tables)
    assert first < 0.05 / 3
    assert second < 0.05 / 2
    assert third > 0.05
    assert differs(of(12, 8, 12), of(12, 20, 20)).tolist() == [True, True, False]


def test_who_has_no_case_or_is_alone_differs_from_nobody():
    assert differs(of(5, 0, 0), of(5, 5, 0)).tolist() == [True, True, False]
    assert differs(of(0), of(50)).tolist() == [False]
    assert differs(of(3, 5), of(2, 0)).tolist() == [False, False]


def test_rank_correlation_is_the_textbooks():
    # IQ and hours of television of ten people: 1 − 6 · 194 ÷ (10 · 99) = −29/165.
    iq = of(106, 100, 86, 101, 99, 103, 97, 113, 112, 110)
    hours = of(7, 27, 2, 50, 28, 29, 20, 12, 6, 17)
    rho, low, high, n = rank_correlation(iq, hours)
    assert rho == pytest.approx(-29 / 165)
    assert n == 10
    reach = 1.959964 / sqrt(10 - 3)
    assert (low, high) == pytest.approx((tanh(atanh(rho) - reach), tanh(atanh(rho) + reach)), abs=1e-5)


def test_rank_correlation_of_few_or_constant_or_missing_pairs_is_missing():
    assert isnan(rank_correlation(of(1, 2, 3), of(1, 2, 3))[0])
    assert isnan(rank_correlation(of(1, 1, 1, 1), of(1, 2, 3, 4))[0])
    assert rank_correlation(of(1, 2, 3, 4, float("nan")), of(1, 2, 3, 5, 4))[3] == 4


def test_fishers_chances_are_those_of_scipy_for_every_row_against_the_rest():
    from scipy.stats import fisher_exact

    chance = np.random.default_rng(7)
    for _round in range(20):
        n = chance.integers(1, 60, size=8)
        k = chance.binomial(n, chance.uniform(0.02, 0.98))
        rest_k, rest_n = k.sum() - k, n.sum() - n
        expected = [
            fisher_exact([[a, b - a], [c, d - c]]).pvalue for a, b, c, d in zip(k, n, rest_k, rest_n, strict=True)
        ]
        assert fisher(k, n) == pytest.approx(expected, rel=1e-9, abs=1e-12)


# Agresti (2002), Categorical data analysis, 2nd edition, table 3.8: Fisher's tea, 3 of 4 against 1 of 4: two-sided 0.486.
def test_the_ladys_own_cups_prove_nothing():
    assert fisher(np.array([3, 1]), np.array([4, 4])) == pytest.approx([34 / 70, 34 / 70])


# Holm's own rule on the chances of a textbook: Abdi (2010), Holm's sequential Bonferroni procedure, Encyclopedia of
# research design, table 1: 0.000040, 0.016100, 0.612300 for three tests; 0.0161 < 0.05/2 and 0.6123 > 0.05.
def test_holms_procedure_is_the_encyclopedias():
    assert holm(np.array([0.000040, 0.016100, 0.612300])).tolist() == [True, True, False]


def test_holms_procedure_is_that_of_statsmodels():
    from statsmodels.stats.multitest import multipletests

    chance = np.random.default_rng(8)
    for _round in range(8):
        chances = chance.choice([0.0001, 0.004, 0.01, 0.0125, 0.02, 0.025, 0.05, 0.3, 1.0], size=chance.integers(5, 40))
        assert holm(chances).tolist() == multipletests(chances, alpha=0.05, method="holm")[0].tolist()


def stays(*times):
    """Times as survival tables print them: "6+" still runs."""
    parts = [(float(str(each).rstrip("+")), not str(each).endswith("+")) for each in times]
    return np.array([time for time, _ended in parts]), np.array([ended for _time, ended in parts], dtype=bool)


def median(times, arms=None):
    """The median time of the stays, or of each arm of a trial."""
    groups = None if arms is None else Groups(np.array(arms), max(arms) + 1)
    medians = median_time(*(Field(column, groups) for column in times)).values
    return medians[0] if groups is None else medians


# Freireich et al. (1963), weeks of remission of leukaemia, the example of Cox (1972) and of Kalbfleisch and Prentice:
# the median is 23 weeks with 6-MP and 8 with the placebo.
SIX_MP = stays(
    6, 6, 6, "6+", 7, "9+", 10, "10+", "11+", 13, 16, "17+", "19+", "20+", 22, 23, "25+", "32+", "32+", "34+", "35+"
)
PLACEBO = stays(1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23)


def test_the_median_time_is_that_of_the_leukaemia_trial():
    assert median(SIX_MP) == 23
    assert median(PLACEBO) == 8
    both = [np.concatenate(column) for column in zip(PLACEBO, SIX_MP, strict=True)]
    assert median(both, arms=[0] * len(PLACEBO[0]) + [1] * len(SIX_MP[0])).tolist() == [8, 23]


# Miller (1981), Survival analysis, chapter 3: maintenance of acute myelogenous leukaemia (Embury et al. 1977), 31 and 23
# weeks; R prints the same for survfit(Surv(time, status) ~ x, data = aml).
def test_the_median_time_is_that_of_the_maintenance_trial():
    assert median(stays(9, 13, "13+", 18, 23, "28+", 31, 34, "45+", 48, "161+")) == 31
    assert median(stays(5, 5, 8, 8, 12, "16+", 23, 27, 30, 33, 43, 45)) == 23


def _trial(chance):
    """Some stays of three groups, with ties and with some that still run."""
    size = int(chance.integers(3, 60))
    times = chance.integers(1, 30, size=size).astype(float)
    return times, chance.random(size) < chance.random(), np.append([0, 1, 2], chance.integers(0, 3, size=size - 3))


def test_the_median_time_is_where_statsmodels_curve_first_passes_half():
    from statsmodels.duration.survfunc import SurvfuncRight

    chance = np.random.default_rng(9)
    for _round in range(50):
        times, ended, arms = _trial(chance)
        for arm, ours in enumerate(median((times, ended), arms)):
            curve = SurvfuncRight(times[arms == arm], ended[arms == arm].astype(int))
            past_half = curve.surv_times[curve.surv_prob <= 0.5 + 1e-12]
            assert ours == pytest.approx(past_half[0] if len(past_half) else float("nan"), nan_ok=True)


def test_the_median_time_is_where_scipys_curve_first_passes_half():
    from scipy.stats import CensoredData, ecdf

    chance = np.random.default_rng(11)
    for _round in range(50):
        times, ended, arms = _trial(chance)
        for arm, ours in enumerate(median((times, ended), arms)):
            here, over = times[arms == arm], ended[arms == arm]
            curve = ecdf(CensoredData(uncensored=here[over], right=here[~over])).sf if over.any() else None
            past_half = [] if curve is None else curve.quantiles[curve.probabilities <= 0.5 + 1e-12]
            assert ours == pytest.approx(past_half[0] if len(past_half) else float("nan"), nan_ok=True)


def test_without_half_an_end_there_is_no_median_time():
    assert isnan(median(stays("3+", "4+")))
    assert isnan(median(stays(1, "3+", "4+")))
    assert isnan(median(stays()))
    assert median(stays(2, 9)) == 2


def test_rank_correlation_is_scipys():
    from scipy.stats import spearmanr

    chance = np.random.default_rng(10)
    for _round in range(20):
        one, other = (pd.Series(chance.integers(0, 9, size=15), dtype=float) for _side in range(2))
        assert rank_correlation(one, other)[0] == pytest.approx(spearmanr(one, other).statistic)
