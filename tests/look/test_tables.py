import json
import re
from html.parser import HTMLParser

import openpyxl
import pandas as pd
import pytest

from crm_reports import charts, metrics  # noqa: F401  (importing metrics registers them)
from crm_reports.look import tables
from crm_reports.words import units

NAN = float("nan")
HOSTILE = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def _roubles():
    units.use(currency="RUB")
    charts.use_managers(["3", "20"])
    yield
    units.use()
    charts.use_managers([])


class Cells(HTMLParser):
    """The texts of a table's rows, cell by cell."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.open = [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.open = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.open = False

    def handle_data(self, data):
        if self.open:
            self.rows[-1][-1] += data.replace(units.SPACE, " ")


def rate(k, n, **more):
    return {"conversion": k / n if n else NAN, "conversion_k": k, "conversion_n": n, "conversion_low": 0.01,
            "conversion_high": 0.3} | more  # fmt: skip


MANAGERS = pd.DataFrame([
    {"manager": "Anna", "manager_id": "3", "won": 5, **rate(5, 48), "won_money": 1_369_522.0, "is_total": False},
    {"manager": "Boris", "manager_id": "20", "won": 1, **rate(1, 9), "won_money": NAN, "is_total": False},
    {"won": 6, **rate(6, 57), "won_money": 1_369_522.0, "is_total": True},
])  # fmt: skip

DEALS = pd.DataFrame([
    {"deal_id": "1", "title": HOSTILE, "url": "javascript:alert(2)", "status": "Won", "outcome": "won",
     "manager": HOSTILE, "manager_id": "3", "money": 100.0, "created_at": pd.Timestamp("2025-03-12T21:00Z"),
     "closed_at": pd.NaT},
    {"deal_id": "2", "title": "", "url": "https://a.example/?a=1&b=<2>", "status": "</script>", "outcome": "odd",
     "manager": None, "manager_id": "", "money": NAN, "created_at": pd.Timestamp("2025-03-13T21:00Z"),
     "closed_at": None},
])  # fmt: skip


def test_a_table_reads_without_scripts():
    assert Cells(tables.table(MANAGERS)).rows == [
        ["Manager", "Won", "Conversion, %", "Won money, ₽"],
        ["Anna", "5", "10.45 of 48", "1 369 522"],
        ["Boris", "1", "11.11 of 9", "—"],
        ["Total", "6", "10.56 of 57", "1 369 522"],
    ]


def test_the_total_stands_apart_from_the_rows_that_are_sorted():
    html = tables.table(MANAGERS)
    assert html.count("<tr", html.index("<tbody"), html.index("</tbody>")) == 2
    assert "Total" in html[html.index("<tfoot") :]


def test_few_are_grey_and_k_of_n_stands_under_the_rate():
    cells = re.findall(r'<td class="num rate( few)?"', tables.table(MANAGERS))
    assert cells == ["", " few", ""]


def test_a_column_is_sorted_by_its_bare_number_and_the_missing_has_none():
    html = tables.table(MANAGERS)
    assert 'data-order="1369522.0"' in html
    assert 'data-order=""' in html


def test_every_header_explains_its_number():
    html = tables.table(MANAGERS)
    assert "won in the period ÷ created in the period" in html[: html.index("</thead>")]


def test_what_differs_from_the_team_says_so_by_a_sign():
    table = MANAGERS.assign(conversion_differs=[True, False, None])
    html = tables.table(table)
    assert html.count('class="differs"') == 1
    assert "▼" in html  # 10.4 % is below the team's 10.5 %


def test_a_manager_has_a_dot_of_their_colour_and_a_place_for_a_link():
    html = tables.table(MANAGERS)
    assert f'<i class="dot {charts.look_of("3")}"></i><a data-link="manager:3">Anna</a>' in html


def test_a_whisker_shows_the_interval_and_the_teams_tick():
    assert tables.table(MANAGERS).count('class="ci"') == 3
    assert '<line class="team"' in tables.table(MANAGERS)


def test_a_change_stands_in_the_cell_with_its_sign():
    html = tables.table(pd.DataFrame([{"source": "Web", "won": 5, "won_previous": 4, "won_change": 0.25}]))
    assert 'class="good">▲' in html


def test_nothing_is_said_and_not_drawn():
    assert "Nothing in this period" in tables.table(MANAGERS.iloc[:0])
    assert "Nothing in this period" in tables.matrix(pd.DataFrame())


def test_a_deal_list_escapes_every_text_and_links_only_to_the_web():
    html = tables.table(DEALS)
    assert "<img" not in html
    assert "javascript:" not in html
    assert 'href="https://a.example/?a=1&amp;b=&lt;2&gt;"' in html
    assert html.count("</script>") == 1  # the one that closes the rows
    assert Cells(html).rows[2][0] == "untitled"


def test_the_rows_for_the_script_hold_all_deals_and_can_not_end_it():
    many = pd.concat([DEALS] * 40, ignore_index=True)
    html = tables.table(many)
    rows = json.loads(re.search(r'class="rows">(.*?)</script>', html, re.DOTALL)[1])
    assert len(rows) == 80
    assert html.count("<tr") == 1 + tables.AT_ONCE
    assert rows[0][:3] == [[HOSTILE, ""], ["Won", "won"], [HOSTILE, charts.look_of("3"), "3"]]
    assert rows[1][1] == ["</script>", ""]
    assert rows[1][3] == [None, "—", ""]


def test_a_long_list_is_packed_and_holds_all_its_rows():
    many = pd.concat([DEALS] * 1000, ignore_index=True).assign(is_touched=True, is_won=[True, False] * 1000)
    html = tables.table(many)
    packed = re.search(r'class="rows packed">(.*?)</script>', html, re.DOTALL)[1]
    rows = tables.rows_in(packed)
    assert [len(rows), rows[0][0], rows[0][-1], rows[1][-1]] == [2000, [HOSTILE, ""], 0b11, 0b01]
    assert len(packed) < len(json.dumps(rows)) / 10
    assert 'data-counts="[[&quot;touched&quot;' in html


@pytest.mark.parametrize(
    ("text", "is_web"),
    [("https://a.example/1", True), ("http://a.example", True), ("javascript:alert(1)", False),
     ("data:text/html,x", False), ("//a.example", False), ("https:", False), ("http://[", False), (None, False)],
)  # fmt: skip
def test_only_web_addresses_become_links(text, is_web):
    assert bool(tables.web_address(text)) is is_web


def conversion(manager, step, k, n, *, is_total=False):
    return {"pipeline": "B2B", "pipeline_id": "0", "stage": f"S{step}", "stage_id": str(step),
            "to_stage": f"S{step + 1}", "to_stage_id": str(step + 1), "manager": manager,
            "manager_id": manager, "is_total": is_total,
            "stage_conversion": k / n if n else NAN, "stage_conversion_k": k, "stage_conversion_n": n}  # fmt: skip


MATRIX = pd.DataFrame([
    conversion("A", 1, 30, 40), conversion("A", 2, 6, 30), conversion("B", 1, 2, 4), conversion("B", 2, 0, 0),
    conversion(None, 1, 32, 44, is_total=True), conversion(None, 2, 6, 30, is_total=True),
])  # fmt: skip


def test_a_matrix_has_managers_down_and_steps_across():
    assert Cells(tables.matrix(MATRIX)).rows == [
        ["Manager", "S1 → S2", "S2 → S3▼ narrowest"],
        ["A", "75.030 of 40", "20.06 of 30"],
        ["B", "50.02 of 4", "—"],
        ["Team", "72.732 of 44", "20.06 of 30"],
    ]


def test_a_matrix_tints_what_is_many_and_greys_what_is_few():
    html = tables.matrix(pd.concat([MATRIX, pd.DataFrame([conversion("C", 1, 10, 40)])]))
    assert html.count("--tint:var(--bad)") == 1  # C: 25 % against 72.7 %
    assert html.count('class="few"') == 3  # B twice, and C without a second step


def test_a_matrix_of_two_pipelines_names_them():
    other = MATRIX.assign(pipeline="Long <b>", pipeline_id="9")
    assert "<small>Long &lt;b&gt;</small>" in tables.matrix(pd.concat([MATRIX, other]))


def test_datatables_comes_from_the_installed_package_as_a_classic_script():
    script = tables.script()
    assert script.startswith("(()=>{")
    assert "window.DataTable=" in script
    assert not re.search(r"\bexport\s*\{", script)


def element(id, frame_rows, columns, title):
    return {"id": id, "kind": "table", "title": title, "columns": columns, "rows": frame_rows}


HEADER = {"id": "header", "kind": "header", "title": "", "currency": "RUB", "synced_at": "2025-03-12T21:00:00+00:00",
          "filters": {"time_zone": "Europe/Moscow"}, "words": [{"label": "Period", "text": "March", "narrows": False}],
          "quality": [{"code": "x", "count": 14, "text": "14 deals have no customer"}]}  # fmt: skip

COLUMNS = [
    {"name": "title", "title": "Deal", "unit": "text"}, {"name": "won_money", "title": "Won money", "unit": "money"},
    {"name": "conversion", "title": "Conversion", "unit": "share"}, {"name": "at", "title": "At", "unit": "instant"},
    {"name": "start", "title": "First day", "unit": "date"}, {"name": "is_total", "title": "Total", "unit": "flag"},
]  # fmt: skip


@pytest.fixture
def book(tmp_path):
    rows = [
        {"title": "=HYPERLINK(1)", "won_money": 8.5, "conversion": 0.109, "at": "2025-03-12T21:00:00+00:00",
         "start": "2025-03-01", "is_total": False},
        {"title": "http://a.example", "won_money": None, "conversion": NAN, "at": None, "start": None,
         "is_total": True},
    ]  # fmt: skip
    path = tmp_path / "report.xlsx"
    tables.workbook([HEADER, element("deals", rows, COLUMNS, "Deals"), element("x", [], COLUMNS, "Deals")], path)
    return openpyxl.load_workbook(path)


def test_a_workbook_has_a_sheet_per_element_after_the_one_about_it(book):
    assert book.sheetnames == ["About", "Deals", "Deals (2)"]


def test_a_sheet_hides_machine_names_and_shows_titles_with_units(book):
    sheet = book["Deals"]
    assert [cell.value for cell in sheet[1]] == ["title", "won_money", "conversion", "at", "start", "is_total"]
    assert sheet.row_dimensions[1].hidden
    assert [cell.value for cell in sheet[2]] == ["Deal", "Won money, ₽", "Conversion, %", "At", "First day", "Total"]
    assert "won in the period ÷ created" in sheet["C2"].comment.text


def test_a_sheet_holds_raw_numbers_local_time_and_texts_that_stay_texts(book):
    sheet = book["Deals"]
    assert (sheet["A3"].value, sheet["A3"].data_type) == ("=HYPERLINK(1)", "s")
    assert (sheet["B3"].value, sheet["B3"].number_format) == (8.5, '#,##0\\ "₽"')
    assert (sheet["C3"].value, sheet["C3"].number_format) == (0.109, "0.0%")
    assert str(sheet["D3"].value) == "2025-03-13 00:00:00"
    assert str(sheet["E3"].value) == "2025-03-01 00:00:00"
    assert [sheet["B4"].value, sheet["C4"].value, sheet["D4"].value] == [None, None, None]
    assert sheet["A4"].hyperlink is None


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_a_text_that_looks_like_a_formula_stays_a_text_when_somebody_edits_it(tmp_path, first):
    text = f"{first}1+1"
    columns = [{"name": "title", "title": text, "unit": "text"}]
    rows = [{"title": text}, {"title": "plain"}, {"title": text, "is_total": True}]
    header = HEADER | {"words": [{"label": text, "text": text, "narrows": False}]}
    tables.workbook([header, element("deals", rows, columns, "Deals")], tmp_path / "report.xlsx")
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")
    quoted = [book["Deals"][at] for at in ("A2", "A3", "A5")] + [book["About"][at] for at in ("A2", "B2")]
    assert all(cell.quotePrefix and cell.data_type == "s" for cell in quoted)
    assert not book["Deals"]["A4"].quotePrefix


def test_the_first_sheet_says_what_the_numbers_are_about(book):
    said = [row[0].value for row in book["About"].iter_rows()] + [row[1].value for row in book["About"].iter_rows()]
    assert {"Period", "March", "14 deals have no customer", "Conversion", "13 Mar 2025, 00:00"} <= set(said)


def _as_excel_counts(name):
    return len(name.encode("utf-16-le")) // 2


def test_sheet_names_are_what_excel_allows():
    titles = [
        "a" * 40,
        "A" * 40,
        "[x]:*?/\\y",
        "",
        "\x00\ud800",
        "history",
        "'q'",
        "'" * 40,
        "b" * 30 + "'c",
        "\U0001f600" * 40,
    ]
    names = tables.sheet_names(titles * 12)
    assert len({name.casefold() for name in names} | {"history"}) == 121
    assert [name for name in names if not 0 < _as_excel_counts(name) <= 31] == []
    assert [name for name in names if re.search(r"[\[\]:*?/\\]|^'|'$", name) or not name.isprintable()] == []


def test_twelve_elements_of_one_long_title_have_twelve_sheets(tmp_path):
    column = {"name": "won", "title": "Won", "unit": "count"}
    title = "Deals that were won, by the manager who won them"
    elements = [
        {"id": f"e{at}", "kind": "table", "title": title, "columns": [column], "rows": [{"won": at}]}
        for at in range(12)
    ]
    tables.workbook(elements, tmp_path / "x.xlsx")
    names = openpyxl.load_workbook(tmp_path / "x.xlsx").sheetnames
    assert (len(names), names[1], names[2], names[12]) == (
        13, "Deals that were won, by the man", "Deals that were won, by the (2)", "Deals that were won, by th (12)",
    )  # fmt: skip


STEP = pd.DataFrame([{"manager": "Anna", "manager_id": "1", "stage": "Request", "stage_conversion": 0.45, "stage_conversion_k": 9,
                      "stage_conversion_n": 20, "stage_conversion_differs": True, "team_conversion": 0.632}])  # fmt: skip


def test_the_arrow_compares_with_the_team_that_the_row_names_where_a_table_has_no_total():
    assert ">▼</b>" in tables.table(STEP)
    assert ">▲</b>" in tables.table(STEP.assign(team_conversion=0.2))


def test_without_a_team_there_is_no_arrow():
    assert 'class="differs"' not in tables.table(STEP.drop(columns="team_conversion"))
