"""Intervals by drawing galaxies, and the images that are sources, anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.stats import poisson

from arcgate.ground.draws import uniform

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

REPLICATES: Final = 400
# Rows of weights that are made at once: 64 MB of them at 10,000 rows.
_AT_ONCE: Final = 800_000
_CUMULATIVE: Final = poisson.cdf(np.arange(30), 1.0)


def weights_of(clusters: tuple[Ids, ...], replicates: range, seed: int) -> Array:
    """Weights of rows in replicates of a bootstrap.

    Each cluster is drawn as often as a Poisson deviate of mean one says, by a key of its own, so that no weight depends on what
    else is in the table; rows that are clustered in several ways have the product (Owen 2007, Ann. Appl. Stat. 1, 386).

    Parameters
    ----------
    clusters : tuple of ndarray of int, shape (n,)
        What rows share; rows of the number -1 share nothing in that way.
    replicates : range
    seed : int

    Returns
    -------
    ndarray, shape (len(replicates), n)
    """
    out = np.ones((len(replicates), len(clusters[0])))
    for way, cluster in enumerate(clusters):
        names, place = np.unique(cluster, return_inverse=True)
        for line, replicate in enumerate(replicates):
            drawn = uniform(seed, f"bootstrap {way} replicate {replicate}", names)
            out[line] *= np.where(names == -1, 1.0, _poisson(drawn))[place]
    return out


def _poisson(drawn: Array) -> Array:
    """Poisson deviates of mean one: the smallest count whose cumulative probability is not below a uniform deviate."""
    return np.searchsorted(_CUMULATIVE, drawn).astype(np.float64)


def interval_of(
    statistic: Callable[[Array], Array], clusters: tuple[Ids, ...], level: float, seed: int = 0
) -> tuple[float, float] | None:
    """Percentile interval of a statistic.

    Parameters
    ----------
    statistic : callable
        From weights (replicates, n) to values (replicates,), NaN where it cannot be had.
    clusters : tuple of ndarray of int, shape (n,)
        See `weights_of`.
    level : float
        Coverage.
    seed : int

    Returns
    -------
    (float, float) or None
        None where more than a tenth of the replicates have no value.
    """
    at_once = max(1, _AT_ONCE // max(len(clusters[0]), 1))
    values = np.concatenate(
        [
            statistic(weights_of(clusters, range(start, min(start + at_once, REPLICATES)), seed))
            for start in range(0, REPLICATES, at_once)
        ]
    )
    known = values[np.isfinite(values)]
    if len(known) < 0.9 * len(values):
        return None
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)
