"""Bricks as a mock survey uses them: each with its number and its own area, those around it, and all of them as a table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arcgate.survey.legacy.brick_scheme import (
    BRICK_DEG,
    ROWS,
    Array,
    Ids,
    column_sides,
    columns_of_rows,
    names_of,
    row_centres,
    rows_and_columns,
)


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
def _first_numbers() -> Ids:
    """BRICKID of the first brick of each row: numbers go by rows and then by columns, from 1."""
    return np.concatenate([[0], np.cumsum(columns_of_rows())[:-1]]) + 1


def brick_at(row: int, column: int) -> Brick:
    """The brick of a row and column; columns go on around the sky."""
    column %= int(columns_of_rows()[row])
    rows, columns = np.array([row]), np.array([column])
    ra1, ra2 = (float(side[0]) for side in column_sides(rows, columns))
    dec, name = float(row_centres(rows)[0]), names_of(rows, columns)[0].decode("ascii")
    number = int(_first_numbers()[row]) + column
    south, north = max(dec - BRICK_DEG / 2, -90.0), min(dec + BRICK_DEG / 2, 90.0)
    return Brick(name, number, row, column, 0.5 * (ra1 + ra2), dec, ra1, ra2, south, north)


def brick_holding(ra: float, dec: float) -> Brick:
    """The brick in whose own area a position (degrees) lies."""
    row, column = rows_and_columns(np.array([ra]), np.array([dec]))
    return brick_at(int(row[0]), int(column[0]))


def around(brick: Brick, reach_deg: float) -> Iterator[Brick]:
    """Bricks that touch a brick or come as near to it as `reach_deg` (less than the width of a brick), by number; not itself."""
    for row in range(max(brick.row - 1, 0), min(brick.row + 2, ROWS)):
        width = 360.0 / columns_of_rows()[row]
        margin = reach_deg / max(np.cos(np.deg2rad(min(abs(brick.dec) + BRICK_DEG, 89.0))), 0.02)
        first, last = (int(np.floor(edge / width)) for edge in (brick.ra1 - margin, brick.ra2 + margin))
        last = min(last, first + int(columns_of_rows()[row]) - 1)
        for column in sorted({each % int(columns_of_rows()[row]) for each in range(first, last + 1)}):
            if (row, column) != (brick.row, brick.column):
                yield brick_at(row, column)


def whole_sky() -> dict[str, NDArray[Any]]:
    """All bricks as columns of `survey-bricks.fits.gz`, in the order of their numbers."""
    columns = columns_of_rows()
    row = np.repeat(np.arange(ROWS), columns)
    column = np.arange(len(row)) - np.repeat(_first_numbers() - 1, columns)
    dec = row_centres(row)
    ra1, ra2 = column_sides(row, column)
    # Four kinds, no two of which touch, so that bricks of one kind can be worked on at once.
    kind = column % 2 + 2 * (row % 2)
    kind[row == 0] = 1
    return {
        "BRICKNAME": names_of(row, column),
        "BRICKID": np.arange(1, len(row) + 1, dtype=np.int32),
        "BRICKQ": kind.astype(np.int16),
        "BRICKROW": row.astype(np.int32),
        "BRICKCOL": column.astype(np.int32),
        "RA": 0.5 * (ra1 + ra2),
        "DEC": dec,
        "RA1": ra1,
        "RA2": ra2,
        "DEC1": np.maximum(dec - BRICK_DEG / 2, -90.0),
        "DEC2": np.minimum(dec + BRICK_DEG / 2, 90.0),
    }
