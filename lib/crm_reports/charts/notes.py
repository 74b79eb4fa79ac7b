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
    manager_id: str


def mark(figure: go.Figure, notes: Sequence[Note]) -> list[Note]:
    """Mark the days of the notes on a chart over time, numbered in their order; those that its days hold, which are listed under it.

    A chart is one over time where a trace has the first day of each of its points as `ids`; of several, drawn one at a
    time (its `meta` says which), each gets marks of its own. Of charts by manager a manager's own has what is noted of him.
    """
    lines = [line for line in figure._data if line.get("ids")]
    whose = figure._layout.get("meta") or {}
    of_each = [[note for note in notes if _is_of(note, line, whose)] for line in lines]
    shown = [note for note in notes if any(note in of for of in of_each)]
    if whose.keys() & {"panes", "people"}:  # where a page makes a button of each trace, or lays out axes anew
        _rule(figure, lines, of_each, shown)
    elif shown:
        _point(figure, lines, shown)
    return shown


def _is_of(note: Note, line: Mapping[str, object], whose: Mapping[str, object]) -> bool:
    """Whether the note's day is among the line's, and the line not that of another manager than the note's."""
    is_others = "panes" in whose and whose.get("cuts") == "manager" and note.manager_id not in ("", line.get("meta"))
    return not is_others and _place(line["ids"], note.day) is not None


def _point(figure: go.Figure, lines: Sequence[Mapping[str, object]], shown: Sequence[Note]) -> None:
    """A mark at the top over each point that a note is about."""
    marks = [_marks(line, shown) for line in lines]
    first = len(figure._data)
    figure.add_traces(marks)
    figure.update_layout(yaxis2={"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True})
    _switch(figure, [line.get("meta") for line in lines], first)


def _rule(
    figure: go.Figure, lines: Sequence[Mapping[str, object]], of_each: Sequence[Sequence[Note]], shown: Sequence[Note]
) -> None:
    """A thin line through each point that a note is about, with the numbers of its notes."""
    rules, words = [], []
    for line, notes in zip(lines, of_each, strict=True):
        at = {"xref": line.get("xaxis", "x"), "yref": f"{line.get('yaxis', 'y')} domain"}
        for place, numbers in _numbered(line, notes, shown).items():
            x, look = line["x"][place], {"color": colour("dim"), "width": 1, "dash": "dot"}
            rules.append({"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "line": look, **at})
            text = {"text": _joined(numbers), "font": {"size": 10, "color": colour("dim")}, "showarrow": False}
            words.append(text | at | {"x": x, "y": 1, "xanchor": "left", "yanchor": "top"})
    figure.update_layout(
        shapes=[*figure._layout.get("shapes", ()), *rules],
        annotations=[*figure._layout.get("annotations", ()), *words],
        overwrite=True,  # or plotly compares each of those that stay, a tenth of a second for fifty
    )


def _numbered(line: Mapping[str, object], notes: Sequence[Note], shown: Sequence[Note]) -> dict[int, list[int]]:
    """Per point of the line the numbers of the notes that are about it."""
    numbers: dict[int, list[int]] = defaultdict(list)
    for number, note in enumerate(shown, 1):
        if note in notes and (place := _place(line["ids"], note.day)) is not None:
            numbers[place].append(number)
    return numbers


def _joined(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _place(starts: Sequence[str], day: date) -> int | None:
    """Which point's days hold the day; None: it is before the first or after the last, which is as long as the one before."""
    days = [date.fromisoformat(start) for start in starts]
    longest = max(((later - earlier) for earlier, later in pairwise(days)), default=None)
    places = [place for place, start in enumerate(days) if start <= day]
    is_past = not places or (places[-1] == len(days) - 1 and longest is not None and day >= days[-1] + longest)
    return None if is_past else places[-1]


def _marks(line: Mapping[str, object], notes: Sequence[Note]) -> Trace:
    """A mark at the top over each point that a note is about, with the numbers of its notes."""
    numbers = _numbered(line, notes, notes)
    return trace(
        "scatter", x=[line["x"][place] for place in numbers], y=[1] * len(numbers), yaxis="y2", mode="markers+text",
        text=[_joined(of) for of in numbers.values()], textposition="middle right",
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
