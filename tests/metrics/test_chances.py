"""Shares drawn towards the whole, and the ends of uncertain money, by hand and against the libraries that know them."""

import numpy as np
import pytest

from crm_reports.metrics.chances import HIGH, LOW, above, ceiling, drawn, drawn_down, end
from crm_reports.metrics.rows import Numbers


def test_a_share_of_few_cases_is_drawn_towards_the_whole_as_if_more_had_been_seen():
    assert drawn(np.array([3.0]), np.array([3.0]), 0.2, 7) == pytest.approx([(3 + 1.4) / 10])
    assert drawn(np.array([0.0]), np.array([0.0]), 0.2, 7) == pytest.approx([0.2])
    assert drawn(np.array([300.0]), np.array([1000.0]), 0.2, 0) == [0.3]


def test_cells_are_drawn_towards_their_stage_and_that_towards_all_together():
    """Two cells of one stage, 1 of 1 and 0 of 3, one of another, 4 of 4: all 5 of 8."""
    k, n = np.array([[1.0], [0.0], [4.0]]), np.array([[1.0], [3.0], [4.0]])
    first, second = (1 + 2 * 5 / 8) / (4 + 2), (4 + 2 * 5 / 8) / (4 + 2)
    by_hand = [(1 + 4 * first) / (1 + 4), (0 + 4 * first) / (3 + 4), (4 + 4 * second) / (4 + 4)]
    assert drawn_down(k, n, (np.array([0, 0, 1]),), (4, 2)).ravel() == pytest.approx(by_hand)


def test_without_any_case_the_share_is_nothing_and_its_ceiling_is_not():
    none = np.zeros((1, 1))
    assert drawn_down(none, none, (), (5,)) == 0
    assert ceiling(np.array([0.0]), np.array([100.0])) == pytest.approx([0.0134], abs=0.0002)


def test_between_the_ends_lie_four_of_five_of_the_sums_that_chance_makes():
    """Fifty deals of very different money, each won with its own chance: seeded trials fall inside about as often."""
    trials = np.random.default_rng(1)
    money, chance = trials.lognormal(10, 1, 50), trials.uniform(0.1, 0.6, 50)
    sums = (trials.random((4000, 50)) < chance) @ money
    mean, variance = (chance * money).sum(), (chance * (1 - chance) * money**2).sum()
    low, high = (end(Numbers([mean]), Numbers([variance]), share).values[0] for share in (LOW, HIGH))
    assert 0.75 < ((low <= sums) & (sums <= high)).mean() < 0.85


def test_the_ends_never_lie_on_the_wrong_side_of_what_is_expected():
    mean, variance = Numbers([10.0, 0.0, -5.0]), Numbers([10_000.0, 0.0, 4.0])
    assert (end(mean, variance, LOW).values <= [10, 0, -5]).all()
    assert (end(mean, variance, HIGH).values >= [10, 0, -5]).all()
    assert end(mean, variance, HIGH).values[1] == 0


def test_the_chance_to_pass_an_end_is_what_the_end_says():
    high = end(Numbers([100.0]), Numbers([900.0]), HIGH).values[0]
    assert above(100.0, 900.0, high) == pytest.approx(0.1)
    assert above(100.0, 900.0, -1.0) == 1
    assert above(100.0, 0.0, 101.0) == 0
