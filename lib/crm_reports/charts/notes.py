"""What was noted of days, as marks on a chart over time."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Protocol

import plotly.graph_objects as go

from ..words import units
from .figure import Trace, escape, trace
from .palette import colour


class Note(Protocol):
    """What is noted of a day, and of whom."""

    day: date
    text: str
    about: str


def mark(figure: go.Figure, notes: Sequence[Note]) -> list[Note]:
    """Mark the days of the notes on a chart over time, numbered in their order; those that its days hold, which are listed under it.

    A chart is one over time where a trace has the first day of each of its points as `ids`; of several, drawn one at a
    time (its `meta` says which), each gets marks of its own.
    """
    lines = [line for line in figure._data if line.get("ids")]
    shown = [note for note in notes if any(_place(line["ids"], note.day) is not None for line in lines)]
    if not shown:
        return []
    marks = [_marks(line, shown) for line in lines]
    first = len(figure._data)
    figure.add_traces(marks)
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})
    _switch(figure, [line.get("meta") for line in lines], first)
    return shown


def _place(starts: Sequence[str], day: date) -> int | None:
    """Which point's days hold the day; None: it is before the first or after the last, which is as long as the one before."""
    days = [date.fromisoformat(start) for start in starts]
    longest = max(((later - earlier) for earlier, later in pairwise(days)), default=None)
    places = [place for place, start in enumerate(days) if start <= day]
    is_past = not places or (places[-1] == len(days) - 1 and longest is not None and day >= days[-1] + longest)
    return None if is_past else places[-1]


def _marks(line: Mapping[str, object], notes: Sequence[Note]) -> Trace:
    """A mark at the top over each point that a note is about, with the numbers of its notes."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, note in enumerate(notes, 1):
        if (place := _place(line["ids"], note.day)) is not None:
            numbers[place].append(number)
    return trace(
        "scatter", x=[line["x"][place] for place in numbers], y=[1] * len(numbers), yaxis="y2", mode="markers+text",
        text=[", ".join(map(str, of)) for of in numbers.values()], textposition="middle right",
        textfont={"color": colour("dim"), "size": 11}, marker={"symbol": "triangle-down", "size": 9, "color": colour("dim")},
        hovertext=["<br>".join(in_words(notes[number - 1]) for number in of) for of in numbers.values()],
        hoverinfo="text", showlegend=False, cliponaxis=False, visible=line.get("visible", True),
    )  # fmt: skip


def in_words(note: Note) -> str:
    """A note as a tooltip says it, escaped."""
    about = f" ({escape(note.about)})" if note.about else ""
    return f"<b>{units.write(note.day, 'date')}</b>{about}<br>{escape(note.text, most=90)}"


def _switch(figure: go.Figure, names: Iterable[object], first: int) -> None:
    """Let the buttons that show one of the lines show its marks, too."""
    names = list(names)
    if len(names) < 2:
        return
    for menu in figure._layout.get("updatemenus", ()):
        buttons = [button for button in menu["buttons"] if "visible" in button["args"][0]]
        for name, button in zip(names, buttons, strict=False):
            data, _layout, traces = button["args"]
            data["visible"] = [*data["visible"], *(other == name for other in names)]
            button["args"][2] = [*traces, *range(first, first + len(names))]
