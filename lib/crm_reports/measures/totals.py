"""A table's total apart from its other rows: it is measured again, and never one of those that it is of."""

import pandas as pd


def without_total(table: pd.DataFrame) -> pd.DataFrame:
    """The rows without the total's."""
    return table[~table["is_total"].astype(bool)] if "is_total" in table else table


def total_of(table: pd.DataFrame) -> pd.DataFrame:
    """The total's row, or one per column of a matrix; none where the table has no total."""
    return table[table["is_total"].astype(bool)] if "is_total" in table else table.iloc[:0]


def total_last(table: pd.DataFrame, *by: str) -> pd.DataFrame:
    """The rows with the largest of these numbers first, and the total after them."""
    rows = without_total(table).sort_values(list(by), ascending=False)
    return pd.concat([rows, total_of(table)], ignore_index=True)
