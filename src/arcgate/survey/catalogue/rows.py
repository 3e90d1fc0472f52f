"""Rows of a piece of a sweep that are still in: columns are looked at for them alone, when a cut asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Extinction = Literal["observed", "dereddened"]
Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Rows:
    """What cuts see.

    Attributes
    ----------
    piece : mapping of str to ndarray
        Columns of all rows of a piece, big-endian as in the file, in memory of their own or not.
    left : ndarray of int, or None
        Numbers of the rows that are still in, ascending; None: all of them.
    size : int
        How many there are.
    south : bool
        Whether they are of the southern survey (DECam) or of the northern one (BASS and MzLS), whose filters differ.
    extinction : {'observed', 'dereddened'}
        Whether magnitudes and colours are those of the file, or corrected for the Milky Way's extinction.
    logical : frozenset of str
        Columns of truth values, kept as letters.
    """

    piece: Mapping[str, NDArray[np.generic]]
    left: NDArray[np.int64] | None
    size: int
    south: bool
    extinction: Extinction
    logical: frozenset[str] = frozenset()

    def __getitem__(self, name: str) -> NDArray[np.generic]:
        """A column of the rows that are still in, in native byte order."""
        column = self.piece[name]
        if self.left is not None:
            column = column[self.left]
        if name in self.logical:
            return np.asarray(column == ord("T"))
        return column.astype(column.dtype.newbyteorder("="), copy=False)

    def __contains__(self, name: object) -> bool:
        return name in self.piece

    def only(self, passed: NDArray[np.bool_]) -> Rows:
        """Those of the rows that passed, in the same order."""
        kept = np.flatnonzero(passed)
        return replace(self, left=kept if self.left is None else self.left[kept], size=len(kept))

    def with_extinction(self, extinction: Extinction) -> Rows:
        """The same rows, with magnitudes as observed, or corrected for extinction."""
        return replace(self, extinction=extinction)

    def magnitude(self, band: str, stem: str = "FLUX", extinction: Extinction | None = None) -> Array:
        """AB magnitudes, 22.5 - 2.5 log10(flux); NaN where the flux is not positive.

        Parameters
        ----------
        band : str
            Such as `g` or `W1`.
        stem : {'FLUX', 'FIBERFLUX', 'FIBERTOTFLUX'}
            Which flux, nanomaggies.
        extinction : {'observed', 'dereddened'}, optional
            Instead of that of the rows.
        """
        name = band.upper()
        flux = self[f"{stem}_{name}"].astype(np.float64)
        if (extinction or self.extinction) == "dereddened":
            with np.errstate(divide="ignore", invalid="ignore"):
                flux = flux / self[f"MW_TRANSMISSION_{name}"].astype(np.float64)
        return ab_magnitude(flux)


def ab_magnitude(flux: Array) -> Array:
    """AB magnitude of a flux in nanomaggies; NaN where it is not positive or not finite."""
    bright = np.isfinite(flux) & (flux > 0)
    return np.asarray(22.5 - 2.5 * np.log10(np.where(bright, flux, np.nan)))
