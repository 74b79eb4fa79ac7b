"""`crm-reports checks`: what was looked at before the numbers, check by check, with its last nights."""

from collections.abc import Iterable
from typing import Annotated

import typer

from ..errors import FilterError, all_at_once, near
from ..settings import Settings
from ..words.texts import _, speaking
from .options import FAILED, Config, Data, tell


def checks(
    accept: Annotated[
        list[str], typer.Option("--accept", metavar="NAME", help="Take what this check says for usual from now on.")
    ] = [],  # noqa: B006  typer reads it and never changes it
    config: Config = None,
    data: Data = None,
) -> None:
    """Says of each check of the data its value, limit and level, its last nights, and what to do where it is not well."""
    from ..night import checks as room
    from .check_lines import line
    from .doctor.shown import shown

    settings = Settings.read(config, data)
    with speaking(settings.language):
        all_at_once(_unknown(accept, room.CHECKS), FilterError)
        results = room.accept(settings, accept)
        nights, _damaged = room.nights(settings)
        for result in results:
            shown(line(result, nights))
    if any(result.state == "error" for result in results):
        raise typer.Exit(FAILED)


def is_well(settings: Settings) -> bool:
    """Whether no check of the new data stops the mails; what is not well was told."""
    from ..night import Troubles, look_at_data

    results, _repairs = look_at_data(settings, Troubles(tell))
    return not any(result.state == "error" for result in results)


def _unknown(names: Iterable[str], checks: Iterable[str]) -> Iterable[str]:
    for name in set(names) - set(checks):
        close = ", ".join(near(name, checks) or checks)
        yield _("there is no check {name!r}; near: {close}", name=name, close=close)
