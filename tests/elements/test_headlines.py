"""No heading is refuted by the table beneath it: each is held against its own rows, over random companies and filters.

What chance would do is worked out anew here: scipy's Fisher test, statsmodels' Holm correction.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from scipy.stats import fisher_exact
from statsmodels.stats.multitest import multipletests

from crm_reports.elements import ELEMENTS
from stores import OUTCOMES, at, dataset, deal, moves

PEOPLE, SOURCES = ("1", "2", "3"), ("WEB", "CALL")
BEGIN = at("2025-03-01")
LOST, FUNNEL = ("DEAR", "GONE"), ("NEW", "REQ", "INV", "WON")


def company(seed: int) -> dict[str, list[dict]]:
    """Deals of a month: whose they are, how far they come, what they bring and who looks after them is drawn."""
    draw = np.random.default_rng(seed)
    skill = dict(zip(PEOPLE, draw.uniform(0.2, 0.9, len(PEOPLE)), strict=True))
    gift = dict(zip(SOURCES, draw.uniform(0.3, 1, len(SOURCES)), strict=True))
    deals, history, acts = [], [], []
    for number in range(int(draw.integers(30, 160))):
        who, source = draw.choice(PEOPLE, p=[0.6, 0.3, 0.1]), draw.choice(SOURCES, p=[0.7, 0.3])
        path = _path(draw, skill[who] * gift[source], prefers=LOST[int(who) % 2] if seed % 2 else "")
        days = np.sort(draw.uniform(0, 31, len(path)))
        steps = [(str(BEGIN + timedelta(days=float(day)))[:19], stage) for day, stage in zip(days, path, strict=True)]
        deals.append(deal(number, steps[0][0], stage_id=path[-1], outcome=OUTCOMES[path[-1]], manager_id=who,
                          source_id=source, amount=float(draw.integers(1, 9)) * 100))  # fmt: skip
        history += moves(number, *steps)
        if draw.random() < skill[who]:
            acts.append(_call(number, who, draw.uniform(20, 31)))
    people = [
        {"manager_id": id, "name": name, "is_active": True}
        for id, name in zip(PEOPLE, ("Anna", "Boris", "Vera"), strict=True)
    ]
    homes = [
        {"manager_id": id, "department_id": home, "position": 0}
        for id, home in zip(PEOPLE, ("10", "11", "11"), strict=True)
    ]
    return {
        "deals": deals,
        "stage_history": history,
        "activities": acts,
        "managers": people,
        "manager_departments": homes,
    }


def _path(draw: np.random.Generator, skill: float, *, prefers: str) -> list[str]:
    path = ["NEW"]
    for stage in FUNNEL[1:]:
        if draw.random() > skill:
            return path if draw.random() < 0.4 else [*path, prefers or str(draw.choice(LOST))]
        path.append(stage)
    return path


def _call(number: int, who: str, day: float) -> dict[str, object]:
    return {"activity_id": str(number), "owner_type": "deal", "owner_id": str(number), "manager_id": who, "kind": "call",
            "at": BEGIN + timedelta(days=day - 15), "is_action": True, "is_done": True, "is_incoming": False,
            "is_plan": False, "created_at": BEGIN}  # fmt: skip


# ── What the table itself says ───────────────────────────────────────────────────────────────────────────────────────


def parts(table: pd.DataFrame) -> pd.DataFrame:
    return table[~table["is_total"].astype(bool)] if "is_total" in table else table


def chances(k: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Whether each row differs from the rest together, of those with any case and k within n."""
    fit = (n > 0) & (k <= n)
    sure = np.zeros(len(k), dtype=bool)
    if fit.sum() > 1:
        k, n = k[fit], n[fit]
        tests = [
            fisher_exact([[a, b - a], [k.sum() - a, n.sum() - b - k.sum() + a]]).pvalue
            for a, b in zip(k, n, strict=True)
        ]
        sure[fit] = multipletests(tests, method="holm")[0]
    return sure


def above(table: pd.DataFrame, rate: str, *, sign: int = 1) -> list[object]:
    """The places of the rows of 20 cases or more whose rate is above (below) the whole by more than chance."""
    rows = parts(table)
    k, n = rows[f"{rate}_k"].to_numpy(int), rows[f"{rate}_n"].to_numpy(int)
    return list(rows.index[chances(k, n) & (n >= 20) & (sign * (k / np.maximum(n, 1) - k.sum() / max(n.sum(), 1)) > 0)])


def stands_out(name: str, rate: str, words: str, otherwise: str) -> Callable[[pd.DataFrame, str], bool]:
    """The row that is named is above the whole by more than chance, and no such row is higher; none named: there is none."""

    def holds(table: pd.DataFrame, text: str) -> bool:
        found = above(table, rate)
        if otherwise in text:
            return not found
        who = re.search(words, text)[1]
        row = parts(table)[parts(table)[name] == who].iloc[0]
        return row.name in found and row[rate] == parts(table).loc[found, rate].max()

    return holds


def forgets(name: str) -> Callable[[pd.DataFrame, str], bool]:
    return stands_out(name, "forgotten_share", r"^(.+?): \d", "no row clearly differs")


def largest(rows: pd.DataFrame, value: str, name: str, who: str, *, most: bool) -> bool:
    """The row of that name has the largest value of all, and where it is called most more than half."""
    own, others = rows.loc[rows[name] == who, value], rows.loc[rows[name] != who, value]
    return len(own) == 1 and (others < own.iloc[0]).all() and (not most or 2 * own.iloc[0] > rows[value].sum())


def source_holds(table: pd.DataFrame, text: str) -> bool:
    brings = re.search(r"^(\w+) brings most", text)
    converts = stands_out("source", "conversion", r"(\w+) converts", "none clearly better")
    return (not brings or largest(parts(table), "won_money", "source", brings[1], most=False)) and converts(table, text)


def lost_from_holds(table: pd.DataFrame, text: str) -> bool:
    team = table[table["is_total"].astype(bool)]
    found = re.search(r"^(Most|More) are lost from (.+?)( than from any other stage)?: (\d+) of (\d+)", text)
    if not found:
        return "no one stage leads" in text and (team["lost"] == team["lost"].max()).sum() > 1
    return int(found[5]) == team["lost"].sum() and largest(team, "lost", "stage", found[2], most=found[1] == "Most")


def standing_holds(table: pd.DataFrame, text: str) -> bool:
    team = table[table["is_total"].astype(bool) & (table["stage_id"] != "*")]
    found = re.search(r"^(Most|More) money stands on (.+?)( than on any other stage)?: ", text)
    return (
        largest(team, "in_work_money", "stage", found[2], most=found[1] == "Most")
        if found
        else "is in work" in text or "are in work" in text
    )


def longest_holds(table: pd.DataFrame, text: str) -> bool:
    ranked = table[table["median_stage_days"].notna() & (table["median_stage_days_n"] >= 20)]
    found = re.search(r"[Ll]ongest on (.+?):", text)
    if not found:
        return ranked.empty or (ranked["median_stage_days"] == ranked["median_stage_days"].max()).sum() > 1
    is_all = len(ranked) == len(table)
    return largest(ranked, "median_stage_days", "stage", found[1], most=False) and (
        is_all or text.startswith("Of the stages")
    )


def narrow_holds(table: pd.DataFrame, text: str) -> bool:
    ranked = table[table["stage_conversion_n"] >= 20]
    ranked = ranked[ranked["stage_conversion"].notna()]
    if "no step has 20" in text:
        return ranked.empty
    stage = re.search(r"(?:narrow place is|go on from) (.+?) → ", text)[1]
    row = table[table["stage"] == stage].iloc[0]
    is_sure = row.name in above(table, "stage_conversion", sign=-1)
    return row["stage_conversion"] == ranked["stage_conversion"].min() and is_sure == ("may be chance" not in text)


def reasons_hold(table: pd.DataFrame, text: str) -> bool:
    cells, found = parts(table), re.search(r"^(\w+) loses (\d+) of (\d+) with “(.+)”, all together", text)
    if not found:
        return True if "Nobody's reasons" in text else "Nothing was lost" in text
    own = cells[cells["manager"] == found[1]]
    k, n = own.loc[own["loss_reason"] == found[4], "lost"].iloc[0], own["lost"].sum()
    team = cells.loc[cells["loss_reason"] == found[4], "lost"].sum()
    rest = cells["lost"].sum()
    chance = fisher_exact([[k, n - k], [team - k, rest - n - team + k]]).pvalue
    return (
        (k, n) == (int(found[2]), int(found[3]))
        and n >= 20
        and k / n > team / rest
        and chance * len(cells) >= 0
        and chance <= 0.05
    )


def behind_holds(table: pd.DataFrame, text: str) -> bool:
    sure = (
        table[table["stage_conversion_differs"].eq(True) & (table["stage_conversion_n"] >= 20)] if len(table) else table
    )
    if text.startswith("Nobody"):
        return sure.empty
    return text.startswith(f"{sure['manager'].iloc[0]}, {sure['stage'].iloc[0]} → ")


def leader_holds(table: pd.DataFrame, text: str) -> bool:
    best = [
        rows.loc[rows["won_money"] == rows["won_money"].max(), "manager"]
        for _, rows in table.groupby("start")
        if rows["won_money"].max() > 0
    ]
    first = pd.Series([each.iloc[0] for each in best if len(each) == 1], dtype=object).value_counts()
    found = re.search(r"^(\w+) was first in (\d+) of (\d+)", text)
    if not found:
        return 2 * first.max() <= first.sum()
    return first[found[1]] == int(found[2]) and 2 * int(found[2]) > int(found[3]) == first.sum()


def concentration_holds(table: pd.DataFrame, text: str) -> bool:
    found = re.search(r"^(\d+) of (\d+) managers? brings? ([\d.]+) %", text)
    money = np.sort(parts(table)["won_money"].to_numpy())[::-1]
    share = money[: int(found[1])].sum() / money.sum()
    fewer = money[: int(found[1]) - 1].sum() / money.sum()
    return int(found[2]) == len(money) and abs(100 * share - float(found[3])) < 0.06 and share >= 0.5 > fewer


def silent_holds(table: pd.DataFrame, text: str) -> bool:
    late = table[table["is_forgotten"]] if len(table) else table
    if "Nothing is forgotten" in text:
        return not len(late) or not late["deals"].sum()
    counts = [int(each) for each in re.findall(r"\d+", text)]
    if "of the" not in text:
        return counts[0] == late["deals"].sum()
    k, n, after, days = counts
    return (n, k) == tuple(late.loc[late["from_days"] >= edge, "deals"].sum() for edge in (after, days)) and 2 * k >= n


HOLDS: Mapping[str, Callable[[pd.DataFrame, str], bool]] = {
    "sources": source_holds, "by_department": forgets("department"), "by_manager": forgets("manager"),
    "by_stage": forgets("stage"), "losses_by_stage": lost_from_holds, "losses_by_manager": reasons_hold,
    "stage_matrix": standing_holds, "time_in_stage": longest_holds, "funnel": narrow_holds, "narrow_places": behind_holds,
    "managers_over_time": leader_holds, "managers": concentration_holds, "silence": silent_holds,
    "loss_reasons": lambda table, text: text.startswith("Nothing") if table.empty else table["lost"].max()
    == table.loc[table["loss_reason"] == text.split(":")[0], "lost"].iloc[0],
    "activity": lambda table, text: text.startswith("Nobody") or parts(table)["activity_index"].max()
    == table.loc[table["manager"] == text.split(" does most")[0], "activity_index"].iloc[0],
    "stage_conversion": lambda table, text: set(re.findall(r"Anna|Boris|Vera", text))
    == set(table.loc[table["stage_conversion_differs"].eq(True), "manager"]),
}  # fmt: skip

# Those say what the whole is, or compare two numbers of it; whom they name has his own "more than chance".
OF_THE_WHOLE = {
    "deals", "forgotten_deals", "status", "dynamics", "twelve_months", "new_repeat", "changes", "leads", "thresholds", "nights",
    "actions_over_time", "week_pattern", "index_vs_results", "learn_from", "sensitivity", "needs_you", "pace", "plan_by_manager", "plan_by_department", "plan_by_month", "plan_of_others", "cohorts", "first_answer", "first_answer_by_source", "pushed", "planned_changes", "velocity", "forecast", "deciding", "backtest",
    "products", "product_sections",
}  # fmt: skip
FILTERS = [{}, {"source": "Website"}, {"department": "Kazan"}]


@pytest.mark.parametrize("seed", range(6))
def test_a_heading_names_what_differs_from_the_whole_by_more_than_chance_else_states_the_whole(tmp_path, seed):
    ds = dataset(tmp_path, period="2025-03", forgotten_after=5, **company(seed), **FILTERS[seed % 3])
    wrong = []
    for name, entry in ELEMENTS.items():
        if name in ("tiles", "plan_tiles", "managers_compared", "actions_by_manager", "time_by_manager", "weights"):
            continue  # these have no heading of their own
        made = entry(ds)
        text = made.finding.replace("\N{NO-BREAK SPACE}", " ")
        assert name in HOLDS or name in OF_THE_WHOLE, f"{name} has a heading that nobody holds against its table"
        if name in HOLDS and text and not HOLDS[name](made.table, text):
            wrong.append(f"{name}: {text}\n{made.table}")
    assert wrong == []
