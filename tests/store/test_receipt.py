"""The receipt of a sync: what the store holds, counted beside the portal's own counters, over real HTTP."""

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from bitrix24_demo import Company, Quirks, invent
from crm_reports.errors import PortalError
from crm_reports.mail import sending
from crm_reports.measures.load import load
from crm_reports.settings import Mail, Settings, Source
from crm_reports.sources.bitrix24.client import Client
from crm_reports.store.receipts import Receipt
from crm_reports.store.sync import audit
from portals import AT_ONCE, later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
PRESENT = ("deals", "leads", "companies", "contacts", "activities", "stage_history")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))


@pytest.fixture(scope="module")
def invented() -> Company:
    return invent(deals=150, seed=3, today=date(2025, 6, 30), leads=True)


@contextmanager
def _asked_again(settings: Settings, portal: object, synced_at: datetime) -> Iterator[Receipt]:
    """The receipt of the store as it is, beside the portal's counters as they are now."""
    with (
        closing(duckdb.connect(str(settings.store_path), read_only=True)) as connection,
        Client(portal.webhook, pace=AT_ONCE, limits=settings.limits) as client,
    ):
        connection.execute("set TimeZone = 'UTC'")
        yield audit.compare(client, connection, PRESENT, synced_at, settings.zone)


def test_every_count_of_a_whole_sync_is_the_portals_own_and_is_kept_with_it(settings, invented):
    with served(invented) as portal:
        report = run(settings, portal)
    made = report.receipt
    assert made.asked == made.answered == made.equal > 100
    assert (made.differences, made.warning()) == ((), "")
    assert made.words() == f"{made.equal} of {made.equal} counts equal the CRM's own"
    assert Receipt.read(stored(settings, "syncs", "receipt")[0][0]) == made


def test_a_deal_that_the_lists_drop_is_a_difference_that_nobody_explains(settings, invented):
    dropped = max(row["ID"] for row in invented.deals if row["IS_RECURRING"] != "Y")
    with served(invented, quirks=Quirks(lists_lack=frozenset({dropped}))) as portal:
        made = run(settings, portal).receipt
    whole = next(each for each in made.differences if each.words == "deals")
    assert (whole.there - whole.here, whole.is_explained) == (1, False)
    assert whole.reason == "the portal's lists do not show which rows these are"
    assert made.warning().endswith("(the portal's lists do not show which rows these are)")
    assert made.equal == made.answered - len(made.differences)


def test_the_difference_stands_at_the_top_of_the_page_and_names_no_deal_on_a_page_about_one_person(settings, invented):
    dropped = max(row["ID"] for row in invented.deals if row["IS_RECURRING"] != "Y")
    with served(invented, quirks=Quirks(lists_lack=frozenset({dropped}))) as portal:
        warning = run(settings, portal).receipt.warning()
    whole = load(period="2025-06", settings=settings)
    assert whole.holes == [warning]
    assert len(whole.receipt["differences"]) > 1
    person = load(period="2025-06", manager=invented.deals[dropped]["ASSIGNED_BY_ID"], settings=settings)
    assert person.receipt["differences"] == []
    assert warning not in person.holes


def test_mails_are_held_while_a_count_is_not_the_crms_own_unless_told_otherwise(settings, invented):
    dropped = max(row["ID"] for row in invented.deals if row["IS_RECURRING"] != "Y")
    with served(invented, quirks=Quirks(lists_lack=frozenset({dropped}))) as portal:
        warning = run(settings, portal).receipt.warning()
    server = {"host": "127.0.0.1", "security": "none", "sender": "reports@acme.example"}
    for holds in (True, False):
        mailing = settings.model_copy(update={"mail": Mail(**server, hold_on_difference=holds)})
        reason = sending.held(mailing)
        assert (warning in reason) is holds


def test_what_changed_after_the_sync_explains_its_differences_by_the_deals_numbers(settings):
    company = Company.small(now=NOW)
    moved, gone, _rest = (company.add_deal(title="before", at=NOW - timedelta(days=3)) for _number in range(3))
    with served(company) as portal:
        synced_at = run(settings, portal).synced_at
        later(company, hours=1)
        new = company.add_deal(title="came since")
        company.move(moved, "WON")
        company.delete_deal(gone)
        with _asked_again(settings, portal, synced_at) as made:
            assert made.differences
            assert made.unexplained == []
            reasons = {each.words: each.reason for each in made.differences}
    assert reasons["deals on Paid of Sales"] == f"changed since: {moved}"
    assert reasons["deals on Cold base of Sales"] == f"changed since: {moved}, {new}; no longer there: {gone}"


def test_a_portal_that_counts_no_further_than_fifty_is_no_difference(settings, invented):
    with served(invented, quirks=Quirks(total_at_most=50)) as portal:
        made = run(settings, portal).receipt
    assert made.unexplained == []
    assert made.answered < made.asked


def test_a_portal_that_refuses_to_count_leaves_the_sync_whole_and_says_so(settings, invented, monkeypatch):
    def refuse(*_args: object) -> None:
        raise PortalError("too many requests")

    monkeypatch.setattr(audit, "counted", refuse)
    with served(invented) as portal:
        report = run(settings, portal)
    assert report.receipt.words() == "The CRM's own counters could not be asked: too many requests"
    assert len(stored(settings, "deals")) > 0
    assert json.loads(stored(settings, "syncs", "receipt")[0][0])["problem"] == "too many requests"
