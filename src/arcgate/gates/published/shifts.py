"""Three measures of how far an image is shifted: whole pixels, the galaxy's centroid, and gradients of a pair."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from arcgate.lensing.centroids import windowed_step

Array = NDArray[np.float64]
Images = NDArray[np.floating[Any]]

# Window of the centroid, about the width of a galaxy's core in ground-based seeing, and how far pixels are looked at: 2.5 and 10
# pixels of 0.262 arcsec.
_WINDOW_SIGMA_ARCSEC: Final = 2.5 * 0.262
_WINDOW_REACH_ARCSEC: Final = 10.0 * 0.262
_STEPS: Final = 12
# A centroid that has left the galaxy it began at has found another one.
_FARTHEST_ARCSEC: Final = 4.0 * 0.262
# The gradients of a pair are compared where the galaxy is.
_GRADIENT_REACH_ARCSEC: Final = 10.0 * 0.262


def phase_correlation(image: Images, reference: Images) -> Array:
    """Shift of each image against its reference in whole pixels, as published.

    Parameters
    ----------
    image, reference : ndarray, shape (n, y, x)

    Returns
    -------
    ndarray, shape (n, 2)
        (x, y) of the highest value of the inverse transform of the normalised cross-power spectrum (Kuglin & Hines 1975). Finer
        shifts than half a pixel round to 0.
    """
    height, width = image.shape[1:]
    product = fft.rfft2(image) * np.conj(fft.rfft2(reference))
    size = np.abs(product)
    correlation = fft.irfft2(np.divide(product, size, out=np.zeros_like(product), where=size > 0), s=(height, width))
    row, column = np.divmod(correlation.reshape(len(image), height * width).argmax(axis=1), width)
    peak = np.stack([column, row], axis=1).astype(np.float64)
    half = np.array([width, height]) / 2
    wrapped: Array = np.where(peak >= half, peak - 2 * half, peak)
    return wrapped


def centroid(image: Images, x_pix: Array, y_pix: Array, pixel_scale_arcsec: float) -> Array:
    """Where the galaxy's light is centred, relative to a recorded centre.

    Parameters
    ----------
    image : ndarray, shape (n, y, x)
    x_pix, y_pix : ndarray, shape (n,)
        Recorded centres, pixels.
    pixel_scale_arcsec : float
        Side of a pixel.

    Returns
    -------
    ndarray, shape (n, 2)
        Offset (x, y) in pixels of the windowed centroid of SExtractor (XWIN_IMAGE): the fixed point of
        x + 2 sum(w I dx) / sum(w I) under a Gaussian window that moves with it. NaN where the light under the window is not
        positive or the centroid wanders off.
    """
    sigma, farthest = (length / pixel_scale_arcsec for length in (_WINDOW_SIGMA_ARCSEC, _FARTHEST_ARCSEC))
    # A small stamp is looked at as far as it reaches.
    reach = min(math.ceil(_WINDOW_REACH_ARCSEC / pixel_scale_arcsec), (image.shape[-1] - 1) // 2)
    corner_x, corner_y = (_corner(centre, reach, image.shape[-1]) for centre in (x_pix, y_pix))
    pixel = np.arange(2 * reach + 1)
    rows = np.arange(len(image))[:, None, None]
    light = image[rows, (corner_y[:, None] + pixel)[:, :, None], (corner_x[:, None] + pixel)[:, None, :]].astype(np.float64)
    dx, dy = (corner[:, None] + pixel - centre[:, None] for corner, centre in ((corner_x, x_pix), (corner_y, y_pix)))
    found = np.zeros((len(image), 2))
    with np.errstate(all="ignore"):
        for _ in range(_STEPS):
            step_x, step_y, total = windowed_step(light, dx - found[:, :1], dy - found[:, 1:], sigma)
            found = found + np.where(total > 0, [step_x, step_y], np.nan).T
            found[~(np.abs(found) < farthest).all(axis=1)] = np.nan
    return found


def _corner(centre: Array, reach_pix: int, size_pix: int) -> NDArray[np.int64]:
    """First pixel of the cut about a centre; the cut stays inside the stamp."""
    nearest = np.where(np.isfinite(centre), np.round(centre), size_pix // 2).astype(np.int64)
    return np.clip(nearest - reach_pix, 0, size_pix - 2 * reach_pix - 1)


def gradient_shift(image: Images, reference: Images, x_pix: Array, y_pix: Array, pixel_scale_arcsec: float) -> Array:
    """Shift of each image against its reference by least squares on the gradients of the two (Lucas & Kanade 1981).

    Parameters
    ----------
    image, reference : ndarray, shape (n, y, x)
        The same galaxy twice.
    x_pix, y_pix : ndarray, shape (n,)
        Its centre; pixels within 2.62 arcsec count.
    pixel_scale_arcsec : float
        Side of a pixel.

    Returns
    -------
    ndarray, shape (n, 2)
        (x, y) in pixels, right to first order in the shift; NaN where the reference has no gradients. Light that is in only one
        of the two adds scatter, and no offset of the mean if it lies about the centre in all directions alike.
    """
    reach, size = _GRADIENT_REACH_ARCSEC / pixel_scale_arcsec, image.shape[-1]
    # Gradients reach two pixels further.
    rows, columns = (_about(centre, int(reach) + 3, size) for centre in (y_pix, x_pix))
    dx, dy = (np.arange(cut.start, cut.stop) - centre[:, None] for cut, centre in ((columns, x_pix), (rows, y_pix)))
    near = np.hypot(dx[:, None, :], dy[:, :, None]) < reach
    one, other = (part[:, rows, columns].astype(np.float64) for part in (image, reference))
    middle = 0.5 * (one + other)
    slope_y, slope_x = (_slope(middle, axis) * near for axis in (1, 2))
    difference = one - other
    xx, xy, yy = (np.einsum("nij,nij->n", *pair) for pair in ((slope_x, slope_x), (slope_x, slope_y), (slope_y, slope_y)))
    bx, by = (-np.einsum("nij,nij->n", slope, difference) for slope in (slope_x, slope_y))
    determinant = xx * yy - xy**2
    determinant = np.where(determinant > 0, determinant, np.nan)
    return np.stack([(yy * bx - xy * by) / determinant, (xx * by - xy * bx) / determinant], axis=1)


def _about(centre: Array, reach_pix: int, size_pix: int) -> slice:
    """Pixels within reach of any of the centres."""
    known = centre[np.isfinite(centre)]
    if not len(known):
        return slice(0, size_pix)
    return slice(max(int(known.min()) - reach_pix, 0), min(int(known.max()) + reach_pix + 2, size_pix))


def _slope(image: Array, axis: int) -> Array:
    """Derivative by central differences of fourth order: those of second order are 5 % flat for a seeing of 5 pixels."""
    ahead, behind = ({step: np.roll(image, sign * step, axis) for step in (1, 2)} for sign in (-1, 1))
    slope: Array = (8.0 * (ahead[1] - behind[1]) - (ahead[2] - behind[2])) / 12.0
    return slope


def shifted(image: Images, dx_pix: float) -> Images:
    """Images moved by a part of a pixel towards larger x, by the Fourier shift theorem; their borders wrap."""
    phase = np.exp(-2j * np.pi * fft.rfftfreq(image.shape[2]) * dx_pix)
    if image.shape[2] % 2 == 0:
        # The highest frequency of an even number of pixels is its own conjugate: only a real factor leaves the image real.
        phase[-1] = np.cos(np.pi * dx_pix)
    moved: Images = fft.irfft(fft.rfft(image, axis=2) * phase, n=image.shape[2], axis=2)
    return moved
