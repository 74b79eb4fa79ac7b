"""`crm-reports doctor`: what is well, what deserves a look, what is broken, and what to do about it; it changes nothing.

settings, problem = doctor.read(config, data, source)     # also where reports.toml is broken
for check in doctor.examine(settings, problem, out=…):    # a line each, as it is found
"""

import os
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from ...errors import SettingsError
from ...settings import Settings
from ...sources.bitrix24.pace import ORDINARY, Pace
from . import channels, configuration, export, machine, portal, stored
from .check import Check, State, safely

__all__ = ["Check", "State", "examine", "read"]


def read(config: Path | None, data: Path | None, source: str | None) -> tuple[Settings, str]:
    """The settings and nothing; or, where they can't be read, bare ones for all that does not hang on them, and why."""
    try:
        return Settings.read(config, data, source), ""
    except SettingsError as error:
        home = config.absolute().parent if config else Path.cwd()
        folder = data or Path(os.environ.get("CRM_REPORTS_DATA") or home / "data")
        return Settings(home=home, data=folder.absolute()), str(error)


def examine(
    settings: Settings,
    problem: str = "",
    *,
    out: Path,
    webhook: SecretStr | str | None = None,
    portal_url: str | None = None,
    pace: Pace = ORDINARY,
) -> Iterator[Check]:
    """Every check, in the order in which one thing rests on another; `problem` is what is wrong with the settings.

    `webhook`, `portal_url` and `pace` are those of a demo portal, as `sync` takes them.
    """
    webhook = webhook or settings.webhook
    secret = SecretStr(webhook) if isinstance(webhook, str) else webhook
    yield from configuration.checks(settings, problem)
    if not problem:
        yield from _source(settings, secret, portal_url, pace)
    yield from stored.checks(settings)
    yield from machine.checks(settings, out.absolute())
    yield from channels.checks(settings)


def _source(settings: Settings, webhook: SecretStr | None, portal_url: str | None, pace: Pace) -> Iterator[Check]:
    if settings.source.kind == "files":
        yield from safely(export.checks, settings)
    elif webhook:  # without one, the settings' own checks have said so
        yield from portal.checks(settings, webhook, portal_url, pace)
