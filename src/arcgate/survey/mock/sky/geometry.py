"""Bricks: the Legacy Surveys' division of the whole sky, computed from its definition.

Rows of 0.25 degrees in declination, centred on multiples of 0.25 degrees; in each row an even number of columns of equal width,
as few as leave no column wider than 0.25 degrees anywhere in the row; one brick at each pole. Numbers count from the south pole
on, by rows and then by right ascension, from 1. Names are the centre's coordinates in tenths of a degree, cut off, not rounded.
Source: data model of `survey-bricks.fits.gz`, legacysurvey.org; tests compare with genuine rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

ROW_DEG: Final = 0.25
_ROWS: Final = 721
# Names are cut off after rounding to this share of a degree, so that 39.6 is not 39.5.
_NAME_STEPS: Final = 10_000


@dataclass(frozen=True)
class Brick:
    """One brick.

    Attributes
    ----------
    name : str
        Such as `1126p222`.
    number : int
        BRICKID.
    row, column : int
        Counted from 0 at the south pole and at right ascension 0.
    ra, dec : float
        Centre, degrees.
    ra1, ra2, dec1, dec2 : float
        The area that is this brick's own: lower limits belong to it, upper ones to the next.
    """

    name: str
    number: int
    row: int
    column: int
    ra: float
    dec: float
    ra1: float
    ra2: float
    dec1: float
    dec2: float

    def holds(self, ra: Array, dec: Array) -> NDArray[np.bool_]:
        """Which positions (degrees, right ascension in [0, 360)) lie in the brick's own area."""
        return (ra >= self.ra1) & (ra < self.ra2) & (dec >= self.dec1) & (dec < self.dec2)


@cache
def columns_of_rows() -> Integers:
    """Number of bricks in each row."""
    centres = row_centres(np.arange(_ROWS))
    # Where a row is widest: on its side towards the equator.
    widest = np.cos(np.deg2rad(np.abs(centres) - ROW_DEG / 2.0))
    columns = 2 * np.ceil(360.0 / ROW_DEG * widest / 2.0).astype(np.int64)
    columns[[0, -1]] = 1
    return columns


def row_centres(rows: Integers) -> Array:
    """Declination of the middle of rows, degrees."""
    return np.asarray(-90.0 + ROW_DEG * rows, dtype=np.float64)


@cache
def _first_numbers() -> Integers:
    """BRICKID of the first brick of each row."""
    return np.concatenate([[0], np.cumsum(columns_of_rows())[:-1]]) + 1


def brick_at(row: int, column: int) -> Brick:
    """The brick of a row and column; columns go on around the sky."""
    columns = int(columns_of_rows()[row])
    column %= columns
    dec = float(row_centres(np.array(row)))
    ra1, ra2 = 360.0 * column / columns, 360.0 * (column + 1) / columns
    ra = 0.5 * (ra1 + ra2)
    name = _names(np.array([ra]), np.array([dec]))[0].decode("ascii")
    number = int(_first_numbers()[row]) + column
    return Brick(name, number, row, column, ra, dec, ra1, ra2, max(dec - ROW_DEG / 2, -90.0), min(dec + ROW_DEG / 2, 90.0))


def brick_holding(ra: float, dec: float) -> Brick:
    """The brick in whose own area a position (degrees) lies."""
    row = int((dec + 90.0 + ROW_DEG / 2.0) / ROW_DEG)
    return brick_at(row, int((ra % 360.0) / 360.0 * columns_of_rows()[row]))


def around(brick: Brick, reach_deg: float) -> Iterator[Brick]:
    """Bricks that touch a brick or come as near to it as `reach_deg` (less than the width of a brick), by number; not itself."""
    for row in range(max(brick.row - 1, 0), min(brick.row + 2, _ROWS)):
        width = 360.0 / columns_of_rows()[row]
        margin = reach_deg / max(np.cos(np.deg2rad(min(abs(brick.dec) + ROW_DEG, 89.0))), 0.02)
        first, last = (int(np.floor(edge / width)) for edge in (brick.ra1 - margin, brick.ra2 + margin))
        last = min(last, first + int(columns_of_rows()[row]) - 1)
        for column in sorted({each % int(columns_of_rows()[row]) for each in range(first, last + 1)}):
            if (row, column) != (brick.row, brick.column):
                yield brick_at(row, column)


def whole_sky() -> dict[str, NDArray[Any]]:
    """All bricks as columns of `survey-bricks.fits.gz`, in the order of their numbers."""
    columns = columns_of_rows()
    row = np.repeat(np.arange(_ROWS), columns)
    column = np.arange(len(row)) - np.repeat(_first_numbers() - 1, columns)
    dec = row_centres(row)
    ra1, ra2 = 360.0 * column / columns[row], 360.0 * (column + 1) / columns[row]
    ra = 0.5 * (ra1 + ra2)
    # Four kinds, no two of which touch, so that bricks of one kind can be worked on at once.
    kind = column % 2 + 2 * (row % 2)
    kind[row == 0] = 1
    return {
        "BRICKNAME": _names(ra, dec),
        "BRICKID": np.arange(1, len(row) + 1, dtype=np.int32),
        "BRICKQ": kind.astype(np.int16),
        "BRICKROW": row.astype(np.int32),
        "BRICKCOL": column.astype(np.int32),
        "RA": ra,
        "DEC": dec,
        "RA1": ra1,
        "RA2": ra2,
        "DEC1": np.maximum(dec - ROW_DEG / 2, -90.0),
        "DEC2": np.minimum(dec + ROW_DEG / 2, 90.0),
    }


def _names(ra: Array, dec: Array) -> NDArray[np.bytes_]:
    tenths_ra, tenths_dec = (np.rint(np.abs(value) * _NAME_STEPS).astype(np.int64) // (_NAME_STEPS // 10) for value in (ra, dec))
    # Digits as characters: formatting each of 662,174 names apart would take seconds.
    digits = [
        tenths_ra // 1000,
        tenths_ra // 100,
        tenths_ra // 10,
        tenths_ra,
        None,
        tenths_dec // 100,
        tenths_dec // 10,
        tenths_dec,
    ]
    text = np.empty((len(ra), 8), dtype="S1")
    for place, digit in enumerate(digits):
        if digit is None:
            text[:, place] = np.where(dec >= 0, b"p", b"m")
        else:
            text[:, place] = (48 + digit % 10).astype(np.uint8).view("S1")
    return text.view("S8")[:, 0]
