"""Whether two stamps hold the noise of the same exposures, however they are flipped, turned and moved. Pure.

Two galaxies may look alike within their noise; that their noise is alike does not happen. It survives resampling, and cutouts of
overlapping coadds share it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import ifft, irfft, rfft2

from arcgate.gates.features.compiled_noise import noise_steps
from arcgate.views.robust import beyond, median

Fields = NDArray[np.floating[Any]]
Spectra = NDArray[np.complex64]
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
    n, size = len(image), image.shape[-1]
    middle = np.full(1, (size - 1) / 2.0)
    outside = beyond(middle, middle, size, _GALAXY * size / 2)
    pixels = np.asarray(image / np.asarray(sky)[:, None, None], dtype=np.float32)
    pixels -= median(pixels[:, None], np.broadcast_to(outside, (n, size, size)))[:, :, None]
    windows = np.array([_NEAR_PIX, _LOCAL_PIX])
    steps: Steps = noise_steps(pixels, outside[0], windows, _NEIGHBOUR, _STEP, float(_CLIP))
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
    # Noise, its square and where it is known, of all views of one stamp and of the other.
    noise, square, dark = rfft2(np.stack([first, np.square(first), (first != 0).astype(np.float32)]))
    seen = np.conj(rfft2(np.stack([second, np.square(second), (second != 0).astype(np.float32)])))
    products = _near(np.stack([noise * seen[0], square * seen[2], dark * seen[1], dark * seen[2]]), first.shape[-1])
    value, squares, others, count = products
    value *= np.sqrt(np.maximum(count, 0.0) / np.maximum(squares * others, 1.0))
    # The noise of coadds is correlated between pixels, which widens all of these alike.
    return float(value.max() / max(1.0, 1.4826 * float(np.median(np.abs(value)))))


def _near(spectra: Spectra, size: int) -> Fields:
    """Sums of products at every shift within reach, (..., 13, 13), from their spectra.

    What leaves on one side enters on the other. The inverse transform along one axis is of the shifts along the other that are
    within reach.
    """
    near = np.r_[0 : _REACH_PIX + 1, -_REACH_PIX:0]
    along: Fields = irfft(ifft(spectra, axis=-2)[..., near, :], size, axis=-1)[..., near]
    return along
