"""What alerts have to say → a message to whom it concerns: only what they do not know yet, and may know."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

from ..errors import ReportError
from ..night import NightReport, nights
from ..night.alerts import Memory, News, State, Watch, watching
from ..settings import Alert, Mail, Settings
from ..words.texts import _, many, speaking
from .channels import deliver, key_of, record
from .delivery import MailReport, Message
from .ledger import Ledger
from .recipients import People
from .sending import held

MOST = 10  # rows that one message tells of


@dataclass(frozen=True)
class Word:
    """What one reader is to be told of one alert: the states that concern them, and which of those are news."""

    reader: str
    alert: Alert
    states: Sequence[State]
    news: News
    is_open: bool  # whether they may open the whole's page


class Round:
    """One look at all alerts: who would be told what. Nothing is remembered before the messages are made."""

    def __init__(self, settings: Settings, watch: Watch, ledger: Ledger) -> None:
        self.settings, self.watch, self.ledger = settings, watch, ledger
        self.problems = watch.problems()
        self.memory = Memory(settings, lambda reader, key: ledger.has(_ledger_key(reader, key)))
        self.notes = [self.memory.problem] if self.memory.problem else []
        self._people = People(settings.mail or Mail(), settings.store_path)

    def words(self) -> Iterator[Word]:
        """Every reader's part of every alert that can be looked at."""
        for alert in self.settings.alerts:
            try:
                yield from list(self._words(alert)) if not self.watch.problem(alert) else ()
            except ReportError as error:  # of whom [serve.access] lets a reader see, who may be nobody
                self.problems += [f"{alert.name}: {problem}" for problem in error.problems]

    def _words(self, alert: Alert) -> Iterator[Word]:
        for reader in alert.to:
            only = self._only(reader)
            yield self._word(reader, alert, self.watch.states(alert, only), is_open=not only)
        for reader, states in self._own_rows(alert).items():
            yield self._word(reader, alert, states, is_open=False)

    def _word(self, reader: str, alert: Alert, states: Sequence[State], *, is_open: bool) -> Word:
        news = self.memory.news(reader, alert.name, states, self.watch.as_of)
        return Word(reader, alert, states, news, is_open)

    def _only(self, reader: str) -> dict[str, tuple[str, ...]]:
        """Whom alone [serve.access] lets this reader see; empty where it names nobody, or not them."""
        access = self.settings.serve.access.get(reader)
        return {name: ids for name, ids in access.model_dump().items() if ids} if access else {}

    def _own_rows(self, alert: Alert) -> Mapping[str, list[State]]:
        """By address, the rows of those who are told of their own; whoever is told of all is not told twice."""
        rows: dict[str, list[State]] = {}
        for state in self.watch.states(alert) if alert.mail_slices else ():
            slice_ = {"dimension": alert.by, "id": state.row, "name": state.name}
            address = self._people.of_slice(slice_)
            if address and address not in alert.to:
                rows.setdefault(address, []).append(state)
            elif not address and state.has_fired and state.row and not self._people.is_gone(slice_):
                self.notes.append(
                    _(
                        "{alert}: no address is known of {name}; give one in [mail.addresses]",
                        alert=alert.name,
                        name=state.name,
                    )
                )
        return rows

    def messages(self, words: Sequence[Word]) -> Iterator[Message]:
        """What is news, each written into the memory before it goes out; what nobody need be told is remembered too."""
        for word in words:
            if not word.news.is_late:
                key = _key(word, self.watch) if word.news else ""
                self.memory.expect(word.reader, word.alert.name, word.news, self.watch.as_of, key)
                yield from [message(word, key, self.settings)] if word.news else ()


def send(
    settings: Settings,
    night: NightReport | None,
    *,
    tell: Callable[[str], object] = lambda line: None,
    wait: Callable[[float], object] = time.sleep,
) -> MailReport:
    """Tell everybody of whatever alerts have to say that they do not know yet; links lead to the pages of `night`.

    Where nothing happened nothing is sent. While the mails are held back, numbers are not told of; checks are.
    """
    if not settings.alerts:
        return MailReport()
    problems = [reason] if (reason := held(settings)) else []
    alerts = tuple(alert for alert in settings.alerts if alert.check or not reason)
    settings = settings.model_copy(update={"alerts": alerts})
    with speaking(settings.language), record(settings) as ledger:
        messages, mistakes, notes = _news(settings, night, ledger)  # the store is let go before anybody is waited for
        for line in (*notes, *mistakes):
            tell(line)
        report = deliver(messages, settings, ledger, wait=wait)
    return replace(report, problems=(*problems, *mistakes, *report.problems), notes=tuple(notes))


def _news(settings: Settings, night: NightReport | None, ledger: Ledger) -> tuple[list[Message], list[str], list[str]]:
    """The messages, the sentences about what can't be looked at, and what is worth knowing."""
    with watching(settings, night) as watch:
        look = Round(settings, watch, ledger)
        messages = list(look.messages(list(look.words())))
        return messages, look.problems, look.notes


def preview(settings: Settings, night: NightReport | None) -> tuple[list[str], list[str], list[str]]:
    """Of every alert how it stands and to whom that is news, line by line; what is worth knowing; what can't be looked at."""
    with watching(settings, night) as watch, record(settings) as ledger:
        look = Round(settings, watch, ledger)
        text = list(lines(list(look.words()), watch))
        return text, [*filter(None, [held(settings)]), *look.notes], look.problems


def last_night(settings: Settings) -> NightReport | None:
    """The latest night that made pages, for links to lead there."""
    return next((night for night in nights(settings) if night.pages), None)


def _key(word: Word, watch: Watch) -> str:
    told = sorted(f"{row}:{entry.kind}:{entry.span}" for row, entry in word.news.then.items())
    fired = sorted(state.row for state in word.news.fired)
    return key_of("alert", word.alert.name, word.reader, watch.as_of.isoformat(), *told, "|", *fired)


def _ledger_key(reader: str, key: str) -> str:
    return key_of("message", key, reader.casefold())


# ── In words ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def message(word: Word, key: str, settings: Settings) -> Message:
    """The message: of one row its number, what it was and the parts of its change; of several a line for each."""
    fired, over = word.news.fired, word.news.over
    sentences = fired[0].sentences if len(fired) == 1 else tuple(map(_line, fired[:MOST]))
    return Message(
        to=word.reader, key=key, title=_title(word.alert, fired, over),
        sentences=(*sentences, *_more(fired), *_well_again(over, is_alone=not fired)),
        link=_link(word, settings), after=(_("You get this because of the alert “{name}”.", name=word.alert.name),),
        about=word.alert.name, language=settings.language,
    )  # fmt: skip


def _title(alert: Alert, fired: Sequence[State], over: Sequence[State]) -> str:
    states = fired or over
    if len(states) == 1:
        words = states[0].title if fired else _("well again: {title}", title=states[0].title)
        return f"{alert.name}: {words}"
    if fired:
        return f"{alert.name}: {many('{n} case', '{n} cases', len(fired))}"
    return f"{alert.name}: {many('{n} is well again', '{n} are well again', len(over))}"


def _line(state: State) -> str:
    return " ".join([f"{state.title}.", *state.sentences[:-1]])


def _more(fired: Sequence[State]) -> Iterator[str]:
    rest = fired[MOST:]
    if rest:
        yield many(
            "And {n} more: {names}.",
            "And {n} more: {names}.",
            len(rest),
            names="; ".join(state.title for state in rest),
        )


def _well_again(over: Sequence[State], *, is_alone: bool) -> Iterator[str]:
    if over and not (is_alone and len(over) == 1):
        yield _("Well again: {titles}.", titles="; ".join(state.title for state in over))


def _link(word: Word, settings: Settings) -> str:
    """Where the page is that shows it; "" where the pages are not served, or none of them is the reader's to open."""
    states = word.news.fired or word.news.over
    pages = states[0].pages
    file = (pages.row if len(states) == 1 else pages.whole) if word.is_open else pages.own
    base = settings.mail.base_url if settings.mail else ""
    return base + quote(file) if base and file else ""


def lines(words: Sequence[Word], watch: Watch) -> Iterator[str]:
    """What stands now of every alert, for whoever looks: fired or not, missing and why, and to whom it is news."""
    for alert in watch.settings.alerts:
        if watch.problem(alert):
            continue
        states = watch.states(alert)
        notable = [state for state in states if state.has_fired or state.kind == "missing"]
        if not notable:
            number = f" ({states[0].title})" if len(states) == 1 else ""
            yield _("{alert}: nothing has happened", alert=alert.name) + number
        for state in notable[:MOST]:
            yield f"{alert.name}: {state.title}"
            yield from (f"· {line}" for line in (*state.sentences, state.pages.row) if line)
        if len(notable) > MOST:
            yield f"· {many('and {n} more', 'and {n} more', len(notable) - MOST)}"
        yield from (_whose(word) for word in words if word.alert is alert)


def _whose(word: Word) -> str:
    if word.news.is_late:
        return _("→ {reader}: was told of a later night", reader=word.reader)
    if word.news:
        return _("→ {reader}: news", reader=word.reader)
    return _("→ {reader}: nothing new", reader=word.reader)
