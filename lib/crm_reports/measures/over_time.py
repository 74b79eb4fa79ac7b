"""Metrics by week, month, quarter and year: one row per cut of a period.

A flow counts in the cut it falls into, a stock is the one at the end of the cut, the team's numbers are of each cut.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ..errors import MetricError
from ..filters import Period, first_instant
from ..filters.periods import WHOLES, begin, consecutive, cut, label, last_months, shift, year_earlier
from ..metrics.registry import STOCKS, Metric
from ..words.texts import _
from . import frames
from .asked import note
from .cells import Cells, cells_of, entries_of, frames_of, gaps_of_days, grid_of
from .dataset import Dataset
from .grid import Piece, texts
from .slices import utc


def over_time(
    ds: Dataset, metrics: Sequence[str], *, period: Period | None = None, year_ago: bool = False
) -> pd.DataFrame:
    """The metrics by week, month, quarter and year of the period: size, period, start, is_running, values, `_previous`.

    A cut at the period's edge holds only the period's own days. `_previous` is the same cut of the comparison period,
    or with `year_ago` the same days a year earlier. A period without a beginning starts with the slice's first row.
    """
    whole = _since_known(ds, period or ds.filters.elapsed)
    entries = entries_of(metrics)
    note(ds, entries, [], whole, WHOLES)
    is_compared = ds.filters.previous and whole == ds.filters.elapsed
    tables = []
    for size in WHOLES:
        cuts = cut(whole, size)
        before = year_earlier(cuts) if year_ago else _comparison_cuts(ds, cuts) if is_compared else []
        tables.append(_with_previous(ds, entries, cuts, size, before))
    return pd.concat(tables, ignore_index=True)


def twelve_months(ds: Dataset, metrics: Sequence[str]) -> pd.DataFrame:
    """The twelve months up to the period's end, each beside the same days a year earlier: `over_time` by month."""
    cuts, entries = last_months(ds.filters.elapsed.end), entries_of(metrics)
    note(ds, entries, [], Period(cuts[0].start, cuts[-1].end), ["month"])
    return _with_previous(ds, entries, cuts, "month", year_earlier(cuts))


def sparks(ds: Dataset, metrics: Sequence[str]) -> dict[str, list[float]]:
    """The metrics over twelve months up to the end of the period; only what has an instant of its own."""
    # Which stages a deal of long ago would be left out for is not known: no line of stocks then.
    is_limited = ds.forgetting.exclude_stages or ds.forgetting.exclude_pipelines
    candidates = entries_of(metrics)
    stocks = [] if is_limited else [entry for entry in candidates if _is_of_any_day(entry)]
    entries = [entry for entry in candidates if entry.on in ("events", "actions")] + stocks
    columns = _cells(ds, entries, last_months(ds.filters.elapsed.end)).columns if entries else {}
    return {entry.name: columns[entry.name].tolist() for entry in entries}


def by_period(ds: Dataset, entries: Sequence[Metric], keys: Sequence[str], size: str, whole: Period) -> pd.DataFrame:
    """One row per value of the dimensions and cut of the period."""
    whole = _since_known(ds, whole)
    note(ds, entries, keys, whole, [size])
    cuts = cut(whole, size)
    pieces = _pieces(ds, entries, cuts)
    grid = grid_of(ds, entries, keys, pieces, len(cuts))
    cells = cells_of(entries, pieces, grid, blank=gaps_of_days(ds, entries))
    codes = grid.product(cells.codes) if keys else np.arange(len(cuts))
    labels = _labels(ds, cuts, size, codes % max(1, len(cuts)))
    return pd.DataFrame(grid.names(codes) | labels | cells.on(codes).columns)


def _with_previous(
    ds: Dataset, entries: Sequence[Metric], cuts: Sequence[Period], size: str, before: Sequence[Period]
) -> pd.DataFrame:
    """A row per cut, with the metrics' own numbers over the cuts `before` as `<name>_previous`, if there are any."""
    columns = _labels(ds, cuts, size, np.arange(len(cuts))) | _cells(ds, entries, cuts).columns
    earlier = _cells(ds, entries, before).columns if before else {}
    if ds.filters.is_about_standing:  # deals of a year before that still stand so are no year to compare with
        earlier = {name: np.full(len(cuts), np.nan) for name in earlier}
    return pd.DataFrame(columns | {f"{entry.name}_previous": earlier[entry.name] for entry in entries if earlier})


def _cells(ds: Dataset, entries: Sequence[Metric], cuts: Sequence[Period]) -> Cells:
    """The metrics over each cut."""
    pieces = _pieces(ds, entries, cuts)
    grid = grid_of(ds, entries, [], pieces, len(cuts))
    return cells_of(entries, pieces, grid, blank=gaps_of_days(ds, entries)).on(np.arange(len(cuts)))


def _pieces(ds: Dataset, entries: Sequence[Metric], cuts: Sequence[Period]) -> dict[str, list[Piece]]:
    """What the metrics are measured from; a stock that is rebuilt for the report's own instant only is refused."""
    for entry in entries:
        if entry.on in STOCKS and not _is_of_any_day(entry):
            raise MetricError(
                _("metric {name!r} is known at the report's instant only; measure it by a dimension", name=entry.name)
            )
    return {on: _pieces_of(ds, on, cuts) for on in frames_of(entries)}


def _pieces_of(ds: Dataset, on: str, cuts: Sequence[Period]) -> list[Piece]:
    """The frame over all cuts, in one piece or several."""
    if not cuts:
        nothing = frames.frame(ds, on, Period(ds.filters.today, ds.filters.today))
        return [Piece(nothing.take(np.zeros(0, dtype=int)))]
    ends = [first_instant(span.end, ds.filters.zone) for span in cuts]
    if on in STOCKS:
        return [Piece(frames.stock_at(ds, min(end, ds.filters.as_of)), place) for place, end in enumerate(ends)]
    if on in frames.PER_CUT:
        return [Piece(frames.frame(ds, on, span), place) for place, span in enumerate(cuts)]
    rows = frames.frame(ds, on, Period(cuts[0].start, cuts[-1].end))
    return [Piece(rows, np.array([utc(end) for end in ends]).searchsorted(rows["at"], side="right"))]


def _is_of_any_day(entry: Metric) -> bool:
    """Whether a stock can be had at any instant: silence and next steps are rebuilt for the report's own only."""
    return entry.on == "open_deals" and set(entry.fields) <= {"is_open", "open_money"}


def _since_known(ds: Dataset, whole: Period) -> Period:
    """The period; when it has no beginning, from the first day on which anything of the slice was counted."""
    if not whole.is_open:
        return whole
    return Period(max(whole.start, min(ds.first_day or whole.end, whole.end)), whole.end)


def _comparison_cuts(ds: Dataset, cuts: Sequence[Period]) -> list[Period]:
    """The same cuts of the comparison period: all of it and no day more, so that their sum is the tile's."""
    end = ds.filters.previous.end
    return consecutive([min(ds.filters.beside(span.start), end) for span in cuts], end) if cuts else []


def _labels(ds: Dataset, cuts: Sequence[Period], size: str, places: np.ndarray) -> Mapping[str, object]:
    """What the cut at each place is called: size, period, start, is_running (days of it are still to come)."""
    ends = [shift(size, begin(size, span.start), 1) for span in cuts]
    running = [ds.filters.today <= span.end < end for span, end in zip(cuts, ends, strict=True)]
    return {
        "size": texts([size] * len(places)),
        "period": texts([label(cuts[place].start, size) for place in places]),
        "start": texts([cuts[place].start for place in places]),
        "is_running": np.array([running[place] for place in places], dtype=bool),
    }
