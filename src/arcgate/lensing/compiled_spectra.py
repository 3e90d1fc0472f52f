"""Moments of pixels folded about the field's middle, compiled for the processor."""

from __future__ import annotations

import numpy as np

from arcgate.lensing.compiled_functions import SOURCES, compiled, entry


@compiled
def _folded(x_pix, y_pix, moments, begin, count, half, middle):
    """`spectra._folded` of rows whose entries are `count` from `begin` on (both (n,)), in a box of half-side `half` pixels.

    Returns
    -------
    ndarray (2, n, 2, 3 half, 3 half)
    """
    rows, width = len(begin), 3 * half
    out = np.zeros((2, rows, 2, width, width), moments.dtype)
    for row in range(rows):
        for i in range(begin[row], begin[row] + count[row]):
            x, y = x_pix[i] - middle, y_pix[i] - middle
            # A pixel p and its mirror image -1 - p lie at the same distance; in the mirror, the first degree changes its sign.
            left, below = (1 if x < 0 else 0), (1 if y < 0 else 0)
            x, y = 3 * (-1 - x if left else x), 3 * (-1 - y if below else y)
            if max(x, y) >= width:
                raise IndexError("an entry lies outside the box of its row")
            for line in range(3):
                for degree in range(3):
                    odd = (left and degree == 1) != (below and line == 1)
                    value = moments[i, line, degree]
                    out[left, row, below, y + line, x + degree] = -value if odd else value
    for row in range(rows):
        for line in range(width):
            for at in range(width):
                a, b = out[0, row, 0, line, at], out[1, row, 0, line, at]
                c, d = out[0, row, 1, line, at], out[1, row, 1, line, at]
                out[0, row, 0, line, at] = (a + b) + (c + d)
                out[1, row, 0, line, at] = (a - b) + (c - d)
                out[0, row, 1, line, at] = (a + b) - (c + d)
                out[1, row, 1, line, at] = (a - b) - (c - d)
    return out


@compiled
def _unfolded(even, odd):
    """`spectra._unfolded`."""
    _, rows, bands, half, _ = even.shape
    out = np.empty((rows, bands, 2 * half, 2 * half), even.dtype)
    for row in range(rows):
        for band in range(bands):
            for y in range(half):
                for x in range(half):
                    a, b = even[0, row, band, y, x], odd[0, row, band, y, x]
                    c, d = even[1, row, band, y, x], odd[1, row, band, y, x]
                    out[row, band, half + y, half + x] = (a + b) + (c + d)
                    out[row, band, half - 1 - y, half + x] = (a + b) - (c + d)
                    out[row, band, half + y, half - 1 - x] = (a - b) + (c - d)
                    out[row, band, half - 1 - y, half - 1 - x] = (a - b) - (c - d)
    return out


@compiled
def _half_boxes(row, x_pix, y_pix, rows, middle):
    """Half the side of the smallest box about the field's middle that holds the entries of each of so many rows, at least 1."""
    out = np.ones(rows, np.int64)
    for i in range(len(row)):
        if row[i] < 0 or row[i] >= rows:
            raise IndexError("an entry belongs to no row")
        x, y = x_pix[i] - middle, y_pix[i] - middle
        out[row[i]] = max(out[row[i]], 1 + max(x, -1 - x), 1 + max(y, -1 - y))
    return out


def _folded_entry(sources):
    @entry
    def folded(x_pix, y_pix, moments, begin, count, half, middle):
        sources  # noqa: B018
        return _folded(x_pix, y_pix, moments, begin, count, half, middle)

    return folded


folded = _folded_entry(SOURCES)


def _unfolded_entry(sources):
    @entry
    def unfolded(even, odd):
        sources  # noqa: B018
        return _unfolded(even, odd)

    return unfolded


unfolded = _unfolded_entry(SOURCES)


def _half_boxes_entry(sources):
    @entry
    def half_boxes(row, x_pix, y_pix, rows, middle):
        sources  # noqa: B018
        return _half_boxes(row, x_pix, y_pix, rows, middle)

    return half_boxes


half_boxes = _half_boxes_entry(SOURCES)
