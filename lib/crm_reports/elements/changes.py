"""What changed in the pipeline between two instants, in money: from the opening stock to the closing one.

Both stocks are rebuilt as of their own instant. A deal is followed by its id, so the parts add up to the difference.
"""

from collections.abc import Mapping
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
LEAVING = ("won", "lost", "moved_out", "planned_out")
ON_STAGES = {"moved_in": N_("Came to the stage"), "moved_out": N_("Left the stage")}  # who ends leaves it, too
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
def movement(table: pd.DataFrame, since: str = "week") -> str:
    """How the pipeline moved: from the opening stock to the closing one, and the largest parts of it."""
    rows = table[table["since"] == since].set_index("part")
    if rows.empty:
        return ""
    opening, closing = rows["money"]["opening"], rows["money"]["closing"]
    if not rows["deals"].any():
        return _("Nothing was in work, and nothing is")
    words = {name: part_text(rows.loc[name]) for name in rows.index}
    words |= {"since": rows["since_name"].iloc[0], "by": units.money(abs(closing - opening))}
    if "won" not in rows.index:
        return _moved_on(closing - opening, words)
    if closing == opening:
        return _("The pipeline holds {closing}, as much as {since}: {new} new, {won} won, {lost} lost", **words)
    if closing > opening:
        return _("The pipeline grew by {by} to {closing} {since}: {new} new, {won} won, {lost} lost", **words)
    return _("The pipeline shrank by {by} to {closing} {since}: {new} new, {won} won, {lost} lost", **words)


def _moved_on(more: float, words: Mapping[str, str]) -> str:
    """The same of deals that stand on one stage."""
    if more == 0:
        return _("{closing} stands there, as much as {since}: {new} new, {moved_in} came, {moved_out} left", **words)
    if more > 0:
        return _("{closing} stands there, {by} more {since}: {new} new, {moved_in} came, {moved_out} left", **words)
    return _("{closing} stands there, {by} less {since}: {new} new, {moved_in} came, {moved_out} left", **words)


def part_text(row: pd.Series) -> str:
    """A part's money; of deals that nobody has priced, how many they are."""
    if row["deals"] and not row["money"]:
        return many("{n} deal", "{n} deals", abs(int(row["deals"])))
    return units.money(abs(row["money"]))


def _between(ds: Dataset, since: str) -> pd.DataFrame:
    instant = compared_at(ds.filters)[since]
    return dated(ds, since, waterfall(movements(as_of(ds, instant), ds)))


def dated(ds: Dataset, since: str, parts: pd.DataFrame) -> pd.DataFrame:
    """The parts of a waterfall as rows of its element: since which instant they are."""
    parts, instant = _on_stages(parts) if ds.filters.stage else parts, compared_at(ds.filters)[since]
    day = instant.astimezone(ds.filters.zone).date()
    return parts.assign(since=since, since_name=_(SINCE[since]), since_on=day)[COLUMNS]


def _on_stages(parts: pd.DataFrame) -> pd.DataFrame:
    """The parts as they are of deals that stand on some stages: nothing is won or lost there."""
    words = {part: _(word) for part, word in ON_STAGES.items()}
    names = parts["part"].map(words).fillna(parts["part_name"])
    return parts.assign(part_name=names)[~parts["part"].isin(("won", "lost"))]


def compared_at(filters: Filters) -> dict[str, datetime]:
    """The midnights that now is compared with."""
    today = pd.Timestamp(filters.today)
    return {since: first_instant((today - back).date(), filters.zone) for since, back in _BACK.items()}


COLUMNS = ["since", "since_name", "since_on", "part", "part_name", "deals", "money"]


def as_of(ds: Dataset, instant: datetime) -> Dataset:
    """The same report as of another instant."""
    return replace(ds, filters=replace(ds.filters, as_of=instant))


def waterfall(movements: Columns) -> pd.DataFrame:
    """Opening stock, what came and went, closing stock: part, part_name, deals, money.

    `movements` is what `comparisons.movements` gives. A deal that came and left in between is in both parts; one without a price counts and
    adds no money.
    """
    return summed(movements, parts_of(movements), PARTS)


def summed(movements: Columns, parts: Mapping[str, np.ndarray], names: Mapping[str, str]) -> pd.DataFrame:
    """Deals and money of the parts, in the order of their names; what left is negative."""
    money_then, money_now = movements["money_then"], movements["money_now"]
    sums = {"opening": (parts["opening"].sum(), money_then[parts["opening"]].sum())}
    # Whoever was there then leaves, or stays, with today's amount: the difference is a part of its own.
    is_repriced = parts["opening"] & (money_then != money_now)
    sums["amount"] = (is_repriced.sum(), (money_now - money_then)[is_repriced].sum())
    for part in parts.keys() - sums:
        sign = -1 if part in LEAVING else 1
        sums[part] = (sign * parts[part].sum(), sign * money_now[parts[part]].sum())
    rows = [(part, _(name), int(sums[part][0]), float(sums[part][1]) + 0.0) for part, name in names.items()]
    return pd.DataFrame(rows, columns=["part", "part_name", "deals", "money"])


def parts_of(movements: Columns) -> dict[str, np.ndarray]:
    """Which deals are in which parts of the waterfall."""
    outcome_then, outcome_now = movements["outcome_then"], movements["outcome_now"]
    in_then, in_now = movements["is_inside_then"], movements["is_inside_now"]
    in_opening, in_closing = in_then & (outcome_then == "open"), in_now & (outcome_now == "open")
    was_closed = (outcome_then == "won") | (outcome_then == "lost")
    still_closed = was_closed & (outcome_then == outcome_now)
    # A deal that stayed closed, and closed the same way, has not moved.
    has_moved = in_now & ~in_opening & ~still_closed
    is_new = in_now & (outcome_then == "")
    is_reopened = has_moved & was_closed & in_then
    has_come = has_moved & ~is_new & ~is_reopened
    was_inside = in_opening | is_new | is_reopened | has_come
    return {
        "opening": in_opening, "new": is_new, "moved_in": has_come, "reopened": is_reopened,
        "won": was_inside & in_now & (outcome_now == "won"), "lost": was_inside & in_now & (outcome_now == "lost"),
        "moved_out": in_opening & ~in_now, "closing": in_closing,
    }  # fmt: skip


@changes.note
def known_since(ds: Dataset) -> str:
    """What the changes can't know, as a sentence; "" when history reaches back far enough."""
    start = pd.Timestamp(compared_at(ds.filters)["month"])
    stages, amounts = ds.coverage.stages_known_since, ds.coverage.amounts_known_since
    sentences = []
    if stages is not None and stages > start:
        day = units.write(stages, "instant", form="cell")
        sentences.append(_("Stage history starts on {day}: before it a deal's stage is not known.", day=day))
    if amounts > start:
        day = units.write(amounts, "instant", form="cell")
        words = N_("Amounts and owners of the past are known since the first sync, {day}: before it, today's stand in.")
        sentences.append(_(words, day=day))
    return " ".join(sentences)
