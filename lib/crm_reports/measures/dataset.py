"""`Dataset`: what a report is made of, as it stood at one instant, cut to the filters. `load` gives one.

Frames are pandas, instants UTC, money in the base currency, shares 0–1. An absent id is "": its own row in every table.
"""

from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property

import pandas as pd

from ..filters import Filters, Period
from ..settings import Settings
from ..store import Memo, Store
from ..store.checked import results
from .acts import Acts
from .beside import DatedNote, dated_notes
from .coverage import Coverage
from .lists import Lists
from .names import Names
from .plans import Plan
from .quality import Note, Quality, check_notes
from .scope import EVER, Scope, base_currency
from .slices import Bounds, Slice
from .work import Forgetting, Work


@dataclass(frozen=True)
class Dataset:
    """Everything that a report's tables are measured from, in parts that are read when first asked for, and then kept."""

    store: Store = field(repr=False)
    settings: Settings
    filters: Filters
    forgetting: Forgetting

    # --- its parts -------------------------------------------------------------------------------------------------

    @property
    def names(self) -> Names:
        """What things are called, by id."""
        return Names(self.store, self.settings.fields)

    @cached_property
    def scope(self) -> Scope:
        """Which deals it is about, and whose may be spoken of beside them."""
        return Scope(self.store, self.filters, base_currency(self.store, self.settings), self.settings.fields)

    @cached_property
    def work(self) -> Work:
        """What is in hand at as_of: deals, the forgotten ones, leads."""
        return Work(self.scope, self.forgetting)

    @cached_property
    def acts(self) -> Acts:
        """What people did."""
        return Acts(self.scope, self.settings.weights)

    @cached_property
    def lists(self) -> Lists:
        """Deals to look at."""
        return Lists(self.scope, self.work)

    @cached_property
    def coverage(self) -> Coverage:
        """What the source holds and lacks."""
        return Coverage(self.scope)

    @cached_property
    def plan(self) -> Plan:
        """What the company has planned, as far as the page may speak of it."""
        return Plan(self.scope)

    @cached_property
    def _quality(self) -> Quality:
        return Quality(self.scope)

    # --- the same report of somebody else, or of another day ---------------------------------------------------------

    @cached_property
    def before(self) -> "Dataset":
        """The same report at the comparison's instant: where stocks such as `work` are compared."""
        return replace(self, filters=replace(self.filters, as_of=self.filters.as_of_before))

    @cached_property
    def everybody(self) -> "Dataset":
        """The same report without the manager and department filters. `measures.medians` says of it what may be said."""
        everybody = replace(self.filters, manager=(), department=(), departments=())
        return self if everybody == self.filters else replace(self, filters=everybody)

    # --- what the report says about itself -------------------------------------------------------------------------

    @property
    def synced_at(self) -> datetime:
        """When the last sync began."""
        return self.store.synced_at

    @property
    def currency(self) -> str:
        """The base currency: the settings', else the portal's own."""
        return self.scope.currency

    @property
    def portal_url(self) -> str:
        """Where the CRM's own pages are; "" for files."""
        return self.store.last_sync["portal_url"] or ""

    @property
    def total(self) -> int:
        """How many deals there are at as_of, whatever the other filters: the company's, or those of the page's people."""
        return self.scope.count(self.scope.people)["deals"]

    @property
    def size(self) -> int:
        """How many of them the filters leave."""
        return self.slice.size

    @property
    def holes(self) -> list[str]:
        """What could not be read, and data that end before the report's instant."""
        return self.coverage.holes

    @property
    def receipt(self) -> dict[str, object] | None:
        """What was compared with the portal's own counters; None for files."""
        return self.coverage.receipt

    @property
    def warnings(self) -> list[Note]:
        """What the checks of the last sync's data found, by their titles alone: nothing of anybody."""
        return check_notes(results(self.store.path.parent, self.synced_at))

    @property
    def lacks(self) -> dict[str, str]:
        """What the source does not have: its name and a sentence for the page."""
        return self.coverage.lacks

    @cached_property
    def quality(self) -> list[Note]:
        """What is wrong with the deals that the numbers are made of, and with the leads."""
        return self._quality.notes(self.leads if self.store.has("leads") else None)

    @property
    def dated_notes(self) -> list[DatedNote]:
        """What the company noted of days (notes.csv), as far as the page may tell it."""
        return dated_notes(self.scope)

    def deals_of_note(self, code: str) -> pd.DataFrame:
        """The deals that a note about the data is about: rows of `deals`; none where there is no such note."""
        return self.deals.take(self._quality.places(code)).reset_index(drop=True)

    @cached_property
    def first_day(self) -> date | None:
        """The first day on which a deal or lead of the slice was created or closed, or its people acted; None without any."""
        deals = self.slice.facts(["least(min(created_at), min(closed_at)) as at"])["at"][0].as_py()
        acts = self.slice.actions("min(acts.at) as at", EVER)["at"][0].as_py()
        leads = self.leads[["created_at", "closed_at"]].min().min()
        instants = filter(None, (deals, acts, None if pd.isna(leads) else leads))
        return min((instant.astimezone(self.filters.zone).date() for instant in instants), default=None)

    # --- what analysts look at -------------------------------------------------------------------------------------

    @property
    def slice(self) -> Slice:
        """The deals that the filters keep, and what happened to them, as columns."""
        return self.scope.slice

    def bounds(self, period: Period) -> Bounds:
        """The first instant of the period, and the first after it."""
        return self.scope.bounds(period)

    @property
    def deals(self) -> pd.DataFrame:
        """One row per deal of the slice, as it stood at as_of: names beside ids, last action, next step."""
        return self.lists.deals

    @property
    def open_deals(self) -> pd.DataFrame:
        """One row per deal of the slice in work at as_of, with how it stands."""
        return self.lists.open_deals

    @property
    def forgotten_deals(self) -> pd.DataFrame:
        """The forgotten ones of `open_deals`, with their chances."""
        return self.lists.forgotten_deals

    @property
    def leads(self) -> pd.DataFrame:
        """One row per lead of the slice as it stood at as_of; a pipeline filter keeps them all."""
        return self.work.leads

    @cached_property
    def memo(self) -> Memo:
        """What was measured already."""
        return Memo()
