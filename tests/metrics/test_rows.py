"""What a metric's body may say of its rows, and that it means the same of a group as of that group's rows alone."""

import re
from operator import truediv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_reports.errors import MetricError
from crm_reports.measures.measure import measure, value_of
from crm_reports.metrics.registry import METRICS, metric
from crm_reports.metrics.rows import ROW_BY_ROW, SUMMARIES, Groups, Ratio, Rows, by_half, evaluate, fields_of
from crm_reports.store.columns import Columns, categorical, ratio
from stores import dataset, deal

MONEY = np.array([100.0, np.nan, 300.0, 5.0])
WON = np.array([True, False, True, True])
ROWS = Columns(4, {"money": MONEY, "is_won": WON})
ANNAS_AND_BORISS = Groups(np.array([0, 1, 0, 1]), 2)


def of_all(body):
    return evaluate(body, ROWS)


def of_each(body):
    return evaluate(body, ROWS, ANNAS_AND_BORISS).tolist()


def test_all_rows_have_a_number_and_groups_one_each():
    assert (of_all(lambda rows: rows["money"].sum()), of_each(lambda rows: rows["money"].sum())) == (405, [400, 5])
    assert (of_all(lambda rows: rows["money"].count()), of_each(lambda rows: rows["money"].count())) == (3, [2, 1])
    assert (of_all(lambda rows: rows["money"].mean()), of_each(lambda rows: rows["money"].mean())) == (135, [200, 5])
    assert of_each(lambda rows: rows["is_won"].sum()) == [2, 1]


@pytest.mark.parametrize(
    ("body", "whole", "groups"),
    [
        (lambda rows: rows["money"][rows["money"] < 200].sum(), 105, [100, 5]),
        (lambda rows: rows["money"].where(rows["is_won"]).sum(), 405, [400, 5]),
        (lambda rows: rows["money"].fillna(7).sum(), 412, [400, 12]),
        (lambda rows: rows["money"].clip(50, 200).sum(), 350, [300, 50]),
        (lambda rows: rows["money"].isin([5, 100]).sum(), 2, [1, 1]),
        (lambda rows: rows["money"].between(5, 100).sum(), 2, [1, 1]),
        (lambda rows: len(rows), 4, [2, 2]),
        (lambda rows: len(rows[rows["is_won"]]), 3, [2, 1]),
        (lambda rows: rows[rows["is_won"]]["money"].min(), 5, [100, 5]),
        (lambda rows: rows["money"].sum() / rows["is_won"].sum(), 135, [200, 5]),
        (lambda rows: (rows["money"] >= 100).sum(), 2, [2, 0]),
        (lambda rows: (rows["money"] > rows["money"].mean()).sum(), 1, [1, 0]),
        (lambda rows: rows["money"].quantile(0.75), 200, [250, 5]),
        (lambda rows: 3, 3, [3, 3]),
    ],
)
def test_a_natural_body_works_whole_and_in_groups(body, whole, groups):
    assert of_all(body) == whole
    assert of_each(body) == groups


def test_a_ratio_of_lengths_is_one_per_group():
    def body(rows):
        return Ratio(len(rows[rows["is_won"]]), len(rows))

    assert of_all(body) == Ratio(3, 4)
    in_groups = evaluate(body, ROWS, ANNAS_AND_BORISS)
    assert (in_groups.k.tolist(), in_groups.n.tolist()) == ([2, 1], [2, 2])


def test_what_is_divided_by_nothing_is_missing():
    def body(rows):
        return rows["money"].sum() / rows["money"][rows["money"] > 200].count()

    assert of_all(body) == 405
    assert of_each(body) == [400, pytest.approx(np.nan, nan_ok=True)]
    assert np.isnan(evaluate(lambda rows: rows["money"].sum() / 0, ROWS))
    assert np.isnan(ratio(np.array([1.0, 0.0]), np.array([2, 0]))).tolist() == [False, True]


def test_nothing_is_summed_to_nothing_and_has_no_mean():
    nothing = Columns(0, {"money": np.zeros(0)})
    assert evaluate(lambda rows: rows["money"].sum(), nothing) == 0
    assert np.isnan(evaluate(lambda rows: rows["money"].mean(), nothing))


def test_texts_are_counted_and_compared():
    names = Columns(3, {"name": categorical(np.array([0, 1, 0]), ["web", "call"])})
    apart = Groups(np.array([0, 0, 1]), 2)
    assert evaluate(lambda rows: rows["name"].nunique(), names, apart).tolist() == [2, 1]
    assert evaluate(lambda rows: (rows["name"] == "web").sum(), names, apart).tolist() == [1, 1]


def test_the_fields_of_a_body_are_found_by_running_it():
    assert fields_of(lambda rows: Ratio(rows["a"][rows["b"] > 1].sum(), len(rows[rows["c"].isin(["x"])]))) == (
        "a",
        "b",
        "c",
    )


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (lambda rows: rows["a"].cumsum(), r"can't say \.cumsum; near: sum"),
        (lambda rows: rows["a"].sum() if rows["a"].sum() > 0 else 0, "write .where"),
        (lambda rows: sum(rows["a"]), "row by row"),
        (lambda rows: rows["a"], "gives a number, a Ratio or a Sample, not Field"),
        (lambda rows: rows["a"][3], "taken by a condition"),
        (lambda rows: (rows["a"] + rows["a"][rows["b"] > 1]).sum(), "of the same rows"),
    ],
)
def test_what_no_metric_can_say_is_refused_where_it_is_defined(body, words):
    body.__name__, body.__doc__ = "own", "Of one's own."
    with pytest.raises(MetricError, match=rf"metric 'own' can't be measured: .*{words}"):
        metric(title="Own", unit="number", formula="own", on="events")(body)
    assert "own" not in METRICS


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"fields": ["won_money"]}, "leave fields= out of @metric: the fields are found by running the body once"),
        ({"formla": "own"}, "@metric takes no formla=; near: formula"),
        ({"unit": "percent"}, "metric 'own' has unit='percent'; write one of count, money, share, "),
        ({"good": "higher"}, "metric 'own' has good='higher'; write one of up, down, none"),
    ],
)
def test_a_keyword_that_a_metric_does_not_take_is_refused_with_what_to_write(keywords, words):
    def own(events):
        """Of one's own."""
        return events["won_money"].sum()

    with pytest.raises(MetricError, match=f"^{re.escape(words)}"):
        metric(**{"title": "Own", "unit": "number", "formula": "own", "on": "events"} | keywords)(own)
    assert "own" not in METRICS


def test_a_field_that_the_rows_have_not_is_named_with_those_that_are_near():
    with pytest.raises(MetricError, match="no field 'mony'; near: money"):
        of_all(lambda rows: rows["mony"].sum())


def test_a_metric_of_an_analyst_serves_the_tile_and_the_table(tmp_path):
    """The one that the notebook's last cell proposes."""

    @metric(title="Big deals", unit="count", good="up", formula="of 1 000 and more", on="events")
    def big_deals(events):
        """How many large deals came."""
        return (events["created_money"] >= 1000).sum()

    try:
        ds = dataset(tmp_path, deals=[
            deal(1, "2025-03-01", amount=1000.0), deal(2, "2025-03-01", amount=999.0), deal(3, "2025-03-01", amount=None),
            deal(4, "2025-03-01", amount=5000.0, manager_id="2"),
        ])  # fmt: skip
        assert value_of(ds, "big_deals") == 2
        assert measure(ds, ["big_deals"], by="manager")["big_deals"].tolist() == [1, 1]
    finally:
        METRICS.pop("big_deals")


def test_a_count_that_nobody_can_give_is_missing_and_one_of_halves_is_no_whole_number(tmp_path):
    def largest(events):
        """The largest amount that came."""
        return events["created_money"].max()

    def halves(events):
        """Half of the deals that came."""
        return events["is_created"].sum() / 2

    try:
        for body in (largest, halves):
            metric(title=body.__name__, unit="count", formula="…", on="events")(body)
        ds = dataset(tmp_path, deals=[
            deal(1, "2025-03-01", amount=1000.0), deal(2, "2025-03-01", amount=None, manager_id="2"),
        ])  # fmt: skip
        table = measure(ds, ["largest", "halves"], by="manager", total=True)
        assert table["largest"].fillna(-1).tolist() == [1000, -1, 1000]
        assert table["halves"].tolist() == [0.5, 0.5, 1]
    finally:
        METRICS.pop("largest"), METRICS.pop("halves")


# ── Any body: what it says in groups is what plain pandas says of each group's rows ──────────────────────────────────

NUMBERS = st.sampled_from(["0", "1", "2.5", "-3", "10"])
NUMERIC = st.sampled_from(["rows['x']", "rows['y']", "rows['n']"])


def _masks(fields: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    simple = st.one_of(
        st.just("rows['b']"),
        st.builds("({} {} {})".format, fields, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), NUMBERS | fields),
        st.builds("{}.isin([{}, {}])".format, fields, NUMBERS, NUMBERS),
        st.builds("{}.between({}, {})".format, fields, NUMBERS, NUMBERS),
        st.builds("{}.notna()".format, fields),
        st.builds("(rows['t'] == {})".format, st.sampled_from(["'a'", "'b'", "'nowhere'"])),
    )
    return st.one_of(simple, st.builds("({} & {})".format, simple, simple), st.builds("(~{})".format, simple))


def _derived(fields: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({} {} {})".format, fields, st.sampled_from("+-*"), fields | NUMBERS),
        st.builds("{}.abs()".format, fields),
        st.builds("{}.round(1)".format, fields),
        st.builds("{}.clip(-2, 4)".format, fields),
        st.builds("{}.fillna({})".format, fields, NUMBERS),
        st.builds("{}.where({}, {})".format, fields, _masks(NUMERIC), NUMBERS),
        st.builds("{}.where({})".format, fields, _masks(NUMERIC)),
        st.builds("({} - {}.mean())".format, fields, fields),
    )


FIELDS = st.recursive(NUMERIC, _derived, max_leaves=4)
TAKEN = FIELDS | st.builds("{}[{}]".format, FIELDS, _masks(FIELDS)) | st.builds("rows[{}]['x']".format, _masks(FIELDS))
WORDS = st.sampled_from(
    [*(f"{word}()" for word in SUMMARIES if word not in ("all", "any", "quantile")), "quantile(0.25)"]
)
COUNTED = st.one_of(
    st.builds("{}.{}".format, TAKEN, WORDS),
    st.builds("len({})".format, st.just("rows") | TAKEN | st.builds("rows[{}]".format, _masks(FIELDS))),
    st.builds("{}.sum()".format, _masks(FIELDS)),
    st.just("rows['t'].nunique()"),
)
BODIES = st.recursive(
    COUNTED,
    lambda parts: st.one_of(
        st.builds("({} {} {})".format, parts, st.sampled_from("+-*"), parts | NUMBERS),
        st.builds("divided({}, {})".format, parts, parts | NUMBERS),
    ),
    max_leaves=3,
)
TABLES = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.sampled_from([float("nan"), 0.0, 1.0, 2.5, -3.0, 10.0]),
        st.sampled_from([float("nan"), 0.0, 2.0, -1.5]),
        st.integers(-2, 3),
        st.booleans(),
        st.sampled_from("abc"),
    ),
    max_size=14,
)


def _plainly(body: str, frame: pd.DataFrame) -> float:
    """What the body says of the frame in pandas; missing where it divides by nothing."""

    def divided(k, n):
        return float("nan") if n == 0 else k / n

    return float(eval(body, {"rows": frame, "divided": divided}))


@settings(max_examples=400)
@given(BODIES, TABLES)
def test_any_body_says_of_each_group_what_pandas_says_of_its_rows_alone(body, table):
    frame = pd.DataFrame(table, columns=["group", "x", "y", "n", "b", "t"])
    frame = frame.astype({"x": float, "y": float, "n": int, "b": bool, "t": object})
    made = {name: frame[name].to_numpy() for name in "xynb"} | {"t": categorical(*pd.factorize(frame["t"]))}
    ids, codes = np.unique(frame["group"], return_inverse=True)

    def ours(rows):
        return eval(body, {"rows": rows, "divided": truediv})

    with np.errstate(all="ignore"):
        whole, alone = _plainly(body, frame), [_plainly(body, frame[frame["group"] == id]) for id in ids]
    columns = Columns(len(frame), made)
    assert evaluate(ours, columns) == pytest.approx(whole, nan_ok=True)
    assert evaluate(ours, columns, Groups(codes, len(ids))).tolist() == pytest.approx(alone, nan_ok=True)


def test_the_words_are_pandas_own():
    assert {word for word in (*ROW_BY_ROW, *SUMMARIES) if not hasattr(pd.Series, word)} == set()
    assert Rows(ROWS)["money"].sum().values.tolist() == [405]


def test_the_halves_of_a_ratio_are_the_very_numbers_that_its_body_gave():
    won, closed = np.array([1.0, 2.0]), np.array([4.0, 4.0])
    halves = by_half(Ratio(won, closed), lambda numbers: numbers)
    assert (halves.k is won, halves.n is closed) == (True, True)
