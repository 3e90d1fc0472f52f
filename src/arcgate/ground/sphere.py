"""Neighbours on the sphere: which of many positions lie within some arcseconds of others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

_ARCSEC_PER_RADIAN = 3600.0 * 180.0 / np.pi
# Positions that are looked up at once: their distances then take a few megabytes.
_AT_ONCE = 200_000


def unit_vectors(ra_deg: Array, dec_deg: Array) -> Array:
    """Points of the unit sphere, shape (n, 3): +x towards ra 0, +z towards the north pole.

    Parameters
    ----------
    ra_deg, dec_deg : ndarray, shape (n,)
        Degrees; right ascensions of any turn, so that 359.99999 and 0 are neighbours.
    """
    ra, dec = np.radians(ra_deg), np.radians(dec_deg)
    return np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)


def nearest_arcsec(points: Array, others: Array, within_arcsec: float) -> tuple[Array, Ids]:
    """Of each point the nearest of the others, if it is near.

    Parameters
    ----------
    points, others : ndarray, shape (n, 3), (m, 3)
        From `unit_vectors`.
    within_arcsec : float
        As far as is looked.

    Returns
    -------
    distance : ndarray, shape (n,)
        Arcsec along the great circle; infinite where none is within reach.
    row : ndarray of int, shape (n,)
        Which of the others; m where none is within reach.
    """
    distance, row = np.full(len(points), np.inf), np.full(len(points), len(others), dtype=np.int64)
    if not len(others):
        return distance, row
    tree = cKDTree(others)
    for begin in range(0, len(points), _AT_ONCE):
        some = slice(begin, begin + _AT_ONCE)
        chord, row[some] = tree.query(points[some], distance_upper_bound=chord_of(within_arcsec))
        distance[some] = arcsec_of(chord)
    return distance, row


def pairs_within(points: Array, within_arcsec: float) -> Ids:
    """Pairs of rows (k, 2) that lie within some arcseconds of each other; of many rows at one place there are as many pairs."""
    pairs: Ids = cKDTree(points).query_pairs(chord_of(within_arcsec), output_type="ndarray").astype(np.int64)
    return pairs


def chord_of(arcsec: float) -> float:
    """The straight line between two points of the unit sphere that lie so far apart on it."""
    return float(2.0 * np.sin(arcsec / _ARCSEC_PER_RADIAN / 2.0))


def arcsec_of(chord: Array) -> Array:
    """Arcseconds on the sphere between points of the unit sphere with such straight lines between them; infinite stays so."""
    near: Array = 2.0 * np.arcsin(np.minimum(chord, 2.0) / 2.0) * _ARCSEC_PER_RADIAN
    return np.where(np.isinf(chord), np.inf, near)
