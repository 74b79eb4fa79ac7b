"""Sales reports from a CRM. In a notebook: `import crm_reports as crm`.

    ds = crm.load(period="last_month")                                  # what the report is about
    by_manager = crm.measure(ds, ["won", "win_rate"], by="manager")     # a table: one row per manager, one column per metric
    crm.show(crm.bars(by_manager, x="manager", y="win_rate"), "mine")   # an ordinary Plotly figure, shown as an element
"""

from . import elements, findings, metrics
from .charts import bars, dynamics, funnel, lines, scatter, small_multiples
from .dataset import Dataset, load
from .measure import dynamics as over_time
from .measure import measure, missing, one, tiles, twelve_months
from .page import glossary, header, show, verdict
from .page import tiles as show_tiles
from .registry import METRICS, Ratio, metric
from .tables import matrix

__all__ = [
    "METRICS",
    "Dataset",
    "Ratio",
    "bars",
    "dynamics",
    "elements",
    "findings",
    "funnel",
    "glossary",
    "header",
    "lines",
    "load",
    "matrix",
    "measure",
    "metric",
    "metrics",
    "missing",
    "one",
    "over_time",
    "scatter",
    "show",
    "show_tiles",
    "small_multiples",
    "tiles",
    "twelve_months",
    "verdict",
]
