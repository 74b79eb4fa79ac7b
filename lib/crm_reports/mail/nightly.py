"""After a night: its pages go out, then what alerts have to say, then to the operator whatever went wrong."""

import time
from collections.abc import Callable
from pathlib import Path

from ..night import NightReport
from ..runs.execution import logged
from ..settings import Settings
from ..words.texts import _
from . import alerts, sending
from .delivery import MailReport

Send = Callable[[], MailReport]


def send_and_tell(
    settings: Settings, report: NightReport, *, out: Path, tell: Callable[[str], object], wait: Callable = time.sleep
) -> tuple[MailReport, MailReport]:
    """What the readers were sent, then what the operator was: of what could not be sent too, whatever ended it.

    A night that made nothing has nothing new to alert anybody of.
    """
    pages = _caught(
        lambda: sending.send(settings, report, out=out, tell=tell, wait=wait), _("the mails of this night"), tell
    )
    news = MailReport()
    if not report.problem:
        news = _caught(lambda: alerts.send(settings, report, tell=tell, wait=wait), _("the alerts of this night"), tell)
    outcome = pages.beside(news)
    operator = _caught(
        lambda: sending.tell_operator(settings, report, problems=outcome.problems, wait=wait), _("the operator's mail")
    )
    return outcome, operator


def _caught(send: Send, what: str, tell: Callable[[str], object] = lambda line: None) -> MailReport:
    """What was sent; an error is a problem that begins with what it was about, and stops nothing."""
    try:
        return send()
    except Exception as error:
        problem = f"{what}: {logged(error)}"
        tell(problem)
        return MailReport(problems=(problem,))
