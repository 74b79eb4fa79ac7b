"""Opens the store and does the heavy work in its engine: as-of facts, visits, actions. Nothing here is pandas."""

from ibis.expr.types import BooleanValue, Table, TimestampScalar

from .facts import deal_facts, in_slice, with_repeat
from .moves import entries, open_spans, reached, steps, visits
from .open import Store, instant
from .trace import actions, last_traces, next_steps

__all__ = [
    "BooleanValue",
    "Store",
    "Table",
    "TimestampScalar",
    "actions",
    "deal_facts",
    "entries",
    "in_slice",
    "instant",
    "last_traces",
    "next_steps",
    "open_spans",
    "reached",
    "steps",
    "visits",
    "with_repeat",
]
