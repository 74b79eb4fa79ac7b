"""A table with a column per stage or reason: managers down, steps across, the team at the bottom."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from html import escape

import pandas as pd

from ..metrics.registry import column
from ..store.columns import records
from ..words import units
from ..words.texts import _
from .cells import cutting, differs, explained, manager, order, tag, text, written

_Step = tuple[object, ...]
PLACE = "*place"  # a row's own place in its frame
WHOLE = "*"  # what stands for the stage in a column over all of them


def matrix(
    frame: pd.DataFrame, *, rows: str = "manager", columns: Sequence[str] = ("stage", "to_stage"),
    value: str = "stage_conversion", details: Sequence[str] = (), caption: str = "", is_deep: bool = False,
) -> str:  # fmt: skip
    """A row per manager, a column per step: the value, beneath it k of n or the `details`, and the team at the bottom.

    A rate or a time is tinted above or below the team and grey where few; a count the stronger, the more of its column. A
    column in which nobody has anything is left out. A rate that `is_deep` is the stronger, the more, has its k of n in the
    tooltip, and is empty where it is missing.

    Stages of several pipelines are a table for each pipeline, of the people who have something there; a page's script
    shows one of them at a time.
    """
    if frame.empty:
        return tag("p", escape(_("Nothing in this period")), class_="nothing", data_rows="0")
    has = _says_something(frame, value)
    telling, heads = _steps(frame[has], columns, rows), _steps(frame, columns, rows)
    steps = {step: head for step, head in heads.items() if step in telling}
    cells = {
        (_row_key(row, rows), _step_key(row, columns)): row | {PLACE: place} for place, row in enumerate(records(frame))
    }
    active = {(_row_key(row, rows), _step_key(row, columns)) for row in records(frame[has])}
    grids = {
        pipeline: _Matrix(cells, own, rows, columns, value, tuple(details), is_deep, active if pipeline else None)
        for pipeline, own in _by_pipeline(frame, steps).items()
    }
    drawn = {(person, step) for grid in grids.values() for person in [*grid.people, None] for step in grid.steps}
    left_out = len(cells.keys() - drawn)
    boxes = [
        _box(grid, pipeline, caption, data_rows=len(frame), data_left_out=0 if place else left_out)
        for place, (pipeline, grid) in enumerate(grids.items())
    ]
    legend = tag("p", escape(next(iter(grids.values())).legend), class_="foot")
    return (tag("div", *boxes, class_="panes") if len(boxes) > 1 else boxes[0]) + legend


def _box(grid: "_Matrix", pipeline: str, caption: str, **rows: int) -> str:
    """The table in a box of its own to scroll in, under its pipeline's name where there are several."""
    words = " · ".join(filter(None, [caption, pipeline]))
    box = tag(
        "div", grid.table(words, **rows), class_="scroll", tabindex="0", role="group", aria_label=words or None
    )  # fmt: skip
    return tag("div", tag("h3", escape(pipeline)), box, class_="pane") if pipeline else box


def _by_pipeline(frame: pd.DataFrame, steps: Mapping[_Step, str]) -> dict[str, dict[_Step, str]]:
    """The columns of each pipeline by its name, those over all stages at the end of each; all under "" if of one."""
    whole = {step: head for step, head in steps.items() if WHOLE in step}
    own = {step: head for step, head in steps.items() if WHOLE not in step}
    if len({step[0] for step in own}) < 2:
        return {"": own | whole}
    names = frame.drop_duplicates("pipeline_id").set_index("pipeline_id")["pipeline"]
    whole = {step: tag("small", escape(_("All pipelines"))) + head for step, head in whole.items()}
    groups: dict[str, dict[_Step, str]] = {}
    for step, head in own.items():
        groups.setdefault(text(names[step[0]]), {})[step] = head
    return {name: group | whole for name, group in groups.items()}


def _says_something(frame: pd.DataFrame, value: str) -> pd.Series:
    """Which rows have a value to show; all of them where none has."""
    has = frame[value].notna() & ((column(value).unit in ("share", "days")) | (frame[value] != 0))
    return has if has.any() else ~has


def _row_key(row: Mapping[str, object], rows: str) -> object:
    if row.get("is_total"):
        return None
    return row.get(f"{rows}_id", row.get(rows))


def _step_key(row: Mapping[str, object], columns: Sequence[str]) -> _Step:
    names = ["pipeline_id", *(f"{name}_id" if f"{name}_id" in row else name for name in columns)]
    return tuple("" if units.is_missing(row.get(name)) else row.get(name) for name in names)


def _named(row: Mapping[str, object], name: str, rows: str) -> str:
    """What a column is of, as a name that cuts the page to it; not where the cells are of deals that have left it."""
    words = escape(text(row.get(name)))
    return words if rows == "loss_reason" or row.get(f"{name}_id") == WHOLE else cutting(row, name, words)


def _steps(frame: pd.DataFrame, columns: Sequence[str], rows: str) -> dict[_Step, str]:
    """The matrix's columns in order, each with what its header says."""
    steps: dict[_Step, str] = {}
    for row in records(frame):
        names = [_named(row, name, rows) for name in columns]
        steps.setdefault(_step_key(row, columns), " → ".join(names))
    return steps


@dataclass(frozen=True)
class _Matrix:
    cells: Mapping[tuple[object, object], Mapping[str, object]]
    steps: Mapping[_Step, str]
    rows: str
    columns: Sequence[str]
    value: str
    details: Sequence[str] = ()
    is_deep: bool = False
    active: Set[tuple[object, _Step]] | None = None  # the cells that say something, where rows without one are left out

    @cached_property
    def team(self) -> Mapping[_Step, Mapping[str, object]]:
        return {step: self.cells.get((None, step), {}) for step in self.steps}

    @cached_property
    def people(self) -> list[object]:
        """Who has a row here."""
        people = dict.fromkeys(person for person, _step in self.cells if person is not None)
        own = [step for step in self.steps if WHOLE not in step]
        active = self.active
        return [*people] if active is None else [each for each in people if any((each, step) in active for step in own)]

    def table(self, caption: str, **rows: int) -> str:
        """The whole table; `rows` is what its tag says of how much of the frame it shows."""
        body = tag("tbody", *(self.line(person) for person in self.people))
        foot = tag("tfoot", self.line(None)) if any(self.team.values()) else ""
        head = tag("caption", escape(caption)) if caption else ""
        counts = {name: count or None for name, count in rows.items()}
        return tag(
            "table", head, self.head(), body, foot, class_=f"matrix {self.kind}", data_metric=self.value, **counts
        )

    @cached_property
    def kind(self) -> str:
        """What the value is: a rate, a time, or a count; or a rate of which the more is the darker."""
        if self.is_deep:
            return "depths"
        unit = column(self.value).unit
        return {"share": "rates", "days": "times"}.get(unit, "counts")

    @property
    def legend(self) -> str:
        return {
            "rates": _(
                "Green and red: above and below the team; ▲ ▼: clearly, hardly by chance. Grey: fewer than 20, do not rank."
            ),
            "times": _("Green and red: shorter and longer than the team. Grey: fewer than 20, do not rank."),
            "counts": _("The stronger the colour, the more of the column."),
            "depths": _("The stronger the colour, the more. Grey: fewer than 20, do not rank."),
        }[self.kind]

    @cached_property
    def narrowest(self) -> object:
        """The step where the fewest of the team go on."""
        name = self.value
        steps = [step for step, row in self.team.items() if row and not units.is_few(row.get(f"{name}_n"))]
        steps = [step for step in steps if not units.is_missing(self.team[step].get(name))]
        is_rate = self.kind == "rates" and len(steps) > 1
        return min(steps, key=lambda step: float(self.team[step][name]), default=None) if is_rate else None

    @cached_property
    def most(self) -> dict[object, float]:
        """The largest value of each column, the team's apart."""
        largest: dict[object, float] = {}
        for (person, step), row in self.cells.items():
            if person is not None and not units.is_missing(row.get(self.value)):
                largest[step] = max(largest.get(step, 0), float(row[self.value]))
        return largest

    def head(self) -> str:
        tip = explained(column(self.value))
        mark = tag("em", f"▼ {escape(_('narrowest'))}")
        heads = [
            tag("th", words, mark if step == self.narrowest else "", scope="col", title=tip)
            for step, words in self.steps.items()
        ]
        return tag("thead", tag("tr", tag("th", escape(column(self.rows).title), scope="col"), *heads))

    def line(self, person: object) -> str:
        row = next((row for (key, _step), row in self.cells.items() if key == person), {})
        name = manager(row) if self.rows == "manager" else cutting(row, self.rows, escape(text(row.get(self.rows))))
        total = _("Team") if self.rows == "manager" else _("Total")
        head = tag("th", name if person is not None else escape(total), scope="row")
        values = [self.cell(self.cells.get((person, step), {}), step, person is None) for step in self.steps]
        return tag("tr", head, *values, class_="total" if person is None else None)

    def cell(self, row: Mapping[str, object], step: _Step, is_team: bool) -> str:
        entry, n, team = column(self.value), row.get(f"{self.value}_n"), self.team[step]
        value = row.get(self.value)
        if self.is_deep and units.is_missing(value):
            return tag("td")
        if units.is_missing(value) or (self.kind == "counts" and not value):
            return tag("td", tag("span", units.MISSING, class_="none"), class_="few")
        content = written(value, entry) + differs(row, self.value, team.get(self.value))
        few = self.kind != "counts" and units.is_few(n)
        whole = is_team or WHOLE in step
        tint = "" if few or whole else self._tint(row, team, step)
        tip = units.k_of_n(row.get(f"{self.value}_k"), n) if self.is_deep else ""
        names = " ".join(filter(None, ["few" if few else "", "whole" if WHOLE in step else ""]))
        return tag(
            "td",
            content,
            self._small_print(row),
            class_=names or None,
            style=tint or None,
            data_order=order(value),
            title=tip or None,
            data_row=row.get(PLACE),
        )

    def _small_print(self, row: Mapping[str, object]) -> str:
        """What stands small beneath the value: k of n of a rate, the details of anything else, of how many a time is."""
        if self.kind == "rates":
            return tag("i", escape(units.k_of_n(row.get(f"{self.value}_k"), row.get(f"{self.value}_n"))))
        details = [units.write(row.get(name), column(name).unit, form="tile") for name in self.details]
        of = row.get(f"{self.value}_n") if self.kind == "times" else None
        details += [] if units.is_missing(of) else [_("of {n}", n=units.write(of, "count"))]
        return "".join(tag("i", escape(detail)) for detail in details if detail != units.MISSING)

    def _tint(self, row: Mapping[str, object], team: Mapping[str, object], step: _Step) -> str:
        if self.is_deep:
            return f"--tint:var(--accent);--much:{round(34 * float(row[self.value]) / (max(self.most.values()) or 1))}%"
        if self.kind == "counts":
            return f"--tint:var(--accent);--much:{round(34 * float(row[self.value]) / (self.most[step] or 1))}%"
        if units.is_missing(team.get(self.value)):
            return ""
        own, usual = float(row[self.value]), float(team[self.value])
        away = own - usual if self.kind == "rates" else (usual - own) / max(usual, 1) / 2
        strength = min(round(abs(away) * 150), 40)
        return f"--tint:var(--{'good' if away > 0 else 'bad'});--much:{strength}%" if strength >= 4 else ""
