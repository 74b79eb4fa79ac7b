"""What the checks know of a store: counts, shares, medians and names, worked out by a query or two for each table.

They are small enough to be kept of every night, and hold no row of the store.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from ...settings import Settings
from ...sources.fields import TABLES
from ...store import Store
from ...store.engine import SCHEMA, quote, silence
from ...store.snapshot import readable

Cursor = Any  # the store's own connection, which is nobody's to name but its room's

LATELY, MONTH = 7, 28  # days before a sync: what came lately, what headline numbers are of
SERIES_DAYS = 400  # of days that are counted one by one
MOST_PIPELINES = 20  # whose days are counted apart
TIMES = {"deals": "created_at", "leads": "created_at", "activities": "created_at", "stage_history": "at", "comments": "at"}  # fmt: skip
# Rows that are alike in all of these are one thing entered twice.
CONTENT = {
    "deals": "title, created_at, manager_id, amount", "leads": "title, created_at, manager_id",
    "activities": "owner_type, owner_id, manager_id, kind, created_at, \"at\", deadline_at",
    "stage_history": 'deal_id, stage_id, "at"', "comments": 'owner_type, owner_id, manager_id, "at"',
    "managers": "name", "companies": "name", "contacts": "name",
}  # fmt: skip
# Of which rows a column is filled, where that is not all of them.
AMONG = {
    ("deals", "closed_at"): "outcome <> 'open'", ("leads", "closed_at"): "outcome <> 'open'",
    ("activities", "at"): "is_done", ("activities", "deadline_at"): "not is_done",
}  # fmt: skip
REFERENCES = (
    ("deals", "manager_id", "managers", "true"), ("deals", "stage_id", "stages", "true"),
    ("deals", "pipeline_id", "pipelines", "true"), ("deals", "source_id", "sources", "true"),
    ("deals", "company_id", "companies", "true"), ("stage_history", "deal_id", "deals", "true"),
    ("stage_history", "stage_id", "stages", "true"), ("activities", "manager_id", "managers", "true"),
    ("activities", "owner_id", "deals", "owner_type = 'deal'"), ("comments", "owner_id", "deals", "owner_type = 'deal'"),
)  # fmt: skip
PAST_ONLY = ("created_at", "at", "moved_at", "modified_at", "updated_at", "last_activity_at", "closed_at")
PARTS = {
    "deals": ("pipeline_id", "manager_id", "source_id", "currency", "outcome"), "activities": ("kind", "owner_type"),
    "leads": ("manager_id", "source_id", "outcome"), "stage_history": ("pipeline_id",),
}  # fmt: skip
OWN_VALUES, OWN_FIELD = (
    "own_values.field",
    "entity || '.' || field",
)  # of the company's own, as columns of what has them
NAMES = {"stages": "stage_id", "pipelines": "pipeline_id", "sources": "source_id", "currencies": "currency"}
TITLED = {name: NAMES[name] for name in ("stages", "pipelines", "sources")}


@dataclass(frozen=True)
class Amounts:
    """Of one pipeline's deals: how many have an amount, the median's logarithm, of lately and of the half year before."""

    n: int
    middle: float
    n_lately: int
    lately: float | None
    before: float | None
    spread: float | None


@dataclass(frozen=True)
class Facts:
    """One night's facts. `shares` are (how many, of how many); `parts` counts of rows; `hours` rows by hour of the day;
    `names` ids and codes, and `titles` what the CRM calls them.

    `days` are rows by day: of more than a year while a night is checked, of the last weeks once it is kept.
    """

    synced_at: datetime
    origin: str
    zone: str
    offset: int | None = None
    changed_at: datetime | None = None
    base: str = ""
    rows: Mapping[str, int] = field(default_factory=dict)
    shares: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    titles: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rates: Mapping[str, float] = field(default_factory=dict)
    amounts: Mapping[str, Amounts] = field(default_factory=dict)
    headlines: Mapping[str, tuple[float, int]] = field(default_factory=dict)
    hours: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    days: Mapping[str, Mapping[date, int]] = field(default_factory=dict)

    @property
    def on(self) -> date:
        """The day of the sync, where the company is."""
        return self.synced_at.astimezone(ZoneInfo(self.zone)).date()


def facts(store: Store, settings: Settings) -> Facts:
    """The facts of the store as it is."""
    cursor = silence(store.connection.cursor())
    with readable():
        return measured(cursor, store.tables, store.last_sync, settings)


def measured(cursor: Cursor, tables: Mapping[str, set[str]], last_sync: Mapping[str, Any], settings: Settings) -> Facts:
    """The facts of the tables in `store`, which have these columns."""
    synced_at = last_sync["synced_at"].astimezone(UTC)
    look = _Look(cursor, tables, synced_at, settings)
    return Facts(
        synced_at, _origin(settings, last_sync, synced_at), settings.time_zone, last_sync.get("utc_offset"),
        look.changed_at, look.base, look.rows, look.shares, look.parts, look.names | look.columns, look.titles, look.rates,
        look.amounts(), look.headlines(), look.hours, look.days,
    )  # fmt: skip


def _origin(settings: Settings, last_sync: Mapping[str, Any], synced_at: datetime) -> str:
    """What the store is of; a demo company is invented anew every day."""
    words = [settings.source.kind, last_sync["portal_url"] or str(settings.source.folder or "")]
    if settings.source.kind == "demo":
        demo = settings.source.demo
        words += [demo.model_dump_json(), str(demo.today or synced_at.astimezone(settings.zone).date())]
    return " ".join(words)


class _Look:
    """One look at all tables."""

    def __init__(self, cursor: Cursor, tables: Mapping[str, set[str]], synced_at: datetime, settings: Settings) -> None:
        self.cursor, self.tables, self.synced_at, self.zone = cursor, tables, synced_at, settings.time_zone
        today = synced_at.astimezone(settings.zone).date()
        self.midnight = datetime.combine(today, time(), settings.zone)
        self.first_day = today - timedelta(days=SERIES_DAYS)
        self._lately = self._instant(timedelta(days=-LATELY))
        self.rows: dict[str, int] = {}
        self.shares: dict[str, tuple[int, int]] = {}
        self.parts: dict[str, dict[str, int]] = {}
        self.hours: dict[str, tuple[int, ...]] = {}
        self.days: dict[str, dict[date, int]] = {}
        self.changed_at: datetime | None = None
        for table in [name for name in TABLES if name in tables and (name in CONTENT or name in NAMES)]:
            self._count(table)
        for table in [name for name in TIMES if name in tables]:
            self._order(table, TIMES[table], table)
        if "deals" in tables:
            self._order("deals", "closed_at", "closings", "outcome <> 'open'")
            self._order_pipelines()
        self.names = {name: self._texts(name, key) for name, key in NAMES.items() if name in tables}
        self.names["kinds"] = tuple(sorted(self.parts.get("activities.kind", {})))
        named = {name: key for name, key in TITLED.items() if "name" in tables.get(name, ())}
        self.titles = {name: dict(self._all(name, f"{key}, name", f"{key} is not null")) for name, key in named.items()}
        self.parts[OWN_VALUES] = dict(self._all("own_values", f"{OWN_FIELD}, count(*)", "true group by 1"))
        own_fields = (field for (field,) in self._all("own_fields", OWN_FIELD, "gone_at is null"))
        self.columns = {"columns": tuple(sorted([*self._columns(), *own_fields]))}

    def _columns(self) -> Iterator[str]:
        return (f"{table}.{column}" for table in self.rows for column in self.tables[table])

    def _count(self, table: str) -> None:
        """Rows, shares and parts of one table: of what came lately and of the rest, by one query; and what is there twice."""
        wrongs = list(_wrongs(table, self.tables, self._instant(timedelta(days=1))))
        amongs = list(dict.fromkeys(among for _name, _wrong, among in wrongs))
        columns = [column for column in PARTS.get(table, ()) if column in self.tables[table]]
        queries = [
            f'coalesce("{TIMES[table]}" >= {self._lately}, false)' if table in TIMES else "false", "count(*)",
            f"epoch(greatest({', '.join([*self._changes(table), 'null::timestamptz'])}))",
            *(f"histogram(coalesce({column}, ''))" for column in columns),
            *(f"count(*) filter (where ({wrong}) and ({among}))" for _name, wrong, among in wrongs),
            *(f"count(*) filter (where {among})" for among in amongs),
        ]  # fmt: skip
        self.rows[table] = 0
        for is_late, count, changed_at, *values in self._all(table, ", ".join(queries), "true group by 1"):
            self.rows[table] += count
            self._note_change(changed_at)
            self._note_parts(table, columns, values)
            numbers = values[len(columns) :]
            sizes = dict(zip(amongs, numbers[len(wrongs) :], strict=True))
            for (name, _wrong, among), k in zip(wrongs, numbers[: len(wrongs)], strict=True):
                self._note_share(name, k, sizes[among])
                if table in TIMES:
                    self._note_share(f"{name} ({LATELY})", k * is_late, sizes[among] * is_late)
        self._count_twice(table)

    def _changes(self, table: str) -> list[str]:
        stamps = [column for column in PAST_ONLY if column in self.tables[table] and column != "closed_at"]
        return [f'max("{stamp}") filter (where "{stamp}" <= {self._instant()})' for stamp in stamps]

    def _note_parts(self, table: str, columns: list[str], histograms: list[Any]) -> None:
        for column, histogram in zip(columns, histograms, strict=False):
            part = self.parts.setdefault(f"{table}.{column}", {})
            for id, count in (histogram or {}).items():
                part[id] = part.get(id, 0) + count

    def _note_share(self, name: str, k: int, n: int) -> None:
        before = self.shares.get(name, (0, 0))
        self.shares[name] = (before[0] + k, before[1] + n)

    def _count_twice(self, table: str) -> None:
        keys = {f"doubled: {table} ({', '.join(TABLES[table].key)})": ", ".join(TABLES[table].key)}
        if table in CONTENT and set(CONTENT[table].replace('"', "").split(", ")) <= self.tables[table]:
            keys[f"doubled: {table}"] = CONTENT[table]
        counts = self._row(
            f"select {', '.join(f'count(distinct ({key}))' for key in keys.values())} from store.{SCHEMA}.{table}"
        )
        rows = self.rows[table]
        self.shares |= {name: (rows - count, rows) for name, count in zip(keys, counts, strict=True)}

    def _note_change(self, seconds: float | None) -> None:
        if seconds is not None:
            at = datetime.fromtimestamp(seconds, UTC)
            self.changed_at = max(self.changed_at or at, at)

    def _order(self, table: str, column: str, name: str, condition: str = "true") -> None:
        """Rows by day and by hour, those of lately apart, too."""
        local = f'"{column}" at time zone {quote(self.zone)}'
        sql = (
            f"select day, hour, is_late, count(*) from (select ({local})::date as day, extract(hour from {local}) as hour, "
            f'"{column}" >= {self._lately} as is_late from store.{SCHEMA}.{table} where {condition} and "{column}" <= {self._instant()}) '
            f"where hour is not null group by grouping sets ((day), (hour, is_late))"
        )
        hours = ([0] * 24, [0] * 24)
        self.days[name] = {}
        for day, hour, is_late, count in self.cursor.execute(sql).fetchall():
            if hour is not None:
                hours[bool(is_late)][int(hour)] += count
            elif day >= self.first_day:
                self.days[name][day] = count
        self.hours |= {name: tuple(hours[False]), f"{name} lately": tuple(hours[True])}

    def _order_pipelines(self) -> None:
        """New deals by day of each pipeline, where there are several."""
        pipelines = [id for id in self.parts.get("deals.pipeline_id", ()) if id][:MOST_PIPELINES]
        if len(pipelines) < 2:
            return
        sql = (
            f"select pipeline_id, (created_at at time zone {quote(self.zone)})::date as day, count(*) "
            f"from store.{SCHEMA}.deals where created_at <= {self._instant()} group by all"
        )
        for id, day, count in self.cursor.execute(sql).fetchall():
            if id in pipelines and day >= self.first_day:
                self.days.setdefault(f"deals, {id}", {})[day] = count

    @property
    def base(self) -> str:
        """The code of the portal's base currency."""
        codes = self._all("currencies", "currency", "is_base")
        return codes[0][0] if codes else ""

    @property
    def rates(self) -> dict[str, float]:
        return dict(self._all("currencies", "currency, rate", "currency is not null and rate > 0"))

    def amounts(self) -> dict[str, Amounts]:
        """By pipeline, the logarithms of what deals are about."""
        if "deals" not in self.tables:
            return {}
        late, before = self._instant(timedelta(days=-MONTH)), self._instant(timedelta(days=-MONTH - 182))
        is_late, is_before = f"created_at >= {late}", f"created_at >= {before} and created_at < {late}"
        sql = (
            f"count(*), median(size), count(*) filter (where {is_late}), median(size) filter (where {is_late}), "
            f"median(size) filter (where {is_before}), mad(size) filter (where {is_before})"
        )
        rows = f"(select coalesce(pipeline_id, '') as pipeline, created_at, ln(abs(amount)) as size from store.{SCHEMA}.deals where amount <> 0)"
        entries = self.cursor.execute(f"select pipeline, {sql} from {rows} group by pipeline").fetchall()
        return {pipeline: Amounts(*values) for pipeline, *values in entries}

    def headlines(self) -> dict[str, tuple[float, int]]:
        """By name, the number and how many deals it is made of; money is without the largest, which is nobody's fault."""
        if "deals" not in self.tables:
            return {}
        start, end = quote(self.midnight - timedelta(days=MONTH)), quote(self.midnight)
        inside = f"between timestamptz {start} and timestamptz {end} - interval 1 second"
        conditions = {
            "won": f"outcome = 'won' and closed_at {inside}", "in_work": "outcome = 'open'",
        }  # fmt: skip
        queries = [
            f"count(*) filter (where {condition}), sum(worth) filter (where {condition}) - max(worth) filter (where {condition})"
            for condition in conditions.values()
        ]
        rate = f"left join store.{SCHEMA}.currencies using (currency)" if "currencies" in self.tables else ""
        worth = "amount * coalesce(rate, 1)" if rate else "amount"
        row = self._row(
            f"select {', '.join(queries)} from (select *, {worth} as worth from store.{SCHEMA}.deals {rate})"
        )
        counts, money = row[::2], row[1::2]
        return {name: (float(count), count) for name, count in zip(conditions, counts, strict=True)} | {
            f"{name}_money": (float(sum_ or 0), count)
            for name, sum_, count in zip(conditions, money, counts, strict=True)
        }

    # SQL

    def _instant(self, step: timedelta = timedelta()) -> str:
        return f"timestamptz {quote((self.synced_at + step).isoformat())}"

    def _row(self, sql: str) -> tuple:
        return self.cursor.execute(sql).fetchone()

    def _all(self, table: str, columns: str, condition: str) -> list[tuple]:
        if table not in self.tables:
            return []
        sql = f"select {columns} from store.{SCHEMA}.{table} where {condition}"
        return self.cursor.execute(sql).fetchall()

    def _texts(self, table: str, column: str) -> tuple[str, ...]:
        return tuple(sorted(text for (text,) in self._all(table, column, f"{column} is not null")))


def _wrongs(table: str, tables: Mapping[str, set[str]], tomorrow: str) -> Iterator[tuple[str, str, str]]:
    """What may be wrong with a row: the share's name, the condition, and among which rows."""
    kinds = {field.name: field.kind for field in TABLES[table].fields}
    for column in sorted(tables[table] - set(TABLES[table].key)):
        blank = (
            " or coalesce({}, '') = ''" if kinds.get(column) == "text" else " or {} = 0" if column == "amount" else ""
        )
        yield (
            f"empty: {table}.{column}",
            f'"{column}" is null' + blank.format(f'"{column}"'),
            AMONG.get((table, column), "true"),
        )
        if column in PAST_ONLY and table in TIMES:
            yield f"dates: {table}.{column}", f'"{column}" > {tomorrow}', AMONG.get((table, column), "true")
    if table == "deals" and {"amount", "closed_at", "created_at", "outcome"} <= tables[table]:
        yield "negative: deals.amount", "amount < 0", "amount is not null"
        yield "dates: deals.closed_at < created_at", "closed_at + interval 1 day <= created_at", "outcome <> 'open'"
    for source, column, target, among in REFERENCES:
        if source == table and target in tables and column in tables[table]:
            (id,) = TABLES[target].key
            there = f"select {id} from store.{SCHEMA}.{target} where {id} is not null"
            yield (
                f"orphans: {table}.{column}",
                f"{column} not in ({there})",
                f"{among} and coalesce({column}, '') <> ''",
            )
