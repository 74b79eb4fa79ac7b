"""Messages → Telegram, by a bot: a text or the picture of the first chart with it, then the page as a document.

Telegram can't tell that it has a message already. A crash, or a connection that breaks, in the instant between its word
and our note sends that one message twice: better twice than never.
"""

import logging
import time
from collections.abc import Callable, Mapping
from html import escape
from typing import Any

from pydantic import SecretStr

from ..errors import MailError
from ..settings import Keyring, Mail, way
from ..settings.environ import TELEGRAM as TOKEN
from ..settings.secrecy import mask
from ..sources.bitrix24.pace import Pace, Turnstile
from ..words.texts import _
from .content import clean
from .delivery import Envelope, Later, Message, Never, NoUse, Unsent
from .wire import Reply, Wire
from .wording import fitted, reading

log = logging.getLogger(__name__)

TEXT, CAPTION = 4096, 1024  # characters
CHAT, GROUP = Pace(per_second=1, burst=1), Pace(per_second=1 / 3, burst=1)  # a group takes twenty a minute
PATIENCE, LONGEST_WAIT = 5, 120  # times, seconds, that one message waits because Telegram says so
REACH = 10  # seconds


class _Chats:
    """Lets messages through no faster than a chat takes them."""

    def __init__(self, wait: Callable[[float], object], clock: Callable[[], float]) -> None:
        self._wait, self._clock = wait, clock
        self._gates: dict[str, Turnstile] = {}

    def enter(self, chat: str) -> None:
        pace = GROUP if chat.startswith(("-", "@")) else CHAT
        gate = self._gates.setdefault(chat, Turnstile(pace, self._clock, self._wait))
        gate.enter(set())


class Telegram:
    """Carries messages to chats."""

    def __init__(
        self,
        mail: Mail,
        token: SecretStr | None,
        *,
        wait: Callable[[float], object],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._mail, self._token, self._wait = mail, token, wait
        self._chats, self._wire = _Chats(wait, clock), None

    def send(self, envelope: Envelope) -> None:
        if self._token is None:
            raise NoUse(_("no bot of Telegram is known: put its token into {variable}", variable=TOKEN))
        chat = way(envelope.to).target
        message, texts = envelope.make(), {most: text(envelope, most) for most in (TEXT, CAPTION)}
        try:
            self._say(chat, message, texts)
        except _Moved as moved:
            log.warning("%s", moved)
            self._say(moved.chat, message, texts)

    def _say(self, chat: str, message: Message, texts: Mapping[int, str]) -> None:
        if message.document:
            self._call("sendDocument", chat, _document(message), {"document": _file(message)})
            return
        if message.picture:
            try:
                picture = {"photo": ("chart.png", message.picture, "image/png")}
                self._call("sendPhoto", chat, {"caption": texts[CAPTION]}, picture)
            except _Moved:
                raise
            except Never:  # a chart too tall for it, say; without its picture the message is still worth sending
                pass
            else:
                return
        quiet = {"link_preview_options": '{"is_disabled":true}'}  # or its servers would ask for the page
        self._call("sendMessage", chat, {"text": texts[TEXT]} | quiet)

    def _call(self, method: str, chat: str, fields: Mapping[str, str], files: Mapping[str, Any] | None = None) -> None:
        for _attempt in range(PATIENCE):
            self._chats.enter(chat)
            data = {"chat_id": chat, "parse_mode": "HTML", **fields}
            reply = self._ask(method, data=data, files=files)
            if reply.body.get("ok") is True:
                return
            pause = _pause(reply)
            if not 0 < pause <= LONGEST_WAIT:
                break
            self._wait(pause)
        raise _refusal(reply, chat)

    def _ask(self, method: str, **content: Any) -> Reply:
        if self._wire is None:
            self._wire = _wire(self._mail, self._token, self._mail.timeout)
        return self._wire.post(_address(self._mail, self._token, method), **content)

    def close(self) -> None:
        wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()


def reach(mail: Mail, token: SecretStr) -> str:
    """The bot's name; nothing is sent. MailError when it can't be had."""
    try:
        with _wire(mail, token, min(mail.timeout, REACH)) as wire:
            reply = wire.post(_address(mail, token, "getMe"))
            if reply.body.get("ok") is not True:
                raise _refusal(reply, "")
    except Unsent as error:
        why = str(error)
    else:
        bot = reply.body.get("result")
        return clean(f"@{bot.get('username')}", 100) if isinstance(bot, dict) else "?"
    raise MailError(why)


def text(envelope: Envelope, most: int) -> str:
    """The message in its reader's language."""
    with reading(envelope) as message:
        return fitted(message, most, html)


def shown(envelope: Envelope) -> str:
    """The text that goes out, as long as it may be beside a picture if there is one."""
    return text(envelope, CAPTION if envelope.make().picture else TEXT)


def html(message: Message) -> str:
    """The message in Telegram's HTML."""
    lines = "\n".join(f"• {escape(sentence, quote=False)}" for sentence in message.sentences)
    link = f'<a href="{escape(message.link)}">{escape(_("Open the report"), quote=False)}</a>' if message.link else ""
    title = f"<b>{escape(message.title, quote=False)}</b>" if message.title else ""
    return "\n\n".join(filter(None, [title, lines, link]))


def _document(message: Message) -> dict[str, str]:
    """The message has come already, and with a sound; the file says what it is and makes none."""
    return {"caption": escape(message.title, quote=False), "disable_notification": "true"}


def _file(message: Message) -> tuple[str, bytes, str]:
    return message.document.name, message.document.content, message.document.kind


# ── What Telegram says ───────────────────────────────────────────────────────────────────────────────────────────────


class _Moved(Never):
    """The group is a supergroup now, with another number."""

    def __init__(self, before: str, chat: str) -> None:
        words = {"before": f"telegram:{before}", "now": f"telegram:{chat}"}
        super().__init__(_("the group {before} is {now} now: change that in reports.toml", **words))
        self.chat = chat


def _parameters(reply: Reply) -> Mapping[str, Any]:
    parameters = reply.body.get("parameters")
    return parameters if isinstance(parameters, dict) else {}


def _pause(reply: Reply) -> float:
    """The seconds after which Telegram wants to be asked again, 0 when it says none."""
    seconds = _parameters(reply).get("retry_after", reply.retry_after)
    return float(seconds) if isinstance(seconds, int | float) else 0.0


def _refusal(reply: Reply, chat: str) -> Unsent:
    code = reply.body.get("error_code", reply.status)
    words = clean(reply.body.get("description") or reply.words, 200)
    if code in (401, 404):
        return NoUse(_("Telegram does not know the bot ({said}): look at {variable}", said=words, variable=TOKEN))
    moved = _parameters(reply).get("migrate_to_chat_id")
    if isinstance(moved, int):
        return _Moved(chat, str(moved))
    if reply.passes or reply.status < 400:
        return Later(_("Telegram takes nothing for now: {said}", said=words), is_broken=reply.status >= 500)
    if code == 403:
        return Never(
            _(
                "Telegram may not write to {chat} ({said}): let them press Start in the bot, or add it to the group",
                chat=chat,
                said=words,
            )
        )
    return Never(_("Telegram refuses the message to {chat}: {said}", chat=chat, said=words))


def _wire(mail: Mail, token: SecretStr, timeout: float) -> Wire:
    mask.learn(*Keyring(telegram=token).secrets)
    return Wire("Telegram", mail.telegram_api, timeout=timeout)


def _address(mail: Mail, token: SecretStr, method: str) -> str:
    return f"{mail.telegram_api}bot{token.get_secret_value()}/{method}"
