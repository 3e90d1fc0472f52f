"""Transfer functions of PSFs on the modes of `spectra`.

A Moffat profile is a mixture of Gaussians whose inverse variance follows a gamma distribution, and a Gaussian is a product of one
function of x and one of y: a transfer function of M x M modes is a product of two thin matrices. Each factor is the transform of
a Gaussian cut off at half a period, so that wings do not come in again from the other side of a stamp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import gammaln
from torch import Tensor

from arcgate.lensing.frame import Frame
from arcgate.lensing.psf import FWHM_PER_SIGMA, Kernel, Psf
from arcgate.lensing.rays import LOWEST_EXPONENT
from arcgate.lensing.spectra import frequencies

Array = NDArray[np.float64]

# Highest modes to choose from, in units of the pixel grid's Nyquist frequency.
_CUTOFFS: Final = tuple(mode / 64 for mode in (*range(24, 128, 8), 144, 192, 256, 384))
# Trapezoidal rule over the logarithm of the gamma variable t: its error falls exponentially with the step (1e-7 here). Nodes end
# where t is so small that the Gaussian is hundreds of pixels wide and adds 1e-9 of the peak or less.
_NODES: Final = 25
_STEP: Final = 0.6
# Gaussians wider than a period by this feel the edge at half of it, and are transformed numerically.
_WIDE: Final = 12.0


def modes_for(psfs: Sequence[Psf | Kernel], frame: Frame, error_target: float) -> int:
    """Modes beyond which PSFs let through less than the error target, in units of the peak of a point source.

    Raises
    ------
    ValueError
        A PSF far too sharp for the pixels.
    """
    # A kernel sampled at pixels says nothing beyond their Nyquist frequency.
    nyquist = frame.period_pix // 2
    return max(nyquist + 1 if isinstance(psf, Kernel) else _modes_of(psf, frame, error_target) for psf in psfs)


def _modes_of(psf: Psf, frame: Frame, error_target: float) -> int:
    beta = None if psf.beta is None else round(psf.beta, 1)
    return _modes_for_width(round(psf.fwhm_arcsec, 2), beta, frame, error_target)


@lru_cache(maxsize=4096)
def _modes_for_width(fwhm_arcsec: float, beta: float | None, frame: Frame, error_target: float) -> int:
    nyquist, scale = frame.period_pix // 2, frame.pixel_scale_arcsec
    choices = np.array([round(cutoff * nyquist) + 1 for cutoff in _CUTOFFS])
    k = frequencies(int(choices[-1]), frame.period_pix)[choices - 1]
    # The integral was once a sum over steps up to twice the last choice. Half a step of it stays, so that no profile takes other
    # modes, and hence other last bits, than it did.
    beyond = k + k[-1] / 3999.0
    exponent = np.array([np.nan if beta is None else max(beta, 1.05)])
    variance, weight = mixture(np.array([max(fwhm_arcsec, 0.01)]) / scale, exponent)
    # A Gaussian of this variance lets through exp(-variance k^2 / 2), of which 2 pi / variance lies in the whole plane.
    held = weight[0] / variance[0]
    left = np.exp(-0.5 * beyond[:, None] ** 2 * variance[0]) @ held / held.sum()
    enough = choices[left < error_target]
    if not len(enough):
        raise ValueError(f"a PSF of FWHM {fwhm_arcsec} arcsec is too sharp for pixels of {scale} arcsec")
    return int(enough[0])


def mixture(fwhm_pix: Array, beta: Array) -> tuple[Array, Array]:
    """Gaussians that make up circular PSFs.

    Parameters
    ----------
    fwhm_pix : ndarray (n,)
        Widths, pixels.
    beta : ndarray (n,)
        Moffat exponents, NaN for a Gaussian.

    Returns
    -------
    tuple of ndarray (n, nodes)
        Variances in pixels^2 and weights. (1 + u)^-beta is the mean of e^{-t u} t / (beta - 1) over a gamma distribution of shape
        beta - 1, and with u = r^2 / alpha^2 each term is a normalised Gaussian of variance alpha^2 / 2 t.
    """
    fwhm = fwhm_pix[:, None]
    gaussian = np.isnan(beta)
    exponent = np.where(gaussian, 2.0, beta)[:, None]
    shape = exponent - 1.0
    step = _STEP * np.minimum(1.0, 2.0 / np.sqrt(shape))
    log_t = np.log(shape + 8.0 * np.sqrt(shape) + 25.0) - step * np.arange(_NODES)
    weight = step * np.exp(shape * log_t - np.exp(log_t) - gammaln(shape))
    alpha = fwhm / (2.0 * np.sqrt(2.0 ** (1.0 / exponent) - 1.0))
    variance = 0.5 * alpha**2 * np.exp(-log_t)
    single = np.arange(_NODES) == 0
    return (
        np.where(gaussian[:, None], (fwhm / FWHM_PER_SIGMA) ** 2, variance),
        np.where(gaussian[:, None], single.astype(np.float64), weight),
    )


@dataclass(frozen=True)
class Circular:
    """Gaussians and Moffats on so many modes.

    Attributes
    ----------
    factor, weight : Tensor (n, nodes, modes), (n, nodes, 1)
        What each Gaussian of the mixture lets through along an axis; its weight.
    bare : Tensor, bool (n,)
        Which profiles do not include the pixel.
    period_pix : int
        Of the frame.
    """

    factor: Tensor
    weight: Tensor
    bare: Tensor
    period_pix: int

    @classmethod
    def of(cls, psfs: Sequence[Psf], modes: int, frame: Frame, dtype: torch.dtype, device: torch.device) -> Self:
        """From PSFs."""
        beta = np.array([np.nan if psf.beta is None else psf.beta for psf in psfs])
        variance, weight = mixture(np.array([psf.fwhm_arcsec for psf in psfs]) / frame.pixel_scale_arcsec, beta)
        factor = _cut_gaussians(torch.from_numpy(variance).to(dtype=dtype, device=device), modes, frame.period_pix)
        bare = torch.tensor([not psf.includes_pixel for psf in psfs], dtype=torch.bool, device=device)
        return cls(factor, torch.from_numpy(weight).to(dtype=dtype, device=device)[:, :, None], bare, frame.period_pix)

    def transfer(self, part: slice) -> Tensor:
        """Transfer functions of some, real and even in both frequencies: (n, modes, modes)."""
        factor = self.factor[part]
        transfer = torch.bmm(factor.transpose(1, 2), factor * self.weight[part])
        if self.bare[part].any():
            transfer[self.bare[part]] *= _pixel_window(factor.shape[2], self.period_pix, factor.dtype, factor.device)
        return transfer


def kernel_transfer(
    kernels: Sequence[Kernel], modes: int, frame: Frame, dtype: torch.dtype, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Transfer functions of measured kernels at (k_y, k_x) and (-k_y, k_x), complex (n, modes, modes).

    Between its pixels a kernel is the band-limited function through its samples: nothing beyond their Nyquist frequency.
    """
    halves: tuple[list[Tensor], list[Tensor]] = ([], [])
    k, nyquist, largest = frequencies(modes, frame.period_pix), frame.period_pix // 2, frame.largest_kernel_pix
    for kernel in kernels:
        if max(kernel.image.shape) > largest:
            raise ValueError(f"a PSF kernel has at most {largest} pixels a side, got {kernel.image.shape}: cut its wings off")
        image = kernel.image / kernel.image.sum()
        along_y, along_x = (_waves(size, k) for size in image.shape)
        window = np.sinc(k / (2.0 * np.pi)) if not kernel.includes_pixel else np.ones(modes)
        # At pixels, the two waves of the Nyquist frequency are one, which must not count twice.
        known = np.where(np.arange(modes) < nyquist, window, np.where(np.arange(modes) == nyquist, 0.5 * window, 0.0))
        for half, wave in zip(halves, (along_y, along_y.conj()), strict=True):
            half.append(torch.from_numpy((known[:, None] * wave) @ image @ (known[:, None] * along_x).T))
    complex_type = torch.complex64 if dtype == torch.float32 else torch.complex128
    plus, minus = (torch.stack(half).to(dtype=complex_type, device=device) for half in halves)
    return plus, minus


def _waves(size: int, k: Array) -> NDArray[np.complex128]:
    waves: NDArray[np.complex128] = np.exp(-1j * k[:, None] * (np.arange(size) - size // 2))
    return waves


def _cut_gaussians(variance: Tensor, modes: int, period_pix: int) -> Tensor:
    """Transforms of Gaussians of variances (n, nodes) in pixels^2, cut off at half a period: (n, nodes, modes)."""
    k = torch.from_numpy(frequencies(modes, period_pix)).to(variance)
    # Clamped: exponentials that underflow take a slow path in the vector libraries.
    factor = torch.exp((variance[:, :, None] * (-0.5 * k * k)).clamp_min_(LOWEST_EXPONENT))
    wide = torch.nonzero(variance.reshape(-1) > (period_pix / _WIDE) ** 2)[:, 0]
    if len(wide):
        spread = variance.reshape(-1)[wide]
        squared, waves = _half_period(modes, period_pix, variance.dtype, variance.device)
        profile = torch.exp(squared / spread[:, None]) / torch.sqrt(2.0 * torch.pi * spread)[:, None]
        factor.view(-1, modes)[wide] = torch.matmul(profile, waves)
    return factor


@lru_cache(maxsize=16)
def _half_period(modes: int, period_pix: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, Tensor]:
    """-u^2 / 2 at offsets 0 to half a period, and the matrix of the cosine transform over them."""
    offset = np.arange(period_pix // 2 + 1)
    weight = np.where((offset == 0) | (offset == offset[-1]), 1.0, 2.0)
    waves = np.cos(offset[:, None] * frequencies(modes, period_pix)) * weight[:, None]
    waves *= np.arange(modes) <= period_pix // 2
    return tuple(torch.from_numpy(a).to(dtype=dtype, device=device) for a in (-0.5 * offset.astype(np.float64) ** 2, waves))  # type: ignore[return-value]


@lru_cache(maxsize=16)
def _pixel_window(modes: int, period_pix: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    window = np.sinc(frequencies(modes, period_pix) / (2.0 * np.pi))
    return torch.from_numpy(window[:, None] * window).to(dtype=dtype, device=device)
