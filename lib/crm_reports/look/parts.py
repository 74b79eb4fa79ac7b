"""What a page is made of, piece by piece: questions, the answers to them, and which stand side by side."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise, takewhile
from typing import Any

import nbformat

from ..words.texts import _
from . import outputs, tables
from .figures import Figures
from .mime import ELEMENT, FIGURE, elements
from .page import HERE


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


def parts(
    notebook: nbformat.NotebookNode, figures: Figures, *, show_code: bool, addresses: Mapping[str, str]
) -> list[Part]:
    """The pieces of the notebook's page, in their order; `addresses` says where the links in them lead, by key."""
    cells, name = notebook.cells, _one_manager(notebook)
    last_of_head = next((at for at, cell in enumerate(cells) if "header" in _ids(cell)), 0)
    known = {escape(key): escape(url) for key, url in addresses.items()}
    parts: list[Part] = []
    is_asked = is_open = False  # whether a question stands above, and whether it has shown anything yet
    for at, cell in enumerate(cells):
        follows = at + 1 < len(cells) and bool(_ids(cells[at + 1])) and at > 0
        is_prose = cell.cell_type == "markdown"
        if is_prose:
            is_asked, is_open = follows, False
        for piece, element in _cell(cell, figures, show_code=show_code, leads=follows):
            piece = _titled(piece, name) if name and not parts else piece
            shown = _linked(piece, known)
            shown = _folded(tables.packed(shown), element) if _is_folded(element, is_asked and is_open) else shown
            first = element if is_asked and not is_open and not element.get("missing") else {}
            words = first.get("id", ""), first.get("title", ""), is_asked and is_prose
            parts.append(Part(shown, at <= last_of_head, *words, bool(first) and _is_narrow(first, shown)))
            is_open = is_open or bool(element and not element.get("missing"))
    return _in_pairs(parts)


def _one_manager(notebook: nbformat.NotebookNode) -> str:
    """Whom alone the page is about; "" for several, or nobody in particular."""
    header = next((element for element in elements(notebook.cells) if element.get("kind") == "header"), {})
    people = (header.get("filters") or {}).get("manager") or []
    return str(people[0]["name"]) if len(people) == 1 else ""


def _titled(drawn: str, name: str) -> str:
    """The head of a page about one manager: his name is the title, the report's stands over it."""
    return re.sub(
        r"<h1[^>]*>(.*?)</h1>", lambda found: f'<p class="eyebrow">{found[1]}</p><h1>{escape(name)}</h1>', drawn, count=1,
        flags=re.DOTALL,
    )  # fmt: skip


def _linked(piece: str, known: Mapping[str, str]) -> str:
    """The places that name a link's key lead to it."""
    return re.sub(
        r'<a([^<>]*?) data-link="([^"]*)"',
        lambda place: f'{place[0]} href="{known[place[2]]}"' if place[2] in known else place[0],
        piece,
    )


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


def contents(parts: Sequence[Part]) -> list[Part]:
    """The first answer to each question, where there are enough to look for one."""
    answers = [part for part in parts if part.title]
    return answers if len(answers) >= LEAST_CONTENTS else []


def is_front(parts: Sequence[Part]) -> bool:
    """Whether it says what needs you, beside its first chart. A class: `:has` would style the whole page anew for each text a chart measures."""
    return any(part.html.startswith("<section") and ' id="needs_you"' in part.html[:200] for part in parts)


def _ids(cell: nbformat.NotebookNode) -> list[str]:
    return [element["id"] for element in elements([cell])]


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
