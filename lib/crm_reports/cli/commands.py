"""The commands. Results go to stdout, everything else to stderr; a mistake is a sentence, never a traceback."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer
from pydantic import SecretStr
from typer.core import TyperGroup

from ..errors import ReportError
from ..settings import LOOPBACK, Demo, Settings
from ..settings.environ import hide_secrets
from ..words import context
from ..words.terminal import log_harmlessly, one_line
from ..words.texts import _, speaking
from . import workspaces as many_workspaces
from .access import access
from .act import act
from .alerts import alerts
from .checks import checks, is_well
from .files import files
from .lineage import lineage
from .notebooks import notebooks
from .options import FAILED, REFUSED, Config, Data, Out, Parameters, Source, console, pairs_of, results, tell
from .plan import plan

if TYPE_CHECKING:
    from ..night import NightReport
    from ..store.sync import SyncReport

# The other rooms are imported by the commands that need them: what makes pages or syncs takes seconds to import.

# Where the links of the invented company lead: a host that can't exist.
DEMO_PORTAL = "https://demo.bitrix24.example"


class _Told(TyperGroup):
    """Says our own errors in their own words; anything else is a mistake of the product and keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        hide_secrets()
        log_harmlessly()
        try:
            return super().invoke(ctx)
        except ReportError as error:
            for problem in error.problems:
                tell(problem)
            raise typer.Exit(REFUSED) from None


app = typer.Typer(
    cls=_Told,
    help="Sales reports over Bitrix24, or over files of any other CRM.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(version("crm-reports"))
        raise typer.Exit


@app.callback()
def main(
    is_version_asked: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say the version, do nothing.")
    ] = False,
) -> None:
    """Sales reports over Bitrix24, or over files of any other CRM."""


@app.command()
def sync(
    config: Config = None,
    data: Data = None,
    source: Source = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Also of files that hold less than half of the deals they held.")
    ] = False,
) -> None:
    """Reads what is new in the CRM into the store, and checks it, as a night does."""
    settings = Settings.read(config, data, source)
    with speaking(settings.language):  # what can't be read is kept in the store as it was said
        _sync(settings, accept_loss=accept_loss)
        if not is_well(settings):
            raise typer.Exit(FAILED)


@app.command()
def run(
    report: str,
    parameter: Parameters = [],  # noqa: B006  typer reads it and never changes it
    out: Out = Path("output"),
    show_code: Annotated[bool, typer.Option("--show-code", help="Show the notebook's code on the page.")] = False,
    kernel: Annotated[
        bool, typer.Option("--kernel", help="Run it in a Jupyter kernel of its own, which takes longer.")
    ] = False,
    config: Config = None,
    data: Data = None,
) -> None:
    """Makes one report: a page, a workbook, JSON and the executed notebook."""
    values, settings = pairs_of(parameter), Settings.read(config, data)
    with speaking(settings.language):
        record = _maker(in_kernel=kernel)(report, values, settings=settings, out=out, show_code=show_code)
    if record.error:
        tell(record.error)
        raise typer.Exit(FAILED)
    for path in record.files:
        typer.echo(one_line(path))


def _maker(*, in_kernel: bool) -> Callable[..., Any]:
    """What makes one report: a process of its own, or a Jupyter kernel where that is wished for or nothing can fork."""
    if in_kernel or not hasattr(os, "fork"):
        from ..runs.run import run
    else:
        from ..runs.alone import run
    return run


@app.command()
def night(
    out: Out = Path("output"),
    jobs: Annotated[int, typer.Option(min=0, help="Pages at a time; 0 for one per core.")] = 0,
    timeout: Annotated[
        float, typer.Option(min=0, help="Seconds for one page before it is ended; 0 for what reports.toml says.")
    ] = 0,
    scheduler: Annotated[
        str, typer.Option(metavar="tcp://HOST:PORT", help="A Dask cluster to make the pages on.")
    ] = "",
    no_proof: Annotated[bool, typer.Option("--no-proof", help="Open no page in Chromium.")] = False,
    no_mail: Annotated[bool, typer.Option("--no-mail", help="Mail nothing, whatever the file says.")] = False,
    workspaces: Annotated[
        Path | None, typer.Option("--workspaces", metavar="DIR", help="The night of every workspace in that folder.")
    ] = None,
    config: Config = None,
    data: Data = None,
    source: Source = None,
) -> None:
    """Syncs once, runs every preset, writes the site that people open in the morning, and mails it."""
    if workspaces:
        if config or data or source or out != Path("output"):
            raise ReportError(_(many_workspaces.OWN))
        words = [f"--timeout={timeout}", f"--scheduler={scheduler}", "--no-proof" * no_proof, "--no-mail" * no_mail]
        return many_workspaces.nights(workspaces, [word for word in words if word], jobs or os.cpu_count() or 1)

    from ..night import JOBS, How
    from ..night import night as make

    settings = Settings.read(config, data, source)
    _check_workspace(settings)
    how = How(jobs or JOBS, timeout or settings.limits.page_seconds, scheduler, not no_proof)
    report = make(settings, out=out, sync=lambda: _sync(settings), tell=tell, how=how)
    typer.echo(one_line(out / "index.html"))
    is_mailed = no_mail or not settings.sends or _mail_out(settings, report, out)
    if not (report.is_whole and is_mailed):
        raise typer.Exit(FAILED)


def _check_workspace(settings: Settings) -> None:
    """ReportError: nobody has said here what to make reports of."""
    if settings.config is None:
        raise ReportError(
            _("there is no reports.toml here: `crm-reports init .` makes one, or name yours with --config FILE")
        )


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="The folder; it may be there already.")]) -> None:
    """Makes a workspace: settings, folders for own notebooks, metrics and elements. Writes nothing over."""
    from .init import init as begin

    for path in begin(folder):
        typer.echo(one_line(path))


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="The address to answer at; others than this machine's need [serve.access].")
    ] = LOOPBACK[0],
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8765,
    config: Config = None,
    data: Data = None,
) -> None:
    """Answers over HTTP: every report, about whatever the address says, made when it is asked for."""
    from ..serve import serve as answer

    settings = Settings.read(config, data)
    with speaking(settings.language):
        answer(settings, host=host, port=port, told=typer.echo)


app.add_typer(plan, name="plan")
app.add_typer(access, name="access")
app.add_typer(act, name="act")
app.add_typer(files, name="files")
app.add_typer(notebooks, name="notebooks")
app.command()(checks)
app.command()(alerts)
app.command()(lineage)


@app.command()
def mail(
    dry_run: Annotated[
        Path | None, typer.Option("--dry-run", metavar="DIR", help="Write the messages as files there, send nothing.")
    ] = None,
    night: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Of which day; by default the latest.")
    ] = None,
    to: Annotated[
        str, typer.Option(metavar="RECIPIENT", help="Send all of them there, to nobody else, again and again.")
    ] = "",
    preset: Annotated[
        list[str], typer.Option("--preset", metavar="NAME", help="Only this one; may come several times.")
    ] = [],  # noqa: B006  typer reads it and never changes it
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the pages are.")] = Path("output"),
    config: Config = None,
    data: Data = None,
) -> None:
    """Sends the pages of a night that were not sent yet: by mail, and to whatever chats are named."""
    from .. import mail as room

    settings = Settings.read(config, data)
    report = room.night_of(settings, night.date() if night else None, to=to, presets=preset)
    outcome = room.send(settings, report, out=out, dry_run=dry_run, to=to, presets=preset, tell=tell)
    for line in outcome.sent:
        typer.echo(one_line(line))
    tell(
        f"{len(outcome.sent)} {'written' if dry_run else 'mailed'}, {outcome.already} mailed before, {len(outcome.problems)} not."
    )
    if not outcome.is_whole:
        raise typer.Exit(FAILED)


@app.command()
def rerun(
    page: Annotated[Path, typer.Argument(help="A page of ours: .html, .json or .ipynb.")],
    out: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="By default where the page is.")] = None,
    config: Config = None,
    data: Data = None,
) -> None:
    """Makes a page again, of the same report with the same parameters as of the same instant."""
    from ..runs.again import rerun as make

    record = make(page, settings=Settings.read(config, data), out=out)
    for difference in record.differences:
        tell(difference)
    if record.run.state == "failed":
        tell(record.run.error)
        raise typer.Exit(FAILED)
    for path in record.run.files:
        typer.echo(one_line(path))


@app.command()
def doctor(out: Out = Path("output"), config: Config = None, data: Data = None, source: Source = None) -> None:
    """Says of everything that a night rests on whether it is well, and what to do where it is not. Changes nothing."""
    from . import doctor as room
    from .doctor.shown import shown

    settings, problem = room.read(config, data, source)
    with speaking(settings.language), nullcontext({}) if problem else _portal(settings) as portal:
        reached = {name: value for name, value in portal.items() if name != "plan"}  # which is no part of a portal
        states = Counter(shown(check) for check in room.examine(settings, problem, out=out, **reached))
        results.print(
            _(
                "{broken} broken, {look} to look at, {ok} well",
                **{state: states[state] for state in ("broken", "look", "ok")},
            )
        )
    if states["broken"]:
        raise typer.Exit(FAILED)


@app.command()
def glossary(out: Out = Path("output"), config: Config = None) -> None:
    """Writes the wiki of all numbers: what each means, its formula, where it comes from, and its code."""
    from ..look.wiki import write
    from ..measures.own_fields import columns_of
    from ..metrics import own

    settings = Settings.read(config)
    context.use(own=columns_of(settings.fields))
    own.take(settings.home if settings.config else None)
    for problem in own.problems():
        tell(problem)
    for path in write(out):
        typer.echo(one_line(path))


@app.command()
def new(
    kind: Annotated[str, typer.Argument(help="metric, element or report")],
    name: Annotated[str, typer.Argument(help="Such as big_wins.")],
    config: Config = None,
) -> None:
    """Writes a small working file to begin with, beside reports.toml: an own metric, element or report."""
    from .new import new as begin

    settings = Settings.read(config)
    with speaking(settings.language):
        typer.echo(one_line(begin(kind, name, settings)))


@app.command()
def demo_portal(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 0,
    deals: Annotated[int, typer.Option(min=1)] = Demo().deals,
    seed: Annotated[int, typer.Option(min=0)] = Demo().seed,
    months: Annotated[int, typer.Option(min=1, max=240)] = Demo().months,
    today: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The company's today.")] = None,
) -> None:
    """Serves an invented company as Bitrix24 serves a real one, and prints its webhook."""
    import bitrix24_demo as demo

    on = today.date() if today else date.today()
    company = demo.invent(deals=deals, seed=seed, months=months, today=on)
    try:
        demo.run_forever(company, port=port)
    except OSError as error:
        raise ReportError(
            f"port {port} can't be served: {error.strerror}; give another, or 0 for any free one"
        ) from None


def _mail_out(settings: Settings, report: "NightReport", out: Path) -> bool:
    """Mail what came out to its recipients, and what did not to the operator; False when a mail could not be sent."""
    from .. import mail as room

    outcome, operator = room.send_and_tell(settings, report, out=out, tell=tell)
    for line in (*outcome.sent, *operator.sent):
        tell(line)
    for line in operator.problems:
        tell(line)
    tell(f"{len(outcome.sent)} mailed, {outcome.already} mailed before, {len(outcome.problems)} not.")
    return outcome.is_whole and operator.is_whole


def _sync(settings: Settings, *, accept_loss: bool = False) -> "SyncReport":
    from ..store.sync import sync as read

    with _portal(settings) as portal, _progress() as progress:
        report = read(settings, progress=progress, accept_loss=accept_loss, **portal)
    for table, counts in report.tables.items():
        tell(f"{table}: {counts.rows} read, {counts.new} new, {report.removed.get(table, 0)} gone")
    for hole in report.holes:
        tell(f"{hole['table']}: {hole['text']}")
    for sentence in (*report.repairs, *report.mistakes_beside):
        tell(sentence)
    if report.receipt:
        tell(report.receipt.words())
        for difference in report.receipt.differences:
            tell(f"{difference.words}: {difference.here} / {difference.there}. {difference.reason}")
    tell(f"Synced in {report.seconds:.1f} s; data as of {report.synced_at.astimezone(settings.zone):%Y-%m-%d %H:%M}.")
    return report


@contextmanager
def _portal(settings: Settings) -> Iterator[dict[str, Any]]:
    """What a sync is told about its portal; for the demo, one is served as long as it is asked."""
    if settings.source.kind != "demo":
        yield {}
        return
    import bitrix24_demo as demo

    from ..sources.bitrix24.pace import ENTERPRISE

    company_settings = settings.source.demo
    today = company_settings.today or datetime.now(settings.zone).date()
    tell(f"Inventing a company of {company_settings.deals} deals, and serving it as Bitrix24 would.")
    company = demo.invent(
        deals=company_settings.deals, seed=company_settings.seed, months=company_settings.months, today=today
    )
    scopes = (*demo.SCOPES, *(["catalog"] if settings.products.read else []))
    with demo.serve(company, scopes=scopes) as portal:
        yield {
            "webhook": SecretStr(portal.webhook), "portal_url": DEMO_PORTAL, "pace": ENTERPRISE, "plan": demo.plan(company)
        }  # fmt: skip


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """On a terminal one line that counts; in a log a line for so many rows of a table."""
    if not console.is_terminal:
        yield _log(every=10_000)
        return
    with console.status("Reading …") as status:
        yield lambda table, rows: status.update(f"Reading {table}: {rows:,} rows")


def _log(*, every: int) -> Callable[[str, int], None]:
    counts: Counter[str] = Counter()

    def count(table: str, rows: int) -> None:
        if rows // every > counts[table] // every:
            tell(f"{table}: {rows} rows so far")
        counts[table] = rows

    return count
