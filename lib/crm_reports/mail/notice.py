"""The one message to whoever runs this, when something failed: plain words, first what is wrong."""

from collections.abc import Sequence

from ..night import NightReport, checks
from ..runs.execution import without_secrets
from ..words import units
from ..words.texts import _, many
from .delivery import Message

MOST, NAMES = 50, 5  # sentences, and pages that are named in one


def wrongs(report: NightReport, problems: Sequence[str]) -> list[str]:
    """What went wrong, in sentences; pages that failed for the same reason share one."""
    by_error: dict[str, list[str]] = {}
    for page in report.failed:
        by_error.setdefault(page.error, []).append(page.name)
    failures = [f"{_names(names)}: {error}" for error, names in by_error.items()]
    return [*filter(None, [report.problem]), *failures, *report.repairs, *report.troubles, *problems]


def _names(names: Sequence[str]) -> str:
    return "; ".join([*names[:NAMES], *_more(len(names) - NAMES)])


def message(report: NightReport, wrong: Sequence[str], *, to: str, key: str, link: str) -> Message:
    """What failed, what came out all the same, and where to look."""
    others = len(report.troubles) + len(wrong) - len(wrongs(report, ()))
    sentences = tuple(without_secrets(problem) for problem in wrong[:MOST])
    warnings = checks.sentences(report.checks, "warn")
    after = (*_more(len(wrong) - MOST), *warnings, _what_else(report))
    title = _subject(report, len(report.failed) + others)
    return Message(to, key, title, sentences, link, after, about="failures")


def _subject(report: NightReport, count: int) -> str:
    day = units.write(report.date, "date")
    if report.problem and not report.pages:
        return _("Reports: nothing was made in the night of {day}", day=day)
    return many(
        "Reports: {n} thing went wrong in the night of {day}",
        "Reports: {n} things went wrong in the night of {day}",
        count,
        day=day,
    )


def _more(count: int) -> list[str]:
    return [many("and {n} more", "and {n} more", count)] if count > 0 else []


def _what_else(report: NightReport) -> str:
    came_out = len(report.pages) - len(report.failed)
    return many(
        "{n} page came out; recipients of the others got no mail.",
        "{n} pages came out; recipients of the others got no mail.",
        came_out,
    )
