"""What a portal sends, read no further than the limits go: bytes once unpacked, seconds in all, lists within lists."""

import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import httpcore
import httpx

from ...errors import PortalError
from ...settings import Limits
from ...words.texts import _
from .refusals import Passing

CODINGS = {"gzip": zlib.MAX_WBITS | 32, "x-gzip": zlib.MAX_WBITS | 32, "deflate": zlib.MAX_WBITS | 32}
AT_ONCE = 1 << 20  # bytes that are unpacked at a time: a portal may pack a thousand into one
OPENING, CLOSING = b"[{", b"]}"
BRACKETS = bytes(byte for byte in range(256) if byte not in b'[]{}"\\')


class BeyondLimits(Passing):
    """An answer was too large, or too slow: less may do, but the very same once more does not."""

    def __init__(self, message: str) -> None:
        super().__init__(message, is_slow=True)


def read_body(response: httpx.Response, method: str, limits: Limits) -> bytes:
    """The body, unpacked; BeyondLimits when it is larger than it may be, and no more of it is read then."""
    body = bytearray()
    for part in _unpack(response, method):
        body += part
        if len(body) > limits.answer_size:
            words = _(
                "Bitrix24's answer to {method} is larger than {n} MB; answer_size under [limits] in reports.toml allows more",
                method=method,
                n=limits.answer_size >> 20,
            )
            raise BeyondLimits(words)
    return bytes(body)


def _unpack(response: httpx.Response, method: str) -> Iterator[bytes]:
    if response.is_stream_consumed:  # a transport that is no network has it all
        yield response.content
        return
    coding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        yield from response.iter_raw(AT_ONCE)
    elif coding in CODINGS:
        yield from _inflate(response.iter_raw(), CODINGS[coding], method)
    else:
        raise PortalError(
            _("Bitrix24 packed its answer to {method} as nobody asked: {coding!r}", method=method, coding=coding)
        )


def _inflate(parts: Iterable[bytes], bits: int, method: str) -> Iterator[bytes]:
    inflate = zlib.decompressobj(bits)
    try:
        for part in parts:
            while part:
                yield inflate.decompress(part, AT_ONCE)
                part = inflate.unconsumed_tail
        yield inflate.flush(AT_ONCE)
    except zlib.error:
        words = _("Bitrix24's answer to {method} can't be unpacked", method=method)
        raise Passing(words, is_slow=True) from None


def check_depth(content: bytes, method: str, limits: Limits) -> None:
    """PortalError when lists and objects lie deeper in each other than they may, found before they are made."""
    most = limits.answer_depth
    # Almost every answer is shallow even when brackets in its texts count, which takes a hundredth of the time.
    if (
        _depth(content.translate(None, BRACKETS + b'"\\'), most)
        > most
        < _depth(content.translate(None, BRACKETS), most)
    ):
        words = _(
            "Bitrix24's answer to {method} holds lists within lists, more than {n} deep; answer_depth under [limits] in reports.toml allows more",
            method=method,
            n=limits.answer_depth,
        )
        raise PortalError(words, code="depth")


def _depth(marks: bytes, most: int) -> int:
    """How deep the brackets go that stand in no text; no deeper than just over `most`."""
    depth = deepest = 0
    in_text = is_escape = False
    for mark in marks:
        if is_escape:
            is_escape = False
        elif mark == 0x5C:
            is_escape = in_text
        elif mark == 0x22:
            in_text = not in_text
        elif not in_text:
            depth += (mark in OPENING) - (mark in CLOSING)
            deepest = max(deepest, depth)
            if deepest > most:
                break
    return deepest


# ── Seconds in all ───────────────────────────────────────────────────────────────────────────────────────────────────


class _Stream(httpcore.NetworkStream):
    """A connection whose reads end together, however little comes at a time."""

    def __init__(self, stream: httpcore.NetworkStream, seconds_left: Callable[[], float]) -> None:
        self._stream, self._seconds_left = stream, seconds_left

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = self._seconds_left()
        if seconds <= 0:
            raise httpcore.ReadTimeout("the whole answer took too long")
        return self._stream.read(max_bytes, seconds if timeout is None else min(timeout, seconds))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(*args, **kwargs), self._seconds_left)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class Deadline(httpcore.NetworkBackend):
    """Connections on which each thread's request has `seconds` from its `begin` on, headers and body together."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._of_thread, self._usual = seconds, threading.local(), httpcore.SyncBackend()

    def begin(self) -> None:
        self._of_thread.until = time.monotonic() + self._seconds

    @property
    def is_over(self) -> bool:
        return self._seconds_left() <= 0

    def _seconds_left(self) -> float:
        return self._of_thread.until - time.monotonic()

    def connect_tcp(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._usual.connect_tcp(*args, **kwargs), self._seconds_left)

    def connect_unix_socket(self, *args: Any, **kwargs: Any) -> httpcore.NetworkStream:
        return _Stream(self._usual.connect_unix_socket(*args, **kwargs), self._seconds_left)

    def watch(self, client: httpx.Client) -> None:
        """Make all connections of that client. httpx itself has no such time, and no door for what makes connections."""
        for transport in (client._transport, *client._mounts.values()):
            if isinstance(transport, httpx.HTTPTransport):
                transport._pool._network_backend = self
