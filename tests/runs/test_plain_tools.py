"""papermill and nbval as they come, on a copied notebook in a folder that knows nothing of it."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from crm_reports.look.mime import ELEMENT
from notebooks import WHOLE, write
from stores import at, deal, make_store, moves

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
PASSED = ["-p", "period", "2025-03", "-r", "as_of", "2025-04-01", "-y"]
STABLE = "nbval-ignore-output"  # of a cell that is not


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_nbval_compares_every_cell_but_the_header_which_says_when_it_was_made(path):
    tagged = [
        cell.source for cell in nbformat.read(path, as_version=4).cells if STABLE in cell.metadata.get("tags", ())
    ]
    assert tagged == [f'crm.header(ds, report="{path.stem}")']


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder with a report of two deals won in March, 100 of Anna's and 250 of Boris's, as papermill's command left it."""
    home, folder = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    (home / "reports.toml").write_text('time_zone = "UTC"')
    won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00")}
    made = [deal(1, "2025-03-02 10:00", **won), deal(2, "2025-03-03 10:00", **won, manager_id="2", amount=250.0)]
    path = ("2025-03-02 10:00", "NEW"), ("2025-03-20 10:00", "WON")
    make_store(home / "data", deals=made, stage_history=[*moves(1, *path), *moves(2, *path)])
    notebook = nbformat.read(write(folder / "mine.ipynb", *WHOLE), as_version=4)
    next(cell for cell in notebook.cells if "crm.header" in cell.source).metadata["tags"] = [STABLE]
    nbformat.write(notebook, folder / "mine.ipynb")
    (folder / "more.yaml").write_text("forgotten_after: 7\n")
    known = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}

    def call(*words):
        environment = known | {"CRM_REPORTS_CONFIG": str(home / "reports.toml")}
        return subprocess.run(
            [sys.executable, "-m", *words], cwd=folder, env=environment, check=False, capture_output=True, text=True
        )

    made = call("papermill", "mine.ipynb", "out.ipynb", *PASSED, '{"manager": ["Boris"]}', "-f", "more.yaml")
    assert made.returncode == 0, made.stderr
    return folder, call


def test_papermill_takes_parameters_in_all_its_ways_from_any_folder(elsewhere):
    folder, _call = elsewhere
    notebook = nbformat.read(folder / "out.ipynb", as_version=4)
    assert notebook.metadata.papermill.parameters == {
        "period": "2025-03", "as_of": "2025-04-01", "manager": ["Boris"], "forgotten_after": 7,
    }  # fmt: skip
    shown = [output.data[ELEMENT] for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [choice["name"] for choice in shown[0]["filters"]["manager"]] == ["Boris"]
    assert [row["won_money"] for row in shown[1]["rows"]] == [250, 250]  # his, and the total of the page


def test_nbval_finds_the_cell_whose_numbers_are_others_and_no_other(elsewhere):
    folder, call = elsewhere
    notebook = nbformat.read(folder / "out.ipynb", as_version=4)
    shown = notebook.cells[-1].outputs[0].data
    shown[ELEMENT]["rows"][0]["won_money"] = 249
    nbformat.write(notebook, folder / "other.ipynb")
    whole = call("pytest", "--nbval", "other.ipynb", "-q", "--color=no", "-p", "no:cacheprovider")
    failed = [line.strip("_ ") for line in whole.stdout.splitlines() if line.startswith("____")]
    assert failed == [f"other.ipynb::Cell {len(notebook.cells) - 3}"], whole.stdout
