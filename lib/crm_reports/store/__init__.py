"""Opens the store and does the heavy work in its engine: as-of facts, visits, actions. Nothing here is pandas."""

from .facts import deal_facts, with_repeat
from .moves import entries, open_spans, steps, visits
from .open import Store
from .trace import actions, last_traces, next_steps

__all__ = [
    "Store",
    "actions",
    "deal_facts",
    "entries",
    "last_traces",
    "next_steps",
    "open_spans",
    "steps",
    "visits",
    "with_repeat",
]
