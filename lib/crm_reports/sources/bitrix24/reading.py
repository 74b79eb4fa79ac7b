"""Reads a portal: everything the first time, later what changed, what came and what is gone.

Nothing tells what was deleted, so the ids that the portal still shows are compared with those that are held; and a row
may come into sight with an old id and an old date (restored, or a right granted), so they are compared both ways.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from ...errors import PortalError, ScopeError
from ...words.texts import N_, _
from . import products, tables, userfields, values
from .client import MOST_COMMANDS, Client, Command
from .cursors import Ask, lists
from .ledger import Chunk, Findings, Hole, Ledger
from .pages import PAGE, Listing, Row, by_many, many
from .refusals import Answer, AuthError, Reply, is_not_found, leaves_a_hole
from .userfields import UserFields, Wanted

log = logging.getLogger(__name__)

SWEPT = ("deals", "leads", "companies", "contacts", "activities")
# Looking for what was deleted reads every id: each time while that takes minutes, else once a week.
SWEEP_REQUESTS, SWEEP_EVERY = 1000, timedelta(days=7)
SAMPLE = 10 * MOST_COMMANDS  # rows that are asked for one by one; of more, some stand for all
OUT_OF_SIGHT, NOT_SWEPT = "out_of_sight", "not_swept"

SCOPES = {
    "managers": ("user", "user_brief", "user_basic"),
    "departments": ("department",),
    "calls": ("telephony",),
    "products": ("catalog",),
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
    "product_rows": N_("what was sold"),
    "products": N_("sections of the catalogue, and the names that products have in it"),
}


def begin(client: Client) -> tuple[datetime, int | None]:
    """The portal's own clock, and the minutes it is ahead of UTC: what changes later is not in this reading."""
    try:
        answer = client.call("server.time")
    except PortalError as refused:
        if refused.code != "error_method_not_found":
            raise
        words = _("Bitrix24 knows no method at this address: give CRM_REPORTS_WEBHOOK as https://HOST/rest/USER/CODE/")
        raise AuthError(words, code=refused.code) from None
    text = answer.time.get("date_start") or answer.result
    instant = values.instant(text, ZoneInfo("UTC"))
    if instant is None:
        raise PortalError(_("server.time gave {told!r}, which is no instant", told=text))
    ahead = datetime.fromisoformat(text).utcoffset()
    return instant, None if ahead is None else ahead // timedelta(minutes=1)


class Reading:
    """One reading of a portal, begun `at` its clock: iterate it for (table, rows), then look at `findings`.

    The rows must be in the ledger before the next ones are asked for.
    """

    def __init__(
        self,
        client: Client,
        zone: ZoneInfo,
        ledger: Ledger,
        synced_at: datetime,
        wanted: Sequence[Wanted] = (),
        *,
        with_products: bool = False,
    ) -> None:
        self._client, self._ledger, self._at, self._wanted = client, ledger, synced_at, wanted
        self._with_products = with_products
        self._own = UserFields()
        self._context = tables.Context(zone)
        self._opening: dict[str, Reply] = {}
        self._late: set[int] = set()
        self._came: set[str] = set()
        self._refused: set[str] = set()
        self.findings = Findings()

    def __iter__(self) -> Iterator[Chunk]:
        self._opening = dict(many(self._client, (tables.OPENING | userfields.opening(self._wanted)).items()))
        for step in (self._pipelines, self._stages, self._departments, self._currencies):
            yield from self._unless_refused(step.__name__[1:], step)
        yield from self._own_fields()
        yield from self._people_and_calls()
        yield from self._entities()
        yield from self._came_late()
        if self._with_products:
            sold = products.Sold(self._client, self._ledger, self.findings)
            yield from self._unless_refused("product_rows", sold.rows)
            yield from self._unless_refused("products", sold.products)
        yield from self._unless_refused("comments", self._comments)

    def _own_fields(self) -> Iterator[Chunk]:
        """What the portal says of the fields that are wanted; one that it lacks is told, and keeps what is known of it."""
        held = self._ledger.own_fields()
        self._own = UserFields.of(self._wanted, self._opening, held, self._at)
        self.findings.holes += [Hole("own_values", userfields.CODE, problem) for problem in self._own.problems]
        if held or self._wanted:
            yield self._whole("own_fields", self._own.rows())
            yield "own_options", self._own.options()
            yield self._whole("own_values", [])

    # Refusals

    def _unless_refused(self, step: str, read: Callable[[], Iterator[Chunk]]) -> Iterator[Chunk]:
        """What the step reads; a refusal makes a hole."""
        if self._is_granted(step):
            try:
                yield from read()
            except PortalError as refused:
                self._refuse(step, refused)

    def _is_granted(self, step: str) -> bool:
        """Whether the webhook has the scope that the step takes; a hole when it has not."""
        needs, scopes = SCOPES.get(step, ("crm",)), tables.scopes(self._opening["scope"])
        if scopes is None or not scopes.isdisjoint(needs):
            return True
        words = _("the webhook has no scope {scope!r}", scope=needs[0])
        self._refuse(step, ScopeError(words, code="insufficient_scope"))
        return False

    def _refuse(self, step: str, refusal: PortalError) -> None:
        """A hole where the step's rows would be; but without deals there is nothing to report on."""
        if not leaves_a_hole(refusal):
            raise refusal
        if step == "deals":
            words = _(
                "{refused}; without deals there is nothing to report on: give it the scope 'crm'", refused=refusal
            )
            raise type(refusal)(words, code=refusal.code) from None
        if step not in self._refused:
            self._refused.add(step)
            self._hole(step, refusal)

    def _hole(self, step: str, refusal: PortalError) -> None:
        if step == "calls" and refusal.code == "error_method_not_found":
            return  # no telephony on this portal: there are no calls of its own to be wrong about
        words = _(
            "{refused}; without it the reports lack: {lost}. Add the scope {scope!r} to the webhook, and let it belong "
            "to an administrator.",
            refused=refusal,
            lost=_(LOST[step]),
            scope=SCOPES.get(step, ("crm",))[0],
        )
        log.warning("%s: %s", step, words)
        table = "activities" if step == "calls" else step
        self.findings.holes.append(Hole(table, refusal.code or "access_denied", words))

    def _whole(self, table: str, rows: list[Row]) -> Chunk:
        self.findings.present.append(table)
        return table, rows

    def _first_answer(self, name: str) -> Answer:
        answer = self._opening[name]
        if isinstance(answer, PortalError):
            raise answer
        return answer

    # Dictionaries

    def _pipelines(self) -> Iterator[Chunk]:
        answer = self._opening["pipelines"]
        is_old = isinstance(answer, PortalError) and answer.code == "error_method_not_found"
        rows = tables.old_pipelines(self._client) if is_old else tables.pipelines(self._first_answer("pipelines"))
        yield self._whole("pipelines", rows)

    def _stages(self) -> Iterator[Chunk]:
        rows = tables.statuses(self._first_answer("stages"))
        stages, lead_stages = tables.stages(rows), tables.lead_stages(rows)
        self._context = replace(
            self._context,
            outcomes={row["stage_id"]: row["outcome"] for row in stages},
            lead_outcomes={row["stage_id"]: row["outcome"] for row in lead_stages},
        )
        yield self._whole("stages", stages)
        yield self._whole("sources", tables.sources(rows))
        yield "lead_stages", lead_stages

    def _departments(self) -> Iterator[Chunk]:
        yield self._whole("departments", tables.departments(self._client))

    def _currencies(self) -> Iterator[Chunk]:
        yield self._whole("currencies", tables.currencies(self._first_answer("currencies")))

    def _people_and_calls(self) -> Iterator[Chunk]:
        people: list[Row] = []
        # A call's record may come after the call, hence the day; older ones are remembered as no actions.
        last = self._ledger.since.get("calls")
        asks = [tables.ask_people("managers"), tables.ask_calls("calls", last and last - timedelta(days=1))]
        asks = [ask for ask in asks if self._is_granted(ask.name)]
        for name, rows in lists(self._client, asks):
            if isinstance(rows, PortalError):
                self._refuse(name, rows)
            elif name == "calls":
                self._ledger.note_unanswered(tables.unanswered_calls(rows))
            else:
                people += rows
        if "managers" not in self._refused:
            yield self._whole("managers", tables.managers(people))
            yield self._whole("manager_departments", tables.manager_departments(people))
        if "calls" not in self._refused:
            self.findings.present.append("calls")

    # Tables with rising ids

    def _entities(self) -> Iterator[Chunk]:
        """All of every table, or what changed in it; and the ids of what is still there."""
        readable = [table for table in tables.ENTITIES if self._is_granted(table)]
        self.findings.swept = self._is_time_to_sweep()
        asks = [ask for table in readable for ask in self._asks(table)]
        for (table, kind), rows in lists(self._client, asks):
            if isinstance(rows, PortalError):
                self._refuse(table, rows)
            elif kind == "alive":
                self._ledger.note_alive(table, tables.stamps(table, rows, self._context.zone))
            elif kind == "fresh":
                yield "own_values", self._own.values(table, rows, self._context.zone, fresh=True)
            else:
                yield from self._typed_rows(table, rows)
        complete = [table for table in readable if table not in self._refused]
        self.findings.present += complete
        self._tell_of_leads()
        if self.findings.swept:
            for table in SWEPT:
                if table in complete and table in self._ledger.since:
                    self._take_out(table)

    def _asks(self, table: str) -> Iterator[Ask]:
        listing, since = self._listing(table), self._ledger.since.get(table)
        if since is None:
            yield Ask((table, "all"), listing, is_long=True)
            return
        for name in tables.ENTITIES[table].changed_by:
            condition = {f">={name}": since.isoformat()}
            yield Ask((table, name), listing, condition, goes_on=self._filters_by(table, name, since))
        yield Ask((table, "new"), listing, after=self._ledger.last_id(table))
        if fresh := self._own.names(table, fresh=True):
            yield Ask((table, "fresh"), replace(listing, select=("ID", *fresh)), is_long=True)
        if self.findings.swept and table in SWEPT:
            yield Ask((table, "alive"), tables.ask_stamps(table), is_long=True)

    def _listing(self, table: str) -> Listing:
        """How the table is listed, with the company's own fields that are wanted of it."""
        listing = tables.ENTITIES[table].listing
        return replace(listing, select=(*listing.select, *self._own.names(table)))

    def _filters_by(self, table: str, name: str, since: datetime) -> Callable[[list[Row]], bool]:
        def goes_on(rows: list[Row]) -> bool:
            # A legacy list drops a filter it does not know, and would give the whole table for a few comments.
            instants = [values.instant(row.get(name), self._context.zone) for row in rows]
            knows = name != "LAST_ACTIVITY_TIME" or all(instant and instant >= since for instant in instants)
            if not knows:
                log.info("%s: the portal does not filter by %s", table, name)
            return knows

        return goes_on

    def _typed_rows(self, table: str, raw: list[Row]) -> Iterator[Chunk]:
        """The store's rows of what came, and what the company's own fields hold in them; recurring templates are no deals."""
        raw = [row for row in raw if row.get("IS_RECURRING") != "Y"]
        context = self._context
        if table == "activities":
            calls = self._ledger.unanswered_calls([str(row["ID"]) for row in raw])
            context = replace(context, failed_calls=calls)
        self._came.update([table] if raw else [])
        rows = [tables.ENTITIES[table].row_of(row, context) for row in raw]
        if table == "deals" and table in self._ledger.since:
            self._note_late(rows)
        yield table, rows
        if values_of_rows := self._own.values(table, raw, context.zone):
            yield "own_values", values_of_rows

    def _note_late(self, deals: list[Row]) -> None:
        """Deals of whose history more may have come into sight than what is new."""
        since = self._ledger.since["deals"]
        old = [int(row["deal_id"]) for row in deals if row["created_at"] is None or row["created_at"] < since]
        self._late.update(set(old) - self._ledger.ids_in_store("deals", old))
        # After a change of pipeline some portals hide the entries of the one before, until the deal is back in it.
        self._late.update(self._ledger.moved_over({row["deal_id"]: row["pipeline_id"] for row in deals}))

    def _tell_of_leads(self) -> None:
        """Leads where the portal has any, or works with them."""
        if "leads" not in self.findings.present:
            return
        mode = self._opening["lead_mode"]
        uses = isinstance(mode, Answer) and tables.uses_leads(mode)
        if not uses and not self._ledger.rows("leads") and "leads" not in self._came:
            self.findings.present.remove("leads")
        elif "stages" in self.findings.present:
            self.findings.present.append("lead_stages")

    def _came_late(self) -> Iterator[Chunk]:
        """What came into sight, by number; the history of such deals; calls of which telephony told only now."""
        numbers = {table: self._ledger.differing(table) for table in SWEPT} if self.findings.swept else {}
        if self.findings.swept:
            # Merging or deleting a customer re-points its deals, leads and activities, and no time of change tells.
            for table in ("deals", "leads", "activities"):
                numbers[table] += self._ledger.orphans(table)
        if "calls" in self.findings.present and "activities" in self._ledger.since:
            numbers["activities"] = [*numbers.get("activities", ()), *self._ledger.mistaken()]
        asks = (
            self._by_number(table, part) for table, ids in numbers.items() for part in by_many(sorted(set(ids)), PAGE)
        )
        yield from self._listed_rows(asks)
        if "stage_history" in self._ledger.since:
            history = tables.ENTITIES["stage_history"].listing
            yield from self._listed_rows(
                Ask("stage_history", history, {"OWNER_ID": deal}) for deal in sorted(self._late)
            )

    def _listed_rows(self, asks: Iterable[Ask]) -> Iterator[Chunk]:
        for part in by_many(asks, 20 * MOST_COMMANDS):
            for table, rows in lists(self._client, part):
                if isinstance(rows, PortalError):
                    raise rows
                yield from self._typed_rows(table, rows)

    def _by_number(self, table: str, ids: Sequence[int]) -> Ask:
        return Ask(table, self._listing(table), {"@ID": list(ids)}, after=ids[0] - 1)

    # What is gone

    def _is_time_to_sweep(self) -> bool:
        """Whether to read all ids this time; when not, the reports say since when they can't know of deletions."""
        ledger = self._ledger
        if not ledger.since or not ledger.swept_at or self._at - ledger.swept_at >= SWEEP_EVERY:
            return True
        rows = sum(ledger.rows(table) for table in SWEPT)
        if rows / (MOST_COMMANDS * PAGE) + ledger.lively() / MOST_COMMANDS <= SWEEP_REQUESTS:
            return True
        words = _(
            "What was deleted in the CRM since {day} is still counted: with so many rows it is looked for once a week.",
            day=f"{ledger.swept_at.astimezone(self._context.zone):%Y-%m-%d}",
        )
        self.findings.holes.append(Hole("deals", NOT_SWEPT, words))
        return False

    def _take_out(self, table: str) -> None:
        """Take out of the store what the portal says was deleted; what it only hides stays, and is told of."""
        missing = self._ledger.missing_ids(table)
        method = tables.ENTITIES[table].get
        sample = missing[:: -(-len(missing) // SAMPLE) or 1]
        replies = dict(many(self._client, ((row_id, Command(method, {"id": row_id})) for row_id in sample)))
        hidden = [row_id for row_id, answer in replies.items() if _is_refused(answer)]
        if len(sample) < len(missing):
            hidden, deletions = (missing, []) if hidden else ([], missing)
        else:
            deletions = [row_id for row_id, answer in replies.items() if is_not_found(answer)]
        self._ledger.take_out(table, deletions)
        self._ledger.keep_unseen(table, hidden)
        if hidden:
            self._tell_of_hidden(table, len(hidden))

    def _tell_of_hidden(self, table: str, count: int) -> None:
        words = _(
            "{n} of {all} rows of {table} are out of sight, and Bitrix24 does not say that they were deleted; they "
            "are kept as they were. Let the webhook belong to an administrator.",
            n=count,
            all=self._ledger.rows(table),
            table=table,
        )
        log.warning("%s", words)
        self.findings.holes.append(Hole(table, OUT_OF_SIGHT, words, is_general=False))

    # Comments

    def _comments(self) -> Iterator[Chunk]:
        """Comments have no time of change: those of what changed are read again, with a sweep those of all in use."""
        is_first = "comments" not in self._ledger.since
        kind: Literal["all", "alive", "changed"] = "all" if is_first else "alive" if self.findings.swept else "changed"
        refusal, read = None, 0
        for elements in by_many(self._ledger.elements(kind), 20 * MOST_COMMANDS):
            whole = set(elements)
            for element, reply in tables.comments(self._client, elements):
                if isinstance(reply, PortalError):
                    if reply.code and leaves_a_hole(reply):
                        raise reply
                    log.info("comments of %s %s: %s", *element, reply)
                    whole.discard(element)
                    refusal = reply
                elif reply:
                    yield "comments", [tables.comment(raw, element, self._context) for raw in reply]
            self._ledger.note_commented(sorted(whole))
            read += len(whole)
        # One element may be hidden; when all are, so are comments.
        if refusal and not read and leaves_a_hole(refusal):
            raise refusal
        self.findings.present.append("comments")


def _is_refused(answer: Reply) -> bool:
    return isinstance(answer, PortalError) and not is_not_found(answer)
