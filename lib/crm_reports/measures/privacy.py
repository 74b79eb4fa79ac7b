"""What a page about some people may say of everybody else (N26): the one rule of it.

A page that a manager or department filter narrows may be shown to those people. Of all others it holds no name, no row and
no number; nor any count, share, mean or sum in which theirs are mixed with those of the page's own, since who takes his own
off has the rest. What it says of them is the middle of five people or more, each of whom has that very number.

Facts about the company that are no numbers (which kinds of action there are, since when there is history) are said where
five people or more have deals. `Dataset` keeps the rule for what it hands out, `measures.medians` gives the middles.
"""

import numpy as np
import pandas as pd

ENOUGH = 5  # people: the middle of fewer would tell on one of them


def is_crowd(people: int) -> bool:
    """Whether what is true of so many people tells on none of them."""
    return people >= ENOUGH


def middle(values: pd.Series) -> float:
    """The median of numbers that are one person's each; missing where too few people have one."""
    numbers = values.dropna().to_numpy(float)
    return float(np.median(numbers)) if is_crowd(len(numbers)) else float("nan")
