"""The store's tables as Bitrix24 has them: what to ask for each, selecting only what we keep, and how to type a row.

Which CRM field a column comes from is in `fields`; here is only what takes more than reading one field.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from ...errors import PortalError
from ..fields import STAMPS, TABLES
from . import values
from .activities import activity
from .client import Client, Command
from .cursors import Ask
from .pages import Listing, Row, by_start, many_by_start, rows_of
from .refusals import Answer, Reply

OUTCOMES = {"P": "open", "S": "won", "F": "lost"}
READ: dict[str, Callable[[Any, ZoneInfo], Any]] = {
    "text": lambda value, zone: values.text(value),
    "integer": lambda value, zone: values.integer(value),
    "number": lambda value, zone: values.number(value),
    "flag": lambda value, zone: values.flag(value),
    "instant": values.instant,
}
# Columns that name another row, where "0" means none. Pipeline "0" is the default one, and a stage may be called so.
REFERENCES = {"manager_id", "company_id", "contact_id", "owner_id", "parent_id", "head_id"}


@dataclass(frozen=True)
class Context:
    """What typing a row takes beside the row: the zone of bare dates, outcomes by stage, calls nobody answered."""

    zone: ZoneInfo
    outcomes: Mapping[str, str] = field(default_factory=dict)
    lead_outcomes: Mapping[str, str] = field(default_factory=dict)
    failed_calls: Set[str] = frozenset()


def _crm_names(table: str) -> dict[str, tuple[str, ...]]:
    """The CRM's fields behind each column: the last word of each part, for the first may name the method."""
    return {
        column.name: tuple(part.split()[-1] for part in column.crm.split(", "))
        for column in TABLES[table].fields
        if column.crm
    }


CRM_NAMES = {table: _crm_names(table) for table in TABLES}
SINGLE = {
    table: [
        (column.name, CRM_NAMES[table][column.name][0], values.key if column.name in REFERENCES else None, column.kind)
        for column in TABLES[table].fields
        if column.crm
    ]
    for table in TABLES
}


def _plain(table: str, raw: Row, context: Context) -> Row:
    """The row with every column read from its own field."""
    return {
        name: reference(raw.get(crm)) if reference else READ[kind](raw.get(crm), context.zone)
        for name, crm, reference, kind in SINGLE[table]
    }


def _select(table: str, *more: str) -> tuple[str, ...]:
    names = (name for several in CRM_NAMES[table].values() for name in several)
    return tuple(dict.fromkeys((*names, *more)))


def outcome(semantics: Any, stage: str | None = None, outcomes: Mapping[str, str] | None = None) -> str:
    """open, won or lost by Bitrix24's letter, else by the stage; what neither knows is open."""
    return OUTCOMES.get(str(semantics)) or (outcomes or {}).get(stage or "", "open")


def deal(raw: Row, context: Context) -> Row:
    row = _plain("deals", raw, context)
    return row | {
        "pipeline_id": row["pipeline_id"] or "0",
        "outcome": outcome(raw.get("STAGE_SEMANTIC_ID"), row["stage_id"], context.outcomes),
        "closed_at": values.midnight(raw.get("CLOSEDATE"), context.zone),
        "loss_reason": None,
    }


def lead(raw: Row, context: Context) -> Row:
    row = _plain("leads", raw, context)
    return row | {"outcome": outcome(raw.get("STATUS_SEMANTIC_ID"), row["stage_id"], context.lead_outcomes)}


def company(raw: Row, context: Context) -> Row:
    return _plain("companies", raw, context)


def contact(raw: Row, context: Context) -> Row:
    return _plain("contacts", raw, context) | {"name": values.words(raw.get("NAME"), raw.get("LAST_NAME"))}


def stage_entry(raw: Row, context: Context) -> Row:
    row = _plain("stage_history", raw, context)
    return row | {
        "deal_id": row["deal_id"],
        "pipeline_id": row["pipeline_id"] or "0",
        "outcome": outcome(raw.get("STAGE_SEMANTIC_ID"), row["stage_id"], context.outcomes),
    }


def _activity(raw: Row, context: Context) -> Row:
    return activity(raw, context.zone, context.failed_calls)


@dataclass(frozen=True)
class Entity:
    """A table whose rows have rising ids: how it is listed, how a row is typed, which fields tell of a change."""

    listing: Listing
    row_of: Callable[[Row, Context], Row]
    changed_by: tuple[str, ...] = ("DATE_MODIFY", "LAST_ACTIVITY_TIME")
    get: str = ""


# An ID in the filter would switch off the portal's own IS_RECURRING=N, and templates are no deals.
NO_TEMPLATES = {"IS_RECURRING": "N"}

ENTITIES: dict[str, Entity] = {
    "deals": Entity(
        Listing("crm.deal.list", _select("deals", "IS_RECURRING"), where=NO_TEMPLATES), deal, get="crm.deal.get"
    ),
    "leads": Entity(Listing("crm.lead.list", _select("leads")), lead, get="crm.lead.get"),
    "companies": Entity(
        Listing("crm.company.list", _select("companies", "LAST_ACTIVITY_TIME")), company, get="crm.company.get"
    ),
    "contacts": Entity(
        Listing("crm.contact.list", _select("contacts", "LAST_ACTIVITY_TIME")), contact, get="crm.contact.get"
    ),
    "stage_history": Entity(
        Listing("crm.stagehistory.list", _select("stage_history"), others={"entityTypeId": 2}, wrapper="items"),
        stage_entry,
        changed_by=(),
    ),
    "activities": Entity(
        Listing(
            "crm.activity.list",
            (
                "ID", "OWNER_ID", "OWNER_TYPE_ID", "TYPE_ID", "PROVIDER_ID", "CREATED", "LAST_UPDATED", "START_TIME",
                "END_TIME", "DEADLINE", "COMPLETED", "STATUS", "RESPONSIBLE_ID", "DIRECTION", "SETTINGS",
                "IS_INCOMING_CHANNEL",
            ),
        ),
        _activity,
        changed_by=("LAST_UPDATED",),
        get="crm.activity.get",
    ),
}  # fmt: skip

PEOPLE = Listing(
    "user.get",
    ("ID", "NAME", "LAST_NAME", "ACTIVE", "WORK_POSITION", "EMAIL", "UF_DEPARTMENT"),
    order={"sort": "ID", "order": "ASC"},
    filter_name="FILTER",
)
CALLS = Listing("voximplant.statistic.get", order={"SORT": "ID", "ORDER": "ASC"}, filter_name="FILTER")


def ask_stamps(table: str) -> Listing:
    """Every row of one of ENTITIES that the portal shows, and of it only the id and the stamps."""
    names = (CRM_NAMES[table][stamp][0] for stamp in STAMPS[table])
    return replace(ENTITIES[table].listing, select=("ID", *names))


def stamps(table: str, rows: Iterable[Row], zone: ZoneInfo) -> list[tuple[int, list[datetime | None]]]:
    """The ids and stamps of such rows."""
    names = [CRM_NAMES[table][stamp][0] for stamp in STAMPS[table]]
    return [(int(raw["ID"]), [values.instant(raw.get(name), zone) for name in names]) for raw in rows]


# What is asked first, all in one request; people and what else has a cursor follow.
OPENING = {
    "scope": Command("scope", {}),
    "pipelines": Command("crm.category.list", {"entityTypeId": 2}),
    "stages": Command("crm.status.list", {"order": {"SORT": "ASC"}}),
    "currencies": Command("crm.currency.list", {}),
    "lead_mode": Command("crm.settings.mode.get", {}),
}


def scopes(answer: Reply) -> set[str] | None:
    """What the webhook may read; None when the portal does not say."""
    names = answer.result if isinstance(answer, Answer) else None
    return set(map(str, names)) if isinstance(names, list) and names else None


def ask_people(name: str) -> Ask:
    """Everyone with an account, the dismissed too; deleted accounts are gone, and show as their ids."""
    return Ask(name, PEOPLE)


def ask_calls(name: str, since: datetime | None) -> Ask:
    """The calls that telephony has recorded, begun since then."""
    where = {">=CALL_START_DATE": since.isoformat()} if since else {}
    return Ask(name, CALLS, where, is_long=since is None)


def unanswered_calls(calls: Iterable[Row]) -> list[str]:
    """The activities of those calls that did not come about: 200 is an answered one."""
    failures = (raw for raw in calls if values.text(raw.get("CALL_FAILED_CODE")) not in (None, "200"))
    return [activity_id for raw in failures if (activity_id := values.key(raw.get("CRM_ACTIVITY_ID")))]


Element = tuple[str, str]


def comments(client: Client, elements: Iterable[Element]) -> Iterator[tuple[Element, list[Row] | PortalError]]:
    """The comments of each element (deal, lead, company or contact; id): Bitrix24 lists them one element at a time."""

    def page(element: Element, start: int) -> Command:
        owner_type, owner_id = element
        where = {"ENTITY_TYPE": owner_type, "ENTITY_ID": owner_id}
        select = ["ID", "ENTITY_ID", "ENTITY_TYPE", "CREATED", "AUTHOR_ID"]
        params = {"filter": where, "select": select, "order": {"ID": "ASC"}, "start": start}
        return Command("crm.timeline.comment.list", params)

    yield from many_by_start(client, elements, page)


def comment(raw: Row, element: Element, context: Context) -> Row:
    return {
        "comment_id": str(raw["ID"]),
        "owner_type": element[0],
        "owner_id": element[1],
        "manager_id": values.key(raw.get("AUTHOR_ID")),
        "at": values.instant(raw.get("CREATED"), context.zone),
    }


def pipelines(answer: Answer) -> list[Row]:
    """The pipelines that the webhook's owner may read."""
    return [_pipeline(raw) for raw in rows_of(answer.result, "categories")]


def old_pipelines(client: Client) -> list[Row]:
    """As older portals tell them: the default one apart from the others."""
    default = client.call("crm.dealcategory.default.get").result
    rest = rows_of(client.call("crm.dealcategory.list").result)
    first = {"id": "0", "name": default.get("NAME"), "sort": 0}
    lower = ({"id": raw["ID"], "name": raw.get("NAME"), "sort": raw.get("SORT")} for raw in rest)
    return [_pipeline(raw) for raw in (first, *lower)]


def _pipeline(raw: Row) -> Row:
    name, position = values.text(raw.get("name")), values.integer(raw.get("sort"))
    return {"pipeline_id": str(raw["id"]), "name": name, "position": position}


def statuses(answer: Answer) -> list[Row]:
    """Every dictionary at once: stages, lead stages, sources and much else, told apart by ENTITY_ID."""
    return rows_of(answer.result)


def stages(raws: Iterable[Row]) -> list[Row]:
    return [_stage(raw, pipeline) for raw in raws if (pipeline := _pipeline_of(raw)) is not None]


def _pipeline_of(raw: Row) -> str | None:
    entity = str(raw.get("ENTITY_ID"))
    return "0" if entity == "DEAL_STAGE" else entity.removeprefix("DEAL_STAGE_") if "DEAL_STAGE_" in entity else None


def _stage(raw: Row, pipeline: str) -> Row:
    # One page of the documentation shows the stages of pipeline 7 without their prefix; deals carry it.
    prefix = "" if pipeline == "0" or ":" in str(raw["STATUS_ID"]) else f"C{pipeline}:"
    return _step(raw, prefix) | {"pipeline_id": pipeline}


def _step(raw: Row, prefix: str = "") -> Row:
    return {
        "stage_id": f"{prefix}{raw['STATUS_ID']}",
        "name": values.text(raw.get("NAME")),
        "position": values.integer(raw.get("SORT")),
        "outcome": outcome(_semantics(raw)),
    }


def _semantics(raw: Row) -> str:
    extra = raw.get("EXTRA")
    semantics = extra.get("SEMANTICS") if isinstance(extra, dict) else None
    return raw.get("SEMANTICS") or {"success": "S", "failure": "F", "apology": "F"}.get(str(semantics), "P")


def lead_stages(raws: Iterable[Row]) -> list[Row]:
    return [_step(raw) for raw in raws if raw.get("ENTITY_ID") == "STATUS"]


def sources(raws: Iterable[Row]) -> list[Row]:
    return [
        {"source_id": str(raw["STATUS_ID"]), "name": values.text(raw.get("NAME"))}
        for raw in raws
        if raw.get("ENTITY_ID") == "SOURCE"
    ]


def managers(raws: Iterable[Row]) -> list[Row]:
    return [
        {
            "manager_id": str(raw["ID"]),
            "name": values.words(raw.get("NAME"), raw.get("LAST_NAME")),
            "is_active": values.flag(raw.get("ACTIVE")),
            "job_title": values.text(raw.get("WORK_POSITION")),
            "email": values.text(raw.get("EMAIL")),
        }
        for raw in raws
    ]


def manager_departments(raws: Iterable[Row]) -> list[Row]:
    return [
        {"manager_id": str(raw["ID"]), "department_id": department, "position": place}
        for raw in raws
        for place, department in enumerate(_departments_of(raw))
    ]


def _departments_of(raw: Row) -> list[str]:
    ids = raw.get("UF_DEPARTMENT")
    ids = list(ids.values()) if isinstance(ids, dict) else ids if isinstance(ids, list) else [ids]
    return list(dict.fromkeys(filter(None, map(values.key, ids))))


def departments(client: Client) -> list[Row]:
    pages = by_start(client, "department.get", sort="ID", order="ASC")
    return [
        {
            "department_id": str(raw["ID"]),
            "name": values.text(raw.get("NAME")),
            "parent_id": values.key(raw.get("PARENT")),
            "head_id": values.key(raw.get("UF_HEAD")),
        }
        for page in pages
        for raw in page
    ]


def currencies(answer: Answer) -> list[Row]:
    """The portal's currencies at its one rate: the rate of today, for it keeps no history."""
    return [_currency(raw) for raw in rows_of(answer.result)]


def _currency(raw: Row) -> Row:
    amount, count = values.number(raw.get("AMOUNT")), values.number(raw.get("AMOUNT_CNT")) or 1
    return {
        "currency": str(raw["CURRENCY"]),
        "rate": None if amount is None else amount / count,
        "is_base": values.flag(raw.get("BASE")),
    }


def uses_leads(answer: Answer) -> bool:
    """Whether the portal works with leads: mode 1 does, 2 does not."""
    return values.integer(answer.result) == 1
