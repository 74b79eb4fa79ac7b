"""Periods, instants and names as people type them, and what a report says about them."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from crm_reports.errors import FilterError
from crm_reports.filters import Choice, Choices, Filters, Period, first_instant, parse_as_of, parse_period
from crm_reports.words.texts import speaking

MOSCOW = ZoneInfo("Europe/Moscow")
TODAY = date(2025, 6, 18)  # a Wednesday
MIDNIGHT = datetime(2025, 6, 17, 21, tzinfo=UTC)  # of TODAY in Moscow, UTC+3

KNOWN = Choices(
    pipeline=(Choice("0", "Sales"), Choice("3", "Long deals"), Choice("5", "3")),
    department=(
        Choice("1", "Company"),
        Choice("2", "North", parent_id="1"),
        Choice("4", "North-East", parent_id="2"),
        Choice("3", "South", parent_id="1"),
    ),
    manager=(
        Choice("7", "Пётр Семёнов"),
        Choice("8", "Anna Orlova", hint="North"),
        Choice("9", "Anna Orlova", hint="South"),
        Choice("10", "Smith, John"),
        Choice("12", "Ivan Petrov"),
    ),
    source=(Choice("WEB", "Web site"), Choice("web", "Cold base"), Choice("Партнёр № 1", "Партнёр № 1")),
)


def parse(known: Choices = KNOWN, **typed: object) -> Filters:
    return Filters.parse(known, **({"zone": MOSCOW, "default_as_of": MIDNIGHT} | typed))


def ids(choices: tuple[Choice, ...]) -> list[str]:
    return [each.id for each in choices]


def refused(**typed: object) -> str:
    with pytest.raises(FilterError) as caught:
        parse(**typed)
    return str(caught.value)


# Periods


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2024-12-01..2025-03-13", "2024-12-01", "2025-03-13"),
        ("2024-12-01 - 2025-03-13", "2024-12-01", "2025-03-13"),
        ("2024-12-01-2025-03-13", "2024-12-01", "2025-03-13"),
        ("2024-12-01…2025-03-13", "2024-12-01", "2025-03-13"),
        ("2024-12-01 — 2025-03-13", "2024-12-01", "2025-03-13"),
        ("01.12.2024-13.03.2025", "2024-12-01", "2025-03-13"),
        ("1.12.2024..13.3.2025", "2024-12-01", "2025-03-13"),
        ("с 01.12.2024 по 13.03.2025", "2024-12-01", "2025-03-13"),
        ("from 2024-12-01 to 2025-03-13", "2024-12-01", "2025-03-13"),
        ("2025-03-13", "2025-03-13", "2025-03-13"),
        ("13.03.2025", "2025-03-13", "2025-03-13"),
        ("2025-02", "2025-02-01", "2025-02-28"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("02.2025", "2025-02-01", "2025-02-28"),
        ("March 2025", "2025-03-01", "2025-03-31"),
        ("март 2025", "2025-03-01", "2025-03-31"),
        ("Май 2025 г.", "2025-05-01", "2025-05-31"),
        ("2025-Q1", "2025-01-01", "2025-03-31"),
        ("q4 2024", "2024-10-01", "2024-12-31"),
        ("2 квартал 2025 года", "2025-04-01", "2025-06-30"),
        ("2025-W09", "2025-02-24", "2025-03-02"),
        ("2020-W53", "2020-12-28", "2021-01-03"),
        ("2025", "2025-01-01", "2025-12-31"),
        ("2024 год", "2024-01-01", "2024-12-31"),
        ("2025-01..2025-03", "2025-01-01", "2025-03-31"),
        ("2024-2025", "2024-01-01", "2025-12-31"),
        ("2025-01..", "2025-01-01", "2025-06-17"),
        ("с 01.01.2025", "2025-01-01", "2025-06-17"),
        ("..2025-03", "1900-01-01", "2025-03-31"),
        ("2025-05..yesterday", "2025-05-01", "2025-06-17"),
        ("all", "1900-01-01", "2025-06-17"),
        ("", "1900-01-01", "2025-06-17"),
        ("за все время", "1900-01-01", "2025-06-17"),
        ("today", "2025-06-18", "2025-06-18"),
        ("Сегодня", "2025-06-18", "2025-06-18"),
        ("yesterday", "2025-06-17", "2025-06-17"),
        ("вчера", "2025-06-17", "2025-06-17"),
        ("this_week", "2025-06-16", "2025-06-22"),
        ("wtd", "2025-06-16", "2025-06-22"),
        ("last_week", "2025-06-09", "2025-06-15"),
        ("прошлая неделя", "2025-06-09", "2025-06-15"),
        ("this_month", "2025-06-01", "2025-06-30"),
        ("MTD", "2025-06-01", "2025-06-30"),
        ("с начала месяца", "2025-06-01", "2025-06-30"),
        ("June", "2025-06-01", "2025-06-30"),
        ("август", "2024-08-01", "2024-08-31"),
        ("13 March 2025", "2025-03-13", "2025-03-13"),
        ("13 марта", "2025-03-13", "2025-03-13"),
        ("29 Feb", "2024-02-29", "2024-02-29"),
        ("January to 13 March", "2025-01-01", "2025-03-13"),
        ("с января по 13 марта", "2025-01-01", "2025-03-13"),
        ("1 Nov. - 13 Mar 2024", "2023-11-01", "2024-03-13"),
        ("Last month", "2025-05-01", "2025-05-31"),
        ("last-month", "2025-05-01", "2025-05-31"),
        ("прошлый месяц", "2025-05-01", "2025-05-31"),
        ("за прошлый месяц", "2025-05-01", "2025-05-31"),
        ("this quarter", "2025-04-01", "2025-06-30"),
        ("этот квартал", "2025-04-01", "2025-06-30"),
        ("текущий год", "2025-01-01", "2025-12-31"),
        ("ytd", "2025-01-01", "2025-12-31"),
        ("last_quarter", "2025-01-01", "2025-03-31"),
        ("last_year", "2024-01-01", "2024-12-31"),
        ("last 90 days", "2025-03-20", "2025-06-17"),  # 12 in March + 30 + 31 + 17
        ("последние 90 дней", "2025-03-20", "2025-06-17"),
        ("last_2_weeks", "2025-06-02", "2025-06-15"),
        ("last_3_months", "2025-03-01", "2025-05-31"),
        ("за последние 3 месяца", "2025-03-01", "2025-05-31"),
        ("last_12_months", "2024-06-01", "2025-05-31"),
        ("last_4_quarters", "2024-04-01", "2025-03-31"),
        ("last_2_years", "2023-01-01", "2024-12-31"),
    ],
)
def test_a_period_is_understood_as_people_type_it(text, first, last):
    period = parse_period(text, TODAY)
    assert (str(period.start), str(period.last_day)) == (first, last)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("someday", "period 'someday' is not understood; write a day"),
        ("31 february", "period '31 february' names no day of the calendar"),
        ("31 июня 2025", "period '31 июня 2025' names no day of the calendar"),
        ("junk", "period 'junk' is not understood"),
        ("lst_month", "near: last_month"),
        ("last mnth", "near: last_month"),
        ("2025-02-30", "names no day of the calendar"),
        ("2025-13", "names no day of the calendar"),
        ("2025-00", "names no day of the calendar"),
        ("2025-Q5", "names no day of the calendar"),
        ("2025-Q0", "names no day of the calendar"),
        ("2025-W54", "names no day of the calendar"),
        ("last_9999_years", "names no day of the calendar"),
        ("2025-03..2025-01", "is 2025-03-01..2025-01-31, which holds no day; put the earlier day first"),
        ("2026..", "is 2026-01-01..2025-06-17, which holds no day"),
        ("last_0_days", "holds no day"),
        ("1812", "is not between the years 1900 and 2100"),
        ("2025..2200", "is not between the years 1900 and 2100"),
        ("2025-01..2025-02..2025-03", "is not understood"),
        ("quarter 2025", "is not understood"),
        ("-", "is not understood"),
        ("2025-01-", "is not understood"),
    ],
)
def test_what_is_no_period_is_told_with_what_is(text, told):
    with pytest.raises(FilterError) as caught:
        parse_period(text, TODAY)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_one_period_has_one_spelling():
    spelled = ["Last month", "прошлый месяц", "LAST-MONTH", "last_1_months"]
    assert {parse_period(text, TODAY).text for text in spelled} == {"last_month"}
    assert parse_period("01.12.2024 — 13.03.2025", TODAY).text == "2024-12-01..2025-03-13"


def test_a_year_that_a_command_line_made_a_number_is_a_year():
    assert parse(period=2024).period == Period(date(2024, 1, 1), date(2025, 1, 1))


def test_a_day_may_be_given_as_a_date():
    assert parse(period=date(2025, 3, 1)).period == Period(date(2025, 3, 1), date(2025, 3, 2))


# Instants


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2025-06-30", "2025-06-29T21:00:00+00:00"),
        ("30.06.2025", "2025-06-29T21:00:00+00:00"),
        ("2025-06-30T18:00", "2025-06-30T15:00:00+00:00"),
        ("2025-06-30 18:00:30", "2025-06-30T15:00:30+00:00"),
        ("2025-06-30T18:00Z", "2025-06-30T18:00:00+00:00"),
        ("2025-06-30T18:00+07:00", "2025-06-30T11:00:00+00:00"),
    ],
)
def test_as_of_is_a_local_midnight_or_an_instant(text, utc):
    assert parse_as_of(text, MOSCOW).isoformat() == utc


def test_nothing_typed_is_the_default_instant():
    assert parse(as_of="").as_of == parse(as_of=None).as_of == MIDNIGHT
    assert parse(as_of=date(2025, 6, 30)).as_of == datetime(2025, 6, 29, 21, tzinfo=UTC)


@pytest.mark.parametrize("text", ["30 June", "0001-01-01", "2500-01-01", "1900-01-01", "2025-06-31", "31.06.2025", "x"])
def test_what_is_no_instant_is_told(text):
    assert f"as_of {text!r} is not understood; write a day or an instant between 1901 and 2100" in refused(as_of=text)


@pytest.mark.parametrize(
    ("day", "zone", "utc"),
    [
        ("2025-03-30", "Europe/Berlin", "2025-03-29T23:00"),  # clocks jump at 02:00: midnight is there
        ("2025-10-26", "Europe/Berlin", "2025-10-25T22:00"),
        ("2018-11-04", "America/Sao_Paulo", "2018-11-04T03:00"),  # 00:00 to 01:00 do not exist
        ("2025-11-02", "America/Havana", "2025-11-02T04:00"),  # 00:00 comes twice: the first
        ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00"),  # this day does not exist: the next one's beginning
        ("2011-12-31", "Pacific/Apia", "2011-12-30T10:00"),
    ],
)
def test_a_day_begins_at_its_first_instant(day, zone, utc):
    assert first_instant(date.fromisoformat(day), ZoneInfo(zone)).isoformat().startswith(utc)


def test_a_local_time_that_comes_twice_is_the_first_and_one_that_does_not_exist_goes_on():
    berlin = ZoneInfo("Europe/Berlin")
    assert parse_as_of("2025-10-26T02:30", berlin) == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert parse_as_of("2025-03-30T02:30", berlin) == datetime(2025, 3, 30, 1, 30, tzinfo=UTC)


def test_today_is_the_local_day_of_as_of():
    # 22:00 UTC on 31 May is 1 June in Moscow, so last month is May.
    assert parse(period="last_month", as_of="2025-05-31T22:00Z").period.start == date(2025, 5, 1)


# Elapsed, compared


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2025-03", "2025-02-01", "2025-02-28"),
        ("last_month", "2025-04-01", "2025-04-30"),
        ("2025-01", "2024-12-01", "2024-12-31"),
        ("2024-Q2", "2024-01-01", "2024-03-31"),  # 91 days beside 91 of a leap year
        ("last_quarter", "2024-10-01", "2024-12-31"),
        ("2025", "2024-01-01", "2024-12-31"),  # running: 168 days of 2025, see below
        ("last_year", "2023-01-01", "2023-12-31"),
        ("2025-W09", "2025-02-17", "2025-02-23"),
        ("2025-03-01..2025-03-31", "2025-02-01", "2025-02-28"),  # a month, however it is typed
        ("2025-01..2025-03", "2024-10-01", "2024-12-31"),  # a quarter
        ("2025-03-02..2025-03-31", "2025-01-31", "2025-03-01"),  # thirty days, and thirty before
        ("last_30_days", "2025-04-19", "2025-05-18"),
        ("2025-03-13", "2025-03-12", "2025-03-12"),
        ("last_3_months", "2024-11-29", "2025-02-28"),  # 92 days: no whole of the calendar
    ],
)
def test_a_whole_of_the_calendar_is_compared_with_the_one_before_and_other_days_with_as_many(period, first, last):
    filters = parse(period=period)
    if filters.is_running:
        last = str(date.fromisoformat(first) + timedelta(days=filters.elapsed.days - 1))
    assert (str(filters.previous.start), str(filters.previous.last_day)) == (first, last)


def test_a_rolling_span_that_happens_to_fill_a_month_is_compared_with_as_many_days():
    filters = parse(period="last_30_days", as_of="2025-05-01")  # all of April
    assert filters.previous == Period(date(2025, 3, 2), date(2025, 4, 1))


def test_stocks_are_compared_as_long_after_the_end_of_the_period_before():
    filters = parse(period="2025-03")
    assert (filters.is_running, filters.elapsed) == (False, filters.period)
    assert filters.as_of_before == datetime(
        2025, 5, 17, 21, tzinfo=UTC
    )  # 18 June: 78 days after March; 18 May: after February


def test_a_running_period_is_compared_with_the_days_gone_by():
    filters = parse(period="this_month")  # 17 of 30 days
    assert filters.is_running
    assert filters.elapsed == Period(date(2025, 6, 1), date(2025, 6, 18))
    assert filters.previous == Period(date(2025, 5, 1), date(2025, 5, 18))  # the first 17 days of May
    assert filters.as_of_before == datetime(2025, 5, 17, 21, tzinfo=UTC)  # where those days end


def test_a_month_that_runs_longer_than_the_one_before_is_compared_with_all_of_that():
    filters = parse(period="2025-03", as_of="2025-03-31")  # 30 days have gone by
    assert filters.previous == Period(date(2025, 2, 1), date(2025, 3, 1))
    assert filters.as_of_before == datetime(2025, 2, 28, 21, tzinfo=UTC)


def test_the_months_of_a_quarter_stand_beside_those_of_the_quarter_before():
    filters = parse(period="2025-Q2")
    days = [date(2025, 4, 1), date(2025, 5, 1), date(2025, 6, 1), date(2025, 4, 7)]
    beside = [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1), date(2025, 1, 7)]
    assert [filters.beside(day) for day in days] == beside


def test_a_period_without_a_beginning_begins_with_the_first_row():
    everything = parse(period="all")
    assert everything.starting(date(1966, 5, 3)).period == Period(date(1966, 5, 3), date(2025, 6, 18))
    assert everything.starting(date(1, 1, 1)).period.start == date(1900, 1, 1)
    assert (
        everything.starting(None).period
        == everything.starting(date(2030, 1, 1)).period
        == Period(date(2025, 6, 17), date(2025, 6, 18))
    )
    assert parse(period="..2025-03").starting(date(2024, 2, 1)).period == Period(date(2024, 2, 1), date(2025, 4, 1))
    assert parse(period="2025-03").starting(date(2025, 3, 9)).period.start == date(2025, 3, 1)


def test_a_day_of_1900_is_a_day():
    assert parse(period="1900").period.start == date(1900, 1, 1)
    assert "between the years 1900 and 2100" in refused(period="1899")


def test_a_day_that_has_begun_counts_as_gone_by():
    filters = parse(period="this_month", as_of="2025-06-18T12:00")
    assert filters.elapsed.last_day == date(2025, 6, 18)
    assert filters.previous == Period(date(2025, 5, 1), date(2025, 5, 19))
    assert filters.as_of_before == datetime(2025, 5, 18, 9, tzinfo=UTC)  # noon of the 18th of May


def test_a_year_ago_are_the_same_dates():
    filters = parse(period="2025-03", comparison="year_ago")
    assert filters.previous == Period(date(2024, 3, 1), date(2024, 4, 1))
    assert filters.as_of_before == datetime(2024, 6, 17, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        ("2024-02", "2023-02-01", "2023-02-28"),
        ("2025-02", "2024-02-01", "2024-02-29"),
        ("2024-02-29", "2023-02-28", "2023-02-28"),
        ("2024-02-01..2024-02-28", "2023-02-01", "2023-02-28"),
        ("2024-03", "2023-03-01", "2023-03-31"),
    ],
)
def test_a_year_before_a_leap_day_february_stays_february(period, first, last):
    before = parse(period=period, comparison="year_ago").previous
    assert (str(before.start), str(before.last_day)) == (first, last)


def test_a_running_year_is_compared_with_as_many_days_of_the_year_before():
    before = parse(period="ytd", comparison="year_ago").previous  # 168 days: 31+28+31+30+31+17
    assert before == Period(date(2024, 1, 1), date(2024, 6, 17))  # 31+29+31+30+31+16 = 168


@pytest.mark.parametrize("period", ["all", "..2025-03", "today", "2030"])
def test_what_has_nothing_before_it_or_nothing_gone_by_is_compared_with_nothing(period):
    filters = parse(period=period)
    assert (filters.previous, filters.as_of_before) == (None, None)


def test_no_comparison_is_wanted():
    assert parse(comparison="none").previous is None


def test_stocks_are_compared_as_long_before_as_the_period_is():
    assert parse(period="2025-03").as_of_before == datetime(2025, 5, 17, 21, tzinfo=UTC)


def test_instants_of_the_period_follow_the_clocks():
    first, second = (parse(period=f"2025-03-{day}", zone=ZoneInfo("Europe/Berlin")).start_at for day in (30, 31))
    assert second - first == timedelta(hours=23)


# Names


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("7", ["7"]),
        (7, ["7"]),
        ("петр  СЕМЕНОВ", ["7"]),
        (["Ivan Petrov", 7], ["7", "12"]),
        ({"12", "7"}, ["7", "12"]),
        (("7", "Пётр Семёнов"), ["7"]),
        ("Ivan Petrov, Пётр Семёнов", ["7", "12"]),
        ("7,12", ["7", "12"]),
        ("Smith, John", ["10"]),
        ("Ivan Petrov, Smith, John,9", ["9", "10", "12"]),
        ("", []),
        (None, []),
        ([], []),
        (["", None], []),
    ],
)
def test_people_are_found_by_id_or_name_one_or_several(typed, found):
    assert ids(parse(manager=typed).manager) == found


def test_a_name_of_several_asks_for_the_id():
    assert refused(manager="anna orlova") == (
        "manager 'anna orlova' is the name of several; give one's ID: "
        "Anna Orlova (ID 8, North), Anna Orlova (ID 9, South)"
    )


def test_an_unknown_name_lists_the_near_ones():
    assert refused(manager="Ivan Petrow") == "manager 'Ivan Petrow' is not known; near: Ivan Petrov (ID 12)"
    assert refused(manager="Orlova").endswith("near: Anna Orlova (ID 8, North), Anna Orlova (ID 9, South)")
    assert "there are, for example: Sales (ID 0), Long deals (ID 3), 3 (ID 5)" in refused(pipeline="Qwxyz")
    assert refused(known=Choices(), source="x") == "source 'x' is not known: the data names none"


def test_in_a_list_only_the_unknown_one_is_told():
    assert refused(manager="7, Ivan Petrow") == "manager 'Ivan Petrow' is not known; near: Ivan Petrov (ID 12)"


def test_a_text_that_is_an_id_and_a_name_means_the_id():
    assert [each.name for each in parse(pipeline="3").pipeline] == ["Long deals"]


def test_ids_differ_in_case():
    assert [each.name for each in parse(source=["WEB"]).source] == ["Web site"]
    assert [each.name for each in parse(source=["web"]).source] == ["Cold base"]


def test_a_department_comes_with_all_below_it():
    filters = parse(department="north")
    assert (ids(filters.department), filters.departments, filters.ids("department")) == (["2"], ("2", "4"), ("2", "4"))
    assert KNOWN.departments_below(["1"]) == ("1", "2", "4", "3")
    assert parse().ids("department") == ()


def test_departments_that_run_in_a_circle_end():
    circle = Choices(department=(Choice("1", "A", parent_id="2"), Choice("2", "B", parent_id="1")))
    assert circle.departments_below(["1"]) == ("1", "2")


def test_everything_that_is_wrong_is_told_at_once():
    told = refused(period="someday", manager="x1", source=["y", "z"], comparison="last", as_of="noon", language="de")
    assert [line.split(" ")[0] for line in told.splitlines()] == [
        "comparison", "language", "as_of", "period", "manager", "source", "source",
    ]  # fmt: skip
    assert "comparison is 'last'; allowed: previous, year_ago, none" in told


# Words, slugs, JSON


def test_the_header_says_what_is_in_and_what_hides_something():
    assert parse(period="this_month", department="north", manager=[7, 12]).words() == [
        ("Period", "June 2025 (running: 17 days have gone by)", False),
        ("Compared with", "1 May – 17 May 2025", False),
        ("Pipeline", "all", False),
        ("Department", "North + 1 department below", True),
        ("Manager", "Пётр Семёнов, Ivan Petrov", True),
        ("Source", "all", False),
        ("Data as of", "18 Jun 2025 00:00 (Europe/Moscow)", False),
    ]


def test_the_header_of_one_day_and_of_all_time():
    assert parse(period="2025-03-13", comparison="none").words()[:2] == [
        ("Period", "13 Mar 2025", False),
        ("Compared with", "nothing", False),
    ]
    assert parse(period="all").words()[0] == ("Period", "everything up to 17 Jun 2025", False)


@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ({}, "last-month"),
        ({"period": "прошлый месяц"}, "last-month"),
        ({"period": "2024-12-01..2025-03-13"}, "2024-12-01-to-2025-03-13"),
        ({"period": "2025-Q1", "manager": "Ivan Petrov"}, "2025-q1--manager-12"),
        ({"period": "2025-01..", "manager": [12, 7]}, "since-2025-01--manager-7_12"),
        (
            {"comparison": "year_ago", "department": 2, "pipeline": 0},
            "last-month--pipeline-0--department-2--vs-year-ago",
        ),
        ({"source": "web"}, "last-month--source-web"),
        ({"source": "WEB"}, "last-month--source-web-9dcfaae1"),
        ({"source": "Партнёр № 1"}, "last-month--source-partner-no-1-ec0862b2"),
        ({"as_of": "2025-06-01", "language": "ru"}, "last-month--as-of-2025-06-01--in-ru"),
        ({"as_of": "2025-06-01T18:30"}, "last-month--as-of-20250601t153000z"),
        ({"language": "ru", "default_language": "ru"}, "last-month"),
    ],
)
def test_a_slug_says_the_period_and_what_differs_from_the_defaults(typed, slug):
    assert parse(**typed).slug() == slug


def test_a_long_slug_is_cut_and_stays_different():
    people = Choices(manager=tuple(Choice(str(number), f"Manager {number}") for number in range(1000)))
    some, more = (parse(people, manager=range(100, last)).slug() for last in (300, 301))
    assert some != more
    assert len(some) <= 100


def test_a_notebook_gets_plain_parameters_that_mean_the_same_at_any_time():
    filters = parse(period="mtd", manager="Ivan Petrov", department="North", comparison="year_ago", language="ru")
    assert filters.parameters() == {
        "period": "this_month", "pipeline": [], "department": ["2"], "manager": ["12"], "source": [],
        "comparison": "year_ago", "as_of": "2025-06-18T00:00:00+03:00", "language": "ru",
    }  # fmt: skip
    assert parse(**filters.parameters(), default_as_of=MIDNIGHT + timedelta(days=90)) == filters


def test_the_json_holds_the_filters_with_ids():
    assert parse(period="2025-03", manager="7").as_json() == {
        "period": {"text": "2025-03", "start": "2025-03-01", "end": "2025-04-01", "last_day": "2025-03-31"},
        "comparison": {"kind": "previous", "start": "2025-02-01", "end": "2025-03-01", "last_day": "2025-02-28"},
        "pipeline": [],
        "department": [],
        "manager": [{"id": "7", "name": "Пётр Семёнов"}],
        "source": [],
        "as_of": "2025-06-17T21:00:00+00:00",
        "time_zone": "Europe/Moscow",
        "stage_period": {"start": "2025-03-01", "end": "2025-04-01", "last_day": "2025-03-31"},
    }
    assert parse(comparison="none").as_json()["comparison"] is None


def test_the_language_is_the_one_spoken_now_unless_said_otherwise():
    with speaking("ru"):
        assert parse().language == "ru"
    assert parse(default_language="ru").language == "ru"
    assert parse(default_language="ru", language="en").language == "en"


# Whatever is typed

PERIODS = st.sampled_from(
    ["last_month", "this_year", "last_90_days", "2025-Q1", "2024-02", "2025-01..", "..2025-02", "all", "2024-02..2025"]
)  # fmt: skip
PERIOD_LIKE = st.one_of(
    st.text(max_size=20),
    st.from_regex(r"(last|this|за прошлый)[ _]?(\d{1,4}[ _])?(day|weeks|месяц|year)", fullmatch=True),
    st.from_regex(r"[12]\d{3}-[qw]?\d{1,2}(-\d\d)?(\.\.[12]\d{3}-\d\d)?", fullmatch=True),
)
TYPED = st.one_of(
    st.none(), st.integers(), st.text(max_size=12), st.lists(st.text(max_size=5) | st.integers(), max_size=3)
)
SOME_IDS = st.lists(st.sampled_from(["7", "8", "10", "12"]), unique=True)
ZONES = st.sampled_from(["Europe/Moscow", "America/Sao_Paulo", "Pacific/Apia", "Asia/Kathmandu"]).map(ZoneInfo)
AS_OF = st.datetimes(datetime(1972, 1, 1), datetime(2090, 1, 1)).map(lambda at: at.replace(microsecond=0).isoformat())


@given(period=PERIOD_LIKE, manager=TYPED, source=TYPED, comparison=st.text(max_size=3), as_of=st.text(max_size=12))
@example(period="9999", manager=None, source=None, comparison="previous", as_of="9999-12-31T23:59-23:59")
@example(period="0001-01-01", manager="\ud800", source="\0", comparison="none", as_of="20250101")
def test_whatever_is_typed_is_understood_or_told(**typed):
    try:
        parsed = parse(**typed)
    except FilterError as error:
        parsed = str(error)
    assert parsed


@given(text=PERIOD_LIKE, today=st.dates(date(1972, 1, 1), date(2090, 1, 1)))
def test_a_period_that_is_understood_has_days_and_its_own_text_means_the_same(text, today):
    try:
        period = parse_period(text, today)
    except FilterError:
        assume(False)
    assert period.start < period.end
    assert parse_period(period.text, today) == period


@given(period=PERIODS, as_of=AS_OF, zone=ZONES)
def test_the_period_before_is_as_long_as_what_has_gone_by_but_for_the_calendar(period, as_of, zone):
    try:
        filters = parse(period=period, as_of=as_of, zone=zone)
    except FilterError:  # 2025-01.. as of 1980
        assume(False)
    assume(filters.previous)
    shortest = {"": 0, "week": 0, "month": 3, "quarter": 2, "year": 1}[filters.period.unit]  # February for March
    assert abs(filters.previous.days - filters.elapsed.days) <= shortest
    assert filters.previous.end <= filters.period.start
    assert filters.as_of_before < filters.as_of


@given(period=PERIODS, manager=SOME_IDS, source=st.sampled_from([None, "WEB", "web"]), as_of=AS_OF | st.none())
def test_words_and_slug_do_not_depend_on_how_it_was_typed(period, manager, source, as_of):
    try:
        filters = parse(period=period, manager=manager, source=source, as_of=as_of)
    except FilterError:
        assume(False)
    again = parse(period=period.upper(), manager=", ".join(reversed(manager)), source=source, as_of=as_of)
    assert (again, again.words(), again.slug()) == (filters, filters.words(), filters.slug())
    assert parse(**filters.parameters()) == filters


FILTERS = st.fixed_dictionaries(
    {
        "period": st.sampled_from(["last_month", "2025-Q1", "2025-05", "2025-01..", "..2025-01", "2025-01..2025-03"]),
        "manager": SOME_IDS,
        "source": st.lists(st.sampled_from(["WEB", "web", "Партнёр № 1"])),
        "comparison": st.sampled_from(["previous", "year_ago", "none"]),
    }
)


@given(FILTERS, FILTERS)
def test_different_filters_have_different_slugs_fit_for_any_file_system(one, other):
    first, second = parse(**one), parse(**other)
    assume(first != second)
    assert first.slug().casefold() != second.slug().casefold()
    assert set(first.slug()) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_")


@given(st.text(max_size=30), st.text(max_size=30))
def test_different_ids_have_different_slugs(one, other):
    assume(one.strip() and other.strip() and one != other)
    slugs = {replace(parse(), source=(Choice(each, "x"),)).slug() for each in (one, other)}
    assert len(slugs) == 2


@pytest.mark.parametrize(
    ("typed", "start"),
    [("12 months", "2024-04-01"), ("a year", "2024-04-01"), ("год", "2024-04-01"), ("90 days", "2025-01-01"), ("2 quarters", "2024-10-01"),
     ("", "2025-03-01"), ("week", "2025-03-01")],
)  # fmt: skip
def test_the_stage_window_ends_with_the_period_and_is_never_shorter_than_it(typed, start):
    whole = parse(period="2025-03", stage_window=typed).stage_period
    assert (str(whole.start), str(whole.end)) == (start, "2025-04-01")


def test_the_stage_window_of_a_running_period_ends_with_what_has_gone_by():
    filters = parse(period="2025-06", stage_window="12 months")
    assert (str(filters.stage_period.start), str(filters.stage_period.end)) == ("2024-06-18", "2025-06-18")


def test_the_stage_window_is_said_where_it_is_not_the_period():
    assert parse(period="2025-03", stage_window="12 months").stage_words() == "in the 12 months to 31 Mar"
    assert parse(period="2025", stage_window="1 month").stage_words() == ""
    with speaking("ru"):
        assert parse(period="2025-03", stage_window="3 months").stage_words() == "за 3 месяца по 31 мар."


def test_a_window_that_is_none_is_refused_in_one_sentence():
    with pytest.raises(
        FilterError, match="stage_window 'soon' is not understood; write how far back to look, such as 12 months"
    ):
        parse(stage_window="soon")


def test_a_filter_that_there_is_not_is_a_mistake_of_whoever_calls():
    with pytest.raises(TypeError, match="no filter called sauce; there are: pipeline, department, manager, source"):
        parse(sauce="WEB")


STANDINGS = Choices(
    stage=(Choice("NEW", "Request", hint="Sales"), Choice("C1:NEW", "Request", hint="Retail")),
    loss_reason=(Choice("No budget", "No budget"), Choice("Too dear, they say", "Too dear, they say")),
)


def test_how_deals_stand_is_told_only_where_it_was_asked():
    plain, asked = parse(STANDINGS), parse(STANDINGS, stage="NEW", loss_reason="Too dear, they say")
    assert not {"stage", "loss_reason"} & (plain.parameters().keys() | plain.as_json().keys())
    assert asked.parameters()["loss_reason"] == ["Too dear, they say"]
    assert asked.as_json()["stage"] == [{"id": "NEW", "name": "Request"}]
    assert [words for words in asked.words() if words[2]] == [
        ("In work on the stage", "Request", True), ("Lost for the reason", "Too dear, they say", True)
    ]  # fmt: skip
    assert len(plain.words()) == len(asked.words()) - 2
    assert asked.slug().startswith("last-month--stage-new-")
    assert (plain.is_about_standing, asked.is_about_standing) == (False, True)


def test_a_stage_that_two_pipelines_have_is_asked_for_by_id():
    assert refused(known=STANDINGS, stage="request") == (
        "stage 'request' is the name of several; give one's ID: Request (ID NEW, Sales), Request (ID C1:NEW, Retail)"
    )
