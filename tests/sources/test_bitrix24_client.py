"""The client against a portal made of one function: pace, patience, cursors, and the secret that stays one."""

import json
import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_reports.errors import PortalError, ScopeError, SettingsError
from crm_reports.sources.bitrix24.client import ATTEMPTS, Client, Command, flat
from crm_reports.sources.bitrix24.cursors import Ask, by_id, lists
from crm_reports.sources.bitrix24.pace import ENTERPRISE, Pace, Turnstile
from crm_reports.sources.bitrix24.pages import Listing, by_start, many, many_by_start
from crm_reports.sources.bitrix24.refusals import AuthError, Passing

SECRET = "s3cr3tc0de"
WEBHOOK = f"https://acme.bitrix24.ru/rest/1/{SECRET}/"
DEALS = Listing("crm.deal.list", ("ID",))
HISTORY = Listing("crm.stagehistory.list", ("ID",), others={"entityTypeId": 2}, wrapper="items")

Handler = Callable[[str, dict[str, Any]], httpx.Response]


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        return self.now


def portal(answer: Handler, *, pace: Pace = ENTERPRISE, time: Time | None = None) -> Client:
    time = time or Time()

    def respond(request: httpx.Request) -> httpx.Response:
        return answer(request.url.path.rsplit("/", 1)[-1], json.loads(request.content))

    transport = httpx.MockTransport(respond)
    return Client(WEBHOOK, pace=pace, transport=transport, clock=time.clock, sleep=time.sleep)


def said(result: Any, **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"result": result, **more})


def error(status: int, code: Any, words: str = "", **more: Any) -> httpx.Response:
    return httpx.Response(status, json={"error": code, "error_description": words, **more})


def in_turn(*answers: httpx.Response | Exception) -> Handler:
    waiting = iter(answers)

    def answer(method: str, params: dict[str, Any]) -> httpx.Response:
        given = next(waiting)
        if isinstance(given, Exception):
            raise given
        return given

    return answer


def php(values: Mapping[str, Any]) -> Any:
    """A PHP array in JSON: no keys is [], and the keys 0, 1, 2 … are lost."""
    return list(values.values()) if list(values) == [str(n) for n in range(len(values))] else dict(values)


class Shop:
    """A list of ids served as Bitrix24 serves it, references and their breaking included."""

    def __init__(self, ids: list[int], *, wrapper: str = "", most: int = 50, native: bool = False) -> None:
        self.ids, self.wrapper, self.most, self.native = ids, wrapper, most, native
        self.batches: list[int] = []
        self.broken_command = ""

    def __call__(self, method: str, params: dict[str, Any]) -> httpx.Response:
        if method != "batch":
            self.batches.append(1)
            return said(self.page(params["filter"][">ID"]))
        commands: dict[str, str] = params["cmd"]
        self.batches.append(len(commands))
        if len(commands) > self.most:
            raise httpx.ReadTimeout("too slow")
        return said(self.run(commands))

    def run(self, commands: dict[str, str]) -> dict[str, Any]:
        results: dict[str, Any] = {}
        for key, command in commands.items():
            if key == self.broken_command:
                self.broken_command = ""
                failed = {key: {"error": "INTERNAL_SERVER_ERROR", "error_description": "oops"}}
                return {"result": php(results), "result_error": failed, "result_total": [], "result_next": []}
            query = dict(parse_qsl(command.partition("?")[2]))
            results[key] = self.page(self.resolve(query["filter[>ID]"], results))
        return {"result": php(results), "result_error": [], "result_total": [], "result_next": [], "result_time": []}

    def resolve(self, value: str, results: dict[str, Any]) -> Any:
        if not value.startswith("$result["):
            return value
        level: Any = results
        for step in value.removeprefix("$result[").removesuffix("]").split("]["):
            try:
                level = level[int(step)] if isinstance(level, list) else level[step]
            except (KeyError, IndexError):
                return level
        return level

    def page(self, after: Any) -> Any:
        after = 1 if isinstance(after, dict | list) else int(after)  # (int)array of PHP
        rows = [{"ID": each if self.native else str(each)} for each in self.ids if each > after][:50]
        return {self.wrapper: rows} if self.wrapper else rows


def read(client: Client, listing: Listing = DEALS, after: int = 0) -> list[int]:
    return [int(row["ID"]) for page in by_id(client, listing, after=after) for row in page]


# Listing by id


@pytest.mark.parametrize("count", [0, 1, 49, 50, 51, 100, 549, 550, 551, 3_000, 3_050])
def test_every_row_comes_once_however_the_pages_fall(count: int) -> None:
    ids = [3 * n for n in range(1, count + 1)]
    assert read(portal(Shop(ids))) == ids
    assert read(portal(Shop(ids, wrapper="items", native=True)), HISTORY) == ids


@given(st.sets(st.integers(1, 5_000), max_size=700))
def test_gaps_between_ids_do_not_matter(ids: set[int]) -> None:
    assert read(portal(Shop(sorted(ids)))) == sorted(ids)


def test_a_list_grows_from_one_page_to_fifty_in_a_request() -> None:
    shop = Shop(list(range(1, 3_101)))
    read(portal(shop))
    # 1 page, 10 pages, 50 pages: 3,050 rows; the last 50 rows and the empty page behind them in a fourth request.
    assert shop.batches == [1, 10, 50, 50]


def test_a_list_goes_on_behind_the_last_id_that_is_known() -> None:
    assert read(portal(Shop([5, 9, 10, 70])), after=9) == [10, 70]


def test_a_batch_that_times_out_is_halved() -> None:
    shop = Shop(list(range(1, 3_000)), most=12)
    assert read(portal(shop)) == list(range(1, 3_000))
    assert shop.batches[:5] == [1, 10, 50, 25, 12]


def test_pages_behind_a_failed_command_are_asked_for_again() -> None:
    shop = Shop(list(range(1, 1_000)))
    shop.broken_command = "c4"
    assert read(portal(shop)) == list(range(1, 1_000))


def test_a_first_command_that_fails_is_asked_again_alone() -> None:
    shop = Shop(list(range(1, 1_000)))
    shop.broken_command = "c0"
    assert read(portal(shop)) == list(range(1, 1_000))


@pytest.mark.parametrize("is_mended", [True, False])
def test_lists_that_fail_in_every_batch_are_asked_a_page_at_a_time_and_not_for_ever(is_mended: bool) -> None:
    """Several of them must not keep each other company for good."""
    shop = Shop(list(range(1, 121)))
    fails = {"error": "INTERNAL_SERVER_ERROR", "error_description": ""}

    def answer(method: str, params: dict[str, Any]) -> httpx.Response:
        if method == "batch":
            return said({"result": [], "result_error": dict.fromkeys(params["cmd"], fails)})
        return shop(method, params) if is_mended else error(500, "INTERNAL_SERVER_ERROR")

    asks = [Ask(name, DEALS) for name in ("one", "other")]
    if is_mended:
        came = [(name, len(rows)) for name, rows in lists(portal(answer), asks)]
        assert sorted(came) == sorted([(name, rows) for name in ("one", "other") for rows in (50, 50, 20)])
    else:
        with pytest.raises(Passing):
            list(lists(portal(answer), asks))


def test_a_portal_that_drops_the_filter_is_not_read_for_ever() -> None:
    same = said([{"ID": str(n)} for n in range(1, 51)])
    with pytest.raises(PortalError, match="asked for ids after 50"):
        read(portal(lambda method, params: same if method != "batch" else said({
            "result": {key: [{"ID": str(n)} for n in range(1, 51)] for key in params["cmd"]}, "result_error": [],
        })))  # fmt: skip


def test_falling_ids_are_refused() -> None:
    with pytest.raises(PortalError, match="rising order"):
        read(portal(in_turn(said([{"ID": "2"}, {"ID": "1"}]))))


def test_a_row_without_an_id_is_refused() -> None:
    with pytest.raises(PortalError, match="row without an id"):
        read(portal(in_turn(said([{"TITLE": "x"}]))))


def test_a_refusal_in_the_first_page_is_said() -> None:
    with pytest.raises(ScopeError):
        read(portal(in_turn(error(403, "insufficient_scope"))))


# Listing by start


def test_a_method_without_cursor_is_paged_by_next() -> None:
    pages = in_turn(said([{"ID": "1"}], next=50, total=2), said([{"ID": "2"}], total=2))
    assert [row["ID"] for page in by_start(portal(pages), "department.get") for row in page] == ["1", "2"]


def test_page_one_past_the_end_is_the_end() -> None:
    first = [{"ID": str(n)} for n in range(50)]
    wraps = portal(lambda method, params: said(first, total=200, next=params["start"] + 50))
    assert sum(len(page) for page in by_start(wraps, "department.get")) == 50


def test_the_rest_of_a_long_list_in_a_batch_is_asked_for() -> None:
    def answer(method: str, params: dict[str, Any]) -> httpx.Response:
        commands = {} if method != "batch" else params["cmd"]
        starts = {key: int(dict(parse_qsl(each.partition("?")[2]))["start"]) for key, each in commands.items()}
        if method != "batch":
            return said([{"ID": "51"}], total=51)
        result = {key: [{"ID": str(n)} for n in range(1, 51)] if key == "c0" else [] for key in starts}
        return said({"result": result, "result_total": {"c0": 51}, "result_error": [], "result_next": {"c0": 50}})

    def page(name: str, start: int) -> Command:
        return Command("crm.timeline.comment.list", {"filter": {"ENTITY_ID": name}, "start": start})

    given = [(name, len(rows)) for name, rows in many_by_start(portal(answer), ["7", "8"], page)]
    assert given == [("7", 50), ("8", 0), ("7", 1)]


# Batches


def test_batches_hold_fifty_commands_and_keep_the_order() -> None:
    sizes: list[int] = []

    def answer(method: str, params: dict[str, Any]) -> httpx.Response:
        if method != "batch":
            sizes.append(1)
            return said(params["n"])
        sizes.append(len(params["cmd"]))
        result = {key: int(each.partition("n=")[2]) for key, each in params["cmd"].items()}
        return said({"result": result, "result_error": []})

    given = list(many(portal(answer), ((n, Command("m.get", {"n": n})) for n in range(101))))
    assert sorted(sizes) == [1, 50, 50]  # they are asked side by side: which comes first is the machine's business
    assert [name for name, _ in given] == [answer.result for _, answer in given] == list(range(101))


def test_one_failed_command_leaves_the_others() -> None:
    body = {
        "result": {"c0": [1]},
        "result_error": {"c1": {"error": "", "error_description": "Access denied."}},
        "result_total": [], "result_next": [], "result_time": [],
    }  # fmt: skip
    given = portal(in_turn(said(body))).batch({"c0": Command("a.get", {}), "c1": Command("b.get", {})})
    assert given["c0"].result == [1]
    assert isinstance(given["c1"], ScopeError)
    assert "'Access denied.'" in str(given["c1"])


def test_maps_that_php_made_lists_are_read_by_their_places() -> None:
    given = portal(in_turn(said({"result": [["x"], []], "result_error": []}))).batch(
        {"0": Command("a.get", {}), "1": Command("b.get", {})}
    )
    assert [given[key].result for key in ("0", "1")] == [["x"], []]


def test_a_command_is_written_as_php_reads_it() -> None:
    params = {"filter": {">=DATE_MODIFY": "2025-01-01T00:00:00+03:00"}, "select": ["ID", "TITLE"], "start": -1}
    assert dict(flat(params)) == {
        "filter[>=DATE_MODIFY]": "2025-01-01T00:00:00+03:00", "select[0]": "ID", "select[1]": "TITLE", "start": "-1",
    }  # fmt: skip
    sent: list[str] = []

    def answer(method: str, body: dict[str, Any]) -> httpx.Response:
        sent.append(body["cmd"]["c0"])
        return said({"result": [], "result_error": []})

    portal(answer).batch({"c0": Command("m.get", {"filter": {">A": "1 +03:00#&%я"}})})
    assert sent == ["m.get?filter%5B%3EA%5D=1%20%2B03%3A00%23%26%25%D1%8F"]


# Patience


@pytest.mark.parametrize(
    "busy",
    [
        error(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"),
        error(200, "query_limit_exceeded"),
        error(500, "INTERNAL_SERVER_ERROR"),
        httpx.Response(502, text="<html>502 Bad Gateway</html>"),
        httpx.Response(200, text='{"result": [{"ID"'),
        httpx.Response(504, text=""),
        httpx.ReadTimeout("slow"),
        httpx.ConnectError("refused"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    ],
    ids=lambda busy: str(busy) or "timeout",
)
def test_what_passes_is_asked_again(busy: httpx.Response | Exception) -> None:
    assert portal(in_turn(busy, busy, said("here"))).call("server.time").result == "here"


def test_patience_ends_and_the_last_words_are_bitrix24s_own() -> None:
    time = Time()
    client = portal(lambda method, params: error(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"), time=time)
    with pytest.raises(Passing, match="Too many requests"):
        client.call("crm.deal.list")
    assert client.requests == ATTEMPTS == 8
    assert sum(time.naps) < 120


def test_a_blocked_method_rests_until_the_portal_says() -> None:
    time = Time()
    blocked = error(429, "OPERATION_TIME_LIMIT", "blocked", time={"operating_reset_at": 1_300, "finish": 1_000})
    assert portal(in_turn(blocked, said(1)), time=time).call("crm.deal.list").result == 1
    assert time.now == pytest.approx(300)


def test_a_method_near_its_limit_is_slowed_down_and_others_are_not() -> None:
    time = Time()
    spent = {"operating": 401.5, "operating_reset_at": 1_600, "finish": 1_000}
    client = portal(in_turn(said(1, time=spent), said(2), said(3)), time=time)
    client.call("crm.deal.list")
    client.call("crm.lead.list")
    assert time.naps == []
    client.call("crm.deal.list")
    assert time.naps == [60]


def test_work_inside_a_batch_counts_for_its_method() -> None:
    time = Time()
    body = {"result": {"c0": []}, "result_error": [], "result_time": {"c0": {"operating": 470}}}
    client = portal(in_turn(said(body), said([])), time=time)
    client.batch({"c0": Command("crm.deal.list", {})})
    client.call("crm.deal.list")
    assert time.naps == [60]


# Pace


def test_the_burst_is_spent_without_waiting_then_two_a_second() -> None:
    time = Time()
    client = portal(lambda method, params: said(1), pace=Pace(per_second=2, burst=50), time=time)
    for _ in range(50):
        client.call("m.get")
    assert time.naps == []
    for _ in range(4):
        client.call("m.get")
    assert time.naps == [0.5, 0.5, 0.5, 0.5]


@given(st.lists(st.floats(0, 3), max_size=120))
def test_no_order_of_pauses_overfills_the_portals_bucket(pauses: list[float]) -> None:
    time = Time()
    turnstile = Turnstile(Pace(per_second=2, burst=10), time.clock, time.sleep)
    level, seen = 0.0, 0.0
    for pause in pauses:
        time.now += pause
        turnstile.enter({"m"})
        level, seen = max(0.0, level - (time.now - seen) * 2) + 1, time.now
        assert level <= 10 + 1e-6


# Refusals


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(401, "NO_AUTH_FOUND", "Wrong authorization data"), AuthError),
        (error(200, "expired_token"), AuthError),
        (error(401, "authorization_error"), AuthError),
        (error(410, "PORTAL_DELETED"), AuthError),
        (error(401, "insufficient_scope"), ScopeError),
        (error(403, "ACCESS_DENIED"), ScopeError),
        (error(400, "", "Access denied."), ScopeError),
        (error(400, "", "Not found"), PortalError),
        (error(400, 0, "INVOICE entity is not supported"), PortalError),
        (error(404, "ERROR_METHOD_NOT_FOUND", "Method not found!"), PortalError),
        (httpx.Response(403, text="<html>Forbidden</html>"), PortalError),
    ],
)
def test_a_refusal_is_not_asked_again(answer: httpx.Response, kind: type[PortalError]) -> None:
    client = portal(lambda method, params: answer)
    with pytest.raises(PortalError) as caught:
        client.call("crm.deal.list")
    assert type(caught.value) is kind
    assert client.requests == 1


def test_a_renamed_portal_is_not_followed_but_named() -> None:
    moved = httpx.Response(302, headers={"Location": f"https://new.bitrix24.ru/rest/1/{SECRET}/crm.deal.list"})
    client = portal(lambda method, params: moved)
    with pytest.raises(PortalError, match=r"moved to 'new\.bitrix24\.ru'") as caught:
        client.call("crm.deal.list")
    assert SECRET not in str(caught.value)
    assert client.requests == 1


# The secret


@pytest.mark.parametrize(
    "address",
    [
        f"http://acme.bitrix24.ru/rest/1/{SECRET}/", f"ftp://acme/rest/1/{SECRET}/", f"https://acme/1/{SECRET}/",
        f"https://user:{SECRET}@acme/rest/1/x/", SECRET, "",
    ],
)  # fmt: skip
def test_no_webhook_but_https_is_taken_and_none_is_shown(address: str) -> None:
    with pytest.raises(SettingsError, match="give https://HOST/rest/USER/CODE/") as caught:
        Client(address)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "[::1]:99"])
def test_this_machine_may_be_asked_without_https(host: str) -> None:
    with Client(f"http://{host}/rest/1/{SECRET}") as client:
        assert client.portal_url == f"http://{host}"


@pytest.mark.parametrize("spelled", [SECRET, SECRET.upper(), f"https://ACME.bitrix24.ru/REST/1/{SECRET.title()}/batch"])
def test_what_a_portal_says_back_of_the_secret_is_hidden_in_any_letter_case(spelled: str) -> None:
    client = portal(in_turn(error(403, "access_denied", f"no such token: {spelled}")))
    with pytest.raises(ScopeError) as caught:
        client.call("crm.deal.list")
    assert SECRET not in str(caught.value).lower()
    assert "…" in str(caught.value)


def test_the_secret_is_in_no_repr_no_log_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=name)
    leaky = httpx.ConnectError(f"no route to {WEBHOOK}crm.deal.list")
    client = portal(in_turn(said(1), error(401, "NO_AUTH_FOUND"), *[leaky] * ATTEMPTS))
    client.call("crm.deal.list")
    told = [repr(client)]
    for _ in range(2):
        with pytest.raises(PortalError) as caught:
            client.call("crm.deal.list")
        ours = caught.value.__traceback__.tb_next  # this test's own frame knows the secret
        told += traceback.TracebackException(type(caught.value), caught.value, ours, capture_locals=True).format()
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
    assert "acme.bitrix24.ru" in caplog.text
    assert SECRET not in caplog.text
    assert SECRET not in "".join(told)
