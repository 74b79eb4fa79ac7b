"""What typed files must not hold: a key twice, a finished activity without its instant, a currency that contradicts."""

import numpy as np
import pandas as pd

from ...words.texts import _
from .arrow import is_text, text_of
from .cells import add_cells
from .layout import UNIQUE
from .numbers import currencies, parts
from .problems import Problems
from .sheets import Sheet
from .tables import is_done, is_undated


def check(sheet: Sheet, frame: pd.DataFrame, base: str, problems: Problems) -> None:
    """Every cell that can't be so, told."""
    _check_unique(sheet, frame, problems)
    if sheet.name == "activities":
        _check_finished(sheet, frame, problems)
    if sheet.name == "deals":
        _check_signs(sheet, frame, base, problems)
    if sheet.name == "currencies":
        _check_rates(frame, base, problems)


def _check_unique(sheet: Sheet, frame: pd.DataFrame, problems: Problems) -> None:
    if key := list(UNIQUE.get(sheet.name, ())):
        double = frame.duplicated(key).to_numpy() & frame[key[-1]].notna().to_numpy()
        add_cells(problems, sheet, key[-1], double, lambda cell: _("{held} is there twice; keep one", held=cell))


def _check_finished(sheet: Sheet, frame: pd.DataFrame, problems: Problems) -> None:
    if not is_undated(frame):
        timeless = (is_done(frame) & frame["at"].isna()).to_numpy() & ~_has_value(sheet, "at")
        add_cells(problems, sheet, "at", timeless, lambda _cell: _("is empty; a finished activity needs its instant"))


def _has_value(sheet: Sheet, column: str) -> np.ndarray:
    if column not in sheet.table.column_names:
        return np.zeros(sheet.table.num_rows, bool)
    cells = sheet.table[column]
    return (text_of(cells) if is_text(cells.type) else cells).is_valid().to_numpy(zero_copy_only=False)


def _check_signs(sheet: Sheet, frame: pd.DataFrame, base: str, problems: Problems) -> None:
    """A sign beside an amount that is of another currency than the deal."""
    if "amount" not in sheet.table.column_names or not is_text(sheet.table["amount"].type):
        return
    text = text_of(sheet.table["amount"]).to_pandas().astype("str")
    unit = parts(text[text.str.contains(r"[^\d\s.,'+()-]").eq(True)])["unit"].reindex(text.index).fillna("")
    currency = frame["currency"].fillna(base)
    wrong = [bool(sign) and code not in currencies(sign) for sign, code in zip(unit, currency, strict=True)]

    def sentence(cell: str) -> str:
        return _("{held} names another currency than the deal's; write the code in the column currency", held=cell)

    add_cells(problems, sheet, "amount", np.array(wrong, bool), sentence)


def _check_rates(rates: pd.DataFrame, base: str, problems: Problems) -> None:
    for row in rates.itertuples():
        words = {"currency": repr(row.currency), "rate": repr(row.rate), "base": base}
        if row.rate <= 0:
            problems.add(
                _("currencies: the rate of {currency} is {rate}; give what one unit is worth in {base}", **words)
            )
        elif row.currency == base and row.rate != 1:
            problems.add(_("currencies: {base} is the base currency, its rate is {rate}; it must be 1", **words))
