"""What is printed or logged, made harmless: names come from anybody, and a terminal obeys what it is shown."""

import logging
import unicodedata

LONGEST, TAIL = 1000, 250  # the end of a sentence says what to do


def one_line(text: object) -> str:
    """The text on one line that orders a terminal nothing, cut in its middle when it is long."""
    words = " ".join("".join(map(_harmless, str(text))).split(" ")).strip()
    return words if len(words) <= LONGEST else f"{words[: LONGEST - TAIL]} … {words[-TAIL:]}"


def _harmless(character: str) -> str:
    """Itself; a blank for what begins a new line or column, a mark for what is not seen, such as ESC and turns to the left."""
    if character in "\t\n\v\f\r\x85\u2028\u2029":
        return " "
    return "\ufffd" if unicodedata.category(character).startswith("C") else character


def lines(text: str) -> str:
    """A text of ours of several lines, each of them harmless."""
    return "\n".join(map(one_line, text.split("\n")))


class Lines(logging.Formatter):
    """A record on a line of its own; of an error also where it was, farther in, so that no name looks like a record."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:
        return "\n".join(f"  {one_line(line)}" for line in super().formatException(ei).splitlines())


def log_harmlessly() -> None:
    """Whatever is logged where nobody has set up logging is harmless from now on."""
    if logging.lastResort:
        logging.lastResort.setFormatter(Lines())
