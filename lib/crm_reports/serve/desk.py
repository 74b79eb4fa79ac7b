"""What a reader asks, understood: checked against the notebook, the store, and what this reader may see."""

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from json import dumps
from typing import Any

from ..filters import Choices
from ..filters.choices import choose
from ..look.publish import REPORTS
from ..measures import load
from ..measures.names import Names
from ..runs import parent, preparation
from ..runs.preparation import Plan
from ..settings import Settings
from ..settings.parts import PEOPLE
from ..store import Store
from ..store.open import identity
from ..words.texts import _, speaking
from .access import NotYours, Reader


@dataclass(frozen=True)
class Asked:
    """A question that means something: its plan, who asks, and which people and departments they may choose from."""

    plan: Plan
    reader: Reader
    known: Choices
    store: str

    @property
    def key(self) -> str:
        """The same for the same page: the same notebook, code, data, filters, and the same circle of readers."""
        made_of = [self.plan.reproduction, self.plan.name, self.store, sorted(self.reader.only.items())]
        return sha256(dumps(made_of, sort_keys=True, default=str).encode()).hexdigest()


class Desk:
    """Understands questions, one at a time, in a thread of its own that keeps the store open until a sync replaces it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="desk")
        self._store: Store | None = None

    async def asked(self, report: str, given: Mapping[str, Any], reader: Reader) -> Asked:
        """FilterError: it means nothing. NotYours: it is not for this reader. StoreError: nothing was synced yet."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._asked, report, given, reader)

    def close(self) -> None:
        self._thread.shutdown()

    def _asked(self, report: str, given: Mapping[str, Any], reader: Reader) -> Asked:
        with speaking(self._settings.language):
            names = Names(self._opened(), self._settings.fields)
            known = names.choices
            only = {name: _ids(known, name, texts) for name, texts in reader.only.items()}
            offered = _offered(names, only)
            own = _narrowed(given, only, report, self._settings) | _by_ids(given, offered, only)
            plan = preparation.prepare(report, dict(given) | own, settings=self._settings)
            _refuse_others(plan, offered, only)
            return Asked(plan.by_ids(), reader, offered, identity(self._settings.store_path))

    def _opened(self) -> Store:
        store = load.open_store(self._settings)
        if store is not self._store:
            self._store = store
            plans = [preparation.prepare(name, {}, settings=self._settings) for name in REPORTS]
            parent.hold(self._settings, preparation.instants(plans))
        return store


def _ids(choices: Choices, dimension: str, texts: tuple[str, ...]) -> tuple[str, ...]:
    """The ids of whom reports.toml names for a reader, those below a department with it. NotYours: nobody is called so."""
    options = choices.of(dimension)
    ids = [
        choice.id
        for text in texts
        for choice in options
        if text.casefold() in (choice.id.casefold(), choice.name.casefold())
    ]
    if len(ids) != len(texts):  # a name that is nobody's, or two people's: better nothing than somebody else's
        raise NotYours(_("{names} under [serve.access] is not one {dimension} each: the operator can give their IDs",
                         names=", ".join(map(repr, texts)), dimension=dimension))  # fmt: skip
    return choices.departments_below(ids) if dimension == "department" else tuple(ids)


def _narrowed(
    given: Mapping[str, Any], only: Mapping[str, tuple[str, ...]], report: str, settings: Settings
) -> dict[str, Any]:
    """What a reader who may see some people only asks without saying so. NotYours: that report can't be about them."""
    missing = [name for name in only if name not in preparation.parameters_of(report, settings)]
    if missing:
        raise NotYours(_("report {report!r} can't be cut to what is yours", report=report))
    return {name: list(ids) for name, ids in only.items() if not given.get(name)}


def _by_ids(given: Mapping[str, Any], offered: Choices, only: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    """Whom a reader who may see some people only names, by ids. NotYours: somebody else, or nobody at all.

    Which of the two is not said, nor who has a name like that.
    """
    told = (
        *PEOPLE,
        "loss_reason",
        *(cut.name for cut in offered.own),
    )  # what people write about their deals tells on them
    found = {name: choose(offered, name, given[name]) for name in told if only and given.get(name)}
    if any(problems for _choices, problems in found.values()):
        raise _not_yours()
    return {name: [choice.id for choice in choices] for name, (choices, _problems) in found.items()}


def _not_yours() -> NotYours:
    return NotYours(_("this is not yours: choose among what the page offers"))


def _offered(names: Names, only: Mapping[str, tuple[str, ...]]) -> Choices:
    """What the reader may choose from: the people and departments that are theirs, and what these say of their deals."""
    choices, homes = names.choices, names.homes
    if not only:
        return choices
    departments, managers = only.get("department"), only.get("manager")
    own = [choice for choice in choices.manager if managers is None or choice.id in managers]
    own = [choice for choice in own if departments is None or homes.get(choice.id) in departments]
    return replace(
        choices,
        department=tuple(choice for choice in choices.department if choice.id in (departments or ())),
        manager=tuple(own),
        loss_reason=names.loss_reasons([choice.id for choice in own]),
        own=names.cuts([choice.id for choice in own]),
    )


def _refuse_others(plan: Plan, offered: Choices, only: Mapping[str, tuple[str, ...]]) -> None:
    """NotYours: the filters name somebody that this reader may not see, or leave out whom they may."""
    if not only:
        return
    for dimension in PEOPLE:
        chosen = {choice.id for choice in plan.filters.of(dimension)}
        if not chosen <= {choice.id for choice in offered.of(dimension)} or (dimension in only and not chosen):
            raise _not_yours()
