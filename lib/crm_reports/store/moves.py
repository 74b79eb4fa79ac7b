"""From stage history: entries, visits, spans of being open, and the steps of the funnel that a deal reached."""

import ibis
from ibis.expr.types import Table, TimestampScalar

from .open import Store

CLOSED = ("won", "lost")


def entries(store: Store, as_of: TimestampScalar) -> Table:
    """Every stage entry strictly before `as_of` of the deals that still exist, with the columns of `stage_history`.

    A deal that the CRM holds closed while its history never saw it close (old portals lack rows; exports leave the last
    move out) gets one closing entry, `is_added`, at its last move or closing date.
    """
    deals = store.table("deals")
    history = store.table("stage_history").semi_join(deals, "deal_id").mutate(is_added=False)
    return history.union(_missing_closings(deals, history)).filter(lambda row: row.at < as_of)


def _missing_closings(deals: Table, history: Table) -> Table:
    last = history.group_by("deal_id").aggregate(
        last_at=history.at.max(),
        last_id=history.history_id.max(),
        last_outcome=history.outcome.last(order_by=[history.at, history.history_id]),
    )
    unclosed = deals.filter(deals.outcome.isin(CLOSED)).inner_join(last, "deal_id").filter(last.last_outcome == "open")
    closing = unclosed.moved_at.coalesce(unclosed.closed_at, unclosed.last_at)
    return unclosed.select(
        history_id=unclosed.last_id + 1,
        deal_id="deal_id",
        stage_id="stage_id",
        pipeline_id="pipeline_id",
        outcome="outcome",
        at=ibis.greatest(closing, unclosed.last_at),
        is_added=True,
    )


def visits(moves: Table) -> Table:
    """One row per visit: deal_id, history_id (of the entry), stage_id, pipeline_id, entered_at, left_at (null: lasts).

    An entry into the stage a deal already stands on goes on with the visit.
    """
    by_deal = ibis.window(group_by="deal_id", order_by=["at", "history_id"])
    marked = moves.mutate(before=moves.stage_id.lag().over(by_deal), place=ibis.row_number().over(by_deal))
    begun = marked.filter((marked.place == 0) | ~marked.stage_id.identical_to(marked.before))
    times = {"entered_at": begun.at, "left_at": begun.at.lead().over(by_deal)}
    return begun.select("deal_id", "history_id", "stage_id", "pipeline_id", **times)


def open_spans(moves: Table, facts: Table) -> Table:
    """When each deal was in work: deal_id, opened_at (null: since ever), until_at (null: still).

    It was open at an instant t when opened_at < t and until_at is absent or ≥ t. The first span begins with the deal's
    creation, also where history begins later or with its end. A deal without history has one span.
    """
    by_deal = ibis.window(group_by="deal_id", order_by=["at", "history_id"])
    marked = moves.mutate(is_open=moves.outcome == "open")
    marked = marked.mutate(was_open=marked.is_open.lag().over(by_deal), first=ibis.row_number().over(by_deal) == 0)
    turns = marked.filter(marked["first"] | (marked.is_open != marked.was_open))
    turns = turns.mutate(until_at=turns.at.lead().over(by_deal))
    opened = turns.filter(turns["first"] | turns.is_open).inner_join(facts.select("deal_id", "created_at"), "deal_id")
    start = ibis.ifelse(opened["first"], opened.created_at, ibis.greatest(opened.created_at, opened.at))
    until = ibis.ifelse(opened.is_open, opened.until_at, opened.at)
    recorded = opened.select("deal_id", opened_at=start, until_at=until)
    plain = facts.filter(~facts.has_history).select("deal_id", opened_at="created_at", until_at="closed_at")
    return recorded.union(plain)


def steps(store: Store) -> Table:
    """The steps of each pipeline's funnel, in order: pipeline_id, stage_id, name, step (0…), is_won.

    Lost stages are no step; the won stage is the last one. A stage without a place in its pipeline is no step.
    """
    stages = store.table("stages")
    kept = stages.filter(stages.outcome.isin(("open", "won")) & stages.position.notnull())
    order = ibis.window(group_by="pipeline_id", order_by=[kept.outcome == "won", "position", "stage_id"])
    return kept.select(
        "pipeline_id", "stage_id", "name", step=ibis.row_number().over(order), is_won=kept.outcome == "won"
    )


def reached(moves: Table, facts: Table, funnel: Table) -> Table:
    """First instants: deal_id, pipeline_id, stage_id, step, reached_at, visited_at (null: skipped).

    In the funnel of the pipeline the deal stands in at as_of. A later stage reaches all before it; won reaches all.
    """
    here = moves.inner_join(facts.select("deal_id", home_id=facts.pipeline_id), "deal_id")
    here = here.filter(here.pipeline_id.identical_to(here.home_id))
    last = funnel.group_by(home_id=funnel.pipeline_id).aggregate(last_step=funnel.step.max())
    places = funnel.select(placed_id="stage_id", place="step")
    placed = here.inner_join(last, "home_id").left_join(places, [("stage_id", "placed_id")])
    place = ibis.cases((placed.outcome == "won", placed.last_step), (placed.outcome == "open", placed.place))
    placed = placed.select("deal_id", "home_id", "at", place=place)
    crossed = placed.inner_join(funnel, [("home_id", "pipeline_id")]).filter(lambda row: row.place >= row.step)
    return crossed.group_by("deal_id", "stage_id", "step").aggregate(
        reached_at=crossed.at.min(), visited_at=crossed.at.min(where=crossed.place == crossed.step)
    )
