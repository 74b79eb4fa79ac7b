"""What killed processes leave is cleared by the next, and nobody but its owner reads the data folder."""

import os
import signal
import stat
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bitrix24_demo import Company
from crm_reports.mail.ledger import kept_at
from crm_reports.measures.load import load
from crm_reports.night import NightReport, Page
from crm_reports.night.records import keep, note
from crm_reports.settings import Settings, Source
from crm_reports.store.disk import keep_private, set_aside, write_all, write_whole
from crm_reports.store.locks import Workroom, only_one, sweep
from portals import run, served

posix = pytest.mark.skipif(os.name != "posix", reason="rights and signals are another matter there")

KILLED = """
import os, signal, tempfile
from crm_reports.store.locks import Workroom
room = Workroom()
(room.path / "run-1").mkdir()
print(room.path, os.getpid(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@posix
def test_what_a_killed_process_left_is_cleared_and_nothing_of_a_living_one_or_of_others(temporary: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL
    left, pid = done.stdout.split()
    data = temporary.parent / "data"
    for folder in (f"spill-{pid}", f"spill-{os.getpid()}", "spill-mine", "cache/store/snapshot"):
        (data / folder).mkdir(parents=True)
    for name in (f"facts.{pid}.draft", f"facts.{os.getpid()}.draft"):
        (data / "cache" / "store" / "snapshot" / name).touch()
    (temporary / "crm-of-somebody").mkdir()
    (temporary / "crm-a-link").symlink_to(data)
    with Workroom() as room:
        assert Path(left).is_dir()
        sweep(data)
        kept = {"crm-of-somebody", "crm-a-link", room.path.name}
        assert {each.name for each in temporary.iterdir()} == kept
        assert {each.name for each in data.iterdir()} == {f"spill-{os.getpid()}", "spill-mine", "cache"}
        assert [each.name for each in data.rglob("*.draft")] == [f"facts.{os.getpid()}.draft"]
    assert not room.path.exists()


WAITS = """
import time
from crm_reports.runs.warm import _ending_with_the_starter
with _ending_with_the_starter():
    print("waiting", flush=True)
    time.sleep(600)
"""


@posix
def test_a_warm_parent_that_is_still_busy_ends_with_the_night_that_began_it(temporary: Path) -> None:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", WAITS], **pipes) as waiting:
        assert waiting.stdout.readline() == b"waiting\n"
        waiting.stdin.close()  # as the system does for a process that is killed
        assert waiting.wait(60) == 0


# ── For its owner only ───────────────────────────────────────────────────────────────────────────────────────────────


def _open_to_others(folder: Path) -> list[str]:
    paths = [folder, *folder.rglob("*")]
    return [path.name for path in paths if stat.S_IMODE(path.stat().st_mode) & 0o077]


@posix
def test_whatever_is_kept_in_the_data_folder_is_its_owners_only(tmp_path: Path) -> None:
    now = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
    settings = Settings(home=tmp_path, data=tmp_path / "data", source=Source(kind="bitrix24"))
    company = Company.small(now=now)
    company.add_deal("one", at=now - timedelta(days=3))
    before = os.umask(0o022)
    try:
        with served(company) as portal:
            run(settings, portal)
        assert len(load(period="all", settings=settings).deals) == 1
        with kept_at(settings.data / "mail.sqlite3") as ledger, only_one(settings.data / "mail.lock", ""):
            ledger.add("key", page="Sales", recipient="boss@acme.example")
        page = Page("Sales", "overview", "complete", key="Sales")
        note(page, settings, now.date())
        assert _open_to_others(settings.data) == []
        keep(NightReport(now.date(), now, now, (page,)), settings)
        assert _open_to_others(settings.data) == []
    finally:
        os.umask(before)


@posix
def test_a_folder_that_others_could_read_is_tightened_and_what_is_not_ours_stays_as_it_is(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "nights").mkdir(parents=True, mode=0o755)
    ours, other = data / "nights" / "2030-01-01.json", data / "output.html"
    for path in (ours, other, data / "store.duckdb", data / "store.duckdb.damaged-1"):
        path.write_text("{}")
        path.chmod(0o644)
    keep_private(data)
    assert _open_to_others(data) == ["output.html"]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert stat.S_IMODE(ours.stat().st_mode) == 0o600


@posix
def test_what_is_published_can_be_read_by_the_web_server(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_whole(tmp_path / "index.html", "<p>")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "index.html").stat().st_mode) == 0o644


def test_what_is_set_aside_is_what_it_was_under_a_name_of_its_own(tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / "record").write_text(content)
        assert set_aside(tmp_path / "record").read_text() == content
    assert len(list(tmp_path.glob("record.damaged-*"))) == 2


def test_files_of_one_folder_come_all_or_none(tmp_path: Path) -> None:
    def broken(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    one, other = tmp_path / "out" / "a.html", tmp_path / "out" / "a.json"
    assert write_all({one: lambda path: path.write_text("1"), other: lambda path: path.write_text("1")}) == (one, other)
    with pytest.raises(OSError, match="No space left"):
        write_all({one: lambda path: path.write_text("2"), other: broken})
    assert [path.name for path in sorted(one.parent.iterdir())] == ["a.html", "a.json"]
    assert (one.read_text(), other.read_text()) == ("1", "1")
