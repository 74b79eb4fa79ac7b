"""Statistics against published numbers and against sums that fit on a napkin."""

from math import atanh, isnan, sqrt, tanh

import pandas as pd
import pytest

from crm_reports.metrics.statistics import differs, interval, rank_correlation


def of(*numbers):
    return pd.Series(numbers, dtype=float)


# Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0000, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilsons_interval_is_the_published_one(k, n, low, high):
    ends = interval(of(k), of(n))
    assert [round(end.iloc[0], 4) for end in ends] == [low, high]


def test_an_interval_over_nothing_or_of_more_than_all_is_missing():
    low, high = interval(of(0, 3, 1), of(0, 2, 2))
    assert low.isna().tolist() == high.isna().tolist() == [True, True, False]


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
