"""What the gates used when this study was made: it compares each galaxy with itself, on the scale of the AUC; and a bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, rankdata, t

from arcgate.ground.statistics import Array, Groups, Interval

POWER = 0.95
"""At which the smallest leak that is caught was stated."""


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


def bootstrap_auc(
    scores: Array, labels: NDArray[np.int64], groups: Groups, level: float = 0.9, resamples: int = 999, seed: int = 0
) -> Interval:
    """Area under the ROC curve with the percentile interval of a bootstrap over clusters.

    Slower than `clustered_auc` and free of its normal approximation: the one to compare it with.

    Parameters
    ----------
    scores, labels, groups, level
        As in `clustered_auc`.
    resamples : int
        Number of times that as many clusters as there are, are drawn with replacement.
    seed : int
        Of the draws.

    Returns
    -------
    Interval
        Efron & Tibshirani (1993), chapter 13, with clusters in place of rows (Field & Welsh 2007, JRSS B 69, 369).

    Raises
    ------
    ValueError
        As `clustered_auc`; or clusters so few that a resample holds one class only.
    """
    whole = clustered_auc(scores, labels, groups, level)
    names, cluster = np.unique(groups, return_inverse=True)
    order = np.argsort(scores, kind="stable")
    ties = np.flatnonzero(np.r_[True, np.diff(scores[order]) > 0])
    positive, cluster = labels[order] == 1, cluster[order]
    rng, aucs = np.random.default_rng(seed), np.empty(resamples)
    for i in range(resamples):
        weight = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[cluster]
        above, below = (np.add.reduceat(weight * side, ties, dtype=np.float64) for side in (positive, ~positive))
        if not above.sum() or not below.sum():
            raise ValueError(f"a resample of {len(names)} galaxies holds one class only: they are too few for a bootstrap")
        # Negatives below each score, and half of those that tie with it.
        aucs[i] = above @ (np.cumsum(below) - 0.5 * below) / (above.sum() * below.sum())
    low, high = np.quantile(aucs, [0.5 - level / 2.0, 0.5 + level / 2.0])
    return Interval(whole.value, float(low), float(high), whole.n, whole.n_groups)


def strength(auc: Interval, margin: float, level: float) -> float:
    """How far beyond being caught a leak is, where the same size is planted again and again: 1 is caught at 95 % power.

    Caught means failed: the lower end of the interval lies above 0.5 and its upper end beyond the margin. With a standard
    error s the lower end does so in 95 % of data sets if AUC - 0.5 >= (z_0.95 + z_level) s, where z_level s is half the
    interval, and the upper end if AUC - 0.5 + (z_level - z_0.95) s >= margin.
    """
    z_power, z_level = norm.ppf(POWER), norm.ppf(0.5 + level / 2.0)
    half = max(auc.value - auc.low, auc.high - auc.value)
    excess = auc.value - 0.5
    beyond = float((excess + half * (1.0 - z_power / z_level)) / margin)
    # Identical pairs have an interval without width: then the margin alone decides.
    return min(float(excess / (half * (1.0 + z_power / z_level))), beyond) if half > 0 else beyond
