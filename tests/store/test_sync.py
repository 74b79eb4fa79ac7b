"""The whole way from a portal, over real HTTP, into the store; and a folder of files into it."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr

from apart import APART
from bitrix24_demo import Company, Fault, Quirks, Refusal, Stage, invent
from crm_reports.errors import FilesError, PortalError, ScopeError, SourceError, StoreError
from crm_reports.settings import Settings, Source
from crm_reports.sources.bitrix24.refusals import AuthError
from crm_reports.sources.fields import TABLES, arrow_schema
from crm_reports.store.locks import only_one
from crm_reports.store.sync import Received, sync
from portals import AT_ONCE, assert_same, deals_of, later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
# Before the hour that every sync reads again.
YESTERDAY = NOW - timedelta(days=1)
HOSTILE = "=cmd|'/c calc'!A1 <script>alert(\"x\")</script> Ünï\x00code '; drop table deals; -- \U0001f600"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))


@pytest.fixture
def company() -> Company:
    return Company.small(now=NOW)


# The first time


@pytest.fixture(scope="module")
def invented() -> Company:
    return invent(deals=400, seed=3, today=date(2025, 6, 30), leads=True)


@pytest.mark.parametrize(
    "quirks",
    [
        Quirks(),
        Quirks(stage_history_as_text=True, dates_at_utc_midnight=False, comments_carry_files=True, operating="always"),
        Quirks(operating="never"),
    ],
    ids=["usual", "unusual", "without operating"],
)
def test_the_first_sync_equals_the_portal_row_for_row(settings: Settings, invented: Company, quirks: Quirks) -> None:
    with served(invented, quirks=quirks) as portal:
        report = run(settings, portal)
    assert_same(settings, invented)
    assert report.holes == []
    assert report.tables["deals"] == Received(len(deals_of(invented)), len(deals_of(invented)))
    assert len(stored(settings, "leads")) == len(invented.leads) > 0
    assert len(stored(settings, "managers")) == len(invented.users)
    assert len(stored(settings, "departments")) == len(invented.departments)
    assert len(stored(settings, "pipelines")) == len(invented.pipelines)
    assert len(stored(settings, "currencies")) == len(invented.currencies)
    done = {row["ID"] for row in invented.activities if row["COMPLETED"] == "Y"}
    assert stored(settings, "done_seen") == sorted((str(each), invented.now) for each in done)


def test_the_store_has_the_columns_of_fields_and_no_others(settings: Settings, company: Company) -> None:
    with served(company) as portal:
        run(settings, portal)
    with closing(duckdb.connect(str(settings.store_path), read_only=True)) as connection:
        for table in TABLES:
            assert connection.execute(f"from crm.{table}").to_arrow_table().schema.names == arrow_schema(table).names
        schemas = connection.execute("select distinct schema_name from duckdb_tables()").fetchall()
    assert sorted(schemas) == [("crm",), ("main",)]


def test_an_empty_portal_gives_empty_tables(settings: Settings, company: Company) -> None:
    with served(company) as portal:
        report = run(settings, portal)
        run(settings, portal)
    assert report.tables["deals"] == Received(0, 0)
    assert stored(settings, "deals") == []
    [(synced_at, source, url, present, holes)] = stored(
        settings, "syncs", "synced_at, source, portal_url, present, holes"
    )[:1]
    assert (synced_at, source, url, holes) == (NOW, "bitrix24", "https://acme.example", "[]")
    assert "deals" in present.split(",")
    assert "leads" not in present.split(",")


def test_hostile_titles_survive(settings: Settings, company: Company) -> None:
    deal = company.add_deal(HOSTILE)
    with served(company) as portal:
        run(settings, portal)
    assert stored(settings, "deals", "deal_id, title") == [(str(deal), HOSTILE)]


def test_recurring_templates_are_no_deals(settings: Settings, company: Company) -> None:
    company.add_deal("template", IS_RECURRING="Y")
    company.add_deal("deal")
    with served(company) as portal:
        run(settings, portal)
        later(company)
        company.add_deal("another template", IS_RECURRING="Y")
        run(settings, portal)
    assert stored(settings, "deals", "title") == [("deal",)]


def test_progress_tells_each_table(settings: Settings, company: Company) -> None:
    company.add_deal("one")
    told: dict[str, int] = {}
    with served(company) as portal:
        run(settings, portal, progress=told.__setitem__)
    assert (told["deals"], told["managers"]) == (1, 2)


def test_a_failed_call_is_no_action_now_and_when_it_is_edited_much_later(settings: Settings, company: Company) -> None:
    deal = company.add_deal("one")
    talked = company.add_call(owner=deal, at=YESTERDAY)
    busy = company.add_call(owner=deal, code="486", at=YESTERDAY)
    expected = sorted([(str(talked), True), (str(busy), False)])
    with served(company) as portal:
        run(settings, portal)
        assert stored(settings, "activities", "activity_id, is_action") == expected
        later(company, days=60)
        company.edit_activity(busy, DESCRIPTION="was engaged")
        assert run(settings, portal).tables["activities"].rows == 1
    assert stored(settings, "activities", "activity_id, is_action") == expected


# Afterwards


def test_a_second_sync_asks_for_little_and_brings_nothing(settings: Settings, company: Company) -> None:
    for n in range(300):
        company.add_deal(f"deal {n}", stage="WON", at=YESTERDAY)
    with served(company) as portal:
        first = run(settings, portal)
        later(company)
        second = run(settings, portal)
    assert second.tables["deals"] == second.tables["stage_history"] == second.tables["comments"] == Received(0, 0)
    assert first.requests > second.requests
    assert second.requests <= 11  # three of them are the counts of the receipt
    assert_same(settings, company)


Change = Callable[[Company, list[int]], object]


@pytest.mark.parametrize(
    "change",
    [
        lambda c, deals: c.edit_deal(deals[0], TITLE="renamed", OPPORTUNITY=12.5, ASSIGNED_BY_ID=2),
        lambda c, deals: c.move(deals[0], "WON"),
        lambda c, deals: (c.move(deals[3], "NEW"), c.move(deals[3], "LOSE")),
        lambda c, deals: c.add_deal("new", stage="LOSE"),
        lambda c, deals: c.delete_deal(deals[1]),
        lambda c, deals: (c.delete_deal(deals[1]), c.restore_deal(deals[1])),
        lambda c, deals: c.move(deals[0], c.add_stage(c.add_pipeline("Second", []), Stage("FIRST", "First"), sort=10)),
        lambda c, deals: c.add_comment("hello", owner=deals[0]),
        lambda c, deals: c.add_comment("late thanks", owner=deals[3]),
        lambda c, deals: c.add_comment("hello", owner=c.add_company("Acme"), owner_type="company"),
        lambda c, deals: c.add_activity("todo", owner=deals[0]),
        lambda c, deals: c.complete(1),
        lambda c, deals: c.delete_activity(1),
        lambda c, deals: c.edit_activity(1, DEADLINE=NOW),
    ],
    ids=[
        "edited", "won", "reopened and lost", "new", "deleted", "restored", "another pipeline", "comment",
        "comment on a closed deal", "comment on a new company", "activity", "completed", "activity deleted",
        "activity edited",
    ],
)  # fmt: skip
def test_what_happened_in_between_is_followed(settings: Settings, company: Company, change: Change) -> None:
    deals = [company.add_deal(f"deal {n}") for n in range(3)] + [company.add_deal("old", stage="WON")]
    company.add_activity("todo", owner=deals[0])
    company.add_comment("first", owner=deals[0])
    company.add_comment("first", owner=deals[1])
    with served(company) as portal:
        run(settings, portal)
        later(company)
        change(company, deals)
        run(settings, portal)
    assert_same(settings, company)


def test_a_deleted_comment_goes_and_a_renamed_stage_is_renamed(settings: Settings, company: Company) -> None:
    deal = company.add_deal("one")
    gone, _kept = company.add_comment("a", owner=deal), company.add_comment("b", owner=deal)
    with served(company) as portal:
        run(settings, portal)
        later(company)
        company.delete_comment(gone)
        company.rename_stage("LOSE", "Too dear")
        run(settings, portal)
    assert_same(settings, company)
    assert ("LOSE", "Too dear") in stored(settings, "stages", "stage_id, name")


def test_an_activity_is_seen_done_by_the_sync_that_saw_it_first(settings: Settings, company: Company) -> None:
    todo = company.add_activity("todo", owner=company.add_deal("one"))
    with served(company) as portal:
        run(settings, portal)
        later(company)
        company.complete(todo)
        run(settings, portal)
        later(company)
        company.edit_activity(todo, DESCRIPTION="added a note")
        run(settings, portal)
    assert stored(settings, "done_seen") == [(str(todo), NOW + timedelta(days=1))]
    assert stored(settings, "activities", "updated_at") == [(NOW + timedelta(days=2),)]


def test_ids_are_compared_as_numbers(settings: Settings, company: Company) -> None:
    for n in range(10):
        company.add_deal(f"deal {n}", at=YESTERDAY)
    with served(company) as portal:
        run(settings, portal)
        later(company)
        company.add_deal("imported with an old date", at=NOW - timedelta(days=90))
        report = run(settings, portal)
    assert report.tables["deals"] == Received(1, 1)
    assert_same(settings, company)


def test_deals_that_come_back_into_sight_come_with_their_history(settings: Settings, company: Company) -> None:
    deals = [company.add_deal(f"deal {n}", at=NOW - timedelta(days=30)) for n in range(3)]
    with served(company) as portal:
        company.hide_deal(deals[0])
        run(settings, portal)
        later(company)
        company.show_deal(deals[0])
        run(settings, portal)
    assert_same(settings, company)


def test_many_deals_out_of_sight_are_kept_and_told(settings: Settings, company: Company) -> None:
    deals = [company.add_deal(f"deal {n}") for n in range(60)]
    with served(company) as portal:
        run(settings, portal)
        later(company)
        for deal in deals[:30]:
            company.hide_deal(deal)
        report = run(settings, portal)
    assert len(stored(settings, "deals")) == 60
    assert [(hole["table"], hole["code"]) for hole in report.holes] == [("deals", "out_of_sight")]
    assert "30 of 60" in report.holes[0]["text"]


def test_what_is_dear_to_look_for_is_looked_for_once_a_week_and_the_reports_say_so(
    settings: Settings, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crm_reports.sources.bitrix24.reading.SWEEP_REQUESTS", 0)
    company.add_deal("kept"), company.add_deal("deleted")
    with served(company) as portal:
        run(settings, portal)
        later(company)
        company.delete_deal(2)
        company.edit_deal(1, TITLE="renamed")
        report = run(settings, portal)
        assert stored(settings, "deals", "title") == [("deleted",), ("renamed",)]
        assert [hole["code"] for hole in report.holes] == ["not_swept"]
        assert "since 2025-06-02" in report.holes[0]["text"]
        later(company, days=7)
        assert run(settings, portal).holes == []
    assert_same(settings, company)


def test_many_deals_that_were_really_deleted_go(settings: Settings, company: Company) -> None:
    deals = [company.add_deal(f"deal {n}") for n in range(60)]
    with served(company) as portal:
        run(settings, portal)
        later(company)
        for deal in deals[:30]:
            company.delete_deal(deal)
        report = run(settings, portal)
    assert report.removed["deals"] == 30
    assert report.holes == []
    assert_same(settings, company)


def test_a_store_of_another_portal_is_started_afresh(settings: Settings, company: Company) -> None:
    company.add_deal("ours")
    other = Company.small(now=NOW)
    with served(company) as portal:
        run(settings, portal)
    with served(other) as portal:
        sync(settings, webhook=portal.webhook, portal_url="https://other.example", pace=AT_ONCE)
    assert stored(settings, "deals") == []
    assert len(stored(settings, "syncs")) == 1


# What goes wrong


def test_a_missing_scope_is_a_hole_that_names_it(settings: Settings, company: Company) -> None:
    company.add_deal("one")
    with served(company, scopes=("crm", "department")) as portal:
        report = run(settings, portal)
    assert [(hole["table"], hole["code"]) for hole in report.holes] == [
        ("managers", "insufficient_scope"), ("activities", "insufficient_scope"),
    ]  # fmt: skip
    assert "Add the scope 'user'" in report.holes[0]["text"]
    assert "Add the scope 'telephony'" in report.holes[1]["text"]
    [(present,)] = stored(settings, "syncs", "present")
    assert "managers" not in present.split(",")
    assert "departments" in present.split(",")


def test_a_table_that_was_refused_is_made_up_for_when_it_opens(settings: Settings, company: Company) -> None:
    deal = company.add_deal("closed long ago", stage="WON", at=NOW - timedelta(days=90))
    company.add_comment("thanks", owner=deal, at=NOW - timedelta(days=80))
    no = Refusal(403, "ACCESS_DENIED", "")
    refused = dict.fromkeys(("crm.timeline.comment.list", "crm.activity.list", "crm.company.list"), no)
    todo = company.add_activity("todo", owner=deal, at=NOW - timedelta(days=70))
    with served(company, refusals=refused) as portal:
        run(settings, portal)
        refused.clear()
        later(company)
        run(settings, portal)
        assert_same(settings, company)
        refused["crm.activity.list"] = no
        later(company)
        company.complete(todo)
        run(settings, portal)
        refused.clear()
        later(company)
        run(settings, portal)
    assert_same(settings, company)


def test_a_bad_line_costs_patience_and_no_rows(settings: Settings, invented: Company) -> None:
    troubles = {
        3: Fault(), 7: Fault(drops_connection=True), 12: Fault(200, '{"result": [{"ID":'),
        17: Fault(503, {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}),
        25: Fault(500, {"error": "INTERNAL_SERVER_ERROR", "error_description": ""}),
    }  # fmt: skip
    asked = iter(range(10_000))
    with served(invented, faults=lambda request: troubles.get(next(asked))) as portal:
        run(settings, portal)
    assert_same(settings, invented)
    assert next(asked) > 26


@pytest.mark.parametrize(
    ("method", "error", "status"),
    [
        ("crm.currency.list", "ACCESS_DENIED", 403),
        ("department.get", "insufficient_scope", 401),
        ("user.get", "user_access_error", 403),
        ("crm.status.list", "", 400),
        ("crm.timeline.comment.list", "ERROR_METHOD_NOT_FOUND", 404),
    ],
)
def test_a_refused_table_leaves_the_others(
    settings: Settings, company: Company, method: str, error: str, status: int
) -> None:
    company.add_deal("one")
    with served(company, refusals={method: Refusal(status, error, "Access denied.")}) as portal:
        report = run(settings, portal)
    assert [hole["code"] for hole in report.holes] == [error.lower() or "access_denied"]
    assert len(stored(settings, "deals")) == 1


def test_without_deals_there_is_nothing_to_report_on(settings: Settings, company: Company) -> None:
    with served(company, scopes=("user",)) as portal, pytest.raises(ScopeError, match="no scope 'crm'"):
        run(settings, portal)
    assert not settings.store_path.exists()


def test_a_wrong_webhook_is_said_in_a_sentence(settings: Settings, company: Company) -> None:
    with served(company) as portal:
        wrong = SecretStr(portal.webhook.replace("s3cr3tc0de", "wr0ng"))
        with pytest.raises(AuthError, match=r"NO_AUTH_FOUND.*CRM_REPORTS_WEBHOOK") as caught:
            sync(settings, webhook=wrong, pace=AT_ONCE)
    assert "wr0ng" not in str(caught.value)


def test_no_webhook_is_said(settings: Settings) -> None:
    with pytest.raises(SourceError, match="CRM_REPORTS_WEBHOOK"):
        sync(settings)


def test_a_sync_that_fails_leaves_the_store_as_it_was(settings: Settings, company: Company) -> None:
    company.add_deal("one")
    with served(company) as portal:
        run(settings, portal)
    before = settings.store_path.read_bytes()
    broken = Fault(400, {"error": "INVALID_ARG_VALUE", "error_description": "surprise"})
    with served(company, faults=lambda asked: broken if "stagehistory" in str(asked) else None) as portal:
        later(company)
        company.add_deal("two")
        with pytest.raises(PortalError, match="surprise"):
            run(settings, portal)
    assert settings.store_path.read_bytes() == before
    with served(company) as portal:
        run(settings, portal)
    assert_same(settings, company)
    assert sorted(each.name for each in settings.data.iterdir()) == ["store.duckdb", "sync.lock"]


def test_what_a_killed_sync_left_is_thrown_away(settings: Settings, company: Company) -> None:
    company.add_deal("one")
    (settings.data / "sync" / "old").mkdir(parents=True)
    for name in ("store.next.duckdb", "store.next.duckdb.wal", "ledger.duckdb"):
        (settings.data / "sync" / name).write_bytes(b"half of a database")
    with served(company) as portal:
        run(settings, portal)
    assert_same(settings, company)
    assert sorted(each.name for each in settings.data.iterdir()) == ["store.duckdb", "sync.lock"]


def test_a_store_that_cant_be_read_is_made_anew(settings: Settings, company: Company) -> None:
    company.add_deal("one")
    settings.data.mkdir()
    settings.store_path.write_bytes(b"no database")
    with served(company) as portal:
        run(settings, portal)
    assert_same(settings, company)


def _hold(folder: Path, held: Any, free: Any) -> None:
    with only_one(folder / "sync.lock", "busy"):
        held.set()
        free.wait(30)


def test_a_second_sync_at_the_same_time_says_so(settings: Settings, company: Company) -> None:
    settings.data.mkdir()
    held, free = APART.Event(), APART.Event()
    other = APART.Process(target=_hold, args=(settings.data, held, free))
    other.start()
    try:
        assert held.wait(30)
        with served(company) as portal, pytest.raises(StoreError, match="another sync is at work"):
            run(settings, portal)
    finally:
        free.set()
        other.join()
    with served(company) as portal:
        run(settings, portal)


def test_a_reader_does_not_disturb_and_is_not_disturbed(settings: Settings, company: Company) -> None:
    company.add_deal("one")
    with served(company) as portal:
        run(settings, portal)
        with closing(duckdb.connect(str(settings.store_path), read_only=True)) as reader:
            later(company)
            company.add_deal("two")
            run(settings, portal)
            assert reader.execute("select count(*) from crm.deals").fetchone() == (1,)
    assert len(stored(settings, "deals")) == 2


def test_nothing_is_left_outside_the_data_folder_and_no_secret_in_it(
    settings: Settings, company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    company.add_deal("one")
    with caplog.at_level("DEBUG"), served(company) as portal:
        run(settings, portal)
    assert not (tmp_path / "home").exists()
    assert "s3cr3tc0de" not in caplog.text
    left = [each for each in settings.data.rglob("*") if each.is_file()]
    assert [each.name for each in left if b"s3cr3tc0de" in each.read_bytes()] == []


# Files


def test_files_that_lost_most_of_their_deals_are_asked_about(tmp_path: Path) -> None:
    def write(n: int) -> None:
        rows = "".join(f"{number},open\n" for number in range(n))
        (tmp_path / "deals.csv").write_text(f"id,outcome\n{rows}", encoding="utf-8")

    settings = Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="files", folder=tmp_path))
    write(40)
    sync(settings)
    write(20)
    sync(settings)  # half of them may go
    write(0)
    with pytest.raises(FilesError, match=r"holds 0 deals, and held 20 at the last sync: nothing was read"):
        sync(settings)
    assert sync(settings, accept_loss=True).tables["deals"].rows == 0


def test_a_folder_of_files_becomes_the_store(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    header = (
        "id,title,pipeline,stage,outcome,manager,department,source,company,contact,amount,currency,created_at,closed_at"
    )
    rows = [
        "A-1,Chairs,Sales,Won,won,Ann,North,Web,Acme,,100,RUB,2025-01-01,2025-02-01",
        "A-2,Tables,Sales,New,open,Bob,North,Web,Acme,,200,RUB,2025-01-02,",
    ]
    (folder / "deals.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    settings = Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="files", folder=folder))
    sync(settings)
    assert stored(settings, "deals", "deal_id, outcome") == [("A-1", "won"), ("A-2", "open")]
    (folder / "deals.csv").write_text("\n".join([header, rows[0]]), encoding="utf-8")
    report = sync(settings)
    assert report.tables["deals"].rows == 1
    assert stored(settings, "deals", "deal_id") == [("A-1",)]
    assert stored(settings, "syncs", "source, portal_url") == [("files", ""), ("files", "")]


# What the CRM overwrites


def test_what_was_overwritten_is_kept_as_the_last_sync_saw_it(settings: Settings, company: Company) -> None:
    deal, untouched = (company.add_deal(name, OPPORTUNITY=100.0) for name in ("one", "two"))
    todo = company.add_activity("todo", owner=deal, deadline=NOW + timedelta(days=3))
    with served(company) as portal:
        run(settings, portal)
        later(company)
        company.edit_deal(deal, OPPORTUNITY=80.0, ASSIGNED_BY_ID=2)
        company.edit_activity(todo, DEADLINE=NOW + timedelta(days=9))
        company.add_comment("only a trace", owner=untouched)
        run(settings, portal)
        later(company)
        company.edit_deal(deal, OPPORTUNITY=90.0)
        run(settings, portal)
    columns = "deal_id, amount, manager_id, last_seen_at"
    assert stored(settings, "deals_versions", columns) == [
        (str(deal), 80.0, "2", NOW + timedelta(days=1)), (str(deal), 100.0, "1", NOW),
    ]  # fmt: skip
    assert stored(settings, "activities_versions", "deadline_at, last_seen_at") == [(NOW + timedelta(days=3), NOW)]
    assert stored(settings, "leads_versions") == []


def test_an_upgrade_reads_everything_again_and_forgets_nothing(settings: Settings, company: Company) -> None:
    deal, gone = company.add_deal("one", OPPORTUNITY=100.0), company.add_deal("two", OPPORTUNITY=5.0)
    with served(company) as portal:
        run(settings, portal)
        later(company)
        company.edit_deal(deal, OPPORTUNITY=80.0)
        company.edit_deal(gone, OPPORTUNITY=6.0)
        run(settings, portal)
        with closing(duckdb.connect(str(settings.store_path))) as store:
            store.execute("update main.origin set layout = 'of an older version'")
            store.execute("alter table crm.deals drop column title")
            store.execute("alter table crm.deals_versions drop column title")
        later(company)
        company.edit_deal(deal, OPPORTUNITY=70.0)
        company.delete_deal(gone)
        report = run(settings, portal)
    assert report.tables["deals"].rows == 1
    assert_same(settings, company)
    assert stored(settings, "deals_versions", "amount, title, last_seen_at") == [
        (80.0, None, NOW + timedelta(days=1)), (100.0, None, NOW),
    ]  # fmt: skip
    assert len(stored(settings, "syncs")) == 3
