"""How one row of an alert stands, and what a reader is told of it."""

from dataclasses import dataclass

from .pages import NO_PAGES, Pages

FIRED = ("below", "above", "rose", "fell", "warn", "error")


@dataclass(frozen=True)
class State:
    """How one row of an alert stands: `kind` is one of FIRED, "" where all is well, "missing" where nobody knows.

    "near" has changed by half of what would make it speak, or by chance: what was told of it is not over yet.
    `row` is its id, "" for the whole. `span` is the calendar's month, quarter … that it is about, "" for days that
    roll on. `distance` grows as it gets worse. `title` and `sentences` are what a reader is told.
    """

    alert: str
    row: str
    name: str
    kind: str
    span: str
    distance: float
    title: str
    sentences: tuple[str, ...] = ()
    pages: Pages = NO_PAGES

    @property
    def has_fired(self) -> bool:
        return self.kind in FIRED
