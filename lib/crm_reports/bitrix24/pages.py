"""Lists a portal whole: by a cursor over ids where a method has one, else by `start`.

Fifty pages of fifty rows go into one request, each page asked for by the last id of the one before it. An id cursor
does not shift while rows change, needs no count, and survives whatever a portal does with a page past the end.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import Any

from ..errors import PortalError
from ..texts import _
from .client import MOST_COMMANDS, Client, Command
from .refusals import Answer, AuthError, Passing

PAGE = 50

Row = dict[str, Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Listing:
    """A method that lists rows: how it is told order and filter, and the wrapper its rows come in."""

    method: str
    select: tuple[str, ...] = ()
    where: Mapping[str, Any] = field(default_factory=dict)
    order: Mapping[str, Any] = field(default_factory=lambda: {"order": {"ID": "ASC"}})
    filter_name: str = "filter"
    others: Mapping[str, Any] = field(default_factory=dict)
    wrapper: str = ""

    def page(self, where: Mapping[str, Any], after: int | str) -> Command:
        """The page of rows that meet `where` and whose ids follow `after`."""
        selected = {"select": list(self.select)} if self.select else {}
        conditions = {**self.where, **where, ">ID": after}
        params = {**self.others, **selected, **self.order, self.filter_name: conditions, "start": -1}
        return Command(self.method, params)

    def last_id_of(self, key: str) -> str:
        """A reference to the last id of a full page that a batch has under `key`."""
        return f"$result[{key}]" + (f"[{self.wrapper}]" if self.wrapper else "") + f"[{PAGE - 1}][ID]"


def rows_of(result: Any, wrapper: str = "") -> list[Row]:
    """The rows in a method's result; none where PHP wrote an empty array."""
    rows = result.get(wrapper) if wrapper and isinstance(result, dict) else result
    rows = list(rows.values()) if isinstance(rows, dict) else rows
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PortalError(_("a list of rows was expected, and {what} came", what=type(result).__name__))
    return rows


def by_id(
    client: Client, listing: Listing, where: Mapping[str, Any] | None = None, after: int = 0
) -> Iterator[list[Row]]:
    """All rows that meet `where` and whose ids follow `after`, a page at a time, their ids strictly rising."""
    pages, most = 1, MOST_COMMANDS
    while True:
        try:
            given = _chain(client, listing, where or {}, after, pages)
        except Passing as slow:
            if not slow.is_slow or pages == 1:
                raise
            pages = most = max(1, pages // 2)
            log.info("%s; asking for %d pages at a time", slow, pages)
            continue
        found = list(_risen(given, listing, after))
        yield from found
        if found and len(found[-1]) < PAGE:
            return
        after = int(found[-1][-1]["ID"]) if found else after
        # One page alone has the client's whole patience: it comes, or says why not.
        pages = min(most, pages * 10) if found else 1


def _chain(
    client: Client, listing: Listing, where: Mapping[str, Any], after: int, pages: int
) -> list[Answer | PortalError]:
    """The answers to `pages` pages in a row; those after the first error are absent."""
    if pages == 1:
        return [client.call(listing.method, **listing.page(where, after).params)]
    cursors = [after, *(listing.last_id_of(f"c{number}") for number in range(pages - 1))]
    commands = {f"c{number}": listing.page(where, cursor) for number, cursor in enumerate(cursors)}
    given = client.batch(commands, halt=True)
    return [given[key] for key in commands if key in given]


def _risen(given: list[Answer | PortalError], listing: Listing, after: int) -> Iterator[list[Row]]:
    """Pages up to the first short one, or to the first that fails or does not go on.

    After a short page the reference to its fiftieth row breaks, and PHP reads the broken one as id 1: early rows again.
    """
    for number, answer in enumerate(given):
        if isinstance(answer, PortalError):
            if number == 0 and not isinstance(answer, Passing):
                raise answer
            return
        rows = rows_of(answer.result, listing.wrapper)
        ids = [after, *(_row_id(row, listing.method) for row in rows)]
        if any(later <= earlier for earlier, later in pairwise(ids)):
            if number == 0:
                raise _does_not_rise(listing.method, after)
            return
        yield rows
        if len(rows) < PAGE:
            return
        after = ids[-1]


def _row_id(row: Row, method: str) -> int:
    try:
        return int(row["ID"])
    except (KeyError, TypeError, ValueError):
        raise PortalError(_("{method} gave a row without an id: {row!r}", method=method, row=list(row))) from None


def _does_not_rise(method: str, after: int) -> PortalError:
    # A portal that drops the filter, or wraps to its first page, would be read for ever.
    words = _("{method} was asked for ids after {after} in rising order and gave others", method=method, after=after)
    return PortalError(words, code="cursor")


def by_start(client: Client, method: str, **params: Any) -> Iterator[list[Row]]:
    """All rows of a method that has no cursor, a page at a time."""
    start: int | None = 0
    seen: set[str] = set()
    while start is not None:
        answer = client.call(method, **params, start=start)
        rows = [row for row in rows_of(answer.result) if str(row.get("ID")) not in seen]
        seen.update(str(row.get("ID")) for row in rows)
        yield rows
        # Past the end legacy methods give page 1 again: a page with nothing new is the end, whatever `next` says.
        start = following(answer, start, len(rows)) if rows else None


def following(answer: Answer, start: int, rows: int) -> int | None:
    """Where the page after this one of so many `rows` starts, None after the last one."""
    if answer.next is not None:
        return answer.next if answer.next > start else None
    return start + PAGE if rows >= PAGE and (answer.total or 0) > start + PAGE else None


def many(client: Client, commands: Iterable[tuple[Any, Command]]) -> Iterator[tuple[Any, Answer | PortalError]]:
    """What each command gave, fifty to a request, in order; the first of a pair is the caller's own name for it."""
    waiting = iter(commands)
    while together := list(islice(waiting, MOST_COMMANDS)):
        yield from _together(client, together)


def _together(client: Client, commands: list[tuple[Any, Command]]) -> Iterator[tuple[Any, Answer | PortalError]]:
    if len(commands) == 1:
        yield commands[0][0], _alone(client, commands[0][1])
        return
    try:
        given = client.batch({f"c{number}": command for number, (_name, command) in enumerate(commands)})
    except Passing as slow:
        if not slow.is_slow:
            raise
        half = len(commands) // 2
        yield from _together(client, commands[:half])
        yield from _together(client, commands[half:])
        return
    for number, (name, command) in enumerate(commands):
        answer = given.get(f"c{number}")
        if isinstance(answer, AuthError):
            raise answer
        yield name, _alone(client, command) if answer is None or isinstance(answer, Passing) else answer


def _alone(client: Client, command: Command) -> Answer | PortalError:
    """The command's answer, asked with all patience; a refusal that time does not heal is given, not raised."""
    try:
        return client.call(command.method, **command.params)
    except (Passing, AuthError):
        raise
    except PortalError as refused:
        return refused


def many_by_start(
    client: Client, names: Iterable[Any], command: Callable[[Any, int], Command], wrapper: str = ""
) -> Iterator[tuple[Any, list[Row] | PortalError]]:
    """All rows of each name, a page at a time; `command(name, start)` asks for a page."""
    waiting: Iterable[tuple[Any, int]] = ((name, 0) for name in names)
    while True:
        later: list[tuple[Any, int]] = []
        for (name, start), answer in many(client, (((name, start), command(name, start)) for name, start in waiting)):
            if isinstance(answer, PortalError):
                yield name, answer
                continue
            yield name, (rows := rows_of(answer.result, wrapper))
            begin = following(answer, start, len(rows))
            later += [] if begin is None else [(name, begin)]
        if not later:
            return
        waiting = later
