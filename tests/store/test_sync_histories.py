"""Random histories of a portal × random moments of a sync × random faults: the store is what the portal holds.

And it remembers what the portal forgets: every row as each night saw it.
"""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bitrix24_demo import Company, Fault, Stage
from crm_reports.errors import PortalError
from crm_reports.settings import Settings, Source
from crm_reports.sources.bitrix24.refusals import AuthError
from crm_reports.sources.fields import TABLES
from crm_reports.store.sync.draft import TOUCHES
from portals import assert_same, later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
STAGES = ("NEW", "UC_WORK", "PREPARATION", "WON", "LOSE", "APOLOGY")
TRACKED = [name for name in TABLES["deals"].columns if name not in TOUCHES]
EXPIRED = Fault(401, {"error": "expired_token", "error_description": "The access token provided has expired"})
TOO_FAST = Fault(503, {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"})
PASSING = (
    Fault(), Fault(drops_connection=True), Fault(200, '{"result": [{"ID":'), Fault(429, "<html>busy</html>"), TOO_FAST,
    Fault(500, {"error": "INTERNAL_SERVER_ERROR", "error_description": ""}),
)  # fmt: skip


@dataclass
class Trouble:
    """What a portal says instead of an answer, or does before it, by the number of the request within a sync."""

    faults: dict[int, Fault]
    meanwhile: dict[int, Callable[[], object]]
    asked: int = 0

    def __call__(self, asked: Any) -> Fault | None:
        self.asked += 1
        self.meanwhile.pop(self.asked, lambda: None)()
        return self.faults.get(self.asked)


class Portal(RuleBasedStateMachine):
    """A company at work, and a sync now and then."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="crm-"))
        self.settings = Settings(home=self.folder, data=self.folder / "data", source=Source(kind="bitrix24"))
        self.trouble = Trouble({}, {})
        self.nights: dict[datetime, dict[str, tuple]] = {}
        self.stack = ExitStack()
        self.seen: set[str] = set()
        self.is_synced = self.is_compared = False

    @initialize(uses_leads=st.booleans(), deals=st.integers(0, 60))
    def found(self, uses_leads: bool, deals: int) -> None:
        self.company = Company.small(now=NOW, uses_leads=uses_leads)
        for place in range(deals):
            self.company.add_deal(f"deal {place}", stage=STAGES[place % len(STAGES)])
        self.portal = self.stack.enter_context(served(self.company, faults=lambda asked: self.trouble(asked)))

    def teardown(self) -> None:
        self.stack.close()
        shutil.rmtree(self.folder)

    # What people do in a CRM

    def some(self, table: Any, which: int) -> int:
        ids = [row["ID"] for row in table]
        return ids[which % len(ids)]

    def happened(self) -> None:
        later(self.company, minutes=7)
        self.is_synced = False

    @rule(
        title=st.sampled_from(["web form", "=1+1", "<b>", ""]), stage=st.sampled_from(STAGES), amount=st.floats(0, 1e6)
    )
    def create(self, title: str, stage: str, amount: float) -> None:
        self.company.add_deal(title, stage=stage, OPPORTUNITY=round(amount, 2))
        self.happened()

    @precondition(lambda self: len(self.company.deals))
    @rule(which=st.integers(0, 99), stage=st.sampled_from(STAGES))
    def move(self, which: int, stage: str) -> None:
        self.company.move(self.some(self.company.deals, which), stage)
        self.happened()

    @precondition(lambda self: len(self.company.deals))
    @rule(which=st.integers(0, 99), amount=st.integers(0, 9), owner=st.sampled_from([1, 2]))
    def edit(self, which: int, amount: int, owner: int) -> None:
        deal = self.some(self.company.deals, which)
        self.company.edit_deal(deal, OPPORTUNITY=float(amount), ASSIGNED_BY_ID=owner)
        self.happened()

    @precondition(lambda self: len(self.company.deals))
    @rule(which=st.integers(0, 99), how=st.sampled_from(["delete", "hide"]), count=st.sampled_from([1, 1, 25]))
    def lose(self, which: int, how: str, count: int) -> None:
        for _ in range(min(count, len(self.company.deals))):
            deal = self.some(self.company.deals, which)
            self.company.delete_deal(deal) if how == "delete" else self.company.hide_deal(deal)
        self.happened()

    @precondition(lambda self: self.company.bin or self.company.hidden_deals)
    @rule()
    def come_back(self) -> None:
        for deal in list(self.company.bin)[:1]:
            self.company.restore_deal(deal)
        for deal in list(self.company.hidden_deals):
            self.company.show_deal(deal)
        self.happened()

    @precondition(lambda self: len(self.company.deals))
    @rule(which=st.integers(0, 99), kind=st.sampled_from(["comment", "todo", "call", "done"]))
    def act(self, which: int, kind: str) -> None:
        deal = self.some(self.company.deals, which)
        if kind == "comment":
            self.company.add_comment("hello", owner=deal)
        elif kind == "call":
            self.company.add_call(owner=deal, code="486" if which % 2 else "200")
        else:
            self.company.add_activity("todo", owner=deal, done=kind == "done")
        self.happened()

    @precondition(lambda self: len(self.company.activities))
    @rule(which=st.integers(0, 99), how=st.sampled_from(["complete", "edit_activity", "delete_activity"]))
    def go_on(self, which: int, how: str) -> None:
        getattr(self.company, how)(self.some(self.company.activities, which))
        self.happened()

    @precondition(lambda self: len(self.company.comments))
    @rule(which=st.integers(0, 99))
    def take_back(self, which: int) -> None:
        self.company.delete_comment(self.some(self.company.comments, which))
        self.happened()

    @precondition(lambda self: len(self.company.deals) > 1)
    @rule(which=st.integers(0, 99), what=st.sampled_from(["deals", "companies", "contact", "company"]))
    def merge(self, which: int, what: str) -> None:
        first, second = (self.company.add_company(name) for name in ("Acme", "ACME Ltd"))
        one, other = (self.some(self.company.deals, which + place) for place in (0, 1))
        self.company.edit_deal(one, COMPANY_ID=first)
        self.company.edit_deal(other, CONTACT_ID=self.company.add_contact("Ann"))
        self.company.add_activity("todo", owner=first, owner_type="company")
        self.happened()
        self.sync()
        later(self.company, days=1)
        if what == "deals":
            self.company.merge_deals(one, other)
        elif what == "companies":
            self.company.merge_companies(first, second)
        elif what == "contact":
            self.company.delete_contact(self.company.deals[other]["CONTACT_ID"])
        else:
            self.company.delete_company(first)
        self.happened()

    @rule(name=st.sampled_from(["Too dear", "Won at last"]), rate=st.floats(1, 99))
    def tidy_up(self, name: str, rate: float) -> None:
        self.company.rename_stage("LOSE", name)
        self.company.set_rate("RUB", 1.0) if rate < 50 else self.company.add_source(f"UC_{int(rate)}", name)
        self.happened()

    @rule()
    def open_a_pipeline(self) -> None:
        if len(self.company.pipelines) < 3:
            self.company.add_pipeline("More", [Stage("FIRST", "First"), Stage("WON", "Paid", "S")])
            self.happened()

    @rule(hours=st.integers(0, 50))
    def wait(self, hours: int) -> None:
        later(self.company, hours=hours)

    # Syncs

    def read(self, faults: dict[int, Fault], meanwhile: dict[int, Callable[[], object]]) -> None:
        work_goes_on, self.trouble = bool(meanwhile), Trouble(faults, meanwhile)
        report = run(self.settings, self.portal)
        self.nights[report.synced_at] = {row[0]: row for row in stored(self.settings, "deals", _columns())}
        self.is_synced, self.is_compared = not work_goes_on, False

    @rule()
    def sync(self) -> None:
        self.read({}, {})

    @rule(where=st.sets(st.integers(1, 12), min_size=1, max_size=3), what=st.sampled_from(PASSING))
    def sync_over_a_bad_line(self, where: set[int], what: Fault) -> None:
        self.read(dict.fromkeys(where, what), {})

    @rule(at=st.integers(2, 5), what=st.sampled_from([EXPIRED, Fault(drops_connection=True)]))
    def sync_in_vain(self, at: int, what: Fault) -> None:
        before = self.settings.store_path.read_bytes() if self.settings.store_path.exists() else None
        self.trouble = Trouble(dict.fromkeys(range(at, 999), what), {})
        with pytest.raises((AuthError, PortalError)):
            run(self.settings, self.portal)
        assert before == (self.settings.store_path.read_bytes() if self.settings.store_path.exists() else None)

    @precondition(lambda self: len(self.company.deals))
    @rule(at=st.integers(2, 6), which=st.integers(0, 99))
    def sync_while_people_work(self, at: int, which: int) -> None:
        """What happens during a sync is in it or in the next one."""
        deal = self.some(self.company.deals, which)
        work = [
            lambda: self.company.add_deal("in between"),
            lambda: self.company.move(deal, "WON"),
            lambda: self.company.add_comment("in between", owner=deal),
        ]
        self.read({}, {at + place: each for place, each in enumerate(work)})

    @invariant()
    def the_store_is_the_portal(self) -> None:
        if self.is_synced and not self.is_compared:
            assert_same(self.settings, self.company)
            held = {row[0] for row in stored(self.settings, "deals", "deal_id")}
            assert self.seen & {str(deal) for deal in self.company.hidden_deals} <= held
            self.seen |= held
            self.every_night_can_be_had_again(held)
            self.is_compared = True

    def every_night_can_be_had_again(self, alive: set[str]) -> None:
        with closing(duckdb.connect(str(self.settings.store_path), read_only=True)) as connection:
            connection.execute("set TimeZone = 'UTC'")
            for at, night in self.nights.items():
                again = {row[0]: row for row in _as_of(connection, at)}
                assert {id: row for id, row in night.items() if id in alive} == {
                    id: again[id] for id in night if id in alive
                }


def _columns() -> str:
    return ", ".join(f'"{name}"' for name in TRACKED)


def _as_of(connection: duckdb.DuckDBPyConnection, at: datetime) -> list[tuple]:
    """The deals as the sync at that instant saw them, by the rule that `fields` states."""
    return connection.execute(
        f"with rows as (select *, 'infinity'::timestamptz as last_seen_at from crm.deals "
        f"union all by name from crm.deals_versions) select {_columns()} from rows where last_seen_at >= ? "
        "qualify row_number() over (partition by deal_id order by last_seen_at) = 1", [at],
    ).fetchall()  # fmt: skip


TestHistories = Portal.TestCase
TestHistories.settings = settings(
    max_examples=8,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],  # shrinking would take many minutes; the steps are told
)
