"""Nights are kept for so many days, and longer when they hold the newest page of a report."""

import shutil
from collections.abc import Collection, Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from ..settings import Settings
from .pages import NightReport
from .records import days, folder, nights

MAKING = ".making-*"
GONE = ".gone-"


def prune(settings: Settings, out: Path, on: date, presets: Collection[str]) -> list[date]:
    """Remove what is older than the settings say, and what a killed night or removal left; the days that went."""
    first = on - timedelta(days=settings.history.keep_days)
    old = {day for day in days(settings) if day < first} - _newest(nights(settings), presets)
    for day in sorted(old):
        for path in _folders(out, str(day)):
            path.rename(path.with_name(f"{GONE}{path.name}"))  # gone for readers at once
        for path in folder(settings).glob(f"{day}*"):
            path.unlink()
    for path in [*_folders(out, f"{GONE}*"), *_folders(out, f"*/{MAKING}")]:
        shutil.rmtree(path, ignore_errors=True)
    return sorted(old)


def _newest(kept: Iterable[NightReport], presets: Collection[str]) -> set[date]:
    """The days whose night holds the newest page of something that is still asked for."""
    newest: dict[str, date] = {}
    for night in kept:  # the latest first
        for page in night.pages:
            if page.state != "failed" and page.preset in presets:
                newest.setdefault(page.key, night.date)
    return set(newest.values())


def _folders(out: Path, pattern: str) -> Iterator[Path]:
    """The folders of that name in the company's folder and in every audience's."""
    for home in (out, *out.glob("for/*")):
        yield from (path for path in home.glob(pattern) if path.is_dir())
