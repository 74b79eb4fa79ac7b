"""What the portal's people were told: im.notify.*, as the documentation describes it for a webhook.

A notice with a TAG takes the place of the same person's older one with that TAG; a webhook's TAG means nothing without
a CLIENT_ID beside it, and such notices pile up.
"""

from itertools import count
from typing import Any

from .methods import Answer, Desk, Params, register
from .wire import Refusal, intval

LONGEST = 20_000


def _notice(desk: Desk, params: Params, sender: int) -> Answer:
    """The notice's number; false, and no error, for somebody who is not there."""
    user, message = intval(params.get("USER_ID")), str(params.get("MESSAGE") or "").strip()
    if not user:
        raise Refusal(400, "USER_ID_EMPTY", "User ID can't be empty")
    if not message:
        raise Refusal(400, "MESSAGE_EMPTY", "Message can't be empty")
    if user not in desk.company.users:
        return Answer(False)
    tag, client = str(params.get("TAG") or ""), str(params.get("CLIENT_ID") or "")
    _remove(desk, lambda notice: client and tag and (notice["USER_ID"], *_tag(notice)) == (user, tag, client))
    number = next(number for number in count(len(desk.notices) + 1) if number not in desk.notices)
    desk.notices[number] = {
        "ID": number, "USER_ID": user, "FROM": sender, "TAG": tag, "SUB_TAG": str(params.get("SUB_TAG") or ""),
        "CLIENT_ID": client, "MESSAGE": message if len(message) <= LONGEST else f"{message[:LONGEST]} (...)",
    }  # fmt: skip
    return Answer(number)


def _tag(notice: dict[str, Any]) -> tuple[str, str]:
    return notice["TAG"], notice["CLIENT_ID"]


def _remove(desk: Desk, is_meant: Any) -> bool:
    numbers = [number for number, notice in desk.notices.items() if is_meant(notice)]
    for number in numbers:
        del desk.notices[number]
    return bool(numbers)


@register("im.notify.system.add", "im")
def _from_system(desk: Desk, params: Params) -> Answer:
    return _notice(desk, params, 0)


@register("im.notify.personal.add", "im")
def _from_owner(desk: Desk, params: Params) -> Answer:
    return _notice(desk, params, desk.user)


@register("im.notify.delete", "im")
def _delete(desk: Desk, params: Params) -> Answer:
    """By its number, else by TAG and CLIENT_ID."""
    number, tag = intval(params.get("ID")), (str(params.get("TAG") or ""), str(params.get("CLIENT_ID") or ""))
    if number:
        return Answer(desk.notices.pop(number, None) is not None)
    return Answer(all(tag) and _remove(desk, lambda notice: _tag(notice) == tag))
