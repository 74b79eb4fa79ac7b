"""Sales velocity: four factors, and what each of them moved it by."""

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from crm_reports import elements
from crm_reports.elements.velocity import split
from crm_reports.measures.measure import measure, value_of
from crm_reports.measures.totals import total_of
from stores import dataset, deal, moves


def won(id, created, closed, amount, manager="1"):
    return (
        deal(id, created, stage_id="WON", outcome="won", amount=amount, manager_id=manager),
        moves(id, (created, "NEW"), (closed, "WON")),
    )


def lost(id, created, closed):
    return deal(id, created, stage_id="DEAR", outcome="lost"), moves(id, (created, "NEW"), (closed, "DEAR"))


# February: of 2 closed 1 won, 100 ₽ after 10 days, 1 in work on 1 March → 1 × 1/2 × 100 ÷ 10 = 5 a day.
# March: of 2 closed 2 won, 200 ₽ on average, 20 days, 1 in work on 1 April → 1 × 1 × 200 ÷ 20 = 10 a day.
ROWS = [
    won(1, "2025-02-01", "2025-02-11", 100.0), lost(2, "2025-02-01", "2025-02-05"), won(3, "2025-02-20", "2025-03-12", 100.0),
    won(4, "2025-03-05", "2025-03-25", 300.0), (deal(5, "2025-03-20"), moves(5, ("2025-03-20", "NEW"))),
]  # fmt: skip


def company(folder, of=ROWS, **filters):
    deals, histories = zip(*of, strict=True)
    return dataset(folder, deals=list(deals), stage_history=[row for rows in histories for row in rows], **filters)


def test_the_velocity_is_deals_in_work_times_win_rate_times_check_by_cycle(tmp_path):
    assert value_of(company(tmp_path), "velocity") == 1 * 1 * 200 / 20


def test_the_period_before_has_the_deals_that_were_in_work_then(tmp_path):
    row = total_of(elements.velocity(company(tmp_path)).table).iloc[0]
    assert (row["velocity"], row["velocity_previous"], row["in_work"], row["in_work_previous"]) == (10, 5, 1, 1)


def test_the_four_parts_add_up_to_the_change_and_what_stayed_moved_nothing(tmp_path):
    row = total_of(elements.velocity(company(tmp_path)).table).iloc[0]
    parts = [row[f"moved_by_{name}"] for name in ("in_work", "win_rate", "check", "cycle")]
    assert sum(parts) == pytest.approx(5)
    assert parts[0] == 0
    # Win rate and check doubled, the cycle too: either doubling is as good as the other, so both have the same part.
    assert parts[1] == pytest.approx(parts[2])
    # In its turn the first of three doubles 5 to 10, after the cycle 2.5 to 5, after the other 10 to 20, after both 5 to 10.
    assert parts[1] == pytest.approx((2 * 5 + 2.5 + 10 + 2 * 5) / 6)


FACTORS = arrays.arrays(float, (4, 3), elements=st.floats(0.1, 1000))


@given(FACTORS, FACTORS)
def test_the_parts_add_up_whatever_the_factors(before, now):
    def product(factors):
        return factors[0] * factors[1] * factors[2] / factors[3]

    assert np.allclose(split(before, now).sum(axis=0), product(now) - product(before))
    assert np.allclose(split(before, now), -split(now, before))


def test_a_factor_that_was_nothing_has_its_part_too():
    parts = split(np.array([[0.0], [0.5], [100.0], [10.0]]), np.array([[4.0], [0.5], [100.0], [10.0]]))
    assert parts.ravel().tolist() == [20, 0, 0, 0]


def test_without_a_win_there_is_no_velocity_and_the_heading_says_what_it_takes(tmp_path):
    element = elements.velocity(company(tmp_path, ROWS[4:]))
    assert isnan(total_of(element.table)["velocity"].iloc[0])
    assert element.finding == "No sales velocity: it takes wins with money, and the days they took"


def test_a_cycle_of_no_time_makes_no_velocity(tmp_path):
    ds = company(tmp_path, [won(1, "2025-03-05", "2025-03-05", 100.0), ROWS[4]])
    assert isnan(value_of(ds, "velocity"))


def test_by_manager_and_by_month_each_has_its_own_stock(tmp_path):
    rows = [*ROWS, won(6, "2025-03-01", "2025-03-11", 50.0, manager="2")]
    ds = company(tmp_path, rows, period="2025-02..2025-03")
    by_manager = measure(ds, ["velocity"], by="manager").set_index("manager")["velocity"]
    assert by_manager["Anna"] == pytest.approx(1 * 3 / 4 * (500 / 3) / 20)
    assert by_manager["Boris"] == 0  # none in work
    assert measure(ds, ["velocity"], by="month")["velocity"].tolist() == [
        pytest.approx(1 * 1 / 2 * 100 / 10), pytest.approx(1 * 1 * 150 / 20),
    ]  # fmt: skip


def test_the_heading_names_what_moved_it_most_the_way_it_went(tmp_path):
    """Win rate and check raised it by 5.42 each, the longer cycle lowered it by 5.83."""
    finding = elements.velocity(company(tmp_path)).finding.replace("\N{NO-BREAK SPACE}", " ")
    assert finding == "The pipeline turns into 10 ₽ a day, before 5 ₽: mostly the win rate raised it, by 5 ₽"


def test_where_nothing_is_compared_the_table_has_the_factors_alone(tmp_path):
    element = elements.velocity(company(tmp_path, comparison="none"))
    assert "moved_by_cycle" not in element.table
    assert element.finding.replace("\N{NO-BREAK SPACE}", " ") == "The pipeline turns into 10 ₽ a day"
