"""What is sold: the product rows of the deals won, by product and by section of the catalogue."""

import pandas as pd

from .. import charts
from ..measures.dataset import Dataset
from ..measures.measure import measure, value_of
from ..measures.totals import total_of, without_total
from ..words import units
from ..words.texts import N_, _, many
from .element import element

SOLD = ["sold_money", "sold_quantity", "discount_share", "deals_with_products"]


@element(
    title=N_("What was sold"),
    measured=N_("Product rows of the deals won in the period, by product."),
    needs=SOLD,
    is_optional=True,
    mail=("sold_money", "deals_with_products"),
)
def products(ds: Dataset) -> pd.DataFrame:
    """What each product brought in the period: product, section, sold_money, sold_quantity, discount_share, deals_with_products.

    The most money first, then all together.
    """
    table = measure(ds, SOLD, by=["product", "section"], total=True)
    return table.sort_values(["is_total", "sold_money"], ascending=[True, False], kind="stable", ignore_index=True)


@products.finding
def sells_best(table: pd.DataFrame) -> str:
    """The product that brings most, and what share of all."""
    rows, total = without_total(table), total_of(table)
    if rows.empty:
        return _("No deal won in the period has product rows")
    best, all_money = rows.iloc[0], float(total["sold_money"].sum())
    if not all_money > 0:
        return _("What was sold brought nothing")
    share = units.share(best["sold_money"] / all_money)
    return _("{product} brings most: {share} of what was sold", product=best["product"], share=share)


@products.note
def explained(ds: Dataset) -> str:
    """How many of the won deals have product rows, and how what these make compares with the won money."""
    won, covered = int(value_of(ds, "won")), int(value_of(ds, "deals_with_products"))
    sold, money = (float(value_of(ds, name)) for name in ("sold_money", "won_money"))
    deals = many(
        "{k} of {n} deal won has product rows", "{k} of {n} deals won have product rows", won, k=units.count(covered)
    )
    if not money > 0:
        return f"{deals}."
    words = {"sold": units.money(sold), "won": units.money(money), "share": units.share(sold / money)}
    return f"{deals}; " + _("they add up to {sold}, the deals' own amounts to {won} ({share}).", **words)


@element(
    title=N_("What was sold, by section"),
    measured=N_("Product rows of the deals won in the period, by section of the catalogue."),
    chart=lambda table: charts.bars(table, x="section", y="sold_money"),
    needs=SOLD,
    is_optional=True,
)
def product_sections(ds: Dataset) -> pd.DataFrame:
    """What each section of the catalogue brought in the period: section and the numbers of `products`; the most money first."""
    return measure(ds, SOLD, by="section").sort_values("sold_money", ascending=False, kind="stable", ignore_index=True)


@product_sections.finding
def best_section(table: pd.DataFrame) -> str:
    """The section that brings most."""
    money = float(table["sold_money"].sum()) if len(table) else 0.0
    if not money > 0:
        return ""
    best = table.iloc[0]
    return _(
        "{section}: {share} of what was sold", section=best["section"], share=units.share(best["sold_money"] / money)
    )
