"""`crm-reports notebooks`: a workspace's own copies of the product's notebooks, and what an upgrade changes for them."""

from typing import Annotated

import typer

from ..settings import Settings
from ..words.terminal import one_line
from ..words.texts import speaking
from .options import FAILED, Config, tell

notebooks = typer.Typer(help="Your own copies of the product's notebooks.", no_args_is_help=True)
Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Such as overview; by default every copy.")
]


@notebooks.command("copy")
def copy(name: Annotated[str, typer.Argument(help="Such as overview.")], config: Config = None) -> None:
    """Copies a notebook of the product into notebooks/, where yours goes before it, and remembers what it was."""
    from ..runs.copies import begin

    settings = Settings.read(config)
    with speaking(settings.language):
        typer.echo(one_line(begin(name, settings)))


@notebooks.command("diff")
def diff(names: Names = None, config: Config = None) -> None:
    """Shows what you changed in your copies, and what the product changed since you made them."""
    from ..runs.copies import copies, differences

    settings = Settings.read(config)
    with speaking(settings.language):
        for one in copies(names or [], settings):
            for heading, text in differences(one):
                typer.echo(one_line(f"{heading}{':' if text else ': —'}"))
                for line in text.splitlines():
                    typer.echo(" " * (len(line) - len(line.lstrip())) + one_line(line))


@notebooks.command("update")
def update(names: Names = None, config: Config = None) -> None:
    """Merges what the product changed into your copies; where both changed the same lines, both stand there, marked."""
    from ..runs.copies import copies
    from ..runs.copies import update as merge

    settings = Settings.read(config)
    with speaking(settings.language):
        outcomes = [merge(one) for one in copies(names or [], settings)]
    for outcome in outcomes:
        typer.echo(one_line(outcome.sentence))
        for conflict in outcome.conflicts:
            tell(conflict)
    if any(outcome.conflicts for outcome in outcomes):
        raise typer.Exit(FAILED)
