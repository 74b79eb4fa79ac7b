"""What changed in the pipeline between two instants, in money: from the opening stock to the closing one.

Both stocks are rebuilt as of their own instant. A deal is followed by its id, so the parts add up to the difference.
"""

from dataclasses import replace
from datetime import datetime

import numpy as np
import pandas as pd

from .. import charts
from ..filters import Filters, first_instant
from ..measures.comparisons import movements
from ..measures.dataset import Dataset
from ..store.columns import Columns
from ..words import units
from ..words.texts import N_, _, many
from .element import element

SINCE = {"day": N_("since yesterday"), "week": N_("since a week ago"), "month": N_("since a month ago")}
PARTS = {
    "opening": N_("In work then"), "new": N_("New"), "moved_in": N_("Handed over to these filters"),
    "reopened": N_("Reopened"), "amount": N_("Amounts changed"), "won": N_("Won"), "lost": N_("Lost"),
    "moved_out": N_("Handed over to others"), "closing": N_("In work now"),
}  # fmt: skip
_BACK = {"day": pd.DateOffset(days=1), "week": pd.DateOffset(weeks=1), "month": pd.DateOffset(months=1)}


@element(
    title=N_("What changed in the pipeline"),
    measured=N_(
        "Money of the deals in work: what came, what left, what was repriced. It adds up to the cent. The picture "
        "begins near the stock, so lengths compare the changes only."
    ),
    chart=charts.waterfall,
    needs=["in_work_money", "closing", "created_at"],
)
def changes(ds: Dataset) -> pd.DataFrame:
    """The waterfall since yesterday, a week and a month ago: since, since_on, part, part_name, deals, money (base currency).

    Rows come in the order of PARTS; what left is negative. opening + all parts = closing in money, and
    in deals without those whose amount changed, which are counted and stay.
    """
    return pd.concat([_between(ds, since) for since in SINCE], ignore_index=True)


@changes.finding
def changed(table: pd.DataFrame, since: str = "week") -> str:
    """How the pipeline moved: from the opening stock to the closing one, and the largest parts of it."""
    rows = table[table["since"] == since].set_index("part")
    if rows.empty:
        return ""
    opening, closing = rows["money"]["opening"], rows["money"]["closing"]
    if not rows["deals"].any():
        return _("Nothing was in work, and nothing is")
    said = {name: _part_said(rows.loc[name]) for name in ("new", "won", "lost", "closing")}
    said |= {"since": rows["since_name"].iloc[0], "by": units.write(abs(closing - opening), "money", form="tile")}
    if closing == opening:
        return _("The pipeline holds {closing}, as much as {since}: {new} new, {won} won, {lost} lost", **said)
    if closing > opening:
        return _("The pipeline grew by {by} to {closing} {since}: {new} new, {won} won, {lost} lost", **said)
    return _("The pipeline shrank by {by} to {closing} {since}: {new} new, {won} won, {lost} lost", **said)


def _part_said(row: pd.Series) -> str:
    """A part's money; of deals that nobody has priced, how many they are."""
    if row["deals"] and not row["money"]:
        return many("{n} deal", "{n} deals", abs(int(row["deals"])))
    return units.write(abs(row["money"]), "money", form="tile")


def _between(ds: Dataset, since: str) -> pd.DataFrame:
    instant = compared_at(ds.filters)[since]
    parts = waterfall(movements(at(ds, instant), ds))
    day = instant.astimezone(ds.filters.zone).date()
    return parts.assign(since=since, since_name=_(SINCE[since]), since_on=day)[COLUMNS]


def compared_at(filters: Filters) -> dict[str, datetime]:
    """The midnights that now is compared with."""
    today = pd.Timestamp(filters.as_of).tz_convert(filters.zone.key).tz_localize(None)
    return {since: first_instant((today - back).date(), filters.zone) for since, back in _BACK.items()}


COLUMNS = ["since", "since_name", "since_on", "part", "part_name", "deals", "money"]


def at(ds: Dataset, instant: datetime) -> Dataset:
    """The same report as of another instant."""
    return replace(ds, filters=replace(ds.filters, as_of=instant))


def waterfall(moved: Columns) -> pd.DataFrame:
    """Opening stock, what came and went, closing stock: part, part_name, deals, money.

    `moved` is `moved_between`. A deal that came and left in between is in both parts; one without a price counts and
    adds no money.
    """
    parts = _parts(moved)
    then, now = moved["money_then"], moved["money_now"]
    rows = {"opening": (parts["opening"].sum(), then[parts["opening"]].sum())}
    # Whoever was there then leaves, or stays, with today's amount: the difference is a part of its own.
    repriced = parts["opening"] & (then != now)
    rows["amount"] = (repriced.sum(), (now - then)[repriced].sum())
    rows |= {part: (parts[part].sum(), now[parts[part]].sum()) for part in ("new", "moved_in", "reopened", "closing")}
    rows |= {part: (-parts[part].sum(), -now[parts[part]].sum()) for part in ("won", "lost", "moved_out")}
    said = [(part, _(PARTS[part]), int(rows[part][0]), float(rows[part][1]) + 0.0) for part in PARTS]
    return pd.DataFrame(said, columns=["part", "part_name", "deals", "money"])


def _parts(moved: Columns) -> dict[str, np.ndarray]:
    """Which deals are in which parts of the waterfall."""
    was, became = moved["outcome_then"], moved["outcome_now"]
    in_then, in_now = moved["is_inside_then"], moved["is_inside_now"]
    opening, closing = in_then & (was == "open"), in_now & (became == "open")
    was_closed = (was == "won") | (was == "lost")
    still_closed = was_closed & (was == became)
    # A deal that stayed closed, and closed the same way, has not moved.
    turned = in_now & ~opening & ~still_closed
    new = in_now & (was == "")
    reopened = turned & was_closed & in_then
    moved_in = turned & ~new & ~reopened
    came = opening | new | reopened | moved_in
    return {
        "opening": opening, "new": new, "moved_in": moved_in, "reopened": reopened,
        "won": came & in_now & (became == "won"), "lost": came & in_now & (became == "lost"),
        "moved_out": opening & ~in_now, "closing": closing,
    }  # fmt: skip


@changes.note
def known_since(ds: Dataset) -> str:
    """What the changes can't know, as a sentence; "" when history reaches back far enough."""
    first = pd.Timestamp(ds.filters.as_of).tz_convert(ds.filters.zone.key).tz_localize(None) - _BACK["month"]
    start = pd.Timestamp(first_instant(first.date(), ds.filters.zone))
    said = []
    if ds.coverage.stages_known_since is not None and ds.coverage.stages_known_since > start:
        said.append(("stages", ds.coverage.stages_known_since))
    if ds.coverage.amounts_known_since > start:
        said.append(("amounts", ds.coverage.amounts_known_since))
    return " ".join(_unknown(what, since) for what, since in said)


def _unknown(what: str, since: pd.Timestamp) -> str:
    day = units.write(since, "instant", form="cell")
    if what == "stages":
        return _("Stage history starts on {day}: before it a deal's stage is not known.", day=day)
    return _(
        "Amounts and owners of the past are known since the first sync, {day}: before it, today's stand in.", day=day
    )
