"""Texts without secrets: a portal, a proxy or a notebook may say them back in letters of another case."""

import logging
import re
from collections.abc import Iterable

WEBHOOK = re.compile(r"(/rest/)[^\s'\"?>]*", re.IGNORECASE)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with an ellipsis where a secret was."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):  # the whole before its parts
        text = re.sub(re.escape(secret), "…", text, flags=re.IGNORECASE)
    return text


def without_webhooks(text: str) -> str:
    """The text with the codes of all webhooks' addresses gone."""
    return WEBHOOK.sub(r"\1…", text)


class Mask(logging.Filter):
    """Hides secrets in what is logged and told: httpx writes the whole address of every request at INFO, httpcore the
    headers with a redirect's target.
    """

    def __init__(self) -> None:
        super().__init__()
        self._secrets: set[str] = set()

    def learn(self, *secrets: str) -> None:
        """From now on these are hidden wherever they stand, not only in an address."""
        self._secrets.update(secrets)

    def hidden(self, text: str) -> str:
        """The text without them, and without the code of any webhook of Bitrix24."""
        return without(without_webhooks(text), self._secrets)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self.hidden(record.getMessage()), ()
        return True


mask = Mask()
if logging.getLogger("httpx").level == logging.NOTSET:
    logging.getLogger("httpx").setLevel(logging.WARNING)  # a line for every request would bury the rest
for _logger in ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy", "socks"))):
    logging.getLogger(_logger).addFilter(mask)
