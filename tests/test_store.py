"""The store's own work: who may read it, entries, visits, spans of being in work, money and customers."""

import pytest

from crm_reports.errors import StoreError
from crm_reports.store import Store
from stores import at, dataset, deal, make_store, moves


def test_a_store_that_is_not_there_says_to_sync_first(tmp_path):
    with pytest.raises(StoreError, match="crm-reports sync"):
        Store.open(tmp_path / "store.duckdb")


def test_a_file_that_is_no_store_says_to_sync_again(tmp_path):
    broken = tmp_path / "store.duckdb"
    broken.write_bytes(b"no database")
    with pytest.raises(StoreError, match="can't be read"):
        Store.open(broken)


def test_a_table_that_the_source_does_not_have_is_there_and_empty(tmp_path):
    store = Store.open(make_store(tmp_path, deals=[deal(1, "2025-03-01")], activities=None).store_path)
    assert store.rows("activities").num_rows == 0
    assert store.rows("deals").num_rows == 1
    assert (store.has("activities"), store.has("deals")) == (False, True)
    assert store.synced_at == at("2030-01-01")


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """1 was reopened and entered a stage twice in a row; 2 has money of its own currency; 3, 4, 5 have no history."""
    deals = [
        deal(1, "2025-03-01", stage_id="REQ"),
        deal(2, "2025-03-01", amount=10.0, currency="USD", company_id=None, contact_id="8"),
        deal(3, "2025-03-01", currency="XXX", company_id=None),
        deal(4, "2025-03-01", currency=None, stage_id="WON", outcome="won", moved_at=at("2025-03-06")),
        deal(5, "2025-03-01", moved_at=at("2025-04-05"), stage_id="WON", outcome="won"),
    ]
    path = [
        ("2025-03-01", "NEW"),
        ("2025-03-02", "REQ"),
        ("2025-03-03", "REQ"),
        ("2025-03-05", "WON"),
        ("2025-03-09", "REQ"),
    ]
    history = [*moves(1, *path), *moves(2, ("2025-03-01", "NEW"))]
    return dataset(tmp_path_factory.mktemp("walked"), deals=deals, stage_history=history)


def test_an_entry_into_the_same_stage_goes_on_with_the_visit(walked):
    visits = walked.stage_visits.query("deal_id == '1'")
    assert visits["stage_id"].tolist() == ["NEW", "REQ", "WON", "REQ"]
    assert visits["left_at"].tolist()[:3] == [at("2025-03-02"), at("2025-03-05"), at("2025-03-09")]
    assert visits["left_at"].isna().tolist() == [False, False, False, True]


def test_days_in_the_current_stage_count_from_the_last_entry_into_it(walked):
    assert walked.deals.set_index("deal_id")["days_in_current_stage"].fillna(-1).to_dict() == {
        "1": 23, "2": 31, "3": 31, "4": -1, "5": 31,
    }  # fmt: skip


def test_a_reopened_deal_was_in_work_twice(walked):
    spans = walked.open_spans.query("deal_id == '1'").sort_values("opened_at")
    assert spans["opened_at"].tolist() == [at("2025-03-01"), at("2025-03-09")]
    assert spans["until_at"].iloc[0] == at("2025-03-05")
    assert spans["until_at"].isna().tolist() == [False, True]


def test_money_is_in_the_base_currency_and_unknown_without_a_rate(walked):
    deals = walked.deals.set_index("deal_id")
    assert deals["money"].fillna(-1).to_dict() == {"1": 100, "2": 900, "3": -1, "4": 100, "5": 100}
    assert deals["is_priced"].to_dict() == {"1": True, "2": True, "3": False, "4": True, "5": True}


def test_the_base_currency_of_the_settings_divides_by_its_own_rate(tmp_path):
    from crm_reports.dataset import load

    held = make_store(
        tmp_path, deals=[deal(1, "2025-03-01", amount=180.0), deal(2, "2025-03-01", amount=3.0, currency="USD")]
    )
    ds = load(period="2025-03", as_of="2025-04-01", settings=held.model_copy(update={"base_currency": "USD"}))
    assert ds.deals.set_index("deal_id")["money"].to_dict() == {"1": 2.0, "2": 3.0}


def test_a_customer_is_the_company_else_the_contact_else_none(walked):
    assert walked.deals.set_index("deal_id").loc[["1", "2", "3"], "customer_id"].tolist() == [
        "company:5",
        "contact:8",
        "",
    ]


def test_a_deal_without_history_is_open_on_an_unknown_stage_until_it_closes(walked):
    deals = walked.deals.set_index("deal_id")
    assert deals.loc[["3", "4", "5"], "outcome"].tolist() == ["open", "won", "open"]
    assert deals.loc[["3", "4", "5"], "stage_id"].tolist() == ["NEW", "WON", ""]
    assert deals.loc["5", "stage"] == "unknown stage"
    assert deals.loc["4", "closed_at"] == at("2025-03-06")


def test_the_history_of_a_deleted_deal_counts_nowhere(tmp_path):
    ds = dataset(
        tmp_path, deals=[deal(1, "2025-03-01")], stage_history=moves(2, ("2025-03-01", "NEW"), ("2025-03-05", "WON"))
    )
    assert set(ds.stage_visits["deal_id"]) == set()
    assert len(ds.actions_in(ds.filters.period)) == 0
