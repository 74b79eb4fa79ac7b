"""Product rows and the catalogue by REST, as the documentation describes them."""

from .catalogue import PARENTS, PRODUCTS, SECTIONS
from .methods import Answer, Desk, Params, _required_value, register
from .wire import Refusal, intval


@register("crm.item.productrow.list", "crm")
def _product_rows(desk: Desk, params: Params) -> Answer:
    """The filter must hold both the kind and the number of the owner."""
    conditions = params.get("filter")
    conditions = conditions if isinstance(conditions, dict) else {}
    if "=ownerType" not in conditions or "=ownerId" not in conditions:
        raise Refusal(400, 0, "Required filter fields: =ownerType, =ownerId")
    deal = intval(conditions["=ownerId"])
    if conditions["=ownerType"] != "D" or deal not in desk.company.deals:
        raise Refusal(403, "ACCESS_DENIED", "Access denied")
    rows = desk.company.product_rows_of(deal)
    start = max(0, intval(params.get("start"))) // 50 * 50
    following = start + 50 if start + 50 < len(rows) else None
    return Answer({"productRows": rows[start : start + 50]}, len(rows), following)


@register("catalog.product.get", "catalog")
def _product(desk: Desk, params: Params) -> Answer:
    number = intval(_required_value(params, "id"))
    if number not in PRODUCTS:
        raise Refusal(400, "200040300010", "Product is not exists")
    name, section, _share = PRODUCTS[number]
    row = {
        "id": number,
        "iblockId": 27 if number in PARENTS else 25,
        "name": name,
        "active": "Y",
        "iblockSectionId": section,
    }
    parent = {"parentId": {"value": str(PARENTS[number]), "valueId": "9"}} if number in PARENTS else {}
    return Answer({"product": row | parent})


@register("catalog.section.get", "catalog")
def _section(desk: Desk, params: Params) -> Answer:
    number = intval(_required_value(params, "id"))
    if number not in SECTIONS:
        raise Refusal(400, "200040300010", "Section does not exist")
    return Answer(
        {"section": {"id": number, "iblockId": 25, "name": SECTIONS[number], "iblockSectionId": None, "active": "Y"}}
    )
