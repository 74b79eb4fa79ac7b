"""What a process that runs a notebook may know and take: where its store is, no secret, and what [limits] allow."""

import os
from collections.abc import Mapping
from pathlib import Path

from ..settings import Settings
from ..settings.environ import HOOK, SECRETS
from ..words.texts import N_

TOO_LONG = N_("it took longer than it may: make it quicker, or raise page_seconds under [limits] in reports.toml")
TOO_MUCH_MEMORY = N_(
    "it took more memory than it may: let it hold less at a time, or raise page_memory under [limits] in reports.toml"
)

OURS = "CRM_REPORTS_"
SESSION = (
    "JPY_SESSION_NAME"  # by which Jupyter's server tells a kernel whose notebook it runs; a page's process has none
)
# Settings of a portal ask for a webhook. This one leads nowhere, and also goes before the real one in a .env.
NO_WEBHOOK = {
    "CRM_REPORTS_WEBHOOK": "https://hidden.invalid/rest/0/hidden/",
    **dict.fromkeys((name for name in SECRETS if name != "CRM_REPORTS_WEBHOOK"), ""),
}


def environment(settings: Settings) -> dict[str, str]:
    """What tells a notebook where its store and its settings are."""
    hooks = {f"{HOOK}{name.upper()}": "" for name in settings.keyring.webhooks}  # a .env may hold them
    variables = {"CRM_REPORTS_DATA": str(settings.data), **hooks}
    return variables | ({"CRM_REPORTS_CONFIG": str(settings.config)} if settings.config else {})


def clean(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """What a kernel may know: of CRM_REPORTS_… only what it is told, so no secret; and no profile of the user's."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith((OURS, SESSION))}
    ours = {"IPYTHONDIR": str(folder / "ipython"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return inherited | ours | NO_WEBHOOK | dict(environment)
