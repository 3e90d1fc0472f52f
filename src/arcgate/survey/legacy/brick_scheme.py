"""Bricks of the Legacy Surveys: a division of the whole sky, the same in every release, computed from its definition.

Rows of 0.25 degrees in declination, centred on multiples of 0.25 degrees; in each row an even number of columns of equal width,
as few as leave no column wider than 0.25 degrees anywhere in the row; one brick at each pole. Rows count from the south pole,
columns from right ascension 0. Names are the centre's coordinates in tenths of a degree, cut off, not rounded.
Source: data model of `survey-bricks.fits.gz`, legacysurvey.org, and desiutil, `brick.Bricks`; tests compare with genuine rows.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ids = NDArray[np.int64]

BRICK_DEG: Final = 0.25
"""Height of a brick, and its greatest width, degrees."""
ROWS: Final = 721


@cache
def columns_of_rows() -> Ids:
    """Number of bricks in each row."""
    # Where a row is widest: on its side towards the equator.
    widest = np.cos(np.radians(np.abs(row_centres(np.arange(ROWS))) - BRICK_DEG / 2.0))
    columns = 2 * np.ceil(360.0 / BRICK_DEG * widest / 2.0).astype(np.int64)
    columns[[0, -1]] = 1
    return columns


def row_centres(row: Ids) -> Array:
    """Declination of the middle of rows, degrees."""
    return np.asarray(-90.0 + BRICK_DEG * row, dtype=np.float64)


def column_sides(row: Ids, column: Ids) -> tuple[Array, Array]:
    """Right ascensions between which bricks lie, degrees."""
    columns = columns_of_rows()[row]
    return 360.0 * column / columns, 360.0 * (column + 1) / columns


def rows_and_columns(ra_deg: Array, dec_deg: Array) -> tuple[Ids, Ids]:
    """Row and column of the brick that each position lies in."""
    row = np.floor((dec_deg + 90.0 + BRICK_DEG / 2.0) / BRICK_DEG).astype(np.int64)
    columns = columns_of_rows()[row]
    return row, np.minimum(np.floor((ra_deg % 360.0) / 360.0 * columns).astype(np.int64), columns - 1)


def brick_centres(ra_deg: Array, dec_deg: Array) -> tuple[Array, Array]:
    """Centre of the brick that each position lies in, degrees."""
    row, column = rows_and_columns(ra_deg, dec_deg)
    ra1, ra2 = column_sides(row, column)
    return 0.5 * (ra1 + ra2), row_centres(row)


def brick_names(ra_deg: Array, dec_deg: Array) -> list[str]:
    """BRICKNAME of the brick that each position lies in, such as 1126p222."""
    return [name.decode("ascii") for name in names_of(*rows_and_columns(ra_deg, dec_deg)).tolist()]


def names_of(row: Ids, column: Ids) -> NDArray[np.bytes_]:
    """BRICKNAME of bricks, ASCII of 8 characters."""
    # In whole numbers, since 39.6 must not become 39.5 by a last bit.
    east, north = 3600 * (2 * column + 1) // (2 * columns_of_rows()[row]), np.abs(row - ROWS // 2) * 10 // 4
    text = np.empty((len(row), 8), dtype="S1")
    # Digits as characters: formatting each of 662,174 names apart would take seconds.
    for place, digit in zip((0, 1, 2, 3, 5, 6, 7), (*_digits(east, 4), *_digits(north, 3)), strict=True):
        text[:, place] = digit
    text[:, 4] = np.where(row < ROWS // 2, b"m", b"p")
    return text.view("S8")[:, 0]


def _digits(number: Ids, count: int) -> list[NDArray[np.bytes_]]:
    return [(48 + number // 10**power % 10).astype(np.uint8).view("S1") for power in reversed(range(count))]
