"""Parents whose stamps share no sky across splits: of two galaxies whose stamps overlap both leave, where splits part them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.imaging import Imaging
from arcgate.survey.places import Parents, Place
from arcgate.survey.splits import OVERLAP_ARCSEC, crossing_neighbours, overlapping, split_of


def apart(parents: Parents) -> Parents:
    """The same parents without galaxies near one of another split: within 25 arcsec, or a larger stamp's diagonal."""
    radius = max(OVERLAP_ARCSEC, parents.imaging.diagonal_arcsec)
    table = parents.catalogue
    ra, dec = (table[name].to_numpy(np.float64) for name in ("ra", "dec"))
    crossing = crossing_neighbours(ra, dec, split_of(table), radius)
    return ApartParents(parents, np.flatnonzero(~crossing).astype(np.int64), radius) if crossing.any() else parents


@dataclass(frozen=True, eq=False)
class ApartParents:
    """Some galaxies of other parents, as `Parents`; they keep their digest, since what is cut out of each is the same.

    Attributes
    ----------
    whole : Parents
    rows : ndarray of int, shape (n,)
        Catalogue rows of those that stay.
    radius_arcsec : float
        Within which others left.
    """

    whole: Parents
    rows: NDArray[np.int64]
    radius_arcsec: float

    @property
    def digest(self) -> str:
        """Of the whole."""
        return self.whole.digest

    @property
    def imaging(self) -> Imaging:
        """Of the stamps."""
        return self.whole.imaging

    @cached_property
    def catalogue(self) -> pd.DataFrame:
        """Of those that stay."""
        return self.whole.catalogue.iloc[self.rows].reset_index(drop=True)

    @property
    def left_out(self) -> dict[str, int]:
        """What the whole leaves out, and galaxies near one of another split."""
        return self.whole.left_out | {overlapping(self.radius_arcsec): self._lost}

    @property
    def cut_flow(self) -> list[tuple[str, int]]:
        """Of the whole, and galaxies near one of another split taken out."""
        flow = self.whole.cut_flow
        return [*flow, (overlapping(self.radius_arcsec).replace("a galaxy", "no galaxy", 1), len(self.rows))] if flow else []

    @property
    def kernels(self) -> pd.DataFrame | None:
        """Of the whole."""
        return self.whole.kernels

    @property
    def places(self) -> NDArray[np.int64]:
        """Of those that stay."""
        return self.whole.places[self.rows]

    def place(self, rows: NDArray[np.int64]) -> Place:
        """Galaxies by row of this catalogue."""
        return self.whole.place(self.rows[rows])

    def warm_up(self) -> None:
        """As the whole does."""
        self.whole.warm_up()

    def describe(self) -> str:
        """One line for cards and dry runs."""
        return f"{self.whole.describe()}; {self._lost:,} left out for {overlapping(self.radius_arcsec)}"

    @property
    def _lost(self) -> int:
        return len(self.whole.catalogue) - len(self.rows)
