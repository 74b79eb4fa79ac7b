"""What the company's own fields of a portal are, and how their values are kept."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from crm_reports.sources.bitrix24.refusals import Answer
from crm_reports.sources.bitrix24.userfields import UserField, UserFields

MOSCOW, NOW = ZoneInfo("Europe/Moscow"), datetime(2025, 6, 2, tzinfo=UTC)


def described(kind: str, **more: object) -> dict[str, object]:
    return {"type": kind, "isMultiple": False, "isDynamic": True, "title": "UF_CRM_1", "listLabel": "Some"} | more


def field(kind: str, **more: object) -> UserField:
    return UserField.read("deal", "UF_CRM_1", described(kind, **more), [])


@pytest.mark.parametrize(
    ("kind", "raw", "kept"),
    [
        ("string", "  two words ", "  two words "),
        ("string", False, None),
        ("double", "12.50", "12.50"),
        ("double", 12.5, "12.5"),
        ("double", "many", None),
        ("money", "100|USD", "100|USD"),
        ("money", "|USD", None),
        ("money", [], None),
        ("boolean", True, "1"),
        ("boolean", "Y", "1"),
        ("boolean", "0", "0"),
        ("boolean", False, "0"),
        ("boolean", "", None),
        ("date", "2025-06-02T03:00:00+03:00", "2025-06-02"),
        ("date", "2025-06-02T00:00:00+03:00", "2025-06-02"),
        ("datetime", "2025-06-02T12:00:00+03:00", "2025-06-02T09:00:00+00:00"),
        ("enumeration", 79, "79"),
        ("enumeration", "79", "79"),
        ("enumeration", 0, None),
        ("employee", "7", "7"),
        ("iblock_element", "", None),
        ("crm", "CO_3", "CO_3"),
        ("crm_status", "UC_COLD", "UC_COLD"),
    ],
)
def test_a_value_however_written_is_kept_in_one_way(kind, raw, kept):
    assert field(kind).value(raw, MOSCOW) == kept


def test_several_values_are_kept_as_a_list_and_none_of_them_as_nothing():
    several = field("enumeration", isMultiple=True)
    assert several.value([79, "81"], MOSCOW) == '["79", "81"]'
    assert several.value({"1": 79}, MOSCOW) == '["79"]'
    assert [several.value(raw, MOSCOW) for raw in ([], False, None, "")] == [None] * 4


def test_a_bare_number_in_a_reference_to_one_kind_of_thing_says_which():
    assert field("crm", settings={"COMPANY": "Y", "LEAD": "N"}).value("5", MOSCOW) == "CO_5"
    assert field("crm", settings={"COMPANY": "Y", "LEAD": "Y"}).value("5", MOSCOW) == "5"


def test_a_dictionary_of_the_crm_gives_a_field_its_names():
    statuses = [{"ENTITY_ID": "INDUSTRY", "STATUS_ID": "IT", "NAME": "Computers"},
                {"ENTITY_ID": "SOURCE", "STATUS_ID": "WEB", "NAME": "Website"}]  # fmt: skip
    told = described("crm_status", statusType="INDUSTRY")
    assert UserField.read("company", "UF_CRM_1", told, statuses).options == (("IT", "Computers"),)


def test_a_name_that_the_crm_does_not_have_is_told_with_those_that_it_has():
    answers = {"fields of deal": Answer({"UF_CRM_REGION": described("enumeration", listLabel="Region"), "TITLE": {"type": "string"}}),
               "fields of company": Answer({})}  # fmt: skip
    read = UserFields.of([("deal", "UF_CRM_REGOIN"), ("company", "UF_CRM_SIZE")], answers, {}, NOW)
    assert read.rows() == []
    assert read.problems == (
        "deals of the CRM have no field 'UF_CRM_REGOIN', which [fields] in reports.toml names; there are: UF_CRM_REGION "
        "(Region)",
        "companies of the CRM have no field 'UF_CRM_SIZE', which [fields] in reports.toml names; there are: none",
    )
