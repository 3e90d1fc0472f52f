"""Two arms held against each other by one rule: fitted on one half of the galaxies, judged on the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from arcgate.gates.features import Floats
from arcgate.gates.permutation import pair_flip
from arcgate.gates.probe import Sample, fitted_scores, fitting_half, require_hosts
from arcgate.ground.statistics import Interval, clustered_auc, within_pair
from arcgate.variant import Gates

# Power at which the smallest leak that is caught is stated.
POWER = 0.95
FLIPS = 999


class NotComparableError(ValueError):
    """The two arms cannot be told apart or alike, whatever they hold."""


@dataclass(frozen=True)
class Rows:
    """Galaxy and pair of each row of an arm."""

    hosts: NDArray[np.str_]
    pairs: NDArray[np.int64]


@dataclass(frozen=True)
class Ordered:
    """How the rule orders pairs.

    Attributes
    ----------
    share : float
        P(positive above its own control) + P(equal) / 2, over pairs of the judging half.
    p_value : float
        Of so uneven a share if the members of each pair were exchangeable; see `permutation.pair_flip`.
    """

    share: float
    p_value: float


@dataclass
class Comparison:
    """Rows of two arms, divided into halves once for all features.

    Attributes
    ----------
    one, zero : Rows
        Of the positive class and of the controls.
    settings : Gates
    """

    one: Rows
    zero: Rows
    settings: Gates
    _labels: NDArray[np.int64] = field(init=False)
    _hosts: NDArray[np.int64] = field(init=False)
    _fitting: NDArray[np.bool_] = field(init=False)

    def __post_init__(self) -> None:
        names = np.concatenate([self.one.hosts, self.zero.hosts])
        self._labels = np.repeat([1, 0], [len(self.one.hosts), len(self.zero.hosts)])
        self._hosts = np.unique(names, return_inverse=True)[1]
        self._fitting = fitting_half(names, self.settings.seed) if len(names) else np.zeros(0, dtype=bool)

    def check(self) -> None:
        """Refuse what no rule can be fitted to or judged on.

        Raises
        ------
        NotComparableError
            A class without rows, or with one galaxy only.
        TooFewHostsError
            A half with fewer galaxies than the settings ask for.
        """
        for label in (1, 0):
            galaxies = len(np.unique(self._hosts[self._labels == label]))
            if galaxies < 2:
                raise NotComparableError(f"{galaxies} galaxies in a class: one galaxy cannot both teach a rule and test it")
        require_hosts(self._hosts, self._labels, self._fitting, self.settings.min_hosts)

    def auc(self, one: Floats, zero: Floats) -> Interval:
        """AUC with its interval from features (n, band, k) of both arms.

        Raises
        ------
        NotComparableError
            Features that are the same for every row, or a fit that does not converge.
        """
        judging = ~self._fitting
        return clustered_auc(self._scores(one, zero), self._labels[judging], self._hosts[judging], self.settings.level)

    def order(self, one: Floats, zero: Floats) -> Ordered | None:
        """Within-pair accuracy, or None where no pair of the judging half has both members."""
        judging = ~self._fitting
        pairs, labels, hosts = self._pairs[judging], self._labels[judging], self._hosts[judging]
        if not len(np.intersect1d(pairs[labels == 1], pairs[labels == 0])):
            return None
        scores = self._scores(one, zero)
        return Ordered(
            within_pair(scores, labels, pairs), pair_flip(scores, labels, pairs, hosts, self.settings.seed, FLIPS).p_value
        )

    @property
    def _pairs(self) -> NDArray[np.int64]:
        return np.concatenate([self.one.pairs, self.zero.pairs])

    def _scores(self, one: Floats, zero: Floats) -> NDArray[np.float64]:
        features = np.concatenate([one, zero]).reshape(len(self._labels), -1).astype(np.float64)
        if (features == features[0]).all():
            raise NotComparableError("the features are the same for every row: there is nothing to tell the classes by")
        rows = self._fitting
        fit = Sample(features[rows], self._labels[rows], self._hosts[rows].astype(np.str_), self._pairs[rows])
        try:
            return fitted_scores(fit, features[~rows])
        except ValueError as error:
            raise NotComparableError(str(error)) from error


def strength(auc: Interval, margin: float, level: float) -> float:
    """How far beyond being caught a leak is, where the same size is planted again: 1 is caught by the next data set at 95 %.

    Caught means failed: the lower end of the interval lies above 0.5 and its upper end beyond the margin. The AUC that the
    statement starts from has a standard error s of its own, and so has the AUC that it is about, so that the two differ by
    sqrt(2) s. The lower end is above 0.5 in 95 % of pairs of data sets if AUC - 0.5 >= (sqrt(2) z_0.95 + z_level) s, where
    z_level s is half the interval, and the upper end beyond the margin if AUC - 0.5 + (z_level - sqrt(2) z_0.95) s >= margin.
    Other galaxies also fit another rule, which no error of one rule accounts for: about 90 % are seen (experiments/09-intervals).
    """
    z_power, z_level = np.sqrt(2.0) * norm.ppf(POWER), norm.ppf(0.5 + level / 2.0)
    half = max(auc.value - auc.low, auc.high - auc.value)
    excess = auc.value - 0.5
    beyond = float((excess + half * (1.0 - z_power / z_level)) / margin)
    # Identical pairs have an interval without width: then the margin alone decides.
    return min(float(excess / (half * (1.0 + z_power / z_level))), beyond) if half > 0 else beyond


def smallest_caught(sizes: Sequence[float], strengths: list[float]) -> float | None:
    """Smallest size caught in about 9 of 10 such data sets, interpolated in the logarithms of size and strength.

    Parameters
    ----------
    sizes : sequence of float
        Ascending.
    strengths : list of float
        Of each size; see `strength`.

    Returns
    -------
    float or None
        None if the largest planted size is not caught; the smallest planted size if every one is, since nothing is known
        below it.
    """
    weak = [i for i, value in enumerate(strengths) if value < 1.0]
    if not weak:
        return sizes[0]
    last = weak[-1]
    if last == len(sizes) - 1:
        return None
    # A size that reads no leak at all (an AUC of 0.5 or below) has no logarithm: then nothing is interpolated.
    if strengths[last] <= 0.0 or not np.isfinite(strengths[last + 1]):
        return sizes[last + 1]
    share = -np.log(strengths[last]) / (np.log(strengths[last + 1]) - np.log(strengths[last]))
    return float(np.exp(np.log(sizes[last]) + share * (np.log(sizes[last + 1]) - np.log(sizes[last]))))
