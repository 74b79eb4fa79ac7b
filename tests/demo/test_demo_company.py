"""The invented company: what a portal would have kept of every change, and a believable business."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitrix24_demo import Company, Quirks, Stage, invent

TODAY = date(2025, 3, 14)


@pytest.fixture
def company() -> Company:
    return Company.small(now=datetime(2025, 3, 1, 12, 0))


@pytest.fixture(scope="module")
def invented() -> Company:
    return invent(deals=600, seed=5, today=TODAY)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def entries(company: Company, deal: int) -> list[tuple[int, str, str]]:
    return [
        (row["TYPE_ID"], row["STAGE_ID"], row["STAGE_SEMANTIC_ID"])
        for row in company.history
        if row["OWNER_ID"] == deal
    ]


# What a portal does


def test_an_instant_without_offset_is_the_company_s_local_time(company):
    deal = company.add_deal("A", at=datetime(2025, 2, 1, 10, 0))
    assert company.deals[deal]["DATE_CREATE"] == utc(2025, 2, 1, 7, 0)


def test_creation_notes_type_1_a_move_type_2_an_end_type_3(company):
    deal = company.add_deal("A")
    company.move(deal, "PREPARATION")
    company.move(deal, "WON")
    assert entries(company, deal) == [(1, "NEW", "P"), (2, "PREPARATION", "P"), (3, "WON", "S")]


def test_a_deal_born_won_has_a_type_3_entry_only(company):
    assert entries(company, company.add_deal("A", stage="WON")) == [(3, "WON", "S")]


def test_reopening_is_type_2_and_a_change_of_pipeline_type_5(company):
    company.add_pipeline("Tenders", [Stage("NEW", "New"), Stage("LOSE", "Lost", "F")])
    deal = company.add_deal("A", stage="LOSE")
    company.move(deal, "NEW")
    company.move(deal, "C1:LOSE")
    assert entries(company, deal) == [(3, "LOSE", "F"), (2, "NEW", "P"), (5, "C1:LOSE", "F")]
    assert company.deals[deal]["CATEGORY_ID"] == 1


def test_a_move_stamps_the_deal_and_closing_overwrites_the_planned_date(company):
    deal = company.add_deal("A", at=datetime(2025, 1, 10, 10), CLOSEDATE=date(2025, 6, 1))
    # Half past midnight in Moscow is the evening before in UTC: the portal's calendar decides.
    company.move(deal, "LOSE", datetime(2025, 2, 3, 0, 30))
    row = company.deals[deal]
    assert (row["CLOSED"], row["CLOSEDATE"]) == ("Y", date(2025, 2, 3))
    assert row["MOVED_TIME"] == row["DATE_MODIFY"] == utc(2025, 2, 2, 21, 30)


def test_from_one_lost_stage_to_another_the_closing_date_stays(company):
    deal = company.add_deal("A", at=datetime(2025, 1, 10, 10))
    company.move(deal, "LOSE", datetime(2025, 2, 3, 10))
    company.move(deal, "APOLOGY", datetime(2025, 2, 9, 10))
    assert company.deals[deal]["CLOSEDATE"] == date(2025, 2, 3)
    assert company.deals[deal]["MOVED_TIME"] == utc(2025, 2, 9, 7)


def test_a_win_flags_the_client_s_older_deals_without_touching_date_modify(company):
    client = company.add_company("Client")
    older = company.add_deal("A", stage="LOSE", at=datetime(2025, 1, 1), COMPANY_ID=client)
    first, second = (company.add_deal(title, COMPANY_ID=client) for title in "BC")
    company.move(first, "WON")
    company.move(second, "WON")
    flags = [company.deals[deal]["IS_RETURN_CUSTOMER"] for deal in (older, first, second)]
    assert flags == ["Y", "N", "Y"]
    assert company.deals[older]["DATE_MODIFY"] == utc(2024, 12, 31, 21)


def test_comments_and_activities_move_only_the_last_activity(company):
    deal = company.add_deal("A", at=datetime(2025, 1, 1, 12))
    company.add_comment("Hello", owner=deal, at=datetime(2025, 1, 5, 12), manager=2)
    company.add_activity("email", owner=deal, direction="out", done=True, at=datetime(2025, 1, 3, 12))
    row = company.deals[deal]
    assert (row["LAST_ACTIVITY_TIME"], row["LAST_ACTIVITY_BY"]) == (utc(2025, 1, 5, 9), 2)
    assert row["DATE_MODIFY"] == utc(2025, 1, 1, 9)


def test_deadlines_follow_the_kind_and_none_is_the_year_9999(company):
    deal, at = company.add_deal("A"), datetime(2025, 3, 3, 12)
    kinds = {"call": {}, "meeting": {}, "todo": {}, "chat": {"deadline": at}, "task": {"deadline": at}}
    years = {
        kind: company.activities[company.add_activity(kind, owner=deal, start=at, **more)]["DEADLINE"].year
        for kind, more in kinds.items()
    }
    assert years == {"call": 2025, "meeting": 2025, "todo": 9999, "chat": 9999, "task": 2025}


def test_a_task_ends_at_its_deadline(company):
    task = company.activities[
        company.add_activity("task", owner=company.add_deal("A"), deadline=datetime(2025, 3, 9, 12))
    ]
    assert task["END_TIME"] == task["DEADLINE"] == utc(2025, 3, 9, 9)


def test_a_missed_call_waits_in_an_incoming_channel_and_telephony_knows_why(company):
    activity = company.add_call(owner=company.add_deal("A"), direction="in", code="304", seconds=0)
    row, call = company.activities[activity], next(iter(company.calls))
    assert (row["COMPLETED"], row["IS_INCOMING_CHANNEL"], row["SETTINGS"]) == ("N", "Y", {"MISSED_CALL": True})
    assert (call["CRM_ACTIVITY_ID"], call["CALL_FAILED_CODE"], call["CALL_TYPE"]) == (activity, "304", 2)


def test_a_robot_s_completion_has_status_3(company):
    todo = company.add_activity("todo", owner=company.add_deal("A"))
    company.complete(todo, by_robot=True)
    assert (company.activities[todo]["COMPLETED"], company.activities[todo]["STATUS"]) == ("Y", 3)


def test_deleting_takes_all_traces_and_restoring_gives_a_new_id_with_the_old_dates(company):
    deal = company.add_deal("A", at=datetime(2025, 1, 1))
    company.add_comment("Hello", owner=deal)
    company.add_call(owner=deal)
    company.delete_deal(deal)
    assert [len(table) for table in (company.deals, company.history, company.comments, company.activities)] == [0] * 4
    restored = company.restore_deal(deal)
    assert restored != deal
    assert company.deals[restored]["DATE_CREATE"] == company.deals[restored]["DATE_MODIFY"] == utc(2024, 12, 31, 21)
    assert entries(company, restored) == [(1, "NEW", "P")]


def test_a_right_granted_again_brings_the_deal_back_as_it_was(company):
    deal = company.add_deal("A")
    company.move(deal, "PREPARATION")
    company.add_comment("hello", owner=deal)
    company.add_activity("todo", owner=deal)
    before = [list(table) for table in (company.deals, company.history, company.comments, company.activities)]
    company.hide_deal(deal)
    assert not len(company.deals)
    assert not len(company.history)
    assert not len(company.comments)
    company.show_deal(deal)
    assert [list(table) for table in (company.deals, company.history, company.comments, company.activities)] == before
    company.delete_deal(deal)
    assert not len(company.history)
    assert not len(company.comments)
    assert not len(company.activities)


def test_merged_companies_hand_over_their_deals_in_silence(company):
    kept, gone = company.add_company("Kept"), company.add_company("Gone")
    deal, lead = company.add_deal("A", COMPANY_ID=gone), company.add_lead("L", COMPANY_ID=gone)
    person = company.add_contact("Ann", company=gone)
    call = company.add_activity("call", owner=gone, owner_type="company")
    comment = company.add_comment("hello", owner=gone, owner_type="company")
    company.now = company.now + timedelta(days=1)
    company.merge_companies(gone, kept)
    assert [row["ID"] for row in company.companies] == [kept]
    assert {table[row]["COMPANY_ID"] for table, row in [
        (company.deals, deal), (company.leads, lead), (company.contacts, person)
    ]} == {kept}  # fmt: skip
    assert (company.activities[call]["OWNER_ID"], company.comments[comment]["ENTITY_ID"]) == (kept, kept)
    assert [row["ID"] for row in company.comments_of("company", kept)] == [comment]
    assert company.deals[deal]["DATE_MODIFY"] < company.companies[kept]["DATE_MODIFY"] == company.now


def test_a_win_flags_the_deals_that_a_merged_company_brought(company):
    kept, gone = company.add_company("Kept"), company.add_company("Gone")
    brought = company.add_deal("A", COMPANY_ID=gone)
    company.merge_companies(gone, kept)
    company.add_deal("B", stage="WON", COMPANY_ID=kept)
    assert company.deals[brought]["IS_RETURN_CUSTOMER"] == "Y"


def test_a_deleted_contact_is_nobody_s_in_silence(company):
    contact = company.add_contact("Ann")
    deal = company.add_deal("A", CONTACT_ID=contact)
    company.add_comment("hello", owner=contact, owner_type="contact")
    company.now = company.now + timedelta(days=1)
    company.delete_contact(contact)
    assert company.deals[deal]["CONTACT_ID"] is None
    assert company.deals[deal]["DATE_MODIFY"] < company.now
    assert not len(company.contacts)
    assert not len(company.comments)


def test_a_merged_deal_is_gone_and_its_actions_are_the_other_s(company):
    kept, gone = company.add_deal("Kept"), company.add_deal("Gone")
    todo = company.add_activity("todo", owner=gone)
    comment = company.add_comment("hello", owner=gone)
    company.now = company.now + timedelta(days=1)
    company.merge_deals(gone, kept)
    assert entries(company, gone) == []
    assert company.activities[todo]["OWNER_ID"] == company.comments[comment]["ENTITY_ID"] == kept
    assert company.activities[todo]["LAST_UPDATED"] < company.deals[kept]["DATE_MODIFY"] == company.now


def test_a_deleted_lead_takes_its_history_and_comes_back_with_a_new_id(company):
    lead = company.add_lead("L")
    deal = company.add_deal("A", LEAD_ID=lead)
    company.delete_lead(lead)
    assert not len(company.lead_history)
    assert company.deals[deal]["LEAD_ID"] is None
    restored = company.restore_lead(lead)
    assert restored != lead
    assert [row["OWNER_ID"] for row in company.lead_history] == [restored]


def test_a_pipeline_goes_when_no_deal_stands_in_it_and_its_id_is_never_given_again(company):
    pipeline = company.add_pipeline("Tenders", [Stage("NEW", "New")])
    deal = company.add_deal("A", stage="C1:NEW")
    with pytest.raises(ValueError, match="has deals"):
        company.delete_pipeline(pipeline)
    company.move(deal, "NEW")
    company.delete_pipeline(pipeline)
    assert not [row for row in company.statuses if row["ENTITY_ID"] == "DEAL_STAGE_1"]
    assert entries(company, deal)[0] == (1, "C1:NEW", "P")
    assert company.add_pipeline("Next", []) == 2


def test_small_changes(company):
    client, deal = company.add_company("Acme"), company.add_deal("A")
    comment = company.add_comment("hello", owner=deal)
    company.now = company.now + timedelta(days=1)
    company.edit_company(client, TITLE="Acme Ltd")
    company.edit_comment(comment, "goodbye")
    company.set_rate("RUB", 2.0)
    company.delete_user(2)
    assert (company.companies[client]["TITLE"], company.companies[client]["DATE_MODIFY"]) == ("Acme Ltd", company.now)
    assert company.comments[comment]["COMMENT"] == "goodbye"
    assert (company.currencies["RUB"].rate, company.currencies["RUB"].changed_at) == (2.0, company.now)
    assert [row["ID"] for row in company.users] == [1]


def test_some_portals_leave_other_traces():
    company = Company.small(
        now=datetime(2025, 3, 1, 12),
        quirks=Quirks(activities_stamp_deals=True, closing_keeps_planned_date=True, merging_stamps_deals=True),
    )
    kept, gone = company.add_company("Kept"), company.add_company("Gone")
    deal = company.add_deal("A", CLOSEDATE=date(2025, 4, 1), COMPANY_ID=gone)
    company.move(deal, "WON")
    assert company.deals[deal]["CLOSEDATE"] == date(2025, 4, 1)
    company.now = company.now + timedelta(days=1)
    company.add_comment("hello", owner=deal)
    assert company.deals[deal]["DATE_MODIFY"] == company.now
    company.now = company.now + timedelta(days=1)
    company.merge_companies(gone, kept)
    assert company.deals[deal]["DATE_MODIFY"] == company.now


def test_the_dictionary_forgets_a_deleted_stage_and_the_history_does_not(company):
    deal = company.add_deal("A", stage="PREPARATION")
    company.move(deal, "WON")
    company.delete_stage("PREPARATION")
    assert "PREPARATION" not in {row["STATUS_ID"] for row in company.statuses}
    assert entries(company, deal)[0] == (1, "PREPARATION", "P")


@given(st.lists(st.tuples(st.sampled_from(["NEW", "PREPARATION", "WON", "LOSE", "APOLOGY"]), st.integers(0, 500))))
@settings(max_examples=40, deadline=None)
def test_whatever_the_moves_the_deal_agrees_with_its_last_history_entry(moves):
    company = Company.small(now=datetime(2025, 3, 1))
    deal, at = company.add_deal("A", at=datetime(2025, 1, 1)), datetime(2025, 1, 1)
    for stage, minutes in moves:
        at += timedelta(minutes=minutes)
        company.move(deal, stage, at)
    row, last = company.deals[deal], list(company.history)[-1]
    assert (row["STAGE_ID"], row["STAGE_SEMANTIC_ID"]) == (last["STAGE_ID"], last["STAGE_SEMANTIC_ID"])
    assert row["MOVED_TIME"] == last["CREATED_TIME"] == row["DATE_MODIFY"]
    assert (row["CLOSED"] == "Y") == (row["STAGE_SEMANTIC_ID"] != "P")


# What is invented


def everything(company: Company) -> list[list[dict]]:
    tables = (company.deals, company.history, company.activities, company.comments, company.companies, company.contacts)
    return [list(table) for table in (*tables, company.users, company.statuses, company.leads)]


def test_the_same_arguments_invent_the_same_company_and_another_seed_another():
    one, same, other = (invent(deals=60, seed=seed, today=TODAY) for seed in (1, 1, 2))
    assert everything(one) == everything(same)
    assert everything(one) != everything(other)


@pytest.mark.parametrize("deals", [0, 1, 7])
def test_a_tiny_company_can_be_invented_too(deals):
    assert sum(row["IS_RECURRING"] == "N" for row in invent(deals=deals, today=TODAY).deals) == deals


@pytest.mark.parametrize("time_zone", ["America/New_York", "Asia/Kolkata"])
def test_a_company_opens_its_day_at_five_past_midnight_in_its_own_zone(time_zone):
    company = invent(deals=40, today=TODAY, time_zone=time_zone)
    assert company.now.astimezone(company.zone).replace(tzinfo=None) == datetime(2025, 3, 14, 0, 5)


def test_nothing_has_happened_after_now(invented):
    stamps = (
        "DATE_CREATE",
        "DATE_MODIFY",
        "MOVED_TIME",
        "LAST_ACTIVITY_TIME",
        "CREATED_TIME",
        "CREATED",
        "LAST_UPDATED",
    )
    tables = (invented.deals, invented.history, invented.activities, invented.comments, invented.companies)
    # An import script spoiled a few creation dates; they too lie in the past.
    assert all(row[name] <= invented.now for table in tables for row in table for name in stamps if name in row)


def test_every_deal_s_stamps_agree_with_its_history(invented):
    last = {row["OWNER_ID"]: row for row in invented.history}
    for deal, entry in last.items():
        row = invented.deals[deal]
        assert (row["STAGE_ID"], row["MOVED_TIME"]) == (entry["STAGE_ID"], entry["CREATED_TIME"])
        assert row["DATE_MODIFY"] >= row["MOVED_TIME"]
        assert row["LAST_ACTIVITY_TIME"] >= row["DATE_CREATE"] or row["DATE_CREATE"] > row["MOVED_TIME"]


def test_ids_rise_with_time(invented):
    for table, name in (
        (invented.history, "CREATED_TIME"),
        (invented.comments, "CREATED"),
        (invented.activities, "CREATED"),
    ):
        stamps = [row[name] for row in table]
        assert stamps == sorted(stamps)


def test_the_business_is_believable():
    company = invent(today=TODAY)
    deals = [row for row in company.deals if row["IS_RECURRING"] == "N"]
    share = {key: n / len(deals) for key, n in Counter(row["STAGE_SEMANTIC_ID"] for row in deals).items()}
    checks = [row["OPPORTUNITY"] for row in deals if row["STAGE_SEMANTIC_ID"] == "S" and row["CURRENCY_ID"] == "RUB"]
    assert len(deals) == 3000
    assert 0.35 < share["P"] < 0.55
    assert 0.08 < share["S"] < 0.18
    assert 100_000 < sum(checks) / len(checks) < 500_000


def test_one_manager_has_a_narrow_place_between_request_and_invoice():
    company = invent(today=TODAY)
    stages = ("NEW", "UC_WORK01", "PREPARATION", "PREPAYMENT_INVOICE", "FINAL_INVOICE", "WON")
    furthest: Counter = Counter()
    for row in company.history:
        if row["STAGE_ID"] in stages:
            furthest[row["OWNER_ID"]] = max(furthest[row["OWNER_ID"]], stages.index(row["STAGE_ID"]))
    reached = {2: Counter(), 3: Counter()}
    for deal, step in furthest.items():
        for at_least, counts in reached.items():
            counts[company.deals[deal]["ASSIGNED_BY_ID"]] += step >= at_least
    share = {each: reached[3][each] / n for each, n in reached[2].items() if n > 40}
    narrowest = min(share, key=share.get)
    assert company.users[narrowest]["LAST_NAME"] == "Кузнецов"
    assert share[narrowest] < 0.45 < sorted(share.values())[1]


def test_all_that_reports_must_survive_is_there(invented):
    deals, history = list(invented.deals), list(invented.history)
    dismissed = {row["ID"] for row in invented.users if not row["ACTIVE"]}
    priced = set(invented.currencies)
    stages = {row["STATUS_ID"] for row in invented.statuses}
    told = {row["OWNER_ID"] for row in history}
    assert any(row["ASSIGNED_BY_ID"] in dismissed and row["CLOSED"] == "N" for row in deals)
    assert any(row["CURRENCY_ID"] not in priced for row in deals)
    assert any(row["STAGE_ID"] not in stages for row in history)
    assert any(row["ID"] not in told for row in deals)
    assert any(not row["COMPANY_ID"] and row["CONTACT_ID"] for row in deals)
    assert any(not row["COMPANY_ID"] and not row["CONTACT_ID"] for row in deals)
    assert any(row["STAGE_SEMANTIC_ID"] == "S" and not row["OPPORTUNITY"] for row in deals)
    assert any(row["IS_RECURRING"] == "Y" for row in deals)
    assert any("<script>" in row["TITLE"] for row in deals)
    assert any(row["CLOSEDATE"] < row["BEGINDATE"] for row in deals)
    assert any(row["DATE_CREATE"] > row["MOVED_TIME"] for row in deals)
    assert {row["TYPE_ID"] for row in history} == {1, 2, 3, 5}
    assert {row["CATEGORY_ID"] for row in deals} == {0, 1}


def test_next_steps_are_done_overdue_undated_robotic_or_none(invented):
    todos = [row for row in invented.activities if row["PROVIDER_ID"] == "CRM_TODO"]
    waiting = [row for row in todos if row["COMPLETED"] == "N"]
    planned = {row["OWNER_ID"] for row in waiting}
    assert {row["STATUS"] for row in todos} == {1, 2, 3}
    assert any(row["DEADLINE"] < invented.now for row in waiting)
    assert any(row["DEADLINE"].year == 9999 for row in waiting)
    assert any(row["CLOSED"] == "N" and row["ID"] not in planned for row in invented.deals)


def test_a_company_with_leads_has_converted_and_idle_ones():
    company = invent(deals=200, today=TODAY, leads=True)
    assert company.uses_leads
    assert {row["STATUS_SEMANTIC_ID"] for row in company.leads} == {"P", "S", "F"}
    converted = {row["ID"] for row in company.leads if row["STATUS_ID"] == "CONVERTED"}
    assert {row["LEAD_ID"] for row in company.deals if row["LEAD_ID"]} == converted
