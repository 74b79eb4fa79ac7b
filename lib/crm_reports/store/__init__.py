"""Opens the store and does the heavy work in its engine: as-of facts, visits, actions. Nothing here is pandas."""

from .memo import Memo
from .open import Store
from .parts import FILLED, PARTS
from .snapshot import Snapshot

__all__ = ["FILLED", "PARTS", "Memo", "Snapshot", "Store"]
