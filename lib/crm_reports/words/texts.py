"""The catalogue: every reader-visible word, English in the code, Russian in locale/ru.po.

`_("…")` says a text in the reader's language now; `N_("…")` marks one that is said later (a metric's title).
"""

import gettext
from contextlib import AbstractContextManager
from functools import cache
from importlib.resources import files
from io import BytesIO

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from . import context

LANGUAGES = ("en", "ru")


def use(language: str) -> None:
    """From now on say everything in `language`, one of LANGUAGES."""
    context.use(language=_check(language))


def speaking(language: str) -> AbstractContextManager[None]:
    """Say everything in `language` inside the block."""
    return context.using(language=_check(language))


def _check(language: str) -> str:
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is not known; use one of {', '.join(LANGUAGES)}")
    return language


def language() -> str:
    """The language texts are said in now."""
    return context.current().language


@cache
def _catalogue(language: str) -> gettext.NullTranslations:
    # The .po is compiled in memory: a stale or missing .mo file would silently give English.
    path = files("crm_reports.words") / "locale" / f"{language}.po"
    if language == "en" or not path.is_file():
        return gettext.NullTranslations()
    binary = BytesIO()
    write_mo(binary, read_po(BytesIO(path.read_bytes()), locale=language))
    binary.seek(0)
    return gettext.GNUTranslations(binary)


_ALSO: dict[str, str] = {}


def also(english: str, russian: str) -> None:
    """Say this text, of a company's own, so in Russian; nothing where there is no Russian of it."""
    if russian:
        _ALSO[english] = russian


def N_(text: str) -> str:
    """The text itself, marked for the catalogue."""
    return text


def _(text: str, **values: object) -> str:
    """The text in the reader's language, its {names} filled with `values`."""
    translation = _catalogue(language()).gettext(text) if text else ""
    if translation == text and language() == "ru":
        translation = _ALSO.get(text, text)
    return translation.format(**values) if values else translation


def many(one: str, several: str, count: int, **values: object) -> str:
    """The right plural form for `count`; {n} is the count, its thousands apart as `units` has them."""
    digits = f"{count:,}".replace(",", "\N{NO-BREAK SPACE}")
    return _catalogue(language()).ngettext(one, several, count).format(n=digits, **values)
