"""What a source lacks is said, never shown as zero: each table and column of a full export is left out in turn."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

import company
import crm_reports as crm
from crm_reports.elements import ELEMENTS, Element
from crm_reports.metrics import METRICS
from crm_reports.metrics.origins import origins

NOTHING = re.compile(
    r"(?<![\d.,])0(?![\d.,])|\b(nothing|nobody|no one|none|no row|no two|no won|no source brought)\b", re.IGNORECASE
)
NOBODY = re.compile(r"no (manager|source|department|pipeline)|unknown stage|—|nan", re.IGNORECASE)
TILES = [name for name, entry in METRICS.items() if entry.on not in ("steps", "cohort_steps", "visits", "stays")]

WHOLE = company.whole()
UNDATED = company.without(WHOLE, "stage_history")  # here deals say themselves when they ended

# What is left out together where one stands in for the other, or where none makes a difference to the reports.
LEFT_OUT = [
    ("product_rows",), ("stages",), ("stage_history",), ("activities",), ("leads",), ("managers", "departments", "currencies"),
    ("deals.amount",), ("deals.created_at",), ("deals.source",), ("deals.stage",), ("deals.stage", "deals.loss_reason"),
    ("deals.manager", "deals.department"), ("deals.company", "deals.contact"), ("stages.position",), ("stages.outcome",),
    ("activities.author",), ("activities.completed",), ("activities.deal_id",), ("leads.created_at",), ("leads.closed_at",), ("deals.planned_close_on",),
    ("deals.title", "deals.pipeline", "deals.closed_at", "deals.loss_reason", "activities.id", "activities.created_at",
     "activities.direction", "leads.manager", "leads.source"),
]  # fmt: skip
UNDATED_LEFT_OUT = [
    ("deals.amount",),
    ("deals.closed_at",),
    ("deals.created_at",),
    ("deals.created_at", "deals.closed_at"),
]

# The columns of the store that are gone with it: every metric that comes from one of them is missing.
GONE = {
    ("deals.amount",): {"deals.amount"},
    ("activities",): {"activities.kind", "activities.at"},
    ("leads",): {"leads.lead_id"},
    ("deals.company", "deals.contact"): {"deals.company_id", "deals.contact_id"},
}


def sentences(element: Element) -> list[str]:
    """What an element says in words: its heading, what needs you, what stands under a tile."""
    said = [element.finding]
    if element.entry.drawn == "needs":
        said += element.table["text"].tolist()
    if element.entry.drawn == "tiles":
        said += [note for note in element.table["note"] if note != "no data"]
    return [text.replace("\N{NO-BREAK SPACE}", " ") for text in said if text]


def numbers(element: Element) -> dict[str, np.ndarray]:
    """The numbers of each column; of tiles, of each metric."""
    table = element.table
    if element.entry.drawn == "tiles":
        return {row.metric: np.array([row.value], dtype=float) for row in table.itertuples()}
    return {name: table[name].to_numpy(float) for name in table if pd.api.types.is_numeric_dtype(table[name])
            and not pd.api.types.is_bool_dtype(table[name])}  # fmt: skip


def bars(element: Element) -> list[np.ndarray]:
    """What is drawn as bars and lines."""
    traces = element.figure.data if element.figure is not None else ()
    lengths = [
        trace.x if getattr(trace, "orientation", None) == "h" else trace.y
        for trace in traces
        if trace.type in ("bar", "scatter")
    ]
    return [np.array([value for value in each or () if value is not None], dtype=float) for each in lengths]


@dataclass(frozen=True)
class Seen:
    """An element, and what a reader sees of it."""

    element: Element
    sentences: list[str]
    numbers: dict[str, np.ndarray]
    bars: list[np.ndarray]


def seen(ds) -> dict[str, Seen]:
    """Every element of every report."""
    made = {name: entry(ds, TILES) if name == "tiles" else entry(ds) for name, entry in ELEMENTS.items()}
    return {name: Seen(each, sentences(each), numbers(each), bars(each)) for name, each in made.items()}


def _is_nothing_in_all(element: Element, column: str) -> bool:
    """Whether the whole export's own total is 0, as a median may be beside rows that are not."""
    table = element.table
    return "is_total" in table and column in table and bool((table.loc[table["is_total"], column] == 0).any())


def faults(whole: dict[str, Seen], poor: dict[str, Seen]) -> Iterator[str]:
    """Each zero, each "nothing" and each bar of nothing where the whole export has something."""
    for name, less in poor.items():
        full, element = whole[name], less.element
        if not any(NOTHING.search(text) for text in full.sentences):
            yield from (f"{name} says: {text}" for text in less.sentences if NOTHING.search(text))
        yield from (f"{name} names nobody: {text}" for text in less.sentences if NOBODY.search(text))
        for column, values in less.numbers.items():
            there = full.numbers.get(column, np.zeros(1))
            is_nothing = len(values) and np.all(values == 0) and np.nansum(np.abs(there))
            if is_nothing and not _is_nothing_in_all(full.element, column):
                yield f"{name}.{column} is 0"
        if any(map(np.any, full.bars)) and any(map(len, less.bars)) and not any(map(np.any, less.bars)):
            yield f"{name} draws nothing as bars"
        if element.missing and (len(element.table) or element.finding or element.figure is not None):
            yield f"{name} is missing and says something"
        empty = not len(element.table) and len(full.element.table) and not element.missing
        if empty and element.entry.drawn != "needs":
            yield f"{name} is empty without a word"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    ds = company.dataset(tmp_path_factory.mktemp("whole"), WHOLE)
    assert ds.lacks == {}
    return seen(ds)


@pytest.fixture(scope="module")
def undated(tmp_path_factory):
    return seen(company.dataset(tmp_path_factory.mktemp("undated"), UNDATED))


@pytest.mark.parametrize("left_out", LEFT_OUT, ids="+".join)
def test_without_a_table_or_column_nothing_that_depends_on_it_is_nothing(tmp_path, whole, left_out):
    ds = company.dataset(tmp_path, company.without(WHOLE, *left_out))
    poor = seen(ds)
    assert list(faults(whole, poor)) == []
    lost = {
        name
        for name, entry in METRICS.items()
        if GONE.get(left_out, set()) & {each.column for each in origins(entry)}
        and not (entry.on == "answers" and left_out == ("leads",))  # deals wait for an answer without leads, too
    }
    assert {name for name in lost if not crm.missing(ds, name)} == set()
    for name, each in poor.items():
        known = {column for column, values in each.numbers.items() if not np.isnan(values).all()}
        assert known & lost == set(), name


@pytest.mark.parametrize("left_out", UNDATED_LEFT_OUT, ids="+".join)
def test_the_same_of_deals_without_history(tmp_path, undated, left_out):
    poor = seen(company.dataset(tmp_path, company.without(UNDATED, *left_out)))
    assert list(faults(undated, poor)) == []
