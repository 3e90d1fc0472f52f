"""Sums over the pixels of arcs, in one pass that a compiler turns into machine code."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Array = NDArray[np.float64]

# Sums run in the order of the pixels, whatever else is in the batch.
_compiled: Final = compiled()


@_compiled
def sums_into(flux: Array, squares: Array, core: Array, arc: NDArray[np.float32], x: Array, y: Array, core_pix: float) -> None:
    """Write sums over the pixels of each arc and band.

    Parameters
    ----------
    flux, squares, core : ndarray, float64 (n, band)
        Light, sum of squares, and light of pixels whose centres lie within `core_pix` of the host.
    arc : ndarray, float32 (n, band, y, x)
    x, y : ndarray, float64 (n,)
        The host's centre, pixels.
    core_pix : float
        Radius of the core, pixels.
    """
    n, bands, height, width = arc.shape
    for row in range(n):
        for band in range(bands):
            light, square, inside = 0.0, 0.0, 0.0
            for line in range(height):
                across = (line - y[row]) * (line - y[row])
                near = across < core_pix * core_pix
                for column in range(width):
                    value = np.float64(arc[row, band, line, column])
                    light += value
                    square += value * value
                    if near and (column - x[row]) * (column - x[row]) + across < core_pix * core_pix:
                        inside += value
            flux[row, band], squares[row, band], core[row, band] = light, square, inside
