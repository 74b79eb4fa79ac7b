"""`crm-reports lineage`: where a number comes from, and what shows it; the same of a field of the CRM."""

from typing import Annotated

import typer

from ..settings import Settings
from ..words.terminal import one_line
from ..words.texts import speaking
from .options import Config


def lineage(
    name: Annotated[str, typer.Argument(help="A number such as won_money, or a field of the CRM such as OPPORTUNITY.")],
    config: Config = None,
) -> None:
    """Says where a number comes from and what shows it; of a field of the CRM, which numbers change with it."""
    from ..metrics import own
    from ..night.lineage import lineage as trace

    settings = Settings.read(config)
    with speaking(settings.language):
        own.take(settings.home if settings.config else None)
        for title, lines in trace(name, settings).stages:
            typer.echo(f"{title}: {len(lines)}")
            for line in lines:
                typer.echo(f"· {one_line(line)}")
