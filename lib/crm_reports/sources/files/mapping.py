"""What another CRM calls files, columns and words, and what we call them: the exports that are known, and what reports.toml adds."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from ...settings import Files
from .delimited import spelling
from .layout import FILES, LAYOUTS

# Columns that FILES does not have, from which the outcome is worked out where no column says it.
SIGNS = ("is_won", "is_lost", "is_closed", "is_deleted")
DELETED = "deleted"  # an outcome of rows that the CRM itself has no more: they are left out
FEWEST = 3  # headers by which an export is known
OTHERS = "*"  # in a table of words: every other one


@dataclass(frozen=True)
class Mapping:
    """Of each file of ours: our column → the headers that mean it; of each column of ours: their word → our word."""

    title: str = ""
    columns: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    words: dict[str, dict[str, str]] = field(default_factory=dict)

    def places(self, file: str, headers: Sequence[str]) -> dict[str, list[int]]:
        """Our column → where the columns stand that mean it: what the mapping names, else what is called as ours is."""
        spellings = [spelling(header) for header in headers]
        mapped = {
            column: [place for name in dict.fromkeys(names) for place, header in enumerate(spellings) if header == name]
            for column, names in self.columns.get(file, {}).items()
        }
        taken = {place for places in mapped.values() for place in places}
        own = {
            column: [place for place, name in enumerate(spellings) if name == column and place not in taken]
            for column in (*(column.name for column in LAYOUTS[file]), *SIGNS)
        }
        return {column: places for column in own if (places := mapped.get(column) or own[column])}

    def names(self, file: str) -> set[str]:
        """Every header, as `spelling` writes it, that may stand in that file."""
        return {name for names in self.columns.get(file, {}).values() for name in names}

    def with_more(self, more: "Mapping") -> "Mapping":
        """This one, where `more` says nothing else."""
        files_of_both = {*self.columns, *more.columns}
        columns = {name: self.columns.get(name, {}) | more.columns.get(name, {}) for name in files_of_both}
        words = {name: self.words.get(name, {}) | more.words.get(name, {}) for name in {*self.words, *more.words}}
        return Mapping(self.title or more.title, columns, words)


@cache
def exports() -> tuple[Mapping, ...]:
    """The exports that are known, a file of `exports/` each."""
    return tuple(_exports())


def _exports() -> Iterator[Mapping]:
    for path in sorted((files(__package__) / "exports").iterdir(), key=lambda path: path.name):
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        columns = {
            file: {column: tuple(map(spelling, headers)) for column, headers in of_file.items()}
            for file, of_file in content["columns"].items()
        }
        yield Mapping(content["title"], columns, _folded(content["words"]))


def _folded(words: dict[str, dict[str, Any]]) -> dict[str, dict[str, str]]:
    return {column: {their.casefold(): our for their, our in of.items()} for column, of in words.items()}


def said(settings: Files) -> Mapping:
    """What reports.toml says."""
    columns: dict[str, dict[str, tuple[str, ...]]] = {}
    for file, names in settings.columns.items():
        for their, our in names.items():
            of_file = columns.setdefault(file, {})
            of_file[our] = (*of_file.get(our, ()), spelling(their))
    return Mapping("", columns, _folded(settings.words))


def known(file: str, headers: Sequence[str]) -> Mapping:
    """The export whose headers these are; one without a name where none is."""
    return max((Mapping(), *exports()), key=lambda export: _hits(export, file, headers))


def recognized(headers: Sequence[str]) -> str:
    """Which file of ours the headers are of, by the exports that are known; "" when no export has such."""
    hits = {file: max(_hits(export, file, headers) for export in exports()) for file in FILES}
    best = max(hits, key=lambda file: hits[file])
    return best if hits[best] else ""


def almost(headers: Sequence[str]) -> Mapping | None:
    """The export whose deals these would be if they had the column that tells them apart; None for any other headers."""
    best = max(exports(), key=lambda export: len(_explained(export, "deals", headers)))
    return best if len(_explained(best, "deals", headers)) > 2 * FEWEST else None


def _hits(export: Mapping, file: str, headers: Sequence[str]) -> int:
    """How many headers the export explains; 0 without those that must be there, or with too few to tell."""
    columns = _explained(export, file, headers)
    musts = {column.name for column in LAYOUTS[file] if column.must and column.name != "outcome"}
    return len(columns) if musts <= columns and len(columns) >= FEWEST else 0


def _explained(export: Mapping, file: str, headers: Sequence[str]) -> set[str]:
    """Our columns that the export knows among the headers."""
    spellings = {spelling(header) for header in headers}
    return {column for column, names in export.columns.get(file, {}).items() if spellings & {*names}}
