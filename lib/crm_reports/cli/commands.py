"""The commands. Results go to stdout, everything else to stderr; a mistake is a sentence, never a traceback."""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click
import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from ..errors import FilterError, ReportError, SettingsError, all_at_once
from ..settings import LOOPBACK, Demo, Settings
from ..settings.environ import hide_secrets
from ..words.terminal import lines, log_harmlessly, one_line
from ..words.texts import _, speaking
from .plan import plan

if TYPE_CHECKING:
    from ..night import NightReport
    from ..store.sync import SyncReport
    from .doctor import Check

# The other rooms are imported by the commands that need them: what makes pages or syncs takes seconds to import.

# Where the links of the invented company lead: a host that can't exist.
DEMO_PORTAL = "https://demo.bitrix24.example"
SUCCESS, FAILED, REFUSED = 0, 1, 2


class _Told(TyperGroup):
    """Says our own errors in their own words; anything else is a mistake of the product and keeps its traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        hide_secrets()
        log_harmlessly()
        try:
            return super().invoke(ctx)
        except ReportError as error:
            for problem in error.problems:
                _tell(problem)
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


Config = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings; by default reports.toml.")]
Data = Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Where the store is; by default data/.")]
Source = Annotated[
    str | None, typer.Option("--source", metavar="SOURCE", help="demo, bitrix24 or files:DIR, whatever the file says.")
]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the files go.")]
Parameters = Annotated[
    list[str], typer.Option("-p", "--parameter", metavar="KEY=VALUE", help="May come several times.")
]


@app.command()
def sync(
    config: Config = None,
    data: Data = None,
    source: Source = None,
    accept_loss: Annotated[
        bool, typer.Option("--accept-loss", help="Also of files that hold less than half of the deals they held.")
    ] = False,
) -> None:
    """Reads what is new in the CRM into the store."""
    settings = Settings.read(config, data, source)
    with speaking(settings.language):  # what can't be read is kept in the store as it was said
        _sync(settings, accept_loss=accept_loss)


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
        _tell(record.error)
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


def pairs_of(words: Iterable[str]) -> dict[str, str | list[str]]:
    """`key=value` words by key; a key that came several times holds a list."""
    words = list(words)
    all_at_once(
        (_("-p {pair!r} is no key=value", pair=word) for word in words if not re.match(r"[^=]+=", word)), FilterError
    )
    lists: dict[str, list[str]] = {}
    for word in words:
        key, _sign, value = word.partition("=")
        lists.setdefault(key.strip(), []).append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in lists.items()}


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
    config: Config = None,
    data: Data = None,
    source: Source = None,
) -> None:
    """Syncs once, runs every preset, writes the site that people open in the morning, and mails it."""
    from ..night import JOBS, How
    from ..night import night as make

    settings = Settings.read(config, data, source)
    _check_workspace(settings)
    how = How(jobs or JOBS, timeout or settings.limits.page_seconds, scheduler, not no_proof)
    report = make(settings, out=out, sync=lambda: _sync(settings), tell=_tell, how=how)
    typer.echo(one_line(out / "index.html"))
    is_mailed = no_mail or settings.mail is None or _mail_out(settings, report, out)
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

access = typer.Typer(help="Who may ask `crm-reports serve`, by name and password.", no_args_is_help=True)
app.add_typer(access, name="access")


@access.command("add")
def access_add(name: str, config: Config = None, data: Data = None) -> None:
    """Gives a reader a password, which is asked for; what they may see stands under [serve.access] in reports.toml."""
    from ..serve import access as room

    settings = Settings.read(config, data)
    with speaking(settings.language):
        room.add(settings, name, typer.prompt(_("Password"), hide_input=True, confirmation_prompt=True))
        if name not in settings.serve.access:
            _tell(_('{name!r} sees nothing yet: add `{name} = {{ manager = ["…"] }}` under [serve.access]', name=name))


@access.command("remove")
def access_remove(name: str, config: Config = None, data: Data = None) -> None:
    """Takes a reader's password away."""
    from ..serve import access as room

    settings = Settings.read(config, data)
    with speaking(settings.language):
        room.remove(settings, name)


@app.command()
def mail(
    dry_run: Annotated[
        Path | None, typer.Option("--dry-run", metavar="DIR", help="Write the mails as .eml files there, send nothing.")
    ] = None,
    night: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Of which day; by default the latest.")
    ] = None,
    to: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Send all of them there, to nobody else, again and again.")
    ] = "",
    preset: Annotated[
        list[str], typer.Option("--preset", metavar="NAME", help="Only this one; may come several times.")
    ] = [],  # noqa: B006  typer reads it and never changes it
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the pages are.")] = Path("output"),
    config: Config = None,
    data: Data = None,
) -> None:
    """Mails the pages of a night that were not mailed yet."""
    from .. import mail as room

    settings = Settings.read(config, data)
    report = room.night_of(settings, night.date() if night else None, to=to, presets=preset)
    outcome = room.send(settings, report, out=out, dry_run=dry_run, to=to, presets=preset, tell=_tell)
    for line in outcome.sent:
        typer.echo(one_line(line))
    _tell(
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
        _tell(difference)
    if record.run.state == "failed":
        _tell(record.run.error)
        raise typer.Exit(FAILED)
    for path in record.run.files:
        typer.echo(one_line(path))


files = typer.Typer(help="Exports of other CRMs (docs/files.md).", no_args_is_help=True)
app.add_typer(files, name="files")


@files.command("check")
def files_check(
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
            _tell(_("written to {file}", file=str(_add_files_to(settings, view.mapping))))
        elif view.mapping:
            typer.echo(view.mapping)
        for problem in view.problems:
            _tell(problem)
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


@app.command()
def doctor(out: Out = Path("output"), config: Config = None, data: Data = None, source: Source = None) -> None:
    """Says of everything that a night rests on whether it is well, and what to do where it is not. Changes nothing."""
    from . import doctor as room

    settings, problem = room.read(config, data, source)
    with speaking(settings.language), nullcontext({}) if problem else _portal(settings) as portal:
        reached = {name: value for name, value in portal.items() if name != "plan"}  # which is no part of a portal
        states = Counter(_line(check) for check in room.examine(settings, problem, out=out, **reached))
        _table.print(
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
    from ..metrics import own

    settings = Settings.read(config)
    own.take(settings.home if settings.config else None)
    for problem in own.problems():
        _tell(problem)
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

    outcome, operator = room.send_and_tell(settings, report, out=out, tell=_tell)
    for line in (*outcome.sent, *operator.sent):
        _tell(line)
    for line in operator.problems:
        _tell(line)
    _tell(f"{len(outcome.sent)} mailed, {outcome.already} mailed before, {len(outcome.problems)} not.")
    return outcome.is_whole and operator.is_whole


def _sync(settings: Settings, *, accept_loss: bool = False) -> "SyncReport":
    from ..store.sync import sync as read

    with _portal(settings) as portal, _progress() as progress:
        report = read(settings, progress=progress, accept_loss=accept_loss, **portal)
    for table, counts in report.tables.items():
        _tell(f"{table}: {counts.rows} read, {counts.new} new, {report.removed.get(table, 0)} gone")
    for hole in report.holes:
        _tell(f"{hole['table']}: {hole['text']}")
    for sentence in (*report.repairs, *report.plan_mistakes):
        _tell(sentence)
    if report.receipt:
        _tell(report.receipt.words())
        for difference in report.receipt.differences:
            _tell(f"{difference.words}: {difference.here} / {difference.there}. {difference.reason}")
    _tell(f"Synced in {report.seconds:.1f} s; data as of {report.synced_at.astimezone(settings.zone):%Y-%m-%d %H:%M}.")
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
    _tell(f"Inventing a company of {company_settings.deals} deals, and serving it as Bitrix24 would.")
    company = demo.invent(
        deals=company_settings.deals, seed=company_settings.seed, months=company_settings.months, today=today
    )
    with demo.serve(company) as portal:
        yield {
            "webhook": SecretStr(portal.webhook), "portal_url": DEMO_PORTAL, "pace": ENTERPRISE, "plan": demo.plan(company)
        }  # fmt: skip


@contextmanager
def _progress() -> Iterator[Callable[[str, int], None]]:
    """On a terminal one line that counts; in a log a line for so many rows of a table."""
    if not _console.is_terminal:
        yield _log(every=10_000)
        return
    with _console.status("Reading …") as status:
        yield lambda table, rows: status.update(f"Reading {table}: {rows:,} rows")


def _log(*, every: int) -> Callable[[str, int], None]:
    counts: Counter[str] = Counter()

    def tell(table: str, rows: int) -> None:
        if rows // every > counts[table] // every:
            _tell(f"{table}: {rows} rows so far")
        counts[table] = rows

    return tell


def _line(check: "Check") -> str:
    """Prints one line of the doctor's table, and gives its state; the sign is not all that tells it, nor its colour."""
    signs = {"ok": ("✓", "+", "green"), "look": ("!", "!", "yellow"), "broken": ("✗", "x", "red")}
    sign, plain, colour = signs[check.state]
    words = {"ok": _("ok"), "look": _("look"), "broken": _("broken")}
    mark = sign if _table.encoding.startswith("utf") else plain
    grid = Table.grid(padding=(0, 2, 0, 0))
    for width in (11, 16, None):
        grid.add_column(width=width, overflow="fold")
    sentence = Text(lines(check.sentence)) + Text(f"\n→ {lines(check.remedy)}" if check.remedy else "", style="bold")
    grid.add_row(Text(f"{mark} {words[check.state]}", style=colour), Text(one_line(check.name)), sentence)
    _table.print(grid)
    return check.state


_table = Console(highlight=False)
_console = Console(stderr=True, highlight=False, soft_wrap=True)


def _tell(text: str) -> None:
    _console.print(one_line(text), markup=False)
