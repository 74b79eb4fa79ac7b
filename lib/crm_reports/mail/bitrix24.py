"""Messages → notices in Bitrix24, by a webhook of their own whose one right is im.

A notice takes the place of the one with the same TAG: a message that is sent again after a crash is there once.
"""

import re
from collections.abc import Callable

from pydantic import SecretStr

from ..errors import MailError, PortalError, ScopeError
from ..settings import Limits, way
from ..settings.environ import NOTIFY
from ..sources.bitrix24 import probe, tables
from ..sources.bitrix24.client import Client
from ..sources.bitrix24.pace import Pace
from ..sources.bitrix24.refusals import AuthError, Passing
from ..words.texts import _
from .content import clean
from .delivery import Envelope, Later, Message, Never, NoUse, Unsent
from .wording import BREAK, fitted, reading

METHOD, RIGHT = "im.notify.system.add", "im"
TEXT = 20_000  # characters that Bitrix24 keeps of a message
OURS = "crm-reports"  # CLIENT_ID, without which a webhook's TAG means nothing
ATTEMPTS = 3
GENTLE = Pace(per_second=2, burst=10, together=1)


class Bitrix24:
    """Carries messages to people's notices."""

    def __init__(self, webhook: SecretStr | None, limits: Limits, *, wait: Callable[[float], object]) -> None:
        self._webhook, self._limits, self._wait = webhook, limits, wait
        self._client: Client | None = None

    def send(self, envelope: Envelope) -> None:
        if self._webhook is None:
            raise NoUse(
                _("no webhook for notices is known: make one in Bitrix24 with the right im and put it into {variable}",
                  variable=NOTIFY)
            )  # fmt: skip
        user = way(envelope.to).target
        tag = {"TAG": f"{OURS}|{envelope.key}", "SUB_TAG": OURS, "CLIENT_ID": OURS} if envelope.key else {}
        try:
            answer = self._opened().call(METHOD, USER_ID=int(user), MESSAGE=text(envelope), **tag)
        except PortalError as error:
            refusal = _refusal(error)
        else:
            if answer.result:
                return
            refusal = Never(_("Bitrix24 took no notice for user {user}: is there somebody of that number?", user=user))
        raise refusal

    def _opened(self) -> Client:
        if self._client is None:
            self._client = _client(self._webhook, self._limits, self._wait)
        return self._client

    def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()


def _client(webhook: SecretStr, limits: Limits, wait: Callable[[float], object]) -> Client:
    return Client(webhook, pace=GENTLE, attempts=ATTEMPTS, limits=limits, writes={METHOD}, sleep=wait)


def reach(webhook: SecretStr, limits: Limits, wait: Callable[[float], object]) -> tuple[str, bool, list[str]]:
    """Whose the webhook is, whether it may not send, and what it may beside; nothing is sent. MailError: it can't be asked."""
    try:
        with _client(webhook, limits, wait) as client:
            owner = probe.owner(client)
            rights = tables.scopes(client.call("scope")) or {RIGHT}
    except PortalError as error:
        why = str(_refusal(error))
    else:
        return owner.name or "—", RIGHT not in rights, sorted(rights - {RIGHT})
    raise MailError(why)


def text(envelope: Envelope) -> str:
    """The notice in its reader's language."""
    with reading(envelope) as message:
        return fitted(message, TEXT, bb)


def bb(message: Message) -> str:
    """The message in Bitrix24's own markup."""
    lines = "\n".join(f"• {harmless(sentence)}" for sentence in message.sentences)
    address = message.link.replace("[", "%5B").replace("]", "%5D")
    link = f"[url={address}]{_('Open the report')}[/url]" if address else ""
    title = f"[b]{harmless(message.title)}[/b]" if message.title else ""
    return "\n\n".join(filter(None, [title, lines, link]))


def harmless(text: str) -> str:
    """The text in which nothing is a code of the markup, a quotation or a line of its own: there is no escape for them."""
    text = text.replace("[", f"[{BREAK}").replace("#BR#", f"#{BREAK}BR#")
    return re.sub(r"^(>>|------)", rf"{BREAK}\1", text)


def _refusal(error: PortalError) -> Unsent:
    words = clean(str(error).replace("CRM_REPORTS_WEBHOOK", NOTIFY), 300)  # the client speaks of the reading one
    if isinstance(error, AuthError | ScopeError) or error.code == "moved":
        return NoUse(words)
    return Later(words, is_broken=True) if isinstance(error, Passing) else Never(words)
