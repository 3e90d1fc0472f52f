"""Medians of the pixels of stamps, in loops that a compiler turns into machine code: a band stays in the cache meanwhile."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

# Nothing is reordered: the result is the very value of a pixel, or the mean of two.
_compiled: Final = compiled()
# Values that are sorted to guess where the median lies, and how many places beside the guess the bounds are taken.
_SAMPLE: Final = 64
_BESIDE: Final = 10
_BINS: Final = 128
_LARGEST: Final = np.float32(1e30)


@_compiled
def medians(image: Floats, used: NDArray[np.bool_], deviations: bool) -> tuple[Floats, Floats]:
    """Median of the used pixels of each band, and of their distances from it.

    The median lies between two of a few dozen values, but for a stamp in many: what is below them is counted, and what lies
    between them is sorted. Where the guess was wrong, all is.

    Parameters
    ----------
    image : ndarray, float32 (n, band, pixel)
        Finite.
    used : ndarray of bool (n, pixel) or (1, pixel)
        A single row is that of all. The median of none is NaN.
    deviations : bool
        Whether the second is wanted; it is zero if not.

    Returns
    -------
    tuple of ndarray, float32 (n, band)
        Of an even number of pixels the mean of the two in the middle.
    """
    n, bands, pixels = image.shape
    out = np.zeros((2, n, bands), dtype=np.float32)
    values, near = np.empty(pixels, dtype=np.float32), np.empty(pixels, dtype=np.float32)
    sample, counts = np.empty(_SAMPLE, dtype=np.float32), np.empty(_BINS, dtype=np.int32)
    begins, ends = np.empty(pixels, dtype=np.int64), np.empty(pixels, dtype=np.int64)
    runs = 0
    for row in range(n):
        if row == 0 or len(used) > 1:
            # Pixels that count lie in runs.
            chosen, runs, before = used[row], 0, np.bool_(False)
            for pixel in range(pixels):
                if chosen[pixel] != before:
                    if before:
                        ends[runs - 1] = pixel
                    else:
                        begins[runs], ends[runs] = pixel, pixels
                        runs += 1
                    before = chosen[pixel]
        for band in range(bands):
            light, size = image[row, band], 0
            for run in range(runs):
                first, length = begins[run], ends[run] - begins[run]
                for i in range(length):
                    values[size + i] = light[first + i]
                size += length
            if size == 0:
                out[:, row, band] = np.nan
                continue
            middle = size // 2
            for kind in range(2 if deviations else 1):
                low, high, scale = np.float32(-np.inf), np.float32(np.inf), np.float32(np.inf)
                if size >= 4 * _SAMPLE:
                    stride = size // _SAMPLE
                    for i in range(_SAMPLE):
                        value, at = values[i * stride], i
                        while at > 0 and sample[at - 1] > value:
                            sample[at] = sample[at - 1]
                            at -= 1
                        sample[at] = value
                    low, high = sample[_SAMPLE // 2 - _BESIDE], sample[_SAMPLE // 2 + _BESIDE]
                    scale = np.float32(_BINS - 1) / (high - low)
                below, kept = 0, 0
                for i in range(size):
                    below += int(values[i] < low)
                for i in range(size):
                    # Written always, and kept where it lies between.
                    near[kept] = values[i]
                    kept += int((values[i] >= low) & (values[i] <= high))
                if below >= middle or below + kept <= middle:
                    # Both values in the middle must be among those that are kept.
                    near[:size] = values[:size]
                    below, kept = 0, size
                elif high > low and scale < _LARGEST:
                    # What is between is counted in bins, and the bins of the two values in the middle alone are sorted.
                    counts[:] = 0
                    for i in range(kept):
                        counts[np.int64((near[i] - low) * scale)] += 1
                    passed, first = below, 0
                    while passed + counts[first] < middle:
                        passed += counts[first]
                        first += 1
                    last, until = first, passed + counts[first]
                    while until <= middle:
                        last += 1
                        until += counts[last]
                    among = 0
                    for i in range(kept):
                        value = near[i]
                        place = np.int64((value - low) * scale)
                        near[among] = value
                        among += int((place >= first) & (place <= last))
                    below, kept = passed, among
                ordered = np.sort(near[:kept])
                upper = ordered[middle - below]
                lower = upper if size % 2 == 1 else ordered[middle - 1 - below]
                found = np.float32((np.float64(lower) + np.float64(upper)) / 2.0)
                out[kind, row, band] = found
                for i in range(size):
                    values[i] = abs(values[i] - found)
    return out[0], out[1]


@_compiled
def outside(x_pix: Array, y_pix: Array, size: int, radius_pix: float) -> NDArray[np.bool_]:
    """Pixels at a distance of at least a radius from a centre: (n, y, x).

    Parameters
    ----------
    x_pix, y_pix : ndarray, float64 (n,)
    size : int
        Side of the stamps.
    radius_pix : float
    """
    n = len(x_pix)
    out = np.empty((n, size, size), dtype=np.bool_)
    for row in range(n):
        for y in range(size):
            down = y - y_pix[row]
            for x in range(size):
                across = x - x_pix[row]
                out[row, y, x] = np.sqrt(across * across + down * down) >= radius_pix
    return out
