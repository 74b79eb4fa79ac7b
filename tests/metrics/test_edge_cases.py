"""The edge cases of the definitions, one by one, each small enough to check on paper."""

from math import isnan

import pytest

from crm_reports.measures.load import load
from crm_reports.measures.measure import measure, value_of
from crm_reports.measures.over_time import over_time
from crm_reports.measures.tiles import tiles
from crm_reports.metrics.rows import Ratio
from march import act
from stores import STAGES, at, dataset, deal, lead, make_store, moves, nights

WON = {"stage_id": "WON", "outcome": "won"}
LOST = {"stage_id": "DEAR", "outcome": "lost"}


def numbers(ds, *names):
    return [value.k if isinstance(value := value_of(ds, name), Ratio) else value for name in names]


def codes(ds):
    return [note.code for note in ds.quality]


# ── Won, lost, reopened ──────────────────────────────────────────────────────────────────────────────────────────────


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
    syncs = [night | {"present": "deals,activities"} for night in nights("2025-03-08", "2025-04-01")]
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], activities=[todo], done_seen=seen, syncs=syncs)
    assert numbers(ds, "crm_activities") == [1]


def test_a_day_that_the_clocks_make_longer_still_belongs_to_its_period(tmp_path):

    settings = make_store(
        tmp_path, deals=[deal(1, "2025-03-29 23:30"), deal(2, "2025-03-30 21:30"), deal(3, "2025-03-30 22:30")]
    )
    berlin = settings.model_copy(update={"time_zone": "Europe/Berlin"})
    # 30 March has 23 hours in Berlin: from 29 March 23:00 UTC to 30 March 22:00 UTC.
    assert value_of(load(period="2025-03-30", as_of="2025-04-05", settings=berlin), "created") == 2


def test_an_empty_slice_gives_zeros_and_missing_rates(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], stage_history=[], source="Call")
    assert numbers(ds, "created", "won", "won_money") == [0, 0, 0]
    assert isnan(value_of(ds, "average_check").value)
    assert isnan(value_of(ds, "conversion").value)


# ── Money ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deal_in_a_currency_without_a_rate_is_counted_and_not_priced(tmp_path):
    deals = [deal(1, "2025-03-01", currency="XXX", amount=70.0, **WON), deal(2, "2025-03-01", amount=30.0, **WON)]
    history = [*moves(1, ("2025-03-02", "WON")), *moves(2, ("2025-03-02", "WON"))]
    ds = dataset(tmp_path, deals=deals, stage_history=history)
    assert numbers(ds, "won", "won_money", "zero_money_wins") == [2, 30, 0]
    assert (value_of(ds, "average_check").value, value_of(ds, "average_check").n) == (30, 1)
    assert ds.deals_of_note("not_priced")["deal_id"].tolist() == ["1"]


def test_wins_without_money_are_listed_apart(tmp_path):
    deals = [
        deal(1, "2025-03-01", amount=0.0, **WON), deal(2, "2025-03-01", amount=30.0, **WON),
        deal(3, "2025-03-01", amount=None, **WON), deal(4, "2025-03-01", amount=0.0),
    ]  # fmt: skip
    history = [move for id in (1, 2, 3) for move in moves(id, ("2025-03-02", "WON"))]
    ds = dataset(tmp_path, deals=deals, stage_history=history)
    assert value_of(ds, "zero_money_wins") == 2  # 1 and 3
    assert value_of(ds, "average_check").value == 30


# ── Customers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_deal_without_customer_is_in_the_totals_and_neither_new_nor_repeat(tmp_path):
    deals = [deal(1, "2025-03-01", company_id=None, **WON), deal(2, "2025-03-01")]
    ds = dataset(tmp_path, deals=deals, stage_history=moves(1, ("2025-03-02", "WON")))
    assert numbers(ds, "won", "won_money", "new_customers", "repeat_customers", "customers") == [1, 100, 0, 0, 0]
    assert isnan(value_of(ds, "repeat_share").value)
    table = measure(ds, ["won"], by="customer_kind")
    assert table[["customer_kind", "won"]].to_numpy().tolist() == [["new", 0], ["no customer", 1]]


def test_a_contact_is_the_customer_where_there_is_no_company(tmp_path):
    deals = [deal(id, "2025-03-01", company_id=None, contact_id="8", **WON) for id in (1, 2)]
    history = [*moves(1, ("2025-03-02", "WON")), *moves(2, ("2025-03-03", "WON"))]
    assert numbers(
        dataset(tmp_path, deals=deals, stage_history=history), "new_customers", "repeat_customers", "customers"
    ) == [1, 1, 1]


def test_a_deal_in_work_is_of_a_repeat_customer_once_that_one_has_bought(tmp_path):
    deals = [
        deal(1, "2025-03-01", **WON), deal(2, "2025-03-01"), deal(3, "2025-03-01", **LOST),
        deal(4, "2025-03-01", company_id="6"),
    ]  # fmt: skip
    history = [*moves(1, ("2025-03-09", "WON")), *moves(3, ("2025-03-05", "DEAR"))]  # lost before the first win
    table = measure(
        dataset(tmp_path, deals=deals, stage_history=history), ["created", "won", "lost", "in_work"], by="customer_kind"
    )
    assert table.set_index("customer_kind_id").loc[["new", "repeat"]].iloc[:, 1:5].to_numpy().tolist() == [
        [3, 1, 1, 1],  # 1 bought for the first time; 3 was lost before that; 4 has never bought
        [1, 0, 0, 1],  # 2 is in work with one who has bought
    ]


# ── The funnel ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_skipped_stage_counts_as_reached_and_not_as_visited(tmp_path):
    ds = dataset(
        tmp_path, deals=[deal(1, "2025-03-01", stage_id="INV")],
        stage_history=moves(1, ("2025-03-01", "NEW"), ("2025-03-02", "INV")),
    )  # fmt: skip
    table = measure(ds, ["reached", "visited", "stage_conversion"], by="stage").set_index("stage_id")
    assert table.loc["REQ", ["reached", "visited"]].tolist() == [1, 0]
    assert table.loc[["NEW", "REQ"], "stage_conversion_k"].tolist() == [1, 1]


def test_a_visit_that_still_runs_is_never_counted_as_finished(tmp_path):
    deals = [deal(id, "2025-03-01", stage_id="REQ") for id in (1, 2, 3)]
    history = [
        *moves(1, ("2025-03-01", "NEW"), ("2025-03-03", "REQ")),  # two days
        *moves(2, ("2025-03-01", "NEW"), ("2025-03-05", "REQ")),  # four days
        *moves(3, ("2025-03-01", "NEW")),  # runs for 31
    ]
    table = measure(
        dataset(tmp_path, deals=deals, stage_history=history),
        ["stage_days", "median_stage_days", "finished_visits", "running_visits"], by="stage",
    ).set_index("stage_id")  # fmt: skip
    assert table.loc["NEW", ["stage_days", "stage_days_n"]].tolist() == [3, 2]
    assert table.loc["NEW", ["median_stage_days", "median_stage_days_n"]].tolist() == [4, 3]  # 2, 4, longer than 31
    assert table.loc["NEW", ["finished_visits", "running_visits"]].tolist() == [2, 1]
    assert isnan(table.loc["REQ", "stage_days"])
    assert isnan(table.loc["REQ", "median_stage_days"])  # both run


def test_an_entry_into_the_same_stage_goes_on_with_the_visit(tmp_path):
    path = moves(1, ("2025-03-01", "NEW"), ("2025-03-04", "NEW"), ("2025-03-11", "REQ"))
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01", stage_id="REQ")], stage_history=path)
    table = measure(ds, ["stage_days", "finished_visits"], by="stage").set_index("stage_id")
    assert table.loc["NEW", ["stage_days", "finished_visits"]].tolist() == [10, 1]
    assert value_of(ds, "days_in_current_stage").value == 21


# ── Time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_29_february_is_a_day_like_any_other_and_a_year_ago_is_28_february(tmp_path):
    deals = [deal(1, "2024-02-29"), deal(2, "2023-02-28 12:00"), deal(3, "2024-03-01"), deal(4, "2023-03-01")]
    ds = dataset(tmp_path, period="2024-02-29", as_of="2024-03-05", comparison="year_ago", deals=deals)
    tile = tiles(ds, ["created"]).iloc[0]
    assert (tile["value"], tile["previous"]) == (1, 1)
    assert (ds.filters.previous.start.isoformat(), ds.filters.previous.days) == ("2023-02-28", 1)


def test_the_last_instant_of_a_month_is_in_it_and_the_next_one_is_not(tmp_path):
    deals = [deal(1, "2025-03-31 23:59:59.999999"), deal(2, "2025-04-01 00:00")]
    tables = {"deals": deals, "as_of": "2025-05-01"}
    assert numbers(dataset(tmp_path / "march", **tables), "created") == [1]
    assert numbers(dataset(tmp_path / "april", period="2025-04", **tables), "created") == [1]


def test_a_win_at_midnight_belongs_to_the_day_that_begins(tmp_path):
    deals = [deal(1, "2025-02-01", **WON)]
    history = moves(1, ("2025-02-01", "NEW"), ("2025-04-01 00:00", "WON"))
    tables = {"deals": deals, "stage_history": history, "as_of": "2025-04-02"}
    assert numbers(dataset(tmp_path / "march", **tables), "won", "in_work") == [0, 0]
    assert numbers(dataset(tmp_path / "april", period="2025-04-01", **tables), "won") == [1]


def test_a_running_period_is_of_the_days_gone_by_and_compared_with_as_many(tmp_path):
    days = ("2025-03-01", "2025-03-09", "2025-03-10", "2025-01-29", "2025-02-06", "2025-02-07")
    ds = dataset(tmp_path, as_of="2025-03-10", deals=[deal(number, day) for number, day in enumerate(days)])
    row = measure(ds, ["created"], by="manager", compare=True).iloc[0]
    assert (row["created"], row["created_previous"], row["created_change"]) == (2, 2, 0)


def test_a_year_ago_can_be_asked_for_beside_the_period_before(tmp_path):
    deals = [deal(1, "2025-03-05"), deal(2, "2024-03-05"), deal(3, "2024-03-06", manager_id="2"), deal(4, "2025-02-05")]
    ds = dataset(tmp_path, deals=deals)
    before = measure(ds, ["created"], by="manager", compare=True, total=True)
    assert before[["created", "created_previous"]].to_numpy().tolist() == [[1, 1], [1, 1]]
    year = measure(ds, ["created"], by="manager", compare="year_ago", total=True)
    assert year[["created", "created_previous"]].to_numpy().tolist() == [[1, 1], [0, 1], [1, 2]]
    assert year["created_change"].tolist() == [0, -1, -0.5]


# ── Little or nothing ────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_deal_makes_one_row_everywhere(tmp_path):
    ds = dataset(
        tmp_path, deals=[deal(1, "2025-03-01", amount=250.0, **WON)],
        stage_history=moves(1, ("2025-03-01", "NEW"), ("2025-03-03", "WON")),
    )  # fmt: skip
    for by in ("manager", "department", "pipeline", "source", "stage", "customer_kind"):
        table = measure(ds, ["created", "won", "won_money", "win_rate", "average_check", "cycle_days"], by=by)
        assert table[["created", "won", "won_money", "average_check", "cycle_days"]].to_numpy().tolist() == [
            [1, 1, 250, 250, 2]
        ]
        assert table[["win_rate", "win_rate_k", "win_rate_n"]].to_numpy().tolist() == [[1, 1, 1]]
    assert over_time(ds, ["won"]).groupby("size")["won"].sum().tolist() == [1, 1, 1, 1]
    assert measure(ds, ["win_rate"], by="manager")["win_rate_differs"].tolist() == [False]  # from whom?


# ── Who and where that are no more ───────────────────────────────────────────────────────────────────────────────────


def test_a_dismissed_manager_keeps_the_past_and_the_deals_in_work_are_a_note(tmp_path):
    people = [
        {"manager_id": "1", "name": "Anna", "is_active": False},
        {"manager_id": "2", "name": "Boris", "is_active": True},
    ]
    ds = dataset(
        tmp_path, managers=people, deals=[deal(1, "2025-03-01", **WON), deal(2, "2025-03-02")],
        stage_history=[*moves(1, ("2025-03-05", "WON")), *moves(2, ("2025-03-02", "NEW"))],
    )  # fmt: skip
    table = measure(ds, ["won", "in_work"], by="manager")
    assert table[["manager", "won", "in_work"]].to_numpy().tolist() == [["Anna", 1, 1]]
    assert ds.deals_of_note("dismissed_owner")["deal_id"].tolist() == ["2"]


def test_a_deleted_stage_keeps_its_deals_and_its_time_under_its_id(tmp_path):
    path = moves(1, ("2025-03-01", "NEW"), ("2025-03-03", "REQ"), ("2025-03-08", "INV"))
    left = [stage for stage in STAGES if stage["stage_id"] != "REQ"]
    tables = {"deals": [deal(1, "2025-03-01", stage_id="INV")], "stage_history": path, "stages": left}
    table = measure(dataset(tmp_path, **tables), ["visited", "stage_days"], by="stage").set_index("stage_id")
    assert table.loc["REQ", "stage"] == "deleted stage REQ"
    assert table.loc["REQ", ["visited", "stage_days"]].tolist() == [1, 5]
    reached = measure(dataset(tmp_path, **tables), ["reached"], by="stage")
    assert reached["stage_id"].tolist() == ["NEW", "INV"]  # it is no step of the funnel any more


# ── Silence ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_money_at_risk_is_money_times_the_share_of_past_deals_as_silent_there_that_were_won(tmp_path):
    # Silent on the request for 14 days or more: 1 (20 days, won), 2 (40 days, lost), 3 (30 days, won). 4 was not (5 days).
    # 5 is silent there for 15 days: 2 of 3 were won. 6 for 29 days: of those silent for 28 or more, 2 and 3, one was won.
    # 7 is silent on the invoice, where nobody ever was: nothing is known of it.
    deals = [
        deal(1, "2024-11-01", **WON), deal(2, "2024-11-01", **LOST), deal(3, "2024-11-01", **WON),
        deal(4, "2024-11-01", **WON), deal(5, "2025-03-17", stage_id="REQ", amount=300.0),
        deal(6, "2025-03-03", stage_id="REQ", amount=1000.0), deal(7, "2025-03-01", stage_id="INV", amount=5000.0),
    ]  # fmt: skip
    history = [
        *moves(1, ("2024-11-01", "REQ"), ("2024-11-21", "WON")),
        *moves(2, ("2024-11-01", "REQ"), ("2024-12-31", "DEAR")),
        *moves(3, ("2024-11-01", "REQ"), ("2024-12-01", "WON")),
        *moves(4, ("2024-11-01", "REQ"), ("2024-11-06", "WON")),
        *moves(5, ("2025-03-17", "REQ")), *moves(6, ("2025-03-03", "REQ")), *moves(7, ("2025-03-01", "INV")),
    ]  # fmt: skip
    called = act("1", "call", "1", "2024-11-21", on="2")  # so deal 2 was silent for 20 and then for 40 days
    ds = dataset(tmp_path, deals=deals, stage_history=history, activities=[called])
    found = ds.forgotten_deals.set_index("deal_id")
    assert found[["chance_k", "chance_n"]].fillna(0).to_numpy().tolist() == [[2, 3], [1, 2], [0, 0]]
    assert value_of(ds, "money_at_risk") == pytest.approx(300 * 2 / 3 + 1000 / 2)
    assert ds.work.outcomes[["stage_id", "silent_days", "k", "n"]].to_numpy().tolist() == [
        ["REQ", 14, 2, 3], ["REQ", 28, 1, 2],
    ]  # fmt: skip
    assert value_of(ds, "forgotten_money") == 6300


def _one_won_after_silence(tmp_path, **filters):
    """Boris' deal from a call was won after twenty silent days; Anna's from the website is silent now."""
    deals = [
        deal(1, "2024-11-01", manager_id="2", source_id="CALL", **WON),
        deal(2, "2025-03-10", stage_id="REQ"),
    ]
    history = [*moves(1, ("2024-11-01", "REQ"), ("2024-11-21", "WON")), *moves(2, ("2025-03-10", "REQ"))]
    return dataset(tmp_path, deals=deals, stage_history=history, activities=[], **filters)


def test_no_filter_of_deals_narrows_the_past_that_a_chance_is_taken_from(tmp_path):
    assert value_of(_one_won_after_silence(tmp_path, source="Website"), "money_at_risk") == 100


def test_a_page_about_a_person_takes_the_chance_from_their_own_past_alone(tmp_path):
    ds = _one_won_after_silence(tmp_path, manager="Anna")
    assert ds.work.outcomes.empty
    assert ds.forgotten_deals["chance"].isna().all()


def test_silence_after_a_loss_is_no_silence_of_work(tmp_path):
    # Lost for 40 days, then reopened and won: it was never silent on a stage of work for 14 days.
    path = moves(1, ("2024-11-01", "REQ"), ("2024-11-03", "DEAR"), ("2024-12-13", "REQ"), ("2024-12-15", "WON"))
    ds = dataset(tmp_path, deals=[deal(1, "2024-11-01", **WON)], stage_history=path, activities=[])
    assert ds.work.outcomes.empty


def test_a_lead_that_is_converted_at_the_very_instant_of_as_of_is_still_in_work(tmp_path):
    leads = [lead(1, "2025-03-01", outcome="won", closed_at=at("2025-04-01"))]
    ds = dataset(tmp_path, deals=[], activities=[], leads=leads)
    assert numbers(ds, "leads_converted", "leads_in_work", "lead_conversion") == [0, 1, 0]
