"""What each REST method answers. A method takes the desk and its parameters, and gives an Answer or a Refusal."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta, timezone, tzinfo
from functools import cached_property
from typing import Any

from . import schema
from .company import Company, Currency
from .conditions import Conditions, Dialect, Test, read_filter
from .listing import PAGE, Family, Found, Page, turn_to
from .quirks import Quirks
from .removal import OwnerType
from .schema import OWNER_TYPES, Row, camel
from .tables import Table
from .variants import Variant, variants
from .wire import Refusal, Writers, as_list, intval

Params = Mapping[str, Any]


@dataclass(frozen=True)
class Desk:
    """All that a method may look at."""

    company: Company
    writers: Writers
    quirks: Quirks
    scopes: tuple[str, ...]
    user: int
    found: dict[Any, Found] = field(default_factory=dict)
    notices: dict[int, Row] = field(default_factory=dict)

    def page(
        self, family: Family, table: Table, conditions: Conditions, order: Mapping[str, str], params: Params
    ) -> Page:
        """The page asked for; its rows are looked for once in a request, for a batch often turns pages of one list."""
        question = [(name, value) for name, value in params.items() if name.lower() not in ("start", "select")]
        rows = self.found.setdefault((family, id(table), repr(question)), Found(table, conditions, order))
        return turn_to(family, rows, params.get("start", params.get("START")))

    @cached_property
    def variants(self) -> tuple[Variant, ...]:
        """What this portal does to its legacy rows."""
        return variants(self.quirks)

    @cached_property
    def user_zone(self) -> tzinfo:
        """The zone of filters without an offset: legacy lists take the user's, which should be the server's."""
        shift = timedelta(hours=self.quirks.user_zone_shift_hours)
        offset = self.company.now.astimezone(self.company.zone).utcoffset() or timedelta()
        return timezone(offset + shift) if shift else self.company.zone


@dataclass(frozen=True)
class Answer:
    """A method's `result`, with `total` and `next` where its family has them."""

    result: Any
    total: int | None = None
    next: int | None = None

    @property
    def rows(self) -> int:
        """How many rows it gives: those of the list, be it in a wrapper; a single row is one."""
        inside = next(iter(self.result.values()), None) if isinstance(self.result, dict) else self.result
        return len(inside) if isinstance(inside, list) else 1


@dataclass(frozen=True)
class Method:
    """What answers, and the scopes of which the webhook needs one."""

    answer: Callable[[Desk, Params], Answer]
    scopes: frozenset[str]


METHODS: dict[str, Method] = {}


def register(name: str, *scopes: str) -> Callable[[Callable[[Desk, Params], Answer]], Callable[[Desk, Params], Answer]]:
    """What comes next answers the method of that name, to a webhook that has one of the scopes."""

    def enter(answer: Callable[[Desk, Params], Answer]) -> Callable[[Desk, Params], Answer]:
        METHODS[name] = Method(answer, frozenset(scopes))
        return answer

    return enter


# Parameters


def _array(params: Params, name: str) -> dict[str, Any]:
    """A parameter that must be an array, by key; legacy methods take its name in lower or upper case."""
    value = params.get(name, params.get(name.upper()))
    if value is not None and not isinstance(value, dict | list):
        raise Refusal(400, "", f"Parameter '{name}' must be array.")
    return value if isinstance(value, dict) else {str(index): item for index, item in enumerate(value or [])}


def _required_value(params: Params, name: str) -> Any:
    if name not in params:
        raise Refusal(400, 100, f"Could not find value for parameter {{{name}}}")
    return params[name]


def _order(entries: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Fields and directions; keys of no field are dropped."""
    pairs = entries.items() if isinstance(entries, dict) else ()
    return {names[key]: str(direction).upper() for key, direction in pairs if key in names}


def _filterable(table: Table) -> dict[str, str]:
    return {name: name for name, kind in table.schema.items() if kind != "object"}


def _selection(table: Table, select: Any) -> list[str]:
    """The fields that `select` names; `*` has no user fields, `UF_*` nothing else; nothing asked means both."""
    names = set(map(str, as_list(select)))
    fields = [
        name
        for name in table.schema
        if name in names or ("UF_*" if name.startswith("UF_") else "*") in names
    ]  # fmt: skip
    return fields or list(table.schema)


# Legacy lists of the CRM


def _as_texts(desk: Desk, rows: Iterable[Row], fields: list[str]) -> list[Row]:
    texts = [desk.writers.legacy(row, fields) for row in rows]
    for variant in desk.variants:
        for row in texts:
            variant(row)
    return texts


def _legacy_list(
    desk: Desk, table: Table, params: Params, default_order: Params | None = None, tests: tuple[Test, ...] = ()
) -> Answer:
    names = _filterable(table)
    filterable = names if desk.quirks.filters_last_activity else _names_but(names, "LAST_ACTIVITY_TIME")
    conditions = read_filter(Dialect(table.schema, filterable, desk.user_zone), _array(params, "filter"))
    conditions = replace(conditions, tests=(*conditions.tests, *tests))
    order = _order(_array(params, "order"), names) or default_order or {}
    page = desk.page("legacy", table, conditions, order, params)
    page = _cap(page, desk.quirks.total_at_most)
    if table is desk.company.deals and desk.quirks.lists_lack:
        page = replace(page, rows=[row for row in page.rows if row["ID"] not in desk.quirks.lists_lack])
    return Answer(_as_texts(desk, page.rows, _selection(table, _array(params, "select"))), page.total, page.next)


def _names_but(names: dict[str, str], hidden: str) -> dict[str, str]:
    return {name: field for name, field in names.items() if name != hidden}


def _cap(page: Page, most: int | None) -> Page:
    """Some plans count no further than so many rows, nor turn pages beyond; a cursor over ids does not notice."""
    if most is None or page.total is None:
        return page
    following = page.next if page.next is not None and page.next < most else None
    return replace(page, total=min(page.total, most), next=following)


def _legacy_get(desk: Desk, table: Table, params: Params) -> Answer:
    row_id = intval(params.get("id", params.get("ID")))
    if row_id <= 0:
        raise Refusal(400, "", "ID is not defined or invalid.")
    if table is desk.company.deals and row_id in desk.company.hidden_deals:
        raise Refusal(400, "", "Access denied.")
    if row_id not in table:
        raise Refusal(400, "", "Not found")
    return Answer(_as_texts(desk, [table[row_id]], list(table.schema))[0])


def _fields(desk: Desk, table: Table, owner_type: OwnerType) -> Answer:
    own = desk.company.fields.get(owner_type, {})
    return Answer(_described(table) | {name: field.described() for name, field in own.items()})


def _described(table: Table) -> dict[str, Row]:
    return {
        name: {
            "type": kind, "isRequired": False, "isReadOnly": name == "ID", "isImmutable": False, "isMultiple": False,
            "isDynamic": name.startswith("UF_"), "title": name,
        }
        for name, kind in table.schema.items()
    }  # fmt: skip


def _entity(prefix: str, pick: Callable[[Company], Table]) -> None:
    """Registers the list, get and fields of one kind of row."""
    register(f"{prefix}.list", "crm")(lambda desk, params: _legacy_list(desk, pick(desk.company), params))
    register(f"{prefix}.get", "crm")(lambda desk, params: _legacy_get(desk, pick(desk.company), params))
    owner_type = prefix.rpartition(".")[2]
    register(f"{prefix}.fields", "crm")(lambda desk, params: _fields(desk, pick(desk.company), owner_type))


_entity("crm.deal", lambda company: company.deals)
_entity("crm.lead", lambda company: company.leads)
_entity("crm.company", lambda company: company.companies)
_entity("crm.contact", lambda company: company.contacts)
_entity("crm.activity", lambda company: company.activities)


@register("crm.deal.list", "crm")
def _deal_list(desk: Desk, params: Params) -> Answer:
    return _legacy_list(desk, desk.company.deals, _without_templates(params))


def _without_templates(params: Params) -> Params:
    """Recurring templates stay hidden unless ID or IS_RECURRING is filtered."""
    conditions = _array(params, "filter")
    names = [key.lstrip("!<>=@%") for key in conditions]
    if "ID" in names or "IS_RECURRING" in names:
        return params
    return {**params, "filter": {**conditions, "IS_RECURRING": "N"}}


@register("crm.deal.contact.items.get", "crm")
def _deal_contacts(desk: Desk, params: Params) -> Answer:
    contact = _legacy_get(desk, desk.company.deals, params).result["CONTACT_ID"]
    item = {"CONTACT_ID": intval(contact), "SORT": 10, "ROLE_ID": 0, "IS_PRIMARY": "Y"}
    return Answer([item] if item["CONTACT_ID"] else [])


@register("crm.activity.list", "crm")
def _activity_list(desk: Desk, params: Params) -> Answer:
    bindings = _array(params, "filter").get("BINDINGS")
    answer = _legacy_list(desk, desk.company.activities, params, {"START_TIME": "ASC"}, _bound_to(bindings))
    return _with_repeat(answer) if desk.quirks.activities_repeat else answer


def _with_repeat(answer: Answer) -> Answer:
    """As a join over bindings gives it on some portals: a row twice in a page, the last one left out; a total too high."""
    rows = answer.result
    if len(rows) == PAGE and answer.total == 0:
        rows = [*rows[:7], *rows[6:-1]]
    return replace(answer, result=rows, total=answer.total and answer.total + 1)


def _bound_to(bindings: Any) -> tuple[Test, ...]:
    """BINDINGS is a filter and no field: the owners of which an activity must have one."""
    if not bindings:
        return ()
    owners = {
        (intval(binding.get("OWNER_TYPE_ID")), intval(binding.get("OWNER_ID")))
        for binding in as_list(bindings)
        if isinstance(binding, dict)
    }
    return (lambda row: (row["OWNER_TYPE_ID"], row["OWNER_ID"]) in owners,)


@register("crm.activity.binding.list", "crm")
def _activity_bindings(desk: Desk, params: Params) -> Answer:
    activity = desk.company.activities.get(intval(_required_value(params, "activityId")))
    if activity is None:
        raise Refusal(400, "NOT_FOUND", "Element not found")
    return Answer([{"entityTypeId": activity["OWNER_TYPE_ID"], "entityId": activity["OWNER_ID"]}])


@register("crm.timeline.comment.list", "crm")
def _comment_list(desk: Desk, params: Params) -> Answer:
    """One timeline at a time; without an owner in the filter there is nothing. start=-1 counts all the same."""
    conditions, table = _array(params, "filter"), desk.company.comments
    owner = (str(conditions.get("ENTITY_TYPE")), intval(conditions.get("ENTITY_ID")))
    ids = frozenset(row["ID"] for row in desk.company.comments_of(*owner))
    rows = Found(table, Conditions.of(ids), _order(_array(params, "order"), _filterable(table)))
    page = turn_to("controller", rows, max(0, intval(params.get("start"))))
    comments = _as_texts(desk, page.rows, _selection(table, _array(params, "select")))
    if desk.quirks.comments_carry_files:
        comments = [row | {"FILES": _files(row, desk)} for row in comments]
    return Answer(comments, page.total, page.next)


def _files(comment: Row, desk: Desk) -> Row | list[Any]:
    """Every other comment has one: a map by its id; none is an empty array."""
    number = intval(comment.get("ID"))
    file = {"id": number, "type": "image", "name": "1.gif", "size": 43, "date": desk.writers.instant(desk.company.now)}
    return {str(number): file} if number % 2 else []


# Controllers


def _controller_page(
    desk: Desk, table: Table, names: dict[str, str], params: Params, tests: tuple[Test, ...] = ()
) -> Page:
    filter_value = params.get("filter")
    if filter_value is not None and not isinstance(filter_value, dict | list):
        problem = "Invalid value {filter} to match with parameter {filter}. Should be value of type array."
        raise Refusal(400, 100, problem)
    dialect = Dialect(table.schema, names, desk.company.zone, refuses_unknown=True)
    conditions = read_filter(dialect, filter_value)
    conditions = replace(conditions, tests=(*conditions.tests, *tests))
    order = _order(params.get("order"), names)
    return desk.page("controller", table, conditions, order, params)


_UNSUPPORTED = "ENTITY_TYPE_NOT_SUPPORTED"


def _items(desk: Desk, params: Params) -> tuple[int, Table]:
    entity = intval(_required_value(params, "entityTypeId"))
    tables = {1: desk.company.leads, 2: desk.company.deals} | desk.company.processes
    if entity not in tables:
        raise Refusal(400, _UNSUPPORTED, f"Entity type '{entity}' is not supported")
    return entity, tables[entity]


@register("crm.item.fields", "crm")
def _item_fields(desk: Desk, params: Params) -> Answer:
    _entity_type, table = _items(desk, params)
    own = {camel(name): field | {"upperName": name} for name, field in _described(table).items()}
    return Answer({"fields": own | _CONTROLLERS_OWN})


_PEOPLE = {"type": "crm_contact", "isRequired": False, "isReadOnly": False, "isImmutable": False, "isMultiple": True}
# Of every item, though no column of its table.
_CONTROLLERS_OWN = {
    "webformId": _PEOPLE | {"type": "integer", "isMultiple": False, "title": "WEBFORM_ID", "upperName": "WEBFORM_ID"},
    "contactIds": _PEOPLE | {"title": "CONTACT_IDS", "upperName": "CONTACT_IDS"},
    "contacts": _PEOPLE | {"title": "CONTACTS", "upperName": "CONTACTS"},
    "observers": _PEOPLE | {"type": "user", "title": "OBSERVERS", "upperName": "OBSERVERS"},
}


@register("crm.item.list", "crm")
def _item_list(desk: Desk, params: Params) -> Answer:
    entity, table = _items(desk, params)
    names = _camel_names(table) | _filterable(table)
    for key in params.get("order") or {}:
        if key not in names:
            raise Refusal(400, "INVALID_ARG_VALUE", f"Invalid order: field '{key}' is not allowed in order")
    page = _controller_page(desk, table, names, params)
    select = set(map(str, as_list(params.get("select") or ["*"])))
    return Answer({"items": [_item(desk, entity, table, row, select) for row in page.rows]}, page.total, page.next)


@register("crm.item.get", "crm")
def _item_get(desk: Desk, params: Params) -> Answer:
    entity, table = _items(desk, params)
    row = table.get(intval(_required_value(params, "id")))
    if row is None:
        raise Refusal(400, "NOT_FOUND", "Element not found")
    return Answer({"item": _item(desk, entity, table, row, {"*"})})


def _camel_names(table: Table) -> dict[str, str]:
    return {camel(name): name for name in table.schema}


def _item(desk: Desk, entity: int, table: Table, row: Row, select: set[str]) -> Row:
    """A row as a controller shows it: other names, numbers as numbers. The id is always there."""
    values = desk.writers.native(row, table.schema)
    contact = row["CONTACT_ID"]
    extra = {"webformId": 0, "observers": [], "contactIds": [contact] if contact else [], "entityTypeId": entity}
    item = {key: values[name] for key, name in _camel_names(table).items()} | extra
    return item if "*" in select else {key: value for key, value in item.items() if key in select or key == "id"}


@register("crm.stagehistory.list", "crm")
def _stage_history(desk: Desk, params: Params) -> Answer:
    entity = intval(_required_value(params, "entityTypeId"))
    tables = {1: desk.company.lead_history, 2: desk.company.history}
    if entity not in tables:
        raise Refusal(400, 0, f"{entity} entity is not supported")
    table = tables[entity]
    page = _controller_page(desk, table, _filterable(table), params, _shown_history(desk, entity))
    fields = ["ID", *(name for name in _selection(table, params.get("select") or []) if name != "ID")]
    write = desk.writers.legacy if desk.quirks.stage_history_as_text else desk.writers.native
    return Answer({"items": [write(row, fields) for row in page.rows]}, page.total, page.next)


def _shown_history(desk: Desk, entity: int) -> tuple[Test, ...]:
    """Some portals keep silent about how a deal began, or about the pipelines that it left."""
    tests: list[Test] = []
    if desk.quirks.history_lacks_creation:
        tests.append(lambda row: row["TYPE_ID"] != 1)
    if desk.quirks.history_lacks_old_pipelines and entity == OWNER_TYPES["deal"]:
        tests.append(lambda row: row["CATEGORY_ID"] == desk.company.deals[row["OWNER_ID"]]["CATEGORY_ID"])
    return tuple(tests)


@register("crm.category.list", "crm")
def _category_list(desk: Desk, params: Params) -> Answer:
    entity = intval(_required_value(params, "entityTypeId"))
    if entity != OWNER_TYPES["deal"]:
        raise Refusal(400, _UNSUPPORTED, f"Entity type '{entity}' is not supported")
    pipelines = sorted(desk.company.pipelines.values(), key=lambda pipeline: (pipeline["sort"], pipeline["id"]))
    categories = [_category(pipeline) for pipeline in pipelines]
    return Answer({"categories": categories}, len(categories))


def _category(pipeline: Row) -> Row:
    category = {"id": pipeline["id"], "name": pipeline["name"], "sort": pipeline["sort"], "entityTypeId": 2}
    if pipeline["id"] == 0:
        return category | {"isDefault": "Y"}
    return category | {"isDefault": "N", "originId": "", "originatorId": ""}


# Dictionaries


@register("crm.status.list", "crm")
def _status_list(desk: Desk, params: Params) -> Answer:
    """Everything at once, whatever `start` and `select` say."""
    filter_value, table = _array(params, "filter"), desk.company.statuses
    if isinstance(filter_value.get("ENTITY_ID"), dict | list):
        raise Refusal(400, "", "Parameter 'filter[ENTITY_ID]' must be string.")
    conditions = read_filter(Dialect(table.schema, _filterable(table), desk.company.zone), filter_value)
    order = _order(_array(params, "order"), _filterable(table))
    rows = _as_texts(desk, Found(table, conditions, order).rows(), list(table.schema))
    return Answer([{name: value for name, value in row.items() if name != "EXTRA" or value} for row in rows], len(rows))


@register("crm.dealcategory.list", "crm")
def _old_category_list(desk: Desk, params: Params) -> Answer:
    """Without pipeline 0, which crm.dealcategory.default.get tells."""
    rows = [
        {
            "ID": str(pipeline["id"]), "CREATED_DATE": desk.writers.instant(pipeline["created_at"]), "NAME": pipeline["name"],
            "IS_LOCKED": "N", "SORT": str(pipeline["sort"]),
        }
        for pipeline in desk.company.pipelines.values() if pipeline["id"]
    ]  # fmt: skip
    return Answer(rows, len(rows))


@register("crm.dealcategory.default.get", "crm")
def _old_default_category(desk: Desk, params: Params) -> Answer:
    return Answer({"ID": 0, "NAME": desk.company.pipelines[0]["name"]})


@register("crm.dealcategory.stage.list", "crm")
def _old_stage_list(desk: Desk, params: Params) -> Answer:
    pipeline = intval(params.get("id", params.get("ID")))
    entity = f"DEAL_STAGE_{pipeline}" if pipeline else "DEAL_STAGE"
    stages = sorted((row for row in desk.company.statuses if row["ENTITY_ID"] == entity), key=lambda row: row["SORT"])
    return Answer([{name: row[name] for name in ("NAME", "SORT", "STATUS_ID")} for row in stages], len(stages))


@register("crm.currency.list", "crm")
def _currency_list(desk: Desk, params: Params) -> Answer:
    """All of them, and a total of 0: so the portal says."""
    return Answer(
        [_currency(desk, currency, 100 * n) for n, currency in enumerate(desk.company.currencies.values(), 1)], 0
    )


def _currency(desk: Desk, currency: Currency, sort: int) -> Row:
    return {
        "CURRENCY": currency.code, "AMOUNT_CNT": str(currency.count), "AMOUNT": f"{currency.rate:.4f}",
        "SORT": str(sort), "BASE": "Y" if currency.is_base else "N", "FULL_NAME": currency.name, "LID": "ru",
        "FORMAT_STRING": "# &#8381;", "DEC_POINT": ".", "THOUSANDS_SEP": "&nbsp;", "DECIMALS": "2",
        "DATE_UPDATE": desk.writers.instant(currency.changed_at),
    }  # fmt: skip


@register("crm.currency.base.get", "crm")
def _base_currency(desk: Desk, params: Params) -> Answer:
    return Answer(desk.company.base_currency)


@register("crm.settings.mode.get", "crm")
def _mode(desk: Desk, params: Params) -> Answer:
    return Answer(1 if desk.company.uses_leads else 2)


_OWNER_TYPE_CODES = (
    (1, "Lead", "LEAD", "L"), (2, "Deal", "DEAL", "D"), (3, "Contact", "CONTACT", "C"), (4, "Company", "COMPANY", "CO"),
    (5, "Invoice (old)", "INVOICE", "I"), (31, "Invoice", "SMART_INVOICE", "SI"), (7, "Quote", "QUOTE", "Q"),
    (8, "Requisite", "REQUISITE", "RQ"), (36, "Document", "SMART_DOCUMENT", "DO"),
)  # fmt: skip


@register("crm.enum.ownertype", "crm")
def _owner_types(desk: Desk, params: Params) -> Answer:
    names = ("ID", "NAME", "SYMBOL_CODE", "SYMBOL_CODE_SHORT")
    return Answer([dict(zip(names, codes, strict=True)) for codes in _OWNER_TYPE_CODES])


# People, departments, telephony


def _orm_list(desk: Desk, table: Table, params: Params) -> Answer:
    """Parameters in any case; filter keys also stand outside FILTER. No default order but the id's."""
    upper = {key.upper(): value for key, value in params.items()}
    names = _filterable(table)
    outside = {key: value for key, value in upper.items() if key in names}
    conditions = read_filter(Dialect(table.schema, names, desk.company.zone), _array(upper, "FILTER") or outside)
    by, direction = str(upper.get("SORT", "ID")).upper(), str(upper.get("ORDER", "ASC")).upper()
    page = desk.page("orm", table, conditions, {by: direction} if by in names else {}, upper)
    fields = _selection(table, upper.get("SELECT") or [])
    return Answer(_as_texts(desk, page.rows, fields), page.total, page.next)


# What the scopes user_brief and user_basic do not show.
_CONTACTS = ("EMAIL", "PERSONAL_MOBILE", "PERSONAL_WWW", "PERSONAL_BIRTHDAY", "WORK_PHONE")


@register("user.get", "user", "user_basic", "user_brief")
def _users(desk: Desk, params: Params) -> Answer:
    answer = _orm_list(desk, desk.company.users, params)
    unknown = {name: {} for name in ("TIMESTAMP_X", "LAST_ACTIVITY_DATE")}
    hidden = () if "user" in desk.scopes else _CONTACTS
    rows = [
        {name: unknown.get(name, value) for name, value in row.items() if name not in hidden} for row in answer.result
    ]
    return Answer(rows, answer.total if rows else None, answer.next)


@register("voximplant.statistic.get", "telephony")
def _calls(desk: Desk, params: Params) -> Answer:
    return _orm_list(desk, desk.company.calls, params)


@register("department.get", "department")
def _departments(desk: Desk, params: Params) -> Answer:
    """Lower-case `sort` and `order`; everything in upper case is an exact filter, SORT too."""
    table = desk.company.departments
    filters = {key: value for key, value in params.items() if key in table.schema}
    by, direction = str(params.get("sort", "ID")), str(params.get("order", "ASC")).upper()
    conditions = read_filter(Dialect(table.schema, _filterable(table), desk.company.zone), filters)
    order = {by: direction} if by in table.schema else {}
    page = turn_to("legacy", Found(table, conditions, order), params.get("start"))
    return Answer([_department(row) for row in page.rows], page.total, page.next)


def _department(row: Row) -> Row:
    """An absent parent or head is an absent key."""
    fields = {"ID": str(row["ID"]), "NAME": row["NAME"], "SORT": row["SORT"]}
    return fields | {name: str(row[name]) for name in ("PARENT", "UF_HEAD") if row[name]}


# The webhook itself


def _me(desk: Desk) -> Row:
    return desk.company.users.get(desk.user) or desk.company.users.blank


@register("profile")
def _profile(desk: Desk, params: Params) -> Answer:
    me = {name: _me(desk)[name] for name in ("NAME", "LAST_NAME", "PERSONAL_GENDER", "TIME_ZONE")}
    return Answer({"ID": str(desk.user), "ADMIN": True} | me)


@register("user.current", "user", "user_basic", "user_brief")
def _current_user(desk: Desk, params: Params) -> Answer:
    moment = desk.company.now.astimezone(desk.company.zone).strftime("%Y-%m-%d %H:%M:%S")
    return Answer(_as_texts(desk, [_me(desk)], list(schema.USER))[0] | {"LAST_ACTIVITY_DATE": moment})


@register("scope")
def _scope(desk: Desk, params: Params) -> Answer:
    return Answer(list(desk.scopes))


@register("methods")
def _methods(desk: Desk, params: Params) -> Answer:
    return Answer(sorted([*METHODS, "batch"]))


@register("server.time")
def _server_time(desk: Desk, params: Params) -> Answer:
    return Answer(desk.writers.instant(desk.company.now))
