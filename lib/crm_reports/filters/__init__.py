"""What a person typed → frozen `Filters`, and back to words, slug, parameters.

A period is whole days of the CRM's time zone, its end exclusive. An empty filter means everything.
"""

from .choices import DIMENSIONS, Choice, Choices, Cut, Selection
from .filters import Comparison, Filters
from .instants import first_instant, parse_as_of
from .periods import Period, parse_period, year_before
from .slugs import readable, safe

__all__ = [
    "DIMENSIONS",
    "Choice",
    "Choices",
    "Comparison",
    "Cut",
    "Filters",
    "Period",
    "Selection",
    "first_instant",
    "parse_as_of",
    "parse_period",
    "readable",
    "safe",
    "year_before",
]
