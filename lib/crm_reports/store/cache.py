"""Parts of snapshots kept as files in data/cache/STORE/SNAPSHOT/, so that the reports of a night work them out once.

STORE stands for the very store file that a part was read from: after a sync nothing old is ever found. A file takes its
place in one step, so it is there whole or not at all.
"""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

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
        path = self.folder / f"{part}.parquet"
        if not path.is_file():
            return None
        with suppress(OSError):  # somebody else's folder: then it only seems less used than it is
            os.utime(self.folder)
        return path

    def keep(self, part: str, write: Callable[[Path], None]) -> Path | None:
        """The part's file, written by one process while the others wait; None where the folder can't be written to."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("a")
        except OSError as error:
            log.warning("%s can't be kept in %s (%s): it is worked out anew for every report", part, self.root, error)
            return None
        with lock, _alone(lock.fileno()):
            path = self.folder / f"{part}.parquet"
            if not path.is_file():
                self._tidy()
                draft = self.folder / f"{part}.{os.getpid()}.draft"
                draft.unlink(missing_ok=True)
                write(draft)
                os.replace(draft, path)
        return path

    def _tidy(self) -> None:
        """Take away what was made of earlier stores, and the snapshots of this one that were used longest ago."""
        earlier = [folder for folder in self.root.iterdir() if folder.name != self.store]
        mine = sorted((self.root / self.store).iterdir(), key=_last_used, reverse=True)
        for folder in [*earlier, *mine[SNAPSHOTS:]]:
            if folder != self.folder and time.time() - _last_used(folder) > IN_USE:
                shutil.rmtree(folder, ignore_errors=True)  # another process may be at the same


def _last_used(folder: Path) -> float:
    """When the folder or one in it was last used; 0 when it has just gone."""
    with suppress(OSError):
        return max(each.stat().st_mtime for each in (folder, *folder.iterdir()))
    return 0.0


@contextmanager
def _alone(descriptor: int) -> Iterator[None]:
    """Wait until no other process writes a part of the same snapshot. A process that dies lets go by itself."""
    try:
        import fcntl
    except ImportError:  # Windows: two may write the same part, each to a draft of its own
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
