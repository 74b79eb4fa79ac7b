"""One sync, then every preset: a folder of pages per night, and an index that leads to them and says what failed."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

import jinja2
from markupsafe import Markup

from . import page as elements
from . import publish, run, units
from .errors import ReportError
from .publish import REPORTS, Link
from .run import Plan, RunRecord
from .settings import Preset, Settings
from .store import Store
from .texts import _, many, speaking

# A kernel keeps one core busy; a third on two cores was measured to gain nothing.
JOBS = min(2, os.cpu_count() or 1)


@dataclass(frozen=True)
class Page:
    """One preset of one night, as the index tells it; `files` are named relative to the published folder."""

    name: str
    report: str
    state: str
    error: str = ""
    headline: str = ""
    about: str = ""
    seconds: float = 0.0
    files: tuple[str, ...] = ()
    last_good: str = ""

    @property
    def title(self) -> str:
        return _(REPORTS[self.report]) if self.report in REPORTS else self.report

    def file(self, suffix: str) -> str:
        return next((each for each in self.files if each.endswith(f".{suffix}")), "")


@dataclass(frozen=True)
class NightReport:
    """One night: what came out, what failed, and where the index is. `problem` is why nothing ran at all."""

    date: date
    started_at: datetime
    finished_at: datetime
    pages: tuple[Page, ...] = ()
    problem: str = ""

    @property
    def failed(self) -> tuple[Page, ...]:
        return tuple(page for page in self.pages if page.state == "failed")

    @property
    def is_whole(self) -> bool:
        return not self.problem and not self.failed


def night(
    settings: Settings,
    *,
    out: Path,
    sync: Callable[[], object],
    told: Callable[[str], object] = lambda line: None,
    jobs: int = JOBS,
) -> NightReport:
    """The night's pages under out/DATE/ and out/index.html. A failing report stops no other and replaces no page."""
    started_at = datetime.now(UTC)
    with speaking(settings.language):
        try:
            sync()
            on = Store.open(settings.store_path).synced_at.astimezone(settings.zone).date()
        except ReportError as error:
            told(str(error))
            on, problem, pages = started_at.astimezone(settings.zone).date(), run.without_secrets(str(error)), ()
        else:
            problem, pages = "", tuple(_pages(settings, out=out, on=on, told=told, jobs=jobs))
        report = NightReport(on, started_at, datetime.now(UTC), pages, problem)
        _keep(report, settings)
        write_index(settings, out)
    return report


def presets(settings: Settings) -> tuple[Preset, ...]:
    """Those of reports.toml, or else the four reports with their defaults."""
    return settings.presets or tuple(Preset(name=_(title), report=report) for report, title in REPORTS.items())


# ── Pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _pages(
    settings: Settings, *, out: Path, on: date, told: Callable[[str], object], jobs: int
) -> Iterator[Page]:  # fmt: skip
    """Every preset's page, in the order of the presets."""
    publish.assets(out / "assets")
    planned = {preset.name: (preset, _planned(preset, settings)) for preset in presets(settings)}
    plans = {name: plan for name, (_preset, plan) in planned.items() if isinstance(plan, Plan)}
    for name in planned.keys() - plans.keys():
        told(f"{name}: {planned[name][1]}")
    records = {}
    for name, record in _records(plans, settings, out=out / str(on), jobs=jobs):
        told(f"{name}: {record.error or 'complete'} ({record.seconds:.1f} s)")
        records[name] = record
    earlier = nights(settings)
    for name, (preset, plan) in planned.items():
        page = _page(preset, records[name], out) if name in records else _refused(preset, str(plan))
        yield page if page.state == "complete" else replace(page, last_good=_last_good(page, earlier, out))


def _planned(preset: Preset, settings: Settings) -> Plan | ReportError:
    try:
        return run.prepare(preset.report, preset.parameters, settings=settings)
    except ReportError as error:
        return error


def _records(plans: Mapping[str, Plan], settings: Settings, *, out: Path, jobs: int) -> Iterator[tuple[str, RunRecord]]:
    """Kernels run side by side; pages are made of what they leave one after the other, as texts have one language."""
    pool = ThreadPoolExecutor(max_workers=jobs)
    try:
        running = {pool.submit(run.execute, plan, settings=settings): name for name, plan in plans.items()}
        for future in as_completed(running):
            name, executed = running[future], future.result()
            links = _links(name, plans)
            yield name, run.complete(executed, settings=settings, out=out, assets="../assets", links=links)
    finally:
        pool.shutdown(cancel_futures=True)  # whoever interrupts the night does not wait for all of it


def _links(here: str, plans: Mapping[str, Plan]) -> list[Link]:
    """Where a page leads: the night's first page of each report, its other pages, its workbook, and all nights."""
    first = {plan.report: plan for plan in reversed(plans.values())} | {plans[here].report: plans[here]}
    reports = [Link(f"report:{report}", f"{plan.name}.html") for report, plan in first.items()]
    others = [Link("sibling", f"{plan.name}.html", name) for name, plan in plans.items() if name != here]
    return [*reports, *others, Link("workbook", f"{plans[here].name}.xlsx"), Link("site", "../index.html")]


def _page(preset: Preset, record: RunRecord, out: Path) -> Page:
    names = tuple(path.relative_to(out).as_posix() for path in record.files)
    return Page(
        preset.name, preset.report, record.state, record.error, record.headline, record.about, record.seconds, names
    )


def _refused(preset: Preset, error: str) -> Page:
    return Page(preset.name, preset.report, "failed", run.without_secrets(error))


def _last_good(page: Page, earlier: Sequence[NightReport], out: Path) -> str:
    """The newest page of that preset that came out, today's earlier one included."""
    found = (each.file("html") or each.last_good for night in earlier for each in night.pages if each.name == page.name)
    return next((file for file in found if file and (out / file).is_file()), "")


# ── History and index ────────────────────────────────────────────────────────────────────────────────────────────────


def nights(settings: Settings) -> list[NightReport]:
    """All nights that were kept, the latest first."""
    kept = (settings.data / "nights").glob("*.json")
    read = [_read(json.loads(path.read_text(encoding="utf-8"))) for path in kept]
    return sorted(read, key=lambda report: report.started_at, reverse=True)


def _keep(report: NightReport, settings: Settings) -> None:
    """Beside the store: a night made again takes its own place, one without a sync leaves that day's pages known."""
    folder = settings.data / "nights"
    in_vain = folder / f"{report.date}-in-vain.json"
    in_vain.unlink(missing_ok=True)
    path = in_vain if report.problem else folder / f"{report.date}.json"
    _replace(path, json.dumps(asdict(report), default=str, ensure_ascii=False, indent=1))


def _read(kept: dict) -> NightReport:
    pages = tuple(Page(**{**page, "files": tuple(page["files"])}) for page in kept["pages"])
    times = {key: datetime.fromisoformat(kept[key]) for key in ("started_at", "finished_at")}
    return NightReport(date.fromisoformat(kept["date"]), **times, pages=pages, problem=kept["problem"])


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.{os.getpid()}")
    making.write_text(text, encoding="utf-8")
    os.replace(making, path)


def write_index(settings: Settings, out: Path) -> Path:
    """out/index.html: what failed, the latest night's pages, and the nights before it."""
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"_": _, "many": many, "date": _day, "css": Markup(elements.css())}
    template = environment.from_string((files("crm_reports") / "template" / "night.html.j2").read_text("utf-8"))
    latest, *before = [_still_there(each, out) for each in nights(settings)]
    shown = next((each for each in (latest, *before) if any(page.files for page in each.pages)), latest)
    earlier = [each for each in before if each is not shown]
    path = out / "index.html"
    _replace(
        path,
        template.render(latest=latest, shown=shown, earlier=earlier, zone=settings.zone, language=settings.language),
    )
    return path


def _day(day: date) -> str:
    return units.write(day, "date")


def _still_there(report: NightReport, out: Path) -> NightReport:
    """The night without links to what has been removed since."""
    return replace(report, pages=tuple(_with_links_to(page, out) for page in report.pages))


def _with_links_to(page: Page, out: Path) -> Page:
    there = tuple(file for file in page.files if (out / file).is_file())
    return replace(page, files=there, last_good=page.last_good if (out / page.last_good).is_file() else "")
