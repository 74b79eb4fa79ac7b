"""Metrics by dimension and by period: hand-counted cuts, and laws that hold for any history."""

from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from crm_reports import elements
from crm_reports.dataset import load
from crm_reports.errors import MetricError
from crm_reports.filters import Period
from crm_reports.measures import cut, label, measure, missing, one, over_time, tiles, twelve_months
from crm_reports.registry import METRICS
from stores import at, dataset, deal, make_store, moves
from test_metrics import ACTIVITIES, COMMENTS, DEALS, HISTORY, act

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
    with pytest.raises(MetricError, match="stage"):
        measure(march, ["calls"], by="stage")
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
        made(ds).empty for made in (elements.funnel, elements.stage_conversion, elements.loss_reasons, elements.deals)
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
    assert (months["created"], months["created_previous"]) == (4, 1)  # deal 3 of 8 February; 29 January to 28 February
    assert (months["in_work"], months["in_work_previous"]) == (2, 2)
    assert not [name for name in months.index if name.endswith(("_k_previous", "_low_previous"))]


def test_without_a_comparison_there_is_no_column_of_it(tmp_path):
    table = over_time(dataset(tmp_path, comparison="none", **TABLES), ["created"])
    assert not [name for name in table if name.endswith("_previous")]


def test_a_running_period_is_compared_with_as_many_days(tmp_path):
    days = ("2025-03-01", "2025-03-09", "2025-03-10", "2025-01-29", "2025-02-06", "2025-02-07")
    ds = dataset(tmp_path, as_of="2025-03-10", deals=[deal(number, day) for number, day in enumerate(days)])
    # Nine days of March have gone by; the 31 days before begin on 29 January, their first nine end with 6 February.
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


def test_everything_begins_with_the_first_deal(march):
    table = over_time(march, ["created"], period=Period(date(1970, 1, 1), date(2025, 4, 1)))
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
    # Before: 29 January to 28 February, as of 1 March; 3 and 5 were in work then, 3 silent for 20 days, 5 for 55.
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


# ── Laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

FEW = settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
BEGIN = at("2025-01-01")
STEPS = st.tuples(st.floats(0, 30), st.sampled_from(["NEW", "REQ", "INV", "WON", "DEAR", "GONE"]))
OUTCOMES = {"WON": "won", "DEAR": "lost", "GONE": "lost"}
AS_OF = at("2025-04-01")
FLOWS = ["created", "created_money", "won", "won_money", "lost", "lost_money", "new_customers", "repeat_customers"]
ACTS = ["calls", "emails", "stage_moves", "actions"]


@st.composite
def histories(draw):
    """A handful of deals of a few months: their rows and their history, also beyond the report's instant."""
    deals, history = [], []
    for id in range(draw(st.integers(1, 8))):
        made = BEGIN + timedelta(days=draw(st.floats(0, 100)))
        path, when = [(made, "NEW")], made
        for days, stage in draw(st.lists(STEPS, max_size=5)):
            when += timedelta(days=days)
            path.append((when, stage))
        fields = {
            "manager_id": draw(st.sampled_from(["1", "2", "9", None])),
            "source_id": draw(st.sampled_from(["WEB", "CALL", None])),
            "company_id": draw(st.sampled_from(["5", "6", None])),
            "amount": draw(st.sampled_from([0.0, 100.0, 2500.0, None])),
            "currency": draw(st.sampled_from(["RUB", "USD", "XXX", None])),
        }
        deals.append(deal(id, None, stage_id=path[-1][1], outcome=OUTCOMES.get(path[-1][1], "open"), **fields))
        deals[-1]["created_at"] = made
        history += [moves(id, ("2025-01-01", stage))[0] | {"at": when} for when, stage in path]
    # A source without any amount or customer lacks money or customers, which are missing and not 0.
    deals[0] |= {"amount": 100.0, "company_id": "5"}
    return {"deals": deals, "stage_history": history, "activities": draw(_activities(len(deals)))}


@st.composite
def _activities(draw, deals):
    picked = st.tuples(st.sampled_from(["call", "email"]), st.sampled_from(["1", "2", "9"]), st.integers(0, 110))
    return [
        act(str(number), kind, manager, "2025-01-01", on=str(draw(st.integers(0, deals))),
            at=BEGIN + timedelta(days=day), created_at=BEGIN)
        for number, (kind, manager, day) in enumerate(draw(st.lists(picked, max_size=6)))
    ]  # fmt: skip


def opened(folder, tables, **filters):
    """A copy of the rows, for a store numbers them."""
    held = make_store(Path(folder), **{name: [dict(row) for row in rows] for name, rows in tables.items()})
    return load(period="2025-02..2025-03", as_of="2025-04-01", settings=held, **filters)


@FEW
@given(histories())
def test_parts_sum_to_the_whole_by_every_dimension_and_by_every_size_of_cut(tables):
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        names = [*FLOWS, "in_work", "in_work_money", "forgotten"]
        whole = pd.Series({name: float(one(ds, name)) for name in [*names, *ACTS]})
        for by in ("manager", "department", "pipeline", "source"):
            table = measure(ds, names, by=by, total=True)
            assert table.loc[~table["is_total"], names].sum().to_dict() == pytest.approx(whole[names].to_dict())
            assert table.loc[table["is_total"], names].iloc[0].to_dict() == pytest.approx(whole[names].to_dict())
        assert measure(ds, ACTS, by="manager")[ACTS].sum().to_dict() == whole[ACTS].to_dict()
        sums = over_time(ds, [*FLOWS, *ACTS]).groupby("size")[[*FLOWS, *ACTS]].sum()
        for size in sums.index:
            assert sums.loc[size].to_dict() == pytest.approx(whole[[*FLOWS, *ACTS]].to_dict())
        last = over_time(ds, ["in_work", "in_work_money"]).groupby("size")[["in_work", "in_work_money"]].last()
        for size in last.index:  # the stock at the period's end is the one at as_of
            assert last.loc[size].to_dict() == pytest.approx(whole[["in_work", "in_work_money"]].to_dict())


@FEW
@given(histories())
def test_the_funnel_of_a_cohort_never_grows_and_nobody_is_unaccounted_for(tables):
    with TemporaryDirectory() as folder:
        ds = opened(folder, tables)
        steps = elements.funnel(ds)
        assert (steps["cohort_reached"].diff().dropna() <= 0).all()
        table = measure(ds, ["stage_conversion", "visited_next", "lost_on_the_way", "on_the_way"], by="stage")
        rest = table["stage_conversion_k"] + table["lost_on_the_way"] + table["on_the_way"]
        assert (rest == table["stage_conversion_n"]).all()
        assert (table["visited_next"] <= table["stage_conversion_k"]).all()
        mine = ds.steps[ds.steps["created_at"] >= ds.filters.start_at]
        assert (mine["visited_at"].dropna() >= mine.loc[mine["visited_at"].notna(), "reached_at"]).all()
        assert (mine.groupby("stage_id")["visited_at"].count() <= mine.groupby("stage_id")["reached_at"].count()).all()


@FEW
@given(
    histories(),
    st.sampled_from([("manager", "Boris", "2"), ("source", "Website", "WEB"), ("department", "Kazan", "11")]),
)
def test_a_filter_never_changes_a_row_that_it_keeps(tables, chosen):
    by, typed, id = chosen
    metrics = [*FLOWS, "in_work", "forgotten", *([] if by == "source" else ["activity_index", *ACTS])]
    with TemporaryDirectory() as one_folder, TemporaryDirectory() as other:
        rows = [
            measure(opened(folder, tables, **filters), metrics, by=by)
            .query(f"{by}_id == '{id}'")
            .reset_index(drop=True)
            for folder, filters in ((one_folder, {}), (other, {by: typed}))
        ]
        assert_frame_equal(*rows, check_dtype=False)


def _everything(ds):
    names = [name for name, entry in METRICS.items() if entry.on not in ("steps", "cohort_steps", "visits")]
    lists = [elements.deals(ds), elements.forgotten_deals(ds), elements.funnel(ds), elements.stage_conversion(ds)]
    return [tiles(ds, names), over_time(ds, [*FLOWS, "in_work"]), *lists]


def _until(tables, instant):
    """What the CRM held that night: later rows are not there, and a deal stands where it stood."""
    history = [row for row in tables["stage_history"] if row["at"] < instant]
    last = {row["deal_id"]: row for row in sorted(history, key=lambda row: row["at"])}
    deals = [
        each | {"stage_id": last[each["deal_id"]]["stage_id"], "outcome": last[each["deal_id"]]["outcome"]}
        for each in tables["deals"] if each["created_at"] < instant
    ]  # fmt: skip
    return {"deals": deals, "stage_history": history}


@FEW
@given(histories())
def test_a_night_that_is_run_again_later_gives_what_it_gave(tables):
    acts = tables["activities"]
    that_night = _until(tables, AS_OF) | {
        "activities": [
            row if row["at"] < AS_OF else row | {"is_done": False, "is_action": False, "at": None} for row in acts
        ]
    }
    if not that_night["deals"]:
        return
    with TemporaryDirectory() as then, TemporaryDirectory() as later:
        for one_table, other in zip(
            _everything(opened(then, that_night)), _everything(opened(later, tables)), strict=True
        ):
            assert_frame_equal(one_table, other, check_dtype=False)


@FEW
@given(histories(), st.randoms(use_true_random=False))
def test_the_order_of_rows_never_matters(tables, chance):
    for place, row in enumerate(tables["stage_history"], 1):
        row["history_id"] = place
    mixed = {name: chance.sample(rows, len(rows)) for name, rows in tables.items()}
    with TemporaryDirectory() as then, TemporaryDirectory() as later:
        for one_table, other in zip(_everything(opened(then, tables)), _everything(opened(later, mixed)), strict=True):
            assert_frame_equal(one_table, other)
