"""What a page of a list is, how lists without a cursor are paged by `start`, and many small questions asked at once."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ...errors import PortalError
from ...words.texts import _
from .client import MOST_COMMANDS, Client, Command
from .refusals import Answer, AuthError, Passing, Reply

PAGE = 50

Row = dict[str, Any]


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
        selection = {"select": list(self.select)} if self.select else {}
        conditions = {**self.where, **where, ">ID": after}
        params = {**self.others, **selection, **self.order, self.filter_name: conditions, "start": -1}
        return Command(self.method, params)

    def newest(self) -> Command:
        """The page that begins with the greatest id."""
        falling = {
            name: {"ID": "DESC"} if isinstance(direction, Mapping) else "DESC"
            for name, direction in self.order.items()
            if name.lower() == "order"
        }
        params = {**self.others, "select": ["ID"], **self.order, **falling, self.filter_name: dict(self.where)}
        return Command(self.method, params | {"start": -1})

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


def by_start(client: Client, method: str, **params: Any) -> Iterator[list[Row]]:
    """All rows of a method that has no cursor, a page at a time."""
    start: int | None = 0
    ids: set[str] = set()
    while start is not None:
        answer = client.call(method, **params, start=start)
        rows = [row for row in rows_of(answer.result) if str(row.get("ID")) not in ids]
        ids.update(str(row.get("ID")) for row in rows)
        yield rows
        # Past the end legacy methods give page 1 again: a page with nothing new is the end, whatever `next` says.
        start = following(answer, start, len(rows)) if rows else None


def following(answer: Answer, start: int, rows: int) -> int | None:
    """Where the page after this one of so many `rows` starts, None after the last one."""
    if answer.next is not None:
        return answer.next if answer.next > start else None
    return start + PAGE if rows >= PAGE and (answer.total or 0) > start + PAGE else None


def by_many(items: Iterable[Any], size: int) -> Iterator[tuple[Any, ...]]:
    """The items in groups of `size`; the last one may be smaller."""
    waiting = iter(items)
    while together := tuple(islice(waiting, size)):
        yield together


Asked = tuple[Any, Reply]


def many(client: Client, commands: Iterable[tuple[Any, Command]]) -> Iterator[Asked]:
    """What each command gave, in order, fifty to a request; the first of a pair is the caller's own name for it."""
    running: deque[Future[list[Asked]]] = deque()
    pool = ThreadPoolExecutor(client.together, "bitrix24")
    try:
        for together in by_many(commands, MOST_COMMANDS):
            running.append(pool.submit(copy_context().run, _together, client, together))
            if len(running) >= client.together:
                yield from running.popleft().result()
        while running:
            yield from running.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _together(client: Client, commands: tuple[tuple[Any, Command], ...]) -> list[Asked]:
    if len(commands) == 1:
        return [(commands[0][0], alone(client, commands[0][1]))]
    try:
        replies = client.batch({f"c{number}": command for number, (_name, command) in enumerate(commands)})
    except Passing as slow:
        if not slow.is_slow:
            raise
        half = len(commands) // 2
        return _together(client, commands[:half]) + _together(client, commands[half:])
    refusal = next((reply for reply in replies.values() if isinstance(reply, AuthError)), None)
    if refusal:
        raise refusal
    return [(name, _come(client, command, replies.get(f"c{n}"))) for n, (name, command) in enumerate(commands)]


def _come(client: Client, command: Command, reply: Reply | None) -> Reply:
    return alone(client, command) if reply is None or isinstance(reply, Passing) else reply


def alone(client: Client, command: Command) -> Reply:
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
