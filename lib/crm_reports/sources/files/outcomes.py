"""Other CRMs' words as ours, and the outcome of a deal where no column says it: from flags, else from the stage's name."""

import numpy as np
import pandas as pd
import pyarrow as pa

from .arrow import is_text, text_of
from .mapping import OTHERS, SIGNS

YES = ("1", "true", "yes", "y", "да", "истина")


def translated(cells: pa.ChunkedArray, words: dict[str, str]) -> pa.ChunkedArray:
    """The cells with each word that `words` knows as ours; "*" is for all that it does not know."""
    if not words or not is_text(cells.type):
        return cells
    text = text_of(cells).to_pandas().astype("str")
    ours = text.str.casefold().map(words)
    rest = (
        text
        if OTHERS not in words
        else text.where(text.isna() | text.str.casefold().isin({*words.values()}), words[OTHERS])
    )
    return pa.chunked_array([pa.array(ours.fillna(rest), pa.string(), from_pandas=True)])


def outcomes(columns: dict[str, pa.ChunkedArray], words: dict[str, str]) -> dict[str, pa.ChunkedArray]:
    """The column outcome, where a flag or the stage tells it; no column where neither is there.

    Won is what is flagged so or stands on a stage of that meaning; lost what else is flagged as lost or closed.
    """
    if not {"stage", *SIGNS} & columns.keys():
        return {}
    flags = {sign: _is_yes(columns[sign]) for sign in SIGNS if sign in columns}
    by_stage = _by_stage(columns["stage"], words) if "stage" in columns and "is_won" not in flags else None
    length = len(next(iter(columns.values())))
    none = np.zeros(length, bool)
    is_won = flags.get("is_won", none) | (none if by_stage is None else (by_stage == "won").to_numpy())
    is_over = flags.get("is_lost", none) | flags.get("is_closed", none)
    if "is_lost" not in flags and "stage" in columns:
        is_over |= (_by_stage(columns["stage"], words) == "lost").to_numpy()
    return {
        "outcome": pa.chunked_array(
            [pa.array(np.select([is_won, is_over], ["won", "lost"], "open").tolist(), pa.string())]
        )
    }


def _is_yes(cells: pa.ChunkedArray) -> np.ndarray:
    text = text_of(cells.cast(pa.string()) if pa.types.is_boolean(cells.type) else cells)
    return text.to_pandas().astype("str").str.casefold().isin(YES).to_numpy()


def _by_stage(stages: pa.ChunkedArray, words: dict[str, str]) -> pd.Series:
    return text_of(stages).to_pandas().astype("str").str.casefold().map(words)
