"""What a change is made of, and whether chance alone would bring it: by hand, and of random companies."""

import numpy as np
import pytest

from crm_reports.measures.load import load
from crm_reports.measures.shifts import Shift, Shifts
from crm_reports.metrics.registry import METRICS
from crm_reports.metrics.statistics import by_normal
from stores import at, deal, make_store, moves

WITHIN = ("manager", "source", "stage", "loss_reason")
NOW, BEFORE = "2025-03", "2025-02"
# Of Anna's in February 6 of 10 are won, of Boris's 2 of 10; in March 3 of 5 and 3 of 15.
RATES = {(BEFORE, "1"): (6, 10), (BEFORE, "2"): (2, 10), (NOW, "1"): (3, 5), (NOW, "2"): (3, 15)}


def ended(
    pipeline: str, month: str, outcome: str = "won", manager: str = "1", source: str = "WEB", amount: float = 100.0
) -> dict:
    """A deal of that pipeline created on the 2nd of the month and won, or lost as too expensive, on the 3rd."""
    stage = "WON" if outcome == "won" else "DEAR"
    return deal(0, f"{month}-02", stage_id=stage, outcome=outcome, manager_id=manager, source_id=source, amount=amount,
                pipeline_id=pipeline, closed_at=at(f"{month}-03"))  # fmt: skip


def invented() -> list[dict]:
    """A company whose pipelines have each a story of February and March."""
    rates = [
        ended("rates", month, "won" if place < k else "lost", manager)
        for (month, manager), (k, n) in RATES.items()
        for place in range(n)
    ]
    sums = [
        ended("sums", BEFORE, "won", "1", "WEB", 1000.0), ended("sums", BEFORE, "won", "2", "CALL", 500.0),
        ended("sums", NOW, "won", "1", "WEB", 400.0), ended("sums", NOW, "won", "2", "CALL", 600.0),
        ended("sums", NOW, "won", "2", "WEB", 100.0),
    ]  # fmt: skip
    shared = [ended("shared", BEFORE), ended("shared", NOW, manager="1"), ended("shared", NOW, manager="2")]
    many = [ended("many", month) for month, count in ((BEFORE, 9), (NOW, 25)) for _place in range(count)]
    few = [ended("few", month) for month, count in ((BEFORE, 9), (NOW, 16)) for _place in range(count)]
    luck = [ended("luck", BEFORE) for _place in range(10)]
    luck += [ended("luck", NOW, amount=10_000.0 if place == 0 else 100.0) for place in range(10)]
    dearer = [
        ended("dearer", month, amount=money + place)
        for month, money in ((BEFORE, 100.0), (NOW, 200.0))
        for place in range(30)
    ]
    idle = [deal(0, "2024-12-01", manager_id="4", pipeline_id="idle")]
    return [*rates, *sums, *shared, *many, *few, *luck, *dearer, *idle, *_random_deals()]


def _random_deals() -> list[dict]:
    dice = np.random.default_rng(7)
    return [
        ended("random", dice.choice([BEFORE, NOW]), dice.choice(["won", "lost", "lost"]), dice.choice(["1", "2", "3"]),
              dice.choice(["WEB", "CALL", "MAIL"]), round(float(dice.lognormal(8, 1.5)), 2))
        for _place in range(100)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    deals = [row | {"deal_id": str(id)} for id, row in enumerate(invented(), 1)]
    history = [
        step | {"pipeline_id": row["pipeline_id"]}
        for row in deals
        if row["outcome"] != "open"
        for step in moves(
            row["deal_id"], (f"{row['created_at']:%F}", "NEW"), (f"{row['closed_at']:%F}", row["stage_id"])
        )
    ]
    pipelines = [{"pipeline_id": name, "name": name, "position": 1} for name in {row["pipeline_id"] for row in deals}]
    return make_store(tmp_path_factory.mktemp("invented"), deals=deals, stage_history=history, pipelines=pipelines)


@pytest.fixture(scope="module")
def company(stored):
    """Its March beside February."""
    return load(period=NOW, as_of="2025-04-01", settings=stored)


def beside(company, metric: str, pipeline: str) -> tuple[Shifts, Shift]:
    """The metric in that pipeline."""
    shifts = Shifts(company, metric, "pipeline")
    return shifts, next(row for row in shifts.rows if row.id == pipeline)


def brought(company, metric: str, pipeline: str, within: str) -> dict[str, tuple[float, float]]:
    shifts, row = beside(company, metric, pipeline)
    return {part.name: (round(part.rate, 9), round(part.mix, 9)) for part in shifts.parts(row, within)}


def test_a_sum_changed_by_what_its_rows_changed(company):
    _shifts, row = beside(company, "won_money", "sums")
    assert (row.value, row.previous) == (1100, 1500)
    assert brought(company, "won_money", "sums", "manager") == {"Anna": (-600, 0), "Boris": (200, 0)}
    assert brought(company, "won_money", "sums", "source") == {"Website": (-500, 0), "Call": (100, 0)}
    assert brought(company, "won_money", "sums", "pipeline") == {}


def test_a_rate_that_fell_while_nobody_got_worse_fell_by_their_weights(company):
    """40 % became 30 %. Anna wins 60 % both times and has a quarter of the deals in place of half: (1/4 − 1/2) (60 % − 35 %)."""
    _shifts, row = beside(company, "win_rate", "rates")
    assert (row.value, row.previous, row.k, row.n, row.previous_k, row.previous_n) == (0.3, 0.4, 6, 20, 8, 20)
    assert brought(company, "win_rate", "rates", "manager") == {"Anna": (0, -0.0625), "Boris": (0, -0.0375)}


def test_a_mean_is_taken_apart_as_a_rate_is_and_a_median_is_not(company):
    """750 ₽ became 366.67 ₽: Anna's mean fell by 600 ₽ at a mean weight of 5/12, Boris's by 150 ₽ at 7/12."""
    shifts, row = beside(company, "average_check", "sums")
    parts = {part.name: part for part in shifts.parts(row, "manager")}
    assert parts["Anna"].rate == pytest.approx(-600 * 5 / 12)
    assert parts["Boris"].rate == pytest.approx(-150 * 7 / 12)
    assert sum(part.change for part in parts.values()) == pytest.approx(1100 / 3 - 750)
    assert brought(company, "median_check", "sums", "manager") == {}


def test_customers_who_bought_from_two_are_no_sum_of_rows(company):
    _shifts, row = beside(company, "customers", "shared")
    assert row.value == 1
    assert brought(company, "customers", "shared", "manager") == {}


def test_whoever_holds_deals_and_did_nothing_has_a_row_of_nothing(company):
    rows = {name: beside(company, name, "idle")[1] for name in ("won_money", "win_rate")}
    assert rows["won_money"].value == 0
    assert np.isnan(rows["win_rate"].value)


def test_what_the_source_lacks_and_a_period_that_has_not_begun_are_missing(company, stored):
    assert np.isnan(Shifts(company, "leads_received").rows[0].value)
    april = load(period="2025-04", as_of="2025-04-01", settings=stored)
    assert np.isnan(Shifts(april, "won_money").rows[0].value)
    assert Shifts(april, "in_work").rows[0].value == 1


# ── Chance ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("pipeline", "count", "is_sure"), [("many", 25, True), ("few", 16, False)])
def test_a_count_is_sure_to_have_changed_when_it_passes_poissons_spread(company, pipeline, count, is_sure):
    """From 9 to 25 wins: 16 is 2.74 times the root of 34. From 9 to 16: 7 is 1.4 times the root of 25."""
    shifts, row = beside(company, "won", pipeline)
    assert (row.value, row.previous) == (count, 9)
    assert (shifts.chance(row) < 0.05) is is_sure


def test_one_large_deal_is_no_sure_change_of_money(company):
    """Ten deals of 100 ₽, then nine and one of 10 000 ₽: ten times the money, and one deal's luck."""
    shifts, row = beside(company, "won_money", "luck")
    assert (row.value, row.previous) == (10_900, 1_000)
    assert shifts.chance(row) == pytest.approx(by_normal(9_900, 10_000**2 + 19 * 100**2))
    assert shifts.chance(row) > 0.3


def test_a_share_is_tested_by_its_cases_and_a_mean_of_few_is_never_sure(company):
    shifts, row = beside(company, "win_rate", "rates")
    assert shifts.chance(row) == pytest.approx(0.7411, abs=1e-3)  # Fisher's exact test of 6 of 20 and 8 of 20
    shifts, row = beside(company, "average_check", "sums")
    assert shifts.chance(row) == 1


def test_a_median_of_many_that_really_moved_is_sure(company):
    shifts, row = beside(company, "median_check", "dearer")
    assert (row.value, row.previous) == (214.5, 114.5)
    assert shifts.chance(row) < 0.001


def test_a_stock_is_counted_and_what_is_foretold_has_no_chance(company):
    assert Shifts(company, "in_work").chance(Shift("", "", 5.0, 4.0)) == 0
    assert not Shifts(company, "activity_index").is_testable
    assert Shifts(company, "won").is_testable


# ── Any company ──────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("by", ["", "manager"])
def test_parts_add_up_to_the_change_of_every_metric_by_every_dimension(company, by):
    apart = set()
    for name, entry in METRICS.items():
        shifts = Shifts(company, name, by if entry.on not in ("prospects", "cover") else "")
        for row in shifts.rows:
            for within in WITHIN:
                parts = shifts.parts(row, within)
                apart |= {name} if len(parts) > 1 and within in ("manager", "source") else set()
                if parts:
                    change = sum(part.change for part in parts)
                    assert change == pytest.approx(row.value - row.previous, abs=1e-6, rel=1e-9)
    assert {"won_money", "won", "win_rate", "lost_share", "average_check", "cycle_days", "conversion"} <= apart
    assert not {"customers", "median_check", "activity_index", "share_of_won_money"} & apart
