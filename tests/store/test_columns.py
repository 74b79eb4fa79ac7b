"""Columns that are made when asked for."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crm_reports.store.columns import Columns, categorical, from_arrow, identities, per_text, places_of, records


def test_a_column_is_made_once_and_only_when_somebody_asks():
    asked = []
    columns = Columns(2, {"a": lambda: asked.append("a") or np.array([1, 2]), "b": lambda: asked.append("b")})
    taken = columns.take(np.array([True, False]))
    assert asked == []
    assert (taken["a"].tolist(), columns["a"].tolist(), len(taken)) == ([1], [1, 2], 1)
    assert asked == ["a"]


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


def test_records_are_the_rows_that_pandas_gives():
    frame = pd.DataFrame({"name": ["a", "b"], "n": [1, 2], "x": [0.5, float("nan")], "is_it": [True, False],
                          "at": pd.to_datetime(["2025-03-01", None], utc=True)})  # fmt: skip
    assert str(records(frame)) == str(frame.to_dict("records"))
    assert records(frame.iloc[:0]) == []
