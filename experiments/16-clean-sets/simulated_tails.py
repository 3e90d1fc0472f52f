"""The tails on simulated features of galaxies and noise: how often a sound set raises an alarm, and a sparse leak does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from arcgate.gates.core.counting import Sizes, beyond
from arcgate.ground.statistics import holm


@dataclass(frozen=True)
class Sound:
    """A kind of sound set.

    Attributes
    ----------
    galaxies, rows : int
        Galaxies a class, and positives a galaxy.
    control_rows : int
        Controls a galaxy.
    paired : bool
        Whether controls are the positives' own galaxies.
    noise : float
        Scatter of a row about its galaxy; 1e-6 is rounding.
    heavy : bool
        Whether galaxies have Cauchy tails, as bright neighbours make them.
    discrete : bool
        Whether features are whole numbers, with many ties.
    """

    galaxies: int
    rows: int = 1
    control_rows: int = 1
    paired: bool = True
    noise: float = 1e-6
    heavy: bool = False
    discrete: bool = False

    def drawn(self, seed: int, features: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Values of positives and their galaxies, values of controls and theirs."""
        rng = np.random.default_rng([seed, self.galaxies, self.rows])
        draw = rng.standard_cauchy if self.heavy else rng.standard_normal
        own, others = draw((2, self.galaxies, features))
        controls = own if self.paired else others
        of_ones, of_zeros = np.repeat(np.arange(self.galaxies), self.rows), np.repeat(np.arange(self.galaxies), self.control_rows)
        ones, zeros = own[of_ones], controls[of_zeros]
        ones = ones + self.noise * rng.standard_normal(ones.shape)
        zeros = zeros + self.noise * rng.standard_normal(zeros.shape)
        if self.discrete:
            ones, zeros = np.round(2 * ones), np.round(2 * zeros)
        return ones, of_ones, zeros, of_zeros if self.paired else of_zeros + self.galaxies


def alarms(kind: Sound, seeds: range, features: int = 36, level: float = 0.01, leaking: float = 0.0) -> float:
    """Share of sets in which any feature on any side is taken for a leak.

    Parameters
    ----------
    kind : Sound
    seeds : range
        One set each.
    features : int
        Looked at on either side.
    level : float
        Family-wise.
    leaking : float
        Share of the galaxies of positives that one feature sets apart from all controls; none in a sound set.
    """
    count = 0
    for seed in seeds:
        ones, of_ones, zeros, of_zeros = kind.drawn(seed, features)
        chosen = np.random.default_rng([seed, 1]).permutation(kind.galaxies)[: round(leaking * kind.galaxies)]
        ones[np.isin(of_ones, chosen), 0] += 1e9
        sizes = Sizes.of(of_ones, of_zeros)
        found = [beyond(sign * ones, of_ones, sign * zeros, of_zeros).surprising for sign in (1, -1)]
        count += bool(holm(np.array([sizes.chance(int(k)) for k in np.concatenate(found)]), level).any())
    return count / len(seeds)
