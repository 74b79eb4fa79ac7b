"""Columns that are made when asked for, and what a metric can ask of them."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_reports.columns import (
    Columns,
    Groups,
    Rows,
    categorical,
    from_arrow,
    identities,
    per_text,
    places_of,
    ratio,
    records,
)
from crm_reports.errors import MetricError
from crm_reports.measures import measure, one
from crm_reports.registry import METRICS, metric
from stores import dataset, deal

MONEY = np.array([100.0, np.nan, 300.0, 5.0])
ANNAS_AND_BORISS = Groups(np.array([0, 1, 0, 1]), 2)


def money(groups=None):
    return Rows(
        Columns(4, {"money": MONEY, "is_won": np.array([True, False, True, True])}), ["money", "is_won"], groups
    )


def test_a_column_is_made_once_and_only_when_somebody_asks():
    asked = []
    columns = Columns(2, {"a": lambda: asked.append("a") or np.array([1, 2]), "b": lambda: asked.append("b")})
    taken = columns.take(np.array([True, False]))
    assert asked == []
    assert (taken["a"].tolist(), columns["a"].tolist(), len(taken)) == ([1], [1, 2], 1)
    assert asked == ["a"]


def test_all_rows_have_a_number_and_groups_one_each():
    assert (money()["money"].sum(), money()["money"].count(), money()["money"].mean()) == (405, 3, 135)
    each = money(ANNAS_AND_BORISS)["money"]
    assert (each.sum().tolist(), each.count().tolist(), each.mean().tolist()) == ([400, 5], [2, 1], [200, 5])
    assert money(ANNAS_AND_BORISS)["is_won"].sum().tolist() == [2, 1]


def test_whatever_pandas_says_of_a_column_can_be_asked():
    assert money()["money"].median() == 100
    each = money(ANNAS_AND_BORISS)["money"]
    assert each.max().tolist() == [300, 5]
    assert each.quantile(0.75).tolist() == [250, 5]


def test_a_column_can_be_compared_and_reckoned_with():
    assert (money()["money"] >= 100).sum() == 2
    assert (money(ANNAS_AND_BORISS)["money"] >= 100).sum().tolist() == [2, 0]
    assert (money(ANNAS_AND_BORISS)["money"] * 2).sum().tolist() == [800, 10]


def test_nothing_is_summed_to_nothing_and_has_no_mean():
    none = Rows(Columns(0, {"money": np.zeros(0)}), ["money"])["money"]
    assert (none.sum(), none.count()) == (0, 0)
    assert np.isnan(none.mean())
    assert np.isnan(ratio(np.array([1.0, 0.0]), np.array([2, 0]))).tolist() == [False, True]


def test_a_field_that_a_metric_does_not_declare_is_refused():
    with pytest.raises(MetricError, match="does not declare the field 'amount': it has money, is_won"):
        money()["amount"]


def test_a_metric_of_an_analyst_serves_the_tile_and_the_table(tmp_path):
    """The one that the notebook's last cell proposes."""

    @metric(
        title="Big deals", unit="count", good="up", formula="of 1 000 and more", on="events", fields=["created_money"]
    )
    def big_deals(events):
        """How many large deals came."""
        return (events["created_money"] >= 1000).sum()

    try:
        ds = dataset(tmp_path, deals=[
            deal(1, "2025-03-01", amount=1000.0), deal(2, "2025-03-01", amount=999.0), deal(3, "2025-03-01", amount=None),
            deal(4, "2025-03-01", amount=5000.0, manager_id="2"),
        ])  # fmt: skip
        assert one(ds, "big_deals") == 2
        assert measure(ds, ["big_deals"], by="manager")["big_deals"].tolist() == [1, 1]
    finally:
        METRICS.pop("big_deals")


def test_what_the_store_gives_is_read_as_it_is():
    found = from_arrow(pa.table({
        "name": ["b", None, "a", "b"], "n": [1, 2, 3, 4], "x": [1.5, None, 0.0, 2.0],
        "at": pa.array([0, None, 1, 2], pa.timestamp("us", "UTC")),
    }))  # fmt: skip
    assert list(found["name"]) == ["b", "", "a", "b"]
    assert np.isnan(found["x"]).tolist() == np.isnat(found["at"]).tolist() == [False, True, False, False]
    assert per_text(found["name"], len, int).tolist() == [1, 0, 1, 1]
    assert found.to_pandas()["at"].dt.tz is not None


def test_one_text_of_two_codes_is_one():
    assert (categorical(np.array([0, 1, 2]), ["x", "y", "x"]) == "x").tolist() == [True, False, True]


def test_identities_are_numbers_only_where_they_are_written_as_such():
    assert identities(pa.chunked_array([["7", "12"]])).dtype.kind == "i"
    assert identities(pa.chunked_array([["007", "12"]])).tolist() == ["007", "12"]
    assert identities(pa.chunked_array([["7", "deal-8"]])).tolist() == ["7", "deal-8"]


@pytest.mark.parametrize("held", [["7", "12"], ["007", "7", "12"], ["a", "7", "12"]])
def test_whoever_is_sought_is_found_by_the_very_same_text(held):
    found = places_of(identities(pa.chunked_array([["12", "7", "99"]])), identities(pa.chunked_array([held])))
    assert [held[place] if place >= 0 else None for place in found] == ["12", "7", None]


VALUES = st.lists(st.tuples(st.floats(-1e6, 1e6) | st.just(float("nan")), st.integers(0, 4)), min_size=1, max_size=30)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(VALUES)
def test_sums_means_and_counts_are_those_of_pandas(rows):
    values, (_seen, codes) = (
        np.array([row[0] for row in rows]),
        np.unique([row[1] for row in rows], return_inverse=True),
    )
    ours = Rows(Columns(len(rows), {"x": values}), ["x"], Groups(codes, codes.max() + 1))["x"]
    theirs = pd.Series(values).groupby(codes)
    assert ours.sum() == pytest.approx(theirs.sum().to_numpy(), abs=1e-6)
    assert ours.mean() == pytest.approx(theirs.mean().to_numpy(), abs=1e-6, nan_ok=True)
    assert ours.count().tolist() == theirs.count().tolist()


def test_records_are_the_rows_that_pandas_gives():
    frame = pd.DataFrame({"name": ["a", "b"], "n": [1, 2], "x": [0.5, float("nan")], "is_it": [True, False],
                          "at": pd.to_datetime(["2025-03-01", None], utc=True)})  # fmt: skip
    assert str(records(frame)) == str(frame.to_dict("records"))
    assert records(frame.iloc[:0]) == []
