"""Pixels that hold no measurement: not finite, far below the sky, or a value that too many of them share. Pure."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

# A value is a filling, not a measurement, if so many pixels of a stamp share it, and so many times more than the values next to
# it: in stamps of whole counts neighbouring values are about as common.
SHARED_PIXELS: Final = 32
_TIMES: Final = 3.0
# Nothing in the sky is so much darker than the sky, in its standard deviations: -99, -999, -9999 in single pixels.
_DARK: Final = 50.0


def missing_pixels(image: Pixels) -> Mask:
    """Mark pixels that hold no measurement.

    Parameters
    ----------
    image : ndarray, shape (height, width)
        One band of a stamp, in any unit.

    Returns
    -------
    ndarray of bool, shape (height, width)
    """
    missing = ~np.isfinite(image)
    for value in shared_values(image[~missing]):
        missing |= image == value
    kept = image[~missing]
    if kept.size:
        level = np.median(kept)
        # With more than half of the pixels at one level there is no spread to measure by.
        spread = 1.4826 * np.median(np.abs(kept - level))
        if spread > 0.0:
            missing |= image < level - _DARK * spread
    return missing


def shared_values(values: Pixels) -> Pixels:
    """Values that `SHARED_PIXELS` or more pixels share, three times as many as share the next lower or higher value."""
    found, counts = np.unique(values, return_counts=True)
    padded = np.concatenate([[0], counts, [0]])
    beside = np.maximum(padded[:-2], padded[2:])
    common: Pixels = found[(counts >= SHARED_PIXELS) & (counts > _TIMES * beside)]
    return common


def without_shared(stamps: Pixels) -> tuple[Pixels, Mask]:
    """Replace values that many pixels of a stamp share by the median of the others.

    Parameters
    ----------
    stamps : ndarray, shape (n, band, height, width)

    Returns
    -------
    ndarray, shape (n, band, height, width)
        The same array if there is no such value.
    ndarray of bool, shape (n, band, height, width)
        What was replaced.
    """
    mask = np.zeros(stamps.shape, dtype=bool)
    # A filling covers an area: only where many neighbours are equal is it worth to sort the pixels.
    equal = (stamps[..., 1:] == stamps[..., :-1]).sum(axis=(2, 3))
    rows = np.argwhere(equal >= SHARED_PIXELS // 2)
    for row, band in rows:
        for value in shared_values(stamps[row, band]):
            mask[row, band] |= stamps[row, band] == value
    if not mask.any():
        return stamps, mask
    filled = stamps.copy()
    for row, band in np.argwhere(mask.any(axis=(2, 3))):
        here = mask[row, band]
        filled[row, band][here] = np.median(stamps[row, band][~here]) if not here.all() else 0.0
    return filled, mask
