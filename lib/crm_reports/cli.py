"""The commands. Results go to stdout, everything else to stderr; a mistake is a sentence, never a traceback."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import click
import typer
from rich.console import Console
from typer.core import TyperGroup

from .errors import ReportError
from .settings import Demo, Settings

# The other rooms are imported by the commands that need them: what makes pages or syncs takes seconds to import.

# Where the links of the invented company lead: a host that can't exist.
DEMO_PORTAL = "https://demo.bitrix24.example"
SUCCESS, FAILED, REFUSED = 0, 1, 2


class _Told(TyperGroup):
    """Says our own errors in their own words; anything else is a mistake of the product and keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ReportError as error:
            _tell(str(error))
            raise typer.Exit(REFUSED) from None


app = typer.Typer(
    cls=_Told,
    help="Sales reports over Bitrix24, or over files of any other CRM.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings; by default reports.toml.")]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Where the store is; by default data/.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="SOURCE", help="demo, bitrix24 or files:DIR, whatever the file says.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")]
Said = Annotated[list[str], typer.Option("-p", "--parameter", metavar="KEY=VALUE", help="May come several times.")]


@app.command()
def sync(config: Config = None, data: Data = None, source: Source = None) -> None:
    """Reads what is new in the CRM into the store."""
    _synced(Settings.read(config, data, source))


@app.command()
def run(
    report: str,
    parameter: Said = [],  # noqa: B006  typer reads it and never changes it
    out: Out = Path("output"),
    show_code: Annotated[bool, typer.Option("--show-code", help="Show the notebook's code on the page.")] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Makes one report: a page, a workbook, JSON and the executed notebook."""
    from . import parameters
    from .run import run as make

    settings = Settings.read(config, data)
    record = make(report, parameters.spoken(parameter), settings=settings, out=out, show_code=show_code)
    if record.state == "failed":
        _tell(record.error)
        raise typer.Exit(FAILED)
    for path in record.files:
        typer.echo(path)


@app.command()
def night(out: Out = Path("output"), config: Config = None, data: Data = None, source: Source = None) -> None:
    """Syncs once, runs every preset, and writes the site that people open in the morning."""
    from .night import night as make

    settings = Settings.read(config, data, source)
    report = make(settings, out=out, sync=lambda: _synced(settings), told=_tell)
    typer.echo(out / "index.html")
    if not report.is_whole:
        raise typer.Exit(FAILED)


@app.command()
def demo_portal(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 0,
    deals: Annotated[int, typer.Option(min=1)] = Demo().deals,
    seed: Annotated[int, typer.Option(min=0)] = Demo().seed,
    months: Annotated[int, typer.Option(min=1, max=240)] = Demo().months,
    today: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The company's today.")] = None,
) -> None:
    """Serves an invented company as Bitrix24 serves a real one, and prints its webhook."""
    from . import demo

    on = today.date() if today else date.today()
    company = demo.invent(deals=deals, seed=seed, months=months, today=on)
    try:
        demo.run_forever(company, port=port)
    except OSError as error:
        raise ReportError(
            f"port {port} can't be served: {error.strerror}; give another, or 0 for any free one"
        ) from None


def _synced(settings: Settings) -> None:
    from .sync import sync as read

    with _portal(settings) as portal, _progress() as progress:
        report = read(settings, progress=progress, **portal)
    for table, came in report.tables.items():
        _tell(f"{table}: {came.rows} read, {came.new} new, {report.removed.get(table, 0)} gone")
    for hole in report.holes:
        _tell(f"{hole['table']}: {hole['text']}")
    _tell(f"Synced in {report.seconds:.1f} s; data as of {report.synced_at.astimezone(settings.zone):%Y-%m-%d %H:%M}.")


@contextmanager
def _portal(settings: Settings) -> Iterator[dict[str, Any]]:
    """What a sync is told about its portal; for the demo, one is served as long as it is asked."""
    if settings.source.kind != "demo":
        yield {}
        return
    from . import demo
    from .bitrix24.pace import ENTERPRISE

    held = settings.source.demo
    on = held.today or datetime.now(settings.zone).date()
    _tell(f"Inventing a company of {held.deals} deals, and serving it as Bitrix24 would.")
    company = demo.invent(deals=held.deals, seed=held.seed, months=held.months, today=on)
    with demo.serve(company) as served:
        yield {"webhook": served.webhook, "portal_url": DEMO_PORTAL, "pace": ENTERPRISE}


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """On a terminal one line that counts; in a log a line for so many rows of a table."""
    if not _console.is_terminal:
        yield _log(every=10_000)
        return
    with _console.status("Reading …") as status:
        yield lambda table, rows: status.update(f"Reading {table}: {rows:,} rows")


def _log(*, every: int) -> Callable[[str, int], None]:
    seen: Counter[str] = Counter()

    def told(table: str, rows: int) -> None:
        if rows // every > seen[table] // every:
            _tell(f"{table}: {rows} rows so far")
        seen[table] = rows

    return told


_console = Console(stderr=True, highlight=False, soft_wrap=True)


def _tell(text: str) -> None:
    _console.print(text, markup=False)
