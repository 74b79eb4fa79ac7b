"""Lists by a cursor over ids: several lists at once, several requests at once, fifty pages of fifty rows in each.

Every page is asked for by the last id of the one before it, so one request holds a chain of pages, and a cursor does not
shift while rows change, needs no count, and survives whatever a portal does with a page past the end. A chain is one
after the other, and a portal takes seconds over fifty pages: so a long list's ids are shared out among the requests.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil, inf
from typing import Any

from ...errors import PortalError
from ...words.texts import _
from .client import MOST_COMMANDS, Client, Command
from .pages import PAGE, Listing, Row, alone, many, rows_of
from .refusals import Answer, AuthError, Passing, Reply

FULL = MOST_COMMANDS * PAGE
# A range of fewer rows is not worth another request that comes back half empty.
WORTH_SHARING = 2 * FULL

Replies = list[Reply]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ask:
    """The rows of a listing that meet `where` and whose ids follow `after`, under the caller's own `name` for them.

    `is_long` lets its ids be shared out among requests, for one command more; `goes_on` may end the list after any rows.
    """

    name: Any
    listing: Listing
    where: Mapping[str, Any] = field(default_factory=dict)
    after: int = 0
    is_long: bool = False
    goes_on: Callable[[list[Row]], bool] = lambda rows: True


@dataclass
class _Span:
    """A range of an ask's ids: behind `after`, up to `until`; `asked` pages of it are on their way."""

    ask: Ask
    after: int
    until: float = inf
    last: float = 0  # the greatest id of the whole list, as far as known
    pages: int = 1
    asked: int = 0
    is_alone: bool = False  # its next page goes without company: the client then has all its patience for it
    gap: float = 1.0  # between two ids, as seen so far

    def commands(self, number: int) -> dict[str, Command]:
        """A chain of `asked` pages whose keys begin with c{number}."""
        keys = [f"c{number + place}" for place in range(self.asked)]
        cursors = [self.after, *(self.ask.listing.last_id_of(key) for key in keys)]
        where = dict(self.ask.where) | ({} if self.until == inf else {"<=ID": int(self.until)})
        return {key: self.ask.listing.page(where, cursor) for key, cursor in zip(keys, cursors, strict=False)}

    @property
    def on_its_way(self) -> float:
        """About the last id of what was asked for."""
        return self.after + self.asked * PAGE * self.gap

    @property
    def rest(self) -> float:
        """About how many rows are there behind what was asked for."""
        return (min(self.until, self.last) - self.on_its_way) / self.gap

    @property
    def need(self) -> int:
        """Pages that are left of it, rather one too many: an almost empty request more costs the most."""
        rest = (min(self.until, max(self.last, self.after)) - self.after) / self.gap
        return MOST_COMMANDS if self.until == inf and not self.last else ceil(1.1 * rest / PAGE) + 1

    def share(self) -> "_Span":
        """The farther half of the rest, which this span then leaves out; what stays fills its requests."""
        requests = max(1, round(self.rest / 2 / FULL))
        middle = int(self.on_its_way + (requests * FULL - 2 * PAGE) * self.gap)
        half = _Span(self.ask, middle, self.until, self.last, MOST_COMMANDS, gap=self.gap)
        self.until = middle
        return half

    def take(self, reply: Replies) -> tuple[list[Row], bool]:
        """The rows of the pages that came in order, and whether the span is at its end.

        After a short page the reference to its fiftieth row breaks, and PHP reads the broken one as id 1: early rows
        again. So the first page that is short, fails or does not rise is the last one that counts.
        """
        rows: list[Row] = []
        for number, answer in enumerate(reply):
            given_rows = None if isinstance(answer, PortalError) else rows_of(answer.result, self.ask.listing.wrapper)
            # Some portals' activities come twice in a page, once for each binding.
            page = given_rows and list({_row_id(row, self.ask.listing.method): row for row in given_rows}.values())
            ids = [self.after, *(_row_id(row, self.ask.listing.method) for row in page or ())]
            if page is not None and all(earlier < later for earlier, later in pairwise(ids)):
                rows_inside = [row for row, row_id in zip(page, ids[1:], strict=True) if row_id <= self.until]
                rows += rows_inside
                self.after = ids[-1]
                if len(given_rows) < PAGE or len(rows_inside) < len(page) or self.after >= self.until:
                    return rows, True
            elif number == 0:
                raise answer if page is None else _does_not_rise(self.ask.listing.method, self.after)
            else:
                break
        return rows, False


class _Work:
    """What is still to ask, and what is on its way."""

    def __init__(self, client: Client, asks: Iterable[Ask]) -> None:
        asks = list(asks)
        last = _last_ids(client, asks)
        self._client = client
        self._waiting = deque(
            # A long list whose length is known needs no small first requests to find out.
            _Span(ask, ask.after, last=last.get(place, 0), pages=MOST_COMMANDS if place in last else 1)
            for place, ask in enumerate(asks)
        )
        self._running: dict[Future[list[Replies]], list[_Span]] = {}
        self._ended: set[Any] = set()
        self._most = MOST_COMMANDS

    def send(self, pool: ThreadPoolExecutor) -> bool:
        """Whether anything is on its way, after as many requests have been sent as may run together."""
        while len(self._running) < self._client.together and (self._waiting or self._share_out()):
            spans = list(self._fill_request())
            self._running[pool.submit(copy_context().run, _ask, self._client, spans)] = spans
        return bool(self._running)

    def _fill_request(self) -> Iterator[_Span]:
        room = self._most
        while self._waiting and room and (room == self._most or not self._waiting[0].is_alone):
            span = self._waiting.popleft()
            span.asked = 1 if span.is_alone else min(span.pages, span.need, room)
            room = 0 if span.is_alone else room - span.asked
            yield span

    def _share_out(self) -> bool:
        """Whether the longest list on its way could be shared with an idle request."""
        spans = (span for spans in self._running.values() for span in spans)
        longest = max(spans, key=lambda candidate: candidate.rest, default=None)
        if not longest or longest.rest < WORTH_SHARING:
            return False
        self._waiting.append(longest.share())
        return True

    def receive(self) -> Iterator[tuple[Any, list[Row] | PortalError]]:
        """What has come, by the names of the asks; waits for the next request that ends."""
        futures, _running = wait(self._running, return_when=FIRST_COMPLETED)
        for future in futures:
            spans = self._running.pop(future)
            try:
                answers = future.result()
            except Passing as slow:
                self._ask_for_less(spans, slow)
                continue
            for span, reply in zip(spans, answers, strict=True):
                yield from self._sorted_out(span, reply)

    def _ask_for_less(self, spans: list[_Span], slow: Passing) -> None:
        pages = sum(span.asked for span in spans)
        if not slow.is_slow or pages == 1:
            raise slow
        self._most = max(1, min(self._most, pages) // 2)
        log.info("%s; asking for %d pages at a time", slow, self._most)
        for span in reversed(spans):
            span.pages = max(1, span.asked // 2)
            self._waiting.appendleft(span)

    def _sorted_out(self, span: _Span, reply: Replies) -> Iterator[tuple[Any, list[Row] | PortalError]]:
        name, before = span.ask.name, span.after
        if name in self._ended:
            return
        try:
            rows, is_whole = span.take(reply)
        except AuthError:
            raise
        except Passing:
            span.is_alone = True
            self._waiting.appendleft(span)
            return
        except PortalError as refused:
            self._ended.add(name)
            yield name, refused
            return
        span.is_alone = False
        if rows:
            span.gap = max(1.0, (span.after - before) / len(rows))
            if not span.ask.goes_on(rows):
                self._ended.add(name)
                return
            yield name, rows
        if not is_whole:
            span.pages = min(MOST_COMMANDS, span.asked * 10)
            self._waiting.append(span)


def lists(client: Client, asks: Iterable[Ask]) -> Iterator[tuple[Any, list[Row] | PortalError]]:
    """All rows of every ask as (name, rows), in any order; a list that is refused ends with (name, error)."""
    work = _Work(client, asks)
    pool = ThreadPoolExecutor(client.together, "bitrix24")
    try:
        while work.send(pool):
            yield from work.receive()
    finally:
        pool.shutdown(cancel_futures=True)


def by_id(
    client: Client, listing: Listing, where: Mapping[str, Any] | None = None, after: int = 0
) -> Iterator[list[Row]]:
    """All rows that meet `where` and whose ids follow `after`, their ids rising; raises what the portal refuses."""
    for _name, rows in lists(client, [Ask(None, listing, where or {}, after)]):
        if isinstance(rows, PortalError):
            raise rows
        yield rows


def _ask(client: Client, spans: list[_Span]) -> list[Replies]:
    """What each span's pages gave; those after an absent one are left out."""
    commands: dict[str, Command] = {}
    chains = []
    for span in spans:
        chain = span.commands(len(commands))
        chains.append(chain)
        commands |= chain
    if len(commands) == 1:
        return [[alone(client, *commands.values())]]
    replies = client.batch(commands)
    return [[replies.get(key, Passing(_("Bitrix24 left a command out"))) for key in chain] for chain in chains]


def _last_ids(client: Client, asks: list[Ask]) -> dict[int, float]:
    """The greatest id of each long list, by its place; a list that does not tell is read by one chain."""
    long = [(place, ask.listing.newest()) for place, ask in enumerate(asks) if ask.is_long]
    last: dict[int, float] = {}
    for place, answer in many(client, long):
        if isinstance(answer, Answer) and (rows := rows_of(answer.result, asks[place].listing.wrapper)):
            last[place] = max(_row_id(row, asks[place].listing.method) for row in rows)
    return last


def _row_id(row: Row, method: str) -> int:
    try:
        return int(row["ID"])
    except (KeyError, TypeError, ValueError):
        raise PortalError(_("{method} gave a row without an id: {row!r}", method=method, row=list(row))) from None


def _does_not_rise(method: str, after: int) -> PortalError:
    # A portal that drops the filter, or wraps to its first page, would be read for ever.
    words = _("{method} was asked for ids after {after} in rising order and gave others", method=method, after=after)
    return PortalError(words, code="cursor")
