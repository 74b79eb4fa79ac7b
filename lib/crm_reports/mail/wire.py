"""One request to the server of a channel, and what it says; no secret that `mask` knows is in any text made here."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from ..settings import LOOPBACK
from ..settings.secrecy import mask
from ..sources.bitrix24.bodies import Deadline
from ..words.texts import _
from .content import clean
from .delivery import Later, Never

MOST_BYTES = 1 << 16  # of an answer that are read
UPLOAD = 10  # times the timeout that a large file and its answer may take together
PASSES = {408, 425, 429}


@dataclass(frozen=True)
class Reply:
    """A server's status, what it asks to wait (seconds), its words, and its JSON where that is an object."""

    status: int
    retry_after: float
    words: str
    body: Mapping[str, Any]

    @property
    def passes(self) -> bool:
        """Whether the same may be taken another time."""
        return self.status in PASSES or self.status >= 500


class Wire:
    """Requests to one server, called `place` in texts. It may be silent for `timeout` seconds."""

    def __init__(self, place: str, address: str, *, timeout: float) -> None:
        self.place, self.timeout = place, timeout
        self._http = httpx.Client(
            headers={"User-Agent": "crm-reports", "Accept-Encoding": "identity"},
            timeout=timeout,
            follow_redirects=False,
            trust_env=urlsplit(address).hostname not in LOOPBACK,
            verify=address.startswith(
                "https://"
            ),  # nothing else shows a certificate, and to read those known takes time
        )
        self._deadline = Deadline(UPLOAD * timeout)
        self._deadline.watch(self._http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def post(self, address: str, **content: Any) -> Reply:
        """What the server answers; Later when it can't be reached, or says nothing."""
        try:
            return self._post(address, content)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            why = type(error).__name__
            refusal = Never(_("{place} has no address that can be written to ({why})", place=self.place, why=why))
        except httpx.TimeoutException:
            words = _("{place} did not answer within {seconds} s", place=self.place, seconds=f"{self.timeout:g}")
            refusal = Later(words, is_broken=True)
        except httpx.HTTPError as error:  # only words leave this block: it carries the request with its address
            why = clean(mask.hidden(str(error) or type(error).__name__), 200)
            refusal = Later(_("{place} can't be reached: {why}", place=self.place, why=why), is_broken=True)
        raise refusal

    def _post(self, address: str, content: Mapping[str, Any]) -> Reply:
        self._deadline.begin()
        with self._http.stream("POST", address, **content) as response:
            body = b""
            for part in response.iter_raw(MOST_BYTES):
                body += part
                if len(body) >= MOST_BYTES:
                    break
        text = mask.hidden(body[:MOST_BYTES].decode("utf-8", "replace"))
        words = f"{response.status_code} {clean(text, 200)}".strip()
        return Reply(response.status_code, _seconds(response.headers.get("Retry-After")), words, _object(text))


def _object(text: str) -> Mapping[str, Any]:
    with suppress(ValueError, RecursionError):
        content = json.loads(text)
        return content if isinstance(content, dict) else {}
    return {}


def _seconds(text: object) -> float:
    """Seconds to wait; a date, or nothing, is 0."""
    with suppress(TypeError, ValueError):
        return max(0.0, min(float(str(text)), 86_400.0))
    return 0.0
