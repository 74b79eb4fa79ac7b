"""The last thirty nights' facts and results, a file for each; what is damaged is set aside, said, and begun anew."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from ...settings import Settings
from ...store.checked import Result, file_of, folder
from ...store.disk import seal, set_aside, unseal, write_whole
from ...words.texts import _
from .facts import Facts

log = logging.getLogger(__name__)

NIGHTS = 30
DAYS = timedelta(days=35)  # whose rows by day are kept with a night


@dataclass(frozen=True)
class Night:
    """What is kept of a night: its facts, what its checks found, and which of them somebody accepted."""

    facts: Facts
    results: tuple[Result, ...]
    accepted: tuple[str, ...] = ()

    @property
    def synced_at(self) -> datetime:
        return self.facts.synced_at

    def result(self, name: str) -> Result | None:
        return next((result for result in self.results if result.name == name), None)


_NIGHT = TypeAdapter(Night)


def nights(settings: Settings) -> tuple[list[Night], list[str]]:
    """All that are kept, the latest first, and a sentence for each that was damaged and is set aside."""
    found, sentences = [], []
    for path in sorted(folder(settings.data).glob("*.json"), reverse=True):
        if night := _read(path):
            found.append(night)
        else:
            words = {"name": path.name, "aside": set_aside(path).name}
            sentences.append(_("what the checks kept of a night, {name}, was damaged and is kept as {aside}", **words))
    return found, sentences


def _read(path: Path) -> Night | None:
    try:
        return _NIGHT.validate_json(unseal(path.read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        log.warning("%s is damaged (%s)", path, type(error).__name__)
        return None


def keep(night: Night, settings: Settings) -> None:
    """The night in its place, and the oldest gone: of each day the last sync stays, of thirty days."""
    since = night.facts.on - DAYS
    days = {name: {day: n for day, n in days.items() if day >= since} for name, days in night.facts.days.items()}
    short = replace(night, facts=replace(night.facts, days=days))
    path = file_of(settings.data, night.synced_at)
    write_whole(path, seal(_NIGHT.dump_json(short).decode()), is_private=True)


def prune(kept: Sequence[Night], settings: Settings) -> None:
    """Removes all but the last sync of each of the last thirty days, and all of the latest day."""
    last_of_day = {night.facts.on: night.synced_at for night in sorted(kept, key=lambda night: night.synced_at)}
    days = sorted(last_of_day, reverse=True)
    stays = {last_of_day[day] for day in days[:NIGHTS]}
    for night in kept:
        if night.synced_at not in stays and night.facts.on != days[0]:
            file_of(settings.data, night.synced_at).unlink(missing_ok=True)
