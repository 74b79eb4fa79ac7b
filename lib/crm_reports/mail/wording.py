"""A message as a chat shows it: a title, its sentences, a way to the report; nothing in it is taken for markup."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from ..words.texts import _, language, many, speaking
from .content import clean
from .delivery import Envelope, Message

TITLE, SENTENCE = 200, 400  # characters
BREAK = "\u200b"  # takes no room and is not seen; `clean` leaves none in what comes from the CRM


@contextmanager
def reading(envelope: Envelope) -> Iterator[Message]:
    """The message, tidy, and inside the block its reader's language."""
    message = envelope.make()
    with speaking(message.language or language()):
        yield tidy(message)


def tidy(message: Message) -> Message:
    """The same on single lines, each cut to what fits a phone, without links and calls that a chat would make of it."""
    sentences = tuple(inert(clean(sentence, SENTENCE)) for sentence in message.sentences)
    return replace(message, title=inert(clean(message.title, TITLE)), sentences=tuple(filter(None, sentences)))


def inert(text: str) -> str:
    """The text in which no address is a link and no @name calls anybody, whatever a customer is called."""
    return text.replace("@", f"@{BREAK}").replace("://", f":{BREAK}//").replace("www.", f"www{BREAK}.")


def fitted(message: Message, most: int, write: Callable[[Message], str]) -> str:
    """What `write` makes of the message, with as many of its sentences as fit into `most` characters of a chat."""
    for count in range(len(message.sentences), 0, -1):
        short = _first(message, count)
        if length(plain(short)) <= most:
            return write(short)
    return write(replace(message, title=_cut(message.title, most - length(_("Open the report")) - 2), sentences=()))


def _first(message: Message, count: int) -> Message:
    left = len(message.sentences) - count
    more = (many("and {n} more in the report", "and {n} more in the report", left),) if left else ()
    return replace(message, sentences=(*message.sentences[:count], *more))


def _cut(text: str, most: int) -> str:
    while length(text) > most:
        text = f"{text[: len(text) - max(2, (length(text) - most) // 2)]}…"
    return text


def length(text: str) -> int:
    """As chats count it: in units of UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def plain(message: Message, *, address: str = "") -> str:
    """The message without any markup; `address` in place of the words that lead to the report."""
    lines = "\n".join(f"• {sentence}" for sentence in message.sentences)
    link = f"{_('Open the report')}{f': {address}' if address else ''}" if message.link else ""
    return "\n\n".join(filter(None, [message.title, lines, link]))
