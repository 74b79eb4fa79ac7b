"""Reads a portal: everything the first time, later what changed, what came and what is gone.

Nothing tells what was deleted, so the ids that the portal still shows are compared with those that are held; and a row
may come into sight with an old id and an old date (restored, or a right granted), so they are compared both ways.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from ..errors import PortalError, ScopeError
from ..texts import N_, _
from . import tables, values
from .client import Client, Command
from .pages import PAGE, Row, many
from .refusals import AuthError, Passing

log = logging.getLogger(__name__)

SWEPT = ("deals", "leads", "activities")
OWNERS = {"deals": "deal", "leads": "lead", "companies": "company", "contacts": "contact"}
# More than this share, and more than so many rows, gone at once may mean rights lost, not rows deleted.
MUCH_SHARE, MUCH_ROWS, SAMPLE = 0.05, 20, 50
OUT_OF_SIGHT = "out_of_sight"

SCOPES = {
    "managers": ("user", "user_brief", "user_basic"),
    "departments": ("department",),
    "calls": ("telephony",),
}
LOST = {
    "pipelines": N_("names of pipelines"),
    "stages": N_("names and order of stages, the funnel, sources and loss reasons"),
    "managers": N_("names of managers and their departments"),
    "departments": N_("departments"),
    "currencies": N_("prices of deals in other currencies"),
    "leads": N_("leads"),
    "companies": N_("names of companies"),
    "contacts": N_("names of contacts"),
    "stage_history": N_("days won and lost, stage conversion, time in stage, stage moves"),
    "calls": N_("which calls nobody answered: all made calls count"),
    "activities": N_("calls, meetings, e-mails, CRM activities and next steps"),
    "comments": N_("comments"),
}


@dataclass(frozen=True)
class Known:
    """What was read before: nothing, before the first time. Ids are the portal's, by table.

    `since` is told per table: one that was refused last night was last read the night before.
    """

    since: Mapping[str, datetime] = field(default_factory=dict)
    ids: Mapping[str, Collection[int]] = field(default_factory=dict)
    open: Collection[tables.Element] = ()
    failed_calls: Collection[str] = ()

    def last_id(self, table: str) -> int:
        return max(self.ids.get(table, ()), default=0)


@dataclass(frozen=True)
class Hole:
    """A table, or a part of it, that could not be had: Bitrix24's code and a sentence for the reader."""

    table: str
    code: str
    text: str


@dataclass
class Findings:
    """What a reading learnt beside the rows: fills while the rows are taken."""

    present: list[str] = field(default_factory=list)
    holes: list[Hole] = field(default_factory=list)
    removed: dict[str, list[int]] = field(default_factory=dict)
    commented: set[tables.Element] = field(default_factory=set)


Chunk = tuple[str, list[Row]]


def begin(client: Client) -> datetime:
    """The portal's own clock: what changes later is not in this reading."""
    try:
        answer = client.call("server.time")
    except PortalError as refused:
        if refused.code != "error_method_not_found":
            raise
        words = _("Bitrix24 knows no method at this address: give CRM_REPORTS_WEBHOOK as https://HOST/rest/USER/CODE/")
        raise AuthError(words, code=refused.code) from None
    told = answer.time.get("date_start") or answer.result
    at = values.instant(told, ZoneInfo("UTC"))
    if at is None:
        raise PortalError(_("server.time gave {told!r}, which is no instant", told=told))
    return at


class Reading:
    """One reading of a portal: iterate it for (table, rows), then look at `findings`."""

    def __init__(self, client: Client, zone: ZoneInfo, known: Known | None = None) -> None:
        self._client = client
        self._known = known or Known()
        self._context = tables.Context(zone, failed_calls=set(self._known.failed_calls))
        self._scopes: set[str] | None = None
        self._came_into_sight: set[int] = set()
        self.findings = Findings()

    def __iter__(self) -> Iterator[Chunk]:
        self._scopes = self._granted()
        steps: dict[str, Callable[[], Iterator[Chunk]]] = {
            "pipelines": self._pipelines,
            "stages": self._stages,
            "managers": self._managers,
            "departments": self._departments,
            "currencies": self._currencies,
            "deals": lambda: self._entity("deals"),
            "leads": self._leads,
            "companies": lambda: self._entity("companies"),
            "contacts": lambda: self._entity("contacts"),
            "stage_history": self._stage_history,
            "calls": self._calls,
            "activities": lambda: self._entity("activities"),
            "comments": self._comments,
        }
        for step, read in steps.items():
            yield from self._unless_refused(step, read)

    def _unless_refused(self, step: str, read: Callable[[], Iterator[Chunk]]) -> Iterator[Chunk]:
        """What the step reads; a refusal makes a hole, but without deals there is nothing to report on."""
        needed = SCOPES.get(step, ("crm",))
        try:
            if self._scopes is not None and self._scopes.isdisjoint(needed):
                raise ScopeError(_("the webhook has no scope {scope!r}", scope=needed[0]), code="insufficient_scope")
            yield from read()
        except PortalError as refused:
            if not _leaves_a_hole(refused):
                raise
            if step == "deals":
                words = _(
                    "{refused}; without deals there is nothing to report on: give it the scope 'crm'", refused=refused
                )
                raise type(refused)(words, code=refused.code) from None
            self._hole(step, refused, needed[0])

    def _hole(self, step: str, refused: PortalError, scope: str) -> None:
        if step == "calls" and refused.code == "error_method_not_found":
            return  # no telephony on this portal: there are no calls of its own to be wrong about
        words = _(
            "{refused}; without it the reports lack: {lost}. Add the scope {scope!r} to the webhook, and let it belong "
            "to an administrator.",
            refused=refused, lost=_(LOST[step]), scope=scope,
        )  # fmt: skip
        log.warning("%s: %s", step, words)
        table = "activities" if step == "calls" else step
        self.findings.holes.append(Hole(table, refused.code or "access_denied", words))

    def _granted(self) -> set[str] | None:
        try:
            given = self._client.call("scope").result
        except (AuthError, Passing):
            raise
        except PortalError:
            return None
        return set(map(str, given)) if isinstance(given, list) and given else None

    def _whole(self, table: str, rows: list[Row]) -> Chunk:
        self.findings.present.append(table)
        return table, rows

    # Dictionaries

    def _pipelines(self) -> Iterator[Chunk]:
        yield self._whole("pipelines", tables.pipelines(self._client))

    def _stages(self) -> Iterator[Chunk]:
        given = tables.statuses(self._client)
        stages, lead_stages = tables.stages(given), tables.lead_stages(given)
        self._context = replace(
            self._context,
            outcomes={row["stage_id"]: row["outcome"] for row in stages},
            lead_outcomes={row["stage_id"]: row["outcome"] for row in lead_stages},
        )
        yield self._whole("stages", stages)
        yield self._whole("sources", tables.sources(given))
        yield "lead_stages", lead_stages

    def _managers(self) -> Iterator[Chunk]:
        given = tables.people(self._client)
        yield self._whole("managers", tables.managers(given))
        yield self._whole("manager_departments", tables.manager_departments(given))

    def _departments(self) -> Iterator[Chunk]:
        yield self._whole("departments", tables.departments(self._client))

    def _currencies(self) -> Iterator[Chunk]:
        yield self._whole("currencies", tables.currencies(self._client))

    # Tables with rising ids

    def _leads(self) -> Iterator[Chunk]:
        """Leads where the portal has any, or works with them."""
        uses, any_came = tables.uses_leads(self._client), False
        for chunk in self._entity("leads"):
            any_came = any_came or bool(chunk[1])
            yield chunk
        if not uses and not any_came and not self._known.ids.get("leads"):
            self.findings.present.remove("leads")
        elif "stages" in self.findings.present:
            self.findings.present.append("lead_stages")

    def _entity(self, table: str) -> Iterator[Chunk]:
        typed = tables.ENTITIES[table].typed
        for raw in self._changed(table) if table in self._known.since else tables.rows(self._client, table):
            self._note(table, raw)
            yield table, [typed(row, self._context) for row in raw]
        self.findings.present.append(table)

    def _note(self, table: str, raw: list[Row]) -> None:
        ids = [int(row["ID"]) for row in raw]
        if table == "deals" and table in self._known.since:
            self._came_into_sight.update(row_id for row_id, row in zip(ids, raw, strict=True) if self._is_late(row))
        if table in OWNERS:
            self.findings.commented.update((OWNERS[table], str(row_id)) for row_id in ids)

    def _is_late(self, raw: Row) -> bool:
        """Whether a deal is new to us and older than the last reading: so may its history be."""
        created = values.instant(raw.get("DATE_CREATE"), self._context.zone)
        is_old = created is None or created < self._known.since["deals"]
        return is_old and int(raw["ID"]) not in self._known.ids.get("deals", ())

    def _changed(self, table: str) -> Iterator[list[Row]]:
        """Rows changed since then, new ones, and those that came into sight."""
        held = set(self._known.ids.get(table, ()))
        alive = set(tables.ids(self._client, table)) if table in SWEPT else set()
        if table in SWEPT:
            self.findings.removed[table] = self._gone(table, held, alive)
        seen: set[int] = set()
        lists = [self._touched(table, name) for name in tables.ENTITIES[table].changed_by]
        lists.append(tables.rows(self._client, table, after=self._known.last_id(table)))
        lists.append(self._by_number(table, lambda: sorted(alive - held - seen)))
        for rows in (page for each in lists for page in each):
            fresh = [row for row in rows if int(row["ID"]) not in seen]
            seen.update(int(row["ID"]) for row in fresh)
            yield fresh

    def _touched(self, table: str, name: str) -> Iterator[list[Row]]:
        """Rows whose field `name` is not before the last reading."""
        since = self._known.since[table]
        for rows in tables.rows(self._client, table, {f">={name}": since.isoformat()}):
            told = [values.instant(row.get(name), self._context.zone) for row in rows]
            # A legacy list drops a filter it does not know, and would give the whole table for a few comments.
            if name == "LAST_ACTIVITY_TIME" and any(at is None or at < since for at in told):
                log.info("%s: the portal does not filter by %s", table, name)
                return
            yield rows

    def _by_number(self, table: str, wanted: Callable[[], Iterable[int]]) -> Iterator[list[Row]]:
        numbers = iter(wanted())
        while some := list(islice(numbers, PAGE)):
            for rows in tables.rows(self._client, table, {"@ID": some}, after=some[0] - 1):
                yield [row for row in rows if int(row["ID"]) in some]

    def _gone(self, table: str, held: set[int], alive: set[int]) -> list[int]:
        """The rows to take out of the store: those that are not shown any more, unless that looks like lost rights."""
        gone = sorted(held - alive)
        if table == "activities" and any(hole.code == OUT_OF_SIGHT for hole in self.findings.holes):
            return []  # hidden with the deals that they are bound to
        much = len(gone) > MUCH_SHARE * len(held) and len(gone) > MUCH_ROWS
        if (much or (gone and not alive)) and not self._are_deleted(table, gone):
            words = _(
                "{n} of {all} rows of {table} are out of sight, and Bitrix24 does not say that they were deleted; they "
                "are kept as they were. Let the webhook belong to an administrator.",
                n=len(gone), all=len(held), table=table,
            )  # fmt: skip
            log.warning("%s", words)
            self.findings.holes.append(Hole(table, OUT_OF_SIGHT, words))
            return []
        return gone

    def _are_deleted(self, table: str, gone: list[int]) -> bool:
        """Whether the portal says "Not found", not "Access denied", of a sample."""
        method = tables.ENTITIES[table].get
        sample = gone[:: -(-len(gone) // SAMPLE)]
        given = many(self._client, ((row_id, Command(method, {"id": row_id})) for row_id in sample))
        return all(_is_not_found(answer) for _id, answer in given)

    # What hangs on them

    def _stage_history(self) -> Iterator[Chunk]:
        typed = tables.ENTITIES["stage_history"].typed
        last = self._known.last_id("stage_history")
        for rows in tables.rows(self._client, "stage_history", after=last):
            yield "stage_history", [typed(row, self._context) for row in rows]
        for rows in tables.histories(self._client, sorted(self._came_into_sight)):
            earlier = [row for row in rows if int(row["ID"]) <= last]
            yield "stage_history", [typed(row, self._context) for row in earlier]
        self.findings.present.append("stage_history")

    def _calls(self) -> Iterator[Chunk]:
        # A call's record may come after the call, hence the day; older ones are remembered as no actions.
        last = self._known.since.get("activities")
        since = (last - timedelta(days=1)).isoformat() if last else None
        failed = set(self._context.failed_calls).union(tables.failed_calls(self._client, since))
        self._context = replace(self._context, failed_calls=failed)
        yield from ()

    def _comments(self) -> Iterator[Chunk]:
        """Comments have no time of change: those of all that is open, or changed, are read again."""
        elements, refused = self._to_read_again(), None
        self.findings.commented = set()
        seen: set[str] = set()
        for element, given in tables.comments(self._client, elements):
            if isinstance(given, PortalError):
                if given.code and _leaves_a_hole(given):
                    raise given
                log.info("comments of %s %s: %s", *element, given)
                self.findings.commented.discard(element)
                refused = given
                continue
            fresh = [raw for raw in given if str(raw["ID"]) not in seen]
            seen.update(str(raw["ID"]) for raw in fresh)
            self.findings.commented.add(element)
            yield "comments", [tables.comment(raw, element, self._context) for raw in fresh]
        # One element may be hidden; when all are, so are comments.
        if refused and not self.findings.commented and _leaves_a_hole(refused):
            raise refused
        self.findings.present.append("comments")

    def _to_read_again(self) -> list[tables.Element]:
        """Deals come first: a comment that is shown at several elements belongs to the deal."""
        removed = {(OWNERS[table], str(each)) for table in OWNERS for each in self.findings.removed.get(table, ())}
        before = set(self._known.open) if "comments" in self._known.since else self._elements()
        order = list(OWNERS.values())
        elements = (self.findings.commented | before) - removed
        return sorted(elements, key=lambda each: (order.index(each[0]), int(each[1])))

    def _elements(self) -> set[tables.Element]:
        """Everything that is held and can have comments."""
        return {(OWNERS[table], str(each)) for table in OWNERS for each in self._known.ids.get(table, ())}


def _leaves_a_hole(refused: PortalError) -> bool:
    return isinstance(refused, ScopeError) or refused.code == "error_method_not_found"


def _is_not_found(answer: Any) -> bool:
    if not isinstance(answer, PortalError) or isinstance(answer, ScopeError):
        return False
    return answer.code == "not_found" or "not found" in str(answer).lower()
