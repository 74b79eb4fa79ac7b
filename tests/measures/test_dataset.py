"""What a report is made of: defaults, filters, the header's numbers, what the source lacks, what came too late."""

import pytest

from crm_reports.errors import FilterError
from crm_reports.measures.load import load
from march import act
from stores import STAGES, at, dataset, deal, make_store, moves

DEALS = [
    deal(1, "2025-03-01"),
    deal(2, "2025-03-02", manager_id="2", source_id="CALL"),
    deal(3, "2025-03-03", manager_id=None, source_id=None, pipeline_id="7"),
    deal(4, "2025-04-03"),
]
PIPELINES = [
    {"pipeline_id": "0", "name": "Sales", "position": 1},
    {"pipeline_id": "7", "name": "Retail", "position": 2},
]
SHOP = {"deals": DEALS, "pipelines": PIPELINES}


def kept(folder, **filters):
    return set(dataset(folder, **SHOP, **filters).deals["deal_id"])


def test_without_filters_everything_that_existed_is_kept(tmp_path):
    ds = dataset(tmp_path, **SHOP)
    assert set(ds.deals["deal_id"]) == {"1", "2", "3"}  # 4 came after as_of
    assert (ds.size, ds.total) == (3, 3)


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({"manager": "Boris"}, {"2"}),
        ({"manager": ["Anna", "2"]}, {"1", "2"}),
        ({"department": "Moscow"}, {"1", "2"}),  # Kazan is below it
        ({"department": "Kazan"}, {"2"}),
        ({"department": "Moscow", "manager": "Boris"}, {"2"}),
        ({"source": "website"}, {"1"}),
        ({"pipeline": "Retail"}, {"3"}),
        ({"pipeline": ["Sales", "Retail"]}, {"1", "2", "3"}),
        ({"source": "Call", "manager": "Anna"}, set()),
    ],
)
def test_a_filter_keeps_its_own_and_the_header_says_how_many_of_all_or_of_the_page_s_people(tmp_path, filters, ids):
    ds = dataset(tmp_path, **SHOP, **filters)
    assert set(ds.deals["deal_id"]) == ids
    people = {name: typed for name, typed in filters.items() if name in ("manager", "department")}
    whose = dataset(tmp_path / "whose", **SHOP, **people)
    assert (ds.size, ds.total) == (len(ids), whose.size)
    assert whose.size == 3 or people


def test_the_first_department_of_a_manager_counts(tmp_path):
    homes = [
        {"manager_id": "1", "department_id": "11", "position": 1},
        {"manager_id": "1", "department_id": "10", "position": 0},
    ]
    ds = dataset(tmp_path, deals=DEALS, manager_departments=homes, department="Kazan")
    assert ds.deals.empty
    assert ds.names.managers.loc["1", "department_id"] == "10"


def test_the_report_looks_from_the_midnight_before_the_last_sync(tmp_path):
    ds = load(period="last_month", settings=make_store(tmp_path, deals=DEALS))
    assert ds.filters.as_of == at("2030-01-01")
    assert (ds.filters.period.start.isoformat(), ds.filters.period.days) == ("2029-12-01", 31)


def test_data_older_than_the_reports_instant_is_said(tmp_path):
    assert dataset(tmp_path / "a", deals=DEALS).holes == []
    synced = [
        {"synced_at": at("2025-03-20"), "source": "files", "holes": '[{"text": "No comments."}]', "present": "deals"}
    ]
    said = dataset(tmp_path / "b", deals=DEALS, syncs=synced).holes
    assert said[0] == "No comments."
    assert "the last sync was earlier" in said[1]


def test_everything_that_means_nothing_is_said_at_once(tmp_path):
    held = make_store(tmp_path, deals=DEALS)
    with pytest.raises(FilterError, match=r"(?s)forgotten_after.*exclude_stages 'Invoise'.*Invoice"):
        load(settings=held, forgotten_after=0, exclude_stages=["Invoise"])


def test_a_stages_name_stands_for_its_stage_in_every_pipeline(tmp_path):
    twin = {"stage_id": "NEW7", "pipeline_id": "7", "name": "Cold base", "position": 10, "outcome": "open"}
    ds = dataset(tmp_path, **SHOP, stages=[*STAGES, twin], exclude_stages="cold BASE")
    assert ds.forgetting.exclude_stages == ("NEW", "NEW7")


def test_whoever_is_named_anywhere_is_a_manager_shown_by_id(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01", manager_id="77")])
    assert ds.names.managers.loc["77", "manager"] == "77"
    assert ds.names.managers.loc["", "manager"] == "no manager"
    assert ds.deals["manager"].tolist() == ["77"]


def test_a_stage_that_was_deleted_is_shown_by_its_id(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01", stage_id="OLD")])
    assert ds.deals["stage"].tolist() == ["deleted stage OLD"]


def test_a_later_trace_of_the_crm_is_shown_from_a_day_on_and_only_from_before_the_reports_instant(tmp_path):
    traces = ("2025-03-01 23:00", "2025-03-02 00:00", "2025-03-31 23:59", "2025-04-01 00:00")
    deals = [deal(number, "2025-03-01", last_activity_at=at(trace)) for number, trace in enumerate(traces)]
    shown = dataset(tmp_path, deals=deals, activities=[]).open_deals.set_index("deal_id")["crm_trace_at"]
    assert shown.notna().to_dict() == {"0": False, "1": True, "2": True, "3": False}


def test_a_last_move_after_the_reports_instant_says_nothing_of_the_days_in_the_stage(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01", moved_at=at("2025-05-01"))])
    assert ds.deals["days_in_current_stage"].tolist() == [31]


def test_the_last_action_names_its_kind_and_what_is_no_sign_of_life_does_not_count(tmp_path):
    acts = [
        act("1", "call", "1", "2025-03-05", on="1"),
        act("2", "crm_activity", "1", "2025-03-09", on="1", is_action=False),  # a robot's
        act("3", "email", "1", "2025-04-02", on="1"),  # later
        act("4", "call", "1", "2025-03-20", on="1", owner_type="company"),  # not on the deal
    ]
    ds = dataset(
        tmp_path, deals=[deal(1, "2025-03-01")], activities=acts, stage_history=moves(1, ("2025-03-01", "NEW"))
    )
    row = ds.open_deals.iloc[0]
    assert (row["last_action_kind"], row["last_action_at"], row["days_silent"]) == ("call", at("2025-03-05"), 27)


def test_a_file_that_lacks_a_column_lacks_the_numbers_made_of_it(tmp_path):
    bare = [{"deal_id": "1", "outcome": "won", "stage_id": "WON", "pipeline_id": "0"}]
    synced = [{"synced_at": at("2030-01-01"), "source": "files", "present": "deals,stages"}]
    ds = dataset(tmp_path, deals=bare, syncs=synced, stage_history=None, activities=None)
    lacking = {"amount", "created_at", "closing", "customer", "stage_history", "activities", "comments", "leads"}
    assert set(ds.lacks) == lacking | {"manager", "department", "source", "stage_entry", "plan", "product_rows"}


def test_what_is_wrong_with_the_filters_and_with_the_forgetting_is_told_at_once(tmp_path):
    with pytest.raises(FilterError) as told:
        dataset(
            tmp_path, deals=[deal(1, "2025-03-01")], manager="Nobody", forgotten_after=0, exclude_stages=["Nowhere"]
        )
    assert [line.split(" ")[0] for line in str(told.value).splitlines()] == [
        "manager",
        "forgotten_after",
        "exclude_stages",
    ]
