"""A Bitrix24 portal without its socket: takes a request, gives a response, as the REST server does."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Any

from . import batch
from . import notices as _notices  # noqa: F401  its methods join the others
from . import products as _products  # noqa: F401
from . import todos as _todos  # noqa: F401
from .company import Company
from .limits import AT_ONCE, ENTERPRISE, Clock, Latency, LeakyBucket, Operating, Rate
from .methods import METHODS, Answer, Desk
from .quirks import Quirks
from .variants import refused
from .wire import Refusal, Writers, as_list, parse_body, parse_query, to_json

SCOPES = ("crm", "user", "department", "telephony")


@dataclass(frozen=True)
class Request:
    """What came over the wire; `target` is the path with its query."""

    http_method: str
    target: str
    content_type: str = ""
    body: bytes = b""


@dataclass(frozen=True)
class Response:
    """What goes back; with `drops_connection` nothing does."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    drops_connection: bool = False


@dataclass(frozen=True)
class Fault:
    """An answer that the portal's own logic would not give: nginx's page, a redirect, a cut connection."""

    status: int = 502
    body: str | Mapping[str, Any] = "<html><h1>502 Bad Gateway</h1></html>"
    headers: tuple[tuple[str, str], ...] = ()
    drops_connection: bool = False

    def response(self) -> Response:
        is_text = isinstance(self.body, str)
        content = self.body.encode() if is_text else to_json(self.body)
        kind = "text/html" if is_text else "application/json"
        return Response(self.status, content, {"Content-Type": kind} | dict(self.headers), self.drops_connection)


Faults = Iterable[Fault | None] | Callable[["Asked"], Fault | None]


@dataclass(frozen=True)
class Asked:
    """One request in the log, without the webhook's secret; `at` is when it came, by the portal's clock of limits."""

    method: str
    params: Mapping[str, Any]
    at: float = 0.0

    @property
    def commands(self) -> int:
        """How many methods it called: those inside a batch, else one."""
        return len(batch.commands(dict(self.params))) if self.method == "batch" else 1


class Portal:
    """Answers requests about one company, remembers what was asked, and how often it refused, by the error's code.

    `faults` decides before anything else: an iterable gives one item to each request (None lets it through; after the
    last one all go through), a callable is asked each time. `refusals` are what some methods say instead of an answer,
    inside a batch as well; whoever gave them may change them later. `processing` tells
    the seconds that a call of a method is said to have worked; `clock` is the monotonic clock of both limits. With a
    `latency` each answer takes its time.
    """

    def __init__(
        self,
        company: Company,
        *,
        code: str,
        user: int = 1,
        rate: Rate = ENTERPRISE,
        scopes: Iterable[str] = SCOPES,
        quirks: Quirks | None = None,
        faults: Faults = (),
        refusals: Mapping[str, Refusal] | None = None,
        clock: Clock = time.monotonic,
        processing: Callable[[str], float] = lambda method: 0.02,
        operating_budget: float = 480,
        latency: Latency = AT_ONCE,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        quirks = company.quirks = quirks or company.quirks
        writers = Writers(company.zone, dates_at_utc_midnight=quirks.dates_at_utc_midnight)
        self._desk = Desk(company, writers, quirks, tuple(scopes), user)
        self.user = user
        self._code = code
        self._operating = Operating(operating_budget, clock)
        self._faults = _one_by_one(faults)
        self._refusals = {} if refusals is None else refusals
        self._processing = processing
        lacks = {"crm.category.list": not quirks.has_categories, "crm.settings.mode.get": not quirks.has_mode}
        self._unknown = {method for method, is_lacking in lacks.items() if is_lacking}
        self._sleep, self._clock, self._rows = sleep, clock, 0
        self.limit(rate, latency)
        self._lock = Lock()
        self.requests: list[Asked] = []
        self.refused: Counter[str] = Counter()

    @property
    def notices(self) -> list[dict[str, Any]]:
        """What people were told and still see, the oldest first."""
        return list(self._desk.notices.values())

    def limit(self, rate: Rate, latency: Latency = AT_ONCE) -> None:
        """From now on it takes no more than so many requests, and so long for each; its bucket is empty again."""
        self._bucket, self._latency = LeakyBucket(rate, self._clock), latency

    def __repr__(self) -> str:
        return f"Portal({len(self._desk.company.deals)} deals)"

    def answer(self, request: Request) -> Response:
        """The response to one request; never raises. While one waits for its time others are served."""
        beginning = self._clock()
        with self._lock:
            response, seconds = self._work(request)
        if seconds:
            self._sleep(max(0.0, beginning + seconds - self._clock()))
        return response

    def _work(self, request: Request) -> tuple[Response, float]:
        """The response, and how long a real portal would have taken; refusals and faults come at once."""
        path, _, query = request.target.partition("?")
        params = parse_query(query) | parse_body(request.content_type, request.body)
        user, code, method = _address(path)
        question = Asked(method.lower(), params, self._clock())
        self.requests.append(question)
        self._desk.found.clear()
        self._rows = 0
        fault = self._faults(question)
        response = fault.response() if fault else self._say(user, code, question)
        took = self._latency.seconds(question.commands, self._rows) if response.status == 200 else 0.0
        return response, took

    def _say(self, user: str, code: str, question: Asked) -> Response:
        try:
            self._admit(user, code)
            return self._json(200, self._envelope(question.method, dict(question.params)))
        except Refusal as refusal:
            self.refused[str(refusal.error)] += 1
            return self._json(*refused(refusal, self._desk.quirks))

    def _json(self, status: int, body: Mapping[str, Any]) -> Response:
        mark = b"\xef\xbb\xbf" if self._desk.quirks.byte_order_mark else b""
        return Response(status, mark + to_json(body), {"Content-Type": "application/json; charset=utf-8"})

    def _admit(self, user: str, code: str) -> None:
        if not self._bucket.pour():
            raise Refusal(503, "QUERY_LIMIT_EXCEEDED", "Too many requests")
        if not user.isdigit():
            raise Refusal(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        if (user, code) != (str(self._desk.user), self._code):
            raise Refusal(401, "NO_AUTH_FOUND", "Wrong authorization data")

    def _envelope(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "batch":
            return self._batch(params)
        answer, took = self._call(method, params)
        counts = {"next": answer.next, "total": answer.total}
        return {"result": answer.result} | {k: n for k, n in counts.items() if n is not None} | {"time": took}

    def _batch(self, params: dict[str, Any]) -> dict[str, Any]:
        """The commands are charged to their own methods, and on some self-hosted portals to the batch as well."""
        if not self._desk.quirks.batch_is_charged:
            return {"result": batch.run(params, self._call).result, "time": self._time()}
        self._refuse_if_blocked("batch")
        result = batch.run(params, self._call).result
        self._operating.charge("batch", sum(timing["processing"] for timing in as_list(result["result_time"])))
        return {"result": result, "time": self._time("batch")}

    def _refuse_if_blocked(self, method: str) -> None:
        if self._operating.is_blocked(method):
            raise Refusal(429, "OPERATION_TIME_LIMIT", "Method is blocked due to operation time limit")

    def _call(self, method: str, params: dict[str, Any]) -> tuple[Answer, dict[str, Any]]:
        method = method.lower()
        entry = METHODS.get(method)
        if entry is None or method in self._unknown:
            raise Refusal(404, "ERROR_METHOD_NOT_FOUND", "Method not found!")
        if method in self._refusals:
            raise self._refusals[method]
        if entry.scopes and not entry.scopes & set(self._desk.scopes):
            needs = "The request requires higher privileges than provided by the webhook token"
            raise Refusal(403, "insufficient_scope", needs)
        self._refuse_if_blocked(method)
        answer = entry.answer(self._desk, params)
        self._rows += answer.rows
        self._operating.charge(method, self._processing(method))
        return answer, self._time(method)

    def _time(self, method: str = "") -> dict[str, Any]:
        """The `time` of an answer, by the company's clock; the two `operating` keys are not always there."""
        now, duration = self._desk.company.now, self._processing(method) if method else 0.0
        now_text, start = self._desk.writers.instant(now), now.timestamp()
        if self._desk.quirks.whole_seconds:
            start, duration = int(start), round(duration)
        block = {
            "start": start, "finish": start + duration, "duration": duration, "processing": duration,
            "date_start": now_text, "date_finish": now_text,
        }  # fmt: skip
        if not method or self._hides_operating():
            return block
        reset = now + timedelta(minutes=10)
        reset_text = (
            self._desk.writers.instant(reset) if self._desk.quirks.operating_reset_as_text else int(start) + 600
        )
        return block | {"operating_reset_at": reset_text, "operating": self._operating.spent(method)}

    def _hides_operating(self) -> bool:
        often = {"always": False, "never": True, "sometimes": len(self.requests) % 3 == 0}
        return often[self._desk.quirks.operating]


def _one_by_one(faults: Faults) -> Callable[[Asked], Fault | None]:
    if callable(faults):
        return faults
    waiting: Iterator[Fault | None] = iter(faults)
    return lambda _question: next(waiting, None)


def _address(path: str) -> tuple[str, str, str]:
    """User, code and method of /rest/{user}/{code}/{method}[.json]; all empty when the path is malformed."""
    parts = path.strip("/").split("/")
    if len(parts) != 4 or parts[0] != "rest":
        return "", "", ""
    return parts[1], parts[2], parts[3].removesuffix(".json")
