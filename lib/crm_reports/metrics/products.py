"""What is sold: the product rows of the deals that were won, in the base currency at the CRM's rate.

`product_rows` holds one row per product row of a deal won in the period; a deal without any is not in it.
"""

from ..words.texts import N_
from .registry import metric
from .rows import Rows


@metric(
    title=N_("Sold"),
    unit="money",
    good="up",
    on="product_rows",
    formula=N_("Σ quantity × price after the discount, with tax, over the product rows of the deals won in the period"),
    needs=["product_rows", "closing"],
    caveats=N_("A deal's amount may be another than its product rows make, and a deal may have none."),
)
def sold_money(product_rows: Rows) -> float:
    """What the products that were sold brought, by their own prices."""
    return product_rows["sold_money"].sum()


@metric(
    title=N_("Sold, quantity"),
    unit="number",
    good="up",
    on="product_rows",
    formula=N_("Σ quantity over the product rows of the deals won in the period"),
    needs=["product_rows", "closing"],
    caveats=N_("Pieces, kilograms and hours are added up as they stand: look at one product at a time."),
)
def sold_quantity(product_rows: Rows) -> float:
    """How much of it was sold, in the unit that each product has."""
    return product_rows["sold_quantity"].sum()


@metric(
    title=N_("Discount"),
    unit="share",
    good="down",
    on="product_rows",
    of=N_("of what the products would have brought at full price"),
    formula=N_("Σ quantity × discount of one unit ÷ Σ quantity × price before the discount"),
    needs=["product_rows", "closing"],
    caveats=N_("A share of money: no number of cases stands behind it."),
)
def discount_share(product_rows: Rows) -> float:
    """How much was let off on what was sold."""
    return product_rows["discount_money"].sum() / product_rows["full_money"].sum()


@metric(
    title=N_("Deals it is in"),
    unit="count",
    good="up",
    on="product_rows",
    formula=N_("different deals won in the period that have product rows"),
    needs=["product_rows", "closing"],
    caveats=N_("A deal that sells two products counts for both, so the rows may sum to more than the total."),
)
def deals_with_products(product_rows: Rows) -> float:
    """In how many won deals something was sold by product rows."""
    return product_rows["sold_deal_id"].nunique()
