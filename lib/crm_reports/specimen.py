"""An invented page, made once before the real ones: what loads, compiles or looks itself up at its first use has done so.

It opens no store and runs no notebook of anybody's: all of this happens in the process that others are forked from.
"""

import logging
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

from . import page, parameters, publish, run, tables
from .errors import RunError
from .texts import LANGUAGES, speaking

log = logging.getLogger(__name__)

# Imported where they are first needed, which would be in every page.
LATER = (
    "crm_reports.cells", "crm_reports.dataset", "crm_reports.elements", "crm_reports.findings", "crm_reports.measures",
    "crm_reports.metrics", "crm_reports.store", "duckdb", "pyarrow.dataset", "pyarrow.feather",
    "scipy.stats", "statsmodels.stats.multitest", "statsmodels.stats.proportion", "statsmodels.duration.api",
    "nbformat.v4", "IPython.core.magics", "sqlite3", "xlsxwriter",
)  # fmt: skip
FRAME = """
import pandas as pd, crm_reports as crm
frame = pd.DataFrame({"manager": ["Anna", "Boris"], "won": [3, 1], "won_money": [100.0, 50.0], "win_rate": [0.75, None],
                      "created_at": pd.to_datetime(["2025-03-01", None], utc=True)})
"""
CELLS = (
    FRAME, "crm.show(frame, 'managers', finding='one')", "crm.show(crm.bars(frame, x='manager', y='won'), 'a', data=frame)",
    "crm.show(crm.scatter(frame, x='won', y='won_money'), 'b')", "frame", "print('said')",
)  # fmt: skip


def warm_up() -> None:
    """Import, compile and look up all that a page needs; what fails here costs time later, and is logged."""
    for name in LATER:
        _try(lambda name=name: import_module(name))
    for language in LANGUAGES:
        with speaking(language), redirect_stdout(StringIO()):
            _try(_specimen)


def _try(step: object) -> None:
    try:
        step()
    except Exception:
        log.warning("not warmed up", exc_info=True)


def _specimen() -> None:
    """One of everything: tables, charts, a run of cells that papermill leaves, a page and a workbook of it."""
    page.compile_templates()
    notebook = _run_once()
    publish.missing_from(publish.html(notebook, assets="assets"), notebook)
    header = {"id": "header", "kind": "header", "title": "", "rows": [], "columns": []}
    with TemporaryDirectory() as folder:
        tables.workbook([header, *run.elements_of(notebook)], Path(folder) / "specimen.xlsx")
        nbformat.write(notebook, Path(folder) / "specimen.ipynb")


def _run_once() -> nbformat.NotebookNode:
    head = nbformat.v4.new_code_cell('period: str = "last_month"  # days', metadata={"tags": ["parameters"]})
    cells = [head, nbformat.v4.new_markdown_cell("# Specimen"), *map(nbformat.v4.new_code_cell, CELLS)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": run.KERNEL})
    parameters.declared(notebook)
    plan = run.Plan("specimen", {"period": "last_week"}, {}, "specimen", notebook, "en", "", {})
    executed = run.execute_here(plan)
    if executed.error:
        raise RunError(executed.error)
    return executed.notebook
