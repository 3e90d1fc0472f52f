"""The arcs that rows declare, as the declared PSF and mask show them, and the photon noise that they bring. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from arcgate.dataset.source import Facts
from arcgate.gates.core.stamps import Pixels
from arcgate.injection.arcs import Psfs, declared_psfs, render_arcs, used_psfs
from arcgate.injection.inject import core_mask, photons_of


@dataclass(frozen=True)
class Predicted:
    """Arcs of n rows, float32 (n, band, y, x).

    Attributes
    ----------
    declared : ndarray
        By the declared PSF, with the declared mask.
    whole : ndarray
        By the PSF that was used, without a mask.
    photons : tuple of two ndarrays, or None
        Photon noise as the arcs bring it, drawn twice; None where arcs have none.
    """

    declared: Pixels
    whole: Pixels
    photons: tuple[Pixels, Pixels] | None


def predicted(table: pd.DataFrame, stored: Pixels | None, facts: Facts) -> Predicted:
    """Predict the arcs of positives; `stored` are those of the data set, where it has any."""
    imaging, references = facts.imaging, facts.references
    if table.empty:
        nothing = np.zeros((0, *imaging.shape), dtype=np.float32)
        return Predicted(nothing, nothing, None)
    psfs = declared_psfs(table, imaging, references)
    full = render_arcs(table, psfs, imaging, references)[0]
    masked, noisy = ((table[name] != "none").to_numpy() for name in ("core_mask_kind", "arc_noise"))
    # The stored arc is the whole one, bit by bit, where neither a mask nor noise has touched it.
    whole, touched = full if stored is None else stored, np.flatnonzero(masked | noisy)
    if len(touched):
        whole = whole.copy()
        whole[touched] = _whole(table.iloc[touched].reset_index(drop=True), full[touched], [psfs[row] for row in touched], facts)
    mask = core_mask(table, imaging) if masked.any() else np.ones(1, dtype=np.float32)
    photons = None
    # Tables of other makers whose arcs carry no noise need not give the gain.
    if noisy.any():
        photons = (photons_of(table, full, "counterpart", imaging) * mask, photons_of(table, full, "twin", imaging) * mask)
    return Predicted(full * mask, whole, photons)


def _whole(table: pd.DataFrame, by_declared: Pixels, declared: list[Psfs], facts: Facts) -> Pixels:
    """Arcs by the used PSF, rendered again where that is not the declared one."""
    imaging, references = facts.imaging, facts.references
    used = used_psfs(table, imaging, references)
    other = np.flatnonzero([one != two for one, two in zip(used, declared, strict=True)])
    if len(other):
        rows = table.iloc[other].reset_index(drop=True)
        by_declared[other] = render_arcs(rows, [used[row] for row in other], imaging, references)[0]
    return by_declared
