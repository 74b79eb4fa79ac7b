"""The store's own work: who may read it, entries, visits, spans of being in work, money and customers."""

import gc
import os
import shutil
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from pandas.testing import assert_frame_equal

from crm_reports.errors import StoreError
from crm_reports.measures.load import load, prepare
from crm_reports.measures.scope import EVER
from crm_reports.settings import Engine
from crm_reports.store import Store, cache
from stores import at, dataset, deal, make_store, moves, nights, seen


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
    visits = walked.slice.visits(EVER).to_pandas().query("deal_id == '1'")
    assert visits["stage_id"].tolist() == ["NEW", "REQ", "WON", "REQ"]
    assert visits["left_at"].tolist()[:3] == [at("2025-03-02"), at("2025-03-05"), at("2025-03-09")]
    assert visits["left_at"].isna().tolist() == [False, False, False, True]


def test_days_in_the_current_stage_count_from_the_last_entry_into_it(walked):
    assert walked.deals.set_index("deal_id")["days_in_current_stage"].fillna(-1).to_dict() == {
        "1": 23, "2": 31, "3": 31, "4": -1, "5": 31,
    }  # fmt: skip


def test_a_reopened_deal_was_in_work_twice(walked):
    spans = walked.work.spans.to_pandas().query("deal_id == '1'").sort_values("opened_at")
    assert spans["opened_at"].tolist() == [at("2025-03-01"), at("2025-03-09")]
    assert spans["until_at"].iloc[0] == at("2025-03-05")
    assert spans["until_at"].isna().tolist() == [False, True]


def test_money_is_in_the_base_currency_and_unknown_without_a_rate(walked):
    deals = walked.deals.set_index("deal_id")
    assert deals["money"].fillna(-1).to_dict() == {"1": 100, "2": 900, "3": -1, "4": 100, "5": 100}
    assert deals["is_priced"].to_dict() == {"1": True, "2": True, "3": False, "4": True, "5": True}


def test_the_base_currency_of_the_settings_divides_by_its_own_rate(tmp_path):
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
    assert len(ds.slice.visits(EVER)) == 0
    assert len(ds.acts.actions(ds.filters.period)) == 0


# ── Rows as they were ────────────────────────────────────────────────────────────────────────────────────────────────


NIGHTS = nights("2025-03-10", "2025-03-11", "2025-03-12")
DEAL = deal(1, "2025-03-01", manager_id="2", source_id="CALL", company_id="6", amount=300.0, currency="USD")
VERSIONS = [
    seen(DEAL, "2025-03-10 01:00", manager_id="1", source_id="WEB", company_id="5", amount=100.0, currency="RUB"),
    seen(DEAL, "2025-03-11 01:00", amount=200.0),
]


@pytest.mark.parametrize(
    ("as_of", "manager", "source", "customer", "money"),
    [
        (
            "2025-03-05",
            "Anna",
            "Website",
            "Roga i Kopyta",
            100,
        ),  # before the first sync nobody knows: as that one saw it
        ("2025-03-10", "Anna", "Website", "Roga i Kopyta", 100),  # reported by the sync of 10 March, 01:00
        ("2025-03-11", "Boris", "Call", "Vector", 200 * 90),
        ("2025-03-12", "Boris", "Call", "Vector", 300 * 90),  # nothing was seen otherwise since
        ("2025-03-20", "Boris", "Call", "Vector", 300 * 90),
    ],
)
def test_owner_source_customer_and_amount_are_those_of_that_night(tmp_path, as_of, manager, source, customer, money):
    ds = dataset(tmp_path, as_of=as_of, deals=[DEAL], deals_versions=VERSIONS, syncs=NIGHTS)
    row = ds.deals.iloc[0]
    assert (row["manager"], row["source"], row["customer"], row["money"]) == (manager, source, customer, money)


def test_the_first_sync_is_since_when_past_owners_and_amounts_are_known(tmp_path):
    ds = dataset(tmp_path / "a", deals=[DEAL], deals_versions=VERSIONS, syncs=NIGHTS)
    assert ds.store.versions_since == at("2025-03-10 01:00")
    assert ds.coverage.amounts_known_since == at("2025-03-10 01:00")


def test_a_store_without_versions_has_what_is_now(tmp_path):
    ds = dataset(tmp_path, as_of="2025-03-10", deals=[DEAL], syncs=NIGHTS)
    assert ds.deals["money"].tolist() == [300 * 90]
    assert ds.store.versions_since is None
    assert ds.coverage.amounts_known_since == at("2025-03-12 01:00")


def test_a_manager_whom_only_the_past_names_is_known(tmp_path):
    ds = dataset(tmp_path, as_of="2025-03-10", deals=[DEAL], syncs=NIGHTS,
                 deals_versions=[seen(DEAL, "2025-03-10 01:00", manager_id="77")])  # fmt: skip
    assert ds.deals["manager"].tolist() == ["77"]


def test_a_filter_by_manager_keeps_the_deals_that_were_hers_that_night(tmp_path):
    tables = {"deals": [DEAL], "deals_versions": VERSIONS, "syncs": NIGHTS}
    assert len(dataset(tmp_path / "a", as_of="2025-03-10", manager="Anna", **tables).deals) == 1
    assert len(dataset(tmp_path / "b", as_of="2025-03-11", manager="Anna", **tables).deals) == 0


def test_a_deal_without_history_stands_where_that_night_saw_it(tmp_path):
    now = deal(1, "2025-03-01", stage_id="WON", outcome="won", moved_at=at("2025-03-08"))
    then = seen(now, "2025-03-10 01:00", stage_id="DEAR", outcome="lost", moved_at=at("2025-03-04"))
    tables = {"deals": [now], "deals_versions": [then], "syncs": NIGHTS}
    for day, outcome, closed in (("2025-03-10", "lost", "2025-03-04"), ("2025-03-12", "won", "2025-03-08")):
        ds = dataset(tmp_path / day, as_of=day, **tables)
        assert ds.deals[["outcome", "closed_at"]].iloc[0].tolist() == [outcome, at(closed)]


def test_a_closing_that_history_missed_that_night_is_added_though_history_goes_on_later(tmp_path):
    # 1 was won on 8 March without an entry; reopened, with an entry, after the sync that reported 10 March.
    now = deal(1, "2025-03-01", stage_id="REQ")
    then = seen(now, "2025-03-10 01:00", stage_id="WON", outcome="won", moved_at=at("2025-03-08"))
    history = moves(1, ("2025-03-01", "NEW"), ("2025-03-10 15:00", "REQ"))
    tables = {"deals": [now], "deals_versions": [then], "syncs": NIGHTS, "stage_history": history}
    for day, outcome in (("2025-03-10", "won"), ("2025-03-11", "open")):
        assert dataset(tmp_path / day, as_of=day, **tables).deals["outcome"].tolist() == [outcome]


def test_money_is_at_the_rate_of_that_night(tmp_path):
    dollar = {"currency": "USD", "rate": 90.0, "is_base": False}
    ds = dataset(tmp_path, as_of="2025-03-10", deals=[deal(1, "2025-03-01", amount=2.0, currency="USD")], syncs=NIGHTS,
                 currencies_versions=[seen(dollar, "2025-03-10 01:00", rate=80.0)])  # fmt: skip
    assert ds.deals["money"].tolist() == [160]


def test_a_plan_is_the_one_of_that_night(tmp_path):
    todo = {
        "activity_id": "1", "owner_type": "deal", "owner_id": "1", "manager_id": "2", "kind": "crm_activity",
        "is_done": True, "is_action": True, "is_incoming": False, "is_plan": True, "created_at": at("2025-03-02"),
        "at": at("2025-03-10 12:00"), "deadline_at": at("2025-03-20"),
    }  # fmt: skip
    open_ = {"is_done": False, "is_action": False, "at": None, "manager_id": "1", "deadline_at": at("2025-03-09")}
    tables = {
        "deals": [deal(1, "2025-03-01")], "syncs": NIGHTS, "activities": [todo],
        "activities_versions": [seen(todo, "2025-03-10 01:00", **open_)],
    }  # fmt: skip
    then = dataset(tmp_path / "a", as_of="2025-03-10", **tables)
    assert then.deals["next_step_at"].tolist() == [at("2025-03-09")]  # overdue that night, though moved since
    now = dataset(tmp_path / "b", as_of="2025-03-12", **tables)
    assert now.deals["has_next_step"].tolist() == [False]
    assert now.acts.actions(now.filters.period).to_pandas()["manager_id"].tolist() == ["2"]
    assert len(then.acts.actions(then.filters.period)) == 0


def test_a_lead_is_whose_it_was_that_night(tmp_path):
    lead = {"lead_id": "1", "outcome": "open", "manager_id": "2", "created_at": at("2025-03-01")}
    ds = dataset(tmp_path, as_of="2025-03-10", leads=[lead], syncs=NIGHTS,
                 leads_versions=[seen(lead, "2025-03-10 01:00", manager_id="1")])  # fmt: skip
    assert ds.leads["manager"].tolist() == ["Anna"]


# ── What is kept beside the store ────────────────────────────────────────────────────────────────────────────────────

FRAMES = ("deals", "open_deals", "leads")


def frames_of(ds):
    columns = {
        "actions": ds.acts.actions(ds.filters.period),
        "visits": ds.slice.visits(EVER),
        "steps": ds.slice.steps("reached_at", EVER),
        "spans": ds.work.spans,
    }
    frames = {name: getattr(ds, name) for name in FRAMES} | {
        "outcomes": ds.work.outcomes,
        "managers": ds.names.managers,
        "stages": ds.names.stages,
    }
    for name, rows in columns.items():  # which come in no order of their own
        frame = rows.to_pandas()
        frames[name] = frame.sort_values(list(frame), ignore_index=True)
    return frames


def assert_same(one, other):
    for name, frame in one.items():
        assert_frame_equal(frame, other[name], obj=name)


@pytest.fixture
def held(tmp_path):
    """A store of its own for whoever spoils what is kept beside it."""
    deals = [DEAL, deal(2, "2025-03-02", stage_id="WON", outcome="won")]
    history = [*moves(1, ("2025-03-01", "NEW")), *moves(2, ("2025-03-02", "NEW"), ("2025-03-05", "WON"))]
    return make_store(tmp_path, deals=deals, deals_versions=VERSIONS, stage_history=history, syncs=NIGHTS)


def loaded(held):
    return load(period="2025-03", as_of="2025-03-11", settings=held)


def kept_files(held):
    return sorted((held.data / "cache").rglob("*.parquet"))


def test_a_report_from_what_is_kept_is_the_one_that_worked_it_out(held):
    first = frames_of(loaded(held))
    files = {path: path.stat().st_mtime_ns for path in kept_files(held)}
    assert len(files) > 5
    assert_same(first, frames_of(loaded(held)))
    assert files == {path: path.stat().st_mtime_ns for path in kept_files(held)}


def test_without_a_place_to_keep_anything_the_report_is_the_same(held, caplog):
    first = frames_of(loaded(held))
    shutil.rmtree(held.data / "cache")
    (held.data / "cache").write_text("no folder")
    assert_same(first, frames_of(loaded(held)))
    assert "can't be kept" in caplog.text


def test_after_a_sync_nothing_of_before_is_found(held):
    assert loaded(held).deals["money"].tolist() == [100.0, 200 * 90.0]
    make_store(held.data, deals=[deal(1, "2025-03-01", amount=7.0)], syncs=NIGHTS)
    assert loaded(held).deals["money"].tolist() == [7.0]


def test_a_reader_of_before_a_sync_goes_on_reading_what_it_opened(held):
    before = loaded(held)
    shutil.copyfile(held.store_path, held.data / "next")
    with duckdb.connect(str(held.data / "next")) as connection:
        connection.execute("delete from crm.deals; delete from crm.deals_versions")
    os.replace(held.data / "next", held.store_path)
    assert len(before.deals) == 2
    assert len(loaded(held).deals) == 0


def test_a_file_that_was_cut_short_is_made_again(held):
    first = frames_of(loaded(held))
    for path in kept_files(held):
        path.write_bytes(path.read_bytes()[:100])
    assert_same(first, frames_of(loaded(held)))


def test_a_flipped_bit_in_what_is_kept_is_noticed_said_and_made_again(held, caplog, monkeypatch):
    first = frames_of(loaded(held))
    monkeypatch.setattr(cache, "_whole_files", set())  # as in the next process
    for path in kept_files(held):
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    assert_same(first, frames_of(loaded(held)))
    assert "deal_facts" in caplog.text
    assert "is not what was kept: it is worked out anew" in caplog.text
    caplog.clear()
    monkeypatch.setattr(cache, "_whole_files", set())
    assert_same(first, frames_of(loaded(held)))
    assert caplog.text == ""


def test_what_is_kept_is_looked_at_once_in_a_process(held, monkeypatch):
    assert len(loaded(held).deals) == 2
    monkeypatch.setattr(cache, "_whole_files", set())
    looked = []
    digest = cache._digest
    monkeypatch.setattr(cache, "_digest", lambda path: looked.append(path.name) or digest(path))
    for _report in range(2):
        assert len(loaded(held).deals) == 2
        gc.collect()  # the store is let go
    assert looked
    assert len(looked) == len(set(looked))


def test_a_disk_without_room_for_what_is_kept_costs_time_and_no_report(held, monkeypatch, caplog):
    first = frames_of(loaded(held))
    shutil.rmtree(held.data / "cache")

    def full(draft):
        raise duckdb.IOException("Could not write file: No space left on device")

    written = cache.Cache._write
    monkeypatch.setattr(cache.Cache, "_write", lambda self, part, write: written(self, part, full))
    assert_same(first, frames_of(loaded(held)))
    assert "No space left on device" in caplog.text


def test_a_flipped_bit_in_the_store_is_a_sentence_and_no_traceback(held):
    with duckdb.connect(str(held.store_path), read_only=True) as connection:
        blocks = "select distinct block_id from pragma_storage_info('crm.deals') where block_id >= 0"
        (block, *_rest) = connection.execute(blocks).fetchone()
    with held.store_path.open("r+b") as file:
        file.seek(3 * 4096 + block * 256 * 1024 + 100)
        file.write(b"rotten")
    with pytest.raises(StoreError, match=r"can't be read \(IO Error: Corrupt .*\): run `crm-reports sync` again$"):
        len(loaded(held).deals)


def test_processes_that_start_at_once_all_read_the_same(held):
    code = "import sys; from crm_reports.measures.load import load; from crm_reports.settings import Settings; " \
           "from pathlib import Path; home = Path(sys.argv[1]); " \
           "s = Settings(home=home, data=home, time_zone='UTC'); " \
           "print(load(period='2025-03', as_of='2025-03-11', settings=s).deals['money'].sum())"  # fmt: skip
    command = [sys.executable, "-c", code, str(held.data)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert [each.communicate()[0].strip() for each in running] == ["18100.0"] * 3
    assert not list((held.data / "cache").rglob("*.draft"))


def test_what_was_kept_of_earlier_stores_is_taken_away_once_nobody_uses_it(held):
    earlier, in_use = held.data / "cache" / "earlier", held.data / "cache" / "in_use"
    for folder in (earlier, in_use):
        (folder / "snapshot").mkdir(parents=True)
    long_ago = at("2025-01-01").timestamp()
    for path in (earlier / "snapshot", earlier, in_use):
        os.utime(path, (long_ago, long_ago))
    assert len(loaded(held).deals) == 2
    assert (earlier.exists(), in_use.exists()) == (False, True)


def test_the_engine_keeps_to_what_it_was_told_and_to_its_folder(held):
    told = held.model_copy(update={"engine": Engine(memory="300MB", threads=1)})
    store = loaded(told).store
    names = ("memory_limit", "threads", "temp_directory")
    memory, threads, spill = (
        store.now.query(f"select current_setting('{n}') as held")["held"][0].as_py() for n in names
    )
    assert (memory, threads) == ("286.1 MiB", 1)  # 300 million bytes
    assert Path(spill).parent == held.data


def test_a_report_after_the_preparation_works_out_nothing(held):
    prepare(held, [at("2025-03-11")])
    files = kept_files(held)
    assert {"deal_facts", "signs", "silences", "ids"} <= {path.name.split(".")[0] for path in files}
    ds = load(period="2025-03", settings=held)
    assert ds.filters.as_of == at("2025-03-12")
    assert (frames_of(ds)["deals"]["money"].tolist(), len(loaded(held).deals)) == ([100.0, 300 * 90.0], 2)
    assert kept_files(held) == files


def test_instants_that_rise_take_less_in_a_kept_part_than_the_eight_bytes_that_each_of_them_is(tmp_path):
    # More than the part looks up, as words are.
    deals = [deal(id, None, created_at=at("2025-03-01") + timedelta(minutes=37 * id)) for id in range(1, 1501)]
    settings = make_store(tmp_path, deals=deals)
    Store.open(settings.store_path).now.prepare("numbered")
    (path,) = (path for path in kept_files(settings) if path.name.startswith("numbered."))
    sql = "select total_uncompressed_size from parquet_metadata(?) where path_in_schema = 'created_at'"
    (size,) = duckdb.execute(sql, [str(path)]).fetchone()
    assert size < 8 * len(deals)


def test_whoever_opens_a_store_that_is_open_gets_the_same_one_until_it_is_replaced(tmp_path):
    settings = make_store(tmp_path, deals=[deal(1, "2025-03-01")])
    held = Store.open(settings.store_path)
    assert Store.open(settings.store_path) is held
    assert Store.open(settings.store_path, threads=1) is not held
    elsewhere = make_store(tmp_path / "later", deals=[deal(1, "2025-03-01"), deal(2, "2025-03-01")])
    os.replace(elsewhere.store_path, settings.store_path)
    assert Store.open(settings.store_path).counts()["deals"] == 2
    assert held.counts()["deals"] == 1
