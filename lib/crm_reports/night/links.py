"""Where a page leads: never out of its audience, except that the company's pages lead to everyone's."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from ..filters import Choices
from ..look.publish import Link
from ..measures.load import share_store
from ..runs import preparation
from ..runs.controls import key_of, published, state_of
from ..runs.preparation import Plan
from ..settings import Settings
from ..store.disk import write_whole
from ..words import units
from ..words.texts import speaking
from .pages import NightReport, Page
from .planning import Planned

NIGHTS = 14  # so many nights back can be chosen on a page


class Site:
    """The pages that a night is to make, and what each of them leads to."""

    def __init__(
        self, settings: Settings, planned: Sequence[Planned], on: date, earlier: Sequence[NightReport]
    ) -> None:
        self._settings, self._planned, self._on, self._earlier = settings, planned, on, earlier
        self._keys = {page.key: key_of(page.plan, settings) for page in planned if page.plan}
        self._choices = _choices(settings) if self._keys else Choices()

    def links(self, own_page: Planned, out: Path) -> list[Link]:
        """The night's reports, its other whole pages, its slices, its workbook, the nights before, and the index."""
        pages = [page for page in self._planned if page.plan and page.audience == own_page.audience]
        return [
            *self._reports(own_page, pages), *self._wholes(own_page, pages), *self._slices(own_page), *self._nights(own_page, out),
            Link("workbook", f"{own_page.plan.name}.xlsx"), Link("site", "../index.html"),
        ]  # fmt: skip

    def controls(self, own_page: Planned) -> dict[str, Any]:
        """What the page's header offers: what this night makes of its report, as far as its readers may see it."""
        pages = [page for page in self._visible(own_page) if page.plan.report == own_page.plan.report]
        addresses: dict[str, tuple[Plan, str]] = {}
        for page in pages:
            addresses.setdefault(self._keys[page.key], (page.plan, self._to(own_page, page)))
        choices = _choices_of(pages, self._choices) if own_page.audience else self._choices
        with speaking(own_page.plan.language):
            return published(own_page.plan, choices, addresses, self._settings)

    def _to(self, own_page: Planned, other_page: Planned) -> str:
        return _relative(other_page.path(self._on), own_page.folder(self._on))

    def _visible(self, own_page: Planned) -> Iterator[Planned]:
        """Only the company's pages see everyone's."""
        return (page for page in self._planned if page.plan and own_page.audience in ("", page.audience))

    def _reports(self, own_page: Planned, pages: Sequence[Planned]) -> Iterator[Link]:
        """One page of each report: that which asks the same, else that with this page's own slice, else the first."""
        for report in dict.fromkeys(page.plan.report for page in pages):
            candidates = [page for page in pages if page.plan.report == report]
            equal = [page for page in candidates if self._keys[page.key] == self._keys[own_page.key]]
            alike = [page for page in candidates if page.slice == own_page.slice]
            chosen = own_page if report == own_page.plan.report else (equal or alike or candidates)[0]
            yield Link(f"report:{report}", self._to(own_page, chosen))

    def _wholes(self, own_page: Planned, pages: Sequence[Planned]) -> Iterator[Link]:
        for page in pages:
            if page.slice is None and page.key != own_page.key:
                yield Link("sibling", self._to(own_page, page), page.name)

    def _slices(self, own_page: Planned) -> Iterator[Link]:
        """manager:ID, department:ID, …: the page of that one in this report."""
        for page in self._visible(own_page):
            if page.slice and page.preset.name == own_page.preset.name:
                yield Link(f"{page.slice['dimension']}:{page.slice['id']}", self._to(own_page, page))

    def _nights(self, own_page: Planned, out: Path) -> Iterator[Link]:
        """The same page of the nights before, the latest first."""
        earlier = [
            (night.date, page)
            for night in self._earlier
            if night.date < self._on and (page := night.page(own_page.key))
        ]
        complete = [
            (day, page) for day, page in earlier if page.state != "failed" and (out / page.file("html")).is_file()
        ]
        for day, page in complete[:NIGHTS]:
            if page.audience == own_page.audience:
                yield Link("night", _relative(page.file("html"), own_page.folder(self._on)), units.write(day, "date"))


def _choices(settings: Settings) -> Choices:
    with share_store(settings):
        return preparation.load({}, settings).names.choices


def _choices_of(pages: Sequence[Planned], choices: Choices) -> Choices:
    """Those names that the pages are about: the only ones that a folder of somebody's own may tell."""
    about = {name: {id for page in pages for id in state_of(page.plan).get(name, ())} for name in choices.dimensions}
    kept = {name: tuple(choice for choice in choices.of(name) if choice.id in ids) for name, ids in about.items()}
    own = tuple(replace(cut, choices=kept.pop(cut.name)) for cut in choices.own)
    return Choices(**kept, own=own)


def _relative(path: str, folder: str) -> str:
    return os.path.relpath(path, folder).replace(os.sep, "/")


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
    new_text = re.sub(rf"{NEXT}(<a .*?</a><!--/next-->)?", lambda _match: link, text, count=1)
    if new_text != text:
        write_whole(path, new_text)
