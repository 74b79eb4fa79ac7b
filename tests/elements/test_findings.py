"""The computed sentence over each element."""

import pandas as pd
import pytest

from crm_reports import elements
from crm_reports.elements.activity import correlation, most_active, pairs, sensitive, without_data
from crm_reports.elements.changes import movement
from crm_reports.elements.forgotten import long_silent, threshold, worst_share
from crm_reports.elements.funnel import dearest, narrow_place, who_differs
from crm_reports.elements.losses import loses_most, lost_from, top_reason
from crm_reports.elements.sales import best_source, concentration, sentence, year_on_year
from crm_reports.elements.stages import slowest_stage
from crm_reports.words import units
from stores import dataset, deal


@pytest.fixture(autouse=True)
def roubles():
    units.use(currency="RUB")
    yield
    units.use()


def plain(text):
    return text.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize(
    ("value", "previous", "change", "said"),
    [
        (12, 10, 0.2, "Won grew by 20 %, from 10"),
        (8, 10, -0.2, "Won fell by 20 %, from 10"),
        (10, 10, 0.0, "Won did not change: 10 before"),
        (10, 0, float("nan"), "Won: 10"),
    ],
)
def test_growth_says_the_direction_and_from_where(value, previous, change, said):
    row = {"metric": "won", "value": value, "previous": previous, "change": change}
    assert plain(sentence(row)) == said


def test_concentration_counts_the_few_who_bring_more_than_half():
    money = pd.DataFrame({"won_money": [50.0, 40.0, 10.0, 100.0], "is_total": [False, False, False, True]})
    assert plain(concentration(money)) == "1 of 3 managers brings 50 % of the money"
    money["won_money"] = [40.0, 30.0, 30.0, 100.0]
    assert plain(concentration(money)) == "2 of 3 managers bring 70 % of the money"
    assert concentration(money.assign(won_money=0.0)) == ""


def steps(*counts):
    """Steps of which k of n went on; the one with the smallest share is marked."""
    rows = [
        {"stage": f"S{place}", "to_stage": f"S{place + 1}", "stage_conversion": k / n, "stage_conversion_k": k,
         "stage_conversion_n": n} for place, (k, n) in enumerate(counts)
    ]  # fmt: skip
    least = min(row["stage_conversion"] for row in rows if row["stage_conversion_n"] >= 20)
    return pd.DataFrame(rows).assign(is_narrowest=lambda table: table["stage_conversion"] == least)


def test_the_narrow_place_is_named_where_it_is_narrower_than_the_rest_by_more_than_chance():
    assert narrow_place(steps((38, 40), (5, 20))) == "The narrow place is S1 → S2: 15 of 20 deals went no further"
    assert narrow_place(steps((20, 40), (9, 20))) == (
        "The fewest go on from S1 → S2, which may be chance: 11 of 20 deals went no further"
    )
    assert "no step has 20" in narrow_place(steps((5, 20)).assign(is_narrowest=False))


def test_of_the_narrow_places_of_several_pipelines_the_narrowest_is_named():
    both = pd.concat([steps((100, 200), (300, 300)), steps((5, 20))], ignore_index=True)
    assert "15 of 20" in narrow_place(both)


def test_who_differs_is_named_once_or_nobody():
    table = pd.DataFrame({"manager": ["Anna", "Anna", "Team"], "stage_conversion_differs": [True, True, float("nan")]})
    assert who_differs(table) == "Clearly different from the rest of the team: Anna"
    assert who_differs(table.iloc[2:]) == "Nobody clearly differs from the team"
    assert who_differs(pd.DataFrame()) == ""  # over an empty table nothing is said


def test_the_top_reason_has_its_share():
    reasons = pd.DataFrame({"loss_reason": ["Too expensive", "Other"], "share_of_lost": [0.6, 0.4]})
    assert plain(top_reason(reasons)) == "Too expensive: 60 % of what was lost"
    assert top_reason(reasons.iloc[:0]) == "Nothing was lost in the period"


def test_a_correlation_whose_interval_holds_zero_is_no_clear_link():
    table = pd.DataFrame({"activity_index": [1.0, 2, 3, 4], "won_money": [1.0, 3, 2, 4]})
    assert correlation(table).startswith("Activity and money show no clear link: rank correlation 0.8")
    many = pd.DataFrame({"activity_index": range(9), "won_money": [0, 1, 2, 3, 4, 5, 6, 8, 7]})
    assert correlation(many).startswith("Activity and money go together: rank correlation 0.98")
    assert correlation(table.iloc[:3]).startswith("Too few managers")


def test_an_opposite_link_is_not_called_going_together():
    table = pd.DataFrame({"activity_index": range(9), "won_money": [8, 7, 6, 5, 4, 3, 2, 0, 1]})
    assert correlation(table).startswith("The more activity, the less money")


def test_the_most_active_is_named_beside_the_middle_of_the_team():
    table = pd.DataFrame(
        {"manager": ["Anna", "Boris", None], "activity_index": [10.0, 4.0, 7.0], "is_total": [False, False, True]}
    )
    assert most_active(table) == "Anna does most; the middle of the team is at 7 of 10"
    assert most_active(table.iloc[2:]) == "Nobody acted in the period"


def test_the_forgotten_are_counted_with_their_money(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-01-01"), deal(2, "2025-03-30")], activities=[])
    assert plain(elements.forgotten_deals(ds).finding) == "1 of 2 deals in work is forgotten: 100 ₽"


def rates(name, column, **rows):
    """A table of k of n by name, with its total."""
    table = pd.DataFrame([{column: who, f"{name}_k": k, f"{name}_n": n} for who, (k, n) in rows.items()])
    total = {column: None, f"{name}_k": table[f"{name}_k"].sum(), f"{name}_n": table[f"{name}_n"].sum()}
    table = pd.concat([table, pd.DataFrame([total])], ignore_index=True)
    return table.assign(**{name: table[f"{name}_k"] / table[f"{name}_n"]}, is_total=[*[False] * len(rows), True])


def test_who_forgets_most_is_who_differs_from_the_rest_by_more_than_chance():
    table = rates("forgotten_share", "manager", Anna=(36, 40), Boris=(20, 60))
    assert plain(worst_share(table, "manager")) == (
        "Anna: 36 of 40 forgotten, 90 %; all together 56 %: a clear difference."
    )


def test_the_largest_heap_is_not_called_worst_where_its_share_is_that_of_all():
    table = rates("forgotten_share", "department", Moscow=(749, 1000), Kazan=(76, 100))
    assert plain(worst_share(table, "department")) == (
        "825 of 1 100 are forgotten, 75 %; no row clearly differs from the rest"
    )
    assert worst_share(rates("forgotten_share", "manager", Anna=(0, 9)), "manager") == "Nothing is forgotten"


def test_a_source_is_said_to_convert_only_where_it_is_above_all_by_more_than_chance():
    weak = rates("conversion", "source", Cold=(23, 295), Web=(60, 305)).assign(won_money=[10.0, 30.0, 40.0])
    assert (
        plain(best_source(weak))
        == "Web brings most: 30 ₽. Web converts 19.7 %, all together 13.8 %: a clear difference"
    )
    alike = rates("conversion", "source", Cold=(39, 295), Web=(44, 305)).assign(won_money=[10.0, 10.0, 20.0])
    assert plain(best_source(alike)) == "All together convert 13.8 %, none clearly better"
    assert plain(best_source(weak.drop(columns="won_money"))).startswith("Web converts 19.7 %")


def losses(**cells):
    """A table of losses: who lost how many with which reason."""
    rows = [
        {"manager": who, "manager_id": who, "loss_reason": reason, "lost": k, "is_total": False}
        for who, reasons in cells.items() for reason, k in reasons.items()
    ]  # fmt: skip
    team = pd.DataFrame(rows).groupby("loss_reason", as_index=False)["lost"].sum()
    return pd.concat([pd.DataFrame(rows), team.assign(is_total=True, manager="Team")], ignore_index=True)


def test_a_reason_is_somebodys_own_only_where_the_others_have_it_less_often_by_more_than_chance():
    table = losses(Anna={"Price": 25, "Time": 5}, Boris={"Price": 10, "Time": 20}, Vera={"Price": 15, "Time": 15})
    assert plain(loses_most(table)) == "Anna loses 25 of 30 with “Price”, all together 55.6 %: a clear difference."
    table = losses(Anna={"Price": 16, "Time": 14}, Boris={"Price": 14, "Time": 16})
    assert plain(loses_most(table)).startswith("Nobody's reasons clearly differ; of all 60, 30 were lost")


def test_most_means_more_than_half():
    team = pd.DataFrame({"stage": ["A", "B", "C"], "lost": [5, 3, 3], "is_total": True})
    assert lost_from(team) == "More are lost from A than from any other stage: 5 of 11"
    assert lost_from(team.assign(lost=[7, 3, 3])) == "Most are lost from A: 7 of 13"
    assert lost_from(team.assign(lost=[3, 3, 3])) == "9 deals were lost; no one stage leads"


def test_how_long_the_forgotten_are_silent_is_said_of_half_of_them():
    table = pd.DataFrame(
        {"from_days": [0, 14, 30, 60], "deals": [50, 40, 30, 40], "is_forgotten": [False, True, True, True]}
    )
    assert long_silent(table) == "70 of the 110 deals silent for 14 days or more have been so for 30 or more"
    assert long_silent(table.assign(deals=[1, 9, 1, 1])) == "11 deals are silent for 14 days or more"


def test_twelve_months_are_told_against_the_twelve_before():
    table = pd.DataFrame({"won_money": [100.0, 50.0], "won_money_previous": [50.0, 50.0]})
    assert plain(year_on_year(table)) == "150 ₽ won in twelve months, 50 % more than in the twelve before"
    less = table.assign(won_money=25.0)
    assert plain(year_on_year(less)) == "50 ₽ won in twelve months, 50 % less than in the twelve before"
    assert plain(year_on_year(table.assign(won_money_previous=0.0))) == "150 ₽ won in twelve months"


# ── The sentences of the newer elements ──────────────────────────────────────────────────────────────────────────────


def changes(closing):
    parts = {"opening": 100.0, "new": 30.0, "won": -10.0, "lost": -5.0, "closing": closing}
    rows = [{"since": "week", "since_name": "since a week ago", "part": name, "money": money, "deals": 1}
            for name, money in parts.items()]  # fmt: skip
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("closing", "said"),
    [
        (115.0, "The pipeline grew by 15 ₽ to 115 ₽ since a week ago: 30 ₽ new, 10 ₽ won, 5 ₽ lost"),
        (80.0, "The pipeline shrank by 20 ₽ to 80 ₽ since a week ago: 30 ₽ new, 10 ₽ won, 5 ₽ lost"),
        (100.0, "The pipeline holds 100 ₽, as much as since a week ago: 30 ₽ new, 10 ₽ won, 5 ₽ lost"),
    ],
)
def test_what_changed_is_said_with_its_largest_parts(closing, said):
    assert plain(movement(changes(closing))) == said


def test_falling_behind_names_step_numbers_money_and_how_sure_it_is():
    row = {
        "manager": "Anna", "stage": "Request", "to_stage": "Invoice", "stage_conversion_k": 2, "stage_conversion_n": 20,
        "team_conversion": 0.5, "money_short": 400.0, "stage_conversion_differs": True,
    }  # fmt: skip
    said = "Anna, Request → Invoice: 2 of 20 went on, the team 50 %; about 400 ₽ short. "
    assert plain(dearest(pd.DataFrame([row]))) == said + "A clear difference."
    others = [{"stage_conversion_differs": False}, {"stage_conversion_n": 19}]
    nobody = "Nobody clearly falls behind the team's own rate"
    assert [dearest(pd.DataFrame([row | other])) for other in others] == [nobody] * 2
    dear = pd.DataFrame([row | {"manager": "Boris", "stage_conversion_differs": False}, row])
    assert dearest(dear).startswith("Anna")


def test_a_pair_that_may_be_chance_says_so():
    pair = {"manager": "Anna", "other": "Boris", "pair": "the same activity, more money", "is_sure": False}
    assert "may be chance" in pairs(pd.DataFrame([pair]))
    assert pairs(pd.DataFrame([pair | {"is_sure": True}])).endswith("A clear difference.")


def test_the_threshold_says_what_the_next_one_would_give():
    table = pd.DataFrame({"after_days": [7, 14, 21], "forgotten": [9, 6, 4], "is_used": [False, True, False]})
    assert threshold(table) == "6 at 14 days; at 21 days it would be 4"


def test_the_slowest_stage_is_of_those_with_twenty_visits_and_says_so_where_others_are_left_out():
    table = pd.DataFrame({"stage": ["A", "B"], "median_stage_days": [30.0, 12.0], "median_stage_days_n": [19, 20]})
    longest = "longest on B: half of the deals stand there 12 days or more"
    assert plain(slowest_stage(table)) == f"Of the stages with enough visits, {longest}"
    assert plain(slowest_stage(table.iloc[1:])) == longest.replace("longest", "Longest")
    assert "Too few visits" in slowest_stage(table.assign(median_stage_days_n=3))


def test_a_kind_without_data_is_named_and_no_zero(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], activities=[])
    assert without_data(ds).startswith("No data: call, meeting, e-mail")


def test_of_two_weights_that_move_the_ranking_alike_the_first_is_named():
    alike = 0.95
    table = pd.DataFrame({
        "kind": ["call", "meeting", "comment"], "rank_correlation": [alike, 0.99, alike - 1e-15], "keeps_ranking": [False, True, False],
    })  # fmt: skip
    assert sensitive(table) == ("The ranking is the same in 1 of 3 trials; it moves most with call: 0.95")
