"""What kind of thing an activity is, and whether a person did it: METRICS.md, "Activity", as one table.

The provider tells first; TYPE_ID is obsolete in part and decides only for providers that are not named here. What
nobody has heard of yet counts as an activity that a person completes.
"""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from .values import flag, instant, key, text

By = Literal["person", "machine", "customer"]

INCOMING, AUTOMATICALLY_DONE = "1", "3"
OWNER_TYPES = {"1": "lead", "2": "deal", "3": "contact", "4": "company"}


@dataclass(frozen=True)
class Nature:
    """`kind` as the reports have it; `by` whom it is done; `both_ways` where an answered incoming one is an action."""

    kind: Literal["call", "meeting", "email", "crm_activity"]
    by: By = "person"
    both_ways: bool = False
    has_own_end: bool = False


CALL = Nature("call", both_ways=True, has_own_end=True)
MEETING = Nature("meeting", both_ways=True, has_own_end=True)
EMAIL = Nature("email", has_own_end=True)
OTHER = Nature("crm_activity")
MACHINE = Nature("crm_activity", by="machine")
CHANNEL = Nature("crm_activity", by="customer")

BY_PROVIDER = {
    "VOXIMPLANT_CALL": CALL,
    "CRM_CALL_TRACKER": CALL,
    "CRM_MEETING": MEETING,
    "ZOOM": MEETING,
    "VISIT_TRACKER": MEETING,
    "CRM_EMAIL": EMAIL,
    "IMOPENLINES_SESSION": CHANNEL,
    "CRM_WEBFORM": CHANNEL,
    "CRM_NOTIFICATION": MACHINE,
    "CRM_DELIVERY": MACHINE,
    "CRM_PAYMENT": MACHINE,
    **dict.fromkeys(
        (
            "CRM_TODO", "CRM_TASKS_TASK", "CRM_TASKS_TASK_COMMENT", "CRM_SMS", "CRM_WHATSAPP", "CRM_TELEGRAM",
            "CALL_LIST", "CRM_CALENDAR_SHARING", "CONFIGURABLE_REST_APP", "REST_APP", "CRM_WAIT", "CRM_DOCUMENT",
            "CRM_SIGN_DOCUMENT", "CRM_REPEAT_SALE", "CRM_BOOKING",
        ),
        OTHER,
    ),
}  # fmt: skip
BY_TYPE = {"1": MEETING, "2": CALL, "3": OTHER, "4": EMAIL}


def nature(provider: str, type_id: str) -> Nature:
    """What an activity of this provider, else of this TYPE_ID, is."""
    if provider.startswith("CRM_BIZPROC_"):
        return MACHINE
    return BY_PROVIDER.get(provider) or BY_TYPE.get(type_id, OTHER)


def activity(raw: dict[str, Any], zone: ZoneInfo, failed_calls: Set[str]) -> dict[str, Any]:
    """The store's row; `failed_calls` are the activities of calls that telephony says nobody answered."""
    sort = nature(str(raw.get("PROVIDER_ID") or "").upper(), str(raw.get("TYPE_ID")))
    is_done = flag(raw.get("COMPLETED"))
    came_in = _came_in(raw, sort)
    by_person = sort.by == "person" and str(raw.get("STATUS")) != AUTOMATICALLY_DONE
    is_action = (
        is_done and by_person and (sort.both_ways or not came_in) and not _is_missed_call(raw, sort, failed_calls)
    )
    is_incoming = came_in and not is_action
    return {
        "activity_id": str(raw["ID"]),
        "owner_type": OWNER_TYPES.get(str(raw.get("OWNER_TYPE_ID")), "other"),
        "owner_id": key(raw.get("OWNER_ID")),
        "manager_id": key(raw.get("RESPONSIBLE_ID")),
        "kind": sort.kind,
        "is_done": is_done,
        "is_action": is_action,
        "is_incoming": is_incoming,
        "is_plan": not came_in,
        "created_at": instant(raw.get("CREATED"), zone),
        "at": _instant(raw, sort, zone, is_done=is_done, is_incoming=is_incoming),
        "deadline_at": instant(raw.get("DEADLINE"), zone),
        "updated_at": instant(raw.get("LAST_UPDATED"), zone),
    }


def _came_in(raw: dict[str, Any], sort: Nature) -> bool:
    """Whether the customer began it: a call or message to us, a chat, a web form."""
    if sort.by == "customer" or text(raw.get("DIRECTION")) == INCOMING:
        return True
    # Portals mark the calls that came through a connected line as well: there the direction decides.
    return flag(raw.get("IS_INCOMING_CHANNEL")) and not sort.both_ways


def _is_missed_call(raw: dict[str, Any], sort: Nature, failed_calls: Set[str]) -> bool:
    """A call that was missed or not answered is no action, even if somebody ticked it off later."""
    settings = raw.get("SETTINGS")
    is_missed = isinstance(settings, dict) and flag(settings.get("MISSED_CALL"))
    return sort.kind == "call" and (is_missed or str(raw["ID"]) in failed_calls)


def _instant(raw: dict[str, Any], sort: Nature, zone: ZoneInfo, *, is_done: bool, is_incoming: bool) -> datetime | None:
    """When it was done, or came in; None for what is still to do."""
    if is_incoming:
        names = ("END_TIME", "START_TIME", "CREATED") if sort.has_own_end else ("CREATED",)
    elif is_done:
        names = ("END_TIME", "LAST_UPDATED") if sort.has_own_end else ("LAST_UPDATED",)
    else:
        return None
    return next(filter(None, (instant(raw.get(name), zone) for name in names)), None)
