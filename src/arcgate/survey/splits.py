"""On which side of a split galaxies, source images and PSF models lie: a matter of their names, the same in every data set."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from arcgate.ground.draws import text_ids, uniform

# Splits depend on the sky cell (or galaxy) alone, not on a data set's seed: a galaxy is on the same side in every data set.
_SPLIT_SEED = 20260101
_TRAIN, _VAL = 0.7, 0.8
OVERLAP_ARCSEC = 25.0
"""Stamps of galaxies nearer to each other than this overlap: 64 pixels of the Legacy Surveys, corner to corner."""
_SHARES = {"train": _TRAIN, "val": _VAL - _TRAIN, "test": 1.0 - _VAL}


def split_of(catalogue: pd.DataFrame) -> NDArray[np.str_]:
    """Split of each host, 70/10/20 by HEALPix cell, or by galaxy where there are no sky positions.

    Parameters
    ----------
    catalogue : DataFrame
        With `healpix` (null without positions) and `host_id`.

    Returns
    -------
    ndarray of str, shape (n,)
    """
    cells = catalogue["healpix"].isna()
    ids = text_ids(catalogue["host_id"].tolist())
    ids = np.where(cells, ids, catalogue["healpix"].fillna(0).to_numpy(np.int64))
    return _sides(uniform(_SPLIT_SEED, "split", ids))


def split_of_sources(origins: Sequence[str]) -> NDArray[np.str_]:
    """Split of each source image, by the galaxy that it shows: its pixels may differ in their last bits between processors."""
    return _sides(uniform(_SPLIT_SEED, "source_split", text_ids(origins)))


def split_of_few(names: Sequence[str], stream: str) -> NDArray[np.str_]:
    """Split of each of a few things, each of which serves one alone, by the order of hashes of their names.

    Every split has one, as far as there are so many: train first, then test. `stream` is what they are.
    """
    count = len(names)
    order = np.argsort(uniform(_SPLIT_SEED, stream, text_ids(names)), kind="stable")
    val = max(1, round(_SHARES["val"] * count)) if count > 2 else 0
    test = max(1, round(_SHARES["test"] * count)) if count > 1 else 0
    sides = np.full(count, "train", dtype="<U5")
    sides[order[:val]] = "val"
    sides[order[val : val + test]] = "test"
    return sides


def overlapping(radius_arcsec: float) -> str:
    """Why galaxies are left out that lie within a radius of one of another split."""
    return f"a galaxy of another split within {radius_arcsec:.3g} arcsec"


def crossing_neighbours(
    ra: NDArray[np.float64], dec: NDArray[np.float64], split: NDArray[np.str_], radius_arcsec: float = OVERLAP_ARCSEC
) -> NDArray[np.bool_]:
    """Mark galaxies that lie near one of another split: their stamps share sky, whichever of the two is left out alone.

    Parameters
    ----------
    ra, dec : ndarray, shape (n,)
        Degrees; galaxies without a position have no neighbours.
    split : ndarray of str, shape (n,)
    radius_arcsec : float, optional
        On the sky.

    Returns
    -------
    ndarray of bool, shape (n,)
        Both sides of each such pair.
    """
    crossing = np.zeros(len(ra), dtype=bool)
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    if not len(known):
        return crossing
    longitude, latitude = np.radians(ra[known]), np.radians(dec[known])
    east, north = np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude)
    towards = np.stack([east, north, np.sin(latitude)], axis=1)
    # The chord of the angle; a hair more, so that a pair at the radius counts whatever the last bits are.
    reach = 2.0 * np.sin(np.radians(radius_arcsec / 3600.0) / 2.0) * (1.0 + 1e-9)
    pairs = cKDTree(towards).query_pairs(reach, output_type="ndarray")
    apart = pairs[split[known[pairs[:, 0]]] != split[known[pairs[:, 1]]]]
    crossing[known[apart.ravel()]] = True
    return crossing


def _sides(drawn: NDArray[np.float64]) -> NDArray[np.str_]:
    return np.where(drawn < _TRAIN, "train", np.where(drawn < _VAL, "val", "test")).astype(np.str_)
