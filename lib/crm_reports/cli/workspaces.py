"""`crm-reports night --workspaces DIR`: the nights of many portals side by side, each in a process and a folder of its own."""

import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import typer

from ..errors import ReportError
from ..words.terminal import one_line
from ..words.texts import N_, _
from .options import FAILED, REFUSED, SUCCESS, tell

# Not the script: whichever environment this is, the children are of it; -P: a workspace's files are no modules of ours.
NIGHT = (sys.executable, "-P", "-m", "crm_reports", "night")

OWN = N_("--workspaces takes no --config, --data, --source or --out: each workspace says its own in its reports.toml")


def nights(folder: Path, options: Sequence[str], jobs: int) -> None:
    """The night of each workspace in the folder: the index of each that is whole; FAILED, told, where one is not.

    A broken one leaves the others alone. ReportError: there is no workspace in the folder. `jobs`: pages at a time on this
    machine, of all of them together.
    """
    homes = workspaces(folder)
    beside = min(len(homes), jobs)
    command = [*NIGHT, *options, "--jobs", str(max(1, jobs // beside))]
    with ThreadPoolExecutor(beside) as pool:
        codes = list(pool.map(lambda home: _night(home, command), homes))
    for home, code in zip(homes, codes, strict=True):
        tell(f"{home.name}: {_outcome(code, home)}")
    tell(_("{whole} of {all} workspaces are whole", whole=codes.count(SUCCESS), all=len(homes)))
    for home in (home for home, code in zip(homes, codes, strict=True) if code == SUCCESS):
        typer.echo(one_line(home / "output" / "index.html"))
    if codes.count(SUCCESS) < len(homes):
        raise typer.Exit(FAILED)


def workspaces(folder: Path) -> list[Path]:
    """The folders in it that have a reports.toml, each once, whatever names lead there."""
    found = {path.parent.resolve(): path.parent for path in sorted(folder.glob("*/reports.toml"), reverse=True)}
    if not found:
        raise ReportError(
            _("no folder in {folder} has a reports.toml: `crm-reports init` makes one", folder=str(folder))
        )
    homes = sorted(found.values())
    _check_apart(homes)
    return homes


def _check_apart(homes: Sequence[Path]) -> None:
    """ReportError: two of them keep or publish in one folder, so that one portal's data would be in the other's."""
    owners: dict[Path, Path] = {}
    for home in homes:
        for folder in (home / "data", home / "output"):
            other = owners.setdefault(folder.resolve(), home)
            if other != home:
                words = {"one": other.name, "other": home.name, "folder": folder.name}
                raise ReportError(_("{one} and {other} have one {folder} folder; give each its own", **words))


def _night(home: Path, command: Sequence[str]) -> int:
    """The exit code of the workspace's night, whose lines are told behind its name."""
    child = subprocess.Popen(
        command, cwd=home, env=_surroundings(), text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    with child:
        for line in child.stderr:
            tell(f"{home.name}: {line.rstrip()}")
    return child.returncode


def _surroundings() -> dict[str, str]:
    """The environment without settings and secrets of ours: each workspace has its own, in its .env."""
    return {name: value for name, value in os.environ.items() if not name.startswith("CRM_REPORTS_")}


def _outcome(code: int, home: Path) -> str:
    if code == SUCCESS:
        return _("every page came out, every mail was accepted")
    if code == FAILED:
        return _("something did not come out: {page} says what", page=str(home / "output" / "night.html"))
    if code == REFUSED:
        return _("nothing was begun")
    return _("its process ended with {code}", code=code)
