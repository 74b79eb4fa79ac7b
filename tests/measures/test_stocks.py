"""Numbers of an instant beside numbers of a period say of which day they are."""

import pytest

import reports
from crm_reports.look import page
from march import ACTIVITIES
from shop import SHOP
from stores import make_store

STOCKS = (
    "in_work",
    "in_work_money",
    "forgotten",
    "forgotten_money",
    "no_next_step",
    "days_silent",
    "days_in_current_stage",
)


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    shop = make_store(tmp_path_factory.mktemp("shop"), **SHOP, activities=ACTIVITIES)
    found = {
        (report, language): reports.shown(report, shop, period="2025-03", as_of="2025-04-01", language=language)
        for report in ("sales_dynamics", "forgotten_deals") for language in ("en", "ru")
    }  # fmt: skip
    page.forget()
    return found


def titles(bundles, report, element, language="en", of="columns"):
    shown = reports.elements(bundles[report, language])[element]
    return {each["name"]: each["title"] for each in shown[of] if each["name"] in (*STOCKS, "won")}


def test_a_tile_of_a_stock_says_its_day_and_one_of_a_flow_does_not(bundles):
    told = titles(bundles, "sales_dynamics", "tiles", of="metrics")
    assert (told["in_work"], told["in_work_money"], told["won"]) == (
        "In work, on 1 Apr",
        "In work, money, on 1 Apr",
        "Won",
    )
    html = next(each["text/html"] for each in bundles["sales_dynamics", "en"] if each[page.ELEMENT]["id"] == "tiles")
    assert "In work, on 1 Apr" in html


def test_a_stock_in_a_table_of_the_period_says_its_day_in_the_header(bundles):
    assert titles(bundles, "sales_dynamics", "managers") == {
        "won": "Won", "in_work": "In work, on 1 Apr", "in_work_money": "In work, money, on 1 Apr",
    }  # fmt: skip
    html = next(each["text/html"] for each in bundles["sales_dynamics", "en"] if each[page.ELEMENT]["id"] == "managers")
    assert "In work, on 1 Apr" in html
    assert "на 1 апр" in titles(bundles, "sales_dynamics", "managers", "ru")["in_work"]


@pytest.mark.parametrize("element", ["tiles", "by_department", "by_manager", "by_stage"])
def test_every_stock_of_what_is_forgotten_says_its_day(bundles, element):
    told = titles(bundles, "forgotten_deals", element, of="metrics")
    assert told
    assert all(title.endswith(", on 1 Apr") for title in told.values())


def test_a_stock_of_many_periods_is_that_of_the_end_of_each(bundles):
    assert titles(bundles, "sales_dynamics", "dynamics") == {"won": "Won", "in_work": "In work, at its end"}


def test_deals_by_status_say_what_is_of_the_period_and_what_of_the_day(bundles):
    rows = reports.elements(bundles["sales_dynamics", "en"])["status"]["rows"]
    assert [row["status"] for row in rows] == [
        "won in the period", "lost in the period", "in work on 1 Apr, never closed", "in work on 1 Apr, reopened",
    ]  # fmt: skip


def test_the_picture_of_the_funnel_sets_the_steps_of_the_period_apart_from_the_bars_of_the_cohort(bundles):
    bundle = next(each for each in bundles["sales_dynamics", "en"] if each[page.ELEMENT]["id"] == "funnel")
    notes = bundle[page.FIGURE]["layout"]["annotations"]
    steps = [note for note in notes if "in the period" in note["text"]]
    lines = {note["y"] for note in notes if note not in steps}
    assert steps
    assert not lines & {note["y"] for note in steps}
