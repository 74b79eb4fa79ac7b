"""A letter and who it goes to → an e-mail message: headers, threads, attachments."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from html import escape
from typing import Any

from ..settings import Mail
from ..settings.recipients import name_and_address
from ..words.texts import _
from .content import clean
from .delivery import Attachment, Message
from .letter import Letter, put_into, wrap

SUBJECT, MOST = 150, 400  # characters of a subject, of a sentence


class _Policy(EmailPolicy):
    """SMTP's own, but for headers in other alphabets: Python's folding loses spaces between their encoded words."""

    def fold(self, name: str, value: Any) -> str:
        if str(value).isascii() or name not in ("Subject", "From"):
            return super().fold(name, value)
        text, end = str(value), ""
        if name == "From":
            (address,) = value.addresses
            text, end = address.display_name, f"{self.linesep} <{address.addr_spec}>"
        return f"{name}: {Header(text, 'utf-8', header_name=name).encode(linesep=self.linesep)}{end}{self.linesep}"

    def fold_binary(self, name: str, value: Any) -> bytes:
        return self.fold(name, value).encode("ascii", "surrogateescape")


POLICY = _Policy(linesep="\r\n")


def message(
    letter: Letter, *, mail: Mail, to: str, subject: str, id: str, thread: str, language: str,
    attachments: Sequence[Attachment] = (),
) -> EmailMessage:  # fmt: skip
    """The message for one recipient. `id` names the message, `thread` its conversation and list; both stay the same
    when the message is made again, so that a mailbox that gets it twice can tell.
    """
    message = EmailMessage(policy=POLICY)
    name, sender = name_and_address(mail.sender)
    message["From"] = Address(display_name=clean(name, 100), addr_spec=sender)
    message["To"] = Address(addr_spec=to)
    if mail.reply_to:
        message["Reply-To"] = Address(addr_spec=mail.reply_to)
    message["Subject"] = clean(subject, SUBJECT)
    message["Date"] = format_datetime(datetime.now(UTC))
    message["Content-Language"] = language
    for header, value in _marks(sender, id, thread).items():
        message[header] = value
    put_into(message, letter)
    html = message.get_body(("html",))
    for picture in letter.pictures:
        html.add_related(picture.png, "image", "png", cid=f"<{picture.cid}>", disposition="inline")
    for attachment in attachments:
        main, _slash, sub = attachment.kind.partition("/")
        message.add_attachment(attachment.content, main, sub, filename=attachment.name)
    return message


def plain_mail(note: Message, mail: Mail, language: str) -> EmailMessage:
    """The mail of a message that has no letter of its own: its sentences, what comes after, the link."""
    title = clean(note.title, SUBJECT)
    sentences = [clean(sentence, MOST) for sentence in note.sentences]
    link = [f"{_('Open the report')}: {note.link}"] if note.link else []
    text = "\n".join([wrap(title, ""), "", *(wrap(line, "- ") for line in sentences), "", *note.after, *link, ""])
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    after = [*map(escape, note.after), *([_anchor(note.link)] if note.link else [])]
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8"><title>{escape(title)}</title></head>'
        f"<body><p><b>{escape(title)}</b></p><ul>{items}</ul><p>{'<br>'.join(after)}</p></body></html>"
    )
    attachments = [note.document] if note.document else []
    return message(
        Letter(html, text), mail=mail, to=note.to, subject=title, id=note.key, thread=note.about or title,
        language=language, attachments=attachments,
    )  # fmt: skip


def _anchor(link: str) -> str:
    return f'<a href="{escape(link)}">{escape(_("Open the report"))}</a>'


def _marks(sender: str, id: str, thread: str) -> dict[str, str]:
    """What mail programs go by: which message, which conversation, and that no answer by machine is wanted."""
    domain = sender.rpartition("@")[2]
    root = f"<{_short(thread)}.thread@{domain}>"
    return {
        "Message-ID": f"<{_short(id)}.mail@{domain}>",
        "In-Reply-To": root,
        "References": root,
        "List-Id": f"<{_short(thread)}.crm-reports.{domain}>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    }


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]
