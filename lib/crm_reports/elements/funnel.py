"""Where deals stop: the funnel, the steps of each manager, and what falling behind the team costs."""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from .. import charts
from ..measures import frames
from ..measures.comparisons import step_worth
from ..measures.dataset import Dataset
from ..measures.measure import measure, medians, missing
from ..measures.names import Rung
from ..measures.totals import without_total
from ..metrics.statistics import SMALL, differs
from ..store.columns import records
from ..words import units
from ..words.texts import N_, _
from .element import element
from .headline import standing_out

STEP_METRICS = ["stage_conversion", "visited_next", "lost_on_the_way", "on_the_way"]


@element(
    title=N_("How far deals come"),
    measured=N_(
        "Bars: deals created in that time, by the stage they came to. Between them, of other deals: of all that reached "
        "a stage in it, how many reached the next, with its 95 % interval. ▼ is the narrowest step."
    ),
    chart=charts.funnel,
    needs=["stage_conversion"],
)
def funnel(ds: Dataset) -> pd.DataFrame:
    """One row per step of each pipeline's funnel, in order, with the conversion to the next step.

    `is_narrowest` marks the step of each pipeline that the smallest share passes, of those with at least 20 deals.
    """
    table = measure(
        ds, ["reached", "visited", "cohort_reached", "stage_conversion"], by="stage", period=ds.filters.stage_period
    )
    rows = {row["stage_id"]: row for row in records(table)}
    pipelines = {ds.names.ladder[id].pipeline_id for id in rows if id in ds.names.ladder}
    rungs = [rung for rung in _in_order(ds, ds.names.ladder) if rung.pipeline_id in pipelines]
    nothing = float("nan") if missing(ds, "reached") else 0
    columns = {
        name: [rows.get(rung.stage_id, {}).get(name, nothing if name in COUNTS else float("nan")) for rung in rungs]
        for name in table.columns
        if name not in ("stage", "stage_id", "is_total")
    }
    narrow = np.array(_narrowest(rungs, columns["stage_conversion"], columns["stage_conversion_n"]), dtype=bool)
    return pd.DataFrame(
        _names(rungs) | columns | {"position": [rung.step + 1 for rung in rungs], "is_narrowest": narrow}
    )


COUNTS = ("reached", "visited", "cohort_reached", "stage_conversion_k", "stage_conversion_n")


def _narrowest(rungs: Sequence[Rung], shares: Sequence[float], n: Sequence[float]) -> list[bool]:
    least: dict[str, float] = {}
    sure = [share if count >= SMALL else float("nan") for share, count in zip(shares, n, strict=True)]
    for rung, share in zip(rungs, sure, strict=True):
        if share == share:
            least[rung.pipeline_id] = min(share, least.get(rung.pipeline_id, share))
    return [share == least.get(rung.pipeline_id) for rung, share in zip(rungs, sure, strict=True)]


def _in_order(ds: Dataset, ids: Iterable[str]) -> list[Rung]:
    """The stages of the funnels by pipeline and step."""
    pipelines = {id: place for place, id in enumerate(ds.names.pipelines.index)}
    return sorted((ds.names.ladder[id] for id in ids), key=lambda rung: (pipelines[rung.pipeline_id], rung.step))


def _names(rungs: Sequence[Rung]) -> dict[str, pd.Series]:
    """Pipeline, stage and next stage of each row, by name and id."""
    names = ("pipeline", "pipeline_id", "stage", "stage_id", "to_stage", "to_stage_id")
    return {name: pd.Series([getattr(rung, name) for rung in rungs], dtype=object) for name in names}


@funnel.finding
def narrow_step(steps: pd.DataFrame, ds: Dataset) -> str:
    """The same with the days that it is of, where they are not the report's."""
    return narrow_place(steps, ds.filters.stage_words())


def narrow_place(steps: pd.DataFrame, when: str = "") -> str:
    """The step that the smallest share passes, and whether that may be chance."""
    return _when(_narrow_place(steps), when)


def _narrow_place(steps: pd.DataFrame) -> str:
    row = narrowest(steps)
    if row is None:
        return _("Too few deals to name a narrow place: no step has {n}", n=SMALL)
    n, behind = int(row["stage_conversion_n"]), int(row["stage_conversion_n"] - row["stage_conversion_k"])
    numbers = {"stuck": units.count(behind), "n": units.count(n)}
    words = {"stage": row["stage"], "next": row["to_stage"], **numbers}
    sure = standing_out(steps, "stage_conversion", above=False)
    if sure is None or sure.name != row.name:
        return _(
            "The fewest go on from {stage} → {next}, which may be chance: {stuck} of {n} deals went no further", **words
        )
    return _("The narrow place is {stage} → {next}: {stuck} of {n} deals went no further", **words)


def narrowest(steps: pd.DataFrame) -> pd.Series | None:
    """The narrowest step of all pipelines; of equal ones that of the most deals. None where no step has 20."""
    rows = steps[steps["is_narrowest"].astype(bool)] if len(steps) else steps
    order = rows.sort_values(["stage_conversion", "stage_conversion_n"], ascending=[True, False]) if len(rows) else rows
    return None if order.empty else order.iloc[0]


@element(
    title=N_("From stage to stage, by manager"),
    measured=N_("Of the deals that reached a stage in that time, how many reached the next. A skipped stage counts."),
    matrix={},
    needs=["stage_conversion", "manager"],
    compares=True,
)
def stage_conversion(ds: Dataset) -> pd.DataFrame:
    """One row per manager and step, then one per step for the team (`is_total`): k of n that reached the next stage."""
    return ds.memo.once("stage_conversion", lambda: _stage_conversion(ds))


def _stage_conversion(ds: Dataset) -> pd.DataFrame:
    rows = frames.frame(ds, "steps", ds.filters.stage_period)
    if not rows["could_go_on"].any():
        return pd.DataFrame()
    days = ds.filters.stage_period
    team = measure(ds, STEP_METRICS, by="stage", period=days).assign(is_total=True, manager=_("Team"), manager_id="")
    people = measure(ds, STEP_METRICS, by=["stage", "manager"], period=days)
    people["stage_conversion_differs"] = _differing(people)
    table = pd.concat([people, team], ignore_index=True)
    goes_on = [bool(id in ds.names.ladder and ds.names.ladder[id].to_stage_id) for id in table["stage_id"]]
    table = table[goes_on]
    place = {rung.stage_id: number for number, rung in enumerate(_in_order(ds, set(table["stage_id"])))}
    table = table.iloc[np.argsort([place[id] for id in table["stage_id"]], kind="stable")]
    names = _names([ds.names.ladder[id] for id in table["stage_id"]])
    columns = {name: table[name].to_numpy() for name in table if name not in names}
    return pd.DataFrame(names | columns)


def _differing(table: pd.DataFrame) -> np.ndarray:
    """Per step, which managers differ from the rest of the team: Holm's correction over the managers of that step."""
    is_sure = np.zeros(len(table), dtype=bool)
    k, n = (table[f"stage_conversion_{half}"].to_numpy() for half in ("k", "n"))
    for places in table.groupby("stage_id").indices.values():
        is_sure[places] = differs(k[places], n[places])
    return is_sure


@stage_conversion.finding
def steps_that_differ(conversion: pd.DataFrame, ds: Dataset) -> str:
    """The same with the days that it is of, where they are not the report's."""
    return who_differs(conversion, ds.filters.stage_words())


def who_differs(conversion: pd.DataFrame, when: str = "") -> str:
    """Whether anybody's step differs from the team's by more than chance."""
    return _when(_who_differs(conversion), when) if len(conversion) else ""


def _who_differs(conversion: pd.DataFrame) -> str:
    rows = conversion[conversion["stage_conversion_differs"].eq(True)]
    if rows.empty:
        return _("Nobody clearly differs from the team")
    names = ", ".join(dict.fromkeys(rows["manager"]))
    return _("Clearly different from the rest of the team: {names}", names=names)


@element(
    title=N_("Narrow places"),
    measured=N_(
        "Each one's dearest step: how many of his deals went on, against the team, and what falling behind it costs. "
        "Fewer than 20 deals come last. In work leads to his deals that stand there."
    ),
    needs=["stage_conversion", "manager"],
)
def narrow_places(ds: Dataset) -> pd.DataFrame:
    """Where each manager falls behind the team's own rate most, dearest first: at most 12 steps of five deals or more.

    `deals_short` is what the team's rate would have brought on beyond what went on; `money_short` is those deals times
    what a closed deal that came to the next stage has brought on average, in the whole history (`worth`). The team is
    everybody whom the filters keep; one manager's own page has all his steps, beside the median of the managers' rates.
    `in_work` are his deals that stand there now.
    """
    people = stage_conversion(ds).table
    if people.empty:
        return pd.DataFrame(columns=SHORT_COLUMNS)
    team = _usual_rate(ds)
    people = without_total(people)
    rate, k, n = people["stage_id"].map(team), people["stage_conversion_k"], people["stage_conversion_n"]
    short = (rate * n - k).astype(float)
    worth = _worth(ds, people["stage_id"])
    table = people.assign(team_conversion=rate, deals_short=short, worth=worth, money_short=short * worth)
    return _dearest(ds, table[short > 0])


def _usual_rate(ds: Dataset) -> pd.Series:
    """stage_id → the share that goes on to the next stage: the team's, or for one manager alone what is usual in it."""
    if ds.filters.is_about_one:
        middle = medians(
            ds,
            ["stage_conversion"],
            by="stage",
            among=lambda row: row["stage_conversion_n"] >= LEAST,
            period=ds.filters.stage_period,
        )
        return middle["stage_conversion"]
    team = measure(ds, ["stage_conversion"], by="stage", period=ds.filters.stage_period)
    return team.set_index("stage_id")["stage_conversion"]


SHORT_COLUMNS = [
    "manager", "manager_id", "pipeline", "pipeline_id", "stage", "stage_id", "to_stage", "to_stage_id", "stage_conversion",
    "stage_conversion_k", "stage_conversion_n", "stage_conversion_low", "stage_conversion_high", "stage_conversion_differs",
    "team_conversion", "deals_short", "money_short", "sureness", "on_the_way", "in_work",
]  # fmt: skip
MOST_PLACES, LEAST = 12, 5


def _dearest(ds: Dataset, table: pd.DataFrame) -> pd.DataFrame:
    """Those with enough deals to rank first, each by money and then by deals; of several people one step each."""
    is_few = table["stage_conversion_n"] < SMALL
    sure = table["stage_conversion_differs"].eq(True)
    sureness = sure.map({True: _("clear"), False: _("may be chance")}).where(~is_few, _("too few to be sure"))
    order = table.assign(is_few=is_few, sureness=sureness)[table["stage_conversion_n"] >= LEAST]
    order = order.sort_values(["is_few", "money_short", "deals_short"], ascending=[True, False, False], kind="stable")
    order = order if ds.filters.is_about_one else order.drop_duplicates("manager_id")
    return _standing_there(ds, order).head(MOST_PLACES)[SHORT_COLUMNS].reset_index(drop=True)


def _standing_there(ds: Dataset, places: pd.DataFrame) -> pd.DataFrame:
    """The places with how many deals of that manager stand on that stage now."""
    counts = (
        measure(ds, ["in_work"], by=["stage", "manager"]).set_index(["stage_id", "manager_id"])["in_work"].to_dict()
    )
    keys = zip(places["stage_id"], places["manager_id"], strict=True)
    return places.assign(in_work=[counts.get(key, 0.0) for key in keys])


def _worth(ds: Dataset, stage_ids: pd.Series) -> np.ndarray:
    """What a closed deal that ever came to the step after each stage brought on average; missing for fewer than 20."""
    rungs, worth = [ds.names.ladder[id] for id in stage_ids], step_worth(ds)
    pairs = [worth.get((rung.pipeline_id, rung.step + 1), (float("nan"), 0)) for rung in rungs]
    return np.array([mean if n >= SMALL else float("nan") for mean, n in pairs], dtype=float)


@narrow_places.finding
def behind(places: pd.DataFrame, ds: Dataset) -> str:
    """Whose step costs most, against the team's own rate; of one manager alone, against the median."""
    when = ds.filters.stage_words()
    return dearest_of_own(places, when) if ds.filters.is_about_one else dearest(places, when)


def dearest(places: pd.DataFrame, when: str = "") -> str:
    """Whose step costs most of those that fall behind the team by more than chance; else that nobody does."""
    if places.empty:
        return _when(_("Nobody with five deals or more on a step falls behind the team's own rate"), when)
    row = dearest_place(places)
    if row is None:
        return _when(_("Nobody clearly falls behind the team's own rate"), when)
    return _behind(row, N_("{manager}, {stage} → {next}: {k} of {n} went on, the team {rate}"), when)


def _when(sentence: str, when: str) -> str:
    return f"{sentence} {when}" if when else sentence


def dearest_place(places: pd.DataFrame) -> pd.Series | None:
    """The first of the places with 20 deals or more that differ from the team by more than chance."""
    if places.empty:
        return None
    sure = places[places["stage_conversion_differs"].eq(True) & (places["stage_conversion_n"] >= SMALL)]
    return sure.iloc[0] if len(sure) else None


def dearest_of_own(places: pd.DataFrame, when: str = "") -> str:
    """The same of one manager alone, against the median of the team."""
    if places.empty:
        nobody = _("No step of five deals or more falls behind the team's median, or too few people can be compared")
        return _when(nobody, when)
    words = N_("{manager}, {stage} → {next}: {k} of {n} went on, the team's median is {rate}")
    return _behind(places.iloc[0], words, when)


def _behind(row: pd.Series, words: str, when: str) -> str:
    text = _(
        words,
        manager=row["manager"],
        stage=row["stage"],
        next=row["to_stage"],
        k=units.count(row["stage_conversion_k"]),
        n=units.count(row["stage_conversion_n"]),
        rate=units.share(row["team_conversion"]),
    )
    money = row.get("money_short")
    cost = "" if units.is_missing(money) else _("; about {money} short", money=units.money(money))
    return f"{_when(text + cost, when).rstrip('.')}. {how_sure(row)}"  # a month may be short for itself: окт.


def how_sure(row: pd.Series) -> str:
    """Whether one manager's step differs from the team's by more than chance."""
    if bool(row["stage_conversion_differs"]) and pd.notna(row["stage_conversion_differs"]):
        return _("A clear difference.")
    if row["stage_conversion_n"] < SMALL:
        return _("Too few deals to be sure.")
    return _("It may be chance.")
