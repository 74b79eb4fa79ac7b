"""What a metric's `on` names: the rows it is measured from, for one period and as of the report's instant.

Every frame has the ids of the dimensions it can be cut by. Columns that are summed are 0/1 or money; a missing value is
in no sum and in no mean.
"""

from collections.abc import Callable
from datetime import datetime

import pandas as pd

from .dataset import DAY, KINDS, Dataset, looked_up
from .errors import MetricError
from .filters import Period, first_instant

KEYS = ["deal_id", "manager_id", "department_id", "pipeline_id", "source_id", "stage_id", "customer_id"]


def frame(ds: Dataset, on: str, period: Period) -> pd.DataFrame:
    """The rows of `on` for `period`."""
    if on not in FRAMES:
        raise MetricError(f"no frame called {on!r} to measure on; there are: {', '.join(FRAMES)}")
    return FRAMES[on](ds, period)


def within(instants: pd.Series, period: Period, ds: Dataset) -> pd.Series:
    """Which instants fall into the whole days of `period`, in the report's time zone."""
    start, end = (first_instant(day, ds.filters.zone) for day in (period.start, period.end))
    return (instants >= start) & (instants < end)


def local_days(instants: pd.Series, ds: Dataset) -> pd.Series:
    """The calendar day of each instant in the report's time zone, without a zone."""
    return instants.dt.tz_convert(ds.filters.zone.key).dt.tz_localize(None).dt.normalize()


def events(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal created, won or lost in `period`: `at` and what it adds to each number."""
    deals = ds.deals
    created = deals[within(deals["created_at"], period, ds)]
    closed = deals[within(deals["closed_at"], period, ds)]
    return pd.concat([_created(created), _closed(closed)], ignore_index=True)


def _created(deals: pd.DataFrame) -> pd.DataFrame:
    won = deals["outcome"] == "won"
    return deals[KEYS].assign(
        at=deals["created_at"], is_created=1, is_won_cohort=won.astype(int), created_money=deals["money"],
        is_won=0, is_lost=0, is_closed=0, is_new=0, is_repeat=0,
        won_money=float("nan"), lost_money=float("nan"), check=float("nan"), cycle_days=float("nan"), loss_reason_id="",
    )  # fmt: skip


def _closed(deals: pd.DataFrame) -> pd.DataFrame:
    won = deals["outcome"] == "won"
    won_money = deals["money"].where(won)
    repeat = deals["is_repeat"].astype("boolean")
    return deals[[*KEYS, "loss_reason_id"]].assign(
        at=deals["closed_at"], is_created=0, is_won_cohort=0, created_money=float("nan"),
        is_won=won.astype(int), is_lost=(~won).astype(int), is_closed=1,
        is_new=(won & ~repeat).fillna(False).astype(int), is_repeat=(won & repeat).fillna(False).astype(int),
        won_money=won_money, lost_money=deals["money"].where(~won), check=won_money.where(won_money > 0),
        cycle_days=((deals["closed_at"] - deals["created_at"]) / DAY).where(won),
    )  # fmt: skip


def stock_at(ds: Dataset, instant: datetime) -> pd.DataFrame:
    """One row per deal of the slice that was in work at `instant`, at the latest as_of."""
    spans = ds.open_spans
    began = spans["opened_at"].isna() | (spans["opened_at"] < instant)
    lasts = spans["until_at"].isna() | (spans["until_at"] >= instant)
    held = spans[began & lasts]
    return held.assign(at=instant, is_open=1, open_money=held["money"])


def open_deals(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal of the slice in work at as_of: a stock, whatever the period."""
    return ds.open_deals.assign(is_open=1, open_money=ds.open_deals["money"])


def steps(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal and funnel stage it reached in `period`, with what had become of it by as_of."""
    found = ds.steps[within(ds.steps["reached_at"], period, ds)]
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
    return ds.steps[within(ds.steps["created_at"], period, ds)].assign(is_reached=1)


def visits(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per deal and stage of its pipeline's funnel that it entered in `period`, however often."""
    seen = ds.stage_visits
    seen = seen[within(seen["entered_at"], period, ds) & (seen["visited_pipeline_id"] == seen["pipeline_id"])]
    return seen.drop_duplicates(["deal_id", "stage_id"]).assign(is_visited=1)


def actions(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per action in `period`, its kind as 0/1 columns."""
    acts = ds.actions_in(period)
    return acts.assign(is_action=1, **{f"is_{kind}": (acts["kind"] == kind).astype(int) for kind in KINDS})


def team(ds: Dataset, period: Period) -> pd.DataFrame:
    """One row per manager of the slice who acted in `period`, or is active and had deals in it: points, index.

    Ten is the best of the whole company, before the manager and department filters: neither changes an index.
    """
    points = ds.points_in(period)
    best = points.max() if len(points) else 0
    ids = sorted(ds.in_team(points.index) | _holding(ds, period))
    here = points.reindex(ids).fillna(0.0).rename("points").rename_axis("manager_id").reset_index()
    index = here["points"] * 10 / best if best else float("nan")
    return here.assign(index=index, department_id=looked_up(here["manager_id"], ds.managers["department_id"]))


def _holding(ds: Dataset, period: Period) -> set[str]:
    """Active managers with a deal created or closed in `period` or in work now."""
    deals = ds.deals
    touched = within(deals["created_at"], period, ds) | within(deals["closed_at"], period, ds)
    held = deals.loc[touched | (deals["outcome"] == "open"), "manager_id"]
    return set(held) - ds.dismissed - {""}


FRAMES: dict[str, Callable[[Dataset, Period], pd.DataFrame]] = {
    each.__name__: each for each in (events, open_deals, steps, cohort_steps, visits, actions, team)
}
