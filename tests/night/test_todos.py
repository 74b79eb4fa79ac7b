"""To-dos for forgotten deals: for whom, how many, each once, and back again, on a portal that answers over HTTP."""

import pytest
from typer.testing import CliRunner

from bitrix24_demo import Company
from crm_reports.cli import app
from crm_reports.measures.load import load
from crm_reports.night import todos
from crm_reports.settings import Act, Settings
from portals import run, served
from stores import at, deal, make_store, moves

MANAGERS = [
    {"manager_id": id, "name": name, "is_active": is_active}
    for id, name, is_active in (("1", "Anna", True), ("2", "Boris", True), ("3", "Carl", False))
]


def forgotten(folder, *deals, act=None, **tables):
    """What is proposed of these deals, forgotten since January, on Saturday 1 March 2025: deal, for whom, and why not."""
    history = [move for row in deals for move in moves(int(row["deal_id"]), ("2025-01-05", "NEW"))]
    settings = make_store(folder, deals=list(deals), stage_history=history, managers=MANAGERS, **tables)
    settings = settings.model_copy(update={"act": act or Act()})
    with todos.notes(settings) as noted:
        ds = load(period="2025-02", as_of="2025-03-01", settings=settings)
        return todos.proposals(ds, noted)


def test_each_forgotten_deal_gets_one_the_most_money_first_until_the_next_working_day(tmp_path):
    found = forgotten(tmp_path, deal(1, "2025-01-05", amount=10.0), deal(2, "2025-01-05", amount=90.0, manager_id="2"))
    assert [(of.todo.deal_id, of.todo.manager_id, of.why_not) for of in found] == [("2", "2", ""), ("1", "1", "")]
    todo = found[0].todo
    assert todo.title == "Forgotten for 55 days: get in touch or close it"  # since the move of 5 January
    assert todo.deadline.isoformat() == "2025-03-03T18:00:00+00:00"  # Monday
    assert todo.key == "[crm-reports forgotten 2025-03-01 2]"


def test_nothing_that_was_typed_into_the_crm_stands_in_a_to_do(tmp_path):
    (found,) = forgotten(tmp_path, deal(1, "2025-01-05", title="[url=https://evil.example]x[/url]"))
    assert "evil" not in f"{found.todo.title} {found.todo.description}"


def test_who_has_left_and_what_is_planned_get_none_and_it_says_why(tmp_path):
    step = {
        "activity_id": "7", "owner_type": "deal", "owner_id": "2", "manager_id": "1", "kind": "crm_activity", "is_done": False,
        "is_action": True, "is_incoming": False, "is_plan": True, "created_at": at("2025-01-06"), "at": at("2025-01-06"),
        "deadline_at": at("2025-04-01"),
    }  # fmt: skip
    found = forgotten(
        tmp_path, deal(1, "2025-01-05", manager_id="3"), deal(2, "2025-01-05"), deal(3, "2025-01-05", manager_id=None),
        activities=[step],
    )  # fmt: skip
    assert {of.todo.deal_id: of.why_not for of in found} == {
        "1": "who is responsible for it has left", "2": "its next step is planned", "3": "nobody is responsible for it",
    }  # fmt: skip


def test_no_more_than_the_limits_of_a_person_and_a_night(tmp_path):
    deals = [deal(number, "2025-01-05", amount=100.0 - number) for number in range(1, 4)]
    deals += [deal(number, "2025-01-05", amount=10.0 - number, manager_id="2") for number in range(4, 7)]
    found = forgotten(tmp_path, *deals, act=Act(per_person=2, per_night=3))
    assert [of.why_not for of in found] == [
        "", "", "2 for a person a night are the limit", "", "3 a night are the limit", "3 a night are the limit",
    ]  # fmt: skip


# ── On a portal ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def portal(tmp_path):
    """A portal with two deals that nobody touched for two months, as it was synced."""
    company = Company.small(now=at("2025-01-05 09:00"))
    anna = company.add_user("Anna")
    for amount in (10.0, 90.0):
        company.add_deal(f"Deal of {amount}", manager=anna, OPPORTUNITY=amount)
    company.now = at("2025-03-01 09:00")
    (tmp_path / "reports.toml").write_text('source = "bitrix24"\ncountry = "none"\n')
    settings = Settings.read(tmp_path / "reports.toml")
    with served(company) as server:
        run(settings, server)
        server.requests.clear()
        yield company, server, settings


@pytest.fixture
def called(portal, monkeypatch):
    """The command's answer, with a webhook that may write unless it is told otherwise."""
    _company, server, settings = portal

    def call(*words, webhook=server.webhook):
        if webhook:
            monkeypatch.setenv("CRM_REPORTS_WRITE_WEBHOOK", webhook)
        return CliRunner().invoke(app, ["act", *words, "--config", str(settings.config)])

    return call


def todos_of(company):
    return [row for row in company.activities if row["PROVIDER_ID"] == "CRM_TODO"]


def test_without_yes_they_are_shown_and_nothing_is_asked_of_the_portal(portal, called):
    answer = called("forgotten", webhook="")
    assert answer.exit_code == 0
    assert answer.stdout.splitlines() == [
        "+ Deal of 90.0 (2), Anna: Forgotten for 54 days: get in touch or close it, until 3 Mar 2025",
        "+ Deal of 10.0 (1), Anna: Forgotten for 54 days: get in touch or close it, until 3 Mar 2025",
    ]
    assert "2 would be made. Nothing was written" in answer.stderr
    assert portal[1].requests == []


def test_with_yes_each_deal_has_one_for_its_owner_and_a_second_run_makes_none(portal, called):
    company, _server, _settings = portal
    assert called("forgotten", "--yes").stderr.strip().endswith("2 made, 0 deals have one already, 0 not made.")
    made = todos_of(company)
    assert [(row["OWNER_ID"], row["RESPONSIBLE_ID"], row["COMPLETED"]) for row in made] == [(2, 3, "N"), (1, 3, "N")]
    assert made[0]["DEADLINE"] == at("2025-03-03 15:00")  # 18:00 in Moscow
    called("forgotten", "--yes")
    assert len(todos_of(company)) == 2


def test_one_that_the_portal_took_before_the_run_died_is_noted_and_not_made_again(portal, called):
    company, _server, settings = portal
    called("forgotten", "--yes")
    (settings.data / "todos.sqlite").unlink()
    assert "0 made, 2 deals have one already" in called("forgotten", "--yes").stderr
    assert len(todos_of(company)) == 2
    assert "2 taken away" in called("undo", "2025-03-01").stderr


def test_a_deal_that_somebody_has_a_to_do_for_gets_no_other(portal, called):
    company, _server, _settings = portal
    company.add_activity("todo", owner=1, manager=1)  # since the sync
    assert "1 made, 1 deals have one already" in called("forgotten", "--yes").stderr


def test_undo_takes_away_what_nobody_has_done(portal, called):
    company, _server, _settings = portal
    called("forgotten", "--yes")
    done, _open = todos_of(company)
    company.complete(done["ID"])
    assert "1 taken away, 1 done or away before, 0 not taken away." in called("undo", "2025-03-01").stderr
    assert todos_of(company) == [done]
    assert "0 taken away" in called("undo", "2025-03-01").stderr


def test_what_the_portal_would_not_take_is_said_and_the_others_are_made(portal, called):
    company, server, _settings = portal
    company.delete_deal(2)
    answer = called("forgotten", "--yes")
    assert answer.exit_code == 1
    assert "deal 2: " in answer.stderr
    assert [row["OWNER_ID"] for row in todos_of(company)] == [1]
    assert server.webhook not in answer.output


@pytest.mark.parametrize(
    ("words", "webhook", "sentence"),
    [
        (["forgotten", "--yes"], "", "there is no webhook to write by"),
        (["undo", "March"], "", "'March' is no day; write it as 2025-03-14"),
        (["forgotten", "-p", "manger=1"], "", "manger"),
    ],
)
def test_what_can_not_be_meant_is_a_sentence(called, words, webhook, sentence):
    answer = called(*words, webhook=webhook)
    assert answer.exit_code == 2
    assert sentence in answer.stderr
