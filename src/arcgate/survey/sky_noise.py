"""The noise of a stamp's sky by other ways than its pixels: as the survey states it, and in empty apertures.

Coadds are resampled, which makes neighbouring pixels alike: pixels then scatter less than the inverse variance says, and sums
over an aperture more than the pixels promise.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from arcgate.survey.measure import robust

# 1.3 arcsec at the Legacy Surveys' scale: about as wide as what is faint in a stamp.
APERTURE_PIX: Final = 5
_FEWEST: Final = 8


def stated_sigma(ivar: NDArray[np.floating[Any]], free: NDArray[np.bool_]) -> float:
    """Standard deviation that the survey states for these pixels: that of the (upper) median inverse variance."""
    # Single precision, as surveys state it; ordering it is quicker than numpy's own median.
    ordered = np.sort(ivar[free])
    middle = float(ordered[len(ordered) // 2])
    return float("nan") if middle <= 0.0 else middle**-0.5


def with_apertures(image: NDArray[np.float64], free: NDArray[np.bool_]) -> float:
    """Standard deviation of a pixel from sums over empty square apertures: that of a sum, over its side in pixels.

    Parameters
    ----------
    image : ndarray, shape (height, width)
    free : ndarray of bool, shape (height, width)
        Pixels of the sky: an aperture is empty where all of its pixels are.

    Returns
    -------
    float
        NaN with fewer than 8 empty apertures. White noise gives that of its pixels.
    """
    side = APERTURE_PIX
    rows, columns = (length // side for length in image.shape)
    blocks = (rows, side, columns, side)
    inside = np.s_[: rows * side, : columns * side]
    # One axis after the other, as a sum would go on its own, in half the time.
    empty = np.all(np.all(free[inside].reshape(blocks), axis=1), axis=2)
    if np.count_nonzero(empty) < _FEWEST:
        return float("nan")
    sums = image[inside].reshape(blocks).sum(axis=3).sum(axis=1)
    return robust(sums[empty])[1] / side
