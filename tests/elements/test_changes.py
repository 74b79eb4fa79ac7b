"""The pipeline's waterfall: every deal by hand, and the sum to the cent whatever happened."""

from datetime import date

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_reports import elements
from crm_reports.elements.changes import PARTS, known_since, waterfall
from crm_reports.measures.measure import value_of
from crm_reports.store.columns import Columns
from stores import at, dataset, deal, moves, nights, seen


def standing(*rows):
    frame = pd.DataFrame(rows, columns=["deal_id", "outcome", "money", "is_inside"])
    return frame.astype({"deal_id": object, "outcome": object, "money": float, "is_inside": bool})


def parts(then, now):
    both = (
        standing(*then)
        .set_index("deal_id")
        .join(standing(*now).set_index("deal_id"), how="outer", suffixes=("_then", "_now"))
    )
    nothing = {"outcome": "", "money": 0.0, "is_inside": False}
    held = {f"{name}_{when}": both[f"{name}_{when}"].fillna(none).to_numpy()
            for name, none in nothing.items() for when in ("then", "now")}  # fmt: skip
    whole = {name: column.astype(bool) if name.startswith("is_") else column for name, column in held.items()}
    return waterfall(Columns(len(both), whole)).set_index("part")


@pytest.mark.parametrize(
    ("then", "now", "moved"),
    [
        (("a", "open", 100, True), ("a", "open", 100, True), {}),
        (None, ("a", "open", 100, True), {"new": 100}),
        (None, ("a", "won", 100, True), {"new": 100, "won": -100}),
        (("a", "open", 100, True), ("a", "won", 130, True), {"amount": 30, "won": -130}),
        (("a", "open", 100, True), ("a", "lost", 100, True), {"lost": -100}),
        (("a", "open", 100, True), ("a", "open", 60, True), {"amount": -40}),
        (("a", "open", 100, True), ("a", "open", 100, False), {"moved_out": -100}),
        (("a", "open", 100, False), ("a", "open", 100, True), {"moved_in": 100}),
        (("a", "open", 100, False), ("a", "won", 100, True), {"moved_in": 100, "won": -100}),
        (("a", "lost", 100, True), ("a", "open", 100, True), {"reopened": 100}),
        (("a", "lost", 100, True), ("a", "won", 100, True), {"reopened": 100, "won": -100}),
        (("a", "won", 100, True), ("a", "won", 150, True), {}),
        (("a", "open", 100, False), ("a", "lost", 100, False), {}),
        (("a", "open", float("nan"), True), ("a", "open", 80, True), {"amount": 80}),
    ],
)
def test_what_happened_to_one_deal(then, now, moved):
    found = parts([then] if then else [], [now])
    assert {part: found["money"][part] for part in moved} == moved
    rest = [part for part in PARTS if part not in (*moved, "opening", "closing")]
    assert found["money"][rest].tolist() == [0] * len(rest)


STATES = st.tuples(
    st.sampled_from(["open", "won", "lost"]),
    st.one_of(st.just(float("nan")), st.integers(0, 10**9).map(lambda cents: cents / 100)),
    st.booleans(),
)
DEALS = st.dictionaries(st.integers(1, 30).map(str), st.tuples(st.none() | STATES, STATES), max_size=30)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(DEALS)
def test_opening_and_all_parts_are_the_closing_to_the_cent(deals):
    then = [(id, *was) for id, (was, _became) in deals.items() if was]
    now = [(id, *became) for id, (_was, became) in deals.items()]
    money = parts(then, now)["money"]
    assert money.drop("closing").sum() == pytest.approx(money["closing"], abs=0.005)
    counted = parts(then, now)["deals"].drop("amount")
    assert counted.drop("closing").sum() == counted["closing"]
    held = standing(*now)
    held = held[(held["outcome"] == "open") & held["is_inside"]]
    assert (counted["closing"], money["closing"]) == (len(held), pytest.approx(held["money"].sum()))


@pytest.fixture(scope="module")
def march(tmp_path_factory):
    """As of 1 April. Since 25 March: 1 won, 2 lost, 3 stayed, 4 came on the 27th, 5 was reopened on the 28th."""
    return dataset(
        tmp_path_factory.mktemp("march"),
        deals=[
            deal(1, "2025-03-01", stage_id="WON", outcome="won", amount=100),
            deal(2, "2025-03-01", stage_id="DEAR", outcome="lost", amount=20),
            deal(3, "2025-03-01", amount=3),
            deal(4, "2025-03-27", amount=400),
            deal(5, "2025-02-01", stage_id="REQ", amount=50),
        ],
        stage_history=[
            *moves(1, ("2025-03-01", "NEW"), ("2025-03-26", "WON")),
            *moves(2, ("2025-03-01", "NEW"), ("2025-03-29", "DEAR")),
            *moves(3, ("2025-03-01", "NEW")),
            *moves(4, ("2025-03-27", "NEW")),
            *moves(5, ("2025-02-01", "NEW"), ("2025-03-02", "GONE"), ("2025-03-28", "REQ")),
        ],
    )


def test_the_week_s_waterfall_by_hand(march):
    table = elements.changes(march).table
    week = table[table["since"] == "week"].set_index("part")
    assert week["since_on"].unique().tolist() == [date(2025, 3, 25)]
    assert week["money"].to_dict() == {
        "opening": 123, "new": 400, "moved_in": 0, "reopened": 50, "amount": 0, "won": -100, "lost": -20,
        "moved_out": 0, "closing": 453,
    }  # fmt: skip


def test_every_waterfall_ends_at_what_is_in_work_now(march):
    closing = elements.changes(march).table.groupby("since").last()
    assert closing["money"].tolist() == [value_of(march, "in_work_money")] * 3
    assert closing["deals"].tolist() == [value_of(march, "in_work")] * 3


def test_a_waterfall_says_from_when_amounts_are_known(tmp_path):
    synced = {"synced_at": at("2025-03-20"), "finished_at": at("2025-03-20"), "source": "bitrix24", "holes": "[]",
              "portal_url": "", "present": "deals,stages,stage_history"}  # fmt: skip
    known = dataset(tmp_path / "old", syncs=[synced | {"synced_at": at("2024-01-01")}], deals=[deal(1, "2024-01-05")])
    late = dataset(tmp_path / "new", syncs=[synced], deals=[deal(1, "2024-01-05")])
    assert known_since(known) == ""
    assert "20 Mar 2025" in known_since(late)


def test_what_others_did_to_a_deal_after_it_was_handed_over_is_not_in_the_waterfall(tmp_path):
    # The sync of 10 March saw a deal of Anna's of 100; later it was Boris's, who made it 777.
    now = deal(1, "2025-01-05", manager_id="2", amount=777.0)
    then = seen(now, "2025-03-10 01:00", manager_id="1", amount=100.0)
    ds = dataset(tmp_path, deals=[now], deals_versions=[then], syncs=nights("2025-03-10", "2025-03-20"), manager="Anna")
    month = elements.changes(ds).table.query("since == 'month'").set_index("part")["money"]
    assert (month["opening"], month["amount"], month["moved_out"], month["closing"]) == (100, 0, -100, 0)
