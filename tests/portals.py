"""A demo portal to sync from, the portal's own tables as the store should have them, and what the store holds."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import duckdb

from bitrix24_demo import UNLIMITED, Company, Served, serve
from crm_reports.settings import Settings
from crm_reports.sources.bitrix24.pace import Pace
from crm_reports.store.sync import SyncReport, sync

AT_ONCE = Pace(per_second=1e9, burst=1e9, pause=0)


@contextmanager
def served(company: Company, **options: Any) -> Iterator[Served]:
    with serve(company, rate=UNLIMITED, code="s3cr3tc0de", **options) as portal:
        yield portal


def run(settings: Settings, portal: Served, **more: Any) -> SyncReport:
    return sync(settings, webhook=portal.webhook, portal_url="https://acme.example", pace=AT_ONCE, **more)


@contextmanager
def reading(settings: Settings) -> Iterator[Callable[..., list[tuple]]]:
    """What finds the rows of a table of the store, as `stored` does, as often as one likes."""
    with closing(duckdb.connect(str(settings.store_path), read_only=True)) as connection:
        connection.execute("set TimeZone = 'UTC'")

        def found(table: str, columns: str = "*") -> list[tuple]:
            # By Arrow: DuckDB itself makes aware instants only where pytz is installed.
            rows = connection.execute(f"select {columns} from crm.{table} order by all").to_arrow_table()
            return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))

        yield found


def stored(settings: Settings, table: str, columns: str = "*") -> list[tuple]:
    with reading(settings) as found:
        return found(table, columns)


def later(company: Company, **more: float) -> None:
    company.now = company.now + timedelta(**(more or {"days": 1}))


# What the portal's own tables hold, as the store should have it


def _id(value: int | None) -> str | None:
    return str(value) if value else None


def _midnight(day: date | None, company: Company) -> datetime | None:
    return day and datetime.combine(day, time(), company.zone).astimezone(UTC)


OUTCOMES = {"P": "open", "S": "won", "F": "lost"}


def deals_of(company: Company) -> list[tuple]:
    return sorted(
        (
            str(row["ID"]), row["TITLE"] or None, str(row["CATEGORY_ID"]), row["STAGE_ID"], OUTCOMES[row["STAGE_SEMANTIC_ID"]],
            _id(row["ASSIGNED_BY_ID"]), row["SOURCE_ID"] or None, _id(row["COMPANY_ID"]), _id(row["CONTACT_ID"]),
            row["OPPORTUNITY"], row["CURRENCY_ID"], row["DATE_CREATE"], row["MOVED_TIME"],
            _midnight(row["CLOSEDATE"], company), row["DATE_MODIFY"], row["LAST_ACTIVITY_TIME"], None,
        )
        for row in company.deals if row["IS_RECURRING"] != "Y"
    )  # fmt: skip


def history_of(company: Company) -> list[tuple]:
    return [
        (
            row["ID"], str(row["OWNER_ID"]), row["STAGE_ID"], str(row["CATEGORY_ID"]),
            OUTCOMES[row["STAGE_SEMANTIC_ID"]], row["CREATED_TIME"],
        )
        for row in company.history
    ]  # fmt: skip


def comments_of(company: Company) -> list[tuple]:
    return sorted(
        (str(row["ID"]), row["ENTITY_TYPE"], str(row["ENTITY_ID"]), str(row["AUTHOR_ID"]), row["CREATED"])
        for row in company.comments
    )


def activities_of(company: Company) -> list[tuple]:
    owners = {1: "lead", 2: "deal", 3: "contact", 4: "company"}
    return sorted(
        (str(row["ID"]), owners[row["OWNER_TYPE_ID"]], str(row["OWNER_ID"]), row["COMPLETED"] == "Y", row["CREATED"])
        for row in company.activities
    )


def names_of(table: Any, *fields: str) -> list[tuple]:
    return sorted((str(row["ID"]), " ".join(filter(None, (row[field] for field in fields)))) for row in table)


def stages_of(company: Company) -> list[tuple]:
    rows = (row for row in company.statuses if row["ENTITY_ID"].startswith("DEAL_STAGE"))
    return sorted((row["STATUS_ID"], row["NAME"]) for row in rows)


def rates_of(company: Company) -> list[tuple]:
    return sorted((each.code, each.rate / each.count) for each in company.currencies.values())


def assert_same(settings: Settings, company: Company) -> None:
    """The store holds what the portal shows; what is out of sight stays as it was, and is not compared."""
    with reading(settings) as found:
        _assert_same(found, company)


def _assert_same(found: Callable[..., list[tuple]], company: Company) -> None:
    hidden = {str(deal) for deal in company.hidden_deals}

    def seen(table: str, columns: str = "*", *, deal: int, owner: int | None = None) -> list[tuple]:
        rows = found(table, columns)
        return [row for row in rows if row[deal] not in hidden or (owner is not None and row[owner] != "deal")]

    assert seen("deals", deal=0) == deals_of(company)
    assert seen("stage_history", deal=1) == history_of(company)
    assert seen("comments", deal=2, owner=1) == comments_of(company)
    columns = "activity_id, owner_type, owner_id, is_done, created_at"
    assert seen("activities", columns, deal=2, owner=1) == activities_of(company)
    assert found("companies", "company_id, name") == names_of(company.companies, "TITLE")
    assert found("contacts", "contact_id, name") == names_of(company.contacts, "NAME", "LAST_NAME")
    assert found("leads", "lead_id, title") == names_of(company.leads, "TITLE")
    assert found("stages", "stage_id, name") == stages_of(company)
    assert found("currencies", "currency, rate") == rates_of(company)
