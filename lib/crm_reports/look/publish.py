"""An executed notebook → one page of our own: no request leaves it, and no text in it can become a script.

Our nbconvert template (template/) lays the page out. plotly.js and DataTables come packed inside the page, or once per
site as files beside it (`assets`).
"""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import nbformat
from nbconvert.exporters import TemplateExporter

from .. import charts
from ..words.texts import N_, _, language
from . import behind, lists, outputs, page, scripts, tables, workbook
from . import parts as pieces
from .figures import Figures
from .mime import ELEMENT, FIGURE, ROWS, bundles, elements
from .parts import Part
from .templates import FOLDER, read
from .tips import Tips

FIGURE_SCRIPT = '<script type="application/json" class="figure">'
NOT_FOR_READERS = {"parameters", "injected-parameters", "setup", "recipes"}
REPORTS = {
    "overview": N_("Overview"),
    "sales_dynamics": N_("Sales dynamics"),
    "manager_effectiveness": N_("Managers"),
    "forgotten_deals": N_("Forgotten deals"),
    "sales_plan": N_("Sales plan"),
}
# The report whose list of deals says what counts as that.
LISTED = dict.fromkeys(("created", "won", "lost", "in_work"), "sales_dynamics")
LISTED |= dict.fromkeys(("forgotten", "without_step", "overdue"), "forgotten_deals")
SAID_BY_SCRIPT = {
    "search": N_("Search"), "all": N_("{title}: all"), "csv": N_("CSV"), "excel": N_("Excel"),
    "info": N_("_START_–_END_ of _TOTAL_"), "paper": N_("the others are in the workbook"), "empty": N_("No rows fit"),
    "counts": N_("Which deals"), "every": N_("All deals here"), "back": N_("Back"), "nobody": N_("{name} has no rows here"),
    "alone": N_("only, where rows have names; other numbers are everybody's"), "failed": N_("This part could not be drawn."), "who": N_("Managers"), "pipelines": N_("Pipelines"), "everybody": N_("Show everybody"),
    "others": N_("More"), "filters": N_("Filters"), "clear": N_("Clear all"), "find": N_("Find"), "show": N_("Show"),
    "cut": N_("Click: only this. With Ctrl or Shift: together with what is chosen"), "uncut": N_("Click: everything again"), "cut_alone": N_("Click: only this"),
    "closer": N_("Click: closer. With Ctrl or Shift: only this period"), "this_period": N_("Only this period"),
    "all_managers": N_("All managers"), "more": N_("{name} and {n} more"), "unpublished": N_("Not made this night: ask for it with `crm-reports serve`, or add a preset to reports.toml"),
    "rows_hint": N_("Click: its rows"), "rows_alone": N_("The rows are too many for a page that stands alone."), "close": N_("Close"),
    "rows_sheet": N_("The workbook lists the deals: sheet “{value}”."), "rows_listed": N_("Among all deals of the list"),
    "rows_fewer": N_("Choose a shorter period, or fewer people."),
    "unloaded": N_("The choices could not be loaded: their file is not beside this page"),
    "views": N_("Saved views"), "save": N_("Save this view"), "name": N_("Name of the view"), "delete": N_("Delete"), "files": N_("Files"), "yes": N_("yes"), "typed": N_("2025-03, 2025-Q1, last_90_days, 2025-01-01..2025-03-13"),
}  # fmt: skip


@dataclass(frozen=True)
class Link:
    """Where something is: `key` is report:NAME, manager:ID, workbook, all, site, night or sibling (these have `text`).

    An element that mentions `key` becomes a link to `url`; without one it stays plain text.
    """

    key: str
    url: str
    text: str = ""


def html(
    notebook: nbformat.NotebookNode, *, title: str = "", language: str = "", assets: str = "inline",
    show_code: bool = False, links: Sequence[Link] = (), controls: Mapping[str, Any] | None = None, rows: str = "",
) -> str:  # fmt: skip
    """The page of an executed notebook. `assets`: "inline", or the address where `assets(folder)` put the scripts.

    `rows` is the address of the file with the rows behind its numbers (`rows_beside`), ASKED of a server, or "" to have them within.
    `controls` is what its header offers to choose; without them it says what was chosen.
    """
    readable = _for_readers(notebook)
    figures = Figures(_figures(readable.cells))
    addresses = {link.key: link.url for link in (*links, *_tiles_links(notebook, links))}
    parts = pieces.parts(readable, figures, show_code=show_code, addresses=addresses)
    needed = _needed(parts, notebook)
    tips = Tips()
    parts = [replace(part, html=tips.taken_from(part.html)) for part in parts]
    said = {key: _(text) for key, text in SAID_BY_SCRIPT.items()}
    beside = {} if assets == "inline" else {scripts.PAGE: scripts.PAGE, **needed}
    where = {name: f"{assets.rstrip('/')}/{scripts.file_of(file)}" for name, file in beside.items()}
    settings = {
        "texts": said, "twins": charts.dark_twins(), "assets": where, "workbook": _url(links, "workbook"),
        "links": {link.key: link.url for link in links if ":" in link.key},
        "others": [asdict(link) for link in links if ":" not in link.key],
        "made_of": notebook.metadata.get("crm_reports", {}), "rows": _rows(notebook, rows),
    }  # fmt: skip
    script = scripts.LOADER if where else scripts.script(scripts.PAGE)
    resources = {
        "title": title or _title(notebook), "language": language or _language(), "policy": _policy(script),
        "css": page.css() + read("page.css"), "script": script, "settings": lists.as_script(settings),
        "controls": lists.as_script(controls),
        "packed": {} if where else {name: scripts.packed(file) for name, file in needed.items()},
        "nav": _nav(links, notebook), "links": links, "parts": parts, "contents": pieces.contents(parts), "is_front": pieces.is_front(parts),
        "shared": figures.shared(), "tips": tips.script(), "behind": "" if rows else behind.within(_rows_behind(notebook)),
    }  # fmt: skip
    # The parts are drawn already: nbconvert would only copy the notebook, outputs and all.
    drawn, _resources = _exporter().from_notebook_node(nbformat.v4.new_notebook(), resources={"page": resources})
    return outputs.without_controls(drawn)


def _language() -> str:
    return language()


# ── The rows behind its numbers ──────────────────────────────────────────────────────────────────────────────────────

ASKED = "asked"  # where the page's own address with .js is


def rows_beside(notebook: Mapping[str, Any]) -> dict[str, str]:
    """The file that brings the rows behind the page's numbers, by the end of its name; {} where there are none."""
    return behind.file_of(_rows_behind(notebook))


def _rows_behind(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((data[ROWS] for data in bundles(notebook["cells"]) if ROWS in data), {})


def _rows(notebook: nbformat.NotebookNode, address: str) -> dict[str, Any]:
    """Where the rows are, which numbers lead to them, and the sheet of the workbook that lists deals."""
    sheet = workbook.sheet_of(list(elements(notebook.cells)), "deals")
    return {"address": address, "leads": behind.leading(_rows_behind(notebook)), "sheet": sheet}


class _PageExporter(TemplateExporter):
    """Our template and nothing else: nbconvert's own HTML exporter parses and rewrites the whole page once more."""

    file_extension = ".html"
    output_mimetype = "text/html"
    template_extension = ".html.j2"
    default_preprocessors: ClassVar = []


@cache
def _exporter() -> _PageExporter:
    folder = Path(str(FOLDER))
    made = _PageExporter(template_name=folder.name, extra_template_basedirs=[str(folder.parent)])
    made.environment.globals["_"] = _
    return made


def _for_readers(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook without the cells that are there for analysts and for papermill."""
    cells = [cell for cell in notebook.cells if not NOT_FOR_READERS & {*cell.metadata.get("tags", ())}]
    return nbformat.v4.new_notebook(cells=cells, metadata=notebook.metadata)


def _title(notebook: nbformat.NotebookNode) -> str:
    texts = (_(cell.source) for cell in notebook.cells if cell.cell_type == "markdown")
    heads = (re.search(r"^#\s+(.+)$", text, re.MULTILINE) for text in texts)
    return next((head[1].strip() for head in heads if head), _("Report"))


def _policy(script: str) -> str:
    """What the page may do: run the one script whose hash this is, and what that loads; talk to nobody."""
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; script-src 'sha256-{digest}' 'strict-dynamic'; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


# ── Links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _url(links: Iterable[Link], key: str) -> str:
    return next((link.url for link in links if link.key == key), "")


def _tiles_links(notebook: nbformat.NotebookNode, links: Sequence[Link]) -> Iterator[Link]:
    """Where a tile leads: element:ID, deals:COUNT (the list of this page that says so, else of the report that does)."""
    shown = {element["id"]: element for element in elements(notebook.cells)}
    yield from (Link(f"element:{id}", f"#{id}") for id in shown)
    here = _report(notebook)
    rows = shown.get("deals", {}).get("rows") or [{}]
    listed = tables.counts_of(name for name in rows[0] if any(row[name] is not None for row in rows))
    for count, report in LISTED.items():
        there = _url(links, f"report:{report}")
        if count in listed:
            yield Link(f"deals:{count}", "#deals")
        elif there and report != here:
            yield Link(f"deals:{count}", f"{there}#deals={count}")


def _nav(links: Sequence[Link], notebook: nbformat.NotebookNode) -> list[dict[str, Any]]:
    """The reports that were published with this one, in their order, and which of them this is."""
    known = {link.key: link.url for link in links}
    here = _report(notebook)
    keys = [name for name in REPORTS if f"report:{name}" in known]
    return [{"title": _(REPORTS[name]), "url": known[f"report:{name}"], "is_here": name == here} for name in keys]


def _report(notebook: nbformat.NotebookNode) -> str:
    """The report that the page is of; "" where the notebook does not say."""
    return str(notebook.metadata.get("crm_reports", {}).get("notebook", "")).removesuffix(".ipynb")


# ── What the page draws ──────────────────────────────────────────────────────────────────────────────────────────────


def _needed(parts: Sequence[Part], notebook: nbformat.NotebookNode) -> dict[str, str]:
    """The scripts that the page needs, by what they are to it: which plotly.js, and whether DataTables."""
    whole = "".join(part.html for part in parts)
    names = {
        FIGURE_SCRIPT: ("plotly", scripts.plotly_for(_figures(notebook.cells))),
        '<table class="data': ("tables", scripts.TABLES),
    }
    return dict(name for mark, name in names.items() if mark in whole)


def figures_of(path: Path) -> list[list[dict[str, Any]]]:
    """The traces of every figure that the executed notebook's page draws, in order."""
    return [figure["data"] for figure in _figures(json.loads(path.read_text(encoding="utf-8"))["cells"])]


def parts_of(path: Path) -> set[tuple[str, str, bool, tuple[str, ...]]]:
    """What the executed notebook's page is made of, whatever its numbers: each element's id, kind, whether it has rows, traces."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    shown = (data for data in bundles(cells) if ELEMENT in data)
    return {_kind_of(data[ELEMENT], data.get(FIGURE, {}).get("data", [])) for data in shown}


def _kind_of(element: Mapping[str, Any], traces: Iterable[Mapping[str, Any]]) -> tuple[str, str, bool, tuple[str, ...]]:
    types = sorted({str(trace.get("type", "")) for trace in traces})
    return element["id"], element["kind"], bool(element.get("rows")), tuple(types)


def _figures(cells: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    drawn = [data for data in bundles(cells) if FIGURE in data and not data.get(ELEMENT, {}).get("missing")]
    return [{"data": [], **data[FIGURE]} for data in drawn]
