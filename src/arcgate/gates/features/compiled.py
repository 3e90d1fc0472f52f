"""Loops over the pixels of stamps that a compiler turns into machine code: each reads its image once."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Floats = NDArray[np.float32]

# Sums may be taken in another order, as numpy does too; NaN and infinity stay what they are.
_compiled: Final = compiled("contract", "reassoc")


@_compiled
def ring_sums(image: Floats, inner: NDArray[np.uint8], share: Floats, places: int) -> Floats:
    """Light of each pixel divided between two neighbouring places: shape (n, band, places).

    Parameters
    ----------
    image : ndarray, float32 (n, band, pixel)
    inner : ndarray, uint8 (n, pixel)
        The first of the two places.
    share : ndarray, float32 (n, pixel)
        What the second gets; the first gets the rest.
    places : int
    """
    n, bands, pixels = image.shape
    out = np.zeros((n, bands, places), dtype=np.float32)
    for row in range(n):
        for pixel in range(pixels):
            place, part = inner[row, pixel], share[row, pixel]
            for band in range(bands):
                value = image[row, band, pixel]
                out[row, band, place] += (np.float32(1.0) - part) * value
                out[row, band, place + 1] += part * value
    return out


@_compiled
def border_roughness(image: Floats, strip_pix: int) -> Floats:
    """Mean modulus of second differences along both axes in the outermost strips: shape (n, band).

    Parameters
    ----------
    image : ndarray, float32 (n, band, y, x)
    strip_pix : int
        Width of the strips at the four sides; the corners belong to the upper and lower one.
    """
    n, bands, height, width = image.shape
    out = np.empty((n, bands), dtype=np.float32)
    for row in range(n):
        for band in range(bands):
            light, total, count = image[row, band], 0.0, 0
            for y in range(height - 1):
                part, inside = np.float32(0.0), strip_pix <= y < height - strip_pix
                if (inside and y + 1 == height - strip_pix) or (not inside and y + 1 == strip_pix):
                    continue
                for x in range(strip_pix - 1 if inside else width - 1):
                    part += abs(light[y + 1, x + 1] - light[y, x + 1] - (light[y + 1, x] - light[y, x]))
                    count += 1
                if inside:
                    for x in range(width - strip_pix, width - 1):
                        part += abs(light[y + 1, x + 1] - light[y, x + 1] - (light[y + 1, x] - light[y, x]))
                        count += 1
                total += float(part)
            out[row, band] = total / count
    return out


@_compiled
def counted(place: NDArray[np.uint8], places: int) -> NDArray[np.int32]:
    """How often each column holds each number below `places`: shape (column, places); larger ones are not counted.

    Parameters
    ----------
    place : ndarray, uint8 (n, column)
    places : int
    """
    out = np.zeros((place.shape[1], places), dtype=np.int32)
    for row in range(place.shape[0]):
        for column in range(place.shape[1]):
            if place[row, column] < places:
                out[column, place[row, column]] += 1
    return out
