"""Texts without secrets: a portal, a proxy or a notebook may say them back in letters of another case."""

import re
from collections.abc import Iterable

WEBHOOK = re.compile(r"(/rest/)[^\s'\"?>]*", re.IGNORECASE)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with an ellipsis where a secret was."""
    for secret in filter(None, secrets):
        text = re.sub(re.escape(secret), "…", text, flags=re.IGNORECASE)
    return text


def without_webhooks(text: str) -> str:
    """The text with the codes of all webhooks' addresses gone."""
    return WEBHOOK.sub(r"\1…", text)
