"""First answer: how long deals and leads wait for a person, those that still wait counted in."""

from math import isnan

from crm_reports import elements
from crm_reports.measures.measure import measure, value_of
from march import act
from stores import at, dataset, deal, lead, moves


def waiting(folder, *deals, acts=(), leads=(), history=(), **filters):
    return dataset(
        folder, deals=list(deals), activities=list(acts), leads=list(leads), comments=[], stage_history=list(history), **filters
    )  # fmt: skip


def call(id, when, on, **rest):
    return act(str(id), "call", "1", when, on=str(on), **rest)


def test_what_still_waits_is_longer_than_so_far_and_not_left_out(tmp_path):
    deals = [deal(id, "2025-03-10 08:00") for id in (1, 2, 3)]
    calls = [call(1, "2025-03-10 08:30", 1), call(2, "2025-03-10 12:00", 2)]
    ds = waiting(tmp_path, *deals, acts=calls)
    hours = value_of(ds, "first_answer_hours")
    assert (hours.value, hours.n) == (
        4,
        3,
    )  # of three two had an answer after four hours; of those answered alone half had it sooner
    assert [value_of(ds, name).k for name in ("answered_in_hour", "answered_in_day")] == [1, 2]


def test_while_more_than_half_wait_there_is_no_median(tmp_path):
    ds = waiting(tmp_path, *(deal(id, "2025-03-10") for id in (1, 2, 3)), acts=[call(1, "2025-03-11", 1)])
    assert isnan(value_of(ds, "first_answer_hours").value)
    finding = elements.first_answer(ds).finding
    assert finding == "More than half still wait for a first answer; 0 of 3 had it within an hour"


def test_a_robot_and_a_message_that_comes_in_are_no_answer_and_a_stage_move_is_one(tmp_path):
    acts = [
        call(1, "2025-03-10 01:00", 1, is_action=False),
        call(2, "2025-03-10 02:00", 1, is_action=False, is_incoming=True),
    ]
    history = moves(1, ("2025-03-10 00:00", "NEW"), ("2025-03-10 05:00", "REQ"))
    ds = waiting(tmp_path, deal(1, "2025-03-10", stage_id="REQ"), acts=acts, history=history)
    assert value_of(ds, "first_answer_hours").value == 5


def test_a_call_before_the_deal_was_written_down_is_an_answer_at_once(tmp_path):
    ds = waiting(tmp_path, deal(1, "2025-03-10 12:00"), acts=[call(1, "2025-03-10 11:00", 1)])
    assert value_of(ds, "first_answer_hours").value == 0
    assert value_of(ds, "answered_in_hour").k == 1


def test_nobody_is_late_before_the_hour_is_over(tmp_path):
    """Created half an hour before the report's instant: not yet answered is not unanswered."""
    ds = waiting(
        tmp_path, deal(1, "2025-03-31 23:30"), deal(2, "2025-03-31 12:00"), acts=[call(1, "2025-03-31 12:10", 2)]
    )
    hour, day = (value_of(ds, name) for name in ("answered_in_hour", "answered_in_day"))
    assert [(share.k, share.n) for share in (hour, day)] == [(1, 1), (1, 1)]


def test_what_was_closed_without_an_action_waits_no_longer_than_it_lived(tmp_path):
    closed = deal(1, "2025-03-10", outcome="lost", stage_id="DEAR", closed_at=at("2025-03-10 10:00"))
    ds = waiting(tmp_path, closed, deal(2, "2025-03-10"), acts=[call(1, "2025-03-10 20:00", 2)], history=[])
    # After the ten hours of the first, whom nobody answered, the second alone waits: it had its answer after twenty.
    assert value_of(ds, "first_answer_hours").value == 20


def test_leads_wait_too_by_whose_they_are_and_whence_they_came(tmp_path):
    lead_call = act("9", "call", "1", "2025-03-10 03:00", on="7", owner_type="lead")
    leads = [lead(7, "2025-03-10 00:00", manager_id="2", source_id="CALL")]
    ds = waiting(tmp_path, deal(1, "2025-03-10 00:00"), acts=[call(1, "2025-03-10 01:00", 1), lead_call], leads=leads)
    by_manager = measure(ds, ["first_answer_hours", "answered_in_hour"], by="manager")
    assert by_manager[["manager", "first_answer_hours", "answered_in_hour_k", "answered_in_hour_n"]].values.tolist() == [
        ["Anna", 1, 1, 1], ["Boris", 3, 0, 1],
    ]  # fmt: skip
    table = elements.first_answer_by_source(ds).table
    assert dict(zip(table["source"], table["first_answer_hours"], strict=True))["Call"] == 3


def test_under_a_pipeline_filter_leads_are_left_out(tmp_path):
    ds = waiting(
        tmp_path, deal(1, "2025-03-10"), acts=[call(1, "2025-03-10 01:00", 1)], leads=[lead(7, "2025-03-10")], pipeline="Sales"
    )  # fmt: skip
    assert value_of(ds, "first_answer_hours").n == 1


def test_an_answer_after_the_report_s_instant_is_not_known_yet(tmp_path):
    ds = waiting(tmp_path, deal(1, "2025-03-10"), acts=[call(1, "2025-04-02", 1)])
    assert value_of(ds, "answered_in_day").k == 0


def test_a_source_without_actions_says_so_and_one_without_calls_which_kinds_it_has_none_of(tmp_path):
    element = elements.first_answer(dataset(tmp_path / "none", deals=[deal(1, "2025-03-10")], activities=None))
    assert "The source has no activities." in element.missing
    letters = waiting(tmp_path / "letters", deal(1, "2025-03-10"), acts=[act("1", "email", "1", "2025-03-11", on="1")])
    assert "No data: call, meeting" in elements.first_answer(letters).note


def test_the_heading_says_how_long_half_of_them_wait(tmp_path):
    ds = waiting(tmp_path, deal(1, "2025-03-10"), acts=[call(1, "2025-03-10 05:00", 1)])
    assert (
        elements.first_answer(ds).finding
        == "Half wait 5 hours or longer for a first answer; 0 of 1 had it within an hour"
    )
