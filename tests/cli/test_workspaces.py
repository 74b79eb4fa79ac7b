"""The nights of many workspaces, side by side: one that breaks costs the others nothing, and nobody sees another's."""

import sys

import pytest
from typer.testing import CliRunner

from crm_reports.cli import app, workspaces

# A night that publishes which folder it stands in and which of our variables it was told, and ends as reports.toml says.
SHORT = """
import os, pathlib, sys
pathlib.Path("output").mkdir(exist_ok=True)
pathlib.Path("output/index.html").write_text(f"{pathlib.Path.cwd().name} {[n for n in os.environ if n.startswith('CRM_REPORTS_')]}")
print("told", *sys.argv[1:], file=sys.stderr)
sys.exit(int(pathlib.Path("reports.toml").read_text()))
"""


def call(*words: str):
    return CliRunner().invoke(app, ["night", *words])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(workspaces, "NIGHT", (sys.executable, "-c", SHORT))
    for name, code in {"east": 0, "north": 1, "south": 2, "west": 0}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "reports.toml").write_text(str(code))
    (tmp_path / "no workspace").mkdir()
    return tmp_path


def test_a_broken_workspace_leaves_the_others_untouched_and_one_summary_says_how_each_ended(folder):
    answer = call("--workspaces", str(folder), "--jobs", "6", "--no-mail")
    assert answer.exit_code == 1
    assert answer.stdout.splitlines() == [str(folder / name / "output" / "index.html") for name in ("east", "west")]
    lines = answer.stderr.splitlines()
    assert sorted(lines[:4]) == [
        f"{name}: told --timeout=0.0 --scheduler= --no-mail --jobs 1" for name in ("east", "north", "south", "west")
    ]
    assert lines[4:] == [
        "east: every page came out, every mail was accepted",
        f"north: something did not come out: {folder / 'north' / 'output' / 'night.html'} says what",
        "south: nothing was begun",
        "west: every page came out, every mail was accepted",
        "2 of 4 workspaces are whole",
    ]


def test_each_workspace_stands_in_its_own_folder_and_knows_no_secret_of_whoever_starts_them_all(folder, monkeypatch):
    monkeypatch.setenv("CRM_REPORTS_WEBHOOK", "https://one.example/rest/1/secret/")
    monkeypatch.setenv("CRM_REPORTS_DATA", str(folder / "east" / "data"))
    call("--workspaces", str(folder))
    pages = {path.parent.parent.name: path.read_text() for path in folder.glob("*/output/index.html")}
    assert pages == {name: f"{name} []" for name in ("east", "north", "south", "west")}


def test_a_workspace_that_two_names_lead_to_has_one_night(folder):
    (folder / "wild west").symlink_to(folder / "west")
    assert [home.name for home in workspaces.workspaces(folder)] == ["east", "north", "south", "west"]


def test_workspaces_that_share_a_folder_of_data_are_refused_before_anything_is_begun(folder):
    (folder / "east" / "data").mkdir()
    (folder / "west" / "data").symlink_to(folder / "east" / "data")
    answer = call("--workspaces", str(folder))
    assert (answer.exit_code, answer.stderr.strip()) == (2, "east and west have one data folder; give each its own")
    assert not list(folder.glob("*/output"))


@pytest.mark.parametrize(
    "words", [("--out", "there"), ("--data", "there"), ("--config", "a.toml"), ("--source", "demo")]
)
def test_what_is_said_once_for_many_workspaces_is_refused(folder, words):
    answer = call("--workspaces", str(folder), *words)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith("--workspaces takes no --config, --data, --source or --out")


def test_a_folder_without_workspaces_says_how_to_make_one(tmp_path):
    answer = call("--workspaces", str(tmp_path))
    assert answer.exit_code == 2
    assert answer.stderr.strip() == f"no folder in {tmp_path} has a reports.toml: `crm-reports init` makes one"


def test_a_real_night_of_a_workspace_whose_settings_are_wrong_says_so_behind_its_name(tmp_path):
    (tmp_path / "north").mkdir()
    (tmp_path / "north" / "reports.toml").write_text('language = "de"\n')
    answer = call("--workspaces", str(tmp_path))
    assert answer.exit_code == 1
    assert "north: reports.toml, line 1: language" in answer.stderr
    assert answer.stderr.splitlines()[-2:] == ["north: nothing was begun", "0 of 1 workspaces are whole"]
