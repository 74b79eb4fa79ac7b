"""One notebook and its parameters → the executed notebook, a page, a workbook and JSON, all of them or none."""

import hashlib
import inspect
import json
import logging
import math
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import nbformat
import papermill
from papermill.exceptions import PapermillExecutionError

from . import dataset, errors, parameters, publish, tables
from .dataset import Dataset
from .errors import FilterError, ReportError, RunError, near
from .filters import Filters
from .kernels import kernel_class
from .settings import Settings
from .texts import speaking

log = logging.getLogger(__name__)

ELEMENT = "application/vnd.crm-reports.element+json"
FIGURE = "application/vnd.plotly.v1+json"
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
SHOWING_DATA = ("tiles", "table", "chart")
CELL_TIMEOUT = 600
TRACEBACK = "Traceback (most recent call last)"  # of something that could not be shown, IPython only prints it


@dataclass(frozen=True)
class Plan:
    """A run that was checked: everything in it means something to this notebook and this store."""

    report: str
    given: Mapping[str, Any]
    parameters: Mapping[str, Any]
    slug: str
    notebook: nbformat.NotebookNode
    language: str
    about: str
    reproduction: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.report}--{self.slug}"


@dataclass(frozen=True)
class Executed:
    """A notebook that a kernel went through, to its end or to an error."""

    plan: Plan
    started_at: datetime
    notebook: nbformat.NotebookNode | None
    error: str = ""


@dataclass(frozen=True)
class RunRecord:
    """One run: what was asked, how it went, and the files it left. `error` is for the reader: no paths, no secrets.

    `about` says the filters in words; `headline` is the first finding of the page.
    """

    report: str
    parameters: Mapping[str, Any]
    slug: str
    state: Literal["complete", "failed"]
    started_at: datetime
    finished_at: datetime
    files: tuple[Path, ...] = ()
    error: str = ""
    about: str = ""
    headline: str = ""

    @property
    def seconds(self) -> float:
        return (self.finished_at - self.started_at).total_seconds()


def run(
    report: str,
    given: Mapping[str, object] | None = None,
    *,
    settings: Settings,
    out: Path,
    show_code: bool = False,
    assets: str = "inline",
    links: Sequence[publish.Link] = (),
) -> RunRecord:
    """REPORT--SLUG.ipynb, .html, .xlsx and .json in `out`; or a record of what failed, and `out` as it was before.

    What can't be meant (a report, a parameter, a value, a name) is refused before a kernel starts: FilterError.
    """
    plan = prepare(report, given or {}, settings=settings)
    executed = execute(plan, settings=settings)
    return complete(executed, settings=settings, out=out, show_code=show_code, assets=assets, links=links)


# ── Before: is it meant? ─────────────────────────────────────────────────────────────────────────────────────────────


def prepare(report: str, given: Mapping[str, object], *, settings: Settings) -> Plan:
    """The run, checked against the notebook's parameters cell and the store; every problem at once."""
    path = find(report, settings)
    notebook = _read(path)
    known = parameters.declared(notebook)
    values, problems = parameters.typed(given, known, report=report)
    meant = {name: each.default for name, each in known.items() if each.default is not None} | values
    try:
        data = _load(meant, settings)
    except FilterError as error:
        raise FilterError("\n".join([*problems, str(error)])) from None
    errors.all_at_once(problems, FilterError)
    slug = "--".join([data.filters.slug(), *_beyond_filters(values, known)])
    about = _about(data.filters)
    return Plan(report, values, meant, slug, notebook, data.filters.language, about, _reproduction(path, data))


def find(report: str, settings: Settings) -> Path:
    """The notebook of that name: beside reports.toml, else where we are, else the product's own."""
    folders = [settings.home / "notebooks", Path.cwd() / "notebooks", Path(__file__).parents[2] / "notebooks"]
    notebooks = {path.stem: path for folder in reversed(folders) for path in sorted(folder.glob("*.ipynb"))}
    if report not in notebooks:
        close = near(report, notebooks) or sorted(notebooks)
        raise FilterError(f"there is no report {report!r}; near: {', '.join(close) or 'none, the folder is empty'}")
    return notebooks[report]


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        notebook = nbformat.read(path, as_version=4)
    except (OSError, ValueError, AttributeError, nbformat.ValidationError) as error:
        raise RunError(
            f"notebook {path.name!r} can't be read ({type(error).__name__}); open it in JupyterLab"
        ) from None
    notebook.metadata.setdefault("kernelspec", KERNEL)
    return notebook


def _load(values: Mapping[str, Any], settings: Settings) -> Dataset:
    """What the notebook's own `crm.load` will give: its checks, its filters, its names."""
    understood = inspect.signature(dataset.load).parameters
    with speaking(settings.language):  # load goes on in the report's language; other reports follow this one
        return dataset.load(**{name: value for name, value in values.items() if name in understood}, settings=settings)


def _about(filters: Filters) -> str:
    """The period, and whatever hides something."""
    (_label, period, _hides), *rest = filters.words()
    return " · ".join([period, *(f"{label}: {text}" for label, text, hides in rest if hides)])


def _beyond_filters(values: Mapping[str, Any], known: Mapping[str, parameters.Parameter]) -> Iterator[str]:
    """The rest of the slug: parameters of this report alone that differ from its defaults."""
    for name, value in sorted(values.items()):
        if name not in FILTERS and value != known[name].default:
            text = "_".join(map(str, value)) if isinstance(value, list) else str(value)
            plain = re.fullmatch(r"[A-Za-z0-9_.-]{1,30}", text)
            yield f"{name.replace('_', '-')}-{text.lower() if plain else hashlib.sha256(text.encode()).hexdigest()[:8]}"


FILTERS = ("period", "pipeline", "department", "manager", "source", "comparison", "as_of", "language")


def _reproduction(path: Path, data: Dataset) -> dict[str, Any]:
    """What it takes to make the same again: which notebook, which code, which data."""
    return {
        "notebook": path.name,
        "notebook_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "crm_reports": version("crm-reports"),
        "synced_at": data.synced_at.isoformat(),
        "as_of": data.filters.as_of.isoformat(),
        "filters": data.filters.parameters(),
    }


# ── The kernel ───────────────────────────────────────────────────────────────────────────────────────────────────────


def execute(plan: Plan, *, settings: Settings) -> Executed:
    """The notebook as papermill leaves it, run in a kernel of its own that sees this store and no secret."""
    started_at = datetime.now(UTC)
    environment = {"CRM_REPORTS_DATA": str(settings.data)}
    if settings.config:
        environment["CRM_REPORTS_CONFIG"] = str(settings.config)
    with kernel_class(environment) as kernels, tempfile.TemporaryDirectory(prefix="crm-") as folder:
        path = Path(folder) / "executed.ipynb"
        try:
            _papermill(plan, path, kernels)
            error = ""
        except PapermillExecutionError as failed:
            error = _said(failed, nbformat.read(path, as_version=4))
        except Exception as failed:  # a kernel that died, hung or never came up; papermill writes no notebook then
            error = without_secrets(f"{type(failed).__name__}: {failed}".strip().splitlines()[0])
        return Executed(plan, started_at, nbformat.read(path, as_version=4) if path.exists() else None, error)


def _papermill(plan: Plan, path: Path, kernels: type) -> None:
    papermill.execute_notebook(
        plan.notebook,
        str(path).replace("{", "{{").replace("}", "}}"),  # papermill fills {names} in paths
        parameters=dict(plan.given),
        kernel_name=KERNEL["name"],
        kernel_manager_class=kernels,
        progress_bar=False,
        request_save_on_cell_execute=False,
        autosave_cell_every=0,
        execution_timeout=CELL_TIMEOUT,
        shutdown_kernel="immediate",
    )


def _said(failed: PapermillExecutionError, notebook: nbformat.NotebookNode) -> str:
    """The reader's view of an error: under which question of the report, and what was wrong."""
    text = (failed.evalue or "").strip().splitlines() or [""]
    ours = failed.ename in vars(errors)
    words = "; ".join(text) if ours else f"{failed.ename}: {text[0]}".rstrip(": ")
    question = _question_above(notebook, failed.exec_count)
    return without_secrets(f"{question}: {words}" if question else words)


def _question_above(notebook: nbformat.NotebookNode, count: int | None) -> str:
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "code" and cell.execution_count == count:
            break
        if cell.cell_type == "markdown" and (found := re.search(r"^#+\s+(.+)$", cell.source, re.MULTILINE)):
            heading = found[1].strip()
    return heading


def without_secrets(text: str) -> str:
    """The text with every address and folder gone: a webhook is a secret, and pages tell nothing about a machine."""
    text = re.sub(r"https?://\S+", "…", text)
    return re.sub(r"(?<![\w.])(?:[A-Za-z]:)?[/\\](?:[^\s'\"/\\]+[/\\])+", "…/", text)


# ── After: is it whole? ──────────────────────────────────────────────────────────────────────────────────────────────


def complete(
    executed: Executed,
    *,
    settings: Settings,
    out: Path,
    show_code: bool = False,
    assets: str = "inline",
    links: Sequence[publish.Link] = (),
) -> RunRecord:
    """The four files in `out`, if the notebook and the page made of it are whole; else its notebook in data/failed/."""
    plan, files, error = executed.plan, (), executed.error
    notebook = _signed(executed)
    if not error:
        try:
            with speaking(plan.language):
                files = _written(plan, notebook, out, show_code=show_code, assets=assets, links=links)
        except ReportError as failed:
            error = without_secrets(str(failed))
        except Exception as failed:  # ours to mend; but the other reports of a night must not pay for it
            log.exception("the page of %s", plan.name)
            error = without_secrets(f"{type(failed).__name__}: {failed}")
    if error and notebook is not None:
        _kept(notebook, settings.data / "failed" / f"{plan.name}.ipynb")
    state = "failed" if error else "complete"
    return RunRecord(
        plan.report, plan.parameters, plan.slug, state, executed.started_at, datetime.now(UTC), files, error,
        plan.about, _headline(notebook),
    )  # fmt: skip


def _headline(notebook: nbformat.NotebookNode | None) -> str:
    elements = elements_of(notebook) if notebook is not None else ()
    return next((each["finding"] for each in elements if each.get("finding")), "")


def _signed(executed: Executed) -> nbformat.NotebookNode | None:
    """The notebook with its reproduction inside, and without the paths that papermill notes down."""
    notebook, plan = executed.notebook, executed.plan
    if notebook is not None:
        notebook.metadata["papermill"] |= {"input_path": f"{plan.report}.ipynb", "output_path": f"{plan.name}.ipynb"}
        notebook.metadata["crm_reports"] = dict(plan.reproduction)
    return notebook


def _kept(notebook: nbformat.NotebookNode, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


def _written(plan: Plan, notebook: nbformat.NotebookNode, out: Path, **look: Any) -> tuple[Path, ...]:
    """All four files, moved to their places only when each of them is whole; `look` is what a page can be told."""
    elements = list(elements_of(notebook))
    page = publish.html(notebook, **look)
    errors.all_at_once([*_torn(notebook, elements), *publish.missing_from(page, notebook)], RunError)
    write: dict[str, Callable[[Path], object]] = {
        "ipynb": lambda path: nbformat.write(notebook, path),
        "html": lambda path: path.write_text(page, encoding="utf-8"),
        "xlsx": lambda path: tables.workbook(elements, path),
        "json": lambda path: path.write_text(as_json(plan, elements), encoding="utf-8"),
    }
    return _at_once({out / f"{plan.name}.{suffix}": writer for suffix, writer in write.items()})


def _at_once(writers: Mapping[Path, Callable[[Path], object]]) -> tuple[Path, ...]:
    out = next(iter(writers)).parent
    out.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix=".making-", dir=out))
    try:
        for path, write in writers.items():
            write(making / path.name)
        for path in writers:
            os.replace(making / path.name, path)
    finally:
        shutil.rmtree(making)
    return tuple(writers)


def outputs_of(notebook: nbformat.NotebookNode) -> Iterator[nbformat.NotebookNode]:
    """Everything that the notebook's cells show, in order."""
    for cell in notebook.cells:
        yield from cell.get("outputs", [])


def elements_of(notebook: nbformat.NotebookNode) -> Iterator[dict[str, Any]]:
    """The report's elements, in order."""
    for output in outputs_of(notebook):
        if ELEMENT in output.get("data", {}):
            yield output["data"][ELEMENT]


def _torn(notebook: nbformat.NotebookNode, elements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for everything that the notebook should show and does not."""
    if not any(each["kind"] == "header" for each in elements):
        yield "the notebook shows no header: nothing says what the report is about; add `crm.header(ds)`"
    times = Counter(each["id"] for each in elements if each["kind"] in SHOWING_DATA)
    for id, count in times.items():
        if count > 1:
            yield f"{count} elements are called {id!r}; give each its own id"
    for output in outputs_of(notebook):
        yield from _torn_output(output)


def _torn_output(output: nbformat.NotebookNode) -> Iterator[str]:
    if output.output_type == "error":
        yield f"a cell failed: {output.ename}: {output.evalue}"
    if output.output_type == "stream" and output.name == "stderr" and TRACEBACK in output.text:
        yield f"a cell could not show what it made: {output.text.strip().splitlines()[-1]}"
    element, figure = (output.get("data", {}).get(kind) for kind in (ELEMENT, FIGURE))
    if element and element["kind"] == "chart" and element.get("rows") and not (figure and figure.get("data")):
        yield f"chart {element['id']!r} draws nothing and has {len(element['rows'])} rows"


def as_json(plan: Plan, elements: Sequence[Mapping[str, Any]]) -> str:
    """The report as numbers: what was asked, what it was about, and every element's columns and rows."""
    header = next(each for each in elements if each["kind"] == "header")
    shown = {each["id"]: _data(each) for each in elements if each["kind"] in SHOWING_DATA}
    about = {key: header.get(key) for key in ("filters", "as_of", "synced_at", "currency", "quality")}
    whole = {"report": plan.report, "parameters": dict(plan.parameters), **about, "elements": shown}
    return json.dumps(_finite(whole), ensure_ascii=False, allow_nan=False, indent=1)


def _data(element: Mapping[str, Any]) -> dict[str, Any]:
    """An element's numbers; one that the source has no data for says so."""
    said = {"missing": element["missing"]} if element.get("missing") else {}
    names = [each["name"] for each in element["columns"]]
    rows = [{name: row.get(name) for name in names} for row in element["rows"]]  # in order: notebooks sort their keys
    return {"title": element["title"], "columns": element["columns"], "rows": rows, **said}


def _finite(value: Any) -> Any:
    """The value with null for everything that is no number."""
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
