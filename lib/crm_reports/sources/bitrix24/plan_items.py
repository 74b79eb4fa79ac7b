"""A company's plan that it keeps as items of a smart process: as the text of a plan.csv, to be read as every plan is."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from ...errors import PortalError, SourceError, near
from ...settings import PlanItems
from ...words.texts import _
from . import values
from .client import Client
from .pages import Row, following, rows_of


@dataclass(frozen=True)
class PlanText:
    """The text of a plan.csv, and which item each of its lines is, from line 2 on."""

    text: str
    items: tuple[str, ...]

    def place(self, line: int) -> str:
        """What to call the line to whoever keeps the items."""
        return _("item {id}", id=self.items[line - 2]) if 2 <= line < len(self.items) + 2 else ""


def read(client: Client, wanted: PlanItems, zone: ZoneInfo) -> PlanText:
    """The items as lines of a plan, their fields by the names that the portal or its forms give them.

    SourceError: a field that the smart process does not have. PortalError: it can't be read.
    """
    described = client.call("crm.item.fields", entityTypeId=wanted.smart_process).result
    fields = described.get("fields") if isinstance(described, dict) else None
    names = _names(wanted, fields if isinstance(fields, dict) else {})
    items = list(_items(client, wanted, list(dict.fromkeys(names.values()))))
    lines = [[_cell(column, item.get(name), fields[name], zone) for column, name in names.items()] for item in items]
    out = io.StringIO()
    csv.writer(out).writerows([[*names, *(["currency"] if "currency" not in names else [])], *map(_line(names), lines)])
    return PlanText(out.getvalue(), tuple(str(item["id"]) for item in items))


def _line(names: Mapping[str, str]) -> Any:
    """A line whose money brings its own currency ("100|RUB") where no field has it."""
    at = list(names).index("value")

    def line(cells: Sequence[str]) -> list[str]:
        amount, _bar, currency = cells[at].partition("|")
        rest = [] if "currency" in names else [currency]
        return [*cells[:at], amount, *cells[at + 1 :], *rest]

    return line


def _names(wanted: PlanItems, fields: Mapping[str, Any]) -> dict[str, str]:
    """Our column → the item's field, however the portal writes its name."""
    known = {name.casefold(): name for name in fields}
    known |= {str(field.get("upperName")).casefold(): name for name, field in fields.items()}
    wrong = [name for name in wanted.fields.values() if name.casefold() not in known]
    if wrong:
        there = {name for key, name in known.items() if key.startswith("uf")} or set(fields)
        words = {"id": wanted.smart_process, "fields": ", ".join(map(repr, wrong))}
        near_ones = ", ".join(near(wrong[0], fields) or sorted(there)[:10]) or _("none")
        raise SourceError(
            _(
                "smart process {id} has no field {fields}, which [plan] in reports.toml names; near: {near}",
                near=near_ones,
                **words,
            )
        )
    return {column: known[name.casefold()] for column, name in wanted.fields.items()}


def _items(client: Client, wanted: PlanItems, names: Sequence[str]) -> Iterator[Row]:
    start: int | None = 0
    while start is not None:
        answer = client.call(
            "crm.item.list", entityTypeId=wanted.smart_process, select=["id", *names], order={"id": "ASC"}, start=start
        )
        rows = rows_of(answer.result, "items")
        yield from rows
        start = following(answer, start, len(rows)) if rows else None


def _cell(column: str, value: Any, field: Mapping[str, Any], zone: ZoneInfo) -> str:
    """What a plan.csv would have: of a date its month, of a list the name of its value, nobody for 0."""
    if column == "period" and field.get("type") in ("date", "datetime"):
        day = values.day(value, zone) if field.get("type") == "date" else values.instant(value, zone)
        return f"{day:%Y-%m}" if day else ""
    try:
        options = {str(item.get("ID")): str(item.get("VALUE")) for item in rows_of(field.get("items") or [])}
    except PortalError:
        options = {}
    text = values.text(value) or ""
    if field.get("type") in ("user", "employee", "enumeration") and text == "0":
        return ""
    return " ".join(options.get(text, text).split())
