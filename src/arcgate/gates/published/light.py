"""Light of stamps within circles about their galaxies, and which control belongs to which positive."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.source import Facts
from arcgate.gates.core.shard import Shard
from arcgate.gates.core.stamps import Pixels, Stamps
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
    pixels = stamps.imaging.size_pix**2
    squared = _squared_radii(stamps).reshape(len(stamps.table), pixels)
    inside = ((squared >= inner_pix**2) & (squared < outer_pix**2)).astype(np.float32)
    sums = image.reshape(*image.shape[:2], pixels) @ inside[:, :, None]
    return sums[:, :, 0].astype(np.float64), inside.sum(axis=1, dtype=np.float64)


def ring_means(image: NDArray[np.float32], stamps: Stamps, edges_pix: tuple[int, ...]) -> Array:
    """Mean over rings between consecutive edges about each galaxy, of one band (n, y, x); shape (n, ring).

    Edges are whole pixels, so that the whole part of a radius tells its ring.
    """
    n, rings = len(image), len(edges_pix) - 1
    whole = np.sqrt(_squared_radii(stamps)).astype(np.int64)
    place = (np.searchsorted(edges_pix, np.arange(whole.max(initial=0) + 1), side="right") - 1)[whole]
    inside = place < rings
    index = (place + rings * np.arange(n)[:, None, None])[inside]
    sums, counts = (np.bincount(index, weights, minlength=n * rings) for weights in (image[inside], None))
    means: Array = (sums / np.maximum(counts, 1)).reshape(n, rings)
    return means


def radii_arcsec(stamps: Stamps) -> Array:
    """Distance of each pixel from its galaxy, arcsec, shape (n, y, x)."""
    radii: Array = np.sqrt(_squared_radii(stamps)) * stamps.imaging.pixel_scale_arcsec
    return radii


def _squared_radii(stamps: Stamps) -> Array:
    """Squared distance of each pixel from its galaxy, pixels^2: ten times cheaper than the distance."""
    pixel = np.arange(stamps.imaging.size_pix, dtype=np.float64)
    squared: Array = np.square(pixel - stamps.x[:, None])[:, None, :] + np.square(pixel - stamps.y[:, None])[:, :, None]
    return squared


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
