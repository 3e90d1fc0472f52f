"""The pixels behind the rows, for explanations that are rendered only where something is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.references import NONE, References
from arcgate.gates.verdict.borders import batches
from arcgate.gates.verdict.host_model import HostModel
from arcgate.imaging import Imaging

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
Images = NDArray[np.floating]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Scene:
    """Pixels of n rows and how they are weighed.

    Attributes
    ----------
    imaging : Imaging
        Of the stamps.
    table : DataFrame of n rows
        What is declared.
    light, arc : ndarray, float32 (n, band, y, x)
        Light found (stamps less their own galaxies, or less the mean host of their flux), and the declared arc.
    variance : ndarray (n, band)
        Of a pixel.
    null : ndarray, float32 (n, band, y, x), or None
        The same of controls, where hosts are in the way.
    hosts : HostModel or None
        Their covariance, where they are in the way.
    references : References
        Kernels and images that rows name.
    """

    imaging: Imaging
    table: pd.DataFrame
    light: Pixels
    arc: Pixels
    variance: Array
    null: Pixels | None
    hosts: HostModel | None
    references: References = NONE

    def against(self, rows: Index, images: Images) -> tuple[Array, Array, Array]:
        """Inner products of what images (m, band, y, x) add to the arcs of some rows.

        Returns
        -------
        product, found, null_found : ndarray (m, band)
            With themselves; with the light beyond the arcs; with controls (zeros where there is nothing to hide it).
        """
        parts = []
        for some in batches(len(rows), self.imaging):
            at = rows[some]
            more = images[some].astype(np.float64) - self.arc[at]
            rest = self.light[at].astype(np.float64) - self.arc[at]
            if self.hosts is None or self.null is None:
                scaled = more / self.variance[at][:, :, None, None]
                parts.append(((scaled * more).sum(axis=(2, 3)), (scaled * rest).sum(axis=(2, 3)), np.zeros(more.shape[:2])))
                continue
            stacked = np.stack([more, rest, self.null[at].astype(np.float64)], axis=1)
            inner = self.hosts.inner(self.table.iloc[at], stacked, self.variance[at])
            parts.append((inner[:, :, 0, 0], inner[:, :, 0, 1], inner[:, :, 0, 2]))
        product, found, null_found = (np.concatenate(column) for column in zip(*parts, strict=True))
        return product, found, null_found

    def few(self, rows: Index) -> Few:
        """Some rows, ready for many comparisons."""
        table = self.table.iloc[rows].reset_index(drop=True)
        factors = None if self.hosts is None else self.hosts.factors(table, self.variance[rows])
        few = Few(table, self.arc[rows].astype(np.float64), self.variance[rows], factors, np.zeros(0), np.zeros(0))
        light = self.light[rows].astype(np.float64)
        beyond = light if self.null is None else light - self.null[rows]
        return replace(few, rest=few.weighed(light - few.arc), matched=few.weighed(beyond))


@dataclass(frozen=True)
class Few:
    """Some rows of a scene.

    Attributes
    ----------
    table : DataFrame of m rows
    arc : ndarray (m, band, y, x)
        As declared.
    variance : ndarray (m, band)
    factors : tuple of ndarray, or None
        From `HostModel.factors`, where hosts are in the way.
    rest, matched : ndarray (m, band, y, x)
        Times the inverse covariance: light beyond the arcs; all light found, less that of controls where hosts are in the way.
    """

    table: pd.DataFrame
    arc: Array
    variance: Array
    factors: tuple[Array, Array] | None
    rest: Array
    matched: Array

    def weighed(self, images: Array) -> Array:
        """Images (m, band, y, x) times the inverse covariance."""
        clear = images
        if self.factors is not None:
            basis, hidden = self.factors
            seen = np.einsum("mbkl,mbl->mbk", hidden, self._modes(images, basis))
            clear = images - (seen @ basis).reshape(images.shape)
        weighed: Array = clear / self.variance[:, :, None, None]
        return weighed

    def added(self, images: Images) -> tuple[Array, Array]:
        """Inner products of what images (m, band, y, x) add to the arcs: with themselves and the light beyond, (m, band)."""
        more = images - self.arc
        return self.square(more), (more * self.rest).sum(axis=(2, 3))

    def square(self, images: Images) -> Array:
        """Inner product of images (m, band, y, x) with themselves, (m, band)."""
        square: Array = np.square(images).sum(axis=(2, 3))
        if self.factors is not None:
            basis, hidden = self.factors
            modes = self._modes(images, basis)
            square = square - np.einsum("mbk,mbkl,mbl->mb", modes, hidden, modes, optimize=True)
        return square / self.variance

    def _modes(self, images: Images, basis: Array) -> Array:
        modes: Array = images.reshape(*images.shape[:2], -1) @ np.swapaxes(basis, 1, 2)
        return modes
