"""The elements of the reports: one function each, which makes its table, and beside it all there is to say of it.

`crm.show(crm.elements.loss_reasons(ds))` shows one; `.table` and `.figure` of it can be had, and changed, before.
"""

from ..errors import near
from ..metrics.registry import TROUBLES
from ..words.texts import _
from . import (  # noqa: F401
    activity,
    changes,
    cohorts,
    deals,
    first_answer,
    forecast,
    forgotten,
    funnel,
    losses,
    needs,
    plans,
    products,
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


def __getattr__(name: str) -> Entry:
    """An element of the workspace's own; of what is none, the near ones are told."""
    if name in ELEMENTS:
        return ELEMENTS[name]
    if name.startswith("_"):
        raise AttributeError(name)
    close = ", ".join(near(name, ELEMENTS) or sorted(ELEMENTS))
    raise AttributeError("; ".join([_("no element called {name!r}; near: {close}", name=name, close=close), *TROUBLES]))


globals().update(ELEMENTS)  # an element goes before the module of its name

__all__ = [
    "ELEMENTS", "Element", "Entry", "element", "entry_of", "forgotten_by", "kind_metrics", "kinds", "lead_metrics", *ELEMENTS,
]  # fmt: skip
