"""Messages → whatever carries them, one by one: patience with what passes, no patience with what stays."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Protocol

from ..errors import MailError
from ..settings import way

RETRY_AFTER = (10, 60, 300)  # seconds: a server that greylists takes the message after minutes
IN_VAIN = 2  # connections that break one after the other end a round: the server is down


@dataclass(frozen=True)
class Attachment:
    """A file that comes with a message."""

    name: str
    kind: str
    content: bytes


@dataclass(frozen=True)
class Message:
    """What one recipient is told, whatever brings it; nothing in it is escaped yet, and nothing is trusted.

    `to` is whom reports.toml names: an address, bitrix24:17, telegram:-100123, webhook:sales. Nothing of one `key` goes
    to one recipient twice: put into it what is said, and of what (a page and its instant; an alert, its day and number).
    `about` is what the log calls it, by default its title. `after` are lines under the sentences, for mail.
    `language` is the reader's, by default that of the moment. A channel takes the `picture` (PNG) and the `document`
    where it can.
    """

    to: str
    key: str
    title: str
    sentences: tuple[str, ...] = ()
    link: str = ""
    after: tuple[str, ...] = ()
    about: str = ""
    language: str = ""
    picture: bytes = b""
    document: Attachment | None = None


@dataclass(frozen=True)
class Envelope:
    """A message to one recipient, made when its turn comes: attachments are large and recipients many.

    A carrier of mails takes an EmailMessage as well, the others a Message. Without a `key` it goes out as often as asked.
    """

    to: str
    about: str
    key: str
    make: Callable[[], Message | EmailMessage]


@dataclass(frozen=True)
class Refused:
    """An envelope that stays, and why, in a sentence."""

    envelope: Envelope
    why: str


@dataclass(frozen=True)
class MailReport:
    """What went out, each as "page → address"; `problems` are sentences about what did not; `already` were sent before.

    `notes` are about pages that go to nobody, because no address is known.
    """

    sent: tuple[str, ...] = ()
    already: int = 0
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        return not self.problems

    def beside(self, other: "MailReport") -> "MailReport":
        """Both as one; what both say is said once."""
        problems = tuple(dict.fromkeys((*self.problems, *other.problems)))
        return MailReport(
            (*self.sent, *other.sent), self.already + other.already, problems, (*self.notes, *other.notes)
        )


class Unsent(Exception):
    """Why a message was not taken, in a sentence without secrets."""


class Never(Unsent):
    """It is not taken, however often it is sent; another one may be."""


class NoUse(Unsent):
    """No other message would be taken either: no encryption, a wrong password."""


class Later(Unsent):
    """It may be taken another time; `is_broken` where the connection is what failed."""

    def __init__(self, why: str, *, is_broken: bool = False) -> None:
        super().__init__(why)
        self.is_broken = is_broken


class Carrier(Protocol):
    """What takes messages to a server; it says no by Never, NoUse or Later."""

    def send(self, envelope: Envelope) -> None: ...

    def close(self) -> None: ...


def deliver(
    envelopes: Sequence[Envelope],
    carriers: Callable[[str], Carrier],
    *,
    accept: Callable[[Envelope], object],
    wait: Callable[[float], object],
) -> list[Refused]:
    """Send them one by one by the carrier of their channel, tell `accept` of each that was taken, return the others.

    Refusals that may pass (a server that is busy, stalls or hangs up) are tried again after RETRY_AFTER.
    """
    stay: list[Refused] = []
    waiting = [Refused(envelope, "") for envelope in envelopes]
    for pause in (0, *RETRY_AFTER):
        if waiting and pause:
            wait(pause)
        rounds = [
            _Round(carriers(way(part[0].to).channel), accept).run(part)
            for part in _by_server([refusal.envelope for refusal in waiting]).values()
        ]
        waiting = [refusal for outcome in rounds for refusal in outcome.deferred]
        stay += [refusal for outcome in rounds for refusal in outcome.refused]
    return [*stay, *waiting]


def _by_server(envelopes: Sequence[Envelope]) -> Mapping[str, list[Envelope]]:
    """Those of a channel together; every webhook has a server of its own, and one that is down stops no other."""
    parts: dict[str, list[Envelope]] = {}
    for envelope in envelopes:
        channel = way(envelope.to).channel
        parts.setdefault(envelope.to if channel == "webhook" else channel, []).append(envelope)
    return parts


class _Round:
    """Every envelope of a channel tried once."""

    def __init__(self, carrier: Carrier, accept: Callable[[Envelope], object]) -> None:
        self.carrier, self.accept = carrier, accept
        self.refused: list[Refused] = []
        self.deferred: list[Refused] = []
        self.broken = 0

    def run(self, envelopes: Sequence[Envelope]) -> "_Round":
        try:
            for place, envelope in enumerate(envelopes):
                if not self._is_tried(envelope):
                    self.refused += [Refused(other, self.refused[-1].why) for other in envelopes[place + 1 :]]
                    break
                if self.broken == IN_VAIN:
                    self.deferred += [Refused(other, self.deferred[-1].why) for other in envelopes[place + 1 :]]
                    break
        finally:
            self.carrier.close()
        return self

    def _is_tried(self, envelope: Envelope) -> bool:
        """Send one; False when there is no use in trying the others."""
        try:
            self.carrier.send(envelope)
            self.accept(envelope)
            self.broken = 0
        except NoUse as error:
            self.refused.append(Refused(envelope, str(error)))
            return False
        except (Never, MailError) as error:  # MailError: it could not be made
            self.refused.append(Refused(envelope, str(error)))
        except Later as error:
            self.deferred.append(Refused(envelope, str(error)))
            self.broken += error.is_broken
        return True
