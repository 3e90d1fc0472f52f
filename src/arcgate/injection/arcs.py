"""Arcs of manifest rows: from columns to lenses, sources and PSFs, and to rendered light."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from arcgate.dataset.schema import ZERO_POINT
from arcgate.ground.errors import ArcgateError
from arcgate.imaging import Imaging
from arcgate.lensing.models import Lenses, RowError, Sersics
from arcgate.lensing.psf import Psf, fwhm_from_psfsize
from arcgate.lensing.render import render

Psfs = tuple[Psf, ...]

LENS_COLUMNS: Final = {
    "theta_e_arcsec": "theta_e_arcsec",
    "q": "lens_q",
    "phi_rad": "lens_phi_rad",
    "gamma1": "gamma1",
    "gamma2": "gamma2",
}
SOURCE_COLUMNS: Final = {
    "reff_arcsec": "source_reff_arcsec",
    "n": "source_sersic_n",
    "q": "source_q",
    "phi_rad": "source_phi_rad",
    "x_arcsec": "source_x_arcsec",
    "y_arcsec": "source_y_arcsec",
}
PLACE_COLUMNS: Final = {
    "x_pix": "host_x_pix",
    "y_pix": "host_y_pix",
    "x_arcsec": "source_x_arcsec",
    "y_arcsec": "source_y_arcsec",
    "flux": "source_mag_* or flux_scale",
}


def render_arcs(table: pd.DataFrame, psfs: list[Psfs], imaging: Imaging) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Arcs of manifest rows before any mask.

    Parameters
    ----------
    table : DataFrame of n rows
        Manifest columns with `host_x_pix` and `host_y_pix`.
    psfs : list of n tuples
        The PSF of each band.
    imaging : Imaging
        Of the stamps.

    Returns
    -------
    arc : ndarray, float32 (n, band, y, x)
        Nanomaggies per pixel.
    lost : ndarray, float64 (n, band)
        Light of the lensed image that does not fall on the stamp, nanomaggies.

    Raises
    ------
    ArcgateError
        A parameter outside its range, naming sample and column.
    """
    x, y = (torch.from_numpy(table[name].to_numpy(np.float64).copy()) for name in ("host_x_pix", "host_y_pix"))
    with _named(table, LENS_COLUMNS):
        lenses = Lenses.of(**engine_columns(table, LENS_COLUMNS))
    with _named(table, SOURCE_COLUMNS):
        sources = Sersics.of(**engine_columns(table, SOURCE_COLUMNS))
    with _named(table, PLACE_COLUMNS):
        rendered = render(lenses, sources, torch.from_numpy(source_fluxes(table, imaging)), x, y, psfs, imaging.frame)
    arc = rendered.image.numpy()
    return arc, rendered.total.numpy() - arc.sum(axis=(2, 3), dtype=np.float64)


def engine_columns(table: pd.DataFrame, names: dict[str, str]) -> dict[str, NDArray[np.float64]]:
    """Columns of the manifest by the names of the engine's parameters; null is NaN."""
    return {parameter: table[column].to_numpy(np.float64, na_value=np.nan) for parameter, column in names.items()}


@contextmanager
def _named(table: pd.DataFrame, names: dict[str, str]) -> Iterator[None]:
    """Turn an error about a row of the engine into one about a sample and a column of the manifest."""
    try:
        yield
    except RowError as error:
        row, column = table.iloc[error.row], names.get(error.column, error.column)
        raise ArcgateError(
            f"{column} {error.rule}, got {error.value}",
            where=f"manifest row with sample_id {row['sample_id']}, host {row['host_id']}, column {column}",
            todo="correct the manifest, or leave this host out of the survey",
        ) from error


def source_fluxes(table: pd.DataFrame, imaging: Imaging) -> NDArray[np.float64]:
    """Unlensed flux of each row's source in each band, nanomaggies, times its flux scale; shape (n, bands)."""
    names = (*(f"source_mag_{band}" for band in imaging.bands), "flux_scale")
    *mags_by_band, scale = (table[name].to_numpy(np.float64, na_value=np.nan) for name in names)
    mags = np.stack(mags_by_band, axis=1)
    fluxes: NDArray[np.float64] = scale[:, None] * 10.0 ** (-0.4 * (mags - ZERO_POINT))
    return fluxes


def used_psfs(table: pd.DataFrame, imaging: Imaging) -> list[Psfs]:
    """The PSFs with which each row's arc was convolved.

    Raises
    ------
    ArcgateError
        A width or exponent outside its range, naming the sample.
    """
    return [_psfs(row, imaging, row["psf_profile_used"], "psf_fwhm_used", "psf_beta_used") for row in records(table)]


def declared_psfs(table: pd.DataFrame, imaging: Imaging) -> list[Psfs]:
    """The PSFs that the survey declares: Moffats of its exponents and of the widths that psfsize implies."""
    declared = table.copy()
    for band in imaging.bands:
        psfsize, beta = (declared[f"{stem}_{band}"].to_numpy(np.float64) for stem in ("psfsize", "psf_beta_declared"))
        declared[f"fwhm_{band}"] = fwhm_from_psfsize(psfsize, beta)
    return [_psfs(row, imaging, "moffat", "fwhm", "psf_beta_declared") for row in records(declared)]


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column name."""
    return cast("list[dict[str, Any]]", rows.to_dict("records"))


def _psfs(row: dict[str, Any], imaging: Imaging, profile: Any, width: str, exponent: str) -> Psfs:
    betas = [None if pd.isna(row[f"{exponent}_{band}"]) else float(row[f"{exponent}_{band}"]) for band in imaging.bands]
    try:
        return tuple(Psf(profile, float(row[f"{width}_{band}"]), beta) for band, beta in zip(imaging.bands, betas, strict=True))
    except ValueError as error:
        raise ArcgateError(
            str(error),
            where=f"manifest row with sample_id {row['sample_id']}, host {row['host_id']}",
            todo="leave this host out of the survey, or correct its psfsize",
        ) from error
