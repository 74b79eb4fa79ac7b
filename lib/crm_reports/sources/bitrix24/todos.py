"""To-dos on the cards of deals: which are open there, new ones, and away with ours. The one place that writes into the CRM.

The portal has no key for a to-do and takes the same one twice: ours stands in the description, and is looked for first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from pydantic import SecretStr

from ...errors import PortalError
from ...settings import Limits
from .client import MOST_COMMANDS, Client, Command
from .pace import ORDINARY, Pace
from .refusals import Answer

ADD, DELETE, LIST = "crm.activity.todo.add", "crm.activity.delete", "crm.activity.list"
DEAL = 2  # OWNER_TYPE_ID
USUAL = Limits()


@dataclass(frozen=True)
class Todo:
    """What is to be done about a deal, by whom, until when; `key` is ours and the same whenever it is worked out."""

    key: str
    deal_id: str
    manager_id: str
    title: str
    description: str
    deadline: datetime


@dataclass(frozen=True)
class Open:
    """A to-do that is not done: its number, and what it says."""

    todo_id: str
    description: str


class Todos:
    """The to-dos of a portal, by a webhook of their own that may write."""

    def __init__(self, webhook: SecretStr, *, pace: Pace = ORDINARY, limits: Limits = USUAL) -> None:
        self._client = Client(webhook, pace=pace, limits=limits, writes={DELETE})
        # An answer that was lost says nothing of whether the to-do is there: who asks again looks first.
        self._writer = Client(webhook, pace=pace, limits=limits, writes={ADD}, attempts=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._client.close()
        self._writer.close()

    def open_on(self, deal_ids: Sequence[str]) -> dict[str, list[Open]]:
        """The to-dos on these deals that are not done."""
        return {deal: [Open(str(row["ID"]), str(row.get("DESCRIPTION") or "")) for row in rows]
                for deal, rows in self._listed(deal_ids)}  # fmt: skip

    def _listed(self, deal_ids: Sequence[str]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
        plain = {"PROVIDER_ID": "CRM_TODO", "OWNER_TYPE_ID": DEAL, "COMPLETED": "N"}
        for some in _groups(deal_ids):
            commands = {
                deal: Command(LIST, {"filter": plain | {"OWNER_ID": deal}, "select": ["ID", "DESCRIPTION"], "start": 0})
                for deal in some
            }
            for deal, reply in self._client.batch(commands).items():
                if isinstance(reply, PortalError):
                    raise reply
                yield deal, list(reply.result)

    def add(self, todo: Todo) -> str:
        """The number of the new to-do. PortalError: the portal would not."""
        answer = self._writer.call(
            ADD, ownerTypeId=DEAL, ownerId=int(todo.deal_id), responsibleId=int(todo.manager_id),
            deadline=todo.deadline.isoformat(), title=todo.title, description=f"{todo.description}\n\n{todo.key}",
        )  # fmt: skip
        return str(answer.result["id"])

    def are_done(self, todo_ids: Sequence[str]) -> dict[str, bool]:
        """Whether each to-do is done; one that is there no more is not among them."""
        done: dict[str, bool] = {}
        for some in _groups(todo_ids):
            answer = self._client.call(LIST, filter={"ID": list(some)}, select=["ID", "COMPLETED"], start=0)
            done |= {str(row["ID"]): row.get("COMPLETED") == "Y" for row in answer.result}
        return done

    def delete(self, todo_ids: Sequence[str]) -> dict[str, str]:
        """What the portal said of each that it did not take away, "" of those that it did."""
        said: dict[str, str] = {}
        for some in _groups(todo_ids):
            replies = self._client.batch({id: Command(DELETE, {"id": id}) for id in some})
            said |= {id: "" if isinstance(reply, Answer) else str(reply) for id, reply in replies.items()}
        return said


def _groups(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """As many as a batch takes, which is a page of a list too."""
    return (ids[first : first + MOST_COMMANDS] for first in range(0, len(ids), MOST_COMMANDS))
