"""What a portal tells about itself and about the webhook, asked in a dozen small requests that change nothing."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from ...errors import PortalError
from ...words.texts import _
from . import tables, values
from .client import Client, Command
from .pages import Row
from .refusals import Answer, AuthError, Passing, Reply

# What is asked to see whether a table can be read: a page without its count, which is cheap on any portal.
_TABLES = {
    "deals": Command("crm.deal.list", {"select": ["ID"], "start": -1}),
    "leads": Command("crm.lead.list", {"select": ["ID"], "start": -1}),
    "companies": Command("crm.company.list", {"select": ["ID"], "start": -1}),
    "contacts": Command("crm.contact.list", {"select": ["ID"], "start": -1}),
    "stage_history": Command("crm.stagehistory.list", {"entityTypeId": 2, "select": ["ID"], "start": -1}),
    "activities": Command("crm.activity.list", {"select": ["ID"], "start": -1}),
    # Comments are listed one deal at a time: the first deal that the same request found.
    "comments": Command(
        "crm.timeline.comment.list",
        {"filter": {"ENTITY_TYPE": "deal", "ENTITY_ID": "$result[deals][0][ID]"}, "select": ["ID"]},
    ),
    "managers": Command("user.get", {"start": -1}),
    "departments": Command("department.get", {}),
    "calls": Command("voximplant.statistic.get", {"start": -1}),
}


@dataclass(frozen=True)
class Clock:
    """The portal's clock: the instant, the offset it is written with, and how far ahead of ours it is, in seconds.

    `took` is how long the question took: the drift is known to half of it.
    """

    at: datetime
    offset: timedelta
    ahead: float
    took: float


@dataclass(frozen=True)
class Owner:
    """Whose rights the webhook has."""

    id: str
    name: str
    is_admin: bool


def clock(client: Client) -> Clock:
    """The portal's clock against this machine's; raises what the portal says no with."""
    before = datetime.now(UTC)
    began = time.monotonic()
    answer = client.call("server.time")
    took = time.monotonic() - began
    text = str(answer.time.get("date_start") or answer.result)
    instant = values.instant(text, ZoneInfo("UTC"))
    if instant is None:
        raise PortalError(_("server.time gave no instant"))
    ahead = (instant - before).total_seconds() - took / 2
    return Clock(instant, datetime.fromisoformat(text).utcoffset() or timedelta(), ahead, took)


def owner(client: Client) -> Owner:
    """Who made the webhook."""
    raw = client.call("profile").result
    name = " ".join(filter(None, (values.text(raw.get("NAME")), values.text(raw.get("LAST_NAME")))))
    return Owner(str(raw.get("ID")), name, values.flag(raw.get("ADMIN")))


def survey(client: Client) -> dict[str, Reply]:
    """What the portal says to everything that a sync asks first, and to a page of every table, in one request."""
    return client.batch(tables.OPENING | _TABLES)


def refusals(replies: Mapping[str, Reply]) -> dict[str, PortalError]:
    """The tables that can't be read, and what the portal says of each."""
    pairs = ((name, replies.get(name)) for name in (*_TABLES, "stages", "currencies"))
    errors = {name: reply for name, reply in pairs if isinstance(reply, PortalError)}
    deals = replies.get("deals")
    if isinstance(deals, Answer) and not deals.result and not is_unknown(errors.get("comments")):
        errors.pop("comments", None)  # they were asked for of a deal that is not there
    return errors


def is_unknown(reply: Reply | None) -> bool:
    """Whether the portal has no such method, be it that a module is not installed."""
    return isinstance(reply, PortalError) and reply.code == "error_method_not_found"


def funnels(client: Client, replies: Mapping[str, Reply]) -> list[tuple[str, list[Row]]]:
    """Each pipeline's name and its stages; raises what the portal says no with."""
    reply = replies["pipelines"]
    pipelines = tables.old_pipelines(client) if is_unknown(reply) else tables.pipelines(answer(reply))
    stages = tables.stages(tables.statuses(answer(replies["stages"])))
    return [
        (str(pipeline["name"]), [stage for stage in stages if stage["pipeline_id"] == pipeline["pipeline_id"]])
        for pipeline in pipelines
    ]


def answer(reply: Reply) -> Answer:
    """The answer; raises the refusal."""
    if isinstance(reply, PortalError):
        raise reply
    return reply


def plan(client: Client) -> str:
    """The portal's plan in Bitrix24's own word, such as ru_ent10000; empty where it is not told."""
    try:
        app = client.call("app.info").result
    except (AuthError, Passing):
        raise
    except PortalError:  # only applications are told, on some portals
        return ""
    return str(app.get("LICENSE") or "") if isinstance(app, dict) else ""


def is_enterprise(plan: str) -> bool:
    """Whether the plan has the faster pace: 5 requests a second for 2."""
    return plan.lower().rpartition("_")[2].startswith("ent")
