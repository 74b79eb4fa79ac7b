"""A workspace's copies of the product's notebooks: what an upgrade changes in them is merged, and nothing of theirs is lost."""

import nbformat
import pytest
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.runs import product
from crm_reports.runs.preparation import find
from crm_reports.settings import Settings

CELLS = ("# Overview", "names = ['won', 'lost']\nshow(names)", "## Who?", "show(managers)")


def notebook(path, *cells):
    """A notebook whose cells keep their ids whatever is in them."""
    made = [
        (nbformat.v4.new_markdown_cell if text.startswith("#") else nbformat.v4.new_code_cell)(
            text, id=f"cell-{number}"
        )
        for number, text in enumerate(cells)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)


def texts(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """The copy of the product's overview in a workspace where the commands are called."""
    notebook(tmp_path / "product" / "notebooks" / "overview.ipynb", *CELLS)
    monkeypatch.setattr(product, "folder", lambda: tmp_path / "product")
    workspace = tmp_path / "ours"
    (workspace / "notebooks").mkdir(parents=True)
    (workspace / "reports.toml").write_text("")
    monkeypatch.chdir(workspace)
    assert call("copy", "overview").stdout.strip().endswith("notebooks/overview.ipynb")
    return workspace / "notebooks" / "overview.ipynb"


def call(*words):
    return CliRunner().invoke(app, ["notebooks", *words])


def upgrade(*cells):
    """Put a new version of the product in the old one's place."""
    notebook(product.folder() / "notebooks" / "overview.ipynb", *cells)


def test_a_copy_goes_before_the_product_s_and_is_not_written_over(own):
    assert find("overview", Settings.read()) == own
    notebook(own, "# Mine")
    answer = call("copy", "overview")
    assert answer.exit_code == 2
    assert answer.stderr.strip() == (
        "notebooks/overview.ipynb is there already and was left as it is; `crm-reports notebooks update` merges it"
    )
    assert texts(own) == ["# Mine"]


def test_what_the_product_changed_comes_into_the_copy_and_what_is_the_copy_s_stays(own):
    notebook(own, CELLS[0], "names = ['won', 'lost', 'mine']\nshow(names)", *CELLS[2:], "my_own(1)")
    upgrade(*CELLS[:2], "## Who brings the money?", CELLS[3])
    answer = call("update")
    assert (answer.exit_code, answer.stderr) == (0, "")
    assert answer.stdout.strip() == (
        "overview: merged with the product's; as it was before: notebooks/.base/overview.before.ipynb"
    )
    assert texts(own) == [
        CELLS[0], "names = ['won', 'lost', 'mine']\nshow(names)", "## Who brings the money?", CELLS[3], "my_own(1)",
    ]  # fmt: skip
    assert texts(own.parent / ".base" / "overview.before.ipynb")[-1] == "my_own(1)"
    assert call("update").stdout.strip() == "overview: nothing new in the product since you copied it"


def test_where_both_changed_the_same_line_both_stand_there_and_the_cell_is_said(own):
    notebook(own, CELLS[0], "names = ['won', 'mine']\nshow(names)", *CELLS[2:])
    upgrade(CELLS[0], "names = ['won', 'theirs']\nshow(names)", *CELLS[2:])
    answer = call("update", "overview")
    assert answer.exit_code == 1
    assert answer.stderr.strip() == (
        "overview, cell 2: you and the product changed the same lines; both stand there between <<<<<<< and >>>>>>>, keep one"
    )
    assert texts(own)[1].splitlines() == [
        "<<<<<<< local", "names = ['won', 'mine']", "=======", "names = ['won', 'theirs']", ">>>>>>> remote", "show(names)",
    ]  # fmt: skip


def test_a_cell_that_the_product_gave_up_and_the_copy_changed_is_not_lost(own):
    notebook(own, *CELLS[:3], "show(managers, mine)")
    upgrade(*CELLS[:3])
    answer = call("update")
    assert answer.exit_code == 1
    assert answer.stderr.startswith("overview, cell ")
    assert "show(managers, mine)" in "\n".join(texts(own))


def test_a_copy_of_which_nobody_knows_what_it_was_is_left_alone_and_the_next_upgrade_can_be_merged(own):
    (own.parent / ".base" / "overview.ipynb").unlink()
    notebook(own, *CELLS, "my_own(1)")
    assert "beside the product's of today" in call("diff").stdout
    answer = call("update")
    assert answer.stdout.startswith("overview: left as it is, for which version it was copied from was not known")
    assert texts(own) == [*CELLS, "my_own(1)"]
    upgrade("# Overview of all", *CELLS[1:])
    assert call("update").exit_code == 0
    assert texts(own) == ["# Overview of all", *CELLS[1:], "my_own(1)"]


def test_the_difference_says_who_changed_what_and_nothing_of_what_cells_showed(own):
    notebook(own, *CELLS[:3], "show(managers, mine)")
    run = nbformat.read(own, as_version=4)
    run.cells[1].update(execution_count=7, outputs=[nbformat.v4.new_output("stream", text="42 deals")])
    nbformat.write(run, own)
    upgrade("# Overview of all", *CELLS[1:])
    yours, theirs = call("diff").stdout.split("overview: what the product changed since you copied it:")
    assert yours.startswith("overview: what you changed:")
    assert ("show(managers, mine)" in yours, "Overview of all" in yours, "42 deals" in yours) == (True, False, False)
    assert ("show(managers, mine)" in theirs, "Overview of all" in theirs) == (False, True)


@pytest.mark.parametrize("command", ["copy", "diff", "update"])
def test_a_name_that_no_notebook_has_is_refused_with_the_near_ones(own, command):
    answer = call(command, "overwiev")
    assert answer.exit_code == 2
    assert answer.stderr.strip() == "there is no report 'overwiev'; near: overview"


def test_where_the_notebooks_are_the_product_s_own_there_are_no_copies(own, monkeypatch):
    monkeypatch.setattr(product, "folder", lambda: own.parents[1])
    answer = call("update")
    assert answer.exit_code == 2
    assert answer.stderr.strip() == (
        "the notebooks here are the product's own, and git merges them; "
        "copies are made in a workspace (`crm-reports init DIR`)"
    )
