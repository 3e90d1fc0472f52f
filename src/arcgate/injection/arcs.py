"""Arcs of manifest rows: from columns to lenses, sources and PSFs, and to rendered light."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, cast

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from arcgate.dataset.references import NONE, References
from arcgate.ground.errors import UnfitDataError
from arcgate.imaging import ZERO_POINT, Imaging
from arcgate.lensing.models import Lenses, RowError, Sersics
from arcgate.lensing.psf import Kernel, Psf, fwhm_from_psfsize
from arcgate.lensing.render import Rendered, render
from arcgate.lensing.source_image import SourceImages

Psfs = tuple[Psf | Kernel, ...]

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
IMAGE_COLUMNS: Final = {
    "x_arcsec": "source_x_arcsec",
    "y_arcsec": "source_y_arcsec",
    "phi_rad": "source_phi_rad",
    "size_factor": "source_reff_arcsec",
}
PLACE_COLUMNS: Final = {
    "x_pix": "host_x_pix",
    "y_pix": "host_y_pix",
    "x_arcsec": "source_x_arcsec",
    "y_arcsec": "source_y_arcsec",
    "flux": "source_mag_* or flux_scale",
}


def render_arcs(
    table: pd.DataFrame, psfs: list[Psfs], imaging: Imaging, references: References = NONE
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Arcs of manifest rows before any mask.

    Parameters
    ----------
    table : DataFrame of n rows
        Manifest columns with `host_x_pix` and `host_y_pix`.
    psfs : list of n tuples
        The PSF of each band.
    imaging : Imaging
        Of the stamps.
    references : References
        Images that rows name as their sources.

    Returns
    -------
    arc : ndarray, float32 (n, band, y, x)
        Nanomaggies per pixel.
    lost : ndarray, float64 (n, band)
        Light of the lensed image that does not fall on the stamp, nanomaggies.

    Raises
    ------
    ArcgateError
        A parameter outside its range, naming sample and column, or an image that is missing.
    """
    rendered = lensed(table, psfs, source_fluxes(table, imaging), imaging, references)
    arc = rendered.image.numpy()
    return arc, rendered.total.numpy() - arc.sum(axis=(2, 3), dtype=np.float64)


def lensed(
    table: pd.DataFrame, psfs: Sequence[Psfs], flux: NDArray[np.float64], imaging: Imaging, references: References = NONE
) -> Rendered:
    """What the engine makes of rows; `flux` (n, channels) goes with as many PSFs a row, whatever they stand for."""
    named = image_names(table)
    if named.all() or not named.any():
        return _lensed(table, psfs, flux, imaging, references)
    image = torch.empty((len(table), flux.shape[1], *imaging.shape[1:]), dtype=torch.float32)
    total = torch.empty(flux.shape, dtype=torch.float64)
    for kind in (named, ~named):
        rows: list[int] = np.flatnonzero(kind).tolist()
        part = _lensed(table.iloc[rows].reset_index(drop=True), [psfs[row] for row in rows], flux[rows], imaging, references)
        image[rows], total[rows] = part.image, part.total
    return Rendered(image, total)


def image_names(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Rows whose source is an image of the set's own table."""
    if "source_image" not in table:
        return np.zeros(len(table), dtype=bool)
    return table["source_image"].notna().to_numpy(bool)


def kernels_named(table: pd.DataFrame, imaging: Imaging) -> NDArray[np.bool_]:
    """Rows whose declared PSF is a kernel of the set's own table in every band."""
    names = [f"kernel_declared_{band}" for band in imaging.bands]
    if not set(names) <= set(table):
        return np.zeros(len(table), dtype=bool)
    return table[names].notna().all(axis=1).to_numpy(bool)


def _lensed(
    table: pd.DataFrame, psfs: Sequence[Psfs], flux: NDArray[np.float64], imaging: Imaging, references: References
) -> Rendered:
    """Rows whose sources are of one kind."""
    x, y = (torch.from_numpy(table[name].to_numpy(np.float64).copy()) for name in ("host_x_pix", "host_y_pix"))
    with _named(table, LENS_COLUMNS):
        lenses = Lenses.of(**engine_columns(table, LENS_COLUMNS))
    sources = _sources(table, references)
    with _named(table, PLACE_COLUMNS):
        return render(lenses, sources, torch.from_numpy(flux), x, y, psfs, imaging.frame)


def _sources(table: pd.DataFrame, references: References) -> Sersics | SourceImages:
    if not image_names(table).any():
        with _named(table, SOURCE_COLUMNS):
            return Sersics.of(**engine_columns(table, SOURCE_COLUMNS))
    images, index, half_light_arcsec = references.images(table["source_image"])
    columns = engine_columns(table, IMAGE_COLUMNS)
    columns["size_factor"] = columns["size_factor"] / half_light_arcsec
    with _named(table, IMAGE_COLUMNS):
        return images.placed(index, **columns)


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
        raise UnfitDataError(
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


def used_psfs(table: pd.DataFrame, imaging: Imaging, references: References = NONE) -> list[Psfs]:
    """The PSFs with which each row's arc was convolved.

    Raises
    ------
    ArcgateError
        A width or exponent outside its range, naming the sample, or a kernel that is missing.
    """
    columns = _Columns("psf_fwhm_used", "psf_beta_used", "kernel_used")
    rows = records(_of_psfs(table, columns, imaging, "psf_profile_used"))
    return [_psfs(row, imaging, row["psf_profile_used"], columns, references) for row in rows]


def declared_psfs(table: pd.DataFrame, imaging: Imaging, references: References = NONE) -> list[Psfs]:
    """The PSFs that the survey declares: kernels that rows name, else Moffats of the widths that psfsize implies."""
    columns = _Columns("fwhm", "psf_beta_declared", "kernel_declared")
    declared = _of_psfs(table, columns, imaging)
    for band in imaging.bands:
        psfsize, beta = (table[f"{stem}_{band}"].to_numpy(np.float64) for stem in ("psfsize", "psf_beta_declared"))
        declared[f"fwhm_{band}"] = fwhm_from_psfsize(psfsize, beta)
    return [_psfs(row, imaging, "moffat", columns, references) for row in records(declared)]


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dictionaries by column name."""
    return cast("list[dict[str, Any]]", rows.to_dict("records"))


class _Columns(NamedTuple):
    """Stems of the columns that hold a PSF."""

    width: str
    exponent: str
    kernel: str


def _of_psfs(table: pd.DataFrame, columns: _Columns, imaging: Imaging, *more: str) -> pd.DataFrame:
    """What is looked at of a table: making rows of all of its columns takes longer than anything else here."""
    names = ["sample_id", "host_id", *more, *(f"{stem}_{band}" for stem in columns for band in imaging.bands)]
    return table[[name for name in names if name in table]].copy()


def _psfs(row: dict[str, Any], imaging: Imaging, profile: Any, columns: _Columns, references: References) -> Psfs:
    try:
        return tuple(_psf(row, band, profile, columns, references) for band in imaging.bands)
    except ValueError as error:
        raise UnfitDataError(
            str(error),
            where=f"manifest row with sample_id {row['sample_id']}, host {row['host_id']}",
            todo="leave this host out of the survey, or correct its psfsize",
        ) from error


def _psf(row: dict[str, Any], band: str, profile: Any, columns: _Columns, references: References) -> Psf | Kernel:
    kernel, exponent = row.get(f"{columns.kernel}_{band}"), row[f"{columns.exponent}_{band}"]
    if kernel is not None and not pd.isna(kernel):
        return references.kernel(kernel)
    return Psf(profile, float(row[f"{columns.width}_{band}"]), None if pd.isna(exponent) else float(exponent))
