"""The published page in a real browser, opened from the disk as a reader opens it."""

import json
from functools import partial
from pathlib import Path

import invented
import pytest
from chromium import Shared, Visit, needed

from crm_reports import charts
from crm_reports.look import completeness, publish, scripts, tables
from crm_reports.look.lists import rows_in, unpacked
from crm_reports.look.publish import Link
from crm_reports.words import units

pytestmark = needed
LINKS = (
    Link("workbook", "report.xlsx"),
    Link("manager:10", "manager-10.html"),
    Link("report:overview", "overview.html"),
)
# Half of what a browser does is to draw charts: what is clicked in one element alone is clicked on a page of few.
PARTS = {
    "lists": ("tiles", "managers", "deals"),
    "dynamics": ("dynamics",),
    "people": ("managers_compared",),
    "reasons": ("loss_reasons",),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The invented report twice, whole in one file and with its scripts beside it; and parts of it, for what is clicked in them."""
    folder = tmp_path_factory.mktemp("site")
    with pytest.MonkeyPatch.context() as patch:
        notebook = invented.notebook(patch)
        scripts.assets(folder / "assets")
        whole = {"whole": (notebook, "inline"), "shared": (notebook, "assets")}
        parts = {name: (invented.part(notebook, *elements), "inline") for name, elements in PARTS.items()}
        for name, (cells, assets) in (whole | parts).items():
            html = publish.html(cells, assets=assets, links=LINKS)
            assert completeness.missing_from(html, cells) == []
            (folder / f"{name}.html").write_text(html, encoding="utf-8")
    yield folder
    units.use()
    charts.use_managers([])


@pytest.fixture(scope="module")
def opened(browser, site):
    """Each page of the site unfolded, and the whole one as it is before that."""
    pages = {name: Shared(partial(Visit, browser, site / f"{name}.html")) for name in ("whole", "shared", *PARTS)}
    pages["folded"] = Shared(partial(Visit, browser, site / "whole.html", is_folded=True))
    yield pages
    for page in pages.values():
        page.close()


@pytest.fixture(params=["whole", "shared"])
def visit(request, opened):
    with opened[request.param].lent() as made:
        yield made


@pytest.fixture
def whole(opened):
    with opened["whole"].lent() as made:
        yield made


@pytest.fixture
def lists(opened):
    with opened["lists"].lent() as made:
        yield made


@pytest.fixture
def dynamics(opened):
    with opened["dynamics"].lent() as made:
        yield made


@pytest.fixture
def people(opened):
    with opened["people"].lent() as made:
        yield made


@pytest.fixture
def reasons(opened):
    with opened["reasons"].lent() as made:
        yield made


@pytest.fixture
def folded(opened):
    with opened["folded"].lent() as made:
        yield made


def test_every_chart_is_drawn_and_nothing_goes_wrong(visit):
    assert visit.count("div.chart[data-drawn] .main-svg") >= 5
    assert visit.page.evaluate(
        "[...document.querySelectorAll('div.chart')].every(each => each.data.length == each.dataset.drawn)"
    )
    assert visit.wrong == []


def test_charts_are_drawn_one_a_task_and_those_that_are_looked_at_come_before_the_tables_that_are_not(browser, site):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.add_init_script("""window.order = []; window.tasks = {}; let task = 0;
        const later = setTimeout;
        window.setTimeout = (act, ...how) => later(() => { task++; act(); }, ...how);
        window.requestIdleCallback = act => queueMicrotask(act);  // there is always time
        const note = changes => changes.forEach(({target}) => {
          order.push(target.closest("[data-element]").id + " " + target.tagName);
          if (target.tagName === "DIV") (tasks[task] ??= []).push(target.closest("[data-element]").id);
        });
        new MutationObserver(note).observe(document, {subtree: true, attributes: true, attributeFilter: ["data-drawn"]});""")
    page.goto((site / "whole.html").as_uri())
    page.wait_for_selector("#managers table[data-drawn]", state="attached")
    order = page.evaluate("order")
    assert order.index("dynamics DIV") < order.index("managers TABLE")
    drawn = page.evaluate("Object.values(tasks)")
    assert len(drawn) > 2
    assert [charts for charts in drawn if len(charts) > 1] == []
    context.close()


def test_of_a_long_list_only_the_rows_that_are_shown_are_made_and_have_what_was_packed(lists):
    assert lists.page.locator("#deals .dt-info").inner_text().startswith("1–10 of ")
    made = lists.page.evaluate("new DataTable.Api(document.querySelector('#deals table.data')).rows().data().toArray()")
    packed = lists.page.evaluate("document.querySelector('#deals script.rows').textContent")
    assert '"steps":true' in json.dumps(unpacked(packed), separators=(",", ":"))
    rows = [row[:-1] for row in rows_in(packed) if row[-1] & 1]  # what the list shows first: the created ones
    assert made == rows[:10]


def test_nothing_outside_the_page_is_asked_for(visit):
    assert {url.split(":")[0] for url in visit.requests} <= {"file", "blob", "data"}
    files = {Path(url).name.split("-")[0] for url in visit.requests if url.startswith("file:")}
    assert files in ({"whole.html"}, {"shared.html", "page", "plotly", "tables"})


def test_texts_from_the_crm_stay_texts(whole):
    first = whole.page.locator("#deals tbody tr").first
    assert first.locator("th").inner_text() == invented.HOSTILE[0]
    assert whole.count("#deals img") == whole.count("#loss_reasons img") == 0
    assert invented.HOSTILE[0] in whole.page.locator("#loss_reasons .chart").text_content()
    assert whole.page.locator('#deals a[href^="javascript"]').count() == 0
    assert whole.wrong == []


def test_even_a_script_that_got_in_does_not_run(browser, site):
    html = (site / "reasons.html").read_text(encoding="utf-8")
    broken = html.replace(
        "</main>", "<img src=x onerror=\"document.title='ran'\"><script>document.title='ran'</script></main>"
    )
    (site / "broken.html").write_text(broken, encoding="utf-8")
    visit = Visit(browser, site / "broken.html")
    assert visit.page.title() != "ran"
    assert any("Content Security Policy" in each for each in visit.wrong)
    visit.context.close()


def test_the_page_fits_its_screen_and_one_that_is_turned_or_made_smaller(browser, site):
    visit = Visit(browser, site / "whole.html", viewport={"width": 375, "height": 800})
    for width in (375, 768, 1920, 375):
        visit.page.set_viewport_size({"width": width, "height": 800})
        visit.until(f"document.documentElement.scrollWidth === {width}")
    visit.context.close()


def test_the_reader_picks_the_metric_and_the_period_size(dynamics):
    pick = dynamics.page.locator("#dynamics .seg button")
    pick.filter(has_text="Conversion").click()
    pick.filter(has_text="quarter").click()
    bars = "document.querySelector('#dynamics .chart').data.filter(each => each.type === 'bar')"
    assert dynamics.page.evaluate(f"{bars}.filter(each => each.visible).map(each => each.meta)") == ["quarter"]
    assert "Conversion, %" in dynamics.page.locator("#dynamics .chart").text_content()
    assert pick.filter(has_text="quarter").get_attribute("aria-pressed") == "true"


def test_the_reader_picks_whom_to_compare(people):
    drawn = "[...document.querySelector('#managers_compared .chart').data].filter(each => each.visible === true).length"
    assert people.page.evaluate(drawn) == 3
    buttons = people.page.locator("#managers_compared .people button")
    buttons.nth(0).click()
    people.until(f"{drawn} === 2")
    assert buttons.nth(0).get_attribute("aria-pressed") == "false"
    buttons.nth(0).click()
    people.until(f"{drawn} === 3")


def test_a_manager_without_a_page_makes_this_one_about_him_and_a_second_click_about_all(lists):
    rows = "document.querySelectorAll('#managers tbody tr').length"
    name = lists.page.locator("#managers a.pickable").nth(0)
    everybody = lists.page.evaluate(rows)
    name.click()
    lists.until(f"{rows} === 1")
    assert lists.page.locator(".only").is_visible()
    assert lists.page.evaluate("document.querySelector('#deals select[data-name=manager]').value") != "0"
    lists.page.locator("#managers a.pickable").nth(0).press("Enter")
    lists.until(f"{rows} === {everybody}")
    assert not lists.page.locator(".only").is_visible()


def test_a_tile_leads_to_the_deals_behind_it(lists):
    lists.page.locator("a.tile", has_text="Lost").first.click()
    assert lists.page.locator("#deals .dt-info").inner_text() == "1–10 of 200"
    assert set(lists.page.locator("#deals tbody .pill").all_inner_texts()) == {"Lost"}


def test_a_list_can_be_searched_filtered_and_sorted_with_the_missing_last(lists):
    lists.page.locator("#deals select[data-name=counts]").select_option(label="All deals here")
    lists.page.locator("#deals select[data-name=manager]").select_option(label="Marat B.")
    assert lists.page.locator("#deals .dt-info").inner_text() == "1–10 of 75"
    lists.page.locator("#deals input[type=search]").fill("Заказ 3307")
    assert lists.count("#deals tbody tr") == 1
    lists.page.locator("#deals input[type=search]").fill("")
    lists.page.locator("#deals thead th", has_text="Money").click()
    first = lists.page.locator("#deals tbody tr").first.locator("td.num").first.inner_text()
    assert first != "—"
    lists.page.locator("#deals thead th", has_text="Money").click()
    assert lists.page.locator("#deals tbody tr").first.locator("td.num").first.inner_text() != "—"


def test_the_total_stays_at_the_bottom_when_managers_are_sorted(lists):
    lists.page.locator("#managers thead th", has_text="Created").click()
    rows = lists.page.locator("#managers table tr").all_inner_texts()
    assert rows[-1].startswith("Total")
    assert "72" in rows[1]


def test_a_number_says_its_formula_when_pointed_at(lists):
    lists.page.emulate_media(reduced_motion="reduce")
    lists.page.locator("#managers td.rate").first.hover()
    lists.until("document.getElementById('tip').matches(':popover-open')")
    assert "won in the period ÷ created in the period" in lists.page.locator("#tip").inner_text()
    lists.page.keyboard.press("Escape")
    lists.until("!document.getElementById('tip').matches(':popover-open')")


def test_a_question_mark_says_what_each_number_of_its_element_means(lists):
    lists.page.locator("#managers .q").click()
    lists.until("document.getElementById('managers-q').matches(':popover-open')")
    words = lists.page.locator("#managers-q")
    assert "Conversion" in words.locator("dt").all_inner_texts()
    assert any(text.startswith("= won in the period ÷") for text in words.locator("code").all_inner_texts())
    lists.page.keyboard.press("Escape")


def test_money_that_its_column_rounds_is_pointed_at_and_saved_in_full(lists):
    cell = lists.page.locator("#managers tbody td[title$='₽']").first
    in_full = cell.get_attribute("title").removesuffix("₽").replace("\N{NO-BREAK SPACE}", "")
    assert float(cell.get_attribute("data-order")) == pytest.approx(float(in_full), abs=0.5)
    assert len(cell.inner_text()) < len(in_full)
    cell.hover()
    lists.until("document.getElementById('tip').matches(':popover-open')")
    assert in_full in lists.page.locator("#tip").inner_text().replace("\N{NO-BREAK SPACE}", "")
    with lists.page.expect_download() as saved:
        lists.page.locator("#managers button", has_text="CSV").first.click()
    header, *lines = Path(saved.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert "Won money,\N{NO-BREAK SPACE}₽" in header
    assert any(in_full in line for line in lines)


def test_the_data_of_a_chart_is_beneath_it_and_can_be_saved(reasons):
    reasons.page.locator("#loss_reasons summary").click()
    with reasons.page.expect_download() as saved:
        reasons.page.locator("#loss_reasons .tools button").click()
    lines = Path(saved.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 5
    assert lines[1].startswith("Слишком дорого,48")


def test_a_saved_list_has_the_rows_that_are_shown_and_no_formula(lists):
    lists.page.locator("#deals select[data-name=counts]").select_option(label="All deals here")
    with lists.page.expect_download() as saved:
        lists.page.locator("#deals .tools button").click()
    lines = Path(saved.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 601
    assert lines[3].startswith("\"'=HYPERLINK(")


def test_dark_and_light_change_with_the_readers_setting(dynamics):
    ink = "document.querySelector('#dynamics .chart').data[0].marker.color"
    assert dynamics.page.evaluate(ink) == charts.THEME["accent"][0]
    dynamics.page.emulate_media(color_scheme="dark")
    dynamics.until(f"{ink} === '{charts.THEME['accent'][1]}'")
    assert dynamics.page.evaluate("document.querySelector('#dynamics .chart').clientHeight") == 380


def test_on_paper_charts_are_light_and_fit_the_sheet(browser, site):
    visit = Visit(browser, site / "whole.html", color_scheme="dark")
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    visit.until("document.querySelector('#dynamics .main-svg').getAttribute('width') === '680'")
    assert (
        visit.page.evaluate("document.querySelector('#dynamics .chart').data[0].marker.color")
        == charts.THEME["accent"][0]
    )
    assert len(visit.page.pdf(prefer_css_page_size=True)) > 50_000
    visit.context.close()


def test_the_first_answer_to_a_question_is_open_and_the_rest_is_one_click_away(folded):
    summaries = folded.texts("details.more>summary")
    assert summaries[:3] == ["From stage to stage, by manager", "Managers over time", "Side by side"]
    assert summaries[-2:] == ["Deals", "What the words mean"]
    assert folded.page.locator("#funnel .main-svg").first.is_visible()
    assert not folded.page.locator("#managers_compared").is_visible()
    folded.page.locator("details.more>summary", has_text="Side by side").click()
    folded.until("document.querySelector('#managers_compared .chart').dataset.drawn > 0")
    width = "document.querySelector('#managers_compared .main-svg').clientWidth"
    assert folded.page.evaluate(f"{width} === document.querySelector('#managers_compared .chart').clientWidth")


def test_a_tile_opens_the_list_behind_it(folded):
    assert not folded.page.locator("#deals").is_visible()
    folded.page.locator("a.tile", has_text="Lost").first.click()
    folded.page.locator("#deals .dt-info").wait_for()
    assert folded.info("deals") == "1–10 of 200"


def test_the_contents_follow_and_say_where_one_is(folded):
    folded.page.emulate_media(reduced_motion="reduce")
    assert folded.texts("nav.contents a") == ["Over time", "How far deals come", "Managers", "Why deals are lost"]
    folded.page.locator("nav.contents a", has_text="Managers").click()
    folded.until("document.querySelector('nav.contents [aria-current]')?.textContent === 'Managers'")
    top = "document.querySelector('nav.contents').getBoundingClientRect()"
    assert folded.page.evaluate(f"{top}.top") == 0
    assert folded.page.evaluate(f"document.querySelector('#managers h2').getBoundingClientRect().top >= {top}.bottom")


def test_paper_has_what_is_folded_and_the_screen_is_as_before_after_it(folded):
    folded.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    folded.until("document.querySelector('#managers_compared .main-svg')?.getAttribute('width') === '680'")
    assert folded.count("details.more:not([open])") == 0
    folded.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert folded.count("details.more[open]") == 0


def test_without_scripts_the_tables_can_be_read(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((site / "whole.html").as_uri())
    assert page.locator("#managers tbody tr").count() == 8
    assert page.locator("#deals tbody tr").count() == tables.AT_ONCE
    context.close()


def test_every_control_has_a_name_and_every_table_a_caption(whole):
    controls = "[...document.querySelectorAll('button, input, select, a[href]')]"
    names = whole.page.evaluate(f"{controls}.map(each => each.ariaLabel || each.textContent)")
    assert len(names) > 20
    assert all(name.strip() for name in names)
    assert whole.count("main table:not(:has(caption))") == 0
    assert whole.count("main, header, nav[aria-label], h1") >= 4
