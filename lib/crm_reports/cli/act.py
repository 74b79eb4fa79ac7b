"""`crm-reports act`: to-dos in the CRM for forgotten deals, shown first and made only on `--yes`; and back again."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import FilterError, SettingsError
from ..settings import Settings
from ..settings.environ import WRITE
from ..words.terminal import one_line
from ..words.texts import _, speaking
from .options import FAILED, Config, Data, Parameters, pairs_of, tell

if TYPE_CHECKING:
    from ..night.todos import Outcome, Proposal
    from ..sources.bitrix24.todos import Todos

REPORT = "forgotten_deals"  # whose parameters are understood

act = typer.Typer(help="To-dos in the CRM for forgotten deals (docs/act.md).", no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes/--dry-run", help="Make them; without it they are only shown.")]


@act.command("forgotten")
def forgotten(
    parameter: Parameters = [],  # noqa: B006  typer reads it and never changes it
    yes: Yes = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Shows a to-do for the owner of each forgotten deal, the most money at risk first; with --yes makes them in the CRM.

    Parameters are those of `run`: -p department=Moscow, -p forgotten_after=21.
    """
    from ..night import todos
    from ..runs import preparation

    settings = Settings.read(config, data)
    with speaking(settings.language), todos.notes(settings) as noted:
        plan = preparation.prepare(REPORT, pairs_of(parameter), settings=settings)
        proposed = todos.proposals(preparation.load(plan.parameters, settings), noted)
        for proposal in proposed:
            typer.echo(one_line(_line(proposal)))
        wanted = [proposal.todo for proposal in proposed if not proposal.why_not]
        if not yes:
            tell(_("{n} would be made. Nothing was written: --yes makes them in the CRM.", n=len(wanted)))
            return
        with _portal(settings) as portal:
            _end(
                todos.make(wanted, portal, noted),
                _("{made} made, {already} deals have one already, {failed} not made."),
            )


@act.command("undo")
def undo(night: str, config: Config = None, data: Data = None) -> None:
    """Takes away the to-dos that were made for a night, such as 2025-03-14, and that nobody has done."""
    from ..night import todos

    settings = Settings.read(config, data)
    with speaking(settings.language), todos.notes(settings) as noted:
        day = _day(night)
        with _portal(settings) as portal:
            _end(
                todos.undo(day, portal, noted),
                _("{made} taken away, {already} done or away before, {failed} not taken away."),
            )


def _line(proposal: "Proposal") -> str:
    """What is made of one deal: for whom and until when, else why nothing is."""
    from ..words import units

    todo = proposal.todo
    until = units.write(todo.deadline.date(), "date")
    words = {
        "deal": proposal.title,
        "id": todo.deal_id,
        "manager": proposal.manager,
        "todo": todo.title,
        "until": until,
    }
    if proposal.why_not:
        return _("— {deal} ({id}), {manager}: none, for {why}", why=proposal.why_not, **words)
    return _("+ {deal} ({id}), {manager}: {todo}, until {until}", **words)


def _portal(settings: Settings) -> "Todos":
    from ..sources.bitrix24.todos import Todos

    if settings.keyring.write is None:
        raise SettingsError(
            _("there is no webhook to write by: make one of its own in Bitrix24 with the right crm and put it into {variable}",
              variable=WRITE)
        )  # fmt: skip
    return Todos(settings.keyring.write, limits=settings.limits)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise FilterError(_("{held!r} is no day; write it as 2025-03-14", held=text)) from None


def _end(outcome: "Outcome", words: str) -> None:
    problems: Sequence[str] = outcome.problems
    for sentence in problems:
        tell(sentence)
    tell(words.format(made=outcome.made, already=outcome.already, failed=len(problems)))
    if problems:
        raise typer.Exit(FAILED)
