"""A click on a name, a bar, a line or a period: the whole live page is about that, and after another click about all."""

import pytest
from chromium import needed
from readers import Reader

pytestmark = [needed, pytest.mark.usefixtures("lent_parent")]


@pytest.fixture
def sales(live, server):
    with Reader(live, f"{server}/sales_dynamics?period=2025-03") as found:
        yield found


def _name(reader, key):
    return reader.page.locator(f"main a[data-link='{key}']:visible").first


def test_a_source_in_a_table_cuts_the_page_and_again_it_is_about_all(sales):
    _name(sales, "source:WEB").click()
    sales.comes_to("?period=2025-03&source=WEB")
    _name(sales, "source:WEB").click()
    sales.comes_to("?period=2025-03")


def test_a_stage_over_a_table_and_a_bar_of_a_reason_cut_the_page_and_their_tooltips_say_to_which_deals(sales):
    name = _name(sales, "stage:REQ")
    name.hover()
    assert sales.page.locator("#tip").inner_text().endswith("(In work on stages)")
    name.click()
    sales.comes_to("?period=2025-03&stage=REQ")
    assert sales.tile("in_work") == "1"  # deal 4
    _name(sales, "stage:REQ").click()
    sales.comes_to("?period=2025-03")
    _bar(sales, sales.chart("loss_reasons"), 0)
    sales.comes_to("?period=2025-03&loss_reason=Too+expensive")
    assert sales.tile("lost") == "1"  # deal 2


@pytest.mark.parametrize("key", ["Control", "Shift"])
def test_with_a_key_a_name_joins_those_that_are_chosen_and_leaves_them(live, server, key):
    with Reader(live, f"{server}/manager_effectiveness?period=2025-03&manager=1") as reader:
        name = reader.page.locator("main .person a, main a[data-link='manager:1']:visible").first
        name.click(modifiers=[key])
        reader.comes_to("?period=2025-03")
        _name(reader, "manager:2").click(modifiers=[key])
        reader.comes_to("&manager=2")
    with Reader(live, f"{server}/manager_effectiveness?period=2025-03&manager=1&manager=2") as reader:
        _name(reader, "manager:2").click(modifiers=[key])
        reader.comes_to("&manager=1")


def test_a_name_says_what_a_click_on_it_does(live, server):
    for query, said in ("", "Click: only this. With Ctrl"), ("&manager=1", "Click: everything again"):
        with Reader(live, f"{server}/sales_dynamics?period=2025-03{query}") as reader:
            _name(reader, "manager:1").hover()
            assert reader.page.locator("#tip").inner_text().startswith(said)


def test_the_name_over_a_managers_own_chart_cuts_the_page(sales):
    chart = sales.chart("managers_over_time")
    assert "cuts" not in chart.get_attribute("class")
    chart.locator(".annotation-text", has_text="Boris").click()
    sales.comes_to("&manager=2")
    assert sales.tile("won") == "1"  # his deal 6


def test_a_line_of_a_manager_cuts_the_page_and_its_tooltip_says_so(sales):
    chart = sales.chart("managers_compared")
    point = chart.locator(".scatterlayer .points path").first.bounding_box()
    sales.page.mouse.move(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    chart.locator(".hoverlayer", has_text="Click: only this").wait_for()
    assert "cuts" in chart.get_attribute("class")
    sales.page.mouse.click(point["x"] + point["width"] / 2, point["y"] + point["height"] / 2)
    sales.page.wait_for_url("**&manager=*")


def _bar(reader, chart, place, **how):
    box = chart.locator(".barlayer .trace:has(path:visible) .point path").nth(place).bounding_box()
    reader.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    reader.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, **how)


def test_a_bar_shows_what_is_inside_and_from_there_the_page_can_be_about_that_period_only(live, server):
    with Reader(live, f"{server}/sales_dynamics?period=2025-Q1") as reader:
        _bar(reader, reader.chart("dynamics"), 2)  # March: 1 900 was won
        reader.page.locator("#dynamics .crumb b", has_text="Mar 2025").wait_for()
        reader.page.locator("#dynamics .crumb button", has_text="Only this period").click()
        reader.comes_to("?period=2025-03")
        _bar(reader, reader.chart("dynamics"), 2)
        reader.page.locator("#dynamics .crumb b", has_text="Mar 2025").wait_for()
        assert reader.page.locator("#dynamics .crumb button").all_inner_texts() == ["← Back"]


def test_with_ctrl_a_bar_is_the_period_of_the_page_at_once_and_where_nothing_is_shorter_without_it(live, server):
    with Reader(live, f"{server}/sales_dynamics?period=2025-Q1") as reader:
        chart = reader.chart("dynamics")
        reader.page.keyboard.down("Control")
        _bar(reader, chart, 2)
        reader.page.keyboard.up("Control")
        reader.comes_to("?period=2025-03")
        chart = reader.chart("dynamics")
        reader.page.locator("#dynamics .pickers button", has_text="week").click()
        _bar(reader, chart, 10)  # the week of 10 March
        reader.comes_to("?period=2025-W11")


def test_on_a_phone_the_first_touch_says_what_it_is_and_the_second_cuts(live, server):
    phone = {"viewport": {"width": 375, "height": 800}, "has_touch": True, "is_mobile": True}
    with Reader(live, f"{server}/sales_dynamics?period=2025-03", **phone) as reader:
        chart = reader.chart("managers_compared")
        box = chart.locator(".scatterlayer .points path").first.bounding_box()
        place = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        reader.page.touchscreen.tap(*place)
        chart.locator(".hoverlayer", has_text="Won money").wait_for()
        assert "manager=" not in reader.page.url
        reader.page.touchscreen.tap(*place)
        reader.page.wait_for_url("**&manager=*")
