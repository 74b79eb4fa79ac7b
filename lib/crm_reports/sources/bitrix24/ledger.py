"""What a reading asks of the store, and what it finds beside the rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from . import tables
from .pages import Row
from .userfields import Wanted

Chunk = tuple[str, list[Row]]  # a table, and rows of it


class Ledger(Protocol):
    """What the store holds of this portal, and what has come of it so far. Ids are many: it keeps them on disk."""

    since: Mapping[str, datetime]
    """The instant from which each table is to be read again; a table that was never read is not in it."""
    swept_at: datetime | None
    """When it was last looked what is gone."""

    def rows(self, table: str) -> int:
        """How many are held."""

    def last_id(self, table: str) -> int:
        """The greatest id that is held, 0 for none."""

    def ids_in_store(self, table: str, ids: Sequence[int]) -> set[int]:
        """Which of these are held."""

    def note_alive(self, table: str, rows: Sequence[tuple[int, Sequence[datetime | None]]]) -> None:
        """The portal shows rows of these ids and stamps now."""

    def missing_ids(self, table: str) -> list[int]:
        """Held, and not alive; without the activities of deals that are out of sight."""

    def differing(self, table: str) -> list[int]:
        """Alive, not come, and not held or held with other stamps."""

    def moved_over(self, deals: Mapping[str, str]) -> set[int]:
        """Which of these deals are held in another pipeline than the one given."""

    def orphans(self, table: str) -> list[int]:
        """Held deals, leads or activities of what was taken out."""

    def take_out(self, table: str, ids: Sequence[int]) -> None:
        """These were deleted."""

    def keep_unseen(self, table: str, ids: Sequence[int]) -> None:
        """These are out of sight, and stay as they were."""

    def note_unanswered(self, activity_ids: Sequence[str]) -> None:
        """Telephony says that nobody answered these calls."""

    def unanswered_calls(self, activity_ids: Sequence[str]) -> set[str]:
        """Which of these calls nobody answered, as far as was ever told."""

    def mistaken(self) -> list[int]:
        """The calls that are held as actions, and of which telephony now says that nobody answered."""

    def own_fields(self) -> Mapping[Wanted, Row]:
        """The company's own fields that are held, as the last sync knew them."""

    def baskets(self) -> list[int]:
        """The deals whose product rows may be others than those held."""

    def elements(self, kind: Literal["changed", "alive", "all"]) -> Iterator[tables.Element]:
        """What came and may have comments, deals first; "alive" adds what is held in work or has comments, "all" all."""

    def lively(self) -> int:
        """How many are held in work or have comments."""

    def note_commented(self, elements: Sequence[tables.Element]) -> None:
        """The comments of these were read whole: those that did not come are gone."""


@dataclass(frozen=True)
class Hole:
    """A table, or a part of it, that could not be had: Bitrix24's code and a sentence for the reader.

    `is_general`: it is said of the source and counts no rows, so that any reader may know.
    """

    table: str
    code: str
    text: str
    is_general: bool = True


@dataclass
class Findings:
    """What a reading learnt beside the rows: fills while the rows are taken."""

    present: list[str] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    swept: bool = False
