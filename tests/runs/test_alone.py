"""One report in a process of its own: what a kernel makes of it, with its limits and refusals, and no secret."""

import json

import pytest
from pydantic import SecretStr

from crm_reports.errors import FilterError
from crm_reports.runs import alone, run
from crm_reports.settings import Limits, Settings
from notebooks import WHOLE, write
from stores import deal, make_store

TOML = 'time_zone = "UTC"\n[limits]\npage_memory = "1500MB"\npage_seconds = 60\n'
WEBHOOK = "https://portal.example/rest/1/0123456789abcdef/"
NOSY = (
    "import os, json; from pathlib import Path",
    "print(json.dumps(dict(os.environ)), Path(f'/proc/{os.getppid()}/environ').read_bytes())",
)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", WEBHOOK)
    (tmp_path / "reports.toml").write_text(TOML)
    make_store(tmp_path / "data", deals=[deal(1, "2025-03-02 10:00")])
    return Settings.read(tmp_path / "reports.toml", tmp_path / "data").model_copy(
        update={"webhook": SecretStr(WEBHOOK)}
    )


def _made(settings, name, *cells, **given):
    write(settings.home / "notebooks" / f"{name}.ipynb", *cells)
    return alone.run(name, given, settings=settings, out=settings.home / "output")


def test_the_files_are_those_that_a_kernel_leaves(settings):
    made = _made(settings, "mine", *WHOLE, "crm.show(crm.measure(ds, ['created'], by='source'), 'mine')")
    assert made.error == ""
    assert [path.suffix for path in made.files] == [".ipynb", ".html", ".xlsx", ".json"]
    roomy = settings.model_copy(update={"limits": Limits()})  # a kernel's imports count, too
    kernel = run.run("mine", {}, settings=roomy, out=settings.home / "kernel")
    assert kernel.error == ""
    assert [path.name for path in made.files] == [path.name for path in kernel.files]
    one, other = (json.loads(files[-1].read_text()) for files in (made.files, kernel.files))
    assert one["elements"] == other["elements"]
    assert one["parameters"] == other["parameters"]


def test_what_can_not_be_meant_is_refused_in_the_same_words(settings):
    with pytest.raises(FilterError, match="names no day of the calendar"):
        _made(settings, "mine", *WHOLE, period="2025-13")
    with pytest.raises(FilterError, match="there is no report 'nothing_like_it'"):
        alone.run("nothing_like_it", {}, settings=settings, out=settings.home / "output")
    assert not (settings.home / "output").exists()


def test_a_notebook_beside_whoever_asks_is_found(settings, tmp_path, monkeypatch):
    write(tmp_path / "elsewhere" / "notebooks" / "near.ipynb", *WHOLE)
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert alone.run("near", {}, settings=settings, out=tmp_path / "output").error == ""


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("1 / 0", "What broke?: ZeroDivisionError: division by zero"),
        ("held = bytearray(2_000_000_000)", "What broke?: it took more memory than it may: "),
        ("import os; os._exit(3)", "its process ended without an answer (exit code 3)"),
    ],
)
def test_a_notebook_that_fails_says_why_and_leaves_what_was_there(settings, cell, sentence):
    before = settings.home / "output" / "mine--last-month.html"
    before.parent.mkdir()
    before.write_text("of yesterday")
    made = _made(settings, "mine", *WHOLE, "## What broke?", cell)
    assert (made.files, made.error[: len(sentence)]) == ((), sentence)
    assert [path.read_text() for path in (settings.home / "output").iterdir()] == ["of yesterday"]


def test_a_notebook_that_hangs_is_ended(settings):
    short = settings.model_copy(update={"limits": settings.limits.model_copy(update={"page_seconds": 8})})
    made = _made(short, "slow", *WHOLE, "import time; time.sleep(600)")
    assert made.error.startswith("it took longer than it may: make it quicker")


def test_a_notebook_that_looks_for_the_secret_finds_none_and_one_that_shows_it_is_not_made(settings):
    nosy = _made(settings, "nosy", *WHOLE, *NOSY)
    assert nosy.error == ""
    assert "hidden.invalid" in nosy.files[0].read_text()  # what it was given instead
    assert "0123456789abcdef" not in "".join(path.read_text(errors="replace") for path in nosy.files)
    (settings.home / ".env").write_text(f"CRM_REPORTS_WEBHOOK={WEBHOOK}")
    thief = _made(settings, "thief", *WHOLE, f"print(open({str(settings.home / '.env')!r}).read())")
    assert (
        thief.error == "the notebook shows a webhook, a bot's token or the mail server's password: take that out of it"
    )
    assert not list((settings.home / "output").glob("thief*"))
