"""What runs/cells takes from other libraries' insides: each name, whose it is, and up to which version."""

import ast
import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import papermill.execute
import papermill.iorw
import pytest
from ipykernel.zmqshell import ZMQInteractiveShell
from IPython.core.interactiveshell import InteractiveShell
from nbclient.client import NotebookClient
from packaging.requirements import Requirement
from packaging.version import Version
from papermill.clientwrap import PapermillNotebookClient

from crm_reports.runs import cells

# The names that their owners promise nobody: who has each, in code that is read to find it.
PRIVATE = {
    "_last_traceback": ("ipykernel", ZMQInteractiveShell),
    "_last_traceback_during_displayhook": ("ipykernel", ZMQInteractiveShell),
    "compiler_class": ("ipython", InteractiveShell),
    "_check_raise_for_error": ("nbclient", NotebookClient),
    "reset_execution_trackers": ("nbclient", NotebookClient),
    "process_message": ("nbclient", NotebookClient),
    "output": ("nbclient", NotebookClient),
    "set_widgets_metadata": ("nbclient", NotebookClient),
    "papermill_execute_cells": ("papermill", PapermillNotebookClient),
    "prepare_notebook_metadata": ("papermill", papermill.execute),
    "raise_for_execution_errors": ("papermill", papermill.execute),
    "remove_error_markers": ("papermill", papermill.execute),
    "load_notebook_node": ("papermill", papermill.iorw),
}
SOURCE = inspect.getsource(cells)


@pytest.mark.parametrize("name", PRIVATE)
def test_a_name_that_nobody_promises_is_there_and_used(name):
    _library, owner = PRIVATE[name]
    assert re.search(rf"\b{name}\b", inspect.getsource(owner))
    assert re.search(rf"\b{name}\b", SOURCE)


def test_every_name_with_an_underscore_that_is_not_its_own_is_in_the_list():
    tree = ast.parse(SOURCE)
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    own |= {target.attr for node in ast.walk(tree) if isinstance(node, ast.Assign)
            for each in node.targets for target in ast.walk(each)
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"}  # fmt: skip
    used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and re.match("_[a-z]", node.attr)}
    assert used - own == {name for name in PRIVATE if name.startswith("_")}


@pytest.mark.parametrize("library", sorted({library for library, _owner in PRIVATE.values()}))
def test_the_version_of_a_library_whose_insides_are_used_is_capped(library):
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (need,) = [Requirement(each) for each in project["dependencies"] if Requirement(each).name == library]
    (cap,) = [part.version for part in need.specifier if part.operator == "<"]
    installed = Version(version(library))
    assert installed in need.specifier
    # The next version that may change what it likes: the next minor one before 1.0 and of papermill, else the next major.
    assert Version(cap) <= (Version(f"{installed.major}.{installed.minor + 1}")
                            if library in ("nbclient", "papermill") else Version(f"{installed.major + 1}"))  # fmt: skip
