"""Days and instants as people and programs write them. Which of 03/04/2025 is the month is told by the column."""

from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from .ways import Ways

ISO = r"\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?"
OFFSET = rf"{ISO} ?(?:[Zz]|[+-]\d{{2}}:?(?:\d{{2}})?)"
DAY_OR_MONTH = r"^(\d{1,2})[/-](\d{1,2})[/-](\d{4})"
NOON = r"^(.*[T ])(\d{1,2})(:.*?\d) ?([AaPp])\.?[Mm]\.?$"


def read(text: pd.Series, zone: ZoneInfo) -> Ways:
    """The instants in UTC where the day comes first, and where the month does; without offset local, a day its midnight."""
    plain = _without_noon(text.str.replace(r"^(\d{1,2})\.(\d{1,2})\.(\d{4})", r"\3-\2-\1", regex=True))
    days_first = _instants(plain.str.replace(DAY_OR_MONTH, r"\3-\2-\1", regex=True), zone)
    if not plain.str.contains(DAY_OR_MONTH.replace("(", "(?:")).any():
        return Ways(days_first, days_first)
    return Ways(days_first, _instants(plain.str.replace(DAY_OR_MONTH, r"\3-\1-\2", regex=True), zone))


def _without_noon(text: pd.Series) -> pd.Series:
    """6:30 PM as 18:30."""
    if not text.str.contains("[AaPp]").any():
        return text
    parts = text.astype(object).str.extract(NOON)
    hour = pd.to_numeric(parts[1])
    is_one = hour.between(1, 12)
    if not is_one.any():
        return text
    full = (hour % 12 + 12 * parts[3].str.upper().eq("P")).where(is_one, 0).astype(int).astype("str").str.zfill(2)
    return text.mask(is_one, (parts[0] + full + parts[2]).astype("str"))


def _instants(text: pd.Series, zone: ZoneInfo) -> pd.Series:
    iso = text.str.replace(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})", r"\1-\2-\3", regex=True)
    iso = iso.str.replace(r"^(\d{4})-(\d)-", r"\1-0\2-", regex=True)
    iso = iso.str.replace(r"^(\d{4}-\d{2})-(\d)($|\D)", r"\1-0\2\3", regex=True)
    iso = iso.str.replace(r"^(\d{4}-\d{2}-\d{2})(?:,? +|[Tt] *)(\d)", r"\1T\2", regex=True)
    iso = iso.str.replace(r"T(\d):", r"T0\1:", regex=True).str.replace(",", ".")
    local = iso.where(iso.str.fullmatch(ISO).eq(True))
    offset = iso.where(iso.str.fullmatch(OFFSET).eq(True))
    instants_local = pd.to_datetime(local, format="ISO8601", errors="coerce").astype("datetime64[us]")
    instants = pd.to_datetime(offset.str.upper(), format="ISO8601", errors="coerce", utc=True)
    return sane(in_utc(instants_local, zone).fillna(instants.astype("datetime64[us, UTC]")))


def in_utc(cells: pd.Series, zone: ZoneInfo) -> pd.Series:
    """Local times that come twice are the first ones; those that do not exist are the instant the clocks jump."""
    if cells.dt.tz is None:
        first = np.ones(len(cells), bool)
        cells = cells.dt.tz_localize(zone, ambiguous=first, nonexistent="shift_forward")
    return cells.dt.tz_convert("UTC").astype("datetime64[us, UTC]")


def sane(cells: pd.Series) -> pd.Series:
    """The cells of the years that can be meant."""
    return cells.where((cells >= pd.Timestamp("1899-12-31", tz="UTC")) & (cells < pd.Timestamp("2200-01-02", tz="UTC")))
