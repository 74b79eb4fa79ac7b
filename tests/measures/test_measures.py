"""Metrics by dimension and by period: hand-counted cuts."""

from datetime import date

import pandas as pd
import pytest

from crm_reports import elements
from crm_reports.errors import MetricError
from crm_reports.filters import Period
from crm_reports.filters.periods import cut, label
from crm_reports.measures.activity_index import index_sensitivity
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure, missing, value_of
from crm_reports.measures.over_time import over_time, twelve_months
from crm_reports.measures.tiles import tiles
from crm_reports.metrics.registry import METRICS
from crm_reports.metrics.statistics import rank_correlation
from march import ACTIVITIES, COMMENTS, DEALS, HISTORY, LEADS, act
from stores import at, dataset, deal, make_store, moves

TABLES = {"deals": DEALS, "stage_history": HISTORY, "activities": ACTIVITIES, "comments": COMMENTS}


@pytest.fixture(scope="module")
def march(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("march"), **TABLES)


# ── By dimension ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_row_per_manager_and_a_total_measured_from_all_rows(march):
    table = measure(march, ["created", "won_money", "win_rate", "average_check"], by="manager", total=True)
    assert table["manager"].tolist()[:2] == ["Anna", "Boris"]
    assert table["created"].tolist() == [1, 3, 4]
    assert table["won_money"].tolist() == [1900, 0, 1900]
    assert table["average_check"].fillna(-1).tolist() == [950, -1, 950]  # Boris won 0 ₽ only
    assert (table["win_rate_k"].tolist(), table["win_rate_n"].tolist()) == ([2, 1, 3], [2, 2, 4])
    assert table["is_total"].tolist() == [False, False, True]
    assert table["created"].dtype.kind == "i"


def test_one_metric_may_be_asked_for_by_its_bare_name(march):
    assert measure(march, "created", by="manager")["created"].tolist() == [1, 3]


def test_a_share_per_manager_has_its_interval_and_whether_it_differs(march):
    table = measure(march, ["win_rate"], by="manager")
    assert set(table) >= {"win_rate", "win_rate_k", "win_rate_n", "win_rate_low", "win_rate_high", "win_rate_differs"}
    assert table["win_rate_differs"].tolist() == [False, False]
    assert "win_rate_differs" not in measure(march, ["win_rate"], by="source")


def test_deals_of_nobody_and_of_no_source_have_their_own_row(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01"), deal(2, "2025-03-01", manager_id=None, source_id=None)])
    for by in ("manager", "department", "source"):
        table = measure(ds, ["created"], by=by, total=True)
        assert table["created"].tolist() == [1, 1, 2]
        assert table[by].iloc[1] == f"no {by}"


def test_managers_of_one_name_are_told_apart(tmp_path):
    people = [{"manager_id": id, "name": "Anna", "is_active": True} for id in ("1", "2")]
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01"), deal(2, "2025-03-01", manager_id="2")], managers=people)
    assert measure(ds, ["created"], by="manager")["manager"].tolist() == ["Anna (1)", "Anna (2)"]


def test_a_metric_cant_be_cut_by_what_its_rows_dont_have(march):
    with pytest.raises(MetricError, match="loss_reason"):
        measure(march, ["calls"], by="loss_reason")
    with pytest.raises(MetricError, match="manager"):
        measure(march, ["won"], by="maneger")
    with pytest.raises(MetricError, match="won"):
        measure(march, ["wonn"], by="manager")


def test_two_dimensions_give_a_row_per_pair(march):
    table = measure(march, ["created"], by=["source", "manager"])
    assert table[["source", "manager", "created"]].to_numpy().tolist() == [
        ["Website", "Anna", 1],
        ["Website", "Boris", 3],
    ]


def test_a_portal_without_a_deal_lacks_nothing_and_every_table_is_empty(tmp_path):
    ds = dataset(tmp_path, deals=[], stage_history=[], activities=[], comments=[])
    assert missing(ds, *METRICS) == ""
    assert measure(ds, ["won", "win_rate", "in_work"], by="manager").empty
    assert tiles(ds, ["won", "win_rate"])["value"].fillna(-1).tolist() == [0, -1]
    assert over_time(ds, ["won", "in_work"])["won"].sum() == 0
    assert all(
        made(ds).table.empty
        for made in (elements.funnel, elements.stage_conversion, elements.loss_reasons, elements.deals)
    )


# ── What is missing ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_lacks_is_said_once_and_only_when_nothing_can_be_had(tmp_path):
    ds = dataset(
        tmp_path, deals=[deal(1, "2025-03-01", amount=None)], activities=None, comments=None, stage_history=None
    )
    assert missing(ds, "calls", "meetings") == "The source has no activities."
    assert missing(ds, "comments") == "The source has no comments."
    assert missing(ds, "calls", "in_work") == ""
    assert missing(ds, "forgotten_money") == "The source has no activities. The source has no amounts."


def test_only_the_numbers_that_lack_something_are_blank(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01", amount=None)], activities=[])
    table = measure(ds, ["created", "created_money", "in_work", "in_work_money"], by="manager", total=True)
    assert table["created"].tolist() == table["in_work"].tolist() == [1, 1]
    assert table["created_money"].isna().all()
    assert table["in_work_money"].isna().all()


# ── By period ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("day", "names"),
    [
        (date(2017, 3, 1), ["2017-W09", "2017-03", "2017-Q1", "2017"]),
        (date(2016, 1, 1), ["2015-W53", "2016-01", "2016-Q1", "2016"]),
        (date(2018, 12, 31), ["2019-W01", "2018-12", "2018-Q4", "2018"]),
    ],
)
def test_a_cut_is_called_by_week_month_quarter_and_year(day, names):
    assert [label(day, size) for size in ("week", "month", "quarter", "year")] == names


def test_cuts_at_the_edges_hold_the_periods_own_days():
    whole = Period(date(2017, 2, 25), date(2017, 4, 3))
    assert [(each.start.isoformat(), each.days) for each in cut(whole, "month")] == [
        ("2017-02-25", 4), ("2017-03-01", 31), ("2017-04-01", 2),
    ]  # fmt: skip
    weeks = cut(whole, "week")
    assert [each.days for each in weeks] == [2, 7, 7, 7, 7, 7]  # 25 February 2017 is a Saturday, 2 April a Sunday
    assert [label(each.start, "week") for each in weeks][:2] == ["2017-W08", "2017-W09"]
    assert cut(Period(date(2017, 2, 25), date(2017, 2, 25)), "week") == []


def test_march_week_by_week(march):
    weeks = over_time(march, ["created", "won", "won_money", "conversion", "in_work"]).query("size == 'week'")
    # 1–2 March are a Saturday and a Sunday; 31 March is a Monday.
    assert weeks["period"].tolist() == ["2025-W09", "2025-W10", "2025-W11", "2025-W12", "2025-W13", "2025-W14"]
    assert weeks["created"].tolist() == [2, 2, 0, 0, 0, 0]
    assert weeks["won"].tolist() == [0, 1, 2, 0, 0, 0]
    assert weeks["won_money"].tolist() == [0, 0, 1900, 0, 0, 0]
    assert (weeks["conversion_k"].tolist(), weeks["conversion_n"].tolist()) == ([0, 1, 2, 0, 0, 0], [2, 2, 0, 0, 0, 0])
    # 3 and 5 from before; 1 and 2 came, 2 left on the 4th, 4 came, 6 came and went; then 3 and 1 were won
    assert weeks["in_work"].tolist() == [4, 4, 2, 2, 2, 2]
    assert weeks["is_running"].tolist() == [False] * 5 + [True]  # of the week of 31 March six days are to come


def test_every_size_of_cut_has_the_comparison_period_beside_it(march):
    months = over_time(march, ["created", "in_work"]).query("size == 'month'").iloc[0]
    assert (months["created"], months["created_previous"]) == (4, 1)  # deal 3 of 8 February; February
    assert (months["in_work"], months["in_work_previous"]) == (2, 2)
    assert not [name for name in months.index if name.endswith(("_k_previous", "_low_previous"))]


def test_without_a_comparison_there_is_no_column_of_it(tmp_path):
    table = over_time(dataset(tmp_path, comparison="none", **TABLES), ["created"])
    assert not [name for name in table if name.endswith("_previous")]


def test_a_running_period_is_compared_with_as_many_days(tmp_path):
    days = ("2025-03-01", "2025-03-09", "2025-03-10", "2025-02-01", "2025-02-09", "2025-02-10")
    ds = dataset(tmp_path, as_of="2025-03-10", deals=[deal(number, day) for number, day in enumerate(days)])
    # Nine days of March have gone by; they are compared with the first nine of February.
    tile = tiles(ds, ["created"]).iloc[0]
    assert (tile["value"], tile["previous"], tile["change"]) == (2, 2, 0)
    months = over_time(ds, ["created"]).query("size == 'month'")
    assert months[["created", "created_previous", "is_running"]].to_numpy().tolist() == [[2, 2, True]]


def test_a_running_leap_year_is_compared_with_as_many_days_in_the_tile_and_in_the_chart(tmp_path):
    days = ("2024-01-01", "2023-01-01", "2023-03-14", "2023-03-15")
    deals = [deal(number, day) for number, day in enumerate(days)]
    ds = dataset(tmp_path, period="2024", as_of="2024-03-15", comparison="year_ago", deals=deals)
    assert tiles(ds, ["created"])["previous"].tolist() == [3]  # 74 days have gone by: up to 15 March 2023
    table = over_time(ds, ["created"])
    assert table.groupby("size")["created_previous"].sum().to_dict() == {"week": 3, "month": 3, "quarter": 3, "year": 3}


def test_a_quarter_is_compared_month_by_month_and_its_parts_are_the_tile(tmp_path):
    days = ("2025-01-31", "2025-02-28", "2025-03-01", "2025-03-31", "2025-04-30", "2025-05-01", "2025-06-30")
    deals = [deal(number, day) for number, day in enumerate(days)]
    ds = dataset(tmp_path, period="2025-Q2", as_of="2025-07-01", deals=deals)
    assert tiles(ds, ["created"])[["value", "previous"]].to_numpy().tolist() == [[3, 4]]
    table = over_time(ds, ["created"])
    months = table.query("size == 'month'")
    assert months[["created", "created_previous"]].to_numpy().tolist() == [[1, 1], [1, 1], [1, 2]]
    assert set(table.groupby("size")["created_previous"].sum()) == {4}


def test_everything_begins_with_the_first_row_be_it_a_call_before_any_deal(tmp_path):
    tables = {"deals": [deal(1, "2025-03-01", created_at=at("1966-05-03"))], "stage_history": None}
    assert dataset(tmp_path / "a", period="all", **tables).filters.period.start == date(1966, 5, 3)
    called = act("1", "call", "1", "1965-01-02 10:00", on="1")
    ds = dataset(tmp_path / "b", period="all", activities=[called], **tables)
    assert ds.filters.period == Period(date(1965, 1, 2), date(2025, 4, 1))
    assert (value_of(ds, "created"), value_of(ds, "calls")) == (1, 1)
    assert over_time(ds, ["calls"]).query("size == 'year'")["period"].iloc[0] == "1965"
    assert ds.filters.previous is None


def test_what_is_counted_per_working_day_of_everything_counts_from_the_first_row(tmp_path):
    tables = {"deals": [deal(1, "2025-03-31")], "activities": [act("1", "call", "1", "2025-03-31 10:00", on="1")]}
    ds = dataset(tmp_path, period="all", stage_history=None, **tables)
    assert value_of(ds, "activity_points") == 2  # one call on the only working day


def test_a_holiday_is_no_day_to_count_points_per(tmp_path):
    tables = {"deals": [], "activities": [act("1", "call", "1", "2025-05-05 10:00", on="1")], "stage_history": None}
    russia = make_store(tmp_path, **tables).model_copy(update={"country": "RU"})
    may = load(period="2025-05", as_of="2025-06-01", settings=russia)
    assert value_of(may, "activity_points") == 2 / 18  # 22 Mondays to Fridays, four of them off: 1, 2, 8 and 9 May


def test_everything_of_one_manager_is_cut_from_his_own_first_row(tmp_path):
    deals = [deal(1, "2025-01-05", manager_id="2"), deal(2, "2025-03-05")]
    table = over_time(dataset(tmp_path, period="all", deals=deals, manager="Anna"), ["created"])
    assert table.query("size == 'month'")["period"].tolist() == ["2025-03"]


def test_everything_of_one_of_two_managers_does_not_tell_when_the_other_began(tmp_path):
    deals = [deal(1, "2025-01-05", manager_id="2"), deal(2, "2025-03-05")]
    assert dataset(tmp_path, period="all", deals=deals, manager="Anna").filters.period.start == date(2025, 3, 5)


def test_everything_begins_with_the_first_deal(march):
    table = over_time(march, ["created"], period=Period(date(1970, 1, 1), date(2025, 4, 1), is_open=True))
    assert table.query("size == 'month'")["period"].tolist() == ["2025-01", "2025-02", "2025-03"]
    assert table.query("size == 'year'")["created"].tolist() == [6]


def test_a_stock_known_tonight_only_is_refused_over_time(march):
    with pytest.raises(MetricError, match="forgotten"):
        over_time(march, ["forgotten"])


def test_the_index_over_time_has_the_best_of_each_cut_as_ten(march):
    months = over_time(march, ["activity_index"]).query("size == 'month'")
    assert months["activity_index"].tolist() == [pytest.approx((10 + 35 / 9.5) / 2)]


def test_a_deal_closed_by_the_first_thing_its_history_knows_was_in_work_until_then(tmp_path):
    ds = dataset(
        tmp_path,
        period="2025-02-01..2025-03-31",
        deals=[deal(1, "2025-02-01", stage_id="WON", outcome="won"), deal(2, None, stage_id="WON", outcome="won")],
        stage_history=[*moves(1, ("2025-03-05", "WON")), *moves(2, ("2025-03-05", "WON"))],
    )
    assert over_time(ds, ["in_work"]).query("size == 'month'")["in_work"].tolist() == [2, 0]


# ── Twelve months and tiles ──────────────────────────────────────────────────────────────────────────────────────────


def test_twelve_months_stand_beside_the_same_days_a_year_earlier(tmp_path):
    days = ("2024-03-20", "2024-03-10", "2024-04-01", "2025-03-01", "2023-03-31", "2023-04-01")
    ds = dataset(tmp_path, as_of="2025-03-15", deals=[deal(number, day) for number, day in enumerate(days)])
    table = twelve_months(ds, ["created"])
    assert table["period"].tolist()[0::11] == ["2024-04", "2025-03"]
    assert table["created"].tolist() == [1, *[0] * 10, 1]
    assert table["created_previous"].tolist() == [1, *[0] * 10, 1]  # of March 2024 the first fourteen days
    assert table["is_running"].tolist() == [False] * 11 + [True]


def test_a_whole_february_is_compared_with_a_whole_one(tmp_path):
    ds = dataset(tmp_path, period="2025-02", as_of="2025-03-01", deals=[deal(1, "2024-02-29"), deal(2, "2025-02-28")])
    last = twelve_months(ds, ["created"]).iloc[-1]
    assert (last["created"], last["created_previous"]) == (1, 1)


def test_tiles_compare_flows_with_the_period_before_and_stocks_with_the_instant_before(march):
    table = tiles(march, ["created", "win_rate", "in_work", "forgotten"]).set_index("metric")
    assert table["value"].tolist() == [4, 0.75, 2, 1]
    # Before: February, as of 1 March; 3 and 5 were in work then, 3 silent for 20 days, 5 for 55.
    assert table["previous"].fillna(-1).tolist() == [1, -1, 2, 2]
    assert table["change"].fillna(-9).tolist() == [3, -9, 0, -0.5]
    assert table.loc["win_rate", ["k", "n"]].tolist() == [3, 4]
    assert table["k"].isna().tolist() == [True, False, True, True]
    assert table.loc["created", "spark"][-3:] == [1, 1, 4]
    assert table.loc["in_work", "spark"][-3:] == [1, 2, 2]
    assert table.loc["forgotten", "spark"] == []


def test_a_tile_of_what_the_source_lacks_says_no_data(tmp_path):
    tile = tiles(dataset(tmp_path, deals=[deal(1, "2025-03-01")], activities=None), ["forgotten"]).iloc[0]
    assert pd.isna(tile["value"])
    assert tile["note"] == "no data"


# ── By dimension and period at once ──────────────────────────────────────────────────────────────────────────────────


def test_every_manager_has_a_row_for_every_week(march):
    table = measure(march, ["won", "in_work", "win_rate"], by=["manager", "week"])
    assert table["period"].tolist() == [*over_time(march, ["won"]).query("size == 'week'")["period"]] * 2
    assert table.groupby("manager")["won"].apply(list).to_dict() == {
        "Anna": [0, 0, 2, 0, 0, 0],
        "Boris": [0, 1, 0, 0, 0, 0],
    }
    # 1, 3, 5 of Anna's until the wins of the 10th and the 11th; 2 of Boris' until the 4th, then 4
    assert table.groupby("manager")["in_work"].apply(list).to_dict() == {
        "Anna": [3, 3, 1, 1, 1, 1],
        "Boris": [1, 1, 1, 1, 1, 1],
    }
    assert table.groupby("manager")["win_rate_n"].apply(list).to_dict() == {
        "Anna": [0, 0, 2, 0, 0, 0],
        "Boris": [0, 2, 0, 0, 0, 0],
    }
    assert table["is_running"].tolist() == ([False] * 5 + [True]) * 2


def test_a_day_is_a_size_of_its_own(march):
    table = measure(march, ["created", "calls"], by="day")
    assert len(table) == 31
    assert table.loc[table["created"] > 0, "period"].tolist() == [
        "2025-03-01",
        "2025-03-02",
        "2025-03-05",
        "2025-03-07",
    ]
    assert table.loc[table["calls"] > 0, "period"].tolist() == ["2025-03-20"]


def test_a_period_has_one_size_at_a_time(march):
    with pytest.raises(MetricError, match="one size"):
        measure(march, ["won"], by=["week", "month"])


# ── Compared ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_is_compared_has_the_number_before_and_the_change(march):
    table = measure(march, ["created", "in_work", "win_rate"], by="manager", compare=True, total=True)
    # February: deal 3 of Anna's was created; 3 and 5 were in work on 1 March
    assert table["created_previous"].tolist() == [1, 0, 1]
    assert table["created_change"].fillna(-9).tolist() == [0, -9, 3]
    assert table["in_work_previous"].tolist() == [2, 0, 2]
    assert table["win_rate_previous"].isna().all()


def test_who_has_nothing_now_and_had_something_before_is_there_too(tmp_path):
    deals = [deal(1, "2025-02-10"), deal(2, "2025-03-10", manager_id="2")]
    ds = dataset(tmp_path, deals=deals, stage_history=[])
    table = measure(ds, ["created", "conversion", "average_check"], by="manager", compare=True)
    assert table[["manager", "created", "created_previous"]].to_numpy().tolist() == [["Anna", 0, 1], ["Boris", 1, 0]]
    assert table["conversion_n"].tolist() == [0, 1]
    assert table["average_check_n"].tolist() == [0, 0]


def test_a_report_that_compares_with_nothing_has_nothing_beside(tmp_path):
    table = measure(dataset(tmp_path, comparison="none", **TABLES), ["won"], by="manager", compare=True)
    assert not [name for name in table if name.endswith(("_previous", "_change"))]


# ── Parts of a whole ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_share_of_the_lost_is_k_of_n_and_of_money_a_plain_share(march):
    table = measure(march, ["share_of_lost", "share_of_won_money"], by="manager", total=True)
    assert (table["share_of_lost_k"].tolist(), table["share_of_lost_n"].tolist()) == ([0, 1, 1], [1, 1, 1])
    assert table["share_of_won_money"].tolist() == [1, 0, 1]
    assert not {"share_of_won_money_k", "share_of_lost_differs"} & set(table)


# ── The activity index under other weights ───────────────────────────────────────────────────────────────────────────

# Points with weights call 2, e-mail 1: Anna 4 calls = 8, Boris 7 e-mails = 7, stranger 9: 3 calls and no e-mail = 6.
# With a call at 1 Anna has 4 and 9 has 3: Boris goes first. With e-mails at 0.5 Boris has 3.5: he and 9 change places;
# with e-mails at 1.5 Boris has 10.5 and goes first. With a call at 3 Anna has 12, 9 has 9, and Boris' 7 come last.
CALLS = [act(f"c{n}", "call", who, "2025-03-10", on="1") for n, who in enumerate("1111999")]
LETTERS = [act(f"e{n}", "email", "2", "2025-03-10", on="1") for n in range(7)]


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("busy"), deals=[deal(1, "2025-03-01")], activities=[*CALLS, *LETTERS])


def test_who_changes_places_when_a_weight_is_another_one(busy):
    table = index_sensitivity(busy)
    assert table[["kind", "weight", "weight_change", "keeps_ranking", "who_moves"]].to_numpy().tolist() == [
        ["call", 2.0, -0.5, False, "Anna, Boris"],
        ["call", 2.0, 0.5, False, "Boris, 9"],
        ["email", 1.0, -0.5, False, "Boris, 9"],
        ["email", 1.0, 0.5, False, "Anna, Boris"],
    ]
    assert table["n"].tolist() == [3] * 4
    assert table["rank_correlation"].isna().all()  # of three nothing is said


def test_a_small_change_of_a_weight_keeps_the_ranking(busy):
    table = index_sensitivity(busy, step=0.05)
    assert table["keeps_ranking"].all()
    assert set(table["who_moves"]) == {""}


def test_index_and_results_go_together_by_rank_with_n(tmp_path):
    # Five managers; money rises with the calls but for the last two, who change places: ρ = 1 − 6·2 ÷ (5·24) = 0.9.
    people = [{"manager_id": str(id), "name": f"M{id}", "is_active": True} for id in range(1, 6)]
    calls = [act(f"{id}-{n}", "call", str(id), "2025-03-10", on="1") for id in range(1, 6) for n in range(id)]
    deals = [
        deal(id, "2025-03-01", manager_id=str(id), amount=amount, stage_id="WON", outcome="won")
        for id, amount in zip(range(1, 6), (10.0, 20.0, 30.0, 50.0, 40.0), strict=True)
    ]
    history = [move for each in deals for move in moves(each["deal_id"], ("2025-03-05", "WON"))]
    tables = {"deals": deals, "stage_history": history, "activities": calls}
    ds = dataset(tmp_path, managers=people, manager_departments=[], **tables)
    table = measure(ds, ["activity_index", "won_money"], by="manager")
    table = table[table["manager_id"] != ""]
    rho, low, high, n = rank_correlation(table["activity_index"], table["won_money"])
    assert (rho, n) == (pytest.approx(0.9), 5)
    assert low < 0.9 < high <= 1


def test_leads_are_cut_by_source_and_by_manager(tmp_path):
    ds = dataset(tmp_path, deals=[], activities=[], leads=LEADS)
    table = measure(
        ds, ["leads_received", "leads_converted", "lead_conversion", "leads_forgotten"], by="source", total=True
    )
    assert table["source"].tolist()[:2] == ["Call", "Website"]
    assert table["leads_received"].tolist() == [1, 3, 4]
    assert table["leads_converted"].tolist() == [0, 2, 2]
    assert (table["lead_conversion_k"].tolist(), table["lead_conversion_n"].tolist()) == ([0, 1, 1], [1, 3, 4])
    assert measure(ds, ["leads_in_work"], by="manager")["leads_in_work"].tolist() == [1, 1]
    assert over_time(ds, ["leads_received"]).groupby("size")["leads_received"].sum().tolist() == [4] * 4


def test_without_leads_their_numbers_are_missing(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")])
    assert pd.isna(value_of(ds, "leads_received"))
    assert missing(ds, "leads_received") == "The source has no leads."


def test_a_tile_says_whether_chance_alone_may_have_changed_it(tmp_path):
    """30 deals created in March: after 10 in February that is no chance, after 25 it may be."""

    def created(folder, before):
        deals = [deal(n, "2025-02-05") for n in range(before)] + [deal(100 + n, "2025-03-05") for n in range(30)]
        return tiles(dataset(tmp_path / folder, deals=deals), ["created"]).iloc[0]["may_be_chance"]

    assert not created("few", 10)
    assert created("many", 25)
