"""What the checks of a sync's data found, as it is kept beside the store: a file for each sync, read with suspicion."""

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ..words.texts import _
from .disk import unseal

log = logging.getLogger(__name__)

State = Literal["ok", "warn", "error", "new", "off"]


@dataclass(frozen=True)
class Result:
    """One check of one sync: `new` is without enough past to judge by; `title` is English, for the catalogue of any reader."""

    name: str
    title: str
    state: State
    value: float | None
    limit: float
    level: str
    text: str = ""

    @property
    def heading(self) -> str:
        """Its title in the reader's language."""
        return _(self.title)

    @property
    def outcome(self) -> str:
        """How it ended, in a word or two of the reader's language."""
        words = {
            "ok": _("ok"), "warn": _("warned"), "error": _("stopped"), "new": _("nothing to compare with yet"), "off": _("off"),
        }  # fmt: skip
        return words[self.state]


def folder(data: Path) -> Path:
    """Where they are: beside the store, never among what is published."""
    return data / "checks"


def file_of(data: Path, synced_at: datetime) -> Path:
    """The file of that sync."""
    return folder(data) / f"{synced_at.astimezone(UTC):%Y-%m-%dT%H%M%S.%f}.json"


def results(data: Path, synced_at: datetime) -> tuple[Result, ...]:
    """What the checks of that sync found; none where it was not checked, or what was kept of it is damaged."""
    path = file_of(data, synced_at)
    try:
        rows = json.loads(unseal(path.read_text(encoding="utf-8")))["results"]
        return tuple(Result(**row) for row in rows)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s is damaged (%s)", path, type(error).__name__)
        return ()
