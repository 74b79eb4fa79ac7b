"""How fast a portal may be asked: requests per second, and seconds of work per method in ten minutes."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Any

# Bitrix24 blocks a method after 480 s of work in ten minutes.
BUSY_SECONDS = 400
MINUTE, LONGEST_REST = 60, 600


@dataclass(frozen=True)
class Pace:
    """`burst` requests at once, then `per_second` for ever; a portal refuses what comes faster.

    `together` are on their way at the same time: a request of fifty pages takes a portal two seconds and more. After a
    refusal that passes it is asked again in `pause` seconds, then in twice as many, and so on.
    """

    per_second: float = 2
    burst: float = 50
    together: int = 16
    pause: float = 0.5


ORDINARY = Pace()
ENTERPRISE = Pace(per_second=5, burst=250)


@dataclass
class Turnstile:
    """Lets requests through at a pace: waits once the burst is spent, never before."""

    pace: Pace
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._level, self._seen, self._lock = 0.0, self.clock(), Lock()
        self._rest_until: dict[str, float] = {}
        self._forgotten_at: dict[str, float] = {}
        self._blocked: Counter[str] = Counter()

    def enter(self, methods: set[str]) -> None:
        """Wait for the next request's turn, and for the methods that have worked too long."""
        ready = max((self._rest_until.get(method, 0.0) for method in methods), default=0.0)
        if ready > self.clock():
            self.sleep(ready - self.clock())
        wait = self._pour()
        if wait > 0:
            self.sleep(wait)

    def _pour(self) -> float:
        """Seconds until one more request fits; it is counted as asked then."""
        with self._lock:
            self._leak()
            self._level += 1
            return (self._level - self.pace.burst) / self.pace.per_second

    def _leak(self) -> None:
        now = self.clock()
        self._level = max(0.0, self._level - (now - self._seen) * self.pace.per_second)
        self._seen = now

    def note_refusal(self) -> None:
        """The portal says that the burst is spent: someone else at this address asks too."""
        with self._lock:
            self._leak()
            self._level = max(self._level, self.pace.burst + 1)

    def note(self, method: str, usage: Mapping[str, Any]) -> None:
        """Take in an answer's `time`: from BUSY_SECONDS of work on, a method rests a minute before each call."""
        self._forgotten_at[method] = self.clock() + _seconds_to_reset(usage)
        self._blocked.pop(method, None)
        if _number(usage.get("operating")) >= BUSY_SECONDS:
            self._rest_until[method] = min(self._forgotten_at[method], self.clock() + MINUTE)

    def rest(self, method: str, usage: Mapping[str, Any]) -> None:
        """`method` is blocked: let it rest until the portal forgets its work; when nobody said when, longer each time."""
        now = self.clock()
        reset_at = (
            now + _seconds_to_reset(usage) if usage.get("operating_reset_at") else self._forgotten_at.get(method, 0)
        )
        if reset_at <= now and self._rest_until.get(method, 0) <= now:
            reset_at = now + min(MINUTE * 2 ** self._blocked[method], LONGEST_REST)
            self._blocked[method] += 1
        self._rest_until[method] = max(reset_at, self._rest_until.get(method, 0))


def _seconds_to_reset(usage: Mapping[str, Any]) -> float:
    """Both instants are the server's, so its clock need not agree with ours."""
    reset, now = _number(usage.get("operating_reset_at")), _number(usage.get("finish"))
    return min(max(reset - now, 1), LONGEST_REST) if reset and now else MINUTE


def _number(value: object) -> float:
    """Unix seconds; one page of the documentation shows an ISO instant instead."""
    try:
        return float(value or 0)
    except (TypeError, ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return 0.0
