"""What deals sell, from a portal over real HTTP into the store."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple, NoReturn

import pytest

from bitrix24_demo import SCOPES, Company, Refusal
from bitrix24_demo.catalogue import product_row
from crm_reports.settings import Settings, Source
from crm_reports.store import Store
from crm_reports.store.sync import SyncReport
from portals import later, run, served, stored

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)  # before the hour that every sync reads again


def settings_of(folder: Path, *, read: bool = True) -> Settings:
    return Settings(home=folder, data=folder / "data", source=Source(kind="bitrix24"), products={"read": read})


class Night(NamedTuple):
    """What a sync said, what the store then held, and of which deals and products it had asked."""

    report: SyncReport
    sold: dict[str, list[tuple]]
    versions: list[tuple]
    asked: list[str]
    requests: int


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("product_rows")


@pytest.fixture(scope="module")
def nights(folder: Path) -> list[Night]:
    """Seven nights of three deals: one sells a fireplace and its delivery, one a variation of it, one nothing."""
    return list(_nights(folder))


def _nights(folder: Path) -> Iterator[Night]:
    company = Company.small(now=NOW)
    for name in ("both", "variation", "nothing"):
        company.add_deal(name, at=YESTERDAY)
    delivery = product_row(1, "Delivery", 1, 300.0)
    company.set_products(1, product_row(1, 21, 2, 400.0, 100.0), delivery, at=YESTERDAY)
    company.set_products(2, product_row(2, 26, 0.5, 60.0), at=YESTERDAY)
    with served(company, scopes=(*SCOPES, "catalog")) as portal:
        yield _night(settings_of(folder, read=False), portal)
        later(company)
        yield _night(settings_of(folder), portal)  # product rows are wanted from now on
        later(company)
        yield _night(settings_of(folder), portal)  # nothing happened
        later(company)
        company.set_products(1, delivery)
        company.delete_deal(2)
        yield _night(settings_of(folder), portal)
    with served(company) as portal:
        later(company)
        company.set_products(1, product_row(1, 24, 1, 50.0))
        yield _night(settings_of(folder), portal)  # the scope of the catalogue was taken away
    with served(company) as portal:
        later(company)
        company.set_products(1, product_row(1, 25, 1, 70.0))
        company.set_products(3, product_row(3, 25, 1, 80.0))
        shows = company.product_rows_of
        company.product_rows_of = lambda deal: shows(deal) if deal == 3 else _hide()
        yield _night(settings_of(folder), portal)
        company.product_rows_of = shows
        later(company)
        yield _night(settings_of(folder), portal)  # nothing happened, but that rows are shown again


def _hide() -> NoReturn:
    raise Refusal(403, "ACCESS_DENIED", "Access denied")


def _night(settings: Settings, portal: object) -> Night:
    before = len(portal.requests)
    report = run(settings, portal)
    since = portal.requests[before:]
    commands = [text for asked in since for text in (asked.params.get("cmd") or {}).values()]
    commands += [f"{asked.method}?{asked.params}" for asked in since]
    return Night(
        report,
        {deal: _lines(lines) for deal, lines in stored(settings, "product_rows", "deal_id, lines")},
        [(deal, _lines(lines), at) for deal, lines, at in stored(settings, "product_rows_versions")],
        [text for text in commands if text.startswith(("crm.item.productrow", "catalog."))],
        len(since),
    )


def _lines(text: str | None) -> list[tuple] | None:
    return text and [tuple(line.values()) for line in json.loads(text)]


FIREPLACE = ("21", "Fireplace", 2.0, 400.0, 100.0)  # 500 before the discount, with tax
DELIVERY = (None, "Delivery", 1.0, 300.0, 0.0)
VARIATION = ("26", "Fireplace, corner", 0.5, 60.0, 0.0)


def test_nothing_is_asked_where_nobody_wants_product_rows(nights):
    assert nights[0].asked == []
    assert nights[0].sold == {}
    assert "product_rows" not in nights[0].report.tables


def test_product_rows_that_are_wanted_later_are_read_for_every_deal(nights):
    assert nights[1].report.holes == []
    assert nights[1].sold == {"1": [FIREPLACE, DELIVERY], "2": [VARIATION], "3": []}


def test_a_variation_is_in_the_section_of_its_product(nights, folder):
    settings = settings_of(folder)
    assert ("26", "Fireplace, corner", "11") in stored(settings, "products")
    assert ("11", "Fireplaces") in stored(settings, "sections")


def test_an_unchanged_night_asks_for_no_product_row(nights):
    assert nights[2].asked == []
    assert nights[2].sold == nights[1].sold
    assert nights[2].requests <= nights[0].requests


def test_rows_of_a_changed_deal_keep_their_version_and_those_of_a_deleted_deal_go(nights):
    deals = [text for text in nights[3].asked if text.startswith("crm.item.productrow")]
    assert len(deals) == 1
    assert nights[3].sold == {"1": [DELIVERY], "3": []}
    assert nights[3].versions == [("1", [FIREPLACE, DELIVERY], NOW + timedelta(days=2))]


def test_an_old_night_shows_what_was_sold_then(nights, folder):
    store = Store.open(settings_of(folder).store_path)
    then = store.snapshot(NOW + timedelta(days=1, hours=1), "RUB", "UTC")
    assert then.query("select product_id from product_lines where deal_no = 1")["product_id"].to_pylist() == [
        "21",
        "=Delivery",
    ]


def test_without_the_scope_of_the_catalogue_rows_are_read_and_sections_are_told_as_lacking(nights):
    assert nights[4].sold["1"] == [("24", "Granite step", 1.0, 50.0, 0.0)]
    (hole,) = nights[4].report.holes
    assert hole["table"] == "products"
    assert "'catalog'" in hole["text"]
    assert "sections of the catalogue" in hole["text"]


def test_rows_that_a_deal_refuses_are_told_as_lacking_and_asked_for_until_they_are_shown(nights):
    refused, shown = nights[5], nights[6]
    assert refused.sold == {"1": None, "3": [("25", "Installation", 1.0, 80.0, 0.0)]}
    told = next(hole["text"] for hole in refused.report.holes if hole["table"] == "product_rows")
    assert told.startswith("The product rows of 1 deal could not be read (")
    assert len([text for text in shown.asked if text.startswith("crm.item.productrow")]) == 1
    assert shown.sold["1"] == [("25", "Installation", 1.0, 70.0, 0.0)]
    assert "product_rows" not in [hole["table"] for hole in shown.report.holes]
