"""`@check`: one function beside its name, limit and level; what it is shown of the night, and how its value is judged."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ...settings import Calendar, CheckLimit, CheckName
from ...settings.checks import Level
from ...store.checked import Result
from ...store.receipts import Receipt
from .facts import Facts


@dataclass(frozen=True)
class Reading:
    """A check's value, which is well up to the limit, and what is unusual, in a sentence."""

    value: float
    text: str = ""


@dataclass(frozen=True)
class Tonight:
    """What a check may look at: the facts, those of earlier nights that were in order (the last one first), the limit."""

    facts: Facts
    past: Sequence[Facts]
    calendar: Calendar
    now: datetime
    receipt: Receipt | None = None
    limit: float = 0.0

    def title(self, kind: str, id: str) -> str:
        """What the CRM calls that pipeline, stage or source, or called it in the last night; its id where it has no name."""
        nights = (self.facts, *self.past[:1])
        return next((night.titles[kind][id] for night in nights if night.titles.get(kind, {}).get(id)), id)


Body = Callable[[Tonight], Reading | None]


@dataclass(frozen=True)
class Check:
    """One check; `remedy` is what to do when it is beyond its limit.

    Its body gives None where there is too little to judge by. One that compares with earlier nights is not asked where there are none.
    """

    name: CheckName
    title: str
    unit: str
    limit: float
    level: Level
    remedy: str
    meaning: str
    body: Body
    needs_past: bool

    def judge(self, tonight: Tonight, own: CheckLimit) -> Result:
        """What it finds, by the limit and level that reports.toml gives it, else by its own.

        A night without any before it is warned at most: what is usual is not known yet.
        """
        reading = self.body(tonight) if tonight.past or not self.needs_past else None
        limit, level = tonight.limit, own.level or self.level
        if reading is None:
            return Result(self.name, self.title, "new", None, limit, level)
        gravest = level if tonight.past or self.name == "receipt" else "warn"
        state = gravest if reading.value > limit else "ok"
        return Result(self.name, self.title, state, reading.value, limit, level, reading.text if state != "ok" else "")


CHECKS: dict[str, Check] = {}


def check(
    name: CheckName, *, title: str, unit: str, limit: float, level: Level, remedy: str, needs_past: bool = True
) -> Callable[[Body], Body]:
    """The function below is the check of that name; its docstring says what is compared with what.

    With `needs_past` it is asked only where there was a night before.
    """

    def register(body: Body) -> Body:
        meaning = " ".join((body.__doc__ or "").split())
        CHECKS[name] = Check(name, title, unit, limit, level, remedy, meaning, body, needs_past)
        return body

    return register
