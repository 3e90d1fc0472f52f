"""Point-spread functions, analytic and measured, and the survey's `psfsize`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import least_squares

from arcgate.lensing.centroids import flux_weighted

Array = NDArray[np.float64]

MAX_BETA = 1000.0
"""A Moffat of a larger exponent is a Gaussian in all but name."""
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
        if self.profile not in ("gaussian", "moffat"):
            raise ValueError(f"a PSF is gaussian or moffat, got {self.profile!r}")
        if self.profile == "moffat" and (self.beta is None or not 1.0 < self.beta <= MAX_BETA):
            raise ValueError(f"a Moffat PSF needs beta > 1 and at most {MAX_BETA:g}, got {self.beta}")
        if self.profile == "gaussian" and self.beta is not None:
            raise ValueError("a Gaussian PSF has no beta")

    def stretched(self, factor: float) -> Psf:
        """The same PSF wider by a factor."""
        return replace(self, fwhm_arcsec=self.fwhm_arcsec * factor)

    def on(self, size_pix: int, pixel_scale_arcsec: float) -> Array:
        """Its light at the centres of a square of pixels about the central one, times pixel area."""
        # A circular profile is the same in all four quarters.
        offset = np.arange(size_pix // 2 + 1) * pixel_scale_arcsec
        quarter = self.density(np.hypot(offset[None, :], offset[:, None])) * pixel_scale_arcsec**2
        place = np.abs(np.arange(size_pix) - size_pix // 2)
        return quarter[place[:, None], place]

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


@dataclass(frozen=True, eq=False)
class Kernel:
    """A measured PSF, sampled at the pixels of the image that it belongs to.

    Attributes
    ----------
    image : ndarray, float64 (h, w)
        Light a pixel, y before x; h and w are odd and the PSF's origin is the central pixel [h // 2, w // 2]. Its light may be
        centred elsewhere (`centroid_pix`): that offset belongs to the PSF and is kept. Negative pixels are kept too.
    includes_pixel : bool
        Whether it is the effective PSF, pixel included. Any PSF measured on pixels is.

    Raises
    ------
    ValueError
        If the image is not two-dimensional, has an even side, holds NaN or infinite pixels, or its sum is not positive.
    """

    image: Array
    includes_pixel: bool = True

    def __post_init__(self) -> None:
        image = np.array(self.image, dtype=np.float64)
        if image.ndim != 2 or image.shape[0] % 2 == 0 or image.shape[1] % 2 == 0:
            raise ValueError(f"a PSF kernel has two axes of odd length, so that it has a central pixel; got shape {image.shape}")
        if not np.isfinite(image).all():
            row, column = np.argwhere(~np.isfinite(image))[0]
            raise ValueError(f"a PSF kernel must be finite, got {image[row, column]} at row {row}, column {column}")
        if not image.sum() > 0:
            raise ValueError(f"the sum of a PSF kernel must be positive, got {image.sum()}")
        image.setflags(write=False)
        object.__setattr__(self, "image", image)

    def normalised(self) -> Kernel:
        """The same kernel with sum 1."""
        return Kernel(self.image / self.image.sum(), self.includes_pixel)

    def stretched(self, factor: float) -> Kernel:
        """The same PSF wider by a factor about its central pixel, on as many pixels; between pixels a cubic spline."""
        offsets = [(np.arange(size) - size // 2) / factor + size // 2 for size in self.image.shape]
        image = ndimage.map_coordinates(self.image, np.meshgrid(*offsets, indexing="ij"), order=3, mode="constant")
        return Kernel(image / factor**2, self.includes_pixel)

    def shifted(self, x_pix: float, y_pix: float) -> Kernel:
        """The same PSF with its light moved, as band-limited as before; what leaves one side does not come in on the other."""
        padded = np.pad(self.image, [(size // 2 + 1, size // 2 + 1) for size in self.image.shape])
        moved = np.fft.ifft2(ndimage.fourier_shift(np.fft.fft2(padded), (y_pix, x_pix))).real
        y, x = (size // 2 + 1 for size in self.image.shape)
        return Kernel(moved[y : y + self.image.shape[0], x : x + self.image.shape[1]], self.includes_pixel)

    def on(self, size_pix: int, pixel_scale_arcsec: float) -> Array:
        """Its pixels cut or padded with zeros to a square of an odd side about the central pixel."""
        y, x = (max(size_pix - size, 0) // 2 for size in self.image.shape)
        padded = np.pad(self.image, ((y, y), (x, x)))
        top, left = ((size - size_pix) // 2 for size in padded.shape)
        return padded[top : top + size_pix, left : left + size_pix]

    @property
    def centroid_pix(self) -> tuple[float, float]:
        """Flux-weighted offset (x, y) of the light from the central pixel, pixels."""
        return flux_weighted(self.image, *_offsets(self.image.shape))

    @property
    def psfsize_pix(self) -> float:
        """FWHM of the Gaussian with the same noise-equivalent area 1 / sum(P^2), pixels.

        This is `psfsize` of the Legacy Surveys' DR10 catalogues, there in arcsec: 2.3548 sqrt(N_eff / 4 pi) pixels.
        """
        area_pix = self.image.sum() ** 2 / (self.image**2).sum()
        return float(FWHM_PER_SIGMA * np.sqrt(area_pix / (4.0 * np.pi)))


def _offsets(shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Offsets (x, y) of all pixels from the central one."""
    dy, dx = np.indices(shape, dtype=np.float64)
    return dx - shape[1] // 2, dy - shape[0] // 2


def best_moffat(kernel: Kernel, pixel_scale_arcsec: float) -> Psf:
    """Circular Moffat of the same total light that fits a kernel best.

    Least squares over all pixels, each with the same weight; free are the scale alpha, the exponent and the centre. The Moffat is
    compared at pixel centres as it is: it describes the PSF with whatever the kernel includes.

    Parameters
    ----------
    kernel : Kernel
        Normalised here.
    pixel_scale_arcsec : float
        Of its pixels.

    Returns
    -------
    Psf
        Its `includes_pixel` is the kernel's.

    Raises
    ------
    ValueError
        If the fit does not converge.
    """
    image = kernel.normalised().image
    dx, dy = _offsets(image.shape)

    def residual(parameters: Array) -> Array:
        log_alpha_pix, log_excess, x, y = parameters
        alpha, beta = np.exp(log_alpha_pix), 1.0 + np.exp(log_excess)
        shape = np.exp(-beta * np.log1p(((dx - x) ** 2 + (dy - y) ** 2) / alpha**2))
        misfit: Array = ((beta - 1.0) / (np.pi * alpha**2) * shape - image).ravel() / image.max()
        return misfit

    begin = np.array([np.log(0.8 * kernel.psfsize_pix), np.log(1.8), *kernel.centroid_pix])
    # A Gaussian is a Moffat of the largest exponent.
    largest = np.array([np.inf, np.log(MAX_BETA - 1.0), np.inf, np.inf])
    fit = least_squares(residual, begin, bounds=(-np.inf, largest), xtol=1e-10, ftol=1e-10)
    if not fit.success:
        raise ValueError(f"no Moffat fits the kernel: {fit.message}")
    alpha, beta = float(np.exp(fit.x[0])), min(1.0 + float(np.exp(fit.x[1])), MAX_BETA)
    fwhm_pix = 2.0 * alpha * np.sqrt(2.0 ** (1.0 / beta) - 1.0)
    return Psf("moffat", float(fwhm_pix * pixel_scale_arcsec), beta, kernel.includes_pixel)


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
