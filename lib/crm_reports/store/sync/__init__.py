"""Source → store. Everything the first time, afterwards what changed; a reader never sees half of it.

The store is copied, the copy is brought up to date and then takes the store's place in one step. A sync that was
killed leaves the old store whole, and its half-made copy is thrown away by the next one.
"""

import json
import logging
import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
from pydantic import SecretStr

from ...errors import FilesError, PortalError, SourceError, StoreError
from ...settings import Settings
from ...sources import files
from ...sources.bitrix24 import plan_items
from ...sources.bitrix24.client import Client
from ...sources.bitrix24.ledger import Findings
from ...sources.bitrix24.pace import ORDINARY, Pace
from ...sources.bitrix24.plan_items import PlanText
from ...sources.bitrix24.reading import Reading, begin
from ...sources.fields import TABLES, arrow_schema
from ...words.texts import N_, _
from ..disk import privately
from ..engine import SCHEMA
from ..locks import only_one
from ..receipts import Receipt
from .audit import compare
from .beside import NOTES, PLAN, plan_of_items, take_in
from .draft import Draft, Origin
from .ledger import Ledger
from .recount import recount
from .rescue import Rescue, rescue_of

log = logging.getLogger(__name__)

Progress = Callable[[str, int], None]
Beside = Callable[[duckdb.DuckDBPyConnection, datetime], list[str]]

FEW = 20  # deals of files that may go between two syncs without a question


@dataclass(frozen=True)
class Received:
    """Of one table: rows that came, and how many of them the store did not have."""

    rows: int
    new: int


@dataclass(frozen=True)
class SyncReport:
    """What a sync did; `holes` are {table, code, text}; `repairs` and `mistakes_beside` are sentences: what was damaged, and
    what is wrong with the plan and the notes.
    """

    synced_at: datetime
    tables: Mapping[str, Received]
    removed: Mapping[str, int]
    holes: list[dict[str, str]]
    seconds: float
    requests: int = 0
    repairs: tuple[str, ...] = ()
    mistakes_beside: tuple[str, ...] = ()
    receipt: Receipt | None = None


def sync(
    settings: Settings,
    *,
    webhook: SecretStr | str | None = None,
    portal_url: str | None = None,
    pace: Pace = ORDINARY,
    plan: str = "",
    progress: Progress = lambda table, rows: None,
    accept_loss: bool = False,
) -> SyncReport:
    """Bring the store up to date with the source, and say what came.

    Files that hold less than half of the deals that they held before are refused, unless `accept_loss`.

    `webhook` and `portal_url` (where links lead) replace those of the settings, and `plan` (as plan.csv has it) stands in
    where the company has none: a demo portal passes its own.
    `progress(table, rows)` is told how many rows of a table have come so far.
    """
    beginning = time.monotonic()
    busy = _("another sync is at work in {folder!r}: wait for it to end", folder=str(settings.data))
    order = _Order(webhook or settings.webhook, portal_url, pace, plan, accept_loss)
    with (
        _told_when_full(settings.data),
        only_one(settings.data / "sync.lock", busy),
        privately(),
        _work_folder(settings.data / "sync") as work,
    ):
        report = _with_rescue(lambda folder, rescue: _sync(settings, folder, progress, order, rescue), settings, work)
    seconds = time.monotonic() - beginning
    log.info("synced %d rows in %.1f s", sum(received.rows for received in report.tables.values()), seconds)
    return replace(report, seconds=seconds)


def _with_rescue(run: Callable[[Path, Rescue | None], SyncReport], settings: Settings, work: Path) -> SyncReport:
    """What `run` gives; where it can't because the store is damaged, once more with what could be rescued of it."""
    try:
        with _work_folder(work / "first") as folder:
            return run(folder, None)
    except (OSError, duckdb.Error) as error:
        failure = error
    with _work_folder(work / "again") as folder:  # another one: the engine may still hold files of the first by name
        if not (rescue := rescue_of(settings.store_path, folder)):
            raise failure
        log.warning("the store is damaged (%s): everything is read anew", rescue.damage)
        return replace(run(folder, rescue), repairs=(_repair(rescue),))


def _repair(rescue: Rescue) -> str:
    return _(
        "the store was damaged ({damage}): it is kept as store.duckdb.damaged-…, and everything was read anew; look at "
        "the disk",
        damage=rescue.damage,
    )


@dataclass(frozen=True)
class _Order:
    """What a sync is told beside the settings."""

    webhook: SecretStr | str | None
    url: str | None
    pace: Pace
    plan: str
    accept_loss: bool


def _sync(settings: Settings, work: Path, progress: Progress, order: _Order, rescue: Rescue | None) -> SyncReport:
    if settings.source.kind == "files":
        return _sync_files(settings, work, progress, rescue, accept_loss=order.accept_loss)
    return _sync_portal(settings, work, progress, order, rescue)


def _sync_files(
    settings: Settings, work: Path, progress: Progress, rescue: Rescue | None, *, accept_loss: bool
) -> SyncReport:
    """Every table whole, from the folder of files."""
    synced_at = datetime.now(UTC)
    delivery = files.read(settings)
    origin = _origin(settings, str(settings.source.folder), synced_at)
    draft = Draft.begin(settings.store_path, work, origin, synced_at, anew=True, rescue=rescue)
    if not accept_loss:
        _check_loss(draft.rows_before("deals"), len(delivery.tables["deals"]), settings)
    with closing(Ledger(work)) as ledger:
        for table, rows in delivery.tables.items():
            ledger.write(table, rows)
            progress(table, len(rows))
        findings = Findings(present=list(delivery.tables), swept=True)
        holes = [*delivery.holes, *draft.holes(synced_at.astimezone(settings.zone).date())]
        audit = _Audit(lambda connection: recount(connection, delivery.files), synced_at)
        source, beside = ("files", ""), _beside(settings, work, "")
        report = _finish(draft, ledger, source, findings, synced_at, holes, beside, audit)
    return replace(report, receipt=audit.receipt)


@dataclass
class _Audit:
    """Counts what the store has come to hold, beside the source, and writes the receipt into it."""

    count: Callable[[duckdb.DuckDBPyConnection], Receipt]
    synced_at: datetime
    utc_offset: int | None = None
    receipt: Receipt | None = None

    def __call__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.receipt = self.count(connection)
        words = [self.receipt.as_json(), self.utc_offset, self.synced_at]
        connection.execute(f"update {SCHEMA}.syncs set receipt = ?, utc_offset = ? where synced_at = ?", words)


def _check_loss(before: int, now: int, settings: Settings) -> None:
    """An export that went wrong must not empty the company overnight."""
    if before >= FEW and now * 2 < before:
        raise FilesError(
            _(
                "the folder {folder} holds {n} deals, and held {before} at the last sync: nothing was read. If they are "
                "really gone, run `crm-reports sync --accept-loss` once; else look at the export",
                folder=str(settings.source.folder),
                n=now,
                before=before,
            )
        )


def _sync_portal(
    settings: Settings, work: Path, progress: Progress, order: _Order, rescue: Rescue | None
) -> SyncReport:
    if not order.webhook:
        raise SourceError(_("there is no webhook: put https://HOST/rest/USER/CODE/ into CRM_REPORTS_WEBHOOK"))
    with Client(order.webhook, pace=order.pace, limits=settings.limits) as client:
        synced_at, ahead = begin(client)
        url = order.url or client.portal_url
        origin = _origin(settings, url, synced_at)
        draft = Draft.begin(settings.store_path, work, origin, synced_at, anew=False, rescue=rescue)
        with closing(Ledger(work, draft.held)) as ledger:
            wanted = [(field.of, field.source) for field in settings.fields.values()]
            reading = Reading(client, settings.zone, ledger, synced_at, wanted, with_products=settings.products.read)
            _take(reading, ledger, progress)
            losses = draft.holes(synced_at.astimezone(settings.zone).date())
            holes = [*(asdict(hole) for hole in reading.findings.holes), *losses]
            source = (settings.source.kind, url)
            beside = _beside(settings, work, order.plan, *_plan_items(client, settings))
            present = reading.findings.present
            audit = _Audit(lambda made: compare(client, made, present, synced_at, settings.zone), synced_at, ahead)
            report = _finish(draft, ledger, source, reading.findings, synced_at, holes, beside, audit)
        return replace(report, requests=client.requests, receipt=audit.receipt)


def _take(reading: Reading, ledger: Ledger, progress: Progress) -> None:
    """All that the portal gives into the ledger."""
    counts: Counter[str] = Counter()
    for table, rows in reading:
        ledger.add(table, rows)
        counts[table] += len(rows)
        progress(table, counts[table])


def _finish(
    draft: Draft,
    ledger: Ledger,
    source: tuple[str, str],
    findings: Findings,
    synced_at: datetime,
    holes: list[dict[str, str]],
    beside: Beside,
    audit: Callable[[duckdb.DuckDBPyConnection], object] = lambda connection: None,
) -> SyncReport:
    for table in findings.present:
        if table in TABLES:
            ledger.add(table, [])  # a table that is there and empty
    ledger.add("syncs", [_sync_row(source, findings, synced_at, holes, ledger.swept_at)])
    rows = {table: ledger.came(table) for table in ledger.tables() if table != "syncs"}
    mistakes: list[str] = []

    def then(merged: duckdb.DuckDBPyConnection) -> None:
        mistakes.extend(beside(merged, synced_at))
        audit(merged)

    new, removed = draft.finish(ledger, synced_at, then)
    received = {table: Received(count, new[table]) for table, count in rows.items()}
    return SyncReport(synced_at, received, removed, holes, 0.0, mistakes_beside=tuple(mistakes))


def _plan_items(client: Client, settings: Settings) -> tuple[PlanText | None, str]:
    """The plan that a smart process of the portal holds, or why it can't be had; neither where none is named."""
    if settings.plan is None:
        return None, ""
    try:
        return plan_items.read(client, settings.plan, settings.zone), ""
    except (PortalError, SourceError) as error:
        words = N_("{why}; the plan is as it was before")
        return None, _(words, why=error)


def _beside(settings: Settings, work: Path, otherwise: str, items: PlanText | None = None, refusal: str = "") -> Beside:
    """What brings the company's own tables up to date: with its files, or the `items` that hold its plan.

    Where it has no plan, with this text of one; where the items could not be read (`refusal`) the plan stays.
    """
    path = PLAN.path_of(settings)
    kept = plan_of_items(settings.plan.smart_process) if settings.plan else PLAN
    if items or (path is None and otherwise):
        path = work / "plan.csv"
        path.write_text(items.text if items else otherwise, encoding="utf-8")
    files = ({} if refusal else {kept: path}) | {NOTES: NOTES.path_of(settings)}

    def take(merged: duckdb.DuckDBPyConnection, synced_at: datetime) -> list[str]:
        sentences = [text for kept, path in files.items() for text in take_in(kept, merged, settings, path, synced_at)]
        return [*([refusal] if refusal else []), *(_by_items(text, items) for text in sentences)]

    return take


def _by_items(sentence: str, items: PlanText | None) -> str:
    """The sentence about a line of the plan as one about an item of the portal."""
    line = re.search(r"plan\.csv, \S+ (\d+)", sentence) if items else None
    return sentence.replace(line[0], items.place(int(line[1])) or line[0]) if line else sentence


def _sync_row(
    source: tuple[str, str],
    findings: Findings,
    synced_at: datetime,
    holes: list[dict[str, str]],
    swept_at: datetime | None,
) -> dict[str, Any]:
    return {
        "synced_at": synced_at,
        "finished_at": datetime.now(UTC),
        "source": source[0],
        "portal_url": source[1],
        "present": ",".join(findings.present),
        "holes": json.dumps(holes, ensure_ascii=False),
        "swept_at": synced_at if findings.swept else swept_at,
    }


def _origin(settings: Settings, portal_url: str, synced_at: datetime) -> Origin:
    """What the store is to be of; a demo company is invented anew every day."""
    portal = [settings.source.kind, portal_url]
    if settings.source.kind == "demo":
        demo = settings.source.demo
        portal += [demo.model_dump_json(), str(demo.today or synced_at.astimezone(settings.zone).date())]
    layout = [settings.time_zone, *(str(arrow_schema(table)) for table in TABLES)]
    return Origin(*(sha256("\n".join(words).encode()).hexdigest() for words in (portal, layout)))


@contextmanager
def _told_when_full(folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
        words = " ".join(str(error).split())
        raise StoreError(
            _(
                "the store in {folder!r} can't be written ({said}): is there no room on the disk, or no right? The store "
                "is as it was; sync again when there is.",
                folder=str(folder),
                said=words,
            )
        ) from None


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """An empty folder, gone at the end; what a killed sync left in it goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
