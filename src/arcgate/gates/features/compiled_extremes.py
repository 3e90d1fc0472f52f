"""The loops behind the tails: each reads the pixels of a stamp once, and is turned into machine code."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from arcgate.ground.compiling import compiled

Floats = NDArray[np.float32]
Places = NDArray[np.int32]

# Pixels are finite (`finite_pixels` leaves others out), so that largest and smallest ones may be looked for in any order.
_compiled: Final = compiled("contract", "reassoc", "nnan", "nsz")
# A mean along a line takes no more than this from one pixel, in units of its scale.
CLIP: Final = np.float32(3.0)
_MIX: Final = np.uint32(2654435761)
_MIX_ANEW: Final = np.uint32(2246822519)


@_compiled
def contrasts(image: Floats, sky: Floats) -> tuple[Floats, Places]:
    """How far pixels and lines stand out from their neighbours.

    The contrast of a pixel is (p - m) / (sky + |m|), with the mean m of its up to eight neighbours: sky sigma where it is dark,
    and a share of the light around it where it is bright, so that stars and cores, which the PSF has smoothed, stay small.

    Parameters
    ----------
    image : ndarray, float32 (n, band, y, x)
    sky : ndarray, float32 (n, band)
        Unit of the image.

    Returns
    -------
    values : ndarray, float32 (n, band, 5)
        Largest and smallest contrast of a pixel; largest and smallest mean contrast along a column or row (each pixel within
        +-`CLIP`); mean of the contrast's modulus (within `CLIP`).
    places : ndarray, int32 (n, band, 4)
        Where the first four are: a pixel, y times the width plus x; a column x, or -1 - y for a row.
    """
    n, bands, height, width = image.shape
    values = np.empty((n, bands, 5), dtype=np.float32)
    places = np.empty((n, bands, 4), dtype=np.int32)
    beside = np.empty(width, dtype=np.float32)
    line, column = np.empty_like(beside), np.empty_like(beside)
    for row in range(n):
        for band in range(bands):
            light, unit = image[row, band], sky[row, band]
            best, worst, best_at, worst_at = np.float32(-np.inf), np.float32(np.inf), 0, 0
            bright, dark, bright_at, dark_at = np.float32(-np.inf), np.float32(np.inf), 0, 0
            modulus = np.float32(0.0)
            column[:] = np.float32(0.0)
            for y in range(height):
                above, below = max(y - 1, 0), min(y + 1, height - 1)
                # In the first and last line the line itself stands for its missing neighbour, and is not added again.
                inside = np.float32(1.0) if above < y < below else np.float32(0.0)
                for x in range(width):
                    beside[x] = light[above, x] + light[below, x] + inside * light[y, x]
                some = np.float32(1.0) / (np.float32(5.0) + np.float32(3.0) * inside)
                for x in range(1, width - 1):
                    mean = (beside[x - 1] + beside[x] + beside[x + 1] - light[y, x]) * some
                    line[x] = (light[y, x] - mean) / (unit + abs(mean))
                some = np.float32(1.0) / (np.float32(3.0) + np.float32(2.0) * inside)
                for x, other in ((0, 1), (width - 1, width - 2)):
                    mean = (beside[x] + beside[other] - light[y, x]) * some
                    line[x] = (light[y, x] - mean) / (unit + abs(mean))
                most, least, total = line[0], line[0], np.float32(0.0)
                for x in range(width):
                    most, least = max(most, line[x]), min(least, line[x])
                    clipped = min(max(line[x], -CLIP), CLIP)
                    column[x] += clipped
                    total += clipped
                    modulus += abs(clipped)
                if most > best:
                    best, best_at = most, y * width + int(np.argmax(line))
                if least < worst:
                    worst, worst_at = least, y * width + int(np.argmin(line))
                total /= np.float32(width)
                if total > bright:
                    bright, bright_at = total, -1 - y
                if total < dark:
                    dark, dark_at = total, -1 - y
            for x in range(width):
                mean = column[x] / np.float32(height)
                if mean > bright:
                    bright, bright_at = mean, x
                if mean < dark:
                    dark, dark_at = mean, x
            values[row, band, 0], values[row, band, 1] = best, worst
            values[row, band, 2], values[row, band, 3] = bright, dark
            values[row, band, 4] = modulus / np.float32(height * width)
            places[row, band, 0], places[row, band, 1] = best_at, worst_at
            places[row, band, 2], places[row, band, 3] = bright_at, dark_at
    return values, places


@_compiled
def block_means(image: Floats, edges: NDArray[np.int64]) -> Floats:
    """Means over the rectangles between neighbouring edges along both axes.

    Parameters
    ----------
    image : ndarray, float32 (n, band, y, x)
    edges : ndarray of int, shape (k + 1,)
        Ascending; pixels before the first and from the last one on do not count.

    Returns
    -------
    ndarray, float32 (n, band, k, k)
    """
    n, bands, _, width = image.shape
    count = len(edges) - 1
    out = np.zeros((n, bands, count, count), dtype=np.float32)
    line = np.empty(width, dtype=np.float32)
    for row in range(n):
        for band in range(bands):
            for first in range(count):
                line[:] = np.float32(0.0)
                for y in range(edges[first], edges[first + 1]):
                    for x in range(width):
                        line[x] += image[row, band, y, x]
                for second in range(count):
                    total = np.float32(0.0)
                    for x in range(edges[second], edges[second + 1]):
                        total += line[x]
                    area = (edges[first + 1] - edges[first]) * (edges[second + 1] - edges[second])
                    out[row, band, first, second] = total / np.float32(area)
    return out


@_compiled
def repeats(image: Floats, faint: Floats) -> NDArray[np.int32]:
    """The largest number of pixels of a band that share a value, and the number of exact zeros: shape (n, band, 2).

    Values are compared without their last two bits, and zeros and pixels fainter than `faint` do not count: see `summaries.bits`
    for what adding an arc leaves there.

    Parameters
    ----------
    image : ndarray, float32 (n, band, pixel)
    faint : ndarray, float32 (n, band)
        Above zero; unit of the image.
    """
    n, bands, pixels = image.shape
    out = np.zeros((n, bands, 2), dtype=np.int32)
    # Few values share a place among eight times as many as there are pixels: only these need be told apart.
    width = 1
    while (1 << width) < 8 * pixels:
        width += 1
    shift = np.uint32(32 - width)
    met = np.empty(1 << width, dtype=np.uint8)
    keys, places = np.empty(pixels, dtype=np.uint32), np.empty(pixels, dtype=np.uint32)
    held, count = np.empty(4 * pixels, dtype=np.uint32), np.empty(4 * pixels, dtype=np.int32)
    for row in range(n):
        for band in range(bands):
            light, least = image[row, band], faint[row, band]
            bits = light.view(np.uint32)
            zeros, size, left = 0, 0, 0
            for pixel in range(pixels):
                zeros += int(light[pixel] == np.float32(0.0))
            for pixel in range(pixels):
                # Written always, and kept where it counts.
                keys[size] = bits[pixel] >> np.uint32(2)
                size += int(abs(light[pixel]) >= least)
            met[:] = np.uint8(0)
            for i in range(size):
                places[i] = np.uint32(keys[i] * _MIX) >> shift
                met[places[i]] = min(met[places[i]] + np.uint8(1), np.uint8(2))
            for i in range(size):
                keys[left] = keys[i]
                left += int(met[places[i]] > np.uint8(1))
            most, few = min(size, 1), 1
            while (1 << few) < 2 * left:
                few += 1
            last, shorter = (1 << few) - 1, np.uint32(32 - few)
            # Nothing that counts has only zeros among its bits: a zero is an empty place.
            held[: last + 1] = np.uint32(0)
            for i in range(left):
                key = keys[i]
                at = np.int64(np.uint32(key * _MIX_ANEW) >> shorter)
                while held[at] != key:
                    if held[at] == np.uint32(0):
                        held[at], count[at] = key, np.int32(0)
                    else:
                        at = (at + 1) & last
                count[at] += np.int32(1)
                most = max(most, count[at])
            out[row, band, 0], out[row, band, 1] = most, zeros
    return out


@_compiled
def row_extremes(stamp: Floats, control: Floats, arc: Floats, left: Floats) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What an arc and what is left of it are like in each band.

    Parameters
    ----------
    stamp, control, arc, left : ndarray, float32 (n, band, pixel)

    Returns
    -------
    values : ndarray (n, band, 5)
        The largest modulus of stamp and control; largest value and mean square of the arc; largest modulus and mean of what is
        left.
    places : ndarray of int (n, band)
        Pixel of the largest modulus of what is left, the first of several.
    """
    n, bands, pixels = arc.shape
    values = np.empty((n, bands, 5), dtype=np.float64)
    places = np.empty((n, bands), dtype=np.int64)
    for row in range(n):
        for band in range(bands):
            bright, peak, most = np.float32(0.0), np.float32(-np.inf), np.float32(0.0)
            square, total = 0.0, 0.0
            with_arc, without, light, rest = stamp[row, band], control[row, band], arc[row, band], left[row, band]
            for pixel in range(pixels):
                bright = max(bright, max(abs(with_arc[pixel]), abs(without[pixel])))
                peak = max(peak, light[pixel])
                most = max(most, abs(rest[pixel]))
                square += np.float64(light[pixel]) * np.float64(light[pixel])
                total += np.float64(rest[pixel])
            place = 0
            while abs(rest[place]) != most:
                place += 1
            values[row, band, 0], values[row, band, 1], values[row, band, 2] = bright, peak, square / pixels
            values[row, band, 3], values[row, band, 4] = most, total / pixels
            places[row, band] = place
    return values, places
