"""The tables of the reports on two pipelines small enough to count."""

import sys
from dataclasses import replace
from datetime import timedelta

import pandas as pd
import pytest

from crm_reports import elements
from crm_reports.elements import sales
from crm_reports.elements.sales import long_run, repeats
from crm_reports.filters import Choice
from crm_reports.measures.measure import measure, value_of
from crm_reports.words import context
from march import ACTIVITIES, COMMENTS, DEALS, HISTORY, act
from shop import SHOP
from stores import at, dataset, deal, moves


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("shop"), **SHOP)


@pytest.fixture(scope="module")
def march(tmp_path_factory):
    tables = {"deals": DEALS, "stage_history": HISTORY, "activities": ACTIVITIES, "comments": COMMENTS}
    return dataset(tmp_path_factory.mktemp("march"), **tables)


# ── Funnel ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_funnel_goes_pipeline_by_pipeline_and_step_by_step(shop):
    steps = elements.funnel(shop).table
    assert steps["pipeline"].tolist() == ["Retail"] * 3 + ["Sales"] * 4
    assert steps["stage"].tolist() == ["Visit", "Offer", "Sold", "Cold base", "Request", "Invoice", "Paid"]
    assert steps["to_stage"].tolist() == ["Offer", "Sold", "", "Request", "Invoice", "Paid", ""]
    assert steps["position"].tolist() == [1, 2, 3, 1, 2, 3, 4]


def test_the_funnel_counts_who_reached_and_who_visited_in_the_pipeline_the_deal_is_in_now(shop):
    steps = elements.funnel(shop).table.set_index("stage_id")
    assert steps["reached"].to_dict() == {"R1": 4, "R2": 2, "RW": 1, "NEW": 25, "REQ": 20, "INV": 5, "WON": 0}
    assert steps["visited"].to_dict() == {"R1": 4, "R2": 1, "RW": 1, "NEW": 25, "REQ": 20, "INV": 5, "WON": 0}
    assert steps["cohort_reached"].tolist() == steps["reached"].tolist()  # everything was created in March


def test_the_funnel_says_k_of_n_and_nothing_of_the_last_step(shop):
    steps = elements.funnel(shop).table.set_index("stage_id")
    pairs = dict(
        zip(steps.index, zip(steps["stage_conversion_k"], steps["stage_conversion_n"], strict=True), strict=True)
    )
    assert pairs == {
        "R1": (2, 4),
        "R2": (1, 2),
        "RW": (0, 0),
        "NEW": (20, 25),
        "REQ": (5, 20),
        "INV": (0, 5),
        "WON": (0, 0),
    }
    assert steps["stage_conversion"].isna().tolist() == [False, False, True, False, False, False, True]


def test_the_narrowest_step_has_twenty_deals_at_least(shop):
    steps = elements.funnel(shop).table
    assert steps.loc[steps["is_narrowest"], "stage"].tolist() == ["Request"]  # not the invoice, where 0 of 5 went on


def test_a_filter_by_pipeline_leaves_the_other_ones_steps_out(tmp_path):
    steps = elements.funnel(dataset(tmp_path, pipeline="Retail", **SHOP)).table
    assert steps["stage_id"].tolist() == ["R1", "R2", "RW"]


def test_a_funnel_of_a_source_without_history_is_empty(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], stage_history=None)
    assert elements.funnel(ds).table.empty
    assert elements.stage_conversion(ds).table.empty


# ── From stage to stage ──────────────────────────────────────────────────────────────────────────────────────────────


def _row(table, stage, manager):
    row = table[(table["stage_id"] == stage) & (table["manager"] == manager)].iloc[0]
    names = ["stage_conversion_k", "stage_conversion_n", "visited_next", "lost_on_the_way", "on_the_way"]
    return [int(row[name]) for name in names]


def test_every_step_has_its_managers_and_then_the_team(shop):
    table = elements.stage_conversion(shop).table
    request = table[table["stage_id"] == "REQ"]
    assert request["manager"].tolist() == ["Anna", "Boris", "Team"]
    assert request["is_total"].tolist() == [False, False, True]
    assert set(request["to_stage"]) == {"Invoice"}
    assert "WON" not in set(table["stage_id"])


def test_those_who_did_not_go_on_were_lost_or_are_on_the_way(shop):
    table = elements.stage_conversion(shop).table
    assert _row(table, "REQ", "Anna") == [5, 12, 5, 7, 0]  # 1–5 went on, 6–12 were lost
    assert _row(table, "REQ", "Boris") == [0, 8, 0, 3, 5]  # 13–15 were lost, 16–20 stand there
    assert _row(table, "REQ", "Team") == [5, 20, 5, 10, 5]
    assert _row(table, "R1", "Team") == [2, 4, 1, 0, 2]  # r1 jumped over the offer


def test_who_differs_is_asked_step_by_step(shop):
    table = elements.stage_conversion(shop).table
    # The request: 12 of 12 against 8 of 13 of the cold base, p = 0.04: not under 0.05/2.
    assert table["stage_conversion_differs"].fillna(False).tolist() == [False] * len(table)


def test_a_deal_born_lost_is_on_no_step(tmp_path):
    ds = dataset(
        tmp_path,
        deals=[deal(1, "2025-03-01", stage_id="DEAR", outcome="lost")],
        stage_history=moves(1, ("2025-03-01", "DEAR")),
    )
    assert elements.stage_conversion(ds).table.empty


# ── Loss reasons and customers ───────────────────────────────────────────────────────────────────────────────────────


def test_loss_reasons_are_shares_of_what_was_lost_the_most_frequent_first(shop):
    table = elements.loss_reasons(shop).table
    assert table["loss_reason"].tolist() == ["Too expensive", "Went to others"]
    assert table["lost"].tolist() == [6, 4]
    assert table["lost_money"].tolist() == [600, 400]
    assert table["share_of_lost"].tolist() == [0.6, 0.4]


def test_the_crms_own_reason_comes_before_the_stages_name(tmp_path):
    lost = {"stage_id": "DEAR", "outcome": "lost"}
    deals = [deal(1, "2025-03-01", loss_reason="No budget", **lost), deal(2, "2025-03-01", **lost)]
    ds = dataset(
        tmp_path, deals=deals, stage_history=[*moves(1, ("2025-03-02", "DEAR")), *moves(2, ("2025-03-02", "DEAR"))]
    )
    assert set(elements.loss_reasons(ds).table["loss_reason"]) == {"No budget", "Too expensive"}


def test_nothing_lost_gives_no_reasons(tmp_path):
    assert elements.loss_reasons(dataset(tmp_path, deals=[deal(1, "2025-03-01")])).table.empty


def test_wins_are_of_new_customers_repeat_ones_or_of_none(march):
    table = elements.new_repeat(march).table
    table = table[~table["is_total"]].set_index("customer_kind")
    assert table.loc[table["won"] > 0, "won"].to_dict() == {"new": 1, "no customer": 1, "repeat": 1}
    assert table.loc[table["won"] > 0, "won_money"].to_dict() == {"new": 900, "no customer": 0, "repeat": 1000}
    assert plain(repeats(elements.new_repeat(march).table)).startswith("50 % of the won deals are with customers")


def test_customers_over_time_are_measured_once_with_the_other_numbers_and_are_the_same_alone(march, monkeypatch):
    measured = []
    monkeypatch.setattr(sales, "long_run", lambda ds, metrics: measured.append(metrics) or long_run(ds, metrics))
    alone = elements.new_repeat(replace(march)).figure
    together = replace(march)
    table = elements.dynamics(together).table
    table["new_customers"] = 99  # what becomes of it is nobody else's
    assert elements.new_repeat(together).figure == alone
    assert len(measured) == 2


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_list_holds_the_deals_created_or_closed_in_the_period_the_longest_standing_first(march):
    listed = elements.deals(march).table
    assert set(listed[listed["is_touched"]]["deal_id"]) == {"1", "2", "3", "4", "6"}  # 5 was created in January
    first = listed.iloc[0]
    assert first["deal_id"] == "4"  # the only one in work
    assert first["days_in_current_stage"] == 26  # since 6 March
    assert first["duration_days"] == 27
    assert first["url"] == "https://portal.example/crm/deal/details/4/"


FLAGS = {
    "created": "is_created", "won": "is_won", "lost": "is_lost", "in_work": "is_in_work", "forgotten": "is_forgotten",
}  # fmt: skip
MONEY = {
    "created_money": "is_created", "won_money": "is_won", "lost_money": "is_lost", "in_work_money": "is_in_work",
    "forgotten_money": "is_forgotten",
}  # fmt: skip


@pytest.mark.parametrize(
    "narrowed", [{}, {"manager": "Anna"}, {"source": "Call"}, {"department": "Kazan"}, {"period": "2025-02"}]
)
def test_the_list_holds_every_deal_of_every_number_and_says_in_which_it_counts(tmp_path, narrowed):
    tables = {"deals": DEALS, "stage_history": HISTORY, "activities": ACTIVITIES, "comments": COMMENTS}
    ds = dataset(tmp_path, forgotten_after=5, **tables, **narrowed)
    listed = elements.deals(ds).table
    assert {name: int(listed[flag].sum()) for name, flag in FLAGS.items()} == {
        name: value_of(ds, name) for name in FLAGS
    }
    sums = {name: float(listed["money"][listed[flag]].sum()) for name, flag in MONEY.items()}
    assert sums == {name: float(value_of(ds, name)) for name in MONEY}


def test_a_list_does_not_say_of_a_deal_what_the_source_can_not_know(tmp_path):
    listed = elements.deals(dataset(tmp_path, deals=[deal(1, "2025-03-01")], activities=None, comments=None)).table
    assert listed["is_forgotten"].isna().all()
    assert listed["is_in_work"].tolist() == [True]


def test_a_list_longer_than_a_page_can_carry_keeps_the_deals_of_the_period(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules["crm_reports.elements.deals"], "MOST", 2)
    old = [deal(id, "2025-01-05") for id in (1, 2)]
    ds = dataset(tmp_path, deals=[*old, deal(3, "2025-03-05"), deal(4, "2025-03-06")])
    listed = elements.deals(ds)
    assert listed.table["deal_id"].tolist() == ["3", "4"]
    assert "The list holds 2 of 4 deals, those of the period first; the CRM has the others." in listed.note


def test_a_deal_has_a_status_a_stage_and_when_lost_a_reason(march):
    listed = elements.deals(march).table.query("is_touched").set_index("deal_id")
    assert listed["status"].to_dict() == {"1": "won", "2": "lost", "3": "won", "4": "in work", "6": "won"}
    assert listed["stage"].to_dict() | {"2": "Too expensive", "4": "Request"} == listed["stage"].to_dict()
    assert listed["loss_reason"].to_dict() == {"1": "", "2": "Too expensive", "3": "", "4": "", "6": ""}
    assert listed.loc["1", "customer"] == "Roga i Kopyta"
    assert listed.loc["6", "customer"] == ""
    assert listed.loc["4", "last_action_kind"] == "call"


def test_a_reopened_deal_says_so(tmp_path):
    ds = dataset(
        tmp_path,
        deals=[deal(1, "2025-03-01", stage_id="REQ")],
        stage_history=moves(1, ("2025-03-01", "NEW"), ("2025-03-02", "DEAR"), ("2025-03-09", "REQ")),
    )
    assert elements.deals(ds).table["status"].tolist() == ["reopened"]


# ── Activity ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_activity_is_per_manager_the_most_active_first_and_the_team_is_the_median(march):
    table = elements.activity(march).table
    assert table["manager"].tolist()[:2] == ["Anna", "Boris"]
    assert table["activity_index"].tolist() == pytest.approx([10, 35 / 9.5, (10 + 35 / 9.5) / 2])
    assert table["actions"].tolist() == [8, 4, 12]
    assert table["calls"].tolist() == [0, 1, 1]
    assert table["is_total"].tolist() == [False, False, True]


def test_weights_are_printed_beside_the_actions_they_weigh(march):
    table = elements.weights(march).table.set_index("kind")
    assert table["weight"].to_dict() == {
        "call": 2, "meeting": 5, "e-mail": 1, "CRM activity": 1, "comment": 0.5, "stage move": 0.5,
    }  # fmt: skip
    assert table["actions"].tolist() == [1, 1, 1, 1, 1, 7]


def test_a_kind_nobody_ever_did_is_left_out(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], activities=[act("1", "call", "1", "2025-03-03", on="1")])
    table = elements.activity(ds).table
    assert "calls" in table
    assert not {"emails", "meetings", "comments", "crm_activities"} & set(table)


def test_who_was_dismissed_has_an_index_only_for_what_he_did(tmp_path):
    people = [
        {"manager_id": id, "name": name, "is_active": id == "1"}
        for id, name in (("1", "Anna"), ("2", "Boris"), ("3", "Vera"))
    ]
    deals = [deal(1, "2025-03-01"), deal(2, "2025-03-01", manager_id="2"), deal(3, "2025-03-01", manager_id="3")]
    ds = dataset(tmp_path, deals=deals, managers=people, activities=[act("1", "call", "2", "2025-03-03", on="2")])
    table = measure(ds, ["activity_index", "in_work"], by="manager").set_index("manager")
    assert table["in_work"].to_dict() == {"Anna": 1, "Boris": 1, "Vera": 1}
    assert table["activity_index"].fillna(-1).to_dict() == {"Anna": 0, "Boris": 10, "Vera": -1}


def test_a_filter_by_source_keeps_the_actions_on_its_deals_only(tmp_path):
    deals = [deal(1, "2025-03-01"), deal(2, "2025-03-01", source_id="CALL")]
    acts = [act("1", "call", "1", "2025-03-03", on="1"), act("2", "call", "1", "2025-03-03", on="2"),
            act("3", "call", "1", "2025-03-04", on="5", owner_type="company")]  # fmt: skip
    tables = {"deals": deals, "activities": acts}
    assert elements.activity(dataset(tmp_path / "a", **tables)).table["calls"].iloc[-1] == 3
    assert elements.activity(dataset(tmp_path / "b", source="Website", **tables)).table["calls"].iloc[-1] == 1


def test_a_filter_by_manager_is_about_who_acted_not_whose_deal_it_is(tmp_path):
    acts = [act("1", "call", "2", "2025-03-03", on="1"), act("2", "call", "1", "2025-03-03", on="1")]
    ds = dataset(tmp_path, manager="Boris", deals=[deal(1, "2025-03-01")], activities=acts)
    assert elements.activity(ds).table[["manager", "calls"]].iloc[0].tolist() == ["Boris", 1]


def test_activity_and_results_stand_side_by_side_for_everybody_with_an_index(march):
    table = elements.index_vs_results(march).table
    assert table["manager"].tolist() == ["Anna", "Boris"]
    assert table["won_money"].tolist() == [1900, 0]
    assert table["won"].tolist() == [2, 1]


# ── Forgotten ────────────────────────────────────────────────────────────────────────────────────────────────────────

FORGOTTEN = {
    "deals": [
        deal(1, "2025-01-01", amount=100.0),  # Anna, nothing planned
        deal(2, "2025-01-01", amount=900.0, manager_id="2"),  # Boris, planned for May
        deal(3, "2025-02-01", amount=900.0, manager_id="2"),  # Boris, overdue, silent for a shorter time
        deal(4, "2025-03-25", amount=500.0),  # Anna, fresh
        deal(5, "2025-01-01", amount=5.0, manager_id="3"),  # of nobody we know
    ],
    "activities": [
        act(
            "1",
            "call",
            "2",
            "2025-01-02",
            on="2",
            is_done=False,
            is_action=False,
            at=None,
            deadline_at=at("2025-05-01"),
        ),
        act(
            "2",
            "call",
            "2",
            "2025-01-02",
            on="3",
            is_done=False,
            is_action=False,
            at=None,
            deadline_at=at("2025-03-01"),
        ),
    ],
}


@pytest.fixture(scope="module")
def silent(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("silent"), **FORGOTTEN)


def test_the_list_has_the_most_money_first_then_the_longest_silence(silent):
    listed = elements.forgotten_deals(silent).table.query("is_forgotten")
    assert listed["deal_id"].tolist() == ["2", "3", "1", "5"]
    assert listed["days_silent"].tolist() == [90, 59, 90, 90]
    assert listed["next_step"].tolist() == ["planned", "overdue", "none", "none"]


def test_what_has_no_next_step_is_on_the_list_though_it_is_not_forgotten(tmp_path):
    listed = elements.forgotten_deals(dataset(tmp_path, deals=[deal(1, "2025-03-30")], activities=[])).table
    assert listed[["is_forgotten", "is_without_step", "is_overdue"]].values.tolist() == [[False, True, False]]


def test_the_to_do_list_holds_every_deal_of_every_number_of_its_report(silent):
    listed = elements.forgotten_deals(silent).table
    flags = {"forgotten": "is_forgotten", "no_next_step": "is_without_step", "next_step_overdue": "is_overdue"}
    assert {name: int(listed[flag].sum()) for name, flag in flags.items()} == {
        name: value_of(silent, name) for name in flags
    }
    assert listed["money"][listed["is_forgotten"]].sum() == value_of(silent, "forgotten_money")
    assert listed["is_forgotten"].is_monotonic_decreasing


def test_forgotten_by_department_has_a_row_for_those_in_none_and_a_total_of_all(silent):
    table = elements.forgotten_by(silent, "department")
    assert table["department"].tolist()[:3] == ["Kazan", "Moscow", "no department"]
    assert table["forgotten"].tolist() == [2, 1, 1, 4]
    assert table["in_work"].tolist() == [2, 2, 1, 5]
    assert table["forgotten_money"].tolist() == [1800, 100, 5, 1905]
    assert table["no_next_step"].tolist() == [0, 2, 1, 3]
    assert table["next_step_overdue"].tolist() == [1, 0, 0, 1]
    assert table["forgotten_share"].tolist() == [1, 0.5, 1, 0.8]
    assert table["is_total"].tolist() == [False, False, False, True]


def test_forgotten_by_manager_shows_a_stranger_by_his_id(silent):
    assert elements.forgotten_by(silent, "manager")["manager"].tolist()[:3] == ["Boris", "Anna", "3"]


def test_forgotten_by_stage_names_the_pipeline_where_there_are_several(silent):
    table = elements.forgotten_by(silent, "stage")
    assert table[["stage", "forgotten"]].iloc[0].tolist() == ["Cold base", 4]
    assert "pipeline" not in table  # there is only one


def test_a_filter_by_department_takes_those_below_with_it(tmp_path):
    table = elements.forgotten_by(dataset(tmp_path / "a", department="Moscow", **FORGOTTEN), "department")
    assert table["department"].tolist()[:2] == ["Kazan", "Moscow"]  # Kazan is below Moscow
    assert table["forgotten"].tolist() == [2, 1, 3]
    below = elements.forgotten_by(dataset(tmp_path / "b", department="Kazan", **FORGOTTEN), "department")
    assert below["forgotten"].tolist() == [2, 2]


def test_stages_and_pipelines_of_long_deals_can_be_left_out(tmp_path):
    assert dataset(tmp_path / "a", exclude_stages=["cold base"], **FORGOTTEN).open_deals.empty
    assert dataset(tmp_path / "b", exclude_pipelines="Sales", **FORGOTTEN).open_deals.empty


# ── What needs you ───────────────────────────────────────────────────────────────────────────────────────────────────


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


def test_what_needs_you_names_its_numbers_and_the_report_that_proves_them(shop):
    table = elements.needs_you(shop).table
    assert table["text"].tolist()[0] == "The narrow place is Request → Invoice: 15 of 20 deals went no further."
    assert table[["report", "element"]].iloc[0].tolist() == ["sales_dynamics", "funnel"]
    assert not any(
        "forgotten" in text for text in table["text"]
    )  # no activities in this store: nothing is said of silence


def test_what_needs_you_counts_the_silent_ones_and_calls_half_of_them_nobodys_most(silent):
    said = plain(elements.needs_you(silent).table["text"].iloc[0])
    assert said.startswith("4 of 5 deals in work are forgotten: ")
    assert "most of them" not in said  # two are Boris's, one Anna's, one nobody's


def test_who_differs_from_the_team_is_named_with_k_of_n(tmp_path):
    deals, history = [], []
    for number in range(20):
        stage, outcome = ("WON", "won") if number < 10 else ("DEAR", "lost")
        manager = "1" if number < 10 else "2"
        deals.append(deal(number, "2025-03-01", stage_id=stage, outcome=outcome, manager_id=manager))
        history += moves(number, ("2025-03-01", "NEW"), ("2025-03-05", stage))
    said = elements.needs_you(dataset(tmp_path, deals=deals, stage_history=history)).table["text"].tolist()
    assert [plain(text) for text in said if "wins" in text] == [
        "Anna wins 10 of 10 closed deals, the team 50 %: a clear difference."
    ]


def test_at_most_five_things_need_you_and_the_glossary_stays_that_of_the_page(shop):
    before = context.current().metrics
    assert len(elements.needs_you(shop).table) <= 5
    assert context.current().metrics == before


def test_nothing_to_look_at_is_an_empty_table_with_its_columns(tmp_path):
    table = elements.needs_you(dataset(tmp_path, deals=[], activities=[])).table
    assert isinstance(table, pd.DataFrame)
    assert table.columns.tolist() == ["text", "report", "element"]
    assert table.empty


# ── Over time ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_dynamics_go_back_to_the_year_before_and_mark_the_period(tmp_path):
    """Deals were created in May 2024 and in March 2025: March is the period, and all months since the first deal are there."""
    ds = dataset(tmp_path, deals=[deal(1, "2024-05-10"), deal(2, "2025-03-02"), deal(3, "2025-03-03")])
    table = elements.dynamics(ds).table
    months = table[table["size"] == "month"].set_index("period")
    assert months.index.tolist() == [f"2024-{month:02}" for month in range(5, 13)] + ["2025-01", "2025-02", "2025-03"]
    assert months["created"].tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert months.index[months["is_in_period"]].tolist() == ["2025-03"]
    assert table.loc[(table["size"] == "quarter") & table["is_in_period"], "period"].tolist() == ["2025-Q1"]


def test_each_month_stands_beside_the_same_a_year_earlier_unless_nothing_is_compared(tmp_path):
    deals = [deal(1, "2024-03-10"), deal(2, "2025-03-02"), deal(3, "2025-03-03")]
    months = elements.dynamics(dataset(tmp_path, deals=deals)).table.query("size == 'month'").set_index("period")
    assert months.loc["2025-03", ["created", "created_previous"]].tolist() == [2, 1]
    assert (
        "created_previous" not in elements.dynamics(dataset(tmp_path / "alone", deals=deals, comparison="none")).table
    )


def test_a_year_earlier_is_missing_where_nothing_was_known_yet(tmp_path):
    """The first deal is of May 2024: May 2025 can be compared, April 2025 can't."""
    ds = dataset(tmp_path, deals=[deal(1, "2024-05-10"), deal(2, "2025-04-03")], period="2025-05", as_of="2025-06-01")
    months = elements.dynamics(ds).table.query("size == 'month'").set_index("period")["created_previous"]
    assert pd.isna(months["2025-04"])
    assert months["2025-05"] == 1


def test_one_manager_has_no_total_beside_himself(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], manager="Anna")
    assert elements.managers(ds).table["is_total"].tolist() == [False]


def test_the_month_that_runs_stands_beside_the_last_one(tmp_path):
    """As of 20 April March is the period, and the deal of April is shown beside it, in none of March's numbers."""
    deals = [deal(1, "2025-03-02"), deal(2, "2025-04-03")]
    ds = dataset(tmp_path, deals=deals, as_of="2025-04-20", period="2025-03")
    months = elements.dynamics(ds).table.query("size == 'month'").set_index("period")
    assert months[["created", "is_running", "is_in_period"]].to_numpy().tolist() == [[1, False, True], [1, True, False]]
    year = elements.twelve_months(ds, ["created", "won_money"]).table
    assert year["period"].tolist()[-2:] == ["2025-03", "2025-04"]
    assert year["is_in_period"].tolist() == [True] * 12 + [False]


def test_managers_come_with_the_most_money_first_and_the_total_last(tmp_path):
    deals = [
        deal(
            n,
            "2025-03-01",
            outcome="won",
            stage_id="WON",
            amount=float(n),
            manager_id=str(n),
            closed_at=at("2025-03-09"),
        )
        for n in (1, 2)
    ]
    table = elements.managers(dataset(tmp_path, deals=deals, stage_history=None)).table
    assert table["manager"].tolist()[:2] == ["Boris", "Anna"]
    assert table["is_total"].tolist() == [False, False, True]


# ── What falling behind costs ────────────────────────────────────────────────────────────────────────────────────────


def test_falling_behind_costs_the_deals_the_team_would_have_brought_on_times_their_worth(tmp_path):
    # Request → Invoice: Anna 2 of 20, Boris 18 of 20, the team 20 of 40 = 50 %: Anna is 0.5 × 20 − 2 = 8 deals short.
    # All 20 that came to the invoice are closed; ten were won for 100: a deal there is worth 50, so 400 short.
    deals, history = [], []
    for number in range(40):
        manager, goes_on = ("1", number < 2) if number < 20 else ("2", number < 38)
        won = goes_on and number % 2 == 0
        path = [("2025-03-01", "NEW"), ("2025-03-02", "REQ"), *([("2025-03-03", "INV")] if goes_on else [])]
        path += [("2025-03-04", "WON" if won else "DEAR")]
        outcome = "won" if won else "lost"
        deals.append(deal(number, "2025-03-01", manager_id=manager, stage_id=path[-1][1], outcome=outcome))
        history += moves(number, *path)
    ds = dataset(tmp_path, deals=deals, stage_history=history)
    row = elements.narrow_places(ds).table.iloc[0]
    assert row[["manager", "stage", "to_stage"]].tolist() == ["Anna", "Request", "Invoice"]
    assert row[["stage_conversion_k", "stage_conversion_n", "team_conversion"]].tolist() == [2, 20, 0.5]
    assert row["deals_short"] == pytest.approx(8)
    assert row["money_short"] == pytest.approx(400)
    assert row["sureness"] == "clear"
    own = elements.narrow_places(replace(ds, filters=replace(ds.filters, manager=(Choice("1", "Anna"),)))).table
    assert own.empty  # on her own page: 20 of 40 less her 2 of 20 would be Boris's


def test_going_from_stage_to_stage_is_counted_over_the_window_and_says_so(tmp_path):
    """In January 30 of Anna's deals reached a request and none an invoice, 30 of Boris's all did; March itself saw nothing."""
    deals = [
        deal(n, "2025-01-05", manager_id="1" if n <= 30 else "2", stage_id="REQ" if n <= 30 else "INV")
        for n in range(1, 61)
    ]
    steps = {n: [("2025-01-05", "REQ"), *([("2025-01-09", "INV")] if n > 30 else [])] for n in range(1, 61)}
    history = [row for n, path in steps.items() for row in moves(n, *path)]
    ds = dataset(tmp_path, deals=deals, stage_history=history, stage_window="3 months")
    shown = elements.narrow_places(ds)
    row = shown.table.iloc[0]
    assert row[["manager", "stage", "stage_conversion_k", "stage_conversion_n", "in_work"]].tolist() == [
        "Anna",
        "Request",
        0,
        30,
        30,
    ]
    assert "Anna, Request → Invoice: 0 of 30 went on, the team 50" in shown.finding
    assert "in the 3 months to 31 Mar. A clear difference." in shown.finding
    assert "in the 3 months to 31 Mar" in elements.funnel(ds).finding
    assert "in the 3 months to 31 Mar" in elements.stage_conversion(ds).finding
    assert all("in the 3 months to 31 Mar" in text for text in elements.needs_you(ds).table["text"] if "→" in text)
    alone = dataset(tmp_path / "alone", deals=deals, stage_history=history)
    assert elements.narrow_places(alone).table.empty


def test_each_manager_has_one_narrow_place_his_dearest(tmp_path):
    """Anna is behind on two steps, of 20 deals and of 10: the one that is sure is hers."""
    deals = [deal(n, "2025-03-01", manager_id="1" if n <= 20 else "2", stage_id="REQ") for n in range(1, 41)]
    steps = {n: ["NEW", *(["REQ"] if n <= 10 or n > 20 else []), *(["INV"] if n > 20 else [])] for n in range(1, 41)}
    days = ("2025-03-02", "2025-03-03", "2025-03-04")
    history = [row for n, path in steps.items() for row in moves(n, *zip(days, path, strict=False))]
    table = elements.narrow_places(dataset(tmp_path, deals=deals, stage_history=history)).table
    assert table[["manager", "stage", "stage_conversion_k", "stage_conversion_n"]].to_numpy().tolist() == [
        ["Anna", "Cold base", 10, 20]
    ]


def test_fewer_than_five_deals_are_no_narrow_place(shop):
    assert (elements.narrow_places(shop).table["stage_conversion_n"] >= 5).all()


# ── Why deals are lost, and where from ───────────────────────────────────────────────────────────────────────────────


def test_a_lost_deal_is_lost_from_the_last_stage_of_work_it_stood_on(shop):
    table = elements.losses_by_stage(shop).table
    own = table[~table["is_total"]].set_index("loss_reason")["lost"].to_dict()
    assert own == {"Too expensive": 6, "Went to others": 4}
    assert table["stage"].unique().tolist() == ["Request"]
    assert table.loc[table["is_total"], "lost"].tolist() == [10]


def test_the_parts_of_the_losses_by_manager_are_the_team_s(shop):
    table = elements.losses_by_manager(shop).table
    parts = table[~table["is_total"]].groupby("loss_reason")["lost"].sum()
    team = table[table["is_total"]].set_index("loss_reason")["lost"]
    assert parts.to_dict() == team.to_dict() == {"Too expensive": 6, "Went to others": 4}


def test_deals_by_status_tell_the_reopened_apart(tmp_path):
    ds = dataset(
        tmp_path,
        deals=[
            deal(1, "2025-03-01", stage_id="REQ"),
            deal(2, "2025-03-01", stage_id="WON", outcome="won", amount=300),
            deal(3, "2025-03-11"),
        ],
        stage_history=[
            *moves(1, ("2025-03-01", "NEW"), ("2025-03-02", "DEAR"), ("2025-03-09", "REQ")),
            *moves(2, ("2025-03-01", "NEW"), ("2025-03-05", "WON")),
            *moves(3, ("2025-03-11", "NEW")),
        ],
    )
    table = elements.status(ds).table
    assert table["deals"].tolist() == [1, 0, 1, 1]
    assert table["money"].tolist() == [300, 0, 100, 100]
    assert table["duration_days"].tolist()[0] == 4


# ── How long silent ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_deal_in_work_is_in_one_span_of_silence_and_the_threshold_is_an_edge(silent):
    table = elements.silence(silent).table
    assert table["deals"].sum() == len(silent.open_deals) == 5
    assert table.loc[table["is_forgotten"], "deals"].sum() == 4
    assert silent.forgetting.after in table["from_days"].tolist()


def test_a_higher_threshold_forgets_no_more(silent):
    table = elements.thresholds(silent).table
    assert table["forgotten"].is_monotonic_decreasing
    assert table.loc[table["is_used"], "forgotten"].tolist() == [4]
    assert table["forgotten_share_n"].unique().tolist() == [5]


def test_tonight_counts_as_the_tile_does_and_a_night_as_its_own_report_would(silent):
    nights = elements.nights(silent).table
    assert nights["forgotten"].iloc[-1] == 4
    week = replace(silent, filters=replace(silent.filters, as_of=silent.filters.as_of - timedelta(weeks=1)))
    assert nights["forgotten"].iloc[-2] == week.open_deals["is_forgotten"].sum()
    assert nights["in_work"].iloc[-2] == len(week.open_deals)
