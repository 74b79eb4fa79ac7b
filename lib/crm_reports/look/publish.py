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
from html import escape
from itertools import pairwise, takewhile
from pathlib import Path
from typing import Any, ClassVar

import nbformat
from nbconvert.exporters import TemplateExporter

from .. import charts
from ..words.texts import N_, _, language
from . import behind, lists, outputs, page, scripts, tables, workbook
from .figures import Figures
from .mime import ELEMENT, FIGURE, ROWS
from .page import HERE
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
    parts = _parts(readable, figures, show_code=show_code, links=[*links, *_tiles_links(notebook, links)])
    needed = _needed(parts, notebook)
    tips = Tips()
    parts = _in_pairs([replace(part, html=tips.taken_from(part.html)) for part in parts])
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
        "nav": _nav(links, notebook), "links": links, "parts": parts, "contents": _contents(parts),
        "shared": figures.shared(), "tips": tips.script(), "behind": "" if rows else behind.within(_told(notebook)),
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
    return behind.file_of(_told(notebook))


def _told(notebook: Mapping[str, Any]) -> Mapping[str, Any]:
    outputs = (output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", []))
    return next((data[ROWS] for data in outputs if ROWS in data), {})


def _rows(notebook: nbformat.NotebookNode, address: str) -> dict[str, Any]:
    """Where the rows are, which numbers lead to them, and the sheet of the workbook that lists deals."""
    outputs = (output.get("data", {}) for cell in notebook["cells"] for output in cell.get("outputs", []))
    elements = [data[ELEMENT] for data in outputs if ELEMENT in data]
    return {"address": address, "leads": behind.leading(_told(notebook)), "sheet": workbook.sheet_of(elements, "deals")}


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


# ── What the page is made of ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Part:
    """A piece of the page, in order; what stands above the first number is its head.

    The first that a question shows has an `id` and a `title` for the contents, and says whether it is narrow.
    """

    html: str
    is_head: bool
    id: str = ""
    title: str = ""
    is_question: bool = False
    is_narrow: bool = False


def _titled(drawn: str, name: str) -> str:
    """The head of a page about one manager: his name is the title, the report's stands over it."""
    return re.sub(
        r"<h1[^>]*>(.*?)</h1>", lambda found: f'<p class="eyebrow">{found[1]}</p><h1>{escape(name)}</h1>', drawn, count=1,
        flags=re.DOTALL,
    )  # fmt: skip


def _one_manager(notebook: nbformat.NotebookNode) -> str:
    """Whom alone the page is about; "" for several, or nobody in particular."""
    outputs = (output.get("data", {}).get(ELEMENT, {}) for cell in notebook.cells for output in cell.get("outputs", []))
    header = next((element for element in outputs if element.get("kind") == "header"), {})
    people = (header.get("filters") or {}).get("manager") or []
    return str(people[0]["name"]) if len(people) == 1 else ""


def _parts(notebook: nbformat.NotebookNode, figures: Figures, *, show_code: bool, links: Sequence[Link]) -> list[Part]:
    cells = notebook.cells
    last_of_head = next((at for at, cell in enumerate(cells) if "header" in _ids(cell)), 0)
    name = _one_manager(notebook)
    parts, is_asked, is_open = (
        [],
        False,
        False,
    )  # whether a question stands above, and whether it has shown anything yet
    for at, cell in enumerate(cells):
        follows = at + 1 < len(cells) and bool(_ids(cells[at + 1])) and at > 0
        if cell.cell_type == "markdown":
            is_asked, is_open = follows, False
        for piece, element in _cell(cell, figures, show_code=show_code, leads=follows):
            piece = _titled(piece, name) if name and not parts else piece
            shown = _linked(piece, links)
            shown = _folded(tables.packed(shown), element) if _is_folded(element, is_asked and is_open) else shown
            first = element if is_asked and not is_open and not element.get("missing") else {}
            words = first.get("id", ""), first.get("title", ""), is_asked and not element
            parts.append(Part(shown, at <= last_of_head, *words, bool(first) and _is_narrow(first, shown)))
            is_open = is_open or bool(element and not element.get("missing"))
    return parts


def _is_folded(element: Mapping[str, Any], is_further: bool) -> bool:
    """Whether it is one click away: what follows the first answer to a question, and the glossary."""
    return element.get("kind") == "glossary" or (is_further and element.get("kind") in ("table", "chart", "tiles"))


NARROW = 7  # columns of a table that half of a wide screen has room for


def _is_narrow(element: Mapping[str, Any], piece: str) -> bool:
    """Whether a wide screen has room for two of its kind: a chart, or a short table of few columns."""
    heads = max((row.count("<th") for row in re.findall(r"<thead>.*?</thead>", piece, re.DOTALL)), default=NARROW + 1)
    return element["kind"] == "chart" or (element["kind"] == "table" and heads <= NARROW)


def _in_pairs(parts: Sequence[Part]) -> list[Part]:
    """The parts, each two narrow answers that follow each other in a pair: side by side where a screen is wide enough."""
    starts = [at for at, part in enumerate(parts) if part.is_question] + [len(parts)]
    questions, paired = [parts[start:end] for start, end in pairwise(starts)], list(parts[: starts[0]])
    while questions:
        halves = list(takewhile(lambda question: any(part.is_narrow for part in question), questions[:2]))
        if len(halves) < 2:
            paired += questions.pop(0)
            continue
        paired += [*_wrapped(halves[0], '<div class="pair"><div class="half">', "</div>")]
        paired += [*_wrapped(halves[1], '<div class="half">', "</div></div>")]
        del questions[:2]
    return paired


def _wrapped(parts: Sequence[Part], before: str, after: str) -> Iterator[Part]:
    """The parts with this around them all."""
    for at, part in enumerate(parts):
        yield replace(part, html=before * (at == 0) + part.html + after * (at == len(parts) - 1))


def _folded(piece: str, element: Mapping[str, Any]) -> str:
    return f'<details class="more"><summary>{escape(element["title"] or element["id"])}</summary>{piece}</details>'


LEAST_CONTENTS = 4  # questions; fewer are seen without a list of them


def _contents(parts: Sequence[Part]) -> list[Part]:
    """The first answer to each question, where there are enough to look for one."""
    found = [part for part in parts if part.title]
    return found if len(found) >= LEAST_CONTENTS else []


def _ids(cell: nbformat.NotebookNode) -> list[str]:
    found = (output.get("data", {}).get(ELEMENT) for output in cell.get("outputs", []))
    return [each["id"] for each in found if each]


def _cell(
    cell: nbformat.NotebookNode, figures: Figures, *, show_code: bool, leads: bool
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """What the cell shows, piece by piece, each with the element that it is, if any."""
    if cell.cell_type == "markdown":
        yield _question(outputs.prose(cell), leads=leads), {}
    if cell.cell_type != "code":
        return
    if show_code and cell.source.strip():
        yield (
            f'<details class="code"><summary>{escape(_("Code"))}</summary><pre>{escape(cell.source)}</pre></details>',
            {},
        )
    drawn = ((_output(output, figures), output.get("data", {}).get(ELEMENT, {})) for output in cell.get("outputs", []))
    yield from ((piece, element) for piece, element in drawn if piece)


def _question(drawn: str, *, leads: bool) -> str:
    """A question above an element gives way to its finding: the finding is the heading, the question stands over it."""
    drawn = re.sub(r'\s*<a class="anchor-link".*?</a>', "", drawn)
    if leads:
        drawn = re.sub(r"<h[23][^>]*>(.*?)</h[23]>", r'<p class="eyebrow">\1</p>', drawn, count=1, flags=re.DOTALL)
    return f'<div class="said">{drawn}</div>'


def _output(output: nbformat.NotebookNode, figures: Figures) -> str:
    if output.output_type == "stream":
        return outputs.stream(output)
    if output.output_type == "error":
        return outputs.error(output)
    data = output.get("data", {})
    if ELEMENT in data:
        return _element(data, figures)
    if FIGURE in data:
        return f'<figure class="element chart"><div class="chart"></div>{figures.script(data[FIGURE], heading=True)}</figure>'
    return outputs.shown(data)


def _element(data: Mapping[str, Any], figures: Figures) -> str:
    fragment = re.sub(r'<style class="crm-css">.*?</style>', "", "".join(data["text/html"]), count=1, flags=re.DOTALL)
    return fragment.replace(HERE, figures.script(data[FIGURE], heading=False)) if FIGURE in data else fragment


# ── Links ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _url(links: Iterable[Link], key: str) -> str:
    return next((link.url for link in links if link.key == key), "")


def _tiles_links(notebook: nbformat.NotebookNode, links: Sequence[Link]) -> Iterator[Link]:
    """Where a tile leads: element:ID, deals:COUNT (the list of this page that says so, else of the report that does)."""
    outputs = (output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))
    shown = {data[ELEMENT]["id"]: data[ELEMENT] for data in outputs if ELEMENT in data}
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


def _linked(piece: str, links: Sequence[Link]) -> str:
    """The places that name a link's key lead to it."""
    known = {escape(link.key): escape(link.url) for link in links}
    return re.sub(
        r'<a([^<>]*?) data-link="([^"]*)"',
        lambda found: f'{found[0]} href="{known[found[2]]}"' if found[2] in known else found[0],
        piece,
    )


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
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return {_kind_of(data[ELEMENT], data.get(FIGURE, {}).get("data", [])) for data in shown if ELEMENT in data}


def _kind_of(element: Mapping[str, Any], traces: Iterable[Mapping[str, Any]]) -> tuple[str, str, bool, tuple[str, ...]]:
    types = sorted({str(trace.get("type", "")) for trace in traces})
    return element["id"], element["kind"], bool(element.get("rows")), tuple(types)


def _figures(cells: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    shown = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    drawn = [data for data in shown if FIGURE in data and not data.get(ELEMENT, {}).get("missing")]
    return [{"data": [], **data[FIGURE]} for data in drawn]
