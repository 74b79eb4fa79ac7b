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
# Two of each look of a text: what it and all around it are, and their colours. A page of ten thousand texts has forty looks.
LOOKS = """(() => {
  const known = new Map(), many = {};
  const own = ({localName, classList}, {color, backgroundColor, backgroundImage, fontSize, fontWeight, opacity, textDecorationLine}) =>
    [localName, ...classList, color, backgroundColor, backgroundImage, fontSize, fontWeight, opacity, textDecorationLine].join();
  const look = each => each ? known.get(each) ?? known.set(each, `${look(each.parentElement)} > ${own(each, getComputedStyle(each))}`).get(each) : "";
  const hasText = each => [...each.childNodes].some(({nodeType, data}) => nodeType === Node.TEXT_NODE && data.trim());
  const texts = [...document.body.querySelectorAll(":not(.chart svg *)")].filter(each => hasText(each) && each.checkVisibility({visibilityProperty: true}));
  return texts.filter(each => (many[look(each)] = (many[look(each)] ?? 0) + 1) <= 2);
})()"""
# What axe finds, in all or of colours alone. The drawing of a chart is hidden from whoever can't see it, and holds nothing to go to.
WRONG = f"""async only => {{
  if (document.querySelector(".chart svg:not([aria-hidden=true]), .chart svg :is(a, [tabindex])")) return "a chart";
  const exclude = [".chart svg"], resultTypes = ["violations"], colours = ["color-contrast", "link-in-text-block"];
  const runOnly = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], off = Object.fromEntries(colours.map(each => [each, {{enabled: false}}]));
  const found = await axe.run({{include: {LOOKS}, exclude}}, {{runOnly: colours, resultTypes}});
  const rest = only === "colours" ? {{violations: []}} : await axe.run({{exclude}}, {{runOnly, rules: off, resultTypes}});
  return [...found.violations, ...rest.violations].map(({{id, nodes}}) => [id, nodes.length, nodes.slice(0, 3).map(node => [node.target.join(" "), node.html.slice(0, 120), node.any.map(each => each.message).join("; ").slice(0, 200)])]);
}}"""


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


def test_a_colour_too_faint_is_found_where_only_one_text_has_it(browser, plain):
    visit = Visit(browser, plain["night"])
    visit.page.evaluate(AXE)
    assert visit.page.evaluate(WRONG, "colours") == []
    visit.page.evaluate("[...document.querySelectorAll('main td')].at(-1).style.color = '#999'")
    assert [found[:2] for found in visit.page.evaluate(WRONG, "colours")] == [["color-contrast", 1]]
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
