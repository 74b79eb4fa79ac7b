"""One process at a time, and folders that are one process's own: locks that let go by themselves when their process dies."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

from ..errors import StoreError
from .disk import keep_private, private

OWNER = ".owner"


@contextmanager
def only_one(path: Path, otherwise: str) -> Iterator[None]:
    """Hold the lock file at `path`; raises a StoreError that says `otherwise` when another process holds it.

    Its folder is private from then on.
    """
    keep_private(path.parent)
    with open(path, "a", opener=private) as lock:
        try:
            take(lock.fileno())
        except OSError:
            raise StoreError(otherwise) from None
        yield


def take(descriptor: int, *, is_patient: bool = False) -> None:
    """Lock the open file until it is closed or its process dies. OSError: another process has it; who `is_patient` waits."""
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_LOCK if is_patient else msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if is_patient else fcntl.LOCK_NB))


class Workroom:
    """An empty folder for temporary files at `path`, gone when it is closed; if its process is killed, `sweep` clears it.

    The path is short: that of a Unix socket in it may have some 100 characters.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="crm-"))
        making = self.path / f"{OWNER}.making"
        self._owner = making.open("a")
        take(self._owner.fileno())
        making.rename(self.path / OWNER)  # only now may anybody ask whose it is

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._owner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def sweep(data: Path) -> None:
    """Clear away what killed processes of ours left: their workrooms, and in `data` what carries their numbers."""
    if os.name != "posix":
        return
    for room in Path(tempfile.gettempdir()).glob("crm-*"):
        if _is_left(room):
            shutil.rmtree(room, ignore_errors=True)
    for spill in data.glob("spill-*"):
        if _is_dead(spill.name.rpartition("-")[2]):
            shutil.rmtree(spill, ignore_errors=True)
    for draft in data.glob("cache/*/*/*.draft"):
        if _is_dead(draft.name.split(".")[-2]):
            draft.unlink(missing_ok=True)


def _is_left(room: Path) -> bool:
    """Whether it is a workroom of this user's whose process is gone."""
    with suppress(OSError):
        if room.is_symlink() or room.stat().st_uid != os.getuid():
            return False
        with (room / OWNER).open("r+") as owner:
            take(owner.fileno())
            return True
    return False


def _is_dead(pid: str) -> bool:
    if not pid.isdecimal():
        return False
    try:
        os.kill(int(pid), 0)
    except OSError as error:
        return error.errno == errno.ESRCH
    return False
