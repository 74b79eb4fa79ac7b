"""`crm-reports access`: who may ask `crm-reports serve`, by name and password."""

import typer

from ..settings import Settings
from ..words.texts import _, speaking
from .options import Config, Data, tell

access = typer.Typer(help="Who may ask `crm-reports serve`, by name and password.", no_args_is_help=True)


@access.command("add")
def add(name: str, config: Config = None, data: Data = None) -> None:
    """Gives a reader a password, which is asked for; what they may see stands under [serve.access] in reports.toml."""
    from ..serve import access as room

    settings = Settings.read(config, data)
    with speaking(settings.language):
        room.add(settings, name, typer.prompt(_("Password"), hide_input=True, confirmation_prompt=True))
        if name not in settings.serve.access:
            tell(_('{name!r} sees nothing yet: add `{name} = {{ manager = ["…"] }}` under [serve.access]', name=name))


@access.command("remove")
def remove(name: str, config: Config = None, data: Data = None) -> None:
    """Takes a reader's password away."""
    from ..serve import access as room

    settings = Settings.read(config, data)
    with speaking(settings.language):
        room.remove(settings, name)
