"""What stamps of other makers do not carry is measured on their pixels: centre and noise of the sky."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.digests import Pixels
from arcgate.imaging import Imaging
from arcgate.lensing.centroids import windowed_step

Array = NDArray[np.float64]

# Inner radius of the annulus in units of half the stamp: 20 px of 64.
ANNULUS = 20 / 32
_MAD_TO_SIGMA = 1.4826
_WINDOW_SIGMA_PIX = 2.0
_BOX_PIX = 10
_STEPS = 20
_CHUNK = 64  # stamps at a time: keeps the working arrays in cache
# A centre that ends farther from the middle than this has run into a neighbour or an arc.
MAX_OFFSET_PIX = 5.0


def sky_sigma(image: Pixels) -> Array:
    """Standard deviation of the sky: 1.4826 times the median absolute deviation in the annulus around the stamp's middle.

    A stamp whose annulus is constant gets the median of the other stamps in that band, and 1 if all are: it is only
    the unit in which the sizes of leaks are stated.

    Returns
    -------
    ndarray, shape (n, band)
        Unit of the image.
    """
    outer = annulus(image.shape[-1])
    sigma: Array = np.empty(image.shape[:2])
    for begin in range(0, len(image), _CHUNK):
        values = image[begin : begin + _CHUNK, :, outer]
        deviation = np.abs(values - np.median(values, axis=2, keepdims=True))
        sigma[begin : begin + _CHUNK] = _MAD_TO_SIGMA * np.median(deviation, axis=2)
    for band in range(image.shape[1]):
        constant = sigma[:, band] <= 0.0
        if constant.any():
            sigma[constant, band] = 1.0 if constant.all() else np.median(sigma[~constant, band])
    return sigma


def annulus(size_pix: int) -> NDArray[np.bool_]:
    """Pixels of a stamp that lie in the annulus around its middle, (y, x)."""
    pixel = np.arange(size_pix) - (size_pix - 1) / 2.0
    outer: NDArray[np.bool_] = np.hypot(pixel[:, None], pixel[None, :]) >= ANNULUS * size_pix / 2
    return outer


def centres(image: Pixels, imaging: Imaging) -> tuple[Array, Array]:
    """Centre of the galaxy: an iterated Gaussian-weighted centroid in the reference band, from the stamp's middle.

    The window's standard deviation is 2 px; each step is twice the weighted offset (Bernstein & Jarvis 2002). Stamps in
    which it finds no light, or leaves the middle by more than `MAX_OFFSET_PIX`, get the middle.

    Returns
    -------
    x, y : ndarray, shape (n,)
        Pixels, 0-based.
    """
    middle, band = imaging.middle_pix, imaging.bands.index(imaging.reference_band)
    # An odd stamp has as many pixels on either side of the one in its middle.
    low, high = max(int(middle) - _BOX_PIX, 0), min(int(np.ceil(middle)) + _BOX_PIX + 1, imaging.size_pix)
    box = image[:, band, low:high, low:high].astype(np.float64)
    light = box - np.median(image[:, band].reshape(len(image), -1), axis=1)[:, None, None]
    pixel = np.arange(low, high, dtype=np.float64)
    x, y = np.full(len(image), middle), np.full(len(image), middle)
    lost = np.zeros(len(image), dtype=bool)
    for _ in range(_STEPS):
        step_x, step_y, total = windowed_step(light, pixel - x[:, None], pixel - y[:, None], _WINDOW_SIGMA_PIX)
        lost |= total <= 0.0
        step_x, step_y = (np.where(lost, 0.0, step) for step in (step_x, step_y))
        lost |= np.hypot(x + step_x - middle, y + step_y - middle) > MAX_OFFSET_PIX
        x, y = np.where(lost, middle, x + step_x), np.where(lost, middle, y + step_y)
    return x, y
