"""Median profiles of stamps in rings about their centres, in a loop that a compiler turns into machine code."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Floats = NDArray[np.float32]

_compiled: Final = compiled()


@_compiled
def ring_medians(image: Floats, ring: NDArray[np.int64], last: NDArray[np.int64], rings: int) -> Floats:
    """Median of the pixels of each ring.

    Parameters
    ----------
    image : ndarray, float32 (n, channel, pixel)
        Finite.
    ring : ndarray of int (n, pixel)
        Number of each pixel's ring.
    last : ndarray of int (n,)
        Number of the last ring of each row.
    rings : int
        Greatest number of rings.

    Returns
    -------
    ndarray, float32 (n, channel, rings)
        Of an even number of pixels the mean of the two in the middle; a ring without pixels has the value of the next.
    """
    n, channels, pixels = image.shape
    out = np.zeros((n, channels, rings), dtype=np.float32)
    begin, fill = np.empty(rings + 1, dtype=np.int64), np.empty(rings, dtype=np.int64)
    values, slot = np.empty(pixels, dtype=np.float32), np.empty(pixels, dtype=np.int64)
    for row in range(n):
        begin[:] = 0
        for pixel in range(pixels):
            begin[ring[row, pixel] + 1] += 1
        for number in range(rings):
            begin[number + 1] += begin[number]
            fill[number] = begin[number]
        for pixel in range(pixels):
            slot[pixel] = fill[ring[row, pixel]]
            fill[ring[row, pixel]] += 1
        for channel in range(channels):
            for pixel in range(pixels):
                values[slot[pixel]] = image[row, channel, pixel]
            for number in range(last[row], -1, -1):
                first, count = begin[number], begin[number + 1] - begin[number]
                if count == 0:
                    out[row, channel, number] = out[row, channel, number + 1]
                    continue
                ordered = np.sort(values[first : first + count])
                upper, lower = ordered[count // 2], ordered[(count - 1) // 2]
                out[row, channel, number] = np.float32((np.float64(lower) + np.float64(upper)) / 2.0)
    return out
