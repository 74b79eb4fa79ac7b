"""Names from anybody, as they reach a terminal and a log: on one line, ordering nothing, not longer than a sentence."""

import logging

import pytest
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.errors import FilterError, all_at_once
from crm_reports.words.terminal import LONGEST, Lines, lines, one_line

HOSTILE = [
    "Anna\x1b[2J\x1b]0;title\x07", "Anna\n2030-01-01 00:00 all is well", "Anna\r\nforged", "\u202eannA", "a\u2028b\x85c\u2029d",
    "\x9b31m\x00\x7f", "\u2066x\u2069", "x" * 10_000, "\ud800",
]  # fmt: skip


def is_harmless(text):
    return all(each.isprintable() or each == "\xa0" for each in text)


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_name_is_one_line_that_orders_nothing(name):
    shown = one_line(f"Sales of {name}: do this")
    assert is_harmless(shown)
    assert len(shown) <= LONGEST + 3
    assert shown.startswith("Sales of ")
    assert shown.endswith(": do this")


def test_what_is_ordinary_stays_as_it_is():
    for text in ("Анна Петрова: 7\xa0500\u202f000 ₽ → 12 %", "Ёлки-палки", "日本 👍 é"):
        assert one_line(text) == text
    assert lines("first\nsecond\x1b") == "first\nsecond\ufffd"


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_a_record_of_the_log_is_one_line_and_its_traceback_stands_farther_in(name):
    try:
        raise ValueError(name)
    except ValueError as error:
        about = (type(error), error, error.__traceback__)
    record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "the page of %s", (name,), about)
    first, *rest = Lines().format(record).split("\n")
    assert first.startswith("the page of ")
    assert rest
    assert [line for line in rest if not line.startswith("  ")] == []
    assert all(map(is_harmless, [first, *rest]))


def test_several_problems_stay_apart_and_one_problem_can_not_pass_for_two():
    with pytest.raises(FilterError) as caught:
        all_at_once(["one\nforged", "two"], FilterError)
    assert caught.value.problems == ("one\nforged", "two")
    assert FilterError("only\nforged").problems == ("only\nforged",)


TOML = r"""
source = "files:export"
[[presets]]
name = "Sales\n2030-01-01 forged\u001b[2J\u202e LONG"
report = "nothing"
"""


def test_a_night_prints_a_hostile_presets_name_as_one_harmless_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("crm_reports.night.begin", lambda *_: None)
    (tmp_path / "reports.toml").write_text(TOML.replace("LONG", "x" * 10_000))
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "deals.csv").write_text("id,outcome,title\n1,won,\x1b[31mred\n")
    told = CliRunner().invoke(app, ["night", "--no-proof", "--no-mail"])
    printed = (told.stdout + told.stderr).splitlines()
    assert (told.exit_code, [line for line in printed if not is_harmless(line)]) == (1, [])
    assert [line for line in printed if line.startswith("2030-01-01")] == []
    (about,) = [line for line in printed if line.startswith("Sales 2030-01-01 forged")]
    assert len(about) <= LONGEST + 3
    assert "nothing" in about
