"""The pages that lead to the pages: one index for each audience, which lists only its own, and the night's own record."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path, PurePosixPath

from markupsafe import Markup

from ..look import page as elements
from ..look import templates
from ..metrics.registry import column
from ..settings import Settings
from ..store.disk import write_whole
from ..words.texts import N_, _
from .front import front
from .pages import SUFFIXES, NightReport, Page, day_of, home_of
from .records import nights

READERS = {
    "overview": N_("For the director"), "sales_dynamics": N_("For the head of sales"),
    "manager_effectiveness": N_("For the head of sales"), "forgotten_deals": N_("For managers and their heads"),
    "sales_plan": N_("For the head of sales"),
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A report or a slice of it: its newest page that came out, and on which nights it did."""

    newest: Page
    day: date
    nights: tuple[tuple[date, str], ...]
    is_late: bool

    @property
    def reader(self) -> str:
        """Whom the report is for; "" of a company's own."""
        return _(READERS[self.newest.report]) if self.newest.report in READERS else ""

    @property
    def slice_words(self) -> str:
        cut = self.newest.slice
        return f"{column(cut['dimension']).title}: {cut['name']}" if cut else ""


def write_indexes(settings: Settings, out: Path) -> None:
    """index.html for the company and for each audience that has pages, and night.html for who runs it.

    One that can't be written stops no other; the first such error is raised when all were tried.
    """
    reports = [_still_there(report, out) for report in nights(settings)]
    audiences = dict.fromkeys(["", *(page.audience for night in reports for page in night.pages)])
    errors = [
        error for audience in audiences
        if (not audience or (out / home_of(audience)).is_dir()) and (error := _failure(settings, audience, reports, out))
    ]  # fmt: skip
    if reports:
        write_whole(out / "night.html", _render("record.html.j2", settings, night=reports[0], kept=reports))
    for error in errors:
        raise error


def _failure(settings: Settings, audience: str, reports: Sequence[NightReport], out: Path) -> Exception | None:
    """Why there is no new index for that audience, or None."""
    try:
        visible = [_seen_by(audience, night) for night in reports]
        write_whole(out / home_of(audience) / "index.html", _index(settings, audience, visible, out))
    except Exception as error:
        return error
    return None


def _still_there(report: NightReport, out: Path) -> NightReport:
    """The night without links to what has been removed since."""
    paths = {path.relative_to(out).as_posix() for path in out.glob(f"**/{report.date}/*")}
    return replace(report, pages=tuple(_with_links_to(page, paths, out) for page in report.pages))


def _with_links_to(page: Page, paths: set[str], out: Path) -> Page:
    """A page that failed is listed as the last one that came out."""
    last_good = page.last_good if (out / page.last_good).is_file() else ""
    files = page.files or tuple(f"{last_good.removesuffix('html')}{suffix}" for suffix in SUFFIXES if last_good)
    return replace(
        page, files=tuple(file for file in files if file in paths or (out / file).is_file()), last_good=last_good
    )


def _seen_by(audience: str, report: NightReport) -> NightReport:
    """The night as that audience may know it: the company everything, everybody else their own pages and no errors."""
    if not audience:
        return report
    own = tuple(replace(page, error="") for page in report.pages if page.audience == audience)
    problem = report.problem and _("The data could not be read.")
    return replace(report, pages=own, problem=problem, notes=(), repairs=(), troubles=(), checks=())


def _index(settings: Settings, audience: str, reports: Sequence[NightReport], out: Path) -> str:
    home = home_of(audience)

    def relative(path: str) -> str:
        return PurePosixPath(path).relative_to(home).as_posix() if path else ""

    rows = list(_rows(reports, relative))
    slices = sorted((row for row in rows if row.newest.slice), key=lambda row: _place(row.newest.report))
    wholes = sorted((row for row in rows if not row.newest.slice), key=lambda row: _place(row.newest.report))
    values = {
        "front": front([row.newest for row in wholes], out),
        "wholes": [(first, others) for first, *others in _group(wholes, "report").values()],
        "latest": reports[0] if reports else None, "here": relative,
        "slices": list(_group(slices, "preset").items()), "kept": reports, "is_company": not audience,
    }  # fmt: skip
    return _render("night.html.j2", settings, **values)


def _group(rows: Iterable[Row], by: str) -> dict[str, list[Row]]:
    """The rows of each report or preset, in the order of their first ones."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(getattr(row.newest, by), []).append(row)
    return groups


def _place(report: str) -> int:
    """Where the report's readers come; a company's own reports last."""
    return list(READERS).index(report) if report in READERS else len(READERS)


def _rows(reports: Sequence[NightReport], relative: Callable[[str], str]) -> Iterable[Row]:
    """What the latest night was to make, then what earlier ones made of presets that were not due."""
    by_key: dict[str, list[tuple[NightReport, Page]]] = {}
    for night in reports:
        for page in night.pages:
            by_key.setdefault(page.key, []).append((night, page))
    for pages in by_key.values():
        complete = [page for _night, page in pages if page.file("html")]
        if complete:
            links = {day_of(page.file("html")): relative(page.file("html")) for page in complete}
            late = pages[0][1].state == "failed"
            yield Row(complete[0], max(links), tuple(sorted(links.items(), reverse=True)), late)


def _render(name: str, settings: Settings, **values: object) -> str:
    script = templates.read("index.js")
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    css = Markup(elements.css() + templates.read("index.css"))
    values |= {"zone": settings.zone, "language": settings.language, "script": Markup(script), "policy": policy}
    return templates.render(name, **values, css=css)
