"""What the wiki says a number comes from is true: no other column of the store can change it."""

from datetime import timedelta
from functools import cache
from math import isnan

import pytest

from crm_reports.measures.measure import value_of
from crm_reports.metrics.origins import origins
from crm_reports.metrics.registry import METRICS
from crm_reports.metrics.rows import Ratio, Sample
from march import ACTIVITIES, COMMENTS, DEALS, HISTORY, LEADS, PRODUCT_ROWS, RANG, VERSIONS
from stores import DEFAULTS, dataset

TABLES = {
    "deals": DEALS, "stage_history": HISTORY, "activities": [*ACTIVITIES, RANG], "comments": COMMENTS, "leads": LEADS,
    "deals_versions": VERSIONS, "currencies": DEFAULTS["currencies"], "stages": DEFAULTS["stages"], "managers": DEFAULTS["managers"],
    "product_rows": PRODUCT_ROWS,
}  # fmt: skip
# Each is changed in every row that has it, and these numbers at least must move: a column that moves nothing proves nothing.
CHANGED = {
    "deals.amount": {"won_money", "average_check"},
    "deals.currency": {"won_money", "in_work_money", "sold_money"},
    "deals.created_at": {"created", "cycle_days"},
    "deals.closed_at": {"pushed_days", "overdue_plan"},
    "deals_versions.closed_at": {"pushed_days"},
    "deals.company_id": {"new_customers", "customers"},
    "deals.source_id": set(),
    "deals.title": set(),
    "stage_history.at": {"won", "stage_days", "reached"},
    "activities.at": {"calls", "days_silent"},
    "activities.deadline_at": {"next_step_overdue"},
    "comments.at": {"comments"},
    "currencies.rate": {"won_money", "average_check"},
    "leads.closed_at": {"leads_converted"},
    "stages.position": {"stage_conversion"},
}


def changed(column, value):
    """Another value of the same type."""
    if column == "deals.company_id":
        return None if value == "5" else value
    if column == "deals.currency":
        return "USD"
    if column == "stages.position":
        return 100 - value
    if isinstance(value, int | float):
        return value + 1
    return value + "?" if isinstance(value, str) else value + timedelta(days=45)


def rows_of(table, column):
    kept = [dict(row) for row in TABLES[table]]
    for row in kept:
        if row.get(column.split(".")[1]) is not None:
            row[column.split(".")[1]] = changed(column, row[column.split(".")[1]])
    return kept


def numbers(folder, **tables):
    ds = dataset(folder, **TABLES | tables)
    return {name: _plain(value_of(ds, name)) for name in METRICS}


def _plain(value):
    parts = (
        (value.k, value.n)
        if isinstance(value, Ratio)
        else (value.value, value.n)
        if isinstance(value, Sample)
        else (value,)
    )
    return tuple(None if isnan(part) else round(float(part), 9) for part in parts)


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return numbers(tmp_path_factory.mktemp("usual"))


@cache
def declared(name):
    return {each.column for each in origins(METRICS[name])}


@pytest.mark.parametrize("column", CHANGED)
def test_a_column_moves_only_the_numbers_that_are_said_to_come_from_it(tmp_path, usual, column):
    table = column.split(".")[0]
    found = numbers(tmp_path, **{table: rows_of(table, column)})
    moved = {name for name in METRICS if found[name] != usual[name]}
    assert moved >= CHANGED[column]
    assert {name for name in moved if column not in declared(name)} == set()
