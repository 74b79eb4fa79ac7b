"""A shop of two pipelines, Sales and Retail, whose deals' ways through the stages can be counted on fingers."""

from stores import STAGES, at, deal, moves

PIPELINES = [
    {"pipeline_id": "0", "name": "Sales", "position": 2},
    {"pipeline_id": "7", "name": "Retail", "position": 1},
]
RETAIL = [
    {"stage_id": "R1", "pipeline_id": "7", "name": "Visit", "position": 10, "outcome": "open"},
    {"stage_id": "R2", "pipeline_id": "7", "name": "Offer", "position": 20, "outcome": "open"},
    {"stage_id": "RW", "pipeline_id": "7", "name": "Sold", "position": 30, "outcome": "won"},
    {"stage_id": "RL", "pipeline_id": "7", "name": "Too expensive", "position": 40, "outcome": "lost"},
]
RETAIL_OUTCOMES = {"RW": "won", "RL": "lost"}


def walk(id, *steps):
    """History in the retail pipeline."""
    return [
        {
            "deal_id": id,
            "stage_id": stage,
            "pipeline_id": "7",
            "outcome": RETAIL_OUTCOMES.get(stage, "open"),
            "at": at(day),
        }
        for day, stage in steps
    ]


# Sales, 25 deals of 1 March: 20 of them came to the request on the 2nd, 5 of those to the invoice on the 3rd; of the
# other 15 ten were lost on the 4th (six too expensive, four went to others). Anna has the first twelve.
# Retail: r1 sold without an offer, r2 has an offer, r3 came over from Sales on the 5th, r4 stands on a deleted stage.
def _sales(number):
    path = [("2025-03-01", "NEW")]
    path += [("2025-03-02", "REQ")] if number <= 20 else []
    path += [("2025-03-03", "INV")] if number <= 5 else []
    path += [("2025-03-04", "DEAR" if number <= 11 else "GONE")] if 6 <= number <= 15 else []
    stage = path[-1][1]
    outcome = "lost" if stage in ("DEAR", "GONE") else "open"
    manager = "1" if number <= 12 else "2"
    return deal(f"s{number}", "2025-03-01", stage_id=stage, outcome=outcome, manager_id=manager), moves(
        f"s{number}", *path
    )


SALES = [_sales(number) for number in range(1, 26)]
SHOP_DEALS = [
    *[made for made, _path in SALES],
    deal("r1", "2025-03-01", pipeline_id="7", stage_id="RW", outcome="won"),
    deal("r2", "2025-03-01", pipeline_id="7", stage_id="R2"),
    deal("r3", "2025-03-01", pipeline_id="7", stage_id="R1", manager_id="2"),
    deal("r4", "2025-03-01", pipeline_id="7", stage_id="OLD"),
]
SHOP_HISTORY = [
    *[step for _made, path in SALES for step in path],
    *walk("r1", ("2025-03-01", "R1"), ("2025-03-09", "RW")),
    *walk("r2", ("2025-03-01", "R1"), ("2025-03-02", "R2")),
    *moves("r3", ("2025-03-01", "NEW"), ("2025-03-02", "REQ")),
    *walk("r3", ("2025-03-05", "R1")),
    *walk("r4", ("2025-03-01", "R1"), ("2025-03-03", "OLD")),
]
SHOP = {"deals": SHOP_DEALS, "stage_history": SHOP_HISTORY, "pipelines": PIPELINES, "stages": [*STAGES, *RETAIL]}


# A second pipeline with two stages that mean success.
SECOND = [
    {"stage_id": f"C7:{name}", "pipeline_id": "7", "name": name.title(), "position": place, "outcome": outcome}
    for place, (name, outcome) in enumerate(
        {"TALK": "open", "SIGN": "open", "WON": "won", "PART": "won", "LOSE": "lost"}.items()
    )
]
SERVICE = {
    "stages": [*STAGES, *SECOND],
    "pipelines": [{"pipeline_id": "0", "name": "Sales", "position": 1}, {"pipeline_id": "7", "name": "Service", "position": 2}],
    "comments": [],
}  # fmt: skip
