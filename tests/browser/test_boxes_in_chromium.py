"""Boxes measured on screen and paper: no text lies over another, and nothing sticks out of the page."""

import invented
import pytest
from chromium import Visit, needed
from sellers import company, report

from crm_reports import charts
from crm_reports.look import publish, scripts
from crm_reports.words import units
from crm_reports.words.texts import use

pytestmark = needed

# The boxes of all texts that can be seen, line by line, each with its text.
BOXES = """
(() => {
  const found = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = {checkOpacity: true, checkVisibilityCSS: true, contentVisibilityAuto: true};
  const far = node => node.closest("script, style, caption, legend, select, option, #tip, .skip, .contents, .scroll, h2, .quality");
  while (walk.nextNode()) {
    const text = walk.currentNode, parent = text.parentElement;
    if (!text.data.trim() || far(parent) || !parent.checkVisibility(seen)) continue;
    const line = document.createRange();
    line.selectNodeContents(text);
    for (const {left, top, right, bottom} of line.getClientRects())
      if (right - left > 2 && bottom - top > 2) found.push({text: text.data.trim().slice(0, 40), left, top: top + scrollY, right, bottom: bottom + scrollY});
  }
  return found;
})()
"""
QUESTIONS = (("needs_you", "## What needs you?"), ("dynamics", "## Is this year better than the last?"))
SLACK = 3  # pixels of a line's box that hold no ink


def overlapping(boxes):
    """Every two texts that lie over each other."""
    boxes = sorted(boxes, key=lambda box: box["top"])
    pairs = []
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            if other["top"] > one["bottom"] - SLACK:
                break
            beside = min(one["right"], other["right"]) - max(one["left"], other["left"])
            above = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
            if beside > SLACK and above > SLACK:
                pairs.append((one["text"], other["text"]))
    return pairs


def test_a_text_that_lies_over_another_is_found():
    one = {"text": "one", "left": 0, "right": 90, "top": 0, "bottom": 20}
    assert overlapping([one, one | {"text": "over it", "left": 60, "right": 120, "top": 8, "bottom": 28}]) == [
        ("one", "over it")
    ]
    assert overlapping([one, one | {"text": "beside it", "left": 92, "right": 120}]) == []


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The invented sales report, and a company's overview in both languages."""
    folder = tmp_path_factory.mktemp("boxes")
    scripts.assets(folder / "assets")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "sales.html").write_text(publish.html(invented.notebook(patch), assets="assets"), encoding="utf-8")
    settings = company(folder / "data")
    made = {lang: report(folder, settings, "overview", questions=QUESTIONS, language=lang)[0] for lang in ("en", "ru")}
    made["ru_sales"] = report(folder, settings, "sales_dynamics", language="ru")[0]
    use("en")
    yield made | {"sales": folder / "sales.html"}
    units.use()
    charts.use_managers([])


@pytest.fixture(scope="module")
def opened(browser, pages):
    """The page of a kind in a window of that size, folded and without motion, opened once for all that only look at it."""
    visits = {}

    def find(kind, width):
        how = {"viewport": {"width": width, "height": 800}, "is_folded": True, "reduced_motion": "reduce"}
        visits[kind, width] = visits.get((kind, width)) or Visit(browser, pages[kind], **how)
        visits[kind, width].look("light")
        return visits[kind, width]

    yield find
    for visit in visits.values():
        visit.close()


@pytest.mark.parametrize("width", [375, 1280, 1920])
@pytest.mark.parametrize("kind", ["sales", "en", "ru"])
def test_no_text_lies_over_another_and_none_leaves_the_screen(opened, kind, width):
    boxes = opened(kind, width).page.evaluate(BOXES)
    assert len(boxes) > 20
    assert overlapping(boxes) == []
    assert [box["text"] for box in boxes if box["left"] < 0 or box["right"] > width] == []


CUT = """
[...document.querySelectorAll("main table")].filter(table => table.checkVisibility())
  .filter(table => table.scrollWidth > table.closest(".dt-layout-table, .scroll").clientWidth + 1)
  .map(table => `${table.closest("[data-element]").dataset.element}: ${table.scrollWidth}`)
"""


def test_no_table_is_wider_than_a_laptop_in_russian_which_is_the_longer_language(browser, pages):
    visit = Visit(browser, pages["ru_sales"], viewport={"width": 1280, "height": 800})
    cut = visit.page.evaluate(CUT)
    count = visit.page.locator("main table:visible").count()
    visit.close()
    assert count > 5
    assert cut == []


# The sizes in points of all texts on paper, with what is smaller than may be; and what may stand alone at a sheet's foot.
ON_PAPER = """
(() => {
  const seen = {checkOpacity: true, checkVisibilityCSS: true}, walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), sizes = [];
  while (walk.nextNode()) {
    const {data, parentElement: parent} = walk.currentNode;
    if (data.trim() && !parent.closest("script, style, caption, legend") && parent.checkVisibility(seen))
      sizes.push([0.75 * parseFloat(getComputedStyle(parent).fontSize), data.trim().slice(0, 40)]);
  }
  const heads = [...document.querySelectorAll("main .said, main h2, main .sub")].filter(head => head.checkVisibility(seen));
  return {sizes, alone: heads.filter(head => getComputedStyle(head).breakAfter !== "avoid").map(head => head.textContent)};
})()
"""


@pytest.mark.parametrize("kind", ["sales", "ru"])
def test_on_paper_no_text_is_under_seven_points_and_no_question_stands_without_its_answer(browser, pages, kind):
    visit = Visit(browser, pages[kind], viewport={"width": 688, "height": 1020}, is_folded=True)
    visit.page.emulate_media(media="print")
    paper = visit.page.evaluate(ON_PAPER)
    visit.close()
    assert len(paper["sizes"]) > 50
    assert [text for size, text in paper["sizes"] if size < 7] == []
    assert paper["alone"] == []


def test_a_long_list_says_on_paper_where_the_rest_of_it_is(browser, pages):
    visit = Visit(browser, pages["ru_sales"], viewport={"width": 688, "height": 1020}, is_folded=True)
    visit.page.locator("#deals").scroll_into_view_if_needed()
    visit.page.locator("#deals .dt-info").wait_for()
    note = visit.page.locator("#deals .paper")
    assert (note.count(), note.is_visible()) == (1, False)
    visit.page.emulate_media(media="print")
    assert note.is_visible()
    visit.close()


def test_in_the_dark_no_text_lies_over_another(opened):
    visit = opened("sales", 1280)
    visit.look("dark")
    assert overlapping(visit.page.evaluate(BOXES)) == []


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_overview_is_one_screen_of_a_laptop(opened, language):
    page = opened(language, 1280).page
    bottom = page.evaluate("document.querySelector('#dynamics .chart').getBoundingClientRect().bottom")
    needs = page.evaluate("document.querySelector('#needs_you').getBoundingClientRect().bottom")
    assert max(bottom, needs) <= 800
