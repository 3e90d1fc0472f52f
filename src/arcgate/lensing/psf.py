"""Point-spread functions and the survey's `psfsize`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FWHM_PER_SIGMA = float(2.0 * np.sqrt(2.0 * np.log(2.0)))


@dataclass(frozen=True)
class Psf:
    """A circular PSF.

    Attributes
    ----------
    profile : {'gaussian', 'moffat'}
        Shape.
    fwhm_arcsec : float
        Full width at half maximum.
    beta : float or None
        Moffat exponent; None for a Gaussian.
    includes_pixel : bool
        Whether the profile is the effective PSF, pixel included. Any width derived from `psfsize` does.
    """

    profile: Literal["gaussian", "moffat"]
    fwhm_arcsec: float
    beta: float | None = None
    includes_pixel: bool = True

    def __post_init__(self) -> None:
        if not (np.isfinite(self.fwhm_arcsec) and self.fwhm_arcsec > 0):
            raise ValueError(f"the FWHM of a PSF must be positive and finite, got {self.fwhm_arcsec}")
        if self.profile == "moffat" and (self.beta is None or not self.beta > 1.0):
            raise ValueError(f"a Moffat PSF needs beta > 1, got {self.beta}")
        if self.profile == "gaussian" and self.beta is not None:
            raise ValueError("a Gaussian PSF has no beta")

    def density(self, radius_arcsec: Array) -> Array:
        """Light per square arcsec at a radius, normalised analytically to 1 over the whole plane."""
        if self.beta is None:
            variance = (self.fwhm_arcsec / FWHM_PER_SIGMA) ** 2
            gaussian: Array = np.exp(-0.5 * radius_arcsec**2 / variance) / (2.0 * np.pi * variance)
            return gaussian
        alpha = self.fwhm_arcsec / (2.0 * np.sqrt(2.0 ** (1.0 / self.beta) - 1.0))
        log_profile = -self.beta * np.log1p((radius_arcsec / alpha) ** 2)
        moffat: Array = (self.beta - 1.0) / (np.pi * alpha**2) * np.exp(log_profile)
        return moffat


def moffat_psfsize(fwhm_arcsec: Array | float, beta: Array | float) -> Array:
    """`psfsize` of a Moffat: FWHM of the Gaussian with the same noise-equivalent area.

    Parameters
    ----------
    fwhm_arcsec, beta : float or ndarray
        Width (arcsec) and exponent, beta > 1.

    Returns
    -------
    ndarray
        2.3548 sqrt(N_eff / 4 pi) with N_eff = 1 / integral P^2 = pi alpha^2 (2 beta - 1) / (beta - 1)^2, arcsec.
        The definition of psfsize is that of the Legacy Surveys' DR10 catalogues.
    """
    fwhm, b = np.asarray(fwhm_arcsec, dtype=np.float64), np.asarray(beta, dtype=np.float64)
    alpha = fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / b) - 1.0))
    return FWHM_PER_SIGMA * alpha * np.sqrt(2.0 * b - 1.0) / (2.0 * (b - 1.0))


def fwhm_from_psfsize(psfsize_arcsec: Array | float, beta: Array | float) -> Array:
    """FWHM (arcsec) of the Moffat of exponent `beta` whose noise-equivalent area is the one that `psfsize` states."""
    return np.asarray(psfsize_arcsec, dtype=np.float64) / moffat_psfsize(1.0, beta)
