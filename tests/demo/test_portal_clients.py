"""Three clients written by other people fetch the demo portal whole, over real HTTP, each by its own bulk strategies."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import unquote

import pytest

from bitrix24_demo import UNLIMITED, Company, Served, invent, serve
from clients import CLIENTS, Fetch

NOW = datetime(2025, 3, 1, 12, 0)
Row = dict[str, Any]


def served(company: Company) -> Any:
    return serve(company, rate=UNLIMITED)


def _instant(company: Company, moment: datetime) -> str:
    return moment.astimezone(company.zone).isoformat()


# What the company holds, as the wire should have it: written out by hand here, not by the portal's writers.


def deals_of(company: Company) -> list[Row]:
    return [
        {
            "ID": str(row["ID"]), "TITLE": row["TITLE"], "STAGE_ID": row["STAGE_ID"],
            "CATEGORY_ID": str(row["CATEGORY_ID"]), "ASSIGNED_BY_ID": str(row["ASSIGNED_BY_ID"]),
            "OPPORTUNITY": f"{row['OPPORTUNITY']:.2f}", "SOURCE_ID": row["SOURCE_ID"],
            "DATE_CREATE": _instant(company, row["DATE_CREATE"]), "MOVED_TIME": _instant(company, row["MOVED_TIME"]),
        }
        for row in company.deals
    ]  # fmt: skip


def history_of(company: Company) -> list[Row]:
    names = ("ID", "TYPE_ID", "OWNER_ID", "CATEGORY_ID", "STAGE_SEMANTIC_ID", "STAGE_ID")
    return [
        {name: row[name] for name in names} | {"CREATED_TIME": _instant(company, row["CREATED_TIME"])}
        for row in company.history
    ]


def activities_of(company: Company) -> list[Row]:
    texts, numbers = ("PROVIDER_ID", "SUBJECT", "COMPLETED"), ("ID", "OWNER_ID", "OWNER_TYPE_ID", "TYPE_ID", "STATUS")
    instants = ("CREATED", "LAST_UPDATED", "START_TIME", "END_TIME", "DEADLINE")
    return [
        {name: row[name] for name in texts}
        | {name: str(row[name]) for name in numbers}
        | {name: _instant(company, row[name]) for name in instants}
        for row in company.activities
    ]


LISTS: dict[str, tuple[str, dict[str, Any], Callable[[Company], list[Row]]]] = {
    "deals": ("crm.deal.list", {}, deals_of),
    "stage history": ("crm.stagehistory.list", {"entityTypeId": 2}, history_of),
    "activities": ("crm.activity.list", {}, activities_of),
}


def assert_whole(portal: Served, fetch: Fetch, listed: str, company: Company) -> None:
    """Every row once, and every field that we compare as the company has it."""
    method, params, expect = LISTS[listed]
    expected = expect(company)
    came = sorted(fetch(portal.webhook, method, params), key=lambda row: int(row["ID"]))
    assert [int(row["ID"]) for row in came] == [int(row["ID"]) for row in expected]
    assert [{name: row[name] for name in each} for row, each in zip(came, expected, strict=True)] == expected


@pytest.fixture(scope="module")
def business() -> Company:
    """Three hundred deals with all that happened to them; some are deleted, so that ids have holes."""
    company = invent(deals=300, seed=7, today=date(2025, 6, 30))
    # Once an ID is filtered, lists show recurring templates too: strategies would rightly differ in them.
    templates = [row["ID"] for row in company.deals if row["IS_RECURRING"] == "Y"]
    for deal in [*templates, *range(20, 120), *range(131, 300, 13)]:
        if deal in company.deals:
            company.delete_deal(deal)
    return company


@pytest.mark.parametrize("fetch", CLIENTS.values(), ids=list(CLIENTS))
@pytest.mark.parametrize("listed", LISTS)
def test_a_client_fetches_a_business_whole(business: Company, fetch: Fetch, listed: str) -> None:
    with served(business) as portal:
        assert_whole(portal, fetch, listed, business)


def _of_size(rows: int) -> Company:
    company = Company.small(now=NOW)
    for n in range(rows):
        company.add_activity("todo", owner=company.add_deal(f"Deal {n}", OPPORTUNITY=n / 4))
    return company


@pytest.fixture(scope="module", params=[0, 1, 49, 50, 51, 2500, 2551])
def sized(request: pytest.FixtureRequest) -> Company:
    return _of_size(request.param)


@pytest.mark.parametrize("fetch", CLIENTS.values(), ids=list(CLIENTS))
def test_sizes_at_the_edges_of_pages_and_batches(sized: Company, fetch: Fetch) -> None:
    with served(sized) as portal:
        for listed in LISTS:
            assert_whole(portal, fetch, listed, sized)


def test_their_strategies_are_what_they_are_said_to_be() -> None:
    """Else one client would be asked six times and the portal's other behaviours by nobody."""
    company, seen = _of_size(151), {}
    for name, fetch in CLIENTS.items():
        with served(company) as portal:
            fetch(portal.webhook, "crm.deal.list", {})
        written = str([asked.params for asked in portal.requests])
        seen[name] = (
            "$result" in unquote(written),
            "start': 50" in written or "start=50" in written,
            "%3CID" in written,
        )
    assert seen == {
        "fast_bitrix24": (False, True, False),
        "b24pysdk by offsets": (False, True, False),
        "b24pysdk by references": (True, False, False),
        "b24api one by one": (False, True, False),
        "b24api by offsets": (False, True, False),
        "b24api by windows": (False, False, True),
    }
