"""The live page in a real browser: what is chosen in its header, or clicked anywhere, is what the page is about."""

import json
import re

import pytest
from chromium import CHROMIUM, FLAGS, needed
from test_access_in_chromium import AXE

from serving import company, served

pytestmark = [needed, pytest.mark.usefixtures("lent_parent")]


@pytest.fixture(scope="module")
def browser():
    """One that reaches this machine, and no other."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as engine:
        flags = [flag.replace("MAP * ~NOTFOUND", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1") for flag in FLAGS]
        launched = engine.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield launched
        launched.close()


@pytest.fixture
def settings(tmp_path):
    return company(tmp_path)


@pytest.fixture
def server(settings):
    with served(settings) as client:
        yield str(client.base_url).rstrip("/")


class Reader:
    """A reader with a window; `wrong` is what the console said."""

    def __init__(self, browser, address, **window):
        self.context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | window))
        self.page, self.wrong = self.context.new_page(), []
        self.page.on(
            "console", lambda said: self.wrong.append(said.text) if said.type in ("error", "warning") else None
        )
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.goto(address)
        self.page.wait_for_selector(".controls")

    def field(self, name):
        return self.page.locator(f"button[popovertarget=field-{name}]")

    def comes_to(self, query):
        self.page.wait_for_url(re.compile(re.escape(query) + "$"))
        self.page.wait_for_selector(".controls")


@pytest.fixture
def reader(browser, server):
    found = Reader(browser, f"{server}/manager_effectiveness?period=2025-03")
    yield found
    found.context.close()


def _won(reader):
    return reader.page.locator("a.tile[data-metric=won] .num").inner_text()


def test_a_manager_is_chosen_by_one_click_and_back_is_everybody(reader):
    assert _won(reader) == "3"
    reader.field("manager").click()
    reader.page.locator("#field-manager .line a", has_text="Anna").click()
    reader.comes_to("?period=2025-03&manager=1")
    assert _won(reader) == "2"  # her deals 1 and 3
    assert reader.field("manager").inner_text().startswith("Managers")
    assert "Anna" in reader.field("manager").inner_text()
    assert "hot" in reader.field("manager").get_attribute("class")
    reader.page.go_back()
    reader.comes_to("?period=2025-03")
    assert _won(reader) == "3"
    assert reader.wrong == []


def test_several_are_ticked_and_shown_together_and_cleared(reader):
    reader.field("manager").click()
    for name in ("Anna", "Boris"):
        reader.page.get_by_label(name, exact=True).check()
    reader.page.locator("#field-manager .show").click()
    reader.comes_to("&manager=1&manager=2")
    assert "Anna and 1 more" in reader.field("manager").inner_text()
    reader.page.locator(".controls > a", has_text="Clear all").click()
    reader.comes_to("/manager_effectiveness")
    assert reader.wrong == []


def test_a_period_is_typed_as_people_type_it_by_keyboard_alone(reader):
    reader.field("period").focus()
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_selector("#field-period input:focus")
    reader.page.keyboard.press("ControlOrMeta+A")
    reader.page.keyboard.type("March 2025")
    reader.page.keyboard.press("Enter")
    reader.comes_to("?period=March+2025")
    assert "March 2025" in reader.field("period").inner_text()


def test_escape_shuts_what_a_field_opened_and_gives_the_focus_back(reader):
    reader.field("source").focus()
    reader.page.keyboard.press("Enter")
    reader.page.wait_for_selector("#field-source:popover-open")
    reader.page.keyboard.press("Escape")
    assert reader.page.locator("#field-source:popover-open").count() == 0
    assert reader.page.evaluate("document.activeElement.getAttribute('popovertarget')") == "field-source"


def test_a_name_anywhere_cuts_the_page_with_ctrl_it_joins_and_the_reader_stays_where_he_was(reader):
    name = reader.page.locator("main a[data-link='manager:1']:visible").first
    name.scroll_into_view_if_needed()
    reader.page.evaluate("scrollBy({top: 150, behavior: 'instant'})")
    tops = "Object.fromEntries([...document.querySelectorAll('[data-element]')].map(each => [each.dataset.element, each.getBoundingClientRect()]).filter(([, box]) => box.bottom > 80).map(([id, box]) => [id, box.top]))"
    before = name.evaluate(f"node => {{ const tops = {tops}; node.click(); return tops; }}")
    reader.comes_to("&manager=1")
    reader.page.wait_for_timeout(500)  # nothing may move it afterwards
    after = reader.page.evaluate(tops)
    element = next(each for each in before if each in after)
    assert after[element] == pytest.approx(before[element], abs=2)
    reader.field("manager").click()
    reader.page.locator("#field-manager .line a", has_text="Boris").click()
    reader.comes_to("&manager=2")
    reader.page.go_back()
    reader.comes_to("&manager=1")
    assert reader.wrong == []


def test_with_ctrl_a_name_joins_those_that_are_chosen_and_leaves_them(browser, server):
    reader = Reader(browser, f"{server}/manager_effectiveness?period=2025-03&manager=1&manager=2")
    reader.page.locator("main a[data-link='manager:2']:visible").first.click(modifiers=["ControlOrMeta"])
    reader.comes_to("&manager=1")
    reader.context.close()


def test_a_view_is_saved_under_its_name_found_again_and_deleted(reader, settings):
    reader.field("views").click()
    reader.page.locator("#field-views input[name=name]").fill("Our March")
    reader.page.locator("#field-views button", has_text="Save this view").click()
    reader.page.wait_for_selector("#field-views", state="attached")
    reader.field("views").click()
    reader.page.locator("#field-views a", has_text="Our March").wait_for()
    assert 'name = "Our March"' in (settings.home / "views.toml").read_text()
    reader.page.get_by_label("Delete: Our March").click()
    reader.page.wait_for_load_state()
    reader.field("views").click()
    assert reader.page.locator("#field-views a").count() == 0
    assert reader.wrong == []


def test_on_a_phone_the_fields_are_one_line_and_nothing_is_wider_than_the_screen(browser, server):
    reader = Reader(
        browser, f"{server}/overview?period=2025-03", viewport={"width": 375, "height": 800}, color_scheme="dark"
    )
    heights = {round(button.bounding_box()["y"]) for button in reader.page.locator(".controls .field").all()}
    assert len(heights) == 1
    reader.field("manager").click()
    assert reader.page.evaluate("document.documentElement.scrollWidth") == 375
    panel = reader.page.locator("#field-manager").bounding_box()
    assert (panel["x"] >= 0, panel["x"] + panel["width"] <= 375) == (True, True)
    reader.context.close()


def test_whoever_can_not_see_finds_every_field_by_its_name(browser, server):
    reader = Reader(browser, f"{server}/overview?period=2025-03", bypass_csp=True)
    reader.field("manager").click()
    reader.page.evaluate(AXE)
    found = json.loads(reader.page.evaluate("axe.run('.controls').then(said => JSON.stringify(said.violations))"))
    assert [each["id"] for each in found if each["impact"] in ("serious", "critical")] == []
    reader.context.close()
