"""`crm-reports plan`: an example of a plan for this portal's people, and what is wrong with the one that there is."""

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from math import floor, log10
from typing import TYPE_CHECKING

import typer

from ..errors import FilesError
from ..settings import Settings
from ..words.terminal import one_line
from ..words.texts import _, many, speaking
from .options import Config, Data

if TYPE_CHECKING:
    from ..measures.dataset import Dataset

plan = typer.Typer(help="The company's plan, plan.csv beside reports.toml (docs/plan.md).", no_args_is_help=True)

COLUMNS = ("period", "metric", "manager", "department", "pipeline", "value", "currency")
MONTHS = 3  # that are planned, and of whose wins the example is made


@plan.command("template")
def template(config: Config = None, data: Data = None) -> None:
    """Writes plan.csv beside reports.toml, with a line for each manager and month; one that is there is left alone."""
    from ..measures.load import load
    from ..sources.plan import path_of

    settings = Settings.read(config, data)
    with speaking(settings.language):
        if there := path_of(settings):
            raise FilesError(_("{file} is there already and is left as it is; take it away first", file=there.name))
        rows = list(_lines(load(period=f"last_{MONTHS}_months", settings=settings)))
        path = settings.home / "plan.csv"
        with path.open("x", encoding="utf-8-sig", newline="") as file:  # Excel knows UTF-8 by its mark
            csv.writer(file).writerows([COLUMNS, *rows])
        typer.echo(one_line(path))


@plan.command("check")
def check(config: Config = None, data: Data = None) -> None:
    """Says what is wrong with the plan, without reading it into the store."""
    from ..store.sync.beside import check as read

    settings = Settings.read(config, data)
    with speaking(settings.language):
        lines = read(settings)
        typer.echo(many("{n} line, nothing wrong", "{n} lines, nothing wrong", lines))


def _lines(ds: "Dataset") -> Iterator[tuple[object, ...]]:
    """The running month and the next ones, for each manager as much a month as he has won of late, in round numbers."""
    from ..filters.periods import begin, label, shift
    from ..measures.measure import measure

    won = measure(ds, ["won_money"], by="manager")
    won = won[(won["won_money"] > 0) & (won["manager_id"] != "") & ~won["manager_id"].isin(ds.names.leavers)]
    names = {row["manager_id"]: row["name"] for row in ds.store.rows("managers").to_pylist()}
    people = [(_written(row.manager_id, names), _round(row.won_money / MONTHS)) for row in won.itertuples()]
    first: date = begin("month", ds.filters.today)
    for number in range(MONTHS):
        for name, money in people or [("", 0)]:
            yield label(shift("month", first, number), "month"), "won_money", name, "", "", money, ds.currency


def _written(id: str, names: Mapping[str, str | None]) -> str:
    """The manager's name, where it is his alone and no spreadsheet takes it for a formula; else the id."""
    own = names.get(id) or ""
    is_plain = (
        list(names.values()).count(own) == 1 and "," not in own and not own.startswith(("=", "+", "-", "@", "\t"))
    )
    return own if own and is_plain else id


def _round(money: float) -> int:
    """The money with two digits that say something."""
    digits = floor(log10(max(money, 1))) - 1
    return int(round(money, -digits))
