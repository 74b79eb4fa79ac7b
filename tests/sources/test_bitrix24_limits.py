"""What a portal may answer: so many bytes once unpacked, so many seconds in all, so many lists within lists."""

import gzip
import json
import re
import socket
import subprocess
import sys
import threading
import zlib
from contextlib import contextmanager

import httpx
import pytest

from crm_reports.errors import PortalError
from crm_reports.settings import Limits
from crm_reports.sources.bitrix24.bodies import BeyondLimits
from crm_reports.sources.bitrix24.client import Client
from crm_reports.sources.bitrix24.refusals import AuthError
from mails import certificate

CODE = "s3cr3tc0de"


@pytest.fixture(autouse=True)
def opened():
    """Every client of a test, closed when it is over."""
    yield (clients := _CLIENTS)
    while clients:
        clients.pop().close()


_CLIENTS: list[Client] = []


def _client(port, scheme="http", host="127.0.0.1", **limits):
    def never(seconds):
        raise AssertionError("asked again")

    _CLIENTS.append(Client(f"{scheme}://{host}:{port}/rest/1/{CODE}/", limits=Limits(**limits), sleep=never))
    return _CLIENTS[-1]


def _heard(connection):
    """Read the request to its end: a connection closed before that is broken for whoever asked."""
    head, body = b"", b""
    while b"\r\n\r\n" not in head:
        head += (part := connection.recv(1 << 16))
        if not part or head.startswith(b"\x16\x03"):  # nobody there, or somebody who speaks TLS
            return
    head, _, body = head.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head.lower())[1])
    while len(body) < length:
        body += connection.recv(1 << 16)


@contextmanager
def portal(answer, context=None):
    """The port of a server that does `answer(connection)` for each connection."""
    door = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                connection, _ = door.accept()
            except OSError:
                return
            with connection:
                try:
                    with context.wrap_socket(connection, server_side=True) if context else connection as spoken:
                        _heard(spoken)
                        answer(spoken)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield door.getsockname()[1]
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
        thread.join()


def _whole(body, coding="identity"):
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\nContent-Length: {len(body)}\r\n\r\n"
    return lambda connection: connection.sendall(head.encode() + body)


IN_LITTLE_MEMORY = """
import resource, sys
from crm_reports.sources.bitrix24.client import Client
from crm_reports.errors import PortalError
taken = 1024 * int(open("/proc/self/status").read().partition("VmSize:")[2].split()[0])
resource.setrlimit(resource.RLIMIT_AS, (taken + (400 << 20),) * 2)
try:
    Client(f"http://127.0.0.1:{sys.argv[1]}/rest/1/code/").call("crm.deal.list")
except PortalError as error:
    print(error)
"""


def _bomb():
    """Two gigabytes of one letter, packed: a megabyte that leans on nothing before it, as often as needed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b'{"result":"') + packer.flush(zlib.Z_FULL_FLUSH)
    return head + (packer.compress(b"x" * (1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)) * (1 << 11)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is bounded as Linux does it")
def test_two_megabytes_that_unpack_to_two_gigabytes_cost_no_memory():
    bomb = _bomb()
    assert len(bomb) < 3_000_000
    with portal(_whole(bomb, "gzip")) as port:
        done = subprocess.run(
            [sys.executable, "-c", IN_LITTLE_MEMORY, str(port)], capture_output=True, text=True, check=True
        )
    assert done.stdout == (
        "Bitrix24's answer to crm.deal.list is larger than 64 MB; answer_size under [limits] in reports.toml allows more\n"
    )


@pytest.mark.parametrize("coding", ["identity", "gzip", "deflate"])
def test_an_answer_within_the_limits_is_read_as_it_was_sent(coding):
    content = json.dumps({"result": "ж" * 700_000}).encode()
    packed = {"identity": content, "gzip": gzip.compress(content), "deflate": zlib.compress(content)}[coding]
    with portal(_whole(packed, coding)) as port:
        assert _client(port, answer_size="5MB").call("profile").result == "ж" * 700_000
        with pytest.raises(BeyondLimits, match="larger than 1 MB"):
            _client(port, answer_size="1MB").call("profile")


def test_an_answer_packed_as_nobody_asked_is_refused():
    with (
        portal(_whole(b"x", "br")) as port,
        pytest.raises(PortalError, match="packed its answer to profile as nobody asked: 'br'"),
    ):
        _client(port).call("profile")


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 200 OK\r\n\r\n"], ids=["headers", "body"])
def test_an_answer_that_drips_for_ever_is_ended(before):
    over = threading.Event()

    def drip(connection):
        connection.sendall(before)
        while not over.wait(0.02):
            connection.sendall(b"H" if before else b"X-")

    with portal(drip) as port:
        try:
            with pytest.raises(
                BeyondLimits, match="did not end its answer to profile within 1 seconds; answer_seconds"
            ):
                _client(port, answer_seconds=1).call("profile")
        finally:
            over.set()


@pytest.mark.parametrize(
    "deep",
    [b"[" * 200_000, b'{"result":' + b'{"a":' * 60 + b"1" + b"}" * 61, b'{"result":' + b"[" * 60 + b"]" * 60 + b"}"],
)
def test_lists_within_lists_without_end_are_a_sentence(deep):
    with (
        portal(_whole(deep)) as port,
        pytest.raises(PortalError, match="lists within lists, more than 50 deep; answer_depth"),
    ):
        _client(port).call("profile")


def test_brackets_in_texts_are_no_lists():
    text = '[{"\\' * 500
    with portal(_whole(json.dumps({"result": [text]}).encode())) as port:
        assert _client(port).call("profile").result == [text]


# ── What can't get better ────────────────────────────────────────────────────────────────────────────────────────────


def test_a_self_signed_certificate_is_refused_at_once(tmp_path):
    _cert, context = certificate(tmp_path)
    with (
        portal(lambda connection: None, context) as port,
        pytest.raises(AuthError, match="certificate is not to be trusted"),
    ):
        _client(port, "https").call("profile")


def test_a_server_that_speaks_no_tls_is_refused_at_once():
    with portal(_whole(b"{}")) as port, pytest.raises(AuthError, match="speaks no TLS that this machine knows"):
        _client(port, "https").call("profile")


@pytest.mark.parametrize(
    ("error", "words"),
    [(socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "there is no host of the webhook's name"),
     (httpx.UnsupportedProtocol("no"), "can't be asked"), (httpx.LocalProtocolError("no"), "can't be asked")],
)  # fmt: skip
def test_an_address_that_nobody_can_have_is_refused_at_once(error, words):
    def refuse(request):
        if isinstance(error, OSError):
            raise httpx.ConnectError("no") from error
        raise error

    client = Client(
        f"https://acme.example/rest/1/{CODE}/", transport=httpx.MockTransport(refuse), sleep=lambda _: 1 / 0
    )
    with pytest.raises(AuthError, match=words) as caught:
        client.call("profile")
    assert CODE not in str(caught.value)
