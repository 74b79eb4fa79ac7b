"""Lines of a plan made by hand, and a March to set them against."""

from stores import at, deal, moves


def line(period, value, whose="", metric="won_money", currency="RUB", known="2030-01-01", **ids):
    """A line of the plan: the company's, or with manager=, department=, pipeline= theirs."""
    names = {f"{name}_id": ids.get(name, "") for name in ("manager", "department", "pipeline")}
    id = "|".join([period, metric, *names.values()])
    return names | {
        "line_id": id, "period": period, "metric": metric, "value": value, "currency": currency, "known_at": at(known)
    }  # fmt: skip


# Won: by Anna (Moscow) 300 on 4 March and 100 on the 20th, by Boris (Kazan, below Moscow) 50 on 5 March.
DEALS = [
    deal(1, "2025-03-01", stage_id="WON", outcome="won", amount=300.0),
    deal(2, "2025-03-01", stage_id="WON", outcome="won", amount=50.0, manager_id="2"),
    deal(3, "2025-03-01", stage_id="WON", outcome="won", amount=100.0),
]
HISTORY = [
    *moves(1, ("2025-03-01", "NEW"), ("2025-03-04", "WON")), *moves(2, ("2025-03-01", "NEW"), ("2025-03-05", "WON")),
    *moves(3, ("2025-03-01", "NEW"), ("2025-03-20", "WON")),
]  # fmt: skip
ANNA, BORIS = line("2025-03", 600, manager="1"), line("2025-03", 300, manager="2")
