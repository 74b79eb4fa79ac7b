"""The rows behind a page's numbers, as its script finds them: each deal once, and what happened to it once per frame.

A page of a site has them in a file beside it, loaded at the first click; one that stands alone has them within itself.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from ..elements import kinds
from ..filters import Period
from ..filters.periods import cut
from ..measures import behind
from ..measures.behind import Behind, Ways, days, instants, subjects, values_of
from ..measures.dataset import Dataset
from ..measures.frames import frame
from ..measures.lists import links
from ..metrics.parts import Parts
from ..metrics.registry import Metric, column, find
from ..store.columns import Columns
from ..words import units
from ..words.texts import N_, _
from . import lists

MOST_WITHIN = 150_000  # characters of a page that stands alone
EPOCH = date(1970, 1, 1)
SUBJECT = {
    "title": "title", "manager": "manager", "status": "status", "stage": "text", "money": "number", "pipeline": "text", "source": "text",
    "department": "text",
}  # fmt: skip

SAID = {
    "count": N_("Rows: {value}"), "sum": N_("together: {value}"), "mean": N_("their mean: {value}"),
    "median": N_("half above, half below: {value}"), "distinct": N_("different ones: {value}"), "share": N_("{k} of {n} = {share}"),
    "none": N_("no sum: the number is made of all of these by its formula"), "made_of": N_("no sum: the number is made of these, {value}"),
    "many": N_("{value} rows are too many for a page."), "nowhere": N_("No single rows stand behind this number."),
    "nobody": N_("not a deal of this page"),  "day": N_("Day"), "counts": N_("Counts"),
    "more": N_("More: {value}"), "link": N_("Link"), "kind": N_("Kind"), "of": N_("of n"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Shown:
    """An element as the page shows it: its id, the rows of its table, whether it has a column per stage or the like."""

    id: str
    table: pd.DataFrame
    is_matrix: bool = False


def told(ds: Dataset, shown: Sequence[Shown]) -> dict[str, Any]:
    """All that leads from the numbers of these elements to their rows; {} where none does."""
    measured = Behind(ds)
    found = {each: ways for each in shown if (ways := measured.ways(each.table, each.id))}
    return _Page(ds, measured, found).as_json() if found else {}


# ── In the page, or beside it ────────────────────────────────────────────────────────────────────────────────────────


def file_of(told: Mapping[str, Any]) -> dict[str, str]:
    """The file beside a page that has its rows, by the end of its name; {} where there are none.

    A page anywhere may load a script, so its name is one that only the page itself can tell.
    """
    if not told:
        return {}
    text = f'window.crmBehind="{lists.pack(lists.as_script(told))}";\n'
    return {f"rows-{hashlib.sha256(text.encode()).hexdigest()[:20]}.js": text}


def within(told: Mapping[str, Any]) -> str:
    """The rows for a page that stands alone; "" where they are too many for it."""
    text = lists.script("behind", told) if told else ""
    return text if len(text) <= MOST_WITHIN else ""


def leading(told: Mapping[str, Any]) -> dict[str, list[str]]:
    """By element, the metrics whose numbers lead to rows."""
    return {id: list(own["ways"]) for id, own in told.get("elements", {}).items()}


# ── What leads from a number to its rows ─────────────────────────────────────────────────────────────────────────────


@dataclass(eq=False)
class _Facts:
    """The rows of a frame over a period; which metrics and dimensions the page asks of them."""

    rows: Columns
    parts: dict[str, Parts] = field(default_factory=dict)
    keys: dict[str, None] = field(default_factory=dict)

    @property
    def is_large(self) -> bool:
        """Whether there are more than a page carries."""
        return len(self.rows) > behind.MOST

    def used(self, ds: Dataset) -> np.ndarray:
        """The places of the rows that any of the numbers counts, the latest first."""
        places = np.flatnonzero(np.any([own.counts for own in self.parts.values()], axis=0))
        return places[_latest_first(ds, self.rows.take(places))]


def _latest_first(ds: Dataset, rows: Columns) -> np.ndarray:
    """In which order to list these rows: the engine's own may differ with rows that are not the page's."""
    texts = [rows[name] for name in ("manager_id", "kind", "stage_id") if name in rows]
    codes = [np.unique(np.asarray(column, dtype=str), return_inverse=True)[1] for column in texts]
    when = instants(rows)
    return np.lexsort((*codes, *subjects(ds, rows), np.where(np.isnat(when), 1, -when.astype("int64"))))


class _Page:
    """What a page tells of the rows behind its numbers."""

    def __init__(self, ds: Dataset, measured: Behind, found: Mapping[Shown, Ways]) -> None:
        self.ds, self.found = ds, found
        every = (way for ways in found.values() for own in ways.values() for way in own if way)
        self.ways = list({id(way): way for way in every}.values())
        self.facts: dict[tuple[str, Period], _Facts] = {}
        for way in self.ways:
            on, period = find(way.of).on, way.asked.period
            facts = self.facts.setdefault((on, period), _Facts(frame(ds, on, period)))
            if not facts.is_large:
                facts.parts[way.of] = measured.parts(way.of, period)
            facts.keys |= dict.fromkeys(way.asked.keys)

    def as_json(self) -> dict[str, Any]:
        named = _Subjects(self.ds)
        facts = {key: _Written(self.ds, own, named) for key, own in self.facts.items()}
        ways = [self._way(way, facts) for way in self.ways]
        place = {id(way): number for number, way in enumerate(self.ways)}
        elements = {shown.id: _element(shown, own, place) for shown, own in self.found.items()}
        return {
            "said": {name: _(text) for name, text in SAID.items()}, "elements": elements, "ways": ways, "facts": [own.as_json() for own in facts.values()], "subjects": named.as_json(),
            "words": {unit: units.unit_word(unit) for unit in ("money", "share", "days")} | {"point": units.decimal_sign(), "space": units.SPACE},
        }  # fmt: skip

    def _way(self, way: Any, facts: Mapping[tuple[str, Period], "_Written"]) -> dict[str, Any]:
        entry = find(way.of)
        key = (entry.on, way.asked.period)
        return {
            "title": column(way.of).title, "unit": entry.unit, "facts": list(facts).index(key), "keys": list(way.asked.keys),
            "is_cut": bool(way.asked.size), "is_part": entry.is_part or way.is_share, "is_own": not way.is_made_of, **facts[key].place_of(entry),
        } | ({} if way.rows is None else {"rows": facts[key].places_of(way.rows)})  # fmt: skip


def _element(shown: Shown, ways: Ways, place: Mapping[int, int]) -> dict[str, Any]:
    """An element's numbers: by metric the way of each row, -1 for none; the dimensions' values and the days of each row."""
    table = shown.table
    asked = list(
        dict.fromkeys(way.asked for way in {id(way): way for own in ways.values() for way in own if way}.values())
    )
    keys = {key: values_of(table, key) for key in dict.fromkeys(key for each in asked for key in each.keys)}
    totals = (
        np.flatnonzero(table["is_total"].astype(bool)).tolist() if "is_total" in table and not shown.is_matrix else []
    )
    cuts = [each for each in asked if each.size]
    return {
        "ways": {name: [place[id(way)] if way else -1 for way in own] for name, own in ways.items()}, "keys": keys, "totals": totals,
        "days": _days_of(table, cuts) if cuts else [],
    }  # fmt: skip


def _days_of(table: pd.DataFrame, cuts: Sequence[Any]) -> list[list[int] | None]:
    """The cut that each row of the table is of: its first day, and the first after it, counted since 1970."""
    spans = {
        (asked.size, span.start): [(day - EPOCH).days for day in (span.start, span.end)]
        for asked in cuts for span in cut(asked.period, asked.size)
    }  # fmt: skip
    sizes = table["size"].tolist() if "size" in table else [cuts[0].size] * len(table)
    return [spans.get(key) for key in zip(sizes, table["start"].tolist(), strict=True)]


class _Written:
    """The rows of a frame, written: whose they are, when, of which values of the dimensions, what each brings to each number."""

    def __init__(self, ds: Dataset, facts: _Facts, named: "_Subjects") -> None:
        self.facts, self.used = facts, np.zeros(0, dtype=int) if facts.is_large else facts.used(ds)
        self.count = len(facts.rows) if facts.is_large else len(self.used)
        self._columns: dict[bytes, int] = {}
        self._parts: list[dict[str, Any]] = []
        self._places = {name: self._place(own, self.used) for name, own in facts.parts.items()}
        self._json = {"count": self.count}
        if not facts.is_large:
            self._json = self._written(ds, facts.rows.take(self.used), named)

    def place_of(self, entry: Metric) -> dict[str, Any]:
        """How the number is made of the rows, and in which columns what they bring to it stands."""
        return {} if self.facts.is_large else {"way": self.facts.parts[entry.name].way, **self._places[entry.name]}

    def places_of(self, rows: Sequence[int]) -> list[int]:
        """Where these rows of the frame stand among those that are written."""
        return np.flatnonzero(np.isin(self.used, rows)).tolist()

    def as_json(self) -> dict[str, Any]:
        return self._json

    def _written(self, ds: Dataset, rows: Columns, named: "_Subjects") -> dict[str, Any]:
        made = {"count": self.count, "of": named.places(*subjects(ds, rows)), "parts": self._parts}
        made |= {
            "days": _coded(
                days(ds, rows), lambda day: [day, units.write(EPOCH + timedelta(day), "date") if day >= 0 else ""]
            )
        }
        made |= (
            {"kinds": _coded(kinds(pd.Series(np.asarray(rows["kind"], dtype=object))).to_numpy(object))}
            if "kind" in rows
            else {}
        )
        return made | {"keys": {key: _coded(np.asarray(rows[key], dtype=object)) for key in self.facts.keys}}

    def _place(self, own: Parts, used: np.ndarray) -> dict[str, int]:
        """In which columns what these rows bring to a number stands: missing where it does not count one."""
        k, n, counts = (array[used] for array in (own.k, own.n, own.counts))
        if own.way == "ratio":
            return {"k": self._column(np.nan_to_num(k), k != 0), "n": self._column(n, n != 0)}
        return {"k": self._column(n if own.way == "none" else k, counts)}

    def _column(self, values: np.ndarray, counts: np.ndarray) -> int:
        """The place of a column of what the rows bring; columns that are equal stand there once."""
        values = np.where(counts, values, np.nan).round(6)
        key = values.tobytes()
        if key not in self._columns:
            self._columns[key] = len(self._parts)
            self._parts.append(_sparse(values))
        return self._columns[key]


def _sparse(values: np.ndarray) -> dict[str, Any]:
    """The numbers that there are and where they stand; one number if they are all the same, no places if all have one."""
    there = np.flatnonzero(~np.isnan(values))
    numbers = values[there]
    whole = numbers.astype("int64") if (np.mod(numbers, 1) == 0).all() else numbers
    same = {"value": whole[0].item()} if len(whole) and (whole == whole[0]).all() else {"values": whole.tolist()}
    return same if len(there) == len(values) else same | {"at": np.diff(there, prepend=0).tolist()}


def _coded(values: np.ndarray, write: Any = lambda value: value) -> dict[str, list[Any]]:
    """Each value once, and for each row which of them it has."""
    codes, uniques = pd.factorize(values, use_na_sentinel=False)
    return {"texts": [write(value) for value in uniques.tolist()], "at": codes.tolist()}


class _Subjects:
    """The deals and leads that the rows are of, each once."""

    def __init__(self, ds: Dataset) -> None:
        self.ds = ds
        self._deals, self._leads = _Numbered(), _Numbered()
        self._order: list[tuple[str, int]] = []

    def places(self, deals: np.ndarray, leads: np.ndarray) -> list[int]:
        """For each row the place of its deal or lead among all of them, those of leads counted from the end; null for none."""
        own, other = self._deals.numbers(deals), self._leads.numbers(leads)
        return [deal if deal >= 0 else -2 - lead if lead >= 0 else -1 for deal, lead in zip(own, other, strict=True)]

    def as_json(self) -> dict[str, Any]:
        """Those columns of them that the page lists: of all deals, then of all leads."""
        frames = [self._of_deals(), self._of_leads()]
        kept = [own for own in frames if len(own)] or frames[:1]
        whole = pd.concat(kept, ignore_index=True)
        kinds_of = {column(name): kind for name, kind in SUBJECT.items()}
        columns = lists.Rows(whole).as_json(kinds_of, [])["columns"]
        heads = [
            {"name": entry.name, "title": entry.title, "unit": entry.unit, "kind": kind}
            for entry, kind in kinds_of.items()
        ]
        return {"columns": columns, "heads": heads, "deals": len(frames[0])}

    def _of_deals(self) -> pd.DataFrame:
        places = np.array(self._deals.order, dtype=int)
        rows = self.ds.lists.deals_at(places)
        rows = rows.iloc[np.argsort(np.argsort(places))] if len(rows) else rows
        outcomes = {"won": _("won"), "lost": _("lost"), "open": _("in work")}
        status = rows["outcome"].map(outcomes).astype(object).where(~rows["is_reopened"].astype(bool), _("reopened"))
        return rows.assign(status=status).reindex(columns=[*SUBJECT, "url", "manager_id", "outcome"])

    def _of_leads(self) -> pd.DataFrame:
        rows = self.ds.leads.iloc[self._leads.order] if self._leads.order else pd.DataFrame()
        if not len(rows):
            return rows
        return rows.assign(url=links(self.ds.portal_url, "lead", rows["lead_id"])).reindex(
            columns=[*SUBJECT, "url", "manager_id", "outcome"]
        )


class _Numbered:
    """Places in the order in which they were first asked for."""

    def __init__(self) -> None:
        self.order: list[int] = []
        self._number: dict[int, int] = {}

    def numbers(self, places: np.ndarray) -> list[int]:
        """The number of each place; -1 for none."""
        for place in pd.unique(places[places >= 0]).tolist():
            if place not in self._number:
                self._number[place] = len(self.order)
                self.order.append(place)
        return [self._number.get(place, -1) for place in places.tolist()]
