"""One line of the doctor's table."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ...errors import ReportError
from ...words.texts import _

State = Literal["ok", "look", "broken", "early", "off"]


@dataclass(frozen=True)
class Check:
    """What was looked at, how it is, what was found, and what to do about it (nothing, when all is well)."""

    name: str
    state: State
    sentence: str
    remedy: str = ""


def safely(checks: Callable[..., Iterable[Check]], *args: Any, name: str = "") -> Iterator[Check]:
    """The checks; one that fails itself is a line too, and stops no other."""
    try:
        yield from checks(*args)
    except ReportError as error:
        yield Check(name or _("Check"), "broken", str(error))
    except Exception as error:  # only its kind is said: its text may hold anything
        sentence = _("this check failed itself: {kind} in {check}", kind=type(error).__name__, check=checks.__name__)
        yield Check(name or _("Check"), "look", sentence, _("Tell the makers of crm-reports what this line says."))
