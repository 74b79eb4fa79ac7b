"""A disk with little room: a real file system of a certain size, on which the store is whole whatever becomes of the sync."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bitrix24_demo import Company
from crm_reports.settings import Settings, Source
from portals import later, run, served

NOW = datetime(2025, 6, 2, 9, 0, tzinfo=UTC)
# A mount of one's own, which nobody else sees and which goes with the process: no rights are needed for that.
ALONE = ["unshare", "--map-root-user", "--mount"]
PLACES = ("first", "copy", "changed layout")

ON_A_SMALL_DISK = """
import json, os, subprocess, sys
from contextlib import closing
from pathlib import Path
import duckdb
from crm_reports.errors import StoreError
from crm_reports.settings import Settings, Source
from crm_reports.store.sync import sync
from portals import AT_ONCE

disk, webhook, sizes, before = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3]), sys.argv[4:]
settings = Settings(home=disk.parent, data=disk, source=Source(kind="bitrix24"))
store = settings.store_path

def content():
    with closing(duckdb.connect(str(store), read_only=True)) as held:
        names = [name for (name,) in held.execute("select table_name from duckdb_tables() where schema_name = 'crm'").fetchall()]
        for name in names:
            held.execute(f"select bit_xor(hash(row)) from crm.{name} as row")
        won = held.execute("select count(*) from crm.deals where outcome = 'won'").fetchone()[0]
        return {"tables": len(names), "won": won}

for size in sizes:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k", "tmpfs", str(disk)], check=True)
    old = Path(before[0]).read_bytes() if before else b""
    if old:
        store.write_bytes(old)
    try:
        sync(settings, webhook=webhook, portal_url="https://acme.example", pace=AT_ONCE)
        outcome = {"is_synced": True, **content()}
    except StoreError as error:
        outcome = {"is_synced": False, "said": str(error), "is_as_it_was": (store.read_bytes() if store.exists() else b"") == old}
    print(json.dumps(outcome | {"files": sorted(os.listdir(disk))}))
    os.chdir("/")
    subprocess.run(["umount", str(disk)], check=True)
"""


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a small file system can be mounted; without that there is nothing to be tried."""
    folder = tmp_path_factory.mktemp("disk")
    try:
        subprocess.run(
            [*ALONE, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    return folder


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Any]]:
    """The store as it was before 59 deals were won, and the portal that tells of them."""
    home = tmp_path_factory.mktemp("home")
    settings = Settings(home=home, data=home / "data", source=Source(kind="bitrix24"))
    company = Company.small(now=NOW)
    for number in range(200):
        company.add_deal(f"deal {number}", at=NOW - timedelta(days=30))
    with served(company) as portal:
        run(settings, portal)
        later(company)
        for deal in range(1, 60):
            company.move(deal, "WON")
        yield settings.store_path, portal


@pytest.mark.parametrize("place", PLACES)
def test_on_a_disk_of_any_size_the_old_store_is_whole_or_the_new_one_is_and_a_sync_that_failed_says_so(
    disk: Path, held: tuple[Path, Any], place: str, tmp_path: Path
) -> None:
    store, portal = held
    before = _before(store, place, tmp_path)
    size = Path([store, *before][-1]).stat().st_size // 1024
    least = 200 if place == "first" else size + 200
    sizes = [int(least + (5 * size - least) * step / 4) for step in range(5)]
    argv = [*ALONE, sys.executable, "-c", ON_A_SMALL_DISK, str(disk), portal.webhook, json.dumps(sizes), *before]
    done = subprocess.run(argv, capture_output=True, text=True, cwd=Path(__file__).parents[1], check=False)
    assert done.returncode == 0, done.stderr
    outcomes = [json.loads(line) for line in done.stdout.splitlines()]
    assert {outcome["is_synced"] for outcome in outcomes} == {True, False}
    for outcome in outcomes:
        if outcome["is_synced"]:
            assert outcome["won"] == 59
            assert outcome["files"] == ["store.duckdb", "sync.lock"]
        else:
            assert outcome["is_as_it_was"], outcome
            assert "no room" in outcome["said"]
            assert not {"store.next.duckdb", "store.next.duckdb.wal", "sync"} & {*outcome["files"]}


def _before(store: Path, place: str, folder: Path) -> list[str]:
    """The file that a sync finds: none, the store, or one of an earlier release."""
    if place == "first":
        return []
    copy = folder / "before.duckdb"
    copy.write_bytes(store.read_bytes())
    if place == "changed layout":
        with closing(duckdb.connect(str(copy))) as connection:
            connection.execute("update main.origin set layout = 'of an earlier release'")
    return [str(copy)]
