"""Rows as their survey declares them, and their arcs as a renderer that misreads something would have them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.references import NONE, References
from arcgate.imaging import Imaging
from arcgate.injection.arcs import Psfs, declared_psfs, lensed, source_fluxes
from arcgate.lensing.psf import Psf

Array = NDArray[np.float64]
Light = NDArray[np.float32]
Columns = Mapping[str, Array]


@dataclass(frozen=True)
class DeclaredRows:
    """What is declared of n rows; no light that was found.

    Attributes
    ----------
    table : DataFrame of n rows
        Manifest columns with host_x_pix, host_y_pix and sky_sigma.
    imaging : Imaging
        Of their stamps.
    references : References
        Kernels and images that rows name.
    """

    table: pd.DataFrame
    imaging: Imaging
    references: References = NONE

    @cached_property
    def psfs(self) -> list[Psfs]:
        """The PSFs of each row, one a band: kernels where rows name some, else Moffats of the widths that psfsize implies."""
        return declared_psfs(self.table, self.imaging, self.references)

    @cached_property
    def psfsizes(self) -> Array:
        """Declared psfsize, arcsec, (n, band)."""
        return self.by_band("psfsize")

    @cached_property
    def betas(self) -> Array:
        """Declared exponent of a Moffat, (n, band)."""
        return self.by_band("psf_beta_declared")

    def column(self, name: str) -> Array:
        """A column of numbers, (n,)."""
        return self.table[name].to_numpy(np.float64)

    def by_band(self, stem: str) -> Array:
        """Columns `<stem>_<band>`, (n, band)."""
        return self.table[[f"{stem}_{band}" for band in self.imaging.bands]].to_numpy(np.float64)

    def with_columns(self, changed: Columns) -> Light:
        """Arcs with some columns read otherwise and the PSFs that are declared, before any mask, float32 (n, band, y, x)."""
        return self._stamps(self.table.assign(**changed), self.psfs, 1)

    def with_each(self, changes: Sequence[Columns]) -> list[Light]:
        """`with_columns` of several changes, rendered together: what a call costs by itself is paid once."""
        if not changes:
            return []
        table = pd.concat([self.table.assign(**changed) for changed in changes], ignore_index=True)
        return np.split(self._stamps(table, self.psfs * len(changes), 1), len(changes))

    def with_psfs(self, variants: Sequence[Sequence[Psfs]]) -> list[Light]:
        """Arcs with other PSFs, before any mask: one array (n, band, y, x) for each choice.

        Rays are traced once for all of them.
        """
        psfs = [tuple(psf for variant in variants for psf in variant[row]) for row in range(len(self.table))]
        return np.split(self._stamps(self.table, psfs, len(variants)), len(variants), axis=1)

    def _stamps(self, table: pd.DataFrame, psfs: Sequence[Psfs], copies: int) -> Light:
        fluxes = np.tile(source_fluxes(table, self.imaging), (1, copies))
        return lensed(table, psfs, fluxes, self.imaging, self.references).image.numpy()


def widened(psfs: Psfs, factor: float) -> Psfs:
    """PSFs of the same shape and another width."""
    return tuple(psf.stretched(factor) for psf in psfs)


def profiles(kind: Literal["gaussian", "moffat"], widths: Iterable[float], betas: Iterable[float | None]) -> tuple[Psf, ...]:
    """PSFs of known profile from their FWHM (arcsec) and exponents (None of a Gaussian), one a band."""
    pairs = zip(widths, betas, strict=True)
    return tuple(Psf(kind, float(width), None if beta is None else float(beta)) for width, beta in pairs)
