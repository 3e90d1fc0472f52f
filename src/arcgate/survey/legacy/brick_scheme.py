"""Which brick of the Legacy Surveys a position lies in: a scheme of the whole sky, the same in every release."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

BRICK_DEG: Final = 0.25
"""Height of a brick, and its greatest width, degrees."""


def bricks_in_row(row: Ids) -> Ids:
    """How many bricks a row of declination has: an even number, each at most 0.25 degrees wide; one at either pole."""
    rows = round(180.0 / BRICK_DEG) + 1
    nearest_edge = np.abs(-90.0 + BRICK_DEG * row) - BRICK_DEG / 2.0
    columns = 2 * np.ceil(360.0 / BRICK_DEG * np.cos(np.radians(nearest_edge)) / 2.0).astype(np.int64)
    return np.where((row == 0) | (row == rows - 1), 1, columns)


def brick_centres(ra_deg: Array, dec_deg: Array) -> tuple[Array, Array]:
    """Centre of the brick that each position lies in, degrees.

    Rows of bricks have their centres at multiples of 0.25 degrees of declination (desiutil, `brick.Bricks`).
    """
    row = np.floor((dec_deg + 90.0 + BRICK_DEG / 2.0) / BRICK_DEG).astype(np.int64)
    columns = bricks_in_row(row)
    column = np.minimum(np.floor((ra_deg % 360.0) / 360.0 * columns), columns - 1)
    ra: Array = (column + 0.5) * 360.0 / columns
    dec: Array = -90.0 + BRICK_DEG * row.astype(np.float64)
    return ra, dec


def brick_names(ra_deg: Array, dec_deg: Array) -> list[str]:
    """BRICKNAME of the brick that each position lies in, such as 1126p222: tenths of degrees of its centre, cut off."""
    ra, dec = brick_centres(ra_deg, dec_deg)
    # A tenth of a degree less a last bit must not become the tenth below it.
    east, north = np.floor(10.0 * ra + 1e-6).astype(int), np.floor(10.0 * np.abs(dec) + 1e-6).astype(int)
    return [f"{e:04d}{'m' if d < 0 else 'p'}{n:03d}" for e, d, n in zip(east, dec, north, strict=True)]
