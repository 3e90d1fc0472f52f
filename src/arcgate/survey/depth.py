"""From the sky's noise to a survey's depth and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arcgate.imaging import ZERO_POINT
from arcgate.lensing.psf import FWHM_PER_SIGMA

Array = NDArray[np.float64]

SIGNIFICANCE = 5.0


def noise_equivalent_pixels(psfsize_arcsec: Array | float, pixel_scale_arcsec: float) -> Array:
    """Noise-equivalent area of a PSF, 1 / sum P^2 = 4 pi (psfsize / 2.3548 / pixel scale)^2, pixels."""
    return 4.0 * np.pi * (np.asarray(psfsize_arcsec, dtype=np.float64) / FWHM_PER_SIGMA / pixel_scale_arcsec) ** 2


def depth_from_sky(sky_sigma: Array | float, psfsize_arcsec: Array | float, pixel_scale_arcsec: float) -> Array:
    """5-sigma point-source depth of white noise of standard deviation `sky_sigma`.

    Parameters
    ----------
    sky_sigma : float or ndarray
        Nanomaggies per pixel.
    psfsize_arcsec : float or ndarray
        FWHM of the Gaussian with the PSF's noise-equivalent area.
    pixel_scale_arcsec : float
        Pixel size.

    Returns
    -------
    ndarray
        AB magnitude. The noise's correlation between pixels is ignored, as in the Legacy Surveys' `psfdepth`.
    """
    faintest = SIGNIFICANCE * np.asarray(sky_sigma) * np.sqrt(noise_equivalent_pixels(psfsize_arcsec, pixel_scale_arcsec))
    return np.asarray(ZERO_POINT - 2.5 * np.log10(faintest))


def sky_from_depth(depth_mag: Array | float, psfsize_arcsec: Array | float, pixel_scale_arcsec: float) -> Array:
    """Compute the standard deviation of the sky, nanomaggies per pixel: the inverse of `depth_from_sky`."""
    faintest = 10.0 ** (0.4 * (ZERO_POINT - np.asarray(depth_mag)))
    return np.asarray(faintest / SIGNIFICANCE / np.sqrt(noise_equivalent_pixels(psfsize_arcsec, pixel_scale_arcsec)))
