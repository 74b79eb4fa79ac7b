"""What the documents tell people to copy works as it stands there."""

import ast
import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.mail import Message, webhook
from crm_reports.mail.delivery import Envelope
from crm_reports.settings import Settings, environ, way

ROOT = Path(__file__).parents[1]
DOCS = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])


def blocks(name: str, language: str) -> list[str]:
    """The blocks of that language in a document, in order."""
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_a_document_that_is_named_is_there(path):
    named = re.findall(r"(?:docs|tests|lib|notebooks)/[\w/-]+\.(?:md|py|ipynb)", path.read_text(encoding="utf-8"))
    assert [each for each in named if not (ROOT / each).is_file()] == []


@pytest.mark.parametrize("path", DOCS, ids=lambda path: path.name)
def test_a_command_that_is_named_is_one(path):
    said = re.findall(r"(?:`|bin/)crm-reports ([a-z][a-z-]+)", path.read_text(encoding="utf-8"))
    assert set(said) <= set(get_command(app).commands)


def _commands(command: Any, *path: str) -> Iterator[tuple[str, Any]]:
    """Every command by its whole name, those of a subject too."""
    inside = getattr(command, "commands", {})
    for name, one in inside.items():
        yield from _commands(one, *path, name)
    if not inside:
        yield " ".join(path), command


@pytest.mark.parametrize(("name", "command"), [*_commands(get_command(app))], ids=str)
def test_every_command_and_every_option_of_it_is_named_in_a_document(name, command):
    texts = "\n".join(path.read_text(encoding="utf-8") for path in DOCS)
    options = {text for option in command.params for text in option.opts if text.startswith("--")}
    assert f"crm-reports {name}" in texts
    assert {text for text in options if not re.search(rf"{text}(?![\w-])", texts)} == set()


def test_a_shell_completes_commands_and_options():
    def completed(line: str) -> list[str]:
        words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_CRM_REPORTS_COMPLETE": "complete_bash"}
        return CliRunner().invoke(app, [], prog_name="crm-reports", env=words).stdout.split()

    assert completed("crm-reports nig") == ["night"]
    assert completed("crm-reports night --work") == ["--workspaces"]


# Scheduling


def test_the_line_for_cron_has_five_fields_and_a_command():
    [text] = blocks("scheduling.md", "cron")
    zone, line = text.strip().splitlines()
    assert re.fullmatch(r"CRON_TZ=\S+", zone)
    minute, hour, *days, command = line.split(maxsplit=5)
    assert (int(minute) < 60, int(hour) < 4, days) == (True, True, ["*", "*", "*"])
    assert "crm-reports night" in command


def test_the_dag_is_python(tmp_path):
    [text] = blocks("scheduling.md", "python")
    (tmp_path / "dag.py").write_text(text)
    subprocess.run([sys.executable, "-m", "py_compile", "dag.py"], cwd=tmp_path, check=True)
    assert len([line for line in text.splitlines() if line]) <= 10
    calls = [
        node.func.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call) and hasattr(node.func, "id")
    ]
    assert {"DAG", "BashOperator"} <= set(calls)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
def test_the_units_for_systemd_are_right(tmp_path):
    service, timer = blocks("scheduling.md", "ini")
    program = Path(sys.executable)
    service = service.replace("/srv/crm-reports/.venv/bin/crm-reports", str(program)).replace("User=crm-reports\n", "")
    (tmp_path / "crm-reports.service").write_text(service)
    (tmp_path / "crm-reports.timer").write_text(timer)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "./crm-reports.service", "./crm-reports.timer"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert [line for line in done.stderr.splitlines() if "crm-reports" in line] == []
    calendar = re.search(r"OnCalendar=(.*)", timer)[1]
    subprocess.run(["systemd-analyze", "calendar", calendar], check=True, capture_output=True)


# Access


def password_line(name: str) -> str:
    told = subprocess.run(["openssl", "passwd", "-apr1", name], capture_output=True, text=True, check=True)
    return f"{name}:{told.stdout.strip()}\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Iterator[str]:
    """A published folder behind the document's own nginx.conf; whoever is called x has the password x."""
    if not shutil.which("nginx") or not shutil.which("openssl"):
        pytest.skip("nginx or openssl is not installed")
    home = tmp_path_factory.mktemp("site")
    for page in ("index.html", "for/anna/index.html", "for/boris/index.html", "for/carl/index.html", "assets/a.js",
                 ".making-x/index.html", "for/anna/.making-x/index.html"):  # fmt: skip
        (home / "output" / page).parent.mkdir(parents=True, exist_ok=True)
        (home / "output" / page).write_text(page)
    (home / "keys").mkdir()
    for name, people in {"_company": ["boss"], "anna": ["boss", "anna"], "boris": ["boss", "boris"]}.items():
        (home / "keys" / name).write_text("".join(map(password_line, people)))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    (home / "nginx.conf").write_text(whole_conf(home, port))
    server = subprocess.Popen(["nginx", "-p", str(home), "-c", str(home / "nginx.conf")])
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


def whole_conf(home: Path, port: int) -> str:
    """The document's snippet on a free port of this machine, without TLS, and what the distributions put around it."""
    [snippet] = blocks("access.md", "nginx")
    for said, here in {
        "listen 443 ssl": f"listen 127.0.0.1:{port}", "/srv/crm-reports/output": f"{home}/output",
        "/etc/nginx/crm-reports/": f"{home}/keys/",
    }.items():  # fmt: skip
        assert said in snippet
        snippet = snippet.replace(said, here)
    snippet = re.sub(r"^ *ssl_certificate.*\n", "", snippet, flags=re.MULTILINE)
    user = "user root;" if (home / "keys").stat().st_uid == 0 else ""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = "".join(f"{kind}_temp_path {home}/{kind};" for kind in kinds)
    return (
        f"{user} daemon off; pid {home}/pid; error_log {home}/error.log; events {{}}\n"
        f"http {{ access_log off; types {{ text/html html; application/javascript js; }} {paths}\n{snippet}\n}}\n"
    )


def wait_for(port: int) -> None:
    until = monotonic() + 30
    while monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        sleep(0.05)
    pytest.fail("nginx did not start")


@pytest.mark.parametrize(
    ("path", "may", "may_not"),
    [
        ("/", ["boss"], ["anna", "boris", ""]),
        ("/for/anna/", ["boss", "anna"], ["boris", ""]),
        ("/for/boris/index.html", ["boss", "boris"], ["anna", ""]),
        ("/for/boris/../anna/", ["boss", "anna"], ["boris", ""]),
        ("/assets/a.js", ["boss"], ["anna", ""]),
        ("/for/carl/", [], ["boss", "anna", "carl", ""]),
        ("/.making-x/", [], ["boss", ""]),
        ("/for/anna/.making-x/", [], ["boss", "anna", ""]),
    ],
)
def test_everybody_opens_their_own_folder_and_no_other(site, path, may, may_not):
    def status(name: str) -> int:
        return httpx.get(site + path, auth=(name, name) if name else None).status_code

    assert {name: status(name) for name in may} == dict.fromkeys(may, 200)
    assert {name for name in may_not if status(name) not in (401, 403)} == set()
    if may:
        assert httpx.get(site + path).headers["www-authenticate"].startswith("Basic")


def test_what_a_page_can_not_say_of_itself_the_server_says(site):
    page, script = (httpx.get(site + path, auth=("boss", "boss")).headers for path in ("/", "/assets/a.js"))
    assert "frame-ancestors 'none'" in page["content-security-policy"]
    assert "noindex" in page["x-robots-tag"]
    assert page["cache-control"] == "private, no-cache"
    assert "immutable" in script["cache-control"]
    assert "noindex" in httpx.get(site).headers["x-robots-tag"]  # refusals too


# Channels


def test_the_settings_for_channels_are_read_as_they_stand(tmp_path):
    [text] = blocks("channels.md", "toml")
    host = 'host = "smtp.acme.example"\nsender = "reports@acme.example"\nbase_url'
    (tmp_path / "reports.toml").write_text(text.replace("base_url", host, 1), encoding="utf-8")
    read = Settings.read(tmp_path / "reports.toml")
    assert [way(recipient).channel for recipient in read.presets[0].recipients] == ["mail", "telegram", "webhook"]
    assert way(read.mail.addresses["Anna Petrova"]) == ("bitrix24", "17")


def test_a_webhook_gets_the_fields_that_the_document_describes():
    described = re.findall(
        r"^\| `(\w+)` \| \w", (ROOT / "docs" / "channels.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    envelope = Envelope("webhook:sales", "Sales", "k", lambda: Message("webhook:sales", "k", "Won money fell"))
    assert described == list(json.loads(webhook.content(envelope)))


def test_every_variable_of_a_channel_stands_in_the_document():
    text = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
    assert all(variable in text for variable in (environ.TELEGRAM, environ.NOTIFY, f"{environ.HOOK}SALES"))
