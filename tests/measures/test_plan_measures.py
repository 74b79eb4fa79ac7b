"""Plan against fact, worked out by hand: whose plan a page speaks of, and where it stands."""

from math import isnan

import pytest

import march
from crm_reports.filters import Period
from crm_reports.filters.periods import parse_period
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure, value_of
from crm_reports.sources.plan import FLOWS
from plans import ANNA, BORIS, DEALS, HISTORY, line
from stores import at, make_store, nights


def opened(folder, *lines, period="2025-03", as_of="2025-03-15", **filters):
    settings = make_store(folder, deals=DEALS, stage_history=HISTORY, plan_lines=list(lines))
    return load(period=period, as_of=as_of, settings=settings, **filters)


def numbers(ds, *names):
    return [value_of(ds, name) for name in names]


def plan_of(ds, period="2025-03"):
    return ds.plan.whole(parse_period(period, ds.filters.today))


def test_a_plan_half_way_through_its_month_by_hand(tmp_path):
    # Mid-March of 21 working days: 10 are gone (3 to 14 March), 11 left; won so far 300 + 50.
    ds = opened(tmp_path, line("2025-03", 1050))
    assert numbers(ds, "plan", "pace", "attainment", "pace_share", "gap") == [
        1050, 500, 350 / 1050, pytest.approx(350 / 500), 700
    ]  # fmt: skip
    assert numbers(ds, "needed_per_day", "brought_per_day") == [pytest.approx(700 / 11), 35]


def test_when_the_month_is_over_nothing_can_be_needed_any_more(tmp_path):
    ds = opened(tmp_path, line("2025-03", 1050), as_of="2025-04-01")
    assert numbers(ds, "pace", "attainment", "gap") == [1050, 450 / 1050, 600]
    assert isnan(value_of(ds, "needed_per_day"))


def test_once_the_plan_is_made_nothing_is_needed(tmp_path):
    ds = opened(tmp_path, line("2025-03", 200))
    assert numbers(ds, "needed_per_day", "gap", "attainment") == [0, -150, 1.75]


def test_on_the_first_of_the_month_nothing_should_be_there_yet(tmp_path):
    ds = opened(tmp_path, line("2025-03", 1050), as_of="2025-03-01")
    assert numbers(ds, "plan", "pace", "attainment", "needed_per_day") == [1050, 0, 0, 50]
    assert isnan(value_of(ds, "pace_share"))
    assert isnan(value_of(ds, "brought_per_day"))


def test_a_russian_january_is_paced_by_its_few_working_days(tmp_path):
    settings = make_store(tmp_path, deals=DEALS, stage_history=HISTORY, plan_lines=[line("2025-01", 1700)])
    ds = load(period="2025-01", as_of="2025-01-15", settings=settings.model_copy(update={"country": "RU"}))
    assert numbers(ds, "pace", "needed_per_day") == [400, 1700 / 13]  # 9, 10, 13, 14 January of 17 days


def test_in_may_no_day_off_is_waited_for(tmp_path):
    settings = make_store(tmp_path, deals=DEALS, stage_history=HISTORY, plan_lines=[line("2025-05", 1800)])
    ds = load(period="2025-05", as_of="2025-05-13", settings=settings.model_copy(update={"country": "RU"}))
    assert value_of(ds, "pace") == 400  # 5, 6, 7 and 12 May of 18 days: 1, 2, 8 and 9 May are off


def test_a_leap_day_counts(tmp_path):
    settings = make_store(tmp_path, deals=DEALS, stage_history=HISTORY, plan_lines=[line("2024-02", 2100)])
    ds = load(period="2024-02", as_of="2024-02-29", settings=settings)
    assert numbers(ds, "pace", "needed_per_day") == [2000, 2100]  # Thursday the 29th is the 21st day


def test_months_make_a_quarter_and_a_quarter_no_month(tmp_path):
    months = opened(tmp_path / "a", *(line(f"2025-0{month}", 100 * month) for month in (1, 2, 3)))
    assert (plan_of(months, "2025-Q1"), plan_of(months, "2025-01..2025-02")) == (600, 300)
    assert isnan(plan_of(months, "2025"))  # nine months are missing
    quarter = opened(tmp_path / "b", line("2025-Q1", 900), line("2025-03", 400))
    assert (plan_of(quarter, "2025-Q1"), plan_of(quarter, "2025-03")) == (900, 400)
    assert isnan(plan_of(quarter, "2025-01"))


def test_a_year_is_made_of_quarters_and_months_together(tmp_path):
    lines = [line("2025-Q1", 30), *(line(f"2025-{month:02}", 1) for month in range(4, 13))]
    assert plan_of(opened(tmp_path, *lines), "2025") == 39


def test_the_companys_plan_is_its_own_line_and_what_is_not_handed_out_is_nobodys(tmp_path):
    ds = opened(tmp_path, line("2025-03", 1000), ANNA, BORIS)
    assert value_of(ds, "plan") == 1000
    table = measure(ds, ["plan", "attainment"], by="manager", total=True).set_index("manager_id")
    assert table["plan"].tolist() == [600, 300, 100, 1000]
    assert table.loc["1", "attainment"] == 0.5


def test_the_companys_plan_without_a_line_is_the_sum_of_its_managers(tmp_path):
    assert value_of(opened(tmp_path, ANNA, BORIS), "plan") == 900


def test_a_department_has_its_own_line_else_its_peoples_and_those_below_count(tmp_path):
    lines = [ANNA, BORIS, line("2025-03", 1000, department="10")]
    whole = opened(tmp_path / "a", *lines)
    assert value_of(whole, "plan") == 1000
    table = measure(whole, ["plan"], by="department").set_index("department")["plan"]
    assert table.to_dict() == {"Kazan": 300, "Moscow": 700}  # Anna's 600, and 100 of Moscow's that nobody has
    assert value_of(opened(tmp_path / "b", *lines, department="Kazan"), "plan") == 300
    assert value_of(opened(tmp_path / "c", *lines, department="Moscow"), "plan") == 1000


def test_a_manager_without_a_plan_has_none_and_not_0(tmp_path):
    table = measure(opened(tmp_path, ANNA), ["plan", "attainment", "gap"], by="manager").set_index("manager")
    assert table.loc["Boris"].isna()[["plan", "attainment", "gap"]].all()
    assert table.loc["Anna", "attainment"] == 0.5


def test_a_page_about_one_manager_knows_his_plan_alone(tmp_path):
    lines = [line("2025-03", 9999), line("2025-03", 5000, department="10"), line("2025-03", 700, pipeline="0"), BORIS]
    ds = opened(tmp_path / "a", *lines, ANNA, manager="Anna")
    assert value_of(ds, "plan") == 600
    assert measure(ds, ["plan"], by="manager")["manager"].tolist() == ["Anna"]
    without = opened(tmp_path / "b", *lines, manager="Anna")
    assert isnan(value_of(without, "plan"))
    assert (
        without.plan.lack(without.filters.period)
        == "Nothing is planned for these days under these filters (docs/plan.md)."
    )


def test_a_manager_who_left_keeps_his_plan(tmp_path):
    managers = [
        {"manager_id": "1", "name": "Anna", "is_active": True},
        {"manager_id": "2", "name": "Boris", "is_active": False},
    ]
    settings = make_store(tmp_path, deals=DEALS, stage_history=HISTORY, managers=managers, plan_lines=[ANNA, BORIS])
    ds = load(period="2025-03", as_of="2025-04-01", settings=settings)
    assert measure(ds, ["plan", "attainment"], by="manager").set_index("manager").loc["Boris"].tolist()[1:3] == [
        300,
        50 / 300,
    ]


def test_a_pipeline_has_a_plan_of_its_own_under_its_filter(tmp_path):
    ds = opened(tmp_path, line("2025-03", 700, pipeline="0"), line("2025-03", 1000), ANNA, pipeline="Sales")
    assert value_of(ds, "plan") == 700
    assert isnan(measure(ds, ["plan"], by="manager").set_index("manager").loc["Anna", "plan"])


def test_a_plan_in_another_currency_is_converted_and_without_a_rate_it_is_missing(tmp_path):
    assert value_of(opened(tmp_path / "a", line("2025-03", 10, currency="USD")), "plan") == 900
    unpriced = opened(tmp_path / "b", line("2025-03", 10, currency="XXX"))
    assert isnan(value_of(unpriced, "plan"))
    assert unpriced.plan.lack(unpriced.filters.period) == "The plan is in XXX, which has no rate in the CRM."


def test_under_a_source_filter_there_is_no_plan_and_it_says_why(tmp_path):
    ds = opened(tmp_path, line("2025-03", 1000), source="Website")
    assert isnan(value_of(ds, "plan"))
    assert ds.plan.lack(ds.filters.period) == "A plan knows no sources: take the source filter away."


def test_where_only_the_quarter_is_planned_a_month_says_so(tmp_path):
    ds = opened(tmp_path, line("2025-Q1", 1000))
    assert ds.plan.lack(ds.filters.period) == "Nothing is planned for just these days; there is a plan for 2025-Q1."


def test_without_any_plan_the_page_says_how_to_get_one(tmp_path):
    ds = opened(tmp_path)
    assert ds.lacks["plan"] == "There is no sales plan: `crm-reports plan template` begins one (docs/plan.md)."
    assert isnan(value_of(ds, "plan"))
    assert value_of(ds, "brought_per_day") == 35


def test_an_old_night_has_the_plan_as_it_was_that_night_and_a_new_one_as_it_is(tmp_path):
    lines = [
        line("2025-03", 1000, known="2025-03-01 01:00"), line("2025-03", 1200, known="2025-03-10 01:00"),
        line("2025-03", None, known="2025-03-20 01:00"),
    ]  # fmt: skip
    settings = make_store(
        tmp_path,
        deals=DEALS,
        stage_history=HISTORY,
        plan_lines=lines,
        syncs=nights("2025-03-01", "2025-03-10", "2025-03-20"),
    )

    def plan_on(day):
        return plan_of(load(period="2025-03", as_of=day, settings=settings))

    assert (plan_on("2025-03-01"), plan_on("2025-03-10"), plan_on("2025-02-01")) == (1000, 1200, 1000)
    assert isnan(plan_on("2025-03-20"))


def test_a_plan_read_for_the_second_time_on_the_day_of_the_report_counts_at_once(tmp_path):
    lines = [line("2025-03", 1000, known="2025-03-10 09:00")]
    syncs = [
        *nights("2025-03-08", "2025-03-09", "2025-03-10"),
        nights("2025-03-10")[0] | {"synced_at": at("2025-03-10 09:00")},
    ]
    settings = make_store(tmp_path, deals=DEALS, stage_history=HISTORY, plan_lines=lines, syncs=syncs)
    assert plan_of(load(period="2025-03", as_of="2025-03-10", settings=settings)) == 1000
    assert isnan(plan_of(load(period="2025-03", as_of="2025-03-09", settings=settings)))


def test_managers_and_what_nobody_has_add_up_to_the_plan_by_department_too(tmp_path):
    lines = [ANNA, BORIS, line("2025-03", 500, department="11"), line("2025-03", 2000)]
    ds = opened(tmp_path, *lines)
    for by in ("manager", "department"):
        assert measure(ds, ["plan"], by=by)["plan"].sum() == 2000
    assert ds.plan.parts(Period(ds.filters.period.start, ds.filters.period.end)) == [
        ("1", "10", 600), ("2", "11", 300), ("", "11", 200), ("", "", 900),
    ]  # fmt: skip


def test_whatever_can_be_planned_is_a_metric_whose_months_add_up(tmp_path):
    settings = make_store(
        tmp_path, deals=march.DEALS, stage_history=march.HISTORY, activities=march.ACTIVITIES, comments=march.COMMENTS, leads=march.LEADS
    )  # fmt: skip
    months, both = (
        [load(period=period, as_of="2025-04-01", settings=settings) for period in periods]
        for periods in (("2025-02", "2025-03"), ("2025-02-01..2025-03-31",))
    )
    for name in FLOWS:
        assert sum(float(value_of(ds, name)) for ds in months) == pytest.approx(float(value_of(both[0], name))), name
    assert any(value_of(both[0], name) for name in FLOWS)
