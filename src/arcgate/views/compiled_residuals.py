"""Stamps without their galaxies, in loops that a compiler turns into machine code: a stamp stays in the cache meanwhile."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Floats = NDArray[np.float32]
Array = NDArray[np.float64]

_compiled: Final = compiled()


@_compiled
def without_profile(image: Floats, x_pix: Array, y_pix: Array) -> Floats:
    """See `arcgate.views.profile.azimuthal_residual`, whose parameters and values these are."""
    n, channels, size, _ = image.shape
    pixels, rings = size * size, size // 2 + 3
    out = np.empty_like(image)
    distance, ring, slot = np.empty(pixels, np.float32), np.empty(pixels, np.int64), np.empty(pixels, np.int64)
    begin, fill = np.empty(rings + 1, np.int64), np.empty(rings, np.int64)
    values, knot, level = np.empty(pixels, np.float32), np.empty(rings, np.float32), np.empty(rings, np.float32)
    for row in range(n):
        x, y = x_pix[row], y_pix[row]
        edge = min(min(x, size - 1 - x), min(y, size - 1 - y))
        last = max(int(np.floor(edge)) + 1, 1)
        begin[:] = 0
        for line in range(size):
            for column in range(size):
                dx, dy = column - x, line - y
                far = np.sqrt(dx * dx + dy * dy)
                place = min(int(np.floor(far + 0.5)), last)
                distance[line * size + column], ring[line * size + column] = np.float32(far), place
                begin[place + 1] += 1
        for number in range(rings):
            begin[number + 1] += begin[number]
            fill[number] = begin[number]
        for pixel in range(pixels):
            slot[pixel] = fill[ring[pixel]]
            fill[ring[pixel]] += 1
        for channel in range(-1, channels):
            # Distances are reduced like light: the median light of a round galaxy is that at the ring's median distance.
            reduced = knot if channel < 0 else level
            for pixel in range(pixels):
                light = distance[pixel] if channel < 0 else image[row, channel, pixel // size, pixel % size]
                values[slot[pixel]] = light
            for number in range(last, -1, -1):
                first, count = begin[number], begin[number + 1] - begin[number]
                if count == 0:
                    reduced[number] = reduced[number + 1]
                    continue
                ordered = np.sort(values[first : first + count])
                middle = np.float64(ordered[(count - 1) // 2]) + np.float64(ordered[count // 2])
                reduced[number] = np.float32(middle / 2.0)
            if channel < 0:
                continue
            for pixel in range(pixels):
                own, far = ring[pixel], distance[pixel]
                outer = min(own + 1, last) if far >= knot[own] else own
                inner = max(outer - 1, 0)
                low, high = np.float64(knot[inner]), np.float64(knot[outer])
                share = min(max((np.float64(far) - low) / max(high - low, 1e-6), 0.0), 1.0)
                between = np.float64(level[inner]) + share * (np.float64(level[outer]) - np.float64(level[inner]))
                line, column = pixel // size, pixel % size
                out[row, channel, line, column] = image[row, channel, line, column] - np.float32(between)
    return out


@_compiled
def without_turned(image: Floats, x_pix: Array, y_pix: Array) -> Floats:
    """See `arcgate.views.turned.rotation_residual`, whose parameters and values these are."""
    n, channels, size, _ = image.shape
    out, turned = np.empty_like(image), np.empty((size, size), np.float32)
    first, weights = np.empty((2, size), np.int64), np.empty((2, 4, size), np.float32)
    there = np.empty((2, size), np.bool_)
    for row in range(n):
        for axis in range(2):
            centre = x_pix[row] if axis == 0 else y_pix[row]
            for pixel in range(size):
                place = 2.0 * centre - pixel
                first[axis, pixel] = int(np.floor(place))
                t = np.float32(place - np.floor(place))
                t2, t3 = t * t, t * t * t
                half, one, two = np.float32(0.5), np.float32(1.5), np.float32(2.0)
                weights[axis, 0, pixel] = t2 - half * t3 - half * t
                weights[axis, 1, pixel] = one * t3 - np.float32(2.5) * t2 + np.float32(1.0)
                weights[axis, 2, pixel] = two * t2 - one * t3 + half * t
                weights[axis, 3, pixel] = half * t3 - half * t2
                there[axis, pixel] = (place >= 0.0) and (place <= size - 1)
        for channel in range(channels):
            for line in range(size):
                for column in range(size):
                    light = np.float32(0.0)
                    for tap in range(4):
                        at = min(max(first[0, column] + tap - 1, 0), size - 1)
                        light += weights[0, tap, column] * image[row, channel, line, at]
                    turned[line, column] = light
            for line in range(size):
                for column in range(size):
                    light = np.float32(0.0)
                    for tap in range(4):
                        at = min(max(first[1, line] + tap - 1, 0), size - 1)
                        light += weights[1, tap, line] * turned[at, column]
                    inside = there[0, column] and there[1, line]
                    out[row, channel, line, column] = image[row, channel, line, column] - light if inside else np.float32(0.0)
    return out
