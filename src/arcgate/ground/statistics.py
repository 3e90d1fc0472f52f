"""Clustered statistics: rows of one galaxy are not independent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import fisher_exact, t

from arcgate.ground.compiled_statistics import won_against_others

Array = NDArray[np.float64]
Groups = NDArray[np.str_] | NDArray[np.int64]

# An area closer to 0 or 1 than this share of one galaxy's weight rests on a handful of comparisons, whose variance says little.
# A quarter holds the level where the mean area is 0.99 (experiments/09-intervals); one galaxy covers 95 instead of 90 %.
NEARLY_SEPARATED = 0.25
# Probability below which `classes_differ` fails a gate.
BY_CHANCE: Final = 1e-3


@dataclass(frozen=True)
class Interval:
    """An estimate, its interval, and how many rows and galaxies it rests on."""

    value: float
    low: float
    high: float
    n: int
    n_groups: int


def clustered_auc(
    scores: Array, labels: NDArray[np.int64], groups: Groups, level: float = 0.9, sources: NDArray[np.int64] | None = None
) -> Interval:
    """Area under the ROC curve over rows of different galaxies, with an interval that respects clusters.

    Rows of one galaxy are not compared with each other. A network meets stamps of different galaxies, and a rule that adds
    light to every positive wins each comparison of a galaxy with itself, however little it adds: with n pairs these n of n^2
    comparisons lift the area by up to 0.5 / n, which for a small leak is more than the whole width of the interval
    (experiments/09-intervals). The area is then a U-statistic over galaxies (Hoeffding 1948, Ann. Math. Stat. 19, 293) instead
    of a V-statistic. Without galaxies in both classes it is the ordinary one.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Higher means more like label 1; ties count one half.
    labels : ndarray of 0 and 1, shape (n,)
    groups : ndarray, shape (n,)
        Galaxy of each row; rows of different galaxies are independent, rows of one need not be.
    level : float
        Coverage of the interval.
    sources : ndarray of int, shape (n,), optional
        What else positives share, such as the image of their source; -1 where nothing. Rows are then clustered both ways.

    Returns
    -------
    Interval
        Variance after Obuchowski (1997, Biometrics 53, 567), of the comparisons made; Student's t for the number of
        galaxies; on the logit scale by the delta method (Pepe 2003, chapter 5), since near 1 the estimate is skewed.

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
    galaxy = np.unique(groups, return_inverse=True)[1]
    of_1, of_0 = galaxy[positive], galaxy[~positive]
    size = int(galaxy.max()) + 1
    m_of, n_of = np.bincount(of_1, minlength=size), np.bincount(of_0, minlength=size)
    i10, i01 = int(np.count_nonzero(m_of)), int(np.count_nonzero(n_of))
    if i10 < 2 or i01 < 2:
        raise ValueError(f"a clustered interval needs two galaxies in each class, got {i10} and {i01}")

    won = won_against_others(np.argsort(scores), np.ascontiguousarray(scores, dtype=np.float64), positive, galaxy, size)
    below, above = won[positive], won[~positive]
    compared = float(m * n - np.sum(m_of * n_of))
    # Counts are whole or half numbers, so that a null of identical pairs reads 0.5 with no width, not a last bit beside it.
    auc = float(below.sum() / compared)
    d10 = np.bincount(of_1, below, minlength=size) - auc * m_of * (n - n_of)
    d01 = np.bincount(of_0, above, minlength=size) - auc * n_of * (m - m_of)
    f10, f01, f11 = i10 / (i10 - 1), i01 / (i01 - 1), size / (size - 1)
    # Obuchowski's f10 S10 + f01 S01 + 2 f11 S11, as a sum of terms that cannot be negative.
    total = f11 * np.sum((d10 + d01) ** 2) + (f10 - f11) * np.sum(d10**2) + (f01 - f11) * np.sum(d01**2)
    least = min(i10, i01)
    if sources is not None and (sources[positive] >= 0).any():
        # What clusters of sources add to those of galaxies (Cameron, Gelbach & Miller 2011, J. Bus. Econ. Stat. 29, 238). Never
        # less than galaxies alone: the sum of both less their intersection can come out smaller by chance.
        source = sources[positive]
        row = np.where(source >= 0, below - auc * (n - n_of[of_1]), 0.0)
        number = np.where(source >= 0, source, 0)
        k = int(np.unique(source[source >= 0]).size)
        together, apart = np.bincount(number, row), np.bincount(np.unique(number * size + of_1, return_inverse=True)[1], row)
        total += max(k / max(k - 1, 1) * float(np.sum(together**2)) - float(np.sum(apart**2)), 0.0)
        least = min(least, max(k, 2))
    half = float(t.ppf(0.5 + level / 2.0, least - 1) * np.sqrt(total)) / compared
    low, high = _ends(auc, half, least, level)
    return Interval(auc, low, high, m + n, size)


def _ends(auc: float, half: float, galaxies: int, level: float) -> tuple[float, float]:
    """Ends of the interval whose half-width on the scale of the area is `half`, within [0, 1].

    Complete separation has no variance to measure. With k galaxies in the smaller class, a share above 1 - alpha^(1/k) of
    misplaced galaxies would have shown itself (the rule of three's exact form). Within `NEARLY_SEPARATED` / k of it the ends go
    over into those of complete separation linearly: one misplaced comparison must not make an interval much narrower than none.
    """
    separated = 1.0 - ((1.0 - level) / 2.0) ** (1.0 / galaxies)
    low, high = max(auc - separated, 0.0), min(auc + separated, 1.0)
    share = min(galaxies * min(auc, 1.0 - auc) / NEARLY_SEPARATED, 1.0)
    if share > 0.0:
        wide, centre = half / (auc * (1.0 - auc)), logit(auc)
        # Where there is no width, the way to the logit scale and back must not cost the last bit.
        low = share * min(float(expit(centre - wide)), auc) + (1.0 - share) * low
        high = share * max(float(expit(centre + wide)), auc) + (1.0 - share) * high
    return low, high


def within_pair(scores: Array, labels: NDArray[np.int64], pairs: NDArray[np.int64]) -> float:
    """P(positive above its own control) + P(equal) / 2, over pairs with both members."""
    order_1, order_0 = (np.flatnonzero(labels == label) for label in (1, 0))
    common, first, second = np.intersect1d(pairs[order_1], pairs[order_0], return_indices=True)
    if common.size == 0:
        raise ValueError("no pair has both members")
    difference = scores[order_1[first]] - scores[order_0[second]]
    return float(np.mean(difference > 0) + 0.5 * np.mean(difference == 0))


def holm(probabilities: Array, level: float) -> NDArray[np.bool_]:
    """Which of several hypotheses are rejected at a family-wise level (Holm 1979, Scand. J. Statist. 6, 65)."""
    order = np.argsort(probabilities, kind="stable")
    allowed = level / (len(order) - np.arange(len(order)))
    rejected = np.zeros(len(order), dtype=bool)
    rejected[order] = np.logical_and.accumulate(probabilities[order] <= allowed)
    return rejected


def classes_differ(some: Sequence[int], every: Sequence[int]) -> float:
    """Probability that chance makes two classes differ as much or more in a share, two-sided (Fisher's exact test).

    Parameters
    ----------
    some, every : sequence of int, length 2
        Of each class those with the trait, and all.
    """
    return float(fisher_exact([[part, whole - part] for part, whole in zip(some, every, strict=True)]).pvalue)
