"""`crm-reports alerts`: what the alerts of reports.toml find in the last sync, and to whom it is news."""

from typing import Annotated

import typer

from ..settings import Settings
from ..words.terminal import one_line
from ..words.texts import _, speaking
from .options import FAILED, Config, Data, tell


def alerts(
    send: Annotated[bool, typer.Option("--send", help="Tell everybody what they do not know yet.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Says what the alerts of reports.toml find in the last sync, and to whom it is news. Sends nothing without --send."""
    settings = Settings.read(config, data)
    with speaking(settings.language):
        if not settings.alerts:
            tell(_("there are no alerts in reports.toml; docs/alerts.md has some to begin with"))
            return
        is_well = _send(settings) if send else _preview(settings)
    if not is_well:
        raise typer.Exit(FAILED)


def _send(settings: Settings) -> bool:
    from ..mail import alerts as room

    outcome = room.send(settings, room.last_night(settings), tell=tell)
    for line in outcome.sent:
        typer.echo(one_line(line))
    words = _("{sent} sent, {already} sent before, {problems} not.", sent=len(outcome.sent), already=outcome.already,
              problems=len(outcome.problems))  # fmt: skip
    for line in (*outcome.problems, words):
        tell(line)
    return outcome.is_whole


def _preview(settings: Settings) -> bool:
    from ..mail import alerts as room

    lines, notes, problems = room.preview(settings, room.last_night(settings))
    for line in lines:
        typer.echo(one_line(line))
    for line in (*notes, *problems):
        tell(line)
    return not problems
