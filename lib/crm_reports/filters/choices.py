"""The pipelines, departments, managers, sources, stages and reasons of losing that the data has, and which of them somebody typed."""

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import get_args

from ..errors import near
from ..settings.parts import Dimension
from ..words.texts import N_, _

Selection = str | int | Collection[str | int] | None

DIMENSIONS: tuple[str, ...] = get_args(Dimension)
STANDINGS = ("stage", "loss_reason")  # how a deal stands as of the report's instant: in work there, lost for that
# What one of each is called, and several.
LABELS = {
    "pipeline": (N_("Pipeline"), N_("Pipelines")), "department": (N_("Department"), N_("Departments")),
    "manager": (N_("Manager"), N_("Managers")), "source": (N_("Source"), N_("Sources")),
    "stage": (N_("In work on the stage"), N_("In work on stages")),
    "loss_reason": (N_("Lost for the reason"), N_("Lost for reasons")),
}  # fmt: skip


@dataclass(frozen=True)
class Choice:
    """One pipeline, department, manager, source, stage or reason; `hint` tells those of one name apart."""

    id: str
    name: str
    parent_id: str = field(default="", compare=False)
    hint: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(filter(None, (f'ID {self.id}', self.hint)))})"


@dataclass(frozen=True)
class Cut:
    """A dimension that the company has added: its name in reports.toml, what the CRM calls it, and values of it."""

    name: str
    label: str
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class Dimensioned:
    """What has choices of every dimension: those of DIMENSIONS as attributes, the company's own in a list."""

    own: tuple[Cut, ...] = field(default=(), kw_only=True)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The names of all dimensions, the company's own last."""
        return (*DIMENSIONS, *(cut.name for cut in self.own))

    def of(self, dimension: str) -> tuple[Choice, ...]:
        """Its choices of that dimension."""
        own = {cut.name: cut.choices for cut in self.own}
        return own[dimension] if dimension in own else getattr(self, dimension)

    def label(self, dimension: str) -> str:
        """What one of that dimension is called."""
        own = {cut.name: cut.label for cut in self.own}
        return own[dimension] if dimension in own else _(LABELS[dimension][0])


@dataclass(frozen=True)
class Choices(Dimensioned):
    """What the data has to choose from, in the order that a reader expects; of stages those of deals in work."""

    pipeline: tuple[Choice, ...] = ()
    department: tuple[Choice, ...] = ()
    manager: tuple[Choice, ...] = ()
    source: tuple[Choice, ...] = ()
    stage: tuple[Choice, ...] = ()
    loss_reason: tuple[Choice, ...] = ()

    def departments_below(self, ids: Iterable[str]) -> tuple[str, ...]:
        """Those departments and all below them, in the order of `department`."""
        ids_below, fresh = set(), set(ids)
        while fresh:  # a tree, but a CRM's may run in a circle
            ids_below |= fresh
            fresh = {department.id for department in self.department if department.parent_id in fresh} - ids_below
        return tuple(department.id for department in self.department if department.id in ids_below)


def _spelling(name: str) -> str:
    """What two spellings of one name share."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("ё", "е").split())


class _Names:
    """The choices of one dimension by id and by name. A text that is one's id and another's name means the id."""

    def __init__(self, dimension: str, choices: tuple[Choice, ...]) -> None:
        self.dimension = dimension
        self.by_id = {choice.id: choice for choice in choices}
        self.by_name: dict[str, list[Choice]] = {}
        for choice in choices:
            self.by_name.setdefault(_spelling(choice.name), []).append(choice)

    def by_text(self, text: str) -> list[Choice]:
        exact = self.by_id.get(text) or self.by_id.get(text.strip())
        return [exact] if exact else self.by_name.get(_spelling(text), [])

    def in_list(self, text: str) -> list[str]:
        """The names of a comma-separated list, some of which may hold commas themselves; else the text alone."""
        parts, names = text.split(","), []
        while parts:
            lengths = (n for n in range(min(len(parts), 4), 0, -1) if self.by_text(",".join(parts[:n])))
            length = next(lengths, 1)
            names.append(",".join(parts[:length]).strip())
            parts = parts[length:]
        return [name for name in names if name] if any(map(self.by_text, names)) else [text]

    def meanings(self, entries: Selection) -> Iterator[Choice | str]:
        """Every choice that is meant, and a sentence for every text that means none or several."""
        for text in _texts(entries):
            for name in [text] if self.by_text(text) else self.in_list(text):
                choices = self.by_text(name)
                yield choices[0] if len(choices) == 1 else self.problem(name, choices)

    def problem(self, name: str, choices: list[Choice]) -> str:
        words = {"dimension": self.dimension, "held": repr(name)}
        if choices:
            several = ", ".join(map(str, choices))
            return _("{dimension} {held} is the name of several; give one's ID: {several}", **words, several=several)
        if not self.by_id:
            return _("{dimension} {held} is not known: the data names none", **words)
        names = near(_spelling(name), self.by_name, most=5)
        close = [choice for name in names for choice in self.by_name[name]]
        if close:
            return _("{dimension} {held} is not known; near: {near}", **words, near=", ".join(map(str, close[:5])))
        examples = ", ".join(map(str, list(self.by_id.values())[:5]))
        return _("{dimension} {held} is not known; there are, for example: {some}", **words, some=examples)


def _texts(entries: Selection) -> list[str]:
    """The texts that were typed; numbers are ids."""
    if isinstance(entries, str) or not isinstance(entries, Collection):
        entries = [] if entries is None else [entries]
    return [str(entry) for entry in entries if entry is not None and str(entry).strip()]


def choose(choices: Choices, dimension: str, typed: Selection) -> tuple[tuple[Choice, ...], list[str]]:
    """The choices meant, each once, in the order of `known`; and a sentence for every text that means none or several."""
    options = choices.of(dimension)
    answers = list(_Names(dimension, options).meanings(typed))
    problems = [answer for answer in answers if isinstance(answer, str)]
    return tuple(choice for choice in options if choice in answers), problems
