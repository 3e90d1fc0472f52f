"""Which rows of a data set a network gets, and with what weight: the same for gates, which judge these rows, and for training.

A policy that drops or weights a positive does the same to its control: a floor on positives alone would select galaxies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.ground.draws import uniform

if TYPE_CHECKING:
    from arcgate.learning_node import Curriculum, Sampling

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]

SEED: Final = 0
"""Of the draws: which pairs are shown does not change with the seed of a training, so that gates judge them once for all."""


def columns_of(sampling: Sampling) -> list[str]:
    """Columns of positives that a policy looks at."""
    by = [] if sampling.curriculum is None else [sampling.curriculum.by]
    return list(dict.fromkeys([*sampling.least, *by]))


def row_weights(pair: Ids, label: Ids, positives: pd.DataFrame, sampling: Sampling) -> Floats:
    """Weight of each positive and control; 0 leaves it out.

    Parameters
    ----------
    pair, label : ndarray of int, shape (n,)
        Of the rows: label 1 for positives.
    positives : DataFrame
        pair_id and the columns of `columns_of`, a row a positive. A pair without one has no arc that lies below anything.
    sampling : Sampling

    Returns
    -------
    ndarray, shape (n,)
    """
    faint = positives["pair_id"].to_numpy(np.int64)[below_a_floor(positives, sampling)]
    weight = np.where(np.isin(pair, faint), sampling.weight_below, 1.0)
    if sampling.positives_only:
        weight[label == 0] = 1.0
    drawn = uniform(SEED, "pairs shown", pair)
    share = np.where(label == 1, sampling.positives, sampling.positives * sampling.negatives_per_positive)
    return np.where(drawn < share, weight, 0.0)


def below_a_floor(positives: pd.DataFrame, sampling: Sampling) -> NDArray[np.bool_]:
    """Which positives have an arc that lies below any floor; one of which it is not known lies below none."""
    below = np.zeros(len(positives), dtype=bool)
    for column, least in sampling.least.items():
        below |= positives[column].to_numpy(np.float64, na_value=np.nan) < least
    return below


def thinned(pair: Ids, weight: Floats) -> NDArray[np.bool_]:
    """Which rows gates judge: each with the probability of its weight, both members of a pair by one draw.

    Rows that are drawn by their weights are distributed as weighted rows are.
    """
    drawn: NDArray[np.bool_] = uniform(SEED, "rows judged", pair) < weight
    return drawn


def admitted(pair: Ids, positives: pd.DataFrame, curriculum: Curriculum | None, progress: float) -> NDArray[np.bool_]:
    """Which rows take part when this share of the epochs is over: the easiest pairs, both members at once.

    Parameters
    ----------
    pair : ndarray of int, shape (n,)
    positives : DataFrame
        As in `row_weights`.
    curriculum : Curriculum or None
    progress : float
        0 in the first epoch.

    Returns
    -------
    ndarray of bool, shape (n,)
        Rows of pairs without a positive always do.
    """
    if curriculum is None or progress >= curriculum.until:
        return np.ones(len(pair), dtype=bool)
    share = curriculum.begin + (1.0 - curriculum.begin) * progress / curriculum.until
    ease = positives[curriculum.by].to_numpy(np.float64, na_value=-np.inf)
    # Of equally easy ones the pair that was made first.
    order = np.lexsort((positives["pair_id"].to_numpy(np.int64), -ease))
    late = positives["pair_id"].to_numpy(np.int64)[order[int(np.ceil(share * len(order))) :]]
    return ~np.isin(pair, late)


def in_words(sampling: Sampling) -> str:
    """A policy as cards and reports say it."""
    if sampling.whole:
        return "every row, with the same weight"
    parts: list[str] = []
    if sampling.least:
        floors = ", ".join(f"{name} below {least:g}" for name, least in sampling.least.items())
        whose = "positives" if sampling.positives_only else "pairs"
        parts.append(
            f"{whose} with {floors} {'left out' if not sampling.weight_below else f'at weight {sampling.weight_below:g}'}"
        )
    if sampling.positives != 1 or sampling.negatives_per_positive != 1:
        parts.append(
            f"positives of {sampling.positives:.3g} of the pairs, {sampling.negatives_per_positive:g} negatives for each"
        )
    return "; ".join(parts)


def counted(label: Sequence[int] | Ids, weight: Floats) -> dict[str, int]:
    """How many rows of each class take part."""
    labels, part = np.asarray(label), weight > 0
    return {"positives": int((part & (labels == 1)).sum()), "negatives": int((part & (labels == 0)).sum())}
