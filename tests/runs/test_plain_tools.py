"""papermill and nbval as they come; papermill on a copied notebook in a folder that knows nothing of it.

`pytest --nbval-lax notebooks/` takes half a minute of a processor, so it is run by hand.
"""

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


def test_papermill_takes_parameters_in_all_its_ways_from_any_folder(tmp_path):
    """A report of two deals won in March, 100 of Anna's and 250 of Boris's."""
    home, folder = tmp_path / "home", tmp_path / "elsewhere"
    won = {"stage_id": "WON", "outcome": "won", "closed_at": at("2025-03-20 10:00")}
    made = [deal(1, "2025-03-02 10:00", **won), deal(2, "2025-03-03 10:00", **won, manager_id="2", amount=250.0)]
    path = ("2025-03-02 10:00", "NEW"), ("2025-03-20 10:00", "WON")
    make_store(home / "data", deals=made, stage_history=[*moves(1, *path), *moves(2, *path)])
    (home / "reports.toml").write_text('time_zone = "UTC"')
    write(folder / "mine.ipynb", *WHOLE)
    (folder / "more.yaml").write_text("forgotten_after: 7\n")
    words = ["mine.ipynb", "out.ipynb", *PASSED, '{"manager": ["Boris"]}', "-f", "more.yaml"]
    done = subprocess.run(
        [sys.executable, "-m", "papermill", *words], cwd=folder, check=False, capture_output=True, text=True,
        env=os.environ | {"CRM_REPORTS_CONFIG": str(home / "reports.toml")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    notebook = nbformat.read(folder / "out.ipynb", as_version=4)
    assert notebook.metadata.papermill.parameters == {
        "period": "2025-03", "as_of": "2025-04-01", "manager": ["Boris"], "forgotten_after": 7,
    }  # fmt: skip
    shown = [output.data[ELEMENT] for cell in notebook.cells for output in cell.get("outputs", ())]
    assert [choice["name"] for choice in shown[0]["filters"]["manager"]] == ["Boris"]
    assert [row["won_money"] for row in shown[1]["rows"]] == [250, 250]  # his, and the total of the page
