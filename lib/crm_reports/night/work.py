"""One page, made wherever an executor puts it: in a process forked for it, or where that can't be, in a kernel."""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..look.publish import Link
from ..runs import execution, parent, run
from ..runs.preparation import Plan
from ..runs.run import RunRecord
from ..runs.warm import OutOfMemory, TookTooLong, WarmError
from ..settings import Settings
from ..words.texts import speaking

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """All that making a page takes; it holds no secret and can be sent to another machine that sees the same folders."""

    key: str
    plan: Plan
    settings: Settings
    out: Path
    links: tuple[Link, ...]
    controls: Mapping[str, Any]
    seconds: float

    @classmethod
    def of(
        cls, key: str, plan: Plan, settings: Settings, out: Path, links: Any, controls: Mapping[str, Any], seconds: float,
    ) -> "Job":  # fmt: skip
        return cls(key, plan, settings.model_copy(update={"webhook": None}), out, tuple(links), controls, seconds)

    @property
    def made_of(self) -> str:
        """A hash of everything that goes into the page: the same hash, the same page."""
        settings = self.settings.model_dump(
            mode="json", include={"language", "time_zone", "base_currency", "weights", "source"}
        )
        links = [asdict(link) for link in self.links]
        all_of_it = [dict(self.plan.reproduction), self.plan.name, settings, links, self.controls]
        return hashlib.sha256(json.dumps(all_of_it, sort_keys=True, default=str).encode()).hexdigest()


def made(job: Job) -> RunRecord:
    """The page's files in `job.out`, or a record of why not. A process that just ended is given a second try."""
    with speaking(job.settings.language):  # whichever thread or machine this is
        try:
            return _tried_twice(job)
        except Exception as error:
            return failed(job.plan, execution.logged(error))


def _tried_twice(job: Job) -> RunRecord:
    try:
        return _try(job)
    except (TookTooLong, OutOfMemory):
        raise
    except WarmError:
        log.warning("%s: tried again", job.key)
    return _try(job)


def _try(job: Job) -> RunRecord:
    return parent.make(
        job.plan,
        settings=job.settings,
        out=job.out,
        seconds=job.seconds,
        assets="../assets",
        links=job.links,
        controls=job.controls,
        rows=run.BESIDE,
    )


def failed(plan: Plan, error: str) -> RunRecord:
    """The record of a run that left nothing."""
    now = datetime.now(UTC)
    return RunRecord(
        plan.report, plan.parameters, plan.slug, "failed", now, now, (), execution.without_secrets(error), plan.about
    )
