"""The definitions of every number, and nothing else. Each takes a frame (or a grouped one) and says one number of it.

The same code serves a whole frame and a frame grouped by anything, because both answer `frame["column"].sum()`. Sums
and counts over nothing are 0; means, medians and rates over nothing are missing.
"""

from . import activity, answers, deals, forecast, forgotten, leads, plans, products, pushed, stages, velocity
from .registry import METRICS

__all__ = [
    "METRICS",
    "activity",
    "answers",
    "deals",
    "forecast",
    "forgotten",
    "leads",
    "plans",
    "products",
    "pushed",
    "stages",
    "velocity",
]
