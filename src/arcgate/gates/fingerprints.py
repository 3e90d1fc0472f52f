"""Fingerprints of galaxies that shifts by a pixel, flips, quarter turns and new noise change by no more than noise. Pure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, STAMP_SIZE
from arcgate.gates.arms import Pixels
from arcgate.gates.features import Rings

Array = NDArray[np.float64]
Vectors = NDArray[np.float32]

# Rings whose mean light in each band is kept, and rings whose asymmetry is: all bands together, first and second order.
RINGS_PIX: Final = (0, 2, 4, 6, 9, 13)
ASYMMETRY_PIX: Final = ((3.0, 8.0), (8.0, 15.0), (15.0, 26.0))
ORDERS: Final = (1, 2)
SIZE: Final = len(BANDS) * (len(RINGS_PIX) - 1) + len(ASYMMETRY_PIX) * len(ORDERS)
# Noise of a pixel in g, r, z that stands for all, nanomaggies: DECaLS at its nominal depth. Only ratios of distances count in
# the end, so that it need not be a data set's own.
TYPICAL_SKY: Final = (0.0026, 0.0037, 0.0116)
# Noise of a mean over pixels whose noise is correlated, in units of that of independent ones.
_CORRELATED: Final = 1.5
# What resampling by a fraction of a pixel changes, in the share of a feature.
_RELATIVE: Final = 0.02
_WINDOW: Final = slice(22, 42)
# Holds the rings about any centre that `centroids` can give.
_CUT_PIX: Final = 36
_WEIGHT_PIX: Final = 3.0
_BIN: Final = 2


def fingerprints(image: Pixels) -> Vectors:
    """Light in rings and its asymmetry, each in units of its own uncertainty.

    Parameters
    ----------
    image : ndarray, float32 (n, 3, 64, 64)
        Stamps in units of one noise for all (`TYPICAL_SKY`), so that two images of a galaxy agree whatever their depth.

    Returns
    -------
    ndarray of float32, shape (n, SIZE)
        f -> asinh(f rel / sigma) / rel: a difference of 1 is sqrt(sigma^2 + (rel f)^2) in f. Two images of one galaxy differ by
        about sqrt(2) in each.
    """
    x, y = centroids(image)
    areas = np.pi * np.diff(np.square(RINGS_PIX))
    rings = Rings(x, y, size=_CUT_PIX, reach_pix=RINGS_PIX[-1]).means(image, RINGS_PIX) * np.sqrt(areas)
    light = np.concatenate([rings.reshape(len(image), -1), _asymmetries(image, x, y)], axis=1)
    return (np.arcsinh(light * (_RELATIVE / _CORRELATED)) / _RELATIVE).astype(np.float32)


def centroids(image: Pixels) -> tuple[Array, Array]:
    """Centre of the light near the stamp's centre, under a Gaussian weight that follows it, pixels."""
    light = np.maximum(image[:, :, _WINDOW, _WINDOW].sum(axis=1, dtype=np.float64), 0.0)
    pixel = np.arange(_WINDOW.start, _WINDOW.stop, dtype=np.float64)
    x = np.full(len(image), (STAMP_SIZE - 1) / 2)
    y = x.copy()
    for _ in range(8):
        across, down = (np.exp(-0.5 * np.square((pixel - place[:, None]) / _WEIGHT_PIX)) for place in (x, y))
        columns, rows = np.einsum("nyx,ny->nx", light, down) * across, np.einsum("nyx,nx->ny", light, across) * down
        total = np.maximum(columns.sum(axis=1), np.finfo(np.float64).tiny)
        # The weight halves each step of a galaxy of its own width: twice the step arrives sooner.
        x, y = (
            np.clip(place + 2.0 * ((sums @ pixel) / total - place), _WINDOW.start, _WINDOW.stop - 1.0)
            for place, sums in ((x, columns), (y, rows))
        )
    return x, y


def _asymmetries(image: Pixels, x_pix: Array, y_pix: Array) -> Array:
    """Moduli of the first and second Fourier component in angle of wide rings, in units of their noise: (n, 3 * 2)."""
    n, half = len(image), STAMP_SIZE // _BIN
    light = _binned(image).reshape(n, -1)
    pixel = (np.arange(half, dtype=np.float32) + 0.5) * _BIN - 0.5
    dx, dy = (pixel - place.astype(np.float32)[:, None] for place in (x_pix, y_pix))
    offset = (dx[:, None, :] + 1j * dy[:, :, None]).astype(np.complex64).reshape(n, -1)
    radius = np.abs(offset)
    turn = offset / np.maximum(radius, np.float32(1e-6))
    parts = []
    for order in ORDERS:
        wave = turn if order == 1 else turn * turn
        lit = light * wave
        for low, high in ASYMMETRY_PIX:
            # Soft edges, two pixels wide, so that a neighbour on an edge does not jump over it.
            inside = np.clip((radius - low) / 2.0 + 0.5, 0.0, 1.0) * np.clip((high - radius) / 2.0 + 0.5, 0.0, 1.0)
            parts.append(np.abs((lit * inside).sum(axis=1)) / np.sqrt(0.5 * np.square(inside).sum(axis=1)))
    return np.stack(parts, axis=1).astype(np.float64)


def _binned(image: Pixels) -> Vectors:
    """Sum of the bands in bins of 2 x 2 pixels, in units of its noise: (n, 32, 32)."""
    n, half = len(image), STAMP_SIZE // _BIN
    light: Vectors = image.sum(axis=1).reshape(n, half, _BIN, half, _BIN).sum(axis=(2, 4))
    return light / np.float32(_BIN * np.sqrt(len(BANDS)))
