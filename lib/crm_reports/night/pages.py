"""What became of a night and of each of its pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath

from ..look.publish import REPORTS
from ..store.checked import Result
from ..words.texts import _


@dataclass(frozen=True)
class Page:
    """One page of one night. `files` are named relative to the published folder; `key` is the same every night.

    `slice` is None for the whole, else {"dimension", "id", "name"}; `audience` is "" or the folder under for/ that it is
    in; `made_of` is a hash of all that went in; `last_good` is the newest page of that key that came out.
    """

    name: str
    report: str
    state: str
    error: str = ""
    headline: str = ""
    about: str = ""
    seconds: float = 0.0
    files: tuple[str, ...] = ()
    last_good: str = ""
    preset: str = ""
    slice: Mapping[str, str] | None = None
    audience: str = ""
    key: str = ""
    made_of: str = ""
    proof: str = ""

    @property
    def title(self) -> str:
        return _(REPORTS[self.report]) if self.report in REPORTS else self.report

    def file(self, suffix: str) -> str:
        """The file of that kind, "" if there is none."""
        return next((name for name in self.files if name.endswith(f".{suffix}")), "")

    @property
    def newest(self) -> str:
        """The page itself, else the last one that came out; "" if there never was one."""
        return self.file("html") or self.last_good


SUFFIXES = ("ipynb", "html", "xlsx", "json")


def day_of(path: str) -> date:
    """The night that a published page belongs to: its folder's name."""
    return date.fromisoformat(PurePosixPath(path).parent.name)


def home_of(audience: str) -> str:
    """The audience's folder, relative to the published one."""
    return f"for/{audience}" if audience else "."


@dataclass(frozen=True)
class NightReport:
    """One night: what came out and what failed. `problem` is why nothing ran at all, `troubles` what else went wrong.

    `repairs` are sentences about what was found damaged and set right, `notes` worth knowing and nobody's fault; `checks`
    what was looked at before the numbers.
    """

    date: date
    started_at: datetime
    finished_at: datetime
    pages: tuple[Page, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()
    repairs: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    checks: tuple[Result, ...] = ()

    @property
    def failed(self) -> tuple[Page, ...]:
        return tuple(page for page in self.pages if page.state == "failed")

    @property
    def is_whole(self) -> bool:
        return not (self.problem or self.failed or self.troubles)

    def check(self, name: str) -> Result | None:
        """What the check of that name found."""
        return next((result for result in self.checks if result.name == name), None)

    def page(self, key: str) -> Page | None:
        return next((page for page in self.pages if page.key == key), None)
