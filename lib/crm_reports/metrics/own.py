"""A workspace's own metrics and elements: the files of `metrics/` and `elements/` beside reports.toml.

Every load takes in what is new or changed there and lets go of what is gone. A file that can't be used stops nothing: it
is told at the top of every page, and to whoever asks for what it should have defined.
"""

import hashlib
import linecache
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from traceback import extract_tb
from types import ModuleType

from ..errors import MetricError, ReportError
from ..words.texts import _
from . import registry

FOLDERS = ("metrics", "elements")
PACKAGE = "crm_reports_own"


@dataclass(frozen=True)
class _Taken:
    changed: tuple[int, int]
    problem: str


_taken: dict[Path, _Taken] = {}
_one_at_a_time = RLock()


def files(home: Path | None) -> Iterator[Path]:
    """The workspace's own files, metrics first; none where there is no workspace."""
    for folder in FOLDERS if home else ():
        yield from sorted(path for path in (home / folder).glob("*.py") if not path.name.startswith("_"))


def digest(home: Path | None) -> str:
    """What tells these files from any others; "" where there are none."""
    texts = [path.name.encode() + b"\0" + path.read_bytes() for path in files(home)]
    return hashlib.sha256(b"\0".join(texts)).hexdigest() if texts else ""


def take(home: Path | None) -> None:
    """Have this workspace's own metrics and elements, as its files say now, and no other's."""
    with _one_at_a_time:
        now = {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in files(home)}
        for path in [path for path, taken in _taken.items() if now.get(path) != taken.changed]:
            registry.let_go(_module_name(path))
            del _taken[path]
        for path in [path for path in now if path not in _taken]:
            _taken[path] = _Taken(now[path], _problem_with(path))
        registry.TROUBLES[:] = problems()


def problems() -> list[str]:
    """A sentence for each file that can't be used."""
    return [taken.problem for taken in _taken.values() if taken.problem]


def _module_name(path: Path) -> str:
    return f"{PACKAGE}.{path.parent.name}.{path.stem}"


def _problem_with(path: Path) -> str:
    """Why the file can't be used, "" when it can: then all that it defines is there, else nothing of it."""
    before = [dict(entries) for entries in registry.REGISTRIES]
    try:
        _run(path)
        _check_names(path, before)
    except (Exception, SystemExit) as error:
        registry.let_go(_module_name(path))
        for entries, as_they_were in zip(registry.REGISTRIES, before, strict=False):
            entries.update(as_they_were)
        return f"{path.parent.name}/{path.name}{_line(error, path)}: {_words(error)}"
    return ""


def _run(path: Path) -> None:
    module = ModuleType(_module_name(path))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module
    linecache.checkcache(str(path))
    exec(compile(path.read_bytes(), str(path), "exec"), vars(module))


def _check_names(path: Path, before: list[dict[str, object]]) -> None:
    # The elements may have been imported by the file itself: they were not there before.
    for entries, as_they_were in zip(registry.REGISTRIES, before, strict=False):
        for name, entry in as_they_were.items():
            if entries[name] is not entry:
                raise MetricError(_("{name!r} is there already; give yours another name", name=name))


def _line(error: BaseException, path: Path) -> str:
    if isinstance(error, SyntaxError):
        return ", " + _("line {line}", line=error.lineno)
    lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path)]
    return ", " + _("line {line}", line=lines[-1]) if lines else ""


def _words(error: BaseException) -> str:
    first = (str(error).splitlines() or [""])[0]
    return first if isinstance(error, ReportError) else f"{type(error).__name__}: {first}".rstrip(": ")
