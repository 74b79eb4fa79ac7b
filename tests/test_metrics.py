"""Every metric on one March that fits on a sheet of paper, and METRICS' edge cases one by one."""

from math import isnan

import pytest

from crm_reports.measures import measure, missing, one
from crm_reports.registry import METRICS, Ratio
from stores import at, dataset, deal, moves

# Six deals of March 2025, as of 1 April, 00:00 UTC. Anna (1) is in Moscow, Boris (2) in Kazan.
#   1  Anna   created 1 Mar 00:00, request 3 Mar, invoice 5 Mar, paid 11 Mar 00:00: 1 000 ₽, second win of company 5
#   2  Boris  created 2 Mar, lost 4 Mar (too expensive): 400 ₽
#   3  Anna   created 8 Feb 00:00, jumped to invoice 9 Feb, paid 10 Mar 00:00: 10 $ at 90 = 900 ₽, first win of company 5
#   4  Boris  created 5 Mar, request 6 Mar, in work: 300 ₽; call by Boris on 20 Mar, a to-do due 25 Mar is open
#   5  Anna   created 5 Jan, in work in the cold base: 50 XXX, no rate; nothing ever happened
#   6  Boris  created 7 Mar, paid 8 Mar: 0 ₽, no customer
DEALS = [
    deal(1, "2025-03-01", stage_id="WON", outcome="won", amount=1000.0),
    deal(2, "2025-03-02", stage_id="DEAR", outcome="lost", amount=400.0, manager_id="2", company_id="6"),
    deal(3, "2025-02-08", stage_id="WON", outcome="won", amount=10.0, currency="USD"),
    deal(4, "2025-03-05", stage_id="REQ", amount=300.0, manager_id="2"),
    deal(5, "2025-01-05", amount=50.0, currency="XXX"),
    deal(6, "2025-03-07", stage_id="WON", outcome="won", amount=0.0, manager_id="2", company_id=None),
]
HISTORY = [
    *moves(1, ("2025-03-01", "NEW"), ("2025-03-03", "REQ"), ("2025-03-05", "INV"), ("2025-03-11", "WON")),
    *moves(2, ("2025-03-02", "NEW"), ("2025-03-04", "DEAR")),
    *moves(3, ("2025-02-08", "NEW"), ("2025-02-09", "INV"), ("2025-03-10", "WON")),
    *moves(4, ("2025-03-05", "NEW"), ("2025-03-06", "REQ")),
    *moves(5, ("2025-01-05", "NEW")),
    *moves(6, ("2025-03-07", "NEW"), ("2025-03-08", "WON")),
]


def act(id: str, kind: str, manager: str, when: str, on: str = "4", **rest: object) -> dict[str, object]:
    plain = {"activity_id": id, "owner_type": "deal", "owner_id": on, "manager_id": manager, "kind": kind, "is_done": True,
             "is_action": True, "is_incoming": False, "is_plan": True, "created_at": at(when), "at": at(when)}  # fmt: skip
    return plain | rest


TODO = act(
    "9", "crm_activity", "2", "2025-03-20", is_done=False, is_action=False, at=None, deadline_at=at("2025-03-25")
)
ACTIVITIES = [
    act("1", "call", "2", "2025-03-20 10:00"),
    act("2", "meeting", "1", "2025-03-03 10:00", on="1"),
    act("3", "email", "1", "2025-03-04 10:00", on="1"),
    act("4", "crm_activity", "1", "2025-03-05 10:00", on="1"),
    TODO,
]
COMMENTS = [{"comment_id": "1", "owner_type": "deal", "owner_id": "1", "manager_id": "1", "at": at("2025-03-06")}]

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
    "average_check": 950,  # (1000 + 900) ÷ 2; the win of 0 ₽ is left out
    "median_check": 950,
    "cycle_days": 41 / 3,  # 10 (1 → 11 Mar), 30 (8 Feb → 10 Mar), 1 (7 → 8 Mar)
    "median_cycle_days": 10,
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
    "forgotten": 1,  # 5: silent for 86 days; 4 for eleven
    "forgotten_money": 0,  # 5 has no rate
    "forgotten_share": (1, 2),
    "no_next_step": 1,  # 5
    "next_step_overdue": 1,  # 4: due on 25 March
}


@pytest.fixture(scope="module")
def march(tmp_path_factory):
    return dataset(
        tmp_path_factory.mktemp("march"), deals=DEALS, stage_history=HISTORY, activities=ACTIVITIES, comments=COMMENTS
    )


def test_every_metric_has_a_number_worked_out_by_hand():
    assert set(BY_HAND) == set(METRICS)


@pytest.mark.parametrize("name", list(METRICS))
def test_a_metric_gives_what_was_worked_out_by_hand(march, name):
    value, expected = one(march, name), BY_HAND[name]
    if isinstance(expected, tuple):
        assert isinstance(value, Ratio)
        assert (value.k, value.n) == expected
    else:
        assert value == pytest.approx(expected)


@pytest.mark.parametrize("name", list(METRICS))
def test_a_metric_gets_only_the_fields_it_declares_and_says_something_of_nothing(march, name):
    from crm_reports import frames

    entry = METRICS[name]
    nothing = entry.compute(frames.frame(march, entry.on, march.filters.elapsed).iloc[:0][list(entry.fields)])
    if isinstance(nothing, Ratio):
        assert (nothing.k, nothing.n) == (0, 0)
        assert isnan(nothing.value)
    else:
        assert nothing == 0 or isnan(nothing)


def test_nobody_with_nothing_closed_has_a_win_rate(tmp_path):
    table = measure(dataset(tmp_path, deals=[deal(1, "2025-03-05")]), ["created", "win_rate"], by="manager")
    assert table["created"].tolist() == [1]
    assert isnan(table["win_rate"].iloc[0])


# ── Edge cases ───────────────────────────────────────────────────────────────────────────────────────────────────────


def numbers(ds, *names):
    return [value.k if isinstance(value := one(ds, name), Ratio) else value for name in names]


def test_a_reopened_deal_is_in_work_and_not_won(tmp_path):
    ds = dataset(
        tmp_path,
        deals=[deal(1, "2025-02-01", stage_id="REQ")],
        stage_history=moves(1, ("2025-02-01", "NEW"), ("2025-03-02", "WON"), ("2025-03-09", "REQ")),
    )
    assert numbers(ds, "won", "in_work") == [0, 1]
    assert ds.deals["is_reopened"].tolist() == [True]
    assert [note.code for note in ds.quality if note.code == "reopened"] == ["reopened"]


def test_the_same_deal_was_won_before_it_was_reopened(tmp_path):
    tables = {
        "deals": [deal(1, "2025-02-01", stage_id="REQ")],
        "stage_history": moves(1, ("2025-02-01", "NEW"), ("2025-03-02", "WON"), ("2025-03-09", "REQ")),
    }
    assert numbers(dataset(tmp_path, as_of="2025-03-09", **tables), "won", "in_work") == [1, 0]


def test_what_happens_at_the_very_instant_of_as_of_does_not_count(tmp_path):
    tables = {
        "deals": [deal(1, "2025-03-01", stage_id="WON", outcome="won"), deal(2, "2025-03-10")],
        "stage_history": [*moves(1, ("2025-03-01", "NEW"), ("2025-03-10", "WON")), *moves(2, ("2025-03-10", "NEW"))],
    }
    assert numbers(dataset(tmp_path, as_of="2025-03-10", **tables), "created", "won", "in_work") == [1, 0, 1]


def test_from_one_lost_stage_to_another_counts_once_at_the_last_entry(tmp_path):
    tables = {
        "deals": [deal(1, "2025-02-01", stage_id="GONE", outcome="lost")],
        "stage_history": moves(1, ("2025-02-01", "NEW"), ("2025-02-10", "DEAR"), ("2025-03-05", "GONE")),
    }
    assert numbers(dataset(tmp_path, **tables), "lost") == [1]
    assert numbers(dataset(tmp_path, period="2025-02", **tables), "lost") == [0]


def test_a_step_back_does_not_undo_what_was_reached(tmp_path):
    ds = dataset(
        tmp_path,
        deals=[deal(1, "2025-03-01", stage_id="REQ")],
        stage_history=moves(1, ("2025-03-01", "NEW"), ("2025-03-02", "INV"), ("2025-03-03", "REQ")),
    )
    table = measure(ds, ["reached", "visited"], by="stage").set_index("stage_id")
    assert table["reached"].to_dict() == {"NEW": 1, "REQ": 1, "INV": 1}  # the request was skipped, then reached
    assert table["visited"].to_dict() == {"NEW": 1, "REQ": 1, "INV": 1}
    assert "moved_backwards" in [note.code for note in ds.quality]


def test_a_deal_born_lost_reached_nothing(tmp_path):
    ds = dataset(
        tmp_path,
        deals=[deal(1, "2025-03-01", stage_id="DEAR", outcome="lost")],
        stage_history=moves(1, ("2025-03-01", "DEAR")),
    )
    assert numbers(ds, "lost", "reached", "cohort_reached") == [1, 0, 0]


def test_two_wins_of_a_customer_at_one_instant_are_new_and_repeat_by_id(tmp_path):
    won = {"stage_id": "WON", "outcome": "won"}
    ds = dataset(
        tmp_path,
        deals=[deal(10, "2025-03-01", **won), deal(9, "2025-03-01", **won)],
        stage_history=[*moves(10, ("2025-03-05", "WON")), *moves(9, ("2025-03-05", "WON"))],
    )
    assert ds.deals.set_index("deal_id")["is_repeat"].to_dict() == {"9": False, "10": True}


def test_no_filter_narrows_the_history_that_makes_a_customer_a_repeat_one(tmp_path):
    won = {"stage_id": "WON", "outcome": "won"}
    tables = {
        "deals": [deal(1, "2024-01-01", manager_id="2", **won), deal(2, "2025-03-01", **won)],
        "stage_history": [*moves(1, ("2024-01-05", "WON")), *moves(2, ("2025-03-05", "WON"))],
    }
    assert numbers(dataset(tmp_path, manager="Anna", **tables), "new_customers", "repeat_customers") == [0, 1]


def test_a_deal_without_history_is_dated_by_its_last_move_else_by_its_closing_date(tmp_path):
    won = {"stage_id": "WON", "outcome": "won"}
    deals = [
        deal(1, "2025-02-01", moved_at=at("2025-03-31 23:59"), closed_at=at("2025-02-02"), **won),
        deal(2, "2025-02-01", closed_at=at("2025-03-01"), **won),
        deal(3, "2025-02-01", moved_at=at("2025-04-02"), **won),
    ]
    ds = dataset(tmp_path, deals=deals, stage_history=[])
    assert numbers(ds, "won", "in_work") == [2, 1]  # the third was still open, on a stage nobody knows
    assert ds.deals.set_index("deal_id").loc["3", "stage_id"] == ""


def test_a_closed_deal_whose_history_never_saw_it_close_is_closed_at_its_last_move(tmp_path):
    ds = dataset(
        tmp_path,
        deals=[deal(1, "2025-02-01", stage_id="WON", outcome="won", moved_at=at("2025-03-07"))],
        stage_history=moves(1, ("2025-02-01", "NEW"), ("2025-02-03", "REQ")),
    )
    assert numbers(ds, "won", "in_work") == [1, 0]
    assert "closing_added" in [note.code for note in ds.quality]


def test_a_deal_without_creation_date_is_in_stock_and_in_no_periods_created(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, None), deal(2, "2025-03-01")], activities=[])
    assert numbers(ds, "created", "in_work", "forgotten") == [1, 2, 1]  # the first one's silence is unknown


def test_days_silent_are_whole_days_of_24_hours(tmp_path):
    deals = [deal(1, "2025-03-17 23:59"), deal(2, "2025-03-18 00:00"), deal(3, "2025-03-18 00:01")]
    ds = dataset(tmp_path, deals=deals, activities=[])
    assert ds.open_deals.set_index("deal_id")["days_silent"].to_dict() == {"1": 14, "2": 14, "3": 13}
    assert numbers(ds, "forgotten") == [2]


def test_an_incoming_call_takes_a_deal_off_the_list_and_is_no_action(tmp_path):
    rang = act("1", "call", "1", "2025-03-30", on="1", is_action=False, is_incoming=True, is_plan=False)
    ds = dataset(tmp_path, deals=[deal(1, "2025-01-01")], activities=[rang])
    assert numbers(ds, "forgotten", "actions", "no_next_step") == [0, 0, 1]


def test_a_planned_future_step_takes_a_deal_off_the_list_only_when_asked(tmp_path):
    plan = act(
        "1", "call", "1", "2025-01-02", on="1", is_done=False, is_action=False, at=None, deadline_at=at("2025-05-01")
    )
    tables = {"deals": [deal(1, "2025-01-01")], "activities": [plan]}
    assert numbers(dataset(tmp_path, **tables), "forgotten", "no_next_step", "next_step_overdue") == [1, 0, 0]
    assert numbers(dataset(tmp_path, snooze_planned=True, **tables), "forgotten") == [0]


def test_a_plan_that_was_done_later_was_still_a_plan_that_night(tmp_path):
    later = act("1", "meeting", "1", "2025-03-20", on="1", at=at("2025-04-03"), deadline_at=at("2025-03-25"))
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], activities=[later])
    assert numbers(ds, "meetings", "no_next_step", "next_step_overdue") == [0, 0, 1]


def test_a_todo_was_done_no_later_than_the_first_sync_that_saw_it_done(tmp_path):
    todo = act("1", "crm_activity", "1", "2025-03-01", on="1", at=at("2025-05-09"))  # edited long after
    seen = [{"activity_id": "1", "seen_at": at("2025-03-08")}]
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], activities=[todo], done_seen=seen)
    assert numbers(ds, "crm_activities") == [1]


def test_the_index_of_a_manager_is_the_same_whoever_the_report_is_about(march, tmp_path):
    tables = {"deals": DEALS, "stage_history": HISTORY, "activities": ACTIVITIES, "comments": COMMENTS}
    alone = dataset(tmp_path / "alone", manager="Boris", **tables)
    assert one(alone, "activity_index") == pytest.approx(35 / 9.5)


def test_a_day_that_the_clocks_make_longer_still_belongs_to_its_period(tmp_path):
    from crm_reports.dataset import load
    from stores import make_store

    settings = make_store(
        tmp_path, deals=[deal(1, "2025-03-29 23:30"), deal(2, "2025-03-30 21:30"), deal(3, "2025-03-30 22:30")]
    )
    berlin = settings.model_copy(update={"time_zone": "Europe/Berlin"})
    # 30 March has 23 hours in Berlin: from 29 March 23:00 UTC to 30 March 22:00 UTC.
    assert one(load(period="2025-03-30", as_of="2025-04-05", settings=berlin), "created") == 2


def test_what_the_source_lacks_is_missing_and_not_zero(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01", amount=None)], activities=None, stage_history=None)
    assert isnan(one(ds, "won_money"))
    assert isnan(one(ds, "forgotten"))
    assert missing(ds, "reached") != ""
    assert missing(ds, "created") == ""
    assert measure(ds, ["calls"], by="manager")["calls"].isna().all()


def test_an_empty_slice_gives_zeros_and_missing_rates(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], stage_history=[], source="Call")
    assert numbers(ds, "created", "won", "won_money") == [0, 0, 0]
    assert isnan(one(ds, "average_check"))
    assert isnan(one(ds, "conversion").value)
