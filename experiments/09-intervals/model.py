"""Simulated galaxies whose rules have a known AUC: Gaussian features, hosts shared by the rows of a galaxy, a leak."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from arcgate.dataset.source import Facts
from arcgate.gates.core.context import Context
from arcgate.gates.core.held_out_auc import fitted
from arcgate.ground.draws import text_ids
from arcgate.imaging import DECALS
from arcgate.variant import Variant
from arcgate.views.arrays import ArrayViewer

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

# Nine features, as the core gate has in one band: means of rings from 0 to 7 px, and a dipole; units of the sky's deviation.
RING: Final = np.arange(7.0)
NOISE: Final = np.r_[1.0 / np.sqrt(np.pi * (2.0 * RING + 1.0)), 0.1, 0.1]
# Three properties of hosts (brightness, width, level of the neighbourhood) with profiles of their own.
HOSTS: Final = np.zeros((3, 9))
HOSTS[0, :7] = 10.0 * np.exp(-(RING + 0.5) / 3.0)
HOSTS[1, :7] = 3.0 * np.exp(-(RING + 0.5) / 1.5)
HOSTS[2, :7] = 1.0
# A pedestal at r < 5 px.
LEAK: Final = np.r_[np.ones(5), np.zeros(4)]
GALAXY: Final = HOSTS.T @ HOSTS + np.diag(NOISE**2)
# Noise that members of a pair do not share, over the noise that they do.
OWN_NOISE: Final = 0.1


@dataclass(frozen=True)
class Layout:
    """Pairs of a data set: how many galaxies, rows a galaxy, and whether a control is the positive's own galaxy."""

    hosts: int
    rows: int
    paired: bool


@dataclass(frozen=True)
class Classes:
    """Rows of both classes.

    Attributes
    ----------
    features : ndarray, shape (n, k)
    labels : ndarray of 0 and 1, shape (n,)
    groups : ndarray of str, shape (n,)
        Galaxy of each row.
    pairs : ndarray of int, shape (n,)
        Pair of each row.
    """

    features: Array
    labels: Ints
    groups: NDArray[np.str_]
    pairs: Ints

    def take(self, chosen: NDArray[np.bool_]) -> Classes:
        """The rows that `chosen` marks."""
        return Classes(self.features[chosen], self.labels[chosen], self.groups[chosen], self.pairs[chosen])


def drawn(layout: Layout, leak: float, rng: np.random.Generator, own_noise: float = OWN_NOISE) -> tuple[Classes, Classes]:
    """The halves of the galaxies that fit and that judge.

    The control of a galaxy is one stamp, however many rows it is the control of.
    """
    galaxies = _galaxies(layout.hosts, rng)
    others = galaxies if layout.paired else _galaxies(layout.hosts, rng)
    noise = own_noise * NOISE
    control = np.repeat(others + noise * rng.normal(size=others.shape), layout.rows, axis=0)
    positive = np.repeat(galaxies, layout.rows, axis=0)
    positive = positive + noise * rng.normal(size=positive.shape) + leak * LEAK
    host = np.repeat(np.arange(layout.hosts), layout.rows)
    hosts = np.concatenate([host, host if layout.paired else host + layout.hosts])
    count = len(host)
    sample = Classes(
        np.concatenate([positive, control]), np.repeat([1, 0], count), hosts.astype(np.str_), np.tile(np.arange(count), 2)
    )
    fitting = (hosts % layout.hosts) % 2 == 0
    return sample.take(fitting), sample.take(~fitting)


def scored(fit: Classes, judge: Classes) -> tuple[Array, Array]:
    """Scores of the judging rows, and the weights of the fitted rule, which is linear."""
    probes = np.vstack([np.eye(len(LEAK)), np.zeros(len(LEAK))])
    rule = fitted(fit.features, fit.labels, "logistic")
    scores = rule.decision_function(np.concatenate([judge.features, probes]))
    return scores[: -len(probes)], scores[-len(probes) : -1] - scores[-1]


def true_auc(weights: Array, leak: float, own_noise: float = OWN_NOISE) -> float:
    """AUC of a linear rule for a positive and a control of different galaxies."""
    spread = weights @ (2.0 * (GALAXY + np.diag((own_noise * NOISE) ** 2))) @ weights
    return float(norm.cdf(leak * (weights @ LEAK) / np.sqrt(spread)))


def _galaxies(count: int, rng: np.random.Generator) -> Array:
    return np.asarray(rng.normal(size=(count, 3)) @ HOSTS + rng.normal(size=(count, 9)) * NOISE)


def context_of(names: list[str], spec: Variant) -> Context:
    """What the gates would know of a data set of these galaxies, in the order of their names; every second one by hash fits."""
    galaxies = text_ids(names)
    order = np.argsort(galaxies)
    facts = Facts("arrays", True, False, False, False, frozenset(), imaging=DECALS)
    number = np.arange(len(names))
    return Context(facts, ArrayViewer(spec.view, DECALS), spec.gates, number, galaxies[order], number[order], number[order])
