"""What comes with a mail: the whole page in one file, the workbook, a PDF, pictures of the charts."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import nbformat

from ..look import publish
from ..night import Page
from ..runs.execution import in_words
from ..runs.proof import Chromium
from ..settings import Preset
from ..words import units
from ..words.texts import N_, _, speaking
from . import camera
from .content import SENTENCE, clean
from .delivery import Attachment
from .letter import Picture

log = logging.getLogger(__name__)
T = TypeVar("T")

MOST_BYTES = 15_000_000  # mail servers take 20 to 25 MB, and a mail carries a file as four bytes for three
KINDS = {
    "html": "text/html",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
CALLED = {"html": N_("page"), "xlsx": N_("workbook"), "pdf": "PDF"}


@dataclass(frozen=True)
class Extras:
    """The files and pictures of one page's mails; `lacking` says in sentences what was asked for and is not there."""

    attachments: tuple[Attachment, ...] = ()
    pictures: tuple[Picture, ...] = ()
    lacking: tuple[str, ...] = ()


def extras(
    page: Page, preset: Preset, page_json: Mapping[str, Any], out: Path, *, language: str, browser: Chromium | None
) -> Extras:
    """What the preset asks for, as far as it can be made and a mail server would take it."""
    makers: dict[str, Callable[[], bytes]] = {
        "html": lambda: whole(page, out, language).encode(),
        "xlsx": lambda: (out / page.file("xlsx")).read_bytes(),
        "pdf": lambda: camera.pdf(_chromium(browser), out / page.file("html")),
    }
    day = units.as_instant(page_json["as_of"]).astimezone(ZoneInfo(page_json["filters"]["time_zone"])).date()
    files, lacking = [], []
    for kind in preset.attach:
        content = _try(makers[kind])
        if content is None:
            lacking.append(_("The {file} could not be made.", file=_(CALLED[kind])))
        elif sum(len(attachment.content) for attachment in files) + len(content) > MOST_BYTES:
            lacking.append(_("The {file} is too large for a mail.", file=_(CALLED[kind])))
        else:
            files.append(Attachment(f"{plain(page.name)}-{day}.{kind}", KINDS[kind], content))
    pictures = _try(lambda: _pictures(page, out, _chromium(browser))) if preset.pictures else ()
    if pictures is None:
        lacking.append(_("The {file} could not be made.", file=_("charts")))
    return Extras(tuple(files), pictures or (), tuple(lacking))


def _try(make: Callable[[], T]) -> T | None:
    """What it makes; None, and a line in the log, when that fails: a mail without its PDF is better than none."""
    try:
        return make()
    except Exception as error:
        log.warning("an attachment could not be made: %s", in_words(error))
        return None


def _chromium(browser: Chromium | None) -> Chromium:
    if browser is None:
        raise OSError("there is no Chromium on this machine")
    return browser


def _pictures(page: Page, out: Path, browser: Chromium) -> tuple[Picture, ...]:
    charts = camera.charts(browser, out / page.file("html"))
    return tuple(
        Picture(clean(chart["title"] or chart["id"], SENTENCE), f"chart-{place}@crm-reports", chart["png"])
        for place, chart in enumerate(charts, 1)
    )


def whole(page: Page, out: Path, language: str) -> str:
    """The page with its scripts inside: what is published shares them, and a mail's reader has only this one file."""
    notebook = nbformat.read(out / page.file("ipynb"), as_version=4)
    with speaking(language):
        return publish.html(notebook, language=language)


def plain(name: str) -> str:
    """The name as every file system and mail program takes it."""
    return re.sub(r"[^\w.@+-]+", "-", name).strip("-.")[:80] or "page"
