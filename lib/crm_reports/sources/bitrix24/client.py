"""Calls a Bitrix24 portal by its incoming webhook: one method, or fifty in a batch, at the portal's own pace.

The webhook is a secret. It is in no message, no repr and no log line made here, and httpx's own are cleaned; nor is it
in what a portal, or a page in front of it, says back.
"""

import logging
import re
import socket
import ssl
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from threading import Lock
from typing import Any, NamedTuple, Self
from urllib.parse import quote, urlencode, urlsplit

import httpx
from pydantic import SecretStr

from ...errors import PortalError, SettingsError
from ...settings import LOOPBACK, Limits
from ...settings.secrecy import mask
from ...words.texts import _
from .bodies import BeyondLimits, Deadline, check_depth, read_body
from .pace import ORDINARY, Pace, Turnstile
from .refusals import Answer, AuthError, Passing, Reply, read_answer, split_batch

NO_SUCH_HOST = {getattr(socket, name) for name in ("EAI_NONAME", "EAI_NODATA", "EAI_FAIL") if hasattr(socket, name)}
NO_TLS = (
    "WRONG_VERSION_NUMBER",
    "UNSUPPORTED_PROTOCOL",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
)
USUAL = Limits()
# A request may take the cloud 60 s.
TIMEOUT = httpx.Timeout(connect=15, read=65, write=30, pool=15)
ATTEMPTS = 8
LONGEST_PAUSE = 30
MOST_COMMANDS = 50
READING = re.compile(r"batch|profile|scope|server\.time|app\.info|[a-z0-9_.]+\.(list|get|fields)", re.IGNORECASE)

log = logging.getLogger(__name__)


class Command(NamedTuple):
    """One method with its parameters, to go into a batch."""

    method: str
    params: Mapping[str, Any]


class Client:
    """A portal to call. `portal_url` is where its pages are; `transport`, `clock` and `sleep` are for tests.

    `attempts` is how often a call that met a passing trouble is made before it fails. It only reads: whatever else it
    may call is named in `writes`.
    """

    def __init__(
        self,
        webhook: SecretStr | str,
        *,
        pace: Pace = ORDINARY,
        attempts: int = ATTEMPTS,
        limits: Limits = USUAL,
        writes: Collection[str] = (),
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        address = webhook if isinstance(webhook, SecretStr) else SecretStr(webhook)
        self.portal_url, is_local = _portal_url(address)
        if not self.portal_url:  # said here, where no value in sight shows the secret
            n = len(address.get_secret_value().strip())
            raise SettingsError(
                _("the webhook (hidden, {n} characters) is none; give https://HOST/rest/USER/CODE/", n=n)
            )
        mask.learn(_code(address))
        self._attempts, self._writes = attempts, frozenset(writes)
        self._turnstile = Turnstile(pace, clock, sleep)
        self._sleep = sleep
        self._counting = Lock()
        self.requests = 0
        self._pace, self.together = pace, pace.together
        self._http = httpx.Client(
            base_url=address.get_secret_value().strip().rstrip("/") + "/",
            headers={"User-Agent": "crm-reports", "Accept": "application/json", "Accept-Encoding": "gzip"},
            timeout=TIMEOUT,
            follow_redirects=False,
            transport=transport,
            # A proxy would get the address of a local portal in clear.
            trust_env=not is_local,
        )
        self._limits, self._deadline = limits, Deadline(limits.answer_seconds)
        self._deadline.watch(self._http)

    def __repr__(self) -> str:
        return f"<Client {self.portal_url}/rest/…>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, **params: Any) -> Answer:
        """What `method` answers; asks again when the portal is busy or the connection broke."""
        return self._ask(method, params, {method})

    def batch(self, commands: Mapping[str, Command], *, halt: bool = False) -> dict[str, Reply]:
        """What each of up to 50 commands gave, by its key: an answer, or the error it met.

        With `halt`, those after the first error are absent. Raises `Passing` with `is_slow` when less may work better.
        """
        queries = {
            key: f"{method}?{urlencode(list(flat(params)), quote_via=quote)}"
            for key, (method, params) in commands.items()
        }
        methods = {key: command.method for key, command in commands.items()}
        answer = self._ask("batch", {"halt": int(halt), "cmd": queries}, set(methods.values()))
        answers = {key: _harmless(part) for key, part in split_batch(methods, answer).items()}
        for key, part in answers.items():
            self._note(methods[key], part, answer)
        return answers

    def _note(self, method: str, reply: Reply, batch: Answer) -> None:
        if isinstance(reply, Answer):
            self._turnstile.note(method, reply.time)
        elif reply.code == "operation_time_limit":
            self._turnstile.rest(method, getattr(reply, "time", None) or batch.time)

    def _ask(self, method: str, params: Mapping[str, Any], inside: set[str]) -> Answer:
        for name in sorted(inside | {method}):
            if not READING.fullmatch(name) and name not in self._writes:
                raise RuntimeError(f"{name} may change something, and this webhook is for reading")
        for attempt in range(1, self._attempts + 1):
            self._turnstile.enter(inside | {method})
            reply = self._once(method, params)
            if isinstance(reply, Answer):
                self._turnstile.note(method, reply.time)
                return reply
            is_too_much = getattr(reply, "is_slow", False) and len(params.get("cmd", ())) > 1
            if (
                attempt == self._attempts
                or is_too_much
                or not isinstance(reply, Passing)
                or isinstance(reply, BeyondLimits)
            ):
                raise reply
            self._pause(reply, method, attempt)
        raise AssertionError("the last attempt answers or raises")

    def _pause(self, refusal: Passing, method: str, attempt: int) -> None:
        log.info("%s; asking again (%d of %d)", refusal, attempt + 1, self._attempts)
        if refusal.code == "operation_time_limit":
            self._turnstile.rest(method, refusal.time)
        if refusal.code == "query_limit_exceeded":
            self._turnstile.note_refusal()
        self._sleep(min(self._pace.pause * 2 ** (attempt - 1), LONGEST_PAUSE))

    def _once(self, method: str, params: Mapping[str, Any]) -> Reply:
        with self._counting:
            self.requests += 1
        try:
            self._deadline.begin()
            with self._http.stream("POST", method, json=params) as response:
                if response.is_redirect:
                    return _harmless(_redirection(response))
                content = read_body(response, method, self._limits)
            check_depth(content, method, self._limits)
            return read_answer(method, response.status_code, content)
        except PortalError as error:
            return _harmless(error)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # Only words leave this block: an httpx exception carries the request with its address.
            return _harmless(self._broken(method, error))

    def _broken(self, method: str, error: httpx.HTTPError | httpx.InvalidURL) -> PortalError:
        if isinstance(error, httpx.ReadTimeout) and self._deadline.is_over:
            words = _(
                "Bitrix24 did not end its answer to {method} within {n} seconds; answer_seconds under [limits] in reports.toml allows more",
                method=method,
                n=round(self._limits.answer_seconds),
            )
            return BeyondLimits(words)
        return _broken(method, error)


def _harmless(reply: Reply) -> Reply:
    """The same; an error without the code that a portal put into it, and without the frames that hold the body."""
    if isinstance(reply, PortalError):
        reply.args, reply.code = tuple(mask.hidden(str(argument)) for argument in reply.args), mask.hidden(reply.code)
        reply.__traceback__ = None
    return reply


def _broken(method: str, error: httpx.HTTPError | httpx.InvalidURL) -> PortalError:
    if words := _hopeless(error):
        return AuthError(words, code="address")
    is_slow = isinstance(error, httpx.ReadTimeout | httpx.RemoteProtocolError | httpx.ReadError)
    words = str(error) or type(error).__name__
    return Passing(_("Bitrix24 gave no answer to {method}: {words}", method=method, words=words), is_slow=is_slow)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _hopeless(error: BaseException) -> str:
    """What is wrong where asking again can't help, "" where it may."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message
            return _(
                "the portal's certificate is not to be trusted ({why}): let its administrator put that right", why=why
            )
        if isinstance(cause, ssl.SSLError) and cause.reason in NO_TLS:
            return _(
                "the portal speaks no TLS that this machine knows ({why}): is its address right?", why=cause.reason
            )
        if isinstance(cause, socket.gaierror) and cause.errno in NO_SUCH_HOST:
            return _("there is no host of the webhook's name: is it right in CRM_REPORTS_WEBHOOK?")
        if isinstance(cause, httpx.UnsupportedProtocol | httpx.InvalidURL | httpx.LocalProtocolError):
            return _(
                "the webhook's address can't be asked ({why}): is it right in CRM_REPORTS_WEBHOOK?",
                why=type(cause).__name__,
            )
    return ""


def _redirection(response: httpx.Response) -> PortalError:
    try:
        host = urlsplit(response.headers.get("Location", "")).hostname
    except ValueError:  # whatever stands there is no address
        host = None
    words = _("the portal has moved to {host!r}: put its new address into CRM_REPORTS_WEBHOOK", host=host or "?")
    return PortalError(words, code="moved")


def _portal_url(webhook: SecretStr) -> tuple[str, bool]:
    """Where the portal's pages are, "" when the webhook is none, and whether that is this machine."""
    address = webhook.get_secret_value().strip()
    parts = urlsplit(address) if re.fullmatch(r"https?://[^\s@?#]+/rest/[^/\s?#]+/[^/\s?#]+/?", address) else None
    is_local = bool(parts and parts.hostname in LOOPBACK)
    if not parts or not (parts.scheme == "https" or is_local):
        return "", False
    return f"{parts.scheme}://{parts.netloc}", is_local


def _code(webhook: SecretStr) -> str:
    return webhook.get_secret_value().strip().rstrip("/").rpartition("/")[2]


def flat(params: Mapping[str, Any], inside: str = "") -> Iterator[tuple[str, str]]:
    """Parameters as PHP reads them from a URL: filter[>ID]=5, select[0]=ID."""
    for key, value in params.items():
        name = f"{inside}[{key}]" if inside else key
        if isinstance(value, Mapping):
            yield from flat(value, name)
        elif isinstance(value, list | tuple):
            yield from flat({str(place): part for place, part in enumerate(value)}, name)
        else:
            yield name, "" if value is None else str(value)
