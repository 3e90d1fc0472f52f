"""Whether two stamps hold the noise of the same exposures, however they are flipped, turned and moved. Pure.

Two galaxies may look alike within their noise; that their noise is alike does not happen. It survives resampling, and cutouts of
overlapping coadds share it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from arcgate.views.robust import radii_pix

Fields = NDArray[np.floating[Any]]
Steps = NDArray[np.int8]

# Where the galaxy itself is looked through, in shares of half the stamp.
_GALAXY: Final = 12 / 32
# A mean over 5 x 5 pixels that is brighter than this, in units of a pixel's noise, is a neighbour: 3 standard deviations.
_NEIGHBOUR: Final = 0.6
_NEAR_PIX, _LOCAL_PIX = 5, 13
# Noise is kept in steps of 0.04 standard deviations, and up to 4 of them.
_STEP: Final = 0.04
_CLIP: Final = 100
# Shifts between two cutouts that are tried.
_REACH_PIX: Final = 6


def noise_fields(image: Fields, sky: Fields) -> Steps:
    """Noise of stamps away from galaxies, zero where there is light.

    Parameters
    ----------
    image : ndarray, shape (n, y, x)
        One band.
    sky : ndarray, shape (n,)
        Standard deviation of its noise, in the unit of the image.

    Returns
    -------
    ndarray of int8, shape (n, y, x)
        Pixels less the mean of the 13 x 13 around them, so that no halo of a galaxy is left, in steps of 0.04 standard
        deviations.
    """
    size = image.shape[-1]
    middle = np.full(1, (size - 1) / 2.0)
    outside = radii_pix(middle, middle, size)[0] >= _GALAXY * size / 2
    pixels = np.asarray(image) / np.asarray(sky)[:, None, None]
    pixels = pixels - np.median(pixels[:, outside], axis=1)[:, None, None]
    lit = ~outside | (uniform_filter(pixels, (0, _NEAR_PIX, _NEAR_PIX)) > _NEIGHBOUR)
    # Two pixels around light are left out as well: a binary dilation, which takes four times as long.
    dark = (uniform_filter(lit.astype(np.float32), (0, _NEAR_PIX, _NEAR_PIX)) < 0.5 / _NEAR_PIX**2).astype(pixels.dtype)
    window = (0, _LOCAL_PIX, _LOCAL_PIX)
    local = uniform_filter(pixels * dark, window) / np.maximum(uniform_filter(dark, window), 1.0 / _LOCAL_PIX**2)
    steps: Steps = (np.clip((pixels - local) / _STEP, -_CLIP, _CLIP) * dark).astype(np.int8)
    return steps


def shared_noise(one: Steps, other: Steps) -> float:
    """How far the noise of two stamps is correlated, in standard deviations.

    Parameters
    ----------
    one, other : ndarray of int8, shape (y, x)
        As `noise_fields` makes them.

    Returns
    -------
    float
        The largest correlation over flips, quarter turns and shifts of up to 6 pixels, times the root of the number of pixels,
        over the scatter of all of these: 3 to 5 where nothing is shared; 0 where neighbours leave nothing to compare.
    """
    first = np.stack([np.rot90(view, turns) for view in (one, one[:, ::-1]) for turns in range(4)]).astype(np.float32)
    second = np.asarray(other, dtype=np.float32)
    dark, seen = (first != 0).astype(np.float32), (second != 0).astype(np.float32)
    variance = _correlated(np.square(first), seen) * _correlated(dark, np.square(second))
    count = _correlated(dark, seen)
    value = _correlated(first, second) * np.sqrt(np.maximum(count, 0.0) / np.maximum(variance, 1.0))
    # The noise of coadds is correlated between pixels, which widens all of these alike.
    return float(value.max() / max(1.0, 1.4826 * float(np.median(np.abs(value)))))


def _correlated(first: Fields, second: Fields) -> Fields:
    """Sum of the products at every shift within reach, (8, 13, 13); what leaves on one side enters on the other."""
    product = np.fft.irfft2(np.fft.rfft2(first) * np.conj(np.fft.rfft2(second)), first.shape[-2:])
    near = np.r_[0 : _REACH_PIX + 1, -_REACH_PIX:0]
    shifts: Fields = product[:, near[:, None], near]
    return shifts
