"""What a portal's deals sell: their product rows, and what the catalogue calls the products and where it has them."""

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...errors import PortalError
from ...words import texts
from . import values
from .client import MOST_COMMANDS, Client, Command
from .ledger import Chunk, Findings, Hole, Ledger
from .pages import Row, by_many, many, many_by_start
from .refusals import Answer, leaves_a_hole

log = logging.getLogger(__name__)

UNREAD = "unread"  # the code of a hole


class Sold:
    """The product rows of the deals that changed, then what the catalogue says of what they sell: (table, rows), as a reading gives them."""

    def __init__(self, client: Client, ledger: Ledger, findings: Findings) -> None:
        self._client, self._ledger, self._findings = client, ledger, findings
        self._products: set[str] = set()

    def rows(self) -> Iterator[Chunk]:
        """A deal at a time, fifty deals to a request; of one that refuses it is kept that nobody knows, so that it is asked again."""
        refused: dict[int, PortalError] = {}
        read = 0
        for deals in by_many(self._ledger.baskets(), 20 * MOST_COMMANDS):
            for deal, rows in baskets(self._client, deals):
                if isinstance(rows, PortalError):
                    refused[deal] = rows
                    continue
                read += 1
                lines = [line(raw) for raw in rows]
                self._products.update(filter(None, (sold["product"] for sold in lines)))
                yield "product_rows", [basket(deal, lines)]
        if refused:
            refusal = next(iter(refused.values()))
            if leaves_a_hole(refusal) and not read:
                raise refusal
            yield "product_rows", [basket(deal, None) for deal in refused]
            self._tell_of_unread(len(refused), refusal)
        self._findings.present.append("product_rows")

    def _tell_of_unread(self, count: int, refusal: PortalError) -> None:
        words = texts.many(
            "The product rows of {n} deal could not be read ({why}): what was sold lacks them until they can be.",
            "The product rows of {n} deals could not be read ({why}): what was sold lacks them until they can be.",
            count,
            why=refusal,
        )
        log.warning("%s", words)
        self._findings.holes.append(Hole("product_rows", UNREAD, words, is_general=False))

    def products(self) -> Iterator[Chunk]:
        """What the catalogue has of the products that came; one that was deleted keeps what is known."""
        known, sections = catalogue(self._client, sorted(self._products))
        yield "products", known
        yield "sections", sections
        self._findings.present += ["products", "sections"]


def baskets(client: Client, deals: Iterable[int]) -> Iterator[tuple[int, list[Row] | PortalError]]:
    """The product rows of each deal: Bitrix24 lists them one owner at a time, and those of a large deal over several pages."""

    def page(deal: int, start: int) -> Command:
        params = {"filter": {"=ownerType": "D", "=ownerId": deal}, "order": {"id": "ASC"}, "start": start}
        return Command("crm.item.productrow.list", params)

    found: dict[int, list[Row]] = {}
    refused: dict[int, PortalError] = {}
    for deal, rows in many_by_start(client, deals, page, "productRows"):
        if isinstance(rows, PortalError):
            refused[deal] = rows
        else:
            found.setdefault(deal, []).extend(rows)
    yield from (found | refused).items()


def line(raw: Row) -> Row:
    """One product row: what a unit costs after the discount, with tax, and what the discount took off it.

    Bitrix24's own discountSum is without tax, which the price has.
    """
    price, full = values.number(raw.get("price")), values.number(raw.get("priceBrutto"))
    return {
        "product": values.key(raw.get("productId")),
        "name": values.text(raw.get("productName")),
        "quantity": values.number(raw.get("quantity")),
        "price": price,
        "discount": None if price is None or full is None else round(full - price, 6),
    }


def basket(deal: int, lines: Sequence[Row] | None) -> Row:
    """All that a deal sells, as the store keeps it; None: nobody knows."""
    return {"deal_id": str(deal), "lines": None if lines is None else json.dumps(lines, ensure_ascii=False)}


def catalogue(client: Client, ids: Sequence[str]) -> tuple[list[Row], list[Row]]:
    """What the catalogue has of these products: rows of `products`, and of the `sections` that they are in.

    A variation is in the section of its product. What is there no more, or is not shown, is left out; a refusal is raised
    where nothing at all is shown.
    """
    found = _cards(client, "catalog.product.get", "product", ids)
    parents = {id: str(parent) for id, raw in found.items() if (parent := _parent(raw))}
    above = _cards(client, "catalog.product.get", "product", sorted(set(parents.values()) - found.keys())) | found
    homes = {id: values.key(above.get(parents.get(id, id), raw).get("iblockSectionId")) for id, raw in found.items()}
    sections = _cards(client, "catalog.section.get", "section", sorted(set(filter(None, homes.values()))))
    rows = [
        {"product_id": id, "name": values.text(raw.get("name")), "section_id": homes[id]} for id, raw in found.items()
    ]
    return rows, [{"section_id": id, "name": values.text(raw.get("name"))} for id, raw in sections.items()]


def _parent(raw: Row) -> str | None:
    told: Any = raw.get("parentId")
    return values.key(told.get("value") if isinstance(told, dict) else told)


def _cards(client: Client, method: str, wrapper: str, ids: Sequence[str]) -> dict[str, Row]:
    """What the method tells of each of these ids, fifty to a request."""
    replies = dict(many(client, ((id, Command(method, {"id": int(id)})) for id in ids if id.isdigit())))
    results = {id: reply.result for id, reply in replies.items() if isinstance(reply, Answer)}
    cards = {id: result.get(wrapper) for id, result in results.items() if isinstance(result, dict)}
    refusals = [reply for reply in replies.values() if isinstance(reply, PortalError)]
    if refusals and not cards and (refused := next(filter(leaves_a_hole, refusals), None)):
        raise refused
    return {id: card for id, card in cards.items() if isinstance(card, dict)}
