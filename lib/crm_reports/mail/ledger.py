"""What was mailed: a rerun mails nothing twice.

A row is written as soon as the server has accepted a message. A crash in between mails that one message twice, with
the Message-ID of the first, which Gmail and Exchange show only once.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import MailError
from ..texts import _


@dataclass(frozen=True)
class Ledger:
    """The messages that a server has accepted, by their keys."""

    connection: sqlite3.Connection

    def has(self, key: str) -> bool:
        return self.connection.execute("select 1 from sent where key = ?", (key,)).fetchone() is not None

    def add(self, key: str, *, page: str, recipient: str) -> None:
        """Note it down, on disk when this returns."""
        row = (key, page, recipient, datetime.now(UTC).isoformat(timespec="seconds"))
        with self.connection:
            self.connection.execute("insert or ignore into sent values (?, ?, ?, ?)", row)


@contextmanager
def kept_at(path: Path) -> Iterator[Ledger]:
    """The ledger in the file `path`, made when there is none. One that can't be read stops all mail: MailError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        connection = sqlite3.connect(path)
        try:
            connection.execute(
                "create table if not exists sent (key text primary key, page text, recipient text, at text)"
            )
            yield Ledger(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        words = _(
            "{name!r} in the data folder, which says what was mailed, can't be used ({error}): mend its rights, or "
            "remove it and accept that the last mails go out again",
            name=path.name, error=error,
        )  # fmt: skip
        raise MailError(words) from None
