"""A store of any size, made in DuckDB alone: the same rows every time, in seconds.

Two years of a company that sells: ids rise with time, deals walk through the stages of their pipeline, some go back or
skip one, a few managers' deals are in another currency. A company of ten times the deals has ten times the managers.
"""

from datetime import UTC, datetime
from pathlib import Path

import duckdb

from crm_reports.settings import Settings
from crm_reports.sources.fields import TABLES, arrow_schema

SYNCED_AT = datetime(2026, 1, 1, 1, tzinfo=UTC)
DEALS_OF_A_MANAGER = 3333
SOURCES, PIPELINES = 20, 5

# chance(x, salt): evenly from 0 to 1, the same for the same x.
BEGIN = """
create macro chance(x, salt) as (hash(x * 1000003 + salt) % 1000003) / 1000003.0;
create macro synced() as timestamptz '2026-01-01 01:00:00+00';
create macro stage(pipeline, step) as 'C' || pipeline || ':S' || step;
create temp table drafts as
select i as id, timestamptz '2024-01-01 00:00:00+00' + to_seconds(floor((i + chance(i, 1)) / {deals} * 731 * 86400)) as created_at,
    1 + (hash(i * 31 + 2) % {managers}) as manager, hash(i * 31 + 3) % {pipelines} as pipeline,
    hash(i * 31 + 4) % {sources} as source, 4 + i % 4 as count, 5 + chance(i, 5) * 90 as days,
    case when chance(i, 6) < 0.3 then 'won' when chance(i, 6) < 0.85 then 'lost' else 'open' end as ending
from range({deals}) as ids(i);
"""
HISTORY = """
with walked as (
    select id, pipeline, ending, count, move, count - 1 = move and ending != 'open' as is_end,
        created_at + to_seconds(floor(days * 86400 * (move / (count - 1)) ** 1.5)) as moved_at,
        case when chance(id * 10 + move, 7) < 0.05 then greatest(move - 1, 0)
             when chance(id * 10 + move, 7) < 0.10 then least(move + 1, 4) else least(move, 4) end as step
    from drafts, range(8) as moves(move) where move < count
)
select row_number() over (order by moved_at, id) as history_id, id::varchar as deal_id,
    case when not is_end then stage(pipeline, step) when ending = 'won' then stage(pipeline, 5)
         else stage(pipeline, 6 + id % 2) end as stage_id,
    pipeline::varchar as pipeline_id, case when is_end then ending else 'open' end as outcome,
    moved_at as at
from walked where moved_at < synced() order by history_id
"""
DEALS = """
with last as (select deal_id, max(history.at) as moved_at, last(stage_id order by history_id) as stage_id,
    last(outcome order by history_id) as outcome from crm.stage_history as history group by deal_id)
select deal_id, 'Delivery ' || id || ' for company ' || id // 3 as title, pipeline::varchar as pipeline_id, stage_id,
    outcome, manager::varchar as manager_id, 'S' || source as source_id,
    case when id % 20 > 0 then (hash(id) % {companies})::varchar end as company_id,
    case when id % 3 = 0 then (hash(id) % {companies})::varchar end as contact_id,
    case when id % 50 = 0 then 0 else round(1000 + chance(id, 8) ** 3 * 500000, 2) end as amount,
    case when manager % 10 = 0 then 'USD' else 'RUB' end as currency, created_at, moved_at,
    case when outcome = 'open' then created_at + interval 60 day else moved_at end as closed_at,
    moved_at as modified_at, moved_at as last_activity_at
from drafts join last on deal_id = id::varchar order by id
"""
ACTIVITIES = """
with planned as (
    select a as id, a % {deals} as deal,
        case when chance(a, 11) < 0.4 then 'call' when chance(a, 11) < 0.65 then 'email'
             when chance(a, 11) < 0.9 then 'crm_activity' else 'meeting' end as kind, chance(a, 12) as when_,
        chance(a, 13) < 0.1 as is_incoming, chance(a, 14) < 0.05 as is_forgotten
    from range({activities}) as ids(a)
), dated as (
    select planned.*, manager, drafts.created_at + to_seconds(when_ * days * 86400) as created_at,
        drafts.created_at + to_seconds((when_ * days + 3) * 86400) as deadline_at
    from planned join drafts on drafts.id = planned.deal
)
select id::varchar as activity_id, case when id % 10 = 0 then 'contact' else 'deal' end as owner_type,
    deal::varchar as owner_id, manager::varchar as manager_id, kind,
    not is_forgotten and deadline_at < synced() as is_done,
    not is_forgotten and deadline_at < synced() and not is_incoming as is_action, is_incoming,
    not is_incoming as is_plan, created_at,
    case when is_incoming then created_at when not is_forgotten and deadline_at < synced() then deadline_at end as at,
    deadline_at, least(deadline_at, synced()) as updated_at
from dated where created_at < synced() order by created_at, id
"""
COMMENTS = """
select c::varchar as comment_id, 'deal' as owner_type, id::varchar as owner_id, manager::varchar as manager_id,
    created_at + to_seconds(chance(c, 21) * days * 86400) as at
from range({comments}) as ids(c) join drafts on id = c % {deals}
where created_at + to_seconds(chance(c, 21) * days * 86400) < synced() order by 5, c
"""
OTHERS = {
    "done_seen": "select activity_id, synced() as seen_at from crm.activities where is_done",
    "companies": "select c::varchar as company_id, 'Company ' || c as name from range({companies}) as ids(c)",
    "contacts": "select c::varchar as contact_id, 'Person ' || c as name from range({companies}) as ids(c)",
    "pipelines": "select p::varchar as pipeline_id, 'Pipeline ' || p as name, p as position from range({pipelines}) as ids(p)",
    "stages": """select stage(p, s) as stage_id, p::varchar as pipeline_id, 'Stage ' || s as name, s as position,
        case when s < 5 then 'open' when s = 5 then 'won' else 'lost' end as outcome
        from range({pipelines}) as pipelines(p), range(8) as steps(s)""",
    "sources": "select 'S' || s as source_id, 'Source ' || s as name from range({sources}) as ids(s)",
    "managers": """select m::varchar as manager_id, 'Manager ' || m as name, m % 25 > 0 as is_active
        from range(1, {managers} + 1) as ids(m)""",
    "manager_departments": """select m::varchar as manager_id, (m % {departments})::varchar as department_id,
        0 as position from range(1, {managers} + 1) as ids(m)""",
    "departments": "select d::varchar as department_id, 'Department ' || d as name from range({departments}) as ids(d)",
    "currencies": """select * from (values ('RUB', 1.0, true), ('USD', 90.0, false)) as held(currency, rate, is_base)""",
    "syncs": """select synced() as synced_at, synced() as finished_at, 'bitrix24' as source, '[]' as holes,
        'https://portal.example' as portal_url, '{present}' as present""",
}  # fmt: skip
QUERIES = {"stage_history": HISTORY, "deals": DEALS, "activities": ACTIVITIES, "comments": COMMENTS, **OTHERS}


def make(folder: Path, deals: int) -> Settings:
    """A store of that many deals, five times the stage moves and ten times the actions (activities and comments)."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "store.duckdb"
    path.unlink(missing_ok=True)
    managers = max(10, deals // DEALS_OF_A_MANAGER)
    sizes = {
        "deals": deals, "activities": deals * 83 // 10, "comments": deals * 21 // 10, "companies": deals // 3 + 1, "sources": SOURCES,
        "pipelines": PIPELINES, "managers": managers, "departments": managers // 15 + 1, "present": ",".join(QUERIES),
    }  # fmt: skip
    with duckdb.connect(str(path), config={"temp_directory": str(folder / "spill")}) as connection:
        connection.execute("set time zone 'UTC'; create schema crm; " + BEGIN.format(**sizes))
        for table, query in QUERIES.items():
            _fill(connection, table, query.format(**sizes))
        for table in ("deals", "stage_history"):  # what pandas reads
            connection.execute(f"copy crm.{table} to '{folder / table}.parquet'")
    return Settings(home=folder, data=folder, time_zone="UTC")


def _fill(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
    """The table as a sync types it, with what the query says; columns that it does not name are null."""
    connection.register("typed", arrow_schema(table).empty_table())
    connection.execute(f"create table crm.{table} as from typed")
    connection.unregister("typed")
    connection.execute(f"insert into crm.{table} by name {query}")


def counts(settings: Settings) -> dict[str, int]:
    """How many rows each table has."""
    with duckdb.connect(str(settings.store_path), read_only=True) as connection:
        return {name: connection.execute(f"select count(*) from crm.{name}").fetchone()[0] for name in QUERIES}


assert set(QUERIES) <= set(TABLES)
