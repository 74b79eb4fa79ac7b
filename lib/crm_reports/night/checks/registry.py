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


Body = Callable[[Tonight], Reading | None]


@dataclass(frozen=True)
class Check:
    """One check. Its body gives None where there is not enough past to judge by; `remedy` is what to do when it is beyond."""

    name: CheckName
    title: str
    unit: str
    limit: float
    level: Level
    remedy: str
    meaning: str
    body: Body

    def judge(self, tonight: Tonight, own: CheckLimit) -> Result:
        """What it finds, by the limit and level that reports.toml gives it, else by its own.

        A night without any before it is warned at most: what is usual is not known yet.
        """
        reading = self.body(tonight)
        limit, level = tonight.limit, own.level or self.level
        if reading is None:
            return Result(self.name, self.title, "new", None, limit, level)
        gravest = level if tonight.past or self.name == "receipt" else "warn"
        state = gravest if reading.value > limit else "ok"
        return Result(self.name, self.title, state, reading.value, limit, level, reading.text if state != "ok" else "")


CHECKS: dict[str, Check] = {}


def check(name: CheckName, *, title: str, unit: str, limit: float, level: Level, remedy: str) -> Callable[[Body], Body]:
    """The function below is the check of that name; its docstring says what is compared with what."""

    def register(body: Body) -> Body:
        CHECKS[name] = Check(name, title, unit, limit, level, remedy, " ".join((body.__doc__ or "").split()), body)
        return body

    return register
