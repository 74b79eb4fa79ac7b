"""What was mailed: a rerun mails nothing twice.

A row is written as soon as the server has accepted a message. A crash in between mails that one message twice, with
the Message-ID of the first, which Gmail and Exchange show only once.

A ledger that is damaged may have forgotten. It is set aside, what can be read of it goes into a new one, and of pages that
were made before its last line was written nobody knows any more whether they were mailed: they are not mailed again.
"""

import logging
import os
import re
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..errors import MailError
from ..store.disk import privately, set_aside
from ..words.texts import _

log = logging.getLogger(__name__)

TABLES = (
    "create table if not exists sent (key text primary key, page text, recipient text, at text)",
    "create table if not exists doubts (until text)",
)
# What the engine says when the file is not for us to use, whatever is in it.
REFUSALS = {
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_NOMEM,
}  # fmt: skip


@dataclass(frozen=True)
class Ledger:
    """The messages that a server has accepted, by their keys; `damage` is a sentence about what was just set aside."""

    connection: sqlite3.Connection
    damage: str = ""

    def has(self, key: str) -> bool:
        return self.connection.execute("select 1 from sent where key = ?", (key,)).fetchone() is not None

    def may_have_forgotten(self, made_at: str) -> bool:
        """Whether what was made at that instant could have been mailed before a ledger was damaged."""
        doubts = [datetime.fromisoformat(until) for (until,) in self.connection.execute("select until from doubts")]
        return bool(doubts) and (not made_at or datetime.fromisoformat(made_at) <= max(doubts))

    def add(self, key: str, *, page: str, recipient: str) -> None:
        """Note it down, on disk when this returns."""
        row = (key, page, recipient, datetime.now(UTC).isoformat(timespec="seconds"))
        with self.connection:
            self.connection.execute("insert or ignore into sent values (?, ?, ?, ?)", row)


@contextmanager
def kept_at(path: Path) -> Iterator[Ledger]:
    """The ledger in the file `path`, made when there is none. One that can't be used stops all mail: MailError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with privately():
            damage = _set_right(path)
            connection = sqlite3.connect(path)
        with closing(connection):
            yield Ledger(connection, damage)
    except sqlite3.Error as error:
        words = _(
            "{name!r} in the data folder, which says what was mailed, can't be used ({error}): mend its rights, or "
            "remove it and accept that the last mails go out again",
            name=path.name,
            error=error,
        )
        raise MailError(words) from None


@contextmanager
def kept_where_possible(path: Path) -> Iterator[Ledger]:
    """The same for a mail that has to go out: where the file can't be used, one that lasts as long as this process."""
    with ExitStack() as stack:
        try:
            ledger = stack.enter_context(kept_at(path))
        except MailError as error:
            log.warning("%s", error)
            ledger = Ledger(stack.enter_context(closing(sqlite3.connect(":memory:"))))
            _make(ledger.connection)
        yield ledger


def _make(connection: sqlite3.Connection) -> None:
    with connection:
        for table in TABLES:
            connection.execute(table)


# ── What is damaged ──────────────────────────────────────────────────────────────────────────────────────────────────


def _set_right(path: Path) -> str:
    """A ledger that can be relied on at `path`; a sentence when another one was there."""
    if not path.exists():
        log.info("a record of what is mailed is begun in %s", path)
        with closing(sqlite3.connect(path)) as connection:
            _make(connection)
        return ""
    until = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    damage = _damage(path)
    if not damage:
        return ""
    aside = _set_aside(path)
    keys = _rescue(aside)
    with closing(sqlite3.connect(path)) as connection:
        _make(connection)
        with connection:
            rows = [(key, "", "", until.isoformat()) for key in keys]
            connection.executemany("insert or ignore into sent values (?, ?, ?, ?)", rows)
            connection.execute("insert into doubts values (?)", (until.isoformat(),))
    return _(
        "the record of what was mailed was damaged ({damage}) and is kept as {aside}; pages made before {until} are not "
        "mailed, because they may have been",
        damage=damage,
        aside=aside.name,
        until=until.isoformat(" ", "minutes"),
    )


def _damage(path: Path) -> str:
    """What is wrong with the file, "" when nothing is. sqlite3.Error: it is not for us to use."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            (verdict,) = connection.execute("pragma integrity_check").fetchone()
            connection.execute("select key, page, recipient, at from sent limit 1")
            connection.execute("begin immediate")
            connection.execute("rollback")
    except sqlite3.Error as error:
        if (code := error.sqlite_errorcode & 0xFF) in REFUSALS:
            raise
        if code == sqlite3.SQLITE_READONLY and not os.access(path, os.W_OK):
            raise
        return str(error)
    return "" if verdict == "ok" else verdict.splitlines()[-1]


def _set_aside(path: Path) -> Path:
    """The file under another name, and with it what a crash left to be undone, which is not the new one's."""
    aside, journal = set_aside(path), path.with_name(f"{path.name}-journal")
    if journal.exists():
        journal.rename(aside.with_name(f"{aside.name}-journal"))
    return aside


def _rescue(path: Path) -> set[str]:
    """The keys that can still be read, from the table and from its index."""
    ids: set[str] = set()
    with closing(sqlite3.connect(path)) as connection:
        connection.text_factory = lambda text: text.decode("utf-8", "replace")
        for sql in ("select key from sent not indexed", "select key from sent order by key"):
            ids.update(_as_far_as_it_goes(connection, sql))
    return {key for key in ids if re.fullmatch("[0-9a-f]{64}", key)}


def _as_far_as_it_goes(connection: sqlite3.Connection, sql: str) -> Iterable[str]:
    with suppress(sqlite3.Error):
        for (key,) in connection.execute(sql):
            yield str(key)
