"""The company's own fields in reports: filters, cuts, columns and numbers of metrics, worked out by hand."""

from dataclasses import replace

import numpy as np
import pytest

from crm_reports.errors import FilterError, MetricError, SettingsError
from crm_reports.measures.comparisons import step_worth
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure
from crm_reports.metrics import registry
from crm_reports.metrics.registry import column, metric
from crm_reports.settings import OwnField
from stores import at, deal, lead, make_store, moves, nights, seen

FIELDS = {
    "region": {"from": "UF_REGION"},
    "hall": {"from": "UF_HALL"},
    "urgent": {"from": "UF_URGENT", "as": "flag"},
    "score": {"from": "UF_SCORE", "as": "number"},
    "budget": {"from": "UF_BUDGET", "as": "money"},
    "delivery": {"from": "UF_DELIVERY", "as": "date"},
    "segment": {"from": "UF_SEGMENT", "of": "company"},
}
KINDS = {
    "UF_REGION": ("enumeration", False),
    "UF_HALL": ("enumeration", True),
    "UF_URGENT": ("boolean", False),
    "UF_BUDGET": ("money", False),
    "UF_DELIVERY": ("date", False),
}
OPTIONS = {"UF_REGION": {"41": "South", "43": "<b>North</b>"}, "UF_HALL": {"1": "East", "2": "West"}}
VALUES = {
    "1": {"UF_REGION": "41", "UF_HALL": '["1", "2"]', "UF_URGENT": "1", "UF_SCORE": "10", "UF_BUDGET": "2|USD", "UF_DELIVERY": "2025-03-09"},
    "2": {"UF_REGION": "41", "UF_HALL": '["2"]', "UF_URGENT": "0", "UF_SCORE": "30", "UF_BUDGET": "5|XXX"},
    "3": {"UF_REGION": "43", "UF_HALL": None, "UF_SCORE": "50", "UF_BUDGET": "7|RUB"},
    "4": {"UF_REGION": "99"},
}  # fmt: skip


def value(entity: str, id: str, field: str, text: str | None) -> dict[str, object]:
    return {"entity": entity, "entity_id": id, "field": field, "value": text}


OWN = {
    "own_fields": [
        {"entity": "company" if field["from"] == "UF_SEGMENT" else "deal", "field": field["from"], "label": name.title(),
         "type": KINDS.get(field["from"], ("string", False))[0], "is_multiple": KINDS.get(field["from"], ("", False))[1]}
        for name, field in FIELDS.items()
    ],
    "own_options": [
        {"entity": "deal", "field": field, "option_id": id, "name": name, "position": place}
        for field, options in OPTIONS.items() for place, (id, name) in enumerate(options.items())
    ],
    "own_values": [value("deal", id, field, text) for id, row in VALUES.items() for field, text in row.items()]
    + [value("company", "5", "UF_SEGMENT", "Shops"), value("company", "6", "UF_SEGMENT", "Builders")],
}  # fmt: skip
DEALS = [
    deal(1, "2025-03-01", stage_id="WON", outcome="won", moved_at=at("2025-03-05")),
    deal(2, "2025-03-02", amount=50.0, company_id="6"),
    deal(3, "2025-03-03", manager_id="2"),
    deal(4, "2025-03-04", company_id=None),
    deal(5, "2025-03-05"),
]
HISTORY = moves(1, ("2025-03-01", "NEW"), ("2025-03-05", "WON"))


def stored(folder, fields=FIELDS, **more):
    """Those five deals, with these fields of the company's own."""
    settings = make_store(folder, **({"deals": DEALS, "stage_history": HISTORY} | OWN | more))
    return settings.model_copy(update={"fields": {name: OwnField(**field) for name, field in fields.items()}})


def march(settings, as_of="2025-04-01", **chosen):
    """Their March, of the values that are chosen."""
    return load(period="2025-03", as_of=as_of, fields=chosen, settings=settings)


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("own"))


@pytest.fixture
def ds(settings):
    return march(settings)


def rows(table, *names):
    return list(table[list(names)].itertuples(index=False, name=None))


def test_a_table_by_a_field_has_its_values_in_the_order_of_its_list_then_unknown_ones_then_none(ds):
    table = measure(ds, ["created", "won"], by="region", total=True)
    assert rows(table, "region", "region_id", "created", "won")[:-1] == [
        ("South", "41", 2, 1), ("<b>North</b>", "43", 1, 0), ("deleted value 99", "99", 1, 0), ("no value", "", 1, 0),
    ]  # fmt: skip
    assert rows(table, "created", "won")[-1] == (5, 1)


def test_several_values_are_a_row_of_their_own_so_that_rows_add_up_to_the_total(ds):
    table = measure(ds, ["created"], by="hall", total=True)
    assert rows(table, "hall", "created")[:-1] == [("West", 1), ("East, West", 1), ("no value", 3)]
    assert table["created"].iloc[-1] == 5


def test_a_flag_is_yes_no_or_not_said_and_a_field_of_the_company_is_that_of_its_deals(ds):
    assert rows(measure(ds, ["created"], by="urgent"), "urgent", "created") == [("yes", 1), ("no", 1), ("no value", 3)]
    assert rows(measure(ds, ["created"], by="segment"), "segment", "created") == [
        ("Builders", 1),
        ("Shops", 3),
        ("no value", 1),
    ]


def test_a_field_can_be_crossed_with_another_dimension_and_with_time(ds):
    assert rows(measure(ds, ["created"], by=["manager", "region"]), "manager", "region", "created")[:2] == [
        ("Anna", "South", 2), ("Anna", "deleted value 99", 1),
    ]  # fmt: skip
    assert rows(measure(ds, ["created"], by=["region", "month"]), "period", "created")[0] == ("2025-03", 2)


@pytest.mark.parametrize(
    ("chosen", "kept"),
    [
        ({"region": "South"}, ["1", "2"]),
        ({"region": ["41", "43"]}, ["1", "2", "3"]),
        ({"region": "South", "hall": "East"}, ["1"]),
        ({"hall": "West"}, ["1", "2"]),
        ({"urgent": "no"}, ["2"]),
        ({"segment": "shops"}, ["1", "3", "5"]),
    ],
)
def test_a_filter_keeps_the_deals_that_have_one_of_the_values(settings, chosen, kept):
    assert sorted(march(settings, **chosen).deals["deal_id"]) == kept


def test_a_filter_stands_in_the_header_in_the_name_of_files_and_in_what_makes_the_page_again(settings):
    filters = march(settings, region=["South", "43"]).filters
    assert ("Region", "South, <b>North</b>", True) in filters.words()
    assert filters.slug() == "2025-03--region-41_43--as-of-2025-04-01"
    assert filters.parameters()["region"] == ["41", "43"]
    assert filters.as_json()["region"][0] == {"id": "41", "name": "South"}


def test_who_sees_some_people_only_is_offered_lists_whole_and_of_typed_values_those_of_these_people(tmp_path):
    more = {"own_values": [value("deal", "1", "UF_SEGMENT", "mine"), value("deal", "3", "UF_SEGMENT", "theirs")],
            "own_fields": [row | {"entity": "deal"} for row in OWN["own_fields"]]}  # fmt: skip
    names = march(stored(tmp_path, fields=FIELDS | {"segment": {"from": "UF_SEGMENT"}}, **more)).names
    assert [[choice.name for choice in cut.choices] for cut in names.cuts(["1"]) if cut.name in ("region", "segment")] == [
        ["South", "<b>North</b>"], ["mine"],
    ]  # fmt: skip
    assert [choice.name for choice in names.cuts()[-1].choices] == ["mine", "theirs"]


def test_what_a_filter_may_name_is_gathered_once_a_store_for_the_fields_that_are_asked_for(ds):
    assert ds.names.choices is ds.names.choices
    assert [cut.name for cut in ds.names.choices.own] == [own.name for own in ds.names.own if own.is_dimension] != []
    assert replace(ds.names, fields={}).choices.own == ()


def test_what_was_not_chosen_does_not_stand_in_the_header(ds):
    assert "Region" not in [label for label, *_rest in ds.filters.words()]


def test_an_unknown_value_and_an_unknown_field_are_told_in_one_error(settings):
    with pytest.raises(FilterError) as told:
        march(settings, region="West", regoin="South")
    assert str(told.value).splitlines() == [
        "region 'West' is not known; there are, for example: South (ID 41), <b>North</b> (ID 43), deleted value 99 (ID 99)",
        "fields names 'regoin', by which nothing can be chosen; near: region, urgent",
    ]


def test_a_list_of_deals_has_the_fields_beside_their_ids_money_in_the_base_currency(ds):
    deals = ds.deals.set_index("deal_id")
    assert deals.loc["1", ["region", "region_id", "hall", "segment", "score", "budget"]].tolist() == [
        "South", "41", "East, West", "Shops", 10.0, 180.0,
    ]  # fmt: skip
    assert str(deals.loc["1", "delivery"].date()) == "2025-03-09"
    assert deals.loc["3", "budget"] == 7.0
    assert np.isnan(deals.loc["2", "budget"])  # nobody knows what an XXX is
    assert np.isnan(deals.loc["5", "score"])


@pytest.fixture
def mean_score():
    @metric(title="Mean score", unit="number", formula="Σ score of created deals ÷ those", on="events")
    def own_mean_score(events):
        """How good the deals that came in are."""
        return events["score"][events["is_created"]].mean()

    yield "own_mean_score"
    del registry.METRICS["own_mean_score"]


def test_a_number_is_a_field_of_own_metrics_missing_where_it_is_empty(ds, mean_score):
    table = measure(ds, [mean_score], by="region", total=True)
    assert rows(table, mean_score)[:2] == [(20.0,), (50.0,)]
    assert np.isnan(table[mean_score].iloc[2])
    assert table[mean_score].iloc[-1] == 30.0


def test_a_column_is_called_as_the_crm_calls_the_field_and_money_is_written_as_money(ds):
    assert [(column(name).title, column(name).unit) for name in ("region", "region_id", "budget", "score")] == [
        ("Region", "text"), ("Region: ID", "text"), ("Budget", "money"), ("Score", "number"),
    ]  # fmt: skip


def test_a_field_is_as_the_night_knew_it_and_one_wanted_later_as_it_was_first_seen(tmp_path):
    more = {
        "syncs": nights("2025-03-10", "2025-03-20", "2025-04-01"),
        "own_values_versions": [seen(value("deal", "2", "UF_REGION", "43"), "2025-03-10 01:00")],
    }
    settings = stored(tmp_path, **more)
    assert [march(settings, day, region="South").size for day in ("2025-03-10", "2025-03-20")] == [1, 2]
    assert march(settings, "2025-03-10", hall="West").size == 2


def test_leads_are_kept_by_their_company_and_are_told_of_as_missing_under_a_field_of_deals(tmp_path):
    leads = [lead(1, "2025-03-01", company_id="5"), lead(2, "2025-03-02", company_id="6")]
    settings = stored(tmp_path, leads=leads)
    by_company = march(settings, segment="Shops")
    assert by_company.leads["lead_id"].tolist() == ["1"]
    by_deals = march(settings, region="South")
    assert by_deals.leads.empty
    assert (
        by_deals.lacks["leads"]
        == "Leads have no field Region, which is one of deals: take that filter away to see them."
    )
    whole = march(settings)
    assert rows(measure(whole, ["leads_received"], by="segment"), "segment", "leads_received") == [
        ("Builders", 1),
        ("Shops", 1),
    ]


def test_what_people_did_is_cut_by_the_field_of_the_deal_that_it_was_on(tmp_path):
    call = {"owner_type": "deal", "manager_id": "1", "kind": "call", "is_done": True, "is_action": True, "is_incoming": False,
            "is_plan": False, "created_at": at("2025-03-10"), "at": at("2025-03-10")}  # fmt: skip
    calls = [call | {"activity_id": "1", "owner_id": "1"}, call | {"activity_id": "2", "owner_id": "3"},
             call | {"activity_id": "3", "owner_id": None, "owner_type": "other"}]  # fmt: skip
    settings = stored(tmp_path, activities=calls)
    assert rows(measure(march(settings), ["calls"], by="region"), "region", "calls") == [
        ("South", 1), ("<b>North</b>", 1), ("no value", 1),
    ]  # fmt: skip
    assert measure(march(settings, region="South"), ["calls"], by="manager")["calls"].tolist() == [1]


def test_of_the_ids_of_a_list_no_number_is_made_which_the_page_says(tmp_path):
    ds = march(stored(tmp_path, fields={"region": {"from": "UF_REGION", "as": "number"}}))
    assert ds.deals["region"].isna().all()
    assert ds.holes == [
        "[fields] in reports.toml takes Region for a number, and the CRM has it as enumeration: it is empty here."
    ]


def test_a_name_that_means_something_else_here_is_refused(tmp_path):
    with pytest.raises(
        SettingsError, match="calls a field 'money', which means something else here: give it another name"
    ):
        march(stored(tmp_path, fields={"money": {"from": "UF_SCORE", "as": "number"}}))


def test_a_field_that_is_no_dimension_cuts_nothing(ds):
    with pytest.raises(MetricError, match="no dimension called 'score'"):
        measure(ds, ["won"], by="score")


def test_what_stages_are_worth_is_that_of_the_deals_that_the_filter_keeps(tmp_path):
    more = {"stage_history": HISTORY + moves(2, ("2025-03-02", "NEW"), ("2025-03-06", "DEAR")),
            "deals": [DEALS[0], DEALS[1] | {"stage_id": "DEAR", "outcome": "lost"}, *DEALS[2:]]}  # fmt: skip
    settings = stored(tmp_path, **more)
    assert step_worth(march(settings, region="South"))["0", 0] == (50.0, 2)
    assert step_worth(march(settings, hall="East"))["0", 0] == (100.0, 1)
