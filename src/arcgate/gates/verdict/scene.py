"""The pixels behind the rows, for explanations that are rendered only where something is wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS
from arcgate.gates.verdict.borders import batches
from arcgate.gates.verdict.host_model import HostModel

Array = NDArray[np.float64]
Pixels = NDArray[np.float32]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Scene:
    """Pixels of n rows and how they are weighed.

    Attributes
    ----------
    table : DataFrame of n rows
        What is declared.
    light, arc : ndarray, float32 (n, 3, 64, 64)
        Light found (stamps less their own galaxies, or less the mean host of their flux), and the declared arc.
    variance : ndarray (n, 3)
        Of a pixel.
    null : ndarray, float32 (n, 3, 64, 64), or None
        The same of controls, where hosts are in the way.
    hosts : HostModel or None
        Their covariance, where they are in the way.
    """

    table: pd.DataFrame
    light: Pixels
    arc: Pixels
    variance: Array
    null: Pixels | None
    hosts: HostModel | None

    def against(self, rows: Index, images: Pixels) -> tuple[Array, Array, Array]:
        """Inner products of what images (m, 3, 64, 64) add to the arcs of some rows.

        Returns
        -------
        product, found, null_found : ndarray (m, 3)
            With themselves; with the light beyond the arcs; with controls (zeros where there is nothing to hide it).
        """
        parts = []
        for some in batches(len(rows)):
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

    def weighed(self, rows: Index) -> Array:
        """Light found in some rows times the inverse covariance (m, 3, 64, 64); less that of controls where hosts hide it."""
        light = self.light[rows].astype(np.float64)
        if self.hosts is None or self.null is None:
            return light / self.variance[rows][:, :, None, None]
        out = np.empty((len(rows), len(BANDS), *light.shape[2:]))
        for some in batches(len(rows)):
            at = rows[some]
            beyond = light[some] - self.null[at]
            out[some] = self.hosts.weighed(self.table.iloc[at], beyond, self.variance[at])
        return out
