"""One sync, then every preset and slice: a folder of pages per night and audience, and indexes that say what failed."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from .. import proof, publish, run
from ..discretion import clear, what_shows, without_secrets
from ..errors import ReportError
from ..locks import only_one
from ..run import RunRecord
from ..settings import Settings
from ..store import Store
from ..texts import _, speaking
from . import history, links, standins
from .fan import JOBS, executor
from .index import write_indexes
from .pages import NightReport, Page, home_of
from .planning import Planned, planned, presets
from .records import damaged, keep, mend, nights, note, noted
from .work import Job, begin, failed, hold, let_go, made

__all__ = ["JOBS", "NightReport", "Page", "damaged", "night", "nights", "presets", "write_indexes"]

SECONDS = 600.0  # for one page, before it is ended


@dataclass(frozen=True)
class How:
    """How a night is made: pages at a time, seconds for each, a cluster's address, whether a browser proves the pages."""

    jobs: int = JOBS
    seconds: float = SECONDS
    scheduler: str = ""
    proved: bool = True


def night(
    settings: Settings, *, out: Path, sync: Callable[[], object],
    told: Callable[[str], object] = lambda line: None, how: How = How(),
) -> NightReport:  # fmt: skip
    """The night's pages and indexes under `out`. A failing report stops no other and replaces no page.

    StoreError: another night is at work on this data folder.
    """
    out = out.absolute()  # pages are made in processes that stand elsewhere
    busy = _("another night is at work in {folder!r}: wait for it to end", folder=str(settings.data))
    with only_one(settings.data / "night.lock", busy), speaking(settings.language):
        repairs = mend(settings)
        for text in repairs:
            told(text)
        report = _night(settings, out, sync, told, how)
        report = replace(report, repairs=(*repairs, *report.repairs))
        try:
            return _written_down(report, settings, out)
        except OSError as error:
            problem = _("what became of the night can't be written down ({why}): is there no room?", why=error.strerror)
            told(problem)
            return replace(report, problem=problem)


def _written_down(report: NightReport, settings: Settings, out: Path) -> NightReport:
    keep(report, settings)
    if not report.problem:
        history.prune(settings, out, report.date, {preset.name for preset in presets(settings)})
    write_indexes(settings, out)
    return report


def _night(settings: Settings, out: Path, sync: Callable, told: Callable, how: How) -> NightReport:
    started_at = datetime.now(UTC)
    on = started_at.astimezone(settings.zone).date()
    try:
        if not how.scheduler:
            begin(settings)
        synced = sync()
        on = Store.open(settings.store_path).synced_at.astimezone(settings.zone).date()
        with proof.prover(told, is_wanted=how.proved) as prover:
            pages = _Pages(settings, out, on, told, how, prover).made()
        repairs = getattr(synced, "repairs", ())
        return NightReport(on, started_at, datetime.now(UTC), tuple(pages), "", tuple(prover.notes), repairs)
    except ReportError as error:
        told(str(error))
        return NightReport(on, started_at, datetime.now(UTC), (), run.without_secrets(str(error)))
    finally:
        let_go()


class _Pages:
    """The pages of one night, from the plan to the last stand-in."""

    def __init__(self, settings: Settings, out: Path, on: date, told: Callable, how: How, prover: proof.Prover) -> None:
        self.settings, self.out, self.on, self.told, self.how, self.prover = settings, out, on, told, how, prover
        self.earlier = nights(settings)
        self.planned = planned(settings, on, self.earlier)

    def made(self) -> list[Page]:
        """Every page's record, in the order of the presets."""
        for audience in {each.audience for each in self.planned}:
            publish.assets(self.out / home_of(audience) / "assets")
        done = dict(self._done())
        for each in self.planned:
            if not each.plan:
                done[each.key] = self._failed(each, each.error)
        for each, page in self._run([each for each in self.planned if each.key not in done]):
            done[each.key] = page
        return [done[each.key] for each in self.planned]

    def _done(self) -> Iterator[tuple[str, Page]]:
        """What an earlier night of this date made of the very same, whether it was killed or came to its end."""
        killed = noted(self.settings, self.on)
        same_day = next((night for night in self.earlier if night.date == self.on and not night.problem), None)
        for each in self.planned:
            kept = killed.get(each.key) or (same_day and same_day.page(each.key))
            if each.plan and kept and self._is_still_so(kept, each):
                yield each.key, kept if each.key in killed else replace(kept, state="unchanged", seconds=0.0)

    def _is_still_so(self, kept: Page, each: Planned) -> bool:
        there = bool(kept.files) and all((self.out / file).is_file() for file in kept.files)
        return kept.state != "failed" and there and kept.made_of == self._job(each).made_of

    def _job(self, each: Planned) -> Job:
        lead = links.links(each, self.planned, self.on, self.earlier, self.out)
        return Job.of(each.key, each.plan, self.settings, self.out / each.folder(self.on), lead, self.how.seconds)

    def _run(self, to_make: Sequence[Planned]) -> Iterator[tuple[Planned, Page]]:
        if not to_make:
            return
        if not self.how.scheduler:
            hold(self.settings, run.instants([each.plan for each in to_make]))
        with executor(self.how.scheduler, self.how.jobs) as pool:
            jobs = {each.key: self._job(each) for each in to_make}
            running = {pool.submit(made, jobs[each.key]): each for each in to_make}
            for future in as_completed(running):
                each = running[future]
                yield each, self._finished(each, _record(future, each), jobs[each.key].made_of)

    def _finished(self, each: Planned, record: RunRecord, made_of: str) -> Page:
        files = tuple(path.relative_to(self.out).as_posix() for path in record.files)
        page = replace(
            _bare(each), state=record.state, error=without_secrets(record.error, self.settings), headline=record.headline, about=record.about,
            seconds=record.seconds, files=files, made_of=made_of,
        )  # fmt: skip
        clear(self.settings.data / "failed" / f"{each.plan.name}.ipynb", self.settings)
        if page.state == "complete":
            page = self._proved(page)
        self.told(f"{page.name}: {page.error or page.state} ({page.seconds:.1f} s)")
        if page.state == "failed":
            return self._failed(each, page.error, page)
        with contextlib.suppress(OSError):  # without its line in the journal a night that is killed makes it again
            note(page, self.settings, self.on)
        self._lead_here(page)
        return page

    def _proved(self, page: Page) -> Page:
        problem, proof_text = what_shows([self.out / file for file in page.files], self.settings), ""
        if not problem:
            problem, proof_text = self.prover.look(self.out / page.file("html"), self.out / page.file("ipynb"))
        if not problem:
            return replace(page, proof=proof_text)
        for file in page.files:
            (self.out / file).unlink(missing_ok=True)
        return replace(page, state="failed", error=problem, files=())

    def _failed(self, each: Planned, error: str, page: Page | None = None) -> Page:
        if page is None:
            self.told(f"{each.name}: {error}")
        page = replace(page or _bare(each), state="failed", error=error, files=())
        return replace(page, last_good=standins.stand_in(page, each, self.on, self.earlier, self.out))

    def _lead_here(self, page: Page) -> None:
        before = next(
            (found for night in self.earlier if night.date < self.on and (found := night.page(page.key))), None
        )
        if before:
            links.point_to_next(page, before, self.out, _("Next night"))


def _bare(each: Planned) -> Page:
    return Page(
        each.name, each.preset.report, "failed", preset=each.preset.name, slice=each.slice, audience=each.audience,
        key=each.key,
    )  # fmt: skip


def _record(future: object, each: Planned) -> RunRecord:
    """What the executor says, or that it lost the page: a cluster may."""
    with contextlib.suppress(Exception):
        return future.result()
    return failed(each.plan, _("the page was lost with the worker that made it"))
