"""Every column the store keeps: its type, what it means, and where the CRM keeps it.

Both sources (a Bitrix24 portal, a folder of files) deliver these tables and no others. Ids are text in every table,
instants are UTC, an absent value is null. The tables are typed by `arrow_schema`.
"""

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Kind = Literal["text", "integer", "number", "flag", "instant"]

ARROW: dict[str, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "flag": pa.bool_(),
    "instant": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Field:
    """One column: `crm` is the Bitrix24 field it comes from, empty when only files have it."""

    name: str
    kind: Kind
    meaning: str
    crm: str = ""


@dataclass(frozen=True)
class Table:
    """One table of the store; `key` names the columns that make a row unique."""

    name: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]

    @property
    def columns(self) -> list[str]:
        return [field.name for field in self.fields]


def _text(name: str, meaning: str, crm: str = "") -> Field:
    return Field(name, "text", meaning, crm)


def _instant(name: str, meaning: str, crm: str = "") -> Field:
    return Field(name, "instant", meaning, crm)


def _flag(name: str, meaning: str, crm: str = "") -> Field:
    return Field(name, "flag", meaning, crm)


def _integer(name: str, meaning: str, crm: str = "") -> Field:
    return Field(name, "integer", meaning, crm)


def _number(name: str, meaning: str, crm: str = "") -> Field:
    return Field(name, "number", meaning, crm)


_TABLES = (
    Table(
        "deals",
        ("deal_id",),
        (
            _text("deal_id", "the deal", "crm.deal.list ID"),
            _text("title", "what the CRM calls the deal; comes from web forms, so it may hold anything", "TITLE"),
            _text("pipeline_id", "the pipeline it stands in now", "CATEGORY_ID"),
            _text("stage_id", "the stage it stands on now", "STAGE_ID"),
            _text("outcome", "open | won | lost, as the CRM has it now", "STAGE_SEMANTIC_ID"),
            _text("manager_id", "who is responsible now", "ASSIGNED_BY_ID"),
            _text("source_id", "where it came from", "SOURCE_ID"),
            _text("company_id", "the customer, when a company", "COMPANY_ID"),
            _text("contact_id", "the customer's person", "CONTACT_ID"),
            _number("amount", "in the deal's own currency", "OPPORTUNITY"),
            _text("currency", "of the amount; empty means the base currency", "CURRENCY_ID"),
            _instant("created_at", "when it was created", "DATE_CREATE"),
            _instant("moved_at", "the last change of stage", "MOVED_TIME"),
            _instant(
                "closed_at",
                "the closing date's local midnight, of an open deal the planned one; people edit it",
                "CLOSEDATE",
            ),
            _instant("modified_at", "the last change of any field", "DATE_MODIFY"),
            _instant("last_activity_at", "the CRM's own last trace, robots included", "LAST_ACTIVITY_TIME"),
            _text("loss_reason", "why it was lost, where the CRM has it apart from the lost stage"),
        ),
    ),
    Table(
        "pipelines",
        ("pipeline_id",),
        (
            _text("pipeline_id", "the pipeline", "crm.category.list id"),
            _text("name", "its name", "name"),
            _integer("position", "its place among the pipelines", "sort"),
        ),
    ),
    Table(
        "stages",
        ("stage_id",),
        (
            _text("stage_id", "the stage; unique over all pipelines", "crm.status.list STATUS_ID"),
            _text("pipeline_id", "its pipeline", "ENTITY_ID"),
            _text("name", "its name; for a lost stage, the reason", "NAME"),
            _integer("position", "its place in the pipeline", "SORT"),
            _text("outcome", "open | won | lost", "SEMANTICS"),
        ),
    ),
    Table(
        "sources",
        ("source_id",),
        (
            _text("source_id", "the source", "crm.status.list STATUS_ID of SOURCE"),
            _text("name", "its name", "NAME"),
        ),
    ),
    Table(
        "stage_history",
        ("history_id",),
        (
            _integer("history_id", "rises with time; breaks ties of one instant", "crm.stagehistory.list ID"),
            _text("deal_id", "the deal that moved", "OWNER_ID"),
            _text("stage_id", "the stage it entered", "STAGE_ID"),
            _text("pipeline_id", "the pipeline of that stage", "CATEGORY_ID"),
            _text("outcome", "open | won | lost, as it was then", "STAGE_SEMANTIC_ID"),
            _instant("at", "when it entered", "CREATED_TIME"),
        ),
    ),
    Table(
        "activities",
        ("activity_id",),
        (
            _text("activity_id", "the activity", "crm.activity.list ID"),
            _text("owner_type", "deal | lead | contact | company | other", "OWNER_TYPE_ID"),
            _text("owner_id", "what it is bound to first", "OWNER_ID"),
            _text("manager_id", "who did it, or is to do it", "RESPONSIBLE_ID"),
            _text("kind", "call | meeting | email | crm_activity | comment", "PROVIDER_ID, TYPE_ID"),
            _flag("is_done", "completed, by anybody", "COMPLETED"),
            _flag("is_action", "completed by a person, and of a kind that counts as an action", "COMPLETED, STATUS"),
            _flag("is_incoming", "an incoming message or call: a sign of life, not an action", "DIRECTION"),
            _flag(
                "is_plan",
                "a next step while not done: no incoming chat, web form or missed call",
                "IS_INCOMING_CHANNEL",
            ),
            _instant("created_at", "when it was planned or came in", "CREATED"),
            _instant("at", "when it was done (END_TIME or LAST_UPDATED by kind) or came in", "END_TIME, LAST_UPDATED"),
            _instant("deadline_at", "when it is due; absent for the portal's year 9999", "DEADLINE"),
            _instant("updated_at", "the last change", "LAST_UPDATED"),
        ),
    ),
    Table(
        "done_seen",
        ("activity_id",),
        (
            _text("activity_id", "an activity seen completed"),
            _instant("seen_at", "the first sync that saw it completed"),
        ),
    ),
    Table(
        "comments",
        ("comment_id",),
        (
            _text("comment_id", "the comment", "crm.timeline.comment.list ID"),
            _text("owner_type", "deal | lead | contact | company", "ENTITY_TYPE"),
            _text("owner_id", "what was commented", "ENTITY_ID"),
            _text("manager_id", "who wrote it", "AUTHOR_ID"),
            _instant("at", "when", "CREATED"),
        ),
    ),
    Table(
        "companies",
        ("company_id",),
        (
            _text("company_id", "the company", "crm.company.list ID"),
            _text("name", "its name", "TITLE"),
            _instant("modified_at", "the last change", "DATE_MODIFY"),
        ),
    ),
    Table(
        "contacts",
        ("contact_id",),
        (
            _text("contact_id", "the person", "crm.contact.list ID"),
            _text("name", "first and last name", "NAME, LAST_NAME"),
            _instant("modified_at", "the last change", "DATE_MODIFY"),
        ),
    ),
    Table(
        "leads",
        ("lead_id",),
        (
            _text("lead_id", "the lead", "crm.lead.list ID"),
            _text("title", "what the CRM calls it", "TITLE"),
            _text("stage_id", "the lead stage it stands on now", "STATUS_ID"),
            _text("outcome", "open | won (converted) | lost", "STATUS_SEMANTIC_ID"),
            _text("manager_id", "who is responsible now", "ASSIGNED_BY_ID"),
            _text("source_id", "where it came from", "SOURCE_ID"),
            _text("company_id", "the customer, when a company", "COMPANY_ID"),
            _text("contact_id", "the customer's person", "CONTACT_ID"),
            _instant("created_at", "when it was created", "DATE_CREATE"),
            _instant("closed_at", "when it was converted or lost", "DATE_CLOSED"),
            _instant("modified_at", "the last change of any field", "DATE_MODIFY"),
            _instant("last_activity_at", "the CRM's own last trace", "LAST_ACTIVITY_TIME"),
        ),
    ),
    Table(
        "lead_stages",
        ("stage_id",),
        (
            _text("stage_id", "the lead stage", "crm.status.list STATUS_ID of STATUS"),
            _text("name", "its name", "NAME"),
            _integer("position", "its place", "SORT"),
            _text("outcome", "open | won | lost", "SEMANTICS"),
        ),
    ),
    Table(
        "managers",
        ("manager_id",),
        (
            _text("manager_id", "the person", "user.get ID"),
            _text("name", "first and last name", "NAME, LAST_NAME"),
            _flag("is_active", "false once dismissed", "ACTIVE"),
            _text("job_title", "as the CRM has it", "WORK_POSITION"),
            _text("email", "where mail reaches them; absent when the webhook may not know", "EMAIL"),
        ),
    ),
    Table(
        "manager_departments",
        ("manager_id", "department_id"),
        (
            _text("manager_id", "the person", "user.get ID"),
            _text("department_id", "a department of theirs", "UF_DEPARTMENT"),
            _integer("position", "0 is the first one, which counts them", "UF_DEPARTMENT"),
        ),
    ),
    Table(
        "departments",
        ("department_id",),
        (
            _text("department_id", "the department", "department.get ID"),
            _text("name", "its name", "NAME"),
            _text("parent_id", "the one above; absent at the root", "PARENT"),
            _text("head_id", "who leads it", "UF_HEAD"),
        ),
    ),
    Table(
        "currencies",
        ("currency",),
        (
            _text("currency", "its code", "crm.currency.list CURRENCY"),
            _number("rate", "base currency for one unit: AMOUNT ÷ AMOUNT_CNT", "AMOUNT, AMOUNT_CNT"),
            _flag("is_base", "the portal's base currency", "BASE"),
        ),
    ),
    Table(
        "plan_lines",
        ("line_id", "known_at"),
        (
            _text("line_id", "what the line is about: period, metric, manager, department, pipeline"),
            _text("period", "the month, quarter or year: 2025-03, 2025-Q1, 2025"),
            _text("metric", "what is planned, by the name of its metric"),
            _text("manager_id", "whose plan it is; empty for all"),
            _text("department_id", "the department's plan, with all below; empty for all"),
            _text("pipeline_id", "the pipeline's plan; empty for all"),
            _number("value", "what is planned, in `currency` where it is money; absent once the line was taken out"),
            _text("currency", "of the value; empty where it is no money"),
            _instant("known_at", "the first sync that read the line so"),
        ),
    ),
    Table(
        "dated_notes",
        ("note_id", "known_at"),
        (
            _text("note_id", "what the note says of which day, and about whom, as a code"),
            _text("day", "the day that it is about: 2025-03-14"),
            _text("text", "what it says; absent once the note was taken out"),
            _text("pipeline_id", "the pipeline that it is about; empty for all"),
            _text("manager_id", "the manager that it is about; empty for all"),
            _instant("known_at", "the first sync that read the note"),
        ),
    ),
    Table(
        "own_fields",
        ("entity", "field"),
        (
            _text("entity", "deal | lead | company | contact"),
            _text("field", "a field of the company's own, as the CRM names it"),
            _text("label", "what people call it", "crm.deal.fields listLabel"),
            _text("type", "what it holds, by the CRM's name: enumeration, double, money …"),
            _flag("is_multiple", "whether it can hold several values"),
            _instant("gone_at", "the first sync that found it deleted; absent while it is there"),
        ),
    ),
    Table(
        "own_options",
        ("entity", "field", "option_id"),
        (
            _text("entity", "deal | lead | company | contact"),
            _text("field", "the field"),
            _text("option_id", "a value to choose; those that were deleted stay known"),
            _text("name", "what people call it"),
            _integer("position", "its place in the list"),
        ),
    ),
    Table(
        "own_values",
        ("entity", "entity_id", "field"),
        (
            _text("entity", "deal | lead | company | contact"),
            _text("entity_id", "whose value it is"),
            _text("field", "the field"),
            _text(
                "value",
                "what it holds: an id, a text, a number, 100|RUB, 2025-03-31; several as a JSON list",
                "crm.deal.list UF_CRM_…",
            ),
        ),
    ),
    Table(
        "product_rows",
        ("deal_id",),
        (
            _text(
                "deal_id",
                "whose product rows they are; of a deal that was never asked for them there is no row",
                "crm.item.productrow.list ownerId",
            ),
            _text(
                "lines",
                "a JSON list, empty for none, absent where they could not be read: product (its id), name, quantity, price and discount of one unit, with tax",
                "productId, productName, quantity, price, priceBrutto",
            ),
        ),
    ),
    Table(
        "products",
        ("product_id",),
        (
            _text("product_id", "the product, or a variation of it", "catalog.product.get id"),
            _text("name", "its name", "name"),
            _text("section_id", "the section it is in, of a variation its product's", "iblockSectionId"),
        ),
    ),
    Table(
        "sections",
        ("section_id",),
        (
            _text("section_id", "the section of the catalogue", "catalog.section.get id"),
            _text("name", "its name", "name"),
        ),
    ),
    Table(
        "syncs",
        ("synced_at",),
        (
            _instant("synced_at", "the server's clock when the sync began: later changes are not in it"),
            _instant("finished_at", "when it ended"),
            _text("source", "demo | bitrix24 | files"),
            _text("portal_url", "where links lead, without the secret; empty for files"),
            _text("present", "the tables the source has, comma-separated"),
            _text("holes", "a JSON list of {table, code, text}: what could not be read, and why"),
            _instant("swept_at", "the sync that last looked for what was deleted; it may be an earlier one"),
            _integer("utc_offset", "the minutes that the portal's clock is ahead of UTC; absent for files"),
            _text(
                "receipt",
                "a JSON table: what was counted here and by the portal itself, or in the files, and where that differs",
            ),
        ),
    ),
)

# What changes with a row, beside its id: enough to know whether it is held as it is.
STAMPS = {
    "deals": ("modified_at", "last_activity_at"),
    "leads": ("modified_at", "last_activity_at"),
    "companies": ("modified_at",),
    "contacts": ("modified_at",),
    "activities": ("updated_at",),
}

# What the CRM overwrites without a trace. A version is a row as every sync saw it up to last_seen_at, kept when a later
# one saw it otherwise. As of T a row is its version with the smallest last_seen_at >= T, else what the table holds now.
VERSIONED = ("deals", "leads", "activities", "currencies", "own_values", "product_rows")

# What may have fields of the company's own, and what `own_values` calls it.
ENTITIES = {"deals": "deal", "leads": "lead", "companies": "company", "contacts": "contact"}


def _versions(table: Table) -> Table:
    last_seen = _instant("last_seen_at", "the last sync that saw the row so")
    return Table(f"{table.name}_versions", (*table.key, last_seen.name), (*table.fields, last_seen))


TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
TABLES |= {table.name: table for table in map(_versions, (TABLES[name] for name in VERSIONED))}


def arrow_schema(table: str) -> pa.Schema:
    """The types of one table, as Arrow; keys are not null."""
    entry = TABLES[table]
    return pa.schema([pa.field(f.name, ARROW[f.kind], nullable=f.name not in entry.key) for f in entry.fields])
