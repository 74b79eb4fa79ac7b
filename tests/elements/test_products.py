"""What was sold, by product and by section of the catalogue, worked out by hand."""

import pytest

from crm_reports import elements
from crm_reports.errors import MetricError
from crm_reports.look import page
from crm_reports.measures.measure import measure
from crm_reports.store.columns import records
from march import DEALS, HISTORY, PRODUCT_ROWS, PRODUCTS, SECTIONS, basket
from stores import dataset, seen

NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture(scope="module")
def march(tmp_path_factory):
    return _march(tmp_path_factory.mktemp("sold"))


def _march(folder, **more):
    sold = {"product_rows": PRODUCT_ROWS, "products": PRODUCTS, "sections": SECTIONS}
    return dataset(folder, deals=DEALS, stage_history=HISTORY, **sold | more)


def test_products_come_with_what_they_brought_the_most_money_first_then_all_together(march):
    columns = ["product", "section", "sold_money", "sold_quantity", "deals_with_products", "is_total"]
    rows = [tuple(row.values()) for row in records(elements.products(march).table[columns])]
    assert rows[:3] == [
        ("Packing machine", "Machines", 900.0, 1.0, 1, False),  # 10 $ at 90
        ("Conveyor", "Machines", 800.0, 2.0, 1, False),
        ("Delivery", "no section", 200.0, 1.0, 1, False),  # a line that no product of the catalogue stands behind
    ]
    assert rows[3][2:] == (1900.0, 4.0, 2, True)


def test_a_discount_is_a_share_of_the_full_price_and_missing_where_none_is_known(march):
    shares = elements.products(march).table.set_index("product")["discount_share"]
    assert shares["Conveyor"] == pytest.approx(100 / 500)
    assert shares["Delivery"] == 0
    assert shares.isna()["Packing machine"]


def test_the_heading_names_what_sells_best_and_the_note_how_much_of_the_won_money_the_rows_explain(march):
    made = elements.products(march)
    assert made.finding.replace(NBSP, " ") == "Packing machine brings most: 47.4 % of what was sold"
    note = "2 of 3 deals won have product rows; they add up to 1.9 k, the deals' own amounts to 1.9 k (100 %)."
    assert made.note.replace(NBSP, " ").replace(" ₽", "") == note


def test_sections_add_up_their_products(march):
    made = elements.product_sections(march)
    assert made.table.set_index("section")["sold_money"].to_dict() == {"Machines": 1700.0, "no section": 200.0}
    assert made.finding.replace(NBSP, " ") == "Machines: 89.5 % of what was sold"


def test_where_no_product_rows_are_read_nothing_is_shown_and_nothing_said(tmp_path, monkeypatch):
    ds = _march(tmp_path, product_rows=None)
    shown = []
    monkeypatch.setattr(page, "display", lambda *what, **how: shown.append(what))
    for element in (elements.products(ds), elements.product_sections(ds)):
        assert element.missing == "The source has no product rows."
        page.show(element)
    assert shown == []


def test_a_page_as_of_an_old_night_shows_what_was_sold_then(tmp_path):
    now, then = basket("1", ("22", "Old name", 1, 1000.0, 0.0)), PRODUCT_ROWS[0]
    ds = _march(tmp_path, product_rows=[now], product_rows_versions=[seen(then, "2025-04-01 01:00")])
    names = elements.products(ds).table["product"].tolist()
    assert names[:2] == ["Conveyor", "Delivery"]


def test_only_what_was_sold_can_be_cut_by_product(march):
    by_manager = measure(march, ["sold_money"], by=["manager", "section"])
    assert by_manager["sold_money"].sum() == 1900
    with pytest.raises(MetricError, match="metric 'won' can't be cut by 'product': its rows have none"):
        measure(march, ["won"], by="product")
