"""What a metric's `on` names: the rows it is measured from, for one period and as of the report's instant.

Every frame has the ids of the dimensions it can be cut by. Columns that are summed are 0/1 or money; a missing value is
in no sum and in no mean.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from .dataset import DAY, KINDS, Dataset, looked_up
from .errors import MetricError
from .filters import Period, first_instant

KEYS = [
    "deal_id", "manager_id", "department_id", "pipeline_id", "source_id", "stage_id", "customer_id", "customer_kind_id",
]  # fmt: skip
FACTS = [*KEYS, "outcome", "money", "amount", "created_at", "closed_at", "is_repeat", "loss_reason"]


def frame(ds: Dataset, on: str, period: Period) -> pd.DataFrame:
    """The rows of `on` for `period`, made once."""
    if on not in FRAMES:
        raise MetricError(f"no frame called {on!r} to measure on; there are: {', '.join(FRAMES)}")
    if (on, period) not in ds.frames:
        ds.frames[on, period] = FRAMES[on](ds, period)
    return ds.frames[on, period]


def within(instants: pd.Series, period: Period, ds: Dataset) -> pd.Series:
    """Which instants fall into the whole days of `period`, in the report's time zone."""
    start, end = (first_instant(day, ds.filters.zone) for day in (period.start, period.end))
    return (instants >= start) & (instants < end)


def events(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal created, won or lost in `period`: `at` and what it adds to each number."""
    deals = ds.with_loss_reason(ds.deals_in(period, FACTS))
    created = deals[within(deals["created_at"], period, ds)]
    closed = deals[within(deals["closed_at"], period, ds)]
    return pd.concat([_created(created), _closed(closed)], ignore_index=True)


def _created(deals: pd.DataFrame) -> pd.DataFrame:
    won, lost, still_open = (deals["outcome"] == each for each in ("won", "lost", "open"))
    return deals[KEYS].assign(
        at=deals["created_at"], is_created=1, created_money=deals["money"],
        is_won_cohort=won.astype(int), is_lost_cohort=lost.astype(int), is_open_cohort=still_open.astype(int),
        is_won=0, is_lost=0, is_closed=0, is_new=0, is_repeat=0, is_moneyless_win=0, won_customer_id=None,
        won_money=float("nan"), lost_money=float("nan"), check=float("nan"), cycle_days=float("nan"), loss_reason_id="",
    )  # fmt: skip


def _closed(deals: pd.DataFrame) -> pd.DataFrame:
    won = deals["outcome"] == "won"
    won_money = deals["money"].where(won)
    repeat = deals["is_repeat"].astype("boolean")
    return deals[[*KEYS, "loss_reason_id"]].assign(
        at=deals["closed_at"], is_created=0, created_money=float("nan"),
        is_won_cohort=0, is_lost_cohort=0, is_open_cohort=0,
        is_won=won.astype(int), is_lost=(~won).astype(int), is_closed=1,
        is_new=(won & ~repeat).fillna(False).astype(int), is_repeat=(won & repeat).fillna(False).astype(int),
        is_moneyless_win=(won & (deals["amount"].fillna(0) == 0)).astype(int),
        won_customer_id=deals["customer_id"].where(won & (deals["customer_id"] != "")),
        won_money=won_money, lost_money=deals["money"].where(~won), check=won_money.where(won_money > 0),
        cycle_days=((deals["closed_at"] - deals["created_at"]) / DAY).where(won),
    )  # fmt: skip


def stocks_at(ds: Dataset, instants: Sequence[datetime], columns: Sequence[str]) -> pd.DataFrame:
    """One row per instant (of rising ones) and deal that was in work then: these `columns` of its span, and `cut`."""
    spans, ends = ds.open_spans, pd.DatetimeIndex(instants)
    first = ends.searchsorted(pd.DatetimeIndex(spans["opened_at"].fillna(pd.Timestamp(0, tz="UTC"))), side="right")
    after = ends.searchsorted(pd.DatetimeIndex(spans["until_at"].fillna(ends[-1])), side="right")
    times = np.maximum(after - first, 0)
    place = np.repeat(np.arange(len(spans)), times)
    cut = np.arange(len(place)) - np.repeat(times.cumsum() - times, times) + first[place]
    held = spans[[*dict.fromkeys([*columns, "money"])]].take(place)
    return held.assign(at=ends[cut], cut=cut, is_open=1, open_money=held["money"])


def open_deals(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal of the slice in work at as_of: a stock, whatever the period."""
    return ds.open_deals.assign(is_open=1, open_money=ds.open_deals["money"])


def forgotten_deals(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per forgotten deal of the slice at as_of, with what became of past deals like it: a stock."""
    return ds.forgotten_deals


def steps(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal and funnel stage it reached in `period`, with what had become of it by as_of."""
    found = ds.steps_in(period)
    could = found["to_stage_id"] != ""
    went_on = found["next_reached_at"].notna()
    return found.assign(
        is_reached=1,
        could_go_on=could.astype(int),
        went_on=(could & went_on).astype(int),
        visited_next=(could & found["next_visited_at"].notna()).astype(int),
        lost_on_the_way=(could & ~went_on & (found["outcome"] == "lost")).astype(int),
        on_the_way=(could & ~went_on & (found["outcome"] == "open")).astype(int),
    )


def cohort_steps(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal created in `period` and funnel stage it reached by as_of."""
    return ds.steps_in(period, "created_at").assign(is_reached=1)


def visits(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal and stage of its pipeline's funnel that it entered in `period`, however often."""
    seen = ds.visits_in(period)
    seen = seen[seen["visited_pipeline_id"] == seen["pipeline_id"]]
    return seen.drop_duplicates(["deal_id", "stage_id"]).assign(is_visited=1)


def stays(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per visit to a stage of work of its pipeline's funnel that was entered in `period`: how long it lasted.

    `time` is in days, up to as_of where the visit still runs; `finished_days` is missing there.
    """
    seen = ds.visits_in(period)
    at_work = ~seen["stage_id"].map(ds.stages["outcome"]).isin(("won", "lost"))
    own = seen["visited_pipeline_id"] == seen["pipeline_id"]
    seen = seen[own & at_work]
    has_ended = seen["left_at"].notna()
    time = (seen["left_at"].fillna(pd.Timestamp(ds.filters.as_of)) - seen["entered_at"]) / DAY
    ends = {"has_ended": has_ended.astype(int), "still_runs": (~has_ended).astype(int)}
    return seen.assign(time=time, finished_days=time.where(has_ended), **ends)


def actions(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per action in `period`, its kind as 0/1 columns."""
    acts = ds.actions_in(period)
    return acts.assign(is_action=1, **{f"is_{kind}": (acts["kind"] == kind).astype(int) for kind in KINDS})


def team(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per manager of the slice who acted in `period`, or is active and had deals in it: points, index, points_a_day.

    Ten is the best of the whole company, before the manager and department filters: neither changes an index.
    """
    points = ds.points_in(period)
    best = points.max() if len(points) else 0
    ids = sorted(ds.in_team(points.index) | _holding(ds, period))
    here = points.reindex(ids).fillna(0.0).rename("points").rename_axis("manager_id").reset_index()
    index = here["points"] * 10 / best if best else float("nan")
    a_day = here["points"] / days if (days := working_days(period)) else float("nan")
    return here.assign(
        index=index, points_a_day=a_day, department_id=looked_up(here["manager_id"], ds.managers["department_id"])
    )


def _holding(ds: Dataset, period: Period) -> set[str]:
    """Active managers with a deal created or closed in `period` or in work now."""
    return ds.holders(period) - ds.dismissed - {""}


def working_days(period: Period) -> int:
    """Mondays to Fridays of `period`; public holidays are not known."""
    return int(np.busday_count(period.start, period.end))


def lead_events(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per lead received, converted or lost in `period`: `at` and what it adds to each number."""
    leads = ds.leads
    won = leads["outcome"] == "won"
    nothing = {"is_received": 0, "is_won_lead_cohort": 0, "is_converted": 0, "is_lead_lost": 0}
    came = {"is_received": 1, "is_won_lead_cohort": won.astype(int), "at": leads["created_at"]}
    went = {"is_converted": won.astype(int), "is_lead_lost": (~won).astype(int), "at": leads["closed_at"]}
    received = leads.assign(**nothing | came)[within(leads["created_at"], period, ds)]
    closed = leads.assign(**nothing | went)[within(leads["closed_at"], period, ds)]
    return pd.concat([received, closed], ignore_index=True)[[*LEAD_KEYS, "at", *nothing]]


def open_leads(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per lead of the slice in work at as_of: a stock, whatever the period."""
    rows = ds.leads[ds.leads["outcome"] == "open"]
    return rows[LEAD_KEYS].assign(is_open_lead=1, is_forgotten_lead=rows["is_forgotten"].astype(int))


LEAD_KEYS = ["lead_id", "manager_id", "department_id", "source_id"]
FRAMES: dict[str, Callable[[Dataset, Period], pd.DataFrame]] = {
    each.__name__: each
    for each in (
        events, open_deals, forgotten_deals, steps, cohort_steps, visits, stays, actions, team, lead_events, open_leads
    )
}  # fmt: skip
