"""One sync, every preset, and an index that leads to what came out and says what did not."""

import json
import re
import shutil
from contextlib import nullcontext
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest

import parents
from crm_reports.errors import PortalError, StoreError
from crm_reports.night import How, index, night, presets, work
from crm_reports.settings import Night, Preset, Settings
from crm_reports.store.locks import only_one
from crm_reports.words import units
from notebooks import PARAMETERS, WHOLE, write
from quick_nights import AS_OF, MONDAY, SLUG, Company
from stores import at, deal, make_store, moves

pytestmark = pytest.mark.usefixtures("lent_parent")
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


QUICK = How(proved=False)


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
def first(settings, folder, _parent):
    """The night of 1 January 2030, the day of the store's sync, and what was told on the way."""
    synced, told = [], []
    with pytest.MonkeyPatch.context() as patch, parents.lent():
        patch.chdir(folder)
        report = night(settings, out=Path("output"), sync=lambda: synced.append(1), tell=told.append, how=QUICK)
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
    assert report.pages[1].error.startswith("Who brings the money?: ZeroDivisionError: division by zero (cell [")
    assert "'Zoe' is not known" in report.pages[2].error
    assert len(told) == 4
    assert report.notes == (told[0],)


def test_a_night_whose_pages_have_to_open_the_store_themselves_makes_them_all_the_same(
    settings, folder, tmp_path, monkeypatch, caplog
):
    def full(*_settings):
        raise OSError(28, "No space left on device")

    home = Path(shutil.copytree(folder, tmp_path / "home", ignore=shutil.ignore_patterns("output", "nights")))
    monkeypatch.chdir(home)
    monkeypatch.setattr("crm_reports.measures.load.prepare", full)
    alike = Settings.read(home / "reports.toml", home / "data")
    report = night(alike, out=Path("output"), sync=lambda: None, how=QUICK)
    assert [page.state for page in report.pages] == ["complete", "failed", "failed"]
    assert "each page opens the store for itself: OSError" in caplog.text


def test_the_pages_are_in_the_nights_folder_and_share_their_scripts(first, folder):
    name = "overview--2025-03--as-of-2025-04-01"
    published = sorted(path.name for path in (folder / "output" / "2030-01-01").glob("overview*"))
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
    assert [path.suffix for path in (folder / "output").rglob("forgotten_deals*")] == [".html"]  # a word that it failed


def test_the_index_leads_to_every_file_and_names_what_failed(first, folder):
    index = _index(folder)
    links = _Links(index).found
    assert [link for link in links if not (folder / "output" / link).is_file()] == []
    assert "2030-01-01/overview--2025-03--as-of-2025-04-01.html" in links
    assert "2 reports did not come out" in index
    assert "division by zero" in index
    assert "March 2025" in index
    assert "Anna brings it" in index


def test_a_hostile_name_is_only_a_name(first, folder):
    assert "<script>alert" not in _index(folder)
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co" in _index(folder)


def test_the_index_asks_nobody_outside_and_tells_nothing_about_the_machine(first, folder):
    assert "http" not in re.sub(r'http-equiv="', "", _index(folder))
    assert str(folder) not in _index(folder)


def test_the_very_same_is_not_made_twice(first, settings, folder):
    page = folder / "output" / "2030-01-01" / "overview--2025-03--as-of-2025-04-01.html"
    made_at = page.stat().st_mtime_ns
    report = night(settings, out=folder / "output", sync=lambda: None, how=QUICK)
    assert [page.state for page in report.pages] == ["unchanged", "failed", "failed"]
    assert page.stat().st_mtime_ns == made_at
    assert report.pages[0].files == first[0].pages[0].files


def test_a_later_failure_leaves_the_page_that_was_there_and_leads_to_it(first, settings, folder, monkeypatch):
    page = folder / "output" / "2030-01-01" / "overview--2025-03--as-of-2025-04-01.html"
    before = page.read_bytes()
    write(folder / "notebooks" / "overview.ipynb", *WHOLE, "## Is it another one now?")
    monkeypatch.setattr("crm_reports.night.made", lambda job: work.failed(job.plan, "Kernel died"))
    report = night(settings, out=folder / "output", sync=lambda: None, how=QUICK)
    assert page.read_bytes() == before
    assert [p.last_good for p in report.pages] == ["2030-01-01/overview--2025-03--as-of-2025-04-01.html", "", ""]
    assert report.pages[0].last_good in _Links(_index(folder)).found
    assert "3 reports did not come out" in _index(folder)


def test_a_sync_that_fails_runs_nothing_and_the_index_says_so(first, settings, folder):
    def refused():
        raise PortalError("Bitrix24 says: expired_token, asked at https://portal.example/rest/1/topsecret/")

    told = []
    report = night(settings, out=folder / "output", sync=refused, tell=told.append, how=QUICK)
    assert (report.pages, report.is_whole) == ((), False)
    index = _index(folder)
    assert "Nothing was made this night" in index
    assert "expired_token" in index
    assert "topsecret" not in index
    assert "2030-01-01/overview--2025-03--as-of-2025-04-01.html" in _Links(index).found


def test_pages_removed_by_hand_are_not_linked(first, settings, folder):
    (folder / "output" / "2030-01-01" / "overview--2025-03--as-of-2025-04-01.xlsx").unlink(missing_ok=True)
    index.write_indexes(settings, folder / "output")
    links = _Links(_index(folder)).found
    assert [link for link in links if not (folder / "output" / link).is_file()] == []


REPORTS = ["overview", "sales_dynamics", "manager_effectiveness", "forgotten_deals", "sales_plan"]


def test_without_presets_the_five_reports_run_with_their_defaults(settings):
    usual = presets(settings.model_copy(update={"presets": ()}))
    assert [preset.report for preset in usual if not preset.parameters] == REPORTS
    assert {preset.parameters["period"] for preset in usual if preset.parameters} == {
        "this_month",
        "last_month",
        "last_12_months",
    }
    assert [preset.report for preset in usual if preset.each == ("department", "manager", "source")] == REPORTS[1:]


def test_a_night_without_presets_cuts_what_the_settings_say_and_of_the_periods_they_add(settings):
    def cuts(**night) -> dict[str, tuple[str, ...]]:
        usual = presets(settings.model_copy(update={"presets": (), "night": Night(**night)}))
        return {preset.name: preset.each for preset in usual if preset.each}

    all_three = ("department", "manager", "source")
    own = ["Sales dynamics", "Managers", "Forgotten deals", "Sales plan"]
    assert cuts() == dict.fromkeys(own, all_three)
    assert cuts(slices=("source",)) == dict.fromkeys(own, ("source",))
    assert cuts(slices=()) == {}
    assert cuts(slices_also_of=("this_month",)) == dict.fromkeys(
        [*own, "Sales dynamics, this month", "Managers, this month"], all_three
    )


def test_a_view_that_a_reader_saved_takes_no_report_away(settings):
    view = Preset(name="March", report="overview", parameters={"period": "2025-03"})
    *usual, saved = presets(settings.model_copy(update={"presets": (), "views": (view,)}))
    assert {preset.report for preset in usual} == set(REPORTS)
    assert saved == view


# ── Nights after nights, with pages that take no time ────────────────────────────────────────────────────────────────


@pytest.fixture
def company(tmp_path, monkeypatch):
    return Company(tmp_path, monkeypatch)


def test_there_is_a_page_for_each_that_has_something_to_show_and_no_other(company):
    report = company.night(MONDAY)
    assert [(page.name, page.audience) for page in report.pages] == [
        ("Whole", ""), ("Results", ""), ("Results: Anna Petrova", "anna-petrova-1"), ("Results: Борис", "boris-2"),
        ("Results: Moscow", ""), ("Results: Kazan", ""), ("Board", "board"),
    ]  # fmt: skip
    assert report.pages[2].key == "Results/manager:1"
    assert report.pages[2].slice == {"dimension": "manager", "id": "1", "name": "Anna Petrova"}
    assert report.pages[2].file("html") == f"for/anna-petrova-1/2029-12-31/managers{SLUG}--manager-1{AS_OF}.html"
    assert all((company.out / file).is_file() for page in report.pages for file in page.files)


def test_a_personal_folder_knows_of_nobody_else(company):
    company.broken = {"Results/manager:1"}
    company.night(MONDAY)
    company.broken = {"Results/manager:2"}
    company.night(date(2030, 1, 1))
    pages = [path for path in (company.out / "for/anna-petrova-1").rglob("*") if path.suffix in (".html", ".js")]
    texts = {path: path.read_text() for path in pages if path.parent.name != "assets"}
    assert {path.name for path in texts} == {"index.html", f"managers{SLUG}--manager-1{AS_OF}.html"}
    for text in texts.values():
        for word in ("Boris", "Борис", "Whole", "Moscow", "Board", "manager:2", "../.."):
            assert word not in text
    assert (company.out / "for/anna-petrova-1/assets").is_dir()


def test_a_page_that_stands_in_for_another_brings_what_its_header_offers(company):
    company.night(MONDAY)
    before, name = company.out / "2029-12-31", f"managers{SLUG}{AS_OF}.html"
    page, file = before / name, "choices-0123456789abcdef0123.js"
    page.write_text(page.read_text() + f'"beside":"{file}"')
    (before / file).write_text("window.crmChoices={};")
    company.broken = {"Results"}
    company.night(date(2030, 1, 1))
    assert file in (company.out / "2030-01-01" / name).read_text()
    assert (company.out / "2030-01-01" / file).read_text() == "window.crmChoices={};"


def test_the_companys_page_leads_to_a_managers_page_and_the_index_to_all(company):
    company.night(MONDAY)
    whole = (company.out / "2029-12-31" / f"managers{SLUG}{AS_OF}.html").read_text()
    link = f"../for/anna-petrova-1/2029-12-31/managers{SLUG}--manager-1{AS_OF}.html"
    assert link in _Links(whole).found
    assert (company.out / "2029-12-31" / link).is_file()
    index = _Links((company.out / "index.html").read_text()).found
    assert link.removeprefix("../") in index
    board = _Links((company.out / "for/board/index.html").read_text()).found
    assert {name.partition("/")[0] for name in board} == {"2029-12-31"}


def test_a_page_that_fails_is_replaced_by_the_last_one_marked_as_such(company):
    company.night(MONDAY)
    company.broken = {"Whole"}
    report = company.night(date(2030, 1, 1))
    page = (company.out / "2030-01-01" / f"overview{SLUG}{AS_OF}.html").read_text()
    assert "Whole of 2029-12-31" in page
    assert "the one after it did not come out" in page
    assert "Boris has no amounts" in page
    assert (company.out / "2030-01-01" / f"overview{SLUG}{AS_OF}.xlsx").is_file()
    assert report.page("Whole").last_good == f"2029-12-31/overview{SLUG}{AS_OF}.html"
    assert f"of {units.write(MONDAY, 'date')}</span>" in (company.out / "index.html").read_text()


def test_a_page_that_never_came_out_leaves_a_word_where_links_lead(company):
    company.broken = {"Whole", "Results/manager:2"}
    company.night(MONDAY)
    assert "Boris has no amounts" in (company.out / "2029-12-31" / f"overview{SLUG}{AS_OF}.html").read_text()
    own = (company.out / "for/boris-2/2029-12-31" / f"managers{SLUG}--manager-2{AS_OF}.html").read_text()
    assert "did not come out" in own
    assert "Boris has no amounts" not in own


def test_a_night_that_was_killed_goes_on_where_it_was(company, monkeypatch):
    made = company._made

    def killed(job):
        if len(company.ran) == 3:
            raise KeyboardInterrupt
        return made(job)

    monkeypatch.setattr("crm_reports.night.made", killed)
    with pytest.raises(KeyboardInterrupt):
        company.night(MONDAY)
    assert not (company.out / "index.html").exists()
    monkeypatch.setattr("crm_reports.night.made", made)
    report = company.night(MONDAY)
    assert [page.state for page in report.pages] == ["complete"] * 7
    assert company.ran == [page.key for page in report.pages[3:]]


def test_what_changed_is_made_again_and_nothing_else(company):
    company.night(MONDAY)
    write(company.folder / "notebooks" / "overview.ipynb", *WHOLE, "## More?", parameters=PARAMETERS)
    report = company.night(MONDAY)
    assert company.ran == ["Whole", "Board"]
    assert [page.state for page in report.pages] == ["complete", *["unchanged"] * 5, "complete"]


def test_a_weekly_preset_runs_on_mondays_and_when_monday_was_missed(company):
    assert company.night(MONDAY).page("Board")
    assert not company.night(date(2030, 1, 1)).page("Board")
    company.broken = {"Board"}
    assert company.night(date(2030, 1, 7)).page("Board").state == "failed"
    company.broken = set()
    assert company.night(date(2030, 1, 8)).page("Board").state == "complete"
    assert not company.night(date(2030, 1, 9)).page("Board")
    board = _Links((company.out / "for/board/index.html").read_text()).found
    assert f"2030-01-08/overview{SLUG}{AS_OF}.html" in board


def test_pages_of_one_report_lead_from_night_to_night(company):
    company.night(MONDAY)
    company.night(date(2030, 1, 1))
    name = f"overview{SLUG}{AS_OF}.html"
    earlier = _Links((company.out / "2029-12-31" / name).read_text()).found
    assert f"../2030-01-01/{name}" in earlier
    company.night(date(2030, 1, 2))
    assert f"../2030-01-02/{name}" not in _Links((company.out / "2029-12-31" / name).read_text()).found


def test_old_nights_go_unless_they_hold_the_newest_page_of_something(company):
    company.night(MONDAY)
    for day in range(1, 6):
        company.night(date(2030, 1, day))
    left = sorted(path.name for path in company.out.iterdir() if path.name[:2] == "20")
    # keep_days = 3: of 5 January 2 and later; Monday's holds the newest page for the board.
    assert left == ["2029-12-31", "2030-01-02", "2030-01-03", "2030-01-04", "2030-01-05"]
    kept = sorted(path.stem for path in (company.folder / "data" / "nights").glob("*.json"))
    assert kept == left


def test_slices_of_old_nights_go_before_their_whole_pages(company):
    company.settle("keep_slices_days", 1)
    for day in range(1, 5):
        company.night(date(2030, 1, day))
    days = [path.parent.name for path in sorted(company.out.glob(f"*/managers{SLUG}{AS_OF}.html"))]
    assert days == ["2030-01-01", "2030-01-02", "2030-01-03", "2030-01-04"]
    for slices in ("for/boris-2/*/managers*.html", "20*/managers*department*.html"):
        assert {path.parent.name for path in company.out.glob(slices)} == {"2030-01-03", "2030-01-04"}


def test_two_presets_of_the_same_filters_share_one_page(company):
    company.add('[[presets]]\nname = "Whole again"\nreport = "overview"\nparameters = { period = "2025-03" }')
    report = company.night(MONDAY)
    assert "Whole again" not in company.ran
    assert report.page("Whole again").files == report.page("Whole").files
    assert report.page("Whole again").name == "Whole again"
    company.broken = {"Whole"}
    assert company.night(date(2030, 1, 1)).page("Whole again").state == "failed"


def test_managers_pages_stay_beside_the_whole_one_where_they_are_not_personal(company):
    company.add('[[presets]]\nname = "Open"\nreport = "managers"\n'
                'each = ["manager"]\npersonal = false')  # fmt: skip
    page = company.night(MONDAY).page("Open/manager:1")
    assert page.audience == ""
    assert page.file("html").startswith("2029-12-31/managers")


# ── What the header of a published page offers ───────────────────────────────────────────────────────────────────────


def test_the_companys_pages_offer_whatever_was_made_of_their_report(company):
    company.night(MONDAY)
    offered = company.jobs["Results"].controls
    assert offered["published"] == {
        "[]": f"managers{SLUG}{AS_OF}.html",
        '[["department","10"]]': f"managers{SLUG}--department-10{AS_OF}.html",
        '[["department","11"]]': f"managers{SLUG}--department-11{AS_OF}.html",
        '[["manager","1"]]': f"../for/anna-petrova-1/2029-12-31/managers{SLUG}--manager-1{AS_OF}.html",
        '[["manager","2"]]': f"../for/boris-2/2029-12-31/managers{SLUG}--manager-2{AS_OF}.html",
    }
    assert [choice["name"] for choice in _choices(offered, "manager")] == ["Anna Petrova", "Борис", "Carl"]


def test_a_personal_page_offers_and_names_nobody_else(company):
    company.night(MONDAY)
    offered = company.jobs["Results/manager:2"].controls
    assert offered["published"] == {'[["manager","2"]]': f"managers{SLUG}--manager-2{AS_OF}.html"}
    assert [choice["name"] for choice in _choices(offered, "manager")] == ["Борис"]
    assert "Anna" not in json.dumps(offered, ensure_ascii=False)


def _choices(offered, name):
    return next(field["choices"] for field in offered["fields"] if field["name"] == name)


def test_a_page_whose_parts_the_browser_has_drawn_this_night_is_not_opened_but_one_with_a_new_part_is(
    company, monkeypatch
):
    opened = []

    class Looked:
        notes = ()

        def look(self, html, notebook):
            opened.append(html.name)
            return "", "2 charts drawn"

    monkeypatch.setattr("crm_reports.runs.proof.prover", lambda told, **_how: nullcontext(Looked()))
    parts = {"manager-1": {"tiles", "dynamics"}}
    monkeypatch.setattr(
        "crm_reports.night.parts_of",
        lambda notebook: next((new for name, new in parts.items() if name in notebook.name), {"tiles"}),
    )
    report = company.night(MONDAY, proved=True)
    first, second, third = opened  # the first page of each of the two reports, and Anna's, which has a chart more
    assert (first, second) == (f"overview{SLUG}{AS_OF}.html", f"managers{SLUG}{AS_OF}.html")
    assert "manager-1" in third
    proofs = [page.proof for page in report.pages]
    assert proofs.count("not opened: pages made of the same parts were") == len(report.pages) - 3


def test_a_page_that_the_browser_finds_torn_has_failed_and_is_taken_back(company, monkeypatch):
    class Torn:
        notes = ()

        def look(self, html, notebook):
            return ("chart 'dynamics' is not drawn", "") if html.name.startswith("overview") else ("", "2 charts drawn")

    monkeypatch.setattr("crm_reports.runs.proof.prover", lambda told, **_how: nullcontext(Torn()))
    report = company.night(MONDAY)
    assert [page.state for page in report.pages] == ["failed", *["complete"] * 5, "failed"]
    assert report.page("Whole").error == "chart 'dynamics' is not drawn"
    assert "did not come out" in (company.out / "2029-12-31" / f"overview{SLUG}{AS_OF}.html").read_text()
    assert not (company.out / "2029-12-31" / f"overview{SLUG}{AS_OF}.xlsx").exists()
    assert report.page("Results").proof == "2 charts drawn"


def test_a_second_night_at_the_same_time_is_refused(company):
    company.folder.joinpath("data").mkdir(exist_ok=True)
    with only_one(company.folder / "data" / "night.lock", ""), pytest.raises(StoreError, match="another night"):
        company.night(MONDAY)


def test_the_record_of_the_night_says_what_ran_and_what_failed(company):
    company.broken = {"Whole"}
    company.night(MONDAY)
    record = (company.out / "night.html").read_text()
    assert "Results: Anna Petrova" in record
    assert "Boris has no amounts" in record
    assert "http" not in re.sub(r'http-equiv="', "", record)


def test_a_slice_that_the_notebook_can_not_make_is_told(company):
    write(company.folder / "notebooks" / "managers.ipynb", *WHOLE, parameters=PARAMETERS)
    report = company.night(MONDAY)
    assert report.page("Results").error == (
        "report 'managers' can't be cut by department: its notebook has no such parameter"
    )


def test_a_damaged_record_costs_its_links_and_not_the_nights_after_it(company):
    company.night(MONDAY)
    (company.folder / "data" / "nights" / "2029-12-31.json").write_text("null")
    report = company.night(date(2030, 1, 1))
    assert report.is_whole
    assert "the record 2029-12-31.json of a night was damaged" in report.repairs[0]
    assert "2029-12-31.json was damaged" not in (company.out / "index.html").read_text()
    assert "the record 2029-12-31.json of a night was damaged" in (company.out / "night.html").read_text()
    assert company.night(date(2030, 1, 2)).repairs == ()
