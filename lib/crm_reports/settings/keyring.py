"""The secrets of the channels, from the environment or .env: none of them is ever in reports.toml."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from dotenv import dotenv_values
from pydantic import SecretStr

from .environ import HOOK, NOTIFY, TELEGRAM, WRITE
from .parts import LOOPBACK

PORTAL = "an address such as https://HOST/rest/USER/CODE/ (https only, unless HOST is this machine)"
SHORTEST = 16  # letters of an address's part that could be a secret: "services" and "workflows" are words of pages


class Keyring(NamedTuple):
    """What opens each channel: the bot's token, the webhook for notices in Bitrix24, addresses of webhooks by name; and the
    webhook that to-dos are written by.
    """

    telegram: SecretStr | None = None
    notify: SecretStr | None = None
    write: SecretStr | None = None
    webhooks: dict[str, SecretStr] = {}  # noqa: RUF012  it is never changed

    @property
    def secrets(self) -> tuple[str, ...]:
        """All of it that no text may show, in plain."""
        return tuple(dict.fromkeys(self._secrets()))

    def _secrets(self) -> Iterator[str]:
        if self.telegram:
            token = self.telegram.get_secret_value()
            yield from (token, token.partition(":")[2])
        for webhook in filter(None, (self.notify, self.write)):
            yield webhook.get_secret_value().rstrip("/").rpartition("/")[2]
        for address in self.webhooks.values():
            yield from _parts(address.get_secret_value())


def _parts(address: str) -> Iterator[str]:
    """The address, and what in it a server might say back alone."""
    parts = urlsplit(address)
    yield address
    values = (value for _name, value in parse_qsl(parts.query))
    yield from (part for part in (*parts.path.split("/"), *values) if len(part) >= SHORTEST)


def variables(env_file: Path) -> dict[str, str]:
    """The variables of the channels that are not empty; the environment's go before those of the file."""
    content = {name.upper(): value for name, value in dotenv_values(env_file, encoding="utf-8-sig").items()}
    content |= {name.upper(): value for name, value in os.environ.items()}
    return {name: value.strip() for name, value in content.items() if value and _is_ours(name)}


def _is_ours(name: str) -> bool:
    return name in (TELEGRAM, NOTIFY, WRITE) or name.startswith(HOOK)


def keyring(values: Mapping[str, str]) -> Keyring:
    """The keyring of these variables."""
    hooks = {name: value for name, value in values.items() if name.startswith(HOOK)}
    return Keyring(
        telegram=SecretStr(values[TELEGRAM]) if TELEGRAM in values else None,
        notify=SecretStr(values[NOTIFY].rstrip("/") + "/") if NOTIFY in values else None,
        write=SecretStr(values[WRITE].rstrip("/") + "/") if WRITE in values else None,
        webhooks={name.removeprefix(HOOK).lower(): SecretStr(value) for name, value in hooks.items()},
    )


def mistakes(values: Mapping[str, str], reading: SecretStr | None) -> list[str]:
    """A sentence for each that can't be right; `reading` is the webhook that the data are read by."""
    return list(_mistakes(values, reading))


def _mistakes(values: Mapping[str, str], reading: SecretStr | None) -> Iterator[str]:
    token = values.get(TELEGRAM, "")
    if token and not re.fullmatch(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}", token):
        yield f"{TELEGRAM} (hidden, {len(token)} characters) is no token; allowed: what @BotFather gave, such as 123456:ABC…"
    for name, right in {NOTIFY: "im", WRITE: "crm"}.items():
        if not (webhook := values.get(name, "")):
            continue
        if sentence := wrong_webhook(name, webhook):
            yield sentence
        elif reading and reading.get_secret_value().strip().rstrip("/") == webhook.rstrip("/"):
            yield (
                f"{name} (hidden) is the webhook that the data are read by; make one of its own in Bitrix24, "
                f"with the right {right} and no other"
            )
    for name, value in values.items():
        if name.startswith(HOOK) and not _is_safe_address(value):
            words = "an address that begins with https:// (http:// only for this machine)"
            yield f"{name} (hidden, {len(value)} characters) is no webhook; allowed: {words}"


def wrong_webhook(name: str, text: str) -> str:
    """What is wrong with a webhook of Bitrix24 in the variable of that name; "" when nothing is."""
    if not re.fullmatch(r"https?://[^/?#@\s]+/rest/[^/?#\s]+/[^/?#\s]+/?", text) or not _host(text):
        return f"{name} (hidden, {len(text)} characters) is no webhook; allowed: {PORTAL}"
    if not _is_safe_address(text):
        return f"{name} (hidden) begins with http://; allowed: {PORTAL}"
    return ""


def _is_safe_address(text: str) -> bool:
    """Whether it can be written to, and nobody on the way can read what is."""
    is_whole = bool(re.fullmatch(r"https?://[^/?#@\s]+(/[^#\s]*)?", text)) and bool(_host(text))
    return is_whole and (text.startswith("https://") or _host(text) in LOOPBACK)


def _host(text: str) -> str:
    """The host, "" for what is no address."""
    try:
        address = urlsplit(text)
        _port = address.port
    except ValueError:
        return ""
    return address.hostname or ""
