"""Everything that a reader may be told, collected from where it is said: what locale/ru.po has to translate."""

import ast
import json
from collections.abc import Iterator
from io import BufferedIOBase
from pathlib import Path

from babel.messages import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from crm_reports.metrics import METRICS
from crm_reports.metrics.origins import origins

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "lib" / "crm_reports"
NOTEBOOKS = ROOT / "notebooks"
RUSSIAN = PACKAGE / "words" / "locale" / "ru.po"

Id = str | tuple[str, str]  # a pair where the text counts something

MARKS = {"_": None, "N_": None, "many": (1, 2)}


def collected() -> dict[Id, list[str]]:
    """Every text of the product, and the files that say it, in their order."""
    found: dict[Id, list[str]] = {}
    for text, where in (*_in_package(), *_in_docstrings(), *_in_fields(), *_in_notebooks()):
        places = found.setdefault(text, [])
        if where not in places:
            places.append(where)
    return found


def russian() -> Catalog:
    """The Russian catalogue as it is kept."""
    return read_po(RUSSIAN.read_bytes().splitlines(), locale="ru", abort_invalid=True)


def forms(text: Id) -> tuple[str, ...]:
    """A text's forms, in English or in translation; one, unless it counts something."""
    return (text,) if isinstance(text, str) else tuple(text)


def translations(messages: Catalog) -> dict[Id, Message]:
    """The messages without the catalogue's own head."""
    return {message.id: message for message in messages if message.id}


def _in_package() -> Iterator[tuple[Id, str]]:
    methods = [("**.py", python_calls), ("**.j2", "jinja2.ext.babel_extract")]
    found = extract_from_dir(PACKAGE, methods, keywords=MARKS)
    for file, _line, text, _comments, _context in sorted(found, key=lambda each: each[:2]):
        yield text, file


def python_calls(file: BufferedIOBase, keywords: object, comments: object, options: object) -> Iterator[tuple]:
    """What Babel wants of an extractor. Its own one sees no call inside an f-string on Python 3.11."""
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.Call) and (name := _called(node.func)) in MARKS:
            texts = [arg.value if isinstance(arg, ast.Constant) else None for arg in node.args]
            if texts and isinstance(texts[0], str):  # `_(title)` says what is marked elsewhere
                yield node.lineno, name, (*texts, None), []


def _called(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _in_docstrings() -> Iterator[tuple[str, str]]:
    """A metric's definition says in its docstring what the number means."""
    for entry in METRICS.values():
        yield entry.meaning, f"metrics/{entry.compute.__module__.rpartition('.')[2]}.py"


def _in_fields() -> Iterator[tuple[str, str]]:
    """The wiki says what the columns mean that a metric comes from."""
    for meaning in {origin.meaning for entry in METRICS.values() for origin in origins(entry)}:
        yield meaning, "fields.py"


def _in_notebooks() -> Iterator[tuple[str, str]]:
    """A cell of prose is one text; recipes are for analysts and reach no reader."""
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown" and "recipes" not in cell["metadata"].get("tags", []):
                yield "".join(cell["source"]), f"notebooks/{path.name}"
