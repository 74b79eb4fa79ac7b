import re
from operator import attrgetter

import openpyxl
import pytest
import xlsxwriter

from crm_reports import charts, metrics  # noqa: F401  (importing metrics registers them)
from crm_reports.look import workbook
from crm_reports.words import units

NAN = float("nan")


@pytest.fixture(autouse=True)
def _roubles():
    units.use(currency="RUB")
    yield
    units.use()


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
    workbook.workbook([HEADER, element("deals", rows, COLUMNS, "Deals"), element("x", [], COLUMNS, "Deals")], path)
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
    workbook.workbook([header, element("deals", rows, columns, "Deals")], tmp_path / "report.xlsx")
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
    names = workbook.sheet_names(titles * 12)
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
    workbook.workbook(elements, tmp_path / "x.xlsx")
    names = openpyxl.load_workbook(tmp_path / "x.xlsx").sheetnames
    assert (len(names), names[1], names[2], names[12]) == (
        13, "Deals that were won, by the man", "Deals that were won, by the (2)", "Deals that were won, by th (12)",
    )  # fmt: skip


@pytest.mark.parametrize(
    "name", ["_write_rows", "_check_dimensions", "str_table._get_shared_string_index", "style._get_xf_index"]
)
def test_xlsxwriter_has_the_private_names_that_columns_are_written_with(tmp_path, name):
    with xlsxwriter.Workbook(str(tmp_path / "x.xlsx")) as book:
        sheet = book.add_worksheet()
        sheet.style = book.add_format()
        assert callable(attrgetter(name)(sheet))


def test_missing_numbers_have_no_cell_and_other_kinds_keep_theirs(tmp_path):
    columns = [
        {"name": name, "title": name, "unit": unit}
        for name, unit in (("won", "count"), ("is_won", "flag"), ("title", "text"))
    ]
    rows = [{"won": None, "is_won": True, "title": "a <b> & c"}, {"won": 0.1, "is_won": False, "title": ["x", 1]}]
    workbook.workbook([HEADER, element("deals", rows, columns, "Deals")], tmp_path / "x.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx")["Deals"]
    assert [[cell.value for cell in row] for row in sheet["A3:C4"]] == [
        [None, True, "a <b> & c"],
        [0.1, False, '["x", 1]'],
    ]
    assert sheet.dimensions == "A1:C4"


def test_a_text_that_comes_again_stands_in_the_workbook_once_and_is_counted_as_often_as_it_comes(tmp_path):
    column = {"name": "title", "title": "Deal", "unit": "text"}
    rows = [{"title": text} for text in ("Roof", "Roof", "Wall", "Roof")]
    with xlsxwriter.Workbook(str(tmp_path / "x.xlsx")) as book:
        sheet = book.add_worksheet(None, workbook._Columns)
        style = book.add_format()
        sheet.add(0, [row["title"] for row in rows], [style] * 4, blanks=[False] * 4)
        assert (sheet.str_table.unique_count, sheet.str_table.count) == (2, 4)
    workbook.workbook([HEADER, element("deals", rows, [column], "Deals")], tmp_path / "y.xlsx")
    assert [cell.value for cell in openpyxl.load_workbook(tmp_path / "y.xlsx")["Deals"]["A"][2:]] == [
        "Roof", "Roof", "Wall", "Roof",
    ]  # fmt: skip
