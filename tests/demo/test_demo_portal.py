"""The demo portal's wire: families of lists, PHP's arrays, batches, limits and refusals."""

import json
import threading
from datetime import date, datetime
from functools import partial
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.vast import Vast
from bitrix24_demo import (
    OTHER_PLANS,
    Company,
    Currency,
    Fault,
    Latency,
    Quirks,
    Rate,
    Stage,
    serve,
    serve_apart,
)
from bitrix24_demo.portal import Portal, Request
from bitrix24_demo.wire import intval, parse_query, php_array


class Caller:
    """Calls a portal without a socket; `last` is the whole body, `status` the HTTP status."""

    def __init__(self, portal: Portal) -> None:
        self.portal = portal

    def get(self, path: str) -> dict:
        return self._take(Request("GET", path))

    def __call__(self, method: str, **params) -> dict:
        body = json.dumps(params).encode()
        return self._take(Request("POST", f"/rest/1/code/{method}", "application/json", body))

    def batch(self, commands, **params) -> dict:
        return self("batch", cmd=commands, **params)["result"]

    def _take(self, request: Request) -> dict:
        response = self.portal.answer(request)
        self.status = response.status
        return json.loads(response.body)


@pytest.fixture
def company() -> Company:
    return Company.small(now=datetime(2025, 3, 1, 12, 0))


@pytest.fixture
def many(company) -> Company:
    """120 deals: 1 to 120, ten minutes apart, with 1.50, 3.00 … roubles."""
    for n in range(1, 121):
        company.add_deal(f"Deal {n}", at=datetime(2025, 1, 1, n // 6, n % 6 * 10), OPPORTUNITY=1.5 * n)
    return company


def calling(company: Company, **options) -> Caller:
    return Caller(Portal(company, code="code", **options))


def ids(answer: dict) -> list[int]:
    rows = answer["result"]
    return [int(row.get("ID") or row["id"]) for row in (rows["items"] if isinstance(rows, dict) else rows)]


# Pages


def test_legacy_pages_have_fifty_rows_a_total_and_a_next(many):
    answer = calling(many)("crm.deal.list", order={"ID": "ASC"}, start=50)
    assert (ids(answer), answer["total"], answer["next"]) == (list(range(51, 101)), 120, 100)


def test_the_last_page_has_no_next(many):
    answer = calling(many)("crm.deal.list", order={"ID": "ASC"}, start=100)
    assert ids(answer) == list(range(101, 121))
    assert "next" not in answer


@pytest.mark.parametrize(("start", "first"), [(60, 51), (120, 101), (150, 1), (5000, 1), ("abc", 1)])
def test_a_legacy_start_is_floored_and_past_the_end_is_page_one(many, start, first):
    assert ids(calling(many)("crm.deal.list", order={"ID": "ASC"}, start=start))[0] == first


def test_past_the_end_controllers_are_empty(many):
    answer = calling(many)("crm.item.list", entityTypeId=2, order={"id": "ASC"}, start=150)
    assert answer["result"] == {"items": []}


def test_orm_lists_take_an_exact_offset(company):
    for n in range(3, 61):
        company.add_user(f"User {n}")
    answer = calling(company)("user.get", start=7)
    assert (ids(answer)[0], len(ids(answer)), answer["next"], answer["total"]) == (8, 50, 57, 60)


def test_without_counting_legacy_says_total_0_and_controllers_nothing(many):
    call = calling(many)
    legacy = call("crm.deal.list", start=-1)
    controller = call("crm.item.list", entityTypeId=2, start=-1)
    assert (len(ids(legacy)), legacy["total"], "next" in legacy) == (50, 0, False)
    assert len(ids(controller)) == 50
    assert not {"total", "next"} & set(controller)


def test_an_id_cursor_walks_through_all_deals(many):
    call, seen = calling(many), [0]
    while page := ids(call("crm.deal.list", order={"ID": "ASC"}, filter={">ID": seen[-1]}, start=-1, select=["ID"])):
        seen += page
    assert seen[1:] == list(range(1, 121))


def test_activities_come_by_start_time_unless_ordered(company):
    deal = company.add_deal("A")
    late = company.add_activity("todo", owner=deal, start=datetime(2025, 3, 9))
    early = company.add_activity("todo", owner=deal, start=datetime(2025, 3, 5))
    call = calling(company)
    assert ids(call("crm.activity.list")) == [early, late]
    assert ids(call("crm.activity.list", order={"ID": "ASC"})) == [late, early]


def test_bindings_are_a_filter_of_activities(company):
    first, second = company.add_deal("A"), company.add_deal("B")
    client = company.add_company("Client")
    company.add_activity("todo", owner=first)
    company.add_activity("todo", owner=second)
    company.add_activity("todo", owner=client, owner_type="company")
    owners = [{"OWNER_TYPE_ID": 2, "OWNER_ID": second}, {"OWNER_TYPE_ID": 4, "OWNER_ID": client}]
    assert ids(calling(company)("crm.activity.list", filter={"BINDINGS": owners}, order={"ID": "ASC"})) == [2, 3]


# Filters, order, select


def test_unknown_legacy_filters_are_dropped_in_silence(many):
    call = calling(many)
    assert call("crm.deal.list", filter={"NO_SUCH": 1, ">id": 100})["total"] == 120


def test_unknown_controller_filters_are_refused(many):
    call = calling(many)
    refused = call("crm.item.list", entityTypeId=2, filter={"FIELD": 1})
    assert call.status == 400
    assert refused == {
        "error": "INVALID_ARG_VALUE",
        "error_description": "Invalid filter: field 'FIELD' is not allowed in filter",
    }


def test_bad_order_keys_are_dropped_by_stage_history_and_refused_by_items(many):
    call = calling(many)
    assert len(ids(call("crm.stagehistory.list", entityTypeId=2, order={"NO_SUCH": "ASC"}))) == 50
    call("crm.item.list", entityTypeId=2, order={"noSuch": "ASC"})
    assert call.status == 400


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        ({"ID": 7}, [7]),
        ({"@ID": [7, 9]}, [7, 9]),
        ({"ID": ["7", "9"]}, [7, 9]),
        ({">=ID": "118"}, [118, 119, 120]),
        ({">ID": "118", "<ID": 120}, [119]),
        ({">OPPORTUNITY": "177.2"}, [119, 120]),
        ({"TITLE": "deal 5"}, [5]),
        ({"%TITLE": "l 11"}, [11, 110, 111, 112, 113, 114, 115, 116, 117, 118, 119]),
        ({"=%TITLE": "%l 12"}, [12]),
        ({"!%TITLE": "deal"}, []),
        ({">=DATE_CREATE": "2025-01-01T19:50:00+03:00"}, [119, 120]),
        ({">DATE_CREATE": "2025-01-01T16:50:00+00:00"}, [120]),
        ({">DATE_CREATE": "2025-01-01 19:50:00"}, [120]),
        ({">DATE_CREATE": "yesterday"}, []),
        ({"!ASSIGNED_BY_ID": 1}, []),
        ({"COMPANY_ID": "", "<ID": 3}, [1, 2]),
        # (int)array of PHP is 1.
        ({"<=ID": ["7", "9"]}, [1]),
    ],
)
def test_filter_operators(many, condition, found):
    assert ids(calling(many)("crm.deal.list", filter=condition, order={"ID": "ASC"})) == found


def test_like_on_a_dictionary_field_means_equal_in_legacy_lists(many):
    call = calling(many)
    assert call("crm.deal.list", filter={"%STAGE_ID": "NE"})["total"] == 0
    assert call("crm.deal.list", filter={"%STAGE_ID": "NEW"})["total"] == 120


def test_controllers_understand_or(many):
    either = {"logic": "OR", "0": {"id": 3}, "1": {">id": 119}}
    call = calling(many)
    assert ids(call("crm.item.list", entityTypeId=2, filter={"0": either})) == [3, 120]
    assert ids(call("crm.item.list", entityTypeId=2, filter=either)) == [3, 120]


def test_order_by_two_fields_and_rows_without_a_value_first(company):
    for title, source in (("b", "WEB"), ("a", "WEB"), ("c", None)):
        company.add_deal(title, SOURCE_ID=source)
    call = calling(company)
    assert ids(call("crm.deal.list", order={"SOURCE_ID": "asc", "TITLE": "ASC"})) == [3, 2, 1]
    assert ids(call("crm.deal.list", order={"ID": "desc"})) == [3, 2, 1]


def test_select_gives_what_is_asked_and_stars_mean_all_but_or_only_user_fields(company):
    company.add_deal("A")
    call = calling(company)
    assert call("crm.deal.list", select=["ID", "TITLE"])["result"] == [{"ID": "1", "TITLE": "A"}]
    assert list(call("crm.deal.list", select=["ID", "UF_*"])["result"][0]) == ["ID", "UF_CRM_1712044800123"]
    assert "UF_CRM_1712044800123" not in call("crm.deal.list", select=["*"])["result"][0]


def test_recurring_templates_hide_from_legacy_lists_unless_the_id_is_filtered(company):
    company.add_deal("A")
    company.add_deal("Every month", IS_RECURRING="Y")
    call = calling(company)
    assert ids(call("crm.deal.list")) == [1]
    assert ids(call("crm.deal.list", filter={">ID": 0})) == [1, 2]
    assert ids(call("crm.item.list", entityTypeId=2)) == [1, 2]


# Typing


def test_legacy_rows_are_text_and_items_are_native(company):
    client = company.add_company("Client")
    company.add_deal(
        "A", at=datetime(2025, 2, 1, 10), OPPORTUNITY=1000.0, COMPANY_ID=client, CLOSEDATE=date(2025, 2, 8)
    )
    call = calling(company)
    legacy = call("crm.deal.list")["result"][0]
    item = call("crm.item.list", entityTypeId=2)["result"]["items"][0]
    assert {legacy[name] for name in ("ID", "COMPANY_ID", "ASSIGNED_BY_ID")} == {"1"}
    assert (legacy["OPPORTUNITY"], legacy["CATEGORY_ID"], legacy["CONTACT_ID"]) == ("1000.00", "0", None)
    assert (legacy["DATE_CREATE"], legacy["CLOSEDATE"]) == ("2025-02-01T10:00:00+03:00", "2025-02-08T03:00:00+03:00")
    assert (item["id"], item["companyId"], item["assignedById"]) == (1, 1, 1)
    assert (item["opportunity"], item["createdTime"], item["opened"]) == (1000.0, "2025-02-01T10:00:00+03:00", "Y")


def test_a_date_at_a_negative_offset_is_the_evening_before():
    company = Company.small(now=datetime(2025, 3, 1), time_zone="America/New_York")
    company.add_deal("A", CLOSEDATE=date(2025, 2, 8))
    assert calling(company)("crm.deal.list")["result"][0]["CLOSEDATE"] == "2025-02-07T19:00:00-05:00"


def test_no_deadline_is_the_year_9999_and_empty_maps_are_lists(company):
    company.add_activity("todo", owner=company.add_deal("A"))
    row = calling(company)("crm.activity.list")["result"][0]
    assert row["DEADLINE"] == "9999-12-31T00:00:00+03:00"
    assert row["SETTINGS"] == row["PROVIDER_PARAMS"] == []


@pytest.mark.parametrize(("as_text", "row_id"), [(False, 1), (True, "1")])
def test_stage_history_has_numbers_or_text_by_the_server_s_age(company, as_text, row_id):
    company.add_deal("A")
    call = calling(company, quirks=Quirks(stage_history_as_text=as_text))
    row = call("crm.stagehistory.list", entityTypeId=2, select=["STAGE_ID"])["result"]["items"][0]
    assert row == {"ID": row_id, "STAGE_ID": "NEW"}


def test_users_have_json_booleans_and_empty_objects(company):
    company.dismiss(2)
    rows = calling(company)("user.get", sort="ID", order="DESC")["result"]
    assert [(row["ID"], row["ACTIVE"], row["UF_DEPARTMENT"]) for row in rows] == [("2", False, [1]), ("1", True, [1])]
    assert rows[0]["TIMESTAMP_X"] == {}


def test_an_empty_user_list_has_no_total(company):
    assert "total" not in calling(company)("user.get", FILTER={"ID": 99})


def test_departments_lack_absent_parents_and_filter_by_exact_upper_case_keys(company):
    company.add_department("Branch", parent=1, head=2)
    call = calling(company)
    assert call("department.get")["result"] == [
        {"ID": "1", "NAME": "Head office", "SORT": 500},
        {"ID": "2", "NAME": "Branch", "SORT": 500, "PARENT": "1", "UF_HEAD": "2"},
    ]
    assert ids(call("department.get", PARENT=1)) == [2]
    assert ids(call("department.get", SORT="ID")) == []
    assert ids(call("department.get", sort="NAME", order="ASC")) == [2, 1]


# Dictionaries


def test_stages_of_other_pipelines_carry_a_prefix_and_their_own_entity(company):
    company.add_pipeline("Tenders", [Stage("NEW", "New"), Stage("WON", "Won", "S")], sort=10)
    call = calling(company)
    rows = call("crm.status.list", filter={"ENTITY_ID": "DEAL_STAGE_1"})["result"]
    assert [(row["STATUS_ID"], row["SEMANTICS"], row["CATEGORY_ID"]) for row in rows] == [
        ("C1:NEW", None, "1"),
        ("C1:WON", "S", "1"),
    ]
    assert call("crm.category.list", entityTypeId=2)["result"]["categories"] == [
        {
            "id": 1,
            "name": "Tenders",
            "sort": 10,
            "entityTypeId": 2,
            "isDefault": "N",
            "originId": "",
            "originatorId": "",
        },
        {"id": 0, "name": "Sales", "sort": 200, "entityTypeId": 2, "isDefault": "Y"},
    ]
    assert [row["ID"] for row in call("crm.dealcategory.list")["result"]] == ["1"]
    assert call("crm.dealcategory.default.get")["result"] == {"ID": 0, "NAME": "Sales"}


def test_all_statuses_come_at_once_and_an_array_of_entities_is_refused(company):
    for n in range(60):
        company.add_source(f"UC_{n}", f"Source {n}")
    call = calling(company)
    answer = call("crm.status.list", start=50)
    # 8 stages, 4 of leads, 62 sources.
    assert (len(answer["result"]), answer["total"]) == (74, 74)
    call("crm.status.list", filter={"ENTITY_ID": ["SOURCE", "STATUS"]})
    assert call.status == 400


def test_currencies_have_one_rate_for_so_many_units_and_a_total_of_0(company):
    company.add_currency(Currency("CNY", 126.4, count=10))
    answer = calling(company)("crm.currency.list")
    assert [(row["CURRENCY"], row["AMOUNT"], row["AMOUNT_CNT"], row["BASE"]) for row in answer["result"]] == [
        ("RUB", "1.0000", "1", "Y"),
        ("CNY", "126.4000", "10", "N"),
    ]
    assert answer["total"] == 0


def test_comments_are_read_one_timeline_at_a_time(company):
    deals = [company.add_deal(title) for title in "AB"]
    for n in range(60):
        company.add_comment(f"Comment {n}", owner=deals[n % 2])
    call = calling(company)
    owner = {"ENTITY_ID": deals[1], "ENTITY_TYPE": "deal"}
    answer = call("crm.timeline.comment.list", filter=owner, order={"ID": "DESC"}, start=-1)
    assert (ids(answer)[:2], answer["total"]) == ([60, 58], 30)
    assert ids(call("crm.timeline.comment.list", filter=owner, order={"CREATED": "ASC"}))[:2] == [2, 4]
    assert "FILES" not in answer["result"][0]
    assert call("crm.timeline.comment.list", filter={"ENTITY_ID": deals[1]})["result"] == []


@pytest.mark.parametrize(("uses_leads", "mode"), [(True, 1), (False, 2)])
def test_the_mode_tells_whether_leads_are_used(uses_leads, mode):
    company = Company.small(now=datetime(2025, 3, 1), uses_leads=uses_leads)
    assert calling(company)("crm.settings.mode.get")["result"] == mode


def test_the_server_s_clock_is_the_company_s(company):
    answer = calling(company)("server.time")
    assert answer["result"] == answer["time"]["date_start"] == "2025-03-01T12:00:00+03:00"
    company.now = datetime(2025, 3, 2, 0, 5)
    assert calling(company)("server.time")["result"] == "2025-03-02T00:05:00+03:00"


# Refusals


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("/rest/1/wrong/profile", 401, "NO_AUTH_FOUND"),
        ("/rest/2/code/profile", 401, "NO_AUTH_FOUND"),
        ("/rest/code/profile", 404, "ERROR_METHOD_NOT_FOUND"),
        ("/rest/1/code/no.such.method", 404, "ERROR_METHOD_NOT_FOUND"),
        ("/rest/1/code/voximplant.statistic.get", 403, "insufficient_scope"),
        ("/rest/1/code/crm.deal.get?id=9", 400, ""),
        ("/rest/1/code/crm.stagehistory.list?entityTypeId=5", 400, 0),
        ("/rest/1/code/crm.item.list", 400, 100),
        ("/rest/1/code/crm.category.list?entityTypeId=1", 400, "ENTITY_TYPE_NOT_SUPPORTED"),
        ("/rest/1/code/crm.deal.list?filter=x", 400, ""),
    ],
)
def test_refusals(company, path, status, error):
    call = calling(company, scopes=("crm", "user"))
    assert call.get(path)["error"] == error
    assert call.status == status


def test_not_found_and_access_denied_are_told_apart(company):
    gone, hidden, seen = (company.add_deal(title) for title in "ABC")
    company.delete_deal(gone)
    company.hide_deal(hidden)
    call = calling(company)
    assert ids(call("crm.deal.list")) == [seen]
    assert [row["OWNER_ID"] for row in call("crm.stagehistory.list", entityTypeId=2)["result"]["items"]] == [seen]
    assert call("crm.deal.get", id=gone) == {"error": "", "error_description": "Not found"}
    assert call("crm.deal.get", id=hidden) == {"error": "", "error_description": "Access denied."}


# Batches


def command(method: str, **params) -> str:
    return f"{method}?{urlencode(params)}"


def test_a_batch_gives_five_maps_and_empty_ones_are_lists(many):
    result = calling(many).batch({"a": command("crm.deal.list", start=50), "b": "crm.settings.mode.get"})
    assert list(result["result"]) == ["a", "b"]
    assert (result["result_total"], result["result_next"], result["result_error"]) == ({"a": 120}, {"a": 100}, [])
    assert list(result["result_time"]) == ["a", "b"]


def test_numeric_keys_are_lost_in_lists_even_those_of_errors(company):
    result = calling(company).batch({"0": "no.such", "1": "scope"})
    assert result["result"] == {"1": ["crm", "user", "department", "telephony"]}
    assert result["result_error"] == [{"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}]


def test_halt_leaves_the_later_commands_out_of_both_maps(company):
    commands = {"a": "scope", "b": "no.such", "c": "scope"}
    going_on, halted = (calling(company).batch(commands, halt=halt) for halt in (0, 1))
    assert (list(going_on["result"]), list(going_on["result_error"])) == (["a", "c"], ["b"])
    assert (list(halted["result"]), list(halted["result_error"])) == (["a"], ["b"])


def test_a_missing_scope_has_no_description_in_a_batch(company):
    call = calling(company, scopes=["crm"])
    assert call.batch({"a": "user.get"})["result_error"] == {
        "a": {"error": "insufficient_scope", "error_description": ""}
    }
    assert call.status == 200


def test_the_fifty_first_command_and_a_batch_in_a_batch_are_refused(company):
    commands = {f"c{n}": "scope" for n in range(51)} | {"inner": "batch"}
    errors = calling(company).batch(commands)["result_error"]
    assert {key: error["error"] for key, error in errors.items()} == {
        "c50": "ERROR_BATCH_LENGTH_EXCEEDED",
        "inner": "ERROR_BATCH_LENGTH_EXCEEDED",
    }
    inner = calling(company).batch({"inner": "batch?cmd[a]=scope"})["result_error"]["inner"]
    assert inner["error"] == "ERROR_BATCH_METHOD_NOT_ALLOWED"


CURSOR = "crm.deal.list?order[ID]=ASC&start=-1&select[]=ID&filter[%3EID]="


def test_references_chain_pages(many):
    result = calling(many).batch({"a": CURSOR + "0", "b": CURSOR + "$result[a][49][ID]"})["result"]
    assert [result[key][0]["ID"] for key in "ab"] == ["1", "51"]


def test_a_reference_past_a_short_page_becomes_1_and_returns_early_rows(many):
    result = calling(many).batch({"a": CURSOR + "100", "b": CURSOR + "$result[a][49][ID]"})["result"]
    assert len(result["a"]) == 20
    assert result["b"][0]["ID"] == "2"


def test_two_references_joined_by_a_comma_are_one_broken_path(company):
    for title in "AB":
        company.add_deal(title)
    commands = {"a": "crm.deal.get?id=1", "b": "crm.deal.get?id=2"}
    commands["c"] = "crm.deal.list?filter[TITLE]=$result[a][TITLE],$result[b][TITLE]"
    # The path breaks after [a]: the filter is the whole deal, and a title equals one of its values.
    assert [row["ID"] for row in calling(company).batch(commands)["result"]["c"]] == ["1"]


def test_a_reference_to_a_total_inside_a_text(many):
    commands = {"a": "crm.deal.list", "b": "crm.deal.list?filter[TITLE]=Deal $total[a]"}
    assert [row["ID"] for row in calling(many).batch(commands)["result"]["b"]] == ["120"]


def test_a_plus_that_was_not_encoded_is_a_space_and_the_date_unreadable(many):
    since = "crm.deal.list?filter[%3E%3DDATE_CREATE]=2025-01-01T19:50:00"
    result = calling(many).batch({"bare": since + "+03:00", "encoded": since + "%2B03:00"})["result"]
    assert (len(result["bare"]), len(result["encoded"])) == (0, 2)


# Limits and time


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_bucket_refuses_beyond_its_burst_and_leaks(company):
    clock = Clock()
    call = calling(company, rate=OTHER_PLANS, clock=clock)
    statuses = [call("scope") and call.status for _ in range(51)]
    assert statuses == [200] * 50 + [503]
    clock.now += 1
    assert [call("scope") and call.status for _ in range(3)] == [200, 200, 503]


def test_a_refused_request_says_query_limit_exceeded(company):
    call = calling(company, rate=Rate(1, 0))
    assert call("scope") == {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}


def test_the_call_that_crosses_the_time_budget_completes_and_the_next_is_blocked(many):
    clock = Clock()
    call = calling(
        many, clock=clock, operating_budget=100, processing=lambda method: 60, quirks=Quirks(operating="always")
    )
    spent = [call("crm.deal.list")["time"]["operating"] for _ in range(2)]
    assert spent == [60, 120]
    assert call("crm.deal.list")["error"] == "OPERATION_TIME_LIMIT"
    assert call.status == 429
    # The batch itself goes on, its command does not; another method has its own budget.
    inner = call.batch({"a": "crm.deal.list", "b": "crm.lead.list"})
    assert (list(inner["result"]), list(inner["result_error"])) == (["b"], ["a"])
    clock.now += 660
    assert call("crm.deal.list")["total"] == 120


def test_short_calls_do_not_count(company):
    call = calling(company, processing=lambda method: 0.1, quirks=Quirks(operating="always"))
    assert [call("scope")["time"]["operating"] for _ in range(3)] == [0, 0, 0]


@pytest.mark.parametrize(("operating", "seen"), [("always", {True}), ("never", {False}), ("sometimes", {True, False})])
def test_the_operating_counters_are_not_always_there(company, operating, seen):
    call = calling(company, quirks=Quirks(operating=operating))
    assert {"operating" in call("scope")["time"] for _ in range(6)} == seen


# PHP


@pytest.mark.parametrize(
    ("query", "parsed"),
    [
        ("a=1&b=x+y", {"a": "1", "b": "x y"}),
        ("filter[%3EID]=5", {"filter": {">ID": "5"}}),
        ("select[]=ID&select[]=TITLE", {"select": ["ID", "TITLE"]}),
        ("select[0]=ID&select[1]=TITLE", {"select": ["ID", "TITLE"]}),
        ("f[a][b]=1&f[a][c]=2", {"f": {"a": {"b": "1", "c": "2"}}}),
        ("a=1&a=2", {"a": "2"}),
        ("a.b c=1", {"a_b_c": "1"}),
        # The first = ends a name: without %3D this is no filter at all.
        ("filter[>=ID]=5", {"filter_>": "ID]=5"}),
        ("", {}),
    ],
)
def test_queries_are_read_as_php_reads_them(query, parsed):
    assert parse_query(query) == parsed


@given(st.dictionaries(st.text("abcXYZ>=!%@_", min_size=1), st.text(), max_size=5))
def test_an_encoded_filter_comes_back_as_it_was(condition):
    query = urlencode({f"filter[{key}]": value for key, value in condition.items()})
    assert parse_query(query).get("filter", {}) == condition


@pytest.mark.parametrize(
    ("value", "number"),
    [("12abc", 12), ("abc", 0), (" 7", 7), ("-1", -1), (["x"], 1), ([], 0), ({"ID": "5"}, 1), (None, 0), (True, 1)],
)
def test_int_casts(value, number):
    assert intval(value) == number


@pytest.mark.parametrize(
    ("values", "written"),
    [({}, []), ({"0": "a", "1": "b"}, ["a", "b"]), ({"1": "a"}, {"1": "a"}), ({"c0": "a"}, {"c0": "a"})],
)
def test_php_arrays_are_lists_when_their_keys_count_up_from_0(values, written):
    assert php_array(values) == written


# Over HTTP


def test_get_form_json_and_multipart_mean_the_same(many):
    with serve(many) as served, httpx.Client(base_url=served.webhook) as client:
        form = {"order[ID]": "ASC", "filter[>ID]": "118", "select[]": "ID"}
        answers = [
            client.get("CRM.Deal.List.json", params=form),
            client.post("crm.deal.list", data=form),
            client.post("crm.deal.list", params=form),
            client.post("crm.deal.list", files={name: (None, value) for name, value in form.items()}),
            client.post("crm.deal.list", json={"order": {"ID": "ASC"}, "filter": {">ID": 118}, "select": ["ID"]}),
        ]
    assert [answer.json()["result"] for answer in answers] == [[{"ID": "119"}, {"ID": "120"}]] * 5
    assert {request.method for request in served.requests} == {"crm.deal.list"}


def test_connections_are_kept_alive(company):
    with serve(company) as served, httpx.Client() as client:
        ports = set()
        for _ in range(3):
            with client.stream("GET", served.webhook + "scope") as response:
                ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
                response.read()
    assert len(ports) == 1


def test_faults_come_in_turn_and_then_the_portal_answers(company):
    faults = [
        Fault(502),
        Fault(200, "<html>limit</html>"),
        Fault(302, "", headers=(("Location", "http://127.0.0.1:1/"),)),
        Fault(503, {"error": "OVERLOAD_LIMIT", "error_description": "REST API is blocked due to overload"}),
        None,
        Fault(drops_connection=True),
    ]
    with serve(company, faults=faults) as served, httpx.Client(base_url=served.webhook) as client:
        answers = [client.get("scope") for _ in range(5)]
        with pytest.raises(httpx.RemoteProtocolError):
            client.get("scope")
        assert client.get("scope").status_code == 200
    assert [answer.status_code for answer in answers] == [502, 200, 302, 503, 200]
    assert answers[0].headers["Content-Type"] == "text/html"
    assert answers[3].json()["error"] == "OVERLOAD_LIMIT"


def test_faults_may_depend_on_what_is_asked(company):
    def only_batches(asked):
        return Fault(500) if asked.method == "batch" else None

    call = calling(company, faults=only_batches)
    assert call("scope")["result"]
    assert call.portal.answer(Request("POST", "/rest/1/code/batch")).status == 500


def test_the_log_counts_commands_and_holds_no_secret(company):
    with serve(company, code="topsecret") as served, httpx.Client() as client:
        client.post(served.webhook + "batch", json={"cmd": {"a": "scope", "b": "profile"}})
        client.get(served.webhook + "scope")
        client.get(served.webhook)
    assert [(asked.method, asked.commands) for asked in served.requests] == [("batch", 2), ("scope", 1), ("", 1)]
    assert "topsecret" not in f"{served.requests} {served!r} {served.portal!r}"


# Latency, a process of its own, companies of any size


def test_an_answer_takes_its_time_by_commands_and_rows_and_a_refusal_none(many):
    slept = []
    call = calling(many, latency=Latency(request=1, command=0.5, row=0.25), sleep=slept.append, clock=lambda: 0)
    call("crm.deal.list")
    call.batch({"a": "crm.deal.list?start=100", "b": "crm.deal.get?id=1"})
    call("no.such.method")
    assert slept == [1 + 0.5 + 50 * 0.25, 1 + 2 * 0.5 + 21 * 0.25]


def test_while_one_answer_takes_its_time_others_are_given(company):
    """Were they not, the first would wait for ever for the second."""
    waiting, released = threading.Event(), threading.Event()
    naps = iter([lambda: (waiting.set(), released.wait(30)), released.set])
    portal = Portal(company, code="code", latency=Latency(request=1), sleep=lambda seconds: next(naps)())
    request = Request("GET", "/rest/1/code/server.time")
    first = threading.Thread(target=portal.answer, args=(request,))
    first.start()
    assert waiting.wait(30)
    assert portal.answer(request).status == 200
    first.join(30)
    assert not first.is_alive()


def test_limits_can_change_while_a_portal_runs(company):
    call = calling(company, rate=Rate(1, 1), clock=lambda: 0)
    call("server.time")
    call("server.time")
    assert call.status == 503
    call.portal.limit(Rate(1, 2))
    call("server.time")
    assert call.status == 200


def _count_deals(company, served):
    company.add_deal("One more")
    return len(company.deals), len(served.requests)


def test_a_portal_can_run_in_a_process_of_its_own():
    with serve_apart(partial(Vast, deals=60, now=datetime(2025, 3, 1)), rate=Rate(1, 10)) as portal:
        body = httpx.get(f"{portal.webhook}crm.deal.list").json()
        assert (len(body["result"]), body["total"]) == (50, 60)
        assert portal.do(_count_deals) == (61, 1)
        assert httpx.get(f"{portal.webhook}crm.deal.list").json()["total"] == 61
        assert portal.webhook not in repr(portal)


@pytest.fixture
def vast() -> Vast:
    return Vast(deals=200, now=datetime(2025, 3, 1))


def test_rows_made_on_demand_are_the_same_each_time_and_in_every_list(vast):
    call = calling(vast)
    deal = call("crm.deal.get", id=77)["result"]
    assert call("crm.deal.list", filter={"ID": 77})["result"] == [deal]
    assert ids(call("crm.deal.list", filter={">ID": 150}, order={"ID": "ASC"}, start=-1)) == list(range(151, 201))
    entries = call("crm.stagehistory.list", entityTypeId=2, filter={"OWNER_ID": 77})["result"]["items"]
    assert [entry["ID"] for entry in entries] == [229, 230, 231]
    assert entries[-1]["STAGE_ID"] == deal["STAGE_ID"]
    assert call("crm.activity.list", filter={"OWNER_ID": 77})["total"] == 3


def test_a_made_deal_changes_goes_and_comes_back_like_any_other(vast):
    call = calling(vast)
    vast.now = datetime(2025, 3, 2)
    vast.move(5, "WON")
    vast.edit_deal(7, TITLE="renamed")
    vast.add_deal("new")
    vast.delete_deal(9)
    since = {">=DATE_MODIFY": "2025-03-01T00:00:00+03:00"}
    assert ids(call("crm.deal.list", filter=since, order={"ID": "ASC"})) == [5, 7, 201]
    assert call("crm.deal.get", id=7)["result"]["TITLE"] == "renamed"
    assert ids(call("crm.stagehistory.list", entityTypeId=2, filter={"OWNER_ID": 5})) == [13, 14, 15, 601]
    assert call("crm.stagehistory.list", entityTypeId=2, filter={"OWNER_ID": 9})["total"] == 0
    assert ids(call("crm.deal.list", filter={"@ID": [8, 9, 10]}, order={"ID": "DESC"})) == [10, 8]
    vast.merge_companies(3, 4)
    assert {vast.deals[deal]["COMPANY_ID"] for deal in (3, 43, 83)} == {4}


def test_an_index_finds_what_reading_everything_finds(vast):
    """The same filter once answered by the index of recent rows, once by a condition that has none."""
    call = calling(vast)
    vast.now = datetime(2025, 3, 2)
    for deal in (3, 150, 200):
        vast.edit_deal(deal, TITLE="touched")
    by_index = call("crm.deal.list", filter={">=DATE_MODIFY": "2025-03-01T00:00:00+03:00"}, order={"ID": "ASC"})
    by_reading = call("crm.deal.list", filter={"TITLE": "touched"}, order={"ID": "ASC"})
    assert ids(by_index) == ids(by_reading) == [3, 150, 200]
    long_ago = call("crm.deal.list", filter={">=DATE_MODIFY": "2024-03-01T00:00:00+03:00"})
    assert 3 < long_ago["total"] < 200


def test_pages_of_one_batch_by_offset_are_those_asked_for_one_by_one(many):
    many.delete_deal(60)
    call = calling(many)
    commands = {f"c{n}": f"crm.deal.list?order[ID]=ASC&start={50 * n}" for n in range(3)}
    together = call.batch(commands)["result"]
    one_by_one = [call("crm.deal.list", order={"ID": "ASC"}, start=50 * n)["result"] for n in range(3)]
    assert list(together.values()) == one_by_one
