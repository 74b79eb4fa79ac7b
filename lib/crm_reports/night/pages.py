"""What became of a night: a record per page, written down as it happens and kept beside the store."""

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ..publish import REPORTS
from ..settings import Settings
from ..texts import _


@dataclass(frozen=True)
class Page:
    """One page of one night. `files` are named relative to the published folder; `key` is the same every night.

    `slice` is None for the whole, else {"dimension", "id", "name"}; `audience` is "" or the folder under for/ that it is
    in; `made_of` is a hash of all that went in; `last_good` is the newest page of that key that came out.
    """

    name: str
    report: str
    state: str
    error: str = ""
    headline: str = ""
    about: str = ""
    seconds: float = 0.0
    files: tuple[str, ...] = ()
    last_good: str = ""
    preset: str = ""
    slice: Mapping[str, str] | None = None
    audience: str = ""
    key: str = ""
    made_of: str = ""
    proof: str = ""

    @property
    def title(self) -> str:
        return _(REPORTS[self.report]) if self.report in REPORTS else self.report

    @property
    def slice_name(self) -> str:
        return self.slice["name"] if self.slice else ""

    def file(self, suffix: str) -> str:
        """The file of that kind, "" if there is none."""
        return next((each for each in self.files if each.endswith(f".{suffix}")), "")

    @property
    def newest(self) -> str:
        """The page itself, else the last one that came out; "" if there never was one."""
        return self.file("html") or self.last_good


SUFFIXES = ("ipynb", "html", "xlsx", "json")


def day_of(path: str) -> date:
    """The night that a published page belongs to: its folder's name."""
    return date.fromisoformat(PurePosixPath(path).parent.name)


def home_of(audience: str) -> str:
    """The audience's folder, relative to the published one."""
    return f"for/{audience}" if audience else "."


@dataclass(frozen=True)
class NightReport:
    """One night: what came out, what failed, and where the index is. `problem` is why nothing ran at all."""

    date: date
    started_at: datetime
    finished_at: datetime
    pages: tuple[Page, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Page, ...]:
        return tuple(page for page in self.pages if page.state == "failed")

    @property
    def is_whole(self) -> bool:
        return not self.problem and not self.failed

    def page(self, key: str) -> Page | None:
        return next((page for page in self.pages if page.key == key), None)


# ── Kept ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def folder(settings: Settings) -> Path:
    """Where the nights are kept: beside the store, never among what is published."""
    return settings.data / "nights"


def nights(settings: Settings) -> list[NightReport]:
    """All nights that were kept, the latest first."""
    read = [_night(json.loads(path.read_text(encoding="utf-8"))) for path in folder(settings).glob("*.json")]
    return sorted(read, key=lambda report: report.started_at, reverse=True)


def keep(report: NightReport, settings: Settings) -> None:
    """A night made again takes its own place; one without a sync leaves that day's pages known."""
    in_vain = folder(settings) / f"{report.date}-in-vain.json"
    in_vain.unlink(missing_ok=True)
    path = in_vain if report.problem else folder(settings) / f"{report.date}.json"
    write_whole(path, json.dumps(asdict(report), default=str, ensure_ascii=False, indent=1))
    if not report.problem:
        _journal(settings, report.date).unlink(missing_ok=True)


def write_whole(path: Path, text: str) -> None:
    """The text at `path`, all of it or what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    making = path.with_name(f".{path.name}.{os.getpid()}")
    making.write_text(text, encoding="utf-8")
    os.replace(making, path)


def note(page: Page, settings: Settings, on: date) -> None:
    """Write down at once that a page is finished: a night that is killed goes on from there."""
    path = _journal(settings, on)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as journal:
        journal.write(json.dumps(asdict(page), ensure_ascii=False) + "\n")


def noted(settings: Settings, on: date) -> dict[str, Page]:
    """By key, the pages that a night of this date finished before it was killed."""
    path = _journal(settings, on)
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else ()
    return {page.key: page for page in _whole_lines(lines)}


def _whole_lines(lines: Iterable[str]) -> Iterable[Page]:
    for line in lines:
        try:
            yield _page(json.loads(line))
        except ValueError:  # the last one, which the kill cut short
            continue


def _journal(settings: Settings, on: date) -> Path:
    return folder(settings) / f"{on}.journal"


def _night(kept: Mapping[str, Any]) -> NightReport:
    times = {key: datetime.fromisoformat(kept[key]) for key in ("started_at", "finished_at")}
    pages = tuple(_page(each) for each in kept["pages"])
    on, notes = date.fromisoformat(kept["date"]), tuple(kept.get("notes", ()))
    return NightReport(on, **times, pages=pages, problem=kept["problem"], notes=notes)


def _page(kept: Mapping[str, Any]) -> Page:
    known = {each.name for each in fields(Page)}
    return Page(**{name: value for name, value in kept.items() if name in known} | {"files": tuple(kept["files"])})
