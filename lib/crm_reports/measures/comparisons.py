"""Deals beside themselves: then and now, before they were lost, after the stage they came to."""

import numpy as np
import pandas as pd

from ..filters import Period
from ..store import PARTS
from ..store.columns import Columns, categorical, places_of
from .dataset import Dataset
from .slices import Slice, inside, utc

Standing = tuple[np.ndarray, np.ndarray]  # outcome, money


def movements(earlier: Dataset, later: Dataset) -> Columns:
    """What became, from then to now, of each deal that the filters keep, or kept.

    outcome ("" where it was not there, or is not kept any more), is_inside (the filters keep it) and money (0 for none), each
    `_then` and `_now`.
    """
    before, after = earlier.slice.standings, later.slice.standings
    place = places_of(after["deal_id"], before["deal_id"])
    # Whoever is kept at one instant alone was elsewhere at the other, or was not: a new deal need not be looked for.
    is_old = ~(after["created_at"] >= utc(earlier.filters.as_of))
    is_missing = np.ones(len(before), dtype=bool)
    is_missing[place[place >= 0]] = False
    arrivals, departures = np.flatnonzero((place < 0) & is_old), np.flatnonzero(is_missing)
    return _pair(before, after, place, arrivals, _standing_of(earlier.slice, after["deal_id"][arrivals]), departures)


def _standing_of(deals: Slice, ids: np.ndarray) -> Standing:
    """How these deals, which may be anybody's, stood: "" and 0 for those that were not there."""
    if not len(ids):
        return np.zeros(0, dtype=object), np.zeros(0)
    rows = deals.standings_of(ids)
    place = places_of(ids, rows["deal_id"])
    outcome, money = _standing(rows)
    return np.append(outcome, "")[place], np.append(money, 0.0)[place]


def _pair(
    before: Columns,
    after: Columns,
    place: np.ndarray,
    arrivals: np.ndarray,
    arrivals_then: Standing,
    departures: np.ndarray,
) -> Columns:
    """Each deal of now beside itself then, those that came beside what they were elsewhere.

    What became of a deal after it went is not said: it may be others' doing. It left with the money it had.
    """
    was_there, size = place >= 0, len(after) + len(departures)
    outcomes, amounts = _standing(before)
    outcome_now = np.concatenate(
        [np.asarray(after["outcome"], dtype=object), np.full(len(departures), "", dtype=object)]
    )
    money_now = np.concatenate([np.nan_to_num(after["money"]), amounts[departures]])
    outcome_then, money_then = np.full(size, "", dtype=object), np.zeros(size)
    inside_then = np.concatenate([was_there, np.ones(len(departures), dtype=bool)])
    outcome_then[np.flatnonzero(was_there)], money_then[np.flatnonzero(was_there)] = (
        outcomes[place[was_there]],
        amounts[place[was_there]],
    )
    outcome_then[arrivals], money_then[arrivals] = arrivals_then
    outcome_then[len(after) :], money_then[len(after) :] = outcomes[departures], amounts[departures]
    return Columns(size, {
        "outcome_then": outcome_then, "outcome_now": outcome_now, "money_then": money_then, "money_now": money_now,
        "is_inside_then": inside_then, "is_inside_now": np.arange(size) < len(after),
    })  # fmt: skip


def _standing(deals: Columns) -> Standing:
    return np.asarray(deals["outcome"], dtype=object), np.nan_to_num(deals["money"])


def planned(earlier: Dataset, later: Dataset) -> tuple[Columns, np.ndarray, np.ndarray]:
    """What `movements` says, of the deals in work that are, or were then, planned to be closed in the period.

    Beside them which deals the filters kept at both instants: their dates alone came into the period or left it. A deal
    that has ended keeps the date that was planned then.
    """
    sides = [_planned_ids(ds) for ds in (earlier, later)]
    ids = np.unique(np.concatenate(sides))
    then, now = (_stood(ds.slice, ids) for ds in (earlier, later))
    is_planned_then, is_planned_now = (places_of(ids, side) >= 0 for side in sides)
    was_closed, is_closed = (np.isin(side["outcome"], ("won", "lost")) for side in (then, now))
    kept_then, kept_now = then["is_kept"], now["is_kept"]
    # As in `movements`: of what others did with a deal nothing is said, and it left with the money it had.
    rows = Columns(len(ids), {
        "outcome_then": then["outcome"], "outcome_now": np.where(kept_now, now["outcome"], ""), "money_then": then["money"],
        "money_now": np.where(kept_now, now["money"], then["money"]),
        "is_inside_then": kept_then & (is_planned_then | was_closed),
        "is_inside_now": kept_now & np.where(is_closed, is_planned_then, is_planned_now),
    })  # fmt: skip
    return rows, kept_then, kept_now


def _stood(deals: Slice, ids: np.ndarray) -> Columns:
    """Beside each of these deals how it stood: outcome, money ("" and 0: it was not there), and whether the filters kept it."""
    rows = deals.kept(ids)
    place, (outcome, money) = places_of(ids, rows["deal_id"]), _standing(rows)
    kept = np.append(np.asarray(rows["is_kept"], dtype=bool), False)
    return Columns(len(ids), {
        "outcome": np.append(outcome, "")[place], "money": np.append(money, 0.0)[place], "is_kept": kept[place]
    })  # fmt: skip


def _planned_ids(ds: Dataset) -> np.ndarray:
    """The deals in work that are planned to be closed in the period."""
    return ds.slice.planned(ds.bounds(ds.filters.period))


def step_worth(ds: Dataset) -> dict[tuple[str, int], tuple[float, int]]:
    """(pipeline_id, step) → what closed deals of the slice that ever came so far brought on average, and how many."""
    inside, worth = ds.slice.inside, "step_worth"
    if ds.slice.is_cut_by_own:  # the part knows no deals one by one
        inside, worth = "true", f"({PARTS[worth].sql.replace('deal_facts', f'(from deal_facts where {inside})')})"
    rows = ds.slice.query(
        f"""
        select pipeline_id, step, sum(money) / sum(deals) as mean, sum(deals)::bigint as n from {worth}
        where {inside} group by all order by all
        """,
        *ds.slice.ids,
    )
    return {(row["pipeline_id"], row["step"]): (row["mean"], row["n"]) for row in rows.to_pylist()}


def stages_before_loss(ds: Dataset, period: Period) -> tuple[Columns, pd.Categorical]:
    """The slice's deals that were lost in `period`, and the last stage of work that each entered; "" for none."""
    stages, deals, bounds = ds.names.stages, ds.slice.deals, ds.bounds(period)
    at_work = list(stages.index[stages["outcome"] == "open"])
    places = np.flatnonzero((deals["outcome"] == "lost") & inside(deals["closed_at"], bounds))
    visits = ds.slice.history(
        "stage_visits",
        "stage_id, entered_at, history_id",
        """list_contains(?::varchar[], stage_id) and deal_no in (
            select deal_no from deal_facts where outcome = 'lost' and closed_at >= ? and closed_at < ?
        )""",
        at_work,
        *bounds,
    )
    order = np.lexsort((visits["history_id"], visits["entered_at"]))
    last = np.full(len(deals), -1)
    last[visits["place"][order]] = visits["stage_id"].codes[order]  # of several the last one stays
    texts = [*visits["stage_id"].categories, ""]
    return deals.take(places), categorical(last[places] % len(texts), texts)
