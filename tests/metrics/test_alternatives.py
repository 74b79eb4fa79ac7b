"""Several success stages of a pipeline are alternatives: each has its own deals, and the step into winning leads to all."""

import pytest

from crm_reports import charts
from crm_reports.elements import funnel, narrow_places, stage_conversion
from crm_reports.measures.measure import measure, value_of
from stores import STAGES, at, dataset, deal

PART = {"stage_id": "PART", "pipeline_id": "0", "name": "Paid in part", "position": 45, "outcome": "won"}
BARTER = {"stage_id": "BARTER", "pipeline_id": "0", "name": "Barter", "position": 35, "outcome": "won"}


def won(id, stage):
    return deal(id, "2025-03-01", stage_id=stage, outcome="won")


OUTCOME = {stage["stage_id"]: stage["outcome"] for stage in [*STAGES, PART, BARTER]}


def path(id, *steps):
    """Stage history on the 1st, 2nd, … of March."""
    return [
        {
            "deal_id": str(id),
            "stage_id": stage,
            "pipeline_id": "0",
            "outcome": OUTCOME[stage],
            "at": at(f"2025-03-{day:02}"),
        }
        for day, stage in enumerate(steps, 1)
    ]


# 1 and 2 were paid, 3 in part, 4 by barter from the cold base; 5 is on the invoice, 6 was lost on the request.
DEALS = [
    won(1, "WON"), won(2, "WON"), won(3, "PART"), won(4, "BARTER"), deal(5, "2025-03-01", stage_id="INV"),
    deal(6, "2025-03-01", stage_id="DEAR", outcome="lost"),
]  # fmt: skip


@pytest.fixture
def ds(tmp_path):
    history = [
        *path(1, "NEW", "REQ", "INV", "WON"), *path(2, "NEW", "INV", "WON"), *path(3, "NEW", "REQ", "INV", "PART"),
        *path(4, "NEW", "BARTER"), *path(5, "NEW", "REQ", "INV"), *path(6, "NEW", "REQ", "DEAR"),
    ]  # fmt: skip
    return dataset(tmp_path, deals=DEALS, stage_history=history, stages=[*STAGES, PART, BARTER])


def test_each_success_stage_shows_its_own_deals(ds):
    table = funnel(ds).table.set_index("stage")
    assert table["cohort_reached"].to_dict() == {
        "Cold base": 6, "Request": 6, "Invoice": 5, "Barter": 1, "Paid": 2, "Paid in part": 1,
    }  # fmt: skip
    assert table["reached"].to_dict() == table["cohort_reached"].to_dict()
    assert table["visited"].to_dict() == {
        "Cold base": 6, "Request": 4, "Invoice": 4, "Barter": 1, "Paid": 2, "Paid in part": 1,
    }  # fmt: skip
    assert table["position"].tolist() == [1, 2, 3, 4, 4, 4]


def test_the_step_into_winning_leads_to_all_of_them_together(ds):
    table = funnel(ds).table.set_index("stage")
    step = table.loc["Invoice"]
    assert (step["to_stage"], step["stage_conversion_k"], step["stage_conversion_n"]) == (
        "Barter / Paid / Paid in part",
        4,
        5,
    )
    assert table.loc[["Barter", "Paid", "Paid in part"], "to_stage"].tolist() == [""] * 3
    assert table.loc[["Barter", "Paid", "Paid in part"], "stage_conversion"].isna().all()
    team = stage_conversion(ds).table.query("is_total").set_index("stage")
    assert team["stage_conversion_k"].to_dict() == {"Cold base": 6, "Request": 5, "Invoice": 4}
    assert team["visited_next"].to_dict() == {"Cold base": 4, "Request": 4, "Invoice": 4}
    assert (team["lost_on_the_way"].sum(), team["on_the_way"].sum()) == (1, 1)


def test_a_deal_won_in_two_ways_is_in_both_and_goes_on_once(tmp_path):
    history = path(1, "NEW", "INV", "WON", "INV", "PART")
    ds = dataset(tmp_path, deals=[won(1, "PART")], stage_history=history, stages=[*STAGES, PART])
    table = measure(ds, ["cohort_reached"], by="stage").set_index("stage_id")["cohort_reached"]
    assert table.to_dict() == {"NEW": 1, "REQ": 1, "INV": 1, "WON": 1, "PART": 1}
    assert (value_of(ds, "stage_conversion").k, value_of(ds, "stage_conversion").n) == (3, 3)


def test_from_one_success_stage_to_another_is_no_step_back(tmp_path):
    history = path(1, "NEW", "PART", "WON")
    ds = dataset(tmp_path, deals=[won(1, "WON")], stage_history=history, stages=[*STAGES, PART])
    assert "moved_backwards" not in [note.code for note in ds.quality]


def test_a_win_on_a_stage_that_is_gone_went_on_though_nobody_knows_to_which(tmp_path):
    gone = [
        row | {"stage_id": "OLD", "outcome": "won"} if row["stage_id"] == "WON" else row
        for row in path(1, "NEW", "WON")
    ]
    ds = dataset(tmp_path / "several", deals=[won(1, "OLD")], stage_history=gone, stages=[*STAGES, PART])
    assert measure(ds, ["reached"], by="stage")["stage_id"].tolist() == ["NEW", "REQ", "INV"]
    assert (value_of(ds, "stage_conversion").k, value_of(ds, "stage_conversion").n) == (3, 3)
    alone = dataset(tmp_path / "one", deals=[won(1, "OLD")], stage_history=gone)
    assert measure(alone, ["reached"], by="stage")["stage_id"].tolist() == ["NEW", "REQ", "INV", "WON"]


def test_the_worth_of_winning_counts_a_deal_of_two_success_stages_once(tmp_path):
    deals = [won(id, "PART") | {"amount": 100.0} for id in range(20)]
    deals += [deal(id, "2025-03-01", stage_id="INV", manager_id="2") for id in range(20, 25)]
    history = [row for id in range(20) for row in path(id, "NEW", "INV", "WON", "INV", "PART")]
    history += [row for id in range(20, 25) for row in path(id, "NEW", "INV")]
    ds = dataset(tmp_path, deals=deals, stage_history=history, stages=[*STAGES, PART])
    row = narrow_places(ds).table.iloc[0]
    assert (row["stage"], row["to_stage"], row["deals_short"]) == (
        "Invoice",
        "Paid / Paid in part",
        4,
    )  # 20 of 25; 0 of 5
    assert row["money_short"] == 400


def test_the_picture_tells_the_step_into_winning_once(ds):
    figure = charts.funnel(funnel(ds).table)
    notes = [each.text for each in figure.layout.annotations if "together" in (each.text or "")]
    assert len(notes) == 1
    assert "4 of 5" in notes[0]
