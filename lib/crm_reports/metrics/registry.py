"""How a metric is declared and found. The definitions themselves are in metrics/.

One entry feeds the tile, the chart's axis, the tooltip, the Excel header and the glossary. A table's column carries the
metric's name, so `column(name)` finds title, unit and formula for anything that a table shows.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from inspect import Parameter, signature
from typing import Any, Literal, get_args

from ..errors import MetricError, near
from ..store.columns import Columns
from ..words import context, texts, units
from ..words.texts import N_, _, language
from .rows import Body, Groups, Number, evaluate, fields_of

Good = Literal["up", "down", "none"]
Unit = Literal["count", "money", "share", "days", "index", "text", "instant", "flag", "number", "date"]


@dataclass(frozen=True)
class Metric:
    """One number's definition: its words, its unit, which way is good, what it is computed from and how."""

    name: str
    title: str
    unit: Unit
    good: Good
    formula: str
    on: str
    fields: tuple[str, ...]
    compute: Body
    needs: tuple[str, ...] = ()
    caveats: str = ""
    is_part: bool = False
    of: str = ""

    def of_all(self, rows: Columns) -> Number:
        """Its value over all these rows."""
        return self.of_each(rows, None)

    def of_each(self, rows: Columns, groups: Groups | None) -> Number:
        """Its value per group of these rows."""
        try:
            return evaluate(self.compute, rows, groups)
        except (TypeError, ValueError, ArithmeticError, MetricError) as error:
            raise MetricError(_("metric {name!r} can't be measured: {error}", name=self.name, error=error)) from error

    @property
    def asks(self) -> set[str]:
        """What it can't be told without: what the source must have, and deals that can end one way or another (`about`)."""
        return {*self.needs, *about(self.on, self.fields)}

    @property
    def module(self) -> str:
        """Where it is defined."""
        return self.compute.__module__

    @property
    def meaning(self) -> str:
        """The sentence under the title: the docstring of the definition."""
        return " ".join((self.compute.__doc__ or "").split())


@dataclass(frozen=True)
class Column:
    """What a column of any table is called, how it is written, what it means; the formula is empty for no metric."""

    name: str
    title: str
    unit: Unit
    formula: str = ""
    meaning: str = ""
    good: str = "none"
    caveats: str = ""
    of: str = ""


# Where a page is of deals in work alone, or of lost ones alone, some numbers only repeat that: what they tell of.
ABOUT = ("outcomes", "losses", "work")
OF_OUTCOMES = {
    "is_won", "is_closed", "is_won_cohort", "is_lost_cohort", "is_open_cohort", "is_new", "is_repeat", "is_moneyless_win", "won_customer_id",
    "won_money", "check", "cycle_days", "went_on", "could_go_on", "visited_next", "lost_on_the_way", "on_the_way", "fact", "closable_money",
    "likely_money", "fresh_money", "variance", "shock_money", "ceiling_money", "is_known", "outcome",
    "sold_money", "full_money", "sold_quantity", "sold_deal_id",
}  # fmt: skip
OF_LOSSES = {"is_lost", "lost_money"}


def about(on: str, fields: Iterable[str]) -> set[str]:
    """What of ABOUT these fields of that frame tell: how deals ended in general, what was lost, or what is in work."""
    if on in ("open_deals", "forgotten_deals"):
        return {"work"}
    if not OF_OUTCOMES.isdisjoint(fields):
        return {"outcomes"}
    return set() if OF_LOSSES.isdisjoint(fields) else {"losses"}


METRICS: dict[str, Metric] = {}
REGISTRIES: list[dict[str, Any]] = [METRICS]  # and the elements, once they are imported
TROUBLES: list[str] = []  # why a file of the workspace's own can't be used, a sentence each
STOCKS = ("open_deals", "forgotten_deals", "open_leads", "prospects")  # as of the report's instant, whatever the period


def metric(
    *,
    title: str,
    unit: Unit,
    formula: str,
    on: str,
    ru: str = "",
    good: Good = "none",
    needs: Sequence[str] = (),
    caveats: str = "",
    is_part: bool = False,
    of: str = "",
    **unknown: object,
) -> Callable[[Body], Body]:
    """Register the function below it under its own name; it is given the rows of the frame `on`, as Rows.

    `ru` is its title in Russian. `needs` names what a source may lack (coverage.LACKING): without it the number is missing, not 0. What `is_part`
    is divided by the same number of all rows that are measured together. `caveats` say what the number can't; `of`
    names a share's denominator, under every title: several shares may be called alike and are never the same.
    """
    if unknown:
        raise MetricError(_refusal(next(iter(unknown))))

    def register(compute: Body) -> Body:
        name = compute.__name__
        if not compute.__doc__:
            raise MetricError(
                _("metric {name!r} has no docstring; say in a sentence what it tells the reader", name=name)
            )
        for keyword, word, words in (("unit", unit, get_args(Unit)), ("good", good, get_args(Good))):
            if word not in words:
                there = {"name": name, "keyword": keyword, "word": word, "words": ", ".join(words)}
                raise MetricError(_("metric {name!r} has {keyword}={word!r}; write one of {words}", **there))
        forget_columns()
        texts.also(title, ru)
        fields = _fields(name, compute)
        METRICS[name] = Metric(
            name, title, unit, good, formula, on, fields, compute, tuple(needs), caveats, is_part, of
        )
        return compute

    return register


def let_go(module: str) -> None:
    """Forget the metrics and elements that were defined in that module."""
    for entries in REGISTRIES:
        for name in [name for name, entry in entries.items() if entry.module == module]:
            del entries[name]
    forget_columns()


def forget_columns() -> None:
    """From now on titles and units are those of the metrics that there are now."""
    _column.cache_clear()


def is_bare() -> bool:
    """Whether every metric is this library's own: any other process then knows what its numbers mean, too."""
    package = __name__.partition(".")[0]
    return all(entry.compute.__module__.partition(".")[0] == package for entry in METRICS.values())


def _refusal(keyword: str) -> str:
    """Why `@metric` does not take the keyword, and what to write instead."""
    if keyword == "fields":
        return _("leave fields= out of @metric: the fields are found by running the body once")
    keywords = [
        name for name, parameter in signature(metric).parameters.items() if parameter.kind == Parameter.KEYWORD_ONLY
    ]
    close = ", ".join(near(keyword, keywords) or keywords)
    return _("@metric takes no {keyword}=; near: {close}", keyword=keyword, close=close)


def _fields(name: str, compute: Body) -> tuple[str, ...]:
    """The fields that the body reads; a body that says what no metric can is refused here, where it is written."""
    try:
        return fields_of(compute)
    except Exception as error:
        raise MetricError(_("metric {name!r} can't be measured: {error}", name=name, error=error)) from error


def find(name: str) -> Metric:
    """The metric of that name."""
    if name not in METRICS:
        close = ", ".join(near(name, METRICS) or sorted(METRICS))
        raise MetricError("; ".join([_("no metric called {name!r}; near: {close}", name=name, close=close), *TROUBLES]))
    return METRICS[name]


def columns_of(names: Iterable[str]) -> list[Column]:
    """What the columns of a table are called. A stock has its day: what stands beside it may be of a whole period."""
    names = [str(name) for name in names]
    if "period" in names:
        return [at_end(column(name)) for name in names]
    is_dated = {"start", "deal_id", "lead_id"} & set(names)
    return [column(name) if is_dated else on_day(column(name)) for name in names]


def on_day(entry: Column) -> Column:
    """The column, with the day of the page's stocks in its title if it is one."""
    day = units.stock_day() if _is_stock(entry) else ""
    return replace(entry, title=_("{title}, on {day}", title=entry.title, day=day)) if day else entry


def at_end(entry: Column) -> Column:
    """The column of a table whose rows are periods: a stock is the one at the end of each."""
    return replace(entry, title=_("{title}, at its end", title=entry.title)) if _is_stock(entry) else entry


def _is_stock(entry: Column) -> bool:
    return entry.name in METRICS and METRICS[entry.name].on in STOCKS


SUFFIXES: dict[str, tuple[str, Unit | None]] = {
    "_k": (N_("{title}: k"), "count"),
    "_n": (N_("{title}: of n"), "count"),
    "_low": (N_("{title}: low end of the 95 % interval"), None),
    "_high": (N_("{title}: high end of the 95 % interval"), None),
    "_differs": (N_("{title}: differs from the team"), "flag"),
    "_previous": (N_("{title}: before"), None),
    "_change": (N_("{title}: change"), "share"),
}

COLUMNS: dict[str, tuple[str, Unit, str]] = {
    "manager": (N_("Manager"), "text", N_("who was responsible for the deal at the report's instant, or who did the action")),
    "department": (N_("Department"), "text", N_("the manager's first department in the CRM")),
    "pipeline": (N_("Pipeline"), "text", N_("the pipeline the deal stood in at the report's instant")),
    "source": (N_("Source"), "text", N_("where the deal or lead came from, as the CRM had it at the report's instant")),
    "stage": (N_("Stage"), "text", N_("the stage the deal stood on at the report's instant, or the stage of the funnel")),
    "to_stage": (N_("Next stage"), "text", N_("the stage after it in the funnel")),
    "loss_reason": (N_("Loss reason"), "text", N_("the lost stage's name, or the CRM's own field for the reason")),
    "customer": (N_("Customer"), "text", N_("the company of the deal, else its contact")),
    "product": (N_("Product"), "text", N_("what the catalogue calls it, else what the product row does")),
    "section": (N_("Section"), "text", N_("of the catalogue; a variation is in its product's")),
    "customer_kind": (
        N_("Kind of customer"), "text",
        N_("repeat: had bought before; new: had not; of a won deal as of its win, of any other as of its end or now"),
    ),
    "size": (N_("Period size"), "text", N_("day, week, month, quarter or year")),
    "period": (N_("Period"), "text", N_("the week, month, quarter or year, as it is written")),
    "day": (N_("Day"), "date", N_("of the period")),
    "planned_metric": (N_("Metric"), "text", N_("which number the row holds")),
    "planned": (N_("Plan"), "text", N_("of the whole period, as plan.csv has it")),
    "there": (N_("So far"), "text", N_("what there is of it by the report's instant")),
    "share_there": (N_("Share of the plan"), "share", N_("so far ÷ plan of the whole period")),
    "so_far": (N_("Won so far"), "money", N_("all that was won from the period's first day to the end of this one")),
    "start": (N_("First day"), "date", N_("the first day of it that belongs to the report")),
    "is_running": (N_("Still running"), "flag", N_("days of it are still to come")),
    "is_total": (N_("Total"), "flag", N_("measured again from all rows, never added up")),
    "is_narrowest": (N_("Narrowest step"), "flag", N_("the smallest share passes here, of the steps with 20 deals or more")),
    "position": (N_("Order"), "number", N_("the place in the funnel, from 1")),
    "metric": (N_("Metric"), "text", N_("which number the row holds")),
    "value": (N_("Value"), "number", N_("the number itself")),
    "previous": (N_("Before"), "number", N_("the same number of the period to compare with")),
    "change": (N_("Change"), "share", N_("by what share it changed; missing when there was nothing before")),
    "k": (N_("k"), "count", N_("how many of n")),
    "n": (N_("of n"), "count", N_("of how many; under 20 it is greyed and not ranked")),
    "deal_id": (N_("Deal ID"), "text", N_("the deal's number in the CRM")),
    "title": (N_("Deal"), "text", N_("what the CRM calls the deal")),
    "url": (N_("Link"), "text", N_("where the deal is in the CRM")),
    "status": (N_("Status"), "text", N_("won, lost, in work, or in work again after it was closed")),
    "outcome": (N_("Outcome"), "text", N_("open, won or lost at the report's instant")),
    "money": (N_("Money"), "money", N_("the amount in the base currency, at the rate the CRM has; missing without a rate")),
    "amount": (N_("Amount"), "number", N_("as the CRM has it, in the deal's own currency")),
    "currency": (N_("Currency"), "text", N_("of the amount")),
    "created_at": (N_("Created on"), "instant", N_("when the deal was created")),
    "closed_at": (N_("Closed on"), "instant", N_("the last entry into a won or lost stage, not the editable closing date")),
    "duration_days": (N_("Days in all"), "days", N_("from creation to the end, or to the report's instant")),
    "last_action_at": (
        N_("Last action"), "instant", N_("the latest action, stage move, comment, incoming message or call on the deal"),
    ),
    "last_action_kind": (N_("Kind of last action"), "text", N_("what the last sign of life was")),
    "next_step_at": (N_("Next step"), "instant", N_("the earliest deadline of what is planned on the deal")),
    "next_step": (N_("Next step is"), "text", N_("planned, overdue or none")),
    "crm_trace_at": (
        N_("The CRM has a later trace"), "instant",
        N_("the CRM's own last activity where it is later by a day or more; robots count there"),
    ),
    "planned_close_on": (N_("Planned closing"), "date", N_("the day on which the deal in work is planned to be closed")),
    "first_planned_on": (N_("First planned for"), "date", N_("the planned closing day that the first sync saw of the deal")),
    "is_past_plan": (N_("Past the planned date"), "flag", N_("in work, and the day it was planned to be closed is over")),
    "is_reopened": (N_("Reopened"), "flag", N_("was won or lost once and is in work at the report's instant")),
    "kind": (N_("Kind of action"), "text", N_("call, meeting, e-mail, CRM activity, comment or stage move")),
    "weight": (N_("Weight"), "number", N_("points for one action of the kind in the activity index")),
    "weight_change": (N_("Weight changed by"), "share", N_("by how much the weight of this kind was changed for the trial")),
    "rank_correlation": (
        N_("Rank correlation"), "number", N_("Spearman's: 1 is the same order, 0 no link, −1 the reverse order"),
    ),
    "keeps_ranking": (N_("Ranking holds"), "flag", N_("nobody changes places when the weight changes")),
    "who_moves": (N_("Who changes places"), "text", N_("the managers whose place in the ranking changes")),
    "chance": (
        N_("Won in the end, share"), "share",
        N_("of the closed deals that were once silent for as long on this stage, the share that was won in the end"),
    ),
    "win_chance": (
        N_("Chance to be won in time"), "share",
        N_(
            "of the deals that stood on that stage for as long, as far from the end of earlier periods, the share won by that end; "
            "few cases are drawn towards the stage's, the pipeline's and the company's share, recent months count for more"
        ),
    ),
    "expected_money": (N_("Expected"), "money", N_("chance × money: what is won counts whole")),
    "forecast_part": (N_("Part"), "text", N_("won, likely from deals in work, or from deals that are not there yet")),
    "looked_from": (N_("Looked from"), "text", N_("the instant from which the month is foretold, with what was known then")),
    "came": (N_("Came"), "money", N_("what the month brought, as it stood at its end")),
    "by_stage": (
        N_("Weighted by stage"), "money",
        N_("won so far + Σ amount of the deals in work × the share of ended deals of that stage that were won, whenever"),
    ),
    "by_last_year": (N_("As last year"), "money", N_("what the same month brought a year earlier")),
    "by_run_rate": (N_("At the pace so far"), "money", N_("won so far + days left × money won per day of the last thirty")),
    "team_conversion": (N_("The team's"), "share", N_("the same step of everybody here; on one manager's own page the median of the managers' rates")),
    "deals_short": (
        N_("Deals short"), "count", N_("the team's rate × n − k: how many more would have gone on at the team's own rate"),
    ),
    "money_short": (
        N_("Money short"), "money",
        N_("deals short × what a closed deal that came to the next stage has brought on average, in the whole history"),
    ),
    "cohort": (N_("Created in"), "text", N_("the month in which the deals were created")),
    "months_since": (N_("Months since"), "count", N_("whole months since the month in which the deals were created; 0 is its own end")),
    "won_by_then": (N_("Won by then"), "share", N_("of the deals created in the month, the share won by then; missing while that is still to come")),
    "moved_by_in_work": (N_("Moved by deals in work"), "money", N_("its part of the change of the velocity, per day; the four parts add up to it")),
    "moved_by_win_rate": (N_("Moved by the win rate"), "money", N_("its part of the change of the velocity, per day; the four parts add up to it")),
    "moved_by_check": (N_("Moved by the average check"), "money", N_("its part of the change of the velocity, per day; the four parts add up to it")),
    "moved_by_cycle": (N_("Moved by the cycle"), "money", N_("its part of the change of the velocity, per day; the four parts add up to it")),
    "deals": (N_("Deals"), "count", N_("how many deals")),
    "since_name": (N_("Since"), "text", N_("the instant that now is compared with")),
    "since_on": (N_("From"), "date", N_("the day at whose midnight the opening stock is taken")),
    "part_name": (N_("What changed"), "text", N_("opening + all parts = closing, to the cent")),
    "silent": (N_("Days silent"), "text", N_("from the last sign of life to the report's instant, in whole days")),
    "is_forgotten": (N_("Forgotten"), "flag", N_("silent for the threshold or longer")),
    "is_in_period": (N_("In the period"), "flag", N_("days of the report's period are in it")),
    "is_touched": (N_("Created or closed in the period"), "flag", N_("created, won or lost in the period")),
    "is_created": (N_("Created in the period"), "flag", N_("counts among the deals created")),
    "is_won": (N_("Won in the period"), "flag", N_("counts among the deals won")),
    "is_lost": (N_("Lost in the period"), "flag", N_("counts among the deals lost")),
    "is_in_work": (N_("In work"), "flag", N_("counts among the deals in work at the report's instant")),
    "is_without_step": (N_("No next step"), "flag", N_("in work, and nothing is planned")),
    "is_overdue": (N_("Next step overdue"), "flag", N_("in work, and what was planned is past")),
    "after_days": (N_("Threshold, days"), "count", N_("the parameter forgotten_after")),
    "is_used": (N_("Used here"), "flag", N_("the threshold of this report")),
    "weekday": (N_("Weekday"), "number", N_("0 is Monday")),
    "hour": (N_("Hour"), "count", N_("of the day, in the report's time zone")),
    "other": (N_("Beside"), "text", N_("the manager to compare with")),
    "pair": (N_("What is alike, what is not"), "text", N_("within one point of the index is the same activity")),
    "other_index": (N_("The other's index"), "index", N_("the activity index of the other manager")),
    "other_won_money": (N_("The other's money"), "money", N_("won money of the other manager")),
    "other_win_rate": (N_("The other's win rate"), "share", N_("won ÷ (won + lost) of the other manager")),
    "is_sure": (N_("Sure"), "flag", N_("the intervals do not overlap, and both have at least 20 closed deals")),
    "sureness": (N_("How sure"), "text", N_("clear: chance alone would make such a difference less than once in 20 times; of fewer than 20 deals nothing is said")),
    "lead_id": (N_("Lead ID"), "text", N_("the lead's number in the CRM")),
    "element": (N_("Element"), "text", N_("the part of the page")),
    "text": (N_("What"), "text", N_("what it says")),
    "report": (N_("Report"), "text", N_("the report that shows it")),
    "code": (N_("Code"), "text", N_("the finding's own name, the same in every language")),
    "count": (N_("Count"), "count", N_("how many deals it is about")),
}  # fmt: skip


def column(name: str) -> Column:
    """What the column `name` is called and how it is written, in the reader's language. Unknown: its own name, text."""
    return context.current().own.get(name) or _column(name, language())


@lru_cache(4096)
def _column(name: str, _language: str) -> Column:
    if name in METRICS:
        entry = METRICS[name]
        words = (_(text) for text in (entry.formula, entry.meaning))
        return Column(name, _(entry.title), entry.unit, *words, entry.good, _(entry.caveats), _(entry.of))
    if name in COLUMNS:
        title, unit, meaning = COLUMNS[name]
        return Column(name, _(title), unit, meaning=_(meaning))
    for suffix, (words, unit) in SUFFIXES.items():
        if name.endswith(suffix) and (name.removesuffix(suffix) in METRICS or name.removesuffix(suffix) in COLUMNS):
            base = column(name.removesuffix(suffix))
            return replace(base, name=name, title=_(words, title=base.title), unit=unit or base.unit)
    if name.endswith("_id") and name.removesuffix("_id") in COLUMNS:
        return Column(name, _("{title}: ID", title=column(name.removesuffix("_id")).title), "text")
    return Column(name, name, "text")
