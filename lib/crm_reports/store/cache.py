"""Parts of snapshots kept as files in data/cache/STORE/SNAPSHOT/, so that the reports of a night work them out once.

STORE stands for the very store file that a part was read from: after a sync nothing old is ever found. A file takes its
place in one step, so it is there whole or not at all, and its name tells whether it is still what was written: that is
looked at when a process, or the one that it was forked from, first reads it.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path

import duckdb

from .disk import private, private_folder, settle
from .locks import take

log = logging.getLogger(__name__)

SNAPSHOTS = 12  # of one store, beside those in use
IN_USE = 3600  # seconds after its last use in which nobody takes a part away


@dataclass(frozen=True)
class Cache:
    """The parts of one snapshot of one store."""

    root: Path
    store: str
    snapshot: str

    @property
    def folder(self) -> Path:
        return self.root / self.store / self.snapshot

    def find(self, part: str) -> Path | None:
        """The part's file; one that has changed since it was written is thrown away."""
        for path in self.folder.glob(f"{part}.*.parquet"):
            if _is_as_written(path):
                with suppress(OSError):  # somebody else's folder: then it only seems less used than it is
                    os.utime(self.folder)
                return path
            log.warning("%s is not what was kept: it is worked out anew; look at the disk", path)
            path.unlink(missing_ok=True)
        return None

    def keep(self, part: str, write: Callable[[Path], None]) -> Path | None:
        """The part's file, written by one process while the others wait; None where the folder can't be written to."""
        try:
            private_folder(self.folder)
            lock = os.fdopen(private(str(self.folder / "lock"), os.O_RDWR | os.O_CREAT), "r+")
        except OSError as error:
            log.warning("%s can't be kept in %s (%s): it is worked out anew for every report", part, self.root, error)
            return None
        with lock:
            with suppress(
                OSError
            ):  # Windows gives up after a while: then two write the same part, each to its own draft
                take(lock.fileno(), is_patient=True)
            return self.find(part) or self._write(part, write)

    def _write(self, part: str, write: Callable[[Path], None]) -> Path | None:
        self._tidy()
        draft = self.folder / f"{part}.{os.getpid()}.draft"
        draft.unlink(missing_ok=True)
        try:
            write(draft)
        except duckdb.IOException as error:
            draft.unlink(missing_ok=True)
            log.warning("%s can't be kept in %s (%s): it is worked out anew for every report", part, self.root, error)
            return None
        path = self.folder / f"{part}.{_digest(draft)}.parquet"
        draft.chmod(0o600)
        settle(draft, path)
        _whole_files.add(_identity(path))
        return path

    def _tidy(self) -> None:
        """Take away what was made of earlier stores, and the snapshots of this one that were used longest ago."""
        earlier = [folder for folder in self.root.iterdir() if folder.name != self.store]
        snapshots = sorted((self.root / self.store).iterdir(), key=_last_used, reverse=True)
        for folder in [*earlier, *snapshots[SNAPSHOTS:]]:
            if folder != self.folder and time.time() - _last_used(folder) > IN_USE:
                shutil.rmtree(folder, ignore_errors=True)  # another process may be at the same


_whole_files: set[tuple[str, int, int, int]] = set()


def _is_as_written(path: Path) -> bool:
    """Whether the file holds what its name says, looked at once."""
    try:
        identity = _identity(path)
        if identity not in _whole_files and path.name.split(".")[1] == _digest(path):
            _whole_files.add(identity)
    except OSError:
        return False
    return identity in _whole_files


def _identity(path: Path) -> tuple[str, int, int, int]:
    file = path.stat()
    return str(path), file.st_ino, file.st_mtime_ns, file.st_size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()[:32]


def _last_used(folder: Path) -> float:
    """When the folder or one in it was last used; 0 when it has just gone."""
    with suppress(OSError):
        return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
    return 0.0
