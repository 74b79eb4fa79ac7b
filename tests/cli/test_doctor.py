"""The doctor against real portals on loopback with everything that goes wrong with them, and against hand-made stores."""

import json
import os
import re
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from aiosmtpd.controller import Controller
from pydantic import SecretStr
from typer.testing import CliRunner

import chats
from apart import APART
from bitrix24_demo import UNLIMITED, Company, Currency, Fault, Served, Stage, serve
from crm_reports.cli import app, doctor
from crm_reports.cli.doctor import channels, machine, stored
from crm_reports.night.pages import NightReport, Page
from crm_reports.night.records import keep
from crm_reports.settings import Keyring, Mail, Preset, Settings, Source
from crm_reports.settings.parts import Products
from crm_reports.sources.bitrix24.pace import Pace
from crm_reports.store import locks
from crm_reports.words.texts import speaking
from stores import at, deal, make_store, moves

CODE = "s3cr3tc0de"
AT_ONCE = Pace(per_second=1e9, burst=1e9)
MOSCOW = "Europe/Moscow"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def company() -> Company:
    company = Company.small(now=now())
    company.add_deal("one")
    return company


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"), webhook=None)


@contextmanager
def served(company: Company, **options: Any) -> Iterator[Served]:
    with serve(company, rate=UNLIMITED, code=CODE, **options) as portal:
        yield portal


Lines = dict[str, list[tuple[str, str, str]]]


def examined(settings: Settings, webhook: str | None = None, *, out: Path | None = None) -> Lines:
    """The lines by what was looked at: state, what was found, what to do."""
    if webhook:
        settings = settings.model_copy(update={"webhook": SecretStr(webhook)})
    lines: Lines = {}
    for check in doctor.examine(settings, out=out or settings.home / "output", pace=AT_ONCE):
        lines.setdefault(check.name, []).append((check.state, check.sentence, check.remedy))
    assert CODE not in str(lines)
    return lines


def of_portal(settings: Settings, company: Company, **options: Any) -> Lines:
    with served(company, **options) as portal:
        return examined(settings, portal.webhook)


def states(lines: Lines) -> set[str]:
    return {state for several in lines.values() for state, _found, _remedy in several}


def broken(lines: Lines) -> list[str]:
    return [name for name, several in lines.items() if any(state == "broken" for state, *_ in several)]


# The portal


def test_of_a_portal_in_order_everything_is_told_and_nothing_is_broken(settings, company):
    company.add_currency(Currency("USD", 90.0, name="Dollar"))
    lines = of_portal(settings, company)
    assert broken(lines) == []
    assert lines["Webhook"][0] == ("ok", "it is accepted; it belongs to Anna Petrova (user 1), an administrator", "")
    assert lines["Rights"] == [("ok", "granted: crm, department, telephony, user", "")]
    assert lines["Clock"][0][0] == "ok"
    assert lines["Time zone"] == [("ok", "the portal and Europe/Moscow are both at +03:00", "")]
    assert lines["Tables"] == [("ok", "whatever the webhook may read answers", "")]
    assert lines["Telephony"][0][0] == "ok"
    assert lines["Leads"] == [("ok", "the portal works without leads", "")]
    assert lines["Pipelines"] == [("ok", "1 pipeline with 8 stages", "")]
    assert lines["Currencies"] == [("ok", "RUB is the portal's base; it has RUB, USD", "")]


def test_the_portal_is_asked_little_and_only_for_reading(settings, company):
    with served(company) as portal:
        examined(settings, portal.webhook)
    asked = [each.method for each in portal.requests]
    assert len(asked) <= 6
    assert set(asked) == {"server.time", "profile", "app.info", "batch"}
    inside = [command.partition("?")[0] for each in portal.requests for command in each.params.get("cmd", {}).values()]
    assert inside
    assert all(command.endswith((".list", ".get")) or command == "scope" for command in inside)


@pytest.mark.parametrize("code", ["expired_token", "NO_AUTH_FOUND", "authorization_error"])
def test_a_webhook_that_opens_nothing_is_broken_and_the_portal_is_not(settings, company, code):
    words = f"see /rest/1/{CODE}/server.time: {CODE}"
    lines = of_portal(settings, company, faults=lambda asked: Fault(401, {"error": code, "error_description": words}))
    assert lines["Portal"][0][0] == "ok"
    state, found, _remedy = lines["Webhook"][-1]
    assert (state, code in found) == ("broken", True)
    assert "Rights" not in lines


def test_a_wrong_webhook_is_broken(settings, company):
    with served(company) as portal:
        lines = examined(settings, portal.webhook.replace(CODE, "wr0ng"))
        malformed = examined(settings, portal.webhook.replace("/rest/1/", "/rest/x/"))
    assert "NO_AUTH_FOUND" in lines["Webhook"][-1][1]
    assert "Bitrix24 knows no method at this address" in malformed["Webhook"][-1][1]


def test_a_page_in_place_of_the_portal_is_broken_and_says_where_to_look(settings, company):
    lines = of_portal(settings, company, faults=lambda asked: Fault(200, f"<html>Sign in: /rest/1/{CODE}/</html>"))
    [(state, found, remedy)] = lines["Portal"]
    assert (state, found) == ("broken", "server.time gave no JSON (HTTP 200)")
    assert "proxy" in remedy
    assert "Rights" not in lines


def test_a_portal_that_moved_says_where_to(settings, company):
    to = (("Location", f"https://new.example/rest/1/{CODE}/server.time"),)
    lines = of_portal(settings, company, faults=lambda asked: Fault(302, "", headers=to))
    [(state, found, _remedy)] = lines["Portal"]
    assert state == "broken"
    assert "moved to 'new.example'" in found


def test_no_way_to_the_portal_is_broken_and_the_rest_is_looked_at_all_the_same(settings, company):
    with served(company) as portal:
        webhook = portal.webhook
    lines = examined(settings, webhook)
    [(state, found, remedy)] = lines["Portal"]
    assert state == "broken"
    assert "refused" in found.lower()
    assert "127.0.0.1" in remedy
    assert {"Store", "Disk", "Kernels", "Locks"} <= set(lines)


def test_a_portal_that_hangs_up_is_broken(settings, company):
    lines = of_portal(settings, company, faults=lambda asked: Fault(drops_connection=True))
    assert lines["Portal"][0][0] == "broken"


def test_each_missing_scope_says_what_the_reports_lose(settings, company):
    lines = of_portal(settings, company, scopes=("crm", "user_brief", "task"))
    assert lines["Rights"] == [
        ("look", "without the scope 'department' the reports lack: departments",
         "Add the scope 'department' to the webhook."),
        ("look", "without the scope 'telephony' the reports lack: which calls nobody answered: all made calls count",
         "Add the scope 'telephony' to the webhook."),
        ("ok", "granted: crm, user_brief", ""),
        ("look", "granted and not needed: task", "What a webhook may not do, it can't be misused for: take them away."),
    ]  # fmt: skip
    assert lines["Tables"] == [("ok", "whatever the webhook may read answers", "")]
    assert "Telephony" not in lines


def test_the_scope_of_the_catalogue_is_asked_for_where_products_are_read_and_only_there(settings, company):
    granted = ("crm", "user", "department", "telephony")
    reads = settings.model_copy(update={"products": Products(read=True)})
    assert [state for state, *_words in of_portal(settings, company, scopes=granted)["Rights"]] == ["ok"]
    lack, _granted = of_portal(reads, company, scopes=granted)["Rights"]
    assert lack[0] == "look"
    assert lack[1].startswith("without the scope 'catalog' the reports lack: sections of the catalogue")
    assert [state for state, *_words in of_portal(reads, company, scopes=(*granted, "catalog"))["Rights"]] == ["ok"]


def test_without_the_crm_nothing_can_be_reported(settings, company):
    lines = of_portal(settings, company, scopes=("user",))
    assert lines["Rights"][0][:2] == ("broken", "without the scope 'crm' there is nothing to report on")


def inside(text: str, fault: dict[str, Any]) -> Any:
    """A fault in a batch's command: the portal's own answer otherwise."""
    return lambda asked: Fault(200, fault) if text in str(asked.params.get("cmd", "")) else None


def test_a_method_that_is_refused_is_named_with_what_is_lost(settings, company):
    ok = {"c": {"result": []}}
    body = {
        "result": {
            "result": {"scope": ["crm"], "pipelines": {"categories": []}, "stages": [], "currencies": ok["c"]["result"],
                       "deals": []},
            "result_error": {"stage_history": {"error": "ACCESS_DENIED", "error_description": CODE},
                             "lead_mode": {"error": "ERROR_METHOD_NOT_FOUND", "error_description": ""}},
        },
        "time": {},
    }  # fmt: skip
    lines = of_portal(settings, company, faults=inside("crm.stagehistory.list", body))
    [(state, found, remedy)] = lines["Tables"]
    assert state == "look"
    assert found.startswith("stage_history: Bitrix24 refused crm.stagehistory.list")
    assert remedy == "Without it the reports lack: days won and lost, stage conversion, time in stage, stage moves."
    assert lines["Leads"] == [("ok", "the portal works without leads", "")]
    assert lines["Pipelines"][0][0] == "broken"


def test_an_enterprise_portal_is_faster(settings, company):
    told = Fault(200, {"result": {"LICENSE": "ru_ent10000"}, "time": {}})
    lines = of_portal(settings, company, faults=lambda asked: told if asked.method == "app.info" else None)
    assert lines["Plan"] == [("ok", "ru_ent10000: 5 requests a second", "")]
    assert "2 requests a second" in of_portal(settings, company)["Plan"][0][1]


@pytest.mark.parametrize(("minutes", "words"), [(10, "10 minutes slow"), (-10, "10 minutes fast")])
def test_a_clock_that_is_off_is_told(settings, company, minutes, words):
    company.now = now() + timedelta(minutes=minutes)
    [(state, found, remedy)] = of_portal(settings, company)["Clock"]
    assert state == "look"
    assert words in found
    assert "NTP" in remedy


def test_a_portal_in_another_zone_is_told(settings):
    lines = of_portal(settings, Company.small(now=at("2025-06-02 09:00"), time_zone="Asia/Yekaterinburg"))
    [(state, found, _remedy)] = lines["Time zone"]
    assert (state, found) == ("look", "the portal writes times at +05:00, and Europe/Moscow is at +03:00")


def test_who_is_no_administrator_does_not_see_all(settings, company):
    told = Fault(200, {"result": {"ID": "7", "ADMIN": False, "NAME": "Boris", "LAST_NAME": ""}, "time": {}})
    lines = of_portal(settings, company, faults=lambda asked: told if asked.method == "profile" else None)
    assert lines["Webhook"][-1][:2] == ("look", "it is accepted; it belongs to Boris (user 7), no administrator")


def test_a_pipeline_that_nothing_can_be_won_in_is_told(settings):
    company = Company.small(now=now(), uses_leads=True)
    company.add_pipeline("Service", [Stage("A", "Asked"), Stage("B", "Dropped", "F")])
    lines = of_portal(settings, company)
    assert lines["Pipelines"][0][:2] == (
        "look", "no stage of the pipeline 'Service' is a won one: nothing in it can be won",
    )  # fmt: skip
    assert lines["Leads"] == [("ok", "the portal works with leads", "")]


def test_a_base_currency_that_the_portal_lacks_is_broken(settings, company):
    lines = of_portal(settings.model_copy(update={"base_currency": "KZT"}), company)
    [(state, found, remedy)] = lines["Currencies"]
    assert state == "broken"
    assert found.endswith("no KZT, which reports.toml asks for")
    assert "Add KZT" in remedy


def test_a_portal_without_deals_is_in_order(settings):
    assert of_portal(settings, Company.small(now=now()))["Tables"][0][0] == "ok"


# Files


def files(folder: Path, *rows: str) -> Settings:
    (folder / "export").mkdir()
    (folder / "export" / "deals.csv").write_text("\n".join(["id,outcome,amount", *rows]), encoding="utf-8")
    return Settings(home=folder, data=folder / "data", source=Source(kind="files", folder=folder / "export"))


def test_of_files_the_tables_and_their_rows_are_told(tmp_path):
    lines = examined(files(tmp_path, "1,won,100", "2,lost,"))
    assert lines["Files"][0] == ("ok", f"{tmp_path / 'export'} holds deals 2 · currencies 1", "")
    assert "The files do not say when deals were created" in lines["Files"][1][1]


def test_everything_that_is_wrong_with_the_files_is_told_at_once(tmp_path):
    [(state, found, _remedy)] = examined(files(tmp_path, "1,gained,100", "1,won,much"))["Files"]
    assert state == "broken"
    assert len(found.splitlines()) == 3
    assert "gained" in found
    assert "much" in found


# The store


def sync_row(**more: Any) -> dict[str, Any]:
    return {"synced_at": now(), "finished_at": now(), "source": "demo", "holes": "[]", "present": "deals"} | more


def of_store(folder: Path, **tables: Any) -> Lines:
    made = make_store(folder / "data", **tables)
    return examined(made.model_copy(update={"home": folder}))


def test_of_a_store_rows_age_and_first_days_are_told(tmp_path):
    lines = of_store(
        tmp_path,
        deals=[deal(1, "2025-03-02 10:00"), deal(2, "2025-03-05 10:00"), deal(3, None)],
        stage_history=moves(1, ("2025-03-04 10:00", "NEW")),
        syncs=[sync_row(synced_at=now() - timedelta(hours=5), swept_at=at("2025-06-01 01:00"))],
    )
    assert "deals 3 · " in lines["Rows"][0][1]
    assert "stage_history 1" in lines["Rows"][0][1]
    assert lines["Last sync"][0][1].endswith("5 hours ago")
    assert lines["Deletions"] == [("ok", "last looked for 1 Jun 2025, 01:00", "")]
    assert lines["History"][0][1].startswith("deals from 2 Mar 2025, moves between stages from 4 Mar 2025")
    assert states(lines) <= {"ok", "look"}


def test_no_store_is_no_fault_of_a_machine_that_is_being_set_up(settings):
    [(state, _found, remedy)] = examined(settings)["Store"]
    assert (state, remedy) == ("look", "Run `crm-reports sync`.")


def test_a_store_that_can_not_be_read_is_broken(settings):
    settings.data.mkdir()
    settings.store_path.write_bytes(b"no database")
    [(state, found, remedy)] = examined(settings)["Store"]
    assert state == "broken"
    assert "can't be read" in found
    assert "afresh" in remedy


def test_a_missed_night_and_a_store_of_another_source_are_told(tmp_path):
    two_days = now() - timedelta(days=2)
    made = make_store(tmp_path, deals=[deal(1, "2025-03-02")], syncs=[sync_row(synced_at=two_days)])
    (tmp_path / "export").mkdir()
    other = made.model_copy(update={"source": Source(kind="files", folder=tmp_path / "export")})
    lines = examined(other)
    [(state, found, remedy)] = lines["Last sync"]
    assert state == "look"
    assert found.endswith("2 days ago")
    assert "docs/scheduling.md" in remedy
    assert ("look", "it holds 'demo', and the source is 'files'", "The next `crm-reports sync` starts it afresh.") in (
        lines["Store"]
    )


def test_the_holes_of_the_last_sync_are_told(tmp_path):
    hole = {"table": "leads", "code": "access_denied", "text": "Bitrix24 refused crm.lead.list"}
    lines = of_store(tmp_path, deals=[deal(1, "2025-03-02")], syncs=[sync_row(holes=json.dumps([hole]))])
    assert lines["Holes"] == [("look", "leads: Bitrix24 refused crm.lead.list", "")]


def test_a_store_of_an_earlier_version_says_what_it_lacks(tmp_path):
    made = make_store(tmp_path, deals=[deal(1, "2025-03-02")], syncs=[sync_row()])
    with duckdb.connect(str(made.store_path)) as connection:
        connection.execute("alter table crm.deals drop column moved_at")
        connection.execute("alter table crm.syncs drop column swept_at")
    lines = examined(made)
    assert (
        "look",
        "it is of an earlier version of crm-reports and lacks deals.moved_at, syncs.swept_at",
        "The next `crm-reports sync` reads everything anew.",
    ) in lines["Store"]
    assert "Deletions" not in lines


@pytest.mark.parametrize(
    ("states_", "problem", "said"),
    [
        (("complete", "unchanged"), "", ("ok", "2 Mar 2025: pages that came out: 2")),
        (("complete", "failed"), "", ("look", "2 Mar 2025: 1 of 2 pages did not come out")),
        ((), "no webhook", ("look", "2 Mar 2025: nothing was made: no webhook")),
    ],
)
def test_how_the_last_night_went_is_told(settings, states_, problem, said):
    pages = tuple(Page(str(n), "overview", state, key=str(n)) for n, state in enumerate(states_))
    keep(NightReport(date(2025, 3, 2), at("2025-03-02"), at("2025-03-02"), pages, problem), settings)
    assert examined(settings)["Last night"][0][:2] == said


def test_a_slip_of_the_finger_is_not_the_first_day(tmp_path):
    odd = [deal(1, "0001-01-01"), deal(2, "2025-03-02")]
    assert of_store(tmp_path, deals=odd, syncs=[sync_row()])["History"][0][1].startswith("deals from 2 Mar 2025")


def test_a_store_without_deals_is_told(tmp_path):
    assert of_store(tmp_path, deals=[], syncs=[sync_row()])["Rows"][0][0] == "look"


def test_a_check_that_fails_itself_is_a_line_and_stops_no_other(tmp_path, monkeypatch):
    def fails(*given: Any) -> None:
        raise KeyError(CODE)

    monkeypatch.setattr(stored, "_content", fails)
    monkeypatch.setattr(
        machine, "_unimportable", lambda name: "ImportError: no such thing" if name == "nbconvert" else ""
    )
    lines = of_store(tmp_path, deals=[], syncs=[sync_row()])
    assert lines["Store"] == [
        ("look", "this check failed itself: KeyError in _held", "Tell the makers of crm-reports what this line says.")
    ]
    assert lines["Kernels"][0][:2] == ("broken", "nbconvert can't be imported: ImportError: no such thing")


# The machine


def test_data_inside_what_people_open_is_broken(settings):
    lines = examined(settings, out=settings.home)
    assert [line[0] for line in lines["Output folder"]] == ["ok", "broken"]


def test_a_file_in_place_of_a_folder_is_broken(settings):
    (settings.home / "output").write_text("not a folder")
    [(state, found, _remedy)] = examined(settings)["Output folder"]
    assert state == "broken"
    assert found.endswith("is no folder")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="nobody is kept from writing")
def test_a_folder_that_nothing_can_be_written_into_is_broken(settings):
    settings.data.mkdir(mode=0o500)
    assert "nothing can be written" in examined(settings)["Data folder"][0][1]


@pytest.mark.parametrize(("free", "state"), [(3000, "ok"), (2999, "look"), (999, "broken")])
def test_a_sync_needs_room_for_its_copy(settings, monkeypatch, free, state):
    settings.data.mkdir()
    settings.store_path.write_bytes(b"." * 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10_000, 0, free))
    assert examined(settings)["Disk"][0][0] == state


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such rights")
def test_a_secret_that_others_may_read_is_told(settings):
    (settings.home / ".env").write_text(f"CRM_REPORTS_WEBHOOK=https://portal.example/rest/1/{CODE}/\n")
    (settings.home / ".env").chmod(0o644)
    lines = examined(settings)
    assert lines["Secrets"] == [
        ("look", f"{settings.home / '.env'} holds secrets, and others on this machine may read it",
         f"chmod 600 {settings.home / '.env'}"),
    ]  # fmt: skip
    (settings.home / ".env").chmod(0o600)
    assert "Secrets" not in examined(settings)


def _hold(path: Path, held: Any, free: Any) -> None:
    with locks.only_one(path, "taken"):
        held.set()
        free.wait(30)


@pytest.mark.skipif(not Path("/proc/locks").is_file(), reason="only Linux tells who holds a lock")
def test_who_holds_a_lock_is_told_and_the_lock_is_not_touched(settings):
    held, free = APART.Event(), APART.Event()
    other = APART.Process(target=_hold, args=(settings.data / "sync.lock", held, free))
    other.start()
    try:
        assert held.wait(30)
        [(state, found, _remedy)] = examined(settings)["Locks"]
    finally:
        free.set()
        other.join()
    assert state == "look"
    assert found.startswith(f"sync.lock is held by process {other.pid} (")
    assert examined(settings)["Locks"] == [("ok", "nobody is at work", "")]


def test_where_nobody_tells_of_locks_none_is_made_up(settings, monkeypatch):
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, **how: read(path / "no" if str(path) == "/proc/locks" else path, **how)
    )
    assert examined(settings)["Locks"] == [("ok", "this system does not tell who holds a lock", "")]


def test_without_a_browser_what_is_lost_is_said(settings, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    [(state, found, remedy)] = examined(settings)["Browser"]
    assert (state, found) == ("look", "there is no Chromium")
    assert "proved" in remedy


class _NoMail:
    """An SMTP server that takes no mail, for nobody should send it any."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.asked.append(address)
        return "550 no"


def test_the_mail_server_is_greeted_and_left(settings):
    handler = _NoMail()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port, server_hostname="mx.acme.example")
    controller.start()
    try:
        server = Mail(host="127.0.0.1", port=port, security="none", sender="reports@acme.example")
        mailing = settings.model_copy(update={"mail": server})
        assert examined(mailing)["Mail"] == [("ok", f"127.0.0.1:{port} answers as mx.acme.example", "")]
    finally:
        controller.stop()
    assert handler.asked == []
    [(state, found, _remedy)] = examined(mailing)["Mail"]
    assert state == "broken"
    assert "127.0.0.1" in found


def channels_of(settings: Settings, **keyring: Any) -> Lines:
    """What is said of the channels alone."""
    lines: Lines = {}
    told = settings.model_copy(update={"keyring": Keyring(**keyring)})
    for check in channels.checks(told, sleep=lambda seconds: None):
        lines.setdefault(check.name, []).append((check.state, check.sentence, check.remedy))
    return lines


def test_a_channel_that_nobody_means_is_not_spoken_of(settings):
    assert channels_of(settings) == {}


def test_a_channel_that_somebody_means_and_nothing_opens_is_broken(settings):
    names = ("telegram:1", "bitrix24:2", "webhook:sales")
    meaning = settings.model_copy(update={"presets": (Preset(name="a", report="overview", recipients=names),)})
    lines = channels_of(meaning)
    assert [(name, state) for name, [(state, _found, _remedy)] in lines.items()] == [
        ("Telegram", "broken"), ("Notices", "broken"), ("Webhooks", "broken"),
    ]  # fmt: skip
    for name, variable in {
        "Telegram": "TELEGRAM_TOKEN",
        "Notices": "NOTIFY_WEBHOOK",
        "Webhooks": "WEBHOOK_SALES",
    }.items():
        assert f"CRM_REPORTS_{variable}" in lines[name][0][2]


def test_the_bot_is_asked_for_its_name_and_nothing_is_sent(settings):
    bot = chats.Telegram()
    with chats.served(bot.answer) as api:
        asking = settings.model_copy(update={"mail": Mail(telegram_api=f"{api}/")})
        [(state, sentence, _remedy)] = channels_of(asking, telegram=SecretStr(chats.TOKEN))["Telegram"]
        [(wrong, why, _remedy)] = channels_of(asking, telegram=SecretStr("1:wrong"))["Telegram"]
    assert (state, wrong) == ("ok", "broken")
    assert "the bot is @acme_bot" in sentence
    assert "look at CRM_REPORTS_TELEGRAM_TOKEN" in why
    assert {call.method for call in bot.calls} == {"getMe"}


@pytest.mark.parametrize(
    ("scopes", "state", "words"),
    [
        (("im",), "ok", "the webhook for notices"),
        (("im", "crm"), "look", "granted and not needed: crm"),
        (("crm",), "broken", "may not send any"),
    ],
)
def test_the_webhook_for_notices_may_send_them_and_nothing_else(settings, company, scopes, state, words):
    with served(company, scopes=scopes) as portal:
        [(found, sentence, _remedy)] = channels_of(settings, notify=SecretStr(portal.webhook))["Notices"]
    assert found == state
    assert words in sentence
    assert {request.method for request in portal.requests} == {"profile", "scope"}


def test_of_a_webhooks_address_only_its_name_is_said(settings):
    [(state, sentence, _remedy)] = channels_of(settings, webhooks={"sales": SecretStr("https://a.example/x")})[
        "Webhooks"
    ]
    assert (state, sentence) == ("ok", "there is an address for: sales; nothing was sent there")


def test_nothing_is_changed(tmp_path, company):
    made = make_store(tmp_path / "data", deals=[deal(1, "2025-03-02")], syncs=[sync_row()])
    bitrix = made.model_copy(update={"home": tmp_path, "source": Source(kind="bitrix24")})

    def everything() -> dict[str, Any]:
        return {str(path): path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*"))}

    before = everything()
    of_portal(bitrix, company)
    assert everything() == before


# The command


def call(*words: str, **environment: str) -> Any:
    return CliRunner().invoke(app, ["doctor", *words], env={"COLUMNS": "80"} | environment)


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


DEMO = "[source]\nkind = 'demo'\ndemo = { deals = 5, months = 2, today = 2025-06-30 }\n"


def test_of_the_demo_nothing_is_broken_and_the_command_exits_0(home):
    (home / "reports.toml").write_text(DEMO)
    told = call()
    assert told.exit_code == 0, told.output
    assert "✓ ok         Portal" in told.stdout
    assert "0 broken" in told.stdout.splitlines()[-1]
    assert not (home / "data").exists()
    assert not (home / "output").exists()


def test_a_broken_reports_toml_is_told_with_all_its_mistakes_and_the_rest_is_looked_at(home):
    (home / "reports.toml").write_text("time_zone = 'Moscow'\nlanguage = 'de'\n")
    told = call()
    assert told.exit_code == 1
    assert "✗ broken     Settings" in told.stdout
    assert "time_zone" in told.stdout
    assert "language" in told.stdout
    assert "Disk" in told.stdout
    assert "Portal" not in told.stdout


def test_settings_that_are_not_there_are_told(home):
    told = call("--config", "none.toml")
    assert told.exit_code == 1
    assert "no such file" in " ".join(told.stdout.split())


def test_without_a_webhook_the_source_is_broken(home):
    (home / "reports.toml").write_text("source = 'bitrix24'\n")
    told = call()
    assert told.exit_code == 1
    assert "CRM_REPORTS_WEBHOOK" in told.stdout


def test_in_a_log_no_line_is_longer_than_80_and_no_colour_is_written(home):
    (home / "reports.toml").write_text(DEMO)
    lines = call().stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in "".join(lines)


def test_every_line_is_said_in_russian(settings, company):
    (settings.home / "output").write_text("not a folder")
    with speaking("ru"):
        lines = of_portal(settings, company, scopes=("crm", "task"))
        refused = of_portal(settings, company, faults=lambda asked: Fault(401, {"error": "expired_token"}))
    said = [*lines, *(remedy for several in lines.values() for _state, _found, remedy in several if remedy)]
    assert {"Портал", "Вебхук", "Права", "Часы", "Хранилище"} <= set(lines)
    assert [each for each in said if not re.search("[А-Яа-я]", each)] == []
    assert "срок действия вебхука истёк" in refused["Вебхук"][-1][1]


@pytest.mark.parametrize("fault", [None, Fault(401, {"error": "expired_token", "error_description": CODE}), Fault()])
def test_the_secret_is_printed_nowhere_however_the_portal_answers(home, company, fault):
    (home / "reports.toml").write_text("source = 'bitrix24'\n")
    with served(company, faults=lambda asked: fault) as portal:
        told = call(CRM_REPORTS_WEBHOOK=portal.webhook, COLUMNS="500")
    assert told.exit_code == (1 if fault else 0), told.output
    assert CODE not in told.output
