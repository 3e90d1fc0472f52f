"""Injection of arcs into cutouts: pure, each row by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.references import NONE, References
from arcgate.ground.draws import generator
from arcgate.imaging import Imaging
from arcgate.injection.arcs import render_arcs, used_psfs
from arcgate.injection.certifying import as_declared
from arcgate.injection.compiled_sums import sums_into
from arcgate.injection.core_mask import kept, radius_from
from arcgate.lensing.noise import photon_noise, updated_ivar

Images = NDArray[np.float32]


@dataclass(frozen=True)
class Injected:
    """Stamps and arcs, float32 (n, band, y, x), and the measured columns of their rows."""

    image: Images
    arc: Images
    measured: pd.DataFrame


def inject(rows: pd.DataFrame, cutouts: Images, imaging: Imaging, references: References = NONE) -> Injected:
    """Add to each cutout the arc that its row declares.

    Parameters
    ----------
    rows : DataFrame of n rows
        Manifest rows with the host's columns (sky_sigma, gain, ivar, host_x_pix, host_y_pix) joined. Unlensed and ring rows come
        with the positives of their pairs, whose light they get; every other row is treated by itself.
    cutouts : ndarray, float32 (n, band, y, x)
        Hosts, nanomaggies per pixel.
    imaging : Imaging
        Of the cutouts.
    references : References
        Kernels and images that rows name.

    Returns
    -------
    Injected
        `float32(cutout + arc)` and the arc as added, with the noise of its photons where the row asks for it. Control rows come
        out as they went in, with an arc of zeros.
    """
    arcs = np.zeros((len(rows), *imaging.shape), dtype=np.float32)
    lit = np.flatnonzero((rows["role"] != "control").to_numpy())
    measured = pd.DataFrame(index=rows.index)
    if len(lit):
        table = rows.iloc[lit].reset_index(drop=True)
        full, lost = render_arcs(table, used_psfs(table, imaging, references), imaging, references)
        full, lost, scale = as_declared(table, full, lost, imaging)
        # Most sets have neither noise nor mask: what changes nothing is not computed.
        noisy = full + photons_of(table, full, "arc_noise", imaging) if (table["arc_noise"] != "none").any() else full
        mask = core_mask(table, imaging) if (table["core_mask_kind"] != "none").any() else None
        arcs[lit] = noisy if mask is None else noisy * mask
        seen = full if mask is None else full * mask**2
        columns = _measure(table, full, arcs[lit], lost, imaging) | _ivar(table, seen, imaging) | {"flux_scale": scale}
        measured = pd.DataFrame(columns, index=rows.index[lit]).reindex(rows.index)
    return Injected(image=cutouts + arcs, arc=arcs, measured=measured)


def core_mask(table: pd.DataFrame, imaging: Imaging) -> Images:
    """Share of each row's arc that its core mask leaves, float32 (n, 1, y, x)."""
    radius = _radius(table, imaging)
    settings = zip(table["core_mask_kind"], table["core_mask_radius_pix"], table["core_mask_width_pix"], strict=True)
    left = [kept(distance, *setting) for distance, setting in zip(radius, settings, strict=True)]
    return np.stack(left)[:, None].astype(np.float32)


def photons_of(table: pd.DataFrame, arc: Images, stream: str, imaging: Imaging) -> Images:
    """Photon noise of the arcs of rows that ask for it, zeros for others; each stream of random numbers has its own noise."""
    noise = np.zeros_like(arc)
    gain = _by_band(table, "gain", imaging)
    for i in np.flatnonzero((table["arc_noise"] == "poisson").to_numpy()):
        rng = generator(int(table["seed"].iloc[i]), stream, int(table["sample_id"].iloc[i]))
        noise[i] = photon_noise(rng, arc[i].astype(np.float64), gain[i])
    return noise


def _radius(table: pd.DataFrame, imaging: Imaging) -> NDArray[np.float64]:
    """Distance of each pixel from its row's galaxy, pixels, (n, y, x)."""
    x, y = (table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
    return radius_from(x, y, imaging.size_pix)


def _by_band(table: pd.DataFrame, stem: str, imaging: Imaging) -> NDArray[np.float64]:
    """A quantity of each band, shape (n, band, 1, 1)."""
    return table[[f"{stem}_{band}" for band in imaging.bands]].to_numpy(np.float64)[:, :, None, None]


def _measure(
    table: pd.DataFrame, full: Images, added: Images, lost: NDArray[np.float64], imaging: Imaging
) -> dict[str, NDArray[np.float64]]:
    sky, reference = _by_band(table, "sky_sigma", imaging)[:, :, 0, 0], imaging.bands.index(imaging.reference_band)
    psfsize = table[f"psfsize_{imaging.reference_band}"].to_numpy(np.float64)
    out = {"theta_e_over_psf": table["theta_e_arcsec"].to_numpy(np.float64) / psfsize}
    for suffix, arc in (("", full), ("_injected", added)):
        flux, squares, core = _sums(table, arc, imaging)
        out[f"arc_snr{suffix}"] = np.sqrt((squares / sky**2).sum(axis=1))
        out[f"arc_core_share{suffix}"] = _shares(core[:, reference], flux[:, reference])
        out |= {f"arc_flux{suffix}_{band}": flux[:, i] for i, band in enumerate(imaging.bands)}
    return out | {f"arc_flux_lost_{band}": lost[:, i] for i, band in enumerate(imaging.bands)}


def _sums(table: pd.DataFrame, arc: Images, imaging: Imaging) -> NDArray[np.float64]:
    """Light, sum of squares, and light in the core, of each arc and band: shape (3, n, band)."""
    sums = np.empty((3, len(arc), len(imaging.bands)))
    x, y = (table[name].to_numpy(np.float64) for name in ("host_x_pix", "host_y_pix"))
    sums_into(sums[0], sums[1], sums[2], np.ascontiguousarray(arc), x, y, imaging.core_pix)
    return sums


def _shares(inside: NDArray[np.float64], total: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a band's light in the core; NaN for an arc without light."""
    share = np.full(len(total), np.nan)
    np.divide(inside, total, out=share, where=total > 0)
    return share


def _ivar(table: pd.DataFrame, noisy: Images, imaging: Imaging) -> dict[str, NDArray[np.float64]]:
    """Inverse of the mean variance of each stamp's pixels: the sky's, and where arcs have noise that of the light `noisy`."""
    with_noise = (table["arc_noise"] == "poisson").to_numpy()
    if not with_noise.any():
        return {f"ivar_{band}": table[f"ivar_{band}"].to_numpy(np.float64) for band in imaging.bands}
    light = np.maximum(noisy, 0.0).mean(axis=(2, 3), dtype=np.float64)
    out = {}
    for i, band in enumerate(imaging.bands):
        sky, gain = (table[f"{stem}_{band}"].to_numpy(np.float64) for stem in ("ivar", "gain"))
        out[f"ivar_{band}"] = np.where(with_noise, updated_ivar(sky, light[:, i], gain), sky)
    return out
