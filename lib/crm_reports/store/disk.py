"""Files that are there whole or not at all, also after a power cut, and that nobody but their owner reads.

What is damaged is set aside, never thrown away.
"""

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

log = logging.getLogger(__name__)

DAMAGED = ".damaged-"
# What the data folder holds of ours; it may be a folder that holds other things too.
OURS = ("store.duckdb*", "mail.sqlite3*", "*.lock", "nights", "checks", "failed", "cache", "sync", "spill-*")
_SEALED = re.compile(r'\{"sha256": "([0-9a-f]{64})", "held": (.*)\}\s*', re.DOTALL)


def settle(draft: Path, path: Path, *, is_lasting: bool = True) -> None:
    """Put the finished draft in the file's place, in one step; a power cut does not undo one that `is_lasting`."""
    if is_lasting:
        _flush(draft)
    os.replace(draft, path)
    if is_lasting and os.name == "posix":  # elsewhere a folder can't be opened
        _flush(path.parent)


def write_whole(path: Path, text: str, *, is_private: bool = False) -> None:
    """The text at `path`, all of it or what was there before. One writer at a time: whoever calls this holds a lock.

    What `is_private` is ours to remember, and survives a power cut too; what is published the next night makes again.
    """
    if is_private:
        private_folder(path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    with open(draft, "w", encoding="utf-8", opener=private if is_private else None) as file:
        file.write(text)
    settle(draft, path, is_lasting=is_private)


def write_all(writers: Mapping[Path, Callable[[Path], object]]) -> tuple[Path, ...]:
    """The files of one folder, each written by its own writer: all of them, or what was there before. Returns the paths."""
    folder = next(iter(writers)).parent
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".making-", dir=folder) as making:
        for path, write in writers.items():
            write(Path(making) / path.name)
        for path in writers:
            settle(Path(making) / path.name, path, is_lasting=False)
    return tuple(writers)


def private(path: str, flags: int) -> int:
    """An opener of files that only their owner may read."""
    return os.open(path, flags, 0o600)


def private_folder(path: Path) -> None:
    """The folder, and those above it that have to be made, for their owner only."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def keep_private(folder: Path) -> None:
    """The folder and what is ours in it, made or taken for its owner only."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        folder.chmod(0o700)
        for path in (path for pattern in OURS for path in folder.glob(pattern)):
            _tighten(path)
    except PermissionError as error:
        log.warning("%s belongs to somebody else, and others may be able to read it (%s)", folder, error)


def _tighten(path: Path) -> None:
    for entry in (path, *path.rglob("*")):
        if not entry.is_symlink() and entry.exists():  # another process may be at the same
            entry.chmod(0o700 if entry.is_dir() else 0o600)


@contextmanager
def privately() -> Iterator[None]:
    """While it lasts, whatever this process makes is for its owner only. Not where another thread publishes something."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def append(path: Path, line: str) -> None:
    """One more line at the end of the private file, on the disk when this returns."""
    private_folder(path.parent)
    with open(path, "a", encoding="utf-8", opener=private) as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def seal(text: str) -> str:
    """The JSON text within JSON that tells whether it is still what it was."""
    return f'{{"sha256": "{sha256(text.encode()).hexdigest()}", "held": {text}}}'


def unseal(text: str) -> str:
    """The JSON text that was sealed; what has no seal, of an earlier release, as it is. ValueError: it has changed."""
    match = _SEALED.fullmatch(text)
    if match and sha256(match[2].encode()).hexdigest() != match[1]:
        raise ValueError("it is not what was written")
    return match[2] if match else text


def set_aside(path: Path) -> Path:
    """The damaged file under a name of its own beside its old place, which is free from now on."""
    aside = path.with_name(f"{path.name}{DAMAGED}{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    settle(path, aside, is_lasting=False)
    return aside


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
