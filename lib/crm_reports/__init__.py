"""Sales reports from a CRM. In a notebook: `import crm_reports as crm`.

    ds = crm.load(period="last_month")                                  # what the report is about
    by_manager = crm.measure(ds, ["won", "win_rate"], by="manager")     # a table: one row per manager, one column per metric
    crm.show(crm.bars(by_manager, x="manager", y="win_rate"), "mine")   # an ordinary Plotly figure, shown as an element

The commands import this package too and need little of it, so a name is looked up when it is first used.
"""

from importlib import import_module

_FROM = {
    "bars": "charts", "dynamics": "charts", "funnel": "charts", "lines": "charts", "scatter": "charts",
    "small_multiples": "charts", "Dataset": "measures.dataset", "load": "measures.load", "measure": "measures.measure", "missing": "measures.measure",
    "tiles": "measures.tiles", "twelve_months": "measures.over_time", "over_time": "measures.over_time", "glossary": "look.page",
    "header": "look.page", "show": "look.page", "verdict": "look.page", "element": "elements", "METRICS": "metrics", "Ratio": "metrics.rows",
    "metric": "metrics.registry", "panel": "runs.panel", "matrix": "look.matrix", "charts": "", "elements": "", "metrics": "",
}  # fmt: skip

__all__ = list(_FROM)


def __getattr__(name: str) -> object:
    if name not in _FROM:
        raise AttributeError(f"crm_reports has no {name!r}; there are: {', '.join(sorted(_FROM))}")
    home = import_module(f".{_FROM[name] or name}", __name__)
    found = getattr(home, name) if _FROM[name] else home
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted([*globals(), *_FROM])
