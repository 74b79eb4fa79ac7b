"""`crm-reports mail`, and the mails at the end of `crm-reports night`, as a person or cron meets them."""

from datetime import date

import pytest
from typer.testing import CliRunner

from crm_reports import night as nights
from crm_reports.cli import app
from crm_reports.night.records import keep
from mails import Inbox, night, page, served, settings


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def out(tmp_path):
    return tmp_path / "output"


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_the_latest_night_is_mailed_once(tmp_path, out):
    inbox = Inbox()
    with served(inbox) as port:
        keep(night(page(out)), settings(tmp_path, port=port))
        first, second = call("mail"), call("mail")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == "Sales → boss@acme.example\nSales → director@acme.example\n"
    assert "2 mailed, 0 mailed before, 0 not." in first.stderr
    assert "0 mailed, 2 mailed before, 0 not." in second.stderr
    assert len(inbox.messages) == 2


def test_a_dry_run_prints_the_files(tmp_path, out):
    keep(night(page(out)), settings(tmp_path))
    told = call("mail", "--dry-run", "eml", "--night", "2025-04-01", "--preset", "Sales", "--to", "me@acme.example")
    assert (told.exit_code, told.stdout) == (0, "eml/001-Sales-me@acme.example.eml\n")


def test_what_can_not_be_meant_is_told_at_once_and_exits_2(tmp_path, out):
    keep(night(page(out)), settings(tmp_path))
    told = call("mail", "--to", "me", "--preset", "Sale", "--night", "2025-05-01")
    assert told.exit_code == 2
    assert told.stderr.splitlines() == [
        "--to is 'me'; allowed: a recipient such as 'anna@acme.example', 'bitrix24:17', 'telegram:-100123' or 'webhook:sales'",
        "there is no preset 'Sale'; near: Sales",
        "no night was kept whose pages could be mailed: run `crm-reports night` first",
    ]


def test_a_mail_that_is_refused_is_told_and_exits_1(tmp_path, out):
    class Closed(Inbox):
        async def handle_RCPT(self, server, session, envelope, address, options):
            return "550 no such user"

    with served(Closed()) as port:
        keep(night(page(out)), settings(tmp_path, port=port))
        told = call("mail", "--to", "nobody@acme.example")
    assert told.exit_code == 1
    assert "Sales → nobody@acme.example: the mail server 127.0.0.1" in told.stderr


@pytest.fixture
def made(monkeypatch):
    """The night's pages are there already."""

    def make(report):
        monkeypatch.setattr(nights, "night", lambda settings, **rest: report)

    return make


def test_the_night_mails_its_pages_and_tells_the_operator_what_failed(tmp_path, out, made):
    inbox = Inbox()
    made(night(page(out), page(out, "Other", state="failed", error="no data")))
    with served(inbox) as port:
        settings(tmp_path, port=port)
        told = call("night")
    assert told.exit_code == 1
    assert inbox.recipients == ["boss@acme.example", "director@acme.example", "admin@acme.example"]
    assert "2 mailed, 0 mailed before, 0 not." in told.stderr


def test_a_night_that_is_not_to_mail_does_not(tmp_path, out, made):
    inbox = Inbox()
    made(night(page(out)))
    with served(inbox) as port:
        settings(tmp_path, port=port)
        told = call("night", "--no-mail")
    assert (told.exit_code, inbox.messages) == (0, [])


def test_a_night_without_a_mail_server_says_nothing_of_mail(tmp_path, out, made):
    (tmp_path / "reports.toml").write_text("")
    made(night(page(out)))
    told = call("night")
    assert told.exit_code == 0
    assert "mail" not in told.stderr


def test_the_night_of_a_day_is_found(tmp_path, out):
    from crm_reports import mail

    read = settings(tmp_path)
    keep(night(page(out)), read)
    assert mail.night_of(read, date(2025, 4, 1)).date == date(2025, 4, 1)
    assert mail.night_of(read, None).pages[0].name == "Sales"
