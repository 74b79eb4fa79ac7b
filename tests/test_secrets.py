"""The webhook is in nothing that a night leaves behind, and nobody outside this machine is told that there was one.

Whole nights run here as cron runs them, with every logger at DEBUG, against portals that repeat the webhook's code in
whatever they say, and with notebooks that print all they can lay hands on. Then everything is searched.
"""

import gzip
import logging
import os
import pickle
import subprocess
import sys
import traceback
import zipfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import duckdb
import pytest
from pydantic import SecretStr
from rich.traceback import Traceback

from bitrix24_demo import UNLIMITED, Company, Fault, Served, invent, serve
from crm_reports.settings import Settings, Source
from crm_reports.sources.bitrix24.client import Client
from crm_reports.sources.bitrix24.pace import Pace
from crm_reports.store.sync import sync
from notebooks import WHOLE, write

CODE = "S3cr3tC0de7x9Qz1"
PASSWORD = "Pa55w0rdOfTheM4il"
TODAY = date(2025, 6, 30)
AT_ONCE = Pace(per_second=1e9, burst=1e9)
WATCH = Path(__file__).parent / "watch"
ECHO = f"https://portal.example/rest/1/{CODE}/crm.deal.list?auth={CODE}, token {CODE}"


# Looking for it


def found_in(content: bytes, name: str, *, words: tuple[str, ...] = (CODE, PASSWORD)) -> list[str]:
    """The places in a file, packed ones included, that hold the secret."""
    places = [name] if any(word.encode() in content for word in words) else []
    if content[:2] == b"\x1f\x8b":
        places += found_in(gzip.decompress(content), f"{name} unpacked", words=words)
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(BytesIO(content)) as packed:
            for each in packed.namelist():
                places += found_in(packed.read(each), f"{name}: {each}", words=words)
    return places


def found_in_store(path: Path) -> list[str]:
    """The tables of a DuckDB file, whose pages are compressed, that hold the secret."""
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        tables = connection.execute(
            "select database_name, schema_name, table_name from duckdb_tables() where not internal"
        ).fetchall()
        texts = {each: str(connection.execute('from "{}"."{}"."{}"'.format(*each)).fetchall()) for each in tables}
    return [f"{path} {name}" for name, text in texts.items() if CODE in text or PASSWORD in text]


def found_under(folder: Path, *, but: tuple[str, ...] = (".env",)) -> list[str]:
    """Everything below the folder that holds the secret, but for the file where it belongs."""
    places = []
    for path in sorted(folder.rglob("*")):
        if CODE in path.name or PASSWORD in path.name:
            places.append(f"the name {path}")
        if path.is_file() and path.name not in but:
            places += found_in(path.read_bytes(), str(path))
            places += found_in_store(path) if path.suffix == ".duckdb" else []
    return places


def test_a_secret_is_found_wherever_it_hides(tmp_path):
    with zipfile.ZipFile(tmp_path / "packed.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/sheet.xml", f"<c>{CODE}</c>" * 100)
    (tmp_path / "packed.gz").write_bytes(gzip.compress(PASSWORD.encode()))
    with duckdb.connect(str(tmp_path / "store.duckdb")) as connection:
        connection.execute("create table said as select ? || i as words from range(100000) t(i)", [CODE])
    (tmp_path / f"{CODE}.txt").write_text("")
    (tmp_path / ".env").write_text(CODE)
    places = "\n".join(found_under(tmp_path))
    for name in ("packed.xlsx: xl/sheet.xml", "packed.gz unpacked", "'said'", "the name"):
        assert name in places


def told_by(error: BaseException) -> str:
    """All that anybody could print of an exception: its chain, its frames and the values in them."""
    options = {"show_locals": True, "locals_max_string": None, "locals_max_length": None}
    frames = Traceback.extract(type(error), error, error.__traceback__, **options)  # as rich would draw them, not drawn
    plain = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    return f"{frames!r}{plain}{error!r}{vars(error)}{_hidden(error)}"


def _hidden(error: BaseException) -> str:
    """What `from None` keeps from being printed and does not take away."""
    chain = [each for each in (error.__context__, error.__cause__) if each is not None]
    return "".join(f"{each!r}{vars(each)}{_hidden(each)}" for each in chain)


def test_what_is_told_by_an_exception_holds_its_frames_and_its_chain():
    def fails(password: str) -> None:
        try:
            raise ValueError(f"hidden {CODE}")
        except ValueError:
            raise KeyError("plain") from None

    with pytest.raises(KeyError) as caught:
        fails(PASSWORD)
    told = told_by(caught.value)
    assert PASSWORD in told
    assert CODE in told


# Syncs that fail


@contextmanager
def served(company: Company, **options: Any) -> Iterator[Served]:
    with serve(company, rate=UNLIMITED, code=CODE, **options) as portal:
        yield portal


@pytest.fixture(scope="module")
def company() -> Company:
    return invent(deals=12, seed=3, months=3, today=TODAY)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that fails is made twice and not eight times: patience is tested elsewhere."""
    monkeypatch.setitem(Client.__init__.__kwdefaults__, "attempts", 2)


def refused(status: int, code: str, words: str = ECHO) -> Fault:
    return Fault(status, {"error": code, "error_description": words})


TO = (("Location", f"https://new.example/rest/1/{CODE}/crm.deal.list"), ("X-Trace", ECHO))
FAULTS = {
    "moved": Fault(302, f"<a href='{ECHO}'>", headers=TO),
    "moved to nowhere": Fault(302, "", headers=(("Location", f"https://[{CODE}/rest/1/{CODE}/"),)),
    "moved to a host of that name": Fault(301, "", headers=(("Location", f"https://{CODE}.example/"),)),
    "expired": refused(401, "expired_token"),
    "no right": refused(403, "insufficient_scope"),
    "a code that is the secret": refused(400, CODE),
    "a code that is the address": refused(400, ECHO),
    "an error of the portal": refused(500, "INTERNAL_SERVER_ERROR"),
    "a page": Fault(403, f"<html>{ECHO}</html>"),
    "a page in place of an answer": Fault(200, f"<html>{ECHO}</html>"),
    "half an answer": Fault(200, f'{{"result": "{ECHO}'),
    "no result": Fault(200, {"told": ECHO}),
    "hangs up": Fault(drops_connection=True),
    "a length that lies": Fault(200, f"{ECHO}\r\n", headers=(("Transfer-Encoding", "chunked"),)),
}  # fmt: skip


def told_of_sync(settings: Settings, webhook: SecretStr) -> str:
    """All that a sync says, however it ends."""
    try:
        return repr(sync(settings, webhook=webhook, pace=AT_ONCE))
    except Exception as error:
        return told_by(error)


@pytest.fixture
def everything_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    for name in ("", "httpx", "httpcore", "dlt", "crm_reports"):
        caplog.set_level(logging.DEBUG, name)


@pytest.mark.parametrize("method", ["server.time", "batch"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_sync_that_fails_says_nothing_of_the_secret(
    settings, company, impatient, everything_is_logged, caplog, capfd, name, method
):
    with served(company, faults=lambda asked: FAULTS[name] if asked.method == method else None) as portal:
        told = told_of_sync(settings, SecretStr(portal.webhook))
    # Without batches, which some pages swallow, a sync goes on in single calls.
    assert "Bitrix24" in told or "portal" in told or (method == "batch" and "SyncReport" in told)
    assert "httpcore" in caplog.text
    assert found_in("".join([told, caplog.text, *capfd.readouterr()]).encode(), "told") == []
    assert found_under(settings.home) == []


@pytest.mark.parametrize("code", ["ACCESS_DENIED", CODE.upper(), "INVALID_ARG_VALUE", "INTERNAL_SERVER_ERROR"])
def test_a_command_of_a_batch_that_fails_says_nothing_of_the_secret(
    settings, company, impatient, everything_is_logged, caplog, code
):
    """Some make a hole in the store, with the portal's own words in it; others end the sync."""
    no = {"error": code, "error_description": ECHO}

    def faulty(asked: Any) -> Fault | None:
        keys = [key for key, command in asked.params.get("cmd", {}).items() if "comment.list" in str(command)]
        return (
            Fault(200, {"result": {"result": {}, "result_error": dict.fromkeys(keys, no)}, "time": {}})
            if keys
            else None
        )

    with served(company, faults=faulty) as portal:
        told = told_of_sync(settings, SecretStr(portal.webhook))
    assert "comment" in told
    assert found_in(f"{told}{caplog.text}".encode(), "told") == []
    assert found_under(settings.home) == []


@pytest.mark.parametrize("address", [f"https://portal.example/{CODE}/", f"http://portal.example/rest/1/{CODE}/", CODE])
def test_a_webhook_that_is_none_is_not_shown(settings, address):
    told = told_of_sync(settings, SecretStr(address))
    assert "SettingsError" in told
    assert found_in(told.encode(), "told") == []


def test_nothing_made_of_settings_or_a_client_holds_a_secret(settings, tmp_path, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", f"https://portal.example/rest/1/{CODE}/")
    monkeypatch.setenv("CRM_REPORTS_SMTP_USER", "reports")
    monkeypatch.setenv("CRM_REPORTS_SMTP_PASSWORD", PASSWORD)
    channels = {"TELEGRAM_TOKEN": f"123456:{CODE}T0k3n", "NOTIFY_WEBHOOK": f"https://portal.example/rest/1/{CODE}N0t1fy/",
                "WRITE_WEBHOOK": f"https://portal.example/rest/1/{CODE}Wr1te/",
                "WEBHOOK_SALES": f"https://hooks.example/services/{CODE}H00k?sig={CODE}S1gn"}  # fmt: skip
    for name, secret in channels.items():
        monkeypatch.setenv(f"CRM_REPORTS_{name}", secret)
    (tmp_path / "reports.toml").write_text(
        "source = 'bitrix24'\n[mail]\nhost = 'mail.example'\nsender = 'reports@acme.example'\n"
    )
    read = Settings.read(tmp_path / "reports.toml")
    secrets = (
        CODE, PASSWORD, f"123456:{CODE}T0k3n", f"{CODE}T0k3n", f"{CODE}N0t1fy", f"{CODE}Wr1te",
        channels["WEBHOOK_SALES"], f"{CODE}H00k", f"{CODE}S1gn",
    )  # fmt: skip
    assert read.secrets == secrets
    packed = pickle.dumps(read)
    shown = [repr(read), str(read), repr(read.model_dump()), read.model_dump_json(), repr(vars(read)), f"{read}"]
    with Client(read.webhook) as client:
        shown += [repr(client), str(client), f"{client}"]
    assert found_in("".join(shown).encode() + packed, "shown") == []
    assert pickle.loads(packed).secrets == ()
    assert pickle.loads(packed).source == read.source
    assert read.secrets == secrets


# Whole nights

NIGHT = """
import logging
logging.basicConfig(level=logging.DEBUG, filename="everything.log")
for name in ("httpx", "httpcore"):
    logging.getLogger(name).setLevel(logging.DEBUG)
from rich.traceback import install
install(show_locals=True, locals_max_string=None, locals_max_length=None, width=2000)
from crm_reports.cli import app
app()
"""
NOSY = (
    "import gc, os, pathlib, sys\nprint(dict(os.environ))",
    "%env",
    "from crm_reports.settings import Settings\nsettings = Settings.read()\n"
    "print(settings, settings.model_dump(), vars(settings))",
    "print(settings.webhook.get_secret_value(), settings.secrets)",
    # Itself, and every process above it up to the night's own, as far as they may be read.
    "pid, told = os.getpid(), ''\n"
    "while pid > 1 and 'night.py' not in told:\n"
    "    about = pathlib.Path(f'/proc/{pid}')\n"
    "    told = (about / 'cmdline').read_text(errors='replace')\n"
    "    print(pid, told, (about / 'environ').read_text(errors='replace'))\n"
    "    pid = int((about / 'stat').read_text().rpartition(')')[2].split()[1])",
    "print([each.get_secret_value() for each in gc.get_objects() if type(each).__name__ == 'SecretStr'])",
)
# Those that set out to open the file that the secrets are in.
THIEF = "import os, pathlib\nhome = pathlib.Path(os.environ['CRM_REPORTS_CONFIG']).parent\nstolen = (home / '.env').read_text()"
PRESETS = {
    "In short": "overview", "Nosy": "nosy", "Raises": "raises", "Torn": "torn", "Thief": "thief", "Tells": "tells",
}  # fmt: skip
TOML = "source = 'bitrix24'\n[mail]\nhost = '127.0.0.1'\nsender = 'reports@acme.example'\n" + "".join(
    f"[[presets]]\nname = {name!r}\nreport = {report!r}\nparameters = {{ period = 'last_90_days', as_of = '' }}\n"
    for name, report in PRESETS.items()
)  # fmt: skip


class Nights:
    """A company's folder, a portal that can be told to fail, and what each night printed."""

    def __init__(self, home: Path, portal: Served, faults: list[Fault]) -> None:
        self.home, self.portal, self.faults, self.said = home, portal, faults, []
        for name, cells in {"overview": WHOLE, "nosy": (*NOSY, *WHOLE), "torn": ("print('no header')",)}.items():
            write(home / "notebooks" / f"{name}.ipynb", *cells)
        write(home / "notebooks" / "raises.ipynb", NOSY[2], *WHOLE, "1 / 0")
        write(home / "notebooks" / "thief.ipynb", THIEF, "print(stolen)", *WHOLE)
        write(home / "notebooks" / "tells.ipynb", THIEF, *WHOLE, "raise ValueError(' '.join(stolen.split()))")
        (home / ".env").write_text(f"CRM_REPORTS_WEBHOOK={portal.webhook}\nCRM_REPORTS_SMTP_PASSWORD={PASSWORD}\n")
        (home / "reports.toml").write_text(TOML)
        (home / "night.py").write_text(NIGHT)
        for folder in ("home", "tmp"):
            (home / folder).mkdir()

    def night(self, *faults: Fault) -> subprocess.CompletedProcess:
        self.faults[:] = faults
        return self.call("night", "--no-proof", "--no-mail")

    def call(self, *words: str) -> subprocess.CompletedProcess:
        environment = os.environ | {
            "CRM_REPORTS_WEBHOOK": self.portal.webhook, "CRM_REPORTS_SMTP_USER": "reports",
            "CRM_REPORTS_SMTP_PASSWORD": PASSWORD, "HOME": str(self.home / "home"), "TMPDIR": str(self.home / "tmp"),
            "PYTHONPATH": str(WATCH), "WATCH_FILE": str(self.home / "watch.log"), "COLUMNS": "1000",
        }  # fmt: skip
        done = subprocess.run(
            [sys.executable, "night.py", *words], cwd=self.home, env=environment, capture_output=True, text=True
        )
        self.said.append(done.stdout + done.stderr)
        return done

    def page(self, name: str) -> str:
        """The executed notebook of that report, published or not."""
        [path] = [
            each for folder in ("output/2025-06-30", "data") for each in (self.home / folder).rglob(f"{name}--*.ipynb")
        ]
        return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def nights(tmp_path_factory, company) -> Iterator[Nights]:
    faults: list[Fault] = []
    with served(company, faults=lambda asked: faults[0] if faults else None) as portal:
        yield Nights(tmp_path_factory.mktemp("nights"), portal, faults)


def test_a_night_tells_its_notebooks_and_its_readers_nothing_of_the_secrets(nights):
    done = nights.night()
    assert done.returncode == 1, done.stderr  # four of its reports fail, as they should
    assert "ZeroDivisionError" in done.stderr
    assert "Thief: the notebook shows a webhook" in done.stderr
    assert "Tells: " in done.stderr
    nosy = nights.page("nosy")
    assert "hidden.invalid" in nosy  # it saw the environment that it is given
    assert "night.py" in nosy  # and the night's own process
    assert found_in("".join(nights.said).encode(), "printed") == []
    assert found_under(nights.home) == []


@pytest.mark.parametrize("how", [(), ("--kernel",)])
def test_a_single_report_is_told_nothing_either(nights, how):
    done = nights.call("run", *how, "nosy", "-p", "period=2025-05", "-p", "as_of=", "--out", "output/mine")
    assert done.returncode == 0, done.stderr
    [executed] = (nights.home / "output" / "mine").glob("*.ipynb")
    assert "night.py" in executed.read_text(encoding="utf-8")
    assert found_in("".join(nights.said).encode(), "printed") == []
    assert found_under(nights.home) == []


@pytest.mark.parametrize("how", [(), ("--kernel",)])
@pytest.mark.parametrize("name", ["thief", "tells"])
def test_a_single_report_that_shows_a_secret_is_not_made(nights, name, how):
    done = nights.call("run", *how, name, "-p", "period=2025-05", "-p", "as_of=", "--out", "output/stolen")
    assert done.returncode == 1
    assert "take that out of it" in done.stderr
    assert found_in("".join(nights.said).encode(), "printed") == []
    assert found_under(nights.home) == []


@pytest.mark.parametrize("name", ["expired", "moved", "a page", "a code that is the address"])
def test_a_night_that_fails_says_nothing_of_the_secret(nights, name):
    done = nights.night(FAULTS[name])
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert found_in("".join(nights.said).encode(), "printed") == []
    assert found_under(nights.home) == []


def test_nobody_outside_is_told_anything(nights):
    """No library's telemetry, no font, no script: not one connection but to this machine was tried."""
    assert nights.said
    seen = nights.home / "watch.log"
    assert not seen.exists() or seen.read_text() == ""


def test_the_watch_sees_and_forbids_a_way_out(tmp_path):
    tries = "import socket\nsocket.create_connection(('192.0.2.1', 80), timeout=5)"
    seen = tmp_path / "watch.log"
    environment = os.environ | {"PYTHONPATH": str(WATCH), "WATCH_FILE": str(seen)}
    done = subprocess.run([sys.executable, "-c", tries], env=environment, capture_output=True, text=True)
    assert "PermissionError" in done.stderr
    assert "192.0.2.1" in seen.read_text()
