"""One March that fits on a sheet of paper: six deals, what was done with them, five leads."""

import json

from stores import at, deal, lead, moves, seen

# Six deals of March 2025, as of 1 April, 00:00 UTC. Anna (1) is in Moscow, Boris (2) in Kazan.
#   1  Anna   created 1 Mar 00:00, request 3 Mar, invoice 5 Mar, paid 11 Mar 00:00: 1 000 ₽, second win of company 5
#   2  Boris  created 2 Mar, lost 4 Mar (too expensive): 400 ₽
#   3  Anna   created 8 Feb 00:00, jumped to invoice 9 Feb, paid 10 Mar 00:00: 10 $ at 90 = 900 ₽, first win of company 5
#   4  Boris  created 5 Mar, request 6 Mar, in work: 300 ₽; call by Boris on 20 Mar, a to-do due 25 Mar is open
#   5  Anna   created 5 Jan, in work in the cold base: 50 XXX, no rate; nothing ever happened
#   6  Boris  created 7 Mar, paid 8 Mar: 0 ₽, no customer
# Planned dates: 4 was to close on 15 March, after the sync of 12 March on the 20th, after that of 22 March on the 28th; 5 on 10 April.
DEALS = [
    deal(1, "2025-03-01", stage_id="WON", outcome="won", amount=1000.0),
    deal(2, "2025-03-02", stage_id="DEAR", outcome="lost", amount=400.0, manager_id="2", company_id="6"),
    deal(3, "2025-02-08", stage_id="WON", outcome="won", amount=10.0, currency="USD"),
    deal(4, "2025-03-05", stage_id="REQ", amount=300.0, manager_id="2", closed_at=at("2025-03-28")),
    deal(5, "2025-01-05", amount=50.0, currency="XXX", closed_at=at("2025-04-10")),
    deal(6, "2025-03-07", stage_id="WON", outcome="won", amount=0.0, manager_id="2", company_id=None),
]
VERSIONS = [
    seen(DEALS[3], "2025-03-12 01:00", closed_at=at("2025-03-15")), seen(DEALS[3], "2025-03-22 01:00", closed_at=at("2025-03-20")),
]  # fmt: skip
HISTORY = [
    *moves(1, ("2025-03-01", "NEW"), ("2025-03-03", "REQ"), ("2025-03-05", "INV"), ("2025-03-11", "WON")),
    *moves(2, ("2025-03-02", "NEW"), ("2025-03-04", "DEAR")),
    *moves(3, ("2025-02-08", "NEW"), ("2025-02-09", "INV"), ("2025-03-10", "WON")),
    *moves(4, ("2025-03-05", "NEW"), ("2025-03-06", "REQ")),
    *moves(5, ("2025-01-05", "NEW")),
    *moves(6, ("2025-03-07", "NEW"), ("2025-03-08", "WON")),
]


def act(id: str, kind: str, manager: str, when: str, on: str = "4", **rest: object) -> dict[str, object]:
    plain = {"activity_id": id, "owner_type": "deal", "owner_id": on, "manager_id": manager, "kind": kind, "is_done": True,
             "is_action": True, "is_incoming": False, "is_plan": True, "created_at": at(when), "at": at(when)}  # fmt: skip
    return plain | rest


TODO = act(
    "9", "crm_activity", "2", "2025-03-20", is_done=False, is_action=False, at=None, deadline_at=at("2025-03-25")
)
ACTIVITIES = [
    act("1", "call", "2", "2025-03-20 10:00"),
    act("2", "meeting", "1", "2025-03-03 10:00", on="1"),
    act("3", "email", "1", "2025-03-04 10:00", on="1"),
    act("4", "crm_activity", "1", "2025-03-05 10:00", on="1"),
    TODO,
]
COMMENTS = [{"comment_id": "1", "owner_type": "deal", "owner_id": "1", "manager_id": "1", "at": at("2025-03-06")}]

# Leads: 1 of Anna's came in February and was converted on 3 March; of March's, 2 was converted, 3 was junk, 4 of Boris's
# waits since 2 March, but he called on the 28th; 5 of Anna's waits since 4 March.
LEADS = [
    lead(1, "2025-02-10", outcome="won", closed_at=at("2025-03-03")),
    lead(2, "2025-03-01", outcome="won", closed_at=at("2025-03-09")),
    lead(3, "2025-03-01", outcome="lost", closed_at=at("2025-03-05"), source_id="CALL"),
    lead(4, "2025-03-02", manager_id="2"),
    lead(5, "2025-03-04"),
]
RANG = {"activity_id": "77", "owner_type": "lead", "owner_id": "4", "manager_id": "9", "kind": "call", "is_done": True,
        "is_action": False, "is_incoming": True, "is_plan": False, "created_at": at("2025-03-28"),
        "at": at("2025-03-28")}  # fmt: skip

# The company means to win 2 850 ₽ in March.
PLAN = {"line_id": "2025-03|won_money|||", "period": "2025-03", "metric": "won_money", "manager_id": "", "department_id": "",
        "pipeline_id": "", "value": 2850.0, "currency": "RUB", "known_at": at("2030-01-01")}  # fmt: skip

# Deal 1 sold two conveyors at 400 ₽, 100 off each, and their delivery; 3 a machine of which no discount is known; 4 is in work;
# 6 sold nothing by product rows.
CONVEYOR, DELIVERY, MACHINE = (
    ("21", "Conveyor", 2, 400.0, 100.0),
    (None, "Delivery", 1, 200.0, 0.0),
    ("22", "Old name", 1, 10.0, None),
)


def basket(deal_id: str, *lines: tuple) -> dict[str, object]:
    """What a deal sells: product, name, quantity, price and discount of one unit."""
    names = ("product", "name", "quantity", "price", "discount")
    return {"deal_id": deal_id, "lines": json.dumps([dict(zip(names, line, strict=True)) for line in lines])}


PRODUCT_ROWS = [basket("1", CONVEYOR, DELIVERY), basket("3", MACHINE), basket("4", CONVEYOR), basket("6")]
PRODUCTS = [
    {"product_id": "21", "name": "Conveyor", "section_id": "11"},
    {"product_id": "22", "name": "Packing machine", "section_id": "11"},
]
SECTIONS = [{"section_id": "11", "name": "Machines"}]
