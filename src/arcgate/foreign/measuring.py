"""What stamps of other makers do not carry is measured on their pixels: centre and noise of the sky."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.dataset.schema import BANDS, STAMP_SIZE

Array = NDArray[np.float64]

CENTRE_BAND = "r"
MIDDLE = (STAMP_SIZE - 1) / 2.0
ANNULUS_PIX = 20.0
_MAD_TO_SIGMA = 1.4826
_WINDOW_SIGMA_PIX = 2.0
_BOX_PIX = 10
_STEPS = 20
_CHUNK = 64  # stamps at a time: keeps the working arrays in cache
# A centre that ends farther from the middle than this has run into a neighbour or an arc.
MAX_OFFSET_PIX = 5.0


def sky_sigma(image: Pixels) -> Array:
    """Standard deviation of the sky: 1.4826 times the median absolute deviation at r >= 20 px from the stamp's middle.

    A stamp whose annulus is constant gets the median of the other stamps in that band, and 1 if all are: it is only
    the unit in which the sizes of leaks are stated.

    Returns
    -------
    ndarray, shape (n, 3)
        Unit of the image.
    """
    pixel = np.arange(STAMP_SIZE) - MIDDLE
    outer = np.hypot(pixel[:, None], pixel[None, :]) >= ANNULUS_PIX
    sigma: Array = np.empty(image.shape[:2])
    for begin in range(0, len(image), _CHUNK):
        values = image[begin : begin + _CHUNK, :, outer]
        deviation = np.abs(values - np.median(values, axis=2, keepdims=True))
        sigma[begin : begin + _CHUNK] = _MAD_TO_SIGMA * np.median(deviation, axis=2)
    for band in range(len(BANDS)):
        constant = sigma[:, band] <= 0.0
        if constant.any():
            sigma[constant, band] = 1.0 if constant.all() else np.median(sigma[~constant, band])
    return sigma


def centres(image: Pixels) -> tuple[Array, Array]:
    """Centre of the galaxy: an iterated Gaussian-weighted centroid in the r band, from the stamp's middle.

    The window's standard deviation is 2 px; each step is twice the weighted offset (Bernstein & Jarvis 2002). Stamps in
    which it finds no light, or leaves the middle by more than `MAX_OFFSET_PIX`, get the middle, 31.5.

    Returns
    -------
    x, y : ndarray, shape (n,)
        Pixels, 0-based.
    """
    low, high = int(MIDDLE) - _BOX_PIX, int(MIDDLE) + _BOX_PIX + 2
    box = image[:, BANDS.index(CENTRE_BAND), low:high, low:high].astype(np.float64)
    light = box - np.median(image[:, BANDS.index(CENTRE_BAND)].reshape(len(image), -1), axis=1)[:, None, None]
    pixel = np.arange(low, high, dtype=np.float64)
    x, y = np.full(len(image), MIDDLE), np.full(len(image), MIDDLE)
    lost = np.zeros(len(image), dtype=bool)
    for _ in range(_STEPS):
        along_x = np.exp(-0.5 * ((pixel - x[:, None]) / _WINDOW_SIGMA_PIX) ** 2)
        along_y = np.exp(-0.5 * ((pixel - y[:, None]) / _WINDOW_SIGMA_PIX) ** 2)
        columns = np.einsum("nij,ni->nj", light, along_y) * along_x
        rows = np.einsum("nij,nj->ni", light, along_x) * along_y
        total = columns.sum(axis=1)
        lost |= total <= 0.0
        total[lost] = 1.0
        step_x = 2.0 * (columns * (pixel - x[:, None])).sum(axis=1) / total
        step_y = 2.0 * (rows * (pixel - y[:, None])).sum(axis=1) / total
        lost |= np.hypot(x + step_x - MIDDLE, y + step_y - MIDDLE) > MAX_OFFSET_PIX
        x, y = np.where(lost, MIDDLE, x + step_x), np.where(lost, MIDDLE, y + step_y)
    return x, y
