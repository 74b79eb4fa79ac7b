"""`crm-reports serve` on a free port of this machine, as a reader's browser reaches it."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from crm_reports.look.choices import ASSIGNED
from crm_reports.runs import parent
from crm_reports.runs.preparation import prepare
from crm_reports.runs.run import RunRecord
from crm_reports.serve.app import Server
from crm_reports.settings import Settings
from march import ACTIVITIES, COMMENTS, DEALS, HISTORY
from stores import at, make_store

NIGHT = {"synced_at": at("2025-04-01"), "finished_at": at("2025-04-01"), "source": "bitrix24", "holes": "[]",
         "portal_url": "https://portal.example",
         "present": "deals,stage_history,activities,comments,managers,manager_departments,departments,pipelines,stages,sources"}  # fmt: skip


def company(folder: Path, toml: str = "", **others: list[dict[str, object]]) -> Settings:
    """The settings of the March that fits on a sheet of paper, synced on 1 April 2025, with `others` in place of its tables."""
    (folder / "reports.toml").write_text(f'time_zone = "UTC"\n{toml}', encoding="utf-8")
    tables = {"deals": DEALS, "stage_history": HISTORY, "activities": ACTIVITIES, "comments": COMMENTS}
    make_store(folder / "data", **tables | others, syncs=[NIGHT])
    return Settings.read(folder / "reports.toml", folder / "data")


READER = ("authorization", "x-forwarded-user")


@contextmanager
def served(settings: Settings) -> Iterator[httpx.Client]:
    """A client of a server of these settings; it is up while this lasts."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(Server(settings).app(["127.0.0.1"]), log_config=None, timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.02)
            # Over plain HTTP: a client that will verify nobody need not read the certificates of the whole world first.
            with httpx.Client(base_url=address, timeout=120, follow_redirects=True, verify=False) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


def header(answer: httpx.Response) -> dict:
    """What the page itself says of its header: its state, its views, where the choices are."""
    return json.loads(answer.text.partition('id="controls">')[2].partition("</script>")[0])


def choices(client: httpx.Client, answer: httpx.Response) -> httpx.Response:
    """The file of choices that the page leads to, asked by the same reader."""
    sent = {name: answer.request.headers[name] for name in READER if name in answer.request.headers}
    return client.get(header(answer)["beside"], headers=sent)


def offered(client: httpx.Client, answer: httpx.Response) -> dict:
    """All that the page's header offers, as its script has it."""
    file = choices(client, answer).text
    return header(answer) | json.loads(file.removeprefix(ASSIGNED).rstrip(";\n"))


def made(settings: Settings, report: str, folder: Path, **given: object) -> RunRecord:
    """What `crm-reports run` makes of the same question."""
    plan = prepare(report, given, settings=settings)
    return parent.make(plan, settings=settings, out=folder, seconds=120)
