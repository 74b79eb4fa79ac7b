"""The deals that a report is about, and what happened to them, as columns read from the store as of its instant.

Deals are read once; rows of their history name the deal that they are of by its place among them, so that nothing is
joined twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..store import Snapshot
from ..store.columns import Array, Columns, categorical, from_arrow, identities, rename
from .own_fields import IDS, Own

# What every row of a deal's own history can be cut by.
KEYS = ("manager_id", "department_id", "pipeline_id", "source_id", "stage_id", "customer_kind_id")
INHERITED = (*KEYS, "outcome", "money", "created_at", "first_action_at")
DEALS = (
    *INHERITED, "deal_no", "closed_at", "amount", "loss_reason", "stage_since_at", "last_action_at", "next_step_at", "has_next_step",
    "has_history", "is_priced", "is_reopened", "closing_added", "is_outvoted", "is_closing_ahead", "went_back", "is_repeat::tinyint as is_repeat",
    "customer_id = '' as has_no_customer",
)  # fmt: skip
RARE = ("deal_id", "customer_id", "currency")  # read when somebody asks for it
# Where a deal in work stands; why one was lost: what the CRM says, else the stage where it was lost.
STANDINGS = {
    "stage": "if(outcome = 'open', stage_id, null)",
    "loss_reason": "if(outcome = 'lost', coalesce(nullif(loss_reason, ''), '#' || stage_id), null)",
}
# At the rate of the base currency, which a portal may give as any number of units.
RATES = """
    select currency, rate / coalesce(max(rate) filter (where currency = base_currency()) over (), 1.0) as rate from currencies
    union select base_currency(), 1.0
"""
FEW = 20_000  # deals that are asked for one by one
Bounds = tuple[datetime, datetime]  # the first instant, and the first after it


@dataclass(frozen=True, eq=False)
class Slice:
    """The deals of a snapshot that have one of these ids in each of these columns of `deal_facts`, or STANDINGS made of them."""

    snapshot: Snapshot
    conditions: Mapping[str, Sequence[str]]
    own: tuple[Own, ...] = ()

    @cached_property
    def inside(self) -> str:
        """In SQL, which rows are kept; each ? stands for one of `ids`."""
        return " and ".join(["true", *(_condition(column, ids) for column, ids in self.conditions.items())])

    @property
    def is_cut_by_own(self) -> bool:
        """Whether any condition is on a field of the company's own: only deals, one by one, are known to meet it."""
        return any(IDS in column for column in self.conditions)

    @cached_property
    def ids(self) -> list[str]:
        return [id for ids in self.conditions.values() for id in ids]

    def query(self, sql: str, *values: Any) -> pa.Table:
        return self.snapshot.query(sql, *values)

    def facts(self, columns: Sequence[str], condition: str = "true", *values: Any) -> pa.Table:
        """These facts of the slice's deals that the condition keeps, always in the same order."""
        names = ", ".join(columns)
        return self.query(f"select {names} from deal_facts where {self.inside} and ({condition})", *self.ids, *values)

    # --- deals -----------------------------------------------------------------------------------------------------

    @cached_property
    def deals(self) -> Columns:
        """One row per deal: DEALS, and RARE. is_repeat: 1, 0, or missing where it is neither."""
        bare = replace(self)  # a column that holds the slice, which holds the deals, would be there for ever
        own = {field.key: partial(_own, bare, field) for field in self.own}
        return from_arrow(self.facts(DEALS), **{name: partial(_fact, bare, name) for name in RARE}, **own)

    @property
    def keys(self) -> tuple[str, ...]:
        """What every row of a deal's history can be cut by: KEYS, and the company's own dimensions."""
        return (*KEYS, *(field.key for field in self.own if field.is_dimension))

    def held(self, own: Own, numbers: np.ndarray) -> Array:
        """What the deals of these numbers (deal_no) have in a field of the company's own."""
        few = "and deal_no in (select unnest(?::integer[]))" if len(numbers) < FEW else ""
        sql = f"select deal_no, value from own_deals as own where own.field = ? {few} order by deal_no"
        rows = from_arrow(self.query(sql, own.place, *([numbers.tolist()] if few else [])))
        return own.column(_at(rows, numbers), self.rates if own.kind == "money" else {})

    @property
    def rates(self) -> dict[str, float]:
        """What one unit of each currency is in the base currency, at the rate that the CRM gives."""
        rates = {row["currency"]: row["rate"] for row in self.query(RATES).to_pylist()}
        return {"": 1.0} | {code: rate for code, rate in rates.items() if rate is not None}

    @cached_property
    def standings(self) -> Columns:
        """How each deal stood: deal_id (`identities`), outcome, money, created_at."""
        return self._standings(self.inside, *self.ids)

    def standings_of(self, ids: np.ndarray) -> Columns:
        """The same of these deals, whether they are the slice's or not."""
        return self._standings("deal_id in (select unnest(?::varchar[]))", [str(id) for id in ids])

    def kept(self, ids: np.ndarray) -> Columns:
        """How these deals stood, whether they are the slice's (is_kept) or not: deal_id, outcome, money."""
        sql = f"""select deal_id, outcome, money, coalesce({self.inside}, false) as is_kept from deal_facts
            where deal_id in (select unnest(?::varchar[]))"""
        rows = self.query(sql, *self.ids, [str(id) for id in ids])
        return from_arrow(rows, deal_id=lambda: identities(rows["deal_id"]))

    def _standings(self, condition: str, *values: Any) -> Columns:
        rows = self.query(f"select deal_id, outcome, money, created_at from deal_facts where {condition}", *values)
        return from_arrow(rows, deal_id=lambda: identities(rows["deal_id"]))

    @property
    def size(self) -> int:
        """How many deals it has."""
        return len(self.deals)

    @cached_property
    def _places(self) -> tuple[int, np.ndarray]:
        """The lowest deal_no, and from it on the place of each among the deals; -1 where it is not one of them."""
        numbers = self.deals["deal_no"]
        low, high = (int(numbers.min()), int(numbers.max())) if len(numbers) else (1, 0)
        places = np.full(high - low + 1, -1, dtype="int32")
        places[numbers - low] = np.arange(len(numbers), dtype="int32")
        return low, places

    # --- what happened to them -------------------------------------------------------------------------------------

    def history(self, part: str, columns: str, condition: str = "true", *values: Any) -> Columns:
        """Rows of a part (`row`) on the slice's deals: `columns`, KEYS of the deal and `place`, its place in `deals`.

        A row's own column of the same name, such as the stage that a visit was to, comes before the deal's.
        """
        if not self.conditions:  # all rows are of its deals, which need not be read to know that
            where = f"deal_no is not null and {condition}"
            rows = from_arrow(self.query(f"select deal_no, {columns} from {part} as row where {where}", *values))
            return self._with_deal(rows.assign(place=lambda: self._place(rows)))
        low, places = self._places
        where = f"deal_no between {low} and {low + len(places) - 1} and {condition}"
        rows = from_arrow(self.query(f"select deal_no, {columns} from {part} as row where {where}", *values))
        place = self._place(rows)
        rows = rows.assign(place=place)
        return self._with_deal(rows.take(place >= 0) if (place < 0).any() else rows)

    def _place(self, rows: Columns) -> np.ndarray:
        low, places = self._places
        return places[rows["deal_no"] - low]

    def _with_deal(self, rows: Columns) -> Columns:
        """The rows with what of their deal they don't have themselves."""
        return rows.assign(**{name: partial(self._of_deal, rows, name) for name in self._inherited if name not in rows})

    @property
    def _inherited(self) -> tuple[str, ...]:
        return (*INHERITED, "deal_id", *(field.key for field in self.own))

    def _of_deal(self, rows: Columns, name: str) -> Array:
        return self.deals[name].take(rows["place"])

    def open_spans(self) -> Columns:
        """When each deal was in work: opened_at (NaT: since ever), until_at (NaT: still)."""
        return self.history("open_spans", "opened_at, until_at")

    def planned_dates(self) -> Columns:
        """When deals in work are planned to be closed: planned_at (NaT: never), first_planned_at, pushes, pushed_days."""
        return self.history("planned_dates", "planned_at, first_planned_at, pushes, pushed_days")

    def planned(self, bounds: Bounds) -> np.ndarray:
        """The deals in work that are planned to be closed between the bounds, by their identity."""
        sql = f"""select deal_id from deal_facts join planned_dates using (deal_no)
            where {self.inside} and planned_at >= ? and planned_at < ?"""
        return identities(self.query(sql, *self.ids, *bounds)["deal_id"])

    def steps(self, column: str, bounds: Bounds) -> Columns:
        """The funnel's stages that deals reached between the bounds, or (`at` is created_at) that deals created then reached."""
        columns = "stage_id, to_stage_id, reached_at, visited_at, next_reached_at, next_visited_at"
        if column == "reached_at":
            return self.history("steps_reached", columns, "reached_at >= ? and reached_at < ?", *bounds)
        condition = (
            f"deal_no in (select deal_no from deal_facts where {self.inside} and created_at >= ? and created_at < ?)"
        )
        return self.history("steps_reached", columns, condition, *self.ids, *bounds)

    def visits(self, bounds: Bounds) -> Columns:
        """Visits to stages that began between the bounds, the earliest first; left_at is NaT while one lasts."""
        columns = "stage_id, visited_pipeline_id, entered_at, left_at, history_id"
        rows = self.history("stage_visits", columns, "entered_at >= ? and entered_at < ?", *bounds)
        return rows.take(np.lexsort((rows["history_id"], rows["entered_at"])))

    def signs(self, bounds: Bounds) -> Columns:
        """Signs of life on the deals between the bounds, the first one as well: at, place."""
        return self.history("signs", "row.at", "row.at >= ? and row.at < ?", *bounds)

    def actions(self, columns: str, bounds: Bounds, end: str = "") -> pa.Table:
        """Of what was done between the bounds by the slice's managers, on the deals that its other conditions keep.

        The other columns of a deal are "" where the action was on none.
        """
        return self.query(
            f"""
            with acts as (
                select kind, sign.manager_id, sign.at, coalesce(deal_id, unknown_deal_id) as deal_id, coalesce(pipeline_id, '') as pipeline_id,
                    coalesce(source_id, '') as source_id, coalesce(stage_id, '') as stage_id, outcome, loss_reason, sign.deal_no
                from signs as sign left join deal_facts as deal on sign.deal_no = deal.deal_no
                where is_action and sign.at >= ? and sign.at < ?
            )
            select {columns} from acts where {self.inside} {end}
            """,
            *bounds,
            *self.ids,
        )


def _condition(column: str, ids: Sequence[str]) -> str:
    marks = ", ".join("?" * len(ids)) or "null"
    return column.replace(IDS, marks) if IDS in column else f"{column} in ({marks})"


def _at(rows: Columns, numbers: np.ndarray) -> pd.Categorical:
    """The value of each of these deals, by rows that rise by deal_no; "" for none."""
    held, values = rows["deal_no"], rows["value"]
    place = np.minimum(np.searchsorted(held, numbers), max(0, len(held) - 1))
    has_value = held[place] == numbers if len(held) else np.zeros(len(numbers), dtype=bool)
    codes = (
        np.where(has_value, values.codes[place], len(values.categories)) if len(held) else np.zeros(len(numbers), int)
    )
    return categorical(codes, [*values.categories, ""])


def _own(deals: Slice, own: Own) -> Array:
    return deals.held(own, deals.facts(["deal_no"])["deal_no"].to_numpy())


def _fact(deals: Slice, name: str) -> Array:
    return from_arrow(deals.facts([name]))[name]


def loss_reasons(deals: Columns, stages: Mapping[str, str]) -> pd.Categorical:
    """Why each deal was lost: what the CRM says, else the name of the lost stage; "" where it is not lost."""
    words, names = deals["loss_reason"], rename(deals["stage_id"], stages)
    texts = ["", *words.categories, *names.categories]
    codes = np.where(words != "", 1 + words.codes.astype(int), 1 + len(words.categories) + names.codes)
    return categorical(np.where(deals["outcome"] == "lost", codes, 0), texts)


def utc(instant: datetime) -> np.datetime64:
    """The instant as columns hold it."""
    return np.datetime64(instant.astimezone(UTC).replace(tzinfo=None), "us")


def inside(instants: np.ndarray, bounds: Bounds) -> np.ndarray:
    """Which instants lie between the bounds."""
    return (instants >= utc(bounds[0])) & (instants < utc(bounds[1]))
