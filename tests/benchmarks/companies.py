"""Companies that no forecast was made for: files of deals whose lives are honest chance, each with a trouble of its own.

`steady` changes nothing for years; `seasons` grows, has slack summers, and odds that drift for months; `pushes` closes what it can
at the end of each quarter, has good and bad months, few large deals, and keeps no history of stages.
"""

import csv
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

BEGIN, END = date(2023, 1, 1), date(2025, 7, 1)
STAGES = {
    "Asked": (4.0, 0.25),
    "Offered": (12.0, 0.35),
    "Agreed": (15.0, 0.2),
}  # mean days there, share lost from there
COMPANIES = ("steady", "seasons", "pushes")
Life = list[tuple[str, datetime]]


def write(folder: Path, name: str, seed: int = 1) -> None:
    """The files of that company, as of END: deals, stages, and where it keeps one the history of stages."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng([seed, COMPANIES.index(name)])
    odds = _odds(name, chance)
    lives = [_life(name, born, odds, chance) for born in _births(name, chance)]
    _table(folder, "deals", _deals(name, lives, chance))
    if name != "pushes":
        stages = [(stage, "open") for stage in STAGES] + [("Won", "won"), ("Lost", "lost")]
        _table(folder, "stages", [("stage", "outcome"), *stages])
        steps = [(str(id), *step) for id, life in enumerate(lives, 1) for step in life if step[1].date() < END]
        _table(folder, "stage_history", [("deal_id", "stage", "at"), *steps])


def _table(folder: Path, name: str, rows: list[tuple]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def _odds(name: str, chance: np.random.Generator) -> dict[tuple[int, int], float]:
    """By what the odds of going on are multiplied in each month."""
    months, drift = [(year, month) for year in range(BEGIN.year, END.year + 3) for month in range(1, 13)], 0.0
    odds = {}
    for month in months:
        drift = {"steady": 0.0, "seasons": 0.7 * drift + chance.normal(0, 0.25), "pushes": chance.normal(0, 0.4)}[name]
        odds[month] = float(np.exp(drift))
    return odds


def _births(name: str, chance: np.random.Generator) -> Iterator[datetime]:
    for number in range((END - BEGIN).days):
        day = BEGIN + timedelta(number)
        rate = 5.0 if day.weekday() < 5 else 0.5
        if name == "seasons":
            rate *= (1 + number / 700) * (0.6 if day.month in (7, 8) else 1.3 if day.month in (11, 12) else 1.0)
        for _one in range(chance.poisson(rate)):
            yield datetime.combine(day, datetime.min.time()) + timedelta(hours=9 * chance.random() + 9)


def _life(name: str, born: datetime, odds: dict[tuple[int, int], float], chance: np.random.Generator) -> Life:
    """The stages that a deal came to, and when: the last is its end."""
    life, at = [], born
    for stage, (days, lost) in STAGES.items():
        life.append((stage, at))
        at += timedelta(days=_stay(name, days, chance))
        month = odds[at.year, at.month]
        if chance.random() > (1 - lost) * month / (lost + (1 - lost) * month):
            return [*life, ("Lost", at)]
    return [*life, ("Won", _hurried(at, life[-1][1], chance) if name == "pushes" else at)]


def _stay(name: str, days: float, chance: np.random.Generator) -> float:
    return days * (chance.exponential() if name == "steady" else chance.lognormal(-0.5, 1.0))


def _hurried(at: datetime, agreed: datetime, chance: np.random.Generator) -> datetime:
    """Of the wins of a quarter's first weeks half are hurried into the days before it, where all but the signature was there."""
    begin = datetime(at.year, 3 * ((at.month - 1) // 3) + 1, 1)
    sooner = begin - timedelta(days=5 * chance.random())
    return sooner if at - begin < timedelta(days=25) and agreed < sooner and chance.random() < 0.5 else at


def _deals(name: str, lives: list[Life], chance: np.random.Generator) -> list[tuple]:
    head = ("id", "stage", "outcome", "manager", "amount", "created_at", "closed_at")
    return [head, *(_deal(name, id, life, chance) for id, life in enumerate(lives, 1))]


def _deal(name: str, id: int, life: Life, chance: np.random.Generator) -> tuple:
    """A deal as it stands at END; its amount is known from the beginning."""
    amount = round(float(chance.lognormal(10, 1.5 if name == "pushes" else 0.8)), 2)
    stage, since = [step for step in life if step[1].date() < END][-1]
    outcome = stage.lower() if stage in ("Won", "Lost") else "open"
    return id, stage, outcome, f"M{id % 7}", amount, life[0][1], "" if outcome == "open" else since
