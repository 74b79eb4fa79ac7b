"""The answers that Bitrix24 documents: our reading code takes them in, and the demo portal answers in the same shape.

The documented bodies are not part of the project: BITRIX24_EXAMPLES names their folder, or it lies beside the project.
A few bodies of the same shapes, written by us, are below, so that something is always compared.
"""

import json
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from bitrix24_demo import UNLIMITED, Company, Quirks, Stage
from bitrix24_demo.methods import METHODS
from bitrix24_demo.portal import Portal, Request
from crm_reports.errors import PortalError, ScopeError
from crm_reports.sources.bitrix24 import tables
from crm_reports.sources.bitrix24.pages import rows_of
from crm_reports.sources.bitrix24.refusals import Answer, AuthError, Passing, read_answer, split_batch
from crm_reports.sources.fields import arrow_schema

PROJECT = Path(__file__).parents[2]
EXAMPLES = Path(os.environ.get("BITRIX24_EXAMPLES") or PROJECT.parent / "shared" / "reference" / "bitrix24-examples")
MOSCOW = ZoneInfo("Europe/Moscow")
Body = dict[str, Any]

# In the folder, but no answer of REST to a webhook.
NO_ANSWERS = ("_simulator_dataset", "errors", "time_block", "event.on", "event.outgoing_webhook", "oauth.")
# What portals answer and the demo portal does not play: the loader asks for none of it.
NOT_PLAYED = {
    "app.info", "crm.category.fields", "crm.category.get", "crm.contact.company.items.get", "crm.currency.get",
    "crm.deal.productrows.get", "crm.status.entity.items", "crm.status.entity.types",
    "crm.status.fields", "crm.timeline.bindings.list", "crm.timeline.comment.fields", "crm.timeline.comment.get",
    "crm.timeline.logmessage.list", "crm.timeline.note.get", "department.fields", "event.offline.get",
    "event.offline.list", "humanresources.node.list.v3", "tasks.task.list", "tasks.task.list.v3", "user.fields",
}  # fmt: skip
# Columns that the demo portal's rows lack: addresses and multi-fields, which come only when asked for by name, the
# portal's own fields and parents, and what crm.item.get shows of a lead besides.
NOT_KEPT = re.compile(
    r"(REG_)?ADDRESS\w*|PHONE|EMAIL|WEB|IM|LINK|FILES|COMMUNICATIONS|BINDINGS|WEBDAV_ELEMENTS|CO\w+_IDS|CONTACT_ID"
    r"|UF_CRM_\w+|PARENT_ID_\d+|ufCrm_?\w+|parentId\d+|fm|dateCreateShort|dateModifyShort|isConvert|productId|shortName"
    r"|address|login|searchContent|(phone|email)\w*|skype|icq|imol"
)

# By us, in the shapes of the documentation.
OURS: dict[str, Body] = {
    "crm.deal.list": {
        "result": [
            {
                "ID": "7", "TITLE": "=1+1 <b>", "CATEGORY_ID": "1", "STAGE_ID": "C1:WON", "STAGE_SEMANTIC_ID": "S",
                "OPPORTUNITY": "19999.99", "CURRENCY_ID": "RUB", "ASSIGNED_BY_ID": "5", "COMPANY_ID": "0",
                "CONTACT_ID": None, "DATE_CREATE": "2024-08-30T14:29:00+03:00",
                "CLOSEDATE": "2024-09-06T03:00:00+03:00",
            }
        ],
        "total": 1,
    },
    "crm.stagehistory.list": {
        "result": {"items": [
            {
                "ID": 35, "TYPE_ID": 1, "OWNER_ID": 21, "CREATED_TIME": "2024-04-25T14:59:11+00:00", "CATEGORY_ID": 0,
                "STAGE_SEMANTIC_ID": "P", "STAGE_ID": "NEW",
            }
        ]},
        "total": 1,
    },
    "crm.activity.list": {
        "result": [
            {
                "ID": "20", "OWNER_ID": "15", "OWNER_TYPE_ID": "2", "TYPE_ID": "6", "PROVIDER_ID": "CRM_TODO",
                "CREATED": "2024-08-30T14:29:00+03:00", "LAST_UPDATED": "2024-08-31T14:29:00+03:00",
                "START_TIME": "2024-08-30T14:29:00+03:00", "END_TIME": "2024-08-30T14:29:00+03:00",
                "DEADLINE": "9999-12-31T00:00:00+03:00", "COMPLETED": "N", "STATUS": "1", "RESPONSIBLE_ID": "5",
                "DIRECTION": "0", "SETTINGS": [], "IS_INCOMING_CHANNEL": "N",
            }
        ],
        "next": 50,
        "total": 51,
    },
    "crm.timeline.comment.list": {
        "result": [
            {
                "ID": "999", "ENTITY_ID": "2", "ENTITY_TYPE": "deal", "CREATED": "2024-08-30T14:29:00+03:00",
                "COMMENT": "[B]Да[/B]", "AUTHOR_ID": "1", "FILES": {"1": {"id": 1, "name": "1.gif", "size": 43}},
            },
            {
                "ID": "1000", "ENTITY_ID": "2", "ENTITY_TYPE": "deal", "CREATED": "2024-08-30T14:30:00+03:00",
                "COMMENT": "", "AUTHOR_ID": "1", "FILES": [],
            },
        ],
        "total": 2,
    },
    "user.get": {
        "result": [
            {
                "ID": "5", "ACTIVE": False, "NAME": "Анна", "LAST_NAME": "Петрова", "TIMESTAMP_X": {},
                "WORK_POSITION": "", "UF_DEPARTMENT": [1, 3],
            }
        ],
        "total": 1,
    },
    "batch.error": {
        "result": {
            "result": [], "result_error": [{"error": "insufficient_scope", "error_description": ""}],
            "result_total": [], "result_next": [], "result_time": [],
        },
    },
    "crm.deal.list.error": {"error": "", "error_description": "Parameter 'filter' must be array."},
}  # fmt: skip


def _documented() -> dict[str, Body]:
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(EXAMPLES.glob("*.json"))}


DOCUMENTED = _documented()
ANSWERS = {name: body for name, body in DOCUMENTED.items() if not name.startswith(NO_ANSWERS)}
CASES = [pytest.param(name, body, id=f"ours: {name}") for name, body in OURS.items()] + [
    pytest.param(name, body, id=name) for name, body in ANSWERS.items()
]


def method_of(example: str) -> str:
    """crm.activity.list of the example crm.activity.list.files."""
    parts = example.split(".")
    names = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((name for name in names if name in METHODS or name == "batch"), example)


def read(name: str, body: Body) -> Answer:
    return read_answer(method_of(name), 200, json.dumps(body).encode())


def test_the_documented_examples_are_there() -> None:
    if not DOCUMENTED:
        pytest.skip("the documented examples are not beside the project: set BITRIX24_EXAMPLES to their folder")
    assert len(ANSWERS) > 60
    assert {name for name in ANSWERS if method_of(name) not in METHODS | {"batch": None}} == NOT_PLAYED


# Our reading code


@pytest.mark.parametrize(("name", "body"), CASES)
def test_every_body_is_an_answer_or_the_error_that_it_says(name: str, body: Body) -> None:
    if "error" in body:
        with pytest.raises(PortalError) as caught:
            read_answer(method_of(name), 400, json.dumps(body).encode())
        assert body["error_description"] in str(caught.value)
        assert caught.value.code == (str(body["error"]).lower() if body["error"] else "")
    else:
        answer = read(name, body)
        assert (answer.result, answer.total, answer.next) == (body["result"], body.get("total"), body.get("next"))
        assert answer.time == body.get("time", {})


TYPED = {
    "crm.deal.list": "deals", "crm.deal.get": "deals", "crm.lead.list": "leads", "crm.lead.get": "leads",
    "crm.company.list": "companies", "crm.company.get": "companies", "crm.contact.list": "contacts",
    "crm.contact.get": "contacts", "crm.activity.list": "activities", "crm.activity.get": "activities",
    "crm.stagehistory.list": "stage_history",
}  # fmt: skip
IDS = {"stage_history": "history_id", "companies": "company_id", "activities": "activity_id"}


def typed(name: str, body: Body) -> Iterator[tuple[str, list[Body], list[Body]]]:
    """Each table that the loader makes of that method's answer: its name, the rows that came, the rows it makes."""
    method, answer, context = method_of(name), read(name, body), tables.Context(MOSCOW)
    if method in TYPED:
        table = TYPED[method]
        wrapper = tables.ENTITIES[table].listing.wrapper
        raw = rows_of(answer.result, wrapper) if method.endswith(".list") else [answer.result]
        yield table, raw, [tables.ENTITIES[table].row_of(row, context) for row in raw]
    if method == "crm.timeline.comment.list":
        raw = rows_of(answer.result)
        yield "comments", raw, [tables.comment(row, ("deal", "2"), context) for row in raw]
    if method in ("user.get", "user.current"):
        raw = rows_of(answer.result) if method == "user.get" else [answer.result]
        yield "managers", raw, tables.managers(raw)
        yield "manager_departments", raw, tables.manager_departments(raw)
    whole = {
        "crm.category.list": ("pipelines", "categories", tables.pipelines),
        "crm.currency.list": ("currencies", "", tables.currencies),
        "crm.status.list": ("stages", "", lambda given: tables.stages(tables.statuses(given))),
    }
    if method in whole:
        table, wrapper, make = whole[method]
        yield table, rows_of(answer.result, wrapper), make(answer)


READ = [case for case in CASES if "error" not in case.values[1] and list(typed(*case.values))]


@pytest.mark.parametrize(("name", "body"), READ)
def test_the_loader_makes_rows_of_every_row_that_it_reads(name: str, body: Body) -> None:
    for table, raw, rows in typed(name, body):
        made = pa.Table.from_pylist(rows, arrow_schema(table))
        made.validate(full=True)
        assert all(made[field.name].null_count == 0 for field in made.schema if not field.nullable)
        if table not in ("stages", "manager_departments"):
            assert len(rows) == len(raw) > 0


def test_what_is_read_is_what_is_written_there() -> None:
    [(_, _, [deal])] = typed("crm.deal.list", OURS["crm.deal.list"])
    assert {name: deal[name] for name in ("deal_id", "title", "pipeline_id", "outcome", "amount", "company_id")} == {
        "deal_id": "7", "title": "=1+1 <b>", "pipeline_id": "1", "outcome": "won", "amount": 19999.99,
        "company_id": None,
    }  # fmt: skip
    assert deal["created_at"] == datetime(2024, 8, 30, 11, 29, tzinfo=UTC)
    assert deal["closed_at"] == datetime(2024, 9, 5, 21, 0, tzinfo=UTC)
    [(_, _, [entry])] = typed("crm.stagehistory.list", OURS["crm.stagehistory.list"])
    assert (entry["history_id"], entry["deal_id"], entry["pipeline_id"]) == (35, "21", "0")
    [(_, _, [todo])] = typed("crm.activity.list", OURS["crm.activity.list"])
    assert (todo["deadline_at"], todo["is_done"], todo["is_plan"]) == (None, False, True)
    [(_, _, [anna]), (_, _, places)] = typed("user.get", OURS["user.get"])
    assert (anna["name"], anna["is_active"]) == ("Анна Петрова", False)
    assert [(each["department_id"], each["position"]) for each in places] == [("1", 0), ("3", 1)]


@pytest.mark.skipif(not DOCUMENTED, reason="the documented examples are not beside the project")
def test_documented_values_are_read_as_they_are_meant() -> None:
    deals = {row["deal_id"]: row for _, _, rows in typed("crm.deal.list", ANSWERS["crm.deal.list"]) for row in rows}
    assert (deals["37"]["amount"], deals["37"]["stage_id"], deals["37"]["pipeline_id"]) == (19999.99, "C1:NEW", "1")
    assert deals["37"]["created_at"] == datetime(2024, 9, 2, 16, 37, 18, tzinfo=UTC)
    name = "crm.activity.list.no_deadline"
    [(_, raw, activities)] = typed(name, ANSWERS[name])
    assert [row["deadline_at"] is None for row in activities] == [row["DEADLINE"].startswith("9999") for row in raw]
    assert sum(row["deadline_at"] is None for row in activities) == 1
    [(_, _, pipelines)] = typed("crm.category.list", ANSWERS["crm.category.list"])
    assert {row["pipeline_id"] for row in pipelines} == {"9", "10", "11", "0"}
    [(_, _, currencies)] = typed("crm.currency.list", ANSWERS["crm.currency.list"])
    assert {row["currency"]: row["rate"] for row in currencies}["USD"] == 68.79


def _errors() -> list[Any]:
    documented = DOCUMENTED.get("errors", {"errors": []})["errors"]
    ours = [
        {"status": 503, "body": {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}},
        {"status": 401, "body": {"error": "expired_token", "error_description": "expired"}},
    ]
    return [pytest.param(each["status"], each["body"], id=f"{each['status']} {each['body']['error']}")
            for each in [*documented, *ours]]  # fmt: skip


KINDS = {
    Passing: {"INTERNAL_SERVER_ERROR", "ERROR_UNEXPECTED_ANSWER", "QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT"},
    AuthError: {"NO_AUTH_FOUND", "INVALID_REQUEST", "OVERLOAD_LIMIT", "expired_token", "PORTAL_DELETED"},
    ScopeError: {"ACCESS_DENIED", "INVALID_CREDENTIALS", "insufficient_scope", "user_access_error"},
}


@pytest.mark.parametrize(("status", "body"), _errors())
@pytest.mark.parametrize("as_if", ["documented", "another version's status"])
def test_documented_errors_mean_the_same_whatever_the_status(status: int, body: Body, as_if: str) -> None:
    status = status if as_if == "documented" else {403: 401, 401: 403, 500: 410}.get(status, status)
    expected = [kind for kind, codes in KINDS.items() if body["error"] in codes]
    if body["error_description"] == "Access denied.":
        expected = [ScopeError]
    with pytest.raises(PortalError) as caught:
        read_answer("crm.deal.list", status, json.dumps(body).encode())
    assert type(caught.value) is (expected or [PortalError])[0]


@pytest.mark.parametrize(("name", "body"), [case for case in CASES if case.values[0].startswith("batch")])
def test_a_batch_is_taken_apart_by_its_keys(name: str, body: Body) -> None:
    members = body["result"]
    keys = [*dict(enumerate(members["result_error"]) if isinstance(members["result_error"], list) else
                  members["result_error"]), *members["result"]]  # fmt: skip
    given = split_batch({str(key): "user.get" for key in keys}, read(name, body))
    assert set(given) == {str(key) for key in keys}
    assert all(isinstance(each, ScopeError) for key, each in given.items() if key not in members["result"])


# The demo portal


PROCESS = 1268  # a smart process


def _company(rows: int) -> Company:
    """A company that has that many of everything that lists are of."""
    company = Company.small(now=datetime(2025, 3, 1, 12), uses_leads=True, quirks=Quirks(comments_carry_files=True))
    company.add_pipeline("Tenders", [Stage("NEW", "New"), Stage("WON", "Won", "S"), Stage("LOSE", "Lost", "F")])
    company.add_department("Sales", parent=1, head=1)
    company.add_process(PROCESS)
    client = company.add_company("Client")
    person = company.add_contact("Ann", "Lee", company=client, HONORIFIC="HNR_EN_1", COMMENTS="text", POST="Director")
    for n in range(rows):
        deal = company.add_deal(f"Deal {n}", COMPANY_ID=client, CONTACT_ID=person, OPPORTUNITY=1000.5 * n)
        company.add_lead(f"Lead {n}", COMPANY_ID=client, CONTACT_ID=person)
        company.add_call(owner=deal, code="603-S")
        company.add_comment("text", owner=1)
    return company


PARAMS: dict[str, Body] = {
    "crm.stagehistory.list": {"entityTypeId": 2}, "crm.item.list": {"entityTypeId": 1},
    "crm.item.get": {"entityTypeId": 1, "id": 1}, "crm.item.fields": {"entityTypeId": PROCESS},
    "crm.category.list": {"entityTypeId": 2},
    "crm.activity.binding.list": {"activityId": 1},
    "crm.timeline.comment.list": {"filter": {"ENTITY_ID": 1, "ENTITY_TYPE": "deal"}},
}  # fmt: skip


@pytest.fixture(scope="module")
def portals() -> dict[bool, Portal]:
    """A portal with one page of everything, and one with two."""
    return {more: Portal(_company(60 if more else 3), code="code", rate=UNLIMITED) for more in (False, True)}


def ask(portal: Portal, method: str, params: Body) -> Body:
    request = Request("POST", f"/rest/1/code/{method}", "application/json", json.dumps(params).encode())
    return json.loads(portal.answer(request).body)


def kind(value: Any) -> str:
    """What a value is on the wire; of text, what it holds."""
    if value is None or value == "":
        return "nothing"
    if not isinstance(value, str):
        return {int: "number", float: "number"}.get(type(value), type(value).__name__)
    patterns = {
        "whole number as text": r"-?\d+", "number as text": r"-?\d+\.\d+", "flag": "[YN]",
        "instant": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d",
    }  # fmt: skip
    return next((name for name, pattern in patterns.items() if re.fullmatch(pattern, value)), "text")


def kinds(result: Any) -> dict[str, set[str]]:
    """By field, what its values are in all rows of a result, be it one row, a list, or a list in a wrapper."""
    if isinstance(result, dict) and len(result) == 1 and isinstance(next(iter(result.values())), list | dict):
        result = next(iter(result.values()))
    found: dict[str, set[str]] = {}
    for row in result if isinstance(result, list) else [result]:
        for name, value in row.items() if isinstance(row, dict) else [("", row)]:
            found.setdefault(name, set()).add(kind(value))
    return found


PLAYED = [case for case in CASES if method_of(case.values[0]) in METHODS and "result" in case.values[1]]
# Where text may hold anything, digits too.
FREE = {"CALL_FAILED_CODE", "PORTAL_NUMBER", "SESSION_ID", "STATUS_ID", "SUBJECT", "TITLE", "title", "PROVIDER_TYPE_ID"}


@pytest.mark.parametrize(("name", "body"), PLAYED)
def test_the_demo_portal_answers_in_the_documented_shape(portals: dict, name: str, body: Body) -> None:
    method = method_of(name)
    default = {"id": 1} if method.endswith(".get") and method.startswith("crm.") else {}
    ours = ask(portals["next" in body], method, PARAMS.get(method, default))
    assert {"total", "next"} & set(ours) == {"total", "next"} & set(body)
    assert type(ours["result"]) is type(body["result"])
    if isinstance(body["result"], dict) and method.endswith(".list"):
        assert list(ours["result"]) == list(body["result"])
    documented, played = kinds(body["result"]), kinds(ours["result"])
    assert {field for field in documented if not NOT_KEPT.fullmatch(field)} - set(played) == set()
    for field in documented.keys() & played.keys() - FREE:
        # A field that is empty on one side says nothing about its kind.
        there, here = documented[field] - {"nothing"}, played[field] - {"nothing"}
        assert not there or not here or there & here, f"{field}: {there} in the documentation, {here} here"


def test_the_demo_portal_s_time_has_the_documented_members(portals: dict) -> None:
    documented = DOCUMENTED.get("time_block", {}).get("time") or {
        "start": 1.5, "finish": 1.5, "duration": 0.5, "processing": 0.5, "date_start": "2025-09-09T16:31:11+03:00",
        "date_finish": "2025-09-09T16:31:11+03:00", "operating_reset_at": 1757425271, "operating": 0.5,
    }  # fmt: skip
    portal = Portal(_company(1), code="code", rate=UNLIMITED, quirks=Quirks(operating="always"))
    assert kinds(ask(portal, "crm.deal.list", {})["time"]) == kinds(documented)


@pytest.mark.parametrize(("name", "body"), [case for case in CASES if case.values[0].startswith("batch")])
def test_the_demo_portal_s_batch_has_lists_where_php_has(name: str, body: Body) -> None:
    scopes = ("crm",) if body["result"]["result_error"] else ("crm", "user", "department")
    company = Company.small(now=datetime(2025, 3, 1))
    portal = Portal(company, code="code", rate=UNLIMITED, scopes=scopes)
    keyed = {"get_user": "user.current", "get_department": "department.get"}
    commands: Any = ["user.current"] if isinstance(body["result"]["result_error"], list) and len(scopes) == 1 else keyed
    ours = ask(portal, "batch", {"cmd": commands, "halt": int(name == "batch.error_halt1")})["result"]
    assert {part: type(given) for part, given in ours.items()} == {
        part: type(given) for part, given in body["result"].items()
    }
    assert list(ours["result_error"]) == list(body["result"]["result_error"])
    assert list(ours["result_total"]) == list(body["result"]["result_total"])
