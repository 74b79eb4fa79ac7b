"""Serves a portal over HTTP on loopback.

The standard library's threading server is enough: answers are worked out one at a time by design, keep-alive and
Content-Length are all that a client needs, and a model of the outside world should bring no framework into the product.
"""

import multiprocessing
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

from .company import Company
from .limits import ENTERPRISE, Rate
from .portal import Asked, Portal, Request, Response

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Served:
    """A running portal: where it is, and what it was asked."""

    webhook: str = field(repr=False)
    portal: Portal

    @property
    def requests(self) -> list[Asked]:
        return self.portal.requests


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    # A client may open fifty connections at once; those that do not fit would knock again a second later.
    request_queue_size = 128

    def __init__(self, port: int, portal: Portal) -> None:
        self.portal = portal
        self.connections: set[socket.socket] = set()
        super().__init__((HOST, port), _Handler)

    def hang_up(self) -> None:
        """Ends the keep-alive connections, whose threads would otherwise wait for one more request."""
        for connection in list(self.connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Nagle's algorithm would hold an answer back; with a buffer its head and body leave together.
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        content_type = self.headers.get("Content-Type", "")
        self._send(self.server.portal.answer(Request(self.command, self.path, content_type, body)))

    do_POST = do_GET

    def _send(self, response: Response) -> None:
        if response.drops_connection:
            self.close_connection = True
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the path holds the webhook's secret."""


@contextmanager
def serve(
    company: Company, *, port: int = 0, code: str | None = None, rate: Rate = ENTERPRISE, **options: Any
) -> Iterator[Served]:
    """A portal of that company on a free port, gone at the end of the block; `options` are those of `Portal`."""
    code = code or secrets.token_hex(8)
    portal = Portal(company, code=code, rate=rate, **options)
    with _Server(port, portal) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="demo-portal")
        thread.start()
        try:
            yield Served(f"http://{HOST}:{server.server_port}/rest/{portal.user}/{code}/", portal)
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()


class Apart:
    """A portal in a process of its own: where it is, and a way to have something done there."""

    def __init__(self, webhook: str, pipe: Connection) -> None:
        self.webhook, self._pipe = webhook, pipe

    def __repr__(self) -> str:
        return f"Apart({urlsplit(self.webhook).netloc})"

    def do(self, work: Callable[[Company, Served], Any]) -> Any:
        """What `work` gives there; it must be a function that can be imported, its result something to be pickled."""
        self._pipe.send(work)
        return self._pipe.recv()


@contextmanager
def serve_apart(recipe: Callable[[], Company], **options: Any) -> Iterator[Apart]:
    """A portal of the company that `recipe` makes, in another process: it takes no time from whoever asks it."""
    spawn = multiprocessing.get_context("spawn")
    near_end, far_end = spawn.Pipe()
    process = spawn.Process(target=_obey, args=(far_end, recipe, options), name="demo-portal", daemon=True)
    process.start()
    try:
        yield Apart(near_end.recv(), near_end)
    finally:
        near_end.send(None)
        process.join()


def _obey(pipe: Connection, recipe: Callable[[], Company], options: dict[str, Any]) -> None:
    company = recipe()
    with serve(company, **options) as portal:
        pipe.send(portal.webhook)
        while work := pipe.recv():
            pipe.send(work(company, portal))


def run_forever(company: Company, *, port: int = 0, code: str | None = None, rate: Rate = ENTERPRISE) -> None:
    """Serves until interrupted; the webhook's URL is printed first."""
    with serve(company, port=port, code=code, rate=rate) as portal, suppress(KeyboardInterrupt):
        print(portal.webhook, flush=True)
        while True:
            time.sleep(3600)
