"""A sync that is killed, or has no room left: readers never see half of it, and the next one repairs."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import pytest

from apart import APART
from bitrix24_demo import Company, Fault
from crm_reports.settings import Settings, Source
from crm_reports.store.sync import sync
from portals import AT_ONCE, assert_same, later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))


@pytest.fixture
def company() -> Company:
    company = Company.small(now=NOW)
    for number in range(200):
        deal = company.add_deal(f"deal {number}", at=NOW - timedelta(days=30))
        company.add_comment("hello", owner=deal)
    return company


def _sync(settings: Settings, webhook: str) -> None:
    sync(settings, webhook=webhook, portal_url="https://acme.example", pace=AT_ONCE)


def _change(company: Company) -> None:
    later(company)
    for deal in range(1, 60):
        company.move(deal, "WON")
    company.delete_deal(100)


@pytest.mark.parametrize("request_number", [1, 3, 5, 6, 8])
def test_a_sync_killed_at_any_request_leaves_the_old_store_and_the_next_one_repairs(
    settings: Settings, company: Company, request_number: int
) -> None:
    victim: dict[str, Any] = {}

    def kill(asked: Any) -> Fault | None:
        if "process" in victim and len(portal.requests) == request_number:
            victim.pop("process").kill()
        return None

    with served(company, faults=kill) as portal:
        run(settings, portal)
        before = settings.store_path.read_bytes()
        _change(company)
        portal.requests.clear()
        victim["process"] = process = APART.Process(target=_sync, args=(settings, portal.webhook))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert settings.store_path.read_bytes() == before
        run(settings, portal)
    assert_same(settings, company)
    assert sorted(each.name for each in settings.data.iterdir()) == ["store.duckdb", "sync.lock"]


@pytest.mark.parametrize("moment", ["ledger.duckdb", "store.next.duckdb", "store.next.duckdb.wal"])
def test_a_sync_killed_while_it_writes_leaves_a_whole_store(settings: Settings, company: Company, moment: str) -> None:
    """Whether the kill comes before, during or after the write depends on the machine; what must hold does not."""
    with served(company) as portal:
        run(settings, portal)
        old = stored(settings, "deals")
        _change(company)
        process = APART.Process(target=_sync, args=(settings, portal.webhook))
        process.start()
        while process.is_alive() and not any(settings.data.rglob(moment)):
            time.sleep(0.001)
        process.kill()
        process.join()
        found = stored(settings, "deals")
        run(settings, portal)
    assert_same(settings, company)
    assert found in (old, stored(settings, "deals"))


LITTLE_ROOM = """
import resource, signal, sys
from crm_reports.errors import StoreError
from crm_reports.settings import Settings, Source
from crm_reports.store.sync import sync
from pathlib import Path
from portals import AT_ONCE
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
home = Path(sys.argv[1])
settings = Settings(home=home, data=home / "data", source=Source(kind="bitrix24"))
try:
    sync(settings, webhook=sys.argv[2], portal_url="https://acme.example", pace=AT_ONCE)
except StoreError as error:
    print(error)
    sys.exit(3)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are told otherwise there")
@pytest.mark.parametrize("room", [4096, 20_000, 300_000])
def test_a_full_disk_is_said_in_a_sentence_and_costs_nothing(settings: Settings, company: Company, room: int) -> None:
    with served(company) as portal:
        run(settings, portal)
        before = settings.store_path.read_bytes()
        _change(company)
        argv = [sys.executable, "-c", LITTLE_ROOM, str(settings.home), portal.webhook, str(room)]
        done = subprocess.run(argv, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
        assert done.returncode == 3, done.stderr
        assert "no room" in done.stdout
        assert portal.webhook not in done.stdout + done.stderr
        assert settings.store_path.read_bytes() == before
        run(settings, portal)
    assert_same(settings, company)


def test_readers_see_one_sync_or_the_other_and_never_wait(settings: Settings, company: Company) -> None:
    seen: set[tuple[int, int]] = set()
    stop, looked = Event(), Event()

    def look() -> None:
        while not stop.is_set():
            with closing(duckdb.connect(str(settings.store_path), read_only=True)) as reader:
                query = "select count(*) filter (outcome = 'won'), (select count(*) from crm.syncs) from crm.deals"
                seen.add(reader.execute(query).fetchone())
                looked.set()

    with served(company) as portal:
        run(settings, portal)
        reading = Thread(target=look)
        reading.start()
        looked.wait()
        _change(company)
        run(settings, portal)
        stop.set()
        reading.join()
    assert (0, 1) in seen
    assert seen <= {(0, 1), (59, 2)}


def test_a_store_held_open_by_another_process_is_replaced_all_the_same(settings: Settings, company: Company) -> None:
    with served(company) as portal:
        run(settings, portal)
        ready, free = APART.Event(), APART.Event()
        reader = APART.Process(target=_hold_open, args=(settings.store_path, ready, free))
        reader.start()
        assert ready.wait(60)
        _change(company)
        run(settings, portal)
        free.set()
        reader.join()
    assert_same(settings, company)


def _hold_open(store: Path, ready: Any, free: Any) -> None:
    with closing(duckdb.connect(str(store), read_only=True)) as reader:
        reader.execute("select count(*) from crm.deals").fetchone()
        ready.set()
        free.wait(60)


Change = Callable[[Company], object]


@pytest.mark.parametrize(
    "strange",
    [
        lambda c: c.edit_deal(1, DATE_CREATE=datetime(1970, 1, 1, tzinfo=UTC)),
        lambda c: c.edit_deal(1, CLOSEDATE=datetime(9999, 12, 31).date(), OPPORTUNITY=-5.0),
        lambda c: c.edit_deal(1, SOURCE_ID="UC_NOBODY_KNOWS", CURRENCY_ID="XTS", ASSIGNED_BY_ID=4711),
        lambda c: c.edit_deal(1, STAGE_SEMANTIC_ID="Z"),
        lambda c: c.add_activity("todo", owner=1, PROVIDER_ID="CRM_TELEPATHY", TYPE_ID=99),
        lambda c: c.delete_user(2),
        lambda c: c.delete_stage("LOSE"),
    ],
    ids=["1970", "year 9999", "unknown ids", "unknown outcome", "unknown activity", "deleted user", "deleted stage"],
)
def test_what_nobody_has_heard_of_is_taken_as_it_is(settings: Settings, strange: Change) -> None:
    company = Company.small(now=NOW)
    for number in range(3):
        company.add_deal(f"deal {number}", at=NOW - timedelta(days=30))
    strange(company)
    with served(company) as portal:
        report = run(settings, portal)
        later(company)
        run(settings, portal)
    assert report.holes == []
    assert len(stored(settings, "deals")) == 3
