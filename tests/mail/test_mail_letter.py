"""What a mail says and how it is written: numbers, lists, what is cut, what hostile data can't do."""

import re
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import compat32
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from crm_reports.elements import entry_of
from crm_reports.mail import content, letter
from crm_reports.mail.delivery import Envelope
from crm_reports.mail.letter import MOST_BYTES, Picture
from crm_reports.mail.messages import message
from crm_reports.settings import Mail
from crm_reports.words.texts import speaking
from mails import DEAL, deals, element, held, managers, tiles

SERVER = Mail(host="localhost", sender="Sales reports <reports@acme.example>")


def usual(text: str) -> str:
    """The text with spaces that break."""
    return text.replace("\xa0", " ")


def read(report: str = "sales_dynamics", **elements) -> content.Content:
    whole = held(report)
    return content.read(whole | {"elements": elements or whole["elements"]}, name="Sales")


def written(**elements) -> letter.Letter:
    return letter.write(read(**elements))


class Seen(HTMLParser):
    """The tags of a mail, its links, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data


# What it says


def test_tiles_have_their_change_and_what_it_was_and_of_how_many():
    first, second = read().tiles
    assert usual(f"{first.title} {first.value} {first.change} {first.before}") == "Won money 7.5 M ₽ ▲ 50 % 5 M ₽"
    assert usual(f"{second.value} {second.change} {second.note}") == "25 % ▼ 25 pp 5 of 20"
    assert (first.verdict, second.verdict) == ("good", "bad")


def test_more_than_nine_tiles_are_a_line_below_them():
    rows = [{"metric": "won_money", "value": float(n), "previous": None, "change": None} for n in range(12)]
    said = read(tiles=tiles(*rows))
    assert (len(said.tiles), len(said.more_tiles)) == (9, 3)


def test_a_tile_of_an_analysts_own_metric_is_told_by_its_name_at_least():
    row = {"metric": "my_own", "value": 0.5, "previous": None, "change": None}
    (tile,) = read(tiles=tiles(row)).tiles
    assert (tile.title, tile.value, tile.change, tile.before) == ("my_own", "0.5", "", "")


def test_a_missing_number_is_a_dash():
    row = {"metric": "won_money", "value": None, "previous": None, "change": None}
    assert read(tiles=tiles(row)).tiles[0].value == "—"


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ("2025-03-01", "2025-03-31", "Mar 2025"),
        ("2024-02-01", "2024-02-29", "Feb 2024"),
        ("2025-04-01", "2025-06-30", "Q2 2025"),
        ("2025-01-01", "2025-12-31", "2025"),
        ("2025-03-13", "2025-03-13", "13 Mar 2025"),
        ("2025-02-01", "2025-04-30", "1 Feb 2025 – 30 Apr 2025"),
        ("2025-03-01", "2025-03-30", "1 Mar 2025 – 30 Mar 2025"),
    ],
)
def test_a_period_is_told_as_a_person_says_it(first, last, words):
    assert content.span(first, last) == words


def test_a_period_that_is_not_over_says_so():
    whole = held(as_of="2025-03-30T21:00:00+00:00")  # 31 March, 00:00 in Moscow: one day is to come
    assert content.read(whole, name="Sales").period == "Mar 2025 so far"
    assert read().period == "Mar 2025"


def test_the_longest_bar_comes_first_and_the_total_is_none():
    (bars,) = read().bars
    assert bars.heading == "2 of 3 managers bring most"
    assert [(row.name, round(row.share, 2), usual(row.values[0])) for row in bars.rows] == [
        ("Clara", 1.0, "30 k ₽"), ("Boris", 0.67, "20 k ₽"), ("Anna", 0.33, "10 k ₽"),
    ]  # fmt: skip
    assert bars.columns == ("Won money", "Won", "Conversion")


def test_a_list_of_one_is_none():
    assert read(managers=managers("Anna")).bars == ()


def timeline(*sizes: tuple[str, int]) -> dict:
    rows = [
        {"period": "x", "size": size, "start": f"2024-{month:02}-01", "is_running": False, "won_money": 1.0 * month}
        for size, count in sizes
        for month in range(1, count + 1)
    ]
    units = {"period": "text", "size": "text", "start": "date", "won_money": "money"}
    return element("dynamics", rows, units, kind="chart")


def test_a_time_line_keeps_its_order_and_its_latest_rows():
    (bars,) = read(dynamics=timeline(("month", 12))).bars
    assert [row.name for row in bars.rows[:2]] == ["Jan 2024", "Feb 2024"]
    cut = bars.cut(2)
    assert ([row.name for row in cut.rows], cut.more) == (["Nov 2024", "Dec 2024"], 10)


def test_of_weeks_months_and_quarters_one_is_shown():
    (bars,) = read(dynamics=timeline(("week", 12), ("month", 5), ("quarter", 3))).bars
    assert [row.name for row in bars.rows] == ["Jan 2024", "Feb 2024", "Mar 2024", "Apr 2024", "May 2024"]


def test_a_finding_stands_over_its_list_or_else_among_the_findings():
    funnel = element("funnel", [], {"stage": "text"}, kind="chart", finding="The narrow place is here")
    said = read(managers=managers("Anna", "Boris"), funnel=funnel)
    assert said.findings == ("The narrow place is here",)


def test_a_mail_says_five_things_at_most_what_needs_somebody_first():
    needs = element("needs_you", [{"text": f"Need {n}"} for n in range(3)], {"text": "text"})
    charts = {
        f"mine{n}": element(f"mine{n}", [], {"stage": "text"}, kind="chart", finding=f"Finding {n}") for n in range(6)
    }
    said = read(needs_you=needs, **charts)
    assert said.needs == ("Need 0", "Need 1", "Need 2")
    assert len(said.findings) == 2


def test_no_finding_is_lost_where_there_are_more_lists_than_a_mail_has():
    names = ("managers", "activity", "by_manager", "sources", "loss_reasons", "by_department")
    listed = {
        name: element(name, [{"who": each, entry_of(name).mail[0]: 1} for each in "AB"],
                      {"who": "text", entry_of(name).mail[0]: "count"}, finding=f"{name} says")
        for name in names
    }  # fmt: skip
    said = read(**listed)
    assert {each.heading for each in said.bars} | set(said.findings) == {f"{name} says" for name in names}
    assert len(said.bars) == 4


def test_a_list_that_is_cut_to_nothing_says_how_much_there_was():
    cut = read().cut(rows=0, deals=0, sentences=0)
    assert [(each.heading, each.rows, each.more) for each in cut.bars] == [("2 of 3 managers bring most", (), 3)]


def test_an_analysts_own_report_gets_its_tables_as_lists():
    mine = element("mine", [{"region": "North", "n": 3}, {"region": "South", "n": 5}], {"region": "text", "n": "count"})
    (bars,) = read("my own report", mine=mine).bars
    assert [(row.name, row.values) for row in bars.rows] == [("South", ("5",)), ("North", ("3",))]
    assert read("sales_dynamics", mine=mine).bars == ()


def test_forgotten_deals_are_a_list_to_work_through():
    (deal,) = read("forgotten_deals", deals=deals(DEAL)).deals.rows
    assert usual(f"{deal.title}, {deal.money}, {deal.silent}") == "Stone cladding, 1.3 M ₽, 40 days"
    assert usual(deal.about) == "Vector · Anna · Request · next step overdue: 2 Mar 2025"  # 01:00 in Moscow
    (risky,) = read("forgotten_deals", deals=deals(DEAL | {"money_at_risk": 90_000.0})).deals.rows
    assert usual(risky.about) == f"{usual(deal.about)} · 90 k ₽ at risk"
    text = usual(letter.write(read("forgotten_deals", deals=deals(DEAL))).text)
    assert "[ ] Stone cladding, 1.3 M ₽, silent 40 days\n" in text
    assert "    https://portal.example/crm/deal/details/7/\n" in text


def test_what_the_source_lacks_and_what_is_wrong_are_told():
    whole = held(holes=["leads can't be read"])
    whole["elements"]["funnel"] = element("funnel", [], {"stage": "text"}, missing="there is no stage history")
    assert content.read(whole, name="x").notes == (
        "leads can't be read", "2 deals have no customer", "Funnel: there is no stage history",
    )  # fmt: skip


def test_filters_that_hide_something_can_not_be_missed():
    words = [
        {"label": "Manager", "text": "all", "narrows": False},
        {"label": "Pipeline", "text": "Sales", "narrows": True},
    ]
    said = content.read(held(words=words), name="x")
    assert said.filters == ("Pipeline: Sales",)
    assert "Filter · Pipeline: Sales" in letter.write(said).text


def test_the_mail_is_in_the_readers_language():
    with speaking("ru"):
        said = written()
    assert 'lang="ru"' in said.html
    assert "7,5 млн ₽" in usual(said.text)
    assert "данные на 1 апр. 2025, 00:00" in said.text
    assert not re.search(r"What|Open|as of|silent|compared", said.text)


# How it is written


def test_it_needs_neither_images_nor_scripts_and_asks_nobody():
    seen = Seen(letter.write(read(), link="https://reports.acme.example/x.html").html)
    assert not {"img", "script", "link", "iframe", "svg", "form", "video"} & set(seen.tags)
    assert seen.links == ["https://reports.acme.example/x.html"]


def test_outlook_finds_its_styles_in_the_elements():
    html = written().html
    body = html.partition("<body")[2]
    assert not re.search(r"display:\s*(flex|grid)|position:|var\(", html)
    assert all("font-family" in cell for cell in re.findall(r"<td[^>]*class=\"(?:num|h1|row)[^>]*>", body))
    assert re.search(r'<td class="bar fill" bgcolor="#[0-9a-f]{6}" width="67%"', body)
    assert "@media (prefers-color-scheme: dark)" in html.partition("<body")[0]


def test_a_bar_is_as_long_as_its_share():
    widths = re.findall(r'class="bar fill"[^>]*?width="(\d+)%"', written().html)
    assert widths == ["100", "67", "33"]


def test_a_picture_is_part_of_the_mail():
    said = letter.write(read(), pictures=[Picture("A chart", "c1", b"PNG"), Picture("Another", "c2", b"PNG")])
    assert 'src="cid:c1"' in said.html
    made = mailed(said)
    picture, _other = [part for part in made.walk() if part.get_content_type() == "image/png"]
    assert (picture["Content-ID"], picture.get_content(), picture.get_content_disposition()) == (
        "<c1>",
        b"PNG",
        "inline",
    )
    assert [part.get_content_type() for part in made.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png", "image/png",
    ]  # fmt: skip


def mailed(said: letter.Letter, **rest):
    plain = {"to": "boss@acme.example", "subject": "x", "id": "1", "thread": "2", "language": "en"}
    return message(said, mail=SERVER, **(plain | rest))


# Small enough


def test_rows_go_first_and_the_mail_says_how_many():
    many = [DEAL | {"title": f"{n} {'Каменная облицовка ' * 4}"} for n in range(900)]
    said = letter.write(read("forgotten_deals", tiles=tiles(), deals=deals(*many)))
    shown = len(re.findall("☐", said.html))
    assert 0 < shown < 900
    assert f"and {900 - shown} more in the report" in said.text
    assert "Won money" in said.text
    assert "2 deals have no customer" in said.text


HOSTILE = st.one_of(
    st.text(max_size=400),
    st.sampled_from(
        ["<script>alert(1)</script>" * 20, "ы" * 500, "𝕏" * 300, "&" * 900, '"' * 500, "'" * 300, "\r\nBcc: x"]
    ),
)


@hypothesis(max_examples=50)
@given(
    names=st.lists(HOSTILE, max_size=8), rows=st.integers(0, 3000), notes=st.lists(HOSTILE, max_size=8),
    words=st.lists(HOSTILE, max_size=8), times=st.integers(1, 60),
)  # fmt: skip
def test_whatever_comes_the_mail_is_small(names, rows, notes, words, times):
    names = [*names, "Anna"]
    deal = [DEAL | {"title": names[n % len(names)], "customer": names[-n % len(names)]} for n in range(min(rows, 60))]
    listed = {
        "tiles": tiles(*({"metric": names[n % len(names)], "value": 1.0, "previous": 1.0, "change": 1.0, "note": names[0]}
                         for n in range(times))),
        "managers": managers(*(names[n % len(names)] for n in range(rows))),
        "needs_you": element("needs_you", [{"text": each} for each in words], {"text": "text"}),
        "deals": deals(*deal),
        **{str(n): element(str(n), [], {}, finding=each) for n, each in enumerate(words * times)},
    }  # fmt: skip
    whole = held(
        "forgotten_deals", elements=listed, holes=notes * times, currency=names[0],
        words=[{"label": each, "text": each, "narrows": True} for each in words],
    )  # fmt: skip
    said = letter.write(content.read(whole, name=names[0]), link="https://reports.acme.example/" + "x" * 300)
    assert len(bytes(mailed(said, subject=names[0]))) <= MOST_BYTES
    assert not {"script", "img", "svg"} & set(Seen(said.html).tags)


# Hostile data

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script></style></td>\"'&{{ 7*7 }}"


def test_no_title_becomes_a_tag():
    said = letter.write(
        content.read(
            held("forgotten_deals", elements={
                "tiles": tiles({"metric": EVIL, "value": 1, "previous": 1, "change": 0.1, "note": EVIL}),
                "by_manager": element("by_manager", [{"manager": EVIL, "forgotten": 1}, {"manager": "B", "forgotten": 2}],
                                      {"manager": "text", "forgotten": "count"}, finding=EVIL),
                "deals": deals(DEAL | {"title": EVIL, "customer": EVIL}),
            }, holes=[EVIL], words=[{"label": EVIL, "text": EVIL, "narrows": True}]),
            name=EVIL,
        )
    )  # fmt: skip
    seen = Seen(said.html)
    assert not {"img", "script"} & set(seen.tags)
    assert "<script>alert(2)</script>" in seen.text
    assert "{{ 7*7 }}" in seen.text
    assert seen.links == [DEAL["url"]]


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "https://x/" + "a" * 600, "http://[", None, 7]
)
def test_only_a_web_address_becomes_a_link(url):
    (deal,) = read("forgotten_deals", deals=deals(DEAL | {"url": url})).deals.rows
    assert deal.url == ""


@pytest.mark.parametrize(
    "text", ["a\r\nBcc: all@evil.example", "a\nb", "a\x00b\x1b[31m", "a\u2028b", "a\u202eb", "a\ud800b"]
)
def test_no_text_adds_a_header_or_turns_a_line_around(text):
    made = mailed(written(), subject=f"{text}: {content.clean(text, 80)}")
    again = bytes(made).partition(b"\r\n\r\n")[0].decode()
    assert not re.search(r"^Bcc", again, re.MULTILINE)
    assert made["Bcc"] is None
    assert made["Subject"].startswith("a b") or made["Subject"].startswith("a Bcc")


def test_a_sender_with_another_alphabet_is_written_so_that_it_can_be_read():
    server = Mail(host="localhost", sender="Отчёты «Очаг» <reports@acme.example>", reply_to="boss@acme.example")
    made = message(written(), mail=server, to="a@b.example", subject="Отчёт", id="1", thread="2", language="ru")
    assert made["From"].addresses[0].display_name == "Отчёты «Очаг»"
    assert made["Reply-To"] == "boss@acme.example"
    assert all(ord(each) < 128 for each in bytes(made).partition(b"\r\n\r\n")[0].decode())


@pytest.mark.parametrize(
    "subject",
    [
        "Кто что делает: Дмитрий Кузнецов: Действия 432 ▲ 44 % · 27 авг. 2026 – 24 нояб. 2026",
        "Sales: Won money 7.5 M ₽ ▲ 50 % · Mar 2025 and so on until the line is full – and then some",
        "Отчёт Sales ₽ a б c д e ё " * 5 + "end",
    ],
)
def test_a_long_header_keeps_every_space(subject):
    server = Mail(host="localhost", sender=f"{subject[:60].replace(',', '').rstrip()} <reports@acme.example>")
    made = message(written(), mail=server, to="a@b.example", subject=subject, id="1", thread="2", language="ru")
    raw = message_from_bytes(bytes(made), policy=compat32)
    assert str(make_header(decode_header(raw["Subject"]))) == subject
    name, _rest = decode_header(raw["From"])
    assert name[0].decode() == subject[:60].rstrip()
    assert all(len(line) <= 78 for line in bytes(made).partition(b"\r\n\r\n")[0].split(b"\r\n"))


def test_an_envelope_makes_its_message_when_its_turn_comes():
    made = []
    envelope = Envelope("a@b.example", "Sales", "k", lambda: made.append(1))
    assert made == []
    envelope.make()
    assert made == [1]
