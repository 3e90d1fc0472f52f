"""Light of stamps within circles about their galaxies, and which control belongs to which positive."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps
from arcgate.gates.features.rings import sums_between
from arcgate.gates.features.summaries import ring_sums
from arcgate.imaging import Imaging

Array = NDArray[np.float64]

# Where the annulus begins, of half the stamp: 20 px of the published 64 x 64.
_ANNULUS = 20 / 32


def annulus_pix(imaging: Imaging) -> float:
    """Inner radius of the annulus, pixels."""
    return _ANNULUS * imaging.size_pix / 2


def in_core(imaging: Imaging) -> str:
    """The core in words."""
    return f"r < {imaging.core_pix:.3g} px"


def in_annulus(imaging: Imaging) -> str:
    """The annulus in words."""
    return f"r >= {annulus_pix(imaging):.3g} px"


def reference(imaging: Imaging) -> int:
    """Place of the reference band, in which most diagnostics look."""
    return imaging.bands.index(imaging.reference_band)


def mean_light(image: Pixels, stamps: Stamps, inner_pix: float, outer_pix: float) -> Array:
    """Mean over inner <= r < outer about each galaxy, nanomaggies per pixel, shape (n, band)."""
    sums, pixels = sums_of_light(image, stamps, inner_pix, outer_pix)
    mean: Array = sums / pixels[:, None]
    return mean


def sums_of_light(image: Pixels, stamps: Stamps, inner_pix: float, outer_pix: float) -> tuple[Array, Array]:
    """Sum over inner <= r < outer about each galaxy, nanomaggies, shape (n, band), and the number of pixels there, (n,)."""
    return sums_between(image, stamps.radius, inner_pix, outer_pix)


def ring_means(image: NDArray[np.float32], stamps: Stamps, edges_pix: tuple[int, ...]) -> Array:
    """Mean over rings between consecutive edges (whole pixels) about each galaxy, of one band (n, y, x); shape (n, ring)."""
    sums, pixels = ring_sums(image[:, None], stamps.x, stamps.y, edges_pix)
    means: Array = sums[:, 0] / pixels
    return means


def radii_arcsec(stamps: Stamps) -> Array:
    """Distance of each pixel from its galaxy, arcsec, shape (n, y, x)."""
    radii: Array = stamps.radius * stamps.imaging.pixel_scale_arcsec
    return radii


def own_controls(shard: Shard) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows of positives that have a control in their pair, and the rows of those controls."""
    pairs = shard.control.table["pair_id"].to_numpy(np.int64)
    first, where = np.unique(pairs, return_index=True)
    control = pd.Index(first).get_indexer(pd.Index(shard.positive.table["pair_id"].to_numpy(np.int64)))
    positive = np.flatnonzero(control >= 0)
    return positive, where[control[positive]]


def column(stamps: Stamps, name: str) -> Array:
    """A numerical column; NaN where the data set does not have it, or the row no value."""
    if name not in stamps.table:
        return np.full(len(stamps.table), np.nan)
    return stamps.table[name].to_numpy(np.float64, na_value=np.nan)


def arc_flux(shard: Shard, facts: Facts) -> Array:
    """Light of each positive's arc by band, nanomaggies, shape (n, band); NaN where nothing tells it.

    A pedestal in the light must not enter, or the regression on flux would explain a part of it away: the pixels of a stamp make
    a flux of it. What is declared comes first: the arc that the declared parameters predict, else the column arc_flux_*.
    Otherwise the light inside the annulus above the level in it, from which a constant drops out.
    """
    if shard.declared is not None:
        total: Array = shard.declared.sum(axis=(2, 3), dtype=np.float64)
        return total
    imaging = shard.positive.imaging
    names = [f"arc_flux_{band}" for band in imaging.bands]
    if set(names) <= facts.columns:
        return np.stack([column(shard.positive, name) for name in names], axis=1)
    if shard.arc is None:
        return np.full((len(shard.positive.table), len(names)), np.nan)
    begins = annulus_pix(imaging)
    inside, pixels = sums_of_light(shard.arc, shard.positive, 0.0, begins)
    above: Array = inside - mean_light(shard.arc, shard.positive, begins, np.inf) * pixels[:, None]
    return above


def arc_snr(shard: Shard) -> Array:
    """sqrt(sum arc^2 / sky_sigma^2) over pixels and bands: the column where there is one, else from the light; shape (n,)."""
    declared = column(shard.positive, "arc_snr")
    if np.isfinite(declared).any() or shard.arc is None:
        return declared
    snr: Array = np.sqrt(np.square(shard.arc / shard.positive.sky).sum(axis=(1, 2, 3)))
    return snr
