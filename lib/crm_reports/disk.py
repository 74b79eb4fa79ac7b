"""Files that are there whole or not at all, also after a power cut; what is damaged is set aside, never thrown away."""

import os
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

DAMAGED = ".damaged-"
_SEALED = re.compile(r'\{"sha256": "([0-9a-f]{64})", "held": (.*)\}\s*', re.DOTALL)


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


def append(path: Path, line: str) -> None:
    """One more line at the end of the file, on the disk when this returns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")
        file.flush()
        os.fsync(file.fileno())


def seal(held: str) -> str:
    """The JSON text within JSON that tells whether it is still what it was."""
    return f'{{"sha256": "{sha256(held.encode()).hexdigest()}", "held": {held}}}'


def sealed(text: str) -> str:
    """The JSON text that was sealed; what has no seal, of an earlier release, as it is. ValueError: it has changed."""
    found = _SEALED.fullmatch(text)
    if found and sha256(found[2].encode()).hexdigest() != found[1]:
        raise ValueError("it is not what was written")
    return found[2] if found else text


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
