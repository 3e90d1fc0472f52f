"""Null distributions from swaps of the members of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
# Swaps at a time: keeps the working array at a few tens of megabytes for 10,000 galaxies.
_CHUNK: Final = 256


@dataclass(frozen=True)
class Flipped:
    """A statistic of pairs and its place among random swaps.

    Attributes
    ----------
    value : float
        Within-pair accuracy: P(label 1 above its partner) + P(equal) / 2.
    p_value : float
        Share of swaps, the data themselves counted, that are at least as uneven either way.
    n_groups : int
        Galaxies that were swapped.
    """

    value: float
    p_value: float
    n_groups: int


def pair_flip(
    scores: Array, labels: NDArray[np.int64], pairs: NDArray[np.int64], groups: NDArray[Any], seed: int, flips: int = 999
) -> Flipped:
    """Test whether a score tells the members of pairs apart.

    If it does not, the members of a pair are exchangeable. All pairs of a galaxy are swapped together, since they share its
    pixels and their order is correlated.

    Parameters
    ----------
    scores : ndarray, shape (n,)
    labels : ndarray of 0 and 1, shape (n,)
    pairs : ndarray of int, shape (n,)
        Rows without a partner do not count; where several rows share pair and label, the first does.
    groups : ndarray, shape (n,)
        Galaxy of each row; the row of label 1 decides for its pair.
    seed : int
        Of the swaps.
    flips : int
        Number of random swaps.

    Returns
    -------
    Flipped
        With a p-value that is valid for any number of swaps (Phipson & Smyth 2010, Stat. Appl. Genet. Mol. Biol. 9, 39).

    Raises
    ------
    ValueError
        No pair has both members.
    """
    one, zero = (np.flatnonzero(labels == label) for label in (1, 0))
    common, first, second = np.intersect1d(pairs[one], pairs[zero], return_indices=True)
    if common.size == 0:
        raise ValueError("no pair has both members")
    order = np.sign(scores[one[first]] - scores[zero[second]])
    names, group = np.unique(groups[one[first]], return_inverse=True)
    uneven = np.bincount(group, order)
    observed = abs(uneven.sum())
    rng, as_uneven = np.random.default_rng(seed), 0
    for start in range(0, flips, _CHUNK):
        sign = rng.integers(0, 2, size=(min(_CHUNK, flips - start), len(names)), dtype=np.int8) * 2.0 - 1.0
        # Sums of +-1 are exact: ties with the data are ties.
        as_uneven += int(np.count_nonzero(np.abs(sign @ uneven) >= observed))
    value = float(0.5 + 0.5 * order.mean())
    return Flipped(value, (1 + as_uneven) / (1 + flips), len(names))
