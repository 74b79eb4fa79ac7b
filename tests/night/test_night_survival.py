"""Whatever breaks ends the page it breaks, or is told beside the pages; it never ends the night."""

import contextlib
import os
import stat

import pytest

from crm_reports import mail
from crm_reports.errors import MailError
from crm_reports.mail import notice
from crm_reports.night import index
from crm_reports.runs import execution, preparation, proof, run
from crm_reports.settings import Settings
from mails import Inbox, served, settings
from notebooks import WHOLE, write
from parents import is_gone
from quick_nights import AS_OF, MONDAY, SLUG, Company
from stores import deal, make_store


@pytest.fixture
def company(tmp_path, monkeypatch):
    return Company(tmp_path, monkeypatch)


class Bug(BaseException):
    """What nobody expects."""


class Speechless(Exception):
    def __str__(self):
        raise ValueError("no words")


ERRORS = [MemoryError(), RecursionError("too deep"), OSError(28, "No space left on device"), Speechless()]
WORDS = [
    execution.in_words(MemoryError()),
    "RecursionError: too deep",
    "OSError: [Errno 28] No space left on device",
    "Speechless",
]


def _raising(error, *, for_page=""):
    def deed(*args, **_named):
        if for_page in str(args):
            raise error

    return deed


def _operators(report):
    return "\n".join(notice.wrongs(report, ()))


@pytest.mark.parametrize(("error", "words"), list(zip(ERRORS, WORDS, strict=True)), ids=WORDS)
@pytest.mark.parametrize("where", ["crm_reports.night.what_shows", "crm_reports.night.clear"])
def test_an_error_of_any_kind_over_one_page_ends_that_page(company, monkeypatch, where, error, words):
    monkeypatch.setattr(where, lambda *args, **_: _raising(error, for_page="overview--")(*args) or "")
    report = company.night(MONDAY)
    assert [page.state for page in report.pages] == ["failed", *["complete"] * 5, "failed"]
    assert report.page("Whole").error == words
    assert not (company.out / "2029-12-31" / f"overview{SLUG}{AS_OF}.xlsx").exists()
    assert words in (company.out / "index.html").read_text()
    assert words in (company.out / "night.html").read_text()
    assert f"Whole; Board: {words}" in _operators(report)


@pytest.mark.parametrize("error", [*ERRORS, Bug("gone"), SystemExit(3)], ids=lambda each: type(each).__name__)
def test_an_error_of_any_kind_in_the_making_ends_that_page(company, monkeypatch, error):
    make = company._made

    def made(job):
        if job.key == "Whole":
            raise error
        return make(job)

    monkeypatch.setattr("crm_reports.night.made", made)
    report = company.night(MONDAY)
    assert [page.state for page in report.pages] == ["failed", *["complete"] * 6]
    assert execution.in_words(error) in report.page("Whole").error
    assert report.page("Whole").error in (company.out / "night.html").read_text().replace("&#39;", "'")


@pytest.mark.parametrize(
    ("where", "sentence"),
    [("keep", "The record of this night could not be kept"), ("history.prune", "The pages of old nights could not be removed"),
     ("write_indexes", "The list of all pages could not be written"), ("note", "That Whole is finished could not be written down"),
     ("links.point_to_next", "No link to Whole could be put into the page before it")],
)  # fmt: skip
def test_what_fails_beside_the_pages_stops_none_and_is_told(company, monkeypatch, where, sentence):
    company.night(MONDAY)
    with monkeypatch.context() as patch:
        patch.setattr(f"crm_reports.night.{where}", _raising(OSError(28, "No space left on device")))
        told = []
        report = company.night(MONDAY.replace(day=30), tell=told.append)
        again = company.night(MONDAY.replace(year=2030), tell=told.append)
    for each in (report, again):
        assert [page.state for page in each.pages] == ["complete"] * 7 or "Board" not in {p.name for p in each.pages}
    whole = "\n".join([*report.troubles, *again.troubles])
    assert f"{sentence} (OSError: [Errno 28] No space left on device)" in whole
    assert not again.is_whole
    assert sentence in "\n".join(told)
    assert sentence in _operators(again)
    if where not in ("keep", "write_indexes"):
        assert sentence in (company.out / "index.html").read_text()
        assert sentence in (company.out / "night.html").read_text()


def test_a_stand_in_that_can_not_be_put_there_stops_nothing(company, monkeypatch):
    company.broken = {"Whole"}
    monkeypatch.setattr("crm_reports.night.standins.stand_in", _raising(OSError(30, "Read-only file system")))
    report = company.night(MONDAY)
    assert [page.state for page in report.pages] == ["failed", *["complete"] * 6]
    assert report.troubles == (
        "Nothing could be put where Whole should be (OSError: [Errno 30] Read-only file system)",
    )


def test_an_audience_whose_folder_can_not_be_written_costs_only_its_own_pages(company):
    (company.out / "for").mkdir(parents=True)
    (company.out / "for" / "board").write_text("a file where the folder should be")
    report = company.night(MONDAY)
    assert {page.name: page.state for page in report.pages if page.state == "failed"} == {"Board": "failed"}
    assert "Error: " in report.page("Board").error


def test_an_index_that_can_not_be_written_keeps_no_other_from_being_written(company, monkeypatch):
    draw = index._index

    def torn(settings, audience, *rest):
        if audience == "board":
            raise KeyError("torn")
        return draw(settings, audience, *rest)

    monkeypatch.setattr(index, "_index", torn)
    report = company.night(MONDAY)
    assert report.troubles == ("The list of all pages could not be written (KeyError: 'torn')",)
    assert (company.out / "for/boris-2/index.html").is_file()
    assert "The list of all pages could not be written" in (company.out / "night.html").read_text()


def test_a_preset_that_breaks_the_plan_costs_only_its_own_pages(company, monkeypatch):
    prepare = preparation.prepare

    def broken(report, given, *, settings):
        if report == "managers":
            raise RecursionError("too deep")
        return prepare(report, given, settings=settings)

    monkeypatch.setattr("crm_reports.runs.preparation.prepare", broken)
    report = company.night(MONDAY)
    assert [(page.name, page.error) for page in report.failed] == [("Results", "RecursionError: too deep")]
    assert len(report.pages) == 3


@pytest.mark.parametrize("error", ERRORS, ids=WORDS)
def test_a_sync_that_breaks_in_any_way_is_a_sentence(company, monkeypatch, error):
    monkeypatch.setattr("crm_reports.night.Store.open", _raising(error))
    report = company.night(MONDAY)
    assert (report.pages, report.problem) == ((), WORDS[ERRORS.index(error)])
    assert report.problem in _operators(report)


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """The settings of a folder, and its overview as a kernel left it."""
    home = tmp_path_factory.mktemp("home")
    (home / "reports.toml").write_text('time_zone = "UTC"')
    write(home / "notebooks" / "overview.ipynb", *WHOLE)
    make_store(home / "data", deals=[deal(1, "2025-03-02 10:00")])
    found = Settings.read(home / "reports.toml", home / "data")
    return found, execution.execute(preparation.prepare("overview", {}, settings=found), settings=found)


@pytest.mark.parametrize(
    "where",
    [
        "look.publish.html",
        "look.workbook.workbook",
        "runs.run.as_json",
        "runs.run._headline",
        "runs.discretion.what_shows",
    ],
)
def test_a_bug_in_any_file_of_a_report_is_in_its_record(executed, tmp_path, monkeypatch, where):
    settings, notebook = executed
    monkeypatch.setattr(f"crm_reports.{where}", _raising(RecursionError("too deep")))
    record = run.complete(notebook, settings=settings, out=tmp_path)
    assert (record.state, record.files) == ("failed", ())
    assert record.error.startswith("RecursionError: too deep; its notebook is kept in the data folder: failed/")
    assert list(tmp_path.rglob("overview*")) == []


# ── A browser that hangs ─────────────────────────────────────────────────────────────────────────────────────────────


def _browser(folder, script):
    path = folder / "chromium"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.mark.skipif(os.name != "posix", reason="the browser is spoken to over a pipe")
@pytest.mark.parametrize(
    "script", ['sleep 600 & echo $! > "$(dirname $0)/pid"; wait', "exit 1", "echo nonsense >&4; printf '\\0' >&4"]
)
def test_pages_go_on_unproved_when_the_browser_gives_no_answer_twice(company, monkeypatch, tmp_path, script):
    browser = _browser(tmp_path, script)
    monkeypatch.setattr("crm_reports.runs.proof.figures_of", lambda path: [])

    @contextlib.contextmanager
    def prover(told, *, is_wanted, trouble):
        with proof.Chromium(browser, trouble, seconds=0.5) as found:
            yield found

    monkeypatch.setattr("crm_reports.runs.proof.prover", prover)
    report = company.night(MONDAY)
    assert {page.state for page in report.pages} == {"complete"}
    (trouble,) = report.troubles
    assert trouble.startswith("Chromium gave no answer 2 times in a row (")
    assert trouble.endswith(f": from overview{SLUG}{AS_OF}.html on no page was opened in a browser")
    assert not report.is_whole
    assert trouble in (company.out / "index.html").read_text()
    assert trouble in (company.out / "night.html").read_text()
    assert trouble not in (company.out / "for/boris-2/index.html").read_text()
    assert trouble in _operators(report)
    if (tmp_path / "pid").is_file():
        assert is_gone(int((tmp_path / "pid").read_text()))


# ── The operator's mail ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "error", [*ERRORS, MailError("another process is mailing")], ids=lambda each: type(each).__name__
)
def test_the_operator_is_told_when_the_mails_of_a_night_break(company, tmp_path, monkeypatch, error):
    inbox, told = Inbox(), []
    report = company.night(MONDAY)
    monkeypatch.setattr("crm_reports.mail.sending.send", _raising(error))
    with served(inbox) as port:
        whole = settings(tmp_path / "mails", port=port)
        sent, operator = mail.send_and_tell(whole, report, out=company.out, tell=told.append)
    assert (sent.is_whole, operator.is_whole) == (False, True)
    assert told == list(sent.problems)
    text = inbox.of("admin@acme.example").get_body(("plain",)).get_content()
    assert execution.in_words(error) in " ".join(text.split())  # however its lines are broken
