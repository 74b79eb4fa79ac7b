"""Who gets which page: the preset's recipients the whole, a manager their own page, a department's head that department's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ..settings import Mail, Preset, is_address, is_recipient
from ..settings.parts import PEOPLE
from ..store import Store


@dataclass(frozen=True)
class People:
    """Addresses: those of [mail.addresses] by name or id, else what the CRM has, e-mail or the number of a user."""

    mail: Mail
    store: Path

    def of_slice(self, slice: Mapping[str, Any]) -> str:
        """The address that a manager's or department's page goes to; nothing when none is known."""
        id, name = str(slice["id"]), str(slice["name"])
        address = self._in_settings(id, name)
        if slice["dimension"] == "manager":
            return address or self._in_crm(id)
        head = self._heads.get(id, "")
        return address or self._in_settings(head, self._names.get(head, "")) or self._in_crm(head)

    def is_gone(self, slice: Mapping[str, Any]) -> bool:
        """Whether the slice is that of a manager who was dismissed."""
        return slice["dimension"] == "manager" and str(slice["id"]) in self._leavers

    def _in_settings(self, *names: str) -> str:
        return next((self.mail.addresses[name] for name in names if name in self.mail.addresses), "")

    def _in_crm(self, manager_id: str) -> str:
        if self.mail.people == "bitrix24":
            user = f"bitrix24:{manager_id}"
            return user if manager_id in self._addresses and is_recipient(user) else ""
        address = self._addresses.get(manager_id, "")
        return address if is_address(address) else ""

    @cached_property
    def _everybody(self) -> list[dict[str, Any]]:
        return self._rows("managers")

    @cached_property
    def _leavers(self) -> set[str]:
        return {person["manager_id"] for person in self._everybody if person["is_active"] is False}

    @cached_property
    def _managers(self) -> list[dict[str, Any]]:
        return [person for person in self._everybody if person["manager_id"] not in self._leavers]

    @cached_property
    def _addresses(self) -> dict[str, str]:
        return {person["manager_id"]: (person["email"] or "").strip() for person in self._managers}

    @cached_property
    def _names(self) -> dict[str, str]:
        return {person["manager_id"]: person["name"] or "" for person in self._managers}

    @cached_property
    def _heads(self) -> dict[str, str]:
        return {department["department_id"]: department["head_id"] or "" for department in self._rows("departments")}

    def _rows(self, table: str) -> list[dict[str, Any]]:
        return Store.open(self.store).rows(table).to_pylist()


def recipients(page: Any, preset: Preset, people: People) -> tuple[str, ...]:
    """The addresses that this page goes to."""
    if page.slice is None:
        return preset.recipients
    if not preset.mail_slices or page.slice["dimension"] not in PEOPLE:
        return ()
    address = people.of_slice(page.slice)
    return (address,) if address else ()


def lacks_address(page: Any, preset: Preset, people: People) -> bool:
    """Whether the page should go to somebody who is still there and whose address nobody knows."""
    is_mailed = page.slice is not None and preset.mail_slices and page.slice["dimension"] in PEOPLE
    return is_mailed and not recipients(page, preset, people) and not people.is_gone(page.slice)
