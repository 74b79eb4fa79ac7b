"""Every metric on one March that fits on a sheet of paper."""

from math import isnan

import numpy as np
import pytest

from crm_reports.measures.measure import measure, missing, value_of
from crm_reports.metrics.registry import METRICS
from crm_reports.metrics.rows import Ratio, Sample
from crm_reports.store.columns import Columns
from march import ACTIVITIES, COMMENTS, DEALS, HISTORY, LEADS, PLAN, PRODUCT_ROWS, RANG, VERSIONS, act
from stores import dataset, deal

BY_HAND = {
    "created": 4,  # 1, 2, 4, 6
    "created_money": 1700,  # 1000 + 400 + 300 + 0
    "won": 3,  # 1, 3, 6
    "won_money": 1900,  # 1000 + 10 × 90 + 0
    "lost": 1,  # 2
    "lost_money": 400,
    "lost_share": (1, 4),  # lost 1 of 3 won + 1 lost
    "win_rate": (3, 4),
    "conversion": (3, 4),  # won 3 for 4 created
    "cohort_conversion": (2, 4),  # of 1, 2, 4, 6: 1 and 6
    "cohort_lost": (1, 4),  # 2
    "cohort_open": (1, 4),  # 4
    "share_of_lost": (1, 1),  # of the whole it is all
    "share_of_won_money": 1,
    "zero_money_wins": 1,  # 6
    "forecast": 1900,  # the period is over: what it brought
    "forecast_low": 1900,
    "forecast_high": 1900,
    "coverage": float("nan"),  # nothing can still be won in it
    "average_check": Sample(950, 2),  # (1000 + 900) ÷ 2; the win of 0 ₽ is left out
    "median_check": Sample(950, 2),
    "cycle_days": Sample(41 / 3, 3),  # 10 (1 → 11 Mar), 30 (8 Feb → 10 Mar), 1 (7 → 8 Mar)
    "median_cycle_days": Sample(10, 3),
    "customers": 1,  # company 5, by 1 and 3; 6 has none
    "in_work": 2,  # 4, 5
    "in_work_money": 300,  # 5 has no rate
    "new_customers": 1,  # 3 is company 5's first win; 6 has no customer
    "repeat_customers": 1,  # 1 is its second
    "repeat_share": (1, 2),
    "reached": 12,  # 1: four steps; 2: one; 3: only the win is in March; 4: two; 6: all four, three of them skipped
    "visited": 11,  # 1: four; 2: the base and the lost stage; 3: paid; 4: two; 6: the base and paid
    "cohort_reached": 11,  # 1: four, 2: one, 4: two, 6: four
    "stage_conversion": (
        7,
        9,
    ),  # base 3 of 4 (not 2), request 2 of 3 (not 4), invoice 2 of 2 (3 reached it in February)
    "visited_next": 5,  # 1: three; 4: the request; 6: paid
    "lost_on_the_way": 1,
    "on_the_way": 1,
    "stage_days": Sample(14 / 6, 6),  # 1: 2, 2 and 6 days; 2: 2; 4: 1; 6: 1. Those of 3 were entered in February
    "median_stage_days": Sample(2, 7),  # of seven two had ended after one day, five after two; 4's request still runs
    "finished_visits": 6,
    "running_visits": 1,
    "calls": 1,
    "meetings": 1,
    "emails": 1,
    "crm_activities": 1,  # the open to-do is no action
    "comments": 1,
    "stage_moves": 7,  # 1: three, 2: one, 3: one in March, 4: one, 6: one
    "actions": 12,
    # Anna: meeting 5 + e-mail 1 + CRM activity 1 + comment 0.5 + four moves 2 = 9.5 → 10
    # Boris: call 2 + three moves 1.5 = 3.5 → 10 × 3.5 ÷ 9.5; the team's median is half-way
    "activity_index": (10 + 35 / 9.5) / 2,
    "activity_points": 6.5 / 21,  # half-way between 9.5 and 3.5, over 21 working days: 8 March was a Saturday
    "days_in_current_stage": Sample((26 + 86) / 2, 2),  # 4 since 6 March, 5 since 5 January
    "days_silent": Sample((11 + 86) / 2, 2),  # 4 since the call of the 20th, 10:00
    "forgotten": 1,  # 5: silent for 86 days; 4 for eleven
    "forgotten_money": 0,  # 5 has no rate
    "forgotten_share": (1, 2),
    "no_next_step": 1,  # 5
    "next_step_overdue": 1,  # 4: due on 25 March
    "money_at_risk": 0,  # 5 has no rate; see below for more
    # Deals 4 and 6 after a day, 1 and 2 after two; leads 2 and 3 never, ended after 8 and 4 days, 4 and 5 still wait
    "first_answer_hours": Sample(48, 8),
    "answered_in_hour": (0, 8),
    "answered_in_day": (2, 8),
    "velocity": 142.5,  # 2 in work × 3 of 4 won × 950 ÷ 10 days
    "pushes": 2,  # 4: from the 15th to the 20th, then to the 28th
    "pushed_days": 13,
    "overdue_plan": (1, 2),  # 4: due on 28 March; 5 on 10 April
    "plan": 2850,
    "pace": 2850,  # March is over
    "attainment": 1900 / 2850,
    "pace_share": 1900 / 2850,
    "gap": 950,
    "needed_per_day": float("nan"),  # no day is left
    "brought_per_day": 1900 / 21,
    "sold_money": 1900,  # 1: 2 × 400 + 200; 3: 10 $ at 90
    "sold_quantity": 4,
    "discount_share": 200 / 1200,  # 1: 2 × 100 of 2 × 500 + 200; of 3 no discount is known
    "deals_with_products": 2,  # 1, 3
    "leads_received": 4,  # 2, 3, 4, 5
    "leads_converted": 2,  # 1, 2
    "leads_lost": 1,  # 3
    "lead_conversion": (1, 4),  # of 2, 3, 4, 5: 2
    "leads_in_work": 2,  # 4, 5
    "leads_forgotten": 1,  # 5: silent for 28 days; 4 for three, since somebody rang
    "leads_forgotten_share": (1, 2),
}


@pytest.fixture(scope="module")
def march(tmp_path_factory):
    return dataset(
        tmp_path_factory.mktemp("march"), deals=DEALS, stage_history=HISTORY, activities=[*ACTIVITIES, RANG],
        comments=COMMENTS, leads=LEADS, deals_versions=VERSIONS, plan_lines=[PLAN], product_rows=PRODUCT_ROWS,
    )  # fmt: skip


def test_every_metric_has_a_number_worked_out_by_hand():
    assert set(BY_HAND) == set(METRICS)


@pytest.mark.parametrize("name", list(METRICS))
def test_a_metric_gives_what_was_worked_out_by_hand(march, name):
    value, expected = value_of(march, name), BY_HAND[name]
    if isinstance(expected, tuple):
        assert isinstance(value, Ratio)
        assert (value.k, value.n) == expected
    elif isinstance(expected, Sample):
        assert isinstance(value, Sample)
        assert (value.value, value.n) == pytest.approx((expected.value, expected.n))
    else:
        assert value == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", list(METRICS))
def test_a_metric_needs_the_fields_that_were_found_and_no_other_and_says_something_of_nothing(march, name):
    from crm_reports.measures import frames

    entry = METRICS[name]
    rows = frames.frame(march, entry.on, march.filters.elapsed)
    needed = Columns(len(rows), {name: rows[name] for name in entry.fields})
    assert str(entry.of_all(needed)) == str(entry.of_all(rows))
    nothing = entry.of_all(needed.take(np.zeros(0, dtype=int)))
    if isinstance(nothing, Ratio):
        assert (nothing.k, nothing.n) == (0, 0)
        assert isnan(nothing.value)
    elif isinstance(nothing, Sample):
        assert nothing.n == 0
        assert isnan(nothing.value)
    else:
        assert nothing == 0 or isnan(nothing)


def test_nobody_with_nothing_closed_has_a_win_rate(tmp_path):
    table = measure(dataset(tmp_path, deals=[deal(1, "2025-03-05")]), ["created", "win_rate"], by="manager")
    assert table["created"].tolist() == [1]
    assert isnan(table["win_rate"].iloc[0])


def _calls(*counts):
    """So many calls of 2 points by each of the managers 1, 2, 3 …"""
    whose = [str(id) for id, count in enumerate(counts, 1) for _call in range(count)]
    return [act(f"call {number}", "call", id, "2025-03-10", owner_type="contact") for number, id in enumerate(whose)]


def test_the_index_of_a_manager_is_the_same_whoever_the_report_is_about(tmp_path):
    calls = _calls(1, 2, 3, 4, 8)
    for filters in ({"manager": "2"}, {"department": "Kazan"}):  # where Boris is the only one
        one_page = dataset(tmp_path / next(iter(filters)), deals=[], activities=calls, **filters)
        assert value_of(one_page, "activity_index") == 10 * 2 / 8


def test_of_fewer_than_five_who_acted_nobody_s_index_tells_the_best_one_s_points(tmp_path):
    calls = _calls(1, 2, 3, 8)
    assert value_of(dataset(tmp_path, deals=[], activities=calls), "activity_index") == (2 + 3) / 2 * 10 / 8
    for filters in ({"manager": "2"}, {"department": "Kazan"}):
        page = dataset(tmp_path / next(iter(filters)), deals=[], activities=calls, **filters)
        assert isnan(value_of(page, "activity_index"))
        assert value_of(page, "activity_points") == 2 * 2 / 21


def test_what_the_source_lacks_is_missing_and_not_zero(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01", amount=None)], activities=None, stage_history=None)
    assert isnan(value_of(ds, "won_money"))
    assert isnan(value_of(ds, "forgotten"))
    assert missing(ds, "reached") != ""
    assert missing(ds, "created") == ""
    assert measure(ds, ["calls"], by="manager")["calls"].isna().all()
