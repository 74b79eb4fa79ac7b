"""A run before it is made: the notebook, what it is told, and what of it means anything to this store; every problem at once."""

import hashlib
import inspect
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nbformat

from .. import errors
from ..elements.changes import compared_at
from ..errors import FilterError, RunError, near
from ..filters import DIMENSIONS, Choice, Filters
from ..measures import load as loading
from ..measures.dataset import Dataset
from ..metrics import own
from ..settings import OwnField, Settings
from ..store import Store
from ..words.texts import N_, _, speaking
from . import parameters, product

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}


@dataclass(frozen=True)
class Plan:
    """A run that was checked: everything in it means something to this notebook and this store.

    `left_out` are the stages and pipelines that do not count as forgotten, by the parameter that says so.
    """

    report: str
    given: Mapping[str, Any]
    parameters: Mapping[str, Any]
    slug: str
    notebook: nbformat.NotebookNode
    language: str
    about: str
    reproduction: Mapping[str, Any]
    filters: Filters | None = None
    beyond: tuple[str, ...] = ()
    left_out: Mapping[str, list[str]] = field(default_factory=dict)
    folder: str = ""

    @property
    def name(self) -> str:
        return f"{self.report}--{self.slug}"

    def by_ids(self) -> "Plan":
        """The same question, everybody by his id in the CRM's order and the period as we write it: however typed, it is one."""
        chosen = {
            name: [each.id for each in self.filters.of(name)] for name in self.filters.dimensions if name in self.given
        }
        chosen |= self.left_out
        chosen |= {"period": self.filters.period.text} if "period" in self.given else {}
        given = dict(self.given) | chosen
        return replace(
            self, given=given, parameters=dict(self.parameters) | chosen,
            reproduction=dict(self.reproduction) | {"parameters": given},
        )  # fmt: skip

    @property
    def injected(self) -> dict[str, Any]:
        """What the notebook is given: `given`, with what is chosen of the company's own fields in its parameter for them."""
        return folded(self.given, [cut.name for cut in self.filters.own] if self.filters else ())

    def cut_to(self, dimension: str, choice: Choice, below: Sequence[str] = ()) -> "Plan":
        """The same report of one pipeline, department (with those below), manager or source."""
        below = tuple(below) if dimension == "department" else self.filters.departments
        filters = self.filters.about(dimension, choice, below)
        return replace(
            self, filters=filters, slug="--".join([filters.slug(), *self.beyond]), about=filters_in_words(filters),
            given=dict(self.given) | {dimension: [choice.id]},
            parameters=dict(self.parameters) | {dimension: [choice.id]},
            reproduction=_discreet(dict(self.reproduction)
            | {"parameters": dict(self.given) | {dimension: [choice.id]}, "filters": filters.parameters()}, filters),
        )  # fmt: skip


def prepare(report: str, given: Mapping[str, object], *, settings: Settings) -> Plan:
    """The run, checked against the notebook's parameters cell and the store; every problem at once."""
    path = find(report, settings)
    notebook = _read(path)
    known = _with_own(parameters.declared(notebook, report), settings)
    values, problems = parameters.typed(given, known, report=report)
    meant = {name: parameter.default for name, parameter in known.items() if parameter.default is not None} | values
    try:
        data = load(meant, settings)
        problems += loading.ahead(data.store, data.filters)
    except FilterError as error:
        problems += error.problems
    errors.all_at_once(problems, FilterError)
    own = set(settings.fields)
    left_out = {name: list(getattr(data.forgetting, name)) for name in LEFT_OUT if name in values}
    filters, beyond = data.filters, tuple(_beyond_filters(values | left_out, known, own))
    slug, made_of = "--".join([filters.slug(), *beyond]), _reproduction(path, data) | {"parameters": values}
    return Plan(
        report, values, meant, slug, notebook, filters.language, filters_in_words(filters), made_of, filters, beyond, left_out,
        str(path.parent),
    )  # fmt: skip


def instants(plans: Iterable[Plan]) -> list[datetime]:
    """Every other instant that these runs look from: what they are compared with."""
    filters = [plan.filters for plan in plans]
    before = {one.as_of_before for one in filters} | {
        instant for one in filters for instant in compared_at(one).values()
    }
    return sorted(before - {None})


def parameters_of(report: str, settings: Settings) -> Mapping[str, parameters.Parameter]:
    """What that report's notebook can be told."""
    path = find(report, settings)
    return _with_own(_declared(path, path.stat().st_mtime_ns), settings)


@lru_cache(64)
def _declared(path: Path, _changed: int) -> Mapping[str, parameters.Parameter]:
    return parameters.declared(_read(path), path.stem)


def _with_own(known: Mapping[str, parameters.Parameter], settings: Settings) -> dict[str, parameters.Parameter]:
    """The parameters, with one for each of the company's own fields in place of the one that a notebook takes them by."""
    own = {
        name: parameters.Parameter(name, "list", "str", [], _(OWN_HELP, field=field.source))
        for name, field in _own(settings)
    }
    return {
        name: each
        for key, parameter in known.items()
        for name, each in (own if key == FIELDS else {key: parameter}).items()
    }


def _own(settings: Settings) -> list[tuple[str, OwnField]]:
    """The company's own fields by which can be chosen."""
    return [(name, field) for name, field in settings.fields.items() if field.is_dimension]


def folded(values: Mapping[str, Any], own: Collection[str]) -> dict[str, Any]:
    """The values, with those of the company's own fields in one parameter."""
    fields = {name: value for name, value in values.items() if name in own and value not in ("", [])}
    return {name: value for name, value in values.items() if name not in own} | ({FIELDS: fields} if fields else {})


FIELDS = "fields"  # the parameter of a notebook for them
OWN_HELP = N_("names or ids of what {field} holds; empty means all")


def find(report: str, settings: Settings) -> Path:
    """The notebook of that name: beside reports.toml, else where we are, else the product's own."""
    folders = [settings.home / "notebooks", Path.cwd() / "notebooks", product.folder() / "notebooks"]
    notebooks = {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.ipynb"))}
    if report not in notebooks:
        close = near(report, notebooks) or sorted(notebooks)
        near_ones = ", ".join(close) or _("none, the folder is empty")
        raise FilterError(_("there is no report {report!r}; near: {near}", report=report, near=near_ones))
    return notebooks[report]


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        words = {"name": path.name, "why": type(error).__name__}
        raise RunError(_("notebook {name!r} can't be read ({why}); open it in JupyterLab", **words)) from None
    notebook.metadata.setdefault("kernelspec", KERNEL)
    return notebook


def load(values: Mapping[str, Any], settings: Settings) -> Dataset:
    """What the notebook's own `crm.load` will give: its checks, its filters, its names."""
    understood = inspect.signature(loading.load).parameters
    values = folded(values, settings.fields)
    with speaking(settings.language):  # load goes on in the report's language; other reports follow this one
        return loading.load(**{name: value for name, value in values.items() if name in understood}, settings=settings)


def filters_in_words(filters: Filters) -> str:
    """The period, and whatever hides something."""
    (_label, period, _hides), *rest = filters.words()
    return " · ".join([period, *(f"{label}: {text}" for label, text, hides in rest if hides)])


def _beyond_filters(
    values: Mapping[str, Any], known: Mapping[str, parameters.Parameter], own: Collection[str]
) -> Iterator[str]:
    """The rest of the slug: parameters of this report alone that differ from its defaults."""
    for name, value in sorted(values.items()):
        if name not in (*FILTERS, *own) and value != known[name].default:
            text = "_".join(map(str, value)) if isinstance(value, list) else str(value)
            plain = re.fullmatch(r"[A-Za-z0-9_.-]{1,30}", text)
            yield f"{name.replace('_', '-')}-{text.lower() if plain else hashlib.sha256(text.encode()).hexdigest()[:8]}"


LEFT_OUT = ("exclude_stages", "exclude_pipelines")
FILTERS = ("period", *DIMENSIONS, "comparison", "as_of", "language")


def _reproduction(path: Path, data: Dataset) -> dict[str, Any]:
    """What it takes to make the same again: which notebook, which code, which data."""
    made_of = {
        "notebook": path.name,
        "notebook_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "git_commit": _commit(path.parent),
        "crm_reports": version("crm-reports"),
        "code_sha256": _code() + own.digest(data.settings.home if data.settings.config else None),
        "synced_at": data.synced_at.isoformat(),
        "rows": _rows(data.store.path, data.synced_at),
        "as_of": data.filters.as_of.isoformat(),
        "filters": data.filters.parameters(),
    }
    return _discreet(made_of, data.filters)


def _discreet(made_of: dict[str, Any], filters: Filters) -> dict[str, Any]:
    """The same without how many rows the store has, where that counts what others did."""
    return {name: value for name, value in made_of.items() if name != "rows" or not filters.is_about_people}


@cache
def _commit(folder: Path) -> str:
    """The commit that git has checked out where the notebook is; "" where there is no git."""
    try:
        command = ["git", "-C", str(folder), "rev-parse", "HEAD"]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


@cache
def _code() -> str:
    """A hash of this library's own files: its version says little while it is being worked on."""
    digest = hashlib.sha256()
    for path in sorted(path for path in Path(__file__).parents[1].rglob("*") if path.suffix in CODE):
        digest.update(path.relative_to(Path(__file__).parents[1]).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


CODE = (".py", ".j2", ".css", ".js", ".json", ".po")


@cache
def _rows(store: Path, _synced_at: datetime) -> dict[str, int]:
    """How many rows each table of that store has."""
    return Store.open(store).counts()
