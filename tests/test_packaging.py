"""The ways in: lock, conda, make, git. A newcomer meets these files before any code."""

import re
import subprocess
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from crm_reports.settings import Settings

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCK = [
    Requirement(line)
    for line in (ROOT / "requirements.lock").read_text().splitlines()
    if line.strip() and not line.lstrip().startswith("#")
]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("wanted", [*PROJECT["dependencies"], *(need for extra in EXTRAS.values() for need in extra)])
def test_the_lock_holds_a_version_that_pyproject_allows(wanted):
    need = Requirement(wanted)
    locked = [each for each in LOCK if _plain(each.name) == _plain(need.name)]
    assert locked, f"{need.name} is not in requirements.lock: run `make lock`"
    for each in locked:
        (version,) = each.specifier
        assert version.operator == "=="
        assert need.specifier.contains(version.version), f"run `make lock`: {each} is not {need}"


def test_conda_gets_the_same_versions_from_the_same_lock():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert python == f"python{PROJECT['requires-python']}"
    assert pip == "pip"
    assert packages == {"pip": ["-r requirements.lock", "-e ."]}


@pytest.mark.parametrize(
    ("path", "is_ignored"),
    [
        ("lib/crm_reports/runs/run.py", False),
        ("lib/crm_reports/look/template/page.css", False),
        ("output/.gitkeep", False),
        ("output/index.html", True),
        ("data/store.duckdb", True),
        (".env", True),
        (".venv/bin/python", True),
    ],
)
def test_git_keeps_the_library_and_no_data_and_no_secret(path, is_ignored):
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    ignored = (
        subprocess.run(["git", "check-ignore", "--no-index", "--quiet", path], cwd=ROOT, check=False).returncode == 0
    )
    assert ignored is is_ignored


def test_the_readme_opens_with_one_sentence_one_picture_and_the_two_commands():
    readme = (ROOT / "README.md").read_text()
    head, _, _ = readme.partition("\n## ")
    assert len(re.findall(r"!\[.*?\]\(.*?\)", head)) == 1
    assert re.search(r"```sh\n.*make reports.*\nmake test", readme, re.DOTALL)


def test_the_readme_names_every_notebook_and_no_other():
    named = set(re.findall(r"notebooks/(\w+)\.ipynb", (ROOT / "README.md").read_text()))
    assert named == {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}


def test_every_make_target_that_is_promised_exists():
    made = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    promised = set(re.findall(r"`make (\w+)", (ROOT / "README.md").read_text()))
    assert {"reports", "test", "lab", "lock", "clean"} <= made
    assert promised <= made


def test_ci_is_one_executable_file_that_ends_in_make_test():
    run = ROOT / ".ci" / "run"
    assert run.stat().st_mode & 0o111
    assert run.read_text().rstrip().endswith("make test")


def test_the_licence_is_the_one_that_pyproject_names():
    assert PROJECT["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")


def test_reports_toml_is_read_as_it_comes():
    settings = Settings.read(ROOT / "reports.toml")
    assert (settings.source.kind, settings.home, settings.presets) == ("demo", ROOT, ())


def test_whoever_installs_the_package_gets_every_file_of_it():
    package = ROOT / "lib" / "crm_reports"
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["crm_reports"]
    packed = {path for pattern in patterns for path in package.glob(pattern)}
    texts = {path for path in package.rglob("*.*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert texts <= packed


def test_the_product_imports_nothing_that_only_tests_install():
    given = {_plain(Requirement(need).name) for need in [*PROJECT["dependencies"], *EXTRAS["cluster"], *EXTRAS["lab"]]}
    only_tests = {_plain(Requirement(need).name) for need in EXTRAS["test"]} - given
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "lib").rglob("*.py")]
    imported = {name for text in sources for name in re.findall(r"^\s*(?:from|import) (\w+)", text, re.MULTILINE)}
    origins = packages_distributions()
    assert {_plain(origin) for name in imported for origin in origins.get(name, ())} & only_tests == set()
    assert {"statsmodels", "pytest", "hypothesis"} <= only_tests


def test_a_night_needs_nothing_that_only_analysts_install():
    """A wheel installs without JupyterLab; what needs it, or nbdime, or widgets, imports it when it is asked for."""
    only_lab = {"jupyterlab", "jupyter_server", "nbdime", "nbstripout", "ipywidgets"}
    assert {Requirement(need).name for need in EXTRAS["lab"]} == only_lab - {"jupyter_server"}
    above = re.compile(r"^(?:from|import) (\w+)", re.MULTILINE)
    at_once = {
        name for path in (ROOT / "lib").rglob("*.py") for name in above.findall(path.read_text(encoding="utf-8"))
    }
    assert at_once & only_lab == set()
