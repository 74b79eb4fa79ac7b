"""Messages → any address that takes JSON: Slack, Mattermost, Teams, a program of the company's own (docs/channels.md).

Each carries its `key`, in the content and as the header Idempotency-Key: a receiver can tell that it has it already.
"""

import json
from collections.abc import Callable, Mapping

from pydantic import SecretStr

from ..settings import Keyring, Mail, way
from ..settings.environ import HOOK
from ..settings.secrecy import mask
from ..words.texts import _
from .delivery import Envelope, Later, Never
from .wire import Reply, Wire
from .wording import BREAK, plain, reading

LONGEST_WAIT = 120  # seconds


class Webhook:
    """Carries messages to addresses that are known by a name."""

    def __init__(self, mail: Mail, addresses: Mapping[str, SecretStr], *, wait: Callable[[float], object]) -> None:
        self._mail, self._addresses, self._wait = mail, addresses, wait
        self._wires: dict[str, Wire] = {}

    def send(self, envelope: Envelope) -> None:
        name = way(envelope.to).target
        address = self._addresses.get(name)
        if address is None:
            raise Never(_("no address is known: put it into {variable}", variable=f"{HOOK}{name.upper()}"))
        secret = address.get_secret_value()
        if name not in self._wires:
            self._wires[name] = self._wire(name, secret)
        wire = self._wires[name]
        body = content(envelope).encode()
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": envelope.key} if envelope.key else {})
        reply = wire.post(secret, content=body, headers=headers)
        if reply.passes and 0 < reply.retry_after <= LONGEST_WAIT:
            self._wait(reply.retry_after)
            reply = wire.post(secret, content=body, headers=headers)
        _check(reply, name)

    def _wire(self, name: str, address: str) -> Wire:
        place = _("the webhook {name!r}", name=name)
        mask.learn(*Keyring(webhooks=dict(self._addresses)).secrets)
        return Wire(place, address, timeout=self._mail.timeout)

    def close(self) -> None:
        while self._wires:
            self._wires.popitem()[1].close()


def content(envelope: Envelope) -> str:
    """What is posted, as JSON."""
    with reading(envelope) as message:
        fields = {
            "key": envelope.key,
            "about": envelope.about,
            "title": message.title,
            "sentences": message.sentences,
            "link": message.link,
            "text": _inert(plain(message, address=message.link)),
        }
    return json.dumps(fields, ensure_ascii=False, indent=1)


def _inert(text: str) -> str:
    """The text for a chat, in which nothing from the CRM is a link, a call of a name, or code: of Slack nor of Markdown."""
    return text.replace("<", "‹").replace(">", "›").replace("](", f"]{BREAK}(").replace("`", "'")


def _check(reply: Reply, name: str) -> None:
    if 200 <= reply.status < 300:
        return
    words = _("the webhook {name!r} answers: {said}", name=name, said=reply.words)
    raise Later(words, is_broken=reply.status >= 500) if reply.passes else Never(words)
