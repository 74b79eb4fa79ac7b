"""Files that are there whole or not at all, also after a power cut; what is damaged is set aside, never thrown away."""

import os
from datetime import UTC, datetime
from pathlib import Path

DAMAGED = ".damaged-"


def settle(draft: Path, path: Path) -> None:
    """Put the finished draft in the file's place, in one step that a power cut does not undo."""
    _flush(draft)
    os.replace(draft, path)
    if os.name == "posix":  # elsewhere a folder can't be opened
        _flush(path.parent)


def write_whole(path: Path, text: str) -> None:
    """The text at `path`, all of it or what was there before. One writer at a time: whoever calls this holds a lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(text, encoding="utf-8")
    settle(draft, path)


def set_aside(path: Path) -> Path:
    """The damaged file under a name of its own beside its old place, which is free from now on."""
    aside = path.with_name(f"{path.name}{DAMAGED}{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
    os.replace(path, aside)
    return aside


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
