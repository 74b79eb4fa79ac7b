"""The two limits of a portal: requests per second, and seconds of work per method in ten minutes."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]

WINDOW = 600
UNNOTICED = 0.1


@dataclass(frozen=True)
class Rate:
    """`drain` requests a second for ever, `burst` at once."""

    drain: float = 5
    burst: float = 250


ENTERPRISE = Rate(5, 250)
OTHER_PLANS = Rate(2, 50)
UNLIMITED = Rate(float("inf"), float("inf"))


@dataclass(frozen=True)
class Latency:
    """The seconds that a request takes: `request` always, more for each command in it and for each row it gives."""

    request: float = 0.0
    command: float = 0.0
    row: float = 0.0

    def seconds(self, commands: int, rows: int) -> float:
        return self.request + self.command * commands + self.row * rows


AT_ONCE = Latency()
# A page in 0.07 s, a batch of fifty pages of fifty rows in 1.9 s: as measured on real portals.
REAL = Latency(request=0.03, command=0.0245, row=0.00026)


class LeakyBucket:
    """Fills by one with each request and leaks all the time."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate, self._clock = rate, clock
        self._level, self._seen = 0.0, clock()

    def pour(self) -> bool:
        """Whether one more request fits."""
        now = self._clock()
        leak = (now - self._seen) * self._rate.drain if now > self._seen else 0
        self._level, self._seen = max(0.0, self._level - leak), now
        if self._level + 1 > self._rate.burst:
            return False
        self._level += 1
        return True


class Operating:
    """Seconds each method has worked in the current window; a call of 0.1 s or less is not counted."""

    def __init__(self, budget: float, clock: Clock) -> None:
        self._budget, self._clock = budget, clock
        self._spent: dict[tuple[str, int], float] = defaultdict(float)

    def _minute(self) -> int:
        return int(self._clock() // 60)

    def spent(self, method: str) -> float:
        first = self._minute() - WINDOW // 60
        return sum(spent for (name, minute), spent in self._spent.items() if name == method and minute > first)

    def charge(self, method: str, seconds: float) -> None:
        if seconds > UNNOTICED:
            self._spent[method, self._minute()] += seconds

    def is_blocked(self, method: str) -> bool:
        """Checked before a call: the one that crosses the budget still completes."""
        return self.spent(method) >= self._budget
