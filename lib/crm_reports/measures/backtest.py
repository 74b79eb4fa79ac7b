"""How good forecasts were: the same one made at each past month's start, middle and a week before its end, beside what came."""

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from .dataset import Dataset
from .fates import Fates
from .forecast import is_by_check
from .horizons import KINDS, of_months
from .outlook import Outlook
from .past import Past

WAYS = ("forecast", "by_stage", "by_last_year", "by_run_rate")
MOST = 24  # months that are shown


def backtest(ds: Dataset) -> pd.DataFrame:
    """One row per past month and kind of instant: start (of the month), looked_from, forecast, low, high, came, the simple ways.

    Only instants from which a forecast would have been made, of the last two years.
    """
    return ds.memo.once("backtest", lambda: _backtest(ds))


def _backtest(ds: Dataset) -> pd.DataFrame:
    horizons = of_months(ds.filters)
    outlook = Outlook(Fates(Past.of(ds), horizons), ds.settings.calendar, is_by_check(ds))
    low, high = outlook.ends()
    starts, instants, _ends = zip(*horizons.days, strict=True)
    table = pd.DataFrame({
        "start": starts, "looked_from": horizons.kinds, "looked_on": instants, "came": outlook.came, "forecast": outlook.forecast,
        "forecast_low": low, "forecast_high": high, "is_inside": (low <= outlook.came) & (outlook.came <= high),
        "by_stage": outlook.by_stage, "by_last_year": outlook.by_last_year, "by_run_rate": outlook.by_run_rate,
    })  # fmt: skip
    return table[outlook.is_known].tail(MOST * len(KINDS)).reset_index(drop=True)


@dataclass(frozen=True)
class Record:
    """What the forecasts of the past say of this one's worth; missing where there is no past to say it."""

    table: pd.DataFrame

    @property
    def months(self) -> int:
        """Of how many months' ends."""
        return self.table["start"].nunique()

    @property
    def held(self) -> tuple[int, int]:
        """In how many cases of how many the interval held what came."""
        return int(self.table["is_inside"].sum()), len(self.table)

    @cached_property
    def errors(self) -> pd.Series:
        """By which share of what came each way missed, on average; of a way that was not always there, where it was."""
        missed = self.table[list(WAYS)].sub(self.table["came"], axis=0).abs()
        came = self.table[list(WAYS)].notna().mul(self.table["came"], axis=0).sum()
        return missed.sum() / came.where(came > 0)

    @property
    def bias(self) -> float:
        """By which share all forecasts together were too high."""
        came = self.table["came"].sum()
        return float(self.table["forecast"].sum() / came - 1) if came > 0 else float("nan")

    @property
    def best_simple(self) -> str:
        """The simple way that missed least; "" where none can be judged."""
        errors = self.errors.drop("forecast").dropna()
        return str(errors.idxmin()) if len(errors) else ""

    @property
    def is_worse(self) -> bool:
        """Whether a simple way would have been better."""
        return bool(self.best_simple) and bool(self.errors[self.best_simple] < self.errors["forecast"])


def record(ds: Dataset) -> Record:
    """The back-test in numbers."""
    return Record(backtest(ds))
