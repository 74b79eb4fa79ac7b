"""What people did: actions, the last sign of life of each deal, and its next step."""

import ibis
from ibis.expr.types import Table, TimestampScalar

from .open import Store

ON_THEIR_INSTANT = ("call", "meeting", "email")


def _activities(store: Store) -> Table:
    """The activities; what has no end time of its own was done no later than it was first seen done."""
    activities = store.table("activities")
    seen = store.table("done_seen").select(seen_id="activity_id", seen_at="seen_at")
    joined = activities.left_join(seen, activities.activity_id == seen.seen_id)
    timeless = joined.is_action & ~joined.kind.isin(ON_THEIR_INSTANT) & joined.seen_at.notnull()
    at = ibis.ifelse(timeless, ibis.least(joined.at, joined.seen_at), joined.at)
    return joined.mutate(at=at).drop("seen_id", "seen_at")


def _done(store: Store) -> Table:
    done = _activities(store)
    done = done.filter(done.is_action)
    said = store.table("comments").mutate(kind=ibis.literal("comment"))
    columns = ["kind", "manager_id", "at", "owner_type", "owner_id"]
    return done[columns].union(said[columns])


def _moved(moves: Table, facts: Table) -> Table:
    """Every entry but a deal's first: the deal's manager moved it, for the history names no author."""
    order = ibis.window(group_by="deal_id", order_by=["at", "history_id"])
    later = moves.mutate(place=ibis.row_number().over(order))
    later = later.filter(later.place > 0).inner_join(facts.select("deal_id", "manager_id"), "deal_id")
    return later.select(
        kind=ibis.literal("stage_move"), manager_id="manager_id", at="at",
        owner_type=ibis.literal("deal"), owner_id="deal_id",
    )  # fmt: skip


def actions(store: Store, moves: Table, facts: Table, as_of: TimestampScalar) -> Table:
    """Every action before `as_of`: kind, manager_id (who did it), at, deal_id (null when it was on no deal)."""
    done = _done(store).union(_moved(moves, facts))
    return done.filter(done.at < as_of).select(
        "kind", "manager_id", "at", deal_id=ibis.ifelse(done.owner_type == "deal", done.owner_id, None)
    )


def last_traces(store: Store, acts: Table, as_of: TimestampScalar) -> Table:
    """Per deal, the last sign of life before `as_of`: deal_id, last_action_at, last_action_kind.

    An action, a stage move, a comment, an incoming message or call. The deal's own creation is not in it.
    """
    came = _activities(store)
    came = came.filter(came.is_incoming & (came.owner_type == "deal") & (came.at < as_of))
    came = came.select(kind="kind", at="at", deal_id="owner_id")
    signs = acts.filter(acts.deal_id.notnull())[["kind", "at", "deal_id"]].union(came)
    return signs.group_by("deal_id").aggregate(
        last_action_at=signs.at.max(), last_action_kind=signs.kind.last(order_by=[signs.at, signs.kind])
    )


def next_steps(store: Store, as_of: TimestampScalar) -> Table:
    """Per deal with a next step at `as_of`: deal_id, next_step_at (the earliest deadline; null when none has one)."""
    planned = _activities(store)
    planned = planned.filter(planned.owner_type == "deal")
    # A file may not say when a plan was made: an open one is taken as made, a finished one as never planned.
    existed = ibis.ifelse(planned.is_done, planned.created_at < as_of, (planned.created_at < as_of).fill_null(True))
    was_open = ~planned.is_done | (planned.at >= as_of)
    waiting = planned.filter(existed & was_open & planned.is_plan)
    return waiting.group_by(deal_id=waiting.owner_id).aggregate(next_step_at=waiting.deadline_at.min())
