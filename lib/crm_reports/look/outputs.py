"""What a notebook shows beside the report's elements (prose, pasted pictures, any cell's output) as HTML.

Nothing in it runs or is fetched: pictures stand in the page itself, and whatever a page can't show is said.
"""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from html import escape
from typing import Any
from urllib.parse import unquote

import nbformat
from nbconvert.filters.ansi import ansi2html
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from ..words.texts import _

SVG = "image/svg+xml"  # within <img> no script of it runs
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp", SVG)
PASTED = "attachment:"
DATA = re.compile(rf"data:({'|'.join(map(re.escape, PICTURES))});base64,[A-Za-z0-9+/=\s]+")
# Operating system commands and the like, which name a window or a link; then moves of the cursor and single commands.
ORDERS = re.compile(r"\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b[^\[]")
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def without_controls(text: str) -> str:
    """The text, with a mark in place of each character that no page may hold."""
    return CONTROLS.sub("\ufffd", text)


# ── Prose ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Renderer(IPythonRenderer):
    """Pictures only from the notebook itself; of any other its words, for a page fetches nothing."""

    def image(self, text: str, url: str, title: str | None = None) -> str:
        source = _attachment(self.attachments, unquote(url)) if url.startswith(PASTED) else url
        if DATA.fullmatch(source):
            return f'<img class="output" alt="{escape(text)}" src="{source}">'
        return f"<em>{escape(text)} ({escape(_('a picture that is not in the notebook: paste it into the cell'))})</em>"


def _attachment(attachments: Mapping[str, Any], url: str) -> str:
    """The pasted picture as an address, "" when it is not there."""
    picture = {unquote(name): kinds for name, kinds in attachments.items()}.get(url.removeprefix(PASTED))
    kinds = picture if isinstance(picture, Mapping) else {}
    return next((f"data:{kind};base64,{_text(kinds[kind]).strip()}" for kind in PICTURES if kind in kinds), "")


def prose(cell: nbformat.NotebookNode) -> str:
    """A cell of Markdown with the pictures that were pasted into it."""
    attachments = cell.get("attachments")
    return _render(_(cell.source), attachments) if attachments else markdown(_(cell.source))


@lru_cache(1024)
def markdown(text: str) -> str:
    """Markdown as HTML; tags in it are shown, not obeyed."""
    return _render(text, {})


def _render(text: str, attachments: Mapping[str, Any]) -> str:
    renderer = _Renderer(escape=True, allow_harmful_protocols=False, attachments=dict(attachments))
    try:
        return MarkdownWithMath(renderer=renderer).render(text)
    except RecursionError:  # brackets within brackets
        return _as_text(text)


# ── What cells show ──────────────────────────────────────────────────────────────────────────────────────────────────


def stream(output: nbformat.NotebookNode) -> str:
    """What a cell printed; warnings are for whoever wrote it."""
    return _as_text(output.text) if output.name == "stdout" else ""


def error(output: nbformat.NotebookNode) -> str:
    return f'<pre class="error">{escape(_text(output.ename))}: {escape(_text(output.evalue))}</pre>'


def shown(data: Mapping[str, Any]) -> str:
    """The richest of the kinds in which a cell shows something that a page can hold; of others, that they are there."""
    if "text/html" in data:  # scripts in it do not run: the page's policy knows one script only
        return f'<div class="output scroll">{_text(data["text/html"])}</div>'
    for kind in PICTURES:
        if kind in data:
            return _picture(kind, _text(data[kind]))
    if "text/markdown" in data:
        return markdown(_text(data["text/markdown"]))
    texts = [kind for kind in ("text/latex", *sorted(data), "text/plain") if kind in data and _is_text(kind)]
    rich = next((kind for kind in sorted(data) if not _is_text(kind)), "")
    note = f'<p class="dim">{escape(_("A page can’t show {kind}.", kind=rich[:100]))}</p>' if rich else ""
    return note + (_as_text(_text(data[texts[0]])) if texts else "")


def _is_text(kind: str) -> bool:
    return kind == "application/json" or (kind.startswith("text/") and kind != "text/javascript")


def _picture(kind: str, content: str) -> str:
    base64 = b64encode(content.encode("utf-8", "replace")).decode() if kind == SVG else content.strip()
    return f'<img class="output" alt="" src="data:{kind};base64,{escape(base64)}">'


def _text(value: object) -> str:
    """A MIME bundle's content: a text, a list of its lines, or something in JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return json.dumps(value, ensure_ascii=False, indent=1, default=str)


def _as_text(text: object) -> str:
    """A text as it stands, in the colours that it names for a terminal, without a terminal's other orders."""
    return f"<pre>{ansi2html(ORDERS.sub('', _text(text)))}</pre>"
