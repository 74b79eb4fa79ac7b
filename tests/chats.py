"""Servers on loopback that behave as Telegram and receivers of webhooks do, faults included."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

TOKEN = "123456:S3cr3tT0k3nS3cr3tT0k3nS3cr3t"
Answer = tuple[int, Any, dict[str, str]]
HANGS_UP = (0, b"", {})


@dataclass(frozen=True)
class Post:
    """What was posted: the path, the fields of the form or the JSON, and the files of it as name and content."""

    path: str
    fields: dict[str, Any]
    files: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        return self.path.rpartition("/")[2]


def _read(handler: BaseHTTPRequestHandler) -> Post:
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    kind, headers = (
        handler.headers.get("Content-Type", ""),
        {key.lower(): text for key, text in handler.headers.items()},
    )
    if kind.startswith("multipart/"):
        parts = list(message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + body, policy=default).iter_parts())
        names = [part.get_param("name", header="content-disposition") for part in parts]
        contents = {
            name: (part.get_filename(), part.get_payload(decode=True)) for name, part in zip(names, parts, strict=True)
        }
        texts = {name: content.decode() for name, (file, content) in contents.items() if not file}
        files = {name: (file, content) for name, (file, content) in contents.items() if file}
        return Post(handler.path, texts, files, headers)
    fields = json.loads(body) if "json" in kind else dict(parse_qsl(body.decode(), keep_blank_values=True))
    return Post(handler.path, fields, {}, headers)


@contextmanager
def served(answer: Callable[[Post], Answer]) -> Iterator[str]:
    """The address on loopback at which `answer` decides what is said; HANGS_UP says nothing."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, content, headers = answer(_read(self))
            if not status:
                self.close_connection = True
                return
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            for name, text in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@dataclass
class Telegram:
    """The Bot API as far as bots send: what each chat has, and every call; `faults` come before its own answers."""

    faults: list[Answer] = field(default_factory=list)
    blocked: tuple[str, ...] = ()
    moved: dict[str, str] = field(default_factory=dict)
    calls: list[Post] = field(default_factory=list)
    chats: dict[str, list[str]] = field(default_factory=dict)

    def answer(self, post: Post) -> Answer:
        self.calls.append(post)
        if self.faults:
            return self.faults.pop(0)
        if post.path.split("/")[1] != f"bot{TOKEN}":
            return refused(401, "Unauthorized")
        if post.method == "getMe":
            return 200, {"ok": True, "result": {"id": 123456, "username": "acme_bot"}}, {}
        return self._take(post)

    def _take(self, post: Post) -> Answer:
        chat = post.fields["chat_id"]
        if chat in self.moved:
            return refused(400, "group chat was upgraded", migrate_to_chat_id=int(self.moved[chat]))
        if chat in self.blocked:
            return refused(403, "Forbidden: bot was blocked by the user")
        shown, most = (post.fields["text"], 4096) if post.method == "sendMessage" else (post.fields["caption"], 1024)
        if problem := wrong_html(shown):
            return refused(400, f"Bad Request: can't parse entities: {problem}")
        if len(seen(shown).encode("utf-16-le")) // 2 > most:
            return refused(400, "Bad Request: message is too long")
        self.chats.setdefault(chat, []).append(seen(shown))
        return 200, {"ok": True, "result": {"message_id": len(self.chats[chat])}}, {}


def refused(code: int, words: str, **parameters: Any) -> Answer:
    """What Telegram says instead of taking something."""
    return code, {"ok": False, "error_code": code, "description": words, "parameters": parameters}, {}


TAG = re.compile(r'</?b>|<a href="[^"<>]*">|</a>')


def wrong_html(text: str) -> str:
    """What of it Telegram's parser would not take: another tag, or a sign that is not escaped."""
    rest = TAG.sub("", text)
    return "".join(re.findall(r"[<>]|&(?!(?:lt|gt|amp|quot);)", rest))


def seen(text: str) -> str:
    """The text as a person sees it."""
    plain = TAG.sub("", text)
    for code, sign in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        plain = plain.replace(code, sign)
    return plain
