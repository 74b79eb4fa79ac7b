"""A company whose February and March fit on a slip of paper, for the tests of alerts, as of the night of 1 April.

February: Anna won 1 000 ₽ from the website, Boris 500 ₽ by a call, Carl, who has left since, 50 ₽ from the website.
March: Anna 400 ₽ from the website, Boris 600 ₽ by a call and 100 ₽ from the website. Dora holds a deal in work since January.
"""

from pathlib import Path

from crm_reports.settings import Settings
from stores import at, deal, make_store, moves, nights

BOSS = "boss@acme.example"
PEOPLE = [
    {"manager_id": "1", "name": "Anna", "is_active": True, "email": "anna@acme.example"},
    {"manager_id": "2", "name": "<b>Boris</b>", "is_active": True, "email": "boris@acme.example"},
    {"manager_id": "3", "name": "Carl", "is_active": False, "email": "carl@acme.example"},
    {"manager_id": "4", "name": "Dora", "is_active": True},
]
WON = [("02", "1", "WEB", 1000), ("02", "2", "CALL", 500), ("02", "3", "WEB", 50),
       ("03", "1", "WEB", 400), ("03", "2", "CALL", 600), ("03", "2", "WEB", 100)]  # fmt: skip
WORK = deal(9, "2025-01-10", manager_id="4")
HISTORY = [
    step
    for id, (month, *_rest) in enumerate(WON, 1)
    for step in moves(id, (f"2025-{month}-02", "NEW"), (f"2025-{month}-03", "WON"))
]
TABLES = "deals,stage_history,managers,manager_departments,departments,pipelines,stages,sources,companies,currencies"


def company(folder: Path, *, anna: float = 400.0, night: str = "2025-04-01", boris: str = "<b>Boris</b>") -> Settings:
    """The settings of its store, after the sync of that night; `anna` is what she won in March."""
    deals = [
        deal(id, f"2025-{month}-02", stage_id="WON", outcome="won", manager_id=manager, source_id=source, amount=float(money),
             closed_at=at(f"2025-{month}-03"))
        for id, (month, manager, source, money) in enumerate(WON, 1)
    ]  # fmt: skip
    deals[3]["amount"] = anna
    people = [person | ({"name": boris} if person["manager_id"] == "2" else {}) for person in PEOPLE]
    syncs = [sync | {"present": TABLES} for sync in nights(night)]
    return make_store(
        folder, deals=[*deals, WORK], stage_history=[dict(step) for step in HISTORY], managers=people, syncs=syncs
    )


def with_alerts(settings: Settings, *alerts: object, **changes: object) -> Settings:
    """The same with these alerts, and whatever else is another."""
    return settings.model_copy(update={"alerts": tuple(alerts), **changes})
