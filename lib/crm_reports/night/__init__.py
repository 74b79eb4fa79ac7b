"""One sync, then every preset and slice: a folder of pages per night and audience, and indexes that say what failed."""

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from ..look import scripts
from ..look.publish import parts_of
from ..runs import execution, preparation, proof
from ..runs.discretion import clear, what_shows, without_secrets
from ..runs.parent import begin, hold, let_go
from ..runs.run import RunRecord
from ..settings import Settings
from ..store import Store
from ..store.checked import Result
from ..store.locks import only_one, sweep
from ..words.texts import _, speaking
from . import checks, history, links, standins
from .fan import JOBS, executor
from .index import write_indexes
from .pages import NightReport, Page, home_of
from .planning import Planned, planned, presets
from .records import damaged, keep, mend, nights, note, noted
from .work import Job, failed, made

__all__ = ["JOBS", "NightReport", "Page", "damaged", "night", "nights", "presets", "write_indexes"]

SECONDS = 600.0  # for one page, before it is ended
SAMPLE = 40  # of so many pages that differ in their data only, one is opened in the browser


@dataclass(frozen=True)
class How:
    """How a night is made: pages at a time, seconds for each, a cluster's address, whether a browser proves the pages."""

    jobs: int = JOBS
    seconds: float = SECONDS
    scheduler: str = ""
    proved: bool = True


def night(
    settings: Settings, *, out: Path, sync: Callable[[], object],
    tell: Callable[[str], object] = lambda line: None, how: How = How(),
) -> NightReport:  # fmt: skip
    """The night's pages and indexes under `out`. A failing report stops no other and replaces no page.

    StoreError: another night is at work on this data folder.
    """
    out = out.absolute()  # pages are made in processes that stand elsewhere
    busy = _("another night is at work in {folder!r}: wait for it to end", folder=str(settings.data))
    with only_one(settings.data / "night.lock", busy), speaking(settings.language):
        sweep(settings.data)
        troubles, repairs = Troubles(tell), ()
        with troubles.caught(_("The records of earlier nights could not be looked at")):
            repairs = mend(settings)
        for text in repairs:
            tell(text)
        report = _night(settings, out, sync, tell, how, troubles)
        return _conclude(replace(report, repairs=(*repairs, *report.repairs)), settings, out, troubles)


class Troubles:
    """What went wrong beside the pages, in sentences: each is told at once, and stops nothing."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        self.tell, self.sentences = tell, []

    def add(self, sentence: str) -> None:
        self.sentences.append(sentence)
        self.tell(sentence)

    @contextlib.contextmanager
    def caught(self, words: str) -> Iterator[None]:
        """An error in here becomes a trouble that begins with these words."""
        try:
            yield
        except Exception as error:
            self.add(f"{words} ({execution.logged(error)})")


def _night(settings: Settings, out: Path, sync: Callable, tell: Callable, how: How, troubles: Troubles) -> NightReport:
    started_at = datetime.now(UTC)
    on = started_at.astimezone(settings.zone).date()
    try:
        if not how.scheduler:
            begin(settings)
        sync_report = sync()
        results, repairs = look_at_data(settings, troubles)
        on = Store.open(settings.store_path).synced_at.astimezone(settings.zone).date()
        with proof.prover(tell, is_wanted=how.proved, trouble=troubles.add) as prover:
            pages = _Pages(settings, out, on, tell, how, prover, troubles).make()
        repairs = (*getattr(sync_report, "repairs", ()), *repairs)
        return NightReport(
            on, started_at, datetime.now(UTC), tuple(pages), "", tuple(prover.notes), repairs, checks=results
        )
    except Exception as error:
        problem = without_secrets(execution.logged(error), settings)
        tell(problem)
        return NightReport(on, started_at, datetime.now(UTC), (), problem)
    finally:
        let_go()


def look_at_data(settings: Settings, troubles: Troubles) -> tuple[tuple[Result, ...], list[str]]:
    """What the checks say of the new data, told where it is not well; and what of earlier nights was damaged."""
    results, repairs = (), []
    with troubles.caught(_("The data could not be checked")):
        results, repairs = checks.examine(settings)
    for sentence in (*repairs, *checks.sentences(results, "warn")):
        troubles.tell(sentence)
    for sentence in checks.sentences(results, "error"):
        troubles.add(sentence)
    return results, repairs


def _conclude(report: NightReport, settings: Settings, out: Path, troubles: Troubles) -> NightReport:
    """The report, kept and shown; once more with what went wrong in keeping and showing it."""
    report = replace(report, troubles=tuple(troubles.sentences))
    with troubles.caught(_("The record of this night could not be kept")):
        keep(report, settings)
    if not report.problem:
        with troubles.caught(_("The pages of old nights could not be removed")):
            history.prune(settings, out, report.date, {preset.name for preset in presets(settings)})
    with troubles.caught(_("The list of all pages could not be written")):
        write_indexes(settings, out)
    if len(troubles.sentences) > len(report.troubles):
        report = replace(report, troubles=tuple(troubles.sentences))
        with contextlib.suppress(Exception):  # whatever can't be kept or written was said above
            keep(report, settings)
            write_indexes(settings, out)
    return report


class _Pages:
    """The pages of one night, from the plan to the last stand-in."""

    def __init__(
        self, settings: Settings, out: Path, on: date, tell: Callable, how: How, prover: proof.Prover,
        troubles: Troubles,
    ) -> None:  # fmt: skip
        self.settings, self.out, self.on, self.tell, self.how, self.prover = settings, out, on, tell, how, prover
        self.troubles = troubles
        self.earlier = nights(settings)
        self.planned = planned(settings, on, self.earlier)
        self.site = links.Site(settings, self.planned, on, self.earlier)
        self.jobs: dict[str, Job] = {}
        self.proven: defaultdict[str, set] = defaultdict(set)  # by report, the parts that the browser has drawn
        self.alike = 0

    def make(self) -> list[Page]:
        """Every page's record, in the order of the presets."""
        refusals = dict(self._without_assets())
        pages = {}
        first = [page for page in self.planned if not page.same_as]
        for planned_page in first:
            error = planned_page.error or refusals.get(planned_page.audience) or self._job_of(planned_page)
            if error:
                pages[planned_page.key] = self._fail(planned_page, error)
        pages |= dict(self._finished_before())
        for planned_page, page in self._run([planned_page for planned_page in first if planned_page.key not in pages]):
            pages[planned_page.key] = page
        for planned_page in (page for page in self.planned if page.same_as):
            page = _bare(planned_page)
            pages[planned_page.key] = replace(
                pages[planned_page.same_as], name=page.name, preset=page.preset, slice=page.slice, key=page.key
            )
        return [pages[planned_page.key] for planned_page in self.planned]

    def _without_assets(self) -> Iterator[tuple[str, str]]:
        """The audiences whose pages would find no scripts, and why."""
        for audience in {page.audience for page in self.planned}:
            try:
                scripts.assets(self.out / home_of(audience) / "assets")
            except Exception as error:
                yield audience, execution.logged(error)

    def _job_of(self, planned_page: Planned) -> str:
        """Why there is no job for it, "" when there is."""
        try:
            lead, controls = self.site.links(planned_page, self.out), self.site.controls(planned_page)
            self.jobs[planned_page.key] = Job.of(
                planned_page.key, planned_page.plan, self.settings, self.out / planned_page.folder(self.on), lead, controls,
                self.how.seconds,
            )  # fmt: skip
        except Exception as error:
            return execution.logged(error)
        return ""

    def _finished_before(self) -> Iterator[tuple[str, Page]]:
        """What an earlier night of this date made of the very same, whether it was killed or came to its end."""
        journal = noted(self.settings, self.on)
        same_day = next((night for night in self.earlier if night.date == self.on and not night.problem), None)
        for key, job in self.jobs.items():
            page = journal.get(key) or (same_day and same_day.page(key))
            if page and self._is_still_so(page, job):
                yield key, page if key in journal else replace(page, state="unchanged", seconds=0.0)

    def _is_still_so(self, page: Page, job: Job) -> bool:
        is_there = bool(page.files) and all((self.out / file).is_file() for file in page.files)
        return page.state != "failed" and is_there and page.made_of == job.made_of

    def _run(self, to_make: Sequence[Planned]) -> Iterator[tuple[Planned, Page]]:
        if not to_make:
            return
        if not self.how.scheduler:
            hold(self.settings, preparation.instants([page.plan for page in to_make]))
        with executor(self.how.scheduler, self.how.jobs) as pool:
            running = {pool.submit(made, self.jobs[page.key]): page for page in to_make}
            for future in as_completed(running):
                page = running[future]
                yield page, self._finish(page, _record(future, page))

    def _finish(self, planned_page: Planned, record: RunRecord) -> Page:
        page = self._check(planned_page, record)
        self.tell(f"{page.name}: {page.error or page.state} ({page.seconds:.1f} s)")
        if page.state == "failed":
            return self._fail(planned_page, page.error, page)
        with self.troubles.caught(_("That {page} is finished could not be written down", page=page.name)):
            note(page, self.settings, self.on)
        with self.troubles.caught(_("No link to {page} could be put into the page before it", page=page.name)):
            self._lead_here(page)
        return page

    def _check(self, planned_page: Planned, record: RunRecord) -> Page:
        """The page, looked at; one that may not stay, or can't be looked at, is taken back."""
        page = replace(
            _bare(planned_page), state=record.state, error=without_secrets(record.error, self.settings),
            headline=record.headline, about=record.about, seconds=record.seconds, made_of=self.jobs[planned_page.key].made_of,
        )  # fmt: skip
        try:
            clear(self.settings.data / "failed" / f"{planned_page.plan.name}.ipynb", self.settings)
            page = replace(page, files=tuple(path.relative_to(self.out).as_posix() for path in record.files))
            problem, proof_text = self._prove(page) if page.state == "complete" else (page.error, "")
        except Exception as error:
            problem, proof_text = without_secrets(execution.logged(error), self.settings), ""
        if not problem:
            return replace(page, proof=proof_text)
        with self.troubles.caught(_("{page} could not be taken back", page=page.name)):
            for path in record.files:
                path.unlink(missing_ok=True)
        return replace(page, state="failed", error=problem, files=())

    def _prove(self, page: Page) -> tuple[str, str]:
        """What is wrong with the page, and what the browser saw. Of pages whose parts it has drawn it opens one in SAMPLE."""
        if problem := what_shows([self.out / file for file in page.files], self.settings):
            return problem, ""
        notebook = self.out / page.file("ipynb")
        parts = parts_of(notebook) if self.how.proved else set()
        is_alike = bool(parts) and parts <= self.proven[page.report]
        self.alike += is_alike
        if is_alike and self.alike % SAMPLE:
            return "", _("not opened: pages made of the same parts were")
        problem, proof_text = self.prover.look(self.out / page.file("html"), notebook)
        if not problem:
            self.proven[page.report] |= parts
        return problem, proof_text

    def _fail(self, planned_page: Planned, error: str, page: Page | None = None) -> Page:
        if page is None:
            self.tell(f"{planned_page.name}: {error}")
        page = replace(page or _bare(planned_page), state="failed", error=error, files=())
        with self.troubles.caught(_("Nothing could be put where {page} should be", page=page.name)):
            return replace(page, last_good=standins.stand_in(page, planned_page, self.on, self.earlier, self.out))
        return page

    def _lead_here(self, page: Page) -> None:
        before = next(
            (page_before for night in self.earlier if night.date < self.on and (page_before := night.page(page.key))),
            None,
        )
        if before:
            links.point_to_next(page, before, self.out, _("Next night"))


def _bare(planned_page: Planned) -> Page:
    return Page(
        planned_page.name, planned_page.preset.report, "failed", preset=planned_page.preset.name, slice=planned_page.slice, audience=planned_page.audience,
        key=planned_page.key,
    )  # fmt: skip


def _record(future: Future, planned_page: Planned) -> RunRecord:
    """What the executor says, or that it lost the page: a cluster may."""
    try:
        error = future.exception()
    except CancelledError as cancelled:
        error = cancelled
    if error is None or isinstance(error, KeyboardInterrupt):  # whoever stops the night stops all of it
        return future.result()
    return failed(
        planned_page.plan, _("the page was lost with the worker that made it ({why})", why=execution.logged(error))
    )
