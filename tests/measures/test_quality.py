"""Every note about the data, on the deals that it is about."""

import pytest

from stores import at, dataset, deal, lead, moves

WON = {"stage_id": "WON", "outcome": "won"}
DEALS = [
    deal("plain", "2025-03-02"),
    deal("nobody", "2025-03-02", company_id=None),
    deal("nowhere", "2025-03-02", source_id=None),
    deal("ever", None),
    deal("undated", "2025-02-01", **WON),
    deal("euro", "2025-03-02", currency="EUR"),
    deal("no amount", "2025-03-02", amount=None),
    deal("free", "2025-03-02", amount=0.0, **WON),
    deal("empty", "2025-03-02", amount=0.0),
    deal("early", "2025-03-09", **WON),
    deal("unsaid", "2025-03-02", moved_at=at("2025-03-08"), **WON),
    deal("again", "2025-03-02"),
    deal("back", "2025-03-02"),
    deal("orphan", "2025-03-02", manager_id="3"),
    deal("lost place", "2025-03-02", stage_id="OLD"),
    deal("old", "2024-05-01", company_id=None, **WON),  # closed in 2024: in none of the numbers
    deal("next", "2025-04-01", company_id=None),  # created after as_of
]
HISTORY = [
    *[move for each in DEALS for move in moves(each["deal_id"], ("2025-03-02", "NEW"))
      if each["deal_id"] not in ("undated", "old", "next", "early", "lost place", "back", "again", "free")],
    *moves("free", ("2025-03-02", "NEW"), ("2025-03-05", "WON")),
    *moves("early", ("2025-03-03", "WON")),
    *moves("again", ("2025-03-02", "NEW"), ("2025-03-04", "DEAR"), ("2025-03-06", "NEW")),
    *moves("back", ("2025-03-02", "NEW"), ("2025-03-02", "INV"), ("2025-03-02", "REQ")),
    *moves("old", ("2024-05-01", "NEW"), ("2024-05-05", "WON")),
    {"deal_id": "lost place", "stage_id": "OLD", "pipeline_id": "0", "outcome": "open", "at": at("2025-03-02")},
]  # fmt: skip
PEOPLE = [
    {"manager_id": "1", "name": "Anna", "is_active": True},
    {"manager_id": "3", "name": "Vera", "is_active": False},
]
EXPECTED = {
    "no_customer": {"nobody"},
    "no_source": {"nowhere"},
    "no_created_at": {"ever"},
    "no_closed_at": {"undated"},
    "no_stage_history": {"undated"},
    "not_priced": {"euro"},
    "no_amount": {"no amount"},
    "zero_money": {"free"},
    "zero_money_rest": {"empty"},
    "closed_before_created": {"early"},
    "closing_added": {"unsaid"},
    "reopened": {"again"},
    "moved_backwards": {"back"},
    "dismissed_owner": {"orphan"},
    "deleted_stage": {"lost place"},
}


@pytest.fixture(scope="module")
def ds(tmp_path_factory):
    return dataset(tmp_path_factory.mktemp("notes"), deals=DEALS, stage_history=HISTORY, managers=PEOPLE)


@pytest.fixture(scope="module")
def notes(ds):
    return {note.code: note for note in ds.quality}


@pytest.mark.parametrize("code", EXPECTED)
def test_a_note_is_about_its_own_deals(ds, notes, code):
    assert set(ds.deals_of_note(code)["deal_id"]) == EXPECTED[code]
    assert notes[code].count == 1
    assert notes[code].text.startswith("1 ")


def test_nothing_else_is_said(notes):
    assert set(notes) == set(EXPECTED)


def test_clean_data_has_no_note_but_that_of_a_young_history(tmp_path):
    tables = {"deals": [deal(1, "2025-03-05")], "stage_history": moves(1, ("2025-03-05", "NEW"))}
    young = dataset(tmp_path / "young", **tables).quality
    assert [(note.code, note.count) for note in young] == [("history_starts_late", 1)]
    assert dataset(tmp_path / "later", period="2025-04", as_of="2025-05-01", **tables).quality == []


def test_a_deal_of_after_the_period_is_not_what_the_numbers_are_made_of(tmp_path):
    closed = deal(1, "2025-03-05", company_id=None, **WON)
    path = moves(1, ("2025-03-05", "NEW"), ("2025-03-06", "WON"))
    ds = dataset(tmp_path, period="2025-02", deals=[closed, deal(2, "2024-01-01")], stage_history=path)
    assert "no_customer" not in {note.code for note in ds.quality}


def test_unpriced_currencies_are_named(notes):
    assert notes["not_priced"].text == "1 deal is in a currency without a rate (EUR): counted, not priced"


def test_every_note_has_the_deals_that_it_is_about(tmp_path):
    tables = {"deals": [deal(1, "2025-03-05"), deal(2, "2025-03-06")], "stage_history": moves(1, ("2025-03-05", "NEW"))}
    ds = dataset(tmp_path, **tables)
    assert {note.code: len(ds.deals_of_note(note.code)) for note in ds.quality} == {
        note.code: note.count for note in ds.quality
    }
    assert ds.deals_of_note("history_starts_late")["deal_id"].tolist() == ["1", "2"]
    assert ds.deals_of_note("no_such_note").empty


def test_several_are_told_in_the_plural(tmp_path):
    ds = dataset(tmp_path, deals=[deal(1, "2025-03-05", source_id=None), deal(2, "2025-03-05", source_id=None)])
    assert "2 deals have no source" in [note.text for note in ds.quality]


def test_leads_that_ended_nobody_knows_when_are_noted(tmp_path):
    undated = [lead(1, "2025-03-05", outcome="won"), lead(2, "2025-03-05", outcome="lost"), lead(3, "2025-03-05")]
    ds = dataset(tmp_path, leads=[*undated, lead(4, "2025-03-05", outcome="won", closed_at=at("2025-03-06"))])
    assert [(note.code, note.count, note.text) for note in ds.quality] == [
        ("lead_no_closed_at", 2, "2 converted or lost leads have no closing date, so they are in no period")
    ]
