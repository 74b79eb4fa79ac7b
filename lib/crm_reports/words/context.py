"""The report that is being made here: what is true of it alone, and of no other that is made at the same time."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any


@dataclass(frozen=True)
class Report:
    """How it says things, whom it colours in which order, what it is about, which metrics it has asked for and what it has shown."""

    language: str = "en"
    currency: str = ""
    zone: tzinfo = UTC
    as_of: datetime | None = None
    manager_ids: tuple[str, ...] = ()
    manager_hues: Mapping[str, int] = field(default_factory=dict)  # of those whose own hue would look like another's
    dataset: Any = None
    metrics: tuple[str, ...] = ()
    own: Mapping[str, Any] = field(default_factory=dict)  # columns of the company's own fields, by name
    shown: tuple[Any, ...] = ()


_report: ContextVar[Report] = ContextVar("report")  # each thread begins with a report of its own
_NONE = Report()


def current() -> Report:
    """The report being made in this thread or task."""
    return _report.get(_NONE)


def use(**changes: Any) -> None:
    """From now on this is true of the report being made."""
    _report.set(replace(current(), **changes))


@contextmanager
def using(**changes: Any) -> Iterator[None]:
    """The same inside the block; after it these are as they were before."""
    before = {name: getattr(current(), name) for name in changes}
    use(**changes)
    try:
        yield
    finally:
        use(**before)
