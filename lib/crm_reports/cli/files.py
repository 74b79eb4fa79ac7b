"""`crm-reports files`: what a folder of another CRM's export is taken for."""

import re
from pathlib import Path
from typing import Annotated

import typer

from ..errors import SettingsError
from ..settings import Settings
from ..words.terminal import one_line
from ..words.texts import _, speaking
from .options import REFUSED, Config, tell

files = typer.Typer(help="Exports of other CRMs (docs/files.md).", no_args_is_help=True)


@files.command("check")
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of CSV, Excel or Parquet files.")],
    write: Annotated[bool, typer.Option("--write", help="Add what was taken for what to reports.toml.")] = False,
    config: Config = None,
) -> None:
    """Says how each file of a folder would be read, what can't be, and the [files] of reports.toml that says so."""
    from ..sources.files.survey import survey

    settings = Settings.read(config, None, f"files:{folder}")
    with speaking(settings.language):
        view = survey(settings)
        for line in view.lines:
            typer.echo(" " * (len(line) - len(line.lstrip())) + one_line(line))
        if write and view.is_readable:
            tell(_("written to {file}", file=str(_add_files_to(settings, view.mapping))))
        elif view.mapping:
            typer.echo(view.mapping)
        for problem in view.problems:
            tell(problem)
    if not view.is_readable:
        raise typer.Exit(REFUSED)


def _add_files_to(settings: Settings, mapping: str) -> Path:
    """Puts [files] at the end of reports.toml, which must not say anything of it yet."""
    path = settings.config or settings.home / "reports.toml"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if re.search(r"^\s*\[files\b", text, re.MULTILINE):
        raise SettingsError(_("{file} has [files] already; change it there, or take it away first", file=str(path)))
    path.write_text(f"{text.rstrip()}\n\n{mapping.rstrip()}\n".lstrip(), encoding="utf-8")
    return path
