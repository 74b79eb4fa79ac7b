"""The program, the settings, where the secrets are, and whether the presets name reports that exist."""

import os
import platform
import stat
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from ...errors import ReportError
from ...runs import preparation
from ...settings import Settings
from ...words.texts import _, many
from .check import Check, safely

# Where they come from is no key of reports.toml.
_NOT_IN_FILE = {"home", "data", "config", "webhook", "login", "keyring"}
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def checks(settings: Settings, problem: str) -> Iterator[Check]:
    program = f"crm-reports {version('crm-reports')}, Python {platform.python_version()}, {platform.system()}"
    yield Check(_("Program"), "ok", program)
    if problem:
        yield Check(_("Settings"), "broken", problem, _("Correct what is named here; nothing runs before."))
        return
    yield from safely(_settings, settings, name=_("Settings"))
    yield from safely(_secret, settings, name=_("Webhook"))
    yield from safely(_presets, settings, name=_("Presets"))


def _settings(settings: Settings) -> Iterator[Check]:
    fields = {name: field for name, field in type(settings).model_fields.items() if name not in _NOT_IN_FILE}
    keys = [name for name, field in fields.items() if getattr(settings, name) != field.get_default()]
    words = {"said": ", ".join(keys) or _("nothing"), "rest": ", ".join(name for name in fields if name not in keys)}
    if settings.config:
        sentence = _("{file} decides {said}; as usual: {rest}", file=settings.config, **words)
        yield Check(_("Settings"), "ok", sentence)
        return
    sentence = _("there is no reports.toml in {folder} or above it: all is as usual", folder=Path.cwd())
    remedy = _("Write one (README.md, “Your own portal”), or name it: --config FILE.")
    yield Check(_("Settings"), "look", sentence, remedy)


def _secret(settings: Settings) -> Iterator[Check]:
    env_file = settings.home / ".env"
    if settings.source.kind == "bitrix24" and not settings.webhook:
        remedy = _(
            "Make an incoming webhook in Bitrix24 and put https://HOST/rest/USER/CODE/ into CRM_REPORTS_WEBHOOK."
        )
        yield Check(_("Webhook"), "broken", _("the source is Bitrix24, and there is no webhook"), remedy)
    if settings.source.kind != "bitrix24" and os.environ.get("CRM_REPORTS_WEBHOOK"):
        sentence = _("CRM_REPORTS_WEBHOOK is set and not used: the source is {kind!r}", kind=settings.source.kind)
        yield Check(_("Webhook"), "look", sentence, _('Say source = "bitrix24" in reports.toml, or --source bitrix24.'))
    if env_file.is_file() and os.name == "posix" and env_file.stat().st_mode & _OTHERS:
        sentence = _("{file} holds secrets, and others on this machine may read it", file=env_file)
        yield Check(_("Secrets"), "look", sentence, f"chmod 600 {env_file}")


def _presets(settings: Settings) -> Iterator[Check]:
    problems = list(filter(None, (_without_notebook(preset.report, settings) for preset in settings.presets)))
    for problem in dict.fromkeys(problems):
        yield Check(_("Presets"), "broken", problem, _("Correct the preset's report in reports.toml."))
    if not problems:
        n = len(settings.presets)
        sentence = many("{n} preset, its report is there", "{n} presets, their reports are there", n)
        yield Check(_("Presets"), "ok", sentence if n else _("none: the five reports run with their defaults"))


def _without_notebook(report: str, settings: Settings) -> str:
    try:
        preparation.find(report, settings)
    except ReportError as error:
        return str(error)
    return ""
