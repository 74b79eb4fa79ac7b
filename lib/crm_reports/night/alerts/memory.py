"""What each reader was told of each alert: it is told again only when it has changed.

The file lies beside the store. What is about to be told is written down with the key of its message before it goes out, and
counts as told when the ledger of messages has that key: a kill in between neither repeats nor forgets it. A memory that is
missing or damaged is begun anew, which tells again what is so still.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter

from ...settings import Settings
from ...store.disk import seal, set_aside, unseal, write_whole
from ...words.texts import _
from .states import State

FARTHER = 0.25  # by so much of what was told a number must have got worse to be told again


class Told(BaseModel):
    """What was told of one row."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: str
    span: str
    distance: float


class Standing(BaseModel):
    """What one reader knows of one alert as of an instant, and what they will know once the message of that key is out."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    as_of: AwareDatetime
    told: dict[str, Told] = {}
    key: str = ""
    then: dict[str, Told] = {}


Standings = TypeAdapter(dict[str, dict[str, Standing]])  # by reader and alert


@dataclass(frozen=True)
class News:
    """What of an alert a reader does not know yet: what has fired, and what is well again."""

    fired: tuple[State, ...] = ()
    over: tuple[State, ...] = ()
    then: Mapping[str, Told] = field(default_factory=dict)
    is_late: bool = False  # of an earlier night than the one that was told of

    def __bool__(self) -> bool:
        return bool(self.fired or self.over)


class Memory:
    """The standings, read once and written whole. `problem` is a sentence about a memory that was missing or damaged."""

    def __init__(self, settings: Settings, is_out: Callable[[str, str], bool]) -> None:
        """`is_out` says whether the message of that key went out to that reader."""
        self._path, self._is_out = settings.data / "alerts.json", is_out
        self.problem = ""
        self._standings = self._read()

    def _read(self) -> dict[str, dict[str, Standing]]:
        if not self._path.is_file():
            self.problem = _("nothing is remembered of earlier alerts: whatever is so now is told")
            return {}
        try:
            return Standings.validate_json(unseal(self._path.read_text(encoding="utf-8")))
        except (ValueError, OSError):
            aside = set_aside(self._path)
            self.problem = _(
                "what was told of alerts was damaged and is kept as {aside}: whatever is so now is told again",
                aside=aside.name,
            )
            return {}

    def news(self, reader: str, alert: str, states: Sequence[State], as_of: datetime) -> News:
        """What of these states the reader was not told, and what they will know then."""
        standing = self._standings.get(reader, {}).get(alert)
        if standing and as_of < standing.as_of:
            return News(is_late=True)
        told = self._known(reader, standing)
        fired = [state for state in states if state.has_fired and _is_new(state, told.get(state.row))]
        over = [state for state in states if state.kind == "" and _was_so(state, told.get(state.row))]
        then = {state.row: told[state.row] for state in states if state.row in told and state.kind}
        then |= {state.row: Told(kind=state.kind, span=state.span, distance=state.distance) for state in fired}
        return News(tuple(fired), tuple(over), then)

    def _known(self, reader: str, standing: Standing | None) -> Mapping[str, Told]:
        if standing is None:
            return {}
        return standing.then if standing.key and self._is_out(reader, standing.key) else standing.told

    def expect(self, reader: str, alert: str, news: News, as_of: datetime, key: str = "") -> None:
        """Write down what the reader will know once the message of that key is out; without one they know it now."""
        alerts = self._standings.setdefault(reader, {})
        told = dict(self._known(reader, alerts.get(alert))) if key else dict(news.then)
        alerts[alert] = Standing(as_of=as_of, told=told, key=key, then=dict(news.then) if key else {})
        write_whole(self._path, seal(Standings.dump_json(self._standings, indent=1).decode()), is_private=True)


def _is_new(state: State, told: Told | None) -> bool:
    """Whether it is another thing than what was told, or has got worse by a quarter."""
    if told is None or (told.kind, told.span) != (state.kind, state.span):
        return True
    farther = state.distance - told.distance
    return farther > 0 and farther >= FARTHER * abs(told.distance)


def _was_so(state: State, told: Told | None) -> bool:
    """Whether it was told to be otherwise of these very days: a month that is over ends what was told of it."""
    return told is not None and told.span == state.span
