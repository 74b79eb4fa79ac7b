"""What is worked out of the store's tables, in SQL: sql/parts, each kept as a file; sql/views, which others look through.

A text begins with what one of its rows is, and with all that it reads: `-- needs: deals, entries`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SQL = Path(__file__).parent / "sql"
_NEEDS = re.compile(r"^-- needs: (.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A text of SQL, and the names of the tables, parts and views that it reads."""

    sql: str
    needs: tuple[str, ...]

    @classmethod
    def read(cls, path: Path) -> "Part":
        """The text of a file, below its comment."""
        _comment, names, sql = _NEEDS.split(path.read_text(encoding="utf-8"))
        return cls(sql.strip(), tuple(names.split(", ")))


def _read(folder: str) -> Mapping[str, Part]:
    return {path.stem: Part.read(path) for path in sorted((SQL / folder).glob("*.sql"))}


PARTS = _read("parts")
VIEWS = _read("views")
MACROS = (SQL / "macros.sql").read_text(encoding="utf-8")
# Of deals, to which a `where` may be added: which of their columns are filled.
FILLED = PARTS["filled"].sql
