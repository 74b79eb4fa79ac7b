"""The header of published pages in a real browser, opened as files: it leads to what was made that night, and nowhere else."""

import shutil

import pytest
from chromium import needed

import parents
from crm_reports.night import How, night
from serving import company

pytestmark = [needed]
PRESETS = """
[[presets]]
name = "March"
report = "manager_effectiveness"
parameters = { period = "2025-03" }
each = ["manager"]
personal = false
[[presets]]
name = "February"
report = "manager_effectiveness"
parameters = { period = "2025-02" }
"""
MARCH, ANNA = (
    "manager_effectiveness--2025-03",
    "manager_effectiveness--2025-03--manager-1",
)
UNPUBLISHED = "Not made this night"


@pytest.fixture(scope="module")
def published(tmp_path_factory, _parent):
    home = tmp_path_factory.mktemp("published")
    settings = company(home, PRESETS)
    with parents.lent():
        report = night(settings, out=home / "output", sync=lambda: None, how=How(jobs=1, proved=False))
    assert report.is_whole
    return home / "output" / str(report.date)


@pytest.fixture
def page(browser, published):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(300_000)
    page, wrong = context.new_page(), []
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((published / f"{MARCH}.html").as_uri())
    page.wait_for_selector(".controls")
    yield page
    context.close()
    assert wrong == []


def _field(page, name):
    return page.locator(f"button[popovertarget=field-{name}]")


def _comes_to(page, name):
    page.wait_for_url(f"**/{name}.html")
    page.wait_for_selector(".controls")


def test_a_page_whose_file_of_choices_is_missing_shows_its_numbers_and_says_so_in_one_line(page, published, tmp_path):
    shutil.copytree(published.parent, tmp_path / "copy")
    alone = tmp_path / "copy" / published.name
    (file,) = alone.glob("choices-*.js")
    assert file.name in (published / f"{MARCH}--manager-1.html").read_text()  # the same of all pages
    file.unlink()
    there, failed = page.context.new_page(), []
    there.on("pageerror", lambda error: failed.append(str(error)))
    there.goto((alone / f"{MARCH}.html").as_uri())
    there.wait_for_selector("text=The choices could not be loaded: their file is not beside this page")
    assert (_won(there), there.locator(".controls").count(), failed) == ("3", 0, [])


def _won(page):
    return page.locator("a.tile[data-metric=won] .num").inner_text()


def test_a_manager_that_has_a_page_is_one_click_away_and_everybody_another(page):
    assert _won(page) == "3"
    _field(page, "manager").click()
    page.locator("#field-manager .line a", has_text="Anna").click()
    _comes_to(page, ANNA)
    assert _won(page) == "2"  # her deals 1 and 3
    assert "hot" in _field(page, "manager").get_attribute("class")
    _field(page, "manager").click()
    page.locator("#field-manager .line a", has_text="Anna").click()
    _comes_to(page, MARCH)


def test_a_name_in_a_table_leads_to_the_same_page(page):
    page.locator("a[data-link='manager:1']:visible").first.click()
    _comes_to(page, ANNA)


def test_the_periods_that_were_made_are_the_ones_offered(page):
    _field(page, "period").click()
    assert page.locator("#field-period a").all_inner_texts() == ["March 2025", "February 2025"]
    page.locator("#field-period a", has_text="February").click()
    _comes_to(page, "manager_effectiveness--2025-02")


def test_what_was_not_made_is_grey_and_says_how_to_get_it(page):
    _field(page, "source").click()
    grey = page.locator("#field-source .line a").first
    assert grey.get_attribute("aria-disabled") == "true"
    assert grey.get_attribute("title").startswith(UNPUBLISHED)
    page.keyboard.press("Escape")
    _field(page, "manager").click()
    for name in ("Anna", "Boris"):
        page.get_by_label(name, exact=True).check()
    assert page.locator("#field-manager .show").is_disabled()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="More…").click()
    _field(page, "as_of").click()
    page.locator("#field-as_of", has_text=UNPUBLISHED).wait_for()
    page.keyboard.press("Escape")


def test_a_chart_and_a_name_lead_where_a_page_was_made_and_say_so_and_nowhere_else(page):
    name = page.locator("a[data-link='manager:1']:visible").first
    name.hover()
    assert page.locator("#tip").inner_text() == "Click: only this"  # nobody published two together
    page.evaluate("document.getElementById('actions_by_manager').closest('details.more')?.setAttribute('open', '')")
    chart = page.locator("#actions_by_manager .chart[data-drawn]")
    chart.wait_for()
    chart.scroll_into_view_if_needed()
    chart.locator(".annotation-text", has_text="Boris").click()
    _comes_to(page, f"{MARCH}--manager-2")
