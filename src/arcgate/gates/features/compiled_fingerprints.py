"""The asymmetry of galaxies, in a loop that a compiler turns into machine code."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Array = NDArray[np.float64]
Floats = NDArray[np.float32]

# Sums are taken in the order of the pixels.
_compiled: Final = compiled()
_NEAREST: Final = 1e-6


@_compiled
def moduli(image: Floats, x_pix: Array, y_pix: Array, rings: Array, side: int) -> Array:
    """Moduli of the first and second Fourier component in angle of rings with soft edges, all bands together.

    Parameters
    ----------
    image : ndarray, float32 (n, band, y, x)
        In units of a pixel's noise.
    x_pix, y_pix : ndarray, shape (n,)
        Centre.
    rings : ndarray, shape (k, 2)
        Inner and outer radius, pixels.
    side : int
        Of the square bins that are looked at; what is left over of a stamp that is no multiple of one lies at its border. Light
        fades in and out over as many pixels at the edges of rings.

    Returns
    -------
    ndarray (n, 2, k)
        In units of their noise.
    """
    n, bands, pixels = image.shape[0], image.shape[1], image.shape[2]
    size = pixels // side
    first, unit_of_bin = (pixels - size * side) // 2, side * np.sqrt(bands)
    light = np.empty((size, size), dtype=np.float32)
    out = np.empty((n, 2, len(rings)), dtype=np.float64)
    for row in range(n):
        light[:] = np.float32(0.0)
        for band in range(bands):
            for y in range(size * side):
                line = image[row, band, first + y]
                for x in range(size):
                    for pixel in range(side):
                        light[y // side, x] += line[first + side * x + pixel]
        sums = np.zeros((len(rings), 5), dtype=np.float64)
        for y in range(size):
            down = (y + 0.5) * side - 0.5 + first - y_pix[row]
            for x in range(size):
                across = (x + 0.5) * side - 0.5 + first - x_pix[row]
                radius = np.sqrt(across * across + down * down)
                unit = max(radius, _NEAREST)
                cos, sin = across / unit, down / unit
                for ring in range(len(rings)):
                    rising = min(max((radius - rings[ring, 0]) / side + 0.5, 0.0), 1.0)
                    inside = rising * min(max((rings[ring, 1] - radius) / side + 0.5, 0.0), 1.0)
                    if inside > 0.0:
                        lit = inside * light[y, x] / unit_of_bin
                        sums[ring, 0] += lit * cos
                        sums[ring, 1] += lit * sin
                        sums[ring, 2] += lit * (cos * cos - sin * sin)
                        sums[ring, 3] += lit * 2.0 * cos * sin
                        sums[ring, 4] += inside * inside
        for ring in range(len(rings)):
            noise = np.sqrt(0.5 * sums[ring, 4])
            out[row, 0, ring] = np.hypot(sums[ring, 0], sums[ring, 1]) / noise
            out[row, 1, ring] = np.hypot(sums[ring, 2], sums[ring, 3]) / noise
    return out
