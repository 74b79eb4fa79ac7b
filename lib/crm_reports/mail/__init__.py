"""A night's finished pages, and whatever else is to be told → messages: by mail, in Bitrix24, in Telegram, to a webhook.

docs/mail.md and docs/channels.md tell how to switch them on. Whoever has something of their own to tell does it so:

    with mail.record(settings) as ledger:
        report = mail.deliver([mail.Message("telegram:-100123", key, title, sentences, link)], settings, ledger)

`key` names what is said, and of what: nothing of one key goes to the same recipient twice, after any crash (Telegram
alone can't tell whether it had it, and may get one twice). Titles and sentences are escaped here, and only here.
"""

from .bitrix24 import reach as reach_bitrix24
from .channels import deliver, record
from .delivery import Attachment, MailReport, Message
from .nightly import send_and_tell
from .sending import night_of, send, tell_operator
from .smtp import reach
from .telegram import reach as reach_telegram

__all__ = [
    "Attachment",
    "MailReport",
    "Message",
    "deliver",
    "night_of",
    "reach",
    "reach_bitrix24",
    "reach_telegram",
    "record",
    "send",
    "send_and_tell",
    "tell_operator",
]
