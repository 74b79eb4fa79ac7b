"""What the files leave untold, in sentences for the top of every page."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from ...words.texts import N_, _
from .tables import is_undated

UNTOLD = {
    "created_at": N_("The files do not say when deals were created: nothing can be counted by the day of creation."),
    "closed_at": N_(
        "The files do not say when deals were closed: won and lost are known only where stage history tells."
    ),
    "amount": N_("The files hold no amounts: there is no money in this report."),
    "manager": N_("The files do not say whose the deals are: nothing can be told per manager."),
}
CODES = {"manager": "no_manager_id"}


def holes(files: Mapping[str, pd.DataFrame]) -> Iterator[dict[str, Any]]:
    """Table, code, sentence for each column that says nothing of any deal, and for activities without a day; none of rows."""
    deals = files["deals"]
    looked_at = dict.fromkeys(UNTOLD, deals) | {"closed_at": deals[deals["outcome"] != "open"]}
    for column, rows in looked_at.items():
        if len(rows) and rows[column].isna().all():
            yield {
                "table": "deals",
                "code": CODES.get(column, f"no_{column}"),
                "text": _(UNTOLD[column]),
                "is_general": True,
            }
    if "activities" in files and is_undated(files["activities"]):
        text = _("The files do not say when activities were done: none of them is in this report.")
        yield {"table": "activities", "code": "no_at", "text": text, "is_general": True}
