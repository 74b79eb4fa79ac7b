"""The published page that shows what an alert is about."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from ...filters import Choice, Filters
from ...filters.choices import DIMENSIONS
from ...measures.shifts import Shift, Shifts
from ...runs.preparation import filters_in_words
from ...settings.parts import PEOPLE
from ..pages import NightReport, Page

# Which report shows a metric best, by the module that defines it.
REPORTS = {
    "activity": "manager_effectiveness", "forgotten": "forgotten_deals", "plans": "sales_plan", "forecast": "sales_plan",
    "pushed": "sales_plan",
}  # fmt: skip


class Pages(NamedTuple):
    """Files of a night: which shows the row best, which all rows of the alert, which the row's own people alone; "" for none."""

    row: str = ""
    whole: str = ""
    own: str = ""


NO_PAGES = Pages()


def pages_about(night: NightReport | None, shifts: Shifts, row: Shift) -> Pages:
    """Exactly this slice and period, else this slice of any, else the whole of this period, else of any."""
    filters = shifts.ds.filters
    if shifts.by in DIMENSIONS and row.id:
        filters = replace(filters, **{shifts.by: (Choice(row.id, row.name),)})
    pages = [page for page in night.pages if page.state != "failed" and page.file("html")] if night else []
    best, whole = _Best(filters, shifts), _Best(shifts.ds.filters, shifts)
    common = [page for page in pages if not (page.slice or page.audience)]
    return Pages(
        best.of([*common, *filter(best.is_own, pages)]), whole.of([*common, *filter(whole.is_own, pages)]),
        best.of(filter(best.is_own_of_people, pages)),
    )  # fmt: skip


class _Best:
    """How well a page shows what these filters are about."""

    def __init__(self, filters: Filters, shifts: Shifts) -> None:
        self.filters, self.about = filters, filters_in_words(filters)
        self.whole = filters_in_words(shifts.ds.filters)
        self.report = REPORTS.get(shifts.entry.module.rpartition(".")[2], "sales_dynamics")

    def of(self, pages: Iterable[Page]) -> str:
        page = max(pages, key=self._fit, default=None)
        return page.file("html") if page else ""

    def _fit(self, page: Page) -> tuple[bool, ...]:
        return page.about == self.about, self.is_own(page), page.about == self.whole, page.report == self.report

    def is_own(self, page: Page) -> bool:
        """Whether it is a slice, and the filters keep nothing else of that dimension."""
        if not page.slice:
            return False
        dimension = page.slice["dimension"]  # of an older night it may be one that the company has no more
        choices = self.filters.of(dimension) if dimension in self.filters.dimensions else ()
        return [choice.id for choice in choices] == [page.slice["id"]]

    def is_own_of_people(self, page: Page) -> bool:
        return self.is_own(page) and page.slice["dimension"] in PEOPLE
