"""How likely it is that so many galaxies of one class lie beyond all of the other, and what share of a class that may be. Pure.

Let the classes be exchangeable. Of n1 + n0 galaxies the k most extreme ones are then all positives with probability

    prod over i < k of (n1 - i) / (n1 + n0 - i),

whatever the distribution and its tails, since all choices of n1 of the galaxies are equally likely. Where two values are equal,
neither lies beyond the other, so that the count can only be smaller.

A galaxy that is in both classes is exchanged by itself: its two values change places with probability 1/2, whatever the other
galaxies do. That k such galaxies lie beyond every control has a probability of at most 2^-k: none of them can hold two of the k
most extreme values, or a control would be among them. In a mixture the k factors are halves and the first ones of the product
above, in a number that the values alone decide; the product of the k largest factors bounds all cases.

Rows of one galaxy are reduced to the most extreme. They may be copies of one value (the galaxy's) or independent ones (its
noise): galaxies are exchanged in the first case, rows in the second, and where classes have different numbers of rows a galaxy
the larger of both probabilities is taken. Galaxies in both classes must have as many independent rows in one as in the other, as
pairs have.

A positive is compared with the controls of *other* galaxies. On pairs that gives one galaxy for nothing: the one whose control is
the most extreme of all lies beyond the others in either class. It counts for the share, and for the probability only if it lies
beyond its own control as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import beta, binom

Array = NDArray[np.floating[Any]]
Galaxies = NDArray[np.int64]

# Judged pairs from which on the share that may go unseen falls with their number.
_MANY: Final = 1000
_LIMIT_OF_MANY: Final = 20.0
# The share that is planted, in units of the limit.
PLANTED: Final = 1.5
_UPPER: Final = 0.95
_POWER: Final = 0.9


@dataclass(frozen=True)
class Sizes:
    """How many galaxies and rows there are to be exchanged.

    Attributes
    ----------
    ones, zeros : int
        Galaxies that are in one class only: positives, controls.
    shared : int
        Galaxies that are in both.
    rows_of_ones, rows_of_zeros : int
        Rows of the former.
    """

    ones: int
    zeros: int
    shared: int
    rows_of_ones: int
    rows_of_zeros: int

    @property
    def positives(self) -> int:
        """Galaxies that are positives."""
        return self.ones + self.shared

    @classmethod
    def of(cls, ones: Galaxies, zeros: Galaxies) -> Sizes:
        """From the galaxy of each row of positives and of controls."""
        alone, others = ~np.isin(ones, zeros), ~np.isin(zeros, ones)
        first, second = len(np.unique(ones[alone])), len(np.unique(zeros[others]))
        return cls(first, second, len(np.unique(ones[~alone])), int(alone.sum()), int(others.sum()))

    def chance(self, beyond: int) -> float:
        """Probability that at least so many galaxies of positives lie beyond every control, if the classes are exchangeable."""
        by_galaxy = chance(beyond, self.ones, self.zeros, self.shared)
        return max(by_galaxy, chance(beyond, self.rows_of_ones, self.rows_of_zeros, self.shared))

    def needed(self, probability: float) -> int | None:
        """The smallest count that is less likely than that; None if no count is."""
        return next((count for count in range(1, self.positives + 1) if self.chance(count) <= probability), None)


def chance(beyond: int, ones: int, zeros: int, shared: int = 0) -> float:
    """Probability that the `beyond` most extreme galaxies are all positives, if the classes are exchangeable.

    Parameters
    ----------
    beyond : int
    ones, zeros : int
        Galaxies that are in one class only.
    shared : int
        Galaxies that are in both, each with a value in either class.
    """
    if beyond > ones + shared:
        return 0.0
    drawn = np.arange(min(ones, beyond))
    factors = np.concatenate([(ones - drawn) / (ones + zeros - drawn), np.full(min(shared, beyond), 0.5)])
    return float(np.prod(np.sort(factors)[::-1][:beyond]))


@dataclass(frozen=True)
class Beyond:
    """Positives beyond the most extreme control, feature by feature.

    Attributes
    ----------
    galaxies : ndarray of int, shape (k,)
        Galaxies of positives beyond every control of another galaxy.
    surprising : ndarray of int, shape (k,)
        Those of them that lie beyond the control of their own galaxy too, if there is one.
    threshold : ndarray, shape (k,)
        The most extreme control.
    own : ndarray of int, shape (k,)
        Its galaxy.
    next : ndarray, shape (k,)
        The most extreme control of the other galaxies.
    """

    galaxies: NDArray[np.int64]
    surprising: NDArray[np.int64]
    threshold: Array
    own: Galaxies
    next: Array

    def rows(self, values: Array, galaxies: Galaxies) -> NDArray[np.bool_]:
        """Which rows (n, k) lie beyond every control of another galaxy."""
        over: NDArray[np.bool_] = values > np.where(galaxies[:, None] == self.own, self.next, self.threshold)
        return over


def beyond(ones: Array, of_ones: Galaxies, zeros: Array, of_zeros: Galaxies) -> Beyond:
    """Count galaxies of positives above the largest control.

    Parameters
    ----------
    ones, zeros : ndarray, shape (n, k), (m, k)
        Features of positives and of controls; with a minus sign, their low side.
    of_ones, of_zeros : ndarray of int, shape (n,), (m,)
        Galaxy of each row; controls of at least two.
    """
    names, most = _most_extreme(ones, of_ones)
    control_names, controls = _most_extreme(zeros, of_zeros)
    column = np.arange(controls.shape[1])
    place = controls.argmax(axis=0)
    threshold, own = controls[place, column], control_names[place]
    others = controls.copy()
    others[place, column] = -np.inf
    second = others.max(axis=0)
    surprising = most > threshold
    over = most > np.where(names[:, None] == own, second, threshold)
    return Beyond(over.sum(axis=0), surprising.sum(axis=0), threshold, own, second)


def _most_extreme(values: Array, galaxies: Galaxies) -> tuple[Galaxies, Array]:
    """Galaxies, and the largest value of each."""
    names, first, place = np.unique(galaxies, return_index=True, return_inverse=True)
    if len(names) == len(galaxies):
        return names, values[first]
    order = np.argsort(place, kind="stable")
    starts = np.searchsorted(place[order], np.arange(len(names)))
    return names, np.maximum.reduceat(values[order], starts, axis=0)


def share_interval(found: int, galaxies: int) -> tuple[float, float]:
    """Lower and upper 95 % limits of a share, each by itself (Clopper & Pearson 1934, Biometrika 26, 404)."""
    low = float(beta.ppf(1.0 - _UPPER, found, galaxies - found + 1)) if found else 0.0
    high = float(beta.ppf(_UPPER, found + 1, galaxies - found)) if found < galaxies else 1.0
    return low, high


def limit(pairs: int) -> float:
    """The share of galaxies below which the upper limit must lie: 20 / n of n judged pairs, 2 % of fewer than 1,000."""
    return _LIMIT_OF_MANY / max(pairs, _MANY)


def share_detected(seen: float, needed: int, galaxies: int) -> float | None:
    """Smallest share of the galaxies in which a leak makes at least `needed` of them extreme in 9 of 10 data sets.

    `seen` is the share of the galaxies that the leak makes extreme, if it is in them. None if even all do not suffice.
    """
    leaking = np.arange(needed, galaxies + 1)
    enough = binom.sf(needed - 1, leaking, seen) >= _POWER
    return float(leaking[enough.argmax()]) / galaxies if enough.any() else None
