"""Everything that a reader may be told, collected from where it is said: what locale/ru.po has to translate."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages import Message
from babel.messages.extract import extract_from_dir

from crm_reports.metrics import METRICS

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lib" / "crm_reports"
NOTEBOOKS = ROOT / "notebooks"

KEYWORDS = {"_": None, "N_": None, "many": (1, 2)}
METHODS = [("**.py", "python"), ("**.j2", "jinja2.ext:babel_extract")]


@dataclass(frozen=True)
class Said:
    """A text of the product, and where it stands; `id` is a pair where the text counts something."""

    id: str | tuple[str, str]
    where: str

    @property
    def forms(self) -> tuple[str, ...]:
        return (self.id,) if isinstance(self.id, str) else self.id


def collected() -> dict[str | tuple[str, str], Said]:
    """Every text by its id, in the order of the places where it first stands."""
    found: dict[str | tuple[str, str], Said] = {}
    for said in (*_in_package(), *_in_docstrings(), *_in_notebooks()):
        found.setdefault(said.id, said)
    return found


def _in_package() -> Iterator[Said]:
    found = extract_from_dir(PACKAGE, method_map=METHODS, keywords=KEYWORDS, options_map={"**.j2": {"silent": "false"}})
    for file, _line, text, _comments, _context in sorted(found, key=lambda each: each[:2]):
        yield Said(text, file)


def _in_docstrings() -> Iterator[Said]:
    """What a metric means is the docstring of its definition."""
    for entry in METRICS.values():
        yield Said(entry.meaning, f"metrics, {entry.name}")


def _in_notebooks() -> Iterator[Said]:
    """A cell of prose is one text; recipes are for analysts and reach no reader."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown" and "recipes" not in cell["metadata"].get("tags", []):
                yield Said("".join(cell["source"]), f"notebooks/{path.name}")


def translations(message: Message) -> tuple[str, ...]:
    """The forms of a message's translation; one, unless the message counts something."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)
