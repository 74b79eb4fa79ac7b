"""A plan that a smart process of the portal holds: the same lines, the same checks, the same versions as of a plan.csv."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from bitrix24_demo import Company
from crm_reports.errors import FilesError, SourceError
from crm_reports.settings import PlanItems, Settings, Source
from crm_reports.sources.bitrix24 import plan_items
from crm_reports.sources.bitrix24.client import Client
from crm_reports.store.sync.beside import check
from portals import AT_ONCE, later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
MOSCOW = ZoneInfo("Europe/Moscow")
ITEMS = PlanItems(
    smart_process=1038, fields={"period": "UF_CRM_44_MONTH", "value": "opportunity", "manager": "assignedById"}
)


@pytest.fixture
def company() -> Company:
    """A plan of two items: Anna's June, and the whole company's, which is nobody's."""
    company = Company.small(now=NOW)
    plan = company.add_process(1038, UF_CRM_44_MONTH="date", UF_CRM_44_SUM="money")
    plan.add(
        {
            "TITLE": "June",
            "UF_CRM_44_MONTH": date(2025, 6, 1),
            "OPPORTUNITY": 300.0,
            "ASSIGNED_BY_ID": 1,
            "UF_CRM_44_SUM": "5|USD",
        }
    )
    plan.add({"TITLE": "June of all", "UF_CRM_44_MONTH": date(2025, 6, 1), "OPPORTUNITY": 900.0, "ASSIGNED_BY_ID": 0})
    return company


def lines(settings: Settings) -> list[tuple]:
    return stored(settings, "plan_lines", "period, metric, manager_id, value, currency")


def test_items_are_lines_of_the_plan_and_a_mistaken_one_leaves_the_plan_as_it_was(tmp_path, company):
    settings = Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"), plan=ITEMS)
    with served(company) as portal:
        report = run(settings, portal)
        assert report.mistakes_beside == ()
        before = lines(settings)
        assert before == [("2025-06", "won_money", "", 900.0, "RUB"), ("2025-06", "won_money", "1", 300.0, "RUB")]
        later(company)
        company.processes[1038][2]["ASSIGNED_BY_ID"] = 77
        report = run(settings, portal)
    assert report.mistakes_beside == (
        "item 2, column manager: manager '77' is not known; there are, for example: Anna Petrova (ID 1), Boris Lee (ID 2)",
    )
    assert lines(settings) == before
    (holes,) = [holes for (holes,) in stored(settings, "syncs", "holes") if holes != "[]"]
    assert "smart process 1038 has 1 mistake and was not read: the plan is as it was before" in holes
    with pytest.raises(FilesError, match="the plan comes from smart process 1038 of the portal"):
        check(settings)


def test_money_brings_its_own_currency_and_a_field_that_there_is_not_is_told_with_those_that_there_are(company):
    with served(company) as portal, Client(portal.webhook, pace=AT_ONCE) as client:
        of_money = PlanItems(smart_process=1038, fields={"period": "ufcrm_44_month", "value": "UF_CRM_44_SUM"})
        assert plan_items.read(client, of_money, MOSCOW).text.splitlines() == [
            "period,value,currency",
            "2025-06,5,USD",
            "2025-06,,",
        ]
        wrong = PlanItems(smart_process=1038, fields={"period": "UF_CRM_44_MONTHS", "value": "opportunity"})
        with pytest.raises(SourceError, match="smart process 1038 has no field 'UF_CRM_44_MONTHS'"):
            plan_items.read(client, wrong, MOSCOW)


def test_a_process_that_cant_be_read_leaves_the_plan_as_it_was_and_is_told(tmp_path, company):
    gone = ITEMS.model_copy(update={"smart_process": 1040})
    settings = Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"), plan=gone)
    with served(company) as portal:
        (told,) = run(settings, portal).mistakes_beside
    assert told.endswith("; the plan is as it was before")
    assert lines(settings) == []
