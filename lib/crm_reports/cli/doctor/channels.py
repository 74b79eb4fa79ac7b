"""What messages leave by: the mail server, the bot, the webhook for notices, addresses of webhooks. Nothing is sent."""

import time
from collections.abc import Callable, Iterator

from ... import mail
from ...settings import Mail, Settings, way
from ...settings.environ import HOOK, NOTIFY, TELEGRAM
from ...words.texts import _
from .check import Check, safely

Sleep = Callable[[float], object]


def checks(settings: Settings, sleep: Sleep = time.sleep) -> Iterator[Check]:
    """A line for each channel that is meant or could be opened."""
    keyring, channels = settings.keyring, {way(recipient).channel for recipient in _recipients(settings)}
    if settings.mail and settings.mail.host:
        yield from safely(_mail, settings, name=_("Mail"))
    if keyring.telegram or "telegram" in channels:
        yield from safely(_telegram, settings, name="Telegram")
    if keyring.notify or "bitrix24" in channels:
        yield from safely(_notices, settings, sleep, name=_("Notices"))
    if keyring.webhooks or "webhook" in channels:
        yield from safely(_webhooks, settings, name=_("Webhooks"))


def _recipients(settings: Settings) -> Iterator[str]:
    for preset in settings.presets:
        yield from preset.recipients
    for alert in settings.alerts:
        yield from alert.to
    if settings.mail:
        yield from (settings.mail.operator, *settings.mail.addresses.values())


def _mail(settings: Settings) -> Iterator[Check]:
    """The mail server, greeted and left: nobody logs in."""
    server = settings.mail
    words = {"host": server.host, "port": server.port, "name": mail.reach(settings)}
    yield Check(_("Mail"), "ok", _("{host}:{port} answers as {name}", **words))


def _telegram(settings: Settings) -> Iterator[Check]:
    if settings.keyring.telegram is None:
        remedy = _("Ask @BotFather for a bot and put its token into {variable}.", variable=TELEGRAM)
        yield Check("Telegram", "broken", _("somebody is to be told by it, and there is no bot"), remedy)
        return
    name = mail.reach_telegram(settings.mail or Mail(), settings.keyring.telegram)
    yield Check(
        "Telegram", "ok", _("the bot is {name}; whether it may write to a chat is seen when it does", name=name)
    )


def _notices(settings: Settings, sleep: Sleep) -> Iterator[Check]:
    if settings.keyring.notify is None:
        remedy = _("Make a webhook in Bitrix24 with the right im alone and put it into {variable}.", variable=NOTIFY)
        yield Check(
            _("Notices"), "broken", _("somebody is to be told in Bitrix24, and there is no webhook for it"), remedy
        )
        return
    owner, lacks, has_more = mail.reach_bitrix24(settings.keyring.notify, settings.limits, sleep)
    words = _("the webhook for notices belongs to {name}", name=owner)
    if lacks:
        remedy = _("Add the scope {scope!r} to the webhook.", scope="im")
        yield Check(_("Notices"), "broken", _("{words}, and may not send any", words=words), remedy)
    elif has_more:
        remedy = _("What a webhook may not do, it can't be misused for: take them away.")
        sentence = _("{words}; granted and not needed: {scopes}", words=words, scopes=", ".join(has_more))
        yield Check(_("Notices"), "look", sentence, remedy)
    else:
        yield Check(_("Notices"), "ok", words)


def _webhooks(settings: Settings) -> Iterator[Check]:
    """Only whether there is an address: to ask at it would be to send."""
    known = settings.keyring.webhooks
    names = {way(recipient).target for recipient in _recipients(settings) if way(recipient).channel == "webhook"}
    for name in sorted(names - known.keys()):
        sentence = _("webhook:{name} is to be told, and there is no address for it", name=name)
        yield Check(_("Webhooks"), "broken", sentence, _("Put it into {variable}.", variable=f"{HOOK}{name.upper()}"))
    if found := ", ".join(sorted(known)):
        yield Check(_("Webhooks"), "ok", _("there is an address for: {names}; nothing was sent there", names=found))
