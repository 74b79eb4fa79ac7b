"""Tables that a company keeps beside reports.toml, as CSV or a workbook: found, read, and whom their cells mean."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..errors import FilterError
from ..filters import Choices
from ..filters.choices import choose
from ..settings import Settings
from ..words.texts import _
from .files.cells import Reader, add_cells
from .files.mapping import said
from .files.problems import Problems
from .files.sheets import Sheet, sheet_of

SUFFIXES = (".csv", ".xlsx")


def path_of(name: str, settings: Settings) -> Path | None:
    """Where the company's table of that name is; None where it has none."""
    return next((path for suffix in SUFFIXES if (path := settings.home / f"{name}{suffix}").is_file()), None)


def table_of(name: str, path: Path, settings: Settings, problems: Problems) -> tuple[Sheet, pd.DataFrame]:
    """The file as it lies there, and its cells typed; one FilesError tells why it can't be read at all."""
    if both := [path.with_suffix(suffix) for suffix in SUFFIXES if path.with_suffix(suffix).is_file()][1:]:
        problems.add(_("{one} and {other} are both there; keep one", one=f"{name}{SUFFIXES[0]}", other=both[0].name))
    sheet = sheet_of(name, path, said(settings.files), settings.source.encoding, problems)
    problems.tell()
    return sheet, Reader(settings, problems).frame(sheet)


def meanings(
    sheet: Sheet, column: str, cells: pd.Series, problems: Problems, meaning: Callable[[str], str]
) -> list[str | None]:
    """What each cell means, None where `meaning` has a sentence for it instead, as a FilterError."""
    meant, sentences = [], {}
    for row, cell in enumerate(cells.fillna("")):
        try:
            meant.append(meaning(cell))
        except FilterError as error:
            meant.append(None)
            sentences[row] = str(error)
    bad = np.isin(np.arange(len(cells)), list(sentences))
    rows = iter(sentences.values())
    add_cells(problems, sheet, column, bad, lambda _cell: next(rows))
    return meant


def ids(sheet: Sheet, name: str, cells: pd.Series, choices: Choices, problems: Problems) -> list[str | None]:
    """The id of the one manager, department or pipeline (`name`) that each cell names; "" of an empty one."""

    def id_of(cell: str) -> str:
        if not cell:
            return ""
        chosen, unclear = choose(choices, name, [cell])
        if unclear or len(chosen) > 1:
            raise FilterError("; ".join(unclear) or _("{held} is several; write a line for each", held=repr(cell)))
        return chosen[0].id

    return meanings(sheet, name, cells, problems, id_of)
