"""One sync, every preset, and an index that leads to what came out and says what did not."""

import re
from datetime import date, datetime
from html.parser import HTMLParser

import pytest

from crm_reports import night as nights
from crm_reports import run as runs
from crm_reports.errors import PortalError
from crm_reports.night import night, presets
from crm_reports.settings import Settings
from notebooks import PARAMETERS, WHOLE, write
from stores import at, deal, make_store, moves

HOSTILE = "<script>alert(1)</script> & Co"
TOML = f"""
time_zone = "UTC"
[[presets]]
name = "{HOSTILE}"
report = "overview"
[[presets]]
name = "Broken"
report = "forgotten_deals"
[[presets]]
name = "Nobody"
report = "overview"
parameters = {{ manager = ["Zoe"] }}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("night")


@pytest.fixture(scope="module")
def settings(folder):
    (folder / "reports.toml").write_text(TOML)
    write(folder / "notebooks" / "overview.ipynb", *WHOLE)
    write(folder / "notebooks" / "forgotten_deals.ipynb", *WHOLE, "1 / 0", parameters=PARAMETERS)
    won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00")}
    make_store(
        folder / "data",
        deals=[deal(1, "2025-03-02 10:00", **won)],
        stage_history=moves(1, ("2025-03-02 10:00", "NEW"), ("2025-03-20 10:00", "WON")),
    )
    return Settings.read(folder / "reports.toml", folder / "data")


@pytest.fixture(scope="module")
def first(settings, folder):
    """The night of 1 January 2030, the day of the store's sync, and what was told on the way."""
    synced, told = [], []
    report = night(settings, out=folder / "output", sync=lambda: synced.append(1), told=told.append)
    assert synced == [1]
    return report, told


class _Links(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name == "href"]


def _index(folder):
    return (folder / "output" / "index.html").read_text(encoding="utf-8")


def test_what_can_come_out_does_and_the_rest_says_why(first):
    report, told = first
    assert (report.date, report.is_whole, report.problem) == (date(2030, 1, 1), False, "")
    assert [(page.name, page.state) for page in report.pages] == [
        (HOSTILE, "complete"), ("Broken", "failed"), ("Nobody", "failed"),
    ]  # fmt: skip
    assert report.pages[1].error == "Who brings the money?: ZeroDivisionError: division by zero"
    assert "'Zoe' is not known" in report.pages[2].error
    assert len(told) == 3


def test_the_pages_are_in_the_nights_folder_and_share_their_scripts(first, folder):
    name = "overview--2025-03--as-of-2025-04-01"
    published = sorted(path.name for path in (folder / "output" / "2030-01-01").iterdir())
    assert published == [f"{name}.{each}" for each in ("html", "ipynb", "json", "xlsx")]
    page = (folder / "output" / "2030-01-01" / f"{name}.html").read_text()
    assert len(page) < 300_000
    assert "../index.html" in _Links(page).found
    assert f"{name}.xlsx" in _Links(page).found
    for script in re.findall(r"\.\./assets/[\w.-]+\.js", page):
        assert (folder / "output" / "2030-01-01" / script).resolve().is_file()


def test_a_notebook_that_failed_is_kept_beside_the_store_and_nowhere_else(first, folder):
    assert [path.name for path in (folder / "data" / "failed").iterdir()] == [
        "forgotten_deals--2025-03--as-of-2025-04-01.ipynb"
    ]
    assert not list((folder / "output").rglob("forgotten_deals*"))


def test_the_index_leads_to_every_file_and_names_what_failed(first, folder):
    index = _index(folder)
    links = _Links(index).found
    assert [link for link in links if not (folder / "output" / link).is_file()] == []
    assert "2030-01-01/overview--2025-03--as-of-2025-04-01.html" in links
    assert "2 reports did not come out" in index
    assert "division by zero" in index
    assert "2025-03-01 – 2025-03-31" in index
    assert "Anna brings it" in index


def test_a_hostile_name_is_only_a_name(first, folder):
    assert "<script" not in _index(folder)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in _index(folder)


def test_the_index_asks_nobody_outside_and_tells_nothing_about_the_machine(first, folder):
    assert "http" not in re.sub(r'http-equiv="', "", _index(folder))
    assert str(folder) not in _index(folder)


def test_a_later_failure_leaves_the_page_that_was_there_and_leads_to_it(first, settings, folder, monkeypatch):
    page = folder / "output" / "2030-01-01" / "overview--2025-03--as-of-2025-04-01.html"
    before = page.read_bytes()

    def broken(plan, *, settings):
        return runs.Executed(plan, datetime.fromisoformat("2030-01-01T03:00:00+00:00"), None, "Kernel died")

    monkeypatch.setattr(runs, "execute", broken)
    report = night(settings, out=folder / "output", sync=lambda: None)
    assert page.read_bytes() == before
    assert [p.last_good for p in report.pages] == ["2030-01-01/overview--2025-03--as-of-2025-04-01.html", "", ""]
    assert report.pages[0].last_good in _Links(_index(folder)).found
    assert "3 reports did not come out" in _index(folder)


def test_a_sync_that_fails_runs_nothing_and_the_index_says_so(first, settings, folder):
    def refused():
        raise PortalError("Bitrix24 says: expired_token, asked at https://portal.example/rest/1/topsecret/")

    told = []
    report = night(settings, out=folder / "output", sync=refused, told=told.append)
    assert (report.pages, report.is_whole) == ((), False)
    index = _index(folder)
    assert "Nothing was made this night" in index
    assert "expired_token" in index
    assert "topsecret" not in index
    assert "Earlier nights" in index
    assert "2030-01-01/overview--2025-03--as-of-2025-04-01.html" in _Links(index).found


def test_pages_removed_by_hand_are_not_linked(first, settings, folder):
    (folder / "output" / "2030-01-01" / "overview--2025-03--as-of-2025-04-01.xlsx").unlink(missing_ok=True)
    nights.write_index(settings, folder / "output")
    links = _Links(_index(folder)).found
    assert [link for link in links if not (folder / "output" / link).is_file()] == []


def test_without_presets_the_four_reports_run_with_their_defaults(settings):
    bare = presets(replace_presets(settings))
    assert [each.report for each in bare] == ["overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals"]
    assert all(each.parameters == {} for each in bare)


def replace_presets(settings):
    return settings.model_copy(update={"presets": ()})
