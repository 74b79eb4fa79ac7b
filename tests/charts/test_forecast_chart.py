"""The forecast as a bar of three parts, and past forecasts beside what came: what stands where."""

from datetime import date

import pandas as pd

from crm_reports import charts

PARTS = pd.DataFrame({
    "part": ["won", "likely", "fresh", "total"], "forecast_part": ["Won", "Likely", "<b>Yet to come</b>", "All"],
    "expected_money": [4e6, 2e6, 1e6, 7e6], "forecast_low": [None, None, None, 5e6], "forecast_high": [None, None, None, 10e6],
    "is_total": [False, False, False, True],
})  # fmt: skip
PAST = pd.DataFrame({
    "start": [date(2025, 3, 1)] * 2, "looked_from_id": ["start", "week"], "came": [3e6, 3e6], "forecast": [2e6, 3e6],
    "forecast_low": [1e6, 2e6], "forecast_high": [2.5e6, 4e6], "is_inside": [False, True],
})  # fmt: skip
WAY = pd.DataFrame({
    "day": [date(2025, 3, 1), date(2025, 3, 2)], "so_far": [2e6, None], "pace": [5e6, 1e7], "forecast": [2e6, 6e6],
    "forecast_low": [2e6, 3e6], "forecast_high": [2e6, 8e6],
})  # fmt: skip


def test_each_part_begins_where_the_one_before_it_ends_and_the_range_lies_around_the_whole():
    won, likely, fresh, whole = charts.forecast(PARTS).data
    assert [(part.base[0], part.x[0]) for part in (won, likely, fresh)] == [(0, 4), (4, 2), (6, 1)]
    assert (whole.x[0], whole.error_x.arrayminus[0], whole.error_x.array[0]) == (7, 2, 3)
    assert won.opacity > likely.opacity > fresh.opacity
    assert "<b>" not in fresh.name


def test_the_plan_is_a_mark_across_and_the_axis_reaches_it():
    figure = charts.forecast(PARTS.assign(plan=[None, None, None, 12e6]))
    assert (figure.layout.shapes[0].x0, figure.layout.shapes[0].x1) == (12, 12)
    assert figure.layout.xaxis.range[1] > 12
    assert not charts.forecast(PARTS).layout.shapes


def test_what_the_range_did_not_hold_is_an_open_point_and_one_kind_is_seen_at_a_time():
    figure = charts.backtest(PAST)
    assert [trace.visible for trace in figure.data] == [True, True, False, False]
    assert [list(trace.marker.symbol) for trace in figure.data[1::2]] == [["circle-open"], ["circle"]]
    (menu,) = figure.layout.updatemenus
    assert [button.args[0]["visible"] for button in menu.buttons] == [
        [True, True, False, False],
        [False, False, True, True],
    ]


def test_the_way_to_the_plan_goes_on_in_the_forecast_s_range_over_which_no_fill_is_drawn():
    won, low, high, plan, forecast = charts.pace(WAY).data
    assert [line.name for line in (won, plan, forecast)] == ["won", "plan", "forecast, with its range"]
    assert (high.fill, plan.fill, forecast.fill) == ("tonexty", "none", "none")
    assert (list(low.y), list(high.y), list(forecast.y)) == ([2, 3], [2, 8], [2, 6])
    assert forecast.text[1] == "<b>2 Mar 2025</b><br>forecast 6\xa0M, 3\xa0M to 8\xa0M"


def test_a_period_of_which_no_day_is_over_says_so_in_place_of_empty_axes():
    figure = charts.pace(WAY[["day", "so_far"]].assign(so_far=float("nan")))
    assert figure.layout.annotations[0].text == "The period has just begun: no day of it is over yet."
    assert not figure.data


def test_figures_have_no_property_that_plotly_does_not_know():
    import plotly.graph_objects as go

    for figure in (charts.forecast(PARTS.assign(plan=6e6)), charts.backtest(PAST), charts.pace(WAY)):
        go.Figure(figure.to_dict())  # checked when it is taken
