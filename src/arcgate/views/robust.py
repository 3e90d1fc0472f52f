"""Median and scaled median absolute deviation per stamp and band, whole stamp or annulus.

Each row is reduced by itself from order statistics, so results do not depend on how rows are batched.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MAD_TO_SIGMA = 1.4826  # 1 / Phi^-1(3/4): MAD of a Gaussian to its standard deviation (Rousseeuw & Croux 1993, JASA 88, 1273)
_CHUNK = 64  # rows at a time: keeps the working arrays in cache


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
    n, bands = image.shape[:2]
    median = np.empty((n, bands), dtype=np.float32)
    mad = np.empty((n, bands), dtype=np.float32)
    for start in range(0, n, _CHUNK):
        rows = slice(start, start + _CHUNK)
        flat = image[rows].reshape(len(image[rows]), bands, -1)
        fill = None if used is None else _balanced_fill(used[rows].reshape(len(flat), -1))
        median[rows] = _median(flat, fill)
        mad[rows] = _median(np.abs(flat - median[rows][:, :, None]), fill)
    return median, mad * np.float32(MAD_TO_SIGMA)


def median(image: Floats, used: NDArray[np.bool_]) -> Floats:
    """Median over the used pixels, shape (n, bands) (see `median_and_mad`)."""
    n, bands = image.shape[:2]
    out = np.empty((n, bands), dtype=np.float32)
    for start in range(0, n, _CHUNK):
        rows = slice(start, start + _CHUNK)
        flat = image[rows].reshape(len(image[rows]), bands, -1)
        out[rows] = _median(flat, _balanced_fill(used[rows].reshape(len(flat), -1)))
    return out


def _balanced_fill(used: NDArray[np.bool_]) -> Floats:
    """-inf and +inf in turn over the unused pixels, 0 over the used ones; shape (n, pixels).

    As many values sink as rise, so the median of the used pixels stays in the middle of the whole row and one
    partition serves every row, however many pixels it uses. Of an odd number of unused pixels one more sinks in an even row,
    whose middle is the upper of two, and one more rises in an odd row.
    """
    turn = np.cumsum(~used, axis=1, dtype=np.int32) % 2
    first = 1 - used.shape[1] % 2
    fill = np.where(turn == first, np.float32(-np.inf), np.float32(np.inf))
    fill[used] = 0.0
    return fill


def _median(flat: Floats, fill: Floats | None) -> Floats:
    """Median of each row and band of `flat` (n, bands, pixels)."""
    n, bands, pixels = flat.shape
    middle = pixels // 2
    odd = np.full(n, pixels % 2 == 1)
    if fill is not None:
        flat = np.where((fill == 0)[:, None, :], flat, fill[:, None, :])
        odd = np.count_nonzero(fill == 0, axis=1) % 2 == 1
    ordered = np.partition(flat.reshape(n * bands, pixels), middle, axis=1).reshape(n, bands, pixels)
    upper = ordered[:, :, middle]
    lower = np.where(odd[:, None], upper, ordered[:, :, :middle].max(axis=2))
    return np.asarray((lower.astype(np.float64) + upper) / 2, dtype=np.float32)
