"""The live page in a real browser: what is chosen in its header, or clicked anywhere, is what the page is about."""

import pytest
from chromium import needed
from readers import Reader
from test_access_in_chromium import AXE, WRONG

from crm_reports.runs.preparation import parameters_of
from crm_reports.settings import Settings

pytestmark = [needed, pytest.mark.usefixtures("lent_parent")]


def test_a_manager_is_chosen_by_one_click_and_back_is_everybody(reader):
    assert reader.tile("won") == "3"
    reader.field("manager").click()
    reader.page.locator("#field-manager .line a", has_text="Anna").click()
    reader.comes_to("?period=2025-03&manager=1")
    assert reader.tile("won") == "2"  # her deals 1 and 3
    assert reader.field("manager").inner_text().startswith("Managers")
    assert "Anna" in reader.field("manager").inner_text()
    assert "hot" in reader.field("manager").get_attribute("class")
    reader.page.go_back()
    reader.comes_to("?period=2025-03")
    assert reader.tile("won") == "3"


def test_from_one_managers_page_the_next_and_all_are_one_click_away(live, server):
    with Reader(live, f"{server}/manager_effectiveness?period=2025-03&manager=1") as reader:
        assert reader.page.locator(".top h1").inner_text() == "Anna"
        links = reader.page.locator(".neighbours a")
        assert links.all_inner_texts() == ["All managers", "Boris →"]
        links.last.click()
        reader.comes_to("?period=2025-03&manager=2")
        assert links.all_inner_texts() == ["← Anna", "All managers"]
        links.last.click()
        reader.comes_to("?period=2025-03")
        assert links.count() == 0


def test_several_are_ticked_and_shown_together_and_cleared(reader):
    reader.field("manager").click()
    for name in ("Anna", "Boris"):
        reader.page.get_by_label(name, exact=True).check()
    reader.page.locator("#field-manager .show").click()
    reader.comes_to("&manager=1&manager=2")
    assert "Anna and 1 more" in reader.field("manager").inner_text()
    reader.page.locator(".controls > a", has_text="Clear all").click()
    reader.comes_to("/manager_effectiveness")


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


def test_every_parameter_of_the_report_is_in_the_header_the_rare_ones_one_click_further(live, server):
    with Reader(live, f"{server}/forgotten_deals?period=2025-03") as reader:
        reader.page.locator(".controls .field", has_text="More…").click()
        shown = {
            button.get_attribute("popovertarget").removeprefix("field-")
            for button in reader.page.locator(".controls .field[popovertarget]").all()
        }
        declared = set(parameters_of("forgotten_deals", Settings.read()))
        assert {"forgotten_after", "exclude_stages", "as_of"} <= declared <= shown
        reader.field("forgotten_after").click()
        reader.page.locator("#field-forgotten_after input").fill("21")
        reader.page.keyboard.press("Enter")
        reader.comes_to("&forgotten_after=21")
        assert "21" in reader.field("forgotten_after").inner_text()  # set, it stands in the line
        reader.page.locator(".controls .field", has_text="More…").click()
        reader.field("exclude_stages").click()
        reader.page.locator("#field-exclude_stages").get_by_label("Request", exact=True).check()
        reader.page.locator("#field-exclude_stages .show").click()
        reader.comes_to("&exclude_stages=REQ")


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


def test_on_a_phone_the_fields_are_one_line_and_nothing_is_wider_than_the_screen(live, server):
    phone = {"viewport": {"width": 375, "height": 800}, "color_scheme": "dark"}
    with Reader(live, f"{server}/overview?period=2025-03", **phone) as reader:
        heights = {round(button.bounding_box()["y"]) for button in reader.page.locator(".controls .field").all()}
        assert len(heights) == 1
        reader.field("manager").click()
        assert reader.page.evaluate("document.documentElement.scrollWidth") == 375
        panel = reader.page.locator("#field-manager").bounding_box()
        assert (panel["x"] >= 0, panel["x"] + panel["width"] <= 375) == (True, True)


@pytest.mark.parametrize("width", [375, 1280])
def test_axe_finds_nothing_on_the_whole_page_whatever_is_open(live, server, width):
    window = {"viewport": {"width": width, "height": 900}, "reduced_motion": "reduce", "bypass_csp": True}
    with Reader(live, f"{server}/overview?period=2025-03&manager=1", **window) as reader:
        reader.page.evaluate(AXE)
        for field in ("manager", "period", "comparison", "views", "files"):
            reader.field(field).click()
            reader.page.wait_for_selector(f"#field-{field}:popover-open")
            assert reader.page.evaluate(WRONG) == [], field
            reader.page.keyboard.press("Escape")


def test_the_keyboard_alone_finds_a_manager_and_asks_for_him(reader):
    press = reader.page.keyboard.press
    reader.field("manager").focus()
    press("Enter")
    reader.page.wait_for_selector("#field-manager:popover-open")
    while reader.page.evaluate("document.activeElement.textContent") != "Boris":
        press("Tab")
        assert reader.page.evaluate("document.activeElement !== document.body")
    press("Enter")
    reader.comes_to("&manager=2")
    assert reader.tile("won") == "1"  # his deal 6
