"""`crm-reports plan`: an example to begin with, and what is wrong with a plan."""

import csv

import pytest
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.settings import Settings
from crm_reports.store import Store
from crm_reports.store.sync import sync

DEALS = """id,manager,outcome,amount,created_at,closed_at
1,Anna,won,900,2025-01-10,2025-01-20
2,Anna,won,2777,2025-02-10,2025-02-20
3,Boris,won,300,2025-02-10,2025-03-20
4,Vera,open,300,2025-02-10,
5,,won,900,2025-02-10,2025-02-20
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A company of files, synced; its example is of April on, after a month as of whose end it is asked."""
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "deals.csv").write_text(DEALS)
    (tmp_path / "reports.toml").write_text('source = "files:export"\nbase_currency = "EUR"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("crm_reports.measures.load.default_as_of", lambda store, settings: _april())
    sync(Settings.read())
    return tmp_path


def _april():
    from stores import at

    return at("2025-03-31 21:00")  # midnight in Moscow


def call(*words):
    return CliRunner().invoke(app, ["plan", *words])


def test_the_example_is_of_those_who_win_as_much_a_month_as_they_did_of_late_and_can_be_read(home):
    assert call("template").exit_code == 0
    rows = list(csv.DictReader((home / "plan.csv").read_text("utf-8-sig").splitlines()))
    assert [(row["period"], row["manager"], row["value"], row["currency"]) for row in rows[:2]] == [
        ("2025-04", "Anna", "1200", "EUR"), ("2025-04", "Boris", "100", "EUR"),  # (900 + 2777) ÷ 3, 300 ÷ 3; his id is his name
    ]  # fmt: skip
    assert [row["period"] for row in rows] == ["2025-04", "2025-04", "2025-05", "2025-05", "2025-06", "2025-06"]
    checked = call("check")
    assert (checked.exit_code, checked.output) == (0, "6 lines, nothing wrong\n")
    assert sync(Settings.read()).mistakes_beside == ()
    assert Store.open(Settings.read().store_path).counts()["plan_lines"] == 6


def test_a_plan_that_is_there_is_left_alone(home):
    (home / "plan.csv").write_text("mine")
    answer = call("template")
    assert (answer.exit_code, (home / "plan.csv").read_text()) == (2, "mine")
    assert answer.stderr == "plan.csv is there already and is left as it is; take it away first\n"


def test_without_a_plan_there_is_nothing_to_check(home):
    answer = call("check")
    assert answer.exit_code == 2
    assert answer.stderr.endswith("`crm-reports plan template` begins one\n")


def test_every_mistake_is_a_line(home):
    (home / "plan.csv").write_text("period,manager,value\n2025-04,Zoe,1\n2025-13,,1\n")
    answer = call("check")
    assert answer.exit_code == 2
    assert [line.partition(":")[0] for line in answer.stderr.splitlines()] == [
        "plan.csv, line 3, column period", "plan.csv, line 2, column manager",
    ]  # fmt: skip
