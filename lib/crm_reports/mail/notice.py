"""The one mail to whoever runs this, when something failed: plain words, first what is wrong."""

from collections.abc import Sequence
from email.message import EmailMessage
from html import escape

from ..night import NightReport
from ..runs.run import without_secrets
from ..settings import Mail
from ..words import units
from ..words.texts import _, many
from .content import clean
from .letter import Letter, wrap
from .messages import message as as_message

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


def message(mail: Mail, report: NightReport, wrong: Sequence[str], key: str, language: str) -> EmailMessage:
    """What failed, what came out all the same, and where to look."""
    others = len(report.troubles) + len(wrong) - len(wrongs(report, ()))
    subject = _subject(report, len(report.failed) + others)
    lines = [clean(without_secrets(problem), 400) for problem in wrong[:MOST]]
    after = [*_more(len(wrong) - MOST), _what_else(report), *filter(None, [mail.base_url])]
    text = "\n".join([wrap(subject, ""), "", *(wrap(problem, "- ") for problem in lines), "", *after, ""])
    items = "".join(f"<li>{escape(problem)}</li>" for problem in lines)
    remedies = "<br>".join(map(escape, after))
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(subject)}</title></head>'
        f"<body><p><b>{escape(subject)}</b></p><ul>{items}</ul><p>{remedies}</p></body></html>"
    )
    return as_message(
        Letter(html, text), mail=mail, to=mail.operator, subject=subject, id=key, thread="failures", language=language
    )


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
