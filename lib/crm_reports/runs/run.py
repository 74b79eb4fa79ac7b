"""One notebook and its parameters → the executed notebook, a page, a workbook and JSON, all of them or none."""

from ..look.mime import ELEMENT, FIGURE  # before nbformat, which is imported the quick way there

# isort: split
import json
import logging
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from glob import escape
from pathlib import Path
from typing import Any, Literal

import nbformat

from .. import errors
from ..errors import RunError
from ..look import choices, completeness, mime, publish, workbook
from ..metrics import registry
from ..settings import Settings
from ..store.disk import private, private_folder, write_all
from ..words.texts import _, speaking
from . import cells, discretion
from .execution import Executed, execute, execute_here, in_words, logged
from .kernels import bound_memory
from .preparation import Plan, prepare

log = logging.getLogger(__name__)

SHOWING_DATA = ("tiles", "table", "chart")
KINDS = ("ipynb", "html", "xlsx", "json")
BESIDE = "beside"  # where the rows behind a page's numbers are: in a file of their own, whose name only the page tells
ABOUT = ("filters", "words", "as_of", "synced_at", "made_at", "currency", "kept", "total", "holes", "quality")
TRACEBACK = "Traceback (most recent call last)"  # of something that could not be shown, IPython only prints it


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


def make_here(plan: Plan, *, settings: Settings, out: Path, **look: Any) -> RunRecord:
    """`execute_here`, then `complete`: all of a run in the process that was forked for it."""
    bound_memory(settings.limits.page_memory)
    return complete(execute_here(plan, settings.limits.page_output), settings=settings, out=out, **look)


# ── After: is it whole? ──────────────────────────────────────────────────────────────────────────────────────────────


def complete(
    executed: Executed,
    *,
    settings: Settings,
    out: Path,
    kinds: Collection[str] = KINDS,
    **look: Any,
) -> RunRecord:
    """The four files in `out`, if the notebook and the page made of it are whole; else its notebook in data/failed/.

    `look` is what `publish.html` can be told. Where fewer `kinds` are wanted, `file_of` makes the others later; all are made now if only this process can.
    Whatever fails here, of ours or not, is in the record: the other reports of a night must not pay for it.
    """
    plan, files, leak, headline = executed.plan, (), "", ""
    try:
        notebook = _signed(executed)
        # nbformat's own way splits every text into lines, which nobody needs and which takes ten times as long.
        text = json.dumps(notebook, ensure_ascii=False) if notebook else ""
        look, offered = _offered(look)
        leak = discretion.what_shows([text, *offered.values()], settings)
        error = leak or discretion.without_secrets(executed.error, settings)
        if not error:
            if len(text) > settings.limits.page_output:
                raise cells.too_much(settings.limits.page_output)
            with speaking(plan.language):
                headline = _headline(notebook)
                beside = publish.rows_beside(notebook) if look.get("rows") == BESIDE else {}
                page = _page(plan, notebook, **look | _rows_of(plan, beside, look))
                _share(offered, out)
                files = _written(plan, notebook, {"ipynb": text, "html": page, **beside}, out, {*kinds, *beside})
                _clear_rows(plan, files, out)
    except Exception as failed:
        error = discretion.without_secrets(logged(failed), settings)
    if error and not leak:
        error += _keep(executed.notebook, settings.data / "failed" / f"{plan.name}.ipynb")
    state = "failed" if error else "complete"
    return RunRecord(
        plan.report, plan.parameters, plan.slug, state, executed.started_at, datetime.now(UTC), files, error,
        plan.about, headline,
    )  # fmt: skip


def _rows_of(plan: Plan, beside: Mapping[str, str], look: Mapping[str, Any]) -> dict[str, Any]:
    """Where the page finds the rows behind its numbers."""
    return {"rows": next((f"{plan.name}.{end}" for end in beside), "")} if look.get("rows") == BESIDE else {}


def _offered(look: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The look, and the file with what its header offers where that is to lie beside the page."""
    if look.get("rows") != BESIDE or not look.get("controls"):
        return look, {}
    own, files = choices.apart(look["controls"])
    return look | {"controls": own}, files


def _share(offered: Mapping[str, str], out: Path) -> None:
    """Write what the headers of several pages offer, unless the page before this one has."""
    for name, text in offered.items():
        if not (out / name).is_file():
            write_all({out / name: partial(_write, text=text)})


def _clear_rows(plan: Plan, files: Collection[Path], out: Path) -> None:
    """Remove the rows of a page that this one has replaced."""
    for path in out.glob(f"{escape(plan.name)}.rows-*.js"):
        if path not in files:
            path.unlink(missing_ok=True)


def _headline(notebook: nbformat.NotebookNode) -> str:
    return next((element["finding"] for element in elements_of(notebook) if element.get("finding")), "")


def _signed(executed: Executed) -> nbformat.NotebookNode | None:
    """The notebook with its reproduction inside, and without the paths that papermill notes down."""
    notebook, plan = executed.notebook, executed.plan
    if notebook is not None:
        notebook.metadata["papermill"] |= {"input_path": f"{plan.report}.ipynb", "output_path": f"{plan.name}.ipynb"}
        notebook.metadata["crm_reports"] = dict(plan.reproduction)
    return notebook


def _keep(notebook: nbformat.NotebookNode | None, path: Path) -> str:
    """The notebook for whoever has to mend it, and where it is, to be said after the error; "" when there is none."""
    if notebook is None:
        return ""
    try:
        private_folder(path.parent)
        with open(path, "w", encoding="utf-8", opener=private) as file:
            nbformat.write(notebook, file)
    except Exception as error:
        log.warning("the notebook that failed was not kept: %s", in_words(error))
        return ""
    return _("; its notebook is kept in the data folder: {path}", path="/".join(path.parts[-2:]))


def _page(plan: Plan, notebook: nbformat.NotebookNode, **look: Any) -> str:
    """The page, whole; `look` is what it can be told. RunError: what it or the notebook lacks."""
    page = publish.html(notebook, **_beside(plan, **look))
    lacking = [*_torn(notebook, list(elements_of(notebook))), *completeness.missing_from(page, notebook)]
    errors.all_at_once(lacking, RunError)
    return page


def _written(
    plan: Plan, notebook: Mapping[str, Any], texts: Mapping[str, str], out: Path, kinds: Collection[str]
) -> tuple[Path, ...]:
    """The files, moved to their places only when each of them is whole."""
    elements = list(elements_of(notebook))
    write: dict[str, Callable[[Path], object]] = {
        **{kind: partial(_write, text=text) for kind, text in texts.items()},
        "xlsx": lambda path: workbook.workbook(elements, path),
        "json": lambda path: _write(path, as_json(plan, elements)),
        "js": lambda path: _write(path, "".join(publish.rows_beside(notebook).values())),
    }
    wanted = [kind for kind in write if kind in kinds or (kind in KINDS and not registry.is_bare())]
    return write_all({out / f"{plan.name}.{kind}": write[kind] for kind in wanted})


def file_of(plan: Plan, notebook: Path, kind: str) -> Path:
    """The workbook, the JSON or the rows (js) of an executed notebook that `complete` left, beside it."""
    with speaking(plan.language):
        return _written(plan, json.loads(notebook.read_text(encoding="utf-8")), {}, notebook.parent, [kind])[0]


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="replace")  # half a character pair stands in no file


def _beside(plan: Plan, *, links: Sequence[publish.Link] = (), **look: Any) -> dict[str, Any]:
    """The look, with a link to the workbook that lies beside the page."""
    workbook = [] if any(link.key == "workbook" for link in links) else [publish.Link("workbook", f"{plan.name}.xlsx")]
    return {"links": [*links, *workbook], **look}


def outputs_of(notebook: Mapping[str, Any]) -> Iterator[nbformat.NotebookNode]:
    """Everything that the notebook's cells show, in order."""
    for cell in notebook["cells"]:
        yield from cell.get("outputs", [])


def elements_of(notebook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The report's elements, in order."""
    yield from mime.elements(notebook["cells"])


def _torn(notebook: nbformat.NotebookNode, elements: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """A sentence for everything that the notebook should show and does not."""
    if not any(element["kind"] == "header" for element in elements):
        yield _("the notebook shows no header: nothing says what the report is about; add `crm.header(ds)`")
    times = Counter(element["id"] for element in elements if element["kind"] in SHOWING_DATA)
    for id, count in times.items():
        if count > 1:
            yield _("{n} elements are called {id!r}; give each its own id", n=count, id=id)
    for output in outputs_of(notebook):
        yield from _torn_output(output)


def _torn_output(output: nbformat.NotebookNode) -> Iterator[str]:
    if output.output_type == "error":
        yield _("a cell failed: {what}", what=f"{output.ename}: {output.evalue}")
    if output.output_type == "stream" and output.name == "stderr" and TRACEBACK in output.text:
        yield _("a cell could not show what it made: {what}", what=output.text.strip().splitlines()[-1])
    element, figure = (output.get("data", {}).get(kind) for kind in (ELEMENT, FIGURE))
    if element and element["kind"] == "chart" and _can_be_drawn(element) and not (figure and figure.get("data")):
        yield _("chart {id!r} draws nothing and has {n} rows", id=element["id"], n=len(element["rows"]))


def _can_be_drawn(element: Mapping[str, Any]) -> bool:
    """Whether there are rows, and something in each of their columns: a chart of nothing but gaps is rightly empty."""
    rows = () if element.get("idle") else element.get("rows") or ()
    return bool(rows) and all(any(row.get(column["name"]) is not None for row in rows) for column in element["columns"])


def as_json(plan: Plan, elements: Sequence[Mapping[str, Any]]) -> str:
    """The report as numbers and sentences: what was asked, what it was about, every element's columns and rows."""
    header = next(element for element in elements if element["kind"] == "header")
    data = {element["id"]: _data(element) for element in elements if element["kind"] in SHOWING_DATA}
    about = {key: header.get(key) for key in ABOUT}
    whole = {"report": plan.report, "parameters": dict(plan.parameters), **about, "elements": data}
    whole["made_of"] = dict(plan.reproduction)
    try:
        return json.dumps(whole, ensure_ascii=False, allow_nan=False)
    except ValueError:  # an analyst's own element
        return json.dumps(_finite(whole), ensure_ascii=False, allow_nan=False)


def _data(element: Mapping[str, Any]) -> dict[str, Any]:
    """An element's numbers; one that the source has no data for says so."""
    extras = {key: element[key] for key in ("metrics", "finding", "missing") if element.get(key)}
    names = [column["name"] for column in element["columns"]]
    rows = [{name: row.get(name) for name in names} for row in element["rows"]]  # in order: notebooks sort their keys
    return {"kind": element["kind"], "title": element["title"], "columns": element["columns"], "rows": rows, **extras}


def _finite(value: Any) -> Any:
    """The value with null for everything that is no number."""
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
