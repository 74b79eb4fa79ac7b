"""Text from bytes: what the file's mark says, else UTF-8, else the encoding in which its words look most like words."""

import codecs
import re
from dataclasses import dataclass
from functools import cache

MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
USUAL = "cp1251"
GUESSES = (USUAL, "cp1252", "cp1250", "koi8-r", "cp866", "latin-1")  # of equals the first
SAMPLE = 200_000  # bytes of words that a guess is made from
BETWEEN_WORDS = set("’‘–—·№\u00a0")
LIKE_MIXED = re.compile(r"(?=.*[aAeE]).*[rR]")
LIKE_NO_WORD = re.compile(r"[aer][AER]|^[eE]{2,}$|[eE]{3}|[aAeErR]\?+[aAeErR]|\?{2}")
WORD = re.compile(rb"[A-Za-z\x80-\xff]*[\x80-\xff][A-Za-z\x80-\xff]*")


@dataclass(frozen=True)
class Decoding:
    """A file's text, the encoding that it was read in, and whether that is beyond doubt."""

    text: str
    encoding: str
    is_sure: bool = True


def decode(data: bytes, setting: str = "") -> Decoding:
    """The text of a file; `setting` is the encoding that the settings say, "" to work it out. UnicodeError: it is not so."""
    by_mark = next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), "")
    encoding = by_mark or setting or _by_content(data)
    if encoding:
        return Decoding(data.decode(encoding), encoding)
    return _guess(data)


def _by_content(data: bytes) -> str:
    """UTF-8, or UTF-16 without its mark; "" when it is neither. One broken letter does not make UTF-8 another encoding."""
    if data.count(0) * 4 > len(data) > 0:
        return "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
    letters = data.decode("utf-8", errors="replace")
    whole = sum(map(len, re.findall(r"[^\x00-\x7f\ufffd]+", letters)))
    return "utf-8" if whole >= 10 * letters.count("\ufffd") else ""


def _guess(data: bytes) -> Decoding:
    """Windows-1251 is sure when it reads as Russian; every other guess is one."""
    words = _words(data)
    strange = {encoding: _strange(words, encoding) for encoding in GUESSES}
    best = min(strange, key=lambda encoding: strange[encoding])
    is_russian = any(re.search("r{3}", _shape(word.decode(best, errors="replace"))) for word in words)
    return Decoding(data.decode(best), best, best == USUAL and is_russian and strange[best] * 10 <= len(words))


def _words(data: bytes) -> list[bytes]:
    """The words beyond ASCII, each once."""
    return list(dict.fromkeys(WORD.findall(data[: SAMPLE * 100])))[: SAMPLE // 20]


def _strange(words: list[bytes], encoding: str) -> float:
    """How many of the words can't be words; endless when the encoding has no such letters at all."""
    try:
        shapes = [_shape(word.decode(encoding)) for word in words]
    except UnicodeDecodeError:
        return float("inf")
    return sum(bool(LIKE_MIXED.search(shape) or LIKE_NO_WORD.search(shape)) for shape in shapes)


def _shape(word: str) -> str:
    """A letter for each letter: a plain, e of another Latin, r Russian, capital or not; "?" for what is in no word."""
    return "".join(map(_class_of, word))


@cache
def _class_of(letter: str) -> str:
    if not letter.isalpha():
        return " " if letter.isascii() or letter in BETWEEN_WORDS else "?"
    kind = "a" if letter.isascii() else "r" if "\u0400" <= letter <= "\u04ff" else "e"
    return kind.upper() if letter.isupper() else kind
