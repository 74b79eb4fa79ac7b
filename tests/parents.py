"""One warm parent for all nights of a test process: it takes ten seconds to warm, and what it forks starts clean."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Self

import pytest

from crm_reports.runs import warm
from crm_reports.runs.surroundings import clean
from crm_reports.runs.warm import Warm

# In the fork: a night's own environment, then the call. Test modules can't be imported there, so this is a text.
AT_HOME = (
    "(__import__('os').environ.clear(), __import__('os').environ.update(environment), function(*args, **named))[-1]"
)


@cache
def _one() -> Warm:
    with patient():
        return Warm.start(clean({}, Path("/nowhere")))


@contextmanager
def patient() -> Iterator[None]:
    """However busy the machine is, a parent that begins in here is waited for: without one each page takes a kernel of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warm, "START_SECONDS", 600)
        yield


def close() -> None:
    """End the one, if it was ever begun."""
    if _one.cache_info().currsize:
        _one().close()
        _one.cache_clear()


class Lent:
    """The one parent as a night has its own: its environment, its calls, nothing of another night's."""

    is_alive = True

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)

    @classmethod
    def begin(cls, environment: Mapping[str, str]) -> Self:
        return cls(environment)

    def wait(self) -> None:
        _one()

    def hold(self, function: Callable[..., Any], /, *args: Any) -> None:
        """Nothing is kept: pages look things up for themselves."""

    def call(
        self, function: Callable[..., Any], /, *args: Any, seconds: float, memory: int = sys.maxsize,
        is_wanted: Callable[[], bool] = lambda: True, **named: Any,
    ) -> Any:  # fmt: skip
        given = {"environment": self._environment, "function": function, "args": args, "named": named}
        return _one().call(eval, AT_HOME, given, seconds=seconds, memory=memory, is_wanted=is_wanted)

    def close(self) -> None:
        """The one is for the next night, too."""


@contextmanager
def lent() -> Iterator[None]:
    """Nights in here fork their pages from the one parent."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("crm_reports.runs.parent.Warm", Lent)
        yield


def is_gone(pid: int) -> bool:
    """Whether a process ends within five seconds."""
    for _ in range(100):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").is_file() and Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z":
            return True
        time.sleep(0.05)
    return False
