"""Forgotten deals → to-dos for whoever owns them, where somebody asked for it; each is noted, and can be taken back."""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from ..errors import PortalError, StoreError
from ..measures.dataset import Dataset
from ..settings import Settings
from ..sources.bitrix24.todos import Todo, Todos
from ..store.columns import records
from ..store.disk import privately
from ..words import units
from ..words.texts import _, many

KEY = "crm-reports forgotten"
NOTED = """
    create table if not exists todos (
        key text primary key, night text, deal_id text, manager_id text, todo_id text, made_at text, undone_at text
    )
"""


@dataclass(frozen=True)
class Proposal:
    """A to-do for a forgotten deal, and the words for whoever looks before it is made; `why_not` says why it is none."""

    todo: Todo
    title: str
    manager: str
    why_not: str = ""


def proposals(ds: Dataset, noted: "Notes") -> list[Proposal]:
    """A proposal for each forgotten deal, the most money at risk first, within the limits of a night and a person."""
    rows = ds.forgotten_deals
    order = [name for name in ("money_at_risk", "money", "days_silent") if name in rows]
    rows = rows.sort_values(order, ascending=False, kind="stable")
    night, deadline = ds.filters.today.isoformat(), _deadline(ds)
    counts = noted.counts(night)
    return list(_limited(ds, [_proposal(row, night, deadline, ds) for row in records(rows)], counts))


def _limited(ds: Dataset, proposed: Sequence[Proposal], made: Counter[str]) -> Iterator[Proposal]:
    limits, all_made = ds.settings.act, made.total()
    for proposal in proposed:
        id = proposal.todo.manager_id
        why_not = proposal.why_not
        if not why_not and made[id] >= limits.per_person:
            why_not = many(
                "{n} for a person a night is the limit", "{n} for a person a night are the limit", limits.per_person
            )
        if not why_not and all_made >= limits.per_night:
            why_not = many("{n} a night is the limit", "{n} a night are the limit", limits.per_night)
        made[id] += not why_not
        all_made += not why_not
        yield Proposal(proposal.todo, proposal.title, proposal.manager, why_not)


def _proposal(row: dict[str, object], night: str, deadline: datetime, ds: Dataset) -> Proposal:
    silent, manager_id = int(row["days_silent"]), str(row["manager_id"] or "")
    title = many(
        "Forgotten for {n} day: get in touch or close it", "Forgotten for {n} days: get in touch or close it", silent
    )
    key = f"[{KEY} {night} {row['deal_id']}]"
    # Nothing that somebody typed into the CRM: what stands here may be read as markup.
    description = _("Nobody has done anything on it yet.")
    if not units.is_missing(row["last_action_at"]):
        day = units.write(row["last_action_at"], "date")
        description = _("No call, letter, meeting, comment or move since {day}.", day=day)
    todo = Todo(key, str(row["deal_id"]), manager_id, title, description, deadline)
    return Proposal(todo, str(row["title"]), str(row["manager"]), _why_not(row, manager_id, ds))


def _why_not(row: dict[str, object], manager_id: str, ds: Dataset) -> str:
    if not manager_id.isdigit():
        return _("nobody is responsible for it")
    if manager_id in ds.names.leavers:
        return _("who is responsible for it has left")
    return "" if row["has_no_next_step"] else _("its next step is planned")


def _deadline(ds: Dataset) -> datetime:
    """The end of the first working day after the report's, or of one as much later as the settings say."""
    day, left = ds.filters.today, ds.settings.act.working_days
    while left:
        day += timedelta(1)
        left -= ds.settings.calendar.is_working(day)
    return datetime.combine(day, time(18), ds.filters.zone)


# ── What was made ────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Notes:
    """The to-dos that were made, so that a night makes none twice and can take its own back."""

    connection: sqlite3.Connection

    def counts(self, night: str) -> Counter[str]:
        """How many of the night's each manager has."""
        rows = self.connection.execute(
            "select manager_id, count(*) from todos where night = ? and undone_at is null group by 1", (night,)
        )
        return Counter(dict(rows.fetchall()))

    def has(self, todo: Todo) -> bool:
        return self.connection.execute("select 1 from todos where key = ?", (todo.key,)).fetchone() is not None

    def add(self, todo: Todo, todo_id: str) -> None:
        """Note it down, on disk when this returns."""
        night = todo.key.removeprefix(f"[{KEY} ").split()[0]
        row = (todo.key, night, todo.deal_id, todo.manager_id, todo_id, _now())
        with self.connection:
            self.connection.execute("insert or ignore into todos values (?, ?, ?, ?, ?, ?, null)", row)

    def of(self, night: str) -> dict[str, str]:
        """The night's to-dos that were not taken back: the portal's number → our key."""
        rows = self.connection.execute("select todo_id, key from todos where night = ? and undone_at is null", (night,))
        return dict(rows.fetchall())

    def undo(self, key: str) -> None:
        with self.connection:
            self.connection.execute("update todos set undone_at = ? where key = ?", (_now(), key))


@contextmanager
def notes(settings: Settings) -> Iterator[Notes]:
    """What was made so far, in the data folder. StoreError: the file can't be used."""
    path: Path = settings.data / "todos.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with privately():
            connection = sqlite3.connect(path)
            connection.execute(NOTED)
        with closing(connection):
            yield Notes(connection)
    except sqlite3.Error as error:
        words = _("{name!r} in the data folder, which says what to-dos were made, can't be used ({error}): mend it, or move it "
                  "away and no to-do of earlier nights can be taken back", name=path.name, error=error)  # fmt: skip
        raise StoreError(words) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True)
class Outcome:
    """What became of each to-do: made, there already, and a sentence for each that the portal would not take."""

    made: int
    already: int
    problems: tuple[str, ...]


def make(todos: Sequence[Todo], portal: Todos, noted: Notes) -> Outcome:
    """Make them, each at most once, on deals without another open to-do; noted as soon as the portal has taken one."""
    wanted = [todo for todo in todos if not noted.has(todo)]
    there, made, problems = portal.open_on([todo.deal_id for todo in wanted]), 0, []
    for todo in wanted:
        own = [other.todo_id for other in there[todo.deal_id] if todo.key in other.description]
        if own:  # made by a run that died before it could note it down
            noted.add(todo, own[0])
        if there[todo.deal_id]:
            continue
        try:
            noted.add(todo, portal.add(todo))
            made += 1
        except PortalError as error:
            problems.append(_("deal {id}: {why}", id=todo.deal_id, why=error))
    return Outcome(made, len(todos) - made - len(problems), tuple(problems))


def undo(night: date, portal: Todos, noted: Notes) -> Outcome:
    """Take the night's to-dos away that nobody has done; `already`: how many are done, and stay, or were away before."""
    keys = noted.of(night.isoformat())
    are_done = portal.are_done(list(keys))
    said = portal.delete([id for id in keys if are_done.get(id) is False])
    for id in (id for id in keys if id not in are_done or said.get(id) == ""):
        noted.undo(keys[id])
    problems = tuple(f"{id}: {why}" for id, why in said.items() if why)
    return Outcome(len(said) - len(problems), len(keys) - len(said), problems)
