"""Whatever is to be told, to whomever, by whatever channel they are named with: one way in, one record of what went out.

    with channels.record(settings) as ledger:
        report = channels.deliver([Message("telegram:-100123", key, "Won money fell", ("…",), link)], settings, ledger)

`report.sent` and `report.problems` are for the log; what went out before is only counted (`report.already`), and a
channel that fails stops no other.
"""

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from email.message import EmailMessage

from ..settings import MAIL, Mail, Settings, way
from ..settings.secrecy import mask
from ..store.locks import only_one
from ..words.texts import _
from . import bitrix24, delivery, telegram, webhook
from .bitrix24 import Bitrix24
from .delivery import Carrier, Envelope, MailReport, Message
from .ledger import Ledger, kept_at
from .messages import plain_mail
from .smtp import Smtp
from .telegram import Telegram
from .webhook import Webhook

LEDGER = "mail.sqlite3"
_TEXTS = {
    "telegram": telegram.shown,
    "bitrix24": bitrix24.text,
    "webhook": webhook.content,
}


@contextmanager
def record(settings: Settings) -> Iterator[Ledger]:
    """The record of what went out, for one process at a time: StoreError while another one sends."""
    busy = _("another process is mailing from {folder!r}: wait for it to end", folder=str(settings.data))
    with only_one(settings.data / "mail.lock", busy), kept_at(settings.data / LEDGER) as ledger:
        yield ledger


def deliver(
    messages: Sequence[Message], settings: Settings, ledger: Ledger, *, wait: Callable[[float], object] = time.sleep
) -> MailReport:
    """Send those whose key did not go to that recipient before. Call it in the language that they are written in."""
    envelopes = [_envelope(message) for message in messages]
    new = [envelope for envelope in envelopes if not ledger.has(envelope.key)]
    return replace(send_all(new, settings, ledger, wait=wait), already=len(envelopes) - len(new))


def _envelope(message: Message) -> Envelope:
    key = key_of("message", message.key, message.to.casefold())
    return Envelope(message.to, message.about or message.title, key, lambda: replace(message, key=key))


def key_of(*parts: object) -> str:
    """A name for what is sent, of one length."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()


def send_all(
    envelopes: Sequence[Envelope], settings: Settings, ledger: Ledger, *, wait: Callable[[float], object]
) -> MailReport:
    """Send them all, and note each in the ledger as soon as it was taken."""
    lines: list[str] = []

    def accept(envelope: Envelope) -> None:
        if envelope.key:
            ledger.add(envelope.key, page=envelope.about, recipient=envelope.to)
        lines.append(f"{envelope.about} → {envelope.to}")

    refusals = delivery.deliver(envelopes, _Carriers(settings, wait).of, accept=accept, wait=wait)
    problems = (f"{refusal.envelope.about} → {refusal.envelope.to}: {refusal.why}" for refusal in refusals)
    return MailReport(tuple(lines), problems=tuple(problems))


class _Carriers:
    """What carries the messages of each channel, made when first needed."""

    def __init__(self, settings: Settings, wait: Callable[[float], object]) -> None:
        mask.learn(*settings.secrets)  # any server may say back what another is opened by
        self._settings, self._wait = settings, wait
        self._made: dict[str, Carrier] = {}

    def of(self, channel: str) -> Carrier:
        if channel not in self._made:
            self._made[channel] = self._make(channel)
        return self._made[channel]

    def _make(self, channel: str) -> Carrier:
        settings, mail, keyring = self._settings, self._settings.mail or Mail(), self._settings.keyring
        if channel == MAIL:
            return Smtp(mail, settings.login, settings.language)
        if channel == "telegram":
            return Telegram(mail, keyring.telegram, wait=self._wait)
        if channel == "bitrix24":
            return Bitrix24(keyring.notify, settings.limits, wait=self._wait)
        return Webhook(mail, keyring.webhooks, wait=self._wait)


def preview(envelope: Envelope, mail: Mail, language: str) -> dict[str, bytes]:
    """What would go out, by the end of a file's name: a mail, or a chat's text in its own markup and what comes with it."""
    message, channel = envelope.make(), way(envelope.to).channel
    if channel == MAIL:
        return {"eml": bytes(message if isinstance(message, EmailMessage) else plain_mail(message, mail, language))}
    if channel == "telegram" and message.document:
        return {message.document.name.rpartition(".")[2]: message.document.content}
    files = {"json" if channel == "webhook" else "txt": _TEXTS[channel](envelope).encode()}
    return files | ({"png": message.picture} if channel == "telegram" and message.picture else {})
