"""Messages by channels, through servers on loopback: what a chat shows, what is sent once, what is told, what never leaks."""

import json
import logging
from dataclasses import replace
from datetime import date

import pytest
from pydantic import SecretStr

import chats
import mails
from bitrix24_demo import Fault, invent, serve
from chats import TOKEN, refused
from crm_reports import mail
from crm_reports.mail import Message, bitrix24, channels, telegram, webhook
from crm_reports.mail.delivery import Envelope, Never
from crm_reports.mail.wording import length, tidy
from crm_reports.settings import Keyring, Mail, Settings
from mails import Inbox, night, page, slice_
from mails import settings as with_server
from stores import make_store

HOSTILE = "Vector <b>&amp; [url=https://evil.example]x[/url] @all `rm` [x](https://evil.example) #BR# <!channel>"
ALERT = Message(
    "", "alert-7", "Won money fell", ("It was 7.5 M ₽.", f"Most of it: {HOSTILE}"), "https://acme.example/a.html"
)
GROUP, PERSON = "telegram:-100123", "telegram:77"


@pytest.fixture(scope="module")
def company():
    return invent(deals=5, seed=3, months=2, today=date(2025, 6, 30))


@pytest.fixture
def waits():
    return []


@pytest.fixture
def bot():
    return chats.Telegram()


@pytest.fixture
def tell(tmp_path, waits):
    """Deliver messages under these settings, as often as asked: what each run reported."""

    def deliver(*messages, keyring, telegram_api="https://api.telegram.org/"):
        settings = Settings(
            home=tmp_path, data=tmp_path / "data", mail=Mail(telegram_api=telegram_api), keyring=keyring
        )
        with mail.record(settings) as ledger:
            return mail.deliver(messages, settings, ledger, wait=waits.append)

    return deliver


def to(recipient, **rest):
    return replace(ALERT, to=recipient, **rest)


def by_bot(tell, bot, *messages):
    with chats.served(bot.answer) as address:
        return tell(*messages, keyring=Keyring(telegram=SecretStr(TOKEN)), telegram_api=f"{address}/")


def by_hook(tell, answer, *messages, name="sales"):
    with chats.served(answer) as address:
        return tell(*messages, keyring=Keyring(webhooks={name: SecretStr(f"{address}/hook/S3cr3tH00kS3cr3tH00k")}))


# What a chat shows


def test_telegram_shows_the_message_as_it_was_written_and_takes_nothing_of_it_for_markup(tell, bot):
    assert by_bot(tell, bot, to(GROUP)).sent == (f"Won money fell → {GROUP}",)
    [shown] = bot.chats["-100123"]
    assert shown.replace("\u200b", "") == (
        f"Won money fell\n\n• It was 7.5 M ₽.\n• Most of it: {HOSTILE}\n\nOpen the report"
    )
    assert '<a href="https://acme.example/a.html">Open the report</a>' in bot.calls[0].fields["text"]
    assert "https://evil" not in bot.calls[0].fields["text"]  # an address in a customer's name is no link
    assert "@all" not in bot.calls[0].fields["text"]
    assert json.loads(bot.calls[0].fields["link_preview_options"]) == {"is_disabled": True}


def test_a_notice_in_bitrix24_holds_no_code_but_our_own(company, tell):
    with serve(company, scopes=("im",)) as portal:
        tell(to("bitrix24:1"), keyring=Keyring(notify=SecretStr(portal.webhook)))
        [notice] = portal.portal.notices
    text = notice["MESSAGE"]
    assert text.startswith("[b]Won money fell[/b]\n\n• It was 7.5 M ₽.\n• Most of it: Vector")
    assert text.endswith("\n\n[url=https://acme.example/a.html]Open the report[/url]")
    assert text.count("[url=") == 1
    assert "#BR#" not in text
    assert [request.method for request in portal.requests] == ["im.notify.system.add"]


@pytest.mark.parametrize("text", [">> a quotation", "------ a line", "[b]"])
def test_no_sentence_begins_a_quotation_or_a_line_in_bitrix24(text):
    assert not bitrix24.harmless(text).startswith(text)
    assert bitrix24.harmless(text).replace("\u200b", "") == text


def test_a_webhook_gets_what_docs_channels_describes(tell):
    posts = []
    by_hook(tell, lambda post: (posts.append(post), (200, {}, {}))[1], to("webhook:sales"))
    [post] = posts
    assert list(post.fields) == ["key", "about", "title", "sentences", "link", "text"]
    assert post.fields["title"] == "Won money fell"
    assert post.fields["sentences"][0] == "It was 7.5 M ₽."
    assert post.fields["text"].endswith("Open the report: https://acme.example/a.html")
    assert post.headers["idempotency-key"] == post.fields["key"]
    assert not any(code in post.fields["text"] for code in ("<!channel>", "@all", "](https", "https://evil"))


def test_a_long_message_is_cut_to_whole_sentences_and_says_how_many_are_left(tell, bot):
    many = tuple(f"{place} {'ы' * 390}" for place in range(20))
    by_bot(tell, bot, to(PERSON, sentences=many), to(PERSON, key="b", sentences=many, picture=b"\x89PNG"))
    text, caption = bot.chats["77"]
    assert text.count("• ") == 10 + 1
    assert "and 10 more in the report" in text
    assert caption.count("• ") == 2 + 1
    assert "and 18 more in the report" in caption


def test_length_is_counted_as_telegram_counts_it():
    """A face takes two units of UTF-16: 4,096 of them don't fit, and half as many in a title do."""
    assert length("😀") == 2
    envelope = Envelope(PERSON, "", "", lambda: to(PERSON, title="😀" * 5000, sentences=("😀" * 5000,) * 9))
    assert length(telegram.text(envelope, telegram.TEXT)) <= 4096
    assert length(telegram.text(envelope, 100)) <= 100 + len('<b></b><a href="https://acme.example/a.html"></a>')


def test_the_words_around_a_message_are_in_its_readers_language(tell, bot):
    by_bot(tell, bot, to(PERSON, language="ru"))
    assert bot.chats["77"][0].endswith("Открыть отчёт")


def test_what_does_not_belong_on_a_line_is_not_there():
    assert tidy(to(GROUP, title="a\nb\u202ec", sentences=("", "x\r\ny"))).title == "a b c"
    assert tidy(to(GROUP, sentences=("", "x\r\ny"))).sentences == ("x y",)


def test_a_picture_comes_with_its_message_and_a_document_after_it_without_a_sound(tell, bot):
    page = mail.Attachment("Sales-2025-04-01.html", "text/html", b"<!doctype html>")
    report = by_bot(tell, bot, to(GROUP, picture=b"\x89PNG"), to(GROUP, key="alert-7 html", document=page))
    assert len(report.sent) == 2
    photo, document = bot.calls
    assert (photo.method, photo.files) == ("sendPhoto", {"photo": ("chart.png", b"\x89PNG")})
    assert (document.method, document.files) == (
        "sendDocument",
        {"document": ("Sales-2025-04-01.html", b"<!doctype html>")},
    )
    assert document.fields["disable_notification"] == "true"


def test_a_picture_that_telegram_does_not_take_leaves_the_words(tell, bot):
    bot.faults = [refused(400, "Bad Request: PHOTO_INVALID_DIMENSIONS")]
    assert by_bot(tell, bot, to(GROUP, picture=b"\x89PNG")).is_whole
    assert [call.method for call in bot.calls] == ["sendPhoto", "sendMessage"]


def test_an_alert_by_mail_is_escaped_too(tmp_path):
    inbox = Inbox()
    with mails.served(inbox) as port:
        read = with_server(tmp_path, port=port)
        with mail.record(read) as ledger:
            report = mail.deliver([to("boss@acme.example")], read, ledger)
    assert report.sent == ("Won money fell → boss@acme.example",)
    message = inbox.of("boss@acme.example")
    assert message["Subject"] == "Won money fell"
    html = message.get_body(("html",)).get_content()
    assert "Vector &lt;b&gt;&amp;amp; [url" in html
    assert '<a href="https://acme.example/a.html">Open the report</a>' in html
    assert "Open the report: https://acme.example/a.html" in message.get_body(("plain",)).get_content()


# Once


class Killed(BaseException):
    """The process ends here."""


EVERY_WAY = (GROUP, "bitrix24:1", "webhook:sales")


@pytest.mark.parametrize("dies_at", range(1, 7))
def test_a_kill_between_a_servers_word_and_our_note_loses_nothing_and_repeats_only_what_no_server_can_tell(
    company, tell, bot, monkeypatch, dies_at
):
    """Each of six messages in turn is the one after which the process dies; then the night's rerun sends the rest."""
    hooks: dict[str, dict] = {}
    messages = [to(way, key=key) for key in ("a", "b") for way in EVERY_WAY]

    def take(post):
        hooks.setdefault(post.headers["idempotency-key"], post.fields)  # as docs/channels.md asks of a receiver
        return 204, b"", {}

    with serve(company, scopes=("im",)) as portal, chats.served(bot.answer) as api, chats.served(take) as hook:
        keyring = Keyring(
            telegram=SecretStr(TOKEN), notify=SecretStr(portal.webhook), webhooks={"sales": SecretStr(f"{hook}/x")}
        )
        with monkeypatch.context() as patch, pytest.raises(Killed):  # noqa: PT012  the patch ends with the process
            patch.setattr("crm_reports.mail.ledger.Ledger.add", _dying(dies_at))
            tell(*messages, keyring=keyring, telegram_api=f"{api}/")
        second = tell(*messages, keyring=keyring, telegram_api=f"{api}/")
        third = tell(*messages, keyring=keyring, telegram_api=f"{api}/")
    assert (second.is_whole, len(second.sent), second.already) == (True, 7 - dies_at, dies_at - 1)
    assert (third.sent, third.already) == ((), 6)
    assert len(portal.portal.notices) == 2
    assert len(hooks) == 2
    twice = dies_at in (1, 2)  # the two of Telegram go out first
    assert len(bot.chats["-100123"]) == 2 + twice


def _dying(number):
    from crm_reports.mail.ledger import Ledger

    add, calls = Ledger.add, []

    def note(ledger, *args, **rest):
        calls.append(args)
        if len(calls) == number:
            raise Killed
        add(ledger, *args, **rest)

    return note


def test_the_same_words_to_another_recipient_are_another_message(tell, bot):
    assert len(by_bot(tell, bot, to(GROUP), to(PERSON)).sent) == 2
    again = by_bot(tell, bot, to(GROUP), to(PERSON), to(PERSON, key="alert-8"))
    assert (len(again.sent), again.already) == (1, 2)


def test_a_notice_without_a_clients_name_would_pile_up_and_ours_does_not(company):
    with serve(company, scopes=("im",)) as portal:
        from crm_reports.sources.bitrix24.client import Client

        with Client(portal.webhook, writes={"im.notify.system.add", "im.notify.personal.add"}) as client:
            for _attempt in range(2):
                client.call("im.notify.system.add", USER_ID=1, MESSAGE="a", TAG="t")
                client.call("im.notify.personal.add", USER_ID=1, MESSAGE="b", TAG="t", CLIENT_ID="us")
        assert [notice["MESSAGE"] for notice in portal.portal.notices] == ["a", "a", "b"]


# Servers that refuse, stall and hang up


def test_telegram_is_given_the_time_it_asks_for(tell, bot, waits):
    bot.faults = [refused(429, "Too Many Requests: retry after 35", retry_after=35)] * 2
    report = by_bot(tell, bot, to(PERSON))
    assert (report.is_whole, waits.count(35)) == (True, 2)
    assert len(bot.chats["77"]) == 1


def test_a_chat_gets_a_message_a_second_and_a_group_twenty_a_minute(waits):
    gates = telegram._Chats(waits.append, clock=lambda: 0.0)
    for chat in ("77", "88", "77", "-100123", "-100123"):
        gates.enter(chat)
    assert waits == [pytest.approx(1), pytest.approx(3)]


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (refused(500, "Internal Server Error"), "Telegram takes nothing for now: Internal Server Error"),
        ((502, b"<html>Bad gateway</html>", {}), "Telegram takes nothing for now: 502 <html>Bad gateway</html>"),
        (chats.HANGS_UP, "Telegram can't be reached: Server disconnected without sending a response."),
        ((200, b"half of {", {}), "Telegram takes nothing for now: 200 half of {"),
    ],
)
def test_what_may_pass_is_tried_again_and_told_when_it_does_not(tell, bot, waits, fault, words):
    bot.faults = [fault] * 3
    assert by_bot(tell, bot, to(PERSON)).is_whole
    assert [pause for pause in waits if pause >= 10] == [10, 60, 300]
    bot.faults = [fault] * 99
    report = by_bot(tell, bot, to(PERSON, key="b"))
    assert report.problems == (f"Won money fell → {PERSON}: {words}",)


def test_whoever_blocked_the_bot_is_told_and_stops_nobody(tell, bot, waits):
    bot.blocked = ("77",)
    report = by_bot(tell, bot, to(PERSON), to(GROUP))
    assert report.sent == (f"Won money fell → {GROUP}",)
    assert report.problems == (
        f"Won money fell → {PERSON}: Telegram may not write to 77 (Forbidden: bot was blocked by the user): "
        "let them press Start in the bot, or add it to the group",
    )
    assert [pause for pause in waits if pause >= 10] == []  # never again, in this run


def test_a_group_that_has_become_another_is_found_there_and_told(tell, bot, caplog):
    bot.moved = {"-100123": "-100999"}
    assert by_bot(tell, bot, to(GROUP)).is_whole
    assert len(bot.chats["-100999"]) == 1
    assert "the group telegram:-100123 is telegram:-100999 now: change that in reports.toml" in caplog.text


def test_groups_that_send_us_round_in_a_circle_end_in_a_sentence(tell, bot):
    bot.moved = {"-100123": "-100999", "-100999": "-100123"}
    [problem] = by_bot(tell, bot, to(GROUP)).problems
    assert "change that in reports.toml" in problem


def test_a_bot_that_nobody_knows_is_tried_once_for_all(tell, bot):
    with chats.served(bot.answer) as api:
        report = tell(
            to(GROUP), to(PERSON), keyring=Keyring(telegram=SecretStr("9:wrongwrongwrongwrong")), telegram_api=f"{api}/"
        )
    assert len(bot.calls) == 1
    assert [line.partition(": ")[2] for line in report.problems] == [
        "Telegram does not know the bot (Unauthorized): look at CRM_REPORTS_TELEGRAM_TOKEN",
    ] * 2


@pytest.mark.parametrize(
    ("recipient", "words"),
    [
        (GROUP, "no bot of Telegram is known: put its token into CRM_REPORTS_TELEGRAM_TOKEN"),
        ("bitrix24:1", "make one in Bitrix24 with the right im and put it into CRM_REPORTS_NOTIFY_WEBHOOK"),
        ("webhook:sales", "no address is known: put it into CRM_REPORTS_WEBHOOK_SALES"),
        ("boss@acme.example", "no mail server is named; add [mail] with host and sender to reports.toml"),
    ],
)
def test_a_channel_that_nothing_opens_says_what_is_missing(tell, recipient, words):
    [problem] = tell(to(recipient), keyring=Keyring()).problems
    assert problem.endswith(words)


def test_nobody_of_that_number_in_bitrix24_is_told(company, tell):
    with serve(company, scopes=("im",)) as portal:
        report = tell(to("bitrix24:999999"), to("bitrix24:1"), keyring=Keyring(notify=SecretStr(portal.webhook)))
    assert report.sent == ("Won money fell → bitrix24:1",)
    assert "is there somebody of that number?" in report.problems[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scopes": ("crm",)}, "insufficient_scope"),
        ({"faults": [Fault(401, {"error": "expired_token"})]}, "put it into CRM_REPORTS_NOTIFY_WEBHOOK"),
        (
            {"faults": [Fault(302, "", (("Location", "https://new.example/"),))]},
            "address into CRM_REPORTS_NOTIFY_WEBHOOK",
        ),
    ],
)
def test_a_webhook_for_notices_that_opens_nothing_is_told_by_its_own_name(company, tell, options, words):
    with serve(company, **({"scopes": ("im",)} | options)) as portal:
        report = tell(to("bitrix24:1"), to("bitrix24:2"), keyring=Keyring(notify=SecretStr(portal.webhook)))
    assert len(portal.requests) == 1
    assert all(words in problem for problem in report.problems)


def test_a_portal_that_is_busy_is_asked_again(company, tell, waits):
    busy = Fault(503, {"error": "QUERY_LIMIT_EXCEEDED"})
    with serve(company, scopes=("im",), faults=[busy] * 4) as portal:
        assert tell(to("bitrix24:1"), keyring=Keyring(notify=SecretStr(portal.webhook))).is_whole
        assert len(portal.portal.notices) == 1
    assert 10 in waits


@pytest.mark.parametrize(
    ("answer", "times", "problem"),
    [
        ((200, b"ok", {}), 1, ""),
        ((400, b"invalid_payload", {}), 1, "the webhook 'sales' answers: 400 invalid_payload"),
        ((410, b"", {}), 1, "the webhook 'sales' answers: 410"),
        ((302, b"", {"Location": "https://evil.example/"}), 1, "the webhook 'sales' answers: 302"),
        ((503, b"busy", {}), 4, "the webhook 'sales' answers: 503 busy"),
        ((429, b"slow", {"Retry-After": "7"}), 8, "the webhook 'sales' answers: 429 slow"),
    ],
)
def test_what_a_webhook_answers_decides(tell, waits, answer, times, problem):
    posts = []
    report = by_hook(tell, lambda post: (posts.append(post), answer)[1], to("webhook:sales"))
    assert len(posts) == times
    assert [line.partition("webhook:sales: ")[2] for line in report.problems] == ([problem] if problem else [])
    assert waits.count(7) == (4 if "Retry-After" in answer[2] else 0)


def test_one_webhook_that_is_down_stops_no_other(tell):
    posts = []
    with (
        chats.served(lambda post: (posts.append(post), (200, {}, {}))[1]) as up,
        chats.served(lambda post: chats.HANGS_UP) as down,
    ):
        hooks = {"down": SecretStr(f"{down}/x"), "up": SecretStr(f"{up}/x")}
        messages = [to(f"webhook:{name}", key=key) for name in ("down", "up") for key in ("a", "b")]
        report = tell(*messages, keyring=Keyring(webhooks=hooks))
    assert len(posts) == 2
    assert [line.partition(": ")[0] for line in report.problems] == ["Won money fell → webhook:down"] * 2


def test_of_an_endless_answer_only_the_beginning_is_read(tell):
    report = by_hook(tell, lambda post: (400, b"x" * 5_000_000, {}), to("webhook:sales"))
    assert len(report.problems[0]) < 300


# Secrets


def test_no_secret_of_a_channel_is_told_or_logged_though_every_server_repeats_it(company, tell, bot, caplog):
    for name in ("", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, name)
    secrets = (TOKEN, TOKEN.partition(":")[2], "N0t1fyC0de", "S3cr3tH00kS3cr3tH00k")
    echo = f"no: {TOKEN} https://portal.example/rest/1/N0t1fyC0de/ N0t1fyC0de /hook/S3cr3tH00kS3cr3tH00k"
    bot.faults = [refused(400, echo)]
    no = Fault(400, {"error": "x", "error_description": echo})
    with (
        serve(company, code="N0t1fyC0de", faults=[no]) as portal,
        chats.served(bot.answer) as api,
        chats.served(lambda post: (400, echo.encode(), {"Location": echo})) as hook,
    ):
        hooks = {"sales": SecretStr(f"{hook}/hook/S3cr3tH00kS3cr3tH00k")}
        keyring = Keyring(telegram=SecretStr(TOKEN), notify=SecretStr(portal.webhook), webhooks=hooks)
        report = tell(*map(to, EVERY_WAY), keyring=keyring, telegram_api=f"{api}/")
    text = "".join([*report.problems, caplog.text])
    assert len(report.problems) == 3
    assert "httpcore" in caplog.text
    assert [secret for secret in secrets if secret in text] == []


def test_a_refusal_drags_no_exception_along_that_holds_an_address(bot):
    carrier = webhook.Webhook(
        Mail(), {"sales": SecretStr("https://hooks.example:S3cr3tH00k/")}, wait=lambda seconds: None
    )
    with pytest.raises(Never) as caught:
        carrier.send(Envelope("webhook:sales", "", "", lambda: to("webhook:sales")))
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    assert "S3cr3t" not in str(caught.value)


# The pages of a night

NIGHT = """
[mail]
base_url = "https://reports.acme.example/"
telegram_api = "{api}"
[mail.addresses]
"Anna" = "telegram:77"
[[presets]]
name = "Sales"
report = "sales_dynamics"
each = ["manager"]
recipients = ["telegram:-100123", "bitrix24:17", "webhook:sales"]
attach = ["xlsx"]
"""


@pytest.fixture
def of_night(tmp_path, bot, monkeypatch):
    """Send a night's one page by Telegram, as often as asked; the other channels have nothing that opens them."""
    monkeypatch.setenv("CRM_REPORTS_TELEGRAM_TOKEN", TOKEN)
    monkeypatch.setattr("crm_reports.mail.sending.browser", lambda: None)
    (tmp_path / "reports.toml").write_text("", encoding="utf-8")

    def send(**rest):
        with chats.served(bot.answer) as api:
            (tmp_path / "reports.toml").write_text(NIGHT.format(api=api), encoding="utf-8")
            read = Settings.read(tmp_path / "reports.toml")
            out = tmp_path / "output"
            return mail.send(read, night(page(out)), out=out, wait=lambda seconds: None, **rest)

    return send


def test_a_page_goes_to_a_chat_in_five_sentences_at_most_with_its_workbook_after_it(of_night, bot):
    report = of_night()
    assert report.sent == ("Sales → telegram:-100123", "Sales (xlsx) → telegram:-100123")
    [text, caption] = bot.chats["-100123"]
    assert (
        text
        == "Sales: Won money 7.5\u00a0M\u00a0₽ ▲\u00a050\u00a0% · Mar 2025\n\n• 2 of 3 managers bring most\n\nOpen the report"
    )
    assert '<a href="https://reports.acme.example/2025-04-01/sales.html">' in bot.calls[0].fields["text"]
    assert bot.calls[1].files == {"document": ("Sales-2025-04-01.xlsx", b"PK workbook")}
    assert caption == text.partition("\n")[0]
    assert [line.partition(": ")[0] for line in report.problems] == ["Sales → bitrix24:17", "Sales → webhook:sales"]


def test_a_second_run_of_the_night_says_nothing_twice_in_a_chat(of_night, bot):
    of_night()
    again = of_night()
    assert (again.sent, again.already) == ((), 2)
    assert len(bot.chats["-100123"]) == 2


def test_a_night_may_be_sent_to_one_chat_as_often_as_asked(of_night, bot):
    for _attempt in range(2):
        assert of_night(to="telegram:5").is_whole
    assert len(bot.chats["5"]) == 4
    assert "-100123" not in bot.chats


def test_a_dry_run_shows_the_picture_that_would_come_with_a_message_and_no_more_words_than_fit_beside_it():
    picture = to(PERSON, sentences=tuple(f"{place} {'ы' * 390}" for place in range(5)), picture=b"\x89PNG")
    files = channels.preview(Envelope(PERSON, "a", "k", lambda: picture), Mail(), "en")
    assert files["png"] == b"\x89PNG"
    assert "and 3 more in the report" in files["txt"].decode()


def test_a_dry_run_shows_what_each_channel_would_be_sent_and_sends_nothing(of_night, bot, tmp_path):
    report = of_night(dry_run=tmp_path / "dry")
    names = [path.rpartition("/")[2] for path in report.sent]
    assert names == [
        "001-Sales-telegram--100123.txt", "002-Sales-xlsx-telegram--100123.xlsx", "003-Sales-bitrix24-17.txt",
        "004-Sales-webhook-sales.json",
    ]  # fmt: skip
    assert bot.calls == []
    texts = [(tmp_path / "dry" / name).read_text(encoding="utf-8") for name in names if not name.endswith("xlsx")]
    assert texts[0].startswith("<b>Sales: Won money 7.5\u00a0M\u00a0₽")
    assert texts[1].startswith("[b]Sales: Won money 7.5\u00a0M\u00a0₽")
    assert json.loads(texts[2])["link"] == "https://reports.acme.example/2025-04-01/sales.html"


def test_a_persons_own_page_goes_by_the_way_that_the_settings_name(of_night, bot, tmp_path):
    make_store(
        tmp_path / "data", managers=[{"manager_id": "1", "name": "Anna", "is_active": True, "email": "a@b.example"}]
    )
    out = tmp_path / "output"
    toml = NIGHT.replace('recipients = ["telegram:-100123", "bitrix24:17", "webhook:sales"]', "mail_slices = true")
    toml = toml.replace("[mail]\n", '[mail]\nhost = "127.0.0.1"\nport = 9\nsender = "a@b.example"\n')
    with chats.served(bot.answer) as api:
        (tmp_path / "reports.toml").write_text(toml.format(api=api), encoding="utf-8")
        read = Settings.read(tmp_path / "reports.toml")
        own = page(out, "Sales Anna", slice=slice_("manager", "1", "Anna"))
        assert mail.send(read, night(own), out=out, wait=lambda seconds: None).is_whole
    assert list(bot.chats) == ["77"]


def test_managers_and_heads_are_told_of_their_own_pages_as_users_of_bitrix24(tmp_path, company, monkeypatch):
    people = [
        {"manager_id": "1", "name": "Anna", "is_active": True, "email": None},
        {"manager_id": "2", "name": "Boris", "is_active": False, "email": "boris@acme.example"},
    ]
    make_store(
        tmp_path / "data", managers=people, departments=[{"department_id": "10", "name": "Moscow", "head_id": "1"}]
    )
    out = tmp_path / "output"
    pages = [page(out, f"Sales {name}", slice=slice_(dimension, id, name)) for dimension, id, name in (
        ("manager", "1", "Anna"), ("manager", "2", "Boris"), ("department", "10", "Moscow"),
    )]  # fmt: skip
    toml = '[mail]\npeople = "bitrix24"\n[[presets]]\nname = "Sales"\nreport = "sales_dynamics"\neach = ["manager", "department"]\n'
    (tmp_path / "reports.toml").write_text(f"{toml}mail_slices = true\n", encoding="utf-8")
    with serve(company, scopes=("im",)) as portal:
        monkeypatch.setenv("CRM_REPORTS_NOTIFY_WEBHOOK", portal.webhook)
        report = mail.send(Settings.read(tmp_path / "reports.toml"), night(*pages), out=out, wait=lambda seconds: None)
    assert report.sent == ("Sales Anna → bitrix24:1", "Sales Moscow → bitrix24:1")
    assert report.problems == ()
    assert len(portal.portal.notices) == 2


def test_the_operator_is_told_in_a_chat_of_a_night_that_failed(tmp_path, bot, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_TELEGRAM_TOKEN", TOKEN)
    failed = page(tmp_path / "output", state="failed", error="no data <b>")
    with chats.served(bot.answer) as api:
        toml = f'[mail]\noperator = "telegram:9"\ntelegram_api = "{api}"\n'
        (tmp_path / "reports.toml").write_text(toml, encoding="utf-8")
        read = Settings.read(tmp_path / "reports.toml")
        for _attempt in range(2):
            mail.tell_operator(read, night(failed), wait=lambda seconds: None)
    assert bot.chats["9"] == ["Reports: 1 thing went wrong in the night of 1 Apr 2025\n\n• Sales: no data <b>"]
