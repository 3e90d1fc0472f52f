"""Rows with a position on the sky, as gates on positions look at them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.counted import Noticed
from arcgate.ground.sphere import nearest_arcsec, unit_vectors

Array = NDArray[np.float64]
Ids = NDArray[np.int64]
Mask = NDArray[np.bool_]

SAME_GALAXY_ARCSEC: Final = 1.0
"""Two rows closer than this show one galaxy: the width of the seeing, within which catalogues tell no two apart."""
POSITION: Final = ("ra", "dec")
VIEW: Final = "table"
NOTICED: Final = "with a row moved there"


@dataclass(frozen=True, eq=False)
class SkyRows:
    """Rows that have a position.

    Attributes
    ----------
    table : DataFrame of n rows
    points : ndarray, shape (n, 3)
        On the unit sphere.
    """

    table: pd.DataFrame
    points: Array

    def __len__(self) -> int:
        return len(self.table)

    def take(self, rows: Mask) -> SkyRows:
        """Some of the rows."""
        return SkyRows(self.table[rows].reset_index(drop=True), self.points[rows])

    def codes(self, column: str) -> Ids:
        """A number for each value of a column."""
        return np.asarray(pd.factorize(self.table[column])[0], dtype=np.int64)

    def named(self, row: int, *columns: str) -> str:
        """A row by its galaxy's name and place, with some columns behind it."""
        words = ", ".join(str(self.table[column].iloc[row]) for column in columns)
        return f"{self.table['host_id'].iloc[row]} at {self.place(row)} ({words})"

    def place(self, row: int) -> str:
        """Right ascension and declination of a row."""
        ra, dec = (float(self.table[name].iloc[row]) for name in POSITION)
        return f"{ra:.5f} {dec:+.5f}"


def sky_rows(table: pd.DataFrame) -> SkyRows:
    """The rows of a table that have a position: columns ra and dec, degrees."""
    ra, dec = (table[name].to_numpy(np.float64, na_value=np.nan) for name in POSITION)
    known = np.isfinite(ra) & np.isfinite(dec)
    return SkyRows(table[known].reset_index(drop=True), unit_vectors(ra[known], dec[known]))


def none_left(table: pd.DataFrame, left: pd.DataFrame, what: str, *columns: str) -> str:
    """That a split, or one of the classes, has rows in `table` and none in `left`, those that have `what`; empty if it is not so.

    Nothing of it was looked at then, so that the silence of a gate does not speak for it.
    """
    for name in columns:
        there, still = (set(rows[name].dropna().astype(str)) if name in rows else set() for rows in (table, left))
        lost = sorted(there - still if name == "split" else (there - still) & {"positive", "control"})
        if lost:
            return f"no row of the split {lost[0]} has {what}" if name == "split" else f"no {lost[0]} has {what}"
    return ""


def asked(facts: Facts, *columns: str) -> list[str]:
    """Columns that a gate on positions asks for; none where the rows have no positions on the sky."""
    if not facts.on_the_sky:
        return []
    return [name for name in dict.fromkeys((*columns, "host_id", "role", *POSITION)) if name in facts.columns]


def moved_north(points: Array, arcsec: float) -> Array:
    """Points of the sphere moved towards the north pole along their meridians; those near the pole towards the south."""
    dec = np.arcsin(np.clip(points[:, 2], -1.0, 1.0))
    ra = np.arctan2(points[:, 1], points[:, 0])
    step = np.radians(arcsec / 3600.0)
    north = np.degrees(np.where(dec + step > np.pi / 2, dec - step, dec + step))
    return unit_vectors(np.degrees(ra), north)


def planted_beside(points: Array, arcsec: float) -> Noticed:
    """Whether a row that is moved to within a distance of each of a few `points` is found near them."""
    some = points[:: max(len(points) // 8, 1)]
    near, _ = nearest_arcsec(moved_north(some, 0.9 * arcsec), points, arcsec)
    return Noticed(bool(len(some) and np.isfinite(near).all()))
