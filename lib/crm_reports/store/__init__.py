"""Opens the store and does the heavy work in its engine: as-of facts, visits, actions. Nothing here is pandas."""

from .ids import FILLED
from .open import Store
from .snapshot import PARTS, Snapshot

__all__ = ["FILLED", "PARTS", "Snapshot", "Store"]
