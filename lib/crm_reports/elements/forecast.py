"""Shall we make it, which deals decide it, and how good such forecasts were."""

import textwrap

import numpy as np
import pandas as pd

from .. import charts
from ..charts.forecast import LOOKED_FROM
from ..measures.backtest import Record, record
from ..measures.backtest import backtest as tested
from ..measures.dataset import Dataset
from ..measures.forecast import Forecast
from ..measures.measure import value_of
from ..words import units
from ..words.texts import N_, _, many
from .deals import first_of
from .element import element, explanation, needs_of_names
from .pushed import local_days

NEEDED = ("forecast",)
PARTS = {"won": N_("Won so far"), "likely": N_("Likely from today's pipeline"), "fresh": N_("From deals yet to come")}
WAYS = {
    "by_stage": N_("the pipeline weighted by stage"),
    "by_last_year": N_("the same days last year"),
    "by_run_rate": N_("the pace of the last thirty days"),
}
MOST = 100  # deals: those after them decide nothing
FIRST = 3  # of them: to begin with
DECIDING = [
    "title", "url", "customer", "manager", "manager_id", "department", "pipeline", "stage", "expected_money", "win_chance", "win_chance_k",
    "win_chance_n", "money", "days_in_current_stage", "days_silent", "next_step", "next_step_at",
    "planned_close_on", "deal_id",
]  # fmt: skip


def without_past(ds: Dataset) -> str:
    """Why there is no forecast: what the source lacks, else what history does."""
    return explanation(ds, needs_of_names(NEEDED)) or Forecast.of(ds).missing


@element(
    title=N_("Forecast"),
    measured=N_(
        "Money won in the period so far, chance × money of the deals in work, and what deals yet to be created bring in time."
    ),
    chart=charts.forecast,
    missing=without_past,
    leads_to="deciding",
    mail=("expected_money",),
)
def forecast(ds: Dataset) -> pd.DataFrame:
    """A row per part (won, likely, fresh), and the total with the ends of its range: deals, expected_money."""
    made = Forecast.of(ds)
    rows = made.rows
    sums = {part: float(rows[f"{part}_money"].sum()) for part in PARTS}
    deals = {"won": len(made.won_places), "likely": len(made.open_places), "fresh": np.nan}
    low, high = (value_of(ds, name) for name in ("forecast_low", "forecast_high"))
    table = pd.DataFrame({
        "forecast_part": [*map(_, PARTS.values()), _("All together")], "part": [*PARTS, "total"],
        "deals": [*deals.values(), np.nan], "expected_money": [*sums.values(), sum(sums.values())],
        "forecast_low": [np.nan] * 3 + [low], "forecast_high": [np.nan] * 3 + [high], "is_total": [False] * 3 + [True],
    })  # fmt: skip
    has_plan = made.plan == made.plan
    return table.assign(plan=[np.nan] * 3 + [made.plan]) if has_plan else table


@forecast.finding
def shall_we(table: pd.DataFrame, ds: Dataset) -> str:
    """What the period will bring, and of what."""
    sums = {name: units.money(money) for name, money in zip(table["part"], table["expected_money"], strict=True)}
    period = ds.filters.period.words()
    when = period[:1].upper() + period[1:]  # Russian months are written small
    if not Forecast.of(ds).is_running:
        return _("{when} is over: it brought {won}", when=when, won=sums["won"])
    ends = {end: units.money(table[f"forecast_{end}"].iloc[-1]) for end in ("low", "high")}
    words = {"when": when, "total": sums["total"], "won": sums["won"], **ends}
    if "plan" not in table or _is_made(table):
        return _("{when}: about {total}, four times in five {low} to {high}; {won} of it is won", **words)
    words |= {"plan": units.money(table["plan"].iloc[-1]), "chance": units.share(Forecast.of(ds).chance_of_plan)}
    return _(
        "{when}: about {total}, four times in five {low} to {high}; the plan of {plan} is made with a chance of {chance}",
        **words,
    )


def _is_made(table: pd.DataFrame) -> bool:
    """Whether what is won makes the plan already: then its chance is no news."""
    return table["expected_money"].iloc[0] >= table["plan"].iloc[-1]


@forecast.note
def what_of_it(ds: Dataset) -> str:
    """What is not in it, whose past it is counted from, and whether a simple way was better here."""
    made = Forecast.of(ds)
    if not made.is_running:
        return ""
    sentences = [_unpriced(ds)]
    if made.outlook.is_by_check:
        sentences.append(
            _("Hardly any deal in work has an amount: each counts with the average check of the last year.")
        )
    if ds.filters.is_about_people:
        sentences.append(_("Counted from the past of these people's own deals."))
    return " ".join(filter(None, [_what_it_takes(made), *sentences, _simple_way(made, record(ds))]))


def _what_it_takes(made: Forecast) -> str:
    """What would have to be true for the plan to be made; "" where there is none, or it is expected to be."""
    rows = made.rows
    short = made.plan - sum(float(rows[f"{part}_money"].sum()) for part in PARTS)
    if not short > 0:
        return ""
    words = {"short": units.money(short), "open": units.money(made.closable_money.sum())}
    if not made.wins_needed:
        return _("{short} more than is likely would have to come, which today's pipeline does not hold.", **words)
    return many(
        "{short} more than is likely would have to come: the {n} deal that adds most, won; {open} in work can close in time.",
        "{short} more than is likely would have to come: the {n} deals that add most, all won; {open} in work can close in time.",
        made.wins_needed,
        **words,
    )


def _unpriced(ds: Dataset) -> str:
    deals = ds.slice.deals
    count = int((np.asarray(deals["outcome"] == "open") & ~deals["is_priced"].astype(bool)).sum())
    words = many(
        "{n} deal in work has no exchange rate and is not in it.",
        "{n} deals in work have no exchange rate and are not in it.",
        count,
    )
    return words if count else ""


def _simple_way(made: Forecast, past: Record) -> str:
    """That a simple way missed by less on this past, and what it says; "" where none did."""
    if not past.is_worse:
        return ""
    way = past.best_simple
    return _(
        "On this portal's own past {way} missed by {simple} on average and this forecast by {own}: by that way it is {money}.",
        way=_(WAYS[way]),
        simple=units.share(past.errors[way]),
        own=units.share(past.errors["forecast"]),
        money=units.money(getattr(made.outlook, way)[-1]),
    )


def in_short(ds: Dataset) -> str:
    """What the period will bring, how likely the plan is, and which deals to begin with; "" where nothing is foretold."""
    if without_past(ds) or not Forecast.of(ds).is_running:
        return ""
    whole, deals = shall_we(forecast(ds).table, ds), _deciding(ds)
    few, titles = on_how_few(deals, ds), ", ".join(_shortened(title) for title in deals["title"].head(FIRST).dropna())
    first = _("{deals}; first of all {titles}", deals=few, titles=titles) if titles else few
    return f"{whole}. {first}."


def _shortened(title: object) -> str:
    """A deal's title of which a sentence can hold several."""
    return textwrap.shorten(str(title), 40, placeholder="…")


@element(
    title=N_("Deals that decide it"),
    measured=N_(
        "By expected money: chance × money. The chance: of past deals on that stage for as long, the share won in the time left. The title opens the deal in the CRM."
    ),
    missing=without_past,
    wants=["forgotten"],
    mail=("expected_money", "win_chance"),
)
def deciding(ds: Dataset) -> pd.DataFrame:
    """The deals in work from which most is expected in time, with chance, silence and next step; at most MOST."""
    return _deciding(ds).copy()


def _deciding(ds: Dataset) -> pd.DataFrame:
    return ds.memo.once("deciding", lambda: _by_expected(ds))


def _by_expected(ds: Dataset) -> pd.DataFrame:
    made = Forecast.of(ds)
    if not made.is_running:
        return pd.DataFrame(columns=DECIDING)
    first = np.sort(made.place[np.argsort(-made.expected, kind="stable")[:MOST]])
    is_shown = np.isin(ds.work.deals["place"], first)
    shown = np.searchsorted(made.place, ds.work.deals["place"][is_shown])
    rows = ds.lists.open_deals_at(first).assign(
        planned_close_on=local_days(ds, ds.work.planned_dates["planned_at"][is_shown]), win_chance=made.chance[shown],
        win_chance_k=made.k[shown], win_chance_n=made.n[shown], expected_money=made.expected[shown],
    )  # fmt: skip
    overdue = rows["is_overdue"].map({True: _("overdue"), False: _("planned")})
    table = rows.assign(next_step=overdue.where(rows["has_next_step"], _("none"))).reindex(columns=DECIDING)
    return first_of(table[table["expected_money"] > 0], expected_money=False, money=False, deal_id=True)


@deciding.finding
def on_how_few(table: pd.DataFrame, ds: Dataset) -> str:
    """On how few deals half of what is likely depends."""
    made = Forecast.of(ds)
    likely = float(made.expected.sum()) if made.is_running else 0.0
    if table.empty or likely <= 0:
        return _("No deal in work is likely to be won in time")
    half = int((table["expected_money"].cumsum() < likely / 2).sum()) + 1
    words = {"total": units.count(len(made.place)), "money": units.money(likely)}
    return many(
        "{n} of {total} deals in work makes half of the {money} that are likely",
        "{n} of {total} deals in work make half of the {money} that are likely",
        half,
        **words,
    )


@element(
    title=N_("Forecasts of the past"),
    measured=N_(
        "The same forecast made as the company stood at each past month's start, middle and a week before its end, beside what came."
    ),
    chart=charts.backtest,
    missing=lambda ds: without_past(ds) or without_record(ds),
)
def backtest(ds: Dataset) -> pd.DataFrame:
    """A row per past month and instant: forecast with its range, what came, and what three simple ways would have said."""
    table = tested(ds)
    names = table["looked_from"].map({kind: _(text) for kind, text in LOOKED_FROM.items()})
    return table.assign(looked_from=names, looked_from_id=table["looked_from"]).drop(columns="looked_on")


def without_record(ds: Dataset) -> str:
    """Why nothing can be said of past forecasts."""
    return "" if len(tested(ds)) else _("No past month could have been forecast: history is too short for that.")


@backtest.finding
def how_good(ds_table: pd.DataFrame, ds: Dataset) -> str:
    """How often the range held what came, by how much the forecast missed, and the best simple way."""
    past = record(ds)
    k, n = past.held
    words = {"k": units.count(k), "n": units.count(n), "own": units.share(past.errors["forecast"])}
    if not past.best_simple:
        return _("The range held {k} of {n}; the forecast missed by {own} on average", **words)
    words |= {"way": _(WAYS[past.best_simple]), "simple": units.share(past.errors[past.best_simple])}
    if past.is_worse:
        return _("The range held {k} of {n}; {way} missed by {simple} on average, this forecast by {own}", **words)
    return _("The range held {k} of {n}; the forecast missed by {own} on average, {way} by {simple}", **words)


@backtest.note
def in_all(ds: Dataset) -> str:
    """Whether forecasts were too high or too low in all."""
    bias = record(ds).bias
    if np.isnan(bias):
        return ""
    share = units.share(abs(bias))
    if bias >= 0:
        return _("All together they were {share} too high.", share=share)
    return _("All together they were {share} too low.", share=share)
