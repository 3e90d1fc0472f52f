"""Loops of the two-sample summaries that a compiler turns into machine code: each reads its pixels or waves once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Floats = NDArray[np.float32]
Waves = NDArray[np.complex64]
Numbers = NDArray[np.int64]

# Sums are taken in the order of the pixels.
_compiled: Final = compiled()


@_compiled
def mean_products(one: Waves, other: Waves, bins: Numbers, counts: Numbers) -> Floats:
    """Real part of one spectrum times the conjugate of the other, the mean over each bin: (n, band, bin).

    Parameters
    ----------
    one, other : ndarray, complex64 (n, band, wave)
        One and the same spectrum gives its power.
    bins : ndarray of int, shape (wave,)
        The bin of each wave.
    counts : ndarray of int, shape (bin,)
        Waves in each bin.
    """
    n, bands, waves = one.shape
    out = np.empty((n, bands, len(counts)), dtype=np.float32)
    # Neighbours are mostly in one bin: two sums each, so that one need not wait for the other.
    sums = np.empty((2, len(counts)), dtype=np.float64)
    for row in range(n):
        for band in range(bands):
            first, second = one[row, band], other[row, band]
            sums[:] = 0.0
            for wave in range(0, waves - 1, 2):
                for half in range(2):
                    a, b = first[wave + half], second[wave + half]
                    sums[half, bins[wave + half]] += np.float64(a.real * b.real + a.imag * b.imag)
            if waves % 2 == 1:
                a, b = first[waves - 1], second[waves - 1]
                sums[0, bins[waves - 1]] += np.float64(a.real * b.real + a.imag * b.imag)
            for place in range(len(counts)):
                out[row, band, place] = (sums[0, place] + sums[1, place]) / counts[place]
    return out


@_compiled
def sums_of_rings(
    image: Floats, first: int, x_pix: Floats, y_pix: Floats, ring: Numbers, rings: int
) -> tuple[NDArray[np.float64], Numbers]:
    """Sums over rings between whole radii, (n, band, ring), and the pixels in each, (n, ring).

    Parameters
    ----------
    image : ndarray, float32 (n, band, y, x)
    first : int
        Pixel of the stamp at which the image begins, along either axis.
    x_pix, y_pix : ndarray, float32 (n,)
        Centre, in pixels of the stamp.
    ring : ndarray of int, shape (k,)
        The ring of each whole radius below k; `rings` for none, as of radii from k on.
    rings : int
    """
    n, bands, height, width = image.shape
    sums = np.zeros((n, bands, rings + 1), dtype=np.float64)
    counts = np.zeros((n, rings + 1), dtype=np.int64)
    place = np.empty(width, dtype=np.int64)
    for row in range(n):
        for y in range(height):
            down = np.float32(first + y) - y_pix[row]
            for x in range(width):
                across = np.float32(first + x) - x_pix[row]
                radius = int(np.sqrt(np.float32(down * down) + np.float32(across * across)))
                place[x] = ring[radius] if radius < len(ring) else rings
                counts[row, place[x]] += 1
            for band in range(bands):
                light = image[row, band, y]
                for x in range(width):
                    sums[row, band, place[x]] += np.float64(light[x])
    return sums[:, :, :rings], counts[:, :rings]
