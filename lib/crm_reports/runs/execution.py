"""A planned notebook → what its cells showed, up to the end or to an error, which is said in words.

In a kernel of its own, or in the process that asks.
"""

from .. import look  # noqa: F401  # before papermill and nbclient: it imports nbformat the quick way

# isort: split
import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
import papermill
from nbclient.exceptions import CellTimeoutError
from papermill.exceptions import PapermillExecutionError

from .. import errors
from ..errors import ReportError
from ..settings import Settings
from ..store.locks import Workroom
from ..words.texts import _
from . import cells
from .kernels import kernel_class
from .preparation import KERNEL, Plan
from .surroundings import TOO_LONG, TOO_MUCH_MEMORY, environment

log = logging.getLogger(__name__)
for _library in ("papermill", "traitlets"):
    if logging.getLogger(_library).level == logging.NOTSET:
        logging.getLogger(_library).setLevel(logging.INFO)  # at DEBUG they write down all that a notebook shows


@dataclass(frozen=True)
class Executed:
    """A notebook that a kernel went through, to its end or to an error."""

    plan: Plan
    started_at: datetime
    notebook: nbformat.NotebookNode | None
    error: str = ""


def execute(plan: Plan, *, settings: Settings) -> Executed:
    """The notebook as papermill leaves it, run in a kernel of its own that sees this store and no secret."""
    limits = settings.limits
    beside = {"PYTHONPATH": os.pathsep.join(filter(None, [plan.folder, os.environ.get("PYTHONPATH", "")]))}
    with kernel_class(environment(settings) | beside, limits.page_memory) as kernels:
        return _executed(
            plan, engine_name=cells.KERNEL, kernels=kernels, most=limits.page_output, seconds=limits.page_seconds
        )


def execute_here(plan: Plan, most: int = sys.maxsize) -> Executed:
    """The same, run in this very process, which should have been made for it (`warm`) and may not outlive it.

    Its cells may show `most` characters.
    """
    started_at = datetime.now(UTC)
    try:
        with _beside_notebook(plan):
            notebook, failed = cells.executed(plan.notebook, plan.injected, KERNEL["name"], most)
    except Exception as error:  # ours to mend
        return Executed(plan, started_at, None, in_words(error))
    return Executed(plan, started_at, notebook, _failure(failed, notebook) if failed else "")


@contextmanager
def _beside_notebook(plan: Plan) -> Iterator[None]:
    """While it lasts, what lies beside the notebook can be imported, as in JupyterLab."""
    before = list(sys.path)
    sys.path[:0] = [plan.folder] if plan.folder else []
    try:
        yield
    finally:
        sys.path[:] = before


def _executed(plan: Plan, **engine: Any) -> Executed:
    started_at = datetime.now(UTC)
    with Workroom() as room:
        path = room.path / "executed.ipynb"
        try:
            return Executed(plan, started_at, _papermill(plan, path, engine))
        except PapermillExecutionError as failed:
            error = _failure(failed, nbformat.read(path, as_version=4))
        except Exception as failed:  # a kernel that died, hung or never came up; papermill writes no notebook then
            error = in_words(failed)
        return Executed(plan, started_at, nbformat.read(path, as_version=4) if path.exists() else None, error)


def in_words(error: BaseException) -> str:
    """What went wrong, for the reader: an error of ours in its own words, any other with its kind."""
    try:
        text = str(error).strip()
    except Exception:  # whoever wrote that class; what it is called is left
        text = ""
    if isinstance(error, ReportError):
        return without_secrets(text)
    if isinstance(error, MemoryError):
        return _(TOO_MUCH_MEMORY)
    if isinstance(error, CellTimeoutError):
        return _(TOO_LONG)
    kind = type(error).__name__
    return without_secrets(f"{kind}: {text.splitlines()[0]}" if text else kind)


def logged(error: BaseException) -> str:
    """The same; an error that is not ours goes into the log too, for it is ours to mend."""
    if not isinstance(error, ReportError):
        log.error("%s", in_words(error), exc_info=error)
    return in_words(error)


def _papermill(plan: Plan, path: Path, engine: Mapping[str, Any]) -> nbformat.NotebookNode:
    return papermill.execute_notebook(
        plan.notebook,
        str(path).replace("{", "{{").replace("}", "}}"),  # papermill fills {names} in paths
        parameters=plan.injected,
        kernel_name=KERNEL["name"],
        progress_bar=False,
        request_save_on_cell_execute=False,
        autosave_cell_every=0,
        **engine,
    )


def _failure(failed: PapermillExecutionError, notebook: nbformat.NotebookNode) -> str:
    """The reader's view of an error: under which question of the report, and what was wrong."""
    text = (failed.evalue or "").strip().splitlines() or [""]
    ours = failed.ename in vars(errors)
    words = "; ".join(text) if ours else f"{failed.ename}: {text[0]}".rstrip(": ")
    if failed.ename.endswith("MemoryError"):
        words = _(TOO_MUCH_MEMORY)
    question = _question_above(notebook, failed.exec_count)
    return without_secrets((f"{question}: {words}" if question else words) + _place(failed))


def _place(failed: PapermillExecutionError) -> str:
    """Which cell, by the number that it has in JupyterLab, and which line of it; "" where the traceback has no such."""
    plain = re.sub(r"\x1b\[[\d;]*m", "", "\n".join(failed.traceback or ()))
    lines = re.findall(rf"Cell In\[{failed.exec_count}\], line (\d+)", plain)
    return " " + _("(cell [{n}], line {line})", n=failed.exec_count, line=lines[0]) if lines else ""


def _question_above(notebook: nbformat.NotebookNode, count: int | None) -> str:
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count == count:
            break
        if cell.cell_type == "markdown" and (match := re.search(r"^#+\s+(.+)$", cell.source, re.MULTILINE)):
            heading = match[1].strip()
    return heading


def without_secrets(text: str) -> str:
    """The text with every address and folder gone: a webhook is a secret, and pages tell nothing about a machine."""
    text = re.sub(r"https?://\S+", "…", text)
    return re.sub(r"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:[^\s'\"/\\]+[/\\])+", "…/", text)
