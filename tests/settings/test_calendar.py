"""Which days a company works."""

from datetime import date

import pytest

from crm_reports.errors import SettingsError
from crm_reports.settings import Calendar, Settings


def days(calendar: Calendar, month: str) -> int:
    """Working days of a month such as 2025-01."""
    year, number = map(int, month.split("-"))
    return calendar.working_days(date(year, number, 1), date(year + number // 12, number % 12 + 1, 1))


def test_a_russian_january_and_may_are_short_as_the_decree_has_it():
    russia = Calendar("RU")
    assert [days(russia, month) for month in ("2025-01", "2025-05", "2026-01", "2025-03")] == [17, 18, 15, 21]


def test_a_saturday_that_is_worked_for_a_monday_off_is_a_working_day():
    russia = Calendar("RU")
    assert (russia.is_working(date(2024, 4, 27)), russia.is_working(date(2024, 4, 29))) == (True, False)


def test_a_leap_day_is_a_day_like_any_other():
    assert (days(Calendar("RU"), "2024-02"), days(Calendar("US"), "2024-02")) == (
        20,
        20,
    )  # 21 Mondays to Fridays, one a holiday
    assert Calendar("RU").working_days(date(2024, 2, 29), date(2024, 3, 1)) == 1


def test_own_days_off_come_on_top_of_the_country_s_and_one_that_is_off_anyway_counts_once():
    assert days(Calendar("RU", (date(2025, 3, 31), date(2025, 3, 8))), "2025-03") == 20


def test_nobody_works_in_no_days_at_all():
    assert Calendar("RU").working_days(date(2025, 3, 1), date(2025, 3, 1)) == 0


@pytest.mark.parametrize(
    ("country", "time_zone", "whose"),
    [
        ("", "Europe/Moscow", "RU"), ("", "Asia/Almaty", "KZ"), ("", "Asia/Calcutta", "IN"), ("", "UTC", ""),
        ("DE-BY", "Europe/Moscow", "DE-BY"), ("none", "Europe/Moscow", ""),
    ],
)  # fmt: skip
def test_the_country_is_the_one_that_is_named_else_the_one_whose_time_it_is(country, time_zone, whose):
    assert Calendar.of(country, time_zone).country == whose


def test_a_region_has_holidays_of_its_own():
    epiphany = date(2025, 1, 6)  # a Monday
    assert (Calendar("DE").is_working(epiphany), Calendar("DE-BY").is_working(epiphany)) == (True, False)


@pytest.mark.parametrize(
    ("country", "year", "gap"),
    [
        ("RU", 2025, ""), ("US", 2040, ""),
        ("RU", 2040, "Days off that are moved by decree are known up to 2027."),
        ("RU", 1985, "Public holidays of 1985 are not known: working days are Monday to Friday there."),
        ("", 2025, "Working days are Monday to Friday: public holidays are not known; name the `country` in reports.toml."),
    ],
)  # fmt: skip
def test_what_is_not_known_of_a_year_is_said(country, year, gap):
    assert Calendar(country).gaps(date(year, 1, 1), date(year + 1, 1, 1)) == gap


def test_reports_toml_names_the_country_and_own_days_off(tmp_path):
    path = tmp_path / "reports.toml"
    path.write_text('country = "de-by"\ndays_off = [2025-03-31]\n')
    assert Settings.read(path).calendar == Calendar("DE-BY", (date(2025, 3, 31),))


def test_a_country_that_nobody_knows_and_a_day_that_is_none_are_refused_with_what_is_allowed(tmp_path):
    path = tmp_path / "reports.toml"
    path.write_text('country = "Russia"\ndays_off = ["Easter"]\n')
    with pytest.raises(SettingsError) as caught:
        Settings.read(path)
    country, day_off = str(caught.value).splitlines()
    assert country.startswith(
        "reports.toml, line 1: country is 'Russia'; allowed: a country's two letters such as 'RU'"
    )
    assert day_off == "reports.toml, line 2: days_off is 'Easter'; allowed: a list of dates such as 2025-12-31"
