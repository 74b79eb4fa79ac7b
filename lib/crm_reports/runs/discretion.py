"""A notebook is a program, and may open the file that the secrets are in: what it shows of them is not published."""

import json
from collections.abc import Iterable
from html import escape
from pathlib import Path

from ..settings import Settings
from ..settings.secrecy import without
from ..words.texts import _


def what_shows(contents: Iterable[str | Path], settings: Settings) -> str:
    """Why these texts, or the files at these paths, can't be published; "" when none of them shows a secret."""
    forms = [form.encode().lower() for secret in settings.secrets for form in _forms(secret)]
    for text in contents if forms else ():
        content = (
            text.encode("utf-8", "replace") if isinstance(text, str) else text.read_bytes() if text.is_file() else b""
        )
        content = content.lower()  # a code is as good in capitals
        if any(form in content for form in forms):
            return _("the notebook shows a webhook, a bot's token or the mail server's password: take that out of it")
    return ""


def _forms(secret: str) -> set[str]:
    """The secret as it stands in a text, in JSON, and in HTML."""
    return {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], escape(secret)}


def without_secrets(text: str, settings: Settings) -> str:
    """The text with the secrets gone."""
    return without(text, settings.secrets)


def refusal(files: Iterable[Path], error: str, failed: Path, settings: Settings) -> str:
    """Why a run's files can't be handed out: its own `error`, or that they show a secret; "" when they can.

    `failed` is where its notebook is kept if it failed; one that shows a secret is not.
    """
    sentence = what_shows([failed] if error else files, settings) or error
    if sentence:
        clear(failed, settings)
    return without_secrets(sentence, settings)


def clear(path: Path, settings: Settings) -> None:
    """Remove a notebook that failed and shows a secret; others are kept for whoever has to mend them."""
    if what_shows([path], settings):
        path.unlink()
