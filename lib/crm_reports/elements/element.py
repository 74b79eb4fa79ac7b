"""`@element`: one entry beside its table says all there is to say of a part of a report. Mechanism only.

Page, workbook, JSON, mail and wiki read the entry; nothing else lists elements. A table is an ordinary DataFrame and a
chart an ordinary figure: both can be had, and changed, before they are shown.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from .. import charts
from ..charts import go
from ..measures.beside import DatedNote
from ..measures.coverage import LACKING, explained
from ..measures.dataset import Dataset
from ..metrics.registry import ABOUT, METRICS, REGISTRIES, SUFFIXES, find
from ..words import texts
from ..words.texts import _

Drawn = Literal["table", "tiles", "needs"]
Said = TypeVar("Said", bound=Callable[..., str])

# What a column that is no metric of its own needs of the source; a metric says so itself.
LIFE = ("activities", "deal_activities")
COLUMN_NEEDS: dict[str, tuple[str, ...]] = {
    "money": ("amount",), "amount": ("amount",), "money_short": ("amount",), "created_at": ("created_at",),
    "closed_at": ("closing",), "duration_days": ("created_at",), "customer": ("customer",),
    "is_touched": ("created_at", "closing"), "is_created": ("created_at",), "is_won": ("closing",), "is_lost": ("closing",),
    "last_action_at": LIFE, "last_action_kind": LIFE, "is_forgotten": LIFE, "is_without_step": (*LIFE, "plans"),
    "is_overdue": (*LIFE, "plans"), "next_step": (*LIFE, "plans"), "next_step_at": (*LIFE, "plans"),
    "planned_close_on": ("planned_dates",), "first_planned_on": ("planned_dates",), "is_past_plan": ("planned_dates",),
    "chance": (*LIFE, "stage_history"), "other_won_money": ("closing", "amount"),
    "expected_money": ("amount", "created_at", "closing"),
}  # fmt: skip


@dataclass(eq=False)
class Entry:
    """One element of a report: call it with a dataset for its table, chart, finding and note."""

    id: str
    title: str
    measured: str = ""
    make: Callable[..., pd.DataFrame] = pd.DataFrame
    chart: Callable[..., go.Figure] | None = None
    matrix: Mapping[str, Any] | None = None
    drawn: Drawn = "table"
    needs: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    missing: Callable[[Dataset], str] | None = None
    compares: bool = False
    leads_to: str = ""
    mail: tuple[str, ...] = ()
    rows_elsewhere: bool = False
    is_optional: bool = False
    sentences: dict[str, Callable[..., str]] = field(default_factory=dict)

    def __call__(self, ds: Dataset, *args: Any, **kwargs: Any) -> "Element":
        """The element of this dataset; where the source can't give it, a sentence that says so instead."""
        missing = self.lacking(ds)
        return Element(self, ds, pd.DataFrame() if missing else self.make(ds, *args, **kwargs), missing)

    def finding(self, sentence: Said) -> Said:
        """Decorate what makes one sentence of the table: the element's heading. It may ask for the dataset, too.

        A column that the source can't give is not in its table: one that reads it all the same says nothing.
        """
        self.sentences["finding"] = sentence
        return sentence

    def note(self, sentence: Said) -> Said:
        """Decorate what says something of the dataset that belongs under the title; "" for nothing."""
        self.sentences["note"] = sentence
        return sentence

    @property
    def module(self) -> str:
        """Where it is defined."""
        return self.make.__module__

    def lacking(self, ds: Dataset) -> str:
        """Why there is nothing to show: a sentence for each thing that the element needs and the source lacks."""
        reason = self.missing(ds) if self.missing else ""
        return reason or explanation(ds, needs_of_names(self.needs))


ELEMENTS: dict[str, Entry] = {}  # by the name of the function that makes the table
REGISTRIES.append(ELEMENTS)


def element(
    *,
    title: str,
    ru: str = "",
    measured: str = "",
    id: str = "",
    chart: Callable[..., go.Figure] | None = None,
    matrix: Mapping[str, Any] | None = None,
    drawn: Drawn = "table",
    needs: Sequence[str] = (),
    wants: Sequence[str] = (),
    missing: Callable[[Dataset], str] | None = None,
    compares: bool = False,
    leads_to: str = "",
    mail: Sequence[str] = (),
    rows_elsewhere: bool = False,
    is_optional: bool = False,
) -> Callable[[Callable[..., pd.DataFrame]], Entry]:
    """Register the function that makes the table as an element of the reports; its name is the element's id.

    `ru` is the title in Russian; `measured` says under it what is shown. `chart` makes the figure of the table; without one the table is shown,
    or with `matrix` one column per stage or reason (the words of `matrix.matrix`). `needs` are metrics or things
    (coverage.LACKING) without which there is nothing to show, `wants` what else it tells where the source has it, and
    `missing` any other reason. What only `compares` managers is left out of a report about one. `leads_to` is the element
    that lists the deals behind it. A `mail` shows these columns, the first as bars. What `is_optional` is left out, without a
    word, where the source lacks what it needs.
    """

    def register(make: Callable[..., pd.DataFrame]) -> Entry:
        entry = Entry(
            id or make.__name__, title, measured, make, chart, matrix, drawn, tuple(needs), tuple(wants), missing,
            compares, leads_to, tuple(mail), rows_elsewhere, is_optional,
        )  # fmt: skip
        entry.__doc__ = make.__doc__
        texts.also(title, ru)
        ELEMENTS[make.__name__] = entry
        return entry

    return register


def entry_of(id: str) -> Entry:
    """The element of that id; of an analyst's own, one that is called by its id."""
    return next((entry for entry in ELEMENTS.values() if entry.id == id), Entry(id, id))


# ── What the source must have ────────────────────────────────────────────────────────────────────────────────────────


def needs_of_names(names: Sequence[str]) -> set[str]:
    """What these metrics and things can't be told without."""
    return set(chain.from_iterable((name,) if name in (*LACKING, *ABOUT) else find(name).asks for name in names))


def explanation(ds: Dataset, names: set[str]) -> str:
    """A sentence for each of the things that the page lacks; "" when it lacks none."""
    return explained(getattr(ds, "lacks", {}), names)


def needs_of(column: str) -> set[str]:
    """What this column of a table can't be told without."""
    name = next((column.removesuffix(end) for end in SUFFIXES if column.endswith(end)), column)
    names = [key for key in (column, name) if key in METRICS or key in COLUMN_NEEDS]
    if not names:
        return set()
    return METRICS[names[0]].asks if names[0] in METRICS else set(COLUMN_NEEDS[names[0]])


# ── One element of one dataset ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(eq=False)
class Element:
    """A measured table with its chart, finding and note. `table` and `figure` may be changed before it is shown.

    `missing` says why there is nothing to show. A column that the source can't give is blank, never 0.
    """

    entry: Entry
    ds: Dataset
    table: pd.DataFrame
    missing: str = ""

    def __post_init__(self) -> None:
        lacks = set(getattr(self.ds, "lacks", {}))
        self.dated_notes: list[DatedNote] = []  # those that the chart has marks for
        self._unknown = [name for name in self.table if lacks & needs_of(str(name))]
        self.table = self.table.assign(**dict.fromkeys(self._unknown, np.nan)) if self._unknown else self.table
        metrics = {str(name) for name in self.table} & METRICS.keys()
        is_list = "deal_id" in self.table or "lead_id" in self.table  # which says more than its numbers
        if not self.missing and not is_list and metrics and metrics <= set(self._unknown):
            self.missing = explanation(self.ds, needs_of_names(sorted(metrics)))
            self.table = pd.DataFrame()

    @cached_property
    def figure(self) -> go.Figure | None:
        """The chart as an ordinary figure; None where the element is a table."""
        if not self.entry.chart or self.missing:
            return None
        figure = _call(self.entry.chart, self._readable, self.ds)
        self.dated_notes = charts.mark(figure, getattr(self.ds, "dated_notes", []))
        return figure

    @property
    def is_chart(self) -> bool:
        """Whether it is drawn as a chart, where there is anything to draw."""
        return self.entry.chart is not None

    @property
    def title(self) -> str:
        return _(self.entry.title)

    @property
    def finding(self) -> str:
        """What the table says, in one sentence; "" where the source lacks what the sentence would be about."""
        return "" if self.missing else self._sentence("finding", self._readable)

    @property
    def note(self) -> str:
        """What to know before reading: what the element says of itself, and what the source lacks of it."""
        if self.missing:
            return ""
        names = needs_of_names(self.entry.wants).union(*map(needs_of, self._unknown))
        return " ".join(filter(None, [self._sentence("note"), explanation(self.ds, names)]))

    @property
    def _readable(self) -> pd.DataFrame:
        return self.table.drop(columns=[name for name in self._unknown if name in self.table])

    def _sentence(self, kind: str, *args: pd.DataFrame) -> str:
        if kind not in self.entry.sentences:
            return ""
        try:
            return _call(self.entry.sentences[kind], *args, self.ds)
        except KeyError as error:
            if error.args[0] not in self._unknown:
                raise
            return ""


def _call(function: Callable[..., Any], *args: Any) -> Any:
    """What the function makes of as many of the things given as it asks for."""
    parameters = inspect.signature(function).parameters.values()
    return function(*args[: sum(parameter.default is parameter.empty for parameter in parameters)])
