import json
import re
from html.parser import HTMLParser
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from crm_reports import charts, metrics  # noqa: F401  (importing metrics registers them)
from crm_reports.look import cells, lists, matrix, tables
from crm_reports.metrics.registry import column, columns_of
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
        ["Manager", "Won", "Conversion, %", "Won money, M ₽"],
        ["Anna", "5", "10.45 of 48", "1.4"],
        ["Boris", "1", "11.11 of 9", "—"],
        ["Total", "6", "10.56 of 57", "1.4"],
    ]


def money_column(*values):
    """What a table of sources says of this won money: its header, then its cells."""
    html = tables.table(pd.DataFrame({"source": list("abc")[: len(values)], "won_money": list(values)}))
    return [row[1] for row in Cells(html).rows]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((3_978_200.0, 117_200.0, 0.0), ["Won money, k ₽", "3 978", "117", "0"]),  # the least would be 0.1 M
        ((19_186_984.0, 3_099_100.0, 144_160_432.0), ["Won money, M ₽", "19.2", "3.1", "144.2"]),
        ((562_663.0, 547.0, 12.0), ["Won money, k ₽", "563", "1", "< 1"]),  # what is not 0 is not written so
        ((99_000.0, 12_500.0, NAN), ["Won money, ₽", "99 000", "12 500", "—"]),
    ],
)
def test_money_of_a_column_is_written_in_one_way_that_its_header_names(values, said):
    assert money_column(*values) == said


def test_money_that_its_column_rounds_is_had_in_full_and_exported_so():
    html = tables.table(MANAGERS).replace(units.SPACE, " ")
    assert '<td class="num" data-order="1369522" title="1 369 522 ₽">1.4' in html
    assert 'data-in-full="Won money, ₽"' in html


def test_the_parts_of_one_change_are_written_in_one_way_so_that_they_can_be_added_up():
    parts = {"moved_by_win_rate": [400_000.0], "moved_by_cycle": [-9_000.0]}
    rows = Cells(tables.table(pd.DataFrame({"source": ["a"], **parts}))).rows
    assert rows[0][1:] == ["Moved by the win rate, k ₽", "Moved by the cycle, k ₽"]
    assert rows[1][1:] == ["400", "−9"]


def test_a_lists_money_stands_in_full():
    assert ", k" not in tables.table(DEALS.assign(money=[2_000_000.0, 300_000.0]))


def test_the_total_stands_apart_from_the_rows_that_are_sorted():
    html = tables.table(MANAGERS)
    assert html.count("<tr", html.index("<tbody"), html.index("</tbody>")) == 2
    assert "Total" in html[html.index("<tfoot") :]


def test_few_are_grey_and_k_of_n_stands_under_the_rate():
    cells = re.findall(r'<td class="num rate( few)?"', tables.table(MANAGERS))
    assert cells == ["", " few", ""]


def test_a_column_is_sorted_by_its_bare_number_and_the_missing_has_none():
    html = tables.table(MANAGERS)
    assert 'data-order="1369522"' in html
    assert 'data-order=""' in html


@pytest.mark.parametrize(
    ("value", "order"),
    [(1 / 3, "0.333333333333"), (5.0, "5"), (9_136_952_222.25, "9136952222.25"), (NAN, ""), ("2025-03", "2025-03")],
)
def test_what_a_column_is_sorted_by_is_no_longer_than_anybody_reads(value, order):
    assert cells.order(value) == order


def test_a_number_that_is_written_as_it_is_sorted_says_so_once():
    html = tables.table(pd.DataFrame({"source": ["Web", "Fair"], "won": [5, 1_285]}))
    assert '<td class="num">5</td>' in html
    assert f'<td class="num" data-order="1285">1{units.SPACE}285</td>' in html


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


@pytest.mark.parametrize("dimension", ["source", "department", "pipeline"])
def test_a_name_that_a_filter_knows_has_a_place_for_a_link(dimension):
    rows = [("Web <b>", "W&B", False), ("none", "", False), ("All", "", True)]
    html = tables.table(pd.DataFrame(rows, columns=[dimension, f"{dimension}_id", "is_total"]).assign(won=1))
    assert f'<a data-link="{dimension}:W&amp;B">Web &lt;b&gt;</a>' in html
    assert html.count("data-link") == 1


def test_a_whisker_shows_the_interval_and_the_teams_tick():
    assert tables.table(MANAGERS).count('class="ci"') == 3
    assert '<path class="team"' in tables.table(MANAGERS)


def test_a_change_stands_in_the_cell_with_its_sign():
    html = tables.table(pd.DataFrame([{"source": "Web", "won": 5, "won_previous": 4, "won_change": 0.25}]))
    assert 'class="good">▲' in html


def test_nothing_is_said_and_not_drawn():
    assert "Nothing in this period" in tables.table(MANAGERS.iloc[:0])
    assert "Nothing in this period" in matrix.matrix(pd.DataFrame())


def test_a_deal_list_escapes_every_text_and_links_only_to_the_web():
    html = tables.table(DEALS)
    assert "<img" not in html
    assert "javascript:" not in html
    assert 'href="https://a.example/?a=1&amp;b=&lt;2&gt;"' in html
    assert html.count("</script>") == 1  # the one that closes the rows
    assert Cells(html).rows[2][0] == "untitled"


def test_the_rows_for_the_script_hold_all_deals_and_can_not_end_it():
    html = tables.table(pd.concat([DEALS] * 20, ignore_index=True))
    text = re.search(r'class="rows">(.*?)</script>', html, re.DOTALL)[1]
    rows = lists.rows_in(text)
    assert len(rows) == 40
    assert "</" not in text
    assert html.count("<tr") == 1 + tables.AT_ONCE
    assert rows[0][:3] == [[HOSTILE, ""], ["Won", "won"], [HOSTILE, charts.look_of("3"), "3"]]
    assert rows[1][1] == ["</script>", ""]
    assert rows[1][3] == [None, "—"]
    assert rows[0][4] == ["2025-03-12 21:00:00+00:00", "12 Mar 2025"]


def test_a_long_list_is_packed_and_holds_all_its_rows():
    many = pd.concat([DEALS] * 1000, ignore_index=True).assign(is_touched=True, is_won=[True, False] * 1000)
    html = tables.table(many)
    packed = re.search(r'class="rows">(.*?)</script>', html, re.DOTALL)[1]
    rows = lists.rows_in(packed)
    assert [len(rows), rows[0][0], rows[0][-1], rows[1][-1]] == [2000, [HOSTILE, ""], 0b11, 0b01]
    assert len(packed) < len(json.dumps(rows)) / 10
    assert 'data-counts="[[&quot;touched&quot;' in html


@pytest.mark.parametrize(
    ("text", "is_web"),
    [("https://a.example/1", True), ("http://a.example", True), ("javascript:alert(1)", False),
     ("data:text/html,x", False), ("//a.example", False), ("https:", False), ("http://[", False), (None, False)],
)  # fmt: skip
def test_only_web_addresses_become_links(text, is_web):
    assert bool(cells.web_address(text)) is is_web


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
    assert Cells(matrix.matrix(MATRIX)).rows == [
        ["Manager", "S1 → S2", "S2 → S3▼ narrowest"],
        ["A", "75.030 of 40", "20.06 of 30"],
        ["B", "50.02 of 4", "—"],
        ["Team", "72.732 of 44", "20.06 of 30"],
    ]


def test_the_names_over_a_matrix_cut_the_page_but_not_where_its_deals_have_left_the_stage():
    rows = [
        {"manager": "Anna", "manager_id": "1", "stage": name, "stage_id": id, "in_work": 2, "is_total": False}
        for id, name in (("NEW", "Cold <base>"), ("*", "Total"))
    ]
    html = matrix.matrix(pd.DataFrame(rows), columns=("stage",), value="in_work")
    assert '<a data-link="stage:NEW">Cold &lt;base&gt;</a>' in html
    assert "stage:*" not in html
    lost = [{"loss_reason": "Dear", "stage": "Request", "stage_id": "REQ", "lost": 2, "is_total": False}]
    html = matrix.matrix(pd.DataFrame(lost), rows="loss_reason", columns=("stage",), value="lost")
    assert '<a data-link="loss_reason:Dear">Dear</a>' in html
    assert "stage:REQ" not in html


def test_a_stage_and_a_reason_in_a_table_cut_the_page_and_of_a_step_the_stage_alone_does():
    step = {"stage": "New", "stage_id": "NEW", "to_stage": "Request", "to_stage_id": "REQ", "stage_conversion": 0.5}
    assert '<a data-link="stage:NEW">New</a> → Request' in tables.table(pd.DataFrame([step]))
    assert '<a data-link="loss_reason:A &amp; B">A &amp; B</a>' in tables.table(
        pd.DataFrame([{"loss_reason": "A & B", "lost": 1}])
    )


def test_a_matrix_tints_what_is_many_and_greys_what_is_few():
    html = matrix.matrix(pd.concat([MATRIX, pd.DataFrame([conversion("C", 1, 10, 40)])]))
    assert html.count("--tint:var(--bad)") == 1  # C: 25 % against 72.7 %
    assert html.count('class="few"') == 3  # B twice, and C without a second step


def test_a_matrix_has_no_column_of_dashes():
    nobody = [conversion("A", 3, 0, 0), conversion(None, 3, 0, 0, is_total=True)]
    assert Cells(matrix.matrix(pd.concat([MATRIX, pd.DataFrame(nobody)]))).rows[0] == [
        "Manager", "S1 → S2", "S2 → S3▼ narrowest",
    ]  # fmt: skip


def test_the_colour_of_a_count_is_of_its_column():
    rows = [
        {"stage": stage, "stage_id": stage, "manager": who, "manager_id": who, "is_total": False, "in_work": count}
        for stage, counts in (("Cold", (200, 100)), ("Invoice", (4, 2))) for who, count in zip("AB", counts, strict=True)
    ]  # fmt: skip
    html = matrix.matrix(pd.DataFrame(rows), columns=("stage",), value="in_work")
    assert re.findall(r"--much:(\d+)%", html) == ["34", "34", "17", "17"]


def tables_of(html):
    """Each table of a matrix by the pipeline's name over it."""
    panes = re.findall(r'<div class="pane"><h3>(.*?)</h3>(.*?)</table>', html, re.DOTALL)
    return {name: Cells(table).rows for name, table in panes}


def test_a_matrix_of_two_pipelines_is_a_table_for_each_of_those_who_have_something_there():
    other = MATRIX[MATRIX["manager"] != "A"].assign(pipeline="Long <b>", pipeline_id="9")
    assert tables_of(matrix.matrix(pd.concat([MATRIX, other]))) == {
        "B2B": [
            ["Manager", "S1 → S2", "S2 → S3▼ narrowest"], ["A", "75.030 of 40", "20.06 of 30"], ["B", "50.02 of 4", "—"],
            ["Team", "72.732 of 44", "20.06 of 30"],
        ],
        "Long &lt;b&gt;": [
            ["Manager", "S1 → S2", "S2 → S3▼ narrowest"], ["B", "50.02 of 4", "—"], ["Team", "72.732 of 44", "20.06 of 30"],
        ],
    }  # fmt: skip


def test_what_is_over_all_stages_stands_beside_each_pipelines_and_says_so():
    rows = [
        {"pipeline": pipeline, "pipeline_id": pipeline, "stage": stage, "stage_id": stage, "manager": who,
         "manager_id": who, "is_total": False, "in_work": count}
        for pipeline, stage, who, count in (("P", "Cold", "A", 5), ("Q", "Bid", "B", 2), ("", "*", "A", 5), ("", "*", "B", 2))
    ]  # fmt: skip
    html = matrix.matrix(pd.DataFrame(rows), columns=("stage",), value="in_work")
    assert tables_of(html) == {
        "P": [["Manager", "Cold", "All pipelines*"], ["A", "5", "5"]],
        "Q": [["Manager", "Bid", "All pipelines*"], ["B", "2", "2"]],
    }


STEP = pd.DataFrame([{"manager": "Anna", "manager_id": "1", "stage": "Request", "stage_conversion": 0.45, "stage_conversion_k": 9,
                      "stage_conversion_n": 20, "stage_conversion_differs": True, "team_conversion": 0.632}])  # fmt: skip


def test_the_arrow_compares_with_the_team_that_the_row_names_where_a_table_has_no_total():
    assert ">▼</b>" in tables.table(STEP)
    assert ">▲</b>" in tables.table(STEP.assign(team_conversion=0.2))


def test_without_a_team_there_is_no_arrow():
    assert 'class="differs"' not in tables.table(STEP.drop(columns="team_conversion"))


def test_a_lists_column_says_each_text_once_and_days_as_whole_seconds():
    rows = DEALS.assign(stage=["Request", "Request"], duration_days=[1.5, NAN])
    kinds = {column("stage"): "text", column("duration_days"): "number"}
    stage, days = lists.Rows(rows).as_json(kinds, [])["columns"]
    assert stage == {"texts": ["Request"], "at": [0, 0]}
    assert days == {"parts": [[129_600, None], ["1.5", "—"]], "per": 86_400}


def test_a_columns_texts_that_follow_from_its_values_are_left_out_and_had_again():
    moments = pd.to_datetime(["2025-03-12T21:00:01Z", None, "1969-12-31T23:59:59Z"], utc=True)
    links = ["https://a.example/deal/7/", "javascript:x", "https://a.example/deal/12/"]
    rows = pd.DataFrame(
        {"title": ["A", "B", "C"], "url": links, "created_at": moments, "money": [1_285_000.0, NAN, 0.0]}
    )
    kinds = {entry: {"title": "title", "money": "number"}.get(entry.name, entry.unit) for entry in columns_of(rows)}
    made = lists.Rows(rows).as_json({entry: kind for entry, kind in kinds.items() if entry.name != "url"}, [])
    titles, instants, money = made["columns"]
    assert titles == {"parts": [["A", "B", "C"], ["7/", "", "12/"]], "start": "https://a.example/deal/"}
    assert instants["parts"][0] == [1_741_813_201, None, -1]
    assert money == {"parts": [[1_285_000, None, 0]], "threes": units.SPACE}
    first, second, third = lists.rows_in(lists.as_script(made))
    assert first[0] == ["A", "https://a.example/deal/7/"]
    assert first[1][0] == "2025-03-12 21:00:01+00:00"
    assert (first[2], second[2]) == ([1_285_000, f"1{units.SPACE}285{units.SPACE}000"], [None, "—"])
    assert (second[0], second[1], third[1][0]) == (["B", ""], [None, "—"], "1969-12-31 23:59:59+00:00")


@pytest.mark.parametrize("name", ["money", "created"])
def test_a_whole_number_is_written_as_its_digits_in_threes(name):
    whole = [0.0, 7.0, 99.0, 100.0, 999.0, 1_000.0, 1_285_000.0, 12_345_678_901.0]
    rows = pd.DataFrame({name: whole})
    entry = columns_of(rows)[0]
    made = lists.Rows(rows).as_json({entry: "number"}, [])
    texts = [text for (_number, text), _count in lists.rows_in(lists.as_script(made))]
    assert texts == [cells.text(value, entry.unit) for value in whole]


@pytest.mark.parametrize("money", [[0.5, 1.0], [-5.0, 5.0], [1e6, 0.25]])
def test_money_that_is_not_whole_or_below_nothing_keeps_its_texts(money):
    rows = pd.DataFrame({"money": money})
    entry = columns_of(rows)[0]
    column = lists.Rows(rows).as_json({entry: "number"}, [])["columns"][0]
    assert column["parts"][1] == [cells.text(value, "money") for value in money]


def test_a_columns_texts_are_those_that_each_value_has_alone():
    moments = pd.to_datetime(["2025-03-12T20:59Z", "2025-03-12T21:00Z", None, "2025-03-12T23:00Z"], utc=True)
    rows = pd.DataFrame(
        {"created_at": moments, "duration_days": [9.94, 10.46, 11.5, NAN], "money": [99.5, 100.5, NAN, 1e6]}
    )
    units.use(currency="RUB", zone=ZoneInfo("Europe/Moscow"))
    for entry in columns_of(rows):
        made = lists.Rows(rows).as_json({entry: "number"}, [])["columns"][0]["parts"][1]
        assert made == [cells.text(value, entry.unit) for value in rows[entry.name]]


def test_of_a_charts_numbers_the_first_rows_are_html_and_the_others_are_packed():
    many = pd.concat([MANAGERS.iloc[:2]] * 40, ignore_index=True)
    html = tables.table(many, is_closed=True)
    assert html.count("<tr") == 1 + tables.CLOSED_AT_ONCE
    assert len(html) < len(tables.table(many)) / 2
    lines = lists.unpacked(re.search(r'class="lines">(.*?)</script>', html, re.DOTALL)[1])
    assert Cells("".join(lines)).rows[-1] == ["Boris", "1", "11.11 of 9", "—"]
    assert len(lines) == 80 - tables.CLOSED_AT_ONCE


def test_instants_that_follow_each_other_are_their_steps_and_come_back_as_they_were():
    at = pd.to_datetime(["2025-03-13 00:00:00", None, "2025-03-13 00:01:00", "2025-03-13 00:00:30"], utc=True)
    made = lists.Rows(pd.DataFrame({"created_at": at})).as_json({column("created_at"): "instant"}, [])
    assert made["columns"][0]["parts"][0] == [1_741_824_000, None, 60, -30]
    assert [row[0][0] for row in lists.rows_in(lists.as_script(made))] == [
        "2025-03-13 00:00:00+00:00", None, "2025-03-13 00:01:00+00:00", "2025-03-13 00:00:30+00:00",
    ]  # fmt: skip
