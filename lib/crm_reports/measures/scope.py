"""Which deals a report is about, as of its instant: those its filters keep, and whose it may speak of beside them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..filters import DIMENSIONS, Filters, Period, first_instant
from ..settings import OwnField, Settings
from ..settings.parts import PEOPLE
from ..store import Snapshot, Store
from ..store.columns import Array, categorical
from . import own_fields, privacy
from .names import Names
from .own_fields import Own
from .slices import STANDINGS, Bounds, Slice, inside, loss_reasons

EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))


@dataclass(frozen=True, eq=False)
class Scope:
    """The store as the filters see it."""

    store: Store = field(repr=False)
    filters: Filters
    currency: str
    fields: Mapping[str, OwnField] = field(default_factory=dict, repr=False)

    @property
    def names(self) -> Names:
        return Names(self.store, self.fields)

    @property
    def snapshot(self) -> Snapshot:
        return self.store.snapshot(self.filters.as_of, self.currency, self.filters.zone.key)

    @cached_property
    def slice(self) -> Slice:
        """The deals that the filters keep, and what happened to them, as columns."""
        return self._slice(self.manager_ids)

    @property
    def everybody(self) -> Slice:
        """The same without the manager and department filters."""
        return self._slice(None)

    def _slice(self, managers: Sequence[str] | None) -> Slice:
        chosen = {STANDINGS.get(name, f"{name}_id"): self._kept(name) for name in DIMENSIONS if name not in PEOPLE}
        kept = {column: ids for column, ids in chosen.items() if ids}
        kept |= self.own_conditions | ({} if managers is None else {"manager_id": managers})
        return Slice(self.snapshot, kept, self.names.own_of_deals)

    def _kept(self, dimension: str) -> Sequence[str]:
        """The ids that the filter keeps; a reason is also a stage of that name."""
        ids = self.filters.ids(dimension)
        if dimension != "loss_reason":
            return ids
        return [*ids, *(f"#{stage}" for stage, name in self.names.stage_names.items() if name in ids)]

    @property
    def own_conditions(self) -> dict[str, list[str]]:
        """Which deals the filters by fields of the company's own keep."""
        asked = [own for own in self._asked if own.entity != "lead"]
        return {own.condition: self.names.values(own).holding(self.filters.ids(own.name)) for own in asked}

    @cached_property
    def manager_ids(self) -> list[str] | None:
        """Whom the manager and department filters keep; None when neither is set. One's first department counts."""
        managers, departments = self.filters.ids("manager"), self.filters.ids("department")
        if not managers and not departments:
            return None
        if not departments:
            return list(managers)
        members = {id for id, home in self.names.homes.items() if home in departments}
        return sorted(members & set(managers) if managers else members)

    def managers_among(self, ids: Iterable[str]) -> set[str]:
        """Those of these managers that the manager and department filters keep."""
        return set(ids) if self.manager_ids is None else set(ids) & set(self.manager_ids)

    def keeps_lead(self, leads: pd.DataFrame) -> pd.Series:
        """Which leads the manager, department and source filters keep, and those by fields of their own; leads stand in no pipeline.

        Of leads nobody can say on which stage of deals they stand, or what a field of deals holds: where that is asked there
        are none.
        """
        if self.filters.is_about_standing:
            return pd.Series(False, index=leads.index)
        sources, managers = self.filters.ids("source"), self.manager_ids
        mask = leads["source_id"].isin(sources) if sources else pd.Series(True, index=leads.index)
        for own in self._asked:
            mask &= own.entity != "deal" and self._lead_texts(own, leads).isin(
                self.names.values(own).holding(self.filters.ids(own.name))
            )
        return mask if managers is None else mask & leads["manager_id"].isin(managers)

    @property
    def _asked(self) -> list[Own]:
        """The company's own dimensions by which the filters choose."""
        return [own for own in self.names.own if own.is_dimension and self.filters.ids(own.name)]

    @property
    def asked_of_deals_alone(self) -> list[Own]:
        """Those of them that leads do not have."""
        return [own for own in self._asked if own.entity == "deal"]

    def own_of_leads(self, leads: pd.DataFrame) -> dict[str, Callable[[], Array]]:
        """What these leads, or their customers, have in the company's own dimensions."""
        return {
            own.key: partial(self._lead_values, own, leads)
            for own in self.names.own if own.is_dimension and own.entity != "deal"
        }  # fmt: skip

    def _lead_values(self, own: Own, leads: pd.DataFrame) -> Array:
        codes, texts = pd.factorize(self._lead_texts(own, leads).fillna("").to_numpy(object))
        return own.column(categorical(codes, texts), {})

    def _lead_texts(self, own: Own, leads: pd.DataFrame) -> pd.Series:
        sql = "select entity_id, value from own_values where entity = ? and field = ? and value is not null"
        rows = self.snapshot.query(sql, own.entity, own.field)
        texts = dict(zip(rows["entity_id"].to_pylist(), rows["value"].to_pylist(), strict=True))
        return pd.Series([texts.get(id) for id in leads[f"{own.entity}_id"].tolist()], index=leads.index, dtype=object)

    def bounds(self, period: Period) -> Bounds:
        """The first instant of the period, and the first after it."""
        return first_instant(period.start, self.filters.zone), first_instant(period.end, self.filters.zone)

    def holders(self, key: str, period: Period) -> set[str]:
        """The managers (`key` is manager_id), sources … of the slice's deals in work, or created or closed in `period`.

        Stages are those of deals in work, reasons of those lost in it.
        """
        deals, bounds = self.slice.deals, self.bounds(period)
        if key == "stage_id":
            return set(deals[key][deals["outcome"] == "open"])
        if key == "loss_reason_id":
            is_lost = (deals["outcome"] == "lost") & inside(deals["closed_at"], bounds)
            return set(loss_reasons(deals.take(is_lost), self.names.stage_names))
        mask = (deals["outcome"] == "open") | inside(deals["created_at"], bounds) | inside(deals["closed_at"], bounds)
        ids = {deals[key].categories[code] for code in np.unique(deals[key].codes[mask])}
        several = any(own.key == key and own.is_multiple for own in self.names.own)
        return {id for value in ids for id in own_fields.several(value)} if several else ids

    # --- whose deals may be spoken of (privacy) ----------------------------------------------------------------------

    @property
    def company(self) -> Slice:
        """All deals there are."""
        return Slice(self.snapshot, {})

    @cached_property
    def people(self) -> Slice:
        """All deals of the people that the page is about; of a page about nobody in particular, the company's."""
        return Slice(self.snapshot, {} if self.manager_ids is None else {"manager_id": self.manager_ids})

    @property
    def is_discreet(self) -> bool:
        """Whether the page is about some people of a company so small that nothing at all is said of the others."""
        return self.filters.is_about_people and not privacy.is_crowd(self.count(self.company)["people"])

    @property
    def traceable(self) -> Slice:
        """The deals whose traces may be told of where no number is: the company's where that tells on nobody."""
        return self.people if self.is_discreet else self.company

    def count(self, deals: Slice) -> dict[str, Any]:
        """How many deals and people with deals, and the first creation: before it nothing is known."""
        columns = "count(*) as deals, count(distinct nullif(manager_id, '')) as people, min(created_at) as first_at"
        return self.snapshot.memo.once(("count", *deals.ids), lambda: deals.facts([columns]).to_pylist()[0])


def base_currency(store: Store, settings: Settings) -> str:
    """The currency all money is in: the settings', else the portal's own, else roubles."""
    if settings.base_currency:
        return settings.base_currency
    codes = [row["currency"] for row in store.rows("currencies").to_pylist() if row["is_base"]]
    return codes[0] if codes else "RUB"


def to_pandas(table: pa.Table) -> pd.DataFrame:
    """The rows, absent texts as NaN."""
    # Threads pay on long tables only; on short ones their making is most of the time.
    if len(table):
        return table.to_pandas(use_threads=len(table) > 100_000)
    nothing = table.to_pandas(use_threads=False)  # its texts have no chunk at all, which pandas can't join on
    return nothing.astype(object).astype(nothing.dtypes)
