"""Clustered statistics: rows of one galaxy are not independent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, t

Array = NDArray[np.float64]
Groups = NDArray[np.str_]


@dataclass(frozen=True)
class Interval:
    """An estimate, its interval, and how many rows and galaxies it rests on."""

    value: float
    low: float
    high: float
    n: int
    n_groups: int


def clustered_auc(scores: Array, labels: NDArray[np.int64], groups: Groups, level: float = 0.9) -> Interval:
    """Area under the ROC curve with an interval that respects clusters.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Higher means more like label 1; ties count one half.
    labels : ndarray of 0 and 1, shape (n,)
    groups : ndarray, shape (n,)
        Galaxy of each row; rows of different galaxies are independent, rows of one need not be.
    level : float
        Coverage of the interval.

    Returns
    -------
    Interval
        Obuchowski (1997, Biometrics 53, 567), with Student's t for the number of clusters; clipped to [0, 1].

    Raises
    ------
    ValueError
        One class only, a single cluster in a class, or scores that are not finite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    positive = labels == 1
    m, n = int(positive.sum()), int((~positive).sum())
    if m == 0 or n == 0:
        raise ValueError(f"an AUC needs both classes, got {m} positives and {n} negatives")
    ranks = rankdata(scores)
    # V10: share of negatives below each positive; V01: share of positives above each negative.
    v10 = (ranks[positive] - rankdata(scores[positive])) / n
    v01 = 1.0 - (ranks[~positive] - rankdata(scores[~positive])) / m
    # Sums of ranks are exact, so that a null of identical pairs reads 0.5 and not a last bit above it.
    auc = float((ranks[positive].sum() - m * (m + 1) / 2.0) / (m * n))

    names, cluster = np.unique(groups, return_inverse=True)
    size = len(names)
    d10 = np.bincount(cluster[positive], v10 - auc, minlength=size)
    d01 = np.bincount(cluster[~positive], v01 - auc, minlength=size)
    i10, i01 = len(np.unique(cluster[positive])), len(np.unique(cluster[~positive]))
    if i10 < 2 or i01 < 2:
        raise ValueError(f"a clustered interval needs two galaxies in each class, got {i10} and {i01}")
    s10 = i10 / (i10 - 1) / m * np.sum(d10**2)
    s01 = i01 / (i01 - 1) / n * np.sum(d01**2)
    s11 = size / (size - 1) * np.sum(d10 * d01)
    # The three terms cancel exactly on a null of identical pairs; rounding must not make that negative.
    variance = max(s10 / m + s01 / n + 2.0 * s11 / (m * n), 0.0)
    half = float(t.ppf(0.5 + level / 2.0, min(i10, i01) - 1) * np.sqrt(variance))
    if auc in (0.0, 1.0):
        # Complete separation has no variance to measure. With k clusters in the smaller class, a share above
        # 1 - alpha^(1/k) of misplaced clusters would have shown itself (the rule of three's exact form).
        half = float(1.0 - ((1.0 - level) / 2.0) ** (1.0 / min(i10, i01)))
    return Interval(auc, max(auc - half, 0.0), min(auc + half, 1.0), m + n, size)


def within_pair(scores: Array, labels: NDArray[np.int64], pairs: NDArray[np.int64]) -> float:
    """P(positive above its own control) + P(equal) / 2, over pairs with both members."""
    order_1, order_0 = (np.flatnonzero(labels == label) for label in (1, 0))
    common, first, second = np.intersect1d(pairs[order_1], pairs[order_0], return_indices=True)
    if common.size == 0:
        raise ValueError("no pair has both members")
    difference = scores[order_1[first]] - scores[order_0[second]]
    return float(np.mean(difference > 0) + 0.5 * np.mean(difference == 0))
