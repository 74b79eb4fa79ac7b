"""What the sales plan says: shall we make it, who is where, how it was before."""

import pandas as pd
import pytest

from crm_reports import elements
from crm_reports.measures.load import load
from plans import ANNA, BORIS, DEALS, HISTORY, line
from stores import make_store


def opened(folder, *lines, period="2025-03", as_of="2025-03-15", **filters):
    settings = make_store(folder, deals=DEALS, stage_history=HISTORY, plan_lines=list(lines))
    return load(period=period, as_of=as_of, settings=settings, **filters)


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "as_of", "sentence"),
    [  # won: 350 by the 15th, when 10 of 21 working days are gone, and 450 in all
        (840, "2025-03-15", "350 ₽ of 840 ₽ is won, 50 ₽ behind the pace; each of the 11 working days left must bring 45 ₽, a day so far brought 35 ₽"),
        (525, "2025-03-15", "350 ₽ of 525 ₽ is won, 100 ₽ ahead of the pace; each of the 11 working days left must bring 16 ₽, a day so far brought 35 ₽"),
        (300, "2025-03-15", "The plan is made: 350 ₽ of 300 ₽, 116.7 %"),
        (900, "2025-04-01", "The plan was missed by 450 ₽: 450 ₽ of 900 ₽, 50 %"),
        (840, "2025-03-31", "450 ₽ of 840 ₽ is won, 350 ₽ behind the pace; the 1 working day left must bring 390 ₽, a day so far brought 22 ₽"),
        (840, "2025-02-20", "0 ₽ of 840 ₽ is won, just on pace; each of the 21 working days left must bring 40 ₽"),
        (840, "2025-03-01", "0 ₽ of 840 ₽ is won, just on pace; each of the 21 working days left must bring 40 ₽"),
    ],
)  # fmt: skip
def test_the_heading_answers_shall_we_make_it(tmp_path, value, as_of, sentence):
    assert plain(elements.pace(opened(tmp_path, line("2025-03", value), as_of=as_of)).finding) == sentence


def test_without_a_plan_the_page_says_what_was_won_and_how_to_get_one(tmp_path):
    ds = opened(tmp_path, comparison="year_ago")
    tiles, way = elements.plan_tiles(ds), elements.pace(ds)
    assert tiles.table["metric"].tolist() == ["won_money", "won", "conversion", "average_check", "in_work_money"]
    assert tiles.note == "There is no sales plan: `crm-reports plan template` begins one (docs/plan.md)."
    assert plain(way.finding) == "Won so far: 350 ₽"
    assert "pace" not in way.table
    assert elements.plan_by_manager(ds).missing == tiles.note


def test_the_way_to_the_plan_adds_up_day_by_day_and_its_line_rises_on_working_days_alone(tmp_path):
    table = elements.pace(opened(tmp_path, line("2025-03", 2100), comparison="year_ago")).table.set_index("day")
    days = [str(day)[-2:] for day in table.index]
    so_far = dict(zip(days, table["so_far"], strict=True))
    assert (so_far["03"], so_far["04"], so_far["05"], so_far["14"]) == (0, 300, 350, 350)
    assert pd.isna(so_far["15"])
    line_of = dict(zip(days, table["pace"], strict=True))
    assert (line_of["02"], line_of["03"], line_of["08"], line_of["31"]) == (0, 100, 500, 2100)
    assert table["so_far_previous"].iloc[:14].eq(0).all()


def test_who_leads_and_how_many_are_on_pace(tmp_path):
    ds = opened(tmp_path, line("2025-03", 900), line("2025-03", 420, manager="1"), line("2025-03", 210, manager="2"))
    shown = elements.plan_by_manager(ds)
    assert shown.table["manager"].tolist()[:3] == ["Anna", "Boris", "handed out to nobody"]
    assert (
        plain(shown.finding) == "1 of 2 managers is on pace; Anna leads with 71.4 % of the plan"
    )  # 300 of 420; 200 are due
    assert (
        plain(shown.note)
        == "The company's plan is 900 ₽, its managers' add up to 630 ₽: 270 ₽ is handed out to nobody."
    )
    rest = shown.table.iloc[2]
    assert (rest["plan"], pd.isna(rest["attainment"])) == (270, True)
    assert shown.table.iloc[-1][["plan", "won_money"]].tolist() == [900, 350]


def test_more_handed_out_than_planned_is_named(tmp_path):
    shown = elements.plan_by_manager(opened(tmp_path, line("2025-03", 800), ANNA, BORIS))
    assert plain(shown.note) == "The company's plan is 800 ₽, its managers' add up to 900 ₽: 100 ₽ more is handed out."


def test_departments_come_by_how_much_of_their_plan_is_there(tmp_path):
    shown = elements.plan_by_department(opened(tmp_path, ANNA, BORIS))
    assert shown.table["department"].tolist()[:2] == ["Moscow", "Kazan"]  # 300 of 600, 50 of 300
    assert plain(shown.finding) == "Moscow leads with 50 % of its plan"


def test_months_that_are_over_tell_how_often_the_plan_was_made(tmp_path):
    lines = [line("2025-01", 10), line("2025-03", 400), line("2025-04", 99)]
    table = elements.plan_by_month(opened(tmp_path / "a", *lines)).table
    assert table["period"].tolist() == ["2025-03", "2025-01"]
    assert table["is_running"].tolist() == [True, False]
    assert table["attainment"].tolist() == [350 / 400, 0]
    over = elements.plan_by_month(opened(tmp_path / "b", *lines, as_of="2025-04-01"))
    assert over.finding == "The plan was made in 1 of 2 months"


def test_a_managers_own_page_says_his_plan_alone(tmp_path):
    ds = opened(tmp_path, line("2025-03", 9999), line("2025-03", 5000, department="10"), ANNA, BORIS, manager="Anna")
    shown = elements.plan_by_manager(ds)
    assert plain(shown.finding) == "50 % of the plan is there: 300 ₽ of 600 ₽"
    assert shown.table["manager"].tolist() == ["Anna"]
    texts = " ".join([*map(str, shown.table.to_numpy().ravel()), shown.finding, shown.note, elements.pace(ds).finding])
    assert not any(number in texts for number in ("9999", "9 999", "5000", "9399", "Boris"))


def test_the_chart_marks_today_and_draws_the_plan_beside_what_was_won(tmp_path):
    figure = elements.pace(opened(tmp_path, line("2025-03", 2100))).figure
    assert [trace.name for trace in figure.data] == ["won", "plan"]
    assert str(figure.layout.shapes[0].x0) == "2025-03-14"


def test_the_overview_says_in_one_sentence_where_the_plan_stands(tmp_path):
    planned = elements.needs_you(opened(tmp_path / "a", line("2025-03", 900), as_of="2025-04-01")).table
    first = planned.iloc[0]
    assert plain(first["text"]) == "The plan was missed by 450 ₽: 450 ₽ of 900 ₽, 50 %."
    assert (first["report"], first["element"]) == ("sales_plan", "pace")
    without = elements.needs_you(opened(tmp_path / "b", as_of="2025-04-01")).table
    assert len(without) == len(planned) - 1


def test_what_is_counted_can_be_planned_too_and_stands_in_a_table_of_its_own(tmp_path):
    lines = [
        line("2025-03", 4, metric="won", currency=""),
        line("2025-03", 3, metric="created", currency=""),
        line("2025-03", 900),
    ]
    shown = elements.plan_of_others(opened(tmp_path, *lines))
    assert shown.table.to_numpy().tolist() == [["Won", "4", "2", 0.5], ["Created", "3", "3", 1.0]]
    assert shown.finding == "1 of 2 other plans is made"
    assert elements.plan_of_others(opened(tmp_path / "b", line("2025-03", 900))).missing == (
        "Nothing but won money is planned for these days."
    )
