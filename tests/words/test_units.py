import math
from datetime import date
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_reports.words import texts, units

N = units.SPACE


@pytest.fixture(autouse=True)
def _roubles_in_moscow():
    units.use(currency="RUB", zone=ZoneInfo("Europe/Moscow"))
    yield
    units.use()


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NaT, pd.NA, float("inf")])
@pytest.mark.parametrize("unit", ["money", "share", "days", "count", "index", "number", "date", "instant", "text"])
def test_what_is_missing_is_a_dash_and_never_a_zero(missing, unit):
    assert units.write(missing, unit) == "—"


@pytest.mark.parametrize(
    ("value", "unit", "form", "said"),
    [
        (8_712_500, "money", "text", "8 712 500 ₽"),
        (8_712_500, "money", "cell", "8 712 500"),
        (8_712_500, "money", "tile", "8.7 M ₽"),
        (3_100_000, "money", "axis", "3.1 M"),
        (223_400, "money", "tile", "223 k ₽"),
        (999_960, "money", "tile", "1 M ₽"),
        (-50_000, "money", "tile", "−50 k ₽"),
        (0, "money", "text", "0 ₽"),
        (12.5, "money", "text", "12.5 ₽"),
        (0.109, "share", "text", "10.9 %"),
        (1, "share", "text", "100 %"),
        (0.5, "share", "cell", "50.0"),
        (17.2, "days", "text", "17 days"),
        (1, "days", "text", "1 day"),
        (2.53, "days", "text", "2.5 days"),
        (17.2, "days", "cell", "17"),
        (2252, "count", "tile", "2 252"),
        (7.44, "index", "text", "7.4"),
        ("Ромашка", "text", "text", "Ромашка"),
        ("2025-03-12", "date", "text", "12 Mar 2025"),
        # 21:00 in Greenwich is midnight in Moscow
        ("2025-03-12T21:00:00Z", "instant", "text", "13 Mar 2025, 00:00"),
        ("2025-03-12T21:00:00Z", "instant", "cell", "13 Mar 2025"),
    ],
)
def test_a_value_is_written_as_its_reader_expects(value, unit, form, said):
    assert units.write(value, unit, form=form) == said.replace(" ", N) or units.write(value, unit, form=form) == said


@pytest.mark.parametrize(
    ("value", "unit", "form", "said"),
    [
        (8_712_500, "money", "tile", "8,7 млн ₽"),
        (223_400, "money", "tile", "223 тыс. ₽"),
        (0.109, "share", "text", "10,9 %"),
        (1, "days", "text", "1 день"),
        (2, "days", "text", "2 дня"),
        (2.5, "days", "text", "2,5 дня"),
        (17, "days", "text", "17 дней"),
    ],
)
def test_russian_has_its_own_signs_words_and_plurals(value, unit, form, said):
    with texts.speaking("ru"):
        assert units.write(value, unit, form=form).replace(N, " ") == said


def test_the_number_and_its_unit_come_apart_for_a_tile():
    assert units.parts(8_712_500, "money") == ("8.7", f"M{N}₽")
    assert units.parts(float("nan"), "money") == ("—", "")


def test_another_currency_is_written_with_its_own_sign():
    assert units.write(100, "money", currency="USD").replace(N, " ") == "100 $"
    assert units.write(100, "money", currency="XYZ").replace(N, " ") == "100 XYZ"


def test_a_rate_says_k_of_n_and_few_are_called_few():
    assert units.k_of_n(5, 48) == "5 of 48"
    assert units.k_of_n(float("nan"), 48) == ""
    assert (units.is_few(19), units.is_few(20), units.is_few(None)) == (True, False, False)


@pytest.mark.parametrize(
    ("change", "said"), [(0.18, "▲ 18 %"), (-0.041, "▼ 4 %"), (0.001, "= 0 %"), (float("nan"), "")]
)
def test_a_change_has_its_sign(change, said):
    assert units.change(change).replace(N, " ") == said


@pytest.mark.parametrize(
    ("size", "said", "short"),
    [("week", "week of 10 Mar 2025", "10 Mar"), ("month", "Mar 2025", "Mar"), ("quarter", "Q1 2025", "Q1"),
     ("year", "2025", "2025")],
)  # fmt: skip
def test_a_period_is_named_by_its_size(size, said, short):
    start = date(2025, 3, 10)
    assert (units.period(size, start), units.period(size, start, form="axis")) == (said, short)


def test_an_axis_counts_in_the_unit_that_its_values_need():
    assert units.axis("money", [3_100_000, float("nan")]) == units.Axis(1_000_000, f"M{N}₽", ",~f")
    assert units.axis("share", [0.4]).scale == 0.01
    assert units.axis("count", [400]).scale == 1
    assert units.axis("money", []).title == "₽"


def test_a_workbook_has_number_formats():
    assert units.excel_format("money") == '#,##0\\ "₽"'
    assert units.excel_format("share") == "0.0%"
    assert units.excel_format("text") == "General"


@given(st.floats(-1e15, 1e15))
def test_money_in_full_can_be_read_back_to_the_unit(value):
    said = units.write(value, "money", form="cell").replace(N, "").replace(units.MINUS, "-")
    assert math.isclose(float(said), value, abs_tol=0.5)


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(["money", "share", "days", "count", "index"]))
def test_no_number_breaks_a_tile(value, unit):
    assert units.write(value, unit, form="tile")
