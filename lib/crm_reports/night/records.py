"""The nights that were made, kept beside the store: a record each, and of the one under way a journal of its pages.

Whatever stands in them is read with suspicion: what is damaged counts as not there, and the next night sets it aside.
"""

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from pydantic import TypeAdapter

from ..settings import Settings
from ..store.disk import append, seal, set_aside, unseal, write_whole
from ..words.texts import _
from .pages import NightReport, Page, day_of

log = logging.getLogger(__name__)

_NIGHT, _PAGE = TypeAdapter(NightReport), TypeAdapter(Page)


def folder(settings: Settings) -> Path:
    """Where the nights are kept: beside the store, never among what is published."""
    return settings.data / "nights"


def nights(settings: Settings) -> list[NightReport]:
    """All nights that were kept, the latest first."""
    read = [_night(path) for path in folder(settings).glob("*.json")]
    return sorted(filter(None, read), key=lambda report: report.started_at, reverse=True)


def _night(path: Path) -> NightReport | None:
    """The record, None when it is damaged."""
    try:
        report = _NIGHT.validate_json(unseal(path.read_text(encoding="utf-8")))
        is_of_that_name = path.name.startswith(str(report.date)) and report.started_at.tzinfo is not None
        if not is_of_that_name or not all(day_of(page.newest) for page in report.pages if page.newest):
            raise ValueError("it is of another night, or its pages are of none")
    except (ValueError, OSError) as error:
        log.warning("%s is damaged (%s)", path, type(error).__name__)
        return None
    return report


def keep(report: NightReport, settings: Settings) -> None:
    """A night made again takes its own place; one without a sync leaves that day's pages known."""
    in_vain = folder(settings) / f"{report.date}-in-vain.json"
    path = in_vain if report.problem else folder(settings) / f"{report.date}.json"
    write_whole(path, seal(_NIGHT.dump_json(report, indent=1).decode()), is_private=True)
    if not report.problem:
        for stale in (in_vain, _journal(settings, report.date)):
            stale.unlink(missing_ok=True)


def days(settings: Settings) -> set[date]:
    """The days of all that is kept, also of nights that were killed and of records that are damaged."""
    dates = set()
    for path in folder(settings).glob("????-??-??*"):
        try:
            dates.add(date.fromisoformat(path.name[:10]))
        except ValueError:
            log.warning("%s is no night", path)
    return dates


# ── The journal ──────────────────────────────────────────────────────────────────────────────────────────────────────


def note(page: Page, settings: Settings, on: date) -> None:
    """Write down at once that a page is finished: a night that is killed goes on from there."""
    append(_journal(settings, on), seal(_PAGE.dump_json(page).decode()))


def noted(settings: Settings, on: date) -> dict[str, Page]:
    """By key, the pages that a night of this date finished before it was killed."""
    return {page.key: page for page in map(_page, _lines(_journal(settings, on))) if page}


def _journal(settings: Settings, on: date) -> Path:
    return folder(settings) / f"{on}.journal"


def _lines(path: Path) -> list[str]:
    # Not splitlines(): a name may hold a character that it takes for the end of a line.
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    return [line for line in text.split("\n") if line]


def _page(line: str) -> Page | None:
    try:
        return _PAGE.validate_json(unseal(line))
    except ValueError:
        return None


# ── What is damaged ──────────────────────────────────────────────────────────────────────────────────────────────────


def damaged(settings: Settings) -> list[date]:
    """The days whose records can't be read."""
    return [date.fromisoformat(path.name[:10]) for path in _damaged_files(settings)]


def _damaged_files(settings: Settings) -> Iterator[Path]:
    return (path for path in sorted(folder(settings).glob("????-??-??*.json")) if _night(path) is None)


def mend(settings: Settings) -> list[str]:
    """Set aside what is damaged, and say so."""
    sentences = [
        _("the record {name} of a night was damaged and is kept as {aside}: the index lacks the links to its pages",
          name=path.name, aside=set_aside(path).name)
        for path in _damaged_files(settings)
    ]  # fmt: skip
    return [*sentences, *(text for path in sorted(folder(settings).glob("*.journal")) if (text := _mend(path)))]


def _mend(journal: Path) -> str:
    """What was wrong with a journal, which is whole afterwards; "" when a kill has cut its last line short at most."""
    lines = _lines(journal)
    whole = [line for line in lines if _page(line)]
    if whole == lines:
        return ""
    is_cut_short = whole == lines[:-1] and not journal.read_bytes().endswith(b"\n")
    aside = "" if is_cut_short else set_aside(journal).name
    write_whole(journal, "".join(f"{line}\n" for line in whole), is_private=True)
    if is_cut_short:
        return ""
    return _(
        "the journal {name} of a night was damaged and is kept as {aside}: pages that it can't tell of are made again",
        name=journal.name, aside=aside,
    )  # fmt: skip
