"""What a click does, on the reports' own pages over stores made by hand: every name is somebody, every tile has its deals."""

import csv
import io
from functools import partial
from pathlib import Path

import pytest
from chromium import Shared, Visit, needed
from sellers import HOSTILE, company, report
from test_access_in_chromium import AXE, WRONG

from crm_reports import charts
from crm_reports.look import scripts
from crm_reports.look.publish import Link
from crm_reports.words import units
from crm_reports.words.texts import use

pytestmark = needed


@pytest.fixture(scope="module")
def publish_page(tmp_path_factory):
    """Write the page of a report with these parameters; where it is, and its elements."""
    folder = tmp_path_factory.mktemp("pages")
    scripts.assets(folder / "assets")
    yield partial(report, folder, company(tmp_path_factory.mktemp("store")))
    units.use()
    charts.use_managers([])
    use("en")


@pytest.fixture(scope="module")
def sales(publish_page):
    return publish_page("sales_dynamics")


@pytest.fixture
def whole(browser, sales):
    visit = Visit(browser, sales[0])
    yield visit
    visit.close()


@pytest.fixture(scope="module")
def opened(browser, publish_page):
    shared = Shared(partial(Visit, browser, publish_page("sales_dynamics", only=("tiles", "managers", "deals"))[0]))
    yield shared
    shared.close()


@pytest.fixture
def page(opened):
    """The tiles, the managers and their deals of the same report."""
    with opened.lent() as visit:
        yield visit


ROWS = "document.querySelectorAll('#{id} tbody tr:not(:has(.dt-empty))').length"


def _names(visit, id="managers"):
    return visit.page.locator(f"#{id} a.pickable").all_inner_texts()


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_click_on_any_name_leaves_that_persons_rows_and_nobody_elses(page, sales):
    names = _names(page)
    assert {"Андрей Ёлкин", "Zoë Müller", "Anna (3)", "Anna (4)", "Сергей", HOSTILE} <= set(names)
    listed = [row["manager"] for row in sales[1]["deals"]["rows"] if row["is_touched"]]
    for name, id in [
        (name, page.page.locator("#managers a.pickable").nth(place).get_attribute("data-link"))
        for place, name in enumerate(names)
    ]:
        page.page.locator(f"#managers a[data-link='{id}']").click()
        page.until(f"{ROWS.format(id='managers')} === 1")
        assert page.texts("#managers tbody th") == [name]
        assert page.info("deals").endswith(f" of {listed.count(name)}")
        assert set(page.texts("#deals tbody td:has(.dot)")) == {name}
        assert page.page.locator(".only b").inner_text() == name
        page.page.locator(".only button").click()
        page.until(f"{ROWS.format(id='managers')} === {len(names)}")
    assert page.wrong == []


def test_every_option_of_every_list_finds_its_rows(page):
    page.page.locator("#deals select[data-name=counts]").select_option(label="All deals here")
    for box in page.page.locator("#deals select:not([data-name=counts])").all():
        for option in range(1, box.locator("option").count()):
            box.select_option(index=option)
            assert page.count("#deals tbody tr:not(:has(.dt-empty))") > 0, (
                box.locator("option").nth(option).inner_text()
            )
        box.select_option(index=0)
    assert page.wrong == []


def test_somebody_without_rows_has_an_empty_list_that_says_so(browser, publish_page):
    path, _elements = publish_page("sales_dynamics", only=("tiles", "managers", "deals"))
    html = path.read_text(encoding="utf-8")
    name = '<a data-link="manager:7">Nobody&#39;s deals</a>'
    path.write_text(html.replace("<main", f"<p id=extra>{name}</p><main"), encoding="utf-8")
    visit = Visit(browser, path)
    visit.page.locator("#extra a").click()
    assert visit.page.locator("#deals td.dt-empty").inner_text() == "Nobody's deals has no rows here"
    assert visit.page.locator("#deals select[data-name=manager] option:checked").inner_text() == "Nobody's deals"
    visit.page.locator("#deals select[data-name=manager]").select_option(label="Сергей")
    assert not visit.page.locator(".only").is_visible()  # the banner names nobody any more
    assert set(visit.texts("#deals tbody td:has(.dot)")) == {"Сергей"}
    visit.close()


def test_what_is_typed_finds_names_whatever_their_accents(page):
    for typed, name in (
        ("елкин", "Андрей Ёлкин"),
        ("ЁЛКИН", "Андрей Ёлкин"),
        ("zoe muller", "Zoë Müller"),
        ("сергеи", "Сергей"),
    ):
        page.page.locator("#deals input[type=search]").fill(typed)
        assert set(page.texts("#deals tbody td:has(.dot)")) == {name}


def test_no_markup_in_a_name_is_ever_read_as_markup(browser, sales):
    visit = Visit(browser, sales[0])
    for button in visit.page.locator(
        ".seg button, a.pickable, .tools button, #deals thead th, a.tile[href^='#']"
    ).all():
        if button.is_visible():
            button.click()
            visit.page.keyboard.press("Escape")  # the rows behind a tile
    visit.page.locator(".only button").click()
    visit.page.locator("#deals input[type=search]").fill("<img")
    assert HOSTILE in visit.texts("#deals tbody th, #deals tbody td:has(.dot)")
    assert visit.count("main img, main b[onclick]") == 0
    assert visit.wrong == []
    visit.close()


# ── Tiles ────────────────────────────────────────────────────────────────────────────────────────────────────────────

NARROWED = [
    {},
    {"manager": ["Zoë Müller"]},
    {"source": ["Call"]},
    {"department": ["Kazan"]},
    {"period": "2026-01"},
    {"period": "2025-12"},
]
BEHIND = {
    "sales_dynamics": {"created": "created", "won": "won", "won_money": "won", "lost": "lost", "in_work": "in_work",
                       "in_work_money": "in_work", "forgotten": "forgotten"},
    "forgotten_deals": {"forgotten": "forgotten", "forgotten_money": "forgotten", "no_next_step": "without_step",
                        "next_step_overdue": "overdue"},
}  # fmt: skip
LIST = """() => {
  const table = new DataTable.Api(document.querySelector('#deals table.data'));
  table.page.len(-1).draw();
  const rows = table.rows().data().toArray();
  table.page.len(10).draw();
  const at = table.columns().indexes().toArray().find(place => table.column(place).header().dataset.name === 'money');
  return [rows.length, rows.map(row => row[at][0] ?? 0).reduce((sum, each) => sum + each, 0)];
}"""


@pytest.mark.parametrize("report", BEHIND)
@pytest.mark.parametrize("narrowed", NARROWED, ids=str)
def test_every_tile_has_as_many_deals_behind_it_as_it_says_to_the_cent(browser, publish_page, report, narrowed):
    path, elements = publish_page(report, only=("tiles", "deals"), **narrowed)
    visit = Visit(browser, path)
    visit.page.locator("#deals input[type=search]").fill("nothing like it") if visit.count(
        "#deals input[type=search]"
    ) else None
    for row in elements["tiles"]["rows"]:
        tile = visit.page.locator(f"a.tile[data-metric='{row['metric']}']")
        if not tile.count():  # of a period in which nothing happened, what is zero is left out
            assert row["value"] in (0, None)
        elif row["metric"] in BEHIND[report] and elements["deals"]["rows"]:
            tile.click()
            visit.page.locator("dialog .listed").click()
            count, money = visit.page.evaluate(LIST)
            told = money if row["metric"].endswith("money") else count
            assert told == pytest.approx(row["value"], abs=0.005), row["metric"]
            chosen = visit.page.locator("#deals select[data-name=counts]")
            assert visit.info("deals") in ("", f"{'1–10' if count > 10 else f'1–{count}'} of {count}") or count == 0, (
                chosen
            )
    assert visit.wrong == []
    visit.close()


def test_a_tile_leads_to_the_report_that_has_its_deals(browser, publish_page):
    links = [Link("report:sales_dynamics", "there.html"), Link("report:forgotten_deals", "forgotten.html")]
    target, _elements = publish_page("sales_dynamics", only=("tiles", "deals"))
    path, _elements = publish_page("overview", links=links)
    (path.parent / "there.html").write_bytes(target.read_bytes())
    visit = Visit(browser, path)
    to = {tile.get_attribute("data-metric"): tile.get_attribute("href") for tile in visit.page.locator("a.tile").all()}
    assert to["in_work_money"] == "there.html#deals=in_work"
    assert to["forgotten_money"] == "forgotten.html#deals=forgotten"
    visit.page.locator("a.tile[data-metric=in_work_money]").click()
    visit.page.locator("dialog .listed").click()
    visit.until("document.querySelector('#deals select[data-name=counts] option:checked')?.textContent === 'In work'")
    assert visit.info("deals") == "1–10 of 54"
    visit.close()


# ── The rows behind a number ─────────────────────────────────────────────────────────────────────────────────────────

SHOWN = "document.querySelector('dialog.rows').open"


def test_a_click_on_a_number_shows_its_rows_and_the_sum_that_makes_it_again(page, sales):
    won = {row["metric"]: row["value"] for row in sales[1]["tiles"]["rows"]}
    assert not any("rows-" in address for address in page.requests)
    tile = page.page.locator("a.tile[data-metric=won_money]")
    tile.press("Enter")
    page.page.locator("dialog .sum").wait_for()
    count = f"Rows: {won['won']:.0f}"
    money = f"{won['won_money']:,.2f}".replace(",", "\N{NO-BREAK SPACE}").rstrip("0").rstrip(".")
    assert page.texts("dialog .sum") == [f"{count} · together: {money}\N{NO-BREAK SPACE}₽"]
    assert page.count("dialog tbody tr") == won["won"]
    assert page.page.evaluate("document.activeElement.className") == "close"
    page.page.keyboard.press("Escape")
    assert not page.page.evaluate(SHOWN)
    assert page.page.evaluate("document.activeElement.dataset.metric") == "won_money"
    assert page.count("img[src=x]") == 0
    assert page.wrong == []


def test_the_rows_of_a_cell_are_its_managers_alone_and_arrows_lead_to_the_next(page):
    row = page.page.locator("#managers tbody tr", has_text="Zoë Müller")
    rate = row.locator("td.rate").first
    k_of_n = rate.locator("i").first.inner_text()
    rate.click()
    page.page.locator("dialog .sum").wait_for()
    assert page.texts("dialog .sum")[0].startswith(f"{k_of_n} = ")
    assert page.texts("dialog .whose") == ["Zoë Müller"]
    assert {text.split(" · ")[0] for text in page.texts("dialog tbody th i")} == {"Zoë Müller"}
    marks = page.texts("dialog tbody td.num")
    assert marks.count("✓") == int(k_of_n.split(" ")[0])
    assert marks == sorted(marks, reverse=True)  # those that count come first
    page.page.keyboard.press("Escape")
    row.locator("td.num").first.evaluate("cell => { cell.tabIndex = 0; cell.focus(); }")
    page.page.keyboard.press("ArrowRight")
    second = row.locator("td.num").nth(1).evaluate("cell => cell === document.activeElement")
    page.page.keyboard.press("Enter")
    assert second
    assert page.page.evaluate(SHOWN)
    assert page.wrong == []


def test_on_a_phone_the_rows_are_a_sheet_in_which_axe_finds_nothing_wrong(browser, sales):
    visit = Visit(browser, sales[0], viewport={"width": 375, "height": 800}, has_touch=True, color_scheme="dark")
    visit.page.locator("a.tile[data-metric=won]").tap()
    visit.page.locator("dialog .sum").wait_for()
    box = visit.page.locator("dialog.rows").bounding_box()
    assert (box["x"], box["width"], box["y"] + box["height"]) == (0, 375, 800)
    assert visit.page.evaluate("document.documentElement.scrollWidth") == 375
    visit.page.evaluate(AXE)
    assert visit.page.evaluate(WRONG) == []
    visit.page.locator("dialog .close").tap()
    assert not visit.page.evaluate(SHOWN)
    assert visit.wrong == []
    visit.close()


# ── Down and up ──────────────────────────────────────────────────────────────────────────────────────────────────────

BAR = """([id, place]) => {
  const chart = document.querySelector(`#${id} .chart`), shown = chart.data.findIndex(trace => trace.type === 'bar' && trace.visible !== false);
  const bars = [...chart.querySelectorAll('.barlayer .trace')].filter(trace => trace.querySelector('path')).at(0).querySelectorAll('.point path');
  const box = bars[place].getBoundingClientRect();
  return [box.x + box.width / 2, box.y + box.height - 3];
}"""
LABELS = "[...document.querySelectorAll('#dynamics .xtick text')].map(node => [node.textContent, node.getAttribute('transform')])"


@pytest.mark.parametrize(
    ("language", "names"),
    [("en", ("month", "week", "Back", "Feb 2026")), ("ru", ("месяц", "неделя", "Назад", "февр. 2026"))],
)
def test_a_click_on_a_bar_goes_down_into_it_and_a_button_back_up(browser, publish_page, language, names):
    month, week, back, february = names
    path, _elements = publish_page(
        "sales_dynamics", only=("dynamics",), language=language, period="2025-10..2026-02-28"
    )
    visit = Visit(browser, path)
    pressed = "[...document.querySelectorAll('#dynamics .seg:first-child button[aria-pressed=true]')].map(node => node.textContent)"
    shown = "document.querySelector('#dynamics .chart')._fullLayout.xaxis"
    assert visit.page.evaluate(pressed) == [month]
    before = visit.page.evaluate(f"[{shown}.range, {LABELS}]")
    visit.page.locator("#dynamics .chart").scroll_into_view_if_needed()
    plot = "document.querySelector('#dynamics .nsewdrag').getBoundingClientRect().height"
    height = visit.page.evaluate(plot)
    visit.page.mouse.click(*visit.page.evaluate(BAR, ["dynamics", 4]))  # February
    visit.until(f"{pressed}[0] === '{week}'")
    labels = visit.page.evaluate(LABELS)
    assert len(labels) == 5  # the weeks of 26 January, 2, 9, 16 and 23 February
    assert all("rotate" not in (turn or "") and len(text) < 12 for text, turn in labels), labels
    assert visit.page.evaluate(plot) == pytest.approx(height, rel=0.15)
    assert visit.texts("#dynamics .crumb > *") == [f"← {back}", february]
    visit.page.locator("#dynamics .seg button", has_text="Conversion" if language == "en" else "Конверсия").click()
    assert len(visit.page.evaluate(LABELS)) == 5  # another number of the same weeks
    visit.page.locator("#dynamics .crumb button").click()
    visit.until(f"{pressed}[0] === '{month}'")
    assert visit.page.evaluate(f"[{shown}.range, {LABELS}]")[0] == before[0]
    assert [text for text, _turn in visit.page.evaluate(LABELS)] == [text for text, _turn in before[1]]
    assert visit.count("#dynamics .crumb button") == 0
    assert visit.wrong == []
    visit.close()


# ── Exports ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _saved(visit, button):
    with visit.page.expect_download() as saved:
        button.click()
    return list(csv.reader(io.StringIO(Path(saved.value.path()).read_text(encoding="utf-8-sig"))))


def test_a_saved_list_holds_the_rows_that_are_shown(page):
    page.page.locator("#deals select[data-name=manager]").select_option(label="Сергей")
    header, *lines = _saved(page, page.page.locator("#deals .tools button"))
    assert page.info("deals").endswith(f"of {len(lines)}") or len(lines) == page.count("#deals tbody tr")
    assert {line[header.index("Manager")] for line in lines} == {"Сергей"}


def test_every_element_that_shows_something_can_be_saved(whole):
    bare = whole.page.evaluate(
        "[...document.querySelectorAll('section.element:not(:has(>.missing, >.nothing))')]"
        ".filter(each => ![...each.querySelectorAll('button')].some(button => button.textContent === 'CSV')).map(each => each.id)"
    )
    assert bare == []
    ids = whole.page.evaluate("[...document.querySelectorAll('section.element')].map(each => each.id)")
    for place, id in enumerate(ids):
        if place % 8 == 7:  # Chromium asks before it saves an eleventh file of one page
            whole.page.reload(wait_until="load")
            whole.unfold()
        buttons = whole.page.locator(f"#{id} button", has_text="CSV")
        if buttons.count():
            lines = _saved(whole, buttons.first)
            assert len(lines) > 0, id
            assert not any(value[:1] in ("=", "+", "@", "\t", "\r") for line in lines for value in line), id
    assert whole.wrong == []


def test_a_share_is_saved_in_the_percent_that_its_header_says(page, sales):
    header, *lines = _saved(page, page.page.locator("#managers button", has_text="CSV").first)
    saved = {line[0]: line[header.index("Lost, share,\N{NO-BREAK SPACE}%")] for line in lines}
    shares = {row["manager"]: row["lost_share"] for row in sales[1]["managers"]["rows"] if not row["is_total"]}
    assert {name: float(text) for name, text in saved.items()} == pytest.approx(
        {name: 100 * share for name, share in shares.items()}
    )
