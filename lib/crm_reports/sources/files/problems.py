"""What is wrong with the files, in sentences: what stops the import, and what is only to be known."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import FilesError, all_at_once
from ...words.texts import _

MOST = 20  # sentences in one error


@dataclass
class Problems:
    """Sentences about what can't be read: the first ones, and how many more there are; and `remarks` on what could be."""

    sentences: list[str] = field(default_factory=list)
    more: int = 0
    remarks: list[dict[str, Any]] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        if len(self.sentences) < MOST:
            self.sentences.append(sentence)
        else:
            self.more += 1

    def add_rows(self, bad: np.ndarray, sentence: Callable[[int], str]) -> None:
        """A sentence for each bad row; made for those only that are shown."""
        rows = np.flatnonzero(bad)
        room = max(MOST - len(self.sentences), 0)
        self.sentences += [sentence(int(row)) for row in rows[:room]]
        self.more += len(rows[room:])

    def remark(self, table: str, code: str, text: str, *, is_general: bool = False) -> None:
        """Something that did not stop the import, for the top of pages; `is_general`: it tells nothing of any row."""
        self.remarks.append({"table": table, "code": code, "text": text, "is_general": is_general})

    def tell(self) -> None:
        """One FilesError with every sentence; nothing when there is none."""
        all_at_once([*self.sentences, *([_("… and {n} more", n=self.more)] if self.more else [])], FilesError)


def quoted(cell: object) -> str:
    """What a cell holds, quoted and not too long."""
    text = repr("" if cell is None else cell if isinstance(cell, str) else str(cell))
    return text if len(text) <= 60 else f"{text[:59]}…"
