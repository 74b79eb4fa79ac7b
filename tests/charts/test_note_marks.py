"""Notes on days as marks on charts over time."""

from datetime import date
from types import SimpleNamespace

import pandas as pd

from crm_reports import charts, metrics  # noqa: F401  (importing metrics registers them)


def note(day, text="Prices", about=""):
    return SimpleNamespace(day=date.fromisoformat(day), text=text, about=about)


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
