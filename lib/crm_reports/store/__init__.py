"""Opens the store and does the heavy work in its engine: as-of facts, visits, actions. Nothing here is pandas.

Locks and disks are asked for by what opens no store and starts quickly, so a name is looked up when it is first used.
"""

from importlib import import_module

_FROM = {"FILLED": "parts", "PARTS": "parts", "Memo": "memo", "Snapshot": "snapshot", "Store": "open"}

__all__ = list(_FROM)


def __getattr__(name: str) -> object:
    if name not in _FROM:
        raise AttributeError(f"crm_reports.store has no {name!r}")
    return getattr(import_module(f".{_FROM[name]}", __name__), name)
