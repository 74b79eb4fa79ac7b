"""One page, made wherever an executor puts it: in a process forked for it, or where that can't be, in a kernel."""

import hashlib
import json
import logging
import tempfile
import threading
from atexit import register
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..look.publish import Link
from ..measures import dataset
from ..runs import run
from ..runs.kernels import clean
from ..runs.run import Plan, RunRecord
from ..runs.warm import OutOfMemory, TookTooLong, Warm, WarmError
from ..settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """All that making a page takes; it holds no secret and can be sent to another machine that sees the same folders."""

    key: str
    plan: Plan
    settings: Settings
    out: Path
    links: tuple[Link, ...]
    seconds: float

    @classmethod
    def of(cls, key: str, plan: Plan, settings: Settings, out: Path, links: Any, seconds: float) -> "Job":
        return cls(key, plan, settings.model_copy(update={"webhook": None}), out, tuple(links), seconds)

    @property
    def made_of(self) -> str:
        """A hash of everything that goes into the page: the same hash, the same page."""
        held = self.settings.model_dump(
            mode="json", include={"language", "time_zone", "base_currency", "weights", "source"}
        )
        all_of_it = [dict(self.plan.reproduction), self.plan.name, held, [asdict(link) for link in self.links]]
        return hashlib.sha256(json.dumps(all_of_it, sort_keys=True, default=str).encode()).hexdigest()


def made(job: Job) -> RunRecord:
    """The page's files in `job.out`, or a record of why not. A process that just ended is given a second try."""
    try:
        return _tried_twice(job)
    except Exception as error:
        return failed(job.plan, run.logged(error))


def _tried_twice(job: Job) -> RunRecord:
    try:
        return _tried(job)
    except (TookTooLong, OutOfMemory):
        raise
    except WarmError:
        log.warning("%s: tried again", job.key)
    return _tried(job)


def _tried(job: Job) -> RunRecord:
    look = {"assets": "../assets", "links": job.links}
    warm = _warm(job.settings)
    if warm is None:
        return _in_a_kernel(job, look)
    return warm.call(
        run.make_here, job.plan, settings=job.settings, out=job.out, seconds=job.seconds,
        memory=job.settings.limits.page_memory, **look,
    )  # fmt: skip


def _in_a_kernel(job: Job, look: Mapping[str, Any]) -> RunRecord:
    executed = run.execute(job.plan, settings=job.settings)
    if executed.error.startswith("DeadKernelError") or executed.notebook is None:
        executed = run.execute(job.plan, settings=job.settings)
    with _one_language:
        return run.complete(executed, settings=job.settings, out=job.out, **look)


def failed(plan: Plan, error: str) -> RunRecord:
    """The record of a run that left nothing."""
    now = datetime.now(UTC)
    return RunRecord(
        plan.report, plan.parameters, plan.slug, "failed", now, now, (), run.without_secrets(error), plan.about
    )


# ── This process's own warm parent ───────────────────────────────────────────────────────────────────────────────────

_one_language = threading.Lock()  # texts are said in one language at a time
_starting = threading.Lock()
_begun: dict[tuple[Path, Path | None], Warm] = {}
_parents: dict[tuple[Path, Path | None], Warm | None] = {}


def begin(settings: Settings) -> None:
    """Begin this process's warm parent, which takes seconds, while the night has other things to do."""
    with _starting, suppress(Exception):  # without one, `_warm` will say so
        _begun[_key(settings)] = _beginning(settings)


def hold(settings: Settings, instants: Sequence[datetime]) -> None:
    """Let all pages find the store open and what they share worked out; without that, each does so for itself."""
    try:
        dataset.prepare(settings, instants)  # here it may take all cores
        if warm := _warm(settings):
            # As the pages' own settings are: no secret, and one thread (`_beginning`).
            engine = settings.engine.model_copy(update={"threads": 1})
            warm.hold(dataset.hold, settings.model_copy(update={"webhook": None, "engine": engine}), instants)
    except Exception as error:  # what is wrong with the data each page will say; a night must not fail for its speed
        log.warning("each page opens the store for itself: %s", run.in_words(error))


def _key(settings: Settings) -> tuple[Path, Path | None]:
    return settings.data, settings.config


def _beginning(settings: Settings) -> Warm:
    # The cores are for other pages.
    told = run.environment(settings) | {"CRM_REPORTS_THREADS": "1"}
    return Warm.begin(clean(told, Path(tempfile.gettempdir())))


def _warm(settings: Settings) -> Warm | None:
    """The parent that this process's pages are forked from, begun when first needed; None where there can be none."""
    key = _key(settings)
    with _starting:
        if key in _parents and (_parents[key] is None or _parents[key].is_alive):
            return _parents[key]
        _parents[key] = _started(settings)
        return _parents[key]


def _started(settings: Settings) -> Warm | None:
    try:
        warm = _begun.pop(_key(settings), None) or _beginning(settings)
        warm.wait()
        return warm
    except Exception as error:
        log.warning("each report gets a kernel of its own: %s", run.in_words(error))
        return None


def let_go() -> None:
    """End this process's warm parents."""
    with _starting:
        for held in (_begun, _parents):
            while held:
                _settings, warm = held.popitem()
                if warm:
                    warm.close()


register(let_go)
