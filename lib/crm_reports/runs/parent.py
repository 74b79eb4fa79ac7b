"""This process's own warm parent for a store: begun when first needed, shared by all that make pages here."""

import logging
import tempfile
import threading
from atexit import register
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

from ..measures import load
from ..settings import Settings
from . import execution, run, surroundings
from .preparation import Plan
from .run import RunRecord
from .surroundings import clean
from .warm import Warm

log = logging.getLogger(__name__)

_starting = threading.Lock()
_begun: dict[tuple[Path, Path | None], Warm] = {}
_parents: dict[tuple[Path, Path | None], Warm | None] = {}


def make(
    plan: Plan, *, settings: Settings, out: Path, seconds: float, is_wanted: Callable[[], bool] = lambda: True,
    **look: Any,
) -> RunRecord:  # fmt: skip
    """The page's files in `out`, made in a process forked for it, or in a kernel where no process can be forked.

    WarmError: its process ended, took too long, or nobody wanted its page any more.
    """
    process = warm(settings)
    if process is None:
        return _in_a_kernel(plan, settings, out, look)
    return process.call(
        run.make_here, plan, settings=settings, out=out, seconds=seconds, memory=settings.limits.page_memory,
        is_wanted=is_wanted, **look,
    )  # fmt: skip


def file_of(plan: Plan, notebook: Path, kind: str, *, settings: Settings) -> Path:
    """The workbook or the JSON beside an executed notebook, made as its page was: the caller's thread only waits."""
    process = warm(settings)
    if process is None:
        return run.file_of(plan, notebook, kind)
    limits = settings.limits
    return process.call(run.file_of, plan, notebook, kind, seconds=limits.page_seconds, memory=limits.page_memory)


def _in_a_kernel(plan: Plan, settings: Settings, out: Path, look: Mapping[str, Any]) -> RunRecord:
    outcome = execution.execute(plan, settings=settings)
    if outcome.error.startswith("DeadKernelError") or outcome.notebook is None:
        outcome = execution.execute(plan, settings=settings)
    return run.complete(outcome, settings=settings, out=out, **look)


def begin(settings: Settings) -> None:
    """Begin this process's warm parent, which takes seconds, while the night has other things to do."""
    with _starting, suppress(Exception):  # without one, `warm` will say so
        _begun[_key(settings)] = _beginning(settings)


def hold(settings: Settings, instants: Sequence[datetime]) -> None:
    """Let all pages find the store open and what they share worked out; without that, each does so for itself."""
    try:
        load.prepare(settings, instants)  # here it may take all cores
        if process := warm(settings):
            # As the pages' own settings are: no secret, and one thread (`_beginning`).
            engine = settings.engine.model_copy(update={"threads": 1})
            process.hold(load.hold, settings.model_copy(update={"webhook": None, "engine": engine}), instants)
    except Exception as error:  # what is wrong with the data each page will say; a night must not fail for its speed
        log.warning("each page opens the store for itself: %s", execution.in_words(error))


def _key(settings: Settings) -> tuple[Path, Path | None]:
    return settings.data, settings.config


def _beginning(settings: Settings) -> Warm:
    # The cores are for other pages.
    environment = surroundings.environment(settings) | {"CRM_REPORTS_THREADS": "1"}
    return Warm.begin(clean(environment, Path(tempfile.gettempdir())))


def warm(settings: Settings) -> Warm | None:
    """The parent that this process's pages are forked from, begun when first needed; None where there can be none."""
    key = _key(settings)
    with _starting:
        if key in _parents and (_parents[key] is None or _parents[key].is_alive):
            return _parents[key]
        _parents[key] = _start(settings)
        return _parents[key]


def _start(settings: Settings) -> Warm | None:
    try:
        process = _begun.pop(_key(settings), None) or _beginning(settings)
        process.wait()
        return process
    except Exception as error:
        log.warning("each report gets a kernel of its own: %s", execution.in_words(error))
        return None


def let_go() -> None:
    """End this process's warm parents."""
    with _starting:
        for processes in (_begun, _parents):
            while processes:
                _settings, process = processes.popitem()
                if process:
                    process.close()


register(let_go)
