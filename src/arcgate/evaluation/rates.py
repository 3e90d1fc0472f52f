"""Recall at small false-positive rates, as far as the number of different negative galaxies lets it be stated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom

from arcgate.evaluation.resampling import interval_of
from arcgate.ground.draws import uniform

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

RATES: Final = (1e-1, 1e-2, 1e-3, 1e-4)
# Different galaxies above the threshold from which on it is known well enough for a value.
ENOUGH: Final = 10


@dataclass(frozen=True)
class Scored:
    """Logits of a test set.

    Attributes
    ----------
    logit : ndarray, shape (n,)
    label : ndarray of int, shape (n,)
        1 for positives, 0 for negatives.
    galaxy : ndarray of int, shape (n,)
        Any number that names it.
    source : ndarray of int, shape (n,)
        Image that is the source of a positive; -1 where it is none.
    """

    logit: Array
    label: Ids
    galaxy: Ids
    source: Ids

    @property
    def clusters(self) -> tuple[Ids, ...]:
        """What rows share: galaxies, and images of sources where there are any."""
        return (self.galaxy,) if (self.source < 0).all() else (self.galaxy, self.source)


@dataclass(frozen=True)
class Recall:
    """Recall at a false-positive rate.

    Attributes
    ----------
    rate : float
    k : int
        Different negative galaxies above the threshold.
    value, low, high : float or None
        With fewer than ten the value is not stated, with none the interval neither.
    needed : int
        Negatives of different galaxies that a value needs.
    """

    rate: float
    k: int
    value: float | None
    low: float | None
    high: float | None
    needed: int


def recall_at(scored: Scored, rate: float, level: float, seed: int = 0) -> Recall:
    """Share of positives above the lowest threshold that at most a share `rate` of the negatives exceeds.

    From ten negative galaxies above it on, value and interval: galaxies and sources are drawn anew, and the threshold with them.
    From one to nine the interval alone: from the thresholds between which that of the true rate lies, by the binomial
    distribution of how many of the galaxies exceed it, and from the recall there after Clopper & Pearson (1934, Biometrika 26,
    404), half of what may be missed for each. It holds whatever the distribution of logits is. Where the true threshold may well
    lie above every negative, which at 90 % it may with about three galaxies or fewer, the lower limit is 0.

    Parameters
    ----------
    scored : Scored
    rate : float
    level : float
        Coverage of the interval.
    seed : int
        Of the draws.
    """
    negative = scored.label == 0
    galaxies = len(np.unique(scored.galaxy[negative]))
    needed = math.ceil(ENOUGH / rate - 1e-9)
    threshold = threshold_at(scored.logit[negative], rate)
    k = len(np.unique(scored.galaxy[negative][scored.logit[negative] > threshold]))
    if k == 0:
        return Recall(rate, 0, None, None, None, needed)
    if k < ENOUGH:
        return Recall(rate, k, None, *_by_counts(scored, rate, galaxies, level), needed)
    value = float(np.mean(scored.logit[~negative] > threshold))
    found = interval_of(lambda weights: weighted_recall(scored, weights, rate), scored.clusters, level, seed)
    low, high = (None, None) if found is None else (min(found[0], value), max(found[1], value))
    return Recall(rate, k, value, low, high, needed)


def threshold_at(negatives: Array, rate: float) -> float:
    """Lowest negative logit that at most a share of the negatives exceeds."""
    ordered = np.sort(negatives)
    return float(ordered[len(ordered) - 1 - int(rate * len(ordered) + 1e-9)])


def weighted_recall(scored: Scored, weights: Array, rate: float) -> Array:
    """The same of rows with weights (replicates, n): values (replicates,), NaN where a class has no weight."""
    order = np.argsort(-scored.logit, kind="stable")
    negative = (scored.label[order] == 0).astype(np.float64)
    ordered = weights[:, order]
    false, true = (np.cumsum(ordered * part, axis=1) for part in (negative, 1.0 - negative))
    # Rows of one logit go above a threshold together: what counts above it ends with the last row of the logit before.
    logit = scored.logit[order]
    ends = np.r_[np.flatnonzero(logit[1:] != logit[:-1]), len(logit) - 1]
    above = np.c_[np.zeros(len(weights)), true[:, ends]]
    wrong = np.c_[np.zeros(len(weights)), false[:, ends]]
    allowed = wrong <= rate * false[:, -1:] * (1 + 1e-12)
    best = np.where(allowed, above, 0.0).max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where((true[:, -1] > 0) & (false[:, -1] > 0), best / true[:, -1], np.nan)


def _by_counts(scored: Scored, rate: float, galaxies: int, level: float) -> tuple[float, float]:
    """Limits of the recall from how many galaxies may exceed the true threshold.

    Where it is exceeded by at least `fewest`, it lies below the logit of rank `fewest`, and the recall is at least that above
    this logit; where none may exceed it, nothing bounds it from above, and the recall may be 0. Where it is exceeded by at most
    `most`, it is no lower than the logit of the rank after. A galaxy of several rows exceeds it with a probability between the
    rate, where its rows have one logit, and the rate times its rows; galaxies of different probabilities scatter less than as
    many of their mean (Hoeffding 1956, Annals of Mathematical Statistics 27, 713).
    """
    missed = (1.0 - level) / 4.0
    likeliest = min(1.0, rate * np.count_nonzero(scored.label == 0) / galaxies)
    fewest, most = int(binom.ppf(missed, galaxies, rate)), int(binom.ppf(1.0 - missed, galaxies, likeliest))
    low = 0.0 if fewest == 0 else clopper_pearson(scored, _exceeded_by(scored, fewest - 1), missed)[0]
    high = clopper_pearson(scored, _exceeded_by(scored, most), missed)[1]
    return low, high


def _exceeded_by(scored: Scored, galaxies: int) -> float:
    """Lowest threshold that no more than so many negative galaxies exceed; minus infinity where there are no more."""
    negative = scored.label == 0
    _, place = np.unique(scored.galaxy[negative], return_inverse=True)
    largest = np.full(int(place.max()) + 1, -np.inf)
    np.maximum.at(largest, place, scored.logit[negative])
    ordered = np.sort(largest)[::-1]
    return float(ordered[galaxies]) if galaxies < len(ordered) else -np.inf


def clopper_pearson(scored: Scored, threshold: float, missed: float) -> tuple[float, float]:
    """Limits of the share of positives above a threshold, counted by galaxies: as many trials as there are.

    Where sources are images, no more trials than the rows would be worth if arcs of one image were found or missed together
    (Kish 1965, Survey Sampling: the square of their number by the sum of the squares of each image's). `missed` is the
    probability of either side beyond its limit.
    """
    positive = scored.label == 1
    source = scored.source[positive]
    shared = np.r_[np.unique(source[source >= 0], return_counts=True)[1], np.ones(np.count_nonzero(source < 0))]
    trials = min(len(np.unique(scored.galaxy[positive])), float(shared.sum() ** 2 / (shared**2).sum()))
    hits = float(np.mean(scored.logit[positive] > threshold)) * trials
    low = 0.0 if hits <= 0 else float(beta.ppf(missed, hits, trials - hits + 1))
    high = 1.0 if hits >= trials else float(beta.ppf(1 - missed, hits + 1, trials - hits))
    return low, high


def recall_above_false_positives(scored: Scored, allowed: int) -> float | None:
    """Share of positives above the threshold that so many negatives exceed; None where there are no more.

    Without a negative that sets the threshold every network would have a recall of 1.
    """
    negatives = np.sort(scored.logit[scored.label == 0])
    if allowed >= len(negatives):
        return None
    return float(np.mean(scored.logit[scored.label == 1] > negatives[len(negatives) - 1 - allowed]))


def carried_over(scored: Scored, rate: float, seed: int = 0) -> tuple[float, int]:
    """A threshold that one half of the negative galaxies sets for a rate, and its rate on the other half.

    Returns
    -------
    (float, int)
        Rate on the other half, and how many rows that half has.
    """
    negative = scored.label == 0
    logit, galaxy = scored.logit[negative], scored.galaxy[negative]
    sets = uniform(seed, "half that sets the threshold", galaxy) < 0.5
    if not sets.any() or sets.all():
        return float("nan"), 0
    return float(np.mean(logit[~sets] > threshold_at(logit[sets], rate))), int((~sets).sum())


def average_precision(scored: Scored, weights: Array) -> Array:
    """Area under the curve of precision against recall, as the sum of precisions by the recall gained: (replicates,).

    Weights have shape (replicates, n); rows of one logit are one step.
    """
    order = np.argsort(-scored.logit, kind="stable")
    positive, logit = (scored.label[order] == 1).astype(np.float64), scored.logit[order]
    ordered = weights[:, order]
    true, every = np.cumsum(ordered * positive, axis=1), np.cumsum(ordered, axis=1)
    ends = np.r_[np.flatnonzero(logit[1:] != logit[:-1]), len(logit) - 1]
    found, seen = true[:, ends], every[:, ends]
    gained = np.diff(np.c_[np.zeros(len(weights)), found], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0, found / seen, 0.0)
        area: Array = (gained * precision).sum(axis=1) / true[:, -1]
    return area


def purity(recall: float, rate: float, prior: float) -> float:
    """Share of lenses among what is above a threshold, where a share `prior` of what is looked at are lenses."""
    lenses, others = prior * recall, (1.0 - prior) * rate
    return lenses / (lenses + others) if lenses + others > 0 else float("nan")
