"""Galaxies that are known by where they lie on the sky, and by nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from arcgate.foreign.exact_names import Place
from arcgate.ground.errors import ArcgateError
from arcgate.ground.sphere import chord, on_sphere

# Two catalogue entries closer than this are one galaxy: half the width of the seeing, far above astrometric errors.
SAME_PLACE_ARCSEC = 0.5


def same_place(ra_deg: NDArray[np.float64], dec_deg: NDArray[np.float64]) -> NDArray[np.int64]:
    """Number of the galaxy of each row: rows within 0.5 arcsec on the sphere, or joined by such rows, share theirs.

    Parameters
    ----------
    ra_deg, dec_deg : ndarray, shape (n,)
        Degrees; right ascensions of any turn, so that 359.99999 and 0 are neighbours.

    Returns
    -------
    ndarray of int, shape (n,)
        From 0, in the order in which galaxies first occur.
    """
    sphere = on_sphere(ra_deg, dec_deg)
    # Equal positions first: without this, many rows of one galaxy would be as many pairs as the square of their number.
    distinct, row = np.unique(sphere, axis=0, return_inverse=True)
    near = cKDTree(distinct).query_pairs(chord(SAME_PLACE_ARCSEC), output_type="ndarray")
    graph = coo_array((np.ones(len(near)), (near[:, 0], near[:, 1])), shape=(len(distinct), len(distinct)))
    component = connected_components(graph, directed=False)[1][row.ravel()]
    return np.asarray(pd.factorize(component)[0], dtype=np.int64)


def sky_positions(ra: pd.Series, dec: pd.Series, place: Place) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Right ascension and declination in degrees, as numbers.

    Raises
    ------
    ArcgateError
        A value is no number, is missing, or lies outside the sphere.
    """
    out = []
    for values, low, high in ((ra, -360.0, 720.0), (dec, -90.0, 90.0)):
        numbers = pd.to_numeric(values, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = ~((numbers >= low) & (numbers <= high))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise ArcgateError(
                f"{values.name} is {values.iloc[row]!s}, which is no angle on the sky in degrees, in {int(wrong.sum())} rows",
                where=f"{place(row)}, column {values.name}",
                todo="give degrees, or a column that names the galaxy of each row, such as galaxy_id",
            )
        out.append(numbers)
    return out[0], out[1]
