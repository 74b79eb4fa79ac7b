"""Where portals are known to behave in two ways the demo portal plays both, and the loader brings the same store."""

from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bitrix24_demo import UNLIMITED, Company, Currency, Fault, Quirks, Rate, Served, Stage, serve
from bitrix24_demo.portal import Portal, Request
from crm_reports.settings import Settings, Source
from crm_reports.sources.bitrix24.client import Client
from crm_reports.sources.bitrix24.cursors import by_id
from crm_reports.sources.bitrix24.pace import Pace
from crm_reports.sources.bitrix24.tables import ENTITIES
from crm_reports.store.sync import sync
from portals import AT_ONCE, assert_same, history_of, later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=40)

# Every switch is turned by one of them; those that touch the same values are in different ones.
TURNED: dict[str, Quirks] = {
    "usual": Quirks(),
    "other ways of writing values": Quirks(
        stage_history_as_text=True, dates_at_utc_midnight=False, absent_id="0", absent_department="false",
        incoming_channel="calls too", semantics="column", stages_carry_prefix=False, comments_carry_files=True,
    ),
    "yet other ways of writing values": Quirks(
        absent_id="null", empty_is_null=False, incoming_channel="absent", semantics="extra", byte_order_mark=True,
    ),
    "says all about its work, in words": Quirks(
        operating="always", operating_reset_as_text=True, whole_seconds=True, batch_is_charged=True,
    ),
    "says nothing about its work": Quirks(operating="never"),
    "counts no further than a page": Quirks(total_at_most=10, errors="older", activities_repeat=True),
    "an old portal": Quirks(
        has_categories=False, has_mode=False, errors="older", total_at_most=60, user_zone_shift_hours=-7,
    ),
    "other traces of changes": Quirks(
        activities_stamp_deals=True, closing_keeps_planned_date=True, merging_stamps_deals=True,
        filters_last_activity=False,
    ),
}  # fmt: skip
LACKS_HISTORY = {
    "no entries of creation": Quirks(history_lacks_creation=True),
    "no entries of pipelines that were left": Quirks(history_lacks_old_pipelines=True),
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))


def business(quirks: Quirks) -> Company:
    """Seventy deals in two pipelines, with leads, customers, calls both ways, comments, and a deal that came round."""
    company = Company.small(now=NOW, quirks=quirks, uses_leads=True)
    company.add_pipeline("Tenders", [Stage("NEW", "New"), Stage("WON", "Won", "S"), Stage("LOSE", "Lost", "F")])
    company.add_currency(Currency("USD", 90.5, name="Dollar"))
    company.add_user("Nobody", "Special")
    firm, person = company.add_company("Acme", at=LONG_AGO), company.add_contact("Ann", "Lee", at=LONG_AGO)
    for n in range(70):
        customer = ({"COMPANY_ID": firm}, {"CONTACT_ID": person, "COMPANY_ID": 0}, {})[n % 3]
        stage = "C1:NEW" if n % 4 == 0 else "NEW"
        at = LONG_AGO + timedelta(hours=n)
        deal = company.add_deal(f"Deal {n}", stage=stage, at=at, OPPORTUNITY=100.25 * n, **customer)
        company.add_call(owner=deal, direction="in" if n % 2 else "out", code="304" if n % 10 == 1 else "200", at=at)
        company.add_comment(f"Comment {n}", owner=deal, at=at)
        company.add_lead(f"Lead {n}", at=at, COMPANY_ID=firm if n % 2 else 0)
    company.move(2, "C1:NEW", LONG_AGO + timedelta(days=5))
    company.move(2, "C1:WON", LONG_AGO + timedelta(days=6))
    company.edit_deal(3, CLOSEDATE=date(2025, 9, 1), at=LONG_AGO + timedelta(days=6))
    company.move(3, "LOSE", LONG_AGO + timedelta(days=7))
    return company


def live_on(company: Company) -> None:
    """A day of everything that a portal has traces of."""
    later(company)
    company.move(1, "NEW")
    company.move(4, "WON")
    company.move(2, "NEW")
    company.edit_deal(6, ASSIGNED_BY_ID=2, OPPORTUNITY=7.0)
    company.delete_deal(8)
    company.add_comment("late", owner=3)
    company.add_activity("email", owner=7, direction="in")
    company.complete(2)
    company.merge_companies(company.add_company("Acme once more"), 1)
    company.move_lead(1, "CONVERTED")
    company.add_deal("new", COMPANY_ID=company.add_company("New Ltd"))


@pytest.mark.parametrize("quirks", TURNED.values(), ids=list(TURNED))
def test_the_store_is_the_portal_whichever_way_it_behaves(settings: Settings, quirks: Quirks) -> None:
    company = business(quirks)
    with served(company) as portal:
        first = run(settings, portal)
        assert_same(settings, company)
        assert_same_dictionaries(settings, company)
        live_on(company)
        second = run(settings, portal)
    assert first.holes == second.holes == []
    assert_same(settings, company)
    assert len(stored(settings, "leads")) == len(company.leads)


def assert_same_dictionaries(settings: Settings, company: Company) -> None:
    outcomes = {None: "open", "S": "won", "F": "lost"}
    stages = {row["STATUS_ID"]: row for row in company.statuses if row["ENTITY_ID"].startswith("DEAL_STAGE")}
    assert stored(settings, "stages", "stage_id, pipeline_id, name, outcome") == sorted(
        (stage, str(row["CATEGORY_ID"] or 0), row["NAME"], outcomes[row["SEMANTICS"]]) for stage, row in stages.items()
    )
    assert stored(settings, "pipelines", "pipeline_id, name") == [("0", "Sales"), ("1", "Tenders")]
    assert stored(settings, "managers", "manager_id, name") == [
        ("1", "Anna Petrova"), ("2", "Boris Lee"), ("3", "Nobody Special"),
    ]  # fmt: skip
    assert stored(settings, "manager_departments", "manager_id, department_id") == [("1", "1"), ("2", "1")]
    assert stored(settings, "currencies", "currency, rate") == [("RUB", 1.0), ("USD", 90.5)]


@pytest.mark.parametrize("quirks", LACKS_HISTORY.values(), ids=list(LACKS_HISTORY))
def test_history_that_a_portal_shows_in_part_is_kept_as_it_was_shown(settings: Settings, quirks: Quirks) -> None:
    company = business(quirks)
    with served(company) as portal:
        run(settings, portal)
        first = shown(portal)
        assert {row[0] for row in stored(settings, "stage_history")} == first
        assert 0 < len(first) < len(company.history)
        live_on(company)
        run(settings, portal)
        second = shown(portal)
    kept = stored(settings, "stage_history")
    deleted = {entry for entry in first if entry not in company.history}
    assert {row[0] for row in kept} == (first | second) - deleted
    assert set(kept) <= set(history_of(company))


def test_a_portal_that_does_not_filter_by_the_last_activity_is_read_exactly_all_the_same(settings: Settings) -> None:
    company = business(Quirks(filters_last_activity=False))
    with served(company) as portal:
        run(settings, portal)
        live_on(company)
        run(settings, portal)
    assert_same(settings, company)


def shown(portal: Served) -> set[int]:
    """The ids of all stage history that the portal gives to whom asks page by page."""
    found: set[int] = set()
    params = {"entityTypeId": 2, "order": {"ID": "ASC"}, "start": 0}
    while True:
        body = httpx.post(f"{portal.webhook}crm.stagehistory.list", json=params).json()
        found |= {int(row["ID"]) for row in body["result"]["items"]}
        if "next" not in body:
            return found
        params["start"] = body["next"]


def test_every_switch_is_turned_by_a_test() -> None:
    usual, turned = Quirks(), [*TURNED.values(), *LACKS_HISTORY.values()]
    untouched = [
        field.name for field in fields(Quirks)
        if all(getattr(quirks, field.name) == getattr(usual, field.name) for quirks in turned)
    ]  # fmt: skip
    assert untouched == ["lists_lack"]  # with it the store is not the portal: tests/store/test_receipt.py


@pytest.mark.parametrize("scopes", [("crm", "user_brief", "department", "telephony"), ("crm", "user_basic")])
def test_a_narrow_scope_shows_users_without_addresses(settings: Settings, scopes: tuple[str, ...]) -> None:
    company = business(Quirks())
    with served(company, scopes=scopes) as portal:
        run(settings, portal)
        rows = httpx.post(f"{portal.webhook}user.get", json={}).json()["result"]
    assert all("EMAIL" not in row for row in rows)
    assert stored(settings, "managers", "name, email") == [
        ("Anna Petrova", None), ("Boris Lee", None), ("Nobody Special", None),
    ]  # fmt: skip


@pytest.mark.parametrize("errors", ["documented", "older"])
def test_a_portal_that_is_busy_is_asked_again_whatever_status_it_says_so_with(settings: Settings, errors: str) -> None:
    company = business(Quirks(errors=errors))
    with serve(company, rate=Rate(drain=40, burst=3)) as portal:
        report = sync(settings, webhook=portal.webhook, pace=Pace(per_second=1e9, burst=1e9, pause=0.1))
    assert report.holes == []
    assert_same(settings, company)


# What stands before a portal answers for it, also where JSON was expected.
BODIES = {
    "429 in HTML": Fault(429, "<html>429 Too Many Requests</html>"),
    "503 in HTML": Fault(503, "<html>503</html>"),
    "502 in HTML": Fault(),
    "200 in HTML": Fault(200, "<html>Maintenance</html>"),
    "JSON cut short": Fault(200, '{"result": {"result": {"c0": [{"ID": "1", "TI'),
    "nothing": Fault(drops_connection=True),
}


@pytest.mark.parametrize("fault", BODIES.values(), ids=list(BODIES))
def test_a_batch_whose_body_is_no_answer_is_asked_for_again(settings: Settings, fault: Fault) -> None:
    company, met = business(Quirks()), iter([fault] * 2)
    with served(company, faults=lambda asked: next(met, None) if asked.method == "batch" else None) as portal:
        report = run(settings, portal)
    assert next(met, None) is None
    assert report.holes == []
    assert_same(settings, company)


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 0.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.mark.parametrize("processing", [9.0, 70.0], ids=["9 s a page", "70 s a page"])
@pytest.mark.parametrize("errors", ["documented", "older"])
@pytest.mark.parametrize("operating", ["always", "never"])
@pytest.mark.parametrize("batch_is_charged", [False, True], ids=["its commands are charged", "a batch is charged too"])
def test_a_method_that_has_worked_too_long_is_left_to_rest(
    processing: float, errors: str, operating: str, batch_is_charged: bool
) -> None:
    company, time = business(Quirks()), Time()
    for n in range(1000):
        company.add_deal(f"More {n}")
    quirks = Quirks(errors=errors, operating=operating, batch_is_charged=batch_is_charged)
    portal = Portal(
        company, code="code", rate=UNLIMITED, quirks=quirks, clock=time.clock, processing=lambda method: processing
    )
    transport = httpx.MockTransport(lambda request: _answered(portal, request))
    webhook = "http://127.0.0.1/rest/1/code/"
    with Client(webhook, pace=AT_ONCE, transport=transport, clock=time.clock, sleep=time.sleep) as client:
        pages = list(by_id(client, ENTITIES["deals"].listing))
    assert sorted(int(row["ID"]) for page in pages for row in page) == list(range(1, 1071))
    # 22 pages of 9 s are done within ten minutes' 480 s of work, 22 pages of 70 s are not.
    assert time.now < 60 if processing == 9 else time.now > 600


def _answered(portal: Portal, request: httpx.Request) -> httpx.Response:
    target = request.url.raw_path.decode()
    given = portal.answer(Request("POST", target, request.headers["Content-Type"], request.content))
    return httpx.Response(given.status, content=given.body, headers=dict(given.headers))
