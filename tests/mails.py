"""Published pages made by hand, and SMTP servers on loopback that behave as real ones do, for the tests of mail."""

import json
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import nbformat
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from crm_reports.night import NightReport, Page
from crm_reports.settings import Settings

DEAL = {
    "title": "Stone cladding", "url": "https://portal.example/crm/deal/details/7/", "customer": "Vector", "manager": "Anna",
    "manager_id": "1", "stage": "Request", "money": 1_260_000.0, "days_silent": 40, "next_step": "overdue",
    "next_step_at": "2025-03-01T22:00:00+00:00", "deal_id": "7",
}  # fmt: skip


def element(id: str, rows: list[dict], units: dict[str, str], *, kind: str = "table", **rest: Any) -> dict[str, Any]:
    """An element of the page's JSON; `units` names its columns in order."""
    columns = [
        {"name": name, "title": name.replace("_", " ").capitalize(), "unit": unit} for name, unit in units.items()
    ]
    return {"kind": kind, "title": id.capitalize(), "columns": columns, "rows": rows, **rest}


def tiles(*rows: dict) -> dict[str, Any]:
    """The tiles of won_money and conversion, unless told otherwise."""
    metrics = [
        {"name": "won_money", "title": "Won money", "unit": "money", "good": "up"},
        {"name": "conversion", "title": "Conversion", "unit": "share", "good": "up"},
    ]
    usual = (
        {"metric": "won_money", "value": 7_500_000.0, "previous": 5_000_000.0, "change": 0.5},
        {"metric": "conversion", "value": 0.25, "previous": 0.5, "change": -0.5, "k": 5, "n": 20},
    )
    return element("tiles", list(rows or usual), {"metric": "text", "value": "number"}, kind="tiles", metrics=metrics)


def managers(*names: str) -> dict[str, Any]:
    """Managers who won 10, 20, 30 … thousand, and their total."""
    rows = [
        {"manager": name, "won_money": 10_000.0 * place, "won": place, "conversion": 0.1, "is_total": False}
        for place, name in enumerate(names, 1)
    ]
    units = {"manager": "text", "won_money": "money", "won": "count", "conversion": "share", "is_total": "flag"}
    total = {"manager": "All", "won_money": 1e9, "won": 99, "conversion": 0.1, "is_total": True}
    return element("managers", [*rows, total], units, finding="2 of 3 managers bring most")


def deals(*rows: dict) -> dict[str, Any]:
    """The list of forgotten deals."""
    names = {"title": "text", "url": "text", "money": "money", "days_silent": "days", "deal_id": "text"}
    return element("deals", list(rows), names, finding=f"{len(rows)} deals are forgotten")


def held(report: str = "sales_dynamics", **rest: Any) -> dict[str, Any]:
    """The JSON of a page about March 2025 against February, of a company in Moscow."""
    elements = {"tiles": tiles(), "managers": managers("Anna", "Boris", "Clara")}
    return {
        "report": report, "parameters": {"language": ""}, "currency": "RUB", "kept": 20, "total": 30, "holes": [],
        "as_of": "2025-03-31T21:00:00+00:00", "quality": [{"code": "x", "count": 2, "text": "2 deals have no customer"}],
        "words": [{"label": "Period", "text": "March", "narrows": False}],
        "filters": {
            "time_zone": "Europe/Moscow", "period": {"start": "2025-03-01", "last_day": "2025-03-31"},
            "comparison": {"start": "2025-02-01", "last_day": "2025-02-28"},
        },
        "elements": elements,
    } | rest  # fmt: skip


# ── A night ──────────────────────────────────────────────────────────────────────────────────────────────────────────

MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
security = "{security}"
sender = "Sales reports <reports@acme.example>"
operator = "admin@acme.example"
base_url = "https://reports.acme.example/"
timeout = {timeout}
[mail.addresses]
"Boris" = "boris@acme.example"
"""
PRESET = """
[[presets]]
name = "Sales"
report = "sales_dynamics"
each = ["manager", "department"]
recipients = ["boss@acme.example", "director@acme.example"]
mail_slices = true
"""


def settings(
    folder: Path, *, port: int = 25, security: str = "none", timeout: float = 30, presets: str = PRESET, top: str = ""
) -> Settings:
    """Settings read from a file that mails through a server on this port."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "reports.toml"
    config.write_text(top + MAIL.format(port=port, security=security, timeout=timeout) + presets, encoding="utf-8")
    return Settings.read(config)


def slice_(dimension: str, id: str, name: str) -> dict[str, str]:
    return {"dimension": dimension, "id": id, "name": name}


def page(out: Path, name: str = "Sales", content: dict | None = None, **rest: Any) -> Page:
    """A page that came out on 1 April 2025: its JSON, a workbook and a notebook are there."""
    folder = out / rest.pop("folder", "2025-04-01")
    folder.mkdir(parents=True, exist_ok=True)
    stem = name.lower().replace(" ", "-")
    (folder / f"{stem}.json").write_text(json.dumps(content or held()), encoding="utf-8")
    (folder / f"{stem}.xlsx").write_bytes(b"PK workbook")
    (folder / f"{stem}.html").write_text("<!doctype html><title>published</title>")
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Sales")]), folder / f"{stem}.ipynb")
    files = tuple(f"{folder.relative_to(out).as_posix()}/{stem}.{kind}" for kind in ("html", "xlsx", "json", "ipynb"))
    plain = {"report": "sales_dynamics", "state": "complete", "preset": "Sales", "key": name, "files": files}
    return Page(name=name, **(plain | rest))


def night(*pages: Page, problem: str = "") -> NightReport:
    at = datetime(2025, 4, 1, 1, tzinfo=UTC)
    return NightReport(date(2025, 4, 1), at, at, tuple(pages), problem)


# ── Servers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Inbox:
    """A server that takes everything, and what it took, by recipient."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, EmailMessage]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        for to in envelope.rcpt_tos:
            self.messages.append((to, message_from_bytes(envelope.content, policy=default)))
        return "250 OK"

    @property
    def recipients(self) -> list[str]:
        return [to for to, _message in self.messages]

    def of(self, address: str) -> EmailMessage:
        (found,) = [message for to, message in self.messages if to == address]
        return found


@contextmanager
def served(inbox: Inbox, **how: Any) -> Iterator[int]:
    """The port on loopback where `inbox` is served."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **how)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def only(user: str, password: str) -> dict[str, Any]:
    """How a server is told to let in this user alone."""

    def authenticator(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        said = (data.login.decode(), data.password.decode())
        return AuthResult(success=said == (user, password), handled=False)

    return {"authenticator": authenticator, "auth_required": True}


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate that this test has made for itself, and a server's context with it."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
         "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context
