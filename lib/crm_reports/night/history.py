"""Nights are kept for so many days, their slices for fewer, and both longer when they are the newest of their kind."""

import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, timedelta
from pathlib import Path

from ..settings import Settings
from .pages import NightReport
from .records import days, folder, nights

MAKING = ".making-*"
GONE = ".gone-"


def prune(settings: Settings, out: Path, on: date, presets: Collection[str]) -> list[date]:
    """Remove what is older than the settings say, and what a killed night or removal left; the days that went."""
    kept, history = nights(settings), settings.history
    newest = _newest(kept, presets)
    old = {day for day in days(settings) if day < on - timedelta(days=history.keep_days)} - set(newest.values())
    _drop_slices([night for night in kept if night.date < on - timedelta(days=history.keep_slices_days)], newest, out)
    for day in sorted(old):
        for path in _folders(out, str(day)):
            path.rename(path.with_name(f"{GONE}{path.name}"))  # gone for readers at once
        for path in folder(settings).glob(f"{day}*"):
            path.unlink()
    for path in [*_folders(out, f"{GONE}*"), *_folders(out, f"*/{MAKING}")]:
        shutil.rmtree(path, ignore_errors=True)
    return sorted(old)


def _newest(kept: Iterable[NightReport], presets: Collection[str]) -> dict[str, date]:
    """The day of the newest page of everything that is still asked for, by key."""
    newest: dict[str, date] = {}
    for night in kept:  # the latest first
        for page in night.pages:
            if page.state != "failed" and page.preset in presets:
                newest.setdefault(page.key, night.date)
    return newest


def _drop_slices(old: Iterable[NightReport], newest: Mapping[str, date], out: Path) -> None:
    """Remove the slices of those nights but for the newest of each; what is a whole page too stays."""
    for night in old:
        wholes = {file for page in night.pages if not page.slice for file in page.files}
        for page in night.pages:
            if page.slice and newest.get(page.key) != night.date:
                for file in {*page.files} - wholes:
                    (out / file).unlink(missing_ok=True)


def _folders(out: Path, pattern: str) -> Iterator[Path]:
    """The folders of that name in the company's folder and in every audience's."""
    for home in (out, *out.glob("for/*")):
        yield from (path for path in home.glob(pattern) if path.is_dir())
