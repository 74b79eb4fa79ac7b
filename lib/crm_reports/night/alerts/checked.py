"""What an alert about one of the night's checks has to say."""

from ...errors import MetricError, near
from ...settings import Alert, Settings
from ...words.texts import _
from ..checks import CHECKS, Result, standing
from .states import State


def state(alert: Alert, settings: Settings) -> State:
    """How that check stands: it speaks where it warns or stops the mails."""
    if alert.check not in CHECKS:
        close = ", ".join(near(alert.check, CHECKS) or CHECKS)
        raise MetricError(_("there is no check {name!r}; near: {close}", name=alert.check, close=close))
    result = next((result for result in standing(settings) if result.name == alert.check), None)
    if result is None or result.state in ("new", "off"):
        title = result.heading if result else _(CHECKS[alert.check].title)
        return State(alert.name, "", "", "missing", "", 0.0, title, (_("There is nothing to measure it by yet."),))
    kind = "" if result.state == "ok" else result.state
    return State(alert.name, "", "", kind, "", result.value or 0.0, result.heading, _sentences(result) if kind else ())


def _sentences(result: Result) -> tuple[str, ...]:
    """What is unusual, what to do, and whether the mails wait for it."""
    held = [_("The mails are held back until then.")] if result.state == "error" else []
    return (f"{result.text.rstrip('.')}.", _(CHECKS[result.name].remedy), *held)
