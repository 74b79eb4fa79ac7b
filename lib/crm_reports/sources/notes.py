"""What happened on a day, as the company keeps it: notes.csv or notes.xlsx beside reports.toml, as rows of `dated_notes`.

A note is about one day, and about the whole company, a pipeline or a manager.
"""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pandas as pd

from ..filters import Choices
from ..settings import Settings
from ..words.texts import _
from . import beside
from .files.cells import add_cells
from .files.problems import Problems

NAME = "notes"
WHOM = ("pipeline", "manager")
MOST = 200  # characters of a note, which stands in a line


def path_of(settings: Settings) -> Path | None:
    """Where the company's notes are; None where it has none."""
    return beside.path_of(NAME, settings)


def read(path: Path, settings: Settings, choices: Choices) -> list[dict[str, Any]]:
    """The notes, people and all as ids; one FilesError tells everything that is wrong with them. The same note twice is one."""
    problems = Problems()
    sheet, frame = beside.table_of(NAME, path, settings, problems)
    too_long = frame["text"].fillna("").str.len().gt(MOST).to_numpy(bool)
    add_cells(problems, sheet, "text", too_long, lambda _cell: _("is longer than {n} characters", n=MOST))
    lines = pd.DataFrame({
        "day": frame["day"].dt.tz_convert(settings.zone).dt.strftime("%Y-%m-%d"),
        "text": frame["text"],
        **{f"{name}_id": beside.ids(sheet, name, frame[name], choices, problems) for name in WHOM},
    })  # fmt: skip
    problems.tell()
    return [{"note_id": _id(row), **row} for row in lines.drop_duplicates().to_dict("records")]


def _id(row: dict[str, str]) -> str:
    return sha256("\n".join(row.values()).encode()).hexdigest()[:16]
