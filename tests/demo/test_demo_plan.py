"""The plan that the invented company comes with."""

from datetime import date

import bitrix24_demo as demo


def test_the_plan_has_a_line_for_each_manager_and_month_but_the_newest_and_asks_more_of_the_company():
    company = demo.invent(deals=600, seed=1, months=26, today=date(2025, 6, 16))
    head, *lines = [line.split(",") for line in demo.plan(company).splitlines()]
    assert head == ["period", "metric", "manager", "value"]
    months = sorted({period for period, *_rest in lines})
    assert (len(months), months[0], months[-1]) == (15, "2024-06", "2025-08")
    june = {manager: int(value) for period, _metric, manager, value in lines if period == "2025-06"}
    own = june.pop("")
    assert abs(own - sum(june.values()) * 1.05) <= 50_000  # rounded to 100 000
    winners = {
        deal["ASSIGNED_BY_ID"] for deal in company.deals if deal["STAGE_SEMANTIC_ID"] == "S" and deal["OPPORTUNITY"]
    }
    assert str(max(winners)) not in june


def test_january_is_asked_less_than_march():
    company = demo.invent(deals=600, seed=1, months=26, today=date(2025, 6, 16))
    lines = [line.split(",") for line in demo.plan(company).splitlines()]
    whole = {period: int(value) for period, _metric, manager, value in lines[1:] if not manager}
    assert whole["2025-01"] < whole["2025-03"]
