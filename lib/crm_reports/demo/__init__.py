"""An invented company and the Bitrix24 portal that serves it: a model of the world outside.

It shares no code with the client that reads portals, so that both can't be wrong in the same way.
"""

from .company import Company, Currency, Stage
from .invention import invent
from .limits import ENTERPRISE, OTHER_PLANS, UNLIMITED, Rate
from .methods import Quirks
from .portal import Asked, Fault
from .server import Served, run_forever, serve

__all__ = [
    "ENTERPRISE",
    "OTHER_PLANS",
    "UNLIMITED",
    "Asked",
    "Company",
    "Currency",
    "Fault",
    "Quirks",
    "Rate",
    "Served",
    "Stage",
    "invent",
    "run_forever",
    "serve",
]
