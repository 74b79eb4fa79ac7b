"""The company's own fields, from a portal over real HTTP into the store."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from bitrix24_demo import Company
from crm_reports.settings import Settings, Source
from crm_reports.store.sync import SyncReport
from portals import later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)  # before the hour that every sync reads again
REGION = {"from": "UF_CRM_REGION", "as": "dimension"}
NOTE = {"from": "UF_CRM_NOTE", "as": "text"}


def settings_of(folder: Path, **fields: dict[str, str]) -> Settings:
    return Settings(home=folder, data=folder / "data", source=Source(kind="bitrix24"), fields=fields)


class Night(NamedTuple):
    """What a sync said, what the store then held, and which lists of deals it had asked for."""

    report: SyncReport
    values: dict[tuple[str, str], str | None]
    versions: list[tuple]
    fields: list[tuple]
    options: list[tuple]
    asked: list[str]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    """Five nights of three deals: in the North, in the South, nowhere."""
    return list(_nights(tmp_path_factory.mktemp("own_fields")))


def _nights(folder: Path) -> Iterator[Night]:
    company = Company.small(now=NOW)
    company.add_field("deal", "UF_CRM_REGION", "enumeration", "Region", [(41, "North"), (43, "South")])
    company.add_field("deal", "UF_CRM_NOTE", "string", "Note")
    for region in (41, 43, None):
        company.add_deal(f"in {region}", at=YESTERDAY, UF_CRM_REGION=region, UF_CRM_NOTE="old")
    with served(company) as portal:
        yield _night(settings_of(folder, region=REGION), portal)
        later(company)
        yield _night(settings_of(folder, region=REGION, note=NOTE), portal)  # a field more is wanted
        later(company)
        company.edit_deal(1, UF_CRM_REGION=43)
        company.change_field("deal", "UF_CRM_REGION", label="Territory", options=((43, "The South"),))
        yield _night(settings_of(folder, region=REGION, note=NOTE), portal)
        later(company)
        company.remove_field("deal", "UF_CRM_REGION")
        company.delete_deal(2)
        company.edit_deal(3, TITLE="changed")
        yield _night(settings_of(folder, region=REGION), portal)  # the note is wanted no more


def _night(settings: Settings, portal: object) -> Night:
    before = len(portal.requests)
    report = run(settings, portal)
    commands = [text for asked in portal.requests[before:] for text in (asked.params.get("cmd") or {}).values()]
    return Night(
        report,
        {tuple(key): value for *key, value in stored(settings, "own_values", "field, entity_id, value")},
        stored(settings, "own_values_versions", "field, entity_id, value, last_seen_at"),
        stored(settings, "own_fields", "field, label, type, is_multiple, gone_at"),
        stored(settings, "own_options", "option_id, name, position"),
        [text for text in commands if text.startswith("crm.deal.list")],
    )


def of_region(*values: str | None) -> dict[tuple[str, str], str | None]:
    return {("UF_CRM_REGION", str(deal)): value for deal, value in enumerate(values, 1)}


def of_note(*values: str | None) -> dict[tuple[str, str], str | None]:
    return {("UF_CRM_NOTE", str(deal)): value for deal, value in enumerate(values, 1)}


def test_a_list_comes_as_ids_with_the_names_of_all_its_values(nights):
    assert nights[0].report.holes == []
    assert nights[0].values == of_region("41", "43", None)
    assert nights[0].options == [("41", "North", 0), ("43", "South", 1)]
    assert nights[0].fields == [("UF_CRM_REGION", "Region", "enumeration", False, None)]


def test_a_field_that_is_wanted_later_is_filled_by_one_reading_of_that_field_alone(nights):
    assert nights[1].report.tables["deals"].rows == 0
    assert nights[1].report.tables["own_values"].rows == 3
    assert nights[1].values == of_region("41", "43", None) | of_note("old", "old", "old")
    assert nights[1].versions == []
    alone = [text for text in nights[1].asked if "UF_CRM_NOTE" in text and "UF_CRM_REGION" not in text]
    assert alone


def test_a_value_that_changes_keeps_its_version_and_no_other_row_is_read_again(nights):
    assert nights[2].report.tables["own_values"].rows == 2  # both fields of the one deal
    assert nights[2].values == of_region("43", "43", None) | of_note("old", "old", "old")
    assert nights[2].versions == [("UF_CRM_REGION", "1", "41", NOW + timedelta(days=1))]
    assert [text for text in nights[2].asked if ("UF_CRM_NOTE" in text) != ("UF_CRM_REGION" in text)] == []


def test_a_renamed_field_is_called_by_its_new_name_and_a_deleted_value_keeps_its_own(nights):
    assert [label for _field, label, *_rest in nights[2].fields] == ["Note", "Territory"]
    assert nights[2].options == [("41", "North", 0), ("43", "The South", 0)]


def test_a_deleted_field_is_told_and_its_last_known_values_stay_but_for_deals_that_are_gone(nights):
    assert [hole["text"] for hole in nights[3].report.holes] == [
        "Territory (UF_CRM_REGION) of deals is no longer in the CRM: its last known values stay. Take it out of [fields] "
        "in reports.toml when you need it no more."
    ]
    assert nights[3].values == {
        ("UF_CRM_REGION", "1"): "43",
        ("UF_CRM_REGION", "3"): None,
    }  # the note is wanted no more
    assert nights[3].fields == [("UF_CRM_REGION", "Territory", "enumeration", False, NOW + timedelta(days=3))]
    assert nights[3].versions == nights[2].versions
