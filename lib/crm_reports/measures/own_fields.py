"""The company's own fields, as reports know them: what each holds, what its values are called, and how they are cut by.

A value that several were chosen for is a value of its own in tables ("North, South"); a filter keeps it for each of them.
"""

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

from ..errors import near
from ..filters import DIMENSIONS as FILTERED
from ..filters import Choice, Cut, Selection
from ..metrics.origins import ORIGINS
from ..metrics.registry import COLUMNS, METRICS, Column
from ..settings import OwnField
from ..sources.fields import TABLES
from ..store import Store
from ..store.columns import Array, categorical, per_text
from ..store.engine import quote
from ..words.texts import N_, _, language

IDS = "{ids}"  # stands for the marks of a condition's ids
DIMENSIONS = ("dimension", "flag")
UNITS = {"dimension": "text", "flag": "text", "number": "number", "money": "money", "date": "date", "text": "text"}
MEANING = N_("a field of the company's own in the CRM, as it was at the report's instant")
LISTS = (
    "enumeration",
    "crm_status",
    "boolean",
    "employee",
    "iblock_element",
    "iblock_section",
)  # whose values nobody types
RESERVED = (
    "as_of", "comparison", "exclude_pipelines", "exclude_stages", "fields", "forgotten_after", "language", "period", "settings",
    "snooze_planned", "stage_window", "own", "place", "report",
)  # fmt: skip
MOST = 1000  # values of which a header offers each; of more nobody looks for one in a list


@dataclass(frozen=True)
class Own:
    """One field of [fields]: its name there, what it is for, where the CRM has it and what it calls it."""

    name: str
    kind: str
    entity: str
    field: str
    label: str
    type: str = ""
    is_multiple: bool = False
    is_shown: bool = False

    @property
    def key(self) -> str:
        """The column of its values in rows that are measured."""
        return f"{self.name}_id" if self.is_dimension else self.name

    @property
    def is_dimension(self) -> bool:
        return self.kind in DIMENSIONS

    @property
    def place(self) -> str:
        """What the part own_deals calls it."""
        return f"{self.entity}.{self.field}"

    @property
    def condition(self) -> str:
        """In SQL, which deals have one of the values that stand for IDS."""
        condition = f"own.field = {quote(self.place)} and own.value in ({IDS})"
        return f"deal_no in (select own.deal_no from own_deals as own where {condition})"

    @property
    def columns(self) -> dict[str, Column]:
        """What its columns in tables are called."""
        names = {self.name: self.label} | ({self.key: _("{title}: ID", title=self.label)} if self.is_dimension else {})
        return {
            name: Column(name, title, UNITS[self.kind] if name == self.name else "text", meaning=_(MEANING))
            for name, title in names.items()
        }

    def column(self, values: pd.Categorical, price: Mapping[str, float]) -> Array:
        """What rows with these values hold: texts, numbers, money at the price of its currency, days."""
        if self.kind not in READ:
            return categorical(values.codes, [self.id_of(text) for text in values.categories])
        read = READ[self.kind] if self.is_readable else lambda _text, price: READ[self.kind]("", price)
        return per_text(values, lambda text: read(text, price), _DTYPES[self.kind])

    @property
    def is_readable(self) -> bool:
        """Whether the CRM's type holds what the field is for: of a list's ids no number is made."""
        return self.type in READABLE.get(self.kind, (self.type,))

    def ids_of(self, value: str) -> list[str]:
        """The ids that a value, as it is kept, stands for."""
        return several(value) if self.is_multiple else [value]

    def id_of(self, value: str) -> str:
        """The value as tables know it: of a list of one, that one."""
        ids = self.ids_of(value)
        return ids[0] if len(ids) == 1 else value


def _number(text: str, _price: Mapping[str, float]) -> float:
    try:
        return float(text)
    except ValueError:  # nothing, or a text that somebody wants as a number
        return float("nan")


def _money(text: str, price: Mapping[str, float]) -> float:
    """In the base currency; missing where the CRM has no rate."""
    amount, _bar, currency = text.partition("|")
    return _number(amount, price) * price.get(currency, float("nan"))


def _day(text: str, _price: Mapping[str, float]) -> np.datetime64:
    return np.datetime64(text[:10] or "NaT", "us")


READ: dict[str, Callable[[str, Mapping[str, float]], Any]] = {"number": _number, "money": _money, "date": _day}
READABLE = {
    "number": ("integer", "double", "string", ""), "money": ("money", "integer", "double", ""), "date": ("date", "datetime", ""),
}  # fmt: skip
_DTYPES = {"number": float, "money": float, "date": "datetime64[us]"}


def known(store: Store, fields: Mapping[str, OwnField]) -> tuple[Own, ...]:
    """The fields of reports.toml, with what the last sync learnt of them."""
    told = {(row["entity"], row["field"]): row for row in store.rows("own_fields").to_pylist()} if fields else {}
    owns = []
    for name, wanted in fields.items():
        row = told.get((wanted.of, wanted.source), {})
        more = {"type": row.get("type") or "", "is_multiple": bool(row.get("is_multiple")), "is_shown": wanted.column}
        owns.append(Own(name, wanted.kind, wanted.of, wanted.source, row.get("label") or name, **more))
    return tuple(owns)


def columns_of(fields: Mapping[str, OwnField]) -> dict[str, Column]:
    """What columns of these fields are called where no store tells the CRM's own names."""
    owns = (Own(name, wanted.kind, wanted.of, wanted.source, name) for name, wanted in fields.items())
    return {name: column for own in owns for name, column in own.columns.items()}


def clashes(fields: Mapping[str, OwnField]) -> list[str]:
    """A sentence for each field whose name means something else already, to a reader or to a metric."""
    taken = {*RESERVED, *FILTERED, *COLUMNS, *METRICS, *chain.from_iterable(ORIGINS.values())}
    taken |= {f"{name}_id" for name in taken} | set(chain.from_iterable(table.columns for table in TABLES.values()))
    text = N_("[fields] in reports.toml calls a field {name!r}, which means something else here: give it another name")
    return [_(text, name=name) for name in fields if {name, f"{name}_id"} & taken]


def unreadable(owns: Sequence[Own]) -> list[str]:
    """A sentence for each field that is to be what the CRM does not hold in it."""
    text = N_("[fields] in reports.toml takes {label} for a {kind}, and the CRM has it as {type}: it is empty here.")
    return [_(text, label=own.label, kind=own.kind, type=own.type) for own in owns if not own.is_readable]


def typed(fields: Mapping[str, Selection], owns: Sequence[Own]) -> tuple[dict[str, Selection], list[str]]:
    """What was typed of the company's own dimensions, and a sentence for each name that is none of them."""
    names = [own.name for own in owns if own.is_dimension]
    text = N_("fields names {name!r}, by which nothing can be chosen; near: {near}")
    unknown = [name for name in fields if name not in names]
    near_ones = {name: ", ".join(near(name, names) or names) or _("none") for name in unknown}
    return (
        {name: value for name, value in fields.items() if name in names},
        [_(text, name=name, near=near_ones[name]) for name in unknown],
    )


# ── Values and their names ───────────────────────────────────────────────────────────────────────────────────────────


def several(value: str) -> list[str]:
    """The ids that a kept value stands for."""
    if value.startswith("["):
        try:
            return [str(id) for id in json.loads(value)]
        except ValueError:
            pass
    return [value]


@dataclass(frozen=True)
class Values:
    """What a field holds anywhere in the store: `named` are ids and their names in order, `held` the values as they are kept."""

    own: Own
    named: Mapping[str, str]
    held: tuple[str, ...]

    @classmethod
    def of(cls, store: Store, own: Own, people: Mapping[str, str]) -> "Values":
        """Looked up once for a store and a language."""
        return store.memo.once((cls, own, language()), lambda: cls._of(store, own, people))

    @classmethod
    def _of(cls, store: Store, own: Own, people: Mapping[str, str]) -> "Values":
        held = _held(store, own)
        names = _names(store, own, people, held)
        ids = dict.fromkeys(id for value in held for id in own.ids_of(value))
        strangers = sorted((id for id in ids if id not in names), key=str.casefold)
        used = {id: name for id, name in names.items() if id in ids or own.type in ("enumeration", "crm_status")}
        return cls(own, used | {id: _stranger(own, id) for id in strangers}, held)

    @property
    def series(self) -> pd.Series:
        """Every value as it is kept → what it is called, in the order of the list; "" is none."""
        texts = dict(self.named)
        together = [value for value in self.held if len(self.own.ids_of(value)) > 1]
        texts |= {value: ", ".join(texts.get(id, id) for id in self.own.ids_of(value)) for value in together}
        return pd.Series({**texts, "": _("no value")}, dtype=object)

    @property
    def cut(self) -> Cut:
        """What a filter may name."""
        choices = tuple(Choice(id, name) for id, name in list(self.named.items())[:MOST])
        return Cut(self.own.name, self.own.label, choices)

    def cut_to(self, store: Store, managers: Sequence[str]) -> Cut:
        """The same without what only other people's deals hold; the values of a list are everybody's."""
        if self.own.type in ("enumeration", "crm_status", "boolean"):
            return self.cut
        marks = ", ".join("?" * len(managers)) or "null"
        sql = f"select distinct value from own_deals join numbered using (deal_no) where field = ? and manager_id in ({marks})"
        held = store.now.query(sql, self.own.place, *managers)["value"].to_pylist()
        ids = {id for value in held for id in self.own.ids_of(value)}
        return replace(self.cut, choices=tuple(choice for choice in self.cut.choices if choice.id in ids))

    def holding(self, ids: Collection[str]) -> list[str]:
        """The values, as they are kept, that hold any of these."""
        return [value for value in self.held if not set(ids).isdisjoint(self.own.ids_of(value))]


def _held(store: Store, own: Own) -> tuple[str, ...]:
    sql = "select distinct value from {} where entity = ? and field = ? and value is not null"
    both = " union ".join(sql.format(table) for table in ("own_values", "own_values_versions"))
    rows = store.now.query(f"{both} order by value", *(own.entity, own.field) * 2)
    return tuple(rows["value"].to_pylist())


def _names(store: Store, own: Own, people: Mapping[str, str], held: Sequence[str]) -> dict[str, str]:
    """What ids are called, as far as the store knows, in their order."""
    if own.type == "boolean" or own.kind == "flag":
        return {"1": _("yes"), "0": _("no")}
    if own.type == "employee":
        return dict(sorted(people.items(), key=lambda person: person[1].casefold()))
    if own.type == "crm":
        return _linked(store, [id for value in held for id in own.ids_of(value)])
    rows = [
        row for row in store.rows("own_options").to_pylist() if (row["entity"], row["field"]) == (own.entity, own.field)
    ]
    return {
        row["option_id"]: row["name"] or row["option_id"] for row in sorted(rows, key=lambda row: row["position"] or 0)
    }


def _linked(store: Store, ids: list[str]) -> dict[str, str]:
    """Names of these deals, leads, contacts and companies, by the ids that a reference has."""
    kinds = (("D", "deals", "deal_id", "title"), ("L", "leads", "lead_id", "title"),
             ("C", "contacts", "contact_id", "name"), ("CO", "companies", "company_id", "name"))  # fmt: skip
    parts = [f"select '{prefix}_' || {key} as id, {name} as name from {table}" for prefix, table, key, name in kinds]
    condition = "name is not null and linked.id in (select unnest(?::varchar[]))"
    sql = f"select name, linked.id from ({' union all '.join(parts)}) as linked where {condition} order by name, id"
    return {row["id"]: row["name"] for row in store.now.query(sql, ids).to_pylist()}


def _stranger(own: Own, id: str) -> str:
    """What an id is called that no list names any more; a text is its own name."""
    return _("deleted value {id}", id=id) if own.type in LISTS else id
