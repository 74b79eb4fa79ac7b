"""Planned closing dates: what was moved later, by how much, and what has passed."""

from datetime import date

from crm_reports import elements
from crm_reports.measures.load import load
from crm_reports.measures.measure import measure, value_of
from crm_reports.settings import Settings, Source
from crm_reports.store.sync import sync
from stores import at, dataset, deal, make_store, moves, nights, seen

SYNCS = nights("2025-03-02", "2025-03-10", "2025-03-20", "2025-04-01")
PLAN = deal(1, "2025-03-01", closed_at=at("2025-03-31"), amount=500.0)
VERSIONS = [
    seen(PLAN, "2025-03-02 01:00", closed_at=at("2025-03-10")),
    seen(PLAN, "2025-03-10 01:00", closed_at=at("2025-03-25")),  # 15 days later
    seen(PLAN, "2025-03-20 01:00", closed_at=at("2025-03-21")),  # four days sooner, then ten days later
]


def pushed(folder, *deals, versions=(), **filters):
    return dataset(folder, deals=list(deals), deals_versions=list(versions), syncs=SYNCS, **filters)


def test_a_date_moved_later_twice_and_sooner_once_was_pushed_twice(tmp_path):
    table = elements.pushed(pushed(tmp_path, PLAN, versions=VERSIONS)).table
    row = table.iloc[0]
    assert (row["pushes"], row["pushed_days"]) == (2, 25)
    assert (row["first_planned_on"], row["planned_close_on"]) == (date(2025, 3, 10), date(2025, 3, 31))


def test_a_night_of_the_past_knows_its_own_moves_only(tmp_path):
    then = elements.pushed(pushed(tmp_path / "then", PLAN, versions=VERSIONS, as_of="2025-03-15")).table
    assert then["pushed_days"].tolist() == [15]  # on the 15th it was to close on the 21st
    assert then["planned_close_on"].tolist() == [date(2025, 3, 21)]
    assert elements.pushed(pushed(tmp_path / "first", PLAN, versions=VERSIONS, as_of="2025-03-02")).table.empty


def test_a_deal_is_late_when_its_day_is_over_and_not_on_the_day_itself(tmp_path):
    deals = [
        deal(number, "2025-03-01", closed_at=at(day)) for number, day in enumerate(("2025-03-31", "2025-04-01"), 1)
    ]
    ds = pushed(tmp_path, *deals, deal(3, "2025-03-01", closed_at=None))
    assert elements.pushed(ds).table["deal_id"].tolist() == ["1"]
    share = value_of(ds, "overdue_plan")
    assert (share.k, share.n) == (1, 2)  # of the third nothing was planned


def test_a_date_that_was_taken_away_is_not_passed_and_its_moves_are_not_forgotten(tmp_path):
    none = deal(1, "2025-03-01", closed_at=None)
    versions = [
        seen(none, "2025-03-02 01:00", closed_at=at("2025-03-10")),
        seen(none, "2025-03-10 01:00", closed_at=at("2025-03-12")),
    ]
    other = deal(2, "2025-03-01", closed_at=at("2025-04-10"))
    row = elements.pushed(pushed(tmp_path, none, other, versions=versions)).table.iloc[0]
    assert (row["pushes"], row["planned_close_on"], bool(row["is_past_plan"])) == (1, None, False)


def test_the_date_of_a_deal_s_end_is_no_plan(tmp_path):
    """The CRM writes the day of the end into the same field; reopened, the deal has what was planned before it and after."""
    again = deal(1, "2025-03-01", stage_id="REQ", closed_at=at("2025-04-20"))
    versions = [
        seen(again, "2025-03-10 01:00", closed_at=at("2025-04-10")),
        seen(again, "2025-03-20 01:00", closed_at=at("2025-03-15"), outcome="won", stage_id="WON"),
    ]
    history = moves(1, ("2025-03-01", "NEW"), ("2025-03-15", "WON"), ("2025-03-25", "REQ"))
    row = elements.pushed(pushed(tmp_path, again, versions=versions, stage_history=history)).table.iloc[0]
    assert (row["pushes"], row["pushed_days"]) == (1, 10)


def test_a_deal_that_was_won_before_the_sync_of_the_night_has_the_plan_that_was_known_before(tmp_path):
    won = deal(1, "2025-03-01", stage_id="WON", outcome="won", closed_at=at("2025-04-01"))
    versions = [seen(won, "2025-03-20 01:00", closed_at=at("2025-03-28"), outcome="open", stage_id="NEW")]
    history = moves(1, ("2025-03-01", "NEW"), ("2025-04-01 00:30", "WON"))
    ds = pushed(tmp_path, won, versions=versions, stage_history=history)
    assert elements.pushed(ds).table["planned_close_on"].tolist() == [date(2025, 3, 28)]


def test_an_hour_of_summer_time_is_no_day(tmp_path):
    late = deal(1, "2025-03-01", closed_at=at("2025-03-31 22:00"))  # midnight of 1 April in Berlin, in summer time
    versions = [seen(late, "2025-03-10 01:00", closed_at=at("2025-03-28 23:00"))]  # that of 29 March, in winter time
    assert elements.pushed(pushed(tmp_path, late, versions=versions)).table["pushed_days"].tolist() == [3]


def test_the_heading_says_how_much_is_late_and_how_often_it_was_put_off_and_the_note_since_when_that_is_known(tmp_path):
    late = deal(2, "2025-03-01", closed_at=at("2025-03-20"), amount=300.0)
    element = elements.pushed(pushed(tmp_path, PLAN, late, versions=VERSIONS))
    assert (
        element.finding.replace("\N{NO-BREAK SPACE}", " ")
        == "2 of 2 deals in work are past their planned date: 800 ₽; 1 was moved later, by 25 days in all"
    )
    assert "2 Mar 2025" in element.note.replace("\N{NO-BREAK SPACE}", " ")
    assert element.table["deal_id"].tolist() == ["1", "2"]  # the most money first


def test_by_manager_the_moves_count_for_who_has_the_deal(tmp_path):
    other = deal(2, "2025-03-01", closed_at=at("2025-05-01"), manager_id="2")
    table = measure(
        pushed(tmp_path, PLAN, other, versions=VERSIONS), ["pushes", "pushed_days", "overdue_plan"], by="manager"
    )
    assert table[["manager", "pushes", "pushed_days", "overdue_plan_k", "overdue_plan_n"]].values.tolist() == [
        ["Anna", 2, 25, 1, 1], ["Boris", 0, 0, 0, 1],
    ]  # fmt: skip


def test_a_source_without_planned_dates_says_so(tmp_path):
    element = elements.pushed(pushed(tmp_path, deal(1, "2025-03-01")))
    assert element.missing == "The source does not say when deals in work are planned to be closed."


def test_two_exports_on_two_days_tell_that_a_date_was_pushed(tmp_path):
    """From files to the page: the column is planned_close_on, and an open deal's closed_at stands in for it."""
    folder = tmp_path / "export"
    folder.mkdir()
    settings = Settings(
        home=tmp_path, data=tmp_path / "data", time_zone="UTC", source=Source(kind="files", folder=folder)
    )
    for day in ("2025-03-20", "2025-03-29"):
        (folder / "deals.csv").write_text(f"id,outcome,created_at,planned_close_on\n1,open,2025-03-01,{day}\n")
        sync(settings)
    row = elements.pushed(load(period="2025-03", as_of="2100-01-01", settings=settings)).table.iloc[0]
    assert (row["pushes"], row["pushed_days"], row["first_planned_on"]) == (1, 9, date(2025, 3, 20))


# ── Planned for the period ───────────────────────────────────────────────────────────────────────────────────────────

APRIL = {
    "1": ("2025-05-05", 100),
    "2": ("2025-04-20", 200),
    "4": ("2025-04-15", 1000),
    "6": ("2025-04-12", 3200),
    "7": ("2025-04-20", 6400),
}
THEN = {
    "1": {"closed_at": at("2025-04-10")},
    "2": {"closed_at": at("2025-05-10")},
    "4": {"amount": 800},
    "7": {"manager_id": "1"},
}


def april(folder, **filters):
    """As of 1 April. Since 25 March deal 1 was put off to May, 2 came from May, 3 was won, 4 was repriced, 5 is new, 7 is Boris's now."""
    rows = {
        id: deal(int(id), "2025-03-01", closed_at=at(day), amount=money, manager_id="2" if id == "7" else "1")
        for id, (day, money) in APRIL.items()
    }
    won = deal(3, "2025-03-01", stage_id="WON", outcome="won", amount=400, closed_at=at("2025-03-28"))
    before = won | {"stage_id": "NEW", "outcome": "open", "closed_at": at("2025-04-15")}
    settings = make_store(
        folder,
        deals=[*rows.values(), won, deal(5, "2025-03-27", closed_at=at("2025-04-30"), amount=1600)],
        deals_versions=[
            *(seen(rows[id], "2025-03-26 01:00", **was) for id, was in THEN.items()), seen(before, "2025-03-26 01:00"),
        ],
        stage_history=[
            *(step for id in (*APRIL, "5") for step in moves(int(id), ("2025-03-27" if id == "5" else "2025-03-01", "NEW"))),
            *moves(3, ("2025-03-01", "NEW"), ("2025-03-28", "WON")),
        ],
        syncs=nights("2025-03-02", "2025-03-26", "2025-04-01"),
    )  # fmt: skip
    return elements.planned_changes(load(period="2025-04", as_of="2025-04-01", settings=settings, **filters))


def test_what_was_planned_for_the_month_is_what_was_moved_in_and_out_won_and_new_to_what_is_planned_now(tmp_path):
    shown = april(tmp_path)
    week = shown.table[shown.table["since"] == "week"].set_index("part")
    assert week["money"].to_dict() == {
        "opening": 100 + 400 + 800 + 3200 + 6400, "new": 1600, "planned_in": 200, "moved_in": 0, "reopened": 0, "amount": 200,
        "won": -400, "lost": 0, "planned_out": -100, "moved_out": 0, "closing": 200 + 1000 + 1600 + 3200 + 6400,
    }  # fmt: skip
    assert week["money"].drop("closing").sum() == week["money"]["closing"]
    words = "12.4 k ₽ is planned for April 2025; moved since a week ago: out of it 100 ₽, into it 200 ₽"
    assert shown.finding.replace("\xa0", " ") == words
    assert "known since the first sync, 2 Mar 2025" in shown.note


def test_a_planned_deal_that_another_manager_has_now_was_handed_over_and_not_put_off(tmp_path):
    table = april(tmp_path, manager="Anna").table
    week = table[table["since"] == "week"].set_index("part")["money"]
    assert (week["opening"], week["moved_out"], week["planned_out"], week["closing"]) == (10900, -6400, -100, 6000)
    boris = april(tmp_path / "boris", manager="Boris")
    assert boris.finding.replace("\xa0", " ") == "6.4 k ₽ is planned for April 2025; no date was moved since a week ago"


def test_of_days_for_which_no_deal_is_planned_there_is_nothing_to_move(tmp_path):
    shown = elements.planned_changes(pushed(tmp_path, PLAN, period="2024-03"))
    assert shown.finding == "No deal in work is planned for March 2024"
    assert not shown.table["deals"].any()
