"""From a telescope's stamp of a galaxy to a source image: a known PSF, as little noise as possible, no neighbour.

Pure functions of pixels. A lens magnifies its source, and with it the PSF, the noise and the neighbours of the stamp that it
was cut from. Therefore three steps. The PSF is exchanged for a Gaussian. What the noise could have made is smoothed: each pixel
moves towards a Gaussian mean of its neighbourhood by the share of the local variance that noise explains (Lee 1980, IEEE Trans.
PAMI 2, 165), which leaves bright structure as it is. And only the connected region that the galaxy lights up is kept, with a
soft edge.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from arcgate.lensing.centroids import flux_weighted
from arcgate.lensing.psf import FWHM_PER_SIGMA

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMOOTHING_PIX = 2.0
THRESHOLD = 3.0
"""Detection in units of the smoothed noise's standard deviation."""
GROW_PIX = 3.0
"""The galaxy's region is kept in full up to this distance from its detected pixels ..."""
TAPER_PIX = 5.0
"""... and fades to nothing over this distance beyond."""
FRAME_PIX = 3.0
"""Light fades to nothing over this distance from the stamp's frame, so that no source ends in a step."""
NOISE_RATIO = 0.92
"""Standard deviation of the noise after `exchange_psf`, in units of the stamp's."""
NOISE_AREA_PIX = 4.6
"""Sum of that noise's correlation over all lags: sums over many pixels are noisier by its square root than with white noise."""
SMOOTHED_NOISE = 0.37
"""Its standard deviation after smoothing by `SMOOTHING_PIX`, in units of a pixel's. White noise would give 0.14."""
# The three are medians over the source-free parts of 22 large stamps with ACS PSFs and a Gaussian of 4 pixels;
# tests/survey/test_cosmos.py measures them again. The sum of correlations scatters by a factor of two from stamp to stamp.
_WIENER = 1e-4


@dataclass(frozen=True)
class CleanSource:
    """A galaxy's own light.

    Attributes
    ----------
    image : ndarray, float64 (h, w)
        Unit of the stamp; negative pixels are set to 0, as no galaxy is darker than the sky.
    negative_share : float
        The light that those pixels had, over `flux`.
    peak_share : float
        Distance of the galaxy's brightest point from the middle of the stamp, over the stamp's shorter side.
    edge_share : float
        Share of the stamp's frame that the detected region reaches.
    flux : float
        Sum of the galaxy's light, negative pixels included.
    flux_sigma : float
        Standard deviation of `flux` from the noise, correlation included.
    noise_share : float
        Share of sum(image^2) that the noise contributes on average, at most.
    """

    image: Array
    negative_share: float
    peak_share: float
    edge_share: float
    flux: float
    flux_sigma: float
    noise_share: float


def exchange_psf(stamp: Array, psf: Array, fwhm_pix: float) -> tuple[Array, float]:
    """The stamp as a Gaussian PSF would have shown it.

    A Wiener filter: the spectrum is multiplied by the Gaussian's G and divided by the PSF's H, as G H* / (|H|^2 + 1e-4). The
    small constant matters only at the zeros of H, which lie where G has all but ended. For the PSFs of ACS and 0.12 arcsec the
    resulting PSF is within 1 % of its peak of the Gaussian. The PSF's wings go, which blur more than its core does.

    Parameters
    ----------
    stamp : ndarray, shape (h, w)
        Dark at its frame: beyond it, 0 is assumed.
    psf : ndarray, shape (a, b)
        The PSF of the stamp at its pixels, centred on [a // 2, b // 2]; any sum.
    fwhm_pix : float
        FWHM of the Gaussian, pixels.

    Returns
    -------
    tuple of ndarray and float
        The stamp, and the largest factor by which an amplitude was raised. If that is large, the Gaussian is too narrow for this
        PSF and the result is noise.
    """
    shape = tuple(2 * side + other for side, other in zip(stamp.shape, psf.shape, strict=True))
    kernel = np.zeros(shape)
    kernel[: psf.shape[0], : psf.shape[1]] = psf / psf.sum()
    kernel = np.roll(kernel, (-(psf.shape[0] // 2), -(psf.shape[1] // 2)), axis=(0, 1))
    frequency = np.hypot(np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None, :])
    gaussian = np.exp(-2.0 * (np.pi * frequency * fwhm_pix / FWHM_PER_SIGMA) ** 2)
    transfer = np.fft.rfft2(kernel)
    ratio = gaussian * transfer.conj() / (np.abs(transfer) ** 2 + _WIENER)
    matched = np.fft.irfft2(np.fft.rfft2(stamp, s=shape) * ratio, s=shape)
    return np.ascontiguousarray(matched[: stamp.shape[0], : stamp.shape[1]]), float(np.abs(ratio).max())


def clean_source(stamp: Array, sigma: float) -> CleanSource | None:
    """Cut the galaxy out of its stamp and smooth what may be noise.

    The stamp is convolved with a Gaussian; pixels above `THRESHOLD` that are connected make regions. The galaxy is the region
    nearest to the middle. Pixels closer to another region than to the galaxy's are left out, all others are weighted by their
    distance from it. A neighbour that touches the galaxy above the threshold stays part of it.

    Parameters
    ----------
    stamp : ndarray, shape (h, w)
        Sky subtracted, the galaxy near the middle; from `exchange_psf`.
    sigma : float
        Standard deviation of its noise in a pixel.

    Returns
    -------
    CleanSource or None
        None if nothing is detected within a quarter of the stamp's side from its middle.
    """
    smooth = ndimage.gaussian_filter(stamp, SMOOTHING_PIX, mode="nearest")
    regions, count = ndimage.label(smooth > THRESHOLD * SMOOTHED_NOISE * sigma, structure=np.ones((3, 3)))
    distance = np.hypot(*(np.indices(stamp.shape) - 0.5 * (np.array(stamp.shape) - 1)[:, None, None]))
    if count == 0:
        return None
    nearest = ndimage.minimum(distance, regions, np.arange(1, count + 1))
    if nearest.min() > 0.25 * min(stamp.shape):
        return None
    galaxy = regions == 1 + int(np.argmin(nearest))
    weight = _soft_mask(galaxy, (regions > 0) & ~galaxy)
    kept = _kept_contrast(stamp, smooth, sigma)
    image = weight * (smooth + kept * (stamp - smooth))
    # As if a pixel's noise and that of its smoothed neighbourhood were the same but for their size: an upper bound.
    noise_power = float(((weight * (SMOOTHED_NOISE + kept * (1.0 - SMOOTHED_NOISE))) ** 2).sum()) * sigma**2
    return CleanSource(
        image=np.maximum(image, 0.0),
        negative_share=-float(np.minimum(image, 0.0).sum() / image.sum()),
        peak_share=float(distance.flat[np.argmax(np.where(galaxy, smooth, -np.inf))]) / min(stamp.shape),
        edge_share=_edge_share(galaxy),
        flux=float(image.sum()),
        flux_sigma=float(np.sqrt((weight**2).sum() * NOISE_AREA_PIX)) * sigma,
        noise_share=noise_power / float((image**2).sum()),
    )


def _kept_contrast(stamp: Array, smooth: Array, sigma: float) -> Array:
    """Share of each pixel's difference from its neighbourhood that is signal: the local variance's excess over the noise."""
    variance = ndimage.gaussian_filter((stamp - smooth) ** 2, SMOOTHING_PIX, mode="nearest")
    noise = sigma**2 * (1.0 - SMOOTHED_NOISE**2)
    share: Array = np.clip(1.0 - noise / np.maximum(variance, noise), 0.0, 1.0)
    return share


def _soft_mask(galaxy: Mask, others: Mask) -> Array:
    """1 on the galaxy and a little beyond, a cosine from there to 0; 0 where another region is nearer."""
    away = ndimage.distance_transform_edt(~galaxy)
    phase = np.clip((away - GROW_PIX) / TAPER_PIX, 0.0, 1.0)
    weight: Array = 0.5 * (1.0 + np.cos(np.pi * phase))
    if others.any():
        weight[ndimage.distance_transform_edt(~others) < away] = 0.0
    rows, columns = np.indices(galaxy.shape)
    to_frame = 0.5 + np.minimum(np.minimum(rows, galaxy.shape[0] - 1 - rows), np.minimum(columns, galaxy.shape[1] - 1 - columns))
    fade: Array = weight * 0.5 * (1.0 - np.cos(np.pi * np.clip(to_frame / FRAME_PIX, 0.0, 1.0)))
    return fade


def _edge_share(galaxy: Mask) -> float:
    frame = np.ones_like(galaxy)
    frame[1:-1, 1:-1] = False
    return float(galaxy[frame].mean())


def centroid(image: Array) -> tuple[float, float]:
    """Flux-weighted position (x, y), pixels."""
    places = np.indices(image.shape)
    return flux_weighted(image, places[1], places[0])


def half_light_pix(image: Array) -> float:
    """Radius of the circle about the centroid that holds half of the light, pixels.

    Pixels are cut into 5 x 5 equal parts, so that radii of one or two pixels are not quantised.
    """
    x, y = centroid(image)
    fine = (np.arange(5) - 2.0) / 5.0
    rows, columns = np.indices(image.shape, dtype=np.float64)[..., None, None]
    radius = np.hypot(rows + fine[:, None] - y, columns + fine[None, :] - x).ravel()  # (h * w * 25,)
    light = np.repeat(image.ravel() / 25.0, 25)
    order = np.argsort(radius, kind="stable")
    grown = np.cumsum(light[order])
    return float(radius[order][np.argmax(grown >= 0.5 * grown[-1])])
