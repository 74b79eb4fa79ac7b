"""Who is written to: by mail anna@acme.example, else by a channel bitrix24:17, telegram:-100123 or webhook:sales."""

import re
from collections.abc import Iterable
from typing import Annotated, NamedTuple

from pydantic import AfterValidator, Field

# What browsers take in <input type="email">: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
_LABEL = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_ADDRESS = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")

MAIL = "mail"
# A user's number; a chat's, or a public channel's name; the end of CRM_REPORTS_WEBHOOK_…, in small letters.
CHANNELS = {
    "bitrix24": re.compile(r"[1-9][0-9]{0,17}"),
    "telegram": re.compile(r"-?[1-9][0-9]{0,17}|@[A-Za-z][A-Za-z0-9_]{3,31}"),
    "webhook": re.compile(r"[a-z0-9_]{1,40}"),
}
RECIPIENTS = "'anna@acme.example', 'bitrix24:17', 'telegram:-100123' or 'webhook:sales'"


class Way(NamedTuple):
    """A channel, and whom it reaches there."""

    channel: str
    target: str


def way(recipient: str) -> Way:
    """The way to a recipient; what names no channel is an address."""
    channel, colon, target = recipient.partition(":")
    return Way(channel, target) if colon and channel in CHANNELS else Way(MAIL, recipient)


def by_mail(recipients: Iterable[str]) -> bool:
    """Whether one of them is written to by mail."""
    return any(way(recipient).channel == MAIL for recipient in recipients)


def is_address(text: object) -> bool:
    """True for what a mail can be sent to: one address, nothing around it."""
    return isinstance(text, str) and len(text) <= 254 and bool(_ADDRESS.fullmatch(text))


def is_recipient(text: object) -> bool:
    """True for whatever can be written to: an address, or a channel with its target."""
    if not isinstance(text, str):
        return False
    channel, target = way(text)
    return is_address(text) if channel == MAIL else bool(CHANNELS[channel].fullmatch(target))


def _recipient(text: str) -> str:
    if not is_recipient(text):
        raise ValueError
    return text


def _recipient_or_nothing(text: str) -> str:
    return text and _recipient(text)


def _address_or_nothing(text: str) -> str:
    if text and not is_address(text):
        raise ValueError
    return text


def name_and_address(text: str) -> tuple[str, str]:
    """Sales <sales@acme.example> in its two parts; an address alone has no name. ValueError for anything else."""
    match = re.fullmatch(r'"?([^<>@,"]*?)"?\s*<([^<>]+)>', text.strip())
    name, address = (match[1].strip(), match[2]) if match else ("", text)
    if not name.isprintable() or not is_address(address):
        raise ValueError
    return name, address


def _named_address(text: str) -> str:
    if text:
        name_and_address(text)
    return text


Recipient = Annotated[str, Field(strict=True), AfterValidator(_recipient)]
RecipientOrNothing = Annotated[str, Field(strict=True), AfterValidator(_recipient_or_nothing)]
AddressOrNothing = Annotated[str, Field(strict=True), AfterValidator(_address_or_nothing)]
NamedAddress = Annotated[str, Field(strict=True), AfterValidator(_named_address)]
