"""Lens and source parameters of each pair, drawn from a grid."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from arcgate.colours import carried
from arcgate.data_node import Grid
from arcgate.ground.draws import Ids, between, choice, normal, uniform
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.lensing.images import image_counts
from arcgate.survey.splits import split_of_sources

# Colours of the sources: blue star-forming galaxies, a normal about a mean, as observed for field galaxies fainter than
# r = 22 (the locus of blue galaxies in the Legacy Surveys: g - r near 0.4, r - z near 0.35).
SOURCE_COLOURS = {"gr": (0.40, 0.15), "rz": (0.35, 0.15)}

# theta_E tied to luminosity: sigma^4 goes with L (Faber & Jackson 1976) and theta_E with sigma^2, so that at one redshift
# theta_E goes with 10^(-0.2 m). Pivot: the SLACS lenses' typical theta_E of 1.2 arcsec (Bolton et al. 2008), put at 18.5 mag
# in r, or in whatever band is the reference.
PIVOT_MAG = 18.5
PIVOT_THETA_E_ARCSEC = 1.2


def draw_arcs(grid: Grid, seed: int, pair_ids: Ids, host_mag: NDArray[np.float64], imaging: Imaging) -> pd.DataFrame:
    """Draw the arc of each pair.

    Parameters
    ----------
    grid : Grid
        Values to draw from.
    seed : int
        Seed of the data set.
    pair_ids : ndarray of int, shape (n,)
        Identities; a pair's arc depends on nothing else but the seed and its host's magnitude.
    host_mag : ndarray, shape (n,)
        Magnitude of each pair's host in the reference band.
    imaging : Imaging
        Whose bands sources have magnitudes in: their colours in g, r and z are carried to other bands (`carried`).

    Returns
    -------
    DataFrame of n rows
        The lens and source columns of the manifest (`arcgate.dataset.schema.MANIFEST`).
    """
    shear = choice(seed, "shear", pair_ids, grid.shear)
    shear_angle = between(seed, "shear_angle", pair_ids, 0.0, np.pi)
    ellipticity = choice(seed, "ellipticity", pair_ids, grid.ellipticity)
    offset = grid.offset_arcsec
    mag = host_mag + choice(seed, "dmag", pair_ids, grid.dmag)
    # Relative to r.
    shape = {"g": _colour("gr", seed, pair_ids), "r": np.zeros(len(pair_ids)), "z": -_colour("rz", seed, pair_ids)}
    offsets = carried(shape, imaging.bands)
    at_reference = offsets[imaging.reference_band]
    arcs = pd.DataFrame(
        {
            "theta_e_arcsec": einstein_radii(grid, seed, pair_ids, host_mag),
            "lens_q": between(seed, "lens_q", pair_ids, *grid.lens_q),
            "lens_phi_rad": between(seed, "lens_phi", pair_ids, 0.0, np.pi),
            "gamma1": shear * np.cos(2.0 * shear_angle),
            "gamma2": shear * np.sin(2.0 * shear_angle),
            **{f"source_mag_{band}": mag + (offset - at_reference) for band, offset in offsets.items()},
            "source_reff_arcsec": choice(seed, "reff", pair_ids, grid.reff_arcsec),
            "source_sersic_n": grid.sersic_n,
            "source_q": (1.0 - ellipticity) / (1.0 + ellipticity),
            "source_phi_rad": between(seed, "source_phi", pair_ids, 0.0, np.pi),
            "source_x_arcsec": between(seed, "source_x", pair_ids, -offset, offset),
            "source_y_arcsec": between(seed, "source_y", pair_ids, -offset, offset),
        }
    )
    lenses = arcs[["source_x_arcsec", "source_y_arcsec", "theta_e_arcsec", "lens_q", "lens_phi_rad", "gamma1", "gamma2"]]
    arcs["n_images"] = image_counts(*lenses.to_numpy().T)
    return arcs


def with_images(arcs: pd.DataFrame, images: pd.DataFrame, seed: int, pair_ids: Ids, split: NDArray[np.str_]) -> pd.DataFrame:
    """Arcs whose sources are images of the pair's split, turned anyhow, instead of Sersic profiles.

    Parameters
    ----------
    arcs : DataFrame of n rows
        From `draw_arcs`.
    images : DataFrame
        Columns of `arcgate.dataset.references.IMAGE_COLUMNS`.
    seed, pair_ids
        As of `draw_arcs`.
    split : ndarray of str, shape (n,)
        Of each pair.

    Raises
    ------
    ArcgateError
        No image falls into a split that pairs are in.
    """
    served = split_of_sources(images["origin"].tolist())
    drawn, which = uniform(seed, "source_image", pair_ids), np.zeros(len(arcs), dtype=np.int64)
    for name in np.unique(split):
        mine, rows = np.flatnonzero(served == name), split == name
        if not len(mine):
            raise ArcgateError(
                f"none of {len(images)} source images falls into split {name}, and none may be shared between splits",
                where="data.source.path",
                todo="give more images",
            )
        which[rows] = mine[(drawn[rows] * len(mine)).astype(np.int64)]
    chosen = images.iloc[which]
    return arcs.assign(
        source_image=chosen["name"].to_numpy(dtype=object),
        source_reff_arcsec=chosen["half_light_arcsec"].to_numpy(np.float64),
        source_phi_rad=between(seed, "source_phi", pair_ids, 0.0, 2.0 * np.pi),
        source_sersic_n=np.nan,
        source_q=np.nan,
    )


def einstein_radii(grid: Grid, seed: int, pair_ids: Ids, host_mag: NDArray[np.float64]) -> NDArray[np.float64]:
    """Einstein radius of each pair, arcsec; arguments as those of `draw_arcs`."""
    if grid.theta_e_from == "grid":
        return choice(seed, "theta_e", pair_ids, grid.theta_e_arcsec)
    expected = PIVOT_THETA_E_ARCSEC * 10.0 ** (-0.2 * (host_mag - PIVOT_MAG))
    low, high = min(grid.theta_e_arcsec), max(grid.theta_e_arcsec)
    if grid.theta_e_scatter_dex == 0.0:
        return np.clip(expected, low, high)
    # A normal in dex, truncated to the grid's range: radii stay tied to luminosity, and none pile up at the range's ends.
    shortest, longest = (np.log10(end / expected) / grid.theta_e_scatter_dex for end in (low, high))
    # Both ends on the side of the normal's tail where its integral keeps its digits.
    flipped = shortest > 0.0
    near, far = np.where(flipped, -longest, shortest), np.where(flipped, -shortest, longest)
    drawn = ndtri(ndtr(near) + uniform(seed, "theta_e", pair_ids) * (ndtr(far) - ndtr(near)))
    scatter = grid.theta_e_scatter_dex * np.where(flipped, -drawn, drawn)
    radius: NDArray[np.float64] = np.clip(expected * 10.0**scatter, low, high)
    return radius


def _colour(name: str, seed: int, pair_ids: Ids) -> NDArray[np.float64]:
    mean, sigma = SOURCE_COLOURS[name]
    return mean + sigma * normal(seed, f"source_{name}", pair_ids)
