"""The order of the rooms, who owns which library, and how long a function may be."""

import ast
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "lib" / "crm_reports"

# From the ground up: a room imports only rooms above it in this list.
ROOMS = (
    "errors", "words", "settings", "filters", "sources", "store", "metrics", "measures", "charts", "elements", "look", "runs",
    "night", "mail", "serve", "cli",
)  # fmt: skip

OWNERS = {
    "babel": {"words"},
    "pydantic_settings": {"settings"},
    "holidays": {"settings"},
    "openpyxl": {"sources"},
    "httpx": {"sources", "mail"},  # rows come by it, and messages to chats leave by it
    "duckdb": {"store", "cli"},
    "scipy": {"metrics"},
    "plotly": {"charts"},
    "itables": {"look"},
    "xlsxwriter": {"look"},
    "nbconvert": {"look", "runs"},
    "IPython": {"look", "runs"},
    "jinja2": {"look"},
    "jupyter_client": {"runs"},
    "papermill": {"runs"},
    "nbdime": {"runs"},
    "ipywidgets": {"runs"},
    "distributed": {"night"},
    "smtplib": {"mail"},
    "css_inline": {"mail"},
    "starlette": {"serve"},
    "uvicorn": {"serve"},
    "tomlkit": {"serve"},
    "argon2": {"serve"},
    "typer": {"cli"},
    "rich": {"cli"},
}

FILES = [
    path
    for path in sorted(LIBRARY.rglob("*.py"))
    if path.parent != LIBRARY or path.stem not in ("__init__", "__main__")
]
PORTAL = sorted((LIBRARY.parent / "bitrix24_demo").glob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def _room(path: Path) -> str:
    return path.relative_to(LIBRARY).with_suffix("").parts[0]


def _imports(path: Path) -> Iterator[tuple[str, ...]]:
    """What a file imports, as dotted parts; its own package's modules begin with the package's name."""
    package = path.relative_to(LIBRARY.parent).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (*base, *(node.module or "").split(".")) if node.module else base
            yield from ((*module, alias.name) for alias in node.names)


def _name(path: Path) -> str:
    return str(path.relative_to(LIBRARY))


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_room_imports_only_rooms_above_it(path):
    room = _room(path)
    assert room in ROOMS, f"{room} is not in the picture: put it into its place in ROOMS and in lib/README.md"
    above = set(ROOMS[: ROOMS.index(room) + 1])
    used = {each[1] for each in _imports(path) if each[0] == "crm_reports" and len(each) > 1}
    assert used <= above


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_library_is_imported_by_its_owner_only(path):
    used = {each[0] for each in _imports(path)}
    assert {library for library in used if _room(path) not in OWNERS.get(library, {_room(path)})} == set()


# What is said or done in one module, for all the others.
ONCE = {
    "application/vnd.crm-reports": "look/mime.py",
    "application/vnd.plotly": "look/mime.py",
    '"127.0.0.1"': "settings/parts.py",
    'SCHEMA = "': "store/engine.py",
    "os.replace(": "store/disk.py",
    "import fcntl\n": "store/locks.py",
    "jinja2 import": "look/templates.py",
}


@pytest.mark.parametrize("text", ONCE)
def test_it_is_said_in_one_module(text):
    assert [_name(path) for path in FILES if text in path.read_text(encoding="utf-8")] == [ONCE[text]]


def test_the_demo_portal_imports_nothing_of_the_product():
    assert "crm_reports" not in {each[0] for path in PORTAL for each in _imports(path)}


def _lengths() -> Iterator[tuple[str, int]]:
    """Every function's lines below its docstring."""
    for path in [*FILES, *PORTAL]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                yield f"{path.stem}: {node.name}", body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_functions_are_short():
    lengths = list(_lengths())
    assert [each for each in lengths if each[1] > 40] == []
    assert median(lines for _, lines in lengths) < 10


# Words that say what was done to a thing, or nothing at all, where a name should say what the thing is.
FILLER = re.compile(
    "asked|at|done|drawn|each|found|given|gone|held|here|kept|known|made|noted|other|said|seen|sent|shown|taken|there|"
    "told|wanted|what|which|who|whose|written"
)


def _local_names(path: Path) -> Iterator[str]:
    """The names of a file's arguments, and whatever else it gives a name to as it goes."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.arg):
            yield node.arg
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def test_of_a_hundred_names_three_at_most_do_not_say_what_a_thing_is():
    names = [name.strip("_") for path in FILES for name in _local_names(path) if name not in ("self", "cls")]
    fillers = Counter(filter(FILLER.fullmatch, names))
    assert fillers.total() <= 0.03 * len(names), fillers.most_common()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_imports_only_the_front_door(path):
    cells = json.loads(path.read_text())["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    imports = [ast.unparse(each) for each in ast.walk(ast.parse(code)) if isinstance(each, ast.Import | ast.ImportFrom)]
    assert imports == ["import crm_reports as crm"]


def test_the_top_of_the_house_has_at_most_sixteen_names_and_the_readme_lists_them():
    listed = re.findall(r"^\| `(\w+)/?` \|", (ROOT / "lib" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    names = {path.stem for path in LIBRARY.iterdir() if not path.stem.startswith("__")}
    assert len(names) <= 16
    assert listed == list(ROOMS)
    assert names == set(ROOMS)


IMPORTED = """
import sys, importlib.util
import crm_reports.runs.run, crm_reports.look.outputs, jsonschema
print("lark" in sys.modules, importlib.util.find_spec("rfc3987_syntax") is not None)
"""


def test_grammars_that_no_notebook_needs_are_not_compiled_and_stay_there_for_others():
    pytest.importorskip("rfc3987_syntax")  # jupyterlab's, which the product asks for
    ran = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "True"], ran.stderr


def test_a_command_starts_without_what_only_reports_need():
    """They are imported by the process that makes pages; in the command itself they would be waited for twice."""
    asked = "import sys, crm_reports.cli; print([name for name in ('pandas', 'numpy', 'duckdb', 'plotly', 'holidays') if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
