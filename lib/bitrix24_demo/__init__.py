"""An invented company and the Bitrix24 portal that serves it: a model of the world outside.

It shares no code with the client that reads portals, so that both can't be wrong in the same way.
"""

from .company import Company, Currency, Stage
from .invention import invent
from .limits import AT_ONCE, ENTERPRISE, OTHER_PLANS, REAL, UNLIMITED, Latency, Rate
from .plan import plan
from .portal import SCOPES, Asked, Fault
from .quirks import Quirks
from .server import Apart, Served, run_forever, serve, serve_apart
from .wire import Refusal

__all__ = [
    "AT_ONCE",
    "ENTERPRISE",
    "OTHER_PLANS",
    "REAL",
    "SCOPES",
    "UNLIMITED",
    "Apart",
    "Asked",
    "Company",
    "Currency",
    "Fault",
    "Latency",
    "Quirks",
    "Rate",
    "Refusal",
    "Served",
    "Stage",
    "invent",
    "plan",
    "run_forever",
    "serve",
    "serve_apart",
]
