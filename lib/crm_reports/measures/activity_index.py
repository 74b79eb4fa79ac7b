"""Whether the ranking by activity index would be another one under other weights."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..metrics.statistics import places, spearman
from . import frames, privacy
from .dataset import Dataset

COLUMNS = ["kind", "weight", "weight_change", "rank_correlation", "n", "keeps_ranking", "who_moves"]


def index_sensitivity(ds: Dataset, *, step: float = 0.5) -> pd.DataFrame:
    """Whether the ranking by activity index survives other weights: one row per kind and ± `step` of its weight.

    kind, weight, weight_change, rank_correlation (with the ranking as it is), n (managers), keeps_ranking, who_moves. On one
    manager's own page the ranking is everybody's, nobody is named, and nothing is said of a few.
    """
    is_own = ds.filters.is_about_one
    columns = COLUMNS[:-1] if is_own else COLUMNS
    ids = np.asarray(frames.frame(ds.everybody if is_own else ds, "team", ds.filters.elapsed)["manager_id"])
    if is_own and not privacy.is_crowd(len(ids)):
        return pd.DataFrame(columns=columns)
    counts = ds.acts.counts(ds.filters.elapsed).reindex(ids).fillna(0.0)
    weights = pd.Series({kind: ds.settings.weights.get(kind, 0.0) for kind in counts}, dtype=float)
    names = [ds.names.managers["manager"].get(id, id) for id in ids]
    kinds = counts.columns[counts.any()]
    rows = [_trial(counts, weights, names, kind, change) for kind in kinds for change in (-step, step)]
    return pd.DataFrame(rows, columns=columns)


def _trial(counts: pd.DataFrame, weights: pd.Series, names: Sequence[str], kind: str, change: float) -> dict[str, Any]:
    usual = counts.to_numpy() @ weights.to_numpy()
    points = counts.to_numpy() @ weights.where(weights.index != kind, weights * (1 + change)).to_numpy()
    # Sums of the same weights in another order may differ in the last digit: that is no other place.
    movers = np.flatnonzero(places(usual.round(9)) != places(points.round(9)))
    return {
        "kind": kind, "weight": weights[kind], "weight_change": change, "rank_correlation": spearman(usual, points),
        "n": len(counts), "keeps_ranking": not len(movers), "who_moves": ", ".join(names[place] for place in movers),
    }  # fmt: skip
