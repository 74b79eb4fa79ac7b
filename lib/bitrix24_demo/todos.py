"""To-dos on cards by REST: crm.activity.todo.add, and crm.activity.delete, as the documentation describes them."""

from datetime import datetime
from typing import Any

from .methods import Answer, Desk, Params, _required_value, register
from .schema import OWNER_TYPES
from .wire import Refusal, intval


@register("crm.activity.todo.add", "crm")
def _add(desk: Desk, params: Params) -> Answer:
    """The to-do's number. Without `responsibleId` it is the webhook's owner's, whosever card it is on."""
    owner_type, owner = intval(_required_value(params, "ownerTypeId")), intval(_required_value(params, "ownerId"))
    kinds = {number: name for name, number in OWNER_TYPES.items()}
    if owner_type not in kinds or owner not in _table(desk, kinds[owner_type]):
        raise Refusal(400, "OWNER_NOT_FOUND", "Owner not found")
    deadline = _instant(_required_value(params, "deadline"))
    activity = desk.company.add_activity(
        "todo", owner=owner, owner_type=kinds[owner_type], manager=intval(params.get("responsibleId")) or desk.user,
        deadline=deadline, SUBJECT=str(params.get("title") or ""), DESCRIPTION=str(params.get("description") or ""),
    )  # fmt: skip
    return Answer({"id": activity})


@register("crm.activity.delete", "crm")
def _delete(desk: Desk, params: Params) -> Answer:
    activity = desk.company.activities.get(intval(params.get("id", params.get("ID"))))
    if activity is None:
        raise Refusal(400, "", "Activity is not found.")
    desk.company.delete_activity(activity["ID"])
    return Answer(True)


def _table(desk: Desk, kind: str) -> Any:
    return {"deal": desk.company.deals, "lead": desk.company.leads}.get(kind, {})


def _instant(text: Any) -> datetime:
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        raise Refusal(400, "WRONG_DATETIME_FORMAT", "Wrong datetime format") from None
