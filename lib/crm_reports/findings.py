"""What a table says, in one computed sentence with its number: the heading over a chart or a table."""

from collections.abc import Callable

import pandas as pd

from . import elements, measures, units
from .columns import records
from .dataset import Dataset
from .measures import measure, missing, one
from .metrics.statistics import SMALL, rank_correlation
from .registry import column
from .texts import N_, _, many


def growth(tiles: pd.DataFrame, metric: str) -> str:
    """How the metric moved against the period before."""
    row = tiles.set_index("metric").loc[metric]
    title = column(metric).title
    if pd.isna(row["change"]):
        return _("{title}: {value}", title=title, value=units.write(row["value"], column(metric).unit))
    before = units.write(row["previous"], column(metric).unit)
    share = units.write(abs(row["change"]), "share")
    if row["change"] == 0:
        return _("{title} did not change: {before} before", title=title, before=before)
    if row["change"] > 0:
        return _("{title} grew by {share}, from {before}", title=title, share=share, before=before)
    return _("{title} fell by {share}, from {before}", title=title, share=share, before=before)


def concentration(managers: pd.DataFrame) -> str:
    """How few managers bring more than half of the money."""
    rows = managers[~managers["is_total"]].sort_values("won_money", ascending=False)
    whole = rows["won_money"].sum()
    if not whole or len(rows) < 2:
        return ""
    shares = rows["won_money"].cumsum() / whole
    few = int((shares < 0.5).sum()) + 1
    share = units.write(shares.iloc[few - 1], "share")
    return many(
        "{n} of {all} managers brings {share} of the money", "{n} of {all} managers bring {share} of the money",
        few, all=len(rows), share=share,
    )  # fmt: skip


def narrow_place(steps: pd.DataFrame) -> str:
    """The step that the smallest share passes."""
    worst = steps[steps["is_narrowest"]].sort_values("stage_conversion_n", ascending=False)
    if worst.empty:
        return _("Too few deals to name a narrow place: no step has {n}", n=SMALL)
    row = worst.iloc[0]
    stuck = int(row["stage_conversion_n"] - row["stage_conversion_k"])
    return _(
        "The narrow place is {stage} → {next}: {stuck} of {n} deals went no further",
        stage=row["stage"], next=row["to_stage"], stuck=stuck, n=int(row["stage_conversion_n"]),
    )  # fmt: skip


def dearest(places: pd.DataFrame) -> str:
    """Whose step costs most against the team's own rate: how many deals, how much money, how sure that is."""
    if places.empty:
        return _("Nobody with five deals or more on a step falls behind the team's own rate")
    row = places.iloc[0]
    said = _(
        "{manager}, {stage} → {next}: {k} of {n} went on, the team {rate}",
        manager=row["manager"], stage=row["stage"], next=row["to_stage"], k=int(row["stage_conversion_k"]),
        n=int(row["stage_conversion_n"]), rate=units.write(row["team_conversion"], "share"),
    )  # fmt: skip
    money = units.write(row["money_short"], "money", form="tile")
    cost = "" if pd.isna(row["money_short"]) else _("; about {money} short", money=money)
    return f"{said}{cost}. {how_sure(row)}"


def how_sure(row: pd.Series) -> str:
    """Whether one manager's step differs from the team's by more than chance."""
    if bool(row["stage_conversion_differs"]) and pd.notna(row["stage_conversion_differs"]):
        return _("More than chance.")
    if row["stage_conversion_n"] < SMALL:
        return _("Too few deals to be sure.")
    return _("It may be chance.")


def who_differs(conversion: pd.DataFrame) -> str:
    """Whether anybody's step differs from the team's by more than chance."""
    said = conversion[conversion["stage_conversion_differs"].eq(True)] if len(conversion) else conversion
    if said.empty:
        return _("Nobody differs from the team by more than chance would do")
    names = ", ".join(dict.fromkeys(said["manager"]))
    return _("More than chance: {names} against the rest of the team", names=names)


def top_reason(reasons: pd.DataFrame) -> str:
    """The most frequent reason for losing."""
    if reasons.empty:
        return _("Nothing was lost in the period")
    row = reasons.iloc[0]
    share = units.write(row["share_of_lost"], "share")
    return _("{reason}: {share} of what was lost", reason=row["loss_reason"], share=share)


def deals_listed(deals: pd.DataFrame) -> str:
    """How long the list is."""
    return many(
        "{n} deal was created or closed in the period", "{n} deals were created or closed in the period", len(deals)
    )


def correlation(table: pd.DataFrame) -> str:
    """How far activity and money go together, with the interval; no causal words."""
    rho, low, high, n = rank_correlation(table["activity_index"], table["won_money"])
    if pd.isna(rho):
        return _("Too few managers to say whether activity and money go together")
    said = {name: units.write(end, "number") for name, end in {"rho": rho, "low": low, "high": high}.items()} | {"n": n}
    if low <= 0 <= high:
        return _("Activity and money show no clear link: rank correlation {rho} ({low} … {high}, {n} managers)", **said)
    if high < 0:
        return _("The more activity, the less money: rank correlation {rho} ({low} … {high}, {n} managers)", **said)
    return _("Activity and money go together: rank correlation {rho} ({low} … {high}, {n} managers)", **said)


def most_active(activity: pd.DataFrame) -> str:
    """Who does most, and how far behind the middle of the team is."""
    rows = activity[~activity["is_total"] & activity["activity_index"].notna()]
    if rows.empty:
        return _("Nobody acted in the period")
    best = rows.sort_values("activity_index", ascending=False).iloc[0]
    middle = units.write(activity["activity_index"].iloc[-1], "index")
    return _("{manager} does most; the middle of the team is at {middle} of 10", manager=best["manager"], middle=middle)


def forgotten(ds: Dataset) -> str:
    """How many deals in work are forgotten, and their money; nothing where the source can't tell."""
    if missing(ds, "forgotten"):
        return ""
    if not one(ds, "forgotten"):
        return _("Nothing is forgotten")
    money = units.write(one(ds, "forgotten_money"), "money", form="tile")
    return many(
        "{n} of {all} deals in work is forgotten: {money}", "{n} of {all} deals in work are forgotten: {money}",
        int(one(ds, "forgotten")), all=int(one(ds, "in_work")), money=money,
    )  # fmt: skip


def worst_share(table: pd.DataFrame, name: str) -> str:
    """Who or what has forgotten most, by count and share."""
    rows = table[~table["is_total"] & (table["forgotten"] > 0)]
    if rows.empty:
        return _("Nothing is forgotten")
    row = rows.sort_values("forgotten", ascending=False).iloc[0]
    said = {"name": row[name], "k": int(row["forgotten"]), "share": units.write(row["forgotten_share"], "share")}
    return _("{name}: {k} forgotten, {share} of what is in work there", **said)


def year_on_year(table: pd.DataFrame) -> str:
    """Money of the last twelve months against the twelve before."""
    now, before = table["won_money"].sum(), table["won_money_previous"].sum()
    if not before:
        return _("{money} won in twelve months", money=units.write(now, "money", form="tile"))
    share = units.write(abs(now / before - 1), "share")
    said = {"money": units.write(now, "money", form="tile"), "share": share}
    if now >= before:
        return _("{money} won in twelve months, {share} more than in the twelve before", **said)
    return _("{money} won in twelve months, {share} less than in the twelve before", **said)


def changed(table: pd.DataFrame, since: str = "week") -> str:
    """How the pipeline moved: from the opening stock to the closing one, and the largest parts of it."""
    rows = table[table["since"] == since].set_index("part")
    if rows.empty:
        return ""
    opening, closing = rows["money"]["opening"], rows["money"]["closing"]
    if not rows["deals"].any():
        return _("Nothing was in work, and nothing is")
    said = {
        name: units.write(abs(rows["money"][name]), "money", form="tile") for name in ("new", "won", "lost", "closing")
    }
    said |= {"since": rows["since_name"].iloc[0], "by": units.write(abs(closing - opening), "money", form="tile")}
    if closing == opening:
        return _("The pipeline holds {closing}, as much as {since}: {new} new, {won} won, {lost} lost", **said)
    if closing > opening:
        return _("The pipeline grew by {by} to {closing} {since}: {new} new, {won} won, {lost} lost", **said)
    return _("The pipeline shrank by {by} to {closing} {since}: {new} new, {won} won, {lost} lost", **said)


def statuses(table: pd.DataFrame) -> str:
    """How many deals are in work for one that was won."""
    won, lost = int(table["deals"].iloc[0]), int(table["deals"].iloc[1])
    held = int(table["deals"].iloc[2:].sum())
    return _("{won} won and {lost} lost in the period; {held} are in work", won=won, lost=lost, held=held)


def slowest_stage(table: pd.DataFrame) -> str:
    """The stage on which an ordinary deal stands longest."""
    rows = table[table["median_stage_days"].notna() & (table["median_stage_days_n"] >= SMALL)]
    if rows.empty:
        return _("Too few visits to name the slowest stage: none has {n}", n=SMALL)
    row = rows.sort_values("median_stage_days", ascending=False).iloc[0]
    days = units.write(row["median_stage_days"], "days")
    return _("Longest on {stage}: half of the deals stand there {days} or more", stage=row["stage"], days=days)


def standing(matrix: pd.DataFrame) -> str:
    """Where most of the money in work stands."""
    team = matrix[matrix["is_total"] & (matrix["stage_id"] != "*")]
    if team.empty or not team["in_work"].sum():
        return _("Nothing is in work")
    row = team.sort_values(["in_work_money", "in_work"], ascending=False).iloc[0]
    money, days = (
        units.write(row["in_work_money"], "money", form="tile"),
        units.write(row["days_in_current_stage"], "days"),
    )
    return _(
        "Most money stands on {stage}: {money} in {n} deals, an ordinary one for {days}",
        stage=row["stage"], money=money, n=units.write(row["in_work"], "count"), days=days,
    )  # fmt: skip


def lost_from(table: pd.DataFrame) -> str:
    """From which stage most deals are lost."""
    team = table[table["is_total"]] if len(table) else table
    if team.empty:
        return _("Nothing was lost in the period")
    row = team.sort_values("lost", ascending=False).iloc[0]
    k, n = int(row["lost"]), int(team["lost"].sum())
    return _("Most are lost from {stage}: {k} of {n}", stage=row["stage"], k=k, n=n)


def loses_most(table: pd.DataFrame) -> str:
    """Which reason of one manager stands out."""
    each = table[~table["is_total"]] if len(table) else table
    if each.empty:
        return _("Nothing was lost in the period")
    row = each.sort_values("lost", ascending=False).iloc[0]
    return _(
        "Most often: {manager}, {reason}, {k}", manager=row["manager"], reason=row["loss_reason"], k=int(row["lost"])
    )


def best_source(table: pd.DataFrame) -> str:
    """Which source brings most money, and which converts best of those with enough deals."""
    rows = table[~table["is_total"]]
    if rows.empty or not rows["won_money"].sum() > 0:
        return _("No source brought money in the period")
    most = rows.sort_values("won_money", ascending=False).iloc[0]
    said = _(
        "{source} brings most: {money}",
        source=most["source"],
        money=units.write(most["won_money"], "money", form="tile"),
    )
    sure = rows[rows["conversion_n"] >= SMALL].sort_values("conversion", ascending=False)
    if sure.empty:
        return said
    best = sure.iloc[0]
    share = units.write(best["conversion"], "share")
    return said + _("; {source} converts best: {share}", source=best["source"], share=share)


def repeats(table: pd.DataFrame) -> str:
    """How much of the winning is with customers who had bought before."""
    won = table[~table["is_total"]].set_index("customer_kind_id")["won"]
    k, n = int(won.get("repeat", 0)), int(won.get("repeat", 0) + won.get("new", 0))
    if not n:
        return _("No won deal of the period has a customer")
    share = units.write(k / n, "share")
    return _("{share} of the won deals are with customers who had bought before: {k} of {n}", share=share, k=k, n=n)


def leader(table: pd.DataFrame, metric: str = "won_money") -> str:
    """Who was first in how many of the months."""
    if table["manager_id"].nunique() < 2 or not (table[metric] > 0).any():
        return ""
    best = table.loc[table.groupby("start")[metric].idxmax()]
    best = best[best[metric] > 0]
    first = best["manager"].value_counts()
    months = many("{n} month", "{n} months", len(best))
    return _("{manager} was first in {k} of {months}", manager=first.index[0], k=int(first.iloc[0]), months=months)


def pairs(table: pd.DataFrame) -> str:
    """How many pairs are worth a talk, and of how many it is more than chance."""
    if table.empty:
        return _("No two managers do alike and sell unlike")
    sure = table[table["is_sure"].astype(bool)]
    row = (sure if len(sure) else table).iloc[0]
    said = _("{manager} beside {other}: {pair}", manager=row["manager"], other=row["other"], pair=row["pair"])
    return f"{said}. {_('More than chance.')}" if len(sure) else f"{said}. {_('It may be chance: see the intervals.')}"


def beside_team(table: pd.DataFrame) -> str:
    """One manager's index against the anonymous middle of the team."""
    own = table[~table["is_total"]]
    if own.empty or pd.isna(own["activity_index"].iloc[0]):
        return _("Nothing was done in the period")
    index = units.write(own["activity_index"].iloc[0], "index")
    team = table[table["is_total"]]
    if team.empty:
        return _("Index {index} of 10; the team is too small for a median", index=index)
    return _("Index {index} of 10; the team's median is {middle}", index=index,
             middle=units.write(team["activity_index"].iloc[0], "index"))  # fmt: skip


def activity(ds: Dataset) -> Callable[[pd.DataFrame], str]:
    """Who does most; of one manager alone, where he stands beside the middle of the team."""
    return beside_team if elements.alone(ds) else most_active


def index_and_results(ds: Dataset) -> Callable[[pd.DataFrame], str]:
    """Whether activity and money go together; of one manager alone, both beside the middle of the team."""
    return money_beside_team if elements.alone(ds) else correlation


def money_beside_team(table: pd.DataFrame) -> str:
    """One manager's won money against the anonymous middle of the team."""
    own, team = table[~table["is_total"]], table[table["is_total"]]
    if own.empty:
        return _("Nothing was done in the period")
    money = units.write(own["won_money"].iloc[0], "money", form="tile")
    if team.empty:
        return _("{money} won; the team is too small for a median", money=money)
    return _("{money} won; the team's median is {middle}", money=money,
             middle=units.write(team["won_money"].iloc[0], "money", form="tile"))  # fmt: skip


def sensitive(table: pd.DataFrame) -> str:
    """Whether the ranking survives other weights."""
    if table.empty:
        return _("Nobody acted in the period")
    held = int(table["keeps_ranking"].sum())
    # Two kinds that move it alike differ in the last digit: the first of them is named.
    worst = table.sort_values("rank_correlation", key=lambda rho: rho.round(9), kind="stable").iloc[0]
    said = {"k": held, "n": len(table), "rho": units.write(worst["rank_correlation"], "number"), "kind": worst["kind"]}
    if held == len(table):
        return _("The ranking survives every other weight that was tried")
    return _("The ranking is the same in {k} of {n} trials; it moves most with {kind}: {rho}", **said)


def forgotten_leads(ds: Dataset) -> str:
    """How many leads in work nobody touches."""
    if missing(ds, "leads_forgotten"):
        return ""
    return many("{n} lead of {all} in work is forgotten", "{n} leads of {all} in work are forgotten",
                int(one(ds, "leads_forgotten")), all=int(one(ds, "leads_in_work")))  # fmt: skip


def without_data(ds: Dataset) -> str:
    """Which kinds of action the portal has no data of, so that nobody reads a missing number as a zero."""
    if missing(ds, "actions") or not ds.kinds_without_data:
        return ""
    names = ", ".join(elements.kinds(pd.Series(ds.kinds_without_data)))
    return _(
        "No data: {kinds}. Nothing of the kind is in the CRM, so they are left out and not shown as zero.", kinds=names
    )


def busiest(table: pd.DataFrame) -> str:
    """On which weekday and in which hour most is done."""
    if table.empty:
        return _("Nobody acted in the period")
    day = table.groupby("weekday")["actions"].sum()
    hour = table.groupby("hour")["actions"].sum()
    share = units.write(day.max() / day.sum(), "share")
    return _("Busiest: {day} ({share} of the actions) and the hour from {hour}:00", day=units.weekday(int(day.idxmax())),
             share=share, hour=int(hour.idxmax()))  # fmt: skip


def long_silent(table: pd.DataFrame) -> str:
    """How many of the deals in work have been silent for three times the threshold."""
    late = table[table["is_forgotten"]]
    if late.empty or not late["deals"].sum():
        return _("Nothing is forgotten")
    top = late.sort_values("deals", ascending=False).iloc[0]
    return _("Most of the forgotten, {n}, have been silent for {span} days", n=int(top["deals"]), span=top["silent"])


def threshold(table: pd.DataFrame) -> str:
    """What another threshold would give."""
    used = table[table["is_used"]].iloc[0]
    rows = table[table["after_days"] > used["after_days"]]
    if rows.empty:
        rows = table[table["after_days"] < used["after_days"]].tail(1)
    said = {"used": int(used["after_days"]), "k": int(used["forgotten"]), "other": int(rows.iloc[0]["after_days"])}
    return _("{k} at {used} days; at {other} days it would be {n}", n=int(rows.iloc[0]["forgotten"]), **said)


def nightly(table: pd.DataFrame) -> str:
    """Whether more or fewer are forgotten than some weeks ago."""
    if len(table) < 2:
        return ""
    then, now = int(table["forgotten"].iloc[0]), int(table["forgotten"].iloc[-1])
    weeks = many("{n} week", "{n} weeks", len(table) - 1)
    if now == then:
        return _("As many are forgotten as {weeks} ago: {now}", weeks=weeks, now=now)
    word = _("more") if now > then else _("fewer")
    return _("{now} forgotten, {by} {word} than {weeks} ago", now=now, by=abs(now - then), word=word, weeks=weeks)


# ── What needs you ───────────────────────────────────────────────────────────────────────────────────────────────────

MOST_NEEDS = 5


def needs_you(ds: Dataset) -> pd.DataFrame:
    """At most five things to look at, each with its number, a cause to look at, and the report that proves it.

    text, report, element; the dearest first. Nothing is said of numbers that the source can't give.
    """
    shown = len(ds.metrics_used)
    found = [*_forgotten_money(ds), *_narrow(ds), *_differs(ds), *_dry_source(ds), *_slower(ds)]
    del ds.metrics_used[shown:]  # the page's glossary is of the numbers that it shows
    return pd.DataFrame(found[:MOST_NEEDS], columns=["text", "report", "element"])


Need = tuple[str, str, str]


def _narrow(ds: Dataset) -> list[Need]:
    """The narrowest step, and whose it is; or the dearest place of a manager."""
    if missing(ds, "stage_conversion"):
        return []
    steps, places = elements.funnel(ds), elements.narrow_places(ds)
    worst = steps[steps["is_narrowest"]].sort_values("stage_conversion_n", ascending=False).head(1)
    said = [(f"{narrow_place(worst)}.", "sales_dynamics", "funnel")] if len(worst) else []
    sure = places[places["stage_conversion_n"] >= SMALL]
    return [*said, *([(dearest(sure), "sales_dynamics", "narrow_places")] if len(sure) else [])]


def _forgotten_money(ds: Dataset) -> list[Need]:
    """The forgotten money, and who forgets most."""
    if missing(ds, "forgotten") or not one(ds, "forgotten"):
        return []
    table = elements.forgotten_by(ds, "manager")
    most = table[~table["is_total"]].sort_values("forgotten", ascending=False).iloc[0]
    who = (
        _("; most of them with {manager}: {k}", manager=most["manager"], k=int(most["forgotten"]))
        if len(table) > 2
        else ""
    )
    return [(f"{forgotten(ds)}{who}.", "forgotten_deals", "deals")]


def _differs(ds: Dataset) -> list[Need]:
    """Who differs after correction for the number of managers looked at."""
    if missing(ds, "win_rate"):
        return []
    table = measure(ds, ["win_rate"], by="manager", total=True)
    team = table["win_rate"].iloc[-1]
    said = table[table["win_rate_differs"].eq(True)]  # missing in the total
    return [
        (_("{manager} wins {k} of {n} closed deals; the team {share}. More than chance.", manager=row.manager,
           k=int(row.win_rate_k), n=int(row.win_rate_n), share=units.write(team, "share")), "sales_dynamics", "managers")
        for row in said.head(1).itertuples()
    ]  # fmt: skip


def _dry_source(ds: Dataset) -> list[Need]:
    """A source that brought wins in the period before and none now, of at least 20 deals created."""
    if missing(ds, "conversion") or ds.filters.previous is None:
        return []
    rows = records(measure(ds, ["created", "won"], by="source", compare=True))
    dry = [row for row in rows if row["won"] == 0 < row["won_previous"] and row["created"] >= SMALL]
    return [
        (_("{source} stopped converting: {n} deals created and none won, {before} before.", source=row["source"],
           n=int(row["created"]), before=int(row["won_previous"])), "sales_dynamics", "sources")
        for row in sorted(dry, key=lambda row: -row["created"])[:1]
    ]  # fmt: skip


def _slower(ds: Dataset) -> list[Need]:
    """A stage on which deals stand half as long again as in the period before, of at least 20 visits in both."""
    if missing(ds, "median_stage_days") or ds.filters.previous is None:
        return []
    days, n = "median_stage_days", "median_stage_days_n"
    now, then = (records(measure(ds, [days], by="stage", period=each)) for each in (None, ds.filters.previous))
    before = {row["stage_id"]: row[days] for row in then if row[n] >= SMALL}
    known = [row | {"before": before[row["stage_id"]]} for row in now if row[n] >= SMALL and row["stage_id"] in before]
    slow = [row for row in known if row[days] >= 1.5 * row["before"]]
    return [
        (_("{stage} got slower: half of the deals stand there {now} or more, before it was {then}.", stage=row["stage"],
           now=units.write(row[days], "days"), then=units.write(row["before"], "days")), "sales_dynamics", "time_in_stage")
        for row in sorted(slow, key=lambda row: row["before"] - row[days])[:1]
    ]  # fmt: skip


# ── Tiles ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def tiles(ds: Dataset, metrics: list[str]) -> pd.DataFrame:
    """The tiles, each with a second number that belongs to it as its note, and lines of what was forgotten."""
    table = measures.tiles(ds, metrics)
    notes = [row["note"] or _note(ds, row["metric"]) for row in records(table)]
    lines = {"forgotten": "forgotten", "forgotten_money": "forgotten_money"}
    weeks = (
        elements.forgotten_nights(ds) if set(lines) & set(metrics) and not missing(ds, "forgotten") else pd.DataFrame()
    )
    sparks = [
        list(weeks[lines[name]]) if name in lines and len(weeks) else spark
        for name, spark in zip(table["metric"], table["spark"], strict=True)
    ]
    return table.assign(note=notes, spark=sparks)


BESIDE = {
    "won": ("repeat_customers", N_("{value} repeat")), "average_check": ("median_check", N_("median {value}")),
    "cycle_days": ("median_cycle_days", N_("median {value}")), "in_work": ("in_work_money", N_("{value} in all")),
    "lost": ("lost_share", N_("{value} of all closed")), "forgotten": ("forgotten_money", N_("{value} in all")),
    "forgotten_money": ("money_at_risk", N_("{value} at risk")),
}  # fmt: skip


def _note(ds: Dataset, name: str) -> str:
    """The number that stands small under another one; nothing where there is none, or k of n stands there already."""
    beside, words = BESIDE.get(name, ("", ""))
    if not beside or missing(ds, beside):
        return ""
    value = one(ds, beside)
    said = units.write(getattr(value, "value", value), column(beside).unit, form="tile")
    return "" if said == units.MISSING else _(words, value=said)


BEFORE = {
    "week": N_("the week before"), "month": N_("the month before"), "quarter": N_("the quarter before"),
    "year": N_("the year before"), "": N_("the days before"),
}  # fmt: skip


def comparison(ds: Dataset) -> str:
    """What the marks beside a chart's bars are."""
    return year_before() if ds.filters.comparison == "year_ago" else _(BEFORE[ds.filters.period.unit])


def year_before() -> str:
    """What the marks beside the last twelve months are."""
    return _("a year earlier")


def needs(table: pd.DataFrame) -> str:
    """How many things there are to look at."""
    return many("{n} thing to look at", "{n} things to look at", len(table)) if len(table) else _("Nothing stands out")
