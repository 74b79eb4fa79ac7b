"""A workspace of one's own, as somebody makes it who has the wheel alone."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import version
from pathlib import Path

import nbformat
import pytest
from typer.testing import CliRunner

from crm_reports.cli import app
from crm_reports.runs import product
from crm_reports.settings import Settings

ROOT = Path(__file__).parents[2]


def call(*words: str):
    return CliRunner().invoke(app, list(words))


def test_a_workspace_has_all_that_a_night_needs_and_what_is_there_stays(tmp_path):
    folder = tmp_path / "ours"
    folder.mkdir()
    (folder / "Makefile").write_text("mine")
    answer = call("init", str(folder))
    assert answer.exit_code == 0
    assert {path.name for path in folder.iterdir()} == {
        "reports.toml", "notebooks", "metrics", "elements", "output", ".env.example", ".gitignore", ".gitattributes",
        "environment.yml",
        "Makefile", "Dockerfile",
    }  # fmt: skip
    assert (folder / "Makefile").read_text() == "mine"
    assert "Makefile" not in answer.stdout
    assert Settings.read(folder / "reports.toml").source.kind == "demo"
    assert call("init", str(folder)).stdout == ""


def test_a_night_in_an_empty_folder_says_at_once_what_to_do(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CRM_REPORTS_CONFIG", raising=False)
    answer = call("night")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.strip() == (
        "there is no reports.toml here: `crm-reports init .` makes one, or name yours with --config FILE"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_file_where_the_workspace_should_be_is_a_sentence(tmp_path):
    (tmp_path / "ours").write_text("x")
    answer = call("init", str(tmp_path / "ours"))
    assert answer.exit_code == 2
    assert answer.stderr.strip() == "ours is a file; give a folder, or one that is still to be made"


def test_the_version_is_said_by_the_command_and_by_the_module():
    assert call("--version").stdout.strip() == version("crm-reports")
    module = subprocess.run(
        [sys.executable, "-m", "crm_reports", "--version"], capture_output=True, text=True, check=True
    )
    assert module.stdout.strip() == version("crm-reports")


@pytest.mark.skipif(not shutil.which("make") or not shutil.which("git"), reason="make or git is not installed")
def test_in_a_workspace_that_git_keeps_make_lab_sees_to_it_that_what_notebooks_showed_stays_out(tmp_path):
    call("init", str(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "store.duckdb").touch()
    (tmp_path / "jupyter").write_text("#!/bin/sh\necho began $*\n")
    (tmp_path / "jupyter").chmod(0o755)
    path = os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]])

    def done(*words: str) -> str:
        ran = subprocess.run(
            words, cwd=tmp_path, env=os.environ | {"PATH": path}, check=True, capture_output=True, text=True
        )
        return ran.stdout

    done("git", "init", "--quiet")
    assert done("make", "lab") == "began lab --expose-app-in-browser notebooks\n"
    cell = nbformat.v4.new_code_cell(
        "1", id="mine", outputs=[nbformat.v4.new_output("stream", text="42 deals of Anna")]
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "notebooks" / "mine.ipynb")
    done("git", "add", "notebooks")
    kept = done("git", "show", ":notebooks/mine.ipynb")
    assert ('"id": "mine"' in kept, "42 deals" in kept) == (True, False)


@pytest.mark.slow
def test_the_wheel_holds_every_notebook_and_the_settings_to_begin_with(tmp_path):
    # Built of a copy: setuptools leaves its notes where it works.
    copy = tmp_path / "copy"
    files = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, text=True, check=True)
    for name in filter(None, files.stdout.split("\0")):
        if name.startswith(("lib/", "notebooks/")) or "/" not in name:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            (copy / name).write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(copy)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = {name.partition("/data/")[2] for name in zipfile.ZipFile(wheel).namelist() if ".data/data/" in name}
    notebooks = {f"share/crm_reports/notebooks/{path.name}" for path in (ROOT / "notebooks").glob("*.ipynb")}
    template = {f"share/jupyter/nbconvert/templates/crm_reports/{name}" for name in ("conf.json", "index.html.j2")}
    assert inside == {
        "share/crm_reports/reports.toml", "etc/jupyter/jupyter_nbconvert_config.json", *notebooks, *template
    }  # fmt: skip
    assert not (copy / "build").exists()


def test_in_a_checkout_the_notebooks_are_its_own():
    assert product.folder() == ROOT
    assert tomllib.loads((product.folder() / "reports.toml").read_text())["source"]["kind"] == "demo"
