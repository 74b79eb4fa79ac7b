"""Where a page leads: never out of its audience, except that the company's pages lead to everyone's."""

import os
import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path, PurePosixPath

from ..look.publish import Link
from ..store.disk import write_whole
from ..words import units
from .pages import NightReport, Page
from .planning import Planned

NIGHTS = 14  # so many nights back can be chosen on a page


def links(
    here: Planned, all_planned: Sequence[Planned], on: date, before: Sequence[NightReport], out: Path
) -> list[Link]:
    """The night's reports, the other pages of this one, its slices, its workbook, the nights before, and the index."""
    mine = [page for page in all_planned if page.plan and page.audience == here.audience]
    return [
        *_reports(here, mine, on), *_siblings(here, mine, on), *_slices(here, all_planned, on),
        *_nights(here, on, before, out), Link("workbook", f"{here.plan.name}.xlsx"), Link("site", "../index.html"),
    ]  # fmt: skip


def _to(here: Planned, there: Planned, on: date) -> str:
    return _relative(there.path(on), here.folder(on))


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


def _reports(here: Planned, mine: Sequence[Planned], on: date) -> Iterator[Link]:
    """One page of each report: that with this page's own slice, else the first."""
    for report in dict.fromkeys(page.plan.report for page in mine):
        pages = [page for page in mine if page.plan.report == report]
        same = [page for page in pages if page.slice == here.slice]
        chosen = here if report == here.plan.report else (same or pages)[0]
        yield Link(f"report:{report}", _to(here, chosen, on))


def _siblings(here: Planned, mine: Sequence[Planned], on: date) -> Iterator[Link]:
    """The whole pages, and what cuts this page's preset otherwise."""
    for page in mine:
        near = page.slice is None or page.preset.name == here.preset.name
        if near and page.key != here.key:
            yield Link("sibling", _to(here, page, on), page.name)


def _slices(here: Planned, everyone: Sequence[Planned], on: date) -> Iterator[Link]:
    """manager:ID, department:ID, …: the page of that one in this report. Only the company's pages see everyone's."""
    for page in everyone:
        is_visible = not here.audience or page.audience == here.audience
        if is_visible and page.plan and page.slice and page.preset.name == here.preset.name:
            yield Link(f"{page.slice['dimension']}:{page.slice['id']}", _to(here, page, on))


def _nights(here: Planned, on: date, before: Sequence[NightReport], out: Path) -> Iterator[Link]:
    """The same page of the nights before, the latest first."""
    earlier = [(night.date, page) for night in before if night.date < on and (page := night.page(here.key))]
    there = [(day, page) for day, page in earlier if page.state != "failed" and (out / page.file("html")).is_file()]
    for day, page in there[:NIGHTS]:
        if page.audience == here.audience:
            yield Link("night", _relative(page.file("html"), here.folder(on)), units.write(day, "date"))


# ── The night after ──────────────────────────────────────────────────────────────────────────────────────────────────

NEXT = "<!--next-->"  # in the page's navigation; escaped text can't contain it


def point_to_next(page: Page, before: Page, out: Path, words: str) -> None:
    """Lead the earlier night's page to this one. A page that was removed or has another template stays as it is."""
    path = out / before.file("html")
    if not before.file("html") or not path.is_file():
        return
    text = path.read_text(encoding="utf-8")
    url = _relative(page.file("html"), str(PurePosixPath(before.file("html")).parent))
    link = f'{NEXT}<a class="next-night" href="{url}">{words}</a><!--/next-->'
    changed = re.sub(rf"{NEXT}(<a .*?</a><!--/next-->)?", lambda _found: link, text, count=1)
    if changed != text:
        write_whole(path, changed)
