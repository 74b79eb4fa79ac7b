"""Other CRMs' words as ours, and the outcome of a deal where no column says it: from flags, else from the stage's name."""

import numpy as np
import pandas as pd
import pyarrow as pa

from .arrow import is_text, text_of
from .layout import TRUE
from .mapping import DELETED, OTHERS, SIGNS


def translated(cells: pa.ChunkedArray, words: dict[str, str]) -> pa.ChunkedArray:
    """The cells with each word that `words` knows as ours, or empty where it means nothing; "*": all that it does not know."""
    if not words or not is_text(cells.type):
        return cells
    text = text_of(cells).to_pandas().astype("str")
    folded = text.str.casefold()
    is_known = text.isna() | folded.isin({*words, *words.values()})
    rest = text.where(is_known, words[OTHERS]) if OTHERS in words else text
    ours = folded.map(words).fillna(rest)
    return _texts(ours.where(ours != ""))


def outcomes(columns: dict[str, pa.ChunkedArray], words: dict[str, str]) -> dict[str, pa.ChunkedArray]:
    """The column outcome, where a flag or the stage tells it; no column where neither is there.

    Won is what is flagged so, else stands on a stage of that meaning; lost what else is flagged as lost or closed, or
    stands on a lost stage; and what is flagged as deleted is nothing of these.
    """
    if not {"stage", *SIGNS} - {"is_deleted"} & columns.keys():
        return {}
    flags = {sign: _is_yes(columns[sign]) for sign in SIGNS if sign in columns}
    stages = _stages(columns).map(words) if "stage" in columns else pd.Series(dtype="str")
    nothing = np.zeros(len(next(iter(columns.values()))), bool)
    by_stage = {outcome: (stages == outcome).to_numpy() if len(stages) else nothing for outcome in ("won", "lost")}
    is_won = flags.get("is_won", by_stage["won"])
    is_over = flags.get("is_lost", by_stage["lost"]) | flags.get("is_closed", nothing)
    is_gone = flags.get("is_deleted", nothing)
    outcome = np.select([is_gone, is_won, is_over], [DELETED, "won", "lost"], "open")
    return {"outcome": _texts(pd.Series(outcome, dtype="str"))}


def _stages(columns: dict[str, pa.ChunkedArray]) -> pd.Series:
    """The stages without the name of the pipeline, which HubSpot writes behind a stage in brackets."""
    stages = _words(columns["stage"])
    if "pipeline" not in columns:
        return stages
    pairs = zip(stages.fillna(""), _words(columns["pipeline"]).fillna(""), strict=True)
    return pd.Series([stage.removesuffix(f" ({pipeline})") for stage, pipeline in pairs], dtype="str")


def _is_yes(cells: pa.ChunkedArray) -> np.ndarray:
    return _words(cells.cast(pa.string()) if pa.types.is_boolean(cells.type) else cells).isin(TRUE).to_numpy()


def _words(cells: pa.ChunkedArray) -> pd.Series:
    """The cells as text in small letters."""
    return text_of(cells).to_pandas().astype("str").str.casefold()


def _texts(cells: pd.Series) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(cells, pa.string(), from_pandas=True)])
