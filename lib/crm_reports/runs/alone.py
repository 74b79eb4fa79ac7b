"""One report in a process begun for it alone: like a kernel it knows no secret and has a page's limits, and costs half."""

import shutil
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ..settings import Settings
from ..store.disk import write_all
from ..store.locks import Workroom
from ..words.texts import _, speaking
from . import discretion
from .surroundings import TOO_LONG, TOO_MUCH_MEMORY, clean, environment
from .warm import OutOfMemory, TookTooLong, Warm, WarmError


@dataclass(frozen=True)
class Made:
    """The files of the run of that `name`, in their order; or `error`, why there are none."""

    files: tuple[Path, ...] = ()
    error: str = ""
    name: str = ""


def run(report: str, given: Mapping[str, object], *, settings: Settings, out: Path, **look: Any) -> Made:
    """What `run.run` makes and refuses, in a process of its own; nothing of what makes pages is imported here."""
    with Workroom() as room:
        made = _called(report, given, settings, room.path / "output", look)
        failed = settings.data / "failed" / f"{made.name}.ipynb"
        if error := discretion.refusal(made.files, made.error, failed, settings):
            return Made(error=error)
        return Made(write_all({out / path.name: partial(shutil.copyfile, path) for path in made.files}))


def _called(report: str, given: Mapping[str, object], settings: Settings, out: Path, look: Mapping[str, Any]) -> Made:
    limits = settings.limits
    with Warm.start(clean(environment(settings), out.parent), is_cold=True) as process:
        try:
            return process.call(
                _make, report, given, settings, out, Path.cwd(), dict(look), seconds=limits.page_seconds,
                memory=limits.page_memory,
            )  # fmt: skip
        except TookTooLong:
            return Made(error=_(TOO_LONG))
        except OutOfMemory:
            return Made(error=_(TOO_MUCH_MEMORY))
        except WarmError as error:
            return Made(error=str(error))


def _make(
    report: str, given: Mapping[str, object], settings: Settings, out: Path, asked_in: Path, look: Mapping[str, Any]
) -> Made:
    """All of a run, in the process that is there for it; notebooks are looked for where it was `asked_in`."""
    from . import preparation, run

    with speaking(settings.language):
        with chdir(asked_in):
            plan = preparation.prepare(report, given, settings=settings)
        record = run.make_here(plan, settings=settings, out=out, **look)
    return Made(record.files, record.error, plan.name)
