"""The commands as a person or cron meets them: what they print where, and how they exit."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.cli.commands import pairs_of
from crm_reports.errors import FilterError
from crm_reports.runs import alone
from crm_reports.runs import run as runs
from crm_reports.runs.run import RunRecord
from notebooks import WHOLE, write


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def call(*words: str):
    return CliRunner().invoke(app, list(words))


def test_help_names_the_commands():
    told = call("--help")
    assert told.exit_code == 0
    for command in ("sync", "run", "night", "mail", "demo-portal"):
        assert command in told.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("sync", "--source", "bitrix"), "--source is 'bitrix'; allowed: demo, bitrix24 or files:DIR"),
        (("sync", "--config", "none.toml"), "no such file is there; give the path of a reports.toml"),
        (("sync", "--source", "bitrix24"), "CRM_REPORTS_WEBHOOK"),
        (("run", "sales", "-p", "period"), "-p 'period' is no key=value"),
        (("run", "nothing_like_it"), "there is no report 'nothing_like_it'"),
        (("run", "overview"), "run `crm-reports sync` first"),
    ],
)
def test_what_can_not_be_meant_is_a_sentence_and_exit_2(words, said):
    told = call(*words)
    assert told.exit_code == 2
    assert said in told.stderr
    assert told.stdout == ""
    assert "Traceback" not in told.output


def _record(state: str, error: str = "") -> RunRecord:
    now = datetime(2025, 4, 1, tzinfo=UTC)
    files = tuple(Path(f"out/mine--2025-03.{each}") for each in ("ipynb", "html", "xlsx", "json"))
    return RunRecord("mine", {}, "2025-03", state, now, now, files if state == "complete" else (), error)


@pytest.mark.parametrize(("maker", "words"), [(alone, ()), (runs, ("--kernel",))])
def test_run_passes_on_what_was_said_and_prints_the_four_paths_last(monkeypatch, maker, words):
    asked = {}

    def run(report, given, **options):
        asked.update(report=report, given=given, **options)
        return _record("complete")

    monkeypatch.setattr(maker, "run", run)
    given = ("-p", "manager=A", "-p", "manager=B", "-p", "period=2025-03")
    told = call("run", "mine", *given, "--out", "out", "--show-code", *words)
    assert told.exit_code == 0
    assert told.stdout.splitlines() == [f"out/mine--2025-03.{each}" for each in ("ipynb", "html", "xlsx", "json")]
    assert (asked["report"], asked["given"]) == ("mine", {"manager": ["A", "B"], "period": "2025-03"})
    assert (asked["out"], asked["show_code"]) == (Path("out"), True)


def test_a_failed_run_says_why_and_exits_1(monkeypatch):
    monkeypatch.setattr(alone, "run", lambda *_, **__: _record("failed", "Who [b]brings[/b] it?: no metric 'x'"))
    told = call("run", "mine")
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == "Who [b]brings[/b] it?: no metric 'x'\n"


def test_a_port_that_is_taken_is_a_sentence():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        told = call("demo-portal", "--port", str(port), "--deals", "1", "--months", "1", "--today", "2025-06-30")
    assert told.exit_code == 2
    assert told.stderr.startswith(f"port {port} can't be served: ")


DAILY = 'period: str = "last_month"\nmanager: list = []\nas_of: str = ""'


def test_from_an_invented_company_to_a_page_in_one_command(tmp_path, lent_parent):
    """Served over HTTP, synced, run, published; and synced again."""
    write(tmp_path / "notebooks" / "overview.ipynb", *WHOLE, parameters=DAILY)
    (tmp_path / "reports.toml").write_text(
        "[source]\nkind = 'demo'\ndemo = { deals = 40, months = 3, today = 2025-06-30 }\n"
        "[[presets]]\nname = 'In short'\nreport = 'overview'\n"
    )
    told = call("night")
    assert told.exit_code == 0, told.output
    assert told.stdout == "output/index.html\n"
    assert "deals: 40 read, 40 new, 0 gone" in told.stderr
    assert (tmp_path / "output" / "2025-06-30" / "overview--last-month.html").is_file()
    again = call("sync")
    assert again.exit_code == 0
    assert "40 new" not in again.stderr


def test_a_key_said_twice_is_a_list_and_a_value_may_hold_equals():
    pairs = ["manager=Anna", "period=mtd", "manager=Boris", "source=a=b"]
    assert pairs_of(pairs) == {"manager": ["Anna", "Boris"], "period": "mtd", "source": "a=b"}


def test_words_without_equals_are_refused_together():
    with pytest.raises(FilterError, match=r"-p 'period' is no key=value\n-p '=x' is no key=value"):
        pairs_of(["period", "a=1", "=x"])
