"""Source → store. Everything the first time, afterwards what changed; a reader never sees half of it.

The store is copied, the copy is brought up to date by dlt and then takes the store's place in one step. A sync that was
killed leaves the old store whole, and its half-made copy is thrown away by the next one.
"""

import json
import logging
import os
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import SecretStr

from . import files
from .bitrix24.client import Client
from .bitrix24.pace import ORDINARY, Pace
from .bitrix24.reading import OWNERS, Findings, Known, Reading, begin
from .errors import SourceError, StoreError
from .fields import TABLES, arrow_schema
from .settings import Settings
from .texts import _

# Before the import: dlt decides on its telemetry once.
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
import dlt
from dlt.extract import DltResource, DltSource

log = logging.getLogger(__name__)

DATASET = "crm"
# What changed within the hour before the last sync is read again: the clocks of a portal's servers may differ.
OVERLAP = timedelta(hours=1)
CHUNK = 10_000

# Read whole each time; the others are merged by their keys.
DICTIONARIES = (
    "pipelines", "stages", "sources", "lead_stages", "managers", "manager_departments", "departments", "currencies",
)  # fmt: skip
ID_OF = {
    "deals": "deal_id", "leads": "lead_id", "companies": "company_id", "contacts": "contact_id",
    "stage_history": "history_id", "activities": "activity_id",
}  # fmt: skip

Progress = Callable[[str, int], None]


@dataclass(frozen=True)
class Received:
    """Of one table: rows that came, and how many of them the store did not have."""

    rows: int
    new: int


@dataclass(frozen=True)
class SyncReport:
    """What a sync did; `holes` are {table, code, text}."""

    synced_at: datetime
    tables: Mapping[str, Received]
    removed: Mapping[str, int]
    holes: list[dict[str, str]]
    seconds: float
    requests: int = 0


@dataclass(frozen=True)
class _Source:
    """Where the rows come from; a store of another `origin` is of no use."""

    kind: str
    portal_url: str
    origin: str


@dataclass
class _Spool:
    """The rows of a sync on disk, a Parquet file per table, until dlt takes them: memory stays flat."""

    folder: Path
    progress: Progress
    counts: Counter[str] = field(default_factory=Counter)
    _waiting: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _writers: dict[str, pq.ParquetWriter] = field(default_factory=dict)

    def add(self, table: str, rows: list[dict[str, Any]]) -> None:
        waiting = self._waiting.setdefault(table, [])
        waiting += rows
        self.counts[table] += len(rows)
        self.progress(table, self.counts[table])
        if len(waiting) >= CHUNK:
            self._flush(table)

    def _flush(self, table: str) -> None:
        self.write(table, pa.Table.from_pylist(self._waiting.pop(table, []), arrow_schema(table)))

    def write(self, table: str, rows: pa.Table) -> None:
        if table not in self._writers:
            self._writers[table] = pq.ParquetWriter(self.folder / f"{table}.parquet", arrow_schema(table))
        self._writers[table].write_table(rows)

    def close(self) -> list[str]:
        """The tables that have a file, be it without rows."""
        for table in list(self._waiting):
            self._flush(table)
        for writer in self._writers.values():
            writer.close()
        return list(self._writers)

    def rows(self, table: str) -> Iterator[pa.Table]:
        with pq.ParquetFile(self.folder / f"{table}.parquet") as held:
            yield arrow_schema(table).empty_table()
            for batch in held.iter_batches(CHUNK):
                yield pa.Table.from_batches([batch], arrow_schema(table))


def sync(
    settings: Settings,
    *,
    webhook: SecretStr | str | None = None,
    portal_url: str | None = None,
    pace: Pace = ORDINARY,
    progress: Progress = lambda table, rows: None,
) -> SyncReport:
    """Bring the store up to date with the source, and say what came.

    `webhook` and `portal_url` (where links lead) replace those of the settings: a demo portal passes its own.
    `progress(table, rows)` is told how many rows of a table have come so far.
    """
    started = time.monotonic()
    settings.data.mkdir(parents=True, exist_ok=True)
    with _only_one(settings.data), _work_folder(settings.data / "sync") as work:
        if settings.source.kind == "files":
            report = _sync_files(settings, work, progress)
        else:
            report = _sync_portal(settings, work, progress, webhook or settings.webhook, portal_url, pace)
    seconds = time.monotonic() - started
    log.info("synced %d rows in %.1f s", sum(each.rows for each in report.tables.values()), seconds)
    return replace(report, seconds=seconds)


def _sync_files(settings: Settings, work: Path, progress: Progress) -> SyncReport:
    """Every table whole, from the folder of files."""
    synced_at = datetime.now(UTC)
    read = files.read(settings.source.folder, settings)
    spool = _Spool(work, progress)
    for table, rows in read.items():
        spool.write(table, rows)
        spool.counts[table] += len(rows)
        progress(table, len(rows))
    source = _Source("files", "", "")
    draft = _Draft.begin(settings, source)
    findings = Findings(present=list(read))
    return draft.finish(spool, findings, synced_at, files.holes(read))


def _sync_portal(
    settings: Settings,
    work: Path,
    progress: Progress,
    webhook: SecretStr | str | None,
    portal_url: str | None,
    pace: Pace,
) -> SyncReport:
    if not webhook:
        raise SourceError(_("there is no webhook: put https://HOST/rest/USER/CODE/ into CRM_REPORTS_WEBHOOK"))
    spool = _Spool(work, progress)
    with Client(webhook, pace=pace) as client:
        synced_at = begin(client)
        url = portal_url or client.portal_url
        draft = _Draft.begin(settings, _Source(settings.source.kind, url, _origin(settings, url, synced_at)), synced_at)
        reading = Reading(client, settings.zone, draft.known)
        for table, rows in reading:
            spool.add(table, rows)
            if table == "activities":
                spool.add("done_seen", _done(rows, synced_at))
        holes = [asdict(hole) for hole in reading.findings.holes]
        return draft.finish(spool, reading.findings, synced_at, holes, requests=client.requests)


def _done(rows: list[dict[str, Any]], synced_at: datetime) -> list[dict[str, Any]]:
    return [{"activity_id": row["activity_id"], "seen_at": synced_at} for row in rows if row["is_done"]]


def _origin(settings: Settings, portal_url: str, synced_at: datetime) -> str:
    """What a store must have in common with a sync to be of use to it; a demo company is invented anew every day."""
    demo = settings.source.demo
    said = [settings.source.kind, portal_url, settings.time_zone, *(str(arrow_schema(table)) for table in TABLES)]
    if settings.source.kind == "demo":
        said += [demo.model_dump_json(), str(demo.today or synced_at.astimezone(settings.zone).date())]
    return sha256("\n".join(said).encode()).hexdigest()


@dataclass(frozen=True)
class _Draft:
    """The copy of the store that is being brought up to date."""

    path: Path
    store: Path
    source: _Source
    known: Known

    @classmethod
    def begin(cls, settings: Settings, source: _Source, synced_at: datetime | None = None) -> "_Draft":
        """A copy of the store when it can be carried on with, else an empty one."""
        store = settings.store_path
        path = store.with_name("store.next.duckdb")
        for left in (path, path.with_name(f"{path.name}.wal")):
            left.unlink(missing_ok=True)
        if source.origin and store.is_file():
            shutil.copyfile(store, path)
            known = _known(path, source.origin)
            if known and synced_at and max(known.since.values()) <= synced_at:
                return cls(path, store, source, known)
            path.unlink()
        return cls(path, store, source, Known())

    def finish(
        self,
        spool: _Spool,
        findings: Findings,
        synced_at: datetime,
        holes: list[dict[str, str]],
        requests: int = 0,
    ) -> SyncReport:
        """Load what was spooled, take out what is gone, and put the draft in the store's place."""
        for table in findings.present:
            spool.add(table, [])  # a table that is there and empty
        spool.add("syncs", [self._sync_row(findings, synced_at, holes)])
        tables = spool.close()
        before = _counts(self.path) if self.known.since else {}
        _load(self.path, spool, tables, is_first=not self.known.since)
        with closing(duckdb.connect(str(self.path))) as connection:
            removed = _remove(connection, findings, spool) if self.known.since else {}
            after = _row_counts(connection)
            _sign(connection, self.source.origin)
        os.replace(self.path, self.store)
        new = {table: after[table] - before.get(table, 0) + removed.get(table, 0) for table in tables}
        received = {table: Received(spool.counts[table], max(0, new[table])) for table in tables if table != "syncs"}
        return SyncReport(synced_at, received, removed, holes, 0.0, requests)

    def _sync_row(self, findings: Findings, synced_at: datetime, holes: list[dict[str, str]]) -> dict[str, Any]:
        return {
            "synced_at": synced_at,
            "finished_at": datetime.now(UTC),
            "source": self.source.kind,
            "portal_url": self.source.portal_url,
            "present": ",".join(findings.present),
            "holes": json.dumps(holes, ensure_ascii=False),
        }


# What the store knows


def _known(path: Path, origin: str) -> Known | None:
    """What the store holds of the same origin; None when it is of another, or can't be read."""
    try:
        with closing(duckdb.connect(str(path), read_only=True)) as connection:
            signed = connection.execute("select origin from main.origin").fetchone()
            return _held(connection) if signed == (origin,) else None
    except duckdb.Error as error:
        log.info("the store can't be carried on with (%s): reading everything", error)
        return None


def _held(connection: duckdb.DuckDBPyConnection) -> Known:
    tables = _row_counts(connection)
    ids = {table: _numbers(connection, table) for table in ID_OF if table in tables}
    still_open = {
        (OWNERS[table], row_id)
        for table in ("deals", "leads") if table in tables
        for (row_id,) in connection.execute(
            f"select {ID_OF[table]} from {DATASET}.{table} where outcome = 'open'"
        ).fetchall()
    }  # fmt: skip
    # Telephony told once that nobody answered; the call's record is not asked for again.
    unanswered = f"select activity_id from {DATASET}.activities where kind = 'call' and is_done and not is_action"
    failed = {row_id for (row_id,) in connection.execute(unanswered).fetchall()} if "activities" in tables else set()
    return Known(_since(connection), ids, still_open, failed)


def _since(connection: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """The instant from which each table is to be read again."""
    syncs = connection.execute(f"select synced_at, present from {DATASET}.syncs order by synced_at").fetchall()
    since = {table: at.astimezone(UTC) - OVERLAP for at, present in syncs for table in present.split(",")}
    # Whoever changed while comments were refused may have got comments.
    return {table: min(at, since.get("comments", at)) if table in OWNERS else at for table, at in since.items()}


def _numbers(connection: duckdb.DuckDBPyConnection, table: str) -> set[int]:
    # Ids are text in the store; as text "9" is greater than "10".
    column = connection.execute(f"select {ID_OF[table]}::bigint as id from {DATASET}.{table}").fetchnumpy()["id"]
    return set(column.tolist())


def _counts(path: Path) -> dict[str, int]:
    with closing(duckdb.connect(str(path), read_only=True)) as connection:
        return _row_counts(connection)


def _row_counts(connection: duckdb.DuckDBPyConnection) -> dict[str, int]:
    names = connection.execute("select table_name from duckdb_tables() where schema_name = ?", [DATASET]).fetchall()
    counted = {name for (name,) in names} & set(TABLES)
    return {name: connection.execute(f"select count(*) from {DATASET}.{name}").fetchone()[0] for name in counted}


def _sign(connection: duckdb.DuckDBPyConnection, origin: str) -> None:
    connection.execute("create or replace table main.origin as select ? as origin", [origin])
    # dlt's own copy of the rows that it has merged.
    connection.execute(f"drop schema if exists {DATASET}_staging cascade")


# Loading


def _load(path: Path, spool: _Spool, tables: list[str], *, is_first: bool) -> None:
    """Let dlt merge the spooled rows into the file at `path`; its working folder is thrown away afterwards."""
    pipeline = dlt.pipeline(
        "crm_reports",
        pipelines_dir=str(spool.folder / "dlt"),
        dataset_name=DATASET,
        destination=dlt.destinations.duckdb(str(path)),
    )
    resources = [_resource(spool, table, is_first=is_first) for table in tables]
    pipeline.run(DltSource(dlt.Schema(DATASET), "crm", resources), loader_file_format="parquet")


def _resource(spool: _Spool, table: str, *, is_first: bool) -> DltResource:
    return dlt.resource(
        lambda: spool.rows(table),
        name=table,
        write_disposition="append" if is_first else _disposition(table),
        primary_key=list(TABLES[table].key),
    )


def _disposition(table: str) -> Any:
    if table in DICTIONARIES:
        return "replace"
    if table == "syncs":
        return "append"
    return {"disposition": "merge", "strategy": "insert-only" if table == "done_seen" else "upsert"}


def _remove(connection: duckdb.DuckDBPyConnection, findings: Findings, spool: _Spool) -> dict[str, int]:
    """Take out what the portal has no more; history and comments go with their deal, as they do there."""
    gone = {table: [str(each) for each in ids] for table, ids in findings.removed.items()}
    removed = Counter({table: _delete(connection, table, ID_OF[table], ids) for table, ids in gone.items()})
    removed["stage_history"] += _delete(connection, "stage_history", "deal_id", gone.get("deals", []))
    removed["done_seen"] += _delete(connection, "done_seen", "activity_id", gone.get("activities", []))
    owned = [(OWNERS[table], each) for table, ids in gone.items() if table in OWNERS for each in ids]
    removed["comments"] += _delete_comments(connection, [*owned, *findings.commented], spool)
    return {table: rows for table, rows in removed.items() if rows}


def _delete(connection: duckdb.DuckDBPyConnection, table: str, column: str, ids: list[str]) -> int:
    if not ids or table not in _row_counts(connection):
        return 0
    gone = pa.table({"id": pa.array(ids, pa.string())})
    connection.register("gone", gone)
    (rows,) = connection.execute(
        f"delete from {DATASET}.{table} where {column} in (select id from gone)"
    ).fetchone()  # fmt: skip
    connection.unregister("gone")
    return rows


def _delete_comments(connection: duckdb.DuckDBPyConnection, owners: list[tuple[str, str]], spool: _Spool) -> int:
    """Take out the comments of `owners` that did not come this time, though theirs were read."""
    if not owners or "comments" not in _row_counts(connection):
        return 0
    types, ids = zip(*owners, strict=True)
    connection.register("owners", pa.table({"owner_type": pa.array(types), "owner_id": pa.array(ids)}))
    came = list(spool.rows("comments")) if (spool.folder / "comments.parquet").is_file() else []
    connection.register("came", pa.concat_tables([arrow_schema("comments").empty_table(), *came]))
    (rows,) = connection.execute(
        f"delete from {DATASET}.comments where (owner_type, owner_id) in (from owners) "
        "and comment_id not in (select comment_id from came)"
    ).fetchone()
    connection.unregister("owners")
    connection.unregister("came")
    return rows


# One at a time


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """An empty folder, gone at the end; what a killed sync left in it goes first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; a process that dies lets it go by itself."""
    with (folder / "sync.lock").open("a") as lock:
        try:
            _take(lock.fileno())
        except OSError:
            raise StoreError(
                _("another sync is at work in {folder!r}: wait for it to end", folder=str(folder))
            ) from None
        yield


def _take(descriptor: int) -> None:
    try:
        import fcntl
    except ImportError:
        import msvcrt

        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
