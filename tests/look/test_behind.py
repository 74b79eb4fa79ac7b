"""The rows behind the numbers of the five reports: from each number of a tile or table to the rows that make it again."""

import math
from itertools import product
from statistics import mean, median

import pytest

import reports
from company import synced, whole
from crm_reports.look import behind, lists, publish
from crm_reports.look.mime import ELEMENT, ROWS
from crm_reports.measures import behind as measures
from crm_reports.metrics.registry import METRICS
from crm_reports.settings import Settings

WHEN = {"period": "2025-Q1", "as_of": "2025-04-01"}
REPORTS = tuple(publish.REPORTS)


@pytest.fixture(scope="module")
def settings(tmp_path_factory) -> Settings:
    """A company of 150 deals, six people, leads, and all that an export can say."""
    return synced(tmp_path_factory.mktemp("company"), whole())


@pytest.fixture(scope="module")
def shown(settings):
    """By report, its elements, and what leads from their numbers to rows."""
    found = {}
    for report in REPORTS:
        bundles = reports.shown(report, settings, **WHEN)
        found[report] = reports.elements(bundles), next(bundle[ROWS] for bundle in bundles if ROWS in bundle)
    return found


# ── As the page's script reads them ──────────────────────────────────────────────────────────────────────────────────


def column(facts, place):
    """What each row brings to a number; None where the number does not count it."""
    part = facts["parts"][place]
    places, at = range(facts["count"]), 0
    if "at" in part:
        places = [at := at + step for step in part["at"]]
    column = [None] * facts["count"]
    for order, number in enumerate(places):
        column[number] = part["value"] if "value" in part else part["values"][order]
    return column


def coded(column):
    return [column["texts"][place] for place in column["at"]]


def rows_of(told, id, metric, row):
    """The way from the number, and of each of its rows (place, k, n)."""
    element = told["elements"][id]
    if (place := element["ways"].get(metric, [-1] * (row + 1))[row]) < 0:
        return None
    way = told["ways"][place]
    facts = told["facts"][way["facts"]]
    k = column(facts, way["k"])
    n = column(facts, way["n"]) if "n" in way else [None] * facts["count"]
    wanted = [(coded(facts["keys"][key]), element["keys"][key][row]) for key in way["keys"]]
    first, end = element["days"][row] if way["is_cut"] else (-math.inf, math.inf)
    days, own = [day for day, _text in coded(facts["days"])], way.get("rows", range(facts["count"]))
    fits = [
        at for at in own
        if (k[at], n[at]) != (None, None) and first <= days[at] < end and all(values[at] == value for values, value in wanted)
    ]  # fmt: skip
    return way, [(at, k[at], n[at]) for at in fits], [value for value in k if value is not None]


def made_again(way, rows, everything):
    """The number that these rows make."""
    values = [k for _at, k, _n in rows if k is not None]
    if way["way"] == "ratio":
        return sum(values) / sum(n for _at, _k, n in rows if n is not None)
    if way["is_part"]:
        return sum(values) / sum(everything)
    makers = {"sum": sum, "mean": mean, "median": median, "distinct": lambda values: len(set(values))}
    return makers[way["way"]](values)


def numbers(element):
    """(row, metric, the name of its column, value) of everything that an element says of metrics."""
    if element["kind"] == "tiles":
        yield from ((at, row["metric"], "value", row["value"]) for at, row in enumerate(element["rows"]))
    elif not {"deal_id", "lead_id"} & {column["name"] for column in element.get("columns", [])}:
        names = [column["name"] for column in element.get("columns", []) if column["name"] in METRICS]
        yield from (
            (at, name, name, row[name]) for (at, row), name in product(enumerate(element.get("rows", [])), names)
        )


# ── The proof ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("report", REPORTS)
def test_the_rows_behind_every_number_make_that_number_again_to_the_cent(shown, report):
    elements, told = shown[report]
    count = 0
    for id, element in elements.items():
        for row, metric, name, value in numbers(element):
            found = rows_of(told, id, name, row) if id in told["elements"] else None
            if found and found[0]["is_own"] and found[0]["way"] != "none":
                assert made_again(*found) == pytest.approx(value, abs=0.004), (id, metric, row)
                count += 1
    assert count >= {"overview": 20, "sales_dynamics": 400}.get(report, 30)


# What can't be told row by row, by its element; all else is.
WITHOUT = {
    "nights": {"in_work", "forgotten", "forgotten_money"}, "pace": {"pace"}, "backtest": {"forecast", "forecast_low", "forecast_high"},
    "dynamics": {"in_work"}, "managers_over_time": {"in_work"}, "managers_compared": {"in_work"},
}  # fmt: skip


@pytest.mark.parametrize("report", REPORTS)
def test_every_number_of_a_tile_or_table_leads_to_rows(shown, report):
    elements, told = shown[report]
    lost = {
        (id, metric)
        for id, element in elements.items() if not element.get("missing")
        for row, metric, name, value in numbers(element)
        if value not in (0, None) and metric not in WITHOUT.get(id, ()) and not rows_of(told, id, name, row)
    }  # fmt: skip
    assert not lost


def test_a_row_leads_to_its_deal_by_title_and_into_the_crm(shown):
    _elements, told = shown["sales_dynamics"]
    tiles = [row["metric"] for row in _elements["tiles"]["rows"]]
    way, rows, _all = rows_of(told, "tiles", "value", tiles.index("won"))
    deals = lists.values_of(told["subjects"]["columns"][0])
    titles = {deals[told["facts"][way["facts"]]["of"][at]][0] for at, _k, _n in rows}
    won = {row["title"] for row in _elements["deals"]["rows"] if row["is_won"]}
    assert titles == won
    assert len(rows) == _elements["tiles"]["rows"][tiles.index("won")]["value"]


def test_rows_too_many_for_a_page_are_counted_and_named_only(settings, monkeypatch):
    monkeypatch.setattr(measures, "MOST", 3)
    bundle = next(bundle for bundle in reports.shown("overview", settings, **WHEN) if ROWS in bundle)
    assert {tuple(facts) for facts in bundle[ROWS]["facts"]} == {("count",)}
    assert min(facts["count"] for facts in bundle[ROWS]["facts"]) > 3
    assert "won_money" in {name for own in bundle[ROWS]["elements"].values() for name in own["ways"]}
    assert bundle[ELEMENT]["id"] == "glossary"


def test_the_file_beside_a_page_has_a_name_that_its_content_gives(shown):
    _elements, told = shown["overview"]
    name, text = next(iter(behind.file_of(told).items()))
    assert (name[:5], name[-3:]) == ("rows-", ".js")
    assert text.startswith('window.crmBehind="')
    assert lists.unpacked(text.removeprefix("window.crmBehind=").rstrip(";\n")) == told
    other = behind.file_of(told | {"elements": {}})
    assert name not in other
    assert behind.file_of({}) == {}


def test_a_page_that_stands_alone_has_them_as_long_as_there_is_room(shown, monkeypatch):
    _elements, told = shown["overview"]
    assert lists.unpacked(behind.within(told).split(">", 1)[1].removesuffix("</script>")) == told
    monkeypatch.setattr(behind, "MOST_WITHIN", 1_000)
    assert behind.within(told) == ""


def test_one_managers_page_has_rows_of_that_manager_alone(settings):
    bundle = next(
        bundle
        for bundle in reports.shown("manager_effectiveness", settings, manager=["Anna"], **WHEN)
        if ROWS in bundle
    )
    people = {value[0] for value in lists.values_of(bundle[ROWS]["subjects"]["columns"][1])}
    assert people == {"Anna"}
    assert "value" in bundle[ROWS]["elements"]["tiles"]["ways"]
