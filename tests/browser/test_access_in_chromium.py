"""Every kind of page for readers with a small screen, long names, a dark room, a keyboard or a screen reader."""

from pathlib import Path

import axe_playwright_python
import pytest
from chromium import Visit, needed
from sellers import REPORTS, company, site

from crm_reports import charts
from crm_reports.words import units
from crm_reports.words.texts import use

pytestmark = needed
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PAGES = (*REPORTS, "index", "night", "audience", "wiki")
# What axe finds, in all or of colours alone. The drawing of a chart is hidden from whoever can't see it, and holds nothing to go to.
WRONG = """async only => {
  if (document.querySelector(".chart svg:not([aria-hidden=true]), .chart svg :is(a, [tabindex])")) return "a chart";
  const rules = only === "colours" ? {type: "rule", values: ["color-contrast", "link-in-text-block"]} : ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
  const {violations} = await axe.run({exclude: [".chart svg"]}, {runOnly: rules, resultTypes: ["violations"]});
  return violations.map(({id, nodes}) => [id, nodes.length, nodes.slice(0, 3).map(node => [node.target.join(" "), node.html.slice(0, 120), node.any.map(each => each.message).join("; ").slice(0, 200)])]);
}"""


SHORT = {"Сергей", "Zoë Müller", "Андрей Ёлкин", *(f"Сделка {number}" for number in range(2, 200))}


def long(text):
    """A name of ten thousand characters without a place to break it; a page of nothing else would take a minute."""
    return text if text in SHORT else text + "ы" * 10_000


def _made(folder, name):
    made = site(folder, company(folder / "store", name), name)
    units.use()
    charts.use_managers([])
    use("en")
    return made


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return _made(tmp_path_factory.mktemp("plain"), str)


@pytest.fixture(scope="module")
def endless(tmp_path_factory):
    return _made(tmp_path_factory.mktemp("endless"), long)


@pytest.mark.parametrize("kind", PAGES)
def test_axe_finds_nothing_on_any_page_in_light_and_dark_on_a_phone_and_a_laptop(browser, plain, kind):
    visit = Visit(browser, plain[kind], reduced_motion="reduce")
    visit.page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    visit.page.evaluate(AXE)
    for width in (1280, 375):
        visit.page.set_viewport_size({"width": width, "height": 900})
        for scheme, rules in (("light", "all"), ("dark", "colours")):  # nothing else changes in the dark
            visit.look(scheme)
            assert visit.page.evaluate(WRONG, rules) == [], (scheme, width)
    visit.close()


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_is_no_wider_than_its_screen_however_long_the_names(browser, endless, kind):
    for width in (375, 1280):
        visit = Visit(browser, endless[kind], viewport={"width": width, "height": 900})
        assert visit.page.evaluate("document.documentElement.scrollWidth") == width
        for menu in visit.page.locator("details.menu").all():
            menu.locator("summary").click()
            box = menu.locator("ul").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width
            menu.locator("summary").click()
        assert visit.wrong == []
        visit.close()
