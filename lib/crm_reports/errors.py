"""What can go wrong, as a person meets it.

    ReportError
    ├── SettingsError    reports.toml or the environment holds something that is not allowed
    ├── FilterError      a period, pipeline, department, manager or source that means nothing here
    ├── MetricError      no metric, dimension or element of that name
    ├── SourceError      the data could not be had
    │   ├── PortalError      Bitrix24 refused, with its own words
    │   │   └── ScopeError       the webhook may not read this table
    │   └── FilesError       a folder of files that does not hold what docs/files.md asks for
    ├── StoreError       there is no store yet, or it can't be read
    ├── RunError         a report did not come out whole
    └── MailError        the mail server could not be used

Every message is one sentence: what was wrong, what is allowed, what to do. Several problems are reported together.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class ReportError(Exception):
    """Anything this product says no to; its text is meant for the reader. `problems` are its sentences, one or several."""

    several: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        return self.several or (str(self),)


class SettingsError(ReportError, ValueError):
    """reports.toml or the environment holds something that is not allowed."""


class FilterError(ReportError, ValueError):
    """A filter means nothing here."""


class MetricError(ReportError, LookupError):
    """No metric, dimension or element of that name."""


class SourceError(ReportError):
    """The data could not be had."""


class PortalError(SourceError):
    """Bitrix24 refused; `code` is its own word, in lower case."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code.lower()


class ScopeError(PortalError):
    """The webhook may not read this table."""


class FilesError(SourceError, ValueError):
    """A folder of files does not hold what docs/files.md asks for."""


class StoreError(ReportError):
    """There is no store yet, or it can't be read."""


class RunError(ReportError):
    """A report did not come out whole."""


class MailError(ReportError):
    """The mail server could not be used."""


def near(name: str, names: Iterable[str], *, most: int = 5) -> list[str]:
    """The known names most like `name`, best first, whatever their case; parts of a name count as like it."""
    by_case = {spelling.casefold(): spelling for spelling in names}
    text = name.casefold()
    inside = [spelling for spelling in by_case if text and text in spelling]
    like = get_close_matches(text, by_case, n=most, cutoff=0.5)
    return [by_case[spelling] for spelling in dict.fromkeys([*like, *inside])][:most]


def all_at_once(problems: Iterable[str], error: type[ReportError]) -> None:
    """Raise one `error` that lists every problem, or nothing when there is none."""
    problems = list(problems)
    if problems:
        exception = error("\n".join(problems))
        exception.several = tuple(problems)
        raise exception
