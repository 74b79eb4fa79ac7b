"""Whether a page holds all that its notebook shows: every chart, table and tile, traces and rows counted."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

import nbformat

from ..words.texts import N_, _
from . import lists
from .mime import ELEMENT, FIGURE, bundles

KINDS = {"tiles": N_("tiles"), "table": N_("table"), "chart": N_("chart"), "header": N_("header")}


def missing_from(page_html: str, notebook: nbformat.NotebookNode) -> list[str]:
    """A sentence for every chart, table and tile of the notebook that the page lacks, its traces and rows counted."""
    outside, *sections = page_html.split("<section ")
    found = {unescape(id): _Found(unescape(id), "") for id in NAMED.findall(page_html)}
    for section in sections:
        inside, _end, after = section.partition("</section>")
        outside += after
        found |= {unescape(id): _Found(unescape(id), inside) for id in NAMED.findall(inside)[:1]}
    shown = list(bundles(notebook.cells))
    problems = [text for data in shown if ELEMENT in data for text in _lacks(data, found)]
    bare, drawn = sum(1 for data in shown if FIGURE in data and ELEMENT not in data), len(_traces(_scripts(outside)))
    if drawn != bare:
        problems.append(_("the page has {k} of the notebook's {n} charts without an id", k=drawn, n=bare))
    return problems


def _lacks(data: Mapping[str, Any], found: Mapping[str, "_Found"]) -> Iterator[str]:
    element = data[ELEMENT]
    id, kind, rows = element["id"], element["kind"], element.get("rows") or []
    said = {"kind": _(KINDS.get(kind, kind)), "id": id}
    if kind != "text" and id not in found:
        yield _("{kind} {id!r} is not in the page", **said)
        return
    here = found.get(id, _Found(id, ""))
    if FIGURE in data and not element.get("missing"):
        k, n = sum(_traces(here.scripts)), len(data[FIGURE].get("data", []))
        if k != n:
            yield _("{kind} {id!r} has {k} of {n} traces in the page", k=k, n=n, **said)
    ordinary = [row for row in rows if not row.get("is_total")]
    if kind in ("table", "tiles", "chart") and here.rows < len(ordinary):
        yield _("{kind} {id!r} has {k} of {n} rows in the page", k=here.rows, n=len(ordinary), **said)


# The page is our own template's, so its tags are looked for as they are written there: a parser takes ten times as long.
NAMED = re.compile(r'data-element="([^"]*)"')
KIND = re.compile(r'\bclass="(\w+)')
LEFT_OUT = re.compile(r'data-left-out="(\d+)"')
COMMENT = re.compile("<!--.*?-->", re.DOTALL)


@dataclass(frozen=True)
class _Found:
    """What a page holds of an element."""

    id: str
    html: str

    @property
    def scripts(self) -> list[tuple[str, str]]:
        return _scripts(self.html)

    @property
    def rows(self) -> int:
        """How many rows its tables have, tiles its tiles. All of a list's are in a script, the first in a table, too."""
        listed = max((len(lists.unpacked(text)["counts"]) for kind, text in self.scripts if kind == "rows"), default=0)
        packed = "".join("".join(lists.unpacked(text)) for kind, text in self.scripts if kind == "lines")
        more = packed.count("<td" if 'class="matrix' in self.html else "<tr")
        first, *others = self.html.split("<script ")
        bare = first + "".join(each.partition("</script>")[2] for each in others)
        shown = sum(map(_rows, bare.split("<table ")[1:])) + bare.count('<a class="tile') + more
        shown += _left_out(self.html.partition(">")[0])
        return max(shown + (bare.count("<li>") if self.id == "needs_you" else 0), listed)


def _scripts(text: str) -> list[tuple[str, str]]:
    """What the page's own script finds as JSON, and of which kind it is."""
    found = (each.partition('">') for each in text.split('<script type="application/json" class="')[1:])
    return [(kind, rest.partition("</script>")[0]) for kind, _end, rest in found]


def _traces(scripts: Iterable[tuple[str, str]]) -> list[int]:
    """How many traces each figure has."""
    return [len(lists.unpacked(text)["data"]) for kind, text in scripts if kind == "figure"]


def _rows(table: str) -> int:
    """How many rows a table has, or cells if it is a matrix, with those of the columns that it leaves out as empty."""
    attributes, _end, inside = table.partition("</table>")[0].partition(">")
    kind = KIND.search(attributes)
    sought = "<td" if kind and kind[1] == "matrix" else "<tr"
    shown = sum(COMMENT.sub("", body.partition("</tbody>")[0]).count(sought) for body in inside.split("<tbody>")[1:])
    return shown + _left_out(attributes)


def _left_out(attributes: str) -> int:
    """How many rows an element says that it leaves out, as they say nothing."""
    count = LEFT_OUT.search(attributes)
    return int(count[1]) if count else 0
