"""The two bodies of a mail, HTML and plain text, small enough for Gmail to show them whole.

Outlook draws HTML with Word: tables, inline styles and explicit widths, nothing newer. Nothing is fetched and nothing
runs, so the mail reads the same with images and scripts off.
"""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from functools import cache

import css_inline

from .. import charts
from ..errors import MailError
from ..look import templates
from ..words.texts import _, language
from .content import Content, more_words

MOST_BYTES = 100_000  # Gmail cuts a mail off at 102 KB
_ROOM_FOR_HEADERS = 4_000
# What is tried in turn until the mail is small enough: rows of a list, deals, sentences of a kind.
_SIZES = ((15, 25, 10), (10, 15, 10), (6, 8, 8), (3, 4, 5), (0, 0, 5), (0, 0, 2))


@dataclass(frozen=True)
class Picture:
    """A chart as a PNG that the HTML shows by its `cid`."""

    title: str
    cid: str
    png: bytes


@dataclass(frozen=True)
class Letter:
    """The bodies of one mail; `html` shows `pictures`."""

    html: str
    text: str
    pictures: tuple[Picture, ...] = ()


def write(content: Content, *, link: str = "", footer: Sequence[str] = (), pictures: Sequence[Picture] = ()) -> Letter:
    """The letter in the language of the moment. Rows go first when it is too large, and it says how many went."""
    for rows, deals, sentences in _SIZES:
        cut = content.cut(rows=rows, deals=deals, sentences=sentences)
        letter = _draw(cut, link=link, footer=footer, pictures=pictures)
        if size(letter) + _ROOM_FOR_HEADERS <= MOST_BYTES:
            return letter
    raise MailError(_("the mail of {name!r} is too large even without its lists", name=content.name))


def size(letter: Letter) -> int:
    """The bytes of both bodies as they cross the network, without pictures and attachments."""
    message = EmailMessage()
    put_into(message, letter)
    return len(bytes(message))


def put_into(message: EmailMessage, letter: Letter) -> None:
    """Make the letter the message's body: readers of plain text and of HTML find their own."""
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")


def _draw(content: Content, *, link: str, footer: Sequence[str], pictures: Sequence[Picture]) -> Letter:
    values = {"mail": content, "link": link, "footer": footer, "pictures": pictures, "preview": _preview(content)}
    values |= {"more": more_words, "wrap": wrap}
    html = templates.render("mail.html.j2", **values, language=language(), c=_look(0), d=_look(1))
    text = templates.render("mail.txt.j2", **values)
    return Letter(_inline(html), text.strip() + "\n", tuple(pictures))


def _preview(content: Content) -> str:
    """What a list of mails shows beside the subject."""
    return next(iter((*content.needs, *content.findings, content.deals.heading)), "")


@cache
def _look(dark: int) -> dict[str, str]:
    return {role: pair[dark] for role, pair in charts.THEME.items()}


def _inline(html: str) -> str:
    """The styles in the elements, where Outlook looks for them; those for phones and dark mode stay in the head."""
    return css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False).inline(html)


def wrap(text: str, mark: str) -> str:
    """The text in lines of at most 76 characters, the first behind `mark`, the others under it."""
    return textwrap.fill(text, 76, initial_indent=mark, subsequent_indent=" " * len(mark), break_on_hyphens=False)
