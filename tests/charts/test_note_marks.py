"""Notes on days as marks on charts over time."""

from datetime import date
from types import SimpleNamespace

import pandas as pd

from crm_reports import charts, metrics  # noqa: F401  (importing metrics registers them)


def note(day, text="Prices", about="", manager_id=""):
    return SimpleNamespace(day=date.fromisoformat(day), text=text, about=about, manager_id=manager_id)


def over_time(*starts, size="month"):
    return pd.DataFrame({"size": size, "start": pd.to_datetime(list(starts)).date, "won": range(1, len(starts) + 1)})


MONTHS = over_time("2025-01-01", "2025-02-01", "2025-03-01")


def test_a_note_is_over_the_bar_whose_days_hold_its_day_and_numbered():
    figure = charts.dynamics(MONTHS)
    shown = charts.mark(figure, [note("2025-01-31"), note("2025-03-01"), note("2025-03-30", "Fair", "Service")])
    assert [of.text for of in shown] == ["Prices", "Prices", "Fair"]
    marks = figure.data[-1]
    assert (list(marks.x), list(marks.text)) == ([0, 2], ["1", "2, 3"])
    assert marks.hovertext[1].endswith("<b>30 Mar 2025</b> (Service)<br>Fair")


def test_what_happened_outside_the_chart_s_days_is_not_on_it():
    figure = charts.dynamics(MONTHS)
    assert charts.mark(figure, [note("2024-12-31"), note("2025-04-02")]) == []
    assert figure == charts.dynamics(MONTHS)


def test_each_period_size_has_marks_of_its_own_that_its_button_shows():
    figure = charts.dynamics(pd.concat([MONTHS, over_time("2024-01-01", "2025-01-01", size="year")]))
    charts.mark(figure, [note("2025-02-10")])
    months, years = figure.data[-2:]
    assert [(list(each.x), each.visible) for each in (months, years)] == [([1], True), ([1], False)]
    month, year = figure.layout.updatemenus[0].buttons
    assert (month.args[0]["visible"][-2:], year.args[0]["visible"][-2:]) == ([True, False], [False, True])
    assert list(year.args[2])[-2:] == [len(figure.data) - 2, len(figure.data) - 1]


def test_a_note_can_not_bring_tags_into_a_tooltip():
    figure = charts.dynamics(MONTHS)
    charts.mark(figure, [note("2025-02-10", "<img src=x onerror=alert(1)>", "%{x}<b>")])
    assert "<img" not in figure.data[-1].hovertext[0]
    assert "%{x}<b>" not in figure.data[-1].hovertext[0]


def test_a_chart_that_is_not_over_time_has_no_marks():
    figure = charts.bars(pd.DataFrame({"manager": ["Anna"], "won": [1]}), x="manager", y="won")
    assert charts.mark(figure, [note("2025-02-10")]) == []


ANNA_AND_BORIS = pd.concat([MONTHS.assign(manager_id=id, manager=name) for id, name in (("1", "Anna"), ("2", "Boris"))])


def test_small_charts_by_manager_have_a_line_through_the_month_and_what_is_noted_of_one_is_in_his_alone():
    figure = charts.small_multiples(ANNA_AND_BORIS, by="manager", y="won")
    there = [text.to_plotly_json() for text in figure.layout.annotations]
    count = len(there)
    notes = [note("2025-02-10"), note("2025-03-05", "Ill", manager_id="2"), note("2025-03-06", "Gone", manager_id="9")]
    assert [of.text for of in charts.mark(figure, notes)] == ["Prices", "Ill"]
    rules = [(rule.xref, rule.yref, rule.x0, rule.x1) for rule in figure.layout.shapes]
    assert rules == [("x", "y domain", 1, 1), ("x2", "y2 domain", 1, 1), ("x2", "y2 domain", 2, 2)]
    assert [text.text for text in figure.layout.annotations[count:]] == ["1", "1", "2"]
    assert len(figure.data) == 2
    assert [text.to_plotly_json() for text in figure.layout.annotations[:count]] == there  # the names over the charts


def test_those_picked_to_compare_have_one_line_through_the_month_for_all():
    figure = charts.compared(ANNA_AND_BORIS, metrics=["won"])
    charts.mark(figure, [note("2025-02-10", manager_id="2")])
    assert [(rule.x0, rule.yref) for rule in figure.layout.shapes] == [(1, "y domain")]
    assert len(figure.data) == 2  # a page makes a button of each
