"""A page says what it was made of, and is made again from that."""

import json
import shutil

import nbformat
import pytest

from crm_reports.errors import RunError
from crm_reports.look.publish import Link
from crm_reports.look.scripts import assets
from crm_reports.runs import execution, preparation
from crm_reports.runs import run as runs
from crm_reports.runs.again import reproduction, rerun
from crm_reports.settings import Settings
from notebooks import WHOLE, write
from stores import at, deal, make_store, moves

NAME = "mine--last-month--manager-2"
PARAMETERS = """\
period: str = "last_month"  # the period to report
manager: list = []  # empty for every manager
as_of: str = ""  # as known then
forgotten_after: int = 14  # days of silence
"""


def _store(home, synced):
    won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00"), "manager_id": "2"}
    make_store(
        home / "data", deals=[deal(1, "2025-03-02 10:00", **won)],
        stage_history=moves(1, ("2025-03-02 10:00", "NEW"), ("2025-03-20 10:00", "WON")),
        syncs=[{"synced_at": at(synced), "finished_at": at(synced), "source": "bitrix24", "holes": "[]",
                "portal_url": "https://portal.example", "present": "deals,managers,pipelines,stages,stage_history"}],
    )  # fmt: skip


CONTROLS = {"report": "mine", "state": {}, "fields": [], "views": [], "files": [], "published": {"[]": "mine.html"}}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Boris's March, made in the night of 1 April 2025; by now it is June."""
    home = tmp_path_factory.mktemp("again")
    (home / "reports.toml").write_text('time_zone = "UTC"')
    write(home / "notebooks" / "mine.ipynb", *WHOLE, parameters=PARAMETERS)
    _store(home, "2025-04-01 02:00")
    settings = Settings.read(home / "reports.toml", home / "data")
    assets(home / "assets")
    links = (Link("report:overview", "overview.html"), Link("workbook", f"{NAME}.xlsx"), Link("sibling", "x.html", "X"))
    given = {"manager": ["Boris"], "forgotten_after": 21}
    plan = preparation.prepare("mine", given, settings=settings)
    made = runs.complete(
        execution.execute(plan, settings=settings), settings=settings, out=home / "night", assets="../assets", links=links,
        controls=CONTROLS, rows=runs.BESIDE,
    )  # fmt: skip
    assert made.error == ""
    shutil.copytree(home / "night", home / "before")
    _store(home, "2025-06-02 02:00")
    return home


@pytest.fixture(scope="module")
def again(home):
    settings = Settings.read(home / "reports.toml", home / "data")
    return rerun(next((home / "night").glob("*.html")), settings=settings)


@pytest.mark.parametrize("suffix", ["html", "json", "ipynb"])
def test_every_output_says_what_it_was_made_of(home, suffix):
    made_of = reproduction(next((home / "before").glob(f"*.{suffix}")))
    assert made_of["notebook"] == "mine.ipynb"
    assert made_of["parameters"] == {"manager": ["Boris"], "forgotten_after": 21}
    assert made_of["filters"]["manager"] == ["2"]
    assert "rows" not in made_of  # the company's, which a page about one person does not tell
    assert made_of["synced_at"] == "2025-04-01T02:00:00+00:00"
    assert {len(made_of["notebook_sha256"]), len(made_of["code_sha256"])} == {64}


def test_a_page_made_again_is_of_the_same_days_and_under_the_same_name(home, again):
    before, now = (json.loads(next((home / each).glob("*.json")).read_text()) for each in ("before", "night"))
    assert again.run.error == ""
    assert sorted(path.name for path in (home / "night").iterdir()) == sorted(
        path.name for path in (home / "before").iterdir()
    )
    assert now["filters"]["period"] == before["filters"]["period"]
    assert now["as_of"] == before["as_of"]
    assert now["elements"] == before["elements"]
    assert again.differences == (
        "the data have been synced since: rows as of the same instant, as far as their versions are kept",
    )


def test_it_leads_where_it_led(home, again):
    before, now = (next((home / each).glob("*.html")).read_text() for each in ("before", "night"))
    for link in ('href="overview.html"', 'href="x.html"', "../assets/", '"beside":"choices-'):
        assert link in before
        assert link in now
    (file,) = (home / "night").glob("choices-*.js")
    assert '"published":{"[]":"mine.html"}' in file.read_text()


def test_elsewhere_it_needs_nothing_beside_it(home, again, tmp_path):
    settings = Settings.read(home / "reports.toml", home / "data")
    made = rerun(next((home / "night").glob("*.json")), settings=settings, out=tmp_path)
    assert {path.parent for path in made.run.files} == {tmp_path}
    assert "../assets" not in made.run.files[1].read_text()


@pytest.mark.parametrize("name", ["x.html", "x.json", "x.ipynb", "x.txt"])
def test_what_is_no_page_of_ours_is_refused(home, tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(RunError, match=r"'x\.\w+' does not say what it was made of"):
        reproduction(tmp_path / name)
    with pytest.raises(RunError, match=r"can't be read"):
        reproduction(tmp_path / f"no-{name}")


def test_a_notebook_of_the_analysts_own_making_is_not_taken_for_a_report(tmp_path):
    nbformat.write(nbformat.v4.new_notebook(), tmp_path / "mine.ipynb")
    with pytest.raises(RunError, match="does not say"):
        reproduction(tmp_path / "mine.ipynb")
