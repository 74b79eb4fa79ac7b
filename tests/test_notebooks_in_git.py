"""Notebooks in git: in nbformat's own form, without outputs, and as they were after somebody has run and saved them."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from crm_reports.cli.new import new
from crm_reports.settings import Settings

ROOT = Path(__file__).parents[1]
NOTEBOOKS = [*sorted((ROOT / "notebooks").glob("*.ipynb")), ROOT / "docs" / "audit.ipynb"]
# What JupyterLab notes down of its kernel when a notebook is run there.
NOTED = {
    "codemirror_mode": {"name": "ipython", "version": 3}, "file_extension": ".py", "mimetype": "text/x-python", "name": "python",
    "nbconvert_exporter": "python", "pygments_lexer": "ipython3", "version": "3.12.1",
}  # fmt: skip


def saved(path: Path) -> str:
    """The notebook read and written again, as JupyterLab does."""
    return nbformat.writes(nbformat.read(path, as_version=4)) + "\n"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_that_is_opened_and_saved_is_as_it_was(path):
    assert saved(path) == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_in_git_holds_nothing_that_was_shown(path):
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.id for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


def test_a_new_report_that_is_opened_and_saved_is_as_it_was(tmp_path):
    (tmp_path / "reports.toml").write_text("")
    path = new("report", "mine", Settings.read(tmp_path / "reports.toml"))
    assert saved(path) == path.read_text(encoding="utf-8")


def executed(path: Path) -> None:
    """Leave the notebook as JupyterLab does after Run All and a save; papermill leaves something of its own."""
    notebook = nbformat.read(path, as_version=4)
    for number, cell in enumerate(cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.execution_count = number + 1
        cell.outputs = [nbformat.v4.new_output("stream", text="42 deals of Anna")]
        cell.metadata["papermill"] = {"duration": 1.5}
    notebook.metadata |= {"language_info": NOTED, "papermill": {"duration": 30}}
    nbformat.write(notebook, path)


@pytest.mark.skipif(not shutil.which("make") or not shutil.which("git"), reason="make or git is not installed")
def test_a_notebook_that_was_run_and_saved_goes_into_git_as_it_came_and_without_make_it_can_be_added_too(tmp_path):
    def git(*words: str) -> bytes:
        return subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True).stdout

    git("init", "--quiet")
    for name in ("Makefile", ".gitattributes", "notebooks/overview.ipynb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    executed(tmp_path / "notebooks" / "overview.ipynb")
    made = subprocess.run(
        ["make", "filter", f"BIN={Path(sys.executable).parent}"], cwd=tmp_path, check=True, capture_output=True
    )
    assert (made.stdout, made.stderr) == (b"", b"")
    git("add", "notebooks/overview.ipynb")
    assert git("show", ":notebooks/overview.ipynb") == (ROOT / "notebooks" / "overview.ipynb").read_bytes()
    subprocess.run(["make", "filter", "BIN=gone"], cwd=tmp_path, check=True)
    git("-c", "core.checkStat=minimal", "add", "--renormalize", "notebooks/overview.ipynb")
    assert b"42 deals of Anna" in git("show", ":notebooks/overview.ipynb")
