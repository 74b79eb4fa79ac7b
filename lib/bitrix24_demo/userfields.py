"""Fields that a company has added to its deals, leads, companies and contacts, as Bitrix24 describes and keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from . import schema
from .removal import OwnerType
from .schema import Row
from .tables import Table


@dataclass(frozen=True)
class UserField:
    """What crm.deal.fields says of such a field; `options` are the values of a list, by id."""

    name: str
    kind: str
    label: str
    is_multiple: bool = False
    options: tuple[tuple[int, str], ...] = ()
    more: Row = field(default_factory=dict)

    def described(self) -> Row:
        """Its title is its code; what people call it is the label of lists and forms."""
        row = {
            "type": self.kind, "isRequired": False, "isReadOnly": False, "isImmutable": False,
            "isMultiple": self.is_multiple, "isDynamic": True, "title": self.name, "listLabel": self.label,
            "formLabel": self.label, "filterLabel": self.label,
        }  # fmt: skip
        items = [{"ID": str(id), "VALUE": text} for id, text in self.options]
        return row | ({"items": items} if self.kind == "enumeration" else {}) | self.more


class UserFields:
    """The fields of each kind of row, by name. Rows do not notice that a field came, changed its name or went."""

    def __init__(self) -> None:
        super().__init__()
        self.processes: dict[int, Table] = {}
        self.fields: dict[OwnerType, dict[str, UserField]] = {
            name: {} for name in ("deal", "lead", "company", "contact")
        }

    def _table_of(self, owner_type: OwnerType) -> Table:
        raise NotImplementedError

    def add_process(self, entity_type: int, **kinds: str) -> Table:
        """A smart process of that entityTypeId whose items have these fields beside their own; its table, to add items to."""
        self.processes[entity_type] = Table(schema.ITEM | kinds)
        return self.processes[entity_type]

    def add_field(
        self,
        owner_type: OwnerType,
        name: str,
        kind: str,
        label: str,
        options: Iterable[tuple[int, str]] = (),
        **more: Any,
    ) -> None:
        """A new field, empty in every row; `is_multiple` and what else its description has are in `more`."""
        is_multiple = more.pop("is_multiple", False)
        self.fields[owner_type][name] = UserField(name, kind, label, is_multiple, tuple(options), more)
        self._table_of(owner_type).define(name, kind, [] if is_multiple else None)

    def change_field(self, owner_type: OwnerType, name: str, **changes: Any) -> None:
        """Its label or its options are others from now on."""
        self.fields[owner_type][name] = replace(self.fields[owner_type][name], **changes)

    def remove_field(self, owner_type: OwnerType, name: str) -> None:
        """The field and all that rows had in it are gone."""
        del self.fields[owner_type][name]
        self._table_of(owner_type).undefine(name)
