"""How a gate sees a planted leak of growing size, and the smallest size that it would detect in another such data set. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm

from arcgate.gates.core.words import sized
from arcgate.ground.statistics import Interval

# Power at which the smallest leak that is detected is stated.
POWER: Final = 0.95


@dataclass(frozen=True)
class SensitivityCurve:
    """One planted leak, as a gate sees it at several sizes.

    Attributes
    ----------
    gate, view, leak, unit : str
        Unit `%` for sizes that are shares of something.
    sizes : tuple of float
        Ascending, from the largest that goes undetected on: smaller ones say nothing more.
    measured : tuple of Interval
        Of the null pair with the leak in it, size by size.
    detected : float or None
        Smallest size that is detected in about 9 of 10 such data sets.
    required : float
        The size at which it must be detected.
    in_null_pair : bool
        Whether it is planted in a null pair; else in single rows, or columns.
    """

    gate: str
    view: str
    leak: str
    unit: str
    sizes: tuple[float, ...]
    measured: tuple[Interval, ...]
    detected: float | None
    required: float
    in_null_pair: bool = False

    @property
    def sensitive(self) -> bool:
        """Whether the leak is detected at the size at which it must be."""
        return self.detected is not None and self.detected <= self.required

    def in_words(self, size: float) -> str:
        """The leak at a size; one that is there or not has none."""
        return f"{self.leak} {sized(size, self.unit)}" if self.unit else self.leak


def climbed(sizes: Sequence[float], measure: Callable[[float], Interval], margin: float, level: float) -> Climbed:
    """Measure the AUC with a leak of each size, from the largest down to the first that goes undetected.

    Parameters
    ----------
    sizes : sequence of float
        Ascending.
    measure : callable
        AUC of null pair and leak at a size.
    margin, level : float
        Of the gate, and of its intervals.
    """
    found: list[Interval] = []
    strengths: list[float] = []
    for size in reversed(sizes):
        found.insert(0, measure(size))
        strengths.insert(0, strength(found[0], margin, level))
        if strengths[0] < 1.0:
            break
    measured = tuple(sizes[len(sizes) - len(found) :])
    return Climbed(measured, tuple(found), smallest_detected(measured, strengths))


@dataclass(frozen=True)
class Climbed:
    """Sizes that were planted, what was measured, and the smallest size that is detected."""

    sizes: tuple[float, ...]
    measured: tuple[Interval, ...]
    detected: float | None


def strength(auc: Interval, margin: float, level: float) -> float:
    """How far beyond being detected a leak is, where the same size is planted again: 1 is seen by the next data set at 95 %.

    Detected means failed: the lower end of the interval lies above 0.5 and its upper end beyond the margin. The AUC that the
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


def smallest_detected(sizes: Sequence[float], strengths: Sequence[float]) -> float | None:
    """Smallest size detected in about 9 of 10 such data sets, interpolated in the logarithms of size and strength.

    Parameters
    ----------
    sizes : sequence of float
        Ascending.
    strengths : sequence of float
        Of each size; see `strength`.

    Returns
    -------
    float or None
        None if the largest planted size is not detected; the smallest planted size if every one is, since nothing is known
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
