"""One galaxy in the southern and in the northern survey: other pixels of the same sky, of which one row stays.

The rule, which is that of DESI's targets (`desitarget.targets.resolve`): the southern row stays south of declination 32.375
degrees, and in the southern Galactic cap; elsewhere the northern one does. A galaxy that one survey alone lists stays anywhere.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from arcgate.ground.sphere import chord_of, unit_vectors

Array = NDArray[np.float64]

BORDER_DEC_DEG: Final = 32.375
RULE: Final = f"south of Dec {BORDER_DEC_DEG:g} and in the southern Galactic cap the southern row stays, elsewhere the northern"
# North Galactic pole, ICRS, degrees (Hipparcos catalogue, ESA SP-1200, section 1.5.3).
_POLE_RA_DEG: Final = 192.85948
_POLE_DEC_DEG: Final = 27.12825


def southern_stays(ra_deg: Array, dec_deg: Array) -> NDArray[np.bool_]:
    """Whether the southern survey's row is the one that stays at each position (degrees)."""
    pole = unit_vectors(np.array([_POLE_RA_DEG]), np.array([_POLE_DEC_DEG]))[0]
    return np.asarray((dec_deg < BORDER_DEC_DEG) | (unit_vectors(ra_deg, dec_deg) @ pole < 0.0))


def twins(
    south: tuple[Array, Array], north: tuple[Array, Array], radius_arcsec: float
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows of each survey go, because the other one's row of the same galaxy stays.

    Parameters
    ----------
    south, north : (ndarray, ndarray)
        Right ascensions and declinations, degrees.
    radius_arcsec : float
        How far apart one galaxy may lie in the two.

    Returns
    -------
    ndarray of bool, ndarray of bool
        Of the southern and of the northern rows.
    """
    gone_south, gone_north = np.zeros(len(south[0]), dtype=bool), np.zeros(len(north[0]), dtype=bool)
    if not len(gone_south) or not len(gone_north):
        return gone_south, gone_north
    near = cKDTree(unit_vectors(*south)).query_ball_tree(cKDTree(unit_vectors(*north)), chord_of(radius_arcsec))
    one = np.repeat(np.arange(len(near)), [len(others) for others in near])
    other = np.fromiter((number for others in near for number in others), dtype=np.int64, count=len(one))
    stays = southern_stays(south[0][one], south[1][one])
    gone_north[other[stays]] = True
    gone_south[one[~stays]] = True
    return gone_south, gone_north
