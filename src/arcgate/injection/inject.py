"""Injection of arcs into cutouts: pure, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from arcgate.dataset.schema import BANDS, IMAGE_SHAPE, ZERO_POINT
from arcgate.errors import ArcgateError
from arcgate.injection.core_mask import kept, radius_from
from arcgate.lensing.psf import Psf
from arcgate.lensing.render import Lens, Source, Spectrum, arc_spectrum, convolve

CORE_RADIUS_PIX = 5.0
Images = NDArray[np.float32]


@dataclass(frozen=True)
class Injected:
    """Stamps and arcs, float32 (n, band, y, x), and the measured columns of their rows."""

    image: Images
    arc: Images
    measured: pd.DataFrame


def inject(rows: pd.DataFrame, cutouts: Images) -> Injected:
    """Add to each cutout the arc that its row declares.

    Parameters
    ----------
    rows : DataFrame of n rows
        Manifest rows with the host's columns (sky_sigma, gain, host_x_pix, host_y_pix) joined.
    cutouts : ndarray, float32 (n, 3, 64, 64)
        Hosts, nanomaggies per pixel.

    Returns
    -------
    Injected
        `float32(cutout + arc)` and the arc as added. Control rows come out as they went in, with an arc of zeros.
    """
    arcs = np.zeros((len(rows), *IMAGE_SHAPE), dtype=np.float32)
    measured: list[dict[str, float]] = []
    for i, row in enumerate(records(rows)):
        if row["role"] == "control":
            measured.append({})
            continue
        full, lost = render_arc(row, used_psfs(row))
        keep = kept(
            radius_from(row["host_x_pix"], row["host_y_pix"]),
            row["core_mask_kind"],
            row["core_mask_radius_pix"],
            row["core_mask_width_pix"],
        )
        arcs[i] = full * keep
        measured.append(_measure(row, full, arcs[i].astype(np.float64), lost))
    return Injected(image=cutouts + arcs, arc=arcs, measured=pd.DataFrame(measured, index=rows.index))


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column name."""
    return cast("list[dict[str, Any]]", rows.to_dict("records"))


def used_psfs(row: dict[str, Any]) -> tuple[Psf, ...]:
    """Return the PSF of each band with which the row's arc was convolved.

    Raises
    ------
    ArcgateError
        A width or exponent outside its range, naming the sample.
    """
    betas = [None if pd.isna(row[f"psf_beta_used_{band}"]) else float(row[f"psf_beta_used_{band}"]) for band in BANDS]
    try:
        widths = [float(row[f"psf_fwhm_used_{band}"]) for band in BANDS]
        return tuple(Psf(row["psf_profile_used"], width, beta) for width, beta in zip(widths, betas, strict=True))
    except ValueError as error:
        raise ArcgateError(
            str(error),
            where=f"manifest row with sample_id {row['sample_id']}, host {row['host_id']}",
            todo="leave this host out of the survey, or correct its psfsize",
        ) from error


def row_spectrum(row: dict[str, Any]) -> Spectrum:
    """Spectrum of the row's lensed source, for an unlensed flux of 1.

    Raises
    ------
    ArcgateError
        A parameter outside its range, naming the sample.
    """
    try:
        lens = Lens(row["theta_e_arcsec"], row["lens_q"], row["lens_phi_rad"], row["gamma1"], row["gamma2"])
        source = Source(
            row["source_reff_arcsec"],
            row["source_sersic_n"],
            row["source_q"],
            row["source_phi_rad"],
            row["source_x_arcsec"],
            row["source_y_arcsec"],
        )
    except ValueError as error:
        raise ArcgateError(
            str(error), where=f"manifest row with sample_id {row['sample_id']}", todo="correct the manifest"
        ) from error
    return arc_spectrum(lens, source, row["host_x_pix"], row["host_y_pix"])


def source_fluxes(row: dict[str, Any]) -> NDArray[np.float64]:
    """Unlensed flux of the row's source in g, r, z, nanomaggies, times its flux scale."""
    mag_r = row["source_mag_r"]
    mags = np.array([mag_r + row["source_gr"], mag_r, mag_r - row["source_rz"]])
    fluxes: NDArray[np.float64] = row["flux_scale"] * 10.0 ** (-0.4 * (mags - ZERO_POINT))
    return fluxes


def render_arc(row: dict[str, Any], psfs: tuple[Psf, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Arc of a row before any mask.

    Returns
    -------
    arc : ndarray, float64 (3, 64, 64)
        Nanomaggies per pixel.
    lost : ndarray, shape (3,)
        Light of the lensed image that does not fall on the stamp, nanomaggies.
    """
    spectrum = row_spectrum(row)
    arc = convolved_arc(row, spectrum, psfs)
    return arc, source_fluxes(row) * spectrum[0, 0].real - arc.sum(axis=(1, 2))


def convolved_arc(row: dict[str, Any], spectrum: Spectrum, psfs: tuple[Psf, ...]) -> NDArray[np.float64]:
    """The arc of a row from its spectrum: float64 (3, 64, 64), nanomaggies per pixel."""
    return np.stack([flux * convolve(spectrum, psf) for flux, psf in zip(source_fluxes(row), psfs, strict=True)])


def _measure(
    row: dict[str, Any], full: NDArray[np.float64], added: NDArray[np.float64], lost: NDArray[np.float64]
) -> dict[str, float]:
    sky = np.array([row[f"sky_sigma_{band}"] for band in BANDS])[:, None, None]
    core = radius_from(row["host_x_pix"], row["host_y_pix"]) < CORE_RADIUS_PIX
    out = {
        "arc_snr": float(np.sqrt(np.sum((full / sky) ** 2))),
        "arc_snr_injected": float(np.sqrt(np.sum((added / sky) ** 2))),
        "arc_core_share": _core_share(full, core),
        "arc_core_share_injected": _core_share(added, core),
        "theta_e_over_psf": row["theta_e_arcsec"] / row["psfsize_r"],
    }
    for i, band in enumerate(BANDS):
        out[f"arc_flux_{band}"], out[f"arc_flux_lost_{band}"] = float(full[i].sum()), float(lost[i])
        out[f"arc_flux_injected_{band}"] = float(added[i].sum())
    return out


def _core_share(arc: NDArray[np.float64], core: NDArray[np.bool_]) -> float:
    """Share of the r-band light at r < 5 px; NaN for an arc without light."""
    total = arc[BANDS.index("r")].sum()
    return float(arc[BANDS.index("r")][core].sum() / total) if total > 0 else float("nan")
