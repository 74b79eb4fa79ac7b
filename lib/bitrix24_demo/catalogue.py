"""What there is to sell, and what the deals sell of it, as a portal keeps it.

An invented deal's rows follow from its number and its amount alone: nothing else of the company depends on them.
"""

from typing import Any

from .schema import Row

SECTIONS = {11: "Fireplaces", 12: "Stone", 13: "Services"}
# Number, name, section, share of the price that a discount takes off; 26 is a variation of 21.
CATALOGUE = (
    (21, "Fireplace", 11, 0.0), (22, "Bio fireplace", 11, 0.1), (23, "Quartzite slab", 12, 0.0), (24, "Granite step", 12, 0.05),
    (25, "Installation", 13, 0.0), (26, "Fireplace, corner", None, 0.15),
)  # fmt: skip
PARENTS = {26: 21}
PRODUCTS = {number: (name, section, share) for number, name, section, share in CATALOGUE}


def product_row(
    deal: int, product: int | str, quantity: float, price: float, discount: float = 0.0, **more: Any
) -> Row:
    """A product row of a deal as a portal keeps it: `price` of a unit after the `discount`; VAT of 20 % is in both."""
    name = PRODUCTS[product][0] if isinstance(product, int) else product
    full = price + discount
    row = {
        "ownerId": deal, "ownerType": "D", "productId": product if isinstance(product, int) else 0, "productName": name,
        "price": price, "priceAccount": f"{price:.2f}", "priceExclusive": round(price / 1.2, 2), "priceNetto": round(full / 1.2, 2),
        "priceBrutto": full, "quantity": quantity, "discountTypeId": 1, "discountRate": round(100 * discount / full, 2) if full else 0,
        "discountSum": round(discount / 1.2, 2), "taxRate": 20, "taxIncluded": "Y", "customized": "Y", "measureCode": 796,
        "measureName": "pcs", "sort": 10, "xmlId": "", "type": 4 if product in PARENTS else 1, "storeId": None,
    }  # fmt: skip
    return row | more


def invented_rows(deal: Row) -> list[Row]:
    """What an invented deal sells: one or two things that make its amount; every ninth deal, and one without amount, nothing."""
    number, amount = deal["ID"], deal["OPPORTUNITY"] or 0.0
    if number % 9 == 0 or amount <= 0:
        return []
    first, second = CATALOGUE[number * 7 % 6], CATALOGUE[number * 5 % 6]
    parts = [(first, amount)] if number % 3 or first == second else [(first, amount * 0.75), (second, amount * 0.25)]
    return [_invented(number, product, 1 + number % 4, money) for product, money in parts]


def _invented(deal: int, product: tuple[int, str, int | None, float], quantity: int, money: float) -> Row:
    price = round(money / quantity, 2)
    return product_row(deal, product[0], quantity, price, round(price / (1 - product[3]) - price, 2))
