"""What the headers, tiles and question marks of a page say of its numbers: each text once, where the page's script finds it."""

import re
from html import unescape

from . import lists

PLACE = re.compile(r'(<th scope="col"[^>]*?|<a class="tile[^>]*?) (?:title|data-tip)="([^"]*)"')
WORDS = re.compile(r'(<div class="glossary"[^>]*>)<dl>(.*?)</dl>', re.DOTALL)
WORD = re.compile(r"<dt>(.*?)</dt><dd>(.*?)(?: <code>(= .*?)</code>)?</dd>", re.DOTALL)


class Tips:
    """The texts by their places in the page's list of them."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def taken_from(self, piece: str) -> str:
        """The piece of a page, its headers, tiles and question marks naming their texts instead of saying them."""
        piece = PLACE.sub(lambda found: f'{found[1]} data-word="{self._place(found[2])}"', piece)
        return WORDS.sub(self._named, piece)

    def script(self) -> str:
        """The texts, for the page's script."""
        return lists.script("tips", list(self._places)) if self._places else ""

    def _named(self, found: re.Match[str]) -> str:
        texts = ("\n".join(filter(None, word)) for word in WORD.findall(found[2]))
        places = " ".join(str(self._place(text)) for text in texts)
        return f'{found[1]}<dl data-words="{places}"></dl>'

    def _place(self, text: str) -> int:
        return self._places.setdefault(unescape(text), len(self._places))
