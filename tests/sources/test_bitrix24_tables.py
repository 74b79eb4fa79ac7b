"""Bitrix24's rows, typed: every expected row is written out."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_reports.sources.bitrix24 import tables, values
from crm_reports.sources.bitrix24.activities import activity
from crm_reports.sources.fields import TABLES

MOSCOW = ZoneInfo("Europe/Moscow")
CONTEXT = tables.Context(MOSCOW, {"C1:NEW": "open", "C1:WON": "won"}, {"JUNK": "lost"})


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


# Values


@pytest.mark.parametrize("nothing", [None, "", "0", [], {}, False])
def test_nothing_is_written_in_many_ways(nothing: Any) -> None:
    assert values.key(nothing) is None


def test_ids_come_as_text_or_numbers() -> None:
    assert values.key(15) == values.key("15") == "15"


def test_a_zero_that_is_no_reference_stays() -> None:
    assert values.text("0") == "0"
    assert values.number("0.00") == 0


@pytest.mark.parametrize("said", ["", None, "NaN", "inf", "12,5", [], {}])
def test_what_is_no_number_is_missing(said: Any) -> None:
    assert values.number(said) is None


def test_markup_emoji_and_half_a_pair_survive() -> None:
    assert values.text("=<script>\"'\U0001f600</script>") == "=<script>\"'\U0001f600</script>"
    assert values.text("a\ud83dя") == "a?я"


@given(st.text())
def test_any_text_can_be_kept(said: str) -> None:
    assert (values.text(said) or "").encode("utf-8") is not None


def test_instants_are_utc() -> None:
    assert values.instant("2024-08-30T14:29:00+02:00", MOSCOW) == datetime(2024, 8, 30, 12, 29, tzinfo=UTC)
    assert values.instant("2024-08-30T14:29:00", MOSCOW) == datetime(2024, 8, 30, 11, 29, tzinfo=UTC)


@pytest.mark.parametrize(
    "never",
    [
        "9999-12-31T00:00:00+03:00", "9999-12-31T23:00:00-05:00", "0000-00-00T00:00:00+02:30",
        "-0001-11-30T00:00:00+02:30", "0001-01-01T00:00:00+03:00", "", None, {}, 5, "soon",
    ],
)  # fmt: skip
def test_never_and_absurd_instants_are_missing(never: Any) -> None:
    assert values.instant(never, MOSCOW) is None


@pytest.mark.parametrize(
    "written",
    [
        "2024-08-30T03:00:00+03:00", "2024-08-30T02:00:00+02:00", "2024-08-29T19:00:00-05:00",  # UTC midnight
        "2024-08-30T00:00:00+03:00", "2024-08-30T00:00:00-05:00", "2024-08-30T00:00:00+00:00",  # local midnight
    ],
)  # fmt: skip
def test_a_date_is_the_same_day_however_it_is_written(written: str) -> None:
    assert values.day(written, MOSCOW) == date(2024, 8, 30)
    assert values.midnight(written, MOSCOW) == datetime(2024, 8, 29, 21, tzinfo=UTC)


# Rows

DEAL = {
    "ID": "410", "TITLE": "Договор <b>", "CATEGORY_ID": "1", "STAGE_ID": "C1:NEW", "STAGE_SEMANTIC_ID": "P",
    "IS_RECURRING": "N", "ASSIGNED_BY_ID": "7", "SOURCE_ID": "CALL", "COMPANY_ID": "9", "CONTACT_ID": "0",
    "OPPORTUNITY": "1000000.00", "CURRENCY_ID": "RUB", "DATE_CREATE": "2024-08-30T14:29:00+03:00",
    "MOVED_TIME": "2024-08-30T15:00:00+03:00", "CLOSEDATE": "2024-09-06T03:00:00+03:00",
    "DATE_MODIFY": "2024-08-31T10:00:00+03:00", "LAST_ACTIVITY_TIME": "2024-08-30T14:29:00+03:00",
}  # fmt: skip


def test_a_deal() -> None:
    assert tables.deal(DEAL, CONTEXT) == {
        "deal_id": "410", "title": "Договор <b>", "pipeline_id": "1", "stage_id": "C1:NEW", "outcome": "open",
        "manager_id": "7", "source_id": "CALL", "company_id": "9", "contact_id": None, "amount": 1_000_000.0,
        "currency": "RUB", "created_at": at("2024-08-30T14:29+03:00"), "moved_at": at("2024-08-30T15:00+03:00"),
        "closed_at": at("2024-09-06T00:00+03:00"), "modified_at": at("2024-08-31T10:00+03:00"),
        "last_activity_at": at("2024-08-30T14:29+03:00"), "loss_reason": None,
    }  # fmt: skip


def test_a_deal_of_little_is_a_deal_all_the_same() -> None:
    row = tables.deal({"ID": 5, "CATEGORY_ID": None, "STAGE_ID": "C1:WON", "STAGE_SEMANTIC_ID": "?"}, CONTEXT)
    assert set(row) == set(TABLES["deals"].columns)
    assert (row["deal_id"], row["pipeline_id"], row["outcome"], row["closed_at"]) == ("5", "0", "won", None)


def test_we_ask_for_the_fields_that_we_keep_and_no_others() -> None:
    asked = {table: set(entity.listing.select) for table, entity in tables.ENTITIES.items()}
    assert asked["contacts"] == {"ID", "NAME", "LAST_NAME", "DATE_MODIFY", "LAST_ACTIVITY_TIME"}
    assert asked["stage_history"] == {"ID", "OWNER_ID", "STAGE_ID", "CATEGORY_ID", "STAGE_SEMANTIC_ID", "CREATED_TIME"}
    every = set().union(*asked.values())  # of employees the work address is asked for: mail goes there
    assert not every & {"*", "UF_*", "PHONE", "EMAIL", "COMMENTS", "DESCRIPTION", "BIRTHDATE"}


def test_a_lead_without_semantics_takes_its_stages_outcome() -> None:
    row = tables.lead({"ID": "5", "STATUS_ID": "JUNK", "DATE_CLOSED": "", "COMPANY_ID": "0"}, CONTEXT)
    assert (row["outcome"], row["closed_at"], row["company_id"]) == ("lost", None, None)
    assert set(row) == set(TABLES["leads"].columns)


@pytest.mark.parametrize("native", [True, False])
def test_stage_history_in_numbers_and_in_text(native: bool) -> None:
    write = int if native else str
    raw = {
        "ID": write(35), "TYPE_ID": write(1), "OWNER_ID": write(21), "CATEGORY_ID": write(0),
        "CREATED_TIME": "2024-04-25T14:59:11+00:00", "STAGE_SEMANTIC_ID": "P", "STAGE_ID": "NEW",
    }  # fmt: skip
    assert tables.stage_entry(raw, CONTEXT) == {
        "history_id": 35, "deal_id": "21", "stage_id": "NEW", "pipeline_id": "0", "outcome": "open",
        "at": at("2024-04-25T14:59:11+00:00"),
    }  # fmt: skip


def test_stages_sources_and_lead_stages_come_from_one_answer() -> None:
    given = [
        {"ENTITY_ID": "DEAL_STAGE", "STATUS_ID": "NEW", "NAME": "Новая", "SORT": "10", "SEMANTICS": None},
        {"ENTITY_ID": "DEAL_STAGE_2", "STATUS_ID": "C2:LOSE", "NAME": "Дорого", "SORT": 70, "SEMANTICS": "F"},
        {
            "ENTITY_ID": "DEAL_STAGE_7",
            "STATUS_ID": "WON",
            "NAME": "Won",
            "SORT": "5",
            "EXTRA": {"SEMANTICS": "success"},
        },
        {"ENTITY_ID": "STATUS", "STATUS_ID": "JUNK", "NAME": "Junk", "SORT": "60", "SEMANTICS": "F"},
        {"ENTITY_ID": "SOURCE", "STATUS_ID": "CALL", "NAME": "Call", "SORT": "10", "EXTRA": []},
        {"ENTITY_ID": "DYNAMIC_130_STAGE_3", "STATUS_ID": "DT130_3:NEW", "NAME": "Other", "SORT": "10"},
        {"ENTITY_ID": "QUOTE_STATUS", "STATUS_ID": "DRAFT", "NAME": "Draft", "SORT": "10"},
    ]
    assert [tuple(row.values()) for row in tables.stages(given)] == [
        ("NEW", "Новая", 10, "open", "0"), ("C2:LOSE", "Дорого", 70, "lost", "2"), ("C7:WON", "Won", 5, "won", "7"),
    ]  # fmt: skip
    assert [row["stage_id"] for row in tables.lead_stages(given)] == ["JUNK"]
    assert tables.sources(given) == [{"source_id": "CALL", "name": "Call"}]


def test_people_and_their_departments() -> None:
    given = [
        {
            "ID": "3",
            "ACTIVE": True,
            "NAME": " Иван ",
            "LAST_NAME": "Иванов",
            "UF_DEPARTMENT": [5, 2],
            "EMAIL": "i@x.ru",
        },
        {"ID": "4", "ACTIVE": "N", "NAME": "", "LAST_NAME": None, "WORK_POSITION": "boss", "UF_DEPARTMENT": False},
        {"ID": 5, "ACTIVE": False, "NAME": "Li", "UF_DEPARTMENT": "2"},
    ]
    assert [tuple(row.values()) for row in tables.managers(given)] == [
        ("3", "Иван Иванов", True, None, "i@x.ru"), ("4", None, False, "boss", None), ("5", "Li", False, None, None),
    ]  # fmt: skip
    assert [tuple(row.values()) for row in tables.manager_departments(given)] == [
        ("3", "5", 0), ("3", "2", 1), ("5", "2", 0),
    ]  # fmt: skip


# Activities

CREATED, STARTED, ENDED, UPDATED = "09:00", "10:00", "10:30", "12:00"


def made(provider: str, type_id: str = "6", **more: Any) -> dict[str, Any]:
    raw = {
        "ID": "20", "OWNER_ID": "15", "OWNER_TYPE_ID": "2", "TYPE_ID": type_id, "PROVIDER_ID": provider,
        "CREATED": f"2025-03-03T{CREATED}:00+00:00", "START_TIME": f"2025-03-03T{STARTED}:00+00:00",
        "END_TIME": f"2025-03-03T{ENDED}:00+00:00", "LAST_UPDATED": f"2025-03-03T{UPDATED}:00+00:00",
        "DEADLINE": "9999-12-31T00:00:00+03:00", "COMPLETED": "Y", "STATUS": "2", "RESPONSIBLE_ID": "7",
        "DIRECTION": "0", "SETTINGS": [], "IS_INCOMING_CHANNEL": "N",
    }  # fmt: skip
    return activity(raw | more, MOSCOW, {"99"})


def test_an_activity() -> None:
    assert made("CRM_TODO") == {
        "activity_id": "20", "owner_type": "deal", "owner_id": "15", "manager_id": "7", "kind": "crm_activity",
        "is_done": True, "is_action": True, "is_incoming": False, "is_plan": True,
        "created_at": at("2025-03-03T09:00+00:00"), "at": at("2025-03-03T12:00+00:00"), "deadline_at": None,
        "updated_at": at("2025-03-03T12:00+00:00"),
    }  # fmt: skip


IN, OUT = {"DIRECTION": "1"}, {"DIRECTION": 2}
OPEN = {"COMPLETED": "N", "STATUS": "1"}


@pytest.mark.parametrize(
    ("provider", "type_id", "more", "kind", "verdict", "hour"),
    [
        # calls: both directions, not the missed and failed
        ("VOXIMPLANT_CALL", "2", OUT, "call", "action", ENDED),
        ("VOXIMPLANT_CALL", "2", IN, "call", "action", ENDED),
        ("VOXIMPLANT_CALL", "2", IN | {"IS_INCOMING_CHANNEL": "Y"}, "call", "action", ENDED),
        ("CRM_CALL_TRACKER", "6", OUT, "call", "action", ENDED),
        ("VOXIMPLANT_CALL", "2", IN | OPEN, "call", "incoming", ENDED),
        ("VOXIMPLANT_CALL", "2", IN | {"SETTINGS": {"MISSED_CALL": True}}, "call", "incoming", ENDED),
        ("VOXIMPLANT_CALL", "2", OUT | {"ID": "99"}, "call", "none", ENDED),
        ("VOXIMPLANT_CALL", "2", OUT | OPEN, "call", "plan", None),
        ("", "2", OUT, "call", "action", ENDED),
        # meetings
        ("CRM_MEETING", "1", {}, "meeting", "action", ENDED),
        ("", "1", OPEN, "meeting", "plan", None),
        ("ZOOM", "6", {}, "meeting", "action", ENDED),
        ("VISIT_TRACKER", "6", {}, "meeting", "action", ENDED),
        # letters: those we sent
        ("CRM_EMAIL", "4", OUT, "email", "action", ENDED),
        ("CRM_EMAIL", "4", IN, "email", "incoming", ENDED),
        ("CRM_EMAIL", "4", IN | OPEN | {"END_TIME": None}, "email", "incoming", STARTED),
        ("CRM_EMAIL", "4", IN | OPEN | {"END_TIME": "", "START_TIME": ""}, "email", "incoming", CREATED),
        # the rest a person completes
        ("CRM_TASKS_TASK", "3", {}, "crm_activity", "action", UPDATED),
        ("CRM_TODO", "6", OPEN, "crm_activity", "plan", None),
        ("CRM_SMS", "6", OUT, "crm_activity", "action", UPDATED),
        ("CRM_WHATSAPP", "6", IN, "crm_activity", "incoming", CREATED),
        ("SOMETHING_NEW", "77", {}, "crm_activity", "action", UPDATED),
        (None, "3", {}, "crm_activity", "action", UPDATED),
        # what comes in by itself
        ("IMOPENLINES_SESSION", "6", {"IS_INCOMING_CHANNEL": "Y"}, "crm_activity", "incoming", CREATED),
        ("CRM_WEBFORM", "6", OPEN, "crm_activity", "incoming", CREATED),
        ("SOMETHING_NEW", "6", {"IS_INCOMING_CHANNEL": "Y"}, "crm_activity", "incoming", CREATED),
        # what nobody did
        ("CRM_TODO", "6", {"STATUS": "3"}, "crm_activity", "none", UPDATED),
        ("CRM_BIZPROC_TASK", "6", {}, "crm_activity", "none", UPDATED),
        ("CRM_PAYMENT", "6", {}, "crm_activity", "none", UPDATED),
        ("CRM_EMAIL", "4", OUT | {"STATUS": 3}, "email", "none", ENDED),
    ],
)  # fmt: skip
def test_what_kind_an_activity_is_and_who_did_it(
    provider: Any, type_id: str, more: dict[str, Any], kind: str, verdict: str, hour: str | None
) -> None:
    row = made(provider, type_id, **more)
    assert row["kind"] == kind
    assert (row["is_action"], row["is_incoming"]) == (verdict == "action", verdict == "incoming")
    assert (verdict == "plan") == (row["is_plan"] and not row["is_done"])
    assert row["at"] == (hour and at(f"2025-03-03T{hour}+00:00"))


def test_a_deadline_is_kept_and_other_owners_are_other() -> None:
    row = made("CRM_TODO", OWNER_TYPE_ID="31", DEADLINE="2025-03-05T18:00:00+03:00", **OPEN)
    assert (row["owner_type"], row["deadline_at"]) == ("other", at("2025-03-05T15:00+00:00"))


@given(
    st.fixed_dictionaries(
        {"ID": st.integers(1, 99)},
        optional=dict.fromkeys(
            ("TYPE_ID", "PROVIDER_ID", "OWNER_ID", "OWNER_TYPE_ID", "COMPLETED", "STATUS", "DIRECTION", "SETTINGS",
             "CREATED", "END_TIME", "LAST_UPDATED", "DEADLINE", "IS_INCOMING_CHANNEL"),
            st.none() | st.text() | st.integers() | st.booleans() | st.lists(st.integers())
            | st.dictionaries(st.text(), st.text()) | st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
        ),
    )
)  # fmt: skip
def test_no_answer_of_a_portal_breaks_an_activity(raw: dict[str, Any]) -> None:
    row = activity(raw, MOSCOW, set())
    assert set(row) == set(TABLES["activities"].columns)
    assert not (row["is_action"] and row["is_incoming"])


@given(st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1)), st.integers(-12 * 60, 14 * 60))
def test_an_instant_means_the_same_in_every_offset(moment: datetime, minutes: int) -> None:
    written = moment.replace(tzinfo=UTC).astimezone(timezone(timedelta(minutes=minutes)))
    assert values.instant(written.isoformat(), MOSCOW) == moment.replace(tzinfo=UTC)
