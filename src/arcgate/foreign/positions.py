"""Galaxies that are known by where they lie on the sky, and by nothing else."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from arcgate.foreign.exact_names import Place
from arcgate.ground.counting import count_of
from arcgate.ground.errors import ArcgateError
from arcgate.ground.sphere import pairs_within, unit_vectors

# Two catalogue entries closer than this are one galaxy: half the width of the seeing, far above astrometric errors.
SAME_PLACE_ARCSEC = 0.5
_SEXAGESIMAL = re.compile(r"[+-]?\d+\s*[:hd\s]\s*\d+\s*[:m'\s]\s*[\d.]+\s*[s\"]?")


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
    # Equal positions first: without this, many rows of one galaxy would be as many pairs as the square of their number.
    distinct, row = np.unique(unit_vectors(ra_deg, dec_deg), axis=0, return_inverse=True)
    near = pairs_within(distinct, SAME_PLACE_ARCSEC)
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
            if _SEXAGESIMAL.fullmatch(str(values.iloc[row]).strip()):
                raise ArcgateError(
                    f"{values.name} is {values.iloc[row]!s}, which is sexagesimal",
                    where=f"{place(row)}, column {values.name}",
                    todo="give degrees (astropy.coordinates.SkyCoord reads such text, hours or degrees as you say)",
                )
            raise ArcgateError(
                f"{values.name} is {values.iloc[row]!s}, which is no angle on the sky in degrees, "
                f"in {count_of(int(wrong.sum()), 'row')}",
                where=f"{place(row)}, column {values.name}",
                todo="give degrees, or a column that names the galaxy of each row, such as galaxy_id",
            )
        out.append(numbers)
    return out[0], out[1]
