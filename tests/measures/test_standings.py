"""Reports about how deals stand: in work on a stage, or lost for a reason."""

import random

import pandas as pd
import pytest

import march
from crm_reports.elements import changes, deals, dynamics, funnel, needs_you, plan_by_manager, status
from crm_reports.errors import FilterError
from crm_reports.measures.frames import frame
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure, missing, value_of
from crm_reports.measures.over_time import over_time
from crm_reports.measures.tiles import tiles
from crm_reports.metrics.registry import about
from stores import STAGES, deal, make_store, moves

MARCH = {
    "deals": march.DEALS, "stage_history": march.HISTORY, "activities": march.ACTIVITIES, "comments": march.COMMENTS,
    "leads": march.LEADS, "plan_lines": [march.PLAN],
}  # fmt: skip
TILES = ("created", "lost", "lost_money", "in_work", "in_work_money", "won", "conversion", "win_rate", "no_next_step")


def _kept(folder, **tables):
    """The March of a store with these tables under any filters; the store is made once."""
    settings = make_store(folder, **tables)
    return lambda **filters: load(period="2025-03", as_of="2025-04-01", settings=settings, **filters)


@pytest.fixture(scope="module")
def in_march(tmp_path_factory):
    return _kept(tmp_path_factory.mktemp("march"), **MARCH)


def numbers(ds):
    """The tiles of March that have a number."""
    table = tiles(ds, TILES)
    return {row.metric: row.value for row in table.itertuples() if not pd.isna(row.value)}


def test_a_stage_keeps_the_deals_in_work_on_it(in_march):
    # Deal 4 of 300 ₽ stands on Request since 6 March with its to-do; deals 1 and 2 have passed it.
    wanted = {"created": 1, "in_work": 1, "in_work_money": 300, "no_next_step": 0}
    assert numbers(in_march(stage="Request")) == wanted
    assert numbers(in_march(stage=["REQ"])) == wanted
    # Deal 5 of the cold base is of January, unpriced, and nobody does anything about it.
    assert numbers(in_march(stage="NEW")) == {
        "created": 0,
        "in_work": 1,
        "in_work_money": 0,
        "no_next_step": 1,
    }
    both = {"created": 1, "in_work": 2, "in_work_money": 300, "no_next_step": 1}
    assert numbers(in_march(stage=["NEW", "REQ"])) == both


def test_a_reason_keeps_the_deals_lost_for_it(in_march):
    assert numbers(in_march(loss_reason="too expensive")) == {"created": 1, "lost": 1, "lost_money": 400}  # deal 2


def test_what_a_deal_says_of_its_loss_comes_before_the_stage_where_it_was_lost(tmp_path):
    lost = {"stage_id": "DEAR", "outcome": "lost"}
    rows = [
        deal(1, "2025-03-01", **lost, loss_reason="No budget"),
        deal(2, "2025-03-01", **lost),
        deal(3, "2025-03-01"),
    ]
    history = [step for id in (1, 2) for step in moves(id, ("2025-03-01", "NEW"), ("2025-03-09", "DEAR"))]
    made = _kept(tmp_path, deals=rows, stage_history=history)
    ds = made(loss_reason="No budget")
    assert list(ds.deals["deal_id"]) == ["1"]
    assert [choice.name for choice in ds.names.choices.loss_reason] == ["No budget", "Too expensive"]
    assert list(made(loss_reason="Too expensive").deals["deal_id"]) == ["2"]
    with pytest.raises(FilterError, match="loss_reason 'no bucks' is not known; near: No budget"):
        made(loss_reason="no bucks")


def test_both_filters_leave_nothing_and_the_page_says_which_to_take_away(in_march):
    ds = in_march(stage="Request", loss_reason="Too expensive")
    sentence = "A stage keeps deals in work, a reason lost ones: no deal is both. Take one of the two filters away."
    assert [missing(ds, name) for name in ("won", "lost", "in_work")] == [sentence] * 3
    assert ds.size == 0


@pytest.mark.parametrize(
    ("filters", "gone", "there"),
    [
        ({"stage": "Request"}, ["won", "lost", "conversion", "win_rate", "cohort_open", "stage_conversion", "forecast", "velocity"],
         ["created", "in_work", "forgotten", "reached", "median_stage_days", "calls", "first_answer_hours"]),
        ({"loss_reason": "Too expensive"}, ["won", "conversion", "lost_share", "cohort_conversion", "in_work", "forgotten", "money_at_risk"],
         ["created", "lost", "share_of_lost", "reached", "median_stage_days", "calls"]),
        ({}, [], ["won", "lost", "conversion", "in_work"]),
    ],
)  # fmt: skip
def test_what_would_only_repeat_the_filter_is_missing_and_told_why(in_march, filters, gone, there):
    ds = in_march(**filters)
    assert [name for name in there if missing(ds, name)] == []
    assert [name for name in gone if "Take that filter away to see the rest." not in missing(ds, name)] == []


def test_a_metric_of_ones_own_is_missing_only_where_it_tells_how_deals_ended():
    assert about("events", ("is_created", "source_id")) == set()
    assert about("events", ("is_won", "source_id")) == {"outcomes"}
    assert about("open_deals", ("is_open",)) == {"work"}


def test_a_tile_that_has_no_number_says_what_there_is(in_march):
    at_request, lost = (
        in_march(stage="REQ"),
        in_march(loss_reason="Too expensive"),
    )
    assert [tiles(ds, ["won"])["note"].item() for ds in (at_request, lost)] == [
        "only deals in work here", "only lost deals here",
    ]  # fmt: skip


def test_elements_say_it_in_one_sentence_and_none_calls_nothing_a_zero(in_march):
    ds = in_march(stage="Request")
    here = "Only the deals in work on a stage are here: nothing among them was won or lost. Take that filter away to see the rest."
    assert funnel(ds).missing == here
    assert status(ds).finding == "1 deal is in work"
    assert (needs_you(ds).finding, needs_you(ds).note) == ("", here)
    lost = in_march(loss_reason="Too expensive")
    assert status(lost).finding == "1 deal was lost"
    assert changes(lost).missing.startswith("Only the deals lost for a reason are here")


def test_nothing_is_planned_by_stage_or_reason_and_the_page_says_so(in_march):
    by_stage, by_reason = (
        in_march(stage="NEW"),
        in_march(loss_reason="Too expensive"),
    )
    assert plan_by_manager(by_stage).missing == "A plan knows no stages: take the stage filter away."
    assert plan_by_manager(by_reason).missing == "A plan knows no reasons of losing: take that filter away."
    assert pd.isna(value_of(by_stage, "plan"))


def test_actions_are_those_on_the_deals_that_stand_there(in_march):
    # On deal 4: Boris's call of 20 March and its move to Request; on deal 2 the move to where it was lost.
    at_request = measure(in_march(stage="REQ"), ["actions", "calls", "stage_moves"], by="manager")
    assert at_request[["manager", "actions", "calls", "stage_moves"]].values.tolist() == [["Boris", 2, 1, 1]]
    lost = measure(in_march(loss_reason="Too expensive"), ["actions"], by="manager")
    assert lost[["manager", "actions"]].values.tolist() == [["Boris", 1]]


def test_leads_stand_on_no_stage_so_there_are_none_and_that_is_told(in_march):
    ds = in_march(stage="REQ")
    assert (len(ds.leads), missing(ds, "leads_received")) == (
        0, "Leads stand on no stage of deals and are lost for none of their reasons: take that filter away to see them."
    )  # fmt: skip


# ── Then and now ─────────────────────────────────────────────────────────────────────────────────────────────────────

# On 1 March deal 1 stood on Request, made in February; on 1 April deals 2 and 3 do, both made in March; 1 is on Invoice.
LINE = {
    "deals": [deal(1, "2025-02-10", stage_id="INV"), deal(2, "2025-03-03", stage_id="REQ"), deal(3, "2025-03-04", stage_id="REQ")],
    "stage_history": [
        *moves(1, ("2025-02-10", "NEW"), ("2025-02-11", "REQ"), ("2025-03-29", "INV")),
        *moves(2, ("2025-03-03", "NEW"), ("2025-03-05", "REQ")),
        *moves(3, ("2025-03-04", "NEW"), ("2025-03-28", "REQ")),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def in_line(tmp_path_factory):
    return _kept(tmp_path_factory.mktemp("line"), **LINE)


def test_what_stands_there_is_compared_with_what_stood_there_then(in_line):
    ds = in_line(stage="Request")
    table = tiles(ds, ["in_work", "created"]).set_index("metric")
    assert table[["value", "previous"]].values.tolist() == [[2, 1], [2, 1]]
    # Of the deals that stand there today none is of a year ago: that is no year to compare with, nor is their past a stock.
    months = over_time(ds, ["created", "in_work"], year_ago=True).query("size == 'month'")
    assert months["created"].tolist() == [2]
    assert months[["created_previous", "in_work"]].isna().all(axis=None)


def test_over_time_a_stage_offers_no_stock_and_no_year_before_to_compare_with(in_line):
    made = dynamics(in_line(stage="Request"))
    assert {"created"} <= set(made.table)
    assert not {"in_work", "created_previous"} & set(made.table)
    assert made.finding == "Created grew by 100\xa0%, from 1"
    assert made.figure.data


def test_what_changed_on_a_stage_says_who_came_and_who_left(in_line):
    made = changes(in_line(stage="Request"))
    week = made.table[made.table["since"] == "week"].set_index("part")
    assert week["deals"].to_dict() == {
        "opening": 2, "new": 0, "moved_in": 1, "reopened": 0, "amount": 0, "moved_out": -1, "closing": 2,
    }  # fmt: skip
    assert week["part_name"][["moved_in", "moved_out"]].tolist() == ["Came to the stage", "Left the stage"]
    assert made.finding == "200 ₽ stands there, as much as since a week ago: 0 ₽ new, 100 ₽ came, 100 ₽ left".replace(
        " ₽", "\xa0₽"
    )


# ── Any deals ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _any_deals():
    chance = random.Random(4)
    rows, history = [], []
    for id in range(1, 81):
        stage = chance.choice(STAGES)
        reason = chance.choice([None, "", "No budget", "Too expensive"]) if stage["outcome"] == "lost" else None
        created = f"2025-0{chance.choice('123')}-{chance.randint(1, 28):02}"
        rows.append(deal(id, created, stage_id=stage["stage_id"], outcome=stage["outcome"], amount=float(chance.randint(1, 9)),
                         manager_id=chance.choice("12"), loss_reason=reason))  # fmt: skip
        history += moves(id, (created, "NEW"), (f"2025-03-{chance.randint(28, 31)}", stage["stage_id"]))
    return {"deals": rows, "stage_history": history}


@pytest.fixture(scope="module")
def any_deals(tmp_path_factory):
    return _kept(tmp_path_factory.mktemp("any"), **_any_deals())


@pytest.mark.parametrize(
    ("dimension", "outcome", "names"),
    [("stage", "open", ["in_work", "in_work_money"]), ("loss_reason", "lost", ["lost", "lost_money"])],
)
def test_a_page_about_one_value_has_the_rows_and_numbers_of_that_value_on_the_page_about_all(
    any_deals, dimension, outcome, names
):
    whole = any_deals()
    rows, table = whole.deals, measure(whole, names, by=dimension).set_index(f"{dimension}_id")
    choices = whole.names.choices.of(dimension)
    assert len(choices) == 3
    for choice in choices:
        ds = any_deals(**{dimension: choice.id})
        wanted = rows[(rows["outcome"] == outcome) & (rows[dimension] == choice.name)]
        assert sorted(ds.deals["deal_id"]) == sorted(wanted["deal_id"])
        assert len(wanted) > 2
        assert [value_of(ds, name) for name in names] == table.loc[choice.id, names].tolist()
    assert sorted(any_deals(**{dimension: [choice.id for choice in choices]}).deals["deal_id"]) == sorted(
        rows[rows["outcome"] == outcome]["deal_id"]
    )


def test_a_night_cuts_pages_by_the_stages_where_deals_stand_and_the_reasons_of_the_period(any_deals):
    ds = any_deals()
    rows = ds.deals
    assert ds.scope.holders("stage_id", ds.filters.period) == set(rows[rows["outcome"] == "open"]["stage_id"])
    assert ds.scope.holders("loss_reason_id", ds.filters.period) == set(rows[rows["outcome"] == "lost"]["loss_reason"])


def test_a_list_of_deals_about_a_stage_holds_those_alone(any_deals):
    ds = any_deals(stage="Invoice")
    assert set(deals(ds).table["stage"]) == {"Invoice"}
    assert len(frame(ds, "open_deals", ds.filters.elapsed)) == len(deals(ds).table)
