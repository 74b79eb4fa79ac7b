"""Alerts through a mail server on loopback: who is told what, once, and never what is not theirs to know."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from alerts import BOSS, company, with_alerts
from crm_reports.cli import app
from crm_reports.mail import alerts as room
from crm_reports.settings import Alert, Mail
from crm_reports.settings.readers import Access, Serve
from mails import Inbox, served
from plans import line
from stores import at, deal, make_store, moves, nights

ANNA, BORIS = "anna@acme.example", "boris@acme.example"
LITTLE = Alert(name="Little money", metric="won_money", period="2025-03", below=2000, to=[BOSS])
EACH = Alert(name="Yours", metric="won_money", period="2025-03", by="manager", below=500, mail_slices=True)


class Company:
    """A company whose nights are told to an inbox, or to nobody where the server is down."""

    def __init__(self, folder: Path, *alerts: Alert, **changes: object) -> None:
        self.folder, self.alerts, self.changes = folder, alerts, changes

    def sync(self, **changes: object) -> "Company":
        self.settings = company(self.folder, **changes)
        return self

    def tell(self, is_up: bool = True):
        """What was reported, what the inbox got, and what whoever runs this was told."""
        inbox, lines = Inbox(), []
        with served(inbox) as port:
            mail = Mail(host="127.0.0.1", port=port if is_up else 1, security="none", sender="reports@acme.example")
            settings = with_alerts(self.settings, *self.alerts, mail=mail, **self.changes)
            return room.send(settings, None, tell=lines.append, wait=lambda seconds: None), inbox, lines


def text_of(message) -> str:
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n").replace("\N{NO-BREAK SPACE}", " ")


def test_a_reader_is_told_once_and_again_when_it_has_changed(tmp_path):
    told = Company(tmp_path, LITTLE).sync()
    outcome, inbox, lines = told.tell(is_up=False)
    assert "Little money → boss@acme.example" in outcome.problems[0]
    assert "nothing is remembered" in lines[0]
    outcome, inbox, lines = told.tell()  # what did not go out is news still
    assert (inbox.recipients, outcome.is_whole, lines) == ([BOSS], True, [])
    assert told.tell()[1].recipients == []  # the same night again
    inbox = told.sync(night="2025-04-03", anna=5000.0).tell()[1]
    assert (
        inbox.of(BOSS)["Subject"].replace("\N{NO-BREAK SPACE}", " ") == "Little money: well again: Won money: 5 700 ₽"
    )
    assert told.sync(night="2025-04-04").tell()[1].recipients == [BOSS]  # back again


def test_nothing_is_sent_where_nothing_happened(tmp_path):
    outcome, inbox, _lines = Company(tmp_path, LITTLE.model_copy(update={"below": 10.0})).sync().tell()
    assert (outcome.sent, outcome.problems, inbox.messages) == ((), (), [])


def test_a_managers_row_goes_to_that_manager_and_names_nobody_else(tmp_path):
    _outcome, inbox, lines = Company(tmp_path, EACH.model_copy(update={"below": 800.0})).sync().tell()
    assert sorted(inbox.recipients) == [ANNA, BORIS]
    text = text_of(inbox.of(ANNA))
    assert "Won money, Anna: 400 ₽" in inbox.of(ANNA)["Subject"].replace("\N{NO-BREAK SPACE}", " ")
    assert not re.search("Boris|Carl|Dora|1 100", text)
    assert [line for line in lines if "Dora" in line] == [
        "Yours: no address is known of Dora; give one in [mail.addresses]"
    ]


def test_a_name_is_a_text_in_the_mail_and_no_part_of_it(tmp_path):
    html = Company(tmp_path, LITTLE).sync().tell()[1].of(BOSS).get_body(("html",)).get_content()
    assert "<b>Boris</b>" not in html
    assert "&lt;b&gt;Boris&lt;/b&gt;" in html


def test_a_reader_whom_serve_lets_see_some_people_hears_of_them_alone(tmp_path):
    serve = Serve(access={BOSS: Access(manager=("Anna",))})
    text = text_of(Company(tmp_path, LITTLE, serve=serve).sync().tell()[1].of(BOSS))
    assert "It was 1 000 ₽ (February 2025)." in text
    assert "Boris" not in text


def test_a_wrong_alert_is_told_and_stops_no_other(tmp_path):
    outcome, inbox, lines = (
        Company(tmp_path, LITTLE.model_copy(update={"name": "Wrong", "metric": "wonn"}), LITTLE).sync().tell()
    )
    assert inbox.recipients == [BOSS]
    assert outcome.problems == ("Wrong: no metric called 'wonn'; near: won, won_money",)
    assert outcome.problems[0] in lines


# ── What docs/alerts.md tells people to copy ─────────────────────────────────────────────────────────────────────────

DOCUMENT = Path(__file__).parents[2] / "docs" / "alerts.md"


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """The document's three alerts over a company on 21 March 2025, of whose 21 working days 14 are over.

    It planned 2 850 ₽ for March and has won 1 000 ₽ of the 1 900 ₽ that should be there. Anna holds eleven deals of January.
    """
    folder = tmp_path_factory.mktemp("recipes")
    won = deal(1, "2025-03-02", stage_id="WON", outcome="won", amount=1000.0, closed_at=at("2025-03-03"))
    old = [deal(id, "2025-01-05") for id in range(10, 21)]
    make_store(folder, deals=[won, *old], stage_history=moves(1, ("2025-03-02", "NEW"), ("2025-03-03", "WON")),
               plan_lines=[line("2025-03", 2850.0)], syncs=[nights("2025-03-21")[0] | {"present": "deals,stage_history,managers,activities"}])  # fmt: skip
    recipes = re.findall(r"^```toml\n(.*?)^```", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert len(recipes) == 3
    mail = '[mail]\nhost = "127.0.0.1"\nsender = "reports@acme.example"\n[mail.addresses]\nAnna = "anna@acme.example"\n'
    (folder / "reports.toml").write_text('time_zone = "UTC"\ncountry = "none"\n' + mail + "".join(recipes))
    return folder


def test_the_recipes_find_what_they_say(workspace):
    outcome = CliRunner().invoke(app, ["alerts", "--config", str(workspace / "reports.toml"), "--data", str(workspace)])
    assert outcome.exit_code == 0, outcome.output
    lines = outcome.stdout.replace("\N{NO-BREAK SPACE}", " ").splitlines()
    assert lines[0] == "Behind the plan: Of the pace: 52.6 %"
    assert "· That is below 80 %." in lines
    assert "Sources: nothing has happened (Created, Website: 1)" in lines
    assert "Your forgotten deals: Forgotten, Anna: 11" in lines
    assert lines[-1] == "→ anna@acme.example: news"
