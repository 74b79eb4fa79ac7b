import re

import nbformat
import pandas as pd
import plotly.graph_objects as go
import pytest

from crm_reports import charts, metrics  # noqa: F401  (importing metrics registers them)
from crm_reports.look import completeness, lists, matrix, page, publish, scripts, tables
from crm_reports.look.publish import Link
from crm_reports.words import units

FRAME = pd.DataFrame(
    [{"manager": "Anna", "manager_id": "3", "won": 5}, {"manager": "Boris", "manager_id": "4", "won": 2}]
)


def code(*outputs, source="crm.show(…)", tags=()):
    cell = nbformat.v4.new_code_cell(source, metadata={"tags": list(tags)})
    cell.outputs = [nbformat.v4.new_output("display_data", data=data) for data in outputs]
    return cell


@pytest.fixture
def notebook(monkeypatch):
    shown = []
    page.forget()  # whatever another test's report lacked
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    page.show(charts.bars(FRAME, x="manager", y="won"), "managers", data=FRAME)
    page.show(FRAME, "sources")
    say = nbformat.v4.new_markdown_cell
    cells = [
        say("# Sales <script>alert(1)</script>\nThe question, [once](javascript:alert(2))."),
        code(source="period: str = 'x'", tags=["parameters"]), say("## Who?"), code(shown[0]), say("## And?"),
        code(shown[1]), say("## Things to try", metadata={"tags": ["recipes"]}),
    ]  # fmt: skip
    yield nbformat.v4.new_notebook(cells=cells)
    units.use()


def test_a_page_has_the_charts_and_tables_and_no_code(notebook):
    html = publish.html(notebook)
    assert completeness.missing_from(html, notebook) == []
    assert "crm.show" not in html
    assert "period: str" not in html
    assert "Things to try" not in html
    assert html.count('class="figure"') == 1


def test_the_code_is_there_when_asked(notebook):
    assert "crm.show(…)" in publish.html(notebook, show_code=True)


def test_a_page_says_what_a_number_means_once_for_all_its_headers_and_question_marks(notebook):
    html = publish.html(notebook)
    texts = lists.unpacked(re.search(r'class="tips">(.*?)</script>', html)[1])
    won = next(text for text in texts if text.startswith("Won\n"))
    meaning, formula = won.split("\n")[1:]
    assert html.count(meaning) == html.count(formula) == 1
    headers = re.findall(r'<th scope="col"[^>]* data-word="(\d+)" data-name="won"', html)
    marks = re.findall(r'<dl data-words="(\d+)"></dl>', html)
    assert {texts[int(place)] for place in headers + marks} == {won}
    assert (len(headers), len(marks)) == (2, 2)


@pytest.mark.parametrize("kind", ["table", "matrix"])
def test_what_is_one_click_away_is_packed_after_its_first_rows_and_nothing_of_it_is_missing(kind):
    names = [f"<b>Name {number}</b>" for number in range(30)]
    frame = pd.DataFrame({"manager": names, "manager_id": [*map(str, range(30))], "loss_reason": "Price", "lost": 1})
    html = tables.table(frame) if kind == "table" else matrix.matrix(frame, columns=["loss_reason"], value="lost")
    folded = tables.packed(html)
    assert folded.count("<tr", folded.index("<tbody>"), folded.index("</tbody>")) == tables.CLOSED_AT_ONCE
    lines = lists.unpacked(re.search(r'class="lines">(.*?)</script>', folded)[1])
    assert len(lines) == 30 - tables.CLOSED_AT_ONCE
    first = folded[folded.index("<tbody>") + len("<tbody>") : folded.index("</tbody>")]
    assert first + "".join(lines) in html
    assert [lacking(f'<section data-element="mine">{folded}</section>', rows) for rows in (30, 31)] == [False, True]


def lacking(page_html, rows):
    """Whether the page lacks any of an element's rows."""
    element = {"id": "mine", "kind": "table", "rows": [{"lost": 1}] * rows, "missing": ""}
    return bool(
        completeness.missing_from(page_html, nbformat.v4.new_notebook(cells=[code({publish.ELEMENT: element})]))
    )


def test_a_short_table_one_click_away_stays_as_it_is():
    assert tables.packed(tables.table(FRAME)) == tables.table(FRAME)


def test_the_question_stands_over_the_finding(notebook):
    assert '<p class="eyebrow">Who?</p>' in publish.html(notebook)


def test_markdown_can_bring_no_script(notebook):
    html = publish.html(notebook)
    assert "<script>alert" not in html
    assert "javascript:alert" not in html


def test_the_title_is_the_notebooks_first_heading_or_the_one_given(notebook):
    assert "<title>Sales &lt;script&gt;" in publish.html(notebook)
    assert "<title>A &amp; B</title>" in publish.html(notebook, title="A & B")


def test_the_policy_knows_one_script_and_no_address(notebook):
    html = publish.html(notebook)
    policy = html[html.index("default-src") : html.index('">', html.index("default-src"))]
    assert "http" not in policy
    assert "'unsafe-inline'" not in policy[: policy.index("style-src")]


@pytest.mark.parametrize("lost", ['id="managers" data-element="managers"', '"type":"bar"', "<tbody>"])
def test_whatever_is_lost_on_the_way_is_named(notebook, monkeypatch, lost):
    monkeypatch.setattr(lists, "PACKED_FROM", 10**6)  # a packed figure is lost as a whole
    html = publish.html(notebook)
    assert lost in html
    broken = {
        "<tbody>": html.replace("<tbody>", "<tbody><!--").replace("</tbody>", "--></tbody>"),
        '"type":"bar"': html.replace('"data":[{', '"data":[],"x":[{', 1),
    }.get(lost, html.replace(lost, ""))
    assert completeness.missing_from(broken, notebook)


def test_a_page_without_a_bare_chart_is_not_whole(notebook):
    html = publish.html(notebook)
    notebook.cells.append(code({page.FIGURE: {"data": [], "layout": {}}}))
    assert completeness.missing_from(html, notebook) == ["the page has 0 of the notebook's 1 charts without an id"]
    assert completeness.missing_from(publish.html(notebook), notebook) == []


def test_an_analysts_own_outputs_are_in_the_page(notebook):
    figure = go.Figure(go.Bar(y=[1]))
    notebook.cells += [
        code({page.FIGURE: figure.to_plotly_json(), "text/html": "x"}), code({"text/html": "<table><tr><td>own"}),
        code({"image/png": "iVBORw0="}), code({"text/plain": "<b>"}), code({"image/svg+xml": "<svg onload=alert(1)>"}),
    ]  # fmt: skip
    html = publish.html(notebook)
    for each in ("<table><tr><td>own", "data:image/png;base64,iVBORw0=", "<pre>&lt;b&gt;</pre>"):
        assert each in html
    assert "<svg onload" not in html


def test_names_become_links_only_where_there_is_a_page(notebook):
    html = publish.html(notebook, links=[Link("manager:3", 'a"b.html')])
    assert '<a data-link="manager:3" href="a&quot;b.html">Anna</a>' in html
    assert '<a data-link="manager:4">Boris</a>' in html


def test_reports_that_were_not_published_are_not_in_the_navigation(notebook):
    notebook.metadata["crm_reports"] = {"notebook": "overview.ipynb"}
    html = publish.html(notebook, links=[Link("report:overview", "o.html"), Link("night", "n.html", "12 Mar 2025")])
    assert '<a href="o.html" aria-current="page">Overview</a>' in html
    assert "Forgotten deals" not in html
    assert '<a href="n.html">12 Mar 2025</a>' in html


def test_the_scripts_come_in_the_page_or_lie_beside_it(notebook, tmp_path):
    inline, shared = publish.html(notebook), publish.html(notebook, assets="../assets/")
    scripts.assets(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert {name.split("-")[0] for name in names} == {"page", "plotly", "tables"}
    assert {f"../assets/{name}" for name in names} >= set(re.findall(r"\.\./assets/[\w.-]+", shared)) != set()
    assert len(shared) < 35_000 < 500_000 < len(inline) < 3_500_000


def test_a_page_without_charts_brings_no_plotly(notebook):
    notebook.cells = notebook.cells[:1]
    assert len(publish.html(notebook)) < 110_000  # plotly alone is ten times as much


def test_a_script_that_the_disk_had_no_room_for_is_written_whole_the_next_time(tmp_path):
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            scripts.assets(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    scripts.assets(tmp_path)
    sizes = {path.name.split("-")[0]: path.stat().st_size for path in tmp_path.glob("*.js")}
    assert sizes.keys() == {"page", "plotly", "tables"}
    assert min(sizes.values()) > 30_000


@pytest.mark.parametrize(("names", "is_titled"), [(["Anna <b>"], True), (["Anna <b>", "Boris"], False), ([], False)])
def test_the_title_of_a_page_about_one_manager_is_his_name_which_is_only_text(notebook, names, is_titled):
    people = [{"id": str(place), "name": name} for place, name in enumerate(names)]
    header = {"id": "header", "kind": "header", "title": "", "filters": {"manager": people}}
    notebook.cells.insert(1, code({page.ELEMENT: header, "text/html": '<div data-element="header"></div>'}))
    assert ("<h1>Anna &lt;b&gt;</h1>" in publish.html(notebook)) == is_titled


def test_a_question_s_first_answer_is_open_and_an_empty_one_is_no_answer(notebook, monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    page.show(None, "leads", missing="The portal has no leads.")
    page.show(FRAME, "first")
    page.show(FRAME, "second")
    notebook.cells.append(nbformat.v4.new_markdown_cell("## And then?"))
    notebook.cells.append(code(*shown))
    html = publish.html(notebook)
    assert html.count('<details class="more">') == 1
    assert html.index('id="first"') < html.index('<details class="more">') < html.index('id="second"')


def test_a_column_that_a_matrix_leaves_out_as_empty_is_not_missing_from_the_page(monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    rows = [
        {"stage": stage, "stage_id": stage, "manager": who, "manager_id": who, "is_total": False, "in_work": count}
        for stage, count in (("Cold", 3), ("Empty", 0)) for who in "AB"
    ]  # fmt: skip
    made = page.Element(page.replace(page.entry_of("stage_matrix")), None, pd.DataFrame(rows))
    page.show(made)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Sales"), code(*shown)])
    html = publish.html(notebook)
    assert "Empty" not in html.partition("<table")[2].partition("</table>")[0]
    assert completeness.missing_from(html, notebook) == []


def test_two_narrow_answers_in_a_row_are_a_pair_and_a_wide_one_stands_alone(notebook, monkeypatch):
    assert re.findall(r'class="pair"|class="half"|id="managers"|id="sources"', publish.html(notebook)) == [
        'class="pair"', 'class="half"', 'id="managers"', 'class="half"', 'id="sources"',
    ]  # fmt: skip
    shown = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    page.show(pd.DataFrame({f"column {number}": [number] for number in range(8)}), "wide")
    notebook.cells[5] = code(*shown)
    assert 'class="pair"' not in publish.html(notebook)


def test_the_contents_list_only_what_is_there_to_look_at(monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
    cells = [nbformat.v4.new_markdown_cell("# Sales")]
    for number in range(5):
        page.show(FRAME, f"there_{number}", title=f"There {number}")
        page.show(None, f"gone_{number}", title=f"Gone {number}", missing="Only deals in work are here.")
        cells += [nbformat.v4.new_markdown_cell("## What?"), code(*shown[:: -1 if number else 1])]
        shown.clear()
    contents = (
        publish.html(nbformat.v4.new_notebook(cells=cells)).partition('<nav class="contents"')[2].partition("</nav>")[0]
    )
    assert re.findall(r"There \d|Gone \d", contents) == [f"There {number}" for number in range(5)]


def test_what_needs_you_makes_a_page_a_front_page_whose_layout_no_selector_asks_of_its_contents(notebook):
    sentence = {"priority": 1, "text": "12 deals are forgotten", "report": "forgotten_deals", "element": "deals"}
    shown = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "display", lambda bundle, raw: shown.append(bundle))
        page.show(pd.DataFrame([sentence]), "needs_you")
    drawn = publish.html(nbformat.v4.new_notebook(cells=[*notebook.cells[:2], code(*shown), *notebook.cells[2:]]))
    assert '<main class="wrap front" id="main">' in drawn
    assert '<main class="wrap" id="main">' in publish.html(notebook)
    # The browser would style all of the page again for each text that a chart measures.
    assert "main:has(" not in drawn
