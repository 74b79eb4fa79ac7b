"""Mails through real SMTP servers on loopback: who gets what, what is tried again, what is told, what never leaks."""

import asyncio
import os
import shutil
import socketserver
import sqlite3
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Thread

import pytest

from crm_reports import mail
from crm_reports.errors import MailError, StoreError
from crm_reports.store.locks import only_one
from mails import Inbox, certificate, held, night, only, page, served, settings, slice_
from stores import make_store

BOSS, DIRECTOR = "boss@acme.example", "director@acme.example"
PASSWORD = "pa55-w0rd"


@pytest.fixture
def out(tmp_path):
    return tmp_path / "output"


@pytest.fixture
def inbox():
    return Inbox()


@pytest.fixture
def sent_to(tmp_path, out, inbox):
    """Send a night's pages through a server that takes everything."""

    def send(*pages, **rest):
        with served(inbox) as port:
            return mail.send(settings(tmp_path, port=port), night(*pages), out=out, wait=_never, **rest)

    return send


def _never(seconds):
    pytest.fail("nothing is to be waited for")


class Waits(list):
    """A wait that takes no time; it is the list of what was waited for."""

    def __call__(self, seconds):
        self.append(seconds)


def text_of(message):
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


# Who gets what


def test_every_recipient_gets_a_mail_of_their_own(sent_to, out, inbox):
    report = sent_to(page(out))
    assert report.sent == (f"Sales → {BOSS}", f"Sales → {DIRECTOR}")
    assert report.is_whole
    assert inbox.recipients == [BOSS, DIRECTOR]
    assert inbox.of(BOSS)["To"] == BOSS
    assert DIRECTOR not in bytes(inbox.of(BOSS)).decode()


def test_the_mail_says_what_the_page_says(sent_to, out, inbox):
    sent_to(page(out))
    message = inbox.of(BOSS)
    assert message["Subject"] == "Sales: Won money 7.5\u00a0M\u00a0₽ ▲\u00a050\u00a0% · Mar 2025"
    assert message["From"] == "Sales reports <reports@acme.example>"
    for body in (text_of(message), message.get_body(("html",)).get_content()):
        assert "data as of 1 Apr 2025, 00:00" in body
        assert "https://reports.acme.example/2025-04-01/sales.html" in body
        assert "You get this because you are a recipient of “Sales”." in body
        assert "2 deals have no customer" in body
    assert not list(message.iter_attachments())


def test_a_manager_gets_their_own_page_and_a_head_the_departments(tmp_path, out, inbox, sent_to):
    people = [
        {"manager_id": "1", "name": "Anna", "is_active": True, "email": "anna@acme.example"},
        {"manager_id": "2", "name": "Boris", "is_active": True, "email": "old-address@acme.example"},
        {"manager_id": "3", "name": "Clara", "is_active": True, "email": "clara@acme.example"},
    ]
    departments = [
        {"department_id": "10", "name": "Moscow", "head_id": "3"},
        {"department_id": "11", "name": "Kazan", "head_id": "2"},
    ]
    make_store(tmp_path / "data", managers=people, departments=departments)
    sent_to(
        page(out, "Sales Anna", slice=slice_("manager", "1", "Anna"), folder="for/anna/2025-04-01"),
        page(out, "Sales Boris", slice=slice_("manager", "2", "Boris")),
        page(out, "Sales Moscow", slice=slice_("department", "10", "Moscow")),
        page(out, "Sales Kazan", slice=slice_("department", "11", "Kazan")),
        page(out, "Sales by call", slice=slice_("source", "CALL", "Call")),
    )
    # Boris's address in [mail.addresses] goes before the CRM's, as a manager and as a head; a source is nobody's.
    assert [(to, message["Subject"].partition(":")[0]) for to, message in inbox.messages] == [
        ("anna@acme.example", "Sales Anna"),
        ("boris@acme.example", "Sales Boris"),
        ("clara@acme.example", "Sales Moscow"),
        ("boris@acme.example", "Sales Kazan"),
    ]
    assert "it is your own page" in text_of(inbox.of("anna@acme.example"))
    assert "https://reports.acme.example/for/anna/2025-04-01/sales-anna.html" in text_of(inbox.of("anna@acme.example"))
    assert "you lead this department" in text_of(inbox.of("clara@acme.example"))


@pytest.mark.parametrize(
    "manager",
    [
        {"email": None, "is_active": True},
        {"email": "", "is_active": True},
        {"email": "anna@acme.example\r\nBcc: all@evil.example", "is_active": True},
        {"email": "anna@acme.example, all@evil.example", "is_active": True},
    ],
)
def test_whoever_has_no_address_is_told_of_and_stops_nobody(tmp_path, out, inbox, sent_to, manager):
    make_store(tmp_path / "data", managers=[{"manager_id": "1", "name": "Anna", **manager}])
    report = sent_to(page(out, "Sales Anna", slice=slice_("manager", "1", "Anna")), page(out))
    assert report.notes == ("Sales Anna: no address is known; give one in [mail.addresses]",)
    assert report.is_whole
    assert inbox.recipients == [BOSS, DIRECTOR]


def test_whoever_was_dismissed_gets_nothing_and_is_no_news(tmp_path, out, inbox, sent_to):
    gone = {"manager_id": "1", "name": "Anna", "email": "anna@acme.example", "is_active": False}
    make_store(
        tmp_path / "data", managers=[gone], departments=[{"department_id": "10", "name": "Moscow", "head_id": "1"}]
    )
    report = sent_to(
        page(out, "Sales Anna", slice=slice_("manager", "1", "Anna")),
        page(out, "Sales Moscow", slice=slice_("department", "10", "Moscow")),
    )
    assert (report.sent, report.problems) == ((), ())
    assert report.notes == ("Sales Moscow: no address is known; give one in [mail.addresses]",)


def test_a_failed_page_is_not_mailed(sent_to, out, inbox):
    failed = page(out, "Sales", state="failed", error="no data", last_good="2025-03-31/sales.html")
    assert sent_to(failed, page(out, "Other", preset="gone from the file")).sent == ()
    assert inbox.messages == []


def test_a_page_whose_numbers_can_not_be_read_stops_no_other(sent_to, out, inbox):
    torn = page(out, "Torn")
    (out / torn.file("json")).write_text('{"as_of": "2025')
    odd = page(out, "Odd", {"as_of": "2025-01-01T00:00:00+00:00"})
    report = sent_to(torn, odd, page(out))
    assert inbox.recipients == [BOSS, DIRECTOR]
    assert [line.partition(":")[0] for line in report.problems] == ["Torn", f"Odd → {BOSS}", f"Odd → {DIRECTOR}"]


# Once


def test_a_second_run_mails_nothing_twice(sent_to, out, inbox):
    sent_to(page(out))
    again = sent_to(page(out, state="unchanged"))
    assert (again.sent, again.already) == ((), 2)
    assert len(inbox.messages) == 2


def test_the_next_night_is_mailed_into_the_same_conversation(sent_to, out, inbox):
    sent_to(page(out))
    sent_to(page(out, content=held(as_of="2025-04-01T21:00:00+00:00")))
    first, second = (message for to, message in inbox.messages if to == BOSS)
    assert first["Message-ID"] != second["Message-ID"]
    assert first["References"] == second["References"] == second["In-Reply-To"]
    assert first["List-Id"] == second["List-Id"]
    assert first["References"] != inbox.messages[1][1]["References"]  # the director's is another one
    assert (first["Auto-Submitted"], first["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert parsedate_to_datetime(first["Date"]).tzinfo is not None


def test_a_message_that_is_made_again_has_the_same_id(tmp_path, out, inbox):
    """After a crash between the server's word and the ledger's, the mailbox can tell that it has it."""
    for _attempt in range(2):
        with served(inbox) as port:
            mail.send(settings(tmp_path, port=port), night(page(out)), out=out)
        (tmp_path / "data" / "mail.sqlite3").unlink()
    ids = [message["Message-ID"] for to, message in inbox.messages if to == BOSS]
    assert len(ids) == 2
    assert ids[0] == ids[1]


def test_what_was_accepted_before_a_crash_is_noted(tmp_path, out):
    class Crash(Inbox):
        async def handle_RCPT(self, server, session, envelope, address, options):
            envelope.rcpt_tos.append(address)
            return "250 OK" if address == BOSS else "450 later"

    def crash(seconds):
        raise KeyboardInterrupt

    inbox = Crash()
    with served(inbox) as port, pytest.raises(KeyboardInterrupt):
        mail.send(settings(tmp_path, port=port), night(page(out)), out=out, wait=crash)
    later = Inbox()
    with served(later) as port:
        report = mail.send(settings(tmp_path, port=port), night(page(out)), out=out)
    assert (later.recipients, report.already) == ([DIRECTOR], 1)


def test_a_damaged_ledger_holds_back_what_may_have_been_mailed_and_nothing_else(tmp_path, out, sent_to, inbox):
    ledger = tmp_path / "data" / "mail.sqlite3"
    ledger.parent.mkdir(parents=True)
    ledger.write_bytes(b"no database at all, but long enough to look at " * 20)
    os.utime(ledger, (datetime(2025, 4, 2, tzinfo=UTC).timestamp(),) * 2)
    report = sent_to(page(out, content=held(made_at="2025-04-01T23:00:00+00:00")))
    assert inbox.messages == []
    assert "the record of what was mailed was damaged" in report.problems[0]
    assert "2 mails are held back" in report.problems[1]
    report = sent_to(page(out, content=held(made_at="2025-04-02T00:30:00+00:00")))
    assert (len(inbox.messages), report.problems, report.already) == (2, (), 0)


def test_the_ledger_holds_what_was_sent_and_to_whom(tmp_path, out, sent_to):
    sent_to(page(out))
    connection = sqlite3.connect(tmp_path / "data" / "mail.sqlite3")
    assert connection.execute("select page, recipient from sent order by 2").fetchall() == [
        ("Sales", BOSS), ("Sales", DIRECTOR),
    ]  # fmt: skip
    connection.close()


def test_two_at_once_do_not_mail(tmp_path, out, sent_to):
    with (
        only_one(tmp_path / "data" / "mail.lock", "busy"),
        pytest.raises(StoreError, match="another process is mailing"),
    ):
        sent_to(page(out))


# Asked for by hand


def test_one_address_may_get_everything_as_often_as_it_likes(sent_to, out, inbox):
    for _attempt in range(2):
        sent_to(page(out), page(out, "Sales Anna", slice=slice_("manager", "1", "Anna")), to="me@acme.example")
    assert inbox.recipients == ["me@acme.example"] * 4
    assert len({message["Message-ID"] for _to, message in inbox.messages}) == 4
    assert sent_to(page(out)).already == 0  # the recipients have not got theirs by that


def test_only_the_presets_that_are_named_are_mailed(sent_to, out, inbox):
    assert sent_to(page(out), presets=["Other"]).sent == ()


def test_a_dry_run_leaves_files_and_sends_nothing(tmp_path, out):
    read = settings(tmp_path, port=9)
    for _attempt in range(2):
        report = mail.send(read, night(page(out)), out=out, dry_run=tmp_path / "eml", wait=_never)
    assert [path.name for path in sorted((tmp_path / "eml").iterdir())] == [
        "001-Sales-boss@acme.example.eml", "002-Sales-director@acme.example.eml",
    ]  # fmt: skip
    assert len(report.sent) == 2
    content = (tmp_path / "eml" / "001-Sales-boss@acme.example.eml").read_bytes()
    assert b"\r\nTo: boss@acme.example\r\n" in content


def test_without_a_mail_server_there_is_a_sentence(tmp_path, out):
    read = settings(tmp_path).model_copy(update={"mail": None, "presets": ()})
    with pytest.raises(MailError, match="no mail server is named"):
        mail.send(read, night(page(out)), out=out)


# Attached


ATTACH = """
[[presets]]
name = "Sales"
report = "sales_dynamics"
recipients = ["boss@acme.example"]
attach = ["html", "xlsx"]
"""


def test_the_whole_page_and_the_workbook_come_with_the_mail(tmp_path, out, inbox):
    with served(inbox) as port:
        mail.send(settings(tmp_path, port=port, presets=ATTACH), night(page(out)), out=out)
    html, workbook = inbox.of(BOSS).iter_attachments()
    assert (html.get_filename(), html.get_content_type()) == ("Sales-2025-04-01.html", "text/html")
    assert "Content-Security-Policy" in html.get_content()  # our own page, not what is published beside its scripts
    assert (workbook.get_filename(), workbook.get_content()) == ("Sales-2025-04-01.xlsx", b"PK workbook")


def test_what_is_too_large_for_a_mail_stays_and_is_told(tmp_path, out, inbox, monkeypatch):
    monkeypatch.setattr("crm_reports.mail.attachments.MOST_BYTES", 5)
    with served(inbox) as port:
        mail.send(settings(tmp_path, port=port, presets=ATTACH), night(page(out)), out=out)
    assert list(inbox.of(BOSS).iter_attachments()) == []
    assert "The workbook is too large for a mail." in text_of(inbox.of(BOSS))


DRAWN = ATTACH.replace('"html", "xlsx"', '"pdf"') + "pictures = true\n"


def test_without_chromium_the_mail_goes_out_and_says_what_it_lacks(tmp_path, out, inbox, monkeypatch):
    monkeypatch.setattr("crm_reports.mail.sending.browser", lambda: None)
    with served(inbox) as port:
        report = mail.send(settings(tmp_path, port=port, presets=DRAWN), night(page(out)), out=out)
    assert report.is_whole
    text = text_of(inbox.of(BOSS))
    assert "The PDF could not be made." in text
    assert "The charts could not be made." in text


# Servers that refuse, stall and hang up


def tried(tmp_path, out, inbox, *, timeout=30.0, **how):
    """The report and what was waited for when the night goes through this server."""
    waits = Waits()
    with served(inbox, **how) as port:
        report = mail.send(settings(tmp_path, port=port, timeout=timeout), night(page(out)), out=out, wait=waits)
    return report, waits


def test_one_bad_address_does_not_stop_the_rest(tmp_path, out):
    class Picky(Inbox):
        async def handle_RCPT(self, server, session, envelope, address, options):
            if address == BOSS:
                return "550 5.1.1 no such user here"
            envelope.rcpt_tos.append(address)
            return "250 OK"

    inbox = Picky()
    report, waits = tried(tmp_path, out, inbox)
    assert inbox.recipients == [DIRECTOR]
    (problem,) = report.problems
    assert problem.startswith(f"Sales → {BOSS}: the mail server 127.0.0.1:")
    assert problem.endswith("refuses the address: 550 5.1.1 no such user here")
    assert waits == []  # what is refused for good is not tried again


def test_a_server_that_greylists_takes_it_the_second_time(tmp_path, out):
    class Grey(Inbox):
        seen: set = set()  # noqa: RUF012

        async def handle_RCPT(self, server, session, envelope, address, options):
            if address not in self.seen:
                self.seen.add(address)
                return "450 4.7.1 come back later"
            envelope.rcpt_tos.append(address)
            return "250 OK"

    inbox = Grey()
    report, waits = tried(tmp_path, out, inbox)
    assert (inbox.recipients, report.is_whole, waits) == ([BOSS, DIRECTOR], True, [10])


def test_a_server_that_never_takes_it_is_asked_four_times(tmp_path, out):
    class Full(Inbox):
        times = 0

        async def handle_DATA(self, server, session, envelope):
            self.times += 1
            return "452 4.3.1 mailbox full"

    inbox = Full()
    report, waits = tried(tmp_path, out, inbox)
    assert (inbox.times, waits) == (2 * 4, [10, 60, 300])
    assert [line.rpartition("refuses: ")[2] for line in report.problems] == ["452 4.3.1 mailbox full"] * 2


def test_a_message_that_is_refused_after_its_content_stops_no_other(tmp_path, out):
    class Spam(Inbox):
        async def handle_DATA(self, server, session, envelope):
            if BOSS in envelope.rcpt_tos:
                return "554 5.7.1 looks like spam"
            return await super().handle_DATA(server, session, envelope)

    inbox = Spam()
    report, waits = tried(tmp_path, out, inbox)
    assert (inbox.recipients, len(report.problems), waits) == ([DIRECTOR], 1, [])


def test_a_server_that_hangs_up_in_the_middle_is_called_again(tmp_path, out):
    class Drops(Inbox):
        times = 0

        async def handle_DATA(self, server, session, envelope):
            self.times += 1
            if self.times == 1:
                server.transport.abort()
            return await super().handle_DATA(server, session, envelope) if self.times > 1 else "250 never heard"

    inbox = Drops()
    report, waits = tried(tmp_path, out, inbox)
    assert (sorted(inbox.recipients), report.is_whole, waits) == ([BOSS, DIRECTOR], True, [10])


def test_a_server_that_stalls_is_left_after_the_timeout(tmp_path, out):
    class Stalls(Inbox):
        async def handle_RCPT(self, server, session, envelope, address, options):
            await asyncio.Event().wait()

    report, waits = tried(tmp_path, out, Stalls(), timeout=0.2)
    assert [line.rpartition("127.0.0.1:")[2].partition(" ")[2] for line in report.problems] == [
        "did not answer within 0.2 s",
    ] * 2
    assert waits == [10, 60, 300]


def test_a_server_that_is_not_there_is_told_for_every_mail(tmp_path, out):
    with served(Inbox()) as port:
        pass
    waits = Waits()
    report = mail.send(settings(tmp_path, port=port), night(page(out)), out=out, wait=waits)
    assert [line.partition(": ")[0] for line in report.problems] == [f"Sales → {BOSS}", f"Sales → {DIRECTOR}"]
    assert all("can't be reached: Connection refused" in line for line in report.problems)
    assert waits == [10, 60, 300]


class _Unwelcoming(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(b"554 5.3.2 no service today\r\n")


def test_a_server_that_greets_nobody_is_asked_again_later(tmp_path, out):
    waits = Waits()
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Unwelcoming) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        read = settings(tmp_path, port=server.server_address[1])
        report = mail.send(read, night(page(out)), out=out, wait=waits)
        with pytest.raises(MailError, match="refuses: 554 5"):
            mail.reach(read)
        server.shutdown()
    assert [line.rpartition("refuses: ")[2] for line in report.problems] == ["554 5.3.2 no service today"] * 2
    assert waits == [10, 60, 300]


# Encryption and login


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine to make a certificate with")
    return certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def with_login(monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_SMTP_USER", "reports")
    monkeypatch.setenv("CRM_REPORTS_SMTP_PASSWORD", PASSWORD)


OPEN = pytest.mark.filterwarnings(
    "ignore:Requiring AUTH while not requiring TLS"
)  # aiosmtpd is right, but this is a test


def through(tmp_path, out, inbox, security, **how):
    with served(inbox, **how) as port:
        read = settings(tmp_path, port=port, security=security)
        return mail.send(read, night(page(out)), out=out, wait=_never)


def test_starttls_and_login(tmp_path, out, inbox, made, with_login, monkeypatch):
    path, context = made
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    report = through(
        tmp_path, out, inbox, "starttls", tls_context=context, require_starttls=True, **only("reports", PASSWORD)
    )
    assert (report.problems, inbox.recipients) == ((), [BOSS, DIRECTOR])


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path, out, inbox, made, with_login):
    _path, context = made
    report = through(tmp_path, out, inbox, "starttls", tls_context=context, require_starttls=True)
    assert len(report.problems) == 2
    assert all("a certificate that is not trusted (self-signed certificate)" in line for line in report.problems)
    assert inbox.messages == []


def test_a_server_without_starttls_gets_nothing_in_the_open(tmp_path, out, inbox, with_login):
    report = through(tmp_path, out, inbox, "starttls")
    assert all("offers no STARTTLS, so nothing was sent" in line for line in report.problems)
    assert (len(report.problems), inbox.messages) == (2, [])


def test_a_server_that_speaks_no_tls_at_all_is_told_so(tmp_path, out, inbox):
    report = through(tmp_path, out, inbox, "tls")
    assert all("does not speak TLS" in line for line in report.problems)
    assert inbox.messages == []


def test_a_server_that_lets_nobody_log_in_is_told_so(tmp_path, out, inbox, with_login):
    report = through(tmp_path, out, inbox, "none")
    assert all("offers no AUTH, so nothing was sent" in line for line in report.problems)
    assert (len(report.problems), inbox.messages) == (2, [])


@OPEN
def test_a_server_that_knows_other_ways_to_log_in_is_told_so(tmp_path, out, inbox, with_login):
    how = only("reports", PASSWORD) | {"auth_require_tls": False, "auth_exclude_mechanism": ["LOGIN", "PLAIN"]}
    report = through(tmp_path, out, inbox, "none", **how)
    assert all("offers no AUTH" in line for line in report.problems)
    assert len(report.problems) == 2


def test_a_wrong_password_is_told_without_it(tmp_path, out, inbox, made, with_login, monkeypatch, caplog):
    path, context = made
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    how = {"tls_context": context, "require_starttls": True, **only("reports", "another")}
    report = through(tmp_path, out, inbox, "starttls", **how)
    assert all("does not accept the login (535): look at CRM_REPORTS_SMTP_USER" in line for line in report.problems)
    assert PASSWORD not in f"{report} {caplog.text}"


@OPEN
def test_a_server_that_repeats_the_password_does_not_get_it_into_our_words(tmp_path, out, inbox, with_login):
    class Parrot(Inbox):
        async def handle_RCPT(self, server, session, envelope, address, options):
            return f"550 I know you, reports, your password is {PASSWORD}"

    report = through(tmp_path, out, Parrot(), "none", auth_require_tls=False, **only("reports", PASSWORD))
    assert all(line.endswith("550 I know you, …, your password is …") for line in report.problems)
    assert len(report.problems) == 2


@OPEN
def test_a_password_that_smtp_can_not_carry_is_told_without_it(tmp_path, out, inbox, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_SMTP_USER", "reports")
    monkeypatch.setenv("CRM_REPORTS_SMTP_PASSWORD", "пароль")
    report = through(tmp_path, out, inbox, "none", auth_require_tls=False, **only("reports", "x"))
    assert all("has a letter that SMTP can't carry" in line for line in report.problems)
    assert "пароль" not in str(report)


# Is it reachable?


def test_a_server_that_is_there_gives_its_name(tmp_path, inbox):
    with served(inbox, server_hostname="mx.acme.example") as port:
        assert mail.reach(settings(tmp_path, port=port)) == "mx.acme.example"
    assert inbox.messages == []


def test_one_that_is_not_there_is_a_sentence(tmp_path):
    with served(Inbox()) as port:
        pass
    with pytest.raises(MailError, match=rf"the mail server 127.0.0.1:{port} can't be reached: Connection refused"):
        mail.reach(settings(tmp_path, port=port))


# The operator


def told(tmp_path, inbox, *pages, **rest):
    with served(inbox) as port:
        return mail.tell_operator(settings(tmp_path, port=port), night(*pages, **rest), wait=_never)


def test_the_operator_gets_one_mail_about_all_that_failed(tmp_path, out, inbox):
    failed = [page(out, name, state="failed", error=f"{name} <b>broke</b>") for name in ("A", "B")]
    report = told(tmp_path, inbox, page(out), *failed)
    assert report.sent == ("failures → admin@acme.example",)
    message = inbox.of("admin@acme.example")
    assert message["Subject"] == "Reports: 2 things went wrong in the night of 1 Apr 2025"
    assert "- A: A <b>broke</b>\n- B: B <b>broke</b>\n" in text_of(message)
    assert "1 page came out; recipients of the others got no mail." in text_of(message)
    assert "A: A &lt;b&gt;broke&lt;/b&gt;" in message.get_body(("html",)).get_content()


def test_pages_that_fail_for_one_reason_are_told_together(tmp_path, out, inbox):
    failed = [page(out, f"P{n}", state="failed", error="no data") for n in range(8)]
    with served(inbox) as port:
        mail.tell_operator(settings(tmp_path, port=port), night(*failed), problems=["a → b: refused"], wait=_never)
    message = inbox.of("admin@acme.example")
    assert "- P0; P1; P2; P3; P4; and 3 more: no data\n- a → b: refused\n" in text_of(message)
    assert message["Subject"] == "Reports: 9 things went wrong in the night of 1 Apr 2025"


def test_the_operator_is_told_of_a_night_in_vain_without_its_secrets(tmp_path, inbox):
    told(tmp_path, inbox, problem="https://portal.example/rest/1/s3cret/ refuses; see /home/reports/data/x.log")
    message = inbox.of("admin@acme.example")
    assert message["Subject"] == "Reports: nothing was made in the night of 1 Apr 2025"
    assert "s3cret" not in message.as_string()
    assert "/home/reports" not in text_of(message)


def test_the_same_failure_is_told_once(tmp_path, out, inbox):
    failed = page(out, state="failed", error="no data")
    assert told(tmp_path, inbox, failed).sent
    assert told(tmp_path, inbox, failed).already == 1
    assert len(inbox.messages) == 1


def test_a_night_that_went_well_is_not_told(tmp_path, out, inbox):
    assert told(tmp_path, inbox, page(out)).sent == ()
    assert inbox.messages == []
