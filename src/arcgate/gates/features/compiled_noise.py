"""The noise of stamps beside their galaxies, in a loop that a compiler turns into machine code: a stamp stays in the cache."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Floats = NDArray[np.float32]
Steps = NDArray[np.int8]
Marks = NDArray[np.bool_]

# Nothing is reordered: means over windows are those of scipy.ndimage.uniform_filter.
_compiled: Final = compiled()


@_compiled
def noise_steps(pixels: Floats, outside: Marks, windows: NDArray[np.int64], neighbour: float, step: float, most: float) -> Steps:
    """Noise of images less their local mean, in steps; zero at the galaxy, at neighbours, and near either.

    Parameters
    ----------
    pixels : ndarray, float32 (n, y, x)
        Square images in units of a pixel's noise, less their median.
    outside : ndarray of bool (y, x)
        Pixels away from the galaxy in the middle.
    windows : ndarray of int, shape (2,)
        Odd sides of the squares in which neighbours are sought, and over which the local mean is taken.
    neighbour : float
        A mean over the smaller square above this is a neighbour.
    step, most : float
        Size of a step, and how many of them there are at most on either side.

    Returns
    -------
    ndarray of int8 (n, y, x)
    """
    n, size = len(pixels), pixels.shape[1]
    near, local = windows[0], windows[1]
    out = np.empty((n, size, size), dtype=np.int8)
    # What is averaged in turn, each with its window: light, what is lit, light where it is dark, and where it is dark.
    fields, half = np.empty((4, size, size), dtype=np.float32), np.empty((size, size), dtype=np.float32)
    total = np.empty(size, dtype=np.float64)
    sides = np.array([near, near, local, local])
    least = np.float32(1.0 / local**2)
    edge = np.float32(0.5 / near**2)
    for image in range(n):
        fields[0] = pixels[image]
        dark = np.empty((size, size), dtype=np.float32)
        for number in range(4):
            if number == 1:
                for y in range(size):
                    for x in range(size):
                        lit = (not outside[y, x]) or fields[0, y, x] > neighbour
                        fields[1, y, x] = np.float32(1.0) if lit else np.float32(0.0)
            elif number == 2:
                # Pixels around light are left out as well: a binary dilation, which takes four times as long.
                for y in range(size):
                    for x in range(size):
                        dark[y, x] = np.float32(1.0) if fields[1, y, x] < edge else np.float32(0.0)
                        fields[2, y, x] = pixels[image, y, x] * dark[y, x]
                        fields[3, y, x] = dark[y, x]
            width = sides[number]
            reach = width // 2
            field = fields[number]
            # Along one axis and then, turned, along the other; lines are mirrored at their ends.
            for _axis in range(2):
                total[:] = 0.0
                for place in range(-reach, width - reach):
                    at = place if place >= 0 else -1 - place
                    at = at if at < size else 2 * size - 1 - at
                    for x in range(size):
                        total[x] += np.float64(field[at, x])
                for x in range(size):
                    total[x] /= np.float64(width)
                    half[x, 0] = np.float32(total[x])
                for y in range(1, size):
                    left, enters = y - 1 - reach, y + reach
                    left = left if left >= 0 else -1 - left
                    enters = enters if enters < size else 2 * size - 1 - enters
                    for x in range(size):
                        total[x] += (np.float64(field[enters, x]) - np.float64(field[left, x])) / np.float64(width)
                        half[x, y] = np.float32(total[x])
                for y in range(size):
                    for x in range(size):
                        field[y, x] = half[y, x]
        for y in range(size):
            for x in range(size):
                mean = fields[2, y, x] / max(fields[3, y, x], least)
                found = (pixels[image, y, x] - mean) / np.float32(step)
                found = min(max(found, np.float32(-most)), np.float32(most)) * dark[y, x]
                out[image, y, x] = np.int8(found)
    return out
