"""Where a deal's own word, its history and its dates disagree: what counts, since when, and the note that says so."""

import pytest

from crm_reports.measures.load import load
from crm_reports.measures.measure import value_of
from crm_reports.measures.scope import EVER
from stores import at, dataset, deal, lead, make_store, moves

WON = {"stage_id": "WON", "outcome": "won"}
ENDS_WON = moves(1, ("2025-03-01", "NEW"), ("2025-03-05", "WON"))
NIGHT, NEXT_NIGHT = at("2025-03-20 10:00"), at("2025-03-21 10:00")


def synced(*instants):
    return [
        {"synced_at": each, "source": "files", "holes": "[]", "present": "deals,stage_history,leads"}
        for each in instants
    ]


def numbers(ds, *names):
    return [value_of(ds, name) for name in names]


def codes(ds):
    return {note.code: note.count for note in ds.quality}


# ── The deal's own word is the present ───────────────────────────────────────────────────────────────────────────────


def test_a_deal_that_says_it_is_open_is_in_work_though_its_history_ends_in_won(tmp_path):
    moved = deal(1, "2025-03-01", stage_id="REQ", moved_at=at("2025-03-10"))
    ds = dataset(tmp_path, deals=[moved], stage_history=ENDS_WON)
    assert numbers(ds, "won", "in_work") == [0, 1]
    assert ds.deals[["stage_id", "days_in_current_stage"]].iloc[0].tolist() == ["REQ", 22]
    assert ds.deals["is_reopened"].tolist() == [True]
    assert codes(ds)["history_outvoted"] == 1
    assert ds.deals_of_note("history_outvoted")["deal_id"].tolist() == ["1"]


def test_before_its_last_move_the_same_deal_was_what_its_history_says(tmp_path):
    moved = deal(1, "2025-03-01", stage_id="REQ", moved_at=at("2025-03-10"))
    ds = dataset(tmp_path, deals=[moved], stage_history=ENDS_WON, as_of="2025-03-10")
    assert numbers(ds, "won", "in_work") == [1, 0]
    assert "history_outvoted" not in codes(ds)


@pytest.mark.parametrize("as_of", ["2025-03-20", "2025-03-21", "2025-04-01"])
def test_without_a_last_move_it_counts_from_the_night_of_the_sync_on(tmp_path, as_of):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], stage_history=ENDS_WON, syncs=synced(NIGHT), as_of=as_of)
    assert numbers(ds, "won", "in_work") == [0, 1]
    assert codes(ds)["history_outvoted"] == 1


def test_a_night_before_that_sync_has_what_the_history_says(tmp_path):
    ds = dataset(
        tmp_path, deals=[deal(1, "2025-03-01")], stage_history=ENDS_WON, syncs=synced(NIGHT), as_of="2025-03-19"
    )
    assert numbers(ds, "won", "in_work") == [1, 0]


def test_it_counts_from_the_first_sync_that_saw_it_so_and_not_from_the_last(tmp_path):
    was_won = deal(1, "2025-03-01", **WON) | {"last_seen_at": at("2025-03-15 10:00")}
    night = at("2025-03-15 10:00")
    ds = dataset(
        tmp_path, deals=[deal(1, "2025-03-01", stage_id="REQ")], deals_versions=[was_won], stage_history=ENDS_WON,
        syncs=synced(night, NIGHT, NEXT_NIGHT),
    )  # fmt: skip
    assert ds.slice.visits(EVER).to_pandas()["entered_at"].tolist()[-1] == NIGHT
    assert numbers(ds, "in_work") == [1]


def test_another_stage_of_work_and_another_ending_are_the_deals_own_too(tmp_path):
    deals = [
        deal(1, "2025-03-01", stage_id="INV", moved_at=at("2025-03-07")),
        deal(2, "2025-03-01", stage_id="DEAR", outcome="lost", closed_at=at("2025-03-09")),
    ]
    history = [*moves(1, ("2025-03-01", "NEW")), *moves(2, ("2025-03-01", "NEW"), ("2025-03-05", "WON"))]
    ds = dataset(tmp_path, deals=deals, stage_history=history)
    assert numbers(ds, "won", "lost", "in_work") == [0, 1, 1]
    assert ds.deals.set_index("deal_id")["stage_id"].to_dict() == {"1": "INV", "2": "DEAR"}
    assert ds.deals.set_index("deal_id").loc["2", "closed_at"] == at("2025-03-09")
    assert codes(ds)["history_outvoted"] == 2


def test_a_deal_on_an_unnamed_stage_does_not_contradict_its_history(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01", stage_id=None)], stage_history=moves(1, ("2025-03-02", "REQ")))
    assert ds.deals["stage_id"].tolist() == ["REQ"]
    assert "history_outvoted" not in codes(ds)


# ── A closing that is still to come ──────────────────────────────────────────────────────────────────────────────────


def planned(**fields):
    return deal(1, "2025-03-01", closed_at=at("2026-06-01"), **WON | fields)


@pytest.mark.parametrize("as_of", ["2025-03-20", "2025-03-21", "2026-07-01"])
def test_a_win_whose_closing_is_planned_was_closed_at_the_sync_that_saw_it(tmp_path, as_of):
    ds = dataset(tmp_path, deals=[planned()], stage_history=None, syncs=synced(NIGHT), as_of=as_of, period="2025-03")
    assert numbers(ds, "won", "in_work") == [1, 0]
    assert ds.deals["stage_id"].tolist() == ["WON"]
    assert codes(ds)["closing_ahead"] == 1


def test_it_is_dated_by_the_first_sync_that_saw_it_closed(tmp_path):
    was_open = deal(1, "2025-03-01") | {"last_seen_at": NIGHT}
    tables = {"deals": [planned()], "deals_versions": [was_open], "stage_history": None}
    ds = dataset(tmp_path, **tables, syncs=synced(NIGHT, NEXT_NIGHT, at("2025-03-25 10:00")))
    assert ds.deals["closed_at"].tolist() == [NEXT_NIGHT]


def test_a_closing_in_the_future_completes_no_history_in_the_future(tmp_path):
    ds = dataset(tmp_path, deals=[planned()], stage_history=moves(1, ("2025-03-01", "NEW")), syncs=synced(NIGHT))
    assert ds.deals["closed_at"].tolist() == [NIGHT]
    assert numbers(ds, "won", "cycle_days")[0] == 1


def test_a_past_closing_and_an_open_deals_planned_one_are_left_alone(tmp_path):
    past = deal(1, "2025-03-01", closed_at=at("2025-03-04"), **WON)
    ds = dataset(
        tmp_path,
        deals=[past, deal(2, "2025-03-01", closed_at=at("2026-06-01"))],
        stage_history=None,
        syncs=synced(NIGHT),
    )
    assert ds.deals.set_index("deal_id").loc["1", "closed_at"] == at("2025-03-04")
    assert numbers(ds, "won", "in_work") == [1, 1]
    assert "closing_ahead" not in codes(ds)


def test_a_lead_whose_closing_is_planned_is_no_longer_in_work(tmp_path):
    tables = {
        "deals": [deal(1, "2025-03-01")],
        "leads": [lead(1, "2025-03-01", outcome="won", closed_at=at("2026-06-01"))],
    }
    ds = dataset(tmp_path, **tables, syncs=synced(NIGHT))
    assert numbers(ds, "leads_converted", "leads_in_work") == [1, 0]


# ── Bare dates ───────────────────────────────────────────────────────────────────────────────────────────────────────


def moscow(folder, **tables):
    """In Moscow a day begins at 21:00 UTC."""
    held = make_store(folder, **tables).model_copy(update={"time_zone": "Europe/Moscow"})
    return load(period="2025-03", as_of="2025-04-01", settings=held)


def test_a_deal_closed_on_the_bare_day_of_its_creation_has_no_negative_cycle(tmp_path):
    ds = moscow(
        tmp_path, deals=[deal(1, "2025-03-10 11:00", closed_at=at("2025-03-09 21:00"), **WON)], stage_history=None
    )
    assert value_of(ds, "cycle_days").value == 0
    assert ds.deals["closed_at"].tolist() == [at("2025-03-10 11:00")]
    assert "closed_before_created" not in codes(ds)


@pytest.mark.parametrize("closed", ["2025-03-08 21:00", "2025-03-10 10:00"])
def test_a_closing_of_the_day_before_or_of_an_hour_of_that_day_stays_before_the_creation(tmp_path, closed):
    ds = moscow(tmp_path, deals=[deal(1, "2025-03-10 11:00", closed_at=at(closed), **WON)], stage_history=None)
    assert value_of(ds, "cycle_days").value < 0
    assert codes(ds)["closed_before_created"] == 1


def test_history_of_bare_days_does_not_begin_before_the_deal(tmp_path):
    days = moves(1, ("2025-03-09 21:00", "NEW"), ("2025-03-09 21:00", "WON"))
    ds = moscow(tmp_path, deals=[deal(1, "2025-03-10 11:00", **WON)], stage_history=days)
    assert ds.slice.visits(EVER).to_pandas()["entered_at"].tolist() == [at("2025-03-10 11:00")] * 2
    assert value_of(ds, "cycle_days").value == 0


def test_a_lead_closed_on_the_bare_day_it_came_was_not_closed_before(tmp_path):
    rows = [lead(1, "2025-03-10 11:00", outcome="won", closed_at=at("2025-03-09 21:00"))]
    ds = moscow(tmp_path, deals=[deal(1, "2025-03-01")], leads=rows)
    assert ds.leads["closed_at"].tolist() == [at("2025-03-10 11:00")]


# ── Due today ────────────────────────────────────────────────────────────────────────────────────────────────────────


def plan(id, due):
    return {"activity_id": id, "owner_type": "deal", "owner_id": "1", "manager_id": "1", "kind": "call", "is_done": False,
            "is_action": False, "is_incoming": False, "is_plan": True, "created_at": at("2025-03-01"), "deadline_at": at(due)}  # fmt: skip


@pytest.mark.parametrize(
    ("as_of", "due", "overdue"),
    [
        ("2025-03-10T12:00", ["2025-03-09 21:00"], 0),  # midnight of that day: due that day
        ("2025-03-10T12:00", ["2025-03-08 21:00"], 1),  # of the day before
        ("2025-03-11T00:00", ["2025-03-09 21:00"], 1),  # the day is over
        ("2025-03-10T12:00", ["2025-03-10 08:00"], 1),  # eleven o'clock in Moscow
        ("2025-03-10T12:00", ["2025-03-10 10:00"], 0),  # one o'clock
        ("2025-03-10T12:00", ["2025-03-09 21:00", "2025-03-10 08:00"], 1),  # the hour of a day comes before its end
        ("2025-03-10T12:00", ["2025-03-09 21:00", "2025-03-10 21:00"], 0),
    ],
)
def test_what_is_due_today_is_overdue_when_the_day_is_over(tmp_path, as_of, due, overdue):
    plans = [plan(str(number), each) for number, each in enumerate(due)]
    held = make_store(tmp_path, deals=[deal(1, "2025-03-01")], activities=plans)
    ds = load(period="2025-03", as_of=as_of, settings=held.model_copy(update={"time_zone": "Europe/Moscow"}))
    assert value_of(ds, "next_step_overdue") == overdue


# ── Refunds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_refund_is_in_the_average_check_and_a_note(tmp_path):
    amounts = {1: 100.0, 2: -100.0, 3: -300.0}
    deals = [deal(id, "2025-03-01", amount=money, closed_at=at("2025-03-05"), **WON) for id, money in amounts.items()]
    ds = dataset(tmp_path, deals=deals, stage_history=None)
    assert (value_of(ds, "average_check").value, value_of(ds, "average_check").n) == (-100, 3)
    assert value_of(ds, "median_check").value == -100
    assert codes(ds)["refund"] == 2


# ── A visit is on the stage where it was ─────────────────────────────────────────────────────────────────────────────


def test_a_visit_counts_on_its_stage_whatever_pipeline_the_deal_is_in_now(tmp_path):
    from crm_reports.elements import time_in_stage
    from shop import SERVICE

    history = moves(1, ("2025-03-01", "NEW"), ("2025-03-05", "REQ"))
    history += [{"deal_id": "1", "stage_id": "C7:TALK", "pipeline_id": "7", "outcome": "open", "at": at("2025-03-08")}]
    moved = deal(1, "2025-03-01", pipeline_id="7", stage_id="C7:TALK")
    tables = {"deals": [moved], "stage_history": history} | SERVICE
    for filters in ({}, {"pipeline": "Service"}):
        times = time_in_stage(dataset(tmp_path, **tables, **filters)).table.set_index("stage_id")
        assert times["stage_days"].dropna().to_dict() == {"NEW": 4, "REQ": 3}
        assert times["running_visits"].to_dict() == {"NEW": 0, "REQ": 0, "C7:TALK": 1}
    assert time_in_stage(dataset(tmp_path, **tables, pipeline="Sales")).table.empty


# ── An end that nobody knows ─────────────────────────────────────────────────────────────────────────────────────────


def test_a_closed_deal_whose_end_nobody_knows_has_no_duration_and_is_in_no_past_stock(tmp_path):
    dated = deal(2, "2025-01-01", closed_at=at("2025-03-05"), **WON)
    ds = dataset(tmp_path, deals=[deal(1, "2024-11-01", **WON), dated], stage_history=None)
    days = ds.deals.set_index("deal_id")["duration_days"]
    assert days.isna()["1"]
    assert days["2"] == 63
    assert ds.work.spans.to_pandas()["until_at"].tolist() == [at("2025-03-05")]


# ── Parts name things once ───────────────────────────────────────────────────────────────────────────────────────────


def test_what_was_done_on_a_deal_keeps_the_deals_id_also_where_the_deal_came_later_or_is_gone(tmp_path):
    calls = [
        {"activity_id": str(day), "owner_type": "deal", "owner_id": owner, "manager_id": "1", "kind": "call",
         "is_action": True, "at": at(f"2025-03-0{day}")}
        for day, owner in ((2, "1"), (3, "2"), (4, "3"))
    ]  # fmt: skip
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01"), deal(2, "2025-04-05")], activities=calls)
    acts = ds.acts.actions(ds.filters.period).to_pandas().sort_values("at")
    assert acts["deal_id"].tolist() == ["1", "2", "3"]
    assert acts["pipeline_id"].tolist() == ["0", "", ""]
    texts = ds.scope.snapshot.query('select unknown_deal_id from signs order by signs."at"')
    assert texts["unknown_deal_id"].to_pylist() == [None, "2", "3"]


@pytest.mark.parametrize(("stage", "is_back"), [("NEW", True), ("REQ", False), ("INV", False), ("GONE", False)])
def test_a_deal_goes_back_also_by_the_move_that_only_it_itself_speaks_of(tmp_path, stage, is_back):
    moved = deal(
        1, "2025-03-01", stage_id=stage, outcome="lost" if stage == "GONE" else "open", moved_at=at("2025-03-10")
    )
    ds = dataset(tmp_path, deals=[moved], stage_history=moves(1, ("2025-03-01", "NEW"), ("2025-03-05", "REQ")))
    assert ds.deals["went_back"].tolist() == [is_back]


def test_entries_hold_no_text_of_the_entry_before(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-01")], stage_history=ENDS_WON)
    types = ds.scope.snapshot.query("from entries").schema
    assert {entry.name for entry in types if str(entry.type) == "string"} == {"stage_id", "pipeline_id", "outcome"}


def test_a_closed_deal_is_worth_something_on_each_step_up_to_its_highest_and_an_open_one_on_none(tmp_path):
    deals = [
        deal(1, "2025-03-01", amount=300.0, **WON),
        deal(2, "2025-03-01", outcome="lost", stage_id="DEAR"),
        deal(3, "2025-03-01"),
    ]
    walks = [
        *moves(1, ("2025-03-01", "NEW"), ("2025-03-05", "WON")),
        *moves(2, ("2025-03-01", "NEW"), ("2025-03-02", "REQ"), ("2025-03-05", "DEAR")),
        *moves(3, ("2025-03-01", "NEW")),
    ]
    ds = dataset(tmp_path, deals=deals, stage_history=walks)
    rows = ds.scope.snapshot.query("select step, deals, money from step_worth order by step").to_pylist()
    assert [(row["deals"], row["money"]) for row in rows] == [(2, 300.0), (2, 300.0), *[(1, 300.0)] * (len(rows) - 2)]
    (last,) = set(ds.scope.snapshot.query("select step from funnel where is_won")["step"].to_pylist())
    assert [row["step"] for row in rows] == [*range(last + 1)]
