"""The elements of the reports: one function each, which makes its table, and beside it all there is to say of it.

`crm.show(crm.elements.loss_reasons(ds))` shows one; `.table` and `.figure` of it can be had, and changed, before.
"""

from . import (  # noqa: F401
    activity,
    changes,
    deals,
    forecast,
    forgotten,
    funnel,
    losses,
    needs,
    pushed,
    sales,
    stages,
    tiles,
    velocity,
)
from .activity import kind_metrics
from .deals import kinds, lead_metrics
from .element import ELEMENTS, Element, Entry, element, entry_of
from .forgotten import forgotten_by

globals().update(ELEMENTS)  # an element goes before the module of its name

__all__ = [
    "ELEMENTS", "Element", "Entry", "element", "entry_of", "forgotten_by", "kind_metrics", "kinds", "lead_metrics", *ELEMENTS,
]  # fmt: skip
