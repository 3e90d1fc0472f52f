"""Fingerprints of galaxies that shifts by a pixel, flips, quarter turns and new noise change by no more than noise. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.gates.core.stamps import Pixels, Stamps
from arcgate.gates.features.compiled_fingerprints import moduli
from arcgate.gates.features.regions import middle
from arcgate.gates.features.rings import Rings
from arcgate.lensing.centroids import windowed_step

Array = NDArray[np.float64]
Vectors = NDArray[np.float32]

# In shares of half the stamp: edges of rings whose mean light in each band is kept, and of rings whose asymmetry is, all bands
# together, first and second order.
_RINGS: Final = (0.0, 2 / 32, 4 / 32, 6 / 32, 9 / 32, 13 / 32)
_ASYMMETRY: Final = ((3 / 32, 8 / 32), (8 / 32, 15 / 32), (15 / 32, 26 / 32))
# Half the square in which a galaxy's centre is sought, half the one that holds the rings about it, and the weight's width.
_WINDOW, _CUT, _WEIGHT = 10 / 32, 18 / 32, 3 / 32
# About so many bins along a side of a stamp.
_BINS: Final = 32
# Noise of a pixel that stands for all, nanomaggies: DECaLS at its nominal depth, and the side of its pixels. Only ratios of
# distances count in the end, so that it need not be a data set's own.
_TYPICAL_SKY: Final = {"g": 0.0026, "r": 0.0037, "z": 0.0116}
_TYPICAL_PIXEL_ARCSEC: Final = 0.262
# Noise of a mean over pixels whose noise is correlated, in units of that of independent ones.
_CORRELATED: Final = 1.5
# What resampling by a fraction of a pixel changes, in the share of a feature.
_RELATIVE: Final = 0.02


def unit_sky(stamps: Stamps) -> Vectors:
    """Noise of a pixel in units of which stamps are compared, nanomaggies: shape (1, band, 1, 1), or a row for each stamp.

    One noise for all where a typical one is known of every band, so that two images of a galaxy agree whatever their depth. Else
    that of each stamp: then they agree if they are about as deep, as cutouts of the same exposures are.
    """
    imaging = stamps.imaging
    if not set(imaging.bands) <= set(_TYPICAL_SKY):
        return stamps.sky.astype(np.float32)
    wider = imaging.pixel_scale_arcsec / _TYPICAL_PIXEL_ARCSEC
    return np.array([wider * _TYPICAL_SKY[band] for band in imaging.bands], dtype=np.float32)[None, :, None, None]


def fingerprints(image: Pixels) -> Vectors:
    """Light in rings and its asymmetry, each in units of its own uncertainty.

    Parameters
    ----------
    image : ndarray, float32 (n, band, y, x)
        Stamps in units of a noise (`unit_sky`).

    Returns
    -------
    ndarray of float32, shape (n, feature)
        f -> asinh(f rel / sigma) / rel: a difference of 1 is sqrt(sigma^2 + (rel f)^2) in f. Two images of one galaxy differ by
        about sqrt(2) in each.
    """
    x, y = centroids(image)
    half = image.shape[-1] / 2
    edges = tuple(sorted({round(share * half) for share in _RINGS}))
    areas = np.pi * np.diff(np.square(edges))
    cut = middle(image.shape[-1], round(_CUT * half))
    rings = Rings(x, y, cut, edges[-1]).means(image, edges) * np.sqrt(areas)
    light = np.concatenate([rings.reshape(len(image), -1), _asymmetries(image, x, y)], axis=1)
    return (np.arcsinh(light * (_RELATIVE / _CORRELATED)) / _RELATIVE).astype(np.float32)


def centroids(image: Pixels) -> tuple[Array, Array]:
    """Centre of the light near the stamp's centre, under a Gaussian weight that follows it, pixels."""
    half = image.shape[-1] / 2
    window = middle(image.shape[-1], round(_WINDOW * half))
    light = np.maximum(image[:, :, window, window].sum(axis=1, dtype=np.float64), 0.0)
    pixel = np.arange(window.start, window.stop, dtype=np.float64)
    x = np.full(len(image), half - 0.5)
    y = x.copy()
    for _ in range(8):
        step_x, step_y, total = windowed_step(light, pixel - x[:, None], pixel - y[:, None], _WEIGHT * half)
        # Without light it stays where it is.
        x, y = (
            np.clip(place + np.where(total > 0.0, step, 0.0), window.start, window.stop - 1.0)
            for place, step in ((x, step_x), (y, step_y))
        )
    return x, y


def _asymmetries(image: Pixels, x_pix: Array, y_pix: Array) -> Array:
    """Moduli of the first and second Fourier component in angle of wide rings, in units of their noise: (n, 3 * 2)."""
    side = max(round(image.shape[-1] / _BINS), 1)
    whole = np.ascontiguousarray(image, dtype=np.float32)
    # Edges are soft, a bin wide, so that a neighbour on an edge does not jump over it.
    found: Array = moduli(whole, x_pix, y_pix, image.shape[-1] / 2 * np.array(_ASYMMETRY), side)
    return found.reshape(len(image), -1)
