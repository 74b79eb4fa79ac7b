"""An invented company whose data are checked: small tables for the SQL, and nights of numbers for what judges them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from crm_reports.night.checks import Facts, Night, Result, judge
from crm_reports.night.checks.facts import Amounts, measured
from crm_reports.settings import Settings
from crm_reports.sources.fields import TABLES, arrow_schema

ZONE = ZoneInfo("Europe/Moscow")
HOURS = (
    9,
    9,
    10,
    10,
    10,
    10,
    11,
    11,
    11,
    12,
    13,
    14,
    14,
    15,
    15,
    16,
    17,
    18,
)  # of the day, as often as things happen then
KINDS = ("call", "call", "call", "meeting", "email", "crm_activity")
TODAY = date(2025, 7, 15)  # a Tuesday; no holiday is near
STAGES = {"0": ("NEW", "WORK", "WON", "LOST"), "1": ("C1:NEW", "C1:WORK", "C1:WON", "C1:LOST")}
OUTCOMES = ("open", "open", "won", "lost")
PRESENT = (
    "deals", "activities", "stage_history", "comments", "managers", "stages", "pipelines", "sources", "companies", "currencies", "own_fields", "own_values",
)  # fmt: skip


class Company:
    """Thirty weeks of a company: eight deals on a working day, three activities, two moves and a comment for each."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.random = settings, Random(7)
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute("set TimeZone = 'UTC'; attach ':memory:' as store; create schema store.crm")
        rows: dict[str, list[dict]] = {name: [] for name in PRESENT}
        days = [TODAY - timedelta(days=back) for back in range(210, 0, -1)]
        for day in filter(settings.calendar.is_working, days):
            for _number in range(self.random.choice((6, 7, 8, 8, 9, 10))):
                self._add_deal(rows, day)
        rows |= self._names()
        for name in PRESENT:
            self._write(name, rows[name])
        self.tables = {name: {field.name for field in TABLES[name].fields} for name in PRESENT}

    def _add_deal(self, rows: dict[str, list[dict]], day: date) -> None:
        number, pick = len(rows["deals"]) + 1, self.random.choice
        pipeline, step = pick("0001"), pick((0, 0, 1, 2, 3))
        created = self._instant(day)
        deal = {
            "deal_id": str(number), "title": f"Deal {number}", "pipeline_id": pipeline, "stage_id": STAGES[pipeline][step],
            "outcome": OUTCOMES[step], "manager_id": pick("12345"), "source_id": pick(("WEB", "WEB", "CALL", "MAIL")),
            "company_id": pick("123456789"), "amount": round(self.random.lognormvariate(11, 0.7)), "currency": pick(("RUB",) * 19 + ("USD",)),
            "created_at": created, "modified_at": created + timedelta(minutes=5), "closed_at": self._midnight(day) if step > 1 else None,
        }  # fmt: skip
        rows["deals"].append(deal)
        for minutes in (10, 20, 30):
            at = created + timedelta(minutes=minutes)
            rows["activities"].append({
                "activity_id": f"{number}-{minutes}", "owner_type": "deal", "owner_id": deal["deal_id"], "manager_id": deal["manager_id"],
                "kind": pick(KINDS), "is_done": True, "created_at": at, "at": at, "updated_at": at,
            })  # fmt: skip
        for entry in range(2):
            rows["stage_history"].append({
                "history_id": 2 * number + entry, "deal_id": deal["deal_id"], "stage_id": STAGES[pipeline][0] if entry == 0 else deal["stage_id"],
                "pipeline_id": pipeline, "outcome": "open", "at": created + timedelta(minutes=40 * entry),
            })  # fmt: skip
        rows["comments"].append({"comment_id": str(number), "owner_type": "deal", "owner_id": deal["deal_id"], "manager_id": deal["manager_id"], "at": created + timedelta(minutes=50)})  # fmt: skip

    def _instant(self, day: date) -> datetime:
        return datetime.combine(
            day, time(self.random.choice(HOURS), self.random.randrange(60), self.random.randrange(60)), ZONE
        )

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), ZONE)

    def _names(self) -> dict[str, list[dict]]:
        return {
            "own_fields": [{"entity": "deal", "field": "UF_CRM_1", "type": "string"}],
            "own_values": [{"entity": "deal", "entity_id": str(n), "field": "UF_CRM_1", "value": "Kazan"} for n in range(1, 500)],
            "managers": [{"manager_id": str(n), "name": f"Manager {n}", "is_active": True} for n in range(1, 25)],
            "companies": [{"company_id": str(n), "name": f"Company {n}"} for n in range(1, 10)],
            "sources": [{"source_id": id, "name": id} for id in ("WEB", "CALL", "MAIL")],
            "pipelines": [{"pipeline_id": id, "name": f"Pipeline {id}"} for id in STAGES],
            "stages": [{"stage_id": id, "pipeline_id": pipeline, "name": id} for pipeline, ids in STAGES.items() for id in ids],
            "currencies": [{"currency": "RUB", "rate": 1.0, "is_base": True}, {"currency": "USD", "rate": 90.0, "is_base": False}],
        }  # fmt: skip

    def _write(self, name: str, rows: list[dict]) -> None:
        filled = [{column: row.get(column) for column in TABLES[name].columns} for row in rows]
        self.connection.register("rows_given", pa.Table.from_pylist(filled, schema=arrow_schema(name)))
        self.connection.execute(f"create table store.crm.{name} as select * from rows_given")
        self.connection.unregister("rows_given")

    # Nights

    def facts(self, *statements: str, on: date = TODAY, tables: Iterable[str] = PRESENT, offset: int = 180) -> Facts:
        """The facts of the night of that day, after these statements, which are undone."""
        synced_at = datetime.combine(on, time(0, 10), ZONE).astimezone(UTC)
        last_sync = {"synced_at": synced_at, "portal_url": "https://portal.example", "utc_offset": offset}
        with self._undone(on):
            for statement in statements:
                self.connection.execute(statement)
            return measured(self.connection, {name: self.tables[name] for name in tables}, last_sync, self.settings)

    @contextmanager
    def _undone(self, on: date) -> Iterator[None]:
        self.connection.execute("begin; use store.crm")
        try:
            for table, column in {
                "deals": "created_at",
                "activities": "created_at",
                "stage_history": "at",
                "comments": "at",
            }.items():
                self.connection.execute(f'delete from {table} where "{column}" >= ?', [self._midnight(on)])
            yield
        finally:
            self.connection.execute("rollback; use memory")


def night_of(facts: Facts, earlier: list[Night], settings: Settings, now: datetime | None = None) -> Night:
    """The night of these facts, judged beside the earlier ones (the latest first)."""
    return Night(facts, judge(facts, earlier, settings, now=now or facts.synced_at))


def states(results: Iterable[Result], state: str) -> set[str]:
    """The names of the checks that are so."""
    return {result.name for result in results if result.state == state}


# Ordinary nights, as numbers alone

TABLE_ROWS = {"deals": 1.0, "activities": 4.0, "stage_history": 2.5, "comments": 1.2, "leads": 0.8}
NIGHT_PARTS = {"deals.manager_id": (0.3, 0.25, 0.2, 0.15, 0.1), "deals.pipeline_id": (0.8, 0.2), "deals.currency": (0.95, 0.05), "activities.kind": (0.5, 0.3, 0.2)}  # fmt: skip
NIGHT_SHARES = {"empty: deals.source_id": 0.06, "empty: deals.amount": 0.12, "doubled: deals": 0.004, "dates: deals.created_at": 0.0, "negative: deals.amount": 0.003, "orphans: deals.company_id": 0.01}  # fmt: skip


def ordinary_nights(settings: Settings, count: int, *, seed: int, a_day: float) -> Iterator[Facts]:
    """Nights of a company that enters `a_day` deals on a working day: weekends, holidays, bridges, seasons, growth, sick
    days, a fair that brings many, people who come and go, and amounts that differ a thousandfold."""
    random, start = Random(seed), date(2025, 9, 1)
    first = start - timedelta(days=420)
    days: dict[str, dict[date, int]] = {name: {} for name in (*TABLE_ROWS, "closings")}
    last_change = datetime.combine(first, time(12), ZONE)
    for number in range(420 + count):
        day = first + timedelta(days=number)
        rate = _rate(random, settings, day, number, a_day)
        for name, factor in TABLE_ROWS.items():
            days[name][day] = _poisson(random, rate * factor * random.lognormvariate(0, 0.15))
        days["closings"][day] = _poisson(random, rate * 0.7)
        if days["activities"][day]:
            last_change = datetime.combine(day, time(17), ZONE)
        if day >= start:
            yield _night(random, day + timedelta(days=1), days, last_change, settings)


def _rate(random: Random, settings: Settings, day: date, number: int, a_day: float) -> float:
    """Deals to be expected on that day."""
    if not settings.calendar.is_working(day):
        return a_day * 0.02
    season = {1: 0.75, 5: 0.8, 7: 0.75, 8: 0.75, 11: 1.2, 12: 1.3}.get(day.month, 1.0)
    is_bridge = not settings.calendar.is_working(day + timedelta(days=1)) and not settings.calendar.is_working(
        day - timedelta(days=1)
    )
    luck = random.choices((1.0, 0.6, 2.0), (0.94, 0.04, 0.02))[0]
    return (
        a_day
        * season
        * (1 + number / 1000)
        * (1.1, 1.05, 1.0, 1.0, 0.8, 1, 1)[day.weekday()]
        * luck
        * (0.5 if is_bridge else 1)
    )


def _poisson(random: Random, rate: float) -> int:
    """How many come, of a normal where they are many."""
    if rate > 30:
        return max(0, round(random.gauss(rate, rate**0.5)))
    left, count = random.expovariate(1), 0
    while left < rate:
        left, count = left + random.expovariate(1), count + 1
    return count


def _share(random: Random, n: int, p: float) -> tuple[int, int]:
    return min(n, _poisson(random, n * p)), n


def _night(
    random: Random, on: date, days: dict[str, dict[date, int]], last_change: datetime, settings: Settings
) -> Facts:
    rows = {name: sum(days[name].values()) for name in TABLE_ROWS}
    lately = {name: sum(n for day, n in days[name].items() if (on - day).days <= 7) for name in TABLE_ROWS}
    month = {name: sum(n for day, n in days[name].items() if (on - day).days <= 28) for name in ("deals", "closings")}
    shares = {name: (round(rows[table_of(name)] * p), rows[table_of(name)]) for name, p in NIGHT_SHARES.items()}
    shares |= {f"{name} (7)": _share(random, lately[table_of(name)], p) for name, p in NIGHT_SHARES.items()}
    hours = {
        name: tuple(round(HOURS.count(hour) * rows[name] / len(HOURS)) for hour in range(24)) for name in TABLE_ROWS
    }
    hours |= {
        f"{name} lately": tuple(_poisson(random, HOURS.count(hour) * lately[name] / len(HOURS)) for hour in range(24))
        for name in TABLE_ROWS
    }
    spread, n = 0.7, max(month["deals"], 1)
    middle = lambda size: 11 + random.gauss(0, 1.25 * 1.5 * spread / max(size, 1) ** 0.5)  # noqa: E731
    return Facts(
        datetime.combine(on, time(0, 10), ZONE).astimezone(UTC), "demo", settings.time_zone, 180, last_change, "RUB",
        rows=rows, shares=shares, hours=hours, days={name: dict(counts) for name, counts in days.items()},
        parts={part: {str(id): round(rows[table_of(part)] * p) for id, p in enumerate(shares_)} for part, shares_ in NIGHT_PARTS.items()},
        names={"stages": ("NEW", "WON"), "pipelines": ("0", "1"), "kinds": ("call", "email"), "currencies": ("RUB", "USD"), "columns": ("deals.amount",)},
        rates={"RUB": 1.0, "USD": 90 + random.gauss(0, 2)},
        amounts={"0": Amounts(rows["deals"], middle(rows["deals"]), n, middle(n), 11.0, spread)},
        headlines={
            "created": (month["deals"], month["deals"]), "won": (round(month["closings"] * 0.4),) * 2, "lost": (round(month["closings"] * 0.6),) * 2,
            "won_money": (sum(random.lognormvariate(11, 0.9) for _deal in range(round(month["closings"] * 0.4))), round(month["closings"] * 0.4)),
        },
    )  # fmt: skip


def table_of(name: str) -> str:
    return name.partition(": ")[2].partition(".")[0] if ": " in name else name.partition(".")[0]
