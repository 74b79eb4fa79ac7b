"""How a deal of the invented company lives: told ahead as dated steps, until it ends or is forgotten."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from itertools import count
from random import Random
from typing import Any

from . import words
from .company import Company

FORWARD = ("NEW", "UC_WORK01", "PREPARATION", "PREPAYMENT_INVOICE", "FINAL_INVOICE", "WON")
TENDER_FORWARD = ("C1:NEW", "C1:PREPARATION", "C1:EXECUTING", "C1:FINAL_INVOICE", "C1:WON")
SAMPLES = "UC_SAMPLE"

Weighted = tuple[tuple[Any, float], ...]


@dataclass(frozen=True)
class Path:
    """A pipeline as deals go through it.

    Per stage: the chance to go on when it is left, the median days until then, why deals are lost from it, and the
    days between touches.
    """

    stages: tuple[str, ...]
    chances: tuple[float, ...]
    stays: tuple[float, ...]
    reasons: tuple[Weighted, ...]
    touch_days: tuple[float, ...]


SALE = Path(
    FORWARD,
    chances=(0.64, 0.74, 0.62, 0.80, 0.88),
    stays=(20, 8, 20, 14, 16),
    reasons=(
        (("1", 50), ("UC_LATER", 30), ("UC_ALIEN", 20)),
        (("UC_LATER", 40), ("1", 25), ("LOSE", 20), ("UC_ALIEN", 15)),
        (("LOSE", 45), ("APOLOGY", 35), ("UC_LATER", 20)),
        (("LOSE", 40), ("APOLOGY", 35), ("UC_LATER", 25)),
        (("UC_LATER", 45), ("LOSE", 30), ("APOLOGY", 25)),
    ),
    touch_days=(12, 4, 6, 6, 6),
)
_TENDER_REASONS: Weighted = (("C1:LOSE", 70), ("C1:UC_CANCEL", 30))
TENDER = Path(TENDER_FORWARD, (0.75, 0.8, 0.35, 0.9), (15, 30, 55, 30), (_TENDER_REASONS,) * 4, (9, 11, 14, 10))

# What a manager does when a deal is touched: first calls, then letters and meetings.
_TOUCHES: tuple[Weighted, ...] = (
    (("call_out", 78), ("email_out", 8), ("sms", 3), ("call_in", 4), ("missed", 4), ("chat", 3)),
    (("call_out", 50), ("email_out", 20), ("call_in", 10), ("email_in", 8), ("meeting", 5), ("missed", 4), ("chat", 3)),
    (("call_out", 37), ("email_out", 24), ("email_in", 14), ("call_in", 10), ("meeting", 10), ("task", 5)),
    (("call_out", 32), ("email_out", 24), ("email_in", 16), ("call_in", 10), ("meeting", 8), ("whatsapp", 10)),
    (("call_out", 45), ("email_out", 20), ("email_in", 15), ("call_in", 14), ("zoom", 2), ("visit", 1), ("wait", 3)),
)  # fmt: skip
_OUTGOING_CODES: Weighted = (("200", 74), ("603", 10), ("480", 9), ("486", 7))


@dataclass(frozen=True)
class Manager:
    """How one person works: odds at each stage, pace of touching, money per deal, how readily a deal is forgotten."""

    id: int
    odds: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)
    pace: float = 1.0
    check: float = 1.0
    forgets: float = 0.025
    plans: float = 0.5
    load: float = 1.0
    until: datetime | None = None


@dataclass(eq=False)
class Customer:
    """A firm with a person, or only one of them; the ids come with the first deal."""

    title: str = ""
    person: tuple[str, str] | None = None
    company: int | None = None
    contact: int | None = None


@dataclass(eq=False)
class Todo:
    """A next step; its id comes with the replay."""

    deadline: datetime | None
    text: str
    id: int = 0


@dataclass(eq=False)
class Story:
    """One deal as it is told; `deal` is its id once the replay has made it. Nothing of it happens after `horizon`."""

    title: str
    begins: datetime
    stage: str
    manager: Manager
    customer: Customer
    horizon: datetime
    luck: float = 1.0
    lead: int = 0
    deal: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    todo: Todo | None = None
    won_at: datetime | None = None
    reopened: bool = False


Step = tuple[datetime, int, Callable[..., None], tuple[Any, ...]]


class Calendar:
    """Working time by the company's local clock."""

    def __init__(self, random: Random) -> None:
        self._random = random

    @staticmethod
    def is_free(moment: datetime) -> bool:
        return moment.weekday() > 4 or (moment.month == 1 and moment.day <= 8)

    def working(self, moment: datetime) -> datetime:
        """The moment itself in working time, else some time on the next working day."""
        if 9 <= moment.hour < 18 and not self.is_free(moment):
            return moment.replace(microsecond=0)
        day = moment.date() + timedelta(days=moment.hour >= 18)
        later = datetime.combine(day, time(9)) + timedelta(seconds=int(self._random.random() * 32_000))
        while self.is_free(later):
            later += timedelta(days=1)
        return later


class Teller:
    """Tells stories into `steps`; each step is done to the company when the replay reaches its time."""

    def __init__(self, company: Company, random: Random, now: datetime, samples_until: datetime) -> None:
        self.company, self.random, self.now = company, random, now
        self.calendar = Calendar(random)
        self.steps: list[Step] = []
        self._closing = company.now
        self._samples_until = samples_until
        self._order = count()

    # Telling

    def say(self, at: datetime, action: Callable[..., None], *args: Any) -> None:
        """The action happens then, unless that is still to come."""
        if at < self.now:
            self.steps.append((at, next(self._order), action, args))

    def _say(self, story: Story, at: datetime, action: Callable[..., None], *args: Any) -> None:
        if at < story.horizon:
            self.steps.append((at, next(self._order), action, (story, *args)))

    def _happens(self, chance: float) -> bool:
        return self.random.random() < chance

    def _pick(self, weighted: Weighted) -> Any:
        choices, weights = zip(*weighted, strict=True)
        return self.random.choices(choices, weights)[0]

    def _after(self, at: datetime, days: float) -> datetime:
        """A working moment that many days later."""
        return self.calendar.working(at + timedelta(seconds=int(days * 86_400) + 60))

    def _stay(self, median: float, spread: float = 0.9) -> float:
        return median * math.exp(self.random.gauss(0, spread))

    def tell(self, story: Story) -> None:
        """The whole life of one deal."""
        self._say(story, story.begins, self.create)
        path = TENDER if story.stage.startswith("C1:") else SALE
        if story.stage not in path.stages[:-1]:
            story.won_at = story.begins
            return
        if story.stage == "NEW" and self._happens(0.5):
            self._leave_in_cold_base(story)
        else:
            self._go_on(story, path, path.stages.index(story.stage), story.begins)

    def _leave_in_cold_base(self, story: Story) -> None:
        """Cold bases are mostly not called, or called now and then; at some time somebody clears them out."""
        calls, days = self.random.choice(((0, 1), (1, 9), (2, 12), (30, 24)))
        at = story.begins
        for _ in range(calls):
            at = self._after(at, self._stay(days / story.manager.pace, 0.5))
            if at >= story.horizon:
                return
            self._touch(story, at, 0, plans=0.2)
        if self._happens(0.12):
            self._lose(story, SALE, 0, self._after(at, self.random.uniform(150, 500)))

    def _go_on(self, story: Story, path: Path, step: int, at: datetime) -> None:
        """From stage to stage until the deal is won, lost, forgotten or beyond today."""
        last = len(path.stages) - 1
        while step < last and at < story.horizon:
            leaves = self._after(at, self._stay(path.stays[step], 1.2 if step == 0 else 0.8))
            if self._happens(story.manager.forgets):
                self._forget(story, path, step, at)
                return
            self._touches(story, path, at, leaves, step)
            if path is SALE and step == 2 and self._happens(0.02):
                self._change_pipeline(story, leaves)
                return
            if not self._happens(self._chance(story, path, step)):
                self._lose(story, path, step, leaves)
                return
            at, step = leaves, self._advance(story, path, step, leaves)
        if step == last:
            self._win(story, path, at)

    def _chance(self, story: Story, path: Path, step: int) -> float:
        odds = path.chances[step] / (1 - path.chances[step]) * story.luck
        odds *= story.manager.odds[step] if path is SALE else 1
        return odds / (1 + odds)

    def _advance(self, story: Story, path: Path, step: int, at: datetime) -> int:
        """Mostly the next stage; some deals step back, some skip one."""
        shift = self.random.choices((1, 2, -1), (86, 9, 5))[0]
        to = min(max(step + shift, min(step, 1)), len(path.stages) - 1)
        if path is SALE and step == 2 and to == 3 and self._happens(0.3) and at < self._samples_until:
            self._say(story, at, self.move, SAMPLES)
            at = min(self._after(at, 5), self._samples_until)
        self._say(story, at, self.move, path.stages[to])
        if to == 3:
            self._say(story, at, self.price, round(self.random.uniform(0.85, 1.12), 3))
            if self._happens(0.35):
                self._robot(story, at)
        return to

    def _change_pipeline(self, story: Story, at: datetime) -> None:
        self._say(story, at, self.move, TENDER_FORWARD[1])
        self._go_on(story, TENDER, 1, at)

    def _win(self, story: Story, path: Path, at: datetime) -> None:
        story.won_at = at
        self._settle(story, at)
        if not story.reopened and self._happens(0.015):
            self._reopen(story, path, len(path.stages) - 2, self._after(at, self._stay(12)))

    def _lose(self, story: Story, path: Path, step: int, at: datetime) -> None:
        reasons = path.reasons[step]
        self._say(story, at, self.move, self._pick(reasons))
        self._settle(story, at)
        if self._happens(0.05):
            # Somebody looks into it again: from one lost stage to another.
            self._say(story, self._after(at, self._stay(4)), self.move, self._pick(reasons))
        elif not story.reopened and self._happens(0.04):
            self._reopen(story, path, 2, self._after(at, self._stay(45)))

    def _reopen(self, story: Story, path: Path, step: int, at: datetime) -> None:
        story.reopened, story.won_at = True, None
        self._say(story, at, self.move, path.stages[step])
        self._go_on(story, path, step, at)

    def _forget(self, story: Story, path: Path, step: int, at: datetime) -> None:
        """A few touches more, then silence, with an overdue next step or with none, until somebody clears out."""
        silent = at + timedelta(days=self._stay(5))
        self._touches(story, path, at, silent, step)
        if self._happens(0.5):
            self._settle(story, self._after(silent, 0.1))
        if self._happens(0.3):
            self._robot(story, self._after(silent, self.random.uniform(10, 40)))
        if self._happens(0.7):
            self._say(story, self._after(silent, self.random.uniform(60, 240)), self.move, path.reasons[step][0][0])

    # What managers do meanwhile

    def _touches(self, story: Story, path: Path, since: datetime, until: datetime, step: int) -> None:
        rate = story.manager.pace / path.touch_days[step]
        until = min(until, story.horizon)
        at = self._after(since, min(self.random.expovariate(rate * 3), 3))
        while at < until:
            self._touch(story, at, step, story.manager.plans)
            at = self._after(at, self.random.expovariate(rate))

    def _touch(self, story: Story, at: datetime, step: int, plans: float) -> None:
        self._settle(story, at)
        self._say(story, at, self.act, self._pick(_TOUCHES[step]))
        if self._happens(0.5):
            self._say(story, at + timedelta(minutes=self.random.randint(1, 20)), self.comment)
        if self._happens(plans):
            self._plan(story, at)

    def _plan(self, story: Story, at: datetime) -> None:
        undated = self._happens(0.12)
        deadline = None if undated else self._after(at, self.random.uniform(0.5, 8))
        story.todo = Todo(deadline, self.random.choice(words.TODOS))
        self._say(story, at, self.plan, story.todo)

    def _settle(self, story: Story, at: datetime) -> None:
        """The open next step is closed, mostly."""
        if story.todo and self._happens(0.93):
            self._say(story, at, self.finish, story.todo)
        story.todo = None

    def _robot(self, story: Story, at: datetime) -> None:
        """A robot sets a to-do and closes it itself: a trace of nobody's work."""
        todo = Todo(at + timedelta(days=2), "Проверить счёт (робот)")
        self._say(story, at, self.plan, todo)
        self._say(story, at + timedelta(days=3), self.finish, todo, True)

    # Doing: called by the replay, when the company's clock stands at the step

    def create(self, story: Story) -> None:
        customer, fields = story.customer, story.fields
        self._meet(customer, story.manager.id)
        # An absent company is 0 or null, by where the deal came from.
        clients = {"COMPANY_ID": customer.company or (0 if customer.contact else None), "CONTACT_ID": customer.contact}
        if story.lead:
            fields = fields | {"LEAD_ID": story.lead}
        story.deal = self.company.add_deal(
            story.title, stage=story.stage, manager=story.manager.id, **{**clients, **fields}
        )
        if fields.get("SOURCE_ID") == "WEBFORM":
            self.company.add_activity("webform", owner=story.deal, direction="in", SUBJECT="Заявка с сайта")

    def _meet(self, customer: Customer, manager: int) -> None:
        if customer.title and not customer.company:
            customer.company = self.company.add_company(customer.title, manager=manager)
        if customer.person and not customer.contact:
            customer.contact = self.company.add_contact(*customer.person, company=customer.company, manager=manager)

    def move(self, story: Story, stage: str) -> None:
        if self.company.deals[story.deal]["STAGE_ID"] != stage:
            self.company.move(story.deal, stage)

    def price(self, story: Story, factor: float) -> None:
        money = self.company.deals[story.deal]["OPPORTUNITY"]
        self.company.edit_deal(story.deal, OPPORTUNITY=round(money * factor, -2))

    def plan(self, story: Story, todo: Todo) -> None:
        todo.id = self.company.add_activity("todo", owner=story.deal, deadline=todo.deadline, SUBJECT=todo.text)

    def finish(self, story: Story, todo: Todo, by_robot: bool = False) -> None:
        self.company.complete(todo.id, by_robot=by_robot)

    def comment(self, story: Story) -> None:
        self.company.add_comment(self.random.choice(words.COMMENTS), owner=story.deal)

    def act(self, story: Story, what: str) -> None:
        owner = self._owner(story)
        kind, _, direction = what.partition("_")
        if kind in ("call", "missed"):
            self._call(owner, kind, direction)
        elif kind in ("meeting", "zoom", "visit"):
            self._meet_at(owner, kind)
        elif direction == "in" or kind == "chat":
            letter = self.company.add_activity(kind, direction="in", SUBJECT="Re: Камин", **owner)
            self._answer(letter)
        else:
            outgoing = "out" if kind in ("email", "sms", "whatsapp") else "none"
            self.company.add_activity(kind, direction=outgoing, done=True, SUBJECT="Offer", **owner)

    def _owner(self, story: Story) -> dict[str, Any]:
        """Mostly the deal; some activities hang on the company or the person instead."""
        manager = self.company.deals[story.deal]["ASSIGNED_BY_ID"]
        if story.customer.company and self._happens(0.05):
            return {"owner": story.customer.company, "owner_type": "company", "manager": manager}
        if story.customer.contact and self._happens(0.04):
            return {"owner": story.customer.contact, "owner_type": "contact", "manager": manager}
        return {"owner": story.deal}

    def _call(self, owner: dict[str, Any], kind: str, direction: str) -> None:
        code = "304" if kind == "missed" else self._pick(_OUTGOING_CODES) if direction == "out" else "200"
        seconds = int(self._stay(150)) if code == "200" else 0
        direction = direction or "in"
        subject = "Исходящий звонок" if direction == "out" else "Incoming call"
        call = self.company.add_call(direction=direction, seconds=seconds, code=code, SUBJECT=subject, **owner)
        if kind == "missed":
            self._answer(call)

    def _answer(self, activity: int) -> None:
        """Closes an incoming letter, chat or missed call at once in the replay's order, hours later by the clock."""
        if self._happens(0.7):
            at = self.company.now + timedelta(minutes=self.random.randint(5, 300))
            self.company.complete(activity, min(at, self._closing))

    def _meet_at(self, owner: dict[str, Any], kind: str) -> None:
        """A meeting planned a few days ahead; it is held, or stays open when it was not."""
        local = self.company.now.astimezone(self.company.zone).replace(tzinfo=None)
        start = self._after(local, self.random.randint(1, 4))
        meeting = self.company.add_activity(kind, start=start, minutes=60, SUBJECT="Встреча", **owner)
        ends = self.company.activities[meeting]["END_TIME"]
        if self._happens(0.85) and ends < self._closing:
            self.company.complete(meeting, ends)


def by_time(steps: Sequence[Step]) -> list[Step]:
    """Steps in the order in which they happen."""
    return sorted(steps, key=lambda step: step[:2])
