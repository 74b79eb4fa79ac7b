"""What came into the pipeline and what left it, in money, from the opening stock to the closing one."""

from collections.abc import Mapping

import pandas as pd
import plotly.graph_objects as go

from ..store.columns import records
from ..words import units
from ..words.texts import _, many
from .figure import Trace, button, chart, escape, figure_of, nothing, segments, trace
from .palette import colour

STOCKS = ("opening", "closing")


@chart
def waterfall(table: pd.DataFrame) -> go.Figure:
    """A row per part; the reader picks since when. The axis begins near the stock, so lengths compare changes only."""
    cuts = dict(list(table.groupby("since", sort=False)))
    if not cuts:
        return nothing()
    chosen = "week" if "week" in cuts else next(iter(cuts))
    views = {since: _view(cut) for since, cut in cuts.items()}
    most = max(view["rows"] for view in views.values())
    buttons = [_since(cut["since_name"].iloc[0], since, views) for since, cut in cuts.items()]
    menu = segments(buttons, active=list(cuts).index(chosen), y=1.02, label=_("Since"))
    return figure_of(
        [view["bar"] | {"visible": since == chosen} for since, view in views.items()],
        height=12 + 46 * most,
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 44, "b": 4},
        xaxis={"visible": False, "fixedrange": True, "range": views[chosen]["range"]},
        yaxis={"visible": False, "range": [most - 0.5, -0.5], "fixedrange": True},
        annotations=views[chosen]["notes"],
        barmode="overlay",
        updatemenus=[menu] if len(buttons) > 1 else [],
    )


def _since(label: str, since: str, views: Mapping[str, dict]) -> dict[str, object]:
    visibility = {"visible": [other == since for other in views]}
    layout = {"xaxis.range": views[since]["range"], "annotations": views[since]["notes"]}
    return button(escape(label), visibility, layout, len(views))


def _view(cut: pd.DataFrame) -> dict[str, object]:
    """One waterfall: its bars, where each begins, and the words beside them."""
    rows = [row for row in records(cut) if row["part"] in STOCKS or row["deals"] or row["money"]]
    base, length, level = [], [], 0.0
    for row in rows:
        is_stock = row["part"] in STOCKS
        level = float(row["money"]) if is_stock else level
        base.append(level)
        length.append(0.0 if is_stock else float(row["money"]))
        level += 0.0 if is_stock else float(row["money"])
    ends = [*base, *(place + change for place, change in zip(base, length, strict=True))]
    low, high = min(ends), max(ends)
    room = (high - low) * 0.06 or abs(high) * 0.06 or 1
    bar = _bars(rows, base, length, thin=(high - low) * 0.006 or room * 0.1)
    notes = [note for place, row in enumerate(rows) for note in _notes(place, row)]
    return {"bar": bar, "range": [low - room, high + room], "notes": notes, "rows": len(rows)}


def _bars(rows: list[dict[str, object]], base: list[float], length: list[float], *, thin: float) -> Trace:
    # A stock is a tick at its place: a bar from a zero that is not drawn would have no true length.
    lengths = [thin if row["part"] in STOCKS else change for row, change in zip(rows, length, strict=True)]
    return trace(
        "bar",
        x=lengths, y=list(range(len(rows))), base=base, width=0.36, offset=0, orientation="h", name="",
        marker={"color": [_hue(row) for row in rows], "cornerradius": 2}, customdata=[_hover(row) for row in rows],
        hovertemplate="%{customdata}<extra></extra>",
    )  # fmt: skip


def _hue(row: Mapping[str, object]) -> str:
    if row["part"] in STOCKS:
        return colour("ink")
    if row["part"] == "won":
        return colour("accent")
    return colour("good") if float(row["money"]) > 0 else colour("bad")


def _hover(row: Mapping[str, object]) -> str:
    return f"<b>{escape(row['part_name'])}</b><br>{_money(row)}<br>{_deals(row)}"


def _money(row: Mapping[str, object]) -> str:
    """The money with its sign: red and green are not the only way to tell."""
    text = units.money(row["money"])
    return text if row["part"] in STOCKS or float(row["money"]) <= 0 else f"+{text}"


def _deals(row: Mapping[str, object]) -> str:
    return many("{n} deal", "{n} deals", abs(int(row["deals"])))


def _notes(place: int, row: Mapping[str, object]) -> list[dict[str, object]]:
    base = {"showarrow": False, "y": place - 0.02, "yanchor": "bottom", "xref": "paper", "borderpad": 0}
    text = f"{escape(row['part_name'])}  <b>{_money(row)}</b>"
    name = {"text": text, "x": 0, "xanchor": "left", "font": {"color": colour("ink")}}
    return [base | name, base | {"text": _deals(row), "x": 1, "xanchor": "right"}]
