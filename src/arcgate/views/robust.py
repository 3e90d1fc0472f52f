"""Median and scaled median absolute deviation per stamp and band, whole stamp or annulus.

Each row is reduced by itself from order statistics, so results do not depend on how rows are batched.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.read_only import read_only_view
from arcgate.views.compiled_robust import medians, outside

Floats = NDArray[np.float32]

MAD_TO_SIGMA = 1.4826  # 1 / Phi^-1(3/4): MAD of a Gaussian to its standard deviation (Rousseeuw & Croux 1993, JASA 88, 1273)


def radii_pix(x_pix: NDArray[np.float64], y_pix: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Distance of every pixel from a centre, pixels.

    Parameters
    ----------
    x_pix, y_pix : ndarray, shape (n,)
        Centres, 0-based.
    size : int
        Side of the stamp.

    Returns
    -------
    ndarray, shape (n, size, size)
        Axis order (row, y, x).
    """
    grid = np.arange(size, dtype=np.float64)
    dx = grid[None, None, :] - np.asarray(x_pix, dtype=np.float64)[:, None, None]
    dy = grid[None, :, None] - np.asarray(y_pix, dtype=np.float64)[:, None, None]
    return np.sqrt(dx**2 + dy**2)


def beyond(x_pix: NDArray[np.float64], y_pix: NDArray[np.float64], size: int, radius_pix: float) -> NDArray[np.bool_]:
    """Whether `radii_pix` is at least a radius, shape (n, size, size)."""
    x, y = (read_only_view(np.ascontiguousarray(place, dtype=np.float64)) for place in (x_pix, y_pix))
    found: NDArray[np.bool_] = outside(x, y, size, float(radius_pix))
    return found


def median_and_mad(image: Floats, used: NDArray[np.bool_] | None) -> tuple[Floats, Floats]:
    """Median and 1.4826 times the median absolute deviation.

    Parameters
    ----------
    image : ndarray of float32, shape (n, bands, size, size)
        Finite pixels.
    used : ndarray of bool, shape (n, size, size), or None
        Pixels that count, at least one a row; None takes all.

    Returns
    -------
    median, scale : ndarray of float32, shape (n, bands)
        In the unit of the image.
    """
    middle, deviation = medians(*_flat(image, used), True)
    return middle, deviation * np.float32(MAD_TO_SIGMA)


def median(image: Floats, used: NDArray[np.bool_]) -> Floats:
    """Median over the used pixels, shape (n, bands) (see `median_and_mad`)."""
    found: Floats = medians(*_flat(image, used), False)[0]
    return found


def _flat(image: Floats, used: NDArray[np.bool_] | None) -> tuple[Floats, NDArray[np.bool_]]:
    """Pixels along one axis: (n, bands, pixels), and (n, pixels) or (1, pixels)."""
    n, bands, pixels = len(image), image.shape[1], image.shape[2] * image.shape[3]
    whole = np.ones((1, pixels), dtype=np.bool_) if used is None else np.ascontiguousarray(used).reshape(n, pixels)
    return read_only_view(np.ascontiguousarray(image, dtype=np.float32).reshape(n, bands, pixels)), read_only_view(whole)
