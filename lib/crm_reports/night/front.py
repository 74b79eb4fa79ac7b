"""What the front door says first: the newest overview's numbers, and what needs somebody."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..look import page as elements
from ..metrics.registry import METRICS
from ..words import context
from .pages import Page

MOST_TILES = 6


@dataclass(frozen=True)
class Front:
    """The overview that is spoken of, its numbers as tiles, and its sentences with the file that proves each, if any."""

    page: Page
    words: str
    tiles: Sequence[Mapping[str, Any]]
    needs: Sequence[tuple[str, str]]


def front(pages: Sequence[Page], out: Path) -> Front | None:
    """What the first overview among the pages says; None where there is none, or it can't be read."""
    overview = next((page for page in pages if page.report == "overview"), None)
    page_json = _read(out / overview.file("json")) if overview and overview.file("json") else {}
    tiles = _rows(page_json, "tiles")
    if overview is None or not tiles:
        return None
    with context.using(currency=str(page_json.get("currency") or "")):
        tile_parts = [elements.tile(row) for row in tiles if row.get("metric") in METRICS]
    proofs = {page.report: page.file("html") for page in reversed(pages)}
    needs = [(str(row.get("text", "")), _proof(row, proofs)) for row in _rows(page_json, "needs_you")]
    return Front(overview, _period(page_json), tile_parts[:MOST_TILES], needs)


def _read(path: Path) -> dict[str, Any]:
    try:
        page_json = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # removed, or of another make: the index has its pages all the same
        return {}
    return page_json if isinstance(page_json, dict) else {}


def _rows(page_json: Mapping[str, Any], id: str) -> list[dict[str, Any]]:
    return ((page_json.get("elements") or {}).get(id) or {}).get("rows") or []


def _proof(row: Mapping[str, Any], proofs: Mapping[str, str]) -> str:
    """The file and place that prove a sentence; "" where no such page came out."""
    file = proofs.get(str(row.get("report")), "")
    return f"{file}#{row.get('element')}" if file else ""


def _period(page_json: Mapping[str, Any]) -> str:
    """What the numbers are of, as the overview's own header says it."""
    return str(next((entry["text"] for entry in page_json.get("words") or ()), ""))
