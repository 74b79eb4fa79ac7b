"""What a metric's `on` names: the rows it is measured from, for one period and as of the report's instant.

Every frame has the ids of the dimensions it can be cut by. Columns that are summed are 0/1 or money; a missing value is
in no sum and in no mean.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

import numpy as np
import pandas as pd

from ..errors import MetricError
from ..filters import Period
from ..metrics.registry import STOCKS, find
from ..metrics.rows import Groups
from ..store.columns import DAY, Array, Columns, categorical, joined, per_text, rename
from ..words.texts import _
from . import privacy
from .acts import KINDS
from .dataset import Dataset
from .forecast import Forecast
from .scope import to_pandas
from .slices import inside, loss_reasons, utc
from .work import Work

# Their rows have no instant of their own: each cut of a period has its own ones.
PER_CUT = ("team", "turnover", "plans")


def frame(ds: Dataset, on: str, period: Period) -> Columns:
    """The rows of `on` for `period`, made once."""
    if on not in FRAMES:
        raise MetricError(_("no frame called {on!r} to measure on; there are: {names}", on=on, names=", ".join(FRAMES)))
    return ds.memo.once((on, period), lambda: FRAMES[on](ds, period))


def frame_before(ds: Dataset, on: str) -> Columns:
    """The rows of `on` for the period to compare with; a stock, or all of deals that stood somehow, as of the instant before."""
    return frame(ds.before if on in STOCKS or ds.filters.is_about_standing else ds, on, ds.filters.previous)


def in_period(instants: np.ndarray, period: Period, ds: Dataset) -> np.ndarray:
    """Which instants fall into the whole days of `period`, in the report's time zone."""
    return inside(instants, ds.bounds(period))


def events(ds: Dataset, period: Period) -> Columns:
    """One row per deal created, and one per deal won or lost, in `period`: `at` and what it adds to each number."""
    deals = ds.slice.deals
    starts, ends = (np.flatnonzero(in_period(deals[name], period, ds)) for name in ("created_at", "closed_at"))
    place = np.concatenate([starts, ends])
    is_created = np.arange(len(place)) < len(starts)
    rows = deals.take(place)

    def only(mask: np.ndarray, column: str) -> np.ndarray:
        return np.where(mask, rows[column], np.nan)

    names = ds.names.stage_names
    by_outcome = {outcome: rows["outcome"] == outcome for outcome in ("won", "lost", "open")}
    is_won, is_lost = (~is_created & by_outcome[outcome] for outcome in ("won", "lost"))
    return rows.assign(
        at=lambda: np.where(is_created, rows["created_at"], rows["closed_at"]),
        is_created=is_created,
        created_money=lambda: only(is_created, "money"),
        is_won_cohort=is_created & by_outcome["won"],
        is_lost_cohort=is_created & by_outcome["lost"],
        is_open_cohort=is_created & by_outcome["open"],
        is_won=is_won,
        is_lost=is_lost,
        is_closed=~is_created,
        is_new=lambda: is_won & (rows["is_repeat"] == 0),
        is_repeat=lambda: is_won & (rows["is_repeat"] == 1),
        is_moneyless_win=lambda: is_won & (np.nan_to_num(rows["amount"]) == 0),
        won_customer_id=lambda: _where(is_won, rows["customer_id"]),
        won_money=lambda: only(is_won, "money"),
        lost_money=lambda: only(is_lost, "money"),
        check=lambda: only(is_won & (rows["money"] != 0), "money"),
        cycle_days=lambda: np.where(is_won, (rows["closed_at"] - rows["created_at"]) / DAY, np.nan),
        loss_reason_id=lambda: _only(is_lost, loss_reasons(rows, names)),
    )


def product_rows(ds: Dataset, period: Period) -> Columns:
    """One row per product row of the deals won in `period`: what it brought, before the discount too, and how much was sold."""
    rows = ds.slice.history("product_lines", "product_id, section_id, quantity, price, discount")
    deals = ds.slice.deals
    closed_at = deals["closed_at"].take(rows["place"])
    is_sold = np.asarray(rows["outcome"] == "won") & in_period(closed_at, period, ds)
    rows = rows.take(is_sold)
    rates = ds.slice.rates
    rate = per_text(deals["currency"], lambda code: rates.get(code, np.nan), float).take(rows["place"])
    return rows.assign(
        at=closed_at[is_sold],
        sold_quantity=rows["quantity"],
        sold_money=rows["quantity"] * rows["price"] * rate,
        discount_money=rows["quantity"] * rows["discount"] * rate,
        full_money=rows["quantity"] * (rows["price"] + rows["discount"]) * rate,
        sold_deal_id=lambda: rows["deal_id"],
    )


def _where(mask: np.ndarray, texts: pd.Categorical) -> pd.Categorical:
    """The texts of these rows, missing for the others and where there is none."""
    has_text = mask & np.asarray(texts != "")
    return pd.Categorical.from_codes(np.where(has_text, texts.codes, -1), dtype=texts.dtype)


def _only(mask: np.ndarray, texts: pd.Categorical) -> pd.Categorical:
    """The texts of these rows, "" for the others."""
    return categorical(np.where(mask, texts.codes, len(texts.categories)), [*texts.categories, ""])


def stock_at(ds: Dataset, instant: datetime) -> Columns:
    """One row per deal of the slice that was in work at the instant: a stock of any day."""
    spans, moment = ds.work.spans, utc(instant)
    stock = spans.take(~(spans["opened_at"] >= moment) & ~(spans["until_at"] < moment))
    return stock.assign(is_open=np.ones(len(stock), dtype=bool), open_money=lambda: stock["money"])


def open_deals(ds: Dataset, period: Period) -> Columns:
    """One row per deal of the slice in work at as_of: a stock, whatever the period."""
    deals = ds.work.deals
    rows = deals.assign(is_open=np.ones(len(deals), dtype=bool), open_money=lambda: deals["money"])
    plans = ("has_planned_date", "is_past_plan", "pushes", "pushed_days")
    return rows.assign(**{name: partial(_planned, ds.work, name) for name in plans})


def _planned(work: Work, name: str) -> np.ndarray:
    return work.planned_dates[name]


def forgotten_deals(ds: Dataset, period: Period) -> Columns:
    """One row per forgotten deal of the slice at as_of, with what became of past deals like it: a stock."""
    return ds.work.forgotten


def turnover(ds: Dataset, period: Period) -> Columns:
    """One row per deal in work when the period is told of, then the rows of `events`: what is in the pipeline, and how it flows."""
    stock, flow = _stock_of(ds, period), frame(ds, "events", period)
    keys = {key: partial(_both, stock, flow, key) for key in ds.slice.keys}
    is_open = np.arange(len(stock) + len(flow)) < len(stock)
    never, nothing = np.zeros(len(stock), dtype=bool), np.full(len(stock), np.nan)
    subjects = {name: partial(_both, stock, flow, name) for name in ("deal_no", "created_at")}
    return Columns(len(is_open), keys | subjects | {
        "is_open": is_open,
        **{name: np.append(never, flow[name]) for name in ("is_won", "is_closed")},
        **{name: np.append(nothing, flow[name]) for name in ("check", "cycle_days")},
    })  # fmt: skip


def _stock_of(ds: Dataset, period: Period) -> Columns:
    """What is in work at the report's instant, or for the period before at that one's, for any other at its end."""
    if period == ds.filters.elapsed:
        return frame(ds, "open_deals", period)
    if period == ds.filters.previous:
        return frame(ds.before, "open_deals", period)
    return stock_at(ds, min(ds.bounds(period)[1], ds.filters.as_of))


def _both(first: Columns, second: Columns, name: str) -> Array:
    """The column of the rows of both."""
    one, other = first[name], second[name]
    return joined(one, other) if isinstance(one, pd.Categorical) else np.append(one, other)


def steps(ds: Dataset, period: Period) -> Columns:
    """One row per deal and funnel stage it reached in `period`, with what had become of it by as_of."""
    rows = ds.slice.steps("reached_at", ds.bounds(period))
    could_go_on = np.asarray(rows["to_stage_id"] != "")
    went_on = ~np.isnat(rows["next_reached_at"])
    return rows.assign(
        at=rows["reached_at"],
        is_reached=np.ones(len(rows), dtype=bool),
        could_go_on=could_go_on,
        went_on=could_go_on & went_on,
        visited_next=lambda: could_go_on & ~np.isnat(rows["next_visited_at"]),
        lost_on_the_way=lambda: could_go_on & ~went_on & np.asarray(rows["outcome"] == "lost"),
        on_the_way=lambda: could_go_on & ~went_on & np.asarray(rows["outcome"] == "open"),
    )


def cohort_steps(ds: Dataset, period: Period) -> Columns:
    """One row per deal created in `period` and funnel stage it reached by as_of."""
    rows = ds.slice.steps("created_at", ds.bounds(period))
    return rows.assign(at=lambda: rows["created_at"], is_reached=np.ones(len(rows), dtype=bool))


def all_visits(ds: Dataset, period: Period) -> Columns:
    """Visits begun in `period`, whatever pipeline the deal stands in at as_of."""
    return ds.slice.visits(ds.bounds(period))


def own_visits(ds: Dataset, period: Period) -> Columns:
    """Those to stages of the pipeline that the deal stands in at as_of."""
    rows = frame(ds, "all_visits", period)
    numbers = {pipeline: number for number, pipeline in enumerate(rows["pipeline_id"].categories)}
    codes = per_text(rows["visited_pipeline_id"], lambda id: numbers.get(id, -1), int)
    return rows.take(codes == rows["pipeline_id"].codes)


def visits(ds: Dataset, period: Period) -> Columns:
    """One row per deal and stage of its pipeline's funnel that it entered in `period`, however often."""
    rows = frame(ds, "own_visits", period)
    stage = rows["stage_id"]
    _pairs, first = np.unique(rows["place"].astype(int) * len(stage.categories) + stage.codes, return_index=True)
    rows = rows.take(first)
    return rows.assign(at=lambda: rows["entered_at"], is_visited=np.ones(len(rows), dtype=bool))


def stays(ds: Dataset, period: Period) -> Columns:
    """One row per visit to a stage of work that was entered in `period`, on the stage where it was: how long it lasted.

    `time` is in days, up to as_of where the visit still runs; `finished_days` is missing there.
    """
    rows = frame(ds, "all_visits", period)
    outcomes = ds.names.stages["outcome"].to_dict()
    rows = rows.take(per_text(rows["stage_id"], lambda id: outcomes.get(id) not in ("won", "lost"), bool))
    still_runs = np.isnat(rows["left_at"])
    time = (np.where(still_runs, utc(ds.filters.as_of), rows["left_at"]) - rows["entered_at"]) / DAY
    return rows.assign(
        at=rows["entered_at"],
        time=time,
        finished_days=np.where(still_runs, np.nan, time),
        has_ended=~still_runs,
        still_runs=still_runs,
    )


def actions(ds: Dataset, period: Period) -> Columns:
    """One row per action in `period`, its kind as 0/1 columns."""
    acts = ds.acts.actions(period)
    is_kind: dict[str, Callable[[], Array]] = {f"is_{kind}": partial(_is, acts, kind) for kind in KINDS}
    return acts.assign(is_action=np.ones(len(acts), dtype=bool), **is_kind)


def _is(acts: Columns, kind: str) -> np.ndarray:
    return np.asarray(acts["kind"] == kind)


def team(ds: Dataset, period: Period) -> Columns:
    """One row per manager of the slice who acted in `period`, or is active and had deals in it: points, index, points_a_day.

    Ten is the best of the whole company, before the manager and department filters: neither changes an index. A page about
    some people has none where so few acted that the best one's points could be had from it.
    """
    points = ds.acts.points(period)
    has_index = not ds.filters.is_about_people or privacy.is_crowd(len(points))
    best = points.max() if len(points) and has_index else 0
    holding = ds.scope.holders("manager_id", period) - ds.names.leavers - {""}
    ids = sorted(ds.scope.managers_among(points.index) | holding)
    own_points = points.reindex(ids).fillna(0.0).to_numpy(float)
    days, nothing = ds.settings.calendar.working_days(period.start, period.end), np.full(len(ids), np.nan)
    people, homes = categorical(np.arange(len(ids)), ids), ds.names.homes
    return Columns(len(ids), {
        "manager_id": people, "department_id": lambda: rename(people, homes), "points": own_points,
        "index": own_points * 10 / best if best else nothing, "points_a_day": own_points / days if days else nothing,
    })  # fmt: skip


def prospects(ds: Dataset, period: Period) -> Columns:
    """One row per deal won in the report's period, in work, or of late (for those yet to come): what is expected of each."""
    return Forecast.of(ds).rows


def plans(ds: Dataset, period: Period) -> Columns:
    """One row per manager with a plan or a result in `period`, and one for each part of a plan that is nobody's: plan, due, fact.

    Plan and working days are of the whole period, also of one that still runs: its elapsed days stand for it. `due` is what of
    the plan should be there by now.
    """
    whole = ds.filters.period if period == ds.filters.elapsed else period
    calendar, today = ds.settings.calendar, ds.filters.day_ahead
    gone = calendar.working_days(whole.start, min(max(today, whole.start), whole.end))
    left = calendar.working_days(max(today, whole.start), whole.end)
    parts = ds.plan.parts(whole)
    facts = {id: fact for id, fact in _facts(ds, period).items() if fact or any(id == part[0] for part in parts)}
    homes = ds.names.homes
    rows = [(id, home, value, 0.0) for id, home, value in parts]
    rows += [(id, homes.get(id, ""), np.nan, fact) for id, fact in facts.items()]
    people, departments, values, done = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [], [])
    )
    plan = np.array(values, dtype=float)
    return Columns(len(rows), {
        "manager_id": categorical(np.arange(len(rows)), people), "department_id": categorical(np.arange(len(rows)), departments),
        "plan": plan, "due": plan * gone / (gone + left) if gone + left else plan * np.nan, "fact": np.array(done, dtype=float),
        "days_gone": np.full(len(rows), gone), "days_left": np.full(len(rows), left),
    })  # fmt: skip


def _facts(ds: Dataset, period: Period) -> dict[str, float]:
    """What of the planned metric each manager has brought."""
    entry = find(ds.plan.metric)
    rows = frame(ds, entry.on, period)
    people = rows["manager_id"]
    values = entry.of_each(rows, Groups(people.codes, len(people.categories)))
    return dict(zip(people.categories, np.asarray(values, dtype=float), strict=True))


def cover(ds: Dataset, period: Period) -> Columns:
    """The rows of `plans`, and one per manager with deals in work that can still be won in time: closable_money."""
    made, planned = Forecast.of(ds), frame(ds, "plans", ds.filters.elapsed)
    people, homes = ds.slice.deals["manager_id"], ds.names.homes
    is_known = made.is_running and not made.missing
    places, money = (made.place, made.closable_money) if is_known else (made.open_places[:0], np.zeros(0))
    sums = np.bincount(people.codes[places], weights=money, minlength=len(people.categories))
    ids = [*np.asarray(planned["manager_id"]), *people.categories]
    departments = [*np.asarray(planned["department_id"]), *(homes.get(id, "") for id in people.categories)]
    size, nothing = len(ids), np.full(len(people.categories), np.nan)
    return Columns(size, {
        "manager_id": categorical(np.arange(size), ids), "department_id": categorical(np.arange(size), departments),
        "plan": np.concatenate([planned["plan"], nothing]), "fact": np.concatenate([planned["fact"], nothing]),
        "closable_money": np.concatenate([np.full(len(planned), np.nan), sums if is_known else nothing]),
    })  # fmt: skip


def answers(ds: Dataset, period: Period) -> Columns:
    """One row per deal and lead created in `period`: `hours` to the first action of a person, or up to the end or as_of without one.

    `had_hour` and `had_day` are those of which it is known whether they were answered within it.
    """
    deals, leads = _deals_waiting(ds), _leads_waiting(ds)
    names = (
        "manager_id", "department_id", "source_id", "created_at", "closed_at", "answered_at", "deal_no", "lead_id", *_of_both(ds),
    )  # fmt: skip
    rows = Columns(len(deals) + len(leads), {name: partial(_both, deals, leads, name) for name in names})
    rows = rows.take(in_period(rows["created_at"], period, ds))
    end = np.where(np.isnat(rows["closed_at"]), utc(ds.filters.as_of), rows["closed_at"])
    is_answered = ~np.isnat(rows["answered_at"])
    hours = (np.where(is_answered, rows["answered_at"], end) - rows["created_at"]) / HOUR
    hours = np.maximum(hours, 0)  # who rang before the deal was written down answered at once
    return rows.assign(
        at=rows["created_at"], hours=hours, is_answered=is_answered,
        is_answered_in_hour=is_answered & (hours <= 1), is_answered_in_day=is_answered & (hours <= 24),
        had_hour=is_answered | (hours >= 1), had_day=is_answered | (hours >= 24),
    )  # fmt: skip


def _of_both(ds: Dataset) -> list[str]:
    """The company's own dimensions that deals and leads have."""
    return [own.key for own in ds.names.own if own.is_dimension and own.entity in ("company", "contact")]


HOUR = np.timedelta64(1, "h")


def _deals_waiting(ds: Dataset) -> Columns:
    """The slice's deals with when a person first acted on each."""
    deals, answers = ds.slice.deals, ds.slice.history("first_answers", "answered_at")
    answered_at = np.full(len(deals), np.datetime64("NaT"), dtype="datetime64[us]")
    answered_at[answers["place"]] = answers["answered_at"]
    return deals.assign(answered_at=answered_at, lead_id=categorical(np.zeros(len(deals), dtype=int), [""]))


def _leads_waiting(ds: Dataset) -> Columns:
    """The same of the slice's leads; of none under a pipeline filter, since they stand in no pipeline."""
    leads = ds.leads.iloc[:0] if ds.filters.ids("pipeline") else ds.leads  # of a deal's own field there are none anyway
    rows = ds.scope.snapshot.query("select lead_id, answered_at from first_answers where lead_id is not null")
    answers = to_pandas(rows)
    answered_at = answers.set_index("lead_id")["answered_at"].reindex(leads["lead_id"].to_numpy(object))
    return _leads(ds, leads).assign(answered_at=_instants(answered_at), deal_no=np.full(len(leads), -1))


def lead_events(ds: Dataset, period: Period) -> Columns:
    """One row per lead received, and one per lead converted or lost, in `period`: `at` and what it adds to each number."""
    leads = _leads(ds, ds.leads)
    starts, ends = (np.flatnonzero(in_period(leads[name], period, ds)) for name in ("created_at", "closed_at"))
    rows = leads.take(np.concatenate([starts, ends]))
    is_received = np.arange(len(rows)) < len(starts)
    won = np.asarray(rows["outcome"] == "won")
    return rows.assign(
        at=lambda: np.where(is_received, rows["created_at"], rows["closed_at"]),
        is_received=is_received,
        is_won_lead_cohort=is_received & won,
        is_converted=~is_received & won,
        is_lead_lost=~is_received & ~won,
    )


def open_leads(ds: Dataset, period: Period) -> Columns:
    """One row per lead of the slice in work at as_of: a stock, whatever the period."""
    rows = ds.leads[ds.leads["outcome"] == "open"]
    is_forgotten = rows["is_forgotten"].to_numpy(bool)
    return _leads(ds, rows).assign(is_open_lead=np.ones(len(rows), dtype=bool), is_forgotten_lead=is_forgotten)


def _leads(ds: Dataset, leads: pd.DataFrame) -> Columns:
    """The leads as columns."""
    texts = {
        name: partial(_categorical, leads[name])
        for name in ("lead_id", "manager_id", "department_id", "source_id", "outcome")
    }
    instants = {name: _instants(leads[name]) for name in ("created_at", "closed_at")}
    return Columns(len(leads), texts | instants | ds.scope.own_of_leads(leads))


def _categorical(texts: pd.Series) -> pd.Categorical:
    codes, categories = pd.factorize(texts.fillna("").to_numpy(object))
    return categorical(codes, categories)


def _instants(instants: pd.Series) -> np.ndarray:
    return pd.to_datetime(instants, utc=True).dt.tz_localize(None).to_numpy()


FRAMES: dict[str, Callable[[Dataset, Period], Columns]] = {
    make.__name__: make
    for make in (
        events, product_rows, open_deals, turnover, forgotten_deals, steps, cohort_steps, all_visits, own_visits, visits, stays, actions, team, plans, prospects, cover, answers, lead_events, open_leads
    )
}  # fmt: skip
