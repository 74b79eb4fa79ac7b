"""What readers find where a page did not come out: the last one that did, marked as such, or a word that there is none."""

import shutil
from collections.abc import Iterable
from datetime import date
from glob import escape as escape_glob
from html import escape
from pathlib import Path

from ..look import choices
from ..store.disk import write_whole
from ..words import units
from ..words.texts import _, language
from .pages import SUFFIXES, NightReport, Page, day_of
from .planning import Planned

BODY = '<body class="crm">'
LOOK = "margin:0;padding:12px 24px;background:#fff3cd;color:#4d3800;font:600 15px system-ui,sans-serif"


def last_good(key: str, earlier: Iterable[NightReport], out: Path) -> str:
    """The newest page of that key that came out and is still there, "" if there is none."""
    pages = (page.newest for night in earlier for page in night.pages if page.key == key)
    return next((path for path in pages if path and (out / path).is_file()), "")


def stand_in(page: Page, planned_page: Planned, on: date, earlier: Iterable[NightReport], out: Path) -> str:
    """Put something where the page should be, so that no link breaks; the path of the last good page, "" for none."""
    good = last_good(page.key, earlier, out)
    if planned_page.plan and good != planned_page.path(on):
        # Who may open a personal folder need not know what an error says about others.
        error = "" if planned_page.audience else page.error
        path = out / planned_page.path(on)
        write_whole(path, _with_notice(good, error, out) if good else _nothing(page, error))
        if good:
            _copy_others(out / good, path.parent)
    return good


def _with_notice(good: str, error: str, out: Path) -> str:
    sentence = _("This page is of {date}: the one after it did not come out.", date=units.write(day_of(good), "date"))
    return (out / good).read_text(encoding="utf-8").replace(BODY, BODY + _notice(sentence, error), 1)


def _notice(sentence: str, error: str) -> str:
    why = f'<br><span style="font-weight:400">{escape(error)}</span>' if error else ""
    return f'<p class="stale" role="alert" style="{LOOK}">{escape(sentence)}{why}</p>'


def _copy_others(page: Path, folder: Path) -> None:
    """The workbook and the rest beside the stand-in, whose links lead there."""
    others = [page.with_suffix(f".{suffix}") for suffix in SUFFIXES if suffix != "html"]
    named = [page.parent / name for name in choices.beside(page.read_text(encoding="utf-8"))]
    for source in (*others, *named, *page.parent.glob(f"{escape_glob(page.stem)}.rows-*.js")):
        if source.is_file():
            shutil.copyfile(source, folder / source.name)


def _nothing(page: Page, error: str) -> str:
    sentence = _("{name} did not come out, and no earlier one is kept.", name=page.name)
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
    back = f'<p style="padding:0 24px"><a href="../index.html">{escape(_("All reports"))}</a></p>'
    return (
        f'<!doctype html><html lang="{language()}"><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{policy}"><title>{escape(page.name)}</title>{BODY}{_notice(sentence, error)}{back}</body></html>\n'
    )
